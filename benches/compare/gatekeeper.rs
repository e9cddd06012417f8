//! Starts Gatekeeper beside the control plane, and installs and registers it as its own manifest does.
//!
//! Differences from the manifest favour Gatekeeper, or make both sides claim the same. The webhooks fail
//! closed. They are called for the resources that the policies are about, and not for every resource of the cluster.
//! The mutating one is not called for updates of pods, since the API server would refuse the patch. There is one
//! replica, and no audit.

use std::env;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::api::Api;
use crate::eventually::{SOON, eventually};
use crate::partywall::Pair;
use crate::process;
use crate::users::User;

/// The folder with the policies.
const POLICIES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/compare/gatekeeper");
pub(crate) const NAMESPACE: &str = "gatekeeper-system";
/// The Pod object that owns what Gatekeeper writes about its state.
pub(crate) const POD: &str = "gatekeeper";
/// The operations of the Deployment that answers the webhooks.
pub(crate) const ANSWERING: [&str; 2] = ["webhook", "mutation-webhook"];
/// The operations of the Deployment that audits as well, but for the audit: it makes the kinds of the constraints.
pub(crate) const INSTALLING: [&str; 5] =
    ["generate", "status", "mutation-status", "webhook", "mutation-webhook"];

/// Returns the folder of the program, which benches/compare/gatekeeper/build prints.
pub(crate) fn assets() -> anyhow::Result<PathBuf> {
    let assets = env::var_os("GATEKEEPER_ASSETS").map(PathBuf::from);
    let assets = assets.context("GATEKEEPER_ASSETS is not set; `make compare` sets it")?;
    for file in ["gatekeeper", "gatekeeper.yaml"] {
        ensure!(assets.join(file).is_file(), "GATEKEEPER_ASSETS={} has no {file}", assets.display());
    }
    Ok(assets)
}

/// The addresses at which it listens.
#[derive(Clone, Copy)]
pub(crate) struct Addresses {
    pub(crate) webhook: SocketAddr,
    pub(crate) health: SocketAddr,
    pub(crate) metrics: SocketAddr,
}

/// Returns the command that runs it with these operations.
pub(crate) fn serve(
    assets: &Path,
    folder: &Path,
    pair: &Pair,
    at: Addresses,
    operations: &[&str],
) -> anyhow::Result<Command> {
    let mut command = process::command(&assets.join("gatekeeper"));
    let certificates = pair.cert.parent().context("a certificate is in a folder")?;
    command
        .arg(format!("--kubeconfig={}", User::Admin.kubeconfig(folder).display()))
        .arg(format!("--host={}", at.webhook.ip()))
        .arg(format!("--port={}", at.webhook.port()))
        .arg(format!("--cert-dir={}", certificates.display()))
        .arg(format!("--health-addr={}", at.health))
        .arg(format!("--prometheus-port={}", at.metrics.port()))
        .arg(format!("--exempt-namespace={NAMESPACE}"))
        .args(["--logtostderr", "--disable-cert-rotation", "--shutdown-delay=0"])
        .arg("--disable-opa-builtin={http.send}")
        .args(operations.iter().map(|operation| format!("--operation={operation}")))
        .env("POD_NAME", POD)
        .env("POD_NAMESPACE", NAMESPACE)
        .env("NAMESPACE", NAMESPACE)
        .env("CONTAINER_NAME", "manager");
    Ok(command)
}

/// The objects of its manifest.
pub(crate) struct Manifest(Vec<Value>);

impl Manifest {
    /// `objects` are those of the manifest in JSON, one after the other.
    pub(crate) fn new(objects: &str) -> anyhow::Result<Self> {
        let objects = serde_json::Deserializer::from_str(objects).into_iter();
        Ok(Self(objects.collect::<Result<_, _>>()?))
    }

    /// Returns a List of what has to be there before it starts: no process, and nothing that calls it.
    pub(crate) fn installation(&self) -> Value {
        let left_out = ["Deployment", "PodDisruptionBudget", "Service", "ResourceQuota"];
        let is_wanted = |object: &&Value| {
            let kind = object["kind"].as_str().unwrap_or_default();
            !left_out.contains(&kind) && !kind.ends_with("WebhookConfiguration")
        };
        json!({"apiVersion": "v1", "kind": "List", "items": self.0.iter().filter(is_wanted).collect::<Vec<_>>()})
    }

    /// Returns a List of the webhook configurations for an address.
    pub(crate) fn configurations(&self, pair: &Pair, webhook: SocketAddr) -> anyhow::Result<Value> {
        let bundle = BASE64_STANDARD.encode(pair.authority()?);
        let mut items = Vec::new();
        let is_wanted =
            |object: &&Value| object["kind"].as_str().unwrap_or_default().ends_with("WebhookConfiguration");
        for object in self.0.iter().filter(is_wanted) {
            let mut object = object.clone();
            let webhooks = object["webhooks"].as_array_mut().context("a configuration has webhooks")?;
            for entry in webhooks {
                let path = entry["clientConfig"]["service"]["path"].as_str().context("a path")?;
                let url = format!("https://{webhook}{path}");
                entry["clientConfig"] = json!({"url": url, "caBundle": bundle});
                entry["failurePolicy"] = json!("Fail");
                entry["timeoutSeconds"] = json!(5);
                match entry["name"].as_str() {
                    Some("mutation.gatekeeper.sh") => entry["rules"] = mutated(),
                    Some("validation.gatekeeper.sh") => entry["rules"] = validated(),
                    Some("check-ignore-label.gatekeeper.sh") => {}
                    other => anyhow::bail!("Gatekeeper has a webhook {other:?} that this does not know"),
                }
            }
            items.push(object);
        }
        ensure!(items.len() == 2, "Gatekeeper's manifest has {} webhook configurations", items.len());
        Ok(json!({"apiVersion": "v1", "kind": "List", "items": items}))
    }
}

fn mutated() -> Value {
    json!([
        {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]},
        {"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "resources": ["daemonsets"]},
    ])
}

fn validated() -> Value {
    let core = ["pods", "pods/ephemeralcontainers", "pods/resize", "pods/binding", "bindings", "services"];
    json!([
        {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "resources": core},
        {
            "apiGroups": ["networking.k8s.io"], "apiVersions": ["v1"],
            "operations": ["CREATE", "UPDATE"], "resources": ["ingresses"],
        },
    ])
}

/// Applies the policies, with a function that applies a file, while the operations of [`INSTALLING`] run.
///
/// # Errors
///
/// If a file cannot be applied, or Gatekeeper finds a mistake in a policy.
pub(crate) fn install_policies(
    admin: &Api,
    apply: impl Fn(&Path) -> anyhow::Result<String>,
) -> anyhow::Result<()> {
    let file = |name: &str| Path::new(POLICIES).join(name);
    // A kind that was just made may not be served yet.
    let apply =
        |name: &str| eventually(SOON, name, || apply(&file(name)).map_err(|error| format!("{error:#}")));
    for name in ["templates.yaml", "constraints.yaml", "mutations.yaml"] {
        apply(name);
    }
    let templates = "/apis/templates.gatekeeper.sh/v1/constrainttemplates";
    let accepted = |template: &Value| {
        let pods = template["status"]["byPod"].as_array().into_iter().flatten();
        let mistakes: Vec<_> = pods.filter(|pod| !pod["errors"].is_null()).collect();
        assert!(mistakes.is_empty(), "{}: {mistakes:?}", template["metadata"]["name"]);
        template["status"]["created"] == true
    };
    eventually(SOON, "Gatekeeper accepts the templates", || {
        let list = admin.get(templates).context("no templates").map_err(|error| error.to_string())?;
        let items = list["items"].as_array().map(Vec::as_slice).unwrap_or_default();
        let waiting = items.iter().filter(|template| !accepted(template)).count();
        if waiting == 0 && !items.is_empty() { Ok(()) } else { Err(format!("{waiting} are not there yet")) }
    });
    Ok(())
}
