//! Decisions as rows of a table: what every decision has in columns of its own, the rest as JSON in one column.
//!
//! Nothing is lost: the columns and the rest hold exactly the fields of a decision's JSON, and `at` beside them. Refuses
//! to know how decisions come about.

use super::{Awards, Decision, Effect, EffectKind, Line, Lot, RuleError, Share, Units};
use crate::columnar::write::TableFile;
use crate::columnar::{Builder, Column, ColumnKind, TableBuilder, TableError, TableErrorKind, TableFormat};
use crate::engine::Engine;
use arrow_array::RecordBatch;
use perq_compiler::ir::Program;
use std::io::Write;
use std::sync::Arc;

/// Digits of an amount: any sum of 64-bit amounts.
const DIGITS: u8 = 38;

/// The columns of the decisions of one program.
#[derive(Debug)]
pub struct DecisionColumns {
    columns: Vec<Column>,
    /// Decimals of an amount: the most of the currency and all accounts.
    scale: u8,
}

/// A table of decisions in a file that is being written.
pub struct DecisionTable {
    columns: Arc<DecisionColumns>,
    file: TableFile<Box<dyn Write + Send>>,
}

impl DecisionTable {
    /// Begins a table of the decisions of an engine.
    ///
    /// # Errors
    /// Where nothing can be written.
    pub fn new(
        engine: &Engine,
        format: TableFormat,
        place: Box<dyn Write + Send>,
    ) -> Result<DecisionTable, TableError> {
        let columns = DecisionColumns::of(engine.program());
        let table = TableBuilder::new(&columns.columns)?;
        let file = TableFile::new(format, table.schema(), place)?;
        Ok(DecisionTable { columns: Arc::new(columns), file })
    }

    /// Ends the table; one that is not ended is none.
    ///
    /// # Errors
    /// Where nothing can be written.
    pub fn finish(self) -> Result<(), TableError> {
        self.file.finish().map(|_| ())
    }

    pub(crate) fn columns(&self) -> Arc<DecisionColumns> {
        Arc::clone(&self.columns)
    }

    pub(crate) fn add(&mut self, rows: &RecordBatch) -> Result<(), TableError> {
        self.file.write(rows)
    }
}

impl DecisionColumns {
    /// Of a program.
    pub fn of(program: &Program) -> DecisionColumns {
        let accounts = program.accounts.iter().map(|account| account.decimals);
        let scale = accounts.chain([program.currency.decimals]).max().unwrap_or(0);
        let amount = || ColumnKind::Decimal { digits: DIGITS, scale };
        let text = |name: &str| Column::new(name, ColumnKind::Text);
        let some_text = |name: &str| Column::optional(name, ColumnKind::Text);
        let whole = |name: &str| Column::new(name, ColumnKind::Whole);
        let units = ColumnKind::Rows(vec![whole("pieces"), Column::new("amount", amount())]);
        let shares = ColumnKind::Rows(vec![
            whole("line"),
            text("sku"),
            whole("pieces"),
            Column::new("amount", amount()),
            Column::new("units", units),
        ]);
        let lots = ColumnKind::Rows(vec![
            Column::new("amount", amount()),
            Column::optional("available", ColumnKind::Instant),
            Column::optional("expires", ColumnKind::Instant),
        ]);
        let effects = ColumnKind::Rows(vec![
            text("kind"),
            Column::new("amount", amount()),
            some_text("currency"),
            some_text("account"),
            Column::new("lots", lots),
            some_text("spendable"),
            Column::new("spent_at_once", ColumnKind::Truth),
            text("rule"),
            text("group"),
            some_text("reason"),
            Column::new("lines", shares),
            some_text("to"),
        ]);
        let lines = ColumnKind::Rows(vec![
            whole("line"),
            text("sku"),
            Column::new("initial", amount()),
            Column::new("discount", amount()),
            Column::new("paid", amount()),
            Column::optional("tax", amount()),
        ]);
        let sums = || ColumnKind::Rows(vec![text("account"), Column::new("amount", amount())]);
        let errors = ColumnKind::Rows(vec![text("rule"), text("error"), text("place")]);
        let columns = vec![
            text("id"),
            text("kind"),
            some_text("member"),
            Column::optional("at", ColumnKind::Instant),
            text("pack"),
            text("tz"),
            Column::new("initial", amount()),
            Column::new("discount", amount()),
            Column::new("paid", amount()),
            Column::optional("tax", amount()),
            Column::optional("points", amount()),
            Column::new("total", amount()),
            Column::new("awards", sums()),
            Column::new("debits", sums()),
            Column::new("effects", effects),
            Column::new("lines", lines),
            Column::new("errors", errors),
            some_text("more"),
        ];
        DecisionColumns { columns, scale }
    }

    /// The columns.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// An empty table of them.
    pub(crate) fn table(&self) -> Result<TableBuilder, TableError> {
        TableBuilder::new(&self.columns)
    }

    /// Adds a row. `at` is the event's instant.
    ///
    /// # Errors
    /// Where an amount is none; decisions of an engine have none such.
    pub fn add(
        &self,
        table: &mut TableBuilder,
        at: Option<i64>,
        decision: &Decision,
    ) -> Result<(), TableError> {
        let more = self.more(decision)?;
        let Decision { id, kind, member, pack, tz, effects, errors, lines, totals, .. } = decision;
        let [of_id, of_kind, of_member, of_at, of_pack, of_tz, rest @ ..] = table.columns() else {
            return Err(other_columns());
        };
        of_id.text(id)?;
        of_kind.text(kind)?;
        some_text(of_member, member.as_deref())?;
        some_instant(of_at, at)?;
        of_pack.text(pack)?;
        of_tz.text(tz)?;
        let [initial, discount, paid, tax, points, total, awards, debits, rest @ ..] = rest else {
            return Err(other_columns());
        };
        self.amount(initial, &totals.initial)?;
        self.amount(discount, &totals.discount)?;
        self.amount(paid, &totals.paid)?;
        self.some_amount(tax, totals.tax.as_deref())?;
        self.some_amount(points, totals.points.as_deref())?;
        self.amount(total, &totals.total)?;
        self.sums(awards, &totals.awards)?;
        self.sums(debits, &totals.debits)?;
        let [of_effects, of_lines, of_errors, of_more] = rest else { return Err(other_columns()) };
        rows(of_effects, effects, |columns, effect| self.effect(columns, effect))?;
        rows(of_lines, lines, |columns, line| self.line(columns, line))?;
        rows(of_errors, errors, |columns, RuleError { rule, error, place }| {
            let [of_rule, of_error, of_place] = columns else { return Err(other_columns()) };
            of_rule.text(rule)?;
            of_error.text(error)?;
            of_place.text(place)
        })?;
        some_text(of_more, more.as_deref())?;
        table.end_row()
    }

    fn effect(&self, columns: &mut [Builder], effect: &Effect) -> Result<(), TableError> {
        let Effect {
            kind,
            amount,
            currency,
            account,
            lots,
            spendable,
            spent_at_once,
            rule,
            group,
            reason,
            lines,
            to,
        } = effect;
        let [
            of_kind,
            of_amount,
            of_currency,
            of_account,
            of_lots,
            of_spendable,
            of_spent,
            of_rule,
            of_group,
            of_reason,
            of_lines,
            of_to,
        ] = columns
        else {
            return Err(other_columns());
        };
        of_kind.text(match kind {
            EffectKind::Discount => "discount",
            EffectKind::Award => "award",
            EffectKind::Debit => "debit",
        })?;
        self.amount(of_amount, amount)?;
        some_text(of_currency, currency.as_deref())?;
        some_text(of_account, account.as_deref())?;
        rows(of_lots, lots, |columns, Lot { amount, available, expires }| {
            let [of_amount, of_available, of_expires] = columns else { return Err(other_columns()) };
            self.amount(of_amount, amount)?;
            some_instant(of_available, available.as_deref().map(instant).transpose()?)?;
            some_instant(of_expires, expires.as_deref().map(instant).transpose()?)
        })?;
        some_text(of_spendable, spendable.as_deref())?;
        of_spent.truth(*spent_at_once)?;
        of_rule.text(rule)?;
        of_group.text(group)?;
        some_text(of_reason, reason.as_deref())?;
        rows(of_lines, lines, |columns, Share { line, sku, pieces, amount, units }| {
            let [of_line, of_sku, of_pieces, of_amount, of_units] = columns else {
                return Err(other_columns());
            };
            of_line.whole(i64::from(*line))?;
            of_sku.text(sku)?;
            of_pieces.whole(*pieces)?;
            self.amount(of_amount, amount)?;
            rows(of_units, units, |columns, Units { pieces, amount }| {
                let [of_pieces, of_amount] = columns else { return Err(other_columns()) };
                of_pieces.whole(*pieces)?;
                self.amount(of_amount, amount)
            })
        })?;
        some_text(of_to, to.as_deref())
    }

    fn line(&self, columns: &mut [Builder], line: &Line) -> Result<(), TableError> {
        let [of_line, of_sku, initial, discount, paid, tax] = columns else { return Err(other_columns()) };
        of_line.whole(i64::from(line.line))?;
        of_sku.text(&line.sku)?;
        self.amount(initial, &line.initial)?;
        self.amount(discount, &line.discount)?;
        self.amount(paid, &line.paid)?;
        self.some_amount(tax, line.tax.as_deref())
    }

    fn sums(&self, column: &mut Builder, sums: &Awards) -> Result<(), TableError> {
        rows(column, &sums.0, |columns, (account, amount)| {
            let [of_account, of_amount] = columns else { return Err(other_columns()) };
            of_account.text(account)?;
            self.amount(of_amount, amount)
        })
    }

    fn amount(&self, column: &mut Builder, text: &str) -> Result<(), TableError> {
        match count(text, self.scale) {
            Some(count) => column.decimal(count),
            None => Err(TableError::new(TableErrorKind::OutOfRange, "", format!("`{text}` is no amount"))),
        }
    }

    fn some_amount(&self, column: &mut Builder, text: Option<&str>) -> Result<(), TableError> {
        match text {
            Some(text) => self.amount(column, text),
            None => column.absent(),
        }
    }

    /// What a decision has besides the columns, as JSON; nothing where that is nothing.
    fn more(&self, decision: &Decision) -> Result<Option<String>, TableError> {
        // Named one by one, so that a new field is put somewhere.
        let Decision {
            id: _,
            kind: _,
            member: _,
            pack: _,
            tz: _,
            effects: _,
            displaced,
            cut,
            claims,
            sets,
            short,
            tender,
            spent,
            returned,
            coupons,
            issued,
            gifts,
            gift_offers,
            set,
            tiers,
            offers,
            said,
            refused,
            broken,
            errors: _,
            lines: _,
            totals: _,
            raised,
        } = decision;
        let mut out = String::new();
        macro_rules! put {
            ($field:ident, $value:expr) => {{
                let value = serde_json::to_string($value);
                let value = value
                    .map_err(|error| TableError::new(TableErrorKind::WrongType, "more", error.to_string()))?;
                out.push(if out.is_empty() { '{' } else { ',' });
                out.push_str(concat!("\"", stringify!($field), "\":"));
                out.push_str(&value);
            }};
        }
        macro_rules! lists {
            ($($field:ident),*) => { $(if !$field.is_empty() { put!($field, $field); })* };
        }
        macro_rules! parts {
            ($($field:ident),*) => { $(if let Some(part) = $field { put!($field, part); })* };
        }
        lists!(displaced, cut, claims, sets, short, tender, spent);
        parts!(returned);
        lists!(coupons, issued, gifts, gift_offers, set, tiers);
        parts!(offers);
        lists!(said);
        parts!(refused);
        lists!(broken, raised);
        if out.is_empty() {
            return Ok(None);
        }
        out.push('}');
        Ok(Some(out))
    }
}

#[cold]
fn other_columns() -> TableError {
    TableError::new(TableErrorKind::WrongType, "", "the table has other columns than decisions")
}

fn rows<T>(
    column: &mut Builder,
    values: &[T],
    write: impl Fn(&mut [Builder], &T) -> Result<(), TableError>,
) -> Result<(), TableError> {
    for value in values {
        write(column.entries()?, value)?;
        column.end_entry()?;
    }
    column.end_rows()
}

fn some_text(column: &mut Builder, text: Option<&str>) -> Result<(), TableError> {
    match text {
        Some(text) => column.text(text),
        None => column.absent(),
    }
}

fn some_instant(column: &mut Builder, instant: Option<i64>) -> Result<(), TableError> {
    match instant {
        Some(instant) => column.instant(instant),
        None => column.absent(),
    }
}

/// The seconds of an instant as decisions write it.
fn instant(text: &str) -> Result<i64, TableError> {
    let moment = crate::clock::Zone::universal().moment(text);
    moment
        .map(|moment| moment.instant)
        .ok_or_else(|| TableError::new(TableErrorKind::OutOfRange, "", format!("`{text}` is no instant")))
}

/// An amount as decisions write it, as a count at a scale that is not smaller.
fn count(text: &str, scale: u8) -> Option<i128> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let missing = usize::from(scale).checked_sub(fraction.len())?;
    let mut count: i128 = 0;
    let zeros = std::iter::repeat_n(b'0', missing);
    for byte in whole.bytes().chain(fraction.bytes()).chain(zeros) {
        let digit = byte.checked_sub(b'0').filter(|digit| *digit <= 9)?;
        count = count.checked_mul(10)?.checked_add(i128::from(digit))?;
    }
    Some(if negative { -count } else { count })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_counts() {
        assert_eq!(count("10.50", 2), Some(1_050));
        assert_eq!(count("-0.05", 3), Some(-50));
        assert_eq!(count("20", 0), Some(20));
        assert_eq!(count("1.234", 2), None);
        assert_eq!(count("x", 2), None);
    }
}
