//! What it costs to answer somebody who is waiting: which offers a session shows, and whether a member may get a contact now.
//!
//! `cargo bench -p perq-tests --bench offers` prints both tables. Each question is timed by itself, after as many that are not.

use perq_compiler::pipeline::{Input, NoFiles, compile};
use perq_runtime::catalogue::Catalogue;
use perq_runtime::contacts::{As, Contacts};
use perq_runtime::engine::{Engine, EngineKind};
use perq_runtime::pack::Pack;
use perq_tests::read;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

fn main() {
    sessions();
    contacts();
}

/// Questions that are timed.
const ASKED: usize = 20_000;

fn engine(text: String, kind: EngineKind, catalogue: &Catalogue) -> Engine {
    let compilation = compile(&[Input { path: "rules.rule".to_owned(), text }], &NoFiles);
    let pack = Pack::of(compilation.program.unwrap_or_else(|| panic!("{:?}", compilation.diagnostics)));
    let builder = Engine::builder(pack).kind(kind).catalogue(catalogue);
    builder.build().unwrap_or_else(|error| panic!("{error}"))
}

/// Numbers that look random and are the same each time.
fn random(seed: usize) -> u64 {
    let mut mixed = (seed as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed ^ (mixed >> 27)
}

/// The mean, and below what half, 99 and 99.9 of a hundred questions stay.
fn row(what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |thousandth: usize| {
        let place = (times.len() * thousandth / 1_000).min(times.len().saturating_sub(1));
        times.get(place).map_or(0.0, |time| time.as_secs_f64() * 1e6)
    };
    let mean = times.iter().sum::<Duration>().as_secs_f64() * 1e6 / times.len().max(1) as f64;
    println!("{what} {mean:>10.1} {:>10.1} {:>10.1} {:>10.1}", at(500), at(990), at(999));
}

/// Offers of all sorts of clauses, for a twentieth of the members each.
fn programme(offers: usize) -> String {
    let mut text = String::from(
        "language 1\nprogram demo { currency EUR zone \"Europe/Rome\" rounding half_up }\n\
         account bonus { unit points decimals 0 round down per basket }\n\
         enum Goal { upsell, retention, loyalty, service }\n\
         extend member { monthly_bill: money = 0 EUR }\n\
         arbitration calls { slots 3 at most 2 offers per goal explore 5% seed by event.id }\n",
    );
    for number in 0..offers {
        let level = ["low", "medium", "high"][number % 3];
        let goal = ["upsell", "retention", "loyalty", "service"][number % 4];
        let _ = writeln!(
            text,
            "offer o{number} {{\n  display by priority {level}\n  purpose product sku \"P{number}\"\n  goals [{goal}]\n  \
             when member in segment \"S{}\"\n  when member.monthly_bill > {} EUR\n  \
             limit 3 times per member within any 30 days else skip\n  \
             budget 100_000 times within this day else skip\n  rest 7 days after rejected\n  \
             learn from 10% of 20 showings half_life 90 days by member in segment \"Household\"\n  \
             score propensity(o{number}) * member.monthly_bill / 1 EUR\n  on accepted {{ award 10 points }}\n}}",
            number % 20,
            number % 30,
        );
    }
    text
}

/// Sessions of a thousand members, a reaction to each.
fn sessions() {
    println!("which offers a session shows (microseconds)\n");
    println!(
        "{:>7} {:>12} {:>10} {:>10} {:>10} {:>10}",
        "offers", "engine", "mean", "half", "99 %", "99.9 %"
    );
    for offers in [10, 100, 500] {
        for (name, kind) in [("native", EngineKind::Native), ("interpreter", EngineKind::Interpreter)] {
            let mut session = engine(programme(offers), kind, &Catalogue::default()).session();
            let mut times = Vec::with_capacity(ASKED);
            let mut line = Vec::new();
            let asked = ASKED / (offers / 10).clamp(1, 10);
            for number in 0..asked * 2 {
                let dice = random(number);
                let (member, day, hour) = (dice % 1_000, number * 56 / asked % 28 + 1, number % 24);
                let month = 3 + number * 2 / asked;
                let at = format!("2026-{month:02}-{day:02}T{hour:02}:{:02}:00", dice % 60);
                let member = format!(
                    r#"{{"id":"m{member}","monthly_bill":"{}.00","segments":["S{}","S{}","Household"]}}"#,
                    member % 50,
                    member % 20,
                    (member + 7) % 20
                );
                let asks = format!(
                    r#"{{"id":"s{number}","kind":"session","at":"{at}","channel":"web","member":{member}}}"#
                );
                line.clear();
                let start = Instant::now();
                session.decide_line(asks.as_bytes(), &mut line).unwrap_or_else(|error| panic!("{error}"));
                let time = start.elapsed();
                if number >= asked {
                    times.push(time);
                }
                let answer = ["accepted", "rejected", "ignored", "ignored"][(dice >> 32) as usize % 4];
                let told = format!(
                    r#"{{"id":"r{number}","kind":"reaction","at":"{at}","offer":"o{}","answer":"{answer}","session":"s{number}","member":{member}}}"#,
                    dice as usize % offers
                );
                line.clear();
                session.decide_line(told.as_bytes(), &mut line).unwrap_or_else(|error| panic!("{error}"));
            }
            row(&format!("{offers:>7} {name:>12}"), times);
        }
    }
}

/// The plan of the example; contacts of a tenth as many members as there were contacts, over sixty days.
fn contacts() {
    println!("\nwhether a member may get a contact now (microseconds)\n");
    println!("{:>12} {:>10} {:>10} {:>10} {:>10}", "before", "mean", "half", "99 %", "99.9 %");
    let files =
        ["programme.rule", "plan.rule"].map(|file| read(&format!("rules-examples/spring-contacts/{file}")));
    let text = files.join("\n").replacen("language 1\n", "", 1);
    let lists = read("rules-examples/spring-contacts/offer-lists.csv");
    let catalogue = Catalogue::builder().contents_csv("offer_list", "offer", lists.as_bytes());
    let catalogue = catalogue.unwrap_or_else(|error| panic!("{error}")).build();
    for before in [0, 10_000, 1_000_000] {
        let engine = engine(text.clone(), EngineKind::Automatic, &catalogue);
        let mut contacts = Contacts::new(&engine).unwrap_or_else(|| panic!("the example has a plan"));
        let of = |number: usize, day: u64| {
            let dice = random(number);
            let offer = ["Card", "Loan", "Web letter", "Savings plan", "Fixed mortgage"][dice as usize % 5];
            let channel = ["web", "direct_mail", "email", "call_center"][(dice >> 8) as usize % 4];
            let (month, day) = (1 + day / 28, 1 + day % 28);
            format!(
                r#"{{"id":"c{number}","kind":"contact","at":"2026-{month:02}-{day:02}T10:00:00","offer":"{offer}","channel":"{channel}","score":"1.5","cost":"0.10","member":{{"id":"m{}","segments":["Best"]}}}}"#,
                (dice >> 16) as usize % (before / 10 + 1_000)
            )
        };
        for number in 0..before {
            let made = contacts.take(of(number, random(number + before) % 60).as_bytes(), As::Made);
            made.unwrap_or_else(|why| panic!("{why}"));
        }
        let mut times = Vec::with_capacity(ASKED);
        for number in 0..ASKED * 2 {
            let asks = of(before + number, 60);
            let start = Instant::now();
            let held = contacts.admit(asks.as_bytes(), false);
            let time = start.elapsed();
            std::hint::black_box(held.unwrap_or_else(|why| panic!("{why}")));
            if number >= ASKED {
                times.push(time);
            }
        }
        row(&format!("{before:>12}"), times);
    }
}
