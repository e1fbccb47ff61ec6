//! Exact numbers on their way to a whole one: a numerator and a denominator of 128 bits. Knows arithmetic and refuses
//! to know money, points or rules; what a quotient rounds to is said in [`crate::exact`].
//!
//! Nothing here wraps, saturates or approximates: what does not fit 128 bits even in lowest terms is a
//! [`FaultKind::Overflow`]. Comparing never fails.

use crate::exact::divide_rounded;
use crate::ir::{FaultKind, Rounding};
use std::cmp::Ordering;

/// The greatest number that divides both; 0 only of two zeros.
pub fn greatest_common_divisor(a: u128, b: u128) -> u128 {
    let (mut a, mut b) = (a, b);
    while b != 0 {
        if let (Ok(mut small), Ok(mut smaller)) = (u64::try_from(a), u64::try_from(b)) {
            while smaller != 0 {
                (small, smaller) = (smaller, small % smaller);
            }
            return u128::from(small);
        }
        (a, b) = (b, a % b);
    }
    a
}

/// An exact number.
#[derive(Clone, Copy, Debug)]
pub struct Fraction {
    num: i128,
    /// Above zero.
    den: i128,
}

impl Default for Fraction {
    fn default() -> Fraction {
        Fraction::ZERO
    }
}

impl Fraction {
    /// Nothing.
    pub const ZERO: Fraction = Fraction { num: 0, den: 1 };
    /// The whole.
    pub const ONE: Fraction = Fraction { num: 1, den: 1 };

    /// `num / den`; a negative divisor is turned round.
    ///
    /// # Errors
    /// A zero divisor, or a number that 128 bits do not hold once it is turned round.
    #[inline]
    pub fn new(num: i128, den: i128) -> Result<Fraction, FaultKind> {
        let (num, den) = crate::exact::fraction(num, den)?;
        Ok(Fraction { num, den })
    }

    /// A whole number.
    pub const fn whole(num: i128) -> Fraction {
        Fraction { num, den: 1 }
    }

    /// A whole number of 64 bits.
    pub fn count(num: i64) -> Fraction {
        Fraction::whole(i128::from(num))
    }

    /// The numerator.
    pub fn numerator(self) -> i128 {
        self.num
    }

    /// The denominator, above zero.
    pub fn denominator(self) -> i128 {
        self.den
    }

    /// Above zero.
    pub fn is_positive(self) -> bool {
        self.num > 0
    }

    /// Numerator and denominator, where both are numbers of 64 bits.
    fn small(self) -> Option<(i64, i64)> {
        i64::try_from(self.num).ok().zip(i64::try_from(self.den).ok())
    }

    /// In lowest terms.
    pub fn reduced(self) -> Fraction {
        if self.den == 1 {
            return self;
        }
        let divisor = greatest_common_divisor(self.num.unsigned_abs(), self.den.unsigned_abs());
        // The divisor of a positive 127-bit number is one itself; were it not, the fraction stays as it is.
        match i128::try_from(divisor) {
            Ok(divisor) if divisor > 1 => Fraction { num: self.num / divisor, den: self.den / divisor },
            Ok(_) | Err(_) => self,
        }
    }

    /// Tries as it stands, and again in lowest terms.
    fn twice(
        self,
        other: Fraction,
        operation: impl Fn(Fraction, Fraction) -> Option<Fraction>,
    ) -> Result<Fraction, FaultKind> {
        operation(self, other)
            .or_else(|| operation(self.reduced(), other.reduced()))
            .map(|result| if result.den > REDUCE_ABOVE { result.reduced() } else { result })
            .ok_or(FaultKind::Overflow)
    }

    /// The sum.
    ///
    /// # Errors
    /// It does not fit.
    #[inline]
    pub fn plus(self, other: Fraction) -> Result<Fraction, FaultKind> {
        // Most sums begin with nothing, or are of whole numbers, or of parts of one whole.
        if self.num == 0 && self.den == 1 && other.den <= REDUCE_ABOVE {
            return Ok(other);
        }
        if self.den == other.den
            && self.den <= REDUCE_ABOVE
            && let Some(num) = self.num.checked_add(other.num)
        {
            return Ok(Fraction { num, den: self.den });
        }
        self.plus_of_another(other)
    }

    /// The sum of numbers of which no more is known.
    fn plus_of_another(self, other: Fraction) -> Result<Fraction, FaultKind> {
        self.twice(other, |a, b| {
            if a.den == b.den {
                return Some(Fraction { num: a.num.checked_add(b.num)?, den: a.den });
            }
            let common = if a.den == 1 || b.den == 1 {
                1
            } else {
                i128::try_from(greatest_common_divisor(a.den.unsigned_abs(), b.den.unsigned_abs())).ok()?
            };
            let (a_times, b_times) = (b.den / common, a.den / common);
            let num = a.num.checked_mul(a_times)?.checked_add(b.num.checked_mul(b_times)?)?;
            Some(Fraction { num, den: a.den.checked_mul(a_times)? })
        })
    }

    /// The difference.
    ///
    /// # Errors
    /// It does not fit.
    pub fn minus(self, other: Fraction) -> Result<Fraction, FaultKind> {
        let num = other.num.checked_neg().ok_or(FaultKind::Overflow)?;
        self.plus(Fraction { num, den: other.den })
    }

    /// The product.
    ///
    /// # Errors
    /// It does not fit.
    #[inline]
    pub fn times(self, other: Fraction) -> Result<Fraction, FaultKind> {
        if let (Some(a), Some(b)) = (self.small(), other.small()) {
            // Two numbers of 64 bits always fit.
            let product = Fraction { num: product(a.0, b.0), den: product(a.1, b.1) };
            return Ok(if product.den > REDUCE_ABOVE { product.reduced() } else { product });
        }
        self.times_another(other)
    }

    /// The product of numbers of which no more is known.
    fn times_another(self, other: Fraction) -> Result<Fraction, FaultKind> {
        let product = |a: Fraction, b: Fraction| {
            Some(Fraction { num: a.num.checked_mul(b.num)?, den: a.den.checked_mul(b.den)? })
        };
        self.twice(other, |a, b| {
            product(a, b).or_else(|| {
                // Each numerator against the other's denominator: then the product is in lowest terms already.
                let left = Fraction { num: a.num, den: b.den }.reduced();
                let right = Fraction { num: b.num, den: a.den }.reduced();
                product(left, right)
            })
        })
    }

    /// Which is larger; never fails, whatever the numbers.
    #[inline]
    pub fn compare(self, other: Fraction) -> Ordering {
        if self.den == other.den { self.num.cmp(&other.num) } else { self.compare_with_another(other) }
    }

    /// Compares numbers of which no more is known.
    fn compare_with_another(self, other: Fraction) -> Ordering {
        if let (Some(a), Some(b)) = (self.small(), other.small()) {
            return product(a.0, b.1).cmp(&product(b.0, a.1));
        }
        if let (Some(left), Some(right)) = (self.num.checked_mul(other.den), other.num.checked_mul(self.den))
        {
            return left.cmp(&right);
        }
        // Whole parts first, then the reciprocals of what remains: Euclid's steps, which only shrink.
        let (mut a, mut b, mut c, mut d) = (self.num, self.den, other.num, other.den);
        loop {
            let (left, right) = (a.div_euclid(b), c.div_euclid(d));
            if left != right {
                return left.cmp(&right);
            }
            let (left, right) = (a.rem_euclid(b), c.rem_euclid(d));
            match (left == 0, right == 0) {
                (true, true) => return Ordering::Equal,
                (true, false) => return Ordering::Less,
                (false, true) => return Ordering::Greater,
                // left / b < right / d exactly where d / right < b / left
                (false, false) => (a, b, c, d) = (d, right, b, left),
            }
        }
    }

    /// The nearest whole number, as `rounding` says.
    ///
    /// # Errors
    /// It does not fit.
    #[inline]
    pub fn round(self, rounding: Rounding) -> Result<i128, FaultKind> {
        if self.den == 1 { Ok(self.num) } else { divide_rounded(self.num, self.den, rounding) }
    }

    /// The largest whole number not above it.
    #[inline]
    pub fn floor(self) -> i128 {
        if self.den == 1 { self.num } else { self.floor_of_broken() }
    }

    fn floor_of_broken(self) -> i128 {
        // Division of 64 bits is many times quicker.
        match (u64::try_from(self.num), u64::try_from(self.den)) {
            (Ok(num), Ok(den)) => i128::from(num / den),
            (Ok(_), Err(_)) | (Err(_), Ok(_) | Err(_)) => self.num.div_euclid(self.den),
        }
    }

    /// The smallest whole number not below it.
    #[inline]
    pub fn ceiling(self) -> i128 {
        if self.den == 1 { self.num } else { self.ceiling_of_broken() }
    }

    fn ceiling_of_broken(self) -> i128 {
        let floor = self.floor_of_broken();
        // What is below a number, times its denominator, is no further from zero than its numerator or one denominator
        // beyond it, and there is a whole number above any that is not whole, since its denominator is at least 2.
        if floor.wrapping_mul(self.den) == self.num { floor } else { floor.saturating_add(1) }
    }

    /// What it has beyond its floor, which is given; from 0 to less than 1.
    pub fn beyond(self, floor: i128) -> Fraction {
        // Wrapping does not matter: the difference is from 0 to less than the denominator.
        Fraction { num: self.num.wrapping_sub(floor.wrapping_mul(self.den)), den: self.den }
    }
}

fn product(a: i64, b: i64) -> i128 {
    i128::from(a).wrapping_mul(i128::from(b))
}

impl PartialEq for Fraction {
    fn eq(&self, other: &Fraction) -> bool {
        self.compare(*other) == Ordering::Equal
    }
}

impl Eq for Fraction {}

/// Denominators above this are brought to lowest terms at once, so that a long sum does not creep up to the border
/// where every step has to.
const REDUCE_ABOVE: i128 = 1 << 40;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rust_decimal::{Decimal, RoundingStrategy};

    const MODES: [Rounding; 5] =
        [Rounding::HalfUp, Rounding::HalfEven, Rounding::HalfDown, Rounding::Down, Rounding::Up];

    fn strategy(rounding: Rounding) -> RoundingStrategy {
        match rounding {
            Rounding::HalfUp => RoundingStrategy::MidpointAwayFromZero,
            Rounding::HalfEven => RoundingStrategy::MidpointNearestEven,
            Rounding::HalfDown => RoundingStrategy::MidpointTowardZero,
            Rounding::Down => RoundingStrategy::ToZero,
            Rounding::Up => RoundingStrategy::AwayFromZero,
        }
    }

    #[test]
    fn rounds_each_way() {
        // -2.5, -1.5, -0.5, 0.5, 1.5, 2.5 and the thirds about them
        let table = [
            (Rounding::HalfUp, [-3, -2, -1, 1, 2, 3], [-2, -1, 0, 0, 1, 2]),
            (Rounding::HalfEven, [-2, -2, 0, 0, 2, 2], [-2, -1, 0, 0, 1, 2]),
            (Rounding::HalfDown, [-2, -1, 0, 0, 1, 2], [-2, -1, 0, 0, 1, 2]),
            (Rounding::Down, [-2, -1, 0, 0, 1, 2], [-2, -1, 0, 0, 1, 2]),
            (Rounding::Up, [-3, -2, -1, 1, 2, 3], [-3, -2, -1, 1, 2, 3]),
        ];
        for (mode, halves, thirds) in table {
            for (i, num) in [-5, -3, -1, 1, 3, 5].into_iter().enumerate() {
                assert_eq!(divide_rounded(num, 2, mode), Ok(halves[i]), "{num}/2 {mode:?}");
                assert_eq!(divide_rounded(-num, -2, mode), Ok(halves[i]), "{}/-2 {mode:?}", -num);
            }
            for (i, num) in [-7, -4, -1, 1, 4, 7].into_iter().enumerate() {
                assert_eq!(divide_rounded(num, 3, mode), Ok(thirds[i]), "{num}/3 {mode:?}");
            }
        }
    }

    #[test]
    fn the_ends_of_the_range_are_defined() {
        for mode in MODES {
            assert_eq!(divide_rounded(1, 0, mode), Err(FaultKind::DivisionByZero));
            assert_eq!(divide_rounded(i128::MIN, -1, mode), Err(FaultKind::Overflow));
            assert_eq!(divide_rounded(i128::MIN, 1, mode), Ok(i128::MIN));
            assert_eq!(divide_rounded(i128::MAX, 1, mode), Ok(i128::MAX));
            assert!(divide_rounded(i128::MIN, i128::MIN, mode) == Ok(1));
        }
        assert_eq!(divide_rounded(i128::MAX, i128::MIN, Rounding::HalfUp), Ok(-1));
        assert_eq!(Fraction::new(1, 0), Err(FaultKind::DivisionByZero));
        assert_eq!(Fraction::new(i128::MIN, -1), Err(FaultKind::Overflow));
        assert_eq!(Fraction::whole(i128::MAX).plus(Fraction::ONE), Err(FaultKind::Overflow));
        assert_eq!(Fraction::whole(i128::MIN).minus(Fraction::ONE), Err(FaultKind::Overflow));
    }

    #[test]
    fn lowest_terms_are_tried_before_giving_up() {
        let big = Fraction { num: i128::MAX / 3 * 3, den: 3 };
        assert_eq!(big.plus(big).map(Fraction::floor), Ok(i128::MAX / 3 * 2));
        let tiny = Fraction { num: 3, den: i128::MAX / 3 * 3 };
        assert_eq!(big.times(tiny).map(|one| one.round(Rounding::Down)), Ok(Ok(1)));
    }

    proptest! {
        #[test]
        fn rounding_agrees_with_decimals(num in -1_000_000_000_000_000i64..1_000_000_000_000_000, places in 0u32..12) {
            let den = 10i128.pow(places);
            for mode in MODES {
                let decimal = Decimal::new(num, places).round_dp_with_strategy(0, strategy(mode));
                let expected: i128 = decimal.to_string().parse().unwrap();
                prop_assert_eq!(divide_rounded(i128::from(num), den, mode), Ok(expected));
            }
        }

        #[test]
        fn rounding_keeps_its_promise(num: i64, den in 1i64..) {
            // the quotient's distance, in 128 bits by hand
            let (num, den) = (i128::from(num), i128::from(den));
            for mode in MODES {
                let rounded = divide_rounded(num, den, mode).unwrap();
                let distance = (rounded * den - num).unsigned_abs();
                let whole = den.unsigned_abs();
                prop_assert!(distance < whole);
                match mode {
                    Rounding::Down => prop_assert!((rounded * den).unsigned_abs() <= num.unsigned_abs()),
                    Rounding::Up => prop_assert!((rounded * den).unsigned_abs() >= num.unsigned_abs()),
                    Rounding::HalfUp | Rounding::HalfEven | Rounding::HalfDown => {
                        prop_assert!(distance * 2 <= whole);
                    }
                }
                prop_assert_eq!(divide_rounded(-num, den, mode), Ok(-rounded));
            }
        }

        #[test]
        fn sums_and_products_agree_with_decimals(a in -1_000_000_000i64..1_000_000_000, b in -1_000_000_000i64..1_000_000_000, p in 0u32..8, q in 0u32..8) {
            let x = Fraction::new(i128::from(a), 10i128.pow(p)).unwrap();
            let y = Fraction::new(i128::from(b), 10i128.pow(q)).unwrap();
            let (dx, dy) = (Decimal::new(a, p), Decimal::new(b, q));
            let same = |f: Fraction, d: Decimal| {
                f == Fraction::new(d.mantissa(), 10i128.pow(d.scale())).unwrap()
            };
            prop_assert!(same(x.plus(y).unwrap(), dx + dy));
            prop_assert!(same(x.minus(y).unwrap(), dx - dy));
            prop_assert!(same(x.times(y).unwrap(), dx * dy));
            prop_assert_eq!(x.compare(y), dx.cmp(&dy));
        }

        #[test]
        fn comparing_is_an_order(a: i128, b in 1i128.., c: i128, d in 1i128.., e in 1i128..1_000) {
            let (x, y) = (Fraction { num: a, den: b }, Fraction { num: c, den: d });
            prop_assert_eq!(x.compare(y), y.compare(x).reverse());
            prop_assert_eq!(x.compare(x.reduced()), Ordering::Equal);
            // by long division in base e, as far as it differs
            let small = |num: i128| Fraction { num: num % 1_000_000, den: e };
            prop_assert_eq!(small(a).compare(small(c)), (a % 1_000_000).cmp(&(c % 1_000_000)));
        }

        #[test]
        fn euclid_agrees_with_multiplying(a in -1i128 << 62..1i128 << 62, b in 1i128..1 << 62, c in -1i128 << 62..1i128 << 62, d in 1i128..1 << 62, k in 1i128 << 62..1i128 << 63) {
            // the same fractions stretched so that cross products do not fit
            let plain = (a * d).cmp(&(c * b));
            let stretch = |n: i128, m: i128| match (n.checked_mul(k), m.checked_mul(k)) {
                (Some(num), Some(den)) => Fraction { num, den },
                _ => Fraction { num: n, den: m },
            };
            prop_assert_eq!(stretch(a, b).compare(stretch(c, d)), plain);
        }

        #[test]
        fn floor_and_ceiling_enclose(num: i128, den in 1i128..) {
            let x = Fraction { num, den };
            prop_assert!(Fraction::whole(x.floor()).compare(x) != Ordering::Greater);
            prop_assert!(Fraction::whole(x.ceiling()).compare(x) != Ordering::Less);
            prop_assert!(x.ceiling() - x.floor() <= 1);
        }
    }
}
