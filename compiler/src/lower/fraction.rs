//! Exact rationals in code: a numerator and a denominator, each constant as long as it can be.
//!
//! Nothing here rounds. A denominator in code is always above zero: a divisor's sign moves to the numerator, and a
//! zero divisor faults where it is written.

use super::build::Builder;
use crate::ir::{Comparison, Inst, Rounding, Value};

/// A numerator.
#[derive(Clone, Copy, Debug)]
pub enum Num {
    /// Known now.
    Constant(i128),
    /// An `I64` value.
    Narrow(Value),
    /// An `I128` value.
    Wide(Value),
}

/// A denominator, above zero.
#[derive(Clone, Copy, Debug)]
pub enum Den {
    /// Known now.
    Constant(i128),
    /// An `I128` value.
    Dynamic(Value),
}

/// A rational.
#[derive(Clone, Copy, Debug)]
pub struct Fraction {
    /// Above the line.
    pub num: Num,
    /// Below it.
    pub den: Den,
}

impl Fraction {
    /// A constant, reduced.
    pub fn constant(num: i128, den: i128) -> Fraction {
        let divisor = gcd(num, den).max(1);
        Fraction { num: Num::Constant(num / divisor), den: Den::Constant(den / divisor) }
    }

    /// An `I64` count of `1 / den`.
    pub fn narrow(value: Value, den: i128) -> Fraction {
        Fraction { num: Num::Narrow(value), den: Den::Constant(den) }
    }

    /// The constant it is, if it is one.
    pub fn as_constant(&self) -> Option<(i128, i128)> {
        match (self.num, self.den) {
            (Num::Constant(num), Den::Constant(den)) => Some((num, den)),
            (Num::Constant(_), Den::Dynamic(_)) | (Num::Narrow(_) | Num::Wide(_), _) => None,
        }
    }
}

/// The greatest common divisor of the magnitudes; 0 only for two zeros or a magnitude past `i128::MAX`.
pub fn gcd(a: i128, b: i128) -> i128 {
    let (mut a, mut b) = (a.unsigned_abs(), b.unsigned_abs());
    while b != 0 {
        (a, b) = (b, a % b);
    }
    i128::try_from(a).unwrap_or(0)
}

impl Builder<'_, '_> {
    /// A numerator as an `I128` value.
    pub fn wide(&mut self, num: Num) -> Value {
        match num {
            Num::Constant(constant) => self.emit(Inst::Wide(constant)),
            Num::Narrow(value) => self.emit(Inst::Widen(value)),
            Num::Wide(value) => value,
        }
    }

    /// A denominator as an `I128` value.
    pub fn wide_den(&mut self, den: Den) -> Value {
        match den {
            Den::Constant(constant) => self.emit(Inst::Wide(constant)),
            Den::Dynamic(value) => value,
        }
    }

    fn den_as_num(den: Den) -> Num {
        match den {
            Den::Constant(constant) => Num::Constant(constant),
            Den::Dynamic(value) => Num::Wide(value),
        }
    }

    /// A product of numerators; a product of constants too large to hold is left to fault when it runs.
    pub fn multiply_nums(&mut self, a: Num, b: Num) -> Num {
        match (a, b) {
            (Num::Constant(x), Num::Constant(y)) => match x.checked_mul(y) {
                Some(product) => Num::Constant(product),
                None => {
                    let (x, y) = (self.wide(a), self.wide(b));
                    Num::Wide(self.emit(Inst::Mul(x, y)))
                }
            },
            (Num::Constant(1), other) | (other, Num::Constant(1)) => other,
            (Num::Constant(0), _) | (_, Num::Constant(0)) => Num::Constant(0),
            (Num::Narrow(x), Num::Narrow(y)) => Num::Wide(self.emit(Inst::MulWide(x, y))),
            (Num::Narrow(x), Num::Constant(c)) | (Num::Constant(c), Num::Narrow(x))
                if i64::try_from(c).is_ok() =>
            {
                let c = self.int(i64::try_from(c).unwrap_or(0));
                Num::Wide(self.emit(Inst::MulWide(x, c)))
            }
            (
                Num::Narrow(_) | Num::Wide(_) | Num::Constant(_),
                Num::Narrow(_) | Num::Wide(_) | Num::Constant(_),
            ) => {
                let (x, y) = (self.wide(a), self.wide(b));
                Num::Wide(self.emit(Inst::Mul(x, y)))
            }
        }
    }

    fn multiply_dens(&mut self, a: Den, b: Den) -> Den {
        match self.multiply_nums(Self::den_as_num(a), Self::den_as_num(b)) {
            Num::Constant(constant) => Den::Constant(constant),
            num @ (Num::Narrow(_) | Num::Wide(_)) => Den::Dynamic(self.wide(num)),
        }
    }

    /// `a * b`
    pub fn multiply(&mut self, a: Fraction, b: Fraction) -> Fraction {
        // Cancel constants crosswise first: 7/100 of a count of hundredths needs no large numbers.
        let (a_num, b_den) = cancel(a.num, b.den);
        let (b_num, a_den) = cancel(b.num, a.den);
        Fraction { num: self.multiply_nums(a_num, b_num), den: self.multiply_dens(a_den, b_den) }
    }

    /// `a / b`, which faults on zero.
    pub fn divide(&mut self, a: Fraction, b: Fraction) -> Fraction {
        if let Num::Constant(divisor) = b.num
            && divisor != 0
            && let Some(magnitude) = divisor.checked_abs()
        {
            let sign = if divisor < 0 { -1 } else { 1 };
            let signed = self.multiply_nums(Self::den_as_num(b.den), Num::Constant(sign));
            return self.multiply(a, Fraction { num: signed, den: Den::Constant(magnitude) });
        }
        let divisor = self.wide(b.num);
        let one = self.emit(Inst::Wide(1));
        // Faults on a zero divisor, here, where it is written.
        self.emit(Inst::Divide(one, divisor, Rounding::Down));
        let zero = self.emit(Inst::Wide(0));
        let negative = self.emit(Inst::Compare(Comparison::Less, divisor, zero));
        let turned = self.emit(Inst::Negate(divisor));
        let magnitude = self.emit(Inst::Choose(negative, turned, divisor));
        let flipped = self.wide_den(b.den);
        let minus = self.emit(Inst::Negate(flipped));
        let sign_den = self.emit(Inst::Choose(negative, minus, flipped));
        self.multiply(a, Fraction { num: Num::Wide(sign_den), den: Den::Dynamic(magnitude) })
    }

    /// `-a`
    pub fn negate(&mut self, a: Fraction) -> Fraction {
        let num = match a.num {
            Num::Constant(constant) => match constant.checked_neg() {
                Some(negated) => Num::Constant(negated),
                None => {
                    let value = self.wide(a.num);
                    Num::Wide(self.emit(Inst::Negate(value)))
                }
            },
            Num::Narrow(value) => Num::Narrow(self.emit(Inst::Negate(value))),
            Num::Wide(value) => Num::Wide(self.emit(Inst::Negate(value))),
        };
        Fraction { num, den: a.den }
    }

    /// Both over one denominator.
    fn common(&mut self, a: Fraction, b: Fraction) -> (Num, Num, Den) {
        match (a.den, b.den) {
            (Den::Constant(x), Den::Constant(y)) => {
                let divisor = gcd(x, y).max(1);
                let a_num = self.multiply_nums(a.num, Num::Constant(y / divisor));
                let b_num = self.multiply_nums(b.num, Num::Constant(x / divisor));
                let den = self.multiply_dens(Den::Constant(x), Den::Constant(y / divisor));
                (a_num, b_num, den)
            }
            (Den::Dynamic(x), Den::Dynamic(y)) if x == y => (a.num, b.num, a.den),
            (Den::Constant(_) | Den::Dynamic(_), Den::Constant(_) | Den::Dynamic(_)) => {
                let a_num = self.multiply_nums(a.num, Self::den_as_num(b.den));
                let b_num = self.multiply_nums(b.num, Self::den_as_num(a.den));
                let den = self.multiply_dens(a.den, b.den);
                (a_num, b_num, den)
            }
        }
    }

    /// `a + b`, or `a - b`
    pub fn add(&mut self, a: Fraction, b: Fraction, subtract: bool) -> Fraction {
        let (x, y, den) = self.common(a, b);
        let num = match (x, y) {
            (Num::Constant(p), Num::Constant(q))
                if (if subtract { p.checked_sub(q) } else { p.checked_add(q) }).is_some() =>
            {
                Num::Constant(if subtract { p - q } else { p + q })
            }
            (x, Num::Constant(0)) => x,
            (Num::Narrow(p), Num::Narrow(q)) => {
                Num::Narrow(self.emit(if subtract { Inst::Sub(p, q) } else { Inst::Add(p, q) }))
            }
            (Num::Narrow(p), Num::Constant(q)) if i64::try_from(q).is_ok() => {
                let q = self.int(i64::try_from(q).unwrap_or(0));
                Num::Narrow(self.emit(if subtract { Inst::Sub(p, q) } else { Inst::Add(p, q) }))
            }
            (Num::Constant(p), Num::Narrow(q)) if i64::try_from(p).is_ok() => {
                let p = self.int(i64::try_from(p).unwrap_or(0));
                Num::Narrow(self.emit(if subtract { Inst::Sub(p, q) } else { Inst::Add(p, q) }))
            }
            (x, y) => {
                let (p, q) = (self.wide(x), self.wide(y));
                Num::Wide(self.emit(if subtract { Inst::Sub(p, q) } else { Inst::Add(p, q) }))
            }
        };
        Fraction { num, den }
    }

    /// A truth.
    pub fn compare(&mut self, comparison: Comparison, a: Fraction, b: Fraction) -> Value {
        let (x, y) = match (a.den, b.den) {
            (Den::Constant(p), Den::Constant(q)) => {
                // a / p ? b / q  is  a * q ? b * p, with what the constants share taken out.
                let divisor = gcd(p, q).max(1);
                let (mut left, mut right) = (q / divisor, p / divisor);
                let (mut x, mut y) = (a.num, b.num);
                if let Num::Constant(c) = y
                    && let Some(c) = c.checked_mul(right)
                {
                    let divisor = gcd(left, c).max(1);
                    (left, y, right) = (left / divisor, Num::Constant(c / divisor), 1);
                } else if let Num::Constant(c) = x
                    && let Some(c) = c.checked_mul(left)
                {
                    let divisor = gcd(right, c).max(1);
                    (right, x, left) = (right / divisor, Num::Constant(c / divisor), 1);
                }
                // So many of what is compared make one: of the left side, and of the right side too.
                let parts = if let Num::Constant(_) = x { q.checked_mul(right) } else { p.checked_mul(left) };
                if let Some(parts) = parts {
                    self.measured(parts, None);
                }
                (self.multiply_nums(x, Num::Constant(left)), self.multiply_nums(y, Num::Constant(right)))
            }
            (Den::Constant(_) | Den::Dynamic(_), Den::Constant(_) | Den::Dynamic(_)) => {
                if let Some((num, den)) = b.as_constant().filter(|(num, _)| *num != 0) {
                    self.measured(1, Some((num, den)));
                }
                let (x, y, _) = self.common(a, b);
                (x, y)
            }
        };
        match (x, y) {
            (Num::Narrow(p), Num::Narrow(q)) => self.emit(Inst::Compare(comparison, p, q)),
            (Num::Narrow(p), Num::Constant(q)) if i64::try_from(q).is_ok() => {
                let q = self.int(i64::try_from(q).unwrap_or(0));
                self.emit(Inst::Compare(comparison, p, q))
            }
            (Num::Constant(p), Num::Narrow(q)) if i64::try_from(p).is_ok() => {
                let p = self.int(i64::try_from(p).unwrap_or(0));
                self.emit(Inst::Compare(comparison, p, q))
            }
            (x, y) => {
                let (p, q) = (self.wide(x), self.wide(y));
                self.emit(Inst::Compare(comparison, p, q))
            }
        }
    }

    /// The largest whole not above it.
    pub fn floor(&mut self, a: Fraction) -> Fraction {
        match (a.num, a.den) {
            (num, Den::Constant(1)) => Fraction { num, den: Den::Constant(1) },
            (Num::Constant(num), Den::Constant(den)) => Fraction::constant(num.div_euclid(den), 1),
            (num, den) => {
                let (num, den) = (self.wide(num), self.wide_den(den));
                Fraction { num: Num::Wide(self.emit(Inst::Floor(num, den))), den: Den::Constant(1) }
            }
        }
    }

    /// To a whole.
    pub fn round(&mut self, a: Fraction, rounding: Rounding) -> Fraction {
        match (a.num, a.den) {
            (num, Den::Constant(1)) => Fraction { num, den: Den::Constant(1) },
            (num, den) => {
                let (num, den) = (self.wide(num), self.wide_den(den));
                Fraction {
                    num: Num::Wide(self.emit(Inst::Divide(num, den, rounding))),
                    den: Den::Constant(1),
                }
            }
        }
    }
}

/// What a constant numerator and a constant denominator share goes.
fn cancel(num: Num, den: Den) -> (Num, Den) {
    match (num, den) {
        (Num::Constant(n), Den::Constant(d)) => {
            let divisor = gcd(n, d).max(1);
            (Num::Constant(n / divisor), Den::Constant(d / divisor))
        }
        (Num::Constant(_) | Num::Narrow(_) | Num::Wide(_), Den::Constant(_) | Den::Dynamic(_)) => (num, den),
    }
}
