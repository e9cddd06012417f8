//! Makes the CustomResourceDefinitions of the objects that people write, from their Rust types.
//!
//! The schemas of the types are those by which files are checked. A CustomResourceDefinition needs a structural schema,
//! so references are replaced by what they refer to. Every list, map and text gets a bound. Unknown fields are
//! preserved at each level: the API server would drop them without a word, and a permission whose restriction is
//! misspelt would be wider than its author meant. The webhook refuses them by name.

mod schema;
mod shape;

use schemars::schema_for;
use serde_json::{Value, json};

use self::schema::{Bounds, structural};
use crate::api::{
    ExemptionSpec, GROUP, NodePoolSpec, ObjectStatus, SettingsSpec, TenantClassSpec, TenantSpec, TenantStatus,
};

/// Describes a kind as the API server registers it.
struct Kind {
    kind: &'static str,
    plural: &'static str,
    singular: &'static str,
    short: &'static str,
    description: &'static str,
    columns: &'static [(&'static str, &'static str, &'static str, u8)],
    spec: fn() -> Value,
    status: fn() -> Value,
}

/// The version of all kinds.
const VERSION: &str = "v1alpha1";

/// The columns that end the table of each kind.
const READY: [(&str, &str, &str, u8); 3] = [
    ("Ready", "string", ".status.conditions[?(@.type==\"Ready\")].status", 0),
    ("Reason", "string", ".status.conditions[?(@.type==\"Ready\")].reason", 0),
    ("Age", "date", ".metadata.creationTimestamp", 0),
];

const KINDS: [Kind; 5] = [
    Kind {
        kind: "NodePool",
        plural: "nodepools",
        singular: "nodepool",
        short: "pwpool",
        description: "A NodePool of partywall.dev is a group of nodes: the labels that they have, and the taints that \
                      keep the pods of others off them.",
        columns: &[
            ("Labels", "string", ".spec.nodeSelector", 0),
            ("Taints", "string", ".spec.taints[*].key", 0),
        ],
        spec: || schema_for!(NodePoolSpec).to_value(),
        status: || schema_for!(ObjectStatus).to_value(),
    },
    Kind {
        kind: "Tenant",
        plural: "tenants",
        singular: "tenant",
        short: "pwtenant",
        description: "A Tenant of partywall.dev owns namespaces, and may use there what it lists: NodePools of \
                      partywall.dev, domains, classes and permissions.",
        columns: &[
            ("Namespaces", "string", ".spec.namespaces", 0),
            ("Pools", "string", ".spec.nodePools.default", 0),
            ("Level", "string", ".spec.podSecurity.level", 0),
            ("Enforcement", "string", ".spec.enforcement", 0),
            ("Class", "string", ".spec.class", 1),
        ],
        spec: || schema_for!(TenantSpec).to_value(),
        status: || schema_for!(TenantStatus).to_value(),
    },
    Kind {
        kind: "TenantClass",
        plural: "tenantclasses",
        singular: "tenantclass",
        short: "pwclass",
        description: "A TenantClass of partywall.dev holds fields that many Tenants of partywall.dev share.",
        columns: &[
            ("Pools", "string", ".spec.nodePools.default", 0),
            ("Level", "string", ".spec.podSecurity.level", 0),
            ("Enforcement", "string", ".spec.enforcement", 0),
        ],
        spec: || schema_for!(TenantClassSpec).to_value(),
        status: || schema_for!(ObjectStatus).to_value(),
    },
    Kind {
        kind: "Exemption",
        plural: "exemptions",
        singular: "exemption",
        short: "pwexempt",
        description: "An Exemption of partywall.dev lets one object violate rules until a day, for a reason.",
        columns: &[
            ("Tenant", "string", ".spec.tenant", 0),
            ("Namespace", "string", ".spec.namespace", 0),
            ("Rules", "string", ".spec.rules", 0),
            ("Expires", "string", ".spec.expires", 0),
        ],
        spec: || schema_for!(ExemptionSpec).to_value(),
        status: || schema_for!(ObjectStatus).to_value(),
    },
    Kind {
        kind: "Settings",
        plural: "settings",
        singular: "settings",
        short: "pwsettings",
        description: "The Settings of partywall.dev hold for the whole cluster. There is one object, named `default`.",
        columns: &[
            ("Enforcement", "string", ".spec.enforcement", 0),
            ("Provider", "string", ".spec.provider", 0),
        ],
        spec: || schema_for!(SettingsSpec).to_value(),
        status: || schema_for!(ObjectStatus).to_value(),
    },
];

/// Returns the CustomResourceDefinitions of all kinds.
pub fn definitions() -> Vec<Value> {
    KINDS.iter().map(definition).collect()
}

fn definition(kind: &Kind) -> Value {
    let Kind { kind: name, plural, singular, short, description, columns, spec, status } = kind;
    let columns: Vec<Value> = columns
        .iter()
        .chain(&READY)
        .map(|(name, of, path, priority)| {
            json!({"name": name, "type": of, "jsonPath": path, "priority": priority})
        })
        .collect();
    let mut spec = structural(&(spec)(), Bounds::OfSpec);
    shape::add(name, &mut spec);
    let mut status = structural(&(status)(), Bounds::OfStatus);
    if let Some(status) = status.as_object_mut() {
        // By kstatus an object without a status is ready, although nobody may have read it yet.
        status.insert("default".to_owned(), json!({"observedGeneration": -1}));
    }
    let mut schema = json!({
        "type": "object",
        "description": description,
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string", "description": format!("The group and version: {GROUP}/{VERSION}.")},
            "kind": {"type": "string", "description": format!("The kind: {name}.")},
            "metadata": {"type": "object"},
            "spec": spec,
            "status": status,
        },
    });
    let rules = shape::of_objects(name);
    if let (false, Some(schema)) = (rules.is_empty(), schema.as_object_mut()) {
        schema.insert("x-kubernetes-validations".to_owned(), rules.into());
    }
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": format!("{plural}.{GROUP}"),
            "labels": {"app.kubernetes.io/name": "partywall"},
        },
        "spec": {
            "group": GROUP,
            "scope": "Cluster",
            "names": {
                "kind": name,
                "listKind": format!("{name}List"),
                "plural": plural,
                "singular": singular,
                "shortNames": [short],
                "categories": ["partywall"],
            },
            "versions": [{
                "name": VERSION,
                "served": true,
                "storage": true,
                "subresources": {"status": {}},
                "additionalPrinterColumns": columns,
                "schema": {"openAPIV3Schema": schema},
            }],
        },
    })
}

#[cfg(test)]
mod tests;
