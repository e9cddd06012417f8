//! Stamps and judges terms in one place, well or badly.

use super::kube::{NODE_NAME, Pod, Requirement, Term, Toleration};
use super::wall::Review;
use super::world::{HOSTNAME, Pool, Tenant};

/// The pools of the tenant whose namespace it is.
pub(crate) fn own_pools<'r>(review: &Review<'r>) -> impl Iterator<Item = &'r Pool> + Clone {
    let world = review.world;
    review.owner().into_iter().flat_map(move |tenant: &Tenant| world.pools_of(tenant))
}

/// Returns whether the term requires that label in the form of the stamp.
pub(crate) fn demands(term: &Term, key: &str, value: &str) -> bool {
    term.match_expressions.contains(&Requirement::new(key, "In", &[value]))
}

/// Returns whether the term requires all the labels of a pool.
pub(crate) fn pins(term: &Term, pool: &Pool) -> bool {
    pool.labels.iter().all(|(key, value)| demands(term, key, value))
}

/// The terms into which a stamp writes the labels.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Terms {
    Every,
    EmptyToo,
    WithExpressions,
    Last,
    Appended,
    Replaced,
}

/// By what a stamp chooses the pools of a term.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum By {
    /// All that the pod demands.
    Everything,
    /// Nothing: it is the default pool.
    Nothing,
    /// The nodeSelector and the runtime class alone.
    Selector,
    /// The first term, for all of them.
    FirstTerm,
    /// Whatever is possible, although one is meant.
    Possibility,
    /// All that the pod demands, as if it had no gates.
    Ungated,
}

/// Returns the pools of a term, as places among the tenant's.
///
/// It is written after the contract, word by word, and not after the code.
fn choose(pod: &Pod, term: &Term, review: &Review<'_>, by: By) -> Vec<usize> {
    let pools: Vec<&Pool> = own_pools(review).collect();
    let nothing = Term::default();
    let term = match by {
        By::Nothing => return vec![0],
        By::Selector => &nothing,
        By::FirstTerm => {
            pod.terms().unwrap_or_default().iter().find(|term| !term.is_empty()).unwrap_or(&nothing)
        }
        By::Everything | By::Possibility | By::Ungated => term,
    };
    let selected: Vec<_> =
        pod.node_selector.iter().map(|(key, value)| Requirement::new(key, "In", &[value.as_str()])).collect();
    let all = || selected.iter().chain(&term.match_expressions);
    let contradicts = |pool: &Pool, demand: &Requirement| {
        pool.labels.get(&demand.key).is_some_and(|own| !demand.holds_of(Some(own)))
    };
    let possible: Vec<usize> =
        (0..pools.len()).filter(|&place| !all().any(|demand| contradicts(pools[place], demand))).collect();
    if by == By::Possibility || (by != By::Ungated && !pod.scheduling_gates.is_empty()) {
        return possible;
    }
    let names = |key: &str| {
        let first = pools[0].labels.get(key);
        pools.iter().any(|pool| pool.labels.get(key) != first)
    };
    let count = |place: usize| {
        let meets = |demand: &&Requirement| {
            names(&demand.key)
                && pools[place].labels.get(&demand.key).is_some_and(|own| demand.holds_of(Some(own)))
        };
        let by_class = pools[place].classes.iter().any(|class| *class == pod.runtime_class_name);
        all().filter(meets).count() + usize::from(by_class)
    };
    let most = possible.iter().map(|&place| count(place)).max().unwrap_or_default();
    if most == 0 {
        let names_node = selected.iter().any(|demand| demand.key == HOSTNAME)
            || term.match_expressions.iter().any(|demand| demand.key == HOSTNAME && demand.operator == "In")
            || term.match_fields.iter().any(|field| field.key == NODE_NAME && field.operator == "In");
        let is_any = review.owner().is_some_and(|tenant| tenant.is_any);
        return if names_node || is_any || !possible.contains(&0) { possible } else { vec![0] };
    }
    let best: Vec<usize> = possible.into_iter().filter(|&place| count(place) == most).collect();
    let contains = |place: usize, other: usize| {
        let (own, others) = (&pools[place].labels, &pools[other].labels);
        let is_larger = own.len() > others.len() || (own.len() == others.len() && place > other);
        is_larger && others.iter().all(|(key, value)| own.get(key) == Some(value))
    };
    best.iter().copied().filter(|&place| !best.iter().any(|&other| contains(place, other))).collect()
}

/// Stamps the terms, and the tolerations, with the pools that are chosen for each.
pub(crate) fn stamp_terms(pod: &mut Pod, review: &Review<'_>, which: Terms, by: By) {
    if let Some((Some(default), _)) = review.owner().and_then(|tenant| tenant.classes.as_ref())
        && pod.runtime_class_name.is_empty()
    {
        (*default).clone_into(&mut pod.runtime_class_name);
    }
    let pools: Vec<&Pool> = own_pools(review).collect();
    if pools.is_empty() {
        return;
    }
    let written = pod.clone();
    let choose = |term: &Term| choose(&written, term, review, by);
    let stamp = |place: usize| {
        let labels = pools[place].labels.iter();
        let match_expressions =
            labels.map(|(key, value)| Requirement::new(key, "In", &[value.as_str()])).collect();
        Term { match_expressions, ..Term::default() }
    };
    let narrowed = |term: &Term, place: usize| {
        let mut term = term.clone();
        for requirement in stamp(place).match_expressions {
            if !term.match_expressions.contains(&requirement) {
                term.match_expressions.push(requirement);
            }
        }
        term
    };
    let mut matching = written.terms().unwrap_or_default().iter().filter(|term| !term.is_empty()).peekable();
    let mut chosen: Vec<usize> = match matching.peek() {
        Some(_) => matching.flat_map(choose).collect(),
        None => choose(&Term::default()),
    };
    chosen.sort_unstable();
    chosen.dedup();
    let first = chosen.first().copied().unwrap_or_default();
    match (pod.terms_mut(), which) {
        (None, _) if chosen.is_empty() => pod.set_terms(vec![stamp(0)]),
        (None, _) => pod.set_terms(chosen.iter().map(|&place| stamp(place)).collect()),
        (_, Terms::Replaced) => pod.set_terms(vec![stamp(first)]),
        (Some(terms), Terms::Appended) => terms.push(stamp(first)),
        (Some(terms), Terms::Every) => {
            let copies = |term: &Term| {
                let places = choose(term);
                if term.is_empty() || places.iter().any(|&place| pins(term, pools[place])) {
                    return vec![term.clone()];
                }
                let places = if places.is_empty() { vec![0] } else { places };
                places.into_iter().map(|place| narrowed(term, place)).collect()
            };
            *terms = terms.iter().flat_map(copies).collect();
        }
        (Some(terms), Terms::Last) => {
            terms.last_mut().into_iter().for_each(|term| *term = narrowed(term, first));
        }
        (Some(terms), Terms::EmptyToo) => terms.iter_mut().for_each(|term| *term = narrowed(term, first)),
        (Some(terms), Terms::WithExpressions) => {
            let with = terms.iter_mut().filter(|term| !term.match_expressions.is_empty());
            with.for_each(|term| *term = narrowed(term, first));
        }
    }
    for taint in chosen.iter().flat_map(|&place| &pools[place].taints) {
        let toleration = Toleration {
            key: taint.key.to_owned(),
            operator: "Equal".to_owned(),
            value: taint.value.to_owned(),
            effect: taint.effect.map(|effect| effect.as_str().to_owned()).unwrap_or_default(),
            toleration_seconds: None,
        };
        let covers = |written: &Toleration| {
            matches!(&*written.operator, "" | "Equal" | "Exists")
                && written.toleration_seconds.is_none()
                && (written.key.is_empty() || written.key == toleration.key)
                && (written.operator == "Exists" || written.value == toleration.value)
                && (written.effect.is_empty() || written.effect == toleration.effect)
        };
        if !pod.tolerations.iter().any(covers) {
            pod.tolerations.push(toleration);
        }
    }
}

/// Returns whether terms pin the pod; the second argument tells whether one term requires a pool.
type PinnedTerms = fn(&[&Term], &dyn Fn(&&Term) -> bool) -> bool;

/// Judges the terms that are not empty of a tenant with pools.
pub(crate) fn judge_terms(pod: &Pod, review: &Review<'_>, are_pinned: PinnedTerms) -> Option<&'static str> {
    own_pools(review).next()?;
    let terms: Option<Vec<_>> =
        pod.terms().map(|terms| terms.iter().filter(|term| !term.is_empty()).collect());
    let is_pinned = |term: &&Term| own_pools(review).any(|pool| pins(term, pool));
    let holds = terms.is_some_and(|terms| are_pinned(&terms, &is_pinned));
    (!holds).then_some("not in a pool")
}
