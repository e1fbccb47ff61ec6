//! Exact decimals: from text to whole counts of the smallest unit and back.
//!
//! Refuses to know floats: a number is its digits. Refuses to know where a number stands; callers name the field.

/// Why a text is not a count of 10^-scale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecimalError {
    /// Not `-?digits(.digits)?`.
    Malformed,
    /// Written with an exponent.
    Exponent,
    /// A digit that is not zero stands beyond the scale.
    TooManyDecimals,
    /// The count does not fit 64 bits (the smallest 64-bit number means "missing" and does not fit either).
    OutOfRange,
}

/// 10^exponent, or nothing where that does not fit.
pub const fn power_of_ten(exponent: u32) -> Option<i64> {
    10i64.checked_pow(exponent)
}

/// Reads `-?digits(.digits)?` as a count of 10^-`scale`.
///
/// Zeros beyond the scale are accepted, since they change nothing; any other digit there is refused.
///
/// # Errors
/// Says what is wrong with the text.
pub fn parse(text: &str, scale: u8) -> Result<i64, DecimalError> {
    let bytes = text.as_bytes();
    let (negative, digits) = match bytes.split_first() {
        Some((b'-', rest)) => (true, rest),
        Some(_) | None => (false, bytes),
    };
    let mut count: i64 = 0;
    let mut fits = true;
    let mut integer_digits = 0u32;
    let mut fraction_digits = 0u32;
    let mut too_fine = false;
    let mut in_fraction = false;
    for &byte in digits {
        match byte {
            b'0'..=b'9' => {
                if in_fraction {
                    fraction_digits = fraction_digits.saturating_add(1);
                    if fraction_digits > u32::from(scale) {
                        too_fine |= byte != b'0';
                        continue;
                    }
                } else {
                    integer_digits = integer_digits.saturating_add(1);
                }
                match count.checked_mul(10).and_then(|count| count.checked_add(i64::from(byte - b'0'))) {
                    Some(next) => count = next,
                    None => fits = false,
                }
            }
            b'.' if !in_fraction && integer_digits > 0 => in_fraction = true,
            b'e' | b'E' if integer_digits > 0 && (!in_fraction || fraction_digits > 0) => {
                return Err(exponent(digits));
            }
            0..=255 => return Err(DecimalError::Malformed),
        }
    }
    if integer_digits == 0 || (in_fraction && fraction_digits == 0) {
        return Err(DecimalError::Malformed);
    }
    if too_fine {
        return Err(DecimalError::TooManyDecimals);
    }
    if !fits {
        return Err(DecimalError::OutOfRange);
    }
    let missing_digits = u32::from(scale).saturating_sub(fraction_digits);
    let count = power_of_ten(missing_digits)
        .and_then(|factor| count.checked_mul(factor))
        .or(if count == 0 { Some(0) } else { None })
        .ok_or(DecimalError::OutOfRange)?;
    Ok(if negative { -count } else { count })
}

/// A count of 10^-`of` as one of 10^-`scale`; `of` may be below zero.
///
/// # Errors
/// As [`parse`] of the same number.
#[inline]
pub fn rescaled(count: i128, of: i8, scale: u8) -> Result<i64, DecimalError> {
    if i32::from(of) == i32::from(scale) {
        return i64::try_from(count).ok().filter(|count| *count != i64::MIN).ok_or(DecimalError::OutOfRange);
    }
    shifted(count, of, scale)
}

/// [`rescaled`] to another scale.
fn shifted(count: i128, of: i8, scale: u8) -> Result<i64, DecimalError> {
    let shift = i32::from(scale) - i32::from(of);
    let factor = 10i128.checked_pow(shift.unsigned_abs());
    let rescaled = match (factor, shift < 0) {
        _ if count == 0 => Some(0),
        (Some(factor), false) => count.checked_mul(factor),
        // What is not divisible has a digit beyond the scale; that of a factor that does not fit is one, too.
        (Some(factor), true) if count % factor == 0 => Some(count / factor),
        (Some(_) | None, true) => return Err(DecimalError::TooManyDecimals),
        (None, false) => None,
    };
    let fits = rescaled.and_then(|count| i64::try_from(count).ok()).filter(|count| *count != i64::MIN);
    fits.ok_or(DecimalError::OutOfRange)
}

/// Tells `1e5` from `1x` and `1e`.
fn exponent(digits: &[u8]) -> DecimalError {
    let tail =
        digits.iter().position(|byte| matches!(byte, b'e' | b'E')).map_or(&[][..], |at| &digits[at + 1..]);
    let tail = match tail.split_first() {
        Some((b'+' | b'-', rest)) => rest,
        Some(_) | None => tail,
    };
    if !tail.is_empty() && tail.iter().all(u8::is_ascii_digit) {
        DecimalError::Exponent
    } else {
        DecimalError::Malformed
    }
}

/// The two digits of every number below a hundred, one after another.
const PAIRS: [u8; 200] = {
    let mut pairs = [0; 200];
    let mut at = 0;
    while at < 100 {
        pairs[2 * at] = b'0' + (at / 10) as u8;
        pairs[2 * at + 1] = b'0' + (at % 10) as u8;
        at += 1;
    }
    pairs
};

/// Decimals that the count of 64 bits is written with; its digits, the point and the sign are at most so many bytes.
const SMALL_SCALE: u8 = 18;
const SMALL: usize = 22;

/// Appends a count of 10^-`scale` as a decimal with exactly `scale` decimals, such as `-0.05`.
pub fn write(out: &mut Vec<u8>, count: i128, scale: u8) {
    match i64::try_from(count) {
        Ok(count) if scale <= SMALL_SCALE => write_small(out, count, scale),
        Ok(_) | Err(_) => write_large(out, count, scale),
    }
}

/// From the last digit to the first, two at a time.
fn write_small(out: &mut Vec<u8>, count: i64, scale: u8) {
    // As many bytes follow, so that what is copied has a length that is known.
    let mut text = [b'0'; 2 * SMALL];
    let mut at = SMALL;
    let mut rest = count.unsigned_abs();
    let pair = |text: &mut [u8; 2 * SMALL], at: usize, pair: u64| {
        let pair = 2 * pair as usize;
        text[at] = PAIRS[pair];
        text[at + 1] = PAIRS[pair + 1];
    };
    if scale > 0 {
        for _ in 0..scale / 2 {
            at -= 2;
            pair(&mut text, at, rest % 100);
            rest /= 100;
        }
        if scale % 2 == 1 {
            at -= 1;
            text[at] = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
        at -= 1;
        text[at] = b'.';
    }
    while rest >= 100 {
        at -= 2;
        pair(&mut text, at, rest % 100);
        rest /= 100;
    }
    if rest >= 10 {
        at -= 2;
        pair(&mut text, at, rest);
    } else {
        at -= 1;
        text[at] = b'0' + rest as u8;
    }
    if count < 0 {
        at -= 1;
        text[at] = b'-';
    }
    if let Some(text) = text[at..].first_chunk::<SMALL>() {
        out.extend_from_slice(text);
        out.truncate(out.len() - at);
    }
}

#[cold]
fn write_large(out: &mut Vec<u8>, count: i128, scale: u8) {
    let mut digits = [b'0'; 40];
    let mut at = digits.len();
    let mut rest = count.unsigned_abs();
    while rest > 0 {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    if count < 0 {
        out.push(b'-');
    }
    let digits = &digits[at..];
    let scale = usize::from(scale);
    if digits.len() > scale {
        out.extend_from_slice(&digits[..digits.len() - scale]);
    } else {
        out.push(b'0');
    }
    if scale > 0 {
        out.push(b'.');
        for _ in digits.len()..scale {
            out.push(b'0');
        }
        out.extend_from_slice(&digits[digits.len().saturating_sub(scale)..]);
    }
}

/// Appends a whole number.
pub fn write_count(out: &mut Vec<u8>, count: i64) {
    write_small(out, count, 0);
}

/// A count of 10^-`scale` as text with exactly `scale` decimals.
pub fn print(count: i128, scale: u8) -> String {
    let mut out = Vec::new();
    write(&mut out, count, scale);
    String::from_utf8_lossy(&out).into_owned()
}

/// A decimal without zeros at the end of its decimals.
pub fn trimmed(text: &str) -> &str {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn zeros_at_the_end_go() {
        assert_eq!(["0.500", "3.000", "10", "-0.10"].map(trimmed), ["0.5", "3", "10", "-0.1"]);
    }

    #[test]
    fn reads_exactly_or_refuses() {
        assert_eq!(parse("2.55", 4), Ok(25_500));
        assert_eq!(parse("-2.55", 2), Ok(-255));
        assert_eq!(parse("1.7900", 2), Ok(179));
        assert_eq!(parse("6", 0), Ok(6));
        assert_eq!(parse("6.0", 0), Ok(6));
        assert_eq!(parse("0", 18), Ok(0));
        assert_eq!(parse("0", 40), Ok(0));
        assert_eq!(parse("-0", 2), Ok(0));
        assert_eq!(parse("9223372036854775807", 0), Ok(i64::MAX));
        assert_eq!(parse("-9223372036854775807", 0), Ok(-i64::MAX));
        assert_eq!(parse("-9223372036854775808", 0), Err(DecimalError::OutOfRange));
        assert_eq!(parse("9223372036854775808", 0), Err(DecimalError::OutOfRange));
        assert_eq!(parse("1", 19), Err(DecimalError::OutOfRange));
        assert_eq!(parse("2.551", 2), Err(DecimalError::TooManyDecimals));
        assert_eq!(parse("1e5", 2), Err(DecimalError::Exponent));
        assert_eq!(parse("1.5E-3", 2), Err(DecimalError::Exponent));
        for text in ["", "-", "+1", ".5", "5.", "1,5", " 1", "1 ", "1e", "1e+", "NaN", "1.2.3", "--1", "١"] {
            assert_eq!(parse(text, 2), Err(DecimalError::Malformed), "{text:?}");
        }
    }

    #[test]
    fn prints_every_place() {
        assert_eq!(print(5, 2), "0.05");
        assert_eq!(print(-5, 2), "-0.05");
        assert_eq!(print(0, 2), "0.00");
        assert_eq!(print(12, 0), "12");
        assert_eq!(print(0, 0), "0");
        assert_eq!(print(1234, 3), "1.234");
        assert_eq!(print(i128::MIN, 2), "-1701411834604692317316873037158841057.28");
        assert_eq!(print(i128::from(i64::MIN), 18), "-9.223372036854775808");
        assert_eq!(print(i128::from(i64::MIN), 0), "-9223372036854775808");
        assert_eq!(print(i128::from(u64::MAX), 1), "1844674407370955161.5");
    }

    proptest! {
        #[test]
        fn reads_back_what_it_prints(count in -i64::MAX..=i64::MAX, scale in 0u8..=18) {
            prop_assert_eq!(parse(&print(i128::from(count), scale), scale), Ok(count));
        }

        #[test]
        fn few_digits_are_written_as_many_are(count in any::<i64>(), shift in 0u32..64, scale in 0u8..=SMALL_SCALE) {
            let (mut small, mut large) = (Vec::new(), Vec::new());
            write_small(&mut small, count >> shift, scale);
            write_large(&mut large, i128::from(count >> shift), scale);
            prop_assert_eq!(small, large);
        }

        #[test]
        fn never_panics(text in "[-+0-9.eE ]{0,50}", scale in 0u8..=40) {
            let _ = parse(&text, scale);
        }
    }
}
