//! Finds Exemptions that have ended, or that end within 30 days.

use super::finding::{Check, Look, Outcome};
use super::policies::warnings;
use super::seen::Policies;

pub(super) fn check(policies: &Look<Policies>) -> Outcome {
    let mut outcome = Outcome::default();
    let Some(policies) = outcome.look(policies) else { return outcome };
    for (name, warning) in warnings(policies, Check::Exemptions) {
        let cure = "set a later `spec.expires`; or change what it exempts, and delete it";
        outcome.find(name.to_string(), warning.what().to_string(), cure);
    }
    outcome
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::doctor::policies::tests::compiled;

    fn found(expires: &str) -> Vec<String> {
        let yaml = format!(
            "
{{apiVersion: partywall.dev/v1alpha1, kind: Tenant, metadata: {{name: a}}, spec: {{namespaces: [a]}}}}
---
apiVersion: partywall.dev/v1alpha1
kind: Exemption
metadata: {{name: agent}}
spec:
  tenant: a
  namespace: a
  rules: [tolerations]
  target: {{kind: DaemonSet, name: agent}}
  images: [registry.example.com/agent]
  reason: an agent
  expires: \"{expires}\"
"
        );
        check(&compiled(&yaml)).findings.into_iter().map(|finding| finding.cause).collect()
    }

    #[test]
    fn an_end_within_thirty_days_is_found_and_so_is_one_that_has_passed() {
        for (expires, says) in [
            ("2026-11-30", "expired"),
            ("2026-12-01", "ends within 30 days"),
            ("2026-12-30", "ends within 30 days"),
        ] {
            let found = found(expires);
            assert_eq!(found.len(), 1, "{expires}: {found:?}");
            assert!(found[0].contains(says), "{expires}: {found:?}");
        }
        assert_eq!(found("2026-12-31"), [""; 0]);
    }
}
