//! Measures partywall beside a peer: Gatekeeper, with policies of the same meaning, on the same control plane.
//! `make compare` builds what this needs and runs it.
//!
//! Each side is measured alone: the other's process is stopped, and only its own webhooks are registered. The API
//! server without any webhook is measured too. The three take turns, there and back again. The servers directly get the
//! reviews that all benchmarks share. The API server gets pods, and the attacks of [`attacks`]. Tables go to stdout.
//! `-- --quick` only checks that everything works.

#![expect(
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark is a program of its own: it reads files and clocks, prints, and fails by panicking"
)]

mod api;
mod attacks;
#[path = "../load/client.rs"]
#[expect(dead_code, reason = "`load` needs more of it")]
mod client;
#[path = "../../tests/e2e/control_plane.rs"]
#[expect(dead_code, reason = "the end-to-end suite needs more of it")]
mod control_plane;
mod direct;
#[path = "../../tests/e2e/eventually.rs"]
#[expect(dead_code, reason = "the end-to-end suite needs more of it")]
mod eventually;
mod gatekeeper;
#[path = "../../tests/e2e/http.rs"]
mod http;
#[path = "../../tests/e2e/kinds.rs"]
mod kinds;
#[path = "../../tests/e2e/nodes.rs"]
mod nodes;
mod partywall;
#[path = "../payload.rs"]
#[expect(dead_code, reason = "the other benchmarks need more of it")]
mod payload;
#[path = "../../tests/e2e/ports.rs"]
mod ports;
#[path = "../../tests/e2e/process.rs"]
#[expect(dead_code, reason = "the end-to-end suite needs more of it")]
mod process;
#[path = "../load/program.rs"]
mod program;
mod report;
mod side;
mod stand;
#[path = "../load/stats.rs"]
#[expect(dead_code, reason = "`load` needs more of it")]
mod stats;
#[path = "../load/tally.rs"]
#[expect(dead_code, reason = "`load` needs more of it")]
mod tally;
mod through;
#[path = "../load/usage.rs"]
#[expect(dead_code, reason = "`load` needs more of it")]
mod usage;
#[path = "../../tests/e2e/users.rs"]
mod users;

use std::time::{Duration, Instant};

use anyhow::ensure;
use clap::Parser;

use self::report::Found;
use self::side::Side;
use self::stand::Stand;

/// Measures partywall beside Gatekeeper.
#[derive(Debug, Parser)]
#[command(name = "compare")]
struct Args {
    /// Short rounds, which only check that everything works.
    #[arg(long)]
    quick: bool,

    /// The flag that cargo passes to a benchmark.
    #[arg(long, hide = true)]
    bench: bool,
}

/// The lengths and the numbers of rounds.
#[derive(Clone, Copy)]
pub(crate) struct Plan {
    /// How often the sides take turns, there and back again.
    turns: usize,
    pub(crate) warm_up: Duration,
    /// How long reviews are sent to a server directly, of each kind.
    pub(crate) direct: Duration,
    /// How long pods are created as fast as they are answered.
    pub(crate) closed: Duration,
    /// How long pods are created at a steady rate.
    pub(crate) paced: Duration,
}

const FULL: Plan = Plan {
    turns: 2,
    warm_up: Duration::from_secs(1),
    direct: Duration::from_secs(3),
    closed: Duration::from_secs(6),
    paced: Duration::from_secs(15),
};

const QUICK: Plan = Plan {
    turns: 1,
    warm_up: Duration::from_millis(300),
    direct: Duration::from_millis(500),
    closed: Duration::from_millis(500),
    paced: Duration::from_secs(1),
};

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let (plan, begun) = (if args.quick { QUICK } else { FULL }, Instant::now());
    let stand = Stand::build()?;
    let mut found = Found::new(&stand)?;
    for side in Side::ALL {
        say(&format!("{side}: attacks and harmless objects"));
        let session = stand.session(side)?;
        found.judged(side, attacks::perform_all(&stand, side)?);
        session.end();
    }
    for turn in 1..=plan.turns {
        let back = Side::ALL.into_iter().rev();
        for side in Side::ALL.into_iter().chain(back) {
            say(&format!("{side}: load, turn {turn} of {}", plan.turns));
            let session = stand.session(side)?;
            found.through(side, through::measure(&stand, session.server(), plan)?);
            if let Some(server) = session.server() {
                found.direct(side, direct::measure(&stand, side, server, plan)?);
                found.held(side, usage::Held::by(server.pid)?);
            }
            session.end();
        }
    }
    found.print(begun.elapsed())?;
    stand.stop();
    ensure!(!found.is_harm_done(), "partywall let an attack through or denied a harmless object");
    Ok(())
}

/// Says what comes next.
pub(crate) fn say(what: &str) {
    eprintln!("... {what}");
}
