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

use std::fmt;

use rustc_hash::FxHashSet;

use crate::api::{Mode, StampMode};
use crate::json::Escaped;
use crate::judging::placement::{Choice, Confinement, Demands, choose};
use crate::judging::trusted_users::is_of_cluster;
use crate::judging::{Findings, Fingerprint, Subject, some_of};
use crate::objects::object::Object;
use crate::objects::pod::{Extent, PodSpec, PodView};
use crate::objects::scheduling::{NodeSelectorRequirement, NodeSelectorTerm};
use crate::rule_id::RuleId;
use crate::tenancy::{PoolIndex, PoolSet, RequiredLabels, Snapshot, Taint, Tenant, ToleratedForGood};

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
        // The node may be of any pool.
        findings.reaching(Some(subject.snapshot.reach().strictest())).add_whole(
            &format_args!("{}.nodeName", pod.spec_path),
            &fmt::from_fn(|f| {
                write!(f, "names node `{}` and so bypasses the scheduler; ", Escaped(node))?;
                match pod.spec.is_node_shell() {
                    true => {
                        let namespace = &subject.snapshot.shell_namespace;
                        write!(f, "run shells on nodes in a system namespace (`-n {namespace}`)")
                    }
                    false => f.write_str("remove `nodeName`, and use nodeSelector or affinity"),
                }
            }),
            &format_args!("nodeName={node}"),
        );
    }
    if let Some(pool) = subject.tenant().and_then(|tenant| tenant.lacks_pool.as_deref()) {
        lacks_pool(&pod, pool, findings);
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
    findings.reaching(Some(subject.snapshot.reach().strictest())).add_whole(
        &"target.name",
        &message,
        &format_args!("binding={node}"),
    );
}

fn nominated(subject: &Subject<'_, '_>, node: &str, findings: &mut Findings<'_>) {
    let user = &subject.request.user;
    let is_scheduler = subject.snapshot.controllers.bindings.iter().any(|name| **name == *user.username);
    if node.is_empty() || is_scheduler || is_of_cluster(user, subject.snapshot) {
        return;
    }
    let message = "only a scheduler may nominate a node; remove `nominatedNodeName`, or ask the platform team to list \
                   the scheduler's user in the Settings (`controllers.bindings`)";
    findings.reaching(Some(subject.snapshot.reach().strictest())).add_whole(
        &"status.nominatedNodeName",
        &message,
        &format_args!("nominated={node}"),
    );
}

/// Proves that the pod could run in one of its tenant's pools, and only there.
///
/// For a template it reports only what the stamp does not correct, because partywall stamps the template's pods when
/// they are created.
fn confined(pod: &PodView<'_, '_>, tenant: &Tenant, snapshot: &Snapshot, findings: &mut Findings<'_>) {
    let Some(choice) = choose(&Demands::of(pod.spec), tenant, snapshot) else { return };
    let Some(alone) = Confinement::of(tenant, snapshot) else { return };
    let is_impossible = choice.all.is_empty();
    if is_impossible {
        possible_nowhere(pod, tenant, snapshot, findings);
    }
    // While nothing is stamped, the answer to the mutating webhook says to which pools the pod would go.
    if pod.extent != Extent::Pod
        || tenant.modes.of(RuleId::NodePlacement) != Mode::Deny
        || (is_impossible && !findings.is_old_object())
    {
        return;
    }
    if !is_confined(pod.spec, tenant, snapshot) {
        unstamped(pod, tenant, snapshot, findings);
        // The checks below would only report more of the same missing stamp.
        if !findings.is_old_object() {
            return;
        }
    }
    // The stamp writes the labels into every term as well. A term without them was added after the stamp, so the rule
    // reports it even if the nodeSelector confines the pod.
    if snapshot.stamp != StampMode::NodeSelector {
        bare_terms(pod, &alone, findings);
    }
    tolerates_its_pools(pod, tenant, snapshot, &choice, findings);
}

/// Reports a pod of a tenant that has no default pool, although its Tenant names one.
fn lacks_pool(pod: &PodView<'_, '_>, pool: &str, findings: &mut Findings<'_>) {
    let message = format_args!(
        "there is no NodePool `{pool}` of partywall.dev, or another one contests it, so it is not known where the pods \
         of this tenant may run; ask the platform team to look at the status of the Tenant"
    );
    findings.add_whole(&format_args!("{}.nodeSelector", pod.spec_path), &message, &"lacks pool");
}

/// Reports a pod that is not confined to its tenant's pools.
fn unstamped(pod: &PodView<'_, '_>, tenant: &Tenant, snapshot: &Snapshot, findings: &mut Findings<'_>) {
    let pools = Names { tenant, snapshot, pools: PoolSet::ALL };
    let message = fmt::from_fn(|f| {
        write!(
            f,
            "the pod is not stamped, so it could run on nodes outside the tenant's pools ({pools}); create it again; \
             if that does not help, the namespace lacks the label `partywall.dev/tenant`, or another webhook removes \
             the stamp"
        )
    });
    // While a pod has scheduling gates, an update can change its terms. The terms are part of the identity, so that
    // such a change of an unstamped pod is a new violation.
    let identity = fmt::from_fn(|f| write!(f, "unstamped {}", all_terms(pod.spec)));
    findings.add_whole(&format_args!("{}.nodeSelector", pod.spec_path), &message, &identity);
}

/// Formats the names of some pools of a tenant.
#[derive(Clone, Copy)]
struct Names<'s> {
    tenant: &'s Tenant,
    snapshot: &'s Snapshot,
    pools: PoolSet,
}

impl fmt::Display for Names<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pools = self.snapshot.pools_of(self.tenant).enumerate();
        let names = pools.filter(|(place, _)| self.pools.contains(PoolSet::of(*place)));
        let names = names.map(|(_, pool)| &*pool.name);
        some_of(names.clone(), names.count()).fmt(f)
    }
}

/// Reports the demands that no pool of the tenant meets.
///
/// A demand that all pools contradict is named alone. If there is none, all are named that contradict any.
fn possible_nowhere(
    pod: &PodView<'_, '_>,
    tenant: &Tenant,
    snapshot: &Snapshot,
    findings: &mut Findings<'_>,
) {
    let pools = Names { tenant, snapshot, pools: PoolSet::ALL };
    let demands = Demands::of(pod.spec);
    let all: PoolSet = (0..tenant.pools.len()).collect();
    let of_label = |(key, value): (&str, &str)| contradicted_by_label(key, value, tenant, snapshot);
    let of_requirement =
        |requirement: &NodeSelectorRequirement<'_>| contradicted(requirement, tenant, snapshot);
    let of_term = |term: &NodeSelectorTerm<'_>| {
        term.expressions().iter().map(of_requirement).fold(PoolSet::default(), PoolSet::or)
    };
    let is_at_fault = |contradicted: PoolSet, is_one_alone: bool| {
        !contradicted.is_empty() && (!is_one_alone || contradicted.contains(all))
    };
    // If each term contradicts all pools by itself, the nodeSelector is not at fault.
    let selector = demands.selector().map(of_label).fold(PoolSet::default(), PoolSet::or);
    let are_terms_alone = || demands.terms().all(|(_, term)| of_term(term).contains(all));
    let author = match pod.extent {
        Extent::Template => "an earlier stamp",
        Extent::Pod | Extent::Binding => "the plugin PodNodeSelector or an annotation of the namespace",
    };
    if selector.contains(all) || !are_terms_alone() {
        let is_one_alone = demands.selector().any(|label| of_label(label).contains(all));
        for (key, value) in demands.selector() {
            if !is_at_fault(of_label((key, value)), is_one_alone) {
                continue;
            }
            let beside = if is_one_alone { "" } else { BESIDE };
            let message = format_args!(
                "with `{key}={}`{beside} the pod could run on none of the tenant's pools ({pools}); remove it \
                 ({author} may have added it), and partywall selects a pool",
                Escaped(value)
            );
            findings.add_whole(
                &format_args!("{}.nodeSelector[{key}]", pod.spec_path),
                &message,
                &format_args!("nowhere {key}={value}"),
            );
        }
    }
    for (index, term) in demands.terms() {
        let is_one_alone = term.expressions().iter().any(|one| of_requirement(one).contains(all));
        let is_at_fault = |requirement: &&NodeSelectorRequirement<'_>| {
            is_at_fault(of_requirement(requirement), is_one_alone)
        };
        // A term may say the same several times, for example where several stamps added it.
        let mut seen = FxHashSet::default();
        let faults: Vec<_> = term
            .expressions()
            .iter()
            .filter(is_at_fault)
            .map(Demand)
            .filter(|demand| seen.insert(Fingerprint::of(demand)))
            .collect();
        if faults.is_empty() {
            continue;
        }
        let beside = if is_one_alone { "" } else { BESIDE };
        let faults = some_of(faults.iter(), faults.len());
        let message = format_args!(
            "with {faults}{beside} the pod could run on none of the tenant's pools ({pools}); remove it, and partywall \
             selects a pool"
        );
        findings.add_whole(&term_path(pod, index), &message, &format_args!("nowhere {}", describe(term)));
    }
}

/// Says that a demand is at fault only together with others.
const BESIDE: &str = " and its other demands";

/// Returns the pools of the tenant that contradict a label of a nodeSelector.
fn contradicted_by_label(key: &str, value: &str, tenant: &Tenant, snapshot: &Snapshot) -> PoolSet {
    match &tenant.table {
        Some(table) => table.have(key, value).map(|met| met.contradicts).unwrap_or_default(),
        None => {
            let mut pools = snapshot.pools_of(tenant).filter_map(|pool| pool.label(key));
            if pools.any(|label| label != value) { PoolSet::DEFAULT } else { PoolSet::default() }
        }
    }
}

/// Returns the pools of the tenant that contradict a requirement.
fn contradicted(requirement: &NodeSelectorRequirement<'_>, tenant: &Tenant, snapshot: &Snapshot) -> PoolSet {
    match &tenant.table {
        Some(table) => table.meet(requirement).map(|met| met.contradicts).unwrap_or_default(),
        None => {
            let mut pools = snapshot.pools_of(tenant).filter_map(|pool| pool.label(&requirement.key));
            if pools.any(|label| !requirement.holds_of(label)) {
                PoolSet::DEFAULT
            } else {
                PoolSet::default()
            }
        }
    }
}

/// Formats a requirement: `key In [a, b]`.
struct Demand<'r, 'a>(&'r NodeSelectorRequirement<'a>);

impl fmt::Display for Demand<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// The number of values that a message names.
        const NAMED: usize = 3;
        let NodeSelectorRequirement { key, operator, values } = self.0;
        write!(f, "{} {}", Escaped(key), Escaped(operator))?;
        for (index, value) in values.iter().take(NAMED).enumerate() {
            write!(f, "{}{}", if index == 0 { " [" } else { ", " }, Escaped(value))?;
        }
        match values.len() {
            0 => Ok(()),
            1..=NAMED => f.write_str("]"),
            _ => f.write_str(", ...]"),
        }
    }
}

/// Returns whether the pod can only run in its tenant's pools.
fn is_confined(spec: &PodSpec<'_>, tenant: &Tenant, snapshot: &Snapshot) -> bool {
    let Some(confinement) = Confinement::of(tenant, snapshot) else { return true };
    let confinement = confinement.with_selector(spec);
    let by_terms = |terms: &[NodeSelectorTerm<'_>]| {
        let mut terms = terms.iter().filter(|term| !term.is_empty());
        terms.all(|term| confinement.confines(term.expressions(), Some(spec), PoolSet::ALL))
    };
    confinement.is_whole(spec) || spec.required_terms().is_some_and(by_terms)
}

fn bare_terms(pod: &PodView<'_, '_>, alone: &Confinement<'_>, findings: &mut Findings<'_>) {
    for (index, term) in pod.spec.required_terms().unwrap_or_default().iter().enumerate() {
        if !term.is_empty() && !alone.confines(term.expressions(), None, PoolSet::ALL) {
            let message = "this term does not select the tenant's pool, and terms are alternatives; create the pod \
                           again; if that does not help, another webhook adds the term after the stamp";
            // All such terms have one identity, because the API server lets an update narrow the terms of a stored
            // pod, but not add any.
            findings.add_whole(&term_path(pod, index), &message, &"bare term");
        }
    }
}

/// Reports missing tolerations of the pod's pools, the second half of the stamp.
///
/// Without them the pod would stay pending, or run on nodes that have a pool's labels and lack its taints. A pod that
/// may run in several pools needs those of one.
fn tolerates_its_pools(
    pod: &PodView<'_, '_>,
    tenant: &Tenant,
    snapshot: &Snapshot,
    choice: &Choice,
    findings: &mut Findings<'_>,
) {
    let pools = || choice.all.places().filter_map(|place| snapshot.pool_of(tenant, place));
    let tolerated = ToleratedForGood::by(pod.spec.tolerations());
    let is_tolerated = |taint: &Taint| tolerated.includes(taint);
    if pools().any(|pool| pool.taints.iter().all(is_tolerated)) {
        return;
    }
    for Taint { key, value, .. } in pools().flat_map(|pool| &pool.taints).filter(|taint| !is_tolerated(taint))
    {
        let message = format_args!(
            "the toleration of the taint `{key}` of the tenant's pool is missing or has a time limit; create the pod \
             again; if that does not help, another webhook removes or changes the toleration"
        );
        let field = format_args!("{}.tolerations", pod.spec_path);
        findings.add_whole(&field, &message, &format_args!("toleration={key}={value}"));
    }
}

/// Reports a pod without pools of its own that selects a tenant's pool and could run there.
fn selects_no_pool(pod: &PodView<'_, '_>, subject: &Subject<'_, '_>, findings: &mut Findings<'_>) {
    let snapshot = subject.snapshot;
    let tolerates =
        || pod.spec.tolerations().iter().any(|toleration| snapshot.is_pool_tolerated_by(toleration));
    let is_allowed_in = subject.tenant().is_some() || tolerates();
    // The pod could only run in these pools.
    let Some(index) = (if is_allowed_in { Some(snapshot.index()) } else { snapshot.open_index() }) else {
        return;
    };
    let pools = snapshot.pools();
    let selected = RequiredLabels::of_selector(index, pod.spec);
    // In a tenant's namespace a bare selector is a mistake of the tenant's, and reaches no tainted node.
    let could_run = || subject.tenant().is_none() || tolerates();
    if index.is_named_by(&selected, pools) {
        let is_named =
            |index: &PoolIndex| index.is_named_by(&RequiredLabels::of_selector(index, pod.spec), pools);
        let value = could_run().then(|| snapshot.reach().strictest_of(is_named));
        let mut findings = findings.reaching(value);
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
            let is_named = |index: &PoolIndex| {
                let selected = RequiredLabels::of_selector(index, pod.spec);
                index.is_named_by(&required_by(term, index).and(&selected), pools)
            };
            let value = could_run().then(|| snapshot.reach().strictest_of(is_named));
            findings.reaching(value).add_whole(&term_path(pod, place), &SELECTS, &describe(term));
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

/// Formats all terms by value, in any order.
fn all_terms(spec: &PodSpec<'_>) -> impl fmt::Display {
    fmt::from_fn(move |f| {
        let terms = spec.required_terms().unwrap_or_default().iter();
        let mut terms: Vec<_> = terms.map(|term| Fingerprint::of(&describe(term))).collect();
        terms.sort_unstable();
        terms.iter().try_for_each(|term| write!(f, "{term}|"))
    })
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
