//! Contact plans in sentences: what is sent to nobody, what all members share, what each member gets. Refuses to know how a
//! plan is chosen.

use crate::numbers;
use crate::phrase::{Language, Noun, Phrase};
use crate::words;
use crate::writer::Writer;
use perq_grammar::ast::{
    Bounds, CapacityOf, Comparison, ContactScope, ContactsClause, EachOf, Lexeme, Members, Name, Placed,
    Range, Window,
};

/// The titles of a contact plan.
pub(crate) fn titles(clauses: &[Placed<ContactsClause>]) -> &[(Name, perq_grammar::ast::Text)] {
    clauses
        .iter()
        .find_map(|clause| match &clause.kind {
            ContactsClause::Title(titles) => Some(titles.as_slice()),
            ContactsClause::Let(_)
            | ContactsClause::Maximise(_)
            | ContactsClause::Inclusion { .. }
            | ContactsClause::Capacity { .. }
            | ContactsClause::Each { .. } => None,
        })
        .unwrap_or_default()
}

impl<'a> Writer<'a> {
    /// A clause of a contact plan.
    pub(crate) fn contacts_clause(&mut self, clause: &'a ContactsClause) {
        let out = match clause {
            ContactsClause::Title(_) => return,
            ContactsClause::Let(binding) => return self.binding(0, binding),
            ContactsClause::Maximise(value) => {
                let value = self.noun(value);
                self.text(
                    [
                        "of all choices the one is made for which this is largest: {0}",
                        "из всех вариантов выбирается тот, в котором наибольшим будет: {0}",
                        "tra tutte le scelte si fa quella per cui è massimo: {0}",
                    ],
                    &[&value],
                )
            }
            ContactsClause::Inclusion { include, scope, members } => {
                self.inclusion(*include, scope, members.as_ref())
            }
            ContactsClause::Capacity { what, scope, window, exceptions } => {
                self.capacity(what, scope, window, exceptions)
            }
            ContactsClause::Each { members, what } => self.each(members.as_ref(), what),
        };
        self.say(0, out);
    }

    fn inclusion(&self, include: bool, scope: &ContactScope, members: Option<&Members>) -> Phrase {
        let nouns = [&self.contacts(scope), &self.which(members)];
        let text = match (include, members.is_some()) {
            (true, true) => [
                "{0} go to members {1} alone",
                "{0} получают только участники {1}",
                "{0} vanno soltanto ai partecipanti {1}",
            ],
            (true, false) => ["{0} may be made", "допустимы {0}", "{0} si possono fare"],
            (false, true) => [
                "there are no {0} for members {1}",
                "для участников {1} исключены {0}",
                "sono esclusi {0} per i partecipanti {1}",
            ],
            (false, false) => ["there are no {0}", "исключены {0}", "sono esclusi {0}"],
        };
        self.text(text, &nouns)
    }

    fn capacity(
        &self,
        what: &CapacityOf,
        scope: &ContactScope,
        window: &Window,
        exceptions: &[(Range, Bounds)],
    ) -> Phrase {
        let (contacts, window) = (self.contacts(scope), self.window(window).into());
        let mut out = match what {
            CapacityOf::Count(bounds) => {
                let bounds = self.bounds(bounds).into();
                self.text(["{0}, {2}: {1}", "{0}, {2}: {1}", "{0}, {2}: {1}"], &[&contacts, &bounds, &window])
            }
            CapacityOf::Amount { function, value, comparison, bound } => {
                let (value, bound) = (self.noun(value), self.noun(bound));
                let is_average = function.text == "avg";
                let what: Noun = match is_average {
                    true => self.text(
                        ["the average of {0}", "среднее значение {0:of}", "la media di {0}"],
                        &[&value],
                    ),
                    false => self.text(["the sum of {0}", "сумма {0:of}", "la somma {0:of}"], &[&value]),
                }
                .into();
                let text = match comparison {
                    Comparison::LessOrEqual => [
                        "{0}, {3}: {1} is at most {2}",
                        "{0}, {3}: {1} — не более {2:of}",
                        "{0}, {3}: {1} è al massimo {2}",
                    ],
                    Comparison::GreaterOrEqual => [
                        "{0}, {3}: {1} is at least {2}",
                        "{0}, {3}: {1} — не менее {2:of}",
                        "{0}, {3}: {1} è almeno {2}",
                    ],
                    Comparison::Less => [
                        "{0}, {3}: {1} is below {2}",
                        "{0}, {3}: {1} — меньше {2:of}",
                        "{0}, {3}: {1} è inferiore a {2}",
                    ],
                    Comparison::Greater => [
                        "{0}, {3}: {1} is above {2}",
                        "{0}, {3}: {1} — больше {2:of}",
                        "{0}, {3}: {1} è superiore a {2}",
                    ],
                    Comparison::Equal => {
                        ["{0}, {3}: {1} is {2}", "{0}, {3}: {1} — ровно {2}", "{0}, {3}: {1} è {2}"]
                    }
                    Comparison::NotEqual => {
                        ["{0}, {3}: {1} is not {2}", "{0}, {3}: {1} — не {2}", "{0}, {3}: {1} non è {2}"]
                    }
                };
                self.text(text, &[&contacts, &what, &bound, &window])
            }
        };
        for (days, bounds) in exceptions {
            let days = self.period(&days.low, Some((&days.high, days.bound))).into();
            let bounds = self.bounds(bounds).into();
            out.push(&self.text(
                ["; {0} instead {1}", "; {0} вместо этого {1}", "; {0} invece {1}"],
                &[&days, &bounds],
            ));
        }
        out
    }

    fn each(&self, members: Option<&Members>, what: &EachOf) -> Phrase {
        let member: Noun = match members {
            None => self.text(["each member", "каждый участник", "ogni partecipante"], &[]).into(),
            Some(_) => self
                .text(
                    ["each member {0}", "каждый участник {0}", "ogni partecipante {0}"],
                    &[&self.which(members)],
                )
                .into(),
        };
        match what {
            EachOf::Bounds { bounds, of_same, scope, window, skip } => {
                let bounds = self.bounds(bounds).into();
                let nouns = [&member, &bounds, &self.contacts(scope), &self.window(window).into()];
                let mut out = match of_same {
                    true => self.text(
                        [
                            "{0} gets {1} {3}, of each offer by itself: {2}",
                            "{0} получает {1} {3}, по каждому предложению отдельно: {2}",
                            "{0} riceve {1} {3}, per ciascuna offerta: {2}",
                        ],
                        &nouns,
                    ),
                    false if scope.offers.is_none() && scope.via.is_empty() && scope.condition.is_none() => {
                        self.text(["{0} gets {1} {3}", "{0} получает {1} {3}", "{0} riceve {1} {3}"], &nouns)
                    }
                    false => self.text(
                        ["{0} gets {1} {3}: {2}", "{0} получает {1} {3}: {2}", "{0} riceve {1} {3}: {2}"],
                        &nouns,
                    ),
                };
                if *skip {
                    out.push(&self.text(
                        [
                            ", unless the other clauses leave no way to come to so many",
                            ", если другие условия позволяют набрать столько",
                            ", a meno che le altre clausole non consentano di arrivarci",
                        ],
                        &[],
                    ));
                }
                out
            }
            EachOf::Never { first, in_order, second, window } => {
                let nouns =
                    [&member, &self.contacts(first), &self.contacts(second), &self.window(window).into()];
                match in_order {
                    true => self.text(
                        [
                            "{0} never gets {2} on a later day than {1}, {3}",
                            "{0} не получает {2} в более поздний день, чем {1}, {3}",
                            "{0} non riceve mai {2} in un giorno successivo a {1}, {3}",
                        ],
                        &nouns,
                    ),
                    false => self.text(
                        [
                            "{0} never gets both {1} and {2}, {3}",
                            "{0} не получает одновременно {1} и {2}, {3}",
                            "{0} non riceve mai insieme {1} e {2}, {3}",
                        ],
                        &nouns,
                    ),
                }
            }
            EachOf::Gets { scope, after, on, window } => {
                let nouns = [&member, &self.contacts(scope), &self.contacts(on)];
                let mut out = match after {
                    true => self.text(
                        [
                            "{0} gets {1} only on a later day than {2}",
                            "{0} получает {1} только в более поздний день, чем {2}",
                            "{0} riceve {1} soltanto in un giorno successivo a {2}",
                        ],
                        &nouns,
                    ),
                    false => self.text(
                        [
                            "{0} gets {1} only together with {2}",
                            "{0} получает {1} только вместе с такими: {2}",
                            "{0} riceve {1} soltanto insieme a {2}",
                        ],
                        &nouns,
                    ),
                };
                if let Some(window) = window {
                    out.push_words(", ");
                    out.push(&self.window(window));
                }
                out
            }
        }
    }

    /// `at least 2 and at most 3 contacts`
    fn bounds(&self, bounds: &Bounds) -> Phrase {
        let one = |(number, word): &(Lexeme, Name), texts: [&'static str; 3]| {
            let count = Phrase::words(numbers::number(self.language, &number.text)).into();
            let word = self.counted(&word.text, &number.text).into();
            self.text(texts, &[&count, &word])
        };
        let least = bounds
            .at_least
            .as_ref()
            .map(|bound| one(bound, ["at least {0} {1}", "не менее {0} {1}", "almeno {0} {1}"]));
        let most = bounds
            .at_most
            .as_ref()
            .map(|bound| one(bound, ["at most {0} {1}", "не более {0} {1}", "al massimo {0} {1}"]));
        let parts: Vec<Phrase> = least.into_iter().chain(most).collect();
        Phrase::joined(&parts, self.language.pick(&[" and ", " и ", " e "]))
    }

    /// What is counted, as it stands behind "at most" and a number.
    fn counted(&self, word: &str, number: &str) -> Phrase {
        // In Russian 21 is followed by the form of 1.
        let is_one = match self.language {
            Language::Russian => number.ends_with('1') && !number.ends_with("11"),
            Language::English | Language::Italian => number == "1",
        };
        let words = match (word, is_one) {
            ("contacts" | "contact", true) => ["contact", "контакта", "contatto"],
            ("contacts" | "contact", false) => ["contacts", "контактов", "contatti"],
            ("offers" | "offer", true) => ["offer", "предложения", "offerta"],
            ("offers" | "offer", false) => ["offers", "предложений", "offerte"],
            ("packages" | "package", true) => ["package", "пакета", "pacchetto"],
            ("packages" | "package", false) => ["packages", "пакетов", "pacchetti"],
            ("times" | "time", true) => ["time", "раза", "volta"],
            ("times" | "time", false) => ["times", "раз", "volte"],
            (other, _) => return Phrase::name(other),
        };
        Phrase::words(self.language.pick(&words))
    }

    /// Which members, behind the word for them.
    fn which(&self, members: Option<&Members>) -> Noun {
        match members {
            None => Phrase::words("").into(),
            Some(Members::Path(path)) => {
                let segment = self.declared_title("segment", &path.dotted()).into();
                self.text(["in {0}", "из {0}", "in {0}"], &[&segment]).into()
            }
            Some(Members::Reference(kind, names)) => {
                let names: Vec<Phrase> = names.iter().map(|name| self.language.quoted(&name.value)).collect();
                let nouns =
                    [&words::belonging(self.language, &kind.text).into(), &self.or_list(&names).into()];
                self.text(["{0} {1}"; 3], &nouns).into()
            }
        }
    }

    /// `contacts with the offer “X” via email for which …`
    fn contacts(&self, scope: &ContactScope) -> Noun {
        let mut out = match &scope.offers {
            None => self.text(["contacts", "контакты", "contatti"], &[]),
            Some((kind, names)) => {
                let names: Vec<Phrase> = names.iter().map(|name| self.language.quoted(&name.value)).collect();
                let names = self.or_list(&names).into();
                match kind.text.as_str() {
                    "offer_list" => self.text(
                        [
                            "contacts with offers of the list {0}",
                            "контакты с предложениями из списка {0}",
                            "contatti con offerte dell’elenco {0}",
                        ],
                        &[&names],
                    ),
                    _ => self.text(
                        [
                            "contacts with the offer {0}",
                            "контакты с предложением {0}",
                            "contatti con l’offerta {0}",
                        ],
                        &[&names],
                    ),
                }
            }
        };
        if !scope.via.is_empty() {
            let channels: Vec<Phrase> = scope.via.iter().map(|channel| self.noun(channel).plain).collect();
            let channels = self.or_list(&channels).into();
            out.push(&self.text([" via {0}", " через {0}", " via {0}"], &[&channels]));
        }
        if let Some(condition) = &scope.condition {
            let condition = self.clause(condition, true).into();
            out.push(&self.text([" for which {0}", ", для которых {0}", " per i quali {0}"], &[&condition]));
        }
        out.into()
    }
}
