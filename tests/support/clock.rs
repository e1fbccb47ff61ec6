//! How long this thread has worked, which a busy machine does not change as it does the time on the wall.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

/// Time that this thread has worked, where the system tells it; else that of the clock. Read differences.
pub fn worked() -> Duration {
    std::thread::yield_now(); // the system takes note when threads change
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = told.split(' ').next().and_then(|number| number.parse().ok());
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    nanoseconds.map_or_else(|| START.elapsed(), Duration::from_nanos)
}
