//! Stamps and judges terms in one place, well or badly.

use super::kube::{Pod, Requirement, Term, Toleration};
use super::wall::Review;
use super::world::{Pool, Tenant};

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

/// Stamps the terms with the pool that the nodeSelector names most of, and the tolerations.
pub(crate) fn stamp_terms(pod: &mut Pod, review: &Review<'_>, which: Terms) {
    if let Some((Some(default), _)) = review.owner().and_then(|tenant| tenant.classes.as_ref())
        && pod.runtime_class_name.is_empty()
    {
        (*default).clone_into(&mut pod.runtime_class_name);
    }
    let selected = |pool: &Pool| {
        pool.labels.iter().filter(|(key, value)| pod.node_selector.get(*key) == Some(*value)).count()
    };
    let is_named = |pool: &&Pool| selected(pool) == pool.labels.len();
    let agrees = |pool: &&Pool| {
        let contradicts = |(key, value)| pod.node_selector.get(key).is_some_and(|other| other != value);
        !pool.labels.iter().any(contradicts)
    };
    let named = own_pools(review).find(is_named).or_else(|| own_pools(review).find(agrees));
    let Some(pool) = named.or_else(|| own_pools(review).next()) else { return };
    let labels = pool.labels.iter().map(|(key, value)| Requirement::new(key, "In", &[value]));
    let stamp = Term { match_expressions: labels.collect(), ..Term::default() };
    let write = |term: &mut Term| {
        for requirement in &stamp.match_expressions {
            if !term.match_expressions.contains(requirement) {
                term.match_expressions.push(requirement.clone());
            }
        }
    };
    match (pod.terms_mut(), which) {
        (None, _) | (_, Terms::Replaced) => pod.set_terms(vec![stamp]),
        (Some(terms), Terms::Appended) => terms.push(stamp),
        (Some(terms), Terms::Last) => terms.last_mut().into_iter().for_each(write),
        (Some(terms), Terms::EmptyToo) => terms.iter_mut().for_each(write),
        (Some(terms), Terms::Every) => terms.iter_mut().filter(|term| !term.is_empty()).for_each(write),
        (Some(terms), Terms::WithExpressions) => {
            terms.iter_mut().filter(|term| !term.match_expressions.is_empty()).for_each(write);
        }
    }
    for taint in &pool.taints {
        let toleration = Toleration {
            key: taint.key.to_owned(),
            operator: "Equal".to_owned(),
            value: taint.value.to_owned(),
            effect: taint.effect.map(|effect| effect.as_str().to_owned()).unwrap_or_default(),
            toleration_seconds: None,
        };
        if !pod.tolerations.contains(&toleration) {
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
