//! Two pieces of work at once. Refuses to know what they are; what they give does not depend on it.

use std::panic::resume_unwind;
use std::thread::{Builder, scope};

/// Does both, the first on a thread of its own where that is worth it and there is one to be had.
pub(crate) fn both<A: Send, B>(
    worth_it: bool,
    first: impl Fn() -> A + Sync,
    second: impl FnOnce() -> B,
) -> (A, B) {
    if !worth_it {
        return (first(), second());
    }
    scope(|scope| {
        let thread = Builder::new().spawn_scoped(scope, &first);
        let second = second();
        let first = match thread {
            Ok(thread) => thread.join().unwrap_or_else(|panic| resume_unwind(panic)),
            Err(_) => first(),
        };
        (first, second)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_are_done() {
        for worth_it in [false, true] {
            let words = ["one".to_owned(), "two".to_owned()];
            assert_eq!(both(worth_it, || words[0].len(), || words[1].clone()), (3, "two".to_owned()));
        }
        let result = std::panic::catch_unwind(|| both(true, || panic!("of the first"), || ()));
        assert!(result.is_err());
    }
}
