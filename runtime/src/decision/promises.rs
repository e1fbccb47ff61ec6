//! Promises that a decision does not keep, as hosts see them. It refuses to know how they are asked.

use super::{Names, text};
use crate::decimal;
use crate::pack::place;
use crate::record::ReadEvent;
use perq_compiler::evaluate;
use perq_compiler::exact::divide_rounded;
use perq_compiler::ir::{Figure, Program, Rounding, print};
use serde::{Deserialize, Serialize};

/// Digits that a side has beyond those of its unit, where it has as many.
const FURTHER_DIGITS: u8 = 6;

/// An `ensure` that the decision does not keep. Nothing is taken back because of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Broken {
    /// Which.
    pub ensure: String,
    /// The line's position, from 1; absent where it speaks of the basket.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub line: Option<u32>,
    /// The line's sku.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub sku: Option<String>,
    /// What the left side comes to, in the currency or the account; absent where it is too large to be worked out. A
    /// number that has more digits than these is rounded toward zero.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub left: Option<String>,
    /// How it should compare: `<=`, `>=`, `<`, `>`, `=` or `!=`.
    pub should_be: String,
    /// What the right side comes to.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub right: Option<String>,
    /// The rules whose effects it speaks of, in the order of settlement.
    pub rules: Vec<String>,
    /// Where it is written.
    pub place: String,
}

/// An exact number of base units in a unit with so many decimals.
fn number((num, den): (i128, i128), decimals: u8) -> Option<String> {
    let scale = 10i128.checked_pow(u32::from(FURTHER_DIGITS))?;
    let scaled = divide_rounded(num.checked_mul(scale)?, den, Rounding::Down).ok()?;
    let printed = decimal::print(scaled, decimals.checked_add(FURTHER_DIGITS)?);
    let keep = printed.len().checked_sub(usize::from(FURTHER_DIGITS))?;
    let (head, tail) = printed.split_at_checked(keep)?;
    let tail = tail.trim_end_matches('0');
    Some(if tail.is_empty() { head.trim_end_matches('.').to_owned() } else { format!("{head}{tail}") })
}

/// The rules whose effects a promise speaks of.
fn rules(program: &Program, raw: &evaluate::Decision, broken: &evaluate::Broken) -> Vec<usize> {
    let Some(promise) = program.promises.get(broken.promise as usize) else { return Vec::new() };
    let speaks = |of: &dyn Fn(Figure) -> bool| promise.keep.figures().any(of);
    let of_money = speaks(&|figure| matches!(figure, Figure::Paid | Figure::Discount));
    let mut rules = Vec::new();
    for effect in raw.effects.iter().filter(|effect| !effect.debit) {
        let spoken = match effect.account {
            None => of_money,
            Some(account) => speaks(&|figure| figure == Figure::Award(account)),
        };
        let here = broken.row.is_none_or(|row| effect.shares.iter().any(|share| share.row == row));
        if spoken && here && !rules.contains(&effect.rule.index()) {
            rules.push(effect.rule.index());
        }
    }
    rules
}

impl Names {
    pub(super) fn broken(&self, event: &ReadEvent, raw: &evaluate::Decision) -> Vec<Broken> {
        let told = |broken: &evaluate::Broken| {
            let promise = self.program.promises.get(broken.promise as usize)?;
            let decimals = self.decimals(promise.account);
            let [left, right] = broken.sides.map(|side| number(side?, decimals));
            Some(Broken {
                ensure: promise.name.clone(),
                line: broken.row.map(|row| row.saturating_add(1)),
                sku: broken.row.map(|row| event.sku(row as usize).to_owned()),
                left,
                should_be: print::sign(promise.keep.comparison).to_owned(),
                right,
                rules: rules(&self.program, raw, broken)
                    .into_iter()
                    .map(|at| text(&self.rules, at))
                    .collect(),
                place: place(&self.program, promise.place),
            })
        };
        raw.broken.iter().filter_map(told).collect()
    }
}
