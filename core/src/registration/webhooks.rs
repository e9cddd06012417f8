//! The table: what is sent, under which names, and what happens to it when no answer comes.

use crate::Phase;
use crate::judging::trusted_users::MASTERS;
use crate::rules::{ENDPOINT_CONTROLLERS, NAMESPACE_CONTROLLERS, SCHEDULER};

/// The namespaces whose objects are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Namespaces {
    /// Those that carry the label [`crate::labels::TENANT`].
    Tenants,
    /// The others, but for the system's: here only tenants' pools are protected.
    Elsewhere,
    /// None: the namespaces themselves are sent, whatever labels they carry.
    Themselves,
}

/// What happens to a request when no answer comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FailurePolicy {
    /// It is refused.
    Fail,
    /// It goes on.
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

/// One webhook: what is sent under one name, with one policy for failures.
#[derive(Clone, Copy, Debug)]
pub(super) struct Webhook {
    pub(super) name: &'static str,
    pub(super) phase: Phase,
    pub(super) namespaces: Namespaces,
    pub(super) failure_policy: FailurePolicy,
    /// Users whose requests are allowed anyway, and so need not be sent: what the cluster lives on.
    pub(super) spares: &'static [&'static str],
    /// A group of such users.
    pub(super) spares_group: Option<&'static str>,
    pub(super) resources: &'static [Resource],
}

/// A resource, or a subresource after a slash, in the plural that the API server spells: a rule in any other
/// spelling never matches, and nobody notices.
#[derive(Debug)]
pub(super) struct Resource {
    pub(super) group: &'static str,
    pub(super) name: &'static str,
    pub(super) operations: &'static [&'static str],
}

pub(super) const CREATE: &[&str] = &["CREATE"];
pub(super) const UPDATE: &[&str] = &["UPDATE"];
pub(super) const WRITE: &[&str] = &["CREATE", "UPDATE"];
pub(super) const REMOVE: &[&str] = &["UPDATE", "DELETE"];

const fn resource(group: &'static str, name: &'static str, operations: &'static [&'static str]) -> Resource {
    Resource { group, name, operations }
}

/// Who binds a pod to a node past the scheduler; both spellings do it.
const BINDINGS: &[Resource] = &[resource("", "pods/binding", CREATE), resource("", "bindings", CREATE)];

/// What most of them are: rules that hold in tenants' namespaces, and are not gone without.
const IN_TENANTS: Webhook = Webhook {
    name: "",
    phase: Phase::Validate,
    namespaces: Namespaces::Tenants,
    failure_policy: FailurePolicy::Fail,
    spares: &[],
    spares_group: None,
    resources: &[],
};

/// The webhook to which the APIs belong that the rules know as those of routes, beside its own resources: groups that
/// a cluster does not have do no harm here.
pub(super) const ROUTES: &str = "routes.partywall.dev";

/// The table.
pub(super) const WEBHOOKS: [Webhook; 16] = [
    Webhook {
        name: "stamp-pods.partywall.dev",
        phase: Phase::Mutate,
        resources: &[resource("", "pods", CREATE)],
        ..IN_TENANTS
    },
    Webhook {
        name: "stamp-daemonsets.partywall.dev",
        phase: Phase::Mutate,
        resources: &[resource("apps", "daemonsets", WRITE)],
        ..IN_TENANTS
    },
    Webhook {
        name: "pods.partywall.dev",
        resources: &[resource("", "pods", WRITE), resource("", "pods/ephemeralcontainers", UPDATE)],
        ..IN_TENANTS
    },
    // Kubelets write it all the time, and nobody else needs to; `edit` does not have it.
    Webhook {
        name: "pod-statuses.partywall.dev",
        failure_policy: FailurePolicy::Ignore,
        spares: &[SCHEDULER, "system:kube-controller-manager"],
        spares_group: Some("system:nodes"),
        resources: &[resource("", "pods/status", UPDATE)],
        ..IN_TENANTS
    },
    Webhook { name: "bindings.partywall.dev", spares: &[SCHEDULER], resources: BINDINGS, ..IN_TENANTS },
    // Their pods are judged in any case: this tells people early, and must never stand in a controller's way.
    Webhook {
        name: "workloads.partywall.dev",
        failure_policy: FailurePolicy::Ignore,
        resources: &[
            resource("", "podtemplates", WRITE),
            resource("", "replicationcontrollers", WRITE),
            resource("apps", "daemonsets", WRITE),
            resource("apps", "deployments", WRITE),
            resource("apps", "replicasets", WRITE),
            resource("apps", "statefulsets", WRITE),
            resource("batch", "cronjobs", WRITE),
            resource("batch", "jobs", WRITE),
        ],
        ..IN_TENANTS
    },
    Webhook {
        name: "services.partywall.dev",
        resources: &[resource("", "services", WRITE), resource("", "services/status", UPDATE)],
        ..IN_TENANTS
    },
    Webhook {
        name: "endpoints.partywall.dev",
        spares: ENDPOINT_CONTROLLERS,
        resources: &[resource("", "endpoints", WRITE), resource("discovery.k8s.io", "endpointslices", WRITE)],
        ..IN_TENANTS
    },
    Webhook {
        name: "ingresses.partywall.dev",
        resources: &[
            resource("networking.k8s.io", "ingresses", WRITE),
            resource("networking.k8s.io", "ingresses/status", UPDATE),
        ],
        ..IN_TENANTS
    },
    Webhook {
        name: ROUTES,
        resources: &[
            resource("gateway.networking.k8s.io", "*", WRITE),
            resource("gateway.networking.x-k8s.io", "*", WRITE),
            resource("route.openshift.io", "routes", WRITE),
        ],
        ..IN_TENANTS
    },
    Webhook {
        name: "certificates.partywall.dev",
        resources: &[
            resource("cert-manager.io", "certificates", WRITE),
            resource("cert-manager.io", "certificaterequests", WRITE),
            resource("acme.cert-manager.io", "orders", WRITE),
            resource("acme.cert-manager.io", "challenges", WRITE),
        ],
        ..IN_TENANTS
    },
    Webhook {
        name: "devices.partywall.dev",
        resources: &[
            resource("resource.k8s.io", "resourceclaims", WRITE),
            resource("resource.k8s.io", "resourceclaimtemplates", WRITE),
        ],
        ..IN_TENANTS
    },
    Webhook {
        name: "managed.partywall.dev",
        spares_group: Some(MASTERS),
        resources: &[
            resource("networking.k8s.io", "networkpolicies", REMOVE),
            resource("cilium.io", "ciliumnetworkpolicies", REMOVE),
            resource("crd.projectcalico.org", "networkpolicies", REMOVE),
            resource("projectcalico.org", "networkpolicies", REMOVE),
        ],
        ..IN_TENANTS
    },
    Webhook {
        name: "namespaces.partywall.dev",
        namespaces: Namespaces::Themselves,
        spares: NAMESPACE_CONTROLLERS,
        spares_group: Some(MASTERS),
        resources: &[
            resource("", "namespaces", WRITE),
            resource("", "namespaces/status", UPDATE),
            resource("", "namespaces/finalize", UPDATE),
        ],
        ..IN_TENANTS
    },
    Webhook {
        name: "pods-elsewhere.partywall.dev",
        namespaces: Namespaces::Elsewhere,
        failure_policy: FailurePolicy::Ignore,
        resources: &[resource("", "pods", WRITE)],
        ..IN_TENANTS
    },
    Webhook {
        name: "bindings-elsewhere.partywall.dev",
        namespaces: Namespaces::Elsewhere,
        failure_policy: FailurePolicy::Ignore,
        spares: &[SCHEDULER],
        resources: BINDINGS,
        ..IN_TENANTS
    },
];
