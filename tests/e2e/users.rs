//! The users of the suite. The API server reads the list of them once, when it starts.

use std::fmt::{self, Display};
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::nodes;

/// Ordinary users; they may do what a RoleBinding grants them.
pub(crate) const TENANTS: [&str; 3] = ["tenant-x", "tenant-y", "outsider"];

/// A user that the API server knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum User {
    /// May do everything; in the group `system:masters`, for which some webhooks are not called.
    Admin,
    /// May do everything by a ClusterRoleBinding, as the administrators of most managed clusters.
    Operator,
    /// One of [`TENANTS`].
    Tenant(&'static str),
    /// The kubelet of one of our nodes.
    Kubelet(&'static str),
    Scheduler,
    ControllerManager,
}

impl User {
    fn all() -> impl Iterator<Item = Self> {
        let nodes = nodes::NODES.iter().map(|node| Self::Kubelet(node.name));
        [Self::Admin, Self::Operator, Self::Scheduler, Self::ControllerManager]
            .into_iter()
            .chain(TENANTS.map(Self::Tenant))
            .chain(nodes)
    }

    /// The name that RBAC knows it by.
    pub(crate) fn name(self) -> String {
        match self {
            Self::Admin => "admin".to_owned(),
            Self::Operator => "operator@example.com".to_owned(),
            Self::Tenant(name) => name.to_owned(),
            Self::Kubelet(node) => format!("system:node:{node}"),
            Self::Scheduler => "system:kube-scheduler".to_owned(),
            Self::ControllerManager => "system:kube-controller-manager".to_owned(),
        }
    }

    fn group(self) -> &'static str {
        match self {
            Self::Admin => "system:masters",
            Self::Kubelet(_) => "system:nodes",
            Self::Operator | Self::Tenant(_) | Self::Scheduler | Self::ControllerManager => "",
        }
    }

    pub(crate) fn token(self) -> String {
        format!("token-of-{}", self.name().replace(':', "-"))
    }

    /// The path of its kubeconfig.
    pub(crate) fn kubeconfig(self, folder: &Path) -> PathBuf {
        folder.join(format!("{}.kubeconfig", self.name().replace(':', "-")))
    }
}

impl Display for User {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.name())
    }
}

/// Writes the file that the API server reads its users from.
pub(crate) fn write_tokens(file: &Path) {
    let line = |user: User| match user.group() {
        "" => format!("{},{user},{user}\n", user.token()),
        group => format!("{},{user},{user},{group}\n", user.token()),
    };
    fs::write(file, User::all().map(line).collect::<String>()).unwrap();
}

/// Writes a kubeconfig for each user.
pub(crate) fn write_kubeconfigs(folder: &Path, server: &str, ca: &Path) {
    for user in User::all() {
        let config = json!({
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "e2e", "cluster": {"server": server, "certificate-authority": ca}}],
            "users": [{"name": "e2e", "user": {"token": user.token()}}],
            "contexts": [{"name": "e2e", "context": {"cluster": "e2e", "user": "e2e"}}],
            "current-context": "e2e",
        });
        fs::write(user.kubeconfig(folder), config.to_string()).unwrap();
    }
}
