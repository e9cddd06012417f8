//! Recognizes the users whose writes are trusted: controllers, the cloud and the platform team.
//!
//! Tenants can impersonate the ServiceAccounts of their own namespaces, so none of those is trusted.

use crate::review::User;
use crate::tenancy::{Owner, Snapshot};

/// The group with unrestricted rights, whose members can still act when nothing else works.
pub(crate) const MASTERS: &str = "system:masters";

/// Users that write for a cloud outside the control plane; on EKS the name lacks `system:`.
const CLOUDS: [&str; 1] = ["eks:cloud-controller-manager"];

/// Returns whether a user is a component, in a system namespace, or of the platform team.
pub(crate) fn is_of_cluster(user: &User<'_>, snapshot: &Snapshot) -> bool {
    let is_in_system =
        |namespace: Option<&str>| matches!(namespace.map(|name| snapshot.owner(name)), Some(Owner::System));
    is_component(user, snapshot) || is_in_system(namespace(user))
}

/// Returns whether a user belongs to the cluster, or is a ServiceAccount outside tenants.
///
/// Controllers of load balancers and Ingresses usually run in namespaces of their own.
pub(crate) fn is_outside_tenants(user: &User<'_>, snapshot: &Snapshot) -> bool {
    let is_outside =
        |namespace: &str| !matches!(snapshot.owner(namespace), Owner::Tenant(_) | Owner::Denied(_));
    is_component(user, snapshot) || namespace(user).is_some_and(is_outside)
}

fn is_component(user: &User<'_>, snapshot: &Snapshot) -> bool {
    let name = &*user.username;
    let platform = &snapshot.platform;
    (name.starts_with("system:") && !is_nobody(name))
        || CLOUDS.contains(&name)
        || platform.users.contains(name)
        || user.groups.contains(MASTERS)
        || platform.groups.iter().any(|group| user.groups.contains(group))
}

/// Returns whether a `system:` name proves nothing: anonymous, a node, or a ServiceAccount.
///
/// Tenants' pods run on nodes; the namespace of a ServiceAccount decides about it.
fn is_nobody(name: &str) -> bool {
    name == "system:anonymous"
        || name.starts_with("system:node:")
        || name.starts_with("system:serviceaccount:")
}

/// Returns the namespace of a ServiceAccount, and `None` for other users.
fn namespace<'u>(user: &'u User<'_>) -> Option<&'u str> {
    let (namespace, name) = user.username.strip_prefix("system:serviceaccount:")?.split_once(':')?;
    (!namespace.is_empty() && !name.is_empty()).then_some(namespace)
}

/// Returns whether `username` is a control plane's controller that creates pods or their owners.
///
/// Tenants can impersonate the ServiceAccounts of their own namespaces, but not these.
pub(crate) fn is_workload_controller(username: &str) -> bool {
    const CONTROLLERS: [&str; 7] = [
        "cronjob-controller",
        "daemon-set-controller",
        "deployment-controller",
        "job-controller",
        "replicaset-controller",
        "replication-controller",
        "statefulset-controller",
    ];
    // Without --use-service-account-credentials all controllers share this name.
    username == "system:kube-controller-manager"
        || username
            .strip_prefix("system:serviceaccount:kube-system:")
            .is_some_and(|name| CONTROLLERS.contains(&name))
}
