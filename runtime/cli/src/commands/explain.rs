//! `perq explain`: the page of a diagnostic or lint, or the list of all.

use crate::args;
use crate::excerpt::{plain, plain_lines};
use crate::output::Output;
use crate::pages::{all, near, page};
use crate::{Exit, Failure, Outcome};
use serde_json::json;

/// Runs it.
///
/// # Errors
/// Where there is no such page.
pub fn run(options: &args::Explain, output: &mut Output) -> Outcome {
    let Some(name) = &options.name else {
        let names: Vec<&str> = all().map(|(name, _)| name).collect();
        for name in &names {
            output.say(name)?;
        }
        output.object("explain", json!({ "names": names }));
        return Ok(Exit::Clean);
    };
    match page(name.trim()) {
        Some(text) => {
            // A page about a character that steers the terminal has one in its example.
            output.say(&plain_lines(text.trim_end()))?;
            output.object("explain", json!({ "name": name.trim(), "page": text }));
            Ok(Exit::Clean)
        }
        None => {
            let near = near(name);
            let hint = match near.as_slice() {
                [] => "`perq explain` lists all names".to_owned(),
                names => format!("did you mean {}?", names.join(", ")),
            };
            Err(Failure::new(format!("there is no diagnostic `{}`; {hint}", plain(name))))
        }
    }
}
