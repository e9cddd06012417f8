//! Compares nodes with the NodePools: each pool has some, and these have the pool's labels and its taints.

use partywall_core::tenancy::{Pool, Taint};

use super::finding::{Look, Outcome};
use super::seen::{Node, NodeTaint, Policies};

pub(super) fn check(policies: &Look<Policies>, nodes: &Look<Vec<Node>>) -> Outcome {
    let mut outcome = Outcome::default();
    let both = (outcome.look(policies), outcome.look(nodes));
    let (Some(policies), Some(nodes)) = both else { return outcome };
    for pool in policies.snapshot.pools() {
        let selector = selector(pool);
        if !nodes.iter().any(|node| has_labels(node, pool)) {
            let cause =
                format!("no node has its labels, `{selector}`: so no pod of its tenants is placed anywhere");
            let cure = format!("label its nodes: `kubectl label node NODE {}`", selector.replace(',', " "));
            outcome.find(format!("nodepools.partywall.dev/{}", pool.name), cause, cure);
        }
        for node in nodes {
            let name = &node.metadata.name;
            let object = format!("Node {name}");
            if has_labels(node, pool) {
                for taint in pool.taints.iter().filter(|taint| !has_taint(node, taint)) {
                    let taint = written(taint);
                    let cause = format!(
                        "it has the labels of NodePool `{}`, and not its taint `{taint}`: so nothing but admission \
                         keeps other pods off it",
                        pool.name
                    );
                    let cure = format!(
                        "taint it: `kubectl taint node {name} {taint}`; let new nodes register with their taints"
                    );
                    outcome.find(object.clone(), cause, cure);
                }
            } else if !pool.taints.is_empty() && pool.taints.iter().all(|taint| has_taint(node, taint)) {
                let cause = format!(
                    "it has the taints of NodePool `{}`, and not its labels, `{selector}`: so no pod is placed on it, \
                     neither of the pool's tenants nor of others",
                    pool.name
                );
                let cure = format!(
                    "label it: `kubectl label node {name} {}`; or take the taints away",
                    selector.replace(',', " ")
                );
                outcome.find(object, cause, cure);
            }
        }
    }
    outcome
}

/// Returns whether a node has all labels of a pool.
pub(super) fn has_labels(node: &Node, pool: &Pool) -> bool {
    let labels = &node.metadata.labels;
    pool.labels.iter().all(|(key, value)| labels.get(&**key).is_some_and(|found| **found == **value))
}

fn has_taint(node: &Node, taint: &Taint) -> bool {
    node.spec.taints.iter().any(|found| {
        let NodeTaint { key, value, effect } = found;
        let is_effect = |wanted: &str| *effect == wanted;
        **key == *taint.key
            && **value == *taint.value
            && match taint.effect {
                Some(wanted) => is_effect(wanted.as_str()),
                // Any that keeps pods away.
                None => !is_effect("PreferNoSchedule"),
            }
    })
}

/// Writes the labels of a pool as `kubectl get nodes -l` takes them.
fn selector(pool: &Pool) -> String {
    let labels: Vec<String> = pool.labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
    labels.join(",")
}

/// Writes a taint as `kubectl taint` takes it.
fn written(taint: &Taint) -> String {
    let Taint { key, value, effect } = taint;
    let value = if value.is_empty() { String::new() } else { format!("={value}") };
    let effect = effect.map_or("NoSchedule", |effect| effect.as_str());
    format!("{key}{value}:{effect}")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::cluster::doctor::policies::tests::compiled;

    const POOLS: &str = "
apiVersion: partywall.dev/v1alpha1
kind: NodePool
metadata: {name: a}
spec:
  nodeSelector: {node-restriction.kubernetes.io/pool: a, zone: z}
  taints: [{key: pool, value: a, effect: NoSchedule}, {key: dedicated}]
";

    fn node(labels: &Value, taints: &[&str]) -> Value {
        let taints: Vec<Value> = taints
            .iter()
            .map(|taint| {
                let (key, effect) = taint.split_once(':').unwrap();
                let (key, value) = key.split_once('=').unwrap_or((key, ""));
                match value {
                    "" => json!({"key": key, "effect": effect}),
                    value => json!({"key": key, "value": value, "effect": effect}),
                }
            })
            .collect();
        json!({"metadata": {"name": "n", "labels": labels}, "spec": {"taints": taints}})
    }

    fn found(nodes: &[Value]) -> Vec<String> {
        let nodes = serde_json::from_value(json!(nodes)).unwrap();
        let outcome = check(&compiled(POOLS), &Ok(nodes));
        outcome.findings.into_iter().map(|finding| format!("{}: {}", finding.object, finding.cause)).collect()
    }

    #[test]
    fn a_pool_has_nodes_and_they_have_its_taints() {
        let labels = json!({"node-restriction.kubernetes.io/pool": "a", "zone": "z", "more": ""});
        let taints = ["pool=a:NoSchedule", "dedicated:NoExecute"];
        assert_eq!(found(&[node(&labels, &taints)]), [""; 0]);
        assert_eq!(found(&[node(&labels, &taints), node(&json!({}), &[])]), [""; 0]);
        let none = found(&[node(&json!({"zone": "z"}), &[])]);
        assert_eq!(none.len(), 1);
        assert!(none[0].starts_with("nodepools.partywall.dev/a: no node has its labels"), "{none:?}");
        assert!(none[0].contains("node-restriction.kubernetes.io/pool=a,zone=z"), "{none:?}");
        for lacking in [
            &["pool=b:NoSchedule", "dedicated:NoExecute"][..],
            &["pool=a:PreferNoSchedule", "dedicated:NoExecute"],
            &["pool=a:NoSchedule", "dedicated:PreferNoSchedule"],
            &["pool=a:NoSchedule"],
        ] {
            let found = found(&[node(&labels, lacking)]);
            assert_eq!(found.len(), 1, "{lacking:?}");
            assert!(found[0].contains("not its taint `"), "{found:?}");
        }
        let unlabelled = found(&[node(&labels, &taints), node(&json!({"zone": "z"}), &taints)]);
        assert_eq!(unlabelled.len(), 1);
        assert!(unlabelled[0].contains("and not its labels"), "{unlabelled:?}");
    }

    #[test]
    fn what_was_not_read_is_not_fine() {
        let forbidden = crate::cluster::doctor::finding::NotLookedAt {
            what: "nodes".to_owned(),
            why: "forbidden".to_owned(),
        };
        let outcome = check(&compiled(POOLS), &Err(forbidden.clone()));
        assert_eq!((outcome.findings.len(), outcome.not_looked_at), (0, vec![forbidden]));
    }
}
