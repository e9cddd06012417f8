//! Finds the DaemonSets of tenants that a write would stamp anew, since their tenant's pools have changed.

use partywall_core::review::compose::{Draft, ObjectType};
use partywall_core::tenancy::Owner;
use partywall_core::{Entry, answer};
use serde_json::Value;

use super::finding::{Look, NotLookedAt, Outcome};
use super::seen::{Namespace, Policies};

pub(super) fn check(
    policies: &Look<Policies>,
    namespaces: &Look<Vec<Namespace>>,
    daemon_sets: &Look<Vec<Value>>,
) -> Outcome {
    let mut outcome = Outcome::default();
    // The label of a Namespace may decide whose it is.
    let all = (outcome.look(policies), outcome.look(namespaces), outcome.look(daemon_sets));
    let (Some(policies), Some(_), Some(daemon_sets)) = all else { return outcome };
    for daemon_set in daemon_sets {
        let text = |path| daemon_set.pointer(path).and_then(Value::as_str).unwrap_or_default();
        let (namespace, name) = (text("/metadata/namespace"), text("/metadata/name"));
        let Owner::Tenant(tenant) = policies.snapshot.owner(namespace) else { continue };
        let object = format!("DaemonSet {namespace}/{name}");
        match would_be_stamped(policies, namespace, name, daemon_set) {
            Ok(false) => {}
            Ok(true) => {
                let cause = format!(
                    "its template does not have the stamp of tenant `{}`'s pools as they are now, so its pods run \
                     where they were meant to before, or nowhere",
                    tenant.name
                );
                let cure = format!(
                    "write it, which stamps it and restarts its pods: `kubectl -n {namespace} rollout restart \
                     daemonset/{name}`"
                );
                outcome.find(object, cause, cure);
            }
            Err(why) => outcome.not_looked_at.push(NotLookedAt { what: object, why }),
        }
    }
    outcome
}

/// Asks the code that the server runs about a write that changes nothing.
fn would_be_stamped(
    policies: &Policies,
    namespace: &str,
    name: &str,
    daemon_set: &Value,
) -> Result<bool, String> {
    let draft = Draft {
        uid: "doctor",
        object_type: &ObjectType::of("apps/v1", "DaemonSet"),
        name,
        namespace,
        operation: "UPDATE",
        username: "partywall-doctor",
        groups: &[],
        object: Some(daemon_set),
        old_object: Some(daemon_set),
    };
    let body = draft.to_json().map_err(|error| error.to_string())?;
    let verdict =
        answer(Entry::MutateTenants, &body, &policies.snapshot).map_err(|error| error.to_string())?.verdict;
    match verdict.unjudged {
        Some(unjudged) => Err(unjudged.message),
        None => Ok(verdict.patch.is_some()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::cluster::doctor::policies::tests::compiled;

    fn pools(label: &str) -> Look<Policies> {
        compiled(&format!(
            "
{{apiVersion: partywall.dev/v1alpha1, kind: NodePool, metadata: {{name: a}},
 spec: {{nodeSelector: {{pool: {label}}}, taints: [{{key: pool, value: {label}, effect: NoSchedule}}]}}}}
---
{{apiVersion: partywall.dev/v1alpha1, kind: Tenant, metadata: {{name: a}},
 spec: {{namespaces: [a-one], nodePools: {{default: a}}}}}}
"
        ))
    }

    fn daemon_set(namespace: &str, label: &str) -> Value {
        let record = json!({
            "nodeSelector": {"pool": label},
            "tolerations": [{"key": "pool", "operator": "Equal", "value": label, "effect": "NoSchedule"}],
        });
        json!({
            "metadata": {
                "name": "agent", "namespace": namespace,
                "annotations": {"partywall.dev/stamp": record.to_string()},
            },
            "spec": {"template": {"spec": {
                "nodeSelector": {"pool": label},
                "tolerations": [{"key": "pool", "operator": "Equal", "value": label, "effect": "NoSchedule"}],
                "containers": [{"name": "app", "image": "registry.example.com/app:1"}],
            }}},
        })
    }

    fn found(policies: &Look<Policies>, daemon_set: Value) -> Vec<String> {
        let outcome = check(policies, &Ok(Vec::new()), &Ok(vec![daemon_set]));
        assert!(outcome.not_looked_at.is_empty(), "{:?}", outcome.not_looked_at);
        outcome.findings.into_iter().map(|finding| finding.cause).collect()
    }

    #[test]
    fn a_stamp_of_other_pools_is_found_in_tenants_namespaces() {
        assert_eq!(found(&pools("a"), daemon_set("a-one", "a")), [""; 0]);
        assert_eq!(found(&pools("b"), daemon_set("other", "a")), [""; 0]);
        assert_eq!(found(&pools("b"), daemon_set("a-one", "a")).len(), 1);
        let mut unstamped = daemon_set("a-one", "a");
        unstamped["spec"]["template"]["spec"]["nodeSelector"] = json!({});
        unstamped["metadata"]["annotations"] = json!({});
        assert_eq!(found(&pools("a"), unstamped).len(), 1);
    }
}
