//! Programmes of any number of rules, as text: for the compile benchmark and for tests of size.
//!
//! The rules are of the kinds that shops write, one event matches a few of them whatever their number, and the text is
//! a function of the number alone.

use crate::generate::Random;
use perq_compiler::pipeline::Input;

/// Rules in one file.
const RULES_PER_FILE: usize = 10;

/// A programme of `rules` rules: one file for what they share, and one for each ten rules.
pub fn programme(rules: usize) -> Vec<Input> {
    let mut numbers = Random::new(rules as u64);
    let mut files = vec![Input {
        path: "programme.rule".to_owned(),
        text: "language 1\n\
               program many { currency EUR zone \"Europe/Berlin\" rounding half_up }\n\
               account bonus { unit points decimals 0 redeemable round down per basket worth 1 points = 0.01 EUR }\n\
               enum Tier ordered { base, silver, gold }\n\
               extend member { tier: Tier = base }\n\
               group prices { kind line_discount displace best for member per line on_price original on purchase }\n\
               group points { kind earn displace none on purchase when member known }\n"
            .to_owned(),
    }];
    for file in 0..rules.div_ceil(RULES_PER_FILE) {
        let mut text = String::from("language 1\n");
        for index in (file * RULES_PER_FILE)..((file + 1) * RULES_PER_FILE).min(rules) {
            text.push_str(&rule(index, &mut numbers));
        }
        files.push(Input { path: format!("rules-{file:05}.rule"), text });
    }
    files
}

fn rule(index: usize, numbers: &mut Random) -> String {
    let category = numbers.below(800);
    let store = numbers.below(500);
    let least = 5 + numbers.below(95);
    let rate = 1 + numbers.below(15);
    let brand = numbers.below(500);
    let month = 1 + numbers.below(9);
    let tier = numbers.pick(&["base", "silver", "gold"]);
    match numbers.below(4) {
        0 => format!(
            "rule r{index} \"Rule {index}\" in group prices {{\n  when purchase in store \"S{store}\"\n  \
             then discount {rate}% on lines where line in category \"C{category}\"\n}}\n"
        ),
        1 => format!(
            "rule r{index} \"Rule {index}\" in group points {{\n  valid 2026-0{month}-01 through 2026-0{month}-28\n  \
             when member.tier = {tier} and basket.paid >= {least} EUR and purchase in store \"S{store}\"\n  \
             then award {rate}% of basket.paid as points\n}}\n"
        ),
        2 => format!(
            "rule r{index} \"Rule {index}\" in group points {{\n  when purchase in channel \"web\"\n  \
             let matching = lines where line in brand \"B{brand}\" and line.price >= 2 EUR\n  \
             when sum(line.paid for matching) >= {least} EUR\n  then award {least} points\n}}\n"
        ),
        _ => format!(
            "rule r{index} \"Rule {index}\" in group prices {{\n  schedule days [mon, tue, wed] hours 09:00 until 17:00\n  \
             then discount {rate}% on units where unit in category \"C{category}\" and unit in brand \"B{brand}\"\n}}\n"
        ),
    }
}
