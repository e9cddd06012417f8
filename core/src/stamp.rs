//! Computes the stamp: the patch that confines a pod to the nodes of its tenant's pools.
//!
//! partywall stamps pods when they are created, pods with scheduling gates on updates too, until the last gate is
//! gone, and templates of DaemonSets on every write; it patches nothing else. A pod gets the labels of the pools that
//! [`placement`](crate::judging::placement) chooses for it, tolerations of their taints, and the tenant's default
//! runtime class. The Settings choose where the labels go (`stamp`):
//!
//! - into the nodeSelector, because the scheduler ANDs it with all other constraints, so no other field can widen it;
//! - into **every** non-empty term of the required node affinity, because the scheduler ORs the terms.
//!
//! A nodeSelector holds only labels that all chosen pools share, so several pools need terms in any case. A term for
//! pools whose labels differ in more than one key is copied for each of them.
//!
//! The stamp follows the modes of the rules `node-placement` and `runtime-class`: it writes only at `deny`. A pod that
//! could run in none of its tenant's pools is not stamped; the rule `node-placement` denies it and says why.
//!
//! INVARIANT: the patch adds only missing values. A stamped pod yields no patch, and the patch removes no value of the
//! object and replaces none, except a null or an empty `runtimeClassName`, and what an earlier stamp wrote into the
//! template of a DaemonSet and recorded there.

mod confine;
mod daemon_sets;
mod gates;
mod terms;
mod values;

use serde_json::value::RawValue;

use self::confine::{Confine, Fields};
use crate::api::{Mode, StampMode};
use crate::json::{Patch, PatchBuilder, Pointer};
use crate::judging::Subject;
use crate::judging::placement::{Choice, Demands, choose, stamped_class};
use crate::objects::kinds::Shape;
use crate::objects::object::{Object, decode_as};
use crate::objects::pod::PodSpec;
use crate::review::{Operation, is_gated};
use crate::rule_id::RuleId;
use crate::tenancy::{Snapshot, Tenant};

/// Holds what the stamp answers.
#[derive(Debug, Default)]
pub(crate) struct Stamp {
    /// The patch that adds the missing values, if there are any.
    pub(crate) patch: Option<Patch>,
    /// What the user should know of it.
    pub(crate) warnings: Vec<String>,
}

/// Tells what of an object the stamp confines.
#[derive(Clone, Copy, Debug)]
enum Target<'a> {
    /// A pod that is created.
    NewPod,
    /// A pod that has scheduling gates, or loses the last of them, with the old pod.
    ///
    /// The API server takes changes of the nodeSelector and the affinity only of pods that had a gate.
    GatedPod(&'a RawValue),
    /// The template of a DaemonSet.
    Template,
}

impl<'a> Target<'a> {
    /// Returns what is to be confined, or `None` if nothing is.
    fn of(subject: &Subject<'_, 'a>) -> Option<Self> {
        let request = subject.request;
        match (&request.operation, request.shape) {
            (Operation::Create { .. } | Operation::Update { .. }, Shape::DaemonSet) => Some(Self::Template),
            // A mirror pod represents a static pod that already runs; the kubelet deletes one that differs from its
            // static pod.
            (_, Shape::Pod) if !request.subresource.is_empty() || subject.pod()?.is_mirror() => None,
            (Operation::Create { .. }, Shape::Pod) => Some(Self::NewPod),
            (Operation::Update { old: Some(old), .. }, Shape::Pod) if is_gated(old) => {
                Some(Self::GatedPod(old))
            }
            _ => None,
        }
    }

    /// Chooses the pools of a pod or template, or returns `None` if its tenant has no pools.
    fn choose(self, spec: &PodSpec<'_>, tenant: &Tenant, snapshot: &Snapshot) -> Option<Choice> {
        let demands = Demands::of(spec);
        match self {
            Self::NewPod => choose(&demands, tenant, snapshot),
            Self::GatedPod(old) => {
                let old = (!demands.is_gated).then(|| decode_as(Shape::Pod, "", old).ok()).flatten();
                let old = old.as_ref().and_then(Object::pod).map(|old| old.spec);
                gates::choose_updated(old, spec, tenant, snapshot)
            }
            // A template is stamped once, whatever gates its pods have.
            Self::Template => choose(&Demands { is_gated: false, ..demands }, tenant, snapshot),
        }
    }
}

/// Stamps a pod, or the template of a DaemonSet.
pub(crate) fn stamp(subject: &Subject<'_, '_>) -> Stamp {
    let tenant = subject.tenant().filter(|tenant| tenant.lacks_pool.is_none());
    let (Some(tenant), Some(target)) = (tenant, Target::of(subject)) else {
        return Stamp::default();
    };
    match target {
        Target::NewPod | Target::GatedPod(_) => {
            Stamp { patch: pod(subject, tenant, target), warnings: Vec::new() }
        }
        Target::Template => {
            let (patch, warnings) = daemon_sets::stamp(subject, tenant);
            Stamp { patch, warnings }
        }
    }
}

fn pod(subject: &Subject<'_, '_>, tenant: &Tenant, target: Target<'_>) -> Option<Patch> {
    let pod = subject.pod()?;
    let is_new = matches!(target, Target::NewPod);
    let at = Pointer::to_field(pod.spec_path);
    let mut patch = PatchBuilder::default();
    if is_new {
        runtime_class(pod.spec, tenant, &at, &mut patch);
    }
    if tenant.modes.of(RuleId::NodePlacement) == Mode::Deny {
        let fields = Fields {
            selector: subject.snapshot.stamp != StampMode::NodeAffinity,
            terms: subject.snapshot.stamp != StampMode::NodeSelector,
            // The API server lets an update narrow the terms of a pod, but add none.
            copies: is_new,
        };
        if let Some(choice) = target.choose(pod.spec, tenant, subject.snapshot) {
            let demands = Demands::of(pod.spec);
            Confine { demands, choice: &choice, tenant, snapshot: subject.snapshot, fields }
                .write(&at, &mut patch);
        }
    }
    patch.finish()
}

/// Returns the names of the pools that the stamp would confine the object's pods to, if it were written.
pub(crate) fn pools(subject: &Subject<'_, '_>) -> Option<String> {
    let (tenant, pod) = (subject.tenant()?, subject.pod()?);
    let chosen = Target::of(subject)?.choose(pod.spec, tenant, subject.snapshot)?.all;
    let pools = chosen.places().filter_map(|place| subject.snapshot.pool_of(tenant, place));
    let names: Vec<_> = pools.map(|pool| &*pool.name).collect();
    (!names.is_empty()).then(|| names.join(","))
}

fn runtime_class(spec: &PodSpec<'_>, tenant: &Tenant, at: &Pointer<'_>, patch: &mut PatchBuilder) {
    // If the rule `runtime-class` does not deny, the stamp adds no default class either.
    if let Some(default) = stamped_class(tenant).filter(|_| spec.runtime_class_name.is_empty()) {
        patch.add(&at.then("runtimeClassName"), &default);
    }
}
