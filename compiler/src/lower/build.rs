//! Instructions one after another, with the place each comes from.

use super::Lowering;
use crate::ir::{Function, Inst, Measure, PlaceId, Role, Ty, Unit, Value, VarId};
use crate::typed::{Expr, LocalId, Source};
use rustc_hash::FxHashMap;

/// What a local stands for where it is used.
#[derive(Clone, Debug)]
pub enum Binding {
    /// A value.
    Operand(super::expression::Operand),
    /// An element of lines or units (with how many pieces it stands for), or of payments.
    Row {
        /// Its row.
        row: Value,
        /// Pieces, for a unit.
        count: Option<Value>,
    },
    /// A collection that is worked out where it is used.
    Source(Box<Source>),
    /// A collection worked out where it was bound.
    Selection(Value),
    /// A bundle, in the loop over its sets.
    Sets {
        /// The bundle.
        sets: Value,
        /// The list of equal sets.
        list: Value,
    },
}

/// Builds one function.
pub struct Builder<'b, 'p> {
    /// What the functions of a program share.
    pub lowering: &'b mut Lowering<'p>,
    function: Function,
    place: PlaceId,
    /// What is bound.
    pub bindings: FxHashMap<LocalId, Binding>,
    /// What the numbers count that the author's comparison at hand compares.
    pub unit: Option<Unit>,
    /// How many equal sets the effects at hand are for.
    pub times: Option<Value>,
}

impl<'b, 'p> Builder<'b, 'p> {
    /// An empty function.
    pub fn new(lowering: &'b mut Lowering<'p>, name: &str, place: PlaceId) -> Builder<'b, 'p> {
        let function = Function { name: name.to_owned(), ..Function::default() };
        Builder { lowering, function, place, bindings: FxHashMap::default(), unit: None, times: None }
    }

    /// The function.
    pub fn finish(self) -> Function {
        self.function
    }

    /// Adds an instruction; its value is its index.
    pub fn emit(&mut self, inst: Inst) -> Value {
        let index = u32::try_from(self.function.insts.len()).unwrap_or(u32::MAX);
        self.function.insts.push(inst);
        self.function.places.push(self.place);
        Value(index)
    }

    /// Whether the function is as long as one may be. Defines are written out where they are used, so a few lines can
    /// stand for any number of instructions; what is full is refused in the end.
    pub fn is_full(&self) -> bool {
        self.function.insts.len() > super::MAX_INSTS
    }

    /// An `I64` constant.
    pub fn int(&mut self, constant: i64) -> Value {
        self.emit(Inst::Int(constant))
    }

    /// Replaces an instruction that was reserved.
    pub fn patch(&mut self, at: Value, inst: Inst) {
        if let Some(slot) = self.function.insts.get_mut(at.index()) {
            *slot = inst;
        }
    }

    /// A variable.
    pub fn variable(&mut self, ty: Ty) -> VarId {
        let index = u32::try_from(self.function.variables.len()).unwrap_or(u32::MAX);
        self.function.variables.push(ty);
        VarId(index)
    }

    /// Instructions from here on come from this place; gives the place before, to go back to.
    pub fn at(&mut self, place: PlaceId) -> PlaceId {
        std::mem::replace(&mut self.place, place)
    }

    /// Leaves the innermost region when a condition of the author does not hold.
    pub fn require(&mut self, condition: &Expr, role: Role) {
        let truth = self.truth(condition);
        let place = self.lowering.place(condition.place);
        self.lowering.condition(place, role, None, None);
        let before = self.at(place);
        self.leave_unless(truth, 0);
        self.at(before);
    }

    /// Notes how many parts make one of what the comparison at hand compares, or which bound tells it.
    pub fn measured(&mut self, parts: i128, bound: Option<(i128, i128)>) {
        if let Some(unit) = self.unit.clone() {
            let measure = Measure { unit, parts, bound };
            self.lowering.condition(self.place, Role::Part, None, Some(measure));
        }
    }

    /// Leaves the region `depth` levels out when a truth is not given.
    pub fn leave_unless(&mut self, condition: Value, depth: u32) {
        self.emit(Inst::Break { depth, condition, when: false });
    }

    /// Leaves the region `depth` levels out.
    pub fn leave(&mut self, depth: u32) {
        let condition = self.emit(Inst::Bool(true));
        self.emit(Inst::Break { depth, condition, when: true });
    }
}
