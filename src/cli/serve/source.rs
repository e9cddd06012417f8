//! Where the policies come from: files, or the objects of a cluster.

use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::ValueEnum;
use clap::builder::{FalseyValueParser, NonEmptyStringValueParser};
use partywall_core::registration::Server;
use rustls::sign::CertifiedKey;
use tokio::sync::watch;

use super::issuer::IssuerArgs;
use crate::cli::address::url;
use crate::cli::today::{now, today};
use crate::cluster::{Access, Clock, Cluster, NAMESPACE, Owner, Place};
use crate::policies::{self, Learned, Policies, Reader};
use crate::server::{Pair, Readiness};
use crate::telemetry::Metrics;

/// The time between two looks at the files; a change is taken when two looks found it.
const LOOK_EVERY: Duration = Duration::from_millis(500);

#[derive(Debug, clap::Args)]
pub(super) struct PolicyArgs {
    /// Files or folders with the policies (NodePool, Tenant, TenantClass, Exemption, Settings).
    ///
    /// Changes are read while it runs; a change with mistakes is logged and has no effect.
    ///
    /// Separate several by commas. Without any, an embedded demonstration holds.
    #[arg(long, value_name = "PATH", num_args = 1.., value_delimiter = ',', env = "PARTYWALL_POLICIES")]
    pub(super) policies: Vec<PathBuf>,

    /// Read the policies from a cluster: the objects of group partywall.dev, and its Namespaces.
    ///
    /// It runs as the ServiceAccount of its pod, or with a kubeconfig.
    #[arg(
        long,
        conflicts_with = "policies",
        env = "PARTYWALL_CLUSTER",
        value_parser = FalseyValueParser::new()
    )]
    pub(super) cluster: bool,

    /// With --cluster, the namespace of partywall.
    #[arg(
        long,
        value_name = "NAME",
        requires = "cluster",
        default_value = NAMESPACE,
        env = "PARTYWALL_NAMESPACE",
        value_parser = NonEmptyStringValueParser::new()
    )]
    namespace: String,

    /// With --cluster, the address of this server as the API server reaches it, such as https://10.0.0.7:8443. Absent:
    /// its Service.
    #[arg(long, value_name = "URL", requires = "cluster", env = "PARTYWALL_WEBHOOK_URL", value_parser = url)]
    webhook_url: Option<Server>,

    /// With --cluster, who owns the webhook configurations: partywall registers and mends them, or others do.
    #[arg(long, value_enum, default_value_t, requires = "cluster", env = "PARTYWALL_REGISTRATION")]
    registration: Registration,

    /// With --cluster, the kubeconfig. Absent: KUBECONFIG or ~/.kube/config, else the pod's ServiceAccount.
    #[arg(long, value_name = "FILE", requires = "cluster", env = "PARTYWALL_KUBECONFIG")]
    kubeconfig: Option<PathBuf>,

    /// With --cluster, the context in the kubeconfig. Absent: its current one.
    #[arg(
        long,
        value_name = "NAME",
        requires = "cluster",
        env = "PARTYWALL_CONTEXT",
        value_parser = NonEmptyStringValueParser::new()
    )]
    context: Option<String>,

    /// With --cluster, a file with Settings, usually a mounted ConfigMap. Each field holds where the cluster's own
    /// Settings lack it.
    #[arg(long, value_name = "FILE", requires = "cluster", env = "PARTYWALL_SETTINGS")]
    settings: Option<PathBuf>,
}

/// Says who owns the webhook configurations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Registration {
    /// partywall registers and mends them.
    #[default]
    Owned,
    /// Others do, and partywall reads them.
    External,
}

impl From<Registration> for Owner {
    fn from(registration: Registration) -> Self {
        match registration {
            Registration::Owned => Self::Partywall,
            Registration::External => Self::Others,
        }
    }
}

impl PolicyArgs {
    /// Returns whether the embedded demonstration holds.
    pub(super) const fn is_demo(&self) -> bool {
        self.policies.is_empty() && !self.cluster
    }
}

/// Keeps the store up to date.
pub(super) enum Source {
    Files(Policies),
    Cluster(Box<Cluster>),
}

impl Source {
    /// Loads files for the first time, or prepares the client of a cluster, of which nothing is known yet.
    ///
    /// Returns the reader of the store, by which reviews are decided, too.
    pub(super) async fn prepare(args: PolicyArgs, metrics: Arc<Metrics>) -> anyhow::Result<(Self, Reader)> {
        let (writer, reader) = policies::store();
        let PolicyArgs { policies: paths, cluster, kubeconfig, context, settings, .. } = args;
        let place =
            Place { namespace: args.namespace, server: args.webhook_url, owner: args.registration.into() };
        if !cluster {
            return Ok((Self::Files(Policies::load(paths, writer, metrics, today).await?), reader));
        }
        metrics.policies_in_cluster.set(1);
        let access = Access { kubeconfig, context };
        let learned = Learned::default();
        let reader = reader.learning(learned.clone());
        let store = (writer, reader.clone(), learned);
        let clock = Clock { now, today };
        let cluster = Cluster::new(access, settings, place, store, metrics, clock).await?;
        Ok((Self::Cluster(Box::new(cluster)), reader))
    }

    /// Has the certificates of a cluster taken care of, and returns the one to serve, now and later; `None` if files
    /// or a self-signed one are served as they are.
    pub(super) fn certify(
        &mut self,
        args: &IssuerArgs,
        pair: Option<&Pair>,
        metrics: Arc<Metrics>,
    ) -> Option<watch::Receiver<Option<Arc<CertifiedKey>>>> {
        match self {
            Self::Files(_) => None,
            Self::Cluster(cluster) => {
                let issuer = args.issuer(pair)?;
                Some(cluster.certify(issuer, (args.lifetimes(), args.clock()), metrics))
            }
        }
    }

    /// Returns the conditions under which the server is ready, beside that it has policies.
    pub(super) fn readiness(&mut self) -> Readiness {
        match self {
            Self::Files(_) => Readiness::default(),
            Self::Cluster(cluster) => cluster
                .conditions()
                .into_iter()
                .fold(Readiness::default(), |readiness, (name, unready)| readiness.and(name, unready)),
        }
    }

    /// Goes on for ever; files are loaded again whenever `demands` changes, too. Once `stopping` is true, nothing that
    /// others read is written to the cluster. Once `ended` is true, this replica leaves the cluster, and drops it.
    pub(super) async fn watch(
        self,
        demands: watch::Receiver<()>,
        stopping: watch::Receiver<bool>,
        ended: watch::Receiver<bool>,
    ) -> Infallible {
        match self {
            Self::Files(policies) => policies.watch(LOOK_EVERY, demands).await,
            Self::Cluster(cluster) => cluster.run(stopping, ended).await,
        }
    }
}
