//! Numbers and tables for people: digits in groups of three, columns under each other, no boxes.

/// `10 655 622`
pub fn grouped(number: u64) -> String {
    decimal(&number.to_string())
}

/// `10 655 622 members`, `1 entry`
pub fn counted(number: u64, noun: &str) -> String {
    let noun = match noun.strip_suffix('y') {
        _ if number == 1 => noun.to_owned(),
        Some(stem) if !stem.ends_with(['a', 'e', 'o', 'u']) => format!("{stem}ies"),
        Some(_) | None => format!("{noun}s"),
    };
    format!("{} {noun}", grouped(number))
}

/// `10 655 622.48` of `10655622.48`
pub fn decimal(text: &str) -> String {
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", text),
    };
    let (whole, fraction) = rest.split_once('.').map_or((rest, None), |(whole, part)| (whole, Some(part)));
    let mut out = sign.to_owned();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at) % 3 == 0 {
            out.push(' ');
        }
        out.push(digit);
    }
    if let Some(fraction) = fraction {
        out.push('.');
        out.push_str(fraction);
    }
    out
}

/// A part of a whole in percent, with two decimals.
pub fn share(part: i128, whole: i128) -> String {
    if whole == 0 {
        return "-".to_owned();
    }
    let hundredths = (part * 20_000 / whole + part.signum() * whole.signum()) / 2;
    let sign = if hundredths < 0 { "-" } else { "" };
    format!("{sign}{}.{:02} %", hundredths.abs() / 100, hundredths.abs() % 100)
}

/// Columns under each other.
#[derive(Debug, Default)]
pub struct Table {
    rows: Vec<Vec<String>>,
    /// Columns that stand at the left; the others at the right.
    left: usize,
}

impl Table {
    /// With a head; the first `left` columns are words.
    pub fn new(left: usize, head: &[&str]) -> Table {
        Table { rows: vec![head.iter().map(|&cell| cell.to_owned()).collect()], left }
    }

    /// Adds a row.
    pub fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.rows.push(cells.into());
    }

    /// The lines; a row that is wider than `width` loses the end of its last word column.
    pub fn lines(&self, indent: usize, width: usize) -> Vec<String> {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let length = |text: &str| text.chars().count();
        let of_column =
            |at: usize| self.rows.iter().filter_map(move |row| row.get(at)).map(|cell| length(cell));
        let mut widths: Vec<usize> = (0..columns).map(|at| of_column(at).max().unwrap_or(0)).collect();
        let total = indent + widths.iter().sum::<usize>() + 2 * columns.saturating_sub(1);
        if let Some(last) = self.left.checked_sub(1).and_then(|at| widths.get_mut(at)) {
            *last = last.saturating_sub(total.saturating_sub(width)).max(8.min(*last));
        }
        let line = |row: &Vec<String>| {
            let mut out = " ".repeat(indent);
            for (at, (cell, width)) in row.iter().zip(&widths).enumerate() {
                let shown: String = if length(cell) > *width {
                    cell.chars().take(width.saturating_sub(1)).chain(['…']).collect()
                } else {
                    cell.clone()
                };
                let blank = " ".repeat(width.saturating_sub(length(&shown)));
                if at > 0 {
                    out.push_str("  ");
                }
                out.push_str(&if at < self.left { shown + &blank } else { blank + &shown });
            }
            out.trim_end().to_owned()
        };
        self.rows.iter().map(line).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_groups() {
        for (number, expected) in [
            ("0", "0"),
            ("999", "999"),
            ("1000", "1 000"),
            ("-1234567.80", "-1 234 567.80"),
            ("0.05", "0.05"),
        ] {
            assert_eq!(decimal(number), expected);
        }
        assert_eq!(
            (share(1, 3).as_str(), share(2, 3).as_str(), share(1, 0).as_str()),
            ("33.33 %", "66.67 %", "-")
        );
    }

    #[test]
    fn columns_stand_under_each_other_and_fit() {
        let mut table = Table::new(2, &["rule", "title", "amount"]);
        table.row(["a".to_owned(), "a title that is rather long".to_owned(), "1.00".to_owned()]);
        table.row(["bcd".to_owned(), "short".to_owned(), "1 000.00".to_owned()]);
        let expected = [
            "  rule  title            amount",
            "  a     a title that…      1.00",
            "  bcd   short          1 000.00",
        ];
        assert_eq!(table.lines(2, 31), expected);
    }
}
