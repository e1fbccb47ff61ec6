//! perq on the workload: an engine of a pack, and its decisions as the workload notes them.

use super::{Outcome, text};
use perq_compiler::ir::Verified;
use perq_runtime::catalogue::Catalogue;
use perq_runtime::engine::{Engine, EngineKind, Session};
use perq_runtime::pack::{Pack, Policy, WriteOptions};
use perq_runtime::record::ReadEvent;

/// The products of the workload.
///
/// # Panics
///
/// When its own tables are refused.
pub fn catalogue() -> Catalogue {
    Catalogue::builder()
        .products_csv(text::products_csv().as_bytes())
        .and_then(|catalogue| catalogue.tree_csv("category", text::categories_csv().as_bytes()))
        .expect("the catalogue is read")
        .build()
}

/// An engine of a program, by way of a pack.
///
/// # Panics
///
/// When the pack is refused.
pub fn engine(program: &Verified, catalogue: &Catalogue, kind: EngineKind) -> Engine {
    let pack = Pack::read(&Pack::write(program, &WriteOptions::default()), &Policy::unsigned_allowed());
    let builder = Engine::builder(pack.expect("the pack is read"));
    builder.catalogue(catalogue).kind(kind).build().expect("an engine")
}

/// Decides by rules, and notes it as the workload does.
#[derive(Debug)]
pub struct Decider {
    session: Session,
    /// By rule.
    numbers: Vec<u32>,
}

impl Decider {
    /// Of an engine of [`text::programme`].
    ///
    /// # Panics
    ///
    /// When a rule has another name than the workload gives.
    pub fn new(engine: &Engine) -> Decider {
        let number = |name: &str| text::rule_number(name).expect("the name of a rule");
        let numbers = engine.program().rules.iter().map(|rule| number(&rule.name)).collect();
        Decider { session: engine.session(), numbers }
    }

    /// Decides one receipt.
    ///
    /// # Panics
    ///
    /// When a rule fails.
    pub fn decide(&mut self, event: &mut ReadEvent, out: &mut Outcome) {
        let decision = self.session.decide_record(event);
        assert!(decision.faults.is_empty(), "{:?}", decision.faults);
        let start = out.fired.len();
        out.fired.extend(decision.effects.iter().map(|effect| self.numbers[effect.rule.index()]));
        out.fired[start..].sort_unstable();
        let sum = |account: usize| {
            let awards = decision.totals.awards.iter().find(|(of, _)| of.index() == account);
            awards.map_or(0, |(_, amount)| *amount)
        };
        out.close(sum(0), sum(1));
    }
}
