//! Compares the label of each Namespace with the Tenant that has it.
//!
//! By the label the API server knows what to send, and by the Tenant partywall knows what holds: where the label is
//! missing nothing of a tenant is judged, and where no Tenant has the namespace everything is denied.

use partywall_core::labels::TENANT;
use partywall_core::tenancy::{DenialReason, Owner};

use super::finding::{Look, Outcome};
use super::seen::{Namespace, Policies};

pub(super) fn check(policies: &Look<Policies>, namespaces: &Look<Vec<Namespace>>) -> Outcome {
    let mut outcome = Outcome::default();
    let both = (outcome.look(policies), outcome.look(namespaces));
    let (Some(policies), Some(namespaces)) = both else { return outcome };
    for Namespace { metadata, .. } in namespaces {
        let object = format!("Namespace {}", metadata.name);
        let label = metadata.labels.get(TENANT).map(String::as_str);
        let found = match (policies.snapshot.owner(&metadata.name), label) {
            (Owner::Tenant(tenant), label) if label == Some(&*tenant.name) => continue,
            (Owner::Tenant(tenant), label) => {
                let label = label.map_or_else(|| "no such label".to_owned(), |label| format!("`{label}`"));
                let cause = format!(
                    "it is tenant `{}`'s, and has {label} in `{TENANT}`: so the API server sends nothing of it to the \
                     webhooks for that tenant",
                    tenant.name
                );
                let cure = format!(
                    "a replica sets the label within seconds; see `replicas` here and the log; by hand: `kubectl label \
                     --overwrite namespace {} {TENANT}={}`",
                    metadata.name, tenant.name
                );
                (cause, cure)
            }
            (Owner::Denied(denied), _) => {
                let why = match denied.reason {
                    DenialReason::Unusable => "the Tenant that lists it does not hold",
                    DenialReason::Contested => "several objects list it",
                };
                let cure = "correct what `objects` says about them here";
                (format!("everything in it is denied, since {why}"), cure.to_owned())
            }
            (Owner::System, Some(label)) => {
                let cause = format!(
                    "it has tenant `{label}`'s label, and is a system namespace by the Settings, so that nothing in it \
                     is judged"
                );
                let cure = format!(
                    "take it away from `systemNamespaces`, or remove the label: `kubectl label namespace {} {TENANT}-`",
                    metadata.name
                );
                (cause, cure)
            }
            (Owner::Unclaimed, Some(label)) => {
                let cause = format!(
                    "it has the label of `{label}`, and no Tenant has the namespace: so everything in it is denied"
                );
                let cure = format!(
                    "list it in the `namespaces` of a Tenant, or remove the label: `kubectl label namespace {} \
                     {TENANT}-`",
                    metadata.name
                );
                (cause, cure)
            }
            (Owner::System | Owner::Unclaimed, None) => continue,
        };
        outcome.find(object, found.0, found.1);
    }
    outcome
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::cluster::doctor::policies::tests::compiled;

    const POLICIES: &str = "
{apiVersion: partywall.dev/v1alpha1, kind: Tenant, metadata: {name: a}, spec: {namespaces: [a-one, both]}}
---
{apiVersion: partywall.dev/v1alpha1, kind: Tenant, metadata: {name: b}, spec: {namespaces: [b-one, both]}}
";

    fn found(namespace: &str, label: Option<&str>) -> Option<String> {
        let labels = label.map(|label| json!({TENANT: label})).unwrap_or_else(|| json!({}));
        let namespace = json!([{"metadata": {"name": namespace, "labels": labels}}]);
        let outcome = check(&compiled(POLICIES), &Ok(serde_json::from_value(namespace).unwrap()));
        outcome.findings.into_iter().next().map(|finding| finding.cause)
    }

    #[test]
    fn a_label_says_whose_the_namespace_is_or_is_not_there() {
        for (namespace, label) in
            [("a-one", Some("a")), ("b-one", Some("b")), ("other", None), ("kube-system", None)]
        {
            assert_eq!(found(namespace, label), None, "{namespace}");
        }
        for (namespace, label, says) in [
            ("a-one", None, "has no such label in `partywall.dev/tenant`"),
            ("a-one", Some("b"), "has `b` in `partywall.dev/tenant`"),
            ("other", Some("a"), "no Tenant has the namespace"),
            ("kube-system", Some("a"), "is a system namespace"),
            ("both", Some("a"), "several objects list it"),
        ] {
            let cause = found(namespace, label).unwrap_or_default();
            assert!(cause.contains(says), "{namespace} {label:?}: {cause}");
        }
    }
}
