//! Names the labels and annotations that Kubernetes and partywall define.

/// Assigns a namespace to a tenant; the value is the tenant's name.
pub const TENANT: &str = "partywall.dev/tenant";
/// Records in an annotation of a DaemonSet what the stamp wrote into its template.
pub const STAMP: &str = "partywall.dev/stamp";
/// Holds a namespace's name; the API server sets it.
pub const NAMESPACE_NAME: &str = "kubernetes.io/metadata.name";
/// Holds a node's name; the kubelet sets it.
pub const HOSTNAME: &str = "kubernetes.io/hostname";
/// Marks an object in a tenant's namespace as the platform's; the value does not matter.
pub(crate) const MANAGED: &str = "partywall.dev/managed";
/// Begins the keys of the labels and taints of nodes with a role, such as that of the control plane.
pub(crate) const NODE_ROLES: &str = "node-role.kubernetes.io/";
/// Begins the keys of the taints that Kubernetes itself adds to nodes; no pool may have such a taint.
pub(crate) const NODE_PROBLEMS: &str = "node.kubernetes.io/";
