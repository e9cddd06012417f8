//! Reads a document as an object of partywall, or finds all flaws of its structure.

use std::sync::LazyLock;

use partywall_core::api::{
    API_VERSION, ExemptionSpec, NodePoolSpec, Object, SettingsSpec, Spec, TenantClassSpec, TenantSpec,
};
use partywall_core::tenancy::{Unparsed, did_you_mean};
use schemars::schema_for;
use serde_json::{Map, Value};

use super::{metadata, schema};
use crate::manifests::Flaw;

/// A document that was read.
pub(in crate::policies) struct Read {
    pub(in crate::policies) content: Content,
    pub(in crate::policies) flaws: Vec<Flaw>,
    /// Its kind and name, such as ``Tenant `a` ``, as far as they are known.
    pub(in crate::policies) object: String,
}

/// The content of a document.
pub(in crate::policies) enum Content {
    /// An object, without the fields that have flaws.
    Object(Object),
    /// No object of partywall; others may still refer to it.
    Refused(Option<Unparsed>),
}

/// A kind: its name, the schema of its spec, and the function that decodes the spec.
struct Kind {
    name: &'static str,
    schema: Value,
    decode: fn(Value) -> serde_json::Result<Spec>,
}

/// Built once, since to generate a schema costs more than to check a document.
static KINDS: LazyLock<[Kind; 5]> = LazyLock::new(|| {
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
            name: "TenantClass",
            schema: schema_for!(TenantClassSpec).to_value(),
            decode: |spec| from_value::<TenantClassSpec>(spec).map(Spec::from),
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

/// Returns the schemas of all kinds.
#[cfg(test)]
pub(super) fn schemas() -> impl Iterator<Item = &'static Value> {
    KINDS.iter().map(|kind| &kind.schema)
}

/// Reads a document; `written` is the same with the words that YAML takes for booleans.
pub(in crate::policies) fn read(document: Value, written: Option<&Value>) -> Read {
    let mut flaws = Vec::new();
    let object = object(&document);
    let content = content(document, written, &mut flaws);
    Read { content, flaws, object }
}

/// Returns the kind and the name of an object, as it states them.
fn object(document: &Value) -> String {
    let text = |path: &str| document.pointer(path).and_then(Value::as_str);
    match (text("/kind"), text("/metadata/name")) {
        (Some(kind), Some(name)) => format!("{kind} `{name}`"),
        (Some(kind), None) => kind.to_owned(),
        (None, _) => String::new(),
    }
}

fn content(document: Value, written: Option<&Value>, flaws: &mut Vec<Flaw>) -> Content {
    let Value::Object(mut fields) = document else {
        flaws.push(Flaw::new("", &document, "this is no object; write `kind: Tenant` and so on"));
        return Content::Refused(None);
    };
    let is_ours = check_fields(&fields, flaws);
    let kind = kind(&fields, flaws);
    let name = metadata::name(fields.get("metadata"), flaws);
    let acknowledged = metadata::acknowledged(fields.get("metadata"), flaws);
    let spec = fields.remove("spec").zip(kind).and_then(|(mut spec, kind)| {
        let written = written.and_then(|written| written.get("spec"));
        let checked = schema::check(&kind.schema, "spec", &mut spec, written);
        flaws.extend(checked.flaws);
        checked.is_usable.then_some((kind, spec))
    });
    if let (true, Some((kind, spec)), Some(name)) = (is_ours, spec, &name) {
        match (kind.decode)(spec) {
            Ok(spec) => return Content::Object(Object { acknowledged, ..Object::new(name, spec) }),
            // INVARIANT: serde reads whatever passes the schema. A difference between the two is reported, not hidden.
            Err(error) => flaws.push(Flaw::without_value("spec", error.to_string())),
        }
    }
    let kind = kind.map(|kind| kind.name.to_owned());
    Content::Refused(name.map(|name| Unparsed { kind, name: Some(name) }))
}

/// Checks the top-level fields; returns whether this is an object of partywall.
fn check_fields(fields: &Map<String, Value>, flaws: &mut Vec<Flaw>) -> bool {
    const FIELDS: [&str; 4] = ["apiVersion", "kind", "metadata", "spec"];
    for (field, value) in fields {
        if !FIELDS.contains(&field.as_str()) {
            flaws.push(Flaw::unknown_field(field, value, field, &FIELDS));
        }
    }
    if !fields.contains_key("spec") {
        flaws.push(Flaw::without_value("spec", "missing field `spec`"));
    }
    match fields.get("apiVersion") {
        Some(Value::String(version)) if version == API_VERSION => return true,
        Some(version) => {
            let message = format!("this is no object of partywall; write `apiVersion: {API_VERSION}`");
            flaws.push(Flaw::new("apiVersion", version, message));
        }
        None => {
            let message = format!("missing field `apiVersion`; write `apiVersion: {API_VERSION}`");
            flaws.push(Flaw::without_value("apiVersion", message));
        }
    }
    false
}

fn kind(fields: &Map<String, Value>, flaws: &mut Vec<Flaw>) -> Option<&'static Kind> {
    let names = || KINDS.iter().map(|kind| format!("`{}`", kind.name)).collect::<Vec<_>>().join(", ");
    match fields.get("kind") {
        Some(value @ Value::String(written)) => {
            let found = KINDS.iter().find(|kind| kind.name == written);
            if found.is_none() {
                let meant = did_you_mean(written, KINDS.iter().map(|kind| kind.name));
                let message = format!("unknown kind `{written}`{meant}; the kinds are {}", names());
                flaws.push(Flaw::new("kind", value, message));
            }
            found
        }
        Some(other) => {
            flaws.push(Flaw::mismatch("kind", other, "string"));
            None
        }
        None => {
            flaws.push(Flaw::without_value(
                "kind",
                format!("missing field `kind`; the kinds are {}", names()),
            ));
            None
        }
    }
}
