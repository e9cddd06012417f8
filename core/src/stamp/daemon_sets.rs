//! Stamps the templates of DaemonSets.
//!
//! The DaemonSet controller reads the nodeSelector, the required affinity and the tolerations of the template to find
//! the nodes that need a pod. In the pods that it creates it replaces the terms by one that names the node.
//!
//! A template is stored with its stamp, and no manifest of the tenant contains that stamp, so that no later write of
//! the tenant removes it. So an annotation of the DaemonSet records what was written. If the tenant's pools change, the
//! next write takes the recorded values away and writes others. A tenant may write the annotation too; it then only
//! asks that values of its own are removed.

mod record;

use self::record::Earlier;
use super::confine::{Confine, Fields};
use crate::api::Mode;
use crate::json::{Patch, PatchBuilder, Pointer};
use crate::judging::Subject;
use crate::judging::placement::{Choice, Demands, Recorded, choose};
use crate::labels::STAMP;
use crate::objects::object::{Object, decode_as};
use crate::objects::pod::TemplateOwner;
use crate::review::Operation;
use crate::rule_id::RuleId;
use crate::tenancy::{Snapshot, Tenant};

/// The fields of a template that get the labels, whatever the Settings say.
const FIELDS: Fields = Fields { selector: true, terms: false, copies: true };

/// Stamps the template of a DaemonSet; returns the patch and warnings.
pub(super) fn stamp(subject: &Subject<'_, '_>, tenant: &Tenant) -> (Option<Patch>, Vec<String>) {
    if tenant.modes.of(RuleId::NodePlacement) != Mode::Deny {
        return (None, Vec::new());
    }
    let patch = patch(subject.object, tenant, subject.snapshot);
    let Operation::Update { old: Some(old), .. } = subject.request.operation else {
        return (patch.finish(), Vec::new());
    };
    // If the old template has its stamp, this write only lost it, and gets it back.
    let is_new = !patch.is_empty()
        && decode_as(subject.request.shape, &subject.request.subresource, old)
            .is_ok_and(|old| !self::patch(&old, tenant, subject.snapshot).is_empty());
    let restart = "this write changes `spec.template`, so the DaemonSet's pods restart: partywall confines them to the \
                   tenant's pools, which have changed since the last write or were not there yet";
    (patch.finish(), is_new.then(|| restart.to_owned()).into_iter().collect())
}

/// Returns the patch of a DaemonSet: its template, and the record of it.
fn patch(object: &Object<'_>, tenant: &Tenant, snapshot: &Snapshot) -> PatchBuilder {
    let mut patch = PatchBuilder::default();
    let (Object::TemplateOwner(owner), Some(pod)) = (object, object.pod()) else { return patch };
    let at = Pointer::to_field(pod.spec_path);
    let earlier = owner.metadata.annotations.get(STAMP);
    let earlier = earlier.and_then(|annotation| Earlier::read(annotation, pod.spec));
    let earlier: Option<&dyn Recorded> = earlier.as_ref().map(|earlier| earlier as &dyn Recorded);
    let template = |recorded| {
        let demands = Demands { recorded, is_gated: false, ..Demands::of(pod.spec) };
        Some((demands, choose(&demands, tenant, snapshot)?))
    };
    let (Some((demands, choice)), Some((own, own_choice))) = (template(None), template(earlier)) else {
        return patch;
    };
    let confine = |demands, choice| Confine { demands, choice, tenant, snapshot, fields: FIELDS };
    let wanted: Confine<'_, '_, '_> = confine(own, &own_choice);
    if earlier.is_some_and(|earlier| record::is_stale(earlier, &wanted)) {
        record::remove(&wanted, &at, &mut patch);
        wanted.write(&at, &mut patch);
    } else {
        confine(demands, &choice).write(&at, &mut patch);
    }
    if !patch.is_empty() {
        annotate(owner, &wanted, &own_choice, &mut patch);
    }
    patch
}

/// Records what of the stamp is not the tenant's own.
fn annotate(
    owner: &TemplateOwner<'_>,
    wanted: &Confine<'_, '_, '_>,
    choice: &Choice,
    patch: &mut PatchBuilder,
) {
    if choice.all.is_empty() {
        return;
    }
    let text = record::written(wanted);
    let annotations = &owner.metadata.annotations;
    let at = Pointer::to_field("metadata.annotations");
    if !annotations.is_map() {
        patch.add(&at, &std::collections::BTreeMap::from([(STAMP, text)]));
    } else if annotations.get(STAMP) != Some(&text) {
        patch.add(&at.then(STAMP), &text);
    }
}
