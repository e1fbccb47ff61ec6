//! A plan for the campaigns of a shop whose data somebody has: `journey CAMPAIGNS CONTACTS REDEMPTIONS`, three CSV files
//! (`campaign_id,campaign_type,start_date,end_date`; `campaign_id,member`; `redemption_date,member,…`). Each campaign is proposed
//! to each of its members by three channels, on its first day, a week and two weeks later; who redeemed more is worth more.
//! It prints the gap, elapsed and processor time and the memory, and holds the plan against the independent checker of the tests.

#[path = "../tests/support/mod.rs"]
mod support;

use perq_optimizer::{
    Amounts, Class, Compare, Counted, Each, Limit, Options, Problem, Rule, Scope, Span, Window, solve,
};
use std::collections::BTreeMap;
use std::time::Instant;

const ALL: Scope = Scope(0);
const MAIL: Scope = Scope(1);
const EMAIL: Scope = Scope(2);

/// Days since 1970-01-01 of a date as `2017-03-31`.
fn day(date: &str) -> Option<i32> {
    let mut parts = date.split('-').map(|part| part.parse::<i32>().ok());
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
    // Years that begin in March, so that a leap day is the last.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    Some(year * 365 + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 719_469)
}

fn rows(path: &str) -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{path}: {error}"));
    text.lines().skip(1).map(|line| line.split(',').map(str::to_owned).collect()).collect()
}

fn main() {
    let paths: Vec<String> = std::env::args().skip(1).collect();
    let [campaigns, contacts, redemptions] = paths.as_slice() else {
        panic!("journey CAMPAIGNS CONTACTS REDEMPTIONS");
    };
    let begins: BTreeMap<u32, i32> = rows(campaigns)
        .iter()
        .filter_map(|row| Some((row.first()?.parse().ok()?, day(row.get(2)?)?)))
        .collect();
    let mut redeemed: BTreeMap<u32, i64> = BTreeMap::new();
    for member in rows(redemptions).iter().filter_map(|row| row.get(1)?.parse().ok()) {
        *redeemed.entry(member).or_default() += 1;
    }
    let mut of_member: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for row in rows(contacts) {
        let [campaign, member, ..] = row.as_slice() else { continue };
        if let (Ok(campaign), Ok(member)) = (campaign.parse(), member.parse()) {
            of_member.entry(member).or_default().push(campaign);
        }
    }
    let mut problem = Problem {
        members: vec![0],
        history_of: vec![0],
        columns: vec![Amounts::default()],
        ..Problem::default()
    };
    let mut classes: BTreeMap<Class, u32> = BTreeMap::new();
    for (member, campaigns) in &of_member {
        for campaign in campaigns {
            let Some(begin) = begins.get(campaign) else { continue };
            // Worth, in millionths, and costs, in cents, by channel.
            for (channel, (worth, cost)) in
                [(1_000_000, 60), (700_000, 2), (500_000, 1)].into_iter().enumerate()
            {
                let class =
                    Class { day: begin + 7 * channel as i32, scopes: 1 | 2 << channel | 16 << campaign };
                let next = classes.len() as u32;
                problem.class.push(*classes.entry(class).or_insert_with(|| {
                    problem.classes.push(class);
                    next
                }));
                // The same campaign is not worth the same to two members.
                let taste =
                    i64::from(member.wrapping_mul(2_654_435_761) ^ campaign.wrapping_mul(40_503)) % 1000;
                let liked = 2 + redeemed.get(member).copied().unwrap_or(0);
                problem.score.push(worth * (liked * 1000 + taste) / 1000);
                problem.offer.push(*campaign);
                problem.package.push(0);
                problem.columns[0].push(cost);
            }
        }
        if problem.members.last().is_some_and(|start| (*start as usize) < problem.score.len()) {
            problem.members.push(problem.score.len() as u32);
            problem.history_of.push(0);
        }
    }
    let days = || problem.classes.iter().map(|class| class.day);
    let session = Span { first: days().min().unwrap_or(0), last: days().max().unwrap_or(0) };
    problem.session = Some(session);
    let rolling = |days: i32| Window {
        spans: (session.first - days + 1..=session.last)
            .map(|first| Span { first, last: first + days - 1 })
            .collect(),
        history: true,
    };
    let whole = || Window { spans: vec![session], history: false };
    let each = |window: Window, counted: Counted, most: i64| {
        Rule::Each(Each {
            members: None,
            scope: ALL,
            window,
            counted,
            at_least: None,
            at_most: Some(most),
            skip: false,
        })
    };
    let count = |scope: Scope, window: Window, at_least: Option<i64>, at_most: Option<i64>| {
        Rule::Count(Limit { scope, window, at_least, at_most, exceptions: Vec::new() })
    };
    let proposed = problem.score.len() as i64 / 3;
    problem.rules = vec![
        each(rolling(14), Counted::Contacts, 1),
        each(rolling(60), Counted::Contacts, 3),
        each(whole(), Counted::OfEachOffer, 2),
        count(MAIL, whole(), None, Some(proposed * 3 / 10)),
        count(EMAIL, rolling(7), None, Some(proposed / 25)),
        count(Scope(4 + 22), whole(), Some(60), None),
        Rule::Amount {
            scope: ALL,
            column: 0,
            times: 1,
            minus: 0,
            compare: Compare::AtMost,
            bound: proposed * 15,
            soft: false,
        },
    ];
    let threads = std::thread::available_parallelism().map_or(1, |threads| threads.get());
    let begun = Instant::now();
    let solution = solve(&problem, &Options { threads, ..Options::default() }, &mut |_| {});
    let solution = solution.unwrap_or_else(|error| panic!("{error}"));
    let gap = (solution.bound - solution.objective) as f64 / solution.bound as f64 * 100.0;
    println!(
        "{} contacts of {} members, {} limits in windows, {} chosen, objective {}, bound {}, gap {gap:.6} %, short {}, {:.2} s elapsed",
        problem.score.len(),
        problem.member_count(),
        solution.uses.len(),
        solution.chosen.contacts().count(),
        solution.objective,
        solution.bound,
        solution.short.iter().map(|short| short.missing).sum::<i128>(),
        begun.elapsed().as_secs_f64(),
    );
    if let Ok(status) = std::fs::read_to_string("/proc/self/status") {
        println!("{}", status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or(""));
    }
    let chosen = support::flat(&solution.chosen);
    let wrong = (0..problem.member_count())
        .filter(|member| support::member_is_met(&problem, *member, &chosen).is_err())
        .count();
    let (passed, _) = support::shared(&problem, &chosen);
    println!("checked: {wrong} members wrong, {} limits passed", passed.len());
    assert!(wrong == 0 && passed.is_empty() && support::objective(&problem, &chosen) == solution.objective);
}
