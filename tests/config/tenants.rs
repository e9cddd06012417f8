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
        ("o17: no namespaces", tenant("a", "{namespaces: []}"), "spec.namespaces", "[]", "owns nothing"),
        ("o17: namespaces left out", object("Tenant", "a", "{}"), "spec.namespaces", "", "owns nothing"),
        (
            "o17: namespaces left out beside other fields",
            object("Tenant", "a", "{domains: [a.example.com], podSecurity: {level: restricted}}"),
            "spec.namespaces",
            "",
            "by exact name",
        ),
        ("o17: null", object("Tenant", "a", "{namespaces: null}"), "spec.namespaces", "", "owns nothing"),
        ("no scheduler", tenant("a", "{schedulers: []}"), "spec.schedulers", "[]", "`default-scheduler`"),
        (
            "c8: a pattern of schedulers",
            tenant("a", "{schedulers: [\"*\"]}"),
            "spec.schedulers[0]",
            r#""*""#,
            "no name of an object",
        ),
        (
            "c13: a priority class of the system",
            tenant("a", "{priorityClasses: [low, system-node-critical]}"),
            "spec.priorityClasses[1]",
            r#""system-node-critical""#,
            "no tenant gets it",
        ),
        (
            "no priority class",
            tenant("a", "{priorityClasses: []}"),
            "spec.priorityClasses",
            "[]",
            "leave the field out",
        ),
        (
            "c11: no runtime class",
            tenant("a", "{runtimeClasses: {}}"),
            "spec.runtimeClasses",
            "{}",
            "names no class",
        ),
        (
            "c11: an empty list of runtime classes",
            tenant("a", "{runtimeClasses: {default: gvisor, allowed: []}}"),
            "spec.runtimeClasses.allowed",
            "[]",
            "leave the field out",
        ),
        (
            "c11: a runtime class that is none",
            tenant("a", "{runtimeClasses: {default: gVisor}}"),
            "spec.runtimeClasses.default",
            r#""gVisor""#,
            "no name of an object",
        ),
        ("no ingress class", tenant("a", "{ingressClasses: []}"), "spec.ingressClasses", "[]", "any or none"),
        (
            "f11: no Gateway class",
            tenant("a", "{gatewayClasses: []}"),
            "spec.gatewayClasses",
            "[]",
            "leave the field out",
        ),
        (
            "f11: a pattern of Gateway classes",
            tenant("a", "{gatewayClasses: [public, \"*\"]}"),
            "spec.gatewayClasses[1]",
            r#""*""#,
            "no name of an object",
        ),
        ("g18: no Gateway", tenant("a", "{gateways: []}"), "spec.gateways", "[]", "leave the field out"),
        (
            "g18: a Gateway of no namespace",
            tenant("a", "{gateways: [ingress/public, public]}"),
            "spec.gateways[1]",
            r#""public""#,
            "no Gateway",
        ),
        (
            "g18: all Gateways of a namespace",
            tenant("a", "{gateways: [\"ingress/*\"]}"),
            "spec.gateways[0]",
            r#""ingress/*""#,
            "no Gateway",
        ),
        (
            "g18: a Gateway of any namespace",
            tenant("a", "{gateways: [\"*/public\"]}"),
            "spec.gateways[0]",
            r#""*/public""#,
            "no Gateway",
        ),
        (
            "no registry",
            tenant("a", "{imageRegistries: []}"),
            "spec.imageRegistries",
            "[]",
            "name a registry",
        ),
        (
            "a registry that could be a path",
            tenant("a", "{imageRegistries: [team/app]}"),
            "spec.imageRegistries[0]",
            r#""team/app""#,
            "no registry",
        ),
        (
            "a registry with a tag",
            tenant("a", "{imageRegistries: [\"registry.example.com/app:1\"]}"),
            "spec.imageRegistries[0]",
            r#""registry.example.com/app:1""#,
            "without a tag",
        ),
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
            tenant("a", "{services: {externalNames: [\"*.other.svc.cluster.local\"]}}"),
            "spec.services.externalNames[0]",
            r#""*.other.svc.cluster.local""#,
            "write the exact name of a Service",
        ),
        (
            "an external name of a pod",
            tenant("a", "{services: {externalNames: [10-0-0-1.other.pod.cluster.local]}}"),
            "spec.services.externalNames[0]",
            r#""10-0-0-1.other.pod.cluster.local""#,
            "write the exact name of a Service",
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
            "f9: no ranges of endpoints",
            tenant("a", "{endpoints: {addresses: []}}"),
            "spec.endpoints.addresses",
            "[]",
            "leave `endpoints` out",
        ),
        (
            "f9: a range of endpoints that is none",
            tenant("a", "{endpoints: {addresses: [10.0.0.0/33]}}"),
            "spec.endpoints.addresses[0]",
            r#""10.0.0.0/33""#,
            "neither an address nor a range",
        ),
        (
            "f9: a writer of endpoints that is no ServiceAccount",
            tenant("a", "{endpoints: {addresses: [10.0.0.0/24], writers: [\"system:node:a\"]}}"),
            "spec.endpoints.writers[0]",
            r#""system:node:a""#,
            "such as `team-a/postgres`",
        ),
        (
            "f9: a writer of endpoints in another namespace",
            tenant("a", "{endpoints: {addresses: [10.0.0.0/24], writers: [other/postgres]}}"),
            "spec.endpoints.writers[0]",
            r#""other/postgres""#,
            "`controllers.endpoints`",
        ),
        (
            "f9: no writers of endpoints",
            tenant("a", "{endpoints: {addresses: [10.0.0.0/24], writers: []}}"),
            "spec.endpoints.writers",
            "[]",
            "leave the field out",
        ),
        (
            "g24: a pattern without a namespace",
            tenant("a", "{domains: [\"{name}.apps.example.com\"]}"),
            "spec.domains[0]",
            r#""{name}.apps.example.com""#,
            "`{name}` and `{namespace}` once each",
        ),
        (
            "g24: a pattern in two labels",
            tenant("a", "{domains: [\"{name}.{namespace}.apps.example.com\"]}"),
            "spec.domains[0]",
            r#""{name}.{namespace}.apps.example.com""#,
            "in its first label",
        ),
        (
            "g24: a pattern of a public suffix",
            tenant("a", "{domains: [\"{name}-{namespace}.co.uk\"]}"),
            "spec.domains[0]",
            r#""{name}-{namespace}.co.uk""#,
            "suffix",
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

#[test]
fn storage_is_checked() {
    let two = |a: &str, b: &str| tenant("a", a) + &tenant("b", b);
    assert_each_has_one(&[
        ("h1: no storage", tenant("a", "{storage: {}}"), "spec.storage", r#"{}"#, "lists nothing"),
        (
            "h3: no class",
            tenant("a", "{storage: {classes: []}}"),
            "spec.storage.classes",
            r#"[]"#,
            "then it is any",
        ),
        (
            "h3: a pattern of classes",
            tenant("a", "{storage: {classes: [fast, \"*\"]}}"),
            "spec.storage.classes[1]",
            r#""*""#,
            "no name of an object",
        ),
        (
            "h2: the empty class",
            tenant("a", "{storage: {classes: [\"\"]}}"),
            "spec.storage.classes[0]",
            r#""""#,
            "no name of an object",
        ),
        (
            "h6: no class of snapshots",
            tenant("a", "{storage: {snapshotClasses: []}}"),
            "spec.storage.snapshotClasses",
            r#"[]"#,
            "leave the field out",
        ),
        (
            "h6: no class of attributes",
            tenant("a", "{storage: {attributesClasses: []}}"),
            "spec.storage.attributesClasses",
            r#"[]"#,
            "leave the field out",
        ),
        (
            "h1: no volume",
            tenant("a", "{storage: {volumes: []}}"),
            "spec.storage.volumes",
            r#"[]"#,
            "claims may name none",
        ),
        (
            "h1: a pattern of volumes",
            tenant("a", "{storage: {volumes: [\"pv-*\"]}}"),
            "spec.storage.volumes[0]",
            r#""pv-*""#,
            "no name of an object",
        ),
        (
            "o13: no driver",
            tenant("a", "{storage: {inlineDrivers: []}}"),
            "spec.storage.inlineDrivers",
            r#"[]"#,
            "no inline volumes",
        ),
        (
            "o13: a pattern of drivers",
            tenant("a", "{storage: {inlineDrivers: [\"*.csi.k8s.io\"]}}"),
            "spec.storage.inlineDrivers[0]",
            r#""*.csi.k8s.io""#,
            "no CSI driver",
        ),
        (
            "h5: no type of network volumes",
            tenant("a", "{storage: {networkVolumes: []}}"),
            "spec.storage.networkVolumes",
            r#"[]"#,
            "as the level says",
        ),
        (
            "h5: a type that is nearly one",
            tenant("a", "{storage: {networkVolumes: [nfs, isci]}}"),
            "spec.storage.networkVolumes[1]",
            r#""isci""#,
            "did you mean `iscsi`",
        ),
        (
            "h5: a path of the node",
            tenant("a", "{storage: {networkVolumes: [hostPath]}}"),
            "spec.storage.networkVolumes[0]",
            r#""hostPath""#,
            "no type of network volumes",
        ),
        (
            "o18: an issuer that is none",
            tenant("a", "{certificateIssuers: [\"ClusterIssuer/root\"]}"),
            "spec.certificateIssuers[0]",
            r#""ClusterIssuer/root""#,
            "Kind.group/name",
        ),
        (
            "h1: a volume of two tenants",
            two("{storage: {volumes: [media]}}", "{storage: {volumes: [data, media]}}"),
            "spec.storage.volumes[1]",
            r#""media""#,
            "tenant `a`",
        ),
    ]);
    let good = "{certificateIssuers: [root, AWSPCAClusterIssuer.awspca.cert-manager.io/root], \
                storage: {classes: [fast], volumes: [media, media], inlineDrivers: [Files.csi.example.com], \
                networkVolumes: [nfs, iscsi, cephfs]}}";
    assert!(load(&tenant("a", good)).is_ok());
}

/// Writes so many pools of these labels, in which `#` is the number of the pool, and a tenant that has all of them.
fn with_many_pools(count: usize, labels: impl Fn(usize) -> String) -> String {
    let pools = (0..count).map(|i| {
        let spec = format!("{{nodeSelector: {}, taints: [{{key: pool, value: p{i}}}]}}", labels(i));
        pool(&format!("p{i}"), &spec.replace('#', &i.to_string()))
    });
    let names: Vec<_> = (1..count).map(|i| format!("p{i}")).collect();
    let named = format!("{{nodePools: {{default: p0, allowed: [{}]}}}}", names.join(", "));
    pools.collect::<String>() + &tenant("a", &named)
}

#[test]
fn o2_o21_a_tenant_has_few_pools_and_few_kinds_of_them() {
    let key = "node-restriction.kubernetes.io/pool";
    let alike = |_| format!("{{{key}: p#}}");
    let unlike = |i| format!("{{{key}: p#, own-{i}: x}}");
    assert_each_has_one(&[
        ("too many pools", with_many_pools(65, alike), "spec.nodePools.allowed", "65", "at most 64 pools"),
        (
            "too many kinds of pools",
            with_many_pools(9, unlike),
            "spec.nodePools.allowed",
            "9",
            "differ in several keys",
        ),
    ]);
    for policies in [with_many_pools(64, alike), with_many_pools(8, unlike)] {
        assert!(load(&policies).is_ok());
    }
}

#[test]
fn values_beside_the_pod_security_standard_are_checked() {
    let of = |allow: &str| {
        tenant("a", &format!("{{podSecurity: {{level: baseline, version: v1.33, allow: {allow}}}}}"))
    };
    assert_each_has_one(&[
        (
            "all capabilities",
            of("{capabilities: [NET_ADMIN, ALL]}"),
            "spec.podSecurity.allow.capabilities[1]",
            r#""ALL""#,
            "list those that the pods need",
        ),
        (
            "a capability with its prefix",
            of("{capabilities: [CAP_NET_ADMIN]}"),
            "spec.podSecurity.allow.capabilities[0]",
            r#""CAP_NET_ADMIN""#,
            "without `CAP_`",
        ),
        (
            "a capability in small letters",
            of("{capabilities: [net_admin]}"),
            "spec.podSecurity.allow.capabilities[0]",
            r#""net_admin""#,
            "in capital letters",
        ),
        (
            "no capability",
            of("{capabilities: []}"),
            "spec.podSecurity.allow.capabilities",
            "[]",
            "leave the field out",
        ),
        (
            "a pattern of kernel settings",
            of("{sysctls: [\"net.*\"]}"),
            "spec.podSecurity.allow.sysctls[0]",
            r#""net.*""#,
            "no pattern",
        ),
        (
            "no kernel setting",
            of("{sysctls: [somaxconn]}"),
            "spec.podSecurity.allow.sysctls[0]",
            r#""somaxconn""#,
            "its exact name",
        ),
        (
            "port 0",
            of("{hostPorts: [80, 0]}"),
            "spec.podSecurity.allow.hostPorts[1]",
            "0",
            "between 1 and 65535",
        ),
    ]);
}

#[test]
fn e1_a_capability_that_takes_over_nodes_is_warned_about() {
    let of = |name: &str| {
        tenant(
            "a",
            &format!(
                "{{podSecurity: {{level: baseline, version: v1.33, allow: {{capabilities: [{name}]}}}}}}"
            ),
        )
    };
    assert!(load(&of("NET_ADMIN")).unwrap().warnings.is_empty());
    let warnings = load(&of("SYS_ADMIN")).unwrap().warnings;
    let [Mistake { path, message, .. }] = &warnings[..] else { panic!("{warnings:?}") };
    assert_eq!(path, "spec.podSecurity.allow.capabilities[0]");
    assert!(message.contains("write an Exemption"), "{message}");
}

#[test]
fn topologies_are_checked() {
    assert_each_has_one(&[
        (
            "no topology",
            tenant("a", "{podAffinity: {topologyKeys: []}}"),
            "spec.podAffinity.topologyKeys",
            "[]",
            "leave the field out",
        ),
        (
            "no label",
            tenant("a", "{podAffinity: {topologyKeys: [topology.kubernetes.io/zone, \"*\"]}}"),
            "spec.podAffinity.topologyKeys[1]",
            r#""*""#,
            "key",
        ),
        (
            "a misspelt field",
            tenant("a", "{podAffinity: {topologyKey: [zone]}}"),
            "spec.podAffinity.topologyKey",
            r#"["zone"]"#,
            "did you mean `topologyKeys`",
        ),
    ]);
}

#[test]
fn c12_a_topology_of_most_nodes_is_warned_about() {
    let of = |key: &str| tenant("a", &format!("{{podAffinity: {{topologyKeys: [{key}]}}}}"));
    assert!(load(&of("topology.kubernetes.io/zone")).unwrap().warnings.is_empty());
    let warnings = load(&of("kubernetes.io/os")).unwrap().warnings;
    let [Mistake { path, message, .. }] = &warnings[..] else { panic!("{warnings:?}") };
    assert_eq!(path, "spec.podAffinity.topologyKeys[0]");
    assert!(message.contains("off all of them"), "{message}");
}

#[test]
fn f9_writers_of_endpoints_are_own_service_accounts() {
    let spec = "{namespaces: [nu, mu], endpoints: {addresses: [10.8.0.0/24, \"fd00::1\"], writers: [a, mu/b, \
                \"system:serviceaccount:nu:c\"]}}";
    let snapshot = load(&tenant("t", spec)).unwrap().snapshot;
    let endpoints = snapshot.tenants()[0].endpoints.as_ref().unwrap();
    let writers = endpoints.writers.as_ref().unwrap();
    let own = ["nu:a", "mu:a", "mu:b", "nu:c"].map(|name| format!("system:serviceaccount:{name}").into());
    assert_eq!(**writers, own);
    assert!(endpoints.addresses.contain("10.8.0.7") && endpoints.addresses.contain("fd00::1"));
    assert!(!endpoints.addresses.contain("10.8.1.7"));
    let anybody = "{endpoints: {addresses: [192.0.2.1]}}";
    let snapshot = load(&tenant("t", anybody)).unwrap().snapshot;
    assert!(snapshot.tenants()[0].endpoints.as_ref().unwrap().writers.is_none());
    assert!(load(&tenant("t", "{}")).unwrap().snapshot.tenants()[0].endpoints.is_none());
}
