//! Holds the rules: each has one file, and one line in each list of this module.
//!
//! A rule judges a [`Subject`] and reports violations to [`Findings`]. It knows no modes, no exemptions and no old
//! violations: [`crate::judging`] handles those for all rules.

mod certificate_names;
mod controller_injection;
mod copied_objects;
mod device_claims;
mod endpoints;
mod foreign_routes;
mod image_registries;
mod ingress_annotations;
mod ingress_class;
mod ingress_hosts;
mod managed_objects;
mod namespaces;
mod node_placement;
mod pod_affinity;
mod pod_networks;
mod pod_security;
mod priority_class;
mod route_hosts;
mod runtime_class;
mod scheduler;
mod service_exposure;
mod storage;
mod tolerations;

pub(crate) use self::endpoints::CONTROLLERS as ENDPOINT_CONTROLLERS;
pub(crate) use self::namespaces::{CONTROLLERS as NAMESPACE_CONTROLLERS, HIDING as HIDING_LABELS};
pub(crate) use self::node_placement::SCHEDULER;
pub use self::pod_security::{Control, controls};
pub(crate) use self::storage::VOLUME_CONTROLLERS;
use crate::judging::{Findings, Sink, Subject};
use crate::objects::object::Object;
use crate::review::Operation;
use crate::rule_id::{HoldsIn, RuleId};
use crate::tenancy::Owner;

/// Runs every rule that applies to the subject's owner and is not off.
pub(crate) fn check(subject: &Subject<'_, '_>, sink: &mut dyn Sink) {
    let is_deletion = matches!(subject.request.operation, Operation::Delete { .. });
    for rule in RuleId::ALL.into_iter().filter(|rule| !is_deletion || rule.judges_deletions()) {
        let holds = match (rule.holds_in(), subject.owner) {
            (HoldsIn::NamespaceObjects, _)
            | (HoldsIn::Tenants | HoldsIn::TenantsAndUnclaimed, Owner::Tenant(_))
            | (HoldsIn::TenantsAndUnclaimed, Owner::Unclaimed) => true,
            (HoldsIn::Tenants | HoldsIn::TenantsAndUnclaimed, Owner::System | Owner::Denied(_))
            | (HoldsIn::Tenants, Owner::Unclaimed) => false,
        };
        if holds && let Some(mut findings) = Findings::of(rule, sink) {
            run(rule, subject, &mut findings);
            #[cfg(test)]
            planted::run(rule, subject, &mut findings);
            run_on_templates(rule, subject, &mut findings);
        }
    }
}

/// Runs a rule on each template of pods that is not judged with the object itself.
fn run_on_templates(rule: RuleId, subject: &Subject<'_, '_>, findings: &mut Findings<'_>) {
    let first = usize::from(!subject.is_by_itself);
    for index in first..subject.templates.len() {
        let templates = subject.templates.get(index..).unwrap_or_default();
        let object = &Object::Unread;
        findings.turn_to(Some(index));
        run(rule, &Subject { object, templates, is_by_itself: false, old: None, ..*subject }, findings);
    }
    if first < subject.templates.len() {
        findings.turn_to(None);
    }
}

fn run(rule: RuleId, subject: &Subject<'_, '_>, findings: &mut Findings<'_>) {
    match rule {
        RuleId::NodePlacement => node_placement::check(subject, findings),
        RuleId::Tolerations => tolerations::check(subject, findings),
        RuleId::PodSecurity => pod_security::check(subject, findings),
        RuleId::ServiceExposure => service_exposure::check(subject, findings),
        RuleId::IngressHosts => ingress_hosts::check(subject, findings),
        RuleId::ControllerInjection => {
            ingress_annotations::injection(subject, findings);
            controller_injection::check(subject, findings);
            route_hosts::certificates(subject, findings);
        }
        RuleId::Scheduler => scheduler::check(subject, findings),
        RuleId::PriorityClass => priority_class::check(subject, findings),
        RuleId::RuntimeClass => runtime_class::check(subject, findings),
        RuleId::PodAffinity => pod_affinity::check(subject, findings),
        RuleId::ImageRegistries => image_registries::check(subject, findings),
        RuleId::IngressClass => ingress_class::check(subject, findings),
        RuleId::Endpoints => endpoints::check(subject, findings),
        RuleId::IngressAnnotations => ingress_annotations::check(subject, findings),
        RuleId::PodNetworks => pod_networks::check(subject, findings),
        RuleId::RouteHosts => route_hosts::check(subject, findings),
        RuleId::CertificateNames => certificate_names::check(subject, findings),
        RuleId::ForeignRoutes => foreign_routes::check(subject, findings),
        RuleId::DeviceClaims => device_claims::check(subject, findings),
        RuleId::Storage => storage::check(subject, findings),
        RuleId::CopiedObjects => copied_objects::check(subject, findings),
        RuleId::ManagedObjects => managed_objects::check(subject, findings),
        RuleId::Namespaces => namespaces::check(subject, findings),
    }
}

/// Runs a rule that a test plants, in place of a mistake in a real one.
#[cfg(test)]
pub(crate) mod planted {
    use std::cell::Cell;

    use super::{Findings, RuleId, Subject};

    type Rule = fn(RuleId, &Subject<'_, '_>, &mut Findings<'_>);

    thread_local! {
        static PLANTED: Cell<Option<Rule>> = const { Cell::new(None) };
    }

    pub(super) fn run(rule: RuleId, subject: &Subject<'_, '_>, findings: &mut Findings<'_>) {
        if let Some(planted) = PLANTED.get() {
            planted(rule, subject, findings);
        }
    }

    /// Runs `f` with a planted rule on this thread.
    pub(crate) fn with<R>(rule: Rule, f: impl FnOnce() -> R) -> R {
        PLANTED.set(Some(rule));
        let result = f();
        PLANTED.set(None);
        result
    }
}
