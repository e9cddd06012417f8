//! `managed-objects`: only the platform team changes the objects that it manages in tenants' namespaces.
//!
//! A user who may edit a namespace can change and delete its network policies, including those that isolate it, and one
//! who may administer it also its quotas, limits, roles and role bindings. So only the platform team may change or
//! delete an object of these kinds, or a ServiceAccount, that already has the label `partywall.dev/managed`. The rule
//! protects the object's content and that label; other labels, annotations and finalizers may change. The annotations
//! of a ServiceAccount are protected too, because clouds give it an identity by them. Owner references may be removed
//! but not added, because the garbage collector deletes an object together with its owner. Writes to the status of a
//! quota are held to the same, since they change labels too, and what the quota counts. A network policy of the
//! tenant's own can still allow what another one denies, since network policies add up: put what must always hold into
//! a cluster-wide policy.

use std::collections::HashSet;

use serde_json::value::RawValue;

use crate::json::Pairs;
use crate::judging::trusted_users::is_of_cluster;
use crate::judging::{Findings, Fingerprint, Subject};
use crate::labels::MANAGED;
use crate::objects::kinds::{Shape, Topic, row};
use crate::objects::metadata::{Metadata, OwnerReference};
use crate::objects::object::Object;
use crate::review::Operation;

pub(super) fn check(subject: &Subject<'_, '_>, findings: &mut Findings<'_>) {
    let (new_metadata, old_metadata) = match (subject.object, subject.old) {
        (Object::Unstructured(new), Some(Object::Unstructured(old))) => (&new.metadata, &old.metadata),
        // A write to the status changes labels too.
        (Object::Status(new), Some(Object::Status(old))) => (&new.metadata, &old.metadata),
        _ => return,
    };
    let is_of_topic = row(&subject.request.group, &subject.request.kind_name)
        .is_some_and(|row| row.topic == Topic::Managed);
    if subject.request.shape != Shape::Unstructured
        || (matches!(subject.object, Object::Status(_)) && !is_of_topic)
        || !is_managed(old_metadata)
        || is_of_cluster(&subject.request.user, subject.snapshot)
    {
        return;
    }
    let advice = "leave it as it is, and create an object of your own";
    if matches!(subject.request.operation, Operation::Delete { .. }) {
        let message = format_args!("only the platform team may delete an object with this label; {advice}");
        findings.add_whole(&format_args!("metadata.labels[{MANAGED}]"), &message, &"deleted");
    } else if !is_managed(new_metadata) {
        let message = format_args!("only the platform team may remove this label; {advice}");
        findings.add_whole(&format_args!("metadata.labels[{MANAGED}]"), &message, &"unlabelled");
    } else if has_another_owner(new_metadata, old_metadata) {
        let message = format_args!("only the platform team may add an owner to this object; {advice}");
        findings.add_whole(&"metadata.ownerReferences", &message, &"owned");
    } else if is_service_account(subject) && new_metadata.annotations != old_metadata.annotations {
        let message = format_args!(
            "only the platform team may change the annotations of a ServiceAccount with the label `{MANAGED}`; {advice}"
        );
        findings.add_whole(&"metadata.annotations", &message, &"annotated");
    } else if let Some(field) = changed(subject) {
        let message =
            format_args!("only the platform team may change an object with the label `{MANAGED}`; {advice}");
        findings.add_whole(&field, &message, &"changed");
    }
}

/// Returns the part of the object that a request changes, if it is another part than the metadata.
fn changed(subject: &Subject<'_, '_>) -> Option<&'static str> {
    match (subject.object, subject.old?) {
        (Object::Unstructured(new), Object::Unstructured(old)) => {
            (Fingerprint::of(&new.identity()) != Fingerprint::of(&old.identity())).then_some("spec")
        }
        (Object::Status(new), Object::Status(old)) => {
            (new.get().map(RawValue::get) != old.get().map(RawValue::get)).then_some("status")
        }
        _ => None,
    }
}

fn is_service_account(subject: &Subject<'_, '_>) -> bool {
    subject.request.group.is_empty() && &*subject.request.kind_name == "ServiceAccount"
}

/// Returns whether the new object has an owner that the old one lacks.
fn has_another_owner(new: &Metadata<'_>, old: &Metadata<'_>) -> bool {
    let owner = |of: &OwnerReference<'_>| {
        let OwnerReference { api_version, kind, name, uid, .. } = of;
        Fingerprint::of(&format_args!("{api_version}\0{kind}\0{name}\0{uid}"))
    };
    let old: HashSet<_> = old.owner_references.iter().map(owner).collect();
    !new.owner_references.iter().all(|of| old.contains(&owner(of)))
}

/// Returns whether the object has the label; labels that do not parse count as none.
fn is_managed(metadata: &Metadata<'_>) -> bool {
    let labels = metadata.labels.and_then(|raw| serde_json::from_str::<Pairs<'_>>(raw.get()).ok());
    labels.is_some_and(|labels| labels.get(MANAGED).is_some())
}
