//! What the standard records, collections and words of the language are called by people, in three languages.
//!
//! Refuses to know trees and templates. What is not here is the author's own, and is shown as the author wrote it.

use crate::phrase::Gender::{self, Feminine, Masculine, Neuter, Plural};
use crate::phrase::{Language, Noun, Phrase};

/// A noun in three languages: English; Russian, its genitive, accusative and gender; Italian with its gender.
struct Word(&'static str, [&'static str; 3], Gender, &'static str, Gender);

impl Word {
    fn noun(&self, language: Language) -> Noun {
        let Word(english, [nominative, genitive, accusative], gender, italian, italian_gender) = self;
        match language {
            Language::English => Noun { gender: Neuter, ..Phrase::words(*english).into() },
            Language::Russian => Noun {
                plain: Phrase::words(*nominative),
                genitive: Some(Phrase::words(*genitive)),
                accusative: Some(Phrase::words(*accusative)),
                gender: *gender,
            },
            Language::Italian => Noun { gender: *italian_gender, ..Phrase::words(*italian).into() },
        }
    }
}

/// A field of a standard record, by the name that the checker gives it.
pub fn field(language: Language, name: &str) -> Option<Noun> {
    let word = match name {
        "event.at" => Word(
            "the time of the event",
            ["момент события"; 3].of("момента события"),
            Masculine,
            "il momento dell’evento",
            Masculine,
        ),
        "event.date" => Word(
            "the day of the event",
            ["день события"; 3].of("дня события"),
            Masculine,
            "il giorno dell’evento",
            Masculine,
        ),
        "event.time" => Word(
            "the time of day",
            ["время суток"; 3].of("времени суток"),
            Neuter,
            "l’ora del giorno",
            Feminine,
        ),
        "event.weekday" => Word(
            "the day of the week",
            ["день недели"; 3].of("дня недели"),
            Masculine,
            "il giorno della settimana",
            Masculine,
        ),
        "event.month_day" => Word(
            "the day of the month",
            ["число месяца"; 3].of("числа месяца"),
            Neuter,
            "il giorno del mese",
            Masculine,
        ),
        "basket.paid" => Word(
            "what is left to pay for the basket",
            ["сумма чека к оплате", "суммы чека к оплате", "сумму чека к оплате"],
            Feminine,
            "l’importo del carrello ancora da pagare",
            Masculine,
        ),
        "basket.initial" => Word(
            "the price of the basket before discounts",
            ["сумма чека до скидок", "суммы чека до скидок", "сумму чека до скидок"],
            Feminine,
            "il prezzo del carrello prima degli sconti",
            Masculine,
        ),
        "line.position" => Word(
            "the line’s number",
            ["номер позиции"; 3].of("номера позиции"),
            Masculine,
            "il numero della riga",
            Masculine,
        ),
        "line.sku" | "unit.sku" => {
            Word("the article", ["артикул"; 3].of("артикула"), Masculine, "l’articolo", Masculine)
        }
        "product.sku" | "line.product.sku" => Word(
            "the product’s article",
            ["артикул товара"; 3].of("артикула товара"),
            Masculine,
            "l’articolo del prodotto",
            Masculine,
        ),
        "line.kind" | "unit.kind" => {
            Word("the line", ["позиция", "позиции", "позицию"], Feminine, "la riga", Feminine)
        }
        "product.kind" | "line.product.kind" => {
            Word("the product", ["товар"; 3].of("товара"), Masculine, "il prodotto", Masculine)
        }
        "line.category" | "unit.category" => Word(
            "the line’s category",
            ["категория позиции", "категории позиции", "категорию позиции"],
            Feminine,
            "la categoria della riga",
            Feminine,
        ),
        "line.brand" | "unit.brand" => Word(
            "the line’s brand",
            ["марка позиции", "марки позиции", "марку позиции"],
            Feminine,
            "la marca della riga",
            Feminine,
        ),
        "line.pieces" => Word(
            "the line’s number of pieces",
            ["количество штук в позиции"; 3].of("количества штук в позиции"),
            Neuter,
            "il numero di pezzi della riga",
            Masculine,
        ),
        "line.price" => Word(
            "the price of one piece",
            ["цена за штуку", "цены за штуку", "цену за штуку"],
            Feminine,
            "il prezzo di un pezzo",
            Masculine,
        ),
        "line.initial" => Word(
            "the line’s price before discounts",
            ["стоимость позиции до скидок", "стоимости позиции до скидок", "стоимость позиции до скидок"],
            Feminine,
            "il prezzo della riga prima degli sconti",
            Masculine,
        ),
        "line.paid" => Word(
            "what is left to pay for the line",
            ["стоимость позиции к оплате", "стоимости позиции к оплате", "стоимость позиции к оплате"],
            Feminine,
            "l’importo della riga ancora da pagare",
            Masculine,
        ),
        "line.pieces_kept" => Word(
            "the number of the line’s pieces that were kept",
            ["количество невозвращённых штук в позиции"; 3].of("количества невозвращённых штук в позиции"),
            Neuter,
            "il numero di pezzi della riga non resi",
            Masculine,
        ),
        "line.cash" => Word(
            "what is paid in money for the line",
            ["оплата позиции деньгами", "оплаты позиции деньгами", "оплату позиции деньгами"],
            Feminine,
            "l’importo della riga pagato in denaro",
            Masculine,
        ),
        "line.tax_rate" => Word(
            "the line’s rate of tax",
            ["ставка налога позиции", "ставки налога позиции", "ставку налога позиции"],
            Feminine,
            "l’aliquota della riga",
            Feminine,
        ),
        "unit.price" => Word(
            "the piece’s list price",
            ["цена штуки", "цены штуки", "цену штуки"],
            Feminine,
            "il prezzo di listino del pezzo",
            Masculine,
        ),
        "unit.initial" => Word(
            "the piece’s price before discounts",
            ["цена штуки до скидок", "цены штуки до скидок", "цену штуки до скидок"],
            Feminine,
            "il prezzo del pezzo prima degli sconti",
            Masculine,
        ),
        "unit.paid" => Word(
            "what is left to pay for the piece",
            ["цена штуки к оплате", "цены штуки к оплате", "цену штуки к оплате"],
            Feminine,
            "l’importo del pezzo ancora da pagare",
            Masculine,
        ),
        "payment.type" => Word(
            "the means of payment",
            ["способ оплаты"; 3].of("способа оплаты"),
            Masculine,
            "il mezzo di pagamento",
            Masculine,
        ),
        "payment.amount" => Word(
            "the amount of the payment",
            ["размер платежа"; 3].of("размера платежа"),
            Masculine,
            "l’importo del pagamento",
            Masculine,
        ),
        "payment.brand" => Word(
            "the brand of the card",
            ["марка карты", "марки карты", "марку карты"],
            Feminine,
            "il circuito della carta",
            Masculine,
        ),
        "payment.bank" => Word(
            "the bank of the card",
            ["банк карты"; 3].of("банка карты"),
            Masculine,
            "la banca della carta",
            Feminine,
        ),
        "payment.cash" => Word(
            "what is paid in money",
            ["оплата деньгами", "оплаты деньгами", "оплату деньгами"],
            Feminine,
            "l’importo pagato in denaro",
            Masculine,
        ),
        "payment.points" => Word(
            "what is paid with points",
            ["оплата баллами", "оплаты баллами", "оплату баллами"],
            Feminine,
            "l’importo pagato con i punti",
            Masculine,
        ),
        "member.birthday" => Word(
            "the member’s birthday",
            ["день рождения участника"; 3].of("дня рождения участника"),
            Masculine,
            "il compleanno del partecipante",
            Masculine,
        ),
        "member.joined" => Word(
            "the day on which the member joined",
            ["день вступления участника"; 3].of("дня вступления участника"),
            Masculine,
            "il giorno di iscrizione del partecipante",
            Masculine,
        ),
        "member.country" => Word(
            "the member’s country",
            ["страна участника", "страны участника", "страну участника"],
            Feminine,
            "il paese del partecipante",
            Masculine,
        ),
        "member.invited_by" => Word(
            "who invited the member",
            ["пригласивший участника", "пригласившего участника", "пригласившего участника"],
            Masculine,
            "chi ha invitato il partecipante",
            Masculine,
        ),
        "member.segments" => Word(
            "the member’s segments",
            ["сегменты участника", "сегментов участника", "сегменты участника"],
            Plural,
            "i segmenti del partecipante",
            Plural,
        ),
        "member.favourites" => Word(
            "the member’s favourite articles",
            ["любимые товары участника", "любимых товаров участника", "любимые товары участника"],
            Plural,
            "gli articoli preferiti del partecipante",
            Plural,
        ),
        "member.favourite_categories" => Word(
            "the member’s favourite categories",
            ["любимые категории участника", "любимых категорий участника", "любимые категории участника"],
            Plural,
            "le categorie preferite del partecipante",
            Plural,
        ),
        "member.campaigns" => Word(
            "the member’s campaigns",
            ["кампании участника", "кампаний участника", "кампании участника"],
            Plural,
            "le campagne del partecipante",
            Plural,
        ),
        "event.store" => Word("the store", ["магазин"; 3].of("магазина"), Masculine, "il negozio", Masculine),
        "event.channel" => Word("the channel", ["канал"; 3].of("канала"), Masculine, "il canale", Masculine),
        "event.source" => Word(
            "the campaign behind the event",
            ["источник события"; 3].of("источника события"),
            Masculine,
            "la campagna all’origine dell’evento",
            Feminine,
        ),
        "event.scenario" => Word(
            "what the order is for",
            ["назначение заказа"; 3].of("назначения заказа"),
            Neuter,
            "lo scopo dell’ordine",
            Masculine,
        ),
        "event.net_value" => Word(
            "the net value of the order",
            ["стоимость заказа без налога", "стоимости заказа без налога", "стоимость заказа без налога"],
            Feminine,
            "il valore netto dell’ordine",
            Masculine,
        ),
        "purchase.paid" | "order.paid" => Word(
            "what was paid for the earlier purchase",
            ["стоимость прошлой покупки", "стоимости прошлой покупки", "стоимость прошлой покупки"],
            Feminine,
            "l’importo pagato per l’acquisto precedente",
            Masculine,
        ),
        "purchase.date" => Word(
            "the day of the earlier purchase",
            ["день прошлой покупки"; 3].of("дня прошлой покупки"),
            Masculine,
            "il giorno dell’acquisto precedente",
            Masculine,
        ),
        "purchase.at" => Word(
            "the time of the earlier purchase",
            ["момент прошлой покупки"; 3].of("момента прошлой покупки"),
            Masculine,
            "il momento dell’acquisto precedente",
            Masculine,
        ),
        "line.discount" => Word(
            "what is taken off the line",
            ["скидка на позицию", "скидки на позицию", "скидку на позицию"],
            Feminine,
            "lo sconto sulla riga",
            Masculine,
        ),
        "unit.discount" => Word(
            "what is taken off the piece",
            ["скидка на штуку", "скидки на штуку", "скидку на штуку"],
            Feminine,
            "lo sconto sul pezzo",
            Masculine,
        ),
        "basket.discount" => Word(
            "what is taken off the basket",
            ["скидка на чек", "скидки на чек", "скидку на чек"],
            Feminine,
            "lo sconto sul carrello",
            Masculine,
        ),
        "contact.score" => Word(
            "the score of the contact",
            ["оценка контакта", "оценки контакта", "оценку контакта"],
            Feminine,
            "il punteggio del contatto",
            Masculine,
        ),
        "contact.cost" => Word(
            "the cost of the contact",
            ["стоимость контакта", "стоимости контакта", "стоимость контакта"],
            Feminine,
            "il costo del contatto",
            Masculine,
        ),
        "reaction.offer" => Word(
            "the offer of the reaction",
            ["предложение реакции", "предложения реакции", "предложение реакции"],
            Neuter,
            "l’offerta della reazione",
            Feminine,
        ),
        "reaction.answer" => Word(
            "the answer of the reaction",
            ["ответ реакции"; 3].of("ответа реакции"),
            Masculine,
            "la risposta della reazione",
            Feminine,
        ),
        "survey.score" => Word(
            "the score of the survey",
            ["оценка в опросе", "оценки в опросе", "оценку в опросе"],
            Feminine,
            "il punteggio del sondaggio",
            Masculine,
        ),
        _ => return None,
    };
    Some(word.noun(language))
}

/// Fills in the genitive of a Russian noun whose accusative is its nominative.
trait Forms {
    fn of(self, genitive: &'static str) -> [&'static str; 3];
}

impl Forms for [&'static str; 3] {
    fn of(mut self, genitive: &'static str) -> [&'static str; 3] {
        self[1] = genitive;
        self
    }
}

/// What a standard field says when it is true, and when it is not.
pub fn truth(name: &str) -> Option<[[&'static str; 3]; 2]> {
    Some(match name {
        "member.known" => [
            ["the member is known", "участник известен", "il partecipante è noto"],
            ["the member is not known", "участник неизвестен", "il partecipante non è noto"],
        ],
        "product.own_brand" | "line.product.own_brand" => [
            [
                "the product is of the own label",
                "товар — собственной марки",
                "il prodotto è a marchio proprio",
            ],
            [
                "the product is not of the own label",
                "товар — не собственной марки",
                "il prodotto non è a marchio proprio",
            ],
        ],
        "purchase.returned" => [
            [
                "the earlier purchase was returned as a whole",
                "прошлая покупка возвращена целиком",
                "l’acquisto precedente è stato reso per intero",
            ],
            [
                "the earlier purchase was not returned as a whole",
                "прошлая покупка не возвращена целиком",
                "l’acquisto precedente non è stato reso per intero",
            ],
        ],
        _ => return None,
    })
}

/// A record, by the word that rules use for it.
pub fn record(language: Language, name: &str) -> Option<Noun> {
    let word = match name {
        "member" => Word(
            "the member",
            ["участник", "участника", "участника"],
            Masculine,
            "il partecipante",
            Masculine,
        ),
        "line" => Word("the line", ["позиция", "позиции", "позицию"], Feminine, "la riga", Feminine),
        "unit" => Word("the piece", ["штука", "штуки", "штуку"], Feminine, "il pezzo", Masculine),
        "product" | "line.product" | "unit.product" => {
            Word("the product", ["товар"; 3].of("товара"), Masculine, "il prodotto", Masculine)
        }
        "payment" => Word("the payment", ["платёж"; 3].of("платежа"), Masculine, "il pagamento", Masculine),
        "basket" => Word("the basket", ["чек"; 3].of("чека"), Masculine, "il carrello", Masculine),
        "event" => Word("the event", ["событие"; 3].of("события"), Neuter, "l’evento", Masculine),
        other => return event(other).map(|event| event.one.noun(language)),
    };
    Some(word.noun(language))
}

/// A standard event: one with its article, one without, several.
struct EventWords {
    one: Word,
    english: [&'static str; 2],
    italian: [&'static str; 2],
    russian: [&'static str; 2],
}

fn event(name: &str) -> Option<EventWords> {
    let words = |one, english, russian, italian| EventWords { one, english, italian, russian };
    Some(match name {
        "purchase" => words(
            Word("the purchase", ["покупка", "покупки", "покупку"], Feminine, "l’acquisto", Masculine),
            ["purchase", "purchases"],
            ["покупки", "покупок"],
            ["acquisto", "gli acquisti"],
        ),
        "return" => words(
            Word("the return", ["возврат"; 3].of("возврата"), Masculine, "il reso", Masculine),
            ["return", "returns"],
            ["возвраты", "возвратов"],
            ["reso", "i resi"],
        ),
        "order" => words(
            Word("the order", ["заказ"; 3].of("заказа"), Masculine, "l’ordine", Masculine),
            ["order", "orders"],
            ["заказы", "заказов"],
            ["ordine", "gli ordini"],
        ),
        "registration" => words(
            Word(
                "the registration",
                ["регистрация", "регистрации", "регистрацию"],
                Feminine,
                "la registrazione",
                Feminine,
            ),
            ["registration", "registrations"],
            ["регистрации", "регистраций"],
            ["registrazione", "le registrazioni"],
        ),
        "tier_change" => words(
            Word(
                "the change of tier",
                ["смена уровня", "смены уровня", "смену уровня"],
                Feminine,
                "il cambio di livello",
                Masculine,
            ),
            ["change of tier", "changes of tier"],
            ["смены уровня", "смен уровня"],
            ["cambio di livello", "i cambi di livello"],
        ),
        "survey" => words(
            Word("the survey", ["опрос"; 3].of("опроса"), Masculine, "il sondaggio", Masculine),
            ["survey", "surveys"],
            ["опросы", "опросов"],
            ["sondaggio", "i sondaggi"],
        ),
        "action" => words(
            Word("the action", ["действие"; 3].of("действия"), Neuter, "l’azione", Feminine),
            ["action", "actions"],
            ["действия", "действий"],
            ["azione", "le azioni"],
        ),
        "batch" => words(
            Word("the batch", ["пакет"; 3].of("пакета"), Masculine, "il lotto", Masculine),
            ["batch", "batches"],
            ["пакеты", "пакетов"],
            ["lotto", "i lotti"],
        ),
        "session" => words(
            Word("the session", ["сеанс"; 3].of("сеанса"), Masculine, "la sessione", Feminine),
            ["session", "sessions"],
            ["сеансы", "сеансов"],
            ["sessione", "le sessioni"],
        ),
        "reaction" => words(
            Word(
                "the answer to an offer",
                ["ответ на предложение"; 3].of("ответа на предложение"),
                Masculine,
                "la risposta a un’offerta",
                Feminine,
            ),
            ["answer to an offer", "answers to offers"],
            ["ответы на предложения", "ответов на предложения"],
            ["risposta a un’offerta", "le risposte alle offerte"],
        ),
        _ => return None,
    })
}

/// An event that rules hear, without an article.
pub fn occasion(language: Language, name: &str) -> Phrase {
    let Some(words) = event(name) else { return Phrase::name(name) };
    match language {
        Language::English => Phrase::words(words.english[0]),
        Language::Russian => words.one.noun(language).plain,
        Language::Italian => Phrase::words(words.italian[0]),
    }
}

/// Several of a thing, and each of them.
pub struct Several {
    /// All of them.
    pub all: Noun,
    /// What stands after `for each`, `для`, `per ogni`.
    pub each: Phrase,
}

/// A standard collection.
pub fn collection(language: Language, earlier: bool, name: &str) -> Option<Several> {
    let of = |english: [&str; 2], russian: [&str; 3], italian: [&str; 2]| {
        let (all, each): (Noun, &str) = match language {
            Language::English => (Phrase::words(english[0]).into(), english[1]),
            Language::Russian => (
                Noun {
                    plain: Phrase::words(russian[0]),
                    genitive: Some(Phrase::words(russian[1])),
                    accusative: None,
                    gender: Plural,
                },
                russian[2],
            ),
            Language::Italian => (Phrase::words(italian[0]).into(), italian[1]),
        };
        Several { all: Noun { gender: Plural, ..all }, each: Phrase::words(each) }
    };
    Some(match (earlier, name) {
        (false, "lines") => {
            of(["lines", "line"], ["позиции", "позиций", "каждой позиции"], ["le righe", "riga"])
        }
        (false, "units") => of(["pieces", "piece"], ["штуки", "штук", "каждой штуки"], ["i pezzi", "pezzo"]),
        (false, "payments") => of(
            ["payments", "payment"],
            ["платежи", "платежей", "каждого платежа"],
            ["i pagamenti", "pagamento"],
        ),
        (true, "lines") => of(
            ["lines of earlier purchases", "line of the earlier purchases"],
            ["позиции прошлых покупок", "позиций прошлых покупок", "каждой позиции прошлых покупок"],
            ["le righe di acquisti precedenti", "riga di acquisti precedenti"],
        ),
        (true, several) => {
            let one = [
                "purchase",
                "return",
                "order",
                "registration",
                "tier_change",
                "survey",
                "action",
                "batch",
                "session",
                "reaction",
            ]
            .into_iter()
            .find(|one| perq_compiler::check::plural(one) == several)?;
            let words = event(one)?;
            let english = [format!("earlier {}", words.english[1]), format!("earlier {}", words.english[0])];
            let russian = [
                format!("прошлые {}", words.russian[0]),
                format!("прошлых {}", words.russian[1]),
                format!("каждого события из прошлых {}", words.russian[1]),
            ];
            let italian =
                [format!("{} precedenti", words.italian[1]), format!("{} precedente", words.italian[0])];
            of(
                [&english[0], &english[1]],
                [&russian[0], &russian[1], &russian[2]],
                [&italian[0], &italian[1]],
            )
        }
        (false, _) => return None,
    })
}

/// How something belongs to names of a kind: what stands after `is`, before the names.
pub fn belonging(language: Language, kind: &str) -> Phrase {
    let words: [&str; 3] = match kind {
        "category" => ["in category", "из категории", "nella categoria"],
        "brand" => ["of brand", "марки", "di marca"],
        "sku" => ["article", "с артикулом", "l’articolo"],
        "list" => ["on list", "из списка", "nell’elenco"],
        "store" => ["in store", "из магазина", "nel negozio"],
        "channel" => ["of channel", "из канала", "del canale"],
        "segment" => ["in segment", "из сегмента", "nel segmento"],
        "country" => ["of country", "из страны", "del paese"],
        "bank" => ["of bank", "банка", "della banca"],
        "campaign" => ["of campaign", "из кампании", "della campagna"],
        "place" => ["in place", "из места", "nel luogo"],
        "survey" => ["of survey", "опроса", "del sondaggio"],
        "action" => ["of kind", "вида", "di tipo"],
        "batch" => ["of batch", "пакета", "del lotto"],
        "session" => ["of session", "сеанса", "della sessione"],
        "offer" => ["of offer", "предложения", "dell’offerta"],
        "member_id" => ["with number", "с номером", "con numero"],
        "coupon_code" => ["with code", "с кодом", "con codice"],
        _ => {
            let before = language.pick(&["in ", "из ", "in "]);
            return Phrase::words(before).then(&Phrase::name(kind));
        }
    };
    Phrase::words(language.pick(&words))
}

/// Names of a kind by themselves: `category “Tea”`.
pub fn kind(language: Language, name: &str) -> Phrase {
    let words: [&str; 3] = match name {
        "category" => ["category", "категория", "categoria"],
        "brand" => ["brand", "марка", "marca"],
        "sku" => ["article", "артикул", "articolo"],
        "list" => ["list", "список", "elenco"],
        "store" => ["store", "магазин", "negozio"],
        "channel" => ["channel", "канал", "canale"],
        "segment" => ["segment", "сегмент", "segmento"],
        "country" => ["country", "страна", "paese"],
        "bank" => ["bank", "банк", "banca"],
        "campaign" => ["campaign", "кампания", "campagna"],
        "place" => ["place", "место", "luogo"],
        "survey" => ["survey", "опрос", "sondaggio"],
        "action" => ["action", "действие", "azione"],
        "batch" => ["batch", "пакет", "lotto"],
        "session" => ["session", "сеанс", "sessione"],
        "offer" => ["offer", "предложение", "offerta"],
        "member_id" => ["member", "участник", "partecipante"],
        "coupon_code" => ["coupon code", "код купона", "codice coupon"],
        other => return Phrase::name(other),
    };
    Phrase::words(language.pick(&words))
}

/// A value of a standard enumeration.
pub fn value(language: Language, enumeration: &str, name: &str) -> Option<Phrase> {
    let words: [&str; 3] = match (enumeration, name) {
        ("Weekday", day) => return weekday(language, day),
        ("LineKind", "product") => ["a product", "товар", "un prodotto"],
        ("LineKind", "delivery") => ["delivery", "доставка", "una consegna"],
        ("LineKind", "gift_card") => ["a gift card", "подарочная карта", "una carta regalo"],
        ("LineKind", "fee") => ["a fee", "сбор", "una commissione"],
        ("PaymentType", "cash") => ["cash", "наличные", "contanti"],
        ("PaymentType", "debit_card") => ["a debit card", "дебетовая карта", "carta di debito"],
        ("PaymentType", "credit_card") => ["a credit card", "кредитная карта", "carta di credito"],
        ("PaymentType", "gift_card") => ["a gift card", "подарочная карта", "carta regalo"],
        ("PaymentType", "points") => ["points", "баллы", "punti"],
        ("PaymentType", "transfer") => ["a transfer", "перевод", "bonifico"],
        ("PaymentType", "other") => ["something else", "другое", "altro"],
        ("Processing", "interactive") => {
            ["while the member waits", "пока участник ждёт", "mentre il partecipante attende"]
        }
        ("Processing", "batch") => ["later, in a run", "позже, пакетом", "più tardi, in blocco"],
        ("Answer", "shown") => ["shown", "показано", "mostrata"],
        ("Answer", "accepted") => ["accepted", "принято", "accettata"],
        ("Answer", "rejected") => ["rejected", "отклонено", "rifiutata"],
        ("Answer", "ignored") => ["ignored", "оставлено без ответа", "ignorata"],
        ("OrderScenario", "accrual") => ["collecting points", "накопление баллов", "la raccolta di punti"],
        ("OrderScenario", "buy_points") => ["buying points", "покупка баллов", "l’acquisto di punti"],
        ("OrderScenario", "redemption") => ["redeeming points", "оплата баллами", "il pagamento con punti"],
        _ => return None,
    };
    Some(Phrase::words(language.pick(&words)))
}

/// A day of the week.
pub fn weekday(language: Language, name: &str) -> Option<Phrase> {
    let words: [&str; 3] = match name {
        "mon" => ["Monday", "понедельник", "lunedì"],
        "tue" => ["Tuesday", "вторник", "martedì"],
        "wed" => ["Wednesday", "среда", "mercoledì"],
        "thu" => ["Thursday", "четверг", "giovedì"],
        "fri" => ["Friday", "пятница", "venerdì"],
        "sat" => ["Saturday", "суббота", "sabato"],
        "sun" => ["Sunday", "воскресенье", "domenica"],
        _ => return None,
    };
    Some(Phrase::words(language.pick(&words)))
}

/// A stretch of the calendar: `in the current month`, or the one before it.
pub fn period(language: Language, name: &str, previous: bool) -> Phrase {
    let words: Option<[[&str; 3]; 2]> = match name {
        "day" => Some([
            ["on the same day", "в течение дня", "nello stesso giorno"],
            ["on the day before", "в предыдущий день", "nel giorno precedente"],
        ]),
        "week" => Some([
            ["in the current week", "на текущей неделе", "nella settimana in corso"],
            ["in the week before", "на предыдущей неделе", "nella settimana precedente"],
        ]),
        "month" => Some([
            ["in the current month", "в текущем месяце", "nel mese in corso"],
            ["in the month before", "в предыдущем месяце", "nel mese precedente"],
        ]),
        "quarter" => Some([
            ["in the current quarter", "в текущем квартале", "nel trimestre in corso"],
            ["in the quarter before", "в предыдущем квартале", "nel trimestre precedente"],
        ]),
        "half_year" => Some([
            ["in the current half-year", "в текущем полугодии", "nel semestre in corso"],
            ["in the half-year before", "в предыдущем полугодии", "nel semestre precedente"],
        ]),
        "year" => Some([
            ["in the current year", "в текущем году", "nell’anno in corso"],
            ["in the year before", "в предыдущем году", "nell’anno precedente"],
        ]),
        _ => None,
    };
    match words {
        Some([this, before]) => Phrase::words(language.pick(if previous { &before } else { &this })),
        None => Phrase::name(name),
    }
}

/// A stretch of the calendar as a noun: `the end of the year`.
pub fn period_noun(language: Language, name: &str) -> Noun {
    let word = match name {
        "day" => Word("the day", ["день"; 3].of("дня"), Masculine, "il giorno", Masculine),
        "week" => Word("the week", ["неделя", "недели", "неделю"], Feminine, "la settimana", Feminine),
        "month" => Word("the month", ["месяц"; 3].of("месяца"), Masculine, "il mese", Masculine),
        "quarter" => Word("the quarter", ["квартал"; 3].of("квартала"), Masculine, "il trimestre", Masculine),
        "half_year" => {
            Word("the half-year", ["полугодие"; 3].of("полугодия"), Neuter, "il semestre", Masculine)
        }
        "year" => Word("the year", ["год"; 3].of("года"), Masculine, "l’anno", Masculine),
        other => return Phrase::name(other).into(),
    };
    word.noun(language)
}

/// How something is rounded.
pub fn rounding(language: Language, name: &str) -> Phrase {
    let words: [&str; 3] = match name {
        "down" => ["rounded down", "с округлением вниз", "con arrotondamento per difetto"],
        "up" => ["rounded up", "с округлением вверх", "con arrotondamento per eccesso"],
        "half_up" => [
            "rounded to the nearest, a half away from zero",
            "с округлением до ближайшего, половина — от нуля",
            "con arrotondamento al più vicino, la metà per eccesso",
        ],
        "half_even" => [
            "rounded to the nearest, a half to the even neighbour",
            "с округлением до ближайшего, половина — к чётному",
            "con arrotondamento al più vicino, la metà al pari",
        ],
        "half_down" => [
            "rounded to the nearest, a half towards zero",
            "с округлением до ближайшего, половина — к нулю",
            "con arrotondamento al più vicino, la metà per difetto",
        ],
        other => {
            let before = language.pick(&["rounded ", "с округлением ", "con arrotondamento "]);
            return Phrase::words(before).then(&Phrase::name(other));
        }
    };
    Phrase::words(language.pick(&words))
}

/// For whom or what something counts: `per member`.
pub fn per(language: Language, name: &str) -> Phrase {
    let words: [&str; 3] = match name {
        "member" => ["for each member", "на каждого участника", "per ogni partecipante"],
        "transaction" => ["for each transaction", "на каждую операцию", "per ogni operazione"],
        "inviter" => {
            ["for each member who invites", "на каждого пригласившего", "per ogni partecipante che invita"]
        }
        "line" => ["for each line", "для каждой позиции", "per ogni riga"],
        "unit" => ["for each piece", "для каждой штуки", "per ogni pezzo"],
        "basket" => ["for each basket", "для каждого чека", "per ogni carrello"],
        "rule" => ["for each rule", "для каждого правила", "per ogni regola"],
        "posting" => ["for each posting", "для каждой проводки", "per ogni registrazione"],
        "goal" => ["for each goal", "для каждой цели", "per ogni obiettivo"],
        other => {
            let before = language.pick(&["for each ", "на каждое ", "per ogni "]);
            return Phrase::words(before).then(&Phrase::name(other));
        }
    };
    Phrase::words(language.pick(&words))
}
