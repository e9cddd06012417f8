//! Reviews as JSON trees: written as the API server writes them, asked, and answered.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use partywall_core::review::NotAReview;
use partywall_core::verdict::Verdict;
use partywall_core::{Answer, Entry, review, work};
use serde_json::{Map, Value, json};

use crate::snapshot;

/// The fields of a request in the order in which the API server writes them.
const API_SERVER: [&str; 15] = [
    "uid",
    "kind",
    "resource",
    "subResource",
    "requestKind",
    "requestResource",
    "requestSubResource",
    "name",
    "namespace",
    "operation",
    "userInfo",
    "object",
    "oldObject",
    "dryRun",
    "options",
];

/// In which order the fields of a request are written.
#[derive(Clone, Copy, Debug)]
pub enum Order {
    /// As the API server does: what says how to read an object comes before it.
    ApiServer,
    /// The other way round: the object is met before anybody knows what it is.
    Backwards,
}

/// The bytes of a review.
pub fn write(review: &Value, order: Order) -> Vec<u8> {
    let Some(fields) = review.as_object() else { return review.to_string().into_bytes() };
    let mut parts: Vec<String> = ["kind", "apiVersion"]
        .iter()
        .filter_map(|key| fields.get(*key).map(|value| pair(key, &value.to_string())))
        .collect();
    if let Some(request) = fields.get("request") {
        parts.push(pair("request", &write_request(request, order)));
    }
    let known = ["kind", "apiVersion", "request"];
    parts.extend(rest(fields, &known));
    if let Order::Backwards = order {
        parts.reverse();
    }
    format!("{{{}}}", parts.join(",")).into_bytes()
}

fn write_request(request: &Value, order: Order) -> String {
    let Some(fields) = request.as_object() else { return request.to_string() };
    let mut parts: Vec<String> = API_SERVER
        .iter()
        .filter_map(|key| fields.get(*key).map(|value| pair(key, &value.to_string())))
        .collect();
    parts.extend(rest(fields, &API_SERVER));
    if let Order::Backwards = order {
        parts.reverse();
    }
    format!("{{{}}}", parts.join(","))
}

fn rest(fields: &Map<String, Value>, known: &[&str]) -> Vec<String> {
    let others = fields.iter().filter(|(key, _)| !known.contains(&key.as_str()));
    others.map(|(key, value)| pair(key, &value.to_string())).collect()
}

fn pair(key: &str, value: &str) -> String {
    format!("{}:{value}", Value::from(key))
}

/// A request to create an object, as an ordinary user.
pub fn create(object: Value) -> Value {
    let api_version = object["apiVersion"].as_str().unwrap_or_default();
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    let kind = object["kind"].as_str().unwrap_or_default();
    let lower = kind.to_lowercase();
    let resource = if lower.ends_with("ss") { format!("{lower}es") } else { format!("{lower}s") };
    json!({
        "kind": "AdmissionReview",
        "apiVersion": "admission.k8s.io/v1",
        "request": {
            "uid": "u-1",
            "kind": {"group": group, "version": version, "kind": kind},
            "resource": {"group": group, "version": version, "resource": resource},
            "name": object["metadata"]["name"],
            "namespace": object["metadata"]["namespace"],
            "operation": "CREATE",
            "userInfo": {"username": "jane", "groups": ["system:authenticated"]},
            "object": object,
            "oldObject": null,
        },
    })
}

/// The same review with another operation and other objects.
pub fn with(review: &Value, operation: &str, new: &Value, old: &Value) -> Value {
    let mut review = review.clone();
    if let Some(request) = review["request"].as_object_mut() {
        request.insert("operation".to_owned(), json!(operation));
        request.insert("object".to_owned(), new.clone());
        request.insert("oldObject".to_owned(), old.clone());
    }
    review
}

/// The work that any review may take, and that it may take for each of its bytes: no hostile one is known that takes
/// more than four units.
const MOST_WORK: (u64, u64) = (2_000, 6);

/// The answer to a body, which takes no more work than its bytes allow.
pub fn answer(entry: Entry, body: &[u8]) -> Result<Answer<'_>, NotAReview> {
    let (answer, spent) = work::measure(|| partywall_core::answer(entry, body, snapshot()));
    let (some, for_each) = MOST_WORK;
    let most = some + for_each * body.len() as u64;
    assert!(spent.work <= most, "O2: {} units of work for {} bytes", spent.work, body.len());
    answer
}

/// The verdict on a review; `None`: it is no review.
pub fn ask(entry: Entry, review: &Value) -> Option<Verdict> {
    let body = write(review, Order::ApiServer);
    answer(entry, &body).ok().map(|answer| answer.verdict)
}

/// The object of a review, stamped; `None`: it is no review, or nothing is missing.
pub fn stamped(review: &Value) -> Option<Value> {
    let patch = check_answer(Entry::Mutate, "u", &ask(Entry::Mutate, review)?)?;
    let mut object = review["request"]["object"].clone();
    json_patch::patch(&mut object, &patch).expect("K3: every patch applies");
    Some(object)
}

/// Holds an answer to what the API server asks of one; its patch, decoded.
pub fn check_answer(entry: Entry, uid: &str, verdict: &Verdict) -> Option<json_patch::Patch> {
    let bytes = review::encode(uid, verdict);
    let answer: Value = serde_json::from_slice(&bytes).expect("an answer is JSON");
    assert_eq!(answer["kind"], "AdmissionReview");
    assert_eq!(answer["apiVersion"], "admission.k8s.io/v1");
    let response = &answer["response"];
    assert_eq!(response["uid"], uid, "K1: the uid is echoed");
    let allowed = response["allowed"].as_bool().expect("K1: an answer allows or denies");
    assert_eq!(allowed, verdict.is_allowed());
    assert_eq!(allowed, response.get("status").is_none(), "a denial has a status, and nothing else has");
    if !allowed {
        assert!(response["status"]["message"].as_str().is_some_and(|message| !message.is_empty()));
        assert!(response.get("patch").is_none(), "a denial has no patch");
    }
    for warning in response["warnings"].as_array().into_iter().flatten() {
        let warning = warning.as_str().expect("a warning is a string");
        assert!(warning.chars().count() <= 256 && !warning.contains(char::is_control), "K13: {warning:?}");
    }
    let patch = response.get("patch");
    assert_eq!(patch.is_some(), response.get("patchType").is_some(), "K2: patch and patchType go together");
    assert!(patch.is_none() || entry == Entry::Mutate, "K2: the validating webhook never patches");
    let patch = STANDARD.decode(patch?.as_str().expect("a patch is a string")).expect("a patch is base64");
    let patch: json_patch::Patch = serde_json::from_slice(&patch).expect("a patch is a JSON patch");
    assert!(!patch.0.is_empty(), "K2: an empty patch is none");
    Some(patch)
}
