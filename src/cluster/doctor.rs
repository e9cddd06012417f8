//! `partywall doctor`: checks a live installation, and says of each thing that is wrong why, and what to do.
//!
//! ```text
//! API server → reading (the one part that asks) → seen → checks (functions, a file each) → outcomes
//! ```
//!
//! INVARIANT: what the user may not read is told as not looked at, and never counts as fine.

mod certificates;
mod daemon_sets;
mod definitions;
mod deployment;
mod entries;
mod exemptions;
mod finding;
mod namespaces;
mod node_labels;
mod nodes;
mod objects;
mod pods;
mod policies;
mod reading;
mod registration;
mod replicas;
mod seen;
mod webhooks;

use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::{Map, Value};

use self::entries::Asked;
#[cfg(test)]
pub(crate) use self::finding::Outcome;
pub(crate) use self::finding::{Check, Checked, Finding, NotLookedAt};
use self::reading::Reading;
use self::seen::Seen;
use super::api_server::{ApiServer, Unreachable};

/// What is examined, and by which clock.
pub(crate) struct Examination {
    /// The namespace of partywall.
    pub(crate) namespace: String,
    /// The fields of the file with default Settings that the replicas have; `None` if none was named.
    pub(crate) defaults: Option<Map<String, Value>>,
    pub(crate) today: Date,
    pub(crate) now: fn() -> Timestamp,
    /// Letters and digits that no earlier request had.
    pub(crate) nonce: String,
}

impl Examination {
    /// Reads the cluster, and runs all checks. `tell` hears what is read.
    pub(crate) async fn run(
        self,
        api: &ApiServer,
        tell: &mut (dyn FnMut(&str) + Send),
    ) -> Result<Vec<Checked>, Unreachable> {
        let Self { namespace, defaults, today, now, nonce } = self;
        let has_defaults = defaults.is_some();
        let reading = Reading { api, namespace, defaults: defaults.unwrap_or_default(), today, now };
        let seen = reading.read(tell).await?;
        tell("what the API server asks partywall");
        let asked = reading::ask(api, &seen, &nonce).await?;
        Ok(checks(&seen, &asked, has_defaults, now().as_second()))
    }
}

/// Runs all checks, in the order in which one thing explains the next.
fn checks(seen: &Seen, asked: &[Asked], has_defaults: bool, now: i64) -> Vec<Checked> {
    let Seen { namespace, mutating, validating, definitions, policies, .. } = seen;
    let Seen { namespaces, nodes, pods, daemon_sets, leases, has_secret, deployment, .. } = seen;
    let version = env!("CARGO_PKG_VERSION");
    let registration = registration::Given { mutating, validating, policies, namespace, version };
    let certificates =
        certificates::Given { mutating, validating, leases, has_secret, deployment, namespace, now };
    let replicas = replicas::Given { leases, deployment, mutating, validating, namespace, version };
    let outcomes = [
        (Check::Definitions, definitions::check(definitions)),
        (Check::Objects, objects::check(policies, deployment, has_defaults)),
        (Check::Replicas, replicas::check(&replicas)),
        (Check::Registration, registration::check(&registration)),
        (Check::Certificates, certificates::check(&certificates)),
        (Check::Entries, entries::check(policies, namespaces, asked)),
        (Check::Namespaces, namespaces::check(policies, namespaces)),
        (Check::Nodes, nodes::check(policies, nodes)),
        (Check::NodeLabels, node_labels::check(policies)),
        (Check::Exemptions, exemptions::check(policies)),
        (Check::Pods, pods::check(policies, namespaces, nodes, pods)),
        (Check::DaemonSets, daemon_sets::check(policies, namespaces, daemon_sets)),
    ];
    outcomes.map(|(check, outcome)| Checked { check, outcome }).into()
}
