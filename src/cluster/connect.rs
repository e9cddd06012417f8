//! The client of the API server.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};

/// How long a connection may take: the next try may find another API server behind the same address.
const CONNECT: Duration = Duration::from_secs(5);

/// Says which cluster is meant, and by whom.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Access {
    /// The kubeconfig; without one, the pod's ServiceAccount or kubectl's own choice.
    pub(crate) kubeconfig: Option<PathBuf>,
    /// The context in the kubeconfig.
    pub(crate) context: Option<String>,
}

/// Returns a client by a kubeconfig, by the ServiceAccount of the pod, or as kubectl would choose.
///
/// Credentials in files, and those of plugins, are renewed by the client.
pub(super) async fn client(access: Access) -> anyhow::Result<Client> {
    let Access { kubeconfig, context } = access;
    let options = KubeConfigOptions { context: context.clone(), ..KubeConfigOptions::default() };
    let mut config = match (kubeconfig, context) {
        (Some(path), _) => {
            let place = path.display().to_string();
            let read = Kubeconfig::read_from(path).with_context(|| format!("--kubeconfig {place}"))?;
            let config = Config::from_custom_kubeconfig(read, &options).await;
            config.with_context(|| format!("--kubeconfig {place}"))?
        }
        (None, Some(context)) => Config::from_kubeconfig(&options)
            .await
            .with_context(|| format!("--context {context}: from KUBECONFIG or ~/.kube/config"))?,
        (None, None) => Config::infer().await.context(
            "no cluster is known: there is neither a kubeconfig nor a ServiceAccount; name one with --kubeconfig",
        )?,
    };
    config.connect_timeout = Some(CONNECT);
    // The loops try again themselves, and tell.
    config.default_retry = false;
    Client::try_from(config).context("the client of the API server cannot be made")
}
