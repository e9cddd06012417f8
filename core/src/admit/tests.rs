//! Holds decisions to their budget: rules that work too much are planted, and exhaust it.

use std::collections::BTreeMap;

use jiff::civil::date;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

use super::*;
use crate::api::{Located, NodePoolSpec, Object as Written, Source, Spec, TenantSpec};
use crate::judging::Findings;
use crate::rule_id::RuleId;
use crate::rules::planted;

/// The size of the objects at which a quadratic rule must be noticed.
const BYTES: usize = 256 << 10;

fn snapshot() -> Snapshot {
    Snapshot::compile(Vec::new(), date(2026, 12, 1)).unwrap().snapshot
}

/// Returns a pod of [`BYTES`] that tolerates very many taints, and has as many annotations.
fn pod(note: &str) -> Value {
    let tolerations = 3_000;
    let annotations = BYTES / 2 / 32;
    let annotations: serde_json::Map<_, _> =
        (0..annotations).map(|i| (format!("note-{i:06}"), json!("a short value"))).collect();
    json!({
        "kind": "Pod",
        "metadata": {"name": "p", "labels": {"note": note}, "annotations": annotations},
        "spec": {
            "tolerations": (0..tolerations)
                .map(|i| json!({"key": format!("k{i}"), "operator": "Exists"})).collect::<Vec<_>>(),
            "containers": [{"name": "app", "image": "registry.example.com/app:1", "securityContext": {
                "capabilities": {"add": (0..1_000).map(|i| format!("C{i}")).collect::<Vec<_>>()}}}],
        },
    })
}

fn review(operation: &str, new: &Value, old: &Value) -> Vec<u8> {
    let body = json!({
        "kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1",
        "request": {
            "uid": "u-1", "kind": {"group": "", "version": "v1", "kind": "Pod"},
            "resource": {"group": "", "version": "v1", "resource": "pods"},
            "name": "p", "namespace": "default", "operation": operation,
            "userInfo": {"username": "jane", "groups": ["system:authenticated"]},
            "object": new, "oldObject": old,
        },
    });
    body.to_string().into_bytes()
}

fn denial(body: &[u8]) -> Option<Denial> {
    answer(Entry::Validate, body, &snapshot()).unwrap().verdict.denial
}

/// Compares each toleration with each other, and forgets that a pod can have very many.
fn over_tolerations(rule: RuleId, subject: &Subject<'_, '_>, _: &mut Findings<'_>) {
    let Some(pod) = subject.pod().filter(|_| rule == RuleId::Tolerations) else { return };
    let mut same = 0;
    for one in pod.spec.tolerations() {
        same += pod.spec.tolerations().iter().filter(|other| other.key == one.key).count();
    }
    assert!(same > 0 || pod.spec.tolerations().is_empty());
}

/// Looks through all annotations for each toleration.
fn over_annotations(rule: RuleId, subject: &Subject<'_, '_>, _: &mut Findings<'_>) {
    let Some(pod) = subject.pod().filter(|_| rule == RuleId::Tolerations) else { return };
    for toleration in pod.spec.tolerations() {
        let annotations = &pod.metadata.annotations;
        assert!(annotations.iter().all(|(key, _)| *key != *toleration.key));
    }
}

/// Reports each pair of capabilities.
fn over_findings(rule: RuleId, subject: &Subject<'_, '_>, findings: &mut Findings<'_>) {
    let Some(pod) = subject.pod().filter(|_| rule == RuleId::Tolerations) else { return };
    for placed in pod.spec.containers() {
        let added =
            placed.container.security_context.capabilities.as_ref().map(|capabilities| &capabilities.add);
        let added = added.map_or(&[][..], |added| added);
        for one in added {
            for other in added {
                findings.add_whole(&"spec", &"a pair", &format_args!("{one} {other}"));
            }
        }
    }
}

#[test]
fn o2_l13_a_quadratic_rule_exhausts_the_budget_at_256_kb() {
    let create = review("CREATE", &pod("a"), &Value::Null);
    assert!(create.len() < BYTES + BYTES / 8, "{}", create.len());
    assert_eq!(denial(&create), None, "without a planted rule");
    for (name, rule) in [
        ("tolerations", over_tolerations as fn(RuleId, &Subject<'_, '_>, &mut Findings<'_>)),
        ("annotations", over_annotations),
        ("findings", over_findings),
    ] {
        let denial = planted::with(rule, || denial(&create));
        let Some(Denial::Undecidable(Undecidable::Exhausted, explanation)) = denial else {
            panic!("{name}: {denial:?}");
        };
        assert!(explanation.message.contains("takes more work than any object should"), "{name}");
        assert_eq!(explanation.message, explanation.loggable);
    }
    assert_eq!((Undecidable::Exhausted.code(), Undecidable::Exhausted.reason()), (500, "InternalError"));
}

#[test]
fn o2_an_exhausted_budget_stops_no_update_that_changes_nothing() {
    let old = pod("a");
    let mut finalized = old.clone();
    finalized["metadata"]["finalizers"] = json!([]);
    let mut annotated = old.clone();
    annotated["metadata"]["annotations"]["note-000000"] = json!("another value");
    let mut changed = old.clone();
    changed["spec"]["tolerations"][0]["key"] = json!("k");
    planted::with(over_tolerations, || {
        assert_eq!(denial(&review("UPDATE", &old, &old)), None);
        assert_eq!(denial(&review("UPDATE", &finalized, &old)), None);
        let labelled = pod("another label");
        for new in [&annotated, &changed, &labelled] {
            let denial = denial(&review("UPDATE", new, &old));
            assert!(matches!(denial, Some(Denial::Undecidable(Undecidable::Exhausted, _))), "{denial:?}");
        }
    });
}

#[test]
fn o2_every_decision_has_a_budget_of_its_own() {
    let create = review("CREATE", &pod("a"), &Value::Null);
    let exhausted = planted::with(over_tolerations, || denial(&create));
    assert!(exhausted.is_some());
    assert_eq!(denial(&create), None, "the next one begins anew");
}

/// Returns the policies of a tenant with so many pools, and of another with three more.
fn policies(pools: usize) -> Snapshot {
    let pool = |place: usize| {
        let labels = json!({"pool": format!("p{place}")});
        let taints = json!([{"key": "pool", "value": format!("p{place}"), "effect": "NoSchedule"}]);
        let spec: NodePoolSpec =
            serde_json::from_value(json!({"nodeSelector": labels, "taints": taints})).unwrap();
        (format!("p{place}"), Spec::from(spec))
    };
    let tenant = |name: &str, pools: std::ops::Range<usize>| {
        let names: Vec<_> = pools.map(|place| format!("p{place}")).collect();
        let spec = json!({
            "namespaces": [name], "nodePools": {"default": names.first(), "allowed": names},
            "podSecurity": {"level": "privileged"},
        });
        (name.to_owned(), Spec::from(serde_json::from_value::<TenantSpec>(spec).unwrap()))
    };
    let objects = (0..pools + 3).map(pool).chain([tenant("t", 0..pools), tenant("u", pools..pools + 3)]);
    let objects = objects
        .map(|(name, spec)| Located { source: Source::file("test"), object: Written::new(name, spec) });
    Snapshot::compile(objects.collect(), date(2026, 12, 1)).unwrap().snapshot
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    /// A tenant with many pools has an index of their taints, which decides as a look at every pool does.
    #[test]
    fn o2_a_tenant_with_many_pools_is_judged_and_stamped_as_one_with_few(
        pools in 9_usize..14,
        selector in vec((select(&["pool", "zone"][..]), select(&["x", "p1", "p3"][..])), 0..2),
        tolerations in vec((select(&["", "pool", "other"][..]), select(&["", "p1", "p2", "p15"][..])), 0..3),
        is_update in any::<bool>(),
    ) {
        let (indexed, plain) = (policies(pools), policies(pools).without_tenants_indices());
        let tolerations: Vec<_> = tolerations.iter().map(|(key, value)| json!({"key": key, "value": value})).collect();
        let pod = json!({
            "kind": "Pod", "metadata": {"name": "p"},
            "spec": {
                "nodeSelector": selector.into_iter().collect::<BTreeMap<_, _>>(),
                "tolerations": tolerations, "containers": [{"name": "a"}],
            },
        });
        let old = json!({"kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": [{"name": "a"}]}});
        let (operation, old) = if is_update { ("UPDATE", old) } else { ("CREATE", Value::Null) };
        let body = review(operation, &pod, &old);
        let body = String::from_utf8(body).unwrap().replace(r#""namespace":"default""#, r#""namespace":"t""#);
        for entry in [Entry::Mutate, Entry::Validate] {
            let verdict = |snapshot| answer(entry, body.as_bytes(), snapshot).unwrap().verdict;
            let (indexed, plain) = (verdict(&indexed), verdict(&plain));
            prop_assert_eq!(indexed.patch, plain.patch);
            prop_assert_eq!(indexed.violations, plain.violations);
        }
    }
}

/// Returns what is decided about a pod in a namespace of a cluster with these tenants.
fn in_cluster(tenants: &[(&str, Value)], entry: Entry, namespace: &str, operation: &str) -> Verdict {
    use crate::tenancy::{LastGood, Live, LiveObject, ObjectName};
    let objects: Vec<LiveObject> = tenants
        .iter()
        .map(|(name, spec)| {
            let spec: TenantSpec = serde_json::from_value(spec.clone()).unwrap();
            LiveObject {
                name: ObjectName { kind: "Tenant", name: (*name).to_owned() },
                object: Some(Written::new(*name, spec)),
                flaws: Vec::new(),
            }
        })
        .collect();
    let live = Live {
        objects: &objects,
        last_good: &LastGood::default(),
        labelled: &BTreeMap::new(),
        own_namespace: None,
    };
    let snapshot = Snapshot::compile_live(live, date(2026, 12, 1)).unwrap().snapshot;
    let pod = json!({"kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": [{
        "name": "a", "image": "registry.example.com/app:1",
        "securityContext": {
            "allowPrivilegeEscalation": false, "runAsNonRoot": true, "capabilities": {"drop": ["ALL"]},
            "seccompProfile": {"type": "RuntimeDefault"},
        },
    }]}});
    let body = String::from_utf8(review(operation, &pod, &pod)).unwrap();
    let body = body.replace(r#""namespace":"default""#, &format!(r#""namespace":"{namespace}""#));
    answer(entry, body.as_bytes(), &snapshot).unwrap().verdict
}

#[test]
fn nothing_is_written_in_a_namespace_that_two_tenants_claim_and_what_runs_may_end() {
    let tenants = [
        ("a", json!({"namespaces": ["a", "shared"]})),
        ("b", json!({"namespaces": ["b", "shared"], "enforcement": "Audit"})),
    ];
    let decide = |entry, namespace, operation| in_cluster(&tenants, entry, namespace, operation);
    for entry in [Entry::ValidateTenants, Entry::Validate, Entry::MutateTenants, Entry::ValidateElsewhere] {
        let Some(Denial::Undecidable(Undecidable::NoTenant, why)) = decide(entry, "shared", "CREATE").denial
        else {
            panic!("{entry:?} should deny");
        };
        assert!(why.message.contains("is claimed by more than one object"), "{}", why.message);
        assert!(!why.message.contains("`a`") && !why.message.contains("`b`"), "{}", why.message);
    }
    assert!(decide(Entry::ValidateTenants, "shared", "DELETE").is_allowed());
    for namespace in ["a", "b"] {
        assert!(decide(Entry::ValidateTenants, namespace, "CREATE").is_allowed(), "{namespace}");
    }
    // Where all who claim it are introduced, nothing is denied.
    let tenants = tenants.map(|(name, mut spec)| {
        spec["enforcement"] = json!("Audit");
        (name, spec)
    });
    assert!(in_cluster(&tenants, Entry::ValidateTenants, "shared", "CREATE").is_allowed());
}

#[test]
fn pods_of_a_tenant_whose_default_pool_is_not_there_are_denied_and_running_ones_may_change() {
    let tenants = [("a", json!({"namespaces": ["a"], "nodePools": {"default": "missing"}}))];
    let denied = in_cluster(&tenants, Entry::ValidateTenants, "a", "CREATE");
    assert_eq!(denied.denial, Some(Denial::Forbidden));
    let [violation] = &*denied.violations else { panic!("{:?}", denied.violations) };
    assert_eq!(violation.rule, RuleId::NodePlacement);
    assert!(violation.message.contains("there is no NodePool `missing`"), "{}", violation.message);
    assert!(in_cluster(&tenants, Entry::ValidateTenants, "a", "UPDATE").is_allowed());
    assert!(in_cluster(&tenants, Entry::MutateTenants, "a", "CREATE").patch.is_none());
}
