//! The command line of perq: arguments in, text for people or JSON for machines out.
//!
//! Knows terminals, files and configuration, and refuses to know the language: whatever is said about rules comes as
//! diagnostics, decisions and outcomes from the crates below. A library, so that tests call a command as a function.
#![forbid(unsafe_code)]

pub mod args;
pub mod commands;
pub mod config;
pub mod covered;
pub mod event;
pub mod excerpt;
pub mod findings;
#[cfg(feature = "ledger")]
pub mod kept_year;
#[cfg(feature = "lsp")]
pub mod lsp;
pub mod numbers;
pub mod output;
pub mod pages;
pub mod programme;
pub mod prose;
pub mod render;
pub mod replay;
pub mod tables;

use args::{Args, Command};
use clap::Parser;
use output::Output;
use std::ffi::OsString;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

/// How a command ended; the numbers are a contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// Nothing to say against it.
    Clean = 0,
    /// There are findings: errors, failing tests, files to format, refused records under `--strict`.
    Findings = 1,
    /// The arguments are wrong, or a file cannot be read or written.
    Usage = 2,
    /// A mistake of perq itself.
    Internal = 3,
}

impl Exit {
    /// Findings or none.
    pub fn findings(any: bool) -> Exit {
        if any { Exit::Findings } else { Exit::Clean }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}

/// Why a command could not do its work.
#[derive(Debug)]
pub enum Failure {
    /// A sentence for the user; becomes [`Exit::Usage`].
    Said(String),
    /// A sentence about a mistake of perq; becomes [`Exit::Internal`].
    Mistake(String),
    /// Whoever reads the output has gone away: nothing to say, and nobody to say it to.
    Gone,
}

impl Failure {
    /// With a sentence.
    pub fn new(text: impl Into<String>) -> Failure {
        Failure::Said(text.into())
    }

    /// A mistake of perq itself.
    pub fn mistake(text: impl Into<String>) -> Failure {
        Failure::Mistake(text.into())
    }

    /// What is said.
    pub fn text(&self) -> &str {
        match self {
            Failure::Said(text) | Failure::Mistake(text) => text,
            Failure::Gone => "",
        }
    }

    /// Of a file.
    pub fn file(path: impl AsRef<std::path::Path>, error: &dyn std::fmt::Display) -> Failure {
        Failure::Said(format!("{}: {error}", path.as_ref().display()))
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Failure {
        match error.kind() {
            std::io::ErrorKind::BrokenPipe => Failure::Gone,
            _ => Failure::Said(format!("the output cannot be written: {error}")),
        }
    }
}

/// What a command answers.
pub type Outcome = Result<Exit, Failure>;

/// The whole of the binary.
pub fn main() -> ExitCode {
    std::panic::set_hook(Box::new(|panic| {
        // A damaged file, which is told as such.
        #[cfg(feature = "columnar")]
        if perq_runtime::columnar::is_decoding() {
            return;
        }
        let place = panic.location().map_or_else(String::new, |place| format!(" ({place})"));
        let payload = panic.payload();
        let text = payload.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("no message");
        eprintln!("perq made a mistake of its own: {}{place}", excerpt::plain(text));
        eprintln!(
            "Please report it with the command and the rules that caused it; your files are as they were."
        );
    }));
    let arguments = match Args::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version are asked for and go to stdout; clap knows which is which.
            let asked_for = !error.use_stderr();
            let printed = error.print();
            return if asked_for && printed.is_ok() { Exit::Clean } else { Exit::Usage }.into();
        }
    };
    let output = Output::of_process(arguments.format, arguments.color);
    guarded(|| dispatch(&arguments, output)).into()
}

/// A panic is a mistake of perq; the hook has said so.
fn guarded(work: impl FnOnce() -> Exit) -> Exit {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or(Exit::Internal)
}

/// Runs a command as the binary would and gives back what it printed: for tests and tools.
///
/// # Errors
/// The text of a usage error, help or version.
pub fn run<T: Into<OsString> + Clone>(
    arguments: impl IntoIterator<Item = T>,
    standard_input: &[u8],
) -> Result<(Exit, String, String), String> {
    let all = std::iter::once(OsString::from("perq")).chain(arguments.into_iter().map(Into::into));
    let arguments = Args::try_parse_from(all).map_err(|error| error.to_string())?;
    let (output, printed) = Output::captured(arguments.format, standard_input.to_vec());
    let exit = dispatch(&arguments, output);
    let (out, err) = printed.take();
    Ok((exit, out, err))
}

fn dispatch(arguments: &Args, mut output: Output) -> Exit {
    if output.format().is_of_findings() && !matches!(arguments.command, Command::Check(_) | Command::Lint(_))
    {
        output.failure(arguments.command.name(), "this --format is for the findings of `check` and `lint`");
        return Exit::Usage;
    }
    let outcome = match &arguments.command {
        Command::New(options) => commands::new::run(options, &mut output),
        Command::Check(options) => commands::check::run(options, &mut output),
        Command::Lint(options) => commands::lint::run(options, &mut output),
        Command::Prove(options) => commands::prove::run(options, &mut output),
        Command::Fmt(options) => commands::fmt::run(options, &mut output),
        Command::Test(options) => commands::test::run(options, &mut output),
        Command::Mutate(options) => commands::mutate::run(options, &mut output),
        Command::Coverage(options) => commands::coverage::run(options, &mut output),
        Command::Build(options) => commands::build::run(options, &mut output),
        Command::Keygen(options) => commands::keygen::run(options, &mut output),
        Command::Inspect(options) => commands::inspect::run(options, &mut output),
        Command::Run(options) => commands::run::run(options, &mut output),
        #[cfg(feature = "ledger")]
        Command::Ledger(options) => commands::ledger::run(options, &mut output),
        Command::Simulate(options) => commands::simulate::run(options, &mut output),
        Command::Plan(options) => commands::plan::run(options, &mut output),
        Command::Diff(options) => commands::diff::run(options, &mut output),
        Command::Offers(options) => commands::offers::run(options, &mut output),
        Command::Optimize(options) => commands::optimize::run(options, &mut output),
        Command::Explain(options) => commands::explain::run(options, &mut output),
        Command::Calendar(options) => commands::calendar::run(options, &mut output),
        Command::Doc(options) => commands::doc::run(options, &mut output),
        Command::Terms(options) => commands::terms::run(options, &mut output),
        Command::Demo(options) => commands::demo::run(options, &mut output),
        #[cfg(feature = "lsp")]
        Command::Lsp => commands::lsp::run(&mut output),
        Command::Completions(options) => commands::completions::run(options, &mut output),
    };
    conclude(outcome, arguments.command.name(), &mut output)
}

/// Says why a command could not do its work, and with which code it ends.
fn conclude(outcome: Outcome, command: &str, output: &mut Output) -> Exit {
    match outcome.and_then(|exit| output.finish().map(|()| exit).map_err(Failure::from)) {
        Ok(exit) => exit,
        Err(Failure::Gone) => Exit::Clean,
        Err(Failure::Said(text)) => {
            output.failure(command, &text);
            Exit::Usage
        }
        Err(Failure::Mistake(text)) => {
            let text = format!("perq made a mistake of its own: {text}; please report it");
            output.failure(command, &text);
            Exit::Internal
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use args::Format;

    #[test]
    fn a_mistake_of_perq_has_a_code_of_its_own() {
        for (format, part) in
            [(Format::Human, "error: perq made a mistake"), (Format::Json, "\"error\": \"perq made")]
        {
            let (mut output, printed) = Output::captured(format, Vec::new());
            let exit = conclude(Err(Failure::mistake("two answers")), "run", &mut output);
            let (out, err) = printed.take();
            assert_eq!((exit, exit as u8), (Exit::Internal, 3));
            assert!(format!("{out}{err}").contains(part), "{out}{err}");
        }
        // The hook of the test harness stays silent about it.
        let exit = guarded(|| std::panic::resume_unwind(Box::new("a mistake")));
        assert_eq!(exit, Exit::Internal);
        assert_eq!(guarded(|| Exit::Clean), Exit::Clean);
    }
}
