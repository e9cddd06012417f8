//! Writes the label that names the tenant into Namespaces, and tells of labels that contradict the policies.
//!
//! The API server chooses by this label which objects it sends, so a tenant's namespace without it is unprotected.
//! partywall adds the label to each Namespace that a Tenant lists, when somebody creates or changes the Namespace.

use std::collections::BTreeMap;

use crate::json::{Escaped, Pairs, Patch, PatchBuilder, Pointer};
use crate::judging::Subject;
use crate::labels::TENANT;
use crate::objects::kinds::Shape;
use crate::objects::object::Object;
use crate::tenancy::Owner;

/// Returns the patch that gives a tenant's Namespace its label, or `None` if it has the right one.
///
/// The patch also replaces a label that the old Namespace already had, since the Namespace then belonged to another
/// tenant before. It keeps a wrong label that the request itself writes, which the rule `namespaces` denies.
pub(crate) fn patch(subject: &Subject<'_, '_>) -> Option<Patch> {
    let (Some(tenant), true) = (subject.tenant(), subject.request.subresource.is_empty()) else {
        return None;
    };
    // Then the label decides, and only the platform team changes it.
    if tenant.by_label {
        return None;
    }
    let labels = labels(subject.object)?;
    let (new, old) = (labels.get(TENANT), subject.old.and_then(self::labels));
    let is_old = || old.as_ref().is_some_and(|old| old.get(TENANT) == new);
    if new == Some(&*tenant.name) || (new.is_some() && !is_old()) {
        return None;
    }
    let at = Pointer::to_field("metadata.labels");
    let mut patch = PatchBuilder::default();
    if labels.iter().next().is_none() {
        patch.add(&at, &BTreeMap::from([(TENANT, &*tenant.name)]));
    } else {
        patch.add(&at.then(TENANT), &&*tenant.name);
    }
    patch.finish()
}

/// Returns the warnings about a Namespace: a label without a Tenant, or a Tenant's Namespace without its label.
pub(crate) fn warnings(subject: &Subject<'_, '_>) -> Vec<String> {
    if subject.request.shape != Shape::Namespace {
        return Vec::new();
    }
    let Some(labels) = labels(subject.object) else { return Vec::new() };
    let name = Escaped(subject.request.name_of_namespace());
    let warning = match (subject.owner, labels.get(TENANT)) {
        // It becomes that tenant's in a moment.
        (Owner::Unclaimed, Some(new)) if subject.snapshot.selects_by_label(new) => return Vec::new(),
        (Owner::Tenant(tenant), Some(new)) if tenant.by_label && subject.snapshot.selects_by_label(new) => {
            return Vec::new();
        }
        (Owner::Tenant(tenant), None) if tenant.by_label => format!(
            "namespace `{name}` is not tenant `{}`'s any more, and what runs there keeps running on its nodes; to keep \
             the tenant, write `{TENANT}: {}`",
            tenant.name, tenant.name
        ),
        (Owner::Unclaimed, Some(tenant)) => format!(
            "namespace `{name}` has the label `{TENANT}: {}`, but no Tenant lists it in `namespaces`; until one does, \
             every object there is denied",
            Escaped(tenant)
        ),
        (Owner::System, Some(_)) => format!(
            "namespace `{name}` is a system namespace, so the label `{TENANT}` has no effect; remove the label"
        ),
        (Owner::Tenant(tenant), label) if label != Some(&*tenant.name) => format!(
            "namespace `{name}` belongs to tenant `{}`, but was written without the label that protects it; write \
             `{TENANT}: {}`",
            tenant.name, tenant.name
        ),
        (Owner::Denied(_), _) => format!(
            "Tenants list namespace `{name}`, but it is not known whose it is, so everything in it is denied; the \
             status of the Tenants says why"
        ),
        (Owner::Unclaimed | Owner::System | Owner::Tenant(_), _) => return Vec::new(),
    };
    vec![warning]
}

/// Returns the labels of a Namespace; `None` means that they do not decode.
fn labels<'a>(object: &Object<'a>) -> Option<Pairs<'a>> {
    let Object::Unstructured(namespace) = object else { return None };
    namespace.metadata.decoded_labels()
}
