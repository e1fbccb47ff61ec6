//! Bounds of contact plans that contradict each other, whatever is proposed: sorts of contacts as numbers of contacts of
//! each kind that the clauses tell apart, and least numbers held against everything that keeps contacts out. It refuses to
//! know proposals and histories, and says nothing of conditions but that they hold or do not.

use super::bounds::{Bounded, Conflict, Declares};
use super::simplex::{Largest, System, Terms};
use crate::ir::{ContactCount, ContactRuleKind, ContactWindow, Period};
use crate::lint::shape::{Shape, Shapes};
use crate::typed::{Expr, ExprKind, FieldId, Program, Ratio, Step};
use perq_grammar::diagnostic::Place;
use std::collections::BTreeSet;

/// Conditions, other than on the offer and the channel, that are told apart.
const MAX_CONDITIONS: usize = 10;

/// Ways in which offers, channels and conditions come together.
const MAX_WAYS: usize = 100_000;

/// Kinds of contacts that the clauses tell apart.
const MAX_KINDS: usize = 400;

/// What is known of all contact plans of a program, which hold together.
pub(super) fn plans(program: &Program) -> Option<Bounded> {
    let contacts = &program.contacts;
    if contacts.plans.is_empty() {
        return None;
    }
    let names: Vec<&str> = contacts.plans.iter().map(|plan| plan.name.as_str()).collect();
    let mut answer = Bounded {
        of: Declares::Contacts,
        name: names.join(", "),
        conflicts: Vec::new(),
        met: None,
        undecided: None,
    };
    let Some(kinds) = Kinds::of(program) else {
        answer.undecided =
            Some("their clauses tell more sorts of contacts apart than are looked at".to_owned());
        return Some(answer);
    };
    let plans = Plans { program, kinds };
    match plans.conflicts() {
        Some(conflicts) => answer.conflicts = conflicts,
        None => answer.undecided = Some("their numbers are too large to be worked out exactly".to_owned()),
    }
    Some(answer)
}

/// The kinds of contacts that clauses tell apart: for each, which sorts it is of.
struct Kinds(Vec<Vec<bool>>);

/// What conditions of sorts are made of.
#[derive(Default)]
struct Atoms {
    offers: BTreeSet<String>,
    channels: BTreeSet<String>,
    conditions: Vec<Shape>,
}

/// A way in which atoms come together; without a name it is one that no clause names.
struct Way<'a> {
    offer: Option<&'a str>,
    channel: Option<&'a str>,
    conditions: usize,
}

/// Where names of offers and channels stand.
struct Named<'p> {
    program: &'p Program,
    offer: FieldId,
    channel: FieldId,
    shapes: Shapes,
}

/// What one condition is.
enum Asks<'e> {
    Truth(bool),
    Not(&'e Expr),
    All(&'e [Expr]),
    One(&'e [Expr]),
    Offer(&'e [String]),
    Channel(&'e [String]),
    Condition(Shape),
}

impl<'p> Named<'p> {
    fn asks<'e>(&self, condition: &'e Expr) -> Asks<'e> {
        if let ExprKind::Bool(truth) = &condition.kind {
            return Asks::Truth(*truth);
        }
        if let ExprKind::Not(inner) = &condition.kind {
            return Asks::Not(inner);
        }
        if let ExprKind::And(parts) = &condition.kind {
            return Asks::All(parts);
        }
        if let ExprKind::Or(parts) = &condition.kind {
            return Asks::One(parts);
        }
        if let ExprKind::InReference(value, reference) = &condition.kind
            && let ExprKind::Field { field, of: None } = &value.kind
            && let Some(kind) = self.program.kinds.get(reference.kind.index())
            && !kind.hierarchical
            && kind.of.is_none()
        {
            if *field == self.offer {
                return Asks::Offer(&reference.names);
            }
            if *field == self.channel {
                return Asks::Channel(&reference.names);
            }
        }
        Asks::Condition(self.shapes.of(condition))
    }

    fn learn(&self, condition: &Expr, atoms: &mut Atoms) {
        match self.asks(condition) {
            Asks::Truth(_) => {}
            Asks::Not(inner) => self.learn(inner, atoms),
            Asks::All(parts) | Asks::One(parts) => parts.iter().for_each(|part| self.learn(part, atoms)),
            Asks::Offer(names) => atoms.offers.extend(names.iter().cloned()),
            Asks::Channel(names) => atoms.channels.extend(names.iter().cloned()),
            Asks::Condition(shape) => {
                if !atoms.conditions.contains(&shape) {
                    atoms.conditions.push(shape);
                }
            }
        }
    }

    fn holds(&self, condition: &Expr, way: &Way<'_>, conditions: &[Shape]) -> bool {
        let is_of = |name: Option<&str>, names: &[String]| {
            name.is_some_and(|name| names.iter().any(|own| own == name))
        };
        match self.asks(condition) {
            Asks::Truth(truth) => truth,
            Asks::Not(inner) => !self.holds(inner, way, conditions),
            Asks::All(parts) => parts.iter().all(|part| self.holds(part, way, conditions)),
            Asks::One(parts) => parts.iter().any(|part| self.holds(part, way, conditions)),
            Asks::Offer(names) => is_of(way.offer, names),
            Asks::Channel(names) => is_of(way.channel, names),
            Asks::Condition(shape) => conditions
                .iter()
                .position(|own| *own == shape)
                .is_some_and(|bit| way.conditions >> bit & 1 == 1),
        }
    }
}

impl Kinds {
    /// As the clauses tell them apart that bound how many there are; where that is too many, as those do that ask for some.
    fn of(program: &Program) -> Option<Kinds> {
        let rules = &program.contacts.rules;
        let asks = rules.iter().filter_map(|(kind, ..)| match kind {
            ContactRuleKind::Count { sort, at_least, .. } => at_least.map(|_| *sort),
            ContactRuleKind::Each { sort, at_least, .. } => at_least.map(|_| *sort),
            ContactRuleKind::Amount { .. } | ContactRuleKind::Never { .. } | ContactRuleKind::Only { .. } => {
                None
            }
        });
        let bounds = rules.iter().filter_map(|(kind, ..)| match kind {
            ContactRuleKind::Count { sort, at_most, .. } => at_most.map(|_| *sort),
            ContactRuleKind::Each { sort, at_most, .. } => at_most.map(|_| *sort),
            ContactRuleKind::Amount { .. } | ContactRuleKind::Never { .. } | ContactRuleKind::Only { .. } => {
                None
            }
        });
        let drops = program.contacts.drops.iter().map(|(sort, ..)| *sort);
        let asks: Vec<u32> = asks.collect();
        let with_bounds: Vec<u32> = asks.iter().copied().chain(bounds).collect();
        let all: Vec<u32> = with_bounds.iter().copied().chain(drops).collect();
        [all, with_bounds, asks].iter().find_map(|sorts| Kinds::of_sorts(program, sorts))
    }

    /// As these sorts tell them apart; no contact is of another.
    fn of_sorts(program: &Program, wanted: &[u32]) -> Option<Kinds> {
        let contacts = &program.contacts;
        let (offer, channel, _) = contacts.fields?;
        let lets: Vec<Step> = contacts.plans.iter().flat_map(|plan| plan.lets.iter().cloned()).collect();
        let named = Named { program, offer, channel, shapes: Shapes::of_steps(&lets) };
        let mut atoms = Atoms::default();
        let sorts: Vec<Option<&Expr>> = (0u32..)
            .zip(&contacts.sorts)
            .map(|(number, sort)| wanted.contains(&number).then_some(sort))
            .collect();
        sorts.iter().flatten().for_each(|sort| named.learn(sort, &mut atoms));
        if atoms.conditions.len() > MAX_CONDITIONS {
            return None;
        }
        let names = |of: &BTreeSet<String>| {
            of.iter().cloned().map(Some).chain([None]).collect::<Vec<Option<String>>>()
        };
        let (offers, channels) = (names(&atoms.offers), names(&atoms.channels));
        let ways = 1usize << atoms.conditions.len();
        if offers.len().checked_mul(channels.len())?.checked_mul(ways)? > MAX_WAYS {
            return None;
        }
        let mut kinds: BTreeSet<Vec<bool>> = BTreeSet::new();
        for offer in &offers {
            for channel in &channels {
                for conditions in 0..ways {
                    let way = Way { offer: offer.as_deref(), channel: channel.as_deref(), conditions };
                    let is_of = |sort: &Option<&Expr>| {
                        sort.is_some_and(|sort| named.holds(sort, &way, &atoms.conditions))
                    };
                    kinds.insert(sorts.iter().map(is_of).collect());
                    if kinds.len() > MAX_KINDS {
                        return None;
                    }
                }
            }
        }
        Some(Kinds(kinds.into_iter().collect()))
    }

    /// So many times the contacts of a sort.
    fn sum(&self, sort: u32, times: i128) -> Terms {
        let of_sort = |kind: &Vec<bool>| kind.get(sort as usize).copied().unwrap_or(false);
        (0..)
            .zip(&self.0)
            .filter(|(_, kind)| of_sort(kind))
            .map(|(at, _)| (at, Ratio::whole(times)))
            .collect()
    }
}

/// A clause as a bound in one window.
#[derive(Clone)]
struct Clause<'p> {
    sort: u32,
    /// At least so many of it; otherwise at most.
    least: bool,
    number: i64,
    window: ContactWindow,
    text: &'p str,
    place: Place,
}

struct Plans<'p> {
    program: &'p Program,
    kinds: Kinds,
}

impl<'p> Plans<'p> {
    fn conflicts(&self) -> Option<Vec<Conflict>> {
        let mut found = Vec::new();
        // What is not made at all, by all members together.
        let mut never: Vec<Clause<'p>> = Vec::new();
        for (sort, text, place) in &self.program.contacts.drops {
            never.push(self.none(*sort, text, *place));
        }
        for (kind, text, place) in &self.program.contacts.rules {
            if let ContactRuleKind::Each { members: None, sort, at_most: Some(0), .. } = kind {
                never.push(self.none(*sort, text, *place));
            }
        }
        // What a member who gets anything of a sort must get of it, and cannot.
        for (kind, text, place) in &self.program.contacts.rules {
            let ContactRuleKind::Each { members, sort, window, at_least: Some(least), .. } = kind else {
                continue;
            };
            // A calendar month of which the session has only a part asks for nothing.
            if *least < 1 || matches!(window, ContactWindow::Each(_)) {
                continue;
            }
            let own =
                Clause { sort: *sort, least: true, number: *least, window: *window, text, place: *place };
            let mut others: Vec<Clause<'p>> = never.clone();
            others.extend(self.of_members(*members));
            others.extend(self.shared(false));
            if let Some(conflict) = self.conflict(std::slice::from_ref(&own), &others, Whose::Member)? {
                found.push(conflict);
                if members.is_none() {
                    never.push(self.none(*sort, text, *place));
                }
            }
        }
        let mut others = never;
        others.extend(self.shared(false));
        let mut left: Vec<Clause<'p>> = Vec::new();
        for own in self.shared(true) {
            match self.conflict(std::slice::from_ref(&own), &others, Whose::All)? {
                Some(conflict) => found.push(conflict),
                None => left.push(own),
            }
        }
        // Each of them can be met, and those that are asked for in the same windows perhaps not together.
        while let Some(first) = left.first().cloned() {
            let mut same: Vec<Clause<'p>> =
                left.iter().filter(|own| own.window == first.window).cloned().collect();
            if same.len() > 1
                && let Some(conflict) = self.conflict(&same, &others, Whose::All)?
            {
                same.retain(|own| {
                    own.place == conflict.place || conflict.with.iter().any(|(place, _)| *place == own.place)
                });
                found.push(conflict);
                let Some(known) = same.first().map(|own| own.place) else { break };
                left.retain(|own| own.place != known);
            } else {
                left.retain(|own| own.window != first.window);
            }
        }
        Some(found)
    }

    fn none(&self, sort: u32, text: &'p str, place: Place) -> Clause<'p> {
        Clause { sort, least: false, number: 0, window: ContactWindow::Ever, text, place }
    }

    /// Least numbers, or most, of all members together, as weak as exceptions make them.
    fn shared(&self, least: bool) -> Vec<Clause<'p>> {
        let mut found = Vec::new();
        for (kind, text, place) in &self.program.contacts.rules {
            let ContactRuleKind::Count { sort, window, at_least, at_most, exceptions } = kind else {
                continue;
            };
            let of_exceptions = exceptions.iter();
            let number = if least {
                at_least.map(|own| of_exceptions.filter_map(|days| days.at_least).fold(own, i64::min))
            } else {
                at_most.map(|own| of_exceptions.filter_map(|days| days.at_most).fold(own, i64::max))
            };
            let Some(number) = number.filter(|number| !least || *number > 0) else { continue };
            found.push(Clause { sort: *sort, least, number, window: *window, text, place: *place });
        }
        found
    }

    /// What one of these members gets at most.
    fn of_members(&self, members: Option<u32>) -> Vec<Clause<'p>> {
        let mut found = Vec::new();
        for (kind, text, place) in &self.program.contacts.rules {
            if let ContactRuleKind::Each {
                members: own,
                sort,
                window,
                counted: ContactCount::Contacts,
                at_most: Some(number),
                // What may be skipped is a least number; the most holds all the same.
                at_least: _,
                skip: _,
            } = kind
                && (own.is_none() || *own == members)
            {
                let clause = Clause {
                    sort: *sort,
                    least: false,
                    number: *number,
                    window: *window,
                    text,
                    place: *place,
                };
                found.push(clause);
            }
        }
        found
    }

    /// How many can be had at most of what least numbers ask for; nothing where they can all be met, and the outer
    /// nothing where that is not known.
    fn meets(&self, least: &[Clause<'p>], others: &[Clause<'p>]) -> Option<bool> {
        let system = self.system(least, others)?;
        match system.largest(&[]) {
            Largest::Nothing => Some(false),
            Largest::Value(..) | Largest::Endless => Some(true),
            Largest::Unknown => None,
        }
    }

    fn system(&self, least: &[Clause<'p>], others: &[Clause<'p>]) -> Option<System> {
        let mut system = System::default();
        for _ in &self.kinds.0 {
            system.variable();
        }
        for own in least {
            system.at_most(self.kinds.sum(own.sort, -1), Ratio::whole(i128::from(own.number).checked_neg()?));
        }
        let window = least.first()?.window;
        for other in others {
            let Some(times) = windows(window, other.window).filter(|_| !other.least) else { continue };
            let most = i128::from(other.number).checked_mul(times)?;
            system.at_most(self.kinds.sum(other.sort, 1), Ratio::whole(most));
        }
        Some(system)
    }

    /// A smallest set of clauses that cannot all be met, of these.
    fn conflict(
        &self,
        least: &[Clause<'p>],
        others: &[Clause<'p>],
        whose: Whose,
    ) -> Option<Option<Conflict>> {
        if self.meets(least, others)? {
            return Some(None);
        }
        let mut needed = others.to_vec();
        for at in (0..others.len()).rev() {
            let mut without = needed.clone();
            if at < without.len() {
                without.remove(at);
            }
            if !self.meets(least, &without)? {
                needed = without;
            }
        }
        let mut asked = least.to_vec();
        for at in (0..least.len()).rev() {
            let mut without = asked.clone();
            if at < without.len() {
                without.remove(at);
            }
            if !without.is_empty() && !self.meets(&without, &needed)? {
                asked = without;
            }
        }
        // What is needed for all of them may not be for those that are left.
        for at in (0..needed.len()).rev() {
            let mut without = needed.clone();
            if at < without.len() {
                without.remove(at);
            }
            if !self.meets(&asked, &without)? {
                needed = without;
            }
        }
        let Some((first, further)) = asked.split_first() else { return Some(None) };
        // The most that there is room for.
        let room = self.room(first, further, &needed);
        let leave = if needed.len() == 1 { "another clause leaves" } else { "other clauses leave" };
        let why = match whose {
            Whose::Member => format!(
                "nobody is ever sent one: whoever gets any gets at least {}, and {leave} room for {room}",
                first.number
            ),
            Whose::All if further.is_empty() => {
                format!("at least {} can never be sent: {leave} room for {room}", first.number)
            }
            Whose::All => format!(
                "at least {} can never be sent beside the others: they leave room for {room}",
                first.number
            ),
        };
        let with = further.iter().chain(&needed).map(|own| (own.place, own.text.to_owned())).collect();
        let repair = match needed.iter().all(|own| own.number == 0) {
            true => "leave out the least number, or what keeps these contacts out".to_owned(),
            false => format!("let the least number be {room} or less, or the others leave more room"),
        };
        Some(Some(Conflict { why, place: first.place, with, repair }))
    }

    /// How many of a sort there is room for.
    fn room(&self, first: &Clause<'p>, further: &[Clause<'p>], needed: &[Clause<'p>]) -> i128 {
        let nothing = Clause { number: 0, ..first.clone() };
        let least: Vec<Clause<'p>> = [nothing].into_iter().chain(further.iter().cloned()).collect();
        let Some(system) = self.system(&least, needed) else { return 0 };
        match system.largest(&self.kinds.sum(first.sort, 1)) {
            Largest::Value(value, _) => value.num.div_euclid(value.den.max(1)),
            Largest::Nothing | Largest::Endless | Largest::Unknown => 0,
        }
    }
}

/// For whom least numbers are.
#[derive(Clone, Copy)]
enum Whose {
    Member,
    All,
}

/// The longest and the shortest that a window can be, in days; nothing where that depends on the session.
fn days(window: ContactWindow) -> Option<(i128, i128)> {
    match window {
        ContactWindow::Days(days) => Some((days.into(), days.into())),
        ContactWindow::Months(months) => {
            Some((i128::from(months).checked_mul(31)?, i128::from(months).checked_mul(28)?))
        }
        ContactWindow::Each(period) => Some(match period {
            Period::Day => (1, 1),
            Period::Week => (7, 7),
            Period::Month => (31, 28),
            Period::Quarter => (92, 90),
            Period::HalfYear => (184, 181),
            Period::Year => (366, 365),
        }),
        ContactWindow::Session | ContactWindow::Ever => None,
    }
}

/// Whether each period of one sort lies in one of the other.
fn lies_in(short: Period, long: Period) -> bool {
    let order = |period: Period| match period {
        Period::Day => 0,
        Period::Week => 1,
        Period::Month => 2,
        Period::Quarter => 3,
        Period::HalfYear => 4,
        Period::Year => 5,
    };
    short == long
        || short == Period::Day
        || (short != Period::Week && order(short) <= order(long) && long != Period::Week)
}

/// How many windows of the other sort hold together all that one of the first sort can hold; nothing where no number of
/// them is sure to.
fn windows(asked: ContactWindow, other: ContactWindow) -> Option<i128> {
    let parted = |long: i128, short: i128| long.checked_add(short)?.checked_sub(1)?.checked_div(short);
    match (asked, other) {
        (_, ContactWindow::Ever) | (ContactWindow::Session, ContactWindow::Session) => Some(1),
        // What was before counts for one of them only, or there is no end to it.
        (ContactWindow::Session | ContactWindow::Ever, _) | (_, ContactWindow::Session) => None,
        (ContactWindow::Each(short), ContactWindow::Each(long)) if lies_in(short, long) => Some(1),
        (ContactWindow::Months(short), ContactWindow::Months(long)) if short <= long => Some(1),
        (
            ContactWindow::Days(_) | ContactWindow::Months(_) | ContactWindow::Each(_),
            ContactWindow::Days(_) | ContactWindow::Months(_),
        ) => parted(days(asked)?.0, days(other)?.1),
        (
            ContactWindow::Days(_) | ContactWindow::Months(_) | ContactWindow::Each(_),
            ContactWindow::Each(_),
        ) => {
            // It may begin within one, and end within another.
            let (long, short) = (days(asked)?.0, days(other)?.1);
            long.checked_add(short)?.checked_sub(2)?.checked_div(short)?.checked_add(1)
        }
    }
}
