//! Random plans with all sorts of rules.

use crate::support::Dice;
use perq_optimizer::{
    Amounts, Class, Compare, Counted, Each, Exception, Limit, Link, Never, Past, Problem, Rule, Scope, Span,
    Window,
};

const OFFERS: u64 = 4;
const CHANNELS: u64 = 3;
pub const DAYS: i32 = 8;

/// Scopes: all, then one for each offer, each channel, and two of members.
pub const ALL: Scope = Scope(0);
const MEMBERS: u8 = 1 + OFFERS as u8 + CHANNELS as u8;

fn scope(dice: &mut Dice) -> Scope {
    if dice.chance(30) { ALL } else { Scope(1 + dice.below(OFFERS + CHANNELS) as u8) }
}

fn window(dice: &mut Dice) -> Window {
    match dice.below(4) {
        0 => Window { spans: vec![Span { first: 0, last: DAYS - 1 }], history: false },
        1 => {
            let spans = (-2..3).map(|week| Span { first: week * 5, last: week * 5 + 4 }).collect();
            Window { spans, history: true }
        }
        2 => Window { spans: vec![Span { first: -1000, last: 1000 }], history: true },
        _ => {
            let length = 1 + dice.below(6) as i32;
            let spans = (-length + 1..DAYS).map(|first| Span { first, last: first + length - 1 }).collect();
            Window { spans, history: true }
        }
    }
}

fn members(dice: &mut Dice) -> Option<Scope> {
    dice.chance(30).then(|| Scope(MEMBERS + dice.below(2) as u8))
}

fn rule(dice: &mut Dice, contacts: i64) -> Rule {
    match dice.below(10) {
        0..=2 => {
            let (mut at_least, mut at_most) = (None, None);
            let some = (dice.below(contacts as u64 / 2 + 1)) as i64;
            match dice.below(3) {
                0 => at_least = Some(some),
                1 => at_most = Some(some),
                _ => (at_least, at_most) = (Some(some / 2), Some(some)),
            }
            let mut exceptions = Vec::new();
            for first in [1, 5] {
                if dice.chance(25) {
                    let days = Span { first, last: first + dice.below(3) as i32 };
                    let at_least = dice.chance(40).then(|| dice.below(3) as i64);
                    let at_most = dice.chance(60).then(|| dice.below(5) as i64);
                    exceptions.push(Exception { days, at_least, at_most });
                }
            }
            Rule::Count(Limit { scope: scope(dice), window: window(dice), at_least, at_most, exceptions })
        }
        3 => {
            let compare = if dice.chance(50) { Compare::AtMost } else { Compare::AtLeast };
            let soft = compare == Compare::AtLeast;
            Rule::Amount {
                scope: scope(dice),
                column: 0,
                times: 1,
                minus: 0,
                compare,
                bound: dice.below(300) as i64,
                soft,
            }
        }
        4 => {
            // An average against sixths.
            let compare = if dice.chance(50) { Compare::AtMost } else { Compare::AtLeast };
            let minus = 100 + dice.below(300) as i64;
            Rule::Amount { scope: scope(dice), column: 0, times: 6, minus, compare, bound: 0, soft: false }
        }
        5 | 6 => {
            let counted = [Counted::Contacts, Counted::Contacts, Counted::Packages, Counted::OfEachOffer]
                [dice.below(4) as usize];
            let at_least =
                (counted == Counted::Contacts && dice.chance(40)).then(|| 1 + dice.below(2) as i64);
            let at_most = (at_least.is_none() || dice.chance(50)).then(|| 1 + dice.below(3) as i64);
            Rule::Each(Each {
                members: members(dice),
                scope: scope(dice),
                window: window(dice),
                counted,
                at_least,
                at_most,
                skip: at_least.is_some() && dice.chance(40),
            })
        }
        7 | 8 => Rule::Never(Never {
            members: members(dice),
            first: scope(dice),
            second: scope(dice),
            window: window(dice),
            in_order: dice.chance(50),
        }),
        _ => Rule::Only(Link {
            members: members(dice),
            scope: scope(dice),
            on: scope(dice),
            after: dice.chance(50),
            window: window(dice),
        }),
    }
}

/// Members, contacts, history and rules; a few members where `members` does not say how many.
pub fn problem(seed: u64, members: Option<u64>) -> Problem {
    let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    for _ in 0..8 {
        dice.next();
    }
    let mut problem = Problem { columns: vec![Amounts::default()], ..Problem::default() };
    problem.session = Some(Span { first: 0, last: DAYS - 1 });
    let mut package = 0;
    let class = |dice: &mut Dice, day: i32, own: u128, classes: &mut Vec<Class>| {
        let (offer, channel) = (dice.below(OFFERS), dice.below(CHANNELS));
        let scopes = own | 1 | 1 << (1 + offer) | 1 << (1 + OFFERS + channel);
        let class = Class { day, scopes };
        let at = classes.iter().position(|own| *own == class).unwrap_or_else(|| {
            classes.push(class);
            classes.len() - 1
        });
        (at as u32, offer as u32)
    };
    problem.members.push(0);
    problem.history_of.push(0);
    let count = members.unwrap_or(1 + dice.below(4));
    for _ in 0..count {
        let own = (dice.below(4) as u128) << MEMBERS;
        for _ in 0..1 + dice.below(5) {
            let day = dice.below(DAYS as u64) as i32;
            let (class, offer) = class(&mut dice, day, own, &mut problem.classes);
            problem.class.push(class);
            problem.offer.push(offer);
            problem.package.push(package + dice.below(3) as u32);
            problem.score.push(dice.below(60) as i64 - 5);
            problem.columns[0].push(dice.below(90) as i64);
        }
        for _ in 0..dice.below(4) {
            let day = -1 - dice.below(8) as i32;
            let (class, offer) = class(&mut dice, day, own, &mut problem.classes);
            problem.history.push(Past { class, offer, package: package + dice.below(4) as u32 });
        }
        package += 10;
        problem.members.push(problem.score.len() as u32);
        problem.history_of.push(problem.history.len() as u32);
    }
    for _ in 0..dice.below(3) {
        let day = -1 - dice.below(8) as i32;
        let (class, offer) = class(&mut dice, day, 0, &mut problem.classes);
        problem.history.push(Past { class, offer, package });
        package += 1;
    }
    let contacts = problem.score.len() as i64;
    for _ in 0..2 + dice.below(6) {
        let rule = rule(&mut dice, contacts);
        problem.rules.push(rule);
    }
    problem
}
