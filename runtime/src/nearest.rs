//! The nearest of a few names to one that is not among them, for messages.

/// The name that differs least from `wanted`, where it differs little enough to be meant.
pub(crate) fn nearest<'a>(wanted: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted: Vec<char> = wanted.chars().take(65).collect();
    if wanted.len() > 64 {
        return None;
    }
    let allowed = (wanted.len() / 3).clamp(1, 4);
    let mut best: Option<(usize, &str)> = None;
    let mut row = Vec::new();
    for name in names {
        if name.len().abs_diff(wanted.len()) > allowed * 4 {
            continue;
        }
        let far = distance(&wanted, name, &mut row);
        if far <= allowed && best.is_none_or(|(least, _)| far < least) {
            best = Some((far, name));
        }
    }
    best.map(|(_, name)| name)
}

/// Insertions, removals and replacements; a change of case alone costs nothing but breaks ties by order.
fn distance(wanted: &[char], name: &str, row: &mut Vec<usize>) -> usize {
    row.clear();
    row.extend(0..=wanted.len());
    for (at, other) in name.chars().enumerate() {
        let mut diagonal = at;
        let mut left = at + 1;
        row[0] = left;
        for (column, own) in wanted.iter().enumerate() {
            let same = own.to_lowercase().eq(other.to_lowercase());
            let cost = (diagonal + usize::from(!same)).min(left + 1).min(row[column + 1] + 1);
            diagonal = row[column + 1];
            row[column + 1] = cost;
            left = cost;
        }
    }
    row[wanted.len()]
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn finds_what_is_meant() {
        assert_eq!(nearest("cofee", ["Tea", "Coffee"]), Some("Coffee"));
        assert_eq!(nearest("bread", ["Tea", "Coffee"]), None);
        assert_eq!(nearest("pric", ["price", "pieces"]), Some("price"));
        assert_eq!(nearest("", ["a"]), Some("a"));
        assert_eq!(nearest(&"x".repeat(100_000), ["a"]), None);
    }
}
