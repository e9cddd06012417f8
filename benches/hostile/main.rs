//! Measures hostile reviews: time, instructions, units of work and memory for each byte, for every rule, up to 16
//! MiB, beside 10,000 pools and tenants.
//!
//! The reviews are those of `core/tests/hostile`, which holds units and memory of the smaller ones. Here callgrind
//! counts the instructions of each at the smallest size: **fails** if one takes more than [`MOST_INSTRUCTIONS`] for a
//! byte, or more than [`MOST_MEMORY`] bytes of memory for a byte, or its whole budget. Times are there to be looked at.
//! At the end comes the table of the worst review of each rule and size, which benches/README.md has.
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

use std::collections::BTreeMap;
use std::hint::black_box;
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;
use std::{env, fmt, fs};

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
/// The instructions for each byte that none may exceed. The worst took 835 when this was written: empty tolerations, of
/// which each has three bytes.
const MOST_INSTRUCTIONS: f64 = 1000.0;
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
        "{:14} {:60} {:>7} {:>10} {:>10} {:>11} {:>12}  verdict",
        "rule", "review", "KB", "ms", "instr/byte", "units/byte", "memory/byte"
    );
    let mut rows = Vec::new();
    for (index, input) in inputs::all().iter().enumerate() {
        for size in SIZES.into_iter().take(if args.quick { 2 } else { SIZES.len() }) {
            let counted = instructions.as_ref().filter(|_| size == SIZES[0]);
            let row = measure(input, size, counted.map(|counted| counted[index]), &snapshot);
            println!("{row}");
            failures.extend(row.failures());
            rows.push(row);
        }
    }
    print_worst(&rows);
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

/// The costs of a review.
struct Row {
    rule: String,
    review: &'static str,
    size: usize,
    bytes: usize,
    milliseconds: f64,
    /// Counted at the smallest size.
    instructions: Option<u64>,
    work: u64,
    memory: usize,
    verdict: &'static str,
}

impl Row {
    fn per_byte(&self, amount: f64) -> f64 {
        amount / self.bytes as f64
    }

    /// Returns the instructions for each byte, if they were counted.
    fn instructions_per_byte(&self) -> Option<f64> {
        self.instructions.map(|instructions| self.per_byte(instructions as f64))
    }

    fn failures(&self) -> Vec<String> {
        let mut failures = Vec::new();
        let name = format!("{}: {}, {} KB", self.rule, self.review, self.size >> 10);
        if self.per_byte(self.memory.saturating_sub(SOME_MEMORY) as f64) > MOST_MEMORY {
            failures.push(format!(
                "{name}: {} bytes of memory, {MOST_MEMORY} for each byte are allowed",
                self.memory
            ));
        }
        if let Some(instructions) = self.instructions_per_byte().filter(|count| *count > MOST_INSTRUCTIONS) {
            failures.push(format!(
                "{name}: {instructions:.0} instructions for each byte, {MOST_INSTRUCTIONS} are allowed"
            ));
        }
        if self.verdict == "exhausted" {
            failures.push(format!("{name}: exhausts its budget"));
        }
        failures
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let instructions = self.instructions_per_byte().map_or("-".to_owned(), |count| format!("{count:.0}"));
        write!(
            f,
            "{:14} {:60} {:>7} {:>10.2} {instructions:>10} {:>11.3} {:>12.1}  {}",
            self.rule,
            self.review,
            self.bytes >> 10,
            self.milliseconds,
            self.per_byte(self.work as f64),
            self.per_byte(self.memory as f64),
            self.verdict,
        )
    }
}

/// Prints the most that each rule takes at each size, as a table of Markdown.
fn print_worst(rows: &[Row]) {
    println!("\n| rule | KB | ms | instructions/byte | memory/byte | slowest review |");
    println!("|---|---|---|---|---|---|");
    let mut groups: BTreeMap<(&str, usize), Vec<&Row>> = BTreeMap::new();
    for row in rows {
        groups.entry((&row.rule, row.size)).or_default().push(row);
    }
    for ((rule, size), rows) in groups {
        let most = |of: &dyn Fn(&Row) -> f64| rows.iter().map(|row| of(row)).fold(0.0, f64::max);
        let slowest = rows.iter().max_by(|a, b| a.milliseconds.total_cmp(&b.milliseconds));
        let instructions = rows.iter().filter_map(|row| row.instructions_per_byte()).fold(0.0, f64::max);
        let instructions = if instructions > 0.0 { format!("{instructions:.0}") } else { String::new() };
        println!(
            "| `{rule}` | {} | {:.1} | {instructions} | {:.1} | {} |",
            size >> 10,
            most(&|row| row.milliseconds),
            most(&|row| row.per_byte(row.memory as f64)),
            slowest.map_or("", |row| row.review),
        );
    }
}

fn measure(input: &Input, size: usize, instructions: Option<u64>, snapshot: &Snapshot) -> Row {
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
    let verdict = match &verdict.denial {
        None => "allowed",
        Some(Denial::Forbidden) => "denied",
        Some(Denial::Undecidable(Undecidable::Exhausted, _)) => "exhausted",
        Some(Denial::Undecidable(..)) => "undecidable",
    };
    Row {
        rule: input.rule.split(',').next().unwrap_or_default().to_owned(),
        review: input.name,
        size,
        bytes: body.len(),
        milliseconds,
        instructions,
        work: spent.work,
        memory,
        verdict,
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

/// The instructions of each review of the smallest size, in order; `None`: there is no valgrind.
fn count() -> Option<Vec<u64>> {
    let version =
        Command::new("valgrind").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if !version.is_ok_and(|status| status.success()) {
        return None;
    }
    let this = env::current_exe().unwrap_or_else(|error| panic!("this program: {error}"));
    let folder = tempfile::tempdir().unwrap_or_else(|error| panic!("a folder: {error}"));
    let output = Command::new("valgrind")
        .arg("--tool=callgrind")
        // A file for each call: `out.1`, `out.2`, ...
        .arg(format!("--callgrind-out-file={}", folder.path().join("out").display()))
        .arg("--toggle-collect=*decide_under_callgrind*")
        // The whole name: valgrind finds none by a pattern here.
        .arg("--dump-after=hostile::decide_under_callgrind")
        .arg(this)
        .arg("--once")
        // glibc chooses its memcpy by the CPU: only the one that every x86-64 has is left.
        .env("GLIBC_TUNABLES", "glibc.cpu.hwcaps=-AVX2,-AVX512F,-AVX512VL,-ERMS,-FSRM,-SSSE3,-SSE4_2")
        .output()
        .unwrap_or_else(|error| panic!("valgrind: {error}"));
    assert!(output.status.success(), "valgrind: {}", String::from_utf8_lossy(&output.stderr));
    let of_call = |call: usize| {
        let file = folder.path().join(format!("out.{call}"));
        let text = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let total = text.lines().find_map(|line| line.strip_prefix("totals: "));
        let total = total.and_then(|total| total.trim().parse().ok()).filter(|total: &u64| *total > 0);
        total.unwrap_or_else(|| panic!("{}: counted nothing", file.display()))
    };
    Some((1..=inputs::all().len()).map(of_call).collect())
}
