//! Lists the webhooks: their names, the requests that they receive, and their failure policies.

use std::borrow::Cow;

use super::conditions::Condition;
use crate::api::GROUP;
use crate::entry::Entry;
use crate::judging::trusted_users::MASTERS;
use crate::objects::kinds::{KINDS, Shape, Topic};
use crate::rules::{ENDPOINT_CONTROLLERS, NAMESPACE_CONTROLLERS, SCHEDULER, VOLUME_CONTROLLERS};

/// Selects the namespaces whose objects a webhook receives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Namespaces {
    /// The namespaces with the label [`crate::labels::TENANT`], except system namespaces.
    Tenants,
    /// The namespaces that a tenant lists and that don't have the label yet, except system namespaces.
    Listed,
    /// The namespaces without the label, except system namespaces; there partywall protects only tenants' pools.
    Elsewhere,
    /// All namespaces except the system's.
    All,
    /// The webhook receives the Namespace objects themselves, independent of their labels.
    Themselves,
    /// The webhook receives the Namespace objects that tenants list, and when it validates, those of the system too.
    ThemselvesNamed,
}

impl Namespaces {
    /// Returns whether the webhook receives objects outside of namespaces.
    pub(super) const fn is_cluster_scoped(self) -> bool {
        matches!(self, Self::Themselves | Self::ThemselvesNamed)
    }
}

/// Says which configurations have a webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Where {
    /// All.
    Always,
    /// Those with lists of what the policies name.
    WithLists,
    /// Those without.
    WithoutLists,
}

/// Names the API server's action when a webhook does not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FailurePolicy {
    /// The API server refuses the request.
    Fail,
    /// The API server accepts the request.
    Ignore,
}

impl FailurePolicy {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Fail => "Fail",
            Self::Ignore => "Ignore",
        }
    }
}

/// Describes one webhook.
#[derive(Clone, Copy, Debug)]
pub(super) struct Webhook {
    pub(super) name: &'static str,
    pub(super) entry: Entry,
    pub(super) namespaces: Namespaces,
    pub(super) registered: Where,
    pub(super) failure_policy: FailurePolicy,
    /// The conditions that a request must meet to be sent, all of them.
    pub(super) conditions: &'static [Condition],
    pub(super) sends: Sends,
}

/// Selects the requests that a webhook receives.
#[derive(Clone, Copy, Debug)]
pub(super) enum Sends {
    /// All that the webhooks of the same entry receive that fail closed in namespaces with the label.
    AsLabelled,
    /// The operations on all kinds of a topic.
    ///
    /// For subresources of the topic, the table of kinds has the operation.
    All(Topic, &'static [&'static str]),
    /// The operations on one resource, which its group and name identify.
    One(&'static str, &'static str, &'static [&'static str]),
    /// All that is written of partywall's own objects, and the deletion of NodePools, which Tenants may name.
    OwnObjects,
}

/// Holds a resource such as `pods`, or a subresource such as `pods/status`, and the operations on it.
///
/// The spelling must be the API server's: a webhook rule with another spelling matches nothing, without an error.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Resource {
    pub(super) group: &'static str,
    pub(super) name: Cow<'static, str>,
    pub(super) operations: &'static [&'static str],
}

impl Webhook {
    /// Returns the resources that the webhook receives, in the order of the table of kinds.
    pub(super) fn resources(&self) -> Vec<Resource> {
        let (topic, operations) = match self.sends {
            Sends::AsLabelled => {
                let is_same = |webhook: &&Self| {
                    webhook.entry == self.entry
                        && webhook.namespaces == Namespaces::Tenants
                        && webhook.failure_policy == self.failure_policy
                };
                return WEBHOOKS.iter().filter(is_same).flat_map(Self::resources).collect();
            }
            Sends::All(topic, operations) => (topic, operations),
            Sends::One(group, name, operations) => {
                return vec![Resource { group, name: Cow::Borrowed(name), operations }];
            }
            Sends::OwnObjects => {
                let own = |name, operations| Resource { group: GROUP, name: Cow::Borrowed(name), operations };
                return vec![own("*", WRITE), own("nodepools", DELETE)];
            }
        };
        let mut resources = Vec::new();
        for (group, row) in KINDS.iter().flat_map(|row| row.groups.iter().map(move |group| (*group, row))) {
            // The API server sends all kinds of these groups, including kinds unknown to this table.
            let is_whole = Shape::is_in_gateway_api(group);
            let name = if is_whole { "*" } else { row.plural };
            let own = Resource { group, name: Cow::Borrowed(name), operations };
            if row.topic == topic && !(is_whole && resources.contains(&own)) {
                resources.push(own);
            }
            for subresource in row.subresources.iter().filter(|subresource| subresource.topic == topic) {
                let operations = if subresource.operation == "CREATE" { CREATE } else { UPDATE };
                let name = Cow::Owned(format!("{}/{}", row.plural, subresource.name));
                resources.push(Resource { group, name, operations });
            }
        }
        resources
    }
}

pub(super) const CREATE: &[&str] = &["CREATE"];
pub(super) const UPDATE: &[&str] = &["UPDATE"];
pub(super) const WRITE: &[&str] = &["CREATE", "UPDATE"];
pub(super) const DELETE: &[&str] = &["DELETE"];
pub(super) const ALL: &[&str] = &["CREATE", "UPDATE", "DELETE"];

/// Holds the defaults: a webhook that validates pods in tenants' namespaces, and that fails closed.
const IN_TENANTS: Webhook = Webhook {
    name: "",
    entry: Entry::ValidateTenants,
    namespaces: Namespaces::Tenants,
    registered: Where::Always,
    failure_policy: FailurePolicy::Fail,
    conditions: &[],
    sends: Sends::All(Topic::Pods, WRITE),
};

/// Holds the defaults of webhooks that receive requests outside tenants' namespaces, and that fail closed.
const ELSEWHERE: Webhook =
    Webhook { entry: Entry::ValidateElsewhere, namespaces: Namespaces::Elsewhere, ..IN_TENANTS };

/// Names the webhook that also receives the kinds with pod templates that Settings list.
pub(super) const WORKLOADS: &str = "workloads.partywall.dev";

/// Names the webhook that also receives the APIs of `foreign_apis`.
///
/// A webhook rule does no harm if the cluster does not serve its group.
pub(super) const ROUTES: &str = "routes.partywall.dev";

/// Names the webhook that receives partywall's own objects, and nothing else.
pub const OWN_OBJECTS: &str = "policies.partywall.dev";

/// Names the webhook that validates what is written in listed namespaces without their label, those APIs too.
pub(super) const LISTED_VALIDATED: &str = "listed.partywall.dev";

/// Lists controllers that create a ServiceAccount in each namespace, count what is in it, and delete what is left in it
/// at its end.
///
/// Namespaces must begin and end while partywall is down.
const KEEPERS: &[&str] = &[
    "system:kube-controller-manager",
    "system:serviceaccount:kube-system:namespace-controller",
    "system:serviceaccount:kube-system:generic-garbage-collector",
    "system:serviceaccount:kube-system:service-account-controller",
    // Counts what quotas limit, in their status.
    "system:serviceaccount:kube-system:resourcequota-controller",
];

/// Lists components that allocate devices to claims, and release them.
const DEVICE_CONTROLLERS: &[&str] = &[
    SCHEDULER,
    "system:kube-controller-manager",
    "system:serviceaccount:kube-system:resource-claim-controller",
];

/// Lists controllers that write a ConfigMap into each namespace.
const PUBLISHERS: &[&str] =
    &["system:kube-controller-manager", "system:serviceaccount:kube-system:root-ca-cert-publisher"];

/// Holds the defaults of webhooks for the moment in which a listed namespace lacks its label.
///
/// They are one for each entry, since the names of all namespaces are in each of them.
const LISTED: Webhook = Webhook {
    namespaces: Namespaces::Listed,
    registered: Where::WithLists,
    conditions: &[Condition::NotByUsers(&[SCHEDULER]), Condition::UnlessControllerKeepsSpec],
    sends: Sends::AsLabelled,
    ..IN_TENANTS
};

/// Lists the webhooks.
pub(super) const WEBHOOKS: [Webhook; 37 + cfg!(feature = "next") as usize] = [
    Webhook {
        name: "stamp-pods.partywall.dev",
        entry: Entry::MutateTenants,
        conditions: &[Condition::IsNewOrWasGated, Condition::UnlessControllerKeepsSpec],
        sends: Sends::One("", "pods", WRITE),
        ..IN_TENANTS
    },
    Webhook {
        name: "stamp-daemonsets.partywall.dev",
        entry: Entry::MutateTenants,
        sends: Sends::One("apps", "daemonsets", WRITE),
        ..IN_TENANTS
    },
    Webhook { name: "stamp-listed.partywall.dev", entry: Entry::MutateTenants, ..LISTED },
    Webhook {
        name: "label-namespaces.partywall.dev",
        entry: Entry::MutateNamespaces,
        namespaces: Namespaces::Themselves,
        registered: Where::WithoutLists,
        conditions: &[Condition::NotInGroup(MASTERS)],
        sends: Sends::One("", "namespaces", WRITE),
        ..IN_TENANTS
    },
    Webhook {
        name: "label-listed-namespaces.partywall.dev",
        entry: Entry::MutateNamespaces,
        namespaces: Namespaces::ThemselvesNamed,
        registered: Where::WithLists,
        conditions: &[Condition::NotInGroup(MASTERS), Condition::LacksGuardedLabels],
        sends: Sends::One("", "namespaces", WRITE),
        ..IN_TENANTS
    },
    Webhook {
        name: "label-labelled-namespaces.partywall.dev",
        entry: Entry::MutateNamespaces,
        namespaces: Namespaces::Themselves,
        registered: Where::WithLists,
        conditions: &[Condition::NotInGroup(MASTERS), Condition::HasGuardedLabel],
        sends: Sends::One("", "namespaces", WRITE),
        ..IN_TENANTS
    },
    // A Tenant that lists it may have been created a moment ago, and is not among the names yet.
    Webhook {
        name: "label-new-namespaces.partywall.dev",
        entry: Entry::MutateNamespaces,
        namespaces: Namespaces::Themselves,
        registered: Where::WithLists,
        failure_policy: FailurePolicy::Ignore,
        conditions: &[Condition::NotInGroup(MASTERS), Condition::LacksGuardedLabels],
        sends: Sends::One("", "namespaces", CREATE),
    },
    // Cluster administrators can create namespaces while partywall is down. Any later write adds the label.
    Webhook {
        name: "label-administrators-namespaces.partywall.dev",
        entry: Entry::MutateNamespaces,
        namespaces: Namespaces::Themselves,
        failure_policy: FailurePolicy::Ignore,
        conditions: &[Condition::InGroup(MASTERS)],
        sends: Sends::One("", "namespaces", WRITE),
        ..IN_TENANTS
    },
    Webhook {
        name: "pods.partywall.dev",
        conditions: &[Condition::UnlessControllerKeepsSpec],
        sends: Sends::All(Topic::Pods, WRITE),
        ..IN_TENANTS
    },
    // Kubelets write the status of pods all the time; the role `edit` does not include it.
    Webhook {
        name: "pod-statuses.partywall.dev",
        entry: Entry::ValidateStatuses,
        failure_policy: FailurePolicy::Ignore,
        conditions: &[
            Condition::NotByUsers(&[SCHEDULER, "system:kube-controller-manager"]),
            Condition::NotInGroup("system:nodes"),
        ],
        sends: Sends::All(Topic::PodStatuses, UPDATE),
        ..IN_TENANTS
    },
    Webhook {
        name: "pod-statuses-elsewhere.partywall.dev",
        failure_policy: FailurePolicy::Ignore,
        entry: Entry::ValidateStatuses,
        conditions: &[
            Condition::NotByUsers(&[SCHEDULER, "system:kube-controller-manager"]),
            Condition::NominatesNode,
        ],
        sends: Sends::All(Topic::PodStatuses, UPDATE),
        ..ELSEWHERE
    },
    Webhook {
        name: "bindings.partywall.dev",
        conditions: &[Condition::NotByUsers(&[SCHEDULER])],
        sends: Sends::All(Topic::Bindings, CREATE),
        ..IN_TENANTS
    },
    // partywall judges the pods of a workload in any case. This webhook only tells users earlier, so its outage must
    // not block a controller.
    Webhook {
        name: WORKLOADS,
        entry: Entry::ValidateTemplates,
        namespaces: Namespaces::All,
        failure_policy: FailurePolicy::Ignore,
        sends: Sends::All(Topic::Workloads, WRITE),
        ..IN_TENANTS
    },
    Webhook {
        name: "services.partywall.dev",
        conditions: &[Condition::UnlessControllerKeepsSpec],
        sends: Sends::All(Topic::Services, WRITE),
        ..IN_TENANTS
    },
    Webhook {
        name: "endpoints.partywall.dev",
        conditions: &[Condition::NotByUsers(ENDPOINT_CONTROLLERS)],
        sends: Sends::All(Topic::Endpoints, WRITE),
        ..IN_TENANTS
    },
    Webhook { name: "ingresses.partywall.dev", sends: Sends::All(Topic::Ingresses, WRITE), ..IN_TENANTS },
    Webhook { name: ROUTES, sends: Sends::All(Topic::Routes, WRITE), ..IN_TENANTS },
    Webhook {
        name: "certificates.partywall.dev",
        sends: Sends::All(Topic::Certificates, WRITE),
        ..IN_TENANTS
    },
    // A controller removes the finalizers of claims and of groups of pods, without which their namespace does not end.
    Webhook {
        name: "devices.partywall.dev",
        conditions: &[Condition::UnlessControllerKeepsSpec],
        sends: Sends::All(Topic::Devices, WRITE),
        ..IN_TENANTS
    },
    // Drivers write other fields of the status while partywall does not answer.
    Webhook {
        name: "device-statuses.partywall.dev",
        conditions: &[Condition::NotByUsers(DEVICE_CONTROLLERS), Condition::AllocatesDevices],
        sends: Sends::All(Topic::DeviceStatuses, UPDATE),
        ..IN_TENANTS
    },
    // Claims are bound, and nodes are chosen for their volumes, while partywall does not answer.
    Webhook {
        name: "volumes.partywall.dev",
        conditions: &[Condition::NotByUsers(VOLUME_CONTROLLERS)],
        sends: Sends::All(Topic::Volumes, WRITE),
        ..IN_TENANTS
    },
    // Resizers and kubelets write the status of claims, and change no annotation.
    Webhook {
        name: "volume-statuses.partywall.dev",
        conditions: &[Condition::NotByUsers(VOLUME_CONTROLLERS), Condition::ChangesAnnotations],
        sends: Sends::All(Topic::VolumeStatuses, UPDATE),
        ..IN_TENANTS
    },
    Webhook {
        name: "service-imports.partywall.dev",
        conditions: &[Condition::NotByUsers(ENDPOINT_CONTROLLERS)],
        sends: Sends::All(Topic::ServiceImports, WRITE),
        ..IN_TENANTS
    },
    Webhook {
        name: "pod-groups.partywall.dev",
        conditions: &[Condition::UnlessControllerKeepsSpec],
        sends: Sends::All(Topic::PodGroups, WRITE),
        ..IN_TENANTS
    },
    // Controllers write Secrets and ConfigMaps all the time, and rarely change an annotation.
    Webhook {
        name: "secrets.partywall.dev",
        conditions: &[
            Condition::NotByUsers(PUBLISHERS),
            Condition::NotInGroup(MASTERS),
            Condition::ChangesAnnotations,
        ],
        sends: Sends::All(Topic::Secrets, WRITE),
        ..IN_TENANTS
    },
    Webhook {
        name: "copies.partywall.dev",
        conditions: &[Condition::NotInGroup(MASTERS)],
        sends: Sends::All(Topic::Copies, WRITE),
        ..IN_TENANTS
    },
    Webhook {
        name: "managed.partywall.dev",
        conditions: &[Condition::NotByUsers(KEEPERS), Condition::NotInGroup(MASTERS)],
        sends: Sends::All(Topic::Managed, ALL),
        ..IN_TENANTS
    },
    Webhook { name: LISTED_VALIDATED, ..LISTED },
    Webhook {
        name: "namespaces.partywall.dev",
        entry: Entry::ValidateNamespaces,
        namespaces: Namespaces::Themselves,
        registered: Where::WithoutLists,
        conditions: &[Condition::NotByUsers(NAMESPACE_CONTROLLERS), Condition::NotInGroup(MASTERS)],
        sends: Sends::All(Topic::Namespaces, WRITE),
        ..IN_TENANTS
    },
    Webhook {
        name: "listed-namespaces.partywall.dev",
        entry: Entry::ValidateNamespaces,
        namespaces: Namespaces::ThemselvesNamed,
        registered: Where::WithLists,
        conditions: &[
            Condition::NotByUsers(NAMESPACE_CONTROLLERS),
            Condition::NotInGroup(MASTERS),
            Condition::LacksGuardedLabels,
        ],
        sends: Sends::All(Topic::Namespaces, WRITE),
        ..IN_TENANTS
    },
    Webhook {
        name: "labelled-namespaces.partywall.dev",
        entry: Entry::ValidateNamespaces,
        namespaces: Namespaces::Themselves,
        registered: Where::WithLists,
        conditions: &[
            Condition::NotByUsers(NAMESPACE_CONTROLLERS),
            Condition::NotInGroup(MASTERS),
            Condition::HasGuardedLabel,
        ],
        sends: Sends::All(Topic::Namespaces, WRITE),
        ..IN_TENANTS
    },
    // A Tenant or the Settings may have listed its name a moment ago.
    Webhook {
        name: "new-namespaces.partywall.dev",
        entry: Entry::ValidateNamespaces,
        namespaces: Namespaces::Themselves,
        registered: Where::WithLists,
        failure_policy: FailurePolicy::Ignore,
        conditions: &[
            Condition::NotByUsers(NAMESPACE_CONTROLLERS),
            Condition::NotInGroup(MASTERS),
            Condition::LacksGuardedLabels,
        ],
        sends: Sends::One("", "namespaces", CREATE),
    },
    Webhook {
        name: OWN_OBJECTS,
        entry: Entry::ValidatePolicies,
        namespaces: Namespaces::Themselves,
        // No subresource: their status is partywall's own to write.
        sends: Sends::OwnObjects,
        ..IN_TENANTS
    },
    Webhook {
        name: "pods-elsewhere.partywall.dev",
        conditions: &[Condition::CouldReachPools],
        sends: Sends::One("", "pods", WRITE),
        ..ELSEWHERE
    },
    Webhook {
        name: "volumes-elsewhere.partywall.dev",
        conditions: &[Condition::NotByUsers(VOLUME_CONTROLLERS), Condition::NamesVolumeOrNode],
        sends: Sends::One("", "persistentvolumeclaims", WRITE),
        ..ELSEWHERE
    },
    Webhook {
        name: "volume-statuses-elsewhere.partywall.dev",
        conditions: &[Condition::NotByUsers(VOLUME_CONTROLLERS), Condition::NamesVolumeOrNode],
        sends: Sends::All(Topic::VolumeStatuses, UPDATE),
        ..ELSEWHERE
    },
    Webhook {
        name: "bindings-elsewhere.partywall.dev",
        conditions: &[Condition::NotByUsers(&[SCHEDULER])],
        sends: Sends::All(Topic::Bindings, CREATE),
        ..ELSEWHERE
    },
    // A webhook that only a later version has, in the test of an upgrade.
    #[cfg(feature = "next")]
    Webhook { name: "next.partywall.dev", sends: Sends::One("", "resourcequotas", WRITE), ..IN_TENANTS },
];
