use super::webhooks::{FailurePolicy, Resource, UPDATE};
use super::*;
use crate::objects::kinds::{KINDS, Row};

fn registration() -> Registration {
    Registration {
        server: Server::Url("https://127.0.0.1:8443".to_owned()),
        ca_bundle: None,
        system_namespaces: vec!["kube-system".to_owned()],
        foreign_groups: ["routes.example.com", "gateway.networking.k8s.io"].map(str::to_owned).to_vec(),
    }
}

/// Returns whether a selector matches these labels, as the API server evaluates it.
fn selects(selector: &LabelSelector, labels: &[(&str, &str)]) -> bool {
    selector.match_expressions.iter().all(|requirement| {
        let value = labels.iter().find(|(key, _)| *key == requirement.key).map(|(_, value)| *value);
        let values = &requirement.values;
        match requirement.operator {
            "Exists" => value.is_some(),
            "DoesNotExist" => value.is_none(),
            "NotIn" => value.is_none_or(|value| !values.iter().any(|listed| listed == value)),
            other => panic!("{other}"),
        }
    })
}

#[test]
fn l2_what_fails_closed_is_sent_of_tenants_namespaces_only() {
    let tenant: &[_] = &[(NAMESPACE_NAME, "x"), (TENANT, "x")];
    let elsewhere: &[_] = &[(NAMESPACE_NAME, "default")];
    let without_labels: &[_] = &[];
    let system: &[_] = &[(NAMESPACE_NAME, "kube-system")];
    let labelled_system: &[_] = &[(NAMESPACE_NAME, "kube-system"), (TENANT, "x")];
    let registration = registration();
    for webhook in WEBHOOKS.iter().filter(|webhook| webhook.namespaces != Namespaces::Themselves) {
        let selector = registration.namespace_selector(webhook).unwrap();
        let is_fail = webhook.failure_policy == FailurePolicy::Fail;
        let is_tenants = webhook.namespaces == Namespaces::Tenants;
        assert!(is_tenants || !is_fail, "{}", webhook.name);
        assert_eq!(selects(&selector, tenant), is_tenants, "{}", webhook.name);
        assert_eq!(selects(&selector, elsewhere), !is_tenants, "{}", webhook.name);
        assert_eq!(selects(&selector, without_labels), !is_tenants, "{}", webhook.name);
        assert!(!selects(&selector, system), "{}", webhook.name);
        assert!(!selects(&selector, labelled_system), "{}", webhook.name);
    }
}

#[test]
fn l1_all_but_early_warnings_fails_closed_for_tenants() {
    let ignored: Vec<_> = WEBHOOKS
        .iter()
        .filter(|webhook| webhook.namespaces == Namespaces::Tenants)
        .filter(|webhook| webhook.failure_policy == FailurePolicy::Ignore)
        .map(|webhook| webhook.name)
        .collect();
    assert_eq!(ignored, ["pod-statuses.partywall.dev", "workloads.partywall.dev"]);
}

#[test]
fn c5_j15_the_schedulers_bindings_are_not_sent() {
    for webhook in WEBHOOKS.iter().filter(|webhook| webhook.resources().iter().any(|r| r.name == "bindings"))
    {
        let conditions = match_conditions(webhook);
        assert_eq!(conditions[0].expression, "!(request.userInfo.username in ['system:kube-scheduler'])");
    }
}

#[test]
fn i16_nothing_cluster_scoped_is_sent_but_namespaces() {
    let registration = registration();
    let rules = |webhook| registration.rules(webhook).into_iter().map(move |rule| (webhook, rule));
    for (webhook, rule) in WEBHOOKS.iter().flat_map(rules) {
        if webhook.namespaces == Namespaces::Themselves {
            assert_eq!(rule.scope, "Cluster");
            assert!(rule.resources.iter().all(|name| name.starts_with("namespaces")), "{rule:?}");
        } else {
            assert_eq!(rule.scope, "Namespaced");
        }
    }
}

#[test]
fn i2_i3_i5_changes_of_namespaces_are_sent_whatever_their_labels_and_whichever_the_way() {
    let webhook = WEBHOOKS.iter().find(|webhook| webhook.namespaces == Namespaces::Themselves).unwrap();
    assert_eq!(registration().namespace_selector(webhook), None);
    let resources = webhook.resources();
    let sent: Vec<_> = resources.iter().map(|resource| (&*resource.name, resource.operations)).collect();
    assert_eq!(sent, [("namespaces", WRITE), ("namespaces/status", UPDATE), ("namespaces/finalize", UPDATE)]);
    // Cluster administrators can change namespaces even when partywall does not answer.
    let names: Vec<_> = match_conditions(webhook).into_iter().map(|condition| condition.name).collect();
    assert_eq!(names, ["not-the-clusters-own", "not-of-system-masters"]);
    assert_eq!(webhook.failure_policy, FailurePolicy::Fail);
}

#[test]
fn i15_no_label_of_an_object_decides_whether_it_is_sent() {
    let registration = registration();
    for webhook in &WEBHOOKS {
        assert_eq!(registration.webhook(webhook).object_selector, None, "{}", webhook.name);
        let selector = registration.namespace_selector(webhook).unwrap_or_default();
        for requirement in &selector.match_expressions {
            assert!([TENANT, NAMESPACE_NAME].contains(&requirement.key), "{}", webhook.name);
        }
    }
}

#[test]
fn no_name_is_taken_twice() {
    let mut names: Vec<_> = WEBHOOKS.iter().map(|webhook| webhook.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), WEBHOOKS.len());
}

#[test]
fn g21_g26_every_api_of_routes_is_sent_and_those_of_the_settings_too() {
    let webhook = WEBHOOKS.iter().find(|webhook| webhook.name == ROUTES).unwrap();
    let rules = registration().rules(webhook);
    let sent = |group: &str, resource: &str| {
        rules.iter().any(|rule| {
            let has = |list: &[String], name: &str| list.iter().any(|one| one == name);
            has(&rule.api_groups, group) && has(&rule.resources, resource)
        })
    };
    for (group, resource) in [
        ("gateway.networking.k8s.io", "*"),
        ("gateway.networking.x-k8s.io", "*"),
        ("route.openshift.io", "routes"),
        ("traefik.io", "*"),
        ("traefik.containo.us", "*"),
        ("networking.istio.io", "*"),
        ("cilium.io", "ciliumenvoyconfigs"),
        ("routes.example.com", "*"),
    ] {
        assert!(sent(group, resource), "{group}/{resource}");
    }
    assert!(!sent("cilium.io", "*") && !sent("networking.k8s.io", "*"));
    let count =
        |group: &str| rules.iter().filter(|rule| rule.api_groups.iter().any(|one| one == group)).count();
    assert!(APIS.iter().flat_map(|api| api.groups).all(|group| count(group) == 1));
    let everything = rules.iter().filter(|rule| rule.resources == ["*"]);
    let mut groups: Vec<_> = everything.flat_map(|rule| &rule.api_groups).collect();
    let all = groups.len();
    groups.sort_unstable();
    groups.dedup();
    assert_eq!(groups.len(), all, "a group is there twice");
}

#[test]
fn i4_what_a_rule_reads_is_registered() {
    let validating = WEBHOOKS
        .iter()
        .filter(|webhook| webhook.phase == Phase::Validate && webhook.namespaces != Namespaces::Elsewhere);
    let sent: Vec<_> = validating.flat_map(Webhook::resources).collect();
    let count = |group: &str, name: &str| {
        sent.iter().filter(|one| one.group == group && (one.name == name || one.name == "*")).count()
    };
    for row in KINDS {
        for group in row.groups {
            assert_eq!(count(group, row.plural), 1, "{group}/{}", row.plural);
            for subresource in row.subresources {
                let name = format!("{}/{}", row.plural, subresource.name);
                assert_eq!(count(group, &name), 1, "{group}/{name}");
            }
        }
    }
    // The API server sends no resource that no rule reads.
    for Resource { group, name, .. } in &sent {
        let plural = name.split('/').next().unwrap();
        let is_row = |row: &Row| row.groups.contains(group) && (row.plural == plural || plural == "*");
        assert!(KINDS.iter().any(is_row), "{group}/{name}");
    }
}
