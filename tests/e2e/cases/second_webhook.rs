//! Another mutating webhook undoes the stamp: what is stored is confined, or is not stored.

use serde_json::{Value, json};

use crate::cluster::Cluster;
use crate::meddler::{Meddler, Meddling};
use crate::users::User;

const TENANT: User = User::Tenant("tenant-x");

/// A pod that meddlers with this label's value meddle with.
fn pod(name: &str) -> String {
    let affinity = json!({"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [
        {"matchExpressions": [{"key": "kubernetes.io/os", "operator": "In", "values": ["linux"]}]},
    ]}}});
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": {"meddle": name}},
        "spec": {"affinity": affinity, "containers": [{"name": "app", "image": "registry.example.com/app:1"}]},
    })
    .to_string()
}

pub(crate) fn j1_stored_pods_are_stamped_whatever_other_webhooks_change(cluster: &Cluster) {
    let namespace = "x-second-webhook";
    cluster.tenant_namespace(namespace, "tenants-x", "tenant-x");
    let meddler = Meddler::start(cluster);
    // `IfNeeded`: it is asked again when partywall has mended the pod, and so has the last word.
    let insistent = [
        ("takes-toleration", Meddling::TakesToleration),
        ("takes-selector", Meddling::TakesNodeSelector),
        ("adds-term", Meddling::AddsTerm),
    ];
    let once = [
        ("takes-toleration-once", Meddling::TakesToleration),
        ("takes-selector-once", Meddling::TakesNodeSelector),
        ("adds-term-once", Meddling::AddsTerm),
    ];
    meddler.register(namespace, &insistent, &once);

    let mut transcript = String::new();
    for (name, meddling) in insistent {
        let before = meddler.calls(meddling);
        let outcome = cluster.kubectl(TENANT).within(namespace).create(pod(name)).fails();
        transcript.push_str(&outcome.errors());
        assert!(cluster.find("Pod", namespace, name).is_none());
        assert_eq!(meddler.calls(meddling) - before, 2, "{name}");
    }
    insta::assert_snapshot!("unstamped_by_another_webhook", transcript);

    // Whoever is not asked again is mended by the stamp's second round.
    for (name, _) in once {
        cluster.kubectl(TENANT).within(namespace).create(pod(name)).succeeds();
        let stored = cluster.get("Pod", namespace, name);
        assert!(is_confined(&stored["spec"]), "{name}: {}", stored["spec"]);
    }
    meddler.unregister();
}

fn is_confined(spec: &Value) -> bool {
    let own = json!({"key": "tenant", "operator": "In", "values": ["tenants-x"]});
    let tolerates =
        json!({"key": "tenant", "operator": "Equal", "value": "tenants-x", "effect": "NoSchedule"});
    let required = &spec["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"];
    let mut terms = required["nodeSelectorTerms"].as_array().unwrap().iter();
    spec["nodeSelector"]["tenant"] == "tenants-x"
        && spec["tolerations"].as_array().unwrap().contains(&tolerates)
        && terms.all(|term| term["matchExpressions"].as_array().unwrap().contains(&own))
}
