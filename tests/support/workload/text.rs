//! A pack as rule files, its products as tables, and receipts as records: what perq is given.

use super::data::{CATEGORIES, DEPARTMENTS, Data, Receipt, products};
use super::packs::{Award, Filter, Mode, Rule};
use perq_compiler::pipeline::Input;
use std::fmt::Write;

/// Channels.
pub const CHANNELS: [&str; 4] = ["store", "web", "app", "kiosk"];
/// Tiers, the lowest first.
pub const TIERS: [&str; 4] = ["basic", "silver", "gold", "platinum"];
/// Ways to pay.
pub const PAYMENTS: [&str; 6] = ["cash", "debit", "credit", "wallet", "voucher", "invoice"];
/// Currencies of the till; amounts are not converted.
pub const CURRENCIES: [&str; 3] = ["eur", "usd", "gbp"];
const WEEKDAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
/// Rules in one file.
const RULES_PER_FILE: usize = 100;
/// 2025-01-01, in days from 1970-01-01.
pub const NEW_YEAR: i64 = 20_089;

/// The rule files of a pack. Money off is a second account here: in the workload no discount lowers what another one is
/// taken of, and none is bounded by what is left of a line.
pub fn programme(rules: &[Rule]) -> Vec<Input> {
    let mut frame = "language 1\n\
        program workload { currency EUR zone \"Etc/UTC\" rounding half_up }\n\
        account bonus { unit points decimals 2 round half_up per rule worth 1 points = 1 EUR }\n\
        account rebate { unit cash decimals 2 round half_up per rule worth 1 cash = 1 EUR }\n\
        enum Tier ordered { basic, silver, gold, platinum }\n\
        enum Means { cash, debit, credit, wallet, voucher, invoice }\n\
        enum Till { eur, usd, gbp }\n\
        extend member { tier: Tier spent: money }\n\
        extend purchase { paid_with: Means till: Till }\n\
        group single { kind earn displace none on purchase when member known }\n"
        .to_owned();
    for family in rules.chunk_by(|a, b| a.group == b.group) {
        if let Some(Rule { group: Some(group), mode, .. }) = family.first() {
            let mode = match mode {
                Mode::Best => "best for member",
                Mode::First => "first",
            };
            let _ = writeln!(
                frame,
                "group family_{group} {{ kind earn displace {mode} per basket on purchase when member known }}"
            );
        }
    }
    let mut files = vec![Input { path: "programme.rule".to_owned(), text: frame }];
    for (file, rules) in rules.chunks(RULES_PER_FILE).enumerate() {
        let mut text = String::from("language 1\n");
        rules.iter().for_each(|of| rule(of, &mut text));
        files.push(Input { path: format!("rules-{file:03}.rule"), text });
    }
    files
}

/// The number of the rule of this name.
pub fn rule_number(name: &str) -> Option<u32> {
    name.strip_prefix('r')?.parse().ok()
}

fn quoted<T: Copy>(letter: char, width: usize, values: &[T]) -> String
where
    u64: From<T>,
{
    let names = values.iter().map(|value| format!("\"{letter}{:0width$}\"", u64::from(*value)));
    format!("[{}]", names.collect::<Vec<_>>().join(", "))
}

fn words(names: &[&str], values: &[u8]) -> String {
    values.iter().map(|value| names[usize::from(*value)]).collect::<Vec<_>>().join(", ")
}

fn money(amount: i64) -> String {
    format!("{}.{:02}", amount / 100, amount % 100)
}

fn rule(rule: &Rule, text: &mut String) {
    let group = rule.group.map_or("single".to_owned(), |group| format!("family_{group}"));
    let _ = writeln!(text, "rule r{} in group {group} {{", rule.id);
    if let Some((from, through)) = rule.days {
        let (from, through) = (date(i64::from(from)), date(i64::from(through)));
        let _ = writeln!(text, "  valid {from} through {through}");
    }
    if rule.weekdays.is_some() || rule.hours.is_some() {
        text.push_str("  schedule");
        if let Some(weekdays) = &rule.weekdays {
            let _ = write!(text, " days [{}]", words(&WEEKDAYS, weekdays));
        }
        if let Some((from, until)) = rule.hours {
            let _ = write!(text, " hours {from:02}:00 until {:02}:00", until % 24);
        }
        text.push('\n');
    }
    if rule.group.is_some() && rule.mode == Mode::First {
        // Of the lowest number first there, of the highest here.
        let _ = writeln!(text, "  priority {}", 10 - rule.priority);
    }
    let mut when = |condition: String| {
        let _ = writeln!(text, "  when {condition}");
    };
    if let Some(channels) = &rule.channels {
        let names: Vec<String> =
            channels.iter().map(|channel| format!("{:?}", CHANNELS[usize::from(*channel)])).collect();
        when(format!("purchase in channel [{}]", names.join(", ")));
    }
    if let Some(tiers) = &rule.tiers {
        when(format!("member.tier in [{}]", words(&TIERS, tiers)));
    }
    if let Some(payments) = &rule.payments {
        when(format!("purchase.paid_with in [{}]", words(&PAYMENTS, payments)));
    }
    if let Some(currency) = rule.currency {
        when(format!("purchase.till = {}", CURRENCIES[usize::from(currency)]));
    }
    if let Some(segments) = &rule.in_segments {
        when(format!("member in segment {}", quoted('G', 2, segments)));
    }
    if let Some(segments) = &rule.outside_segments {
        when(format!("not (member in segment {})", quoted('G', 2, segments)));
    }
    if let Some(stores) = &rule.stores {
        when(format!("purchase in store {}", quoted('S', 3, stores)));
    }
    if rule.birthday_month {
        when("member.birthday known and month(member.birthday) = month(event.date)".to_owned());
    }
    if let Some(least) = rule.least_spent {
        when(format!("member.spent >= {} EUR", money(least)));
    }
    if let Some(least) = rule.least_tenure {
        when(format!("member.joined known and event.date - member.joined >= {least} days"));
    }
    if let Some(least) = rule.least_total {
        when(format!("basket.initial >= {} EUR", money(least)));
    }
    let lines = match &rule.filter {
        Filter::Any => None,
        Filter::NotDepartment(department) => Some(format!("not (line in category \"D{department:02}\")")),
        Filter::Department(department) => Some(format!("line in category \"D{department:02}\"")),
        Filter::Category(category) => Some(format!("line in category \"C{category:03}\"")),
        Filter::Subcategory(subcategory) => Some(format!("line in category \"U{subcategory:03}\"")),
        Filter::Brand(brand) => Some(format!("line in brand \"B{brand:03}\"")),
        Filter::BrandInDepartment(brand, department) => {
            Some(format!("line in brand \"B{brand:03}\" and line in category \"D{department:02}\""))
        }
        Filter::Skus(skus) => Some(format!("line in sku {}", quoted('P', 5, skus))),
    };
    let (of, amount) = match lines {
        None => ("lines", "basket.initial"),
        Some(lines) => {
            let _ = writeln!(text, "  let matching = lines where {lines}");
            text.push_str("  let amount = sum(line.initial for matching)\n");
            ("matching", "amount")
        }
    };
    if let Some(least) = rule.least_amount {
        let _ = writeln!(text, "  when {amount} >= {} EUR", money(least));
    }
    if let Some(least) = rule.least_pieces {
        let _ = writeln!(text, "  when sum(line.pieces for {of}) >= {least} pcs");
    }
    match rule.award {
        Award::ShareInPoints(share) => {
            let _ = writeln!(text, "  let value = {}% of {amount} as points rounded half_up", money(share));
            text.push_str("  then award value\n}\n");
        }
        Award::PointsPerUnit { unit, points } => {
            let _ =
                writeln!(text, "  then award {points} points * steps of {} EUR in {amount}\n}}", money(unit));
        }
        Award::Discount { share, cap } => {
            let (share, cap) = (money(share), money(cap));
            let _ =
                writeln!(text, "  let value = min({share}% of {amount}, {cap} EUR) as cash rounded half_up");
            text.push_str("  then award value\n}\n");
        }
    }
}

/// A day, counted from the beginning of the year.
fn date(day: i64) -> String {
    perq_compiler::calendar::date_text(day + NEW_YEAR)
}

/// The products as a table.
pub fn products_csv() -> String {
    let mut csv = String::from("sku,category,brand\n");
    for (sku, product) in products().iter().enumerate() {
        let _ = writeln!(csv, "P{sku:05},U{:03},B{:03}", product.subcategory, product.brand);
    }
    csv
}

/// The assortment as a table of names and what they stand below.
pub fn categories_csv() -> String {
    let mut csv = String::from("child,parent\n");
    (0..DEPARTMENTS).for_each(|department| {
        let _ = writeln!(csv, "D{department:02},");
    });
    for category in 0..CATEGORIES {
        let _ = writeln!(csv, "C{category:03},D{:02}", category / 8);
        for subcategory in category * 5..category * 5 + 5 {
            let _ = writeln!(csv, "U{subcategory:03},C{category:03}");
        }
    }
    csv
}

/// A receipt as a record.
pub fn record(data: &Data, number: usize, receipt: &Receipt, json: &mut String) {
    let _ = write!(
        json,
        "{{\"id\":\"{number}\",\"kind\":\"sale\",\"at\":\"{}T{:02}:{:02}:{:02}\",\"store\":\"S{:03}\",\"channel\":\"{}\",\
         \"paid_with\":\"{}\",\"till\":\"{}\",\"member\":{{\"id\":\"m{}\",\"tier\":\"{}\",\
         \"birthday\":\"1980-{:02}-{:02}\",\"joined\":\"{}\",\"spent\":\"{}\",\"segments\":[",
        date(i64::from(receipt.day)),
        receipt.hour,
        receipt.minute,
        receipt.second,
        receipt.store,
        CHANNELS[usize::from(receipt.channel)],
        PAYMENTS[usize::from(receipt.payment)],
        CURRENCIES[usize::from(receipt.currency)],
        receipt.member,
        TIERS[usize::from(receipt.tier)],
        receipt.birth_month,
        receipt.birth_day,
        date(i64::from(receipt.joined)),
        money(receipt.spent),
    );
    let mut comma = "";
    for segment in (0..64).filter(|segment| receipt.segments >> segment & 1 == 1) {
        let _ = write!(json, "{comma}\"G{segment:02}\"");
        comma = ",";
    }
    json.push_str("]},\"lines\":[");
    comma = "";
    for line in data.lines_of(receipt) {
        let (sku, pieces, net) = (line.sku, line.pieces, money(line.net));
        let _ = write!(json, "{comma}{{\"sku\":\"P{sku:05}\",\"pieces\":{pieces},\"amount\":\"{net}\"}}");
        comma = ",";
    }
    json.push_str("]}");
}
