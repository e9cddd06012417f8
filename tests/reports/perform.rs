//! Takes the steps of a case.

use std::collections::BTreeMap;
use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use partywall::policies::{self, Loaded};
use partywall_core::review::compose::{Draft, ObjectType};
use partywall_core::tenancy::Snapshot;
use partywall_core::{Entry, review};
use serde_json::{Value, json};

use crate::case::{Case, Expected, Op, Paths, Step, Verdict};
use crate::nodes;

/// Objects by kind and name.
type Stored = BTreeMap<(String, String), Value>;

/// Takes all steps, with the grants or without them, and says what is not as it must be.
pub(crate) fn perform(case: &Case, with_grants: bool) -> Result<(), String> {
    let loaded = load(case, with_grants)?;
    let mut faults = Vec::new();
    if with_grants {
        let warnings: Vec<_> = loaded.warnings.iter().map(ToString::to_string).collect();
        faults.extend(missing(&case.load, &warnings.join("\n")).map(|fault| format!("load: {fault}")));
    }
    let mut stored = Stored::new();
    for step in &case.steps {
        let without = step.without.clone().filter(|_| !with_grants);
        let expected = without.unwrap_or_else(|| step.expected());
        let outcome = take(step, &mut stored, &loaded.snapshot);
        faults.extend(outcome.faults(&expected, case).map(|fault| format!("{}: {fault}", step.what)));
    }
    if faults.is_empty() { Ok(()) } else { Err(faults.join("\n")) }
}

fn load(case: &Case, with_grants: bool) -> Result<Loaded, String> {
    let documents =
        |text: &str| serde_saphyr::from_multiple::<Value>(text).map_err(|error| error.to_string());
    let mut objects = documents(&case.policies)?;
    let grants = if with_grants { documents(&case.grants)? } else { Vec::new() };
    for grant in grants {
        let is_it = |object: &&mut Value| {
            object["kind"] == grant["kind"] && object["metadata"]["name"] == grant["metadata"]["name"]
        };
        match objects.iter_mut().find(is_it) {
            Some(object) => json_patch::merge(object, &grant),
            None => objects.push(grant),
        }
    }
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let file = folder.path().join("policies.yaml");
    let text: Vec<_> = objects.iter().map(ToString::to_string).collect();
    fs::write(&file, text.join("\n---\n")).map_err(|error| error.to_string())?;
    policies::load(&[file], case.today).map_err(|error| error.to_string())
}

/// What came of a step.
struct Outcome {
    /// The response of the validating webhook, or of the mutating one if that denied.
    response: Value,
    /// The object as it would be stored.
    object: Value,
    /// The second call of the mutating webhook changed something.
    patched_twice: bool,
}

fn take(step: &Step, stored: &mut Stored, snapshot: &Snapshot) -> Outcome {
    let (mut object, old) = objects(step, stored);
    let (mutate, validate) = match step.entry {
        Paths::Any => (Entry::Mutate, Entry::Validate),
        Paths::Tenants => (Entry::MutateTenants, Entry::ValidateTenants),
        Paths::Elsewhere => (Entry::Mutate, Entry::ValidateElsewhere),
        Paths::Templates => (Entry::Mutate, Entry::ValidateTemplates),
    };
    let is_mutated = matches!(object["kind"].as_str(), Some("Pod" | "DaemonSet")) && step.sub.is_empty();
    let mut patched_twice = false;
    if is_mutated && !step.skip_mutate && matches!(step.entry, Paths::Any | Paths::Tenants) {
        for again in [false, true] {
            let response = ask(mutate, step, &object, old.as_ref(), snapshot);
            if response["allowed"] != true {
                return Outcome { response, object, patched_twice };
            }
            if let Some(patch) = response["patch"].as_str() {
                patched_twice = again;
                let patch: json_patch::Patch =
                    serde_json::from_slice(&STANDARD.decode(patch).unwrap()).unwrap();
                json_patch::patch(&mut object, &patch).unwrap();
            }
        }
    }
    if !step.after_stamp.is_null() {
        json_patch::merge(&mut object, &step.after_stamp);
    }
    let response = ask(validate, step, &object, old.as_ref(), snapshot);
    if step.op != Op::Binding {
        // What is denied is stored too, so that a later step can be judged without the grants.
        let name = |field: &str| object["metadata"][field].as_str().map(str::to_owned);
        let name = name("name").or_else(|| name("generateName")).unwrap_or_default();
        let kind = object["kind"].as_str().unwrap_or_default().to_owned();
        stored.insert((kind, name), object.clone());
    }
    Outcome { response, object, patched_twice }
}

/// The object of the step, and its older version.
fn objects(step: &Step, stored: &Stored) -> (Value, Option<Value>) {
    match step.op {
        Op::Binding => {
            let binding = json!({
                "apiVersion": "v1", "kind": "Binding",
                "metadata": {"name": step.pod, "namespace": step.ns},
                "target": {"kind": "Node", "name": step.node},
            });
            (binding, None)
        }
        Op::Create => {
            let mut object = step.object.clone();
            if object["metadata"]["namespace"].is_null() && object["kind"] != "Namespace" {
                object["metadata"]["namespace"] = json!(step.ns);
            }
            if object["kind"] == "Pod" && object["apiVersion"] == "v1" && !step.raw {
                default_pod(&mut object["spec"]);
            }
            (object, None)
        }
        Op::Update => {
            let of = step.of.as_ref().unwrap_or_else(|| panic!("{}: an update is `of` an object", step.what));
            let mut old =
                stored.get(of).unwrap_or_else(|| panic!("{}: nothing is stored", step.what)).clone();
            if let Some(node) = &step.bound {
                old["spec"]["nodeName"] = json!(node);
            }
            let mut object = old.clone();
            json_patch::merge(&mut object, &step.object);
            for (path, items) in &step.append {
                let pointer = format!("/{}", path.replace('.', "/"));
                let list = object.pointer_mut(&pointer).and_then(Value::as_array_mut);
                list.unwrap_or_else(|| panic!("{path}: no list")).extend(items.iter().cloned());
            }
            (object, Some(old))
        }
    }
}

/// Fills in what the API server fills in before it asks.
fn default_pod(spec: &mut Value) {
    for (field, value) in [
        ("schedulerName", json!("default-scheduler")),
        ("restartPolicy", json!("Always")),
        ("securityContext", json!({})),
        ("tolerations", json!([])),
    ] {
        if spec[field].is_null() {
            spec[field] = value;
        }
    }
    let tolerations = spec["tolerations"].as_array_mut().unwrap_or_else(|| panic!("tolerations are no list"));
    for key in ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"] {
        let is = |value: &Value, wanted: &str| {
            value.as_str().is_none_or(|value| value.is_empty() || value == wanted)
        };
        let covers =
            |toleration: &Value| is(&toleration["key"], key) && is(&toleration["effect"], "NoExecute");
        if !tolerations.iter().any(covers) {
            tolerations.push(
                json!({"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}),
            );
        }
    }
}

fn ask(entry: Entry, step: &Step, object: &Value, old: Option<&Value>, snapshot: &Snapshot) -> Value {
    let text = |field: &str| object[field].as_str().unwrap_or_default();
    let mut object_type = ObjectType::of(text("apiVersion"), text("kind"));
    if !step.res.is_empty() {
        object_type.resource = (&*step.res).into();
    }
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    let groups: Vec<_> = step.groups.iter().map(String::as_str).collect();
    let draft = Draft {
        uid: "00000000-0000-0000-0000-000000000001",
        object_type: &object_type,
        name,
        // The API server says of a Namespace that it is in itself.
        namespace: if object["kind"] == "Namespace" { name } else { &step.ns },
        operation: if step.op == Op::Update { "UPDATE" } else { "CREATE" },
        username: &step.user,
        groups: &groups,
        object: Some(object),
        old_object: old,
    };
    let mut review = draft.to_value().unwrap();
    let sub = if step.op == Op::Binding { "binding" } else { &step.sub };
    if !sub.is_empty() {
        review["request"]["subResource"] = json!(sub);
        review["request"]["requestSubResource"] = json!(sub);
    }
    if step.op == Op::Binding {
        review["request"]["resource"]["resource"] = json!("pods");
        review["request"]["requestResource"]["resource"] = json!("pods");
    }
    let bytes = review.to_string();
    let answer = partywall_core::answer(entry, bytes.as_bytes(), snapshot).unwrap();
    let mut answered: Value = serde_json::from_slice(&review::encode(&answer.uid, &answer.verdict)).unwrap();
    answered["response"].take()
}

impl Outcome {
    /// What of it is not as expected.
    fn faults(&self, expected: &Expected, case: &Case) -> impl Iterator<Item = String> {
        let mut faults = Vec::new();
        let warnings: Vec<_> =
            self.response["warnings"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let verdict = match (&self.response["allowed"], warnings.is_empty()) {
            (Value::Bool(true), true) => Verdict::Allow,
            (Value::Bool(true), false) => Verdict::Warn,
            _ => Verdict::Deny,
        };
        let denial = self.response["status"]["message"].as_str().unwrap_or_default();
        let message = if verdict == Verdict::Deny { denial.to_owned() } else { warnings.join("\n") };
        if verdict != expected.expect {
            faults.push(format!("{verdict:?} instead of {:?}: {message}", expected.expect));
        }
        faults.extend(missing(&expected.message, &message));
        if self.patched_twice {
            faults.push("the second stamp changed something".to_owned());
        }
        if let Some(wanted) = expected.runs_on.as_ref().filter(|_| verdict != Verdict::Deny) {
            let found = nodes::could_run_on(&self.object, &case.nodes);
            if found != *wanted {
                faults.push(format!("could run on {found:?} instead of {wanted:?}: {}", self.object["spec"]));
            }
        }
        faults.into_iter()
    }
}

/// The parts that the text lacks.
fn missing<'p>(parts: &'p [String], text: &'p str) -> impl Iterator<Item = String> {
    let lacks = |part: &&String| !text.contains(part.as_str());
    parts.iter().filter(lacks).map(move |part| format!("{part:?} is missing in {text:?}"))
}
