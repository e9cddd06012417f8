//! Tells which taints the pods of a tenant may tolerate.

use super::{Snapshot, Tenant};
use crate::api::{Mode, OtherTaints};
use crate::labels::NODE_ROLES;
use crate::objects::scheduling::Toleration;
use crate::rule_id::RuleId;

impl Snapshot {
    /// Returns whether the toleration tolerates a taint of some pool.
    pub(crate) fn is_pool_tolerated_by(&self, toleration: &Toleration<'_>) -> bool {
        self.index.is_tolerated_by(toleration)
    }

    /// Returns whether the toleration matches only a taint of one of the tenant's pools: the same key and value.
    ///
    /// The effect does not matter, because no other pool has the same key and value.
    pub(crate) fn is_own_taint_tolerated(&self, toleration: &Toleration<'_>, tenant: &Tenant) -> bool {
        toleration.is_equal()
            && match &tenant.index {
                Some(index) => index.has_taint(&toleration.key, &toleration.value),
                None => {
                    self.pools_of(tenant).any(|pool| pool.is_tainted_with(&toleration.key, &toleration.value))
                }
            }
    }

    /// Returns whether the Tenant or the Settings list a toleration that covers this one.
    pub fn is_listed(&self, toleration: &Toleration<'_>, tenant: &Tenant) -> bool {
        tenant.tolerations.cover(toleration) || self.tolerations.cover(toleration)
    }

    /// Returns whether the tenant's pods may tolerate a taint with this key because it is no pool's.
    ///
    /// Only pods of a tenant with pools may, and only where the stamp confines them, whatever they tolerate.
    pub(crate) fn is_other_taint(&self, key: &str, tenant: &Tenant) -> bool {
        self.other_taints == OtherTaints::Allow
            && !tenant.pools.is_empty()
            && tenant.modes.of(RuleId::NodePlacement) == Mode::Deny
            && self.index.values_of(key) == 0
            && !key.starts_with(NODE_ROLES)
    }

    /// Returns whether one of the tenant's pools has a taint with this key.
    pub(crate) fn has_taint_key(&self, key: &str, tenant: &Tenant) -> bool {
        match &tenant.index {
            Some(index) => index.values_of(key) > 0,
            None => self.pools_of(tenant).flat_map(|pool| &pool.taints).any(|taint| *taint.key == *key),
        }
    }

    /// Returns whether all pools' taints with this key are taints of the tenant's pools.
    pub(crate) fn is_taint_key_of(&self, key: &str, tenant: &Tenant) -> bool {
        let own = match &tenant.index {
            Some(index) => index.values_of(key),
            None => {
                let taints = self.pools_of(tenant).flat_map(|pool| &pool.taints);
                let of_key = taints.filter(|taint| *taint.key == *key);
                let mut own: Vec<&str> = of_key.map(|taint| &*taint.value).collect();
                own.sort_unstable();
                own.dedup();
                own.len()
            }
        };
        own == self.index.values_of(key)
    }
}
