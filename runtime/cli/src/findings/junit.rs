//! JUnit's XML: one case for each finding, or one that passes where there is none.

use super::Finding;
use crate::excerpt::bounded;

/// The report.
pub fn text(findings: &[Finding], command: &str) -> String {
    let errors = findings.len();
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let tests = errors.max(1);
    out.push_str(&format!("<testsuites name=\"perq {command}\" tests=\"{tests}\" failures=\"{errors}\">\n"));
    out.push_str(&format!("  <testsuite name=\"perq {command}\" tests=\"{tests}\" failures=\"{errors}\">\n"));
    if findings.is_empty() {
        out.push_str(&format!("    <testcase classname=\"perq\" name=\"{command}\"/>\n"));
    }
    for finding in findings {
        let at = format!("{}:{}:{}", finding.path, finding.start.0, finding.start.1);
        let severity = if finding.is_error() { "error" } else { "warning" };
        let repairs = finding.repairs();
        out.push_str(&format!(
            "    <testcase classname=\"{}\" name=\"{} {}\" file=\"{}\" line=\"{}\">\n",
            escaped(&finding.path),
            finding.diagnostic.name,
            escaped(&at),
            escaped(&finding.path),
            finding.start.0
        ));
        out.push_str(&format!(
            "      <failure type=\"{severity}\" message=\"{}\">{}</failure>\n    </testcase>\n",
            escaped(&bounded(&finding.diagnostic.message)),
            escaped(&format!("{at}\n{repairs}"))
        ));
    }
    out.push_str("  </testsuite>\n</testsuites>\n");
    out
}

/// Characters that XML cannot hold at all become question marks.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' => out.push_str("&#10;"),
            '\t' => out.push_str("&#9;"),
            character if character.is_control() || matches!(character, '\u{FFFE}' | '\u{FFFF}') => {
                out.push('?')
            }
            character => out.push(character),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_xml_cannot_hold_does_not_get_there() {
        assert_eq!(escaped("a<b>&\"\u{0}\u{1b}\n"), "a&lt;b&gt;&amp;&quot;??&#10;");
        let empty = text(&[], "lint");
        assert!(empty.contains("tests=\"1\" failures=\"0\""), "{empty}");
    }
}
