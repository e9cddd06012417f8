//! Measures the cost of growth: a decision and a snapshot, from one tenant to 100,000, and so on for all that a cluster
//! has many of.
//!
//! Prints a table for each [`Axis`], and writes `target/scale/scale.json` and curves as SVG beside it. Instructions
//! are counted by this program itself under valgrind, once for each size; they decide: from the smallest size to any
//! other they may grow by 10 %, else the program fails. Times are there to be looked at.
//!
//! `cargo bench -p partywall-benches --bench scale -- --quick` leaves out the large sizes. Exit codes: 1, something
//! grew; 2, there is no valgrind, so nobody knows.

#![expect(
    clippy::cast_precision_loss,
    clippy::disallowed_methods,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "a benchmark prints, measures time, and has nobody to tell of an error"
)]

mod chart;
mod cluster;
mod measure;
#[path = "../payload.rs"]
mod payload;
mod progress;

use std::io;
use std::path::Path;
use std::process::ExitCode;

use clap::Parser;
use serde::Serialize;

use self::cluster::Axis;
use self::measure::Point;
use self::progress::Progress;

/// The factor by which the instructions of a decision may grow, from the smallest size to any other.
const MAY_GROW: f64 = 1.10;

#[derive(Parser)]
#[command(about = "What growth costs")]
struct Args {
    /// Leave out the large sizes.
    #[arg(long)]
    quick: bool,
    /// Decide once at this size of that axis, and nothing else: for counting instructions.
    #[arg(long, num_args = 2, value_names = ["AXIS", "SIZE"], hide = true)]
    once: Option<Vec<String>>,
    /// The flag that cargo passes to every benchmark.
    #[arg(long, hide = true)]
    bench: bool,
}

/// All sizes of an axis.
#[derive(Serialize)]
pub(crate) struct Curve {
    axis: Axis,
    points: Vec<Point>,
    /// Instructions at the worst size, to the smallest's; `None`: not counted.
    growth: Option<f64>,
    bytes_per_unit: f64,
}

fn main() -> ExitCode {
    let args = Args::parse();
    if let Some([axis, size]) = args.once.as_deref() {
        measure::once(axis, size);
        return ExitCode::SUCCESS;
    }
    payload::verify(&payload::snapshot());
    let has_valgrind = measure::has_valgrind();
    let curves = measure_all(args.quick, has_valgrind);
    for curve in &curves {
        print(curve);
    }
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("scale");
    write(&folder, &curves).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    println!("written: {}", folder.display());
    judge(&curves, has_valgrind)
}

fn measure_all(quick: bool, has_valgrind: bool) -> Vec<Curve> {
    let mut progress = Progress::new(Axis::ALL.iter().map(|axis| axis.sizes(quick).len()).sum());
    let curves = Axis::ALL.into_iter().map(|axis| {
        let mut points = Vec::new();
        for size in axis.sizes(quick) {
            progress.begins(&format!("{size} {}", axis.name()));
            points.push(measure::point(axis, size, has_valgrind));
        }
        Curve::new(axis, points)
    });
    let curves = curves.collect();
    progress.finish();
    curves
}

impl Curve {
    fn new(axis: Axis, points: Vec<Point>) -> Self {
        let counted = |point: &Point| point.instructions.map(|instructions| instructions as f64);
        let smallest = points.first().and_then(counted);
        let worst = points.iter().filter_map(counted).reduce(f64::max);
        let growth = smallest.zip(worst).map(|(smallest, worst)| worst / smallest);
        let bytes_per_unit = match (points.first(), points.last()) {
            (Some(first), Some(last)) if last.size > first.size => {
                last.snapshot_bytes.saturating_sub(first.snapshot_bytes) as f64
                    / (last.size - first.size) as f64
            }
            _ => 0.0,
        };
        Self { axis, points, growth, bytes_per_unit }
    }
}

fn print(curve: &Curve) {
    let axis = curve.axis;
    println!("\n{}: {}", axis.name(), axis.about());
    println!(
        "{:>10} {:>14} {:>12} {:>16} {:>12}",
        "size", "instructions", "ns/decision", "snapshot bytes", "build ms"
    );
    for point in &curve.points {
        let instructions = point.instructions.map_or("-".to_owned(), |count| count.to_string());
        println!(
            "{:>10} {:>14} {:>12.0} {:>16} {:>12.2}",
            point.size, instructions, point.nanoseconds, point.snapshot_bytes, point.build_milliseconds
        );
    }
    let growth = curve.growth.map_or("not checked".to_owned(), |growth| format!("{growth:.3} times"));
    println!("growth of instructions: {growth}; {:.0} bytes a {}", curve.bytes_per_unit, axis.unit());
}

fn write(folder: &Path, curves: &[Curve]) -> Result<(), Box<dyn std::error::Error>> {
    std::fs::create_dir_all(folder)?;
    std::fs::write(folder.join("scale.json"), serde_json::to_vec_pretty(curves).map_err(io::Error::from)?)?;
    chart::instructions(&folder.join("instructions.svg"), curves)?;
    chart::time(&folder.join("time.svg"), curves)?;
    chart::bytes(&folder.join("bytes.svg"), curves)
}

fn judge(curves: &[Curve], has_valgrind: bool) -> ExitCode {
    let mut failed = false;
    for curve in curves {
        let name = curve.axis.name();
        if let Some(growth) = curve.growth.filter(|growth| *growth > MAY_GROW) {
            failed = true;
            eprintln!(
                "{name}: a decision takes {growth:.3} times the instructions, {MAY_GROW} times are allowed"
            );
        }
        if let Some(limit) = curve.axis.bytes_allowed().filter(|limit| curve.bytes_per_unit > *limit) {
            failed = true;
            let unit = curve.axis.unit();
            eprintln!("{name}: {:.0} bytes a {unit}, {limit} are allowed", curve.bytes_per_unit);
        }
    }
    match (failed, has_valgrind) {
        (true, _) => ExitCode::from(1),
        (false, false) => {
            eprintln!("growth of instructions: not checked: valgrind is missing");
            ExitCode::from(2)
        }
        (false, true) => ExitCode::SUCCESS,
    }
}
