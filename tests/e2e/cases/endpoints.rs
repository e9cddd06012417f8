//! Addresses behind a Service: the controllers' pass, a tenant's own do not.

use serde_json::json;

use crate::cluster::Cluster;
use crate::users::User;

const TENANT: User = User::Tenant("tenant-x");

const APP: &str = "
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  selector: {app: web}
  ports: [{port: 80}]
---
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec:
  containers: [{name: web, image: 'registry.example.com/web:1'}]
";

pub(crate) fn f9_f10_only_controllers_write_addresses(cluster: &Cluster) {
    let namespace = "x-endpoints";
    cluster.tenant_namespace(namespace, "tenants-x", "tenant-x");
    // `edit` may not write them, but clusters that were upgraded from 1.21 keep that right.
    cluster.grant(TENANT, namespace, &["create", "get", "patch"], &["endpoints"]);
    cluster.kubectl(TENANT).within(namespace).apply(APP).succeeds();
    cluster.until("Endpoints", namespace, "web", "those of the pod", |endpoints| {
        endpoints["subsets"][0]["addresses"][0]["targetRef"]["name"] == "web"
    });
    let by_hand = json!({
        "apiVersion": "v1", "kind": "Endpoints", "metadata": {"name": "elsewhere"},
        "subsets": [{"addresses": [{"ip": "192.0.2.7"}], "ports": [{"port": 443}]}],
    });
    let outcome = cluster.kubectl(TENANT).within(namespace).create(by_hand.to_string()).fails();
    outcome.says("endpoints.partywall.dev").says("(rule endpoints)");
    let patch = json!({"subsets": by_hand["subsets"]}).to_string();
    let patch = ["patch", "endpoints/web", "--type=merge", "-p", &patch];
    cluster.kubectl(TENANT).within(namespace).args(patch).fails().says("(rule endpoints)");
    let annotate = ["annotate", "endpoints/web", "seen=today"];
    cluster.kubectl(User::Admin).within(namespace).args(annotate).succeeds();
}
