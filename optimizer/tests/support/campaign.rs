//! Generated contact plans with 60 days of history and rules of all sorts, 25 of them; `hard` adds limits for every offer and channel.

use crate::support::{Dice, flat};
use perq_optimizer::{
    Amounts, Class, Compare, Counted, Each, Exception, Limit, Link, Never, Options, Past, Problem, Rule,
    Scope, Span, Window, solve,
};
use std::collections::HashMap;

const CHANNELS: u64 = 10;
const OFFERS: u64 = 50;
const DAYS: i32 = 30;
const ONE: i64 = 1_000_000;

/// Scopes: all, channels, offers, lists of offers, and members of two sorts.
const fn channel(number: u64) -> Scope {
    Scope(1 + number as u8)
}
const fn offer(number: u64) -> Scope {
    Scope(11 + number as u8)
}
const CREDIT: Scope = Scope(61);
const DEPOSIT: Scope = Scope(62);
const RETENTION: Scope = Scope(63);
const CROSS: Scope = Scope(64);
const SEASONAL: Scope = Scope(65);
const VIP: Scope = Scope(66);
const LOW: Scope = Scope(67);

fn lists(offer: u64) -> u128 {
    let list = match offer {
        0..10 => CREDIT,
        10..15 => DEPOSIT,
        15..25 => RETENTION,
        25..40 => CROSS,
        _ => SEASONAL,
    };
    1 << list.0
}

/// About normal, with mean 0 and deviation 1, in thousandths.
fn normal(dice: &mut Dice) -> i64 {
    (0..12).map(|_| dice.below(1000) as i64).sum::<i64>() - 5994
}

/// `exp(thousandths / 1000)` in millionths.
fn exp(thousandths: i64) -> i64 {
    let (whole, part) = (thousandths.div_euclid(1000), thousandths.rem_euclid(1000));
    let mut value =
        1_000_000i64 + part * 1000 + part * part / 2 + part * part * part / 6000 + part.pow(4) / 24_000_000;
    for _ in 0..whole.max(0) {
        value = value * 2_718_282 / ONE;
    }
    for _ in whole..0 {
        value = value * ONE / 2_718_282;
    }
    value
}

fn rolling(days: i32) -> Window {
    let spans = (1 - days..DAYS).map(|first| Span { first, last: first + days - 1 }).collect();
    Window { spans, history: true }
}

fn session() -> Window {
    Window { spans: vec![Span { first: 0, last: DAYS - 1 }], history: false }
}

fn generate(proposals: usize, seed: u64) -> Problem {
    let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    // A member has some forty contacts at most.
    let room = proposals + 64;
    let mut problem = Problem {
        score: Amounts::with_capacity(room),
        class: Vec::with_capacity(room),
        offer: Vec::with_capacity(room),
        package: Vec::with_capacity(room),
        columns: (0..2).map(|_| Amounts::with_capacity(room)).collect(),
        members: vec![0],
        history_of: vec![0],
        ..Problem::default()
    };
    problem.session = Some(Span { first: 0, last: DAYS - 1 });
    let mut known: HashMap<Class, u32> = HashMap::new();
    let costs = [500, 2, 8, 1, 120, 300, 0, 0, 10, 5];
    let effects = [1000, 0, 100, -200, 350, 800, -300, -200, -400, -500];
    let offers: Vec<i64> = (0..OFFERS).map(|_| normal(&mut dice) * 2 / 5).collect();
    let mut package = 0;
    while problem.score.len() < proposals {
        let count = if dice.chance(1) { 24 + dice.below(17) } else { 4 + dice.below(13) };
        let taste = normal(&mut dice) / 2;
        let kind = dice.below(100);
        let own = if kind < 5 {
            1 << VIP.0
        } else if kind >= 70 {
            1 << LOW.0
        } else {
            0u128
        };
        let (quiet, risky) = (dice.chance(10), dice.chance(15));
        let mut class = |day: i32, channel: u64, offer: u64, classes: &mut Vec<Class>| {
            let scopes = own | 1 | 1 << (1 + channel) | 1 << (11 + offer) | lists(offer);
            let class = Class { day, scopes };
            *known.entry(class).or_insert_with(|| {
                classes.push(class);
                classes.len() as u32 - 1
            })
        };
        let packages = (count * 7 / 10).max(1);
        let sent: Vec<(u64, i32)> =
            (0..packages).map(|_| (dice.below(CHANNELS), dice.below(DAYS as u64) as i32)).collect();
        let before = problem.score.len();
        for _ in 0..count {
            let own_package = dice.below(packages);
            let (channel, day) = sent[own_package as usize];
            let offer = dice.below(OFFERS);
            let score = exp(offers[offer as usize]
                + effects[channel as usize]
                + taste
                + normal(&mut dice) * 7 / 10
                + 1500);
            let cost = costs[channel as usize] * (90 + dice.below(21) as i64) / 100;
            let risk = ((dice.below(700) + if risky { 300 } else { 150 }) as i64).min(1000);
            if (quiet && channel == 0) || (risky && offer < 10) || score < ONE {
                continue;
            }
            problem.class.push(class(day, channel, offer, &mut problem.classes));
            problem.offer.push(offer as u32);
            problem.package.push(package + own_package as u32);
            problem.score.push(score);
            problem.columns[0].push(cost);
            problem.columns[1].push(risk);
        }
        if problem.score.len() == before {
            continue;
        }
        package += packages as u32;
        for _ in 0..dice.below(6) {
            let (day, channel, offer) =
                (-1 - dice.below(60) as i32, dice.below(CHANNELS), dice.below(OFFERS));
            let class = class(day, channel, offer, &mut problem.classes);
            problem.history.push(Past { class, offer: offer as u32, package });
            package += 1;
        }
        problem.members.push(problem.score.len() as u32);
        problem.history_of.push(problem.history.len() as u32);
    }
    problem
}

fn each(
    members: Option<Scope>,
    scope: Scope,
    window: Window,
    counted: Counted,
    least: Option<i64>,
    most: Option<i64>,
) -> Rule {
    Rule::Each(Each { members, scope, window, counted, at_least: least, at_most: most, skip: false })
}

fn count(scope: Scope, window: Window, at_least: Option<i64>, at_most: Option<i64>) -> Rule {
    Rule::Count(Limit { scope, window, at_least, at_most, exceptions: Vec::new() })
}

/// Rules of members alone.
fn own_rules() -> Vec<Rule> {
    let all = Scope(0);
    let never = |first: Scope, second: Scope, days: i32, in_order: bool| {
        Rule::Never(Never { members: None, first, second, window: rolling(days), in_order })
    };
    let mut rules = vec![
        each(None, all, rolling(30), Counted::Contacts, None, Some(4)),
        each(None, channel(1), rolling(7), Counted::Contacts, None, Some(2)),
        each(None, CREDIT, rolling(30), Counted::Contacts, None, Some(1)),
        each(None, all, rolling(30), Counted::OfEachOffer, None, Some(1)),
        each(Some(VIP), all, session(), Counted::Contacts, Some(2), Some(6)),
        each(Some(LOW), all, rolling(30), Counted::Packages, None, Some(2)),
        each(None, all, rolling(30), Counted::Packages, None, Some(3)),
        never(CREDIT, DEPOSIT, 30, false),
        never(channel(0), channel(5), 7, false),
        never(RETENTION, CROSS, 15, true),
    ];
    for number in 45..50 {
        let window = Window { spans: vec![Span { first: -1000, last: 1000 }], history: true };
        rules.push(Rule::Only(Link {
            members: None,
            scope: offer(number),
            on: offer(number - 5),
            after: true,
            window,
        }));
    }
    rules
}

/// How much is used where members' own rules hold alone: of a scope, the most in any of the windows.
fn used(problem: &Problem, chosen: &[bool], scope: Scope, window: &Window) -> i64 {
    let mut by_day = vec![0i64; 256];
    let mut add = |class: u32| {
        let class = problem.classes[class as usize];
        if class.is_in(scope) {
            by_day[(class.day + 100) as usize] += 1;
        }
    };
    (0..chosen.len()).filter(|at| chosen[*at]).for_each(|at| add(problem.class[at]));
    if window.history {
        problem.history.iter().for_each(|past| add(past.class));
    }
    let sum = |span: &Span| (span.first..=span.last).map(|day| by_day[(day + 100) as usize]).sum::<i64>();
    window.spans.iter().map(sum).max().unwrap_or(0)
}

/// A plan of about so many proposals. Its limits are parts of what is used where members' own rules hold alone.
pub fn problem(proposals: usize, seed: u64, hard: bool, options: &Options) -> Problem {
    let mut problem = generate(proposals, seed);
    problem.rules = own_rules();
    let free = solve(&problem, options, &mut |_| {}).unwrap();
    let chosen = flat(&free.chosen);
    let part =
        |scope: Scope, window: Window, percent: i64| used(&problem, &chosen, scope, &window) * percent / 100;
    let cost = |scope: Scope| -> i64 {
        let own = (0..chosen.len())
            .filter(|at| chosen[*at] && problem.classes[problem.class[*at] as usize].is_in(scope));
        own.map(|at| problem.columns[0].get(at)).sum()
    };
    let spend = |scope: Scope, percent: i64| Rule::Amount {
        scope,
        column: 0,
        times: 1,
        minus: 0,
        compare: Compare::AtMost,
        bound: cost(scope) * percent / 100,
        soft: false,
    };
    let all = Scope(0);
    let mut rules = vec![
        count(channel(0), rolling(7), None, Some(part(channel(0), rolling(7), 55))),
        count(channel(4), rolling(30), None, Some(part(channel(4), rolling(30), 60))),
        count(SEASONAL, rolling(7), None, Some(part(SEASONAL, rolling(7), 70))),
        count(channel(2), session(), None, Some(part(channel(2), session(), 50))),
        count(offer(3), session(), None, Some(part(offer(3), session(), 40))),
        count(offer(12), session(), Some(part(offer(12), session(), 150)), None),
        count(channel(9), session(), Some(part(channel(9), session(), 140)), None),
        spend(all, 55),
        spend(channel(5), 60),
        Rule::Amount {
            scope: CREDIT,
            column: 1,
            times: 1,
            minus: 420,
            compare: Compare::AtMost,
            bound: 0,
            soft: false,
        },
    ];
    if let Rule::Count(limit) = &mut rules[0] {
        let at_most = limit.at_most.map(|most| most * 55 / 100);
        limit.exceptions.push(Exception { days: Span { first: 12, last: 20 }, at_least: None, at_most });
    }
    if hard {
        for number in 0..OFFERS {
            rules.push(count(offer(number), rolling(7), None, Some(part(offer(number), rolling(7), 60))));
            rules.push(count(offer(number), session(), Some(part(offer(number), session(), 35)), None));
        }
        for number in 0..CHANNELS {
            rules.push(count(channel(number), rolling(1), None, Some(part(channel(number), rolling(1), 70))));
        }
    }
    problem.rules.extend(rules);
    problem
}
