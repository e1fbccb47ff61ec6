//! Straight code: instructions that only work values out, one after another. One that fails takes with it what uses it,
//! and nothing else. Refuses to know whose code it is.

use super::{Execution, Scratch};
use crate::evaluate::{Bindings, Proposals, RecordView};
use crate::ir::{Function, Inst, Shape, Ty};

/// Instructions of which each is pure ([`crate::ir::optimise::is_pure`]).
#[derive(Clone, Debug)]
pub struct Straight {
    function: Function,
    shape: Shape,
}

impl Straight {
    /// Of these.
    pub fn new(insts: Vec<Inst>) -> Straight {
        let function = Function { insts, ..Function::default() };
        let shape = Shape::of(&function);
        Straight { function, shape }
    }

    /// How many instructions.
    pub fn length(&self) -> usize {
        self.function.insts.len()
    }

    /// Works everything out, and notes of each instruction whether it, or what it uses, has failed.
    pub fn run(
        &self,
        record: RecordView<'_>,
        bindings: &Bindings,
        scratch: &mut Scratch,
        failed: &mut Vec<bool>,
    ) {
        scratch.prepare(&self.function, &self.shape, 0);
        failed.clear();
        failed.resize(self.function.insts.len(), false);
        // Nothing here takes fuel or proposes anything.
        let (mut fuel, mut out) = (0, Proposals::default());
        let mut run = Execution {
            function: &self.function,
            shape: &self.shape,
            record,
            bindings,
            fuel: &mut fuel,
            memory: scratch,
            out: &mut out,
            at: 0,
        };
        let mut some = false;
        for (at, inst) in self.function.insts.iter().enumerate() {
            run.at = at;
            let mut fails = false;
            if some {
                inst.operands(|used| fails |= failed.get(used.index()).copied().unwrap_or(true));
            }
            if (fails || run.step(inst).is_err())
                && let Some(place) = failed.get_mut(at)
            {
                *place = true;
                some = true;
            }
        }
    }

    /// The value that an instruction had in the last run; of a truth 1 or 0, and of a number of 128 bits the nearest one
    /// of 64.
    pub fn number(&self, scratch: &Scratch, at: usize) -> i64 {
        match self.shape.types.get(at).copied().flatten() {
            Some(Ty::I128) => {
                let wide = scratch.wides.get(at).copied().unwrap_or(0);
                i64::try_from(wide).unwrap_or(if wide < 0 { i64::MIN } else { i64::MAX })
            }
            Some(Ty::I64 | Ty::Bool | Ty::Selection | Ty::Bag | Ty::Sets) | None => {
                scratch.words.get(at).copied().unwrap_or(0)
            }
        }
    }
}
