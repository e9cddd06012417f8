//! The rules by name: their ids, where they hold, and in which mode.
//!
//! This says which rules there are and not what they look at, so that whatever speaks of rules (a mode, an exemption, a
//! violation) need not know them. What a rule does is in `rules`.

mod modes;

use std::fmt;
use std::str::FromStr;

pub use self::modes::Modes;

/// Declares the rules: the order here is the order of all messages.
macro_rules! registry {
    ($($(#[doc = $doc:literal])* $variant:ident = $id:literal, $where:ident;)*) => {
        /// A rule.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum RuleId {
            $($(#[doc = $doc])* $variant,)*
        }

        impl RuleId {
            /// Every rule, in order.
            pub const ALL: [Self; Self::COUNT] = [$(Self::$variant,)*];
            /// How many rules there are.
            pub const COUNT: usize = [$($id,)*].len();

            /// The id as people write it.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $id,)* }
            }

            /// What holds, in one sentence.
            pub const fn summary(self) -> &'static str {
                match self { $(Self::$variant => concat!($($doc,)*).trim_ascii(),)* }
            }

            /// Where it holds.
            pub const fn holds_in(self) -> HoldsIn {
                match self { $(Self::$variant => HoldsIn::$where,)* }
            }
        }
    };
}

registry! {
    /// Every node the pod could land on is in one of its tenant's pools, nothing but the scheduler binds it, and pods outside tenants select no tenant's pool.
    NodePlacement = "node-placement", Everywhere;
    /// No toleration reaches further than the tenant's own pools, the built-in ones and those the tenant lists; pods outside tenants tolerate no pool.
    Tolerations = "tolerations", Everywhere;
    /// The Pod Security Standards at the tenant's level and version.
    PodSecurity = "pod-security", Tenants;
    /// No LoadBalancer or NodePort, no external IPs and no ExternalName, no class or address of a load balancer, unless the tenant lists them; nobody but controllers writes the addresses that a status shows.
    ServiceExposure = "service-exposure", Tenants;
    /// Every host an Ingress claims (rules, TLS, default backend, host-bearing annotations) is the tenant's, and its paths are only paths.
    IngressHosts = "ingress-hosts", Tenants;
    /// Pods name no scheduler but those that the tenant lists; if it lists none, `default-scheduler`.
    Scheduler = "scheduler", Tenants;
    /// Pods name no priority class of the system, and none but the tenant's where it lists some.
    PriorityClass = "priority-class", Tenants;
    /// Pods name no runtime class but the tenant's, if it lists some; where there is a default, it is stamped.
    RuntimeClass = "runtime-class", Tenants;
    /// What pods demand of other pods, near or far, is about the tenant's own; pods outside tenants keep no tenant's away.
    PodAffinity = "pod-affinity", Everywhere;
    /// Images come from the registries that the tenant lists, if it lists some.
    ImageRegistries = "image-registries", Tenants;
    /// An Ingress names one class, in one place or the same in both, and one of the tenant's, if it lists some.
    IngressClass = "ingress-class", Tenants;
    /// Nobody but the cluster's own controllers writes the addresses behind a Service.
    Endpoints = "endpoints", Tenants;
    /// Ingresses, routes and Services carry no annotation of a controller but those known to do no harm, with hosts, addresses and objects of their tenant's.
    IngressAnnotations = "ingress-annotations", Tenants;
    /// Every host that a route, Gateway or listener of the Gateway API or a Route of OpenShift claims is the tenant's, and so is all that they refer to, but for Gateways to attach to.
    RouteHosts = "route-hosts", Tenants;
    /// Every name that a certificate of cert-manager is asked for is the tenant's, and nobody asks past that.
    CertificateNames = "certificate-names", Tenants;
    /// No routes of other APIs (Traefik, Istio, Contour, Kong and the like), unless Settings say where their hosts are; these are the tenant's.
    ForeignRoutes = "foreign-routes", Tenants;
    /// No claim to a device has administrator access to those that others use.
    DeviceClaims = "device-claims", Tenants;
    /// Nobody but the platform changes network policies that carry the label `partywall.dev/managed`.
    ManagedObjects = "managed-objects", Tenants;
    /// Nobody but the platform changes whose a namespace is, and the labels and annotations that protect it.
    Namespaces = "namespaces", AllNamespaces;
}

/// Where a rule holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HoldsIn {
    /// In tenants' namespaces.
    Tenants,
    /// In unclaimed namespaces too, since it protects tenants' pools.
    Everywhere,
    /// Of every namespace, the system's too.
    AllNamespaces,
}

impl fmt::Display for RuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// No rule has this id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownRule;

impl FromStr for RuleId {
    type Err = UnknownRule;

    fn from_str(id: &str) -> Result<Self, UnknownRule> {
        Self::ALL.into_iter().find(|rule| rule.as_str() == id).ok_or(UnknownRule)
    }
}

/// A set of rules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RuleSet(u64);

impl RuleSet {
    /// Whether `rule` is in it.
    pub const fn contains(self, rule: RuleId) -> bool {
        self.0 & (1 << rule as u64) != 0
    }
}

impl FromIterator<RuleId> for RuleSet {
    fn from_iter<I: IntoIterator<Item = RuleId>>(rules: I) -> Self {
        Self(rules.into_iter().fold(0, |set, rule| set | (1 << rule as u64)))
    }
}

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
