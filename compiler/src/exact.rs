//! Exact arithmetic on whole numbers: the one text that says how a quotient rounds. Folding, interpreting, native
//! helpers and settlement all call it.
//!
//! Refuses to know what the numbers count.

use crate::ir::{FaultKind, Rounding};

/// The quotient as a whole number, rounded.
///
/// # Errors
/// `DivisionByZero`; `Overflow` for the least number by -1.
pub fn divide_rounded(num: i128, den: i128, rounding: Rounding) -> Result<i128, FaultKind> {
    let (quotient, rest) = divide(num, den)?;
    if rest == 0 {
        return Ok(quotient);
    }
    // The rest is nearer to zero than the divisor, so that its double fits the unsigned type.
    let (twice, whole) = (rest.unsigned_abs() << 1, den.unsigned_abs());
    let away = match rounding {
        Rounding::HalfUp => twice >= whole,
        Rounding::HalfEven => twice > whole || (twice == whole && quotient & 1 == 1),
        Rounding::HalfDown => twice > whole,
        Rounding::Down => false,
        Rounding::Up => true,
    };
    let step = match (away, (num < 0) == (den < 0)) {
        (false, _) => 0,
        (true, true) => 1,
        (true, false) => -1,
    };
    quotient.checked_add(step).ok_or(FaultKind::Overflow)
}

/// The largest whole number not above the quotient.
///
/// # Errors
/// As [`divide_rounded`].
pub fn floor(num: i128, den: i128) -> Result<i128, FaultKind> {
    let (quotient, rest) = divide(num, den)?;
    let below = rest != 0 && (rest < 0) != (den < 0);
    quotient.checked_sub(i128::from(below)).ok_or(FaultKind::Overflow)
}

/// `a - b * floor(a / b)`.
///
/// # Errors
/// As [`divide_rounded`].
pub fn modulo(a: i128, b: i128) -> Result<i128, FaultKind> {
    let (_, rest) = divide(a, b)?;
    if rest != 0 && (rest < 0) != (b < 0) { rest.checked_add(b).ok_or(FaultKind::Overflow) } else { Ok(rest) }
}

/// `a - b * floor(a / b)` of 64-bit numbers.
///
/// # Errors
/// As [`divide_rounded`], of the least 64-bit number.
pub fn modulo_word(a: i64, b: i64) -> Result<i64, FaultKind> {
    if a == i64::MIN && b == -1 {
        return Err(FaultKind::Overflow);
    }
    modulo(i128::from(a), i128::from(b)).and_then(narrow)
}

/// As 64 bits.
///
/// # Errors
/// `OutOfRange` where it does not fit.
pub fn narrow(wide: i128) -> Result<i64, FaultKind> {
    i64::try_from(wide).map_err(|_| FaultKind::OutOfRange)
}

/// The fraction with a denominator above zero.
///
/// # Errors
/// `DivisionByZero` for a zero denominator; `Overflow` where a part would have to be turned round and cannot.
#[inline]
pub fn fraction(num: i128, den: i128) -> Result<(i128, i128), FaultKind> {
    match den {
        1.. => Ok((num, den)),
        0 => Err(FaultKind::DivisionByZero),
        ..0 => match (num.checked_neg(), den.checked_neg()) {
            (Some(num), Some(den)) => Ok((num, den)),
            (None, _) | (_, None) => Err(FaultKind::Overflow),
        },
    }
}

/// Quotient toward zero, and rest; by 64-bit division where both fit, which is many times quicker.
fn divide(num: i128, den: i128) -> Result<(i128, i128), FaultKind> {
    if den == 0 {
        return Err(FaultKind::DivisionByZero);
    }
    if let (Ok(num), Ok(den)) = (u64::try_from(num), u64::try_from(den)) {
        return Ok((i128::from(num / den), i128::from(num % den)));
    }
    match (num.checked_div(den), num.checked_rem(den)) {
        (Some(quotient), Some(rest)) => Ok((quotient, rest)),
        (None, _) | (_, None) => Err(FaultKind::Overflow),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ALL: [Rounding; 5] =
        [Rounding::HalfUp, Rounding::HalfEven, Rounding::HalfDown, Rounding::Down, Rounding::Up];

    #[test]
    fn halves_round_as_their_names_say() {
        let rounded = |num| ALL.map(|rounding| divide_rounded(num, 2, rounding));
        assert_eq!(rounded(5), [Ok(3), Ok(2), Ok(2), Ok(2), Ok(3)]);
        assert_eq!(rounded(7), [Ok(4), Ok(4), Ok(3), Ok(3), Ok(4)]);
        assert_eq!(rounded(-5), [Ok(-3), Ok(-2), Ok(-2), Ok(-2), Ok(-3)]);
        assert_eq!(rounded(-7), [Ok(-4), Ok(-4), Ok(-3), Ok(-3), Ok(-4)]);
        assert_eq!(rounded(1), [Ok(1), Ok(0), Ok(0), Ok(0), Ok(1)]);
    }

    #[test]
    fn the_edges_fault_or_fit() {
        for rounding in ALL {
            assert_eq!(divide_rounded(1, 0, rounding), Err(FaultKind::DivisionByZero));
            assert_eq!(divide_rounded(i128::MIN, 0, rounding), Err(FaultKind::DivisionByZero));
            assert_eq!(divide_rounded(i128::MIN, -1, rounding), Err(FaultKind::Overflow));
            assert_eq!(divide_rounded(i128::MIN, 1, rounding), Ok(i128::MIN));
            assert_eq!(divide_rounded(i128::MIN, i128::MIN, rounding), Ok(1));
            assert_eq!(divide_rounded(i128::MAX, -1, rounding), Ok(-i128::MAX));
        }
        assert_eq!(divide_rounded(i128::MAX, i128::MIN, Rounding::HalfUp), Ok(-1));
        assert_eq!(divide_rounded(i128::MAX, i128::MIN, Rounding::Down), Ok(0));
        assert_eq!(floor(-7, 2), Ok(-4));
        assert_eq!(floor(7, -2), Ok(-4));
        assert_eq!(floor(i128::MIN, -1), Err(FaultKind::Overflow));
        assert_eq!(modulo(-7, 3), Ok(2));
        assert_eq!(modulo(7, -3), Ok(-2));
        assert_eq!(modulo(i128::MIN, -1), Err(FaultKind::Overflow));
        assert_eq!(modulo(i128::MAX, i128::MIN), Ok(-1));
        assert_eq!(modulo_word(i64::MIN, -1), Err(FaultKind::Overflow));
        assert_eq!(modulo_word(i64::MIN, i64::MAX), Ok(i64::MAX - 1));
        assert_eq!(modulo_word(5, 0), Err(FaultKind::DivisionByZero));
        assert_eq!(fraction(3, -4), Ok((-3, 4)));
        assert_eq!(fraction(i128::MIN, -4), Err(FaultKind::Overflow));
        assert_eq!(fraction(4, i128::MIN), Err(FaultKind::Overflow));
        assert_eq!(fraction(i128::MIN, 0), Err(FaultKind::DivisionByZero));
    }

    proptest! {
        /// Against the definition: the candidates are the two whole numbers about the quotient, and the distance to
        /// each is compared exactly.
        #[test]
        fn rounding_is_what_its_definition_says(num in -10_000_000i128..10_000_000, den in -3_000i128..3_000) {
            prop_assume!(den != 0);
            let (n, d) = if den < 0 { (-num, -den) } else { (num, den) };
            let low = n.div_euclid(d);
            let rest = n - low * d;
            let toward = if n < 0 && rest != 0 { low + 1 } else { low };
            let from = if n < 0 || rest == 0 { low } else { low + 1 };
            let nearest = |tie: i128| if rest * 2 < d { low } else if rest * 2 > d { low + 1 } else { tie };
            let even = if low % 2 == 0 { low } else { low + 1 };
            let want = [nearest(from), nearest(even), nearest(toward), toward, from];
            for (rounding, want) in ALL.into_iter().zip(want) {
                prop_assert_eq!(divide_rounded(num, den, rounding), Ok(want));
            }
            prop_assert_eq!(floor(num, den), Ok(low));
            prop_assert_eq!(modulo(num, den), Ok(num - den * low));
        }
    }
}
