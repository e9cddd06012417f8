//! Namespaces without a tenant: what could reach a tenant's pool is judged or refused, and all else goes on.

use axum::http::Method;
use serde_json::{Value, json};

use crate::cluster::Cluster;
use crate::users::User;

const OUTSIDER: User = User::Tenant("outsider");

fn pod(name: &str, mut spec: Value) -> Value {
    spec["containers"] = json!([{"name": "app", "image": "registry.example.com/app:1"}]);
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec})
}

/// Pods that reach tenants' nodes, or that push others off theirs.
fn reaching() -> Vec<(&'static str, Value)> {
    let repels = json!({"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{
        "topologyKey": "kubernetes.io/hostname", "namespaces": ["partywall-system"],
        "labelSelector": {},
    }]}});
    vec![
        ("tolerates-all", json!({"tolerations": [{"operator": "Exists"}]})),
        ("tolerates-a-pool", json!({"tolerations": [{"key": "tenant", "value": "tenants-y"}]})),
        ("names-a-node", json!({"nodeName": "node-y"})),
        ("repels-the-system", json!({"affinity": repels})),
        ("outranks", json!({"priorityClassName": "system-node-critical"})),
    ]
}

/// While partywall is down, pods that could reach a pool are refused, and running pods can be changed.
pub(crate) fn o1_o8_what_could_reach_a_pool_fails_closed_and_running_pods_stay_editable(cluster: &Cluster) {
    let namespace = cluster.fresh_namespace("o1");
    cluster.grant_edit(OUTSIDER, &namespace);
    let kubectl = || cluster.kubectl(OUTSIDER).within(&namespace);
    for (name, spec) in reaching() {
        kubectl().create(pod(name, spec).to_string()).fails().says("pods-elsewhere.partywall.dev");
    }
    let tolerant = json!({"tolerations": [{"key": "node.kubernetes.io/not-ready", "operator": "Exists"}]});
    kubectl().create(pod("runs", tolerant).to_string()).succeeds();
    cluster.pods_until(&namespace, "the pod runs", |pods| pods[0]["status"]["phase"] == "Running");

    cluster.stop_partywall();
    for (name, spec) in reaching() {
        let refused = kubectl().create(pod(name, spec).to_string()).fails();
        refused.says("failed calling webhook \"pods-elsewhere.partywall.dev\"");
    }
    kubectl().create(pod("goes-on", json!({"nodeSelector": {"tenant": "tenants-y"}})).to_string()).succeeds();
    kubectl().args(["label", "pod", "runs", "team=web"]).succeeds();
    kubectl().args(["annotate", "pod", "runs", "example.com/note=seen"]).succeeds();
    let path = format!("{}/runs", cluster.path("Pod", &namespace));
    let api = cluster.api(OUTSIDER);
    for finalizers in [json!(["example.com/wait"]), json!([])] {
        api.send(Method::PATCH, &path, &json!({"metadata": {"finalizers": finalizers}})).unwrap();
    }
    let mut tolerations = cluster.get("Pod", &namespace, "runs")["spec"]["tolerations"].take();
    tolerations.as_array_mut().unwrap().push(json!({"operator": "Exists"}));
    let more = json!({"spec": {"tolerations": tolerations}});
    let refused = api.send(Method::PATCH, &path, &more).map_err(|error| error.to_string());
    let refused = refused.unwrap_err();
    assert!(refused.contains("pods-elsewhere.partywall.dev"), "{refused}");
    kubectl().args(["delete", "pod", "runs", "--timeout=50s"]).succeeds();
}

/// A pod that selects a tenant's pool without tolerating it is stored, and runs on no tenant's node.
pub(crate) fn o1_a_bare_selector_of_a_pool_reaches_no_tenants_node(cluster: &Cluster) {
    let namespace = cluster.fresh_namespace("o1");
    cluster.grant_edit(OUTSIDER, &namespace);
    let selects = pod("selects", json!({"nodeSelector": {"tenant": "tenants-y"}}));
    cluster.kubectl(OUTSIDER).within(&namespace).create(selects.to_string()).succeeds();
    cluster.pods_until(&namespace, "the scheduler has found no node", |pods| {
        pods[0]["status"]["conditions"][0]["reason"] == "Unschedulable"
            && pods[0]["spec"]["nodeName"].is_null()
    });
}

/// The API server evaluates the conditions for the recorded pods, and for pods without each optional field.
///
/// A condition that failed would refuse every such pod of the cluster.
pub(crate) fn o1_no_condition_fails_on_a_recorded_pod(cluster: &Cluster) {
    let namespace = cluster.fresh_namespace("o1");
    let path = cluster.path("Pod", &namespace);
    let (mut objects, mut stored) = (recorded_pods(), 0);
    let fields: Vec<String> = objects
        .iter()
        .filter_map(|pod| pod["spec"].as_object())
        .flat_map(|spec| spec.keys().cloned().collect::<Vec<_>>())
        .collect();
    let fullest =
        objects.iter().max_by_key(|pod| pod["spec"].as_object().map_or(0, |spec| spec.len())).cloned();
    for field in fields.iter().collect::<std::collections::BTreeSet<_>>() {
        let mut without = fullest.clone().unwrap();
        without["spec"].as_object_mut().unwrap().remove(field);
        objects.push(without);
    }
    assert!(objects.len() > 20, "{}", objects.len());
    for mut object in objects {
        object["metadata"] = json!({"generateName": "recorded-", "labels": object["metadata"]["labels"]});
        object.as_object_mut().unwrap().remove("status");
        let created = cluster.admin().send(Method::POST, &format!("{path}?dryRun=All"), &object);
        match created {
            Ok(_) => stored += 1,
            Err(error) => {
                let error = error.to_string();
                assert!(
                    !error.contains("ondition") && !error.contains("failed calling"),
                    "{error}: {object}"
                );
            }
        }
    }
    assert!(stored > 10, "{stored} pods were stored, so most conditions were evaluated to their end");
    // An update evaluates the old object too.
    let created = cluster.admin().create(&path, &pod("updated", json!({})));
    let path = format!("{path}/{}", created["metadata"]["name"].as_str().unwrap());
    let harmless = json!({"spec": {"tolerations": [
        {"key": "node.kubernetes.io/disk-pressure", "operator": "Exists"},
    ]}});
    for patch in [json!({"metadata": {"labels": {"a": "b"}}}), harmless] {
        let patched = cluster.admin().send(Method::PATCH, &path, &patch);
        // A merge replaces the tolerations that the API server added, which validation refuses, after admission.
        if let Err(error) = patched {
            assert!(error.to_string().contains("spec.tolerations"), "{error}");
        }
    }
}

/// Returns the pods of the recorded reviews that create one.
fn recorded_pods() -> Vec<Value> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/reviews");
    let mut pods = Vec::new();
    for file in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        let Ok(review) = serde_json::from_str::<Value>(&text) else { continue };
        let request = &review["request"];
        if request["operation"] == "CREATE"
            && request["resource"]["resource"] == "pods"
            && request["subResource"].is_null()
        {
            pods.push(request["object"].clone());
        }
    }
    pods
}

/// Templates outside tenants are judged as warnings that name the way out.
pub(crate) fn o20_an_agent_elsewhere_is_told_what_its_pods_will_meet(cluster: &Cluster) {
    let namespace = cluster.fresh_namespace("o20");
    cluster.grant_edit(OUTSIDER, &namespace);
    let agent = json!({
        "apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": "agent"},
        "spec": {
            "selector": {"matchLabels": {"app": "agent"}},
            "template": {
                "metadata": {"labels": {"app": "agent"}},
                "spec": {
                    "hostNetwork": true,
                    "tolerations": [{"operator": "Exists"}],
                    "containers": [{"name": "app", "image": "registry.example.com/agent:1"}],
                },
            },
        },
    });
    let outcome = cluster.kubectl(OUTSIDER).within(&namespace).create(agent.to_string()).succeeds();
    assert!(outcome.stderr.contains("tolerates every taint"), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("systemNamespaces"), "{}", outcome.stderr);
}
