//! The flags that say which installation of partywall a command is about.

use std::path::PathBuf;

use clap::builder::NonEmptyStringValueParser;

use crate::cluster::{Access, NAMESPACE};

#[derive(Debug, clap::Args)]
pub(super) struct Installation {
    /// The kubeconfig. Absent: KUBECONFIG or ~/.kube/config, else the pod's ServiceAccount.
    #[arg(long, value_name = "FILE", env = "PARTYWALL_KUBECONFIG")]
    kubeconfig: Option<PathBuf>,

    /// The context in the kubeconfig. Absent: its current one.
    #[arg(long, value_name = "NAME", env = "PARTYWALL_CONTEXT", value_parser = NonEmptyStringValueParser::new())]
    context: Option<String>,

    /// The namespace in which partywall is installed.
    #[arg(
        short,
        long,
        value_name = "NAME",
        env = "PARTYWALL_NAMESPACE",
        default_value = NAMESPACE,
        value_parser = NonEmptyStringValueParser::new()
    )]
    pub(super) namespace: String,
}

impl Installation {
    /// Returns which cluster is meant, and by whom, and the namespace of partywall.
    pub(super) fn split(self) -> (Access, String) {
        let Self { kubeconfig, context, namespace } = self;
        (Access { kubeconfig, context }, namespace)
    }
}
