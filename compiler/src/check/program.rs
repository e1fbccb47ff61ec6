//! `language`, `use`, `program` and `account`: what holds for all rules. It refuses to know rules.

use super::names::{Events, Scope};
use super::types::{Decimal, constant};
use super::{At, Checker, Import, Items, Origin, SourceTree, Use, currencies, errors};
use crate::ir;
use crate::typed::{ExprKind, Ratio, Type};
use perq_grammar::ast;
use perq_grammar::diagnostic::{FileId, Place, Span};
use rustc_hash::FxHashMap;

/// What the typed tree does not say of an account.
#[derive(Debug)]
pub(super) struct AccountInfo {
    pub place: Place,
    /// It says how its points round.
    pub rounds: bool,
    /// Its unit is the program's currency.
    pub money: bool,
}

/// Words of rounding modes.
pub(super) const ROUNDINGS: &[&str] = &["half_up", "half_even", "half_down", "down", "up"];
/// Words for who takes the rest of a spread.
const RESTS: &[&str] = &["largest_remainder", "first_lines", "last_line", "first_with_room", "running"];
const DAYS: &[&str] = &["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

impl<'a> Checker<'a> {
    /// Binds the aliases of `use` and checks the pins.
    pub(super) fn uses(&mut self, items: &Items<'a>, imports: &[Import], spaces: &FxHashMap<FileId, usize>) {
        for (at, Use { path, alias, hash }) in &items.uses {
            let path_place = at.place(path.span);
            let import = imports.iter().find(|import| import.from == at.file && import.written == path.value);
            let target = import.and_then(|import| spaces.get(&import.source.file).copied());
            let pinned = hash.is_none_or(|pin| self.check_pin(*at, pin, import, &path.value));
            if import.is_none() && pinned {
                self.report(errors::unknown_file(path_place, &path.value));
            }
            let Some(alias) = alias else {
                self.report(errors::missing_clause(
                    path_place,
                    &format!("`use \"{}\"`", path.value),
                    "a name for the file's declarations",
                    &format!("use \"{}\" as name", path.value),
                ));
                continue;
            };
            let existing =
                self.spaces.get(at.space).and_then(|space| space.aliases.get(&alias.text)).copied();
            if existing.is_some() && existing == Some(target) {
                continue;
            }
            if self.declare(&format!("alias {}", at.space), &alias.text, at.place(alias.span))
                && let Some(space) = self.spaces.get_mut(at.space)
            {
                space.aliases.insert(alias.text.clone(), target);
            }
        }
    }

    /// Whether a pin is one, and that of the file.
    fn check_pin(&mut self, at: At, pin: &ast::Text, import: Option<&Import>, path: &str) -> bool {
        let place = at.place(pin.span);
        let wanted = pin.value.to_lowercase();
        let hash = import.map(|import| import.hash.as_str());
        if wanted.len() < 8 || !wanted.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            self.report(errors::bad_hash(place, &pin.value, hash));
            return false;
        }
        let Some(hash) = hash else { return true };
        if !hash.starts_with(&wanted) {
            self.report(errors::wrong_hash(place, path, &pin.value, hash));
            return false;
        }
        true
    }

    /// `language` and `program`.
    pub(super) fn settings(&mut self, items: &Items<'a>, files: &[SourceTree]) {
        self.out.settings.language = 1;
        for (at, number) in &items.languages {
            if number.text != "1" {
                self.report(errors::unknown_language(at.place(number.span), &number.text));
            }
        }
        let mut first: Option<Place> = None;
        for (at, header, clauses, span) in &items.programs {
            let place = at.place(header.name.span);
            if let Some(first) = first {
                self.report(errors::second_program(place, &header.name.text, first));
                continue;
            }
            first = Some(place);
            self.out.settings.name = header.name.text.clone();
            self.out.settings.title = header.title.as_ref().map(|title| title.value.clone());
            self.program(*at, header, clauses, *span);
        }
        if first.is_none() {
            let place = files.first().map(|file| Place { file: file.file, span: Span::default() });
            self.report(errors::missing_program(place.unwrap_or_default()));
            self.out.settings.rounding = Some(ir::Rounding::HalfUp);
        }
    }

    fn program(&mut self, at: At, header: &ast::Header, clauses: &'a [ast::ProgramClause], _span: Span) {
        let mut seen: Vec<&'static str> = Vec::new();
        let mut tax = None;
        for clause in clauses {
            let (word, span) = match clause {
                ast::ProgramClause::Title(_) => continue,
                ast::ProgramClause::Version(number) => ("version", number.span),
                ast::ProgramClause::Currency(name) => ("currency", name.span),
                ast::ProgramClause::Zone(zone) => ("zone", zone.span),
                ast::ProgramClause::Rounding(mode) => ("rounding", mode.span),
                ast::ProgramClause::MonthEnd(word) => ("month_end", word.span),
                ast::ProgramClause::WeekStarts(day) => ("week_starts", day.span),
                ast::ProgramClause::OnErrorSkipRule(span) => ("on error", *span),
                ast::ProgramClause::Order(_) => ("order", header.name.span),
                ast::ProgramClause::Spread(_, span) => ("spread", *span),
                ast::ProgramClause::Tax { how, .. } => ("tax", how.span),
                ast::ProgramClause::NotBelow(floor) => ("not_below", floor.span),
            };
            let place = at.place(span);
            if seen.contains(&word) {
                self.report(errors::repeated_clause(place, word, "the program"));
                continue;
            }
            seen.push(word);
            match clause {
                ast::ProgramClause::Title(_) | ast::ProgramClause::OnErrorSkipRule(_) => {}
                ast::ProgramClause::Version(number) => match number.text.parse() {
                    Ok(version) => self.out.settings.version = version,
                    Err(_) => self.report(errors::number_out_of_range(place, &number.text)),
                },
                ast::ProgramClause::Currency(name) => match currencies::decimals(&name.text) {
                    Some(decimals) => {
                        self.out.settings.currency = name.text.clone();
                        self.out.settings.decimals = decimals;
                    }
                    None => {
                        let upper = name.text.to_uppercase();
                        let near = match currencies::decimals(&upper) {
                            Some(_) => Some(upper),
                            None => self.nearest(&upper, currencies::codes()),
                        };
                        self.report(errors::unknown_currency(place, &name.text, near.as_deref()));
                    }
                },
                ast::ProgramClause::Zone(zone) => {
                    if !is_zone(&zone.value) {
                        self.report(errors::unknown_zone(place, &zone.value));
                    }
                    self.out.settings.zone = zone.value.clone();
                }
                ast::ProgramClause::Rounding(mode) => {
                    self.out.settings.rounding = self.rounding(at.place(mode.span), &mode.text);
                }
                ast::ProgramClause::MonthEnd(word) => {
                    if word.text != "clamp" {
                        self.report(errors::unknown_word(place, "month end", &word.text, &["clamp"]));
                    }
                }
                ast::ProgramClause::WeekStarts(day) => match DAYS.iter().position(|name| *name == day.text) {
                    Some(position) => self.out.settings.week_starts = position as u8,
                    None => self.report(errors::unknown_word(place, "day", &day.text, DAYS)),
                },
                ast::ProgramClause::Order(names) => {
                    self.group_order.extend(names.iter().map(|name| (at, name)));
                }
                ast::ProgramClause::Spread(rule, _) => {
                    let spread = self.spread_rule(at.file, rule, None);
                    self.spread = Some(spread);
                }
                ast::ProgramClause::Tax { how, rounded, per, besides } => {
                    tax = Some((how, rounded, per));
                    self.besides = besides.as_ref().map(|besides| (at, besides));
                }
                ast::ProgramClause::NotBelow(floor) => self.floor = Some((at, floor)),
            }
        }
        let place = at.place(header.name.span);
        let name = format!("program `{}`", header.name.text);
        for (word, example) in [
            ("currency", "currency EUR"),
            ("zone", "zone \"Europe/Berlin\""),
            ("rounding", "rounding half_up"),
        ] {
            if !seen.contains(&word) {
                self.report(errors::missing_clause(place, &name, &format!("`{word}`"), example));
            }
        }
        if self.out.settings.rounding.is_none() {
            self.out.settings.rounding = Some(ir::Rounding::HalfUp);
        }
        if let Some((word, rounding, per)) = tax {
            let per = match per.as_ref().map(|per| (per, per.text.as_str())) {
                None | Some((_, "line")) => ir::TaxPer::Line,
                Some((_, "unit")) => ir::TaxPer::Unit,
                Some((_, "posting")) => ir::TaxPer::Posting,
                Some((per, _)) => {
                    let words = &["line", "unit", "posting"];
                    self.report(errors::unknown_word(at.place(per.span), "tax", &per.text, words));
                    ir::TaxPer::Line
                }
            };
            let rounding = match rounding {
                Some(mode) => self.rounding(at.place(mode.span), &mode.text),
                None => self.out.settings.rounding,
            };
            let included = match word.text.as_str() {
                "included" => true,
                "on_top" => false,
                _ => {
                    let words = &["included", "on_top"];
                    self.report(errors::unknown_word(at.place(word.span), "tax", &word.text, words));
                    true
                }
            };
            self.out.settings.tax = Some(ir::Tax {
                included,
                rounding: rounding.unwrap_or(ir::Rounding::HalfUp),
                per,
                besides: None,
            });
            if let Some((at, besides)) = self.besides.filter(|_| included) {
                let place = at.place(besides.span);
                let quoted = self.quote(place);
                self.report(errors::tax_besides(place, &quoted));
            }
        }
    }

    /// `tax on_top besides line.luxury_tax`: a percentage of lines.
    pub(super) fn check_besides(&mut self) {
        let Some((at, besides)) = self.besides else { return };
        let place = at.place(besides.span);
        let field = match besides.parts.as_slice() {
            [head, rest @ ..] if matches!(head.text.as_str(), "unit" | "line") => {
                let name = rest.iter().map(|part| part.text.as_str()).collect::<Vec<_>>().join(".");
                self.records.line.get(&name).copied()
            }
            _ => None,
        };
        let of_line = |field: &crate::typed::Field| {
            let own = matches!(field.record, ir::RecordKind::Line | ir::RecordKind::Product);
            own && field.builtin.is_none() && *field.ty.present() == Type::Percent
        };
        match field.filter(|field| self.field_of(*field).is_some_and(of_line)) {
            Some(field) => self.out.settings.besides = Some(field),
            None => {
                let written = self.quote(place);
                let wanted = "a field of lines of type `percent`, such as `line.luxury_tax`";
                self.report(errors::mismatched_types(place, &written, wanted, "something else", None));
            }
        }
    }

    /// `not_below unit.minimum_price`: a field of lines, in the currency's minor units.
    pub(super) fn check_floor(&mut self) {
        let Some((at, floor)) = self.floor else { return };
        let place = at.place(floor.span);
        let path = if let ast::ExprKind::Path(path) = &floor.kind { path.parts.as_slice() } else { &[] };
        let field = match path {
            [head, rest @ ..] if matches!(head.text.as_str(), "unit" | "line") => {
                let name = rest.iter().map(|part| part.text.as_str()).collect::<Vec<_>>().join(".");
                self.records.line.get(&name).copied()
            }
            _ => None,
        };
        let of_line = |field: &crate::typed::Field| {
            let own = match field.record {
                ir::RecordKind::Line | ir::RecordKind::Product => true,
                ir::RecordKind::Event
                | ir::RecordKind::Member
                | ir::RecordKind::Payment
                | ir::RecordKind::Derived => false,
            };
            own && field.builtin.is_none() && *field.ty.present() == Type::Money && field.den == 1
        };
        match field.filter(|field| self.field_of(*field).is_some_and(of_line)) {
            Some(field) => self.out.settings.floor = Some(field),
            None => {
                let written = self.quote(place);
                let wanted = "a field of lines of type `money`, such as `unit.minimum_price`";
                self.report(errors::mismatched_types(place, &written, wanted, "something else", None));
            }
        }
    }

    /// The program's rounding.
    pub(super) fn default_rounding(&self) -> ir::Rounding {
        self.out.settings.rounding.unwrap_or(ir::Rounding::HalfUp)
    }

    /// A rounding word.
    pub(super) fn rounding(&mut self, place: Place, word: &str) -> Option<ir::Rounding> {
        let mode = match word {
            "half_up" => ir::Rounding::HalfUp,
            "half_even" => ir::Rounding::HalfEven,
            "half_down" => ir::Rounding::HalfDown,
            "down" => ir::Rounding::Down,
            "up" => ir::Rounding::Up,
            _ => {
                self.report(errors::unknown_word(place, "rounding", word, ROUNDINGS));
                return None;
            }
        };
        Some(mode)
    }

    /// A spread's rounding and rest, with the program's where it is silent.
    pub(super) fn spread_rule(
        &mut self,
        file: FileId,
        rule: &ast::SpreadRule,
        default: Option<(ir::Rounding, ir::Rest)>,
    ) -> (ir::Rounding, ir::Rest) {
        let (mut rounding, mut rest) = default.unwrap_or((ir::Rounding::Down, ir::Rest::LargestRemainder));
        if let Some(mode) = &rule.rounded
            && let Some(mode) = self.rounding(Place { file, span: mode.span }, &mode.text)
        {
            rounding = mode;
        }
        if let Some(word) = &rule.rest {
            rest = match word.text.as_str() {
                "largest_remainder" => ir::Rest::LargestRemainder,
                "first_lines" => ir::Rest::FirstLines,
                "last_line" => ir::Rest::LastLine,
                "first_with_room" => ir::Rest::FirstWithRoom,
                "running" => ir::Rest::Running,
                _ => {
                    let place = Place { file, span: word.span };
                    self.report(errors::unknown_word(place, "rest", &word.text, RESTS));
                    rest
                }
            };
        }
        (rounding, rest)
    }

    /// Accounts: first their units, then what is said in them.
    pub(super) fn declare_accounts(&mut self, items: &Items<'a>) {
        let mut accounts = Vec::new();
        for (at, header, clauses) in &items.accounts {
            let place = at.place(header.name.span);
            if !self.declare("account", &header.name.text, place) {
                continue;
            }
            let id = ir::AccountId(self.out.accounts.len() as u32);
            self.account_ids.insert(header.name.text.clone(), id);
            self.out.accounts.push(ir::Account {
                name: header.name.text.clone(),
                unit: String::new(),
                decimals: 0,
                rounding: self.default_rounding(),
                per: ir::RoundPer::Rule,
                worth: None,
                redeemable: false,
                qualifying: false,
                not_below: None,
                expires: ir::Expires::Never,
                melt: None,
                shortfall: None,
            });
            self.account_infos.push(AccountInfo { place, rounds: false, money: false });
            self.account_unit_clause(*at, id, header, clauses);
            accounts.push((*at, id, header, *clauses));
        }
        for (at, id, header, clauses) in accounts {
            self.account(at, id, header, clauses);
        }
    }

    fn account_unit_clause(
        &mut self,
        at: At,
        id: ir::AccountId,
        header: &ast::Header,
        clauses: &[ast::AccountClause],
    ) {
        let mut units = clauses.iter().filter_map(|clause| match clause {
            ast::AccountClause::Unit(unit, decimals) => Some((unit, decimals)),
            ast::AccountClause::Title(_)
            | ast::AccountClause::Round { .. }
            | ast::AccountClause::Redeemable(_)
            | ast::AccountClause::Qualifying(_)
            | ast::AccountClause::NotBelow(_)
            | ast::AccountClause::Worth(..)
            | ast::AccountClause::Expire(..)
            | ast::AccountClause::Melt(_)
            | ast::AccountClause::UseFirst(_)
            | ast::AccountClause::Shortfall(_) => None,
        });
        let Some((unit, decimals)) = units.next() else {
            let name = format!("account `{}`", header.name.text);
            self.report(errors::missing_clause(
                at.place(header.name.span),
                &name,
                "`unit`",
                "unit points decimals 0",
            ));
            return;
        };
        if let Some((unit, _)) = units.next() {
            self.report(errors::repeated_clause(at.place(unit.span), "unit", "an account"));
        }
        let place = at.place(unit.span);
        let money = unit.text == self.out.settings.currency;
        let mut digits = if money { self.out.settings.decimals } else { 0 };
        if let Some(decimals) = decimals {
            match decimals.text.parse::<u8>() {
                Ok(value) if value <= 6 && (!money || value == digits) => digits = value,
                Ok(value) if money => {
                    let own = self.out.settings.currency.clone();
                    self.report(errors::money_account_decimals(at.place(decimals.span), &own, digits, value));
                }
                Ok(_) | Err(_) => {
                    self.report(errors::number_out_of_range(at.place(decimals.span), &decimals.text));
                }
            }
        }
        if let Some(account) = self.out.accounts.get_mut(id.index()) {
            account.unit = unit.text.clone();
            account.decimals = digits;
        }
        if let Some(info) = self.account_infos.get_mut(id.index()) {
            info.money = money;
        }
        if money {
            return;
        }
        if let Some(owner) = self.units.get(&unit.text).copied() {
            let owner_place =
                self.account_infos.get(owner.index()).map(|info| info.place).unwrap_or_default();
            let owner_name = self.out.accounts.get(owner.index()).map(|a| a.name.clone()).unwrap_or_default();
            self.report(errors::unit_taken(
                place,
                &unit.text,
                &format!("account `{owner_name}`"),
                Some(owner_place),
            ));
        } else if super::types::builtin_unit(&unit.text).is_some()
            || currencies::decimals(&unit.text).is_some()
            || self.counts.contains_key(&unit.text)
        {
            self.report(errors::unit_taken(place, &unit.text, "the language", None));
        } else {
            self.declare("type", &unit.text, place);
            self.units.insert(unit.text.clone(), id);
        }
    }

    fn account(&mut self, at: At, id: ir::AccountId, header: &ast::Header, clauses: &[ast::AccountClause]) {
        let mut seen: Vec<&'static str> = Vec::new();
        let mut scope = Scope::new(at.file, at.space, Events::Inferred(None));
        for clause in clauses {
            let (word, span) = match clause {
                ast::AccountClause::Title(_) | ast::AccountClause::Unit(..) => continue,
                ast::AccountClause::Shortfall(policy) => ("shortfall", policy.span),
                ast::AccountClause::Expire(_, span) => ("expire", *span),
                ast::AccountClause::Melt(melt) => ("melt", melt.span),
                ast::AccountClause::UseFirst(word) => ("use first", word.span),
                ast::AccountClause::Round { mode, .. } => ("round", mode.span),
                ast::AccountClause::Redeemable(span) => ("redeemable", *span),
                ast::AccountClause::Qualifying(span) => ("qualifying", *span),
                ast::AccountClause::NotBelow(expr) => ("not_below", expr.span),
                ast::AccountClause::Worth(left, right) => ("worth", left.span.to(right.span)),
            };
            let place = at.place(span);
            if seen.contains(&word) {
                self.report(errors::repeated_clause(place, word, "an account"));
                continue;
            }
            seen.push(word);
            match clause {
                ast::AccountClause::Title(_) | ast::AccountClause::Unit(..) => {}
                ast::AccountClause::Shortfall(policy) => {
                    let found = ir::Shortfall::ALL.into_iter().find(|known| known.word() == policy.text);
                    if found.is_none() {
                        let words = ir::Shortfall::ALL.map(ir::Shortfall::word);
                        let place = at.place(policy.span);
                        self.report(errors::unknown_word(place, "shortfall", &policy.text, &words));
                    }
                    if let Some(account) = self.out.accounts.get_mut(id.index()) {
                        account.shortfall = found;
                    }
                }
                ast::AccountClause::Expire(expire, _) => {
                    let expires = self.expire(&mut scope, expire);
                    if let (Some(account), Some(expires)) = (self.out.accounts.get_mut(id.index()), expires) {
                        account.expires = expires;
                    }
                }
                ast::AccountClause::Melt(melt) => {
                    let melt = self.melt(&mut scope, melt);
                    if let Some(account) = self.out.accounts.get_mut(id.index()) {
                        account.melt = melt;
                    }
                }
                ast::AccountClause::UseFirst(word) => {
                    if word.text != "oldest_expiry" {
                        let words = &["oldest_expiry"];
                        self.report(errors::unknown_word(at.place(word.span), "order", &word.text, words));
                    }
                }
                ast::AccountClause::Round { mode, per } => {
                    let rounding = self.rounding(at.place(mode.span), &mode.text);
                    let per = match per.as_ref().map(|per| (per.text.as_str(), per.span)) {
                        Some(("line", _)) => Some(ir::RoundPer::Line),
                        Some(("rule", _)) => Some(ir::RoundPer::Rule),
                        Some(("basket", _)) => Some(ir::RoundPer::Basket),
                        Some((word, span)) => {
                            let words = &["line", "rule", "basket"];
                            self.report(errors::unknown_word(at.place(span), "rounding", word, words));
                            None
                        }
                        None => {
                            self.report(errors::missing_clause(
                                place,
                                &format!("`round {}` of account `{}`", mode.text, header.name.text),
                                "`per line`, `per rule` or `per basket`",
                                &format!("round {} per basket", mode.text),
                            ));
                            None
                        }
                    };
                    if let Some(info) = self.account_infos.get_mut(id.index()) {
                        info.rounds = true;
                    }
                    if let (Some(account), Some(rounding), Some(per)) =
                        (self.out.accounts.get_mut(id.index()), rounding, per)
                    {
                        account.rounding = rounding;
                        account.per = per;
                    }
                }
                ast::AccountClause::Redeemable(_) => {
                    if let Some(account) = self.out.accounts.get_mut(id.index()) {
                        account.redeemable = true;
                    }
                }
                ast::AccountClause::Qualifying(_) => {
                    if let Some(account) = self.out.accounts.get_mut(id.index()) {
                        account.qualifying = true;
                    }
                }
                ast::AccountClause::NotBelow(expr) => {
                    let value = self.account_amount(&mut scope, expr, &Type::Points(id));
                    if let Some(account) = self.out.accounts.get_mut(id.index()) {
                        account.not_below = value;
                    }
                }
                ast::AccountClause::Worth(left, right) => {
                    let points = self.account_amount(&mut scope, left, &Type::Points(id));
                    let money = self.account_amount(&mut scope, right, &Type::Money);
                    match (points, money) {
                        (Some(points), Some(money)) if points > 0 && money > 0 => {
                            if let Some(account) = self.out.accounts.get_mut(id.index()) {
                                account.worth = Some((points, money));
                            }
                        }
                        (Some(_), Some(_)) => {
                            self.report(errors::number_out_of_range(place, "a worth of nothing"))
                        }
                        (Some(_) | None, _) => {
                            // Its own diagnostic is enough: `as` treats the account as if it had a rate.
                            if let Some(account) = self.out.accounts.get_mut(id.index()) {
                                account.worth = Some((1, 1));
                            }
                        }
                    }
                }
            }
        }
    }

    /// A constant of a type, as a whole number of base units.
    pub(super) fn account_amount(&mut self, scope: &mut Scope, expr: &ast::Expr, ty: &Type) -> Option<i64> {
        let own = if let Type::Points(id) = ty { self.points_type(*id) } else { ty.clone() };
        let ty = &own;
        let value = self.value_of(scope, expr, ty);
        if matches!(value.kind, ExprKind::Error) || value.ty.is_error() {
            return None;
        }
        let whole = constant(&value).and_then(Ratio::to_i64);
        if whole.is_none() {
            let place = scope.place(expr.span);
            let quoted = self.quote(place);
            self.report(errors::constant_expected(place, &quoted));
        }
        whole
    }
}

/// Whether a text has the shape of an IANA zone name.
pub(super) fn is_zone(text: &str) -> bool {
    text.len() <= 64
        && !text.is_empty()
        && text.split('/').all(|part| {
            part.starts_with(|first: char| first.is_ascii_alphabetic())
                && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-+".contains(&byte))
        })
}

/// A whole number of at most 9 digits.
pub(super) fn small_number(text: &str) -> Option<u32> {
    let decimal = Decimal::parse(text)?;
    if decimal.scale > 0 { None } else { u32::try_from(decimal.digits).ok().filter(|n| *n < 1_000_000_000) }
}

/// Whether an item takes part in the program's own declarations only.
pub(super) fn is_own(origin: Origin) -> bool {
    matches!(origin, Origin::Program | Origin::Snippet)
}
