//! Looks at the Leases of the replicas: that some live, lead, are of one version, and serve what is registered.

use std::collections::BTreeSet;

use serde_json::Value;

use super::deployment;
use super::finding::{Look, Outcome, some_of};
use super::seen::Lease;
use super::webhooks;
use crate::cluster::facts::Replica;
use crate::cluster::installation::{CONFIGURATIONS, LEADER};

/// What the check needs.
pub(super) struct Given<'g> {
    pub(super) leases: &'g Look<Vec<Lease>>,
    pub(super) deployment: &'g Look<Option<Value>>,
    pub(super) mutating: &'g Look<Option<Value>>,
    pub(super) validating: &'g Look<Option<Value>>,
    /// The namespace of partywall.
    pub(super) namespace: &'g str,
    /// The version of this program.
    pub(super) version: &'g str,
}

pub(super) fn check(given: &Given<'_>) -> Outcome {
    let Given { leases, deployment, mutating, validating, namespace, version } = given;
    let mut outcome = Outcome::default();
    let Some(leases) = outcome.look(leases) else { return outcome };
    let lease = |name: &str| format!("Lease {namespace}/{name}");
    let live: Vec<(&Lease, &Replica)> = alive(leases).collect();
    for dead in leases.iter().filter(|lease| !lease.is_live && lease.replica.is_some()) {
        let cause =
            "its replica does not renew it: it ended without a goodbye, or does not reach the API server";
        let cure = format!(
            "look at its pod's log; `kubectl -n {namespace} delete lease {}` if the pod is gone",
            dead.name
        );
        outcome.find(lease(&dead.name), cause, cure);
    }
    let wanted = outcome.look(deployment).and_then(Option::as_ref).and_then(deployment::wanted);
    if live.is_empty() {
        let cause = "no replica of partywall lives: no Lease of one is renewed";
        let cure = format!(
            "see `kubectl -n {namespace} get pods,events`; if partywall is in another namespace, name it: `--namespace`"
        );
        outcome.find(format!("Namespace {namespace}"), cause, cure);
        return outcome;
    }
    if let Some(wanted) = wanted.filter(|wanted| *wanted > live.len()) {
        let cause = format!("it wants {wanted} replicas, and {} live", live.len());
        let cure =
            format!("see `kubectl -n {namespace} get pods,events`, and the logs of those that are not ready");
        outcome.find(format!("Deployment {namespace}/{}", CONFIGURATIONS), cause, cure);
    }
    let versions: BTreeSet<&str> = live.iter().map(|(_, replica)| replica.version.as_str()).collect();
    if versions.len() > 1 {
        let cause = format!("its replicas are of several versions: {}", some_of(versions.iter().copied()));
        let cure = format!(
            "let the rollout end: `kubectl -n {namespace} rollout status deployment/{}`",
            CONFIGURATIONS
        );
        outcome.find(format!("Namespace {namespace}"), cause, cure);
    } else if let Some(other) = versions.first().filter(|other| **other != *version) {
        let cause = format!("its replicas are of version {other}, and this program is {version}");
        let cure = "ask the `partywall doctor` of that version, since what should be there may differ";
        outcome.find(format!("Namespace {namespace}"), cause, cure);
    }
    let registered: BTreeSet<&str> = [mutating, validating]
        .into_iter()
        .filter_map(|look| look.as_ref().ok().and_then(Option::as_ref))
        .flat_map(webhooks::entries)
        .map(webhooks::name)
        .collect();
    for (of, replica) in &live {
        let unserved = registered.iter().copied().filter(|name| !replica.entries.contains(*name));
        let unserved: Vec<&str> = unserved.collect();
        if !unserved.is_empty() {
            let cause = format!(
                "its replica, of version {}, does not serve {}, and the API server may ask it that",
                replica.version,
                some_of(unserved)
            );
            let cure = "replace the replica by one of the version that wrote the webhook configurations";
            outcome.find(lease(&of.name), cause, cure);
        }
    }
    if !leases.iter().any(|lease| lease.name == LEADER && lease.is_live) {
        let cause = "no replica leads, so nothing writes the status of objects";
        let cure =
            "this lasts seconds after a leader has ended; if it lasts longer, see the logs of the replicas";
        outcome.find(lease(LEADER), cause, cure);
    }
    outcome
}

/// Returns the replicas that live, with their Leases.
pub(super) fn alive(leases: &[Lease]) -> impl Iterator<Item = (&Lease, &Replica)> {
    leases.iter().filter(|lease| lease.is_live).filter_map(|lease| Some((lease, lease.replica.as_ref()?)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn replica(name: &str, version: &str, entries: &[&str], is_live: bool) -> Lease {
        let replica = Replica {
            name: name.to_owned(),
            version: version.to_owned(),
            entries: entries.iter().map(|&entry| entry.to_owned()).collect(),
            ..Replica::default()
        };
        Lease { name: format!("partywall-replica-{name}"), replica: Some(replica), is_live }
    }

    fn leader(is_live: bool) -> Lease {
        Lease { name: LEADER.to_owned(), replica: None, is_live }
    }

    fn found(leases: Vec<Lease>, wanted: u64) -> Vec<String> {
        let entries = json!({"webhooks": [{"name": "pods.partywall.dev"}]});
        let outcome = check(&Given {
            leases: &Ok(leases),
            deployment: &Ok(Some(json!({"spec": {"replicas": wanted}}))),
            mutating: &Ok(None),
            validating: &Ok(Some(entries)),
            namespace: "partywall-system",
            version: "1.0.0",
        });
        outcome.findings.into_iter().map(|finding| format!("{}: {}", finding.object, finding.cause)).collect()
    }

    const SERVED: &[&str] = &["pods.partywall.dev", "services.partywall.dev"];

    #[test]
    fn live_replicas_of_this_version_are_fine() {
        let leases =
            vec![replica("a", "1.0.0", SERVED, true), replica("b", "1.0.0", SERVED, true), leader(true)];
        assert_eq!(found(leases, 2), [""; 0]);
    }

    #[test]
    fn what_is_wrong_with_replicas_is_found() {
        let (good, lead) = (|name| replica(name, "1.0.0", SERVED, true), || leader(true));
        for (leases, says) in [
            (vec![], "Namespace partywall-system: no replica of partywall lives"),
            (
                vec![good("a"), lead()],
                "Deployment partywall-system/partywall: it wants 2 replicas, and 1 live",
            ),
            (
                vec![good("a"), good("b"), replica("c", "1.0.0", SERVED, false), lead()],
                "Lease partywall-system/partywall-replica-c: its replica does not renew it",
            ),
            (
                vec![good("a"), replica("b", "1.1.0", SERVED, true), lead()],
                "its replicas are of several versions: `1.0.0`, `1.1.0`",
            ),
            (
                vec![replica("a", "1.1.0", SERVED, true), replica("b", "1.1.0", SERVED, true), lead()],
                "its replicas are of version 1.1.0, and this program is 1.0.0",
            ),
            (
                vec![good("a"), replica("b", "1.0.0", &[], true), lead()],
                "Lease partywall-system/partywall-replica-b: its replica, of version 1.0.0, does not serve \
                 `pods.partywall.dev`",
            ),
            (
                vec![good("a"), good("b"), leader(false)],
                "Lease partywall-system/partywall-leader: no replica leads",
            ),
            (vec![good("a"), good("b")], "no replica leads"),
        ] {
            let found = found(leases, 2);
            assert_eq!(found.len(), 1, "{says}: {found:?}");
            assert!(found[0].contains(says), "{says}: {found:?}");
        }
    }
}
