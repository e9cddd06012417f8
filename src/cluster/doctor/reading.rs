//! Reads a cluster for the checks: the one part of the doctor that asks the API server.

use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::{Map, Value};
use tokio::time::{Instant, sleep};

use super::entries::{self, Asked};
use super::finding::{Look, NotLookedAt};
use super::policies::compile;
use super::seen::{Lease, Namespace, Pod, Seen};
use crate::cluster::api_server::{ApiServer, Refusal, Unreachable};
use crate::cluster::definitions;
use crate::cluster::installation::{CA_SECRET, CONFIGURATIONS};
use crate::cluster::item::Item;
use crate::cluster::kind::Kind;
use crate::cluster::leases;

/// How long a Lease that looks old is watched for a renewal, which comes every five seconds.
const RENEWAL: Duration = Duration::from_secs(7);
/// The time between two looks at such a Lease.
const EVERY: Duration = Duration::from_millis(500);
/// The path of the webhook configurations, without the kind.
const REGISTRATION: &str = "/apis/admissionregistration.k8s.io/v1";

/// What is read, and by which clock.
pub(super) struct Reading<'r> {
    pub(super) api: &'r ApiServer,
    /// The namespace of partywall.
    pub(super) namespace: String,
    /// The default Settings of the replicas.
    pub(super) defaults: Map<String, Value>,
    pub(super) today: Date,
    pub(super) now: fn() -> Timestamp,
}

impl Reading<'_> {
    /// Reads everything, one kind after the other, and tells what it reads.
    pub(super) async fn read(self, tell: &mut (dyn FnMut(&str) + Send)) -> Result<Seen, Unreachable> {
        let Self { api, namespace, defaults, today, now } = self;
        api.greet().await?;
        tell("the installation");
        let configurations = |kind| format!("{REGISTRATION}/{kind}");
        let mutating = api.get(&configurations("mutatingwebhookconfigurations"), CONFIGURATIONS).await?;
        let validating = api.get(&configurations("validatingwebhookconfigurations"), CONFIGURATIONS).await?;
        let mut installed = Vec::new();
        for (name, _) in definitions::expected() {
            let path = definitions::PATH;
            let definition = api.get(path, &name).await?;
            installed.push((name.clone(), look(format!("CustomResourceDefinition {name}"), definition)));
        }
        let within = |group: &str, plural: &str| format!("{group}/namespaces/{namespace}/{plural}");
        let deployment = api.get(&within("/apis/apps/v1", "deployments"), CONFIGURATIONS).await?;
        // Of the Secret nothing but its name is read.
        let secret = api.get_metadata::<Value>(&within("/api/v1", "secrets"), CA_SECRET).await?;
        let leases = read_leases(api, &within("/apis/coordination.k8s.io/v1", "leases"), now).await?;

        tell("the objects of partywall.dev");
        let mut listed = Vec::new();
        let mut refused = None;
        for kind in Kind::ALL.into_iter().filter(|kind| kind.is_own()) {
            match look(kind.resource(), api.list::<Item>(kind.path()).await?) {
                Ok(items) => listed.push((kind, items)),
                Err(missing) => refused = refused.or(Some(missing)),
            }
        }
        tell("Namespaces");
        let namespaces: Look<Vec<Namespace>> =
            look("namespaces", api.list_metadata(Kind::Namespace.path()).await?);
        if let Ok(namespaces) = &namespaces {
            listed.push((Kind::Namespace, namespaces.clone()));
        }
        let policies = match refused {
            Some(missing) => Err(missing),
            None => compile(listed, defaults, (&namespace, today)),
        };
        tell("Nodes");
        let nodes = look("nodes", api.list("/api/v1/nodes").await?);
        tell("DaemonSets");
        let daemon_sets = look("daemonsets", api.list("/apis/apps/v1/daemonsets").await?);
        tell("Pods");
        let pods: Look<Vec<Pod>> = look("pods", api.list("/api/v1/pods").await?);
        Ok(Seen {
            mutating: look(format!("MutatingWebhookConfiguration {CONFIGURATIONS}"), mutating),
            validating: look(format!("ValidatingWebhookConfiguration {CONFIGURATIONS}"), validating),
            definitions: installed,
            policies,
            namespaces,
            nodes,
            pods: pods.map(|all| all.into_iter().filter(Pod::runs).collect()),
            daemon_sets,
            leases,
            has_secret: look(format!("Secret {namespace}/{CA_SECRET}"), secret).map(|found| found.is_some()),
            deployment: look(format!("Deployment {namespace}/{CONFIGURATIONS}"), deployment),
            namespace,
        })
    }
}

/// Asks the questions that tell something in this cluster.
pub(super) async fn ask(api: &ApiServer, seen: &Seen, nonce: &str) -> Result<Vec<Asked>, Unreachable> {
    let none = Vec::new();
    let namespaces = seen.namespaces.as_ref().unwrap_or(&none);
    let mut asked = Vec::new();
    for question in entries::questions(seen.policies.as_ref().ok(), namespaces, nonce) {
        let answer = api.try_to_create(&question.path, &question.object).await?;
        asked.push(Asked { question, answer });
    }
    Ok(asked)
}

/// Reads the Leases, and watches for a while those that look as if nobody renewed them: clocks differ.
async fn read_leases(
    api: &ApiServer,
    path: &str,
    now: fn() -> Timestamp,
) -> Result<Look<Vec<Lease>>, Unreachable> {
    let first = look("leases", api.list::<leases::Lease>(path).await?);
    let mut leases = match first {
        Ok(leases) => leases,
        Err(missing) => return Ok(Err(missing)),
    };
    leases.retain(leases::Lease::is_partywalls);
    let read_at = now();
    let mut is_live: Vec<bool> = leases.iter().map(|lease| is_renewed_at(lease, read_at)).collect();
    let end = Instant::now() + RENEWAL;
    while Instant::now() < end
        && leases.iter().zip(&is_live).any(|(lease, is_live)| !is_live && lease.holder().is_some())
    {
        sleep(EVERY).await;
        let Ok(later) = api.list::<leases::Lease>(path).await? else { break };
        for (lease, is_live) in leases.iter().zip(&mut is_live) {
            let later = later.iter().find(|later| later.metadata.name == lease.metadata.name);
            *is_live |=
                later.is_some_and(|later| later.holder().is_some() && later.tenure() != lease.tenure());
        }
    }
    let lease = |(lease, is_live): (leases::Lease, bool)| Lease {
        replica: leases::replica(&lease),
        name: lease.metadata.name,
        is_live,
    };
    Ok(Ok(leases.into_iter().zip(is_live).map(lease).collect()))
}

/// Returns whether a Lease holds by its own time, which another clock wrote.
fn is_renewed_at(lease: &leases::Lease, now: Timestamp) -> bool {
    let renewed = lease.spec.renew_time.as_deref().and_then(|time| time.parse::<Timestamp>().ok());
    lease.holder().is_some()
        && renewed.is_some_and(|renewed| now.duration_since(renewed).unsigned_abs() <= lease.duration())
}

fn look<T>(what: impl Into<String>, answer: Result<T, Refusal>) -> Look<T> {
    answer.map_err(|refusal| NotLookedAt::refused(what, refusal))
}
