//! What a replica of a cluster waits for before reviews may be sent to it, beside the policies.
//!
//! What others do later does not count: a replica whose API server is away, or whose webhooks are not registered yet,
//! is ready all the same, since nothing else would ever send it a review.

use tokio::sync::watch;

use super::facts::{Registered, Trust};

/// Why a condition does not hold; `None` means that it does.
pub(crate) type Unready = Option<&'static str>;

/// Says whether callers trust the certificate that this replica serves.
pub(super) fn certificate(trust: &Trust, registered: &Registered) -> Unready {
    let Some(signer) = trust.signer else { return Some("there is no certificate to serve yet") };
    if !registered.is_known {
        return Some("it is not known yet which CAs the webhook configurations hold");
    }
    // Without any CA, callers trust those of their systems, and nobody knows these.
    let is_trusted =
        registered.trusted.as_ref().is_none_or(|trusted| trusted.is_empty() || trusted.contains(&signer));
    (!is_trusted).then_some("the webhook configurations do not hold the CA of the certificate yet")
}

/// Says whether this replica serves all webhooks that are registered.
///
/// After a rollback, those of the newer version are there until its replicas see that this one does not serve them.
pub(super) fn webhooks(registered: &Registered) -> Unready {
    let is_asked_in_vain = registered.is_known && !registered.is_served;
    is_asked_in_vain.then_some("a webhook of a newer version is registered, which this one does not serve")
}

/// Publishes whether all registered webhooks are served, until nobody wants to know it.
pub(super) async fn watch_webhooks(
    mut registered: watch::Receiver<Registered>,
    unready: watch::Sender<Unready>,
) {
    loop {
        let now = webhooks(&registered.borrow_and_update());
        unready.send_if_modified(|unready| std::mem::replace(unready, now) != now);
        tokio::select! {
            changed = registered.changed() => if changed.is_err() { return },
            () = unready.closed() => return,
        }
    }
}

/// Publishes whether callers trust the certificate, until nobody wants to know it.
pub(super) async fn watch_certificate(
    mut trust: watch::Receiver<Trust>,
    mut registered: watch::Receiver<Registered>,
    unready: watch::Sender<Unready>,
) {
    loop {
        let now = certificate(&trust.borrow_and_update(), &registered.borrow_and_update());
        unready.send_if_modified(|unready| std::mem::replace(unready, now) != now);
        tokio::select! {
            changed = trust.changed() => if changed.is_err() { return },
            changed = registered.changed() => if changed.is_err() { return },
            () = unready.closed() => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::facts::Fingerprint;

    #[test]
    fn a_certificate_is_trusted_by_the_bundle_or_before_anything_is_registered() {
        let (old, new) = (Fingerprint([1; 32]), Fingerprint([2; 32]));
        let trust = |signer| Trust { signer, ..Trust::default() };
        let none = Registered { is_known: true, ..Registered::default() };
        let holding = Registered { is_known: true, trusted: Some([old].into()), ..Registered::default() };
        assert!(certificate(&trust(None), &none).is_some(), "there is no certificate");
        assert!(certificate(&trust(Some(old)), &Registered::default()).is_some(), "nothing was read");
        assert_eq!(certificate(&trust(Some(new)), &none), None, "nothing is registered");
        assert!(certificate(&trust(Some(new)), &holding).is_some());
        assert_eq!(certificate(&trust(Some(old)), &holding), None);
        let public = Registered { is_known: true, trusted: Some([].into()), ..Registered::default() };
        assert_eq!(certificate(&trust(Some(new)), &public), None, "callers trust the CAs of their systems");
    }

    #[tokio::test]
    async fn a_replica_is_not_asked_by_webhooks_that_it_does_not_serve() {
        let (registered, registrations) = watch::channel(Registered::default());
        let (unready, mut readiness) = watch::channel(None);
        let task = tokio::spawn(watch_webhooks(registrations, unready));
        registered.send_replace(Registered { is_known: true, ..Registered::default() });
        readiness.wait_for(Option::is_some).await.unwrap();
        registered.send_modify(|registered| registered.is_served = true);
        readiness.wait_for(Option::is_none).await.unwrap();
        assert_eq!(webhooks(&Registered::default()), None, "an API server that is away");
        drop(readiness);
        task.await.unwrap();
    }

    #[tokio::test]
    async fn changes_are_published() {
        let (trust, trusts) = watch::channel(Trust::default());
        let (registered, registrations) = watch::channel(Registered::default());
        let (unready, mut readiness) = watch::channel(None);
        let task = tokio::spawn(watch_certificate(trusts, registrations, unready));
        readiness.wait_for(Option::is_some).await.unwrap();
        trust.send_replace(Trust { signer: Some(Fingerprint([1; 32])), ..Trust::default() });
        registered.send_replace(Registered { is_known: true, ..Registered::default() });
        readiness.wait_for(Option::is_none).await.unwrap();
        drop(readiness);
        task.await.unwrap();
    }
}
