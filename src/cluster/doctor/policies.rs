//! Compiles the objects of partywall as the replicas do, and sorts what is to be said about them by check.

use std::sync::Arc;

use jiff::civil::Date;
use partywall_core::api::{Condition, Mistake};
use partywall_core::tenancy::{LastGood, LiveCompiled, ObjectName};
use serde_json::{Map, Value};

use super::finding::{Check, Look, NotLookedAt};
use super::seen::Policies;
use crate::cluster::item::Item;
use crate::cluster::kind::Kind;
use crate::cluster::state::{Change, State};
use crate::policies::Declared;

/// Compiles the objects of all kinds, with these fields of default Settings, for a partywall in this namespace.
pub(super) fn compile(
    listed: Vec<(Kind, Vec<Item>)>,
    defaults: Map<String, Value>,
    (namespace, today): (&str, Date),
) -> Look<Policies> {
    let mut state = State::default();
    state.apply(Change::Defaults(defaults));
    let own = listed.iter().filter(|(kind, _)| kind.is_own());
    let ready = own.flat_map(|(kind, items)| {
        items.iter().filter_map(move |item| {
            let name = ObjectName { kind: kind.name(), name: item.metadata.name.clone() };
            Some((name, ready(item)?))
        })
    });
    let ready = ready.collect();
    for (kind, items) in listed {
        state.apply(Change::Listed(kind, items));
    }
    let declared = Declared {
        objects: state.objects(),
        last_good: Arc::new(state.defaults().map(LastGood::of).unwrap_or_default()),
        labelled: state.labelled(),
        today,
        own_namespace: Some(namespace.into()),
    };
    match declared.compile() {
        Ok(LiveCompiled { snapshot, states, .. }) => Ok(Policies { snapshot, states, ready }),
        Err(mistakes) => Err(NotLookedAt {
            what: "the objects of partywall.dev, which do not compile".to_owned(),
            why: mistakes.first().map(ToString::to_string).unwrap_or_default(),
        }),
    }
}

/// Returns the condition `Ready` of an object, if it is about its present generation.
fn ready(item: &Item) -> Option<Condition> {
    let status = item.clone().take_status()?;
    let is_current = |of: Option<i64>| of == Some(item.metadata.generation);
    let mut conditions = status.conditions.iter();
    conditions
        .find(|condition| condition.kind == "Ready" && is_current(condition.observed_generation))
        .cloned()
}

/// Returns the warnings that a check tells, each with its object.
pub(super) fn warnings(policies: &Policies, check: Check) -> impl Iterator<Item = (&ObjectName, &Mistake)> {
    let all = policies.states.iter();
    let all = all.flat_map(|(name, state)| state.warnings.iter().map(move |warning| (name, warning)));
    all.filter(move |(name, warning)| check_of(name, warning) == check)
}

/// Returns the check that a warning belongs to, by the field that it is about.
fn check_of(name: &ObjectName, warning: &Mistake) -> Check {
    match (name.kind, warning.path.as_str()) {
        ("NodePool", path) if path.strip_prefix("spec.nodeSelector").is_some_and(|key| !key.is_empty()) => {
            Check::NodeLabels
        }
        ("Exemption", "spec.expires") => Check::Exemptions,
        _ => Check::Objects,
    }
}

#[cfg(test)]
pub(super) mod tests {
    use jiff::civil::date;
    use serde_json::json;

    use super::*;

    const TODAY: Date = date(2026, 12, 1);

    fn items(yaml: &str) -> Vec<(Kind, Vec<Item>)> {
        let objects: Vec<Value> = serde_saphyr::from_multiple(yaml).unwrap();
        let of = |kind: Kind| {
            let own = objects.iter().filter(|object| object["kind"] == kind.name());
            own.map(|object| serde_json::from_value(object.clone()).unwrap()).collect()
        };
        Kind::ALL.map(|kind| (kind, of(kind))).into()
    }

    /// Compiles YAML documents.
    pub(crate) fn compiled(yaml: &str) -> Look<Policies> {
        compile(items(yaml), Map::new(), ("partywall-system", TODAY))
    }

    #[test]
    fn default_settings_count_where_the_clusters_lack_them() {
        let Value::Object(defaults) = json!({"systemNamespaces": ["of-the-file"]}) else { panic!() };
        let systems = |yaml: &str| {
            let policies = compile(items(yaml), defaults.clone(), ("partywall-system", TODAY)).ok().unwrap();
            policies.snapshot.system_namespaces().join(",")
        };
        let of_file = systems("{kind: Tenant, metadata: {name: a}, spec: {namespaces: [a]}}");
        assert!(of_file.contains("of-the-file"), "{of_file}");
        let own = systems(
            "{kind: Settings, metadata: {name: default, uid: '7'}, spec: {systemNamespaces: [of-the-cluster]}}",
        );
        assert!(own.contains("of-the-cluster") && !own.contains("of-the-file"), "{own}");
    }
}
