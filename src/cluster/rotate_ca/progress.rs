//! How far a rotation is: a function of the Secret, the webhook configurations and the Leases.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::cluster::authority::Cas;
use crate::cluster::facts::Fingerprint;

/// What is to be reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Goal {
    /// Another CA than this one signs.
    Replace(Fingerprint),
    /// None of these is trusted any more.
    Distrust(BTreeSet<Fingerprint>),
}

/// What was read.
#[derive(Clone, Debug, Default)]
pub(super) struct State {
    /// The CAs; `None` while the Secret cannot be used.
    pub(super) cas: Option<Cas>,
    /// The CAs that the bundles of all webhooks hold; `None` if none is registered.
    pub(super) everywhere: Option<BTreeSet<Fingerprint>>,
    /// The CAs that the bundle of any webhook holds.
    pub(super) anywhere: BTreeSet<Fingerprint>,
    /// The replicas that live, each with the CA of the certificate that it serves.
    pub(super) signers: BTreeMap<String, Option<Fingerprint>>,
}

/// How far it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    NoSecret,
    NoReplica,
    /// A CA of which nobody has the key must be made.
    Make,
    /// The bundles must hold the next CA.
    Register(Fingerprint),
    /// Every API server must use the bundles.
    Settle(Fingerprint),
    /// These replicas must change to a certificate of the new CA.
    Change(Fingerprint, Vec<String>),
    /// The bundles must hold the CA that signs next.
    Extend(Fingerprint),
    /// The old CAs must leave the Secret and the bundles.
    Drop(Vec<Fingerprint>),
    Done {
        current: Fingerprint,
        replicas: usize,
    },
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSecret => f.write_str("waiting until a replica restores the Secret"),
            Self::NoReplica => f.write_str("waiting for replicas: no Lease is renewed"),
            Self::Make => f.write_str("waiting until a replica makes a fresh CA"),
            Self::Register(next) => {
                write!(f, "waiting until the bundles of all webhooks hold the CA {}", next.short())
            }
            Self::Settle(next) => write!(
                f,
                "the bundles of all webhooks hold the CA {}; waiting two minutes, so that every API server uses them",
                next.short()
            ),
            Self::Change(current, replicas) => write!(
                f,
                "the CA {} signs; waiting until these replicas serve a certificate of it: {}",
                current.short(),
                replicas.join(", ")
            ),
            Self::Extend(next) => {
                write!(f, "waiting until the bundles of all webhooks hold the CA after it, {}", next.short())
            }
            Self::Drop(old) => {
                let old: Vec<String> = old.iter().map(|id| id.short()).collect();
                write!(f, "waiting until no bundle holds the old CAs: {}", old.join(", "))
            }
            Self::Done { current, replicas } => write!(
                f,
                "done: all replicas ({replicas}) serve certificates of the CA {}, which all webhooks trust",
                current.short()
            ),
        }
    }
}

/// Returns how far it is.
pub(super) fn stage(goal: &Goal, state: &State) -> Stage {
    let State { cas, everywhere, anywhere, signers } = state;
    let Some(cas) = cas else { return Stage::NoSecret };
    if signers.is_empty() {
        return Stage::NoReplica;
    }
    let (current, next) = (cas.current.id, cas.next.id);
    let is_everywhere = |id| everywhere.as_ref().is_none_or(|all| all.contains(&id));
    let is_old = |id: &Fingerprint| match goal {
        Goal::Replace(old) => id == old,
        Goal::Distrust(old) => old.contains(id),
    };
    if is_old(&current) {
        return if is_old(&next) {
            Stage::Make
        } else if is_everywhere(next) {
            Stage::Settle(next)
        } else {
            Stage::Register(next)
        };
    }
    let late = signers.iter().filter(|(_, signer)| **signer != Some(current));
    let late: Vec<String> = late.map(|(replica, _)| replica.clone()).collect();
    if !late.is_empty() {
        return Stage::Change(current, late);
    }
    if !is_everywhere(next) {
        return Stage::Extend(next);
    }
    if let Goal::Distrust(old) = goal {
        let left = |id: &&Fingerprint| cas.contains(**id) || anywhere.contains(*id);
        let left: Vec<Fingerprint> = old.iter().filter(left).copied().collect();
        if !left.is_empty() {
            return Stage::Drop(left);
        }
    }
    Stage::Done { current, replicas: signers.len() }
}
