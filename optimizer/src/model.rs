//! What is asked: proposed contacts, what was before, and rules. Refuses to know how it is answered.

use crate::amounts::Amounts;

/// Proposed contacts that one member may have; each is a bit of a set.
pub const MAX_OF_MEMBER: usize = 256;

/// Scopes that rules may tell apart; each is a bit.
pub const MAX_SCOPES: usize = 128;

/// The largest score or amount of a contact that is taken.
pub const MAX_AMOUNT: i64 = 1 << 42;

/// The largest bound that is taken.
pub const MAX_BOUND: i64 = 1 << 60;

/// A set of contacts that rules speak of: the number of a bit in [`Class::scopes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Scope(pub u8);

/// Days from a first to a last, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The first day.
    pub first: i32,
    /// The last.
    pub last: i32,
}

impl Span {
    /// Whether a day lies in it.
    pub fn holds(self, day: i32) -> bool {
        self.first <= day && day <= self.last
    }
}

/// What contacts have in common that rules can tell: the day, and the scopes that they are in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Class {
    /// The day.
    pub day: i32,
    /// A bit for each scope.
    pub scopes: u128,
}

impl Class {
    /// Whether it is in a scope.
    pub fn is_in(&self, scope: Scope) -> bool {
        self.scopes >> scope.0 & 1 == 1
    }
}

/// A contact that was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Past {
    /// Of [`Problem::classes`].
    pub class: u32,
    /// The offer.
    pub offer: u32,
    /// What was sent together has one number.
    pub package: u32,
}

/// The days of which a rule speaks: it holds in each of these spans.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// Ascending, by their first days and by their last days.
    pub spans: Vec<Span>,
    /// What was before counts.
    pub history: bool,
}

/// Other limits for some days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exception {
    /// For these.
    pub days: Span,
    /// At least so many.
    pub at_least: Option<i64>,
    /// At most so many.
    pub at_most: Option<i64>,
}

/// How an amount is held against a bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compare {
    /// `<=`
    AtMost,
    /// `>=`
    AtLeast,
}

/// What is counted of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    /// Contacts.
    Contacts,
    /// What is sent together, once.
    Packages,
    /// Contacts of each offer by itself.
    OfEachOffer,
}

/// A limit on what all members share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limit {
    /// Of which contacts.
    pub scope: Scope,
    /// When.
    pub window: Window,
    /// At least so many, as far as they can be had.
    pub at_least: Option<i64>,
    /// At most so many.
    pub at_most: Option<i64>,
    /// Other limits for some days.
    pub exceptions: Vec<Exception>,
}

/// A limit on what each member gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Each {
    /// Of members with a proposed contact in this scope; of all where there is none.
    pub members: Option<Scope>,
    /// Of which contacts.
    pub scope: Scope,
    /// When.
    pub window: Window,
    /// What is counted.
    pub counted: Counted,
    /// Who gets anything gets at least so many; contacts only.
    pub at_least: Option<i64>,
    /// At most so many.
    pub at_most: Option<i64>,
    /// The least number is not asked of who cannot come to it by the rules of the member's own, those before this one among
    /// those that are skipped so.
    pub skip: bool,
}

/// Two sorts of contacts that do not meet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Never {
    /// Of members with a proposed contact in this scope; of all where there is none.
    pub members: Option<Scope>,
    /// One sort.
    pub first: Scope,
    /// The other.
    pub second: Scope,
    /// They do not meet in any of its spans.
    pub window: Window,
    /// Only a second on a later day than a first is a meeting.
    pub in_order: bool,
}

/// Contacts that take others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Of members with a proposed contact in this scope; of all where there is none.
    pub members: Option<Scope>,
    /// What takes another.
    pub scope: Scope,
    /// One of these.
    pub on: Scope,
    /// The other lies on an earlier day; otherwise on any.
    pub after: bool,
    /// In a span with it.
    pub window: Window,
}

/// A rule; a choice meets all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rule {
    /// So many contacts of all members.
    Count(Limit),
    /// The amounts of all contacts that are chosen: `times` the column less `minus`, summed up, against `bound`.
    Amount {
        /// Of which contacts.
        scope: Scope,
        /// Of [`Problem::columns`].
        column: usize,
        /// What a contact's amount is multiplied with; above zero.
        times: i64,
        /// What is taken from it then.
        minus: i64,
        /// How.
        compare: Compare,
        /// Against what.
        bound: i64,
        /// What is missing is reported, and not refused; for [`Compare::AtLeast`].
        soft: bool,
    },
    /// So much for each member.
    Each(Each),
    /// Two sorts that do not meet.
    Never(Never),
    /// One sort only with another.
    Only(Link),
}

/// What is asked. Contacts of a member stand together; each list has an entry for each contact.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problem {
    /// Where each member's contacts begin; one more than there are members.
    pub members: Vec<u32>,
    /// What a contact is worth.
    pub score: Amounts,
    /// Of [`Problem::classes`].
    pub class: Vec<u32>,
    /// The offer.
    pub offer: Vec<u32>,
    /// What is sent together has one number. Numbers are not shared by members.
    pub package: Vec<u32>,
    /// Amounts of contacts, list by list.
    pub columns: Vec<Amounts>,
    /// What contacts have in common.
    pub classes: Vec<Class>,
    /// Contacts that were made, member by member; of those without a proposed contact, last.
    pub history: Vec<Past>,
    /// Where each member's history begins; one more than there are members, and what follows is of others.
    pub history_of: Vec<u32>,
    /// Contacts that were made to others, counted: how many of a class, besides those of the history.
    pub others: Vec<(Class, i64)>,
    /// The days of the session.
    pub session: Option<Span>,
    /// All of them hold.
    pub rules: Vec<Rule>,
}

/// Why a problem cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProblemError {
    /// Lists that belong together differ in length, or a number points outside of a list.
    Malformed(&'static str),
    /// A member has more than [`MAX_OF_MEMBER`] proposed contacts.
    TooManyOfMember {
        /// Which, by position.
        member: usize,
        /// How many.
        contacts: usize,
    },
    /// A score, an amount or a bound is too large to be summed up.
    TooLarge {
        /// Which contact; a bound where there is none.
        contact: Option<usize>,
    },
}

impl std::fmt::Display for ProblemError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            ProblemError::Malformed(what) => write!(f, "the problem does not fit together: {what}"),
            ProblemError::TooManyOfMember { member, contacts } => write!(
                f,
                "member number {member} has {contacts} proposed contacts, and {MAX_OF_MEMBER} are the most"
            ),
            ProblemError::TooLarge { contact: Some(contact) } => {
                write!(f, "the score or an amount of contact number {contact} is too large")
            }
            ProblemError::TooLarge { contact: None } => write!(f, "a bound is too large"),
        }
    }
}

impl std::error::Error for ProblemError {}

impl Problem {
    /// How many members have proposed contacts.
    pub fn member_count(&self) -> usize {
        self.members.len().saturating_sub(1)
    }

    /// The positions of a member's contacts.
    pub fn contacts_of(&self, member: usize) -> std::ops::Range<usize> {
        let at = |position: usize| self.members.get(position).map_or(0, |start| *start as usize);
        at(member)..at(member + 1)
    }

    /// What a member had before.
    pub fn history_of(&self, member: usize) -> &[Past] {
        let at = |position: usize| self.history_of.get(position).map_or(0, |start| *start as usize);
        self.history.get(at(member)..at(member + 1)).unwrap_or_default()
    }

    /// Whether it fits together; everything that follows relies on it.
    ///
    /// # Errors
    /// Where it does not.
    pub fn check(&self) -> Result<(), ProblemError> {
        let malformed = |what| Err(ProblemError::Malformed(what));
        let contacts = self.score.len();
        let same = [self.class.len(), self.offer.len(), self.package.len()];
        if same
            .iter()
            .chain(self.columns.iter().map(Amounts::len).collect::<Vec<_>>().iter())
            .any(|len| *len != contacts)
        {
            return malformed("lists of contacts differ in length");
        }
        let ends = |starts: &[u32], len: usize, exact: bool| {
            let last = starts.last().map(|last| *last as usize);
            starts.first() == Some(&0)
                && starts.is_sorted()
                && last.is_some_and(|last| if exact { last == len } else { last <= len })
        };
        if !ends(&self.members, contacts, true) || !ends(&self.history_of, self.history.len(), false) {
            return malformed("members do not cover the contacts");
        }
        if self.history_of.len() != self.members.len() || contacts > u32::MAX as usize {
            return malformed("histories are not those of the members");
        }
        let known = |class: &u32| (*class as usize) < self.classes.len();
        if !self.class.iter().all(known) || !self.history.iter().all(|past| known(&past.class)) {
            return malformed("a class is unknown");
        }
        if contacts > 0 && self.session.is_none() {
            return malformed("there are contacts, and no session");
        }
        for member in 0..self.member_count() {
            let contacts = self.contacts_of(member).len();
            if contacts > MAX_OF_MEMBER {
                return Err(ProblemError::TooManyOfMember { member, contacts });
            }
        }
        let large = |amount: i64| amount.unsigned_abs() > MAX_AMOUNT as u64;
        for list in std::iter::once(&self.score).chain(&self.columns) {
            if let Some(contact) = list.iter().position(large) {
                return Err(ProblemError::TooLarge { contact: Some(contact) });
            }
        }
        for rule in &self.rules {
            self.check_rule(rule)?;
        }
        Ok(())
    }

    fn check_rule(&self, rule: &Rule) -> Result<(), ProblemError> {
        let large = |bound: Option<i64>| bound.is_some_and(|bound| bound.unsigned_abs() > MAX_BOUND as u64);
        let scope = |scope: Scope| {
            if (scope.0 as usize) < MAX_SCOPES {
                Ok(())
            } else {
                Err(ProblemError::Malformed("a scope is unknown"))
            }
        };
        let window = |window: &Window| {
            let ordered = window.spans.windows(2).all(|pair| match pair {
                [a, b] => a.first <= b.first && a.last <= b.last,
                _ => true,
            });
            if ordered { Ok(()) } else { Err(ProblemError::Malformed("spans are not ascending")) }
        };
        let bounds = |bounds: &[Option<i64>]| {
            if bounds.iter().any(|bound| large(*bound)) {
                Err(ProblemError::TooLarge { contact: None })
            } else {
                Ok(())
            }
        };
        match rule {
            Rule::Count(limit) => {
                scope(limit.scope)?;
                window(&limit.window)?;
                bounds(&[limit.at_least, limit.at_most])?;
                limit.exceptions.iter().try_for_each(|own| bounds(&[own.at_least, own.at_most]))
            }
            Rule::Amount { scope: of, column, times, minus, compare: _, bound, soft: _ } => {
                scope(*of)?;
                let Some(column) = self.columns.get(*column) else {
                    return Err(ProblemError::Malformed("a column is unknown"));
                };
                bounds(&[Some(*bound)])?;
                let fits = |amount: i64| {
                    let own = i128::from(amount) * i128::from(*times) - i128::from(*minus);
                    own.unsigned_abs() <= MAX_AMOUNT.unsigned_abs().into()
                };
                match column.iter().position(|amount| !fits(amount)) {
                    Some(contact) => Err(ProblemError::TooLarge { contact: Some(contact) }),
                    None if *times < 1 => {
                        Err(ProblemError::Malformed("an amount is multiplied with nothing"))
                    }
                    None => Ok(()),
                }
            }
            Rule::Each(each) => {
                scope(each.scope)?;
                each.members.map_or(Ok(()), scope)?;
                window(&each.window)?;
                bounds(&[each.at_least, each.at_most])?;
                if each.at_least.is_some() && each.counted != Counted::Contacts {
                    return Err(ProblemError::Malformed("a least number is of contacts"));
                }
                Ok(())
            }
            Rule::Never(never) => {
                scope(never.first)?;
                scope(never.second)?;
                never.members.map_or(Ok(()), scope)?;
                window(&never.window)
            }
            Rule::Only(link) => {
                scope(link.scope)?;
                scope(link.on)?;
                link.members.map_or(Ok(()), scope)?;
                window(&link.window)
            }
        }
    }

    /// The spans of a window in which a least number is asked for: those that lie in the session, or the one that holds its
    /// last day where none does.
    pub fn spans_of_least(&self, window: &Window) -> Vec<Span> {
        let Some(session) = self.session else { return Vec::new() };
        let inside = |span: &&Span| session.first <= span.first && span.last <= session.last;
        let spans: Vec<Span> = window.spans.iter().filter(inside).copied().collect();
        if !spans.is_empty() {
            return spans;
        }
        let holds = |span: &&Span| span.holds(session.last);
        window.spans.iter().find(holds).copied().into_iter().collect()
    }
}
