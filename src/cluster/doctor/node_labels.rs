//! Finds NodePools whose nodes a kubelet could imitate.
//!
//! A kubelet may set most labels on its own node, and the plugin `NodeRestriction` keeps it only from those of
//! `node-restriction.kubernetes.io/`. So whoever takes over one node of the cluster could give it the labels of a pool
//! that has no such label, and get the pods of its tenants.

use super::finding::{Check, Look, Outcome};
use super::policies::warnings;
use super::seen::Policies;

pub(super) fn check(policies: &Look<Policies>) -> Outcome {
    let mut outcome = Outcome::default();
    let Some(policies) = outcome.look(policies) else { return outcome };
    for (name, warning) in warnings(policies, Check::NodeLabels) {
        let cure = "give the nodes a label of `node-restriction.kubernetes.io/` too, and then add it to the pool's \
                    `spec.nodeSelector`";
        outcome.find(name.to_string(), warning.what().to_string(), cure);
    }
    outcome
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::doctor::policies::tests::compiled;

    fn found(labels: &str, annotations: &str) -> Vec<String> {
        let yaml = format!(
            "{{apiVersion: partywall.dev/v1alpha1, kind: NodePool, metadata: {{name: a, annotations: \
             {annotations}}}, spec: {{nodeSelector: {labels}, taints: [{{key: pool, value: a, effect: NoSchedule}}]}}}}"
        );
        check(&compiled(&yaml)).findings.into_iter().map(|finding| finding.cause).collect()
    }

    #[test]
    fn a_pool_needs_one_label_that_kubelets_may_not_set() {
        assert_eq!(found("{pool: a}", "{}").len(), 1);
        assert!(found("{pool: a}", "{}")[0].contains("a kubelet may set this label"));
        assert_eq!(found("{example.com/pool: a, zone: b}", "{}").len(), 2);
        assert_eq!(found("{pool: a, node-restriction.kubernetes.io/pool: a}", "{}"), [""; 0]);
        assert_eq!(found("{pool: a}", "{partywall.dev/acknowledge: spec.nodeSelector.pool}"), [""; 0]);
    }
}
