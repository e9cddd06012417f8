//! A Lease, as it is read and written.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::cluster::installation::{LEADER, REPLICA_PREFIX};

/// How long a Lease holds without being renewed, in seconds.
pub(super) const SECONDS: i32 = 15;
/// The longest time that a Lease of somebody else can hold without being renewed, whatever it says.
const MOST_SECONDS: u64 = 60;

/// A Lease of `coordination.k8s.io`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) struct Lease {
    pub(crate) metadata: Metadata,
    #[serde(default)]
    pub(crate) spec: Spec,
}

/// The metadata of a Lease.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Metadata {
    pub(crate) name: String,
    #[serde(default, skip_serializing)]
    pub(crate) uid: String,
    /// Empty in a Lease that is to be created.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) resource_version: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) labels: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) annotations: BTreeMap<String, String>,
}

/// The spec of a Lease; times are as the API server writes them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Spec {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) holder_identity: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) lease_duration_seconds: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) acquire_time: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) renew_time: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) lease_transitions: Option<i32>,
}

impl Lease {
    /// Returns the one who holds it.
    pub(crate) fn holder(&self) -> Option<&str> {
        self.spec.holder_identity.as_deref().filter(|holder| !holder.is_empty())
    }

    /// Returns whether it is a replica's, or that of the leader.
    pub(crate) fn is_partywalls(&self) -> bool {
        let name = &self.metadata.name;
        name == LEADER || name.starts_with(REPLICA_PREFIX)
    }

    /// Returns how long it holds without being renewed.
    pub(crate) fn duration(&self) -> Duration {
        let seconds = self.spec.lease_duration_seconds.unwrap_or(SECONDS);
        Duration::from_secs(u64::try_from(seconds).unwrap_or(0).clamp(1, MOST_SECONDS))
    }

    /// Returns what changes whenever its holder renews it.
    pub(crate) fn tenure(&self) -> (Option<&str>, Option<&str>) {
        (self.holder(), self.spec.renew_time.as_deref())
    }

    /// Returns the Lease that `holder` creates, or by which it renews or takes over the one that was seen.
    pub(super) fn held_by(holder: &str, name: &str, seen: Option<&Self>, now: Timestamp) -> Self {
        let now = micro_time(now);
        let mut metadata = Metadata {
            name: name.to_owned(),
            labels: [("app.kubernetes.io/name".to_owned(), "partywall".to_owned())].into(),
            ..Metadata::default()
        };
        let mut spec = Spec {
            holder_identity: Some(holder.to_owned()),
            lease_duration_seconds: Some(SECONDS),
            acquire_time: Some(now.clone()),
            renew_time: Some(now),
            lease_transitions: Some(0),
        };
        if let Some(seen) = seen {
            metadata.resource_version.clone_from(&seen.metadata.resource_version);
            let transitions = seen.spec.lease_transitions.unwrap_or(0).max(0);
            if seen.holder() == Some(holder) {
                spec.acquire_time.clone_from(&seen.spec.acquire_time);
                spec.lease_transitions = Some(transitions);
            } else {
                spec.lease_transitions = Some(transitions.saturating_add(1));
            }
        }
        Self { metadata, spec }
    }

    /// Returns the same Lease without a holder.
    pub(super) fn released(&self, now: Timestamp) -> Self {
        let mut released = Self::held_by("", &self.metadata.name, Some(self), now);
        released.spec.holder_identity = None;
        released.spec.acquire_time = None;
        released.spec.lease_transitions = self.spec.lease_transitions;
        released
    }
}

/// Returns a time with exactly six digits after the point, as the API server demands it.
fn micro_time(time: Timestamp) -> String {
    format!("{time:.6}")
}

#[cfg(test)]
mod tests {
    use serde_json::{json, to_value};

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_lease_is_written_as_the_api_server_reads_it() {
        let mut lease = Lease::held_by("a_1", "partywall-leader", None, at(0));
        assert_eq!(
            to_value(&lease).unwrap(),
            json!({
                "metadata": {"name": "partywall-leader", "labels": {"app.kubernetes.io/name": "partywall"}},
                "spec": {
                    "holderIdentity": "a_1",
                    "leaseDurationSeconds": 15,
                    "acquireTime": "1970-01-01T00:00:00.000000Z",
                    "renewTime": "1970-01-01T00:00:00.000000Z",
                    "leaseTransitions": 0,
                },
            })
        );
        lease.metadata.resource_version = "7".to_owned();
        let renewed = Lease::held_by("a_1", "partywall-leader", Some(&lease), at(5));
        assert_eq!(renewed.metadata.resource_version, "7");
        assert_eq!(renewed.spec.acquire_time, lease.spec.acquire_time);
        assert_eq!(renewed.spec.renew_time.as_deref(), Some("1970-01-01T00:00:05.000000Z"));
        assert_eq!(renewed.spec.lease_transitions, Some(0));
        let taken = Lease::held_by("b_2", "partywall-leader", Some(&lease), at(5));
        assert_eq!(taken.spec.acquire_time.as_deref(), Some("1970-01-01T00:00:05.000000Z"));
        assert_eq!(taken.spec.lease_transitions, Some(1));
        let released = lease.released(at(6));
        assert_eq!(released.holder(), None);
        assert!(!to_value(&released).unwrap()["spec"].as_object().unwrap().contains_key("holderIdentity"));
        assert_eq!(released.metadata.resource_version, "7");
    }

    #[test]
    fn a_duration_is_never_longer_than_a_minute_whatever_somebody_wrote() {
        let of = |seconds| {
            let spec = Spec { lease_duration_seconds: seconds, ..Spec::default() };
            Lease { spec, ..Lease::default() }.duration().as_secs()
        };
        let seconds = [None, Some(15), Some(0), Some(-1), Some(i32::MAX)];
        assert_eq!(seconds.map(of), [15, 15, 1, 1, 60]);
    }
}
