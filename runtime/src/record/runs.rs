//! Rows of columns into their slots, column by column.
//!
//! What a column holds and where it goes is found once for the rows of a batch, and what its texts say once for each text of a
//! dictionary. What is out of the ordinary is left to [`Pour::cell`]. Refuses to know what is wrong with a row.

use super::columns::{Column, Object, Part};
use super::fill::{Pour, Refused, Target};
use super::reader::{ReadEvent, Reader};
use super::schema::{Count, Own, Schema, Usual};
use super::value::{Form, Scalar};
use crate::columnar::cells::{Block, Cells, Ends, Numbered, Texts, Values, Wholes};
use crate::decimal;
use perq_compiler::ir::{EventId, MISSING};
use std::ops::Range;

/// The most bytes of JSON that a number takes: a decimal of 38 digits and as many zeros as a scale below zero can ask for.
const NUMBER: usize = 192;

/// The most bytes of JSON that a text takes.
const fn longest(bytes: usize) -> usize {
    bytes.saturating_mul(6).saturating_add(3)
}

/// Rows of a batch, with how each column goes into slots.
pub(crate) struct Ready<'c> {
    columns: Vec<Bound<'c>>,
    /// The most bytes of JSON that a row takes without its texts, and without what is poured cell by cell.
    around: usize,
}

struct Bound<'c> {
    column: &'c Column,
    cells: &'c Cells<'c>,
    way: Way<'c>,
}

/// How the values of a column go into slots.
enum Way<'c> {
    /// One by one.
    Cells,
    /// Another column is of the same field. A row with a value here is left to the reader of JSON.
    Twice,
    Numbers(Count, Numbers<'c>),
    Texts(Usual, Block<'c>),
    /// Texts that are looked up already: what each number stands for, [`MISSING`] of one that is out of the ordinary.
    Known {
        goes: Goes,
        numbers: &'c Wholes<'c>,
        known: Vec<i64>,
        /// The most bytes of JSON that one of them takes.
        longest: usize,
    },
    /// Sets: slot and kind, where each ends, and its names.
    Sets((u32, usize), Ends<'c>, Block<'c>),
    Object(Ready<'c>),
    Member(Ready<'c>),
    Lines(Entries<'c>),
    Payments(Entries<'c>),
    /// Of this list of the schema.
    List(usize, Entries<'c>),
}

enum Numbers<'c> {
    Wholes(&'c Wholes<'c>),
    /// Counts of 10^-scale.
    Decimals(&'c [i128], i8),
}

/// Where what a text stands for goes.
#[derive(Clone, Copy)]
enum Goes {
    Slot(u32),
    /// It is the event's kind.
    Kind,
}

/// Rows of lists.
struct Entries<'c> {
    ends: Ends<'c>,
    cells: &'c Cells<'c>,
    rows: Ready<'c>,
}

/// Rows that are poured at once.
#[derive(Clone, Copy)]
struct Run {
    /// Where the first one's values go, and how many slots each has.
    target: Target,
    width: usize,
    /// The first one's number among the open lines, where they are lines.
    first: usize,
    /// Its row in the batch.
    row: usize,
    count: usize,
}

impl Run {
    fn target(&self, nth: usize) -> Target {
        let on = nth * self.width;
        match self.target {
            Target::Event => Target::Event,
            Target::Line(base) => Target::Line(base + on),
            Target::Payment(base) => Target::Payment(base + on),
            Target::Row(list, base) => Target::Row(list, base + on),
        }
    }

    /// One of them.
    fn only(&self, nth: usize) -> Run {
        Run { target: self.target(nth), first: self.first + nth, row: self.row + nth, count: 1, ..*self }
    }

    fn rows(&self) -> Range<usize> {
        self.row..self.row + self.count
    }
}

impl<'c> Ready<'c> {
    /// These rows of a batch.
    pub(super) fn of(
        schema: &Schema,
        object: &'c Object,
        cells: &'c [Cells<'c>],
        rows: Range<usize>,
    ) -> Ready<'c> {
        let mut columns: Vec<Bound<'c>> = Vec::with_capacity(object.columns.len());
        let mut around = 0;
        for column in &object.columns {
            let Some(cells) = cells.get(column.at) else { continue };
            let way = match columns.iter().any(|other| other.column.field == column.field) {
                true => Way::Twice,
                false => Way::of(schema, column, cells, rows.clone()),
            };
            around += way.around().map_or(0, |value| column.key.len() + 3 + value);
            columns.push(Bound { column, cells, way });
        }
        Ready { columns, around }
    }

    /// Reads a row into its slots. False where it does not go in, or only its JSON tells whether it does: what is then in
    /// `out` is of no use, and [`super::columns::Columns::write`] gives what the record's reader takes.
    pub(crate) fn read(&self, schema: &Schema, reader: &mut Reader, row: usize, out: &mut ReadEvent) -> bool {
        let run = Run { target: Target::Event, width: 0, first: 0, row, count: 1 };
        reader.read_filled(schema, out, |pour| pour.run(self, run))
    }
}

impl<'c> Way<'c> {
    fn of(schema: &Schema, column: &'c Column, cells: &'c Cells<'c>, rows: Range<usize>) -> Way<'c> {
        let field = schema.fields.get(column.field);
        let usual = field.map_or(Usual::None, |field| field.usual);
        let entries = |object, ends: &Ends<'c>, entries: &'c Cells<'c>| {
            let (Values::Row(columns), Some(rows)) = (entries.values(), ends.span(rows.clone())) else {
                return None;
            };
            Some(Entries { ends: *ends, cells: entries, rows: Ready::of(schema, object, columns, rows) })
        };
        let way = match (&column.part, cells.values()) {
            (Part::Value, Values::Whole(wholes)) => match usual {
                Usual::Decimal(of) => Some(Way::Numbers(of, Numbers::Wholes(wholes))),
                _ => None,
            },
            (Part::Value, Values::Decimal(array, scale)) => match usual {
                Usual::Decimal(of) => Some(Way::Numbers(of, Numbers::Decimals(array.values(), *scale))),
                _ => None,
            },
            (Part::Value, Values::Text(Texts::Numbered(texts))) => {
                Way::known(schema, usual, texts, rows.len())
            }
            (Part::Value, Values::Text(texts)) => match usual {
                Usual::None => None,
                _ => block(schema, texts, rows).map(|texts| Way::Texts(usual, texts)),
            },
            (Part::Value, Values::List { ends, entries }) => {
                let of = match (field.map(|field| field.slots.as_slice()), entries.values(), ends.span(rows))
                {
                    (Some([(slot, Form::Set(kind))]), Values::Text(texts), Some(names))
                        if !entries.is_one_absent(names.clone()) =>
                    {
                        block(schema, texts, names).map(|texts| ((*slot, *kind), texts))
                    }
                    _ => None,
                };
                of.map(|(of, texts)| Way::Sets(of, *ends, texts))
            }
            (Part::Object(object), Values::Row(columns)) => {
                Some(Way::Object(Ready::of(schema, object, columns, rows)))
            }
            (Part::Member(object), Values::Row(columns)) => {
                Some(Way::Member(Ready::of(schema, object, columns, rows)))
            }
            (Part::Lines(object), Values::List { ends, entries: of }) => {
                entries(object, ends, of).map(Way::Lines)
            }
            (Part::Payments(object), Values::List { ends, entries: of }) => {
                entries(object, ends, of).map(Way::Payments)
            }
            (Part::List(list, object), Values::List { ends, entries: of }) => {
                entries(object, ends, of).map(|entries| Way::List(*list, entries))
            }
            _ => None,
        };
        way.unwrap_or(Way::Cells)
    }

    /// Looks up the texts of a dictionary, unless it has more of them than there are rows.
    fn known(schema: &Schema, usual: Usual, texts: &'c Numbered<'c>, rows: usize) -> Option<Way<'c>> {
        let goes = match usual {
            Usual::Symbol { slot, .. } | Usual::Text { slot, .. } => Goes::Slot(slot),
            Usual::Own(Own::Kind) => Goes::Kind,
            _ => return None,
        };
        if texts.count > rows {
            return None;
        }
        let number = |text: &str| match usual {
            _ if !is_plain(schema, text) => None,
            Usual::Symbol { kind, .. } => schema.tables.dictionaries.get(kind)?.number(text).map(i64::from),
            Usual::Text { form, .. } => schema.values.number(form, Scalar::Text(text)).ok(),
            _ => schema.event_kinds.get(text).copied().map(i64::from),
        };
        let all = || (0..texts.count).map(|at| texts.text(at));
        let known = all().map(|text| text.and_then(number).unwrap_or(MISSING)).collect();
        let longest = all().flatten().map(|text| longest(text.len())).max().unwrap_or(0);
        Some(Way::Known { goes, numbers: &texts.numbers, known, longest })
    }

    /// The most bytes of JSON that a value takes without its texts; nothing where it is poured cell by cell.
    fn around(&self) -> Option<usize> {
        match self {
            Way::Cells | Way::Twice => None,
            Way::Numbers(..) => Some(NUMBER),
            Way::Known { longest, .. } => Some(*longest),
            Way::Texts(..)
            | Way::Sets(..)
            | Way::Object(_)
            | Way::Member(_)
            | Way::Lines(_)
            | Way::Payments(_)
            | Way::List(..) => Some(3),
        }
    }
}

/// Whether a text goes in as it is: none may hold NUL, and this one is within the limit even if each byte is an escape.
fn is_plain(schema: &Schema, text: &str) -> bool {
    !text.as_bytes().contains(&0) && is_short(schema, text.len())
}

fn is_short(schema: &Schema, bytes: usize) -> bool {
    bytes.saturating_mul(6) <= schema.options().limits.text
}

/// The texts of rows, if all go in as they are.
fn block<'c>(schema: &Schema, texts: &Texts<'c>, mut rows: Range<usize>) -> Option<Block<'c>> {
    let block = texts.block(rows.clone())?;
    let all = block.together(rows.clone())?;
    let short = is_short(schema, all.len()) || rows.all(|row| is_short(schema, block.length(row)));
    (short && !all.as_bytes().contains(&0)).then_some(block)
}

impl Pour<'_, '_> {
    fn run(&mut self, ready: &Ready<'_>, run: Run) -> Result<(), Refused> {
        self.take(ready.around.saturating_mul(run.count))?;
        ready.columns.iter().try_for_each(|bound| self.column(bound, run))
    }

    fn column(&mut self, bound: &Bound<'_>, run: Run) -> Result<(), Refused> {
        match &bound.way {
            Way::Cells => (0..run.count).try_for_each(|nth| self.one(bound, run, nth)),
            Way::Twice => match run.rows().all(|row| bound.cells.is_absent(row)) {
                true => Ok(()),
                false => Err(Refused),
            },
            Way::Numbers(of, numbers) => self.numbers(bound, run, *of, numbers),
            Way::Texts(usual, texts) => self.texts(bound, run, *usual, texts),
            Way::Known { goes, numbers, known, .. } => self.present(bound, run, |pour, nth| {
                let number = numbers.at(run.row + nth).and_then(|number| usize::try_from(number).ok());
                match (number.and_then(|number| known.get(number)), goes) {
                    (None | Some(&MISSING), _) => pour.one(bound, run, nth)?,
                    (Some(value), Goes::Slot(slot)) => pour.fill.store(run.target(nth), *slot, *value),
                    (Some(value), Goes::Kind) => {
                        pour.fill.out.record.kind = EventId(*value as u32);
                        pour.fill.found.kind = true;
                    }
                }
                Ok(())
            }),
            Way::Sets(of, ends, names) => self.present(bound, run, |pour, nth| {
                let range = ends.at(run.row + nth).ok_or(Refused)?;
                pour.fits(range.len())?;
                let bytes = names.together(range.clone()).ok_or(Refused)?.len();
                pour.take(longest(bytes) + 3 * range.len())?;
                pour.set(*of, run.target(nth), range.map(|at| names.at(at)))
            }),
            Way::Object(ready) => match bound.cells.is_one_absent(run.rows()) {
                true => self.present(bound, run, |pour, nth| pour.run(ready, run.only(nth))),
                false => self.run(ready, run),
            },
            Way::Member(ready) => self.present(bound, run, |pour, nth| {
                pour.fill.found.inline_member = true;
                pour.run(ready, run.only(nth))?;
                pour.fill.out.member().map(|_| ()).ok_or(Refused)
            }),
            Way::Lines(entries) => self.present(bound, run, |pour, nth| {
                let rows = pour.entries(entries, run.row + nth)?;
                pour.fill.found.lines = true;
                let target = Target::Line(pour.fill.begin_lines(rows.len()));
                pour.rows(entries, rows, target, pour.fill.schema.line_width)?;
                pour.fill.finish_lines().map_err(|_| Refused)
            }),
            Way::Payments(entries) => self.present(bound, run, |pour, nth| {
                let rows = pour.entries(entries, run.row + nth)?;
                pour.fill.found.payments = true;
                let (base, width) = (pour.fill.begin_payments(rows.len()), pour.fill.schema.payment_width);
                let mut bases = (0..rows.len()).map(|nth| base + nth * width);
                pour.rows(entries, rows, Target::Payment(base), width)?;
                bases.try_for_each(|base| pour.fill.finish_payment(base, 0)).map_err(|_| Refused)
            }),
            Way::List(number, entries) => self.present(bound, run, |pour, nth| {
                let rows = pour.entries(entries, run.row + nth)?;
                let schema = pour.fill.schema;
                let list = schema.lists.get(*number).ok_or(Refused)?;
                let base = pour.fill.begin_rows(list, rows.len());
                let mut bases = (0..rows.len()).map(|nth| base + nth * list.width);
                pour.rows(entries, rows, Target::Row(*number, base), list.width)?;
                bases.try_for_each(|base| pour.fill.finish_row(list, base, 0)).map_err(|_| Refused)
            }),
        }
    }

    /// For each of the rows that has a value, by its number in the run.
    #[inline]
    fn present(
        &mut self,
        bound: &Bound<'_>,
        run: Run,
        mut each: impl FnMut(&mut Self, usize) -> Result<(), Refused>,
    ) -> Result<(), Refused> {
        for nth in 0..run.count {
            if !bound.cells.is_absent(run.row + nth) {
                each(self, nth)?;
            }
        }
        Ok(())
    }

    /// A value that is out of the ordinary, or whose column is.
    fn one(&mut self, bound: &Bound<'_>, run: Run, nth: usize) -> Result<(), Refused> {
        let Target::Line(base) = run.target(nth) else {
            return self.cell(bound.column, run.target(nth), bound.cells, run.row + nth);
        };
        self.fill.exchange(run.first + nth);
        let result = self.cell(bound.column, Target::Line(base), bound.cells, run.row + nth);
        self.fill.exchange(run.first + nth);
        result
    }

    fn numbers(
        &mut self,
        bound: &Bound<'_>,
        run: Run,
        of: Count,
        numbers: &Numbers<'_>,
    ) -> Result<(), Refused> {
        self.present(bound, run, |pour, nth| {
            let (count, scale) = match numbers {
                Numbers::Wholes(wholes) => (wholes.at(run.row + nth), 0),
                Numbers::Decimals(counts, scale) => (counts.get(run.row + nth).copied(), *scale),
            };
            match decimal::rescaled(count.ok_or(Refused)?, scale, of.scale()) {
                Ok(count) => pour.count(of, run, nth, count),
                Err(_) => pour.one(bound, run, nth),
            }
        })
    }

    fn count(&mut self, of: Count, run: Run, nth: usize, count: i64) -> Result<(), Refused> {
        let place = match of {
            Count::Slot { slot, .. } => {
                self.fill.store(run.target(nth), slot, count);
                return Ok(());
            }
            Count::Pieces | Count::Price | Count::Amount { .. } => {
                let line = self.fill.open_line(run.first + nth).ok_or(Refused)?;
                match of {
                    Count::Pieces => &mut line.pieces,
                    Count::Price => &mut line.price,
                    _ => &mut line.amount,
                }
            }
        };
        *place = Some(count);
        Ok(())
    }

    fn texts(&mut self, bound: &Bound<'_>, run: Run, usual: Usual, texts: &Block<'_>) -> Result<(), Refused> {
        match usual {
            Usual::Sku { slot } if !bound.cells.is_one_absent(run.rows()) => self.skus(run, slot, texts),
            // What is noted of a line beside its slots.
            Usual::None | Usual::Sku { .. } | Usual::Decimal(_) => {
                (0..run.count).try_for_each(|nth| self.one(bound, run, nth))
            }
            Usual::Symbol { .. } | Usual::Text { .. } | Usual::Own(_) => {
                self.present(bound, run, |pour, nth| {
                    let text = texts.at(run.row + nth).ok_or(Refused)?;
                    pour.take(longest(text.len()))?;
                    match pour.fill.usual(usual, run.target(nth), Scalar::Text(text)) {
                        true => Ok(()),
                        false => pour.one(bound, run, nth),
                    }
                })
            }
        }
    }

    /// The articles of lines, whose names are kept as one text.
    fn skus(&mut self, run: Run, slot: Option<u32>, texts: &Block<'_>) -> Result<(), Refused> {
        let all = texts.together(run.rows()).ok_or(Refused)?;
        self.take(longest(all.len()) + 3 * run.count)?;
        let (mut start, _) = self.fill.out.keep(all);
        for nth in 0..run.count {
            let length = texts.length(run.row + nth) as u32;
            let line = self.fill.open_line(run.first + nth).ok_or(Refused)?;
            if length == 0 {
                return Err(Refused);
            }
            (line.sku, line.is_open, line.sku_slot) = (Some((start, length)), true, slot);
            start += length;
        }
        Ok(())
    }

    /// The rows of a list, which are all there.
    fn entries(&mut self, entries: &Entries<'_>, row: usize) -> Result<Range<usize>, Refused> {
        let rows = entries.ends.at(row).ok_or(Refused)?;
        self.fits(rows.len())?;
        self.take(3 * rows.len())?;
        if entries.cells.is_one_absent(rows.clone()) { Err(Refused) } else { Ok(rows) }
    }

    fn rows(
        &mut self,
        entries: &Entries<'_>,
        rows: Range<usize>,
        target: Target,
        width: usize,
    ) -> Result<(), Refused> {
        self.run(&entries.rows, Run { target, width, first: 0, row: rows.start, count: rows.len() })
    }
}
