//! What is worked out of a member beside the rules: levels and badges. Refuses to know when, and what becomes of it.

use super::{Bindings, Code, FUEL, Record, Unclaimed, Workspace, derive};
use crate::ir::{FunctionId, Program};

/// Asks functions that belong to no rule about a record.
pub struct Reviewer<'r, C: Code> {
    program: &'r Program,
    bindings: &'r Bindings,
    record: &'r Record,
    params: &'r [i64],
    code: &'r C,
    workspace: &'r mut Workspace<C::Scratch>,
    fuel: i64,
    failed: derive::FailedSlots,
}

impl<'r, C: Code> Reviewer<'r, C> {
    /// Brings what is derived in the record up to date.
    pub fn new(
        program: &'r Program,
        bindings: &'r Bindings,
        record: &'r mut Record,
        params: &'r [i64],
        code: &'r C,
        workspace: &'r mut Workspace<C::Scratch>,
    ) -> Reviewer<'r, C> {
        let mut fuel = FUEL;
        derive::fill(program, record);
        let (scratch, proposals) = workspace.memory();
        let failed = derive::derive(
            program,
            bindings,
            record,
            params,
            code,
            &Unclaimed,
            (&mut fuel, scratch, proposals),
        );
        Reviewer { program, bindings, record, params, code, workspace, fuel, failed }
    }

    /// What the function gives; nothing where it gives nothing or fails.
    pub fn ask(&mut self, function: FunctionId) -> Option<i64> {
        if derive::reads(self.program, &self.failed, function.index()).is_some() {
            return None;
        }
        let (scratch, proposals) = self.workspace.memory();
        proposals.derived = None;
        let record = self.record.view(self.params);
        let outcome = self.code.run(function, record, self.bindings, &mut self.fuel, scratch, proposals);
        outcome.ok().and_then(|()| proposals.derived.take())
    }
}
