//! Any text is linted to an end, with every lint; what a repair replaces lies between letters.
#![no_main]

use libfuzzer_sys::fuzz_target;
use perq_compiler::lint::{LINTS, Level, Levels, NoNames, NoZones, Options};
use perq_compiler::pipeline::{Input, NoFiles, lint};

fuzz_target!(|text: &str| {
    let mut levels = Levels::default();
    for lint in LINTS {
        levels.set(lint.name, Level::Warn);
    }
    let options = Options { today: Some(20_000), zones: &NoZones, names: &NoNames, levels: &levels };
    let input = Input { path: "fuzz.rule".to_owned(), text: text.to_owned() };
    let (_, findings) = lint(&[input], &NoFiles, &options);
    for repair in findings.iter().flat_map(|finding| &finding.repairs) {
        if let Some(edit) = &repair.edit {
            assert!(text.get(edit.place.span.start as usize..edit.place.span.end as usize).is_some());
        }
    }
});
