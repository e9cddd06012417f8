//! The worst reviews that we can think of, for every rule: what they cost for each of their bytes.
//!
//! Two costs can be counted exactly, and hold on every machine: the units of work that a decision charges itself (see
//! `partywall_core::work`), and the memory that it takes at most, from the first byte of the review to the last of the
//! answer. `cargo bench -p partywall-benches --bench hostile` counts instructions too, of larger reviews.

#![expect(clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

mod inputs;

use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};

use partywall_core::tenancy::Snapshot;
use partywall_core::verdict::{Denial, Undecidable};
use partywall_core::{answer, review, work};
use peak_alloc::PeakAlloc;

use self::inputs::Input;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// Memory is counted for the whole process, so that one test runs at a time.
static TURN: Mutex<()> = Mutex::new(());

/// The sizes of the reviews.
const SIZES: [usize; 2] = [64 << 10, 256 << 10];
/// The units of work for each byte that no review may exceed: half of what the budget has.
const MOST_WORK: f64 = 4.0;
/// The bytes of memory for each byte of a review that none may exceed, beside [`SOME_MEMORY`].
const MOST_MEMORY: f64 = 24.0;
/// The memory that any review may take: that of the lists that a budget does not count.
const SOME_MEMORY: usize = 4 << 20;

/// The costs of a review.
#[derive(Clone, Copy)]
struct Cost {
    bytes: usize,
    work: u64,
    memory: usize,
    violations: usize,
    is_exhausted: bool,
}

fn cost(input: &Input, bytes: usize, snapshot: &Snapshot) -> Cost {
    let body = input.body(bytes);
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    let (verdict, spent) = work::measure(|| {
        let answer = answer(input.entry, &body, snapshot).expect("a review");
        let _ = review::encode(&answer.uid, &answer.verdict);
        answer.verdict
    });
    let memory = MEMORY.peak_usage().saturating_sub(before);
    let is_exhausted = matches!(verdict.denial, Some(Denial::Undecidable(Undecidable::Exhausted, _)));
    let violations = verdict.totals.iter().map(|total| total.violations).sum();
    Cost { bytes: body.len(), work: spent.work, memory, violations, is_exhausted }
}

#[test]
fn o2_o3_l13_hostile_reviews_cost_no_more_than_a_multiple_of_their_bytes() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let snapshot = inputs::snapshot(10_000);
    let mut table = String::new();
    let mut failures = Vec::new();
    for input in inputs::all() {
        for size in SIZES {
            let Cost { bytes, work, memory, is_exhausted, .. } = cost(&input, size, &snapshot);
            let per_byte = |amount: f64| amount / bytes as f64;
            let (work, multiple) = (per_byte(work as f64), per_byte(memory as f64));
            let name = format!("{}: {}, {} KB", input.rule, input.name, size >> 10);
            let _ = writeln!(table, "{name:90} {work:8.3} units {multiple:8.1} bytes of memory");
            // Of empty items there cannot be so many.
            let is_large = bytes > size / 2 || input.name.contains("empty");
            assert!(is_large && bytes < size * 2, "{name}: {bytes} bytes");
            let is_too_much = is_exhausted
                || work > MOST_WORK
                || per_byte(memory.saturating_sub(SOME_MEMORY) as f64) > MOST_MEMORY;
            if is_too_much {
                failures.push(name);
            }
        }
    }
    eprintln!("{table}");
    assert!(failures.is_empty(), "O2, O3: too much work or memory for each byte:\n{}", failures.join("\n"));
}

#[test]
fn o2_a_decision_does_not_depend_on_how_many_pools_tenants_and_namespaces_there_are() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let (few, many) = (inputs::snapshot(20), inputs::snapshot(10_000));
    let mut differ = Vec::new();
    for input in inputs::all() {
        let (few, many) = (cost(&input, SIZES[0], &few), cost(&input, SIZES[0], &many));
        // More pools may be violated as well, and violations cost something. Of a list of pools more are found, too.
        if few.violations != many.violations {
            differ.push(input.name);
            continue;
        }
        let most =
            if input.name.contains("every pool") { 2 * few.work } else { few.work + few.work / 10 + 1_000 };
        assert!(
            many.work <= most,
            "{}: {}: {} units of work among few pools, {} among many",
            input.rule,
            input.name,
            few.work,
            many.work
        );
    }
    assert!(differ.len() <= 3, "{differ:?}");
}
