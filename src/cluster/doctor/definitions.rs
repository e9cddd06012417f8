//! Compares the installed CustomResourceDefinitions with those of this program.
//!
//! The API server knows only the fields of the installed schema: it checks and explains no others.

use std::collections::BTreeSet;

use partywall_core::crds;
use serde_json::Value;

use super::finding::{Look, Outcome, some_of};

/// The keys of a definition's version that say what the API server does, beside the schema.
const OF_VERSION: [&str; 3] = ["served", "storage", "subresources"];
const CURE: &str = "apply those of this version: `partywall manifests crds | kubectl apply --server-side \
                    --force-conflicts -f -`";

/// Returns the definitions that should be there, by their names.
pub(super) fn expected() -> impl Iterator<Item = (String, Value)> {
    let name = |definition: &Value| {
        definition.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    crds::definitions().into_iter().map(move |definition| (name(&definition), definition))
}

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
        if let Some(cause) = differences.told() {
            outcome.find(object, cause, differences.cure());
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

/// The differences of a definition, by the paths of the fields that they are about.
#[derive(Debug, Default, PartialEq, Eq)]
struct Differences {
    /// Fields that the installed one lacks.
    lacking: BTreeSet<String>,
    /// Fields that only the installed one has.
    more: BTreeSet<String>,
    /// Fields of another schema.
    other: BTreeSet<String>,
    /// Whether something beside the schema differs.
    is_other_kind: bool,
}

fn differences(expected: &Value, installed: &Value) -> Differences {
    let mut differences = Differences::default();
    let version = |definition: &'_ Value| -> Option<Value> {
        let name = expected.pointer("/spec/versions/0/name")?;
        let versions = definition.pointer("/spec/versions").and_then(Value::as_array)?;
        versions.iter().find(|version| version.get("name") == Some(name)).cloned()
    };
    let (Some(expected_version), Some(version)) = (version(expected), version(installed)) else {
        differences.is_other_kind = true;
        return differences;
    };
    let is_same = |path: &str| expected.pointer(path) == installed.pointer(path);
    differences.is_other_kind = !is_same("/spec/scope")
        || !is_same("/spec/names/kind")
        || !is_same("/spec/names/shortNames")
        || OF_VERSION.iter().any(|key| expected_version.get(key) != version.get(key));
    let schema = |version: &Value| version.pointer("/schema/openAPIV3Schema").cloned().unwrap_or_default();
    differences.compare("", &schema(&expected_version), &schema(&version));
    differences
}

impl Differences {
    /// Compares the schemas of a field.
    fn compare(&mut self, at: &str, expected: &Value, installed: &Value) {
        let (Value::Object(expected), Value::Object(installed)) = (expected, installed) else {
            if expected != installed {
                self.other.insert(at.to_owned());
            }
            return;
        };
        let keys: BTreeSet<&String> = expected.keys().chain(installed.keys()).collect();
        for key in keys {
            let both = (expected.get(key), installed.get(key));
            match (key.as_str(), both) {
                ("properties", (expected, installed)) => self.compare_fields(at, expected, installed),
                ("items", (Some(expected), Some(installed))) => {
                    self.compare(&format!("{at}[*]"), expected, installed);
                }
                ("additionalProperties", (Some(expected), Some(installed))) => {
                    self.compare(&format!("{at}.*"), expected, installed);
                }
                (_, (expected, installed)) if expected != installed => {
                    self.other.insert(at.to_owned());
                }
                (_, _) => {}
            }
        }
    }

    fn compare_fields(&mut self, at: &str, expected: Option<&Value>, installed: Option<&Value>) {
        let fields = |of: Option<&Value>| of.and_then(Value::as_object).cloned().unwrap_or_default();
        let (expected, installed) = (fields(expected), fields(installed));
        let path = |name: &str| if at.is_empty() { name.to_owned() } else { format!("{at}.{name}") };
        for (name, schema) in &expected {
            match installed.get(name) {
                Some(other) => self.compare(&path(name), schema, other),
                None => {
                    self.lacking.insert(path(name));
                }
            }
        }
        self.more
            .extend(installed.keys().filter(|name| !expected.contains_key(*name)).map(|name| path(name)));
    }

    /// Tells the worst of the differences; `None` if there are none.
    fn told(&self) -> Option<String> {
        let names = |paths: &BTreeSet<String>| some_of(paths.iter().map(String::as_str));
        let Self { lacking, more, other, is_other_kind } = self;
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

    fn cure(&self) -> &'static str {
        if self.lacking.is_empty() && !self.is_other_kind && !self.more.is_empty() {
            "if a newer partywall is installed, ask its own `partywall doctor`; else apply the definitions of this \
             version: `partywall manifests crds | kubectl apply --server-side --force-conflicts -f -`"
        } else {
            CURE
        }
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
