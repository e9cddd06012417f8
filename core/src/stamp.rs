//! Computes the stamp: the patch that confines a pod to the nodes of one of its tenant's pools.
//!
//! partywall stamps pods when they are created, and templates of DaemonSets on every write; it patches nothing else. A
//! pod gets the labels of its pool, tolerations of the pool's taints, and the tenant's default runtime class. The
//! Settings choose where the labels go (`stamp`):
//!
//! - into the nodeSelector, because the scheduler ANDs it with all other constraints, so no other field can widen it;
//! - into **every** non-empty term of the required node affinity, because the scheduler ORs the terms.
//!
//! The template of a DaemonSet gets the labels in the nodeSelector, and the tolerations, because the DaemonSet
//! controller computes from these fields which nodes need a pod.
//!
//! INVARIANT: the patch adds only missing values. A stamped pod yields no patch, and the patch removes no value of the
//! object and replaces none, except a null or an empty `runtimeClassName`.

use serde::Serialize;
use serde::ser::{SerializeMap, SerializeStruct, Serializer};

use crate::api::{Mode, StampMode};
use crate::json::{Patch, PatchBuilder, Pointer};
use crate::judging::Subject;
use crate::judging::placement::{demands, pool_of};
use crate::objects::kinds::Shape;
use crate::objects::pod::PodSpec;
use crate::review::Operation;
use crate::rule_id::RuleId;
use crate::tenancy::{Pool, Taint, Tenant};

/// Returns the patch that adds the missing values, or `None` if there are none.
pub(crate) fn stamp(subject: &Subject<'_, '_>) -> Option<Patch> {
    let tenant = subject.tenant()?;
    let pod = subject.pod()?;
    let whole = match (&subject.request.operation, subject.request.shape) {
        (Operation::Create { .. }, Shape::Pod) if subject.request.subresource.is_empty() => true,
        (Operation::Create { .. } | Operation::Update { .. }, Shape::DaemonSet) => false,
        _ => return None,
    };
    // A mirror pod represents a static pod that already runs; the kubelet deletes one that differs from its static pod.
    if pod.is_mirror() {
        return None;
    }
    let spec = Pointer::to_field(pod.spec_path);
    let mut patch = PatchBuilder::default();
    if whole {
        runtime_class(pod.spec, tenant, &spec, &mut patch);
    }
    let Some(pool) = pool_of(pod.spec, tenant, subject.snapshot) else { return patch.finish() };
    if !whole {
        // The DaemonSet controller reads the nodeSelector and the tolerations to find the nodes that need a pod. In
        // the pods that it creates, it overwrites the required node affinity, so `snapshot.stamp` does not apply here.
        node_selector(pod.spec, pool, &spec, &mut patch);
        tolerations(pod.spec, pool, &spec, &mut patch);
        return patch.finish();
    }
    let (selector, affinity) = match subject.snapshot.stamp {
        StampMode::NodeAffinity => (false, true),
        StampMode::NodeSelector => (true, false),
        StampMode::Both => (true, true),
    };
    if selector {
        node_selector(pod.spec, pool, &spec, &mut patch);
    }
    if affinity {
        node_affinity(pod.spec, pool, &spec, &mut patch);
    }
    tolerations(pod.spec, pool, &spec, &mut patch);
    patch.finish()
}

fn runtime_class(spec: &PodSpec<'_>, tenant: &Tenant, at: &Pointer<'_>, patch: &mut PatchBuilder) {
    // If the rule `runtime-class` is off for a tenant, the stamp adds no default class either.
    if tenant.modes.of(RuleId::RuntimeClass) == Mode::Off {
        return;
    }
    let default = tenant.runtime_classes.as_ref().and_then(|classes| classes.default.as_ref());
    if let Some(default) = default.filter(|_| spec.runtime_class_name.is_empty()) {
        patch.add(&at.then("runtimeClassName"), default);
    }
}

fn node_selector(spec: &PodSpec<'_>, pool: &Pool, at: &Pointer<'_>, patch: &mut PatchBuilder) {
    let at = at.then("nodeSelector");
    match &spec.node_selector {
        None => patch.add(&at, &Labels(pool)),
        // The stamp keeps a value that contradicts the pool's; the rule `node-placement` judges such a pod.
        Some(selector) => {
            for (key, value) in pool.labels.iter().filter(|(key, _)| selector.get(key).is_none()) {
                patch.add(&at.then(&**key), value);
            }
        }
    }
}

fn node_affinity(spec: &PodSpec<'_>, pool: &Pool, at: &Pointer<'_>, patch: &mut PatchBuilder) {
    let requirements = Requirements(pool);
    let term = Nested("matchExpressions", &requirements);
    let terms_list = [&term];
    let required = Nested("nodeSelectorTerms", &terms_list);
    let node_affinity = Nested("requiredDuringSchedulingIgnoredDuringExecution", &required);

    let at = at.then("affinity");
    let Some(affinity) = &spec.affinity else {
        return patch.add(&at, &Nested("nodeAffinity", &node_affinity));
    };
    let at = at.then("nodeAffinity");
    let Some(affinity) = &affinity.node_affinity else {
        return patch.add(&at, &node_affinity);
    };
    let at = at.then("requiredDuringSchedulingIgnoredDuringExecution");
    let Some(selector) = &affinity.required else {
        return patch.add(&at, &required);
    };
    let at = at.then("nodeSelectorTerms");
    let Some(terms) = &selector.terms else {
        return patch.add(&at, &terms_list);
    };
    for (index, term) in terms.iter().enumerate().filter(|(_, term)| !term.is_empty()) {
        let at = at.then(index);
        let at = at.then("matchExpressions");
        match &term.match_expressions {
            None => patch.add(&at, &requirements),
            Some(_) => {
                for (key, value) in pool.labels.iter().filter(|(key, value)| !demands(term, key, value)) {
                    patch.add(&at.then("-"), &Requirement { key, value });
                }
            }
        }
    }
}

fn tolerations(spec: &PodSpec<'_>, pool: &Pool, at: &Pointer<'_>, patch: &mut PatchBuilder) {
    let mut missing =
        pool.taints.iter().filter(|taint| !taint.tolerated_for_good(spec.tolerations())).peekable();
    if missing.peek().is_none() {
        return;
    }
    let at = at.then("tolerations");
    if spec.tolerations.is_none() {
        let all: Vec<_> = missing.map(Tolerates).collect();
        return patch.add(&at, &all);
    }
    for taint in missing {
        patch.add(&at.then("-"), &Tolerates(taint));
    }
}

/// Serializes a pool's labels as a nodeSelector.
struct Labels<'p>(&'p Pool);

impl Serialize for Labels<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.labels.iter().map(|(key, value)| (key, value)))
    }
}

/// Serializes a pool's labels as the requirements of a term.
struct Requirements<'p>(&'p Pool);

impl Serialize for Requirements<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.labels.iter().map(|(key, value)| Requirement { key, value }))
    }
}

/// Serializes the requirement `key In [value]`.
struct Requirement<'p> {
    key: &'p str,
    value: &'p str,
}

impl Serialize for Requirement<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut requirement = serializer.serialize_struct("NodeSelectorRequirement", 3)?;
        requirement.serialize_field("key", self.key)?;
        requirement.serialize_field("operator", "In")?;
        requirement.serialize_field("values", &[self.value])?;
        requirement.end()
    }
}

/// Serializes `{field: value}`.
struct Nested<'p, V>(&'static str, &'p V);

impl<V: Serialize> Serialize for Nested<'_, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry(self.0, self.1)?;
        map.end()
    }
}

/// Serializes the toleration of a taint.
struct Tolerates<'p>(&'p Taint);

impl Serialize for Tolerates<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Taint { key, value, effect } = self.0;
        let mut toleration = serializer.serialize_struct("Toleration", 4)?;
        toleration.serialize_field("key", key)?;
        toleration.serialize_field("operator", "Equal")?;
        if !value.is_empty() {
            toleration.serialize_field("value", value)?;
        }
        if let Some(effect) = effect {
            toleration.serialize_field("effect", effect.as_str())?;
        }
        toleration.end()
    }
}
