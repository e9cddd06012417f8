//! `partywall rotate-ca`: asks the replicas to replace the CA, and tells how far they are.
//!
//! The command writes what is wanted into the Secret with the CAs, once. The replicas do the rest, so that nothing is
//! left half done if the command is interrupted: the next CA comes into all bundles, each replica changes to a
//! certificate of it, and only then a CA that is not trusted any more leaves the bundles.

mod progress;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Context, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use kube::Client;
use kube::api::{GetParams, ListParams, PostParams};
use kube::core::Request;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use self::progress::{Goal, Stage, State, stage};
use super::authority::{Cas, Found, Names, write};
use super::connect::{self, Access};
use super::facts::Fingerprint;
use super::installation::{CA_SECRET, CONFIGURATIONS, REPLICA_PREFIX};
use super::send::send;

/// The time between two looks.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long a Lease counts after it was last seen to change.
const LEASE: Duration = Duration::from_secs(20);
/// How much earlier than the newest one a Lease was renewed that nobody renews any more.
const ABANDONED: SignedDuration = SignedDuration::from_secs(60);
/// When a Lease was renewed.
const RENEWED: &str = "/spec/renewTime";
/// How often a write is tried again because a replica was faster.
const TRIES: usize = 5;
/// The annotation of a Lease with the CA of the certificate that its replica serves.
const SIGNER: &str = "/metadata/annotations/partywall.dev~1signer";

/// What is to be rotated, and where.
#[derive(Debug)]
pub(crate) struct Rotation {
    /// The namespace of partywall.
    pub(crate) namespace: String,
    /// Whether somebody else may have the keys of all CAs.
    pub(crate) compromised: bool,
    /// How long to wait for the replicas.
    pub(crate) timeout: Duration,
}

impl Rotation {
    /// Asks the replicas, and waits until they are done. Returns whether they are in time.
    pub(crate) async fn run(&self, access: Access, say: &mut dyn FnMut(&str)) -> anyhow::Result<bool> {
        self.follow(&connect::client(access).await?, say).await
    }

    async fn follow(&self, client: &Client, say: &mut dyn FnMut(&str)) -> anyhow::Result<bool> {
        let begun = Instant::now();
        let goal = self.demand(client).await?;
        say(&match &goal {
            Goal::Replace(old) => format!("asked the replicas to replace the CA {}", old.short()),
            Goal::Distrust(_) => {
                "asked the replicas to replace all CAs, and to trust the old ones no more".to_owned()
            }
        });
        let mut leases = Leases::default();
        let mut told = None;
        loop {
            let state = self.look(client, &mut leases).await?;
            let stage = stage(&goal, &state);
            if told.as_ref() != Some(&stage) {
                say(&stage.to_string());
                told = Some(stage.clone());
            }
            if matches!(stage, Stage::Done { .. }) {
                return Ok(true);
            }
            if begun.elapsed() >= self.timeout {
                say(
                    "the replicas are not done in time; they go on without this command. See their logs, and \
                     `partywall doctor`",
                );
                return Ok(false);
            }
            sleep(LOOK_EVERY).await;
        }
    }

    /// Writes what is wanted into the Secret.
    async fn demand(&self, client: &Client) -> anyhow::Result<Goal> {
        for _ in 0..TRIES {
            let found = self.read(client).await?;
            let Found::Good(_, cas) = &found else { bail!("{}", self.useless(&found)) };
            let (goal, wanted) = if self.compromised {
                let wanted = cas.compromised();
                (Goal::Distrust(wanted.distrusted.clone()), wanted)
            } else {
                (Goal::Replace(cas.current.id), cas.leaving())
            };
            match self.replace(client, &wanted, &found).await {
                Ok(()) => return Ok(goal),
                Err(failure) if failure.code() == Some(409) => {}
                Err(failure) => return Err(failure).with_context(|| format!("the Secret {}", self.secret())),
            }
        }
        bail!("the Secret {} is written by others again and again; try again", self.secret())
    }

    async fn replace(&self, client: &Client, cas: &Cas, found: &Found) -> Result<(), super::send::Failure> {
        let secret = write(cas, &self.namespace, found.object()).to_string().into_bytes();
        let request = Request::new(self.path()).replace(CA_SECRET, &PostParams::default(), secret);
        send::<Value>(client, request).await.map(drop)
    }

    /// Reads what the replicas have done.
    async fn look(&self, client: &Client, leases: &mut Leases) -> anyhow::Result<State> {
        let cas = match self.read(client).await? {
            Found::Good(_, cas) => Some(*cas),
            // The replicas restore it.
            Found::Absent | Found::Empty(_) | Found::Garbage(..) => None,
        };
        let (mut everywhere, mut anywhere) = (None::<BTreeSet<Fingerprint>>, BTreeSet::new());
        for kind in ["mutatingwebhookconfigurations", "validatingwebhookconfigurations"] {
            let path = format!("/apis/admissionregistration.k8s.io/v1/{kind}");
            let request = Request::new(path).get(CONFIGURATIONS, &GetParams::default());
            let configuration = match send::<Value>(client, request).await {
                Ok(configuration) => configuration,
                Err(failure) if failure.code() == Some(404) => continue,
                Err(failure) => {
                    return Err(failure).with_context(|| format!("the {kind} `{CONFIGURATIONS}`"));
                }
            };
            for webhook in configuration.get("webhooks").and_then(Value::as_array).into_iter().flatten() {
                let bundle = bundle(webhook);
                anywhere.extend(&bundle);
                everywhere = Some(everywhere.map_or_else(|| bundle.clone(), |all| &all & &bundle));
            }
        }
        let path = format!("/apis/coordination.k8s.io/v1/namespaces/{}/leases", self.namespace);
        let list: Value = send(client, Request::new(path).list(&ListParams::default()))
            .await
            .with_context(|| format!("the Leases in the namespace {}", self.namespace))?;
        let signers = leases.live(&list, Instant::now());
        Ok(State { cas, everywhere, anywhere, signers })
    }

    async fn read(&self, client: &Client) -> anyhow::Result<Found> {
        let request = Request::new(self.path()).get(CA_SECRET, &GetParams::default());
        match send(client, request).await {
            Ok(secret) => Ok(Found::read(secret, &Names::of(&self.namespace, None))),
            Err(failure) if failure.code() == Some(404) => Ok(Found::Absent),
            Err(failure) => Err(failure).with_context(|| format!("the Secret {}", self.secret())),
        }
    }

    /// Returns why nothing can be rotated.
    fn useless(&self, found: &Found) -> String {
        let secret = self.secret();
        match found {
            Found::Garbage(_, flawed) => format!(
                "the Secret {secret} cannot be used: {flawed}; a replica that has read it before restores it"
            ),
            Found::Absent | Found::Empty(_) | Found::Good(..) => format!(
                "there are no CAs of partywall in the Secret {secret}; where cert-manager or somebody else issues the \
                 certificate, the CA is replaced there"
            ),
        }
    }

    fn secret(&self) -> String {
        format!("{}/{CA_SECRET}", self.namespace)
    }

    fn path(&self) -> String {
        format!("/api/v1/namespaces/{}/secrets", self.namespace)
    }
}

/// Returns the CAs that a webhook is verified by; none if what it holds is no bundle.
fn bundle(webhook: &Value) -> BTreeSet<Fingerprint> {
    let text = webhook.pointer("/clientConfig/caBundle").and_then(Value::as_str).unwrap_or_default();
    let pem = STANDARD.decode(text).unwrap_or_default();
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    certificates.unwrap_or_default().iter().map(|der| Fingerprint::of(der)).collect()
}

/// The Leases of the replicas, each with its version and when that was first seen; `None` if it looked abandoned then.
///
/// The clock of this machine is not compared with theirs.
#[derive(Default)]
struct Leases(BTreeMap<String, (String, Option<Instant>)>);

impl Leases {
    /// Returns the replicas that live, each with the CA of the certificate that it serves.
    fn live(&mut self, list: &Value, now: Instant) -> BTreeMap<String, Option<Fingerprint>> {
        let mut seen = BTreeMap::new();
        let mut live = BTreeMap::new();
        let leases = || list.get("items").and_then(Value::as_array).into_iter().flatten();
        let renewed = |lease: &Value| lease.pointer(RENEWED)?.as_str()?.parse::<Timestamp>().ok();
        let newest = leases().filter_map(renewed).max();
        for lease in leases() {
            let text = |pointer: &str| lease.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
            let Some(name) = text("/metadata/name").strip_prefix(REPLICA_PREFIX) else { continue };
            let version = text("/metadata/resourceVersion");
            // That of a replica with a clock that is behind looks abandoned until it is renewed.
            let is_old = || {
                newest
                    .zip(renewed(lease))
                    .is_some_and(|(newest, renewed)| newest.duration_since(renewed) > ABANDONED)
            };
            let since = match self.0.get(name) {
                Some((before, since)) if before == version => *since,
                Some(_) => Some(now),
                None => (!is_old()).then_some(now),
            };
            if since.is_some_and(|since| now.duration_since(since) < LEASE) {
                live.insert(name.to_owned(), Fingerprint::parse(text(SIGNER)));
            }
            seen.insert(name.to_owned(), (version.to_owned(), since));
        }
        self.0 = seen;
        live
    }
}

#[cfg(test)]
mod tests;
