//! What hostile texts may take: processor time of a thread, and memory of the whole process.

use std::time::{Duration, Instant};

/// What a process that reads hostile texts may hold at once, in kilobytes.
const MEMORY: u64 = 1_000_000;

/// The time that this thread has spent: of the processor where the system tells, for tests also run on busy machines.
pub fn spent(since: Instant) -> Duration {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanoseconds = told.and_then(|told| told.split(' ').next().and_then(|first| first.parse().ok()));
    nanoseconds.map_or_else(|| since.elapsed(), Duration::from_nanos)
}

/// Asks whether the process has ever held more than it may, where the system tells: all that ran before, and beside,
/// is asked too.
pub fn assert_memory(what: &str) {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let most =
        status.lines().find(|line| line.starts_with("VmHWM")).and_then(|line| line.split_whitespace().nth(1));
    if let Some(most) = most.and_then(|most| most.parse::<u64>().ok()) {
        assert!(most < MEMORY, "{most} kB by the end of {what}");
    }
}
