//! Where the time goes in which events are decided and written, stage by stage, for who wants to make it less. Nothing depends
//! on it.

use std::time::{Duration, Instant};

/// The time that was spent in each stage so far.
#[derive(Clone, Debug, Default)]
pub struct Stages(Vec<(&'static str, Duration)>);

impl Stages {
    /// Adds the time since an instant to a stage, and gives the instant at which the next one begins.
    pub fn add(&mut self, stage: &'static str, since: Instant) -> Instant {
        let now = Instant::now();
        let more = now.saturating_duration_since(since);
        match self.0.iter_mut().find(|(known, _)| *known == stage) {
            Some((_, time)) => *time = time.saturating_add(more),
            None => self.0.push((stage, more)),
        }
        now
    }

    /// Each stage by its name with its time, in the order in which they were first met.
    pub fn all(&self) -> &[(&'static str, Duration)] {
        &self.0
    }
}
