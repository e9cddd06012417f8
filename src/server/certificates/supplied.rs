//! A certificate and its key that are made in memory, and replaced while the server runs.

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;

use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio::sync::watch;

use crate::telemetry::{CertificateFile, Loads, Metrics, Reload};
use crate::x509::validity;

/// The pair that was supplied last; every new connection gets it.
#[derive(Clone)]
pub(super) struct Supplied(pub(super) watch::Receiver<Option<Arc<CertifiedKey>>>);

/// Leaves out the key.
impl fmt::Debug for Supplied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Supplied").finish_non_exhaustive()
    }
}

impl ResolvesServerCert for Supplied {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.0.borrow().clone()
    }
}

impl Supplied {
    /// Says in the metrics when the pair expires, and that another one was taken, for ever.
    pub(super) async fn note_expiries(mut self, metrics: &Metrics) -> Infallible {
        let mut is_first = true;
        loop {
            let pair = self.0.borrow_and_update().clone();
            if let Some(pair) = pair {
                let leaf = pair.cert.first().and_then(|leaf| validity(leaf));
                metrics
                    .certificate_expiry
                    .set(CertificateFile::Serving, leaf.map_or(0, |leaf| leaf.not_after));
                if !is_first {
                    metrics.certificate_reloads.inc(Reload::Taken);
                }
                metrics.note_load(Loads::Certificates, Reload::Taken);
                is_first = false;
            }
            if self.0.changed().await.is_err() {
                // Nobody supplies another one.
                return std::future::pending().await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rustls::pki_types::ServerName;
    use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConnection};

    use super::super::Certificates;
    use super::super::material::Material;
    use super::*;

    /// A pair for the loopback addresses.
    fn pair() -> Arc<CertifiedKey> {
        let provider = rustls::crypto::ring::default_provider();
        Arc::new(Material::ephemeral(None).unwrap().pair(&provider).unwrap())
    }

    /// Returns whether a client that trusts this pair alone gets a connection.
    fn accepts(certificates: &Certificates, trusted: &CertifiedKey) -> bool {
        let mut roots = RootCertStore::empty();
        roots.add(trusted.cert[0].clone()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config =
            ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let config = Arc::new(config.with_root_certificates(roots).with_no_client_auth());
        let mut client = ClientConnection::new(config, ServerName::try_from("localhost").unwrap()).unwrap();
        let mut server = ServerConnection::new(certificates.current()).unwrap();
        while client.is_handshaking() || server.is_handshaking() {
            let (mut sent, mut answered) = (Vec::new(), Vec::new());
            client.write_tls(&mut sent).unwrap();
            server.read_tls(&mut &*sent).unwrap();
            if server.process_new_packets().is_err() {
                return false;
            }
            server.write_tls(&mut answered).unwrap();
            client.read_tls(&mut &*answered).unwrap();
            if client.process_new_packets().is_err() {
                return false;
            }
        }
        true
    }

    #[test]
    fn each_new_connection_gets_the_pair_that_was_supplied_last() {
        let (supply, pairs) = watch::channel(None);
        let certificates = Certificates::supplied(pairs, None).unwrap();
        let (one, other) = (pair(), pair());
        assert!(!accepts(&certificates, &one), "there is none yet");
        supply.send_replace(Some(Arc::clone(&one)));
        assert!(accepts(&certificates, &one));
        assert!(!accepts(&certificates, &other));
        supply.send_replace(Some(Arc::clone(&other)));
        assert!(!accepts(&certificates, &one));
        assert!(accepts(&certificates, &other));
    }

    #[tokio::test(start_paused = true)]
    async fn the_expiry_of_what_is_supplied_is_in_the_metrics() {
        let (supply, pairs) = watch::channel(None);
        let certificates = Certificates::supplied(pairs, None).unwrap();
        let metrics = Metrics::new().unwrap();
        let expiry = || {
            let text = String::from_utf8(metrics.encode().unwrap()).unwrap();
            let name = "partywall_certificate_expiry_timestamp_seconds{certificate=\"serving\"} ";
            text.lines().find_map(|line| line.strip_prefix(name)).unwrap().parse::<i64>().unwrap()
        };
        let watch = certificates.watch(Duration::from_millis(100), &metrics);
        let supplied = async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            assert_eq!(expiry(), 0);
            let pair = pair();
            let expected = validity(&pair.cert[0]).unwrap().not_after;
            supply.send_replace(Some(pair));
            tokio::time::sleep(Duration::from_secs(1)).await;
            assert_eq!(expiry(), expected);
        };
        tokio::select! {
            never = watch => match never {},
            () = supplied => {}
        }
    }
}
