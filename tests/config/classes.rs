//! Tenants that share a TenantClass.

use std::fmt::Write as _;

use partywall_core::hosts::Host;
use partywall_core::tenancy::Tenant;

use super::*;

fn class(name: &str, spec: &str) -> String {
    object("TenantClass", name, spec)
}

fn host(text: &str) -> Host {
    Host::parse(text).unwrap()
}

fn loaded(text: &str) -> Loaded {
    load(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// Returns the first tenant.
fn sum(loaded: &Loaded) -> &Tenant {
    &loaded.snapshot.tenants()[0]
}

#[test]
fn what_a_tenant_lacks_is_the_classs() {
    let text = good_pool("shared")
        + &good_pool("gpu")
        + &class(
            "standard",
            "{nodePools: {default: shared}, podSecurity: {level: restricted, version: v1.33}, \
              services: {types: [ClusterIP, LoadBalancer], loadBalancerClasses: [l]}, schedulers: [default-scheduler], \
              imageRegistries: [registry.example.com], tolerations: [{key: spot}], annotations: [a.example.com/b], \
              domains: [\"*.a.example.com\"], rules: {tolerations: warn, pod-affinity: warn}}",
        )
        + &tenant("a", "{class: standard}");
    let found = loaded(&text);
    let tenant = sum(&found);
    assert!(found.warnings.is_empty(), "{:?}", found.warnings);
    assert_eq!(tenant.pools.len(), 1);
    assert_eq!(tenant.pod_security, PodSecurity { level: Level::Restricted, minor: 33 });
    assert_eq!(tenant.services.types.len(), 2);
    assert!(tenant.services.load_balancer_classes.contains("l"));
    assert!(tenant.domains.owns(&host("x.a.example.com")));
    assert_eq!((tenant.tolerations.len(), tenant.annotations.contains("a.example.com/b")), (1, true));
    assert_eq!(tenant.modes.of(RuleId::Tolerations), Mode::Warn);
}

#[test]
fn a_field_at_the_top_of_the_tenant_replaces_the_classs_as_a_whole() {
    let class = class(
        "standard",
        "{podSecurity: {level: restricted, version: v1.33}, domains: [\"*.a.example.com\"], \
          tolerations: [{key: spot}], services: {types: [LoadBalancer], loadBalancerClasses: [l]}, \
          annotations: [a.example.com/b], \
          rules: {tolerations: warn}}",
    );
    let own = "{class: standard, podSecurity: {level: privileged}, domains: [], tolerations: [], annotations: [], \
               services: {types: [NodePort]}, rules: {pod-affinity: deny}}";
    let found = loaded(&(class.clone() + &tenant("a", own)));
    let tenant_a = sum(&found);
    assert_eq!(tenant_a.pod_security, PodSecurity { level: Level::Privileged, minor: PodSecurity::LATEST });
    assert!(!tenant_a.domains.owns(&host("x.a.example.com")), "an empty list is a list");
    assert!(tenant_a.tolerations.is_empty() && !tenant_a.annotations.contains("a.example.com/b"));
    assert!(!tenant_a.services.load_balancer_classes.contains("l"));
    assert_eq!(tenant_a.modes.of(RuleId::Tolerations), Mode::Deny, "`rules` is one field");
    // What says nothing is absent.
    let found = loaded(&(class + &tenant("a", "{class: standard, domains: null, podSecurity: null}")));
    assert!(sum(&found).domains.owns(&host("x.a.example.com")));
    assert_eq!(sum(&found).pod_security.minor, 33);
}

#[test]
fn the_sum_is_judged() {
    let pools = good_pool("shared") + &good_pool("gpu");
    let gpu = class("c", "{tolerations: [{key: pool, value: gpu}]}");
    assert_each_has_one(&[
        (
            "no such class",
            class("standard", "{}") + &tenant("b", "{class: standard}") + &tenant("a", "{class: standart}"),
            "spec.class",
            "\"standart\"",
            "there is no TenantClass `standart`, did you mean `standard`?",
        ),
        (
            "contested",
            class("c", "{}") + &class("c", "{}") + &tenant("a", "{class: c}"),
            "metadata.name",
            "\"c\"",
            "second TenantClass of that name",
        ),
        ("namespaces", class("c", "{namespaces: [x]}"), "spec.namespaces", "[\"x\"]", "unknown field"),
        ("a class of a class", class("c", "{class: d}"), "spec.class", "\"d\"", "unknown field"),
        ("a field that is none", class("c", "{domain: []}"), "spec.domain", "[]", "did you mean `domains`?"),
        (
            "owning nothing all the same",
            class("c", "{}") + &object("Tenant", "a", "{class: c}"),
            "spec.namespaces",
            "",
            "owns nothing",
        ),
        (
            "a toleration for a pool that only some have",
            pools.clone()
                + &gpu
                + &tenant("a", "{class: c, nodePools: {default: gpu}}")
                + &tenant("b", "{class: c, nodePools: {default: shared}}"),
            "spec.tolerations[0]",
            "{\"key\":\"pool\",\"value\":\"gpu\"}",
            "none of tenant `b`'s pools",
        ),
        (
            "a domain for all",
            class("c", "{domains: [x.example.com]}")
                + &tenant("a", "{class: c}")
                + &tenant("b", "{class: c}")
                + &tenant("d", "{class: c}"),
            "spec.domains[0]",
            "\"x.example.com\"",
            "of tenant `a`",
        ),
        (
            "a class that nobody names",
            class("c", "{podSecurity: {level: baseline, version: \"1.33\"}}") + &tenant("a", "{}"),
            "spec.podSecurity.version",
            "\"1.33\"",
            "write `v1.N`",
        ),
    ]);
    for own in ["{class: c, nodePools: {default: gpu}}", "{class: c, tolerations: []}"] {
        load(&(pools.clone() + &gpu + &tenant("a", own))).unwrap_or_else(|error| panic!("{own}: {error}"));
    }
}

#[test]
fn a_mistake_in_a_class_is_the_classs_and_told_once() {
    let tenants: String = (0..100).map(|index| tenant(&format!("t{index}"), "{class: c}")).collect();
    let found =
        mistakes(&(tenants.clone() + &class("c", "{nodePools: {default: gpu}, schedulers: [\"*\"]}")));
    let paths: Vec<_> =
        found.iter().map(|mistake| (mistake.source.document, mistake.path.as_str())).collect();
    assert_eq!(paths, [(101, "spec.nodePools.default"), (101, "spec.schedulers[0]")], "{found:#?}");
    let acknowledged =
        "metadata: {name: c, annotations: {partywall.dev/acknowledge: spec.podSecurity.version}}";
    let latest = class("c", "{podSecurity: {level: baseline, version: latest}}");
    let warnings = load(&(tenants.clone() + &latest)).unwrap().warnings;
    assert_eq!(warnings.len(), 1, "{warnings:#?}");
    let latest = latest.replace("metadata: {name: c}", acknowledged);
    assert!(load(&(tenants + &latest)).unwrap().warnings.is_empty());
}

#[test]
fn a_class_that_nobody_names_is_warned_about() {
    let pools = good_pool("shared") + &good_pool("gpu");
    // Whose pools are meant is not known, and neither are the namespaces.
    let spec = "{tolerations: [{key: pool, value: gpu}], domains: [x.example.com]}";
    let warnings = load(&(pools + &class("c", spec) + &tenant("a", "{}"))).unwrap().warnings;
    let paths: Vec<_> = warnings.iter().map(|warning| warning.path.as_str()).collect();
    assert_eq!(paths, ["metadata.name"], "{warnings:#?}");
}

#[test]
fn nothing_follows_from_a_class_that_has_flaws() {
    let pools = good_pool("shared") + &good_pool("gpu");
    let tenant = tenant("a", "{class: c, tolerations: [{key: pool, value: gpu}]}");
    for (flawed, path) in [
        (class("c", "{nodePool: {default: gpu}}"), "spec.nodePool"),
        (class("c", "{nodePools: {default: [gpu]}}"), "spec.nodePools.default"),
        (class("c", "7"), "spec"),
    ] {
        let found = mistakes(&(pools.clone() + &flawed + &tenant));
        let paths: Vec<_> = found.iter().map(|mistake| mistake.path.as_str()).collect();
        assert_eq!(paths, [path], "{found:#?}");
    }
}

/// A class and 300 customers, as a SaaS writes them: five lines each.
fn customers() -> String {
    let mut text = String::from(
        "# Customers of the shop, each in a namespace of its own.\n\
         apiVersion: partywall.dev/v1alpha1\n\
         kind: NodePool\n\
         metadata: {name: customers}\n\
         spec:\n  nodeSelector: {node-restriction.kubernetes.io/pool: customers}\n  \
         taints: [{key: pool, value: customers}]\n\
         ---\n\
         apiVersion: partywall.dev/v1alpha1\n\
         kind: TenantClass\n\
         metadata: {name: customer}\n\
         spec:\n  nodePools: {default: customers}\n  podSecurity: {level: restricted, version: v1.33}\n  \
         services: {types: [ClusterIP]}\n  imageRegistries: [registry.example.com]\n  \
         priorityClasses: [customers]\n  ingressClasses: [public]\n  gateways: [ingress/public]\n  \
         certificateIssuers: [letsencrypt]\n  storage: {classes: [standard]}\n",
    );
    for customer in 0..300 {
        let name = format!("customer-{customer:03}");
        write!(
            text,
            "---\napiVersion: partywall.dev/v1alpha1\nkind: Tenant\nmetadata: {{name: {name}}}\n\
             spec: {{class: customer, namespaces: [{name}], domains: [{name}.shop.example.com]}}\n"
        )
        .unwrap();
    }
    text
}

#[test]
fn three_hundred_customers_fit_in_a_file() {
    let text = customers();
    assert!(text.lines().count() < 2_000, "{}", text.lines().count());
    assert!(text.lines().all(|line| line.len() <= 120));
    let loaded = load(&text).unwrap_or_else(|error| panic!("{error}"));
    assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);
    let snapshot = &loaded.snapshot;
    assert_eq!(snapshot.tenants().len(), 300);
    for (index, tenant) in snapshot.tenants().iter().enumerate() {
        assert!(matches!(snapshot.owner(&tenant.name), Owner::Tenant(owner) if owner.name == tenant.name));
        assert_eq!(snapshot.pools_of(tenant).count(), 1);
        assert_eq!(tenant.pod_security, PodSecurity { level: Level::Restricted, minor: 33 });
        assert!(tenant.domains.owns(&host(&format!("customer-{index:03}.shop.example.com"))));
        assert!(!tenant.domains.owns(&host(&format!("customer-{:03}.shop.example.com", index + 1))));
    }
}

#[test]
fn a_mistake_among_three_hundred_customers_is_found_by_file_and_line() {
    let text = customers();
    for (good, bad, line, column, object, words) in [
        (
            "domains: [customer-200.shop.example.com]",
            "domains: [customer-199.shop.example.com]",
            None,
            None,
            "Tenant `customer-200`",
            "overlaps with `customer-199.shop.example.com` of tenant `customer-199` (",
        ),
        (
            "namespaces: [customer-217]",
            "namespaces: [Customer-217]",
            None,
            None,
            "Tenant `customer-217`",
            "no patterns",
        ),
        (
            "namespaces: [customer-003]",
            "namespace: [customer-003]",
            None,
            None,
            "Tenant `customer-003`",
            "did you mean",
        ),
        (
            "ingressClasses: [public]",
            "ingressClasses: [\"*\"]",
            Some(18),
            Some(20),
            "TenantClass `customer`",
            "no patterns",
        ),
        ("version: v1.33", "version: 1.33", Some(14), Some(36), "TenantClass `customer`", "put it in quotes"),
    ] {
        assert!(text.contains(good), "{good}");
        let text = text.replacen(good, bad, 1);
        let found = customers().lines().position(|line| line.contains(good)).unwrap() + 1;
        let line = line.unwrap_or(found);
        let column = column.unwrap_or_else(|| {
            let is_list = bad.contains(['"', ':']) && !bad.starts_with("namespace:");
            let text = text.lines().nth(found - 1).unwrap();
            text.find(bad).unwrap() + 1 + if is_list { bad.find('[').unwrap() + 1 } else { 0 }
        });
        let mistakes = mistakes(&text);
        assert!(mistakes.iter().any(|mistake| mistake.message.contains(words)), "{mistakes:#?}");
        for mistake in mistakes {
            let start = format!("{}:{line}:{column}: {object}: spec.", mistake.source.path);
            assert!(mistake.to_string().starts_with(&start), "{mistake}\nshould begin with\n{start}");
        }
    }
}

#[test]
fn equal_mistakes_of_many_objects_are_one_line_with_their_number() {
    let text = customers().replace("class: customer,", "class: custommer,");
    let error = load(&text).unwrap_err();
    let LoadError::Mistaken(mistakes) = &error else { panic!("{error}") };
    assert_eq!(mistakes.len(), 300);
    let shown = error.to_string();
    assert_eq!(shown.lines().count(), 1, "{shown}");
    let path = &mistakes[0].source.path;
    let end = format!(
        "there is no TenantClass `custommer`, did you mean `customer`?; add one, or name one that is \
         (299 more like this: {path}:31:8, {path}:36:8, {path}:41:8, ...)"
    );
    assert!(
        shown.starts_with(&format!("{path}:26:8: Tenant `customer-000`: spec.class = \"custommer\": ")),
        "{shown}"
    );
    assert!(shown.ends_with(&end), "{shown}");
    // What differs is told one by one.
    let text = customers()
        .replace("kind: Tenant\n", "kind: Tenant\nstatus: x\n")
        .replace("[customer-01", "[Customer-01");
    let shown = load(&text).unwrap_err().to_string();
    assert_eq!(shown.lines().count(), 1 + 10, "{shown}");
}
