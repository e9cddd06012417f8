//! The parts of an explanation.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

/// What holds for a subject, and where that is written.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Explanation {
    /// Sentences that say what the subject is.
    pub(crate) about: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) namespace: Option<Namespace>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tenant: Option<Object>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) class: Option<Object>,
    /// The fields of the Tenant.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) fields: Vec<Field>,
    /// The pools of the tenant, the default first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) pools: Vec<Pool>,
    pub(crate) rules: Vec<Rule>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) exemptions: Vec<Exemption>,
    /// The fields of the Settings.
    pub(crate) settings: Vec<Field>,
}

/// A namespace and its owner.
#[derive(Debug, Serialize)]
pub(crate) struct Namespace {
    pub(crate) name: String,
    /// `tenant`, `system` or `unclaimed`.
    pub(crate) owner: &'static str,
    /// What lists the namespace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) source: Option<Origin>,
}

/// An object by its name.
#[derive(Debug, Serialize)]
pub(crate) struct Object {
    pub(crate) name: String,
    pub(crate) source: Origin,
}

/// A field with its value.
#[derive(Debug, Serialize)]
pub(crate) struct Field {
    /// The path below `spec`.
    pub(crate) field: String,
    /// `null` for a field that no object has.
    pub(crate) value: Value,
    /// What an absent field means.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) absent: Option<&'static str>,
    pub(crate) source: Origin,
    /// What else there is to say about the value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) note: Option<String>,
}

/// A rule with its mode.
#[derive(Debug, Serialize)]
pub(crate) struct Rule {
    pub(crate) rule: &'static str,
    /// The mode that holds.
    pub(crate) mode: &'static str,
    /// The mode that is written.
    pub(crate) written: &'static str,
    pub(crate) source: Origin,
    /// True if `enforcement` makes the mode less strict than it is written.
    #[serde(rename = "limitedByEnforcement")]
    pub(crate) is_limited: bool,
}

/// A pool with what pods of it are stamped with.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Pool {
    pub(crate) name: String,
    #[serde(rename = "default")]
    pub(crate) is_default: bool,
    pub(crate) labels: Value,
    pub(crate) taints: Vec<Value>,
    pub(crate) runtime_classes: Vec<String>,
    pub(crate) source: Origin,
}

/// An exemption, as it is written.
#[derive(Debug, Serialize)]
pub(crate) struct Exemption {
    pub(crate) name: String,
    pub(crate) spec: Value,
    /// False after the last day.
    #[serde(rename = "holds")]
    pub(crate) is_in_force: bool,
    #[serde(rename = "endsSoon")]
    pub(crate) ends_soon: bool,
    pub(crate) source: Origin,
}

/// The object that a value comes from.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Origin {
    pub(crate) from: From,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) line: Option<u64>,
}

/// The kind of what a value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) enum From {
    #[serde(rename = "built-in default")]
    BuiltIn,
    /// What the `provider` of the Settings adds.
    #[serde(rename = "provider")]
    Provider,
    Settings,
    TenantClass,
    Tenant,
    NodePool,
    Exemption,
}

impl Origin {
    pub(crate) const BUILT_IN: Self = Self { from: From::BuiltIn, name: None, file: None, line: None };
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.from {
            From::BuiltIn => "built-in default",
            From::Provider => "provider",
            From::Settings => "Settings",
            From::TenantClass => "TenantClass",
            From::Tenant => "Tenant",
            From::NodePool => "NodePool",
            From::Exemption => "Exemption",
        })?;
        if let Some(name) = &self.name {
            write!(f, " `{name}`")?;
        }
        match (&self.file, self.line) {
            (Some(file), Some(line)) => write!(f, ", {file}:{line}"),
            (Some(file), None) => write!(f, ", {file}"),
            (None, _) => Ok(()),
        }
    }
}
