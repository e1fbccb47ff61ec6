//! A Code Quality report of GitLab.

use super::Finding;
use crate::excerpt::bounded;
use serde_json::{Value, json};

/// The report.
pub fn text(findings: &[Finding]) -> String {
    let issues: Vec<Value> = findings
        .iter()
        .map(|finding| {
            json!({
                "description": bounded(&finding.diagnostic.message),
                "check_name": finding.diagnostic.name,
                "fingerprint": finding.fingerprint,
                "severity": if finding.is_error() { "major" } else { "minor" },
                "location": { "path": finding.path, "lines": { "begin": finding.start.0, "end": finding.end.0 } },
            })
        })
        .collect();
    format!("{:#}\n", Value::Array(issues))
}
