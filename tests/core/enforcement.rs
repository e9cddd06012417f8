//! `enforcement`: what partywall does about a tenant, and about those who reach its pools, at each value.

use partywall_core::Entry;
use partywall_core::registration::{FailsClosed, Registration, Server};
use partywall_core::tenancy::Snapshot;
use serde_json::{Value, json};

use crate::support::{Answer, ask, create, mutate, snapshot, update, validate};

/// Two tenants, a pool each, and one pool that no tenant has. `blue` and `red` have these values, and the Settings.
fn policies(settings: &str, blue: &str, red: &str) -> Snapshot {
    let pool = |name: &str| {
        format!(
            "
apiVersion: partywall.dev/v1alpha1
kind: NodePool
metadata: {{name: {name}}}
spec: {{nodeSelector: {{pool: {name}}}, taints: [{{key: pool, value: {name}}}]}}
---"
        )
    };
    let tenant = |name: &str, enforcement: &str| {
        let enforcement =
            if enforcement.is_empty() { String::new() } else { format!("enforcement: {enforcement}, ") };
        format!(
            "
apiVersion: partywall.dev/v1alpha1
kind: Tenant
metadata: {{name: {name}}}
spec: {{{enforcement}namespaces: [{name}], nodePools: {{default: {name}}}, runtimeClasses: {{default: gvisor}}}}
---"
        )
    };
    let settings = if settings.is_empty() {
        String::new()
    } else {
        format!(
            "
apiVersion: partywall.dev/v1alpha1
kind: Settings
metadata: {{name: default}}
spec: {{enforcement: {settings}}}
"
        )
    };
    let pools = ["blue", "red", "spare"].map(pool).concat();
    snapshot(&[&*pools, &tenant("blue", blue), &tenant("red", red), &settings].concat())
}

fn pod(namespace: &str, spec: Value) -> Value {
    let mut pod = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "app", "namespace": namespace},
        "spec": {"containers": [{"name": "app", "image": "registry.example.com/app:1"}]},
    });
    json_patch::merge(&mut pod["spec"], &spec);
    create(pod)
}

fn tolerating(namespace: &str, toleration: Value) -> Value {
    pod(namespace, json!({"tolerations": [toleration]}))
}

fn of_pool(pool: &str) -> Value {
    json!({"key": "pool", "value": pool})
}

fn warnings(answer: &Answer) -> String {
    answer.response["warnings"].to_string()
}

fn annotation<'a>(answer: &'a Answer, key: &str) -> &'a str {
    answer.response["auditAnnotations"][key].as_str().unwrap_or_default()
}

/// How a request was answered.
#[derive(Debug, PartialEq)]
enum Said {
    Denied,
    Warned,
    Recorded,
    Nothing,
}

fn said(answer: &Answer) -> Said {
    match answer {
        answer if !answer.is_allowed() => Said::Denied,
        answer if answer.response["warnings"].is_array() => Said::Warned,
        answer if answer.response["auditAnnotations"].is_object() => Said::Recorded,
        _ => Said::Nothing,
    }
}

const VALUES: [(&str, Said); 3] = [("Deny", Said::Denied), ("Warn", Said::Warned), ("Audit", Said::Recorded)];

#[test]
fn a_value_caps_all_rules_and_a_tenants_own_counts_before_that_of_the_settings() {
    let host_network = json!({"hostNetwork": true});
    for (value, expected) in VALUES {
        for snapshot in
            [policies(value, "", ""), policies("Deny", value, ""), policies("Audit", value, "Deny")]
        {
            assert_eq!(said(&validate(&pod("blue", host_network.clone()), &snapshot)), expected, "{value}");
        }
    }
    let unlike = policies("Audit", "Warn", "Deny");
    assert_eq!(said(&validate(&pod("red", host_network.clone()), &unlike)), Said::Denied);
    assert_eq!(said(&validate(&pod("blue", host_network), &unlike)), Said::Warned);
    // A deployment's template is only warned about, so at `Audit` it is only recorded.
    let mut deployment = create(json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "app", "namespace": "blue"},
        "spec": {"template": {"spec": {"hostNetwork": true, "containers": [{"name": "app", "image": "a"}]}}},
    }));
    assert_eq!(said(&validate(&deployment, &policies("Audit", "", ""))), Said::Recorded);
    deployment["request"]["namespace"] = json!("elsewhere");
    assert_eq!(said(&validate(&deployment, &policies("Audit", "", ""))), Said::Nothing);
}

#[test]
fn nothing_is_stamped_below_deny_and_the_answer_says_which_pool_it_would_be() {
    for (value, expected) in VALUES {
        let snapshot = policies("", value, "Deny");
        let plain = pod("blue", json!({}));
        let answer = mutate(&plain, &snapshot);
        assert_eq!(answer.patch.is_some(), value == "Deny", "{value}");
        match expected {
            Said::Denied => assert!(!answer.response.to_string().contains("would"), "{}", answer.response),
            Said::Warned => {
                assert!(warnings(&answer).contains("tenant `blue`: would go to pool `blue`"), "{answer:?}")
            }
            Said::Recorded | Said::Nothing => assert_eq!(answer.response["warnings"], Value::Null),
        }
        assert_eq!(annotation(&answer, "placement"), if value == "Deny" { "" } else { "blue" });
        // A pod without a stamp violates nothing where nothing is stamped.
        if value != "Deny" {
            assert_eq!(said(&validate(&plain, &snapshot)), Said::Nothing, "{value}");
        }
        let mut daemon_set = create(json!({
            "apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": "app", "namespace": "blue"},
            "spec": {"template": {"spec": {"containers": [{"name": "app", "image": "a"}]}}},
        }));
        let answer = mutate(&daemon_set, &snapshot);
        assert_eq!(answer.patch.is_some(), value == "Deny", "{value}");
        assert_eq!(annotation(&answer, "placement"), if value == "Deny" { "" } else { "blue" });
        daemon_set["request"]["namespace"] = json!("red");
        assert!(mutate(&daemon_set, &snapshot).patch.is_some(), "another tenant is stamped all the same");
    }
}

#[test]
fn the_stamp_follows_the_modes_of_its_rules() {
    let with_rules = |rules: &str| {
        let text = format!(
            "
apiVersion: partywall.dev/v1alpha1
kind: NodePool
metadata: {{name: blue}}
spec: {{nodeSelector: {{pool: blue}}, taints: [{{key: pool, value: blue}}]}}
---
apiVersion: partywall.dev/v1alpha1
kind: Tenant
metadata: {{name: blue}}
spec: {{namespaces: [blue], nodePools: {{default: blue}}, runtimeClasses: {{default: gvisor}}, rules: {{{rules}}}}}
"
        );
        mutate(&pod("blue", json!({})), &snapshot(&text))
    };
    let paths = |answer: &Answer| {
        let operations = answer.patch.clone().unwrap_or_default();
        let operations = operations.as_array().cloned().unwrap_or_default();
        operations.iter().map(|operation| operation["path"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    for mode in ["warn", "audit", "off"] {
        let answer = with_rules(&format!("node-placement: {mode}"));
        assert_eq!(paths(&answer), ["/spec/runtimeClassName"], "{mode}");
        assert_eq!(annotation(&answer, "placement"), if mode == "off" { "" } else { "blue" }, "{mode}");
        assert_eq!(warnings(&answer).contains("would go to pool `blue`"), mode == "warn", "{mode}");
        let answer = with_rules(&format!("runtime-class: {mode}"));
        assert!(
            !paths(&answer).contains(&"/spec/runtimeClassName".to_owned()) && answer.patch.is_some(),
            "{mode}"
        );
    }
    assert!(paths(&with_rules("")).len() > 2);
}

#[test]
fn who_reaches_into_a_pool_is_judged_at_the_value_of_its_tenant() {
    let everything = || json!({"operator": "Exists"});
    for (value, expected) in VALUES {
        // Of Settings and the other tenant, one is stricter and one is not.
        for (settings, red) in [("Audit", "Audit"), ("Audit", "Deny"), ("Deny", "Audit")] {
            let snapshot = policies(settings, value, red);
            let outside = validate(&tolerating("elsewhere", of_pool("blue")), &snapshot);
            assert_eq!(said(&outside), expected, "{settings} {value} {red}");
            // A tenant at `Deny` is judged as today, whatever the other tenant's value is.
            let of_red = validate(&tolerating("red", of_pool("blue")), &snapshot);
            let of_red = said(&of_red);
            assert!(
                if red == "Deny" { of_red == Said::Denied } else { of_red == expected },
                "{value} {red} {of_red:?}"
            );
        }
    }
    let mixed = policies("Audit", "Deny", "Audit");
    for (reaches, expected) in [
        (of_pool("red"), Said::Recorded),
        // A pool that no tenant has is judged at the value of the Settings.
        (of_pool("spare"), Said::Recorded),
        // Of several, the strictest counts.
        (everything(), Said::Denied),
        (json!({"key": "pool", "operator": "Exists"}), Said::Denied),
        (json!({"key": "other", "operator": "Exists"}), Said::Nothing),
    ] {
        assert_eq!(said(&validate(&tolerating("elsewhere", reaches.clone()), &mixed)), expected, "{reaches}");
    }
    // One answer has violations in both modes, and all are told.
    let both = pod("elsewhere", json!({"tolerations": [of_pool("red"), of_pool("blue")]}));
    let answer = validate(&both, &mixed);
    assert_eq!(answer.causes(), ["tolerations spec.tolerations[1]"]);
    assert_eq!(annotation(&answer, "violations"), "tolerations=audit,tolerations=deny");
}

#[test]
fn a_selector_reaches_a_pool_only_of_a_pod_that_tolerates_one() {
    let mixed = policies("Audit", "Deny", "Audit");
    let selecting = |namespace: &str, pool: &str, tolerated: &str| {
        pod(namespace, json!({"nodeSelector": {"pool": pool}, "tolerations": [of_pool(tolerated)]}))
    };
    for (pool, expected) in [("blue", Said::Denied), ("red", Said::Recorded)] {
        let answer = validate(&selecting("elsewhere", pool, "red"), &mixed);
        assert_eq!(said(&answer), expected, "{pool}");
        let terms = json!([{"matchExpressions": [{"key": "pool", "operator": "In", "values": [pool]}]}]);
        let affinity = json!({"nodeAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}});
        let by_term = pod("elsewhere", json!({"affinity": affinity, "tolerations": [of_pool("red")]}));
        assert_eq!(said(&validate(&by_term, &mixed)), expected, "{pool}");
    }
}

/// A node may be of any pool, so the strictest tenant counts.
#[test]
fn who_names_a_node_is_judged_at_the_value_of_the_strictest_pool() {
    for (blue, expected) in VALUES {
        let snapshot = policies("Audit", blue, "Audit");
        for namespace in ["elsewhere", "red"] {
            let named = pod(namespace, json!({"nodeName": "node-1"}));
            assert_eq!(said(&validate(&named, &snapshot)), expected, "{namespace}");
            let binding = create(json!({
                "apiVersion": "v1", "kind": "Binding", "metadata": {"name": "app", "namespace": namespace},
                "target": {"kind": "Node", "name": "node-1"},
            }));
            assert_eq!(said(&validate(&binding, &snapshot)), expected, "{namespace}");
        }
    }
}

#[test]
fn what_reaches_no_pool_outside_tenants_is_judged_at_the_value_of_the_settings() {
    let system = pod("elsewhere", json!({"priorityClassName": "system-node-critical"}));
    for (value, expected) in VALUES {
        assert_eq!(said(&validate(&system, &policies(value, "Deny", "Audit"))), expected, "{value}");
    }
}

#[test]
fn what_cannot_be_decided_is_denied_only_at_deny() {
    let undecodable = |namespace: &str| pod(namespace, json!({"tolerations": "all"}));
    let mut without_spec = pod("blue", json!({}));
    without_spec["request"]["object"].as_object_mut().unwrap().remove("spec");
    for (value, expected) in VALUES {
        for (review, snapshot) in [
            (undecodable("blue"), policies("Deny", value, "Deny")),
            (without_spec.clone(), policies("Deny", value, "Deny")),
            // At the value of the Settings only where there is no tenant.
            (undecodable("elsewhere"), policies(value, "Deny", "Audit")),
        ] {
            for answer in [mutate(&review, &snapshot), validate(&review, &snapshot)] {
                assert_eq!(said(&answer), expected, "{value}");
                assert_eq!(
                    annotation(&answer, "unjudged").is_empty(),
                    value == "Deny",
                    "{}",
                    answer.response
                );
                assert!(
                    !annotation(&answer, "unjudged").contains("all"),
                    "no value of the object is recorded"
                );
            }
        }
        // A namespace that is labelled for a tenant, and that no Tenant has.
        let entry = Entry::ValidateTenants;
        let answer =
            ask(entry, pod("preview", json!({})).to_string().as_bytes(), &policies(value, "Deny", "Audit"));
        assert_eq!(said(&answer), expected, "{value}");
    }
    // Whose a review is that tells no namespace, nobody knows.
    let mut nobodys = undecodable("blue");
    nobodys["request"]["namespace"] = json!(5);
    assert_eq!(said(&validate(&nobodys, &policies("Audit", "Audit", "Deny"))), Said::Denied);
    assert_eq!(said(&validate(&nobodys, &policies("Audit", "Warn", "Audit"))), Said::Warned);
}

#[test]
fn namespaces_are_labelled_and_guarded_whatever_the_value_is() {
    let label = "partywall.dev/tenant";
    let namespace = |labels: Value| {
        create(
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "blue", "labels": labels}}),
        )
    };
    let snapshot = policies("Audit", "Audit", "Audit");
    assert!(mutate(&namespace(json!({})), &snapshot).patch.is_some());
    assert_eq!(said(&validate(&namespace(json!({label: "red"})), &snapshot)), Said::Denied);
    let old = namespace(json!({label: "blue"}))["request"]["object"].clone();
    assert_eq!(said(&validate(&update(namespace(json!({})), old), &snapshot)), Said::Denied);
    let odd = namespace(json!({label: "blue", "a": 5}));
    assert_eq!(said(&validate(&odd, &snapshot)), Said::Denied);
    let mut undecodable = namespace(json!({}));
    undecodable["request"]["object"]["metadata"] = json!("none");
    assert_eq!(said(&validate(&undecodable, &snapshot)), Said::Denied);
}

#[test]
fn l2_an_entry_fails_closed_only_while_somebody_who_is_asked_through_it_is_at_deny() {
    let closed = |settings: &str, blue: &str, red: &str| {
        let registration = Registration {
            own_objects: false,
            server: Server::Url("https://127.0.0.1:8443".to_owned()),
            ca_bundle: None,
            system_namespaces: Vec::new(),
            foreign_groups: Vec::new(),
            workload_kinds: Vec::new(),
            lists: None,
            fails_closed: FailsClosed::by(&policies(settings, blue, red)),
        };
        let webhooks = [registration.mutating(), registration.validating()].map(|of| of.webhooks).concat();
        let closed = webhooks.iter().filter(|webhook| webhook.failure_policy == "Fail");
        let mut entries: Vec<_> =
            closed.map(|webhook| webhook.client_config.url.clone().unwrap().split_off(22)).collect();
        entries.sort_unstable();
        entries.dedup();
        entries
    };
    let all = [
        "/mutate/namespaces",
        "/mutate/tenants",
        "/validate/elsewhere",
        "/validate/namespaces",
        "/validate/tenants",
    ];
    assert_eq!(closed("", "", ""), all);
    assert_eq!(closed("Audit", "Deny", "Warn"), all);
    assert_eq!(closed("Deny", "Audit", "Audit"), all);
    assert!(closed("Audit", "", "").is_empty());
    assert!(closed("Audit", "Warn", "Audit").is_empty());
}
