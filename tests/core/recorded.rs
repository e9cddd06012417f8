//! The reviews that a real API server sent: each has its verdict, each `mutate-` one its patched object.
//!
//! They are of 1.36, and held to the policies of the EKS example.

use std::fmt::Write as _;
use std::fs;

use partywall_core::Entry;
use serde_json::{Value, json};

use crate::support::{Answer, ask, eks, fixture, patched};

fn is_mutate(name: &str) -> bool {
    name.starts_with("mutate-")
}

/// The names of the recorded reviews, in order.
fn names() -> Vec<String> {
    let entries = fs::read_dir(fixture("reviews")).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.filter_map(|name| name.strip_suffix(".json").map(str::to_owned)).collect();
    names.sort();
    assert!(names.len() >= 125, "only {} recorded reviews", names.len());
    names
}

fn bytes(name: &str) -> Vec<u8> {
    fs::read(fixture(&format!("reviews/{name}.json"))).unwrap()
}

fn answer(name: &str, body: &[u8]) -> Answer {
    let entry = if is_mutate(name) { Entry::Mutate } else { Entry::Validate };
    ask(entry, body, &eks())
}

#[test]
fn each_has_its_verdict() {
    let mut table = String::new();
    for name in names() {
        let body = bytes(&name);
        let answer = answer(&name, &body);
        let review: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(answer.response["uid"], review["request"]["uid"], "{name}");
        let verdict = match (answer.is_allowed(), &answer.patch) {
            (true, None) => "allowed",
            (true, Some(_)) => "stamped",
            (false, _) => "denied",
        };
        writeln!(table, "{name}: {verdict}").unwrap();
        for cause in answer.causes() {
            writeln!(table, "    {cause}").unwrap();
        }
        for warning in answer.response["warnings"].as_array().into_iter().flatten() {
            writeln!(table, "    warning: {}", warning.as_str().unwrap()).unwrap();
        }
    }
    insta::assert_snapshot!("verdicts", table);
}

#[test]
fn each_mutated_one_has_its_patched_object() {
    for name in names().iter().filter(|name| is_mutate(name)) {
        let body = bytes(name);
        let review: Value = serde_json::from_slice(&body).unwrap();
        let answer = answer(name, &body);
        let mut object = patched(&review, &answer);
        // What the snapshot leaves out is proven untouched by `stamp::nothing_else_changes`.
        if body.len() > 100_000 {
            object["spec"]["containers"] = json!("as they were");
        }
        if let Some(metadata) = object["metadata"].as_object_mut() {
            metadata.remove("managedFields");
        }
        insta::assert_json_snapshot!(format!("patched/{name}"), object);
    }
}

#[test]
fn k2_the_stamped_pod_yields_no_patch_when_it_is_sent_again() {
    let mut stamped = 0;
    for name in names().iter().filter(|name| is_mutate(name)) {
        let body = bytes(name);
        let mut review: Value = serde_json::from_slice(&body).unwrap();
        let first = answer(name, &body);
        review["request"]["object"] = patched(&review, &first);
        let second = answer(name, review.to_string().as_bytes());
        assert!(second.patch.is_none(), "A11: {name} is patched twice: {:?}", second.patch);
        stamped += usize::from(first.patch.is_some());
    }
    assert!(stamped >= 15, "only {stamped} recorded reviews are stamped");
}

#[test]
fn system_traffic_is_never_denied() {
    let system = ["-status-", "-scale-", "-by-kube-scheduler", "-delete-", "-endpointslices-", "-connect-"];
    let of_the_system: Vec<_> =
        names().into_iter().filter(|name| system.iter().any(|part| name.contains(part))).collect();
    assert!(of_the_system.len() >= 18, "{of_the_system:?}");
    for name in of_the_system {
        let answer = answer(&name, &bytes(&name));
        assert!(answer.is_allowed(), "{name}: {}", answer.message());
    }
}

#[test]
fn the_privileged_pod_is_denied_with_one_cause_for_each_violation() {
    let answer = answer("validate-create-pods-privileged", &bytes("validate-create-pods-privileged"));
    assert_eq!(answer.response["uid"], "52ee23f0-a85f-4001-a10d-ec323401e642");
    assert_eq!(answer.response["status"]["code"], 403);
    assert_eq!(
        answer.causes(),
        [
            "node-placement spec.nodeSelector",
            "pod-security spec.containers[0].securityContext.privileged",
            "pod-security spec.hostNetwork",
            "pod-security spec.hostPID",
        ]
    );
}

#[test]
fn the_plain_pod_gets_exactly_what_the_guide_shows() {
    let name = "mutate-create-pods-plain";
    let body = bytes(name);
    let answer = answer(name, &body);
    let pod = patched(&serde_json::from_slice(&body).unwrap(), &answer);
    assert_eq!(
        pod["spec"]["affinity"],
        json!({"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [
            {"matchExpressions": [{"key": "tenant", "operator": "In", "values": ["tenants-x"]}]},
        ]}}})
    );
    assert_eq!(pod["spec"]["nodeSelector"], json!({"tenant": "tenants-x"}));
    assert_eq!(
        pod["spec"]["tolerations"],
        json!([
            {
                "key": "node.kubernetes.io/not-ready",
                "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300,
            },
            {
                "key": "node.kubernetes.io/unreachable",
                "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300,
            },
            {"key": "tenant", "operator": "Equal", "value": "tenants-x", "effect": "NoSchedule"},
        ])
    );
}
