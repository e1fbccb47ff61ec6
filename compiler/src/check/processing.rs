//! `process`: in which run over an event a rule is asked, and until when. It refuses to know runs: all of it is conditions
//! on fields of the event, which whoever sends the event fills.

use super::names::Scope;
use super::types::constant;
use super::{Checker, errors};
use crate::ir;
use crate::typed::{Expr, ExprKind, FieldId, Ratio, Step, Type};
use perq_grammar::ast::{self, Processing};
use perq_grammar::diagnostic::Place;

impl Checker<'_> {
    /// `process in_batch no later than 2 weeks`
    pub(super) fn process(
        &mut self,
        scope: &mut Scope,
        when: Processing,
        no_later_than: Option<&ast::Expr>,
        place: Place,
        steps: &mut Vec<Step>,
    ) {
        let (Some(run), Some(at_once)) = (self.standard("run"), self.standard("process_immediately")) else {
            return;
        };
        let in_run = |checker: &Self, batch: bool| {
            let run = checker.builtin_field(run, place);
            let ty = run.ty.clone();
            let wanted = Expr { kind: ExprKind::Ordinal(i64::from(batch)), ty, place };
            truth(ExprKind::Compare(ir::Comparison::Equal, Box::new(run), Box::new(wanted)), place)
        };
        let asked = |checker: &Self| checker.builtin_field(at_once, place);
        let condition = match when {
            Processing::AtOnce => in_run(self, false),
            Processing::InBatch => in_run(self, true),
            Processing::AsAsked => {
                let not_asked = truth(ExprKind::Not(Box::new(asked(self))), place);
                let now = truth(ExprKind::And(vec![in_run(self, false), asked(self)]), place);
                let later = truth(ExprKind::And(vec![in_run(self, true), not_asked]), place);
                truth(ExprKind::Or(vec![now, later]), place)
            }
        };
        steps.push(Step::When(condition));
        let deadline = no_later_than.and_then(|length| self.length(scope, length));
        if let (Some(window), Some(processed)) = (deadline, self.standard("processed_at")) {
            let deadline = self.until(window);
            steps.push(Step::When(self.no_later(processed, deadline, place)));
        }
    }

    /// An event whose processing says no instant is processed at its own.
    fn no_later(&self, processed: FieldId, deadline: FieldId, place: Place) -> Expr {
        let of =
            |field| Box::new(Expr { kind: ExprKind::Field { field, of: None }, ty: Type::Instant, place });
        let known = truth(ExprKind::Known(Box::new(self.builtin_field(processed, place))), place);
        let unknown = truth(ExprKind::Not(Box::new(known)), place);
        let in_time = ExprKind::Compare(ir::Comparison::LessOrEqual, of(processed), of(deadline));
        truth(ExprKind::Or(vec![unknown, truth(in_time, place)]), place)
    }

    /// A stretch of time of fixed length.
    fn length(&mut self, scope: &mut Scope, length: &ast::Expr) -> Option<ir::Window> {
        let value = self.value(scope, length, Some(&Type::Days));
        if value.ty.is_error() || matches!(value.kind, ExprKind::Error) {
            return None;
        }
        let quoted = self.quote(value.place);
        let count = constant(&value).and_then(Ratio::to_i64).filter(|count| *count > 0);
        let Some(count) = count else {
            self.report(errors::constant_expected(value.place, &quoted));
            return None;
        };
        let whole = u32::try_from(count).ok().filter(|count| *count <= 1_000_000);
        let window = match value.ty {
            Type::Duration => Some(ir::Window::Seconds(count)),
            Type::Days => whole.map(ir::Window::Days),
            Type::Months => whole.map(ir::Window::Months),
            ref other => {
                let found = self.describe(other);
                self.report(errors::mismatched_types(
                    value.place,
                    &quoted,
                    "a stretch of time, such as `2 weeks`",
                    &found,
                    None,
                ));
                return None;
            }
        };
        if window.is_none() {
            self.report(errors::number_out_of_range(value.place, &quoted));
        }
        window
    }
}

fn truth(kind: ExprKind, place: Place) -> Expr {
    Expr { kind, ty: Type::Bool, place }
}
