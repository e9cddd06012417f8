//! Mistakes of Settings: whom the platform trusts, and where other APIs have their hosts.

use partywall_core::tenancy::{Controllers, Snapshot};

use super::*;

#[test]
fn whom_the_platform_trusts_is_checked() {
    let with_tenant = |spec: &str| tenant("a", "{namespaces: [nu]}") + &settings(spec);
    assert_each_has_one(&[
        (
            "g25: a ServiceAccount of a tenant's that writes requests",
            with_tenant(
                "{controllers: {certificates: [cert-manager, \"system:serviceaccount:nu:default\"]}}",
            ),
            "spec.controllers.certificates[1]",
            r#""system:serviceaccount:nu:default""#,
            "a namespace of the platform",
        ),
        (
            "g26: one that writes routes",
            with_tenant("{controllers: {routes: [\"system:serviceaccount:nu:flagger\"]}}"),
            "spec.controllers.routes[0]",
            r#""system:serviceaccount:nu:flagger""#,
            "any ServiceAccount of their own namespaces",
        ),
        (
            "one that writes addresses",
            with_tenant("{controllers: {endpoints: [\"system:serviceaccount:nu:a\"]}}"),
            "spec.controllers.endpoints[0]",
            r#""system:serviceaccount:nu:a""#,
            "one of a tenant's",
        ),
        (
            "f8: one that writes aliases",
            with_tenant("{controllers: {services: [\"system:serviceaccount:nu:a\"]}}"),
            "spec.controllers.services[0]",
            r#""system:serviceaccount:nu:a""#,
            "one of a tenant's",
        ),
        (
            "h1: one that binds claims",
            with_tenant("{controllers: {volumes: [\"system:serviceaccount:nu:velero\"]}}"),
            "spec.controllers.volumes[0]",
            r#""system:serviceaccount:nu:velero""#,
            "one of a tenant's",
        ),
        (
            "i3: one of the platform's users",
            with_tenant("{platform: {users: [\"system:serviceaccount:nu:a\"]}}"),
            "spec.platform.users[0]",
            r#""system:serviceaccount:nu:a""#,
            "one of a tenant's",
        ),
        (
            "i3: all of a tenant's ServiceAccounts",
            with_tenant("{platform: {groups: [\"system:serviceaccounts:nu\"]}}"),
            "spec.platform.groups[0]",
            r#""system:serviceaccounts:nu""#,
            "one of a tenant's",
        ),
        (
            "i3: everybody",
            settings("{platform: {groups: [\"system:masters\", \"system:authenticated\"]}}"),
            "spec.platform.groups[1]",
            r#""system:authenticated""#,
            "tenants are in this group as well",
        ),
        (
            "all ServiceAccounts",
            settings("{platform: {groups: [\"system:serviceaccounts\"]}}"),
            "spec.platform.groups[0]",
            r#""system:serviceaccounts""#,
            "tenants are in this group as well",
        ),
        (
            "a pattern of users",
            settings("{platform: {users: [\"system:serviceaccount:argocd:*\"]}}"),
            "spec.platform.users[0]",
            r#""system:serviceaccount:argocd:*""#,
            "no patterns",
        ),
        (
            "a pattern of groups",
            settings("{platform: {groups: [\"*\"]}}"),
            "spec.platform.groups[0]",
            r#""*""#,
            "no patterns",
        ),
        (
            "a blank controller",
            settings("{controllers: {routes: [\" \"]}}"),
            "spec.controllers.routes[0]",
            r#"" ""#,
            "this is no name",
        ),
        (
            "a domain with a slash",
            settings("{annotationDomains: [tools.example.com/]}"),
            "spec.annotationDomains[0]",
            r#""tools.example.com/""#,
            "write `example.com`, without a slash",
        ),
        (
            "a domain of all controllers",
            settings("{annotationDomains: [tools.example.com, kubernetes.io]}"),
            "spec.annotationDomains[1]",
            r#""kubernetes.io""#,
            "write the whole domain of the annotations",
        ),
        (
            "a domain of all",
            settings("{annotationDomains: [com]}"),
            "spec.annotationDomains[0]",
            r#""com""#,
            "write the whole domain of the annotations",
        ),
        (
            "a prefix with a slash",
            settings("{annotationPrefixes: [ingress.example.com/]}"),
            "spec.annotationPrefixes[0]",
            r#""ingress.example.com/""#,
            "without a slash",
        ),
        (
            "an empty prefix",
            settings("{annotationPrefixes: [a.example.com, \"\"]}"),
            "spec.annotationPrefixes[1]",
            r#""""#,
            "no prefix of annotations",
        ),
    ]);
}

#[test]
fn workload_kinds_are_checked() {
    let of = |kinds: &str| settings(&format!("{{workloadKinds: [{kinds}]}}"));
    let rollout = |template: &str| {
        of(&format!("{{group: argoproj.io, kind: Rollout, resource: rollouts, template: {template}}}"))
    };
    let kind = |group: &str, kind: &str| of(&format!("{{group: {group}, kind: {kind}, resource: x}}"));
    const KIND: &str = "spec.workloadKinds[0].kind";
    const TEMPLATE: &str = "spec.workloadKinds[0].template";
    assert_each_has_one(&[
        (
            "a group with a version",
            of("{group: argoproj.io/v1alpha1, kind: Rollout, resource: rollouts}"),
            "spec.workloadKinds[0].group",
            r#""argoproj.io/v1alpha1""#,
            "without a version",
        ),
        ("a pattern", kind("argoproj.io", "\"*\""), KIND, r#""*""#, "no kind"),
        (
            "no resource",
            of("{group: argoproj.io, kind: Rollout, resource: rollouts/status}"),
            "spec.workloadKinds[0].resource",
            r#""rollouts/status""#,
            "the plural",
        ),
        (
            "a kind twice",
            of(
                "{group: a.example.com, kind: A, resource: as}, {group: a.example.com, kind: A, resource: as}",
            ),
            "spec.workloadKinds[1].kind",
            r#""A""#,
            "listed twice",
        ),
        (
            "a claim",
            kind("snapshot.storage.k8s.io", "VolumeSnapshot"),
            KIND,
            r#""VolumeSnapshot""#,
            "a rule reads",
        ),
        ("a route", kind("gateway.networking.k8s.io", "HTTPRoute"), KIND, r#""HTTPRoute""#, "a rule reads"),
        (
            "a claim",
            kind("snapshot.storage.k8s.io", "VolumeSnapshot"),
            KIND,
            r#""VolumeSnapshot""#,
            "a rule reads",
        ),
        (
            "a mesh's",
            kind("networking.istio.io", "VirtualService"),
            KIND,
            r#""VirtualService""#,
            "a rule reads",
        ),
        ("partywall's own", kind("partywall.dev", "Tenant"), KIND, r#""Tenant""#, "a rule reads"),
        (
            "one of foreignRoutes",
            settings(
                "{foreignRoutes: [{group: a.example.com, kind: A}], \
                  workloadKinds: [{group: a.example.com, kind: A, resource: as}]}",
            ),
            KIND,
            r#""A""#,
            "one of `foreignRoutes` too",
        ),
        ("no path", rollout("\"\""), TEMPLATE, r#""""#, "no path to pod templates"),
        (
            "one template of a list",
            rollout("\".spec.jobs[0].template\""),
            TEMPLATE,
            r#"".spec.jobs[0].template""#,
            "`.spec.tasks[*].template`",
        ),
        ("metadata", rollout(".metadata.name"), TEMPLATE, r#"".metadata.name""#, "no path to pod templates"),
        (
            "a status",
            rollout(".status.template"),
            TEMPLATE,
            r#"".status.template""#,
            "no path to pod templates",
        ),
        (
            "a long path",
            rollout(".a.b.c.d.e.f.g.h.i"),
            TEMPLATE,
            r#"".a.b.c.d.e.f.g.h.i""#,
            "at most 8 fields and lists",
        ),
        (
            "no field",
            of("{group: argoproj.io, kind: Rollout}"),
            "spec.workloadKinds[0].resource",
            "",
            "missing field",
        ),
    ]);
    for (good, path) in [
        ("$.spec.template", "spec.template"),
        ("\".spec.tasks[*].template\"", "spec.tasks[*].template"),
        ("\".spec.groups[*].jobs[*].template\"", "spec.groups[*].jobs[*].template"),
    ] {
        let kinds = load(&(tenant("a", "{}") + &rollout(good))).unwrap().snapshot.workload_kinds;
        let template = kinds[0].template.as_ref().unwrap();
        let paths = (format!("{path}.spec"), format!("{path}.metadata"));
        assert_eq!((&*template.spec, &*template.metadata), (&*paths.0, &*paths.1));
    }
}

#[test]
fn an_exemption_of_a_listed_workload_exempts_something() {
    let of = |group: &str| {
        format!(
            "{{tenant: a, namespace: a, rules: [pod-security], images: [registry.example.com/agent], \
              target: {{kind: Rollout, name: x{group}}}, reason: why, expires: 2027-01-01}}"
        )
    };
    let listed = settings("{workloadKinds: [{group: argoproj.io, kind: Rollout, resource: rollouts}]}");
    for group in ["", ", group: argoproj.io"] {
        let loaded = load(&(exemption(&of(group)) + &listed)).unwrap();
        assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);
        let exemption = &loaded.snapshot.tenants()[0].exemptions[0];
        assert!(exemption.is_custom && exemption.groups.contains("argoproj.io"));
        assert!(!exemption.groups.contains("example.com"));
    }
    // Objects of another group run no images that partywall knows of.
    for (text, words) in [
        (exemption(&of(", group: example.com")) + &listed, "run no images"),
        (exemption(&of("")), "run no images"),
    ] {
        assert!(mistakes(&text)[0].message.contains(words));
    }
    let without_images = of("").replace("images: [registry.example.com/agent], ", "");
    let warnings = load(&exemption(&without_images)).unwrap().warnings;
    assert!(warnings.iter().any(|warning| warning.message.contains("`workloadKinds`")), "{warnings:?}");
}

#[test]
fn g26_foreign_routes_are_checked() {
    let of = |routes: &str| settings(&format!("{{foreignRoutes: [{routes}]}}"));
    let with_paths = |paths: &str| of(&format!("{{group: a.example.com, kind: A, {paths}}}"));
    assert_each_has_one(&[
        (
            "a group with a version",
            of("{group: networking.istio.io/v1, kind: VirtualService}"),
            "spec.foreignRoutes[0].group",
            r#""networking.istio.io/v1""#,
            "without a version",
        ),
        (
            "a group that is none",
            of("{group: istio, kind: VirtualService}"),
            "spec.foreignRoutes[0].group",
            r#""istio""#,
            "no API group",
        ),
        (
            "a pattern of kinds",
            of("{group: networking.istio.io, kind: \"*\"}"),
            "spec.foreignRoutes[0].kind",
            r#""*""#,
            "as Kubernetes spells it",
        ),
        (
            "no kind",
            of("{group: networking.istio.io, kind: \"\"}"),
            "spec.foreignRoutes[0].kind",
            r#""""#,
            "no kind",
        ),
        (
            "a kind twice",
            of("{group: a.example.com, kind: A}, {group: a.example.com, kind: A, hosts: [.a]}"),
            "spec.foreignRoutes[1].kind",
            r#""A""#,
            "listed twice",
        ),
        (
            "g17: a kind that another rule reads",
            of("{group: gateway.networking.k8s.io, kind: HTTPRoute, hosts: [\".spec.hostnames[*]\"]}"),
            "spec.foreignRoutes[0].kind",
            r#""HTTPRoute""#,
            "other rules check them",
        ),
        (
            "g1: an Ingress",
            of("{group: networking.k8s.io, kind: Ingress}"),
            "spec.foreignRoutes[0].kind",
            r#""Ingress""#,
            "other rules check them",
        ),
        (
            "a place in a list",
            with_paths("hosts: [\".spec.hosts[0]\"]"),
            "spec.foreignRoutes[0].hosts[0]",
            r#"".spec.hosts[0]""#,
            "no path to hosts",
        ),
        (
            "a filter",
            with_paths("hosts: [.a], optionalHosts: [\".spec[?(@.a)]\"]"),
            "spec.foreignRoutes[0].optionalHosts[0]",
            r#"".spec[?(@.a)]""#,
            "no path to hosts",
        ),
        (
            "a path into labels",
            with_paths("hosts: [.metadata.labels.host]"),
            "spec.foreignRoutes[0].hosts[0]",
            r#"".metadata.labels.host""#,
            "hosts are not read here",
        ),
        (
            "a path into the status",
            with_paths("optionalHosts: [\".status.hosts[*]\"]"),
            "spec.foreignRoutes[0].optionalHosts[0]",
            r#"".status.hosts[*]""#,
            "hosts are not read here",
        ),
    ]);
}

#[test]
fn g25_the_issuers_of_a_tenant_are_checked() {
    assert_each_has_one(&[
        (
            "no issuer",
            tenant("a", "{certificateIssuers: []}"),
            "spec.certificateIssuers",
            "[]",
            "an empty list",
        ),
        (
            "a pattern of issuers",
            tenant("a", "{certificateIssuers: [le, \"le-*\"]}"),
            "spec.certificateIssuers[1]",
            r#""le-*""#,
            "no name of an object",
        ),
    ]);
}

#[test]
fn what_is_written_of_routes_is_what_is_compiled() {
    let text = settings(
        "{controllers: {certificates: [cm]}, foreignRoutes: [{group: a.example.com, kind: A, hosts: [.spec.host], \
          optionalHosts: [\".spec.more[*]\"]}, {group: a.example.com, kind: B}]}",
    );
    let snapshot = load(&text).unwrap().snapshot;
    let paths = |paths: &[partywall_core::tenancy::HostPath]| -> Vec<String> {
        paths.iter().map(ToString::to_string).collect()
    };
    let [a, b] = &snapshot.foreign_routes[..] else { panic!("{:?}", snapshot.foreign_routes) };
    assert_eq!((&*a.group, &*a.kind, &*b.kind), ("a.example.com", "A", "B"));
    assert_eq!(
        (paths(&a.hosts), paths(&a.optional_hosts)),
        (vec!["spec.host".into()], vec!["spec.more[*]".into()])
    );
    assert!(b.hosts.is_empty() && b.optional_hosts.is_empty());
    assert_eq!(*snapshot.controllers.certificates, ["cm".into()]);
}

#[test]
fn a_list_of_controllers_that_is_not_written_stays_as_it_is() {
    let controllers = |spec: &str| load(&settings(spec)).unwrap().snapshot.controllers;
    let usual = controllers("{}");
    let of_one = controllers("{controllers: {routes: [flagger]}}");
    assert_eq!(*of_one.routes, ["flagger".into()]);
    assert_eq!(of_one.certificates, usual.certificates);
    assert!(controllers("{controllers: {certificates: []}}").certificates.is_empty());
}

#[test]
fn o16_the_embedded_settings_trust_service_accounts_in_system_namespaces_alone() {
    let snapshot = |spec: &str| load(&(tenant("a", "{}") + &settings(spec))).unwrap().snapshot;
    let trusted = |snapshot: &Snapshot, name: &str| {
        let Controllers { endpoints, certificates, routes, services, volumes, bindings } =
            &snapshot.controllers;
        let lists = [&snapshot.platform.users, endpoints, certificates, routes, services, volumes, bindings];
        lists.into_iter().filter(|list| list.contains(name)).count()
    };
    let usual = snapshot("{}");
    for (namespace, name, lists) in [
        ("cert-manager", "cert-manager", 1),
        ("knative-serving", "controller", 3),
        ("cattle-system", "rancher", 1),
        ("openshift-infra", "namespace-security-allocation-controller", 1),
    ] {
        let name = format!("system:serviceaccount:{namespace}:{name}");
        assert_eq!(trusted(&usual, &name), 0, "{name}");
        let of_system = snapshot(&format!("{{systemNamespaces: [kube-system, {namespace}]}}"));
        assert_eq!(trusted(&of_system, &name), lists, "{name}");
    }
    assert_eq!(trusted(&usual, "system:serviceaccount:kube-system:cilium-operator"), 2);
    let elsewhere = snapshot("{systemNamespaces: [system]}");
    assert_eq!(trusted(&elsewhere, "system:serviceaccount:kube-system:cilium-operator"), 0);
}

#[test]
fn o16_what_the_operator_lists_is_trusted_in_any_namespace_outside_tenants() {
    let cert_manager = "system:serviceaccount:cert-manager:cert-manager";
    let listed = settings(&format!("{{controllers: {{certificates: [\"{cert_manager}\"]}}}}"));
    let controllers = load(&(tenant("a", "{}") + &listed)).unwrap().snapshot.controllers;
    assert!(controllers.certificates.contains(cert_manager));
    // What the Settings leave out stays as it is embedded.
    assert_eq!(*controllers.endpoints, ["system:serviceaccount:kube-system:cilium-operator".into()]);
}

#[test]
fn g25_j13_a_tenant_with_the_namespace_of_a_controller_is_not_trusted_for_it() {
    let tenants = tenant("a", "{namespaces: [cert-manager, knative-serving]}");
    let controllers = load(&tenants).unwrap().snapshot.controllers;
    assert!(controllers.certificates.is_empty());
    assert!(!controllers.routes.contains("system:serviceaccount:knative-serving:controller"));
}

#[test]
fn an_exemption_of_a_route_exempts_something() {
    let target = |kind: &str| {
        format!(
            "{{tenant: a, namespace: a, rules: [foreign-routes], target: {{kind: {kind}, name: x}}, reason: why, \
             expires: 2027-01-31}}"
        )
    };
    let listed = settings("{foreignRoutes: [{group: a.example.com, kind: Site}]}");
    for kind in [
        "IngressRoute",
        "EnvoyFilter",
        "DomainMapping",
        "CertificateRequest",
        "Certificate",
        "Site",
        "HTTPRoute",
    ] {
        let warnings = load(&(exemption(&target(kind)) + &listed)).unwrap().warnings;
        assert!(warnings.is_empty(), "{kind}: {warnings:?}");
    }
    for kind in ["ingressroute", "Sidecar", "Widget"] {
        let warnings = load(&(exemption(&target(kind)) + &listed)).unwrap().warnings;
        assert!(warnings.iter().any(|warning| warning.path == "spec.target.kind"), "{kind}: {warnings:?}");
    }
}

#[test]
fn tolerations_of_all_pods_are_checked() {
    let pools = good_pool("p") + &tenant("a", "{nodePools: {default: p}}");
    let with = |spec: &str| pools.clone() + &settings(&format!("{{tolerations: [{spec}]}}"));
    assert_each_has_one(&[
        (
            "b2: the key of a pool with any value",
            with("{key: x, operator: Exists}, {key: pool, operator: Exists}"),
            "spec.tolerations[1].key",
            r#""pool""#,
            "the key of a taint of NodePool `p`",
        ),
        (
            "b3: the key of a pool with a value that no pool has",
            with("{key: pool, value: nobodys}"),
            "spec.tolerations[0].key",
            r#""pool""#,
            "the key of a taint of NodePool `p`",
        ),
        (
            "b1: no key",
            with("{key: \"\", operator: Exists}"),
            "spec.tolerations[0].key",
            r#""""#,
            "every taint of every node",
        ),
        (
            "`Exists` with a value",
            with("{key: x, operator: Exists, value: v}"),
            "spec.tolerations[0].value",
            r#""v""#,
            "`Exists` takes no value",
        ),
        (
            "other taints in lower case",
            settings("{otherTaints: allow}"),
            "spec.otherTaints",
            r#""allow""#,
            "`Allow`",
        ),
    ]);
}

#[test]
fn b7_a_role_that_all_pods_may_tolerate_is_warned_about() {
    let role = settings("{tolerations: [{key: node-role.kubernetes.io/control-plane, operator: Exists}]}");
    let warnings = load(&(tenant("a", "{}") + &role)).unwrap().warnings;
    let [Mistake { path, message, .. }] = &warnings[..] else { panic!("{warnings:?}") };
    assert_eq!(path, "spec.tolerations[0]");
    assert!(message.contains("single Tenants"), "{message}");
}
