//! Prints programs and functions: for people, snapshots and `perq build --print`. Stable: the same program gives the
//! same text.
//!
//! Names where there are names, numbers where there are none. Prints ill-formed programs too, with `?` where an id
//! stands for nothing.

use super::{
    Account, AccountId, Arbitration, Atom, AtomId, AtomTest, Available, Bound, CalendarPart, Cancel,
    ClockPart, ClockZone, Column, Comparison, CounterKey, Derivation, DiscountAmount, Element, Expires, Fall,
    Figure, Function, Group, History, Inst, InstrumentId, KindId, Lifetime, Limit, LimitAmount, LimitOf,
    Offer, Otherwise, PERCENT_ONE, Param, ParamId, Program, Promise, PromiseOf, Purpose, ReferenceId, Rest,
    Rounding, RowSource, RowTable, Rows, Rule, SCORE_ONE, SetPick, SetValue, SiteId, SiteKind, Slot, SlotId,
    SlotType, Space, Span, StateRead, Sum, TaxPer, Telling, TenderSlots, Ty, Value, Weight, Window,
};
use std::fmt::{self, Display, Formatter, Write};

/// Most names of a reference that are printed.
const NAMES: usize = 8;

impl Display for Program {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "program {} version {} language {}", self.name, self.version, self.language)?;
        writeln!(f, "currency {} decimals {}", self.currency.code, self.currency.decimals)?;
        writeln!(f, "zone {:?} rounding {} week {}", self.zone, word(&self.rounding), self.week_starts)?;
        if let Some(tax) = &self.tax {
            let how = if tax.included { "included" } else { "on top" };
            let per = match tax.per {
                TaxPer::Line => "line",
                TaxPer::Unit => "unit",
                TaxPer::Posting => "posting",
            };
            writeln!(f, "tax {how} rounding {} per {per}", word(&tax.rounding))?;
        }
        if self.returns {
            writeln!(f, "keeps what may come back")?;
        }
        for (id, account) in self.accounts.iter().enumerate() {
            writeln!(f, "account {id} {}", Printed(account))?;
        }
        for (id, kind) in self.kinds.iter().enumerate() {
            write!(f, "kind {id} {}", kind.name)?;
            if kind.hierarchical {
                write!(f, " hierarchical")?;
            }
            if let Some(of) = kind.of {
                write!(f, " of {}", self.kind(of))?;
            }
            writeln!(f)?;
        }
        for (id, enumeration) in self.enums.iter().enumerate() {
            let ordered = if enumeration.ordered { " ordered" } else { "" };
            writeln!(f, "enum {id} {}{ordered} {}", enumeration.name, enumeration.values.join(" "))?;
        }
        for id in (0..).take(self.references.len()) {
            writeln!(f, "reference {id} {}", self.reference(ReferenceId(id)))?;
        }
        for (id, event) in self.events.iter().enumerate() {
            write!(f, "event {id} {} {:?}", event.name, event.spellings)?;
            for (word, slots) in [(" needs", &event.needs), (" lacks", &event.lacks)] {
                for (at, slot) in slots.iter().enumerate() {
                    let name = self.layout.event.get(slot.index()).map_or("?", |slot| slot.name.as_str());
                    write!(f, "{} {name}", if at == 0 { word } else { "," })?;
                }
            }
            writeln!(f)?;
        }
        let layout = &self.layout;
        for (name, slots) in [("event", &layout.event), ("line", &layout.line), ("payment", &layout.payment)]
        {
            for (id, slot) in slots.iter().enumerate() {
                writeln!(f, "{name} slot {id} {}", InProgram(self, slot))?;
            }
        }
        for (id, param) in self.params.iter().enumerate() {
            writeln!(f, "param {id} {}", InProgram(self, param))?;
        }
        for (id, table) in layout.tables.iter().enumerate() {
            writeln!(f, "table {id} {}", InProgram(self, table))?;
        }
        for clock in &self.clocks {
            let name = |slot| slot_name(&layout.event, slot);
            match &clock.zone {
                ClockZone::Named(zone) => write!(f, "clock {zone:?}:")?,
                ClockZone::Store(store) => write!(f, "clock of {}:", name(*store))?,
            }
            for slot in [clock.date, clock.time, clock.weekday, clock.month_day] {
                write!(f, " {}", name(slot))?;
            }
            writeln!(f)?;
        }
        for read in &self.reads {
            let slot = slot_name(&layout.event, read.slot);
            match read.read {
                StateRead::Balance(account) => {
                    writeln!(f, "read {slot}: balance of {}", self.account(account))?
                }
                StateRead::Refund => writeln!(f, "read {slot}: what is refunded")?,
                StateRead::BoughtOn => writeln!(f, "read {slot}: the day of the purchase")?,
                StateRead::Missing(account) => {
                    writeln!(f, "read {slot}: what is missing of {}", self.account(account))?
                }
                StateRead::After(window) => {
                    writeln!(f, "read {slot}: after what is before {}", words(&window))?
                }
                StateRead::Last(window) => writeln!(f, "read {slot}: end of {}", words(&window))?,
                StateRead::Until(window) => writeln!(f, "read {slot}: the event and {} on", words(&window))?,
                StateRead::Anniversary(of) => {
                    writeln!(f, "read {slot}: days from the anniversary of {}", slot_name(&layout.event, of))?
                }
                StateRead::Coupon(id) => {
                    let name = self.instruments.name(InstrumentId::Coupon(id)).map_or("?", |(_, name)| name);
                    writeln!(f, "read {slot}: coupon {name} can be redeemed")?;
                }
                StateRead::Badge(id) => {
                    let name = self.instruments.name(InstrumentId::Badge(id)).map_or("?", |(_, name)| name);
                    writeln!(f, "read {slot}: the member has badge {name}")?;
                }
            }
        }
        for (id, derivation) in self.derivations.iter().enumerate() {
            writeln!(f, "derivation {id} {}", InProgram(self, derivation))?;
        }
        for (id, counter) in self.counters.iter().enumerate() {
            let per = match counter.per {
                CounterKey::Campaign => "campaign".to_owned(),
                CounterKey::Member => "member".to_owned(),
                CounterKey::Inviter(slot) => format!("inviter {}", slot_name(&layout.event, slot)),
            };
            let (of, window) = (self.limited(counter.of), words(&counter.window));
            writeln!(f, "counter {id} {:?} of {of} per {per} within {window}", counter.name)?;
        }
        for redemption in &self.redemptions {
            let rule = self.rules.get(redemption.rule.index()).map_or("?", |rule| rule.name.as_str());
            let request = slot_name(&layout.event, redemption.request);
            write!(f, "redemption {rule} from {} on {request}", self.account(redemption.account))?;
            if let Some((units, money)) = redemption.rate {
                write!(f, " rate {units} = {money}")?;
            }
            if let Some(confirmed) = redemption.confirmed {
                write!(f, " confirmed {}", slot_name(&layout.event, confirmed))?;
            }
            if let Some(used) = redemption.used {
                write!(f, " used {}", slot_name(&layout.event, used))?;
            }
            writeln!(f, " short {:?}", redemption.short)?;
        }
        if self.tender != TenderSlots::default() {
            writeln!(f, "tender {:?}", self.tender)?;
        }
        for offer in &self.offers.list {
            write!(f, "{}", InProgram(self, offer))?;
        }
        for hashed in &self.offers.hashed {
            let name = |slot| slot_name(&self.layout.event, slot);
            writeln!(f, "hashed {} of {} to {}", name(hashed.slot), name(hashed.of), hashed.count)?;
        }
        for arbitration in &self.offers.arbitrations {
            writeln!(f, "{}", InProgram(self, arbitration))?;
        }
        for promise in &self.promises {
            writeln!(f, "{}", InProgram(self, promise))?;
        }
        let contacts = &self.contacts;
        for plan in &contacts.plans {
            writeln!(f, "contacts {}", plan.name)?;
        }
        if !contacts.plans.is_empty() {
            let names = |slots: &[SlotId]| -> Vec<String> {
                slots.iter().map(|slot| slot_name(&layout.event, *slot).to_string()).collect()
            };
            let score =
                contacts.score.map(|score| slot_name(&layout.event, score).to_string()).unwrap_or_default();
            let (marks, columns) = (names(&contacts.marks), names(&contacts.columns));
            writeln!(f, "  {} sorts in {marks:?}, score {score}, columns {columns:?}", contacts.sorts)?;
        }
        for drop in &contacts.drops {
            writeln!(f, "  drop {}", drop.sort)?;
        }
        for rule in &contacts.rules {
            writeln!(f, "  {:?}", rule.kind)?;
        }
        for (id, atom) in self.atoms.iter().enumerate() {
            writeln!(f, "atom {id} {}", InProgram(self, atom))?;
        }
        for group in &self.groups {
            write!(f, "{}", InProgram(self, group))?;
            for rule in &group.rules {
                match self.rules.get(rule.index()) {
                    Some(rule) => write!(f, "{}", InProgram(self, rule))?,
                    None => writeln!(f, "  rule ?")?,
                }
            }
        }
        Ok(())
    }
}

impl Display for InProgram<'_, Promise> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let InProgram(program, promise) = self;
        let of = match promise.of {
            PromiseOf::Basket => "basket",
            PromiseOf::Line => "line",
            PromiseOf::Unit => "unit",
        };
        write!(f, "ensure {} of {of} on {:?}", promise.name, promise.events)?;
        for atom in promise.atoms.iter().chain(&promise.line_atoms) {
            write!(f, " when atom {}", atom.0)?;
        }
        for ask in &promise.asks {
            write!(f, " when {}", InProgram(program, ask))?;
        }
        write!(f, " keep {}", InProgram(program, &promise.keep))
    }
}

impl Display for InProgram<'_, Bound> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let InProgram(program, bound) = self;
        let [left, right] = bound.sides().map(|side| InProgram(program, side));
        write!(f, "({left} {} {right}) / {}", sign(bound.comparison), bound.den)
    }
}

impl Display for InProgram<'_, Sum> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let InProgram(program, sum) = self;
        write!(f, "{}", sum.constant)?;
        for (times, figure) in &sum.terms {
            write!(f, " + {times} ")?;
            match figure {
                Figure::Initial => f.write_str("initial")?,
                Figure::Paid => f.write_str("paid")?,
                Figure::Discount => f.write_str("discount")?,
                Figure::Award(account) => write!(f, "award {}", program.account(*account))?,
                Figure::Event(slot) => f.write_str(slot_name(&program.layout.event, *slot))?,
                Figure::Line(slot) => f.write_str(slot_name(&program.layout.line, *slot))?,
            }
        }
        Ok(())
    }
}

impl Display for InProgram<'_, Offer> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let InProgram(program, offer) = self;
        write!(f, "offer {} display {}", offer.name, offer.display.word())?;
        if let Some(level) = offer.display.priority() {
            let level = program.offers.priorities.get(level as usize).map_or("?", String::as_str);
            write!(f, " {level}")?;
        }
        match &offer.purpose {
            Purpose::Message => write!(f, " message")?,
            Purpose::Product(kind, names) => write!(f, " {kind} {names:?}")?,
        }
        write!(f, " goals {:?} held {}", offer.goals, slot_name(&program.layout.event, offer.held))?;
        if let Some(score) = offer.score {
            write!(f, " score {}", slot_name(&program.layout.event, score))?;
        }
        if let Some(learn) = &offer.learn {
            let (kind, estimate) = (learn.kind, learn.estimate);
            let (kind, estimate) =
                (slot_name(&program.layout.event, kind), slot_name(&program.layout.event, estimate));
            write!(
                f,
                " learns {estimate} of {kind} from {} of {SCORE_ONE} of {}",
                learn.prior, learn.showings
            )?;
            if let Some(half_life) = learn.half_life {
                write!(f, " half life {}", half_life.days())?;
            }
        }
        writeln!(f)?;
        for (number, condition) in (0u32..).zip(&offer.conditions) {
            writeln!(f, "  {}", condition.clause.word())?;
            for budget in offer.budgets.iter().filter(|budget| budget.condition == number) {
                program.limits(f, std::slice::from_ref(&budget.limit), "    ")?;
            }
        }
        for saying in &offer.says {
            writeln!(f, "  say {} {:?}", saying.to, saying.text)?;
        }
        Ok(())
    }
}

impl Display for InProgram<'_, Arbitration> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let InProgram(program, arbitration) = self;
        write!(f, "arbitration {} slots {}", arbitration.name, arbitration.slots)?;
        if let Some(channels) = arbitration.channels {
            write!(f, " {}", program.reference(channels))?;
        }
        for class in &arbitration.classes {
            let name =
                |id: &u32| program.offers.list.get(*id as usize).map_or("?", |offer| offer.name.as_str());
            let names: Vec<&str> = class.offers.iter().map(name).collect();
            let when = if class.only_when_none { " only when none" } else { "" };
            write!(f, " class [{}]{when}", names.join(", "))?;
        }
        for key in &arbitration.order {
            let direction = if key.descending { "descending" } else { "ascending" };
            write!(f, " by {} {direction}", key.by.word())?;
        }
        if let Some(most) = arbitration.per_goal {
            write!(f, " at most {most} per goal")?;
        }
        if let Some(explore) = &arbitration.explore {
            let seeds: Vec<&str> = explore.seeds.iter().map(|seed| seed.word()).collect();
            write!(f, " explore {} of {PERCENT_ONE} by {}", explore.part, seeds.join(", "))?;
        }
        Ok(())
    }
}

impl Program {
    /// A function, printed.
    pub fn print_function<'p>(&'p self, function: &'p Function) -> impl Display + 'p {
        InProgram(self, function)
    }

    fn kind(&self, id: KindId) -> &str {
        self.kinds.get(id.index()).map_or("?", |kind| kind.name.as_str())
    }

    fn account(&self, id: AccountId) -> &str {
        self.accounts.get(id.index()).map_or("?", |account| account.name.as_str())
    }

    fn param(&self, id: ParamId) -> &str {
        self.params.get(id.index()).map_or("?", |param| param.name.as_str())
    }

    fn reference(&self, id: ReferenceId) -> String {
        let Some(reference) = self.references.get(id.index()) else { return "?".to_owned() };
        let mut text = self.kind(reference.kind).to_owned();
        for name in reference.names.iter().take(NAMES) {
            let _ = write!(text, " {name:?}");
        }
        if reference.names.len() > NAMES {
            let _ = write!(text, " and {} more", reference.names.len() - NAMES);
        }
        text
    }

    fn ty(&self, ty: SlotType) -> String {
        match ty {
            SlotType::Bool => "bool".to_owned(),
            SlotType::Money { scale } => format!("money.{scale}"),
            SlotType::Points(account) => format!("points {}", self.account(account)),
            SlotType::Percent => "percent".to_owned(),
            SlotType::Count => "count".to_owned(),
            SlotType::Number { scale } => format!("number.{scale}"),
            SlotType::Date => "date".to_owned(),
            SlotType::Time => "time".to_owned(),
            SlotType::Instant => "instant".to_owned(),
            SlotType::Enum(id) => {
                let name = self.enums.get(id.index()).map_or("?", |enumeration| enumeration.name.as_str());
                format!("enum {name}")
            }
            SlotType::Symbol(kind) => format!("symbol {}", self.kind(kind)),
            SlotType::Set(kind) => format!("set {}", self.kind(kind)),
        }
    }

    fn limited(&self, of: LimitOf) -> &str {
        match of {
            LimitOf::Discounts => "discounts",
            LimitOf::Awards(account) => self.account(account),
            LimitOf::Times => "times",
            LimitOf::Gifts => "gifts",
        }
    }

    fn limits(&self, f: &mut Formatter<'_>, limits: &[Limit], indent: &str) -> fmt::Result {
        for limit in limits {
            write!(f, "{indent}limit ")?;
            match limit.amount {
                LimitAmount::Fixed(amount) => write!(f, "{amount}")?,
                LimitAmount::Param(param) => write!(f, "param {}", self.param(param))?,
            }
            write!(f, " of {}", self.limited(limit.of))?;
            if let Some(counter) = limit.counter {
                let name = self.counters.get(counter.index()).map_or("?", |counter| counter.name.as_str());
                write!(f, " with what {name:?} counts")?;
            }
            let otherwise = match limit.otherwise {
                Otherwise::Cut => "cut",
                Otherwise::Skip => "skip",
            };
            writeln!(f, " else {otherwise}")?;
        }
        Ok(())
    }
}

/// A rule with its code, as the printed program has it.
pub fn rule_text(program: &Program, rule: &Rule) -> String {
    InProgram(program, rule).to_string()
}

/// What a group says besides its rules, as the printed program has it.
pub fn group_text(program: &Program, group: &Group) -> String {
    InProgram(program, group).to_string()
}

/// Something that prints by itself.
struct Printed<'a, T>(&'a T);

/// Something that prints with the names of its program.
struct InProgram<'a, T>(&'a Program, &'a T);

impl Display for Printed<'_, Account> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let account = self.0;
        write!(f, "{} unit {} decimals {}", account.name, account.unit, account.decimals)?;
        write!(f, " rounding {} per {}", word(&account.rounding), word(&account.per))?;
        if let Some((units, money)) = account.worth {
            write!(f, " worth {units} = {money}")?;
        }
        if account.redeemable {
            write!(f, " redeemable")?;
        }
        if account.qualifying {
            write!(f, " qualifying")?;
        }
        if let Some(floor) = account.not_below {
            write!(f, " not below {floor}")?;
        }
        if account.expires != Expires::Never {
            write!(f, " expires {}", end(&account.expires))?;
        }
        if let Some(melt) = account.melt {
            let of = if melt.of_remaining { "the rest" } else { "the award" };
            let (from, every) = (stretch(&melt.from), stretch(&melt.every));
            write!(f, " melts {} millionths of {of} from {from} every {every}", melt.share)?;
        }
        if let Some(shortfall) = account.shortfall {
            write!(f, " shortfall {}", shortfall.word())?;
        }
        Ok(())
    }
}

impl Display for InProgram<'_, Slot> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let InProgram(program, slot) = self;
        write!(f, "{}: {} from {}", slot.name, program.ty(slot.ty), word(&slot.record))?;
        for part in &slot.key {
            write!(f, " {part:?}")?;
        }
        if slot.optional {
            write!(f, " optional")?;
        }
        if let Some(default) = slot.default {
            write!(f, " default {default}")?;
        }
        if slot.inherits {
            write!(f, " inherits")?;
        }
        Ok(())
    }
}

impl Display for InProgram<'_, RowTable> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let InProgram(program, table) = self;
        write!(f, "{:?}", table.name)?;
        match &table.source {
            RowSource::List { record, key } => write!(f, " from {} {key:?}", word(record))?,
            RowSource::Earlier(history) => write!(f, " of history{}", InProgram(program, history))?,
            RowSource::EarlierLines(history) => {
                write!(f, " of lines of history{}", InProgram(program, history))?
            }
        }
        for id in (0..).map(SlotId).take(table.columns.len()) {
            write!(f, ", {}", column_name(program, table, id))?;
        }
        Ok(())
    }
}

impl Display for InProgram<'_, History> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let InProgram(program, history) = self;
        for event in &history.events {
            write!(f, " {}", program.events.get(event.index()).map_or("?", |event| event.name.as_str()))?;
        }
        match history.days {
            Some(days) => write!(f, " within {days} days"),
            None => Ok(()),
        }
    }
}

impl Display for InProgram<'_, Derivation> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let InProgram(program, derivation) = self;
        write!(f, "{:?} in {} on", derivation.name, slot_name(&program.layout.event, derivation.slot))?;
        for event in &derivation.events {
            write!(f, " {}", program.events.get(event.index()).map_or("?", |event| event.name.as_str()))?;
        }
        writeln!(f)?;
        match program.functions.get(derivation.function.index()) {
            Some(function) => instructions(f, program, function, 1),
            None => write!(f, "  function ?"),
        }
    }
}

impl Display for InProgram<'_, Param> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let InProgram(program, param) = self;
        write!(f, "{}: {}", param.name, program.ty(param.ty))?;
        for (day, value) in &param.values {
            match day {
                Some(day) => write!(f, ", {value} from day {day}")?,
                None => write!(f, " = {value}")?,
            }
        }
        if let Some((low, high)) = param.range {
            write!(f, " in {low} through {high}")?;
        }
        Ok(())
    }
}

impl Display for InProgram<'_, Atom> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let InProgram(program, atom) = self;
        let slots = match atom.space {
            Space::Event => &program.layout.event,
            Space::Line => &program.layout.line,
        };
        if atom.negated {
            write!(f, "not ")?;
        }
        write!(f, "{} ", slot_name(slots, atom.slot))?;
        match &atom.test {
            AtomTest::Known => write!(f, "known"),
            AtomTest::Between(low, high) => {
                let end = |value: &i64| match *value {
                    i64::MIN | i64::MAX => String::new(),
                    value => value.to_string(),
                };
                write!(f, "in {}..{}", end(low), end(high))
            }
            AtomTest::OneOf(values) => {
                write!(f, "in")?;
                for value in values.iter().take(NAMES) {
                    write!(f, " {value}")?;
                }
                if values.len() > NAMES {
                    write!(f, " and {} more", values.len() - NAMES)?;
                }
                Ok(())
            }
            AtomTest::In(reference) => write!(f, "in {}", program.reference(*reference)),
            AtomTest::Has(reference) => write!(f, "has {}", program.reference(*reference)),
        }
    }
}

impl Display for InProgram<'_, Group> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let InProgram(program, group) = self;
        write!(f, "group {} phase {} displace {}", group.name, word(&group.phase), word(&group.displace))?;
        writeln!(f, " per {} on {}", word(&group.per), word(&group.on_price))?;
        if let Some(title) = &group.title {
            writeln!(f, "  title {title:?}")?;
        }
        for exclusion in &group.excludes {
            let other = program.groups.get(exclusion.group.index()).map_or("?", |group| group.name.as_str());
            let when = match (exclusion.whole, exclusion.when_better) {
                (true, _) => " as a whole",
                (false, true) => " when better",
                (false, false) => "",
            };
            writeln!(f, "  excludes {other}{when}")?;
        }
        program.limits(f, &group.limits, "  ")
    }
}

impl Display for InProgram<'_, Rule> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let InProgram(program, rule) = self;
        writeln!(f, "  rule {} priority {}", rule.name, rule.priority)?;
        if let Some(title) = &rule.title {
            writeln!(f, "    title {title:?}")?;
        }
        write!(f, "    on")?;
        for event in &rule.events {
            let name = program.events.get(event.index()).map_or("?", |event| event.name.as_str());
            write!(f, " {name}")?;
        }
        writeln!(f)?;
        for (list, says) in [(&rule.atoms, "when"), (&rule.line_atoms, "when a line")] {
            for atom in list {
                writeln!(f, "    {says} {}", atom_text(program, *atom))?;
            }
        }
        program.limits(f, &rule.limits, "    ")?;
        match program.functions.get(rule.function.index()) {
            Some(function) => instructions(f, program, function, 2),
            None => writeln!(f, "    function ?"),
        }
    }
}

impl Display for InProgram<'_, Function> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let InProgram(program, function) = self;
        writeln!(f, "function {}", function.name)?;
        instructions(f, program, function, 1)
    }
}

/// A condition on one slot, as a printed program says it.
pub fn atom_text(program: &Program, id: AtomId) -> String {
    program.atoms.get(id.index()).map_or("?".to_owned(), |atom| InProgram(program, atom).to_string())
}

fn slot_name(slots: &[Slot], id: SlotId) -> &str {
    slots.get(id.index()).map_or("?", |slot| slot.name.as_str())
}

/// The name of a table's column.
fn column_name(program: &Program, table: &RowTable, id: SlotId) -> String {
    let layout = &program.layout;
    match table.columns.get(id.index()) {
        Some(Column::Field(slot)) => slot.name.clone(),
        Some(Column::Event(slot)) => format!("earlier {}", slot_name(&layout.event, *slot)),
        Some(Column::Line(slot)) => format!("earlier {}", slot_name(&layout.line, *slot)),
        Some(Column::LocalAt) => "earlier local instant".to_owned(),
        Some(Column::PaidNet) => "earlier paid".to_owned(),
        Some(Column::Returned) => "earlier returned".to_owned(),
        Some(Column::PiecesKept) => "earlier pieces kept".to_owned(),
        None => "?".to_owned(),
    }
}

/// A window in words.
fn words(window: &Window) -> String {
    match window {
        Window::Seconds(seconds) => format!("last {seconds} seconds"),
        Window::Days(days) => format!("last {days} days"),
        Window::Months(months) => format!("last {months} months"),
        Window::This(period) => format!("this {}", word(period)),
        Window::Previous(period) => format!("previous {}", word(period)),
        Window::Ever => "program".to_owned(),
        Window::Between(first, last) => format!("days {first} through {last}"),
    }
}

/// A stretch of time.
fn stretch(span: &Span) -> String {
    match span {
        Span::Seconds(seconds) => format!("{seconds} seconds"),
        Span::Days(days) => format!("{days} days"),
        Span::Months(months) => format!("{months} months"),
    }
}

/// When an award ends.
fn end(expires: &Expires) -> String {
    match expires {
        Expires::Never => "never".to_owned(),
        Expires::After(span) => format!("after {}", stretch(span)),
        Expires::On(day) => format!("on day {day}"),
        Expires::AtEndOf { period, plus } => format!("at end of {} + {}", word(period), stretch(plus)),
    }
}

fn lifetime(lifetime: Lifetime) -> String {
    match lifetime {
        Lifetime::Days(days) => format!("after {days} days"),
        Lifetime::Months(months) => format!("after {months} months"),
        Lifetime::On(day) => format!("on day {day}"),
    }
}

/// The name of a variant without fields, in snake case.
fn word(variant: &impl fmt::Debug) -> String {
    let mut text = String::new();
    for c in format!("{variant:?}").chars() {
        if c.is_ascii_uppercase() && !text.is_empty() {
            text.push('_');
        }
        text.push(c.to_ascii_lowercase());
    }
    text
}

/// Levels of indentation beyond which it stays the same.
const DEEPEST: usize = 32;

fn instructions(f: &mut Formatter<'_>, program: &Program, function: &Function, indent: usize) -> fmt::Result {
    for (id, ty) in function.variables.iter().enumerate() {
        let ty = match ty {
            Ty::I64 => "i64",
            Ty::I128 => "i128",
            Ty::Bool => "bool",
            Ty::Selection => "selection",
            Ty::Bag => "bag",
            Ty::Sets => "sets",
        };
        writeln!(f, "{:1$}var x{id}: {ty}", "", indent * 2)?;
    }
    let mut depth = 0usize;
    for (at, inst) in function.insts.iter().enumerate() {
        if *inst == Inst::End {
            depth = depth.saturating_sub(1);
        }
        let spaces = (indent + depth.min(DEEPEST)) * 2;
        writeln!(f, "{:spaces$}{}", "", instruction(program, at, inst))?;
        if matches!(inst, Inst::Block | Inst::Loop(_)) {
            depth += 1;
        }
    }
    Ok(())
}

fn instruction(program: &Program, at: usize, inst: &Inst) -> String {
    let layout = &program.layout;
    let v = |value: &Value| format!("v{}", value.0);
    let element = |element: &Element| match element {
        Element::Unit => "unit",
        Element::Line => "line",
    };
    let rounding = |rounding: &Rounding| word(rounding);
    let body = match inst {
        Inst::Int(word) => format!("int {word}"),
        Inst::Wide(wide) => format!("wide {wide}"),
        Inst::Bool(truth) => format!("bool {truth}"),
        Inst::LoadEvent(slot) => format!("load {}", slot_name(&layout.event, *slot)),
        Inst::LoadLine(slot, row) => format!("load {} of {}", slot_name(&layout.line, *slot), v(row)),
        Inst::LoadPayment(slot, row) => format!("load {} of {}", slot_name(&layout.payment, *slot), v(row)),
        Inst::LoadTable(table, column, row) => {
            let table = layout.tables.get(table.index());
            format!(
                "load {} of {}",
                table.map_or("?".to_owned(), |table| column_name(program, table, *column)),
                v(row)
            )
        }
        Inst::LoadParam(param) => format!("param {}", program.param(*param)),
        Inst::Known(a) => format!("known {}", v(a)),
        Inst::Truth(a) => format!("truth {}", v(a)),
        Inst::Add(a, b) => format!("add {} {}", v(a), v(b)),
        Inst::Sub(a, b) => format!("sub {} {}", v(a), v(b)),
        Inst::Mul(a, b) => format!("mul {} {}", v(a), v(b)),
        Inst::MulWide(a, b) => format!("mul_wide {} {}", v(a), v(b)),
        Inst::Negate(a) => format!("negate {}", v(a)),
        Inst::Widen(a) => format!("widen {}", v(a)),
        Inst::Narrow(a) => format!("narrow {}", v(a)),
        Inst::Divide(a, b, how) => format!("divide {} {} {}", v(a), v(b), rounding(how)),
        Inst::Floor(a, b) => format!("floor {} {}", v(a), v(b)),
        Inst::Modulo(a, b) => format!("modulo {} {}", v(a), v(b)),
        Inst::AddMonths(day, months) => format!("add_months {} {}", v(day), v(months)),
        Inst::Calendar(CalendarPart::First(period), day) => format!("first_of_{} {}", word(period), v(day)),
        Inst::Calendar(CalendarPart::Last(period), day) => format!("last_of_{} {}", word(period), v(day)),
        Inst::Calendar(part, day) => format!("{} {}", word(part), v(day)),
        Inst::InstantOf(day, second) => format!("instant_of {} {}", v(day), v(second)),
        Inst::Clock(ClockPart::Day, instant) => format!("clock_day {}", v(instant)),
        Inst::Clock(ClockPart::Second, instant) => format!("clock_second {}", v(instant)),
        Inst::Compare(comparison, a, b) => {
            format!("{} {} {}", v(a), sign(*comparison), v(b))
        }
        Inst::Choose(condition, a, b) => format!("choose {} {} {}", v(condition), v(a), v(b)),
        Inst::And(a, b) => format!("and {} {}", v(a), v(b)),
        Inst::Or(a, b) => format!("or {} {}", v(a), v(b)),
        Inst::Not(a) => format!("not {}", v(a)),
        Inst::InReference(a, reference) => format!("{} in {}", v(a), program.reference(*reference)),
        Inst::SetHas(a, reference) => format!("{} has {}", v(a), program.reference(*reference)),
        Inst::SetContains(a, b) => format!("{} contains {}", v(a), v(b)),
        Inst::Block => return "block".to_owned(),
        Inst::End => return "end".to_owned(),
        Inst::Loop(rows) => {
            let rows = match rows {
                Rows::Lines => "lines".to_owned(),
                Rows::Payments => "payments".to_owned(),
                Rows::Selected(selection) => format!("lines of {}", v(selection)),
                Rows::Times(count) => format!("times {}", v(count)),
                Rows::Table(table) => {
                    layout.tables.get(table.index()).map_or("?".to_owned(), |table| table.name.clone())
                }
            };
            return format!("loop v{at} in {rows}");
        }
        Inst::Break { depth, condition, when } => {
            let not = if *when { "" } else { "not " };
            return format!("break {depth} when {not}{}", v(condition));
        }
        Inst::Get(variable) => format!("get x{}", variable.0),
        Inst::Set(variable, a) => return format!("set x{} {}", variable.0, v(a)),
        Inst::NewSelection => "selection".to_owned(),
        Inst::Select { selection, row, count } => {
            return format!("select {} of {} in {}", v(count), v(row), v(selection));
        }
        Inst::Selected(selection, row) => format!("selected {} of {}", v(row), v(selection)),
        Inst::PickExtreme { selection, count, cheapest, element: of } => {
            let which = if *cheapest { "cheapest" } else { "dearest" };
            format!("pick {which} {} {} of {}", v(count), element(of), v(selection))
        }
        Inst::PickInEvery { selection, count, every, cheapest, element: of } => {
            let which = if *cheapest { "cheapest" } else { "dearest" };
            format!("pick {which} {} in every {every} {} of {}", v(count), element(of), v(selection))
        }
        Inst::PickEveryNth { selection, nth, key, descending, element: of } => {
            let order = if *descending { "descending" } else { "ascending" };
            let key = slot_name(&layout.line, *key);
            format!("pick every {nth} {} of {} by {key} {order}", element(of), v(selection))
        }
        Inst::NewBag => "bag".to_owned(),
        Inst::Put(bag, number) => return format!("put {} in {}", v(number), v(bag)),
        Inst::Distinct(bag) => format!("distinct {}", v(bag)),
        Inst::NewSets => "sets".to_owned(),
        Inst::SetPart { sets, selection, count } => {
            return format!("part {} of {} in {}", v(count), v(selection), v(sets));
        }
        Inst::SetTerm { sets, part, pick, count, value, num, den } => {
            let part = part.map_or("all".to_owned(), |part| format!("part {part}"));
            let pick = match pick {
                SetPick::All => String::new(),
                SetPick::Cheapest => format!("cheapest {} of ", v(count)),
                SetPick::Dearest => format!("dearest {} of ", v(count)),
            };
            let value = match value {
                SetValue::Share => "share",
                SetValue::OffEach => "off each",
                SetValue::Off => "off",
                SetValue::PriceEach => "price each",
                SetValue::Price => "price",
                SetValue::PerSet => "per set",
            };
            return format!("term {value} {}/{} on {pick}{part} in {}", v(num), v(den), v(sets));
        }
        Inst::ChooseSets { sets, most, member, key } => {
            let whom = if *member { "member" } else { "retailer" };
            format!("choose {} of {} for {whom} by {}", v(most), v(sets), slot_name(&layout.line, *key))
        }
        Inst::SetTimes(sets, list) => format!("times of {} in {}", v(list), v(sets)),
        Inst::SetUnits { sets, list, part } => {
            let part = part.map_or(String::new(), |part| format!(" part {part}"));
            format!("units of {}{part} in {}", v(list), v(sets))
        }
        Inst::Derive(a) => return format!("derive {}", v(a)),
        Inst::Award { site, num, den, row } => {
            let row = row.as_ref().map_or(String::new(), |row| format!(" for {}", v(row)));
            return format!("award {}/{}{row} {}", v(num), v(den), site_text(program, *site));
        }
        Inst::Discount { site, selection, num, den } => {
            let site = site_text(program, *site);
            return format!("discount {}/{} on {} {site}", v(num), v(den), v(selection));
        }
    };
    format!("v{at} = {body}")
}

fn site_text(program: &Program, id: SiteId) -> String {
    let Some(site) = program.sites.get(id.index()) else { return "?".to_owned() };
    let mut text = format!("site {}: ", id.0);
    match site.kind {
        SiteKind::Award { account, rounding, life } => {
            text.push_str(program.account(account));
            if let Some(rounding) = rounding {
                let _ = write!(text, " rounded {}", word(&rounding));
            }
            match life.available {
                Available::AtOnce => {}
                Available::After(span) => {
                    let _ = write!(text, " available after {}", stretch(&span));
                }
                Available::On(day) => {
                    let _ = write!(text, " available on day {day}");
                }
            }
            if let Some(expires) = life.expires {
                let _ = write!(text, " expires {}", end(&expires));
            }
            if let Some(spendable) = life.spendable {
                let found = program.spendables.get(spendable as usize);
                let _ = write!(text, " spendable as {}", found.map_or("?", |one| one.name.as_str()));
            }
            if life.spent_at_once {
                text.push_str(" spent at once");
            }
            match life.cancel {
                None => {}
                Some(Cancel::All) => text.push_str(" cancelled by any return"),
                Some(Cancel::Proportional) => text.push_str(" cancelled in proportion"),
            }
        }
        SiteKind::Debit { account } => {
            let _ = write!(text, "debit of {}", program.account(account));
        }
        SiteKind::Tender { term } => {
            let _ = write!(text, "tender {}", word(&term));
        }
        SiteKind::Issue { instrument, expires } => {
            let (kind, name) = program.instruments.name(instrument).unwrap_or(("instrument", "?"));
            let _ = write!(text, "issue {kind} {name}");
            if let Some(expires) = expires {
                let _ = write!(text, " expires {}", lifetime(expires));
            }
        }
        SiteKind::Gift { gift, option } => {
            let found = program.gifts.get(gift as usize);
            let sku = found.and_then(|gift| gift.options.get(option as usize)).map_or("?", |one| &one.sku);
            let _ = write!(text, "gift {gift} {sku}");
        }
        SiteKind::Tell { telling } => match program.tellings.get(telling as usize) {
            Some(Telling::Words(words)) => {
                text.push_str("say");
                for saying in words {
                    let _ = write!(text, " {} {:?}", saying.to, saying.text);
                }
            }
            Some(Telling::Offer(offer)) => {
                let offer = program.offers.list.get(*offer as usize);
                let _ = write!(text, "show offer {}", offer.map_or("?", |offer| offer.name.as_str()));
            }
            None => text.push_str("tell ?"),
        },
        SiteKind::Set { slot, until, name: _ } => {
            let _ = write!(text, "set {}", slot_name(&program.layout.event, slot));
            if let Some(until) = until {
                let _ = write!(text, " until day {until}");
            }
        }
        SiteKind::Multiply { account, group } => {
            let group = program.groups.get(group.index()).map_or("?", |group| group.name.as_str());
            let _ = write!(text, "{} of group {group} multiplied", program.account(account));
        }
        SiteKind::Discount { amount, fall, rounding } => {
            let amount = match amount {
                DiscountAmount::Share => "share",
                DiscountAmount::Off => "off",
                DiscountAmount::Price => "price",
            };
            text.push_str(amount);
            match fall {
                Fall::Each(Element::Unit) => text.push_str(" each unit"),
                Fall::Each(Element::Line) => text.push_str(" each line"),
                Fall::Spread(spread) => {
                    let by = match spread.by {
                        Weight::Paid => "paid",
                        Weight::Initial => "initial",
                        Weight::Pieces => "pieces",
                        Weight::Equally => "equally",
                    };
                    let rest = match spread.rest {
                        Rest::LargestRemainder => "largest_remainder",
                        Rest::FirstLines => "first_lines",
                        Rest::LastLine => "last_line",
                        Rest::FirstWithRoom => "first_with_room",
                        Rest::Running => "running",
                    };
                    let _ = write!(text, " spread by {by} {} rest {rest}", word(&spread.rounding));
                }
            }
            let _ = write!(text, " rounded {}", word(&rounding));
        }
    }
    if let Some(reason) = &site.reason {
        let _ = write!(text, " reason {reason:?}");
    }
    text
}

/// A comparison as rules write it.
pub fn sign(comparison: Comparison) -> &'static str {
    match comparison {
        Comparison::Equal => "=",
        Comparison::NotEqual => "!=",
        Comparison::Less => "<",
        Comparison::LessOrEqual => "<=",
        Comparison::Greater => ">",
        Comparison::GreaterOrEqual => ">=",
    }
}

#[cfg(test)]
mod tests {
    use crate::ir::sample;

    #[test]
    fn a_program_reads_well() {
        let text = sample::program().to_string();
        let groups = text.split_once("group").map(|(_, groups)| format!("group{groups}"));
        let want = r#"group sets phase set displace best_for_member per line on running
  limit 500 of discounts else cut
  rule third_free priority 10
    on purchase
    v0 = selection
    loop v1 in lines
      v2 = load line.category of v1
      v3 = v2 in category "Toys"
      block
        break 0 when not v3
        v6 = load line.pieces of v1
        select v6 of v1 in v0
      end
    end
    v10 = int 1
    v11 = pick cheapest v10 in every 3 unit of v0
    v12 = wide 1
    discount v12/v12 on v11 site 0: share each unit rounded half_up reason "every third toy"
group base phase earn displace best_for_member per line on running
  limit 500 of discounts else cut
  rule tea priority 10
    on purchase
    when member in 1
    when a line line.category in category "Tea"
    loop v0 in lines
      v1 = load line.category of v0
      v2 = v1 in category "Tea"
      block
        break 0 when not v2
        v5 = load line.paid of v0
        v6 = int 50000
        v7 = mul_wide v5 v6
        v8 = wide 1000000
        award v7/v8 for v0 site 1: bonus
      end
    end
"#;
        assert_eq!(groups.as_deref(), Some(want));
        assert!(text.starts_with("program shop version 3 language 1\ncurrency EUR decimals 2\n"));
        assert!(
            text.contains("account 0 bonus unit points decimals 0 rounding down per rule worth 100 = 100")
        );
        assert!(
            text.contains(
                "line slot 6 line.category: symbol category from line \"category\" optional inherits"
            )
        );
    }
}
