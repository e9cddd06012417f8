//! A random cluster: pools, tenants, RuntimeClasses and nodes, of few keys and values, so that they collide.

use std::fmt;

use jiff::civil::date;
use partywall_core::api::{self, Effect, Located, Object, Operator, Source, StampMode};
use partywall_core::tenancy::Snapshot;

use super::api_server::RuntimeClass;
use super::choices::Choices;
use super::kube::{HARD, Labels, Node, Taint, Toleration};

/// Label keys of pools; the last but one is one that no kubelet may set on its own node.
pub(crate) const KEYS: [&str; 3] = ["tenant", "zone", "node-restriction.kubernetes.io/pool"];
/// Values of labels and taints; numbers, since two operators compare them.
pub(crate) const VALUES: [&str; 4] = ["a", "b", "5", "7"];
/// The label of every node that is its name.
pub(crate) const HOSTNAME: &str = "kubernetes.io/hostname";
/// A label that no pool has.
pub(crate) const DISK: &str = "disk";
/// A label that all nodes have, with the same value.
pub(crate) const REGION: &str = "topology.kubernetes.io/region";
/// The topologies of pod anti-affinity.
pub(crate) const TOPOLOGIES: [&str; 4] = [REGION, HOSTNAME, REGION, KEYS[1]];
/// Begins the taints of nodes with a role in the cluster.
pub(crate) const ROLES: &str = "node-role.kubernetes.io/";
pub(crate) const TAINT_KEYS: [&str; 3] = ["tenant", "zone", "example.com/dedicated"];
/// The namespace that nobody claims.
pub(crate) const UNCLAIMED: &str = "free";

#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) stamp: StampMode,
    pub(crate) pools: Vec<Pool>,
    pub(crate) tenants: Vec<Tenant>,
    pub(crate) classes: Vec<RuntimeClass>,
    pub(crate) nodes: Vec<Node>,
    /// True if tolerations may have the operators `Gt` and `Lt`.
    pub(crate) compares: bool,
    /// The tolerations that every tenant's pods may have.
    pub(crate) listed: Vec<Grant>,
    /// True if tenants with pools may tolerate the taints that are no pool's and no role's.
    pub(crate) allows_other_taints: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Pool {
    pub(crate) labels: Labels,
    pub(crate) taints: Vec<PoolTaint>,
    /// The runtime classes whose pods name the pool.
    pub(crate) classes: Vec<&'static str>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct PoolTaint {
    pub(crate) key: &'static str,
    pub(crate) value: &'static str,
    /// None: any.
    pub(crate) effect: Option<Effect>,
}

#[derive(Clone, Debug)]
pub(crate) struct Tenant {
    pub(crate) namespace: String,
    /// Places in the world's pools, the default first; none: its pods are not pinned.
    pub(crate) pools: Vec<usize>,
    /// True if a pod that names no pool may run in all of them.
    pub(crate) is_any: bool,
    pub(crate) grants: Vec<Grant>,
    /// The default class and those it may name, if it is held to some.
    pub(crate) classes: Option<(Option<&'static str>, Vec<&'static str>)>,
    /// The topologies in which its pods may keep off those of others.
    pub(crate) topologies: Vec<&'static str>,
}

/// A toleration that a tenant is given, or everybody.
#[derive(Clone, Debug)]
pub(crate) struct Grant {
    pub(crate) key: &'static str,
    /// None: `Exists`.
    pub(crate) value: Option<&'static str>,
    pub(crate) effect: Option<Effect>,
}

impl Pool {
    /// A pool's nodes are those that carry all its labels.
    pub(crate) fn has(&self, node: &Node) -> bool {
        self.labels.iter().all(|(key, value)| node.labels.get(key) == Some(value))
    }
}

impl PoolTaint {
    /// The effects it may have that keep pods off.
    pub(crate) fn hard_effects(&self) -> impl Iterator<Item = &'static str> {
        HARD.into_iter().filter(|hard| self.effect.is_none_or(|effect| effect.as_str() == *hard))
    }

    /// Returns whether the taint of a node is this one.
    pub(crate) fn is(&self, taint: &Taint) -> bool {
        self.key == taint.key
            && self.value == taint.value
            && self.effect.is_none_or(|effect| effect.as_str() == taint.effect)
    }
}

impl Grant {
    pub(crate) fn covers(&self, toleration: &Toleration) -> bool {
        let by_value = match (self.value, &*toleration.operator) {
            (None, "Exists" | "Equal" | "") => true,
            (Some(value), "Equal" | "") => toleration.value == value,
            _ => false,
        };
        let by_effect = self.effect.is_none_or(|effect| effect.as_str() == toleration.effect);
        toleration.key == self.key && by_value && by_effect
    }
}

impl World {
    /// The tenant of a namespace.
    pub(crate) fn owner(&self, namespace: &str) -> Option<&Tenant> {
        self.tenants.iter().find(|tenant| tenant.namespace == namespace)
    }

    pub(crate) fn pools_of<'w>(&'w self, tenant: &'w Tenant) -> impl Iterator<Item = &'w Pool> + Clone {
        tenant.pools.iter().map(|&pool| &self.pools[pool])
    }

    /// Returns whether a taint with this key is some pool's.
    pub(crate) fn has_pool_taint(&self, key: &str) -> bool {
        self.pools.iter().flat_map(|pool| &pool.taints).any(|taint| taint.key == key)
    }

    /// Returns whether pods of this tenant may tolerate the taint because it is no pool's and no role's.
    pub(crate) fn is_other_taint(&self, tenant: &Tenant, key: &str) -> bool {
        self.allows_other_taints
            && !tenant.pools.is_empty()
            && !key.is_empty()
            && !key.starts_with(ROLES)
            && !self.has_pool_taint(key)
    }

    /// The namespaces of the cluster, with their labels.
    pub(crate) fn namespaces(&self) -> impl Iterator<Item = (&str, Labels)> {
        let labels = |namespace: &str, is_owned: bool| {
            let mut labels: Labels =
                [("kubernetes.io/metadata.name".to_owned(), namespace.to_owned())].into();
            if is_owned {
                labels.insert("partywall.dev/tenant".to_owned(), namespace.to_owned());
            }
            labels
        };
        let owned =
            self.tenants.iter().map(move |tenant| (&*tenant.namespace, labels(&tenant.namespace, true)));
        owned.chain([(UNCLAIMED, labels(UNCLAIMED, false))])
    }

    pub(crate) fn any(choices: &mut Choices<'_>) -> Self {
        let pools = pools(choices);
        let count = 1 + choices.below(3);
        let tenants = (0..count).map(|index| tenant(index, &pools, choices)).collect();
        let classes = vec![class("gvisor", &pools, choices), class("kata", &pools, choices)];
        let nodes = nodes(&pools, choices);
        let stamp = choices.pick(&[StampMode::Both, StampMode::NodeAffinity, StampMode::NodeSelector]);
        let compares = choices.chance(50);
        let is_of_pool =
            |grant: &Grant| pools.iter().flat_map(|pool| &pool.taints).any(|taint| taint.key == grant.key);
        let mut listed = choices.some(30, 1, grant);
        listed.retain(|grant| !is_of_pool(grant));
        let allows_other_taints = choices.chance(30);
        Self { stamp, pools, tenants, classes, nodes, compares, listed, allows_other_taints }
    }

    /// The same as the objects that operators write, compiled.
    pub(crate) fn compile(&self) -> Snapshot {
        let mut objects = Vec::new();
        for (index, pool) in self.pools.iter().enumerate() {
            let taint = |taint: &PoolTaint| api::Taint {
                key: taint.key.to_owned(),
                value: Some(taint.value.to_owned()),
                effect: taint.effect,
            };
            let taints = pool.taints.iter().map(taint).collect();
            let classes = pool.classes.iter().map(|&class| class.to_owned()).collect();
            let runtime_classes = (!pool.classes.is_empty()).then_some(classes);
            let spec = api::NodePoolSpec { node_selector: pool.labels.clone(), taints, runtime_classes };
            objects.push(Object::new(pool_name(index), spec));
        }
        for tenant in &self.tenants {
            let spec = tenant_spec(tenant);
            objects.push(Object::new(&tenant.namespace, spec));
        }
        let other_taints = self.allows_other_taints.then_some(api::OtherTaints::Allow);
        let listed: Vec<_> = self.listed.iter().map(granted).collect();
        let spec = api::SettingsSpec {
            stamp: Some(self.stamp),
            tolerations: (!listed.is_empty()).then_some(listed),
            other_taints,
            ..Default::default()
        };
        objects.push(Object::new("default", spec));
        let located = |object| Located { source: Source::file("world"), object };
        let compiled = Snapshot::compile(objects.into_iter().map(located).collect(), date(2026, 11, 20));
        compiled.unwrap_or_else(|mistakes| panic!("{mistakes:?}\n{self}")).snapshot
    }
}

impl fmt::Display for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { stamp, pools, tenants, classes, nodes, compares, listed, allows_other_taints } = self;
        writeln!(f, "stamp {stamp:?}, tolerations compare numbers: {compares}")?;
        writeln!(f, "tolerations of everybody: {listed:?}, other taints: {allows_other_taints}")?;
        pools.iter().enumerate().try_for_each(|(index, pool)| writeln!(f, "{index}: {pool:?}"))?;
        tenants.iter().try_for_each(|tenant| writeln!(f, "{tenant:?}"))?;
        classes.iter().try_for_each(|class| writeln!(f, "{class:?}"))?;
        nodes.iter().try_for_each(|node| writeln!(f, "{node:?}"))
    }
}

fn pool_name(index: usize) -> String {
    format!("pool-{index}")
}

fn granted(grant: &Grant) -> api::TolerationGrant {
    api::TolerationGrant {
        key: grant.key.to_owned(),
        operator: Some(if grant.value.is_some() { Operator::Equal } else { Operator::Exists }),
        value: grant.value.map(str::to_owned),
        effect: grant.effect,
    }
}

fn tenant_spec(tenant: &Tenant) -> api::TenantSpec {
    let node_pools = tenant.pools.split_first().map(|(default, others)| api::NodePools {
        default: pool_name(*default),
        allowed: (!others.is_empty()).then(|| others.iter().map(|pool| pool_name(*pool)).collect()),
        unnamed: Some(if tenant.is_any { api::Unnamed::Any } else { api::Unnamed::Default }),
    });
    let classes = |(default, allowed): &(Option<&str>, Vec<&str>)| api::RuntimeClasses {
        default: default.map(str::to_owned),
        allowed: (!allowed.is_empty()).then(|| allowed.iter().map(|&name| name.to_owned()).collect()),
    };
    api::TenantSpec {
        namespaces: Some(vec![tenant.namespace.clone()]),
        node_pools,
        tolerations: Some(tenant.grants.iter().map(granted).collect()),
        pod_affinity: (!tenant.topologies.is_empty()).then(|| api::PodAffinity {
            topology_keys: Some(tenant.topologies.iter().map(|&key| key.to_owned()).collect()),
        }),
        runtime_classes: tenant.classes.as_ref().map(classes),
        ..Default::default()
    }
}

/// A value that is often the one at `index`, so that most pools differ.
fn value(index: usize, choices: &mut Choices<'_>) -> &'static str {
    let off = choices.pick(&[0, 0, 0, 0, 1, 2, 3]);
    VALUES[(index + off) % VALUES.len()]
}

fn effect(choices: &mut Choices<'_>) -> Option<Effect> {
    choices.pick(&[
        Some(Effect::NoSchedule),
        Some(Effect::NoSchedule),
        None,
        Some(Effect::NoExecute),
        Some(Effect::PreferNoSchedule),
    ])
}

fn pools(choices: &mut Choices<'_>) -> Vec<Pool> {
    let mut pools: Vec<Pool> = Vec::new();
    let count = 1 + choices.pick(&[1, 0, 1, 2, 2, 3]);
    for index in 0..count {
        let labels = 1 + choices.pick(&[0, 0, 0, 1, 1, 2]);
        let labels =
            (0..labels).map(|_| (choices.pick(&KEYS).to_owned(), value(index, choices).to_owned())).collect();
        let mut taints: Vec<PoolTaint> = Vec::new();
        for _ in 0..choices.pick(&[1, 1, 2, 0]) {
            let (key, value) = (choices.pick(&TAINT_KEYS), value(index, choices));
            let taint = PoolTaint { key, value, effect: effect(choices) };
            // A taint is one pool's, and a node carries one of a key and an effect.
            let of_another = |other: &PoolTaint| (other.key, other.value) == (key, value);
            let clashes = |other: &PoolTaint| {
                other.key == key
                    && (other.effect == taint.effect || other.effect.is_none() || taint.effect.is_none())
            };
            if !pools.iter().flat_map(|pool| &pool.taints).any(of_another) && !taints.iter().any(clashes) {
                taints.push(taint);
            }
        }
        let classes = if choices.chance(15) { vec![choices.pick(&["gvisor", "kata"])] } else { vec![] };
        pools.push(Pool { labels, taints, classes });
    }
    pools
}

fn tenant(index: usize, pools: &[Pool], choices: &mut Choices<'_>) -> Tenant {
    let mut own = Vec::new();
    if !choices.chance(20) {
        own.push((index + choices.pick(&[0, 0, 0, 1, 2])) % pools.len());
        if choices.chance(45) {
            let other = choices.below(pools.len());
            if !own.contains(&other) {
                own.push(other);
            }
            let third = choices.below(pools.len());
            if !own.contains(&third) && choices.chance(50) {
                own.push(third);
            }
        }
    }
    let is_any = choices.chance(20);
    let grants = choices.some(45, 2, grant);
    // Nobody is given a toleration of a pool of others.
    let foreign = |pool: &usize| !own.contains(pool);
    let reaches = |grant: &Grant| {
        let taints = (0..pools.len()).filter(foreign).flat_map(|pool| &pools[pool].taints);
        taints.into_iter().any(|taint| taint.key == grant.key && grant.value.is_none_or(|v| v == taint.value))
    };
    let grants = grants.into_iter().filter(|grant| !reaches(grant)).collect();
    let classes = choices.chance(25).then(|| match choices.below(3) {
        0 => (Some("gvisor"), vec![]),
        1 => (Some("gvisor"), vec!["kata"]),
        _ => (None, vec!["kata"]),
    });
    let mut topologies = choices.some(30, 2, |choices| choices.pick(&TOPOLOGIES));
    topologies.sort_unstable();
    topologies.dedup();
    Tenant { namespace: format!("team-{index}"), pools: own, is_any, grants, classes, topologies }
}

fn grant(choices: &mut Choices<'_>) -> Grant {
    Grant {
        key: choices.pick(&["spot", "spot", "spot", "tenant", "zone"]),
        value: choices.pick(&[None, None, Some("a"), Some("b")]),
        effect: effect(choices),
    }
}

fn class(name: &'static str, pools: &[Pool], choices: &mut Choices<'_>) -> RuntimeClass {
    let pool = &pools[choices.below(pools.len())];
    let node_selector = match choices.below(4) {
        0 | 1 => Labels::new(),
        2 => pool.labels.clone(),
        _ => [(choices.pick(&KEYS).to_owned(), choices.pick(&VALUES).to_owned())].into(),
    };
    let of_pool = |taint: &PoolTaint| Toleration {
        key: taint.key.to_owned(),
        operator: "Equal".to_owned(),
        value: taint.value.to_owned(),
        effect: taint.effect.map(|effect| effect.as_str().to_owned()).unwrap_or_default(),
        toleration_seconds: None,
    };
    let tolerations = if choices.chance(30) { pool.taints.iter().map(of_pool).collect() } else { vec![] };
    RuntimeClass { name, node_selector, tolerations }
}

/// The taints of a pool as one of its nodes carries them.
fn carried(pool: &Pool, choices: &mut Choices<'_>) -> Vec<Taint> {
    let carry = |taint: &PoolTaint, effects: &[&'static str]| {
        let taint = |&effect| Taint { key: taint.key.to_owned(), value: taint.value.to_owned(), effect };
        effects.iter().map(taint).collect::<Vec<_>>()
    };
    let any: [&[&str]; 4] =
        [&["NoSchedule", "NoExecute"], &["NoSchedule"], &["NoExecute"], &["PreferNoSchedule"]];
    let of = |taint: &PoolTaint| match taint.effect {
        Some(effect) => carry(taint, &[effect.as_str()]),
        None => carry(taint, choices.pick(&any)),
    };
    pool.taints.iter().flat_map(of).collect()
}

fn nodes(pools: &[Pool], choices: &mut Choices<'_>) -> Vec<Node> {
    let mut nodes: Vec<Node> = Vec::new();
    let mut add = |mut labels: Labels, taints| {
        let name = format!("node-{}", nodes.len());
        labels.insert(HOSTNAME.to_owned(), name.clone());
        labels.insert(REGION.to_owned(), "here".to_owned());
        nodes.push(Node { name, labels, taints });
    };
    let extra = |choices: &mut Choices<'_>| {
        if choices.chance(40) {
            let key = choices.pick(&[DISK, KEYS[0], KEYS[1], KEYS[2]]);
            Some((key.to_owned(), choices.pick(&VALUES).to_owned()))
        } else {
            None
        }
    };
    for pool in pools {
        let (more, taints) = (extra(choices), carried(pool, choices));
        // What the pool says of its nodes goes before.
        add(more.into_iter().chain(pool.labels.clone()).collect(), taints);
    }
    // One of everybody.
    add(extra(choices).into_iter().collect(), Vec::new());
    let own = |key: &str, effect| Taint { key: key.to_owned(), value: String::new(), effect };
    for _ in 0..choices.pick(&[1, 2, 3]) {
        let pool = &pools[choices.below(pools.len())];
        let more = extra(choices);
        let of_pool = more.clone().into_iter().chain(pool.labels.clone()).collect();
        let taints = carried(pool, choices);
        match choices.below(7) {
            0 | 1 => add(of_pool, Vec::new()),
            2 => add(more.into_iter().collect(), taints),
            3 | 5 => add(of_pool, [taints, vec![own("spot", "NoSchedule")]].concat()),
            4 => {
                let infra = own("node-role.kubernetes.io/control-plane", "NoSchedule");
                add(more.into_iter().collect(), vec![infra]);
            }
            _ => add(of_pool, [taints, vec![own("node.kubernetes.io/unschedulable", "NoSchedule")]].concat()),
        }
    }
    nodes
}
