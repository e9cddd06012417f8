//! MutatingAdmissionPolicies, which the API server evaluates itself, beside partywall's stamp.

use axum::http::Method;
use serde_json::{Value, json};

use crate::cluster::Cluster;
use crate::eventually::{SOON, eventually};
use crate::users::User;

const TENANT: User = User::Tenant("tenant-x");
const API: &str = "admissionregistration.k8s.io/v1";

/// What a policy does to pods with its name as the label `mutate`, as the expression of a JSON patch.
const POLICIES: [(&str, &str, &str); 5] = [
    (
        "takes-toleration",
        "CREATE",
        r#"has(object.spec.tolerations) ? [JSONPatch{op: "remove", path: "/spec/tolerations"}] : []"#,
    ),
    (
        "takes-selector",
        "CREATE",
        r#"has(object.spec.nodeSelector) ? [JSONPatch{op: "remove", path: "/spec/nodeSelector"}] : []"#,
    ),
    (
        "selects-another",
        "CREATE",
        r#"[JSONPatch{op: "add", path: "/spec/nodeSelector", value: {"tenant": "tenants-y"}}]"#,
    ),
    (
        "tolerates",
        "CREATE",
        r#"[JSONPatch{op: "add", path: "/spec/tolerations", value: [Object.spec.tolerations{operator: "Exists"}]}]"#,
    ),
    (
        "tolerates-later",
        "UPDATE",
        r#"[JSONPatch{op: "add", path: "/spec/tolerations/-", value: Object.spec.tolerations{operator: "Exists"}}]"#,
    ),
];

fn pod(name: &str, mutate: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": {"mutate": mutate}},
        "spec": {"containers": [{"name": "app", "image": "registry.example.com/app:1"}]},
    })
}

/// Makes each policy for the pods of a namespace, in both forms of `reinvocationPolicy`, and waits until all hold.
fn define(cluster: &Cluster, namespace: &str) {
    cluster.label(namespace, &json!({"mutated": namespace}));
    for (policy, operation, expression) in POLICIES {
        for (suffix, reinvocation) in [("once", "Never"), ("again", "IfNeeded")] {
            let name = format!("{policy}-{suffix}");
            let object = json!({
                "apiVersion": API, "kind": "MutatingAdmissionPolicy", "metadata": {"name": name},
                "spec": {
                    "reinvocationPolicy": reinvocation,
                    "matchConstraints": {
                        "namespaceSelector": {"matchLabels": {"mutated": namespace}},
                        "objectSelector": {"matchLabels": {"mutate": name}},
                        "resourceRules": [{
                            "apiGroups": [""], "apiVersions": ["v1"], "operations": [operation], "resources": ["pods"],
                        }],
                    },
                    "mutations": [
                        {"patchType": "JSONPatch", "jsonPatch": {"expression": expression}},
                        // Shows that it was evaluated.
                        {"patchType": "ApplyConfiguration", "applyConfiguration": {"expression":
                            r#"Object{metadata: Object.metadata{labels: {"mutated": "yes"}}}"#}},
                    ],
                },
            });
            cluster.admin().create(&format!("/apis/{API}/mutatingadmissionpolicies"), &object);
            let binding = json!({
                "apiVersion": API, "kind": "MutatingAdmissionPolicyBinding", "metadata": {"name": name},
                "spec": {"policyName": name},
            });
            cluster.admin().create(&format!("/apis/{API}/mutatingadmissionpolicybindings"), &binding);
        }
    }
}

/// Deletes the policies.
fn remove(cluster: &Cluster) {
    for (policy, _, _) in POLICIES {
        for suffix in ["once", "again"] {
            for resource in ["mutatingadmissionpolicybindings", "mutatingadmissionpolicies"] {
                cluster.admin().delete(&format!("/apis/{API}/{resource}/{policy}-{suffix}"));
            }
        }
    }
}

/// Says what becomes of a pod: `None` if the validating phase refused it.
fn stored(cluster: &Cluster, namespace: &str, pod: &Value) -> Option<Value> {
    let path = format!("{}?dryRun=All", cluster.path("Pod", namespace));
    match cluster.api(TENANT).send(Method::POST, &path, pod) {
        Ok(pod) => Some(pod),
        Err(kube::Error::Api(status)) if status.message.contains("pods.partywall.dev") => None,
        Err(error) => panic!("{pod}: {error}"),
    }
}

fn is_confined(pod: &Value) -> bool {
    let own = json!({"key": "tenant", "operator": "Equal", "value": "tenants-x", "effect": "NoSchedule"});
    let tolerations = pod["spec"]["tolerations"].as_array().unwrap();
    let tolerates_all =
        |toleration: &Value| toleration["operator"] == "Exists" && toleration["key"].is_null();
    pod["spec"]["nodeSelector"] == json!({"tenant": "tenants-x"})
        && tolerations.contains(&own)
        && !tolerations.iter().any(tolerates_all)
}

pub(crate) fn j1_mutating_policies_undo_no_stamp(cluster: &Cluster) {
    let namespace = "x-mutated";
    cluster.tenant_namespace(namespace, "tenants-x", "tenant-x");
    define(cluster, namespace);
    let mut refused = Vec::new();
    for (policy, operation, _) in POLICIES {
        for suffix in ["once", "again"] {
            let name = format!("{policy}-{suffix}");
            if operation == "UPDATE" {
                continue;
            }
            eventually(SOON, &format!("{name} is evaluated"), || {
                match stored(cluster, namespace, &pod(&name, &name)) {
                    None => {
                        refused.push(name.clone());
                        Ok(())
                    }
                    Some(pod) if pod["metadata"]["labels"]["mutated"] == "yes" => {
                        assert!(is_confined(&pod), "{name}: {pod}");
                        Ok(())
                    }
                    Some(pod) => Err(pod.to_string()),
                }
            });
        }
    }
    // What the stamp cannot take back is refused afterwards.
    for policy in ["selects-another", "tolerates"] {
        assert!(refused.iter().any(|name| name.starts_with(policy)), "{policy} is refused: {refused:?}");
    }
    // An update of nothing but a label, to which a policy adds a toleration.
    for suffix in ["once", "again"] {
        let name = format!("tolerates-later-{suffix}");
        cluster.kubectl(TENANT).within(namespace).create(pod(&name, &name).to_string()).succeeds();
        eventually(SOON, &format!("{name} is evaluated and refused"), || {
            let label = ["label", "pod", &name, "seen=yes", "--overwrite", "--dry-run=server"];
            let outcome = cluster.kubectl(TENANT).within(namespace).args(label).run();
            if outcome.code == Some(0) { Err(outcome.stdout) } else { Ok(outcome) }
        })
        .says("pods.partywall.dev")
        .says("(rule tolerations)");
    }
    remove(cluster);
}
