//! Accepts connections, and waits for their first bytes: on the webhook's port for a whole record of TLS.
//!
//! A connection that sends nothing, or half a ClientHello, stays here: it costs the threads that serve reviews nothing,
//! and what it sent stays in the buffer of the kernel.
//!
//! INVARIANT: no error of one connection, and no lack of file descriptors, ends the loop.

use std::convert::Infallible;
use std::future::poll_fn;
use std::io;
use std::mem::MaybeUninit;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Poll, ready};
use std::time::Duration;

use tokio::io::{Interest, ReadBuf};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::{JoinSet, yield_now};
use tokio::time::sleep;
use tracing::{debug, warn};

use super::table::{CloseOrder, ConnectionTable, Tracked};

/// How long to wait when connections cannot be accepted and none can be closed.
const BACK_OFF: Duration = Duration::from_millis(100);
/// How long the descriptor of a connection takes to be free after the order to close it.
const CLOSING: Duration = Duration::from_millis(1);

/// How many connections may be closing, beyond those in the table.
///
/// If the loop went on to accept, new connections would wait behind thousands that are only to be closed.
pub(super) const CLOSING_AT_ONCE: usize = 64;
/// How often the loop lets other tasks run before it waits for [`CLOSING`].
const YIELDS: usize = 8;

/// How many different times connections have to send something.
const SPREAD: u32 = 64;

/// The bytes before the payload of a TLS record, the type of records in a handshake, and the longest payload (RFC 8446,
/// 5.1).
const RECORD_HEADER: usize = 5;
const HANDSHAKE: u8 = 22;
const LONGEST_RECORD: usize = 16 << 10;

/// How many connections may wait to be accepted, if `net.core.somaxconn` allows.
///
/// tokio's 128 are too few: of an API
/// server that opened 200 at once, some were accepted only a second later, when it repeated its SYN.
const BACKLOG: u32 = 4_096;

/// Listens on an address.
pub fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // As tokio's `bind` does it: a restart must not wait for the TIME_WAIT of old connections.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// What a client sends first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// A ClientHello, in one record or several.
    Tls,
    /// The head of a request.
    Http,
}

/// A connection that has sent something.
#[derive(Debug)]
pub(crate) struct Accepted {
    /// Registered with no runtime yet: another one than the accepting one may serve it.
    pub(super) stream: std::net::TcpStream,
    pub(super) peer: SocketAddr,
    pub(super) tracked: Tracked,
    pub(super) close: CloseOrder,
    pub(super) permit: OwnedSemaphorePermit,
}

/// What became of a connection until its first byte.
enum Outcome {
    Spoke(Accepted),
    /// It sent nothing in time.
    Silent(SocketAddr),
    Closed,
}

/// Passes every connection that sends something to `serve`, for ever; `silent` hears of those that don't in time.
///
/// They have `time_to_speak`, or up to twice as long.
pub(crate) async fn accept(
    listener: TcpListener,
    table: Arc<ConnectionTable>,
    protocol: Protocol,
    time_to_speak: Duration,
    mut serve: impl FnMut(Accepted),
    mut silent: impl FnMut(SocketAddr),
) -> Infallible {
    // The table has fewer connections, but one that it closed is open until its task has run.
    let permits = Arc::new(Semaphore::new(table.most() + CLOSING_AT_ONCE));
    let mut waiting = JoinSet::new();
    let mut is_failing = false;
    let mut count = 0_u32;
    loop {
        let mut yields = 0;
        while table.closing() >= CLOSING_AT_ONCE {
            if yields < YIELDS {
                yield_now().await
            } else {
                sleep(CLOSING).await
            }
            yields += 1;
        }
        let accepted = tokio::select! {
            Some(outcome) = waiting.join_next() => {
                match outcome {
                    Ok(Outcome::Spoke(accepted)) => serve(accepted),
                    Ok(Outcome::Silent(peer)) => silent(peer),
                    Ok(Outcome::Closed) => {}
                    Err(error) => warn!(%error, "the task of a new connection ended early"),
                }
                continue;
            }
            accepted = next(&listener, &permits) => accepted,
        };
        match accepted {
            Ok((stream, peer, permit)) => {
                is_failing = false;
                let (tracked, close) = table.add(peer);
                count = count.wrapping_add(1);
                // Connections that were opened at once must not be closed at once: that takes the time of others.
                let time_to_speak = time_to_speak + time_to_speak * (count % SPREAD) / SPREAD;
                let accepted = (stream, peer, tracked, close, permit);
                waiting.spawn(first_bytes(accepted, protocol, time_to_speak));
            }
            Err(error) if is_of_one_connection(&error) => debug!(%error, "a connection was lost"),
            Err(error) => {
                let can_close = table.free_descriptor();
                if !is_failing {
                    warn!(%error, can_close, "connections cannot be accepted; trying again until they can");
                }
                is_failing = true;
                sleep(if can_close { CLOSING } else { BACK_OFF }).await;
            }
        }
    }
}

/// Accepts a connection once one more may be open.
async fn next(
    listener: &TcpListener,
    permits: &Arc<Semaphore>,
) -> io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let permit = Arc::clone(permits).acquire_owned().await.map_err(io::Error::other)?;
    let (stream, peer) = listener.accept().await?;
    Ok((stream, peer, permit))
}

/// Waits for the first bytes of a connection.
async fn first_bytes(
    (stream, peer, tracked, mut close, permit): (
        TcpStream,
        SocketAddr,
        Tracked,
        CloseOrder,
        OwnedSemaphorePermit,
    ),
    protocol: Protocol,
    time_to_speak: Duration,
) -> Outcome {
    let arrived = tokio::select! {
        biased;
        arrived = arrive(&stream, protocol) => arrived,
        () = close.given() => return Outcome::Closed,
        () = sleep(time_to_speak) => return Outcome::Silent(peer),
    };
    match arrived.and_then(|()| stream.into_std()) {
        Ok(stream) => Outcome::Spoke(Accepted { stream, peer, tracked, close, permit }),
        // A port scan or a TCP probe ends like this.
        Err(error) => {
            debug!(%peer, %error, "a connection ended before its first bytes");
            Outcome::Closed
        }
    }
}

/// Waits until enough has arrived to serve a connection, and leaves it in the buffer of the kernel.
async fn arrive(stream: &TcpStream, protocol: Protocol) -> io::Result<()> {
    loop {
        let (bytes, is_enough) = poll_fn(|context| {
            // It is here only while it is looked at, or each silent connection would have one.
            let mut buffer = [const { MaybeUninit::uninit() }; RECORD_HEADER + LONGEST_RECORD];
            let mut buffer = ReadBuf::uninit(&mut buffer);
            ready!(stream.poll_peek(context, &mut buffer))?;
            let bytes = buffer.filled();
            Poll::Ready(io::Result::Ok((bytes.len(), is_enough(bytes, protocol))))
        })
        .await?;
        if is_enough {
            return Ok(());
        }
        if bytes == 0 || stream.ready(Interest::READABLE).await?.is_read_closed() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        // Waits for more instead of finding the same bytes again.
        let nothing_new = || io::Result::<()>::Err(io::ErrorKind::WouldBlock.into());
        let _cleared = stream.try_io(Interest::READABLE, nothing_new);
    }
}

/// Returns whether these bytes are a whole record of TLS, or such that no more are worth waiting for.
fn is_enough(bytes: &[u8], protocol: Protocol) -> bool {
    match (protocol, bytes) {
        (_, []) => false,
        (Protocol::Tls, [HANDSHAKE, _, _, high, low, payload @ ..]) => {
            payload.len() >= usize::from(u16::from_be_bytes([*high, *low])).min(LONGEST_RECORD)
        }
        (Protocol::Tls, [HANDSHAKE, ..]) => false,
        (Protocol::Tls | Protocol::Http, _) => true,
    }
}

/// Returns whether an error concerns one connection only, and not the listening socket.
fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::Interrupted
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn o5_a_client_hello_is_waited_for_until_its_record_is_whole() {
        let hello = b"\x16\x03\x01\x00\x02hi";
        for length in 0..hello.len() {
            assert!(!is_enough(&hello[..length], Protocol::Tls), "{length}");
        }
        assert!(is_enough(hello, Protocol::Tls));
        // What is no handshake fails at once.
        assert!(is_enough(b"G", Protocol::Tls) && is_enough(b"G", Protocol::Http));
        let longest = [&b"\x16\x03\x01\xff\xff"[..], &[0; LONGEST_RECORD]].concat();
        assert!(is_enough(&longest, Protocol::Tls));
    }
}
