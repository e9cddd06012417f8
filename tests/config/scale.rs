//! A load stays near-linear in the number of tenants and domains.

use partywall_core::api::{self, Located, Mode, NodePoolSpec, NodePools, Object, Source, Spec, TenantSpec};
use partywall_core::tenancy::Snapshot;

use super::TODAY;

/// As many tenants with a namespace and ten domains each, and a pool for every hundred.
fn many(tenants: usize) -> Vec<Located> {
    let at = |document| Source::document("many.yaml", document);
    let pools = (0..tenants.div_ceil(100)).map(|index| {
        let name = format!("pool-{index}");
        let node_selector = [("node-restriction.kubernetes.io/pool".to_owned(), name.clone())].into();
        let taints = vec![api::Taint { key: "pool".to_owned(), value: Some(name.clone()), effect: None }];
        Object::new(name, NodePoolSpec { node_selector, taints, runtime_classes: None })
    });
    let tenants = (0..tenants).map(|index| {
        let spec = TenantSpec {
            namespaces: Some(vec![format!("tenant-{index}")]),
            node_pools: Some(NodePools {
                default: format!("pool-{}", index / 100),
                allowed: None,
                unnamed: None,
            }),
            domains: Some(
                (0..9)
                    .map(|host| format!("host-{host}.tenant-{index}.apps.example.com"))
                    .chain([format!("**.deep.tenant-{index}.apps.example.com")])
                    .collect(),
            ),
            rules: Some([("pod-security".to_owned(), Mode::Warn)].into()),
            ..TenantSpec::default()
        };
        Object::new(format!("tenant-{index}"), spec)
    });
    pools.chain(tenants).zip(1..).map(|(object, document)| Located { source: at(document), object }).collect()
}

#[test]
fn many_tenants_compile() {
    let compiled = Snapshot::compile(many(2_000), TODAY).unwrap();
    assert!(compiled.warnings.is_empty());
    assert_eq!(compiled.snapshot.tenants().len(), 2_000);
    assert_eq!(compiled.snapshot.namespace_count(), 2_004);
}

/// The same tenants twice: every name, namespace and domain is a mistake, and there is no end of suggestions.
#[test]
fn many_mistakes_are_found_as_fast() {
    let mut objects = many(2_000);
    for located in &mut objects {
        if let Spec::Tenant(spec) = &mut located.object.spec {
            spec.node_pools = Some(NodePools { default: "pol-1".to_owned(), allowed: None, unnamed: None });
            spec.domains.get_or_insert_default().push("shared.example.com".to_owned());
        }
    }
    let mistakes = Snapshot::compile(objects, TODAY).unwrap_err();
    assert_eq!(mistakes.len(), 2_000 + 1_999);
    assert!(mistakes.is_sorted());
}
