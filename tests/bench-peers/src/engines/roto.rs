//! roto: a typed script that Cranelift compiles, one function a rule. Fields come from a context, lines and long lists from
//! functions of the host's. Enumerations are codes, for the language has none of its own.

use super::{Found, Peer, numbers, words};
use crate::asked::{Infix, Sets, WRITTEN_OUT};
use ::roto::{Context, Ctx, FileTree, Package, Runtime, TypedFunc, library};
use perq_tests::workload::text::{CHANNELS, CURRENCIES, PAYMENTS, TIERS};
use perq_tests::workload::{Data, Line, Receipt, Rule};
use std::cell::RefCell;

thread_local! {
    /// Lines of the receipt at hand, and sets: a function of the library holds nothing of its own.
    static LINES: RefCell<Vec<Line>> = const { RefCell::new(Vec::new()) };
    static SETS: RefCell<Sets> = RefCell::new(Sets::default());
}

fn of_line(place: u64, field: impl Fn(&Line) -> i64) -> i64 {
    LINES.with_borrow(|lines| field(&lines[place as usize]))
}

/// The fields of a receipt that conditions ask.
#[derive(Clone, Context)]
pub struct Fields {
    pub channel: i64,
    pub tier: i64,
    pub payment: i64,
    pub currency: i64,
    pub store: i64,
    pub day: i64,
    pub weekday: i64,
    pub hour: i64,
    pub month: i64,
    pub birth_month: i64,
    pub spent: i64,
    pub tenure: i64,
    pub total: i64,
    pub segments: u64,
    pub count: u64,
}

#[derive(Default)]
struct Words {
    sets: Sets,
}

/// The place of a word in its enumeration. No word is in two of them.
fn code(word: &str) -> i64 {
    let lists: [&[&str]; 4] = [&CHANNELS, &TIERS, &PAYMENTS, &CURRENCIES];
    let place = lists.iter().find_map(|list| list.iter().position(|of| *of == word));
    place.expect("a word of an enumeration") as i64
}

impl Infix for Words {
    fn line(&self, name: &str) -> String {
        format!("{name}(place)")
    }

    fn word(&self, word: &str) -> String {
        code(word).to_string()
    }

    fn among(&mut self, value: &str, of: &[String]) -> String {
        if of.len() <= WRITTEN_OUT {
            let each: Vec<String> = of.iter().map(|constant| format!("{value} == {constant}")).collect();
            return format!("({})", each.join(Self::OR));
        }
        let set = self.sets.keep(of.iter().map(|number| number.parse().expect("a whole number")));
        format!("in_set({set}, {value})")
    }

    fn segments(&mut self, inside: bool, of: &[String]) -> String {
        let each: Vec<String> = of
            .iter()
            .map(|name| {
                format!(
                    "in_segment(segments, {})",
                    name[1..].trim_start_matches('0').parse::<u8>().unwrap_or(0)
                )
            })
            .collect();
        format!("{}({})", if inside { "" } else { "!" }, each.join(Self::OR))
    }
}

type Function = TypedFunc<Ctx<Fields>, fn() -> i64>;

/// Functions, of amounts and of pieces.
pub struct Roto {
    functions: Vec<(Function, Option<Function>)>,
    /// What the functions live in.
    _package: Package<Ctx<Fields>>,
}

impl Peer for Roto {
    type Record = (Fields, Vec<Line>);

    fn new(rules: &[Rule]) -> Result<Roto, String> {
        let library = library! {
            fn net(place: u64) -> i64 { of_line(place, |line| line.net) }
            fn pieces(place: u64) -> i64 { of_line(place, |line| line.pieces.into()) }
            fn sku(place: u64) -> i64 { of_line(place, |line| line.sku.into()) }
            fn department(place: u64) -> i64 { of_line(place, |line| line.department.into()) }
            fn category(place: u64) -> i64 { of_line(place, |line| line.category.into()) }
            fn subcategory(place: u64) -> i64 { of_line(place, |line| line.subcategory.into()) }
            fn brand(place: u64) -> i64 { of_line(place, |line| line.brand.into()) }
            fn in_segment(of: u64, number: u64) -> bool { of >> number & 1 == 1 }
            fn in_set(set: i64, number: i64) -> bool {
                SETS.with_borrow(|sets| sets.has(set, number))
            }
        };
        let runtime =
            Runtime::from_lib(library).expect("a library").with_context_type::<Fields>().expect("a context");
        let (mut words, mut text) = (Words::default(), String::new());
        for rule in rules {
            let conditions = words.conditions(rule).unwrap_or_else(|| "true".to_owned());
            let asked = words.of_line(rule);
            let mut function = |kind: char, field: &str, conditions: &str| {
                text += &format!("fn {kind}{}() -> i64 {{\n  if {conditions} {{\n", rule.id);
                match &asked {
                    None if field == "net" => text += "    total\n",
                    asked => {
                        let asked = asked.as_deref().unwrap_or("true");
                        text += &format!(
                            "    let sum = 0;\n    let place = 0;\n    while place < count {{\n      \
                             if {asked} {{ sum = sum + {field}(place); }}\n      place = place + 1;\n    }}\n    sum\n"
                        );
                    }
                }
                text += "  } else { 0 }\n}\n";
            };
            function('a', "net", &conditions);
            if rule.least_pieces.is_some() {
                function('p', "pieces", "true");
            }
        }
        SETS.set(words.sets);
        let mut package = FileTree::test_file("pack.roto", &text, 0)
            .compile(&runtime)
            .unwrap_or_else(|why| panic!("{why}"));
        let mut function = |kind: char, rule: &Rule| {
            package.get_function::<fn() -> i64>(&format!("{kind}{}", rule.id)).expect("a function")
        };
        let functions = rules
            .iter()
            .map(|rule| (function('a', rule), rule.least_pieces.map(|_| function('p', rule))))
            .collect();
        Ok(Roto { functions, _package: package })
    }

    fn record(&self, data: &Data, receipt: &Receipt) -> Self::Record {
        let lines = data.lines_of(receipt).to_vec();
        let [channel, tier, payment, currency] = words(receipt).map(|(_, word)| code(word));
        let [store, day, weekday, hour, month, birth_month, spent, tenure, total] =
            numbers(receipt).map(|(_, number)| number);
        let fields = Fields {
            channel,
            tier,
            payment,
            currency,
            store,
            day,
            weekday,
            hour,
            month,
            birth_month,
            spent,
            tenure,
            total,
            segments: receipt.segments,
            count: lines.len() as u64,
        };
        (fields, lines)
    }

    fn find(&mut self, (fields, lines): &Self::Record, found: &mut Vec<Found>) {
        LINES.with_borrow_mut(|at_hand| at_hand.clone_from(lines));
        let mut fields = fields.clone();
        for (rule, (amount, pieces)) in self.functions.iter().enumerate() {
            let amount = amount.call(&mut fields);
            if amount > 0 {
                let pieces = pieces.as_ref().map_or(0, |pieces| pieces.call(&mut fields));
                found.push(Found { rule, amount, pieces });
            }
        }
    }
}
