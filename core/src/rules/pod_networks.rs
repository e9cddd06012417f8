//! `pod-networks`: annotations and labels of pods choose no networks, addresses, routes or identities of others.
//!
//! Network plugins, meshes and clouds read from a pod's annotations what no field may say: the networks that it is
//! attached to, its addresses, what is routed through it, and the identity that it has in a cloud. So a key of the
//! domain of a known plugin, mesh or cloud, or of one below it, must be on the list of harmless keys. What a plugin
//! writes itself, only users outside tenants' namespaces may write. A network of Multus must be in a namespace of
//! the tenant.
//!
//! A key of a domain that no list has is judged by its words, as `ingress-annotations` does. Settings list the domains
//! that nothing in the cluster reads (`annotationDomains`), a Tenant single keys (`annotations`).
//!
//! Container runtimes and their plugins read annotations too, and give the pod devices, folders and settings of its
//! node past `pod-security`, where the nodes are configured so. Keys of Kata Containers, CRI-O, crun, gVisor, NRI and
//! CDI are denied, except CRI-O's that only concern the pod itself.
//!
//! The rule judges pods, pod templates, writes to the status of pods, and the annotations that a Gateway has copied to
//! the pods of its proxy. It ignores the annotations of external-dns, which `ingress-annotations` judges.
//!
//! Agents find pods by labels too, whatever their namespace. A pod may not have the labels by which AAD Pod Identity
//! and SPIRE give it an identity, by which Istio's default gateways are found, that choose a mesh of Kuma, or that
//! stand for a pod's namespace in the policies of Cilium and Calico. A pod or Service may not name another tenant's
//! namespace for its waypoint. The Tenant's `annotations` grant keys of labels as well.
//!
//! The rule does not see labels by which the platform's own objects select pods of all namespaces, what the networks in
//! a tenant's namespace reach, and which other domains a plugin reads.

mod alibaba;
mod antrea;
mod aws;
mod azure;
mod calico;
mod cilium;
mod consul;
mod google;
mod istio;
mod kube_ovn;
mod kube_router;
mod kubernetes;
mod kuma;
mod labels;
mod linkerd;
mod multus;
mod other_networks;
mod ovn_kubernetes;
mod runtimes;
mod spiffe;
mod tencent;

use self::labels::Labelled;
use crate::json::{Escaped, Pairs};
use crate::judging::annotations::{
    AnnotationCheck, Controller, EVERYDAY, Index, Problem, domains, speaks_of_shared_things,
};
use crate::judging::{Findings, Subject};
use crate::objects::object::Object;
use crate::tenancy::Tenant;

/// The plugins, meshes and clouds whose annotations on pods are known.
const READERS: &[&Controller] = &[
    &alibaba::ALIBABA,
    &antrea::ANTREA,
    &aws::AWS,
    &aws::KIAM,
    &azure::AZURE_IDENTITY,
    &azure::AZURE,
    &calico::CALICO,
    &cilium::CILIUM,
    &consul::CONSUL,
    &google::GOOGLE,
    &istio::ISTIO_TRAFFIC,
    &istio::ISTIO,
    &kube_ovn::KUBE_OVN,
    &kube_router::KUBE_ROUTER,
    &kubernetes::KUBERNETES,
    &kuma::KUMA,
    &linkerd::LINKERD,
    &multus::MULTUS,
    &other_networks::OTHER_NETWORKS,
    &ovn_kubernetes::OVN_KUBERNETES,
    &spiffe::SPIFFE,
    &tencent::TENCENT,
    &EVERYDAY,
];

/// The same readers by domain.
static INDEX: Index<{ domains(READERS) }> = Index::of(READERS);

/// Domains that `ingress-annotations` judges on pods.
const JUDGED_ELSEWHERE: [&str; 3] =
    ["dns.alpha.kubernetes.io", "external-dns.alpha.kubernetes.io", "external-dns.kubernetes.io"];

pub(super) fn check(subject: &Subject<'_, '_>, findings: &mut Findings<'_>) {
    let Some(tenant) = subject.tenant() else { return };
    let whose = (subject, tenant);
    if let Some(pod) = subject.pod() {
        judge(subject, tenant, (pod.metadata_path, &pod.metadata.annotations), findings);
        labels::check(whose, Labelled::Pod, (pod.metadata_path, pod.metadata.labels), findings);
    } else if let Object::PodStatus(pod) = subject.object {
        judge(subject, tenant, ("metadata", &pod.metadata.annotations), findings);
        labels::check(whose, Labelled::Pod, ("metadata", pod.metadata.labels), findings);
    } else if let Object::Service(service) = subject.object {
        labels::check(whose, Labelled::Service, ("metadata", service.metadata.labels), findings);
    } else if let Object::Gateway(gateway) = subject.object {
        let annotations = &gateway.spec.infrastructure.annotations;
        judge(subject, tenant, ("spec.infrastructure", annotations), findings);
    }
}

fn judge(
    subject: &Subject<'_, '_>,
    tenant: &Tenant,
    (path, annotations): (&str, &Pairs<'_>),
    findings: &mut Findings<'_>,
) {
    let values = AnnotationCheck { subject, tenant, annotations };
    for (key, value) in annotations.iter() {
        // Some old keys have a domain and no name.
        let (domain, name) = key.split_once('/').unwrap_or((key, ""));
        if JUDGED_ELSEWHERE.iter().any(|other| other.eq_ignore_ascii_case(domain)) {
            continue;
        }
        let problem = match INDEX.find(domain, name).map(|reader| reader.allowed_value(name)) {
            _ if runtimes::is_harmless(key) => None,
            _ if runtimes::reads(key, domain) => Some(Problem::Runtime),
            Some(Some(allowed_value)) => values.problem(allowed_value, (key, value)),
            Some(None) => Some(Problem::UnknownOfPods),
            // The words of a Gateway's annotations are judged by `ingress-annotations`.
            None if path != "spec.infrastructure" && speaks_of_shared_things(key) => Some(Problem::Words),
            None => None,
        };
        let Some(problem) = problem else { continue };
        let is_allowed = subject.snapshot.is_of_unread_domain(key)
            || tenant.annotations.iter().any(|listed| **listed == *key);
        if !is_allowed {
            let field = format_args!("{path}.annotations[{}]", Escaped(key));
            let message = format_args!(
                "{problem} remove the annotation, or ask the platform team to list its key in the tenant's \
                 `annotations`"
            );
            findings.add_whole(&field, &message, &format_args!("{key}={value}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_list_is_in_order_and_has_a_source() {
        for reader in READERS {
            for (_, names) in reader.keys {
                assert_eq!(names.array_windows().find(|[a, b]| a >= b), None, "{:?}", reader.prefixes);
            }
            assert!(reader.source.starts_with("https://"), "{:?}", reader.prefixes);
        }
        let mut domains = INDEX.iter().map(|(domain, reader)| (*domain, reader.within));
        let mut last = domains.next();
        for next in domains {
            assert!(last < Some(next), "{next:?}");
            last = Some(next);
        }
    }

    #[test]
    fn o15_the_domain_decides_and_those_below_it_follow() {
        let is_known = |domain: &str| INDEX.find(domain, "x").is_some();
        assert!(
            is_known("k8s.ovn.org")
                && is_known("net1.default.ovn.kubernetes.io")
                && is_known("CNI.projectcalico.org")
        );
        assert!(!is_known("example.com") && !is_known("notprojectcalico.org"));
    }
}
