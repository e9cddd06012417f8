//! Measures the server before the first request: time to start, memory, space on disk.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, ensure};

use crate::client::Connection;
use crate::payload::{Expect, Size};
use crate::program::program;
use crate::rounds::count;
use crate::servers::{Kind, Server};
use crate::stand::Stand;
use crate::usage::Held;

/// Tenants of a large cluster, and how many namespaces each has.
const TENANTS: usize = 1_000;
const NAMESPACES: usize = 10;
/// The connections that three API servers keep open for one endpoint.
const KEPT: usize = 75;

/// From exec to the first answer.
pub(crate) async fn start(stand: &mut Stand) -> anyhow::Result<()> {
    for _ in 0..stand.plan.starts {
        for kind in Kind::ALL {
            stand.progress.say("starts");
            let (_, millis) = started(stand, kind, &[]).await?;
            stand.found.footprint.starts.entry(kind.name()).or_default().push(millis);
        }
    }
    Ok(())
}

async fn started(stand: &Stand, kind: Kind, more: &[&Path]) -> anyhow::Result<(Server, f64)> {
    let message = stand.message(Size::Median, Expect::Allow)?;
    let begun = Instant::now();
    let server = stand.start(kind, more)?;
    Connection::open(&server.target).await?.ask(&message, server.target.allows_all).await?;
    Ok((server, begun.elapsed().as_secs_f64() * 1e3))
}

/// Memory with the policies of a large cluster, and with connections that do nothing.
pub(crate) async fn memory(stand: &mut Stand) -> anyhow::Result<()> {
    stand.progress.say("memory");
    let policies = stand.file("large.yaml");
    std::fs::write(&policies, tenants(TENANTS))?;
    let (bare, _) = started(stand, Kind::Partywall, &[]).await?;
    stand.found.footprint.bare_mib = Some(Held::by(bare.pid)?.mib);
    drop(bare);
    let (server, millis) = started(stand, Kind::Partywall, &[&policies]).await?;
    let message = stand.message(Size::Median, Expect::Allow)?;
    let mut connections = Vec::new();
    let mut held = [0.0; 2];
    for (most, held) in [KEPT, stand.plan.idle].into_iter().zip(&mut held) {
        while connections.len() < most {
            let mut connection = Connection::open(&server.target).await?;
            connection.ask(&message, false).await?;
            connections.push(connection);
        }
        *held = Held::by(server.pid)?.mib;
    }
    let footprint = &mut stand.found.footprint;
    footprint.large_start = Some(millis);
    footprint.mib = Some(held[0]);
    let more = stand.plan.idle.saturating_sub(KEPT).max(1) as u64;
    footprint.kib_per_connection = Some((held[1] - held[0]) * 1024.0 / count(more));
    Ok(())
}

/// So many tenants with nodes and hosts of their own.
pub(crate) fn tenants(count: usize) -> String {
    let mut yaml = String::new();
    for tenant in 0..count {
        let namespaces: Vec<_> = (0..NAMESPACES).map(|index| format!("team-{tenant}-{index}")).collect();
        let namespaces = namespaces.join(", ");
        let written = write!(
            yaml,
            "---
apiVersion: partywall.dev/v1alpha1
kind: NodePool
metadata: {{name: team-{tenant}}}
spec:
  nodeSelector: {{node-restriction.kubernetes.io/team: team-{tenant}}}
  taints: [{{key: team, value: team-{tenant}, effect: NoSchedule}}]
---
apiVersion: partywall.dev/v1alpha1
kind: Tenant
metadata: {{name: team-{tenant}}}
spec:
  namespaces: [{namespaces}]
  nodePools: {{default: team-{tenant}}}
  domains: [team-{tenant}.example.org, \"*.team-{tenant}.example.org\"]
"
        );
        written.unwrap_or_else(|error| panic!("writing into memory: {error}"));
    }
    yaml
}

/// The program as it is shipped: without symbols.
pub(crate) fn binary(stand: &mut Stand) -> anyhow::Result<()> {
    let stripped = stand.file("partywall");
    let mut strip = Command::new("strip");
    strip.arg("-o").arg(&stripped).arg(program()?);
    let status = strip.status().context("`strip` is needed, of binutils")?;
    ensure!(status.success(), "strip: {status}");
    let bytes = std::fs::metadata(stripped)?.len();
    stand.found.footprint.binary_mib = Some(count(bytes) / f64::from(1 << 20));
    Ok(())
}
