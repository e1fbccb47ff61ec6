//! SARIF 2.1.0: one run, its rules with their pages, its results.

use super::Finding;
use crate::excerpt::bounded;
use crate::pages;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The log.
pub fn text(findings: &[Finding]) -> String {
    let names: BTreeSet<&str> = findings.iter().map(|finding| finding.diagnostic.name).collect();
    let rules: Vec<Value> = names
        .iter()
        .map(|name| {
            let page = pages::page(name).unwrap_or("");
            json!({
                "id": name,
                "shortDescription": { "text": first_paragraph(page) },
                "help": { "text": page, "markdown": page },
            })
        })
        .collect();
    let results: Vec<Value> = findings.iter().map(result).collect();
    let log = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": { "name": "perq", "version": env!("CARGO_PKG_VERSION"), "rules": rules } },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    });
    format!("{log:#}\n")
}

fn result(finding: &Finding) -> Value {
    let repairs = finding.repairs();
    let message = bounded(&finding.diagnostic.message);
    let message = if repairs.is_empty() { message.into_owned() } else { format!("{message}\n{repairs}") };
    json!({
        "ruleId": finding.diagnostic.name,
        "level": if finding.is_error() { "error" } else { "warning" },
        "message": { "text": message },
        "locations": [{
            "physicalLocation": {
                "artifactLocation": { "uri": uri(&finding.path) },
                "region": {
                    "startLine": finding.start.0,
                    "startColumn": finding.start.1,
                    "endLine": finding.end.0,
                    "endColumn": finding.end.1,
                },
            },
        }],
        "partialFingerprints": { "perqFinding/v1": finding.fingerprint },
    })
}

/// What stands between the title of a page and the next blank line.
fn first_paragraph(page: &str) -> String {
    let lines = page.lines().skip(1).skip_while(|line| line.trim().is_empty());
    lines.take_while(|line| !line.trim().is_empty()).collect::<Vec<_>>().join(" ")
}

/// A path as a reference: what such a reference reserves is written in hexadecimal.
pub(crate) fn uri(path: &str) -> String {
    let mut out = String::new();
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_become_references() {
        assert_eq!(uri("rules/a b%é.rule"), "rules/a%20b%25%C3%A9.rule");
        assert_eq!(first_paragraph("# name\n\nOne\ntwo.\n\nThree."), "One two.");
    }
}
