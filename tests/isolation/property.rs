//! The property: the way of a pod from its author past the walls into the store, and what must hold of it there.

mod granted;

use partywall_core::rule_id::RuleId;
use partywall_core::tenancy::Snapshot;

use super::api_server::{
    daemon_pod, default_toleration_seconds, merge_runtime_class, validate, validate_update, wants_daemon,
};
use super::case::{Binding, Case, Edit, SCHEDULER};
use super::harmless::{is_harmless, is_meant_for_one, may_tolerate, target};
use super::kube::{Node, Pod, Taint};
use super::tally::Tally;
use super::wall::{Asked, Review, Wall, violations};
use super::witness::witnesses;
use super::world::{DISK, Pool, PoolTaint, Tenant, World};

/// A claim that must hold for every case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Claim {
    /// A pod that is allowed can run on its tenant's nodes alone; one without pools, on no tainted node of a pool.
    Isolated,
    /// A pod that is allowed tolerates no taint of a pool that is not its tenant's, so that taints would do.
    KeptOffByTaints,
    /// A pod of a tenant tolerates no taint but its pools', those of nodes' problems, and what it is granted.
    ToleratesWhatIsGranted,
    /// A pod keeps no pod of others off a node or a topology, unless its tenant is granted that.
    LeavesRoomForOthers,
    /// A pod of a tenant without pools does not demand all the labels of a pool; one outside tenants, not those of a
    /// pool without a taint that keeps it away.
    LeavesPoolsAlone,
    /// A harmless pod is allowed.
    HarmlessIsAllowed,
    /// The stamp takes nothing back that the author demanded of a node.
    Narrowed,
    /// A harmless pod can run wherever in its pool its author meant it to.
    RunsInItsPool,
    /// A DaemonSet wants pods on its tenant's nodes, and on no other.
    DaemonsInTheirPool,
    /// An update of a pod without gates is never patched.
    UpdatesAreNotPatched,
    /// The API server takes a stamped update, if it takes the update.
    UpdatesStayValid,
    /// A stamped pod is not patched again.
    StampIsStable,
    /// A pod is allowed and could run on a node of its tenant's pools, if a node could exist that meets its demands.
    RunsSomewhere,
    /// A pod whose author means one pool runs in no other.
    RunsOnlyWhereMeant,
    /// A pod whose author means one pool runs in no other once its last gate is gone.
    FreedOnlyWhereMeant,
    /// A pod that would be denied, but is there, may be updated in other ways.
    OldPodsMayChange,
    /// The scheduler may bind.
    SchedulerBinds,
}

impl Claim {
    pub(crate) const ALL: &[Self] = &[
        Self::Isolated,
        Self::KeptOffByTaints,
        Self::ToleratesWhatIsGranted,
        Self::LeavesRoomForOthers,
        Self::LeavesPoolsAlone,
        Self::HarmlessIsAllowed,
        Self::Narrowed,
        Self::RunsInItsPool,
        Self::DaemonsInTheirPool,
        Self::UpdatesAreNotPatched,
        Self::UpdatesStayValid,
        Self::StampIsStable,
        Self::RunsSomewhere,
        Self::RunsOnlyWhereMeant,
        Self::FreedOnlyWhereMeant,
        Self::OldPodsMayChange,
        Self::SchedulerBinds,
    ];
}

/// A claim that does not hold, and of what.
#[derive(Clone, Debug)]
pub(crate) struct Broken {
    pub(crate) claim: Claim,
    pub(crate) why: String,
}

/// Checks that the claims in `matter` hold for a case.
pub(crate) fn check(case: &Case, wall: &dyn Wall, matter: &[Claim], tally: &mut Tally) -> Result<(), Broken> {
    tally.describe(case);
    let snapshot = case.world.compile();
    let owner = case.world.owner(&case.namespace);
    Course {
        case,
        world: &case.world,
        owner,
        snapshot: &snapshot,
        wall,
        matter,
        tally,
        user: "jane",
        asked: None,
    }
    .run()
}

/// The course of one case.
struct Course<'c> {
    case: &'c Case,
    world: &'c World,
    owner: Option<&'c Tenant>,
    snapshot: &'c Snapshot,
    wall: &'c dyn Wall,
    matter: &'c [Claim],
    tally: &'c mut Tally,
    user: &'static str,
    /// The pod as it was asked for, if no other webhook changed it.
    asked: Option<Pod>,
}

impl<'c> Course<'c> {
    fn run(mut self) -> Result<(), Broken> {
        let Some(submitted) = self.submitted()? else {
            self.tally.count("no daemon wanted");
            return Ok(());
        };
        let Some(pod) = self.create(submitted)? else { return Ok(()) };
        if let Some(binding) = self.case.binding.as_ref().filter(|_| pod.scheduling_gates.is_empty()) {
            self.bind(&pod, binding)?;
        }
        self.update(&pod)
    }

    fn hold(&self, claim: Claim, holds: bool, why: impl FnOnce() -> String) -> Result<(), Broken> {
        if holds || !self.matter.contains(&claim) { Ok(()) } else { Err(Broken { claim, why: why() }) }
    }

    fn ask<'r>(&'r self, asked: Asked<'r>) -> Review<'r> {
        let Self { world, snapshot, case, user, .. } = self;
        Review { world, snapshot, namespace: &case.namespace, user, asked }
    }

    /// The tenant's pools, if it has some.
    fn pooled(&self) -> Option<&'c Tenant> {
        self.owner.filter(|tenant| !tenant.pools.is_empty())
    }

    /// The pod as it is sent; none: the DaemonSet wants none on that node.
    fn submitted(&mut self) -> Result<Option<Pod>, Broken> {
        let Some(node) = self.case.daemon else { return Ok(Some(self.case.pod.clone())) };
        self.tally.count("DaemonSet");
        let (node, written) = (&self.world.nodes[node], &self.case.pod);
        let template = self.wall.stamp(&self.ask(Asked::DaemonSet(written)));
        let is_wanted = wants_daemon(&template, node);
        if is_harmless(self.world, self.owner, written)
            && let Some(tenant) = self.pooled()
        {
            let is_own = self.world.pools_of(tenant).any(|pool| pool.has(node));
            self.hold(Claim::DaemonsInTheirPool, !is_wanted || is_own, || format!("{} gets one", node.name))?;
            let belongs =
                target(self.world, tenant, written).is_some_and(|pool| is_meant(written, pool, node));
            self.hold(Claim::DaemonsInTheirPool, is_wanted || !belongs, || {
                format!("{} gets none", node.name)
            })?;
        }
        if let Some(tenant) = self.pooled().filter(|_| written.node_name.is_empty()) {
            let nodes: Vec<_> =
                self.world.pools_of(tenant).flat_map(|pool| witnesses(pool, written)).collect();
            let is_alive = nodes.is_empty() || nodes.iter().any(|node| wants_daemon(&template, node));
            self.hold(Claim::RunsSomewhere, is_alive, || format!("{template} wants none of {nodes:?}"))?;
        }
        self.user = "system:serviceaccount:kube-system:daemon-set-controller";
        Ok(is_wanted.then(|| daemon_pod(&template, node)))
    }

    /// The pod as it is stored, if it is.
    fn create(&mut self, mut pod: Pod) -> Result<Option<Pod>, Broken> {
        let Case { before, after, reinvoked, .. } = self.case;
        default_toleration_seconds(&mut pod);
        if merge_runtime_class(&mut pod, &self.world.classes).is_err() {
            self.tally.count("refused by the API server");
            return Ok(None);
        }
        let asked = pod.clone();
        let is_meddled_with = !before.is_empty() || !after.is_empty();
        let is_alone = before.iter().chain(after).all(Edit::is_harmless);
        let is_harmless = is_alone && is_harmless(self.world, self.owner, &asked);
        before.iter().for_each(|edit| edit.apply(&mut pod));
        pod = self.wall.stamp(&self.ask(Asked::Pod { pod: &pod, old: None }));
        after.iter().for_each(|edit| edit.apply(&mut pod));
        let class = merge_runtime_class(&mut pod, &self.world.classes);
        if *reinvoked {
            pod = self.wall.stamp(&self.ask(Asked::Pod { pod: &pod, old: None }));
        }
        if class.and_then(|()| validate(&pod, self.world.compares)).is_err() {
            self.tally.count("refused by the API server");
            // What is not harmless may well contradict itself.
            let is_own_fault =
                !is_harmless || is_meddled_with || validate(&asked, self.world.compares).is_err();
            let why = || format!("the stamp makes it invalid: {pod}");
            self.hold(Claim::HarmlessIsAllowed, is_own_fault, why)?;
            let is_brought =
                self.brings_labels(&asked, &pod) || validate(&asked, self.world.compares).is_err();
            let is_alive = !is_meddled_with && !is_brought && self.could_run(&asked);
            return self.hold(Claim::RunsSomewhere, !is_alive, why).map(|()| None);
        }
        if is_alone && validate(&asked, self.world.compares).is_ok() {
            let is_narrowed = |node: &Node| !pod.selects(node) || asked.selects(node);
            let wider = self.world.nodes.iter().find(|node| !is_narrowed(node));
            self.hold(Claim::Narrowed, wider.is_none(), || format!("{wider:?} is new to {pod}"))?;
        }
        let denial = self.wall.denial(&self.ask(Asked::Pod { pod: &pod, old: None }));
        self.tally.count(if denial.is_some() { "denied" } else { "allowed" });
        if is_harmless {
            self.tally.count("harmless");
            let why = || format!("{denial:?} of {pod}");
            self.hold(Claim::HarmlessIsAllowed, denial.is_none(), why)?;
        }
        if !is_meddled_with && !self.brings_labels(&asked, &pod) {
            let again = self.wall.stamp(&self.ask(Asked::Pod { pod: &pod, old: None }));
            self.hold(Claim::StampIsStable, again == pod, || format!("{pod} becomes {again}"))?;
            self.lives(&asked, &pod, None, denial.as_deref())?;
            self.runs_where_it_was_meant(&asked, &pod, Claim::RunsOnlyWhereMeant)?;
            self.asked = Some(asked.clone());
        }
        if denial.is_some() {
            let again = self.wall.denial(&self.ask(Asked::Pod { pod: &pod, old: Some(&pod) }));
            return self
                .hold(Claim::OldPodsMayChange, again.is_none(), || format!("{again:?}"))
                .map(|()| None);
        }
        self.isolated(&pod, None)?;
        if is_harmless && !is_meddled_with {
            self.runs(&asked, &pod)?;
        }
        Ok(Some(pod))
    }

    /// A pod that is allowed can run on no node but its tenant's, by the scheduler or `bound` past it.
    fn isolated(&mut self, pod: &Pod, bound: Option<&Node>) -> Result<(), Broken> {
        let could_run = |node: &&Node| match bound {
            Some(bound) => bound.name == node.name && pod.selects(node),
            None => pod.could_run_on(node),
        };
        for node in self.world.nodes.iter().filter(could_run) {
            self.tally.count("could run");
            let is_its_own = match self.pooled() {
                Some(tenant) => self.world.pools_of(tenant).any(|pool| pool.has(node)),
                None => !self.world.pools.iter().any(|pool| pool.has(node) && is_tainted(pool, node)),
            };
            self.hold(Claim::Isolated, is_its_own, || format!("{node:?} could run {pod}"))?;
        }
        for node in self.world.nodes.iter().filter(|node| self.pooled().is_none() && pod.selects(node)) {
            // Outside tenants the taints of a pool keep a pod away that demands it.
            let protects =
                |pool: &&Pool| pool.taints.iter().any(|taint| taint.hard_effects().next().is_some());
            let is_open = |pool: &&Pool| self.owner.is_some() || !protects(pool);
            let mut pools = self.world.pools.iter().filter(|pool| pool.has(node)).filter(is_open);
            let demanded = pools.find(|pool| demands_all(pod, pool, node));
            self.hold(Claim::LeavesPoolsAlone, demanded.is_none(), || format!("{demanded:?} by {pod}"))?;
        }
        let own = self.owner.map(|tenant| &*tenant.pools).unwrap_or_default();
        for (_, pool) in self.world.pools.iter().enumerate().filter(|(index, _)| !own.contains(index)) {
            let tolerated = |taint: &&PoolTaint| {
                taint.hard_effects().any(|effect| pod.tolerates(taint.key, taint.value, effect))
            };
            let tolerated = pool.taints.iter().find(tolerated);
            self.hold(Claim::KeptOffByTaints, tolerated.is_none(), || format!("{tolerated:?} by {pod}"))?;
        }
        self.tolerates_what_is_granted(pod)?;
        self.leaves_room_for_others(pod)
    }

    /// A harmless pod runs where its author meant it to.
    fn runs(&mut self, asked: &Pod, pod: &Pod) -> Result<(), Broken> {
        let is_given_a_class = asked.runtime_class_name != pod.runtime_class_name;
        let pool = self.pooled().and_then(|tenant| target(self.world, tenant, asked));
        if is_given_a_class || (pool.is_none() && self.pooled().is_some()) {
            return Ok(());
        }
        for node in &self.world.nodes {
            let is_meant = pool.map_or_else(|| asked.could_run_on(node), |pool| is_meant(asked, pool, node));
            if is_meant {
                self.tally.count("runs where it was meant to");
            }
            let why = || format!("{node:?} does not run {pod}");
            self.hold(Claim::RunsInItsPool, !is_meant || pod.could_run_on(node), why)?;
        }
        Ok(())
    }

    /// Returns whether some node of its tenant's pools could exist that meets all that the pod demands.
    fn could_run(&self, asked: &Pod) -> bool {
        let pools = self.pooled().into_iter().flat_map(|tenant| self.world.pools_of(tenant));
        asked.node_name.is_empty() && pools.into_iter().any(|pool| !witnesses(pool, asked).is_empty())
    }

    /// Returns whether the RuntimeClass that the stamp gave the pod brings labels that its author did not ask for.
    fn brings_labels(&self, asked: &Pod, pod: &Pod) -> bool {
        let class = self.world.classes.iter().find(|class| class.name == pod.runtime_class_name);
        asked.runtime_class_name != pod.runtime_class_name
            && class.is_some_and(|class| !class.node_selector.is_empty())
    }

    /// A pod is allowed, and could run on a node that meets what was `asked`, if there can be one.
    fn lives(
        &mut self,
        asked: &Pod,
        pod: &Pod,
        old: Option<&Pod>,
        denial: Option<&str>,
    ) -> Result<(), Broken> {
        let Some(tenant) = self.pooled().filter(|_| asked.node_name.is_empty()) else { return Ok(()) };
        let nodes: Vec<_> = self.world.pools_of(tenant).flat_map(|pool| witnesses(pool, asked)).collect();
        if nodes.is_empty() {
            self.tally.count("no node could be its");
            return Ok(());
        }
        let objections = violations(&self.ask(Asked::Pod { pod, old }));
        if objections.iter().any(|violation| violation.rule != RuleId::NodePlacement) {
            return Ok(());
        }
        self.tally.count("a node could be its");
        self.hold(Claim::RunsSomewhere, denial.is_none(), || format!("{denial:?} of {pod}, asked {asked}"))?;
        let is_alive = nodes.iter().any(|node| pod.could_run_on(node));
        self.hold(Claim::RunsSomewhere, is_alive, || {
            format!("none of {nodes:?} could run {pod}, asked {asked}")
        })
    }

    /// A pod whose author means one pool could run on no node of another.
    ///
    /// Returns whether its author means one.
    fn runs_where_it_was_meant(&mut self, asked: &Pod, pod: &Pod, claim: Claim) -> Result<bool, Broken> {
        let Some(tenant) = self.pooled() else { return Ok(false) };
        let Some(meant) = target(self.world, tenant, asked) else { return Ok(false) };
        if !asked.node_name.is_empty() || !is_meant_for_one(self.world, tenant, asked) {
            return Ok(false);
        }
        self.tally.count("meant for one pool");
        let nodes = self.world.pools_of(tenant).flat_map(|pool| witnesses(pool, pod));
        let mut elsewhere = nodes.filter(|node| !meant.has(node) && pod.could_run_on(node));
        let found = elsewhere.next();
        self.hold(claim, found.is_none(), || format!("{found:?} could run {pod}"))?;
        Ok(true)
    }

    fn bind(&mut self, pod: &Pod, binding: &Binding) -> Result<(), Broken> {
        let node = &self.world.nodes[binding.target];
        let asked = Asked::Binding { node: &node.name, is_legacy: binding.is_legacy };
        let denial = self.wall.denial(&Review { user: binding.user, ..self.ask(asked) });
        if binding.user == SCHEDULER {
            return self.hold(Claim::SchedulerBinds, denial.is_none(), || format!("{denial:?}"));
        }
        self.tally.count(if denial.is_some() { "binding denied" } else { "binding allowed" });
        if denial.is_none() { self.isolated(pod, Some(node)) } else { Ok(()) }
    }

    fn update(&mut self, old: &Pod) -> Result<(), Broken> {
        let mut edited = old.clone();
        self.case.update.iter().for_each(|edit| edit.apply(&mut edited));
        let is_gated = !old.scheduling_gates.is_empty();
        let pod = self.wall.stamp(&self.ask(Asked::Pod { pod: &edited, old: Some(old) }));
        self.hold(Claim::UpdatesAreNotPatched, is_gated || pod == edited, || format!("{pod:#?}"))?;
        if validate_update(old, &edited, self.world.compares).is_err() {
            self.tally.count("update refused by the API server");
            return Ok(());
        }
        let refused = validate_update(old, &pod, self.world.compares).err();
        self.hold(Claim::UpdatesStayValid, refused.is_none(), || format!("{refused:?}: {old} to {pod}"))?;
        let update = Asked::Pod { pod: &pod, old: Some(old) };
        let again = self.wall.stamp(&self.ask(update));
        self.hold(Claim::StampIsStable, again == pod, || format!("{pod} becomes {again}"))?;
        let denial = self.wall.denial(&self.ask(update));
        self.tally.count(if denial.is_some() { "update denied" } else { "update allowed" });
        if edited != *old {
            self.tally.count(if denial.is_some() { "change denied" } else { "change allowed" });
        }
        if pod != edited {
            self.tally.count("update stamped");
        }
        if self.is_harmless_update(old, &edited) {
            self.tally.count(if edited == *old { "nothing changed" } else { "change harmless" });
            let why = || format!("{denial:?} of {pod}");
            self.hold(Claim::HarmlessIsAllowed, denial.is_none(), why)?;
        }
        if is_gated {
            self.lives(&edited, &pod, Some(old), denial.as_deref())?;
            // Whoever holds a pod back may still choose the pool, as if it had not been stamped.
            if let Some(mut asked) =
                self.asked.take().filter(|_| self.case.update.iter().all(Edit::is_of_queue))
            {
                self.case.update.iter().for_each(|edit| edit.apply(&mut asked));
                self.lives(&asked, &pod, Some(old), denial.as_deref())?;
                let claim = Claim::FreedOnlyWhereMeant;
                // A queue may contradict what the author demands.
                let is_free = pod.scheduling_gates.is_empty() && self.could_run(&asked);
                if is_free && self.runs_where_it_was_meant(&asked, &pod, claim)? {
                    self.tally.count("freed where it was meant to");
                }
            }
        }
        if denial.is_none() { self.isolated(&pod, None) } else { Ok(()) }
    }

    /// Tolerations may come that a new pod may have, labels that no pool has; and the gates may go.
    fn is_harmless_update(&self, old: &Pod, new: &Pod) -> bool {
        let added = new.node_selector.keys().filter(|key| !old.node_selector.contains_key(*key));
        let without_what_may_come = |pod: &Pod| Pod {
            tolerations: Vec::new(),
            node_selector: Default::default(),
            scheduling_gates: Vec::new(),
            ..pod.clone()
        };
        without_what_may_come(old) == without_what_may_come(new)
            && added.into_iter().all(|key| key == DISK)
            && self.stays_for_good(new)
            && new.tolerations.iter().all(|toleration| may_tolerate(self.world, self.owner, toleration))
    }

    /// Returns whether no taint of its pools is tolerated only for a while.
    fn stays_for_good(&self, pod: &Pod) -> bool {
        let is_limited = |key: &str| {
            pod.tolerations
                .iter()
                .any(|toleration| toleration.key == key && toleration.toleration_seconds.is_some())
        };
        let mut taints = self
            .pooled()
            .into_iter()
            .flat_map(|tenant| self.world.pools_of(tenant))
            .flat_map(|pool| &pool.taints);
        !taints.any(|taint| is_limited(taint.key))
    }
}

/// Returns whether the pod could not run on a node that lacked any one of the pool's labels.
fn demands_all(pod: &Pod, pool: &Pool, node: &Node) -> bool {
    pool.labels.keys().all(|key| {
        let mut stranger = node.clone();
        stranger.labels.remove(key);
        !pod.selects(&stranger)
    })
}

/// Returns whether the node carries a taint of the pool that keeps pods off.
fn is_tainted(pool: &Pool, node: &Node) -> bool {
    node.taints.iter().any(|taint| taint.effect != "PreferNoSchedule" && is_of(pool, taint))
}

fn is_of(pool: &Pool, taint: &Taint) -> bool {
    pool.taints.iter().any(|own| own.is(taint))
}

/// Returns whether a pod of the pool should run on that node: it meets its author's demands, and each taint that it
/// carries is the pool's, or tolerated.
fn is_meant(asked: &Pod, pool: &Pool, node: &Node) -> bool {
    let is_passed = |taint: &Taint| {
        taint.effect == "PreferNoSchedule"
            || is_of(pool, taint)
            || asked.tolerates(&taint.key, &taint.value, taint.effect)
    };
    pool.has(node) && asked.selects(node) && node.taints.iter().all(is_passed)
}
