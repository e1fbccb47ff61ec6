//! Levels that an author sets beside a declaration: `# lint allow NAME: why`. On a line of its own such a comment speaks
//! of what begins below it, at the end of a line of that line. Refuses to know any lint.

use super::{Facts, Group, Level, lint};
use crate::check::SourceTree;
use perq_grammar::ast::{BadgeClause, ClauseKind, CouponClause, OfferClause, RedemptionClause};
use perq_grammar::ast::{Clause, Effect, EffectKind, GroupClause, ItemKind, Rule};
use perq_grammar::diagnostic::{Diagnostic, Place, Span};
use perq_grammar::lex::TokenKind;
use rustc_hash::FxHashMap;

/// The lint that asks for reasons.
pub const WITHOUT_REASON: &str = "lint-without-reason";
/// The lint of comments that change nothing.
pub const WITHOUT_EFFECT: &str = "lint-without-effect";
/// The lint of names that are none.
pub const UNKNOWN: &str = "unknown-lint";

/// One name in a comment.
#[derive(Clone, Debug)]
struct Setting {
    name: String,
    level: Level,
    /// Of the comment.
    place: Place,
    /// What it speaks of.
    scope: Span,
    used: bool,
}

/// The comments of a programme.
#[derive(Clone, Debug, Default)]
pub struct Comments {
    settings: Vec<Setting>,
    complaints: Vec<(&'static str, Diagnostic)>,
}

impl Comments {
    /// Reads them.
    pub fn of(facts: &Facts<'_>) -> Comments {
        let mut comments = Comments::default();
        for tree in facts.trees {
            comments.read(facts, tree);
        }
        comments
    }

    fn read(&mut self, facts: &Facts<'_>, tree: &SourceTree) {
        let tokens = facts.tokens(tree.file);
        let mut nodes: Option<FxHashMap<u32, Span>> = None;
        for (index, token) in tokens.iter().enumerate() {
            if token.kind != TokenKind::Comment {
                continue;
            }
            let text = token.text(&tree.text).trim_start_matches('#').trim();
            let Some(said) = text.strip_prefix("lint ") else { continue };
            let said = said.trim_start();
            let (word, rest) = said.split_once(char::is_whitespace).unwrap_or((said, ""));
            let Some(level) = Level::named(word.trim_end_matches(':')) else { continue };
            let place = Place { file: tree.file, span: token.span };
            let (names, reason) = rest.split_once(':').unwrap_or((rest, ""));
            if reason.trim().is_empty() {
                let message = format!("nothing says why this is `{}`", level.name());
                let example = format!("# lint {} {}: WHY", level.name(), names.trim());
                self.complaints.push((
                    WITHOUT_REASON,
                    Diagnostic::warning(WITHOUT_REASON, place, message)
                        .help(format!("write the reason after a colon: `{example}`")),
                ));
            }
            let before = tokens.get(..index).unwrap_or(&[]).iter().rev();
            let own_line = before
                .take_while(|token| token.kind != TokenKind::Newline)
                .all(|token| token.kind == TokenKind::Space);
            let scope = if own_line {
                let next = tokens.get(index..).unwrap_or(&[]).iter().find(|token| !is_blank(token.kind));
                let start = next.map_or(token.span.end, |next| next.span.start);
                let nodes = nodes.get_or_insert_with(|| {
                    let mut widest: FxHashMap<u32, Span> = FxHashMap::default();
                    for node in nodes_of(tree) {
                        let known = widest.entry(node.start).or_insert(node);
                        *known = known.to(node);
                    }
                    widest
                });
                nodes.get(&start).copied().unwrap_or_else(|| line_of(&tree.text, start))
            } else {
                line_of(&tree.text, token.span.start)
            };
            for name in names.split(',').map(str::trim).filter(|name| !name.is_empty()) {
                if lint(name).is_none() && Group::ALL.iter().all(|group| group.name() != name) {
                    let message = format!("there is no lint and no group of lints `{}`", shorten(name));
                    self.complaints.push((
                        UNKNOWN,
                        Diagnostic::warning(UNKNOWN, place, message)
                            .help("`perq lint --list` has the names of all"),
                    ));
                    continue;
                }
                let name = name.to_owned();
                self.settings.push(Setting { name, level, place, scope, used: false });
            }
        }
    }

    /// Whether a comment asks for a lint that may be off.
    pub fn raises(&self, name: &str) -> bool {
        self.settings.iter().any(|setting| setting.level != Level::Allow && setting.name == name)
    }

    /// What the nearest comment about a finding says.
    pub fn level(&mut self, finding: &Diagnostic) -> Option<Level> {
        let at = finding.place.span.start;
        let about = self.settings.iter_mut().filter(|setting| {
            setting.place.file == finding.place.file
                && (setting.scope.start..setting.scope.end.max(setting.scope.start + 1)).contains(&at)
                && speaks_of(&setting.name, finding.name)
        });
        let nearest = about.min_by_key(|setting| {
            (setting.scope.end.saturating_sub(setting.scope.start), setting.name != finding.name)
        })?;
        nearest.used = true;
        Some(nearest.level)
    }

    /// What is wrong with the comments themselves, once all findings have asked.
    pub fn complaints(self) -> Vec<(&'static str, Diagnostic)> {
        let mut complaints = self.complaints;
        for setting in self.settings.iter().filter(|setting| !setting.used) {
            let message = format!("nothing below is what `{}` finds", setting.name);
            let found = Diagnostic::warning(WITHOUT_EFFECT, setting.place, message)
                .help("take the comment away, or put it above what it is about");
            complaints.push((WITHOUT_EFFECT, found));
        }
        complaints
    }

    /// Forgets comments about lints that were not asked: whether they have an effect is not known.
    pub fn forget(&mut self, asked: &dyn Fn(&str) -> bool) {
        for setting in &mut self.settings {
            setting.used |= !asked(&setting.name);
        }
    }
}

fn speaks_of(setting: &str, name: &str) -> bool {
    setting == name || lint(name).is_some_and(|lint| lint.group.name() == setting)
}

fn shorten(name: &str) -> String {
    name.chars().take(60).collect()
}

fn is_blank(kind: TokenKind) -> bool {
    matches!(kind, TokenKind::Space | TokenKind::Newline | TokenKind::Comment | TokenKind::Documentation)
}

fn line_of(text: &str, at: u32) -> Span {
    let at = (at as usize).min(text.len());
    let start = text.get(..at).and_then(|head| head.rfind('\n')).map_or(0, |end| end + 1);
    let end = text.get(at..).and_then(|tail| tail.find('\n')).map_or(text.len(), |length| at + length);
    Span::new(start, end)
}

/// Everything that a comment can stand above.
fn nodes_of(tree: &SourceTree) -> Vec<Span> {
    let mut nodes = Vec::new();
    for item in &tree.tree.items {
        nodes.push(item.span);
        match &item.kind {
            ItemKind::Group(_, clauses) => {
                for clause in clauses {
                    match clause {
                        GroupClause::Rule(rule) => of_rule(rule, &mut nodes),
                        GroupClause::Shared(clause) => of_clause(clause, &mut nodes),
                        GroupClause::Displace { span, .. } => nodes.push(*span),
                        GroupClause::Kind(_) | GroupClause::OnPrice(_) | GroupClause::Excludes(..) => {}
                    }
                }
            }
            ItemKind::Rule(rule) => of_rule(rule, &mut nodes),
            ItemKind::Template(template) => {
                template.clauses.iter().for_each(|clause| of_clause(clause, &mut nodes));
                nodes.extend(template.parameters.iter().map(|parameter| parameter.span));
            }
            ItemKind::Coupon(_, clauses) => {
                for clause in clauses {
                    nodes.push(clause.span);
                    if let CouponClause::Shared(clause) = &clause.kind {
                        of_clause(clause, &mut nodes);
                    }
                }
            }
            ItemKind::Redemption(_, clauses) => {
                for clause in clauses {
                    nodes.push(clause.span);
                    if let RedemptionClause::Shared(clause) = &clause.kind {
                        of_clause(clause, &mut nodes);
                    }
                }
            }
            ItemKind::Badge(_, clauses) => {
                for clause in clauses {
                    match clause.kind {
                        BadgeClause::Title(_) | BadgeClause::When(_) => nodes.push(clause.span),
                    }
                }
            }
            ItemKind::Offer(_, clauses) => {
                for clause in clauses {
                    nodes.push(clause.span);
                    if let OfferClause::Shared(clause) = &clause.kind {
                        of_clause(clause, &mut nodes);
                    }
                }
            }
            ItemKind::Arbitration(_, clauses) => nodes.extend(clauses.iter().map(|clause| clause.span)),
            ItemKind::Ensure(_, clauses) => nodes.extend(clauses.iter().map(|clause| clause.span)),
            ItemKind::Contacts(_, clauses) => nodes.extend(clauses.iter().map(|clause| clause.span)),
            ItemKind::Tiers(_, clauses) => nodes.extend(clauses.iter().map(|clause| clause.span)),
            ItemKind::Certificate(_, clauses) => nodes.extend(clauses.iter().map(|clause| clause.span)),
            ItemKind::Table { rows, .. } => nodes.extend(rows.iter().map(|row| row.span)),
            ItemKind::Language(_)
            | ItemKind::Use { .. }
            | ItemKind::Program(..)
            | ItemKind::Account(..)
            | ItemKind::Param { .. }
            | ItemKind::Define { .. }
            | ItemKind::Segment(..)
            | ItemKind::Enum { .. }
            | ItemKind::Reference { .. }
            | ItemKind::Record(..)
            | ItemKind::Extend(..)
            | ItemKind::Event { .. }
            | ItemKind::Test(_)
            | ItemKind::Counter { .. } => {}
        }
    }
    nodes
}

fn of_rule(rule: &Rule, nodes: &mut Vec<Span>) {
    nodes.push(rule.span);
    rule.clauses.iter().for_each(|clause| of_clause(clause, nodes));
}

fn of_clause(clause: &Clause, nodes: &mut Vec<Span>) {
    nodes.push(clause.span);
    if let ClauseKind::Then(effects) = &clause.kind {
        effects.iter().for_each(|effect| of_effect(effect, nodes));
    }
}

fn of_effect(effect: &Effect, nodes: &mut Vec<Span>) {
    nodes.push(effect.span);
    if let EffectKind::ForEach { body, .. } = &effect.kind {
        body.iter().for_each(|effect| of_effect(effect, nodes));
    }
}
