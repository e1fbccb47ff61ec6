//! `perq check`: every diagnostic of every programme, and a line that counts them.

use crate::Outcome;
use crate::args;
use crate::config::Tables;
use crate::excerpt::plain;
use crate::findings::Findings;
use crate::output::Output;
use crate::programme::{self, Programme};
use crate::render::{self, plural};
use crate::tables;
use perq_compiler::check::errors::not_in_catalogue;
use perq_compiler::pipeline::Compilation;
use perq_compiler::typed;
use perq_runtime::pack::Pack;
use perq_runtime::record::ReadOptions;
use serde_json::{Value, json};

/// Runs it.
///
/// # Errors
/// Where a path cannot be read.
pub fn run(options: &args::Check, output: &mut Output) -> Outcome {
    let programmes = programme::find(&options.paths)?;
    let mut findings = Findings::default();
    for programme in &programmes {
        let mut compilation = programme.compile()?;
        compare_names(programme, &mut compilation, output);
        findings.add(compilation.sources, compilation.diagnostics, Vec::new(), programme.files.len());
    }
    if findings.files == 0 {
        return Err(programme::no_rules(&options.paths));
    }
    findings.select(&options.reporting, &options.paths)?;
    findings.conclude("check", &options.reporting, json!({}), output)
}

/// Holds the names that rules write against the tables that `perq.toml` names. A table that cannot be read is told, and nothing is
/// held against it.
fn compare_names(programme: &Programme, compilation: &mut Compilation, output: &mut Output) {
    if programme.config.catalogue == Tables::default() || compilation.typed.named.is_empty() {
        return;
    }
    let Some(program) = compilation.program.take() else { return };
    let engine = tables::catalogue(&programme.config.catalogue).and_then(|catalogue| {
        let (pack, parameters) = (Pack::of(program), programme.config.parameters());
        let interpreter = Some(args::EngineName::Interpreter);
        tables::engine(pack, &catalogue, interpreter, ReadOptions::default(), &parameters)
    });
    let engine = match engine {
        Ok(engine) => engine,
        Err(failure) => {
            return output
                .note(&format!("names were not held against the catalogue: {}", plain(failure.text())));
        }
    };
    let typed = &compilation.typed;
    for unknown in engine.unknown_names() {
        let is_it = |own: &&typed::Named| {
            own.name == unknown.name
                && typed.kinds.get(own.kind.index()).is_some_and(|kind| kind.name == unknown.kind)
        };
        for own in typed.named.iter().filter(is_it) {
            let source = compilation.sources.get(own.place.file);
            let quoted = source.is_some_and(|source| {
                source.text.get(own.place.span.start as usize..).is_some_and(|text| text.starts_with('"'))
            });
            let near = unknown.near.as_deref().filter(|near| !near.contains(['"', '\\', '\n']));
            let near = match near {
                Some(near) if quoted => Some(format!("\"{near}\"")),
                Some(near) if near.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') => {
                    Some(near.to_owned())
                }
                Some(_) | None => None,
            };
            compilation.diagnostics.push(not_in_catalogue(
                own.place,
                &unknown.kind,
                &unknown.name,
                near.as_deref(),
            ));
        }
    }
}

/// What was found in several programmes.
#[derive(Debug, Default)]
pub struct Tally {
    /// Files.
    pub files: usize,
    /// Errors.
    pub errors: usize,
    /// Warnings.
    pub warnings: usize,
    /// Diagnostics for machines.
    pub machine: Vec<Value>,
    example: Option<&'static str>,
}

impl Tally {
    /// Prints a programme's diagnostics on standard output and counts them.
    ///
    /// # Errors
    /// Where they cannot be written.
    pub fn add(
        &mut self,
        compilation: &Compilation,
        files: usize,
        output: &mut Output,
    ) -> std::io::Result<()> {
        self.files += files;
        let (errors, warnings) = render::count(&compilation.diagnostics);
        self.errors += errors;
        self.warnings += warnings;
        for diagnostic in &compilation.diagnostics {
            self.example = self.example.or(Some(diagnostic.name));
            if output.is_json() {
                self.machine.push(render::machine(&compilation.sources, diagnostic));
            } else {
                output.say(&render::human(&compilation.sources, diagnostic, output.style()))?;
            }
        }
        Ok(())
    }

    /// `2 errors, 1 warning in 3 files`
    pub fn summary(&self) -> String {
        let counts = match (self.errors, self.warnings) {
            (0, 0) => "no errors, no warnings".to_owned(),
            (errors, warnings) => format!("{}, {}", plural(errors, "error"), plural(warnings, "warning")),
        };
        let files = plural(self.files, "file");
        match self.example {
            Some(name) => format!("{counts} in {files}; `perq explain {name}` tells more"),
            None => format!("{counts} in {files}"),
        }
    }
}
