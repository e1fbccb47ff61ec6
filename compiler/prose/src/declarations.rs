//! Each declaration as a section of sentences.
//!
//! Refuses to know pages and terminals.

use crate::clauses::titles_of;
use crate::numbers;
use crate::phrase::{Noun, Phrase};
use crate::words;
use crate::writer::{Entry, Kind, Node, Reader, Writer};
use perq_grammar::ast::{
    AccountClause, ArbitrationClause, BadgeClause, Bound, CertificateClause, Clause, ClauseKind,
    CouponClause, Display, Downgrade, EnsureClause, Expectation, Expire, Expr, ExprKind, FieldDeclaration,
    GroupClause, Header, Item, ItemKind, Level, LineRef, MeltOf, Name, OfferClause, OfferOutcome, Path,
    Placed, ProgramClause, Purpose, RedemptionClause, Rule, Scope, Test, TestField, TestStep, Text,
    TiersClause, TypeName, Way,
};

impl<'a> Writer<'a> {
    /// The declaration's title in the language, where it has one.
    pub(crate) fn title_of_entry(&self, entry: &Entry<'a>) -> Option<String> {
        let (header, titles) = match entry.node {
            Node::Rule(rule, _) => (&rule.header, titles_of(&rule.clauses)),
            Node::Item(item) => match &item.kind {
                ItemKind::Program(header, clauses) => (header, program_titles(clauses)),
                ItemKind::Account(header, clauses) => (header, account_titles(clauses)),
                ItemKind::Group(header, clauses) => (header, group_titles(clauses)),
                ItemKind::Badge(header, clauses) => (header, badge_titles(clauses)),
                ItemKind::Ensure(header, clauses) => (header, ensure_titles(clauses)),
                ItemKind::Contacts(header, clauses) => (header, crate::contacts::titles(clauses)),
                ItemKind::Tiers(header, clauses) => (header, tiers_titles(clauses)),
                ItemKind::Coupon(header, clauses) => (header, coupon_titles(clauses)),
                ItemKind::Certificate(header, clauses) => (header, certificate_titles(clauses)),
                ItemKind::Redemption(header, clauses) => (header, redemption_titles(clauses)),
                ItemKind::Offer(header, clauses) => (header, offer_titles(clauses)),
                ItemKind::Arbitration(header, clauses) => (header, arbitration_titles(clauses)),
                ItemKind::Template(template) => (&template.header, titles_of(&template.clauses)),
                ItemKind::Param { header, .. }
                | ItemKind::Define { header, .. }
                | ItemKind::Table { header, .. }
                | ItemKind::Segment(header, _)
                | ItemKind::Enum { header, .. }
                | ItemKind::Counter { header, .. } => (header, [].as_slice()),
                ItemKind::Rule(rule) => (&rule.header, titles_of(&rule.clauses)),
                ItemKind::Language(_)
                | ItemKind::Use { .. }
                | ItemKind::Reference { .. }
                | ItemKind::Record(..)
                | ItemKind::Extend(..)
                | ItemKind::Event { .. }
                | ItemKind::Test(_) => return None,
            },
        };
        self.title(header, titles).map(str::to_owned)
    }

    /// What readers of the language call the unit of an account: the account's title, where it has one in the language.
    pub(crate) fn unit_title(&self, unit: &str) -> Option<Phrase> {
        let of_unit =
            |clause: &AccountClause| matches!(clause, AccountClause::Unit(name, _) if name.text == unit);
        let clauses = self.book.entries().iter().find_map(|entry| match entry.node {
            Node::Item(item) => {
                if let ItemKind::Account(_, clauses) = &item.kind { Some(clauses) } else { None }
                    .filter(|clauses| clauses.iter().any(of_unit))
            }
            Node::Rule(..) => None,
        })?;
        let own = account_titles(clauses).iter().find(|(tongue, _)| tongue.text == self.language.code())?;
        Some(self.language.quoted(&own.1.value))
    }

    /// All that it says.
    pub(crate) fn entry(&mut self, entry: &Entry<'a>) {
        match entry.node {
            Node::Rule(rule, group) => self.rule(rule, group),
            Node::Item(item) => self.item(item),
        }
    }

    fn item(&mut self, item: &'a Item) {
        match &item.kind {
            ItemKind::Language(number) => {
                let number = Phrase::words(number.text.clone()).into();
                let out = self.text(
                    [
                        "it is written in version {0} of the language",
                        "версия языка: {0}",
                        "versione del linguaggio: {0}",
                    ],
                    &[&number],
                );
                self.say(0, out);
            }
            ItemKind::Use { path, alias: _, hash: _ } => {
                let path = self.language.quoted(&path.value).into();
                let out =
                    self.text(["it uses the file {0}", "использует файл {0}", "usa il file {0}"], &[&path]);
                self.say(0, out);
            }
            ItemKind::Program(header, clauses) => {
                self.former(header);
                for clause in clauses {
                    self.program_clause(clause);
                }
            }
            ItemKind::Account(header, clauses) => {
                self.former(header);
                for clause in clauses {
                    self.account_clause(clause);
                }
                let ends = |clause: &AccountClause| {
                    matches!(clause, AccountClause::Expire(..) | AccountClause::Melt(_))
                };
                if !clauses.iter().any(ends) {
                    let out = self.text(
                        [
                            "what is awarded does not expire, where a rule does not say otherwise",
                            "начисленное не сгорает, если правило не говорит иного",
                            "ciò che si accredita non scade, se una regola non dice altro",
                        ],
                        &[],
                    );
                    self.say(0, out);
                }
            }
            ItemKind::Param { header, ty, values, range } => {
                self.former(header);
                let ty = self.type_name(ty).into();
                let out = self.text(["it is {0}", "тип: {0}", "tipo: {0}"], &[&ty]);
                self.say(0, out);
                for (from, value) in values {
                    let value = self.noun(value);
                    let out = match from {
                        None => self.text(["its value is {0}", "значение: {0}", "valore: {0}"], &[&value]),
                        Some(from) => {
                            let from = numbers::date(self.language, &from.text).into();
                            self.text(
                                [
                                    "from {0} on its value is {1}",
                                    "с {0:of} значение: {1}",
                                    "{0:from} il valore è {1}",
                                ],
                                &[&from, &value],
                            )
                        }
                    };
                    self.say(0, out);
                }
                if let Some(range) = range {
                    let nouns = [&self.noun(&range.low), &self.noun(&range.high)];
                    let range = match range.bound {
                        Bound::Included => self.text(
                            [
                                "from {0} through {1}",
                                "от {0:of} до {1:of} включительно",
                                "{0:from} {1:to} compreso",
                            ],
                            &nouns,
                        ),
                        Bound::Excluded => self.text(
                            [
                                "from {0} to before {1}",
                                "от {0:of} до {1:of}, не включая конец",
                                "{0:from} {1:to} escluso",
                            ],
                            &nouns,
                        ),
                    };
                    let range = range.into();
                    let out = self.text(
                        ["a deployment may set it {0}", "может задаваться {0}", "può essere impostato {0}"],
                        &[&range],
                    );
                    self.say(0, out);
                }
            }
            ItemKind::Define { header, params, gives, body } => {
                self.former(header);
                self.parameters(params);
                if self.is_condition(body) {
                    self.holds_where(body);
                    return;
                }
                let gives = self.type_name(gives).into();
                let body = self.noun(body);
                let out = self.text(["it is {1} ({0})", "{0}: {1}", "{0}: {1}"], &[&gives, &body]);
                self.say(0, out);
            }
            ItemKind::Table { header, params, gives, policy, rows } => {
                self.former(header);
                self.parameters(params);
                let gives = self.type_name(gives).into();
                let texts = match policy.text.as_str() {
                    "first_match" => [
                        "it gives {0}; the first row that fits counts:",
                        "даёт {0}; действует первая подходящая строка:",
                        "dà {0}; vale la prima riga adatta:",
                    ],
                    _ => [
                        "it gives {0}; exactly one row fits:",
                        "даёт {0}; подходит ровно одна строка:",
                        "dà {0}; è adatta esattamente una riga:",
                    ],
                };
                let out = self.text(texts, &[&gives]);
                self.say(0, out);
                for row in self.arms(rows) {
                    self.say(1, row);
                }
            }
            ItemKind::Segment(header, condition) => {
                self.former(header);
                self.holds_where(condition);
            }
            ItemKind::Enum { header, ordered, values } => {
                self.former(header);
                let texts = if *ordered {
                    ["its values, the lowest first:", "значения по возрастанию:", "valori, dal più basso:"]
                } else {
                    ["its values:", "значения:", "valori:"]
                };
                let out = self.text(texts, &[]);
                self.say(0, out);
                for (name, title) in values {
                    let mut value = Phrase::name(name.text.clone());
                    if let Some(title) = title {
                        value.push_words(" — ");
                        value.push(&self.language.quoted(&title.value));
                    }
                    self.say(1, value);
                }
            }
            ItemKind::Reference { name: _, hierarchical, of } => {
                let out = self.text(
                    [
                        "a kind of names that the catalogue knows",
                        "вид названий, известных каталогу",
                        "un tipo di nomi noti al catalogo",
                    ],
                    &[],
                );
                self.say(0, out);
                if *hierarchical {
                    let out = self.text(
                        [
                            "a name stands for all that lies below it as well",
                            "название включает и всё, что стоит под ним",
                            "un nome comprende anche tutto ciò che gli sta sotto",
                        ],
                        &[],
                    );
                    self.say(0, out);
                }
                if let Some(of) = of {
                    let of = words::kind(self.language, &of.text).into();
                    let out = self.text(
                        [
                            "each names several of: {0}",
                            "каждое включает несколько: {0}",
                            "ciascuno ne raccoglie diversi: {0}",
                        ],
                        &[&of],
                    );
                    self.say(0, out);
                }
            }
            ItemKind::Record(_, fields) | ItemKind::Extend(_, fields) => self.fields(fields),
            ItemKind::Event { name: _, from, fields } => {
                if !from.is_empty() {
                    let from: Vec<Phrase> =
                        from.iter().map(|text| self.language.quoted(&text.value)).collect();
                    let from = self.or_list(&from).into();
                    let out =
                        self.text(["in records it is {0}", "в записях: {0}", "nei record: {0}"], &[&from]);
                    self.say(0, out);
                }
                self.fields(fields);
            }
            ItemKind::Group(header, clauses) => {
                self.former(header);
                self.group_clauses(0, clauses);
            }
            ItemKind::Rule(rule) => self.rule(rule, None),
            ItemKind::Test(test) => self.test(test),
            ItemKind::Counter { header, per, value } => {
                self.former(header);
                let value = self.noun(value);
                let mut out = self.text(["it counts {0}", "считает: {0}", "conta: {0}"], &[&value]);
                for per in per {
                    out.push_words(", ");
                    out.push(&words::per(self.language, &per.text));
                }
                self.say(0, out);
            }
            ItemKind::Badge(header, clauses) => {
                self.former(header);
                for clause in clauses {
                    match &clause.kind {
                        BadgeClause::Title(_) => {}
                        BadgeClause::When(condition) => self.condition(
                            0,
                            condition,
                            [
                                "a member earns it when {0}",
                                "участник получает его, когда {0}",
                                "il partecipante lo ottiene quando {0}",
                            ],
                            [
                                "a member earns it when all of this is so:",
                                "участник получает его, когда выполнены все условия:",
                                "il partecipante lo ottiene quando valgono tutte queste condizioni:",
                            ],
                            [
                                "a member earns it when at least one of these is so:",
                                "участник получает его, когда выполнено хотя бы одно из условий:",
                                "il partecipante lo ottiene quando vale almeno una di queste condizioni:",
                            ],
                        ),
                    }
                }
            }
            ItemKind::Ensure(header, clauses) => {
                self.former(header);
                for clause in clauses {
                    self.ensure_clause(&clause.kind);
                }
            }
            ItemKind::Tiers(header, clauses) => {
                self.former(header);
                for clause in clauses {
                    self.tiers_clause(clause);
                }
            }
            ItemKind::Coupon(header, clauses) => {
                self.former(header);
                for clause in clauses {
                    self.coupon_clause(clause);
                }
            }
            ItemKind::Certificate(header, clauses) => {
                self.former(header);
                for clause in clauses {
                    match &clause.kind {
                        CertificateClause::Title(_) => {}
                        CertificateClause::Expires(expiry) => {
                            let out = self.expiry(expiry);
                            self.say(0, out);
                        }
                    }
                }
            }
            ItemKind::Redemption(header, clauses) => {
                self.former(header);
                for clause in clauses {
                    self.redemption_clause(clause);
                }
            }
            ItemKind::Template(template) => {
                self.former(&template.header);
                for parameter in &template.parameters {
                    let name = Phrase::name(parameter.name.text.clone()).into();
                    let ty = self.type_name(&parameter.ty).into();
                    let mut out = self.text(
                        ["a rule says {0}: {1}", "правило задаёт {0}: {1}", "la regola indica {0}: {1}"],
                        &[&name, &ty],
                    );
                    if let Some(default) = &parameter.default {
                        let default = self.noun(default);
                        out.push(&self.text(
                            [
                                " ({0} where it says nothing)",
                                " (если не задано — {0})",
                                " (se non indicato, {0})",
                            ],
                            &[&default],
                        ));
                    }
                    self.say(0, out);
                }
                self.clauses(0, &template.clauses);
            }
            ItemKind::Offer(header, clauses) => {
                self.former(header);
                for clause in clauses {
                    self.offer_clause(clause);
                }
            }
            ItemKind::Arbitration(header, clauses) => {
                self.former(header);
                for clause in clauses {
                    self.arbitration_clause(clause);
                }
            }
            ItemKind::Contacts(header, clauses) => {
                self.former(header);
                for clause in clauses {
                    self.contacts_clause(&clause.kind);
                }
            }
        }
    }

    fn former(&mut self, header: &Header) {
        if let Some(was) = &header.was {
            let was = Phrase::name(was.text.clone()).into();
            let out =
                self.text(["it used to be called {0}", "прежнее имя: {0}", "prima si chiamava {0}"], &[&was]);
            self.say(0, out);
        }
    }

    fn holds_where(&mut self, condition: &Expr) {
        self.condition(
            0,
            condition,
            ["it holds where {0}", "верно, если {0}", "vale se {0}"],
            [
                "it holds where all of this is so:",
                "верно, если выполнены все условия:",
                "vale se valgono tutte queste condizioni:",
            ],
            [
                "it holds where at least one of these is so:",
                "верно, если выполнено хотя бы одно из условий:",
                "vale se vale almeno una di queste condizioni:",
            ],
        );
    }

    fn rule(&mut self, rule: &Rule, braces: Option<&'a Item>) {
        self.former(&rule.header);
        let group = braces.map(|item| &item.kind).or_else(|| {
            let name = rule.group.as_ref()?.dotted();
            let found =
                self.book.entries().iter().find(|entry| entry.kind == Kind::Group && entry.name == name)?;
            match found.node {
                Node::Item(item) => Some(&item.kind),
                Node::Rule(..) => None,
            }
        });
        if self.reader == Reader::Author
            && let Some(ItemKind::Group(header, clauses)) = group
        {
            let title = self.title(header, group_titles(clauses)).map(|title| self.language.quoted(title));
            let title = title.unwrap_or_else(|| Phrase::name(header.name.text.clone())).into();
            let is_shared = clauses.iter().any(Self::is_shared);
            let out = if is_shared {
                self.text(
                    [
                        "it belongs to the group {0}, and what holds for all its rules holds here:",
                        "входит в группу {0}; общее для всех её правил:",
                        "fa parte del gruppo {0}, e ciò che vale per tutte le sue regole vale qui:",
                    ],
                    &[&title],
                )
            } else {
                self.text(
                    ["it belongs to the group {0}", "входит в группу {0}", "fa parte del gruppo {0}"],
                    &[&title],
                )
            };
            self.say(0, out);
            self.shared_of_group(1, clauses);
        }
        if let Some(template) = &rule.template {
            let name = template.dotted();
            let title = self.declared_title("template", &name).into();
            let out = self.text(
                ["it is made from the template {0}:", "создано по шаблону {0}:", "è fatta dal modello {0}:"],
                &[&title],
            );
            self.say(0, out);
            let found =
                self.book.entries().iter().find(|entry| entry.kind == Kind::Template && entry.name == name);
            if let Some(Entry { node: Node::Item(Item { kind: ItemKind::Template(template), .. }), .. }) =
                found
            {
                let (own, file) = (self.file, found.map_or(self.file, |entry| entry.place.file));
                self.file = file;
                self.clauses(1, &template.clauses);
                self.file = own;
            }
        }
        self.clauses(0, &rule.clauses);
    }

    /// What the names mean that the sentences use.
    pub(crate) fn glossary(&mut self, own: &str) {
        let mut told = std::collections::BTreeSet::from([own.to_owned()]);
        let mut is_first = true;
        loop {
            let mentions = self.take_mentions();
            let found: Vec<&Entry<'a>> = self
                .book
                .entries()
                .iter()
                .filter(|entry| {
                    entry.kind.explains() && mentions.contains(entry.name) && !told.contains(entry.name)
                })
                .collect();
            if found.is_empty() {
                return;
            }
            if is_first {
                let out =
                    self.text(["words used here:", "использованные понятия:", "termini usati qui:"], &[]);
                self.say(0, out);
                is_first = false;
            }
            for entry in found {
                told.insert(entry.name.to_owned());
                let mut head = Phrase::name(entry.name);
                if let Some(title) = self.title_of_entry(entry) {
                    head.push_words(" — ");
                    head.push(&self.language.quoted(&title));
                }
                self.say(1, head.then(&Phrase::words(":")));
                let before = self.blocks.len();
                let own = self.file;
                self.file = entry.place.file;
                self.entry(entry);
                self.file = own;
                for block in self.blocks.iter_mut().skip(before) {
                    block.depth = block.depth.saturating_add(2);
                }
            }
        }
    }

    /// A value of an enumeration: by its title, by our word for it, or as it is written.
    pub(crate) fn value_of(&self, id: perq_compiler::ir::EnumId, position: usize, written: &str) -> Phrase {
        let typed = &self.book.study().compilation.typed;
        let Some(enumeration) = typed.enums.get(id.index()) else { return Phrase::name(written) };
        let name = enumeration.values.get(position).map_or(written, String::as_str);
        if let Some(word) = words::value(self.language, &enumeration.name, name) {
            return word;
        }
        for entry in self.book.entries() {
            let Node::Item(item) = entry.node else { continue };
            let title = match &item.kind {
                ItemKind::Enum { header, values, .. } if header.name.text == enumeration.name => values
                    .iter()
                    .find(|(value, _)| value.text == name)
                    .and_then(|(_, title)| title.as_ref())
                    .map(|title| title.value.as_str()),
                ItemKind::Tiers(header, clauses) if header.name.text == enumeration.name => {
                    level_title(clauses, name)
                }
                ItemKind::Language(_)
                | ItemKind::Use { .. }
                | ItemKind::Program(..)
                | ItemKind::Account(..)
                | ItemKind::Param { .. }
                | ItemKind::Define { .. }
                | ItemKind::Table { .. }
                | ItemKind::Segment(..)
                | ItemKind::Enum { .. }
                | ItemKind::Reference { .. }
                | ItemKind::Record(..)
                | ItemKind::Extend(..)
                | ItemKind::Event { .. }
                | ItemKind::Group(..)
                | ItemKind::Rule(_)
                | ItemKind::Test(_)
                | ItemKind::Counter { .. }
                | ItemKind::Badge(..)
                | ItemKind::Ensure(..)
                | ItemKind::Tiers(..)
                | ItemKind::Coupon(..)
                | ItemKind::Certificate(..)
                | ItemKind::Redemption(..)
                | ItemKind::Template(_)
                | ItemKind::Offer(..)
                | ItemKind::Arbitration(..)
                | ItemKind::Contacts(..) => None,
            };
            if let Some(title) = title {
                return self.language.quoted(title);
            }
        }
        Phrase::name(name)
    }

    fn parameters(&mut self, params: &[(Name, TypeName)]) {
        if params.is_empty() {
            return;
        }
        let params: Vec<Phrase> = params
            .iter()
            .map(|(name, ty)| {
                Phrase::name(name.text.clone()).then(&Phrase::words(": ")).then(&self.type_name(ty))
            })
            .collect();
        let params = Phrase::joined(&params, "; ").into();
        let out = self.text(["it goes by {0}", "зависит от: {0}", "dipende da: {0}"], &[&params]);
        self.say(0, out);
    }

    fn type_name(&self, ty: &TypeName) -> Phrase {
        let TypeName { name, argument, set, list, optional, span: _ } = ty;
        let mut out = match name.text.as_str() {
            "money" => self.text(["an amount of money", "сумма денег", "un importo"], &[]),
            "percent" => self.text(["a percentage", "процент", "una percentuale"], &[]),
            "number" => self.text(["a number", "число", "un numero"], &[]),
            "points" => self.text(["an amount of points", "количество баллов", "una quantità di punti"], &[]),
            "pcs" => self.text(["a number of pieces", "количество штук", "un numero di pezzi"], &[]),
            "bool" => self.text(["yes or no", "да или нет", "sì o no"], &[]),
            "date" => self.text(["a day", "день", "un giorno"], &[]),
            "time" => self.text(["a time of day", "время суток", "un’ora del giorno"], &[]),
            "instant" => self.text(["a point in time", "момент времени", "un istante"], &[]),
            "days" => self.text(["a number of days", "количество дней", "un numero di giorni"], &[]),
            "text" => self.text(["a text", "текст", "un testo"], &[]),
            "lines" => self.text(["lines", "позиции", "delle righe"], &[]),
            "line" => self.text(["a line", "позиция", "una riga"], &[]),
            "unit" => self.text(["a piece", "штука", "un pezzo"], &[]),
            "payment" => self.text(["a payment", "платёж", "un pagamento"], &[]),
            other => words::kind(self.language, other),
        };
        if let Some(argument) = argument {
            out.push_words(" (");
            out.push(&Phrase::name(argument.text.clone()));
            out.push_words(")");
        }
        if *set || *list {
            let of = out.into();
            out = self.text(["several of: {0}", "несколько: {0}", "più valori: {0}"], &[&of]);
        }
        if *optional {
            let of = out.into();
            out = self.text(["{0}, where it is known", "{0}, если известно", "{0}, se noto"], &[&of]);
        }
        out
    }

    fn fields(&mut self, fields: &[FieldDeclaration]) {
        for field in fields {
            let FieldDeclaration { docs: _, name, ty, scale, default, from } = field;
            let mut out =
                Phrase::name(name.text.clone()).then(&Phrase::words(": ")).then(&self.type_name(ty));
            if let Some(scale) = scale {
                let scale = Phrase::words(scale.text.clone()).into();
                out.push(&self.text(
                    [", with {0} decimals", ", знаков после запятой: {0}", ", con {0} decimali"],
                    &[&scale],
                ));
            }
            if let Some(default) = default {
                let default = self.noun(default);
                out.push(&self.text(
                    ["; where it is missing: {0}", "; если отсутствует: {0}", "; se manca: {0}"],
                    &[&default],
                ));
            }
            if let Some(from) = from {
                let from = self.language.quoted(&from.value).into();
                out.push(&self.text(["; in records {0}", "; в записях {0}", "; nei record {0}"], &[&from]));
            }
            self.say(0, out);
        }
    }

    fn program_clause(&mut self, clause: &ProgramClause) {
        let out = match clause {
            ProgramClause::Title(_) => return,
            ProgramClause::Version(number) => {
                let number = Phrase::words(number.text.clone()).into();
                self.text(["this is version {0}", "версия: {0}", "versione: {0}"], &[&number])
            }
            ProgramClause::Currency(currency) => {
                let currency = Phrase::words(currency.text.clone()).into();
                self.text(["money is counted in {0}", "валюта: {0}", "valuta: {0}"], &[&currency])
            }
            ProgramClause::Zone(zone) => {
                let zone = Phrase::words(zone.value.clone()).into();
                self.text(
                    [
                        "days and hours are those of {0}",
                        "дни и часы — по зоне {0}",
                        "giorni e ore sono quelli di {0}",
                    ],
                    &[&zone],
                )
            }
            ProgramClause::Rounding(mode) => {
                let mode = words::rounding(self.language, &mode.text).into();
                self.text(
                    ["amounts are {0}", "суммы считаются {0}", "gli importi si calcolano {0}"],
                    &[&mode],
                )
            }
            ProgramClause::MonthEnd(_) => self.text(
                [
                    "where a month has no such day, its last day counts",
                    "если в месяце нет такого числа, считается его последний день",
                    "se un mese non ha quel giorno, vale il suo ultimo giorno",
                ],
                &[],
            ),
            ProgramClause::WeekStarts(day) => {
                let short: String = day.text.chars().take(3).collect();
                let day = words::weekday(self.language, &short)
                    .unwrap_or_else(|| Phrase::name(day.text.clone()))
                    .into();
                self.text(
                    ["weeks begin on {0}", "первый день недели: {0}", "primo giorno della settimana: {0}"],
                    &[&day],
                )
            }
            ProgramClause::OnErrorSkipRule(_) => self.text(
                [
                    "a rule that cannot be worked out gives nothing",
                    "правило, которое не удалось рассчитать, ничего не даёт",
                    "una regola che non si può calcolare non dà nulla",
                ],
                &[],
            ),
            ProgramClause::Order(groups) => {
                let groups: Vec<Phrase> =
                    groups.iter().map(|group| self.declared_title("group", &group.text)).collect();
                let groups = Phrase::joined(&groups, ", ").into();
                self.text(
                    [
                        "groups come in this order: {0}",
                        "порядок групп: {0}",
                        "i gruppi seguono questo ordine: {0}",
                    ],
                    &[&groups],
                )
            }
            ProgramClause::Spread(rule, _) => {
                let rule = self.spread_rule(rule).into();
                self.text(
                    [
                        "an amount is spread over lines{0}",
                        "сумма распределяется по позициям{0}",
                        "un importo si ripartisce sulle righe{0}",
                    ],
                    &[&rule],
                )
            }
            ProgramClause::Tax { how, rounded, per, besides } => {
                let mut out = match how.text.as_str() {
                    "included" => self.text(
                        ["prices include tax", "цены включают налог", "i prezzi comprendono le imposte"],
                        &[],
                    ),
                    _ => self.text(
                        [
                            "tax comes on top of prices",
                            "налог начисляется сверх цен",
                            "le imposte si aggiungono ai prezzi",
                        ],
                        &[],
                    ),
                };
                if let Some(rounded) = rounded {
                    out.push_words(", ");
                    out.push(&words::rounding(self.language, &rounded.text));
                }
                if let Some(per) = per {
                    out.push_words(", ");
                    out.push(&words::per(self.language, &per.text));
                }
                if let Some(besides) = besides {
                    let besides = self.path(besides);
                    out.push(&self.text([", besides {0}", ", помимо {0:of}", ", oltre {0:to}"], &[&besides]));
                }
                out
            }
            ProgramClause::NotBelow(floor) => {
                let floor = self.noun(floor);
                self.text(
                    [
                        "no piece is sold below {0}",
                        "ни одна штука не продаётся дешевле, чем {0}",
                        "nessun pezzo si vende sotto {0}",
                    ],
                    &[&floor],
                )
            }
        };
        self.say(0, out);
    }

    fn account_clause(&mut self, clause: &AccountClause) {
        let out = match clause {
            AccountClause::Title(_) => return,
            AccountClause::Unit(unit, decimals) => {
                let unit = Phrase::name(unit.text.clone()).into();
                let mut out = self
                    .text(["it is counted in {0}", "единица счёта: {0}", "unità di conto: {0}"], &[&unit]);
                if let Some(decimals) = decimals
                    && decimals.text != "0"
                {
                    let decimals = Phrase::words(decimals.text.clone()).into();
                    out.push(&self.text(
                        [" with {0} decimals", ", знаков после запятой: {0}", " con {0} decimali"],
                        &[&decimals],
                    ));
                }
                out
            }
            AccountClause::Round { mode, per } => {
                let mode = words::rounding(self.language, &mode.text).into();
                let mut out = self.text(
                    ["awards are {0}", "начисления считаются {0}", "gli accrediti si calcolano {0}"],
                    &[&mode],
                );
                if let Some(per) = per {
                    out.push_words(", ");
                    out.push(&words::per(self.language, &per.text));
                }
                out
            }
            AccountClause::Redeemable(_) => {
                self.text(["one can pay with it", "им можно платить", "si può usare per pagare"], &[])
            }
            AccountClause::Qualifying(_) => {
                self.text(["it counts for tiers", "учитывается для уровней", "conta per i livelli"], &[])
            }
            AccountClause::NotBelow(floor) => {
                let floor = self.noun(floor);
                self.text(
                    [
                        "its balance does not fall below {0}",
                        "остаток не опускается ниже {0:of}",
                        "il saldo non scende sotto {0}",
                    ],
                    &[&floor],
                )
            }
            AccountClause::Worth(points, money) => {
                let nouns = [&self.noun(points), &self.noun(money)];
                self.text(["its worth: {0} = {1}", "стоимость: {0} = {1}", "valore: {0} = {1}"], &nouns)
            }
            AccountClause::Expire(expire, _) => match expire {
                Expire::AfterAward(after) => {
                    let after = self.noun(after);
                    self.text(
                        [
                            "what is awarded expires after {0}",
                            "начисленное сгорает через {0:acc}",
                            "ciò che si accredita scade dopo {0}",
                        ],
                        &[&after],
                    )
                }
                Expire::On(on) => {
                    let on = self.noun(on);
                    self.text(
                        [
                            "all of it is good through {0}",
                            "всё действует по {0:acc} включительно",
                            "tutto è valido fino {0:to} compreso",
                        ],
                        &[&on],
                    )
                }
                Expire::AtEndOf { period, plus } => {
                    let period = words::period_noun(self.language, &period.text);
                    let mut out = self.text(
                        [
                            "what is awarded expires at the end of {0} of its award",
                            "начисленное сгорает в конце {0:of} начисления",
                            "ciò che si accredita scade alla fine {0:of} dell’accredito",
                        ],
                        &[&period],
                    );
                    if let Some(plus) = plus {
                        let plus = self.noun(plus);
                        out.push(&self.text([" and {0} more", " и ещё через {0:acc}", " più {0}"], &[&plus]));
                    }
                    out
                }
            },
            AccountClause::Melt(melt) => {
                let nouns = [&self.noun(&melt.percent), &self.noun(&melt.every), &self.noun(&melt.from)];
                match melt.of {
                    MeltOf::Awarded => self.text(
                        [
                            "it melts: {0} of what was awarded are lost every {1}, from {2} after the award on",
                            "тает: каждые {1:acc} теряется {0} от начисленного, начиная через {2:acc} после начисления",
                            "si riduce: ogni {1} si perde il {0} di quanto accreditato, da {2} dopo l’accredito",
                        ],
                        &nouns,
                    ),
                    MeltOf::Remaining => self.text(
                        [
                            "it melts: {0} of what is left are lost every {1}, from {2} after the award on",
                            "тает: каждые {1:acc} теряется {0} от остатка, начиная через {2:acc} после начисления",
                            "si riduce: ogni {1} si perde il {0} di quanto resta, da {2} dopo l’accredito",
                        ],
                        &nouns,
                    ),
                }
            }
            AccountClause::UseFirst(_) => self.text(
                [
                    "what expires first is spent first",
                    "сначала тратится то, что раньше сгорает",
                    "si spende prima ciò che scade prima",
                ],
                &[],
            ),
            AccountClause::Shortfall(word) => match word.text.as_str() {
                "debt" => self.text(
                    [
                        "where a return takes back more than is left, the member owes the rest",
                        "если при возврате остатка не хватает, недостающее записывается в долг",
                        "se un reso toglie più di quanto resta, il resto è un debito",
                    ],
                    &[],
                ),
                "clamp" => self.text(
                    [
                        "a return takes back no more than the balance",
                        "при возврате списывается не больше остатка",
                        "un reso non toglie più del saldo",
                    ],
                    &[],
                ),
                "pending_only" => self.text(
                    [
                        "a return takes back only what is not yet available",
                        "при возврате списывается только то, что ещё не доступно",
                        "un reso toglie solo ciò che non è ancora disponibile",
                    ],
                    &[],
                ),
                other => {
                    let other = Phrase::name(other).into();
                    self.text(
                        [
                            "where a return takes back more: {0}",
                            "при нехватке: {0}",
                            "in caso di ammanco: {0}",
                        ],
                        &[&other],
                    )
                }
            },
        };
        self.say(0, out);
    }

    fn tiers_clause(&mut self, clause: &Placed<TiersClause>) {
        let out = match &clause.kind {
            TiersClause::Title(_) => return,
            TiersClause::Measure(measure) => {
                let measure = self.noun(measure);
                self.text(["it is measured by {0}", "измеряется так: {0}", "si misura con {0}"], &[&measure])
            }
            TiersClause::Level(level) => {
                self.level(level);
                return;
            }
            TiersClause::UpgradeAtOnce => {
                self.text(["a member rises at once", "повышение — сразу", "si sale subito"], &[])
            }
            TiersClause::Downgrade(downgrade) => self.text(
                match downgrade {
                    Downgrade::OneLevel => [
                        "a member who no longer measures up falls by one level",
                        "при нехватке уровень понижается на один",
                        "chi non raggiunge più la soglia scende di un livello",
                    ],
                    Downgrade::ToMeasure => [
                        "a member who no longer measures up falls to the level that fits",
                        "при нехватке уровень понижается до соответствующего",
                        "chi non raggiunge più la soglia scende al livello corrispondente",
                    ],
                    Downgrade::Never => ["a member never falls", "понижения нет", "non si scende mai"],
                },
                &[],
            ),
            TiersClause::KeepUntil(until) => {
                let until = self.noun(until);
                self.text(
                    [
                        "a level is kept until {0}",
                        "уровень сохраняется до {0:of}",
                        "il livello si mantiene fino {0:to}",
                    ],
                    &[&until],
                )
            }
            TiersClause::Review { every, at } => {
                let period = words::period_noun(self.language, &every.text);
                let mut out = self.text(
                    [
                        "levels are reviewed at the beginning of {0}",
                        "уровни пересматриваются в начале {0:of}",
                        "i livelli si rivedono all’inizio {0:of}",
                    ],
                    &[&period],
                );
                if let Some(at) = at {
                    let at = Phrase::words(at.text.clone()).into();
                    out.push(&self.text([", at {0}", ", в {0}", ", alle {0}"], &[&at]));
                }
                out
            }
        };
        self.say(0, out);
    }

    fn level(&mut self, level: &Level) {
        let Level { docs: _, name, title, from, when } = level;
        let title = title.as_ref().map(|title| self.language.quoted(&title.value));
        let title = title.unwrap_or_else(|| Phrase::name(name.text.clone())).into();
        let mut out = self.text(["level {0}", "уровень {0}", "livello {0}"], &[&title]);
        if let Some(from) = from {
            let from = self.noun(from);
            out.push(&self.text([": from {0}", ": от {0:of}", ": {0:from}"], &[&from]));
        }
        if let Some(when) = when {
            let when = self.clause(when, true).into();
            out.push(&self.text([", if {0}", ", если {0}", ", se {0}"], &[&when]));
        }
        self.say(0, out);
    }

    fn coupon_clause(&mut self, clause: &Placed<CouponClause>) {
        let out = match &clause.kind {
            CouponClause::CodesUnique => self.text(
                ["each has a code of its own", "у каждого свой код", "ciascuno ha un codice proprio"],
                &[],
            ),
            CouponClause::CodesShared(code) => {
                let code = self.language.quoted(&code.value).into();
                self.text(["all share the code {0}", "общий код: {0}", "il codice comune è {0}"], &[&code])
            }
            CouponClause::Uses { times, per } => {
                let number = if let ExprKind::Number(number) = &times.kind { Some(number) } else { None };
                let times = match number {
                    Some(number) => self.quantity(&number.text, "times"),
                    None => self.noun(times),
                };
                let mut out = self.text(
                    [
                        "it can be used at most {0}",
                        "можно использовать не больше {0:of}",
                        "si può usare al massimo {0}",
                    ],
                    &[&times],
                );
                if per.is_empty() {
                    out.push(&self.text([" by all together", " всем вместе", " da tutti insieme"], &[]));
                }
                for per in per {
                    out.push_words(" ");
                    out.push(&words::per(self.language, &per.text));
                }
                out
            }
            CouponClause::Expires(expiry) => self.expiry(expiry),
            CouponClause::InGroup(group) => {
                let group = self.declared_title("group", &group.dotted()).into();
                self.text(
                    ["it belongs to the group {0}", "входит в группу {0}", "fa parte del gruppo {0}"],
                    &[&group],
                )
            }
            CouponClause::NotWithGroup(group, when_better) => {
                let group = self.declared_title("group", &group.dotted()).into();
                if *when_better {
                    self.text(
                        [
                            "it counts in place of the group {0} where it is better",
                            "действует вместо группы {0}, если выгоднее",
                            "vale al posto del gruppo {0} quando è migliore",
                        ],
                        &[&group],
                    )
                } else {
                    self.text(
                        [
                            "it is not combined with the group {0}",
                            "не сочетается с группой {0}",
                            "non si cumula con il gruppo {0}",
                        ],
                        &[&group],
                    )
                }
            }
            CouponClause::NotWithCoupon(coupon) => {
                let coupon = self.declared_title("coupon", &coupon.dotted()).into();
                self.text(
                    [
                        "it is not combined with the coupon {0}",
                        "не сочетается с купоном {0}",
                        "non si cumula con il coupon {0}",
                    ],
                    &[&coupon],
                )
            }
            CouponClause::Shared(clause) => {
                self.a_clause(0, clause);
                return;
            }
        };
        self.say(0, out);
    }

    fn redemption_clause(&mut self, clause: &Placed<RedemptionClause>) {
        let out = match &clause.kind {
            RedemptionClause::From(account) => {
                let account = self.declared_title("account", &account.dotted()).into();
                self.text(
                    ["one pays from the account {0}", "оплата со счёта {0}", "si paga dal conto {0}"],
                    &[&account],
                )
            }
            RedemptionClause::For(source) => {
                let goods = self.source(source);
                self.text(
                    ["one may pay for {0}", "можно оплатить {0:acc}", "si possono pagare {0}"],
                    &[&goods],
                )
            }
            RedemptionClause::Rate(points, money) => {
                let nouns = [&self.noun(points), &self.noun(money)];
                self.text(["the rate is {0} = {1}", "курс: {0} = {1}", "il cambio è {0} = {1}"], &nouns)
            }
            RedemptionClause::AtMost(most) => {
                let most = self.noun(most);
                self.text(["at most {0}", "не больше {0:of}", "al massimo {0}"], &[&most])
            }
            RedemptionClause::AtLeast(least) => {
                let least = self.noun(least);
                self.text(["at least {0}", "не меньше {0:of}", "almeno {0}"], &[&least])
            }
            RedemptionClause::Step(step) => {
                let step = self.noun(step);
                self.text(["in steps of {0}", "шаг: {0}", "a passi di {0}"], &[&step])
            }
            RedemptionClause::CashAtLeast(least) => {
                let least = self.noun(least);
                self.text(
                    [
                        "at least {0} are paid in money",
                        "деньгами — не меньше {0:of}",
                        "almeno {0} si paga in denaro",
                    ],
                    &[&least],
                )
            }
            RedemptionClause::Pay { points, plus } => {
                let points = self.noun(points);
                let mut out = self.text(
                    ["each piece costs {0}", "цена каждой штуки: {0}", "ogni pezzo costa {0}"],
                    &[&points],
                );
                if let Some(plus) = plus {
                    let plus = self.noun(plus);
                    out.push(
                        &self.text([" and {0} in money", " и деньгами: {0}", " e in denaro {0}"], &[&plus]),
                    );
                }
                out
            }
            RedemptionClause::MemberChoosesAmount => self.text(
                [
                    "the member chooses how much",
                    "сколько — выбирает участник",
                    "il partecipante sceglie quanto",
                ],
                &[],
            ),
            RedemptionClause::Confirm { how, above } => {
                let nouns = [&Phrase::name(how.text.clone()).into(), &self.noun(above)];
                self.text(
                    [
                        "above {1} the member confirms by {0}",
                        "свыше {1:of} участник подтверждает операцию ({0})",
                        "oltre {1} il partecipante conferma tramite {0}",
                    ],
                    &nouns,
                )
            }
            RedemptionClause::IfShort(sayings) => {
                if !sayings.iter().any(|(whom, _)| self.hears(whom)) {
                    return;
                }
                let out = self.text(
                    ["where the balance is too small:", "если остатка не хватает:", "se il saldo non basta:"],
                    &[],
                );
                self.say(0, out);
                self.sayings(1, sayings);
                return;
            }
            RedemptionClause::Shared(clause) => {
                self.a_clause(0, clause);
                return;
            }
        };
        self.say(0, out);
    }

    fn listed(&self, items: &[Expr]) -> Phrase {
        let items: Vec<Phrase> = items.iter().map(|item| self.noun(item).plain).collect();
        Phrase::joined(&items, ", ")
    }

    fn named(&self, kind: &Name, names: &[Text]) -> Phrase {
        let names: Vec<Phrase> = names.iter().map(|name| self.language.quoted(&name.value)).collect();
        words::kind(self.language, &kind.text).then(&Phrase::words(" ")).then(&self.or_list(&names))
    }

    fn offer_clause(&mut self, clause: &Placed<OfferClause>) {
        let out = match &clause.kind {
            OfferClause::Display(display) => match display {
                Display::Always => {
                    self.text(["it is always shown", "показывается всегда", "si mostra sempre"], &[])
                }
                Display::ByDefault => self.text(
                    [
                        "it is shown where there is nothing else",
                        "показывается, когда нет ничего другого",
                        "si mostra quando non c’è altro",
                    ],
                    &[],
                ),
                Display::ByPriority(priority) => {
                    let priority = self.priority_title(&priority.text).into();
                    self.text(
                        [
                            "it is shown by its priority: {0}",
                            "показывается по приоритету: {0}",
                            "si mostra per priorità: {0}",
                        ],
                        &[&priority],
                    )
                }
            },
            OfferClause::Purpose(purpose) => match purpose {
                Purpose::Message => self.text(["it is a message", "это сообщение", "è un messaggio"], &[]),
                Purpose::Product(kind, names) => {
                    let product = self.named(kind, names).into();
                    self.text(
                        ["it is about a product: {0}", "о товаре: {0}", "riguarda un prodotto: {0}"],
                        &[&product],
                    )
                }
            },
            OfferClause::Channels(channels) => {
                let channels = self.listed(channels).into();
                self.text(["channels: {0}", "каналы: {0}", "canali: {0}"], &[&channels])
            }
            OfferClause::Goals(goals) => {
                let goals = self.listed(goals).into();
                self.text(["goals: {0}", "цели: {0}", "obiettivi: {0}"], &[&goals])
            }
            OfferClause::Also(kind, names) => {
                let others = self.named(kind, names).into();
                self.text(
                    [
                        "it is also for who is in the target group of: {0}",
                        "также для целевой группы: {0}",
                        "è anche per chi è nel gruppo di: {0}",
                    ],
                    &[&others],
                )
            }
            OfferClause::Score(_) | OfferClause::Learn(_) if self.reader == Reader::Member => return,
            OfferClause::Score(score) => {
                let score = self.noun(score);
                self.text(["its score is {0}", "оценка: {0}", "punteggio: {0}"], &[&score])
            }
            OfferClause::Say(sayings) => {
                self.sayings(0, sayings);
                return;
            }
            OfferClause::On(answer, effects) => {
                let answer = words::value(self.language, "Answer", &answer.text)
                    .unwrap_or_else(|| Phrase::name(answer.text.clone()))
                    .into();
                let out =
                    self.text(["when it was {0}:", "когда предложение {0}:", "quando è {0}:"], &[&answer]);
                self.say(0, out);
                self.effects(1, effects);
                return;
            }
            OfferClause::Learn(learn) => {
                let prior = self.noun(&learn.prior);
                let showings = self.quantity(&learn.showings.0.text, &learn.showings.1.text);
                let mut out = self.text(
                    [
                        "how likely it is accepted is learned, beginning with {0}, which counts as {1}",
                        "вероятность принятия изучается; исходно {0} с весом {1}",
                        "la probabilità che sia accettata si impara, partendo da {0}, che vale {1}",
                    ],
                    &[&prior, &showings],
                );
                if let Some((number, unit)) = &learn.half_life {
                    let half_life = self.quantity(&number.text, &unit.text);
                    out.push(&self.text(
                        [
                            ", a showing counts half after {0}",
                            ", вес показа вдвое меньше через {0:acc}",
                            ", una presentazione vale la metà dopo {0}",
                        ],
                        &[&half_life],
                    ));
                }
                if !learn.by.is_empty() {
                    let by: Vec<_> = learn.by.iter().map(|by| by.value.clone()).collect();
                    let by = self.listed(&by).into();
                    out.push(&self.text(
                        [", apart by: {0}", ", отдельно по признаку: {0}", ", distinguendo: {0}"],
                        &[&by],
                    ));
                }
                out
            }
            OfferClause::Rest(rest, after) => {
                let rest = self.noun(rest);
                let after = words::value(self.language, "Answer", &after.text)
                    .unwrap_or_else(|| Phrase::name(after.text.clone()))
                    .into();
                self.text(
                    [
                        "it rests for {0} after it was {1}",
                        "пауза {0} после того, как предложение {1}",
                        "riposa per {0} dopo che è stata {1}",
                    ],
                    &[&rest, &after],
                )
            }
            OfferClause::Shared(clause) => {
                if let ClauseKind::Limit { amount, per, window, otherwise: _ } = &clause.kind {
                    self.shown_at_most(amount, per, window.as_ref());
                } else if let ClauseKind::Budget { amount, window, otherwise } = &clause.kind {
                    self.offered_at_most(amount, window.as_ref(), &otherwise.text);
                } else {
                    self.a_clause(0, clause);
                }
                return;
            }
        };
        self.say(0, out);
    }

    fn priority_title(&self, name: &str) -> Phrase {
        for entry in self.book.entries() {
            if let Node::Item(Item { kind: ItemKind::Enum { header, values, .. }, .. }) = entry.node
                && header.name.text == "Priority"
                && let Some((_, Some(title))) = values.iter().find(|(value, _)| value.text == name)
            {
                return self.language.quoted(&title.value);
            }
        }
        Phrase::name(name)
    }

    fn arbitration_clause(&mut self, clause: &Placed<ArbitrationClause>) {
        let out = match &clause.kind {
            ArbitrationClause::Title(_) => return,
            ArbitrationClause::Channels(channels) => {
                let channels = self.listed(channels).into();
                self.text(["channels: {0}", "каналы: {0}", "canali: {0}"], &[&channels])
            }
            ArbitrationClause::Slots(slots) => {
                let slots = Phrase::words(numbers::number(self.language, &slots.text)).into();
                self.text(
                    [
                        "offers shown at most: {0}",
                        "показывается предложений, не больше: {0}",
                        "offerte mostrate al massimo: {0}",
                    ],
                    &[&slots],
                )
            }
            ArbitrationClause::Offers(class) => {
                let condition = self.clause(&class.condition, true).into();
                let mut out = if class.first {
                    self.text(
                        [
                            "first come offers where {0}",
                            "сначала — предложения, где {0}",
                            "prima vengono le offerte in cui {0}",
                        ],
                        &[&condition],
                    )
                } else {
                    self.text(
                        [
                            "then come offers where {0}",
                            "затем — предложения, где {0}",
                            "poi vengono le offerte in cui {0}",
                        ],
                        &[&condition],
                    )
                };
                if class.only_when_none {
                    out.push(&self.text(
                        [
                            ", only if none came before",
                            ", только если до них не было ни одного",
                            ", solo se prima non ce n’è stata nessuna",
                        ],
                        &[],
                    ));
                }
                out
            }
            ArbitrationClause::OrderBy(keys) => {
                let keys: Vec<Phrase> = keys
                    .iter()
                    .map(|(key, descending)| {
                        let key = self.noun(key);
                        if *descending {
                            self.text(
                                ["{0}, the highest first", "{0} по убыванию", "{0} decrescente"],
                                &[&key],
                            )
                        } else {
                            self.text(
                                ["{0}, the lowest first", "{0} по возрастанию", "{0} crescente"],
                                &[&key],
                            )
                        }
                    })
                    .collect();
                let keys = Phrase::joined(&keys, "; ").into();
                self.text(["their order: {0}", "порядок: {0}", "ordine: {0}"], &[&keys])
            }
            ArbitrationClause::AtMost(number, unit, per) => {
                let most = self.quantity(&number.text, &unit.text);
                let per = words::per(self.language, &per.text).into();
                self.text(["at most {0} {1}", "не больше {0:of} {1}", "al massimo {0} {1}"], &[&most, &per])
            }
            ArbitrationClause::Ties(path) => {
                let path = self.path(path);
                self.text(
                    ["ties are broken by {0}", "при равенстве решает {0}", "a parità decide {0}"],
                    &[&path],
                )
            }
            ArbitrationClause::Explore(part, seeds) => {
                let part = self.noun(part);
                let seeds: Vec<Phrase> = seeds.iter().map(|seed| self.path(seed).plain).collect();
                let seeds = Phrase::joined(&seeds, ", ").into();
                self.text(
                    [
                        "in {0} of sessions the order is drawn, from {1}",
                        "в {0} сеансов порядок разыгрывается, по {1}",
                        "nel {0} delle sessioni l’ordine è sorteggiato, secondo {1}",
                    ],
                    &[&part, &seeds],
                )
            }
        };
        self.say(0, out);
    }

    fn test(&mut self, test: &'a Test) {
        if let Some(rejects) = &test.rejects {
            let name = Phrase::name(rejects.text.clone()).into();
            let out = self.text(
                [
                    "what it declares must be refused: {0}",
                    "объявленное должно быть отвергнуто: {0}",
                    "ciò che dichiara deve essere rifiutato: {0}",
                ],
                &[&name],
            );
            self.say(0, out);
        }
        for step in &test.steps {
            match step {
                TestStep::Given { earlier, what, id, of, at, fields, span: _ } => {
                    let mut thing = words::occasion(self.language, &what.text);
                    if what.text == "member" {
                        thing = self.text(["a member", "участник", "un partecipante"], &[]);
                    }
                    if let Some(id) = id {
                        thing.push_words(" ");
                        thing.push(&self.language.quoted(&id.value));
                    }
                    let thing = thing.into();
                    let mut out = if *earlier {
                        self.text(
                            ["given earlier: {0}", "ранее дано: {0}", "dato in precedenza: {0}"],
                            &[&thing],
                        )
                    } else {
                        self.text(["given: {0}", "дано: {0}", "dato: {0}"], &[&thing])
                    };
                    if let Some(of) = of {
                        let of = self.language.quoted(&of.value).into();
                        out.push(&self.text([" of {0}", " из {0}", " di {0}"], &[&of]));
                    }
                    if let Some(at) = at {
                        let at = self.noun(at);
                        out.push(&self.text([", on {0}", ", {0}", ", {0}"], &[&at]));
                    }
                    self.say(0, out);
                    self.test_fields(1, fields);
                }
                TestStep::Expect(expectation, _) => {
                    let expected = self.expectation(expectation).into();
                    let out = self.text(["expected: {0}", "ожидается: {0}", "atteso: {0}"], &[&expected]);
                    self.say(0, out);
                }
                TestStep::After(number, unit) => {
                    let length = self.quantity(&number.text, &unit.text);
                    let out =
                        self.text(["then {0} pass", "затем проходит {0}", "poi passano {0}"], &[&length]);
                    self.say(0, out);
                }
                TestStep::With(name, value) => self.bind(0, name, value),
                // What is to be refused cannot be told.
                TestStep::Item(_) if test.rejects.is_some() => {}
                TestStep::Item(item) => self.item(item),
            }
        }
    }

    fn test_fields(&mut self, depth: u8, fields: &[TestField]) {
        for field in fields {
            match field {
                TestField::Record(name, fields, _) => {
                    let head = Phrase::name(name.text.clone()).then(&Phrase::words(":"));
                    self.say(depth, head);
                    self.test_fields(depth.saturating_add(1), fields);
                }
                TestField::Value(path, value) => {
                    let value = self.noun(value);
                    let out = Phrase::name(path.dotted()).then(&Phrase::words(" — ")).then(&value.plain);
                    self.say(depth, out);
                }
            }
        }
    }

    fn ensure_clause(&mut self, clause: &'a EnsureClause) {
        match clause {
            EnsureClause::Shared(shared) => self.a_clause(0, shared),
            EnsureClause::ForEach { unit, condition } => {
                let collection = if *unit { "units" } else { "lines" };
                let each = words::collection(self.language, false, collection).map(|several| several.each);
                let mut each: Noun = each.unwrap_or_else(|| Phrase::name(collection)).into();
                if let Some(condition) = condition {
                    each = self.such(&each, condition).plain.into();
                }
                let out = self
                    .text(["it is asked of each {0}", "проверяется для {0}", "vale per ogni {0}"], &[&each]);
                self.say(0, out);
            }
            EnsureClause::Keep(condition) => self.condition(
                0,
                condition,
                ["every decision keeps to this: {0}", "в каждом решении {0}", "in ogni decisione {0}"],
                [
                    "every decision keeps to all of this:",
                    "в каждом решении выполнены все условия:",
                    "in ogni decisione valgono tutte queste condizioni:",
                ],
                [
                    "every decision keeps to at least one of these:",
                    "в каждом решении выполнено хотя бы одно из условий:",
                    "in ogni decisione vale almeno una di queste condizioni:",
                ],
            ),
            EnsureClause::NoGain(ways) => {
                for way in ways {
                    let out = self.text(no_gain_from(way.kind), &[]);
                    self.say(0, out);
                }
            }
        }
    }

    fn rule_title(&self, path: &Path) -> Phrase {
        Phrase::name(path.dotted())
    }

    fn expectation(&self, expectation: &Expectation) -> Phrase {
        match expectation {
            Expectation::Ensure(promise, is_kept) => {
                let promise = self.declared_title("ensure", &promise.dotted()).into();
                let text = match is_kept {
                    true => {
                        ["the promise {0} is kept", "обещание {0} выполнено", "la promessa {0} è mantenuta"]
                    }
                    false => [
                        "the promise {0} is broken",
                        "обещание {0} нарушено",
                        "la promessa {0} non è mantenuta",
                    ],
                };
                self.text(text, &[&promise])
            }
            Expectation::Nothing => {
                self.text(["no effect at all", "никакого результата", "nessun effetto"], &[])
            }
            Expectation::Fires(rule) => {
                let rule = self.rule_title(rule).into();
                self.text(
                    ["rule {0} gives something", "правило {0} срабатывает", "la regola {0} dà qualcosa"],
                    &[&rule],
                )
            }
            Expectation::Silent(rule) => {
                let rule = self.rule_title(rule).into();
                self.text(
                    ["rule {0} gives nothing", "правило {0} не срабатывает", "la regola {0} non dà nulla"],
                    &[&rule],
                )
            }
            Expectation::DisplacedBy(rule, by) => {
                let nouns = [&self.rule_title(rule).into(), &self.rule_title(by).into()];
                self.text(
                    [
                        "rule {0} is displaced by rule {1}",
                        "правило {0} вытеснено правилом {1}",
                        "la regola {0} è scalzata dalla regola {1}",
                    ],
                    &nouns,
                )
            }
            Expectation::LimitedTo(rule, amount) => {
                let nouns = [&self.rule_title(rule).into(), &self.noun(amount)];
                self.text(
                    [
                        "rule {0} is limited to {1}",
                        "правило {0} ограничено: {1}",
                        "la regola {0} è limitata a {1}",
                    ],
                    &nouns,
                )
            }
            Expectation::Fails(rule, name) => {
                let rule = self.rule_title(rule).into();
                let mut out = self.text(
                    ["rule {0} fails", "правило {0} завершается ошибкой", "la regola {0} fallisce"],
                    &[&rule],
                );
                if let Some(name) = name {
                    out.push_words(": ");
                    out.push(&Phrase::name(name.text.clone()));
                }
                out
            }
            Expectation::Award(amount, scope) => {
                self.expected(["awarded {0}", "начислено: {0}", "accreditato: {0}"], amount, scope)
            }
            Expectation::Discount(amount, scope) => {
                self.expected(["discounted by {0}", "скидка: {0}", "sconto: {0}"], amount, scope)
            }
            Expectation::Total(amount) => {
                let amount = self.noun(amount);
                self.text(["{0} to pay", "к оплате: {0}", "da pagare: {0}"], &[&amount])
            }
            Expectation::Tax(amount, scope) => {
                self.expected(["a tax of {0}", "налог: {0}", "imposta: {0}"], amount, scope)
            }
            Expectation::NetTotal(amount) => {
                let amount = self.noun(amount);
                self.text(
                    ["{0} to pay without tax", "к оплате без налога: {0}", "da pagare senza imposte: {0}"],
                    &[&amount],
                )
            }
            Expectation::Balance(account, of, amount) => {
                let nouns = [&self.declared_title("account", &account.dotted()).into(), &self.noun(amount)];
                let mut out = self.text(
                    ["the account {0} holds {1}", "остаток на счёте {0}: {1}", "il conto {0} contiene {1}"],
                    &nouns,
                );
                if let Some(of) = of {
                    let of = self.language.quoted(&of.value).into();
                    out.push(
                        &self.text([", of member {0}", ", участник {0}", ", del partecipante {0}"], &[&of]),
                    );
                }
                out
            }
            Expectation::Debit { amount, from, scope } => {
                let mut out = self.expected(["taken {0}", "списано: {0}", "scalato: {0}"], amount, scope);
                if let Some(from) = from {
                    let from = self.declared_title("account", &from.dotted()).into();
                    out.push(
                        &self.text([" from the account {0}", " со счёта {0}", " dal conto {0}"], &[&from]),
                    );
                }
                out
            }
            Expectation::Say { to, text, scope } => {
                let to = Phrase::name(to.text.clone()).into();
                let mut out = match text {
                    Some(text) => {
                        let said = self.language.quoted(&text.value).into();
                        let texts = ["words for {0}: {1}", "слова для {0}: {1}", "parole per {0}: {1}"];
                        self.text(texts, &[&to, &said])
                    }
                    None => {
                        self.text(["no words for {0}", "без слов для {0}", "nessuna parola per {0}"], &[&to])
                    }
                };
                out.push(&self.scope(scope));
                out
            }
            Expectation::Issue { count, instrument, name, scope }
            | Expectation::Withdraw { count, instrument, name, scope } => {
                let thing = self.instrument(*instrument, &name.dotted()).into();
                let texts = if matches!(expectation, Expectation::Withdraw { .. }) {
                    ["withdrawn: {0}", "отозвано: {0}", "revocato: {0}"]
                } else {
                    ["issued: {0}", "выдано: {0}", "rilasciato: {0}"]
                };
                let mut out = self.text(texts, &[&thing]);
                if let Some(count) = count {
                    let count = self.noun(count);
                    out.push(
                        &self.text(
                            [", {0} in number", ", в количестве: {0}", ", in numero di {0}"],
                            &[&count],
                        ),
                    );
                }
                out.push(&self.scope(scope));
                out
            }
            Expectation::Gift(goods, scope) => {
                let nouns = [&self.noun(&goods.quantity), &self.named(&goods.kind, &goods.names).into()];
                let mut out =
                    self.text(["a present of {0}: {1}", "подарок: {0}, {1}", "omaggio: {0}, {1}"], &nouns);
                out.push(&self.scope(scope));
                out
            }
            Expectation::Tier(tiers, level) => {
                let nouns = [
                    &self.declared_title("tiers", &tiers.dotted()).into(),
                    &Phrase::name(level.text.clone()).into(),
                ];
                self.text(["the level of {0} is {1}", "уровень {0}: {1}", "il livello di {0} è {1}"], &nouns)
            }
            Expectation::Badge(badge, has) => {
                let badge = self.declared_title("badge", &badge.dotted()).into();
                let texts = if *has {
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
                self.text(texts, &[&badge])
            }
            Expectation::Coupon(coupon, accepted) => {
                let coupon = self.declared_title("coupon", &coupon.dotted()).into();
                let texts = if *accepted {
                    ["the coupon {0} is accepted", "купон {0} принят", "il coupon {0} è accettato"]
                } else {
                    ["the coupon {0} is refused", "купон {0} отклонён", "il coupon {0} è rifiutato"]
                };
                self.text(texts, &[&coupon])
            }
            Expectation::Refused(why) => {
                let mut out =
                    self.text(["the event is refused", "событие отклонено", "l’evento è rifiutato"], &[]);
                if let Some(why) = why {
                    out.push_words(": ");
                    out.push(&self.language.quoted(&why.value));
                }
                out
            }
            Expectation::Offer(offer, outcome) => {
                let offer = self.declared_title("offer", &offer.dotted()).into();
                match outcome {
                    OfferOutcome::Shown(at) => {
                        let mut out = self.text(
                            [
                                "the offer {0} is shown",
                                "предложение {0} показано",
                                "l’offerta {0} è mostrata",
                            ],
                            &[&offer],
                        );
                        if let Some(at) = at {
                            let at = Phrase::words(at.text.clone()).into();
                            out.push(&self.text([" in place {0}", " на месте {0}", " al posto {0}"], &[&at]));
                        }
                        out
                    }
                    OfferOutcome::Hidden(by) => {
                        let mut out = self.text(
                            ["the offer {0} is hidden", "предложение {0} скрыто", "l’offerta {0} è nascosta"],
                            &[&offer],
                        );
                        if let Some(by) = by {
                            let by = Phrase::name(by.text.clone()).into();
                            out.push(&self.text([" by {0}", " из-за {0}", " per {0}"], &[&by]));
                        }
                        out
                    }
                }
            }
            Expectation::Offers(offers) => {
                let offers: Vec<Phrase> =
                    offers.iter().map(|offer| self.declared_title("offer", &offer.dotted())).collect();
                let offers = Phrase::joined(&offers, ", ").into();
                self.text(
                    [
                        "exactly these offers: {0}",
                        "ровно эти предложения: {0}",
                        "esattamente queste offerte: {0}",
                    ],
                    &[&offers],
                )
            }
            Expectation::Contacts(made) => {
                let made: Vec<Phrase> = made.iter().map(|id| self.language.quoted(&id.value)).collect();
                if made.is_empty() {
                    return self.text(["no contact", "ни одного контакта", "nessun contatto"], &[]);
                }
                let made = Phrase::joined(&made, ", ").into();
                self.text(
                    [
                        "exactly these contacts: {0}",
                        "ровно эти контакты: {0}",
                        "esattamente questi contatti: {0}",
                    ],
                    &[&made],
                )
            }
            Expectation::Holds(condition) => self.clause(condition, true),
        }
    }

    fn expected(&self, texts: [&'static str; 3], amount: &Expr, scope: &Scope) -> Phrase {
        let amount = self.noun(amount);
        self.text(texts, &[&amount]).then(&self.scope(scope))
    }

    fn scope(&self, scope: &Scope) -> Phrase {
        let Scope { to, rule, line, unit } = scope;
        let mut out = Phrase::default();
        if let Some(to) = to {
            let to = self.language.quoted(&to.value).into();
            out.push(&self.text([", to member {0}", ", участнику {0}", ", al partecipante {0}"], &[&to]));
        }
        if let Some(rule) = rule {
            let rule = self.rule_title(rule).into();
            out.push(&self.text([", by rule {0}", ", по правилу {0}", ", per la regola {0}"], &[&rule]));
        }
        match line {
            Some(LineRef::Position(position)) => {
                let position = Phrase::words(position.text.clone()).into();
                out.push(&self.text([", on line {0}", ", на позицию {0}", ", sulla riga {0}"], &[&position]));
            }
            Some(LineRef::Sku(sku)) => {
                let sku = self.language.quoted(&sku.value).into();
                out.push(
                    &self.text([", on article {0}", ", на артикул {0}", ", sull’articolo {0}"], &[&sku]),
                );
            }
            None => {}
        }
        if let Some(unit) = unit {
            let unit = Phrase::words(unit.text.clone()).into();
            out.push(&self.text([", piece {0}", ", штука {0}", ", pezzo {0}"], &[&unit]));
        }
        out
    }
}

type Titles<'t> = &'t [(Name, Text)];

fn shared_titles(clause: &Clause) -> Option<Titles<'_>> {
    let titles = titles_of(std::slice::from_ref(clause));
    (!titles.is_empty()).then_some(titles)
}

fn program_titles(clauses: &[ProgramClause]) -> Titles<'_> {
    let found = clauses
        .iter()
        .find_map(|clause| if let ProgramClause::Title(titles) = clause { Some(titles) } else { None });
    found.map_or(&[], Vec::as_slice)
}

fn account_titles(clauses: &[AccountClause]) -> Titles<'_> {
    let found = clauses
        .iter()
        .find_map(|clause| if let AccountClause::Title(titles) = clause { Some(titles) } else { None });
    found.map_or(&[], Vec::as_slice)
}

fn group_titles(clauses: &[GroupClause]) -> Titles<'_> {
    clauses
        .iter()
        .find_map(
            |clause| if let GroupClause::Shared(clause) = clause { shared_titles(clause) } else { None },
        )
        .unwrap_or_default()
}

fn ensure_titles(clauses: &[Placed<EnsureClause>]) -> Titles<'_> {
    clauses
        .iter()
        .find_map(|clause| match &clause.kind {
            EnsureClause::Shared(shared) => Some(titles_of(std::slice::from_ref(shared))),
            EnsureClause::ForEach { .. } | EnsureClause::Keep(_) | EnsureClause::NoGain(_) => None,
        })
        .unwrap_or_default()
}

fn no_gain_from(way: Way) -> [&'static str; 3] {
    match way {
        Way::Splitting => [
            "nobody gains by paying for the same goods on two receipts",
            "разделить покупку на два чека не выгоднее",
            "chi divide gli stessi acquisti in due scontrini non ci guadagna",
        ],
        Way::Merging => [
            "nobody gains by paying for two receipts together",
            "объединить две покупки в один чек не выгоднее",
            "chi unisce due scontrini in uno non ci guadagna",
        ],
        Way::Returning => [
            "nobody gains by buying more and bringing it back",
            "купить больше и вернуть часть не выгоднее",
            "chi compra di più e ne restituisce una parte non ci guadagna",
        ],
    }
}

fn badge_titles(clauses: &[Placed<BadgeClause>]) -> Titles<'_> {
    clauses
        .iter()
        .find_map(
            |clause| {
                if let BadgeClause::Title(titles) = &clause.kind { Some(titles.as_slice()) } else { None }
            },
        )
        .unwrap_or_default()
}

fn tiers_titles(clauses: &[Placed<TiersClause>]) -> Titles<'_> {
    clauses
        .iter()
        .find_map(
            |clause| {
                if let TiersClause::Title(titles) = &clause.kind { Some(titles.as_slice()) } else { None }
            },
        )
        .unwrap_or_default()
}

fn coupon_titles(clauses: &[Placed<CouponClause>]) -> Titles<'_> {
    clauses
        .iter()
        .find_map(
            |clause| {
                if let CouponClause::Shared(clause) = &clause.kind { shared_titles(clause) } else { None }
            },
        )
        .unwrap_or_default()
}

fn certificate_titles(clauses: &[Placed<CertificateClause>]) -> Titles<'_> {
    clauses
        .iter()
        .find_map(|clause| {
            if let CertificateClause::Title(titles) = &clause.kind { Some(titles.as_slice()) } else { None }
        })
        .unwrap_or_default()
}

fn redemption_titles(clauses: &[Placed<RedemptionClause>]) -> Titles<'_> {
    clauses
        .iter()
        .find_map(|clause| {
            if let RedemptionClause::Shared(clause) = &clause.kind { shared_titles(clause) } else { None }
        })
        .unwrap_or_default()
}

fn offer_titles(clauses: &[Placed<OfferClause>]) -> Titles<'_> {
    clauses
        .iter()
        .find_map(
            |clause| {
                if let OfferClause::Shared(clause) = &clause.kind { shared_titles(clause) } else { None }
            },
        )
        .unwrap_or_default()
}

fn arbitration_titles(clauses: &[Placed<ArbitrationClause>]) -> Titles<'_> {
    clauses
        .iter()
        .find_map(|clause| {
            if let ArbitrationClause::Title(titles) = &clause.kind { Some(titles.as_slice()) } else { None }
        })
        .unwrap_or_default()
}

fn level_title<'t>(clauses: &'t [Placed<TiersClause>], name: &str) -> Option<&'t str> {
    clauses.iter().find_map(|clause| match &clause.kind {
        TiersClause::Level(level) if level.name.text == name => {
            level.title.as_ref().map(|title| title.value.as_str())
        }
        TiersClause::Level(_)
        | TiersClause::Title(_)
        | TiersClause::Measure(_)
        | TiersClause::UpgradeAtOnce
        | TiersClause::Downgrade(_)
        | TiersClause::KeepUntil(_)
        | TiersClause::Review { .. } => None,
    })
}
