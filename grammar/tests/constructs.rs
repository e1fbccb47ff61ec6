//! What the tree says of each loyalty construct. It refuses to know their meaning.

mod support;

use perq_grammar::ast::*;
use perq_grammar::diagnostic::{FileId, Span};
use perq_grammar::parse;

/// The file of the constructs, and a look at its text.
struct Reader {
    text: &'static str,
    items: Vec<Item>,
}

impl Reader {
    fn new(text: &'static str) -> Reader {
        let parsed = parse(FileId(0), text);
        assert_eq!(parsed.diagnostics, []);
        Reader { text, items: parsed.tree.items }
    }

    fn constructs() -> Reader {
        Reader::new(support::CONSTRUCTS)
    }

    /// What is written in the place.
    fn said(&self, span: Span) -> &'static str {
        &self.text[span.start as usize..span.end as usize]
    }

    fn expr(&self, expr: &Expr) -> &'static str {
        self.said(expr.span)
    }

    fn maybe(&self, expr: &Option<Expr>) -> Option<&'static str> {
        expr.as_ref().map(|expr| self.expr(expr))
    }

    /// The only item for which the question has an answer.
    fn item<T>(&self, question: impl Fn(&ItemKind) -> Option<T>) -> T {
        let mut found = self.items.iter().filter_map(|item| question(&item.kind));
        let first = found.next().expect("an item");
        assert!(found.next().is_none(), "one item");
        first
    }

    fn rule(&self, name: &str) -> Rule {
        let mut rules = self.items.iter().flat_map(|item| match &item.kind {
            ItemKind::Rule(rule) => vec![rule.clone()],
            ItemKind::Group(_, clauses) => {
                let rules = clauses.iter().filter_map(|clause| match clause {
                    GroupClause::Rule(rule) => Some(rule.clone()),
                    _ => None,
                });
                rules.collect()
            }
            _ => Vec::new(),
        });
        rules.find(|rule| rule.header.name.text == name).expect("a rule")
    }

    /// The effects of the rule with all of them.
    fn effects(&self) -> Vec<EffectKind> {
        let clauses = self.rule("sets").clauses;
        let effects = clauses.into_iter().find_map(|clause| match clause.kind {
            ClauseKind::Then(effects) => Some(effects),
            _ => None,
        });
        effects.expect("effects").into_iter().map(|effect| effect.kind).collect()
    }

    fn path(&self, path: &Path) -> &'static str {
        self.said(path.span)
    }
}

fn words(names: &[Name]) -> Vec<&str> {
    names.iter().map(|name| name.text.as_str()).collect()
}

fn pairs(pairs: &[(Name, Text)]) -> Vec<(&str, &str)> {
    pairs.iter().map(|(name, text)| (name.text.as_str(), text.value.as_str())).collect()
}

#[test]
fn accounts_say_how_their_lots_live() {
    let text = "account a { expire 365 days after award }
account b { expire on 2026-09-30 expire at end of year expire at end of half_year + grace }
account c { melt 10% of awarded every 30 days from 90 days after award use first oldest shortfall clamp }
";
    let reader = Reader::new(text);
    let clauses: Vec<AccountClause> = reader
        .items
        .iter()
        .flat_map(|item| match &item.kind {
            ItemKind::Account(_, clauses) => clauses.clone(),
            _ => Vec::new(),
        })
        .collect();
    let [after, on, at_end, at_end_plus, melt, first, short] = clauses.as_slice() else {
        panic!("seven clauses: {clauses:#?}")
    };
    let AccountClause::Expire(Expire::AfterAward(life), span) = after else { panic!("{after:?}") };
    assert_eq!((reader.expr(life), reader.said(*span)), ("365 days", "expire 365 days after award"));
    let AccountClause::Expire(Expire::On(day), _) = on else { panic!("{on:?}") };
    assert_eq!(reader.expr(day), "2026-09-30");
    let AccountClause::Expire(Expire::AtEndOf { period, plus: None }, _) = at_end else {
        panic!("{at_end:?}")
    };
    assert_eq!(period.text, "year");
    let AccountClause::Expire(Expire::AtEndOf { period, plus }, _) = at_end_plus else {
        panic!("{at_end_plus:?}")
    };
    assert_eq!((period.text.as_str(), reader.maybe(plus)), ("half_year", Some("grace")));
    let AccountClause::Melt(melt) = melt else { panic!("{melt:?}") };
    assert!(matches!(&melt.percent.kind, ExprKind::Percent(share) if share.text == "10"));
    assert_eq!(
        (melt.of, reader.expr(&melt.every), reader.expr(&melt.from)),
        (MeltOf::Awarded, "30 days", "90 days")
    );
    assert!(matches!(first, AccountClause::UseFirst(name) if name.text == "oldest"));
    assert!(matches!(short, AccountClause::Shortfall(name) if name.text == "clamp"));

    let remaining = Reader::constructs().item(|item| match item {
        ItemKind::Account(_, clauses) => clauses.iter().find_map(|clause| match clause {
            AccountClause::Melt(melt) => Some(melt.of),
            _ => None,
        }),
        _ => None,
    });
    assert_eq!(remaining, MeltOf::Remaining);
}

#[test]
fn counters_and_badges() {
    let reader = Reader::constructs();
    let (header, per, value) = reader.item(|item| match item {
        ItemKind::Counter { header, per, value } => Some((header.clone(), per.clone(), value.clone())),
        _ => None,
    });
    assert_eq!(header.title.map(|title| title.value).as_deref(), Some("Visits"));
    assert_eq!(words(&per), ["member", "store"]);
    assert_eq!(reader.expr(&value), "count(earlier purchases within last 90 days)");

    let badges: Vec<_> = reader
        .items
        .iter()
        .filter_map(|item| match &item.kind {
            ItemKind::Badge(header, clauses) => Some((header.name.text.as_str(), clauses)),
            _ => None,
        })
        .collect();
    let [("early_bird", bare), ("gourmet", clauses)] = badges.as_slice() else { panic!("{badges:?}") };
    assert!(bare.is_empty());
    let [title, when] = clauses.as_slice() else { panic!("{clauses:?}") };
    assert!(matches!(&title.kind, BadgeClause::Title(titles) if pairs(titles) == [("it", "Buongustaio")]));
    assert!(matches!(&when.kind, BadgeClause::When(condition) if reader.expr(condition) == "visits >= 10"));
}

#[test]
fn tiers() {
    let reader = Reader::constructs();
    let clauses = reader.item(|item| match item {
        ItemKind::Tiers(_, clauses) => Some(clauses.clone()),
        _ => None,
    });
    let kinds: Vec<&TiersClause> = clauses.iter().map(|clause| &clause.kind).collect();
    let [
        TiersClause::Title(_),
        TiersClause::Measure(measure),
        TiersClause::Level(base),
        TiersClause::Level(silver),
        TiersClause::Level(gold),
        TiersClause::UpgradeAtOnce,
        TiersClause::Downgrade(Downgrade::ToMeasure),
        TiersClause::KeepUntil(keep),
        TiersClause::Review { every, at: None },
    ] = kinds.as_slice()
    else {
        panic!("{kinds:#?}")
    };
    assert_eq!(reader.expr(measure), "visits");
    assert_eq!((base.docs.len(), &base.from, &base.when), (1, &None, &None));
    assert_eq!(silver.title.as_ref().map(|title| title.value.as_str()), Some("Silver"));
    assert_eq!(reader.maybe(&silver.from), Some("10"));
    assert_eq!(reader.maybe(&silver.when), Some("member.profile_complete"));
    assert_eq!(reader.maybe(&gold.from), Some("3 * 10"));
    assert_eq!((reader.expr(keep), every.text.as_str()), ("event.date + 12 months", "quarter"));

    let review = Reader::new("tiers t { downgrade never review every month at 03:00 downgrade one_level }\n");
    let clauses = review.item(|item| match item {
        ItemKind::Tiers(_, clauses) => Some(clauses.clone()),
        _ => None,
    });
    assert_eq!(clauses[0].kind, TiersClause::Downgrade(Downgrade::Never));
    assert!(matches!(&clauses[1].kind, TiersClause::Review { at: Some(at), .. } if at.text == "03:00"));
    assert_eq!(clauses[2].kind, TiersClause::Downgrade(Downgrade::OneLevel));
}

#[test]
fn coupons_and_certificates() {
    let reader = Reader::constructs();
    let clauses: Vec<Placed<CouponClause>> = reader
        .items
        .iter()
        .flat_map(|item| match &item.kind {
            ItemKind::Coupon(_, clauses) => clauses.clone(),
            _ => Vec::new(),
        })
        .collect();
    let mut uses = Vec::new();
    let mut others = Vec::new();
    let mut shared = Vec::new();
    for clause in &clauses {
        match &clause.kind {
            CouponClause::CodesUnique => others.push("unique"),
            CouponClause::CodesShared(code) => others.push(code.value.as_str()),
            CouponClause::Uses { times, per } => uses.push((times, words(per))),
            CouponClause::Expires(Expiry::After(length)) => others.push(reader.expr(length)),
            CouponClause::Expires(Expiry::On(_) | Expiry::Never) => panic!("{clause:?}"),
            CouponClause::NotWithGroup(path, _)
            | CouponClause::NotWithCoupon(path)
            | CouponClause::InGroup(path) => {
                others.push(reader.path(path));
            }
            CouponClause::Shared(clause) => shared.push(&clause.kind),
        }
    }
    assert_eq!(others, ["HELLO", "30 days", "sets", "other", "unique"]);
    let counts: Vec<_> = uses.iter().map(|(times, per)| (reader.expr(times), per.as_slice())).collect();
    assert_eq!(counts[0], ("most_uses + 1", ["member", "month"].as_slice()));
    assert!(
        matches!(&uses[0].0.kind, ExprKind::Sum(_, rest) if matches!(rest[0].1.kind, ExprKind::Number(_)))
    );
    assert!(matches!(uses[1].0.kind, ExprKind::Product(..)));
    assert!(matches!(&uses[2].0.kind, ExprKind::Number(number) if number.text == "1"));

    let [
        ClauseKind::Title(_),
        ClauseKind::About(about),
        ClauseKind::Valid(periods),
        ClauseKind::EffectiveFrom(from),
        ClauseKind::NotEffective,
        ClauseKind::Let(_),
        ClauseKind::When(_),
        ClauseKind::Unless(_),
        ClauseKind::Limit { amount, per, window: Some(Window::This(year)), otherwise },
        ClauseKind::Budget { amount: most, window: None, otherwise: cut },
        ClauseKind::Priority(_),
        ClauseKind::Then(_),
        ..,
    ] = shared.as_slice()
    else {
        panic!("{shared:#?}")
    };
    assert_eq!(pairs(about), [("owner", "Marketing"), ("code", "MK-17"), ("type", "acquisition")]);
    let ends: Vec<_> = periods
        .iter()
        .map(|period| {
            let to = period.to.as_ref().map(|(to, bound)| (reader.expr(to), *bound));
            (reader.expr(&period.from), to)
        })
        .collect();
    assert_eq!(
        ends,
        [
            ("2026-01-01", Some(("2026-01-31", Bound::Included))),
            ("2026-03-01 00:00", Some(("2026-04-01 00:00", Bound::Excluded))),
            ("2026-12-01", None),
        ]
    );
    assert_eq!(reader.expr(from), "2026-01-01");
    assert!(matches!(&amount.kind, ExprKind::Quantity(_, unit) if unit.text == "times"));
    assert_eq!((words(per), year.text.as_str(), otherwise.text.as_str()), (vec!["member"], "year", "skip"));
    assert_eq!((reader.expr(most), cut.text.as_str()), ("500 EUR", "cut"));

    let certificate = reader.item(|item| match item {
        ItemKind::Certificate(_, clauses) => Some(clauses.clone()),
        _ => None,
    });
    let [title, expires] = certificate.as_slice() else { panic!("{certificate:?}") };
    assert!(matches!(title.kind, CertificateClause::Title(_)));
    let CertificateClause::Expires(Expiry::On(day)) = &expires.kind else { panic!("{expires:?}") };
    assert_eq!(reader.expr(day), "2027-12-31");
}

#[test]
fn redemptions() {
    let reader = Reader::constructs();
    let clauses = reader.item(|item| match item {
        ItemKind::Redemption(_, clauses) => Some(clauses.clone()),
        _ => None,
    });
    let mut said = Vec::new();
    let mut shared = 0;
    for clause in &clauses {
        match &clause.kind {
            RedemptionClause::From(account) => said.push(("from", reader.path(account))),
            RedemptionClause::For(source) => said.push(("for", reader.said(source.span))),
            RedemptionClause::Rate(points, money) => {
                said.extend([("rate", reader.expr(points)), ("=", reader.expr(money))]);
            }
            RedemptionClause::AtMost(bound) => said.push(("at most", reader.expr(bound))),
            RedemptionClause::AtLeast(bound) => said.push(("at least", reader.expr(bound))),
            RedemptionClause::Step(step) => said.push(("step", reader.expr(step))),
            RedemptionClause::CashAtLeast(cash) => said.push(("cash", reader.expr(cash))),
            RedemptionClause::Pay { points, plus } => {
                said.extend([
                    ("pay", reader.expr(points)),
                    ("plus", reader.maybe(plus).unwrap_or("nothing")),
                ]);
            }
            RedemptionClause::MemberChoosesAmount => said.push(("chooses", reader.said(clause.span))),
            RedemptionClause::Confirm { how, above } => {
                said.extend([("confirm", reader.said(how.span)), ("above", reader.expr(above))]);
            }
            RedemptionClause::IfShort(messages) => {
                assert_eq!(pairs(messages), [("cashier", "Not enough"), ("member", "Sorry")]);
            }
            RedemptionClause::Shared(_) => shared += 1,
        }
    }
    assert_eq!(
        said,
        [
            ("from", "points_wallet"),
            ("for", "units where unit.kind = product"),
            ("rate", "100 points"),
            ("=", "1 EUR"),
            ("at most", "50% of most"),
            ("at least", "500 points"),
            ("step", "100 points"),
            ("cash", "1 EUR"),
            ("pay", "100 points"),
            ("plus", "nothing"),
            ("pay", "by member.tier { gold => 90 points, otherwise => 100 points }"),
            ("plus", "1 EUR"),
            ("chooses", "member chooses amount"),
            ("confirm", "sms"),
            ("above", "1_000 points"),
        ]
    );
    assert_eq!(shared, 10, "title, about, effective, valid, schedule, priority, when, unless, let, then");
}

#[test]
fn templates_and_the_rules_made_from_them() {
    let reader = Reader::constructs();
    let template = reader.item(|item| match item {
        ItemKind::Template(template) => Some(template.clone()),
        _ => None,
    });
    let [rate, goods, kinds] = template.parameters.as_slice() else { panic!("{template:?}") };
    assert_eq!(
        (rate.docs.len(), rate.ty.name.text.as_str(), reader.maybe(&rate.default)),
        (1, "percent", Some("5%"))
    );
    assert!(matches!(&goods.default, Some(Expr { kind: ExprKind::Collection(_), .. })));
    assert!(kinds.ty.set && kinds.default.is_none());
    assert_eq!(template.clauses.len(), 4);

    let dairy = reader.rule("dairy");
    assert_eq!(dairy.template.as_ref().map(|path| reader.path(path)), Some("cashback"));
    assert_eq!(dairy.group.as_ref().map(|path| reader.path(path)), Some("other"));
    let arguments: Vec<_> = dairy
        .clauses
        .iter()
        .map(|clause| match &clause.kind {
            ClauseKind::With(name, value) => (name.text.as_str(), reader.expr(value)),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        arguments,
        [("rate", "7%"), ("goods", "cheapest 3 of lines"), ("kinds", "category [\"Milk\", \"Cheese\"]"),]
    );
    let tea = reader.rule("tea");
    assert_eq!(
        (tea.template.as_ref().map(|path| reader.path(path)), tea.group),
        (Some("library.cashback"), None)
    );
    let sets = reader.rule("sets");
    assert_eq!(sets.group.as_ref().map(|path| reader.path(path)), Some("actions"));
    assert_eq!(sets.template.as_ref().map(|path| reader.path(path)), Some("cashback"));
}

#[test]
fn clauses_of_rules_and_groups() {
    let reader = Reader::constructs();
    let kinds: Vec<ClauseKind> = reader.rule("sets").clauses.into_iter().map(|clause| clause.kind).collect();
    let [
        ClauseKind::Process { when: Processing::AsAsked, no_later_than: None },
        ClauseKind::Process { when: Processing::AtOnce, no_later_than: Some(latest) },
        ClauseKind::Take(set),
        ClauseKind::Take(pair),
        ClauseKind::Take(many),
        ClauseKind::Spendable(spendable),
        ClauseKind::Then(_),
    ] = kinds.as_slice()
    else {
        panic!("{kinds:#?}")
    };
    assert_eq!(reader.expr(latest), "3 days");
    assert!(matches!(&set.up_to, Some(Expr { kind: ExprKind::Number(three), .. }) if three.text == "3"));
    assert_eq!((set.best_for, pair.best_for), (BestFor::Member, BestFor::Retailer));
    assert_eq!((reader.maybe(&pair.up_to), reader.maybe(&many.up_to)), (None, Some("most_sets")));
    let parts: Vec<_> = set
        .parts
        .iter()
        .map(|part| (part.name.text.as_str(), reader.expr(&part.count), reader.said(part.of.span)))
        .collect();
    assert_eq!(
        parts,
        [
            ("coffee", "1", "units where unit in category \"Coffee\""),
            ("pastry", "pieces", "cheapest 3 of units"),
        ]
    );
    let clauses: Vec<&SpendableClause> = spendable.iter().map(|clause| &clause.kind).collect();
    let [
        SpendableClause::After(after),
        SpendableClause::Until(until),
        SpendableClause::Shared(schedule),
        SpendableClause::Shared(_),
        SpendableClause::Shared(_),
        SpendableClause::Shared(unless),
        SpendableClause::For(goods),
    ] = clauses.as_slice()
    else {
        panic!("{clauses:#?}")
    };
    assert_eq!((reader.expr(after), reader.expr(until)), ("3 days", "2026-12-31"));
    assert!(matches!(schedule.kind, ClauseKind::Schedule(_)) && matches!(unless.kind, ClauseKind::Unless(_)));
    assert_eq!(reader.said(goods.span), "cheap");

    let clauses = reader.item(|item| match item {
        ItemKind::Group(_, clauses) => Some(clauses.clone()),
        _ => None,
    });
    let shared: Vec<ClauseKind> = clauses
        .into_iter()
        .filter_map(|clause| match clause {
            GroupClause::Shared(clause) => Some(clause.kind),
            _ => None,
        })
        .collect();
    assert!(matches!(
        shared.as_slice(),
        [
            ClauseKind::About(_),
            ClauseKind::EffectiveFrom(_),
            ClauseKind::NotEffective,
            ClauseKind::Budget { window: Some(Window::Program(_)), .. },
        ]
    ));
}

#[test]
fn awards_and_debits() {
    let reader = Reader::constructs();
    let effects = reader.effects();
    let EffectKind::Award { to: Some(to), options, .. } = &effects[0] else { panic!("{:?}", effects[0]) };
    assert_eq!(reader.path(to), "member.inviter.bonus");
    let available = options.available.as_ref().expect("available");
    assert_eq!(reader.said(available.span), "available on 2026-09-01");
    assert!(matches!(available.kind, Available::On(_)));
    assert!(matches!(options.expires, Some(Placed { kind: Expiry::Never, .. })));
    assert!(matches!(options.cancel, Some(Placed { kind: CancelOnReturn::All, .. })));
    assert_eq!(options.spent_at_once.map(|span| reader.said(span)), Some("spent_at_once"));
    assert_eq!(options.reason.as_ref().map(|reason| reason.value.as_str()), Some("Thanks"));
    let EffectKind::Award { amount, options, .. } = &effects[1] else { panic!("{:?}", effects[1]) };
    assert_eq!(reader.expr(amount), "gift");
    assert!(options.spent_at_once.is_some() && options.expires.is_none());
    let EffectKind::Award { options, .. } = &effects[2] else { panic!("{:?}", effects[2]) };
    let available = options.available.as_ref().map(|option| &option.kind);
    assert!(matches!(available, Some(Available::After(length)) if reader.expr(length) == "3 days"));
    let expires = options.expires.as_ref().map(|option| &option.kind);
    assert!(matches!(expires, Some(Expiry::On(day)) if reader.expr(day) == "2026-09-01"));
    assert!(matches!(options.cancel, Some(Placed { kind: CancelOnReturn::Proportional, .. })));

    let EffectKind::Debit { amount, from, reason } = &effects[3] else { panic!("{:?}", effects[3]) };
    assert_eq!(reader.expr(amount), "min(a, b)");
    assert_eq!(from.as_ref().map(|path| reader.path(path)), Some("stickers"));
    assert_eq!(reason.as_ref().map(|reason| reason.value.as_str()), Some("Swap"));
    assert!(matches!(&effects[4], EffectKind::Debit { from: None, reason: None, .. }));
}

#[test]
fn gifts_instruments_and_state() {
    let reader = Reader::constructs();
    let effects = reader.effects();
    let EffectKind::Gift(gift) = &effects[5] else { panic!("{:?}", effects[5]) };
    let [choice] = gift.choices.as_slice() else { panic!("{gift:?}") };
    let names: Vec<&str> = choice.names.iter().map(|name| name.value.as_str()).collect();
    assert_eq!(
        (reader.expr(&gift.quantity), choice.kind.text.as_str(), names),
        ("1 pcs", "sku", vec!["MUG", "CUP"])
    );
    assert!(gift.reason.is_some() && choice.stock.is_none() && !gift.nothing && !gift.added);
    let EffectKind::Gift(gift) = &effects[6] else { panic!("{:?}", effects[6]) };
    assert!(matches!(gift.choices.as_slice(), [choice] if choice.kind.text == "category"));

    let Some(EffectKind::Gift(gift)) = effects.last() else { panic!("{:?}", effects.last()) };
    let stocks: Vec<_> = gift.choices.iter().map(|choice| reader.maybe(&choice.stock)).collect();
    assert_eq!((stocks, gift.nothing, gift.added), (vec![Some("100 pcs"), Some("5 pcs")], true, true));

    let issued: Vec<_> = effects
        .iter()
        .filter_map(|effect| match effect {
            EffectKind::Issue(issue) => Some((
                reader.maybe(&issue.count),
                issue.instrument,
                reader.path(&issue.name),
                reader.maybe(&issue.value),
                issue.to.as_ref().map(|path| reader.path(path)),
                issue.expires.as_ref().map(|expires| reader.said(expires.span)),
                issue.reason.is_some(),
            )),
            _ => None,
        })
        .collect();
    assert_eq!(
        issued,
        [
            (None, Instrument::Coupon, "welcome", None, None, None, false),
            (
                Some("2"),
                Instrument::Coupon,
                "welcome",
                None,
                Some("member.inviter"),
                Some("expires on 2026-12-31"),
                true
            ),
            (
                Some("steps of 100 EUR in basket.paid"),
                Instrument::Certificate,
                "gift_card",
                Some("5% of basket.paid"),
                None,
                Some("expires after 1 years"),
                false
            ),
            (None, Instrument::Badge, "library.gourmet", None, None, None, false),
        ]
    );
    assert!(matches!(&effects[11], EffectKind::ForEach { body, .. } if body.len() == 1));

    let EffectKind::Set { path, value, until } = &effects[12] else { panic!("{:?}", effects[12]) };
    assert_eq!(
        (reader.path(path), reader.expr(value), reader.maybe(until)),
        ("member.tier", "base", Some("2026-12-31"))
    );
    assert!(matches!(&effects[13], EffectKind::Set { value, .. } if matches!(value.kind, ExprKind::By(..))));
    assert!(matches!(&effects[14], EffectKind::Set { value, .. } if value.kind == ExprKind::Bool(true)));
    let EffectKind::Multiply { group, by } = &effects[15] else { panic!("{:?}", effects[15]) };
    assert_eq!((reader.path(group), reader.expr(by)), ("actions", "1.5"));
    let EffectKind::Discount { target: Target::Source(target), .. } = &effects[16] else {
        panic!("{:?}", effects[16])
    };
    assert_eq!(reader.said(target.span), "cheapest 1 of set");
    assert!(matches!(&effects[17], EffectKind::Discount { target: Target::Source(_), .. }));
    assert!(matches!(&effects[18], EffectKind::Say(words) if words.len() == 1));
}

#[test]
fn expectations_and_the_past_in_tests() {
    let reader = Reader::constructs();
    let test = reader.item(|item| match item {
        ItemKind::Test(test) => Some(test.clone()),
        _ => None,
    });
    let expected: Vec<&Expectation> = test
        .steps
        .iter()
        .filter_map(|step| match step {
            TestStep::Expect(expectation, _) => Some(expectation),
            _ => None,
        })
        .collect();
    let [
        Expectation::Balance(wallet, None, fifty),
        Expectation::Balance(library, None, _),
        Expectation::Debit { from: None, scope: whole, .. },
        Expectation::Debit { amount, from: Some(from), scope },
        Expectation::Issue { count: None, instrument: Instrument::Coupon, name, .. },
        Expectation::Issue { count: Some(count), instrument: Instrument::Certificate, scope: issued, .. },
        Expectation::Gift(goods, gifted),
        Expectation::Tier(tiers, level),
        Expectation::Badge(badge, true),
        Expectation::Refused(None),
        Expectation::Refused(Some(words)),
        Expectation::Fails(_, None),
        Expectation::Badge(..),
        Expectation::Fails(_, Some(fault)),
        Expectation::Refused(None),
    ] = expected.as_slice()
    else {
        panic!("{expected:#?}")
    };
    assert_eq!((reader.path(wallet), reader.expr(fifty)), ("points_wallet", "5 * 10 points"));
    assert_eq!((reader.path(library), whole.rule.is_none()), ("library.points", true));
    assert_eq!((reader.expr(amount), reader.path(from)), ("10 stickers", "stickers"));
    for scope in [scope, issued, gifted] {
        assert_eq!(scope.rule.as_ref().map(|path| reader.path(path)), Some("sets"));
    }
    assert_eq!((reader.path(name), reader.expr(count)), ("welcome", "2"));
    assert_eq!((reader.expr(&goods.quantity), goods.names[0].value.as_str()), ("1 pcs", "MUG"));
    assert_eq!((reader.path(tiers), level.text.as_str(), reader.path(badge)), ("club", "silver", "gourmet"));
    assert_eq!((words.value.as_str(), fault.text.as_str()), ("Not enough points", "division-by-zero"));

    let past = test
        .steps
        .iter()
        .any(|step| matches!(step, TestStep::Given { earlier: true, id: Some(id), .. } if id.value == "p0"));
    let back = test.steps.iter().any(|step| {
        matches!(step, TestStep::Given { what, of: Some(of), .. } if what.text == "return" && of.value == "p1")
    });
    let later = test.steps.iter().any(
        |step| matches!(step, TestStep::After(length, unit) if length.text == "14" && unit.text == "days"),
    );
    assert!(past && back && later);
}

#[test]
fn collections_within_a_path_and_history() {
    let reader = Reader::new(
        "segment s = any(member.addresses where address.active) and \
         sum(purchase.paid for earlier purchases within last 30 days where not purchase.returned) > 5\n",
    );
    let condition = reader.item(|item| match item {
        ItemKind::Segment(_, condition) => Some(condition.clone()),
        _ => None,
    });
    let ExprKind::Logic(Logic::And, operands) = &condition.kind else { panic!("{condition:?}") };
    let ExprKind::Aggregate { source, .. } = &operands[0].kind else { panic!("{operands:?}") };
    let SourceKind::Filter { earlier: false, collection, condition: Some(_), .. } = &source.kind else {
        panic!("{source:?}")
    };
    assert_eq!(reader.path(collection), "member.addresses");
    let ExprKind::Compare(_, sum, _) = &operands[1].kind else { panic!("{operands:?}") };
    let ExprKind::Aggregate { source, .. } = &sum.kind else { panic!("{sum:?}") };
    let SourceKind::Filter { earlier: true, window: Some(Window::Last(..)), condition: Some(_), .. } =
        &source.kind
    else {
        panic!("{source:?}")
    };
}

/// The words that these constructs start and continue with are still free as names.
#[test]
fn new_words_stay_names() {
    let words = [
        "about",
        "after",
        "as_asked",
        "certificate",
        "effective",
        "level",
        "refused",
        "remaining",
        "shortfall",
        "spent_at_once",
        "template",
        "tier",
        "times",
        "uses",
        "codes",
        "keep",
        "review",
    ];
    for word in words {
        let text =
            format!("rule {word} {{ let {word} = {word}.{word} + 1 when {word} = 2 then award {word} }}\n");
        let parsed = parse(FileId(0), &text);
        assert_eq!(parsed.diagnostics, [], "{text}");
    }
}
