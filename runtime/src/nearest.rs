//! The nearest of a few names to one that is not among them, for messages.

/// The name that differs least from `wanted`, where it differs little enough to be meant.
pub fn nearest<'a>(wanted: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted: Vec<char> = wanted.chars().take(65).collect();
    if wanted.len() > 64 {
        return None;
    }
    let allowed = (wanted.len() / 3).clamp(1, 4);
    let mut best: Option<(usize, &str)> = None;
    let mut rows = [Vec::new(), Vec::new(), Vec::new()];
    for name in names {
        if name.len().abs_diff(wanted.len()) > allowed * 4 {
            continue;
        }
        let far = distance(&wanted, name, &mut rows);
        if far <= allowed && best.is_none_or(|(least, _)| far < least) {
            best = Some((far, name));
        }
    }
    best.map(|(_, name)| name)
}

/// Insertions, removals, replacements, and neighbours that changed places; a change of case alone costs nothing but breaks
/// ties by order. (Optimal string alignment.)
fn distance(wanted: &[char], name: &str, [before, row, next]: &mut [Vec<usize>; 3]) -> usize {
    let same = |a: char, b: char| a.to_lowercase().eq(b.to_lowercase());
    row.clear();
    row.extend(0..=wanted.len());
    before.clone_from(row);
    let mut last = None;
    for (at, other) in name.chars().enumerate() {
        next.clear();
        next.push(at + 1);
        for (column, own) in wanted.iter().enumerate() {
            let cost = row[column] + usize::from(!same(*own, other));
            let mut least = cost.min(next[column] + 1).min(row[column + 1] + 1);
            if let (Some(last), Some(left)) = (last, column.checked_sub(1))
                && same(*own, last)
                && same(wanted[left], other)
            {
                least = least.min(before[left] + 1);
            }
            next.push(least);
        }
        last = Some(other);
        std::mem::swap(before, row);
        std::mem::swap(row, next);
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
        assert_eq!(nearest("feul", ["Shop", "Fuel"]), Some("Fuel"));
        assert_eq!(nearest("pric", ["price", "pieces"]), Some("price"));
        assert_eq!(nearest("", ["a"]), Some("a"));
        assert_eq!(nearest(&"x".repeat(100_000), ["a"]), None);
    }
}
