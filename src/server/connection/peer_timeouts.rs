//! Timeouts for the peer of a connection: it must complete what it begins, and read what it is sent.
//!
//! hyper has one timer for both the head of a request and the time between requests. These must differ: the API server
//! opens connections in advance and keeps them for 90 s without a request.
//!
//! INVARIANT: a peer that has begun nothing has no timeout here.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

use crate::server::limits::Timings;

/// The length of the preface, the first bytes of an HTTP/2 client.
const PREFACE: usize = 24;

/// A connection that fails with [`io::ErrorKind::TimedOut`] when its peer stalls.
#[derive(Debug)]
pub(crate) struct PeerTimeouts<S> {
    stream: S,
    opening: Opening,
    /// How long a write may wait.
    write_timeout: Duration,
    write_timer: Option<Pin<Box<Sleep>>>,
}

/// How far the peer is with its first bytes.
#[derive(Debug)]
enum Opening {
    /// The head of the first request must be complete `allowed` after its first byte.
    Http1 {
        has_request: Arc<AtomicBool>,
        allowed: Duration,
        timer: Option<Pin<Box<Sleep>>>,
    },
    /// The preface must arrive in time: a client needn't wait for anything before it.
    Http2 {
        missing: usize,
        timer: Pin<Box<Sleep>>,
    },
    Done,
}

impl<S> PeerTimeouts<S> {
    /// Wraps a connection over HTTP/1.1; the service sets `has_request` with the first request.
    pub(crate) fn http1(stream: S, has_request: Arc<AtomicBool>, timings: &Timings) -> Self {
        let opening = Opening::Http1 { has_request, allowed: timings.request_head, timer: None };
        Self { stream, opening, write_timeout: timings.write_progress, write_timer: None }
    }

    /// Wraps a connection over HTTP/2.
    pub(crate) fn http2(stream: S, timings: &Timings) -> Self {
        let opening = Opening::Http2 { missing: PREFACE, timer: Box::pin(sleep(timings.request_head)) };
        Self { stream, opening, write_timeout: timings.write_progress, write_timer: None }
    }

    /// Fails a write that has waited too long.
    fn written<T>(&mut self, context: &mut Context<'_>, result: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if result.is_ready() {
            self.write_timer = None;
            return result;
        }
        let timeout = self.write_timeout;
        let timer = self.write_timer.get_or_insert_with(|| Box::pin(sleep(timeout)));
        timer.as_mut().poll(context).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl Opening {
    /// Notes that `bytes` arrived; returns whether too few did in time.
    fn is_overdue(&mut self, bytes: usize, context: &mut Context<'_>) -> bool {
        let timer = match self {
            Self::Done => return false,
            Self::Http1 { has_request, .. } if has_request.load(Ordering::Relaxed) => {
                *self = Self::Done;
                return false;
            }
            Self::Http1 { timer: None, .. } if bytes == 0 => return false,
            Self::Http1 { allowed, timer, .. } => timer.get_or_insert_with(|| Box::pin(sleep(*allowed))),
            Self::Http2 { missing, .. } if *missing <= bytes => {
                *self = Self::Done;
                return false;
            }
            Self::Http2 { missing, timer } => {
                *missing -= bytes;
                timer
            }
        };
        timer.as_mut().poll(context).is_ready()
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for PeerTimeouts<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        let read = Pin::new(&mut this.stream).poll_read(context, buffer);
        if this.opening.is_overdue(buffer.filled().len() - before, context) {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for PeerTimeouts<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let result = Pin::new(&mut this.stream).poll_write(context, bytes);
        this.written(context, result)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let result = Pin::new(&mut this.stream).poll_write_vectored(context, slices);
        this.written(context, result)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let result = Pin::new(&mut this.stream).poll_flush(context);
        this.written(context, result)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let result = Pin::new(&mut this.stream).poll_shutdown(context);
        this.written(context, result)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
    use tokio::time::{Instant, timeout};

    use super::*;
    use crate::server::limits::Limits;

    const HOUR: Duration = Duration::from_secs(3_600);

    fn timings() -> Timings {
        Limits::default().timings
    }

    fn http1(has_request: bool) -> (DuplexStream, PeerTimeouts<DuplexStream>) {
        let (peer, stream) = duplex(64);
        (peer, PeerTimeouts::http1(stream, Arc::new(AtomicBool::new(has_request)), &timings()))
    }

    /// Reads until that fails; returns after how many seconds, if ever.
    async fn fails_after(mut stream: PeerTimeouts<DuplexStream>) -> Option<u64> {
        let begun = Instant::now();
        let error = timeout(HOUR, stream.read_to_end(&mut Vec::new())).await.ok()?.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        Some(begun.elapsed().as_secs())
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_that_was_begun_must_be_finished_and_silence_is_not_begun() {
        let (_peer, silent) = http1(false);
        assert_eq!(fails_after(silent).await, None);
        let (mut peer, begun) = http1(false);
        peer.write_all(b"POST").await.unwrap();
        assert_eq!(fails_after(begun).await, Some(10));
        let (mut peer, asked) = http1(true);
        peer.write_all(b"a body").await.unwrap();
        assert_eq!(fails_after(asked).await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_preface_must_come_and_then_there_is_time() {
        for (sent, seconds) in [(0, Some(10)), (PREFACE - 1, Some(10)), (PREFACE, None), (60, None)] {
            let (mut peer, stream) = duplex(64);
            peer.write_all(&vec![b'x'; sent]).await.unwrap();
            let stream = PeerTimeouts::http2(stream, &timings());
            assert_eq!(fails_after(stream).await, seconds, "{sent}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_reads_nothing_is_not_written_to_for_ever() {
        let (mut peer, mut stream) = http1(true);
        let begun = Instant::now();
        let writing = tokio::spawn(async move { stream.write_all(&[0; 200]).await });
        for _ in 0..2 {
            sleep(Duration::from_secs(9)).await;
            peer.read_exact(&mut [0; 64]).await.unwrap();
        }
        let error = writing.await.unwrap().unwrap_err();
        assert_eq!((error.kind(), begun.elapsed().as_secs()), (io::ErrorKind::TimedOut, 28));
    }
}
