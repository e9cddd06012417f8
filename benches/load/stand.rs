//! Holds what all measurements need: the servers, the reviews, the lengths of rounds, and the folder of results.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tempfile::TempDir;

use crate::client::{Message, Said};
use crate::found::Found;
use crate::keys::Authority;
use crate::pace::Pace;
use crate::payload::{self, Expect, POLICIES, Size};
use crate::placement::Placement;
use crate::progress::Progress;
use crate::rounds::{Brief, Repeat};
use crate::servers::{Kind, Server};

/// The lengths and the numbers of rounds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) name: &'static str,
    pub(crate) repeat: Repeat,
    /// Connections of the closed loops.
    pub(crate) connections: &'static [usize],
    /// For loads of which the p99 counts.
    pub(crate) brief: Brief,
    pub(crate) starts: usize,
    /// Connections that do nothing.
    pub(crate) idle: usize,
}

impl Plan {
    /// Less than a minute for everything.
    pub(crate) const QUICK: Self = Self {
        name: "quick",
        repeat: Repeat { warm_up: Duration::from_millis(150), round: Duration::from_millis(250), times: 1 },
        connections: &[16],
        brief: Brief { times: 4 },
        starts: 5,
        idle: 400,
    };

    /// About twelve minutes.
    pub(crate) const FULL: Self = Self {
        name: "full",
        repeat: Repeat { warm_up: Duration::from_secs(2), round: Duration::from_millis(1_500), times: 3 },
        connections: &[16, 64, 600],
        brief: Brief { times: 50 },
        starts: 21,
        idle: 1_000,
    };
}

/// The stand everything is measured on.
pub(crate) struct Stand {
    pub(crate) plan: Plan,
    pub(crate) placement: Placement,
    /// One of each kind, in their order.
    pub(crate) servers: Vec<Server>,
    pub(crate) progress: Progress,
    pub(crate) found: Found,
    messages: Vec<(Size, Expect, Arc<Message>)>,
    files: TempDir,
}

impl Stand {
    pub(crate) fn build(plan: Plan, placement: Placement, progress: Progress) -> anyhow::Result<Self> {
        let files = TempDir::new()?;
        let authority = Authority::new();
        authority.sign().write(files.path());
        std::fs::write(files.path().join("ca.crt"), &authority.pem)?;
        std::fs::copy(POLICIES, files.path().join("eks.yaml"))?;
        let found = Found::new(plan.name, placement)?;
        let messages = payload::all().map(|payload| {
            let uid = payload::uid_at(&payload.body);
            let message = Message::new(payload.entry, &payload.body, &uid, said(payload.expect));
            (payload.size, payload.expect, Arc::new(message))
        });
        let messages = messages.collect();
        let mut stand = Self { plan, placement, servers: Vec::new(), progress, found, messages, files };
        for kind in Kind::ALL {
            let server = stand.start(kind, &[])?;
            stand.servers.push(server);
        }
        Ok(stand)
    }

    /// Starts another server, with more policies than all have.
    pub(crate) fn start(&self, kind: Kind, more: &[&Path]) -> anyhow::Result<Server> {
        let policies = self.file("eks.yaml");
        let policies: Vec<_> = std::iter::once(policies.as_path()).chain(more.iter().copied()).collect();
        Server::start(kind, &policies, self.files.path(), self.placement)
    }

    /// Returns the path of a temporary file of this run.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.files.path().join(name)
    }

    pub(crate) fn server(&self, kind: Kind) -> anyhow::Result<&Server> {
        self.servers.iter().find(|server| server.kind == kind).context("there is one of each kind")
    }

    pub(crate) fn message(&self, size: Size, expect: Expect) -> anyhow::Result<Arc<Message>> {
        let found = self.messages.iter().find(|message| (message.0, message.1) == (size, expect));
        Ok(Arc::clone(&found.context("there is no such review")?.2))
    }

    /// A review of the same size about a pod of nobody's.
    pub(crate) fn unclaimed(&self) -> anyhow::Result<Arc<Message>> {
        self.altered(|body| body.replace("tenants-x", "tenants-z"), Said::Allowed)
    }

    /// A review of 18 MB, as six bytes for every `<` make it: more than is decided.
    pub(crate) fn oversize(&self) -> anyhow::Result<Arc<Message>> {
        let text = r"\u003c".repeat(3_000_000);
        self.altered(|body| body.replacen(r#""note":""#, &format!(r#""note":"{text}"#), 1), Said::Denied(413))
    }

    fn altered(&self, alter: impl FnOnce(String) -> String, expected: Said) -> anyhow::Result<Arc<Message>> {
        let median = payload::payload(Size::Median, Expect::Allow).context("there is a median review")?;
        let body = alter(String::from_utf8(median.body)?).into_bytes();
        Ok(Arc::new(Message::new(median.entry, &body, &payload::uid_at(&body), expected)))
    }

    /// Returns how a generator waits if it runs alone.
    pub(crate) fn pace(&self) -> anyhow::Result<Pace> {
        Ok(match self.placement {
            Placement::Pinned { .. } => Pace::Spinning,
            Placement::Anywhere => Pace::sleeping()?,
        })
    }
}

fn said(expect: Expect) -> Said {
    match expect {
        Expect::Allow => Said::Allowed,
        Expect::Deny => Said::Denied(403),
        Expect::Patch => Said::Patched,
    }
}
