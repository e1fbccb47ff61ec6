//! Lists of scores and amounts: four bytes for each where all of them fit, and eight where one does not. Refuses to know what
//! they are of.

/// Whole numbers, one after another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Amounts(Kept);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kept {
    Narrow(Vec<i32>),
    Wide(Vec<i64>),
}

impl Default for Amounts {
    fn default() -> Self {
        Amounts(Kept::Narrow(Vec::new()))
    }
}

impl Amounts {
    /// None yet, with room for so many.
    pub fn with_capacity(count: usize) -> Amounts {
        Amounts(Kept::Narrow(Vec::with_capacity(count)))
    }

    /// So many times the same.
    pub fn repeat(amount: i64, count: usize) -> Amounts {
        match i32::try_from(amount) {
            Ok(amount) => Amounts(Kept::Narrow(vec![amount; count])),
            Err(_) => Amounts(Kept::Wide(vec![amount; count])),
        }
    }

    /// How many.
    pub fn len(&self) -> usize {
        match &self.0 {
            Kept::Narrow(list) => list.len(),
            Kept::Wide(list) => list.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// One more.
    pub fn push(&mut self, amount: i64) {
        match &mut self.0 {
            Kept::Narrow(list) => match i32::try_from(amount) {
                Ok(amount) => list.push(amount),
                Err(_) => {
                    let mut wide: Vec<i64> = list.iter().map(|amount| i64::from(*amount)).collect();
                    wide.push(amount);
                    self.0 = Kept::Wide(wide);
                }
            },
            Kept::Wide(list) => list.push(amount),
        }
    }

    /// One of them; nothing is there as 0.
    pub fn get(&self, at: usize) -> i64 {
        match &self.0 {
            Kept::Narrow(list) => list.get(at).map_or(0, |amount| i64::from(*amount)),
            Kept::Wide(list) => list.get(at).copied().unwrap_or(0),
        }
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = i64> + '_ {
        (0..self.len()).map(|at| self.get(at))
    }
}

impl FromIterator<i64> for Amounts {
    fn from_iter<I: IntoIterator<Item = i64>>(amounts: I) -> Self {
        let mut list = Amounts::default();
        amounts.into_iter().for_each(|amount| list.push(amount));
        list
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_makes_all_of_them_wide() {
        let all = [5, -7, i64::from(i32::MAX), i64::from(i32::MIN), 1 << 40, 3];
        let list: Amounts = all.into_iter().collect();
        assert_eq!(list.iter().collect::<Vec<_>>(), all);
        assert_eq!((list.get(4), list.get(6)), (1 << 40, 0));
        assert_eq!(all[..4].iter().copied().collect::<Amounts>().iter().collect::<Vec<_>>(), all[..4]);
    }
}
