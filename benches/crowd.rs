//! Floods the server with connections that hold what others need, and measures honest clients beside it:
//! `cargo build --profile dist --features jemalloc`, and then
//! `cargo bench -p partywall-benches --bench crowd -- --seconds 60`, which is `make siege-server`.
//!
//! There are two servers. An honest client always asks the first one; the flood is against the second, and then against
//! the first. So both times the machine is equally busy, and the difference is what the flood does to the server. Every
//! flood is a process of its own that opens a connection again when it is closed. All traffic is on the loopback
//! interface.
//!
//! It fails if an honest connection is refused or closed, or an answer is wrong. As a test it floods for a second.

#![expect(
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "a benchmark is a program of its own: it reads files and clocks, and prints"
)]

#[path = "load/client.rs"]
#[expect(dead_code, reason = "`load` needs more of it")]
mod client;
#[path = "crowd/flood.rs"]
mod flood;
#[path = "crowd/honest.rs"]
mod honest;
#[path = "../tests/wire/keys.rs"]
#[expect(clippy::unwrap_used, reason = "tests share it, which may panic")]
mod keys;
#[expect(dead_code, reason = "the other benchmarks need more of it")]
mod payload;
#[path = "load/placement.rs"]
#[expect(dead_code, reason = "`load` needs more of it")]
mod placement;
#[path = "load/program.rs"]
mod program;
#[path = "load/servers.rs"]
#[expect(dead_code, reason = "`load` needs more of it")]
mod servers;
#[path = "load/usage.rs"]
#[expect(dead_code, reason = "`load` needs more of it")]
mod usage;

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use tempfile::TempDir;
use tokio::time::sleep;

use self::flood::{Flood, From, Kind};
use self::honest::Honest;
use self::placement::Placement;
use self::servers::Server;
use self::usage::Held;

/// How long memory may take to be given back.
const AFTERWARDS: Duration = Duration::from_secs(30);

/// Floods the server with connections that hold what others need.
#[derive(Debug, Parser)]
#[command(name = "crowd")]
struct Args {
    /// How long each flood lasts.
    #[arg(long, default_value_t = 60)]
    seconds: u64,

    /// How many connections a flood keeps open.
    #[arg(long, default_value_t = 10_000)]
    connections: usize,

    /// Only these floods.
    #[arg(long, value_name = "FLOOD", value_delimiter = ',')]
    only: Vec<Kind>,

    /// The flag that cargo passes to each benchmark.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> anyhow::Result<ExitCode> {
    if let Some(kind) = servers::role() {
        servers::be(kind)?;
        return Ok(ExitCode::SUCCESS);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    if let Some(flood) = flood::role()? {
        runtime.block_on(flood.run());
        return Ok(ExitCode::SUCCESS);
    }
    // cargo says so only when it is to measure; as a test, the arguments are another harness's.
    let is_test = !std::env::args().any(|argument| argument == "--bench");
    let few = ["crowd", "--seconds", "1", "--connections", "200"];
    let args = if is_test { Args::parse_from(few) } else { Args::parse() };
    runtime.block_on(siege(&args, if is_test { Duration::ZERO } else { AFTERWARDS }))
}

async fn siege(args: &Args, afterwards: Duration) -> anyhow::Result<ExitCode> {
    let lasting = Duration::from_secs(args.seconds);
    let folder = TempDir::new()?;
    let authority = keys::Authority::new();
    authority.sign().write(folder.path());
    std::fs::write(folder.path().join("ca.crt"), &authority.pem)?;
    let placement = Placement::choose(false)?;
    let policies = [Path::new(payload::POLICIES)];
    let start = || Server::start(servers::Kind::Partywall, &policies, folder.path(), placement);
    println!(
        "| flood | from | against | p50 | p99 | new p50 | new p99 | reviews | new | failed | before | during | after |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|---|---|");
    let mut failed = 0;
    for kind in Kind::ALL.into_iter().filter(|kind| args.only.is_empty() || args.only.contains(kind)) {
        for from in [From::Others, From::Same] {
            for against in ["nobody", "another", "this"] {
                // Each gets servers of its own, since memory is measured.
                let (this, another) = (start()?, start()?);
                let honest = Honest::open(&this.target).await?;
                let before = Held::by(this.pid)?.mib;
                let target = if against == "this" { &this } else { &another };
                let count = if against == "nobody" { 0 } else { args.connections };
                let flood = Flood { kind, from, count, address: target.target.address };
                let flood = flood.start(&authority.pem)?;
                let found = honest.ask(lasting, || Held::by(this.pid).map(|held| held.mib)).await?;
                drop(flood);
                sleep(if against == "this" { afterwards } else { Duration::ZERO }).await;
                let after = Held::by(this.pid)?.mib;
                println!(
                    "| {} | {} | {against} | {found} | {before:.1} | {:.1} | {after:.1} |",
                    kind.name(),
                    from.name(),
                    found.most_mib,
                );
                for (failure, count) in &found.failures {
                    eprintln!("{count} x {failure}");
                    failed += count;
                }
            }
        }
    }
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
