mod properties;
mod system_namespaces;

use jiff::civil::date;

use super::*;
use crate::api::{
    Enforcement, ExemptionSpec, NamespaceSelection, NodePoolSpec, NodePools, Object, Platform, Services,
    SettingsSpec, Spec, Storage, Taint, Target, TenantClassSpec, TenantSpec, TolerationGrant,
};
use crate::hosts::Host;
use crate::tenancy::{DenialReason, Owner};

const TODAY: Date = date(2026, 12, 1);

fn strings(list: &[&str]) -> Vec<String> {
    list.iter().map(|&text| text.to_owned()).collect()
}

fn tenant(namespaces: &[&str]) -> TenantSpec {
    TenantSpec { namespaces: Some(strings(namespaces)), ..TenantSpec::default() }
}

fn pooled(namespaces: &[&str], default: &str, allowed: &[&str]) -> TenantSpec {
    let allowed = (!allowed.is_empty()).then(|| strings(allowed));
    let pools = NodePools { default: default.to_owned(), allowed, unnamed: None };
    TenantSpec { node_pools: Some(pools), ..tenant(namespaces) }
}

fn pool(label: &str, taint: &str) -> NodePoolSpec {
    NodePoolSpec {
        node_selector: [("node-restriction.kubernetes.io/pool".to_owned(), label.to_owned())].into(),
        taints: vec![Taint { key: "pool".to_owned(), value: Some(taint.to_owned()), effect: None }],
        runtime_classes: None,
    }
}

fn exemption(tenant: Option<&str>, namespace: Option<&str>) -> ExemptionSpec {
    ExemptionSpec {
        tenant: tenant.map(str::to_owned),
        namespace: namespace.map(str::to_owned),
        rules: strings(&["tolerations"]),
        controls: None,
        images: None,
        host_paths: None,
        target: Target {
            group: None,
            kind: Some("DaemonSet".to_owned()),
            name: Some("agent".to_owned()),
            container: None,
            containers: None,
        },
        reason: "an agent".to_owned(),
        expires: "2027-12-01".to_owned(),
    }
}

fn live(object: Object) -> LiveObject {
    let name = ObjectName { kind: object.spec.kind(), name: object.name.clone() };
    LiveObject { name, object: Some(object), flaws: Vec::new() }
}

fn object(name: &str, spec: impl Into<Spec>) -> LiveObject {
    live(Object::new(name, spec))
}

fn compile_after(objects: &[LiveObject], last_good: &LastGood) -> LiveCompiled {
    compile_labelled(objects, last_good, &[])
}

/// Compiles beside Namespaces with labels: each tenant with its Namespaces.
fn compile_labelled(
    objects: &[LiveObject],
    last_good: &LastGood,
    labelled: &[(&str, &[&str])],
) -> LiveCompiled {
    let boxed = |names: &[&str]| names.iter().map(|&name| name.into()).collect();
    let labelled = labelled.iter().map(|(tenant, names)| ((*tenant).into(), boxed(names))).collect();
    Snapshot::compile_live(
        Live { objects, last_good, labelled: &labelled, own_namespace: Some("of-partywall") },
        TODAY,
    )
    .unwrap()
}

fn compile(objects: &[LiveObject]) -> LiveCompiled {
    compile_after(objects, &LastGood::default())
}

/// Returns the findings as `Kind/name Reason path`.
fn findings(compiled: &LiveCompiled) -> Vec<String> {
    let of_object = |(name, state): (&ObjectName, &State)| {
        let name = format!("{}/{}", name.kind, name.name);
        let line = |finding: &Finding| format!("{name} {} {}", finding.reason.as_str(), finding.mistake.path);
        state.findings.iter().map(line).collect::<Vec<_>>()
    };
    compiled.states.iter().flat_map(of_object).collect()
}

fn owner<'s>(compiled: &'s LiveCompiled, namespace: &str) -> &'s str {
    match compiled.snapshot.owner(namespace) {
        Owner::System => "the system",
        Owner::Tenant(tenant) => &tenant.name,
        Owner::Unclaimed => "nobody",
        Owner::Denied(denied) if denied.reason == DenialReason::Contested => "contested",
        Owner::Denied(_) => "unusable",
    }
}

fn owns(compiled: &LiveCompiled, tenant: &str, host: &str) -> bool {
    let tenant = compiled.snapshot.tenants().iter().find(|known| &*known.name == tenant).unwrap();
    tenant.domains.owns(&Host::parse(host).unwrap())
}

fn with_domains(namespace: &str, domains: &[&str]) -> TenantSpec {
    TenantSpec { domains: Some(strings(domains)), ..tenant(&[namespace]) }
}

#[test]
fn a_contested_namespace_is_denied_to_both_and_the_rest_goes_on() {
    let compiled = compile(&[
        object("a", tenant(&["a", "shared"])),
        object("b", tenant(&["b", "shared"])),
        object("c", tenant(&["c"])),
    ]);
    assert_eq!(
        findings(&compiled),
        ["Tenant/a Conflict spec.namespaces[1]", "Tenant/b Conflict spec.namespaces[1]"]
    );
    assert_eq!(["a", "b", "c", "shared"].map(|name| owner(&compiled, name)), ["a", "b", "c", "contested"]);
    assert_eq!(compiled.snapshot.denied_namespaces(), ["shared"]);
    let of_a = &compiled.states.first_key_value().unwrap().1.findings[0].mistake;
    assert_eq!(
        of_a.what().to_string(),
        "spec.namespaces[1] = \"shared\": this namespace is claimed by tenant `b` (tenants.partywall.dev/b) too; a \
         namespace has one tenant"
    );
}

#[test]
fn a_tenant_of_contested_namespaces_alone_is_still_there() {
    let compiled = compile(&[object("a", tenant(&["shared"])), object("b", tenant(&["shared"]))]);
    assert_eq!(compiled.snapshot.tenants().len(), 2);
    assert_eq!(owner(&compiled, "shared"), "contested");
}

#[test]
fn the_clusters_own_namespaces_stay_the_systems_whatever_tenants_list() {
    let settings = SettingsSpec {
        system_namespaces: Some(strings(&["kube-system", "ingress"])),
        ..SettingsSpec::default()
    };
    let compiled =
        compile(&[object("a", tenant(&["a", "kube-system", "ingress"])), object("default", settings)]);
    assert_eq!(owner(&compiled, "kube-system"), "the system");
    assert_eq!(owner(&compiled, "ingress"), "contested");
    assert_eq!(
        findings(&compiled),
        [
            "Settings/default Conflict spec.systemNamespaces[1]",
            "Tenant/a Conflict spec.namespaces[1]",
            "Tenant/a Conflict spec.namespaces[2]",
        ]
    );
}

#[test]
fn contested_domains_are_denied_to_all_who_claim_a_host_of_them() {
    let compiled = compile(&[
        object("a", with_domains("a", &["**.apps.example.com", "a.example.org", "shop.apps.example.com"])),
        object("b", with_domains("b", &["shop.apps.example.com", "b.example.org"])),
        object("c", with_domains("c", &["c.example.org", "*.x.apps.example.com"])),
    ]);
    for (tenant, host, is_owned) in [
        ("a", "shop.apps.example.com", false),
        ("a", "other.apps.example.com", false),
        ("a", "a.example.org", true),
        ("b", "shop.apps.example.com", false),
        ("b", "b.example.org", true),
        ("c", "d.x.apps.example.com", false),
        ("c", "c.example.org", true),
    ] {
        assert_eq!(owns(&compiled, tenant, host), is_owned, "{tenant} {host}");
    }
    assert_eq!(
        findings(&compiled),
        [
            "Tenant/a Conflict spec.domains[0]",
            "Tenant/a Conflict spec.domains[2]",
            "Tenant/b Conflict spec.domains[0]",
            "Tenant/c Conflict spec.domains[1]",
        ]
    );
}

#[test]
fn contested_patterns_are_denied_to_both() {
    let compiled = compile(&[
        object("a", with_domains("a", &["{name}-{namespace}.apps.example.com"])),
        object("b", with_domains("b", &["{name}-{namespace}.apps.example.com", "shop-a.apps.example.com"])),
        object("c", with_domains("c", &["{name}-{namespace}.other.example.com"])),
        object("d", with_domains("d", &["{namespace}-{name}.other.example.com"])),
    ]);
    assert!(!owns(&compiled, "a", "shop-a.apps.example.com"));
    assert!(!owns(&compiled, "b", "shop-a.apps.example.com"));
    assert!(owns(&compiled, "b", "shop-b.apps.example.com"));
    assert!(!owns(&compiled, "c", "shop-c.other.example.com"));
    assert!(!owns(&compiled, "d", "d-shop.other.example.com"));
}

#[test]
fn contested_addresses_and_volumes_are_denied_to_both() {
    let with = |namespace: &str, ips: &[&str], volumes: &[&str]| TenantSpec {
        services: Some(Services {
            types: None,
            external_ips: strings(ips),
            external_names: Vec::new(),
            load_balancer_classes: None,
            load_balancer_ips: Vec::new(),
            load_balancer_node_ports: None,
        }),
        storage: Some(Storage { volumes: Some(strings(volumes)), ..Storage::default() }),
        ..tenant(&[namespace])
    };
    let compiled = compile(&[
        object("a", with("a", &["192.0.2.0/24", "198.51.100.1"], &["data"])),
        object("b", with("b", &["192.0.2.7"], &["data", "logs"])),
    ]);
    assert_eq!(
        findings(&compiled),
        [
            "Tenant/a Conflict spec.services.externalIPs[0]",
            "Tenant/a Conflict spec.storage.volumes[0]",
            "Tenant/b Conflict spec.services.externalIPs[0]",
            "Tenant/b Conflict spec.storage.volumes[0]",
        ]
    );
    let [a, b] = compiled.snapshot.tenants() else { panic!("two tenants") };
    assert!(a.services.external_ips.contain("198.51.100.1"));
    assert!(!a.services.external_ips.contain("192.0.2.9"));
    assert!(!b.storage.volumes.contains("data") && b.storage.volumes.contains("logs"));
}

#[test]
fn pools_with_one_taint_place_no_pod_and_still_keep_others_off() {
    let mut greedy = tenant(&["c"]);
    greedy.tolerations = Some(vec![TolerationGrant {
        key: "pool".to_owned(),
        operator: None,
        value: Some("x".to_owned()),
        effect: None,
    }]);
    let compiled = compile(&[
        object("one", pool("one", "x")),
        object("two", pool("two", "x")),
        object("three", pool("three", "y")),
        object("a", pooled(&["a"], "one", &[])),
        object("b", pooled(&["b"], "three", &["two"])),
        object("c", greedy),
    ]);
    assert_eq!(
        findings(&compiled),
        [
            "NodePool/one Conflict spec.taints[0]",
            "NodePool/two Conflict spec.taints[0]",
            "Tenant/a Conflict spec.nodePools.default",
            "Tenant/b Conflict spec.nodePools.allowed[0]",
            "Tenant/c Conflict spec.tolerations[0]",
        ]
    );
    let [a, b, _] = compiled.snapshot.tenants() else { panic!("three tenants") };
    assert_eq!(a.lacks_pool.as_deref(), Some("one"));
    assert_eq!(b.lacks_pool, None);
    let names: Vec<_> = compiled.snapshot.pools_of(b).map(|pool| &*pool.name).collect();
    assert_eq!(names, ["three"]);
    assert_eq!(compiled.snapshot.pools().len(), 3);
}

#[test]
fn objects_come_in_any_order_and_hold_once_all_are_there() {
    let tenant = object("a", pooled(&["a"], "one", &[]));
    let exempt = object("agent", exemption(Some("a"), Some("a")));
    let pool = object("one", pool("one", "x"));
    let first = compile(std::slice::from_ref(&exempt));
    assert_eq!(findings(&first), ["Exemption/agent UnknownTenant spec.tenant"]);
    let second = compile_after(&[exempt.clone(), tenant.clone()], &first.last_good);
    assert_eq!(findings(&second), ["Tenant/a UnknownPool spec.nodePools.default"]);
    assert_eq!(second.snapshot.tenants()[0].lacks_pool.as_deref(), Some("one"));
    let third = compile_after(&[exempt, tenant, pool], &second.last_good);
    assert!(findings(&third).is_empty());
    assert_eq!(third.snapshot.tenants()[0].lacks_pool, None);
    assert_eq!(third.snapshot.tenants()[0].exemptions.len(), 1);
}

#[test]
fn a_wrong_object_keeps_its_last_good_form_and_has_none_at_a_cold_start() {
    let good = [object("a", tenant(&["a"])), object("b", tenant(&["b"]))];
    let before = compile(&good);
    let wrong = [object("a", tenant(&["a", "A!"])), object("b", tenant(&["b"]))];
    let after = compile_after(&wrong, &before.last_good);
    assert_eq!(findings(&after), ["Tenant/a Invalid spec.namespaces[1]"]);
    assert_eq!(["a", "b"].map(|name| owner(&after, name)), ["a", "b"]);
    let again = compile_after(&wrong, &after.last_good);
    assert_eq!(owner(&again, "a"), "a");
    let cold = compile(&wrong);
    assert_eq!(["a", "b"].map(|name| owner(&cold, name)), ["unusable", "b"]);
    let forms: Vec<Form> = cold.states.values().map(|state| state.form).collect();
    assert_eq!(forms, [Form::Nothing, Form::Written]);
}

#[test]
fn a_tenant_by_label_has_the_namespaces_with_its_label() {
    let by_label =
        || TenantSpec { namespace_selection: Some(NamespaceSelection::Label), ..TenantSpec::default() };
    let objects = [object("a", by_label()), object("b", tenant(&["b", "shared"]))];
    let labelled: &[(&str, &[&str])] =
        &[("a", &["one", "shared", "two"]), ("b", &["other"]), ("gone", &["g"])];
    let before = compile_labelled(&objects, &LastGood::default(), labelled);
    assert_eq!(["one", "two", "b"].map(|name| owner(&before, name)), ["a", "a", "b"]);
    assert_eq!(["other", "g"].map(|name| owner(&before, name)), ["nobody"; 2], "labels alone decide nothing");
    assert_eq!(owner(&before, "shared"), "contested");
    let contested = ["Tenant/a Conflict spec.namespaceSelection", "Tenant/b Conflict spec.namespaces[1]"];
    assert_eq!(findings(&before), contested);
    let none = compile(&objects[..1]);
    assert!(findings(&none).is_empty(), "a tenant may wait for its first namespace");

    let both = TenantSpec { namespace_selection: Some(NamespaceSelection::Label), ..tenant(&["x"]) };
    let wrong = [object("a", both)];
    let after = compile_labelled(&wrong, &before.last_good, &[("a", &["new"])]);
    assert_eq!(findings(&after), ["Tenant/a Invalid spec.namespaces"]);
    assert_eq!(["new", "one", "x"].map(|name| owner(&after, name)), ["a", "nobody", "nobody"]);
    let cold = compile_labelled(&wrong, &LastGood::default(), &[("a", &["new"])]);
    assert_eq!(owner(&cold, "new"), "unusable");
}

/// Returns an object with a flaw in its structure.
fn flawed(object: LiveObject) -> LiveObject {
    let of = |path: &str, message: &str| {
        objects::finding(Reason::Invalid, &object.name, path, String::new(), message.to_owned()).mistake
    };
    LiveObject { flaws: vec![of("spec.misspelt", "unknown field `misspelt`")], ..object }
}

#[test]
fn what_a_class_may_have_said_of_a_lost_tenant_counts_as_deny() {
    let settings = SettingsSpec { enforcement: Some(Enforcement::Audit), ..SettingsSpec::default() };
    let of_class = TenantSpec { class: Some("gone".to_owned()), ..tenant(&["a"]) };
    let plain = flawed(object("b", tenant(&["b"])));
    let cold = compile(&[object("default", settings), object("a", of_class), plain]);
    let value = |namespace: &str| match cold.snapshot.owner(namespace) {
        Owner::Denied(denied) => denied.enforcement,
        owner @ (Owner::System | Owner::Unclaimed | Owner::Tenant(_)) => panic!("{owner:?}"),
    };
    assert_eq!(value("a"), Enforcement::Deny);
    assert_eq!(value("b"), Enforcement::Audit, "it has no class, so the Settings say");
    assert_eq!(cold.snapshot.strictest_elsewhere(), Enforcement::Deny, "its pools are somebody's");
}

#[test]
fn settings_with_a_flaw_hold_without_it_where_they_have_no_last_good_form() {
    let settings = SettingsSpec {
        enforcement: Some(Enforcement::Audit),
        system_namespaces: Some(strings(&["kube-system", "calico-system"])),
        ..SettingsSpec::default()
    };
    let cold = compile(&[flawed(object("default", settings)), object("a", tenant(&["a"]))]);
    assert_eq!(cold.snapshot.strictest_enforcement(), Enforcement::Audit);
    assert_eq!(owner(&cold, "calico-system"), "the system");
    assert_eq!(findings(&cold), ["Settings/default Invalid spec.misspelt"]);
}

#[test]
fn an_object_with_flaws_of_structure_does_not_hold_without_the_flawed_field() {
    let flawed = |spec: TenantSpec| LiveObject {
        flaws: vec![
            objects::finding(
                Reason::Invalid,
                &ObjectName { kind: "Tenant", name: "a".to_owned() },
                "spec.priorityClases",
                "[]".to_owned(),
                "unknown field `priorityClases`".to_owned(),
            )
            .mistake,
        ],
        ..object("a", spec)
    };
    let cold = compile(&[flawed(tenant(&["a"]))]);
    assert_eq!(owner(&cold, "a"), "unusable");
    assert_eq!(findings(&cold), ["Tenant/a Invalid spec.priorityClases"]);
    let before = compile(&[object("a", tenant(&["a"]))]);
    assert_eq!(owner(&compile_after(&[flawed(tenant(&["a", "new"]))], &before.last_good), "a"), "a");
}

#[test]
fn a_pool_with_mistakes_keeps_others_off_by_the_taints_that_make_sense() {
    let mut broken = pool("one", "x");
    broken.node_selector.insert("bad key!".to_owned(), String::new());
    let mut greedy = tenant(&["b"]);
    greedy.tolerations = Some(vec![TolerationGrant {
        key: "pool".to_owned(),
        operator: None,
        value: Some("x".to_owned()),
        effect: None,
    }]);
    let compiled =
        compile(&[object("one", broken), object("a", pooled(&["a"], "one", &[])), object("b", greedy)]);
    assert_eq!(
        findings(&compiled),
        [
            "NodePool/one Invalid spec.nodeSelector[bad key!]",
            "Tenant/a UnknownPool spec.nodePools.default",
            "Tenant/b Conflict spec.tolerations[0]",
        ]
    );
}

#[test]
fn a_tenant_without_its_class_keeps_the_last_good_sum() {
    let class = |registry: &str| {
        let spec = TenantSpec { image_registries: Some(strings(&[registry])), ..TenantSpec::default() };
        object("gold", TenantClassSpec(spec))
    };
    let of_class = TenantSpec { class: Some("gold".to_owned()), ..tenant(&["a"]) };
    let member = object("a", of_class);
    let before = compile(&[class("registry.example.com/a"), member.clone()]);
    assert!(findings(&before).is_empty());
    let after = compile_after(std::slice::from_ref(&member), &before.last_good);
    assert_eq!(findings(&after), ["Tenant/a UnknownClass spec.class"]);
    assert_eq!(owner(&after, "a"), "a");
    assert!(after.snapshot.tenants()[0].image_registries.is_some());
    assert_eq!(owner(&compile(std::slice::from_ref(&member)), "a"), "unusable");
    // A class that is wrong keeps its own last good form, for new tenants too.
    let wrong = compile_after(&[class(""), member], &before.last_good);
    assert_eq!(findings(&wrong), ["TenantClass/gold Invalid spec.imageRegistries[0]"]);
    assert_eq!(owner(&wrong, "a"), "a");
}

#[test]
fn settings_trust_nobody_in_a_tenants_namespace() {
    let user = "system:serviceaccount:a:deployer";
    let platform = Platform { users: Some(strings(&[user, "alice"])), ..Platform::default() };
    let settings = SettingsSpec { platform: Some(platform), ..SettingsSpec::default() };
    let compiled = compile(&[object("a", tenant(&["a"])), object("default", settings)]);
    assert_eq!(findings(&compiled), ["Settings/default Conflict spec.platform.users[0]"]);
    assert!(!compiled.snapshot.platform.users.contains(user));
    assert!(compiled.snapshot.platform.users.contains("alice"));
}

#[test]
fn exemptions_of_other_namespaces_do_not_hold() {
    let compiled = compile(&[
        object("a", tenant(&["a", "shared"])),
        object("b", tenant(&["shared"])),
        object("contested", exemption(None, Some("shared"))),
        object("elsewhere", exemption(Some("a"), Some("other"))),
        object("free", exemption(None, Some("other"))),
        object("system", exemption(None, Some("kube-system"))),
        object("whose", exemption(None, Some("a"))),
    ]);
    let of_exemptions: Vec<_> =
        findings(&compiled).into_iter().filter(|line| line.starts_with("Exemption")).collect();
    assert_eq!(
        of_exemptions,
        [
            "Exemption/contested Conflict spec.namespace",
            "Exemption/elsewhere UnknownNamespace spec.namespace",
            "Exemption/system Conflict spec.namespace",
            "Exemption/whose Conflict spec.namespace",
        ]
    );
    assert_eq!(compiled.snapshot.all_exemptions().len(), 1);
}
