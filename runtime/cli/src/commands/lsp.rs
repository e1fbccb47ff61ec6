//! `perq lsp`: what editors ask, on standard input and output.

use crate::lsp::serve;
use crate::output::Output;
use crate::{Exit, Outcome};

/// Runs it until the editor ends it.
///
/// # Errors
/// Where the editor does not read.
pub fn run(output: &mut Output) -> Outcome {
    let input = output.input_stream();
    let in_order = serve(input, output.raw())?;
    Ok(Exit::findings(!in_order))
}
