//! The nodes of `ensure`: what every decision keeps to.

use super::{Clause, Expr, Placed};

/// A clause of `ensure`.
#[derive(Clone, Debug, PartialEq)]
pub enum EnsureClause {
    /// `title …`, `on …`, `when …`, `unless …`, `about …`: as in a rule.
    Shared(Clause),
    /// `for each line where …`, `for each unit where …`
    ForEach {
        /// A unit rather than a line.
        unit: bool,
        /// Which of them.
        condition: Option<Expr>,
    },
    /// `keep line.discount <= 40% of line.initial`
    Keep(Expr),
    /// `no gain from splitting, merging`
    NoGain(Vec<Placed<Way>>),
}

/// How the same goods can be bought in more than one way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Way {
    /// On two receipts rather than on one.
    Splitting,
    /// On one receipt rather than on two.
    Merging,
    /// With more that is brought back, rather than alone.
    Returning,
}

impl Way {
    /// All of them.
    pub const ALL: [Way; 3] = [Way::Splitting, Way::Merging, Way::Returning];

    /// As it is written.
    pub fn word(self) -> &'static str {
        match self {
            Way::Splitting => "splitting",
            Way::Merging => "merging",
            Way::Returning => "returning",
        }
    }
}
