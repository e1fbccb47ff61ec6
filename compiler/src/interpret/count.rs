//! The interpreter, counting the instructions that it does: a measure of work that no clock and no machine has a part in.

use super::{Execution, Interpreter, Scratch};
use crate::evaluate::{Bindings, Proposals, RecordView};
use crate::ir::{Fault, FunctionId};

impl Interpreter {
    /// Runs a function as [`crate::evaluate::Code::run`] does, and adds the instructions done to `count`.
    ///
    /// # Errors
    /// The fault that ended it.
    #[expect(clippy::too_many_arguments, reason = "those of running, and the count")]
    pub fn run_counted(
        &self,
        function: FunctionId,
        record: RecordView<'_>,
        bindings: &Bindings,
        fuel: &mut i64,
        scratch: &mut Scratch,
        out: &mut Proposals,
        count: &mut u64,
    ) -> Result<(), Fault> {
        let Some((function, shape)) = self.function(function.index()) else { return Ok(()) };
        scratch.prepare(function, shape, record.line_count());
        let mut run = Execution { function, shape, record, bindings, fuel, memory: scratch, out, at: 0 };
        while let Some(inst) = function.insts.get(run.at) {
            *count = count.saturating_add(1);
            match run.step(inst) {
                Ok(next) => run.at = next,
                Err(kind) => return Err(Fault { kind, inst: u32::try_from(run.at).unwrap_or(u32::MAX) }),
            }
        }
        Ok(())
    }
}
