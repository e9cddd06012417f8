//! Holds the status that partywall writes into its objects.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The status that partywall writes into an object.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct ObjectStatus {
    /// The generation of the object that the rest of the status is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Conditions: `Ready`, `Reconciling` and `Stalled`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
}

/// The status that partywall writes into a Tenant.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct TenantStatus {
    /// The generation of the Tenant that the rest of the status is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Conditions: `Ready`, `Reconciling` and `Stalled`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// The tenant's namespaces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespaces: Option<FoundNamespaces>,
    /// True if the registered webhook configurations hold the taint keys of the tenant's pools and the names of its
    /// namespaces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registered: Option<bool>,
    /// The results of the last audit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audit: Option<AuditSummary>,
}

/// Counts the namespaces of a tenant.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct FoundNamespaces {
    /// How many namespaces the Tenant claims and has.
    pub claimed: i64,
    /// How many of these exist.
    pub found: i64,
    /// How many of those that exist have the tenant's label.
    pub labelled: i64,
}

/// Sums up an audit.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct AuditSummary {
    /// The time at which the audit ended, in RFC 3339.
    pub time: String,
    /// How many objects it judged.
    pub judged: i64,
    /// How many objects violate rules at `deny`.
    pub denied: i64,
    /// How many objects violate rules at `warn`.
    pub warned: i64,
}

/// A condition, as `kubectl wait` and kstatus read them.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    /// The type: `Ready`, `Reconciling` or `Stalled`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The status: `True`, `False` or `Unknown`.
    pub status: String,
    /// The reason in one word, such as `Conflict`.
    pub reason: String,
    /// The text for people.
    pub message: String,
    /// The time at which the status last changed, in RFC 3339.
    pub last_transition_time: String,
    /// The generation of the object that the condition is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
}
