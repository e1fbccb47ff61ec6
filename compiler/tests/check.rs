//! What the checker accepts and refuses: programs and the diagnostics they must give.

use perq_compiler::check::errors::NAMES;
use perq_compiler::check::{Checked, Import, SourceTree, check};
use perq_compiler::typed::{ExprKind, Step, TestBody};
use perq_grammar::diagnostic::{Diagnostic, FileId, Severity};

fn tree(file: u32, path: &str, text: &str) -> (SourceTree, Vec<Diagnostic>) {
    let parsed = perq_grammar::parse(FileId(file), text);
    (
        SourceTree {
            file: FileId(file),
            path: path.into(),
            text: text.into(),
            tree: std::sync::Arc::new(parsed.tree),
        },
        parsed.diagnostics,
    )
}

fn check_text(text: &str) -> Checked {
    let (source, syntax) = tree(0, "a.rule", text);
    let mut checked = check(&[source], &[]);
    checked.diagnostics.extend(syntax);
    checked
}

fn show(diagnostics: &[Diagnostic], text: &str) -> String {
    diagnostics
        .iter()
        .map(|diagnostic| {
            let span = diagnostic.place.span;
            let quoted = text.get(span.start as usize..span.end as usize).unwrap_or("?");
            let repairs: Vec<&str> = diagnostic.repairs.iter().map(|repair| repair.text.as_str()).collect();
            format!(
                "  {} at `{quoted}`: {}\n    {}\n",
                diagnostic.name,
                diagnostic.message,
                repairs.join("\n    ")
            )
        })
        .collect()
}

/// What most cases begin with.
const FRAME: &str = r#"
language 1
program demo { currency EUR zone "Europe/Berlin" rounding half_up }
account bonus { unit points decimals 0 redeemable round down per basket worth 1 points = 0.01 EUR }
account chips { unit chips decimals 0 }
enum Tier ordered { base, advanced, vip }
extend member { tier: Tier  active: bool  level: Tier?  favourite_shop: store? }
extend line { weight: kg? }
extend product { points_each: points? }
event shipment { days_late: number }
"#;

/// A program with these clauses in one rule of an earning group.
fn earn(rule: &str) -> String {
    format!("{FRAME}\ngroup g {{ kind earn displace none on purchase rule r {{ {rule} }} }}\n")
}

/// The same in a discount group.
fn discount(rule: &str) -> String {
    format!(
        "{FRAME}\ngroup g {{ kind line_discount displace none on_price original on purchase rule r {{ {rule} }} }}\n"
    )
}

fn errors_of(text: &str) -> Vec<Diagnostic> {
    check_text(text).diagnostics
}

#[track_caller]
fn gives(text: &str, expected: &[(&str, &str)]) {
    let found = errors_of(text);
    let names: Vec<&str> = found.iter().map(|diagnostic| diagnostic.name).collect();
    let wanted: Vec<&str> = expected.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, wanted, "\n{}\nof {text}", show(&found, text));
    for (diagnostic, (_, fragment)) in found.iter().zip(expected) {
        let all: String = std::iter::once(diagnostic.message.as_str())
            .chain(std::iter::once(diagnostic.label.as_str()))
            .chain(diagnostic.labels.iter().map(|label| label.text.as_str()))
            .chain(diagnostic.repairs.iter().map(|repair| repair.text.as_str()))
            .collect::<Vec<_>>()
            .join(" | ");
        assert!(all.contains(fragment), "`{fragment}` is not said by: {all}");
    }
}

#[track_caller]
fn clean(text: &str) {
    gives(text, &[]);
}

mod clean_programs {
    use super::*;

    #[test]
    fn the_smallest() {
        clean(&earn("then award 1% of basket.paid as points"));
    }

    #[test]
    fn rates_by_tier() {
        clean(&earn(
            "when member known let rate = by member.tier { base => 1%, advanced => 2%, vip => 3% }
             then for each line in lines where line.kind = product { award rate of line.paid as points }",
        ));
    }

    #[test]
    fn steps_over_a_sum() {
        clean(&earn(
            r#"let earning = lines where line.kind = product and not line in category ["A", "B"]
               let spent = sum(line.paid for earning)
               when spent >= 500 EUR
               limit 1_000 points per transaction else cut
               then award 10 points * steps of 100 EUR in spent"#,
        ));
    }

    #[test]
    fn picks() {
        clean(&discount(
            r#"let toys = units where unit in category "Toys"
               then { discount 100% on every 3rd of toys ordered by unit.price descending
                      discount 50% on cheapest 1 in every 3 of units where unit in category "Books"
                      discount 50 EUR on every 4th of lines ordered by line.position }"#,
        ));
    }

    #[test]
    fn points_for_pieces() {
        clean(&earn(
            r#"let pieces = sum(line.pieces for lines where line in sku "COLA-05")
               then award 5 points * steps of 3 pcs in pieces"#,
        ));
        clean(&earn(
            "then for each line in lines where line.product.points_each known {
               award line.product.points_each * line.pieces to bonus }",
        ));
    }

    #[test]
    fn missing_values_are_narrowed() {
        clean(&earn(
            "when member known and member.level known and member.level >= advanced then award 1 points",
        ));
        clean(&earn(
            "when member known when member.level known then award by member.level { base => 1 points, otherwise => 2 points }",
        ));
        clean(&earn(
            "unless member unknown or member.level unknown when member.level = vip then award 1 points",
        ));
        clean(
            &earn("when member.level unknown or member.level = vip then award 1 points")
                .replace("when member.level", "when member known and (member.level")
                .replace("= vip then", "= vip) then"),
        );
        clean(&earn("when not (member unknown) and member.tier = vip then award 1 points"));
        clean(&earn("let m = max(line.price for lines) when m known and m > 5 EUR then award 1 points"));
        clean(&earn(
            "when member known and member.tier = vip or_nothing"
                .replace(" or_nothing", " then award 1 points")
                .as_str(),
        ));
        clean(&earn(
            "then for each line in lines where line.tax_rate known { award line.tax_rate of line.paid as points }",
        ));
        clean(&earn(
            "let taxed = lines where line.tax_rate known then for each line in taxed { award line.tax_rate of line.paid as points }",
        ));
        clean(&earn(
            "let taxed = lines where line.tax_rate known let s = sum(line.tax_rate of line.paid for taxed where line.paid > 1 EUR) then award s as points",
        ));
    }

    #[test]
    fn tests_of_references() {
        clean(&earn(
            r#"when member known and member in segment "A" and purchase in store ["X", "Y"] and purchase.store in store "X"
               when any(payments where payment in bank "B" and payment.type = credit_card)
               when all(payments where payment.type = cash) and not purchase in channel "web"
               when any(lines where line.sku in member.favourites and line in list "L" and line in member.favourite_categories)
               when purchase.channel = channel "app"
               then award 1 points"#,
        ));
    }

    #[test]
    fn times() {
        clean(&earn(
            r#"valid 2026-03-01 through 2026-05-31
               schedule days [tue, wed] hours 22:00 until 02:00 zone "Europe/Berlin"
               when event.weekday in [sat, sun] and event.weekday >= sat and event.date - 2026-01-01 > 3 days
               when event.at >= 2026-03-01 09:00 and event.time in 09:00 until 12:00
               when event.date + 30 days > 2026-05-01
               then award by event.weekday { sat, sun => 2 points, otherwise => 1 points }"#,
        ));
    }

    #[test]
    fn conversions() {
        clean(&earn(
            "when basket.paid + (10 points as EUR) > 5 EUR then award (basket.paid as points rounded up) + 1 points",
        ));
        clean(&earn(
            "when basket.paid / 3 EUR >= 1.5 and basket.paid * 110% > 2 * basket.initial / 3 then award 1 points",
        ));
        clean(&earn(
            "when any(lines where line.weight known and line.weight * 2 > 1.5 kg + 300 g) then award 1 points",
        ));
    }

    #[test]
    fn prices() {
        clean(&discount(
            "then for each unit in units where unit.price > 3 EUR { price 2 EUR each for unit }",
        ));
        clean(&discount("then price 5 EUR total for lines spread by initial rounded down rest first_lines"));
        clean(&discount("then for each line in lines { let d = line.paid / 10 discount d on line }"));
        clean(&discount("then discount min(1% * steps of 10 EUR in basket.paid, 10%) on basket"));
        clean(&discount(
            "limit 10 EUR per transaction else skip then discount 300 EUR on lines where line.kind = product spread by paid",
        ));
    }

    #[test]
    fn functions_with_records() {
        clean(&format!(
            "{FRAME}
             define net(line: line) gives money = line.paid - line.paid / 5
             define heavy(l: line, most: kg) gives bool = l.weight known and l.weight > most
             segment regulars = member known and member.tier >= advanced
             param rate: percent = 1% in 0% through 5%
             param from_day: date = 2026-01-01
             table t(tier: Tier, weekday: Weekday) gives percent unique {{ vip, _ => 4%  base, sat => 1% otherwise => 0% }}
             group g {{ kind earn displace none on purchase rule r {{
               when regulars and event.date >= from_day
               then for each l in lines where heavy(line, 2 kg) {{ award (rate + t(member.tier, event.weekday)) of net(l) as points }} }} }}"
        ));
    }

    #[test]
    fn accounts_of_money() {
        clean(&format!(
            "{FRAME}
             account wallet {{ unit EUR decimals 2 redeemable round half_even per basket }}
             group g {{ kind earn displace none on purchase rule r {{ limit 5 EUR per transaction else cut then award 1 EUR to wallet }} }}"
        ));
    }

    #[test]
    fn exclusion_and_order() {
        let text = format!(
            "{FRAME}
             group b {{ kind line_discount displace none on_price original excludes group a on purchase rule rb {{ then discount 1% on lines }} }}
             group a {{ kind line_discount displace none on_price original on purchase rule ra {{ then discount 1% on lines }} }}"
        )
        .replace("rounding half_up }", "rounding half_up order a, b }");
        let checked = check_text(&text);
        assert!(checked.diagnostics.is_empty(), "{}", show(&checked.diagnostics, &text));
        let names: Vec<&str> = checked.program.groups.iter().map(|group| group.name.as_str()).collect();
        assert_eq!(names, ["a", "b"]);
        assert!(checked.program.groups[0].excludes.is_empty());
        assert_eq!(checked.program.groups[1].excludes[0].group.0, 0);
        assert_eq!(checked.program.rules[0].group.0, 1);
    }
}

mod samples {
    use super::*;

    #[test]
    fn sample_01() {
        gives(
            &FRAME.replace("worth 1 points = 0.01 EUR", "worth 1 points = 0.005 EUR"),
            &[("too-many-decimals", "`0.005 EUR` has 3 decimals")],
        );
        gives(&FRAME.replace("unit chips", "unit points"), &[("unit-taken", "belongs to account `bonus`")]);
        gives(
            &earn("then award 5% of basket.paid as chips"),
            &[("no-worth", "account `chips` does not say what its chips are worth")],
        );
    }

    #[test]
    fn sample_02() {
        gives(
            &earn("then discount 5% on lines"),
            &[("wrong-effect", "`discount` does not belong in group `g`")],
        );
        gives(&earn("when member.tier = vip then award 1 points"), &[("maybe-unknown", "when member known")]);
        gives(
            &earn("when member known then award by member.tier { base => 1 points, advanced => 2 points }"),
            &[("not-exhaustive", "`vip`")],
        );
        let two = |second: &str| {
            format!(
                "{FRAME}\ngroup g {{ kind line_discount displace first per line on_price original on purchase
                 rule a {{ priority 10 when member known and member.tier = vip then discount 5% on lines }}
                 rule b {{ {second} then discount 3% on lines where line.kind = product }} }}"
            )
        };
        gives(&two("priority 10"), &[("priority-tie", "where `member.tier` is `vip`")]);
        clean(&two("priority 20"));
        clean(&two("priority 10 when member known and member.tier < vip"));
        clean(&two("priority 10 when member unknown"));
        gives(
            &two("priority 10 when member known and member.tier in [advanced, vip]"),
            &[("priority-tie", "the same priority")],
        );
        clean(
            &two("priority 10 on return")
                .replace("on purchase\n", "on purchase, return\n")
                .replace("rule a { priority 10", "rule a { priority 10 on purchase"),
        );
    }

    #[test]
    fn sample_03() {
        gives(
            &format!(
                "{FRAME}\ngroup g {{ kind earn displace none on registration rule r {{ then award 1% of basket.paid as points }} }}"
            ),
            &[("wrong-event", "a `registration` has no `basket`")],
        );
        gives(&earn("then issue coupon welcome"), &[("unknown-name", "there is no coupon `welcome`")]);
        gives(
            &earn("valid 2026-08-31 through 2026-06-01 then award 1 points"),
            &[("date-order", "2026-06-01 through 2026-08-31")],
        );
    }

    #[test]
    fn sample_04() {
        gives(
            &earn("then award 10 points * steps of 100 USD in basket.paid"),
            &[("other-currency", "in EUR, not in USD")],
        );
        gives(&discount("then discount 120% on lines"), &[("percent-out-of-range", "120%")]);
        gives(&discount("then discount -5% on lines"), &[("percent-out-of-range", "-5%")]);
        gives(
            &earn("limit 1_000 EUR per transaction else cut then award 1 points"),
            &[("limit-unit", "`1_000 EUR` is money in EUR")],
        );
        gives(
            &earn("limit 10 points per member else cut then award 1 points"),
            &[("maybe-unknown", "an event may have no `member`")],
        );
    }

    #[test]
    fn sample_06() {
        gives(
            &earn("then for each line in lines { award unit.paid as points }"),
            &[("wrong-element", "the element is `line`")],
        );
        gives(&earn("then award sum(unit.paid for lines) as points"), &[("wrong-element", "write `line`")]);
        gives(
            &earn(
                "then award 5 points * steps of 3 pcs in sum(line.weight for lines where line.weight known)",
            ),
            &[("mismatched-units", "`pcs` and a mass")],
        );
        gives(&discount("then discount 100% on cheapest 0 of units"), &[("pick-zero", "`0`")]);
    }

    #[test]
    fn sample_07() {
        gives(
            &earn("when member known and event.date > member.birthday then award 1 points"),
            &[("maybe-unknown", "`member.birthday known and")],
        );
        gives(
            &format!("{FRAME}\nparam p: percent = 25% in 5% through 20%"),
            &[("value-outside-range", "`25%`")],
        );
        gives(&earn("schedule month_days [31] then award 1 points"), &[("month-day-missing", "day 31")]);
        gives(&earn("schedule month_days [32] then award 1 points"), &[("number-out-of-range", "`32`")]);
        clean(&earn("schedule days [tue] hours 09:00 until 12:00 zone store then award 1 points"));
        gives(&earn("schedule zone \"Berlin time\" then award 1 points"), &[("unknown-zone", "Berlin time")]);
    }

    #[test]
    fn sample_08() {
        gives(
            &earn("when any(earlier purchases within last 30 days) then award 1 points"),
            &[("maybe-unknown", "`earlier purchases`")],
        );
        gives(
            &earn(
                "when member known and count(earlier purchases where purchase.paid > 1 EUR) = 4 then award 1 points",
            ),
            &[("unbounded-history", "how far back")],
        );
        gives(
            &earn("when count(lines) mod 5 = 0 pcs then award 1 points"),
            &[("mismatched-units", "a number and `pcs` cannot be compared")],
        );
        gives(
            &earn("when member known and member.balance.chips >= 10 points then award 1 points"),
            &[("mismatched-units", "points")],
        );
        clean(&format!("{FRAME}\nbadge gourmet \"G\" {{ when basket.paid > 10 EUR }}"));
        gives(
            &earn("when member.balance.chips >= 10 chips then award 1 points"),
            &[("maybe-unknown", "member")],
        );
        gives(
            &earn("when member known and member.balance.chip >= 10 chips then award 1 points"),
            &[("not-an-account", "chips")],
        );
        clean(&earn(
            "when member known and member.balance.chips >= 10 chips then { debit 10 chips award 1 points }",
        ));
        gives(&earn("then debit 10 chips from bonus"), &[("wrong-account", "chips")]);
        gives(
            &format!("{FRAME}\nbadge gourmet \"G\" {{ when basket.paid > 10 }}"),
            &[("missing-unit", "10 EUR")],
        );
    }

    #[test]
    fn lives_of_awards() {
        let award = |options: &str| earn(&format!("then award 1 points {options}"));
        clean(&award("available after 14 days expires after 6 months"));
        clean(&award("available on 2026-09-01 expires never"));
        clean(&award("spent_at_once"));
        gives(&award("available after 14"), &[("missing-unit", "14 days")]);
        gives(&award("available after 14 points"), &[("mismatched-types", "a stretch of time")]);
        gives(&award("available after basket.paid"), &[("mismatched-types", "a stretch of time")]);
        gives(&award("expires on event.date"), &[("constant-expected", "event.date")]);
        gives(&award("expires after 500_000 days"), &[("number-out-of-range", "500_000 days")]);
        gives(&award("available on 2026-09-02 expires on 2026-09-01"), &[("never-available", "2026-09-01")]);
        gives(&award("spent_at_once expires never"), &[("never-available", "no life of its own")]);
        clean(&award("cancel on return all"));
        clean(&award("cancel on return proportional"));
        let account = |clauses: &str| {
            format!("{FRAME}\naccount melting {{ unit melts decimals 0 round down per basket {clauses} }}")
        };
        clean(&account(
            "expire 365 days after award melt 10% of awarded every 30 days from 90 days after award",
        ));
        clean(&account("expire at end of year + 3 months use first oldest_expiry"));
        gives(&account("expire 1 years after award expire on 2026-01-01"), &[("repeated-clause", "expire")]);
        gives(&account("expire at end of decade"), &[("unexpected-text", "decade")]);
        gives(
            &account("melt 0.5% of awarded every 30 days from 90 days after award"),
            &[("percent-out-of-range", "1% through 100%")],
        );
        gives(
            &account("melt 10% of remaining every 90 minutes from 90 days after award"),
            &[("mismatched-types", "days or months")],
        );
        gives(
            &account("melt 10% of remaining every 0 days from 90 days after award"),
            &[("number-out-of-range", "0 days")],
        );
        gives(&account("use first newest"), &[("unknown-word", "oldest_expiry")]);
    }

    #[test]
    fn sample_09() {
        let table = |rows: &str, policy: &str| {
            format!("{FRAME}\ntable t(spent: money) gives percent {policy} {{ {rows} }}")
        };
        clean(&table(
            "from 0 EUR until 3_000 EUR => 0%\nfrom 3_000 EUR until 10_000 EUR => 3%\nfrom 10_000 EUR => 5%",
            "first_match",
        ));
        gives(
            &table("from 0 EUR until 3_000 EUR => 0%\nfrom 4_000 EUR => 3%", "first_match"),
            &[("gap-between-bands", "from `3000 EUR` until `4000 EUR`")],
        );
        gives(
            &table("from 0 EUR until 3_000 EUR => 0%\nfrom 2_000 EUR => 3%", "unique"),
            &[("overlapping-bands", "two bands of `t`")],
        );
        clean(&table("from 0 EUR until 3_000 EUR => 0%\nfrom 2_000 EUR => 3%", "first_match"));
        gives(&table("from 0 EUR until 3_000 EUR => 0%", "unique"), &[("not-exhaustive", "from 3000 EUR")]);
        gives(&table("from 1 EUR => 0%", "unique"), &[("not-exhaustive", "from 0 EUR until 1 EUR")]);
        gives(
            &table("from 0 EUR => 0%\nfrom 5 EUR until 7 EUR => 1%", "first_match"),
            &[("unreachable-row", "never reached")],
        );
        gives(
            &earn("when basket.paid >= 15_000 then award 1 points"),
            &[("missing-unit", "write `15_000 EUR`")],
        );
        gives(
            &earn("let before = 1 EUR when before + basket.paid >= 15_000 then award 1 points"),
            &[("missing-unit", "15_000 EUR")],
        );
        gives(
            &format!(
                "{}\ntable t(spent: money) gives percent unique {{ from 0 EUR => 0% }}",
                earn("then award t(basket.paid, 2 EUR) of basket.paid as points")
            ),
            &[("wrong-arguments", "takes 1 values and gets 2")],
        );
    }

    #[test]
    fn sample_21() {
        clean(&discount("then discount 15% on units where unit.category in member.favourite_categories"));
        clean(&discount("unless member in segment \"Staff\" then discount 15% on lines"));
        clean(&discount(
            "when member known then discount 15% on units where unit.category in member.favourite_categories",
        ));
        gives(
            &discount(
                "when member known then discount 15% on units where unit.category in member.favourite_brands",
            ),
            &[("unknown-field", "favourite_brands")],
        );
        gives(
            &discount("limit 10 points per transaction else cut then discount 20% on lines"),
            &[("limit-unit", "`10 points`")],
        );
        gives(&discount("then award 1 points"), &[("wrong-effect", "`award`")]);
    }

    #[test]
    fn sample_22() {
        let text = |rows: &str| {
            format!(
                "{FRAME}\nenum Channel {{ shop, app }}
                 table t(tier: Tier, channel: Channel) gives percent unique {{ {rows} }}"
            )
        };
        clean(&text(
            "base, shop => 1%\nbase, app => 2%\nadvanced, shop => 2%\nadvanced, app => 3%\nvip, _ => 4%",
        ));
        gives(
            &text("base, shop => 1%\nbase, app => 2%\nadvanced, shop => 2%\nvip, _ => 4%"),
            &[("not-exhaustive", "`advanced, app`")],
        );
        gives(
            &text("base, _ => 1%\nadvanced, _ => 2%\nvip, app => 5%\nvip, _ => 4%"),
            &[("overlapping-rows", "two rows of `t`")],
        );
        gives(
            &format!(
                "{}\nparam p: percent {{ from 2026-01-01 = 1% from 2026-07-01 = 2% }}",
                earn("valid from 2025-01-01 then award p of basket.paid as points")
            ),
            &[("history-gap", "valid from 2026-01-01")],
        );
        gives(
            &format!(
                "{FRAME}\ndefine f(a: money) gives money = g(a) + 1 EUR\ndefine g(a: money) gives money = f(a)"
            ),
            &[("recursive-definition", "`f` → `g` → `f`")],
        );
        gives(
            &format!("{FRAME}\nsegment s = member known and s"),
            &[("recursive-definition", "`s` is defined by itself")],
        );
    }

    #[test]
    fn sample_23() {
        let test = |body: &str| format!("{}\ntest \"t\" {{ {body} }}", earn("then award 1 points"));
        gives(
            &test(
                "given purchase at 2026-03-02 10:00 {} given purchase at 2026-03-01 10:00 {} expect nothing",
            ),
            &[("time-goes-back", "2026-03-01 10:00")],
        );
        gives(
            &test("given purchase at 2026-03-02 10:00 {} expect award 500"),
            &[("missing-unit", "500 points")],
        );
        gives(
            &test("given purchase at 2026-03-02 10:00 {} expect rule rr fires"),
            &[("unknown-name", "did you mean `r`?")],
        );
    }
}

mod single {
    use super::*;

    #[test]
    fn units_and_types() {
        gives(
            &earn("when basket.paid + 10 points > 0 EUR then award 1 points"),
            &[("mismatched-units", "(10 points as EUR)")],
        );
        gives(
            &earn("when member known and 1 months > 3 days then award 1 points"),
            &[("calendar-duration", "months, days")],
        );
        gives(
            &earn("when 1 months - 3 days > 1 days then award 1 points"),
            &[("calendar-duration", "months, days")],
        );
        gives(
            &earn("when basket.paid >= 1.000 EUR then award 1 points"),
            &[("too-many-decimals", "1_000 EUR")],
        );
        gives(
            &earn("when basket.paid >= 1.2345 EUR then award 1 points"),
            &[("too-many-decimals", "`1.23 EUR`")],
        );
        gives(&earn("when 5.00001% > 1% then award 1 points"), &[("too-many-decimals", "4 decimals")]);
        gives(
            &earn("when 0.5 pcs > 1 pcs then award 1 points"),
            &[("too-many-decimals", "whole numbers only")],
        );
        gives(&earn("when count(lines) > 1.000 then award 1 points"), &[("decimal-or-thousands", "1_000")]);
        gives(
            &earn("when basket.paid > 5 eur then award 1 points"),
            &[("unknown-unit", "did you mean `EUR`?")],
        );
        gives(
            &earn("when basket.paid > 5 pionts then award 1 points"),
            &[("unknown-unit", "did you mean `points`?")],
        );
        gives(
            &earn("when event.date > 2026-02-30 then award 1 points"),
            &[("impossible-date", "2026-02-30")],
        );
        gives(
            &earn("when basket.paid then award 1 points"),
            &[("mismatched-types", "expected is true or false")],
        );
        gives(
            &earn("when basket.paid * basket.paid > 1 EUR then award 1 points"),
            &[("mismatched-units", "money and money cannot be multiplied")],
        );
        gives(&earn("then award 5 of basket.paid as points"), &[("missing-unit", "write `5%`")]);
        gives(&earn("then award 5"), &[("missing-unit", "5 points")]);
        gives(&earn("then award 5% of basket.paid"), &[("mismatched-types", "5% of basket.paid as points")]);
        gives(&earn("then award 5 points to chips"), &[("wrong-account", "account `chips` takes chips")]);
        gives(&earn("then award 5 points to bons"), &[("not-an-account", "did you mean `bonus`?")]);
        gives(
            &earn("when count(lines) as points > 1 points then award 1 points"),
            &[("wrong-conversion", "cannot become points")],
        );
        gives(&earn("when event.weekday > 5 then award 1 points"), &[("mismatched-types", "a `Weekday`")]);
        gives(
            &earn("when 99_999_999_999_999_999_999 EUR > basket.paid then award 1 points"),
            &[("number-out-of-range", "99")],
        );
        gives(&earn("when basket.paid / 0 > 1 EUR then award 1 points"), &[("division-by-zero", "`0`")]);
        gives(
            &earn("when any(payments where payment.type > cash) then award 1 points"),
            &[("not-comparable", "enum PaymentType ordered")],
        );
        gives(
            &earn("when basket.paid in 10 EUR through 5 EUR then award 1 points"),
            &[("empty-range", "nothing lies")],
        );
    }

    #[test]
    fn references_and_texts() {
        gives(
            &earn("when purchase.channel = \"app\" then award 1 points"),
            &[("text-for-reference", "purchase in channel \"app\"")],
        );
        gives(
            &earn("when any(lines where line.category = category \"Tea\") then award 1 points"),
            &[("equality-with-reference", "line in category \"Tea\"")],
        );
        gives(
            &earn("when purchase.channel != channel \"app\" then award 1 points"),
            &[("maybe-unknown", "purchase.channel")],
        );
        gives(
            &earn("when purchase in segment \"A\" then award 1 points"),
            &[(
                "wrong-reference-kind",
                "it can be in `campaign`, `channel`, `country`, `coupon_code` and `store`",
            )],
        );
        gives(
            &earn("when purchase.source in segment \"A\" then award 1 points"),
            &[("wrong-reference-kind", "purchase.source in campaign")],
        );
        gives(
            &earn("when purchase in chanel \"A\" then award 1 points"),
            &[("unknown-name", "did you mean `channel`?")],
        );
        gives(
            &earn("when any(payments where payment.type = \"cash\") then award 1 points"),
            &[("text-for-value", "write `cash`")],
        );
        gives(
            &earn("when event.weekday in [sat, Sun] then award 1 points"),
            &[("unknown-value", "did you mean `sun`?")],
        );
        gives(
            &earn("when any(lines where line.sku in [\"A\", \"B\"]) then award 1 points"),
            &[("text-for-reference", "line.sku in sku [\"A\", \"B\"]")],
        );
        gives(&earn("let s = store \"A\" then award 1 points"), &[("reference-as-value", "in store")]);
        gives(
            &earn("when member known and member in store \"A\" then award 1 points")
                .replace("favourite_shop: store?", "favourite_shop: store? other_shop: store?"),
            &[("ambiguous-reference", "member.favourite_shop")],
        );
    }

    #[test]
    fn names() {
        gives(
            &earn("when bakset.paid > 1 EUR then award 1 points"),
            &[("unknown-name", "did you mean `basket`?")],
        );
        gives(
            &earn("when basket.payd > 1 EUR then award 1 points"),
            &[("unknown-field", "did you mean `paid`?")],
        );
        gives(&earn("when vip then award 1 points"), &[("unknown-name", "a value of `Tier`")]);
        gives(
            &earn("when line.paid > 1 EUR then award 1 points"),
            &[("wrong-element", "for each line in lines")],
        );
        gives(&earn("let a = 1 EUR let a = 2 EUR then award 1 points"), &[("duplicate-name", "`a`")]);
        gives(&earn("let member = 1 EUR then award 1 points"), &[("duplicate-name", "`member`")]);
        gives(&earn("when lines > 1 then award 1 points"), &[("collection-as-value", "count(lines)")]);
        gives(&earn("when member then award 1 points"), &[("record-as-value", "`tier`")]);
        gives(
            &earn("let a = basket.paid when any(a where line.paid > 1 EUR) then award 1 points"),
            &[("not-a-collection", "`a` is money")],
        );
        gives(
            &earn("when any(lines where line.pieces > ?) then award 1 points"),
            &[("expected-here", "line.pieces")],
        );
        gives(
            &format!("{FRAME}\nparam rate: percent = 1%\nparam Rate: percent = 1%"),
            &[("look-alike-names", "`Rate` looks like `rate`")],
        );
        gives(
            &format!("{FRAME}\nparam rate: percent = 1%\nparam rate: percent = 1%"),
            &[("duplicate-name", "the first")],
        );
        gives(
            &format!("{FRAME}\nextend member {{ a: monye }}"),
            &[("unknown-type", "did you mean `money`?")],
        );
        gives(
            &format!("{FRAME}\nextend membr {{ a: money }}"),
            &[("unknown-name", "did you mean `member`?")],
        );
        gives(&format!("{FRAME}\nextend line {{ a: money scale 1 }}"), &[("wrong-scale", "write `2`")]);
        gives(&format!("{FRAME}\nenum Kind {{ a, b, a }}"), &[("duplicate-name", "`a`")]);
        gives(&earn("then award sum(lines) as points"), &[("missing-value", "sum(line.paid for lines)")]);
        gives(&earn("when all(lines) then award 1 points"), &[("missing-value", "all(lines where …)")]);
    }

    #[test]
    fn events() {
        let on = |event: &str, rule: &str| {
            format!(
                "{FRAME}\ngroup g {{ kind earn displace none on {event} rule r {{ {rule} then award 1 points }} }}"
            )
        };
        clean(&on("survey", "when event.score known and event.score >= 9"));
        clean(&on("purchase, return", "when event.store known"));
        gives(
            &on("purchase, survey", "when event.store known"),
            &[("wrong-event", "a `survey` has no `event.store`")],
        );
        gives(&on("purchase", "when survey.score known"), &[("wrong-event", "is there on `survey`")]);
        gives(&on("purchase", "when event.score known"), &[("wrong-event", "is there on `survey`")]);
        gives(&on("quiz", ""), &[("unknown-event", "events of this program are")]);
        gives(&on("purchase", "").replace("on purchase", ""), &[("missing-event", "on purchase")]);
        gives(&on("purchase", "on return"), &[("event-outside-group", "does not hear `return`")]);
        gives(
            &format!("{}\nsegment big = basket.paid > 5 EUR", on("registration", "when big")),
            &[("wrong-event", "`big` is there on `purchase`, `return` and `order`")],
        );
    }

    #[test]
    fn groups() {
        let group = |clauses: &str| {
            format!("{FRAME}\ngroup g {{ {clauses} on purchase rule r {{ then discount 5% on lines }} }}")
        };
        clean(&group("kind line_discount displace none on_price running"));
        gives(
            &format!("{FRAME}\ngroup g {{ kind earn displace none on purchase when basket.paid > 5 }}"),
            &[("missing-unit", "5 EUR")],
        );
        gives(
            &format!(
                "{FRAME}\ngroup g {{ kind earn displace none on purchase when basket.paid > 5
                   rule a {{ then award 1 points }} rule b {{ then award 2 points }} }}"
            ),
            &[("missing-unit", "5 EUR")],
        );
        gives(&group("kind line_discount displace none"), &[("missing-on-price", "on_price original")]);
        gives(&group("kind line_discount on_price running"), &[("missing-clause", "`displace`")]);
        gives(&group("displace none on_price running"), &[("missing-clause", "`kind`")]);
        gives(&group("kind discount displace none on_price running"), &[("unknown-word", "line_discount")]);
        gives(
            &group("kind line_discount displace best for member on_price running"),
            &[("missing-scope", "per line")],
        );
        gives(
            &group("kind line_discount displace none on_price running excludes group g"),
            &[("cannot-exclude", "itself")],
        );
        gives(
            &group("kind line_discount displace none on_price running excludes group h"),
            &[("unknown-name", "group `h`")],
        );
        gives(
            &group("kind line_discount kind line_discount displace none on_price running"),
            &[("repeated-clause", "kind")],
        );
        gives(
            &group("kind line_discount displace none on_price running")
                .replace("rounding half_up }", "rounding half_up order g, h, g }"),
            &[("unknown-name", "`h`"), ("repeated-clause", "`g` stands twice")],
        );
        gives(
            &format!("{FRAME}\nrule r {{ on purchase then award 1 points }}"),
            &[("rule-without-group", "`r`")],
        );
        gives(
            &earn("then award 1 points").replace("displace none", "displace chain"),
            &[("wrong-displacement", "chain")],
        );
        gives(
            &earn("then { award 1 points award 1 chips }")
                .replace("displace none", "displace best for member per line"),
            &[("no-worth", "`chips`")],
        );
        gives(
            &earn("then award basket.paid / 1 EUR * 1 chips"),
            &[("missing-rounding", "round down per basket")],
        );
        clean(&earn("then award 2 chips * steps of 5 EUR in basket.paid"));
    }

    #[test]
    fn discounts() {
        gives(&discount("then discount 3 EUR on basket"), &[("missing-spread", "spread by paid")]);
        clean(
            &discount("then discount 3 EUR on basket")
                .replace("rounding half_up }", "rounding half_up spread rounded down rest first_lines }"),
        );
        gives(
            &discount("then price 40 EUR each for lines"),
            &[("price-each-line", "each line, or each piece")],
        );
        gives(&discount("then price 40 EUR total for lines"), &[("missing-spread", "spread by paid")]);
        gives(&discount("then price 40 EUR each for units spread by paid"), &[("needless-spread", "each")]);
        gives(&discount("then discount 5 on lines"), &[("missing-unit", "5%")]);
        gives(
            &discount(
                "when member known let rate = by member.tier { vip => 120%, otherwise => 5% } then discount rate on lines",
            ),
            &[("percent-out-of-range", "120%")],
        );
        gives(&discount("then discount 5% on payments"), &[("wrong-element", "lines or units")]);
        gives(
            &discount("then discount p on lines")
                .replace("group g", "param p: percent = 5% in 0% through 150%\ngroup g"),
            &[("percent-out-of-range", "150%")],
        );
        gives(&discount("then discount 5% on lines spread by weight"), &[("unknown-word", "paid")]);
    }

    #[test]
    fn programs() {
        gives(
            "language 2\nprogram p { currency EUR zone \"UTC\" rounding up }",
            &[("unknown-language", "`2`")],
        );
        gives("language 1", &[("missing-program", "program demo")]);
        gives(
            "program p { currency EUR zone \"UTC\" rounding up }\nprogram q { currency EUR zone \"UTC\" rounding up }",
            &[("second-program", "`q`")],
        );
        gives(
            "program p { currency eur zone \"UTC\" rounding up }",
            &[("unknown-currency", "did you mean `EUR`?")],
        );
        gives("program p { currency EUR zone \"Mars/Base 1\" rounding up }", &[("unknown-zone", "Mars")]);
        gives("program p { currency EUR zone \"UTC\" }", &[("missing-clause", "`rounding`")]);
        gives("program p { currency EUR zone \"UTC\" rounding bankers }", &[("unknown-word", "half_even")]);
        clean(
            "program p { currency JPY zone \"Asia/Tokyo\" rounding up week_starts monday tax on_top rounded half_up }",
        );
        gives(&format!("{FRAME}\naccount a {{ unit b round down }}"), &[("missing-clause", "per basket")]);
        gives(
            &format!("{FRAME}\naccount a {{ decimals 2 }}").replace("{ decimals 2 }", "{ redeemable }"),
            &[("missing-clause", "`unit`")],
        );
    }

    #[test]
    fn tests_in_the_language() {
        let text = format!(
            "{}\ntest \"t\" {{
               with p = 7%
               given member \"m1\" {{ tier = vip, active = true, birthday = 1980-05-01, segments = [\"A\", \"B\"] }}
               given product \"P-1\" {{ category = \"Tea\", points_each = 3 points }}
               given list \"Care\" {{ members = [\"A\", \"B\"] }}
               given category \"Green tea\" {{ parent = \"Tea\" }}
               given purchase \"p1\" at 2026-03-02 10:15 {{
                 store = \"Centre\"
                 line {{ sku = \"P-1\", qty = 2 pcs, price = 3.1250 EUR, category = category \"Tea\", weight = 1.5 kg }}
                 payment {{ type = cash, amount = -5 EUR }}
               }}
               expect {{
                 award 59 points by rule r on line 1
                 rule r fires
                 rule r silent
                 rule r displaced by r
                 rule r limited to 10 points
                 rule r fails
                 discount 3.00 EUR on line 1 unit 2
                 total 85.00 EUR
               }}
             }}
             test \"no sum\" rejects mismatched-units {{
               rule bad {{ on purchase when basket.paid + 10 points > 0 EUR then award 1 points }}
             }}",
            earn("then award p of basket.paid as points").replace("group g", "param p: percent = 5%\ngroup g")
        );
        let checked = check_text(&text);
        assert!(checked.diagnostics.is_empty(), "{}", show(&checked.diagnostics, &text));
        let TestBody::Runs(steps) = &checked.program.tests[0].body else { panic!("does not run") };
        let shown = format!("{steps:?}");
        for part in [
            "([\"price\"], Text(\"3.1250\"))",
            "([\"pieces\"], Text(\"2\"))",
            "([\"weight\"], Text(\"1.5\"))",
            "([\"tier\"], Text(\"vip\"))",
            "([\"amount\"], Text(\"-5\"))",
            "([\"segments\"], List([\"A\", \"B\"]))",
            "([\"parent\"], Text(\"Tea\"))",
            "at: \"2026-03-02T10:15:00\"",
            "With(ParamId(0), 70000)",
            "Total(8500)",
        ] {
            assert!(shown.contains(part), "{part} is not in {shown}");
        }
        let TestBody::Rejects { expected, found } = &checked.program.tests[1].body else {
            panic!("does not reject")
        };
        assert_eq!(
            (expected.as_str(), found.as_slice()),
            ("mismatched-units", ["mismatched-units".to_string()].as_slice())
        );
    }

    #[test]
    fn tests_that_are_wrong() {
        let test = |body: &str| format!("{}\ntest \"t\" {{ {body} }}", earn("then award 1 points"));
        gives(&test("expect nothing"), &[("nothing-happened", "given purchase")]);
        gives(
            &test("given purchase at 2026-03-02 10:15 { stor = \"A\" }"),
            &[("unknown-field", "did you mean")],
        );
        gives(&test("given purchase at 2026-03-02 10:15 { line { qty = 2 } }"), &[("missing-unit", "2 pcs")]);
        gives(&test("given member \"m\" { tier = gold }"), &[("unknown-value", "gold")]);
        gives(&test("given purchase {}"), &[("missing-clause", "when it happens")]);
        gives(
            &test("after 3 days given purchase at 2026-03-02 10:15 {} expect nothing"),
            &[("nothing-happened", "given purchase")],
        );
        gives(
            &test("given purchase at 2026-03-02 10:15 {} expect balance bonus = 5 chips"),
            &[("mismatched-types", "5 chips")],
        );
        gives(
            &format!("{FRAME}\ntest \"t\" rejects unit_mismatch {{ }}"),
            &[("unknown-name", "unit_mismatch")],
        );
    }

    #[test]
    fn all_errors_of_a_file_in_its_order() {
        let found = errors_of(&earn(
            "when basket.paid >= 500 when member.tier = vip when purchase.channel = \"app\" then { award 5 award 5% of baskt.paid as points }",
        ));
        let names: Vec<&str> = found.iter().map(|diagnostic| diagnostic.name).collect();
        assert_eq!(
            names,
            ["missing-unit", "maybe-unknown", "text-for-reference", "missing-unit", "unknown-name"]
        );
        assert!(found.windows(2).all(|pair| pair[0].place.span.start <= pair[1].place.span.start));
    }

    #[test]
    fn instruments_are_used_as_they_are_made() {
        let coupon = |clauses: &str| {
            format!("{FRAME}\ncoupon spring {{ {clauses} then discount 5% on basket spread by paid }}")
        };
        clean(&coupon("codes shared \"SPRING\" uses 2 times per member"));
        gives(&coupon(""), &[("missing-clause", "`codes`")]);
        gives(&coupon("codes unique codes unique"), &[("repeated-clause", "`codes`")]);
        gives(&coupon("codes shared \"A\" expires after 3 days"), &[("wrong-instrument", "`valid`")]);
        gives(&coupon("codes unique expires after 3 EUR"), &[("mismatched-types", "3 EUR")]);
        gives(&coupon("codes unique priority 3"), &[("wrong-instrument", "in group")]);
        gives(&coupon("codes unique not with coupon spring"), &[("wrong-instrument", "not the same one")]);
        gives(&coupon("codes unique not with coupon sprang"), &[("unknown-name", "`spring`")]);
        gives(&coupon("codes unique uses 2 times per store"), &[("unknown-word", "`store`")]);
        let twice = "coupon a { codes shared \"CODE\" then discount 5% on basket spread by paid }
            coupon b { codes shared \"c-0de\" then discount 5% on basket spread by paid }";
        gives(&format!("{FRAME}\n{twice}"), &[("duplicate-name", "code")]);
        let issues = |declaration: &str, effect: &str| {
            format!(
                "{FRAME}\n{declaration}\ngroup g {{ kind state displace none on purchase when member known
                 rule r {{ then {effect} }} }}"
            )
        };
        clean(&issues("certificate gift {}", "issue certificate gift for 5 EUR"));
        gives(&issues("certificate gift {}", "issue certificate gift"), &[("missing-clause", "its value")]);
        gives(
            &issues("certificate gift {}", "issue 2 certificate gift for 5 EUR"),
            &[("wrong-instrument", "one")],
        );
        gives(&issues("badge fan", "issue badge fan expires after 3 days"), &[("wrong-instrument", "end")]);
        clean(&issues("", "set member.favourite_shop to store \"Rome\""));
        gives(&issues("", "set member.favourite_shop to purchase.store"), &[("maybe-unknown", "store")]);
        gives(&issues("", "set member.favourite_shop to 5"), &[("mismatched-types", "store")]);
        gives(&issues("", "set member.favourites to sku \"A\""), &[("cannot-set", "favourites")]);
        gives(&issues("", "set member.tire to vip"), &[("unknown-field", "tier")]);
        gives(
            &issues("badge fan", "issue badge fan").replace("when member known", ""),
            &[("maybe-unknown", "member known")],
        );
    }

    #[test]
    fn levels_ascend_and_say_what_becomes_of_members() {
        let tiers = |clauses: &str| {
            format!(
                "language 1
                 program demo {{ currency EUR zone \"Europe/Berlin\" rounding half_up }}
                 account chips {{ unit chips decimals 0 }}
                 extend member {{ spent: money = 0 EUR }}
                 tiers club {{ {clauses} }}"
            )
        };
        let whole =
            "measure member.spent level base from 0 EUR level vip from 9 EUR upgrade at_once downgrade never";
        clean(&tiers(whole));
        gives(&tiers(&whole.replace("9 EUR", "0 EUR")), &[("level-order", "`vip`")]);
        gives(&tiers(&whole.replace("9 EUR", "9 chips")), &[("mismatched-types", "chips")]);
        gives(&tiers(&whole.replace("downgrade never", "")), &[("missing-clause", "`downgrade`")]);
        gives(&tiers(&whole.replace("never", "one_level")), &[("missing-clause", "`review`")]);
        gives(
            &tiers(&whole.replace("measure member.spent", "")),
            &[("missing-clause", "what is measured"), ("missing-clause", "what is measured")],
        );
        gives(&tiers(&format!("{whole} downgrade never")), &[("repeated-clause", "`downgrade`")]);
    }

    #[test]
    fn every_name_is_listed_once_and_in_order() {
        assert!(NAMES.windows(2).all(|pair| pair[0] < pair[1]));
    }
}

mod imports {
    use super::*;

    fn with_import(main: &str, library: &str) -> Checked {
        let (main_tree, syntax) = tree(0, "a.rule", main);
        let (library_tree, more) = tree(1, "common/seg.rule", library);
        let import = Import {
            from: FileId(0),
            written: "common/seg.rule".into(),
            hash: "9f8b5ec0aa11bb22cc33".into(),
            source: library_tree,
        };
        let mut checked = check(&[main_tree], &[import]);
        checked.diagnostics.extend(syntax.into_iter().chain(more));
        checked
    }

    const LIBRARY: &str = "segment regulars = member known and member.tier >= advanced
        define net(line: line) gives money = line.paid / 2
        define everything() gives lines = lines
        param rate: percent = 2%";

    fn names(checked: &Checked) -> Vec<&'static str> {
        checked.diagnostics.iter().map(|diagnostic| diagnostic.name).collect()
    }

    #[test]
    fn names_are_qualified() {
        let main = |rule: &str| format!("use \"common/seg.rule\" as seg sha \"9f8b5ec0\"\n{}", earn(rule));
        let checked = with_import(
            &main(
                "when seg.regulars and member.tier = vip then for each l in seg.everything { award seg.rate of seg.net(l) as points }",
            ),
            LIBRARY,
        );
        assert!(checked.diagnostics.is_empty(), "{}", show(&checked.diagnostics, ""));
        assert_eq!(
            names(&with_import(&main("when regulars then award 1 points"), LIBRARY)),
            ["unknown-name"]
        );
        assert_eq!(
            names(&with_import(&main("when seg.regular then award 1 points"), LIBRARY)),
            ["unknown-name"]
        );
        assert_eq!(
            names(&with_import(&main("then award 1 points").replace("9f8b5ec0", "9f8b5ec1"), LIBRARY)),
            ["wrong-hash"]
        );
        assert_eq!(
            names(&with_import(&main("then award 1 points").replace("9f8b5ec0", "9f8b"), LIBRARY)),
            ["wrong-hash"]
        );
        assert_eq!(
            names(&with_import(&main("then award 1 points").replace("seg.rule", "sg.rule"), LIBRARY)),
            ["unknown-file"]
        );
    }
}

mod trees {
    use super::*;

    #[test]
    fn a_rule_has_its_groups_clauses_before_its_own() {
        let text = format!(
            "{FRAME}
             group g {{ kind earn displace none on purchase when member known let spent = basket.paid
               rule r {{ when spent > 5 EUR then award 5% of spent as points rounded half_even }} }}"
        );
        let checked = check_text(&text);
        assert!(checked.diagnostics.is_empty(), "{}", show(&checked.diagnostics, &text));
        let steps = &checked.program.rules[0].steps;
        assert!(matches!(steps[0], Step::When(_)));
        assert!(matches!(steps[1], Step::Let(..)));
        assert!(matches!(steps[2], Step::When(_)));
        let Step::Award { amount, rounding, element, .. } = &steps[3] else { panic!("no award") };
        assert_eq!(*rounding, Some(perq_compiler::ir::Rounding::HalfEven));
        assert!(element.is_none());
        assert!(matches!(amount.kind, ExprKind::Convert { rounding: None, .. }));
    }

    #[test]
    fn a_field_knows_the_events_that_have_it() {
        let text = format!(
            "{FRAME}\ndefine late() gives bool = event.days_late > 3
             group g {{ kind earn displace none on shipment rule r {{ when late() then award 1 points }} }}"
        );
        let checked = check_text(&text);
        assert!(checked.diagnostics.is_empty(), "{}", show(&checked.diagnostics, &text));
        let field = checked.program.fields.iter().find(|field| field.name == "event.days_late").unwrap();
        assert!(matches!(field.ty, perq_compiler::typed::Type::Number), "{field:?}");
        let names = field.events.iter().map(|event| checked.program.events[event.index()].name.as_str());
        assert_eq!(names.collect::<Vec<_>>(), ["shipment"]);
    }

    #[test]
    fn prelude_and_reserved_files_are_clean() {
        let found = errors_of(FRAME);
        assert!(found.is_empty(), "{}", show(&found, FRAME));
        assert!(found.iter().all(|diagnostic| diagnostic.severity == Severity::Error));
    }

    #[test]
    fn long_chains_and_deep_nests_end_well() {
        let chain = vec!["basket.paid > 1 EUR"; 20_000].join(" and ");
        clean(&earn(&format!("when {chain} then award 1 points")));
        let sum = vec!["1 EUR"; 20_000].join(" + ");
        clean(&earn(&format!("when basket.paid > {sum} then award 1 points")));
        let lets: String = (0..2_000).map(|n| format!("let n{n} = {n} EUR\n")).collect();
        clean(&earn(&format!("{lets} then award 1 points")));
        let defines: String = (0..2_000)
            .map(|n| {
                format!(
                    "define d{n}(m: money) gives money = {}\n",
                    if n == 0 { "m".into() } else { format!("d{}(m)", n - 1) }
                )
            })
            .collect();
        clean(&format!("{FRAME}\n{defines}"));
        for depth in [10, 60, 100, 127, 500] {
            let deep = format!("{}basket.paid > 1 EUR{}", "not (".repeat(depth), ")".repeat(depth));
            errors_of(&earn(&format!("when {deep} then award 1 points")));
            let deep = format!("{}1 EUR{}", "(1 EUR + ".repeat(depth), ")".repeat(depth));
            errors_of(&earn(&format!("when basket.paid > {deep} then award 1 points")));
            let deep =
                format!("{}1{}", "by count(lines) { 0 => ".repeat(depth), ", otherwise => 2 }".repeat(depth));
            errors_of(&earn(&format!("when 1 < {deep} then award 1 points")));
            let deep = format!("{}true{}", "any(lines where ".repeat(depth), ")".repeat(depth));
            errors_of(&earn(&format!("when {deep} then award 1 points")));
            let deep =
                format!("{}award 1 points{}", "for each line in lines { ".repeat(depth), " }".repeat(depth));
            errors_of(&earn(&format!("then {deep}")));
        }
    }
}

mod pages {
    use super::*;
    use std::path::Path;

    /// The `rule` fences of a page: what stands after the word, and the text.
    fn fences(page: &str) -> Vec<(String, String)> {
        let mut fences = Vec::new();
        let mut open: Option<(String, String)> = None;
        for line in page.lines() {
            match &mut open {
                Some(_) if line == "```" => fences.extend(open.take()),
                Some((_, text)) => {
                    text.push_str(line);
                    text.push('\n');
                }
                None => {
                    open = line.strip_prefix("```rule").map(|info| (info.trim().to_owned(), String::new()));
                }
            }
        }
        fences
    }

    #[test]
    fn every_diagnostic_has_a_page_whose_examples_hold() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/diagnostics");
        let mut wrong = String::new();
        for name in NAMES {
            let page = std::fs::read_to_string(folder.join(format!("{name}.md"))).unwrap_or_default();
            let fences = fences(&page);
            if !page.starts_with(&format!("# {name}\n")) || fences.len() < 2 {
                wrong.push_str(&format!("{name}: no page of the right shape\n"));
            }
            for (info, text) in fences {
                let found = errors_of(&text);
                let names: Vec<&str> = found.iter().map(|diagnostic| diagnostic.name).collect();
                let severe = found.iter().any(|diagnostic| diagnostic.severity == Severity::Error);
                let expected = info.split_once('=');
                let as_promised = match expected {
                    Some((severity, wanted)) => {
                        names.iter().all(|name| *name == wanted)
                            && !names.is_empty()
                            && wanted == *name
                            && (severity == "error") == severe
                    }
                    None => names.is_empty(),
                };
                if !as_promised {
                    wrong.push_str(&format!("{name}: `{info}` gives\n{}", show(&found, &text)));
                }
            }
        }
        assert!(wrong.is_empty(), "{wrong}");
    }
}
