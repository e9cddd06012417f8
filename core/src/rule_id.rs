//! Lists the rules: their ids, the namespaces in which they hold, and their modes.
//!
//! This module does not know what the rules read, so that modes, exemptions and violations can refer to rules without
//! depending on them. The rules themselves are in `rules`.

mod modes;

use std::fmt;
use std::str::FromStr;

pub use self::modes::Modes;

/// The attribute of [`RuleId::judges_deletions`].
const DELETIONS: u8 = 1;
/// The attribute of [`RuleId::judges_changed_containers_in_full`].
const CONTAINERS_IN_FULL: u8 = 2;

/// Declares the rules. Messages list violations in this order.
macro_rules! registry {
    ($($(#[doc = $doc:literal])* $variant:ident = $id:literal, $where:ident $(, $attribute:ident)*;)*) => {
        /// Identifies a rule.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum RuleId {
            $($(#[doc = $doc])* $variant,)*
        }

        impl RuleId {
            /// Lists every rule, in the order of messages.
            pub const ALL: [Self; Self::COUNT] = [$(Self::$variant,)*];
            /// Counts the rules.
            pub const COUNT: usize = [$($id,)*].len();

            /// Returns the id that people write in policies.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $id,)* }
            }

            /// Returns the rule in one sentence.
            pub const fn summary(self) -> &'static str {
                match self { $(Self::$variant => concat!($($doc,)*).trim_ascii(),)* }
            }

            /// Returns the namespaces in which the rule holds.
            pub const fn holds_in(self) -> HoldsIn {
                match self { $(Self::$variant => HoldsIn::$where,)* }
            }

            const fn attributes(self) -> u8 {
                match self { $(Self::$variant => 0 $(| $attribute)*,)* }
            }

            /// Returns whether the rule judges deletions.
            ///
            /// Most rules do not: an object's claims end when it is deleted.
            pub(crate) const fn judges_deletions(self) -> bool {
                self.attributes() & DELETIONS != 0
            }

            /// Returns whether the rule judges an update that changes containers without regard to the old object.
            pub(crate) const fn judges_changed_containers_in_full(self) -> bool {
                self.attributes() & CONTAINERS_IN_FULL != 0
            }
        }
    };
}

registry! {
    /// Pods of a tenant run only on nodes of its pools, only the scheduler binds pods and nominates nodes, and pods
    /// outside tenants that could run in a tenant's pool select none.
    NodePlacement = "node-placement", TenantsAndUnclaimed;
    /// Pods have only tolerations for their tenant's pools, those that Kubernetes adds, and those that the tenant
    /// lists; pods outside tenants tolerate no taint of a tenant's pool.
    Tolerations = "tolerations", TenantsAndUnclaimed;
    /// Pods meet the Pod Security Standards at the tenant's level and version.
    PodSecurity = "pod-security", Tenants, CONTAINERS_IN_FULL;
    /// Services have only the types, external IPs, external names, load balancer classes and addresses that the tenant
    /// lists, and only controllers write the addresses in a status.
    ServiceExposure = "service-exposure", Tenants;
    /// The tenant owns every host that an Ingress claims (rules, TLS, default backend, annotations).
    IngressHosts = "ingress-hosts", Tenants;
    /// Paths, expressions, values of headers and of annotations, and Secrets neither change a shared controller's
    /// configuration nor stop it from being loaded.
    ControllerInjection = "controller-injection", Tenants;
    /// Pods name only schedulers that the tenant lists; if it lists none, only `default-scheduler`.
    Scheduler = "scheduler", Tenants;
    /// Pods name no priority class of the system, and in a tenant's namespaces only the tenant's, if it lists some.
    PriorityClass = "priority-class", TenantsAndUnclaimed;
    /// Pods name only the tenant's runtime classes, if it lists some; a default class is stamped into pods that name
    /// none.
    RuntimeClass = "runtime-class", Tenants;
    /// Required affinity and anti-affinity apply only to the tenant's own pods; pods outside tenants keep no pods of
    /// tenants or of the system away.
    PodAffinity = "pod-affinity", TenantsAndUnclaimed;
    /// If the tenant lists registries, images come only from those.
    ImageRegistries = "image-registries", Tenants;
    /// An Ingress names no two classes in its field and annotations, and if the tenant lists classes, it names one of
    /// those.
    IngressClass = "ingress-class", Tenants;
    /// Only the cluster's controllers, and those that the Settings list, write the addresses behind a Service.
    Endpoints = "endpoints", Tenants;
    /// Ingresses, routes and Services carry only harmless annotations of the known controllers, and hosts, addresses
    /// and objects in them are the tenant's.
    IngressAnnotations = "ingress-annotations", Tenants;
    /// Annotations and labels of pods choose no networks, addresses, routes or identities of others, except those that
    /// are known to be harmless.
    PodNetworks = "pod-networks", Tenants;
    /// The tenant owns every host that an object of the Gateway API or a Route of OpenShift claims, and every object
    /// that it refers to, except the Gateways that routes attach to.
    RouteHosts = "route-hosts", Tenants;
    /// The tenant owns every name that a Certificate of cert-manager requests, and only controllers write the requests
    /// that cert-manager creates from it.
    CertificateNames = "certificate-names", Tenants;
    /// Routes of other APIs (Traefik, Istio, Contour, Kong and others) are denied, unless the Settings list the paths
    /// of their hosts and the tenant owns these hosts.
    ForeignRoutes = "foreign-routes", Tenants;
    /// No ResourceClaim has administrator access to devices that other pods use, or tolerates taints of devices that
    /// are not the tenant's.
    DeviceClaims = "device-claims", Tenants;
    /// Claims, snapshots and volumes use only volumes, classes, data sources and drivers of the tenant; claims outside
    /// tenants name neither a volume nor a node.
    Storage = "storage", TenantsAndUnclaimed;
    /// No annotation or field has a controller copy Secrets, ConfigMaps and the like between the tenant's namespaces
    /// and others.
    CopiedObjects = "copied-objects", Tenants;
    /// Only the platform team changes quotas, limits, roles, role bindings, ServiceAccounts and network policies that
    /// carry the label `partywall.dev/managed`.
    ManagedObjects = "managed-objects", Tenants, DELETIONS;
    /// Only the platform team changes the tenant of a namespace, and the labels and annotations that protect it.
    Namespaces = "namespaces", NamespaceObjects;
}

/// Names the namespaces in which a rule holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HoldsIn {
    /// The rule holds in tenants' namespaces.
    Tenants,
    /// The rule also holds in unclaimed namespaces, since it protects tenants' pools.
    TenantsAndUnclaimed,
    /// The rule judges the Namespace objects themselves, those of system namespaces included.
    NamespaceObjects,
}

impl fmt::Display for RuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Reports that no rule has an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownRule;

impl FromStr for RuleId {
    type Err = UnknownRule;

    fn from_str(id: &str) -> Result<Self, UnknownRule> {
        Self::ALL.into_iter().find(|rule| rule.as_str() == id).ok_or(UnknownRule)
    }
}

/// Holds a set of rules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RuleSet(u64);

impl RuleSet {
    /// Returns whether the set contains `rule`.
    pub const fn contains(self, rule: RuleId) -> bool {
        self.0 & (1 << rule as u64) != 0
    }

    /// Returns whether the set contains no rule.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl FromIterator<RuleId> for RuleSet {
    fn from_iter<I: IntoIterator<Item = RuleId>>(rules: I) -> Self {
        Self(rules.into_iter().fold(0, |set, rule| set | (1 << rule as u64)))
    }
}

/// The ids of the controls of `pod-security`, for Exemptions of single controls.
pub(crate) const CONTROLS: [&str; 19] = [
    "privileged",
    "capabilities_baseline",
    "hostNamespaces",
    "hostPathVolumes",
    "hostPorts",
    "hostProbesAndHostLifecycle",
    "appArmorProfile",
    "seLinuxOptions",
    "procMount",
    "seccompProfile_baseline",
    "sysctls",
    "windowsHostProcess",
    "restrictedVolumes",
    "allowPrivilegeEscalation",
    "procMount_restricted",
    "runAsNonRoot",
    "runAsUser",
    "seccompProfile_restricted",
    "capabilities_restricted",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_id_reads_back_as_its_rule() {
        for rule in RuleId::ALL {
            assert_eq!(rule.as_str().parse(), Ok(rule));
            assert!(rule.summary().ends_with('.'), "{rule}");
        }
        assert_eq!("node_placement".parse::<RuleId>(), Err(UnknownRule));
    }

    #[test]
    fn a_set_holds_what_was_put_in() {
        let set: RuleSet = [RuleId::Tolerations, RuleId::IngressHosts].into_iter().collect();
        for rule in RuleId::ALL {
            assert_eq!(set.contains(rule), matches!(rule, RuleId::Tolerations | RuleId::IngressHosts));
        }
    }
}
