//! What could stand at a place of a text that is being written, broken as it may be.
//!
//! The grammar says which keywords and sorts of names fit (`perq_grammar::complete`); what has such a name is looked up
//! in the last analysis, and the names of the rule that is being written in its tokens, since it seldom parses.

use crate::declarations::{Declaration, Kind};
use crate::{Analysis, is_prelude};
use perq_compiler::check::plural;
use perq_grammar::complete::{Fitting, fitting};
use perq_grammar::diagnostic::{FileId, Place, Span};
use perq_grammar::lex::TokenKind;
use std::collections::BTreeSet;

/// What a proposal is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CompletionKind {
    /// A word of the language.
    Keyword,
    /// Something that is declared.
    Declared(Kind),
    /// A function that comes with the language.
    Function,
    /// A record or collection that is always there.
    Subject,
    /// A unit.
    Unit,
    /// A type.
    Type,
    /// One of a few fixed words.
    Choice,
}

/// A proposal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    /// What comes in place of [`Completion::replaces`].
    pub text: String,
    /// What it is.
    pub kind: CompletionKind,
    /// Its type or what it belongs to.
    pub detail: String,
    /// Title and documentation.
    pub docs: String,
    /// The word that is being written.
    pub replaces: Span,
    /// Smaller comes first.
    pub rank: u8,
}

/// Proposals at most; who goes on writing is asked again.
const MOST: usize = 1_000;

struct Proposals {
    replaces: Span,
    seen: BTreeSet<String>,
    out: Vec<Completion>,
}

impl Proposals {
    fn add(&mut self, text: &str, kind: CompletionKind, detail: &str, docs: &str, rank: u8) {
        if self.out.len() < MOST && !text.is_empty() && self.seen.insert(text.to_owned()) {
            self.out.push(Completion {
                text: text.to_owned(),
                kind,
                detail: detail.to_owned(),
                docs: docs.to_owned(),
                replaces: self.replaces,
                rank,
            });
        }
    }

    fn choices(&mut self, words: &[&str], detail: &str) {
        for word in words {
            self.add(word, CompletionKind::Choice, detail, "", 1);
        }
    }
}

const AGGREGATES: &[(&str, &str)] = &[
    ("sum", "sum(line.paid for lines)"),
    ("avg", "avg(line.paid for lines)"),
    ("min", "min(line.paid for lines)"),
    ("max", "max(line.paid for lines)"),
    ("count", "count(lines where …)"),
    ("any", "any(lines where …)"),
    ("all", "all(lines where …)"),
    ("distinct", "distinct(line.sku for lines)"),
];

const CALENDAR: &[&str] = &[
    "day",
    "month",
    "year",
    "weekday",
    "start_of_week",
    "start_of_month",
    "start_of_quarter",
    "start_of_half_year",
    "start_of_year",
    "end_of_week",
    "end_of_month",
    "end_of_quarter",
    "end_of_half_year",
    "end_of_year",
    "days_from_anniversary",
];

const UNITS: &[&str] = &[
    "kg", "g", "l", "ml", "pcs", "seconds", "minutes", "hours", "days", "weeks", "months", "quarters",
    "years",
];

const TYPES: &[&str] = &[
    "money", "percent", "number", "bool", "pcs", "date", "time", "instant", "duration", "days", "months",
    "kg", "l", "points", "count", "lines", "units", "payments", "line", "unit", "payment",
];

/// Fixed words, by the word before them.
const CHOICES: &[(&str, &[&str], &str)] = &[
    ("rounding", MODES, "rounding"),
    ("rounded", MODES, "rounding"),
    ("round", MODES, "rounding"),
    ("rest", &["largest_remainder", "first_lines", "last_line", "first_with_room", "running"], "rest"),
    (
        "kind",
        &["line_discount", "set_discount", "order_discount", "delivery_discount", "tender", "earn", "state"],
        "phase",
    ),
    ("on_price", &["original", "running"], "price"),
    ("month_end", &["clamp"], "month's end"),
    ("week_starts", &["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"], "day"),
    ("shortfall", &["debt", "clamp", "pending_only"], "shortfall"),
    ("first", &["oldest_expiry"], "order of use"),
    ("tax", &["included", "on_top"], "tax"),
    ("fails", &["overflow", "division-by-zero", "out-of-range", "out-of-fuel"], "fault"),
];

const MODES: &[&str] = &["half_up", "half_even", "half_down", "down", "up"];

/// The words around the place.
struct Around<'t> {
    text: &'t str,
    fitting: &'t Fitting,
}

impl<'t> Around<'t> {
    /// The n-th word, number or sign before it.
    fn before(&self, n: usize) -> &'t str {
        let at = self.fitting.before.get(n).and_then(|at| self.fitting.tokens.get(*at));
        at.map_or("", |token| token.text(self.text))
    }

    fn token(&self, at: usize) -> &'t str {
        self.fitting.tokens.get(at).map_or("", |token| token.text(self.text))
    }

    /// The significant tokens of the innermost unit, up to the place; their indices.
    fn unit(&self) -> Vec<usize> {
        let from = self.fitting.within.last().copied().unwrap_or(0);
        let to = self.fitting.before.first().map_or(0, |at| at + 1);
        (from..to)
            .filter(|at| self.fitting.tokens.get(*at).is_some_and(|token| !token.kind.is_trivia()))
            .collect()
    }

    /// The words before the braces that are open at the place, innermost first.
    fn blocks(&self) -> Vec<usize> {
        let from = self.fitting.within.first().copied().unwrap_or(0);
        let to = self.fitting.before.first().map_or(0, |at| at + 1);
        let mut open: Vec<usize> = Vec::new();
        let mut last = from;
        // The word that begins a line is what a block is called after.
        for at in from..to {
            let Some(token) = self.fitting.tokens.get(at) else { break };
            if token.kind == TokenKind::OpenBrace {
                open.push(last);
            } else if token.kind == TokenKind::CloseBrace {
                open.pop();
            } else if token.kind == TokenKind::Word {
                let word = token.text(self.text);
                let before = self.fitting.tokens.get(..at).unwrap_or(&[]).iter().rev();
                let starts = before
                    .take_while(|token| {
                        token.kind != TokenKind::OpenBrace && token.kind != TokenKind::CloseBrace
                    })
                    .all(|token| token.kind == TokenKind::Space || token.kind == TokenKind::Newline);
                let first_on_line = self
                    .fitting
                    .tokens
                    .get(..at)
                    .unwrap_or(&[])
                    .iter()
                    .rev()
                    .find(|token| token.kind != TokenKind::Space)
                    .is_none_or(|token| token.kind == TokenKind::Newline);
                if starts
                    || first_on_line
                    || matches!(word, "given" | "line" | "payment" | "with")
                    || at == from
                {
                    last = at;
                }
            }
        }
        open.reverse();
        open
    }
}

impl Analysis {
    /// What could stand at a byte offset of a text, which may be newer than the analysis.
    pub fn completions(&self, file: FileId, text: &str, offset: usize) -> Vec<Completion> {
        let fitting = fitting(text, offset);
        let around = Around { text, fitting: &fitting };
        let mut out = Proposals { replaces: fitting.prefix, seen: BTreeSet::new(), out: Vec::new() };
        if around.before(0) == "." {
            self.after_dot(file, &around, &mut out);
            return out.out;
        }
        self.by_words(&around, &mut out);
        if fitting.unit {
            self.units(&mut out);
        }
        if fitting.type_name {
            for word in TYPES {
                out.add(word, CompletionKind::Type, "type", "", 2);
            }
            for kind in [Kind::Enum, Kind::Tiers, Kind::Reference, Kind::Unit] {
                self.add_all(kind, None, 2, &mut out);
            }
        }
        if fitting.collection {
            for word in ["lines", "units", "payments"] {
                out.add(word, CompletionKind::Subject, "collection", "", 3);
            }
            self.locals(file, &around, &mut out);
        }
        if around.before(0) == "earlier" {
            out.add("lines", CompletionKind::Subject, "collection", "", 1);
            self.plurals(&mut out);
        }
        if fitting.expression {
            self.expressions(file, &around, &mut out);
        }
        for word in &fitting.keywords {
            out.add(word, CompletionKind::Keyword, "", "", 6);
        }
        out.out
    }

    /// Names that the words before the place ask for.
    fn by_words(&self, around: &Around<'_>, out: &mut Proposals) {
        let fitting = around.fitting;
        let (last, second, third) = (around.before(0), around.before(1), around.before(2));
        // Whose value is expected.
        if matches!(last, "=" | "!=" | "[" | "," | "{" | "=>")
            && let Some(owner) = self.compared(around)
        {
            self.add_all(Kind::Value, Some(&owner), 0, out);
            self.add_all(Kind::Level, Some(&owner), 0, out);
        }
        if fitting.name {
            for (word, words, detail) in CHOICES {
                if last == *word {
                    out.choices(words, detail);
                }
            }
            match (last, second) {
                ("group", _) | (_, "order") | ("order", _) => self.add_all(Kind::Group, None, 1, out),
                ("template", _) => self.add_all(Kind::Template, None, 1, out),
                ("rule", _) => self.add_all(Kind::Rule, None, 1, out),
                ("coupon", _) => self.add_all(Kind::Coupon, None, 1, out),
                ("certificate", _) => self.add_all(Kind::Certificate, None, 1, out),
                ("badge", _) => self.add_all(Kind::Badge, None, 1, out),
                ("ensure", _) => self.add_all(Kind::Ensure, None, 1, out),
                ("offer" | "offers", _) => self.add_all(Kind::Offer, None, 1, out),
                ("tier", _) => self.add_all(Kind::Tiers, None, 1, out),
                ("=", _) if third == "tier" => self.add_all(Kind::Level, Some(second), 1, out),
                ("balance" | "to" | "from", _) => self.add_all(Kind::Account, None, 1, out),
                ("on", _) => self.add_all(Kind::Event, None, 1, out),
                ("given", _) | ("earlier", "given") => {
                    self.add_all(Kind::Event, None, 1, out);
                    self.add_all(Kind::Reference, None, 3, out);
                    for word in ["member", "product"] {
                        out.add(word, CompletionKind::Subject, "record", "", 1);
                    }
                }
                ("as", _) => {
                    self.add_all(Kind::Unit, None, 1, out);
                    out.add(self.currency(), CompletionKind::Unit, "currency", "", 1);
                    out.choices(&["percent"], "unit");
                }
                ("by", "spread") => {
                    out.choices(&["paid", "initial", "price", "pieces", "equally"], "weight");
                }
                ("currency", _) => {
                    for code in perq_compiler::check::currency_codes() {
                        out.add(code, CompletionKind::Unit, "currency", "", 2);
                    }
                }
                ("extend", _) => {
                    self.add_all(Kind::Record, None, 1, out);
                    self.add_all(Kind::Event, None, 1, out);
                }
                ("rejects", _) => {
                    let names = perq_grammar::errors::NAMES.iter().chain(perq_compiler::check::errors::NAMES);
                    for name in names {
                        out.add(name, CompletionKind::Choice, "diagnostic", "", 2);
                    }
                }
                ("with", _) => {
                    if around.token(fitting.within.first().copied().unwrap_or(0)) == "test" {
                        self.add_all(Kind::Param, None, 1, out);
                    } else if let Some(template) = self.template_of(around) {
                        self.add_all(Kind::Blank, Some(&template), 1, out);
                    }
                }
                ("per", _) => {
                    out.choices(&["member", "transaction", "line", "rule", "basket", "unit"], "per")
                }
                _ => {}
            }
            if last == "[" && second == "days"
                || last == "," && around.unit().iter().rev().take(20).any(|at| around.token(*at) == "days")
            {
                out.choices(&["mon", "tue", "wed", "thu", "fri", "sat", "sun"], "day");
            }
            if last == "," && around.unit().iter().rev().take(40).any(|at| around.token(*at) == "order") {
                self.add_all(Kind::Group, None, 1, out);
            }
        }
        // The fields of a record in a test.
        if around.token(fitting.within.first().copied().unwrap_or(0)) == "test" && !fitting.expression {
            self.test_fields(around, out);
        }
    }

    fn test_fields(&self, around: &Around<'_>, out: &mut Proposals) {
        let blocks = around.blocks();
        let Some(&block) = blocks.first() else { return };
        let word = around.token(block);
        let record = match word {
            "given" => {
                let after = around.fitting.tokens.get(block + 1..).unwrap_or(&[]).iter();
                let mut words =
                    after.filter(|token| token.kind == TokenKind::Word).map(|token| token.text(around.text));
                let first = words.next().unwrap_or("");
                if first == "earlier" { words.next().unwrap_or("") } else { first }
            }
            "line" | "payment" | "unit" | "product" => word,
            _ => return,
        };
        self.add_all(Kind::Field, Some(record), 0, out);
        match record {
            "line" => self.add_all(Kind::Field, Some("product"), 3, out),
            "member" => self.add_all(Kind::Tiers, None, 1, out),
            "payment" | "unit" | "product" => {}
            _ => {
                for word in ["line", "payment", "member"] {
                    out.add(word, CompletionKind::Subject, "record", "", 1);
                }
            }
        }
    }

    /// The enumeration of what is compared with the place: `member.tier = …`, `by member.tier { … `.
    fn compared(&self, around: &Around<'_>) -> Option<String> {
        let unit = around.unit();
        let mut at = unit.len();
        // Back over a list, arms, and the sign.
        let mut path: Vec<&str> = Vec::new();
        let mut steps = 0_usize;
        while at > 0 && steps < 60 {
            at -= 1;
            steps += 1;
            let word = around.token(*unit.get(at)?);
            if matches!(word, "=" | "!=" | "in" | "{") {
                break;
            }
        }
        while at > 0 {
            at -= 1;
            let word = around.token(*unit.get(at)?);
            let is_name =
                around.fitting.tokens.get(*unit.get(at)?).is_some_and(|token| token.kind == TokenKind::Word);
            if word == "not" {
                continue;
            }
            if word == "." || (is_name && path.last().is_none_or(|last| *last == ".")) {
                path.push(word);
            } else {
                break;
            }
        }
        let last = *path.first()?;
        let owner = match path.as_slice() {
            [_, ".", owner, ..] => Some(*owner),
            _ => None,
        };
        let field = self.declarations.iter().find(|declaration| {
            let of = declaration.owner.as_deref();
            let owned =
                owner.is_none_or(|owner| of == Some(owner) || (owner == "unit" && of == Some("line")));
            declaration.name == last
                && (owned
                    && matches!(declaration.kind, Kind::Field | Kind::Param | Kind::Parameter | Kind::Blank)
                    || declaration.kind == Kind::Tiers)
        });
        let field = field.or_else(|| {
            // In the record of a test the name stands alone.
            self.declarations
                .iter()
                .find(|declaration| declaration.name == last && declaration.kind == Kind::Field)
        });
        if owner == Some("event") && last == "weekday" {
            return Some("Weekday".to_owned());
        }
        let field = field?;
        if field.kind == Kind::Tiers {
            return Some(field.name.clone());
        }
        let ty = field
            .ty
            .and_then(|span| self.text(field.place.file).get(span.start as usize..span.end as usize))?;
        Some(ty.trim_end_matches('?').trim().to_owned())
    }

    /// The template of the rule around the place.
    fn template_of(&self, around: &Around<'_>) -> Option<String> {
        let unit = around.unit();
        let at = unit
            .windows(2)
            .find(|pair| around.token(pair[0]) == "from" && around.token(pair[1]) == "template")?;
        let next = unit.iter().find(|index| **index > at[1])?;
        Some(around.token(*next).to_owned())
    }

    fn currency(&self) -> &str {
        &self.study.compilation.typed.settings.currency
    }

    fn units(&self, out: &mut Proposals) {
        out.add(self.currency(), CompletionKind::Unit, "currency", "", 1);
        self.add_all(Kind::Unit, None, 1, out);
        for word in &self.study.compilation.typed.units {
            out.add(word, CompletionKind::Unit, "unit", "", 2);
        }
        for word in UNITS {
            out.add(word, CompletionKind::Unit, "unit", "", 3);
        }
    }

    /// `earlier purchases`
    fn plurals(&self, out: &mut Proposals) {
        for declaration in self.declarations.iter().filter(|declaration| declaration.kind == Kind::Event) {
            out.add(
                &plural(&declaration.name),
                CompletionKind::Declared(Kind::Event),
                "earlier events",
                "",
                1,
            );
        }
    }

    /// Everything that is declared of a sort, those of an owner where one is given.
    fn add_all(&self, kind: Kind, owner: Option<&str>, rank: u8, out: &mut Proposals) {
        for declaration in &self.declarations {
            let fits = declaration.kind == kind
                && owner.is_none_or(|owner| declaration.owner.as_deref() == Some(owner));
            // What must stand in quotes cannot be proposed as a word.
            if fits && is_word(&declaration.name) {
                self.add(declaration, rank, out);
            }
        }
    }

    fn add(&self, declaration: &Declaration, rank: u8, out: &mut Proposals) {
        let ty = self.type_of_name(declaration.place, declaration);
        let detail = match (&declaration.owner, ty) {
            (_, Some(ty)) => ty,
            (Some(owner), None) => owner.clone(),
            (None, None) => declaration.kind.word().to_owned(),
        };
        let mut docs: Vec<String> = declaration.title.iter().cloned().collect();
        docs.extend(declaration.docs.iter().cloned());
        let rank = if is_prelude(declaration.place.file) { rank.saturating_add(1) } else { rank };
        out.add(
            &declaration.name,
            CompletionKind::Declared(declaration.kind),
            &detail,
            &docs.join("\n"),
            rank,
        );
    }

    /// The names that the rule or function around the place has bound before it.
    fn locals(&self, file: FileId, around: &Around<'_>, out: &mut Proposals) {
        let unit = around.unit();
        let mut found: Vec<(usize, Kind)> = Vec::new();
        for (at, index) in unit.iter().enumerate() {
            let next = |n: usize| unit.get(at + n).map_or("", |index| around.token(*index));
            let kind = match around.token(*index) {
                "let" => Kind::Let,
                "each" => Kind::Loop,
                "bundle" => Kind::Bundle,
                "with" if next(2) == ":" => Kind::Blank,
                "(" | "," if next(2) == ":" => Kind::Parameter,
                _ => continue,
            };
            found.extend(unit.get(at + 1).map(|name| (*name, kind)));
        }
        // What is being bound is not known yet.
        let being = if around.before(0) == "=" { around.before(1) } else { "" };
        for (at, kind) in found.into_iter().rev() {
            let name = around.token(at);
            if name == being || !is_word(name) {
                continue;
            }
            // The same name elsewhere is another.
            let place = around.fitting.tokens.get(at).map(|token| Place { file, span: token.span });
            let known = self.declarations.iter().find(|declaration| Some(declaration.place) == place);
            let ty = known.and_then(|declaration| self.type_of_name(declaration.place, declaration));
            out.add(name, CompletionKind::Declared(kind), ty.as_deref().unwrap_or(kind.word()), "", 1);
        }
    }

    fn expressions(&self, file: FileId, around: &Around<'_>, out: &mut Proposals) {
        self.locals(file, around, out);
        for word in ["member", "basket", "event", "line", "unit", "payment"] {
            out.add(word, CompletionKind::Subject, "record", "", 3);
        }
        let own = self.is_own(file) || !self.files().any(|(known, _)| known == file);
        for declaration in &self.declarations {
            let here = if own { self.is_own(declaration.place.file) } else { declaration.place.file == file };
            match declaration.kind {
                Kind::Param | Kind::Segment | Kind::Counter | Kind::Define | Kind::Table => {
                    if here {
                        self.add(declaration, 2, out);
                    }
                }
                Kind::Alias => {
                    if declaration.place.file == file {
                        self.add(declaration, 2, out);
                    }
                }
                Kind::Event | Kind::Reference | Kind::Value | Kind::Level => self.add(declaration, 5, out),
                Kind::Program
                | Kind::Account
                | Kind::Unit
                | Kind::Enum
                | Kind::Record
                | Kind::Field
                | Kind::Group
                | Kind::Rule
                | Kind::Template
                | Kind::Blank
                | Kind::Coupon
                | Kind::Certificate
                | Kind::Badge
                | Kind::Tiers
                | Kind::Redemption
                | Kind::Test
                | Kind::Let
                | Kind::Parameter
                | Kind::Loop
                | Kind::Bundle
                | Kind::Part
                | Kind::Offer
                | Kind::Arbitration
                | Kind::Ensure
                | Kind::Contacts => {}
            }
        }
        for (word, example) in AGGREGATES {
            out.add(word, CompletionKind::Function, example, "", 4);
        }
        for word in CALENDAR {
            out.add(word, CompletionKind::Function, "calendar", "", 7);
        }
    }

    /// The fields of what stands before the dot.
    fn after_dot(&self, file: FileId, around: &Around<'_>, out: &mut Proposals) {
        // Names and dots, backwards from the dot.
        let mut path: Vec<&str> = Vec::new();
        for n in 1..around.fitting.before.len() {
            let word = around.before(n);
            let is_dot = n.is_multiple_of(2);
            if is_dot != (word == ".") {
                break;
            }
            if !is_dot {
                path.push(word);
            }
        }
        path.reverse();
        let Some((head, rest)) = path.split_first() else { return };
        let mut record = self.record_of(head, around);
        if record.is_empty() {
            if let Some(alias) = self.declarations.iter().find(|declaration| {
                declaration.kind == Kind::Alias && declaration.place.file == file && declaration.name == *head
            }) {
                self.of_file(alias, out);
                return;
            }
            if let Some(bundle) = self.bundle_parts(head, around) {
                for part in bundle {
                    out.add(&part, CompletionKind::Declared(Kind::Part), "units", "", 1);
                }
            }
            return;
        }
        for name in rest {
            record = match (record.as_str(), *name) {
                ("line" | "unit", "product") => "product".to_owned(),
                ("event" | "purchase" | "return" | "order", "member") => "member".to_owned(),
                ("member", "balance") => {
                    self.add_all(Kind::Account, None, 1, out);
                    return;
                }
                ("member", "badge") => {
                    self.add_all(Kind::Badge, None, 1, out);
                    return;
                }
                _ => return,
            };
        }
        let field = |out: &mut Proposals, name: &str, ty: &str| {
            out.add(name, CompletionKind::Declared(Kind::Field), ty, "", 1);
        };
        match record.as_str() {
            "basket" => {
                field(out, "paid", "money");
                field(out, "initial", "money");
            }
            "member" => {
                self.add_all(Kind::Field, Some("member"), 1, out);
                self.add_all(Kind::Tiers, None, 1, out);
                field(out, "balance", "of an account");
                field(out, "badge", "truth");
            }
            "unit" => {
                for name in ["price", "initial", "paid"] {
                    field(out, name, "money");
                }
                out.seen.insert("pieces".to_owned());
                self.add_all(Kind::Field, Some("line"), 1, out);
            }
            "payment" => {
                self.add_all(Kind::Field, Some("payment"), 1, out);
                field(out, "points", "points");
                field(out, "cash", "money");
            }
            "event" => {
                for (name, ty) in EVENT_FIELDS {
                    field(out, name, ty);
                }
                for declaration in &self.declarations {
                    let of_event = declaration.kind == Kind::Field
                        && declaration.owner.as_deref().is_some_and(|owner| self.is_event(owner));
                    if of_event {
                        self.add(declaration, 2, out);
                    }
                }
            }
            record => {
                self.add_all(Kind::Field, Some(record), 1, out);
                if self.is_event(record) {
                    for (name, ty) in EVENT_FIELDS {
                        field(out, name, ty);
                    }
                    for (name, ty) in [("paid", "money"), ("returned", "bool")] {
                        field(out, name, ty);
                    }
                }
            }
        }
    }

    fn is_event(&self, name: &str) -> bool {
        self.declarations
            .iter()
            .any(|declaration| declaration.kind == Kind::Event && declaration.name == name)
    }

    /// The record that a name stands for, where it is one.
    fn record_of(&self, head: &str, around: &Around<'_>) -> String {
        let unit = around.unit();
        // The nearest binding before the place: a loop, a parameter.
        for (at, index) in unit.iter().enumerate().rev() {
            let next = |n: usize| unit.get(at + n).map_or("", |index| around.token(*index));
            match around.token(*index) {
                "each" if next(1) == head && next(2) == "in" => {
                    return self.element_of(&unit, at + 3, around, 0);
                }
                "(" | "," if next(1) == head && next(2) == ":" => return next(3).to_owned(),
                "let" if next(1) == head => return String::new(),
                _ => {}
            }
        }
        if matches!(head, "line" | "unit" | "payment" | "product" | "member" | "basket" | "event")
            || self.is_event(head)
        {
            return head.to_owned();
        }
        String::new()
    }

    /// What a collection is of that is written from a token on.
    fn element_of(&self, unit: &[usize], from: usize, around: &Around<'_>, depth: u8) -> String {
        for index in unit.get(from..).unwrap_or(&[]).iter().take(12) {
            let word = around.token(*index);
            match word {
                "lines" => return "line".to_owned(),
                "units" => return "unit".to_owned(),
                "payments" => return "payment".to_owned(),
                "{" | "where" => break,
                _ => {}
            }
            let event = |declaration: &&Declaration| {
                declaration.kind == Kind::Event && plural(&declaration.name) == word
            };
            if let Some(event) = self.declarations.iter().find(event) {
                return event.name.clone();
            }
            // A `let` of a collection.
            let bound = unit
                .windows(2)
                .position(|pair| around.token(pair[0]) == "let" && around.token(pair[1]) == word);
            if let Some(bound) = bound
                && depth < 4
            {
                return self.element_of(unit, bound + 2, around, depth + 1);
            }
            let bundle = unit
                .windows(2)
                .any(|pair| around.token(pair[0]) == "bundle" && around.token(pair[1]) == word);
            if bundle {
                return "unit".to_owned();
            }
        }
        String::new()
    }

    /// The parts of the bundle that the rule around the place takes.
    fn bundle_parts(&self, head: &str, around: &Around<'_>) -> Option<Vec<String>> {
        let unit = around.unit();
        let at = unit
            .windows(2)
            .position(|pair| around.token(pair[0]) == "bundle" && around.token(pair[1]) == head)?;
        let mut parts = Vec::new();
        let mut depth = 0_i32;
        for pair in unit.get(at..)?.windows(2) {
            match around.token(pair[0]) {
                "{" => depth += 1,
                "}" if depth <= 1 => break,
                "}" => depth -= 1,
                word if depth == 1 && around.token(pair[1]) == "=" => parts.push(word.to_owned()),
                _ => {}
            }
        }
        Some(parts)
    }

    /// What a file that is imported offers.
    fn of_file(&self, alias: &Declaration, out: &mut Proposals) {
        let span = alias.full;
        let written = self.text(alias.place.file).get(span.start as usize..span.end as usize).unwrap_or("");
        let import = self
            .study
            .imports
            .iter()
            .find(|import| import.from == alias.place.file && written.contains(import.written.as_str()));
        let Some(import) = import else { return };
        for declaration in &self.declarations {
            if declaration.place.file == import.source.file && declaration.kind.is_of_file() {
                self.add(declaration, 1, out);
            }
        }
    }
}

const EVENT_FIELDS: &[(&str, &str)] =
    &[("at", "instant"), ("date", "date"), ("time", "time"), ("weekday", "Weekday"), ("month_day", "number")];

/// Whether a name can stand without quotes.
fn is_word(name: &str) -> bool {
    let mut characters = name.chars();
    characters.next().is_some_and(|first| first == '_' || first.is_alphabetic())
        && characters.all(|c| c == '_' || c.is_alphanumeric())
}
