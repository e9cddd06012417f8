//! The fixtures of the rules: what is denied must be denied by exactly its rule, and stay denied however the same
//! thing is dressed up.

use std::fmt::Write as _;

use partywall_core::rule_id::RuleId;
use partywall_core::tenancy::{Owner, Snapshot};
use serde_json::{Value, json};

use crate::rule_fixture::{Fixture, fixtures, policies};
use crate::support::{create, stamped, update, validate};

impl Fixture {
    fn is_plain_pod(&self) -> bool {
        self.object["kind"] == "Pod" && self.request.is_none()
    }

    fn expect(&self, review: &Value, snapshot: &Snapshot, dressed: &str) {
        let answer = validate(review, snapshot);
        if self.allow {
            assert!(answer.is_allowed(), "{} {dressed}: denied: {}", self.id(), answer.message());
        } else {
            assert!(!answer.is_allowed(), "{} {dressed}: allowed", self.id());
            assert_eq!(answer.rules(), [self.rule.as_str()], "{} {dressed}: {}", self.id(), answer.message());
            assert_eq!(answer.response["status"]["code"], 403);
        }
    }
}

#[test]
fn each_is_allowed_or_denied_by_exactly_its_rule() {
    let snapshot = policies();
    let mut messages = String::new();
    for fixture in fixtures() {
        let review = fixture.review(&snapshot);
        fixture.expect(&review, &snapshot, "as it is");
        if !fixture.allow {
            writeln!(
                messages,
                "{}\n  {}",
                fixture.id(),
                validate(&review, &snapshot).message().replace('\n', "\n  ")
            )
            .unwrap();
        }
    }
    insta::assert_snapshot!("messages", messages);
}

#[test]
fn e2_moving_the_container_to_another_list_changes_nothing() {
    let snapshot = policies();
    for fixture in fixtures().iter().filter(|fixture| fixture.is_plain_pod()) {
        for list in ["initContainers", "ephemeralContainers"] {
            let mut object = fixture.object.clone();
            let moved = object["spec"]["containers"].take();
            object["spec"][list] = moved;
            // Not `clean`: level restricted asks something of every container.
            object["spec"]["containers"] = json!([harmless("main")]);
            let review = stamped(&create(object), &snapshot);
            fixture.expect(&review, &snapshot, list);
        }
    }
}

#[test]
fn d3_wrapping_the_pod_in_a_workload_changes_nothing() {
    let snapshot = policies();
    // What only pods can be asked: their templates are stamped when the pods are made.
    for fixture in fixtures().iter().filter(|fixture| fixture.is_plain_pod()) {
        let namespace = fixture.object["metadata"]["namespace"].as_str().unwrap_or_default();
        for object in wrapped(&fixture.object) {
            let review = stamped(&create(object.clone()), &snapshot);
            // O20: outside tenants a template is only warned about.
            if !fixture.allow && matches!(snapshot.owner(namespace), Owner::Unclaimed) {
                let response = validate(&review, &snapshot).response;
                assert_eq!(response["allowed"], true, "{}", fixture.id());
                assert!(response["warnings"].is_array(), "{}", fixture.id());
            } else {
                fixture.expect(&review, &snapshot, object["kind"].as_str().unwrap());
            }
        }
    }
}

#[test]
fn b6_f2_an_update_that_introduces_it_changes_nothing() {
    let snapshot = policies();
    for fixture in fixtures().iter().filter(|fixture| fixture.request.is_none()) {
        let new = fixture.review(&snapshot);
        let base = base(&fixture.object);
        let old = stamped(&create(base), &snapshot)["request"]["object"].clone();
        fixture.expect(&update(new, old), &snapshot, "as an update");
    }
}

#[test]
fn e3_e5_an_ephemeral_container_is_judged_on_its_subresource() {
    let snapshot = policies();
    let fixtures = fixtures();
    let of_containers = |fixture: &&Fixture| {
        fixture.is_plain_pod()
            && (fixture.allow || fixture.object["spec"].as_object().unwrap().len() == 1)
            && fixture.rule == RuleId::PodSecurity
    };
    let mut seen = 0;
    for fixture in fixtures.iter().filter(of_containers) {
        let mut old = fixture.object.clone();
        let mut ephemeral = old["spec"]["containers"].take();
        old["spec"]["containers"] = json!([harmless("main")]);
        ephemeral[0]["name"] = json!("debugger");
        let old = stamped(&create(old), &snapshot)["request"]["object"].clone();
        let mut new = old.clone();
        new["spec"]["ephemeralContainers"] = ephemeral;
        // An annotation speaks of a container by name.
        if fixture.object["metadata"].get("annotations").is_some() {
            continue;
        }
        // The list alone is no pod, so whatever is in it is denied.
        let list = |pod: &Value| {
            json!({
                "apiVersion": "v1", "kind": "EphemeralContainers", "metadata": pod["metadata"],
                "ephemeralContainers": pod["spec"]["ephemeralContainers"],
            })
        };
        let mut alone = update(create(list(&new)), list(&old));
        alone["request"]["resource"] = json!({"group": "", "version": "v1", "resource": "pods"});
        alone["request"]["subResource"] = json!("ephemeralcontainers");
        assert_eq!(validate(&alone, &snapshot).response["status"]["code"], 422, "{}", fixture.name);
        let mut review = update(create(new), old);
        review["request"]["subResource"] = json!("ephemeralcontainers");
        fixture.expect(&review, &snapshot, "as an ephemeral container");
        seen += usize::from(!fixture.allow);
    }
    assert!(seen >= 8, "only {seen} deny fixtures are about a container");
}

#[test]
fn j11_what_was_there_before_does_not_stand_in_the_way_of_an_update() {
    let snapshot = policies();
    for fixture in fixtures().iter().filter(|fixture| !fixture.allow && fixture.request.is_none()) {
        let mut new = fixture.object.clone();
        // Other labels stay: some say what an object belongs to.
        new["metadata"]["labels"]["touched"] = json!("yes");
        new["metadata"]["finalizers"] = json!([]);
        let mut old = fixture.object.clone();
        // J10: an object that is being deleted is judged like any other.
        new["metadata"]["deletionTimestamp"] = json!("2026-11-20T12:00:00Z");
        old["metadata"]["finalizers"] = json!(["example.com/hold"]);
        let answer = validate(&update(create(new), old), &snapshot);
        assert!(answer.is_allowed(), "{}: {}", fixture.id(), answer.message());
    }
}

#[test]
fn j10_deletion_does_not_open_a_door() {
    let snapshot = policies();
    for fixture in fixtures().iter().filter(|fixture| !fixture.allow && fixture.request.is_none()) {
        let mut review = fixture.review(&snapshot);
        review["request"]["object"]["metadata"]["deletionTimestamp"] = json!("2026-11-20T12:00:00Z");
        let mut old = stamped(&create(base(&fixture.object)), &snapshot)["request"]["object"].clone();
        old["metadata"]["deletionTimestamp"] = json!("2026-11-20T12:00:00Z");
        fixture.expect(&update(review, old), &snapshot, "while it is being deleted");
    }
}

#[test]
fn delete_and_the_subresources_without_a_spec_pass() {
    let snapshot = policies();
    for fixture in fixtures().iter().filter(|fixture| !fixture.allow && fixture.request.is_none()) {
        let mut delete = create(fixture.object.clone());
        delete["request"]["operation"] = json!("DELETE");
        delete["request"]["oldObject"] = delete["request"]["object"].take();
        assert!(validate(&delete, &snapshot).is_allowed(), "J8: deleting {}", fixture.id());
        if fixture.object["kind"] == "Pod" {
            for subresource in [
                "status",
                "resize",
                "eviction",
                "log",
                "exec",
                "attach",
                "portforward",
                "proxy",
                "token",
                "scale",
                "finalize",
            ] {
                // From its metadata controllers make names, and network plugins routes.
                let is_read = matches!(fixture.rule, RuleId::IngressAnnotations | RuleId::PodNetworks);
                if subresource == "status" && is_read {
                    continue;
                }
                let mut review = create(fixture.object.clone());
                review["request"]["subResource"] = json!(subresource);
                assert!(validate(&review, &snapshot).is_allowed(), "{subresource} of {}", fixture.id());
            }
        }
    }
}

/// A container that passes every level.
fn harmless(name: &str) -> Value {
    json!({
        "name": name, "image": "registry.example.com/app:1",
        "securityContext": {"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}},
    })
}

/// The object before somebody made it what the fixture is.
fn base(object: &Value) -> Value {
    let metadata = json!({"name": object["metadata"]["name"], "namespace": object["metadata"]["namespace"]});
    let spec = match object["kind"].as_str().unwrap() {
        "Pod" => json!({
            "securityContext": {"runAsNonRoot": true, "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [harmless("app")],
        }),
        "Service" => json!({"type": "ClusterIP", "ports": [{"port": 80}]}),
        "Ingress" => json!({"ingressClassName": "public", "rules": [{"host": "own.x.example.com"}]}),
        // Each claims something else than any fixture, or as good as nothing.
        "HTTPRoute" | "GRPCRoute" | "TLSRoute" => json!({"hostnames": ["own.x.example.com"]}),
        "Gateway" => json!({"gatewayClassName": "base"}),
        "ListenerSet" | "XListenerSet" => json!({"parentRef": {"name": "base"}}),
        "Route" => json!({"host": "own.x.example.com"}),
        "TCPRoute" | "UDPRoute" | "XHTTPRoute" | "XBackend" => json!({}),
        "ReferenceGrant" | "BackendTLSPolicy" | "XBackendTrafficPolicy" => json!({}),
        // Neither has a spec, and without addresses both are harmless.
        "Endpoints" | "EndpointSlice" => Value::Null,
        "Certificate" => json!({"dnsNames": [], "issuerRef": {"name": "own-ca"}}),
        "HTTPProxy" => json!({"virtualhost": {"fqdn": "own.x.example.com"}}),
        "VirtualService" => json!({"hosts": ["own.x.example.com"]}),
        "Site" => json!({"host": "own.x.example.com"}),
        // Any other kind is harmless while there is nothing in it, or denied whatever is in it.
        _ => Value::Null,
    };
    json!({"apiVersion": object["apiVersion"], "kind": object["kind"], "metadata": metadata, "spec": spec})
}

/// The pod as the template of every kind that has one.
fn wrapped(pod: &Value) -> Vec<Value> {
    let metadata = json!({
        "annotations": pod["metadata"]["annotations"], "labels": pod["metadata"]["labels"],
    });
    let template = json!({"metadata": metadata, "spec": pod["spec"]});
    let metadata = json!({"name": "app", "namespace": pod["metadata"]["namespace"]});
    let of = |api_version: &str, kind: &str, rest: Value| {
        let mut object = json!({"apiVersion": api_version, "kind": kind, "metadata": metadata});
        json_patch::merge(&mut object, &rest);
        object
    };
    let in_spec = json!({"spec": {"template": template}});
    vec![
        of("apps/v1", "Deployment", in_spec.clone()),
        of("apps/v1", "ReplicaSet", in_spec.clone()),
        of("apps/v1", "StatefulSet", in_spec.clone()),
        of("apps/v1", "DaemonSet", in_spec.clone()),
        of("batch/v1", "Job", in_spec.clone()),
        of("v1", "ReplicationController", in_spec.clone()),
        of("batch/v1", "CronJob", json!({"spec": {"jobTemplate": in_spec}})),
        of("v1", "PodTemplate", json!({"template": template})),
    ]
}
