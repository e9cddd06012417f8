//! What is read of a watched object.

use std::collections::BTreeMap;
use std::mem;
use std::sync::Arc;

use partywall_core::api::{ACKNOWLEDGE, API_VERSION, TenantStatus};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::kind::Kind;

/// A watched object: its metadata, and its spec and status if they have been asked for.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Item {
    pub(super) metadata: Metadata,
    #[serde(default)]
    pub(super) spec: Value,
    #[serde(default)]
    pub(super) status: Value,
}

/// The metadata of a watched object.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Metadata {
    pub(super) name: String,
    #[serde(default)]
    pub(super) uid: String,
    #[serde(default)]
    pub(super) resource_version: String,
    /// Changes with the spec, and not with the status.
    #[serde(default)]
    pub(super) generation: i64,
    #[serde(default)]
    pub(super) labels: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) annotations: BTreeMap<String, String>,
}

/// Changes whenever what partywall reads of an object changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Version {
    uid: String,
    generation: i64,
    acknowledged: Option<String>,
}

impl Version {
    /// Returns the identity of the object; empty if it is not the API server's.
    pub(super) fn uid(&self) -> &str {
        &self.uid
    }

    /// Returns the generation of the object.
    pub(super) const fn generation(&self) -> i64 {
        self.generation
    }
}

impl Item {
    /// Returns what changes whenever the object is to be read again.
    pub(super) fn version(&self) -> Version {
        let Metadata { uid, generation, annotations, .. } = &self.metadata;
        Version {
            uid: uid.clone(),
            generation: *generation,
            acknowledged: annotations.get(ACKNOWLEDGE).cloned(),
        }
    }

    /// Takes the status out, if partywall could have written it.
    pub(super) fn take_status(&mut self) -> Option<Arc<TenantStatus>> {
        // A Tenant's has the fields of all others.
        let status = serde_json::from_value(mem::take(&mut self.status)).ok()?;
        (status != TenantStatus::default()).then(|| Arc::new(status))
    }

    /// Returns the object as a file would hold it: without status and all metadata that only the API server writes.
    pub(super) fn document(self, kind: Kind) -> Value {
        let Metadata { name, mut annotations, .. } = self.metadata;
        annotations.retain(|key, _| key == ACKNOWLEDGE);
        let mut metadata = Map::from_iter([("name".to_owned(), Value::String(name))]);
        if !annotations.is_empty() {
            metadata.insert("annotations".to_owned(), json!(annotations));
        }
        let mut document = Map::from_iter([
            ("apiVersion".to_owned(), json!(API_VERSION)),
            ("kind".to_owned(), json!(kind.name())),
            ("metadata".to_owned(), Value::Object(metadata)),
        ]);
        if !self.spec.is_null() {
            document.insert("spec".to_owned(), self.spec);
        }
        Value::Object(document)
    }
}
