//! `managed-objects`: what the platform put into a tenant's namespace stays as it is.
//!
//! Whoever may edit a namespace may change and delete its network policies, those that isolate it among them. What the
//! platform labels `partywall.dev/managed` is the platform's to change. Its spec and that label are protected, in the
//! object as it is: labels, annotations and finalizers may come and go. Owners may only go, since what is owned goes
//! with its owner, by the hand of the garbage collector. A policy of the tenant's own can still open what another
//! closes, since network policies add up: what must hold in any case belongs into a cluster-wide policy.

use std::collections::HashSet;

use crate::json::Pairs;
use crate::judging::users::is_of_cluster;
use crate::judging::{Findings, Subject};
use crate::labels::MANAGED;
use crate::objects::kinds::Kind;
use crate::objects::object::Object;
use crate::objects::unstructured::Custom;
use crate::review::Operation;

pub(super) fn check(subject: &Subject<'_, '_>, findings: &mut Findings<'_>) {
    let (Object::Custom(new), Some(Object::Custom(old))) = (subject.object, subject.old) else { return };
    if subject.request.kind != Kind::Custom
        || !is_managed(old)
        || is_of_cluster(&subject.request.user, subject.snapshot)
    {
        return;
    }
    let advice = "leave it as it is, and write another object of your own beside it";
    if matches!(subject.request.operation, Operation::Delete { .. }) {
        let message = format_args!("only the platform team deletes what carries this label; {advice}");
        findings.add_whole(&format_args!("metadata.labels[{MANAGED}]"), &message, &"deleted");
    } else if !is_managed(new) {
        let message = format_args!("only the platform team takes this label away; {advice}");
        findings.add_whole(&format_args!("metadata.labels[{MANAGED}]"), &message, &"unlabelled");
    } else if has_another_owner(new, old) {
        let message = format_args!("only the platform team says what this goes with; {advice}");
        findings.add_whole(&"metadata.ownerReferences", &message, &"owned");
    } else if new.identity().to_string() != old.identity().to_string() {
        let message = format_args!("only the platform team changes what is labelled `{MANAGED}`; {advice}");
        findings.add_whole(&"spec", &message, &"changed");
    }
}

/// Whether an owner came.
fn has_another_owner(new: &Custom<'_>, old: &Custom<'_>) -> bool {
    let owners = |object: &Custom<'_>| {
        let references = object.metadata.owner_references.iter();
        references.map(|of| [&of.api_version, &of.kind, &of.name, &of.uid].map(ToString::to_string)).collect()
    };
    let (new, old): (HashSet<_>, HashSet<_>) = (owners(new), owners(old));
    !new.is_subset(&old)
}

/// Labels that cannot be read are none that somebody else can be held to.
fn is_managed(object: &Custom<'_>) -> bool {
    let labels = object.metadata.labels.and_then(|raw| serde_json::from_str::<Pairs<'_>>(raw.get()).ok());
    labels.is_some_and(|labels| labels.get(MANAGED).is_some())
}
