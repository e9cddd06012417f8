//! Finds a node that could exist in a pool and that meets all that a pod demands.
//!
//! A node of a pool has the pool's labels, any others, any name, and the pool's taints.

use super::kube::{HARD, Labels, NODE_NAME, Node, Pod, Requirement, Taint, Term};
use super::world::Pool;

/// A value and a name that nobody writes.
const FRESH: &str = "fresh";

/// Returns a node for each term that a node of the pool could meet.
pub(crate) fn witnesses(pool: &Pool, pod: &Pod) -> Vec<Node> {
    let anything = [Term::default()];
    let terms = pod.terms().unwrap_or(&anything);
    let nodes = terms.iter().filter(|term| pod.terms().is_none() || !term.is_empty());
    nodes.filter_map(|term| witness(pool, pod, term)).filter(|node| pod.selects(node)).collect()
}

fn witness(pool: &Pool, pod: &Pod, term: &Term) -> Option<Node> {
    let selected =
        pod.node_selector.iter().map(|(key, value)| Requirement::new(key, "In", &[value.as_str()]));
    let demands: Vec<_> = selected.chain(term.match_expressions.iter().cloned()).collect();
    let mut labels: Labels = pool.labels.clone();
    for key in demands.iter().map(|demand| &demand.key) {
        let of_key: Vec<_> = demands.iter().filter(|demand| demand.key == *key).collect();
        let value = match pool.labels.get(key) {
            Some(own) => Some(own.clone()),
            None => solve(&of_key)?,
        };
        if !of_key.iter().all(|demand| demand.holds_of(value.as_deref())) {
            return None;
        }
        labels.extend(value.map(|value| (key.clone(), value)));
    }
    let of_name: Vec<_> = term.match_fields.iter().filter(|field| field.key == NODE_NAME).collect();
    let name = solve(&of_name)?.unwrap_or_else(|| FRESH.to_owned());
    Some(Node { name, labels, taints: taints(pool) })
}

/// Returns a value that meets all requirements; none inside means that there is no label.
fn solve(of_key: &[&Requirement]) -> Option<Option<String>> {
    let written = of_key.iter().flat_map(|requirement| &requirement.values).cloned();
    let near =
        of_key.iter().flat_map(|requirement| &requirement.values).filter_map(|v| v.parse::<i64>().ok());
    let near = near.flat_map(|number| [number.saturating_sub(1), number.saturating_add(1)]);
    let values = written.chain(near.map(|number| number.to_string())).chain([FRESH.to_owned()]);
    let mut candidates = values.map(Some).chain([None]);
    candidates.find(|value| of_key.iter().all(|requirement| requirement.holds_of(value.as_deref())))
}

/// The taints of the pool with every effect that they may have.
fn taints(pool: &Pool) -> Vec<Taint> {
    let of = |taint: &super::world::PoolTaint| {
        let effects = HARD.into_iter().filter(|hard| taint.hard_effects().any(|effect| effect == *hard));
        let (key, value) = (taint.key.to_owned(), taint.value.to_owned());
        let carried = effects.map(|effect| Taint { key: key.clone(), value: value.clone(), effect });
        carried.collect::<Vec<_>>()
    };
    pool.taints.iter().flat_map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool(key: &str, value: &str) -> Pool {
        let labels = [(key.to_owned(), value.to_owned())].into();
        Pool { labels, taints: Vec::new(), classes: Vec::new() }
    }

    fn found(pool: &Pool, selector: &[(&str, &str)], terms: Option<Vec<Vec<Requirement>>>) -> bool {
        let selector = selector.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        let mut pod = Pod { node_selector: selector.collect(), ..Pod::default() };
        if let Some(terms) = terms {
            let term = |match_expressions| Term { match_expressions, ..Term::default() };
            pod.set_terms(terms.into_iter().map(term).collect());
        }
        !witnesses(pool, &pod).is_empty()
    }

    #[test]
    fn o21_a_node_could_have_what_its_pool_does_not_fix() {
        let by = Requirement::new;
        let blue = pool("pool", "blue");
        assert!(found(&blue, &[], None));
        assert!(found(&blue, &[("zone", "z"), ("pool", "blue")], None));
        assert!(!found(&blue, &[("pool", "red")], None));
        for (expressions, could) in [
            (vec![by("pool", "In", &["red", "blue"])], true),
            (vec![by("pool", "NotIn", &["blue"])], false),
            (vec![by("pool", "DoesNotExist", &[])], false),
            (vec![by("zone", "DoesNotExist", &[])], true),
            (vec![by("zone", "Gt", &["5"]), by("zone", "Lt", &["7"])], true),
            (vec![by("zone", "Gt", &["5"]), by("zone", "Lt", &["6"])], false),
            (vec![by("zone", "In", &["a"]), by("zone", "NotIn", &["a"])], false),
            (vec![by("zone", "Exists", &[]), by("zone", "NotIn", &["a"])], true),
            (vec![], false),
        ] {
            assert_eq!(found(&blue, &[], Some(vec![expressions.clone()])), could, "{expressions:?}");
        }
        let red = vec![by("pool", "In", &["red"])];
        assert!(found(&blue, &[], Some(vec![red.clone(), vec![by("zone", "Exists", &[])]])));
        assert!(!found(&blue, &[], Some(vec![red])));
        assert!(!found(&blue, &[], Some(vec![])));
    }
}
