use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::tenancy::Taint;

const RESTRICTED: &str = "node-restriction.kubernetes.io/c";

fn pools() -> Vec<Pool> {
    let pool = |name: &str, value: &str, effect| Pool {
        name: name.into(),
        labels: vec![("pool".into(), name.into())],
        taints: vec![Taint { key: "tenant".into(), value: value.into(), effect }],
        runtime_classes: Vec::new(),
    };
    vec![pool("a", "x", Some(Effect::NoSchedule)), pool("b", "y", None)]
}

#[test]
fn the_index_agrees_with_asking_every_pool() {
    let pools = pools();
    let index = index_of(&pools);
    for key in ["", "tenant", "other"] {
        for operator in ["", "Equal", "Exists", "Gt"] {
            for value in ["", "x", "y", "z"] {
                for effect in ["", "NoSchedule", "NoExecute", "Nonsense"] {
                    let toleration = Toleration {
                        key: key.into(),
                        operator: operator.into(),
                        value: value.into(),
                        effect: effect.into(),
                        toleration_seconds: None,
                    };
                    let asked = (pools.iter().flat_map(|pool| &pool.taints)).any(|taint| {
                        let tolerates = |effect| toleration.tolerates(&taint.key, &taint.value, effect);
                        taint.effects().iter().copied().any(tolerates)
                    });
                    assert_eq!(index.is_tolerated_by(&toleration), asked, "{toleration:?}");
                }
            }
        }
    }
}

fn index_of(pools: &[Pool]) -> PoolIndex {
    PoolIndex::of_all(pools)
}

/// Makes a pool for each list of values, of labels `a`, `b` and `c`; an empty value is no label.
fn labelled(values: &[[&str; 3]]) -> Vec<Pool> {
    let pool = |(name, values): (usize, &[&str; 3])| Pool {
        name: name.to_string().into(),
        labels: (["a", "b", "c"].into_iter().zip(values))
            .filter(|(_, value)| !value.is_empty())
            .map(|(key, value)| (key.into(), (*value).into()))
            .collect(),
        taints: Vec::new(),
        runtime_classes: Vec::new(),
    };
    values.iter().enumerate().map(pool).collect()
}

#[test]
fn o2_a_pool_is_found_by_all_its_labels_and_by_no_part_of_them() {
    let pools = labelled(&[["x", "1", ""], ["x", "2", ""], ["y", "1", "z"], ["", "", "w"]]);
    let index = index_of(&pools);
    let is_found = |labels: &[(&str, &str)]| {
        let mut required = RequiredLabels::default();
        for (key, value) in labels {
            match *value {
                "*" => required.add_any(&index, key),
                value => required.add(&index, key, value),
            }
        }
        index.has_all_of_one(&required, &pools)
    };
    for labels in [
        &[("a", "x"), ("b", "1")][..],
        &[("a", "x"), ("a", "y"), ("b", "2")],
        &[("a", "*"), ("b", "2")],
        &[("a", "*"), ("b", "*")],
        &[("a", "y"), ("b", "1"), ("c", "*")],
        &[("c", "w")],
        &[("c", "*")],
    ] {
        assert!(is_found(labels), "{labels:?}");
    }
    for labels in [
        &[("a", "x")][..],
        &[("a", "*")],
        &[("b", "*")],
        &[("a", "y"), ("b", "1")],
        &[("a", "y"), ("b", "*"), ("c", "no")],
        &[("a", "x"), ("b", "3")],
        &[("c", "z")],
        &[("d", "*")],
        &[],
    ] {
        assert!(!is_found(labels), "{labels:?}");
    }
}

proptest! {
    /// The search by keys agrees with the comparison of every pool.
    #[test]
    fn o2_the_index_finds_what_a_look_at_every_pool_finds(
        pools in vec(
            [select(&["", "1", "2", "3"][..]), select(&["", "1", "2"][..]), select(&["", "1"][..])],
            0..12,
        ),
        term in vec((select(&["a", "b", "c", "d"][..]), select(&["*", "1", "2", "3", "4"][..])), 0..6),
        selector in vec((select(&["a", "b", "c"][..]), select(&["1", "2", "3"][..])), 0..3),
    ) {
        let pools: Vec<Pool> = labelled(&pools).into_iter().filter(|pool| !pool.labels.is_empty()).collect();
        let index = index_of(&pools);
        let required = |labels: &[(&'static str, &'static str)]| {
            let mut required = RequiredLabels::default();
            for (key, value) in labels {
                if *value == "*" { required.add_any(&index, key) } else { required.add(&index, key, value) }
            }
            required
        };
        let also = required(&selector);
        let all: Vec<_> = term.iter().chain(&selector).copied().collect();
        let has = |key: &str, value: &str| all.iter().any(|(k, v)| *k == key && (*v == "*" || *v == value));
        let expected = pools.iter().any(|pool| pool.labels.iter().all(|(key, value)| has(key, value)));
        prop_assert_eq!(index.has_all_of_one(&required(&term).and(&also), &pools), expected);
    }

    /// A label that names one pool alone is enough, and pools that keep pods away may be left out.
    #[test]
    fn o2_the_index_finds_what_a_label_of_one_pool_names(
        pools in vec((select(&["", "1", "2"][..]), select(&["", "1", "2"][..]), any::<(bool, bool)>()), 1..10),
        term in vec((select(&["a", RESTRICTED][..]), select(&["*", "1", "2"][..])), 0..3),
        is_open in any::<bool>(),
    ) {
        let pool = |(name, (a, c, (is_tainted, keeps_away))): (usize, &(&str, &str, (bool, bool)))| {
            let taint = |key: &str, value: &str, effect| Taint { key: key.into(), value: value.into(), effect };
            let away = keeps_away.then(|| taint("away", &name.to_string(), Some(Effect::NoSchedule)));
            let own = is_tainted.then(|| taint("a", a, Some(Effect::PreferNoSchedule)));
            let labels = [("a", a), (RESTRICTED, c), ("z", &"1")];
            Pool {
                name: name.to_string().into(),
                labels: (labels.iter().filter(|(_, v)| !v.is_empty()))
                    .map(|(k, v)| ((*k).into(), (**v).into()))
                    .collect(),
                taints: away.into_iter().chain(own).collect(),
                runtime_classes: Vec::new(),
            }
        };
        let pools: Vec<Pool> = pools.iter().enumerate().map(pool).collect();
        let all = PoolIndex::of_all(&pools);
        let open = PoolIndex::of_open(&pools, &all);
        let index = if is_open { open.as_ref() } else { Some(&all) };
        let found = index.is_some_and(|index| {
            let mut required = RequiredLabels::default();
            for (key, value) in &term {
                if *value == "*" { required.add_any(index, key) } else { required.add(index, key, value) }
            }
            index.is_named_by(&required, &pools)
        });
        let has = |key: &str, value: &str| term.iter().any(|(k, v)| *k == key && (*v == "*" || *v == value));
        let with = |key: &str, value: &str| pools.iter().filter(|pool| pool.label(key) == Some(value)).count();
        let expected = pools.iter().filter(|pool| !is_open || !pool.keeps_pods_away()).any(|pool| {
            let is_own = |key: &str, value: &str| {
                pool.is_tainted_with(key, value) || (is_restricted(key) && with(key, value) == 1)
            };
            pool.labels.iter().any(|(key, value)| has(key, value) && is_own(key, value))
                || pool.labels.iter().all(|(key, value)| has(key, value))
        });
        prop_assert_eq!(found, expected);
    }
}
