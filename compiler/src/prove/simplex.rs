//! The largest value of a sum under bounds of sums, exactly: the simplex method over rationals. It refuses to know what
//! its variables stand for, and to round: what leaves 128 bits is said to.

use crate::typed::Ratio;
use std::cmp::Ordering;

/// A sum of variables, each times a number.
pub type Terms = Vec<(usize, Ratio)>;

/// Variables of at least zero, and sums of them that are at most a number.
#[derive(Clone, Debug, Default)]
pub struct System {
    variables: usize,
    rows: Vec<(Terms, Ratio)>,
}

/// What the largest value is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Largest {
    /// No values satisfy all bounds.
    Nothing,
    /// This, at these values.
    Value(Ratio, Vec<Ratio>),
    /// There is none: it grows beyond every number.
    Endless,
    /// The numbers left 128 bits, or it took too many steps.
    Unknown,
}

/// Steps after which nothing is known.
const MAX_STEPS: usize = 2_000;

/// Steps after which the variable to go along is chosen with care rather than for haste.
const HASTY_STEPS: usize = 300;

const ZERO: Ratio = Ratio { num: 0, den: 1 };
const ONE: Ratio = Ratio { num: 1, den: 1 };

impl System {
    /// A new variable.
    pub fn variable(&mut self) -> usize {
        self.variables = self.variables.saturating_add(1);
        self.variables.saturating_sub(1)
    }

    /// The sum is at most this.
    pub fn at_most(&mut self, terms: Terms, most: Ratio) {
        self.rows.push((terms, most));
    }

    /// How many variables there are.
    pub fn variables(&self) -> usize {
        self.variables
    }

    /// The largest value of a sum.
    pub fn largest(&self, objective: &[(usize, Ratio)]) -> Largest {
        Table::of(self, objective).and_then(|table| table.solve(self)).unwrap_or(Largest::Unknown)
    }
}

/// Basic variables as sums of the others: `basic[i] = right[i] - sum of cells[i][j] * other[j]`.
struct Table {
    basic: Vec<usize>,
    other: Vec<usize>,
    cells: Vec<Vec<Ratio>>,
    right: Vec<Ratio>,
    /// What is made large: `value + sum of gain[j] * other[j]`.
    gain: Vec<Ratio>,
    value: Ratio,
    steps: usize,
}

fn is_positive(ratio: Ratio) -> bool {
    ratio.num > 0
}

impl Table {
    fn of(system: &System, objective: &[(usize, Ratio)]) -> Option<Table> {
        let columns = system.variables;
        let dense = |terms: &[(usize, Ratio)]| {
            let mut row = vec![ZERO; columns];
            for (variable, times) in terms {
                let cell = row.get_mut(*variable)?;
                *cell = cell.add(*times)?;
            }
            Some(row)
        };
        Some(Table {
            basic: (columns..columns.checked_add(system.rows.len())?).collect(),
            other: (0..columns).collect(),
            cells: system.rows.iter().map(|(terms, _)| dense(terms)).collect::<Option<_>>()?,
            right: system.rows.iter().map(|(_, most)| *most).collect(),
            gain: dense(objective)?,
            value: ZERO,
            steps: 0,
        })
    }

    fn solve(mut self, system: &System) -> Option<Largest> {
        if !self.begin(system)? {
            return Some(Largest::Nothing);
        }
        if !self.climb()? {
            return Some(Largest::Endless);
        }
        let mut values = vec![ZERO; system.variables];
        for (variable, value) in self.basic.iter().zip(&self.right) {
            if let Some(place) = values.get_mut(*variable) {
                *place = *value;
            }
        }
        Some(Largest::Value(self.value, values))
    }

    /// Goes to values that satisfy all bounds; false where there are none.
    fn begin(&mut self, system: &System) -> Option<bool> {
        let least = (0..self.right.len())
            .filter(|row| self.right.get(*row).is_some_and(|right| right.num < 0))
            .reduce(|best, next| match (self.right.get(best), self.right.get(next)) {
                (Some(a), Some(b)) if b.compare(*a) == Some(Ordering::Less) => next,
                (_, _) => best,
            });
        let Some(least) = least else { return Some(true) };
        // One variable more that loosens every bound; how little of it is enough?
        let extra = system.variables.checked_add(system.rows.len())?;
        let gain = std::mem::replace(&mut self.gain, vec![ZERO; self.other.len()]);
        let objective: Vec<(usize, Ratio)> = self.other.iter().copied().zip(gain).collect();
        self.other.push(extra);
        self.gain.push(ONE.negated()?);
        for row in &mut self.cells {
            row.push(ONE.negated()?);
        }
        let column = self.other.len().checked_sub(1)?;
        self.pivot(least, column)?;
        if !self.climb()? {
            return None;
        }
        if self.value.num != 0 {
            return Some(false);
        }
        if let Some(row) = self.basic.iter().position(|variable| *variable == extra) {
            let cells = self.cells.get(row)?;
            let column = cells.iter().position(|cell| cell.num != 0)?;
            self.pivot(row, column)?;
        }
        let column = self.other.iter().position(|variable| *variable == extra)?;
        self.other.remove(column);
        self.gain.remove(column);
        for row in &mut self.cells {
            row.remove(column);
        }
        // What is made large, in terms of the variables that are others now.
        self.gain = vec![ZERO; self.other.len()];
        self.value = ZERO;
        for (variable, times) in objective {
            if let Some(column) = self.other.iter().position(|other| *other == variable) {
                let gain = self.gain.get_mut(column)?;
                *gain = gain.add(times)?;
            } else if let Some(row) = self.basic.iter().position(|basic| *basic == variable) {
                self.value = self.value.add(times.multiplied(*self.right.get(row)?)?)?;
                for (gain, cell) in self.gain.iter_mut().zip(self.cells.get(row)?) {
                    *gain = gain.add(times.multiplied(*cell)?.negated()?)?;
                }
            }
        }
        Some(true)
    }

    /// Goes on while the value grows; false where it grows without end. The variable that helps most; after many steps
    /// the first that helps, so that it never goes in a circle.
    fn climb(&mut self) -> Option<bool> {
        loop {
            let helps = |column: &usize| self.gain.get(*column).is_some_and(|gain| is_positive(*gain));
            let name = |column: &usize| self.other.get(*column).copied();
            let gain = |column: usize| self.gain.get(column).copied().unwrap_or(ZERO);
            let helping = (0..self.other.len()).filter(helps);
            let column = if self.steps < HASTY_STEPS {
                // What cannot be compared in 128 bits is no better.
                let larger = |a: usize, b: usize| gain(b).compare(gain(a)) == Some(Ordering::Greater);
                helping.reduce(|best, next| if larger(best, next) { next } else { best })
            } else {
                helping.min_by_key(name)
            };
            let Some(column) = column else { return Some(true) };
            let mut best: Option<(usize, Ratio)> = None;
            for (row, cells) in self.cells.iter().enumerate() {
                let cell = *cells.get(column)?;
                if !is_positive(cell) {
                    continue;
                }
                let room = self.right.get(row)?.divided(cell)?;
                let better = match best {
                    None => true,
                    Some((other, least)) => match room.compare(least)? {
                        Ordering::Less => true,
                        Ordering::Equal => self.basic.get(row) < self.basic.get(other),
                        Ordering::Greater => false,
                    },
                };
                if better {
                    best = Some((row, room));
                }
            }
            let Some((row, _)) = best else { return Some(false) };
            self.pivot(row, column)?;
        }
    }

    /// Lets a basic variable and another one change places.
    fn pivot(&mut self, row: usize, column: usize) -> Option<()> {
        self.steps = self.steps.checked_add(1).filter(|steps| *steps <= MAX_STEPS)?;
        let cell = *self.cells.get(row)?.get(column)?;
        let right = self.right.get(row)?.divided(cell)?;
        let mut line = Vec::with_capacity(self.other.len());
        for (at, own) in self.cells.get(row)?.iter().enumerate() {
            line.push(match at == column {
                true => ONE.divided(cell)?,
                false if own.num == 0 => ZERO,
                false => own.divided(cell)?,
            });
        }
        let filled: Vec<(usize, Ratio)> =
            line.iter().copied().enumerate().filter(|(_, cell)| cell.num != 0).collect();
        for (at, cells) in self.cells.iter_mut().enumerate() {
            if at == row {
                continue;
            }
            let times = *cells.get(column)?;
            if times.num == 0 {
                continue;
            }
            if right.num != 0 {
                let own = self.right.get_mut(at)?;
                *own = own.add(times.multiplied(right)?.negated()?)?;
            }
            // Most cells are nothing, and stay what they were.
            for (place, with) in &filled {
                let less = times.multiplied(*with)?.negated()?;
                let to = cells.get_mut(*place)?;
                *to = if *place == column { less } else { to.add(less)? };
            }
        }
        let times = *self.gain.get(column)?;
        if times.num != 0 {
            self.value = self.value.add(times.multiplied(right)?)?;
            for (place, with) in &filled {
                let less = times.multiplied(*with)?.negated()?;
                let to = self.gain.get_mut(*place)?;
                *to = if *place == column { less } else { to.add(less)? };
            }
        }
        *self.cells.get_mut(row)? = line;
        *self.right.get_mut(row)? = right;
        std::mem::swap(self.basic.get_mut(row)?, self.other.get_mut(column)?);
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(terms: &[(usize, i128)]) -> Terms {
        terms.iter().map(|(variable, times)| (*variable, Ratio::whole(*times))).collect()
    }

    fn system(variables: usize, rows: &[(&[(usize, i128)], i128)]) -> System {
        let mut system = System::default();
        for _ in 0..variables {
            system.variable();
        }
        for (terms, most) in rows {
            system.at_most(whole(terms), Ratio::whole(*most));
        }
        system
    }

    #[test]
    fn a_largest_value() {
        // 3x + 2y under x + y <= 4, x + 3y <= 6: at x = 4, y = 0 it is 12.
        let of = system(2, &[(&[(0, 1), (1, 1)], 4), (&[(0, 1), (1, 3)], 6)]);
        let Largest::Value(value, at) = of.largest(&whole(&[(0, 3), (1, 2)])) else { panic!() };
        assert_eq!((value, at), (Ratio::whole(12), vec![Ratio::whole(4), Ratio::whole(0)]));
    }

    #[test]
    fn lower_bounds_need_a_beginning() {
        // -x under x >= 3, x + y <= 5: it is -3; with x >= 6 there is nothing.
        let of = system(2, &[(&[(0, -1)], -3), (&[(0, 1), (1, 1)], 5)]);
        assert!(
            matches!(of.largest(&whole(&[(0, -1)])), Largest::Value(value, _) if value == Ratio::whole(-3))
        );
        let of = system(2, &[(&[(0, -1)], -6), (&[(0, 1), (1, 1)], 5)]);
        assert_eq!(of.largest(&whole(&[(0, -1)])), Largest::Nothing);
    }

    #[test]
    fn what_has_no_end_is_said_to() {
        let of = system(2, &[(&[(0, 1), (1, -1)], 1)]);
        assert_eq!(of.largest(&whole(&[(0, 1)])), Largest::Endless);
    }

    #[test]
    fn shares_stay_exact() {
        // x - 2/5 y under x <= 3/10 y, y <= 7, y >= 1: at y = 1 it is -1/10.
        let mut of = system(2, &[(&[(1, 1)], 7), (&[(1, -1)], -1)]);
        of.at_most(vec![(0, ONE), (1, Ratio { num: -3, den: 10 })], ZERO);
        let objective = [(0, ONE), (1, Ratio { num: -2, den: 5 })];
        assert!(
            matches!(of.largest(&objective), Largest::Value(value, _) if value == Ratio { num: -1, den: 10 })
        );
    }

    #[test]
    fn every_corner_of_small_systems_is_below_the_largest() {
        // Against trying all whole points: the largest value is never below one of them.
        let mut seed = 7u64;
        let mut next = |below: i128| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            i128::from(seed >> 33) % below
        };
        for _ in 0..500 {
            let rows: Vec<(Vec<(usize, i128)>, i128)> =
                (0..3).map(|_| (vec![(0, next(7) - 3), (1, next(7) - 3)], next(12) - 3)).collect();
            let mut of = System::default();
            of.variable();
            of.variable();
            for (terms, most) in &rows {
                of.at_most(whole(terms), Ratio::whole(*most));
            }
            let objective = [(0, next(7) - 3), (1, next(7) - 3)];
            let inside = |x: i128, y: i128| {
                rows.iter().all(|(terms, most)| {
                    terms.iter().map(|(at, times)| times * if *at == 0 { x } else { y }).sum::<i128>()
                        <= *most
                })
            };
            let mut best: Option<i128> = None;
            for x in 0..30 {
                for y in 0..30 {
                    if inside(x, y) {
                        let value = objective[0].1 * x + objective[1].1 * y;
                        best = Some(best.map_or(value, |best| best.max(value)));
                    }
                }
            }
            match (of.largest(&whole(&objective)), best) {
                (Largest::Nothing, found) => assert_eq!(found, None),
                (Largest::Value(value, _), Some(best)) => {
                    assert!(value.compare(Ratio::whole(best)).is_some_and(|order| order.is_ge()));
                }
                (Largest::Value(..) | Largest::Endless, None) | (Largest::Endless, Some(_)) => {}
                (Largest::Unknown, _) => panic!("small numbers stay small"),
            }
        }
    }
}
