//! The webhook configurations that follow from the policies.

use std::collections::BTreeSet;

use partywall_core::registration::{FailsClosed, Lists, OWN_OBJECTS, Registration, Server, names};
use partywall_core::tenancy::Snapshot;
use serde_json::Value;

use super::live::{Both, name, target};

/// The webhook configurations that follow from the policies, without bundles.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    /// Both configurations; before there are policies, with the webhook of partywall's own objects alone.
    pub(super) configurations: Both<Value>,
    /// Whether there are policies.
    pub(super) has_policies: bool,
    /// The names of all webhooks that this program serves.
    pub(super) names: BTreeSet<&'static str>,
    /// Where the API server finds this server.
    pub(super) target: Value,
}

impl Wanted {
    /// Returns what follows from a snapshot.
    pub(super) fn of(snapshot: Option<&Snapshot>, server: &Server) -> serde_json::Result<Self> {
        let server = server.clone();
        let registration = match snapshot {
            Some(snapshot) => {
                let lists = Some(Lists::of(snapshot));
                Registration { own_objects: true, lists, ..Registration::of(snapshot, server, None) }
            }
            None => Registration {
                server,
                ca_bundle: None,
                system_namespaces: Vec::new(),
                foreign_groups: Vec::new(),
                fails_closed: FailsClosed::ALL,
                workload_kinds: Vec::new(),
                own_objects: true,
                lists: None,
            },
        };
        let mut configurations = Both {
            mutating: serde_json::to_value(registration.mutating())?,
            validating: serde_json::to_value(registration.validating())?,
        };
        for phase in Both::<()>::PHASES {
            if let Some(Value::Array(webhooks)) = configurations.of_mut(phase).get_mut("webhooks") {
                webhooks.retain(|webhook| snapshot.is_some() || name(webhook) == OWN_OBJECTS);
            }
        }
        let first = configurations.validating.get("webhooks").and_then(|webhooks| webhooks.get(0));
        Ok(Self {
            target: first.and_then(target).unwrap_or_default(),
            configurations,
            has_policies: snapshot.is_some(),
            names: names().collect(),
        })
    }
}
