//! Knows at which enforcement a pod is judged that could reach the pools of others.
//!
//! Whoever reaches into a pool is judged at the value of the pool's tenant, of several tenants at the strictest, and of
//! a pool that no tenant has at the value of the Settings. If all values are the same, there is no index.

use super::index::PoolIndex;
use super::pools::{Pool, PoolId};
use crate::api::Enforcement;

/// Holds the values of the pools.
#[derive(Debug)]
pub(crate) struct Reach {
    /// The value of the strictest pool; without pools, the value of the Settings.
    strictest: Enforcement,
    /// The value of the pools that no index has.
    least: Enforcement,
    /// The pools of each stricter value, the strictest first.
    stricter: Vec<(Enforcement, PoolIndex)>,
}

impl Reach {
    /// Finds the value of each pool; `tenants` have the values and the pools of the tenants.
    pub(super) fn of<'t>(
        settings: Enforcement,
        tenants: impl Iterator<Item = (Enforcement, &'t [PoolId])>,
        pools: &[Pool],
        all: &PoolIndex,
    ) -> Self {
        let mut values: Vec<Option<Enforcement>> = vec![None; pools.len()];
        for (value, own) in tenants {
            for id in own {
                if let Some(of_pool) = values.get_mut(id.0) {
                    *of_pool = (*of_pool).max(Some(value));
                }
            }
        }
        let values: Vec<Enforcement> = values.into_iter().map(|value| value.unwrap_or(settings)).collect();
        let strictest = values.iter().copied().max().unwrap_or(settings);
        let least = values.iter().copied().min().unwrap_or(settings);
        let index_of = |value| {
            let ids = values.iter().enumerate().filter(move |(_, of_pool)| **of_pool == value);
            PoolIndex::of_some(ids.map(|(id, _)| PoolId(id)), pools, all)
        };
        let stricter = [Enforcement::Deny, Enforcement::Warn].into_iter().filter(|value| *value > least);
        let stricter = stricter.filter(|value| values.contains(value)).map(|value| (value, index_of(value)));
        Self { strictest, least, stricter: stricter.collect() }
    }

    /// Returns the value for what could reach any pool.
    pub(crate) const fn strictest(&self) -> Enforcement {
        self.strictest
    }

    /// Returns the value for what reaches those pools that `is_reached` finds in an index of them.
    pub(crate) fn strictest_of(&self, is_reached: impl Fn(&PoolIndex) -> bool) -> Enforcement {
        let found = self.stricter.iter().find(|(_, index)| is_reached(index));
        found.map_or(self.least, |(value, _)| *value)
    }
}
