//! `perq prove`: what holds for all events, what does not with an event that shows it, and what is not decided. Lays out
//! what [`perq_runtime::prove`] finds, and refuses to know why.

use crate::args::{self, Proofs};
use crate::excerpt::plain;
use crate::output::Output;
use crate::programme::{self, Loaded};
use crate::render::{self, plural};
use crate::tables;
use crate::{Exit, Failure, Outcome};
use perq_compiler::ir::Program;
use perq_compiler::prove::{Bounded, Conflict, Dead, Gives};
use perq_compiler::sources::SourceMap;
use perq_compiler::typed::Ratio;
use perq_grammar::diagnostic::Place;
use perq_runtime::decimal;
use perq_runtime::prove::block::test_block;
use perq_runtime::prove::gains::{Bought, GainAnswer, GainKnown, Gained};
use perq_runtime::prove::{Desk, Fires, Known, Meets, PairAnswer, Promised, RuleAnswer, Witness};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Runs it.
///
/// # Errors
/// Where the rules or a table cannot be read, or a witness cannot be written.
pub fn run(options: &args::Prove, output: &mut Output) -> Outcome {
    let mut exit = Exit::Clean;
    let mut told = Vec::new();
    for path in &options.paths {
        let Some(loaded) = programme::load("prove", path, None, output)? else { return Ok(Exit::Findings) };
        let Loaded { pack, config, typed, sources, .. } = loaded;
        let Some(typed) = typed else {
            return Err(Failure::new("proofs need the rules' texts; name their folder or file, not a pack"));
        };
        let catalogue = tables::catalogue(&config.catalogue)?;
        let sources = sources.unwrap_or_default();
        let desk = Desk::new(&typed, pack, &catalogue).map_err(|error| Failure::new(error.to_string()))?;
        let wanted = |proofs: Proofs| options.only.is_empty() || options.only.contains(&proofs);
        let mut paper = Paper {
            desk: &desk,
            options,
            sources: &sources,
            findings: 0,
            undecided: 0,
            proved: 0,
            shown: 0,
            out: Vec::new(),
        };
        if wanted(Proofs::Ensures) {
            let named = |name: &String| options.name.is_empty() || options.name.contains(name);
            for promise in typed.promises.iter().filter(|promise| named(&promise.name)) {
                paper.promise(&desk.promise(promise), output)?;
            }
            for no_gain in typed.no_gains.iter().filter(|no_gain| named(&no_gain.name)) {
                for answer in desk.no_gain(no_gain) {
                    paper.gain(&answer, no_gain.title.as_deref(), output)?;
                }
            }
            let all: Vec<&String> = typed
                .promises
                .iter()
                .map(|promise| &promise.name)
                .chain(typed.no_gains.iter().map(|no_gain| &no_gain.name))
                .collect();
            if let Some(unknown) = options.name.iter().find(|name| !all.contains(name)) {
                let known: Vec<String> = all.iter().map(|name| format!("`{}`", plain(name))).collect();
                let known = match known.as_slice() {
                    [] => "there is none".to_owned(),
                    names => format!("there are {}", names.join(", ")),
                };
                return Err(Failure::new(format!("there is no `ensure` `{}`; {known}", plain(unknown))));
            }
            if all.is_empty() {
                output.say("there is no `ensure` here")?;
            }
        }
        if wanted(Proofs::Bounds) {
            for bounded in desk.bounds() {
                paper.bounds(&bounded, output)?;
            }
        }
        if wanted(Proofs::Rules) {
            paper.rules(&desk.rules(), output)?;
        }
        if options.only.contains(&Proofs::Overlaps) || options.only.contains(&Proofs::Meetings) {
            paper.pairs(&desk.overlaps(options.only.contains(&Proofs::Meetings)), output)?;
        }
        if options.only.contains(&Proofs::Gains) {
            for answer in desk.ways() {
                paper.gain(&answer, None, output)?;
            }
        }
        let count = plural(paper.findings, "finding");
        let (proved, shown, undecided) = (paper.proved, paper.shown, paper.undecided);
        output.say(&format!("{proved} proved, {shown} shown by events, {count}, {undecided} not decided"))?;
        if paper.findings > 0 || (options.strict && undecided > 0) {
            exit = Exit::Findings;
        }
        told.push(json!({
            "programme": path.display().to_string(),
            "answers": paper.out,
            "proved": proved,
            "shown": shown,
            "findings": paper.findings,
            "undecided": undecided,
        }));
    }
    output.object("prove", json!({ "programmes": told }));
    Ok(exit)
}

/// What is being written.
struct Paper<'d, 'p> {
    desk: &'d Desk<'p>,
    options: &'d args::Prove,
    sources: &'d SourceMap,
    findings: usize,
    undecided: usize,
    proved: usize,
    /// What an event shows without being a finding.
    shown: usize,
    out: Vec<Value>,
}

impl Paper<'_, '_> {
    fn program(&self) -> &Program {
        self.desk.engine().program()
    }

    fn promise(&mut self, promised: &Promised, output: &mut Output) -> Result<(), Failure> {
        let name = plain(&promised.name);
        let own = self.program().promises.iter().find(|promise| promise.name == promised.name);
        let account = own.and_then(|promise| promise.account);
        let title = own.and_then(|promise| promise.title.clone());
        let title = title.map_or_else(String::new, |title| format!(" \"{}\"", plain(&title)));
        let mut object = json!({ "about": "ensure", "name": promised.name });
        match &promised.known {
            Known::Proved(nearest) => {
                self.proved += 1;
                output.say(&format!("ensure {name}{title}: proved for every event"))?;
                object["answer"] = json!("proved");
                if let Some(nearest) = nearest {
                    let rules: Vec<String> = nearest
                        .rules
                        .iter()
                        .filter_map(|rule| self.program().rules.get(rule.index()))
                        .map(|rule| rule.name.clone())
                        .collect();
                    let rest = self.amount(nearest.rest, account);
                    if !rules.is_empty() {
                        let names: Vec<String> = rules.iter().map(|rule| plain(rule).to_string()).collect();
                        output.say(&format!(
                            "  nearest to it come {}: at least {rest} is left",
                            names.join(" and ")
                        ))?;
                    }
                    object["nearest"] = json!({ "rules": rules, "rest": rest });
                }
            }
            Known::Broken(witness) => {
                self.findings += 1;
                let by = if witness.only_rounding { ", by rounding alone" } else { "" };
                output.say(&format!("ensure {name}{title}: broken{by}"))?;
                object["answer"] = json!("broken");
                object["only_rounding"] = json!(witness.only_rounding);
                if let Some(broken) = &witness.broken {
                    let where_ = broken
                        .line
                        .map_or_else(|| "of the basket".to_owned(), |line| format!("on line {line}"));
                    let side = |side: &Option<String>| {
                        side.clone().unwrap_or_else(|| "too much to be worked out".to_owned())
                    };
                    output.say(&format!(
                        "  {where_} {} should be {} {}, by {}",
                        side(&broken.left),
                        broken.should_be,
                        side(&broken.right),
                        if broken.rules.is_empty() {
                            "no rule".to_owned()
                        } else {
                            plain(&broken.rules.join(", ")).to_string()
                        }
                    ))?;
                    object["broken"] =
                        serde_json::to_value(broken).map_err(|error| Failure::new(error.to_string()))?;
                }
                let expects = format!("ensure {} broken", promised.name);
                let title = format!("{} is broken", promised.name);
                self.witness(&promised.name, &title, &expects, witness, &mut object, output)?;
            }
            Known::Undecided { why, rules, because, tried } => {
                self.undecided += 1;
                output.say(&format!("ensure {name}{title}: not decided"))?;
                let by =
                    if rules.is_empty() { String::new() } else { format!(" ({})", plain(&rules.join(", "))) };
                output.say(&format!(
                    "  {}{by}; none of {} breaks it, and every decision is looked at",
                    plain(why),
                    plural(*tried, "event")
                ))?;
                for (rule, why) in because {
                    output.say(&format!("  {} {why}", plain(rule)))?;
                }
                object["answer"] = json!("undecided");
                object["why"] = json!(why);
                object["because"] =
                    because.iter().map(|(rule, why)| json!({ "rule": rule, "why": why })).collect();
                object["rules"] = json!(rules);
                object["tried"] = json!(tried);
            }
        }
        self.out.push(object);
        Ok(())
    }

    fn bounds(&mut self, bounded: &Bounded, output: &mut Output) -> Result<(), Failure> {
        let (word, name) = (bounded.of.word(), plain(&bounded.name));
        let mut object = json!({ "about": word, "name": bounded.name });
        let conflicts: Vec<Value> =
            bounded.conflicts.iter().map(|conflict| self.conflict(conflict)).collect();
        if let Some(why) = &bounded.undecided {
            self.undecided += 1;
            output.say(&format!("{word} {name}: not decided"))?;
            output.say(&format!("  {}", plain(why)))?;
            object["answer"] = json!("undecided");
            object["why"] = json!(why);
        } else if conflicts.is_empty() {
            let met = bounded.met.as_ref().map(|met| format!("can be met: {}", plain(met)));
            self.shown += usize::from(met.is_some());
            object["answer"] = json!(if met.is_some() { "met" } else { "no contradiction found" });
            object["for_instance"] = json!(bounded.met);
            let known = met.unwrap_or_else(|| "no contradiction found".to_owned());
            output.say(&format!("{word} {name}: {known}"))?;
        } else {
            self.findings += conflicts.len();
            output.say(&format!("{word} {name}: contradiction"))?;
            object["answer"] = json!("contradiction");
        }
        for conflict in &bounded.conflicts {
            output.say(&format!("  {}: {}", self.place(conflict.place), plain(&conflict.why)))?;
            for (place, text) in &conflict.with {
                output.say(&format!("    {}: {}", self.place(*place), plain(text)))?;
            }
            output.say(&format!("    repair: {}", plain(&conflict.repair)))?;
        }
        object["conflicts"] = json!(conflicts);
        self.out.push(object);
        Ok(())
    }

    fn conflict(&self, conflict: &Conflict) -> Value {
        let with = conflict.with.iter();
        json!({
            "why": conflict.why,
            "place": render::place(self.sources, conflict.place),
            "with": with
                .map(|(place, text)| json!({ "text": text, "place": render::place(self.sources, *place) }))
                .collect::<Vec<Value>>(),
            "repair": conflict.repair,
        })
    }

    /// File, line and column.
    fn place(&self, place: Place) -> String {
        let Some(source) = self.sources.get(place.file) else { return String::new() };
        let (line, column) = source.line_column(place.span.start);
        format!("{}:{line}:{column}", plain(&source.path))
    }

    fn rules(&mut self, rules: &[RuleAnswer], output: &mut Output) -> Result<(), Failure> {
        let mut off = 0usize;
        for answer in rules {
            let name = plain(&answer.rule);
            let mut object = json!({ "about": "rule", "name": answer.rule });
            match &answer.fires {
                Fires::Never(why) => {
                    self.findings += 1;
                    let (word, why) = match why {
                        Dead::Contradiction => ("contradiction", "its conditions contradict each other"),
                        Dead::Nothing => ("nothing", "its amount or a limit leaves it nothing to give"),
                        Dead::Skipped => {
                            ("skipped", "what it gives is always above a limit that then lets nothing pass")
                        }
                    };
                    output.say(&format!("rule {name}: dead; {why}"))?;
                    object["answer"] = json!("dead");
                    object["why"] = json!(word);
                }
                Fires::Off => {
                    off += 1;
                    object["answer"] = json!("off");
                }
                Fires::Shadowed(by, witness) | Fires::ShadowedTogether(by, witness) => {
                    self.findings += 1;
                    let together = matches!(&answer.fires, Fires::ShadowedTogether(..));
                    let by_each: Vec<String> =
                        by.iter().map(|(rule, gives)| format!("{} {}", plain(rule), words(*gives))).collect();
                    let always = if together { "wherever it is asked, one of these is: " } else { "" };
                    output.say(&format!("rule {name}: shadowed; {always}{}", by_each.join("; ")))?;
                    object["answer"] = json!("shadowed");
                    object["together"] = json!(together);
                    object["by"] = by
                        .iter()
                        .map(|(rule, gives)| json!({ "rule": rule, "why": words(*gives) }))
                        .collect();
                    if let Some(witness) = witness {
                        output.say(&format!("  it gives way in {}", plain(&witness.event.to_string())))?;
                        object["event"] = witness.event.clone();
                    }
                }
                Fires::In(witness) => {
                    object["answer"] = json!("alive");
                    object["event"] = witness.event.clone();
                }
                Fires::GaveWay(by, times) => {
                    self.undecided += 1;
                    output.say(&format!(
                        "rule {name}: not decided; it gave way to {} in each of {}",
                        plain(&by.join(", ")),
                        plural(*times, "event")
                    ))?;
                    object["answer"] = json!("undecided");
                    object["gives_way_to"] = json!(by);
                    object["tried"] = json!(times);
                }
                Fires::Unknown(tried) => {
                    self.undecided += 1;
                    output.say(&format!(
                        "rule {name}: not decided; it has no effect in any of {}",
                        plural(*tried, "event")
                    ))?;
                    object["answer"] = json!("undecided");
                    object["tried"] = json!(tried);
                }
            }
            self.out.push(object);
        }
        let alive = rules.iter().filter(|answer| matches!(answer.fires, Fires::In(_))).count();
        self.shown += alive;
        let off = if off == 0 { String::new() } else { format!("; {off} take no part, as their texts say") };
        output.say(&format!(
            "{alive} of {} shown to have an effect, each by an event{off}",
            plural(rules.len(), "rule")
        ))?;
        Ok(())
    }

    fn pairs(&mut self, pairs: &[PairAnswer], output: &mut Output) -> Result<(), Failure> {
        let (mut counts, mut on_lines) = ([0usize; 3], [0usize; 3]);
        for answer in pairs {
            let mut object = json!({
                "about": "overlap", "group": answer.group, "rules": [answer.first, answer.second],
                "contested": answer.contested,
            });
            for (key, meets, counts) in [
                ("answer", Some(&answer.meets), &mut counts),
                ("on_lines", answer.on_lines.as_ref(), &mut on_lines),
            ] {
                let Some(meets) = meets else { continue };
                let (word, place) = match meets {
                    Meets::In(witness) => {
                        let event = if key == "answer" { "event" } else { "event_of_line" };
                        object[event] = witness.event.clone();
                        ("meet", 0)
                    }
                    Meets::Never => ("apart", 1),
                    Meets::Unknown(tried) => {
                        object["tried"] = json!(tried);
                        ("undecided", 2)
                    }
                };
                object[key] = json!(word);
                if let Some(count) = counts.get_mut(place) {
                    *count += 1;
                }
            }
            if let (Meets::In(_), true, Some(group)) = (&answer.meets, answer.contested, &answer.group) {
                output.say(&format!(
                    "group {}: {} and {} meet, and one gives way",
                    plain(group),
                    plain(&answer.first),
                    plain(&answer.second)
                ))?;
            }
            self.out.push(object);
        }
        let [meet, apart, open] = counts;
        self.shown += meet;
        self.proved += apart;
        self.undecided += open;
        let of = if pairs.iter().any(|pair| pair.group.is_none()) { "" } else { " of one group" };
        output.say(&format!(
            "{}{of}: {meet} meet, each shown by an event; {apart} never do; {open} not decided",
            plural(pairs.len(), "pair")
        ))?;
        let [meet, apart, open] = on_lines;
        output.say(&format!("on one line: {meet} meet; {apart} never do; {open} not decided"))?;
        Ok(())
    }

    fn gain(&mut self, answer: &GainAnswer, title: Option<&str>, output: &mut Output) -> Result<(), Failure> {
        let way = answer.way.word();
        let title = title.map_or_else(String::new, |title| format!(" \"{}\"", plain(title)));
        let about = match &answer.name {
            Some(name) => format!("ensure {}{title}: {way}", plain(name)),
            None => way.to_owned(),
        };
        let mut object = json!({ "about": "gain", "name": answer.name, "way": way });
        match &answer.known {
            GainKnown::Never(rounds, shown) => {
                self.proved += 1;
                object["answer"] = json!("proved");
                object["rounding"] = json!(rounds);
                if rounds.is_empty() {
                    output.say(&format!("{about} never gains anything: proved for all receipts"))?;
                } else {
                    output.say(&format!(
                        "{about} never gains anything but by rounding: proved for all receipts; {} may be rounded",
                        plain(&rounds.join(", "))
                    ))?;
                }
                if let Some(shown) = shown {
                    self.gained(shown, &mut object, output)?;
                }
            }
            GainKnown::With(gained) => {
                self.findings += 1;
                object["answer"] = json!("gains");
                output.say(&format!("{about} gains {}", self.minor(gained.gain)))?;
                self.gained(gained, &mut object, output)?;
                if let Some(folder) = &self.options.out {
                    let name = answer.name.as_deref().unwrap_or("receipt");
                    let mut lines = String::new();
                    for event in &gained.other.events {
                        lines.push_str(&event.to_string());
                        lines.push('\n');
                    }
                    let path = written(folder, &format!("{name}-{way}.jsonl"), &lines)?;
                    output.say(&format!(
                        "  the receipts are in {}; `perq simulate` runs them",
                        plain(&path.display().to_string())
                    ))?;
                    object["file"] = json!(path.display().to_string());
                }
            }
            GainKnown::Undecided(obstacles, rounding, tried) => {
                self.undecided += 1;
                object["answer"] = json!("undecided");
                object["tried"] = json!(tried);
                object["because"] =
                    obstacles.iter().map(|(rule, why)| json!({ "rule": rule, "why": why })).collect();
                let but = if rounding.is_some() { " by more than rounding" } else { "" };
                output.say(&format!(
                    "{about}: not decided; none of {} gains anything{but}",
                    plural(*tried, "receipt")
                ))?;
                for (rule, why) in obstacles {
                    output.say(&format!("  {} {why}", plain(rule)))?;
                }
                if let Some(gained) = rounding {
                    self.gained(gained, &mut object, output)?;
                }
            }
            GainKnown::NothingReturns => {
                self.proved += 1;
                object["answer"] = json!("proved");
                output.say(&format!(
                    "{about} never gains anything: the programme says nothing of returns, so nothing is undone"
                ))?;
            }
        }
        self.out.push(object);
        Ok(())
    }

    /// Two ways of buying, in figures.
    fn gained(&self, gained: &Gained, object: &mut Value, output: &mut Output) -> Result<(), Failure> {
        if gained.only_rounding {
            output.say(&format!("  by rounding alone {} can be gained", self.minor(gained.gain)))?;
        }
        for (word, bought) in [("usual", &gained.usual), ("instead", &gained.other)] {
            let figures = self.figures(bought);
            output.say(&format!("  {word}: {figures}"))?;
            for event in &bought.events {
                output.say(&format!("    {}", plain(&event.to_string())))?;
            }
            object[word] = json!({ "events": bought.events, "figures": figures });
        }
        object["gain"] = json!(self.minor(gained.gain));
        object["only_rounding"] = json!(gained.only_rounding);
        Ok(())
    }

    /// What is paid and awarded for receipts.
    fn figures(&self, bought: &Bought) -> String {
        let program = self.program();
        let mut text = format!("{} paid", self.minor((bought.paid, 1)));
        for (account, amount) in bought.awards.iter().filter(|(_, amount)| *amount != 0) {
            if let Some(account) = program.accounts.iter().find(|own| own.name == *account) {
                let unit = plain(&account.unit);
                text.push_str(&format!(", {} {unit}", decimal::print(*amount, account.decimals)));
            }
        }
        let receipts = bought.decisions.iter().filter(|decision| decision.returned.is_none()).count();
        let returns = bought.decisions.len() - receipts;
        text.push_str(&format!(" on {}", plural(receipts, "receipt")));
        if returns > 0 {
            text.push_str(&format!(" and {}", plural(returns, "return")));
        }
        text
    }

    /// Minor units as money; what is broken of them as far as four digits more.
    fn minor(&self, (num, den): (i128, i128)) -> String {
        let program = self.program();
        let decimals = program.currency.decimals;
        let code = &program.currency.code;
        let den = den.max(1);
        if num % den == 0 {
            return format!("{} {code}", decimal::print(num / den, decimals));
        }
        let finer = num.saturating_mul(10_000) / den;
        let text = decimal::print(finer, decimals.saturating_add(4));
        format!("{} {code}", text.trim_end_matches('0'))
    }

    /// Writes an event out and offers it as a test.
    fn witness(
        &self,
        name: &str,
        title: &str,
        expects: &str,
        witness: &Witness,
        object: &mut Value,
        output: &mut Output,
    ) -> Result<(), Failure> {
        object["event"] = witness.event.clone();
        let text =
            serde_json::to_string_pretty(&witness.event).map_err(|error| Failure::new(error.to_string()))?;
        match &self.options.out {
            Some(folder) => {
                let path = written(folder, &format!("{name}.json"), &format!("{text}\n"))?;
                output.say(&format!(
                    "  the event is in {}; `perq simulate` runs it",
                    plain(&path.display().to_string())
                ))?;
                object["file"] = json!(path.display().to_string());
            }
            None => output.say(&format!("  for instance {}", plain(&witness.event.to_string())))?,
        }
        if let Some(block) = test_block(self.program(), title, &witness.event, expects) {
            if self.options.tests {
                output.say(block.trim_end())?;
            }
            object["test"] = json!(block);
        }
        Ok(())
    }

    /// A number of base units with its unit; digits beyond those of the unit are cut.
    fn amount(&self, amount: Ratio, account: Option<perq_compiler::ir::AccountId>) -> String {
        let program = self.program();
        let whole = amount.num.div_euclid(amount.den.max(1));
        match account.and_then(|account| program.accounts.get(account.index())) {
            Some(account) => format!("{} {}", decimal::print(whole, account.decimals), account.unit),
            None => {
                format!("{} {}", decimal::print(whole, program.currency.decimals), program.currency.code)
            }
        }
    }
}

/// What a rule that displaces another does, wherever both are asked.
fn words(gives: Gives) -> &'static str {
    match gives {
        Gives::Something => "stands before it and gives something wherever it would",
        Gives::AsMuch => "stands before it and gives as much wherever it would",
        Gives::More => "gives more wherever it would",
        Gives::NoMore => "stands before it and gives no more wherever it would, where the least stays",
    }
}

fn written(folder: &Path, name: &str, text: &str) -> Result<PathBuf, Failure> {
    std::fs::create_dir_all(folder).map_err(|error| Failure::file(folder, &error))?;
    let path = folder.join(name);
    std::fs::write(&path, text).map_err(|error| Failure::file(&path, &error))?;
    Ok(path)
}
