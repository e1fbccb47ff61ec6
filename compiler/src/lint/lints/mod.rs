//! The list of lints, and what several of them share.

use super::{Facts, Group, Level, Lint};
use perq_grammar::ast::{Header, ItemKind};
use perq_grammar::diagnostic::{Diagnostic, FileId, Place, Span};

/// Names the files of lints and their pages: one line for each.
macro_rules! lints {
    ($($module:ident $name:literal)*) => {
        $(mod $module;)*
        /// All of them, by name.
        pub const LINTS: &[Lint] = &[$(Lint {
            name: $name,
            page: include_str!(concat!("../../../../docs/lints/", $name, ".md")),
            ..$module::LINT
        }),*];
    };
}

lints! {
    all_over_nothing "all-over-nothing"
    always_true "always-true"
    amount_above_limit "amount-above-limit"
    award_of_nothing "award-of-nothing"
    clock_change "clock-change"
    coupon_without_expiry "coupon-without-expiry"
    double_negation "double-negation"
    empty_group "empty-group"
    endless_history "endless-history"
    equal_sides "equal-sides"
    implied_condition "implied-condition"
    limit_above_group "limit-above-group"
    limit_never_reached "limit-never-reached"
    limit_of_zero "limit-of-zero"
    lint_without_effect "lint-without-effect"
    lint_without_reason "lint-without-reason"
    loop_invariant "loop-invariant"
    missing_expiry "missing-expiry"
    missing_limit "missing-limit"
    missing_shortfall "missing-shortfall"
    missing_title "missing-title"
    name_not_in_tables "name-not-in-tables"
    needless_parentheses "needless-parentheses"
    never_matches "never-matches"
    never_true "never-true"
    never_wins "never-wins"
    one_of_many "one-of-many"
    overlapping_periods "overlapping-periods"
    padded_name "padded-name"
    past_date "past-date"
    percent_of_part "percent-of-part"
    percent_over_whole "percent-over-whole"
    price_without_pieces "price-without-pieces"
    priority_without_effect "priority-without-effect"
    rate_falls "rate-falls"
    redemption_without_share "redemption-without-share"
    repeated_aggregate "repeated-aggregate"
    repeated_condition "repeated-condition"
    repeated_value "repeated-value"
    same_arms "same-arms"
    same_rule_twice "same-rule-twice"
    same_test_name "same-test-name"
    same_title "same-title"
    selects_nothing "selects-nothing"
    similar_names "similar-names"
    test_without_expectation "test-without-expectation"
    unknown_lint "unknown-lint"
    untested_rule "untested-rule"
    unused_account "unused-account"
    unused_certificate "unused-certificate"
    unused_counter "unused-counter"
    unused_coupon "unused-coupon"
    unused_define "unused-define"
    unused_enum "unused-enum"
    unused_import "unused-import"
    unused_let "unused-let"
    unused_param "unused-param"
    unused_segment "unused-segment"
    unused_table "unused-table"
    unused_template "unused-template"
    whole_schedule "whole-schedule"
}

/// A finding; the list gives it its name.
fn finding(place: Place, message: impl Into<String>) -> Diagnostic {
    Diagnostic::warning("", place, message)
}

fn at(file: FileId, span: Span) -> Place {
    Place { file, span }
}

/// Reports the declarations of one kind that nothing outside of tests mentions.
fn unused(
    facts: &Facts<'_>,
    found: &mut Vec<Diagnostic>,
    word: &str,
    header_of: impl Fn(&ItemKind) -> Option<&Header>,
) {
    for (tree, item) in facts.items() {
        let Some(header) = header_of(&item.kind) else { continue };
        if facts.mentions(&header.name.text) > 1 {
            continue;
        }
        let place = at(tree.file, header.name.span);
        let message = format!("nothing but tests uses the {word} `{}`", header.name.text);
        found.push(finding(place, message).help("take it away, or use it"));
    }
}
