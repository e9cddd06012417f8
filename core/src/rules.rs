//! The rules: one file each, one line here each.
//!
//! A rule looks at a [`Subject`] and reports [`Finding`]s. It does not know modes, exemptions or what was there
//! before: [`findings`] sorts that out for all of them.

mod annotations;
mod certificate_names;
mod characters;
mod claims;
mod cluster_names;
mod device_claims;
mod endpoints;
mod findings;
mod foreign_routes;
mod image_registries;
mod ingress_annotations;
mod ingress_class;
mod ingress_hosts;
mod managed_objects;
mod namespaces;
mod node_placement;
mod own;
mod pod_affinity;
mod pod_security;
mod priority_class;
mod route_hosts;
mod runtime_class;
mod scheduler;
mod service_exposure;
mod tolerations;
mod writers;

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;

pub(crate) use self::endpoints::CONTROLLERS as ENDPOINT_CONTROLLERS;
pub(crate) use self::findings::{Before, Report, Update};
pub use self::findings::{Concern, Finding, Findings};
pub(crate) use self::foreign_routes::APIS as FOREIGN_APIS;
pub use self::foreign_routes::is_sent as is_foreign_sent;
pub(crate) use self::namespaces::{CONTROLLERS as NAMESPACE_CONTROLLERS, MASTERS};
pub(crate) use self::node_placement::SCHEDULER;
pub use self::pod_security::{Control, controls};
use crate::objects::kinds::Kind;
use crate::objects::pod::PodView;
use crate::review::{Object, Operation, Request};
use crate::tenancy::{ForeignRoute, Owner, Snapshot, Tenant};

/// Declares the rules: the order here is the order of all messages.
macro_rules! registry {
    ($($(#[doc = $doc:literal])* $variant:ident = $id:literal in $module:ident, $where:ident;)*) => {
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

            /// Asks the rule.
            fn check(self, subject: &Subject<'_, '_>, findings: &mut Findings<'_>) {
                match self { $(Self::$variant => $module::check(subject, findings),)* }
            }
        }
    };
}

registry! {
    /// Every node the pod could land on is in one of its tenant's pools, nothing but the scheduler binds it, and pods outside tenants select no tenant's pool.
    NodePlacement = "node-placement" in node_placement, Everywhere;
    /// No toleration reaches further than the tenant's own pools, the built-in ones and those the tenant lists; pods outside tenants tolerate no pool.
    Tolerations = "tolerations" in tolerations, Everywhere;
    /// The Pod Security Standards at the tenant's level and version.
    PodSecurity = "pod-security" in pod_security, Tenants;
    /// No LoadBalancer or NodePort, no external IPs and no ExternalName, no class or address of a load balancer, unless the tenant lists them; nobody but controllers writes the addresses that a status shows.
    ServiceExposure = "service-exposure" in service_exposure, Tenants;
    /// Every host an Ingress claims (rules, TLS, default backend, host-bearing annotations) is the tenant's, and its paths are only paths.
    IngressHosts = "ingress-hosts" in ingress_hosts, Tenants;
    /// Pods name no scheduler but those that the tenant lists; if it lists none, `default-scheduler`.
    Scheduler = "scheduler" in scheduler, Tenants;
    /// Pods name no priority class of the system, and none but the tenant's where it lists some.
    PriorityClass = "priority-class" in priority_class, Tenants;
    /// Pods name no runtime class but the tenant's, if it lists some; where there is a default, it is stamped.
    RuntimeClass = "runtime-class" in runtime_class, Tenants;
    /// What pods demand of other pods, near or far, is about the tenant's own; pods outside tenants keep no tenant's away.
    PodAffinity = "pod-affinity" in pod_affinity, Everywhere;
    /// Images come from the registries that the tenant lists, if it lists some.
    ImageRegistries = "image-registries" in image_registries, Tenants;
    /// An Ingress names one class, in one place or the same in both, and one of the tenant's, if it lists some.
    IngressClass = "ingress-class" in ingress_class, Tenants;
    /// Nobody but the cluster's own controllers writes the addresses behind a Service.
    Endpoints = "endpoints" in endpoints, Tenants;
    /// Ingresses, routes and Services carry no annotation of a controller but those known to do no harm, with hosts, addresses and objects of their tenant's.
    IngressAnnotations = "ingress-annotations" in ingress_annotations, Tenants;
    /// Every host that a route, Gateway or listener of the Gateway API or a Route of OpenShift claims is the tenant's, and so is all that they refer to, but for Gateways to attach to.
    RouteHosts = "route-hosts" in route_hosts, Tenants;
    /// Every name that a certificate of cert-manager is asked for is the tenant's, and nobody asks past that.
    CertificateNames = "certificate-names" in certificate_names, Tenants;
    /// No routes of other APIs (Traefik, Istio, Contour, Kong and the like), unless Settings say where their hosts are; these are the tenant's.
    ForeignRoutes = "foreign-routes" in foreign_routes, Tenants;
    /// No claim to a device has administrator access to those that others use.
    DeviceClaims = "device-claims" in device_claims, Tenants;
    /// Nobody but the platform changes network policies that carry the label `partywall.dev/managed`.
    ManagedObjects = "managed-objects" in managed_objects, Tenants;
    /// Nobody but the platform changes whose a namespace is, and the labels and annotations that protect it.
    Namespaces = "namespaces" in namespaces, AllNamespaces;
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

/// Asks every rule that holds for the subject's owner and is not off.
pub(crate) fn check(subject: &Subject<'_, '_>, findings: &mut Findings<'_>) {
    // What an object claims ends with it: only what is not the tenant's to delete is asked about.
    let is_deletion = matches!(subject.request.operation, Operation::Delete { .. });
    for rule in RuleId::ALL.into_iter().filter(|rule| !is_deletion || *rule == RuleId::ManagedObjects) {
        let holds = match (rule.holds_in(), subject.owner) {
            (HoldsIn::AllNamespaces, _)
            | (HoldsIn::Tenants | HoldsIn::Everywhere, Owner::Tenant(_))
            | (HoldsIn::Everywhere, Owner::Unclaimed) => true,
            (HoldsIn::Tenants | HoldsIn::Everywhere, Owner::System)
            | (HoldsIn::Tenants, Owner::Unclaimed) => false,
        };
        if holds && findings.begin(rule) {
            rule.check(subject, findings);
        }
    }
}

/// Kinds of Kubernetes itself that are read like custom ones.
const READ_AS_CUSTOM: [(&str, &str); 2] =
    [("resource.k8s.io", "ResourceClaim"), ("resource.k8s.io", "ResourceClaimTemplate")];

/// Whether a rule is about objects of a kind when they are written; that some are only not to be removed does not
/// count.
pub fn is_judged(group: &str, kind: &str, snapshot: &Snapshot) -> bool {
    let is_custom_judged = || {
        READ_AS_CUSTOM.contains(&(group, kind))
            || Kind::is_in_gateway_api(group)
            || certificate_names::is_about(group, kind)
            || foreign_routes::is_about(group, kind, &snapshot.foreign_routes)
    };
    let known = Kind::of(group, kind);
    known != Kind::Other && (known != Kind::Custom || is_custom_judged())
}

/// Whether a rule is about objects of a kind of this name, in whatever group it is.
pub fn is_any_judged(kind: &str, foreign_routes: &[ForeignRoute]) -> bool {
    GROUPS.iter().any(|group| !matches!(Kind::of(group, kind), Kind::Other | Kind::Custom))
        || READ_AS_CUSTOM.iter().any(|(_, name)| *name == kind)
        || KEPT.contains(&kind)
        || certificate_names::is_about_any(kind)
        || foreign_routes::is_about_any(kind, foreign_routes)
}

/// Kinds whose objects are only kept from being removed.
const KEPT: [&str; 2] = ["NetworkPolicy", "CiliumNetworkPolicy"];

/// The groups with kinds that are read as what they are.
const GROUPS: [&str; 8] = [
    "",
    "apps",
    "batch",
    "cert-manager.io",
    "discovery.k8s.io",
    "gateway.networking.k8s.io",
    "networking.k8s.io",
    "route.openshift.io",
];

/// Whether a pod's containers changed so much that `pod-security` judges the pod in full: an image changed or
/// a container came, as the reference implementation decides.
pub(crate) fn changes_containers(old: &Object<'_>, new: &Object<'_>) -> bool {
    let (Some(old), Some(new)) = (old.pod(), new.pod()) else { return true };
    // Keyed by what a tenant wrote, so hashed with a secret.
    let images: HashMap<&str, &str> =
        old.spec.containers().map(|placed| (&*placed.container.name, &*placed.container.image)).collect();
    // Of two that share a name one counts, which must hide no third.
    new.spec.containers().count() > old.spec.containers().count()
        || new
            .spec
            .containers()
            .any(|placed| images.get(&*placed.container.name) != Some(&&*placed.container.image))
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
