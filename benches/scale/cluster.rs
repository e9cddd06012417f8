//! Clusters of any size, and what is decided in them.
//!
//! Objects are made as the types of the API and not as YAML, which would take longer than all the rest. Names are of
//! the same length at every size, since hashing one takes instructions for each of its bytes.

use partywall_core::Entry;
use partywall_core::api::{Effect, Located, NodePoolSpec, NodePools, Object, Source, Taint, TenantSpec};
use serde::Serialize;

use crate::payload::{self, Expect, Size};

/// The quantity that grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) enum Axis {
    /// Tenants of one namespace and two domains each.
    Tenants,
    /// Namespaces of ten tenants.
    Namespaces,
    /// Domains of one tenant.
    DomainsOfOne,
    /// Domains of many tenants, ten each.
    DomainsOfMany,
    /// Node pools, each of a tenant of its own.
    Pools,
}

impl Axis {
    /// All of them.
    pub(crate) const ALL: [Self; 5] =
        [Self::Tenants, Self::Namespaces, Self::DomainsOfOne, Self::DomainsOfMany, Self::Pools];

    /// As tables call it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Tenants => "tenants",
            Self::Namespaces => "namespaces",
            Self::DomainsOfOne => "domains-of-one",
            Self::DomainsOfMany => "domains-of-many",
            Self::Pools => "pools",
        }
    }

    /// One of what there are many of.
    pub(crate) fn unit(self) -> &'static str {
        match self {
            Self::Tenants => "tenant",
            Self::Namespaces => "namespace",
            Self::DomainsOfOne | Self::DomainsOfMany => "domain",
            Self::Pools => "pool with its tenant",
        }
    }

    /// Returns a text about what grows and what is decided.
    pub(crate) fn about(self) -> &'static str {
        match self {
            Self::Tenants => "one namespace and two domains each; a pod is stamped and allowed",
            Self::Namespaces => "of ten tenants; a pod is stamped and allowed",
            Self::DomainsOfOne => {
                "of one tenant, exact ones and wildcards; its Ingress of two hosts is allowed"
            }
            Self::DomainsOfMany => "ten for each tenant; an Ingress of two hosts is allowed",
            Self::Pools => "one for each tenant; a pod is stamped and allowed",
        }
    }

    /// The bytes of a snapshot that PERFORMANCE.md allows for each.
    pub(crate) fn bytes_allowed(self) -> Option<f64> {
        match self {
            Self::Tenants => Some(1024.0),
            Self::Namespaces => Some(200.0),
            Self::DomainsOfOne | Self::DomainsOfMany | Self::Pools => None,
        }
    }

    /// The sizes to measure, the smallest first.
    pub(crate) fn sizes(self, quick: bool) -> Vec<usize> {
        let powers: (u32, u32) = match (self, quick) {
            (Self::Tenants, false) => (0, 5),
            (Self::Tenants, true) => (0, 3),
            (Self::Namespaces, false) => (1, 5),
            (Self::Namespaces | Self::DomainsOfOne | Self::DomainsOfMany, true) => (1, 4),
            (Self::DomainsOfOne | Self::DomainsOfMany, false) => (1, 6),
            (Self::Pools, false) => (0, 4),
            (Self::Pools, true) => (0, 2),
        };
        (powers.0..=powers.1).map(|power| 10_usize.pow(power)).collect()
    }

    /// The objects of a cluster with `size` of these. `tenants-x` is in every one, and decided about.
    pub(crate) fn objects(self, size: usize) -> Vec<Located> {
        let mut ours = TenantSpec {
            namespaces: Some(vec!["tenants-x".to_owned()]),
            node_pools: Some(NodePools { default: "tenants-x".to_owned(), allowed: None, unnamed: None }),
            domains: None,
            ..TenantSpec::default()
        };
        let mut objects = vec![pool("tenants-x")];
        match self {
            Self::Tenants => {
                ours.domains = Some(domains(0, 2));
                objects.extend((1..size).map(|index| {
                    let name = format!("t{index:07}");
                    let spec = TenantSpec {
                        namespaces: Some(vec![name.clone()]),
                        domains: Some(domains(index * 2, 2)),
                        ..TenantSpec::default()
                    };
                    tenant(&name, spec)
                }));
            }
            Self::Namespaces => {
                let all: Vec<String> = (1..size).map(|index| format!("n{index:07}")).collect();
                let mut shares = all.chunks(size.div_ceil(10));
                ours.namespaces.get_or_insert_default().extend(shares.next().into_iter().flatten().cloned());
                objects.extend(shares.enumerate().map(|(index, share)| {
                    let spec = TenantSpec { namespaces: Some(share.to_vec()), ..TenantSpec::default() };
                    tenant(&format!("t{index:07}"), spec)
                }));
            }
            Self::DomainsOfOne => ours.domains = Some(domains(0, size)),
            Self::DomainsOfMany => {
                ours.domains = Some(domains(0, 10));
                objects.extend((1..size / 10).map(|index| {
                    let name = format!("t{index:07}");
                    let spec = TenantSpec {
                        namespaces: Some(vec![name.clone()]),
                        domains: Some(domains(index * 10, 10)),
                        ..TenantSpec::default()
                    };
                    tenant(&name, spec)
                }));
            }
            Self::Pools => {
                for index in 1..size {
                    let name = format!("t{index:07}");
                    let spec = TenantSpec {
                        namespaces: Some(vec![name.clone()]),
                        node_pools: Some(NodePools { default: name.clone(), allowed: None, unnamed: None }),
                        ..TenantSpec::default()
                    };
                    objects.extend([pool(&name), tenant(&name, spec)]);
                }
            }
        }
        objects.push(tenant("tenants-x", ours));
        objects
    }

    /// The reviews to decide, and where.
    pub(crate) fn reviews(self) -> Vec<(Entry, Vec<u8>)> {
        match self {
            Self::Tenants | Self::Namespaces | Self::Pools => [Expect::Patch, Expect::Allow]
                .into_iter()
                .filter_map(|expect| payload::payload(Size::Median, expect))
                .map(|payload| (payload.entry, payload.body))
                .collect(),
            Self::DomainsOfOne | Self::DomainsOfMany => vec![(Entry::Validate, ingress().into_bytes())],
        }
    }
}

/// So many domains: exact ones at even indices, wildcards at odd ones.
fn domains(first: usize, count: usize) -> Vec<String> {
    let domain = |index: usize| {
        let star = if index.is_multiple_of(2) { "" } else { "*." };
        format!("{star}d{index:07}.shop.example.com")
    };
    (first..first + count).map(domain).collect()
}

/// An Ingress with a host that is one of [`domains`], and one that is below another.
fn ingress() -> String {
    include_str!("../../tests/fixtures/reviews/validate-create-ingresses-own.json")
        .replace(r#""host":"app.x.example.com""#, r#""host":"d0000000.shop.example.com""#)
        .replace(r#""hosts":["app.x.example.com"]"#, r#""hosts":["www.d0000001.shop.example.com"]"#)
}

fn pool(name: &str) -> Located {
    let spec = NodePoolSpec {
        node_selector: [("tenant".to_owned(), name.to_owned())].into(),
        taints: vec![Taint {
            key: "tenant".to_owned(),
            value: Some(name.to_owned()),
            effect: Some(Effect::NoSchedule),
        }],
        runtime_classes: None,
    };
    located(Object::new(name, spec))
}

fn tenant(name: &str, spec: TenantSpec) -> Located {
    located(Object::new(name, spec))
}

fn located(object: Object) -> Located {
    Located { source: Source::file("scale"), object }
}
