//! The objects of a cluster, and what is to be said about each.

use std::collections::BTreeMap;
use std::fmt;

use crate::api::{GROUP, Mistake, Object, Source, Spec};
use crate::tenancy::Snapshot;

/// Names an object of partywall.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ObjectName {
    /// The kind.
    pub kind: &'static str,
    /// The name.
    pub name: String,
}

impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = match self.kind {
            "NodePool" => "nodepools",
            "Tenant" => "tenants",
            "TenantClass" => "tenantclasses",
            "Exemption" => "exemptions",
            _ => "settings",
        };
        write!(f, "{plural}.{GROUP}/{}", self.name)
    }
}

impl ObjectName {
    /// Returns the name of the object of a mistake's source.
    pub(super) fn source(&self) -> Source {
        Source::file(self.to_string())
    }
}

/// Holds one object of a cluster, as it is written.
#[derive(Clone, Debug)]
pub struct LiveObject {
    /// The kind and the name.
    pub name: ObjectName,
    /// The object without the fields that have flaws; `None` means that nothing of it can be used.
    pub object: Option<Object>,
    /// The flaws of its structure, such as unknown fields.
    pub flaws: Vec<Mistake>,
}

/// Holds all objects of a cluster.
#[derive(Clone, Copy, Debug)]
pub struct Live<'l> {
    /// The objects, in any order, each name once.
    pub objects: &'l [LiveObject],
    /// The last good forms, of the compilation before.
    pub last_good: &'l LastGood,
    /// The Namespaces with a tenant's label, by that tenant, each list sorted.
    pub labelled: &'l BTreeMap<Box<str>, Vec<Box<str>>>,
    /// The namespace in which partywall runs, which is a system namespace whatever the Settings list.
    pub own_namespace: Option<&'l str>,
}

/// Holds the last good form of each object; a Tenant's has the fields of its class.
#[derive(Clone, Debug, Default)]
pub struct LastGood(pub(super) BTreeMap<ObjectName, Spec>);

impl LastGood {
    /// Returns the last good form of one object, which is what it says without flaws.
    pub fn of(object: LiveObject) -> Self {
        let LiveObject { name, object, flaws } = object;
        let spec = object.filter(|_| flaws.is_empty()).map(|object| object.spec);
        Self(spec.map(|spec| (name, spec)).into_iter().collect())
    }
}

/// Holds a snapshot, and what is to be said about each object.
#[derive(Debug)]
pub struct LiveCompiled {
    /// The snapshot.
    pub snapshot: Snapshot,
    /// The state of each object.
    pub states: BTreeMap<ObjectName, State>,
    /// The last good forms, for the next compilation.
    pub last_good: LastGood,
}

/// Says which form of an object holds, and what is wrong with it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// The form that holds.
    pub form: Form,
    /// What keeps the object, or a part of it, from holding as it is written; sorted.
    pub findings: Vec<Finding>,
    /// What operators should know; sorted.
    pub warnings: Vec<Mistake>,
}

/// Names the form of an object that holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// As it is written, but for what is contested or refers to nothing.
    #[default]
    Written,
    /// As it was written before it had mistakes.
    LastGood,
    /// None.
    Nothing,
}

/// Says why an object, or a part of it, does not hold.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// The reason.
    pub reason: Reason,
    /// The field, its value and the text.
    pub mistake: Mistake,
}

/// Names the reason of a finding, as conditions of a status have them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// The object is wrong in itself.
    Invalid,
    /// Another object contests it.
    Conflict,
    /// It names a NodePool that is not there.
    UnknownPool,
    /// It names a TenantClass that is not there.
    UnknownClass,
    /// It names a Tenant that is not there.
    UnknownTenant,
    /// It names a namespace that is not its tenant's.
    UnknownNamespace,
}

impl Reason {
    /// Lists all reasons.
    pub const ALL: [Self; 6] = [
        Self::Invalid,
        Self::Conflict,
        Self::UnknownPool,
        Self::UnknownClass,
        Self::UnknownTenant,
        Self::UnknownNamespace,
    ];

    /// Returns the reason as a condition has it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Invalid => "Invalid",
            Self::Conflict => "Conflict",
            Self::UnknownPool => "UnknownPool",
            Self::UnknownClass => "UnknownClass",
            Self::UnknownTenant => "UnknownTenant",
            Self::UnknownNamespace => "UnknownNamespace",
        }
    }
}

/// Returns a finding about a field of an object.
pub(super) fn finding(
    reason: Reason,
    name: &ObjectName,
    path: impl Into<String>,
    value: String,
    message: String,
) -> Finding {
    let object = format!("{} `{}`", name.kind, name.name);
    let mistake = Mistake { source: name.source(), object, place: None, path: path.into(), value, message };
    Finding { reason, mistake }
}
