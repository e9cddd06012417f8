//! `node-placement`: a tenant's pods run only on its nodes, and pods outside tenants do not select these.
//!
//! Other webhooks can change a pod after the stamp, so the rule checks the object that will be stored. It compares by
//! meaning: a pod can run where its nodeSelector **and** one term of its required node affinity match, so each
//! non-empty term, together with the nodeSelector, must require the labels of one of the tenant's pools. `NotIn`,
//! `Exists`, `Gt` and preferences do not count. An empty term matches no node, so it needs no labels.
//!
//! A pod that is created with a `nodeName` bypasses the scheduler, so the rule denies it. The scheduler assigns nodes
//! by bindings, so only the scheduler may create them. While the scheduler evicts pods it nominates a node in a pod's
//! status, and keeps room there; only schedulers and components of the cluster may do this.
//!
//! Outside tenants the taints of the pools keep pods away. So the rule judges the demands of a pod there only if it
//! tolerates a pool, or if a pool that it selects has no taint that keeps pods away.

use std::cell::LazyCell;
use std::collections::HashSet;
use std::fmt;

use crate::api::StampMode;
use crate::json::Escaped;
use crate::judging::placement::{demands, pool_of};
use crate::judging::trusted_users::is_of_cluster;
use crate::judging::{Findings, Fingerprint, Subject, some_of};
use crate::objects::object::Object;
use crate::objects::pod::{Extent, PodSpec, PodView};
use crate::objects::scheduling::{NodeSelectorRequirement, NodeSelectorTerm};
use crate::tenancy::{Pool, PoolIndex, RequiredLabels, Snapshot, Tenant, is_restricted};

/// The message for a pod that selects a pool although no pool belongs to its namespace.
const SELECTS: &str = "selects nodes of a tenant's pool, which this namespace may not use; remove it";
/// The scheduler's user name; the Settings must list the users of other schedulers.
pub(crate) const SCHEDULER: &str = "system:kube-scheduler";

pub(super) fn check(subject: &Subject<'_, '_>, findings: &mut Findings<'_>) {
    if let Object::Binding(binding) = subject.object {
        return bound(subject, &binding.target.name, findings);
    }
    if let Object::PodStatus(pod) = subject.object {
        return nominated(subject, &pod.status.nominated_node_name, findings);
    }
    let Some(pod) = subject.pod() else { return };
    // Outside tenants such a pod harms nobody: it runs nowhere without a node, and the kubelet deletes it.
    if pod.is_mirror() && subject.tenant().is_some() {
        let message = "a static pod of a node may not be shown in a tenant's namespace, and only a kubelet may create \
                       its mirror pod; move the static pod to another namespace and remove the annotation, or ask the \
                       platform team to set `mirrorPods: Allow` in the Settings";
        let field = format_args!("{}.annotations[kubernetes.io/config.mirror]", pod.metadata_path);
        findings.add_whole(&field, &message, &"mirror");
    }
    let node = &pod.spec.node_name;
    if !node.is_empty() && subject.bound_node != Some(&**node) {
        findings.add_whole(
            &format_args!("{}.nodeName", pod.spec_path),
            &format_args!(
                "names node `{}` and so bypasses the scheduler; remove `nodeName`, and use nodeSelector or affinity",
                Escaped(node)
            ),
            &format_args!("nodeName={node}"),
        );
    }
    match subject.tenant().filter(|tenant| !tenant.pools.is_empty()) {
        Some(tenant) => confined(&pod, tenant, subject.snapshot, findings),
        None => selects_no_pool(&pod, subject, findings),
    }
}

fn bound(subject: &Subject<'_, '_>, node: &str, findings: &mut Findings<'_>) {
    let user = &*subject.request.user.username;
    if user == SCHEDULER || subject.snapshot.controllers.bindings.contains(user) {
        return;
    }
    let message = format_args!(
        "only the scheduler may bind a pod to a node (here `{}`); leave it to `default-scheduler`, or ask the platform \
         team to list your scheduler's user in the Settings (`controllers.bindings`)",
        Escaped(node)
    );
    findings.add_whole(&"target.name", &message, &format_args!("binding={node}"));
}

fn nominated(subject: &Subject<'_, '_>, node: &str, findings: &mut Findings<'_>) {
    let user = &subject.request.user;
    let is_scheduler = subject.snapshot.controllers.bindings.iter().any(|name| **name == *user.username);
    if node.is_empty() || is_scheduler || is_of_cluster(user, subject.snapshot) {
        return;
    }
    let message = "only a scheduler may nominate a node; remove `nominatedNodeName`, or ask the platform team to list \
                   the scheduler's user in the Settings (`controllers.bindings`)";
    findings.add_whole(&"status.nominatedNodeName", &message, &format_args!("nominated={node}"));
}

/// Proves that the pod can only run in its tenant's pools.
///
/// For a template it reports only what the stamp does not correct, because partywall stamps the template's pods when
/// they are created.
fn confined(pod: &PodView<'_, '_>, tenant: &Tenant, snapshot: &Snapshot, findings: &mut Findings<'_>) {
    let names_foreign = names_foreign_pool(pod, tenant, snapshot, findings);
    if pod.extent != Extent::Pod || (names_foreign && !findings.is_old_object()) {
        return;
    }
    let is_confined = match &tenant.index {
        None => is_confined_to_few(pod.spec, tenant, snapshot),
        Some(index) => is_confined_to_many(pod.spec, index, snapshot),
    };
    if !is_confined {
        let message = fmt::from_fn(|f| {
            let pools = some_of(snapshot.pools_of(tenant).map(|pool| &*pool.name), tenant.pools.len());
            write!(
                f,
                "the pod is not stamped, so it could run on nodes outside the tenant's pools ({pools}); create it \
                 again; if that does not help, the namespace lacks the label `partywall.dev/tenant`, or another \
                 webhook removes the stamp"
            )
        });
        // While a pod has scheduling gates, an update can change its terms. The terms are part of the identity, so that
        // such a change of an unstamped pod is a new violation.
        let identity = fmt::from_fn(|f| {
            let terms = pod.spec.required_terms().unwrap_or_default().iter();
            let mut terms: Vec<_> = terms.map(|term| Fingerprint::of(&describe(term))).collect();
            terms.sort_unstable();
            f.write_str("unstamped ")?;
            terms.iter().try_for_each(|term| write!(f, "{term}|"))
        });
        findings.add_whole(&format_args!("{}.nodeSelector", pod.spec_path), &message, &identity);
        // The checks below would only report more of the same missing stamp.
        if !findings.is_old_object() {
            return;
        }
    }
    // The stamp writes the pool's labels into every term as well. A term without them was added after the stamp, so the
    // rule reports it even if the nodeSelector confines the pod.
    if snapshot.stamp != StampMode::NodeSelector {
        bare_terms(pod, tenant, snapshot, findings);
    }
    tolerates_its_pool(pod, tenant, snapshot, findings);
}

/// Reports nodeSelector labels that select no pool of the tenant; returns whether there are any.
///
/// A label whose key the pod's own pool lacks only narrows the choice of nodes in that pool. It is a violation only if
/// its key tells pools apart, or if it names a pool of others.
fn names_foreign_pool(
    pod: &PodView<'_, '_>,
    tenant: &Tenant,
    snapshot: &Snapshot,
    findings: &mut Findings<'_>,
) -> bool {
    let selector = || pod.spec.node_selector.iter().flat_map(|selector| selector.iter());
    let is_beside_its_pool = LazyCell::new(|| {
        pool_of(pod.spec, tenant, snapshot).is_some_and(|pool| {
            selector().all(|(key, value)| pool.label(key).is_none_or(|label| *label == *value))
        })
    });
    // The keys of the labels of all pools that the nodeSelector names whole.
    let named_whole = LazyCell::new(|| {
        let mut keys = HashSet::new();
        let labels = RequiredLabels::of_selector(snapshot.index(), pod.spec);
        snapshot.index().find(&labels, snapshot.pools(), &mut |_, pool| {
            keys.extend(pool.labels.iter().map(|(key, _)| &**key));
            false
        });
        keys
    });
    // Returns whether the key alone tells pools apart, so that another value of it is another pool's.
    let tells_apart = |key: &str| {
        is_restricted(key)
            || match &tenant.index {
                Some(index) => index.is_key_tainted(key),
                None => snapshot
                    .pools_of(tenant)
                    .any(|pool| pool.label(key).is_some_and(|value| pool.is_tainted_with(key, value))),
            }
    };
    // Returns whether the label is one of the tenant's pools', or `None` if these have no label with the key.
    let is_own = |key: &str, value: &str| match &tenant.index {
        Some(index) => index.has_key(key).then(|| index.has_label(key, value)),
        None => {
            let mut own = snapshot.pools_of(tenant).filter_map(|pool| pool.label(key)).peekable();
            own.peek().is_some().then(|| own.any(|own| own == value))
        }
    };
    let names_others =
        |key: &str, value: &str| snapshot.index().is_own_label(key, value) || named_whole.contains(key);
    let mut foreign = false;
    for (key, value) in selector() {
        if is_own(key, value) == Some(false)
            && (foreign || tells_apart(key) || names_others(key, value) || !*is_beside_its_pool)
        {
            foreign = true;
            findings.add_whole(&format_args!("{}.nodeSelector[{key}]", pod.spec_path),
                &format_args!(
                    "`{key}={}` does not select a pool of the tenant; remove it, and partywall selects the tenant's \
                     pool",
                    Escaped(value)
                ),
                &format_args!("{key}={value}"),
            );
        }
    }
    foreign
}

/// Returns whether the pod can only run in one of a tenant's few pools.
fn is_confined_to_few(spec: &PodSpec<'_>, tenant: &Tenant, snapshot: &Snapshot) -> bool {
    let by_terms = |terms: &[NodeSelectorTerm<'_>]| {
        let unpinned = after_selector(spec, tenant, snapshot);
        let lacks = || unpinned.iter().map(|labels| labels.iter().copied());
        terms.iter().filter(|term| !term.is_empty()).all(|term| pins(term, lacks()))
    };
    snapshot.pools_of(tenant).any(|pool| selects(spec, pool)) || spec.required_terms().is_some_and(by_terms)
}

/// Returns the same for a tenant with many pools, by an index of them.
#[cold]
#[inline(never)]
fn is_confined_to_many(spec: &PodSpec<'_>, index: &PoolIndex, snapshot: &Snapshot) -> bool {
    let selected = RequiredLabels::of_selector(index, spec);
    let by_terms = |terms: &[NodeSelectorTerm<'_>]| {
        let mut terms = terms.iter().filter(|term| !term.is_empty());
        terms.all(|term| pins_one_of_many(term, &selected, index, snapshot))
    };
    index.has_all_of_one(&selected, snapshot.pools()) || spec.required_terms().is_some_and(by_terms)
}

/// Returns whether the term, beside the labels that are required `also`, requires all labels of one of many pools.
///
/// It decides as [`pins`] does.
#[cold]
#[inline(never)]
fn pins_one_of_many(
    term: &NodeSelectorTerm<'_>,
    also: &RequiredLabels<'_>,
    index: &PoolIndex,
    snapshot: &Snapshot,
) -> bool {
    let mut demanded = RequiredLabels::default();
    for NodeSelectorRequirement { key, operator, values } in term.expressions() {
        if let ("In", [only]) = (&**operator, &**values) {
            demanded.add(index, key, only);
        }
    }
    let demanded = demanded.and(also);
    if index.has_all_of_one(&demanded, snapshot.pools()) {
        return true;
    }
    term.expressions().iter().any(|NodeSelectorRequirement { key, operator, values }| {
        let is_several = &**operator == "In" && !values.is_empty();
        if !is_several || !values.iter().all(|value| index.has_label(key, value)) {
            return false;
        }
        let mut several = RequiredLabels::default();
        values.iter().for_each(|value| several.add(index, key, value));
        let several = several.and(&demanded);
        let mut lacking = HashSet::new();
        index.find(&several, snapshot.pools(), &mut |_, pool| {
            lacking.extend(pool.label(key));
            false
        });
        values.iter().all(|value| lacking.contains(&**value))
    })
}

/// Returns whether the nodeSelector has all labels of a pool.
fn selects(spec: &PodSpec<'_>, pool: &Pool) -> bool {
    labels(pool).all(|(key, value)| spec.selected(key) == Some(value))
}

/// Returns, for each of the tenant's pools, the labels that the nodeSelector does not require.
///
/// INVARIANT: the work for a term is linear in its length, because the nodeSelector is compared once for all terms.
fn after_selector<'p>(
    spec: &PodSpec<'_>,
    tenant: &'p Tenant,
    snapshot: &'p Snapshot,
) -> Vec<Vec<(&'p str, &'p str)>> {
    let unpinned =
        |pool: &'p Pool| labels(pool).filter(|(key, value)| spec.selected(key) != Some(*value)).collect();
    snapshot.pools_of(tenant).map(unpinned).collect()
}

fn labels(pool: &Pool) -> impl Iterator<Item = (&str, &str)> {
    pool.labels.iter().map(|(key, value)| (&**key, &**value))
}

/// Returns whether the term requires all the labels that are missing for one of the pools.
///
/// For each pool, `lacks` yields the labels that the term has to require.
fn pins<'p, L: Iterator<Item = (&'p str, &'p str)>>(
    term: &NodeSelectorTerm<'_>,
    lacks: impl Iterator<Item = L>,
) -> bool {
    // For each pool of which the term requires all labels but one: that label.
    let mut lacking = Vec::new();
    for labels in lacks {
        let mut unpinned = labels.filter(|(key, value)| !demands(term, key, value));
        match (unpinned.next(), unpinned.next()) {
            (None, _) => return true,
            (Some(label), None) => lacking.push(label),
            (Some(_), Some(_)) => {}
        }
    }
    // `key In [a, b]` confines the pod to two pools at once, if `key=a` is the only label missing for the one and
    // `key=b` the only label missing for the other.
    term.expressions().iter().any(|requirement| {
        &*requirement.operator == "In"
            && !requirement.values.is_empty()
            && requirement.values.iter().all(|value| lacking.contains(&(&*requirement.key, value)))
    })
}

fn bare_terms(pod: &PodView<'_, '_>, tenant: &Tenant, snapshot: &Snapshot, findings: &mut Findings<'_>) {
    let nothing = RequiredLabels::default();
    let pins = |term: &NodeSelectorTerm<'_>| match &tenant.index {
        None => pins(term, snapshot.pools_of(tenant).map(labels)),
        Some(index) => pins_one_of_many(term, &nothing, index, snapshot),
    };
    for (index, term) in pod.spec.required_terms().unwrap_or_default().iter().enumerate() {
        if !term.is_empty() && !pins(term) {
            let message = "this term does not select the tenant's pool, and terms are alternatives; create the pod \
                           again; if that does not help, another webhook adds the term after the stamp";
            // All such terms have one identity, because the API server lets an update narrow the terms of a stored
            // pod, but not add any.
            findings.add_whole(&term_path(pod, index), &message, &"bare term");
        }
    }
}

/// Reports missing tolerations of the pod's pool, the second half of the stamp.
///
/// Without them the pod would stay pending, or run on nodes that have the pool's labels and lack its taints.
fn tolerates_its_pool(
    pod: &PodView<'_, '_>,
    tenant: &Tenant,
    snapshot: &Snapshot,
    findings: &mut Findings<'_>,
) {
    let Some(pool) = pool_of(pod.spec, tenant, snapshot) else { return };
    for taint in &pool.taints {
        if !taint.tolerated_for_good(pod.spec.tolerations()) {
            let key = &taint.key;
            let message = format_args!(
                "the toleration of the taint `{key}` of the tenant's pool is missing or has a time limit; create the \
                 pod again; if that does not help, another webhook removes or changes the toleration"
            );
            let field = format_args!("{}.tolerations", pod.spec_path);
            findings.add_whole(&field, &message, &format_args!("toleration={key}"));
        }
    }
}

/// Reports a pod without pools of its own that selects a tenant's pool and could run there.
fn selects_no_pool(pod: &PodView<'_, '_>, subject: &Subject<'_, '_>, findings: &mut Findings<'_>) {
    let snapshot = subject.snapshot;
    let is_allowed_in = subject.tenant().is_some()
        || pod.spec.tolerations().iter().any(|toleration| snapshot.is_pool_tolerated_by(toleration));
    // The pod could only run in these pools.
    let Some(index) = (if is_allowed_in { Some(snapshot.index()) } else { snapshot.open_index() }) else {
        return;
    };
    let pools = snapshot.pools();
    let selected = RequiredLabels::of_selector(index, pod.spec);
    if index.is_named_by(&selected, pools) {
        let field = format_args!("{}.nodeSelector", pod.spec_path);
        let identity = fmt::from_fn(|f| {
            let selector = pod.spec.node_selector.iter().flat_map(|selector| selector.iter());
            let mut labels: Vec<_> = selector.collect();
            labels.sort_unstable();
            labels.iter().try_for_each(|(key, value)| write!(f, "{key}={value},"))
        });
        findings.add_whole(&field, &SELECTS, &identity);
        return;
    }
    for (place, term) in pod.spec.required_terms().unwrap_or_default().iter().enumerate() {
        if index.is_named_by(&required_by(term, index).and(&selected), pools) {
            findings.add_whole(&term_path(pod, place), &SELECTS, &describe(term));
        }
    }
}

/// Returns the labels that a term requires, with every value that it accepts.
fn required_by<'a>(term: &'a NodeSelectorTerm<'_>, index: &PoolIndex) -> RequiredLabels<'a> {
    let mut required = RequiredLabels::default();
    for NodeSelectorRequirement { key, operator, values } in term.expressions() {
        match &**operator {
            "In" => values.iter().for_each(|value| required.add(index, key, value)),
            "NotIn" | "DoesNotExist" => {}
            // `Exists` accepts any value; `Gt`, `Lt` and unknown operators count as if they did too.
            _ => required.add_any(index, key),
        }
    }
    required
}

fn term_path<'p>(pod: &'p PodView<'_, '_>, index: usize) -> impl fmt::Display + 'p {
    fmt::from_fn(move |f| {
        write!(
            f,
            "{}.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[{index}]",
            pod.spec_path
        )
    })
}

/// Formats a term by value, without its index.
fn describe<'t>(term: &'t NodeSelectorTerm<'_>) -> impl fmt::Display + 't {
    fmt::from_fn(|f| {
        let requirements = term.expressions().iter().chain(&term.match_fields);
        let mut parts: Vec<_> = requirements
            .map(|r| Fingerprint::of(&format_args!("{} {} {:?}", r.key, r.operator, r.values)))
            .collect();
        parts.sort_unstable();
        f.write_str("term:")?;
        parts.iter().try_for_each(|part| write!(f, "{part}&"))
    })
}
