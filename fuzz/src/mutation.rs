//! A mutator that keeps reviews JSON: bytes that are changed blindly hardly ever get past the parser, so it changes
//! the tree, with pieces of the seeds, and leaves the bytes inside of strings to libFuzzer.

mod tree;

use libfuzzer_sys::fuzzer_mutate;
use serde_json::{Value, json};

use self::tree::{pick_path, set};
use crate::dice::Dice;
use crate::review::{Order, stamped, write};
use crate::seeds;

/// Kinds as (group, kind, resource).
const KINDS: [(&str, &str, &str); 20] = [
    ("", "Pod", "pods"),
    ("", "Pod", "pods"),
    ("", "Pod", "pods"),
    ("apps", "Deployment", "deployments"),
    ("apps", "ReplicaSet", "replicasets"),
    ("apps", "StatefulSet", "statefulsets"),
    ("apps", "DaemonSet", "daemonsets"),
    ("extensions", "DaemonSet", "daemonsets"),
    ("batch", "Job", "jobs"),
    ("batch", "CronJob", "cronjobs"),
    ("", "ReplicationController", "replicationcontrollers"),
    ("", "PodTemplate", "podtemplates"),
    ("", "Service", "services"),
    ("networking.k8s.io", "Ingress", "ingresses"),
    ("", "Binding", "pods"),
    ("", "EphemeralContainers", "pods"),
    ("", "Endpoints", "endpoints"),
    ("discovery.k8s.io", "EndpointSlice", "endpointslices"),
    ("", "ConfigMap", "configmaps"),
    ("", "PodNobodyKnows", "pods"),
];
const NAMESPACES: [&str; 10] = [
    "tenants-x",
    "tenants-x",
    "tenants-y",
    "exposed",
    "hardened",
    "trusted",
    "sandboxed",
    "crowded",
    "lenient",
    "monitoring",
];
const SUBRESOURCES: [&str; 7] = ["", "", "status", "resize", "ephemeralcontainers", "binding", "scale"];
const USERS: [&str; 5] = [
    "jane",
    "system:kube-scheduler",
    "system:node:node-1",
    "system:serviceaccount:kube-system:daemon-set-controller",
    "system:serviceaccount:kube-system:endpointslice-controller",
];
const WORDS: [&str; 30] = [
    "",
    "*",
    "In",
    "NotIn",
    "Exists",
    "DoesNotExist",
    "Gt",
    "Equal",
    "NoSchedule",
    "NoExecute",
    "tenant",
    "tenants-x",
    "tenants-x-gpu",
    "tenants-y",
    "tenants-z",
    "v",
    "std",
    "ssd",
    "tier",
    "app.x.example.com",
    "*.x.example.com",
    "app.y.example.com",
    "0",
    "-1",
    "localhost/x",
    "unconfined",
    "true",
    "a/b~c~1",
    "\u{e9}\n\u{0}",
    "registry.example.com/app:1",
];

/// For `fuzz_mutator!`: changes the review in `data`, or its bytes if it is none, and one time in `bytes` its
/// bytes all the same.
pub fn mutate(data: &mut [u8], size: usize, max_size: usize, seed: u32, bytes: usize) -> usize {
    let mut dice = Dice::new(seed);
    if !dice.one_in(bytes) {
        let tree =
            serde_json::from_slice::<Value>(&data[..size]).ok().filter(|tree| tree["request"].is_object());
        let mut review = tree.unwrap_or_else(|| dice.pick(seeds::all()).clone());
        for _ in 0..=dice.below(4) {
            if review["request"].is_object() {
                change(&mut review, &mut dice);
            }
        }
        let text = write(&review, Order::ApiServer);
        if text.len() <= max_size.min(data.len()) {
            data[..text.len()].copy_from_slice(&text);
            return text.len();
        }
    }
    fuzzer_mutate(data, size, max_size)
}

/// One step.
fn change(review: &mut Value, dice: &mut Dice) {
    match dice.below(18) {
        0 => request(review, dice),
        1 => *review = dice.pick(seeds::all()).clone(),
        2 => objects(review, dice),
        3..=6 => splice(review, dice),
        7..=9 => namesake(review, dice),
        10 => within(review, dice, |value, dice| *value = scalar(dice)),
        11..=12 => within(review, dice, word),
        13 => tree::remove(review, &pick_path(review, dice)),
        14 => within(review, dice, list),
        15 => within(review, dice, copy_down),
        _ => {
            if let Some(object) = stamped(review) {
                review["request"]["object"] = object;
            }
        }
    }
}

/// What is asked for, where, and by whom.
fn request(review: &mut Value, dice: &mut Dice) {
    let request = &mut review["request"];
    match dice.below(6) {
        0 | 1 => request["namespace"] = json!(dice.pick(&NAMESPACES)),
        2 => {
            let (group, kind, resource) = dice.pick(&KINDS);
            request["kind"] = json!({"group": group, "version": "v1", "kind": kind});
            request["resource"] = json!({"group": group, "version": "v1", "resource": resource});
        }
        3 => request["subResource"] = json!(dice.pick(&SUBRESOURCES)),
        4 => {
            request["operation"] =
                json!(dice.pick(&["CREATE", "CREATE", "UPDATE", "UPDATE", "DELETE", "CONNECT"]))
        }
        _ => request["userInfo"] = json!({"username": dice.pick(&USERS), "groups": ["system:nodes"]}),
    }
}

/// The object of another seed, or one for the other.
fn objects(review: &mut Value, dice: &mut Dice) {
    let request = &mut review["request"];
    match dice.below(4) {
        0 => request["oldObject"] = request["object"].clone(),
        1 => request["object"] = request["oldObject"].clone(),
        2 => request["object"] = dice.pick(seeds::all())["request"]["object"].clone(),
        _ => {
            let seed = &dice.pick(seeds::all())["request"];
            for key in ["object", "kind", "resource"] {
                request[key] = seed[key].clone();
            }
        }
    }
}

/// A piece of a seed, put where it is there.
fn splice(review: &mut Value, dice: &mut Dice) {
    // A seed of the same kind has pieces that are read.
    let (any, kind) = (dice.one_in(3), review["request"]["kind"]["kind"].clone());
    let seeds = seeds::all();
    let start = dice.below(seeds.len());
    let mut candidates = seeds[start..].iter().chain(&seeds[..start]);
    let Some(seed) = candidates.find(|seed| any || seed["request"]["kind"]["kind"] == kind) else { return };
    let path = pick_path(seed, dice);
    if let Some(piece) = seed.pointer(&path) {
        set(review, &path, piece.clone());
    }
}

/// What some seed has in a field of the same name, wherever that is.
fn namesake(review: &mut Value, dice: &mut Dice) {
    let path = pick_path(review, dice);
    let values = path.rsplit('/').find(|token| token.parse::<usize>().is_err()).and_then(seeds::of_field);
    if let (Some(values), Some(value)) = (values, review.pointer_mut(&path)) {
        *value = dice.pick(values).clone();
    }
}

fn within(review: &mut Value, dice: &mut Dice, change: fn(&mut Value, &mut Dice)) {
    let path = pick_path(review, dice);
    if let Some(value) = review.pointer_mut(&path) {
        change(value, dice);
    }
}

fn scalar(dice: &mut Dice) -> Value {
    match dice.below(12) {
        0 => Value::Null,
        1 => json!(true),
        2 => json!(false),
        3 => json!({}),
        4 => json!([]),
        5 | 6 => json!(*dice.pick(&[0_i64, 1, -1, 80, 65_535, 1 << 31, i64::MAX, i64::MIN])),
        7 => json!(0.5),
        _ => json!(dice.pick(&WORDS)),
    }
}

/// Another word, or the same one with its bytes changed, by what libFuzzer saw compared.
fn word(value: &mut Value, dice: &mut Dice) {
    let Some(text) = value.as_str().filter(|text| text.len() < 100) else { return *value = scalar(dice) };
    if dice.one_in(2) {
        return *value = json!(dice.pick(&WORDS));
    }
    let mut bytes = [0; 128];
    bytes[..text.len()].copy_from_slice(text.as_bytes());
    let size = fuzzer_mutate(&mut bytes, text.len(), 128);
    *value = json!(String::from_utf8_lossy(&bytes[..size]));
}

fn list(value: &mut Value, dice: &mut Dice) {
    let Some(items) = value.as_array_mut().filter(|items| !items.is_empty()) else {
        // What is not a list becomes one of itself.
        return *value = json!([value.take()]);
    };
    let (one, other) = (dice.below(items.len()), dice.below(items.len()));
    match dice.below(3) {
        // Often enough for what is only counted, or cut off.
        0 => {
            let item = items[other].clone();
            let most = if item.to_string().len() < 100 { 150 } else { 12 };
            let times = if dice.one_in(2) { 1 } else { 1 + dice.below(most) };
            if items.len() + times <= 200 {
                items.splice(one..one, std::iter::repeat_n(item, times));
            }
        }
        1 => items.swap(one, other),
        _ => items.truncate(one),
    }
}

/// A value of the same object under another of its keys.
fn copy_down(value: &mut Value, dice: &mut Dice) {
    let Some(fields) = value.as_object_mut().filter(|fields| !fields.is_empty()) else { return };
    let keys: Vec<String> = fields.keys().cloned().collect();
    let copy = fields[dice.pick(&keys)].clone();
    let key = if dice.one_in(3) { (*dice.pick(&WORDS)).to_owned() } else { dice.pick(&keys).clone() };
    fields.insert(key, copy);
}
