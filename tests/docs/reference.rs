//! `policies/REFERENCE.md` and `policies/schema.json`, from the doc comments of `core/src/api`.

use std::fmt::Write as _;

use partywall_core::api::{
    API_VERSION, ExemptionSpec, NodePoolSpec, SettingsSpec, TenantClassSpec, TenantSpec,
};
use partywall_core::rule_id::RuleId;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

use crate::keep;

/// The schema of one object's spec, and the schemas that it refers to.
struct Kind {
    name: &'static str,
    spec: Value,
}

/// All objects, and the types that they are made of.
struct Schemas {
    kinds: [Kind; 5],
    types: Map<String, Value>,
}

impl Schemas {
    fn new() -> Self {
        let mut generator = SchemaGenerator::default();
        let kinds = [
            kind::<NodePoolSpec>("NodePool", &mut generator),
            kind::<TenantSpec>("Tenant", &mut generator),
            kind::<TenantClassSpec>("TenantClass", &mut generator),
            kind::<ExemptionSpec>("Exemption", &mut generator),
            kind::<SettingsSpec>("Settings", &mut generator),
        ];
        Self { kinds, types: generator.take_definitions(true) }
    }

    /// Returns the schema that a schema refers to, or the schema itself.
    fn resolve<'s>(&'s self, schema: &'s Value) -> &'s Value {
        let target = |schema: &'s Value| {
            schema["$ref"].as_str().map(|path| &self.types[path.rsplit('/').next().unwrap()])
        };
        let optional = schema["anyOf"].as_array().and_then(|options| options.iter().find_map(target));
        target(schema).or(optional).unwrap_or(schema)
    }
}

fn kind<T: JsonSchema>(name: &'static str, generator: &mut SchemaGenerator) -> Kind {
    Kind { name, spec: generator.subschema_for::<T>().to_value() }
}

/// A field of an object: `Tenant.spec.tolerations[].key`.
pub(crate) struct Field {
    pub(crate) path: String,
    shape: String,
    is_required: bool,
    /// The description without its sentence about an absent field.
    pub(crate) text: String,
    absent: Option<String>,
    /// The values that an enum allows, with what each means.
    values: Vec<(String, String)>,
}

/// Every field of every object but a TenantClass, whose fields are a Tenant's: required ones first, each after the one
/// that holds it.
pub(crate) fn fields() -> Vec<Field> {
    let schemas = Schemas::new();
    let mut fields = Vec::new();
    for kind in schemas.kinds.iter().filter(|kind| kind.name != "TenantClass") {
        collect(&schemas, schemas.resolve(&kind.spec), &format!("{}.spec", kind.name), &mut fields);
    }
    fields
}

fn collect(schemas: &Schemas, object: &Value, path: &str, fields: &mut Vec<Field>) {
    let Some(properties) = object["properties"].as_object() else { return };
    let is_required = |name: &str| {
        object["required"].as_array().is_some_and(|required| required.iter().any(|other| other == name))
    };
    let mut properties: Vec<_> = properties.iter().collect();
    properties.sort_by_key(|(name, _)| !is_required(name));
    for (name, schema) in properties {
        let path = format!("{path}.{name}");
        let text = description(schema);
        let (text, absent) = match text.split_once("Absent: ") {
            Some((text, absent)) => (text.trim_end().to_owned(), Some(absent.to_owned())),
            None => (text, None),
        };
        let inner = inner(schemas, schema);
        fields.push(Field {
            shape: shape(schemas, schema),
            is_required: is_required(name),
            text,
            absent,
            values: values(inner),
            path: path.clone(),
        });
        let items = schemas.resolve(schema).get("items").map_or("", |_| "[]");
        collect(schemas, inner, &format!("{path}{items}"), fields);
    }
}

/// Returns the schema of the items of a list or map, or the schema itself.
fn inner<'s>(schemas: &'s Schemas, schema: &'s Value) -> &'s Value {
    let schema = schemas.resolve(schema);
    let inside = schema.get("items").or_else(|| schema.get("additionalProperties").filter(|s| s.is_object()));
    inside.map_or(schema, |inside| schemas.resolve(inside))
}

fn shape(schemas: &Schemas, schema: &Value) -> String {
    let schema = schemas.resolve(schema);
    if !values(schema).is_empty() {
        return "one of the values below".to_owned();
    }
    let types = &schema["type"];
    let of_type = |name: &str| {
        types == name || types.as_array().is_some_and(|types| types.iter().any(|other| other == name))
    };
    if of_type("array") {
        return match shape(schemas, &schema["items"]).as_str() {
            "one of the values below" => "list of the values below".to_owned(),
            items => format!("list of {items}s"),
        };
    }
    if let Some(inside) = schema.get("additionalProperties").filter(|inside| inside.is_object()) {
        return match shape(schemas, inside).as_str() {
            "one of the values below" => "map from strings to the values below".to_owned(),
            inside => format!("map from strings to {inside}s"),
        };
    }
    let known = ["object", "string", "boolean", "integer"].into_iter().find(|name| of_type(name));
    known.unwrap_or_else(|| panic!("a type that is not known here: {schema}")).to_owned()
}

fn values(schema: &Value) -> Vec<(String, String)> {
    let options = schema["oneOf"].as_array().into_iter().flatten();
    options.map(|one| (one["const"].as_str().unwrap().to_owned(), description(one))).collect()
}

/// A description on one line.
fn description(schema: &Value) -> String {
    schema["description"].as_str().unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ")
}

fn page() -> String {
    let schemas = Schemas::new();
    let fields = fields();
    let mut text = format!(
        "# Reference of the objects\n\n\
        This page describes every field of the objects that operators write. Generated from the doc comments in \
        `core/src/api`: `UPDATE_DOCS=1 cargo test --test docs`.\n\n\
        An object has the fields `apiVersion: {API_VERSION}`, `kind`, `metadata.name` and `spec`. partywall refuses \
        fields that it does not know. [default.yaml](default.yaml) has the default Settings, and \
        [examples](examples) has complete sets of policies. \"At least one\" means that an empty list is a mistake: \
        leave an optional field out instead.\n\n\
        [schema.json](schema.json) is the JSON Schema of the objects. An editor with the YAML language server checks \
        and completes a file that begins with this line:\n\n\
        ```yaml\n# yaml-language-server: $schema=<path or URL of schema.json>\n```\n"
    );
    for kind in &schemas.kinds {
        let prefix = format!("{}.", kind.name);
        write!(text, "\n## {}\n\n{}\n", kind.name, description(schemas.resolve(&kind.spec))).unwrap();
        for field in fields.iter().filter(|field| field.path.starts_with(&prefix)) {
            let absent = match (&field.absent, field.is_required) {
                (Some(absent), false) => format!("absent: {}", absent.trim_end_matches('.')),
                (None, true) => "required".to_owned(),
                (absent, _) => panic!(
                    "{}: the doc comment of an optional field, and of no other, ends with `Absent: ...`: {absent:?}",
                    field.path
                ),
            };
            write!(
                text,
                "\n### `{}`\n\n{}; {absent}.\n\n{}\n",
                field.path,
                capital(&field.shape),
                field.text
            )
            .unwrap();
            if !field.values.is_empty() {
                text.push_str("\n| value | meaning |\n|---|---|\n");
            }
            for (value, means) in &field.values {
                writeln!(text, "| `{value}` | {means} |").unwrap();
            }
        }
    }
    text
}

/// The text with a capital letter at its start.
fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// The JSON Schema of all objects.
fn schema() -> Value {
    let Schemas { kinds, mut types } = Schemas::new();
    let modes: Map<_, _> = RuleId::ALL
        .iter()
        .map(|rule| (rule.to_string(), json!({"$ref": "#/$defs/Mode", "description": rule.summary()})))
        .collect();
    // Which rules there are, the objects' types don't say.
    for spec in ["SettingsSpec", "TenantSpec", "TenantClassSpec"] {
        types[spec]["properties"]["rules"]["properties"] = Value::Object(modes.clone());
        types[spec]["properties"]["rules"]["additionalProperties"] = json!(false);
    }
    types["ExemptionSpec"]["properties"]["rules"]["items"]["enum"] =
        RuleId::ALL.iter().map(|rule| json!(rule.as_str())).collect();
    types.values_mut().for_each(tidy);
    let one = |kind: &Kind| {
        let name =
            if kind.name == "Settings" { json!({"const": "default"}) } else { json!({"type": "string"}) };
        json!({
            "type": "object",
            "properties": {
                "apiVersion": {"const": API_VERSION},
                "kind": {"const": kind.name},
                "metadata": {"type": "object", "properties": {"name": name}, "required": ["name"]},
                "spec": kind.spec,
            },
            "required": ["apiVersion", "kind", "metadata", "spec"],
            "additionalProperties": false,
        })
    };
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "The objects of partywall",
        "oneOf": kinds.each_ref().map(one),
        "$defs": types,
    })
}

/// Puts descriptions on one line, and takes `default: null` away, which tells an editor nothing.
fn tidy(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            if fields.get("default").is_some_and(Value::is_null) {
                fields.remove("default");
            }
            for (name, field) in fields {
                if let ("description", Value::String(text)) = (name.as_str(), &mut *field) {
                    *text = text.split_whitespace().collect::<Vec<_>>().join(" ");
                } else {
                    tidy(field);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(tidy),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn the_reference_is_what_the_objects_say() {
    keep("policies/REFERENCE.md", &page());
}

#[test]
fn the_json_schema_is_that_of_the_objects() {
    keep("policies/schema.json", &format!("{:#}\n", schema()));
}
