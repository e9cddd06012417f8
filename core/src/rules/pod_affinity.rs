//! `pod-affinity`: a tenant's pods make demands only on the tenant's own pods.
//!
//! A required anti-affinity works both ways: a pod with one against all pods of all namespaces keeps every later pod of
//! every tenant off its node or its zone, or off the whole cluster if the topology key has the same value on all nodes.
//! The rule does not judge preferences, since they keep no pod off.
//!
//! A term concerns only the tenant's own pods if each namespace that it lists is the tenant's, and if its
//! namespaceSelector selects namespaces by one of two labels that no tenant can change: the namespace's name, or its
//! tenant. In the topologies that the Tenant lists (`podAffinity.topologyKeys`), terms may concern all namespaces. In
//! `kubernetes.io/hostname` a selector may select any namespaces where no other tenant has the tenant's pools, since no
//! other tenant's pods run there; but no term names a namespace of others. Outside tenants a pod may keep away from all
//! pods but those of tenants and of system namespaces: partywall itself runs in one, and must always find a node.
//!
//! The rule does not see that a selector of all namespaces, or one by other labels, also selects those of the system,
//! so that a pod with such an anti-affinity can keep agents of the system off a node of its own tenant.

use std::fmt;

use crate::json::{Escaped, List};
use crate::judging::{Findings, OwnNamespaces, Subject};
use crate::labels::{HOSTNAME, NAMESPACE_NAME, TENANT};
use crate::objects::pod::PodView;
use crate::objects::scheduling::{LabelSelector, PodAffinityTerm};
use crate::tenancy::Tenant;

pub(super) fn check(subject: &Subject<'_, '_>, findings: &mut Findings<'_>) {
    let Some(pod) = subject.pod() else { return };
    let Some(affinity) = &pod.spec.affinity else { return };
    let own = OwnNamespaces::of(subject);
    // A pod outside tenants may require any pod near it: the taints of tenants' nodes keep it away from those.
    if own.tenant.is_some() {
        terms(own, &pod, "podAffinity", &affinity.pod_affinity.required, findings);
    }
    terms(own, &pod, "podAntiAffinity", &affinity.pod_anti_affinity.required, findings);
}

fn terms(
    own: OwnNamespaces<'_>,
    pod: &PodView<'_, '_>,
    kind: &str,
    terms: &List<PodAffinityTerm<'_>, 1_000>,
    findings: &mut Findings<'_>,
) {
    for (index, term) in terms.iter().enumerate() {
        let topology = &*term.topology_key;
        if own.tenant.is_some_and(|tenant| tenant.topology_keys.contains(topology)) {
            continue;
        }
        // No other tenant's pods run there, but those of the system do.
        let is_own_node = topology == HOSTNAME && own.tenant.is_some_and(|tenant| tenant.has_own_nodes);
        let has_all_of = |selector: &LabelSelector<'_>| {
            own.has_all_of(selector) || (is_own_node && !own.names_others(selector))
        };
        let grant = fmt::from_fn(|f| match own.tenant {
            Some(_) => write!(
                f,
                ", or ask the platform team to list `{}` in the tenant's `podAffinity.topologyKeys`",
                Escaped(topology)
            ),
            None => Ok(()),
        });
        let path = format_args!(
            "{}.affinity.{kind}.requiredDuringSchedulingIgnoredDuringExecution[{index}]",
            pod.spec_path
        );
        for (place, namespace) in term.namespaces.iter().enumerate() {
            if !own.has(namespace) {
                findings.add_whole(
                    &format_args!("{path}.namespaces[{place}]"),
                    &format_args!(
                        "applies to pods in `{}`, which is {}; remove it{grant}",
                        Escaped(namespace),
                        if own.tenant.is_some() {
                            "not a namespace of the tenant"
                        } else {
                            "a tenant's namespace, or the system's"
                        }
                    ),
                    &format_args!("{kind} {topology} namespace {namespace}"),
                );
            }
        }
        if term.namespace_selector.as_ref().is_some_and(|selector| !has_all_of(selector)) {
            let message = fmt::from_fn(|f| match own.tenant {
                Some(Tenant { name, .. }) => write!(
                    f,
                    "applies to pods that may not be the tenant's; remove it, or select namespaces by \
                     `{NAMESPACE_NAME}`, or all of the tenant's by `{TENANT}: {name}`{grant}"
                ),
                None => write!(
                    f,
                    "applies to pods that may be a tenant's or the system's; remove it, or select namespaces by \
                     `{NAMESPACE_NAME}`"
                ),
            });
            let identity = format_args!("{kind} {topology} selector {:?}", term.namespace_selector);
            findings.add_whole(&format_args!("{path}.namespaceSelector"), &message, &identity);
        }
    }
}
