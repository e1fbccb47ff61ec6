//! `perq simulate`: decides one event and shows the receipt, and for every rule without an effect why it has none.
//!
//! Lays out what [`perq_runtime::explain`] tells, and refuses to know why.

use crate::args;
use crate::event;
use crate::excerpt::{plain, sentence};
use crate::output::Output;
use crate::programme::{self, Loaded};
use crate::render::plural;
use crate::tables;
use crate::{Exit, Failure, Outcome};
use perq_compiler::ir::{Program, SourcePlace};
use perq_compiler::sources::SourceMap;
use perq_runtime::batch::Input;
use perq_runtime::decision::{Code, ComesBack, Decision, EffectKind, FieldSet, Issued, Sets};
use perq_runtime::engine::Session;
use perq_runtime::explain::{
    self, Amount, ExplainError, Explanation, OfferReport, Part, Past, RuleReport, Selection, Spot, Why,
};
use perq_runtime::record::{ReadOptions, RecordLimits};
use serde_json::json;
use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

/// Columns of a receipt; a wider terminal does not make it wider.
const WIDTH: usize = 96;

/// Columns of an amount.
const AMOUNT: usize = 12;

/// Rows that are told one by one of a rule.
const ROWS: usize = 5;

/// What decisions say of a code that is redeemed.
const ACCEPTED: &str = "accepted";

/// Refused records of a history that are told one by one.
const TOLD: usize = 20;

/// Runs it.
///
/// # Errors
/// Where the rules, a table or the event cannot be read, or a parameter is refused.
pub fn run(options: &args::Simulate, output: &mut Output) -> Outcome {
    let Some(loaded) = programme::load("simulate", &options.program, options.key.as_deref(), output)? else {
        return Ok(Exit::Findings);
    };
    let Loaded { pack, config, sources, .. } = loaded;
    let text = read(&options.event, output)?;
    let json = event::json(&text).map_err(|error| Failure::file(&options.event, &error))?;
    let at = options.at.as_deref().map(instant);
    let mut fields = vec![("id", "simulated", false)];
    fields.extend(at.as_deref().map(|at| ("at", at, true)));
    let json = event::set(&json, &fields)?;
    let mut parameters: BTreeMap<String, String> = config.parameters().into_iter().collect();
    for setting in &options.set {
        let Some((name, value)) = setting.split_once('=') else {
            return Err(Failure::new(format!("--set wants NAME=VALUE, and got `{setting}`")));
        };
        parameters.insert(name.trim().to_owned(), value.trim().to_owned());
    }
    let parameters: Vec<(String, String)> = parameters.into_iter().collect();
    let catalogue = tables::catalogue(&tables::given(&options.tables, &config.catalogue))?;
    let engine = tables::engine(pack, &catalogue, options.engine, ReadOptions::default(), &parameters)?;
    let rules = &engine.program().rules;
    if let Some(name) = &options.rule
        && !rules.iter().any(|rule| rule.name == *name)
    {
        return Err(Failure::new(format!("the programme has no rule `{name}`")));
    }
    for name in engine.unknown_names() {
        output.note(&format!("warning: {}", plain(&name.to_string())));
    }
    let texts = sources.as_ref().map(SourceMap::by_name).unwrap_or_default();
    let quote = |file: &str, place: &SourcePlace| texts.get(file)?.quote(place).map(clip);
    let mut session = engine.session();
    let mut past = Past::default();
    for path in &options.history {
        past = and(past, replayed(&mut session, &json, path, output)?);
    }
    let explained = explain::explain(&mut session, json.as_bytes(), &quote);
    let mut explanation = match explained {
        Ok(explanation) => explanation,
        Err(ExplainError::Record(error)) => {
            let file = plain(&options.event.display().to_string());
            let field = if error.field.is_empty() { String::new() } else { format!("`{}`: ", error.field) };
            output.note(&sentence(&format!("refused {file}: {field}{} [{}]", error.message, error.name())));
            let refused = json!({ "error": error.name(), "field": error.field, "message": error.message });
            output.object("simulate", json!({ "refused": refused }));
            return Ok(Exit::Findings);
        }
        Err(ExplainError::Return { name, words }) => {
            let file = plain(&options.event.display().to_string());
            let help = match options.history.is_empty() {
                true => "; `--history FILE` tells what was before",
                false => "",
            };
            output.note(&sentence(&format!("refused {file}: {}{help} [{name}]", plain(&words))));
            let refused = json!({ "error": name, "field": "of", "message": words });
            output.object("simulate", json!({ "refused": refused }));
            return Ok(Exit::Findings);
        }
        Err(ExplainError::Differs) => {
            return Err(Failure::mistake("the interpreter and the engine decide this event differently"));
        }
    };
    if let Some(name) = &options.rule {
        explanation.rules.retain(|rule| rule.rule == *name);
    }
    let program = engine.program();
    let folder = folder(program);
    let paper = Paper { width: output.style().width.min(WIDTH), folder, out: String::new() };
    let text = match &options.rule {
        Some(_) => paper.only(&explanation),
        None => {
            // Without a number of the text's own there is none to say.
            let version = if program.version > 0 { format!(" {}", program.version) } else { String::new() };
            let name = format!("{}{version}", program.name);
            let before = engine.is_stateful().then(|| before(options, past));
            let tax_included = program.tax.map(|tax| tax.included);
            paper.all(&explanation, (&name, before.as_deref()), &program.currency.code, tax_included)
        }
    };
    output.say(text.trim_end())?;
    let mut object = serde_json::to_value(&explanation).map_err(|e| Failure::new(e.to_string()))?;
    if let (Some(fields), false) = (object.as_object_mut(), options.history.is_empty()) {
        let Past { replayed, later, same, refused } = past;
        let history = json!({ "replayed": replayed, "later": later, "same": same, "refused": refused });
        fields.insert("history".to_owned(), history);
    }
    output.object("simulate", object);
    Ok(Exit::Clean)
}

/// Replays what a file says of the time before the event.
fn replayed(session: &mut Session, event: &str, path: &Path, output: &mut Output) -> Result<Past, Failure> {
    let mut told = Vec::new();
    let history = (Input::File(tables::open(path)?), super::run::format_of(path)?);
    let past = explain::replay(session, event.as_bytes(), history, |error| {
        if told.len() < TOLD {
            let field = if error.field.is_empty() { String::new() } else { format!(" `{}`", error.field) };
            let what = format!("{}{field}: {} [{}]", error.line, error.message, error.name());
            told.push(format!("refused {}:{}", plain(&path.display().to_string()), plain(&what)));
        }
    });
    for text in &told {
        output.note(&sentence(text));
    }
    let past = past.map_err(|error| Failure::file(path, &error))?;
    if past.refused > told.len() as u64 {
        output.note(&format!("and {} more", past.refused - told.len() as u64));
    }
    Ok(past)
}

fn and(one: Past, other: Past) -> Past {
    Past {
        replayed: one.replayed + other.replayed,
        later: one.later + other.later,
        same: one.same + other.same,
        refused: one.refused + other.refused,
    }
}

/// On what a programme with a memory decides the event.
fn before(options: &args::Simulate, past: Past) -> String {
    if options.history.is_empty() {
        return "nothing before it (--history FILE replays earlier events)".to_owned();
    }
    let events = |count: u64, what: &str| {
        let noun = plural(usize::try_from(count).unwrap_or(usize::MAX), what);
        (count > 0).then_some(noun)
    };
    let left = [
        events(past.later, "later event"),
        (past.same > 0).then(|| "the event itself".to_owned()),
        events(past.refused, "refused record"),
    ];
    let left: Vec<String> = left.into_iter().flatten().collect();
    let without = if left.is_empty() { String::new() } else { format!("; left out: {}", left.join(", ")) };
    match events(past.replayed, "earlier event") {
        Some(replayed) => format!("after {replayed}{without}"),
        None => format!("nothing before it{without}"),
    }
}

/// The file's text, never much more than a record may have.
fn read(path: &Path, output: &mut Output) -> Result<String, Failure> {
    let limit = RecordLimits::default().record as u64;
    let mut bytes = Vec::new();
    if path == Path::new("-") {
        bytes = output.read_input(limit + 1)?;
    } else {
        let read = tables::open(path)?.take(limit + 1).read_to_end(&mut bytes);
        read.map_err(|error| Failure::file(path, &error))?;
    }
    if bytes.len() as u64 > limit {
        return Err(Failure::file(path, &format!("an event has at most {limit} bytes")));
    }
    String::from_utf8(bytes).map_err(|_| Failure::file(path, &"this is not written in UTF-8"))
}

/// The folder in which all rules stand, with `/` at its end; nothing where there is none.
fn folder(program: &Program) -> String {
    let places = program.rules.iter().filter_map(|rule| program.places.get(rule.place.index()));
    let files = places.filter_map(|place| program.sources.get(place.file as usize));
    let mut folders = files.map(|file| file.path.rsplit_once('/').map_or("", |(folder, _)| folder));
    let Some(first) = folders.next() else { return String::new() };
    let shared = folders.fold(first, |shared, folder| {
        let parts = shared.split('/').zip(folder.split('/')).take_while(|(a, b)| a == b);
        let length: usize = parts.map(|(part, _)| part.len() + 1).sum();
        shared.get(..length.saturating_sub(1)).unwrap_or("")
    });
    if shared.is_empty() { String::new() } else { format!("{shared}/") }
}

/// A day by itself begins at midnight.
fn instant(text: &str) -> String {
    if text.len() == 10 { format!("{text}T00:00") } else { text.to_owned() }
}

/// The text of a condition, in a length that can be read.
fn clip(text: &str) -> String {
    const MOST: usize = 2_000;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => text.get(..end).unwrap_or("").to_owned() + "…",
        None => text.to_owned(),
    }
}

/// What is being written.
struct Paper {
    width: usize,
    /// The folder of the rules, which is not said with every place.
    folder: String,
    out: String,
}

impl Paper {
    /// The whole receipt.
    fn all(
        mut self,
        told: &Explanation,
        (program, before): (&str, Option<&str>),
        currency: &str,
        tax_included: Option<bool>,
    ) -> String {
        let decision = &told.decision;
        let member = match &decision.member {
            Some(member) => format!("member {member}"),
            None => "no member".to_owned(),
        };
        let local = &told.local;
        self.line(&format!(
            "{} {}, {} {} {}, {member}; {program}",
            decision.kind, decision.id, local.weekday, local.date, local.time
        ));
        if let Some(before) = before {
            self.line(before);
        }
        // A session has nothing to pay.
        if !told.receipt.is_empty() || decision.offers.is_none() {
            self.receipt(told, currency, tax_included);
        }
        if let Some(refused) = &decision.refused {
            self.line("");
            let by = refused.by.as_ref().map_or_else(String::new, |by| format!(", by {by}"));
            let name =
                refused.redemption.as_ref().map_or_else(String::new, |name| format!(" by {}", plain(name)));
            let account =
                refused.account.as_ref().map_or_else(String::new, |account| format!(" ({})", plain(account)));
            self.line(&format!("Refused as a whole{name}: {}{by}{account}", refused.because));
            for saying in &refused.say {
                self.line(&format!("  {}: {}", plain(&saying.to), plain(&saying.text)));
            }
            return self.out;
        }
        if let Some(returned) = &decision.returned {
            self.returned(returned);
        }
        for account in &told.accounts {
            self.line("");
            self.row(&format!("{}, {}", plain(&account.account), plain(&account.unit)), "", "");
            for gift in &account.from {
                self.row(&format!("       {}", titled(&gift.rule, gift.title.as_deref())), "", &gift.amount);
            }
            self.row("     together", "", &account.amount);
        }
        let giving: Vec<&RuleReport> = told.rules.iter().filter(|rule| !rule.gifts.is_empty()).collect();
        if !giving.is_empty() {
            self.line("");
            self.line("Gifts");
            for rule in giving {
                self.line(&format!("  {}", titled(&rule.rule, rule.title.as_deref())));
                for gift in &rule.gifts {
                    self.line(&format!("    {}", plain(gift)));
                }
            }
        }
        self.sets(told);
        self.instruments(told);
        self.said(decision);
        self.offers(told);
        if !decision.broken.is_empty() {
            self.line("");
            self.line("Not kept");
            for broken in &decision.broken {
                let of =
                    broken.line.map_or_else(|| "of the basket".to_owned(), |line| format!("on line {line}"));
                let side = |side: &Option<String>| side.clone().unwrap_or_else(|| "?".to_owned());
                self.line(&format!(
                    "  ensure {}: {of} {} should be {} {}",
                    plain(&broken.ensure),
                    side(&broken.left),
                    broken.should_be,
                    side(&broken.right)
                ));
                if !broken.rules.is_empty() {
                    self.line(&format!("    by {}", plain(&broken.rules.join(", "))));
                }
            }
        }
        let lost =
            |rule: &&RuleReport| !rule.displaced.is_empty() || !rule.cut.is_empty() || rule.error.is_some();
        let lost: Vec<&RuleReport> = told.rules.iter().filter(lost).collect();
        if !lost.is_empty() {
            self.line("");
            self.line("Displaced, cut or failed");
            for rule in lost {
                self.line(&format!("  {}", titled(&rule.rule, rule.title.as_deref())));
                self.lost(rule);
            }
        }
        let silent = |rule: &&RuleReport| match rule.why {
            Some(Why::Event | Why::Condition | Why::Selection | Why::Nothing) => true,
            Some(Why::Displaced | Why::Limit | Why::Error) | None => false,
        };
        let silent: Vec<&RuleReport> = told.rules.iter().filter(silent).collect();
        if !silent.is_empty() {
            self.line("");
            self.line("Did not apply");
            for rule in silent {
                self.line(&format!("  {}", titled(&rule.rule, rule.title.as_deref())));
                self.why(rule);
            }
        }
        self.out
    }

    /// One rule, in all of its versions.
    fn only(mut self, told: &Explanation) -> String {
        for rule in &told.rules {
            self.one(rule, told);
        }
        self.out
    }

    /// What comes back of a purchase, and what becomes of what it gave.
    fn returned(&mut self, returned: &ComesBack) {
        self.line("");
        let whole = if returned.whole { "all that was left" } else { "a part" };
        self.line(&format!("Comes back of {}: {whole}", plain(&returned.of)));
        for line in &returned.lines {
            let what = format!("{:>3}  {} x {}", line.line, plain(&line.sku), line.pieces);
            self.row(&what, "", &line.paid);
        }
        if let Some(points) = &returned.points {
            self.row("     of that paid with points", "", points);
        }
        self.row("     refund", "", &returned.refund);
        for correction in &returned.corrections {
            let to = correction.to.as_ref().map_or_else(String::new, |to| format!(" of {}", plain(to)));
            let (kind, account) = (plain(&correction.kind), plain(&correction.account));
            let what = format!("     {kind} in {account}{to} by {}", plain(&correction.rule));
            self.row(&what, "", &correction.amount);
            for (words, amount) in [
                ("taken from other lots", &correction.other_lots),
                ("owed from now on", &correction.owed),
                ("not there any more", &correction.missing),
            ] {
                if let Some(amount) = amount {
                    self.row(&format!("       {words}"), amount, "");
                }
            }
        }
        for one in &returned.withdrawn {
            let to = one.to.as_ref().map_or_else(String::new, |to| format!(" of {}", plain(to)));
            let code = one.code.as_ref().map_or_else(String::new, |code| format!(" {}", plain(code)));
            let (kind, name) = (plain(&one.kind), plain(&one.name));
            let what = match (&one.value, one.uses) {
                (Some(value), _) => format!("is worth {value}"),
                (None, None) => "is withdrawn".to_owned(),
                (None, Some(1)) => "is withdrawn, after one use".to_owned(),
                (None, Some(uses)) => format!("is withdrawn, after {uses} uses"),
            };
            self.line(&format!("     {kind} {name}{code}{to} {what}"));
        }
        for one in &returned.unset {
            let value =
                one.value.as_ref().map_or_else(|| "what it was before".to_owned(), |value| plain(value));
            self.line(&format!("     {} is {value}", plain(&one.field)));
        }
        for code in &returned.codes {
            self.line(&format!("     {} can be redeemed again", plain(code)));
        }
    }

    /// The sets that rules formed of their bundles: which pieces, and what each line of them is given.
    fn sets(&mut self, told: &Explanation) {
        if told.decision.sets.is_empty() {
            return;
        }
        self.line("");
        self.line("Sets");
        for sets in &told.decision.sets {
            let rule = told.rules.iter().find(|rule| rule.rule == sets.rule);
            self.line(&format!("  {}", titled(&sets.rule, rule.and_then(|rule| rule.title.as_deref()))));
            self.taken(sets, told);
            self.discounted(&sets.rule, &told.decision);
        }
    }

    /// The pieces of which a rule formed its sets.
    fn taken(&mut self, sets: &Sets, told: &Explanation) {
        let sku = |position: u32| {
            let line = told.receipt.iter().find(|line| line.line == position);
            line.map_or_else(String::new, |line| format!(" {}", plain(&line.sku)))
        };
        let pieces = sets.lines.iter().map(|of| format!("line {}{} x {}", of.line, sku(of.line), of.pieces));
        let pieces: Vec<String> = pieces.collect();
        let count = plural(usize::try_from(sets.sets).unwrap_or(0), "set");
        self.line(&format!("    {count} of {}", pieces.join(", ")));
        match &sets.gap {
            Some(gap) => self.line(&format!("    another choice might give {gap} more at most")),
            None if !sets.proven => self.line("    another choice might give more"),
            None => {}
        }
    }

    /// What a rule takes off each line.
    fn discounted(&mut self, rule: &str, decision: &Decision) {
        let discounts = decision
            .effects
            .iter()
            .filter(|effect| effect.rule == rule && effect.kind == EffectKind::Discount);
        for effect in discounts {
            let currency = effect.currency.as_deref().unwrap_or("");
            let shares: Vec<String> = effect
                .lines
                .iter()
                .map(|share| {
                    let pieces = plural(usize::try_from(share.pieces).unwrap_or(0), "piece");
                    format!("{} {currency} off line {} ({pieces})", share.amount, share.line)
                })
                .collect();
            self.line(&format!("    gives {}", shares.join(", ")));
        }
    }

    /// Codes that were presented, what is issued, what changes of the member.
    fn instruments(&mut self, told: &Explanation) {
        let decision = &told.decision;
        if !decision.coupons.is_empty() {
            self.line("");
            self.line("Codes");
            for code in &decision.coupons {
                self.line(&format!("  {}", presented(code)));
                let redeemed = code.coupon.as_ref().filter(|_| code.outcome == ACCEPTED);
                for rule in told.rules.iter().filter(|rule| redeemed == Some(&rule.rule)) {
                    self.discounted(&rule.rule, decision);
                    let points: Vec<Amount> =
                        rule.gave.iter().filter(|gave| gave.account.is_some()).cloned().collect();
                    if !points.is_empty() {
                        self.line(&format!("    gives {}", amounts(&points)));
                    }
                }
            }
        }
        let issued: Vec<String> = decision
            .issued
            .iter()
            .map(|issued| match &issued.rule {
                Some(rule) => format!("{}, by {}", issue(issued), plain(rule)),
                None => issue(issued),
            })
            .collect();
        let set: Vec<String> = decision.set.iter().map(setting).collect();
        let tiers = decision
            .tiers
            .iter()
            .map(|change| format!("{} after {}", plain(&change.to), plain(&change.from)));
        let all: Vec<String> = issued.into_iter().chain(set).chain(tiers).collect();
        if !all.is_empty() {
            self.line("");
            self.line("Issued and set");
            for text in all {
                self.line(&format!("  {text}"));
            }
        }
    }

    /// What is bought, what comes off it, and the sums.
    fn receipt(&mut self, told: &Explanation, currency: &str, tax_included: Option<bool>) {
        self.line("");
        self.row("", "off", &format!("left {currency}"));
        for line in &told.receipt {
            let what = format!("{:>3}  {}  {} x {}", line.line, plain(&line.sku), line.pieces, line.price);
            self.row(&what, "", &line.initial);
            for step in &line.steps {
                self.row(
                    &format!("       {}", titled(&step.rule, step.title.as_deref())),
                    &step.amount,
                    &step.left,
                );
            }
        }
        let totals = &told.decision.totals;
        self.row("     before discounts", "", &totals.initial);
        self.row("     discounts", &totals.discount, &totals.paid);
        match (&totals.tax, tax_included) {
            (Some(tax), Some(false)) => self.row("     tax on top", "", tax),
            (Some(tax), Some(true) | None) => self.row("     tax in it", "", tax),
            (None, _) => {}
        }
        self.row("     to pay", "", &totals.total);
    }

    /// What rules say.
    fn said(&mut self, decision: &Decision) {
        if decision.said.is_empty() {
            return;
        }
        self.line("");
        self.line("Said");
        for said in &decision.said {
            for (whom, words) in &said.say {
                self.line(&format!("  {}: {}  ({})", plain(whom), plain(words), plain(&said.rule)));
            }
        }
    }

    /// What is offered, and why not the rest.
    fn offers(&mut self, told: &Explanation) {
        let Some(offers) = &told.decision.offers else { return };
        self.line("");
        let of = match &offers.arbitration {
            Some(arbitration) => format!(", chosen by {}", plain(arbitration)),
            None => String::new(),
        };
        let drawn = if offers.exploring { ", in an order that was drawn" } else { "" };
        self.line(&format!("Offers{of}{drawn}"));
        for (at, shown) in offers.shown.iter().enumerate() {
            self.line(&format!("{:>3}. {}", at + 1, titled(&shown.offer, shown.title.as_deref())));
            let by = match (&shown.rule, &shown.priority) {
                (Some(rule), _) => format!("by rule {}", plain(rule)),
                (None, Some(priority)) => format!("priority {}", plain(priority)),
                (None, None) => plain(&shown.display.replace('_', " ")),
            };
            let score = shown.score.as_ref().map(|score| format!("score {score}"));
            let propensity =
                shown.propensity.as_ref().map(|of| format!("accepted with a likelihood of {of}"));
            let why: Vec<String> = std::iter::once(by).chain(score).chain(propensity).collect();
            self.line(&format!("       {}", why.join(", ")));
            for (whom, words) in &shown.say {
                self.line(&format!("       {}: {}", plain(whom), plain(words)));
            }
        }
        if offers.shown.is_empty() {
            self.line("     nothing");
        }
        let hidden: Vec<&OfferReport> = told.offers.iter().filter(|offer| offer.shown.is_none()).collect();
        if hidden.is_empty() {
            return;
        }
        self.line("");
        self.line("Not offered");
        for offer in hidden {
            self.line(&format!("  {}", titled(&offer.offer, offer.title.as_deref())));
            let instead = plain(&offer.instead.join(", "));
            match (offer.why, offer.error) {
                (_, Some(error)) => self.line(&format!("    failed with {error}")),
                (Some("arbitration"), None) => self.line("    no arbitration hears the channel"),
                (Some("class"), None) => self.line("    it is of no class of the arbitration"),
                (Some("default"), None) => self.line(&format!("    there is something else: {instead}")),
                (Some("goal"), None) => self.line(&format!("    shares a goal with {instead}")),
                (Some("slots"), None) => self.line(&format!("    no slot is left beside {instead}")),
                (Some(clause), None) => self.line(&format!("    kept back by `{clause}`")),
                (None, None) => {}
            }
            if let Some(place) = &offer.place {
                self.quoted("      ", place);
            }
        }
    }

    fn one(&mut self, rule: &RuleReport, told: &Explanation) {
        let decision = &told.decision;
        let place = self.place(&rule.place);
        self.line(&format!("{}  [{place}]", titled(&rule.rule, rule.title.as_deref())));
        if !rule.gave.is_empty() {
            self.line(&format!("    gives {}", amounts(&rule.gave)));
        }
        for sets in decision.sets.iter().filter(|sets| sets.rule == rule.rule) {
            self.taken(sets, told);
            self.discounted(&rule.rule, decision);
        }
        for code in decision.coupons.iter().filter(|code| code.coupon.as_ref() == Some(&rule.rule)) {
            self.line(&format!("    code {}", presented(code)));
        }
        for gift in &rule.gifts {
            self.line(&format!("    {}", plain(gift)));
        }
        for issued in decision.issued.iter().filter(|issued| issued.rule.as_ref() == Some(&rule.rule)) {
            self.line(&format!("    issues {}", issue(issued)));
        }
        for set in decision.set.iter().filter(|set| set.rule == rule.rule) {
            self.line(&format!("    sets {}", setting(set)));
        }
        for said in decision.said.iter().filter(|said| said.rule == rule.rule) {
            for (whom, words) in &said.say {
                self.line(&format!("    says to {}: {}", plain(whom), plain(words)));
            }
        }
        if let Some(offers) = &decision.offers {
            for shown in offers.shown.iter().filter(|shown| shown.rule.as_ref() == Some(&rule.rule)) {
                self.line(&format!("    shows {}", titled(&shown.offer, shown.title.as_deref())));
            }
        }
        self.lost(rule);
        self.why(rule);
    }

    fn lost(&mut self, rule: &RuleReport) {
        for lost in &rule.displaced {
            let lines: Vec<String> = lost.lines.iter().map(u32::to_string).collect();
            let on = match lines.as_slice() {
                [] => String::new(),
                [line] => format!(" on line {line}"),
                lines => format!(" on lines {}", lines.join(", ")),
            };
            let would = if rule.fired {
                format!("gives {}, would have given {}", amounts(&rule.gave), amounts(&lost.would_give))
            } else {
                format!("would have given {}", amounts(&lost.would_give))
            };
            self.line(&format!("    lost to {}{on}; {would}", lost.by));
        }
        for cut in &rule.cut {
            let by = match cut.by {
                "price-floor" => "the price, which cannot fall below zero,",
                "group" => "the group's limit",
                _ => "its own limit",
            };
            self.line(&format!("    {by} took {}", amounts(std::slice::from_ref(&cut.amount))));
        }
        if let Some(failed) = &rule.error {
            self.line(&format!("    failed with {}", failed.error));
            self.quoted("    ", &failed.place);
        }
    }

    fn why(&mut self, rule: &RuleReport) {
        match rule.why {
            Some(Why::Event) => self.line(&format!("    hears {} only", rule.hears.join(", "))),
            Some(Why::Condition) => {
                for unmet in &rule.conditions {
                    self.quoted("    ", &unmet.place);
                    for part in &unmet.parts {
                        self.part("      ", part, &unmet.place);
                    }
                }
            }
            Some(Why::Selection | Why::Nothing) => {
                if rule.why == Some(Why::Nothing) {
                    self.line("    what it gives comes to nothing");
                }
                for selection in &rule.selections {
                    self.selection("    ", selection);
                }
                // Where the filters leave none there is nothing to pick from.
                for pick in rule.picks.iter().filter(|pick| pick.among != "0") {
                    let distance = pick.distance.as_ref().map_or_else(String::new, |d| format!(": {d}"));
                    let taken = if pick.taken == "0" { "none" } else { &pick.taken };
                    self.line(&format!("    picks {taken} of {} {}{distance}", pick.among, pick.of));
                    self.quoted("      ", &pick.place);
                }
            }
            Some(Why::Displaced | Why::Limit | Why::Error) | None => {}
        }
    }

    /// A text, and where it is written.
    fn quoted(&mut self, indent: &str, spot: &Spot) {
        match &spot.text {
            Some(text) => {
                let text = format!("{indent}{}  [{}:{}]", plain(text), self.file(spot), spot.line);
                self.line(&text);
            }
            None => self.line(&format!("{indent}{}", self.place(spot))),
        }
    }

    fn file(&self, spot: &Spot) -> String {
        plain(spot.file.strip_prefix(self.folder.as_str()).unwrap_or(&spot.file))
    }

    fn place(&self, spot: &Spot) -> String {
        format!("{}:{}:{}", self.file(spot), spot.line, spot.column)
    }

    fn part(&mut self, indent: &str, part: &Part, whole: &Spot) {
        let distance = part.distance.as_ref().map_or_else(String::new, |distance| format!(": {distance}"));
        let says = format!("{}{distance}", plain(&part.says));
        let shown = part.place.text.as_deref().filter(|_| part.place != *whole).map(plain);
        match shown {
            Some(text) => self.line(&format!("{indent}{text}: {says}")),
            None => self.line(&format!("{indent}{says}")),
        }
        let inner = format!("{indent}  ");
        for either in &part.either {
            self.part(&inner, either, &part.place);
        }
        if let Some(rows) = &part.rows {
            self.selection(&inner, rows);
        }
    }

    fn selection(&mut self, indent: &str, selection: &Selection) {
        if selection.of == "sets" && selection.rows == 0 {
            self.line(&format!(
                "{indent}forms no set: there are too few pieces for one of the parts of its bundle"
            ));
            return;
        }
        let noun = selection.of.trim_end_matches('s');
        let all = plural(usize::try_from(selection.rows).unwrap_or(usize::MAX), noun);
        let table =
            selection.table.as_ref().map_or_else(String::new, |table| format!(" of {}", plain(table)));
        self.line(&format!("{indent}looks at {all}{table}"));
        // Behind a filter that leaves none the others have nothing to refuse.
        let last = selection.filters.iter().position(|filter| filter.passed == 0);
        let asked = last.map_or(usize::MAX, |last| last + 1);
        for filter in selection.filters.iter().take(asked) {
            let left = if filter.passed == 0 {
                "leaves none".to_owned()
            } else {
                format!("leaves {}", filter.passed)
            };
            match &filter.place.text {
                Some(text) => {
                    let (file, line) = (self.file(&filter.place), filter.place.line);
                    self.line(&format!("{indent}  {left}: {}  [{file}:{line}]", plain(text)));
                }
                None => self.line(&format!("{indent}  {left}: {}", self.place(&filter.place))),
            }
        }
        for refused in selection.refused.iter().take(ROWS) {
            self.part(&format!("{indent}  {noun} {}: ", refused.row), &refused.part, &refused.part.place);
        }
        if selection.refused.len() > ROWS {
            self.line(&format!("{indent}  and more"));
        }
    }

    /// A row of the receipt: what, what it takes off, and what is left.
    fn row(&mut self, what: &str, off: &str, left: &str) {
        let off = if off.is_empty() || off == "off" { off.to_owned() } else { negated(off) };
        let room = self.width.saturating_sub(2 * AMOUNT + 2);
        let what = shortened(what, room);
        let blank = " ".repeat(room.saturating_sub(what.chars().count()));
        self.line(&format!("{what}{blank} {off:>AMOUNT$} {left:>AMOUNT$}"));
    }

    /// A line, broken where it is too long.
    fn line(&mut self, text: &str) {
        let text = sentence(text.trim_end());
        let indent = text.chars().take_while(|character| *character == ' ').count();
        let mut column = 0;
        for word in text.split_inclusive(' ') {
            let length = word.trim_end().chars().count();
            if column > indent + 8 && column + length > self.width {
                self.out.truncate(self.out.trim_end_matches(' ').len());
                self.out.push('\n');
                column = indent + 4;
                self.out.push_str(&" ".repeat(column));
            }
            self.out.push_str(word);
            column += word.chars().count();
        }
        self.out.push('\n');
    }
}

/// `SUMMER26 of coupon partner_aug: redeemed`
fn presented(code: &Code) -> String {
    let of = code.coupon.as_ref().map_or_else(String::new, |name| format!(" of coupon {}", plain(name)));
    let by = code.by.as_ref().map_or_else(String::new, |by| format!(", {}", plain(by)));
    let became = match code.outcome.as_str() {
        ACCEPTED => "redeemed",
        "unknown" => "no coupon has this code",
        "expired" => "not redeemed, its last day is over",
        "used-up" => "not redeemed, it was redeemed as often as it may be",
        "other-member" => "not redeemed, it was issued to somebody else",
        "spare" => "not redeemed, another code of the coupon is",
        "withdrawn" => "not redeemed, the goods for which it was issued have come back",
        "conditions" => "not redeemed, its conditions do not hold or it has nothing to give",
        "displaced" => "not redeemed, another rule keeps it out",
        "limit" => "not redeemed, a limit or a budget leaves nothing",
        "failed" => "not redeemed, its rule failed",
        other => other,
    };
    format!("{}{of}: {became}{by}", plain(&code.code))
}

/// `coupon next: next-p1-1, until 2026-03-31`
fn issue(issued: &Issued) -> String {
    let mut out = format!("{} {}", issued.kind, plain(&issued.name));
    let value = issued.value.as_ref().map(|value| format!("worth {value}"));
    let until = issued.expires.as_ref().map(|day| format!("until {day}"));
    let codes = issued.codes.iter().map(|code| plain(code));
    for (at, part) in codes.chain(value).chain(until).enumerate() {
        out.push_str(if at == 0 { ": " } else { ", " });
        out.push_str(&part);
    }
    out
}

/// `member.tier = gold, until 2026-12-31`
fn setting(set: &FieldSet) -> String {
    let until = set.until.as_ref().map_or_else(String::new, |day| format!(", until {day}"));
    format!("{} = {}{until}", plain(&set.field), plain(&set.value))
}

fn titled(rule: &str, title: Option<&str>) -> String {
    match title {
        Some(title) => format!("{}: {}", plain(rule), plain(title)),
        None => plain(rule),
    }
}

fn shortened(text: &str, room: usize) -> String {
    if text.chars().count() <= room {
        return text.to_owned();
    }
    text.chars().take(room.saturating_sub(1)).chain(['…']).collect()
}

fn negated(amount: &str) -> String {
    match amount.strip_prefix('-') {
        Some(positive) => format!("+{positive}"),
        None if amount.chars().all(|character| matches!(character, '0' | '.')) => amount.to_owned(),
        None => format!("-{amount}"),
    }
}

fn amounts(amounts: &[Amount]) -> String {
    let said: Vec<String> = amounts
        .iter()
        .map(|amount| {
            let to = amount.to.as_ref().map_or_else(String::new, |to| format!(" to {}", plain(to)));
            match &amount.account {
                Some(account) => format!("{} {} of {account}{to}", amount.amount, amount.unit),
                None => format!("{} {}{to}", amount.amount, amount.unit),
            }
        })
        .collect();
    if said.is_empty() { "nothing".to_owned() } else { said.join(" and ") }
}
