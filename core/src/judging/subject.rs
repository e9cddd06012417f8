//! What a rule looks at.

use crate::objects::object::Object;
use crate::objects::pod::PodView;
use crate::review::Request;
use crate::tenancy::{Owner, Snapshot, Tenant};

/// What a rule judges: an object as it is asked for (or as it was before), and whose namespace it is in.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'s, 'a> {
    /// The request.
    pub request: &'s Request<'a>,
    /// The object.
    pub object: &'s Object<'a>,
    /// The object as it was, of the kinds whose rules compare the two; of a deleted one the same as `object`.
    pub old: Option<&'s Object<'a>>,
    /// The node that the object, a pod, may name, for it did before.
    pub settled_on: Option<&'s str>,
    /// Whose namespace it is.
    pub owner: Owner<'s>,
    /// The snapshot.
    pub snapshot: &'s Snapshot,
}

impl<'s, 'a> Subject<'s, 'a> {
    /// The pod, or the pod that the template makes.
    pub fn pod(&self) -> Option<PodView<'s, 'a>> {
        self.object.pod()
    }

    /// The tenant whose namespace it is.
    pub const fn tenant(&self) -> Option<&'s Tenant> {
        match self.owner {
            Owner::Tenant(tenant) => Some(tenant),
            Owner::System | Owner::Unclaimed => None,
        }
    }

    /// Whether a namespace is one of the same tenant's.
    pub fn owns(&self, namespace: &str) -> bool {
        match (self.tenant(), self.snapshot.owner(namespace)) {
            (Some(tenant), Owner::Tenant(other)) => tenant.name == other.name,
            (_, Owner::Tenant(_) | Owner::System | Owner::Unclaimed) => false,
        }
    }
}
