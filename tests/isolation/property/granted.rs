//! What a pod may do beyond its own pools, as far as the operator grants it.

use super::{Broken, Claim, Course, is_of, is_tainted};
use crate::kube::{Node, Pod, Taint, Toleration};
use crate::world::{Pool, Tenant};

impl Course<'_> {
    /// A pod of a tenant that is allowed tolerates what the policies say, and no taint beside that.
    pub(super) fn tolerates_what_is_granted(&self, pod: &Pod) -> Result<(), Broken> {
        let Some(tenant) = self.owner else { return Ok(()) };
        let own = || self.world.pools_of(tenant).flat_map(|pool| &pool.taints);
        let is_granted = |toleration: &&Toleration| {
            toleration.key.starts_with("node.kubernetes.io/")
                || own().any(|taint| (taint.key, taint.value) == (&*toleration.key, &*toleration.value))
                || tenant.grants.iter().chain(&self.world.listed).any(|grant| grant.covers(toleration))
                || self.world.is_other_taint(tenant, &toleration.key)
                // Only nodes with the device can run such a pod.
                || (pod.requests(&toleration.key) && toleration.effect == "NoSchedule")
        };
        let beyond = pod.tolerations.iter().find(|toleration| !is_granted(toleration));
        self.hold(Claim::ToleratesWhatIsGranted, beyond.is_none(), || format!("{beyond:?} by {pod}"))
    }

    /// A pod that is allowed keeps no pod of another tenant off a node where that one could run.
    pub(super) fn leaves_room_for_others(&mut self, pod: &Pod) -> Result<(), Broken> {
        let Some(tenant) = self.owner else { return Ok(()) };
        for term in pod.keeps_off() {
            let is_granted = tenant.topologies.contains(&&*term.topology_key);
            let topology = |node: &Node| node.labels.get(&term.topology_key).cloned();
            let taken: Vec<_> = self.world.nodes.iter().filter(|node| pod.could_run_on(node)).collect();
            for (namespace, labels) in self.world.namespaces().filter(|(name, _)| *name != tenant.namespace) {
                if !term.is_about(namespace, &labels, &tenant.namespace) {
                    continue;
                }
                let other = self.world.owner(namespace);
                let is_kept_off = |node: &&Node| {
                    let of = topology(node);
                    of.is_some()
                        && taken.iter().any(|taken| topology(taken) == of)
                        && self.could_others_run(other, node)
                };
                let lost = self.world.nodes.iter().find(is_kept_off);
                if is_granted {
                    if lost.is_some() {
                        self.tally.count("keeps others off by a grant");
                    }
                    continue;
                }
                let why = || format!("{namespace} loses {lost:?} by {pod}");
                self.hold(Claim::LeavesRoomForOthers, lost.is_none(), why)?;
            }
        }
        Ok(())
    }

    /// Returns whether a plain pod of another tenant, or outside tenants, could run on a node that its pools' taints
    /// protect, or that is everybody's.
    fn could_others_run(&self, other: Option<&Tenant>, node: &Node) -> bool {
        match other.filter(|other| !other.pools.is_empty()) {
            Some(other) => self.world.pools_of(other).any(|pool| {
                let is_tolerated = |taint: &Taint| taint.effect == "PreferNoSchedule" || is_of(pool, taint);
                pool.has(node) && is_tainted(pool, node) && node.taints.iter().all(is_tolerated)
            }),
            None => {
                let is_of_pool = |pool: &Pool| pool.has(node);
                node.taints.is_empty() && !self.world.pools.iter().any(is_of_pool)
            }
        }
    }
}
