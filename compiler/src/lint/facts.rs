//! What lints ask again and again, found once: rules as written and as typed, what conditions add, who mentions a name,
//! and edits of the text. Refuses to decide what is worth a finding.

use super::bounds::Ranges;
use super::conditions::{Conditions, Verdict, conjuncts};
use super::shape::Shapes;
use super::{Names, Options, Zones};
use crate::check::SourceTree;
use crate::ir;
use crate::sources::SourceMap;
use crate::typed::walk::{self, Node};
use crate::typed::{Aggregate, Expr, ExprKind, LocalId, OfferStep, Program, Rule, Source, SourceKind, Step};
use perq_grammar::ast::{self, Clause, GroupClause, ItemKind};
use perq_grammar::diagnostic::{FileId, Place, Span};
use perq_grammar::lex::{Token, TokenKind, lex};
use rustc_hash::{FxHashMap, FxHashSet};
use std::cell::OnceCell;
use std::collections::BTreeMap;

/// A programme, for lints.
pub struct Facts<'a> {
    /// As typed.
    pub program: &'a Program,
    /// The files of the programme itself, without what they use from elsewhere.
    pub trees: &'a [SourceTree],
    /// Today, where it is given.
    pub today: Option<i64>,
    /// Clocks.
    pub zones: &'a dyn Zones,
    /// Names of the catalogue.
    pub names: &'a dyn Names,
    /// Rules, coupons' and redemptions' among them.
    pub rules: Vec<RuleFacts<'a>>,
    sources: &'a SourceMap,
    tokens: BTreeMap<FileId, Vec<Token>>,
    words: OnceCell<FxHashMap<String, usize>>,
    verdicts: OnceCell<Vec<Judged<'a>>>,
    written: Vec<Written<'a>>,
    by_place: FxHashMap<Place, usize>,
    clauses: OnceCell<Vec<(FileId, &'a Clause)>>,
    made: OnceCell<FxHashSet<Place>>,
    templates: OnceCell<Vec<Place>>,
}

/// A rule as typed.
pub struct RuleFacts<'a> {
    /// The rule.
    pub rule: &'a Rule,
    /// What its names say.
    pub shapes: Shapes,
    /// What its values can be.
    pub ranges: Ranges<'a>,
    /// What must all hold, its group's first.
    pub conditions: Vec<&'a Expr>,
}

/// A quoted name of something in a catalogue.
#[derive(Clone, Copy, Debug)]
pub struct ReferenceName<'a> {
    /// `category`, `brand`, …
    pub kind: &'a str,
    /// As written, without the quotes.
    pub name: &'a str,
    /// With the quotes.
    pub place: Place,
}

/// A rule as written.
#[derive(Clone, Copy, Debug)]
pub struct Written<'a> {
    /// The file.
    pub file: FileId,
    /// The rule.
    pub rule: &'a ast::Rule,
    /// The group in whose braces it stands.
    pub group: Option<&'a ast::Header>,
}

/// Where conditions hold together.
#[derive(Clone, Copy, Debug)]
pub enum Where<'a> {
    /// In a rule with its group.
    Rule(&'a Rule),
    /// On the rows of a collection.
    Rows,
    /// In a part of a condition; joined by `or` where it says so.
    Part {
        /// One is enough.
        or: bool,
    },
}

/// What a condition adds to those before it.
#[derive(Clone, Copy, Debug)]
pub struct Judged<'a> {
    /// Where.
    pub within: Where<'a>,
    /// The condition.
    pub condition: &'a Expr,
    /// What it adds.
    pub verdict: Verdict,
    /// The one that the verdict names.
    pub other: Option<&'a Expr>,
    /// The one before it, and the one after it.
    pub beside: (Option<&'a Expr>, Option<&'a Expr>),
}

impl<'a> Facts<'a> {
    /// Finds them.
    pub fn new(
        program: &'a Program,
        sources: &'a SourceMap,
        trees: &'a [SourceTree],
        options: &Options<'a>,
    ) -> Facts<'a> {
        let rules = program.rules.iter().map(|rule| {
            let mut conditions = Vec::new();
            for step in &rule.steps {
                if let Step::When(condition) = step {
                    conjuncts(condition, &mut conditions);
                }
            }
            let shapes = Shapes::of_steps(&rule.steps);
            RuleFacts { rule, shapes, ranges: Ranges::of_steps(program, &rule.steps), conditions }
        });
        let mut written: Vec<Written<'a>> = Vec::new();
        let mut by_place = FxHashMap::default();
        for tree in trees {
            let mut add = |rule: &'a ast::Rule, group: Option<&'a ast::Header>| {
                let place = Place { file: tree.file, span: rule.header.name.span };
                by_place.insert(place, written.len());
                written.push(Written { file: tree.file, rule, group });
            };
            for item in &tree.tree.items {
                match &item.kind {
                    ItemKind::Rule(rule) => add(rule, None),
                    ItemKind::Group(header, clauses) => {
                        for clause in clauses {
                            if let GroupClause::Rule(rule) = clause {
                                add(rule, Some(header));
                            }
                        }
                    }
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
                    | ItemKind::Template(_)
                    | ItemKind::Contacts(..) => {}
                }
            }
        }
        Facts {
            program,
            trees,
            today: options.today,
            zones: options.zones,
            names: options.names,
            rules: rules.collect(),
            sources,
            tokens: trees.iter().map(|tree| (tree.file, lex(&tree.text))).collect(),
            words: OnceCell::new(),
            verdicts: OnceCell::new(),
            written,
            by_place,
            clauses: OnceCell::new(),
            made: OnceCell::new(),
            templates: OnceCell::new(),
        }
    }

    /// The text of a place.
    pub fn text(&self, place: Place) -> &'a str {
        let text = self.sources.get(place.file).map_or("", |source| source.text.as_str());
        text.get(place.span.start as usize..place.span.end as usize).unwrap_or("")
    }

    /// The text of a place on one line, cut where it is long.
    pub fn quote(&self, place: Place) -> String {
        let mut quoted = self.text(place).split_whitespace().collect::<Vec<_>>().join(" ");
        if let Some((cut, _)) = quoted.char_indices().nth(80) {
            quoted.truncate(cut);
            quoted.push('…');
        }
        quoted
    }

    /// The tokens of a file of the programme.
    pub fn tokens(&self, file: FileId) -> &[Token] {
        self.tokens.get(&file).map_or(&[], Vec::as_slice)
    }

    /// The items of all files, with their files.
    pub fn items(&self) -> impl Iterator<Item = (&'a SourceTree, &'a ast::Item)> + use<'a> {
        let trees: &'a [SourceTree] = self.trees;
        trees.iter().flat_map(|tree| tree.tree.items.iter().map(move |item| (tree, item)))
    }

    /// Rules as written, in the order of the files.
    pub fn written(&self) -> &[Written<'a>] {
        &self.written
    }

    /// A typed rule as written; coupons and redemptions are none.
    pub fn written_of(&self, rule: &Rule) -> Option<Written<'a>> {
        self.by_place.get(&rule.place).and_then(|index| self.written.get(*index)).copied()
    }

    /// How often a word stands in the programme's texts outside of tests, its declaration among them.
    pub fn mentions(&self, word: &str) -> usize {
        let words = self.words.get_or_init(|| {
            let mut words: FxHashMap<String, usize> = FxHashMap::default();
            for tree in self.trees {
                let mut tests = tree.tree.items.iter().filter(|item| matches!(item.kind, ItemKind::Test(_)));
                let mut test = tests.next();
                for token in self.tokens(tree.file) {
                    while test.is_some_and(|test| test.span.end <= token.span.start) {
                        test = tests.next();
                    }
                    let tested = test.is_some_and(|test| test.span.start <= token.span.start);
                    if token.kind == TokenKind::Word && !tested {
                        let count = words.entry(plain(token.text(&tree.text))).or_default();
                        *count = count.saturating_add(1);
                    }
                }
            }
            words
        });
        words.get(&plain(word)).copied().unwrap_or(0)
    }

    /// How often a word stands in a place.
    pub fn mentions_in(&self, word: &str, file: FileId, span: Span) -> usize {
        let tokens = self.tokens(file);
        let text = self.sources.get(file).map_or("", |source| source.text.as_str());
        let first = tokens.partition_point(|token| token.span.start < span.start);
        let inside = tokens.get(first..).unwrap_or(&[]).iter().take_while(|token| token.span.end <= span.end);
        let word = plain(word);
        inside.filter(|token| token.kind == TokenKind::Word && plain(token.text(text)) == word).count()
    }

    /// What to cut for a clause to go: with its line where it has the line for itself.
    pub fn whole_lines(&self, place: Place) -> Place {
        let text = self.sources.get(place.file).map_or("", |source| source.text.as_str());
        let (start, end) = (place.span.start as usize, place.span.end as usize);
        let before = text.get(..start).unwrap_or("");
        let after = text.get(end..).unwrap_or("");
        let indent = before.len() - before.trim_end_matches([' ', '\t']).len();
        let blank = after.len() - after.trim_start_matches([' ', '\t']).len();
        let begins = before.len() == indent || before.trim_end_matches([' ', '\t']).ends_with('\n');
        let rest = after.get(blank..).unwrap_or("");
        let newline = if rest.starts_with("\r\n") { 2 } else { usize::from(rest.starts_with('\n')) };
        let span = if begins && newline > 0 {
            Span::new(start - indent, end + blank + newline)
        } else {
            Span::new(start, end + blank)
        };
        Place { file: place.file, span }
    }

    /// Whether a place is in a template, whose text is that of several rules.
    pub fn in_template(&self, place: Place) -> bool {
        let templates = self.templates.get_or_init(|| {
            let templates = self.items().filter(|(_, item)| matches!(item.kind, ItemKind::Template(_)));
            templates.map(|(tree, item)| Place { file: tree.file, span: item.span }).collect()
        });
        // In the order of files and texts.
        let after = templates.partition_point(|template| {
            (template.file, template.span.start) <= (place.file, place.span.start)
        });
        let template = after.checked_sub(1).and_then(|index| templates.get(index));
        template.is_some_and(|template| template.file == place.file && place.span.end <= template.span.end)
    }

    /// The clauses that rules, groups, templates, coupons and redemptions have, with their files.
    pub fn clauses(&self) -> &[(FileId, &'a Clause)] {
        self.clauses.get_or_init(|| {
            self.items()
                .flat_map(|(tree, item)| item.kind.clauses().into_iter().map(|clause| (tree.file, clause)))
                .collect()
        })
    }

    /// Whether a condition is made of something that says more than it: a period, a schedule, a code to present.
    pub fn is_made(&self, place: Place) -> bool {
        let made = self.made.get_or_init(|| {
            let clauses =
                self.clauses().iter().map(|(file, clause)| Place { file: *file, span: clause.span });
            clauses.chain(self.program.rules.iter().map(|rule| rule.place)).collect()
        });
        made.contains(&place)
    }

    /// Where a rule says its limit; the rule where it says several, nothing where its template does.
    pub fn limit_place(&self, rule: &Rule) -> Option<Place> {
        let Some(written) = self.written_of(rule) else { return Some(rule.place) };
        let mut limits = written.rule.clauses.iter().filter(|clause| {
            matches!(clause.kind, ast::ClauseKind::Limit { .. } | ast::ClauseKind::Budget { .. })
        });
        match (limits.next(), limits.next()) {
            (Some(only), None) => Some(Place { file: written.file, span: only.span }),
            (Some(_), Some(_)) => Some(rule.place),
            (None, _) => None,
        }
    }

    /// Quoted names of things in catalogues, outside of tests, in the order of the texts.
    pub fn references(&self) -> Vec<ReferenceName<'a>> {
        let kinds: FxHashSet<&str> = self.program.kinds.iter().map(|kind| kind.name.as_str()).collect();
        let mut names = Vec::new();
        for tree in self.trees {
            let mut tests = tree.tree.items.iter().filter(|item| matches!(item.kind, ItemKind::Test(_)));
            let mut test = tests.next();
            let mut kind: Option<&'a str> = None;
            let mut listed = false;
            for token in self.tokens(tree.file) {
                while test.is_some_and(|test| test.span.end <= token.span.start) {
                    test = tests.next();
                }
                if test.is_some_and(|test| test.span.start <= token.span.start) {
                    kind = None;
                    continue;
                }
                let text = token.text(&tree.text);
                match (token.kind, kind) {
                    (TokenKind::Space | TokenKind::Newline | TokenKind::Comment, _) => {}
                    (TokenKind::Word, _) => {
                        kind = kinds.contains(text).then_some(text);
                        listed = false;
                    }
                    (TokenKind::OpenBracket, Some(_)) if !listed => listed = true,
                    (TokenKind::Comma, Some(_)) if listed => {}
                    (TokenKind::String, Some(of)) => {
                        let name = text.trim_matches('"');
                        names.push(ReferenceName {
                            kind: of,
                            name,
                            place: Place { file: tree.file, span: token.span },
                        });
                        if !listed {
                            kind = None;
                        }
                    }
                    (_, _) => kind = None,
                }
            }
        }
        names
    }

    /// The groups that rules outside of their braces, and coupons, name as theirs.
    pub fn named_groups(&self) -> FxHashSet<&'a str> {
        let rules = self.written.iter().filter_map(|written| written.rule.group.as_ref());
        let coupons = self.items().flat_map(|(_, item)| {
            let clauses =
                if let ItemKind::Coupon(_, clauses) = &item.kind { clauses.as_slice() } else { &[] };
            clauses.iter().filter_map(|clause| {
                if let ast::CouponClause::InGroup(path) = &clause.kind { Some(path) } else { None }
            })
        });
        rules.chain(coupons).filter_map(|path| path.parts.last()).map(|name| name.text.as_str()).collect()
    }

    /// A text that is not too long for a message.
    pub fn shorten(&self, text: &str) -> String {
        text.chars().take(80).collect()
    }

    /// Calls with every expression, collection and step of rules, and of definitions.
    pub fn each(&self, visit: &mut dyn FnMut(Node<'a>)) {
        for rule in &self.program.rules {
            walk::steps(&rule.steps, visit);
        }
        for function in &self.program.functions {
            walk::expr(&function.body, visit);
        }
        for offer in &self.program.offers.list {
            for step in &offer.steps {
                match step {
                    OfferStep::Let(step) => walk::steps(std::slice::from_ref(step), visit),
                    OfferStep::Condition { condition, .. } => walk::expr(condition, visit),
                }
            }
            offer.also.iter().chain(&offer.score).for_each(|expr| walk::expr(expr, visit));
        }
    }

    /// What every condition adds to those that hold with it.
    pub fn verdicts(&self) -> &[Judged<'a>] {
        self.verdicts.get_or_init(|| self.judge_all())
    }

    fn judge_all(&self) -> Vec<Judged<'a>> {
        let mut out = Vec::new();
        for facts in &self.rules {
            if facts.rule.governance.effective == ir::Effective::Never {
                continue;
            }
            let chain: Vec<(&'a Expr, Option<LocalId>)> =
                facts.conditions.iter().map(|condition| (*condition, None)).collect();
            let within = Where::Rule(facts.rule);
            judge(self.program, within, &chain, &facts.shapes, &facts.ranges, &mut out);
            let (mut lets, mut judged) = (FxHashMap::default(), FxHashSet::default());
            walk::steps(&facts.rule.steps, &mut |node| {
                self.judge_node(node, &mut judged, &mut lets, (&facts.shapes, &facts.ranges), &mut out);
            });
        }
        let (shapes, ranges) = (Shapes::default(), Ranges::of_steps(self.program, &[]));
        for function in &self.program.functions {
            let (mut lets, mut judged) = (FxHashMap::default(), FxHashSet::default());
            walk::expr(&function.body, &mut |node| {
                self.judge_node(node, &mut judged, &mut lets, (&shapes, &ranges), &mut out);
            });
        }
        out
    }

    fn judge_node(
        &self,
        node: Node<'a>,
        judged: &mut FxHashSet<*const Expr>,
        lets: &mut FxHashMap<LocalId, &'a Source>,
        (shapes, ranges): (&Shapes, &Ranges<'a>),
        out: &mut Vec<Judged<'a>>,
    ) {
        let mut chain = Vec::new();
        let within = match node {
            Node::Step(Step::LetCollection(local, source)) => {
                lets.insert(*local, source);
                return;
            }
            Node::Step(Step::When(condition)) => {
                judged.insert(std::ptr::from_ref(condition));
                return;
            }
            Node::Step(_) => return,
            Node::Source(source) => {
                if let SourceKind::Filter(_, condition) = &source.kind {
                    judged.insert(std::ptr::from_ref(condition.as_ref()));
                }
                filters(source, lets, &mut chain, 0);
                Where::Rows
            }
            Node::Expr(expr) => {
                if let ExprKind::Aggregate {
                    function: Aggregate::Any | Aggregate::All | Aggregate::Count,
                    value: Some(value),
                    source,
                } = &expr.kind
                {
                    judged.insert(std::ptr::from_ref(value.as_ref()));
                    filters(source, lets, &mut chain, 0);
                    let mut parts = Vec::new();
                    conjuncts(value, &mut parts);
                    chain.extend(parts.into_iter().map(|part| (part, Some(source.element))));
                    Where::Rows
                } else if let ExprKind::And(direct) = &expr.kind {
                    // Of the same conjunction.
                    judged.extend(direct.iter().map(std::ptr::from_ref));
                    if judged.contains(&std::ptr::from_ref(expr)) {
                        return;
                    }
                    let mut parts = Vec::new();
                    conjuncts(expr, &mut parts);
                    chain.extend(parts.into_iter().map(|part| (part, None)));
                    Where::Part { or: false }
                } else if let ExprKind::Or(parts) = &expr.kind {
                    chain.extend(parts.iter().map(|part| (part, None)));
                    Where::Part { or: true }
                } else {
                    return;
                }
            }
        };
        judge(self.program, within, &chain, shapes, ranges, out);
    }
}

/// The conditions of nested filters, the innermost first.
fn filters<'a>(
    source: &'a Source,
    lets: &FxHashMap<LocalId, &'a Source>,
    chain: &mut Vec<(&'a Expr, Option<LocalId>)>,
    depth: usize,
) {
    if depth > 32 {
        return;
    }
    match &source.kind {
        SourceKind::Filter(from, condition) => {
            filters(from, lets, chain, depth + 1);
            let mut parts = Vec::new();
            conjuncts(condition, &mut parts);
            chain.extend(parts.into_iter().map(|part| (part, Some(source.element))));
        }
        SourceKind::Bound(local) => {
            if let Some(bound) = lets.get(local) {
                filters(bound, lets, chain, depth + 1);
            }
        }
        SourceKind::Extreme { from, .. } | SourceKind::EveryNth { from, .. } => {
            filters(from, lets, chain, depth + 1);
        }
        SourceKind::All | SourceKind::Past(_) | SourceKind::One(_) | SourceKind::Set { .. } => {}
    }
}

fn judge<'a>(
    program: &'a Program,
    within: Where<'a>,
    chain: &[(&'a Expr, Option<LocalId>)],
    shapes: &Shapes,
    ranges: &Ranges<'a>,
    out: &mut Vec<Judged<'a>>,
) {
    let mut conditions = Conditions::new(program, shapes, ranges);
    for (index, (condition, element)) in chain.iter().enumerate() {
        let verdict = match within {
            Where::Part { or: true } => conditions.add_opposite(condition),
            Where::Rule(_) | Where::Rows | Where::Part { or: false } => conditions.add(condition, *element),
        };
        let other = match verdict {
            Verdict::Open => continue,
            Verdict::Always | Verdict::Never(None) => None,
            Verdict::Implied(by) | Verdict::Repeated(by) | Verdict::Never(Some(by)) => {
                chain.get(by).map(|(condition, _)| *condition)
            }
        };
        let at =
            |index: Option<usize>| index.and_then(|index| chain.get(index)).map(|(condition, _)| *condition);
        let beside = (at(index.checked_sub(1)), at(index.checked_add(1)));
        out.push(Judged { within, condition, verdict, other, beside });
    }
}

/// A word as it is compared: letters that look alike are one where not all are plain.
fn plain(word: &str) -> String {
    if word.is_ascii() { word.to_owned() } else { unicode_security::skeleton(word).collect() }
}
