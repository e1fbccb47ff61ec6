//! The words of explanations: what a condition met, what it needs, and how far that is away.
//!
//! Every number is exact, or says that it is rounded. Refuses to know how a condition came to be asked.

use super::{Amount, Filter, Local, Part, Picked, Quote, Refused, Selection, Spot};
use crate::clock;
use crate::decimal;
use crate::engine::Engine;
use crate::record::ReadEvent;
use crate::record::error::clip;
use perq_compiler::interpret::trace::{Fact, Failure, Loop, Over, Pick, Subject};
use perq_compiler::ir::{
    AccountId, Comparison, KindId, LimitOf, MISSING, Measure, PRICE_SCALE, PlaceId, Program, ReferenceId,
    Slot, SlotId, SlotType, Unit, event_slot,
};

/// The days of the week.
const WEEKDAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// Names that are listed of a set or a reference.
const NAMES: usize = 8;

/// Characters of a name: a record may write very long ones.
const NAME: usize = 200;

/// Decimals beyond which a number is rounded.
const DIGITS: u8 = 9;

/// Days that are looked ahead for one that fits a schedule.
const DAYS_AHEAD: i64 = 366;

/// Names, numbers and places of one program and one event.
pub(super) struct Words<'w> {
    pub engine: &'w Engine,
    pub event: &'w ReadEvent,
    /// Names of the event that no dictionary has: kind, number behind the dictionary's, name.
    pub strangers: Vec<(u32, u32, String)>,
    pub quote: Quote<'w>,
}

/// What numbers of a condition are, as far as it is known.
enum Kind<'m> {
    Weekday,
    MonthDay,
    Measured(&'m Unit, i128),
    Slot(SlotType),
    Plain,
}

impl Words<'_> {
    fn program(&self) -> &Program {
        self.engine.program()
    }

    /// A place with its text.
    pub fn spot(&self, id: PlaceId) -> Spot {
        let program = self.program();
        let Some(place) = program.places.get(id.index()) else {
            return Spot { file: String::new(), line: 1, column: 1, text: None };
        };
        let file = program.sources.get(place.file as usize).map_or("?", |source| source.path.as_str());
        let text =
            (self.quote)(file, place).map(|text| text.split_whitespace().collect::<Vec<_>>().join(" "));
        Spot { file: file.to_owned(), line: place.line, column: place.column, text }
    }

    /// An amount without its unit.
    pub fn bare(&self, account: Option<AccountId>, amount: i128) -> String {
        decimal::print(amount, self.decimals(account))
    }

    fn decimals(&self, account: Option<AccountId>) -> u8 {
        let accounts = &self.program().accounts;
        match account {
            Some(account) => accounts.get(account.index()).map_or(0, |account| account.decimals),
            None => self.program().currency.decimals,
        }
    }

    /// What a limit took.
    pub fn taken(&self, of: LimitOf, amount: i128) -> Amount {
        match of {
            LimitOf::Discounts => self.amount(None, amount),
            LimitOf::Awards(account) => self.amount(Some(account), amount),
            LimitOf::Times | LimitOf::Gifts => {
                let amount = amount.to_string();
                Amount { amount, unit: "times".to_owned(), currency: None, account: None, to: None }
            }
        }
    }

    /// An amount.
    pub fn amount(&self, account: Option<AccountId>, amount: i128) -> Amount {
        let program = self.program();
        let declared = account.and_then(|account| program.accounts.get(account.index()));
        let currency = account.is_none().then(|| program.currency.code.clone());
        Amount {
            amount: self.bare(account, amount),
            unit: match declared {
                Some(account) => account.unit.clone(),
                None => program.currency.code.clone(),
            },
            currency,
            account: declared.map(|account| account.name.clone()),
            to: None,
        }
    }

    /// The price of a piece, with the currency's decimals where they suffice.
    pub fn price(&self, price: i64) -> String {
        let decimals = self.program().currency.decimals;
        number(i128::from(price), power(PRICE_SCALE), decimals)
    }

    /// What the clock says.
    pub fn local(&self) -> Local {
        let slot = |slot: SlotId| self.event.record.event.get(slot.index()).copied().unwrap_or(0);
        Local {
            date: clock::date_text(slot(event_slot::DATE)),
            time: clock::time_text(slot(event_slot::TIME)),
            weekday: weekday(slot(event_slot::WEEKDAY)),
        }
    }

    /// What became of rows.
    pub fn selection(&self, rows: &Loop, most: usize) -> Selection {
        let filter = |filter: &perq_compiler::interpret::trace::Filter| Filter {
            place: self.spot(filter.place),
            passed: filter.passed,
        };
        let refused = rows.refused.iter().take(most);
        Selection {
            of: match rows.over {
                Over::Lines => "lines",
                Over::Payments => "payments",
                Over::Sets => "sets",
                Over::Table(_) => "rows",
            },
            table: match rows.over {
                Over::Lines | Over::Payments | Over::Sets => None,
                Over::Table(id) => {
                    self.program().layout.tables.get(id.index()).map(|table| table.name.clone())
                }
            },
            rows: rows.rows,
            filters: rows.filters.iter().map(filter).collect(),
            refused: refused
                .map(|(row, failure)| Refused { row: row.saturating_add(1), part: self.part(failure) })
                .collect(),
        }
    }

    /// What a pick took.
    pub fn pick(&self, pick: &Pick) -> Picked {
        let short =
            pick.least.map(|least| i128::from(least).saturating_sub(pick.of)).filter(|short| *short > 0);
        let (of, noun) = if pick.lines { ("lines", "line") } else { ("pieces", "piece") };
        Picked {
            place: self.spot(pick.place),
            of,
            among: pick.of.to_string(),
            taken: pick.taken.to_string(),
            distance: short.map(|short| format!("{} more", counted(short, noun))),
        }
    }

    fn slot(&self, subject: Subject) -> Option<&Slot> {
        let layout = &self.program().layout;
        match subject {
            Subject::Event(slot) => layout.event.get(slot.index()),
            Subject::Line(slot) => layout.line.get(slot.index()),
            Subject::Payment(slot) => layout.payment.get(slot.index()),
        }
    }

    /// What was not as needed.
    pub fn part(&self, failure: &Failure) -> Part {
        let slot = failure.subject.and_then(|subject| self.slot(subject));
        let field = slot.map(|slot| slot.name.clone());
        // `category`: what the author calls it stands in the text.
        let last = field.as_deref().map(last_word);
        let place = self.spot(failure.place);
        let short = match failure.subject {
            Some(Subject::Event(event_slot::MONTH_DAY)) => "the day of the month",
            // What is worked out begins the text that stands above.
            _ => last.filter(|name| !is_said(name, place.text.as_deref())).unwrap_or("it"),
        };
        let short = short.to_owned();
        let mut part = Part {
            place,
            wanted: failure.wanted,
            field,
            says: String::new(),
            value: None,
            needed: None,
            distance: None,
            either: Vec::new(),
            rows: None,
        };
        let is_member = failure.subject == Some(Subject::Event(event_slot::MEMBER_KNOWN));
        match &failure.fact {
            _ if is_member => {
                let known = self.event.member().is_some();
                part.says = if known { "there is a member" } else { "there is no member" }.to_owned();
            }
            // No name that an author writes has a blank in it: this is the field behind `codes`.
            Fact::Compare { .. } if part.field.as_deref().is_some_and(|name| name.starts_with("coupon ")) => {
                part.says = "no code of it that can be redeemed is presented".to_owned();
            }
            Fact::Compare { needed, value, bound, measure } => {
                let kind = self.kind(failure.subject, slot, measure.as_ref());
                if let Kind::Plain = kind {
                    // A quotient is compared without being worked out: the numbers that met are not its own.
                    part.says = unsaid(failure.wanted);
                    return part;
                }
                self.compare(*needed, *value, *bound, &kind, &short, &mut part);
            }
            Fact::Range { value, low, high, measure } => {
                let kind = self.kind(failure.subject, slot, measure.as_ref());
                if !failure.wanted {
                    let (value, low, high) =
                        (self.show(*value, &kind), self.show(*low, &kind), self.show(*high, &kind));
                    part.says = format!("{short} is {value}, which is in {low} through {high}");
                    part.value = Some(value);
                } else if value < low {
                    self.compare(Comparison::GreaterOrEqual, *value, *low, &kind, &short, &mut part);
                } else {
                    self.compare(Comparison::LessOrEqual, *value, *high, &kind, &short, &mut part);
                }
            }
            Fact::OneOf { value, choices, measure } => {
                let kind = self.kind(failure.subject, slot, measure.as_ref());
                let shown = self.show(*value, &kind);
                let list: Vec<String> =
                    choices.iter().take(NAMES).map(|choice| self.show(*choice, &kind)).collect();
                let more = if choices.len() > NAMES { ", …" } else { "" };
                let list = format!("{}{more}", list.join(", "));
                let not = if failure.wanted { "not one of" } else { "which is one of" };
                part.says = format!("{short} is {shown}, {not} {list}");
                part.distance = self.days_until(choices, failure.wanted, &kind);
                part.needed = failure.wanted.then_some(list);
                part.value = Some(shown);
            }
            Fact::Reference(symbol, reference) => {
                let (kind, names) = self.reference(*reference);
                if *symbol == MISSING {
                    part.says = format!("{short} is not given");
                } else {
                    let name = self.symbol(kind, *symbol);
                    let how = if failure.wanted { "not" } else { "which belongs to" };
                    part.says = format!("{short} is {name}, {how} {names}");
                    part.value = Some(name);
                }
                part.needed = failure.wanted.then_some(names);
            }
            Fact::References(symbols, reference) => {
                let (kind, names) = self.reference(*reference);
                let list = self.symbols(kind, symbols);
                part.says = match (symbols.is_empty(), failure.wanted) {
                    (true, _) => format!("{short} is empty"),
                    (false, true) => format!("{short} has {list}, not {names}"),
                    (false, false) => format!("{short} has {list}, one of {names}"),
                };
                part.value = Some(list);
                part.needed = failure.wanted.then_some(names);
            }
            Fact::Contains(symbols, symbol) => {
                let kind = slot.and_then(|slot| slot.ty.symbol().or(slot.ty.set())).unwrap_or_default();
                let (list, name) = (self.symbols(kind, symbols), self.symbol(kind, *symbol));
                let not = if failure.wanted { "is not" } else { "is" };
                part.says = if symbols.is_empty() {
                    format!("{name} is not among them: there are none")
                } else {
                    format!("{name} {not} among {list}")
                };
                part.value = Some(list);
                part.needed = failure.wanted.then_some(name);
            }
            Fact::Known => {
                let is = if failure.wanted { "is not given" } else { "is given" };
                part.says = format!("{short} {is}");
            }
            Fact::Missing => part.says = format!("{short} is not given"),
            Fact::Truth => {
                part.says = format!("{short} is {}", !failure.wanted);
                part.value = Some((!failure.wanted).to_string());
            }
            Fact::Rows(rows) => {
                let selection = self.selection(rows, NAMES);
                let one = match rows.over {
                    Over::Lines => "line",
                    Over::Payments => "payment",
                    Over::Sets => "set",
                    Over::Table(_) => "row",
                };
                part.says = match (rows.found, rows.rows) {
                    (Some(row), _) => format!("{one} {} {}", u64::from(row) + 1, "decides it"),
                    (None, 0) => format!("there is no {one}"),
                    (None, 1) => format!("the one {one} does not do it"),
                    (None, count) => format!("none of {count} {one}s does it"),
                };
                part.rows = Some(selection);
            }
            Fact::Either(failures) => {
                part.says = if failure.wanted { "none of it holds" } else { "all of it holds" }.to_owned();
                part.either = failures.iter().map(|failure| self.part(failure)).collect();
            }
            Fact::Plain => {
                part.says = unsaid(failure.wanted);
            }
        }
        part
    }

    fn kind<'m>(
        &self,
        subject: Option<Subject>,
        slot: Option<&Slot>,
        measure: Option<&'m Measure>,
    ) -> Kind<'m> {
        match (subject, slot.map(|slot| slot.ty), measure) {
            (Some(Subject::Event(event_slot::WEEKDAY)), _, _) => Kind::Weekday,
            (Some(Subject::Event(event_slot::MONTH_DAY)), _, _) => Kind::MonthDay,
            // A value of these is compared as it stands.
            (_, Some(ty @ (SlotType::Date | SlotType::Time | SlotType::Instant | SlotType::Enum(_))), _) => {
                Kind::Slot(ty)
            }
            (_, Some(ty @ SlotType::Symbol(_)), _) => Kind::Slot(ty),
            (_, _, Some(measure)) => Kind::Measured(&measure.unit, measure.parts.max(1)),
            (_, Some(_) | None, None) => Kind::Plain,
        }
    }

    fn compare(
        &self,
        needed: Comparison,
        value: i128,
        bound: i128,
        kind: &Kind<'_>,
        short: &str,
        part: &mut Part,
    ) {
        let (mut shown, mut limit) = (self.show(value, kind), self.show(bound, kind));
        let [from, after, mut until, before] = match kind.is_time() || kind.is_day() || kind.is_instant() {
            true => ["from", "after", "until", "before"],
            false => ["at least", "more than", "at most", "less than"],
        };
        // The last second of a schedule's hours is not what its author wrote.
        if kind.is_time() && needed == Comparison::LessOrEqual && bound.rem_euclid(60) == 59 {
            limit = self.show(bound.saturating_add(1), kind);
            until = before;
        }
        let wanted = match needed {
            Comparison::Equal => format!("not {limit}"),
            Comparison::NotEqual => format!("which is {limit}"),
            Comparison::GreaterOrEqual => format!("not {from} {limit}"),
            Comparison::Greater => format!("not {after} {limit}"),
            Comparison::LessOrEqual => format!("not {until} {limit}"),
            Comparison::Less => format!("not {before} {limit}"),
        };
        part.distance = self.distance(needed, value, bound, kind);
        part.says = if needed == Comparison::NotEqual {
            format!("{short} is {shown}")
        } else {
            format!("{short} is {shown}, {wanted}")
        };
        if needed != Comparison::NotEqual {
            part.needed = Some(std::mem::take(&mut limit));
        }
        part.value = Some(std::mem::take(&mut shown));
    }

    /// How far away the bound is, for numbers.
    fn distance(&self, needed: Comparison, value: i128, bound: i128, kind: &Kind<'_>) -> Option<String> {
        if kind.is_name() {
            return None;
        }
        let difference = bound.checked_sub(value)?;
        if kind.is_day() {
            return Some(match difference {
                1.. => format!("in {}", counted(difference, "day")),
                0 => return None,
                ..0 => format!("{} ago", counted(difference.checked_neg()?, "day")),
            });
        }
        if kind.is_time() {
            return (difference > 0).then(|| format!("in {}", duration(difference)));
        }
        if kind.is_instant() {
            let is_now =
                self.event.record.event.get(event_slot::AT.index()).copied().map(i128::from) == Some(value);
            return match difference {
                0 => None,
                // Only the event's own instant goes on.
                1.. if is_now => Some(format!("in {}", duration(difference))),
                1.. => Some(format!("{} too early", duration(difference))),
                ..0 => Some(format!("{} too late", duration(difference.checked_neg()?))),
            };
        }
        let apart = self.show(difference.checked_abs()?, kind);
        match needed {
            Comparison::GreaterOrEqual => Some(format!("{apart} more")),
            Comparison::Greater => Some(format!("more than {apart} more")),
            Comparison::LessOrEqual => Some(format!("{apart} less")),
            Comparison::Less => Some(format!("more than {apart} less")),
            Comparison::Equal => Some(format!("{apart} {}", if difference > 0 { "more" } else { "less" })),
            Comparison::NotEqual => None,
        }
    }

    /// In how many days a schedule's day comes.
    fn days_until(&self, choices: &[i128], wanted: bool, kind: &Kind<'_>) -> Option<String> {
        let today = self.event.record.event.get(event_slot::DATE.index()).copied()?;
        let of_day = |date: i64| match kind {
            Kind::Weekday => Some(i128::from(clock::weekday_of(date))),
            Kind::MonthDay => clock::month_day_of(date).map(i128::from),
            Kind::Slot(SlotType::Date) => Some(i128::from(date)),
            Kind::Slot(_) | Kind::Measured(..) | Kind::Plain => None,
        };
        let fits = |ahead: &i64| {
            let day = today.checked_add(*ahead).and_then(of_day);
            wanted && day.is_some_and(|day| choices.contains(&day))
        };
        let ahead = (1..DAYS_AHEAD).find(fits)?;
        Some(format!("in {}", counted(i128::from(ahead), "day")))
    }

    /// A value in words.
    fn show(&self, value: i128, kind: &Kind<'_>) -> String {
        match kind {
            Kind::Weekday => i64::try_from(value).map_or_else(|_| value.to_string(), weekday),
            Kind::Slot(ty) => self.of_slot(value, *ty),
            Kind::MonthDay | Kind::Plain => value.to_string(),
            Kind::Measured(unit, parts) => self.measured(value, unit, *parts),
        }
    }

    fn of_slot(&self, value: i128, ty: SlotType) -> String {
        let Ok(word) = i64::try_from(value) else { return value.to_string() };
        match ty {
            SlotType::Date => clock::date_text(word),
            SlotType::Time => clock::time_text(word),
            SlotType::Instant => self.instant(word),
            SlotType::Enum(id) => self.enumeration(id, word),
            SlotType::Symbol(kind) => self.symbol(kind, word),
            SlotType::Bool => (word == 1).to_string(),
            SlotType::Money { .. }
            | SlotType::Points(_)
            | SlotType::Percent
            | SlotType::Count
            | SlotType::Number { .. }
            | SlotType::Set(_) => value.to_string(),
        }
    }

    fn measured(&self, value: i128, unit: &Unit, parts: i128) -> String {
        let program = self.program();
        // Base units are minor units of this many decimals.
        let of = |decimals: u8| {
            parts
                .checked_mul(power(u32::from(decimals)))
                .map_or_else(|| value.to_string(), |parts| number(value, parts, decimals))
        };
        let trimmed = |decimals: u8| decimal::trimmed(&of(decimals)).to_owned();
        match unit {
            Unit::Number => number(value, parts, 0),
            Unit::Percent => match value.checked_mul(100) {
                Some(hundredfold) => format!("{}%", number(hundredfold, parts, 0)),
                None => value.to_string(),
            },
            Unit::Money => format!("{} {}", of(program.currency.decimals), program.currency.code),
            Unit::Points(account) => {
                let declared = program.accounts.get(account.index());
                let unit = declared.map_or("points", |account| account.unit.as_str());
                format!("{} {unit}", of(self.decimals(Some(*account))))
            }
            Unit::Count(word) => format!("{} {word}", number(value, parts, 0)).trim_end().to_owned(),
            Unit::Mass => format!("{} kg", trimmed(3)),
            Unit::Volume => format!("{} l", trimmed(3)),
            Unit::Duration => duration(value.checked_div(parts).unwrap_or(value)),
            Unit::Days => counted_text(&number(value, parts, 0), "day"),
            Unit::Months => counted_text(&number(value, parts, 0), "month"),
            Unit::Date => self.of_slot(value, SlotType::Date),
            Unit::Time => self.of_slot(value, SlotType::Time),
            Unit::Instant => self.of_slot(value, SlotType::Instant),
            Unit::Enum(id) => self.of_slot(value, SlotType::Enum(*id)),
            Unit::Symbol(kind) => self.of_slot(value, SlotType::Symbol(*kind)),
            Unit::Truth => (value == 1).to_string(),
        }
    }

    fn instant(&self, second: i64) -> String {
        self.engine.schema().values.zone.text(second)
    }

    fn enumeration(&self, id: perq_compiler::ir::EnumId, position: i64) -> String {
        let declared = self.program().enums.get(id.index());
        let value = usize::try_from(position).ok().and_then(|at| declared?.values.get(at));
        value.map_or_else(|| position.to_string(), Clone::clone)
    }

    /// The name of a symbol.
    fn symbol(&self, kind: KindId, symbol: i64) -> String {
        let schema = self.engine.schema();
        let dictionary = schema.tables.dictionaries.get(kind.index());
        let known = dictionary.map_or(0, crate::catalogue::Dictionary::len);
        let Ok(number) = u32::try_from(symbol) else { return "nothing".to_owned() };
        if let Some(name) = dictionary.and_then(|dictionary| dictionary.name(number)) {
            return clip(name, NAME);
        }
        let behind = usize::try_from(number).ok().and_then(|number| number.checked_sub(known));
        let stranger = self.strangers.iter().find(|(of, number, _)| {
            usize::try_from(*of).ok() == Some(kind.index()) && usize::try_from(*number).ok() == behind
        });
        stranger.map_or_else(|| "a name that is not known".to_owned(), |(_, _, name)| clip(name, NAME))
    }

    fn symbols(&self, kind: KindId, symbols: &[u32]) -> String {
        let mut names: Vec<String> =
            symbols.iter().take(NAMES).map(|symbol| self.symbol(kind, i64::from(*symbol))).collect();
        names.sort_unstable();
        let more = if symbols.len() > NAMES { ", …" } else { "" };
        format!("{}{more}", names.join(", "))
    }

    /// The kind of what a reference matches, and its names.
    fn reference(&self, id: ReferenceId) -> (KindId, String) {
        let program = self.program();
        let Some(reference) = program.references.get(id.index()) else { return Default::default() };
        let declared = program.kinds.get(reference.kind.index());
        let names: Vec<&str> = reference.names.iter().take(NAMES).map(String::as_str).collect();
        let more = if reference.names.len() > NAMES { ", …" } else { "" };
        let list = format!("{}{more}", names.join(", "));
        match declared.and_then(|kind| kind.of) {
            Some(of) => (of, format!("in {} {list}", declared.map_or("list", |kind| kind.name.as_str()))),
            None => (reference.kind, list),
        }
    }
}

impl Kind<'_> {
    fn is_day(&self) -> bool {
        matches!(self, Kind::Slot(SlotType::Date) | Kind::Measured(Unit::Date, _))
    }
    fn is_time(&self) -> bool {
        matches!(self, Kind::Slot(SlotType::Time) | Kind::Measured(Unit::Time, _))
    }
    fn is_instant(&self) -> bool {
        matches!(self, Kind::Slot(SlotType::Instant) | Kind::Measured(Unit::Instant, _))
    }
    fn is_name(&self) -> bool {
        matches!(
            self,
            Kind::Weekday
                | Kind::MonthDay
                | Kind::Plain
                | Kind::Slot(SlotType::Enum(_) | SlotType::Symbol(_) | SlotType::Bool)
                | Kind::Measured(Unit::Enum(_) | Unit::Symbol(_) | Unit::Truth, _)
        )
    }
}

/// The last word of a path; what is worked out, such as `count(earlier purchases)`, stays whole.
fn last_word(name: &str) -> &str {
    name.rsplit('.').next().filter(|_| is_path(name)).unwrap_or(name)
}

fn is_path(name: &str) -> bool {
    name.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '_'))
}

fn is_said(name: &str, text: Option<&str>) -> bool {
    !is_path(name) && text.is_some_and(|text| text.starts_with(name))
}

fn weekday(day: i64) -> String {
    let name = usize::try_from(day).ok().and_then(|day| WEEKDAYS.get(day));
    name.map_or_else(|| day.to_string(), |name| (*name).to_owned())
}

fn power(exponent: u32) -> i128 {
    10_i128.checked_pow(exponent).unwrap_or(1)
}

/// A fraction as a decimal: with at least so many decimals, with as many more as it needs, and rounded (and said so)
/// where it needs more than nine.
fn number(num: i128, den: i128, least: u8) -> String {
    for decimals in least..=DIGITS.max(least) {
        let Some(scaled) = num.checked_mul(power(u32::from(decimals))) else { break };
        if scaled % den == 0 {
            return decimal::print(scaled / den, decimals);
        }
    }
    let decimals = least.saturating_add(2);
    let rounded = num.checked_mul(power(u32::from(decimals))).and_then(|scaled| {
        perq_compiler::exact::divide_rounded(scaled, den, perq_compiler::ir::Rounding::HalfUp).ok()
    });
    match rounded {
        Some(rounded) => format!("about {}", decimal::print(rounded, decimals)),
        None => format!("{num}/{den}"),
    }
}

/// Of a condition of which no more is known.
fn unsaid(wanted: bool) -> String {
    if wanted { "it does not hold" } else { "it holds" }.to_owned()
}

fn counted(number: i128, noun: &str) -> String {
    counted_text(&number.to_string(), noun)
}

fn counted_text(number: &str, noun: &str) -> String {
    let ending = if number == "1" { "" } else { "s" };
    format!("{number} {noun}{ending}")
}

/// `2 h 10 min`
fn duration(seconds: i128) -> String {
    let sign = if seconds < 0 { "-" } else { "" };
    let seconds = seconds.unsigned_abs();
    let parts = [(seconds / 3600, "h"), (seconds / 60 % 60, "min"), (seconds % 60, "s")];
    let said: Vec<String> =
        parts.iter().filter(|(count, _)| *count > 0).map(|(count, unit)| format!("{count} {unit}")).collect();
    if said.is_empty() { "0 s".to_owned() } else { format!("{sign}{}", said.join(" ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_exact_or_say_that_they_are_not() {
        for ((num, den, least), expected) in [
            ((1_240, 100, 2), "12.40"),
            ((38_760_000, 10_000, 2), "3876.00"),
            ((127_505, 10_000, 2), "12.7505"),
            ((1, 3, 2), "about 0.3333"),
            ((-5, 2, 0), "-2.5"),
            ((7, 1, 0), "7"),
            ((i128::MAX, 3, 2), "170141183460469231731687303715884105727/3"),
        ] {
            assert_eq!(number(num, den, least), expected, "{num}/{den}");
        }
        assert_eq!(
            (duration(7_800), duration(0), duration(59)),
            ("2 h 10 min".into(), "0 s".into(), "59 s".into())
        );
    }
}
