//! The installed CustomResourceDefinitions beside those of this program.
//!
//! The API server knows only the fields of the installed schema: it checks and explains no others.

use std::collections::BTreeSet;
use std::time::Duration;

use kube::Client;
use kube::api::GetParams;
use kube::core::Request;
use partywall_core::crds;
use serde_json::Value;
use tokio::sync::watch;
use tokio::time::sleep;
use tracing::{error, info, warn};

use super::readiness::Unready;
use super::send::{Failure, send};

/// The path of all definitions.
pub(super) const PATH: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
/// The keys of a definition's version that say what the API server does, beside the schema.
const OF_VERSION: [&str; 3] = ["served", "storage", "subresources"];
/// The time between two looks, and before all is as it should be.
const LOOKS: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(2));
/// The reason before the first look.
pub(super) const NOT_COMPARED: &str = "the CustomResourceDefinitions were not compared yet";
const OLD: &str =
    "the CustomResourceDefinitions lack fields of this version; apply those of `partywall manifests crds`";

/// Returns the definitions that should be there, by their names.
pub(super) fn expected() -> impl Iterator<Item = (String, Value)> {
    let name = |definition: &Value| {
        definition.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    crds::definitions().into_iter().map(move |definition| (name(&definition), definition))
}

/// Publishes whether the installed definitions have all fields, until nobody wants to know it.
///
/// A field that the schema lacks might be dropped without a word, and absent often means any. What the API server says
/// last holds while it is away.
pub(super) async fn watch_definitions(client: Client, unready: watch::Sender<Unready>) {
    let mut is_failing = false;
    let mut told = Some(NOT_COMPARED);
    loop {
        match lacking(&client).await {
            Ok(lacking) => {
                is_failing = false;
                let now = (!lacking.is_empty()).then_some(OLD);
                if now != told {
                    match now {
                        Some(old) => error!(lacking = lacking.join(", "), "{old}"),
                        None if told == Some(OLD) => {
                            info!("the CustomResourceDefinitions are of this version")
                        }
                        None => {}
                    }
                    told = now;
                }
                // A replica that was ready stays so: all would end at once, and what is stored already is whole.
                unready.send_if_modified(|unready| {
                    let is_new = unready.is_some() && *unready != now;
                    if is_new {
                        *unready = now;
                    }
                    is_new
                });
            }
            Err(failure) => {
                if !is_failing {
                    warn!(%failure, "the CustomResourceDefinitions cannot be read; it is tried again");
                    is_failing = true;
                }
            }
        }
        let pause = if unready.borrow().is_none() { LOOKS.0 } else { LOOKS.1 };
        tokio::select! {
            () = sleep(pause) => {}
            () = unready.closed() => return,
        }
    }
}

/// Returns the fields that the installed definitions lack, each with its definition.
async fn lacking(client: &Client) -> Result<Vec<String>, Failure> {
    let mut lacking = Vec::new();
    for (name, expected) in expected() {
        let installed: Value = send(client, Request::new(PATH).get(&name, &GetParams::default())).await?;
        let differences = differences(&expected, &installed);
        lacking.extend(differences.lacking.into_iter().map(|field| format!("{name} {field}")));
    }
    Ok(lacking)
}

/// The differences of a definition, by the paths of the fields that they are about.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Differences {
    /// Fields that the installed one lacks.
    pub(super) lacking: BTreeSet<String>,
    /// Fields that only the installed one has.
    pub(super) more: BTreeSet<String>,
    /// Fields of another schema.
    pub(super) other: BTreeSet<String>,
    /// Whether something beside the schema differs.
    pub(super) is_other_kind: bool,
}

pub(super) fn differences(expected: &Value, installed: &Value) -> Differences {
    let mut differences = Differences::default();
    let version = |definition: &'_ Value| -> Option<Value> {
        let name = expected.pointer("/spec/versions/0/name")?;
        let versions = definition.pointer("/spec/versions").and_then(Value::as_array)?;
        versions.iter().find(|version| version.get("name") == Some(name)).cloned()
    };
    let (Some(expected_version), Some(version)) = (version(expected), version(installed)) else {
        differences.is_other_kind = true;
        return differences;
    };
    let is_same = |path: &str| expected.pointer(path) == installed.pointer(path);
    differences.is_other_kind = !is_same("/spec/scope")
        || !is_same("/spec/names/kind")
        || !is_same("/spec/names/shortNames")
        || OF_VERSION.iter().any(|key| expected_version.get(key) != version.get(key));
    let schema = |version: &Value| version.pointer("/schema/openAPIV3Schema").cloned().unwrap_or_default();
    differences.compare("", &schema(&expected_version), &schema(&version));
    differences
}

impl Differences {
    /// Compares the schemas of a field.
    fn compare(&mut self, at: &str, expected: &Value, installed: &Value) {
        let (Value::Object(expected), Value::Object(installed)) = (expected, installed) else {
            if expected != installed {
                self.other.insert(at.to_owned());
            }
            return;
        };
        let keys: BTreeSet<&String> = expected.keys().chain(installed.keys()).collect();
        for key in keys {
            let both = (expected.get(key), installed.get(key));
            match (key.as_str(), both) {
                ("properties", (expected, installed)) => self.compare_fields(at, expected, installed),
                ("items", (Some(expected), Some(installed))) => {
                    self.compare(&format!("{at}[*]"), expected, installed);
                }
                ("additionalProperties", (Some(expected), Some(installed))) => {
                    self.compare(&format!("{at}.*"), expected, installed);
                }
                (_, (expected, installed)) if expected != installed => {
                    self.other.insert(at.to_owned());
                }
                (_, _) => {}
            }
        }
    }

    fn compare_fields(&mut self, at: &str, expected: Option<&Value>, installed: Option<&Value>) {
        let fields = |of: Option<&Value>| of.and_then(Value::as_object).cloned().unwrap_or_default();
        let (expected, installed) = (fields(expected), fields(installed));
        let path = |name: &str| if at.is_empty() { name.to_owned() } else { format!("{at}.{name}") };
        for (name, schema) in &expected {
            match installed.get(name) {
                Some(other) => self.compare(&path(name), schema, other),
                None => {
                    self.lacking.insert(path(name));
                }
            }
        }
        self.more
            .extend(installed.keys().filter(|name| !expected.contains_key(*name)).map(|name| path(name)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::fake_server::{Answer, FakeServer, status};

    #[tokio::test(start_paused = true)]
    async fn a_missing_field_means_not_ready_until_the_definition_is_applied() {
        let all: Vec<Value> = expected().map(|(_, definition)| definition).collect();
        let mut old = all.clone();
        let path = "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties";
        old[1].pointer_mut(path).unwrap().as_object_mut().unwrap().remove("nodePools");
        let answers = |definitions: Vec<Value>| definitions.into_iter().map(|one| Answer::Object(200, one));
        let answers = answers(old.clone())
            .chain([Answer::Object(500, status(500))])
            .chain(answers(all))
            .chain(answers(old));
        let server = FakeServer::new(answers);
        let (unready, mut readiness) = watch::channel(Some(NOT_COMPARED));
        tokio::spawn(watch_definitions(server.client.clone(), unready));
        readiness.wait_for(|unready| *unready == Some(OLD)).await.unwrap();
        readiness.wait_for(Option::is_none).await.unwrap();
        assert_eq!(server.asked().len(), 11);
        sleep(LOOKS.0 * 2).await;
        assert!(server.asked().len() >= 16 && readiness.borrow().is_none(), "one that was ready stays so");
    }
}
