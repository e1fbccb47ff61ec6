//! Every sentence the checker says, and the names of its diagnostics. It refuses to decide when they are said.
//!
//! A message is for the author of a rule: lower case, no full stop, their own text in backticks. A label says what an
//! operand is and where that comes from; a repair is text that can be pasted.

use super::choices::MAX_COLUMNS;
use super::types::Decimal;
use perq_grammar::diagnostic::{Diagnostic, Place};

/// Names of all diagnostics of the checker, in alphabetical order, but for those of the sizes of whole programs, which no
/// test can expect.
pub const NAMES: &[&str] = &[
    "always-known",
    "ambiguous-reference",
    "batch-only",
    "budget-unit",
    "bundle-limit",
    "calendar-duration",
    "cannot-exclude",
    "cannot-set",
    "collection-as-value",
    "compared-with-itself",
    "constant-expected",
    "date-order",
    "decimal-or-thousands",
    "division-by-zero",
    "duplicate-name",
    "effective-with-valid",
    "empty-range",
    "equality-with-reference",
    "event-outside-group",
    "expected-here",
    "gap-between-bands",
    "history-gap",
    "history-order",
    "impossible-date",
    "level-order",
    "limit-times",
    "limit-unit",
    "limit-window",
    "look-alike-names",
    "maybe-unknown",
    "mismatched-types",
    "mismatched-units",
    "missing-argument",
    "missing-clause",
    "missing-event",
    "missing-on-price",
    "missing-program",
    "missing-rounding",
    "missing-scope",
    "missing-spread",
    "missing-unit",
    "missing-value",
    "month-day-missing",
    "multiplier-below-one",
    "needless-spread",
    "never-available",
    "no-origin",
    "no-worth",
    "not-a-collection",
    "not-an-account",
    "not-comparable",
    "not-exhaustive",
    "not-of-the-bundle",
    "not-redeemable",
    "nothing-happened",
    "number-out-of-range",
    "other-currency",
    "overlapping-bands",
    "overlapping-rows",
    "overlapping-versions",
    "percent-out-of-range",
    "pick-zero",
    "price-each-line",
    "priority-tie",
    "record-as-value",
    "recursive-definition",
    "redemption-choice",
    "reference-as-value",
    "repeated-clause",
    "rule-without-group",
    "second-program",
    "stage-order",
    "text-for-reference",
    "text-for-value",
    "time-goes-back",
    "too-many-decimals",
    "too-many-rows",
    "two-governors",
    "unbounded-history",
    "unit-taken",
    "unknown-currency",
    "unknown-event",
    "unknown-field",
    "unknown-file",
    "unknown-language",
    "unknown-name",
    "unknown-type",
    "unknown-unit",
    "unknown-value",
    "unknown-word",
    "unknown-zone",
    "unreachable-row",
    "valid-after-effect",
    "value-outside-range",
    "wrong-account",
    "wrong-arbitration",
    "wrong-arguments",
    "wrong-contacts",
    "wrong-conversion",
    "wrong-counter",
    "wrong-displacement",
    "wrong-effect",
    "wrong-element",
    "wrong-ensure",
    "wrong-event",
    "wrong-gift",
    "wrong-hash",
    "wrong-instrument",
    "wrong-list",
    "wrong-offer",
    "wrong-reference-kind",
    "wrong-scale",
    "wrong-show",
    "wrong-spendable",
    "wrong-window",
];

/// Whether a test may expect this diagnostic.
pub(super) fn is_name(name: &str) -> bool {
    all_names().any(|known| known == name)
}

/// All that a test may expect.
pub(super) fn all_names() -> impl Iterator<Item = &'static str> {
    NAMES.iter().copied()
}

/// `a`, `b` and `c`, in backticks.
fn listed(names: &[String]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        [rest @ .., last] => format!("{} and {last}", rest.join(", ")),
    }
}

/// The first few of several names.
fn some(names: &[String]) -> String {
    const MOST: usize = 14;
    match names.get(..MOST) {
        Some(shown) if names.len() > MOST => {
            let shown: Vec<String> = shown.iter().map(|name| format!("`{name}`")).collect();
            format!("{} and {} more", shown.join(", "), names.len().saturating_sub(MOST))
        }
        Some(_) | None => listed(names),
    }
}

/// `a line`, `an event`.
fn article(word: &str) -> &'static str {
    if word.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" }
}

trait Suggest {
    /// Did you mean this?
    fn suggest(self, near: Option<&str>) -> Diagnostic;
}

impl Suggest for Diagnostic {
    fn suggest(self, near: Option<&str>) -> Diagnostic {
        let place = self.place;
        match near {
            Some(near) => self.fix(format!("did you mean `{near}`?"), place, near),
            None => self,
        }
    }
}

// ---- the program

pub(super) fn unknown_language(place: Place, number: &str) -> Diagnostic {
    Diagnostic::error(
        "unknown-language",
        place,
        format!("language `{number}` is not known; this version reads language 1"),
    )
    .fix("write `1`", place, "1")
}

pub(super) fn unknown_file(place: Place, path: &str) -> Diagnostic {
    Diagnostic::error("unknown-file", place, format!("no file `{path}` was found"))
        .help("the path is relative to this file")
}

pub(super) fn wrong_hash(place: Place, path: &str, pin: &str, hash: &str) -> Diagnostic {
    let beginning = hash.get(..16).unwrap_or(hash);
    Diagnostic::error("wrong-hash", place, format!("`{path}` is not the file that was pinned"))
        .at(format!("pinned `{pin}`, found `{beginning}…`"))
        .fix(format!("if the change is wanted: `sha \"{beginning}\"`"), place, format!("\"{beginning}\""))
}

pub(super) fn bad_hash(place: Place, pin: &str, hash: Option<&str>) -> Diagnostic {
    let message = format!("`{pin}` is no beginning of a hash: at least 8 hexadecimal digits");
    let diagnostic = Diagnostic::error("wrong-hash", place, message);
    match hash.map(|hash| hash.get(..16).unwrap_or(hash)) {
        Some(beginning) => diagnostic.fix(
            format!("the file's hash begins with `{beginning}`"),
            place,
            format!("\"{beginning}\""),
        ),
        None => diagnostic,
    }
}

pub(super) fn missing_program(place: Place) -> Diagnostic {
    Diagnostic::error("missing-program", place, "no file says which program this is")
        .help("`program demo { currency EUR zone \"Europe/Berlin\" rounding half_up }`")
}

pub(super) fn second_program(place: Place, name: &str, first: Place) -> Diagnostic {
    Diagnostic::error(
        "second-program",
        place,
        format!("`{name}` is a second program in the same set of files"),
    )
    .label(first, "the first")
    .help("one folder holds one program; put shared declarations in a file without `program`")
}

pub(super) fn shared_too_often(place: Place) -> Diagnostic {
    Diagnostic::error(
        "program-too-large",
        place,
        "what groups and templates share, written out in each rule, comes to more than perq compiles",
    )
    .help("say it in fewer words, or with a `segment` or a `define`; or make fewer rules of it")
}

pub(super) fn checked_too_often(place: Place) -> Diagnostic {
    Diagnostic::error(
        "program-too-large",
        place,
        "the program would be checked too often: once more for each test that rejects or declares something",
    )
    .help("keep such tests in a program of their own, as short as they need")
}

pub(super) fn missing_clause(place: Place, what: &str, clause: &str, example: &str) -> Diagnostic {
    Diagnostic::error("missing-clause", place, format!("{what} does not say {clause}"))
        .help(format!("for example `{example}`"))
}

pub(super) fn wrong_offer(place: Place, why: &str) -> Diagnostic {
    Diagnostic::error("wrong-offer", place, format!("an offer cannot say this: {why}"))
}

pub(super) fn wrong_show(place: Place, why: &str) -> Diagnostic {
    Diagnostic::error("wrong-show", place, format!("this offer cannot be shown here: {why}"))
}

pub(super) fn wrong_ensure(place: Place, why: &str) -> Diagnostic {
    Diagnostic::error("wrong-ensure", place, format!("an `ensure` cannot say this: {why}"))
}

pub(super) fn wrong_arbitration(place: Place, why: &str) -> Diagnostic {
    Diagnostic::error("wrong-arbitration", place, format!("an arbitration cannot say this: {why}"))
}

/// A name that a catalogue does not have, although it has others of its kind; `near` as it would be written there.
pub fn not_in_catalogue(place: Place, kind: &str, name: &str, near: Option<&str>) -> Diagnostic {
    let message = format!("the catalogue has no {kind} `{}`", name.escape_debug());
    let diagnostic = Diagnostic::warning("unknown-name", place, message);
    match near {
        Some(near) => diagnostic.fix(format!("a name that it has: `{near}`"), place, near),
        None => diagnostic,
    }
}

pub(super) fn wrong_contacts(place: Place, why: &str) -> Diagnostic {
    Diagnostic::error("wrong-contacts", place, format!("a contact plan cannot say this: {why}"))
}

pub(super) fn bounds_conflict(place: Place, why: &str, other: Place, label: &str) -> Diagnostic {
    wrong_contacts(place, why).label(other, label)
}

pub(super) fn window_of_past(place: Place, text: &str, instead: &str) -> Diagnostic {
    Diagnostic::error(
        "wrong-window",
        place,
        format!("`{text}` looks back from one event; contacts are bounded in every window"),
    )
    .fix(format!("every window: `{instead}`"), place, instead)
}

pub(super) fn wrong_instrument(place: Place, what: &str, why: &str) -> Diagnostic {
    Diagnostic::error("wrong-instrument", place, format!("{what} cannot be used like this: {why}"))
}

pub(super) fn cannot_set(place: Place, field: &str, found: &str) -> Diagnostic {
    Diagnostic::error("cannot-set", place, format!("a rule cannot set `{field}`, which is {found}"))
        .help("a rule sets one value: a number, an amount, a day, a time, a name, a truth")
}

pub(super) fn tax_besides(place: Place, field: &str) -> Diagnostic {
    Diagnostic::error(
        "unknown-word",
        place,
        format!("`besides {field}` has no meaning where all tax is included"),
    )
    .help("it is a tax that the prices hold beside one that comes on top: `tax on_top … besides …`")
}

pub(super) fn bundle_of_pick(place: Place) -> Diagnostic {
    Diagnostic::error("bundle-limit", place, "a part of a bundle cannot take from a pick")
        .help("say in the part which units may be taken; which of them are is chosen by `best for member` or `best for retailer`")
}

pub(super) fn bundle_too_large(place: Place, most: usize) -> Diagnostic {
    Diagnostic::error("bundle-limit", place, format!("a bundle has at most {most} parts"))
        .help("parts whose units satisfy one condition together can be one part of more pieces")
}

pub(super) fn bundle_value(place: Place, bundle: &str) -> Diagnostic {
    Diagnostic::error("bundle-limit", place, "no value can be worked out of the pieces of a bundle").help(format!(
        "the sets of a bundle differ; give a share of their price (`discount 10% on {bundle}`), or a fixed amount",
    ))
}

pub(super) fn tender_group(place: Place) -> Diagnostic {
    Diagnostic::error("unknown-word", place, "`tender` is no kind of group")
        .help("points pay by a `redemption`, which stands in no group and is settled after all prices")
}

pub(super) fn wrong_spendable(place: Place, why: &str) -> Diagnostic {
    Diagnostic::error("wrong-spendable", place, format!("this cannot be asked when points are spent: {why}"))
}

pub(super) fn wrong_gift(place: Place, why: &str) -> Diagnostic {
    Diagnostic::error("wrong-gift", place, format!("this gift cannot be given: {why}"))
}

pub(super) fn kept_by_state(place: Place, record: &str, name: &str) -> Diagnostic {
    Diagnostic::error("unknown-field", place, format!("`{name}` of a {record} is kept, not given"))
        .help("let the events before bring it about")
}

pub(super) fn two_governors(place: Place, field: &str, tiers: &str, declared: Place) -> Diagnostic {
    Diagnostic::error("two-governors", place, format!("`{field}` is governed by tiers `{tiers}`"))
        .label(declared, "the levels")
        .help("only a rule `on registration` may set it, to place a new member")
}

pub(super) fn level_order(place: Place, level: &str, text: &str, before: Place) -> Diagnostic {
    Diagnostic::error(
        "level-order",
        place,
        format!("level `{level}` begins at `{text}`, not above the level before it"),
    )
    .label(before, "the level before begins here")
    .help("write the levels from the lowest to the highest")
}

pub(super) fn repeated_clause(place: Place, word: &str, what: &str) -> Diagnostic {
    Diagnostic::error("repeated-clause", place, format!("{what} says `{word}` once"))
}

pub(super) fn listed_twice(place: Place, name: &str) -> Diagnostic {
    Diagnostic::error("repeated-clause", place, format!("`{name}` stands twice in `order`"))
}

pub(super) fn unknown_currency(place: Place, code: &str, near: Option<&str>) -> Diagnostic {
    Diagnostic::error("unknown-currency", place, format!("`{code}` is no currency of ISO 4217")).suggest(near)
}

pub(super) fn unknown_zone(place: Place, zone: &str) -> Diagnostic {
    Diagnostic::error("unknown-zone", place, format!("`{zone}` is not the name of a time zone"))
        .help("for example `zone \"Europe/Berlin\"`")
}

pub(super) fn unknown_word(place: Place, what: &str, word: &str, words: &[&str]) -> Diagnostic {
    let near = super::names::nearest(word, words.iter().copied())
        .or_else(|| super::names::begun(word, words.iter().copied()).map(str::to_owned));
    let owned: Vec<String> = words.iter().map(|word| word.to_string()).collect();
    let diagnostic = Diagnostic::error("unknown-word", place, format!("`{word}` is not a {what}"));
    match near {
        Some(near) => diagnostic.suggest(Some(&near)),
        None => diagnostic.help(format!("one of {}", listed(&owned))),
    }
}

/// `per day`: a limit says for whom, and its window over what time.
pub(super) fn limit_of_period(place: Place, word: &str, who: &str, window: &str) -> Diagnostic {
    Diagnostic::error(
        "unknown-word",
        place,
        format!("`per` says for whom a limit counts, and `{word}` is a time"),
    )
    .help(format!("the time stands after `within`: `per {who} within {window}`"))
}

/// A word that another one means already.
pub(super) fn other_word(place: Place, word: &str, ours: &str) -> Diagnostic {
    Diagnostic::error("unknown-word", place, format!("`{word}` is written `{ours}` here")).suggest(Some(ours))
}

pub(super) fn unit_taken(place: Place, unit: &str, owner: &str, owner_place: Option<Place>) -> Diagnostic {
    let diagnostic =
        Diagnostic::error("unit-taken", place, format!("the unit `{unit}` belongs to {owner} already"));
    match owner_place {
        Some(owner_place) => diagnostic.label(owner_place, "the first account with this unit"),
        None => diagnostic,
    }
    .help("a unit belongs to one account: choose another word")
}

pub(super) fn money_account_decimals(place: Place, currency: &str, decimals: u8, found: u8) -> Diagnostic {
    Diagnostic::error(
        "too-many-decimals",
        place,
        format!("an account of {currency} keeps {decimals} decimals, not {found}"),
    )
    .fix(format!("write `{decimals}`"), place, decimals.to_string())
}

// ---- names

pub(super) fn duplicate_name(place: Place, what: &str, name: &str, earlier: Place) -> Diagnostic {
    Diagnostic::error("duplicate-name", place, format!("the {what} `{name}` is declared twice"))
        .label(earlier, "the first")
        .help("give this one another name")
}

/// Two rules of one name where it is not said which of them holds when.
pub(super) fn duplicate_rule(place: Place, name: &str, earlier: Place, help: &str) -> Diagnostic {
    Diagnostic::error("duplicate-name", place, format!("the rule `{name}` is declared twice"))
        .label(earlier, "the first")
        .help(help)
}

pub(super) fn overlapping_versions(place: Place, name: &str, day: &str, earlier: Place) -> Diagnostic {
    let message = format!("two versions of the rule `{name}` are valid on {day}");
    Diagnostic::error("overlapping-versions", place, message)
        .label(earlier, "the other version")
        .help("end one period before the other begins, such as `valid 2026-01-01 until 2026-07-01` and `valid from 2026-07-01`")
}

pub(super) fn duplicate_builtin(place: Place, name: &str) -> Diagnostic {
    Diagnostic::error("duplicate-name", place, format!("every event has a field `{name}` already"))
        .help("give this one another name")
}

pub(super) fn second_record(place: Place, name: &str) -> Diagnostic {
    Diagnostic::error("duplicate-name", place, format!("the record `{name}` exists already"))
        .help(format!("add fields with `extend {name} {{ … }}`"))
}

pub(super) fn taken_name(place: Place, name: &str) -> Diagnostic {
    Diagnostic::error("duplicate-name", place, format!("`{name}` means something else here already"))
        .help("give this one another name")
}

pub(super) fn look_alike_names(place: Place, name: &str, earlier: &str, earlier_place: Place) -> Diagnostic {
    Diagnostic::error(
        "look-alike-names",
        place,
        format!("`{name}` looks like `{earlier}` and is another name"),
    )
    .label(earlier_place, "the other")
    .help("names that differ only in case or in letters that look alike are not kept apart by readers")
}

pub(super) fn unknown_name(place: Place, what: &str, name: &str, near: Option<&str>) -> Diagnostic {
    Diagnostic::error("unknown-name", place, format!("there is no {what} `{name}`")).suggest(near)
}

/// A name that no value has; `fields` are the fields of that name, as they are written here.
pub(super) fn unknown_value_name(
    place: Place,
    name: &str,
    near: Option<&str>,
    fields: &[String],
) -> Diagnostic {
    let diagnostic = unknown_name(place, "name", name, near);
    match fields {
        [] => diagnostic,
        [field] => diagnostic.fix(format!("write `{field}`"), place, field.clone()),
        fields => diagnostic.help(format!("fields of that name are {}", some(fields))),
    }
}

pub(super) fn unknown_collection(place: Place, name: &str, near: Option<&str>) -> Diagnostic {
    let diagnostic = unknown_name(place, "collection", name, near);
    match near {
        Some(_) => diagnostic,
        None => diagnostic.help(
            "goods are `lines`, single pieces `units`; `payments` and, for what happened before, \
             `earlier purchases within …` are collections, too",
        ),
    }
}

/// `sum(line.paid)`
pub(super) fn value_without_collection(place: Place, text: &str, element: &str) -> Diagnostic {
    Diagnostic::error(
        "not-a-collection",
        place,
        format!("`{text}` is a field of one {element}, and of which is not said"),
    )
    .fix(format!("of all of them: `{text} for {element}s`"), place, format!("{text} for {element}s"))
}

/// `SUM(line.paid)`, `count(lines.filter(…))`
pub(super) fn aggregate_of_value(place: Place, word: &str, text: &str) -> Diagnostic {
    let example = match word {
        "count" | "any" => format!("{word}(lines where line in category \"Tea\")"),
        "all" => "all(lines where line.kind = product)".to_owned(),
        _ => format!("{word}(line.paid for lines where line in category \"Tea\")"),
    };
    Diagnostic::error(
        "not-a-collection",
        place,
        format!("`{word}` works on a collection, and `{text}` is none"),
    )
    .help(format!("for example `{example}`"))
}

/// `lines.count`
pub(super) fn field_of_collection(place: Place, collection: &str, field: &str) -> Diagnostic {
    let element = collection.trim_end_matches('s');
    let diagnostic = Diagnostic::error(
        "collection-as-value",
        place,
        format!("`{collection}` has no field `{field}`; one {element} has fields"),
    );
    match field {
        "count" | "length" | "size" => {
            let repair = format!("count({collection})");
            diagnostic.fix(format!("write `{repair}`"), place, repair)
        }
        _ => diagnostic.help(format!(
            "ask of all: `sum({element}.{field} for {collection})`, `any({collection} where {element}.{field} …)`"
        )),
    }
}

/// `store ("Rome", "Milan")`
pub(super) fn names_in_parentheses(place: Place, text: &str, list: &str) -> Diagnostic {
    Diagnostic::error("mismatched-types", place, format!("nothing can be `in` `{text}`")).fix(
        format!("several names stand in brackets: `{list}`"),
        place,
        list,
    )
}

/// A type as others call it.
pub(super) fn other_type(place: Place, name: &str, ours: &str) -> Diagnostic {
    Diagnostic::error("unknown-type", place, format!("`{name}` is written `{ours}` here")).fix(
        format!("write `{ours}`"),
        place,
        ours,
    )
}

pub(super) fn unknown_kind(place: Place, name: &str, kinds: &[String], near: Option<&str>) -> Diagnostic {
    let diagnostic = unknown_name(place, "kind of reference", name, near);
    match near {
        Some(_) => diagnostic,
        None => diagnostic.help(format!("kinds are {}", some(kinds))),
    }
}

pub(super) fn unknown_in_file(place: Place, alias: &str, name: &str, near: Option<&str>) -> Diagnostic {
    Diagnostic::error("unknown-name", place, format!("the file used as `{alias}` declares no `{name}`"))
        .suggest(near)
}

pub(super) fn unknown_diagnostic(place: Place, name: &str, near: Option<&str>) -> Diagnostic {
    Diagnostic::error("unknown-name", place, format!("there is no diagnostic `{name}`")).suggest(near)
}

pub(super) fn unknown_record(place: Place, name: &str, near: Option<&str>) -> Diagnostic {
    Diagnostic::error("unknown-name", place, format!("there is no record `{name}` to extend"))
        .suggest(near)
        .help("records are `member`, `line`, `product`, `payment` and the kinds of events")
}

pub(super) fn unknown_event(place: Place, name: &str, events: &[String], near: Option<&str>) -> Diagnostic {
    Diagnostic::error("unknown-event", place, format!("there is no kind of event `{name}`"))
        .suggest(near)
        .help(format!("events of this program are {}", some(events)))
}

pub(super) fn unknown_type(place: Place, name: &str, near: Option<&str>) -> Diagnostic {
    Diagnostic::error("unknown-type", place, format!("`{name}` is no type of a field")).suggest(near).help(
        "types are `money`, `percent`, `number`, `pcs`, `bool`, `date`, `time`, `instant`, the unit of an account, an \
         enum, a kind of reference, and `set of` a kind",
    )
}

pub(super) fn capital_type(place: Place, name: &str, ours: &str) -> Diagnostic {
    let message = format!("`{name}` is written `{ours}`, without a capital");
    Diagnostic::error("unknown-type", place, message).suggest(Some(ours))
}

pub(super) fn needless_argument(place: Place, ty: &str, argument: &str) -> Diagnostic {
    Diagnostic::error("unknown-type", place, format!("`{ty}[{argument}]` is no type"))
        .help("only `money`, `points` and `count` take a unit in brackets")
}

pub(super) fn wrong_field_type(place: Place, name: &str, described: &str) -> Diagnostic {
    Diagnostic::error("unknown-type", place, format!("a field cannot hold `{name}`, which is {described}"))
}

pub(super) fn wrong_param_type(place: Place, name: &str, described: &str) -> Diagnostic {
    Diagnostic::error("unknown-type", place, format!("the parameter `{name}` cannot be {described}")).help(
        "a parameter is a number with or without unit, true or false, a date, a time or a value of an enum",
    )
}

pub(super) fn wrong_reference_list(place: Place, name: &str, of: &str) -> Diagnostic {
    Diagnostic::error(
        "wrong-reference-kind",
        place,
        format!("`{name}` cannot be a list of `{of}`, which is a list itself"),
    )
}

pub(super) fn list_of_lists(place: Place, name: &str, of: &str) -> Diagnostic {
    wrong_reference_list(place, name, of)
}

pub(super) fn wrong_scale(place: Place, message: String) -> Diagnostic {
    Diagnostic::error("wrong-scale", place, message)
}

pub(super) fn needless_scale(place: Place, described: &str) -> Diagnostic {
    wrong_scale(place, format!("a field that holds {described} has no scale"))
}

pub(super) fn scale_too_small(place: Place, given: u32, least: u32) -> Diagnostic {
    wrong_scale(place, format!("a scale of {given} cannot hold the {least} decimals of the unit")).fix(
        format!("write `{least}`"),
        place,
        least.to_string(),
    )
}

pub(super) fn unknown_field(
    place: Place,
    record: &str,
    name: &str,
    fields: &[String],
    near: Option<&str>,
) -> Diagnostic {
    let diagnostic = Diagnostic::error(
        "unknown-field",
        place,
        format!("{} {record} has no field `{name}`", article(record)),
    )
    .suggest(near);
    if near.is_some() || fields.is_empty() {
        diagnostic
    } else {
        diagnostic.help(format!("its fields are {}", some(fields)))
    }
}

/// `set price to …`, where an effect of its own says what goods cost.
pub(super) fn set_price(place: Place, name: &str) -> Diagnostic {
    unknown_field(place, "member", name, &[], None)
        .help("`set` is about the member; what goods cost says `price 5 EUR each for units where …`")
}

/// A name that other systems have for a field.
pub(super) fn other_field(place: Place, record: &str, name: &str, ours: &str) -> Diagnostic {
    Diagnostic::error("unknown-field", place, format!("{} {record} has no field `{name}`", article(record)))
        .suggest(Some(ours))
}

/// What is paid for the event at hand, asked of the event.
pub(super) fn amount_of_event(place: Place, whole: Place, record: &str, name: &str) -> Diagnostic {
    let ours = format!("basket.{name}");
    Diagnostic::error(
        "unknown-field",
        place,
        format!("{} {record} that is being decided has no field `{name}`", article(record)),
    )
    .fix(format!("of this event it is `{ours}`"), whole, ours)
}

pub(super) fn pieces_of_unit(place: Place) -> Diagnostic {
    Diagnostic::error("unknown-field", place, "a unit is one piece and has no field `pieces`")
        .help("count units with `count(units where …)`, or sum `line.pieces` for lines")
}

pub(super) fn no_fields(place: Place, name: &str, described: &str) -> Diagnostic {
    Diagnostic::error("unknown-field", place, format!("`{name}` is {described} and has no fields"))
}

pub(super) fn unknown_value(
    place: Place,
    name: &str,
    enumeration: &str,
    values: &[String],
    near: Option<&str>,
) -> Diagnostic {
    Diagnostic::error("unknown-value", place, format!("`{name}` is no value of `{enumeration}`"))
        .suggest(near)
        .help(format!("its values are {}", some(values)))
}

pub(super) fn value_out_of_place(place: Place, name: &str, enumeration: &str) -> Diagnostic {
    Diagnostic::error("unknown-name", place, format!("there is no name `{name}` here")).help(format!(
        "`{name}` is a value of `{enumeration}`: it stands where one is expected, as in `member.x = {name}`"
    ))
}

pub(super) fn recursive_definition(place: Place, names: &[String]) -> Diagnostic {
    let mut ring: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    ring.extend(ring.first().cloned());
    let message = if names.len() == 1 {
        format!("{} is defined by itself", ring.first().cloned().unwrap_or_default())
    } else {
        format!("these are defined by each other: {}", ring.join(" → "))
    };
    Diagnostic::error("recursive-definition", place, message)
}

// ---- numbers and dates

pub(super) fn unknown_unit(place: Place, word: &str, near: Option<&str>) -> Diagnostic {
    Diagnostic::error("unknown-unit", place, format!("`{word}` is no unit")).suggest(near).help(
        "units are the program's currency, the units of accounts, `pcs`, `kg`, `l`, `days`, `hours` and the like",
    )
}

pub(super) fn number_out_of_range(place: Place, text: &str) -> Diagnostic {
    Diagnostic::error("number-out-of-range", place, format!("`{text}` does not fit here"))
}

pub(super) fn too_many_decimals(
    place: Place,
    number: &str,
    decimal: Decimal,
    unit: &str,
    digits: u32,
) -> Diagnostic {
    let allowed = match digits {
        0 => "whole numbers only".to_string(),
        1 => "1 decimal".to_string(),
        n => format!("{n} decimals"),
    };
    let space = if unit == "%" { "" } else { " " };
    let diagnostic = Diagnostic::error(
        "too-many-decimals",
        place,
        format!("`{number}{space}{unit}` has {} decimals; `{unit}` has {allowed}", decimal.scale),
    );
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if fraction.len() == 3 && unit != "%" {
        // `1.000 EUR` is a thousand to one reader and one to another.
        let thousands = format!("{whole}_{fraction} {unit}");
        let kept = fraction.get(..digits as usize).unwrap_or("").trim_end_matches('0');
        let plain =
            if kept.is_empty() { format!("{whole} {unit}") } else { format!("{whole}.{kept} {unit}") };
        return diagnostic.fix(format!("with thousands: `{thousands}`"), place, thousands).fix(
            format!("with decimals: `{plain}`"),
            place,
            plain,
        );
    }
    let kept = fraction.get(..digits as usize).unwrap_or("");
    let plain = if kept.is_empty() {
        format!("{whole}{space}{unit}")
    } else {
        format!("{whole}.{kept}{space}{unit}")
    };
    diagnostic.help(format!("write for example `{plain}`"))
}

pub(super) fn decimal_or_thousands(place: Place, number: &str) -> Diagnostic {
    let whole = number.split_once('.').map_or(number, |(whole, _)| whole);
    Diagnostic::warning("decimal-or-thousands", place, format!("`{number}` is {whole}, not {whole} thousand"))
        .fix(format!("{whole} thousand: `{whole}_000`"), place, format!("{whole}_000"))
        .fix(format!("{whole}: `{whole}`"), place, whole)
}

pub(super) fn other_currency(place: Place, unit: Place, code: &str, own: &str) -> Diagnostic {
    Diagnostic::error("other-currency", place, format!("this program counts money in {own}, not in {code}"))
        .fix(format!("write `{own}`"), unit, own)
}

pub(super) fn impossible_date(place: Place, text: &str) -> Diagnostic {
    Diagnostic::error("impossible-date", place, format!("`{text}` is in no calendar and on no clock"))
        .help("dates are written `2026-03-01`, times `09:00`")
}

pub(super) fn date_expected(place: Place, text: &str) -> Diagnostic {
    Diagnostic::error("mismatched-types", place, format!("`{text}` is not a date"))
        .help("write `2026-03-01` or `2026-03-01 09:00`")
}

pub(super) fn date_order(place: Place, from: &str, to: &str) -> Diagnostic {
    Diagnostic::error("date-order", place, format!("`{from}` is not before `{to}`: nothing is valid then"))
        .fix(format!("change the two: `{to} through {from}`"), place, format!("{to} through {from}"))
}

pub(super) fn empty_range(place: Place) -> Diagnostic {
    Diagnostic::error("empty-range", place, "nothing lies in this range")
}

pub(super) fn month_day_missing(place: Place, day: u32) -> Diagnostic {
    Diagnostic::warning("month-day-missing", place, format!("not every month has a day {day}"))
}

pub(super) fn division_by_zero(place: Place, text: &str) -> Diagnostic {
    Diagnostic::warning(
        "division-by-zero",
        place,
        format!("nothing can be divided by `{text}`: the rule fails here"),
    )
}

/// A date where only one that is written out can stand.
pub(super) fn date_constant_expected(place: Place, text: &str) -> Diagnostic {
    constant_expected(place, text).help("write the date out, such as `2026-03-01`")
}

pub(super) fn constant_expected(place: Place, text: &str) -> Diagnostic {
    Diagnostic::error("constant-expected", place, format!("`{text}` must be a fixed value here"))
}

pub(super) fn history_order(place: Place, name: &str) -> Diagnostic {
    Diagnostic::error(
        "history-order",
        place,
        format!("the values of `{name}` do not stand in the order of their dates"),
    )
}

pub(super) fn history_gap(place: Place, name: &str, start: &str, declared: Place) -> Diagnostic {
    Diagnostic::error(
        "history-gap",
        place,
        format!("`{name}` has no value before {start}, and this rule may hold earlier"),
    )
    .label(declared, format!("its first value is from {start}"))
    .help(format!("`valid from {start}`, or give `{name}` a value for the time before"))
}

pub(super) fn value_outside_range(place: Place, name: &str, value: &str, range: Place) -> Diagnostic {
    Diagnostic::error("value-outside-range", place, format!("`{value}` is outside of the range of `{name}`"))
        .label(range, "the range")
}

// ---- types and units

pub(super) fn missing_unit(
    place: Place,
    number: &str,
    wanted: &str,
    suffix: &str,
    beside: Option<(Place, String)>,
) -> Diagnostic {
    let repaired = format!("{number}{suffix}");
    let diagnostic =
        Diagnostic::error("missing-unit", place, format!("`{number}` has no unit; expected is {wanted}"))
            .at("a number without a unit");
    match beside {
        Some((beside, text)) => diagnostic.label(beside, text),
        None => diagnostic,
    }
    .fix(format!("write `{repaired}`"), place, repaired)
}

pub(super) fn mismatched_types(
    place: Place,
    text: &str,
    wanted: &str,
    found: &str,
    conversion: Option<String>,
) -> Diagnostic {
    let diagnostic =
        Diagnostic::error("mismatched-types", place, format!("expected is {wanted}; `{text}` is {found}"))
            .at(found.to_string());
    match conversion {
        Some(conversion) => diagnostic.fix(format!("convert it: `{conversion}`"), place, conversion),
        None => diagnostic,
    }
}

/// A text where a truth is meant, as in `in segment "A" or "B"`.
pub(super) fn text_for_truth(place: Place, text: &str) -> Diagnostic {
    mismatched_types(place, text, "true or false", "text", None)
        .help("`and` and `or` stand between whole conditions; several names go into one list: `in segment [\"A\", \"B\"]`")
}

pub(super) fn mismatched_units(
    place: Place,
    (left, right): (&str, &str),
    verb: &str,
    (left_place, left_label): (Place, &str),
    (right_place, right_label): (Place, &str),
    edits: Vec<(String, Option<(Place, String)>)>,
    repairs: &[String],
) -> Diagnostic {
    let diagnostic =
        Diagnostic::error("mismatched-units", place, format!("{left} and {right} cannot be {verb}"))
            .label(left_place, left_label)
            .label(right_place, right_label);
    let diagnostic = edits.into_iter().fold(diagnostic, |diagnostic, (text, edit)| match edit {
        Some((place, replacement)) => diagnostic.fix(text, place, replacement),
        None => diagnostic.help(text),
    });
    repairs.iter().fold(diagnostic, |diagnostic, repair| diagnostic.help(repair.clone()))
}

pub(super) fn calendar_duration(
    place: Place,
    (left_place, left): (Place, &str),
    (right_place, right): (Place, &str),
    repair: &str,
) -> Diagnostic {
    Diagnostic::error(
        "calendar-duration",
        place,
        "months, days and hours are not of one length and do not mix",
    )
    .label(left_place, left)
    .label(right_place, right)
    .help(repair)
}

pub(super) fn number_expected(place: Place, text: &str, found: &str) -> Diagnostic {
    Diagnostic::error(
        "mismatched-types",
        place,
        format!("`{text}` is {found}; expected is a number, money or points"),
    )
}

pub(super) fn percent_expected(place: Place, text: &str, found: &str, number: bool) -> Diagnostic {
    if number {
        return missing_unit(place, text, "a percent before `of`", "%", None);
    }
    Diagnostic::error("mismatched-types", place, format!("before `of` stands a percent; `{text}` is {found}"))
}

pub(super) fn discount_amount(
    place: Place,
    text: &str,
    found: &str,
    number: bool,
    currency: &str,
) -> Diagnostic {
    if number {
        return missing_unit(place, text, "a percent or money", "%", None).fix(
            format!("or `{text} {currency}`"),
            place,
            format!("{text} {currency}"),
        );
    }
    Diagnostic::error(
        "mismatched-types",
        place,
        format!("a discount is a percent or money; `{text}` is {found}"),
    )
}

pub(super) fn wrong_conversion(place: Place, text: &str, found: &str, wanted: &str) -> Diagnostic {
    Diagnostic::error("wrong-conversion", place, format!("`{text}` is {found} and cannot become {wanted}"))
        .help("`as` converts between money and points")
}

pub(super) fn no_worth(
    place: Place,
    account: &str,
    unit: &str,
    currency: &str,
    declared: Option<Place>,
) -> Diagnostic {
    let diagnostic = Diagnostic::error(
        "no-worth",
        place,
        format!("account `{account}` does not say what its {unit} are worth"),
    );
    match declared {
        Some(declared) => diagnostic.label(declared, "the account"),
        None => diagnostic,
    }
    .help(format!("add to the account `worth 100 {unit} = 1 {currency}`"))
}

pub(super) fn incomparable_awards(place: Place, group: &str, account: &str, declared: Place) -> Diagnostic {
    Diagnostic::error(
        "no-worth",
        place,
        format!("group `{group}` looks for the best of several accounts, and `{account}` does not say what it is worth"),
    )
    .label(declared, "add `worth … = …` here")
}

pub(super) fn not_comparable(
    place: Place,
    described: &str,
    orders: bool,
    enumeration: Option<&str>,
) -> Diagnostic {
    let message = if orders {
        format!("{described} cannot be more or less than another")
    } else {
        format!("{described} cannot be compared")
    };
    let diagnostic = Diagnostic::error("not-comparable", place, message);
    match enumeration {
        Some(name) if orders => {
            diagnostic.help(format!("declare `enum {name} ordered {{ … }}`, lowest first"))
        }
        Some(_) | None => diagnostic,
    }
}

pub(super) fn no_bands(place: Place, described: &str) -> Diagnostic {
    Diagnostic::error("not-comparable", place, format!("{described} has no bands"))
        .help("name the values one by one")
}

pub(super) fn no_order(place: Place, text: &str, word: &str) -> Diagnostic {
    Diagnostic::error("not-comparable", place, format!("{word}s cannot be ordered by `{text}`"))
        .help(format!("order by `{word}.price` or `{word}.position`"))
}

pub(super) fn text_as_value(place: Place) -> Diagnostic {
    Diagnostic::error("mismatched-types", place, "text is for titles and messages, not for values")
}

pub(super) fn text_field(place: Place, name: &str) -> Diagnostic {
    Diagnostic::error("text-for-reference", place, format!("`{name}` is text, which rules do not read"))
        .help(format!("declare `reference {name}` and the field as `{name}: {name}?`; then it is tested with `in {name} \"…\"`"))
}

pub(super) fn text_for_reference(
    place: Place,
    text: &str,
    kind: &str,
    repair: Option<(Place, String)>,
) -> Diagnostic {
    let diagnostic =
        Diagnostic::error("text-for-reference", place, format!("{text} is bare text, and a {kind} is meant"));
    match repair {
        Some((place, repair)) => diagnostic.fix(format!("write `{repair}`"), place, repair),
        None => diagnostic.help(format!("write `{kind} {text}`")),
    }
}

/// `meant` is the value that has this name or title.
pub(super) fn text_for_value(
    place: Place,
    text: &str,
    enumeration: &str,
    meant: Option<String>,
) -> Diagnostic {
    let diagnostic = Diagnostic::error(
        "text-for-value",
        place,
        format!("\"{text}\" is text, and a value of `{enumeration}` is meant"),
    );
    match meant {
        Some(value) => diagnostic.fix(format!("write `{value}`"), place, value),
        None => diagnostic,
    }
}

pub(super) fn reference_as_value(place: Place, kind: &str, text: &str) -> Diagnostic {
    Diagnostic::error("reference-as-value", place, format!("`{text}` is not a value by itself"))
        .help(format!("ask `… in {kind} \"…\"`"))
}

pub(super) fn equality_with_reference(place: Place, kind: &str, repair: &str) -> Diagnostic {
    Diagnostic::error(
        "equality-with-reference",
        place,
        format!("a {kind} can be in another: say whether those below it are meant"),
    )
    .fix(format!("with all below it: `{repair}`"), place, repair)
}

pub(super) fn wrong_reference_kind(
    place: Place,
    text: &str,
    found: &str,
    kind: &str,
    suggestion: Option<String>,
) -> Diagnostic {
    let diagnostic = Diagnostic::error(
        "wrong-reference-kind",
        place,
        format!("`{text}` is {found} and is never in a {kind}"),
    );
    match suggestion {
        Some(suggestion) => diagnostic.help(format!("write `{suggestion}`")),
        None => diagnostic,
    }
}

pub(super) fn no_field_of_kind(place: Place, record: &str, kind: &str, kinds: &[String]) -> Diagnostic {
    let diagnostic = Diagnostic::error(
        "wrong-reference-kind",
        place,
        format!("`{record}` has no field that is in a {kind}"),
    );
    if kinds.is_empty() { diagnostic } else { diagnostic.help(format!("it can be in {}", some(kinds))) }
}

pub(super) fn ambiguous_reference(place: Place, record: &str, kind: &str, names: &[String]) -> Diagnostic {
    let mut diagnostic = Diagnostic::error(
        "ambiguous-reference",
        place,
        format!("`{record}` has several fields that are in a {kind}: {}", some(names)),
    );
    for name in names.iter().take(4) {
        diagnostic = diagnostic.fix(format!("write `{name} in {kind} …`"), place, name.clone());
    }
    diagnostic
}

pub(super) fn ambiguous_event_field(place: Place, name: &str) -> Diagnostic {
    Diagnostic::error(
        "ambiguous-reference",
        place,
        format!("the events of this rule have different fields named `{name}`"),
    )
    .help("write one rule for each kind of event")
}

pub(super) fn not_a_set(place: Place, text: &str) -> Diagnostic {
    Diagnostic::error("mismatched-types", place, format!("nothing can be `in` `{text}`"))
        .help("after `in` stands a list `[a, b]`, a reference such as `category \"Tea\"`, a range `a through b`, or a set of the member's")
}

pub(super) fn list_as_value(place: Place) -> Diagnostic {
    Diagnostic::error("mismatched-types", place, "a list is not a value; it stands after `in`")
}

pub(super) fn expected_here(place: Place, expected: Option<&str>, fits: &[String]) -> Diagnostic {
    let message = match expected {
        Some(expected) => format!("expected here is {expected}"),
        None => "something is missing here".to_string(),
    };
    let diagnostic = Diagnostic::error("expected-here", place, message);
    if fits.is_empty() { diagnostic } else { diagnostic.help(format!("what fits: {}", listed(fits))) }
}

// ---- what may be missing

/// A repair whose place is the rule around: an editor can find it.
pub const ADD_MEMBER_KNOWN: &str = "add to the rule or its group: `when member known`";

/// The same.
pub const ADD_ON_PURCHASE: &str = "add `on purchase`";

pub(super) fn maybe_unknown(place: Place, text: &str) -> Diagnostic {
    Diagnostic::error("maybe-unknown", place, format!("`{text}` may be missing"))
        .help(format!("ask first: `{text} known and …`"))
}

pub(super) fn member_unknown(place: Place, text: &str) -> Diagnostic {
    Diagnostic::error(
        "maybe-unknown",
        place,
        format!("an anonymous receipt has no member, and so no `{text}`"),
    )
    .help(ADD_MEMBER_KNOWN)
}

pub(super) fn no_past(place: Place, text: &str) -> Diagnostic {
    Diagnostic::error(
        "maybe-unknown",
        place,
        format!("an anonymous receipt has no member, and so no past that `{text}` could tell of"),
    )
    .help(ADD_MEMBER_KNOWN)
}

pub(super) fn optional_column(place: Place, name: &str) -> Diagnostic {
    Diagnostic::error("maybe-unknown", place, format!("the column `{name}` of a table may not be missing"))
        .help("take the `?` away and ask `known` where the table is used")
}

/// A comparison of something with itself.
pub(super) fn compared_with_itself(place: Place, text: &str, hidden: Option<&str>) -> Diagnostic {
    let diagnostic = Diagnostic::warning(
        "compared-with-itself",
        place,
        format!("`{text}` stands on both sides, so this is the same for every row and every event"),
    );
    match hidden {
        Some(name) => diagnostic.help(format!(
            "inside these brackets `{name}` is the inner row; give the loop around it another name, such as \
             `for each row in {name}s`, and write `row.…` for its own"
        )),
        None => diagnostic,
    }
}

/// `then issue coupon c valid …`
pub(super) fn valid_after_effect(place: Place, issues: bool) -> Diagnostic {
    let diagnostic = Diagnostic::warning(
        "valid-after-effect",
        place,
        "this `valid` says when the rule holds, not how long what it gives holds",
    );
    if issues {
        diagnostic.help(
            "how long a coupon holds is said by `expires` behind it, or by `valid` in the coupon; if the rule is \
             meant, write it on a line of its own",
        )
    } else {
        diagnostic.help("write it on a line of its own")
    }
}

pub(super) fn always_known(place: Place, text: &str) -> Diagnostic {
    Diagnostic::warning("always-known", place, format!("`{text}` is never missing"))
}

// ---- names in expressions

pub(super) fn record_as_value(place: Place, text: &str, fields: &[String]) -> Diagnostic {
    Diagnostic::error("record-as-value", place, format!("`{text}` is not a value by itself"))
        .help(format!("take one of its fields: {}", some(fields)))
}

pub(super) fn collection_as_value(place: Place) -> Diagnostic {
    Diagnostic::error("collection-as-value", place, "a collection is not a value")
        .help("count, sum or ask: `count(lines)`, `sum(line.paid for lines)`, `any(lines where line in category \"Tea\")`")
}

pub(super) fn not_a_collection(place: Place, text: &str, what: &str) -> Diagnostic {
    Diagnostic::error("not-a-collection", place, format!("`{text}` is {what}, not a collection"))
        .help("collections are `lines`, `units`, `payments`, and what `let` makes of them")
}

pub(super) fn no_element(place: Place, word: &str, bound: Option<&str>) -> Diagnostic {
    match bound {
        Some(bound) => Diagnostic::error(
            "wrong-element",
            place,
            format!("there is no `{word}` here; the element is `{bound}`"),
        )
        .fix(format!("write `{bound}`"), place, bound),
        None => Diagnostic::error("wrong-element", place, format!("there is no single `{word}` here")).help(
            format!(
                "ask whether there is one, `any({word}s where {word} …)`, sum over all, `sum({word}.… for {word}s)`, or give for \
                 each, `for each {word} in {word}s {{ … }}`"
            ),
        ),
    }
}

pub(super) fn wrong_element(place: Place, what: &str, found: &str, wanted: &str) -> Diagnostic {
    Diagnostic::error("wrong-element", place, format!("{what} takes {wanted}, not {found}"))
}

pub(super) fn element_expected(place: Place, text: &str, wanted: &str) -> Diagnostic {
    Diagnostic::error("mismatched-types", place, format!("expected is {wanted}; `{text}` is none"))
}

/// A row of another collection where a function takes one of this receipt.
pub(super) fn other_element(place: Place, text: &str, found: &str, wanted: &str) -> Diagnostic {
    Diagnostic::error("mismatched-types", place, format!("expected is {wanted}; `{text}` is {found}"))
        .at(found.to_owned())
        .help("a `define` takes rows of one collection only; write its condition out here")
}

pub(super) fn not_a_function(place: Place, name: &str) -> Diagnostic {
    Diagnostic::error("wrong-arguments", place, format!("`{name}` takes no parentheses")).fix(
        format!("write `{name}`"),
        place,
        name,
    )
}

pub(super) fn call_expected(place: Place, name: &str) -> Diagnostic {
    Diagnostic::error("wrong-arguments", place, format!("`{name}` is used with parentheses"))
        .help(format!("write `{name}(…)`"))
}

pub(super) fn collection_with_parameters(place: Place, name: &str) -> Diagnostic {
    Diagnostic::error(
        "wrong-arguments",
        place,
        format!("`{name}` gives a collection and takes no parameters"),
    )
}

pub(super) fn wrong_arguments(
    place: Place,
    name: &str,
    wanted: usize,
    found: usize,
    declared: Place,
) -> Diagnostic {
    Diagnostic::error("wrong-arguments", place, format!("`{name}` takes {wanted} values and gets {found}"))
        .label(declared, "declared here")
}

pub(super) fn wrong_patterns(place: Place, name: &str, wanted: usize, found: usize) -> Diagnostic {
    Diagnostic::error(
        "wrong-arguments",
        place,
        format!("a row of `{name}` has {wanted} columns, this one has {found}"),
    )
}

pub(super) fn missing_condition(place: Place, function: &str, collection: &str) -> Diagnostic {
    Diagnostic::error(
        "missing-value",
        place,
        format!("`{function}` asks whether something holds for all {collection}: what?"),
    )
    .help(format!("`{function}({collection} where …)`"))
}

pub(super) fn missing_value(place: Place, function: &str, element: &str, source: &str) -> Diagnostic {
    Diagnostic::error("missing-value", place, format!("`{function}` of what of each {element}?"))
        .help(format!("`{function}({element}.paid for {source})`"))
}

pub(super) fn pick_zero(place: Place, text: &str) -> Diagnostic {
    Diagnostic::error("pick-zero", place, format!("a pick takes a whole number from 1 on, not `{text}`"))
}

pub(super) fn too_deep(place: Place) -> Diagnostic {
    Diagnostic::error("nested-too-deeply", place, "this is nested too deeply to be read")
        .help("give the inner part a name with `let` or `define`")
}

// ---- choices

pub(super) fn not_exhaustive(place: Place, name: &str, missing: &[String]) -> Diagnostic {
    let mut shown = missing.iter().take(5).cloned().collect::<Vec<_>>().join(", ");
    if missing.len() > 5 {
        shown.push_str(", …");
    }
    Diagnostic::error("not-exhaustive", place, format!("`{name}` does not say what holds for {shown}"))
        .help("add a row, or `otherwise => …`")
}

pub(super) fn gap_between_bands(place: Place, name: &str, from: &str, to: &str) -> Diagnostic {
    Diagnostic::error(
        "gap-between-bands",
        place,
        format!("the bands of `{name}` leave a gap from `{from}` until `{to}`"),
    )
    .help(format!("add `from {from} until {to} => …`, or `otherwise => …`"))
}

pub(super) fn overlapping(place: Place, name: &str, bands: bool, other: Place) -> Diagnostic {
    let (diagnostic, what) = if bands { ("overlapping-bands", "band") } else { ("overlapping-rows", "row") };
    Diagnostic::error(diagnostic, place, format!("two {what}s of `{name}` fit the same value"))
        .at("this one")
        .label(other, "and this one")
}

pub(super) fn unreachable_row(place: Place, name: &str, everything: bool) -> Diagnostic {
    let message = if everything {
        format!("nothing is left for this row of `{name}`: those above fit every value")
    } else {
        format!("this row of `{name}` is never reached: those above fit all its values")
    };
    Diagnostic::error("unreachable-row", place, message)
}

pub(super) fn too_many_rows(place: Place, name: &str, most: usize) -> Diagnostic {
    Diagnostic::error("too-many-rows", place, format!("`{name}` is too large to be checked for gaps"))
        .help(format!("at most {most} rows of {MAX_COLUMNS} columns, with few different values in each"))
}

// ---- groups and rules

pub(super) fn missing_scope(place: Place, written: &str) -> Diagnostic {
    Diagnostic::error("missing-scope", place, format!("`{written}` does not say on what the rules compete"))
        .fix(format!("for each line: `{written} per line`"), place, format!("{written} per line"))
        .fix(format!("for each piece: `{written} per unit`"), place, format!("{written} per unit"))
        .fix(format!("once for the basket: `{written} per basket`"), place, format!("{written} per basket"))
}

pub(super) fn missing_on_price(place: Place, group: &str, effect: Place, written: &str) -> Diagnostic {
    Diagnostic::error(
        "missing-on-price",
        place,
        format!("group `{group}` does not say of which price its discounts are taken"),
    )
    .label(effect, format!("`{written}`: of the original price, or of what is left?"))
    .help("`on_price original` or `on_price running`")
}

pub(super) fn wrong_displacement(place: Place, written: &str, why: &str) -> Diagnostic {
    Diagnostic::error(
        "wrong-displacement",
        place,
        format!("`{written}` does not suit a group that earns: {why}"),
    )
}

/// Sets that would compete line by line.
pub(super) fn sets_per_line(place: Place, group: &str, group_place: Place) -> Diagnostic {
    Diagnostic::error(
        "wrong-displacement",
        place,
        format!("the rules of group `{group}` compete line by line, and a set is taken as a whole"),
    )
    .label(group_place, "the group is declared here")
    .help("write `per unit` or `per basket` in its `displace`")
}

/// `discount 5% on lines` in a rule that takes a bundle
pub(super) fn not_of_the_bundle(place: Place, bundle: &str) -> Diagnostic {
    Diagnostic::error(
        "not-of-the-bundle",
        place,
        format!("this rule takes the bundle `{bundle}`, and this falls on something else"),
    )
    .help(format!("write `{bundle}`, one of its parts, or the cheapest or dearest few of either; what is for other goods is a rule of its own"))
}

pub(super) fn cannot_exclude(place: Place, group: &str, other: &str, itself: bool) -> Diagnostic {
    let message = if itself {
        format!("group `{group}` cannot exclude itself")
    } else {
        format!("groups `{group}` and `{other}` touch different things and cannot exclude each other")
    };
    let diagnostic = Diagnostic::error("cannot-exclude", place, message);
    if itself { diagnostic.help("inside a group that is what `displace` says") } else { diagnostic }
}

pub(super) fn rule_without_group(place: Place, name: &str, groups: &[String]) -> Diagnostic {
    let diagnostic =
        Diagnostic::error("rule-without-group", place, format!("rule `{name}` stands in no group"));
    match groups.first() {
        Some(group) => {
            diagnostic.help(format!("`rule {name} in group {group} {{ … }}`; groups are {}", some(groups)))
        }
        None => diagnostic.help("put it in the braces of a `group`"),
    }
}

pub(super) fn group_twice(place: Place, name: &str) -> Diagnostic {
    Diagnostic::error("repeated-clause", place, format!("rule `{name}` stands in a group's braces already"))
}

pub(super) fn missing_event(place: Place, name: &str) -> Diagnostic {
    Diagnostic::error(
        "missing-event",
        place,
        format!("neither rule `{name}` nor its group says on which event"),
    )
    .help(ADD_ON_PURCHASE)
}

pub(super) fn event_outside_group(place: Place, event: &str, group: &str, group_place: Place) -> Diagnostic {
    Diagnostic::error("event-outside-group", place, format!("group `{group}` does not hear `{event}`"))
        .label(group_place, "the group says `on` other events")
}

pub(super) fn event_beside_named(place: Place, event: &str) -> Diagnostic {
    let message = format!("`{event}` stands beside an event that is heard by its name");
    Diagnostic::error("wrong-event", place, message)
        .help("write a rule for each kind of event, or give each a name; names of several kinds may stand in one rule where each kind has a field `name` of its own")
}

pub(super) fn event_without_name(place: Place, event: &str) -> Diagnostic {
    let message = format!("{} `{event}` has no name to hear it by", article(event));
    Diagnostic::error("wrong-event", place, message)
        .help("it needs a field `name` of a kind of reference, such as `name: survey`")
}

pub(super) fn wrong_event(
    place: Place,
    event: &str,
    written: &str,
    fields: &[String],
    having: &[String],
) -> Diagnostic {
    let record = written.split_once('.').map_or(written, |(record, _)| record);
    let lacks = if matches!(record, "basket" | "lines" | "units" | "payments") { record } else { written };
    let diagnostic =
        Diagnostic::error("wrong-event", place, format!("{} `{event}` has no `{lacks}`", article(event)))
            .at(format!("the rule is `on {event}`"));
    let diagnostic = if fields.is_empty() {
        diagnostic
    } else {
        diagnostic.help(format!("its fields are {}", some(fields)))
    };
    if having.is_empty() {
        diagnostic
    } else {
        diagnostic.help(format!("`{written}` is there on {}", some(having)))
    }
}

pub(super) fn no_event_left(place: Place, written: &str) -> Diagnostic {
    Diagnostic::error(
        "wrong-event",
        place,
        format!("no event has `{written}` together with what is read before it"),
    )
}

pub(super) fn wrong_effect(
    place: Place,
    word: &str,
    group: &str,
    group_place: Place,
    wanted: &str,
) -> Diagnostic {
    Diagnostic::error("wrong-effect", place, format!("`{word}` does not belong in group `{group}`"))
        .label(group_place, "the group's kind is for other effects")
        .help(format!("move the rule to a group of `kind {wanted}`"))
}

pub(super) fn wrong_account(place: Place, text: &str, found: &str, account: &str, unit: &str) -> Diagnostic {
    Diagnostic::error(
        "wrong-account",
        place,
        format!("account `{account}` takes {unit}; `{text}` is {found}"),
    )
}

pub(super) fn not_an_account(
    place: Place,
    text: &str,
    accounts: &[String],
    near: Option<&str>,
) -> Diagnostic {
    let diagnostic =
        Diagnostic::error("not-an-account", place, format!("`{text}` is not an account")).suggest(near);
    if accounts.is_empty() { diagnostic } else { diagnostic.help(format!("accounts are {}", some(accounts))) }
}

pub(super) fn own_account(place: Place, text: &str, account: &str) -> Diagnostic {
    Diagnostic::error("not-an-account", place, format!("`{text}` is the event's own member's account")).fix(
        format!("write `{account}`"),
        place,
        account,
    )
}

pub(super) fn not_a_member(place: Place, text: &str, found: &str) -> Diagnostic {
    Diagnostic::error(
        "not-an-account",
        place,
        format!("`{text}` is {found}, and names no member with accounts"),
    )
    .help("fields of type `member_id` name members, such as `member.invited_by`")
}

pub(super) fn stage_order(
    place: Place,
    group: &str,
    group_place: Place,
    own: &str,
    earns: bool,
) -> Diagnostic {
    let diagnostic = Diagnostic::error(
        "stage-order",
        place,
        if earns {
            format!("group `{group}` is not settled before group `{own}`, which multiplies its awards")
        } else {
            format!("group `{group}` awards nothing that could be multiplied")
        },
    )
    .label(group_place, "the group whose awards are meant");
    if earns && group != own {
        diagnostic.help(format!("say in `program`: `order {group}, {own}`"))
    } else {
        diagnostic.help("name a group of `kind earn` that stands earlier")
    }
}

pub(super) fn multiplier_below_one(place: Place, text: &str) -> Diagnostic {
    Diagnostic::error(
        "multiplier-below-one",
        place,
        format!("`{text}` may be below 1, and would take points away"),
    )
    .help("multiplying adds to what is awarded; to award less, lower the rule that awards")
}

pub(super) fn multiply_in_loop(place: Place) -> Diagnostic {
    Diagnostic::error(
        "wrong-effect",
        place,
        "`multiply` acts on all awards of the group at once, and does not belong in `for each`",
    )
    .help("write it beside the loop")
}

pub(super) fn missing_rounding(
    place: Place,
    account: &str,
    unit: &str,
    declared: Option<Place>,
) -> Diagnostic {
    let diagnostic = Diagnostic::error(
        "missing-rounding",
        place,
        format!("this may be a part of one of the {unit}, and account `{account}` does not say how to round"),
    );
    match declared {
        Some(declared) => diagnostic.label(declared, "add `round down per basket`, `per rule` or `per line`"),
        None => diagnostic,
    }
    .help("or round here: `… rounded down` after `as`")
}

pub(super) fn missing_spread(place: Place, text: &str) -> Diagnostic {
    Diagnostic::error(
        "missing-spread",
        place,
        format!("`{text}` does not say how the amount falls on the lines"),
    )
    .help(format!("`{text} spread by paid`; what a return refunds depends on it"))
}

pub(super) fn needless_spread(place: Place) -> Diagnostic {
    Diagnostic::error("needless-spread", place, "`each` has nothing to spread")
}

pub(super) fn price_each_line(place: Place, target: &str) -> Diagnostic {
    Diagnostic::error(
        "price-each-line",
        place,
        format!("`each` of `{target}`: each line, or each piece of it?"),
    )
    .help("each piece: `price … each for units where …`")
    .help("each line: `for each line in … { price … total for line spread by paid }`")
}

pub(super) fn percent_out_of_range(place: Place, text: &str, value: &str) -> Diagnostic {
    Diagnostic::error(
        "percent-out-of-range",
        place,
        format!("a discount lies between 0% and 100%; `{text}` can be {value}"),
    )
}

pub(super) fn negative_discount(place: Place, text: &str) -> Diagnostic {
    Diagnostic::error(
        "number-out-of-range",
        place,
        format!("`{text}` would raise the price; a discount only lowers it"),
    )
}

pub(super) fn limit_unit(place: Place, text: &str, found: &str, expected: &str) -> Diagnostic {
    Diagnostic::error(
        "limit-unit",
        place,
        format!("`{text}` is {found}, and what is limited here is {expected}"),
    )
}

/// `limit 80 l per member`
pub(super) fn limit_measure(
    place: Place,
    text: &str,
    found: &str,
    expected: &str,
    bought: &str,
) -> Diagnostic {
    limit_unit(place, text, found, expected)
        .help(format!("limit what is given; or ask what was bought before: `when {bought} < {text}`"))
}

pub(super) fn budget_unit(place: Place, text: &str, found: &str, expected: &str) -> Diagnostic {
    Diagnostic::error(
        "budget-unit",
        place,
        format!("`{text}` is {found}, and what the budget pays for here is {expected}"),
    )
}

pub(super) fn limit_scope(place: Place) -> Diagnostic {
    Diagnostic::error("missing-clause", place, "the limit does not say per what").help(
        "`limit … per transaction`, `per member within this month` or `per inviter`; what all members share is a \
         `budget`",
    )
}

pub(super) fn offer_limit_scope(place: Place) -> Diagnostic {
    Diagnostic::error("missing-clause", place, "the limit does not say per what").help(
        "`limit 3 times per member within any 30 days else skip`; what all members share is a `budget`, such as \
         `budget 500 times within this day else skip`",
    )
}

pub(super) fn limit_window(place: Place) -> Diagnostic {
    Diagnostic::error("limit-window", place, "a past period does not hold the event that is limited")
        .help("`within this month` counts from its first day, `within last 30 days` back from the event")
}

pub(super) fn session_window(place: Place) -> Diagnostic {
    Diagnostic::error(
        "limit-window",
        place,
        "a session bounds contacts, and events do not say of which one they are",
    )
    .help("limit `per transaction`, or `per member within last 30 minutes`")
}

pub(super) fn transaction_window(place: Place) -> Diagnostic {
    Diagnostic::error("limit-window", place, "one transaction is one instant, and has no window")
        .help("leave `within …` out, or limit `per member`")
}

pub(super) fn times_cut(place: Place, word: &str) -> Diagnostic {
    Diagnostic::error("limit-times", place, format!("a {word} of times has no half time to cut to"))
        .help("write `else skip`")
}

pub(super) fn times_of_transaction(place: Place, owner: &str) -> Diagnostic {
    Diagnostic::error("limit-times", place, format!("a {owner} gives at most one time in a transaction"))
        .help("limit the amount `per transaction`, or the times `per member`")
}

pub(super) fn limit_of_nobody(
    place: Place,
    per: &str,
    asks: &str,
    rule: Option<(Place, &str)>,
) -> Diagnostic {
    let diagnostic = Diagnostic::error(
        "maybe-unknown",
        place,
        format!("the limit counts per {per}, and an event may have no `{asks}`"),
    );
    match rule {
        Some((rule_place, rule)) => diagnostic
            .label(rule_place, format!("rule `{rule}` does not ask for it"))
            .help(format!("add to the rule or its group: `when {asks} known`")),
        None => diagnostic.help(format!("add to the rule or its group: `when {asks} known`")),
    }
}

pub(super) fn batch_only(place: Place, rule_place: Place, rule: &str, discounts: bool) -> Diagnostic {
    if discounts {
        Diagnostic::error(
            "batch-only",
            place,
            "a discount needs the open basket, and a batch run comes after it",
        )
        .label(rule_place, format!("rule `{rule}` takes money off the price"))
        .help("write `process at_once`, or award points or money of an account")
    } else {
        Diagnostic::error(
            "batch-only",
            place,
            "what is spent at once needs the open basket, and a batch run comes after it",
        )
        .label(rule_place, format!("rule `{rule}` awards what is spent at once"))
        .help("write `process at_once` or `process as_asked`, or leave out `spent_at_once`")
    }
}

pub(super) fn missing_argument(place: Place, rule: &str, parameter: &str, declared: Place) -> Diagnostic {
    Diagnostic::error(
        "missing-argument",
        place,
        format!("rule `{rule}` gives no value for the template's `{parameter}`"),
    )
    .label(declared, "which has no default")
    .help(format!("write in the rule: `with {parameter} = …`"))
}

pub(super) fn argument_without_template(place: Place, rule: &str, name: &str) -> Diagnostic {
    Diagnostic::error(
        "missing-clause",
        place,
        format!("rule `{rule}` gives a value for `{name}`, and no template has asked for it"),
    )
    .help(format!("write `rule {rule} from template …`, or `let {name} = …`"))
}

pub(super) fn effective_with_valid(place: Place, valid: Place) -> Diagnostic {
    Diagnostic::error("effective-with-valid", place, "two clauses say from when it holds")
        .label(valid, "these periods say it already")
        .help("keep `valid` for the periods of the events, or `effective from` for all events from a day on")
}

pub(super) fn identity_taken(place: Place, what: &str, name: &str, earlier: Place) -> Diagnostic {
    Diagnostic::error(
        "duplicate-name",
        place,
        format!(
            "two declarations keep the identity of the {what} `{name}`, and their limits would count together"
        ),
    )
    .label(earlier, "the other")
    .help("give `was` to the one that continues it")
}

#[allow(clippy::too_many_arguments)]
pub(super) fn priority_tie(
    place: Place,
    rule: &str,
    other: &str,
    other_place: Place,
    group: &str,
    priority: i64,
    event: &str,
    witness: &str,
) -> Diagnostic {
    let example = if witness.is_empty() {
        format!("for example any `{event}`")
    } else {
        format!("for example a `{event}` where {witness}")
    };
    Diagnostic::error(
        "priority-tie",
        place,
        format!("`{rule}` and `{other}` have the same priority, and both can hold"),
    )
    .at(format!("in group `{group}` the first wins; {example}"))
    .label(other_place, format!("priority {priority} too"))
    .help(format!("give one of them another priority, such as `priority {}`", priority.saturating_add(10)))
}

pub(super) fn no_origin(place: Place, event: &str) -> Diagnostic {
    let kind = format!("{} `{event}`", article(event));
    Diagnostic::error("no-origin", place, format!("with {kind} nothing is bought that could come back"))
        .help("leave `cancel on return …` out, or award it on an event with `lines`, such as `purchase`")
}

pub(super) fn origin_of_no_return(place: Place) -> Diagnostic {
    Diagnostic::error("no-origin", place, "`of` names what comes back, and nothing does here")
        .help("write it after `given return`, with the id of an event that is given before")
}

pub(super) fn never_available(place: Place, until: &str) -> Diagnostic {
    Diagnostic::error("never-available", place, format!("it expires on {until}, before it can be spent"))
}

pub(super) fn spent_before(place: Place, word: &str, other: Place) -> Diagnostic {
    Diagnostic::error("never-available", place, "what is spent at once has no life of its own")
        .label(other, format!("`{word}` has no meaning beside it"))
}

pub(super) fn melts_out_of_range(place: Place, text: &str) -> Diagnostic {
    Diagnostic::error(
        "percent-out-of-range",
        place,
        format!("`{text}` is not a part that a step can melt; it is from 1% through 100%"),
    )
}

pub(super) fn not_redeemable(place: Place, account: &str, declared: Option<Place>) -> Diagnostic {
    let diagnostic =
        Diagnostic::error("not-redeemable", place, format!("points of account `{account}` cannot pay"));
    match declared {
        Some(declared) => diagnostic.label(declared, "the account does not say `redeemable`"),
        None => diagnostic,
    }
}

pub(super) fn redemption_choice(place: Place, word: &str) -> Diagnostic {
    Diagnostic::error(
        "redemption-choice",
        place,
        format!("`{word}` speaks of an amount that the member chooses, and `pay … each` is a fixed price"),
    )
}

// ---- tests

pub(super) fn time_goes_back(place: Place, text: &str) -> Diagnostic {
    Diagnostic::error(
        "time-goes-back",
        place,
        format!("`{text}` is before the event above it; a test's clock runs forward"),
    )
}

pub(super) fn nothing_happened(place: Place) -> Diagnostic {
    Diagnostic::error("nothing-happened", place, "nothing has happened yet of which this could be expected")
        .help("put `given purchase at …` before it")
}

// ---- history

/// `a purchase`, `an address`
pub(super) fn with_article(word: &str) -> String {
    format!("{} {word}", article(word))
}

pub(super) fn unbounded_history(place: Place, text: &str) -> Diagnostic {
    let end = Place {
        span: perq_grammar::diagnostic::Span { start: place.span.end, end: place.span.end },
        ..place
    };
    Diagnostic::error("unbounded-history", place, format!("`{text}` does not say how far back it looks"))
        .fix("all there ever was", end, " within program")
        .help("windows are `last 30 days`, `last 12 hours`, `this month`, `previous month`, `2026-01-01 through 2026-03-31`")
}

pub(super) fn unknown_past(place: Place, name: &str, known: &[String], near: Option<&str>) -> Diagnostic {
    Diagnostic::error("unknown-name", place, format!("there are no earlier `{name}`"))
        .suggest(near)
        .help(format!("what has a past are {}", some(known)))
}

pub(super) fn window_of_event(place: Place, text: &str) -> Diagnostic {
    Diagnostic::error(
        "wrong-window",
        place,
        format!("`{text}` belong to this event, and a window tells of the past"),
    )
    .help("the past is `earlier purchases within …` and `earlier lines within …`")
}

pub(super) fn window_of_contacts(place: Place, text: &str, instead: &str) -> Diagnostic {
    Diagnostic::error(
        "wrong-window",
        place,
        format!("`{text}` bounds contacts; what a member did before is told back from this event"),
    )
    .fix(format!("back from the event: `{instead}`"), place, instead)
}

pub(super) fn window_unit(place: Place, text: &str) -> Diagnostic {
    Diagnostic::error("wrong-window", place, format!("`{text}` is no length of time"))
        .help("units are `hours`, `minutes`, `seconds`, `days`, `weeks`, `months`, `quarters` and `years`")
}

pub(super) fn counter_per(place: Place, name: &str, per: &str) -> Diagnostic {
    Diagnostic::error(
        "wrong-counter",
        place,
        format!(
            "the counter `{name}` cannot count per `{per}`: the past that it counts is that of one member"
        ),
    )
    .help("write `per member`; what is counted for inviters or for all is a `limit` or a `budget`")
}

pub(super) fn counter_of_event(place: Place, text: &str) -> Diagnostic {
    Diagnostic::error(
        "wrong-counter",
        place,
        format!("a counter counts what was before this event, and `{text}` is of this event"),
    )
    .help("add it where the counter is used: `good_visits + 1`, `spent + basket.paid`")
}

pub(super) fn anniversary_of_value(place: Place, text: &str) -> Diagnostic {
    Diagnostic::error("wrong-arguments", place, format!("`{text}` is no date of the member or the event"))
        .help("`days_from_anniversary(member.birthday)` takes a field that holds a date")
}

pub(super) fn list_elsewhere(place: Place) -> Diagnostic {
    Diagnostic::error(
        "wrong-list",
        place,
        "a list of records stands in the member or in an event, and nowhere else",
    )
    .help("several names of one kind are a `set of …`")
}

pub(super) fn list_of_others(place: Place, name: &str) -> Diagnostic {
    Diagnostic::error("wrong-list", place, format!("another event has a list `{name}` of another record"))
        .help("events that share a field's name share its type; give this one another name")
}

pub(super) fn unknown_list_record(place: Place, word: &str, near: Option<&str>) -> Diagnostic {
    Diagnostic::error(
        "wrong-list",
        place,
        format!("there is no record `{word}` that this could be a list of"),
    )
    .suggest(near)
    .help(format!(
        "declare what an entry holds: `record {word} {{ … }}`; names of a kind are a `set of {word}`"
    ))
}
