//! Compares what a pod demands with the labels of all pools of its tenant at once.
//!
//! A tenant has at most 64 pools, so a set of them is a number. A demand is looked up by its key and values, so that
//! its cost does not depend on the number of the pools.

use rustc_hash::FxHashMap;

use super::pools::Pool;
use crate::objects::scheduling::NodeSelectorRequirement;

/// Holds a set of a tenant's pools, by their places in the tenant's list; the default pool has the place 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct PoolSet(u64);

impl PoolSet {
    /// Limits the number of a tenant's pools.
    pub(crate) const MOST: usize = 64;
    /// Holds all places.
    pub(crate) const ALL: Self = Self(u64::MAX);
    /// Holds the default pool alone.
    pub(crate) const DEFAULT: Self = Self(1);

    /// Returns the set of one pool; a place beyond the limit is in no set.
    pub(crate) fn of(place: usize) -> Self {
        Self(u32::try_from(place).ok().and_then(|place| 1_u64.checked_shl(place)).unwrap_or_default())
    }

    /// Returns whether the set contains no pool.
    pub(crate) const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Returns the number of pools in the set.
    pub(crate) const fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    /// Returns whether the set contains all pools of the other one.
    pub(crate) const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Returns the pools of either set.
    pub(crate) const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Returns the pools of both sets.
    pub(crate) const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Returns the pools that the other set does not contain.
    pub(crate) const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Iterates over the places of the pools.
    pub(crate) fn places(self) -> impl Iterator<Item = usize> + Clone {
        let rest = |set: &u64| Some(set & set.wrapping_sub(1)).filter(|rest| *rest != 0);
        let sets = std::iter::successors(Some(self.0).filter(|set| *set != 0), rest);
        sets.map(|set| set.trailing_zeros() as usize)
    }
}

impl FromIterator<usize> for PoolSet {
    fn from_iter<I: IntoIterator<Item = usize>>(places: I) -> Self {
        places.into_iter().fold(Self::default(), |set, place| set.or(Self::of(place)))
    }
}

/// Tells which of the pools that carry a label's key meet a demand on the label.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Met {
    /// The pools whose value meets the demand.
    pub(crate) meets: PoolSet,
    /// The pools whose value contradicts it.
    pub(crate) contradicts: PoolSet,
    /// Whether the tenant's pools differ in this key, so that a demand on it names those that meet it.
    pub(crate) names: bool,
}

/// Indexes the labels of a tenant's pools.
#[derive(Debug, Default)]
pub(crate) struct PoolTable {
    all: PoolSet,
    keys: FxHashMap<Box<str>, PoolsOfKey>,
    /// The pools that list a runtime class.
    classes: FxHashMap<Box<str>, PoolSet>,
    /// The pools whose labels are part of those of the pool at this place; of equal ones the earlier.
    within: Vec<PoolSet>,
    /// The number of the labels of each pool.
    lengths: Vec<u16>,
    /// The number of different labels.
    labels: usize,
    groups: Vec<Group>,
}

/// Lists the pools that have a label with one key.
#[derive(Debug, Default)]
struct PoolsOfKey {
    carriers: PoolSet,
    by_value: FxHashMap<Box<str>, PoolsOfLabel>,
    /// The values that are numbers.
    numbers: Vec<(i64, PoolSet)>,
    names: bool,
}

/// Lists the pools that have one label.
#[derive(Debug)]
struct PoolsOfLabel {
    id: usize,
    pools: PoolSet,
}

/// Holds pools whose labels differ in one key only, so that one requirement `key In [...]` selects any of them.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Group {
    /// The key; `None` for a pool alone.
    pub(crate) key: Option<Box<str>>,
    /// The pools.
    pub(crate) pools: PoolSet,
}

impl PoolTable {
    /// Indexes the pools in the order in which a tenant names them, the default first.
    pub(super) fn of(pools: &[&Pool]) -> Self {
        let pools = pools.get(..PoolSet::MOST).unwrap_or(pools);
        let mut table = Self { all: (0..pools.len()).collect(), ..Self::default() };
        for (place, pool) in pools.iter().enumerate() {
            for (key, value) in &pool.labels {
                let of_key = table.keys.entry(key.clone()).or_default();
                of_key.carriers = of_key.carriers.or(PoolSet::of(place));
                let id = table.labels;
                let of_label = of_key.by_value.entry(value.clone()).or_insert_with(|| {
                    table.labels += 1;
                    PoolsOfLabel { id, pools: PoolSet::default() }
                });
                of_label.pools = of_label.pools.or(PoolSet::of(place));
            }
            for class in pool.runtime_classes.iter() {
                let of_class = table.classes.entry(class.clone()).or_default();
                *of_class = of_class.or(PoolSet::of(place));
            }
            let is_part = |(other_place, other): &(usize, &&Pool)| {
                let is_smaller = other.labels.len() < pool.labels.len();
                let is_earlier = other.labels.len() == pool.labels.len() && *other_place < place;
                (is_smaller || is_earlier) && other.labels.iter().all(|label| pool.labels.contains(label))
            };
            table.within.push(pools.iter().enumerate().filter(is_part).map(|(place, _)| place).collect());
            table.lengths.push(u16::try_from(pool.labels.len()).unwrap_or(u16::MAX));
        }
        table.keys.iter_mut().for_each(|(_, of_key)| {
            of_key.names = of_key.carriers != table.all || of_key.by_value.len() > 1;
            let values = of_key.by_value.iter();
            let numbers = values.filter_map(|(value, of_label)| Some((value.parse().ok()?, of_label.pools)));
            of_key.numbers = numbers.collect();
        });
        table.groups = groups(pools);
        table
    }

    /// Returns all pools.
    pub(crate) const fn all(&self) -> PoolSet {
        self.all
    }

    /// Returns the number of requirements that are needed to select all pools.
    pub(crate) const fn alternatives(&self) -> usize {
        self.groups.len()
    }

    /// Returns the pools that list the runtime class.
    pub(crate) fn of_class(&self, class: &str) -> PoolSet {
        self.classes.get(class).copied().unwrap_or_default()
    }

    /// Returns which pools have the label, or `None` if no pool has a label with this key.
    pub(crate) fn have(&self, key: &str, value: &str) -> Option<Met> {
        let of_key = self.keys.get(key)?;
        let meets = of_key.by_value.get(value).map(|of_label| of_label.pools).unwrap_or_default();
        Some(Met { meets, contradicts: of_key.carriers.without(meets), names: of_key.names })
    }

    /// Returns which pools meet the requirement, or `None` if no pool has a label with its key.
    ///
    /// An operator that is not known here is met and contradicted by no pool.
    pub(crate) fn meet(&self, requirement: &NodeSelectorRequirement<'_>) -> Option<Met> {
        let of_key = self.keys.get(&*requirement.key)?;
        let values = || -> PoolSet {
            let labels = requirement.values.iter().filter_map(|value| of_key.by_value.get(&**value));
            labels.fold(PoolSet::default(), |set, of_label| set.or(of_label.pools))
        };
        let compared = |is_met: fn(&i64, &i64) -> bool| {
            let bound = match &*requirement.values {
                [bound] => bound.parse::<i64>().ok(),
                _ => None,
            };
            let Some(bound) = bound else { return PoolSet::default() };
            let met = of_key.numbers.iter().filter(|(value, _)| is_met(value, &bound));
            met.fold(PoolSet::default(), |set, (_, pools)| set.or(*pools))
        };
        let meets = match &*requirement.operator {
            "In" => values(),
            "NotIn" => of_key.carriers.without(values()),
            "Exists" => of_key.carriers,
            "DoesNotExist" => PoolSet::default(),
            "Gt" => compared(i64::gt),
            "Lt" => compared(i64::lt),
            _ => return Some(Met { names: of_key.names, ..Met::default() }),
        };
        Some(Met { meets, contradicts: of_key.carriers.without(meets), names: of_key.names })
    }

    /// Leaves out the pools whose labels contain those of another pool of the set.
    ///
    /// The nodes of such a pool have the labels of the other one too.
    pub(crate) fn smallest(&self, set: PoolSet) -> PoolSet {
        let is_smallest =
            |place: &usize| self.within.get(*place).is_none_or(|within| within.and(set).is_empty());
        if set.len() < 2 { set } else { set.places().filter(is_smallest).collect() }
    }

    /// Returns the parts of a set that one requirement each selects.
    pub(crate) fn split(&self, set: PoolSet) -> impl Iterator<Item = (Option<&str>, PoolSet)> + Clone {
        self.groups.iter().filter_map(move |group| {
            let pools = group.pools.and(set);
            let key = group.key.as_deref().filter(|_| pools.len() > 1);
            (!pools.is_empty()).then_some((key, pools))
        })
    }

    /// Returns that nothing is required yet.
    pub(crate) fn nothing_required(&self) -> Required {
        Required { seen: vec![0; self.labels.div_ceil(WORD)], counts: [0; PoolSet::MOST] }
    }

    /// Adds a label that a node must have.
    pub(crate) fn require(&self, required: &mut Required, key: &str, value: &str) {
        let Some(of_label) = self.keys.get(key).and_then(|of_key| of_key.by_value.get(value)) else { return };
        let Some(word) = required.seen.get_mut(of_label.id / WORD) else { return };
        let bit = 1 << (of_label.id % WORD);
        if *word & bit == 0 {
            *word |= bit;
            for place in of_label.pools.places() {
                if let Some(count) = required.counts.get_mut(place) {
                    *count += 1;
                }
            }
        }
    }

    /// Returns the pools of which all labels but so many are required.
    fn lacking(&self, required: &Required, labels: u16) -> PoolSet {
        let pools = self.lengths.iter().zip(&required.counts).enumerate();
        pools
            .filter(|(_, (length, count))| length.checked_sub(**count) == Some(labels))
            .map(|(at, _)| at)
            .collect()
    }

    /// Returns whether the required labels, and beside them the requirements of a term, select only pools `among`
    /// these.
    ///
    /// They do if they require all labels of one, or if they require all labels but one of several pools, and that one
    /// by a list of values (`key In [a, b]`).
    pub(crate) fn confines(
        &self,
        required: &Required,
        term: &[NodeSelectorRequirement<'_>],
        among: PoolSet,
    ) -> bool {
        if !self.lacking(required, 0).and(among).is_empty() {
            return true;
        }
        let lacking = self.lacking(required, 1).and(among);
        if lacking.is_empty() {
            return false;
        }
        let is_lacked = |of_key: &PoolsOfKey, value: &str| {
            of_key.by_value.get(value).is_some_and(|of_label| {
                let word = required.seen.get(of_label.id / WORD);
                let is_seen = word.is_some_and(|word| word & (1 << (of_label.id % WORD)) != 0);
                !is_seen && !of_label.pools.and(lacking).is_empty()
            })
        };
        term.iter().filter(|requirement| &*requirement.operator == "In").any(|requirement| {
            let of_key = self.keys.get(&*requirement.key);
            of_key.is_some_and(|of_key| {
                let values = &requirement.values;
                !values.is_empty() && values.iter().all(|value| is_lacked(of_key, value))
            })
        })
    }
}

/// The bits of a word.
const WORD: usize = u64::BITS as usize;

/// Counts the labels of each pool that a pod requires of its node.
#[derive(Clone, Debug)]
pub(crate) struct Required {
    /// The labels that were counted, by their ids.
    seen: Vec<u64>,
    counts: [u16; PoolSet::MOST],
}

/// Divides pools into few groups whose labels differ in one key only.
fn groups(pools: &[&Pool]) -> Vec<Group> {
    let mut groups = Vec::new();
    let mut rest: PoolSet = (0..pools.len()).collect();
    while let Some(place) = rest.places().next() {
        let Some(pool) = pools.get(place) else { break };
        let alike = |key: &str| -> PoolSet {
            let is_alike = |other: &Pool| {
                let mut pairs = pool.labels.iter().zip(&other.labels);
                other.labels.len() == pool.labels.len()
                    && pairs.all(|(own, label)| own == label || (own.0 == label.0 && *own.0 == *key))
            };
            rest.places().filter(|place| pools.get(*place).is_some_and(|other| is_alike(other))).collect()
        };
        let by_key = pool.labels.iter().map(|(key, _)| (key, alike(key)));
        let largest = by_key.max_by_key(|(_, set)| set.len()).filter(|(_, set)| set.len() > 1);
        let group = match largest {
            Some((key, pools)) => Group { key: Some(key.clone()), pools },
            None => Group { key: None, pools: PoolSet::of(place) },
        };
        rest = rest.without(group.pools);
        groups.push(group);
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool(labels: &str) -> Pool {
        let mut labels: Vec<(Box<str>, Box<str>)> = labels
            .split(' ')
            .map(|label| label.split_once('=').map(|(key, value)| (key.into(), value.into())).unwrap())
            .collect();
        labels.sort();
        Pool { name: "p".into(), labels, taints: Vec::new(), runtime_classes: Vec::new() }
    }

    fn table_of(pools: &[&str]) -> PoolTable {
        let pools: Vec<_> = pools.iter().map(|labels| pool(labels)).collect();
        PoolTable::of(&pools.iter().collect::<Vec<_>>())
    }

    fn requirement<'a>(key: &'a str, operator: &'a str, values: &str) -> NodeSelectorRequirement<'a> {
        let json = format!(r#"{{"key":"{key}","operator":"{operator}","values":[{values}]}}"#);
        serde_json::from_str(Box::leak(json.into_boxed_str())).unwrap()
    }

    fn set(places: &[usize]) -> PoolSet {
        places.iter().copied().collect()
    }

    #[test]
    fn a_set_holds_the_places_that_were_put_in() {
        let all = set(&[0, 5, 63]);
        assert_eq!(all.places().collect::<Vec<_>>(), [0, 5, 63]);
        assert_eq!((all.len(), all.contains(PoolSet::DEFAULT), all.contains(set(&[1]))), (3, true, false));
        assert_eq!(all.without(set(&[5])), set(&[0, 63]));
        assert!(PoolSet::of(64).is_empty() && PoolSet::default().places().next().is_none());
    }

    #[test]
    fn a_requirement_is_met_or_contradicted_by_the_pools_that_carry_its_key() {
        let table = table_of(&["pool=a size=5", "pool=b size=7", "pool=c"]);
        for (operator, key, values, meets, contradicts) in [
            ("In", "pool", r#""a","c","z""#, &[0, 2][..], &[1][..]),
            ("NotIn", "pool", r#""a""#, &[1, 2], &[0]),
            ("Exists", "size", "", &[0, 1], &[]),
            ("DoesNotExist", "size", "", &[], &[0, 1]),
            ("Gt", "size", r#""5""#, &[1], &[0]),
            ("Lt", "size", r#""6""#, &[0], &[1]),
            ("Lt", "pool", r#""6""#, &[], &[0, 1, 2]),
            ("Later", "pool", "", &[], &[]),
        ] {
            let met = table.meet(&requirement(key, operator, values)).unwrap();
            assert_eq!((met.meets, met.contradicts), (set(meets), set(contradicts)), "{operator} {values}");
            assert!(met.names);
        }
        assert_eq!(table.meet(&requirement("zone", "Exists", "")), None);
        let shared = table_of(&["t=x pool=a", "t=x pool=b"]).have("t", "x").unwrap();
        assert_eq!((shared.meets, shared.names), (set(&[0, 1]), false));
    }

    #[test]
    fn pools_that_differ_in_one_key_are_one_group() {
        let table = table_of(&["pool=a", "pool=b zone=x", "pool=c", "pool=b zone=y", "gpu=yes"]);
        let split: Vec<_> = table.split(table.all()).collect();
        assert_eq!(
            split,
            [(Some("pool"), set(&[0, 2])), (Some("zone"), set(&[1, 3])), (None, set(&[4]))],
            "{split:?}"
        );
        assert_eq!(table.alternatives(), 3);
        assert_eq!(table.split(set(&[2, 3])).collect::<Vec<_>>(), [(None, set(&[2])), (None, set(&[3]))]);
    }

    #[test]
    fn of_pools_that_contain_each_other_the_smaller_counts_and_of_equal_ones_the_first() {
        let table = table_of(&["t=x g=y", "t=x", "t=x g=y", "t=z"]);
        assert_eq!(table.smallest(table.all()), set(&[1, 3]));
        assert_eq!(table.smallest(set(&[0, 2, 3])), set(&[0, 3]));
        assert_eq!(table.smallest(set(&[2])), set(&[2]));
    }

    #[test]
    fn a_term_confines_by_all_labels_or_by_a_list_of_the_one_that_lacks() {
        let table = table_of(&["t=x pool=a", "t=x pool=b", "pool=c"]);
        let confines = |labels: &[(&str, &str)], terms: &[NodeSelectorRequirement<'_>], among: PoolSet| {
            let mut required = table.nothing_required();
            labels.iter().for_each(|(key, value)| table.require(&mut required, key, value));
            table.confines(&required, terms, among)
        };
        let list = |values| [requirement("pool", "In", values)];
        let ab = list(r#""a","b""#);
        assert!(confines(&[("t", "x"), ("pool", "a")], &[], table.all()));
        assert!(!confines(&[("t", "x"), ("pool", "a")], &[], set(&[1])));
        assert!(!confines(&[("t", "x"), ("t", "x"), ("pool", "z")], &[], table.all()));
        assert!(confines(&[("t", "x")], &ab, table.all()));
        assert!(!confines(&[("t", "x")], &ab, set(&[0, 2])), "b is not among them");
        assert!(!confines(&[], &ab, table.all()), "t lacks too");
        assert!(confines(&[("t", "x")], &list(r#""c","a""#), table.all()));
        assert!(!confines(&[("t", "x")], &list(r#""a","z""#), table.all()));
        assert!(!confines(&[("t", "x")], &list(""), table.all()));
    }
}
