//! The TLS handshake of a new connection, and what is said of it when it fails.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use rustls::server::Acceptor;
use rustls::{Error, InvalidMessage, ServerConfig};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::server::TlsStream;
use tracing::{debug, warn};

use super::fair_queue::Turns;
use crate::server::shared::Shared;

/// Secures a connection, if its peer can and will.
pub(crate) async fn shake_hands(
    stream: TcpStream,
    peer: SocketAddr,
    config: Arc<ServerConfig>,
    turns: &Turns,
    shared: &Shared,
) -> Option<TlsStream<TcpStream>> {
    // An answer is one write; waiting for more of it would only delay it.
    let _is_only_slower = stream.set_nodelay(true);
    let handshake = async {
        let begun = LazyConfigAcceptor::new(Acceptor::default(), stream).await?;
        // Whoever waits here has said all that is needed for an answer, so nobody can hold up the others by silence.
        // What takes long is the agreement on a key and the signature, which come with the configuration. A peer that
        // makes it take two rounds has its turn in the first; it is for the many of a burst, not against one of those.
        turns.take(|| begun.into_stream(config)).await.await
    };
    let why = match timeout(shared.limits.handshake, handshake).await {
        Ok(Ok(stream)) => return Some(stream),
        // The peer spoke TLS and did not like it, or was not liked: most often a caBundle or a client
        // certificate that does not belong here, and then no review at all gets through.
        Ok(Err(error)) if error.kind() == io::ErrorKind::InvalidData => reason(&error),
        // Whoever only looks whether a port is open does so.
        Ok(Err(error)) => {
            debug!(%peer, %error, "a connection ended before it was secured");
            return None;
        }
        Err(_) => "it took too long".to_owned(),
    };
    shared.metrics.tls_handshake_failures.inc();
    match shared.failed_handshakes.happened() {
        Some(failures) => warn!(%peer, why, failures, "a TLS handshake failed"),
        None => debug!(%peer, why, "a TLS handshake failed"),
    }
    None
}

fn reason(error: &io::Error) -> String {
    match error.get_ref().and_then(|error| error.downcast_ref()) {
        Some(Error::InvalidMessage(
            InvalidMessage::InvalidContentType | InvalidMessage::UnknownProtocolVersion,
        )) => "the peer spoke no TLS; the webhook is https".to_owned(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_speaks_http_is_told_so_and_an_alert_is_quoted() {
        let error = |error: Error| reason(&io::Error::new(io::ErrorKind::InvalidData, error));
        let http = Error::InvalidMessage(InvalidMessage::InvalidContentType);
        assert_eq!(error(http), "the peer spoke no TLS; the webhook is https");
        let alert = Error::AlertReceived(rustls::AlertDescription::UnknownCA);
        assert_eq!(error(alert), "received fatal alert: UnknownCA");
    }
}
