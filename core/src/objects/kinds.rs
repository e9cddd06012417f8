//! The kinds that rules know.

/// A kind that a rule knows. The version does not matter: what is read is the same in all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the variants are Kubernetes' own names")]
pub enum Kind {
    Pod,
    Deployment,
    ReplicaSet,
    StatefulSet,
    DaemonSet,
    Job,
    CronJob,
    ReplicationController,
    PodTemplate,
    Service,
    Ingress,
    Binding,
    Endpoints,
    EndpointSlice,
    Namespace,
    /// HTTPRoute, GRPCRoute and TLSRoute.
    Route,
    /// TCPRoute and UDPRoute.
    PortRoute,
    Gateway,
    /// ListenerSet, and XListenerSet as long as it was an experiment.
    ListenerSet,
    /// The Route of OpenShift.
    OpenShiftRoute,
    Certificate,
    /// A kind that is no part of Kubernetes, or that is read like one: policies of networks and claims of devices.
    Custom,
    /// Any other.
    Other,
}

/// The groups of the Gateway API.
const GATEWAY_API: [&str; 2] = ["gateway.networking.k8s.io", "gateway.networking.x-k8s.io"];

/// The groups of Kubernetes itself whose kinds no rule reads.
const OWN_GROUPS: [&str; 7] =
    ["", "apps", "autoscaling", "batch", "policy", "coordination.k8s.io", "events.k8s.io"];

/// Kinds of Kubernetes itself that are read like custom ones.
pub(crate) const READ_AS_CUSTOM: [(&str, &str); 2] =
    [("resource.k8s.io", "ResourceClaim"), ("resource.k8s.io", "ResourceClaimTemplate")];

/// Kinds whose objects are only kept from being removed.
pub(crate) const KEPT: [&str; 2] = ["NetworkPolicy", "CiliumNetworkPolicy"];

/// The groups with kinds that are read as what they are.
pub(crate) const GROUPS: [&str; 8] = [
    "",
    "apps",
    "batch",
    "cert-manager.io",
    "discovery.k8s.io",
    "gateway.networking.k8s.io",
    "networking.k8s.io",
    "route.openshift.io",
];

impl Kind {
    /// The kind called `kind` in `group`.
    pub fn of(group: &str, kind: &str) -> Self {
        match (group, kind) {
            ("", "Pod") => Self::Pod,
            ("", "Service") => Self::Service,
            ("", "Binding") => Self::Binding,
            ("", "Endpoints") => Self::Endpoints,
            ("discovery.k8s.io", "EndpointSlice") => Self::EndpointSlice,
            ("", "ReplicationController") => Self::ReplicationController,
            ("", "PodTemplate") => Self::PodTemplate,
            ("apps", "Deployment") => Self::Deployment,
            ("apps", "ReplicaSet") => Self::ReplicaSet,
            ("apps", "DaemonSet") => Self::DaemonSet,
            ("apps", "StatefulSet") => Self::StatefulSet,
            ("batch", "Job") => Self::Job,
            ("batch", "CronJob") => Self::CronJob,
            ("networking.k8s.io", "Ingress") => Self::Ingress,
            ("", "Namespace") => Self::Namespace,
            ("route.openshift.io", "Route") => Self::OpenShiftRoute,
            ("cert-manager.io", "Certificate") => Self::Certificate,
            (group, kind) if Self::is_in_gateway_api(group) => Self::of_gateway_api(kind),
            (group, _) if OWN_GROUPS.contains(&group) => Self::Other,
            _ => Self::Custom,
        }
    }

    /// Returns whether `group` is one of Kubernetes' own and not known here: only these have no dot. Such as
    /// `extensions`, which no supported API server serves.
    pub fn is_in_unknown_own_group(group: &str) -> bool {
        !group.contains('.') && !OWN_GROUPS.contains(&group)
    }

    /// Whether `group` is one of the Gateway API.
    pub fn is_in_gateway_api(group: &str) -> bool {
        GATEWAY_API.contains(&group)
    }

    fn of_gateway_api(kind: &str) -> Self {
        match kind {
            "HTTPRoute" | "GRPCRoute" | "TLSRoute" => Self::Route,
            "TCPRoute" | "UDPRoute" => Self::PortRoute,
            "Gateway" => Self::Gateway,
            "ListenerSet" | "XListenerSet" => Self::ListenerSet,
            _ => Self::Custom,
        }
    }
}

/// The kind of that name, if there is a name.
pub(crate) fn kind_of(group: &str, name: &str) -> Option<Kind> {
    (!name.is_empty()).then(|| Kind::of(group, name))
}
