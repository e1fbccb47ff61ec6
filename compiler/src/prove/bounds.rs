//! Bounds that are declared beside each other: whether anything can satisfy the levels of tiers, the terms of a payment with
//! points, and the clauses of contact plans, whatever the data. Each contradiction comes with a smallest set of declarations
//! that make it. It refuses to look at events, members and contacts.

use super::Prover;
use super::plans;
use crate::ir::TenderTerm;
use crate::lint::bounds::Ranges;
use crate::lint::conditions::{Conditions, Verdict, conjuncts};
use crate::lint::shape::Shapes;
use crate::typed::{Expr, ExprKind, Program, Ratio, Redemption, Step, Tiers};
use perq_grammar::diagnostic::Place;
use std::cmp::Ordering;

/// What declares bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Declares {
    /// `tiers`
    Tiers,
    /// `redemption`
    Redemption,
    /// `contacts`
    Contacts,
}

impl Declares {
    /// The word that declares it.
    pub fn word(self) -> &'static str {
        match self {
            Declares::Tiers => "tiers",
            Declares::Redemption => "redemption",
            Declares::Contacts => "contacts",
        }
    }
}

/// What is known of the bounds of one declaration.
#[derive(Clone, Debug)]
pub struct Bounded {
    /// What declares them.
    pub of: Declares,
    /// Its name; of contact plans, which hold together, all names.
    pub name: String,
    /// Contradictions among them; what is not among these may be met.
    pub conflicts: Vec<Conflict>,
    /// Numbers that satisfy all of them.
    pub met: Option<String>,
    /// Why something of them is not looked into.
    pub undecided: Option<String>,
}

/// Declarations that nothing satisfies together.
#[derive(Clone, Debug)]
pub struct Conflict {
    /// What that means, as a sentence without an end.
    pub why: String,
    /// The declaration that cannot be met, and where.
    pub place: Place,
    /// The others of a smallest set, each with what it says.
    pub with: Vec<(Place, String)>,
    /// What mends it.
    pub repair: String,
}

/// What is known of all bounds of a program.
pub fn bounds(prover: &Prover<'_>) -> Vec<Bounded> {
    let program = prover.program;
    let mut found = Vec::new();
    for tiers in &program.instruments.tiers {
        found.push(levels(program, tiers));
    }
    for redemption in &program.redemptions {
        found.extend(terms(program, redemption));
    }
    found.extend(plans::plans(program));
    found
}

/// Whether each level of tiers can be measured up to.
fn levels(program: &Program, tiers: &Tiers) -> Bounded {
    let steps: Vec<Step> =
        tiers.measure.iter().map(|(local, value)| Step::Let(*local, value.clone())).collect();
    let (ranges, shapes) = (Ranges::of_steps(program, &steps), Shapes::of_steps(&steps));
    let names: &[String] = program.enums.get(tiers.levels.index()).map_or(&[], |levels| &levels.values);
    let least = tiers.measure.as_ref().and_then(|(_, value)| ranges.of(value).low);
    let mut conflicts = Vec::new();
    for (at, conditions) in tiers.conditions.iter().enumerate() {
        let name = names.get(at).map_or("", String::as_str);
        if let Some(conflict) = contradiction(program, (&ranges, &shapes), conditions, name) {
            conflicts.push(conflict);
            continue;
        }
        // A higher level that everybody reaches who is measured; the lowest level is where members begin.
        let Some(least) = least.filter(|_| at > 0) else { continue };
        let above = tiers.conditions.iter().enumerate().skip(at.saturating_add(1)).find(|(_, conditions)| {
            let mut known = Conditions::new(program, &shapes, &ranges);
            !conditions.is_empty()
                && conditions.iter().all(|condition| matches!(known.add(condition, None), Verdict::Always))
        });
        if let (Some((above, of_above)), Some(own)) = (above, conditions.first()) {
            let higher = names.get(above).map_or("", String::as_str);
            conflicts.push(Conflict {
                why: format!("nobody measures up to `{name}` alone: whoever is measured reaches `{higher}`"),
                place: own.place,
                with: of_above
                    .iter()
                    .map(|own| (own.place, format!("`{higher}` asks for no more")))
                    .collect(),
                repair: format!(
                    "let `{higher}` begin above {}, or leave `{name}` out",
                    shown(program, tiers.measure.as_ref().map(|(_, value)| value), least)
                ),
            });
        }
    }
    Bounded { of: Declares::Tiers, name: tiers.name.clone(), conflicts, met: None, undecided: None }
}

/// Conditions of a level that never hold together, as few of them as say so.
fn contradiction(
    program: &Program,
    (ranges, shapes): (&Ranges<'_>, &Shapes),
    conditions: &[Expr],
    name: &str,
) -> Option<Conflict> {
    let mut parts: Vec<&Expr> = Vec::new();
    conditions.iter().for_each(|condition| conjuncts(condition, &mut parts));
    let never = |parts: &[&Expr]| {
        let mut known = Conditions::new(program, shapes, ranges);
        parts.iter().any(|part| matches!(known.add(part, None), Verdict::Never(_)))
    };
    if !never(&parts) {
        return None;
    }
    let mut needed = parts.clone();
    for part in parts {
        let without: Vec<&Expr> = needed.iter().copied().filter(|own| !std::ptr::eq(*own, part)).collect();
        if never(&without) {
            needed = without;
        }
    }
    let (first, others) = needed.split_first()?;
    let why = if others.is_empty() {
        format!("nobody ever measures up to `{name}`: this never holds")
    } else {
        format!("nobody ever measures up to `{name}`: what it asks contradicts itself")
    };
    let mut with: Vec<(Place, String)> =
        others.iter().map(|part| (part.place, "and this, which never holds beside it".to_owned())).collect();
    if let (ExprKind::Compare(_, left, _), true) = (&first.kind, others.is_empty()) {
        let measure = ranges.behind(left);
        if let Some(high) = ranges.of(measure).high {
            with.push((
                measure.place,
                format!("what is measured is never above {}", shown(program, Some(measure), high)),
            ));
        }
    }
    Some(Conflict {
        why,
        place: first.place,
        with,
        repair: format!("ask of `{name}` what a member can have, or leave it out"),
    })
}

/// Terms of one payment, by what they say.
#[derive(Default)]
struct Terms<'p> {
    least: Option<&'p Expr>,
    step: Option<&'p Expr>,
    points: Option<&'p Expr>,
    money: Option<&'p Expr>,
}

/// Whether some number of points can be paid, as far as the terms themselves say.
fn terms(program: &Program, redemption: &Redemption) -> Option<Bounded> {
    let rule = program.rules.get(redemption.rule.index())?;
    let (units, minor) = redemption.rate?;
    let ranges = Ranges::of_steps(program, &rule.steps);
    let mut terms = Terms::default();
    for step in &rule.steps {
        if let Step::TenderTerm { term, amount, element: None, place: _ } = step {
            match term {
                TenderTerm::Least => terms.least = Some(amount),
                TenderTerm::Step => terms.step = Some(amount),
                TenderTerm::MostPoints => terms.points = Some(amount),
                TenderTerm::MostMoney => terms.money = Some(amount),
                TenderTerm::Lines
                | TenderTerm::Cash
                | TenderTerm::ConfirmAbove
                | TenderTerm::PointsEach
                | TenderTerm::MoneyEach => {}
            }
        }
    }
    let rate = Ratio { num: units.into(), den: i128::from(minor).max(1) };
    let most_points = terms.points.and_then(|amount| Some((amount, ranges.of(amount).high?)));
    let most_money = terms.money.and_then(|amount| Some((amount, ranges.of(amount).high?.multiplied(rate)?)));
    // Where a least number is written steps count from it, and else from nothing: then the first step is the least.
    let least = match (terms.least, terms.step) {
        (Some(amount), _) => ranges.of(amount).low.map(|low| (amount, low, "at least")),
        // A step may be rounded down.
        (None, Some(amount)) => ranges
            .of(amount)
            .low
            .map(|low| (amount, Ratio::whole(low.num.div_euclid(low.den.max(1))), "the first step is")),
        (None, None) => None,
    };
    let points = |amount: Ratio| shown_points(program, redemption, amount);
    let mut conflicts = Vec::new();
    for (most_of, most) in [most_points, most_money].into_iter().flatten() {
        if let Some((of, low, words)) = least
            && low.compare(most) == Some(Ordering::Greater)
        {
            conflicts.push(Conflict {
                why: format!(
                    "nothing can ever be paid: {words} {}, and at most {}",
                    points(low),
                    points(most)
                ),
                place: of.place,
                with: vec![(most_of.place, format!("at most {}", points(most)))],
                repair: format!(
                    "let the most be {} or more, or the least no more than {}",
                    points(low),
                    points(most)
                ),
            });
        } else if least.is_none() && most.compare(Ratio::whole(1)) == Some(Ordering::Less) {
            conflicts.push(Conflict {
                why: format!("nothing can ever be paid: at most {}", points(most)),
                place: most_of.place,
                with: Vec::new(),
                repair: "let the most be above nothing, or leave the payment out".to_owned(),
            });
        }
    }
    let met = if conflicts.is_empty() { smallest(&ranges, &terms, rate).map(points) } else { None };
    Some(Bounded {
        of: Declares::Redemption,
        name: rule.name.clone(),
        conflicts,
        met: met.map(|points| format!("{points} satisfy its terms")),
        undecided: None,
    })
}

/// The smallest number of points that the terms allow, where all of them are known.
fn smallest(ranges: &Ranges<'_>, terms: &Terms<'_>, rate: Ratio) -> Option<Ratio> {
    let exactly = |amount: &Expr| {
        let bounds = ranges.of(amount);
        bounds.low.filter(|low| bounds.high == Some(*low) && low.den == 1)
    };
    let least = match (terms.least, terms.step) {
        (Some(amount), _) | (None, Some(amount)) => exactly(amount)?,
        (None, None) => Ratio::whole(1),
    };
    let least = if least.num < 1 { Ratio::whole(1) } else { least };
    let fits = |most: Option<Ratio>| Some(most?.compare(least)? != Ordering::Less);
    let of_points = terms.points.is_none_or(|amount| fits(exactly(amount)) == Some(true));
    let of_money = terms
        .money
        .is_none_or(|amount| fits(exactly(amount).and_then(|most| most.multiplied(rate))) == Some(true));
    (of_points && of_money).then_some(least)
}

fn shown_points(program: &Program, redemption: &Redemption, amount: Ratio) -> String {
    let Some(account) = program.accounts.get(redemption.account.index()) else { return String::new() };
    format!("{} {}", decimal(amount, account.decimals), account.unit)
}

/// An amount of a measure with its unit.
fn shown(program: &Program, of: Option<&Expr>, amount: Ratio) -> String {
    use crate::typed::Type;
    match of.map(|of| of.ty.present()) {
        Some(Type::Money) => {
            format!("{} {}", decimal(amount, program.settings.decimals), program.settings.currency)
        }
        Some(Type::Points(account)) => match program.accounts.get(account.index()) {
            Some(account) => format!("{} {}", decimal(amount, account.decimals), account.unit),
            None => decimal(amount, 0),
        },
        Some(_) | None => decimal(amount, 0),
    }
}

/// A number of smallest units as a decimal number; digits beyond them are cut.
pub(super) fn decimal(amount: Ratio, decimals: u8) -> String {
    let whole = amount.num.div_euclid(amount.den.max(1));
    let Some(one) = 10i128.checked_pow(decimals.into()).filter(|one| *one > 1) else {
        return whole.to_string();
    };
    let (sign, size) = if whole < 0 { ("-", whole.unsigned_abs()) } else { ("", whole.unsigned_abs()) };
    let one = one.unsigned_abs();
    let rest = size.checked_rem(one).unwrap_or(0);
    let digits = usize::from(decimals);
    format!("{sign}{}.{rest:0digits$}", size.checked_div(one).unwrap_or(0))
}
