//! What the certificates depend on, and who learns of them.

use std::sync::Arc;
use std::time::Duration;

use rustls::sign::CertifiedKey;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use crate::cluster::facts::{Registered, Replicas, Trust};

/// The time between two looks at the certificates, within which what was deleted is restored.
const LOOK_EVERY: Duration = Duration::from_secs(3);
/// The least time between two looks, however often the facts change.
const AT_LEAST: Duration = Duration::from_millis(300);
/// How long a replica that serves no certificate yet waits until somebody has read the webhook configurations.
pub(super) const WAIT: Duration = Duration::from_secs(5);

/// The facts that the certificates depend on.
#[derive(Clone)]
pub(crate) struct Inputs {
    pub(crate) registered: watch::Receiver<Registered>,
    pub(crate) replicas: watch::Receiver<Replicas>,
    /// Is true from SIGTERM on.
    pub(crate) stopping: watch::Receiver<bool>,
}

impl Inputs {
    /// Waits until it is time for another look.
    pub(super) async fn wait(&mut self) {
        sleep(AT_LEAST).await;
        let Self { registered, replicas, .. } = self;
        let changed = async {
            tokio::select! {
                () = changed(registered) => {}
                () = changed(replicas) => {}
            }
        };
        // Nothing changed, which is the usual case.
        let _elapsed = timeout(LOOK_EVERY - AT_LEAST, changed).await;
    }

    pub(super) fn is_stopping(&self) -> bool {
        *self.stopping.borrow()
    }
}

/// Waits for a change; for ever, if nobody can make one any more.
async fn changed<T>(facts: &mut watch::Receiver<T>) {
    if facts.changed().await.is_err() {
        std::future::pending().await
    }
}

/// Those who learn of the certificates.
#[derive(Clone, Default)]
pub(super) struct Outputs {
    pub(super) trust: watch::Sender<Trust>,
    pub(super) leaf: watch::Sender<Option<Arc<CertifiedKey>>>,
}

impl Outputs {
    /// Hands the server another certificate for new connections.
    pub(super) fn serve(&self, certified: Arc<CertifiedKey>) {
        self.leaf.send_replace(Some(certified));
    }

    /// Tells what callers must trust, if that changed.
    ///
    /// A task that was started again may not know what it signed before, and that is still served.
    pub(super) fn publish(&self, trust: Trust) {
        self.trust.send_if_modified(|known| {
            let trust = Trust { signer: trust.signer.or(known.signer), ..trust };
            let is_new = *known != trust;
            *known = trust;
            is_new
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::facts::Fingerprint;

    #[test]
    fn the_signer_of_what_is_served_is_known_until_something_else_is_served() {
        let (outputs, [one, other]) = (Outputs::default(), [1, 2].map(|byte| Fingerprint([byte; 32])));
        let published = |trust: Trust| {
            outputs.publish(trust);
            outputs.trust.borrow().clone()
        };
        let of = |signer| Trust { signer, cas: [one].into(), ..Trust::default() };
        assert_eq!(published(of(None)).signer, None);
        assert_eq!(published(of(Some(one))).signer, Some(one));
        let forgotten = published(Trust::default());
        assert_eq!((forgotten.signer, forgotten.cas.len()), (Some(one), 0));
        assert_eq!(published(of(Some(other))).signer, Some(other));
    }
}

#[cfg(test)]
pub(super) mod test {
    //! The other ends of the channels.

    use super::*;
    use crate::cluster::facts::Fingerprint;

    /// What others tell a replica, and what they learn from it.
    pub(crate) struct Others {
        pub(crate) registered: watch::Sender<Registered>,
        pub(crate) replicas: watch::Sender<Replicas>,
        pub(crate) stopping: watch::Sender<bool>,
        pub(crate) trust: watch::Receiver<Trust>,
        pub(crate) pair: watch::Receiver<Option<Arc<CertifiedKey>>>,
    }

    /// Returns both ends.
    pub(crate) fn channels() -> (Inputs, Outputs, Others) {
        let (registered, replicas, stopping) =
            <(watch::Sender<_>, watch::Sender<_>, watch::Sender<_>)>::default();
        let inputs = Inputs {
            registered: registered.subscribe(),
            replicas: replicas.subscribe(),
            stopping: stopping.subscribe(),
        };
        let outputs = Outputs::default();
        let (trust, pair) = (outputs.trust.subscribe(), outputs.leaf.subscribe());
        (inputs, outputs, Others { registered, replicas, stopping, trust, pair })
    }

    impl Others {
        /// Tells that all bundles hold these CAs; `None`: nothing is registered.
        pub(crate) fn register(&self, cas: Option<Vec<Fingerprint>>) {
            let trusted = cas.map(|cas| cas.into_iter().collect());
            self.registered.send_replace(Registered { is_known: true, trusted, ..Registered::default() });
        }
    }
}
