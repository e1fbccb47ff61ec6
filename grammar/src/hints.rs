//! What was probably meant where the grammar stops: notations that read well and are written otherwise here.
//!
//! It looks at the words around the place and refuses to know the grammar. Each notation is one arm; the words before the
//! place stand nearest first.

/// What was meant, for the author.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Hint {
    /// How it is written here, where there is no one text that would do.
    pub(crate) help: Option<String>,
    /// Texts that would do.
    pub(crate) repairs: Vec<Repair>,
}

/// A text in place of some words around the place.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Repair {
    /// How many words before the place it replaces.
    pub(crate) before: usize,
    /// How many words from the place on it replaces.
    pub(crate) from: usize,
    /// The text.
    pub(crate) text: String,
}

/// Where the grammar stopped.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Around<'t> {
    /// The word that begins the declaration.
    pub(crate) item: &'t str,
    /// The words before the place, the nearest first.
    pub(crate) before: &'t [&'t str],
    /// The word there.
    pub(crate) found: &'t str,
    /// The words behind it.
    pub(crate) behind: &'t [&'t str],
}

fn tell(help: impl Into<String>) -> Option<Hint> {
    Some(Hint { help: Some(help.into()), repairs: Vec::new() })
}

/// In place of so many words before the place and so many from it on.
fn put(before: usize, from: usize, text: impl Into<String>) -> Option<Hint> {
    Some(Hint { help: None, repairs: vec![Repair { before, from, text: text.into() }] })
}

impl Hint {
    fn or(mut self, before: usize, from: usize, text: impl Into<String>) -> Option<Hint> {
        self.repairs.push(Repair { before, from, text: text.into() });
        Some(self)
    }
}

/// What to write instead, where the words tell.
pub(crate) fn hint(around: Around<'_>) -> Option<Hint> {
    if [around.before, &[around.found], around.behind].concat().iter().any(|word| word.len() > LONGEST) {
        return None;
    }
    amounts(around)
        .or_else(|| effects(around))
        .or_else(|| conditions(around))
        .or_else(|| collections(around))
        .or_else(|| times(around))
        .or_else(|| declarations(around))
        .or_else(|| instruments(around))
        .or_else(|| plans(around))
}

/// Longer words are none of those that are known here, and are quoted in no hint.
const LONGEST: usize = 60;

fn is_number(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_digit())
}

/// A currency, as far as its letters tell.
pub(crate) fn is_currency(word: &str) -> bool {
    word.len() == 3 && word.bytes().all(|byte| byte.is_ascii_uppercase())
}

/// A unit of what is weighed or measured.
pub(crate) fn is_measure(word: &str) -> bool {
    matches!(word, "l" | "ml" | "kg" | "g")
}

fn is_operator(word: &str) -> bool {
    matches!(word, "+" | "-" | "*" | "/")
}

fn is_comparison(word: &str) -> bool {
    matches!(word, "<" | "<=" | ">" | ">=" | "=" | "!=")
}

/// How much is given, and for what.
fn amounts(Around { before, found, behind, .. }: Around<'_>) -> Option<Hint> {
    let near = |word: &str| before.iter().take(4).any(|before| *before == word);
    match (before, found, behind) {
        ([unit, number, ..], "for", ["each" | "every", size, of, ..])
            if is_number(number) && is_number(size) =>
        {
            if is_currency(of) {
                return put(2, 4, format!("{number} {unit} * steps of {size} {of} in basket.paid"));
            }
            if is_measure(of) {
                return tell(per_measure(&format!("{number} {unit}"), &format!("{size} {of}")));
            }
            tell(format!("full steps are counted: `{number} {unit} * steps of {size} {of} in …`"))
        }
        ([unit, number, "award", ..], "for", ["each", element, "in", ..]) if is_number(number) => {
            tell(format!(
                "the loop stands around what it repeats: `for each {element} in … {{ award {number} {unit} }}`"
            ))
        }
        (_, sign, _) if is_operator(sign) && near("as") => {
            tell(format!("`as` ends a sum; put it in parentheses: `(… as points) {sign} …`"))
        }
        (_, "max" | "maximum" | "capped" | "up", ["at" | "to", number, unit, ..] | [number, unit, ..])
            if is_number(number) && (near("as") || near("award")) =>
        {
            tell(format!(
                "the most is a clause of the rule: `limit {number} {unit} per transaction else cut`"
            ))
        }
        ([_, "on" | "of", "%", number, ..], "where", _) => tell(format!(
            "a share is taken of an amount: `{number}% of sum(line.paid for lines where …) as points`"
        )),
        _ => None,
    }
}

/// Points by litres: what a rule says instead of `per litre`.
pub(crate) fn per_measure(amount: &str, size: &str) -> String {
    let (field, unit) = if size.ends_with('g') { ("weight", "kg") } else { ("litres", "l") };
    format!(
        "what is measured is a field of the line: `extend line {{ {field}: {unit}? }}`, and `for each line in lines where \
         line.{field} known {{ award {amount} * steps of {size} in line.{field} }}`"
    )
}

/// What stands where an effect could begin, or behind one.
fn effects(Around { before, found, behind, .. }: Around<'_>) -> Option<Hint> {
    match (before, found, behind) {
        (["then" | "{", ..], "give" | "grant" | "add" | "credit" | "earn" | "reward", [number, ..])
            if is_number(number) =>
        {
            put(0, 1, "award")
        }
        (["then" | "{", ..], "take" | "deduct" | "subtract" | "charge", [number, ..])
            if is_number(number) =>
        {
            put(0, 1, "debit")
        }
        (["then" | "{", ..], "double" | "triple", _) => {
            tell("a multiplier is a rule of a later group: `multiply awards of group … by 2`")
        }
        (["then" | "{", ..], "buy", _) => tell(
            "three for two is `discount 100% on cheapest 1 in every 3 of units where …`, sets of unlike goods are a \
             `take bundle`",
        ),
        (["then" | "{", ..], number, ["%", "off", ..]) if is_number(number) => {
            put(0, 3, format!("discount {number}% on"))
        }
        (["then" | "{", ..], number, [unit, "off", ..]) if is_number(number) => {
            put(0, 3, format!("discount {number} {unit} on"))
        }
        (["%", _, "discount", ..] | [_, _, "discount", ..], "off" | "from", _) => put(0, 1, "on"),
        (["%", _, "discount", ..] | [_, _, "discount", ..], "}" | "rule" | "group", _) => {
            tell("a discount says of what: `on lines where …`, `on units where …` or `on basket`")
        }
        (["gift", ..], number, ["sku", ..]) if is_number(number) => put(0, 1, format!("{number} pcs of")),
        (["then" | "{" | "=>", ..], account, ["+" | "-", ..]) => tell(format!(
            "points are given by `award … points`, which go to `{account}` if that is their account, and taken by `debit …`"
        )),
        (_, "else", _) if before.contains(&"award") || before.contains(&"discount") => tell(
            "a rule has no `else`: choose the amount, `award by … { … => 5 points, otherwise => 1 points }`, or write a \
             second rule with `unless`",
        ),
        (["then", ..], _, _) if before.contains(&"case") && before.contains(&"award") => tell(
            "an amount is chosen by a value, `award by basket.paid { from 0 EUR until 20 EUR => 3 points, from 20 EUR => 5 points }`, \
             or by a condition, `award by (…) { true => 5 points, false => 3 points }`",
        ),
        (["{" | "}" | "then", ..], "if", _) => {
            tell("a condition is a clause of the rule, `when …`, and what it gives stands after `then`")
        }
        (_, "{", ["award" | "discount" | "issue" | "for" | "gift" | "price" | "say", ..])
            if (before.contains(&"when") || before.first() == Some(&")"))
                && !before.iter().any(|word| matches!(*word, "where" | "each" | "in")) =>
        {
            put(0, 1, "then {")
        }
        (["for", ..], element, ["in", ..]) => put(0, 1, format!("each {element}")),
        _ => None,
    }
}

/// What is asked.
fn conditions(Around { before, found, behind, .. }: Around<'_>) -> Option<Hint> {
    match (before, found, behind) {
        (_, "is", ["not", "null" | "empty" | "missing" | "unknown", ..]) => put(0, 3, "known"),
        (_, "is", ["null" | "empty" | "missing", ..]) => put(0, 2, "unknown"),
        (_, "is", [asked @ ("known" | "unknown"), ..]) => put(0, 2, *asked),
        (_, "is", ["greater" | "more" | "higher" | "above", "than", ..]) => put(0, 3, ">"),
        (_, "is", ["less" | "lower" | "fewer" | "below", "than", ..]) => put(0, 3, "<"),
        (_, "is", ["above" | "over", ..]) => put(0, 2, ">"),
        (_, "is", ["below" | "under", ..]) => put(0, 2, "<"),
        (_, "is", ["at", "least", ..]) => put(0, 3, ">="),
        (_, "is", ["at", "most", ..]) => put(0, 3, "<="),
        (_, "is", ["not", "in", ..]) => put(0, 2, "not"),
        (_, "is", ["in", ..]) => put(0, 2, "in"),
        (_, "is", ["not", ..]) => put(0, 2, "!="),
        (_, "is" | "equals", _) => put(0, 1, "="),
        (_, "at", ["least", number, ..]) if is_number(number) => put(0, 2, ">="),
        (_, "at", ["most", number, ..]) if is_number(number) => put(0, 2, "<="),
        (_, "between", [low, low_unit, "and", high, high_unit, ..]) if is_number(low) && is_number(high) => {
            put(0, 6, format!("in {low} {low_unit} through {high} {high_unit}"))
        }
        (_, "between", _) | (["between", ..], _, _) => tell(
            "a range is asked with `in`: `x in A through B` with both ends, `x in A until B` without the last one",
        ),
        (["lines" | "basket", ..], "contains" | "contain" | "has" | "includes" | "include", [kind, ..])
            if kind.starts_with(|c: char| c.is_ascii_lowercase()) =>
        {
            tell(format!("a basket is asked for lines: `any(lines where line in {kind} \"…\")`"))
        }
        (["exists" | "exist", ..], "line" | "lines" | "a" | "any" | "some", _) => tell(
            "lines are asked with `any(lines where …)`, `all(lines where …)` and `count(lines where …) >= 2`",
        ),
        (_, "like" | "startswith" | "matches", _) => tell(
            "names are whole, and patterns of them do not exist: list the articles, `line in sku [\"A-1\", \"A-2\"]`, or \
             give them a list, a brand or a category of the catalogue",
        ),
        (["first", ..], "purchase", _) => put(1, 1, "count(earlier purchases within program) = 0"),
        (["by", ..] | [_, "by", ..] | [_, ".", _, "by", ..], sign, _) if is_comparison(sign) => tell(
            "`by` chooses by a value; a condition stands in parentheses: `by (x > 5 EUR) { true => …, false => … }`",
        ),
        (_, sign, _) if is_comparison(sign) && behind.contains(&"?") => tell(
            "a choice is `by x { from 0 EUR until 10 EUR => 1 points, from 10 EUR => 5 points }`, or of a condition \
             `by (x > 10 EUR) { true => …, false => … }`",
        ),
        _ => None,
    }
}

/// What is counted, picked or looked back at.
fn collections(Around { before, found, behind, .. }: Around<'_>) -> Option<Hint> {
    let is_short = |word: &str| {
        word.len() <= 20 && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    match (before, found, behind) {
        (["cheapest" | "dearest", ..], "of", _) => put(0, 1, "1 of"),
        (["the", ..], "cheapest" | "dearest", _) => put(1, 1, found),
        ([pick @ ("dearest" | "cheapest"), ..] | [_, pick @ ("dearest" | "cheapest"), ..], sign, _)
            if is_operator(sign) || sign == "(" =>
        {
            tell(format!(
                "a number that is worked out gets a name first: `let most = …`, then `{pick} most of …`"
            ))
        }
        (["every", ..], "second" | "other", _) => put(0, 1, "2nd"),
        (["every", ..], "third", _) => put(0, 1, "3rd"),
        (["every", ..], "fourth", _) => put(0, 1, "4th"),
        (["every", ..], "fifth", _) => put(0, 1, "5th"),
        (_, nth, _) if is_ordinal(nth) => tell(format!(
            "every so many are picked as in `every {nth} of units ordered by unit.price descending`"
        )),
        ([_, "earlier", ..], "last" | "this" | "previous", _) => {
            let count = if found == "last" { 2 } else { 1 };
            let more = behind.get(..count).filter(|more| more.iter().all(|word| is_short(word)));
            let more = more.map_or_else(
                || if found == "last" { "30 days" } else { "month" }.to_owned(),
                |more| more.join(" "),
            );
            tell(format!("the window stands after `within`: `within {found} {more}`"))
        }
        ([_, "earlier", ..], "in" | "during" | "over" | "for", ["last" | "this" | "previous", ..]) => {
            put(0, 1, "within")
        }
        (["last", ..], "day" | "week" | "month" | "quarter" | "year", _) => {
            put(1, 1, format!("previous {found}"))?.or(1, 1, format!("last 1 {found}s"))
        }
        (["previous", ..], number, _) if number.bytes().all(|byte| byte.is_ascii_digit()) => tell(
            "`previous` is the one period before, as in `previous week`; for several write `last 4 weeks`, and leave out \
             this one with `where purchase.date < start_of_week(event.date)`",
        ),
        (["distinct", "(", "count", ..], word, _) => put(3, 1, format!("distinct({word}")),
        (["(", "count", ..], "*", _) => put(0, 1, "lines"),
        ([_, "for", ..], "in", [collection @ ("lines" | "units" | "payments"), ..]) => put(1, 2, *collection),
        (_, "group", ["by", ..]) => tell(
            "nothing is grouped: sum over what belongs together, `sum(line.paid for lines where line in category \"…\")`",
        ),
        _ => None,
    }
}

fn is_ordinal(word: &str) -> bool {
    let digits = word.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let is_ending = ["st", "nd", "rd", "th"].iter().any(|ending| word.strip_prefix(digits) == Some(*ending));
    is_ending && word.len() <= 20 && !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// Days, hours, and how long something holds.
fn times(Around { item, before, found, behind, .. }: Around<'_>) -> Option<Hint> {
    let after = |word: &str| before.iter().take(4).any(|before| *before == word);
    match (before, found, behind) {
        (_, "to", _) if after("valid") || after("in") || after("from") => {
            tell("a range is `A through B` with both ends, or `A until B` without the last one")
        }
        (["valid", ..], "until" | "through", _) => {
            tell("`valid` says the first day, too: `valid 2026-01-01 through 2026-12-31`")
        }
        (["valid", ..], "after", _) | (["after", "valid", ..], _, _) if item == "coupon" => tell(FIRST_DAY),
        (
            [_, "coupon", "issue", ..] | [_, "coupon", _, "issue", ..],
            "available" | "active" | "starting" | "from",
            _,
        ) => tell(FIRST_DAY),
        ([_, "hours", ..], "through" | "to", _) => put(0, 1, "until"),
        (["days", ..], word, _) if word.bytes().all(|byte| byte.is_ascii_alphanumeric()) => {
            tell("days stand in brackets: `schedule days [mon, tue]`")
        }
        (["expires" | "available", ..], "in", _) => put(0, 1, "after"),
        (["expires" | "available", ..], "from" | "at", [day, ..]) if is_day(day) => put(0, 1, "on"),
        ([_, number, "award", ..], "active" | "usable" | "valid", ["after" | "on", ..])
            if is_number(number) =>
        {
            put(0, 1, "available")
        }
        ([_, number, "award", ..], "expire", ["after" | "on", ..]) if is_number(number) => {
            put(0, 1, "expires")
        }
        (["after", "expire", ..], number, [unit, ..]) if is_number(number) => {
            put(1, 2, format!("{number} {unit} after award"))
        }
        (["review", ..], "daily", _) => put(0, 1, "every day at 03:00"),
        (["review", ..], "weekly", _) => put(0, 1, "every week at 03:00"),
        (["review", ..], "monthly", _) => put(0, 1, "every month at 03:00"),
        (["review", ..], "quarterly", _) => put(0, 1, "every quarter at 03:00"),
        (["review", ..], "yearly" | "annually", _) => put(0, 1, "every year at 03:00"),
        (["downgrade", ..], "daily" | "weekly" | "monthly" | "quarterly" | "yearly" | "annually", _) => tell(
            "`downgrade` says how far a member falls; when that is looked at says `review every month at 03:00`",
        ),
        (["keep", ..], "for", [number, unit, ..]) if is_number(number) => {
            put(0, 3, format!("until event.date + {number} {unit}"))
        }
        ([_, number, "most" | "least", "at", ..], "per", [period @ ("day" | "week" | "month"), ..])
            if is_number(number) && item == "contacts" =>
        {
            let days = match *period {
                "day" => "1 days",
                "week" => "7 days",
                _ => "30 days",
            };
            put(0, 2, format!("within any {days}"))
        }
        _ => None,
    }
}

/// Where a coupon that begins after its issue is shown.
const FIRST_DAY: &str = "a coupon's first day is its own `valid`, the same for all its codes; for one that begins after its \
                         issue, `set` a day of the member beside `issue`, and ask for it in the coupon: \
                         `when member.given_on known and event.date > member.given_on`";

fn is_day(word: &str) -> bool {
    word.len() >= 10 && word.bytes().filter(|byte| *byte == b'-').count() == 2 && is_number(word)
}

/// Programmes, accounts, parameters, levels and what else is declared.
fn declarations(Around { item, before, found, behind, .. }: Around<'_>) -> Option<Hint> {
    match (before, found, behind) {
        ([_, "param"], "=", [_, "%", ..]) => put(0, 1, ": percent ="),
        ([_, "param"], "=", [_, unit, ..]) if is_currency(unit) => put(0, 1, ": money ="),
        ([_, "param"], "=", [number, ..]) if is_number(number) => put(0, 1, ": number ="),
        (_, "min", [low, "%", "max", high, "%", ..]) if item == "param" => {
            put(0, 6, format!("in {low}% through {high}%"))
        }
        (_, "min" | "max" | "between", _) if item == "param" => {
            tell("what may be set is a range: `param rate: percent = 5% in 1% through 10%`")
        }
        ([":", _, "let", ..], "=", _) => put(1, 1, "="),
        ([_, "segment"], "{" | ":", _) => {
            tell("a segment is a condition: `segment regulars = member known and …`")
        }
        ([_, "counter"], "=", _) => put(0, 1, "per member ="),
        ([_, "badge"], "if" | "when", _) => {
            tell("the condition stands in braces: `badge big { when basket.paid >= 100 EUR }`")
        }
        ([_, "(", _, "define"], ")" | ",", _) => {
            tell("a parameter has a type: `define net(line: line) gives money = line.paid`")
        }
        ([")", ..], "returns" | "return" | ":" | "->", _) if matches!(item, "define" | "table") => {
            put(0, 1, "gives")
        }
        ([_, "gives", ..], "{", _) if item == "table" => put(0, 1, "unique {")?.or(0, 1, "first_match {"),
        ([_, "level", ..], ">=" | ">", _) => put(0, 1, "from"),
        (["%", _, "melt", ..], "every", _) => tell(
            "it says of what, and from when: `melt 10% of awarded every 30 days from 90 days after award`",
        ),
        ([_, _, "worth", ..], "}" | "redeemable" | "round" | "expire" | "qualifying", _) => {
            tell("`worth` is a rate: `worth 100 points = 1 EUR`")
        }
        (["{", _, "account"], "decimals", _) => tell("it counts something: `unit points decimals 0`"),
        (["best", "displace", ..], _, _) => put(1, 0, "best for member")?.or(1, 0, "best for retailer"),
        ([sum @ ("total" | "tax"), ..], "=", _) if item == "test" => put(1, 1, *sum),
        (["no", "expect", ..], "award" | "discount" | "points", _) => put(1, 1, "nothing"),
        (["{", _, "ensure"], _, _) if !matches!(found, "keep" | "for" | "on" | "when") => {
            tell("what is promised stands after `keep`: `keep line.paid >= 60% of line.initial`")
        }
        (["{" | ",", ..], value, _) if item == "enum" && value.starts_with('"') => {
            let name = value.trim_matches('"');
            let is_word =
                name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_') && !name.is_empty();
            if is_word {
                put(0, 1, name)
            } else {
                tell("a value is a word, with a title behind it: `gold \"Gold\"`")
            }
        }
        ([_, "{", _, "event"] | [_, "{", _, "extend"] | [_, "{", _, "record"], ty, _)
            if ty != ":" && found != "}" =>
        {
            put(0, 1, format!(": {ty}"))
        }
        (["{" | "}", ..], "code" | "description" | "owner" | "category", _) if item != "coupon" => {
            tell(format!("what is only told about a rule stands in `about {{ {found} \"…\" }}`"))
        }
        ([_, "{", _, "extend", ..], "}" | ",", _) => tell(
            "`extend` adds fields to a record, as in `extend line { deposit: bool = false }`; the values of an enumeration \
             are all where it is declared",
        ),
        _ => None,
    }
}

/// Coupons and what is said.
fn instruments(Around { item, before, found, behind, .. }: Around<'_>) -> Option<Hint> {
    match (before, found, behind) {
        (_, "code", [code, ..]) if item == "coupon" && code.starts_with('"') => put(0, 1, "codes shared"),
        (["codes", ..], code, _) if code.starts_with('"') => put(0, 1, format!("shared {code}")),
        (_, "max" | "maximum", [number, "%", ..]) if item == "redemption" && is_number(number) => {
            put(0, 3, format!("at most {number}% of basket.paid"))
        }
        (_, "max" | "maximum", _) if item == "redemption" => tell("the most is `at most 50% of basket.paid`"),
        (_, "then", _) if item == "offer" => {
            tell("what an offer gives when it is taken stands in `on accepted { … }`")
        }
        (["say", "if_short", ..], _, _) => tell("say to whom it is said: `say cashier \"…\"`"),
        (_, "spent", ["at", "once", ..]) => put(0, 3, "spent_at_once"),
        (_, "spent", ["at", ..]) => tell("`spent_at_once` is one word"),
        _ => None,
    }
}

/// Whether a word of the author's can stand in a hint as it is.
fn is_word(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Bounds of contact plans, and the channels that they name.
fn plans(Around { before, found, behind, .. }: Around<'_>) -> Option<Hint> {
    let bound = |word: &str| match word {
        "max" | "maximum" => Some("at most"),
        "min" | "minimum" => Some("at least"),
        _ => None,
    };
    let quoted = found.strip_prefix('"').and_then(|found| found.strip_suffix('"'));
    match (before, found, behind) {
        ([word, "capacity", ..], _, _) if bound(word).is_some() && is_word(found) => put(1, 0, bound(word)?),
        (["member" | "capacity", ..], _, _) if bound(found).is_some() => put(0, 1, bound(found)?),
        (["via", ..], _, _) if quoted.is_some_and(|name| is_word(name) && !is_number(name)) => {
            put(0, 1, quoted?)
        }
        (["via", ..], _, _) if quoted.is_some() => put(0, 1, format!("[{found}]")),
        ([name, "via", ..], "-", [rest, ..]) if is_word(name) && is_word(rest) => {
            put(1, 2, format!("[\"{name}-{rest}\"]"))
        }
        _ => None,
    }
}

/// Why a word between declarations stands at the wrong place, where it has one.
pub(crate) fn misplaced(word: &str) -> Option<&'static str> {
    match word {
        "let" => {
            Some("`let` stands in a rule or a group; for the whole programme there are `define` and `param`")
        }
        "when" | "unless" | "then" | "limit" | "budget" | "schedule" | "valid" => {
            Some("this is a clause of a rule, between its braces")
        }
        "import" | "include" | "require" => Some("another file is read with `use \"common/segments.rule\"`"),
        "const" | "var" | "variable" => {
            Some("a value for the whole programme is a `param`, a formula a `define`")
        }
        "function" | "def" | "fn" | "func" => {
            Some("a formula is a `define`: `define net(line: line) gives money = line.paid`")
        }
        "class" | "struct" | "type" => Some("records are `record` and `extend`, lists of words are `enum`"),
        "promotion" | "promo" | "campaign" | "discount" | "award" | "action" => {
            Some("what is given is said by a `rule` in a `group`")
        }
        "given" | "expect" => Some("this is a step of a test, between its braces"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn around<'t>(item: &'t str, before: &'t [&'t str], found: &'t str, behind: &'t [&'t str]) -> Around<'t> {
        Around { item, before, found, behind }
    }

    #[test]
    fn notations_of_others_are_known() {
        let of = |before: &[&str], found: &str, behind: &[&str]| {
            hint(around("rule", before, found, behind)).and_then(|hint| hint.help).unwrap_or_default()
        };
        assert!(of(&["points", "as", "paid"], "+", &["2", "EUR"]).contains("(… as points) + …"));
        assert!(of(&["2", "dearest", "on"], "*", &["count"]).contains("dearest most of"));
        assert!(of(&["=", "seconds", "let"], "2nd", &["of"]).contains("every 2nd of units"));
        assert!(of(&["purchases", "earlier", "("], "last", &["7", "days"]).contains("`within last 7 days`"));
        assert!(of(&["previous", "within"], "4", &["weeks"]).contains("last 4 weeks"));
        assert!(of(&["LineKind", "extend"], "{", &["deposit", "}"]).is_empty());
        assert!(of(&["2026-01-01", "from", "valid"], "to", &["2026-02-01"]).contains("A through B"));
        assert!(of(&["paid", "basket"], "between", &["low", "and"]).contains("x in A through B"));
        assert!(of(&["say", "if_short"], "\"No\"", &[]).contains("say cashier"));
        assert!(of(&["days", "schedule"], "mon", &[","]).contains("days [mon, tue]"));
        assert!(of(&["{", "one", "rule"], "code", &["\"X\""]).contains("about { code"));
        let long = "x".repeat(50);
        assert_eq!(
            of(&["purchases", "earlier"], "last", &[&long, "days"]),
            "the window stands after `within`: `within last 30 days`"
        );
        assert_eq!(hint(around("rule", &["="], &format!("{}nd", "1".repeat(1_000)), &[])), None);
        for found in ["+", "last", "4", "nd", "}", "2n", "of"] {
            assert_eq!(hint(around("rule", &["x", "="], found, &[])), None, "{found}");
        }
        assert!(misplaced("let").is_some() && misplaced("gruop").is_none());
    }

    #[test]
    fn a_repair_replaces_the_words_that_it_says_otherwise() {
        let of = |item: &str, before: &[&str], found: &str, behind: &[&str]| {
            let hint = hint(around(item, before, found, behind)).unwrap_or_default();
            hint.repairs.into_iter().map(|it| (it.before, it.from, it.text)).collect::<Vec<_>>()
        };
        let one = |before, from, text: &str| vec![(before, from, text.to_owned())];
        assert_eq!(
            of("rule", &["points", "2", "award"], "for", &["each", "1", "EUR"]),
            one(2, 4, "2 points * steps of 1 EUR in basket.paid")
        );
        assert_eq!(of("tiers", &["review"], "monthly", &["}"]), one(0, 1, "every month at 03:00"));
        assert_eq!(
            of("account", &["after", "expire"], "90", &["days", "}"]),
            one(1, 2, "90 days after award")
        );
        assert_eq!(of("rule", &["birthday", "."], "is", &["not", "null"]), one(0, 3, "known"));
        assert_eq!(
            of("rule", &["last", "within"], "month", &[")"]),
            vec![(1, 1, "previous month".to_owned()), (1, 1, "last 1 months".to_owned())]
        );
    }
}
