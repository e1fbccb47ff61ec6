//! Annotations of a GitHub workflow: one line for each finding.

use super::Finding;
use crate::excerpt::bounded;

/// The lines.
pub fn text(findings: &[Finding]) -> String {
    let mut out = String::new();
    for finding in findings {
        let command = if finding.is_error() { "error" } else { "warning" };
        let repairs = finding.repairs();
        let message = bounded(&finding.diagnostic.message);
        let message = if repairs.is_empty() { message.into_owned() } else { format!("{message}\n{repairs}") };
        // An annotation ends on its last character, not behind it, and its columns are of one line.
        let columns = if finding.start.0 == finding.end.0 {
            format!(",col={},endColumn={}", finding.start.1, finding.end.1)
        } else {
            String::new()
        };
        out.push_str(&format!(
            "::{command} file={},line={},endLine={}{columns},title={}::{}\n",
            property(&finding.path),
            finding.start.0,
            finding.end.0,
            finding.diagnostic.name,
            data(&message)
        ));
    }
    out
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_is_said_can_end_a_line_or_begin_a_property() {
        assert_eq!(data("50%\n::error::x\r"), "50%25%0A::error::x%0D");
        assert_eq!(property("a,b:c"), "a%2Cb%3Ac");
    }
}
