//! Warns about fields that Kubernetes doesn't have, most of which are misspelt: no rule reads them, nor does the API
//! server.

use std::fmt;
use std::sync::LazyLock;

use partywall_core::tenancy::did_you_mean;
use rustc_hash::FxHashMap;
use serde_json::Value;

/// The fields of Kubernetes' own kinds in `v1`: `tests/check/fields.rs` generates them from the types of the newest
/// release.
const OF_KUBERNETES: &str = include_str!("fields/kubernetes.tsv");
/// The fields of other kinds that rules read, in any version.
const OF_OTHERS: &str = include_str!("fields/others.tsv");

static TYPES: LazyLock<Types> = LazyLock::new(|| {
    let mut types = Types { kinds: FxHashMap::default(), types: FxHashMap::default() };
    types.parse(OF_KUBERNETES, Some("v1"));
    types.parse(OF_OTHERS, None);
    types
});

/// A field that doesn't exist.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unknown {
    pub(super) path: String,
    pub(super) message: String,
}

/// The types of the fields of the kinds, by their names.
///
/// A line of a table is `kind`, the group, the kind and its type; or `type`, a name, and its fields, each with a type
/// behind a colon if that has fields itself; or `part`, as `type`, if the type has further fields.
struct Types {
    /// By group and kind: the version if only one has these fields, and the type.
    kinds: FxHashMap<(&'static str, &'static str), (Option<&'static str>, &'static str)>,
    types: FxHashMap<&'static str, Type>,
}

struct Type {
    is_complete: bool,
    fields: Vec<(&'static str, Option<&'static str>)>,
}

impl Types {
    fn parse(&mut self, table: &'static str, version: Option<&'static str>) {
        for line in table.lines() {
            let mut columns = line.split('\t');
            match (columns.next(), columns.next()) {
                (Some("kind"), Some(group)) => {
                    if let (Some(kind), Some(name)) = (columns.next(), columns.next()) {
                        self.kinds.insert((group, kind), (version, name));
                    }
                }
                (Some(word @ ("type" | "part")), Some(name)) => {
                    let field = |column: &'static str| match column.split_once(':') {
                        Some((field, of_type)) => (field, Some(of_type)),
                        None => (column, None),
                    };
                    let fields = columns.map(field).collect();
                    self.types.insert(name, Type { is_complete: word == "type", fields });
                }
                _ => {}
            }
        }
    }
}

/// Returns the fields of an object that its kind doesn't have, at most [`MOST`] of them; none for a kind that is not
/// known.
pub(super) fn unknown(group: &str, version: &str, kind: &str, object: &Value) -> Vec<Unknown> {
    let mut found = Vec::new();
    match TYPES.kinds.get(&(group, kind)) {
        Some((only, name)) if only.is_none_or(|only| only == version) => {
            walk(object, name, &Path::Root, &mut found);
        }
        Some(_) | None => {}
    }
    found
}

/// The most fields that are worth a warning.
const MOST: usize = 20;

/// A step on the way to a field, and those before it.
#[derive(Clone, Copy)]
enum Path<'p> {
    Root,
    Field(&'p Self, &'p str),
    Item(&'p Self, usize),
}

/// A path is only written for a field that is found.
impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => Ok(()),
            Self::Field(Self::Root, field) => f.write_str(field),
            Self::Field(before, field) => write!(f, "{before}.{field}"),
            Self::Item(before, index) => write!(f, "{before}[{index}]"),
        }
    }
}

fn walk(value: &Value, name: &str, path: &Path<'_>, found: &mut Vec<Unknown>) {
    let Some(of_type) = TYPES.types.get(name) else { return };
    match value {
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                walk(item, name, &Path::Item(path, index), found);
            }
        }
        Value::Object(fields) => {
            for (field, value) in fields {
                let at = Path::Field(path, field);
                match of_type.fields.iter().find(|(known, _)| known == field) {
                    Some((_, Some(name))) => walk(value, name, &at, found),
                    Some((_, None)) => {}
                    None => found.extend(of_type.unknown(&at, field)),
                }
                if found.len() >= MOST {
                    return;
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

impl Type {
    /// Returns the warning about a field; none if it may be one that the table leaves out.
    fn unknown(&self, path: &Path<'_>, field: &str) -> Option<Unknown> {
        let meant = did_you_mean(field, self.fields.iter().map(|(name, _)| *name));
        if meant.is_empty() && !self.is_complete {
            return None;
        }
        let cure = if meant.is_empty() { ", so remove it" } else { "" };
        let message = format!("unknown field `{field}`{meant}; Kubernetes ignores or refuses it{cure}");
        Some(Unknown { path: path.to_string(), message })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn paths(group: &str, kind: &str, object: &Value) -> Vec<String> {
        unknown(group, "v1", kind, object).into_iter().map(|unknown| unknown.path).collect()
    }

    #[test]
    fn misspelt_fields_are_found_with_the_nearest_name() {
        let pod = json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": "a", "label": {}, "annotations": {"any": "key"}},
            "spec": {
                "hostNetwrok": true, "nodeSelector": {"any": "label"},
                "containers": [{"name": "a"}, {"name": "b", "securityContext": {"priviledged": true}}],
            },
        });
        let found = unknown("", "v1", "Pod", &pod);
        let meant = |index: usize| found[index].message.rsplit('`').nth(1).unwrap();
        assert_eq!(
            paths("", "Pod", &pod),
            ["metadata.label", "spec.containers[1].securityContext.priviledged", "spec.hostNetwrok",]
        );
        assert_eq!((meant(0), meant(1), meant(2)), ("labels", "privileged", "hostNetwork"));
    }

    #[test]
    fn templates_are_read_as_pods() {
        let template = json!({"spec": {"template": {"spec": {"toleratons": []}}}});
        for (group, kind) in [("apps", "Deployment"), ("apps", "DaemonSet"), ("batch", "Job")] {
            assert_eq!(paths(group, kind, &template), ["spec.template.spec.toleratons"], "{kind}");
        }
        let cron = json!({"spec": {"jobTemplate": {"spec": {"template": {"spec": {"hostPid": true}}}}}});
        assert_eq!(paths("batch", "CronJob", &cron), ["spec.jobTemplate.spec.template.spec.hostPid"]);
    }

    #[test]
    fn of_kinds_that_may_have_more_fields_only_near_names_are_found() {
        let route = json!({"spec": {"hostname": ["a"], "somethingNew": true, "parentRefs": [{"nmae": "b"}]}});
        let group = "gateway.networking.k8s.io";
        assert_eq!(paths(group, "HTTPRoute", &route), ["spec.hostname", "spec.parentRefs[0].nmae"]);
        assert!(paths("example.com", "Widget", &route).is_empty());
    }

    #[test]
    fn another_version_may_have_other_fields() {
        let claim = json!({"spec": {"devices": {"requests": [{"name": "a", "deviceClassName": "b"}]}}});
        let group = "resource.k8s.io";
        assert!(unknown(group, "v1beta1", "ResourceClaim", &claim).is_empty());
        let found = unknown(group, "v1", "ResourceClaim", &claim);
        assert_eq!(found[0].path, "spec.devices.requests[0].deviceClassName");
    }

    #[test]
    #[expect(clippy::iter_over_hash_type, reason = "each is looked at by itself")]
    fn every_type_that_a_table_names_is_in_it() {
        for (_, name) in TYPES.kinds.values() {
            assert!(TYPES.types.contains_key(name), "{name}");
        }
        for (name, of_type) in &TYPES.types {
            for (field, inner) in &of_type.fields {
                assert!(
                    inner.is_none_or(|inner| TYPES.types.contains_key(inner)),
                    "{name}.{field}: {inner:?}"
                );
            }
        }
    }
}
