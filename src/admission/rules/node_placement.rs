//! `node-placement`: a tenant's pod lands on its tenant's nodes, and nobody else's pod does.
//!
//! What the stamp wrote is proven here on the object that will be stored, whatever other webhooks did to it in
//! between. The proof is about meaning: a pod can land where its nodeSelector **and** one term of its required
//! node affinity match, so each non-empty term, together with the nodeSelector, must pin the labels of one of
//! the tenant's pools. `NotIn`, `Exists`, `Gt` and what is merely preferred prove nothing; an empty term
//! matches no node and needs no proof.
//!
//! A pod that comes with a node's name never meets the scheduler, and a binding is how the scheduler gives
//! one: the first is refused, the second is the scheduler's alone.

use super::{Concern, Finding, Findings, Subject};
use crate::admission::record::Cut;
use crate::admission::review::Object;
use crate::admission::stamp::{demands, pool_of};
use crate::admission::tenancy::{Pool, Snapshot, Tenant};
use crate::admission::workload::{NodeSelectorRequirement, NodeSelectorTerm, PodSpec, PodView};
use crate::api::StampMode;

/// What an unclaimed pod does wrong.
const SELECTS: &str = "selects nodes of a tenant's pool, in which this namespace has no share; remove it";
/// The scheduler's user name; a pod's own scheduler binds as somebody else, and is not trusted to.
const SCHEDULER: &str = "system:kube-scheduler";
/// The group of kubelets.
const NODES: &str = "system:nodes";

pub(super) fn check(subject: &Subject<'_, '_>, findings: &mut Findings<'_>) {
    if let Object::Binding(binding) = subject.object {
        if &*subject.request.user.username != SCHEDULER {
            let node = Cut(&binding.target.name);
            let message = format!(
                "only the scheduler binds pods to nodes; leave it to `default-scheduler` to find a node (asked for `{node}`)"
            );
            found(findings, "target.name".to_owned(), message, format!("binding={}", binding.target.name));
        }
        return;
    }
    let Some(pod) = subject.pod() else { return };
    if pod.is_mirror() {
        // A kubelet shows a static pod that it runs already: there is nothing left to place.
        if subject.request.user.groups.iter().any(|group| &**group == NODES) {
            return;
        }
        let field = format!("{}.annotations[kubernetes.io/config.mirror]", pod.metadata_path);
        let message =
            "only a kubelet may say that a pod mirrors a static one; remove the annotation".to_owned();
        found(findings, field, message, "mirror".to_owned());
    }
    if !pod.spec.node_name.is_empty() {
        let message = format!(
            "asks for node `{}` past the scheduler; remove `nodeName`, and use nodeSelector or affinity",
            Cut(&pod.spec.node_name)
        );
        found(
            findings,
            format!("{}.nodeName", pod.spec_path),
            message,
            format!("nodeName={}", pod.spec.node_name),
        );
    }
    match subject.tenant().filter(|tenant| !tenant.pools.is_empty()) {
        Some(tenant) => confined(&pod, tenant, subject.snapshot, findings),
        None => selects_no_pool(&pod, subject.snapshot, findings),
    }
}

fn found(findings: &mut Findings<'_>, field: String, message: String, identity: String) {
    findings.add(Finding { control: None, field, message, identity, concern: Concern::Whole });
}

/// Proves that the pod can only land in its tenant's pools. Of a template only what the stamp will not mend
/// is looked at: its pods are stamped when they are made.
fn confined(pod: &PodView<'_, '_>, tenant: &Tenant, snapshot: &Snapshot, findings: &mut Findings<'_>) {
    if names_foreign_pool(pod, tenant, snapshot, findings) || pod.is_template {
        return;
    }
    let pools = || snapshot.pools_of(tenant);
    let by_selector = pools().any(|pool| selector_pins(pod.spec, pool));
    let terms = pod.spec.required_terms();
    let by_terms = terms.is_some_and(|terms| {
        terms.iter().filter(|term| !term.is_empty()).all(|term| pins(pod.spec, term, tenant, snapshot))
    });
    if !by_selector && !by_terms {
        let message = format!(
            "the pod is not stamped and could land on nodes outside the tenant's pools ({}); create it again, and if that does not help, another webhook takes the stamp away",
            pools().map(|pool| format!("`{}`", pool.name)).collect::<Vec<_>>().join(", ")
        );
        return found(findings, format!("{}.nodeSelector", pod.spec_path), message, "unstamped".to_owned());
    }
    // The nodeSelector confines the pod, but the stamp writes into every term as well, so a bare one was
    // added after the stamp, by something that the operator should know about.
    if snapshot.stamp != StampMode::NodeSelector {
        bare_terms(pod, tenant, snapshot, findings);
    }
    tolerates_its_pool(pod, tenant, snapshot, findings);
}

/// Reports nodeSelector labels that belong to pools, but to none of the tenant's; whether there are any.
fn names_foreign_pool(
    pod: &PodView<'_, '_>,
    tenant: &Tenant,
    snapshot: &Snapshot,
    findings: &mut Findings<'_>,
) -> bool {
    let mut foreign = false;
    for (key, value) in pod.spec.node_selector.iter().flat_map(|selector| selector.iter()) {
        let mut own = snapshot.pools_of(tenant).filter_map(|pool| pool.label(key)).peekable();
        if own.peek().is_some() && !own.any(|own| own == value) {
            foreign = true;
            let message = format!(
                "`{key}={}` selects no pool of the tenant; remove it, and the tenant's own pool is selected for you",
                Cut(value)
            );
            found(
                findings,
                format!("{}.nodeSelector[{key}]", pod.spec_path),
                message,
                format!("{key}={value}"),
            );
        }
    }
    foreign
}

fn selector_pins(spec: &PodSpec<'_>, pool: &Pool) -> bool {
    spec.node_selector
        .as_ref()
        .is_some_and(|selector| pool.labels.iter().all(|(key, value)| selector.get(key) == Some(&**value)))
}

/// Whether the term, together with the nodeSelector, lets the pod land in the tenant's pools only.
///
/// Linear in the term's length: what each pool lacks is found out once.
fn pins(spec: &PodSpec<'_>, term: &NodeSelectorTerm<'_>, tenant: &Tenant, snapshot: &Snapshot) -> bool {
    let is_pinned = |(key, value): &&(Box<str>, Box<str>)| {
        let selected = spec.node_selector.as_ref().and_then(|selector| selector.get(key));
        selected == Some(&**value) || demands(term, key, value)
    };
    // The one label that is all a pool lacks to be pinned.
    let mut lacking = Vec::new();
    for pool in snapshot.pools_of(tenant) {
        let mut unpinned = pool.labels.iter().filter(|label| !is_pinned(label));
        match (unpinned.next(), unpinned.next()) {
            (None, _) => return true,
            (Some((key, value)), None) => lacking.push((&**key, &**value)),
            (Some(_), Some(_)) => {}
        }
    }
    // `key In [a, b]` pins the pod to two pools at once, if for each value there is a pool of the tenant that
    // lacks nothing else.
    term.expressions().iter().any(|requirement| {
        &*requirement.operator == "In"
            && !requirement.values.is_empty()
            && requirement.values.iter().all(|value| lacking.contains(&(&*requirement.key, value)))
    })
}

fn bare_terms(pod: &PodView<'_, '_>, tenant: &Tenant, snapshot: &Snapshot, findings: &mut Findings<'_>) {
    let bare = PodSpec::default();
    for (index, term) in pod.spec.required_terms().unwrap_or_default().iter().enumerate() {
        if term.is_empty() || pins(&bare, term, tenant, snapshot) {
            continue;
        }
        let field = term_path(pod, index);
        let message = "this term does not name the tenant's pool, and terms are alternatives; create the pod again, and if that does not help, another webhook adds the term after the stamp".to_owned();
        found(findings, field, message, describe(term));
    }
}

/// The other half of the stamp: without it the pod would wait for ever, or move to wherever it need not
/// tolerate anything.
fn tolerates_its_pool(
    pod: &PodView<'_, '_>,
    tenant: &Tenant,
    snapshot: &Snapshot,
    findings: &mut Findings<'_>,
) {
    let Some(pool) = pool_of(pod.spec, tenant, snapshot) else { return };
    for taint in &pool.taints {
        if !taint.tolerated_for_good(pod.spec.tolerations()) {
            let message = format!(
                "the toleration of the tenant's pool (`{}`) is missing or has a time limit; create the pod again, and if that does not help, another webhook takes it away",
                taint.key
            );
            found(
                findings,
                format!("{}.tolerations", pod.spec_path),
                message,
                format!("toleration={}", taint.key),
            );
        }
    }
}

/// Reports what selects a tenant's pool from outside: every label of it is asked for.
fn selects_no_pool(pod: &PodView<'_, '_>, snapshot: &Snapshot, findings: &mut Findings<'_>) {
    let selector = || pod.spec.node_selector.iter().flat_map(|selector| selector.iter());
    let asks = |term: Option<&NodeSelectorTerm<'_>>, pool: &Pool| {
        pool.labels.iter().all(|(key, value)| {
            selector().any(|(k, v)| *k == **key && *v == **value)
                || term.is_some_and(|term| term.expressions().iter().any(|r| admits(r, key, value)))
        })
    };
    let by_selector = selector()
        .flat_map(|(key, value)| snapshot.pools_labelled(key, Some(value)))
        .any(|pool| asks(None, pool));
    if by_selector {
        let mut labels: Vec<_> = selector().map(|(key, value)| format!("{key}={value}")).collect();
        labels.sort_unstable();
        let field = format!("{}.nodeSelector", pod.spec_path);
        return found(findings, field, SELECTS.to_owned(), format!("selects={}", labels.join(",")));
    }
    for (index, term) in pod.spec.required_terms().unwrap_or_default().iter().enumerate() {
        let mut named = term.expressions().iter().flat_map(|requirement| named_pools(requirement, snapshot));
        if named.any(|pool| asks(Some(term), pool)) {
            found(findings, term_path(pod, index), SELECTS.to_owned(), describe(term));
        }
    }
}

/// The pools of which the requirement asks for a label.
fn named_pools<'s>(
    requirement: &'s NodeSelectorRequirement<'_>,
    snapshot: &'s Snapshot,
) -> Box<dyn Iterator<Item = &'s Pool> + 's> {
    let key = &requirement.key;
    match &*requirement.operator {
        "In" => {
            Box::new(requirement.values.iter().flat_map(|value| snapshot.pools_labelled(key, Some(value))))
        }
        "NotIn" | "DoesNotExist" => Box::new(std::iter::empty()),
        _ => Box::new(snapshot.pools_labelled(key, None)),
    }
}

fn term_path(pod: &PodView<'_, '_>, index: usize) -> String {
    format!(
        "{}.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[{index}]",
        pod.spec_path
    )
}

/// Whether the requirement asks for a label, and this value of it will do. What is not known asks for it.
fn admits(requirement: &NodeSelectorRequirement<'_>, key: &str, value: &str) -> bool {
    *requirement.key == *key
        && match &*requirement.operator {
            "In" => requirement.values.iter().any(|v| **v == *value),
            "NotIn" | "DoesNotExist" => false,
            _ => true,
        }
}

/// A term by value, without its place in the list.
fn describe(term: &NodeSelectorTerm<'_>) -> String {
    let mut parts: Vec<String> = (term.expressions().iter())
        .chain(&term.match_fields)
        .map(|r| format!("{} {} {:?}", r.key, r.operator, r.values))
        .collect();
    parts.sort_unstable();
    format!("term:{}", parts.join("&"))
}
