//! Compares both webhook configurations with what the objects of partywall demand.
//!
//! What is compared is what the API server acts on: each field of each entry, but the CAs, which have a check of their
//! own. Managed control planes and other tools rewrite webhook configurations, and then fewer requests are judged.

use std::collections::BTreeSet;

use partywall_core::registration::{Lists, OWN_OBJECTS, Registration, Server};
use serde_json::Value;

use super::finding::{Look, Outcome, some_of};
use super::seen::Policies;
use super::webhooks::{self, PAUSED, WRITER, server};
use crate::cluster::installation::CONFIGURATIONS;

const CURE: &str = "a replica that registers puts it back within seconds, so see `replicas` here and the log; if the \
                    configurations are your own (`--registration=external`), apply them anew";

/// What the check needs.
pub(super) struct Given<'g> {
    pub(super) mutating: &'g Look<Option<Value>>,
    pub(super) validating: &'g Look<Option<Value>>,
    pub(super) policies: &'g Look<Policies>,
    /// The namespace of partywall.
    pub(super) namespace: &'g str,
    /// The version of this program.
    pub(super) version: &'g str,
}

pub(super) fn check(given: &Given<'_>) -> Outcome {
    let Given { mutating, validating, policies, namespace, version } = given;
    let mut outcome = Outcome::default();
    let both = [("MutatingWebhookConfiguration", mutating), ("ValidatingWebhookConfiguration", validating)];
    let mut found = Vec::new();
    for (kind, look) in both {
        let object = format!("{kind} {}", CONFIGURATIONS);
        match outcome.look(look) {
            Some(Some(configuration)) => found.push((object, configuration)),
            Some(None) => {
                let cause = "it is not there, so the API server does not ask partywall";
                outcome.find(
                    object,
                    cause,
                    "a replica that registers creates it; see `replicas` here and the log",
                );
            }
            None => {}
        }
    }
    for (object, configuration) in &found {
        if webhooks::annotation(configuration, PAUSED.0) == Some(PAUSED.1) {
            let cause =
                format!("somebody paused the registration (`{}: {}`): nothing mends it", PAUSED.0, PAUSED.1);
            let cure = format!(
                "once the reason is gone, remove the annotation: `kubectl annotate {} {}-`",
                object.to_lowercase(),
                PAUSED.0
            );
            outcome.find(object.clone(), cause, cure);
        }
        if let Some(writer) = webhooks::annotation(configuration, WRITER)
            && writer != *version
        {
            let cause = format!("version {writer} of partywall wrote it, and this program is {version}");
            let cure = "ask the `partywall doctor` of that version, since entries may differ between versions; or let \
                        the rollout end";
            outcome.find(object.clone(), cause, cure);
        }
    }
    let Some(policies) = outcome.look(policies) else { return outcome };
    let Some(server) = found.iter().find_map(|(_, configuration)| server(configuration)) else {
        return outcome;
    };
    if let Server::Service { namespace: other, name, .. } = &server
        && other != namespace
    {
        let object = found.first().map(|(object, _)| object.clone()).unwrap_or_default();
        let cause =
            format!("it names the Service `{other}/{name}`, and this program looked in `{namespace}`");
        outcome.find(object, cause, format!("if partywall runs there, name it: `--namespace {other}`"));
    }
    // Those that nobody keeps up to date have no lists of what the policies name.
    let is_kept =
        found.iter().any(|(_, configuration)| webhooks::annotation(configuration, WRITER).is_some());
    let meant = Registration {
        own_objects: true,
        lists: is_kept.then(|| Lists::of(&policies.snapshot)),
        ..Registration::of(&policies.snapshot, server, None)
    };
    for (object, configuration) in &found {
        let is_mutating = object.starts_with("Mutating");
        let meant = if is_mutating { meant.mutating() } else { meant.validating() };
        match serde_json::to_value(&meant) {
            Ok(meant) => compare(object, &meant, configuration, &mut outcome),
            Err(error) => {
                outcome.find(object.clone(), error.to_string(), "this is a bug of partywall; report it")
            }
        }
    }
    outcome
}

/// Compares a configuration: its labels and annotations, and its entries by their names.
fn compare(object: &str, meant: &Value, live: &Value, outcome: &mut Outcome) {
    for field in ["labels", "annotations"] {
        let of = |of: &Value| of.pointer(&format!("/metadata/{field}")).and_then(Value::as_object).cloned();
        let (meant, live) = (of(meant).unwrap_or_default(), of(live).unwrap_or_default());
        let differing: Vec<&str> = meant
            .iter()
            .filter(|(key, value)| live.get(*key) != Some(value))
            .map(|(key, _)| key.as_str())
            .collect();
        if !differing.is_empty() {
            let cause = format!("its {field} {} are not as they should be", some_of(differing));
            outcome.find(object, cause, CURE);
        }
    }
    let (meant, live) = (webhooks::entries(meant), webhooks::entries(live));
    let names = |entries: &[&Value]| -> BTreeSet<String> {
        entries.iter().map(|entry| webhooks::name(entry).to_owned()).collect()
    };
    let (meant_names, live_names) = (names(&meant), names(&live));
    let listed = |names: &BTreeSet<String>| some_of(names.iter().map(String::as_str));
    let lacking: BTreeSet<String> = meant_names.difference(&live_names).cloned().collect();
    if !lacking.is_empty() {
        let is_unarmed = live_names.iter().all(|name| name == OWN_OBJECTS);
        let cause = if is_unarmed {
            "it has no entry but that for partywall's own objects, so nothing of tenants is judged: no replica is sure \
             yet that the API server reaches it, or somebody took partywall away"
                .to_owned()
        } else {
            format!("it lacks {}: what these send is not judged", listed(&lacking))
        };
        let cure = if is_unarmed { "see `entries` here, and the log of the replicas" } else { CURE };
        outcome.find(object, cause, cure);
    }
    let more: BTreeSet<String> = live_names.difference(&meant_names).cloned().collect();
    if !more.is_empty() {
        let cause = format!("it has {}, of which this version knows nothing", listed(&more));
        outcome.find(object, cause, CURE);
    }
    for meant in meant {
        let name = webhooks::name(meant);
        let Some(live) = live.iter().find(|entry| webhooks::name(entry) == name) else { continue };
        let differing = differing(meant, live);
        if !differing.is_empty() {
            let cause = format!("its entry `{name}` is not as it should be: {}", differing.join("; "));
            outcome.find(object, cause, CURE);
        }
    }
}

/// Returns the fields in which an entry differs, each with both values.
fn differing(meant: &Value, live: &Value) -> Vec<String> {
    /// The longest value that is quoted.
    const LONGEST: usize = 200;
    let fields = |entry: &Value| entry.as_object().cloned().unwrap_or_default();
    let (meant, live) = (fields(meant), fields(live));
    let names: BTreeSet<&String> = meant.keys().chain(live.keys()).collect();
    let value = |value: Option<&Value>| match value.map(without_bundle) {
        // The API server writes `{}` for what is absent.
        None | Some(Value::Null) => None,
        Some(Value::Object(fields)) if fields.is_empty() => None,
        Some(Value::Array(items)) if items.is_empty() => None,
        Some(value) => Some(value),
    };
    let quoted = |value: Option<Value>| match value.map(|value| value.to_string()) {
        None => "absent".to_owned(),
        Some(text) if text.chars().count() > LONGEST => {
            format!("`{}...`", text.chars().take(LONGEST).collect::<String>())
        }
        Some(text) => format!("`{text}`"),
    };
    let differs = |name: &&String| {
        let (meant, live) = (value(meant.get(*name)), value(live.get(*name)));
        (meant != live).then(|| format!("{name} is {}, and should be {}", quoted(live), quoted(meant)))
    };
    names.iter().filter_map(differs).collect()
}

/// Returns a field of an entry; of its `clientConfig` all but the CAs.
fn without_bundle(value: &Value) -> Value {
    let mut value = value.clone();
    if let Some(fields) = value.as_object_mut() {
        fields.remove("caBundle");
    }
    value
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::cluster::doctor::finding::NotLookedAt;
    use crate::cluster::doctor::policies::tests::compiled;

    const POLICIES: &str =
        "{apiVersion: partywall.dev/v1alpha1, kind: Tenant, metadata: {name: a}, spec: {namespaces: [a]}}";

    /// Returns what is meant, as the API server stores it.
    fn stored() -> (Value, Value) {
        let policies = compiled(POLICIES).ok().unwrap();
        let server = Server::Url("https://10.0.0.7:8443".to_owned());
        let lists = Some(Lists::of(&policies.snapshot));
        let meant =
            Registration { own_objects: true, lists, ..Registration::of(&policies.snapshot, server, None) };
        let stored = |configuration| {
            let mut stored = serde_json::to_value(configuration).unwrap();
            for entry in stored["webhooks"].as_array_mut().unwrap() {
                let entry = entry.as_object_mut().unwrap();
                entry["clientConfig"]["caBundle"] = json!("QQ==");
                entry.entry("objectSelector").or_insert_with(|| json!({}));
                entry.entry("namespaceSelector").or_insert_with(|| json!({}));
            }
            stored["metadata"]["annotations"][WRITER] = json!("1.0.0");
            stored
        };
        (stored(meant.mutating()), stored(meant.validating()))
    }

    fn found(mutating: Option<Value>, validating: Option<Value>) -> Vec<String> {
        let outcome = check(&Given {
            mutating: &Ok(mutating),
            validating: &Ok(validating),
            policies: &compiled(POLICIES),
            namespace: "partywall-system",
            version: "1.0.0",
        });
        assert!(outcome.not_looked_at.is_empty());
        outcome.findings.into_iter().map(|finding| format!("{}: {}", finding.object, finding.cause)).collect()
    }

    #[test]
    fn what_is_stored_as_meant_is_fine() {
        let (mutating, validating) = stored();
        assert_eq!(found(Some(mutating), Some(validating)), [""; 0]);
    }

    #[test]
    fn what_is_printed_and_owned_by_others_is_fine_too() {
        let policies = compiled(POLICIES).ok().unwrap();
        let server = Server::Url("https://10.0.0.7:8443".to_owned());
        let printed =
            Registration { own_objects: true, ..Registration::of(&policies.snapshot, server, None) };
        let [mutating, validating] =
            [printed.mutating(), printed.validating()].map(|one| serde_json::to_value(one).ok());
        assert_eq!(found(mutating, validating), [""; 0]);
    }

    #[test]
    fn what_is_missing_is_found() {
        let (mutating, mut validating) = stored();
        let gone = found(None, Some(validating.clone()));
        assert_eq!(gone.len(), 1);
        assert!(gone[0].starts_with("MutatingWebhookConfiguration partywall: it is not there"), "{gone:?}");
        let entries = validating["webhooks"].as_array_mut().unwrap();
        entries.retain(|entry| entry["name"] != "pods.partywall.dev");
        let lacking = found(Some(mutating.clone()), Some(validating.clone()));
        assert!(lacking[0].contains("it lacks `pods.partywall.dev`"), "{lacking:?}");
        validating["webhooks"].as_array_mut().unwrap().retain(|entry| entry["name"] == OWN_OBJECTS);
        let unarmed = found(Some(mutating), Some(validating));
        assert!(unarmed[0].contains("it has no entry but that for partywall's own objects"), "{unarmed:?}");
    }

    #[test]
    fn what_somebody_changed_is_found_by_its_field() {
        type Change = fn(&mut Value);
        let (mutating, validating) = stored();
        let cases: [(Change, &str); 5] = [
            (
                |entry| entry["failurePolicy"] = json!("Ignore"),
                "failurePolicy is `\"Ignore\"`, and should be `\"Fail\"`",
            ),
            (|entry| entry["rules"] = json!([]), "rules is absent, and should be"),
            (
                |entry| {
                    let more = json!({"key": "control-plane", "operator": "DoesNotExist"});
                    entry["namespaceSelector"]["matchExpressions"].as_array_mut().unwrap().push(more);
                },
                "namespaceSelector is",
            ),
            (
                |entry| entry["objectSelector"] = json!({"matchLabels": {"judge": "me"}}),
                "objectSelector is `{\"matchLabels\":{\"judge\":\"me\"}}`, and should be absent",
            ),
            (|entry| entry["clientConfig"]["url"] = json!("https://elsewhere"), "clientConfig is"),
        ];
        for (change, says) in cases {
            let mut changed = validating.clone();
            let entries = changed["webhooks"].as_array_mut().unwrap();
            change(entries.iter_mut().find(|entry| entry["name"] == "services.partywall.dev").unwrap());
            let found = found(Some(mutating.clone()), Some(changed));
            assert_eq!(found.len(), 1, "{found:?}");
            assert!(
                found[0].contains("`services.partywall.dev` is not as it should be")
                    && found[0].contains(says),
                "{found:?}"
            );
        }
        let mut more = validating;
        let mut entry = more["webhooks"][0].clone();
        entry["name"] = json!("later.partywall.dev");
        more["webhooks"].as_array_mut().unwrap().push(entry);
        let found = found(Some(mutating), Some(more));
        assert!(
            found[0].contains("it has `later.partywall.dev`, of which this version knows nothing"),
            "{found:?}"
        );
    }

    #[test]
    fn a_pause_and_another_version_are_found() {
        let (mut mutating, mut validating) = stored();
        mutating["metadata"]["annotations"][PAUSED.0] = json!(PAUSED.1);
        validating["metadata"]["annotations"][WRITER] = json!("1.1.0");
        let found = found(Some(mutating), Some(validating));
        assert_eq!(found.len(), 2);
        assert!(found[0].contains("somebody paused the registration"), "{found:?}");
        assert!(
            found[1].contains("version 1.1.0 of partywall wrote it, and this program is 1.0.0"),
            "{found:?}"
        );
    }

    #[test]
    fn what_was_not_read_is_not_fine() {
        let forbidden = NotLookedAt { what: "webhooks".to_owned(), why: "forbidden".to_owned() };
        let outcome = check(&Given {
            mutating: &Err(forbidden.clone()),
            validating: &Err(forbidden.clone()),
            policies: &compiled(POLICIES),
            namespace: "partywall-system",
            version: "1.0.0",
        });
        assert_eq!((outcome.findings.len(), outcome.not_looked_at), (0, vec![forbidden]));
    }
}
