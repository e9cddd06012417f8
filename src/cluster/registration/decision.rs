//! What to do about the webhook configurations: a function of what was read, of what is wanted, and of the replicas.
//!
//! ```text
//! nothing is registered → the own objects' webhook alone, going on without an answer
//!   → probes come back → all webhooks, failing closed → what follows from the policies, for ever
//! ```
//!
//! INVARIANTS: a webhook at this server's address never gets a bundle without the CA of this replica's certificate,
//! nor loses the CA of another replica's. A webhook that some replica does not serve is not registered. Before the API
//! server was seen to ask this server, nothing begins to fail closed, and what is registered elsewhere stays.

use std::collections::BTreeSet;
use std::time::Duration;

use partywall_core::Phase;
use partywall_core::registration::OWN_OBJECTS;
use serde_json::{Value, json};

use super::bundle::Bundle;
use super::digest::Digest;
use super::live::{Both, Difference, Live, asks_the_same, name, set, target};
use super::rivalry::{Rivalry, There};
use super::version::Version;
use super::wanted::Wanted;
use crate::cluster::facts::{Fingerprint, Registered, Replicas, SnapshotId};

/// The annotation with the version of partywall that wrote a configuration.
const VERSION: &str = "partywall.dev/version";
/// The same, as a part of a JSON pointer.
const VERSION_POINTER: &str = "partywall.dev~1version";
/// The annotation by which somebody pauses the registration, as a part of a JSON pointer.
const PAUSE_POINTER: &str = "partywall.dev~1registration";
/// How long a newer version's configurations are left alone after the last of its replicas was seen.
///
/// A new replica may write before its Lease is seen: a Lease holds for 15 s, and is read every few seconds.
const LEFT_ALONE: Duration = Duration::from_secs(30);

/// All that the decision depends on, beside what is remembered.
#[derive(Clone, Copy, Debug)]
pub(super) struct Facts<'f> {
    /// The time, since any moment in the past.
    pub(super) now: Duration,
    /// Both configurations; `None` for one that is not there.
    pub(super) live: &'f Both<Option<Live>>,
    pub(super) wanted: &'f Wanted,
    /// The CAs that callers must trust; none before they are known.
    pub(super) bundle: &'f Bundle,
    /// The CA of the certificate that this replica serves.
    pub(super) signer: Option<Fingerprint>,
    pub(super) replicas: &'f Replicas,
    /// The version of this program.
    pub(super) version: &'f str,
    /// Whether others own the configurations.
    pub(super) is_external: bool,
}

/// What is remembered from one decision to the next.
#[derive(Clone, Debug, Default)]
pub(super) struct Memory {
    /// Whether probes have come back.
    pub(super) is_armed: bool,
    /// When a newer version was last seen to live, or first suspected to.
    newer: Option<Duration>,
    /// What was written last.
    last: Both<Option<Written>>,
    /// What the configuration was when it was last as it should be.
    settled: Both<Option<Settled>>,
    /// The writes of other replicas that want something else.
    rivalries: Both<Rivalry>,
}

/// A write that the API server took, or an apply that it refused for what others had written.
#[derive(Clone, Debug)]
struct Written {
    meant: Digest,
    /// The resource version after it.
    version: String,
    is_replacement: bool,
}

/// A configuration that was as it should be.
#[derive(Clone, Debug)]
struct Settled {
    meant: Digest,
    without_cas: Digest,
    /// When a replica wrote it last.
    written: Option<String>,
}

/// What to do next.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Action {
    /// Both configurations are as they should be.
    Nothing,
    /// Nothing may be written, or nothing can be.
    Wait(Why),
    /// A configuration is to be written.
    Write(Box<Write>),
    /// The API server is to be asked whether it asks this server.
    Probe,
}

impl Action {
    /// Returns whether the same is decided again while nothing but the time changes.
    pub(super) const fn is_lasting(&self) -> bool {
        match self {
            Self::Nothing => true,
            Self::Wait(why) => !matches!(why, Why::Newer(_) | Why::Rival { .. }),
            Self::Write(_) | Self::Probe => false,
        }
    }
}

/// The reason why nothing is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// Others own the configurations.
    External,
    /// Somebody paused the registration.
    Paused,
    /// A newer version of partywall wrote them.
    Newer(String),
    /// The Leases of the replicas are not read yet.
    NoReplicas,
    /// The CAs are not known yet.
    NoBundle,
    /// The certificate that is served is not signed by a CA of the bundle, or there is none yet.
    NoSigner,
    /// The API server changes what it is given.
    Kept(&'static str),
    /// Another replica has written a configuration otherwise: just now perhaps by policies that this one does not know
    /// yet, or again and again.
    Rival { is_stubborn: bool },
}

/// A configuration to be written.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Write {
    pub(super) phase: Phase,
    /// What the configuration should be.
    pub(super) meant: Value,
    /// The whole object that replaces the one of its resource version; `None`: `meant` is applied.
    ///
    /// An apply leaves what others have added, such as a selector that matches nothing.
    pub(super) replacement: Option<Value>,
    /// The resource version of the configuration that was read; `None` if there was none. What was written since is not
    /// overwritten, such as that somebody pauses the registration.
    pub(super) version: Option<String>,
    /// Whether somebody else changed the configuration.
    pub(super) is_drift: bool,
}

impl Write {
    fn apply(phase: Phase, meant: Value, live: Option<&Live>) -> Self {
        let version = live.map(|live| live.version().to_owned());
        Self { phase, meant, replacement: None, version, is_drift: false }
    }
}

/// How far the registration is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// CAs can be added to what is registered.
    Extend,
    /// The API server was not seen to ask this server, or there are no policies yet.
    First,
    /// All webhooks are registered.
    Full,
}

/// Decides what to do next. A write is noted by [`Memory::note`], and then it is decided again.
pub(super) fn decide(facts: &Facts<'_>, memory: &mut Memory) -> Action {
    if facts.is_external {
        return Action::Wait(Why::External);
    }
    if facts.is_paused() {
        return Action::Wait(Why::Paused);
    }
    if let Some(newer) = facts.newer(memory) {
        return Action::Wait(Why::Newer(newer));
    }
    if !facts.replicas.is_known {
        return Action::Wait(Why::NoReplicas);
    }
    if facts.bundle.is_empty() {
        return Action::Wait(Why::NoBundle);
    }
    let stage = facts.stage(memory);
    let (mut kept, mut rival): (_, Option<bool>) = (None, None);
    for phase in Both::<()>::PHASES {
        let Some(meant) = facts.meant(phase, stage) else { continue };
        let live = facts.live.of(phase).as_ref();
        let difference = live.map_or(Difference::Some, |live| live.compare(&meant));
        let (digest, without_cas) = (Digest::of(&meant), Digest::without_cas(&meant));
        if difference == Difference::None {
            let written = live.and_then(Live::written).map(str::to_owned);
            *memory.settled.of_mut(phase) = Some(Settled { meant: digest, without_cas, written });
            memory.rivalries.of_mut(phase).settle(facts.now);
            continue;
        }
        let settled = memory.settled.of(phase).as_ref();
        let was_settled = settled.is_some_and(|settled| settled.meant == digest);
        let wanted_the_same = settled.filter(|settled| settled.without_cas == without_cas);
        let is_rival = wanted_the_same.zip(live).is_some_and(|(settled, live)| {
            live.written() != settled.written.as_deref()
                && live.annotation(VERSION_POINTER) == Some(facts.version)
                && !memory.wrote(phase, live)
        });
        let is_own = live.is_some_and(|live| memory.wrote(phase, live));
        let rivalry = memory.rivalries.of_mut(phase);
        if let Some(live) = live
            && rivalry.waits(without_cas, There { live, is_rival, is_own }, facts.now)
        {
            rival = Some(rival.unwrap_or_default() | rivalry.is_stubborn());
            // What callers must trust waits for nobody: another replica's webhooks get it too.
            if let Some(meant) = facts.meant(phase, Stage::Extend)
                && live.compare(&meant) == Difference::Some
                && memory.last_write(phase, Digest::of(&meant), Some(live)).is_none()
            {
                return Action::Write(Box::new(Write::apply(phase, meant, Some(live))));
            }
            continue;
        }
        let replacement = match (live, memory.last_write(phase, digest, live)) {
            (Some(_), Some(written)) if written.is_replacement => {
                kept.get_or_insert(kind(phase));
                continue;
            }
            (Some(live), Some(_)) => Some(live.replaced_by(&meant)),
            (_, None) | (None, _) => None,
        };
        let is_rivals = memory.rivalries.of_mut(phase).overwrite(facts.now);
        let is_drift = was_settled && !is_rivals;
        return Action::Write(Box::new(Write { replacement, is_drift, ..Write::apply(phase, meant, live) }));
    }
    if let Some(is_stubborn) = rival {
        return Action::Wait(Why::Rival { is_stubborn });
    }
    match (stage, kept) {
        (Stage::Extend, _) => Action::Wait(Why::NoSigner),
        (Stage::First, _) if facts.wanted.has_policies && facts.asks_for_own_objects() => Action::Probe,
        (_, Some(kind)) => Action::Wait(Why::Kept(kind)),
        (Stage::First | Stage::Full, None) => Action::Nothing,
    }
}

/// Returns what the configurations hold.
pub(super) fn registered(facts: &Facts<'_>, memory: &Memory) -> Registered {
    let all = || facts.live.iter().flatten().flat_map(Live::webhooks);
    let own: Vec<&Value> = all().filter(|webhook| facts.is_external || facts.is_here(webhook)).collect();
    let mut bundles = own.iter().map(|webhook| Bundle::of_webhook(webhook).cas());
    let first = bundles.next();
    let trusted = first.map(|first| bundles.fold(first, |trusted, cas| &trusted & &cas));
    let names: BTreeSet<&str> = own.iter().map(|webhook| name(webhook)).collect();
    let has_others = names.iter().any(|name| *name != OWN_OBJECTS);
    let is_complete = || facts.registrable().iter().all(|name| names.contains(&**name));
    let is_armed = has_others && (facts.is_external || !facts.wanted.has_policies || is_complete());
    // What a newer version means by its webhooks, this one cannot tell.
    let is_newers = !facts.is_external && facts.newest().is_some_and(|(newest, _)| facts.is_newer(&newest));
    let is_as_meant = || {
        if facts.is_external {
            return facts.has_all_elsewhere(&own);
        }
        let mut phases = Both::<()>::PHASES.into_iter();
        facts.stage(memory) == Stage::Full
            && phases.all(|phase| {
                let Some(meant) = facts.meant(phase, Stage::Full) else { return true };
                let live = facts.live.of(phase).as_ref();
                live.is_some_and(|live| live.compare(&meant) != Difference::Some)
            })
    };
    Registered {
        is_known: true,
        trusted,
        is_current: facts.wanted.has_policies && is_armed && (is_newers || is_as_meant()),
        is_armed,
        is_paused: facts.is_paused(),
        // Of those that others write or keep, nobody would take one away.
        is_served: facts.is_external
            || facts.is_paused()
            || own.iter().all(|webhook| facts.serves_or_nobody_does(name(webhook))),
        snapshot: SnapshotId::default(),
    }
}

impl Memory {
    /// Notes that the API server answered a write, and what there is now.
    pub(super) fn note(&mut self, write: &Write, answer: &Live) {
        let Write { phase, meant, replacement, .. } = write;
        let (meant, version) = (Digest::of(meant), answer.version().to_owned());
        *self.last.of_mut(*phase) = Some(Written { meant, version, is_replacement: replacement.is_some() });
    }

    /// Returns whether the configuration is what became of the last write.
    fn wrote(&self, phase: Phase, live: &Live) -> bool {
        self.last.of(phase).as_ref().is_some_and(|written| written.version == live.version())
    }

    /// Returns the last write, if the configuration is what became of it.
    fn last_write(&self, phase: Phase, meant: Digest, live: Option<&Live>) -> Option<&Written> {
        let written = self.last.of(phase).as_ref()?;
        (written.meant == meant && written.version == live?.version()).then_some(written)
    }
}

impl Facts<'_> {
    /// Returns whether this replica serves a webhook, or no other one does to which its requests could go instead.
    fn serves_or_nobody_does(&self, name: &str) -> bool {
        self.wanted.names.contains(name)
            || !self.replicas.live.iter().any(|replica| replica.entries.contains(name))
    }

    fn is_paused(&self) -> bool {
        self.live.iter().flatten().any(|live| live.annotation(PAUSE_POINTER) == Some("paused"))
    }

    /// Returns the newest version that wrote a configuration, parsed and as it is written.
    fn newest(&self) -> Option<(Version, &str)> {
        let texts = self.live.iter().flatten().filter_map(|live| live.annotation(VERSION_POINTER));
        texts.filter_map(|text| Some((Version::parse(text)?, text))).max()
    }

    fn is_newer(&self, other: &Version) -> bool {
        Version::parse(self.version).is_some_and(|own| *other > own)
    }

    /// Returns the version of the configurations, if it is newer and a replica of a newer version may live.
    fn newer(&self, memory: &mut Memory) -> Option<String> {
        let newer = self.newest().filter(|(newest, _)| self.is_newer(newest));
        let Some((_, text)) = newer else {
            memory.newer = None;
            return None;
        };
        let lives = !self.replicas.is_known
            || self.replicas.live.iter().any(|replica| {
                Version::parse(&replica.version).is_some_and(|version| self.is_newer(&version))
            });
        let since = memory.newer.filter(|_| !lives).unwrap_or(self.now);
        memory.newer = Some(since);
        (self.now.saturating_sub(since) < LEFT_ALONE).then(|| text.to_owned())
    }

    fn stage(&self, memory: &Memory) -> Stage {
        if !self.signer.is_some_and(|signer| self.bundle.holds(signer)) {
            Stage::Extend
        } else if self.wanted.has_policies && (memory.is_armed || self.was_armed()) {
            Stage::Full
        } else {
            Stage::First
        }
    }

    /// Returns whether webhooks at this server's address are registered, other than that of partywall's own objects.
    fn was_armed(&self) -> bool {
        let mut all = self.live.iter().flatten().flat_map(Live::webhooks);
        all.any(|webhook| name(webhook) != OWN_OBJECTS && self.is_known(webhook) && self.is_here(webhook))
    }

    fn is_known(&self, webhook: &Value) -> bool {
        self.wanted.names.contains(name(webhook))
    }

    /// Returns whether the API server would find this server by the webhook.
    fn is_here(&self, webhook: &Value) -> bool {
        target(webhook).is_some_and(|target| target == self.wanted.target)
    }

    fn asks_for_own_objects(&self) -> bool {
        let live = self.live.of(Phase::Validate).iter().flat_map(Live::webhooks);
        live.into_iter().any(|webhook| name(webhook) == OWN_OBJECTS && self.is_here(webhook))
    }

    /// Returns the names of the webhooks that every replica serves.
    ///
    /// A Lease that names none tells nothing: a replica without any webhook would be none of partywall's.
    fn served(&self) -> BTreeSet<&'static str> {
        let telling = || self.replicas.live.iter().filter(|replica| !replica.entries.is_empty());
        let is_served = |name: &str| telling().all(|replica| replica.entries.contains(name));
        self.wanted.names.iter().copied().filter(|name| is_served(name)).collect()
    }

    /// Returns the names of the webhooks that the policies demand and every replica serves.
    fn registrable(&self) -> BTreeSet<String> {
        let served = self.served();
        let configurations = self.wanted.configurations.iter();
        let webhooks =
            configurations.filter_map(|one| one.get("webhooks").and_then(Value::as_array)).flatten();
        webhooks.map(name).filter(|name| served.contains(name)).map(str::to_owned).collect()
    }

    /// Returns whether webhooks that others registered, at any address, ask what the policies demand.
    fn has_all_elsewhere(&self, live: &[&Value]) -> bool {
        let served = self.served();
        let wanted = self.wanted.configurations.iter();
        let mut wanted = wanted.filter_map(|one| one.get("webhooks").and_then(Value::as_array)).flatten();
        wanted.all(|wanted| {
            !served.contains(name(wanted)) || live.iter().any(|live| asks_the_same(wanted, live))
        })
    }

    /// Returns the CAs that a webhook at this server's address is to have.
    ///
    /// What is registered and another replica wants stays, so that replicas that know different CAs end at the same.
    fn bundle(&self) -> Bundle {
        let mut bundle = self.bundle.clone();
        let wanted = |ca: Fingerprint| {
            self.replicas.live.iter().any(|replica| replica.signer == Some(ca) || replica.cas.contains(&ca))
        };
        for webhook in self.live.iter().flatten().flat_map(Live::webhooks) {
            bundle.add(&Bundle::of_webhook(webhook), wanted);
        }
        bundle
    }

    /// Returns what a configuration should be at a stage; `None` if it need not exist.
    fn meant(&self, phase: Phase, stage: Stage) -> Option<Value> {
        let live = self.live.of(phase).as_ref();
        let wanted = self.wanted.configurations.of(phase);
        let of_wanted = || wanted.get("webhooks").and_then(Value::as_array).into_iter().flatten();
        let of_live = || live.into_iter().flat_map(Live::webhooks);
        let webhooks: Vec<Value> = match stage {
            Stage::Extend => of_live().map(|webhook| self.extended(webhook)).collect(),
            Stage::First => {
                let served = self.served();
                let is_own = |webhook: &&Value| name(webhook) == OWN_OBJECTS;
                let first = of_wanted().filter(is_own).map(|webhook| self.first(webhook, live));
                let kept = of_live().filter(|webhook| !is_own(webhook)).map(|webhook| self.kept(webhook));
                first.chain(kept).filter(|webhook| served.contains(name(webhook))).collect()
            }
            Stage::Full => {
                let (served, bundle) = (self.served(), self.bundle());
                let mut webhooks: Vec<Value> =
                    of_wanted().filter(|webhook| served.contains(name(webhook))).cloned().collect();
                webhooks.iter_mut().for_each(|webhook| bundle.write(webhook));
                webhooks
            }
        };
        if webhooks.is_empty() && live.is_none() {
            return None;
        }
        let mut meant = wanted.clone();
        set(&mut meant, "webhooks", webhooks.into());
        if let Some(annotations) = meant.pointer_mut("/metadata/annotations") {
            set(annotations, VERSION, json!(self.version));
        }
        Some(meant)
    }

    /// Returns the webhook of partywall's own objects, as it is before the API server was seen to ask this server.
    ///
    /// It goes on without an answer, so that nobody is locked out by an address that leads nowhere. One that failed
    /// closed before does so still.
    fn first(&self, webhook: &Value, live: Option<&Live>) -> Value {
        let mut webhook = webhook.clone();
        let mut registered = live.into_iter().flat_map(Live::webhooks);
        let failed_closed = registered.any(|live| {
            name(live) == OWN_OBJECTS
                && self.is_here(live)
                && live.get("failurePolicy") == Some(&json!("Fail"))
        });
        if !failed_closed {
            set(&mut webhook, "failurePolicy", json!("Ignore"));
        }
        self.bundle().write(&mut webhook);
        webhook
    }

    /// Returns a registered webhook as it is, with the CAs that it is to have at this server's address.
    fn kept(&self, webhook: &Value) -> Value {
        let mut webhook = webhook.clone();
        if self.is_here(&webhook) {
            self.bundle().write(&mut webhook);
        }
        webhook
    }

    /// Returns a registered webhook as it is, with more CAs at this server's address.
    fn extended(&self, webhook: &Value) -> Value {
        let mut webhook = webhook.clone();
        if self.is_here(&webhook) {
            let mut bundle = Bundle::of_webhook(&webhook);
            bundle.add(self.bundle, |_| true);
            bundle.write(&mut webhook);
        }
        webhook
    }
}

/// Returns the kind of a configuration, as kubectl takes it.
pub(super) const fn kind(phase: Phase) -> &'static str {
    match phase {
        Phase::Mutate => "mutatingwebhookconfiguration",
        Phase::Validate => "validatingwebhookconfiguration",
    }
}

#[cfg(test)]
mod tests;
