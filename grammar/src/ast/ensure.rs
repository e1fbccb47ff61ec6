//! The nodes of `ensure`: what every decision keeps to.

use super::{Clause, Expr};

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
}
