//! The nodes of contact plans: which proposed contacts are made, under which constraints.
//!
//! It refuses to know meaning: a scope is what stands in it, a window is as it is written.

use super::{Comparison, Expr, Let, Lexeme, Name, Path, Range, Text, Window};
use crate::diagnostic::Span;

/// A clause of `contacts`.
#[derive(Clone, Debug, PartialEq)]
pub enum ContactsClause {
    /// `title …`
    Title(Vec<(Name, Text)>),
    /// `let value = …`
    Let(Let),
    /// `maximise sum(contact.score for contacts)`
    Maximise(Expr),
    /// `exclude contacts offer "X" for members in segment "Y" where …`
    Inclusion {
        /// `include` rather than `exclude`.
        include: bool,
        /// Which contacts.
        scope: ContactScope,
        /// Of which members.
        members: Option<Members>,
    },
    /// `capacity at most 1_000 contacts offer "X" within any 7 days except … at most 500 contacts`
    Capacity {
        /// What is bounded.
        what: CapacityOf,
        /// Of which contacts.
        scope: ContactScope,
        /// When.
        window: Window,
        /// Other bounds for some days.
        exceptions: Vec<(Range, Bounds)>,
    },
    /// `each member in segment "Y" at most 3 contacts within any 7 days`
    Each {
        /// Of which members.
        members: Option<Members>,
        /// What they get.
        what: EachOf,
    },
}

/// What a capacity bounds.
#[derive(Clone, Debug, PartialEq)]
pub enum CapacityOf {
    /// `at least 5 contacts and at most 10 contacts`
    Count(Bounds),
    /// `sum(contact.cost) <= 20_000 EUR`
    Amount {
        /// `sum`, `avg`
        function: Name,
        /// Of each contact.
        value: Expr,
        /// How it is compared.
        comparison: Comparison,
        /// With what.
        bound: Expr,
    },
}

/// What each member gets.
#[derive(Clone, Debug, PartialEq)]
pub enum EachOf {
    /// `at most 7 times of_same offer "X" within any 6 months`
    Bounds {
        /// How many.
        bounds: Bounds,
        /// `of_same`: of each offer by itself.
        of_same: bool,
        /// Of which contacts.
        scope: ContactScope,
        /// When.
        window: Window,
        /// `else skip`: the least number is not asked of who cannot come to it.
        skip: bool,
    },
    /// `never offer "A" with offer "B" within this month`
    Never {
        /// One sort.
        first: ContactScope,
        /// `then` rather than `with`.
        in_order: bool,
        /// The other.
        second: ContactScope,
        /// When.
        window: Window,
    },
    /// `gets offer "B" only after offer "A" within last 90 days`
    Gets {
        /// What takes another.
        scope: ContactScope,
        /// `after` rather than `with`.
        after: bool,
        /// The other.
        on: ContactScope,
        /// When; ever, where it is absent.
        window: Option<Window>,
    },
}

/// `at least 3 offers and at most 25 offers`
#[derive(Clone, Debug, PartialEq)]
pub struct Bounds {
    /// `at least …`
    pub at_least: Option<(Lexeme, Name)>,
    /// `at most …`
    pub at_most: Option<(Lexeme, Name)>,
    /// All of it.
    pub span: Span,
}

/// Which contacts: `offer_list "Mortgages" via [email, web] where contact.score > 5`
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ContactScope {
    /// The kind and the names; any offer where it is absent.
    pub offers: Option<(Name, Vec<Text>)>,
    /// The channels.
    pub via: Vec<Expr>,
    /// `where …`
    pub condition: Option<Expr>,
}

/// `members in segment "Y"`, `members in regulars`
#[derive(Clone, Debug, PartialEq)]
pub enum Members {
    /// A kind and names.
    Reference(Name, Vec<Text>),
    /// A segment of the programme.
    Path(Path),
}
