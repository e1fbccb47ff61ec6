//! What rules do, as sentences.
//!
//! Refuses to know conditions and declarations.

use crate::phrase::{Noun, Phrase};
use crate::words;
use crate::writer::{Reader, Writer};
use perq_grammar::ast::{
    Available, AwardOptions, CancelOnReturn, Effect, EffectKind, Expiry, Expr, ExprKind, Gift, Instrument,
    Issue, Let, Name, Path, Placed, Spread, SpreadRule, Target, Text,
};

impl Writer<'_> {
    pub(crate) fn effects(&mut self, depth: u8, effects: &[Effect]) {
        for effect in effects {
            self.effect(depth, effect);
        }
    }

    fn effect(&mut self, depth: u8, effect: &Effect) {
        match &effect.kind {
            EffectKind::ForEach { name: _, source, body } => {
                let head = self.for_each(source);
                self.say(depth, head.then(&Phrase::words(":")));
                self.effects(depth.saturating_add(1), body);
            }
            EffectKind::Award { amount, to, options } => self.award(depth, amount, to.as_ref(), options),
            EffectKind::Debit { amount, from, reason } => {
                let given = self.amount(amount);
                let mut out = self.text(["it takes {0}", "списывается: {0}", "si scala: {0}"], &[&given]);
                if let Some(from) = from {
                    let account = self.declared_title("account", &from.dotted()).into();
                    let from =
                        self.text([" from the account {0}", " со счёта {0}", " dal conto {0}"], &[&account]);
                    out.push(&from);
                }
                self.reason(&mut out, reason.as_ref());
                self.say(depth, out);
                self.choices(depth, amount);
            }
            EffectKind::Gift(gift) => self.gift(depth, gift),
            EffectKind::Issue(issue) => self.issue(depth, issue),
            EffectKind::Set { path, value, until } => {
                let (field, value) = (self.path(path), self.noun(value));
                let mut out = self.text(
                    ["it sets {0} to {1}", "{0} получает значение: {1}", "{0} assume il valore: {1}"],
                    &[&field, &value],
                );
                if let Some(until) = until {
                    let until = self.noun(until);
                    let until = self.text(
                        [", through {0}", ", по {0:acc} включительно", ", fino {0:to} compreso"],
                        &[&until],
                    );
                    out.push(&until);
                }
                self.say(depth, out);
            }
            EffectKind::Multiply { group, by } => {
                let group = self.declared_title("group", &group.dotted()).into();
                let by = self.noun(by);
                let out = self.text(
                    [
                        "it multiplies what the rules of the group {0} have awarded by {1}",
                        "начисленное правилами группы {0} умножается на {1:acc}",
                        "ciò che le regole del gruppo {0} hanno accreditato si moltiplica per {1}",
                    ],
                    &[&group, &by],
                );
                self.say(depth, out);
            }
            EffectKind::Discount { amount, target, spread, rounded, reason } => {
                let given = self.amount(amount);
                let target = self.goods(target);
                let mut out = self.text(
                    ["it gives a discount of {0} on {1}", "скидка: {0} на {1:acc}", "sconto: {0} {1:on}"],
                    &[&given, &target],
                );
                if let Some(rounded) = rounded {
                    out.push_words(", ");
                    out.push(&words::rounding(self.language, &rounded.text));
                }
                self.spread(&mut out, spread.as_ref());
                self.reason(&mut out, reason.as_ref());
                self.say(depth, out);
                self.choices(depth, amount);
            }
            EffectKind::Price { amount, each, target, spread } => {
                let given = self.amount(amount);
                let target = self.goods(target);
                let texts = if *each {
                    [
                        "the price is {0} each for {1}",
                        "цена: {0} за каждую единицу ({1})",
                        "prezzo: {0} ciascuno per {1}",
                    ]
                } else {
                    [
                        "the price is {0} in all for {1}",
                        "цена: {0} за всё вместе ({1})",
                        "prezzo: {0} in tutto per {1}",
                    ]
                };
                let mut out = self.text(texts, &[&given, &target]);
                self.spread(&mut out, spread.as_ref());
                self.say(depth, out);
                self.choices(depth, amount);
            }
            EffectKind::Let(binding) => self.binding(depth, binding),
            EffectKind::Say(sayings) => self.sayings(depth, sayings),
            EffectKind::Show(offer) => {
                let offer = self.declared_title("offer", &offer.dotted()).into();
                let out = self.text(
                    [
                        "it shows the offer {0}, where that may be shown",
                        "показывается предложение {0}, если его условия выполнены",
                        "mostra l’offerta {0}, se le sue condizioni valgono",
                    ],
                    &[&offer],
                );
                self.say(depth, out);
            }
        }
    }

    /// An amount in a sentence; the arms of a choice are listed below it.
    fn amount(&self, amount: &Expr) -> Noun {
        if let ExprKind::By(subject, _) = &amount.kind {
            let subject = self.noun(subject);
            return self
                .text(
                    ["an amount by {0}", "сумма в зависимости от {0:of}", "un importo in base {0:to}"],
                    &[&subject],
                )
                .into();
        }
        self.noun(amount)
    }

    /// The arms of an amount that is a choice.
    fn choices(&mut self, depth: u8, amount: &Expr) {
        if let ExprKind::By(_, arms) = &amount.kind {
            for arm in self.arms(arms) {
                self.say(depth.saturating_add(1), arm);
            }
        }
    }

    pub(crate) fn binding(&mut self, depth: u8, binding: &Let) {
        self.bind(depth, &binding.name, &binding.value);
    }

    /// What a name stands for.
    pub(crate) fn bind(&mut self, depth: u8, name: &Name, value: &Expr) {
        let name = Phrase::name(name.text.clone()).into();
        if let ExprKind::By(subject, arms) = &value.kind {
            let subject = self.noun(subject);
            let out = self.text(
                ["{0} goes by {1}:", "{0} зависит от {1:of}:", "{0} dipende {1:from}:"],
                &[&name, &subject],
            );
            self.say(depth, out);
            for arm in self.arms(arms) {
                self.say(depth.saturating_add(1), arm);
            }
            return;
        }
        let value = self.noun(value);
        let out = self.text(["{0} stands for {1}", "{0} — это {1}", "{0} indica {1}"], &[&name, &value]);
        self.say(depth, out);
    }

    fn award(&mut self, depth: u8, amount: &Expr, to: Option<&Path>, options: &AwardOptions) {
        let mut given = self.amount(amount);
        let is_choice = matches!(amount.kind, ExprKind::By(..));
        if to.is_some() && !is_choice {
            given = self.closed(amount);
        }
        let mut out = self.text(["it awards {0}", "начисляется: {0}", "si accredita: {0}"], &[&given]);
        if let Some(to) = to {
            out.push(&self.recipient(to));
        }
        let AwardOptions { available, expires, cancel, spent_at_once, reason } = options;
        if let Some(Placed { kind, .. }) = available {
            let available = match kind {
                Available::After(after) => {
                    let after = self.noun(after);
                    self.text(
                        [", to be spent after {0}", ", доступно через {0:acc}", ", disponibile dopo {0}"],
                        &[&after],
                    )
                }
                Available::On(on) => {
                    let on = self.noun(on);
                    self.text(
                        [", to be spent from {0} on", ", доступно с {0:of}", ", disponibile {0:from}"],
                        &[&on],
                    )
                }
            };
            out.push(&available);
        }
        if let Some(Placed { kind, .. }) = expires {
            out.push_words(", ");
            out.push(&self.expiry(kind));
        }
        if let Some(Placed { kind, .. }) = cancel {
            out.push(&self.text(
                match kind {
                    CancelOnReturn::All => [
                        ", all of it is taken back where goods come back",
                        ", при возврате товара отменяется целиком",
                        ", in caso di reso si annulla per intero",
                    ],
                    CancelOnReturn::Proportional => [
                        ", it is taken back in proportion where goods come back",
                        ", при возврате товара отменяется пропорционально",
                        ", in caso di reso si annulla in proporzione",
                    ],
                },
                &[],
            ));
        }
        if spent_at_once.is_some() {
            out.push(&self.text(
                [
                    ", spent at once on this purchase",
                    ", сразу тратится на эту покупку",
                    ", speso subito su questo acquisto",
                ],
                &[],
            ));
        }
        self.reason(&mut out, reason.as_ref());
        self.say(depth, out);
        self.choices(depth, amount);
    }

    fn recipient(&self, to: &Path) -> Phrase {
        let dotted = to.dotted();
        match dotted.rsplit_once('.') {
            Some((owner, account)) => {
                let account = self.declared_title("account", account).into();
                let owner = self.field(owner, owner);
                self.text(
                    [
                        " to another member ({1}), on the account {0}",
                        " другому участнику ({1}) на счёт {0}",
                        " a un altro partecipante ({1}) sul conto {0}",
                    ],
                    &[&account, &owner],
                )
            }
            None => {
                let account = self.declared_title("account", &dotted).into();
                self.text([" to the account {0}", " на счёт {0}", " sul conto {0}"], &[&account])
            }
        }
    }

    pub(crate) fn expiry(&self, expiry: &Expiry) -> Phrase {
        match expiry {
            Expiry::After(after) => {
                let after = self.noun(after);
                self.text(["good for {0}", "срок действия: {0}", "valido per {0}"], &[&after])
            }
            Expiry::On(on) => {
                let on = self.noun(on);
                self.text(
                    ["good through {0}", "действует по {0:acc} включительно", "valido fino {0:to} compreso"],
                    &[&on],
                )
            }
            Expiry::Never => self.text(["good for ever", "бессрочно", "senza scadenza"], &[]),
        }
    }

    fn reason(&self, out: &mut Phrase, reason: Option<&Text>) {
        if let Some(reason) = reason {
            let reason = self.language.quoted(&reason.value).into();
            out.push(&self.text(
                [" (as the member reads it: {0})", " (участник видит: {0})", " (il partecipante legge: {0})"],
                &[&reason],
            ));
        }
    }

    fn goods(&self, target: &Target) -> Noun {
        match target {
            Target::Basket(_) => Noun {
                genitive: Some(Phrase::words("всего чека")),
                ..self.text(["the whole basket", "весь чек", "l’intero carrello"], &[]).into()
            },
            Target::Source(source) => self.source(source),
        }
    }

    fn spread(&self, out: &mut Phrase, spread: Option<&Spread>) {
        let Some(spread) = spread else { return };
        let Spread { by, rule, span: _ } = spread;
        let by = match by.text.as_str() {
            "paid" => self.text(
                [
                    ", spread in proportion to what is left to pay",
                    ", распределяется пропорционально стоимости к оплате",
                    ", ripartito in proporzione a quanto resta da pagare",
                ],
                &[],
            ),
            "initial" => self.text(
                [
                    ", spread in proportion to the prices before discounts",
                    ", распределяется пропорционально стоимости до скидок",
                    ", ripartito in proporzione ai prezzi prima degli sconti",
                ],
                &[],
            ),
            "price" => self.text(
                [
                    ", spread in proportion to list prices",
                    ", распределяется пропорционально ценам",
                    ", ripartito in proporzione ai prezzi di listino",
                ],
                &[],
            ),
            "pieces" => self.text(
                [
                    ", spread in proportion to the numbers of pieces",
                    ", распределяется пропорционально количеству штук",
                    ", ripartito in proporzione al numero di pezzi",
                ],
                &[],
            ),
            "equally" => self
                .text([", spread equally", ", распределяется поровну", ", ripartito in parti uguali"], &[]),
            other => {
                let other = Phrase::name(other).into();
                self.text(
                    [", spread by {0}", ", распределяется по {0}", ", ripartito secondo {0}"],
                    &[&other],
                )
            }
        };
        out.push(&by);
        out.push(&self.spread_rule(rule));
    }

    pub(crate) fn spread_rule(&self, rule: &SpreadRule) -> Phrase {
        let mut out = Phrase::default();
        let SpreadRule { rounded, rest } = rule;
        if let Some(rounded) = rounded {
            out.push_words(", ");
            out.push(&words::rounding(self.language, &rounded.text));
        }
        if let Some(rest) = rest {
            let texts =
                match rest.text.as_str() {
                    "largest_remainder" => [
                        ", the rest to the largest remainders",
                        ", остаток — наибольшим дробным частям",
                        ", il resto alle parti con il resto maggiore",
                    ],
                    "first_lines" => [
                        ", the rest to the first lines",
                        ", остаток — первым позициям",
                        ", il resto alle prime righe",
                    ],
                    "last_line" => [
                        ", the rest to the last line",
                        ", остаток — последней позиции",
                        ", il resto all’ultima riga",
                    ],
                    "first_with_room" => [
                        ", the rest to the first line with room for it",
                        ", остаток — первой позиции, где он помещается",
                        ", il resto alla prima riga che lo contiene",
                    ],
                    "running" => [
                        ", each share of what the shares before it have left",
                        ", каждая доля — от того, что оставили предыдущие",
                        ", ogni parte di quanto hanno lasciato le precedenti",
                    ],
                    other => {
                        let other = Phrase::name(other).into();
                        out.push(&self.text(
                            [", the rest by {0}", ", остаток — {0}", ", il resto secondo {0}"],
                            &[&other],
                        ));
                        return out;
                    }
                };
            out.push_words(self.language.pick(&texts));
        }
        out
    }

    fn gift(&mut self, depth: u8, gift: &Gift) {
        let Gift { quantity, choices, nothing, added, reason } = gift;
        let pieces = self.noun(quantity);
        for (position, choice) in choices.iter().enumerate() {
            let names: Vec<Phrase> =
                choice.names.iter().map(|name| self.language.quoted(&name.value)).collect();
            let mut goods = words::kind(self.language, &choice.kind.text);
            goods.push_words(" ");
            goods.push(&self.or_list(&names));
            if names.len() > 1 {
                goods.push(&self.text(
                    [", as the member chooses", ", на выбор участника", ", a scelta del partecipante"],
                    &[],
                ));
            }
            if let Some(stock) = &choice.stock {
                let stock = self.noun(stock);
                goods.push(&self.text(
                    [
                        " (while there are any: {0} of each)",
                        " (пока есть в наличии: {0} каждого)",
                        " (fino a esaurimento: {0} di ciascuno)",
                    ],
                    &[&stock],
                ));
            }
            let goods = goods.into();
            let mut out = if position == 0 {
                self.text(
                    ["it gives as a present {0}: {1}", "подарок: {0}, {1}", "omaggio: {0}, {1}"],
                    &[&pieces, &goods],
                )
            } else {
                self.text(
                    ["where that is out of stock: {0}", "если этого нет в наличии: {0}", "se esaurito: {0}"],
                    &[&goods],
                )
            };
            if position == 0 {
                if *added {
                    out.push(&self.text(
                        [
                            ", always added to what the basket holds",
                            ", всегда в добавление к товарам в чеке",
                            ", sempre in aggiunta a ciò che è nel carrello",
                        ],
                        &[],
                    ));
                }
                self.reason(&mut out, reason.as_ref());
            }
            self.say(depth, out);
        }
        if *nothing {
            let out = self.text(
                [
                    "where none of it is in stock, there is no present",
                    "если ничего нет в наличии, подарка нет",
                    "se tutto è esaurito, non c’è omaggio",
                ],
                &[],
            );
            self.say(depth, out);
        }
    }

    /// What is issued, by its title.
    pub(crate) fn instrument(&self, instrument: Instrument, name: &str) -> Phrase {
        let (word, texts) = match instrument {
            Instrument::Coupon => ("coupon", ["the coupon {0}", "купон {0}", "il coupon {0}"]),
            Instrument::Certificate => {
                ("certificate", ["the certificate {0}", "сертификат {0}", "il certificato {0}"])
            }
            Instrument::Badge => ("badge", ["the badge {0}", "значок {0}", "il distintivo {0}"]),
        };
        let title = self.declared_title(word, name).into();
        self.text(texts, &[&title])
    }

    fn issue(&mut self, depth: u8, issue: &Issue) {
        let Issue { count, instrument, name, value, to, expires, reason } = issue;
        let thing = self.instrument(*instrument, &name.dotted()).into();
        let mut out = self.text(["it issues {0}", "выдаётся {0}", "si rilascia {0}"], &[&thing]);
        if let Some(count) = count {
            let count = self.noun(count);
            out.push(&self.text([", {0} in number", ", в количестве: {0}", ", in numero di {0}"], &[&count]));
        }
        if let Some(value) = value {
            let value = self.noun(value);
            out.push(&self.text([" worth {0}", " на сумму {0:acc}", " del valore di {0}"], &[&value]));
        }
        if let Some(to) = to {
            let to = self.path(to);
            out.push(&self.text(
                [" to another member ({0})", " другому участнику ({0})", " a un altro partecipante ({0})"],
                &[&to],
            ));
        }
        if let Some(Placed { kind, .. }) = expires {
            out.push_words(", ");
            out.push(&self.expiry(kind));
        }
        self.reason(&mut out, reason.as_ref());
        self.say(depth, out);
    }

    /// Whether words for somebody are for the reader: those for staff are not for members.
    pub(crate) fn hears(&self, whom: &Name) -> bool {
        matches!(whom.text.as_str(), "en" | "ru" | "it" | "member") || self.reader != Reader::Member
    }

    /// Words for somebody: those of the language where there are any, with all that are for roles.
    pub(crate) fn sayings(&mut self, depth: u8, sayings: &[(Name, Text)]) {
        for (whom, text) in sayings {
            if !self.hears(whom) {
                continue;
            }
            let said = self.language.quoted(&text.value).into();
            let out = match whom.text.as_str() {
                "en" => self.text(
                    ["in English it says {0}", "по-английски сообщается {0}", "in inglese si dice {0}"],
                    &[&said],
                ),
                "ru" => self.text(
                    ["in Russian it says {0}", "по-русски сообщается {0}", "in russo si dice {0}"],
                    &[&said],
                ),
                "it" => self.text(
                    ["in Italian it says {0}", "по-итальянски сообщается {0}", "in italiano si dice {0}"],
                    &[&said],
                ),
                "member" => self.text(
                    ["the member is told {0}", "участнику сообщается {0}", "al partecipante si dice {0}"],
                    &[&said],
                ),
                "cashier" => self.text(
                    ["the cashier is told {0}", "кассиру сообщается {0}", "alla cassa si dice {0}"],
                    &[&said],
                ),
                "agent" => self.text(
                    ["the agent is told {0}", "оператору сообщается {0}", "all’operatore si dice {0}"],
                    &[&said],
                ),
                "receipt" => self.text(
                    ["the receipt says {0}", "в чеке печатается {0}", "sullo scontrino si legge {0}"],
                    &[&said],
                ),
                other => {
                    let other = Phrase::name(other).into();
                    self.text(
                        ["words for {1}: {0}", "слова для {1}: {0}", "parole per {1}: {0}"],
                        &[&said, &other],
                    )
                }
            };
            self.say(depth, out);
        }
    }
}
