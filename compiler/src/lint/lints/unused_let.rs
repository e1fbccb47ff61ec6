//! A name that its rule or group never uses.

use super::{Facts, Group, Level, Lint, at, finding};
use perq_grammar::ast::{Clause, ClauseKind, Effect, EffectKind, GroupClause, ItemKind, Let, Rule};
use perq_grammar::diagnostic::{Diagnostic, FileId, Span};

pub const LINT: Lint = Lint::new(Group::Style, Level::Warn, run).with_fixes();

fn run(facts: &Facts<'_>, found: &mut Vec<Diagnostic>) {
    for written in facts.written() {
        of_rule(facts, written.file, written.rule, found);
    }
    let named = facts.named_groups();
    for (tree, item) in facts.items() {
        match &item.kind {
            ItemKind::Group(header, clauses) => {
                // Rules elsewhere may use it too, and coupons: only what nothing else calls so is sure.
                let elsewhere = named.contains(header.name.text.as_str());
                for clause in clauses {
                    let GroupClause::Shared(clause) = clause else { continue };
                    let ClauseKind::Let(binding) = &clause.kind else { continue };
                    let name = &binding.name.text;
                    let count = if elsewhere {
                        facts.mentions(name)
                    } else {
                        facts.mentions_in(name, tree.file, item.span)
                    };
                    report(facts, tree.file, binding, clause, count, found);
                }
            }
            ItemKind::Template(template) => of_clauses(facts, tree.file, &template.clauses, item.span, found),
            ItemKind::Language(_)
            | ItemKind::Use { .. }
            | ItemKind::Program(..)
            | ItemKind::Account(..)
            | ItemKind::Param { .. }
            | ItemKind::Define { .. }
            | ItemKind::Table { .. }
            | ItemKind::Segment(..)
            | ItemKind::Enum { .. }
            | ItemKind::Reference { .. }
            | ItemKind::Record(..)
            | ItemKind::Extend(..)
            | ItemKind::Event { .. }
            | ItemKind::Rule(_)
            | ItemKind::Test(_)
            | ItemKind::Counter { .. }
            | ItemKind::Badge(..)
            | ItemKind::Tiers(..)
            | ItemKind::Coupon(..)
            | ItemKind::Certificate(..)
            | ItemKind::Redemption(..)
            | ItemKind::Offer(..)
            | ItemKind::Arbitration(..)
            | ItemKind::Ensure(..)
            | ItemKind::Contacts(..) => {}
        }
    }
}

fn of_rule(facts: &Facts<'_>, file: FileId, rule: &Rule, found: &mut Vec<Diagnostic>) {
    of_clauses(facts, file, &rule.clauses, rule.span, found);
}

fn of_clauses(facts: &Facts<'_>, file: FileId, clauses: &[Clause], within: Span, found: &mut Vec<Diagnostic>) {
    for clause in clauses {
        if let ClauseKind::Let(binding) = &clause.kind {
            let count = facts.mentions_in(&binding.name.text, file, within);
            report(facts, file, binding, clause, count, found);
        } else if let ClauseKind::Then(effects) = &clause.kind {
            of_effects(facts, file, effects, within, found);
        }
    }
}

fn of_effects(facts: &Facts<'_>, file: FileId, effects: &[Effect], within: Span, found: &mut Vec<Diagnostic>) {
    for effect in effects {
        if let EffectKind::ForEach { body, .. } = &effect.kind {
            of_effects(facts, file, body, within, found);
        } else if let EffectKind::Let(binding) = &effect.kind
            && facts.mentions_in(&binding.name.text, file, within) == 1
        {
            found.push(said(file, binding).fix("take it away", facts.whole_lines(at(file, effect.span)), ""));
        }
    }
}

fn report(
    facts: &Facts<'_>,
    file: FileId,
    binding: &Let,
    clause: &Clause,
    count: usize,
    found: &mut Vec<Diagnostic>,
) {
    if count > 1 {
        return;
    }
    let said = said(file, binding);
    found.push(if clause.docs.is_empty() {
        said.fix("take it away", facts.whole_lines(at(file, clause.span)), "")
    } else {
        said.help("take it away")
    });
}

fn said(file: FileId, binding: &Let) -> Diagnostic {
    finding(at(file, binding.name.span), format!("nothing uses `{}`", binding.name.text))
}
