//! `by` and tables: which row fits, whether one always does, whether a row never can. It refuses to know where the
//! values that are chosen go.

use super::names::Scope;
use super::types::constant;
use super::{Checker, errors};
use crate::ir;
use crate::typed::{Expr, ExprKind, LocalId, Pattern, Ratio, Row, Type};
use perq_grammar::ast;
use perq_grammar::diagnostic::Place;
use std::collections::BTreeMap;

/// More rows than a reader can check, or an engine should compare one by one.
const MAX_ROWS: usize = 2_000;
/// Columns of a table.
pub(super) const MAX_COLUMNS: usize = 16;
/// How many steps proving that a row always fits may take.
const MAX_WORK: u32 = 1_000_000;

/// What a pattern covers.
#[derive(Clone, Debug)]
enum Cover {
    All,
    Value(i64),
    Point(Ratio),
    Band(Ratio, Option<Ratio>),
    Reference(ir::Reference),
    AnyOf(Vec<Cover>),
}

impl Cover {
    /// The alternatives, or the pattern itself.
    fn parts(&self) -> &[Cover] {
        if let Cover::AnyOf(parts) = self { parts } else { std::slice::from_ref(self) }
    }

    fn any(&self, test: &dyn Fn(&Cover) -> bool) -> bool {
        self.parts().iter().any(test)
    }
}

/// The values of a column, cut into pieces that no pattern tells apart.
struct Column {
    /// What each piece is called.
    names: Vec<String>,
    /// For each row, which pieces it covers.
    covers: Vec<Vec<bool>>,
    /// For numbers: the ends of each piece, for merging neighbours.
    ends: Vec<(Option<Ratio>, Option<Ratio>)>,
    numeric: bool,
}

impl Checker<'_> {
    /// `by member.tier { base => 1%, vip => 3% }`
    pub(super) fn by(
        &mut self,
        scope: &mut Scope,
        subject: &ast::Expr,
        arms: &[ast::Arm],
        place: Place,
        want: Option<&Type>,
    ) -> Expr {
        let subject = self.value(scope, subject, None);
        let name = self.quote(subject.place);
        self.rows(scope, vec![subject], &name, arms, want, (false, true), place)
    }

    /// A table's body.
    pub(super) fn table(
        &mut self,
        scope: &mut Scope,
        header: &ast::Header,
        params: &[LocalId],
        policy: &ast::Name,
        rows: &[ast::Arm],
        ty: &Type,
    ) -> Expr {
        let unique = match policy.text.as_str() {
            "unique" => true,
            "first_match" => false,
            _ => {
                let words = &["unique", "first_match"];
                self.report(errors::unknown_word(scope.place(policy.span), "table", &policy.text, words));
                false
            }
        };
        let place = scope.place(header.name.span);
        let mut subjects = Vec::new();
        for param in params {
            let Some(local) = self.out.locals.get(param.0 as usize).cloned() else { continue };
            subjects.push(Expr { kind: ExprKind::Local(*param), ty: local.ty.clone(), place: local.place });
            if local.ty.is_optional() {
                self.report(errors::optional_column(local.place, &local.name));
            }
        }
        self.rows(scope, subjects, &header.name.text, rows, Some(ty), (true, unique), place)
    }

    #[allow(clippy::too_many_arguments)]
    fn rows(
        &mut self,
        scope: &mut Scope,
        subjects: Vec<Expr>,
        name: &str,
        arms: &[ast::Arm],
        want: Option<&Type>,
        (table, unique): (bool, bool),
        place: Place,
    ) -> Expr {
        let mut ty = want.filter(|ty| !ty.is_error()).cloned();
        let from_table = want.is_some();
        let mut rows: Vec<Row> = Vec::new();
        let mut covers: Vec<(Vec<Cover>, Place)> = Vec::new();
        let mut broken = subjects.iter().any(|subject| subject.ty.is_error());
        for arm in arms {
            let arm_place = scope.place(arm.span);
            let value = match &ty {
                Some(ty) if from_table => self.row_value(scope, &arm.value, ty),
                Some(ty) => self.value_of(scope, &arm.value, ty),
                None => self.value(scope, &arm.value, None),
            };
            if ty.is_none() && !value.ty.is_error() {
                ty = Some(value.ty.clone());
            }
            broken |= matches!(value.kind, ExprKind::Error);
            if !table && arm.patterns.len() > 1 {
                // `sat, sun => …`: either of them.
                let found: Vec<Option<(Pattern, Cover)>> = match subjects.first() {
                    Some(subject) => {
                        arm.patterns.iter().map(|pattern| self.pattern(scope, pattern, &subject.ty)).collect()
                    }
                    None => Vec::new(),
                };
                match found.into_iter().collect::<Option<Vec<(Pattern, Cover)>>>() {
                    Some(found) => {
                        let everything = found.iter().any(|(_, cover)| matches!(cover, Cover::All));
                        let (patterns, cover): (Vec<Pattern>, Vec<Cover>) = found.into_iter().unzip();
                        let (pattern, cover) = if everything {
                            (Pattern::Any, Cover::All)
                        } else {
                            (Pattern::AnyOf(patterns), Cover::AnyOf(cover))
                        };
                        rows.push(Row { patterns: vec![pattern], value });
                        covers.push((vec![cover], arm_place));
                    }
                    None => broken = true,
                }
                continue;
            }
            if !arm.patterns.is_empty() && arm.patterns.len() != subjects.len() {
                self.report(errors::wrong_patterns(arm_place, name, subjects.len(), arm.patterns.len()));
                broken = true;
                continue;
            }
            let mut patterns = Vec::new();
            let mut cover = Vec::new();
            if arm.patterns.is_empty() {
                patterns.extend(subjects.iter().map(|_| Pattern::Any));
                cover.extend(subjects.iter().map(|_| Cover::All));
            }
            for (pattern, subject) in arm.patterns.iter().zip(&subjects) {
                match self.pattern(scope, pattern, &subject.ty) {
                    Some((pattern, covered)) => {
                        patterns.push(pattern);
                        cover.push(covered);
                    }
                    None => broken = true,
                }
            }
            if patterns.len() == subjects.len() {
                rows.push(Row { patterns, value });
                covers.push((cover, arm_place));
            }
        }
        let ty = ty.unwrap_or(Type::Error);
        if broken {
            return Expr { kind: ExprKind::Error, ty, place };
        }
        self.check_rows(&subjects, name, &covers, unique, place);
        Expr { kind: ExprKind::Match { subjects, rows }, ty, place }
    }

    fn row_value(&mut self, scope: &mut Scope, value: &ast::Expr, ty: &Type) -> Expr {
        self.value_as(scope, value, ty)
    }

    fn pattern(&mut self, scope: &mut Scope, pattern: &ast::Pattern, ty: &Type) -> Option<(Pattern, Cover)> {
        match pattern {
            ast::Pattern::Any(_) => Some((Pattern::Any, Cover::All)),
            ast::Pattern::Value(value) => {
                if let ast::ExprKind::Path(path) = &value.kind
                    && let [name] = path.parts.as_slice()
                    && name.text == "_"
                {
                    return Some((Pattern::Any, Cover::All));
                }
                if let (ast::ExprKind::Reference(kind, names), Type::Symbol(subject)) = (&value.kind, ty) {
                    let reference = self.reference(scope, kind, names)?;
                    if self.tested_kind(reference.kind) != *subject {
                        let place = scope.place(value.span);
                        let quoted = self.quote(place);
                        let described = self.describe(ty);
                        self.report(errors::mismatched_types(
                            place,
                            &quoted,
                            &described,
                            &format!("a {}", kind.text),
                            None,
                        ));
                        return None;
                    }
                    return Some((Pattern::Reference(reference.clone()), Cover::Reference(reference)));
                }
                let value = self.value_of(scope, value, ty);
                let ratio = self.pattern_constant(&value)?;
                let cover = if matches!(ty, Type::Enum(_) | Type::Bool) {
                    Cover::Value(ratio.to_i64()?)
                } else {
                    Cover::Point(ratio)
                };
                Some((Pattern::Value(value), cover))
            }
            ast::Pattern::Band { from, until } => {
                let from = self.value_of(scope, from, ty);
                let until = until.as_ref().map(|until| self.value_of(scope, until, ty));
                let bands = ty.is_numeric() || matches!(ty, Type::Date | Type::Time);
                if !bands && !ty.is_error() {
                    let described = self.describe(ty);
                    self.report(errors::no_bands(from.place, &described));
                    return None;
                }
                let low = self.pattern_constant(&from)?;
                let high = match &until {
                    Some(until) => Some(self.pattern_constant(until)?),
                    None => None,
                };
                if let Some(until) = &until {
                    self.refuse_empty(&from, until, false);
                }
                Some((Pattern::Band { from, until }, Cover::Band(low, high)))
            }
        }
    }

    fn pattern_constant(&mut self, value: &Expr) -> Option<Ratio> {
        if matches!(value.kind, ExprKind::Error) || value.ty.is_error() {
            return None;
        }
        let ratio = constant(value);
        if ratio.is_none() {
            let quoted = self.quote(value.place);
            self.report(errors::constant_expected(value.place, &quoted));
        }
        ratio
    }

    fn check_rows(
        &mut self,
        subjects: &[Expr],
        name: &str,
        rows: &[(Vec<Cover>, Place)],
        unique: bool,
        place: Place,
    ) {
        if rows.len() > MAX_ROWS || subjects.len() > MAX_COLUMNS {
            self.report(errors::too_many_rows(place, name, MAX_ROWS));
            return;
        }
        let columns: Vec<Column> = subjects
            .iter()
            .enumerate()
            .map(|(position, subject)| {
                let patterns = rows.iter().filter_map(|(covers, _)| covers.get(position)).collect();
                self.column(subject, patterns)
            })
            .collect();
        let mut work = MAX_WORK;
        let all: Vec<Vec<bool>> = columns.iter().map(|column| vec![true; column.names.len()]).collect();
        let mut earlier: Vec<usize> = Vec::new();
        for (row, (covers, row_place)) in rows.iter().enumerate() {
            let own: Vec<Vec<bool>> =
                columns.iter().map(|column| column.covers.get(row).cloned().unwrap_or_default()).collect();
            let nothing = columns.is_empty() || own.iter().any(|covers| !covers.contains(&true));
            let mut found = Vec::new();
            missing(&columns, &own, 0, &earlier, &mut Vec::new(), &mut found, 1, &mut work);
            let covers_all = covers.iter().all(|cover| matches!(cover, Cover::All));
            if !nothing && found.is_empty() && work > 0 {
                self.report(errors::unreachable_row(*row_place, name, covers_all));
            } else if unique && !covers_all {
                let clash = earlier.iter().copied().find(|other| {
                    let other_all = rows
                        .get(*other)
                        .is_some_and(|(covers, _)| covers.iter().all(|c| matches!(c, Cover::All)));
                    !other_all
                        && columns.iter().zip(&own).all(|(column, own)| {
                            column
                                .covers
                                .get(*other)
                                .is_some_and(|theirs| theirs.iter().zip(own).any(|(a, b)| *a && *b))
                        })
                });
                if let Some((_, other_place)) = clash.and_then(|other| rows.get(other)) {
                    let bands = covers.iter().any(|cover| cover.any(&|part| matches!(part, Cover::Band(..))));
                    self.report(errors::overlapping(*row_place, name, bands, *other_place));
                }
            }
            earlier.push(row);
        }
        let mut found = Vec::new();
        missing(&columns, &all, 0, &earlier, &mut Vec::new(), &mut found, 64, &mut work);
        if work == 0 {
            self.report(errors::too_many_rows(place, name, MAX_ROWS));
            return;
        }
        if found.is_empty() {
            return;
        }
        if let ([column], [subject]) = (columns.as_slice(), subjects)
            && column.numeric
        {
            self.report_gaps(name, column, &found, &subject.ty, place);
            return;
        }
        let values: Vec<String> = found
            .iter()
            .map(|pieces| {
                let names: Vec<&str> = pieces
                    .iter()
                    .zip(&columns)
                    .filter_map(|(piece, column)| column.names.get(*piece))
                    .map(String::as_str)
                    .collect();
                format!("`{}`", names.join(", "))
            })
            .collect();
        self.report(errors::not_exhaustive(place, name, &values));
    }

    fn report_gaps(&mut self, name: &str, column: &Column, found: &[Vec<usize>], ty: &Type, place: Place) {
        let pieces: Vec<usize> = found.iter().filter_map(|pieces| pieces.first().copied()).collect();
        let Some(first) = pieces.first().copied() else { return };
        let mut last = first;
        for piece in &pieces {
            if *piece == last + 1 {
                last = *piece;
            }
        }
        let from = column.ends.get(first).and_then(|ends| ends.0);
        let to = column.ends.get(last).and_then(|ends| ends.1);
        let text = |value: Option<Ratio>| value.map(|value| self.written(value, ty));
        match (text(from), text(to)) {
            (Some(from), Some(to)) if first > 0 => {
                self.report(errors::gap_between_bands(place, name, &from, &to));
            }
            (Some(from), Some(to)) => {
                self.report(errors::not_exhaustive(place, name, &[format!("`from {from} until {to}`")]));
            }
            (Some(from), None) => {
                self.report(errors::not_exhaustive(place, name, &[format!("`from {from}`")]))
            }
            (None, Some(to)) => {
                self.report(errors::not_exhaustive(place, name, &[format!("less than `{to}`")]))
            }
            (None, None) => self.report(errors::not_exhaustive(place, name, &["every value".into()])),
        }
    }

    fn column(&self, subject: &Expr, patterns: Vec<&Cover>) -> Column {
        match subject.ty.present() {
            Type::Enum(id) => {
                let names = self.out.enums.get(id.index()).map(|e| e.values.clone()).unwrap_or_default();
                finite(names, &patterns)
            }
            Type::Bool => finite(vec!["false".into(), "true".into()], &patterns),
            Type::Symbol(_) => {
                let mut references: Vec<&ir::Reference> = Vec::new();
                for cover in patterns.iter().flat_map(|pattern| pattern.parts()) {
                    if let Cover::Reference(reference) = cover
                        && !references.contains(&reference)
                    {
                        references.push(reference);
                    }
                }
                let mut names: Vec<String> = references
                    .iter()
                    .map(|reference| {
                        let names: Vec<String> = reference.names.iter().map(|n| format!("\"{n}\"")).collect();
                        format!("{} {}", self.kind_name(reference.kind), names.join(", "))
                    })
                    .collect();
                names.push("anything else".into());
                let covers = patterns
                    .iter()
                    .map(|pattern| {
                        (0..names.len())
                            .map(|piece| {
                                pattern.any(&|cover| match cover {
                                    Cover::All => true,
                                    Cover::Reference(reference) => references.get(piece) == Some(&reference),
                                    Cover::Value(_) | Cover::Point(_) | Cover::Band(..) | Cover::AnyOf(_) => {
                                        false
                                    }
                                })
                            })
                            .collect()
                    })
                    .collect();
                let ends = vec![(None, None); names.len()];
                Column { names, covers, ends, numeric: false }
            }
            ty => self.numbers(ty, is_whole(subject), &patterns),
        }
    }

    fn numbers(&self, ty: &Type, whole: bool, patterns: &[&Cover]) -> Column {
        let mut cuts: Vec<Ratio> = Vec::new();
        for cover in patterns.iter().flat_map(|pattern| pattern.parts()) {
            match cover {
                Cover::Point(value) => cuts.push(*value),
                Cover::Band(from, until) => {
                    cuts.push(*from);
                    cuts.extend(*until);
                }
                Cover::All | Cover::Value(_) | Cover::Reference(_) | Cover::AnyOf(_) => {}
            }
        }
        let zero = Ratio::whole(0);
        let order = |a: &Ratio, b: &Ratio| a.compare(*b).unwrap_or(std::cmp::Ordering::Equal);
        let negative = cuts.iter().any(|cut| cut.num < 0);
        let (least, most) = if *ty == Type::Time {
            (Some(zero), Some(Ratio::whole(86_400)))
        } else if matches!(ty, Type::Date | Type::Instant) || negative {
            (None, None)
        } else {
            (Some(zero), None)
        };
        cuts.extend(least);
        cuts.extend(most);
        cuts.sort_by(order);
        cuts.dedup();
        let whole = (whole && *ty == Type::Number)
            || matches!(ty, Type::Count(_) | Type::Days | Type::Months | Type::Date | Type::Time);
        let step = whole.then_some(Ratio::whole(1));
        // Pieces: below the first cut, each cut by itself, between cuts, above the last. A piece is named by its
        // ends; `None` is open.
        let mut pieces: Vec<(Option<Ratio>, Option<Ratio>, Option<Ratio>)> = Vec::new();
        if least.is_none() {
            pieces.push((None, cuts.first().copied(), None));
        }
        for (position, cut) in cuts.iter().enumerate() {
            if Some(*cut) != most {
                pieces.push((Some(*cut), Some(*cut), Some(*cut)));
            }
            match cuts.get(position + 1) {
                Some(next) => {
                    let adjacent = step
                        .and_then(|step| cut.add(step))
                        .and_then(|after| after.compare(*next))
                        .is_some_and(|order| order.is_ge());
                    if !adjacent {
                        pieces.push((Some(*cut), Some(*next), None));
                    }
                }
                None => {
                    if most.is_none() {
                        pieces.push((Some(*cut), None, None));
                    }
                }
            }
        }
        let covers = patterns
            .iter()
            .map(|pattern| {
                pieces
                    .iter()
                    .map(|(from, to, point)| {
                        pattern.any(&|cover| match cover {
                            Cover::All => true,
                            Cover::Point(value) => point == &Some(*value),
                            Cover::Band(low, high) => {
                                let above = from.is_some_and(|from| order(&from, low).is_ge());
                                let below = match (high, to, point) {
                                    (None, _, _) => true,
                                    (Some(high), _, Some(point)) => order(point, high).is_lt(),
                                    (Some(high), Some(to), None) => order(to, high).is_le(),
                                    (Some(_), None, None) => false,
                                };
                                above && below
                            }
                            Cover::Value(_) | Cover::Reference(_) | Cover::AnyOf(_) => false,
                        })
                    })
                    .collect()
            })
            .collect();
        let names = pieces
            .iter()
            .map(|(from, to, point)| match (from, to, point) {
                (_, _, Some(point)) => self.written(*point, ty),
                (Some(from), Some(to), None) => {
                    format!("from {} until {}", self.written(*from, ty), self.written(*to, ty))
                }
                (Some(from), None, None) => format!("from {}", self.written(*from, ty)),
                (None, Some(to), None) => format!("less than {}", self.written(*to, ty)),
                (None, None, None) => "any".into(),
            })
            .collect();
        let ends = pieces
            .iter()
            .enumerate()
            .map(|(position, (from, to, point))| {
                // A cut by itself reaches to the next piece's beginning.
                let to = if point.is_some() {
                    pieces.get(position + 1).and_then(|next| if next.2.is_some() { next.0 } else { next.1 })
                } else {
                    *to
                };
                (*from, to)
            })
            .collect();
        Column { names, covers, ends, numeric: true }
    }
}

fn finite(names: Vec<String>, patterns: &[&Cover]) -> Column {
    let covers = patterns
        .iter()
        .map(|pattern| {
            (0..names.len())
                .map(|piece| {
                    pattern.any(&|cover| match cover {
                        Cover::All => true,
                        Cover::Value(value) => usize::try_from(*value).is_ok_and(|value| value == piece),
                        Cover::Point(_) | Cover::Band(..) | Cover::Reference(_) | Cover::AnyOf(_) => false,
                    })
                })
                .collect()
        })
        .collect();
    let ends = vec![(None, None); names.len()];
    Column { names, covers, ends, numeric: false }
}

/// Whether a number can only be whole.
fn is_whole(expr: &Expr) -> bool {
    if let ExprKind::Sum(terms) = &expr.kind {
        return terms.iter().all(|(_, term)| is_whole_term(term));
    }
    is_whole_term(expr)
}

fn is_whole_term(expr: &Expr) -> bool {
    use crate::typed::Aggregate::{Count, Distinct};
    let counts =
        matches!(expr.kind, ExprKind::Steps(..) | ExprKind::Aggregate { function: Count | Distinct, .. });
    counts || matches!(expr.kind, ExprKind::Constant(value) if value.den == 1)
}

/// Combinations of pieces, within `allowed`, that none of the rows covers; at most `most`.
#[allow(clippy::too_many_arguments)]
fn missing(
    columns: &[Column],
    allowed: &[Vec<bool>],
    position: usize,
    rows: &[usize],
    so_far: &mut Vec<usize>,
    found: &mut Vec<Vec<usize>>,
    most: usize,
    work: &mut u32,
) {
    let Some(column) = columns.get(position) else {
        if rows.is_empty() {
            found.push(so_far.clone());
        }
        return;
    };
    // Pieces that the same rows cover need to be looked at once.
    let mut groups: BTreeMap<Vec<usize>, Vec<usize>> = BTreeMap::new();
    for piece in 0..column.names.len() {
        if !allowed.get(position).and_then(|allowed| allowed.get(piece)).copied().unwrap_or(false) {
            continue;
        }
        let covering: Vec<usize> = rows
            .iter()
            .copied()
            .filter(|row| {
                column.covers.get(*row).and_then(|covers| covers.get(piece)).copied().unwrap_or(false)
            })
            .collect();
        *work = work.saturating_sub(rows.len() as u32 + 1);
        groups.entry(covering).or_default().push(piece);
    }
    let mut groups: Vec<(Vec<usize>, Vec<usize>)> = groups.into_iter().collect();
    groups.sort_by_key(|(_, pieces)| pieces.first().copied());
    for (covering, pieces) in groups {
        if found.len() >= most || *work == 0 {
            return;
        }
        let before = found.len();
        let Some(first) = pieces.first().copied() else { continue };
        so_far.push(first);
        missing(columns, allowed, position + 1, &covering, so_far, found, most, work);
        so_far.pop();
        // What holds for one piece of the group holds for the others.
        let new: Vec<Vec<usize>> = found.get(before..).unwrap_or(&[]).to_vec();
        for piece in pieces.into_iter().skip(1) {
            for combination in &new {
                if found.len() >= most {
                    break;
                }
                let mut combination = combination.clone();
                if let Some(slot) = combination.get_mut(position) {
                    *slot = piece;
                }
                found.push(combination);
            }
        }
    }
}
