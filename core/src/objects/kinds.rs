//! Lists each kind that a rule reads, with its resource, its shape and its webhook.
//!
//! Decoding, `check` and the registration use this table. A new kind of a known shape needs one row.

use std::borrow::Cow;

use crate::objects::foreign_apis;

/// Names the shape as which objects of a kind are decoded, and by which rules distinguish them.
///
/// The version does not matter: the fields that rules read are the same in all versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A Pod.
    Pod,
    /// A Pod in a write to its status.
    PodStatus,
    /// A kind with a pod template in `spec.template`.
    ///
    /// These are Deployment, ReplicaSet, StatefulSet, Job and ReplicationController.
    Workload,
    /// A DaemonSet, which has a pod template in `spec.template` too and is stamped.
    DaemonSet,
    /// A CronJob.
    CronJob,
    /// A PodTemplate.
    PodTemplate,
    /// A Service.
    Service,
    /// An Ingress.
    Ingress,
    /// A Binding, which binds a pod to a node.
    Binding,
    /// Endpoints and EndpointSlice.
    Endpoints,
    /// A Namespace.
    Namespace,
    /// HTTPRoute, GRPCRoute and TLSRoute.
    Route,
    /// TCPRoute and UDPRoute.
    PortRoute,
    /// A Gateway of the Gateway API.
    Gateway,
    /// ListenerSet, and XListenerSet, its experimental form.
    ListenerSet,
    /// OpenShift's Route.
    OpenShiftRoute,
    /// cert-manager's Certificate.
    Certificate,
    /// Metadata and undecoded fields: kinds that are not part of Kubernetes, and a few that are.
    Unstructured,
    /// Such an object in a write to its status.
    Status,
    /// Nothing: no rule reads the kind.
    Other,
}

/// Describes a kind that a rule reads.
#[derive(Debug)]
pub struct Row {
    /// The groups that contain the kind.
    pub groups: &'static [&'static str],
    /// The kind's name.
    pub name: &'static str,
    /// The plural of its resource, as the API server spells it.
    pub plural: &'static str,
    /// The scope of the objects.
    pub scope: Scope,
    /// The shape as which objects are decoded.
    pub shape: Shape,
    /// The webhook that receives it.
    pub(crate) topic: Topic,
    /// The subresources that a rule reads.
    pub(crate) subresources: &'static [Subresource],
}

/// Tells whether a kind's objects are namespaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The objects are in namespaces.
    Namespaced,
    /// The objects are cluster-scoped.
    Cluster,
}

/// Describes a subresource that a rule reads.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subresource {
    /// Its name.
    pub name: &'static str,
    /// The webhook that receives it.
    pub(crate) topic: Topic,
    /// The operation, as the API server calls it.
    pub operation: &'static str,
}

/// Groups kinds that share a webhook, and so a failure policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Topic {
    /// Pods and their ephemeral containers.
    Pods,
    /// The status of pods.
    PodStatuses,
    /// Bindings of pods to nodes.
    Bindings,
    /// Workloads with pod templates.
    Workloads,
    /// Services.
    Services,
    /// The addresses behind Services.
    Endpoints,
    /// Ingresses.
    Ingresses,
    /// Routes and Gateways.
    Routes,
    /// Certificates, and the objects that cert-manager creates from them.
    Certificates,
    /// Claims to devices.
    Devices,
    /// The status of claims to devices.
    DeviceStatuses,
    /// Claims to volumes, and snapshots of volumes.
    Volumes,
    /// The status of claims to volumes.
    VolumeStatuses,
    /// Secrets and ConfigMaps, of which the rules read only the metadata.
    Secrets,
    /// Objects from which controllers create Secrets, or copy them.
    Copies,
    /// Services of several clusters.
    ServiceImports,
    /// Groups of pods that are scheduled together.
    PodGroups,
    /// Quotas, limits, rights and network policies: managed ones are protected from updates and deletions.
    Managed,
    /// Namespaces.
    Namespaces,
}

/// Lists the groups of the Gateway API.
const GATEWAY_API: [&str; 2] = ["gateway.networking.k8s.io", "gateway.networking.x-k8s.io"];

/// Lists groups of Kubernetes itself: rules read only those of their kinds that are in the table.
const OWN_GROUPS: [&str; 7] =
    ["", "apps", "autoscaling", "batch", "policy", "coordination.k8s.io", "events.k8s.io"];

const fn updated(name: &'static str, topic: Topic) -> Subresource {
    Subresource { name, topic, operation: "UPDATE" }
}

/// Declares the table, and a `match` over the same rows.
///
/// Each review evaluates the `match`.
macro_rules! kinds {
    ($($name:literal, $plural:literal, [$($group:literal),*], $scope:ident, $shape:ident, $topic:ident
        $(, $subresource:expr)*;)*) => {
        /// Lists the kinds.
        pub const KINDS: &[Row] = &[$(Row {
            groups: &[$($group),*],
            name: $name,
            plural: $plural,
            scope: Scope::$scope,
            shape: Shape::$shape,
            topic: Topic::$topic,
            subresources: &[$($subresource),*],
        },)*];

        impl Shape {
            /// Returns the shape of the kind called `kind` in `group`.
            pub fn of(group: &str, kind: &str) -> Self {
                match (group, kind) {
                    $(($($group)|*, $name) => Self::$shape,)*
                    _ if OWN_GROUPS.contains(&group) => Self::Other,
                    _ => Self::Unstructured,
                }
            }
        }
    };
}

kinds! {
    "Pod", "pods", [""], Namespaced, Pod, Pods,
        updated("ephemeralcontainers", Topic::Pods),
        updated("status", Topic::PodStatuses),
        Subresource { name: "binding", topic: Topic::Bindings, operation: "CREATE" };
    "Binding", "bindings", [""], Namespaced, Binding, Bindings;
    "PodTemplate", "podtemplates", [""], Namespaced, PodTemplate, Workloads;
    "ReplicationController", "replicationcontrollers", [""], Namespaced, Workload, Workloads;
    "DaemonSet", "daemonsets", ["apps"], Namespaced, DaemonSet, Workloads;
    "Deployment", "deployments", ["apps"], Namespaced, Workload, Workloads;
    "ReplicaSet", "replicasets", ["apps"], Namespaced, Workload, Workloads;
    "StatefulSet", "statefulsets", ["apps"], Namespaced, Workload, Workloads;
    "CronJob", "cronjobs", ["batch"], Namespaced, CronJob, Workloads;
    "Job", "jobs", ["batch"], Namespaced, Workload, Workloads;
    "Service", "services", [""], Namespaced, Service, Services, updated("status", Topic::Services);
    "Endpoints", "endpoints", [""], Namespaced, Endpoints, Endpoints;
    "EndpointSlice", "endpointslices", ["discovery.k8s.io"], Namespaced, Endpoints, Endpoints;
    "Ingress", "ingresses", ["networking.k8s.io"], Namespaced, Ingress, Ingresses, updated("status", Topic::Ingresses);
    "Namespace", "namespaces", [""], Cluster, Namespace, Namespaces,
        updated("status", Topic::Namespaces), updated("finalize", Topic::Namespaces);
    // The API server sends all kinds of these two groups, and the rules deny those without a row.
    "HTTPRoute", "httproutes",
        ["gateway.networking.k8s.io", "gateway.networking.x-k8s.io"], Namespaced, Route, Routes;
    "GRPCRoute", "grpcroutes",
        ["gateway.networking.k8s.io", "gateway.networking.x-k8s.io"], Namespaced, Route, Routes;
    "TLSRoute", "tlsroutes",
        ["gateway.networking.k8s.io", "gateway.networking.x-k8s.io"], Namespaced, Route, Routes;
    "TCPRoute", "tcproutes",
        ["gateway.networking.k8s.io", "gateway.networking.x-k8s.io"], Namespaced, PortRoute, Routes;
    "UDPRoute", "udproutes",
        ["gateway.networking.k8s.io", "gateway.networking.x-k8s.io"], Namespaced, PortRoute, Routes;
    "Gateway", "gateways",
        ["gateway.networking.k8s.io", "gateway.networking.x-k8s.io"], Namespaced, Gateway, Routes,
        updated("status", Topic::Routes);
    "ListenerSet", "listenersets",
        ["gateway.networking.k8s.io", "gateway.networking.x-k8s.io"], Namespaced, ListenerSet, Routes;
    "XListenerSet", "xlistenersets",
        ["gateway.networking.k8s.io", "gateway.networking.x-k8s.io"], Namespaced, ListenerSet, Routes;
    "Route", "routes", ["route.openshift.io"], Namespaced, OpenShiftRoute, Routes, updated("status", Topic::Routes);
    "Certificate", "certificates", ["cert-manager.io"], Namespaced, Certificate, Certificates;
    // The rules do not read the form in which these contain the names to be signed.
    "CertificateRequest", "certificaterequests", ["cert-manager.io"], Namespaced, Unstructured, Certificates;
    "Order", "orders", ["acme.cert-manager.io"], Namespaced, Unstructured, Certificates,
        updated("status", Topic::Certificates);
    "Challenge", "challenges", ["acme.cert-manager.io"], Namespaced, Unstructured, Certificates;
    "ResourceClaim", "resourceclaims", ["resource.k8s.io"], Namespaced, Unstructured, Devices,
        updated("status", Topic::DeviceStatuses);
    "ResourceClaimTemplate", "resourceclaimtemplates", ["resource.k8s.io"], Namespaced, Unstructured, Devices;
    "PersistentVolumeClaim", "persistentvolumeclaims", [""], Namespaced, Unstructured, Volumes,
        updated("status", Topic::VolumeStatuses);
    "VolumeSnapshot", "volumesnapshots", ["snapshot.storage.k8s.io"], Namespaced, Unstructured, Volumes,
        updated("status", Topic::Volumes);
    "VolumeGroupSnapshot", "volumegroupsnapshots",
        ["groupsnapshot.storage.k8s.io", "groupsnapshot.storage.openshift.io"], Namespaced, Unstructured, Volumes,
        updated("status", Topic::Volumes);
    "ServiceImport", "serviceimports", ["multicluster.x-k8s.io"], Namespaced, Unstructured, ServiceImports;
    "PodGroup", "podgroups",
        ["scheduling.k8s.io", "scheduling.volcano.sh", "scheduling.x-k8s.io"], Namespaced, Unstructured, PodGroups;
    "CompositePodGroup", "compositepodgroups", ["scheduling.k8s.io"], Namespaced, Unstructured, PodGroups;
    "Workload", "workloads", ["scheduling.k8s.io"], Namespaced, Unstructured, PodGroups;
    "Job", "jobs", ["batch.volcano.sh"], Namespaced, Unstructured, PodGroups;
    "Secret", "secrets", [""], Namespaced, Unstructured, Secrets;
    "ConfigMap", "configmaps", [""], Namespaced, Unstructured, Secrets;
    "SealedSecret", "sealedsecrets", ["bitnami.com"], Namespaced, Unstructured, Copies;
    "ExternalSecret", "externalsecrets", ["external-secrets.io"], Namespaced, Unstructured, Copies;
    "PushSecret", "pushsecrets", ["external-secrets.io"], Namespaced, Unstructured, Copies;
    "SecretStore", "secretstores", ["external-secrets.io"], Namespaced, Unstructured, Copies;
    "SecretProviderClass", "secretproviderclasses", ["secrets-store.csi.x-k8s.io"], Namespaced, Unstructured, Copies;
    "SecretExport", "secretexports", ["secretgen.carvel.dev"], Namespaced, Unstructured, Copies;
    "SecretImport", "secretimports", ["secretgen.carvel.dev"], Namespaced, Unstructured, Copies;
    "SecretTemplate", "secrettemplates", ["secretgen.carvel.dev"], Namespaced, Unstructured, Copies;
    "SecretMirror", "secretmirrors", ["mirrors.kts.studio"], Namespaced, Unstructured, Copies;
    "VaultStaticSecret", "vaultstaticsecrets", ["secrets.hashicorp.com"], Namespaced, Unstructured, Copies;
    "VaultDynamicSecret", "vaultdynamicsecrets", ["secrets.hashicorp.com"], Namespaced, Unstructured, Copies;
    "VaultPKISecret", "vaultpkisecrets", ["secrets.hashicorp.com"], Namespaced, Unstructured, Copies;
    "HCPVaultSecretsApp", "hcpvaultsecretsapps", ["secrets.hashicorp.com"], Namespaced, Unstructured, Copies;
    "DopplerSecret", "dopplersecrets", ["secrets.doppler.com"], Namespaced, Unstructured, Copies;
    "InfisicalSecret", "infisicalsecrets", ["secrets.infisical.com"], Namespaced, Unstructured, Copies;
    "InfisicalDynamicSecret", "infisicaldynamicsecrets", ["secrets.infisical.com"], Namespaced, Unstructured, Copies;
    "InfisicalPushSecret", "infisicalpushsecrets", ["secrets.infisical.com"], Namespaced, Unstructured, Copies;
    "ResourceQuota", "resourcequotas", [""], Namespaced, Unstructured, Managed, updated("status", Topic::Managed);
    "LimitRange", "limitranges", [""], Namespaced, Unstructured, Managed;
    "ServiceAccount", "serviceaccounts", [""], Namespaced, Unstructured, Managed;
    "Role", "roles", ["rbac.authorization.k8s.io"], Namespaced, Unstructured, Managed;
    "RoleBinding", "rolebindings", ["rbac.authorization.k8s.io"], Namespaced, Unstructured, Managed;
    // The network policies of Kubernetes, Calico, Antrea, Cilium, OVN-Kubernetes and OpenShift. Those for the whole
    // cluster are cluster-scoped, and no tenant can write them.
    "NetworkPolicy", "networkpolicies",
        ["networking.k8s.io", "crd.projectcalico.org", "projectcalico.org", "crd.antrea.io"],
        Namespaced, Unstructured, Managed;
    "NetworkSet", "networksets", ["crd.projectcalico.org", "projectcalico.org"], Namespaced, Unstructured, Managed;
    "StagedNetworkPolicy", "stagednetworkpolicies",
        ["crd.projectcalico.org", "projectcalico.org"], Namespaced, Unstructured, Managed;
    "StagedKubernetesNetworkPolicy", "stagedkubernetesnetworkpolicies",
        ["crd.projectcalico.org", "projectcalico.org"], Namespaced, Unstructured, Managed;
    "CiliumNetworkPolicy", "ciliumnetworkpolicies", ["cilium.io"], Namespaced, Unstructured, Managed;
    "EgressFirewall", "egressfirewalls", ["k8s.ovn.org"], Namespaced, Unstructured, Managed;
    "EgressNetworkPolicy", "egressnetworkpolicies", ["network.openshift.io"], Namespaced, Unstructured, Managed;
    "MultiNetworkPolicy", "multi-networkpolicies", ["k8s.cni.cncf.io"], Namespaced, Unstructured, Managed;
}

/// Lists cluster-scoped kinds that no rule reads, by group; an empty list means all kinds of the group.
const CLUSTER_SCOPED: [(&str, &[&str]); 20] = [
    ("", &["Node", "PersistentVolume", "ComponentStatus"]),
    ("rbac.authorization.k8s.io", &["ClusterRole", "ClusterRoleBinding"]),
    (
        "storage.k8s.io",
        &["CSIDriver", "CSINode", "StorageClass", "VolumeAttachment", "VolumeAttributesClass"],
    ),
    ("networking.k8s.io", &["IngressClass", "IPAddress", "ServiceCIDR"]),
    ("gateway.networking.k8s.io", &["GatewayClass"]),
    ("gateway.networking.x-k8s.io", &["XMesh"]),
    ("configuration.konghq.com", &["KongClusterPlugin", "KongLicense", "KongVault"]),
    ("elbv2.k8s.aws", &["IngressClassParams"]),
    ("appmesh.k8s.aws", &["Mesh"]),
    ("cert-manager.io", &["ClusterIssuer"]),
    ("admissionregistration.k8s.io", &[]),
    ("apiextensions.k8s.io", &[]),
    ("apiregistration.k8s.io", &[]),
    ("certificates.k8s.io", &["CertificateSigningRequest", "ClusterTrustBundle"]),
    ("flowcontrol.apiserver.k8s.io", &[]),
    ("node.k8s.io", &[]),
    ("resource.k8s.io", &["DeviceClass", "DeviceTaintRule", "ResourceSlice"]),
    ("scheduling.k8s.io", &[]),
    ("internal.apiserver.k8s.io", &[]),
    ("storagemigration.k8s.io", &[]),
];

impl Shape {
    /// Returns whether `group` is an unknown group of Kubernetes' own.
    ///
    /// Only Kubernetes' own groups have no dot. An example is `extensions`, which no supported API server serves.
    pub(crate) fn is_in_unknown_own_group(group: &str) -> bool {
        !group.contains('.') && !OWN_GROUPS.contains(&group)
    }

    /// Returns whether `group` is one of the Gateway API.
    pub(crate) fn is_in_gateway_api(group: &str) -> bool {
        GATEWAY_API.contains(&group)
    }
}

/// Returns the shape of the kind of this name, or `None` if the name is empty.
pub(crate) fn shape_of(group: &str, name: &str) -> Option<Shape> {
    (!name.is_empty()).then(|| Shape::of(group, name))
}

/// Returns the row of the kind called `kind` in `group`.
pub fn row(group: &str, kind: &str) -> Option<&'static Row> {
    KINDS.iter().find(|row| row.name == kind && row.groups.contains(&group))
}

/// Returns whether rules read all kinds that Kubernetes accepts for a resource.
pub(crate) fn is_read_whatever_the_kind(group: &str, plural: &str) -> bool {
    KINDS.iter().filter(|row| row.plural == plural && row.groups.contains(&group)).any(|row| {
        matches!(
            row.topic,
            Topic::Pods
                | Topic::Bindings
                | Topic::Services
                | Topic::Endpoints
                | Topic::Ingresses
                | Topic::Namespaces
        )
    })
}

/// Returns the plural of a kind's resource; for an unknown kind, the regular plural.
pub fn plural(group: &str, kind: &str) -> Cow<'static, str> {
    match row(group, kind).map(|row| row.plural).or_else(|| foreign_apis::resource(group, kind)) {
        Some(plural) => Cow::Borrowed(plural),
        None => Cow::Owned(regular_plural(kind)),
    }
}

fn regular_plural(kind: &str) -> String {
    let lower = kind.to_lowercase();
    match lower.strip_suffix('y') {
        Some(stem) if !lower.ends_with("ay") && !lower.ends_with("ey") => format!("{stem}ies"),
        _ if lower.ends_with(['s', 'x']) => format!("{lower}es"),
        Some(_) | None => format!("{lower}s"),
    }
}

/// Returns whether a kind is cluster-scoped. An unknown kind counts as namespaced.
pub fn is_cluster_scoped(group: &str, kind: &str) -> bool {
    match row(group, kind) {
        Some(row) => row.scope == Scope::Cluster,
        None => CLUSTER_SCOPED
            .iter()
            .any(|(other, kinds)| *other == group && (kinds.is_empty() || kinds.contains(&kind))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plurals_are_those_of_the_api_server() {
        for (group, kind, resource) in [
            ("", "Pod", "pods"),
            ("", "Endpoints", "endpoints"),
            ("networking.k8s.io", "Ingress", "ingresses"),
            ("networking.k8s.io", "NetworkPolicy", "networkpolicies"),
            ("apps", "ReplicaSet", "replicasets"),
            ("networking.istio.io", "Gateway", "gateways"),
            ("example.com", "Ingress", "ingresses"),
            ("example.com", "Policy", "policies"),
            ("networking.gke.io", "MultiClusterIngress", "multiclusteringresses"),
        ] {
            assert_eq!(plural(group, kind), resource);
        }
    }

    #[test]
    fn no_kind_is_there_twice_and_each_decodes_as_its_row_says() {
        for (place, one) in KINDS.iter().enumerate() {
            for group in one.groups {
                assert_eq!(Shape::of(group, one.name), one.shape, "{group} {}", one.name);
                let rows = KINDS.iter().filter(|row| row.name == one.name && row.groups.contains(group));
                assert_eq!(rows.count(), 1, "{place}: {group} {}", one.name);
            }
            // Of two kinds the plural is not regular.
            let regular = regular_plural(one.name).replace("endpointses", "endpoints");
            assert_eq!(one.plural, regular.replace("multinetworkpolicies", "multi-networkpolicies"));
        }
    }

    #[test]
    fn other_groups_are_somebody_elses() {
        assert_eq!(Shape::of("example.com", "Pod"), Shape::Unstructured);
        assert_eq!(Shape::of("apps", "ControllerRevision"), Shape::Other);
        assert_eq!(Shape::of("gateway.networking.k8s.io", "Unheard"), Shape::Unstructured);
        assert!(is_cluster_scoped("", "Namespace") && is_cluster_scoped("node.k8s.io", "RuntimeClass"));
        assert!(!is_cluster_scoped("", "Pod") && !is_cluster_scoped("example.com", "Node"));
        assert!(!is_cluster_scoped("storage.k8s.io", "CSIStorageCapacity"));
        assert!(!is_cluster_scoped("certificates.k8s.io", "PodCertificateRequest"));
        assert!(is_cluster_scoped("resource.k8s.io", "DeviceClass"));
    }
}
