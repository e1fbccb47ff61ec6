//! Names that authors bring from elsewhere, and what says the same here. Refuses to know what is declared: who looks a name
//! up in vain asks here last.

/// Of a value.
pub(super) fn of_value(name: &str) -> Option<&'static str> {
    Some(match name.to_ascii_lowercase().as_str() {
        "null" | "nil" | "none" | "undefined" => {
            "what may be missing is asked with `known` and `unknown`: `member.birthday known`"
        }
        "now" | "today" | "sysdate" | "current_date" | "current_timestamp" => TIME,
        "tomorrow" => "rules know the event's own time: `event.date + 1 days`",
        "yesterday" => "rules know the event's own time: `event.date - 1 days`",
        "discount" => {
            "what is left of a price is a field: `line.paid` of `line.initial`, `basket.paid` of `basket.initial`"
        }
        "balance" => "a balance is asked of the member, by account: `member.balance.bonus`",
        "tier" | "level" => "levels are declared by `tiers` and asked of the member: `member.tier`",
        "quantity" | "qty" => {
            "pieces are a field of the line: `line.pieces`; of all lines `sum(line.pieces for lines)`"
        }
        "total" | "subtotal" | "amount" => {
            "`basket.paid` is what is left to pay, `basket.initial` what it was before discounts"
        }
        _ => return None,
    })
}

const TIME: &str = "rules know the event's own time: `event.date`, `event.time`, `event.at`";

/// Of a function.
pub(super) fn of_function(name: &str) -> Option<&'static str> {
    Some(match name.to_ascii_lowercase().as_str() {
        "if" | "iif" | "iff" | "ifs" | "case" | "switch" | "choose" => {
            "a choice is `by (basket.paid > 10 EUR) { true => 5 points, false => 1 points }`, or by bands: `by basket.paid { \
             from 0 EUR until 10 EUR => 1 points, from 10 EUR => 5 points }`"
        }
        "round" | "roundup" | "rounddown" | "ceil" | "ceiling" | "trunc" => {
            "amounts are exact and are rounded once, as the account or the programme says, or as a conversion does: \
             `as points rounded down`"
        }
        "floor" | "int" | "quotient" => "full steps are counted with `steps of 10 EUR in basket.paid`",
        "now" | "today" | "getdate" | "date" | "current_date" => TIME,
        "coalesce" | "ifnull" | "isnull" | "nvl" | "isblank" | "isempty" => {
            "what may be missing is asked with `known`: `by (member.birthday known) { true => …, false => … }`"
        }
        "len" | "length" | "counta" | "countif" | "countifs" | "size" => {
            "elements are counted with `count(lines where …)`"
        }
        "sumif" | "sumifs" | "sumproduct" => "sums are `sum(line.paid for lines where …)`",
        "average" | "averageif" | "mean" => "means are `avg(line.paid for lines where …)`",
        "like" | "contains" | "startswith" | "regexp" | "search" => {
            "names are compared as a whole: `line in category \"Tea\"`, `line in sku [\"A\", \"B\"]`"
        }
        "mod" => "the rest of a division is `line.pieces mod 6 pcs`",
        "and" | "or" | "not" => "conditions are joined by words between them: `a and b`, `not a`",
        "vlookup" | "xlookup" | "lookup" | "index" | "match" => {
            "a choice by several values is a `table`, which is called by its name"
        }
        _ => return None,
    })
}

/// Words for collections that are written like functions; in their own spelling.
pub(super) fn aggregate(name: &str) -> Option<&'static str> {
    const WORDS: &[&str] = &["sum", "avg", "min", "max", "count", "any", "all", "distinct"];
    WORDS.iter().find(|word| name.eq_ignore_ascii_case(word)).copied()
}

/// Of a type.
pub(super) fn of_type(name: &str) -> Option<&'static str> {
    Some(match name.to_ascii_lowercase().as_str() {
        "boolean" | "logical" => "bool",
        "string" | "varchar" | "char" | "str" => "text",
        "int" | "integer" | "float" | "double" | "decimal" | "bigint" | "numeric" => "number",
        "datetime" | "timestamp" => "instant",
        "currency" | "price" | "amount" => "money",
        "percentage" | "pct" => "percent",
        "quantity" | "pieces" => "pcs",
        _ => return None,
    })
}

/// Of a field of the member.
pub(super) fn of_member(name: &str) -> Option<&'static str> {
    Some(match name.to_ascii_lowercase().as_str() {
        "age" => "how old somebody is: `member.birthday known and event.date >= member.birthday + 18 years`",
        "tier" | "level" | "status" => {
            "`member.tier` is there once `tiers` declares levels; a field of the host's is added with `extend member`"
        }
        "points" => "a balance is asked by account: `member.balance.bonus`",
        _ => return None,
    })
}
