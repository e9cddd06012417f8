//! The objects people write, of `partywall.dev/v1alpha1`: `NodePool`, `Tenant`, `TenantClass`, `Exemption`, `Settings`.
//!
//! One Rust type each serves the file, the cluster and the schema. These types say what can be written;
//! what it means, and whether it makes sense together, is [`crate::tenancy`]'s to decide.
//! Nothing here imports anything else of partywall.

mod exemption;
mod mistake;
mod node_pool;
mod settings;
mod status;
mod tenant;
mod tenant_class;
mod toleration;

#[cfg(feature = "crd")]
pub use exemption::Exemption;
pub use exemption::{ExemptionSpec, Target};
pub use mistake::{Mistake, Place, Source};
#[cfg(feature = "crd")]
pub use node_pool::NodePool;
pub use node_pool::{Effect, NodePoolSpec, Taint};
#[cfg(feature = "crd")]
pub use settings::Settings;
pub use settings::{
    Controllers, Enforcement, ForeignRoute, MirrorPods, Mode, OtherTaints, Platform, Provider, SettingsSpec,
    StampMode, WorkloadKind, Workloads,
};
pub use status::{AuditSummary, Condition, FoundNamespaces, ObjectStatus, TenantStatus};
#[cfg(feature = "crd")]
pub use tenant::Tenant;
pub use tenant::{
    Endpoints, GatewayListeners, Level, NamespaceSelection, NodePools, PodAffinity, PodSecurity,
    PodSecurityValues, RuntimeClasses, ServiceType, Services, Storage, TenantSpec, Tls, Unnamed,
};
#[cfg(feature = "crd")]
pub use tenant_class::TenantClass;
pub use tenant_class::TenantClassSpec;
pub use toleration::{Operator, TolerationGrant};

/// The API group of every object.
pub const GROUP: &str = "partywall.dev";
/// The value of `apiVersion`.
pub const API_VERSION: &str = "partywall.dev/v1alpha1";

/// The annotation of an object that acknowledges warnings about it: their paths, with commas between them.
pub const ACKNOWLEDGE: &str = "partywall.dev/acknowledge";

/// One of the objects: the name in its metadata, and its spec.
#[derive(Clone, Debug)]
pub struct Object {
    /// The name.
    pub name: String,
    /// The spec, which says the kind too.
    pub spec: Spec,
    /// The paths of the warnings that the annotation [`ACKNOWLEDGE`] acknowledges.
    pub acknowledged: Vec<String>,
}

impl Object {
    /// Names a spec.
    pub fn new(name: impl Into<String>, spec: impl Into<Spec>) -> Self {
        Self { name: name.into(), spec: spec.into(), acknowledged: Vec::new() }
    }
}

/// The spec of any one of the objects.
#[derive(Clone, Debug)]
pub enum Spec {
    /// A set of nodes.
    NodePool(Box<NodePoolSpec>),
    /// A tenant and what it may do.
    Tenant(Box<TenantSpec>),
    /// The fields that many tenants share.
    TenantClass(Box<TenantClassSpec>),
    /// A justified, expiring exception.
    Exemption(Box<ExemptionSpec>),
    /// The Settings of the whole cluster.
    Settings(Box<SettingsSpec>),
}

impl Spec {
    /// Returns the kind of the object.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::NodePool(_) => "NodePool",
            Self::Tenant(_) => "Tenant",
            Self::TenantClass(_) => "TenantClass",
            Self::Exemption(_) => "Exemption",
            Self::Settings(_) => "Settings",
        }
    }
}

impl From<NodePoolSpec> for Spec {
    fn from(spec: NodePoolSpec) -> Self {
        Self::NodePool(Box::new(spec))
    }
}

impl From<TenantSpec> for Spec {
    fn from(spec: TenantSpec) -> Self {
        Self::Tenant(Box::new(spec))
    }
}

impl From<TenantClassSpec> for Spec {
    fn from(spec: TenantClassSpec) -> Self {
        Self::TenantClass(Box::new(spec))
    }
}

impl From<ExemptionSpec> for Spec {
    fn from(spec: ExemptionSpec) -> Self {
        Self::Exemption(Box::new(spec))
    }
}

impl From<SettingsSpec> for Spec {
    fn from(spec: SettingsSpec) -> Self {
        Self::Settings(Box::new(spec))
    }
}

/// An object and where it was written.
#[derive(Clone, Debug)]
pub struct Located {
    /// The place where it was written.
    pub source: Source,
    /// The object as it was written.
    pub object: Object,
}

#[cfg(all(test, feature = "crd"))]
mod tests {
    use kube::Resource;

    use super::*;

    #[test]
    fn custom_resources_are_of_the_version_that_files_name() {
        let versions = [
            NodePool::api_version(&()),
            Tenant::api_version(&()),
            TenantClass::api_version(&()),
            Exemption::api_version(&()),
            Settings::api_version(&()),
        ];
        assert_eq!(versions, [API_VERSION; 5]);
        let plurals = [
            NodePool::plural(&()),
            Tenant::plural(&()),
            TenantClass::plural(&()),
            Exemption::plural(&()),
            Settings::plural(&()),
        ];
        assert_eq!(plurals, ["nodepools", "tenants", "tenantclasses", "exemptions", "settings"]);
    }
}
