//! Building reviews, asking for answers, reading them.

use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::civil::date;
use partywall::policies;
use partywall_core::review::compose::{Draft, ObjectType};
use partywall_core::tenancy::Snapshot;
use partywall_core::{Entry, review, work};
use serde_json::{Value, json};

/// A path in `tests/fixtures`.
pub(crate) fn fixture(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(path)
}

/// The snapshot of some policy files.
pub(crate) fn load(paths: &[PathBuf]) -> Snapshot {
    policies::load(paths, date(2026, 11, 20)).unwrap_or_else(|error| panic!("{error}")).snapshot
}

/// The snapshot of policies written in a test.
pub(crate) fn snapshot(policies: &str) -> Snapshot {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("policies.yaml");
    fs::write(&file, policies).unwrap();
    load(&[file])
}

/// The EKS example.
pub(crate) fn eks() -> Snapshot {
    load(&[Path::new(env!("CARGO_MANIFEST_DIR")).join("policies/examples/eks.yaml")])
}

/// A recorded review.
pub(crate) fn recorded(name: &str) -> Value {
    serde_json::from_slice(&fs::read(fixture(&format!("reviews/{name}.json"))).unwrap()).unwrap()
}

/// The documents of a YAML file.
pub(crate) fn yaml(text: &str) -> Vec<Value> {
    serde_saphyr::from_multiple(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// A request to create an object, as an ordinary user.
pub(crate) fn create(object: Value) -> Value {
    let api_version = object["apiVersion"].as_str().unwrap_or_default();
    let draft = Draft {
        uid: "00000000-0000-0000-0000-000000000001",
        object_type: &ObjectType::of(api_version, object["kind"].as_str().unwrap_or_default()),
        name: object["metadata"]["name"].as_str().unwrap_or_default(),
        namespace: object["metadata"]["namespace"].as_str().unwrap_or_default(),
        operation: "CREATE",
        username: "jane",
        groups: &["system:authenticated"],
        object: Some(&object),
        old_object: None,
    };
    draft.to_value().unwrap()
}

/// The same request as an update of `old`.
pub(crate) fn update(mut review: Value, old: Value) -> Value {
    review["request"]["operation"] = json!("UPDATE");
    review["request"]["oldObject"] = old;
    review
}

/// The answer to a review.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) response: Value,
    /// The patch, decoded.
    pub(crate) patch: Option<Value>,
}

impl Answer {
    pub(crate) fn is_allowed(&self) -> bool {
        self.response["allowed"].as_bool().unwrap()
    }

    /// `rule field` of every cause.
    pub(crate) fn causes(&self) -> Vec<String> {
        let causes = self.response["status"]["details"]["causes"].as_array();
        let line = |cause: &Value| {
            format!("{} {}", cause["reason"].as_str().unwrap(), cause["field"].as_str().unwrap())
        };
        causes.map(|causes| causes.iter().map(line).collect()).unwrap_or_default()
    }

    /// The rules of the causes, each once.
    pub(crate) fn rules(&self) -> Vec<String> {
        let mut rules: Vec<_> =
            self.causes().iter().map(|cause| cause.split(' ').next().unwrap().to_owned()).collect();
        rules.dedup();
        rules
    }

    pub(crate) fn message(&self) -> &str {
        self.response["status"]["message"].as_str().unwrap_or_default()
    }
}

/// Asks one of the webhooks, in bytes both ways; the decision takes a tenth of its budget at most.
pub(crate) fn ask(entry: Entry, body: &[u8], snapshot: &Snapshot) -> Answer {
    let (answer, spent) = work::measure(|| ask_hostile(entry, body, snapshot));
    let budget = work::budget(body.len());
    assert!(spent.work * 10 <= budget, "O2: {} units of work of {budget}", spent.work);
    answer
}

/// Asks one of the webhooks about a review that no honest user would send.
pub(crate) fn ask_hostile(entry: Entry, body: &[u8], snapshot: &Snapshot) -> Answer {
    let answer = partywall_core::answer(entry, body, snapshot).expect("a review");
    let bytes = review::encode(&answer.uid, &answer.verdict);
    let mut review: Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(review["kind"], "AdmissionReview");
    assert_eq!(review["apiVersion"], "admission.k8s.io/v1");
    let response = review["response"].take();
    let patch = response.get("patch").map(|patch| {
        assert_eq!(response["patchType"], "JSONPatch");
        serde_json::from_slice(&STANDARD.decode(patch.as_str().unwrap()).unwrap()).unwrap()
    });
    assert!(patch.is_some() || response.get("patchType").is_none(), "K2: patch and patchType go together");
    Answer { response, patch }
}

pub(crate) fn mutate(review: &Value, snapshot: &Snapshot) -> Answer {
    ask(Entry::Mutate, review.to_string().as_bytes(), snapshot)
}

pub(crate) fn validate(review: &Value, snapshot: &Snapshot) -> Answer {
    let answer = ask(Entry::Validate, review.to_string().as_bytes(), snapshot);
    assert!(answer.patch.is_none(), "K2: the validating webhook never patches");
    answer
}

/// The object of the review after the patch, if there is one.
pub(crate) fn patched(review: &Value, answer: &Answer) -> Value {
    let mut object = review["request"]["object"].clone();
    if let Some(patch) = &answer.patch {
        let patch: json_patch::Patch = serde_json::from_value(patch.clone()).unwrap();
        json_patch::patch(&mut object, &patch).expect("K3: every patch applies");
    }
    object
}

/// The review as the API server would send it on after `/mutate`.
pub(crate) fn stamped(review: &Value, snapshot: &Snapshot) -> Value {
    let answer = mutate(review, snapshot);
    assert!(answer.is_allowed(), "{}", answer.message());
    let mut review = review.clone();
    review["request"]["object"] = patched(&review, &answer);
    review
}

/// A pod with one container in `tenants-x`, with `spec` merged in.
pub(crate) fn pod(spec: Value) -> Value {
    let mut pod = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "app", "namespace": "tenants-x"},
        "spec": {"containers": [{"name": "app", "image": "registry.example.com/app:1"}]},
    });
    json_patch::merge(&mut pod["spec"], &spec);
    pod
}
