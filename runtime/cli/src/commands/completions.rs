//! `perq completions`: what a shell completes.

use crate::args::{self, Args};
use crate::output::Output;
use crate::{Exit, Outcome};
use clap::CommandFactory;

/// Runs it.
///
/// # Errors
/// Where it cannot be written.
pub fn run(options: &args::Completions, output: &mut Output) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(options.shell, &mut Args::command(), "perq", &mut script);
    output.raw().write_all(&script)?;
    Ok(Exit::Clean)
}
