//! Mistakes of Tenants.

use super::*;

#[test]
fn tenants_are_checked() {
    let long = "a".repeat(64);
    let pools = good_pool("general") + &good_pool("gpu");
    let with_pools = |spec: &str| pools.clone() + &tenant("a", spec);
    let two = |a: &str, b: &str| tenant("a", a) + &tenant("b", b);
    assert_each_has_one(&[
        (
            "i13: a namespace of two tenants",
            two("{namespaces: [nu]}", "{namespaces: [mu, nu]}"),
            "spec.namespaces[1]",
            r#""nu""#,
            "claimed by tenant `a`",
        ),
        (
            "a system namespace",
            tenant("a", "{namespaces: [kube-system]}"),
            "spec.namespaces[0]",
            r#""kube-system""#,
            "`systemNamespaces`",
        ),
        (
            "a namespace twice",
            tenant("a", "{namespaces: [nu, nu]}"),
            "spec.namespaces[1]",
            r#""nu""#,
            "listed twice",
        ),
        (
            "i14: a pattern",
            tenant("a", "{namespaces: [\"team-*\"]}"),
            "spec.namespaces[0]",
            r#""team-*""#,
            "no patterns",
        ),
        ("no namespaces", tenant("a", "{namespaces: []}"), "spec.namespaces", "[]", "leave the field out"),
        (
            "a15: a long name",
            tenant(&long, "{}"),
            "metadata.name",
            Box::leak(format!("{long:?}").into_boxed_str()),
            "at most 63",
        ),
        (
            "a name twice",
            two("{}", "{}").replace("name: b", "name: a"),
            "metadata.name",
            r#""a""#,
            "the second Tenant",
        ),
        (
            "an unknown default pool",
            with_pools("{nodePools: {default: genral}}"),
            "spec.nodePools.default",
            r#""genral""#,
            "there is no NodePool `genral`, did you mean `general`?",
        ),
        (
            "an unknown allowed pool",
            with_pools("{nodePools: {default: general, allowed: [gpu, x]}}"),
            "spec.nodePools.allowed[1]",
            r#""x""#,
            "there is no NodePool `x`",
        ),
        (
            "no allowed pools",
            with_pools("{nodePools: {default: general, allowed: []}}"),
            "spec.nodePools.allowed",
            "[]",
            "leave the field out",
        ),
        (
            "an unparsable domain",
            tenant("a", "{domains: [a.example.com, \"*\"]}"),
            "spec.domains[1]",
            r#""*""#,
            "`*.example.com` (one label below)",
        ),
        (
            "a domain that is an address",
            tenant("a", "{domains: [10.0.0.1]}"),
            "spec.domains[0]",
            r#""10.0.0.1""#,
            "IP address",
        ),
        (
            "g30: the same domain",
            two("{domains: [x.example.com]}", "{domains: [X.example.com]}"),
            "spec.domains[0]",
            r#""X.example.com""#,
            "overlaps with `x.example.com` of tenant `a`",
        ),
        (
            "g30: a host below `*`",
            two("{domains: [\"*.example.com\"]}", "{domains: [x.example.com]}"),
            "spec.domains[0]",
            r#""x.example.com""#,
            "overlaps with `*.example.com` of tenant `a`",
        ),
        (
            "g30: a host below `**`",
            two("{domains: [a.b.example.com]}", "{domains: [\"**.example.com\"]}"),
            "spec.domains[0]",
            r#""a.b.example.com""#,
            "overlaps with `**.example.com` of tenant `b`",
        ),
        (
            "g30: `*` and `**`",
            two("{domains: [\"*.example.com\"]}", "{domains: [\"**.example.com\"]}"),
            "spec.domains[0]",
            r#""*.example.com""#,
            "overlaps with `**.example.com` of tenant `b`",
        ),
        (
            "a version that is none",
            tenant("a", "{podSecurity: {level: baseline, version: \"1.30\"}}"),
            "spec.podSecurity.version",
            r#""1.30""#,
            "write `v1.N`",
        ),
        (
            "a version with a patch",
            tenant("a", "{podSecurity: {level: baseline, version: v1.30.2}}"),
            "spec.podSecurity.version",
            r#""v1.30.2""#,
            "write `v1.N`",
        ),
        (
            "no service types",
            tenant("a", "{services: {types: []}}"),
            "spec.services.types",
            "[]",
            "leave the field out",
        ),
        (
            "an unknown service type",
            tenant("a", "{services: {types: [Loadbalancer]}}"),
            "spec.services.types[0]",
            r#""Loadbalancer""#,
            "did you mean `LoadBalancer`?",
        ),
        (
            "an external IP that is none",
            tenant("a", "{services: {externalIPs: [192.0.2.1, 192.0.2]}}"),
            "spec.services.externalIPs[1]",
            r#""192.0.2""#,
            "neither an address nor a range",
        ),
        (
            "an external name in the cluster",
            tenant("a", "{services: {externalNames: [db.other.svc.cluster.local]}}"),
            "spec.services.externalNames[0]",
            r#""db.other.svc.cluster.local""#,
            "other tenants' among them",
        ),
        (
            "an external name above the cluster",
            tenant("a", "{services: {externalNames: [\"**.local\"]}}"),
            "spec.services.externalNames[0]",
            r#""**.local""#,
            "cluster.local",
        ),
        (
            "an external name like an address",
            tenant("a", "{services: {externalNames: [\"127.1\"]}}"),
            "spec.services.externalNames[0]",
            r#""127.1""#,
            "IP address",
        ),
        (
            "an external name that is none",
            tenant("a", "{services: {externalNames: [\"a b\"]}}"),
            "spec.services.externalNames[0]",
            r#""a b""#,
            "no DNS name",
        ),
        (
            "a toleration without a key",
            tenant("a", "{tolerations: [{key: \"\", operator: Exists}]}"),
            "spec.tolerations[0].key",
            r#""""#,
            "every taint of every node",
        ),
        (
            "a toleration with `Exists` and a value",
            tenant("a", "{tolerations: [{key: x, operator: Exists, value: v}]}"),
            "spec.tolerations[0].value",
            r#""v""#,
            "`Exists` takes no value",
        ),
        (
            "a toleration that reaches a foreign pool",
            with_pools(
                "{nodePools: {default: general}, tolerations: [{key: pool, value: gpu, effect: NoSchedule}]}",
            ),
            "spec.tolerations[0]",
            r#"{"key":"pool","value":"gpu","effect":"NoSchedule"}"#,
            "a taint of NodePool `gpu`",
        ),
        (
            "a toleration that reaches all pools",
            with_pools("{nodePools: {default: general}, tolerations: [{key: pool, operator: Exists}]}"),
            "spec.tolerations[0]",
            r#"{"key":"pool","operator":"Exists"}"#,
            "a taint of NodePool `gpu`",
        ),
        (
            "an unknown rule",
            tenant("a", "{rules: {ingres-hosts: warn}}"),
            "spec.rules.ingres-hosts",
            r#""warn""#,
            "did you mean `ingress-hosts`?",
        ),
    ]);
}
