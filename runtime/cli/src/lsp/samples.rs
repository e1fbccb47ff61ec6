//! What rules give on sample receipts, or in how many tests where there are none: worked out beside the session, for hints in
//! the text.
//!
//! Refuses to know the protocol. An answer belongs to the texts that it was worked out of, and whoever asked throws it away
//! where they are others by then.

use super::workspace::Texts;
use crate::config::Config;
use crate::numbers::decimal;
use crate::render::plural;
use crate::tables;
use perq_compiler::evaluate::Decision;
use perq_compiler::ir::{AccountId, Program, RuleId};
use perq_compiler::pipeline::{Compilation, compile};
use perq_runtime::cover::reached;
use perq_runtime::decimal;
use perq_runtime::engine::{Engine, EngineKind};
use perq_runtime::input;
use perq_runtime::pack::Pack;
use perq_runtime::record::{ReadEvent, Reader};
use perq_runtime::trials::{Engines, Trials};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Receipts that are decided, at most: hints are for a few that their author knows.
const MOST: usize = 500;

/// Bytes that are read of each file.
const BYTES: u64 = 8 << 20;

/// Receipts and tests that a hint names.
const NAMED: usize = 8;

/// What is said of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// The file, as it is shown.
    pub path: String,
    /// The byte at which the rule's name begins.
    pub at: usize,
    /// Behind the rule's first line.
    pub label: String,
    /// More of it.
    pub more: String,
}

/// What is worked on: texts with the number that they have, which grows when one of them changes.
pub struct Work {
    /// The texts.
    pub texts: Texts,
    /// Their number.
    pub revision: u64,
    /// The number of the texts of now.
    pub newest: Arc<AtomicU64>,
    /// Tables, parameters and samples.
    pub config: Config,
}

impl Work {
    /// What is to be said; nothing where the rules have errors, or are others by now.
    pub fn done(&self) -> Vec<Said> {
        if self.is_stale() {
            return Vec::new();
        }
        let mut compilation = compile(&self.texts.inputs, &self.texts.overlay());
        let Some(program) = compilation.program.take() else { return Vec::new() };
        let said = match self.config.events.samples.0.is_empty() {
            true => self.of_tests(&compilation, program),
            false => self.of_samples(program),
        };
        let Some(said) = said else { return Vec::new() };
        let rules = (0_u32..).map(RuleId).zip(&compilation.typed.rules);
        let found = rules.filter_map(|(id, rule)| {
            let source = compilation.sources.get(rule.place.file)?;
            let (label, more) = said.get(&id).cloned()?;
            Some(Said { path: source.path.clone(), at: rule.place.span.start as usize, label, more })
        });
        found.collect()
    }

    fn is_stale(&self) -> bool {
        self.newest.load(Ordering::Relaxed) != self.revision
    }

    /// By rule, in how many tests it gives something.
    fn of_tests(
        &self,
        compilation: &Compilation,
        program: perq_compiler::ir::Verified,
    ) -> Option<BTreeMap<RuleId, (String, String)>> {
        let Compilation { typed, sources, .. } = compilation;
        if typed.tests.is_empty() {
            return None;
        }
        let trials = Trials::new(typed, sources, Arc::new(program), Engines::Interpreter).ok()?;
        let trials = trials.parameters(&self.config.parameters()).ok()?;
        let mut by_rule: BTreeMap<RuleId, Vec<String>> = BTreeMap::new();
        for test in &typed.tests {
            if self.is_stale() {
                return None;
            }
            let outcome = trials.run(test);
            for rule in &outcome.fired {
                by_rule.entry(*rule).or_default().push(outcome.name.clone());
            }
        }
        let rules = (0_u32..).map(RuleId).zip(&typed.rules);
        let said = rules.map(|(id, _)| {
            let names = by_rule.remove(&id).unwrap_or_default();
            let label = match names.len() {
                0 => "gives nothing in any test".to_owned(),
                some => format!("gives in {}", plural(some, "test")),
            };
            (id, (label, listed(&names)))
        });
        Some(said.collect())
    }

    /// By rule, what it gives on the samples.
    fn of_samples(&self, program: perq_compiler::ir::Verified) -> Option<BTreeMap<RuleId, (String, String)>> {
        let catalogue = tables::catalogue(&self.config.catalogue).ok()?;
        let builder = Engine::builder(Pack::of(program)).catalogue(&catalogue).kind(EngineKind::Interpreter);
        let parameters = self.config.parameters();
        let builder =
            parameters.iter().fold(builder, |builder, (name, value)| builder.parameter(name, value));
        let engine = builder.build().ok()?;
        let mut gifts: Vec<Sums> = vec![Sums::default(); engine.program().rules.len()];
        let mut session = engine.session();
        let (mut reader, mut event) = (Reader::new(), ReadEvent::default());
        let (mut receipts, mut refused) = (0_usize, 0_usize);
        for path in &self.config.events.samples.0 {
            let Ok(stream) = tables::open(path) else { continue };
            let Ok(stream) = input::open(stream) else { continue };
            for line in BufReader::new(stream.take(BYTES)).split(b'\n') {
                let Ok(line) = line else { break };
                if line.iter().all(u8::is_ascii_whitespace) {
                    continue;
                }
                if self.is_stale() {
                    return None;
                }
                if receipts >= MOST {
                    break;
                }
                if reader.read(engine.schema(), &line, &mut event).is_err() {
                    refused += 1;
                    continue;
                }
                receipts += 1;
                let decision = session.decide_read(&mut reader, &mut event);
                for (rule, sums) in of_decision(decision) {
                    if let Some(all) = gifts.get_mut(rule.index()) {
                        all.add(&sums, event.id());
                    }
                }
            }
        }
        let left_out = if refused > 0 { format!("\n\n{refused} cannot be read") } else { String::new() };
        let said = (0_u32..).map(RuleId).zip(gifts).map(|(id, sums)| {
            let amounts = sums.amounts(engine.program());
            let amounts =
                if amounts.is_empty() { String::new() } else { format!(": {}", amounts.join(", ")) };
            let label = match sums.receipts.len() {
                0 => format!("gives nothing on {}", plural(receipts, "sample")),
                some => format!("gives on {some} of {}{amounts}", plural(receipts, "sample")),
            };
            (id, (label, listed(&sums.receipts) + &left_out))
        });
        Some(said.collect())
    }
}

/// What a rule gives.
#[derive(Clone, Debug, Default)]
struct Sums {
    /// By account, or none for discounts; what is taken is below zero.
    amounts: BTreeMap<Option<AccountId>, i128>,
    /// Ids of the receipts.
    receipts: Vec<String>,
}

impl Sums {
    fn add(&mut self, other: &Sums, receipt: &str) {
        for (account, amount) in &other.amounts {
            *self.amounts.entry(*account).or_default() += amount;
        }
        self.receipts.push(receipt.to_owned());
    }

    /// `-12.40 EUR`, `45 points`
    fn amounts(&self, program: &Program) -> Vec<String> {
        let amount = |(account, amount): (&Option<AccountId>, &i128)| match account {
            None => {
                let text = decimal(&decimal::print(-amount, program.currency.decimals));
                format!("{text} {}", program.currency.code)
            }
            Some(account) => {
                let account = program.accounts.get(account.index());
                let text = decimal(&decimal::print(*amount, account.map_or(0, |account| account.decimals)));
                format!("{text} {}", account.map_or("", |account| account.unit.as_str()))
            }
        };
        self.amounts.iter().map(amount).collect()
    }
}

/// What each rule gives in a decision, with what the event brought about.
fn of_decision(decision: &Decision) -> BTreeMap<RuleId, Sums> {
    let mut found: BTreeMap<RuleId, Sums> = BTreeMap::new();
    for one in std::iter::once(decision).chain(&decision.raised) {
        let rules: BTreeSet<RuleId> = reached(one).collect();
        for rule in rules {
            found.entry(rule).or_default();
        }
        for effect in &one.effects {
            let amount = i128::from(effect.amount);
            let sums = found.entry(effect.rule).or_default();
            *sums.amounts.entry(effect.account).or_default() += if effect.debit { -amount } else { amount };
        }
    }
    found
}

/// The first names of a list, one a line.
fn listed(names: &[String]) -> String {
    let mut lines: Vec<String> =
        names.iter().take(NAMED).map(|name| format!("- {}", crate::excerpt::plain(name))).collect();
    if let Some(more @ 1..) = names.len().checked_sub(NAMED) {
        lines.push(format!("- and {more} more"));
    }
    lines.join("\n")
}
