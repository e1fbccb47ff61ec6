//! The workload by which evaluation is measured: receipts with members, packs of rules of any size of which about as many
//! match whatever their number, two programs by hand that say what comes out, and the same packs as rule files.
//!
//! All of it is a function of fixed seeds, in whole numbers. Refuses to know clocks: what measures is elsewhere.

pub mod columns;
pub mod data;
pub mod index;
pub mod naive;
pub mod packs;
pub mod perq;
pub mod text;

pub use data::{Data, Line, Receipt};
pub use packs::{Award, Filter, Mode, Rule};

/// What is decided for a run of receipts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Points of each receipt, in hundredths.
    pub points: Vec<i64>,
    /// Money off each receipt, in hundredths.
    pub discount: Vec<i64>,
    /// Where the rules of each receipt end in `fired`.
    pub ends: Vec<usize>,
    /// Rules that gave something, ascending for each receipt.
    pub fired: Vec<u32>,
}

impl Outcome {
    /// Forgets everything.
    pub fn clear(&mut self) {
        self.points.clear();
        self.discount.clear();
        self.ends.clear();
        self.fired.clear();
    }

    /// Ends a receipt, whose rules are in `fired` already.
    pub fn close(&mut self, points: i64, discount: i64) {
        self.points.push(points);
        self.discount.push(discount);
        self.ends.push(self.fired.len());
    }

    /// The rules of a receipt.
    pub fn fired_of(&self, receipt: usize) -> &[u32] {
        let start = receipt.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.fired[start..self.ends[receipt]]
    }

    /// One number for all of it: receipt by receipt points, money, how many rules, and which.
    pub fn checksum(&self) -> u64 {
        let mut sum = 0x243f_6a88_85a3_08d3_u64;
        let mut add = |word: u64| sum = (sum.rotate_left(5) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        for receipt in 0..self.ends.len() {
            let fired = self.fired_of(receipt);
            add(self.points[receipt].cast_unsigned());
            add(self.discount[receipt].cast_unsigned());
            add(fired.len() as u64);
            fired.iter().for_each(|rule| add(u64::from(*rule)));
        }
        sum
    }
}

/// What all receipts come to with a pack: its name, and the checksum of the outcome, as the definition of the workload
/// states them.
pub const STATED: [(&str, u64); 4] = [
    ("E10", 0xb4f5_b011_df1a_3cc0),
    ("E100", 0x596f_c470_79d1_f5af),
    ("E1000", 0x9bec_8597_dfb8_c7ef),
    ("E10000", 0x2e82_f2e2_456e_2879),
];
