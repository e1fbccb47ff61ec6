//! A coupon whose issued codes never end.

use super::{Facts, Group, Level, Lint, finding};
use crate::ir::InstrumentId;
use crate::typed::walk::Node;
use crate::typed::Step;
use perq_grammar::ast::{Clause, ClauseKind, CouponClause, ItemKind};
use perq_grammar::diagnostic::{Diagnostic, Place};
use rustc_hash::{FxHashMap, FxHashSet};

pub const LINT: Lint = Lint::new(Group::Time, Level::Warn, run);

fn run(facts: &Facts<'_>, found: &mut Vec<Diagnostic>) {
    let mut endless: FxHashMap<u32, Place> = FxHashMap::default();
    facts.each(&mut |node| {
        if let Node::Step(Step::Issue { instrument: InstrumentId::Coupon(id), expires: None, place, .. }) = node {
            endless.entry(*id).or_insert(*place);
        }
    });
    let ended = with_last_day(facts);
    for (position, coupon) in (0_u32..).zip(&facts.program.instruments.coupons) {
        let Some(issued) = endless.get(&position) else { continue };
        if coupon.expires.is_some() || ended.contains(coupon.name.as_str()) {
            continue;
        }
        let message = format!("codes of the coupon `{}` can be redeemed for ever", coupon.name);
        found.push(
            finding(coupon.place, message)
                .label(*issued, "issued here without an end")
                .help("say when they end, in the coupon or where it is issued: `expires after 30 days`"),
        );
    }
}

/// The coupons of which all codes end together, since `valid` says a last day.
fn with_last_day<'a>(facts: &Facts<'a>) -> FxHashSet<&'a str> {
    let mut names = FxHashSet::default();
    for (_, item) in facts.items() {
        let ItemKind::Coupon(header, clauses) = &item.kind else { continue };
        for clause in clauses {
            let CouponClause::Shared(Clause { kind: ClauseKind::Valid(periods), .. }) = &clause.kind else {
                continue;
            };
            if !periods.is_empty() && periods.iter().all(|period| period.to.is_some()) {
                names.insert(header.name.text.as_str());
            }
        }
    }
    names
}
