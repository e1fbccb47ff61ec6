//! After how long half of what was learned is left. Powers in fixed point, rounded down, so that every machine forgets the same. It
//! refuses to know what is forgotten.

use serde::{Deserialize, Serialize};

/// Binary digits behind the point of a factor.
const FRACTION: u32 = 48;

/// Days after which half is left; above zero in a program that is verified. Written as their number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "u32", into = "u32")]
pub struct HalfLife {
    days: u32,
    /// What is left after one of them: finding it takes hundreds of multiplications, and every question for a likelihood asks for it.
    daily: u64,
}

impl From<u32> for HalfLife {
    fn from(days: u32) -> HalfLife {
        HalfLife { days, daily: daily(days.max(1)) }
    }
}

impl From<HalfLife> for u32 {
    fn from(half_life: HalfLife) -> u32 {
        half_life.days
    }
}

impl HalfLife {
    /// In days.
    pub fn days(self) -> u32 {
        self.days
    }

    /// What is left of an amount after so many days: rounded down, to within a millionth.
    pub fn fade(self, amount: i64, days: i64) -> i64 {
        let half_life = i64::from(self.days.max(1));
        let halves = u32::try_from(days / half_life).unwrap_or(u32::MAX);
        let rest = u32::try_from(days % half_life).unwrap_or(0);
        let left = (i128::from(amount) * i128::from(power(self.daily, rest))) >> FRACTION;
        i64::try_from(left.checked_shr(halves).unwrap_or(0)).unwrap_or(0)
    }
}

/// The part of an amount that is left after a day: the largest one whose power makes no more than a half.
fn daily(half_life: u32) -> u64 {
    let (mut low, mut high) = (1_u64 << (FRACTION - 1), 1_u64 << FRACTION);
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if power(middle, half_life) <= 1 << (FRACTION - 1) { low = middle } else { high = middle }
    }
    low
}

/// A power of a factor of at most one.
fn power(base: u64, exponent: u32) -> u64 {
    let times = |a: u64, b: u64| ((u128::from(a) * u128::from(b)) >> FRACTION) as u64;
    let (mut result, mut base, mut exponent) = (1_u64 << FRACTION, base, exponent);
    while exponent > 0 {
        if exponent & 1 == 1 {
            result = times(result, base);
        }
        base = times(base, base);
        exponent >>= 1;
    }
    result
}
