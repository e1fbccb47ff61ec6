//! Native code as a guest in a process: it gives its memory back, it shares threads, and what cannot be compiled is
//! interpreted.

use perq_compiler::evaluate::{Bindings, Code, FUEL, LineRows, Proposals, RecordView};
use perq_compiler::interpret::Interpreter;
use perq_compiler::ir::*;
use perq_runtime::native::{Native, Options};
use perq_tests::generate::{self, Input, Random};
use std::sync::Arc;

/// So many rules, each with a function of these instructions, which award at the rule's site.
fn program(rules: u32, insts: impl Fn(SiteId) -> Vec<Inst>) -> Arc<Verified> {
    let mut program = generate::empty();
    for number in 0..rules {
        let insts = insts(SiteId(number));
        program.sites.push(Site {
            rule: RuleId(number),
            kind: SiteKind::Award {
                account: AccountId(0),
                rounding: None,
                life: perq_compiler::ir::Life::default(),
            },
            to: None,
            reason: None,
            place: PlaceId(0),
        });
        program.functions.push(Function {
            name: format!("function_{number}"),
            variables: vec![Ty::I64],
            places: insts.iter().map(|_| PlaceId(0)).collect(),
            insts,
        });
        program.groups[1].rules.push(RuleId(number));
        program.rules.push(Rule {
            name: format!("rule_{number}"),
            title: None,
            group: GroupId(1),
            priority: 0,
            events: vec![EventId(0)],
            atoms: Vec::new(),
            line_atoms: Vec::new(),
            function: FunctionId(number),
            limits: Vec::new(),
            governance: Governance::default(),
            place: PlaceId(0),
        });
    }
    Arc::new(verify(program).expect("a hand-made program verifies"))
}

/// A rule as shops write them: a twentieth of what lines of some category cost, from ten units on.
fn typical(site: SiteId) -> Vec<Inst> {
    vec![
        Inst::Loop(Rows::Lines),
        Inst::LoadLine(SlotId(9), Value(0)),
        Inst::InReference(Value(1), ReferenceId(1)),
        Inst::Block,
        Inst::Break { depth: 0, condition: Value(2), when: false },
        Inst::Get(VarId(0)),
        Inst::LoadLine(line_slot::PAID, Value(0)),
        Inst::Add(Value(5), Value(6)),
        Inst::Set(VarId(0), Value(7)),
        Inst::End,
        Inst::End,
        Inst::Get(VarId(0)),
        Inst::Int(1_000),
        Inst::Compare(Comparison::GreaterOrEqual, Value(11), Value(12)),
        Inst::Block,
        Inst::Break { depth: 0, condition: Value(13), when: false },
        Inst::Int(50_000),
        Inst::MulWide(Value(11), Value(16)),
        Inst::Wide(1_000_000),
        Inst::Divide(Value(17), Value(18), Rounding::HalfUp),
        Inst::Wide(1),
        Inst::Award { site, num: Value(19), den: Value(20), row: None },
        Inst::End,
    ]
}

/// A record of so many lines, each with 200 paid and a symbol of which every second one is bound.
fn input(program: &Program, lines: i64) -> Input {
    let mut input = generate::input(&mut Random::new(3), program);
    input.lines.clear();
    for line in 0..lines {
        let mut row = vec![0; program.layout.line.len()];
        for (place, word) in
            row.iter_mut().zip([line + 1, 1, 2_000_000, 200, 200, MISSING, 0, 0, 0, line % 2])
        {
            *place = word;
        }
        input.lines.extend(row);
    }
    input.line_width = program.layout.line.len();
    input.event = vec![0; program.layout.event.len()];
    input.params = vec![0; program.params.len()];
    input.payments.clear();
    input.payment_width = program.layout.payment.len();
    input.bindings = Bindings::default();
    for _ in 0..4 {
        input.bindings.references.push(Default::default());
        for bits in &mut input.bindings.references {
            bits.insert(1);
        }
    }
    input.fuel = FUEL;
    input
}

fn run<C: Code>(code: &C, scratch: &mut C::Scratch, function: u32, input: &Input) -> (Proposals, i64) {
    let (mut out, mut fuel) = (Proposals::default(), input.fuel);
    let function = FunctionId(function);
    code.run(function, input.view(), &input.bindings, &mut fuel, scratch, &mut out)
        .expect("it does not fault");
    (out, fuel)
}

/// Resident memory in kilobytes, where the system says.
fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find(|line| line.starts_with("VmRSS"))?.split_whitespace().nth(1)?.parse().ok()
}

#[test]
fn dropped_code_gives_its_memory_back() {
    let program = program(4, typical);
    let input = input(&program, 3);
    let options = Options { optimise: false, verify: false, ..Options::default() };
    let cycle = || {
        let native = Native::new(Arc::clone(&program), options).expect("this machine has native code");
        assert_eq!(native.compiled(), 4);
        assert_eq!(run(&native, &mut Default::default(), 3, &input).0.list.len(), 0);
    };
    // The first ones fill what the allocator keeps.
    (0..100).for_each(|_| cycle());
    let before = resident();
    (0..2_000).for_each(|_| cycle());
    if let (Some(before), Some(after)) = (before, resident()) {
        println!("resident: {before} kB before 2000 cycles, {after} kB after");
        assert!(after < before + 4_096, "{before} kB grew to {after} kB");
    }
}

/// Loops that are told which rows matter do what loops over all rows do: the same proposals, the same fault, at the same
/// turn.
#[test]
fn loops_that_are_told_their_rows_end_where_others_do() {
    let plain = program(1, typical);
    let mut told = Program::clone(&plain);
    let kind = told.references[1].kind;
    assert_eq!(told.layout.line[9].ty, SlotType::Symbol(kind));
    told.rules[0].line_atoms = vec![AtomId(u32::try_from(told.atoms.len()).unwrap())];
    let test = AtomTest::In(ReferenceId(1));
    told.atoms.push(Atom { space: Space::Line, slot: SlotId(9), test, negated: false });
    let (function, atoms) = (&told.functions[0], &told.rules[0].line_atoms);
    assert_eq!(needs::narrowed_loops(&told, atoms, function, &Shape::of(function)), [0]);
    let told = Arc::new(verify(told).expect("it verifies"));
    let native = Native::new(Arc::clone(&told), Options::default()).expect("this machine has native code");
    let interpreter = Interpreter::new(told);
    let (mut scratch, mut other) = (Default::default(), Default::default());
    for lines in 0..14 {
        let mut input = input(&plain, lines);
        for fuel in 0..80 {
            input.fuel = fuel;
            let run = |code: &dyn Fn(&mut i64, &mut Proposals) -> Result<(), Fault>| {
                let (mut out, mut fuel) = (Proposals::default(), fuel);
                let result = code(&mut fuel, &mut out);
                (result, fuel, out)
            };
            let (scratch, other) =
                (std::cell::RefCell::new(&mut scratch), std::cell::RefCell::new(&mut other));
            let (id, bindings) = (FunctionId(0), &input.bindings);
            let want = run(&|fuel, out| {
                interpreter.run(id, input.view(), bindings, fuel, &mut other.borrow_mut(), out)
            });
            let odd: Vec<u32> = (0..u32::try_from(lines).unwrap()).filter(|row| row % 2 == 1).collect();
            let all: Vec<u32> = (0..u32::try_from(lines).unwrap()).collect();
            // Rows that are not there, or stand where they do not belong, are passed over.
            let wild: Vec<u32> = odd.iter().copied().chain([0, 1, 99]).collect();
            let lists = [&odd, &all, &wild].map(|list| LineRows::List(list));
            let bits = [0xaaaa_aaaa_aaaa_aaaa, u64::MAX].map(LineRows::Bits);
            for rows in [None].into_iter().chain(lists.into_iter().chain(bits).map(Some)) {
                let view = RecordView { rows, ..input.view() };
                let found =
                    run(&|fuel, out| native.run(id, view, bindings, fuel, &mut scratch.borrow_mut(), out));
                assert_eq!(found, want, "{lines} lines, {fuel} turns, rows {rows:?}");
            }
        }
    }
}

#[test]
fn what_is_too_long_is_interpreted() {
    let program = program(3, |site| match site.0 {
        // Straight code of 3 001 instructions and an award.
        1 => {
            let mut insts = vec![Inst::Int(1)];
            insts.extend((0..3_000).map(|at| Inst::Add(Value(at), Value(0))));
            insts.extend([Inst::Widen(Value(3_000)), Inst::Wide(1)]);
            insts.push(Inst::Award { site, num: Value(3_001), den: Value(3_002), row: None });
            insts
        }
        _ => typical(site),
    });
    let native = Native::new(Arc::clone(&program), Options::default()).expect("this machine has native code");
    assert_eq!(native.compiled(), 2);
    let declined: Vec<_> = native.declined().collect();
    assert_eq!(declined, [(FunctionId(1), "3004 instructions are too many")]);
    let input = input(&program, 30);
    let mut scratch = Default::default();
    assert_eq!(run(&native, &mut scratch, 1, &input).0.list[0].num, 3_001);
    assert_eq!(run(&native, &mut scratch, 2, &input).0.list[0].num, 150);
}

#[test]
fn threads_compile_and_share_code() {
    let program = program(50, typical);
    let options = Options { threads: 2, shard: 7, ..Options::default() };
    let native = Native::new(Arc::clone(&program), options).expect("this machine has native code");
    assert_eq!(native.compiled(), 50);
    let interpreter = Interpreter::new(Arc::clone(&program));
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (native, interpreter, program) = (&native, &interpreter, &program);
            scope.spawn(move || {
                let (mut scratch, mut other) = (Default::default(), Default::default());
                for lines in 0..40 {
                    let input = input(program, lines + thread);
                    for function in 0..50 {
                        let want = run(interpreter, &mut other, function, &input);
                        assert_eq!(run(native, &mut scratch, function, &input), want);
                    }
                }
            });
        }
    });
}
