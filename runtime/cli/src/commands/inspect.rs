//! `perq inspect`: what a pack says about itself, after it was checked as a host would check it.

use super::keygen;
use crate::args;
use crate::excerpt::plain;
use crate::output::Output;
use crate::{Exit, Failure, Outcome};
use perq_runtime::pack::{Pack, Policy};
use serde_json::json;
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
    output.say(&format!("programme   {} version {}", plain(&manifest.program), manifest.version))?;
    output.say(&format!("pack        {}, serial {}, {signature}", pack.short_hash(), pack.serial()))?;
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
    for group in &manifest.groups {
        output.say(&format!("group       {}", plain(group)))?;
        for rule in manifest.rules.iter().filter(|rule| rule.group == *group) {
            let title = rule.title.as_deref().map_or_else(String::new, |title| format!("  {}", plain(title)));
            output.say(&format!("  rule      {}{title}  ({})", plain(&rule.name), plain(&rule.place)))?;
        }
    }
    if options.print {
        output.say(pack.program().to_string().trim_end())?;
    }
    output.object(
        "inspect",
        json!({
            "hash": pack.short_hash(),
            "serial": pack.serial(),
            "signed": pack.signed(),
            "manifest": manifest,
            "program": options.print.then(|| pack.program().to_string()),
        }),
    );
    Ok(Exit::Clean)
}
