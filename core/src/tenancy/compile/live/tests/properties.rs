//! What holds of all objects, whatever they are.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::*;
use crate::api::Located;

fn some(texts: &'static [&'static str], most: usize) -> impl Strategy<Value = Vec<String>> {
    subsequence(texts, 0..=most.min(texts.len())).prop_map(|texts| strings(&texts))
}

fn any_tenant() -> impl Strategy<Value = TenantSpec> {
    const NAMESPACES: &[&str] = &["n1", "n2", "n3", "n4", "n5", "n6", "n7", "kube-system", "ingress"];
    const DOMAINS: &[&str] = &[
        "a.example.com",
        "*.example.com",
        "**.example.com",
        "b.a.example.com",
        "*.a.example.com",
        "x-n1.apps.example.org",
        "{name}-{namespace}.apps.example.org",
        "{namespace}-{name}.apps.example.org",
        "**.example.org",
        "web.n1.svc.cluster.local",
    ];
    const ADDRESSES: &[&str] = &["192.0.2.0/24", "192.0.2.0/28", "192.0.2.1", "198.51.100.0/24"];
    let pools = (select(&["p1", "p2", "p3", "p4"][..]), some(&["p1", "p2", "p3"], 2));
    let taints = some(&["x", "y", "z"], 1);
    let class = proptest::option::of(Just("gold".to_owned()));
    let parts = (
        some(NAMESPACES, 2),
        some(DOMAINS, 2),
        some(ADDRESSES, 1),
        some(&["v1", "v2"], 1),
        proptest::option::of(pools),
        taints,
        class,
    );
    parts.prop_map(|(namespaces, domains, external_ips, volumes, pools, taints, class)| TenantSpec {
        namespaces: Some(namespaces),
        domains: Some(domains),
        class,
        services: Some(Services {
            types: None,
            external_ips,
            external_names: Vec::new(),
            load_balancer_classes: None,
            load_balancer_ips: Vec::new(),
            load_balancer_node_ports: None,
        }),
        storage: (!volumes.is_empty()).then(|| Storage { volumes: Some(volumes), ..Storage::default() }),
        node_pools: pools.map(|(default, allowed)| NodePools {
            default: default.to_owned(),
            allowed: (!allowed.is_empty()).then_some(allowed),
            unnamed: None,
        }),
        tolerations: Some(
            taints
                .into_iter()
                .map(|value| TolerationGrant {
                    key: "pool".to_owned(),
                    operator: None,
                    value: Some(value),
                    effect: None,
                })
                .collect(),
        ),
        ..TenantSpec::default()
    })
}

fn any_objects() -> impl Strategy<Value = Vec<LiveObject>> {
    let tenants = vec(any_tenant(), 0..4);
    let pools = vec(select(&["x", "y", "z"][..]), 0..4);
    let class = proptest::option::of(some(&["registry.example.com", "bad registry"], 1));
    let exempt = vec(
        (proptest::option::of(select(&["t0", "t1", "t9"][..])), select(&["n1", "n2", "ingress"][..])),
        0..3,
    );
    let settings = proptest::option::of((
        some(&["kube-system", "ingress"], 2),
        some(&["system:serviceaccount:n1:sa", "alice"], 2),
    ));
    (tenants, pools, class, exempt, settings).prop_map(|(tenants, pools, class, exempt, settings)| {
        let mut objects: Vec<LiveObject> = Vec::new();
        for (index, spec) in tenants.into_iter().enumerate() {
            objects.push(object(&format!("t{index}"), spec));
        }
        for (index, taint) in pools.into_iter().enumerate() {
            objects.push(object(&format!("p{}", index + 1), pool(&format!("p{index}"), taint)));
        }
        if let Some(registries) = class {
            let spec = TenantSpec { image_registries: Some(registries), ..TenantSpec::default() };
            objects.push(object("gold", TenantClassSpec(spec)));
        }
        for (index, (tenant, namespace)) in exempt.into_iter().enumerate() {
            objects.push(object(&format!("e{index}"), exemption(tenant, Some(namespace))));
        }
        if let Some((system_namespaces, users)) = settings {
            let spec = SettingsSpec {
                system_namespaces: Some(system_namespaces),
                platform: Some(Platform { users: Some(users), ..Platform::default() }),
                ..SettingsSpec::default()
            };
            objects.push(object("default", spec));
        }
        objects
    })
}

/// Describes what holds, in the words of the snapshot.
fn told(compiled: &LiveCompiled) -> String {
    let snapshot = &compiled.snapshot;
    let tenants: Vec<_> = snapshot
        .tenants()
        .iter()
        .map(|tenant| {
            let pools: Vec<_> = snapshot.pools_of(tenant).map(|pool| &*pool.name).collect();
            format!(
                "{} {pools:?} {:?} {:?} {:?} {:?}",
                tenant.name,
                tenant.lacks_pool,
                tenant.domains.first(),
                tenant.services.external_ips,
                tenant.exemptions.len()
            )
        })
        .collect();
    let claims = snapshot.tenants_namespaces();
    format!("{tenants:?} {claims:?} {:?} {:?}", snapshot.denied_namespaces(), compiled.states)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn the_order_of_the_objects_does_not_matter(
        (objects, shuffled) in any_objects().prop_flat_map(|all| (Just(all.clone()), Just(all).prop_shuffle()))
    ) {
        prop_assert_eq!(told(&compile(&objects)), told(&compile(&shuffled)));
    }

    #[test]
    fn objects_have_findings_if_and_only_if_files_have_mistakes(objects in any_objects()) {
        let located = objects.iter().map(|live| Located {
            source: live.name.source(),
            object: live.object.clone().unwrap(),
        });
        let of_files = Snapshot::compile(located.collect(), TODAY);
        let compiled = compile(&objects);
        let found = findings(&compiled);
        prop_assert_eq!(found.is_empty(), of_files.is_ok(), "{:?}\n{:?}", found, of_files.err());
    }

    #[test]
    fn what_two_tenants_claim_neither_of_them_has(objects in any_objects()) {
        let compiled = compile(&objects);
        const HOSTS: [&str; 5] =
            ["a.example.com", "b.a.example.com", "c.a.example.com", "x-n1.apps.example.org", "n1-x.apps.example.org"];
        for host in HOSTS {
            let host = Host::parse(host).unwrap();
            let owners = compiled.snapshot.tenants().iter().filter(|tenant| tenant.domains.owns(&host));
            prop_assert!(owners.count() <= 1, "{:?}", host);
        }
        // Whoever lists a namespace alone has it, and nobody has one that several list.
        for namespace in ["n1", "n2", "n3", "n4", "n5", "n6", "n7"] {
            let lists = |live: &&LiveObject| match &live.object.as_ref().unwrap().spec {
                Spec::Tenant(spec) => spec.namespaces.as_ref().unwrap().iter().any(|name| name == namespace),
                Spec::NodePool(_) | Spec::TenantClass(_) | Spec::Exemption(_) | Spec::Settings(_) => false,
            };
            let listing: Vec<_> = objects.iter().filter(lists).map(|live| live.name.name.as_str()).collect();
            let owner = owner(&compiled, namespace);
            match *listing {
                [] => prop_assert_eq!(owner, "nobody"),
                [one] => prop_assert!(owner == one || owner == "unusable", "{}", owner),
                _ => prop_assert_eq!(owner, "contested"),
            }
        }
    }
}
