//! Writes down what the API server asks, byte for byte: `PARTYWALL_E2E_RECORD=FOLDER cargo test --test e2e`.
//!
//! The recorder is registered for everything partywall is registered for, in every namespace, and allows it all.
//! The files have the names of those in tests/fixtures/reviews, where whoever looks at them may want to keep some.

use std::collections::HashSet;
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};

use crate::cluster::Cluster;
use crate::https::Server;
use crate::registration;

/// A running recorder. Dropping it ends it and deletes its registration.
pub(crate) struct Recorder<'c> {
    cluster: &'c Cluster,
    _server: Server,
}

const KINDS: [(&str, &str); 2] =
    [("MutatingWebhookConfiguration", "/mutate"), ("ValidatingWebhookConfiguration", "/validate")];
/// Sorts before `partywall`, so that it is called before the pod is stamped.
const NAME: &str = "a-recorder";

impl<'c> Recorder<'c> {
    /// Starts it if the environment says where to write.
    pub(crate) fn start(cluster: &'c Cluster) -> Option<Self> {
        let folder = PathBuf::from(std::env::var_os("PARTYWALL_E2E_RECORD")?);
        fs::create_dir_all(&folder).unwrap();
        let seen = Mutex::<HashSet<String>>::default();
        let answer = move |path: &str, body: &[u8]| {
            let review: Value = serde_json::from_slice(body).unwrap();
            let name = file_name(path, &review["request"]);
            // One of each will do.
            if seen.lock().unwrap_or_else(PoisonError::into_inner).insert(name.clone()) {
                fs::write(folder.join(name), body).unwrap();
            }
            json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": {
                "uid": review["request"]["uid"], "allowed": true,
            }})
        };
        let server = Server::start(cluster.runtime(), &cluster.setup.pair, Arc::new(answer));
        for (kind, path) in KINDS {
            let mut configuration = cluster.get(kind, "", "partywall");
            configuration["metadata"] = json!({"name": NAME});
            let webhooks = configuration["webhooks"].as_array_mut().unwrap();
            // Those of tenants' namespaces name everything that the others name.
            webhooks.retain(|webhook| !webhook["name"].as_str().unwrap().contains("elsewhere"));
            for webhook in webhooks {
                webhook["clientConfig"] = json!({
                    "url": format!("https://{}{path}", server.address),
                    "caBundle": registration::bundle(&cluster.setup.pair),
                });
                webhook["failurePolicy"] = json!("Ignore");
                webhook["namespaceSelector"] = json!({});
            }
            cluster.admin().create(&cluster.path(kind, ""), &configuration);
        }
        Some(Self { cluster, _server: server })
    }
}

impl Drop for Recorder<'_> {
    fn drop(&mut self) {
        for (kind, _) in KINDS {
            self.cluster.admin().delete(&format!("{}/{NAME}", self.cluster.path(kind, "")));
        }
    }
}

/// `<phase>-<operation>-<resource>[-<subresource>]-<object>[-by-<controller>][-dry-run].json`
fn file_name(path: &str, request: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let metadata = &request["object"]["metadata"];
    // Of the pods of one owner, one will do.
    let names = [&metadata["generateName"], &request["name"], &metadata["name"]].map(text);
    let name = names.into_iter().find(|name| !name.is_empty()).unwrap_or_default();
    let user = text(&request["userInfo"]["username"]);
    let controller = user.rsplit(':').next().filter(|_| user.starts_with("system:"));
    let mut parts = vec![path.trim_start_matches('/').to_owned(), text(&request["operation"]).to_lowercase()];
    parts.extend([text(&request["resource"]["resource"]), text(&request["subResource"])]);
    parts.push(name.trim_end_matches('-').replace(['.', ':'], "-"));
    parts.extend(controller.map(|controller| format!("by-{controller}")));
    parts.extend((request["dryRun"] == true).then(|| "dry-run".to_owned()));
    parts.retain(|part| !part.is_empty());
    format!("{}.json", parts.join("-"))
}
