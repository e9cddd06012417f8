//! Tells on which nodes a pod could run.

use serde_json::{Value, json};

use crate::case;
use crate::kube::{HARD, Node, Pod, Taint};

/// The nodes on which the scheduler could place the pod, or the pods of the DaemonSet.
pub(crate) fn could_run_on(object: &Value, nodes: &[case::Node]) -> Vec<String> {
    let template = &object["spec"]["template"]["spec"];
    let spec = if template.is_object() { template } else { &object["spec"] };
    let mut placement = json!({"containers": []});
    for field in ["nodeName", "nodeSelector", "tolerations", "schedulingGates"] {
        if !spec[field].is_null() {
            placement[field] = spec[field].clone();
        }
    }
    if !spec["affinity"]["nodeAffinity"].is_null() {
        placement["affinity"] = json!({"nodeAffinity": spec["affinity"]["nodeAffinity"]});
    }
    let pod: Pod = serde_json::from_value(placement).unwrap_or_else(|error| panic!("{error}: {spec}"));
    let fits = |node: &&case::Node| pod.could_run_on(&node_of(node));
    nodes.iter().filter(fits).map(|node| node.name.clone()).collect()
}

fn node_of(node: &case::Node) -> Node {
    let effect = |name: &str| HARD.into_iter().chain(["PreferNoSchedule"]).find(|known| *known == name);
    let taints = node.taints.iter().map(|taint| Taint {
        key: taint.key.clone(),
        value: taint.value.clone(),
        effect: effect(&taint.effect).unwrap_or_else(|| panic!("{}: no effect", taint.effect)),
    });
    let mut labels = node.labels.clone();
    labels.insert("kubernetes.io/hostname".to_owned(), node.name.clone());
    Node { name: node.name.clone(), labels, taints: taints.collect() }
}
