//! The objects people write: `NodePool`, `Tenant`, `Exemption` and `Settings` of `partywall.dev/v1alpha1`.
//!
//! One Rust type each serves the file, the cluster and the schema. These types say what can be written;
//! what it means, and whether it makes sense together, is [`crate::admission::tenancy`]'s to decide.
//! Nothing here imports anything else of partywall.

mod exemption;
mod mistake;
mod node_pool;
mod settings;
mod tenant;

pub use exemption::{Exemption, ExemptionSpec, Target};
pub use mistake::{Mistake, Source};
pub use node_pool::{Effect, NodePool, NodePoolSpec, Taint};
pub use settings::{Controllers, ForeignRoute, Mode, Platform, Settings, SettingsSpec, StampMode, Workloads};
pub use tenant::{
    Level, NodePools, Operator, PodSecurity, RuntimeClasses, ServiceType, Services, Tenant, TenantSpec,
    TolerationGrant,
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

/// An object and where it was written.
#[derive(Clone, Debug)]
pub struct Located {
    /// Where it was written.
    pub source: Source,
    /// What was written.
    pub object: Object,
}
