//! `perq inspect`: what a pack says about itself, after it was checked as a host would check it.

use super::keygen;
use crate::args;
use crate::excerpt::plain;
use crate::output::Output;
use crate::{Exit, Failure, Outcome};
use perq_runtime::pack::{Pack, Policy, StateEntry};
use serde_json::json;
use std::collections::BTreeMap;
use std::path::Path;

/// Reads a pack under the policy that a key makes.
///
/// # Errors
/// Where the file cannot be read or the pack is refused.
pub fn read(path: &Path, key: Option<&str>) -> Result<Pack, Failure> {
    let policy = match key {
        Some(key) => Policy::signed_by(vec![keygen::public(key)?]),
        None => Policy::unsigned_allowed(),
    };
    let bytes = std::fs::read(path).map_err(|error| Failure::file(path, &error))?;
    Pack::read(&bytes, &policy).map_err(|error| Failure::file(path, &error))
}

/// Runs it.
///
/// # Errors
/// Where the pack cannot be read or is refused.
pub fn run(options: &args::Inspect, output: &mut Output) -> Outcome {
    let pack = read(&options.file, options.key.as_deref())?;
    let manifest = pack.manifest();
    let signature = match (pack.signed(), &options.key) {
        (true, Some(_)) => "signed by the given key",
        (true, None) => "signed; give --key to check by whom",
        (false, _) => "not signed",
    };
    // Without a number of the text's own there is none to say.
    let version = if manifest.version > 0 { format!(" version {}", manifest.version) } else { String::new() };
    output.say(&format!("programme   {}{version}", plain(&manifest.program)))?;
    output.say(&format!("pack        {}, serial {}, {signature}", pack.short_hash(), pack.serial()))?;
    output.say(&format!("rules       {}", pack.short_rules_hash()))?;
    output.say(&format!(
        "made by     perq {}, language {}, time zones {}",
        plain(&manifest.compiler),
        manifest.language,
        plain(&manifest.tz)
    ))?;
    output.say(&format!("reads       {} in {}", plain(&manifest.currency), plain(&manifest.zone)))?;
    for field in &manifest.reads {
        output.say(&format!("            {}", plain(&field.name)))?;
    }
    state(&manifest.state, output)?;
    for group in &manifest.groups {
        output.say(&format!("group       {}", plain(&group.name)))?;
        published(group.effective.as_deref(), &group.about, output)?;
        for rule in manifest.rules.iter().filter(|rule| rule.group == group.name) {
            let title = rule.title.as_deref().map_or_else(String::new, |title| format!("  {}", plain(title)));
            output.say(&format!("  rule      {}{title}  ({})", plain(&rule.name), plain(&rule.place)))?;
            published(rule.effective.as_deref(), &rule.about, output)?;
        }
    }
    for offer in &manifest.offers {
        let title = offer.title.as_deref().map_or_else(String::new, |title| format!("  {}", plain(title)));
        output.say(&format!("offer       {}{title}  ({})", plain(&offer.name), plain(&offer.place)))?;
        published(offer.effective.as_deref(), &offer.about, output)?;
    }
    if options.print {
        output.say(pack.program().to_string().trim_end())?;
    }
    output.object(
        "inspect",
        json!({
            "hash": pack.short_hash(),
            "rules": pack.short_rules_hash(),
            "serial": pack.serial(),
            "signed": pack.signed(),
            "manifest": manifest,
            "program": options.print.then(|| pack.program().to_string()),
        }),
    );
    Ok(Exit::Clean)
}

/// The state that it reads and keeps.
fn state(state: &StateEntry, output: &mut Output) -> Result<(), Failure> {
    if state.is_empty() {
        output.say("state       none: each event is decided by itself")?;
        return Ok(());
    }
    output.say("state")?;
    for history in &state.histories {
        let days = history.days.map_or_else(|| "all".to_owned(), |days| format!("{days} days"));
        let of = if history.lines { "lines of " } else { "" };
        output.say(&format!(
            "  history   {}: {of}{}, {days}: {}",
            plain(&history.name),
            plain(&history.events.join(", ")),
            plain(&history.reads.join(", "))
        ))?;
    }
    for derived in &state.derived {
        output.say(&format!("  derived   {}", plain(&derived.name)))?;
    }
    for counter in &state.counters {
        output.say(&format!(
            "  counter   {}: {} per {} within {}",
            plain(&counter.name),
            plain(&counter.unit),
            plain(&counter.per),
            plain(&counter.window)
        ))?;
    }
    for balance in &state.balances {
        output.say(&format!("  balance   {}", plain(balance)))?;
    }
    if state.returns {
        output.say("  returns   purchases are kept for the goods that may come back")?;
    }
    Ok(())
}

/// What is published about a rule or a group.
fn published(
    effective: Option<&str>,
    about: &BTreeMap<String, String>,
    output: &mut Output,
) -> Result<(), Failure> {
    match effective {
        Some("never") => output.say("    not effective")?,
        Some(day) => output.say(&format!("    effective from {}", plain(day)))?,
        None => {}
    }
    for (key, text) in about {
        output.say(&format!("    {}: {}", plain(key), plain(text)))?;
    }
    Ok(())
}
