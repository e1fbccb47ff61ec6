//! What code has to be made for a function: the function without what its callers have asked already, and with its constants
//! taken out. Rules that differ in constants only have one template, and share its code. Refuses to know machines.

use super::line_atoms;
use crate::ir::assume::{Assumed, assume};
use crate::ir::needs::narrowed_loops;
use crate::ir::{FunctionId, Inst, Program, ReferenceId, Rule, Shape, SiteId, SlotId, Ty, Verified};

/// What stands in a template for each constant that is taken out; none that stays is it.
pub(super) const TAKEN_OUT: i64 = 2;

/// Code to be made. Equal templates become equal code.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Template {
    /// Types of variables.
    pub(super) variables: Vec<Ty>,
    /// The instructions. Sites are all the same, references numbered as they come.
    pub(super) insts: Vec<Inst>,
    /// Where the loops open that look at the context's rows alone.
    pub(super) narrowed: Vec<u32>,
}

/// What makes a function of a template's code.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parts {
    /// The constants, in the order in which the template has them.
    pub constants: Vec<i64>,
    /// The references whose bits it reads.
    pub references: Vec<ReferenceId>,
    /// The code takes for granted that the conditions on the event of the function's rule hold. It says that the function
    /// fails, but not where; and it does not ask the sets in these slots, which takes a turn for each 64 symbols of one.
    pub assumed: Option<Vec<SlotId>>,
}

/// The template of a function, and what it is filled with.
pub fn template(program: &Verified, id: FunctionId) -> Option<(Template, Parts)> {
    let function = program.functions.get(id.index())?;
    let rule = rule_of(program, id);
    let assumed = rule.and_then(|rule| assume(program, &rule.atoms, function));
    let (function, assumed) = match assumed {
        Some(Assumed { function, sets }) => (function, Some(sets)),
        None => (function.clone(), None),
    };
    let narrowed = narrowed_loops(program, line_atoms(program, id), &function, &Shape::of(&function));
    let mut parts = Parts { assumed, ..Parts::default() };
    let insts = function.insts.into_iter().map(|inst| parts.take_out(inst)).collect();
    parts.constants.shrink_to_fit();
    parts.references.shrink_to_fit();
    Some((Template { variables: function.variables, insts, narrowed }, parts))
}

/// The rule whose function this is. Lowering makes the functions of rules in the order of the rules; of a program that was
/// made otherwise some are not found, and work without.
pub fn rule_of(program: &Program, function: FunctionId) -> Option<&Rule> {
    let at = program.rules.partition_point(|rule| rule.function < function);
    program.rules.get(at).filter(|rule| rule.function == function)
}

impl Parts {
    fn take_out(&mut self, mut inst: Inst) -> Inst {
        if let Inst::Int(word) = &mut inst {
            // Code is simpler where it knows these, and they are the same in most rules.
            if !(-1..=1).contains(word) && *word != crate::ir::MISSING {
                self.constants.push(std::mem::replace(word, TAKEN_OUT));
            }
        } else if let Inst::Wide(wide) = &mut inst {
            if let (false, Ok(word)) = ((-1..=1).contains(wide), i64::try_from(*wide)) {
                self.constants.push(word);
                *wide = i128::from(TAKEN_OUT);
            }
        } else if let Inst::Award { site, .. } | Inst::Discount { site, .. } = &mut inst {
            self.constants.push(i64::from(std::mem::replace(site, SiteId(0)).0));
        } else if let Inst::SetHas(_, reference) = &mut inst {
            self.constants.push(i64::from(std::mem::replace(reference, ReferenceId(0)).0));
        } else if let Inst::InReference(_, reference) = &mut inst {
            let known = self.references.iter().position(|known| known == reference);
            let number = known.unwrap_or(self.references.len());
            if known.is_none() {
                self.references.push(*reference);
            }
            *reference = ReferenceId(u32::try_from(number).unwrap_or(u32::MAX));
        }
        inst
    }
}
