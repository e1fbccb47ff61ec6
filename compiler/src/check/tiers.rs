//! `tiers`: the levels of members as an ordered enumeration, the field that they govern, and what each takes. It refuses
//! to know when members are looked at.

use super::names::{Events, Key, Scope};
use super::types::constant;
use super::{At, Checker, Items, dates, errors};
use crate::ir;
use crate::typed::{self, Expr, ExprKind, Field, Ratio, Tiers, Type};
use perq_grammar::ast;
use perq_grammar::diagnostic::Place;

/// The member's field that levels govern.
const FIELD: &str = "tier";

impl<'a> Checker<'a> {
    /// The levels as an enumeration.
    pub(super) fn declare_levels(&mut self, items: &Items<'a>) {
        for (at, header, clauses) in &items.tiers {
            let place = at.place(header.name.span);
            if !self.declare("enum", &header.name.text, place) {
                continue;
            }
            let scope = format!("value {}", header.name.text);
            let mut values = Vec::new();
            for level in levels(clauses) {
                if self.declare(&scope, &level.name.text, at.place(level.name.span)) {
                    values.push(level.name.text.clone());
                }
            }
            if values.is_empty() {
                let what = format!("tiers `{}`", header.name.text);
                self.report(errors::missing_clause(place, &what, "a `level`", "level base from 0 EUR"));
            }
            self.enum_ids.insert(header.name.text.clone(), ir::EnumId(self.out.enums.len() as u32));
            self.out.enums.push(ir::Enumeration { name: header.name.text.clone(), ordered: true, values });
        }
    }

    /// The member's fields: `tier` of the first levels, and of others one of their own name.
    pub(super) fn declare_tier_field(&mut self, items: &Items<'a>) {
        for (position, (at, header, _)) in items.tiers.iter().enumerate() {
            let name = if position == 0 { FIELD } else { header.name.text.as_str() };
            let place = at.place(header.name.span);
            let Some(levels) = self.enum_ids.get(&header.name.text).copied() else { continue };
            let known = |tiers: &Tiers| tiers.name == header.name.text;
            if self.out.instruments.tiers.iter().any(known) || !self.declare("field member", name, place) {
                continue;
            }
            let field = typed::FieldId(self.out.fields.len() as u32);
            self.out.fields.push(Field {
                name: format!("member.{name}"),
                record: ir::RecordKind::Member,
                key: vec![name.to_owned()],
                ty: Type::Enum(levels),
                slot: ir::SlotType::Enum(levels),
                den: 1,
                default: Some(0),
                inherits: false,
                builtin: None,
                events: Vec::new(),
                place,
            });
            self.records.member.insert(name.to_owned(), field);
            self.out.instruments.tiers.push(Tiers {
                name: header.name.text.clone(),
                title: header.title.as_ref().map(|title| title.value.clone()),
                levels,
                field,
                measure: None,
                conditions: Vec::new(),
                keep: None,
                at_once: false,
                downgrade: ir::Downgrade::Never,
                review: None,
                events: Vec::new(),
                place,
            });
        }
    }

    /// What the levels take, and when members rise and fall.
    pub(super) fn check_tiers(&mut self, items: &Items<'a>) {
        for (at, header, clauses) in &items.tiers {
            let place = at.place(header.name.span);
            let same = |tiers: &Tiers| tiers.name == header.name.text && tiers.place == place;
            let Some(index) = self.out.instruments.tiers.iter().position(same) else { continue };
            let Some(tiers) = self.out.instruments.tiers.get(index).cloned() else { continue };
            let tiers = self.levels_of(*at, header, clauses, tiers);
            if let Some(place) = self.out.instruments.tiers.get_mut(index) {
                *place = tiers;
            }
        }
    }

    fn levels_of(
        &mut self,
        at: At,
        header: &ast::Header,
        clauses: &[ast::Placed<ast::TiersClause>],
        mut tiers: Tiers,
    ) -> Tiers {
        let what = format!("tiers `{}`", header.name.text);
        let mut scope = Scope::new(at.file, at.space, Events::Inferred(None));
        scope.learn([Key::Member]);
        let mut seen: Vec<&'static str> = Vec::new();
        let mut measured: Option<Type> = None;
        let mut falls = None;
        for clause in clauses {
            let place = at.place(clause.span);
            let word = match &clause.kind {
                ast::TiersClause::Title(_) | ast::TiersClause::Level(_) => continue,
                ast::TiersClause::Measure(_) => "measure",
                ast::TiersClause::UpgradeAtOnce => "upgrade",
                ast::TiersClause::Downgrade(_) => "downgrade",
                ast::TiersClause::KeepUntil(_) => "keep",
                ast::TiersClause::Review { .. } => "review",
            };
            if seen.contains(&word) {
                self.report(errors::repeated_clause(place, word, "tiers"));
                continue;
            }
            seen.push(word);
            match &clause.kind {
                ast::TiersClause::Measure(measure) => {
                    let value = self.value(&mut scope, measure, None);
                    measured = Some(value.ty.clone());
                    match &value.ty {
                        Type::Error => {}
                        Type::Number | Type::Money | Type::Points(_) | Type::Count(_) => {
                            let local = self.local("measure", value.ty.clone(), value.place);
                            tiers.measure = Some((local, value));
                        }
                        other => {
                            let (quoted, found) = (self.quote(value.place), self.describe(other));
                            let wanted = "money, points, a number or a count";
                            self.report(errors::mismatched_types(value.place, &quoted, wanted, &found, None));
                        }
                    }
                }
                ast::TiersClause::UpgradeAtOnce => tiers.at_once = true,
                ast::TiersClause::Downgrade(way) => {
                    tiers.downgrade = match way {
                        ast::Downgrade::OneLevel => ir::Downgrade::OneLevel,
                        ast::Downgrade::ToMeasure => ir::Downgrade::ToMeasure,
                        ast::Downgrade::Never => ir::Downgrade::Never,
                    };
                    falls = Some(tiers.downgrade != ir::Downgrade::Never);
                }
                ast::TiersClause::KeepUntil(date) => {
                    let value = self.value_of(&mut scope, date, &Type::Date);
                    if !value.ty.is_error() && !matches!(value.kind, ExprKind::Error) {
                        tiers.keep = Some(value);
                    }
                }
                ast::TiersClause::Review { every, at: time } => {
                    tiers.review = self.boundary(at, every, time.as_ref());
                }
                ast::TiersClause::Title(_) | ast::TiersClause::Level(_) => {}
            }
        }
        self.level_conditions(at, clauses, &mut scope, (&mut tiers, measured.as_ref()));
        let place = at.place(header.name.span);
        if falls.is_none() {
            self.report(errors::missing_clause(place, &what, "`downgrade`", "downgrade one_level"));
        }
        if !seen.contains(&"review") && (falls == Some(true) || !tiers.at_once) {
            self.report(errors::missing_clause(place, &what, "`review`", "review every month"));
        }
        tiers.events = self.inferred(&scope);
        tiers
    }

    fn level_conditions(
        &mut self,
        at: At,
        clauses: &[ast::Placed<ast::TiersClause>],
        scope: &mut Scope,
        (tiers, measured): (&mut Tiers, Option<&Type>),
    ) {
        let mut last: Option<(Ratio, Place)> = None;
        for level in levels(clauses) {
            let mut conditions = Vec::new();
            if let Some(from) = &level.from {
                let from_place = at.place(from.span);
                let Some(measured) = measured else {
                    let what = format!("level `{}`", level.name.text);
                    self.report(errors::missing_clause(
                        from_place,
                        &what,
                        "what is measured",
                        "measure sum(purchase.paid for earlier purchases within last 12 months)",
                    ));
                    continue;
                };
                let value = self.value_of(scope, from, measured);
                if let Some(threshold) = self.threshold(&value) {
                    if let Some((before, before_place)) = last
                        && threshold.compare(before).is_none_or(|order| order.is_le())
                    {
                        let quoted = self.quote(from_place);
                        self.report(errors::level_order(from_place, &level.name.text, &quoted, before_place));
                    }
                    last = Some((threshold, from_place));
                    if let Some((local, measure)) = &tiers.measure {
                        let measure =
                            Expr { kind: ExprKind::Local(*local), ty: measure.ty.clone(), place: from_place };
                        let kind = ExprKind::Compare(
                            ir::Comparison::GreaterOrEqual,
                            Box::new(measure),
                            Box::new(value),
                        );
                        conditions.push(Expr { kind, ty: Type::Bool, place: from_place });
                    }
                }
            }
            if let Some(when) = &level.when {
                let mark = scope.known_mark();
                conditions.push(self.condition(scope, when));
                scope.forget(mark);
            }
            tiers.conditions.push(conditions);
        }
    }

    /// A threshold must be written, so that the levels' order can be seen.
    fn threshold(&mut self, value: &Expr) -> Option<Ratio> {
        if value.ty.is_error() || matches!(value.kind, ExprKind::Error) {
            return None;
        }
        let threshold = constant(value);
        if threshold.is_none() {
            let quoted = self.quote(value.place);
            self.report(errors::constant_expected(value.place, &quoted));
        }
        threshold
    }

    fn boundary(&mut self, at: At, every: &ast::Name, time: Option<&ast::Lexeme>) -> Option<ir::Boundary> {
        let every = self.period(at.place(every.span), &every.text)?;
        let time = match time {
            None => 0,
            Some(text) => match dates::time(&text.text) {
                Some(time) => time,
                None => {
                    self.report(errors::impossible_date(at.place(text.span), &text.text));
                    return None;
                }
            },
        };
        Some(ir::Boundary { every, time })
    }
}

fn levels(clauses: &[ast::Placed<ast::TiersClause>]) -> impl Iterator<Item = &ast::Level> {
    clauses.iter().filter_map(|clause| match &clause.kind {
        ast::TiersClause::Level(level) => Some(level),
        ast::TiersClause::Title(_)
        | ast::TiersClause::Measure(_)
        | ast::TiersClause::UpgradeAtOnce
        | ast::TiersClause::Downgrade(_)
        | ast::TiersClause::KeepUntil(_)
        | ast::TiersClause::Review { .. } => None,
    })
}
