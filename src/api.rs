//! The objects people write: `NodePool`, `Tenant`, `Exemption` and `Settings` of `partywall.dev/v1alpha1`.
//!
//! One Rust type each serves the file, the cluster and the schema. These types say what can be written;
//! what it means, and whether it makes sense together, is [`crate::admission::tenancy`]'s to decide.
//! Nothing here imports anything else of partywall.

mod exemption;
mod node_pool;
mod settings;
mod tenant;

use std::fmt;

pub use exemption::{Exemption, ExemptionSpec, Target};
pub use node_pool::{Effect, NodePool, NodePoolSpec, Taint};
pub use settings::{Mode, Settings, SettingsSpec, StampMode, Workloads};
pub use tenant::{
    Level, NodePools, Operator, PodSecurity, ServiceType, Services, Tenant, TenantSpec, TolerationGrant,
};

/// The API group of every object.
pub const GROUP: &str = "partywall.dev";
/// What `apiVersion` reads.
pub const API_VERSION: &str = "partywall.dev/v1alpha1";

/// Any one of the objects.
#[derive(Clone, Debug)]
pub enum Object {
    /// A set of nodes.
    NodePool(Box<NodePool>),
    /// A tenant and what it may do.
    Tenant(Box<Tenant>),
    /// A justified, expiring exception.
    Exemption(Box<Exemption>),
    /// What holds for the whole cluster.
    Settings(Box<Settings>),
}

/// Where an object was written: a file and the number of the document in it, from 1.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Source {
    /// The path as given, or the name of an embedded file.
    pub path: String,
    /// The document's number in the file, from 1.
    pub document: usize,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.path, self.document)
    }
}

/// An object and where it was written.
#[derive(Clone, Debug)]
pub struct Located {
    /// Where it was written.
    pub source: Source,
    /// What was written.
    pub object: Object,
}

/// Something wrong, or worth a warning, in the objects: where, which field, its value, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mistake {
    /// The document.
    pub source: Source,
    /// The path of the field in the document, such as `spec.domains[1]`.
    pub path: String,
    /// The offending value as JSON, or empty where the field is missing.
    pub value: String,
    /// What is wrong and how to mend it.
    pub message: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.source, self.path)?;
        if !self.value.is_empty() {
            write!(f, " = {}", self.value)?;
        }
        write!(f, ": {}", self.message)
    }
}
