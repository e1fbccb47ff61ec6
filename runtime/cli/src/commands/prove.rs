//! `perq prove`: what holds for all events, what does not with an event that shows it, and what is not decided. Lays out
//! what [`perq_runtime::prove`] finds, and refuses to know why.

use crate::args::{self, Proofs};
use crate::excerpt::plain;
use crate::output::Output;
use crate::programme::{self, Loaded};
use crate::render::plural;
use crate::tables;
use crate::{Exit, Failure, Outcome};
use perq_compiler::ir::Program;
use perq_compiler::typed::Ratio;
use perq_runtime::decimal;
use perq_runtime::prove::block::test_block;
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
        let Loaded { pack, config, typed, .. } = loaded;
        let Some(typed) = typed else {
            return Err(Failure::new("proofs need the rules' texts; name their folder or file, not a pack"));
        };
        let catalogue = tables::catalogue(&config.catalogue)?;
        let desk = Desk::new(&typed, pack, &catalogue).map_err(|error| Failure::new(error.to_string()))?;
        let wanted = |proofs: Proofs| options.only.is_empty() || options.only.contains(&proofs);
        let mut paper = Paper { desk: &desk, options, findings: 0, undecided: 0, proved: 0, out: Vec::new() };
        if wanted(Proofs::Ensures) {
            let named = |name: &String| options.name.is_empty() || options.name.contains(name);
            let promises: Vec<Promised> = typed
                .promises
                .iter()
                .filter(|promise| named(&promise.name))
                .map(|promise| desk.promise(promise))
                .collect();
            for promised in &promises {
                paper.promise(promised, output)?;
            }
            if let Some(unknown) =
                options.name.iter().find(|name| !typed.promises.iter().any(|promise| promise.name == **name))
            {
                let known: Vec<String> =
                    typed.promises.iter().map(|promise| format!("`{}`", plain(&promise.name))).collect();
                let known = match known.as_slice() {
                    [] => "there is none".to_owned(),
                    names => format!("there are {}", names.join(", ")),
                };
                return Err(Failure::new(format!("there is no `ensure` `{}`; {known}", plain(unknown))));
            }
            if promises.is_empty() {
                output.say("there is no `ensure` here")?;
            }
        }
        if wanted(Proofs::Rules) {
            paper.rules(&desk.rules(), output)?;
        }
        if options.only.contains(&Proofs::Overlaps) {
            paper.pairs(&desk.overlaps(), output)?;
        }
        let count = plural(paper.findings, "finding");
        let (proved, undecided) = (paper.proved, paper.undecided);
        output.say(&format!("{proved} proved, {count}, {undecided} not decided"))?;
        if paper.findings > 0 || (options.strict && undecided > 0) {
            exit = Exit::Findings;
        }
        told.push(json!({
            "programme": path.display().to_string(),
            "answers": paper.out,
            "proved": proved,
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
    findings: usize,
    undecided: usize,
    proved: usize,
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
                output.say(&format!("ensure {name}{title}: broken"))?;
                object["answer"] = json!("broken");
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
            Known::Undecided { why, rules, tried } => {
                self.undecided += 1;
                output.say(&format!("ensure {name}{title}: not decided"))?;
                let by =
                    if rules.is_empty() { String::new() } else { format!(" ({})", plain(&rules.join(", "))) };
                output.say(&format!(
                    "  {}{by}; none of {} breaks it, and every decision is looked at",
                    plain(why),
                    plural(*tried, "event")
                ))?;
                object["answer"] = json!("undecided");
                object["why"] = json!(why);
                object["rules"] = json!(rules);
                object["tried"] = json!(tried);
            }
        }
        self.out.push(object);
        Ok(())
    }

    fn rules(&mut self, rules: &[RuleAnswer], output: &mut Output) -> Result<(), Failure> {
        for answer in rules {
            let name = plain(&answer.rule);
            let mut object = json!({ "about": "rule", "name": answer.rule });
            match &answer.fires {
                Fires::Never => {
                    self.findings += 1;
                    output.say(&format!("rule {name}: dead; its conditions contradict each other"))?;
                    object["answer"] = json!("dead");
                }
                Fires::In(witness) => {
                    object["answer"] = json!("alive");
                    object["event"] = witness.event.clone();
                }
                Fires::Shadowed(by, times) => {
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
        self.proved += alive;
        output.say(&format!(
            "{alive} of {} shown to have an effect, each by an event",
            plural(rules.len(), "rule")
        ))?;
        Ok(())
    }

    fn pairs(&mut self, pairs: &[PairAnswer], output: &mut Output) -> Result<(), Failure> {
        let (mut apart, mut meet) = (0usize, 0usize);
        for answer in pairs {
            let mut object = json!({
                "about": "overlap", "group": answer.group, "rules": [answer.first, answer.second],
                "contested": answer.contested,
            });
            match &answer.meets {
                Meets::Never => {
                    apart += 1;
                    self.proved += 1;
                    object["answer"] = json!("apart");
                }
                Meets::In(witness) => {
                    meet += 1;
                    self.proved += 1;
                    object["answer"] = json!("meet");
                    object["event"] = witness.event.clone();
                    if answer.contested {
                        output.say(&format!(
                            "group {}: {} and {} meet, and one gives way",
                            plain(&answer.group),
                            plain(&answer.first),
                            plain(&answer.second)
                        ))?;
                    }
                }
                Meets::Unknown(tried) => {
                    self.undecided += 1;
                    object["answer"] = json!("undecided");
                    object["tried"] = json!(tried);
                }
            }
            self.out.push(object);
        }
        let rest = pairs.len() - apart - meet;
        output.say(&format!(
            "{} of one group: {meet} meet, each shown by an event; {apart} never do; {rest} not decided",
            plural(pairs.len(), "pair")
        ))?;
        Ok(())
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
                let path = written(folder, name, &text)?;
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

fn written(folder: &Path, name: &str, text: &str) -> Result<PathBuf, Failure> {
    std::fs::create_dir_all(folder).map_err(|error| Failure::file(folder, &error))?;
    let path = folder.join(format!("{name}.json"));
    std::fs::write(&path, format!("{text}\n")).map_err(|error| Failure::file(&path, &error))?;
    Ok(path)
}
