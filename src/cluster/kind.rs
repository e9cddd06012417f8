//! The kinds that are watched.

use crate::telemetry::Watched;

/// A kind of object that is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    NodePool,
    Tenant,
    TenantClass,
    Exemption,
    Settings,
    /// Read as metadata only.
    Namespace,
}

impl Kind {
    pub(super) const ALL: [Self; 6] =
        [Self::NodePool, Self::Tenant, Self::TenantClass, Self::Exemption, Self::Settings, Self::Namespace];

    /// Returns the name of the kind.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::NodePool => "NodePool",
            Self::Tenant => "Tenant",
            Self::TenantClass => "TenantClass",
            Self::Exemption => "Exemption",
            Self::Settings => "Settings",
            Self::Namespace => "Namespace",
        }
    }

    /// Returns the resource as kubectl takes it, which no other group's resource of that name can be mistaken for.
    pub(super) const fn resource(self) -> &'static str {
        match self {
            Self::NodePool => "nodepools.partywall.dev",
            Self::Tenant => "tenants.partywall.dev",
            Self::TenantClass => "tenantclasses.partywall.dev",
            Self::Exemption => "exemptions.partywall.dev",
            Self::Settings => "settings.partywall.dev",
            Self::Namespace => "namespaces",
        }
    }

    /// Returns the path of all objects of the kind.
    pub(super) const fn path(self) -> &'static str {
        match self {
            Self::NodePool => "/apis/partywall.dev/v1alpha1/nodepools",
            Self::Tenant => "/apis/partywall.dev/v1alpha1/tenants",
            Self::TenantClass => "/apis/partywall.dev/v1alpha1/tenantclasses",
            Self::Exemption => "/apis/partywall.dev/v1alpha1/exemptions",
            Self::Settings => "/apis/partywall.dev/v1alpha1/settings",
            Self::Namespace => "/api/v1/namespaces",
        }
    }

    /// Returns whether the kind is one of partywall's own.
    pub(super) const fn is_own(self) -> bool {
        !matches!(self, Self::Namespace)
    }

    /// Returns the label of the kind in metrics.
    pub(super) const fn watched(self) -> Watched {
        match self {
            Self::NodePool => Watched::NodePools,
            Self::Tenant => Watched::Tenants,
            Self::TenantClass => Watched::TenantClasses,
            Self::Exemption => Watched::Exemptions,
            Self::Settings => Watched::Settings,
            Self::Namespace => Watched::Namespaces,
        }
    }
}
