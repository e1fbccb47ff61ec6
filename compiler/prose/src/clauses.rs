//! Clauses of rules and groups, as sentences.
//!
//! Refuses to know the declarations around them.

use crate::numbers;
use crate::phrase::Phrase;
use crate::words;
use crate::writer::{Reader, Writer};
use perq_grammar::ast::{
    BestFor, Bundle, Clause, ClauseKind, Displace, Expr, ExprKind, GroupClause, Logic, Name, Path, Placed,
    Processing, SchedulePart, SpendableClause, Text, Window,
};

impl Writer<'_> {
    pub(crate) fn clauses(&mut self, depth: u8, clauses: &[Clause]) {
        for clause in clauses {
            self.a_clause(depth, clause);
        }
    }

    pub(crate) fn a_clause(&mut self, depth: u8, clause: &Clause) {
        match &clause.kind {
            // Titles stand above the section.
            ClauseKind::Title(_) => {}
            // Kept for the retailer's own use.
            ClauseKind::About(_) | ClauseKind::Priority(_) | ClauseKind::Process { .. }
                if self.reader == Reader::Member => {}
            ClauseKind::Valid(periods) => {
                let periods: Vec<Phrase> = periods
                    .iter()
                    .map(|period| {
                        self.period(&period.from, period.to.as_ref().map(|(to, bound)| (to, *bound)))
                    })
                    .collect();
                let periods =
                    Phrase::joined(&periods, self.language.pick(&[", and ", ", а также ", ", e anche "]))
                        .into();
                let out = self.text(["it is valid {0}", "действует {0}", "è valido {0}"], &[&periods]);
                self.say(depth, out);
            }
            ClauseKind::Schedule(parts) => self.schedule(depth, parts),
            ClauseKind::Priority(number) => {
                let number = Phrase::words(numbers::number(self.language, &number.text)).into();
                let out = self.text(
                    [
                        "its priority among the rules of its group is {0}",
                        "приоритет среди правил группы: {0}",
                        "priorità tra le regole del gruppo: {0}",
                    ],
                    &[&number],
                );
                self.say(depth, out);
            }
            ClauseKind::On(occasions) => {
                let occasions: Vec<Phrase> = occasions
                    .iter()
                    .map(|(path, name)| {
                        let mut out = words::occasion(self.language, &path.dotted());
                        if let Some(name) = name {
                            out.push_words(" ");
                            out.push(&self.language.quoted(&name.value));
                        }
                        out
                    })
                    .collect();
                let occasions = Phrase::joined(&occasions, ", ").into();
                let out = self.text(
                    [
                        "it is about the event: {0}",
                        "применяется к событию: {0}",
                        "si applica all’evento: {0}",
                    ],
                    &[&occasions],
                );
                self.say(depth, out);
            }
            ClauseKind::When(condition) => self.condition(
                depth,
                condition,
                ["only if {0}", "только если {0}", "solo se {0}"],
                [
                    "only if all of this is so:",
                    "только если выполнены все условия:",
                    "solo se valgono tutte queste condizioni:",
                ],
                [
                    "only if at least one of these is so:",
                    "только если выполнено хотя бы одно из условий:",
                    "solo se vale almeno una di queste condizioni:",
                ],
            ),
            ClauseKind::Unless(condition) => self.condition(
                depth,
                condition,
                ["not if {0}", "не применяется, если {0}", "non si applica se {0}"],
                [
                    "not if all of this is so:",
                    "не применяется, если выполнены все условия:",
                    "non si applica se valgono tutte queste condizioni:",
                ],
                [
                    "not if any of these is so:",
                    "не применяется, если выполнено хотя бы одно из условий:",
                    "non si applica se vale almeno una di queste condizioni:",
                ],
            ),
            ClauseKind::Let(binding) => self.binding(depth, binding),
            ClauseKind::Limit { amount, per, window, otherwise } => {
                self.limit(depth, amount, per, window.as_ref(), &otherwise.text);
            }
            ClauseKind::Budget { amount, window, otherwise } => {
                let amount = self.noun(amount);
                let mut out = self.text(
                    [
                        "to all members together it gives at most {0}",
                        "всем участникам вместе — не больше {0:of}",
                        "a tutti i partecipanti insieme al massimo {0}",
                    ],
                    &[&amount],
                );
                self.within(&mut out, window.as_ref());
                self.otherwise(&mut out, &otherwise.text);
                self.say(depth, out);
            }
            ClauseKind::Take(bundle) => self.bundle(depth, bundle),
            ClauseKind::Process { when, no_later_than } => {
                let texts = match when {
                    Processing::AtOnce => {
                        ["it is worked out at once", "рассчитывается сразу", "si calcola subito"]
                    }
                    Processing::InBatch => [
                        "it is worked out later, together with others",
                        "рассчитывается позже, вместе с другими",
                        "si calcola più tardi, insieme ad altri",
                    ],
                    Processing::AsAsked => [
                        "it is worked out at once or later, as the event asks",
                        "рассчитывается сразу или позже, как указано в событии",
                        "si calcola subito o più tardi, come richiede l’evento",
                    ],
                };
                let mut out = self.text(texts, &[]);
                if let Some(at_most) = no_later_than {
                    let at_most = self.noun(at_most);
                    out.push(&self.text(
                        [", no later than after {0}", ", не позже чем через {0:acc}", ", non oltre {0} dopo"],
                        &[&at_most],
                    ));
                }
                self.say(depth, out);
            }
            ClauseKind::Spendable(clauses) => {
                let out = self.text(
                    [
                        "what it gives can be spent so:",
                        "начисленное можно потратить так:",
                        "ciò che dà si può spendere così:",
                    ],
                    &[],
                );
                self.say(depth, out);
                for clause in clauses {
                    self.spendable(depth.saturating_add(1), clause);
                }
            }
            ClauseKind::EffectiveFrom(date) => {
                let date = self.noun(date);
                let out = self.text(
                    ["it is in effect from {0} on", "вступает в силу с {0:of}", "è in vigore {0:from}"],
                    &[&date],
                );
                self.say(depth, out);
            }
            ClauseKind::NotEffective => {
                let out = self.text(["it is not in effect", "не действует", "non è in vigore"], &[]);
                self.say(depth, out);
            }
            ClauseKind::About(entries) => {
                let entries: Vec<Phrase> = entries
                    .iter()
                    .map(|(key, text)| {
                        Phrase::name(key.text.clone())
                            .then(&Phrase::words(" — "))
                            .then(&self.language.quoted(&text.value))
                    })
                    .collect();
                let entries = Phrase::joined(&entries, ", ").into();
                let out = self.text(["on file: {0}", "учётные данные: {0}", "agli atti: {0}"], &[&entries]);
                self.say(depth, out);
            }
            ClauseKind::With(name, value) => self.bind(depth, name, value),
            ClauseKind::Then(effects) => self.effects(depth, effects),
        }
    }

    /// A condition in one sentence; several in a list.
    pub(crate) fn condition(
        &mut self,
        depth: u8,
        condition: &Expr,
        one: [&'static str; 3],
        all: [&'static str; 3],
        any: [&'static str; 3],
    ) {
        if let ExprKind::Logic(logic, parts) = &condition.kind {
            let head = match logic {
                Logic::And => self.text(all, &[]),
                Logic::Or => self.text(any, &[]),
            };
            self.say(depth, head);
            for part in parts {
                let clause = self.clause(part, true);
                self.say(depth.saturating_add(1), clause);
            }
            return;
        }
        let clause = self.clause(condition, true).into();
        let out = self.text(one, &[&clause]);
        self.say(depth, out);
    }

    pub(crate) fn schedule(&mut self, depth: u8, parts: &[SchedulePart]) {
        let parts: Vec<Phrase> = parts
            .iter()
            .map(|part| match part {
                SchedulePart::Days(days, _) => {
                    let days: Vec<Phrase> = days
                        .iter()
                        .map(|day| {
                            words::weekday(self.language, &day.text)
                                .unwrap_or_else(|| Phrase::name(day.text.clone()))
                        })
                        .collect();
                    let days = Phrase::joined(&days, ", ").into();
                    self.text(["on {0}", "в дни: {0}", "nei giorni: {0}"], &[&days])
                }
                SchedulePart::MonthDays(days, _) => {
                    let days: Vec<Phrase> = days.iter().map(|day| Phrase::words(day.text.clone())).collect();
                    let days = Phrase::joined(&days, ", ").into();
                    self.text(
                        ["on the days of the month {0}", "числа месяца: {0}", "nei giorni del mese: {0}"],
                        &[&days],
                    )
                }
                SchedulePart::Hours(from, until, _) => {
                    let (from, until) =
                        (Phrase::words(from.text.clone()).into(), Phrase::words(until.text.clone()).into());
                    self.text(
                        ["from {0} to before {1}", "с {0} до {1}", "dalle {0} alle {1}"],
                        &[&from, &until],
                    )
                }
                SchedulePart::Zone(Ok(zone)) => {
                    let zone = self.language.quoted(&zone.value).into();
                    self.text(
                        ["by the clock of {0}", "по времени зоны {0}", "secondo l’ora di {0}"],
                        &[&zone],
                    )
                }
                SchedulePart::Zone(Err(path)) => {
                    let path = self.path(path);
                    self.text(
                        ["by the clock of: {0}", "по местному времени ({0})", "secondo l’ora locale ({0})"],
                        &[&path],
                    )
                }
            })
            .collect();
        let parts = Phrase::joined(&parts, ", ").into();
        let out = self.text(["it is valid {0}", "действует: {0}", "è valido {0}"], &[&parts]);
        self.say(depth, out);
    }

    fn within(&self, out: &mut Phrase, window: Option<&Window>) {
        if let Some(window) = window {
            out.push_words(" ");
            out.push(&self.window(window));
        }
    }

    fn otherwise(&self, out: &mut Phrase, word: &str) {
        let texts = match word {
            "cut" => {
                ["; what goes beyond that is cut off", "; превышение отсекается", "; l’eccedenza si taglia"]
            }
            "skip" => [
                "; what would go beyond that is not given at all",
                "; то, что вышло бы за предел, не предоставляется",
                "; ciò che lo supererebbe non viene dato",
            ],
            other => {
                let other = Phrase::name(other).into();
                out.push(
                    &self.text(["; beyond that {0}", "; сверх того {0}", "; oltre questo {0}"], &[&other]),
                );
                return;
            }
        };
        out.push_words(self.language.pick(&texts));
    }

    pub(crate) fn limit(
        &mut self,
        depth: u8,
        amount: &Expr,
        per: &[Name],
        window: Option<&Window>,
        otherwise: &str,
    ) {
        let is_times = matches!(&amount.kind, ExprKind::Quantity(_, unit) if unit.text == "times");
        let amount = self.noun(amount);
        let gives = if is_times { "it gives something at most {0}" } else { "it gives at most {0}" };
        let mut out = self.text([gives, "не больше {0:of}", "al massimo {0}"], &[&amount]);
        for per in per {
            out.push_words(" ");
            out.push(&words::per(self.language, &per.text));
        }
        self.within(&mut out, window);
        self.otherwise(&mut out, otherwise);
        self.say(depth, out);
    }

    /// A limit of an offer, which counts how often it is shown.
    pub(crate) fn shown_at_most(&mut self, amount: &Expr, per: &[Name], window: Option<&Window>) {
        let amount = self.noun(amount);
        let texts = ["it is shown at most {0}", "показывается не больше {0:of}", "si mostra al massimo {0}"];
        let mut out = self.text(texts, &[&amount]);
        for per in per {
            out.push_words(" ");
            out.push(&words::per(self.language, &per.text));
        }
        self.within(&mut out, window);
        self.say(0, out);
    }

    /// What all members share of an offer: of times it cannot be cut, and of points it is what its reactions award.
    pub(crate) fn offered_at_most(&mut self, amount: &Expr, window: Option<&Window>, otherwise: &str) {
        let times = matches!(&amount.kind, ExprKind::Quantity(_, unit) if unit.text == "times");
        let texts = if times {
            [
                "to all members together it is offered at most {0}",
                "всем участникам вместе предлагается не больше {0:of}",
                "a tutti i partecipanti insieme è offerta al massimo {0}",
            ]
        } else {
            [
                "to all members together it gives at most {0}",
                "всем участникам вместе даёт не больше {0:of}",
                "a tutti i partecipanti insieme dà al massimo {0}",
            ]
        };
        let amount = self.noun(amount);
        let mut out = self.text(texts, &[&amount]);
        self.within(&mut out, window);
        if !times {
            self.otherwise(&mut out, otherwise);
            out.push(&self.text(
                [
                    "; it is offered as long as any of that is left",
                    "; предлагается, пока хоть что-то осталось",
                    "; è offerta finché ne resta",
                ],
                &[],
            ));
        }
        self.say(0, out);
    }

    fn bundle(&mut self, depth: u8, bundle: &Bundle) {
        let Bundle { name, up_to, best_for, parts } = bundle;
        let name = Phrase::name(name.text.clone()).into();
        let best = self.text(
            match best_for {
                BestFor::Member => [
                    "chosen to the member’s advantage",
                    "выбор — в пользу участника",
                    "scelto a vantaggio del partecipante",
                ],
                BestFor::Retailer => [
                    "chosen to the retailer’s advantage",
                    "выбор — в пользу магазина",
                    "scelto a vantaggio del negozio",
                ],
            },
            &[],
        );
        let how = match up_to {
            Some(up_to) => {
                let count = if let ExprKind::Number(number) = &up_to.kind {
                    self.quantity(&number.text, "sets")
                } else {
                    self.noun(up_to)
                };
                let best = best.into();
                self.text(
                    [
                        "at most {0} in a basket, {1}",
                        "не больше {0:of} в чеке, {1}",
                        "al massimo {0} in un carrello, {1}",
                    ],
                    &[&count, &best],
                )
            }
            None => best,
        };
        let how = how.into();
        let out = self.text(
            [
                "each set {0} ({1}) is made of:",
                "каждый набор {0} ({1}) состоит из:",
                "ogni set {0} ({1}) è composto da:",
            ],
            &[&name, &how],
        );
        self.say(depth, out);
        for part in parts {
            let name = Phrase::name(part.name.text.clone()).into();
            let (count, of) = (self.noun(&part.count), self.source(&part.of));
            let out = self
                .text(["{0}: {1} of {2}", "{0}: {1} из {2:of}", "{0}: {1} tra {2}"], &[&name, &count, &of]);
            self.say(depth.saturating_add(1), out);
        }
    }

    fn spendable(&mut self, depth: u8, clause: &Placed<SpendableClause>) {
        match &clause.kind {
            SpendableClause::After(after) => {
                let after = self.noun(after);
                let out = self.text(["after {0}", "через {0:acc}", "dopo {0}"], &[&after]);
                self.say(depth, out);
            }
            SpendableClause::Until(until) => {
                let until = self.noun(until);
                let out = self.text(["until {0}", "до {0:of}", "fino {0:to}"], &[&until]);
                self.say(depth, out);
            }
            SpendableClause::For(source) => {
                let goods = self.source(source);
                let out = self.text(["for {0} only", "только на {0:acc}", "solo per {0}"], &[&goods]);
                self.say(depth, out);
            }
            SpendableClause::Shared(clause) => self.a_clause(depth, clause),
        }
    }

    /// What a group says of itself; its rules are named, and told elsewhere.
    pub(crate) fn group_clauses(&mut self, depth: u8, clauses: &[GroupClause]) {
        for clause in clauses {
            match clause {
                GroupClause::Kind(kind) => {
                    let texts = match kind.text.as_str() {
                        "line_discount" => [
                            "its rules discount lines",
                            "её правила дают скидки на позиции",
                            "le sue regole scontano righe",
                        ],
                        "set_discount" => [
                            "its rules discount sets",
                            "её правила дают скидки на наборы",
                            "le sue regole scontano set",
                        ],
                        "order_discount" => [
                            "its rules discount the basket",
                            "её правила дают скидки на чек",
                            "le sue regole scontano il carrello",
                        ],
                        "delivery_discount" => [
                            "its rules discount delivery",
                            "её правила дают скидки на доставку",
                            "le sue regole scontano la consegna",
                        ],
                        "earn" => [
                            "its rules award points",
                            "её правила начисляют баллы",
                            "le sue regole accreditano punti",
                        ],
                        "tender" => [
                            "its rules are about payment",
                            "её правила — об оплате",
                            "le sue regole riguardano il pagamento",
                        ],
                        "state" => [
                            "its rules change what is kept about members",
                            "её правила меняют то, что хранится об участнике",
                            "le sue regole cambiano ciò che si conserva sul partecipante",
                        ],
                        other => {
                            let other = Phrase::name(other).into();
                            let out = self.text(["its kind is {0}", "вид: {0}", "tipo: {0}"], &[&other]);
                            self.say(depth, out);
                            continue;
                        }
                    };
                    let out = self.text(texts, &[]);
                    self.say(depth, out);
                }
                GroupClause::Displace { mode, per, span: _ } => {
                    self.displacing(depth, *mode, per.as_ref());
                }
                GroupClause::OnPrice(price) => self.on_price(depth, price),
                GroupClause::Excludes(group, when_better) => self.excluding(depth, group, *when_better),
                GroupClause::Shared(clause) => self.a_clause(depth, clause),
                // Members read the rules below their group.
                GroupClause::Rule(_) if self.reader == Reader::Member => {}
                GroupClause::Rule(rule) => {
                    let titles = titles_of(&rule.clauses);
                    let title = self.title(&rule.header, titles).map(|title| self.language.quoted(title));
                    let mut rule_name = Phrase::default();
                    if let Some(title) = title {
                        rule_name.push(&title);
                        rule_name.push_words(" ");
                    }
                    rule_name.push(&Phrase::name(rule.header.name.text.clone()));
                    let rule_name = rule_name.into();
                    let out = self.text(["rule {0}", "правило {0}", "regola {0}"], &[&rule_name]);
                    self.say(depth, out);
                }
            }
        }
    }

    /// Which of the rules that apply count.
    fn displacing(&mut self, depth: u8, mode: Displace, per: Option<&Name>) {
        let texts = match mode {
            Displace::None => [
                "all of its rules that apply count",
                "действуют все подходящие правила",
                "valgono tutte le regole applicabili",
            ],
            Displace::First => [
                "of the rules that apply the first by priority counts",
                "из подходящих правил действует первое по приоритету",
                "tra le regole applicabili vale la prima per priorità",
            ],
            Displace::BestForMember => [
                "of the rules that apply the one best for the member counts",
                "из подходящих правил действует самое выгодное для участника",
                "tra le regole applicabili vale la migliore per il partecipante",
            ],
            Displace::BestForRetailer => [
                "of the rules that apply the one best for the retailer counts",
                "из подходящих правил действует самое выгодное для магазина",
                "tra le regole applicabili vale la migliore per il negozio",
            ],
            Displace::Chain => [
                "the rules that apply count one after another, each on what those before it have left",
                "подходящие правила действуют одно за другим, каждое — на остаток после предыдущих",
                "le regole applicabili valgono una dopo l’altra, ciascuna su ciò che le precedenti hanno lasciato",
            ],
        };
        let mut out = self.text(texts, &[]);
        if let Some(per) = per {
            out.push_words(", ");
            out.push(&words::per(self.language, &per.text));
        }
        self.say(depth, out);
    }

    /// Of which price percentages are taken.
    fn on_price(&mut self, depth: u8, price: &Name) {
        let texts = match price.text.as_str() {
            "original" => [
                "percentages are taken of the price before discounts",
                "проценты считаются от цены до скидок",
                "le percentuali si calcolano sul prezzo prima degli sconti",
            ],
            _ => [
                "percentages are taken of what earlier discounts have left",
                "проценты считаются от цены после предыдущих скидок",
                "le percentuali si calcolano su ciò che gli sconti precedenti hanno lasciato",
            ],
        };
        let out = self.text(texts, &[]);
        self.say(depth, out);
    }

    /// Which other group it excludes.
    fn excluding(&mut self, depth: u8, group: &Path, when_better: bool) {
        let group = self.declared_title("group", &group.dotted()).into();
        let texts = if when_better {
            [
                "it counts in place of the group {0} where it is better",
                "действует вместо группы {0}, если выгоднее",
                "vale al posto del gruppo {0} quando è migliore",
            ]
        } else {
            [
                "it is not combined with the group {0}",
                "не сочетается с группой {0}",
                "non si cumula con il gruppo {0}",
            ]
        };
        let out = self.text(texts, &[&group]);
        self.say(depth, out);
    }

    /// Whether a rule has something of a clause of its group; that all rules count goes without saying.
    pub(crate) fn is_shared(clause: &GroupClause) -> bool {
        match clause {
            GroupClause::Shared(clause) => !matches!(clause.kind, ClauseKind::Title(_)),
            GroupClause::Displace { mode, .. } => *mode != Displace::None,
            GroupClause::OnPrice(_) | GroupClause::Excludes(..) => true,
            GroupClause::Kind(_) | GroupClause::Rule(_) => false,
        }
    }

    /// What a rule has of its group: its events, conditions and names, and how it competes.
    pub(crate) fn shared_of_group(&mut self, depth: u8, clauses: &[GroupClause]) {
        for clause in clauses {
            match clause {
                GroupClause::Shared(clause) => self.a_clause(depth, clause),
                GroupClause::Displace { mode: Displace::None, .. } => {}
                GroupClause::Displace { mode, per, span: _ } => {
                    self.displacing(depth, *mode, per.as_ref());
                }
                GroupClause::OnPrice(price) => self.on_price(depth, price),
                GroupClause::Excludes(group, when_better) => self.excluding(depth, group, *when_better),
                GroupClause::Kind(_) | GroupClause::Rule(_) => {}
            }
        }
    }
}

/// The titles that clauses give.
pub(crate) fn titles_of(clauses: &[Clause]) -> &[(Name, Text)] {
    clauses
        .iter()
        .find_map(|clause| match &clause.kind {
            ClauseKind::Title(titles) => Some(titles.as_slice()),
            ClauseKind::Valid(_)
            | ClauseKind::Schedule(_)
            | ClauseKind::Priority(_)
            | ClauseKind::On(_)
            | ClauseKind::When(_)
            | ClauseKind::Unless(_)
            | ClauseKind::Let(_)
            | ClauseKind::Limit { .. }
            | ClauseKind::Budget { .. }
            | ClauseKind::Take(_)
            | ClauseKind::Process { .. }
            | ClauseKind::Spendable(_)
            | ClauseKind::EffectiveFrom(_)
            | ClauseKind::NotEffective
            | ClauseKind::About(_)
            | ClauseKind::With(..)
            | ClauseKind::Then(_) => None,
        })
        .unwrap_or_default()
}
