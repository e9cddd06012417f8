//! What newer releases add to pods: it is judged, or it is harmless and stays as the tenant wrote it.

use axum::http::Method;
use serde_json::{Value, json};

use crate::cluster::Cluster;
use crate::users::User;

const TENANT: User = User::Tenant("tenant-x");

fn container(name: &str, fields: &Value) -> Value {
    let mut container = json!({"name": name, "image": "registry.example.com/app:1"});
    json_patch::merge(&mut container, fields);
    container
}

fn pod(name: &str, fields: &Value) -> Value {
    let mut spec = json!({"containers": [container("app", &json!({}))]});
    json_patch::merge(&mut spec, fields);
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec})
}

fn is_stamped(pod: &Value) -> bool {
    pod["spec"]["nodeSelector"]["tenant"] == "tenants-x"
}

/// Waits until a pod of this name runs, and returns it.
fn until_running(cluster: &Cluster, namespace: &str, name: &str) -> Value {
    cluster.until("Pod", namespace, name, "running", |pod| pod["status"]["phase"] == "Running")
}

pub(crate) fn e2_a_sidecar_is_judged_like_any_other_container(cluster: &Cluster) {
    let namespace = "x-sidecars";
    cluster.tenant_namespace(namespace, "tenants-x", "tenant-x");
    let kubectl = || cluster.kubectl(TENANT).within(namespace);
    let sidecar = |mut fields: Value| {
        fields["restartPolicy"] = json!("Always");
        json!({"initContainers": [container("proxy", &fields)]})
    };
    kubectl().create(pod("own", &sidecar(json!({}))).to_string()).succeeds();
    let own = until_running(cluster, namespace, "own");
    assert_eq!(own["spec"]["initContainers"][0]["restartPolicy"], "Always", "{own}");
    assert!(is_stamped(&own) && own["spec"]["nodeName"] == "node-x", "{own}");
    for (name, fields, says) in [
        ("privileged", json!({"securityContext": {"privileged": true}}), "initContainers[0]"),
        ("port", json!({"ports": [{"containerPort": 80, "hostPort": 80}]}), "hostPort"),
        ("adds", json!({"securityContext": {"capabilities": {"add": ["SYS_PTRACE"]}}}), "SYS_PTRACE"),
    ] {
        let outcome = kubectl().create(pod(name, &sidecar(fields)).to_string()).fails();
        outcome.says("pods.partywall.dev").says("(rule pod-security").says(says);
    }
}

/// A gated pod may be changed before the scheduler sees it, but not so that it leaves its tenant's nodes.
pub(crate) fn c6_a_gated_pod_keeps_its_tenants_nodes(cluster: &Cluster) {
    let namespace = "x-gated";
    cluster.tenant_namespace(namespace, "tenants-x", "tenant-x");
    let kubectl = || cluster.kubectl(TENANT).within(namespace);
    let gated = pod("gated", &json!({"schedulingGates": [{"name": "example.com/quota"}]}));
    kubectl().create(gated.to_string()).succeeds();
    cluster.until("Pod", namespace, "gated", "held back", |pod| {
        pod["status"]["conditions"][0]["reason"] == "SchedulingGated" && is_stamped(pod)
    });
    let patch =
        |patch: Value| kubectl().args(["patch", "pod", "gated", "--type=json", "-p", &patch.to_string()]);
    let tolerates = json!([{"op": "add", "path": "/spec/tolerations/-", "value": {"operator": "Exists"}}]);
    patch(tolerates).fails().says("pods.partywall.dev").says("(rule tolerations)");
    let elsewhere = json!([{"op": "replace", "path": "/spec/nodeSelector/tenant", "value": "tenants-y"}]);
    patch(elsewhere).fails();
    let linux = json!([{"op": "add", "path": "/spec/nodeSelector/kubernetes.io~1os", "value": "linux"}]);
    patch(linux).succeeds();
    patch(json!([{"op": "remove", "path": "/spec/schedulingGates"}])).succeeds();
    let pod = until_running(cluster, namespace, "gated");
    assert!(is_stamped(&pod) && pod["spec"]["nodeName"] == "node-x", "{pod}");
    assert_eq!(pod["spec"]["nodeSelector"]["kubernetes.io/os"], "linux", "{pod}");
}

/// `pods/resize` is not sent to partywall: the API server takes nothing from it but resources.
pub(crate) fn j15_a_resize_changes_nothing_that_a_rule_reads(cluster: &Cluster) {
    let namespace = "x-resized";
    cluster.tenant_namespace(namespace, "tenants-x", "tenant-x");
    cluster.grant(TENANT, namespace, &["get", "patch", "update"], &["pods/resize"]);
    let app = container("app", &json!({"resources": {"requests": {"cpu": "100m"}}}));
    let resizable = pod("app", &json!({"containers": [app]}));
    cluster.kubectl(TENANT).within(namespace).create(resizable.to_string()).succeeds();
    let before = until_running(cluster, namespace, "app");
    let path = format!("{}/app/resize", cluster.path("Pod", namespace));
    let mut resized = before.clone();
    resized["spec"]["containers"][0]["resources"]["requests"]["cpu"] = json!("200m");
    let mut hostile = resized.clone();
    hostile["metadata"]["annotations"] = json!({"k8s.v1.cni.cncf.io/networks": "tenants-y/private"});
    hostile["spec"]["hostNetwork"] = json!(true);
    hostile["spec"]["nodeSelector"] = json!({"tenant": "tenants-y"});
    hostile["spec"]["tolerations"] = json!([{"operator": "Exists"}]);
    hostile["spec"]["containers"][0]["securityContext"] = json!({"privileged": true});
    hostile["spec"]["containers"][0]["image"] = json!("registry.example.com/other:1");
    let api = cluster.api(TENANT);
    // The API server refuses it, or drops all but the resources.
    let outcome = api.send(Method::PUT, &path, &hostile);
    let stored = cluster.get("Pod", namespace, "app");
    for field in ["hostNetwork", "nodeSelector", "tolerations", "affinity"] {
        assert_eq!(stored["spec"][field], before["spec"][field], "{field}: {outcome:?}");
    }
    for field in ["image", "securityContext"] {
        let of = |pod: &Value| pod["spec"]["containers"][0][field].clone();
        assert_eq!(of(&stored), of(&before), "{field}: {outcome:?}");
    }
    assert_eq!(stored["metadata"]["annotations"], before["metadata"]["annotations"], "{outcome:?}");
    let change = r#"{"spec":{"containers":[{"name":"app","resources":{"requests":{"cpu":"300m"}}}]}}"#;
    let args = ["patch", "pod", "app", "--subresource=resize", "-p", change];
    cluster.kubectl(TENANT).within(namespace).args(args).succeeds();
    let stored = cluster.get("Pod", namespace, "app");
    assert_eq!(stored["spec"]["containers"][0]["resources"]["requests"]["cpu"], "300m", "{stored}");
    cluster.kubectl(TENANT).within(namespace).args(["label", "pod", "app", "tier=front"]).succeeds();
}

/// The standard lets pods in a user namespace of their own do more; partywall judges them like others.
pub(crate) fn e8_a_user_namespace_relaxes_nothing(cluster: &Cluster) {
    let namespace = "x-user-namespaces";
    cluster.tenant_namespace(namespace, "tenants-x", "tenant-x");
    let kubectl = || cluster.kubectl(TENANT).within(namespace);
    kubectl().create(pod("own", &json!({"hostUsers": false})).to_string()).succeeds();
    let own = until_running(cluster, namespace, "own");
    assert!(own["spec"]["hostUsers"] == false && is_stamped(&own), "{own}");
    let unmasked = container("app", &json!({"securityContext": {"procMount": "Unmasked"}}));
    for (name, fields) in [
        ("unmasked", json!({"hostUsers": false, "containers": [unmasked]})),
        (
            "adds",
            json!({
                "hostUsers": false,
                "containers": [container("app", &json!({"securityContext": {"capabilities": {"add": ["SYS_ADMIN"]}}}))],
            }),
        ),
        ("of-the-host", json!({"hostUsers": true, "hostNetwork": true})),
    ] {
        let outcome = kubectl().create(pod(name, &fields).to_string()).fails();
        outcome.says("pods.partywall.dev").says("(rule pod-security");
    }
}

/// Who owns the files of a volume, and who reacts to an eviction, concerns the pod alone. Neither hides anything else.
pub(crate) fn e15_owners_of_files_and_responders_are_the_tenants_own(cluster: &Cluster) {
    let namespace = "x-files";
    cluster.tenant_namespace(namespace, "tenants-x", "tenant-x");
    let kubectl = || cluster.kubectl(TENANT).within(namespace);
    let item = json!({"key": "a", "path": "a", "user": 1000});
    let volumes = json!([
        {"name": "of-secret", "secret": {"secretName": "a", "optional": true, "defaultUser": 0, "items": [item]}},
        {"name": "of-map", "configMap": {"name": "a", "optional": true, "defaultUser": 1000}},
        {"name": "of-pod", "downwardAPI": {"defaultUser": 0, "items": [
            {"path": "name", "user": 1000, "fieldRef": {"fieldPath": "metadata.name"}},
        ]}},
        {"name": "of-all", "projected": {"defaultUser": 0, "sources": [
            {"configMap": {"name": "a", "optional": true}},
        ]}},
    ]);
    let responders = json!([{"name": "example.com/saves-first", "priority": 10_000}]);
    let of_files = [
        "/spec/volumes/0/secret/defaultUser",
        "/spec/volumes/0/secret/items/0/user",
        "/spec/volumes/1/configMap/defaultUser",
        "/spec/volumes/2/downwardAPI/items/0/user",
        "/spec/volumes/3/projected/defaultUser",
    ];
    for (name, fields, kept) in [
        ("files", json!({"volumes": volumes}), &of_files[..]),
        ("responders", json!({"evictionResponders": responders}), &["/spec/evictionResponders/0/priority"]),
    ] {
        kubectl().create(pod(name, &fields).to_string()).succeeds();
        let stored = cluster.get("Pod", namespace, name);
        for field in kept {
            assert!(
                stored.pointer(field).is_some_and(Value::is_number),
                "the API server keeps {field}: {stored}"
            );
        }
        assert!(is_stamped(&stored), "{stored}");
        let mut hostile = fields.clone();
        hostile["hostPID"] = json!(true);
        kubectl().create(pod("hostile", &hostile).to_string()).fails().says("(rule pod-security");
    }
    // Anybody with `edit` may ask for the eviction of a pod of the namespace.
    let uid = cluster.get("Pod", namespace, "responders")["metadata"]["uid"].clone();
    let request = json!({
        "apiVersion": "lifecycle.k8s.io/v1alpha1", "kind": "EvictionRequest", "metadata": {"name": "moves"},
        "spec": {
            "target": {"pod": {"name": "responders", "uid": uid}},
            "requester": "example.com/tenant", "intent": "Eviction",
        },
    });
    kubectl().create(request.to_string()).succeeds();
}
