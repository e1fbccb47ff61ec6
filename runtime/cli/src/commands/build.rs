//! `perq build`: a programme as a pack, the one file that a host loads.

use super::check::Tally;
use super::keygen;
use crate::args;
use crate::output::Output;
use crate::programme;
use crate::render;
use crate::{Exit, Failure, Outcome};
use perq_runtime::pack::{Pack, Policy, WriteOptions};
use serde_json::json;

/// Runs it.
///
/// # Errors
/// Where the rules or the key cannot be read or the pack cannot be written.
pub fn run(options: &args::Build, output: &mut Output) -> Outcome {
    let programme = programme::find_one(&options.path)?;
    let compilation = programme.compile()?;
    let mut machine = Vec::new();
    for diagnostic in &compilation.diagnostics {
        output.note(&render::human(&compilation.sources, diagnostic, output.style()));
        machine.push(render::machine(&compilation.sources, diagnostic));
    }
    let Some(program) = &compilation.program else {
        let mut tally = Tally::default();
        (tally.errors, tally.warnings) = render::count(&compilation.diagnostics);
        tally.files = programme.files.len();
        output.note(&format!("{}; nothing was built", tally.summary()));
        output.object("build", json!({ "diagnostics": machine, "pack": null }));
        return Ok(Exit::Findings);
    };
    if options.print {
        output.say(program.to_string().trim_end())?;
    }
    let key = options.sign.as_deref().map(keygen::secret).transpose()?;
    let bytes = Pack::write(program, &WriteOptions { serial: options.serial, key: key.as_ref() });
    // What was written must be what a host accepts, or it is not written.
    let policy = match &key {
        Some(key) => Policy::signed_by(vec![key.public()]),
        None => Policy::unsigned_allowed(),
    };
    let pack = Pack::read(&bytes, &policy)
        .map_err(|error| Failure::new(format!("perq made a pack that it refuses itself: {error}")))?;
    if let Some(path) = &options.output {
        std::fs::write(path, &bytes).map_err(|error| Failure::file(path, &error))?;
        if !options.print {
            output.say(&format!(
                "{}: {} bytes, pack {}, {}, {}",
                path.display(),
                bytes.len(),
                pack.short_hash(),
                render::plural(program.rules.len(), "rule"),
                if key.is_some() { "signed" } else { "not signed" },
            ))?;
        }
    }
    output.object(
        "build",
        json!({
            "diagnostics": machine,
            "pack": {
                "file": options.output.as_ref().map(|path| path.display().to_string()),
                "bytes": bytes.len(),
                "hash": pack.short_hash(),
                "serial": pack.serial(),
                "signed": key.is_some(),
                "rules": program.rules.len(),
                "program": options.print.then(|| program.to_string()),
            },
        }),
    );
    Ok(Exit::Clean)
}
