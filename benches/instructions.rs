//! Counts what one review costs, whatever the load of the machine: instructions, allocations and bytes of decoding,
//! deciding, encoding, and all three, for every size and answer of [`payload`].
//!
//! Callgrind counts the instructions and DHAT what is allocated, both of a second pass, so that what happens once a
//! process does not count; what a stage drops counts as its own. [instructions.tsv](instructions.tsv) is what was
//! measured last on purpose: 1 % more instructions (or [`SLACK`] for each allocation) and [`ONE_MORE_RULE`], or one
//! allocation more, fails, and so
//! does a benchmark without a row and a row without a benchmark. `make limits` writes it anew, for changes that are
//! meant.
//!
//! glibc chooses its memcpy by the CPU, so that the tunables below leave it only the one every x86-64 has; whether a
//! body is UTF-8 is found out with AVX2, which valgrind has where the CPU has it. Encoding does not see the size of a
//! review, only what was found in it: it is measured at one size.

#![expect(
    clippy::disallowed_methods,
    clippy::panic,
    clippy::print_stdout,
    missing_docs,
    unused_qualifications,
    reason = "a benchmark has nobody to tell of an error, and gungraun's macros write code as they like"
)]

mod payload;

use std::hint::black_box;

use gungraun::{
    Callgrind, CallgrindMetrics, Dhat, DhatMetric, EventKind, LibraryBenchmarkConfig, library_benchmark,
    library_benchmark_group, main,
};
use partywall_core::review::{self, Request};
use partywall_core::tenancy::Snapshot;
use partywall_core::verdict::Verdict;
use partywall_core::{admit, answer};

use self::payload::Expect::{self, Allow, Deny, Patch};
use self::payload::Payload;
use self::payload::Size::{self, Big, Fifty, Huge, Median, Mesh, Minimal, Update};

/// Columns: the benchmark, its instructions, allocations and bytes.
const LIMITS: &str = include_str!("instructions.tsv");

/// The instructions by which an allocation may differ, depending on what was allocated and freed before.
///
/// Even the length of this repository's path changes it. A verdict with 17 allocations differed by 313 at most.
const SLACK: u64 = 20;
/// And for all of them.
const MOST_SLACK: u64 = 400;
/// Allowed besides, so that one more rule in the registry, which a review of another kind skips, breaks nothing.
const ONE_MORE_RULE: u64 = 48;

/// The goal for the median pod: printed by each run, and no limit before it is reached.
const GOAL: Costs = Costs { instructions: 140_000, allocations: 10 };

/// The costs of a benchmark.
#[derive(Clone, Copy)]
struct Costs {
    instructions: u64,
    allocations: u64,
}

/// The configuration of all benchmarks. This is evaluated once a run, so the corpus and the table are checked here.
fn config() -> LibraryBenchmarkConfig {
    payload::verify(&payload::snapshot());
    if is_limited() {
        for (name, _) in rows() {
            let is_measured = reviews::__BENCHES.iter().any(|(stage, _, benchmarks)| {
                benchmarks
                    .iter()
                    .filter_map(|benchmark| benchmark.id_display)
                    .any(|id| name.split_once('/') == Some((stage, id)))
            });
            assert!(is_measured, "`{name}` of benches/instructions.tsv is no benchmark; run `make limits`");
        }
        for (name, row) in rows().filter(|(name, _)| name.starts_with("all/median_")) {
            let is_kept = row.instructions <= GOAL.instructions && row.allocations <= GOAL.allocations;
            println!(
                "{name}: {} instructions of {}, {} allocations of {}: the goal is {}",
                row.instructions,
                GOAL.instructions,
                row.allocations,
                GOAL.allocations,
                if is_kept { "kept" } else { "missed" }
            );
        }
    }
    let mut config = LibraryBenchmarkConfig::default();
    config
        .env("GLIBC_TUNABLES", "glibc.cpu.hwcaps=-AVX2,-AVX512F,-AVX512VL,-ERMS,-FSRM,-SSSE3,-SSE4_2")
        .tool(Callgrind::with_args(["--cache-sim=no"]).format([CallgrindMetrics::SingleEvent(EventKind::Ir)]))
        // An allocation counts if the benchmark is among its callers, however far up.
        .tool(
            Dhat::with_args(["--num-callers=200"]).format([DhatMetric::TotalBlocks, DhatMetric::TotalBytes]),
        );
    config
}

/// The configuration of the benchmark of that name: what it may cost.
fn limited(name: &str) -> LibraryBenchmarkConfig {
    let mut config = LibraryBenchmarkConfig::default();
    if is_limited() {
        let Some((_, row)) = rows().find(|(row, _)| *row == name) else {
            panic!("`{name}` has no row in benches/instructions.tsv; run `make limits`");
        };
        let slack = MOST_SLACK.min(SLACK * row.allocations);
        let instructions = row.instructions + slack.max(row.instructions / 100) + ONE_MORE_RULE;
        config
            .tool(Callgrind::default().hard_limits([(EventKind::Ir, instructions)]))
            .tool(Dhat::default().hard_limits([(DhatMetric::TotalBlocks, row.allocations)]));
    }
    config
}

/// `make limits` measures without.
fn is_limited() -> bool {
    std::env::var_os("PARTYWALL_NO_LIMITS").is_none()
}

fn rows() -> impl Iterator<Item = (&'static str, Costs)> {
    LIMITS.lines().skip(1).map(|line| {
        let mut cells = line.split('\t');
        let name = cells.next().unwrap_or_default();
        let mut number = || cells.next().and_then(|cell| cell.parse().ok());
        match (number(), number()) {
            (Some(instructions), Some(allocations)) => (name, Costs { instructions, allocations }),
            _ => panic!("benches/instructions.tsv: `{line}` is no name and numbers"),
        }
    })
}

/// A review, and what decides it.
struct Review {
    payload: Payload,
    snapshot: Snapshot,
}

/// Nothing of it is ever dropped: only a benchmark's own drops count.
fn review(size: Size, expect: Expect) -> &'static Review {
    let Some(payload) = payload::payload(size, expect) else { panic!("{size:?} never gets {expect:?}") };
    let review = Box::leak(Box::new(Review { payload, snapshot: payload::snapshot() }));
    whole(review);
    review
}

fn decoded(size: Size, expect: Expect) -> (&'static Review, &'static Request<'static>) {
    let review = review(size, expect);
    let request = review::decode(&review.payload.body).unwrap_or_else(|error| panic!("{error}"));
    (review, Box::leak(Box::new(request)))
}

fn decided(size: Size, expect: Expect) -> (&'static str, &'static Verdict) {
    let (review, request) = decoded(size, expect);
    let verdict = admit(review.payload.entry, request, &review.snapshot);
    (&request.uid, Box::leak(Box::new(verdict)))
}

fn whole(Review { payload, snapshot }: &Review) {
    let answer = answer(payload.entry, black_box(&payload.body), snapshot);
    let _ = black_box(answer.map(|answer| review::encode(&answer.uid, &answer.verdict)));
}

#[library_benchmark(setup = review)]
#[bench::minimal_allow(args = (Minimal, Allow), config = limited("decode/minimal_allow"))]
#[bench::minimal_deny(args = (Minimal, Deny), config = limited("decode/minimal_deny"))]
#[bench::minimal_patch(args = (Minimal, Patch), config = limited("decode/minimal_patch"))]
#[bench::median_allow(args = (Median, Allow), config = limited("decode/median_allow"))]
#[bench::median_deny(args = (Median, Deny), config = limited("decode/median_deny"))]
#[bench::median_patch(args = (Median, Patch), config = limited("decode/median_patch"))]
#[bench::update_allow(args = (Update, Allow), config = limited("decode/update_allow"))]
#[bench::update_deny(args = (Update, Deny), config = limited("decode/update_deny"))]
#[bench::mesh_allow(args = (Mesh, Allow), config = limited("decode/mesh_allow"))]
#[bench::mesh_deny(args = (Mesh, Deny), config = limited("decode/mesh_deny"))]
#[bench::mesh_patch(args = (Mesh, Patch), config = limited("decode/mesh_patch"))]
#[bench::fifty_allow(args = (Fifty, Allow), config = limited("decode/fifty_allow"))]
#[bench::fifty_deny(args = (Fifty, Deny), config = limited("decode/fifty_deny"))]
#[bench::fifty_patch(args = (Fifty, Patch), config = limited("decode/fifty_patch"))]
#[bench::big_allow(args = (Big, Allow), config = limited("decode/big_allow"))]
#[bench::big_deny(args = (Big, Deny), config = limited("decode/big_deny"))]
#[bench::big_patch(args = (Big, Patch), config = limited("decode/big_patch"))]
#[bench::huge_allow(args = (Huge, Allow), config = limited("decode/huge_allow"))]
#[bench::huge_deny(args = (Huge, Deny), config = limited("decode/huge_deny"))]
#[bench::huge_patch(args = (Huge, Patch), config = limited("decode/huge_patch"))]
fn decode(review: &'static Review) {
    let _ = black_box(review::decode(black_box(&review.payload.body)));
}

#[library_benchmark(setup = decoded)]
#[bench::minimal_allow(args = (Minimal, Allow), config = limited("decide/minimal_allow"))]
#[bench::minimal_deny(args = (Minimal, Deny), config = limited("decide/minimal_deny"))]
#[bench::minimal_patch(args = (Minimal, Patch), config = limited("decide/minimal_patch"))]
#[bench::median_allow(args = (Median, Allow), config = limited("decide/median_allow"))]
#[bench::median_deny(args = (Median, Deny), config = limited("decide/median_deny"))]
#[bench::median_patch(args = (Median, Patch), config = limited("decide/median_patch"))]
#[bench::update_allow(args = (Update, Allow), config = limited("decide/update_allow"))]
#[bench::update_deny(args = (Update, Deny), config = limited("decide/update_deny"))]
#[bench::mesh_allow(args = (Mesh, Allow), config = limited("decide/mesh_allow"))]
#[bench::mesh_deny(args = (Mesh, Deny), config = limited("decide/mesh_deny"))]
#[bench::mesh_patch(args = (Mesh, Patch), config = limited("decide/mesh_patch"))]
#[bench::fifty_allow(args = (Fifty, Allow), config = limited("decide/fifty_allow"))]
#[bench::fifty_deny(args = (Fifty, Deny), config = limited("decide/fifty_deny"))]
#[bench::fifty_patch(args = (Fifty, Patch), config = limited("decide/fifty_patch"))]
#[bench::big_allow(args = (Big, Allow), config = limited("decide/big_allow"))]
#[bench::big_deny(args = (Big, Deny), config = limited("decide/big_deny"))]
#[bench::big_patch(args = (Big, Patch), config = limited("decide/big_patch"))]
#[bench::huge_allow(args = (Huge, Allow), config = limited("decide/huge_allow"))]
#[bench::huge_deny(args = (Huge, Deny), config = limited("decide/huge_deny"))]
#[bench::huge_patch(args = (Huge, Patch), config = limited("decide/huge_patch"))]
fn decide((review, request): (&'static Review, &'static Request<'static>)) {
    let _ = black_box(admit(review.payload.entry, black_box(request), &review.snapshot));
}

#[library_benchmark(setup = decided)]
#[bench::median_allow(args = (Median, Allow), config = limited("encode/median_allow"))]
#[bench::median_deny(args = (Median, Deny), config = limited("encode/median_deny"))]
#[bench::median_patch(args = (Median, Patch), config = limited("encode/median_patch"))]
fn encode((uid, verdict): (&'static str, &'static Verdict)) {
    let _ = black_box(review::encode(uid, black_box(verdict)));
}

#[library_benchmark(setup = review)]
#[bench::minimal_allow(args = (Minimal, Allow), config = limited("all/minimal_allow"))]
#[bench::minimal_deny(args = (Minimal, Deny), config = limited("all/minimal_deny"))]
#[bench::minimal_patch(args = (Minimal, Patch), config = limited("all/minimal_patch"))]
#[bench::median_allow(args = (Median, Allow), config = limited("all/median_allow"))]
#[bench::median_deny(args = (Median, Deny), config = limited("all/median_deny"))]
#[bench::median_patch(args = (Median, Patch), config = limited("all/median_patch"))]
#[bench::update_allow(args = (Update, Allow), config = limited("all/update_allow"))]
#[bench::update_deny(args = (Update, Deny), config = limited("all/update_deny"))]
#[bench::mesh_allow(args = (Mesh, Allow), config = limited("all/mesh_allow"))]
#[bench::mesh_deny(args = (Mesh, Deny), config = limited("all/mesh_deny"))]
#[bench::mesh_patch(args = (Mesh, Patch), config = limited("all/mesh_patch"))]
#[bench::fifty_allow(args = (Fifty, Allow), config = limited("all/fifty_allow"))]
#[bench::fifty_deny(args = (Fifty, Deny), config = limited("all/fifty_deny"))]
#[bench::fifty_patch(args = (Fifty, Patch), config = limited("all/fifty_patch"))]
#[bench::big_allow(args = (Big, Allow), config = limited("all/big_allow"))]
#[bench::big_deny(args = (Big, Deny), config = limited("all/big_deny"))]
#[bench::big_patch(args = (Big, Patch), config = limited("all/big_patch"))]
#[bench::huge_allow(args = (Huge, Allow), config = limited("all/huge_allow"))]
#[bench::huge_deny(args = (Huge, Deny), config = limited("all/huge_deny"))]
#[bench::huge_patch(args = (Huge, Patch), config = limited("all/huge_patch"))]
fn all(review: &'static Review) {
    whole(review);
}

library_benchmark_group!(name = reviews, benchmarks = [decode, decide, encode, all]);
main!(config = config(), library_benchmark_groups = reviews);
