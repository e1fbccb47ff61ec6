//! A coupon whose issued codes never end.

use super::{Facts, Group, Level, Lint, finding};
use crate::ir::InstrumentId;
use crate::lint::walk::Node;
use crate::typed::Step;
use perq_grammar::diagnostic::{Diagnostic, Place};
use rustc_hash::FxHashMap;

pub const LINT: Lint = Lint::new(Group::Time, Level::Warn, run);

fn run(facts: &Facts<'_>, found: &mut Vec<Diagnostic>) {
    let mut endless: FxHashMap<u32, Place> = FxHashMap::default();
    facts.each(&mut |node| {
        if let Node::Step(Step::Issue { instrument: InstrumentId::Coupon(id), expires: None, place, .. }) = node {
            endless.entry(*id).or_insert(*place);
        }
    });
    for (position, coupon) in (0_u32..).zip(&facts.program.instruments.coupons) {
        let Some(issued) = endless.get(&position).filter(|_| coupon.expires.is_none()) else { continue };
        let message = format!("codes of the coupon `{}` can be redeemed for ever", coupon.name);
        found.push(
            finding(coupon.place, message)
                .label(*issued, "issued here without an end")
                .help("say when they end, in the coupon or where it is issued: `expires after 30 days`"),
        );
    }
}
