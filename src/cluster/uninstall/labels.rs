//! Tells which labels of Namespaces partywall set, by the field manager that owns them.

use partywall_core::labels::TENANT;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::cluster::installation::LABELS_MANAGER;

/// A Namespace, as metadata.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Labelled {
    metadata: Metadata,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    name: String,
    #[serde(default)]
    uid: String,
    #[serde(default)]
    labels: std::collections::BTreeMap<String, String>,
    #[serde(default)]
    managed_fields: Vec<Managed>,
}

/// The fields that a manager owns.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Managed {
    #[serde(default)]
    manager: String,
    #[serde(default)]
    operation: String,
    #[serde(default)]
    subresource: String,
    #[serde(default)]
    fields_v1: Value,
}

/// A Namespace with a label that partywall set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Owned {
    pub(super) name: String,
    uid: String,
    /// Whether somebody else set the label too, so that it stays.
    pub(super) is_shared: bool,
}

/// The Namespaces with a tenant's label.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Labels {
    pub(super) owned: Vec<Owned>,
    /// The names of those whose label others set.
    pub(super) others: Vec<String>,
}

/// Sorts Namespaces by who set their label.
pub(super) fn sort(namespaces: Vec<Labelled>) -> Labels {
    let mut labels = Labels::default();
    for Labelled { metadata } in namespaces {
        let Metadata { name, uid, labels: of_namespace, managed_fields } = metadata;
        if !of_namespace.contains_key(TENANT) {
            continue;
        }
        let mut owners = managed_fields.iter().filter(|managed| managed.owns_label());
        let is_own = owners.clone().any(Managed::is_partywalls);
        if is_own {
            let is_shared = owners.any(|managed| !managed.is_partywalls());
            labels.owned.push(Owned { name, uid, is_shared });
        } else {
            labels.others.push(name);
        }
    }
    labels
}

impl Managed {
    fn owns_label(&self) -> bool {
        let labels = self.fields_v1.get("f:metadata").and_then(|fields| fields.get("f:labels"));
        labels.is_some_and(|labels| labels.get(format!("f:{TENANT}")).is_some())
    }

    fn is_partywalls(&self) -> bool {
        let Self { manager, operation, subresource, .. } = self;
        manager == LABELS_MANAGER && operation == "Apply" && subresource.is_empty()
    }
}

/// Returns what partywall applies so that it owns nothing of the Namespace any more.
///
/// The uid keeps the API server from creating a Namespace that has gone meanwhile.
pub(super) fn nothing(Owned { name, uid, .. }: &Owned) -> Value {
    json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "uid": uid}})
}

/// Returns whether a stored Namespace has a tenant's label.
pub(super) fn has_label(namespace: &Value) -> bool {
    let labels = namespace.pointer("/metadata/labels");
    labels.is_some_and(|labels| labels.get(TENANT).is_some())
}

/// Names the labels of so many Namespaces.
pub(super) fn named(count: usize) -> String {
    let namespaces = if count == 1 { "1 Namespace".to_owned() } else { format!("{count} Namespaces") };
    format!("label {TENANT} of {namespaces}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn namespace(name: &str, label: bool, managers: &[(&str, &str)]) -> Labelled {
        let managed: Vec<Value> = managers
            .iter()
            .map(|(manager, operation)| {
                let fields = json!({"f:metadata": {"f:labels": {".": {}, "f:partywall.dev/tenant": {}}}});
                json!({"manager": manager, "operation": operation, "fieldsType": "FieldsV1", "fieldsV1": fields})
            })
            .collect();
        let labels = if label { json!({TENANT: "a"}) } else { json!({}) };
        let metadata = json!({"name": name, "uid": "7", "labels": labels, "managedFields": managed});
        serde_json::from_value(json!({"metadata": metadata})).unwrap()
    }

    #[test]
    fn only_what_its_own_manager_applied_is_partywalls() {
        let labels = sort(vec![
            namespace("own", true, &[("partywall-labels", "Apply")]),
            namespace("shared", true, &[("kubectl-label", "Update"), ("partywall-labels", "Apply")]),
            namespace("stamped", true, &[("kubectl-create", "Update")]),
            namespace("imitated", true, &[("partywall-labels", "Update")]),
            namespace("none", false, &[("partywall-labels", "Apply")]),
            namespace("unmanaged", true, &[]),
        ]);
        let owned = |name: &str, is_shared| Owned { name: name.to_owned(), uid: "7".to_owned(), is_shared };
        assert_eq!(labels.owned, [owned("own", false), owned("shared", true)]);
        assert_eq!(labels.others, ["stamped", "imitated", "unmanaged"]);
    }

    #[test]
    fn who_owns_other_labels_has_not_set_this_one() {
        let mut other = namespace("other", true, &[("partywall-labels", "Apply")]);
        other.metadata.managed_fields[0].fields_v1 = json!({"f:metadata": {"f:labels": {"f:team": {}}}});
        assert_eq!(sort(vec![other]).others, ["other"]);
    }
}
