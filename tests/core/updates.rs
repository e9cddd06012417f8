//! Updates that get worse, and updates that only look so.

use partywall_core::Entry;
use serde_json::{Value, json};

use crate::support::{ask, create, fixture, load, pod, snapshot, stamped, update, validate};

fn service(spec: Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": "tenants-x"}, "spec": spec})
}

fn judged(old: Value, new: Value) -> Vec<String> {
    validate(&update(create(new), old), &load(&[fixture("rules/policies.yaml")])).causes()
}

#[test]
fn f8_an_alias_that_is_turned_to_another_name_is_another_violation() {
    let alias = |name: &str| service(json!({"type": "ExternalName", "externalName": name}));
    assert!(judged(alias("db.example.com"), alias("db.example.com")).is_empty());
    let causes = judged(alias("db.example.com"), alias("api.tenants-y.svc.cluster.local"));
    assert_eq!(causes, ["service-exposure spec.type"]);
}

#[test]
fn f6_f15_an_old_load_balancer_may_lose_node_ports_but_gain_none() {
    let with = |ports: &[u16]| {
        let ports: Vec<_> = ports.iter().map(|port| json!({"port": 80, "nodePort": port})).collect();
        service(json!({"type": "LoadBalancer", "ports": ports}))
    };
    assert!(judged(with(&[30_001, 30_002]), with(&[30_001])).is_empty());
    assert_eq!(judged(with(&[30_001]), with(&[30_001, 30_000])), ["service-exposure spec.ports[1].nodePort"]);
    let node_port = |ports: &[u16]| {
        let mut service = with(ports);
        service["spec"]["type"] = json!("NodePort");
        service
    };
    assert!(judged(node_port(&[30_001]), node_port(&[30_001])).is_empty());
    assert_eq!(
        judged(node_port(&[30_001]), node_port(&[30_001, 30_000])),
        ["service-exposure spec.ports[1].nodePort"]
    );
    assert!(
        judged(with(&[30_001]), service(json!({"type": "ClusterIP", "ports": [{"port": 80}]}))).is_empty()
    );
}

#[test]
fn j13_an_exemption_is_not_earned_in_two_steps() {
    let snapshot = snapshot(
        "{apiVersion: partywall.dev/v1alpha1, kind: Tenant, metadata: {name: t}, spec: {namespaces: [tenants-x]}}
---
{apiVersion: partywall.dev/v1alpha1, kind: Exemption, metadata: {name: e}, \
          spec: {tenant: t, reason: because, expires: 2027-01-31,
  rules: [pod-security, tolerations], target: {kind: DaemonSet, name: log-agent}}}",
    );
    let mut old = pod(json!({}));
    old["metadata"]["ownerReferences"] =
        json!([{"kind": "DaemonSet", "name": "log-agent", "controller": true}]);
    assert!(validate(&create(old.clone()), &snapshot).is_allowed());
    let mut debugged = old.clone();
    debugged["spec"]["ephemeralContainers"] =
        json!([{"name": "dbg", "image": "a", "securityContext": {"privileged": true}}]);
    let mut tolerant = old.clone();
    tolerant["spec"]["tolerations"] = json!([{"operator": "Exists"}]);
    for new in [debugged, tolerant] {
        assert!(!validate(&update(create(new), old.clone()), &snapshot).is_allowed());
    }
}

#[test]
fn c6_a_gated_pod_that_predates_partywall_may_be_confined() {
    let old = pod(json!({"schedulingGates": [{"name": "wait"}]}));
    let new = pod(json!({"schedulingGates": [{"name": "wait"}], "nodeSelector": {"tenant": "tenants-x"}}));
    assert!(judged(old.clone(), new).is_empty());
    let foreign = pod(json!({"nodeSelector": {"tenant": "tenants-y"}}));
    assert_eq!(judged(old, foreign), ["node-placement spec.nodeSelector[tenant]"]);
}

#[test]
fn e17_a_changed_image_or_an_added_container_has_the_pod_judged_in_full() {
    let old = pod(json!({"hostPID": true}));
    let mut image = old.clone();
    image["spec"]["containers"][0]["image"] = json!("registry.example.com/app:2");
    let mut added = old.clone();
    added["spec"]["ephemeralContainers"] = json!([{"name": "dbg", "image": "a"}]);
    for new in [image, added] {
        assert_eq!(judged(old.clone(), new), ["pod-security spec.hostPID"]);
    }
    let mut labelled = old.clone();
    labelled["metadata"]["labels"] = json!({"a": "b"});
    assert!(judged(old, labelled).is_empty());
}

#[test]
fn b6_a_toleration_that_moves_in_the_list_is_the_same_and_a_new_one_is_not() {
    let with = |keys: &[&str]| {
        let tolerations: Vec<_> = keys.iter().map(|key| json!({"key": key, "operator": "Exists"})).collect();
        pod(json!({"tolerations": tolerations}))
    };
    assert!(judged(with(&["a", "b"]), with(&["b", "a"])).is_empty());
    assert_eq!(judged(with(&["a"]), with(&["b", "a"])), ["tolerations spec.tolerations[0]"]);
}

#[test]
fn f9_f10_old_addresses_stay_and_new_ones_or_another_service_do_not() {
    let slice = |address: &str, service: &str, note: &str| {
        json!({
            "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
            "metadata": {"name": "web-1", "namespace": "tenants-x", "annotations": {"note": note},
                "labels": {"kubernetes.io/service-name": service}},
            "endpoints": [{"addresses": [address]}], "ports": [{"port": 80}],
        })
    };
    let old = || slice("10.0.0.1", "web", "a");
    assert!(judged(old(), slice("10.0.0.1", "web", "b")).is_empty());
    assert_eq!(judged(old(), slice("10.0.0.2", "web", "a")), ["endpoints endpoints"]);
    assert_eq!(judged(old(), slice("10.0.0.1", "api", "a")), ["endpoints endpoints"]);
    // A controller's slice that is taken from it keeps addresses that others will have.
    let mut taken = old();
    taken["metadata"]["labels"]["endpointslice.kubernetes.io/managed-by"] = json!("me");
    assert_eq!(judged(old(), taken), ["endpoints endpoints"]);
}

#[test]
fn e7_a_resize_is_never_denied() {
    let old = pod(json!({"hostPID": true}));
    let mut new = old.clone();
    new["spec"]["containers"][0]["resources"] = json!({"requests": {"cpu": "2"}});
    // The API server takes no image from a resize, so that a pod need not be judged in full.
    new["spec"]["containers"][0]["image"] = json!("registry.example.com/app:2");
    let mut review = update(create(new), old);
    review["request"]["subResource"] = json!("resize");
    assert!(validate(&review, &load(&[fixture("rules/policies.yaml")])).is_allowed());
}

#[test]
fn the_scheduler_and_controllers_may_do_their_work() {
    let snapshot = load(&[fixture("rules/policies.yaml")]);
    let mut running = stamped_pod();
    running["spec"]["nodeName"] = json!("node-1");
    // A pod that runs: labels, finalizers, the toleration that PodTolerationRestriction adds, an in-place resize.
    let mut new = running.clone();
    new["metadata"]["labels"] = json!({"a": "b"});
    new["spec"]["tolerations"].as_array_mut().unwrap().push(
        json!({"key": "node.kubernetes.io/memory-pressure", "operator": "Exists", "effect": "NoSchedule"}),
    );
    assert!(judged(running.clone(), new).is_empty());
    let mut resized = running.clone();
    resized["spec"]["containers"][0]["resources"] = json!({"requests": {"cpu": "2"}});
    let mut review = update(create(resized), running);
    review["request"]["subResource"] = json!("resize");
    assert!(validate(&review, &snapshot).is_allowed(), "E7");
}

/// A pod of a tenant with a pool, as it is stored.
fn stamped_pod() -> Value {
    stamped(&create(pod(json!({}))), &load(&[fixture("rules/policies.yaml")]))["request"]["object"].take()
}

#[test]
fn c1_an_update_may_neither_give_a_pod_a_node_nor_another_one() {
    let on = |node: Value| {
        let mut pod = stamped_pod();
        pod["spec"]["nodeName"] = node;
        pod
    };
    let denied = ["node-placement spec.nodeName"];
    assert!(judged(on(json!("node-1")), on(json!("node-1"))).is_empty());
    assert_eq!(judged(on(json!("node-1")), on(json!("node-2"))), denied);
    for none in [json!(""), json!(null), json!(1)] {
        assert_eq!(judged(on(none), on(json!("node-1"))), denied);
    }
    assert_eq!(judged(stamped_pod(), on(json!("node-1"))), denied);
    assert_eq!(judged(json!(null), on(json!("node-1"))), denied);
    assert_eq!(judged(json!({"spec": null}), on(json!("node-1"))), denied);
    // Where nobody's pods are, too.
    let elsewhere = |node: Value| {
        let mut pod = pod(json!({"nodeName": node}));
        pod["metadata"]["namespace"] = json!("outside");
        pod
    };
    assert!(judged(elsewhere(json!("node-1")), elsewhere(json!("node-1"))).is_empty());
    assert_eq!(judged(elsewhere(json!(null)), elsewhere(json!("node-1"))), denied);
}

#[test]
fn c1_whatever_else_is_wrong_with_a_running_pod_is_compared_as_ever() {
    let running = |more: Value| {
        let mut pod = stamped_pod();
        pod["spec"].as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        pod["spec"]["nodeName"] = json!("node-1");
        pod
    };
    let worse = running(json!({"hostPID": true}));
    assert_eq!(judged(running(json!({})), worse.clone()), ["pod-security spec.hostPID"]);
    assert!(judged(worse.clone(), worse.clone()).is_empty());
    let mut moved = worse.clone();
    moved["spec"]["nodeName"] = json!("node-2");
    assert_eq!(judged(worse, moved), ["node-placement spec.nodeName"]);
    let mut debugged = running(json!({}));
    debugged["spec"]["ephemeralContainers"] =
        json!([{"name": "dbg", "image": "a", "securityContext": {"privileged": true}}]);
    let mut review = update(create(debugged), running(json!({})));
    review["request"]["subResource"] = json!("ephemeralcontainers");
    let causes = validate(&review, &load(&[fixture("rules/policies.yaml")])).causes();
    assert_eq!(causes, ["pod-security spec.ephemeralContainers[0].securityContext.privileged"]);
    let mut mirror = running(json!({}));
    mirror["metadata"]["annotations"] = json!({"kubernetes.io/config.mirror": "a"});
    let causes = judged(running(json!({})), mirror);
    assert_eq!(causes, ["node-placement metadata.annotations[kubernetes.io/config.mirror]"]);
    // An old object that cannot be read says nothing in favour of the new one, but for its node if that can be.
    let odd = running(json!({"hostPID": "yes"}));
    assert!(judged(odd.clone(), running(json!({}))).is_empty());
    let causes = judged(odd, running(json!({"hostPID": true})));
    assert_eq!(causes, ["node-placement spec.nodeName", "pod-security spec.hostPID"]);
}

#[test]
fn c1_m9_of_two_old_nodes_none_counts() {
    let on = |node: &str| {
        let mut pod = stamped_pod();
        pod["spec"]["nodeName"] = json!(node);
        pod
    };
    let review = update(create(on("node-1")), on("OLD")).to_string();
    let snapshot = load(&[fixture("rules/policies.yaml")]);
    let causes = |nodes: &str| {
        ask(Entry::Validate, review.replace(r#""nodeName":"OLD""#, nodes).as_bytes(), &snapshot).causes()
    };
    assert!(causes(r#""nodeName":"node-1""#).is_empty());
    for two in [r#""nodeName":"node-2","nodeName":"node-1""#, r#""nodeName":"node-1","nodeName":"node-1""#] {
        assert_eq!(causes(two), ["node-placement spec.nodeName"]);
    }
}

#[test]
fn c1_only_a_pod_names_its_node_in_its_spec() {
    let template = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "tenants-x"},
        "spec": {"nodeName": "node-1", "template": pod(json!({}))},
    });
    let mut new = template.clone();
    new["spec"]["template"]["spec"]["nodeName"] = json!("node-1");
    assert_eq!(judged(template, new), ["node-placement spec.template.spec.nodeName"]);
}

#[test]
fn j11_a_namespace_whose_labels_cannot_be_read_may_stay_as_it_is_and_not_become_another() {
    let namespace = |labels: Value| {
        let metadata = json!({"name": "tenants-x", "labels": labels});
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
    };
    let odd = || namespace(json!({"partywall.dev/tenant": "tenants-x", "a": ["b"]}));
    assert!(judged(odd(), odd()).is_empty());
    assert_eq!(judged(odd(), namespace(json!({"a": ["b"]}))), ["namespaces metadata.labels"]);
}
