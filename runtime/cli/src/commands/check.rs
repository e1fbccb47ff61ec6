//! `perq check`: every diagnostic of every programme, and a line that counts them.

use crate::Outcome;
use crate::args;
use crate::findings::Findings;
use crate::output::Output;
use crate::programme;
use crate::render::{self, plural};
use perq_compiler::pipeline::Compilation;
use serde_json::{Value, json};

/// Runs it.
///
/// # Errors
/// Where a path cannot be read.
pub fn run(options: &args::Check, output: &mut Output) -> Outcome {
    let programmes = programme::find(&options.paths)?;
    let mut findings = Findings::default();
    for programme in &programmes {
        let compilation = programme.compile()?;
        findings.add(compilation.sources, compilation.diagnostics, Vec::new(), programme.files.len());
    }
    if findings.files == 0 {
        return Err(programme::no_rules(&options.paths));
    }
    findings.select(&options.reporting, &options.paths)?;
    findings.conclude("check", &options.reporting, json!({}), output)
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
