//! What the files declare, and where names stand that the grammar alone says the sort of: `in group g`, `to bonus`,
//! `500 points`. It refuses to know what a name in an expression is bound to: the checker has seen that.

use perq_grammar::ast::{
    self, AccountClause, ArbitrationClause, AwardOptions, BadgeClause, CapacityOf, CertificateClause, Clause,
    ClauseKind, ContactScope, ContactsClause, CouponClause, EachOf, Effect, EffectKind, Expectation, Expr,
    ExprKind, GroupClause, Header, Instrument, Item, ItemKind, Members, Name, OfferClause, Path, Pattern,
    ProgramClause, RedemptionClause, SchedulePart, Source, SourceKind, SpendableClause, Target, TestField,
    TestStep, Text, TiersClause, TypeName, Window,
};
use perq_grammar::diagnostic::{FileId, Place, Span};

/// Sorts of what has a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// `program`
    Program,
    /// `account`
    Account,
    /// The unit of an account.
    Unit,
    /// `param`
    Param,
    /// `define`
    Define,
    /// `table`
    Table,
    /// `segment`
    Segment,
    /// `counter`
    Counter,
    /// `enum`
    Enum,
    /// A value of an enumeration.
    Value,
    /// `reference`
    Reference,
    /// `record`
    Record,
    /// A field of a record.
    Field,
    /// `event`
    Event,
    /// `group`
    Group,
    /// `rule`
    Rule,
    /// `template`
    Template,
    /// A parameter of a template.
    Blank,
    /// `coupon`
    Coupon,
    /// `certificate`
    Certificate,
    /// `badge`
    Badge,
    /// `tiers`
    Tiers,
    /// `level` of `tiers`
    Level,
    /// `redemption`
    Redemption,
    /// `test`
    Test,
    /// `use … as`
    Alias,
    /// `let`
    Let,
    /// A parameter of a `define` or `table`.
    Parameter,
    /// The name of a loop.
    Loop,
    /// `take bundle`
    Bundle,
    /// A part of a bundle.
    Part,
    /// `offer`
    Offer,
    /// `arbitration`
    Arbitration,
    /// `ensure`
    Ensure,
    /// `contacts`
    Contacts,
}

impl Kind {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Program => "program",
            Kind::Account => "account",
            Kind::Unit => "unit",
            Kind::Param => "param",
            Kind::Define => "define",
            Kind::Table => "table",
            Kind::Segment => "segment",
            Kind::Counter => "counter",
            Kind::Enum => "enum",
            Kind::Value => "value",
            Kind::Reference => "reference",
            Kind::Record => "record",
            Kind::Field => "field",
            Kind::Event => "event",
            Kind::Group => "group",
            Kind::Rule => "rule",
            Kind::Template => "template",
            Kind::Blank => "parameter",
            Kind::Coupon => "coupon",
            Kind::Certificate => "certificate",
            Kind::Badge => "badge",
            Kind::Tiers => "tiers",
            Kind::Level => "level",
            Kind::Redemption => "redemption",
            Kind::Test => "test",
            Kind::Alias => "file",
            Kind::Let => "let",
            Kind::Parameter => "parameter",
            Kind::Loop => "element",
            Kind::Bundle => "bundle",
            Kind::Part => "part",
            Kind::Offer => "offer",
            Kind::Arbitration => "arbitration",
            Kind::Ensure => "ensure",
            Kind::Contacts => "contacts",
        }
    }

    /// Whether its name is known only where it is declared: in its rule or function.
    pub fn is_local(self) -> bool {
        match self {
            Kind::Let | Kind::Parameter | Kind::Loop | Kind::Bundle | Kind::Part => true,
            Kind::Program
            | Kind::Account
            | Kind::Unit
            | Kind::Param
            | Kind::Define
            | Kind::Table
            | Kind::Segment
            | Kind::Counter
            | Kind::Enum
            | Kind::Value
            | Kind::Reference
            | Kind::Record
            | Kind::Field
            | Kind::Event
            | Kind::Group
            | Kind::Rule
            | Kind::Template
            | Kind::Blank
            | Kind::Coupon
            | Kind::Certificate
            | Kind::Badge
            | Kind::Tiers
            | Kind::Level
            | Kind::Redemption
            | Kind::Test
            | Kind::Alias
            | Kind::Offer
            | Kind::Arbitration
            | Kind::Ensure
            | Kind::Contacts => false,
        }
    }

    /// Whether each file that is imported has names of this sort of its own.
    pub fn is_of_file(self) -> bool {
        matches!(self, Kind::Param | Kind::Define | Kind::Table | Kind::Segment | Kind::Counter)
    }
}

/// Something with a name.
#[derive(Clone, Debug)]
pub struct Declaration {
    /// What.
    pub kind: Kind,
    /// Its name.
    pub name: String,
    /// The name's place.
    pub place: Place,
    /// All of it.
    pub full: Span,
    /// For people.
    pub title: Option<String>,
    /// `## …`
    pub docs: Vec<String>,
    /// What it is a part of: the record of a field, the enumeration of a value, the template of a parameter.
    pub owner: Option<String>,
    /// Its name can be followed by `was`; with the former name and its place, where it is.
    pub was: Option<Option<(String, Span)>>,
    /// The one before it in the list that it stands in.
    pub within: Option<usize>,
    /// Its type as it is written.
    pub ty: Option<Span>,
    /// `from …` of a field or an event: the place behind which a spelling can be added.
    pub spelling: Option<bool>,
}

/// A name that stands somewhere, with what the grammar says it is.
#[derive(Clone, Debug)]
pub struct Mention {
    /// Where.
    pub place: Place,
    /// The name.
    pub name: String,
    /// What it can be, likeliest first.
    pub kinds: &'static [Kind],
    /// What it is a part of, where that is known.
    pub owner: Option<String>,
}

/// All of a file.
#[derive(Debug, Default)]
pub struct Names {
    /// In source order, what holds others before them.
    pub declarations: Vec<Declaration>,
    /// In source order, more or less.
    pub mentions: Vec<Mention>,
}

/// What a file declares and mentions.
pub fn names(file: FileId, tree: &ast::File) -> Names {
    let mut walker = Walker { file, out: Names::default(), within: Vec::new() };
    for item in &tree.items {
        walker.item(item);
    }
    walker.out
}

struct Walker {
    file: FileId,
    out: Names,
    within: Vec<usize>,
}

const TYPES: &[Kind] = &[Kind::Enum, Kind::Tiers, Kind::Reference, Kind::Unit];

impl Walker {
    fn declare(&mut self, kind: Kind, name: &Name, full: Span) -> usize {
        let index = self.out.declarations.len();
        self.out.declarations.push(Declaration {
            kind,
            name: name.text.clone(),
            place: Place { file: self.file, span: name.span },
            full,
            title: None,
            docs: Vec::new(),
            owner: None,
            was: None,
            within: self.within.last().copied(),
            ty: None,
            spelling: None,
        });
        index
    }

    fn at(&mut self, index: usize, change: impl FnOnce(&mut Declaration)) {
        if let Some(declaration) = self.out.declarations.get_mut(index) {
            change(declaration);
        }
    }

    fn headed(&mut self, kind: Kind, header: &Header, docs: &[Text], full: Span) -> usize {
        let index = self.declare(kind, &header.name, full);
        self.at(index, |declaration| {
            declaration.title = header.title.as_ref().map(|title| title.value.clone());
            declaration.docs = lines_of(docs);
            declaration.was = Some(header.was.as_ref().map(|was| (was.text.clone(), was.span)));
        });
        index
    }

    fn mention(&mut self, kinds: &'static [Kind], name: &Name, owner: Option<&str>) {
        let place = Place { file: self.file, span: name.span };
        self.out.mentions.push(Mention {
            place,
            name: name.text.clone(),
            kinds,
            owner: owner.map(str::to_owned),
        });
    }

    fn mention_path(&mut self, kinds: &'static [Kind], path: &Path) {
        if let Some(last) = path.parts.last() {
            self.mention(kinds, last, None);
        }
        if let [alias, _] = path.parts.as_slice() {
            self.mention(&[Kind::Alias], alias, None);
        }
    }

    fn inside(&mut self, index: usize, walk: impl FnOnce(&mut Self)) {
        self.within.push(index);
        walk(self);
        self.within.pop();
    }

    fn item(&mut self, item: &Item) {
        let docs = item.docs.as_slice();
        match &item.kind {
            ItemKind::Language(_) => {}
            ItemKind::Use { path: _, alias, hash: _ } => {
                if let Some(alias) = alias {
                    self.declare(Kind::Alias, alias, item.span);
                }
            }
            ItemKind::Program(header, clauses) => {
                self.headed(Kind::Program, header, docs, item.span);
                for clause in clauses {
                    self.program_clause(clause);
                }
            }
            ItemKind::Account(header, clauses) => {
                let account = self.headed(Kind::Account, header, docs, item.span);
                self.inside(account, |walker| {
                    for clause in clauses {
                        walker.account_clause(clause, &header.name.text, item.span);
                    }
                });
            }
            ItemKind::Param { header, ty, values, range } => {
                let param = self.headed(Kind::Param, header, docs, item.span);
                self.at(param, |declaration| declaration.ty = Some(ty.span));
                self.type_name(ty);
                for (_, value) in values {
                    self.expr(value);
                }
                if let Some(range) = range {
                    self.expr(&range.low);
                    self.expr(&range.high);
                }
            }
            ItemKind::Define { header, params, gives, body } => {
                let define = self.headed(Kind::Define, header, docs, item.span);
                self.at(define, |declaration| declaration.ty = Some(gives.span));
                self.inside(define, |walker| walker.parameters(params));
                self.type_name(gives);
                self.inside(define, |walker| walker.expr(body));
            }
            ItemKind::Table { header, params, gives, policy: _, rows } => {
                let table = self.headed(Kind::Table, header, docs, item.span);
                self.at(table, |declaration| declaration.ty = Some(gives.span));
                self.inside(table, |walker| walker.parameters(params));
                self.type_name(gives);
                self.arms(rows);
            }
            ItemKind::Segment(header, condition) => {
                self.headed(Kind::Segment, header, docs, item.span);
                self.expr(condition);
            }
            ItemKind::Counter { header, per: _, value } => {
                self.headed(Kind::Counter, header, docs, item.span);
                self.expr(value);
            }
            ItemKind::Enum { header, ordered: _, values } => {
                let index = self.headed(Kind::Enum, header, docs, item.span);
                self.inside(index, |walker| {
                    for (value, title) in values {
                        let value = walker.declare(Kind::Value, value, value.span);
                        walker.at(value, |declaration| {
                            declaration.owner = Some(header.name.text.clone());
                            declaration.title = title.as_ref().map(|title| title.value.clone());
                        });
                    }
                });
            }
            ItemKind::Reference { name, hierarchical: _, of } => {
                let index = self.declare(Kind::Reference, name, item.span);
                self.at(index, |declaration| declaration.docs = lines_of(docs));
                if let Some(of) = of {
                    self.mention(&[Kind::Reference], of, None);
                }
            }
            ItemKind::Record(name, fields) => {
                let index = self.declare(Kind::Record, name, item.span);
                self.at(index, |declaration| declaration.docs = lines_of(docs));
                self.inside(index, |walker| walker.fields(&name.text, fields));
            }
            ItemKind::Extend(name, fields) => {
                self.mention(&[Kind::Record, Kind::Event], name, None);
                self.fields(&name.text, fields);
            }
            ItemKind::Event { name, from, fields } => {
                let index = self.declare(Kind::Event, name, item.span);
                self.at(index, |declaration| {
                    declaration.docs = lines_of(docs);
                    declaration.spelling = Some(!from.is_empty());
                });
                self.inside(index, |walker| walker.fields(&name.text, fields));
            }
            ItemKind::Group(header, clauses) => {
                let index = self.headed(Kind::Group, header, docs, item.span);
                self.inside(index, |walker| {
                    for clause in clauses {
                        walker.group_clause(clause);
                    }
                });
            }
            ItemKind::Rule(rule) => self.rule(rule),
            ItemKind::Test(test) => {
                let name = Name { text: test.name.value.clone(), span: test.name.span };
                let index = self.declare(Kind::Test, &name, item.span);
                self.at(index, |declaration| declaration.docs = lines_of(docs));
                self.inside(index, |walker| {
                    for step in &test.steps {
                        walker.step(step);
                    }
                });
            }
            ItemKind::Badge(header, clauses) => {
                self.headed(Kind::Badge, header, docs, item.span);
                for clause in clauses {
                    match &clause.kind {
                        BadgeClause::Title(_) => {}
                        BadgeClause::When(condition) => self.expr(condition),
                    }
                }
            }
            ItemKind::Tiers(header, clauses) => {
                let index = self.headed(Kind::Tiers, header, docs, item.span);
                self.inside(index, |walker| {
                    for clause in clauses {
                        walker.tiers_clause(&clause.kind, clause.span, &header.name.text);
                    }
                });
            }
            ItemKind::Coupon(header, clauses) => {
                let index = self.headed(Kind::Coupon, header, docs, item.span);
                self.inside(index, |walker| {
                    for clause in clauses {
                        walker.coupon_clause(&clause.kind);
                    }
                });
            }
            ItemKind::Certificate(header, clauses) => {
                self.headed(Kind::Certificate, header, docs, item.span);
                for clause in clauses {
                    match &clause.kind {
                        CertificateClause::Title(_) => {}
                        CertificateClause::Expires(expiry) => self.expiry(expiry),
                    }
                }
            }
            ItemKind::Redemption(header, clauses) => {
                let index = self.headed(Kind::Redemption, header, docs, item.span);
                self.inside(index, |walker| {
                    for clause in clauses {
                        walker.redemption_clause(&clause.kind);
                    }
                });
            }
            ItemKind::Template(template) => {
                let index = self.headed(Kind::Template, &template.header, docs, item.span);
                self.inside(index, |walker| {
                    for parameter in &template.parameters {
                        let blank = walker.declare(Kind::Blank, &parameter.name, parameter.span);
                        walker.at(blank, |declaration| {
                            declaration.owner = Some(template.header.name.text.clone());
                            declaration.docs = lines_of(&parameter.docs);
                            declaration.ty = Some(parameter.ty.span);
                        });
                        walker.type_name(&parameter.ty);
                        if let Some(default) = &parameter.default {
                            walker.expr(default);
                        }
                    }
                    for clause in &template.clauses {
                        walker.clause(clause, None);
                    }
                });
            }
            ItemKind::Offer(header, clauses) => {
                let index = self.headed(Kind::Offer, header, docs, item.span);
                self.inside(index, |walker| {
                    for clause in clauses {
                        walker.offer_clause(&clause.kind);
                    }
                });
            }
            ItemKind::Arbitration(header, clauses) => {
                self.headed(Kind::Arbitration, header, docs, item.span);
                for clause in clauses {
                    self.arbitration_clause(&clause.kind);
                }
            }
            ItemKind::Ensure(header, clauses) => {
                self.headed(Kind::Ensure, header, docs, item.span);
                for clause in clauses {
                    match &clause.kind {
                        ast::EnsureClause::Shared(clause) => self.clause(clause, None),
                        ast::EnsureClause::ForEach { unit: _, condition: None }
                        | ast::EnsureClause::NoGain(_) => {}
                        ast::EnsureClause::ForEach { unit: _, condition: Some(value) }
                        | ast::EnsureClause::Keep(value) => self.expr(value),
                    }
                }
            }
            ItemKind::Contacts(header, clauses) => {
                let index = self.headed(Kind::Contacts, header, docs, item.span);
                self.inside(index, |walker| {
                    for clause in clauses {
                        walker.contacts_clause(&clause.kind, clause.span);
                    }
                });
            }
        }
    }

    fn parameters(&mut self, params: &[(Name, TypeName)]) {
        for (name, ty) in params {
            let index = self.declare(Kind::Parameter, name, name.span.to(ty.span));
            self.at(index, |declaration| declaration.ty = Some(ty.span));
            self.type_name(ty);
        }
    }

    fn fields(&mut self, record: &str, fields: &[ast::FieldDeclaration]) {
        for field in fields {
            let mut full = field.name.span.to(field.ty.span);
            let parts = [
                field.scale.as_ref().map(|scale| scale.span),
                field.default.as_ref().map(|default| default.span),
                field.from.as_ref().map(|from| from.span),
            ];
            for part in parts.into_iter().flatten() {
                full = full.to(part);
            }
            let index = self.declare(Kind::Field, &field.name, full);
            self.at(index, |declaration| {
                declaration.docs = lines_of(&field.docs);
                declaration.owner = Some(record.to_owned());
                declaration.ty = Some(field.ty.span);
                declaration.spelling = Some(field.from.is_some());
            });
            self.type_name(&field.ty);
            if let Some(default) = &field.default {
                self.expr(default);
            }
        }
    }

    fn type_name(&mut self, ty: &TypeName) {
        self.mention(TYPES, &ty.name, None);
        if let Some(argument) = &ty.argument
            && ty.name.text == "points"
        {
            self.mention(&[Kind::Account], argument, None);
        }
    }

    fn program_clause(&mut self, clause: &ProgramClause) {
        match clause {
            ProgramClause::Order(names) => {
                for name in names {
                    self.mention(&[Kind::Group], name, None);
                }
            }
            ProgramClause::Tax { how: _, rounded: _, per: _, besides } => {
                if let Some(path) = besides {
                    self.field_path(path);
                }
            }
            ProgramClause::NotBelow(value) => self.expr(value),
            ProgramClause::Title(_)
            | ProgramClause::Version(_)
            | ProgramClause::Currency(_)
            | ProgramClause::Zone(_)
            | ProgramClause::Rounding(_)
            | ProgramClause::MonthEnd(_)
            | ProgramClause::WeekStarts(_)
            | ProgramClause::OnErrorSkipRule(_)
            | ProgramClause::Spread(..) => {}
        }
    }

    fn account_clause(&mut self, clause: &AccountClause, account: &str, full: Span) {
        match clause {
            AccountClause::Unit(name, _) => {
                let index = self.declare(Kind::Unit, name, full);
                self.at(index, |declaration| declaration.owner = Some(account.to_owned()));
            }
            AccountClause::NotBelow(value) => self.expr(value),
            AccountClause::Worth(from, to) => {
                self.expr(from);
                self.expr(to);
            }
            AccountClause::Expire(expire, _) => match expire {
                ast::Expire::AfterAward(value) | ast::Expire::On(value) => self.expr(value),
                ast::Expire::AtEndOf { period: _, plus } => {
                    if let Some(plus) = plus {
                        self.expr(plus);
                    }
                }
            },
            AccountClause::Title(_)
            | AccountClause::Round { .. }
            | AccountClause::Redeemable(_)
            | AccountClause::Qualifying(_)
            | AccountClause::Melt(_)
            | AccountClause::UseFirst(_)
            | AccountClause::Shortfall(_) => {}
        }
    }

    fn group_clause(&mut self, clause: &GroupClause) {
        match clause {
            GroupClause::Kind(_) | GroupClause::Displace { .. } | GroupClause::OnPrice(_) => {}
            GroupClause::Excludes(path, _) => self.mention_path(&[Kind::Group], path),
            GroupClause::Shared(clause) => self.clause(clause, None),
            GroupClause::Rule(rule) => self.rule(rule),
        }
    }

    fn rule(&mut self, rule: &ast::Rule) {
        let index = self.headed(Kind::Rule, &rule.header, &rule.docs, rule.span);
        if let Some(group) = &rule.group {
            self.mention_path(&[Kind::Group], group);
        }
        let template = rule.template.as_ref();
        if let Some(template) = template {
            self.mention_path(&[Kind::Template], template);
        }
        let template = template.and_then(|path| path.parts.last()).map(|name| name.text.clone());
        self.inside(index, |walker| {
            for clause in &rule.clauses {
                walker.clause(clause, template.as_deref());
            }
        });
    }

    fn binding(&mut self, binding: &ast::Let, full: Span, docs: &[Text]) {
        let index = self.declare(Kind::Let, &binding.name, full);
        let ty = binding.ty.as_ref().map(|ty| ty.span);
        self.at(index, |declaration| {
            declaration.ty = ty;
            declaration.docs = lines_of(docs);
        });
        if let Some(ty) = &binding.ty {
            self.type_name(ty);
        }
        self.expr(&binding.value);
    }

    fn clause(&mut self, clause: &Clause, template: Option<&str>) {
        match &clause.kind {
            ClauseKind::Title(_)
            | ClauseKind::Priority(_)
            | ClauseKind::NotEffective
            | ClauseKind::About(_) => {}
            ClauseKind::Valid(periods) => {
                for period in periods {
                    self.expr(&period.from);
                    if let Some((to, _)) = &period.to {
                        self.expr(to);
                    }
                }
            }
            ClauseKind::Schedule(parts) => self.schedule(parts),
            ClauseKind::On(occasions) => {
                for (path, _) in occasions {
                    self.mention_path(&[Kind::Event], path);
                }
            }
            ClauseKind::When(value) | ClauseKind::Unless(value) | ClauseKind::EffectiveFrom(value) => {
                self.expr(value);
            }
            ClauseKind::Let(binding) => self.binding(binding, clause.span, &clause.docs),
            ClauseKind::Limit { amount, per: _, window, otherwise: _ }
            | ClauseKind::Budget { amount, window, otherwise: _ } => {
                self.expr(amount);
                self.window(window.as_ref());
            }
            ClauseKind::Take(bundle) => {
                let index = self.declare(Kind::Bundle, &bundle.name, clause.span);
                if let Some(up_to) = &bundle.up_to {
                    self.expr(up_to);
                }
                self.inside(index, |walker| {
                    for part in &bundle.parts {
                        let index = walker.declare(Kind::Part, &part.name, part.span);
                        walker.at(index, |declaration| declaration.owner = Some(bundle.name.text.clone()));
                        walker.expr(&part.count);
                        walker.source(&part.of);
                    }
                });
            }
            ClauseKind::Process { when: _, no_later_than } => {
                if let Some(value) = no_later_than {
                    self.expr(value);
                }
            }
            ClauseKind::Spendable(clauses) => {
                for clause in clauses {
                    match &clause.kind {
                        SpendableClause::After(value) | SpendableClause::Until(value) => self.expr(value),
                        SpendableClause::For(source) => self.source(source),
                        SpendableClause::Shared(clause) => self.clause(clause, None),
                    }
                }
            }
            ClauseKind::With(name, value) => {
                self.mention(&[Kind::Blank], name, template);
                self.expr(value);
            }
            ClauseKind::Then(effects) => effects.iter().for_each(|effect| self.effect(effect)),
        }
    }

    fn schedule(&mut self, parts: &[SchedulePart]) {
        for part in parts {
            if let SchedulePart::Zone(Err(path)) = part {
                self.field_path(path);
            }
        }
    }

    fn coupon_clause(&mut self, clause: &CouponClause) {
        match clause {
            CouponClause::CodesUnique | CouponClause::CodesShared(_) => {}
            CouponClause::Uses { times, per: _ } => self.expr(times),
            CouponClause::Expires(expiry) => self.expiry(expiry),
            CouponClause::InGroup(path) | CouponClause::NotWithGroup(path, _) => {
                self.mention_path(&[Kind::Group], path);
            }
            CouponClause::NotWithCoupon(path) => self.mention_path(&[Kind::Coupon], path),
            CouponClause::Shared(clause) => self.clause(clause, None),
        }
    }

    fn redemption_clause(&mut self, clause: &RedemptionClause) {
        match clause {
            RedemptionClause::From(path) => self.mention_path(&[Kind::Account], path),
            RedemptionClause::For(source) => self.source(source),
            RedemptionClause::Rate(from, to) => {
                self.expr(from);
                self.expr(to);
            }
            RedemptionClause::AtMost(value)
            | RedemptionClause::AtLeast(value)
            | RedemptionClause::Step(value)
            | RedemptionClause::CashAtLeast(value) => self.expr(value),
            RedemptionClause::Pay { points, plus } => {
                self.expr(points);
                if let Some(plus) = plus {
                    self.expr(plus);
                }
            }
            RedemptionClause::Confirm { how: _, above } => self.expr(above),
            RedemptionClause::MemberChoosesAmount | RedemptionClause::IfShort(_) => {}
            RedemptionClause::Shared(clause) => self.clause(clause, None),
        }
    }

    fn tiers_clause(&mut self, clause: &TiersClause, full: Span, tiers: &str) {
        match clause {
            TiersClause::Measure(value) | TiersClause::KeepUntil(value) => self.expr(value),
            TiersClause::Level(level) => {
                let index = self.declare(Kind::Level, &level.name, full);
                self.at(index, |declaration| {
                    declaration.title = level.title.as_ref().map(|title| title.value.clone());
                    declaration.docs = lines_of(&level.docs);
                    declaration.owner = Some(tiers.to_owned());
                });
                for value in level.from.iter().chain(&level.when) {
                    self.expr(value);
                }
            }
            TiersClause::Title(_)
            | TiersClause::UpgradeAtOnce
            | TiersClause::Downgrade(_)
            | TiersClause::Review { .. } => {}
        }
    }

    fn offer_clause(&mut self, clause: &OfferClause) {
        match clause {
            OfferClause::Display(_)
            | OfferClause::Channels(_)
            | OfferClause::Goals(_)
            | OfferClause::Say(_) => {}
            OfferClause::Purpose(purpose) => match purpose {
                ast::Purpose::Message => {}
                ast::Purpose::Product(kind, _) => self.mention(&[Kind::Reference], kind, None),
            },
            OfferClause::Also(kind, _) => self.mention(&[Kind::Reference], kind, None),
            OfferClause::Score(value) | OfferClause::Rest(value, _) => self.expr(value),
            OfferClause::Learn(learn) => {
                self.expr(&learn.prior);
                learn.by.iter().for_each(|by| self.expr(&by.value));
            }
            OfferClause::On(_, effects) => effects.iter().for_each(|effect| self.effect(effect)),
            OfferClause::Shared(clause) => self.clause(clause, None),
        }
    }

    fn contacts_clause(&mut self, clause: &ContactsClause, full: Span) {
        match clause {
            ContactsClause::Title(_) => {}
            ContactsClause::Let(binding) => self.binding(binding, full, &[]),
            ContactsClause::Maximise(value) => self.expr(value),
            ContactsClause::Inclusion { include: _, scope, members } => {
                self.contact_scope(scope);
                self.members(members.as_ref());
            }
            ContactsClause::Capacity { what, scope, window: _, exceptions: _ } => {
                if let CapacityOf::Amount { function: _, value, comparison: _, bound } = what {
                    self.expr(value);
                    self.expr(bound);
                }
                self.contact_scope(scope);
            }
            ContactsClause::Each { members, what } => {
                self.members(members.as_ref());
                match what {
                    EachOf::Bounds { bounds: _, of_same: _, scope, window: _, skip: _ } => {
                        self.contact_scope(scope)
                    }
                    EachOf::Never { first, in_order: _, second, window: _ } => {
                        self.contact_scope(first);
                        self.contact_scope(second);
                    }
                    EachOf::Gets { scope, after: _, on, window: _ } => {
                        self.contact_scope(scope);
                        self.contact_scope(on);
                    }
                }
            }
        }
    }

    fn contact_scope(&mut self, scope: &ContactScope) {
        if let Some(condition) = &scope.condition {
            self.expr(condition);
        }
    }

    fn members(&mut self, members: Option<&Members>) {
        if let Some(Members::Path(path)) = members {
            self.path(path);
        }
    }

    fn arbitration_clause(&mut self, clause: &ArbitrationClause) {
        match clause {
            ArbitrationClause::Offers(class) => self.expr(&class.condition),
            ArbitrationClause::OrderBy(keys) => keys.iter().for_each(|(key, _)| self.expr(key)),
            ArbitrationClause::Ties(path) => self.field_path(path),
            ArbitrationClause::Explore(_, paths) => paths.iter().for_each(|path| self.field_path(path)),
            ArbitrationClause::Title(_)
            | ArbitrationClause::Channels(_)
            | ArbitrationClause::Slots(_)
            | ArbitrationClause::AtMost(..) => {}
        }
    }

    fn expiry(&mut self, expiry: &ast::Expiry) {
        match expiry {
            ast::Expiry::After(value) | ast::Expiry::On(value) => self.expr(value),
            ast::Expiry::Never => {}
        }
    }

    fn effect(&mut self, effect: &Effect) {
        match &effect.kind {
            EffectKind::ForEach { name, source, body } => {
                self.source(source);
                let index = self.declare(Kind::Loop, name, effect.span);
                self.inside(index, |walker| body.iter().for_each(|effect| walker.effect(effect)));
            }
            EffectKind::Award { amount, to, options } => {
                self.expr(amount);
                if let Some(to) = to {
                    self.account_path(to);
                }
                let AwardOptions { available, expires, cancel: _, spent_at_once: _, reason: _ } = options;
                if let Some(available) = available {
                    match &available.kind {
                        ast::Available::After(value) | ast::Available::On(value) => self.expr(value),
                    }
                }
                if let Some(expires) = expires {
                    self.expiry(&expires.kind);
                }
            }
            EffectKind::Debit { amount, from, reason: _ } => {
                self.expr(amount);
                if let Some(from) = from {
                    self.account_path(from);
                }
            }
            EffectKind::Gift(gift) => {
                self.expr(&gift.quantity);
                for choice in &gift.choices {
                    self.mention(&[Kind::Reference], &choice.kind, None);
                    if let Some(stock) = &choice.stock {
                        self.expr(stock);
                    }
                }
            }
            EffectKind::Issue(issue) => {
                if let Some(count) = &issue.count {
                    self.expr(count);
                }
                self.mention_path(instrument(issue.instrument), &issue.name);
                if let Some(value) = &issue.value {
                    self.expr(value);
                }
                if let Some(to) = &issue.to {
                    self.field_path(to);
                }
                if let Some(expires) = &issue.expires {
                    self.expiry(&expires.kind);
                }
            }
            EffectKind::Set { path, value, until } => {
                self.field_path(path);
                self.expr(value);
                if let Some(until) = until {
                    self.expr(until);
                }
            }
            EffectKind::Multiply { group, by } => {
                self.mention_path(&[Kind::Group], group);
                self.expr(by);
            }
            EffectKind::Discount { amount, target, .. } | EffectKind::Price { amount, target, .. } => {
                self.expr(amount);
                match target {
                    Target::Basket(_) => {}
                    Target::Source(source) => self.source(source),
                }
            }
            EffectKind::Let(binding) => self.binding(binding, effect.span, &effect.docs),
            EffectKind::Say(_) => {}
            EffectKind::Show(offer) => self.mention_path(&[Kind::Offer], offer),
        }
    }

    /// `to bonus`, `to member.invited_by`, `to member.invited_by.bonus`
    fn account_path(&mut self, path: &Path) {
        if let [head, rest @ ..] = path.parts.as_slice()
            && head.text == "member"
            && !rest.is_empty()
        {
            if let [field, account @ ..] = rest {
                self.mention(&[Kind::Field], field, Some("member"));
                if let [account] = account {
                    self.mention(&[Kind::Account], account, None);
                }
            }
            return;
        }
        self.mention_path(&[Kind::Account], path);
    }

    /// `member.tier`, `line.luxury_tax`, `purchase.store`
    fn field_path(&mut self, path: &Path) {
        if let [head, rest @ ..] = path.parts.as_slice() {
            self.mention(&[Kind::Event], head, None);
            if let Some(last) = rest.last() {
                self.mention(&[Kind::Field, Kind::Tiers, Kind::Badge], last, Some(&head.text));
            }
        }
    }

    fn window(&mut self, window: Option<&Window>) {
        if let Some(Window::Range(range)) = window {
            self.expr(&range.low);
            self.expr(&range.high);
        }
    }

    fn source(&mut self, source: &Source) {
        match &source.kind {
            SourceKind::Filter { earlier: _, collection, window, condition } => {
                self.path(collection);
                self.window(window.as_ref());
                if let Some(condition) = condition {
                    self.expr(condition);
                }
            }
            SourceKind::Extreme { cheapest: _, count, every: _, of } => {
                self.expr(count);
                self.source(of);
            }
            SourceKind::EveryNth { nth: _, of, key, descending: _ } => {
                self.source(of);
                self.field_path(key);
            }
        }
    }

    fn arms(&mut self, arms: &[ast::Arm]) {
        for arm in arms {
            for pattern in &arm.patterns {
                match pattern {
                    Pattern::Band { from, until } => {
                        self.expr(from);
                        if let Some(until) = until {
                            self.expr(until);
                        }
                    }
                    Pattern::Any(_) => {}
                    Pattern::Value(value) => self.expr(value),
                }
            }
            self.expr(&arm.value);
        }
    }

    /// A path in an expression: what the checker has not seen of it.
    fn path(&mut self, path: &Path) {
        let Some((head, rest)) = path.parts.split_first() else { return };
        if let [first, .., account] = rest
            && head.text == "member"
            && first.text == "balance"
        {
            self.mention(&[Kind::Account], account, None);
        }
        if let [first, .., badge] = rest
            && head.text == "member"
            && matches!(first.text.as_str(), "badges" | "badge")
        {
            self.mention(&[Kind::Badge], badge, None);
        }
        self.mention(&[Kind::Alias, Kind::Event], head, None);
        if let [.., last] = rest
            && head.text == "member"
        {
            self.mention(&[Kind::Field], last, Some("member"));
        }
    }

    fn expr(&mut self, expr: &Expr) {
        match &expr.kind {
            ExprKind::Error
            | ExprKind::Hole
            | ExprKind::Number(_)
            | ExprKind::Percent(_)
            | ExprKind::Date(_)
            | ExprKind::Time(_)
            | ExprKind::Instant(..)
            | ExprKind::Text(_)
            | ExprKind::Bool(_) => {}
            ExprKind::Quantity(_, unit) => self.mention(&[Kind::Unit], unit, None),
            ExprKind::Reference(kind, _) => self.mention(&[Kind::Reference], kind, None),
            ExprKind::List(parts) | ExprKind::Logic(_, parts) => {
                parts.iter().for_each(|part| self.expr(part));
            }
            ExprKind::Path(path) => self.path(path),
            ExprKind::Call(path, arguments) => {
                if let [alias, _] = path.parts.as_slice() {
                    self.mention(&[Kind::Alias], alias, None);
                }
                arguments.iter().for_each(|argument| self.expr(argument));
            }
            ExprKind::Not(inner) | ExprKind::Known(inner, _) | ExprKind::Negate(inner) => self.expr(inner),
            ExprKind::As(inner, unit, _) => {
                self.expr(inner);
                self.mention(&[Kind::Unit], unit, None);
            }
            ExprKind::Compare(_, left, right)
            | ExprKind::Of(left, right)
            | ExprKind::Steps(left, right)
            | ExprKind::In { value: left, negated: _, set: right } => {
                self.expr(left);
                self.expr(right);
            }
            ExprKind::InRange { value, negated: _, range } => {
                self.expr(value);
                self.expr(&range.low);
                self.expr(&range.high);
            }
            ExprKind::Sum(first, rest) => {
                self.expr(first);
                rest.iter().for_each(|(_, part)| self.expr(part));
            }
            ExprKind::Product(first, rest) => {
                self.expr(first);
                rest.iter().for_each(|(_, part)| self.expr(part));
            }
            ExprKind::Aggregate { function: _, value, source } => {
                if let Some(value) = value {
                    self.expr(value);
                }
                self.source(source);
            }
            ExprKind::By(subject, arms) => {
                self.expr(subject);
                self.arms(arms);
            }
            ExprKind::Collection(source) => self.source(source),
        }
    }

    fn step(&mut self, step: &TestStep) {
        match step {
            TestStep::Given { earlier: _, what, id: _, of: _, at, fields, span: _ } => {
                self.mention(&[Kind::Event, Kind::Reference, Kind::Record], what, None);
                if let Some(at) = at {
                    self.expr(at);
                }
                self.test_fields(&what.text, fields);
            }
            TestStep::Expect(expectation, _) => self.expectation(expectation),
            TestStep::After(..) => {}
            TestStep::With(name, value) => {
                self.mention(&[Kind::Param], name, None);
                self.expr(value);
            }
            TestStep::Item(item) => self.item(item),
        }
    }

    fn test_fields(&mut self, record: &str, fields: &[TestField]) {
        for field in fields {
            match field {
                TestField::Record(name, fields, _) => self.test_fields(&name.text, fields),
                TestField::Value(path, value) => {
                    match path.parts.as_slice() {
                        [name] => self.mention(&[Kind::Field, Kind::Tiers], name, Some(record)),
                        [head, name, ..] if head.text == "member" || head.text == "product" => {
                            self.mention(&[Kind::Field, Kind::Tiers], name, Some(&head.text));
                        }
                        _ => {}
                    }
                    self.test_value(value);
                }
            }
        }
    }

    /// Values of records are read by the type of their field.
    fn test_value(&mut self, value: &Expr) {
        if let ExprKind::Path(path) = &value.kind
            && let [name] = path.parts.as_slice()
        {
            self.mention(&[Kind::Value, Kind::Level], name, None);
            return;
        }
        self.expr(value);
    }

    fn scope(&mut self, scope: &ast::Scope) {
        if let Some(rule) = &scope.rule {
            self.mention_path(&[Kind::Rule], rule);
        }
    }

    fn expectation(&mut self, expectation: &Expectation) {
        const RULES: &[Kind] = &[Kind::Rule, Kind::Coupon, Kind::Redemption];
        match expectation {
            Expectation::Nothing | Expectation::Refused(_) | Expectation::Contacts(_) => {}
            Expectation::Offer(path, _) => self.mention_path(&[Kind::Offer], path),
            Expectation::Offers(paths) => {
                paths.iter().for_each(|path| self.mention_path(&[Kind::Offer], path));
            }
            Expectation::Fires(rule) | Expectation::Silent(rule) | Expectation::Fails(rule, _) => {
                self.mention_path(RULES, rule);
            }
            Expectation::DisplacedBy(rule, by) => {
                self.mention_path(RULES, rule);
                self.mention_path(RULES, by);
            }
            Expectation::LimitedTo(rule, amount) => {
                self.mention_path(RULES, rule);
                self.expr(amount);
            }
            Expectation::Award(amount, scope)
            | Expectation::Discount(amount, scope)
            | Expectation::Tax(amount, scope) => {
                self.expr(amount);
                self.scope(scope);
            }
            Expectation::Total(amount) | Expectation::NetTotal(amount) | Expectation::Holds(amount) => {
                self.expr(amount);
            }
            Expectation::Balance(account, _, amount) => {
                self.mention_path(&[Kind::Account], account);
                self.expr(amount);
            }
            Expectation::Debit { amount, from, scope } => {
                self.expr(amount);
                if let Some(from) = from {
                    self.mention_path(&[Kind::Account], from);
                }
                self.scope(scope);
            }
            Expectation::Say { to: _, text: _, scope } => self.scope(scope),
            Expectation::Issue { count, instrument: what, name, scope }
            | Expectation::Withdraw { count, instrument: what, name, scope } => {
                if let Some(count) = count {
                    self.expr(count);
                }
                self.mention_path(instrument(*what), name);
                self.scope(scope);
            }
            Expectation::Gift(goods, scope) => {
                self.expr(&goods.quantity);
                self.mention(&[Kind::Reference], &goods.kind, None);
                self.scope(scope);
            }
            Expectation::Tier(path, level) => {
                self.mention_path(&[Kind::Tiers], path);
                let tiers = path.parts.last().map(|name| name.text.clone());
                self.mention(&[Kind::Level], level, tiers.as_deref());
            }
            Expectation::Ensure(path, _) => self.mention_path(&[Kind::Ensure], path),
            Expectation::Badge(path, _) => self.mention_path(&[Kind::Badge], path),
            Expectation::Coupon(path, _) => self.mention_path(&[Kind::Coupon], path),
        }
    }
}

fn instrument(instrument: Instrument) -> &'static [Kind] {
    match instrument {
        Instrument::Coupon => &[Kind::Coupon],
        Instrument::Certificate => &[Kind::Certificate],
        Instrument::Badge => &[Kind::Badge],
    }
}

fn lines_of(docs: &[Text]) -> Vec<String> {
    docs.iter().map(|line| line.value.clone()).collect()
}
