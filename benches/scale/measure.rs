//! Measuring one size: the snapshot's bytes and how long it takes to compile, a decision's time and instructions.
//!
//! Instructions are counted by callgrind in a process of its own, which compiles the same snapshot and decides: only
//! what [`decide_under_callgrind`] does counts.

use std::alloc::System;
use std::hint::black_box;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use jiff::civil::date;
use partywall_core::review::{self, Request};
use partywall_core::tenancy::Snapshot;
use partywall_core::{Entry, admit};
use serde::Serialize;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

use crate::cluster::Axis;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// The costs of one size.
#[derive(Debug, Serialize)]
pub(crate) struct Point {
    /// The size.
    pub(crate) size: usize,
    /// Of one decision; `None`: not counted.
    pub(crate) instructions: Option<u64>,
    /// Of one decision.
    pub(crate) nanoseconds: f64,
    /// The bytes that the snapshot has allocated.
    pub(crate) snapshot_bytes: usize,
    /// From the objects to the snapshot.
    pub(crate) build_milliseconds: f64,
}

/// Measures one size.
pub(crate) fn point(axis: Axis, size: usize, has_valgrind: bool) -> Point {
    let reviews = axis.reviews();
    let before = live_bytes();
    let objects = axis.objects(size);
    let start = Instant::now();
    let snapshot = compile(objects);
    let build = start.elapsed();
    let snapshot_bytes = live_bytes() - before;
    let requests = decode(&reviews);
    Point {
        size,
        instructions: has_valgrind.then(|| count(axis, size)),
        nanoseconds: nanoseconds(&requests, &snapshot),
        snapshot_bytes,
        build_milliseconds: build.as_secs_f64() * 1e3,
    }
}

/// Decides once at that size, as [`count`] asks in a process of its own.
pub(crate) fn once(axis: &str, size: &str) {
    let named = Axis::ALL.into_iter().find(|known| known.name() == axis);
    let (Some(axis), Ok(size)) = (named, size.parse()) else { panic!("no such size: {axis} {size}") };
    let snapshot = compile(axis.objects(size));
    let reviews = axis.reviews();
    let requests = decode(&reviews);
    // What happens once a process is no part of a decision.
    decide(&requests, &snapshot);
    decide_under_callgrind(&requests, &snapshot);
    // Nobody waits for a large snapshot to be taken apart, which takes long under valgrind.
    std::mem::forget(snapshot);
}

fn compile(objects: Vec<partywall_core::api::Located>) -> Snapshot {
    match Snapshot::compile(objects, date(2026, 11, 20)) {
        Ok(compiled) => compiled.snapshot,
        Err(mistakes) => panic!("{} mistakes, the first is {:?}", mistakes.len(), mistakes.first()),
    }
}

fn decode(reviews: &[(Entry, Vec<u8>)]) -> Vec<(Entry, Request<'_>)> {
    reviews
        .iter()
        .map(|(entry, body)| (*entry, review::decode(body).unwrap_or_else(|error| panic!("{error}"))))
        .collect()
}

#[inline(never)]
fn decide_under_callgrind(requests: &[(Entry, Request<'_>)], snapshot: &Snapshot) {
    decide(requests, snapshot);
}

fn decide(requests: &[(Entry, Request<'_>)], snapshot: &Snapshot) {
    for (entry, request) in requests {
        let verdict = admit(*entry, black_box(request), snapshot);
        assert!(verdict.denial.is_none(), "{:?}", verdict.violations);
        assert_eq!(verdict.patch.is_some(), *entry == Entry::Mutate, "what is stamped");
        black_box(&verdict);
    }
}

/// The least of several runs: whatever disturbs one only adds to it.
fn nanoseconds(requests: &[(Entry, Request<'_>)], snapshot: &Snapshot) -> f64 {
    const RUN: Duration = Duration::from_millis(20);
    let mut rounds = 0_u32;
    let start = Instant::now();
    while start.elapsed() < RUN {
        decide(requests, snapshot);
        rounds += 1;
    }
    let run = || {
        let start = Instant::now();
        for _ in 0..rounds {
            decide(requests, snapshot);
        }
        start.elapsed().as_secs_f64() * 1e9 / f64::from(rounds)
    };
    (0..5).map(|_| run()).fold(f64::INFINITY, f64::min) / requests.len() as f64
}

pub(crate) fn has_valgrind() -> bool {
    let version =
        Command::new("valgrind").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    version.is_ok_and(|status| status.success())
}

/// The instructions of one decision at that size.
fn count(axis: Axis, size: usize) -> u64 {
    let this = std::env::current_exe().unwrap_or_else(|error| panic!("this program: {error}"));
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg("--toggle-collect=*decide_under_callgrind*")
        .arg(this)
        .args(["--once", axis.name(), &size.to_string()])
        // glibc chooses its memcpy by the CPU: only the one that every x86-64 has is left.
        .env("GLIBC_TUNABLES", "glibc.cpu.hwcaps=-AVX2,-AVX512F,-AVX512VL,-ERMS,-FSRM,-SSSE3,-SSE4_2")
        .output()
        .unwrap_or_else(|error| panic!("valgrind: {error}"));
    let log = String::from_utf8_lossy(&output.stderr);
    let collected =
        log.lines().find_map(|line| line.split_once("Collected : ")).map(|(_, count)| count.trim());
    match collected.and_then(|count| count.parse::<u64>().ok()).filter(|count| *count > 0) {
        Some(count) if output.status.success() => count / axis.reviews().len() as u64,
        Some(_) | None => panic!("valgrind counted nothing: {log}"),
    }
}

fn live_bytes() -> usize {
    let stats = ALLOCATOR.stats();
    stats.bytes_allocated - stats.bytes_deallocated
}
