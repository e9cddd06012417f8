//! Counts the work of a decision, and ends a decision that works too much.
//!
//! A decision may take time and memory linear in its request. The rules are written so, and this module holds them to
//! it without a clock: every list that is walked, every finding, and every comparison with a pool is charged to a
//! budget of a constant and a multiple of the body's bytes. Honest reviews use a tenth of it at most, as a test
//! measures. So what exhausts the budget is a bug of this crate, and its review is denied.
//!
//! Walking a list is charged where the list is read (see [`crate::json::List`]), so that no rule needs to think of it,
//! and none can forget it. The count is kept for each thread. Outside of [`within`] nothing is limited.
//!
//! INVARIANT: once the budget is exhausted, lists are empty and comparisons find nothing, so that the decision ends
//! soon. What it decided then must not be used: the caller asks [`Spent::is_exhausted`].

use std::cell::Cell;

/// The work that every decision may do, however small its body.
///
/// One unit is an item that is visited: a few dozen instructions.
const BASE: u64 = 100_000;
/// The work that a decision may do for each byte of its body.
const PER_BYTE: u64 = 8;
/// The bytes that every decision may decode into.
const MEMORY: u64 = 4 << 20;
/// The bytes that a decision may decode into for each byte of its body.
const MEMORY_PER_BYTE: u64 = 8;

/// Holds what is left of a budget; negative amounts are debts.
#[derive(Clone, Copy, Debug)]
struct Left {
    work: i64,
    memory: i64,
}

const UNLIMITED: Left = Left { work: i64::MAX, memory: i64::MAX };

thread_local! {
    static LEFT: Cell<Left> = const { Cell::new(UNLIMITED) };
}

/// Tells what a piece of code spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spent {
    /// The units of work.
    pub work: u64,
    /// The bytes that lists took.
    pub memory: u64,
    is_exhausted: bool,
}

impl Spent {
    /// Returns whether the work was more than the budget.
    pub const fn is_exhausted(&self) -> bool {
        self.is_exhausted
    }
}

/// Returns the work that a decision about a body of so many bytes may do.
pub const fn budget(bytes: usize) -> u64 {
    BASE.saturating_add(PER_BYTE.saturating_mul(bytes as u64))
}

/// Returns the bytes that the lists of a body of so many bytes may take.
pub const fn memory(bytes: usize) -> u64 {
    MEMORY.saturating_add(MEMORY_PER_BYTE.saturating_mul(bytes as u64))
}

/// Runs `decide` within the budget for a body of so many bytes, and returns what it spent.
pub(crate) fn within<R>(bytes: usize, decide: impl FnOnce() -> R) -> (R, Spent) {
    let signed = |amount: u64| i64::try_from(amount).unwrap_or(i64::MAX);
    run(Left { work: signed(budget(bytes)), memory: signed(memory(bytes)) }, decide)
}

/// Runs `f`, and returns what it spent in all its decisions together.
pub fn measure<R>(f: impl FnOnce() -> R) -> (R, Spent) {
    run(UNLIMITED, f)
}

fn run<R>(budget: Left, f: impl FnOnce() -> R) -> (R, Spent) {
    /// Goes back to the outer count, also when `f` panics.
    struct Outer(Left, Left);

    impl Outer {
        fn spent(&self) -> Spent {
            let left = LEFT.get();
            Spent {
                work: self.1.work.saturating_sub(left.work).unsigned_abs(),
                memory: self.1.memory.saturating_sub(left.memory).unsigned_abs(),
                is_exhausted: left.work < 0,
            }
        }
    }

    impl Drop for Outer {
        fn drop(&mut self) {
            let Spent { work, memory, .. } = self.spent();
            LEFT.set(Left {
                work: self.0.work.saturating_sub_unsigned(work),
                memory: self.0.memory.saturating_sub_unsigned(memory),
            });
        }
    }

    let outer = Outer(LEFT.replace(budget), budget);
    let result = f();
    (result, outer.spent())
}

/// Charges so many units; returns whether the decision may go on.
pub(crate) fn charge(units: usize) -> bool {
    let Left { work, memory } = LEFT.get();
    let work = work.saturating_sub_unsigned(units as u64);
    LEFT.set(Left { work, memory });
    work >= 0
}

/// Charges the bytes that a list takes; returns whether it may be decoded.
pub(crate) fn charge_memory(bytes: usize) -> bool {
    let Left { work, memory } = LEFT.get();
    let memory = memory.saturating_sub_unsigned(bytes as u64);
    LEFT.set(Left { work, memory });
    memory >= 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn o2_a_budget_ends_and_the_outer_one_goes_on() {
        let ((), all) = measure(|| {
            let (may_go_on, inner) = within(0, || charge(usize::try_from(BASE).unwrap()));
            assert!(may_go_on && !inner.is_exhausted());
            let (may_go_on, inner) = within(0, || charge(usize::try_from(BASE).unwrap() + 1));
            assert!(!may_go_on && inner.is_exhausted());
            assert!(charge(1), "the outer budget has room");
        });
        assert_eq!(all.work, 2 * BASE + 2);
        assert!(!all.is_exhausted());
    }

    #[test]
    fn l14_a_panic_leaves_no_budget_behind() {
        let panicked = std::panic::catch_unwind(|| {
            within(0, || {
                charge(1_000_000);
                panic!("a bug")
            })
        });
        assert!(panicked.is_err());
        assert!(charge(1_000_000));
    }

    #[test]
    fn o3_memory_is_counted_apart_from_work() {
        let (may_go_on, spent) = within(0, || charge_memory(usize::try_from(MEMORY).unwrap() + 1));
        assert!(!may_go_on);
        assert_eq!((spent.work, spent.memory, spent.is_exhausted()), (0, MEMORY + 1, false));
    }
}
