//! Another mutating webhook in the cluster, which undoes what partywall stamps.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::http::Method;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::cluster::Cluster;
use crate::eventually::{SOON, eventually};
use crate::https::Server;
use crate::registration;

/// After `partywall`, so that it sees what was stamped.
const NAME: &str = "zz-meddler";

/// The change that it makes to every pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meddling {
    TakesToleration,
    TakesNodeSelector,
    AddsTerm,
}

impl Meddling {
    const ALL: [Self; 3] = [Self::TakesToleration, Self::TakesNodeSelector, Self::AddsTerm];

    const fn path(self) -> &'static str {
        match self {
            Self::TakesToleration => "/takes-toleration",
            Self::TakesNodeSelector => "/takes-node-selector",
            Self::AddsTerm => "/adds-term",
        }
    }

    /// The JSON patch for a pod's spec.
    fn patch(self, spec: &Value) -> Value {
        const TERMS: &str =
            "/spec/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms/-";
        match self {
            Self::TakesToleration => {
                let mut rest = spec["tolerations"].as_array().cloned().unwrap_or_default();
                rest.retain(|toleration| toleration["key"] != "tenant");
                json!([{"op": "add", "path": "/spec/tolerations", "value": rest}])
            }
            Self::TakesNodeSelector => json!([{"op": "add", "path": "/spec/nodeSelector", "value": {}},
                {"op": "add", "path": "/spec/affinity", "value": {}}]),
            Self::AddsTerm => {
                let anywhere = json!({"key": "kubernetes.io/os", "operator": "In", "values": ["linux"]});
                json!([{"op": "add", "path": TERMS, "value": {"matchExpressions": [anywhere]}}])
            }
        }
    }
}

/// The webhook, once it runs.
pub(crate) struct Meddler<'c> {
    cluster: &'c Cluster,
    server: Server,
    /// The number of calls of each path.
    calls: Arc<Mutex<HashMap<String, usize>>>,
}

impl<'c> Meddler<'c> {
    pub(crate) fn start(cluster: &'c Cluster) -> Self {
        let calls = Arc::<Mutex<HashMap<String, usize>>>::default();
        let counted = Arc::clone(&calls);
        let answer = move |path: &str, body: &[u8]| {
            *counted.lock().unwrap_or_else(PoisonError::into_inner).entry(path.to_owned()).or_default() += 1;
            let review: Value = serde_json::from_slice(body).unwrap();
            let meddling = Meddling::ALL.into_iter().find(|meddling| meddling.path() == path).unwrap();
            let patch = meddling.patch(&review["request"]["object"]["spec"]).to_string();
            json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": {
                "uid": review["request"]["uid"], "allowed": true,
                "patchType": "JSONPatch", "patch": BASE64_STANDARD.encode(patch),
            }})
        };
        let server = Server::start(cluster.runtime(), &cluster.setup.pair, Arc::new(answer));
        Self { cluster, server, calls }
    }

    /// Has the API server ask it about the pods of a namespace: about those labelled `meddle` with one of these
    /// names, and once more about those of the first list when another webhook has changed them since.
    pub(crate) fn register(
        &self,
        namespace: &str,
        insistent: &[(&str, Meddling)],
        once: &[(&str, Meddling)],
    ) {
        let webhook = |(name, meddling): &(&str, Meddling), reinvocation: &str| {
            json!({
                "name": format!("{name}.meddler.example.com"),
                "admissionReviewVersions": ["v1"],
                "clientConfig": {
                    "url": format!("https://{}{}", self.server.address, meddling.path()),
                    "caBundle": registration::bundle(&self.cluster.setup.pair),
                },
                "namespaceSelector": {"matchLabels": {"meddled": namespace}},
                "objectSelector": {"matchLabels": {"meddle": name}},
                "reinvocationPolicy": reinvocation,
                "rules": [{"operations": ["CREATE"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"]}],
                "sideEffects": "None",
            })
        };
        let asked_again = insistent.iter().map(|entry| webhook(entry, "IfNeeded"));
        let asked_once = once.iter().map(|entry| webhook(entry, "Never"));
        let webhooks: Vec<Value> = asked_again.chain(asked_once).collect();
        let admin = self.cluster.admin();
        self.cluster.label(namespace, &json!({"meddled": namespace}));
        let configuration = json!({
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingWebhookConfiguration",
            "metadata": {"name": NAME}, "webhooks": webhooks,
        });
        admin.create(&self.cluster.path("MutatingWebhookConfiguration", ""), &configuration);
        // One pod for each, until it has been asked about.
        let path = format!("{}?dryRun=All", self.cluster.path("Pod", namespace));
        for (name, meddling) in insistent {
            eventually(SOON, &format!("{name} is asked"), || {
                let before = self.calls(*meddling);
                let pod = json!({
                    "metadata": {"name": "probe", "labels": {"meddle": name}},
                    "spec": {"containers": [{"name": "app", "image": "registry.example.com/app:1"}]},
                });
                // Denied or not.
                let answer = admin.send(Method::POST, &path, &pod);
                if self.calls(*meddling) > before { Ok(()) } else { Err(format!("{answer:?}")) }
            });
        }
    }

    pub(crate) fn unregister(&self) {
        let path = self.cluster.path("MutatingWebhookConfiguration", "");
        self.cluster.admin().delete(&format!("{path}/{NAME}"));
    }

    /// Returns how many times it was called for this change.
    pub(crate) fn calls(&self, meddling: Meddling) -> usize {
        let calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        calls.get(meddling.path()).copied().unwrap_or_default()
    }
}
