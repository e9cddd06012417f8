//! Who writes what only the cluster knows. Tenants may impersonate the ServiceAccounts of their own namespaces, so no
//! name of theirs is trusted.

use crate::review::User;
use crate::tenancy::{Owner, Snapshot};

/// The group that may do everything anyway, and the way out when nothing else works.
pub(crate) const MASTERS: &str = "system:masters";

/// Who writes for a cloud beside the control plane: on EKS its name does not begin with `system:`.
const CLOUDS: [&str; 1] = ["eks:cloud-controller-manager"];

/// Whether a user is a component of the cluster, runs in a system namespace, or is of the platform team.
pub(crate) fn is_of_cluster(user: &User<'_>, snapshot: &Snapshot) -> bool {
    let is_in_system =
        |namespace: Option<&str>| matches!(namespace.map(|name| snapshot.owner(name)), Some(Owner::System));
    is_component(user, snapshot) || is_in_system(namespace(user))
}

/// Whether a user is of the cluster, or a ServiceAccount of a namespace that is no tenant's: controllers of load
/// balancers and Ingresses mostly have namespaces of their own.
pub(crate) fn is_outside_tenants(user: &User<'_>, snapshot: &Snapshot) -> bool {
    let is_outside = |namespace: &str| !matches!(snapshot.owner(namespace), Owner::Tenant(_));
    is_component(user, snapshot) || namespace(user).is_some_and(is_outside)
}

fn is_component(user: &User<'_>, snapshot: &Snapshot) -> bool {
    let name = &*user.username;
    let has = |listed: &[Box<str>], name: &str| listed.iter().any(|other| **other == *name);
    (name.starts_with("system:") && !is_nobody(name))
        || CLOUDS.contains(&name)
        || has(&snapshot.platform.users, name)
        || user.groups.iter().any(|group| &**group == MASTERS || has(&snapshot.platform.groups, group))
}

/// Whether the name says nothing about who may be behind it, or that it is a node, on which tenants' pods run.
fn is_nobody(name: &str) -> bool {
    name == "system:anonymous"
        || name.starts_with("system:node:")
        || name.starts_with("system:serviceaccount:")
}

/// The namespace of a ServiceAccount.
fn namespace<'u>(user: &'u User<'_>) -> Option<&'u str> {
    let (namespace, name) = user.username.strip_prefix("system:serviceaccount:")?.split_once(':')?;
    (!namespace.is_empty() && !name.is_empty()).then_some(namespace)
}

/// Whether `username` is a controller of the control plane that makes pods and what makes them. Tenants may
/// impersonate the ServiceAccounts of their own namespaces, not these.
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
    // Without --use-service-account-credentials they all share one name.
    username == "system:kube-controller-manager"
        || username
            .strip_prefix("system:serviceaccount:kube-system:")
            .is_some_and(|name| CONTROLLERS.contains(&name))
}
