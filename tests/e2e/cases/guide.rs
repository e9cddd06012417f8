//! The example of the EKS best practices guide: only a tenant's own pods run on its nodes, and only there.

use serde_json::{Value, json};

use crate::cluster::Cluster;
use crate::users::User;

const TENANT: User = User::Tenant("tenant-x");
const OUTSIDER: User = User::Tenant("outsider");

const DEPLOYMENT: &str = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 4
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: web, image: registry.example.com/web:1}]
";

/// All other kinds that create pods.
const OTHERS: &str = "
apiVersion: v1
kind: Pod
metadata: {name: bare, labels: {app: bare}}
spec:
  containers: [{name: bare, image: registry.example.com/bare:1}]
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  replicas: 2
  serviceName: db
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec:
      containers: [{name: db, image: registry.example.com/db:1}]
---
apiVersion: batch/v1
kind: Job
metadata: {name: once}
spec:
  template:
    metadata: {labels: {app: once}}
    spec:
      restartPolicy: Never
      containers: [{name: once, image: registry.example.com/once:1}]
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: agent}
spec:
  selector: {matchLabels: {app: agent}}
  template:
    metadata: {labels: {app: agent}}
    spec:
      containers: [{name: agent, image: registry.example.com/agent:1}]
";

fn is_bound(pod: &Value) -> bool {
    pod["spec"]["nodeName"].is_string()
}

fn count(pods: &[Value], app: &str) -> usize {
    pods.iter().filter(|pod| pod["metadata"]["labels"]["app"] == app).count()
}

pub(crate) fn every_pod_of_the_tenant_is_bound_to_its_own_node(cluster: &Cluster) {
    let namespace = "tenants-x";
    cluster.kubectl(TENANT).within(namespace).apply(DEPLOYMENT).succeeds();
    cluster.kubectl(TENANT).within(namespace).apply(OTHERS).succeeds();
    let expected = [("web", 4), ("bare", 1), ("db", 2), ("once", 1), ("agent", 1)];
    let pods = cluster.pods_until(namespace, "every workload has its pods", |pods| {
        pods.iter().all(is_bound) && expected.iter().all(|(app, pods_of)| count(pods, app) >= *pods_of)
    });
    for (app, pods_of) in expected {
        assert_eq!(count(&pods, app), pods_of, "{app}");
    }
    for pod in &pods {
        assert_eq!(pod["spec"]["nodeName"], "node-x", "{}", pod["metadata"]["name"]);
    }
    let rollout = ["rollout", "status", "deployment/web", "--timeout=50s"];
    cluster.kubectl(TENANT).within(namespace).args(rollout).succeeds();
    let wait = ["wait", "--for=condition=complete", "job/once", "--timeout=50s"];
    cluster.kubectl(TENANT).within(namespace).args(wait).succeeds();
}

pub(crate) fn a_cron_jobs_pod_is_bound_to_the_tenants_own_node(cluster: &Cluster) {
    let namespace = "x-cronjob";
    cluster.tenant_namespace(namespace, "tenants-x", "tenant-x");
    let cron_job = "
apiVersion: batch/v1
kind: CronJob
metadata: {name: nightly}
spec:
  schedule: '* * * * *'
  jobTemplate:
    spec:
      template:
        spec:
          restartPolicy: Never
          containers: [{name: nightly, image: registry.example.com/nightly:1}]
";
    cluster.kubectl(TENANT).within(namespace).apply(cron_job).succeeds();
    // Full minutes are when its controller acts.
    let pods = cluster.pods_within(
        crate::eventually::IN_TWO_MINUTES,
        namespace,
        "the minute's job has its pod",
        |pods| !pods.is_empty() && pods.iter().all(is_bound),
    );
    for pod in pods {
        assert_eq!(pod["spec"]["nodeName"], "node-x");
        assert_eq!(pod["metadata"]["ownerReferences"][0]["kind"], "Job");
    }
}

pub(crate) fn the_same_deployment_outside_a_tenant_stays_off_its_nodes(cluster: &Cluster) {
    cluster.grant_edit(OUTSIDER, "default");
    cluster.kubectl(OUTSIDER).within("default").apply(DEPLOYMENT).succeeds();
    let pods = cluster.pods_until("default", "all four are bound", |pods| {
        count(pods, "web") == 4 && pods.iter().all(is_bound)
    });
    for pod in pods.iter().filter(|pod| pod["metadata"]["labels"]["app"] == "web") {
        assert_eq!(pod["spec"]["nodeName"], "node-shared");
        assert!(pod["spec"]["nodeSelector"].is_null() && pod["spec"]["affinity"].is_null());
    }
}

pub(crate) fn the_stored_pod_is_what_the_guide_shows_and_keeps_its_defaults(cluster: &Cluster) {
    let namespace = "x-shape";
    cluster.tenant_namespace(namespace, "tenants-x", "tenant-x");
    let pod = "
apiVersion: v1
kind: Pod
metadata: {name: shown}
spec:
  containers: [{name: app, image: 'registry.example.com/app:1'}]
";
    cluster.kubectl(TENANT).within(namespace).apply(pod).succeeds();
    let pod = cluster.get("Pod", namespace, "shown");
    let spec = &pod["spec"];
    assert_eq!(
        spec["affinity"],
        json!({"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {
            "nodeSelectorTerms": [{"matchExpressions": [
                {"key": "tenant", "operator": "In", "values": ["tenants-x"]},
            ]}],
        }}})
    );
    assert_eq!(spec["nodeSelector"], json!({"tenant": "tenants-x"}));
    let not_for_long = |key: &str| {
        json!({
            "key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300,
        })
    };
    assert_eq!(
        spec["tolerations"],
        json!([
            not_for_long("node.kubernetes.io/not-ready"),
            not_for_long("node.kubernetes.io/unreachable"),
            {"key": "tenant", "operator": "Equal", "value": "tenants-x", "effect": "NoSchedule"},
        ])
    );
    // What the API server, its plugins and the scheduler write is as they wrote it.
    for (field, value) in [
        ("restartPolicy", json!("Always")),
        ("dnsPolicy", json!("ClusterFirst")),
        ("schedulerName", json!("default-scheduler")),
        ("serviceAccountName", json!("default")),
        ("terminationGracePeriodSeconds", json!(30)),
        ("enableServiceLinks", json!(true)),
        ("priority", json!(0)),
        ("preemptionPolicy", json!("PreemptLowerPriority")),
    ] {
        assert_eq!(spec[field], value, "{field}");
    }
    let container = &spec["containers"][0];
    assert_eq!(container["imagePullPolicy"], "IfNotPresent");
    assert_eq!(container["terminationMessagePath"], "/dev/termination-log");
    let token = "/var/run/secrets/kubernetes.io/serviceaccount";
    assert_eq!(container["volumeMounts"][0]["mountPath"], token);
    assert_eq!(spec["volumes"].as_array().unwrap().len(), 1);
}
