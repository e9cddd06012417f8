//! Holds the object that a rule judges, and its context.

use crate::objects::object::Object;
use crate::objects::pod::PodView;
use crate::review::Request;
use crate::tenancy::{Owner, Snapshot, Tenant};

/// Holds what a rule judges: the new or the old object, the request, and the namespace's owner.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'s, 'a> {
    /// The request.
    pub request: &'s Request<'a>,
    /// The object to judge.
    pub object: &'s Object<'a>,
    /// The pod templates of an object of a kind that Settings list; rules judge one after the other.
    pub templates: &'s [PodView<'s, 'a>],
    /// True if a rule is about the object's kind, so that it is judged by itself, before its templates.
    pub is_by_itself: bool,
    /// The old object, for kinds whose rules compare the two; of a deleted object the same as `object`.
    pub old: Option<&'s Object<'a>>,
    /// The node that the pod may name, because the old pod named it too.
    pub(crate) bound_node: Option<&'s str>,
    /// The owner of the namespace: a tenant, the system, or none.
    pub owner: Owner<'s>,
    /// The policies that apply.
    pub snapshot: &'s Snapshot,
}

impl<'s, 'a> Subject<'s, 'a> {
    /// Returns the pod, or the pod that the object's template creates.
    pub fn pod(&self) -> Option<PodView<'s, 'a>> {
        let first = self.templates.first().filter(|_| !self.is_by_itself);
        first.copied().or_else(|| self.object.pod())
    }

    /// Returns the pod, or all pods that templates of the object create.
    pub(crate) fn pods(&self) -> impl Iterator<Item = PodView<'s, 'a>> + Clone {
        let own = self.templates.is_empty().then(|| self.object.pod()).flatten();
        own.into_iter().chain(self.templates.iter().copied())
    }

    /// Returns the tenant that owns the namespace, if one does.
    pub const fn tenant(&self) -> Option<&'s Tenant> {
        match self.owner {
            Owner::Tenant(tenant) => Some(tenant),
            Owner::System | Owner::Unclaimed | Owner::Denied(_) => None,
        }
    }
}
