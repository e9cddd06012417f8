//! Finds pods that run on a tenant's nodes, and are neither its own nor the system's.
//!
//! They were there before partywall, or came while it was not asked: admission judges no pod that runs already.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use partywall_core::rule_id::RuleId;
use partywall_core::tenancy::{Owner, Pool, Snapshot, Tenant};

use super::finding::{Look, Outcome, some_of};
use super::nodes::has_labels;
use super::seen::{Namespace, Node, Pod, Policies};

pub(super) fn check(
    policies: &Look<Policies>,
    namespaces: &Look<Vec<Namespace>>,
    nodes: &Look<Vec<Node>>,
    pods: &Look<Vec<Pod>>,
) -> Outcome {
    let mut outcome = Outcome::default();
    let all = (outcome.look(policies), outcome.look(nodes), outcome.look(pods));
    // The label of a Namespace may decide whose it is.
    let (Some(policies), Some(nodes), Some(pods), Some(_)) = (all.0, all.1, all.2, outcome.look(namespaces))
    else {
        return outcome;
    };
    let snapshot = &policies.snapshot;
    let owned = owned_nodes(snapshot, nodes);
    let mut strangers: BTreeMap<&str, Strangers<'_>> = BTreeMap::new();
    for pod in pods.iter().filter(|pod| pod.runs()) {
        let Some(tenants) = owned.get(&*pod.spec.node_name) else { continue };
        let namespace = &*pod.metadata.namespace;
        if is_expected(snapshot, pod, tenants) {
            continue;
        }
        let found = strangers.entry(namespace).or_default();
        found.pods.insert(&pod.metadata.name);
        found.nodes.insert(&pod.spec.node_name);
        found.tenants.extend(tenants.iter().map(|tenant| &*tenant.name));
    }
    for (namespace, Strangers { pods, nodes, tenants }) in strangers {
        let whose = match snapshot.owner(namespace) {
            Owner::Tenant(tenant) => format!("tenant `{}`'s", tenant.name),
            Owner::System | Owner::Unclaimed | Owner::Denied(_) => "no tenant's".to_owned(),
        };
        let cause = format!(
            "it is {whose}, and its pods {} run on {}, of the nodes of {}",
            some_of(pods.iter().copied()),
            some_of(nodes.iter().copied()),
            some_of(tenants.iter().copied()),
        );
        let cure = match snapshot.owner(namespace) {
            Owner::Tenant(_) => {
                "delete these pods: those that replace them are placed on nodes of their own tenant"
                    .to_owned()
            }
            Owner::System | Owner::Unclaimed | Owner::Denied(_) => format!(
                "delete them, or drain those nodes; if they are agents of the platform, list `{namespace}` in \
                 `systemNamespaces` of the Settings, or write an Exemption"
            ),
        };
        outcome.find(format!("Namespace {namespace}"), cause, cure);
    }
    outcome
}

/// The pods of a namespace that run where they should not.
#[derive(Default)]
struct Strangers<'s> {
    pods: BTreeSet<&'s str>,
    nodes: BTreeSet<&'s str>,
    tenants: BTreeSet<&'s str>,
}

/// Returns the nodes of pools that tenants have, each with these tenants.
fn owned_nodes<'s>(snapshot: &'s Snapshot, nodes: &'s [Node]) -> HashMap<&'s str, Vec<&'s Tenant>> {
    let mut pools: BTreeMap<&str, (&Pool, Vec<&Tenant>)> = BTreeMap::new();
    for tenant in snapshot.tenants() {
        for pool in snapshot.pools_of(tenant) {
            pools.entry(&pool.name).or_insert_with(|| (pool, Vec::new())).1.push(tenant);
        }
    }
    let mut owned: HashMap<&str, Vec<&Tenant>> = HashMap::new();
    for (pool, tenants) in pools.values() {
        for node in nodes.iter().filter(|node| has_labels(node, pool)) {
            owned.entry(&node.metadata.name).or_default().extend(tenants);
        }
    }
    owned
}

/// Returns whether a pod may be on a node of these tenants.
fn is_expected(snapshot: &Snapshot, pod: &Pod, tenants: &[&Tenant]) -> bool {
    let namespace = &*pod.metadata.namespace;
    let owner = snapshot.owner(namespace);
    let is_own = match owner {
        Owner::System => return true,
        Owner::Tenant(tenant) => tenants.iter().any(|other| other.name == tenant.name),
        Owner::Unclaimed | Owner::Denied(_) => false,
    };
    // Its pods are named after the object that is exempt.
    is_own
        || snapshot.exemptions(owner, namespace).iter().any(|exemption| {
            let rules = [RuleId::Tolerations, RuleId::NodePlacement];
            rules.into_iter().any(|rule| exemption.rules.contains(rule))
                && pod.metadata.name.starts_with(&*exemption.target)
        })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::cluster::doctor::policies::tests::compiled;

    const POLICIES: &str = "
{apiVersion: partywall.dev/v1alpha1, kind: NodePool, metadata: {name: a},
 spec: {nodeSelector: {pool: a}, taints: [{key: pool, value: a}]}}
---
{apiVersion: partywall.dev/v1alpha1, kind: NodePool, metadata: {name: b},
 spec: {nodeSelector: {pool: b}, taints: [{key: pool, value: b}]}}
---
{apiVersion: partywall.dev/v1alpha1, kind: NodePool, metadata: {name: spare},
 spec: {nodeSelector: {pool: spare}, taints: [{key: pool, value: spare}]}}
---
{apiVersion: partywall.dev/v1alpha1, kind: Tenant, metadata: {name: a},
 spec: {namespaces: [a-one], nodePools: {default: a}}}
---
{apiVersion: partywall.dev/v1alpha1, kind: Tenant, metadata: {name: b},
 spec: {namespaces: [b-one], nodePools: {default: b, allowed: [a]}}}
---
{apiVersion: partywall.dev/v1alpha1, kind: Tenant, metadata: {name: c}, spec: {namespaces: [c-one]}}
---
apiVersion: partywall.dev/v1alpha1
kind: Exemption
metadata: {name: agent}
spec:
  namespace: agents
  rules: [tolerations]
  target: {kind: DaemonSet, name: agent}
  images: [registry.example.com/agent]
  reason: an agent
  expires: \"2099-12-31\"
";

    fn found(namespace: &str, name: &str, node: &str, phase: &str) -> Option<String> {
        let nodes: Vec<Node> = ["a", "b", "spare", "other"]
            .map(|pool| {
                serde_json::from_value(
                    json!({"metadata": {"name": format!("node-{pool}"), "labels": {"pool": pool}}}),
                )
                .unwrap()
            })
            .into();
        let pod = json!({
            "metadata": {"name": name, "namespace": namespace},
            "spec": {"nodeName": node},
            "status": {"phase": phase},
        });
        let pods = Ok(vec![serde_json::from_value(pod).unwrap()]);
        let outcome = check(&compiled(POLICIES), &Ok(Vec::new()), &Ok(nodes), &pods);
        assert!(outcome.not_looked_at.is_empty());
        outcome.findings.into_iter().next().map(|finding| format!("{}: {}", finding.object, finding.cause))
    }

    #[test]
    fn pods_of_others_on_a_tenants_node_are_found() {
        for (namespace, pod, node, phase) in [
            ("a-one", "web", "node-a", "Running"),
            ("b-one", "web", "node-a", "Running"),
            ("b-one", "web", "node-b", "Running"),
            ("kube-system", "proxy", "node-a", "Running"),
            ("agents", "agent-x7k", "node-a", "Running"),
            ("other", "web", "node-other", "Running"),
            ("other", "web", "node-spare", "Running"),
            ("other", "web", "node-a", "Succeeded"),
            ("other", "web", "node-a", "Failed"),
            ("other", "web", "", "Pending"),
        ] {
            assert_eq!(found(namespace, pod, node, phase), None, "{namespace}/{pod} on {node}");
        }
        let cause = found("other", "web", "node-a", "Running").unwrap();
        assert_eq!(
            cause,
            "Namespace other: it is no tenant's, and its pods `web` run on `node-a`, of the nodes of `a`, `b`"
        );
        let cause = found("a-one", "web", "node-b", "Pending").unwrap();
        assert!(cause.contains("it is tenant `a`'s"), "{cause}");
        assert!(found("c-one", "web", "node-b", "Running").is_some(), "a tenant without pools");
        assert!(found("agents", "other", "node-b", "Running").is_some(), "an Exemption is for one object");
    }
}
