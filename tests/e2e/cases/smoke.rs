//! The cluster works, and partywall is asked.

use crate::cluster::Cluster;
use crate::users::User;

const TENANT: User = User::Tenant("tenant-x");

pub(crate) fn a_tenants_deployment_runs_on_its_own_node(cluster: &Cluster) {
    let deployment = r#"
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: tenants-x
spec:
  replicas: 2
  selector:
    matchLabels:
      app: web
  template:
    metadata:
      labels:
        app: web
    spec:
      containers:
        - name: web
          image: registry.example.com/web:1
"#;
    cluster.kubectl(TENANT).apply(deployment).succeeds();
    let rollout = ["rollout", "status", "deployment/web", "-n", "tenants-x", "--timeout=50s"];
    cluster.kubectl(TENANT).args(rollout).succeeds();
    let pods = cluster.pods_until("tenants-x", "two pods run", |pods| {
        pods.len() == 2 && pods.iter().all(|pod| pod["status"]["phase"] == "Running")
    });
    for pod in pods {
        assert_eq!(pod["spec"]["nodeName"], "node-x");
    }
}

pub(crate) fn a_tenants_load_balancer_is_refused(cluster: &Cluster) {
    cluster.tenant_namespace("x-smoke-service", "tenants-x", "tenant-x");
    let service = r#"
apiVersion: v1
kind: Service
metadata:
  name: web
  namespace: x-smoke-service
spec:
  type: LoadBalancer
  selector:
    app: web
  ports:
    - port: 80
"#;
    cluster.kubectl(TENANT).apply(service).fails().says("tenant `tenants-x`").says("(rule service-exposure)");
    assert!(cluster.find("Service", "x-smoke-service", "web").is_none());
}

pub(crate) fn a_namespace_with_a_bound_pod_goes(cluster: &Cluster) {
    cluster.tenant_namespace("x-smoke-deletion", "tenants-x", "tenant-x");
    let pod = r#"
apiVersion: v1
kind: Pod
metadata:
  name: web
  namespace: x-smoke-deletion
spec:
  # The namespace's end is looked for only after half of it.
  terminationGracePeriodSeconds: 1
  containers:
    - name: web
      image: registry.example.com/web:1
"#;
    cluster.kubectl(TENANT).apply(pod).succeeds();
    cluster.pods_until("x-smoke-deletion", "the pod runs", |pods| {
        pods.iter().all(|pod| pod["status"]["phase"] == "Running" && pod["spec"]["nodeName"] == "node-x")
    });
    cluster.kubectl(User::Admin).args(["delete", "namespace", "x-smoke-deletion", "--wait=false"]).succeeds();
    cluster.until_gone("Namespace", "", "x-smoke-deletion");
}
