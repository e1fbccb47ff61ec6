//! What is published about rules and groups: whether they take part, and what stands in `about`. It refuses to know what
//! that means for an event: the conditions say it.

use super::{At, Checker, errors};
use crate::ir::{Effective, Governance};
use perq_grammar::ast;

impl Governance {
    /// What is said here stays; the rest is taken.
    pub(super) fn inherit(&mut self, from: Governance) {
        if self.effective == Effective::Stated {
            self.effective = from.effective;
        }
        for (key, text) in from.about {
            if self.about.iter().all(|(own, _)| *own != key) {
                self.about.push((key, text));
            }
        }
    }
}

impl Checker<'_> {
    /// The life cycle and the data of an owner's clauses.
    pub(super) fn governance(&mut self, at: At, clauses: &[&ast::Clause], owner: &str) -> Governance {
        let mut governance = Governance::default();
        let mut said = false;
        let valid = clauses.iter().find(|clause| matches!(clause.kind, ast::ClauseKind::Valid(_)));
        for clause in clauses {
            let place = at.place(clause.span);
            let effective = match &clause.kind {
                ast::ClauseKind::EffectiveFrom(from) => {
                    if let Some(valid) = valid {
                        self.report(errors::effective_with_valid(place, at.place(valid.span)));
                    }
                    // What is wrong with the date is said with the conditions.
                    self.muted += 1;
                    let scope =
                        super::names::Scope::new(at.file, at.space, super::names::Events::Inferred(None));
                    let day = self.moment(&scope, from, false).map(|(day, _)| day);
                    self.muted -= 1;
                    day.map_or(Effective::Stated, Effective::From)
                }
                ast::ClauseKind::NotEffective => Effective::Never,
                ast::ClauseKind::About(entries) => {
                    for (key, text) in entries {
                        if governance.about.iter().any(|(other, _)| *other == key.text) {
                            let what = format!("`about` of {owner}");
                            self.report(errors::repeated_clause(at.place(key.span), &key.text, &what));
                        } else {
                            governance.about.push((key.text.clone(), text.value.clone()));
                        }
                    }
                    continue;
                }
                ast::ClauseKind::Title(_)
                | ast::ClauseKind::Valid(_)
                | ast::ClauseKind::Schedule(_)
                | ast::ClauseKind::Priority(_)
                | ast::ClauseKind::On(_)
                | ast::ClauseKind::When(_)
                | ast::ClauseKind::Unless(_)
                | ast::ClauseKind::Let(_)
                | ast::ClauseKind::Limit { .. }
                | ast::ClauseKind::Budget { .. }
                | ast::ClauseKind::Take(_)
                | ast::ClauseKind::Process { .. }
                | ast::ClauseKind::Spendable(_)
                | ast::ClauseKind::With(..)
                | ast::ClauseKind::Then(_) => continue,
            };
            if said {
                self.report(errors::repeated_clause(place, "effective", owner));
            }
            said = true;
            governance.effective = effective;
        }
        governance
    }
}
