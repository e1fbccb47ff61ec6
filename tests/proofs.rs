//! What is proved holds: on random programmes no basket breaks a proved promise, and each witness breaks its own, on both
//! engines. A campaign of any length is `cargo run -p perq-tests --bin proofs -- --packs 10000`.

use perq_tests::proofs::campaign;

#[test]
fn no_basket_breaks_what_is_proved() {
    let report = campaign(1, 60, 60, 60);
    assert!(report.wrong.is_empty(), "{}", report.wrong.join("\n\n"));
    // The generator keeps its worth: all three answers are there.
    assert!(report.proved >= 15 && report.broken >= 15 && report.undecided >= 1, "{report:?}");
}
