//! The TLS handshake of a new connection, and the log line if it fails.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use rustls::server::Acceptor;
use rustls::{CertificateError, Error, InvalidMessage, ServerConfig};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::server::TlsStream;
use tracing::{debug, warn};

use super::fair_queue::FairQueue;
use super::table::{Stage, Tracked};
use crate::server::shared::Shared;

/// Performs the handshake; returns `None` if it fails or takes too long.
pub(crate) async fn shake_hands(
    stream: TcpStream,
    config: Arc<ServerConfig>,
    queue: &FairQueue,
    tracked: &Tracked,
    shared: &Shared,
) -> Option<TlsStream<TcpStream>> {
    let peer = tracked.address();
    // An answer is one write, which Nagle's algorithm would only delay.
    let _is_only_slower = stream.set_nodelay(true);
    if !tracked.enter(Stage::Handshake) {
        return None;
    }
    let handshake = async {
        let begun = LazyConfigAcceptor::new(Acceptor::default(), stream).await?;
        // Those that still owe their ClientHello are closed first.
        tracked.enter(Stage::Handshake);
        // A handshake queues only after its peer has sent the whole ClientHello, so a silent peer cannot delay others.
        // The key exchange and the signature, which take the time, happen in `into_stream`. A peer that forces a second
        // round (HelloRetryRequest) queues for the first one only: the queue is for bursts, not against one such peer.
        queue.run(|| begun.into_stream(config)).await.await
    };
    let why = match timeout(shared.limits.timings.handshake, handshake).await {
        Ok(Ok(stream)) => return Some(stream),
        // TLS was spoken and one side refused the other: most often a wrong caBundle or client certificate, with which
        // no review is answered at all.
        Ok(Err(error)) if error.kind() == io::ErrorKind::InvalidData => reason(&error),
        // A port scan or a TCP probe ends like this.
        Ok(Err(error)) => {
            debug!(%peer, %error, "a connection ended before it was secured");
            return None;
        }
        Err(_) => TOO_LONG.to_owned(),
    };
    failed(peer, &why, shared);
    None
}

const TOO_LONG: &str = "it took too long";

/// Counts and logs a connection that sent no whole ClientHello in time.
pub(crate) fn note_silence(peer: SocketAddr, shared: &Shared) {
    failed(peer, TOO_LONG, shared);
}

fn failed(peer: SocketAddr, why: &str, shared: &Shared) {
    shared.metrics.tls_handshake_failures.inc();
    match shared.failed_handshakes.event() {
        Some(left_out) => warn!(%peer, why, failures = left_out + 1, "a TLS handshake failed"),
        None => debug!(%peer, why, "a TLS handshake failed"),
    }
}

fn reason(error: &io::Error) -> String {
    match error.get_ref().and_then(|error| error.downcast_ref()) {
        Some(Error::InvalidMessage(
            InvalidMessage::InvalidContentType | InvalidMessage::UnknownProtocolVersion,
        )) => "the peer spoke no TLS; the webhook is https".to_owned(),
        Some(Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure)) => {
            "the client certificate has no name that --client-name lists".to_owned()
        }
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_that_speaks_http_is_named_so_and_an_alert_is_quoted() {
        let error = |error: Error| reason(&io::Error::new(io::ErrorKind::InvalidData, error));
        let http = Error::InvalidMessage(InvalidMessage::InvalidContentType);
        assert_eq!(error(http), "the peer spoke no TLS; the webhook is https");
        let alert = Error::AlertReceived(rustls::AlertDescription::UnknownCA);
        assert_eq!(error(alert), "received fatal alert: UnknownCA");
    }
}
