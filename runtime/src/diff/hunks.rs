//! What changed in the text of a program: declarations that were added, removed or written otherwise, and the rules that
//! each can have an effect through.
//!
//! Compares words and signs, so that neither comments nor layout count. Where one of the sides is a pack, which has no
//! texts, compiled rules are compared. Refuses to know what a change does to any receipt.

use perq_compiler::ir::print::{group_text, rule_text};
use perq_compiler::ir::{PlaceId, Program};
use perq_compiler::sources::{Source, SourceMap};
use perq_grammar::ast::{AccountClause, GroupClause, Header, ItemKind, ProgramClause};
use perq_grammar::diagnostic::Span;
use perq_grammar::lex::TokenKind;
use perq_grammar::parse;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// How a declaration changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// Only the new program has it.
    Added,
    /// Only the old one has it.
    Removed,
    /// They say different things.
    Changed,
}

impl How {
    /// In a report.
    pub fn word(self) -> &'static str {
        match self {
            How::Added => "added",
            How::Removed => "removed",
            How::Changed => "changed",
        }
    }
}

/// Where one side says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spot {
    /// The file, from the programme's folder.
    pub file: String,
    /// From 1; 0 where there is no line to name.
    pub line: u32,
    /// That line, where there are texts.
    pub text: String,
}

/// A declaration that is not the same on both sides. The spots are those of the first difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hunk {
    /// Its keyword: `rule`, `param`, `group`.
    pub what: &'static str,
    /// Its name.
    pub name: String,
    /// How.
    pub how: How,
    /// Before.
    pub old: Option<Spot>,
    /// After.
    pub new: Option<Spot>,
}

/// What changed, and through what it can have an effect. Numbers are positions in [`Hunks::list`].
#[derive(Clone, Debug, Default)]
pub struct Hunks {
    /// In the order of the new text; what was removed comes last.
    pub list: Vec<Hunk>,
    /// By name of a rule (the new one): it was changed itself, or something that it names.
    pub of_rule: BTreeMap<String, Vec<usize>>,
    /// By name of a group: what the group says besides its rules.
    pub of_group: BTreeMap<String, Vec<usize>>,
    /// By keyword and name of what is kept from event to event (accounts, levels, instruments): it was changed itself, or
    /// something that it names.
    pub of_kept: BTreeMap<(&'static str, String), Vec<usize>>,
    /// What holds for the program as a whole.
    pub settings: Vec<usize>,
    /// New names of rules and groups by their old ones.
    pub renamed: BTreeMap<String, String>,
}

/// What both programs mean alike, by name, whatever they say.
#[derive(Clone, Debug, Default)]
pub struct Alike {
    /// Rules of which the code is the same.
    pub rules: BTreeSet<String>,
    /// Accounts whose balances come of the same awards alike.
    pub accounts: BTreeSet<String>,
    /// `tiers` of which the code is the same.
    pub tiers: BTreeSet<String>,
}

/// Declarations that are wholly in the code of the rules that name them: where the code is the same, so are they.
const COMPILED: [&str; 8] = ["account", "counter", "define", "rule", "segment", "table", "template", "tiers"];

/// Declarations that are kept from event to event.
const KEPT: [&str; 5] = ["account", "badge", "certificate", "coupon", "tiers"];

/// A side of the comparison.
pub struct Texts<'s> {
    /// The program.
    pub program: &'s Program,
    /// Its texts; a pack has none.
    pub sources: Option<&'s SourceMap>,
    /// What stands before each path and is not said.
    pub folder: &'s str,
    /// Values that the deployment gives to parameters, and the file that says so.
    pub parameters: &'s [(String, String)],
}

/// A declaration of one side.
struct Declaration {
    what: &'static str,
    name: String,
    was: Option<String>,
    /// The group that a rule is in.
    group: Option<String>,
    /// Words and signs, with the line of each.
    tokens: Vec<(String, u32)>,
    /// Words by which others depend on it.
    aliases: Vec<String>,
    file: String,
    /// Of the file; none of a pack.
    lines: Rc<Vec<String>>,
}

impl Declaration {
    /// The place of a word; `there` says whether its line is what differs, rather than what follows.
    fn spot(&self, at: usize, there: bool) -> Spot {
        // What only goes on longer on the other side differs at its end.
        let line = self.tokens.get(at).or(self.tokens.last()).map_or(0, |(_, line)| *line);
        let text = usize::try_from(line).ok().and_then(|line| self.lines.get(line.checked_sub(1)?));
        let text = text.filter(|_| there).map_or_else(String::new, |text| text.trim().to_owned());
        Spot { file: self.file.clone(), line, text }
    }

    /// The place of the declaration itself: that of its first word.
    fn start(&self) -> Spot {
        self.spot(0, true)
    }
}

impl Hunks {
    /// Compares two sides.
    pub fn of(old: &Texts<'_>, new: &Texts<'_>) -> Hunks {
        let in_text = old.sources.is_some() && new.sources.is_some();
        let declarations = |side: &Texts<'_>| {
            let mut out = match side.sources.filter(|_| in_text) {
                Some(sources) => written(sources, side.folder),
                None => compiled(side.program, side.folder),
            };
            out.extend(side.parameters.iter().map(|(name, value)| Declaration {
                what: "setting",
                name: name.clone(),
                was: None,
                group: None,
                tokens: vec![(value.clone(), 0)],
                aliases: vec![name.clone()],
                file: "perq.toml".to_owned(),
                lines: Rc::default(),
            }));
            out
        };
        compare(&declarations(old), &declarations(new))
    }

    /// Hunks by whose changes a rule may give something else: its own and those of what it names.
    pub fn of_rule(&self, name: &str) -> &[usize] {
        self.of_rule.get(name).map_or(&[], Vec::as_slice)
    }

    /// Hunks by whose changes what is kept may be another without any rule giving something else.
    pub fn of_kept(&self, what: &'static str, name: &str) -> &[usize] {
        self.of_kept.get(&(what, name.to_owned())).map_or(&[], Vec::as_slice)
    }

    /// Leaves out what was written otherwise and means the same to a rule, an account or levels: a title, an account's
    /// expiry to a rule that awards its points.
    pub fn narrow(&mut self, alike: &Alike) {
        let Hunks { list, of_rule, of_kept, .. } = self;
        let what = |hunk: usize| list.get(hunk).map_or("", |hunk| hunk.what);
        let is_account_alike = |hunk: usize| {
            let account = list.get(hunk).filter(|hunk| hunk.what == "account");
            account.is_some_and(|account| alike.accounts.contains(&account.name))
        };
        for (rule, hunks) in of_rule.iter_mut() {
            if alike.rules.contains(rule) {
                hunks.retain(|hunk| !COMPILED.contains(&what(*hunk)));
            }
        }
        for ((kept, name), hunks) in of_kept.iter_mut() {
            let alike = *kept == "tiers" && alike.tiers.contains(name);
            hunks.retain(|hunk| match what(*hunk) {
                "account" => !is_account_alike(*hunk),
                what => !alike || !COMPILED.contains(&what),
            });
        }
        of_rule.retain(|_, hunks| !hunks.is_empty());
        of_kept.retain(|_, hunks| !hunks.is_empty());
    }

    /// Hunks of what a group says besides its rules.
    pub fn of_group(&self, name: &str) -> &[usize] {
        self.of_group.get(name).map_or(&[], Vec::as_slice)
    }
}

fn compare(old: &[Declaration], new: &[Declaration]) -> Hunks {
    let mut hunks = Hunks::default();
    let has = |list: &[Declaration], what: &str, name: &str| {
        list.iter().any(|other| other.what == what && other.name == name)
    };
    for declaration in new {
        if let Some(was) = &declaration.was
            && ["rule", "group"].contains(&declaration.what)
            && has(old, declaration.what, was)
            && !has(new, declaration.what, was)
        {
            hunks.renamed.insert(was.clone(), declaration.name.clone());
        }
    }
    // The name under which each declaration is compared: the new one where it was renamed.
    let name = |declaration: &Declaration, is_old: bool| match &declaration.was {
        None if is_old => hunks.renamed.get(&declaration.name).unwrap_or(&declaration.name).clone(),
        Some(_) | None => declaration.name.clone(),
    };
    let mut keys: Vec<(&'static str, String)> = Vec::new();
    let mut seen = BTreeSet::new();
    for (list, is_old) in [(new, false), (old, true)] {
        for declaration in list {
            let key = (declaration.what, name(declaration, is_old));
            if seen.insert(key.clone()) {
                keys.push(key);
            }
        }
    }
    let mut by_key: [BTreeMap<(&'static str, String), Vec<&Declaration>>; 2] = Default::default();
    for (at, (list, is_old)) in [(old, true), (new, false)].into_iter().enumerate() {
        for declaration in list {
            let key = (declaration.what, name(declaration, is_old));
            if let Some(of_side) = by_key.get_mut(at) {
                of_side.entry(key).or_default().push(declaration);
            }
        }
    }
    let [mut olds, mut news] = by_key;
    let mut changed: Vec<(usize, &Declaration)> = Vec::new();
    for key in keys {
        let mut before = olds.remove(&key).unwrap_or_default();
        let mut after = news.remove(&key).unwrap_or_default();
        // Versions of a rule that take turns on a date stand under one name: those that are alike are no change.
        before.retain(|one| match after.iter().position(|other| alike(one, other)) {
            Some(at) => {
                after.remove(at);
                false
            }
            None => true,
        });
        let count = before.len().max(after.len());
        for at in 0..count {
            let (one, other) = (before.get(at).copied(), after.get(at).copied());
            let (first, last) = match (one, other) {
                (Some(one), Some(other)) => common(&one.tokens, &other.tokens),
                (None, _) | (_, None) => (0, 0),
            };
            let how = match (one, other) {
                (Some(_), Some(_)) => How::Changed,
                (Some(_), None) => How::Removed,
                (None, _) => How::Added,
            };
            let spot = |side: Option<&Declaration>| {
                side.map(|of| match how {
                    How::Changed => of.spot(first, first + last < of.tokens.len()),
                    How::Added | How::Removed => of.start(),
                })
            };
            let id = hunks.list.len();
            changed.extend([one, other].into_iter().flatten().map(|side| (id, side)));
            let (what, name) = key.clone();
            hunks.list.push(Hunk { what, name, how, old: spot(one), new: spot(other) });
        }
    }
    let renamed = hunks.renamed.clone();
    for (list, is_old) in [(old, true), (new, false)] {
        reach(list, is_old, &changed, &renamed, &mut hunks);
    }
    let kept = hunks.of_kept.values_mut();
    for ids in hunks.of_rule.values_mut().chain(hunks.of_group.values_mut()).chain(kept) {
        ids.sort_unstable();
        ids.dedup();
    }
    for (id, hunk) in hunks.list.iter().enumerate() {
        if ["program", "language", "extend", "record", "event", "reference", "account"].contains(&hunk.what) {
            hunks.settings.push(id);
        }
    }
    hunks
}

/// How many words two texts begin with alike, and how many of the others they end with alike.
fn common(one: &[(String, u32)], other: &[(String, u32)]) -> (usize, usize) {
    let same = |((a, _), (b, _)): &(&(String, u32), &(String, u32))| a == b;
    let first = one.iter().zip(other).take_while(same).count();
    let rest = one.len().min(other.len()).saturating_sub(first);
    (first, one.iter().rev().zip(other.iter().rev()).take(rest).take_while(same).count())
}

fn alike(one: &Declaration, other: &Declaration) -> bool {
    one.group == other.group
        && one.tokens.len() == other.tokens.len()
        && one.tokens.iter().zip(&other.tokens).all(|((a, _), (b, _))| a == b)
}

/// Which rules of a side a change reaches: those that are written otherwise, and those that name, directly or through
/// others, what is.
fn reach(
    list: &[Declaration],
    is_old: bool,
    changed: &[(usize, &Declaration)],
    renamed: &BTreeMap<String, String>,
    hunks: &mut Hunks,
) {
    let mut by_alias: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (at, declaration) in list.iter().enumerate() {
        for alias in &declaration.aliases {
            by_alias.entry(alias).or_default().push(at);
        }
    }
    // What was changed counts on both sides, under the words that either has for it.
    let mut hunks_of: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    let mut own: BTreeMap<(bool, &str), Vec<usize>> = BTreeMap::new();
    for (id, declaration) in changed {
        for alias in &declaration.aliases {
            hunks_of.entry(alias).or_default().push(*id);
        }
        if is_rule(declaration.what) || declaration.what == "group" {
            own.entry((is_rule(declaration.what), &declaration.name)).or_default().push(*id);
        }
    }
    let groups: BTreeMap<&str, &Declaration> =
        list.iter().filter(|other| other.what == "group").map(|group| (group.name.as_str(), group)).collect();
    let new_name = |name: &str| match is_old {
        true => renamed.get(name).map_or(name, String::as_str).to_owned(),
        false => name.to_owned(),
    };
    for declaration in list {
        if declaration.what == "group"
            && let Some(ids) = own.get(&(false, declaration.name.as_str()))
        {
            hunks.of_group.entry(new_name(&declaration.name)).or_default().extend(ids);
        }
        let is_kept = KEPT.contains(&declaration.what);
        if !is_rule(declaration.what) && !is_kept {
            continue;
        }
        let mut ids = own.get(&(true, declaration.name.as_str())).cloned().unwrap_or_default();
        // The group's clauses stand before those of each of its rules.
        let group = declaration.group.as_ref().and_then(|group| groups.get(group.as_str()).copied());
        let mut waiting: Vec<&Declaration> = std::iter::once(declaration).chain(group).collect();
        let mut seen: BTreeSet<usize> = BTreeSet::new();
        while let Some(next) = waiting.pop() {
            for (word, _) in &next.tokens {
                ids.extend(hunks_of.get(word.as_str()).into_iter().flatten());
                for at in by_alias.get(word.as_str()).into_iter().flatten() {
                    if seen.insert(*at) {
                        waiting.extend(list.get(*at));
                    }
                }
            }
        }
        if ids.is_empty() {
            continue;
        }
        if is_kept {
            let key = (declaration.what, declaration.name.clone());
            hunks.of_kept.entry(key).or_default().extend(&ids);
        }
        if is_rule(declaration.what) {
            hunks.of_rule.entry(new_name(&declaration.name)).or_default().extend(ids);
        }
    }
}

/// Declarations that are rules of the program under their own name.
fn is_rule(what: &str) -> bool {
    ["rule", "coupon", "redemption"].contains(&what)
}

/// The declarations of the texts.
fn written(sources: &SourceMap, folder: &str) -> Vec<Declaration> {
    let prelude: BTreeSet<&str> = perq_stdlib::PRELUDE.iter().map(|file| file.path).collect();
    let mut out = Vec::new();
    for source in sources.iter().filter(|source| !prelude.contains(source.path.as_str())) {
        let parsed = parse(source.file, &source.text);
        let file = source.path.strip_prefix(folder).unwrap_or(&source.path);
        let tokens: Vec<(Span, String)> = parsed
            .tokens
            .iter()
            .filter(|token| !token.kind.is_trivia())
            .map(|token| (token.span, word(token.kind, token.text(&source.text))))
            .collect();
        let lines: Rc<Vec<String>> = Rc::new(source.text.lines().map(str::to_owned).collect());
        // Spans that are left out stand in the order of the text.
        let cut = |span: Span, without: &[Span]| -> Vec<(String, u32)> {
            let start = tokens.partition_point(|(at, _)| at.start < span.start);
            let end = tokens.partition_point(|(at, _)| at.end <= span.end);
            let left_out = |at: Span| {
                let before = without.partition_point(|rule| rule.start <= at.start);
                before
                    .checked_sub(1)
                    .and_then(|last| without.get(last))
                    .is_some_and(|rule| at.end <= rule.end)
            };
            let inside = tokens.get(start..end).unwrap_or(&[]).iter();
            let kept = inside.filter(|(at, _)| !left_out(*at));
            kept.map(|(at, text)| (text.clone(), line_of(source, *at))).collect()
        };
        let declare = |what: &'static str, name: &str, span: Span, without: &[Span]| Declaration {
            what,
            name: name.to_owned(),
            was: None,
            group: None,
            tokens: cut(span, without),
            aliases: Vec::new(),
            file: file.to_owned(),
            lines: Rc::clone(&lines),
        };
        for item in &parsed.tree.items {
            let headed = |what: &'static str, header: &Header| {
                let name = &header.name.text;
                let was = header.was.as_ref().map(|was| was.text.clone());
                Declaration { was, aliases: vec![name.clone()], ..declare(what, name, item.span, &[]) }
            };
            match &item.kind {
                ItemKind::Language(_) => out.push(declare("language", "language", item.span, &[])),
                ItemKind::Program(header, clauses) => {
                    let mut program = declare("program", &header.name.text, item.span, &[]);
                    // A version is a number for people.
                    if clauses.iter().any(|clause| matches!(clause, ProgramClause::Version(_)))
                        && let Some(at) = program.tokens.iter().position(|(word, _)| word == "version")
                    {
                        program.tokens.drain(at..(at + 2).min(program.tokens.len()));
                    }
                    out.push(program);
                }
                ItemKind::Account(header, clauses) => {
                    let mut account = headed("account", header);
                    account.aliases.extend(clauses.iter().filter_map(|clause| match clause {
                        AccountClause::Unit(unit, _) => Some(unit.text.clone()),
                        AccountClause::Title(_)
                        | AccountClause::Round { .. }
                        | AccountClause::Redeemable(_)
                        | AccountClause::Qualifying(_)
                        | AccountClause::NotBelow(_)
                        | AccountClause::Worth(..)
                        | AccountClause::Expire(..)
                        | AccountClause::Melt(_)
                        | AccountClause::UseFirst(_)
                        | AccountClause::Shortfall(_) => None,
                    }));
                    out.push(account);
                }
                ItemKind::Param { header, .. } => out.push(headed("param", header)),
                ItemKind::Define { header, .. } => out.push(headed("define", header)),
                ItemKind::Table { header, .. } => out.push(headed("table", header)),
                ItemKind::Segment(header, _) => out.push(headed("segment", header)),
                ItemKind::Counter { header, .. } => out.push(headed("counter", header)),
                ItemKind::Enum { header, values, .. } => {
                    let mut declaration = headed("enum", header);
                    declaration.aliases.extend(values.iter().map(|(name, _)| name.text.clone()));
                    out.push(declaration);
                }
                ItemKind::Reference { name, .. } => {
                    let aliases = vec![name.text.clone()];
                    out.push(Declaration { aliases, ..declare("reference", &name.text, item.span, &[]) });
                }
                ItemKind::Record(name, fields) | ItemKind::Extend(name, fields) => {
                    let aliases = fields.iter().map(|field| field.name.text.clone()).collect();
                    out.push(Declaration { aliases, ..declare("extend", &name.text, item.span, &[]) });
                }
                ItemKind::Event { name, .. } => {
                    let aliases = vec![name.text.clone()];
                    out.push(Declaration { aliases, ..declare("event", &name.text, item.span, &[]) });
                }
                ItemKind::Badge(header, _) => out.push(headed("badge", header)),
                ItemKind::Tiers(header, _) => out.push(headed("tiers", header)),
                ItemKind::Coupon(header, _) => out.push(headed("coupon", header)),
                ItemKind::Certificate(header, _) => out.push(headed("certificate", header)),
                ItemKind::Redemption(header, _) => out.push(headed("redemption", header)),
                ItemKind::Offer(header, _) => out.push(headed("offer", header)),
                ItemKind::Contacts(header, _) => out.push(headed("contacts", header)),
                ItemKind::Arbitration(header, _) => out.push(headed("arbitration", header)),
                ItemKind::Ensure(header, _) => out.push(headed("ensure", header)),
                ItemKind::Template(template) => out.push(headed("template", &template.header)),
                ItemKind::Group(header, clauses) => {
                    let rules: Vec<&perq_grammar::ast::Rule> = clauses
                        .iter()
                        .filter_map(|clause| match clause {
                            GroupClause::Rule(rule) => Some(rule),
                            GroupClause::Kind(_)
                            | GroupClause::Displace { .. }
                            | GroupClause::OnPrice(_)
                            | GroupClause::Excludes(..)
                            | GroupClause::Shared(_) => None,
                        })
                        .collect();
                    let spans: Vec<Span> = rules.iter().map(|rule| rule.span).collect();
                    let was = header.was.as_ref().map(|was| was.text.clone());
                    let group = declare("group", &header.name.text, item.span, &spans);
                    out.push(Declaration { was, ..group });
                    for rule in rules {
                        let group = Some(header.name.text.clone());
                        out.push(rule_of(
                            rule,
                            group,
                            declare("rule", &rule.header.name.text, rule.span, &[]),
                        ));
                    }
                }
                ItemKind::Rule(rule) => {
                    let path = rule.group.as_ref().and_then(|path| path.parts.last());
                    let group = path.map(|name| name.text.clone());
                    out.push(rule_of(rule, group, declare("rule", &rule.header.name.text, item.span, &[])));
                }
                // What was used is among the sources; tests change no decision.
                ItemKind::Use { .. } | ItemKind::Test(_) => {}
            }
        }
    }
    out
}

fn rule_of(rule: &perq_grammar::ast::Rule, group: Option<String>, declaration: Declaration) -> Declaration {
    let was = rule.header.was.as_ref().map(|was| was.text.clone());
    Declaration { group, was, ..declaration }
}

/// A token as it is compared: `1_000` and `1000` are one number.
fn word(kind: TokenKind, text: &str) -> String {
    if kind == TokenKind::Number { text.replace('_', "") } else { text.to_owned() }
}

fn line_of(source: &Source, span: Span) -> u32 {
    source.line_column(span.start).0
}

/// The rules, groups, parameters and accounts of a program without texts.
fn compiled(program: &Program, folder: &str) -> Vec<Declaration> {
    let declare = |what: &'static str, name: &str, text: &str, place: Option<PlaceId>| {
        let place = place.and_then(|place| program.places.get(place.index()));
        let file = place.and_then(|place| program.sources.get(place.file as usize));
        let file = file.map_or("", |file| file.path.as_str());
        let line = place.map_or(0, |place| place.line);
        let mut tokens = Vec::new();
        let mut words = text.split_whitespace();
        while let Some(word) = words.next() {
            tokens.push((word.trim_matches([',', ':', '(', ')']).to_owned(), line));
            // Effects and gifts are numbered through the whole program.
            if word == "site" || word == "gift" {
                words.next();
            }
        }
        Declaration {
            what,
            name: name.to_owned(),
            was: None,
            group: None,
            tokens,
            aliases: Vec::new(),
            file: file.strip_prefix(folder).unwrap_or(file).to_owned(),
            lines: Rc::default(),
        }
    };
    let mut out = Vec::new();
    let head = format!(
        "{} {:?} {} {:?} {:?}",
        program.currency.code, program.rounding, program.zone, program.tax, program.week_starts
    );
    out.push(declare("program", &program.name, &head, None));
    for account in &program.accounts {
        let aliases = vec![account.name.clone()];
        let text = format!("{account:?}");
        out.push(Declaration { aliases, ..declare("account", &account.name, &text, None) });
    }
    for param in &program.params {
        let aliases = vec![param.name.clone()];
        let text = format!("{:?} {:?}", param.values, param.range);
        out.push(Declaration { aliases, ..declare("param", &param.name, &text, None) });
    }
    for group in &program.groups {
        out.push(declare("group", &group.name, &group_text(program, group), None));
    }
    for rule in &program.rules {
        let group = program.groups.get(rule.group.index()).map(|group| group.name.clone());
        let declaration = declare("rule", &rule.name, &rule_text(program, rule), Some(rule.place));
        out.push(Declaration { group, ..declaration });
    }
    out
}
