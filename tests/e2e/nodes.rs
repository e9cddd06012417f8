//! Node objects without machines, as the scheduler sees them.

use serde_json::{Value, json};

use crate::api::Api;

/// A node, and the tenant whose pool it is in.
pub(crate) struct Node {
    pub(crate) name: &'static str,
    /// The value of its label and its taint `tenant`; a shared node has neither.
    tenant: Option<&'static str>,
    /// Schedulable from the start; a case that needs one more node uncordons it.
    pub(crate) in_use: bool,
}

/// The nodes of the cluster.
pub(crate) const NODES: [Node; 4] = [
    Node { name: "node-x", tenant: Some("tenants-x"), in_use: true },
    Node { name: "node-y", tenant: Some("tenants-y"), in_use: true },
    Node { name: "node-shared", tenant: None, in_use: true },
    // The node that the README's installation gives to its tenant.
    Node { name: "worker-1", tenant: None, in_use: false },
];

/// Creates all nodes, ready for pods.
pub(crate) fn create(api: &Api) {
    for node in &NODES {
        let taints = node.taints();
        api.create("/api/v1/nodes", &node.object());
        let path = format!("/api/v1/nodes/{}", node.name);
        api.patch(&format!("{path}/status"), &status());
        // The API server has added the taint of a node that is not ready yet.
        api.patch(&path, &json!({"spec": {"taints": taints}}));
    }
}

impl Node {
    fn taints(&self) -> Vec<Value> {
        self.tenant
            .iter()
            .map(|tenant| json!({"key": "tenant", "value": tenant, "effect": "NoSchedule"}))
            .collect()
    }

    fn object(&self) -> Value {
        let mut labels = json!({"kubernetes.io/hostname": self.name, "kubernetes.io/os": "linux"});
        if let Some(tenant) = self.tenant {
            labels["tenant"] = json!(tenant);
        }
        json!({
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": self.name, "labels": labels},
            "spec": {"taints": self.taints(), "unschedulable": !self.in_use},
        })
    }
}

/// Room for everything the suite creates.
fn status() -> Value {
    let room = json!({"cpu": "1000", "memory": "1000Gi", "ephemeral-storage": "1000Gi", "pods": "100000"});
    let ready = json!({
        "type": "Ready",
        "status": "True",
        "reason": "KubeletReady",
        "message": "a kubelet by hand",
        "lastHeartbeatTime": "2027-01-01T00:00:00Z",
        "lastTransitionTime": "2027-01-01T00:00:00Z",
    });
    json!({"status": {"capacity": room, "allocatable": room, "conditions": [ready]}})
}
