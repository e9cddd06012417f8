//! The whole of `admit`, both webhooks, on reviews that stay reviews.

#![no_main]

use std::collections::HashSet;

use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use partywall_core::Entry;
use partywall_core::rule_id::RuleId;
use partywall_core::tenancy::Owner;
use partywall_core::verdict::{Denial, Verdict};
use partywall_fuzz::review::{ask, check_answer, with};
use partywall_fuzz::scheduler::{self, Labels};
use partywall_fuzz::{base, mutation, snapshot};
use serde_json::{Value, json};

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutation::mutate(data, size, max_size, seed, 20)
});

fuzz_target!(|body: &[u8]| {
    // What is no tree is the business of `codec`.
    let Ok(review) = serde_json::from_slice::<Value>(body) else { return };
    let (Some(mutated), Some(validated)) = (ask(Entry::Mutate, &review), ask(Entry::Validate, &review))
    else {
        return;
    };
    check_answer(Entry::Validate, "u", &validated);
    assert_ne!(mutated.denial, Some(Denial::Forbidden), "/mutate denies nothing but what it cannot read");
    // What goes is only read by the validating webhook, which the other is not asked about.
    if review["request"]["operation"] != "DELETE" {
        assert_eq!(mutated.denial.is_some(), matches!(validated.denial, Some(Denial::Undecidable(..))));
    }
    stamp(&review, &mutated);
    confined(&review, &validated);
    same(&review);
    dressed_as_update(&review);
});

/// The stamp adds, is complete after once, and is what the validating webhook looks for.
fn stamp(review: &Value, mutated: &Verdict) {
    let mut stamped = review.clone();
    if let Some(patch) = check_answer(Entry::Mutate, "u", mutated) {
        let object = &mut stamped["request"]["object"];
        // What a DaemonSet records of its stamp may be removed and replaced, and a tenant may write the record.
        let is_recorded = object.pointer("/metadata/annotations/partywall.dev~1stamp").is_some();
        for operation in patch.0 {
            match &operation {
                json_patch::PatchOperation::Add(add) => {
                    let before = object.pointer(add.path.as_str());
                    // An empty name is none.
                    let is_nothing = before.is_none_or(|before| before.is_null() || before == "");
                    assert!(is_nothing || is_recorded, "{operation:?} replaces {before:?}");
                }
                json_patch::PatchOperation::Copy(copy) => {
                    assert!(
                        copy.path.as_str().ends_with("/nodeSelectorTerms/-"),
                        "{operation:?}: a term is copied"
                    );
                }
                _ => assert!(is_recorded, "{operation:?}: K4: it only adds"),
            }
            json_patch::patch(object, &[operation]).expect("K3: every patch applies");
        }
        let again = ask(Entry::Mutate, &stamped).expect("a stamped review is one");
        assert!(
            again.denial.is_none() && again.patch.is_none(),
            "A11: a stamped object is stamped again: {again:?}"
        );
    }
    let request = &stamped["request"];
    let is_stamped = request["kind"]["kind"] == "Pod"
        && request["kind"]["group"].as_str().unwrap_or_default().is_empty()
        && request["operation"] == "CREATE"
        && request["subResource"].as_str().unwrap_or_default().is_empty()
        && request["object"].pointer("/metadata/annotations/kubernetes.io~1config.mirror").is_none();
    let namespace = request["namespace"].as_str().unwrap_or_default();
    let has_pools = matches!(snapshot().owner(namespace), Owner::Tenant(tenant) if !tenant.pools.is_empty());
    if !is_stamped || !has_pools {
        return;
    }
    let verdict = ask(Entry::Validate, &stamped).expect("a stamped review is one");
    for violation in verdict.violations.iter().filter(|violation| violation.rule == RuleId::NodePlacement) {
        // What the user wrote and the stamp leaves to be denied.
        let is_the_users = violation.message.contains("could run on none of the tenant's pools")
            || violation.field == "spec.nodeName";
        assert!(is_the_users, "the stamp should have mended {violation:?}");
    }
}

/// A1: no node outside its tenant's pools has the labels that an allowed pod asks for.
fn confined(review: &Value, validated: &Verdict) {
    let request = &review["request"];
    let namespace = request["namespace"].as_str().unwrap_or_default();
    let Owner::Tenant(tenant) = snapshot().owner(namespace) else { return };
    let is_a_pod = request["kind"]["kind"] == "Pod"
        && request["kind"]["group"].as_str().unwrap_or_default().is_empty()
        && request["subResource"].as_str().unwrap_or_default().is_empty()
        && request["operation"] == "CREATE";
    let is_a_kubelets =
        request["object"].pointer("/metadata/annotations/kubernetes.io~1config.mirror").is_some();
    if !is_a_pod || is_a_kubelets || tenant.pools.is_empty() || !validated.is_allowed() {
        return;
    }
    let own: Vec<&str> = snapshot().pools_of(tenant).map(|pool| &*pool.name).collect();
    let foreign = snapshot().pools().iter().filter(|pool| !own.contains(&&*pool.name));
    let nodes = foreign.map(|pool| pool.labels.iter().map(|(key, value)| (&**key, &**value)).collect());
    for node in nodes.chain([Labels::new()]) {
        assert!(
            !scheduler::fits(&request["object"]["spec"], &node),
            "an allowed pod fits a node with {node:?}"
        );
    }
}

/// J10, J11: an object that stays as it is may stay, and may lose its finalizers while it is deleted.
fn same(review: &Value) {
    let object = &review["request"]["object"];
    // A binding is created and never changed. Names are one container's each, or the API server would have refused
    // the object; which of two is looked at is not specified.
    if review["request"]["kind"]["kind"] == "Binding" || !are_names_unique(object) {
        return;
    }
    let mut ending = object.clone();
    if let Some(metadata) = ending.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("finalizers");
        metadata.insert("deletionTimestamp".to_owned(), json!("2026-11-20T00:00:00Z"));
    }
    for new in [object, &ending] {
        let verdict = ask(Entry::Validate, &with(review, "UPDATE", new, object)).expect("still a review");
        let is_left_alone = match verdict.denial {
            Some(Denial::Undecidable(..)) => true,
            Some(Denial::Forbidden) => false,
            None => verdict.totals.is_empty(),
        };
        assert!(is_left_alone, "J10, J11: nothing got worse: {:?}", verdict.violations);
    }
}

fn are_names_unique(value: &Value) -> bool {
    fn collect<'v>(value: &'v Value, names: &mut Vec<&'v Value>) {
        match value {
            Value::Object(fields) => {
                for (key, value) in fields {
                    if ["containers", "initContainers", "ephemeralContainers"].contains(&key.as_str()) {
                        // An absent name is the same as an empty one and as null.
                        names.extend(value.as_array().into_iter().flatten().map(|container| {
                            let name = &container["name"];
                            if name == "" { &Value::Null } else { name }
                        }));
                    }
                    collect(value, names);
                }
            }
            Value::Array(items) => items.iter().for_each(|item| collect(item, names)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    let mut names = Vec::new();
    collect(value, &mut names);
    let mut seen = HashSet::new();
    names.iter().all(|name| seen.insert(name.to_string()))
}

/// J9: what may not be created may not be arrived at from something harmless either.
fn dressed_as_update(review: &Value) {
    let request = &review["request"];
    let created = ask(Entry::Validate, &with(review, "CREATE", &request["object"], &Value::Null));
    if created.is_none_or(|verdict| verdict.is_allowed()) {
        return;
    }
    let bases = [base::harmless(review), Some(request["oldObject"].clone())];
    for old in bases.into_iter().flatten().filter(|old| !old.is_null() && is_clean(review, old)) {
        let updated =
            ask(Entry::Validate, &with(review, "UPDATE", &request["object"], &old)).expect("still a review");
        assert!(!updated.is_allowed(), "denied when it is created, allowed as an update of {old}");
    }
}

/// Whether an object violates nothing, and needs no exemption for it.
fn is_clean(review: &Value, object: &Value) -> bool {
    ask(Entry::Validate, &with(review, "UPDATE", object, &Value::Null)).is_some_and(|verdict| {
        verdict.is_allowed() && verdict.totals.is_empty() && verdict.exempted.is_empty()
    })
}
