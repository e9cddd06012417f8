//! Finds objects of partywall that do not hold as they are written, and those that the compiler warns about.

use partywall_core::api::ACKNOWLEDGE;
use partywall_core::tenancy::{Form, Reason};
use serde_json::Value;

use super::deployment;
use super::finding::{Check, Look, NotLookedAt, Outcome};
use super::policies::warnings;
use super::seen::Policies;

/// Checks the objects; `has_defaults` says whether the user named the file with default Settings.
pub(super) fn check(
    policies: &Look<Policies>,
    deployment: &Look<Option<Value>>,
    has_defaults: bool,
) -> Outcome {
    let mut outcome = Outcome::default();
    let deployment = deployment.as_ref().ok().and_then(Option::as_ref);
    if !has_defaults && deployment.is_some_and(reads_defaults) {
        outcome.not_looked_at.push(NotLookedAt {
            what: "the file with default Settings that the replicas read".to_owned(),
            why: "name the same file with `--settings`; without it, other checks may be wrong too".to_owned(),
        });
    }
    let Some(policies) = outcome.look(policies) else { return outcome };
    for (name, state) in &policies.states {
        let ready = policies.ready.get(name);
        // What the replicas wrote says which form holds: they may have a last good one, which is not known here.
        if let Some(ready) = ready
            && let Some(reason) = Reason::ALL.into_iter().find(|reason| reason.as_str() == ready.reason)
        {
            outcome.find(name.to_string(), format!("{}: {}", ready.reason, ready.message), cure(reason));
            continue;
        }
        let doubt = if ready.is_some() { "; its status does not say so, or not yet" } else { "" };
        for finding in &state.findings {
            let consequence = match (state.form, finding.reason) {
                (Form::Nothing | Form::LastGood, _) => {
                    "; a replica that knew it before this goes on with that form, and to any other it says nothing, \
                     so that everything in the namespaces of such a Tenant is denied"
                }
                (Form::Written, Reason::Conflict) => "; this is denied to both, and the rest of both holds",
                (Form::Written, _) => "; the rest of the object holds",
            };
            let cause =
                format!("{}: {}{consequence}{doubt}", finding.reason.as_str(), finding.mistake.what());
            outcome.find(name.to_string(), cause, cure(finding.reason));
        }
    }
    for (name, warning) in warnings(policies, Check::Objects) {
        let cure = format!(
            "change it, or acknowledge it: add `{}` to the object's annotation `{ACKNOWLEDGE}`",
            warning.path
        );
        outcome.find(name.to_string(), warning.what().to_string(), cure);
    }
    outcome
}

/// Returns whether the replicas of a Deployment have default Settings from a file.
fn reads_defaults(deployment: &Value) -> bool {
    let words = deployment::words(deployment);
    words.iter().any(|word| word.starts_with("--settings") || *word == "PARTYWALL_SETTINGS")
}

const fn cure(reason: Reason) -> &'static str {
    match reason {
        Reason::Invalid => "correct the field, and apply the object again",
        Reason::Conflict => "take it away from one of the two objects",
        Reason::UnknownPool => "apply that NodePool, or name one that is there",
        Reason::UnknownClass => "apply that TenantClass, correct it, or name one that holds",
        Reason::UnknownTenant => "apply that Tenant, or name one that is there",
        Reason::UnknownNamespace => "list the namespace in the Tenant, or name one of its namespaces",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::cluster::doctor::policies::tests::compiled;

    fn found(yaml: &str) -> Vec<(String, String)> {
        let outcome = check(&compiled(yaml), &Ok(None), false);
        assert!(outcome.not_looked_at.is_empty());
        outcome.findings.into_iter().map(|finding| (finding.object, finding.cause)).collect()
    }

    #[test]
    fn sound_objects_are_fine() {
        assert_eq!(found(include_str!("../../../tests/e2e/policies.yaml")), []);
    }

    #[test]
    fn wrong_contested_and_dangling_objects_are_found_with_their_reasons() {
        let all = found(
            "
{apiVersion: partywall.dev/v1alpha1, kind: Tenant, metadata: {name: a}, spec: {namespaces: [one, two]}}
---
{apiVersion: partywall.dev/v1alpha1, kind: Tenant, metadata: {name: b}, spec: {namespaces: [two, three]}}
---
{apiVersion: partywall.dev/v1alpha1, kind: Tenant, metadata: {name: c},
 spec: {namespaces: [four], nodePools: {default: nowhere}}}
---
{apiVersion: partywall.dev/v1alpha1, kind: Tenant, metadata: {name: d}, spec: {namespace: [five]}}
",
        );
        let of = |name: &str| -> Vec<&str> {
            let object = format!("tenants.partywall.dev/{name}");
            all.iter().filter(|(found, _)| *found == object).map(|(_, cause)| cause.as_str()).collect()
        };
        for name in ["a", "b"] {
            assert!(of(name)[0].starts_with("Conflict: spec.namespaces"), "{all:?}");
            assert!(of(name)[0].ends_with("; this is denied to both, and the rest of both holds"), "{all:?}");
        }
        assert!(of("c")[0].starts_with("UnknownPool: spec.nodePools.default"), "{all:?}");
        assert!(of("d").iter().all(|cause| cause.starts_with("Invalid: ")), "{all:?}");
        assert!(!of("d").is_empty());
    }

    #[test]
    fn what_the_replicas_wrote_about_the_present_generation_is_told_in_their_words() {
        let object = |observed: i64, reason: &str, message: &str| {
            format!(
                "{{apiVersion: partywall.dev/v1alpha1, kind: Tenant, metadata: {{name: a, generation: 2}}, spec: \
                 {{namespace: [a]}}, status: {{observedGeneration: {observed}, conditions: [{{type: Ready, status: \
                 'False', reason: {reason}, message: '{message}', lastTransitionTime: '2026-12-01T00:00:00Z', \
                 observedGeneration: {observed}}}]}}}}"
            )
        };
        let last_good = "spec.namespace: no; until this is mended, its last good form holds";
        let told = found(&object(2, "Invalid", last_good));
        let expected = ("tenants.partywall.dev/a".to_owned(), format!("Invalid: {last_good}"));
        assert_eq!(told, [expected]);
        // A status of an older generation is about another spec, and `AsWritten` is no finding.
        let older = found(&object(1, "Invalid", last_good));
        assert!(
            older.iter().all(|(_, cause)| cause.contains("a replica that knew it before this")),
            "{older:?}"
        );
        let contrary = found(&object(2, "AsWritten", "it holds as it is written"));
        assert!(!contrary.is_empty());
        assert!(contrary.iter().all(|(_, cause)| cause.ends_with("its status does not say so, or not yet")));
    }

    #[test]
    fn a_warning_is_found_until_it_is_acknowledged() {
        let yaml = |annotations: &str| {
            format!(
                "{{apiVersion: partywall.dev/v1alpha1, kind: NodePool, metadata: {{name: a, annotations: \
                 {annotations}}}, spec: {{nodeSelector: {{node-restriction.kubernetes.io/pool: a}}}}}}"
            )
        };
        let all = found(&yaml("{}"));
        assert_eq!(all.len(), 1, "{all:?}");
        assert!(all[0].1.contains("keeps nobody else's pods off"), "{all:?}");
        assert_eq!(found(&yaml("{partywall.dev/acknowledge: spec.taints}")), []);
    }

    #[test]
    fn default_settings_that_were_not_named_are_not_looked_at() {
        for (container, has_defaults, count) in [
            (json!({"args": ["serve", "--cluster"]}), false, 0),
            (json!({"args": ["serve", "--settings=/settings.yaml"]}), false, 1),
            (json!({"env": [{"name": "PARTYWALL_SETTINGS", "value": "/settings.yaml"}]}), false, 1),
            (json!({"args": ["serve", "--settings", "/settings.yaml"]}), true, 0),
        ] {
            let deployment = json!({"spec": {"template": {"spec": {"containers": [container]}}}});
            let outcome = check(&compiled("kind: none"), &Ok(Some(deployment)), has_defaults);
            assert_eq!(outcome.not_looked_at.len(), count);
        }
    }
}
