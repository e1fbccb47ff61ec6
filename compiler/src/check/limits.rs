//! Limits and budgets: how much, for whom, over what time, and under which lasting name it is counted. It refuses to know
//! what has been counted.

use super::names::{Key, Scope};
use super::types::{builtin_unit, constant};
use super::{Checker, errors};
use crate::ir;
use crate::typed::{CounterKey, Dimension, ExprKind, FieldId, Limit, Over, Ratio, Type};
use perq_grammar::ast;
use perq_grammar::diagnostic::{Place, Span};

/// What others write after `per`, and the window that it is here.
const PERIODS: &[(&str, &str)] = &[
    ("hour", "last 1 hours"),
    ("day", "this day"),
    ("week", "this week"),
    ("month", "this month"),
    ("quarter", "this quarter"),
    ("year", "this year"),
];

/// A `limit` or a `budget`.
#[derive(Clone, Copy)]
struct Written<'c> {
    amount: &'c ast::Expr,
    /// `None` for a budget.
    per: Option<&'c [ast::Name]>,
    window: Option<&'c ast::Window>,
    otherwise: &'c ast::Name,
    span: Span,
}

impl<'c> Written<'c> {
    fn of(clause: &'c ast::Clause) -> Option<Written<'c>> {
        let span = clause.span;
        match &clause.kind {
            ast::ClauseKind::Limit { amount, per, window, otherwise } => {
                Some(Written { amount, per: Some(per), window: window.as_ref(), otherwise, span })
            }
            ast::ClauseKind::Budget { amount, window, otherwise } => {
                Some(Written { amount, per: None, window: window.as_ref(), otherwise, span })
            }
            ast::ClauseKind::Title(_)
            | ast::ClauseKind::Valid(_)
            | ast::ClauseKind::Schedule(_)
            | ast::ClauseKind::Priority(_)
            | ast::ClauseKind::On(_)
            | ast::ClauseKind::When(_)
            | ast::ClauseKind::Unless(_)
            | ast::ClauseKind::Let(_)
            | ast::ClauseKind::Take(_)
            | ast::ClauseKind::Process { .. }
            | ast::ClauseKind::Spendable(_)
            | ast::ClauseKind::EffectiveFrom(_)
            | ast::ClauseKind::NotEffective
            | ast::ClauseKind::About(_)
            | ast::ClauseKind::With(..)
            | ast::ClauseKind::Then(_) => None,
        }
    }

    /// `limit` or `budget`.
    fn word(&self) -> &'static str {
        if self.per.is_some() { "limit" } else { "budget" }
    }
}

/// Whether a clause is a limit or a budget.
pub(super) fn is_limit(clause: &ast::Clause) -> bool {
    Written::of(clause).is_some()
}

/// Whose limits they are.
pub(super) struct Owner<'o> {
    /// `rule`, `group` or `offer`.
    pub word: &'static str,
    /// The name that counters keep when the owner is renamed.
    pub lasting: String,
    /// Which amounts can be limited here.
    pub fits: &'o dyn Fn(&Type) -> bool,
    /// What they are, in words.
    pub expected: String,
    /// Money is that of an account.
    pub earns: bool,
}

/// For whom a limit counts, as written.
enum Per {
    Transaction,
    Over(CounterKey),
}

/// Limits are applied in this order, whatever the order of the text: the event, a member's or an inviter's window, the
/// campaign.
pub(super) fn rank(limit: &Limit) -> u8 {
    match limit.over.as_ref().map(|over| over.per) {
        None => 0,
        Some(CounterKey::Member | CounterKey::Inviter(_)) => 1,
        Some(CounterKey::Campaign) => 2,
    }
}

/// What a member bought of what lines may say.
fn sum_of_known(field: &str) -> String {
    format!("sum(line.{field} for earlier lines within this month where line.{field} known)")
}

impl Checker<'_> {
    /// The limits and budgets among clauses, after those that the owner has already; [`rank`] orders them.
    pub(super) fn limits(
        &mut self,
        scope: &mut Scope,
        clauses: &[&ast::Clause],
        owner: &Owner<'_>,
        limits: &mut Vec<Limit>,
    ) {
        for clause in clauses {
            let Some(written) = Written::of(clause) else { continue };
            if let Some(mut limit) = self.limit(scope, written, owner) {
                if let Some(over) = &mut limit.over {
                    let base = self.counter_name(owner, limit.of, over.per);
                    let same =
                        |other: &&Limit| other.over.as_ref().is_some_and(|over| is_named(&over.name, &base));
                    over.name = match limits.iter().filter(same).count() {
                        0 => base,
                        before => format!("{base}.{}", before + 1),
                    };
                }
                limits.push(limit);
            }
        }
    }

    /// The lasting name of what is counted: whose it is, what, for whom. Neither the amount nor the window belongs to
    /// it, so that tuning them forgets nothing.
    fn counter_name(&self, owner: &Owner<'_>, of: ir::LimitOf, per: CounterKey) -> String {
        let of = match of {
            ir::LimitOf::Discounts => "discount".to_owned(),
            ir::LimitOf::Times => "times".to_owned(),
            ir::LimitOf::Gifts => "gift".to_owned(),
            ir::LimitOf::Awards(account) => {
                format!("award.{}", self.out.accounts.get(account.index()).map_or("", |a| a.name.as_str()))
            }
        };
        let per = match per {
            CounterKey::Campaign => "budget",
            CounterKey::Member => "member",
            CounterKey::Inviter(_) => "inviter",
        };
        format!("{}.{}.{of}.{per}", owner.word, owner.lasting)
    }

    fn limit(&mut self, scope: &mut Scope, written: Written<'_>, owner: &Owner<'_>) -> Option<Limit> {
        let place = scope.place(written.span);
        let value = self.value(scope, written.amount, None);
        let per = self.per(scope, written, place);
        let window = match written.window {
            Some(window) => self.limit_window(scope, window, place),
            None => Some(ir::Window::Ever),
        };
        let otherwise = match written.otherwise.text.as_str() {
            "cut" => ir::Otherwise::Cut,
            "skip" => ir::Otherwise::Skip,
            _ => {
                let at = scope.place(written.otherwise.span);
                self.report(errors::unknown_word(at, "limit", &written.otherwise.text, &["cut", "skip"]));
                return None;
            }
        };
        let (per, window) = (per?, window?);
        if value.ty.is_error() || matches!(value.kind, ExprKind::Error) {
            return None;
        }
        let quoted = self.quote(value.place);
        let times = self.times();
        let of = if times.is_some() && value.ty == times.map_or(Type::Error, Type::Count) {
            if otherwise == ir::Otherwise::Cut {
                let at = scope.place(written.otherwise.span);
                self.report(errors::times_cut(at, written.word()));
                return None;
            }
            if matches!(per, Per::Transaction) {
                self.report(errors::times_of_transaction(place, owner.word));
                return None;
            }
            ir::LimitOf::Times
        } else if (owner.fits)(&value.ty) {
            let account = if let Type::Points(id) = value.ty {
                Some(id)
            } else {
                self.money_account().filter(|_| owner.earns && value.ty == Type::Money)
            };
            account.map_or(ir::LimitOf::Discounts, ir::LimitOf::Awards)
        } else {
            let described = self.describe(&value.ty);
            if let (Type::Quantity(dimension), true) = (&value.ty, written.per.is_some()) {
                let of_field = |id: &FieldId| self.out.fields.get(id.0 as usize).map(|field| &field.ty);
                let measured = |id: &FieldId| of_field(id).is_some_and(|ty| *ty.present() == value.ty);
                let declared =
                    self.records.line.iter().filter(|(_, id)| measured(id)).min_by_key(|(name, _)| *name);
                let bought = match (declared, dimension) {
                    (Some((name, id)), _) if of_field(id).is_some_and(|ty| ty == ty.present()) => {
                        format!("sum(line.{name} for earlier lines within this month)")
                    }
                    (Some((name, _)), _) => sum_of_known(name),
                    (None, Dimension::Mass) => sum_of_known("weight"),
                    (None, Dimension::Volume) => sum_of_known("litres"),
                };
                let found = errors::limit_measure(value.place, &quoted, &described, &owner.expected, &bought);
                self.report(found);
                return None;
            }
            let error = if written.per.is_some() { errors::limit_unit } else { errors::budget_unit };
            self.report(error(value.place, &quoted, &described, &owner.expected));
            return None;
        };
        let amount = if let ExprKind::Param(id) = &value.kind {
            ir::LimitAmount::Param(*id)
        } else {
            match constant(&value).and_then(Ratio::to_i64) {
                Some(amount) if amount >= 0 => ir::LimitAmount::Fixed(amount),
                Some(_) | None => {
                    self.report(errors::constant_expected(value.place, &quoted));
                    return None;
                }
            }
        };
        let over = match per {
            Per::Transaction if written.window.is_some() => {
                self.report(errors::transaction_window(place));
                return None;
            }
            Per::Transaction => None,
            Per::Over(per) => Some(Over { name: String::new(), per, window }),
        };
        Some(Limit { amount, of, otherwise, over })
    }

    /// `per member`
    fn per(&mut self, scope: &Scope, written: Written<'_>, place: Place) -> Option<Per> {
        let Some(names) = written.per else { return Some(Per::Over(CounterKey::Campaign)) };
        let (name, more) = match names {
            [] => {
                self.report(errors::limit_scope(place));
                return None;
            }
            [name, more @ ..] => (name, more),
        };
        let period =
            |name: &ast::Name| PERIODS.iter().find(|(word, _)| *word == name.text).map(|(_, period)| *period);
        if let Some(second) = more.first() {
            if let ([_], Some(period)) = (more, period(second)) {
                let place = scope.place(second.span);
                self.report(errors::limit_of_period(place, &second.text, &name.text, period));
                return None;
            }
            self.report(errors::repeated_clause(scope.place(second.span), "per", "a limit"));
            return None;
        }
        match name.text.as_str() {
            "transaction" => Some(Per::Transaction),
            "member" => Some(Per::Over(CounterKey::Member)),
            "inviter" => match self.inviter() {
                Some(field) => Some(Per::Over(CounterKey::Inviter(field))),
                None => {
                    let fields = self.records.member.keys().cloned().collect::<Vec<_>>();
                    let at = scope.place(name.span);
                    self.report(errors::unknown_field(at, "member", "invited_by", &fields, None));
                    None
                }
            },
            word => {
                let words = &["transaction", "member", "inviter"];
                let at = scope.place(name.span);
                if let Some(period) = period(name) {
                    self.report(errors::limit_of_period(at, word, "member", period));
                    return None;
                }
                self.report(errors::unknown_word(at, "limit", &name.text, words));
                None
            }
        }
    }

    /// The member's field that names who invited them.
    fn inviter(&self) -> Option<FieldId> {
        self.records.member.get("invited_by").copied()
    }

    /// The unit of `10 times`.
    fn times(&self) -> Option<crate::typed::UnitId> {
        self.counts.get("times").copied()
    }

    /// The stretch of time over which a limit counts: it holds the event at hand.
    fn limit_window(&mut self, scope: &mut Scope, window: &ast::Window, place: Place) -> Option<ir::Window> {
        match window {
            ast::Window::Last(number, unit) | ast::Window::Any(number, unit) => {
                let at = scope.place(number.span.to(unit.span));
                let count = number.text.replace('_', "").parse::<i64>().ok().filter(|count| *count > 0);
                let Some((ty, factor)) = builtin_unit(&unit.text) else {
                    self.report(errors::unknown_word(
                        scope.place(unit.span),
                        "stretch of time",
                        &unit.text,
                        STRETCHES,
                    ));
                    return None;
                };
                let factor = i64::try_from(factor).ok();
                let length = count.zip(factor).and_then(|(count, factor)| count.checked_mul(factor));
                let whole = |length: i64| u32::try_from(length).ok().filter(|length| *length <= 1_000_000);
                let found = match (ty, length) {
                    (Type::Duration, Some(length)) => Some(ir::Window::Seconds(length)),
                    (Type::Days, Some(length)) => whole(length).map(ir::Window::Days),
                    (Type::Months, Some(length)) => whole(length).map(ir::Window::Months),
                    (_, Some(_)) => {
                        let at = scope.place(unit.span);
                        self.report(errors::unknown_word(at, "stretch of time", &unit.text, STRETCHES));
                        return None;
                    }
                    (_, None) => None,
                };
                if found.is_none() {
                    let quoted = self.quote(at);
                    self.report(errors::number_out_of_range(at, &quoted));
                }
                found
            }
            ast::Window::Previous(_) => {
                self.report(errors::limit_window(place));
                None
            }
            ast::Window::Session(span) => {
                self.report(errors::session_window(scope.place(*span)));
                None
            }
            ast::Window::This(_) | ast::Window::Program(_) | ast::Window::Range(_) => {
                self.window(scope, window)
            }
        }
    }

    /// Refuses what is counted for somebody whom an event of this rule need not have. Asked where all conditions of the
    /// rule are known; `outside` is the rule where the limits are its group's.
    pub(super) fn limits_know_their_member(
        &mut self,
        scope: &Scope,
        clauses: &[&ast::Clause],
        outside: Option<(Place, &str)>,
    ) {
        for clause in clauses {
            let Some(Written { per: Some([name]), .. }) = Written::of(clause) else { continue };
            let (known, asks) = match name.text.as_str() {
                "member" => (scope.knows(Key::Member), "member"),
                "inviter" => (
                    self.inviter().is_none_or(|field| scope.knows(Key::Field(field, None))),
                    "member.invited_by",
                ),
                _ => continue,
            };
            if !known {
                let place = scope.place(name.span);
                self.report(errors::limit_of_nobody(place, &name.text, asks, outside));
            }
        }
    }
}

const STRETCHES: &[&str] = &["seconds", "minutes", "hours", "days", "weeks", "months", "quarters", "years"];

/// Whether a counter has this name, or is a later one of it.
fn is_named(name: &str, base: &str) -> bool {
    let rest = name.strip_prefix(base);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}
