//! What becomes of an award in time: its parts, each with the instants between which it can be spent. Melting is such a
//! split: the parts end one after another. Refuses to know who has them.

use crate::clock::Zone;
use perq_compiler::calendar::{Instant, add_months, next};
use perq_compiler::evaluate::fraction::Fraction;
use perq_compiler::evaluate::spread::Apportioner;
use perq_compiler::ir::{
    Account, AccountId, Available, Expires, Life, Melt, PERCENT_ONE, Program, SiteId, SiteKind, Span,
};

/// A part of an award that lives and ends as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Portion {
    /// In the account's smallest unit.
    pub amount: i64,
    /// The instant from which it can be spent.
    pub from: i64,
    /// The instant from which it is gone.
    pub until: Option<i64>,
}

/// The life that an effect's award has, and its account.
pub fn life_of(program: &Program, site: SiteId) -> Option<(AccountId, Life)> {
    match program.sites.get(site.index())?.kind {
        SiteKind::Award { account, rounding: _, life } => Some((account, life)),
        SiteKind::Multiply { account, .. } => Some((account, Life::default())),
        SiteKind::Debit { .. }
        | SiteKind::Discount { .. }
        | SiteKind::Issue { .. }
        | SiteKind::Gift { .. }
        | SiteKind::Tell { .. }
        | SiteKind::Set { .. }
        | SiteKind::Tender { .. } => None,
    }
}

/// Splits an award into its parts, which add up to it; those that end first come first.
pub fn portions(
    zone: &Zone,
    week_starts: u8,
    account: &Account,
    life: Life,
    now: Instant,
    amount: i64,
) -> Vec<Portion> {
    let from = match life.available {
        Available::AtOnce => now.at,
        Available::After(Span::Seconds(seconds)) => now.at.saturating_add(seconds),
        Available::After(span) => zone.instant_of(moved(now.date, span), now.time),
        Available::On(day) => zone.instant_of(day, 0).max(now.at),
    };
    // Not every end is counted from it, and zones are slow to ask.
    let first = || zone.moment_at(from).date;
    // What is good through a day is gone when the next one begins.
    let after = |day: i64| zone.instant_of(day.saturating_add(1), 0);
    let until = match life.expires.unwrap_or(account.expires) {
        Expires::Never => None,
        Expires::After(Span::Seconds(seconds)) => Some(from.saturating_add(seconds)),
        Expires::After(span) => Some(after(moved(first(), span))),
        Expires::On(day) => Some(after(day)),
        Expires::AtEndOf { period, plus } => {
            Some(zone.instant_of(moved(next(first(), period, week_starts), plus), 0))
        }
    };
    let Some(melt) = account.melt else { return vec![Portion { amount, from, until }] };
    let first = first();
    let end = |step: i64| after(moved(moved(first, melt.from), times(melt.every, step)));
    let ends: Vec<i64> =
        (0..).map(end).take(steps(melt)).take_while(|end| until.is_none_or(|until| *end < until)).collect();
    let amounts = if melt.of_remaining {
        of_remaining(account, melt, amount, ends.len())
    } else {
        of_awarded(melt, amount, ends.len())
    };
    let melting = amounts.iter().zip(&ends).map(|(amount, end)| (*amount, Some(*end)));
    let rest = amounts.iter().fold(amount, |left, part| left.saturating_sub(*part));
    let parts = melting.chain([(rest, until)]).filter(|(amount, _)| *amount != 0);
    parts.map(|(amount, until)| Portion { amount, from, until }).collect()
}

/// A day moved by a stretch of days or months.
pub fn moved(day: i64, span: Span) -> i64 {
    match span {
        Span::Seconds(_) => day,
        Span::Days(days) => day.saturating_add(days),
        Span::Months(months) => add_months(day, months),
    }
}

fn times(span: Span, times: i64) -> Span {
    match span {
        Span::Seconds(count) => Span::Seconds(count.saturating_mul(times)),
        Span::Days(count) => Span::Days(count.saturating_mul(times)),
        Span::Months(count) => Span::Months(count.saturating_mul(times)),
    }
}

/// More steps than these leave nothing to melt: of the award its share goes into the whole at most a hundred times, and
/// of the remainder a hundredth of the largest amount there is comes to nothing before.
fn steps(melt: Melt) -> usize {
    if melt.of_remaining {
        return 5_000;
    }
    let whole = PERCENT_ONE.checked_div(melt.share).unwrap_or(0);
    let rest = PERCENT_ONE.checked_rem(melt.share).unwrap_or(0);
    usize::try_from(whole.saturating_add(i64::from(rest > 0))).unwrap_or(0)
}

/// The parts of even steps, of which the last may be smaller: whole units by the largest remainder, with what the
/// steps leave over as one more part.
fn of_awarded(melt: Melt, amount: i64, steps: usize) -> Vec<i64> {
    let part = |share: i64| {
        let product = i128::from(amount).saturating_mul(i128::from(share));
        Fraction::new(product, i128::from(PERCENT_ONE)).unwrap_or_default()
    };
    let mut left = PERCENT_ONE;
    let mut exact: Vec<Fraction> = Vec::with_capacity(steps.saturating_add(1));
    for _ in 0..steps {
        let share = melt.share.min(left);
        exact.push(part(share));
        left = left.saturating_sub(share);
    }
    exact.push(part(left));
    let mut wholes = Vec::new();
    Apportioner::default().apportion(i128::from(amount), &exact, &mut wholes);
    wholes.into_iter().take(steps).map(|whole| i64::try_from(whole).unwrap_or(0)).collect()
}

/// Each part of what the parts before it leave, rounded as the account rounds; none where that is nothing.
fn of_remaining(account: &Account, melt: Melt, amount: i64, steps: usize) -> Vec<i64> {
    let mut left = amount;
    let mut parts = Vec::new();
    for _ in 0..steps {
        let product = i128::from(left).saturating_mul(i128::from(melt.share));
        let exact = Fraction::new(product, i128::from(PERCENT_ONE)).unwrap_or_default();
        let part = exact.round(account.rounding).ok().and_then(|part| i64::try_from(part).ok()).unwrap_or(0);
        if part == 0 {
            break;
        }
        parts.push(part);
        left = left.saturating_sub(part);
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use perq_compiler::calendar::{Civil, days};
    use perq_compiler::ir::{Period, RoundPer, Rounding};
    use proptest::prelude::*;

    fn account(expires: Expires, melt: Option<Melt>) -> Account {
        Account {
            name: "bonus".to_owned(),
            unit: "points".to_owned(),
            decimals: 0,
            rounding: Rounding::HalfUp,
            per: RoundPer::Rule,
            worth: None,
            redeemable: true,
            qualifying: false,
            not_below: None,
            expires,
            melt,
            shortfall: None,
        }
    }

    fn day(year: i64, month: i64, day: i64) -> i64 {
        days(Civil { year, month, day })
    }

    /// An instant on both clocks, from the local one.
    fn local(zone: &Zone, date: i64, time: i64) -> Instant {
        Instant { at: zone.instant_of(date, time), date, time }
    }

    fn of(zone: &Zone, account: &Account, life: Life, now: Instant, amount: i64) -> Vec<Portion> {
        portions(zone, 0, account, life, now, amount)
    }

    #[test]
    fn expiry_ends_with_the_local_day() {
        let rome = Zone::named("Europe/Rome").unwrap();
        // 1 March at 10:00; 30 days on is 31 March, in summer time (UTC+2): gone at 2026-04-01 00:00 = 22:00 UTC.
        let now = local(&rome, day(2026, 3, 1), 36_000);
        let account = account(Expires::After(Span::Days(30)), None);
        let got = of(&rome, &account, Life::default(), now, 7);
        let gone = day(2026, 3, 31) * 86_400 + 22 * 3_600;
        assert_eq!(got, [Portion { amount: 7, from: now.at, until: Some(gone) }]);
    }

    #[test]
    fn expiry_counts_from_when_it_can_be_spent() {
        let rome = Zone::named("Europe/Rome").unwrap();
        // 31 January and one month is 28 February, at the same time of day; a month from there is 28 March.
        let now = local(&rome, day(2026, 1, 31), 43_200);
        let life = Life {
            available: Available::After(Span::Months(1)),
            expires: Some(Expires::After(Span::Months(1))),
            spent_at_once: false,
            spendable: None,
            cancel: None,
        };
        let got = of(&rome, &account(Expires::Never, None), life, now, 7);
        let from = rome.instant_of(day(2026, 2, 28), 43_200);
        let until = rome.instant_of(day(2026, 3, 29), 0);
        assert_eq!(got, [Portion { amount: 7, from, until: Some(until) }]);
        // The night of 29 March loses an hour, but not before it has begun.
        assert_eq!(until, day(2026, 3, 28) * 86_400 + 23 * 3_600);
    }

    #[test]
    fn periods_end_later_by_a_stretch() {
        let utc = Zone::universal();
        let now = local(&utc, day(2026, 5, 5), 0);
        let until = |plus| {
            let account = account(Expires::AtEndOf { period: Period::Year, plus }, None);
            of(&utc, &account, Life::default(), now, 1).first().and_then(|part| part.until)
        };
        assert_eq!(until(Span::Days(0)), Some(day(2027, 1, 1) * 86_400));
        assert_eq!(until(Span::Months(3)), Some(day(2027, 4, 1) * 86_400));
    }

    #[test]
    fn a_day_that_is_past_makes_it_available_at_once() {
        let utc = Zone::universal();
        let now = local(&utc, day(2026, 5, 5), 60);
        let life = Life { available: Available::On(day(2026, 5, 5)), ..Life::default() };
        let got = of(&utc, &account(Expires::Never, None), life, now, 1);
        assert_eq!(got, [Portion { amount: 1, from: now.at, until: None }]);
    }

    #[test]
    fn melting_takes_a_tenth_of_the_award_at_each_step() {
        let utc = Zone::universal();
        let now = local(&utc, day(2026, 6, 1), 32_400);
        let melt = Melt { share: 100_000, of_remaining: false, from: Span::Days(90), every: Span::Days(30) };
        let account = account(Expires::After(Span::Days(365)), Some(melt));
        let got = of(&utc, &account, Life::default(), now, 505);
        // 50.5 each: by the largest remainder, earlier ones first, and the rest at the end. Steps at day 90, 120, …,
        // 360 are ten, all before the end of day 365, so that nothing is left for it.
        let amounts: Vec<i64> = got.iter().map(|part| part.amount).collect();
        assert_eq!(amounts, [51, 51, 51, 51, 51, 50, 50, 50, 50, 50]);
        // Day 90 is 30 August, which is the last.
        assert_eq!(got[0].until, Some(day(2026, 8, 31) * 86_400));
        assert_eq!(got[1].until, Some(day(2026, 9, 30) * 86_400));
    }

    #[test]
    fn melting_stops_where_the_award_ends() {
        let utc = Zone::universal();
        let now = local(&utc, day(2026, 6, 1), 32_400);
        let melt = Melt { share: 100_000, of_remaining: false, from: Span::Days(90), every: Span::Days(30) };
        let life = Life { expires: Some(Expires::On(day(2026, 8, 31))), ..Life::default() };
        let got = of(&utc, &account(Expires::Never, Some(melt)), life, now, 500);
        let (first, second) = (day(2026, 8, 31) * 86_400, day(2026, 9, 1) * 86_400);
        assert_eq!(
            got,
            [
                Portion { amount: 50, from: now.at, until: Some(first) },
                Portion { amount: 450, from: now.at, until: Some(second) },
            ]
        );
    }

    #[test]
    fn melting_of_the_remainder_leaves_what_no_step_can_take() {
        let utc = Zone::universal();
        let now = local(&utc, day(2026, 6, 1), 0);
        let melt = Melt { share: 500_000, of_remaining: true, from: Span::Days(0), every: Span::Months(1) };
        let mut account = account(Expires::Never, Some(melt));
        let amounts = |account: &Account| {
            let parts = of(&utc, account, Life::default(), now, 100);
            parts.iter().map(|part| part.amount).collect::<Vec<i64>>()
        };
        // Half of 100, 50, 25 (13 with the half up), 12, 6, 3 (2), 1 (1).
        assert_eq!(amounts(&account), [50, 25, 13, 6, 3, 2, 1]);
        account.rounding = Rounding::Down;
        // Half of 100, 50, 25 (12), 13 (6), 7 (3), 4, 2; of the last one nothing melts.
        assert_eq!(amounts(&account), [50, 25, 12, 6, 3, 2, 1, 1]);
    }

    proptest! {
        #[test]
        fn parts_add_up(
            amount in 0i64..i64::MAX,
            share in Melt::LEAST..=PERCENT_ONE,
            of_remaining: bool,
            from in 0i64..400,
            every in 1i64..100,
            until in proptest::option::of(0i64..1_000),
        ) {
            let utc = Zone::universal();
            let melt = Melt { share, of_remaining, from: Span::Days(from), every: Span::Days(every) };
            let expires = until.map_or(Expires::Never, |days| Expires::After(Span::Days(days)));
            let now = local(&utc, day(2026, 1, 1), 0);
            let parts = of(&utc, &account(expires, Some(melt)), Life::default(), now, amount);
            let sum: i128 = parts.iter().map(|part| i128::from(part.amount)).sum();
            prop_assert_eq!(sum, i128::from(amount));
            prop_assert!(parts.iter().all(|part| part.amount > 0));
            let ends: Vec<i64> = parts.iter().map(|part| part.until.unwrap_or(i64::MAX)).collect();
            prop_assert!(ends.is_sorted());
        }
    }
}
