//! Interpreter, native code with and without optimisation, and the interpreter on the simplified program agree: on
//! proposals, faults with their places, and turns left. A short version of the campaign in `agreement-campaign.rs`.

use perq_tests::agree::campaign;

#[test]
fn engines_agree_on_generated_programs() {
    let report = campaign(1, 20_000, 24);
    assert!(report.mismatches.is_empty(), "{}", report.mismatches.join("\n\n"));
    assert_eq!(report.missing(), Vec::<String>::new(), "instructions of which none was generated");
    assert_eq!(report.declined, 0);
    // A generator whose programs all fault at once, or never, would show little.
    assert!(report.finished * 3 > report.pairs, "{} of {} finish", report.finished, report.pairs);
    assert!(report.finished * 10 < report.pairs * 9, "{} of {} finish", report.finished, report.pairs);
    for kind in ["Overflow", "DivisionByZero", "OutOfRange", "OutOfFuel"] {
        assert!(report.faults.keys().any(|(its, _)| its == kind), "no fault {kind}");
    }
}
