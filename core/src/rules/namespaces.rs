//! `namespaces`: whose a namespace is, and what protects it, is the platform's to say.
//!
//! The label `partywall.dev/tenant` decides whether the API server asks about what happens in a namespace, and other
//! labels and annotations of a tenant's namespace decide what other guards let through there. So they are the platform
//! team's, whichever way they are written: metadata is also taken from writes to `namespaces/status` and
//! `namespaces/finalize`.
//!
//! Nothing but metadata is looked at, and of that only what changes: a namespace that is labelled wrongly already can
//! still be finalized and annotated. Anybody may write the label that the Tenants ask for. Who may delete a namespace is
//! not this rule's matter, since a name stays its tenant's.

use std::fmt;

use crate::json::{Cut, Pairs};
use crate::judging::users::is_of_cluster;
use crate::judging::{Findings, Subject};
use crate::labels::{NAMESPACE_NAME, TENANT};
use crate::objects::kinds::Kind;
use crate::objects::object::Object;
use crate::objects::unstructured::Custom;
use crate::tenancy::Owner;

/// Who looks after namespaces for the cluster.
pub(crate) const CONTROLLERS: &[&str] =
    &["system:kube-controller-manager", "system:serviceaccount:kube-system:namespace-controller"];

/// Prefixes of keys by which a namespace is protected, or left alone.
const PREFIXES: [&str; 11] = [
    "partywall.dev",
    // Which Pod Security Standard the API server holds it to.
    "pod-security.kubernetes.io",
    // Node selectors and tolerations of its pods, where the cluster has the plugins that read them.
    "scheduler.alpha.kubernetes.io",
    // Administrator access to devices.
    "resource.kubernetes.io",
    "resource.k8s.io",
    // Whom policies of other tools spare, and whose a namespace is to them.
    "admission.gatekeeper.sh",
    "k-rail",
    "capsule.clastix.io",
    "openshift.io",
    // Which roles of a cloud, and which addresses, its pods get.
    "iam.amazonaws.com",
    "cni.projectcalico.org",
];
/// Single keys of the same kind.
const KEYS: [&str; 7] = [
    NAMESPACE_NAME,
    "istio-injection",
    "istio.io/dataplane-mode",
    "istio.io/rev",
    "istio.io/use-waypoint",
    "linkerd.io/inject",
    "field.cattle.io/projectId",
];

/// What has such a prefix and only tells people something.
const WORDS: [&str; 2] = ["openshift.io/display-name", "openshift.io/description"];

pub(super) fn check(subject: &Subject<'_, '_>, findings: &mut Findings<'_>) {
    let Object::Custom(new) = subject.object else { return };
    // What was there before is part of the comparison below.
    if subject.request.kind != Kind::Namespace
        || findings.is_of_the_past()
        || is_of_cluster(&subject.request.user, subject.snapshot)
    {
        return;
    }
    let (Some(labels), Some(old)) = (labels(Some(new)), labels(compared(subject))) else {
        let raw = |object: &Custom<'_>| object.metadata.labels.map(|raw| raw.get().to_owned());
        if compared(subject).is_none_or(|old| raw(old) != raw(new)) {
            let message = "these labels cannot be read, so the namespace cannot be judged; correct them";
            findings.add_whole(&"metadata.labels", &message, &"labels");
        }
        return;
    };
    let is_protected = tenant_label(subject, labels.get(TENANT), old.get(TENANT), findings);
    if !is_protected {
        return;
    }
    changes("labels", &old, &labels, subject, findings);
    let none = Pairs::default();
    let before = compared(subject).map_or(&none, |old| &*old.metadata.annotations);
    changes("annotations", before, &new.metadata.annotations, subject, findings);
}

/// The namespace as it was.
fn compared<'s, 'a>(subject: &Subject<'s, 'a>) -> Option<&'s Custom<'a>> {
    if let Object::Custom(old) = subject.old? { Some(old) } else { None }
}

fn labels<'a>(object: Option<&Custom<'a>>) -> Option<Pairs<'a>> {
    match object.and_then(|object| object.metadata.labels) {
        Some(raw) => serde_json::from_str::<Option<Pairs<'a>>>(raw.get()).ok().map(Option::unwrap_or_default),
        None => Some(Pairs::default()),
    }
}

/// Judges the label that names the tenant; whether the other keys are protected: it is a tenant's namespace or the
/// system's, or was one.
fn tenant_label(
    subject: &Subject<'_, '_>,
    new: Option<&str>,
    old: Option<&str>,
    findings: &mut Findings<'_>,
) -> bool {
    let field = format_args!("metadata.labels[{TENANT}]");
    let (tenant, is_system) = match subject.owner {
        Owner::Tenant(tenant) => (Some(&*tenant.name), false),
        Owner::System => (None, true),
        Owner::Unclaimed => (None, false),
    };
    let is_changed = subject.old.is_none() || new != old;
    let identity = format_args!("tenant {}", new.unwrap_or_default());
    match (tenant, new) {
        _ if !is_changed => {}
        (Some(tenant), Some(new)) if new == tenant => {}
        (Some(tenant), _) => {
            let message = format_args!(
                "this namespace is tenant `{tenant}`'s, and unprotected without its name here; write `{TENANT}: {tenant}`"
            );
            findings.add_whole(&field, &message, &identity);
        }
        (None, None) if old.is_none() => {}
        (None, _) => {
            let message = fmt::from_fn(|f| {
                write!(f, "only the platform team says whose a namespace is; ")?;
                ask(subject, f)
            });
            findings.add_whole(&field, &message, &identity);
        }
    }
    tenant.is_some() || is_system || new.is_some() || old.is_some()
}

/// Reports protected keys that came, went or changed; the tenant's own label is judged already.
fn changes(
    list: &str,
    old: &Pairs<'_>,
    new: &Pairs<'_>,
    subject: &Subject<'_, '_>,
    findings: &mut Findings<'_>,
) {
    let message = fmt::from_fn(|f| {
        write!(f, "only the platform team changes what protects a namespace; ")?;
        ask(subject, f)
    });
    let is_name =
        |key: &str, value: &str| key == NAMESPACE_NAME && value == subject.request.name_of_namespace();
    let added = (new.iter())
        // The API server itself writes a namespace's name.
        .filter(|(key, value)| old.get(key) != Some(value) && !is_name(key, value))
        .map(|(key, _)| key);
    let removed = old.iter().filter(|(key, _)| new.get(key).is_none()).map(|(key, _)| key);
    for key in added.chain(removed).filter(|key| *key != TENANT && is_protected(key, subject)) {
        let field = format_args!("metadata.{list}[{}]", Cut(key));
        findings.add_whole(&field, &message, &format_args!("{list} {key}"));
    }
}

fn is_protected(key: &str, subject: &Subject<'_, '_>) -> bool {
    let prefix = key.split_once('/').map_or("", |(prefix, _)| prefix);
    // Under OpenShift's prefix other things end in it: `security.openshift.io`.
    let has_prefix = |known: &str| {
        prefix.strip_suffix(known).is_some_and(|before| before.is_empty() || before.ends_with('.'))
    };
    (!prefix.is_empty() && PREFIXES.iter().any(|known| has_prefix(known)) && !WORDS.contains(&key))
        || KEYS.contains(&key)
        || subject.snapshot.platform.namespace_keys.iter().any(|protected| **protected == *key)
}

fn ask(subject: &Subject<'_, '_>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let user = Cut(&subject.request.user.username);
    write!(f, "leave that alone, or have `{user}` listed under `platform` in the Settings")
}
