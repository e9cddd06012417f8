//! A document → one of our objects, or all that is wrong with its structure.

use std::sync::LazyLock;

use schemars::schema_for;
use serde_json::{Map, Value};

use super::schema::{self, Flaw};
use crate::admission::tenancy::{Unread, did_you_mean};
use crate::api::{
    API_VERSION, Exemption, ExemptionSpec, Mistake, NodePool, NodePoolSpec, Object, Settings, SettingsSpec,
    Source, Tenant, TenantSpec,
};

/// Why a document is no object of ours.
pub(super) struct Refused {
    pub(super) mistakes: Vec<Mistake>,
    /// What others may refer to all the same.
    pub(super) unread: Option<Unread>,
}

/// A kind of object: its name, the schema of its spec, and how it is made.
struct Kind {
    name: &'static str,
    schema: Value,
    make: fn(&str, Value) -> serde_json::Result<Object>,
}

/// Built once: generating a schema costs more than checking a document.
static KINDS: LazyLock<[Kind; 4]> = LazyLock::new(|| {
    use serde_json::from_value;
    [
        Kind {
            name: "NodePool",
            schema: schema_for!(NodePoolSpec).to_value(),
            make: |name, spec| Ok(Object::NodePool(Box::new(NodePool::new(name, from_value(spec)?)))),
        },
        Kind {
            name: "Tenant",
            schema: schema_for!(TenantSpec).to_value(),
            make: |name, spec| Ok(Object::Tenant(Box::new(Tenant::new(name, from_value(spec)?)))),
        },
        Kind {
            name: "Exemption",
            schema: schema_for!(ExemptionSpec).to_value(),
            make: |name, spec| Ok(Object::Exemption(Box::new(Exemption::new(name, from_value(spec)?)))),
        },
        Kind {
            name: "Settings",
            schema: schema_for!(SettingsSpec).to_value(),
            make: |name, spec| Ok(Object::Settings(Box::new(Settings::new(name, from_value(spec)?)))),
        },
    ]
});

/// The schemas of all kinds.
#[cfg(test)]
pub(super) fn schemas() -> impl Iterator<Item = &'static Value> {
    KINDS.iter().map(|kind| &kind.schema)
}

/// Reads a document.
pub(super) fn read(source: &Source, document: Value) -> Result<Object, Refused> {
    let mut flaws = Vec::new();
    let Value::Object(mut fields) = document else {
        flaws.push((
            String::new(),
            schema::excerpt(&document),
            "this is no object; write `kind: Tenant` and so on".to_owned(),
        ));
        return Err(refused(source, flaws, None));
    };
    check_fields(&fields, &mut flaws);
    let kind = kind(&fields, &mut flaws);
    let name = name(&fields, &mut flaws);
    if let (Some(kind), Some(spec)) = (kind, fields.get("spec")) {
        flaws.extend(schema::check(&kind.schema, "spec", spec));
    }
    let unread = || name.clone().map(|name| Unread { kind: kind.map(|kind| kind.name.to_owned()), name });
    let (Some(kind), Some(name), Some(spec), true) = (kind, &name, fields.remove("spec"), flaws.is_empty())
    else {
        return Err(refused(source, flaws, unread()));
    };
    (kind.make)(name, spec).map_err(|error| {
        // INVARIANT: what passed the schema, serde reads; a difference between the two is told, not hidden.
        flaws.push(("spec".to_owned(), String::new(), error.to_string()));
        refused(source, flaws, unread())
    })
}

fn refused(source: &Source, flaws: Vec<Flaw>, unread: Option<Unread>) -> Refused {
    let mistake = |(path, value, message)| Mistake { source: source.clone(), path, value, message };
    Refused { mistakes: flaws.into_iter().map(mistake).collect(), unread }
}

/// The fields of every object of ours.
fn check_fields(fields: &Map<String, Value>, flaws: &mut Vec<Flaw>) {
    const FIELDS: [&str; 4] = ["apiVersion", "kind", "metadata", "spec"];
    for (field, value) in fields {
        if !FIELDS.contains(&field.as_str()) {
            flaws.push((field.clone(), schema::excerpt(value), schema::unknown_field(field, &FIELDS)));
        }
    }
    if !fields.contains_key("spec") {
        flaws.push(("spec".to_owned(), String::new(), "missing field `spec`".to_owned()));
    }
    match fields.get("apiVersion") {
        Some(Value::String(version)) if version == API_VERSION => {}
        Some(version) => {
            let message = format!("this is no object of partywall; write `apiVersion: {API_VERSION}`");
            flaws.push(("apiVersion".to_owned(), schema::excerpt(version), message));
        }
        None => {
            let message = format!("missing field `apiVersion`; write `apiVersion: {API_VERSION}`");
            flaws.push(("apiVersion".to_owned(), String::new(), message));
        }
    }
}

fn kind(fields: &Map<String, Value>, flaws: &mut Vec<Flaw>) -> Option<&'static Kind> {
    let names = || KINDS.iter().map(|kind| format!("`{}`", kind.name)).collect::<Vec<_>>().join(", ");
    let mut flaw = |value, message| flaws.push(("kind".to_owned(), value, message));
    match fields.get("kind") {
        Some(Value::String(written)) => {
            let found = KINDS.iter().find(|kind| kind.name == written);
            if found.is_none() {
                let meant = did_you_mean(written, KINDS.iter().map(|kind| kind.name));
                let message = format!("unknown kind `{written}`{meant}; the kinds are {}", names());
                flaw(schema::excerpt(&Value::from(written.as_str())), message);
            }
            found
        }
        Some(other) => {
            flaw(schema::excerpt(other), schema::mismatch("string", other));
            None
        }
        None => {
            flaw(String::new(), format!("missing field `kind`; the kinds are {}", names()));
            None
        }
    }
}

fn name(fields: &Map<String, Value>, flaws: &mut Vec<Flaw>) -> Option<String> {
    let mut flaw = |path: &str, value, message| flaws.push((path.to_owned(), value, message));
    let metadata = match fields.get("metadata") {
        Some(Value::Object(metadata)) => Some(metadata),
        Some(other) => {
            flaw("metadata", schema::excerpt(other), schema::mismatch("object", other));
            return None;
        }
        None => None,
    };
    match metadata.and_then(|metadata| metadata.get("name")) {
        Some(Value::String(name)) => Some(name.clone()),
        Some(other) => {
            flaw("metadata.name", schema::excerpt(other), schema::mismatch("string", other));
            None
        }
        None => {
            flaw("metadata.name", String::new(), "missing field `metadata.name`".to_owned());
            None
        }
    }
}
