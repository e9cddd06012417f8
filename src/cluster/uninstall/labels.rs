//! Tells which labels of Namespaces partywall set, by the field manager that owns them.

use partywall_core::labels::TENANT;
use serde::Deserialize;
use serde_json::{Value, json};

use super::report::counted;
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
    /// The other managers that set the label too, so that it stays.
    pub(super) shared_with: Vec<String>,
}

/// A Namespace that keeps its label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Kept {
    pub(super) name: String,
    /// The field managers that own the label. A label that the webhook added is the creator's.
    pub(super) managers: Vec<String>,
}

/// The Namespaces with a tenant's label.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Labels {
    pub(super) owned: Vec<Owned>,
    /// Those whose label others set.
    pub(super) others: Vec<Kept>,
}

/// Sorts Namespaces by who set their label.
pub(super) fn sort(namespaces: Vec<Labelled>) -> Labels {
    let mut labels = Labels::default();
    for Labelled { metadata } in namespaces {
        let Metadata { name, uid, labels: of_namespace, managed_fields } = metadata;
        if !of_namespace.contains_key(TENANT) {
            continue;
        }
        let owners = managed_fields.iter().filter(|managed| managed.owns_label());
        let (own, others): (Vec<_>, Vec<_>) = owners.partition(|managed| managed.is_partywalls());
        let managers = others.into_iter().map(|managed| managed.manager.clone()).collect();
        if own.is_empty() {
            labels.others.push(Kept { name, managers });
        } else {
            labels.owned.push(Owned { name, uid, shared_with: managers });
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

/// Names the labels of Namespaces.
pub(super) fn named(namespaces: &[String]) -> String {
    if namespaces.is_empty() {
        format!("label {TENANT} of Namespaces")
    } else {
        format!("label {TENANT} of {}", counted("Namespace", namespaces))
    }
}

impl std::fmt::Display for Kept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name)?;
        if self.managers.is_empty() { Ok(()) } else { write!(f, " by {}", self.managers.join(" and ")) }
    }
}

impl Owned {
    /// Returns the Namespace as one that keeps its label, if others set it too.
    pub(super) fn kept(&self) -> Option<Kept> {
        let Self { name, shared_with, .. } = self;
        (!shared_with.is_empty()).then(|| Kept { name: name.clone(), managers: shared_with.clone() })
    }
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
        let owned: Vec<_> = labels.owned.iter().map(|owned| (owned.name.as_str(), owned.kept())).collect();
        let shared = Kept { name: "shared".to_owned(), managers: vec!["kubectl-label".to_owned()] };
        assert_eq!(owned, [("own", None), ("shared", Some(shared))]);
        let others: Vec<String> = labels.others.iter().map(ToString::to_string).collect();
        assert_eq!(others, ["stamped by kubectl-create", "imitated by partywall-labels", "unmanaged"]);
    }

    #[test]
    fn who_owns_other_labels_has_not_set_this_one() {
        let mut other = namespace("other", true, &[("partywall-labels", "Apply")]);
        other.metadata.managed_fields[0].fields_v1 = json!({"f:metadata": {"f:labels": {"f:team": {}}}});
        assert_eq!(sort(vec![other]).others, [Kept { name: "other".to_owned(), managers: Vec::new() }]);
    }
}
