//! Compares the installed CustomResourceDefinitions with those of this program.
//!
//! The API server knows only the fields of the installed schema: it checks and explains no others.

use std::collections::BTreeSet;

use serde_json::Value;

use super::finding::{Look, Outcome, some_of};
use crate::cluster::definitions::{Differences, differences, expected};

const CURE: &str = "apply those of this version: `partywall manifests crds | kubectl apply --server-side \
                    --force-conflicts -f -`";

pub(super) fn check(installed: &[(String, Look<Option<Value>>)]) -> Outcome {
    let mut outcome = Outcome::default();
    for (name, expected) in expected() {
        let Some((_, look)) = installed.iter().find(|(known, _)| *known == name) else { continue };
        let Some(installed) = outcome.look(look) else { continue };
        let object = format!("CustomResourceDefinition {name}");
        let Some(installed) = installed else {
            let cause =
                "it is not there, so the cluster has no objects of this kind, and partywall is not ready";
            outcome.find(object, cause, CURE);
            continue;
        };
        if let Some(reason) = refused(installed) {
            let cause = format!("the API server does not serve it: {reason}");
            let cure =
                "remove the definition of another group that has one of its names, and apply this one again";
            outcome.find(object, cause, cure);
            continue;
        }
        let differences = differences(&expected, installed);
        if let Some(cause) = told(&differences) {
            outcome.find(object, cause, cure(&differences));
        }
    }
    outcome
}

/// Returns why the API server does not serve a definition.
fn refused(definition: &Value) -> Option<&str> {
    let conditions = definition.pointer("/status/conditions").and_then(Value::as_array)?;
    let text = |condition: &'_ Value, key| condition.get(key).and_then(Value::as_str).map(str::to_owned);
    let is_refused = |condition: &&Value| {
        matches!(text(condition, "type").as_deref(), Some("NamesAccepted" | "Established"))
            && text(condition, "status").as_deref() == Some("False")
    };
    let condition = conditions.iter().find(is_refused)?;
    condition.get("message").and_then(Value::as_str)
}

/// Tells the worst of the differences; `None` if there are none.
fn told(differences: &Differences) -> Option<String> {
    let names = |paths: &BTreeSet<String>| some_of(paths.iter().map(String::as_str));
    let Differences { lacking, more, other, is_other_kind } = differences;
    if *is_other_kind {
        Some("its names, its scope or its version are not those of this version of partywall".to_owned())
    } else if !lacking.is_empty() {
        Some(format!(
            "it is of another version: it lacks {}, so the API server neither checks nor explains that",
            names(lacking)
        ))
    } else if !more.is_empty() {
        Some(format!("it is of another version: only it has {}", names(more)))
    } else if !other.is_empty() {
        Some(format!("it is of another version: the schema of {} differs", names(other)))
    } else {
        None
    }
}

fn cure(differences: &Differences) -> &'static str {
    if differences.lacking.is_empty() && !differences.is_other_kind && !differences.more.is_empty() {
        "if a newer partywall is installed, ask its own `partywall doctor`; else apply the definitions of this \
         version: `partywall manifests crds | kubectl apply --server-side --force-conflicts -f -`"
    } else {
        CURE
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::cluster::doctor::finding::NotLookedAt;

    const TENANTS: &str = "tenants.partywall.dev";
    const SPEC: &str = "/spec/versions/0/schema/openAPIV3Schema/properties/spec";

    /// Returns the findings after a change of the installed definition of Tenants.
    fn after(change: impl FnOnce(&mut Value)) -> Vec<String> {
        let mut all: Vec<(String, Look<Option<Value>>)> =
            expected().map(|(name, definition)| (name, Ok(Some(definition)))).collect();
        let (_, tenants) = all.iter_mut().find(|(name, _)| name == TENANTS).unwrap();
        change(tenants.as_mut().unwrap().as_mut().unwrap());
        let outcome = check(&all);
        assert!(outcome.not_looked_at.is_empty());
        outcome.findings.into_iter().map(|finding| format!("{}: {}", finding.object, finding.cause)).collect()
    }

    #[test]
    fn what_is_installed_as_printed_is_fine() {
        assert_eq!(after(|_| {}), [""; 0]);
        // The API server adds these.
        let added = after(|definition| {
            definition["spec"]["conversion"] = json!({"strategy": "None"});
            definition["spec"]["versions"][0]["additionalPrinterColumns"] = json!([]);
            definition["status"] = json!({"conditions": [{"type": "Established", "status": "True"}]});
        });
        assert_eq!(added, [""; 0]);
    }

    #[test]
    fn each_difference_is_told_by_its_field() {
        let lacking = after(|definition| {
            let spec = definition.pointer_mut(SPEC).unwrap();
            spec["properties"]["nodePools"]["properties"].as_object_mut().unwrap().remove("unnamed");
        });
        assert_eq!(lacking.len(), 1);
        assert!(
            lacking[0].contains(
                "tenants.partywall.dev: it is of another version: it lacks `spec.nodePools.unnamed`"
            )
        );
        let more = after(|definition| {
            definition.pointer_mut(SPEC).unwrap()["properties"]["later"] = json!({"type": "string"});
        });
        assert!(more[0].contains("only it has `spec.later`"), "{more:?}");
        let other = after(|definition| {
            definition.pointer_mut(SPEC).unwrap()["properties"]["namespaces"]["items"]["maxLength"] =
                json!(1);
        });
        assert!(other[0].contains("the schema of `spec.namespaces[*]` differs"), "{other:?}");
        let scope = after(|definition| definition["spec"]["scope"] = json!("Namespaced"));
        assert!(scope[0].contains("its names, its scope or its version"), "{scope:?}");
        let version = after(|definition| definition["spec"]["versions"][0]["name"] = json!("v1"));
        assert!(version[0].contains("its names, its scope or its version"), "{version:?}");
        let refused = after(|definition| {
            let condition =
                json!({"type": "NamesAccepted", "status": "False", "message": "pwtenant is taken"});
            definition["status"] = json!({"conditions": [condition]});
        });
        assert!(refused[0].contains("does not serve it: pwtenant is taken"), "{refused:?}");
    }

    #[test]
    fn what_is_not_there_is_found_and_what_is_forbidden_is_not_looked_at() {
        let forbidden = NotLookedAt { what: TENANTS.to_owned(), why: "forbidden".to_owned() };
        let outcome = check(&[
            (TENANTS.to_owned(), Err(forbidden.clone())),
            ("settings.partywall.dev".to_owned(), Ok(None)),
        ]);
        assert_eq!(outcome.not_looked_at, [forbidden]);
        assert_eq!(outcome.findings.len(), 1);
        assert!(outcome.findings[0].cause.contains("it is not there"));
    }
}
