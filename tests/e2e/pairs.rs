//! The pairs of tests/e2e/kinds.yaml: for each kind, an object that a tenant may write, and one that it may not.
//!
//! tests/core judges them without an API server.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

/// What a tenant may not do.
pub(crate) enum Denied {
    /// Create this object.
    Creation(Value),
    /// Delete the allowed object, once the platform has created it with its label.
    Deletion,
}

/// What is tried with a kind.
pub(crate) struct Pair {
    pub(crate) group: String,
    pub(crate) kind: String,
    /// The least release that serves the kind: the `30` of `v1.30`.
    pub(crate) since: u32,
    /// The version of a definition that is made by hand.
    pub(crate) minimal: Option<String>,
    /// The user that may write the allowed object, if no tenant may.
    pub(crate) user: Option<String>,
    /// The objects that the administrator creates first.
    pub(crate) before: Vec<Value>,
    pub(crate) allowed: Value,
    pub(crate) denied: Denied,
    /// The rule that denies it.
    pub(crate) rule: String,
}

/// The annotation of a controller that copies what has it to another tenant.
const COPIED: &str = "replicator.v1.mittwald.de/replicate-to";

/// Returns the fixture of this name: the object alone, since none of those named has a request of its own.
fn fixture(name: &str) -> Value {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/rules").join(format!("{name}.yaml"));
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut documents: Vec<Value> = serde_saphyr::from_multiple(&text).unwrap();
    assert_eq!(documents.len(), 1, "{name} has a request of its own");
    documents.remove(0)
}

/// Returns the object that a value is, or the fixture that it names.
fn object(value: &Value) -> Value {
    value.as_str().map_or_else(|| value.clone(), fixture)
}

impl Pair {
    fn of(entry: &Value, all: &[Value]) -> Self {
        let text = |field: &str| entry[field].as_str().map(str::to_owned);
        let (group, kind) = (text("group").unwrap(), text("kind").unwrap());
        let minimal = text("minimal");
        let named = |mut object: Value| {
            if let Some(version) = &minimal {
                object["apiVersion"] = json!(format!("{group}/{version}"));
                object["kind"] = json!(kind);
            }
            object
        };
        // Without another object, one with nothing but a spec.
        let plain = json!({"metadata": {"name": "kind", "namespace": "tenants-x"}, "spec": {"note": "own"}});
        let like = text("like").map(|like| {
            let is_first = |other: &&Value| other["kind"] == like.as_str() && other["like"].is_null();
            Self::of(all.iter().find(is_first).unwrap(), all)
        });
        let is_named = |field: &str| entry[field] == true;
        let of_fixture = |field: &str| entry[field].as_str().and_then(|name| name.split('/').next());
        let rule =
            text("rule").or_else(|| of_fixture("deny").filter(|rule| *rule != "allow").map(str::to_owned));
        let rule = rule.or_else(|| of_fixture("allow").map(str::to_owned));
        let (allowed, denied, rule) = if let Some(like) = like {
            let Denied::Creation(denied) = like.denied else { panic!("{kind} is like a managed kind") };
            (like.allowed, Denied::Creation(named(denied)), like.rule)
        } else if is_named("managed") {
            let allowed = if entry["allow"].is_null() { plain } else { object(&entry["allow"]) };
            (allowed, Denied::Deletion, "managed-objects".to_owned())
        } else if is_named("copied") {
            let mut denied = plain.clone();
            denied["metadata"]["annotations"] = json!({COPIED: "tenants-y"});
            (plain, Denied::Creation(named(denied)), "copied-objects".to_owned())
        } else {
            let allowed = object(&entry["allow"]);
            let denied = if entry["deny"] == "allow" { allowed.clone() } else { object(&entry["deny"]) };
            (allowed, Denied::Creation(named(denied)), rule.unwrap())
        };
        let before = entry["before"].as_array().cloned().unwrap_or_default();
        let since = entry["since"].as_u64().map_or(30, |since| u32::try_from(since).unwrap());
        let allowed = named(allowed);
        Self { user: text("as"), group, kind, since, minimal, before, allowed, denied, rule }
    }
}

/// Returns all pairs.
pub(crate) fn pairs() -> Vec<Pair> {
    let text = include_str!("kinds.yaml");
    let all: Vec<Value> = serde_saphyr::from_str(text).unwrap_or_else(|error| panic!("kinds.yaml: {error}"));
    all.iter().map(|entry| Pair::of(entry, &all)).collect()
}
