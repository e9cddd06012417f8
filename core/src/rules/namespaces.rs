//! `namespaces`: only the platform team changes the tenant of a namespace and what protects it.
//!
//! The label `partywall.dev/tenant` decides whether the API server calls the webhooks for the objects of a namespace.
//! Other labels and annotations of a tenant's namespace decide what other admission controllers permit there. So only
//! the platform team may change them, in every subresource: writes to `namespaces/status` and `namespaces/finalize` can
//! change metadata too.
//!
//! The rule also guards the names of system namespaces: only the platform team creates one. And it guards the labels by
//! which managed control planes take namespaces out of every webhook, such as `control-plane` on
//! [AKS](https://learn.microsoft.com/azure/aks/faq) and `shoot.gardener.cloud/no-cleanup` on
//! [Gardener](https://gardener.cloud/docs/gardener/shoot/shoot_status/): only the platform team adds one, to any
//! namespace, since afterwards the API server might not ask partywall about the namespace any more. The configurations
//! ask these control planes not to do so.
//!
//! The rule judges only metadata, and only changes to it: a namespace that already has a wrong label can still be
//! finalized and annotated. Every user may set `partywall.dev/tenant` to the tenant that lists the namespace. The rule
//! does not judge deletions, because the name of a deleted namespace still belongs to its tenant.

use std::fmt;

use crate::json::{Escaped, Pairs};
use crate::judging::trusted_users::is_of_cluster;
use crate::judging::{Findings, Subject};
use crate::labels::{NAMESPACE_NAME, TENANT};
use crate::objects::kinds::Shape;
use crate::objects::object::Object;
use crate::objects::unstructured::Unstructured;
use crate::review::Operation;
use crate::tenancy::Owner;

/// Controllers of the cluster that manage namespaces.
pub(crate) const CONTROLLERS: &[&str] =
    &["system:kube-controller-manager", "system:serviceaccount:kube-system:namespace-controller"];

/// Prefixes of keys that protect a namespace or exempt it from protection.
const PREFIXES: [&str; 26] = [
    "partywall.dev",
    // The Pod Security Standard that the API server applies to it.
    "pod-security.kubernetes.io",
    // Node selectors and tolerations of its pods, in clusters with the admission plugins that read them.
    "scheduler.alpha.kubernetes.io",
    // Administrator access to devices.
    "resource.kubernetes.io",
    "resource.k8s.io",
    // Exemptions from other policy engines, and the owner of a namespace in them.
    "admission.gatekeeper.sh",
    "k-rail",
    "capsule.clastix.io",
    "openshift.io",
    // Roles and projects of a cloud, keys of secrets, and addresses, networks and gateways, that its pods get.
    "iam.amazonaws.com",
    "cnrm.cloud.google.com",
    "services.k8s.aws",
    "kubernetes-client.io",
    "spiffe.io",
    "antrea.io",
    "cilium.io",
    "io.cilium",
    "k8s.ovn.org",
    "ovn.kubernetes.io",
    "projectcalico.org",
    "v1.multus-cni.io",
    "k8s.v1.cni.cncf.io",
    // What a mesh makes of it.
    "consul.hashicorp.com",
    "kuma.io",
    "linkerd.io",
    "topology.istio.io",
];
/// Single keys with the same purpose.
const KEYS: [&str; 8] = [
    NAMESPACE_NAME,
    "istio-injection",
    "istio.io/dataplane-mode",
    "istio.io/rev",
    "istio.io/use-waypoint",
    "istio.io/use-waypoint-namespace",
    "istio.io/ingress-use-waypoint",
    "field.cattle.io/projectId",
];

/// Labels by which managed control planes select the namespaces whose objects no webhook gets.
///
/// AKS adds the first two to the selectors of webhooks: <https://learn.microsoft.com/azure/aks/faq>, and
/// <https://github.com/Azure/AKS/issues/1771>. Gardener tests selectors for the others:
/// <https://github.com/gardener/gardener/blob/master/pkg/gardenlet/operation/botanist/matchers/matcher.go>.
pub(crate) const HIDING: [&str; 5] = [
    "control-plane",
    "kubernetes.azure.com/managedby",
    "gardener.cloud/purpose",
    "shoot.gardener.cloud/no-cleanup",
    "resources.gardener.cloud/managed-by",
];

/// Keys with such a prefix that only inform people.
const WORDS: [&str; 2] = ["openshift.io/display-name", "openshift.io/description"];

// Inlined, it would make every review pay for its frame.
#[inline(never)]
pub(super) fn check(subject: &Subject<'_, '_>, findings: &mut Findings<'_>) {
    let Object::Unstructured(new) = subject.object else { return };
    // The comparison below covers the old object.
    if subject.request.shape != Shape::Namespace
        || findings.is_old_object()
        || is_of_cluster(&subject.request.user, subject.snapshot)
    {
        return;
    }
    let before =
        compared(subject).map_or_else(|| Some(Pairs::default()), |old| old.metadata.decoded_labels());
    let (Some(labels), Some(old)) = (new.metadata.decoded_labels(), before) else {
        let raw = |object: &Unstructured<'_>| object.metadata.labels.map(|raw| raw.get().to_owned());
        if compared(subject).is_none_or(|old| raw(old) != raw(new)) {
            let message = "these labels do not decode, so the namespace cannot be checked; correct them";
            findings.add_whole(&"metadata.labels", &message, &"labels");
        }
        return;
    };
    if matches!((subject.owner, &subject.request.operation), (Owner::System, Operation::Create { .. })) {
        let message = fmt::from_fn(|f| {
            write!(
                f,
                "this is the name of a system namespace, in which partywall judges nothing, so only the platform "
            )?;
            write!(f, "team may create it; choose another name; ")?;
            ask(subject, f)
        });
        findings.add_whole(&"metadata.name", &message, &"system name");
    }
    let is_protected = tenant_label(subject, labels.get(TENANT), old.get(TENANT), findings);
    if !is_protected {
        return hiding_labels(subject, &old, &labels, findings);
    }
    changes("labels", &old, &labels, subject, findings);
    let none = Pairs::default();
    let before = compared(subject).map_or(&none, |old| &*old.metadata.annotations);
    changes("annotations", before, &new.metadata.annotations, subject, findings);
}

/// Returns the old namespace.
fn compared<'s, 'a>(subject: &Subject<'s, 'a>) -> Option<&'s Unstructured<'a>> {
    if let Object::Unstructured(old) = subject.old? { Some(old) } else { None }
}

/// Judges the label that names the tenant; returns whether the other keys are protected.
///
/// They are in a namespace that is or was a tenant's, or is the system's.
fn tenant_label(
    subject: &Subject<'_, '_>,
    new: Option<&str>,
    old: Option<&str>,
    findings: &mut Findings<'_>,
) -> bool {
    let field = format_args!("metadata.labels[{TENANT}]");
    let (tenant, is_system) = match subject.owner {
        Owner::Tenant(tenant) => (Some(&*tenant.name), false),
        Owner::System | Owner::Denied(_) => (None, true),
        Owner::Unclaimed => (None, false),
    };
    let is_changed = subject.old.is_none() || new != old;
    let identity = format_args!("tenant {}", new.unwrap_or_default());
    match (tenant, new) {
        _ if !is_changed => {}
        (Some(tenant), Some(new)) if new == tenant => {}
        (Some(tenant), _) => {
            let message = format_args!(
                "this namespace belongs to tenant `{tenant}`, and only this label protects it; write \
                 `{TENANT}: {tenant}`"
            );
            findings.add_whole(&field, &message, &identity);
        }
        (None, None) if old.is_none() => {}
        (None, _) => {
            let message = fmt::from_fn(|f| {
                write!(f, "only the platform team may set the tenant of a namespace; ")?;
                ask(subject, f)
            });
            findings.add_whole(&field, &message, &identity);
        }
    }
    tenant.is_some() || is_system || new.is_some() || old.is_some()
}

/// Reports protected keys that an update adds, removes or changes, except the tenant's label.
fn changes(
    list: &str,
    old: &Pairs<'_>,
    new: &Pairs<'_>,
    subject: &Subject<'_, '_>,
    findings: &mut Findings<'_>,
) {
    let message = fmt::from_fn(|f| {
        write!(f, "only the platform team may change what protects a namespace; ")?;
        ask(subject, f)
    });
    let is_name =
        |key: &str, value: &str| key == NAMESPACE_NAME && value == subject.request.name_of_namespace();
    let added = (new.iter())
        // The API server itself writes the label with a namespace's name.
        .filter(|(key, value)| old.get(key) != Some(value) && !is_name(key, value))
        .map(|(key, _)| key);
    let removed = old.iter().filter(|(key, _)| new.get(key).is_none()).map(|(key, _)| key);
    for key in added.chain(removed).filter(|key| *key != TENANT && is_protected(key, subject)) {
        let field = format_args!("metadata.{list}[{}]", Escaped(key));
        findings.add_whole(&field, &message, &format_args!("{list} {key}"));
    }
}

/// Reports labels that could hide a namespace of no tenant from partywall.
fn hiding_labels(subject: &Subject<'_, '_>, old: &Pairs<'_>, new: &Pairs<'_>, findings: &mut Findings<'_>) {
    let message = fmt::from_fn(|f| {
        write!(
            f,
            "by this label a managed control plane takes a namespace out of all webhooks, so only the platform "
        )?;
        write!(
            f,
            "team may add it; remove it, or ask the platform team to list `{}` in ",
            Escaped(&subject.request.user.username)
        )?;
        write!(f, "the Settings (`platform`)")
    });
    for key in HIDING {
        if new.get(key).is_some_and(|value| old.get(key) != Some(value)) {
            let field = format_args!("metadata.labels[{key}]");
            findings.add_whole(&field, &message, &format_args!("labels {key}"));
        }
    }
}

fn is_protected(key: &str, subject: &Subject<'_, '_>) -> bool {
    let prefix = key.split_once('/').map_or("", |(prefix, _)| prefix);
    // OpenShift also has prefixes that end in its own: `security.openshift.io`.
    let has_prefix = |known: &str| {
        prefix.strip_suffix(known).is_some_and(|before| before.is_empty() || before.ends_with('.'))
    };
    (!prefix.is_empty() && PREFIXES.iter().any(|known| has_prefix(known)) && !WORDS.contains(&key))
        || KEYS.contains(&key)
        || HIDING.contains(&key)
        || subject.snapshot.platform.namespace_keys.contains(key)
}

fn ask(subject: &Subject<'_, '_>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let user = Escaped(&subject.request.user.username);
    write!(f, "leave it as it is, or ask the platform team to list `{user}` in the Settings (`platform`)")
}
