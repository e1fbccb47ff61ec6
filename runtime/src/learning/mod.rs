//! Whether what is learned of offers is true, and what it is worth: forecasts held against what became of them, and a
//! population whose likes are known. All in whole numbers, so that the same input gives the same figures everywhere. It
//! refuses to know how an estimate is made, and how figures are drawn.

pub mod calibration;
pub mod regret;

use crate::decimal;

/// Parts of one that likelihoods count.
pub const ONE: i64 = perq_compiler::ir::SCORE_ONE;

/// A quotient as a decimal, rounded half away from zero; nothing over nothing is none.
pub fn quotient(num: i128, den: i128, decimals: u8) -> Option<String> {
    if den <= 0 {
        return None;
    }
    let scaled = num.checked_mul(10_i128.checked_pow(u32::from(decimals))?)?;
    let doubled = scaled.unsigned_abs().checked_mul(2)?.checked_add(den.unsigned_abs())?;
    let size = i128::try_from(doubled / den.unsigned_abs().checked_mul(2)?).ok()?;
    Some(decimal::print(if num < 0 { -size } else { size }, decimals))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotients_round_half_away_from_zero() {
        let shown = |num, den, decimals| quotient(num, den, decimals).unwrap_or_default();
        assert_eq!(shown(1, 3, 4), "0.3333");
        assert_eq!(shown(1, 8, 2), "0.13");
        assert_eq!(shown(-1, 8, 2), "-0.13");
        assert_eq!(shown(2, 3, 0), "1");
        assert_eq!(shown(0, 5, 2), "0.00");
        assert_eq!(quotient(1, 0, 2), None);
    }
}
