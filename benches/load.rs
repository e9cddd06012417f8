//! Measures partywall end to end, beside the least that a webhook can be:
//! `cargo build --profile dist --features jemalloc`, and then `cargo bench -p partywall-benches --bench load`.
//!
//! Three servers, each in a process of its own: one that allows everything unread (null), one that reads it first
//! (decode), and partywall. They share listener, TLS and HTTP, so what partywall's rules cost is what is between them;
//! only ratios of one run are worth comparing. The generator behaves as an API server does, and holds every answer
//! against what it must be: a wrong answer fails the run, a missed goal doesn't.
//!
//! `-- --quick` takes less than a minute, `-- --soak 1h` looks for what grows, `-- --help` tells more. Tables go to
//! stdout, `results.json` and plots to `target/load`. As a test (`cargo test -p partywall-benches --bench load`) it
//! only looks whether answers are right.

#![expect(
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "a benchmark is a program of its own: it reads files and clocks, and prints"
)]

#[path = "load/client.rs"]
mod client;
#[path = "load/disturbances.rs"]
mod disturbances;
#[path = "load/footprint.rs"]
mod footprint;
#[path = "load/found.rs"]
mod found;
#[path = "load/generator.rs"]
mod generator;
#[path = "load/goals.rs"]
mod goals;
#[path = "../tests/wire/keys.rs"]
#[expect(clippy::unwrap_used, reason = "tests share it, which may panic")]
mod keys;
#[path = "load/neighbours.rs"]
mod neighbours;
#[path = "load/pace.rs"]
mod pace;
#[expect(dead_code, reason = "the other benchmarks need more of it")]
mod payload;
#[path = "load/placement.rs"]
mod placement;
#[path = "load/plots.rs"]
mod plots;
#[path = "load/pool.rs"]
mod pool;
#[path = "load/program.rs"]
mod program;
#[path = "load/progress.rs"]
mod progress;
#[path = "load/report.rs"]
mod report;
#[path = "load/rounds.rs"]
mod rounds;
#[path = "load/scenario.rs"]
mod scenario;
#[path = "load/servers.rs"]
mod servers;
#[path = "load/soak.rs"]
mod soak;
#[path = "load/stand.rs"]
mod stand;
#[path = "load/stats.rs"]
mod stats;
#[path = "load/table.rs"]
mod table;
#[path = "load/tally.rs"]
mod tally;
#[path = "load/usage.rs"]
mod usage;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::{Parser, ValueEnum};

use self::found::Found;
use self::placement::Placement;
use self::progress::Progress;
use self::stand::{Plan, Stand};
use self::usage::Held;

/// As partywall's own: the servers it is compared with are this program.
#[cfg(unix)]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Measures partywall end to end, against the least a webhook can be.
#[derive(Debug, Parser)]
#[command(name = "load")]
struct Args {
    /// Everything in short, in less than a minute.
    #[arg(long)]
    quick: bool,

    /// Instead of measuring: partywall under a mix of reviews, bursts and changes of its policies, for so long (90s,
    /// 30m, 1h), and what grows meanwhile.
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    soak: Option<Duration>,

    /// Let the system choose where everything runs, with a worker of the servers on each core. Without it, the servers
    /// have one core, and the generator another.
    #[arg(long)]
    unpinned: bool,

    /// Only these parts, and what they need.
    #[arg(long, value_name = "PART", value_delimiter = ',')]
    only: Vec<Part>,

    /// The flag that cargo passes to a benchmark.
    #[arg(long, hide = true)]
    bench: bool,
}

/// The measurements, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    /// The median review, as fast as answers come.
    Saturation,
    /// Other sizes, as fast as answers come.
    Sizes,
    /// Other verdicts, as fast as answers come.
    Verdicts,
    /// Latencies at random times.
    Open,
    /// Small reviews beside large ones.
    Mix,
    /// Reviews beside new connections.
    Storm,
    /// Reviews beside bodies of 18 MB, and what those get.
    Large,
    /// Reviews beside bodies that hardly come.
    Slow,
    /// Reviews beside those of a noisy namespace.
    Noise,
    /// Large bodies beside as many small ones as can be done.
    Starved,
    /// The time that a start takes.
    Start,
    /// Memory at rest.
    Memory,
    /// The program's size.
    Binary,
}

impl Part {
    /// Returns the measurements that must come before.
    fn needs(self) -> &'static [Self] {
        match self {
            Self::Saturation | Self::Sizes | Self::Verdicts => &[],
            Self::Starved | Self::Start | Self::Memory | Self::Binary => &[],
            Self::Open | Self::Mix | Self::Storm | Self::Large | Self::Slow | Self::Noise => {
                &[Self::Saturation]
            }
        }
    }

    async fn run(self, stand: &mut Stand) -> anyhow::Result<()> {
        match self {
            Self::Saturation => scenario::saturation(stand).await,
            Self::Sizes => scenario::sizes(stand).await,
            Self::Verdicts => scenario::verdicts(stand).await,
            Self::Open => scenario::open(stand).await,
            Self::Mix => neighbours::mix(stand).await,
            Self::Storm => neighbours::storm(stand).await,
            Self::Large => neighbours::large(stand).await,
            Self::Slow => neighbours::slow(stand).await,
            Self::Noise => neighbours::noise(stand).await,
            Self::Starved => neighbours::starved(stand).await,
            Self::Start => footprint::start(stand).await,
            Self::Memory => footprint::memory(stand).await,
            Self::Binary => footprint::binary(stand),
        }
    }
}

fn main() -> anyhow::Result<ExitCode> {
    if let Some(kind) = servers::role() {
        servers::be(kind)?;
        return Ok(ExitCode::SUCCESS);
    }
    // cargo says so only when it is to measure; as a test, the arguments are another harness's.
    let is_test = !std::env::args().any(|argument| argument == "--bench");
    let args = if is_test { Args::parse_from(["load", "--unpinned"]) } else { Args::parse() };
    // Few tasks before the kernel is asked what has arrived: an answer must not wait for a clock that is looked at.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().event_interval(4).build()?;
    runtime.block_on(async {
        match args.soak {
            _ if is_test => smoke(&args).await,
            Some(lasting) => soak(&args, lasting).await,
            None => measure(&args).await,
        }
    })
}

fn stand(args: &Args, parts: usize) -> anyhow::Result<Stand> {
    let plan = if args.quick { Plan::QUICK } else { Plan::FULL };
    Stand::build(plan, Placement::choose(!args.unpinned)?, Progress::new(parts))
}

async fn measure(args: &Args) -> anyhow::Result<ExitCode> {
    let begun = Instant::now();
    let wanted = |part: &Part| args.only.is_empty() || args.only.contains(part);
    let all = Part::value_variants();
    let needed = |part: &Part| all.iter().any(|other| wanted(other) && other.needs().contains(part));
    let parts: Vec<_> = all.iter().filter(|part| wanted(part) || needed(part)).collect();
    let mut stand = stand(args, parts.len())?;
    for part in parts {
        part.run(&mut stand).await?;
        stand.progress.done();
    }
    for server in &stand.servers {
        stand.found.footprint.after.insert(server.kind.name(), Held::by(server.pid)?);
    }
    stand.progress.finish();
    let folder = folder()?;
    let goals = goals::goals(&stand.found);
    report::print(&stand.found, &goals);
    report::write(&stand.found, &goals, &folder)?;
    plots::draw(&stand.found, &folder)?;
    println!("\n{:.0} s; results and plots are in {}", begun.elapsed().as_secs_f64(), folder.display());
    Ok(outcome(&stand.found))
}

async fn soak(args: &Args, lasting: Duration) -> anyhow::Result<ExitCode> {
    // It only has to know roughly what can be done.
    let args = Args { quick: true, unpinned: args.unpinned, only: Vec::new(), soak: None, bench: true };
    soak::soak(stand(&args, 1)?, lasting, &folder()?).await
}

/// Returns the folder of the results.
fn folder() -> anyhow::Result<PathBuf> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("load");
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}

fn outcome(found: &Found) -> ExitCode {
    if found.failures().is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Checks only that the answers are right.
async fn smoke(args: &Args) -> anyhow::Result<ExitCode> {
    let stand = stand(args, 1)?;
    let mut failed = 0;
    for server in &stand.servers {
        let tally = scenario::smoke(server, &stand).await?;
        println!("{}: {} right answers", server.kind.name(), tally.latencies.len());
        for (failure, count) in &tally.failures {
            println!("{}: {count} x {failure}", server.kind.name());
        }
        failed += tally.failed();
    }
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A number and its unit: s, m or h.
fn duration(text: &str) -> Result<Duration, String> {
    let (number, unit) = text.split_at(text.len().saturating_sub(1));
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        _ => return Err("a number and s, m or h, like 90s".to_owned()),
    };
    number.parse().map(|number: u64| Duration::from_secs(number * seconds)).map_err(|error| error.to_string())
}
