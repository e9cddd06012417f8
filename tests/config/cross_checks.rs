//! Mistakes that only show beside other objects, and warnings that an object acknowledges.

use super::*;

#[test]
fn o23_an_address_has_one_tenant() {
    let two = |one: &str, other: &str| {
        tenant("a", &format!("{{services: {{types: [LoadBalancer], {one}}}}}"))
            + &tenant("b", &format!("{{services: {{types: [LoadBalancer], {other}}}}}"))
    };
    for (one, other, path) in [
        ("externalIPs: [192.0.2.7]", "externalIPs: [192.0.2.7]", "externalIPs[0]"),
        ("externalIPs: [192.0.2.0/24]", "externalIPs: [198.51.100.1, 192.0.2.7]", "externalIPs[1]"),
        ("externalIPs: [192.0.2.7]", "loadBalancerIPs: [192.0.2.0/28]", "loadBalancerIPs[0]"),
        ("loadBalancerIPs: [\"2001:db8::/32\"]", "externalIPs: [\"2001:db8::1\"]", "externalIPs[0]"),
        // The host bits of a range do not count.
        ("externalIPs: [192.0.2.9/28]", "externalIPs: [192.0.2.1]", "externalIPs[0]"),
        // A range of the tenant's own between does not hide the other's.
        ("externalIPs: [192.0.2.0/24]", "externalIPs: [192.0.2.7, 192.0.2.7]", "externalIPs[0]"),
    ] {
        let found = mistakes(&two(one, other));
        assert!(!found.is_empty(), "{one} {other}");
        assert_eq!(found[0].path, format!("spec.services.{path}"), "{one} {other}");
        assert!(found[0].message.contains("of tenant `a`"), "{}", found[0]);
        assert_style(&found[0]);
        assert!(!mistakes(&two(other, one)).is_empty(), "{other} {one}");
    }
    for (one, other) in [
        ("externalIPs: [192.0.2.7]", "externalIPs: [192.0.2.8]"),
        ("externalIPs: [192.0.2.0/28]", "loadBalancerIPs: [192.0.2.16/28]"),
        ("externalIPs: [\"::1\"]", "externalIPs: [0.0.0.1]"),
        ("externalIPs: [192.0.2.0/28, 192.0.2.1], loadBalancerIPs: [192.0.2.1]", "externalIPs: []"),
    ] {
        load(&two(one, other)).unwrap_or_else(|error| panic!("{one} {other}: {error}"));
    }
}

#[test]
fn o23_no_tenant_owns_a_public_suffix_or_the_cluster() {
    let of = |domain: &str| tenant("a", &format!("{{namespaces: [nu], domains: [\"{domain}\"]}}"));
    for domain in ["**.com", "*.co.uk", "**.local", "**.cluster.local", "**.mu.svc.cluster.local"] {
        let found = mistakes(&of(domain));
        assert_eq!((found.len(), &*found[0].path), (1, "spec.domains[0]"), "{domain}: {found:?}");
        assert_style(&found[0]);
    }
    for domain in ["**.example.com", "example.co.uk", "web.nu.svc.cluster.local"] {
        load(&of(domain)).unwrap_or_else(|error| panic!("{domain}: {error}"));
    }
}

#[test]
fn g30_patterns_of_hosts_overlap_with_domains_of_others_and_with_other_patterns() {
    const PATTERN: &str = "{name}-{namespace}.apps.example.com";
    let two = |one: &str, other: &str| {
        let of = |name: &str, domain: &str| {
            tenant(name, &format!("{{namespaces: [{name}], domains: [\"{domain}\"]}}"))
        };
        of("nu", one) + &of("mu", other)
    };
    for other in [
        "web-nu.apps.example.com",
        "*.apps.example.com",
        "**.apps.example.com",
        "**.example.com",
        "{namespace}-{name}.apps.example.com",
        "{name}{namespace}.apps.example.com",
    ] {
        let found = mistakes(&two(PATTERN, other));
        assert_eq!((found.len(), &*found[0].path), (1, "spec.domains[0]"), "{other}: {found:?}");
        assert_style(&found[0]);
    }
    for other in [
        PATTERN,
        "apps.example.com",
        "nu.apps.example.com",
        "web-mu.apps.example.com",
        "web-xi.apps.example.com",
        "a.web-nu.apps.example.com",
        "*.example.com",
        "{namespace}-{name}.example.com",
    ] {
        load(&two(PATTERN, other)).unwrap_or_else(|error| panic!("{other}: {error}"));
    }
}

#[test]
fn o23_exact_names_have_no_patterns() {
    let target = |name: &str| {
        exemption(&format!(
            "{{tenant: a, namespace: a, rules: [pod-security], controls: [privileged], reason: why, \
              expires: 2027-01-31, target: {{kind: Pod, name: \"{name}\"}}}}"
        ))
    };
    assert_each_has_one(&[
        ("a pattern", target("web-*"), "spec.target.name", r#""web-*""#, "no patterns"),
        ("another", target("web-?"), "spec.target.name", r#""web-?""#, "no patterns"),
    ]);
}

#[test]
fn o23_what_opens_a_wall_is_a_warning() {
    let in_two = |labels: &str| {
        format!("{{nodeSelector: {{node-restriction.kubernetes.io/pool: p{labels}}}, taints: [{{key: x}}]}}")
    };
    let rows: &[(&str, String, &str, &str)] = &[
        (
            "a taint that only asks",
            tenant("a", "{}")
                + &pool(
                    "p",
                    "{nodeSelector: {node-restriction.kubernetes.io/a: b}, \
                      taints: [{key: x, effect: PreferNoSchedule}]}",
                ),
            "spec.taints",
            "add a taint with `NoSchedule`",
        ),
        (
            "labels that are part of another pool's",
            tenant("a", "{}") + &good_pool("p") + &pool("q", &in_two(", zone: z")),
            "spec.nodeSelector",
            "the labels of NodePool `p`",
        ),
        (
            "every address",
            tenant("a", "{services: {types: [LoadBalancer], loadBalancerIPs: [0.0.0.0/0]}}"),
            "spec.services.loadBalancerIPs[0]",
            "every address",
        ),
        (
            "every address of the other family",
            tenant("a", "{services: {externalIPs: [\"::/0\"]}}"),
            "spec.services.externalIPs[0]",
            "every address",
        ),
        (
            "f9: every address of endpoints",
            tenant("a", "{endpoints: {addresses: [0.0.0.0/0]}}"),
            "spec.endpoints.addresses[0]",
            "every address",
        ),
        (
            "f9: addresses of endpoints of two tenants",
            tenant("a", "{namespaces: [nu], endpoints: {addresses: [10.8.0.0/16]}}")
                + &tenant("b", "{namespaces: [mu], endpoints: {addresses: [192.0.2.1, 10.8.4.0/24]}}"),
            "spec.endpoints.addresses[1]",
            "`10.8.0.0/16` of tenant `a`",
        ),
        (
            "f8: an alias of another tenant's Service",
            tenant("a", "{namespaces: [nu], services: {externalNames: [db.mu.svc.cluster.local]}}")
                + &tenant("b", "{namespaces: [mu]}"),
            "spec.services.externalNames[0]",
            "a Service of another tenant",
        ),
        (
            "f6: node ports of no load balancer",
            tenant("a", "{services: {types: [ClusterIP], loadBalancerNodePorts: true}}"),
            "spec.services.loadBalancerNodePorts",
            "add `LoadBalancer` to `services.types`",
        ),
        (
            "a scheduler that nobody may bind for",
            tenant("a", "{schedulers: [default-scheduler, volcano]}"),
            "spec.schedulers[1]",
            "`controllers.bindings`",
        ),
        (
            "a wall that is off",
            tenant("a", "{}") + &settings("{rules: {node-placement: off}}"),
            "spec.rules.node-placement",
            "other tenants'",
        ),
        (
            "a tenant's wall that is off",
            tenant("a", "{rules: {node-placement: off}}"),
            "spec.rules.node-placement",
            "other tenants'",
        ),
    ];
    for (name, text, path, words) in rows {
        let found = load(text).unwrap_or_else(|error| panic!("{name}: {error}")).warnings;
        assert_eq!(found.len(), 1, "{name}: {found:#?}");
        assert!(found[0].path == *path && found[0].message.contains(words), "{name}: {}", found[0]);
        assert_style(&found[0]);
    }
    let bound = tenant("a", "{schedulers: [default-scheduler, volcano]}")
        + &settings(
            "{controllers: {bindings: [\"system:serviceaccount:volcano-system:volcano-scheduler\"]}}",
        );
    assert_eq!(load(&bound).unwrap().warnings, []);
}

#[test]
fn an_object_acknowledges_its_warnings_by_their_paths() {
    let open = |annotation: &str| {
        format!(
            "---\napiVersion: partywall.dev/v1alpha1\nkind: NodePool\n\
             metadata: {{name: p, annotations: {{partywall.dev/acknowledge: {annotation}}}}}\n\
             spec: {{nodeSelector: {{pool: p}}}}\n"
        ) + &tenant("a", "{}")
    };
    let paths = |annotation: &str| {
        let warnings = load(&open(annotation)).unwrap().warnings;
        warnings.into_iter().map(|warning| warning.path).collect::<Vec<_>>()
    };
    assert_eq!(paths("\"\""), ["spec.nodeSelector.pool", "spec.taints"]);
    assert_eq!(paths("spec.taints"), ["spec.nodeSelector.pool"]);
    assert_eq!(paths("\"spec.taints, spec.nodeSelector\""), [""; 0]);
    // A path of no warning is most likely misspelt.
    let misspelt =
        ["metadata.annotations[partywall.dev/acknowledge]", "spec.nodeSelector.pool", "spec.taints"];
    assert_eq!(paths("spec.taint"), misspelt);
    // It acknowledges no mistake, and no warning about another object.
    assert_each_has_one(&[(
        "no list",
        open("[spec.taints]"),
        "metadata.annotations[partywall.dev/acknowledge]",
        r#"["spec.taints"]"#,
        "must be a string",
    )]);
}
