//! partywall is down or sick: what the cluster needs goes on, and three commands take partywall away.

use serde_json::{Value, json};

use crate::cluster::Cluster;
use crate::eventually::{SOON, eventually};
use crate::load::Load;
use crate::users::User;
use crate::{readme, registration};

const TENANT: User = User::Tenant("tenant-x");

fn containers() -> Value {
    json!([{"name": "app", "image": "registry.example.com/app:1"}])
}

/// A listed namespace that was created while partywall was down has no label until somebody writes it.
pub(crate) fn l1_a_tenants_namespace_without_the_label_gets_no_pod_near_a_pool_and_a_hint(cluster: &Cluster) {
    let namespace = "x-unlabelled";
    cluster.stop_partywall();
    cluster.namespace(namespace, &json!({}));
    cluster.start_partywall();
    cluster.until_judged();
    cluster.grant_edit(TENANT, namespace);
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "app"},
        "spec": {"containers": containers(), "tolerations": [{"key": "tenant", "value": "tenants-x"}]},
    });
    let outcome = cluster.kubectl(TENANT).within(namespace).create(pod.to_string()).fails();
    outcome.says("pods-elsewhere.partywall.dev").says("the namespace lacks the label `partywall.dev/tenant`");
    cluster.label(namespace, &json!({"team": "web"}));
    cluster.kubectl(TENANT).within(namespace).create(pod.to_string()).succeeds();
    let stored = cluster.get("Pod", namespace, "app");
    assert_eq!(stored["spec"]["nodeSelector"]["tenant"], "tenants-x", "{stored}");
}

/// Finished Jobs lose their finalizers, and namespaces with Jobs and policies end, while partywall is down.
pub(crate) fn o19_jobs_finish_and_namespaces_end_while_partywall_is_down(cluster: &Cluster) {
    let namespace = "x-jobs";
    cluster.tenant_namespace(namespace, "tenants-x", "tenant-x");
    let policy = json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
        "metadata": {"name": "isolate", "labels": {"partywall.dev/managed": "platform"}},
        "spec": {"podSelector": {}},
    });
    cluster.admin().create(&cluster.path("NetworkPolicy", namespace), &policy);
    // Its pod has been created, and ends while partywall is down.
    cluster.cordon("node-x", true);
    let job = json!({
        "apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "once"},
        "spec": {"template": {"spec": {"restartPolicy": "Never", "containers": containers()}}},
    });
    cluster.kubectl(TENANT).within(namespace).create(job.to_string()).succeeds();
    cluster.pods_until(namespace, "the Job has its pod", |pods| pods.len() == 1);
    cluster.stop_partywall();
    cluster.cordon("node-x", false);
    cluster.until("Job", namespace, "once", "complete", |job| job["status"]["succeeded"] == 1);
    let pods = cluster.pods_until(namespace, "the finalizer is gone", |pods| {
        pods.iter().all(|pod| pod["metadata"]["finalizers"].is_null())
    });
    assert_eq!(pods.len(), 1);
    cluster.admin().delete(&format!("/api/v1/namespaces/{namespace}"));
    cluster.until_gone("Namespace", "", namespace);
}

/// All nodes are replaced at once, partywall's own among them: what a node needs starts without partywall.
pub(crate) fn l2_o1_agents_of_system_namespaces_start_on_every_node_without_partywall(cluster: &Cluster) {
    let agent = |host_network: bool| {
        json!({
            "apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": "node-agent"},
            "spec": {
                "selector": {"matchLabels": {"app": "node-agent"}},
                "template": {
                    "metadata": {"labels": {"app": "node-agent"}},
                    "spec": {
                        "hostNetwork": host_network,
                        "priorityClassName": "system-node-critical",
                        "tolerations": [{"operator": "Exists"}],
                        "containers": containers(),
                    },
                },
            },
        })
    };
    let namespaces = ["kube-system", "node-agents"];
    cluster.namespace("node-agents", &json!({}));
    for namespace in namespaces {
        cluster.admin().create(&cluster.path("DaemonSet", namespace), &agent(namespace == "kube-system"));
        cluster.pods_until(namespace, "the agent runs on every node", |pods| agents(pods) >= 3);
    }
    cluster.stop_partywall();
    for namespace in namespaces {
        let mut before = cluster.pods(namespace);
        before.retain(is_agent);
        let path = cluster.path("Pod", namespace);
        cluster.admin().delete(&format!("{path}?labelSelector=app%3Dnode-agent"));
        let is_old = |pod: &Value| before.iter().any(|old| old["metadata"]["uid"] == pod["metadata"]["uid"]);
        cluster.pods_until(namespace, "new agents run on every node", |pods| {
            agents(pods) >= 3 && !pods.iter().any(is_old)
        });
        cluster.admin().delete(&format!("{}/node-agent", cluster.path("DaemonSet", namespace)));
    }
}

fn agents(pods: &[Value]) -> usize {
    pods.iter().filter(|pod| is_agent(pod) && pod["status"]["phase"] == "Running").count()
}

fn is_agent(pod: &Value) -> bool {
    pod["metadata"]["labels"]["app"] == "node-agent"
}

/// Policies that know none of the suite's tenants.
const SICK: &str = "
apiVersion: partywall.dev/v1alpha1
kind: Tenant
metadata: {name: other}
spec: {namespaces: [other]}
";

/// The commands of the page take partywall away while it is down, and while it denies everything.
pub(crate) fn l5_the_commands_of_the_break_glass_page_let_the_cluster_go_on(cluster: &Cluster) {
    let commands = readme::step("docs/BREAK-GLASS.md", "take partywall away");
    let namespace = "x-broken";
    cluster.tenant_namespace(namespace, "tenants-x", "tenant-x");
    let create = |name: &str| {
        let pod = json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": {"containers": containers()},
        });
        cluster.kubectl(TENANT).within(namespace).create(pod.to_string())
    };
    // Down.
    cluster.stop_partywall();
    create("broken-down").fails();
    cluster.script(User::Admin, &cluster.folder, &commands).succeeded();
    eventually(SOON, "pods are created again", || match create("broken-down").run().code {
        Some(0) => Ok(()),
        code => Err(format!("{code:?}")),
    });
    // Sick: it answers, and it knows none of the tenants.
    let policies = cluster.folder.join("sick.yaml");
    std::fs::write(&policies, SICK).unwrap();
    let mut setup = cluster.setup.clone();
    setup.policies = policies;
    let sick = cluster.instance("sick", &setup);
    cluster.balancer.set_backends(vec![sick.webhook]);
    let manifests =
        registration::manifests(cluster.balancer.address(), &cluster.setup.policies, &cluster.setup.pair);
    cluster.kubectl(User::Admin).apply(manifests).succeeds();
    eventually(SOON, "a pod is denied", || match create("sick").run() {
        outcome if outcome.stderr.contains("no Tenant has this namespace") => Ok(()),
        outcome => Err(outcome.to_string()),
    });
    cluster.script(User::Admin, &cluster.folder, &commands).succeeded();
    eventually(SOON, "pods are created again", || match create("sick").run().code {
        Some(0) => Ok(()),
        code => Err(format!("{code:?}")),
    });
}

/// An installation whose webhooks call `/mutate` and `/validate` moves to the paths of entries, as the README says.
pub(crate) fn o4_an_older_installation_moves_to_the_new_paths_without_a_gap(cluster: &Cluster) {
    let manifests =
        registration::manifests(cluster.balancer.address(), &cluster.setup.policies, &cluster.setup.pair);
    let mut older = manifests.clone();
    for (path, old) in [
        ("/mutate/tenants", "/mutate"),
        ("/mutate/namespaces", "/mutate"),
        ("/validate/tenants", "/validate"),
        ("/validate/elsewhere", "/validate"),
        ("/validate/templates", "/validate"),
        ("/validate/statuses", "/validate"),
        ("/validate/namespaces", "/validate"),
    ] {
        older = older.replace(path, old);
    }
    assert!(!older.contains("/validate/"), "{older}");
    cluster.kubectl(User::Admin).apply(older).succeeds();
    let namespace = "x-paths";
    cluster.tenant_namespace(namespace, "tenants-x", "tenant-x");
    let load = Load::start(cluster, TENANT, namespace);
    load.until_created(20);
    cluster.kubectl(User::Admin).apply(manifests).succeeds();
    load.until_created(load.created() + 100);
    let outcome = load.stop(cluster);
    assert!(outcome.failures.is_empty(), "{:?}", outcome.failures.first());
    let stamped = |pod: &Value| pod["spec"]["nodeSelector"]["tenant"] == "tenants-x";
    assert!(cluster.pods(namespace).iter().all(stamped));
}
