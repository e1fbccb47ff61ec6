//! Values as nouns, conditions as clauses, collections as what they hold.
//!
//! Refuses to know declarations; what a name means says the checker.

use crate::phrase::{Gender, Language, Noun, Phrase, fill};
use crate::writer::Writer;
use crate::{numbers, words};
use perq_compiler::check::Target;
use perq_compiler::typed::{Builtin, Type};
use perq_grammar::ast::{
    Additive, Aggregate, Arm, Bound, Comparison, Expr, ExprKind, Logic, Multiplicative, Path, Pattern, Range,
    Source, SourceKind, Window,
};
use perq_grammar::diagnostic::Span;

/// A text in English, Russian and Italian.
pub(crate) type Texts = [&'static str; 3];

/// A condition that has a name.
const HOLDS: Texts = ["{0} holds", "выполнено условие {0}", "vale {0}"];
const HOLDS_NOT: Texts = ["{0} does not hold", "не выполнено условие {0}", "non vale {0}"];

/// How values of a type are compared in words.
enum Order {
    /// More and less.
    Amounts,
    /// Earlier and later.
    Times,
    /// Higher and lower.
    Ranks,
}

impl Writer<'_> {
    /// A sentence, or a part of one.
    pub(crate) fn text(&self, texts: Texts, nouns: &[&Noun]) -> Phrase {
        fill(self.language, self.language.pick(&texts), nouns)
    }

    /// A noun of which the Russian genitive has a template of its own.
    fn of(&self, texts: Texts, genitive: &str, nouns: &[&Noun]) -> Noun {
        let mut noun = Noun::from(self.text(texts, nouns));
        if self.language == Language::Russian {
            noun.genitive = Some(fill(self.language, genitive, nouns));
        }
        noun
    }

    pub(crate) fn or_list(&self, parts: &[Phrase]) -> Phrase {
        let or = self.language.pick(&[" or ", " или ", " o "]);
        match parts.split_last() {
            Some((last, before)) if !before.is_empty() => {
                let mut out = Phrase::joined(before, ", ");
                out.push_words(or);
                out.push(last);
                out
            }
            Some(_) | None => Phrase::joined(parts, ", "),
        }
    }

    pub(crate) fn is_condition(&self, expr: &Expr) -> bool {
        match &expr.kind {
            ExprKind::Bool(_)
            | ExprKind::Logic(..)
            | ExprKind::Not(_)
            | ExprKind::Compare(..)
            | ExprKind::In { .. }
            | ExprKind::InRange { .. }
            | ExprKind::Known(..) => true,
            ExprKind::Aggregate { function, .. } => match function {
                Aggregate::Any | Aggregate::All => true,
                Aggregate::Sum
                | Aggregate::Avg
                | Aggregate::Min
                | Aggregate::Max
                | Aggregate::Count
                | Aggregate::Distinct => false,
            },
            ExprKind::Path(_) | ExprKind::Call(..) | ExprKind::By(..) => {
                self.ty(expr.span).is_some_and(|ty| *ty == Type::Bool)
            }
            ExprKind::Error
            | ExprKind::Hole
            | ExprKind::Number(_)
            | ExprKind::Percent(_)
            | ExprKind::Quantity(..)
            | ExprKind::Date(_)
            | ExprKind::Time(_)
            | ExprKind::Instant(..)
            | ExprKind::Text(_)
            | ExprKind::Reference(..)
            | ExprKind::List(_)
            | ExprKind::As(..)
            | ExprKind::Sum(..)
            | ExprKind::Product(..)
            | ExprKind::Of(..)
            | ExprKind::Negate(_)
            | ExprKind::Steps(..)
            | ExprKind::Collection(_) => false,
        }
    }

    /// A value, as something to speak of.
    pub(crate) fn noun(&self, expr: &Expr) -> Noun {
        if self.is_condition(expr) {
            return match &expr.kind {
                ExprKind::Bool(truth) => {
                    let texts = if *truth { ["yes", "да", "sì"] } else { ["no", "нет", "no"] };
                    self.text(texts, &[]).into()
                }
                ExprKind::Path(path) => self.path(path),
                ExprKind::Call(..) | ExprKind::By(..) => self.value(expr),
                ExprKind::Error
                | ExprKind::Hole
                | ExprKind::Number(_)
                | ExprKind::Percent(_)
                | ExprKind::Quantity(..)
                | ExprKind::Date(_)
                | ExprKind::Time(_)
                | ExprKind::Instant(..)
                | ExprKind::Text(_)
                | ExprKind::Reference(..)
                | ExprKind::List(_)
                | ExprKind::Logic(..)
                | ExprKind::Not(_)
                | ExprKind::Compare(..)
                | ExprKind::In { .. }
                | ExprKind::InRange { .. }
                | ExprKind::Known(..)
                | ExprKind::As(..)
                | ExprKind::Sum(..)
                | ExprKind::Product(..)
                | ExprKind::Of(..)
                | ExprKind::Negate(_)
                | ExprKind::Steps(..)
                | ExprKind::Aggregate { .. }
                | ExprKind::Collection(_) => {
                    let clause = self.clause(expr, true).into();
                    self.of(
                        ["whether {0}", "верно ли, что {0}", "se {0}"],
                        "ответа на вопрос, верно ли, что {0}",
                        &[&clause],
                    )
                }
            };
        }
        self.value(expr)
    }

    fn value(&self, expr: &Expr) -> Noun {
        let language = self.language;
        match &expr.kind {
            // A programme with such a place has errors and is not told.
            ExprKind::Error | ExprKind::Hole => Phrase::words("?").into(),
            ExprKind::Number(text) => Phrase::words(numbers::number(language, &text.text)).into(),
            ExprKind::Percent(text) => Phrase::words(numbers::percent(language, &text.text)).into(),
            ExprKind::Quantity(text, unit) => self.quantity(&text.text, &unit.text),
            ExprKind::Date(text) => {
                Noun { gender: Gender::Neuter, ..numbers::date(language, &text.text).into() }
            }
            ExprKind::Time(text) => Phrase::words(text.text.clone()).into(),
            ExprKind::Instant(day, time) => numbers::instant(language, &day.text, &time.text).into(),
            ExprKind::Text(text) => language.quoted(&text.value).into(),
            ExprKind::Reference(kind, names) => {
                let names: Vec<Phrase> = names.iter().map(|name| language.quoted(&name.value)).collect();
                let mut out = words::kind(language, &kind.text);
                out.push_words(" ");
                out.push(&self.or_list(&names));
                out.into()
            }
            ExprKind::List(items) => self.or_list(&self.plain(items)).into(),
            ExprKind::Path(path) => self.path(path),
            ExprKind::Call(path, arguments) => self.call(path, arguments),
            ExprKind::As(value, unit, rounded) => {
                let value = self.closed(value);
                let unit = match self.unit_title(&unit.text).filter(|_| !numbers::is_known(&unit.text)) {
                    Some(title) => title,
                    None => numbers::unit_word(language, &unit.text),
                };
                let unit = unit.into();
                let mut out = self.text(["{0} in {1}", "{0} в {1}", "{0} in {1}"], &[&value, &unit]);
                if let Some(rounded) = rounded {
                    out.push_words(", ");
                    out.push(&words::rounding(language, &rounded.text));
                }
                Noun { genitive: None, ..out.into() }
            }
            ExprKind::Sum(first, rest) => {
                let mut noun = self.noun(first);
                for (sign, term) in rest {
                    let term = self.noun(term);
                    let texts = match sign {
                        Additive::Add => ["{0} plus {1}", "{0} плюс {1}", "{0} più {1}"],
                        Additive::Subtract => ["{0} less {1}", "{0} минус {1}", "{0} meno {1}"],
                    };
                    let genitive = match sign {
                        Additive::Add => "{0:of} плюс {1}",
                        Additive::Subtract => "{0:of} минус {1}",
                    };
                    noun = self.of(texts, genitive, &[&noun, &term]);
                }
                noun
            }
            ExprKind::Product(first, rest) => {
                let mut noun = self.factor(first);
                for (sign, factor) in rest {
                    let factor = self.factor(factor);
                    noun = match sign {
                        Multiplicative::Multiply => {
                            self.of(["{0} × {1}"; 3], "{0:of} × {1}", &[&noun, &factor])
                        }
                        Multiplicative::Divide => {
                            self.of(["{0} ÷ {1}"; 3], "{0:of} ÷ {1}", &[&noun, &factor])
                        }
                        Multiplicative::Modulo => Noun {
                            gender: Gender::Masculine,
                            ..self.of(
                                [
                                    "the remainder of {0} divided by {1}",
                                    "остаток от деления {0:of} на {1:acc}",
                                    "il resto della divisione {0:of} per {1}",
                                ],
                                "остатка от деления {0:of} на {1:acc}",
                                &[&noun, &factor],
                            )
                        },
                    };
                }
                noun
            }
            ExprKind::Of(part, whole) => {
                let (part, whole) = (self.noun(part), self.factor(whole));
                let italian = if opens_with_a_vowel(&part.plain.to_string()) {
                    "l’{0} {1:of}"
                } else {
                    "il {0} {1:of}"
                };
                self.of(["{0} of {1}", "{0} от {1:of}", italian], "{0:of} от {1:of}", &[&part, &whole])
            }
            ExprKind::Negate(value) => {
                let value = self.factor(value);
                self.of(["−{0}"; 3], "−{0:of}", &[&value])
            }
            ExprKind::Steps(step, value) => {
                let (step, value) = (self.noun(step), self.noun(value));
                Noun {
                    gender: Gender::Neuter,
                    ..self.of(
                        [
                            "the number of full {0} in {1}",
                            "число полных частей (каждая — {0}) из {1:of}",
                            "il numero di quote intere da {0} contenute {1:in}",
                        ],
                        "числа полных частей (каждая — {0}) из {1:of}",
                        &[&step, &value],
                    )
                }
            }
            ExprKind::Aggregate { function, value, source } => {
                self.aggregate(*function, value.as_deref(), source)
            }
            ExprKind::By(subject, arms) => {
                let subject = self.noun(subject);
                let arms = Phrase::joined(&self.arms(arms), "; ").into();
                self.text(
                    [
                        "a value by {0} ({1})",
                        "значение в зависимости от {0:of} ({1})",
                        "un valore in base {0:to} ({1})",
                    ],
                    &[&subject, &arms],
                )
                .into()
            }
            ExprKind::Collection(source) => self.source(source),
            ExprKind::Bool(_)
            | ExprKind::Logic(..)
            | ExprKind::Not(_)
            | ExprKind::Compare(..)
            | ExprKind::In { .. }
            | ExprKind::InRange { .. }
            | ExprKind::Known(..) => self.clause(expr, true).into(),
        }
    }

    fn plain(&self, items: &[Expr]) -> Vec<Phrase> {
        items.iter().map(|item| self.noun(item).plain).collect()
    }

    /// A value beside a sign: what has signs of its own stands in parentheses there.
    fn factor(&self, expr: &Expr) -> Noun {
        let noun = self.noun(expr);
        match &expr.kind {
            ExprKind::Sum(..) | ExprKind::Product(..) | ExprKind::Of(..) | ExprKind::As(..) => {
                self.of(["({0})"; 3], "({0:of})", &[&noun])
            }
            ExprKind::Error
            | ExprKind::Hole
            | ExprKind::Number(_)
            | ExprKind::Percent(_)
            | ExprKind::Quantity(..)
            | ExprKind::Date(_)
            | ExprKind::Time(_)
            | ExprKind::Instant(..)
            | ExprKind::Text(_)
            | ExprKind::Bool(_)
            | ExprKind::Reference(..)
            | ExprKind::List(_)
            | ExprKind::Path(_)
            | ExprKind::Call(..)
            | ExprKind::Logic(..)
            | ExprKind::Not(_)
            | ExprKind::Compare(..)
            | ExprKind::In { .. }
            | ExprKind::InRange { .. }
            | ExprKind::Known(..)
            | ExprKind::Negate(_)
            | ExprKind::Steps(..)
            | ExprKind::Aggregate { .. }
            | ExprKind::By(..)
            | ExprKind::Collection(_) => noun,
        }
    }

    pub(crate) fn quantity(&self, text: &str, unit: &str) -> Noun {
        let settings = &self.book.study().compilation.typed.settings;
        if unit == settings.currency {
            return Phrase::words(numbers::money(self.language, text, unit, settings.decimals)).into();
        }
        match self.unit_title(unit).filter(|_| !numbers::is_known(unit)) {
            Some(title) => numbers::titled(self.language, text, &title).into(),
            None => numbers::quantity(self.language, text, unit),
        }
    }

    /// Rows of a table or arms of a choice: `base — 1%`.
    pub(crate) fn arms(&self, arms: &[Arm]) -> Vec<Phrase> {
        arms.iter()
            .map(|arm| {
                let patterns: Vec<Phrase> =
                    arm.patterns.iter().map(|pattern| self.pattern(pattern)).collect();
                let patterns = match patterns.as_slice() {
                    [] => self.text(["otherwise", "в остальных случаях", "altrimenti"], &[]),
                    several => Phrase::joined(several, ", "),
                };
                let value = self.noun(&arm.value);
                patterns.then(&Phrase::words(" — ")).then(&value.plain)
            })
            .collect()
    }

    fn pattern(&self, pattern: &Pattern) -> Phrase {
        match pattern {
            Pattern::Any(_) => self.text(["any", "любое", "qualsiasi"], &[]),
            Pattern::Value(value) => self.noun(value).plain,
            Pattern::Band { from, until: None } => {
                self.text(["from {0}", "от {0:of}", "{0:from} in su"], &[&self.noun(from)])
            }
            Pattern::Band { from, until: Some(until) } => self.text(
                ["from {0} to less than {1}", "от {0:of}, но меньше {1:of}", "{0:from} a meno {1:of}"],
                &[&self.noun(from), &self.noun(until)],
            ),
        }
    }

    fn aggregate(&self, function: Aggregate, value: Option<&Expr>, source: &Source) -> Noun {
        let elements = self.source(source);
        let value = value.map(|value| self.noun(value)).unwrap_or_else(|| elements.clone());
        let nouns = [&value, &elements];
        let (texts, genitive, gender): (Texts, &str, Gender) = match function {
            Aggregate::Sum => (
                ["the sum of {0} over {1}", "сумма {0:of} для {1:of}", "la somma {0:of} per {1}"],
                "суммы {0:of} для {1:of}",
                Gender::Feminine,
            ),
            Aggregate::Avg => (
                [
                    "the average of {0} over {1}",
                    "среднее значение {0:of} для {1:of}",
                    "la media {0:of} per {1}",
                ],
                "среднего значения {0:of} для {1:of}",
                if self.language == Language::Italian { Gender::Feminine } else { Gender::Neuter },
            ),
            Aggregate::Min => (
                [
                    "the smallest of {0} over {1}",
                    "наименьшее значение {0:of} для {1:of}",
                    "il minimo {0:of} per {1}",
                ],
                "наименьшего значения {0:of} для {1:of}",
                if self.language == Language::Italian { Gender::Masculine } else { Gender::Neuter },
            ),
            Aggregate::Max => (
                [
                    "the largest of {0} over {1}",
                    "наибольшее значение {0:of} для {1:of}",
                    "il massimo {0:of} per {1}",
                ],
                "наибольшего значения {0:of} для {1:of}",
                if self.language == Language::Italian { Gender::Masculine } else { Gender::Neuter },
            ),
            Aggregate::Count => (
                ["the number of {1}", "количество {1:of}", "il numero {1:of}"],
                "количества {1:of}",
                if self.language == Language::Italian { Gender::Masculine } else { Gender::Neuter },
            ),
            Aggregate::Distinct => (
                [
                    "the number of different values of {0} over {1}",
                    "количество разных значений {0:of} для {1:of}",
                    "il numero di valori diversi {0:of} per {1}",
                ],
                "количества разных значений {0:of} для {1:of}",
                if self.language == Language::Italian { Gender::Masculine } else { Gender::Neuter },
            ),
            // As a value only where a truth is one; conditions are clauses.
            Aggregate::Any => (
                ["whether there are {1}", "наличие {1:of}", "la presenza {1:of}"],
                "наличия {1:of}",
                Gender::Neuter,
            ),
            Aggregate::All => (
                ["whether all are: {1}", "принадлежность всех к: {1}", "l’appartenenza di tutti a: {1}"],
                "принадлежности всех к: {1}",
                Gender::Feminine,
            ),
        };
        Noun { gender, ..self.of(texts, genitive, &nouns) }
    }

    /// What a path of names stands for.
    pub(crate) fn path(&self, path: &Path) -> Noun {
        let Some(last) = path.parts.last() else { return Phrase::words("?").into() };
        let dotted = path.dotted();
        match self.target(last.span) {
            Some(Target::Value(id, position)) => self.value_of(*id, *position, &last.text).into(),
            Some(Target::Field(id)) => {
                let typed = &self.book.study().compilation.typed;
                let Some(field) = typed.fields.get(id.0 as usize) else { return Phrase::name(dotted).into() };
                if let Some(Builtin::Row(..)) = &field.builtin {
                    return self.earlier_field(&field.name, &dotted);
                }
                self.field(&field.name, &dotted)
            }
            Some(Target::Declared(_)) | None => {
                // The element of a filter or a loop, the member, the event: known by their words.
                let is_record = match self.ty(path.span) {
                    None | Some(Type::Record(_)) => true,
                    Some(_) => false,
                };
                if is_record && let Some(record) = words::record(self.language, &dotted) {
                    return record;
                }
                // The keys of orders and what is set are fields that nobody reads there.
                if path.parts.len() > 1 && is_record {
                    return self.field(&dotted, &dotted);
                }
                self.mention(&dotted);
                Phrase::name(dotted).into()
            }
        }
    }

    /// A field of an earlier event, or of a line of one.
    fn earlier_field(&self, name: &str, written: &str) -> Noun {
        if let Some(noun) = words::field(self.language, name) {
            return noun;
        }
        let known =
            name.rsplit_once('.').and_then(|(owner, own)| Some((words::record(self.language, owner)?, own)));
        let Some((owner, own)) = known else { return Phrase::name(written).into() };
        let (own, bare) = (Phrase::name(own).into(), owner.plain.to_string());
        let bare = Phrase::words(bare.strip_prefix("the ").unwrap_or(&bare).to_owned()).into();
        match self.language {
            Language::English => fill(self.language, "{0} of the earlier {1}", &[&own, &bare]).into(),
            Language::Russian => fill(self.language, "{0} прошлого события ({1})", &[&own, &owner]).into(),
            Language::Italian => fill(self.language, "{0} {1:of} precedente", &[&own, &owner]).into(),
        }
    }

    /// A field by the name that the checker has for it; `written` where that says nothing.
    pub(crate) fn field(&self, name: &str, written: &str) -> Noun {
        // What settlement gives, and the fields of a contact, have their owner in the text alone.
        let known = words::field(self.language, name).or_else(|| words::field(self.language, written));
        if let Some(noun) = known {
            return noun;
        }
        if let Some(account) = written.split_once(".award.").map(|(_, account)| account) {
            let account = self.declared_title("account", account).into();
            return Noun {
                gender: Gender::Neuter,
                ..self.of(
                    [
                        "what is awarded to the account {0}",
                        "начисленное на счёт {0}",
                        "ciò che è accreditato sul conto {0}",
                    ],
                    "начисленного на счёт {0}",
                    &[&account],
                )
            };
        }
        if let Some(account) = name.strip_prefix("member.balance.") {
            let account = self.declared_title("account", account).into();
            return Noun {
                gender: Gender::Masculine,
                ..self.of(
                    ["the balance of the account {0}", "остаток на счёте {0}", "il saldo del conto {0}"],
                    "остатка на счёте {0}",
                    &[&account],
                )
            };
        }
        if let Some(badge) = name.strip_prefix("member.badge.") {
            let badge = self.declared_title("badge", badge).into();
            return self.of(["the badge {0}", "значок {0}", "il distintivo {0}"], "значка {0}", &[&badge]);
        }
        if let Some(offer) = name.strip_prefix("propensity(").and_then(|rest| rest.strip_suffix(')')) {
            let offer = self.declared_title("offer", offer).into();
            return Noun {
                gender: Gender::Feminine,
                ..self.of(
                    [
                        "the likelihood that the member accepts the offer {0}",
                        "вероятность принятия предложения {0}",
                        "la probabilità che il partecipante accetti l’offerta {0}",
                    ],
                    "вероятности принятия предложения {0}",
                    &[&offer],
                )
            };
        }
        if let Some(date) =
            name.strip_prefix("days_from_anniversary(").and_then(|rest| rest.strip_suffix(')'))
        {
            return self.anniversary(&self.field(date, date));
        }
        let Some((owner, own)) = name.rsplit_once('.') else {
            return words::record(self.language, name).unwrap_or_else(|| Phrase::name(written).into());
        };
        let Some(owner) = words::record(self.language, owner) else { return Phrase::name(written).into() };
        let own = Phrase::name(own).into();
        self.text(["{0} of {1}", "{0} {1:of}", "{0} {1:of}"], &[&own, &owner]).into()
    }

    fn anniversary(&self, date: &Noun) -> Noun {
        Noun {
            gender: Gender::Neuter,
            ..self.of(
                [
                    "the number of days from the nearest anniversary of {0}",
                    "число дней от ближайшей годовщины {0:of}",
                    "il numero di giorni dal più vicino anniversario {0:of}",
                ],
                "числа дней от ближайшей годовщины {0:of}",
                &[date],
            )
        }
    }

    fn call(&self, path: &Path, arguments: &[Expr]) -> Noun {
        let dotted = path.dotted();
        // What the checker made a field of says more than the call.
        if let Some(last) = path.parts.last()
            && let Some(Target::Field(id)) = self.target(last.span)
            && let Some(field) = self.book.study().compilation.typed.fields.get(id.0 as usize)
        {
            return self.field(&field.name.clone(), &dotted);
        }
        let first = arguments.first().map(|argument| self.noun(argument));
        let of_date = |texts: Texts, genitive: &str, gender: Gender| {
            let day = first.clone().unwrap_or_else(|| Phrase::words("?").into());
            Noun { gender, ..self.of(texts, genitive, &[&day]) }
        };
        let bound = |start: bool, period: &str| {
            let period = words::period_noun(self.language, period);
            let day = first.clone().unwrap_or_else(|| Phrase::words("?").into());
            let (texts, genitive): (Texts, &str) = if start {
                (
                    [
                        "the first day of {0} in which {1} lies",
                        "первый день {0:of}, на который приходится {1}",
                        "il primo giorno {0:of} in cui cade {1}",
                    ],
                    "первого дня {0:of}, на который приходится {1}",
                )
            } else {
                (
                    [
                        "the last day of {0} in which {1} lies",
                        "последний день {0:of}, на который приходится {1}",
                        "l’ultimo giorno {0:of} in cui cade {1}",
                    ],
                    "последнего дня {0:of}, на который приходится {1}",
                )
            };
            Noun { gender: Gender::Masculine, ..self.of(texts, genitive, &[&period, &day]) }
        };
        if let Some(period) = dotted.strip_prefix("start_of_") {
            return bound(true, period);
        }
        if let Some(period) = dotted.strip_prefix("end_of_") {
            return bound(false, period);
        }
        match dotted.as_str() {
            "min" => {
                let all = Phrase::joined(&self.plain(arguments), "; ").into();
                self.of(
                    ["the smallest of ({0})", "наименьшее из ({0})", "il minore tra ({0})"],
                    "наименьшего из ({0})",
                    &[&all],
                )
            }
            "max" => {
                let all = Phrase::joined(&self.plain(arguments), "; ").into();
                self.of(
                    ["the largest of ({0})", "наибольшее из ({0})", "il maggiore tra ({0})"],
                    "наибольшего из ({0})",
                    &[&all],
                )
            }
            "day" => of_date(
                ["the day of the month of {0}", "число месяца {0:of}", "il giorno del mese {0:of}"],
                "числа месяца {0:of}",
                Gender::Neuter,
            ),
            "month" => of_date(
                ["the month of {0}", "месяц {0:of}", "il mese {0:of}"],
                "месяца {0:of}",
                Gender::Masculine,
            ),
            "year" => {
                of_date(["the year of {0}", "год {0:of}", "l’anno {0:of}"], "года {0:of}", Gender::Masculine)
            }
            "weekday" => of_date(
                ["the day of the week of {0}", "день недели {0:of}", "il giorno della settimana {0:of}"],
                "дня недели {0:of}",
                Gender::Masculine,
            ),
            "days_from_anniversary" => {
                self.anniversary(&first.clone().unwrap_or_else(|| Phrase::words("?").into()))
            }
            "propensity" => {
                let offer = first.clone().unwrap_or_else(|| Phrase::words("?").into());
                self.field(&format!("propensity({})", offer.plain.to_string().replace('`', "")), &dotted)
            }
            _ => {
                self.mention(&dotted);
                let mut out = Phrase::name(dotted);
                if !arguments.is_empty() {
                    out.push_words(" (");
                    out.push(&Phrase::joined(&self.plain(arguments), "; "));
                    out.push_words(")");
                }
                out.into()
            }
        }
    }

    /// A condition as a clause; `yes` is false for its opposite.
    pub(crate) fn clause(&self, expr: &Expr, yes: bool) -> Phrase {
        match &expr.kind {
            ExprKind::Bool(truth) => {
                if *truth == yes {
                    self.text(["it is always so", "это верно всегда", "è sempre vero"], &[])
                } else {
                    self.text(["it is never so", "это не верно никогда", "non è mai vero"], &[])
                }
            }
            ExprKind::Logic(logic, parts) => {
                let clauses: Vec<Phrase> = parts
                    .iter()
                    .map(|part| {
                        let clause = self.clause(part, true);
                        if let ExprKind::Logic(..) = &part.kind {
                            Phrase::words("(").then(&clause).then(&Phrase::words(")"))
                        } else {
                            clause
                        }
                    })
                    .collect();
                let between = match logic {
                    Logic::And => self.language.pick(&[" and ", " и ", " e "]),
                    Logic::Or => self.language.pick(&[" or ", " или ", " oppure "]),
                };
                let joined = Phrase::joined(&clauses, between);
                if yes { joined } else { self.denied(&joined) }
            }
            ExprKind::Not(inner) => self.clause(inner, !yes),
            ExprKind::Compare(comparison, left, right) => {
                let compared = self.comparison(*comparison, left, right);
                if yes { compared } else { self.denied(&compared) }
            }
            ExprKind::In { value, negated, set } => self.membership(value, set, *negated != yes),
            ExprKind::InRange { value, negated, range } => {
                let is_in = *negated != yes;
                self.in_range(value, range, is_in)
            }
            ExprKind::Known(value, known) => self.known(value, *known == yes),
            ExprKind::Aggregate { function, value, source } => {
                self.quantifier(*function, value.as_deref(), source, yes)
            }
            ExprKind::Path(path) => self.truth(path, yes),
            ExprKind::Call(..) => {
                let call = self.value(expr);
                self.text(if yes { HOLDS } else { HOLDS_NOT }, &[&call])
            }
            ExprKind::Error
            | ExprKind::Hole
            | ExprKind::Number(_)
            | ExprKind::Percent(_)
            | ExprKind::Quantity(..)
            | ExprKind::Date(_)
            | ExprKind::Time(_)
            | ExprKind::Instant(..)
            | ExprKind::Text(_)
            | ExprKind::Reference(..)
            | ExprKind::List(_)
            | ExprKind::As(..)
            | ExprKind::Sum(..)
            | ExprKind::Product(..)
            | ExprKind::Of(..)
            | ExprKind::Negate(_)
            | ExprKind::Steps(..)
            | ExprKind::By(..)
            | ExprKind::Collection(_) => {
                let value = self.value(expr);
                let texts = if yes {
                    ["the answer is yes: {0}", "ответ «да»: {0}", "la risposta è sì: {0}"]
                } else {
                    ["the answer is no: {0}", "ответ «нет»: {0}", "la risposta è no: {0}"]
                };
                self.text(texts, &[&value])
            }
        }
    }

    fn denied(&self, clause: &Phrase) -> Phrase {
        let clause = clause.clone().into();
        self.text(["it is not so that {0}", "неверно, что {0}", "non è vero che {0}"], &[&clause])
    }

    fn truth(&self, path: &Path, yes: bool) -> Phrase {
        let last = path.parts.last().map(|part| part.span).unwrap_or_default();
        if let Some(Target::Field(id)) = self.target(last) {
            let typed = &self.book.study().compilation.typed;
            let name = typed.fields.get(id.0 as usize).map(|field| field.name.clone()).unwrap_or_default();
            if let Some([positive, negative]) = words::truth(&name) {
                return Phrase::words(self.language.pick(if yes { &positive } else { &negative }));
            }
            if let Some(badge) = name.strip_prefix("member.badge.") {
                let badge = self.declared_title("badge", badge).into();
                let texts = if yes {
                    [
                        "the member has the badge {0}",
                        "у участника есть значок {0}",
                        "il partecipante ha il distintivo {0}",
                    ]
                } else {
                    [
                        "the member does not have the badge {0}",
                        "у участника нет значка {0}",
                        "il partecipante non ha il distintivo {0}",
                    ]
                };
                return self.text(texts, &[&badge]);
            }
        }
        let value = self.path(path);
        let is_field = matches!(self.target(last), Some(Target::Field(_)));
        let texts = match (is_field, yes) {
            (true, true) => ["{0} is true", "признак {0} установлен", "{0} è vero"],
            (true, false) => ["{0} is not true", "признак {0} не установлен", "{0} non è vero"],
            (false, true) => HOLDS,
            (false, false) => HOLDS_NOT,
        };
        self.text(texts, &[&value])
    }

    fn known(&self, value: &Expr, yes: bool) -> Phrase {
        let noun = self.noun(value);
        let not = if yes { "" } else { "not " };
        match self.language {
            Language::English => {
                let verb = if noun.gender == Gender::Plural { "are" } else { "is" };
                fill(self.language, &format!("{{0}} {verb} {not}known"), &[&noun])
            }
            Language::Russian => {
                let word = match (noun.gender, yes) {
                    (Gender::Masculine, true) => "{0} известен",
                    (Gender::Masculine, false) => "{0} неизвестен",
                    (Gender::Feminine, true) => "{0} известна",
                    (Gender::Feminine, false) => "{0} неизвестна",
                    (Gender::Neuter, true) => "{0} известно",
                    (Gender::Neuter, false) => "{0} неизвестно",
                    (Gender::Plural, true) => "{0} известны",
                    (Gender::Plural, false) => "{0} неизвестны",
                    (Gender::None, true) => "значение {0:of} известно",
                    (Gender::None, false) => "значение {0:of} неизвестно",
                };
                fill(self.language, word, &[&noun])
            }
            Language::Italian => {
                let word = match noun.gender {
                    Gender::Feminine => "nota",
                    Gender::Plural => "noti",
                    Gender::Masculine | Gender::Neuter | Gender::None => "noto",
                };
                let verb = if noun.gender == Gender::Plural { "sono" } else { "è" };
                let not = if yes { "" } else { "non " };
                fill(self.language, &format!("{{0}} {not}{verb} {word}"), &[&noun])
            }
        }
    }

    fn order_of(&self, expr: &Expr) -> Order {
        let ty = match self.ty(expr.span) {
            Some(Type::Optional(inner)) => Some(inner.as_ref()),
            other => other,
        };
        match ty {
            Some(Type::Date | Type::Time | Type::Instant) => Order::Times,
            Some(Type::Enum(_)) => Order::Ranks,
            Some(
                Type::Error
                | Type::Bool
                | Type::Number
                | Type::Percent
                | Type::Money
                | Type::Points(_)
                | Type::Count(_)
                | Type::Quantity(_)
                | Type::Duration
                | Type::Days
                | Type::Months
                | Type::Symbol(_)
                | Type::Set(_)
                | Type::Text
                | Type::Optional(_)
                | Type::Collection(_)
                | Type::Record(_),
            )
            | None => Order::Amounts,
        }
    }

    /// As a subject: a clause at its end is closed by a comma in Russian.
    pub(crate) fn closed(&self, expr: &Expr) -> Noun {
        let mut noun = self.noun(expr);
        if self.language == Language::Russian && ends_in_clause(expr) {
            noun.plain.push_words(",");
        }
        noun
    }

    fn comparison(&self, comparison: Comparison, left: &Expr, right: &Expr) -> Phrase {
        let nouns = [&self.closed(left), &self.noun(right)];
        let texts: Texts = match (comparison, self.order_of(left)) {
            (Comparison::Equal, Order::Amounts | Order::Times | Order::Ranks) => {
                ["{0} is {1}", "{0} — {1}", "{0} è {1}"]
            }
            (Comparison::NotEqual, Order::Amounts | Order::Times | Order::Ranks) => {
                ["{0} is not {1}", "{0} — не {1}", "{0} non è {1}"]
            }
            (Comparison::Less, Order::Amounts) => {
                ["{0} is less than {1}", "{0} меньше {1:of}", "{0} è minore {1:of}"]
            }
            (Comparison::LessOrEqual, Order::Amounts) => {
                ["{0} is at most {1}", "{0} не больше {1:of}", "{0} non supera {1}"]
            }
            (Comparison::Greater, Order::Amounts) => {
                ["{0} is more than {1}", "{0} больше {1:of}", "{0} è maggiore {1:of}"]
            }
            (Comparison::GreaterOrEqual, Order::Amounts) => {
                ["{0} is at least {1}", "{0} не меньше {1:of}", "{0} è almeno {1}"]
            }
            (Comparison::Less, Order::Times) => ["{0} is before {1}", "{0} раньше {1:of}", "{0} precede {1}"],
            (Comparison::LessOrEqual, Order::Times) => {
                ["{0} is not after {1}", "{0} не позже {1:of}", "{0} non segue {1}"]
            }
            (Comparison::Greater, Order::Times) => ["{0} is after {1}", "{0} позже {1:of}", "{0} segue {1}"],
            (Comparison::GreaterOrEqual, Order::Times) => {
                ["{0} is not before {1}", "{0} не раньше {1:of}", "{0} non precede {1}"]
            }
            (Comparison::Less, Order::Ranks) => {
                ["{0} is lower than {1}", "{0} ниже, чем {1}", "{0} è inferiore a {1}"]
            }
            (Comparison::LessOrEqual, Order::Ranks) => {
                ["{0} is {1} or lower", "{0} — {1} или ниже", "{0} è {1} o inferiore"]
            }
            (Comparison::Greater, Order::Ranks) => {
                ["{0} is higher than {1}", "{0} выше, чем {1}", "{0} è superiore a {1}"]
            }
            (Comparison::GreaterOrEqual, Order::Ranks) => {
                ["{0} is {1} or higher", "{0} — {1} или выше", "{0} è {1} o superiore"]
            }
        };
        self.text(texts, &nouns)
    }

    fn membership(&self, value: &Expr, set: &Expr, is_in: bool) -> Phrase {
        let value = self.noun(value);
        if let ExprKind::Reference(kind, names) = &set.kind {
            let names: Vec<Phrase> = names.iter().map(|name| self.language.quoted(&name.value)).collect();
            let belonging = words::belonging(self.language, &kind.text).into();
            let names = self.or_list(&names).into();
            let texts = if is_in {
                ["{0} is {1} {2}", "{0} — {1} {2}", "{0} è {1} {2}"]
            } else {
                ["{0} is not {1} {2}", "{0} — не {1} {2}", "{0} non è {1} {2}"]
            };
            return self.text(texts, &[&value, &belonging, &names]);
        }
        if let ExprKind::List(items) = &set.kind {
            let items = self.or_list(&self.plain(items)).into();
            let texts = if is_in {
                ["{0} is {1}", "{0} — {1}", "{0} è {1}"]
            } else {
                ["{0} is not {1}", "{0} — не {1}", "{0} non è {1}"]
            };
            return self.text(texts, &[&value, &items]);
        }
        let set = self.noun(set);
        let texts = if is_in {
            ["{0} is among {1}", "{0} входит в {1:acc}", "{0} è tra {1}"]
        } else {
            ["{0} is not among {1}", "{0} не входит в {1:acc}", "{0} non è tra {1}"]
        };
        self.text(texts, &[&value, &set])
    }

    fn in_range(&self, value: &Expr, range: &Range, is_in: bool) -> Phrase {
        let nouns = [&self.closed(value), &self.noun(&range.low), &self.noun(&range.high)];
        let texts: Texts = match (range.bound, is_in) {
            (Bound::Included, true) => [
                "{0} is from {1} through {2}",
                "{0} — от {1:of} до {2:of} включительно",
                "{0} va {1:from} {2:to}, estremi inclusi",
            ],
            (Bound::Included, false) => [
                "{0} is not from {1} through {2}",
                "{0} — не от {1:of} до {2:of} включительно",
                "{0} non va {1:from} {2:to}, estremi inclusi",
            ],
            (Bound::Excluded, true) => [
                "{0} is from {1} to before {2}",
                "{0} — от {1:of} до {2:of}, не включая конец",
                "{0} va {1:from} {2:to}, fine esclusa",
            ],
            (Bound::Excluded, false) => [
                "{0} is not from {1} to before {2}",
                "{0} — не от {1:of} до {2:of}, не включая конец",
                "{0} non va {1:from} {2:to}, fine esclusa",
            ],
        };
        self.text(texts, &nouns)
    }

    fn quantifier(&self, function: Aggregate, value: Option<&Expr>, source: &Source, yes: bool) -> Phrase {
        match function {
            Aggregate::Any => {
                let mut elements = self.source(source);
                if let Some(value) = value {
                    elements = self.such(&elements, value);
                }
                let texts = if yes {
                    ["there are {0}", "есть {0}", "ci sono {0:bare}"]
                } else {
                    ["there are no {0}", "нет {0:of}", "non ci sono {0:bare}"]
                };
                self.text(texts, &[&elements])
            }
            Aggregate::All => {
                // What is asked of all of them stands behind `where`, or before `for`.
                let (elements, condition) = match (&source.kind, value) {
                    (_, Some(value)) => (self.source(source), Some(value)),
                    (SourceKind::Filter { earlier, collection, window, condition }, None) => {
                        (self.elements(*earlier, collection, window.as_ref(), None), condition.as_deref())
                    }
                    (SourceKind::Extreme { .. } | SourceKind::EveryNth { .. }, None) => {
                        (self.source(source), None)
                    }
                };
                let condition = match condition {
                    Some(condition) => self.clause(condition, true),
                    None => self.text(["it is so", "это верно", "è così"], &[]),
                };
                let nouns = [&elements, &condition.into()];
                let all = self.text(
                    [
                        "for all {0} it holds that {1}",
                        "для всех {0:of} верно: {1}",
                        "per tutti, tra {0}, vale: {1}",
                    ],
                    &nouns,
                );
                if yes { all } else { self.denied(&all) }
            }
            Aggregate::Sum
            | Aggregate::Avg
            | Aggregate::Min
            | Aggregate::Max
            | Aggregate::Count
            | Aggregate::Distinct => {
                let value = self.aggregate(function, value, source);
                self.text(HOLDS, &[&value])
            }
        }
    }

    /// Elements with a condition.
    pub(crate) fn such(&self, elements: &Noun, condition: &Expr) -> Noun {
        let condition = self.clause(condition, true).into();
        Noun {
            gender: Gender::Plural,
            ..self.of(
                ["{0} where {1}", "{0}, где {1}", "{0} in cui {1}"],
                "{0:of}, где {1}",
                &[elements, &condition],
            )
        }
    }

    /// What a collection holds.
    pub(crate) fn source(&self, source: &Source) -> Noun {
        match &source.kind {
            SourceKind::Filter { earlier, collection, window, condition } => {
                self.elements(*earlier, collection, window.as_ref(), condition.as_deref())
            }
            SourceKind::Extreme { cheapest, count, every, of } => {
                let (count, of) = (self.noun(count), self.source(of));
                let every: Option<Noun> = every
                    .as_ref()
                    .map(|every| Phrase::words(numbers::number(self.language, &every.text)).into());
                let (texts, genitive): (Texts, &str) = match (cheapest, every.is_some()) {
                    (true, false) => (
                        [
                            "the cheapest {0} of {1}",
                            "самые дешёвые ({0}) из {1:of}",
                            "i meno cari ({0}) tra {1}",
                        ],
                        "самых дешёвых ({0}) из {1:of}",
                    ),
                    (false, false) => (
                        [
                            "the dearest {0} of {1}",
                            "самые дорогие ({0}) из {1:of}",
                            "i più cari ({0}) tra {1}",
                        ],
                        "самых дорогих ({0}) из {1:of}",
                    ),
                    (true, true) => (
                        [
                            "the cheapest {0} of every {2} of {1}",
                            "самые дешёвые ({0}) в каждой группе по {2} из {1:of}",
                            "i meno cari ({0}) in ogni gruppo di {2} tra {1}",
                        ],
                        "самых дешёвых ({0}) в каждой группе по {2} из {1:of}",
                    ),
                    (false, true) => (
                        [
                            "the dearest {0} of every {2} of {1}",
                            "самые дорогие ({0}) в каждой группе по {2} из {1:of}",
                            "i più cari ({0}) in ogni gruppo di {2} tra {1}",
                        ],
                        "самых дорогих ({0}) в каждой группе по {2} из {1:of}",
                    ),
                };
                let every = every.unwrap_or_else(|| Phrase::default().into());
                Noun { gender: Gender::Plural, ..self.of(texts, genitive, &[&count, &of, &every]) }
            }
            SourceKind::EveryNth { nth, of, key, descending } => {
                let digits: String = nth.text.chars().filter(char::is_ascii_digit).collect();
                let (mut of_noun, key) = (self.source(of), self.path(key));
                if self.language == Language::Russian && source_ends_in_clause(of) {
                    of_noun.genitive.get_or_insert_with(|| of_noun.plain.clone()).push_words(",");
                }
                let of = of_noun;
                let ordinal = match self.language {
                    Language::English => numbers::english_ordinal(&digits),
                    Language::Russian => format!("{digits}-е"),
                    Language::Italian => format!("{digits}º"),
                };
                let genitive_ordinal: Noun = Phrase::words(format!("{digits}-го")).into();
                let ordinal: Noun = Phrase::words(ordinal).into();
                let (texts, genitive): (Texts, &str) = if *descending {
                    (
                        [
                            "every {0} of {1} in descending order of {2}",
                            "каждое {0} из {1:of} по убыванию {2:of}",
                            "ogni {0} elemento tra {1} in ordine decrescente {2:of}",
                        ],
                        "каждого {3} из {1:of} по убыванию {2:of}",
                    )
                } else {
                    (
                        [
                            "every {0} of {1} in ascending order of {2}",
                            "каждое {0} из {1:of} по возрастанию {2:of}",
                            "ogni {0} elemento tra {1} in ordine crescente {2:of}",
                        ],
                        "каждого {3} из {1:of} по возрастанию {2:of}",
                    )
                };
                Noun {
                    gender: Gender::Plural,
                    ..self.of(texts, genitive, &[&ordinal, &of, &key, &genitive_ordinal])
                }
            }
        }
    }

    fn elements(
        &self,
        earlier: bool,
        collection: &Path,
        window: Option<&Window>,
        condition: Option<&Expr>,
    ) -> Noun {
        let name = collection.dotted();
        let mut noun = match words::collection(self.language, earlier, &name) {
            Some(several) => several.all,
            // The element of the loop around it, by itself.
            None if !earlier && matches!(name.as_str(), "line" | "unit" | "payment") => {
                words::record(self.language, &name).unwrap_or_else(|| Phrase::name(name).into())
            }
            None => self.collection_name(earlier, collection),
        };
        if let Some(window) = window {
            let window = self.window(window).into();
            noun = Noun { gender: noun.gender, ..self.of(["{0} {1}"; 3], "{0:of} {1}", &[&noun, &window]) };
        }
        match condition {
            Some(condition) => self.such(&noun, condition),
            None => noun,
        }
    }

    fn collection_name(&self, earlier: bool, collection: &Path) -> Noun {
        let name = collection.dotted();
        if !earlier {
            self.mention(&name);
        }
        let noun = Phrase::name(name).into();
        if earlier {
            self.of(
                ["earlier events {0}", "прошлые события {0}", "gli eventi precedenti {0}"],
                "прошлых событий {0}",
                &[&noun],
            )
        } else {
            noun
        }
    }

    /// What stands at the head of a loop: `for each line where …`.
    pub(crate) fn for_each(&self, source: &Source) -> Phrase {
        if let SourceKind::Filter { earlier, collection, window, condition } = &source.kind
            && let Some(several) = words::collection(self.language, *earlier, &collection.dotted())
        {
            let mut each: Noun = several.each.into();
            if let Some(window) = window {
                let window = self.window(window).into();
                each = self.text(["{0} {1}"; 3], &[&each, &window]).into();
            }
            if let Some(condition) = condition {
                each = self.such(&each, condition).plain.into();
            }
            return self.text(["for each {0}", "для {0}", "per ogni {0}"], &[&each]);
        }
        let all = self.source(source);
        self.text(["for each of {0}", "для каждого элемента из {0:of}", "per ogni elemento tra {0}"], &[&all])
    }

    pub(crate) fn window(&self, window: &Window) -> Phrase {
        match window {
            Window::Last(number, unit) => numbers::last(self.language, &number.text, &unit.text),
            Window::Any(number, unit) => {
                let quantity = self.quantity(&number.text, &unit.text);
                self.text(
                    ["within any {0}", "за любые {0:acc}", "in un qualsiasi periodo di {0}"],
                    &[&quantity],
                )
            }
            Window::This(period) => words::period(self.language, &period.text, false),
            Window::Previous(period) => words::period(self.language, &period.text, true),
            Window::Session(_) => {
                self.text(["within the session", "в течение сеанса", "nella sessione"], &[])
            }
            Window::Program(_) => self.text(
                [
                    "over the whole time of the programme",
                    "за всё время программы",
                    "per tutta la durata del programma",
                ],
                &[],
            ),
            Window::Range(range) => self.period(&range.low, Some((&range.high, range.bound))),
        }
    }

    /// `from 1 June 2026 through 31 August 2026`
    pub(crate) fn period(&self, from: &Expr, to: Option<(&Expr, Bound)>) -> Phrase {
        let from = self.noun(from);
        match to {
            None => self.text(["from {0} on", "с {0:of}", "{0:from}"], &[&from]),
            Some((to, bound)) => {
                let nouns = [&from, &self.noun(to)];
                match bound {
                    Bound::Included => self.text(
                        [
                            "from {0} through {1}",
                            "с {0:of} по {1:acc} включительно",
                            "{0:from} {1:to} compreso",
                        ],
                        &nouns,
                    ),
                    Bound::Excluded => self.text(
                        ["from {0} to before {1}", "с {0:of} до {1:of}", "{0:from} {1:to} escluso"],
                        &nouns,
                    ),
                }
            }
        }
    }

    fn ty(&self, span: Span) -> Option<&Type> {
        self.book.ty(self.file, span)
    }

    fn target(&self, span: Span) -> Option<&Target> {
        self.book.target(self.file, span)
    }
}

/// Whether a number's Italian name does: uno, otto, undici, ottanta.
fn opens_with_a_vowel(number: &str) -> bool {
    let whole: String = number.chars().take_while(char::is_ascii_digit).collect();
    whole.starts_with('8') || matches!(whole.as_str(), "1" | "11")
}

/// Whether the last words of a value are a condition.
fn ends_in_clause(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Aggregate { source, .. } | ExprKind::Collection(source) => source_ends_in_clause(source),
        ExprKind::Sum(_, rest) => rest.last().is_some_and(|(_, last)| ends_in_clause(last)),
        // What stands in parentheses is closed by them.
        ExprKind::Product(_, rest) => {
            rest.last().is_some_and(|(_, last)| is_plain(last) && ends_in_clause(last))
        }
        ExprKind::Of(_, whole) => is_plain(whole) && ends_in_clause(whole),
        ExprKind::Steps(_, value) | ExprKind::Negate(value) => ends_in_clause(value),
        ExprKind::Error
        | ExprKind::Hole
        | ExprKind::Number(_)
        | ExprKind::Percent(_)
        | ExprKind::Quantity(..)
        | ExprKind::Date(_)
        | ExprKind::Time(_)
        | ExprKind::Instant(..)
        | ExprKind::Text(_)
        | ExprKind::Bool(_)
        | ExprKind::Reference(..)
        | ExprKind::List(_)
        | ExprKind::Path(_)
        | ExprKind::Call(..)
        | ExprKind::Logic(..)
        | ExprKind::Not(_)
        | ExprKind::Compare(..)
        | ExprKind::In { .. }
        | ExprKind::InRange { .. }
        | ExprKind::Known(..)
        | ExprKind::As(..)
        | ExprKind::By(..) => false,
    }
}

/// Whether a factor stands without parentheses.
fn is_plain(expr: &Expr) -> bool {
    !matches!(expr.kind, ExprKind::Sum(..) | ExprKind::Product(..) | ExprKind::Of(..) | ExprKind::As(..))
}

fn source_ends_in_clause(source: &Source) -> bool {
    match &source.kind {
        SourceKind::Filter { condition, .. } => condition.is_some(),
        SourceKind::Extreme { of, .. } => source_ends_in_clause(of),
        // The order stands behind it.
        SourceKind::EveryNth { .. } => false,
    }
}
