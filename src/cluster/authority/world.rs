//! Three replicas, one API server, and everything that may go wrong: what is served is trusted at every moment.
//!
//! A replica reads, decides, writes, signs and registers one after the other, and other replicas do so in between. It
//! may be killed after any of these, miss a read or two, and have a clock of its own.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use super::cas::{Ca, Cas};
use super::decide::{Live, Step, View, World, decide};
use super::leaf::{Leaf, renew_at, signer};
use super::lifetimes::Lifetimes;
use super::trust::trust;
use crate::cluster::facts::{Fingerprint, Registered, Replica, Replicas, Trust};

const LIFETIMES: Lifetimes = Lifetimes { ca: 6_000, leaf: 600 };
/// How far the clock of each replica is ahead: those of the first and the last are half an hour apart.
const CLOCKS: [i64; 3] = [-900, 0, 900];
/// How long a Lease counts after it was renewed.
const LEASE: i64 = 15;
/// Within this time what somebody broke is mended, once a replica is up that knows it.
const MENDED: i64 = 10;
/// For how long an API server may still use an older bundle.
const LAG: i64 = 60;

/// What happens next.
#[derive(Clone, Debug)]
enum Event {
    /// So many seconds go by, in which each replica does everything, in this order; one of them misses it.
    Time {
        seconds: i64,
        order: [usize; 3],
        stalled: Option<usize>,
    },
    /// A replica does so many of its steps and is killed, or is started.
    Kill(usize, u8),
    Start(usize),
    /// The Secret is deleted, emptied or filled with something else.
    Break(Broken),
    /// Somebody takes a CA from the bundles.
    Edit(usize),
    /// Somebody runs `rotate-ca`.
    Rotate {
        compromised: bool,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Broken {
    Deleted,
    Emptied,
    Garbage,
}

#[derive(Clone, Debug)]
enum Secret {
    Broken(Broken),
    Good(Box<Cas>),
}

#[derive(Default)]
struct Server {
    /// Its version and its content; absent if it is deleted.
    secret: Option<(u64, Secret)>,
    bundle: Option<BTreeSet<Fingerprint>>,
    /// The bundles before, and when each was replaced.
    bundles: Vec<(i64, BTreeSet<Fingerprint>)>,
    leases: [Option<(i64, Replica)>; 3],
    version: u64,
    now: i64,
    /// When somebody broke the Secret, or the bundles.
    tampered: i64,
    made: u16,
}

#[derive(Default)]
struct Process {
    is_up: bool,
    started: i64,
    read: Option<(u64, Secret)>,
    registered: Registered,
    replicas: Replicas,
    memory: Option<(Cas, i64)>,
    unusable_since: Option<i64>,
    seen: Option<(Fingerprint, i64)>,
    leaf: Option<Leaf>,
    trust: Trust,
}

struct Cluster {
    server: Server,
    processes: [Process; 3],
}

impl Server {
    fn fresh(&mut self, now: i64, life: i64) -> Ca {
        self.made += 1;
        let mut bytes = [0; 32];
        bytes[..2].copy_from_slice(&self.made.to_be_bytes());
        let (made, key) = (now, Some(Arc::from("")));
        Ca { id: Fingerprint(bytes), made, until: now + life, fits: true, certificate: "".into(), key }
    }

    /// Writes the Secret if it still has the version that was read.
    fn write(&mut self, read: Option<u64>, secret: Secret) -> bool {
        if self.secret.as_ref().map(|(version, _)| *version) != read {
            return false;
        }
        self.version += 1;
        self.secret = Some((self.version, secret));
        true
    }

    fn cas(&self) -> Option<&Cas> {
        match &self.secret {
            Some((_, Secret::Good(cas))) => Some(cas),
            Some((_, Secret::Broken(_))) | None => None,
        }
    }
}

impl Process {
    fn start(now: i64) -> Self {
        Self { is_up: true, started: now, ..Self::default() }
    }

    /// Does one of its steps.
    fn step(&mut self, number: u8, server: &mut Server, name: usize) {
        let clock = server.now + CLOCKS[name];
        match number {
            0 => self.read(server),
            1 => self.write(server, clock),
            2 => self.sign(server, clock),
            3 => self.register(server),
            _ => {
                let signer = self.leaf.as_ref().map(|leaf| leaf.signer.id);
                server.leases[name] = Some((server.now, Replica { signer, ..Replica::default() }));
            }
        }
    }

    fn read(&mut self, server: &Server) {
        self.read.clone_from(&server.secret);
        self.registered =
            Registered { is_known: true, trusted: server.bundle.clone(), ..Registered::default() };
        let live = server.leases.iter().flatten().filter(|(at, _)| server.now - at < LEASE);
        self.replicas = Replicas {
            is_known: true,
            live: live.map(|(_, replica)| replica.clone()).collect(),
            leads: false,
        };
        self.remember(server.now);
        let next = self.memory.as_ref().map(|(cas, _)| &cas.next);
        let next = next.filter(|next| Live::of(&self.registered).accepts(next)).map(|next| next.id);
        self.seen = match (next, self.seen) {
            (Some(next), Some((seen, since))) if next == seen => Some((seen, since)),
            (next, _) => next.map(|next| (next, server.now)),
        };
    }

    fn remember(&mut self, now: i64) {
        if let Some((_, Secret::Good(cas))) = &self.read {
            self.memory = Some((Cas::clone(cas), now));
            self.unusable_since = None;
        } else {
            self.unusable_since.get_or_insert(now);
        }
    }

    fn write(&mut self, server: &mut Server, clock: i64) {
        let since = |then: i64| Duration::from_secs(u64::try_from(server.now - then).unwrap());
        let world = World {
            live: Live::of(&self.registered),
            replicas: &self.replicas,
            now: clock,
            unusable: self.unusable_since.map(since).unwrap_or_default(),
            seen: self.seen.map(|(_, at)| since(at)).unwrap_or_default(),
            lifetimes: LIFETIMES,
        };
        let view = match &self.read {
            None | Some((_, Secret::Broken(Broken::Deleted))) => View::Absent,
            Some((_, Secret::Broken(Broken::Emptied))) => View::Empty,
            Some((_, Secret::Broken(Broken::Garbage))) => View::Garbage,
            Some((_, Secret::Good(cas))) => View::Good(cas),
        };
        let memory = self.memory.as_ref().map(|(_, at)| since(*at));
        let step = decide(view, memory, &world);
        let cas = self.memory.as_ref().map(|(cas, _)| cas);
        let wanted = match (step, cas) {
            (Step::Rest | Step::AskForHelp, _) => return,
            (Step::Found, _) => {
                Cas::found(server.fresh(clock, LIFETIMES.first_ca()), server.fresh(clock, LIFETIMES.ca))
            }
            (Step::Restore, Some(cas)) => cas.clone(),
            (Step::ReplaceNext, Some(cas)) => cas.with_next(server.fresh(clock, LIFETIMES.ca)),
            (Step::Promote, Some(cas)) => cas.promoted(server.fresh(clock, LIFETIMES.ca)),
            (Step::DropPrevious, Some(cas)) => cas.without_previous(),
            (Step::Note(since), Some(cas)) => cas.held(since),
            (step, None) => panic!("{step:?} of unknown CAs"),
        };
        if server.write(self.read.as_ref().map(|(version, _)| *version), Secret::Good(Box::new(wanted))) {
            self.read.clone_from(&server.secret);
            self.remember(server.now);
        }
    }

    fn sign(&mut self, server: &Server, clock: i64) {
        let Some((cas, _)) = &self.memory else { return };
        let has_waited = server.now - self.started >= 5;
        let live = Live::of(&self.registered);
        if let Some(ca) = signer(cas, self.leaf.as_ref(), live, clock, has_waited) {
            let until = (clock + LIFETIMES.leaf).min(ca.until);
            let renew_at = renew_at(clock, until, 128);
            self.leaf = Some(Leaf { signer: ca.clone(), from: clock - 3_600, renew_at, until });
        }
        self.trust = trust(cas, self.leaf.as_ref());
    }

    /// Writes the bundles. Those CAs stay of which a replica serves a certificate, as its Lease says.
    fn register(&self, server: &mut Server) {
        let signer = self.trust.signer;
        let before = server.bundle.take();
        let bundle = before.clone();
        server.bundle = if signer.is_some_and(|signer| self.trust.cas.contains(&signer)) {
            let is_used =
                |ca: &Fingerprint| self.replicas.live.iter().any(|replica| replica.signer == Some(*ca));
            let kept = bundle.into_iter().flatten().filter(is_used);
            Some(kept.chain(self.trust.cas.iter().copied()).collect())
        } else {
            bundle.map(|bundle| &bundle | &self.trust.cas)
        };
        if let Some(before) = before
            && server.bundle.as_ref() != Some(&before)
        {
            server.bundles.push((server.now, before));
        }
    }
}

impl Cluster {
    fn new() -> Self {
        let processes = [0, 0, 0].map(Process::start);
        Self { server: Server { tampered: -1_000, ..Server::default() }, processes }
    }

    fn happens(&mut self, event: &Event) -> Result<(), TestCaseError> {
        match event {
            Event::Time { seconds, order, stalled } => {
                self.server.now += seconds;
                // While nobody serves, nobody mends.
                if self.processes.iter().all(|process| process.leaf.is_none()) {
                    self.server.tampered = self.server.now;
                }
                // All replicas do one step before any of them does the next one.
                for number in 0..5 {
                    for name in order {
                        if self.processes[*name].is_up && Some(*name) != *stalled {
                            self.processes[*name].step(number, &mut self.server, *name);
                            // Only signing and registering change what is trusted.
                            if matches!(number, 2 | 3) {
                                self.check()?;
                            }
                        }
                    }
                }
            }
            Event::Kill(name, steps) => {
                if self.processes[*name].is_up {
                    for number in 0..*steps {
                        self.processes[*name].step(number, &mut self.server, *name);
                        self.check()?;
                    }
                    self.processes[*name] = Process::default();
                }
            }
            Event::Start(name) => {
                if !self.processes[*name].is_up {
                    self.processes[*name] = Process::start(self.server.now);
                }
            }
            Event::Break(broken) => {
                let version = self.server.secret.as_ref().map(|(version, _)| *version);
                if *broken == Broken::Deleted {
                    self.server.secret = None;
                } else if version.is_some() {
                    self.server.write(version, Secret::Broken(*broken));
                }
            }
            Event::Edit(which) => {
                if let Some(bundle) = &mut self.server.bundle
                    && let Some(ca) = bundle.iter().nth(*which).copied()
                {
                    bundle.remove(&ca);
                    self.server.tampered = self.server.now;
                }
            }
            Event::Rotate { compromised } => {
                let version = self.server.secret.as_ref().map(|(version, _)| *version);
                if let Some(cas) = self.server.cas().cloned() {
                    let demanded = if *compromised { cas.compromised() } else { cas.leaving() };
                    self.server.write(version, Secret::Good(Box::new(demanded)));
                }
            }
        }
        Ok(())
    }

    /// Every certificate that is served is trusted by every API server, unless somebody has just edited the bundles or
    /// all keys were lost.
    fn check(&mut self) -> Result<(), TestCaseError> {
        let Some(bundle) = &self.server.bundle else { return Ok(()) };
        let remembered = self.processes.iter().filter_map(|process| process.memory.as_ref());
        let known: BTreeSet<Fingerprint> = remembered
            .map(|(cas, _)| cas)
            .chain(self.server.cas())
            .flat_map(|cas| [cas.current.id, cas.next.id])
            .collect();
        if bundle.is_disjoint(&known) {
            self.server.tampered = self.server.now;
        }
        let now = self.server.now;
        self.server.bundles.retain(|(at, _)| now - at < LAG);
        let Server { now, tampered, .. } = self.server;
        for (name, process) in self.processes.iter().enumerate() {
            let Some(leaf) = &process.leaf else { continue };
            prop_assert!(
                now + CLOCKS[name] < leaf.until + MENDED,
                "{name} serves a certificate that has ended"
            );
            prop_assert!(now < leaf.signer.until, "{name} serves a certificate of a CA that has ended");
            if now - tampered > MENDED {
                prop_assert!(
                    bundle.contains(&leaf.signer.id),
                    "at {now} replica {name} serves a certificate of {:?}, and trusted are {bundle:?}",
                    leaf.signer
                );
            }
            if now - tampered > LAG + MENDED {
                let mut old = self.server.bundles.iter().map(|(_, bundle)| bundle);
                prop_assert!(
                    old.all(|bundle| bundle.contains(&leaf.signer.id)),
                    "at {now} replica {name} serves a certificate of {:?}, which not all API servers trust yet",
                    leaf.signer
                );
            }
        }
        Ok(())
    }

    /// Lets time go by, with all replicas up and nothing in the way.
    fn rest(&mut self, seconds: i64) -> Result<(), TestCaseError> {
        for name in 0..3 {
            self.happens(&Event::Start(name))?;
        }
        for _ in 0..seconds / 3 {
            self.happens(&Event::Time { seconds: 3, order: [0, 1, 2], stalled: None })?;
        }
        Ok(())
    }

    /// All is in order: one set of CAs, which is registered, and everybody signs with the current one.
    fn is_in_order(&self) -> Result<(), TestCaseError> {
        let cas = self.server.cas();
        prop_assert!(cas.is_some(), "the Secret is {:?}", self.server.secret);
        let cas = cas.unwrap();
        prop_assert_eq!(
            self.server.bundle.as_ref(),
            Some(&cas.all().map(|ca| ca.id).collect::<BTreeSet<_>>())
        );
        for process in &self.processes {
            let signer = process.leaf.as_ref().map(|leaf| leaf.signer.id);
            prop_assert_eq!(signer, Some(cas.current.id));
        }
        Ok(())
    }
}

fn event() -> impl Strategy<Value = Event> {
    let order = Just([0, 1, 2]).prop_shuffle();
    let time = (1..4_i64, order, prop::option::weighted(0.2, 0..3_usize))
        .prop_map(|(seconds, order, stalled)| Event::Time { seconds, order, stalled });
    let broken = prop_oneof![Just(Broken::Deleted), Just(Broken::Emptied), Just(Broken::Garbage)];
    prop_oneof![
        60 => time,
        2 => (0..3_usize, 0..6_u8).prop_map(|(name, steps)| Event::Kill(name, steps)),
        4 => (0..3_usize).prop_map(Event::Start),
        1 => broken.prop_map(Event::Break),
        1 => (0..3_usize).prop_map(Event::Edit),
        1 => any::<bool>().prop_map(|compromised| Event::Rotate { compromised }),
    ]
}

#[test]
fn three_replicas_that_start_at_once_agree_on_the_same_cas() {
    let mut cluster = Cluster::new();
    cluster.rest(9).unwrap();
    cluster.is_in_order().unwrap();
    assert_eq!(
        cluster.server.version, 2,
        "they are written once, and then the note that all bundles hold the next one"
    );
}

#[test]
fn cas_follow_each_other_for_years_without_a_gap() {
    let mut cluster = Cluster::new();
    let mut currents = BTreeSet::new();
    for _ in 0..1_000 {
        cluster.rest(30).unwrap();
        currents.extend(cluster.server.cas().map(|cas| cas.current.id));
    }
    cluster.is_in_order().unwrap();
    // The first one, and one in each third of a life.
    assert_eq!(currents.len(), 16);
}

#[test]
fn replicas_that_are_killed_at_every_step_lose_nothing() {
    let mut cluster = Cluster::new();
    cluster.rest(30).unwrap();
    let mut currents = BTreeSet::new();
    for kill in 0..600 {
        let (name, steps) = (kill % 3, u8::try_from(kill / 3 % 6).unwrap());
        // Each time at another distance from a promotion.
        for _ in 0..16 + kill % 5 {
            let order = [kill % 3, (kill + 1) % 3, (kill + 2) % 3];
            cluster.happens(&Event::Time { seconds: 3, order, stalled: None }).unwrap();
        }
        cluster.happens(&Event::Kill(name, steps)).unwrap();
        cluster.happens(&Event::Time { seconds: 3, order: [0, 1, 2], stalled: None }).unwrap();
        cluster.happens(&Event::Start(name)).unwrap();
        currents.extend(cluster.server.cas().map(|cas| cas.current.id));
    }
    cluster.rest(30).unwrap();
    cluster.is_in_order().unwrap();
    assert!(currents.len() > 12, "{}", currents.len());
}

#[test]
fn a_broken_secret_holds_the_same_cas_again_within_five_seconds() {
    for broken in [Broken::Deleted, Broken::Emptied, Broken::Garbage] {
        let mut cluster = Cluster::new();
        cluster.rest(30).unwrap();
        let before = cluster.server.cas().unwrap().clone();
        cluster.happens(&Event::Break(broken)).unwrap();
        cluster.happens(&Event::Time { seconds: 3, order: [2, 1, 0], stalled: Some(1) }).unwrap();
        assert_eq!(cluster.server.cas(), Some(&before), "{broken:?}");
    }
}

#[test]
fn after_garbage_at_a_cold_start_an_operator_deletes_the_secret() {
    let mut cluster = Cluster::new();
    cluster.rest(30).unwrap();
    for name in 0..3 {
        cluster.happens(&Event::Kill(name, 0)).unwrap();
    }
    cluster.happens(&Event::Break(Broken::Garbage)).unwrap();
    cluster.rest(600).unwrap();
    assert!(cluster.server.cas().is_none(), "it is never overwritten");
    assert!(cluster.processes.iter().all(|process| process.leaf.is_none()));
    cluster.happens(&Event::Break(Broken::Deleted)).unwrap();
    cluster.rest(30).unwrap();
    cluster.is_in_order().unwrap();
}

#[test]
fn a_compromised_ca_is_gone_soon_and_without_a_gap() {
    let mut cluster = Cluster::new();
    cluster.rest(30).unwrap();
    let stolen: BTreeSet<_> = cluster.server.cas().unwrap().all().map(|ca| ca.id).collect();
    cluster.happens(&Event::Rotate { compromised: true }).unwrap();
    cluster.rest(150).unwrap();
    cluster.is_in_order().unwrap();
    assert!(cluster.server.bundle.as_ref().unwrap().is_disjoint(&stolen));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, max_shrink_iters: 5_000, ..ProptestConfig::default() })]

    #[test]
    fn what_is_served_is_trusted_whatever_happens(events in prop::collection::vec(event(), 1..900)) {
        let mut cluster = Cluster::new();
        for event in &events {
            cluster.happens(event)?;
        }
        cluster.rest(60)?;
        // As the log says.
        if matches!(cluster.server.secret, Some((_, Secret::Broken(Broken::Garbage)))) {
            cluster.happens(&Event::Break(Broken::Deleted))?;
        }
        cluster.rest(400)?;
        cluster.is_in_order()?;
        let cas = cluster.server.cas().unwrap();
        prop_assert!(cas.all().all(|ca| !cas.distrusts(ca)));
    }
}
