//! Measures hostile reviews: time, instructions, units of work and memory for each byte, for every rule, up to 16
//! MiB, beside 10,000 pools and tenants.
//!
//! The reviews are those of `core/tests/hostile`, which holds units and memory of the smaller ones. Here callgrind
//! counts the instructions of all of them together at the smallest size: **fails** if they take more than
//! [`MOST_INSTRUCTIONS`] for a byte, or if one takes more than [`MOST_MEMORY`] bytes of memory for a byte, or its whole
//! budget. Times are there to be looked at.
//!
//! `cargo bench -p partywall-benches --bench hostile -- --quick` leaves out the large sizes. Exit codes: 1, something
//! costs too much; 2, there is no valgrind, so nobody knows.

#![expect(
    clippy::cast_precision_loss,
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "a benchmark prints, measures time, and has nobody to tell of an error"
)]

#[path = "../../core/tests/hostile/inputs.rs"]
mod inputs;

use std::hint::black_box;
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

use clap::Parser;
use partywall_core::tenancy::Snapshot;
use partywall_core::verdict::{Denial, Undecidable, Verdict};
use partywall_core::{answer, review, work};
use peak_alloc::PeakAlloc;

use self::inputs::Input;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// The sizes of the reviews, the smallest first, for which instructions are counted.
const SIZES: [usize; 4] = [64 << 10, 256 << 10, 1 << 20, 16 << 20];
/// The instructions for each byte that all reviews together may not exceed; they took 161 when this was written.
const MOST_INSTRUCTIONS: f64 = 200.0;
/// The bytes of memory for each byte of a review that none may exceed, beside [`SOME_MEMORY`].
const MOST_MEMORY: f64 = 24.0;
/// The memory that any review may take.
const SOME_MEMORY: usize = 4 << 20;
/// So many pools, tenants and namespaces.
const MANY: usize = 10_000;

#[derive(Parser)]
#[command(about = "What hostile reviews cost")]
struct Args {
    /// Leave out the large sizes.
    #[arg(long)]
    quick: bool,
    /// Decide about each review of the smallest size once, and nothing else: for counting instructions.
    #[arg(long, hide = true)]
    once: bool,
    /// The flag that cargo passes to each benchmark.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let snapshot = inputs::snapshot(MANY);
    if args.once {
        for input in inputs::all() {
            let body = input.body(SIZES[0]);
            decide(&input, &body, &snapshot);
            decide_under_callgrind(&input, &body, &snapshot);
        }
        // Nobody waits for a large snapshot to be taken apart, which takes long under valgrind.
        std::mem::forget(snapshot);
        return ExitCode::SUCCESS;
    }
    let instructions = count();
    let mut failures = Vec::new();
    println!(
        "{:14} {:60} {:>7} {:>10} {:>11} {:>12}  verdict",
        "rule", "review", "KB", "ms", "units/byte", "memory/byte"
    );
    for input in inputs::all() {
        for size in SIZES.into_iter().take(if args.quick { 2 } else { SIZES.len() }) {
            measure(&input, size, &snapshot, &mut failures);
        }
    }
    if let Some(instructions) = instructions {
        let bytes: usize = inputs::all().iter().map(|input| input.body(SIZES[0]).len()).sum();
        let for_each = instructions as f64 / bytes as f64;
        println!("all of {} KB: {for_each:.0} instructions for each byte", SIZES[0] >> 10);
        if for_each > MOST_INSTRUCTIONS {
            failures
                .push(format!("{for_each:.0} instructions for each byte, {MOST_INSTRUCTIONS} are allowed"));
        }
    }
    for failure in &failures {
        eprintln!("{failure}");
    }
    match (failures.is_empty(), instructions) {
        (false, _) => ExitCode::from(1),
        (true, None) => {
            eprintln!("instructions: not counted: valgrind is missing");
            ExitCode::from(2)
        }
        (true, Some(_)) => ExitCode::SUCCESS,
    }
}

fn measure(input: &Input, size: usize, snapshot: &Snapshot, failures: &mut Vec<String>) {
    let body = input.body(size);
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    let (verdict, spent) = work::measure(|| decide(input, &body, snapshot));
    let memory = MEMORY.peak_usage().saturating_sub(before);
    // The least of three: whatever disturbs one only adds to it.
    let time = || {
        let start = Instant::now();
        black_box(decide(input, &body, snapshot));
        start.elapsed().as_secs_f64() * 1e3
    };
    let milliseconds = (0..3).map(|_| time()).fold(f64::INFINITY, f64::min);
    let per_byte = |amount: f64| amount / body.len() as f64;
    let said = match &verdict.denial {
        None => "allowed",
        Some(Denial::Forbidden) => "denied",
        Some(Denial::Undecidable(Undecidable::Exhausted, _)) => "exhausted",
        Some(Denial::Undecidable(..)) => "undecidable",
    };
    println!(
        "{:14} {:60} {:>7} {milliseconds:>10.2} {:>11.3} {:>12.1}  {said}",
        input.rule.split(',').next().unwrap_or_default(),
        input.name,
        body.len() >> 10,
        per_byte(spent.work as f64),
        per_byte(memory as f64),
    );
    let name = format!("{}: {}, {} KB", input.rule, input.name, size >> 10);
    if per_byte(memory.saturating_sub(SOME_MEMORY) as f64) > MOST_MEMORY {
        failures.push(format!("{name}: {memory} bytes of memory, {MOST_MEMORY} for each byte are allowed"));
    }
    if said == "exhausted" {
        failures.push(format!("{name}: exhausts its budget"));
    }
}

fn decide(input: &Input, body: &[u8], snapshot: &Snapshot) -> Verdict {
    let Ok(answer) = answer(input.entry, black_box(body), snapshot) else {
        panic!("{}: no review", input.name)
    };
    black_box(review::encode(&answer.uid, &answer.verdict));
    answer.verdict
}

#[inline(never)]
fn decide_under_callgrind(input: &Input, body: &[u8], snapshot: &Snapshot) {
    black_box(decide(input, body, snapshot));
}

/// The instructions of all reviews of the smallest size together; `None`: there is no valgrind.
fn count() -> Option<u64> {
    let version =
        Command::new("valgrind").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if !version.is_ok_and(|status| status.success()) {
        return None;
    }
    let this = std::env::current_exe().unwrap_or_else(|error| panic!("this program: {error}"));
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg("--toggle-collect=*decide_under_callgrind*")
        .arg(this)
        .arg("--once")
        // glibc chooses its memcpy by the CPU: only the one that every x86-64 has is left.
        .env("GLIBC_TUNABLES", "glibc.cpu.hwcaps=-AVX2,-AVX512F,-AVX512VL,-ERMS,-FSRM,-SSSE3,-SSE4_2")
        .output()
        .unwrap_or_else(|error| panic!("valgrind: {error}"));
    let log = String::from_utf8_lossy(&output.stderr);
    let collected = log.lines().find_map(|line| line.split_once("Collected : "));
    match collected.and_then(|(_, count)| count.trim().parse().ok()).filter(|count| *count > 0) {
        Some(count) if output.status.success() => Some(count),
        Some(_) | None => panic!("valgrind counted nothing: {log}"),
    }
}
