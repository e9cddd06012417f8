//! A document → one of our objects, or all that is wrong with its structure.

use std::sync::LazyLock;

use partywall_core::api::{
    API_VERSION, ExemptionSpec, Mistake, NodePoolSpec, Object, SettingsSpec, Source, Spec, TenantSpec,
};
use partywall_core::tenancy::{Unread, did_you_mean};
use schemars::schema_for;
use serde_json::{Map, Value};

use super::{metadata, schema};
use crate::manifests::{Flaw, excerpt, mismatch, unknown_field};

/// What came of a document.
pub(super) enum Reading {
    /// An object. Where it had mistakes, they were taken out of it, and the rest makes an object all the same.
    Object(Object, Vec<Mistake>),
    /// No object of ours; others may refer to it all the same.
    Refused(Vec<Mistake>, Option<Unread>),
}

/// A kind of object: its name, the schema of its spec, and how the spec is decoded.
struct Kind {
    name: &'static str,
    schema: Value,
    decode: fn(Value) -> serde_json::Result<Spec>,
}

/// Built once: generating a schema costs more than checking a document.
static KINDS: LazyLock<[Kind; 4]> = LazyLock::new(|| {
    use serde_json::from_value;
    [
        Kind {
            name: "NodePool",
            schema: schema_for!(NodePoolSpec).to_value(),
            decode: |spec| from_value::<NodePoolSpec>(spec).map(Spec::from),
        },
        Kind {
            name: "Tenant",
            schema: schema_for!(TenantSpec).to_value(),
            decode: |spec| from_value::<TenantSpec>(spec).map(Spec::from),
        },
        Kind {
            name: "Exemption",
            schema: schema_for!(ExemptionSpec).to_value(),
            decode: |spec| from_value::<ExemptionSpec>(spec).map(Spec::from),
        },
        Kind {
            name: "Settings",
            schema: schema_for!(SettingsSpec).to_value(),
            decode: |spec| from_value::<SettingsSpec>(spec).map(Spec::from),
        },
    ]
});

/// The schemas of all kinds.
#[cfg(test)]
pub(super) fn schemas() -> impl Iterator<Item = &'static Value> {
    KINDS.iter().map(|kind| &kind.schema)
}

/// Reads a document; `written` is the same with the words that YAML takes for booleans.
pub(super) fn read(source: &Source, document: Value, written: Option<&Value>) -> Reading {
    let mistakes = |flaws: Vec<Flaw>| {
        let mistake = |(path, value, message)| Mistake { source: source.clone(), path, value, message };
        flaws.into_iter().map(mistake).collect()
    };
    let mut flaws = Vec::new();
    let Value::Object(mut fields) = document else {
        flaws.push((
            String::new(),
            excerpt(&document),
            "this is no object; write `kind: Tenant` and so on".to_owned(),
        ));
        return Reading::Refused(mistakes(flaws), None);
    };
    let is_ours = check_fields(&fields, &mut flaws);
    let kind = kind(&fields, &mut flaws);
    let name = metadata::name(fields.get("metadata"), &mut flaws);
    let spec = fields.remove("spec").zip(kind).and_then(|(mut spec, kind)| {
        let written = written.and_then(|written| written.get("spec"));
        let checked = schema::check(&kind.schema, "spec", &mut spec, written);
        flaws.extend(checked.flaws);
        checked.is_usable.then_some((kind, spec))
    });
    if let (true, Some((kind, spec)), Some(name)) = (is_ours, spec, &name) {
        match (kind.decode)(spec) {
            Ok(spec) => return Reading::Object(Object::new(name, spec), mistakes(flaws)),
            // INVARIANT: what passed the schema, serde reads; a difference between the two is told, not hidden.
            Err(error) => flaws.push(("spec".to_owned(), String::new(), error.to_string())),
        }
    }
    let kind = kind.map(|kind| kind.name.to_owned());
    Reading::Refused(mistakes(flaws), name.map(|name| Unread { kind, name: Some(name) }))
}

/// The fields of every object of ours. Whether it is one.
fn check_fields(fields: &Map<String, Value>, flaws: &mut Vec<Flaw>) -> bool {
    const FIELDS: [&str; 4] = ["apiVersion", "kind", "metadata", "spec"];
    for (field, value) in fields {
        if !FIELDS.contains(&field.as_str()) {
            flaws.push((field.clone(), excerpt(value), unknown_field(field, &FIELDS)));
        }
    }
    if !fields.contains_key("spec") {
        flaws.push(("spec".to_owned(), String::new(), "missing field `spec`".to_owned()));
    }
    match fields.get("apiVersion") {
        Some(Value::String(version)) if version == API_VERSION => return true,
        Some(version) => {
            let message = format!("this is no object of partywall; write `apiVersion: {API_VERSION}`");
            flaws.push(("apiVersion".to_owned(), excerpt(version), message));
        }
        None => {
            let message = format!("missing field `apiVersion`; write `apiVersion: {API_VERSION}`");
            flaws.push(("apiVersion".to_owned(), String::new(), message));
        }
    }
    false
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
                flaw(excerpt(&Value::from(written.as_str())), message);
            }
            found
        }
        Some(other) => {
            flaw(excerpt(other), mismatch("string", other));
            None
        }
        None => {
            flaw(String::new(), format!("missing field `kind`; the kinds are {}", names()));
            None
        }
    }
}
