//! `managed-objects`: only the platform team changes the objects that it manages in tenants' namespaces.
//!
//! A user who may edit a namespace can change and delete its network policies, including those that isolate it, and one
//! who may administer it also its quotas, limits, roles and role bindings. So only the platform team may change or
//! delete an object of these kinds, or a ServiceAccount, that already has the label `partywall.dev/managed`. The rule
//! protects the object's content and that label; other labels, annotations and finalizers may change. The annotations
//! of a ServiceAccount are protected too, because clouds give it an identity by them. Owner references may be removed
//! but not added, because the garbage collector deletes an object together with its owner. A network policy of the
//! tenant's own can still allow what another one denies, since network policies add up: put what must always hold into
//! a cluster-wide policy.

use std::collections::HashSet;

use crate::json::Pairs;
use crate::judging::trusted_users::is_of_cluster;
use crate::judging::{Findings, Fingerprint, Subject};
use crate::labels::MANAGED;
use crate::objects::kinds::Shape;
use crate::objects::metadata::OwnerReference;
use crate::objects::object::Object;
use crate::objects::unstructured::Unstructured;
use crate::review::Operation;

pub(super) fn check(subject: &Subject<'_, '_>, findings: &mut Findings<'_>) {
    let (Object::Unstructured(new), Some(Object::Unstructured(old))) = (subject.object, subject.old) else {
        return;
    };
    if subject.request.shape != Shape::Unstructured
        || !is_managed(old)
        || is_of_cluster(&subject.request.user, subject.snapshot)
    {
        return;
    }
    let advice = "leave it as it is, and create an object of your own";
    if matches!(subject.request.operation, Operation::Delete { .. }) {
        let message = format_args!("only the platform team may delete an object with this label; {advice}");
        findings.add_whole(&format_args!("metadata.labels[{MANAGED}]"), &message, &"deleted");
    } else if !is_managed(new) {
        let message = format_args!("only the platform team may remove this label; {advice}");
        findings.add_whole(&format_args!("metadata.labels[{MANAGED}]"), &message, &"unlabelled");
    } else if has_another_owner(new, old) {
        let message = format_args!("only the platform team may add an owner to this object; {advice}");
        findings.add_whole(&"metadata.ownerReferences", &message, &"owned");
    } else if is_service_account(subject) && new.metadata.annotations != old.metadata.annotations {
        let message = format_args!(
            "only the platform team may change the annotations of a ServiceAccount with the label `{MANAGED}`; {advice}"
        );
        findings.add_whole(&"metadata.annotations", &message, &"annotated");
    } else if Fingerprint::of(&new.identity()) != Fingerprint::of(&old.identity()) {
        let message =
            format_args!("only the platform team may change an object with the label `{MANAGED}`; {advice}");
        findings.add_whole(&"spec", &message, &"changed");
    }
}

fn is_service_account(subject: &Subject<'_, '_>) -> bool {
    subject.request.group.is_empty() && &*subject.request.kind_name == "ServiceAccount"
}

/// Returns whether the new object has an owner that the old one lacks.
fn has_another_owner(new: &Unstructured<'_>, old: &Unstructured<'_>) -> bool {
    let owner = |of: &OwnerReference<'_>| {
        let OwnerReference { api_version, kind, name, uid, .. } = of;
        Fingerprint::of(&format_args!("{api_version}\0{kind}\0{name}\0{uid}"))
    };
    let old: HashSet<_> = old.metadata.owner_references.iter().map(owner).collect();
    !new.metadata.owner_references.iter().all(|of| old.contains(&owner(of)))
}

/// Returns whether the object has the label; labels that do not parse count as none.
fn is_managed(object: &Unstructured<'_>) -> bool {
    let labels = object.metadata.labels.and_then(|raw| serde_json::from_str::<Pairs<'_>>(raw.get()).ok());
    labels.is_some_and(|labels| labels.get(MANAGED).is_some())
}
