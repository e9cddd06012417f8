//! Mode *self*: this program's own CAs, in one Secret, and a serving certificate in the memory of each replica.
//!
//! ```text
//! Secret → decide → write → choose a signer → serving certificate → the server
//!             ↑                                      └→ Trust → registration, leases
//! Registered, Replicas
//! ```
//!
//! Every three seconds the Secret is read, and all of this is done by the time of day, so that a suspended machine or a
//! clock that was set is noticed.
//!
//! INVARIANT: from SIGTERM on nothing is written.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use kube::Client;
use kube::api::{GetParams, PostParams};
use kube::core::Request;
use serde_json::Value;
use thiserror::Error;
use tokio::time::Instant;
use tracing::{error, info, warn};

use super::cas::Cas;
use super::certificate::{Flaw, make_ca, make_leaf};
use super::channels::{Inputs, Outputs, WAIT};
use super::decide::{Live, Step, World, decide};
use super::leaf::{Leaf, signer};
use super::lifetimes::Lifetimes;
use super::names::Names;
use super::secret::{Found, write};
use super::trust::trust;
use crate::cluster::facts::{Fingerprint, Trust};
use crate::cluster::installation::CA_SECRET;
use crate::cluster::send::{self, send};
use crate::telemetry::{CertificateFile, Metrics};

/// How long what the Secret held is passed on while the API server does not answer: later, other replicas may have
/// replaced CAs, and an old bundle must not be registered when the API server comes back.
const STALE: Duration = Duration::from_secs(10);
/// How often a write is tried again at once because another replica was faster.
const TRIES: usize = 4;

/// The reason why the CAs are not as they should be.
#[derive(Debug, Error)]
enum Failure {
    #[error(transparent)]
    Refused(#[from] send::Failure),
    #[error("a certificate of its own: {0}")]
    Certificate(#[from] Flaw),
    #[error("other replicas write it again and again")]
    Contended,
}

/// The CAs of this installation.
pub(super) struct Own {
    client: Client,
    namespace: String,
    names: Names,
    lifetimes: Lifetimes,
    now: Arc<dyn Fn() -> i64 + Send + Sync>,
    metrics: Arc<Metrics>,
    started: Instant,
    /// The Secret, as read or written last.
    found: Found,
    /// The CAs that were in it last, and when that was.
    memory: Option<(Cas, Instant)>,
    /// Since when it cannot be used.
    unusable_since: Option<Instant>,
    /// The next CA, if all bundles hold it, and since when that has been seen.
    seen: Option<(Fingerprint, Instant)>,
    /// When the API server answered last.
    contact: Instant,
    leaf: Option<Leaf>,
    /// What was logged last, as long as it holds.
    told: Told,
}

/// What an operator knows from the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    Good,
    Failing,
    NeedsHelp,
}

/// What became of the Secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// It holds CAs.
    Good,
    /// It does not, and another replica may know them.
    Waits,
    /// Somebody must mend it.
    NeedsHelp,
}

impl Own {
    pub(super) fn new(
        client: Client,
        namespace: String,
        names: Names,
        lifetimes: Lifetimes,
        now: Arc<dyn Fn() -> i64 + Send + Sync>,
        metrics: Arc<Metrics>,
    ) -> Self {
        let started = Instant::now();
        Self {
            client,
            namespace,
            names,
            lifetimes,
            now,
            metrics,
            started,
            found: Found::Absent,
            memory: None,
            unusable_since: None,
            seen: None,
            contact: started,
            leaf: None,
            told: Told::Good,
        }
    }

    /// Keeps the CAs and the serving certificate, for ever.
    pub(super) async fn run(mut self, mut inputs: Inputs, outputs: Outputs) -> std::convert::Infallible {
        loop {
            self.look(&inputs, &outputs).await;
            inputs.wait().await;
        }
    }

    /// Does once what is to be done.
    async fn look(&mut self, inputs: &Inputs, outputs: &Outputs) {
        let result = self.keep(inputs).await;
        let is_silent = matches!(&result, Err(Failure::Refused(refused)) if refused.is_silence());
        if !is_silent {
            self.contact = Instant::now();
        }
        let result = result.and_then(|outcome| {
            self.serve(inputs, outputs)?;
            Ok(outcome)
        });
        self.tell(result);
        let is_stale = is_silent && self.contact.elapsed() >= STALE;
        outputs.publish(self.trust(is_stale));
    }

    /// Reads the Secret and writes it if that is to be done.
    async fn keep(&mut self, inputs: &Inputs) -> Result<Outcome, Failure> {
        let mut read = self.read().await?;
        for _ in 0..TRIES {
            self.remember(read);
            self.see(inputs);
            let step = self.decide(inputs);
            let wanted = self.wanted(step)?;
            let Some(cas) = wanted.filter(|_| !inputs.is_stopping()) else {
                return Ok(match (step, &self.found) {
                    (Step::AskForHelp, _) => Outcome::NeedsHelp,
                    (_, Found::Good(..)) => Outcome::Good,
                    (_, Found::Absent | Found::Empty(_) | Found::Garbage(..)) => Outcome::Waits,
                });
            };
            match self.write(&cas).await {
                Ok(written) => {
                    self.note(step, &cas);
                    self.remember(written);
                    return Ok(Outcome::Good);
                }
                // Another was faster: there is one now, or a later version, or none any more.
                Err(failure)
                    if failure.code() == Some(409)
                        || failure.code() == Some(404) && self.found.object().is_some() =>
                {
                    read = self.read().await?;
                }
                Err(failure) => return Err(failure.into()),
            }
        }
        Err(Failure::Contended)
    }

    fn remember(&mut self, found: Found) {
        if let Found::Good(_, cas) = &found {
            self.memory = Some(((**cas).clone(), Instant::now()));
            self.unusable_since = None;
            self.metrics.certificate_expiry.set(CertificateFile::CurrentCa, cas.current.until);
            self.metrics.certificate_expiry.set(CertificateFile::NextCa, cas.next.until);
        } else {
            self.unusable_since.get_or_insert_with(Instant::now);
        }
        self.found = found;
    }

    /// Notes since when all bundles have held the next CA.
    fn see(&mut self, inputs: &Inputs) {
        let registered = inputs.registered.borrow();
        let next = self.memory.as_ref().map(|(cas, _)| &cas.next);
        let next = next.filter(|next| Live::of(&registered).accepts(next)).map(|next| next.id);
        self.seen = match (next, self.seen) {
            (Some(next), Some((seen, since))) if next == seen => Some((seen, since)),
            (next, _) => next.map(|next| (next, Instant::now())),
        };
    }

    fn decide(&self, inputs: &Inputs) -> Step {
        let memory = self.memory.as_ref().map(|(_, since)| since.elapsed());
        let (registered, replicas) = (inputs.registered.borrow(), inputs.replicas.borrow());
        let world = World {
            live: Live::of(&registered),
            replicas: &replicas,
            now: (self.now)(),
            unusable: self.unusable_since.map(|since| since.elapsed()).unwrap_or_default(),
            seen: self.seen.map(|(_, since)| since.elapsed()).unwrap_or_default(),
            lifetimes: self.lifetimes,
        };
        decide(self.found.view(), memory, &world)
    }

    /// Returns the CAs that the Secret is to hold; `None` if it stays as it is.
    fn wanted(&self, step: Step) -> Result<Option<Cas>, Flaw> {
        let fresh = |life| make_ca(&self.names, (self.now)(), life);
        let Lifetimes { ca: life, .. } = self.lifetimes;
        let known = self.memory.as_ref().map(|(cas, _)| cas);
        Ok(match (step, known) {
            (Step::Found, _) => Some(Cas::found(fresh(self.lifetimes.first_ca())?, fresh(life)?)),
            (Step::Restore, Some(cas)) => Some(cas.clone()),
            (Step::ReplaceNext, Some(cas)) => Some(cas.with_next(fresh(life)?)),
            (Step::Promote, Some(cas)) => Some(cas.promoted(fresh(life)?)),
            (Step::DropPrevious, Some(cas)) => Some(cas.without_previous()),
            (Step::Note(since), Some(cas)) => Some(cas.held(since)),
            (Step::Rest | Step::AskForHelp, _) => None,
            // All other steps are about CAs that are known.
            (
                Step::Restore | Step::ReplaceNext | Step::Promote | Step::DropPrevious | Step::Note(_),
                None,
            ) => None,
        })
    }

    /// Logs a step that was done.
    fn note(&self, step: Step, cas: &Cas) {
        let Cas { current, next, .. } = cas;
        let (current, next) = (current.id.short(), next.id.short());
        match step {
            Step::Found => info!(current, next, "made the CAs of this installation"),
            Step::Restore => match &self.found {
                Found::Garbage(_, flawed) => warn!(
                    current, next, %flawed,
                    "the Secret `{CA_SECRET}` could not be used; it holds the same CAs again as before"
                ),
                Found::Absent | Found::Empty(_) | Found::Good(..) => warn!(
                    current,
                    next, "the Secret `{CA_SECRET}` was gone or empty; it holds the same CAs again as before"
                ),
            },
            Step::ReplaceNext => info!(current, next, "made another next CA"),
            Step::Promote => info!(current, next, "the next CA signs now, and there is a new next one"),
            Step::DropPrevious => info!(current, next, "the previous CA is not trusted any more"),
            Step::Rest | Step::AskForHelp | Step::Note(_) => {}
        }
    }

    /// Signs a serving certificate if that is to be done.
    fn serve(&mut self, inputs: &Inputs, outputs: &Outputs) -> Result<(), Flaw> {
        let Some((cas, _)) = &self.memory else { return Ok(()) };
        let now = (self.now)();
        let has_waited = self.started.elapsed() >= WAIT;
        let registered = inputs.registered.borrow();
        let signer = signer(cas, self.leaf.as_ref(), Live::of(&registered), now, has_waited);
        let Some(signer) = signer else { return Ok(()) };
        let (leaf, certified) = make_leaf(signer, &self.names, now, self.lifetimes.leaf)?;
        let until = Timestamp::from_second(leaf.until).unwrap_or_default();
        info!(signer = signer.id.short(), %until, "signed a serving certificate");
        outputs.serve(Arc::new(certified));
        self.leaf = Some(leaf);
        Ok(())
    }

    fn trust(&self, is_stale: bool) -> Trust {
        let leaf = self.leaf.as_ref();
        match &self.memory {
            Some((cas, _)) if !is_stale => trust(cas, leaf),
            _ => Trust { signer: leaf.map(|leaf| leaf.signer.id), ..Trust::default() },
        }
    }

    /// Logs what changed, once.
    fn tell(&mut self, result: Result<Outcome, Failure>) {
        let before = self.told;
        self.told = match &result {
            Ok(Outcome::Good) => Told::Good,
            Ok(Outcome::Waits) => before,
            Ok(Outcome::NeedsHelp) => Told::NeedsHelp,
            Err(_) => Told::Failing,
        };
        self.metrics.authority_failing.set(i64::from(self.told != Told::Good));
        if before == self.told {
            return;
        }
        let secret = format!("{}/{CA_SECRET}", self.namespace);
        match result {
            Ok(Outcome::Good | Outcome::Waits) => info!(secret, "the Secret with the CAs is in order again"),
            Ok(Outcome::NeedsHelp) => {
                let Found::Garbage(_, flawed) = &self.found else { return };
                error!(
                    secret, %flawed,
                    "the Secret with the CAs cannot be used, and the webhook configurations trust a CA that may \
                     have been in it: put it back from a backup; or delete it, and new CAs are made, which the API \
                     server trusts some seconds later"
                );
            }
            // What it is cannot be changed, whatever is written into it.
            Err(Failure::Refused(failure)) if failure.code() == Some(422) => {
                error!(secret, %failure, "the Secret with the CAs cannot be written; delete it, and it is made again");
            }
            Err(failure) => {
                warn!(secret, %failure, "the Secret with the CAs cannot be read or written; it is tried again");
            }
        }
    }

    async fn read(&self) -> Result<Found, send::Failure> {
        let request = Request::new(self.path()).get(CA_SECRET, &GetParams::default());
        match send(&self.client, request).await {
            Ok(secret) => Ok(self.understand(secret)),
            Err(failure) if failure.code() == Some(404) => Ok(Found::Absent),
            Err(failure) => Err(failure),
        }
    }

    /// Reads a Secret, unless it is the one that was read before.
    fn understand(&self, secret: Value) -> Found {
        let version = secret.pointer("/metadata/resourceVersion").and_then(Value::as_str);
        match self.found.object() {
            Some(object) if version.is_some() && object.version() == version => self.found.clone(),
            _ => Found::read(secret, &self.names),
        }
    }

    /// Makes the Secret, or replaces the version that was read.
    async fn write(&self, cas: &Cas) -> Result<Found, send::Failure> {
        let object = self.found.object();
        let secret = write(cas, &self.namespace, object).to_string().into_bytes();
        let (request, params) = (Request::new(self.path()), PostParams::default());
        let request = match object {
            None => request.create(&params, secret),
            Some(_) => request.replace(CA_SECRET, &params, secret),
        };
        Ok(self.understand(send(&self.client, request).await?))
    }

    fn path(&self) -> String {
        format!("/api/v1/namespaces/{}/secrets", self.namespace)
    }
}

#[cfg(test)]
mod tests;
