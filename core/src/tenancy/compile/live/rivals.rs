//! Finds what several owners claim, whatever the order of the claims.

use std::hash::Hash;

use rustc_hash::FxHashMap;

/// Holds claims by key; a key may have wider ones, which contain it.
pub(super) struct Claims<K> {
    by_key: FxHashMap<K, Claimants>,
}

/// Holds the owners of the claims at and below a key.
#[derive(Default)]
struct Claimants {
    here: Two,
    below: Two,
}

/// Holds the two first of the owners.
///
/// Two are enough: one of them is another owner than whoever asks, if there is any other.
#[derive(Clone, Copy, Default)]
struct Two(Option<usize>, Option<usize>);

impl Two {
    fn add(&mut self, owner: usize) {
        *self = match *self {
            Self(None, _) => Self(Some(owner), None),
            Self(Some(first), _) if owner < first => Self(Some(owner), Some(first)),
            Self(Some(first), _) if owner == first => *self,
            Self(first, None) => Self(first, Some(owner)),
            Self(first, Some(second)) => Self(first, Some(second.min(owner))),
        };
    }

    fn other_than(self, owner: usize) -> Option<usize> {
        self.0.filter(|first| *first != owner).or(self.1)
    }
}

impl<K: Eq + Hash> Claims<K> {
    /// Collects the claims; `wider` returns the keys that contain a key.
    pub(super) fn new<W: IntoIterator<Item = K>>(
        claims: impl Iterator<Item = (usize, K)> + Clone,
        wider: impl Fn(&K) -> W,
    ) -> Self {
        let mut by_key: FxHashMap<K, Claimants> = FxHashMap::default();
        for (owner, key) in claims.clone() {
            by_key.entry(key).or_default().here.add(owner);
        }
        for (owner, key) in claims {
            for wider in wider(&key) {
                if let Some(claimants) = by_key.get_mut(&wider) {
                    claimants.below.add(owner);
                }
            }
        }
        Self { by_key }
    }

    /// Returns the first other owner that claims the key, a part of it, or what contains it.
    pub(super) fn rival(&self, owner: usize, key: &K, wider: impl IntoIterator<Item = K>) -> Option<usize> {
        let own = self.by_key.get(key);
        let own = own.into_iter().flat_map(|claimants| [claimants.here, claimants.below]);
        let wider = wider.into_iter().filter_map(|key| Some(self.by_key.get(&key)?.here));
        own.chain(wider).filter_map(|two| two.other_than(owner)).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_of_many_owners_are_the_first_ones() {
        for order in [[1, 2, 3, 4], [4, 3, 2, 1], [2, 4, 1, 3], [3, 1, 4, 2]] {
            let mut two = Two::default();
            order.into_iter().for_each(|owner| two.add(owner));
            assert_eq!(
                (two.other_than(1), two.other_than(2), two.other_than(9)),
                (Some(2), Some(1), Some(1))
            );
        }
        let mut one = Two::default();
        one.add(1);
        one.add(1);
        assert_eq!((one.other_than(1), one.other_than(2)), (None, Some(1)));
    }

    #[test]
    fn rivals_are_at_above_and_below_a_key() {
        // A number contains its double.
        let wider = |key: &u32| key.is_multiple_of(2).then_some(key / 2);
        let claims = [(0, 1_u32), (1, 2), (2, 3), (0, 3), (1, 5)];
        let all = Claims::new(claims.into_iter(), wider);
        let rival = |owner: usize, key: u32| all.rival(owner, &key, wider(&key));
        assert_eq!(rival(0, 1), Some(1), "below");
        assert_eq!(rival(1, 2), Some(0), "above");
        assert_eq!((rival(2, 3), rival(0, 3)), (Some(0), Some(2)), "at");
        assert_eq!(rival(1, 5), None);
    }
}
