//! Tests properties of random pods at every version.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use partywall_core::api::Level;
use partywall_core::rules::controls;
use partywall_core::tenancy::Snapshot;
use partywall_core::verdict::{Verdict, Violation};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Value, json};

use super::any_pod::{LISTS, any_pod, container};
use super::{STANDARDS, Standard, Version, compile, controls_in, insert, judge, tenants};
use crate::support::{create, update, validate};

/// A level and a version, and whether every node has user namespaces.
#[derive(Clone, Copy, Debug)]
struct At {
    standard: &'static Standard,
    user_namespaces: bool,
}

/// One of the two levels at any version, and often at a late one, where most is different from what was before.
fn any_standard() -> impl Strategy<Value = At> {
    let some = |first: Version| {
        let fits = move |s: &&Standard| s.level != Level::Privileged && s.version >= first;
        select(STANDARDS.iter().filter(fits).collect::<Vec<_>>())
    };
    (prop_oneof![some(Version::Minor(0)), some(Version::Minor(34))], any::<bool>())
        .prop_map(|(standard, user_namespaces)| At { standard, user_namespaces })
}

impl At {
    fn with_level(self, level: Level) -> Self {
        let of = |other: &&Standard| other.level == level && other.version == self.standard.version;
        Self { standard: STANDARDS.iter().find(of).unwrap(), ..self }
    }

    /// Returns the violations of a review.
    fn violations(self, review: &Value) -> Vec<Violation> {
        let mut violations = Vec::new();
        judge(review, [self.standard], tenants(self.user_namespaces), |_, verdict| {
            assert_eq!(verdict.more(), 0, "a pod this small is reported in full");
            violations.clone_from(&verdict.violations);
        });
        violations
    }

    fn controls(self, pod: &Value) -> BTreeSet<&'static str> {
        let violations = self.violations(&create(pod.clone()));
        controls_in(&Verdict { violations, ..Verdict::default() })
    }
}

/// Every violation in words that name its container, whatever list that is in, so that one cannot hide behind another
/// of the same control.
fn in_words(violations: &[Violation]) -> Vec<(&str, &str)> {
    // The advice for `kubectl debug` is about ephemeral containers alone.
    let without_advice = |message: &'_ str| message.find("; with `kubectl debug`").unwrap_or(message.len());
    let mut words: Vec<_> = violations
        .iter()
        .map(|violation| {
            (violation.control.unwrap(), &violation.message[..without_advice(&violation.message)])
        })
        .collect();
    words.sort_unstable();
    words
}

/// Returns the control of `restricted` that covers a control of `baseline`.
fn successor(control: &str) -> Option<&'static str> {
    Some(controls().iter().find(|other| other.id == control)?.successor()?.id)
}

/// Returns whether `restricted` has no control left since 1.25 for what `control` denies at `baseline`: the
/// successor lets Windows pods off.
fn is_let_off(pod: &Value, control: &str, at: At) -> bool {
    pod["spec"]["os"]["name"] == "windows"
        && at.standard.version >= Version::Minor(25)
        && matches!(control, "capabilities_baseline" | "seccompProfile_baseline")
}

/// The pod with the container at `from` of all its containers in another list; none: it has no containers.
fn moved(pod: &Value, from: Index, to: &str, index: usize) -> Option<Value> {
    let mut pod = pod.clone();
    let spec = &mut pod["spec"];
    let places = LISTS.iter().flat_map(|list| {
        let containers = spec[list].as_array().map_or(0, Vec::len);
        (0..containers).map(move |index| (*list, index))
    });
    let places: Vec<_> = places.collect();
    let (list, at) = *places.get(from.index(places.len().max(1)))?;
    let container = spec[list].as_array_mut().unwrap().remove(at);
    insert(spec, to, index, container);
    Some(pod)
}

/// The pod as the template of some kind, and where the pod's fields lie in it.
fn wrapped(pod: &Value, kind: usize) -> (Value, &'static str) {
    let template = json!({"metadata": pod["metadata"], "spec": pod["spec"]});
    let of = |api_version: &str, kind: &str, (field, value): (&str, Value)| {
        let metadata = json!({"name": "app"});
        json!({"apiVersion": api_version, "kind": kind, "metadata": metadata, field: value})
    };
    let in_spec = json!({"template": template});
    match kind {
        0 => (of("apps/v1", "Deployment", ("spec", in_spec)), "spec.template."),
        1 => (of("batch/v1", "Job", ("spec", in_spec)), "spec.template."),
        2 => {
            let job = json!({"jobTemplate": {"spec": in_spec}});
            (of("batch/v1", "CronJob", ("spec", job)), "spec.jobTemplate.spec.template.")
        }
        _ => (of("v1", "PodTemplate", ("template", template)), "template."),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn privileged_denies_nothing(pod in any_pod(), at in any_standard()) {
        prop_assert_eq!(at.with_level(Level::Privileged).violations(&create(pod)), []);
    }

    /// More than that a denied pod stays denied: what `baseline` denies it for, `restricted` denies it for, under its
    /// own name or its successor's.
    #[test]
    fn restricted_is_never_milder_than_baseline(pod in any_pod(), at in any_standard()) {
        let restricted = at.with_level(Level::Restricted).controls(&pod);
        for control in at.with_level(Level::Baseline).controls(&pod) {
            let is_denied = restricted.contains(control)
                || successor(control).is_some_and(|successor| restricted.contains(successor));
            prop_assert!(is_denied || is_let_off(&pod, control, at), "{} of {:?}", control, restricted);
        }
    }

    #[test]
    fn another_container_makes_nothing_allowed(
        pod in any_pod(),
        mut added in container(),
        list in select(LISTS.to_vec()),
        index in 0usize..3,
        at in any_standard(),
    ) {
        added["name"] = json!("added");
        let mut larger = pod.clone();
        insert(&mut larger["spec"], list, index, added);
        let (before, after) = (at.violations(&create(pod)), at.violations(&create(larger)));
        let mut after = in_words(&after);
        for violation in in_words(&before) {
            let found = after.iter().position(|other| *other == violation);
            prop_assert!(found.is_some(), "{:?} is gone", violation);
            after.remove(found.unwrap());
        }
    }

    #[test]
    fn e2_the_list_a_container_is_in_changes_nothing(
        pod in any_pod(),
        from in any::<Index>(),
        to in select(LISTS.to_vec()),
        index in 0usize..3,
        at in any_standard(),
    ) {
        if let Some(moved) = moved(&pod, from, to, index) {
            let (before, after) = (at.violations(&create(pod)), at.violations(&create(moved)));
            prop_assert_eq!(in_words(&before), in_words(&after));
        }
    }

    #[test]
    fn d3_a_template_is_denied_for_what_its_pods_are(pod in any_pod(), kind in 0usize..4, at in any_standard()) {
        let (template, prefix) = wrapped(&pod, kind);
        let mut expected = at.violations(&create(pod));
        expected.iter_mut().for_each(|violation| violation.field.insert_str(0, prefix));
        prop_assert_eq!(at.violations(&create(template)), expected);
    }

    #[test]
    fn the_answer_in_bytes_names_what_was_found(pod in any_pod(), at in any_standard()) {
        let mut review = create(pod);
        let found = at.violations(&review);
        review["request"]["namespace"] = json!(at.standard.namespace);
        let answer = validate(&review, tenants(at.user_namespaces));
        prop_assert_eq!(answer.is_allowed(), found.is_empty());
        let causes: Vec<_> = found.iter().map(|violation| format!("pod-security {}", violation.field)).collect();
        prop_assert_eq!(answer.causes(), causes);
    }

    /// Another image has the pod judged in full, whatever it violated before; and a snapshot compiled anew, as after
    /// a restart or a reload, says the same in the same order.
    #[test]
    fn e17_judging_again_finds_the_same(pod in any_pod(), at in any_standard()) {
        static AGAIN: [LazyLock<Snapshot>; 2] = [LazyLock::new(|| compile(false)), LazyLock::new(|| compile(true))];
        let first = at.violations(&create(pod.clone()));
        judge(&create(pod.clone()), [at.standard], &AGAIN[usize::from(at.user_namespaces)], |_, verdict| {
            assert_eq!(verdict.violations, first);
        });
        let mut old = pod.clone();
        let lists = old["spec"].as_object_mut().unwrap().iter_mut().filter(|(name, _)| LISTS.contains(&&***name));
        for container in lists.filter_map(|(_, list)| list.as_array_mut()).flatten() {
            container["image"] = json!("registry.example.com/app:0");
        }
        if old != pod {
            prop_assert_eq!(at.violations(&update(create(pod), old)), first);
        }
    }
}
