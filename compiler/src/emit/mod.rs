//! Native code from verified functions, against any [`Module`]: each becomes one `extern "C" fn(context) -> status`.
//!
//! Knows the instructions and the layout in [`abi`]; refuses to know who allocates and calls. Emitted code has no
//! traps: what could fail is looked at first and ends the function with a status. Numbers of 128 bits are two words
//! throughout, since Cranelift cannot divide, multiply with a check or choose between whole ones; what two words do
//! not do simply, a helper does.

pub mod abi;
pub mod helpers;
mod single;
mod template;

pub use template::{Parts, Template, rule_of, template};

use crate::ir::{
    AtomId, CalendarPart, ClockPart, Comparison, Element, FaultKind, Function, FunctionId, Inst, Program,
    ReferenceId, Rounding, Rows, SetPick, SetValue, Shape, Ty, Value, Verified, line_slot,
};
use abi::context;
use cranelift_codegen::Context;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::types::{I8, I64};
use cranelift_codegen::ir::{self as clif, AbiParam, Block, FuncRef, InstBuilder, MemFlagsData, Signature};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext, Variable};
use cranelift_module::{FuncId, Linkage, Module};
use helpers::Helper;
use single::Singles;
use std::collections::BTreeMap;

/// Instructions of a function above which it is not worth the compiler's time and memory.
pub const INSTS: usize = 2_000;

/// What became of a function.
#[derive(Clone, Debug)]
pub enum Emitted {
    /// It is in the module.
    Code(Code),
    /// It is not: interpret it. The words are for a log.
    Declined(String),
}

/// A function in a module.
#[derive(Clone, Debug)]
pub struct Code {
    /// Its name there.
    pub id: FuncId,
    /// Selections that it needs.
    pub selections: u32,
    /// Bags that it needs.
    pub bags: u32,
    /// Bundles that it needs.
    pub sets: u32,
    /// It has loops that look at the context's rows alone.
    pub narrowed: bool,
}

/// Emits functions into a module.
pub struct Emitter<'m, M: Module> {
    module: &'m mut M,
    helpers: BTreeMap<Helper, FuncId>,
    entry: Signature,
    context: Context,
    builder: FunctionBuilderContext,
}

impl<'m, M: Module> Emitter<'m, M> {
    /// Declares the helpers in the module.
    ///
    /// # Errors
    /// What the module says, or that the machine's words are not of 64 bits.
    pub fn new(module: &'m mut M) -> Result<Emitter<'m, M>, String> {
        if module.target_config().pointer_type() != I64 {
            return Err("pointers are not of 64 bits".to_owned());
        }
        let mut entry = module.make_signature();
        entry.params.push(AbiParam::new(I64));
        entry.returns.push(AbiParam::new(I64));
        let mut helpers = BTreeMap::new();
        for helper in Helper::ALL {
            let mut signature = entry.clone();
            signature.params.extend(std::iter::repeat_n(AbiParam::new(I64), helper.words()));
            let id = module
                .declare_function(helper.symbol(), Linkage::Import, &signature)
                .map_err(|error| error.to_string())?;
            helpers.insert(*helper, id);
        }
        let context = module.make_context();
        Ok(Emitter { module, helpers, entry, context, builder: FunctionBuilderContext::new() })
    }

    /// Emits the code of a template of this program.
    pub fn template(&mut self, program: &Verified, template: &Template) -> Emitted {
        if template.insts.len() > INSTS {
            return Emitted::Declined(format!("{} instructions are too many", template.insts.len()));
        }
        match self.emit(program, template) {
            Ok(code) => Emitted::Code(code),
            Err(words) => {
                // What a failed function left there is not for the next one.
                self.builder = FunctionBuilderContext::new();
                self.context = self.module.make_context();
                Emitted::Declined(words)
            }
        }
    }

    fn emit(&mut self, program: &Program, template: &Template) -> Result<Code, String> {
        let Template { variables, insts, narrowed } = template.clone();
        let function = Function { name: String::new(), variables, insts, places: Vec::new() };
        let shape = Shape::of(&function);
        self.module.clear_context(&mut self.context);
        self.context.func.signature = self.entry.clone();
        let id = self.module.declare_anonymous_function(&self.entry).map_err(|error| error.to_string())?;
        let config = self.module.target_config();
        let mut builder = FunctionBuilder::new(&mut self.context.func, &mut self.builder);
        let start = builder.create_block();
        builder.append_block_params_for_function_params(start);
        builder.switch_to_block(start);
        let context = *builder.block_params(start).first().ok_or("no context")?;
        let fault = builder.create_block();
        builder.append_block_param(fault, I64);
        builder.set_cold_block(fault);
        let mut lowering = Lowering {
            module: &mut *self.module,
            helpers: &self.helpers,
            program,
            shape: &shape,
            narrowed: &narrowed,
            builder,
            context,
            fault,
            called: BTreeMap::new(),
            constants: 0,
            singles: Singles::of(&function.insts),
            values: Vec::with_capacity(function.insts.len()),
            variables: Vec::new(),
            frames: Vec::new(),
            at: 0,
        };
        lowering.function(&function)?;
        let mut builder = lowering.builder;
        builder.seal_all_blocks();
        builder.finalize(config);
        self.module.define_function(id, &mut self.context).map_err(|error| error.to_string())?;
        let (selections, bags, sets) = (shape.selections, shape.bags, shape.sets);
        Ok(Code { id, selections, bags, sets, narrowed: !narrowed.is_empty() })
    }
}

/// What a line must satisfy for the rule of a function to propose something.
fn line_atoms(program: &Program, function: FunctionId) -> &[AtomId] {
    rule_of(program, function).map_or(&[], |rule| &rule.line_atoms)
}

/// An instruction's value in emitted code.
#[derive(Clone, Copy)]
enum Lowered {
    /// It makes none.
    Nothing,
    /// An `I64`, or a `Bool` in eight bits.
    Word(clif::Value),
    /// An `I128`.
    Wide(Wide),
    /// A loop's row, and the address of its slots.
    Row(clif::Value, clif::Value),
    /// A selection or a bag, by its number.
    Buffer(i64),
    /// A line that is selected, and how many pieces of it.
    Single(clif::Value, clif::Value),
}

/// A 128-bit number.
#[derive(Clone, Copy)]
struct Wide {
    low: clif::Value,
    high: clif::Value,
    /// Known to fit 64 bits.
    small: bool,
}

#[derive(Clone, Copy)]
enum Place {
    Word(Variable),
    Wide(Variable, Variable),
}

/// An open region.
struct Frame {
    /// Behind it.
    exit: Block,
    /// Where a loop goes on with the row after this one.
    next: Option<Block>,
}

/// One function being emitted.
struct Lowering<'e, M: Module> {
    module: &'e mut M,
    helpers: &'e BTreeMap<Helper, FuncId>,
    program: &'e Program,
    shape: &'e Shape,
    /// Where the loops open that look at the context's rows alone.
    narrowed: &'e [u32],
    builder: FunctionBuilder<'e>,
    context: clif::Value,
    /// Ends the function with the status that it is given.
    fault: Block,
    called: BTreeMap<Helper, FuncRef>,
    /// Constants that were read from the context.
    constants: i32,
    /// Selections of one line.
    singles: Singles,
    values: Vec<Lowered>,
    variables: Vec<Place>,
    frames: Vec<Frame>,
    /// The instruction being emitted.
    at: u32,
}

/// Says that the function is not what the verifier let pass.
const ILL: &str = "the function is ill-formed";

type Result<T, E = String> = std::result::Result<T, E>;

/// For what does not change while the function runs and may be read whenever.
fn fixed() -> MemFlagsData {
    MemFlagsData::trusted().with_readonly().with_can_move()
}

/// For slots of rows: they do not change, but a row must be there to be read.
fn row_slot() -> MemFlagsData {
    MemFlagsData::trusted().with_readonly()
}

fn changing() -> MemFlagsData {
    MemFlagsData::trusted()
}

impl<M: Module> Lowering<'_, M> {
    fn function(&mut self, function: &Function) -> Result<()> {
        let zero = self.int(0);
        for ty in &function.variables {
            let place = match ty {
                Ty::I64 | Ty::Bool => {
                    let ty = if *ty == Ty::Bool { I8 } else { I64 };
                    let variable = self.builder.declare_var(ty);
                    let zero = self.builder.ins().iconst(ty, 0);
                    self.builder.def_var(variable, zero);
                    Place::Word(variable)
                }
                Ty::I128 => {
                    let (low, high) = (self.builder.declare_var(I64), self.builder.declare_var(I64));
                    self.builder.def_var(low, zero);
                    self.builder.def_var(high, zero);
                    Place::Wide(low, high)
                }
                Ty::Selection | Ty::Bag | Ty::Sets => return Err(ILL.to_owned()),
            };
            self.variables.push(place);
        }
        for (at, inst) in (0u32..).zip(&function.insts) {
            self.at = at;
            let lowered = self.inst(inst)?;
            self.values.push(lowered);
        }
        let done = self.int(abi::DONE);
        self.builder.ins().return_(&[done]);
        self.builder.switch_to_block(self.fault);
        let status = *self.builder.block_params(self.fault).first().ok_or(ILL)?;
        self.builder.ins().return_(&[status]);
        Ok(())
    }

    fn inst(&mut self, inst: &Inst) -> Result<Lowered> {
        let wide_operands = |a: &Value| self.shape.ty(*a) == Some(Ty::I128);
        Ok(match inst {
            Inst::Int(template::TAKEN_OUT) => Lowered::Word(self.constant()?),
            Inst::Int(word) => Lowered::Word(self.int(*word)),
            Inst::Wide(wide) if *wide == i128::from(template::TAKEN_OUT) => {
                let word = self.constant()?;
                Lowered::Wide(self.widen(word))
            }
            Inst::Wide(wide) => Lowered::Wide(self.wide_constant(*wide)),
            Inst::Bool(truth) => Lowered::Word(self.builder.ins().iconst(I8, i64::from(*truth))),

            Inst::LoadEvent(slot) => {
                let event = self.field(context::EVENT);
                Lowered::Word(self.load(fixed(), event, slot.0)?)
            }
            Inst::LoadParam(param) => {
                let params = self.field(context::PARAMS);
                Lowered::Word(self.load(fixed(), params, param.0)?)
            }
            Inst::LoadLine(slot, row) | Inst::LoadPayment(slot, row) | Inst::LoadTable(_, slot, row) => {
                let (_, address) = self.row(*row)?;
                Lowered::Word(self.load(row_slot(), address, slot.0)?)
            }

            Inst::Known(a) => {
                let a = self.word(*a)?;
                Lowered::Word(self.builder.ins().icmp_imm_s(IntCC::NotEqual, a, crate::ir::MISSING))
            }
            Inst::Truth(a) => {
                let a = self.word(*a)?;
                Lowered::Word(self.builder.ins().icmp_imm_s(IntCC::Equal, a, 1))
            }

            Inst::Add(a, b) if wide_operands(a) => {
                let (a, b) = (self.wide(*a)?, self.wide(*b)?);
                Lowered::Wide(self.add_wide(a, b)?)
            }
            Inst::Sub(a, b) if wide_operands(a) => {
                let (a, b) = (self.wide(*a)?, self.wide(*b)?);
                Lowered::Wide(self.sub_wide(a, b)?)
            }
            Inst::Mul(a, b) if wide_operands(a) => {
                let (a, b) = (self.wide(*a)?, self.wide(*b)?);
                Lowered::Wide(self.mul_wide(a, b)?)
            }
            Inst::Negate(a) if wide_operands(a) => {
                let a = self.wide(*a)?;
                let zero = self.int(0);
                let zero = Wide { low: zero, high: zero, small: true };
                Lowered::Wide(self.sub_wide(zero, a)?)
            }
            Inst::Modulo(a, b) if wide_operands(a) => {
                let (a, b) = (self.wide(*a)?, self.wide(*b)?);
                Lowered::Wide(self.divide(a, b, Quotient::Modulo)?)
            }
            Inst::Compare(comparison, a, b) if wide_operands(a) => {
                let (a, b) = (self.wide(*a)?, self.wide(*b)?);
                Lowered::Word(self.compare_wide(*comparison, a, b))
            }
            Inst::Choose(condition, a, b) if wide_operands(a) => {
                let condition = self.word(*condition)?;
                let (a, b) = (self.wide(*a)?, self.wide(*b)?);
                Lowered::Wide(Wide {
                    low: self.builder.ins().select(condition, a.low, b.low),
                    high: self.builder.ins().select(condition, a.high, b.high),
                    small: a.small && b.small,
                })
            }

            Inst::Add(a, b) => {
                let (a, b) = (self.word(*a)?, self.word(*b)?);
                let (word, over) = self.builder.ins().sadd_overflow(a, b);
                self.fault_if(over, FaultKind::Overflow);
                Lowered::Word(word)
            }
            Inst::Sub(a, b) => {
                let (a, b) = (self.word(*a)?, self.word(*b)?);
                let (word, over) = self.builder.ins().ssub_overflow(a, b);
                self.fault_if(over, FaultKind::Overflow);
                Lowered::Word(word)
            }
            Inst::Mul(a, b) => {
                let (a, b) = (self.word(*a)?, self.word(*b)?);
                let (word, over) = self.builder.ins().smul_overflow(a, b);
                self.fault_if(over, FaultKind::Overflow);
                Lowered::Word(word)
            }
            Inst::Negate(a) => {
                let a = self.word(*a)?;
                let least = self.builder.ins().icmp_imm_s(IntCC::Equal, a, i64::MIN);
                self.fault_if(least, FaultKind::Overflow);
                Lowered::Word(self.builder.ins().ineg(a))
            }
            Inst::Modulo(a, b) => {
                let (a, b) = (self.word(*a)?, self.word(*b)?);
                Lowered::Word(self.modulo_word(a, b)?)
            }
            Inst::Compare(comparison, a, b) => {
                let (a, b) = (self.word(*a)?, self.word(*b)?);
                Lowered::Word(self.builder.ins().icmp(condition(*comparison), a, b))
            }
            Inst::Choose(condition, a, b) => {
                let (condition, a, b) = (self.word(*condition)?, self.word(*a)?, self.word(*b)?);
                Lowered::Word(self.builder.ins().select(condition, a, b))
            }

            Inst::MulWide(a, b) => {
                let (a, b) = (self.word(*a)?, self.word(*b)?);
                let (low, high) = (self.builder.ins().imul(a, b), self.builder.ins().smulhi(a, b));
                Lowered::Wide(Wide { low, high, small: false })
            }
            Inst::Widen(a) => {
                let a = self.word(*a)?;
                Lowered::Wide(self.widen(a))
            }
            Inst::Narrow(a) => {
                let a = self.wide(*a)?;
                if !a.small {
                    let sign = self.builder.ins().sshr_imm_s(a.low, 63);
                    let too_large = self.builder.ins().icmp(IntCC::NotEqual, a.high, sign);
                    self.fault_if(too_large, FaultKind::OutOfRange);
                }
                Lowered::Word(a.low)
            }
            Inst::Divide(a, b, rounding) => {
                let (a, b) = (self.wide(*a)?, self.wide(*b)?);
                Lowered::Wide(self.divide(a, b, Quotient::Rounded(*rounding))?)
            }
            Inst::Floor(a, b) => {
                let (a, b) = (self.wide(*a)?, self.wide(*b)?);
                Lowered::Wide(self.divide(a, b, Quotient::Floor)?)
            }

            Inst::And(a, b) => {
                let (a, b) = (self.word(*a)?, self.word(*b)?);
                Lowered::Word(self.builder.ins().band(a, b))
            }
            Inst::Or(a, b) => {
                let (a, b) = (self.word(*a)?, self.word(*b)?);
                Lowered::Word(self.builder.ins().bor(a, b))
            }
            Inst::Not(a) => {
                let a = self.word(*a)?;
                Lowered::Word(self.builder.ins().icmp_imm_s(IntCC::Equal, a, 0))
            }

            Inst::AddMonths(day, months) => {
                let (day, months) = (self.word(*day)?, self.word(*months)?);
                self.call(Helper::AddMonths, &[day, months])?;
                Lowered::Word(self.result(context::LOW))
            }
            Inst::Calendar(part, day) => {
                let (part, day) = (self.int(part_word(*part)), self.word(*day)?);
                self.call(Helper::Calendar, &[part, day])?;
                Lowered::Word(self.result(context::LOW))
            }
            Inst::InstantOf(day, second) => {
                let (day, second) = (self.word(*day)?, self.word(*second)?);
                self.call(Helper::InstantOf, &[day, second])?;
                Lowered::Word(self.result(context::LOW))
            }
            Inst::Clock(part, instant) => {
                let instant = self.word(*instant)?;
                let helper = match part {
                    ClockPart::Day => Helper::ClockDay,
                    ClockPart::Second => Helper::ClockSecond,
                };
                self.call(helper, &[instant])?;
                Lowered::Word(self.result(context::LOW))
            }

            Inst::InReference(symbol, reference) => {
                let symbol = self.word(*symbol)?;
                Lowered::Word(self.in_reference(symbol, *reference)?)
            }
            Inst::SetHas(set, _) => {
                let (set, reference) = (self.word(*set)?, self.constant()?);
                self.call(Helper::SetHas, &[set, reference])?;
                Lowered::Word(self.truth_result())
            }
            Inst::SetContains(set, symbol) => {
                let (set, symbol) = (self.word(*set)?, self.word(*symbol)?);
                self.call(Helper::SetContains, &[set, symbol])?;
                Lowered::Word(self.truth_result())
            }

            Inst::Block => {
                let exit = self.builder.create_block();
                self.frames.push(Frame { exit, next: None });
                Lowered::Nothing
            }
            Inst::Loop(rows) => self.enter_loop(*rows)?,
            Inst::End => {
                let frame = self.frames.pop().ok_or(ILL)?;
                self.builder.ins().jump(frame.next.unwrap_or(frame.exit), &[]);
                self.builder.switch_to_block(frame.exit);
                Lowered::Nothing
            }
            Inst::Break { depth, condition, when } => {
                let condition = self.word(*condition)?;
                let depth = usize::try_from(*depth).map_err(|_| ILL)?;
                let exit = self.frames.iter().rev().nth(depth).ok_or(ILL)?.exit;
                let stay = self.builder.create_block();
                let (then, otherwise) = if *when { (exit, stay) } else { (stay, exit) };
                self.builder.ins().brif(condition, then, &[], otherwise, &[]);
                self.builder.switch_to_block(stay);
                Lowered::Nothing
            }

            Inst::Get(variable) => match self.variables.get(variable.index()).ok_or(ILL)? {
                Place::Word(variable) => Lowered::Word(self.builder.use_var(*variable)),
                Place::Wide(low, high) => Lowered::Wide(Wide {
                    low: self.builder.use_var(*low),
                    high: self.builder.use_var(*high),
                    small: false,
                }),
            },
            Inst::Set(variable, a) => {
                match *self.variables.get(variable.index()).ok_or(ILL)? {
                    Place::Word(variable) => {
                        let a = self.word(*a)?;
                        self.builder.def_var(variable, a);
                    }
                    Place::Wide(low, high) => {
                        let a = self.wide(*a)?;
                        self.builder.def_var(low, a.low);
                        self.builder.def_var(high, a.high);
                    }
                }
                Lowered::Nothing
            }

            Inst::NewSelection if self.singles.selected(Value(self.at)).is_some() => {
                let count = self.field(context::LINE_COUNT);
                let fuel = self.result(context::FUEL);
                let empty = self.builder.ins().icmp(IntCC::SignedLessThan, fuel, count);
                self.fault_if(empty, FaultKind::OutOfFuel);
                let fuel = self.builder.ins().isub(fuel, count);
                self.builder.ins().store(changing(), fuel, self.context, context::FUEL);
                Lowered::Nothing
            }
            Inst::NewSelection => {
                let (number, buffer) = self.made();
                self.call(Helper::NewSelection, &[buffer])?;
                number
            }
            Inst::Select { selection, row, count } => {
                let count = self.word(*count)?;
                let (row, slots) = self.row(*row)?;
                let pieces = self.load(row_slot(), slots, line_slot::PIECES.0)?;
                let zero = self.int(0);
                let pieces = self.builder.ins().smax(pieces, zero);
                let count = self.builder.ins().smax(count, zero);
                let count = self.builder.ins().smin(count, pieces);
                if self.singles.selected(*selection).is_some() {
                    return Ok(Lowered::Single(row, count));
                }
                let address = self.selected(*selection, row)?;
                self.builder.ins().store(changing(), count, address, 0);
                Lowered::Nothing
            }
            Inst::Selected(selection, row) => {
                let (row, _) = self.row(*row)?;
                let address = self.selected(*selection, row)?;
                Lowered::Word(self.builder.ins().load(I64, changing(), address, 0))
            }
            Inst::PickExtreme { selection, count, cheapest, element } => {
                let (number, buffer) = self.made();
                let (selection, count) = (self.buffer(*selection)?, self.word(*count)?);
                let flags = self.flags(*element, *cheapest);
                self.call(Helper::PickExtreme, &[selection, buffer, count, flags])?;
                number
            }
            Inst::PickInEvery { selection, count, every, cheapest, element } => {
                let (number, buffer) = self.made();
                let (selection, count) = (self.buffer(*selection)?, self.word(*count)?);
                let (every, flags) = (self.int(i64::from(*every)), self.flags(*element, *cheapest));
                self.call(Helper::PickInEvery, &[selection, buffer, count, every, flags])?;
                number
            }
            Inst::PickEveryNth { selection, nth, key, descending, element } => {
                let (number, buffer) = self.made();
                let selection = self.buffer(*selection)?;
                let (nth, key) = (self.int(i64::from(*nth)), self.int(i64::from(key.0)));
                let flags = self.flags(*element, *descending);
                self.call(Helper::PickEveryNth, &[selection, buffer, nth, key, flags])?;
                number
            }

            Inst::NewBag => {
                let (number, buffer) = self.made();
                self.call(Helper::NewBag, &[buffer])?;
                number
            }
            Inst::Put(bag, number) => {
                let (bag, number) = (self.buffer(*bag)?, self.word(*number)?);
                self.call(Helper::Put, &[bag, number])?;
                Lowered::Nothing
            }
            Inst::Distinct(bag) => {
                let bag = self.buffer(*bag)?;
                self.call(Helper::Distinct, &[bag])?;
                Lowered::Word(self.result(context::LOW))
            }

            Inst::NewSets => {
                let (number, buffer) = self.made();
                self.call(Helper::NewSets, &[buffer])?;
                number
            }
            Inst::SetPart { sets, selection, count } => {
                let (sets, selection) = (self.buffer(*sets)?, self.buffer(*selection)?);
                let count = self.word(*count)?;
                self.call(Helper::SetPart, &[sets, selection, count])?;
                Lowered::Nothing
            }
            Inst::SetTerm { sets, part, pick, count, value, num, den } => {
                let (sets, count) = (self.buffer(*sets)?, self.word(*count)?);
                let (num, den) = (self.wide(*num)?, self.wide(*den)?);
                let part = self.int(part.map_or(-1, i64::from));
                let flags = self.int(term_code(*pick, *value));
                let words = [sets, part, flags, count, num.low, num.high, den.low, den.high];
                self.call(Helper::SetTerm, &words)?;
                Lowered::Nothing
            }
            Inst::ChooseSets { sets, most, member, key } => {
                let (sets, most) = (self.buffer(*sets)?, self.word(*most)?);
                let (member, key) = (self.int(i64::from(*member)), self.int(i64::from(key.0)));
                self.call(Helper::ChooseSets, &[sets, most, member, key])?;
                Lowered::Word(self.result(context::LOW))
            }
            Inst::SetTimes(sets, list) => {
                let (sets, list) = (self.buffer(*sets)?, self.word(*list)?);
                self.call(Helper::SetTimes, &[sets, list])?;
                Lowered::Word(self.result(context::LOW))
            }
            Inst::SetUnits { sets, list, part } => {
                let (number, buffer) = self.made();
                let (sets, list) = (self.buffer(*sets)?, self.word(*list)?);
                let part = self.int(part.map_or(-1, i64::from));
                self.call(Helper::SetUnits, &[sets, list, part, buffer])?;
                number
            }

            Inst::Derive(a) => {
                let word = self.word(*a)?;
                self.call(Helper::Derive, &[word])?;
                Lowered::Nothing
            }
            Inst::Award { site: _, num, den, row } => {
                let (num, den) = (self.wide(*num)?, self.wide(*den)?);
                let site = self.constant()?;
                let row = match row {
                    Some(row) => self.row(*row)?.0,
                    None => self.int(-1),
                };
                self.call(Helper::Award, &[site, num.low, num.high, den.low, den.high, row])?;
                Lowered::Nothing
            }
            Inst::Discount { site: _, selection, num, den } => {
                let (num, den) = (self.wide(*num)?, self.wide(*den)?);
                if let Some(selected) = self.singles.selected(*selection) {
                    let Lowered::Single(row, count) = self.value(selected)? else {
                        return Err(ILL.to_owned());
                    };
                    let site = self.constant()?;
                    let words = [site, row, count, num.low, num.high, den.low, den.high];
                    self.call(Helper::DiscountLine, &words)?;
                    return Ok(Lowered::Nothing);
                }
                let (site, selection) = (self.constant()?, self.buffer(*selection)?);
                self.call(Helper::Discount, &[site, selection, num.low, num.high, den.low, den.high])?;
                Lowered::Nothing
            }
        })
    }

    fn int(&mut self, word: i64) -> clif::Value {
        self.builder.ins().iconst(I64, word)
    }

    /// The next constant that was taken out of the template.
    fn constant(&mut self) -> Result<clif::Value> {
        let offset = self.constants.checked_mul(8).ok_or("there are too many constants")?;
        self.constants = self.constants.checked_add(1).ok_or("there are too many constants")?;
        let constants = self.field(context::CONSTANTS);
        Ok(self.builder.ins().load(I64, fixed(), constants, offset))
    }

    fn wide_constant(&mut self, wide: i128) -> Wide {
        let (low, high) = halves(wide);
        Wide { low: self.int(low), high: self.int(high), small: i64::try_from(wide).is_ok() }
    }

    fn value(&self, value: Value) -> Result<Lowered> {
        self.values.get(value.index()).copied().ok_or_else(|| ILL.to_owned())
    }

    fn word(&self, value: Value) -> Result<clif::Value> {
        match self.value(value)? {
            Lowered::Word(word) | Lowered::Row(word, _) => Ok(word),
            Lowered::Nothing | Lowered::Wide(_) | Lowered::Buffer(_) | Lowered::Single(..) => {
                Err(ILL.to_owned())
            }
        }
    }

    fn wide(&self, value: Value) -> Result<Wide> {
        match self.value(value)? {
            Lowered::Wide(wide) => Ok(wide),
            Lowered::Nothing
            | Lowered::Word(_)
            | Lowered::Row(..)
            | Lowered::Buffer(_)
            | Lowered::Single(..) => Err(ILL.to_owned()),
        }
    }

    /// A row's number and the address of its slots.
    fn row(&self, value: Value) -> Result<(clif::Value, clif::Value)> {
        match self.value(value)? {
            Lowered::Row(row, slots) => Ok((row, slots)),
            Lowered::Nothing
            | Lowered::Word(_)
            | Lowered::Wide(_)
            | Lowered::Buffer(_)
            | Lowered::Single(..) => Err(ILL.to_owned()),
        }
    }

    fn buffer(&mut self, value: Value) -> Result<clif::Value> {
        match self.value(value)? {
            Lowered::Buffer(number) => Ok(self.int(number)),
            Lowered::Nothing
            | Lowered::Word(_)
            | Lowered::Wide(_)
            | Lowered::Row(..)
            | Lowered::Single(..) => Err(ILL.to_owned()),
        }
    }

    /// The buffer that this instruction makes.
    fn made(&mut self) -> (Lowered, clif::Value) {
        let number = self.shape.links.get(self.at as usize).map_or(0, |number| i64::from(*number));
        (Lowered::Buffer(number), self.int(number))
    }

    /// A field of the context that does not change while the function runs.
    fn field(&mut self, offset: i32) -> clif::Value {
        self.builder.ins().load(I64, fixed(), self.context, offset)
    }

    /// A field that a helper filled.
    fn result(&mut self, offset: i32) -> clif::Value {
        self.builder.ins().load(I64, changing(), self.context, offset)
    }

    fn truth_result(&mut self) -> clif::Value {
        let word = self.result(context::LOW);
        self.builder.ins().icmp_imm_s(IntCC::NotEqual, word, 0)
    }

    fn wide_result(&mut self) -> Wide {
        Wide { low: self.result(context::LOW), high: self.result(context::HIGH), small: false }
    }

    fn load(&mut self, flags: MemFlagsData, base: clif::Value, slot: u32) -> Result<clif::Value> {
        let offset = i32::try_from(i64::from(slot) * 8).map_err(|_| "a slot is too far off")?;
        Ok(self.builder.ins().load(I64, flags, base, offset))
    }

    fn flags(&mut self, element: Element, turned: bool) -> clif::Value {
        let lines = match element {
            Element::Unit => 0,
            Element::Line => helpers::WHOLE_LINES,
        };
        self.int(lines | if turned { helpers::TURNED } else { 0 })
    }

    /// The address of a row's count in a selection.
    fn selected(&mut self, selection: Value, row: clif::Value) -> Result<clif::Value> {
        let Lowered::Buffer(number) = self.value(selection)? else { return Err(ILL.to_owned()) };
        let selections = self.field(context::SELECTIONS);
        let count = self.field(context::LINE_COUNT);
        let before = self.builder.ins().imul_imm_s(count, number);
        let index = self.builder.ins().iadd(before, row);
        let bytes = self.builder.ins().ishl_imm_s(index, 3);
        Ok(self.builder.ins().iadd(selections, bytes))
    }

    /// Ends the function with this fault where the condition holds.
    fn fault_if(&mut self, condition: clif::Value, kind: FaultKind) {
        let status = self.int(abi::kind_code(kind) | abi::inst_code(self.at));
        self.leave_if(condition, status);
    }

    fn leave_if(&mut self, condition: clif::Value, status: clif::Value) {
        let next = self.builder.create_block();
        self.builder.ins().brif(condition, self.fault, &[status.into()], next, &[]);
        self.builder.switch_to_block(next);
    }

    /// Calls a helper, and ends the function where it faults.
    fn call(&mut self, helper: Helper, words: &[clif::Value]) -> Result<()> {
        let target = match self.called.get(&helper) {
            Some(target) => *target,
            None => {
                let id = *self.helpers.get(&helper).ok_or(ILL)?;
                let target = self.module.declare_func_in_func(id, self.builder.func);
                self.called.insert(helper, target);
                target
            }
        };
        let mut arguments = Vec::with_capacity(words.len() + 1);
        arguments.push(self.context);
        arguments.extend_from_slice(words);
        let call = self.builder.ins().call(target, &arguments);
        let code = *self.builder.inst_results(call).first().ok_or(ILL)?;
        let status = self.builder.ins().bor_imm_s(code, abi::inst_code(self.at));
        self.leave_if(code, status);
        Ok(())
    }

    /// Whether a 128-bit number fits 64 bits.
    fn fits(&mut self, wide: Wide) -> Option<clif::Value> {
        if wide.small {
            return None;
        }
        let sign = self.builder.ins().sshr_imm_s(wide.low, 63);
        Some(self.builder.ins().icmp(IntCC::Equal, wide.high, sign))
    }

    fn widen(&mut self, word: clif::Value) -> Wide {
        Wide { low: word, high: self.builder.ins().sshr_imm_s(word, 63), small: true }
    }

    fn add_wide(&mut self, a: Wide, b: Wide) -> Result<Wide> {
        let ins = &mut self.builder;
        let low = ins.ins().iadd(a.low, b.low);
        let carry = ins.ins().icmp(IntCC::UnsignedLessThan, low, a.low);
        let carry = ins.ins().uextend(I64, carry);
        let high = ins.ins().iadd(a.high, b.high);
        let high = ins.ins().iadd(high, carry);
        // Over where both have one sign and the sum has the other; two small ones cannot.
        if !(a.small && b.small) {
            let (x, y) = (ins.ins().bxor(a.high, high), ins.ins().bxor(b.high, high));
            let both = ins.ins().band(x, y);
            let over = ins.ins().icmp_imm_s(IntCC::SignedLessThan, both, 0);
            self.fault_if(over, FaultKind::Overflow);
        }
        Ok(Wide { low, high, small: false })
    }

    fn sub_wide(&mut self, a: Wide, b: Wide) -> Result<Wide> {
        let ins = &mut self.builder;
        let low = ins.ins().isub(a.low, b.low);
        let borrow = ins.ins().icmp(IntCC::UnsignedLessThan, a.low, b.low);
        let borrow = ins.ins().uextend(I64, borrow);
        let high = ins.ins().isub(a.high, b.high);
        let high = ins.ins().isub(high, borrow);
        // Over where the signs differ and the difference has not the first one's.
        if !(a.small && b.small) {
            let (x, y) = (ins.ins().bxor(a.high, b.high), ins.ins().bxor(a.high, high));
            let both = ins.ins().band(x, y);
            let over = ins.ins().icmp_imm_s(IntCC::SignedLessThan, both, 0);
            self.fault_if(over, FaultKind::Overflow);
        }
        Ok(Wide { low, high, small: false })
    }

    fn mul_wide(&mut self, a: Wide, b: Wide) -> Result<Wide> {
        let fits = self.both_fit(a, b);
        self.either(
            fits,
            |this| {
                let (low, high) =
                    (this.builder.ins().imul(a.low, b.low), this.builder.ins().smulhi(a.low, b.low));
                Ok((low, high))
            },
            |this| {
                this.call(Helper::Multiply, &[a.low, a.high, b.low, b.high])?;
                let wide = this.wide_result();
                Ok((wide.low, wide.high))
            },
        )
    }

    /// Whether both fit 64 bits; `None` where that is known.
    fn both_fit(&mut self, a: Wide, b: Wide) -> Option<clif::Value> {
        match (self.fits(a), self.fits(b)) {
            (Some(a), Some(b)) => Some(self.builder.ins().band(a, b)),
            (one, other) => one.or(other),
        }
    }

    /// The quick way where the condition holds, else the other way.
    fn either(
        &mut self,
        condition: Option<clif::Value>,
        quick: impl FnOnce(&mut Self) -> Result<(clif::Value, clif::Value)>,
        slow: impl FnOnce(&mut Self) -> Result<(clif::Value, clif::Value)>,
    ) -> Result<Wide> {
        let Some(condition) = condition else {
            let (low, high) = quick(self)?;
            return Ok(Wide { low, high, small: false });
        };
        let (first, second, done) =
            (self.builder.create_block(), self.builder.create_block(), self.builder.create_block());
        let low = self.builder.append_block_param(done, I64);
        let high = self.builder.append_block_param(done, I64);
        self.builder.set_cold_block(second);
        self.builder.ins().brif(condition, first, &[], second, &[]);
        self.builder.switch_to_block(first);
        let words = quick(self)?;
        self.builder.ins().jump(done, &[words.0.into(), words.1.into()]);
        self.builder.switch_to_block(second);
        let words = slow(self)?;
        self.builder.ins().jump(done, &[words.0.into(), words.1.into()]);
        self.builder.switch_to_block(done);
        Ok(Wide { low, high, small: false })
    }

    /// Divides inline where both numbers fit 64 bits and the divisor is above zero, so that nothing can go wrong.
    fn divide(&mut self, a: Wide, b: Wide, quotient: Quotient) -> Result<Wide> {
        let positive = self.builder.ins().icmp_imm_s(IntCC::SignedGreaterThan, b.low, 0);
        let quick = match self.both_fit(a, b) {
            Some(fits) => self.builder.ins().band(fits, positive),
            None => positive,
        };
        self.either(
            Some(quick),
            |this| {
                let word = this.quotient(a.low, b.low, quotient);
                Ok((word, this.builder.ins().sshr_imm_s(word, 63)))
            },
            |this| {
                let mut words = vec![a.low, a.high, b.low, b.high];
                let helper = match quotient {
                    Quotient::Rounded(rounding) => {
                        words.push(this.int(rounding_code(rounding)));
                        Helper::Divide
                    }
                    Quotient::Floor => Helper::Floor,
                    Quotient::Modulo => Helper::Modulo,
                };
                this.call(helper, &words)?;
                let wide = this.wide_result();
                Ok((wide.low, wide.high))
            },
        )
    }

    /// Of 64-bit numbers, the second above zero.
    fn quotient(&mut self, a: clif::Value, b: clif::Value, quotient: Quotient) -> clif::Value {
        let toward_zero = self.builder.ins().sdiv(a, b);
        let product = self.builder.ins().imul(toward_zero, b);
        let rest = self.builder.ins().isub(a, product);
        let ins = &mut self.builder;
        match quotient {
            Quotient::Floor => {
                // -1 where there is a rest below zero.
                let step = ins.ins().sshr_imm_s(rest, 63);
                ins.ins().iadd(toward_zero, step)
            }
            Quotient::Modulo => {
                let sign = ins.ins().sshr_imm_s(rest, 63);
                let step = ins.ins().band(sign, b);
                ins.ins().iadd(rest, step)
            }
            Quotient::Rounded(rounding) => {
                let size = ins.ins().iabs(rest);
                // Below 2^64, as an unsigned number.
                let twice = ins.ins().ishl_imm_s(size, 1);
                let away = match rounding {
                    Rounding::HalfUp => ins.ins().icmp(IntCC::UnsignedGreaterThanOrEqual, twice, b),
                    Rounding::HalfDown => ins.ins().icmp(IntCC::UnsignedGreaterThan, twice, b),
                    Rounding::HalfEven => {
                        let more = ins.ins().icmp(IntCC::UnsignedGreaterThan, twice, b);
                        let half = ins.ins().icmp(IntCC::Equal, twice, b);
                        let odd = ins.ins().band_imm_s(toward_zero, 1);
                        let odd = ins.ins().icmp_imm_s(IntCC::NotEqual, odd, 0);
                        let up = ins.ins().band(half, odd);
                        ins.ins().bor(more, up)
                    }
                    Rounding::Down => return toward_zero,
                    Rounding::Up => ins.ins().icmp_imm_s(IntCC::NotEqual, rest, 0),
                };
                // 1 or -1, by the sign of the first.
                let sign = ins.ins().sshr_imm_s(a, 63);
                let step = ins.ins().bor_imm_s(sign, 1);
                let zero = ins.ins().iconst(I64, 0);
                let step = ins.ins().select(away, step, zero);
                ins.ins().iadd(toward_zero, step)
            }
        }
    }

    fn modulo_word(&mut self, a: clif::Value, b: clif::Value) -> Result<clif::Value> {
        let positive = self.builder.ins().icmp_imm_s(IntCC::SignedGreaterThan, b, 0);
        let wide = self.either(
            Some(positive),
            |this| {
                let word = this.quotient(a, b, Quotient::Modulo);
                Ok((word, word))
            },
            |this| {
                this.call(Helper::ModuloWord, &[a, b])?;
                let word = this.result(context::LOW);
                Ok((word, word))
            },
        )?;
        Ok(wide.low)
    }

    fn compare_wide(&mut self, comparison: Comparison, a: Wide, b: Wide) -> clif::Value {
        let ins = &mut self.builder;
        match comparison {
            Comparison::Equal | Comparison::NotEqual => {
                let (low, high) = (ins.ins().bxor(a.low, b.low), ins.ins().bxor(a.high, b.high));
                let differ = ins.ins().bor(low, high);
                ins.ins().icmp_imm_s(condition(comparison), differ, 0)
            }
            Comparison::Less | Comparison::LessOrEqual | Comparison::Greater | Comparison::GreaterOrEqual => {
                let low = ins.ins().icmp(condition(comparison).unsigned(), a.low, b.low);
                let high = ins.ins().icmp(condition(comparison), a.high, b.high);
                let same = ins.ins().icmp(IntCC::Equal, a.high, b.high);
                ins.ins().select(same, low, high)
            }
        }
    }

    /// A bit test. Past the last word it reads the first instead, of which there always is one.
    fn in_reference(&mut self, symbol: clif::Value, reference: ReferenceId) -> Result<clif::Value> {
        // A template numbers its references as its table has them.
        let offset = i32::try_from(reference.0).ok().and_then(|at| at.checked_mul(abi::REFERENCE_SIZE));
        let offset = offset.ok_or("there are too many references")?;
        let table = self.field(context::REFERENCES);
        let ins = &mut self.builder;
        let words = ins.ins().load(I64, fixed(), table, offset);
        let count = ins.ins().load(I64, fixed(), table, offset + 8);
        // A number below zero is very large here.
        let index = ins.ins().ushr_imm_s(symbol, 6);
        let inside = ins.ins().icmp(IntCC::UnsignedLessThan, index, count);
        let zero = ins.ins().iconst(I64, 0);
        let index = ins.ins().select(inside, index, zero);
        let bytes = ins.ins().ishl_imm_s(index, 3);
        let address = ins.ins().iadd(words, bytes);
        let word = ins.ins().load(I64, row_slot(), address, 0);
        let bit = ins.ins().ushr(word, symbol);
        let bit = ins.ins().ireduce(I8, bit);
        let bit = ins.ins().band_imm_s(bit, 1);
        Ok(ins.ins().band(bit, inside))
    }

    /// Opens a loop over the context's rows. At each it pays for the turns of the rows that it passes by, too, and behind
    /// the last one for those up to the end, so that it takes what a loop over all rows takes, and ends where that does.
    fn enter_narrowed(&mut self) -> Result<Lowered> {
        let (count, base) = (self.field(context::LINE_COUNT), self.field(context::LINES));
        let [head, pay, starve, turn, next, exit] = std::array::from_fn(|_| self.builder.create_block());
        self.builder.set_cold_block(starve);
        let place = self.builder.append_block_param(head, I64);
        let paid = self.builder.append_block_param(head, I64);
        let rows = self.field(context::ROWS);
        let zero = self.int(0);
        self.builder.ins().jump(head, &[rows.into(), zero.into()]);

        self.builder.switch_to_block(head);
        let row = self.builder.ins().load(I64, row_slot(), place, 0);
        let more = self.builder.ins().icmp(IntCC::SignedLessThan, row, count);
        // Rows that are paid for when this one is done; of what stands behind the last row, none.
        let done = self.builder.ins().uextend(I64, more);
        let done = self.builder.ins().iadd(row, done);
        let turns = self.builder.ins().isub(done, paid);
        let each = self.shape.turn(usize::try_from(self.at).map_err(|_| ILL)?);
        let cost = self.builder.ins().imul_imm_s(turns, each);
        let fuel = self.result(context::FUEL);
        let empty = self.builder.ins().icmp(IntCC::SignedLessThan, fuel, cost);
        self.builder.ins().brif(empty, starve, &[], pay, &[]);

        self.builder.switch_to_block(starve);
        // As many turns as can be paid for.
        let each = self.int(each);
        let rest = self.builder.ins().srem(fuel, each);
        self.builder.ins().store(changing(), rest, self.context, context::FUEL);
        let status = self.int(abi::kind_code(FaultKind::OutOfFuel) | abi::inst_code(self.at));
        self.builder.ins().jump(self.fault, &[status.into()]);

        self.builder.switch_to_block(pay);
        let fuel = self.builder.ins().isub(fuel, cost);
        self.builder.ins().store(changing(), fuel, self.context, context::FUEL);
        self.builder.ins().brif(more, turn, &[], exit, &[]);

        self.builder.switch_to_block(next);
        let following = self.builder.ins().iadd_imm_s(place, 8);
        self.builder.ins().jump(head, &[following.into(), done.into()]);

        self.builder.switch_to_block(turn);
        let bytes = i64::try_from(self.program.layout.line.len()).ok().and_then(|width| width.checked_mul(8));
        let start = self.builder.ins().imul_imm_s(row, bytes.ok_or("a row is too wide")?);
        let slots = self.builder.ins().iadd(base, start);
        self.frames.push(Frame { exit, next: Some(next) });
        Ok(Lowered::Row(row, slots))
    }

    fn enter_loop(&mut self, rows: Rows) -> Result<Lowered> {
        if self.narrowed.binary_search(&self.at).is_ok() {
            return self.enter_narrowed();
        }
        let layout = &self.program.layout;
        let (count, base, width) = match rows {
            Rows::Lines | Rows::Selected(_) => {
                (self.field(context::LINE_COUNT), self.field(context::LINES), layout.line.len())
            }
            Rows::Payments => {
                (self.field(context::PAYMENT_COUNT), self.field(context::PAYMENTS), layout.payment.len())
            }
            Rows::Times(count) => {
                let base = self.int(0);
                (self.word(count)?, base, 0)
            }
            Rows::Table(table) => {
                let offset = i32::try_from(table.0).ok().and_then(|at| at.checked_mul(abi::TABLE_SIZE));
                let offset = offset.ok_or("there are too many tables")?;
                let width = layout.tables.get(table.index()).ok_or(ILL)?.columns.len();
                let entries = self.field(context::TABLES);
                let base = self.builder.ins().load(I64, fixed(), entries, offset);
                (self.builder.ins().load(I64, fixed(), entries, offset + 8), base, width)
            }
        };
        let (head, turn, next, exit) = (
            self.builder.create_block(),
            self.builder.create_block(),
            self.builder.create_block(),
            self.builder.create_block(),
        );
        let row = self.builder.append_block_param(head, I64);
        let zero = self.int(0);
        self.builder.ins().jump(head, &[zero.into()]);
        // The step to the next row stands apart, for the rows that the loop passes by come to it too.
        self.builder.switch_to_block(next);
        let following = self.builder.ins().iadd_imm_s(row, 1);
        self.builder.ins().jump(head, &[following.into()]);

        self.builder.switch_to_block(head);
        let more = self.builder.ins().icmp(IntCC::SignedLessThan, row, count);
        self.builder.ins().brif(more, turn, &[], exit, &[]);
        self.builder.switch_to_block(turn);
        let fuel = self.result(context::FUEL);
        let cost = self.shape.turn(usize::try_from(self.at).map_err(|_| ILL)?);
        let empty = self.builder.ins().icmp_imm_s(IntCC::SignedLessThan, fuel, cost);
        self.fault_if(empty, FaultKind::OutOfFuel);
        let fuel = self.builder.ins().iadd_imm_s(fuel, -cost);
        self.builder.ins().store(changing(), fuel, self.context, context::FUEL);
        if let Rows::Selected(selection) = rows {
            let address = self.selected(selection, row)?;
            let pieces = self.builder.ins().load(I64, changing(), address, 0);
            let chosen = self.builder.ins().icmp_imm_s(IntCC::SignedGreaterThan, pieces, 0);
            let body = self.builder.create_block();
            self.builder.ins().brif(chosen, body, &[], next, &[]);
            self.builder.switch_to_block(body);
        }
        let bytes = i64::try_from(width).ok().and_then(|width| width.checked_mul(8));
        let start = self.builder.ins().imul_imm_s(row, bytes.ok_or("a row is too wide")?);
        let slots = self.builder.ins().iadd(base, start);
        self.frames.push(Frame { exit, next: Some(next) });
        Ok(Lowered::Row(row, slots))
    }
}

/// What a division makes.
#[derive(Clone, Copy)]
enum Quotient {
    Rounded(Rounding),
    Floor,
    Modulo,
}

fn condition(comparison: Comparison) -> IntCC {
    match comparison {
        Comparison::Equal => IntCC::Equal,
        Comparison::NotEqual => IntCC::NotEqual,
        Comparison::Less => IntCC::SignedLessThan,
        Comparison::LessOrEqual => IntCC::SignedLessThanOrEqual,
        Comparison::Greater => IntCC::SignedGreaterThan,
        Comparison::GreaterOrEqual => IntCC::SignedGreaterThanOrEqual,
    }
}

/// A rounding as a word.
pub fn rounding_code(rounding: Rounding) -> i64 {
    match rounding {
        Rounding::HalfUp => 0,
        Rounding::HalfEven => 1,
        Rounding::HalfDown => 2,
        Rounding::Down => 3,
        Rounding::Up => 4,
    }
}

/// The rounding of a word.
pub fn rounding_of(code: i64) -> Rounding {
    match code {
        1 => Rounding::HalfEven,
        2 => Rounding::HalfDown,
        3 => Rounding::Down,
        4 => Rounding::Up,
        _ => Rounding::HalfUp,
    }
}

/// What a term of a bundle is, as a word.
pub fn term_code(pick: SetPick, value: SetValue) -> i64 {
    let pick = match pick {
        SetPick::All => 0,
        SetPick::Cheapest => 1,
        SetPick::Dearest => 2,
    };
    let value = match value {
        SetValue::Share => 0,
        SetValue::OffEach => 1,
        SetValue::Off => 2,
        SetValue::PriceEach => 3,
        SetValue::Price => 4,
        SetValue::PerSet => 5,
    };
    value << 2 | pick
}

/// What a word says that a term of a bundle is.
pub fn term_of(code: i64) -> (SetPick, SetValue) {
    let pick = match code & 3 {
        1 => SetPick::Cheapest,
        2 => SetPick::Dearest,
        _ => SetPick::All,
    };
    let value = match code >> 2 {
        1 => SetValue::OffEach,
        2 => SetValue::Off,
        3 => SetValue::PriceEach,
        4 => SetValue::Price,
        5 => SetValue::PerSet,
        _ => SetValue::Share,
    };
    (pick, value)
}

/// A part of the calendar as a word.
pub fn part_word(part: CalendarPart) -> i64 {
    CalendarPart::ALL.iter().zip(0..).find(|(other, _)| **other == part).map_or(0, |(_, word)| word)
}

/// The part of the calendar of a word.
pub fn part_of(word: i64) -> CalendarPart {
    let part = usize::try_from(word).ok().and_then(|word| CalendarPart::ALL.get(word));
    part.copied().unwrap_or(CalendarPart::Year)
}

/// A 128-bit number as its low and its high word.
pub fn halves(wide: i128) -> (i64, i64) {
    let bytes = wide.to_le_bytes();
    let (mut low, mut high) = ([0; 8], [0; 8]);
    for (to, from) in low.iter_mut().chain(&mut high).zip(bytes) {
        *to = from;
    }
    (i64::from_le_bytes(low), i64::from_le_bytes(high))
}

/// The 128-bit number of two words.
pub fn joined(low: i64, high: i64) -> i128 {
    i128::from(high) << 64 | i128::from(low.cast_unsigned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_join_again() {
        for wide in [0, 1, -1, i128::MIN, i128::MAX, i128::from(i64::MIN), 1 << 64, -(1 << 64), (1 << 63)] {
            let (low, high) = halves(wide);
            assert_eq!(joined(low, high), wide);
        }
        assert_eq!(halves(-2), (-2, -1));
        assert_eq!(halves(1 << 64), (0, 1));
    }

    #[test]
    fn terms_have_codes_of_their_own() {
        for pick in [SetPick::All, SetPick::Cheapest, SetPick::Dearest] {
            for value in [
                SetValue::Share,
                SetValue::OffEach,
                SetValue::Off,
                SetValue::PriceEach,
                SetValue::Price,
                SetValue::PerSet,
            ] {
                assert_eq!(term_of(term_code(pick, value)), (pick, value));
            }
        }
    }

    #[test]
    fn roundings_have_codes_of_their_own() {
        for rounding in
            [Rounding::HalfUp, Rounding::HalfEven, Rounding::HalfDown, Rounding::Down, Rounding::Up]
        {
            assert_eq!(rounding_of(rounding_code(rounding)), rounding);
        }
    }
}
