//! A linear programme of few rows, by the dual simplex method with bounds of variables, on a dense tableau. It counts in floating
//! point, with nothing but the four operations, so that it comes to the same on every machine. Its multipliers are
//! proposals: whoever asks proves in whole numbers what they are worth. Refuses to know what its variables stand for.

/// What differs by less is the same.
const NEAR: f64 = 1e-9;
/// Entries below it are no pivots.
const SMALL: f64 = 1e-7;

/// A variable.
#[derive(Clone, Debug)]
pub struct Column {
    /// What one of it costs.
    pub cost: f64,
    /// The least and the most of it.
    pub bounds: (f64, f64),
    /// What one of it weighs, row by row.
    pub entries: Vec<(usize, f64)>,
}

/// Minimises the costs of variables between bounds, where each row's sum is what the row says. The last variables, one for each
/// row, stand in their rows alone, with weight one.
#[derive(Clone, Debug)]
pub struct Programme {
    width: usize,
    table: Vec<f64>,
    right: Vec<f64>,
    reduced: Vec<f64>,
    /// The least and the most of each variable.
    pub bounds: Vec<(f64, f64)>,
    upper: Vec<bool>,
    basis: Vec<usize>,
    basic: Vec<bool>,
    value: Vec<f64>,
}

/// How a search ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Ended {
    /// At the optimum, or after too many steps.
    Priced,
    /// No values keep all rows: these multiples of the rows show it.
    Impossible(Vec<f64>),
}

impl Programme {
    /// Of columns, each with its cost, bounds and entries, and of rows' sums; the variables of the rows alone come last.
    pub fn of(columns: &[Column], alone: &[(f64, (f64, f64))], right: &[f64]) -> Programme {
        let (rows, width) = (right.len(), columns.len() + right.len());
        let mut table = vec![0.0; rows * width];
        let mut reduced = Vec::with_capacity(width);
        let mut bounds = Vec::with_capacity(width);
        for (at, Column { cost, bounds: own, entries }) in columns.iter().enumerate() {
            let mut left = *cost;
            for (row, weight) in entries {
                table[row * width + at] = *weight;
                left -= alone[*row].0 * weight;
            }
            reduced.push(left);
            bounds.push(*own);
        }
        for (row, (_, own)) in alone.iter().enumerate() {
            table[row * width + columns.len() + row] = 1.0;
            reduced.push(0.0);
            bounds.push(*own);
        }
        let mut basic = vec![false; width];
        basic[columns.len()..].fill(true);
        Programme {
            width,
            table,
            right: right.to_vec(),
            reduced,
            bounds,
            upper: vec![false; width],
            basis: (columns.len()..width).collect(),
            basic,
            value: vec![0.0; rows],
        }
    }

    /// What a variable's cost is less what its rows are worth.
    pub fn reduced(&self, variable: usize) -> f64 {
        self.reduced[variable]
    }

    /// The values of all variables.
    pub fn values(&self) -> Vec<f64> {
        let mut values: Vec<f64> = (0..self.width).map(|at| self.resting(at)).collect();
        for (row, variable) in self.basis.iter().enumerate() {
            values[*variable] = self.value[row];
        }
        values
    }

    fn resting(&self, variable: usize) -> f64 {
        let (least, most) = self.bounds[variable];
        if self.upper[variable] { most } else { least }
    }

    fn row(&self, row: usize) -> &[f64] {
        &self.table[row * self.width..(row + 1) * self.width]
    }

    /// How many numbers a pivot changes.
    pub fn numbers(&self) -> u64 {
        self.table.len() as u64
    }

    /// Where the variables of the rows alone begin.
    pub fn first_alone(&self) -> usize {
        self.width - self.basis.len()
    }

    /// Goes on from where it stands, with the bounds of now; and how many steps it took.
    pub fn solve(&mut self, steps: usize) -> (Ended, u64) {
        for variable in 0..self.width {
            let (_, most) = self.bounds[variable];
            let below = self.reduced[variable] < -NEAR;
            self.upper[variable] =
                most.is_finite() && (below || (self.upper[variable] && self.reduced[variable] <= NEAR));
        }
        let resting: Vec<(usize, f64)> = (0..self.width)
            .filter(|at| !self.basic[*at])
            .map(|at| (at, self.resting(at)))
            .filter(|(_, value)| *value != 0.0)
            .collect();
        for row in 0..self.basis.len() {
            let taken: f64 =
                resting.iter().map(|(at, value)| self.table[row * self.width + at] * value).sum();
            self.value[row] = self.right[row] - taken;
        }
        for step in 0..steps {
            let done = step as u64;
            // The row that is furthest out.
            let mut out = (NEAR * 100.0, usize::MAX, false);
            for (row, variable) in self.basis.iter().enumerate() {
                let (least, most) = self.bounds[*variable];
                let (below, above) = (least - self.value[row], self.value[row] - most);
                if below > out.0 {
                    out = (below, row, true);
                }
                if above > out.0 {
                    out = (above, row, false);
                }
            }
            let (_, row, below) = out;
            if row == usize::MAX {
                return (Ended::Priced, done);
            }
            let mut best: Option<(f64, f64, usize)> = None;
            for (at, entry) in self.row(row).iter().enumerate() {
                let (least, most) = self.bounds[at];
                if self.basic[at] || entry.abs() < SMALL || most - least < NEAR {
                    continue;
                }
                if (*entry < 0.0) == (below != self.upper[at]) {
                    let ratio = self.reduced[at].abs() / entry.abs();
                    let nearer = best.is_none_or(|(least, size, _)| {
                        ratio < least - NEAR || (ratio < least + NEAR && entry.abs() > size)
                    });
                    if nearer {
                        best = Some((ratio, entry.abs(), at));
                    }
                }
            }
            let Some((_, _, enters)) = best else {
                let alone = self.width - self.basis.len();
                let sign = if below { 1.0 } else { -1.0 };
                let multiples = self.row(row)[alone..].iter().map(|entry| sign * entry).collect();
                return (Ended::Impossible(multiples), done);
            };
            self.pivot(row, enters, below);
        }
        (Ended::Priced, steps as u64)
    }

    fn pivot(&mut self, row: usize, enters: usize, below: bool) {
        let width = self.width;
        let leaves = self.basis[row];
        let (least, most) = self.bounds[leaves];
        let target = if below { least } else { most };
        let step = (self.value[row] - target) / self.table[row * width + enters];
        let entering = self.resting(enters) + step;
        let pivot = self.table[row * width + enters];
        let own: Vec<f64> = self.row(row).iter().map(|entry| entry / pivot).collect();
        let right = self.right[row] / pivot;
        for other in 0..self.basis.len() {
            let factor = self.table[other * width + enters];
            if other == row || factor == 0.0 {
                continue;
            }
            self.value[other] -= factor * step;
            self.right[other] -= factor * right;
            let line = &mut self.table[other * width..(other + 1) * width];
            line.iter_mut().zip(&own).for_each(|(entry, own)| *entry -= factor * own);
            line[enters] = 0.0;
        }
        let factor = self.reduced[enters];
        self.reduced.iter_mut().zip(&own).for_each(|(entry, own)| *entry -= factor * own);
        self.reduced[enters] = 0.0;
        self.table[row * width..(row + 1) * width].copy_from_slice(&own);
        self.right[row] = right;
        self.value[row] = entering;
        self.basis[row] = enters;
        (self.basic[enters], self.basic[leaves]) = (true, false);
        self.upper[leaves] = !below;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Least of `-3a - 2b` where `a + b <= 4`, `a + 3b <= 6`, `a <= 3`: at `a` 3 and `b` 1 it is -11, and one more of the first row
    /// is worth 2.
    #[test]
    fn a_programme_of_two_variables() {
        let infinite = f64::INFINITY;
        let columns = [
            Column { cost: -3.0, bounds: (0.0, 3.0), entries: vec![(0, 1.0), (1, 1.0)] },
            Column { cost: -2.0, bounds: (0.0, 10.0), entries: vec![(0, 1.0), (1, 3.0)] },
        ];
        let mut programme = Programme::of(&columns, &[(0.0, (0.0, infinite)); 2], &[4.0, 6.0]);
        assert_eq!(programme.solve(100).0, Ended::Priced);
        assert_eq!(programme.values(), [3.0, 1.0, 0.0, 0.0]);
        // The second row is used up as well: the worth of both together is the optimum, less what the bound of `a` adds.
        let worth = (programme.reduced(2), programme.reduced(3));
        assert_eq!(worth.0 + 3.0 * worth.1, 2.0);
        // With `a` at 2 and more of `b` than 2 no values are left.
        programme.bounds[0] = (2.0, 2.0);
        programme.bounds[1] = (2.0, 10.0);
        let (Ended::Impossible(multiples), _) = programme.solve(100) else { panic!("there are values") };
        assert!(multiples[1] > 0.0, "{multiples:?}");
    }
}
