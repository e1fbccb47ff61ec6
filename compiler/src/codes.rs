//! Codes that people type: when two of them are the same. Refuses to know whose they are.

/// What is compared of a code: without case, without blanks and hyphens, and with letters that look alike folded
/// together, so that a Cyrillic `О`, a Latin `O` and a nought are one.
pub fn fold(code: &str) -> String {
    let plain: String = code.chars().filter(|c| !c.is_whitespace() && !is_hyphen(*c)).collect();
    let alike: String = unicode_security::skeleton(&plain.to_uppercase()).collect();
    // The skeleton of a letter may be a small one: `1` and `I` are both `l`.
    let alike: String = unicode_security::skeleton(&alike.to_uppercase()).collect();
    alike.to_uppercase()
}

fn is_hyphen(c: char) -> bool {
    matches!(c, '-' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_alike_is_the_same() {
        let same = [
            ("SUMMER26", "summer26"),
            ("SUMMER26", " Summer-26 "),
            // Cyrillic letters that look like Latin ones.
            ("COOP", "\u{421}\u{41e}\u{41e}\u{420}"),
            ("COOP", "c00p"),
            ("ILL1", "1LLI"),
        ];
        for (a, b) in same {
            assert_eq!(fold(a), fold(b), "{a} {b}");
        }
        for (a, b) in [("SUMMER26", "SUMMER27"), ("AB", "BA"), ("W10-1", "W10-2"), ("\u{416}", "X")] {
            assert_ne!(fold(a), fold(b), "{a} {b}");
        }
    }
}
