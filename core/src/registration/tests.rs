use super::webhooks::{FailurePolicy, Resource};
use super::*;
use crate::entry::Entry;
use crate::objects::kinds::{KINDS, Row};

fn registration() -> Registration {
    Registration {
        own_objects: false,
        server: Server::Url("https://127.0.0.1:8443".to_owned()),
        ca_bundle: None,
        system_namespaces: vec!["kube-system".to_owned()],
        foreign_groups: ["routes.example.com", "gateway.networking.k8s.io"].map(str::to_owned).to_vec(),
        fails_closed: FailsClosed::ALL,
        workload_kinds: Vec::new(),
        lists: None,
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
            "In" => value.is_some_and(|value| values.iter().any(|listed| listed == value)),
            "NotIn" => value.is_none_or(|value| !values.iter().any(|listed| listed == value)),
            other => panic!("{other}"),
        }
    })
}

#[test]
fn l2_o1_what_fails_closed_outside_tenants_is_only_what_could_reach_a_pool() {
    let tenant: &[_] = &[(NAMESPACE_NAME, "x"), (TENANT, "x")];
    let elsewhere: &[_] = &[(NAMESPACE_NAME, "default")];
    let without_labels: &[_] = &[];
    let system: &[_] = &[(NAMESPACE_NAME, "kube-system")];
    let labelled_system: &[_] = &[(NAMESPACE_NAME, "kube-system"), (TENANT, "x")];
    let registration = registration();
    for webhook in WEBHOOKS.iter().filter(|webhook| !webhook.namespaces.is_cluster_scoped()) {
        let selector = registration.namespace_selector(webhook).unwrap();
        let is_of = |namespaces| [namespaces, Namespaces::All].contains(&webhook.namespaces);
        assert_eq!(selects(&selector, tenant), is_of(Namespaces::Tenants), "{}", webhook.name);
        assert_eq!(selects(&selector, elsewhere), is_of(Namespaces::Elsewhere), "{}", webhook.name);
        assert_eq!(selects(&selector, without_labels), is_of(Namespaces::Elsewhere), "{}", webhook.name);
        assert!(!selects(&selector, system), "{}", webhook.name);
        assert!(!selects(&selector, labelled_system), "{}", webhook.name);
        if selects(&selector, elsewhere) && webhook.failure_policy == FailurePolicy::Fail {
            assert!(!webhook.conditions.is_empty(), "{} is sent everything", webhook.name);
        }
    }
}

#[test]
fn l1_o1_all_but_early_warnings_and_statuses_fails_closed() {
    for webhook in &WEBHOOKS {
        let is_spared = [
            "label-administrators-namespaces.partywall.dev",
            "label-new-namespaces.partywall.dev",
            "new-namespaces.partywall.dev",
        ]
        .contains(&webhook.name);
        let goes_on = webhook.entry.goes_on_without_answer() || is_spared;
        assert_eq!(webhook.failure_policy == FailurePolicy::Ignore, goes_on, "{}", webhook.name);
    }
}

#[test]
fn o4_each_webhook_calls_the_entry_of_its_namespaces() {
    for webhook in &WEBHOOKS {
        let is_of_tenants = [Namespaces::Tenants, Namespaces::Listed].contains(&webhook.namespaces);
        assert!(!webhook.entry.is_of_tenants() || is_of_tenants, "{}", webhook.name);
        let is_of_namespaces = matches!(
            webhook.entry,
            Entry::MutateNamespaces | Entry::ValidateNamespaces | Entry::ValidatePolicies
        );
        assert_eq!(webhook.namespaces.is_cluster_scoped(), is_of_namespaces, "{}", webhook.name);
        let is_elsewhere = webhook.entry == Entry::ValidateElsewhere;
        assert!(!is_elsewhere || webhook.namespaces == Namespaces::Elsewhere, "{}", webhook.name);
        assert!(![Entry::Mutate, Entry::Validate].contains(&webhook.entry), "{}", webhook.name);
    }
}

#[test]
fn c5_j15_the_schedulers_bindings_are_not_sent() {
    for webhook in WEBHOOKS.iter().filter(|webhook| webhook.resources().iter().any(|r| r.name == "bindings"))
    {
        let expression = webhook.conditions[0].written(None).expression;
        assert_eq!(expression, "!(request.userInfo.username in ['system:kube-scheduler'])");
    }
}

#[test]
fn i16_nothing_cluster_scoped_is_sent_but_namespaces_and_partywalls_own_objects() {
    let registration = registration();
    let rules = |webhook| registration.rules(webhook).into_iter().map(move |rule| (webhook, rule));
    for (webhook, rule) in WEBHOOKS.iter().flat_map(rules) {
        if webhook.namespaces.is_cluster_scoped() {
            assert_eq!(rule.scope, "Cluster");
            let is_own = rule.api_groups == ["partywall.dev"] && webhook.entry == Entry::ValidatePolicies;
            assert!(is_own || rule.resources.iter().all(|name| name.starts_with("namespaces")), "{rule:?}");
        } else {
            assert_eq!(rule.scope, "Namespaced");
        }
    }
}

#[test]
fn i2_i3_i5_changes_of_namespaces_are_sent_whatever_their_labels_and_whichever_the_way() {
    let webhook = WEBHOOKS.iter().find(|webhook| webhook.entry == Entry::ValidateNamespaces).unwrap();
    assert_eq!(registration().namespace_selector(webhook), None);
    let resources = webhook.resources();
    let sent: Vec<_> = resources.iter().map(|resource| (&*resource.name, resource.operations)).collect();
    assert_eq!(sent, [("namespaces", WRITE), ("namespaces/status", UPDATE), ("namespaces/finalize", UPDATE)]);
    // Cluster administrators can change namespaces even when partywall does not answer.
    let names: Vec<_> = webhook.conditions.iter().map(|condition| condition.written(None).name).collect();
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
        // O12: a status has the addresses of its hosts.
        ("traefik.io", "*/status"),
        ("networking.istio.io", "*/status"),
        ("zalando.org", "routegroups/status"),
        ("routes.example.com", "*/status"),
        ("gateway.networking.k8s.io", "gateways/status"),
    ] {
        assert!(sent(group, resource), "{group}/{resource}");
    }
    assert!(!sent("cilium.io", "*") && !sent("networking.k8s.io", "*"));
    let count = |group: &str| {
        let is_of = |rule: &&Rule| rule.operations == WRITE && rule.api_groups.iter().any(|one| one == group);
        rules.iter().filter(is_of).count()
    };
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
    let validating = WEBHOOKS.iter().filter(|webhook| {
        webhook.entry.phase() == Phase::Validate
            && webhook.namespaces != Namespaces::Elsewhere
            && webhook.registered != Where::WithLists
            && webhook.entry != Entry::ValidatePolicies
    });
    let sent: Vec<_> = validating.flat_map(Webhook::resources).collect();
    // `*` stands for no subresource.
    let count = |group: &str, name: &str| {
        let is_it = |sent: &str| sent == name || (sent == "*" && !name.contains('/'));
        sent.iter().filter(|one| one.group == group && is_it(&one.name)).count()
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

/// Returns a registration with lists of what the policies name.
fn with_lists(namespaces: &[&str], pool_keys: &[&str]) -> Registration {
    let owned = |names: &[&str]| names.iter().copied().map(str::to_owned).collect();
    let lists = Lists { namespaces: Some(owned(namespaces)), pool_keys: owned(pool_keys) };
    Registration { lists: Some(lists), ..registration() }
}

#[test]
fn o4_a_listed_namespace_is_sent_like_a_labelled_one_while_it_lacks_the_label() {
    let registration = with_lists(&["x", "y"], &[]);
    let labelled: &[_] = &[(NAMESPACE_NAME, "x"), (TENANT, "x")];
    let bare: &[_] = &[(NAMESPACE_NAME, "x")];
    let other: &[_] = &[(NAMESPACE_NAME, "z")];
    let sent = |rules: &[Rule], group: &str, resource: &str, operation: &str| {
        rules.iter().any(|rule| {
            rule.api_groups.iter().any(|one| one == group)
                && rule.resources.iter().any(|one| one == resource)
                && rule.operations.contains(&operation)
        })
    };
    for configuration in [registration.mutating(), registration.validating()] {
        let listed: Vec<_> = configuration
            .webhooks
            .iter()
            .filter(|webhook| webhook.name.contains("listed") && webhook.rules[0].scope == "Namespaced")
            .collect();
        let [listed] = listed[..] else { panic!("{} of them", listed.len()) };
        let selector = listed.namespace_selector.as_ref().unwrap();
        assert!(selects(selector, bare) && !selects(selector, labelled) && !selects(selector, other));
        assert_eq!(listed.failure_policy, "Fail");
        for webhook in &configuration.webhooks {
            let selector = webhook.namespace_selector.clone().unwrap_or_default();
            if webhook.rules[0].scope == "Cluster"
                || webhook.failure_policy != "Fail"
                || !selects(&selector, labelled)
                || selects(&selector, other)
            {
                continue;
            }
            assert_eq!(webhook.client_config.url, listed.client_config.url);
            for rule in &webhook.rules {
                for (group, resource) in rule
                    .api_groups
                    .iter()
                    .flat_map(|group| rule.resources.iter().map(move |one| (group, one)))
                {
                    for operation in rule.operations {
                        assert!(sent(&listed.rules, group, resource, operation), "{group}/{resource}");
                    }
                }
            }
        }
    }
}

#[test]
fn without_lists_or_names_no_webhook_waits_for_labels() {
    for registration in [registration(), with_lists(&[], &["tenant"])] {
        let all = [registration.mutating(), registration.validating()].map(|of| of.webhooks).concat();
        let is_by_name = |webhook: &WebhookEntry| {
            let selector = webhook.namespace_selector.clone().unwrap_or_default();
            selector.match_expressions.iter().any(|one| one.operator == "In" && one.values != ["kube-system"])
        };
        assert!(!all.iter().any(is_by_name));
        let is_of_labels =
            |webhook: &&WebhookEntry| webhook.name.ends_with("labelled-namespaces.partywall.dev");
        assert_eq!(all.iter().filter(is_of_labels).count(), if registration.lists.is_some() { 2 } else { 0 });
    }
}

#[test]
fn o1_the_keys_of_pools_are_listed_unless_they_are_too_many() {
    let expression = |registration: Registration| {
        let mut all = registration.validating().webhooks.into_iter();
        let webhook = all.find(|webhook| webhook.name == "pods-elsewhere.partywall.dev").unwrap();
        webhook.match_conditions.into_iter().map(|condition| condition.expression).collect::<String>()
    };
    let listed = expression(with_lists(&["x"], &["gpu", "tenant"]));
    assert!(listed.contains("t.key in ['', 'gpu', 'tenant']"), "{listed}");
    assert!(expression(with_lists(&[], &[])).contains("t.key in ['']"));
    let many: Vec<String> = (0..2_000).map(|index| format!("{:0>60}/{index:0>60}", "example.com")).collect();
    let many = expression(with_lists(&[], &many.iter().map(String::as_str).collect::<Vec<_>>()));
    assert_eq!(many, expression(registration()));
    let longest: Vec<String> = (0..2_000).map(|index| format!("key-{index:0>36}")).collect();
    let longest = expression(with_lists(&[], &longest.iter().map(String::as_str).collect::<Vec<_>>()));
    assert!(longest.contains("key-") && longest.len() < 100_000, "{}", longest.len());
}

#[test]
fn names_that_are_too_many_for_an_object_are_in_no_list() {
    let lists = Some(Lists { namespaces: None, pool_keys: vec!["gpu".to_owned()] });
    let registration = Registration { lists, ..registration() };
    let names = |registration: &Registration| {
        let all = [registration.mutating(), registration.validating()].map(|of| of.webhooks).concat();
        all.iter().map(|webhook| webhook.name).collect::<Vec<_>>()
    };
    assert_eq!(names(&registration), names(&self::registration()));
}

#[test]
fn the_longest_list_of_names_fits_into_an_object() {
    let names: Vec<String> = (0..10_000).map(|index| format!("namespace-{index:0>37}")).collect();
    assert!((490_000..=LONGEST_NAMES).contains(&names.iter().map(|name| name.len() + 3).sum()));
    let lists = Some(Lists { namespaces: Some(names), pool_keys: vec!["k".repeat(100); 800] });
    let registration = Registration { lists, ..registration() };
    for configuration in [registration.mutating(), registration.validating()] {
        let length = serde_json::to_string(&configuration).unwrap().len();
        assert!(length < 1_300_000, "{length} bytes");
    }
}
