//! The webhook configurations as an API server has them, and whether they are as they should be.

use partywall_core::Phase;
use serde_json::{Map, Value, json};

use super::bundle::Bundle;
use crate::cluster::installation::REGISTRATION_MANAGER;

/// The fields of a webhook that partywall knows; another one that the API server fills in changes nothing.
const KNOWN: [&str; 12] = [
    "admissionReviewVersions",
    "clientConfig",
    "failurePolicy",
    "matchConditions",
    "matchPolicy",
    "name",
    "namespaceSelector",
    "objectSelector",
    "reinvocationPolicy",
    "rules",
    "sideEffects",
    "timeoutSeconds",
];

/// One thing for each of the two configurations.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Both<T> {
    pub(super) mutating: T,
    pub(super) validating: T,
}

impl<T> Both<T> {
    /// The phases, in the order in which they are registered: pods are stamped before unstamped ones are denied.
    pub(super) const PHASES: [Phase; 2] = [Phase::Mutate, Phase::Validate];

    pub(super) const fn of(&self, phase: Phase) -> &T {
        match phase {
            Phase::Mutate => &self.mutating,
            Phase::Validate => &self.validating,
        }
    }

    pub(super) const fn of_mut(&mut self, phase: Phase) -> &mut T {
        match phase {
            Phase::Mutate => &mut self.mutating,
            Phase::Validate => &mut self.validating,
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        Self::PHASES.into_iter().map(|phase| self.of(phase))
    }
}

/// A configuration as the API server has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Live(pub(super) Value);

impl Live {
    /// Returns the resource version.
    pub(super) fn version(&self) -> &str {
        self.text("/metadata/resourceVersion").unwrap_or_default()
    }

    /// Returns the value of an annotation; `/` in its name is written `~1`.
    pub(super) fn annotation(&self, pointer: &str) -> Option<&str> {
        self.text(&format!("/metadata/annotations/{pointer}"))
    }

    pub(super) fn webhooks(&self) -> impl Iterator<Item = &Value> {
        self.0.get("webhooks").and_then(Value::as_array).into_iter().flatten()
    }

    /// Returns when a replica of partywall wrote it last.
    pub(super) fn written(&self) -> Option<&str> {
        let fields = self.0.pointer("/metadata/managedFields").and_then(Value::as_array)?;
        let is_own = |fields: &&Value| fields.get("manager").is_some_and(|name| name == REGISTRATION_MANAGER);
        fields.iter().filter(is_own).filter_map(|fields| fields.get("time")?.as_str()).max()
    }

    fn text(&self, pointer: &str) -> Option<&str> {
        self.0.pointer(pointer).and_then(Value::as_str)
    }

    /// Returns the object that is to replace this one: the same with these webhooks, labels and annotations.
    pub(super) fn replaced_by(&self, wanted: &Value) -> Value {
        let mut object = self.0.clone();
        if let (Some(own), Some(theirs)) = (object.get_mut("metadata"), wanted.get("metadata")) {
            for field in ["labels", "annotations"] {
                let Some(Value::Object(theirs)) = theirs.get(field) else { continue };
                match own.get_mut(field) {
                    Some(Value::Object(own)) => own.extend(theirs.clone()),
                    Some(_) | None => set(own, field, Value::Object(theirs.clone())),
                }
            }
        }
        set(&mut object, "webhooks", wanted.get("webhooks").cloned().unwrap_or_default());
        object
    }

    /// Compares the configuration with what is wanted of it. Labels and annotations of others are no difference.
    pub(super) fn compare(&self, wanted: &Value) -> Difference {
        let has_metadata = ["labels", "annotations"].into_iter().all(|field| {
            let of = |object: &Value| object.pointer(&format!("/metadata/{field}")).cloned();
            let Some(Value::Object(wanted)) = of(wanted) else { return true };
            let Some(Value::Object(live)) = of(&self.0) else { return wanted.is_empty() };
            wanted.iter().all(|(key, value)| live.get(key) == Some(value))
        });
        let wanted = wanted.get("webhooks").and_then(Value::as_array).into_iter().flatten();
        let (wanted, live) = (by_name(wanted), by_name(self.webhooks()));
        if !has_metadata || wanted.len() != live.len() {
            return Difference::Some;
        }
        let mut difference = Difference::None;
        for (wanted, live) in wanted.into_iter().zip(live) {
            // One after the other, since they may be large.
            let (wanted, live) = (plain(wanted), plain(live));
            if !wanted.says_the_same_as(&live) {
                return Difference::Some;
            }
            if live.has_unknown {
                difference = Difference::Unknown;
            }
        }
        difference
    }
}

/// How a configuration differs from what is wanted of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Difference {
    /// Not at all.
    None,
    /// By fields alone that this version of partywall does not know.
    Unknown,
    /// Otherwise.
    Some,
}

/// Sets a field of an object.
pub(super) fn set(object: &mut Value, field: &str, value: Value) {
    if let Value::Object(fields) = object {
        fields.insert(field.to_owned(), value);
    }
}

/// Returns the name of a webhook.
pub(super) fn name(webhook: &Value) -> &str {
    webhook.get("name").and_then(Value::as_str).unwrap_or_default()
}

/// Returns where the API server finds a webhook, without its path and bundle.
pub(super) fn target(webhook: &Value) -> Option<Value> {
    let config = webhook.get("clientConfig")?;
    if let Some(service) = config.get("service") {
        let field = |name| service.get(name).cloned().unwrap_or_default();
        let port = service.get("port").cloned().unwrap_or_else(|| json!(443));
        return Some(json!([field("namespace"), field("name"), port]));
    }
    let url = config.get("url")?.as_str()?;
    let path = url.match_indices('/').nth(2).map_or(url.len(), |(index, _)| index);
    Some(url.get(..path)?.into())
}

/// Returns whether a webhook asks what is wanted, at whatever address and however long the API server waits.
///
/// A proxy may put something before the path.
pub(super) fn asks_the_same(wanted: &Value, live: &Value) -> bool {
    let of = |webhook| {
        let Plain { name, mut fields, .. } = plain(webhook);
        fields.remove("timeoutSeconds");
        let path = fields.remove("clientConfig").as_ref().and_then(path);
        (path.unwrap_or_default(), name, fields)
    };
    let ((wanted_path, wanted_name, wanted), (path, name, live)) = (of(wanted), of(live));
    wanted_name == name && wanted == live && path.ends_with(&wanted_path)
}

/// Returns the path that a client configuration asks for.
fn path(config: &Value) -> Option<String> {
    if let Some(service) = config.get("service") {
        return service.get("path")?.as_str().map(str::to_owned);
    }
    let url = config.get("url")?.as_str()?;
    let (index, _) = url.match_indices('/').nth(2)?;
    let path = url.get(index..)?;
    Some(path.split(['?', '#']).next().unwrap_or(path).to_owned())
}

/// A webhook in a form in which equal ones are equal.
struct Plain {
    name: String,
    bundle: Bundle,
    /// The known fields but the bundle, with the defaults of the API server.
    fields: Map<String, Value>,
    has_unknown: bool,
}

impl Plain {
    fn says_the_same_as(&self, other: &Self) -> bool {
        self.name == other.name && self.bundle == other.bundle && self.fields == other.fields
    }
}

/// Returns webhooks in the order of their names.
fn by_name<'w>(webhooks: impl Iterator<Item = &'w Value>) -> Vec<&'w Value> {
    let mut webhooks: Vec<&Value> = webhooks.collect();
    webhooks.sort_by(|one, other| name(one).cmp(name(other)));
    webhooks
}

fn plain(webhook: &Value) -> Plain {
    let all = webhook.as_object().cloned().unwrap_or_default();
    let (mut fields, mut has_unknown) = (Map::new(), false);
    for (key, value) in all {
        if KNOWN.contains(&&*key) {
            fields.insert(key, value);
        } else {
            has_unknown = true;
        }
    }
    fill(&mut fields, "failurePolicy", || json!("Fail"));
    fill(&mut fields, "matchPolicy", || json!("Equivalent"));
    fill(&mut fields, "timeoutSeconds", || json!(10));
    // Of validating webhooks there is no such field.
    fill(&mut fields, "reinvocationPolicy", || json!("Never"));
    for selector in ["namespaceSelector", "objectSelector"] {
        fill(&mut fields, selector, || json!({}));
        if let Some(Value::Object(selector)) = fields.get_mut(selector) {
            selector.retain(|_, requirements| !is_empty(requirements));
        }
    }
    fill(&mut fields, "matchConditions", || json!([]));
    if let Some(Value::Array(conditions)) = fields.get_mut("matchConditions") {
        // All of them must hold.
        conditions.sort_by(|one, other| name(one).cmp(name(other)));
    }
    if let Some(Value::Array(rules)) = fields.get_mut("rules") {
        rules.iter_mut().filter_map(Value::as_object_mut).for_each(|rule| fill(rule, "scope", || json!("*")));
    }
    if let Some(Value::Object(config)) = fields.get_mut("clientConfig") {
        config.remove("caBundle");
        if let Some(Value::Object(service)) = config.get_mut("service") {
            fill(service, "port", || json!(443));
        }
    }
    Plain { name: name(webhook).to_owned(), bundle: Bundle::of_webhook(webhook), fields, has_unknown }
}

/// Fills in a field that is missing, as the API server does.
fn fill(fields: &mut Map<String, Value>, name: &str, default: impl FnOnce() -> Value) {
    let value = fields.entry(name).or_insert(Value::Null);
    if value.is_null() {
        *value = default();
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted() -> Value {
        json!({
            "metadata": {"name": "partywall", "labels": {"a": "1"}, "annotations": {"v": "1"}},
            "webhooks": [
                {"name": "a", "clientConfig": {"service": {"namespace": "n", "name": "s", "path": "/a"}},
                 "rules": [{"resources": ["pods"], "scope": "Namespaced"}], "sideEffects": "None",
                 "matchConditions": [{"name": "x", "expression": "true"}, {"name": "y", "expression": "true"}],
                 "namespaceSelector": {"matchExpressions": []}},
                {"name": "b", "clientConfig": {"url": "https://10.0.0.7:8443/b"}, "rules": []},
            ],
        })
    }

    /// The same as an API server returns it.
    fn live() -> Value {
        let mut live = wanted();
        live["metadata"]["resourceVersion"] = json!("7");
        live["metadata"]["labels"]["argocd.argoproj.io/instance"] = json!("x");
        let webhooks = live["webhooks"].as_array_mut().unwrap();
        webhooks.reverse();
        for webhook in webhooks.iter_mut() {
            webhook["failurePolicy"] = json!("Fail");
            webhook["matchPolicy"] = json!("Equivalent");
            webhook["timeoutSeconds"] = json!(10);
            webhook["objectSelector"] = json!({});
            webhook["namespaceSelector"] = json!({});
            webhook["reinvocationPolicy"] = json!("Never");
        }
        webhooks[1]["matchConditions"].as_array_mut().unwrap().reverse();
        webhooks[1]["clientConfig"]["service"]["port"] = json!(443);
        live
    }

    #[test]
    fn defaults_order_and_labels_of_others_are_no_difference() {
        assert_eq!(Live(live()).compare(&wanted()), Difference::None);
        assert_eq!(Live(wanted()).compare(&wanted()), Difference::None);
    }

    #[test]
    fn every_edit_is_a_difference() {
        let edits: [(&str, Value); 14] = [
            ("/metadata/labels/a", json!("2")),
            ("/metadata/annotations", json!({})),
            ("/webhooks/0/failurePolicy", json!("Ignore")),
            ("/webhooks/0/objectSelector", json!({"matchLabels": {"never": "there"}})),
            ("/webhooks/0/namespaceSelector", json!({"matchLabels": {"never": "there"}})),
            ("/webhooks/0/timeoutSeconds", json!(1)),
            ("/webhooks/0/clientConfig/url", json!("https://10.0.0.8:8443/b")),
            ("/webhooks/0/name", json!("c")),
            ("/webhooks/1/matchConditions/0/expression", json!("false")),
            ("/webhooks/1/matchConditions", json!([])),
            ("/webhooks/1/rules/0/resources", json!(["services"])),
            ("/webhooks/1/clientConfig/service/path", json!("/b")),
            ("/webhooks/1/matchPolicy", json!("Exact")),
            ("/webhooks", json!([])),
        ];
        for (pointer, value) in edits {
            let mut edited = live();
            *edited.pointer_mut(pointer).unwrap() = value;
            assert_eq!(Live(edited).compare(&wanted()), Difference::Some, "{pointer}");
        }
        let mut more = live();
        more["webhooks"].as_array_mut().unwrap().push(json!({"name": "c"}));
        assert_eq!(Live(more).compare(&wanted()), Difference::Some);
    }

    #[test]
    fn a_field_of_a_later_release_is_told_apart() {
        let mut later = live();
        later["webhooks"][0]["auditOnly"] = json!(false);
        assert_eq!(Live(later).compare(&wanted()), Difference::Unknown);
    }

    #[test]
    fn a_replacement_keeps_what_others_say_beside_the_webhooks() {
        let mut edited = live();
        edited["webhooks"][0]["objectSelector"] = json!({"matchLabels": {"never": "there"}});
        let replaced = Live(edited).replaced_by(&wanted());
        assert_eq!(replaced["metadata"]["resourceVersion"], "7");
        assert_eq!(replaced["metadata"]["labels"]["argocd.argoproj.io/instance"], "x");
        assert_eq!(Live(replaced).compare(&wanted()), Difference::None);
        let bare = Live(json!({"metadata": {"name": "partywall"}}));
        assert_eq!(Live(bare.replaced_by(&wanted())).compare(&wanted()), Difference::None);
    }

    #[test]
    fn a_webhook_at_another_address_asks_the_same_or_does_not() {
        let (wanted, mut there) = (wanted(), live());
        let [b, a] = there["webhooks"].as_array_mut().unwrap().as_mut_slice() else { panic!() };
        let wanted = |index: usize| &wanted["webhooks"][index];
        assert!(asks_the_same(wanted(0), a) && asks_the_same(wanted(1), b));
        assert!(!asks_the_same(wanted(0), b));
        b["clientConfig"] =
            json!({"service": {"namespace": "proxies", "name": "proxy", "path": "/partywall/b"}});
        b["timeoutSeconds"] = json!(3);
        assert!(asks_the_same(wanted(1), b));
        b["clientConfig"] = json!({"url": "https://10.0.0.8/a?x=/b"});
        assert!(!asks_the_same(wanted(1), b));
        a["failurePolicy"] = json!("Ignore");
        assert!(!asks_the_same(wanted(0), a));
    }

    #[test]
    fn the_target_is_where_the_api_server_connects_to() {
        let of = |config: Value| target(&json!({"clientConfig": config}));
        let service =
            |port: Value| json!({"service": {"namespace": "n", "name": "s", "path": "/a", "port": port}});
        assert_eq!(of(service(json!(443))), of(service(json!(443))));
        assert_ne!(of(service(json!(443))), of(service(json!(444))));
        let url = |url: &str| of(json!({"url": url}));
        assert_eq!(url("https://[::1]:8443/a/b"), Some(json!("https://[::1]:8443")));
        assert_eq!(url("https://[::1]:8443"), Some(json!("https://[::1]:8443")));
        assert_ne!(url("https://a/x"), url("https://b/x"));
        assert_eq!(of(json!({})), None);
    }
}
