//! Decisions as rows of a table: what every decision has in columns of its own, the rest as JSON in one column.
//!
//! Nothing is lost: the columns and the rest hold exactly the fields of a decision's JSON, and `at` beside them. Refuses
//! to know how decisions come about.

use super::{Name, Names, available, fault_name, place, units};
use crate::columnar::write::TableFile;
use crate::columnar::{Builder, Column, ColumnKind, TableBuilder, TableError, TableErrorKind, TableFormat};
use crate::decimal;
use crate::engine::Engine;
use crate::record::ReadEvent;
use arrow_array::RecordBatch;
use perq_compiler::evaluate;
use perq_compiler::ir::{AccountId, MISSING, Program, event_slot};
use std::io::Write;
use std::sync::Arc;

/// Digits of an amount: any sum of 64-bit amounts.
const DIGITS: u8 = 38;

/// Bytes of what most decisions have beside their columns.
const MORE: usize = 1 << 9;

/// The columns of the decisions of one program.
#[derive(Debug)]
pub struct DecisionColumns {
    columns: Vec<Column>,
    /// By an amount's decimals: what makes it one of as many as the currency and all accounts have at most.
    factors: Vec<Option<i128>>,
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
        let factors = (0..=scale).rev().map(|missing| 10i128.checked_pow(u32::from(missing))).collect();
        DecisionColumns { columns, factors }
    }

    /// The columns.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// An empty table of them.
    pub(crate) fn table(&self) -> Result<TableBuilder, TableError> {
        TableBuilder::new(&self.columns)
    }

    /// Adds a row.
    ///
    /// # Errors
    /// Where an amount has more digits than a column holds; decisions of an engine have none such.
    pub(crate) fn add(
        &self,
        table: &mut TableBuilder,
        names: &Names,
        event: &ReadEvent,
        raw: &evaluate::Decision,
    ) -> Result<(), TableError> {
        let [of_id, of_kind, of_member, of_at, of_pack, of_tz, rest @ ..] = table.columns() else {
            return Err(other_columns());
        };
        of_id.text(event.id())?;
        of_kind.text(name(&names.kinds, event.record.kind.index()))?;
        some_text(of_member, event.member())?;
        let at = event.record.event.get(event_slot::AT.index()).copied();
        some_instant(of_at, at.filter(|at| *at != MISSING))?;
        of_pack.text(&names.pack)?;
        of_tz.text(names.tz)?;
        let [initial, discount, paid, tax, points, total, awards, debits, rest @ ..] = rest else {
            return Err(other_columns());
        };
        let (totals, money) = (&raw.totals, names.decimals);
        self.amount(initial, totals.initial, money)?;
        self.amount(discount, totals.discount, money)?;
        self.amount(paid, totals.paid, money)?;
        self.some_amount(tax, names.has_tax.then_some(totals.tax), money)?;
        self.some_amount(points, Some(totals.points).filter(|points| *points != 0), money)?;
        self.amount(total, totals.total, money)?;
        self.sums(awards, names, &totals.awards)?;
        self.sums(debits, names, &totals.debits)?;
        let [of_effects, of_lines, of_errors, of_more] = rest else { return Err(other_columns()) };
        rows(of_effects, &raw.effects, |columns, effect| self.effect(columns, names, event, effect))?;
        rows(of_lines, raw.lines.iter().enumerate(), |columns, (row, line)| {
            self.line(columns, names, event, row, line)
        })?;
        rows(of_errors, &raw.faults, |columns, fault| {
            let [of_rule, of_error, of_place] = columns else { return Err(other_columns()) };
            of_rule.text(name(&names.rules, fault.rule.index()))?;
            of_error.text(fault_name(fault.kind))?;
            of_place.text(&place(&names.program, fault.place))
        })?;
        let mut more = Vec::with_capacity(MORE);
        names.write_more(&mut more, event, raw);
        match std::str::from_utf8(&more) {
            Ok("") => of_more.absent()?,
            Ok(more) => of_more.text(more)?,
            Err(_) => of_more.text(&String::from_utf8_lossy(&more))?,
        }
        table.end_row()
    }

    fn effect(
        &self,
        columns: &mut [Builder],
        names: &Names,
        event: &ReadEvent,
        effect: &evaluate::Effect,
    ) -> Result<(), TableError> {
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
        of_kind.text(match (effect.account, effect.debit) {
            (Some(_), false) => "award",
            (Some(_), true) => "debit",
            (None, _) => "discount",
        })?;
        let decimals = names.decimals(effect.account);
        self.amount(of_amount, effect.amount, decimals)?;
        some_text(of_currency, effect.account.is_none().then_some(names.currency.text.as_str()))?;
        some_text(of_account, effect.account.map(|account| account_name(names, account)))?;
        if names.is_plain(effect) {
            of_lots.end_rows()?;
            of_spendable.absent()?;
            of_spent.truth(false)?;
        } else {
            rows(of_lots, &names.lives.lots(&names.program, event, effect), |columns, lot| {
                let [of_amount, of_available, of_expires] = columns else { return Err(other_columns()) };
                self.amount(of_amount, lot.amount, decimals)?;
                some_instant(of_available, available(event, lot))?;
                some_instant(of_expires, lot.until)
            })?;
            let spendable = names.lives.spendable(effect.site).and_then(|id| names.spendable(id));
            some_text(of_spendable, spendable.as_deref())?;
            of_spent.truth(names.lives.is_spent_at_once(effect.site))?;
        }
        of_rule.text(name(&names.rules, effect.rule.index()))?;
        of_group.text(name(&names.groups, effect.group.index()))?;
        some_text(of_reason, names.reasons.get(effect.site.index()).and_then(Option::as_deref))?;
        rows(of_lines, &effect.shares, |columns, share| {
            let [of_line, of_sku, of_pieces, of_amount, of_units] = columns else {
                return Err(other_columns());
            };
            of_line.whole(i64::from(share.row) + 1)?;
            of_sku.text(event.sku(share.row as usize))?;
            of_pieces.whole(share.pieces)?;
            self.amount(of_amount, share.amount, decimals)?;
            rows(of_units, units(share.amount, share.pieces), |columns, (pieces, amount)| {
                let [of_pieces, of_amount] = columns else { return Err(other_columns()) };
                of_pieces.whole(pieces)?;
                self.amount(of_amount, amount, decimals)
            })
        })?;
        some_text(of_to, names.to(event, effect))
    }

    fn line(
        &self,
        columns: &mut [Builder],
        names: &Names,
        event: &ReadEvent,
        row: usize,
        line: &evaluate::LineTotal,
    ) -> Result<(), TableError> {
        let [of_line, of_sku, initial, discount, paid, tax] = columns else { return Err(other_columns()) };
        of_line.whole(row as i64 + 1)?;
        of_sku.text(event.sku(row))?;
        self.amount(initial, line.initial, names.decimals)?;
        self.amount(discount, i128::from(line.initial) - i128::from(line.paid), names.decimals)?;
        self.amount(paid, line.paid, names.decimals)?;
        self.some_amount(tax, names.has_tax.then_some(line.tax), names.decimals)
    }

    fn sums(&self, column: &mut Builder, names: &Names, sums: &[(AccountId, i64)]) -> Result<(), TableError> {
        rows(column, sums, |columns, (account, amount)| {
            let [of_account, of_amount] = columns else { return Err(other_columns()) };
            of_account.text(account_name(names, *account))?;
            self.amount(of_amount, *amount, names.decimals(Some(*account)))
        })
    }

    /// An amount of so many decimals.
    fn amount(&self, column: &mut Builder, amount: impl Into<i128>, decimals: u8) -> Result<(), TableError> {
        let amount = amount.into();
        let factor = self.factors.get(usize::from(decimals)).copied().flatten();
        let count = match (factor.map(i64::try_from), i64::try_from(amount)) {
            // It fits, whatever the two.
            (Some(Ok(factor)), Ok(amount)) => Some(i128::from(amount) * i128::from(factor)),
            _ => factor.and_then(|factor| amount.checked_mul(factor)),
        };
        match count {
            Some(count) => column.decimal(count),
            None => {
                let message = format!("{} has too many digits", decimal::print(amount, decimals));
                Err(TableError::new(TableErrorKind::OutOfRange, "", message))
            }
        }
    }

    fn some_amount(
        &self,
        column: &mut Builder,
        amount: Option<impl Into<i128>>,
        decimals: u8,
    ) -> Result<(), TableError> {
        match amount {
            Some(amount) => self.amount(column, amount, decimals),
            None => column.absent(),
        }
    }
}

fn name(names: &[Name], index: usize) -> &str {
    names.get(index).map_or("", |name| &name.text)
}

fn account_name(names: &Names, account: AccountId) -> &str {
    names.accounts.get(account.index()).map_or("", |(name, _)| &name.text)
}

#[cold]
fn other_columns() -> TableError {
    TableError::new(TableErrorKind::WrongType, "", "the table has other columns than decisions")
}

fn rows<T>(
    column: &mut Builder,
    values: impl IntoIterator<Item = T>,
    write: impl Fn(&mut [Builder], T) -> Result<(), TableError>,
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
