//! The API server's side of a connection: HTTP/1.1 over TLS 1.3, as Go's client speaks it.
//!
//! It is written by hand, and does as little as it can: what the generator spends on a review is taken from how busy
//! it can keep a server, and a client for all of HTTP costs about as much as the least of the servers. Still, every
//! review has a uid of its own, and every answer is read to its end and held against what it must say.
//!
//! Not as in Go: a young connection sends its first 128 KB in full records rather than in small ones.

use std::io;
use std::net::SocketAddr;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use partywall_core::Entry;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde::Deserialize;
use serde_json::value::RawValue;
use thiserror::Error;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::yield_now;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// The bytes that are copied to write a uid into them; of a larger body the rest is sent as it is.
const COPIED: usize = 64 << 10;
/// More than any answer of ours has.
const HEADERS: usize = 16;

/// The address of a server, and the CA to trust.
#[derive(Clone)]
pub(crate) struct Target {
    pub(crate) address: SocketAddr,
    tls: Arc<ClientConfig>,
    /// True if every request gets the same answer, whatever a message expects.
    pub(crate) allows_all: bool,
}

impl Target {
    pub(crate) fn new(address: SocketAddr, ca: &str, allows_all: bool) -> anyhow::Result<Self> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(ca.as_bytes())?)?;
        let mut tls = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .with_root_certificates(roots)
            .with_no_client_auth();
        tls.alpn_protocols = vec![b"http/1.1".to_vec()];
        // As the API server, which keeps no sessions.
        tls.resumption = rustls::client::Resumption::disabled();
        Ok(Self { address, tls: Arc::new(tls), allows_all })
    }

    pub(crate) async fn secure(&self) -> io::Result<TlsStream<TcpStream>> {
        self.secure_on(TcpStream::connect(self.address).await?).await
    }

    pub(crate) async fn secure_on(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        // As Go does.
        stream.set_nodelay(true)?;
        let name = ServerName::try_from("localhost").map_err(io::Error::other)?;
        let secured = TlsConnector::from(Arc::clone(&self.tls)).connect(name, stream).await;
        give_way();
        secured
    }
}

/// Yields the core to the thread that measures.
///
/// Otherwise the system takes it from a running thread only after milliseconds, even from one of low priority, and the
/// latencies would be those of the generator.
fn give_way() {
    thread::yield_now();
}

/// The content of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    Allowed,
    Patched,
    /// With the code of its status.
    Denied(u16),
    /// No review: to be asked again in a moment.
    Later,
}

/// Why there is no right answer.
#[derive(Debug, Error)]
pub(crate) enum Failure {
    #[error("no connection: {0}")]
    NoConnection(io::Error),
    #[error("the connection broke: {0}")]
    Broken(#[from] io::Error),
    #[error("the server closed the connection instead of answering")]
    Closed,
    #[error("no HTTP came back: {0}")]
    NotHttp(#[from] httparse::Error),
    #[error("HTTP {0}")]
    Status(u16),
    #[error("no review came back: {0}")]
    NotAReview(#[from] serde_json::Error),
    #[error("the uid is another request's")]
    Uid,
    #[error("{got:?} instead of {expected:?}")]
    Verdict { got: Said, expected: Said },
}

/// A request, but for its uid.
pub(crate) struct Message {
    bytes: Vec<u8>,
    uid: Range<usize>,
    pub(crate) expected: Said,
}

impl Message {
    /// `uid` is where it is in the body.
    pub(crate) fn new(entry: Entry, body: &[u8], uid: &Range<usize>, expected: Said) -> Self {
        Self::to(entry.path(), body, uid, expected)
    }

    /// [`Self::new`] for a path that may be another server's.
    pub(crate) fn to(path: &str, body: &[u8], uid: &Range<usize>, expected: Said) -> Self {
        let head = format!(
            "POST {path}?timeout=10s HTTP/1.1\r\nHost: localhost\r\nUser-Agent: kube-apiserver-admission\r\n\
             Content-Length: {}\r\nAccept: application/json, */*\r\nContent-Type: application/json\r\n\
             Accept-Encoding: gzip\r\n\r\n",
            body.len()
        );
        let uid = head.len() + uid.start..head.len() + uid.end;
        Self { bytes: [head.as_bytes(), body].concat(), uid, expected }
    }
}

/// One connection, with one request on it at a time.
pub(crate) struct Connection {
    stream: TlsStream<TcpStream>,
    sent: Vec<u8>,
    received: Vec<u8>,
    /// True if another request may be sent.
    pub(crate) is_open: bool,
}

impl Connection {
    pub(crate) async fn open(target: &Target) -> Result<Self, Failure> {
        let stream = target.secure().await.map_err(Failure::NoConnection)?;
        Ok(Self { stream, sent: Vec::new(), received: Vec::with_capacity(2 << 10), is_open: true })
    }

    /// Sends a review with a new uid and holds the answer against what it must be.
    pub(crate) async fn ask(&mut self, message: &Message, allows_all: bool) -> Result<Said, Failure> {
        let expected = if allows_all { Said::Allowed } else { message.expected };
        match self.say(message).await? {
            got if got == expected => Ok(got),
            got => Err(Failure::Verdict { got, expected }),
        }
    }

    /// Sends a review with a new uid, and reads what is said to that.
    pub(crate) async fn say(&mut self, message: &Message) -> Result<Said, Failure> {
        // Whatever goes wrong below, the connection is of no further use then.
        self.is_open = false;
        let uid = next_uid();
        let (copied, rest) = message.bytes.split_at(message.bytes.len().min(COPIED));
        self.sent.clear();
        self.sent.extend_from_slice(copied);
        self.sent[message.uid.clone()].copy_from_slice(&uid);
        let sent = async {
            self.stream.write_all(&self.sent).await?;
            for piece in rest.chunks(COPIED) {
                // Others have a turn in between, or one of many large bodies would stall behind the others.
                give_way();
                yield_now().await;
                self.stream.write_all(piece).await?;
            }
            self.stream.flush().await
        };
        // A server that has had enough answers before it has read all; that is an answer too.
        let sent = sent.await;
        let head = self.receive().await.map_err(|failure| match (sent, failure) {
            (Err(error), Failure::Closed | Failure::Broken(_)) => Failure::Broken(error),
            (_, failure) => failure,
        })?;
        let said = said(&head, &self.received[head.length..head.length + head.body], &uid)?;
        self.is_open = !head.closes;
        Ok(said)
    }

    async fn receive(&mut self) -> Result<Head, Failure> {
        self.received.clear();
        loop {
            if let Some(head) = Head::parse(&self.received)?
                && self.received.len() >= head.length + head.body
            {
                return Ok(head);
            }
            if self.stream.read_buf(&mut self.received).await? == 0 {
                return Err(Failure::Closed);
            }
        }
    }
}

/// The head of an answer.
struct Head {
    status: u16,
    /// Its own bytes, and those of the body.
    length: usize,
    body: usize,
    closes: bool,
    says_when: bool,
}

impl Head {
    /// `None` as long as it is not there to its end.
    fn parse(bytes: &[u8]) -> Result<Option<Self>, Failure> {
        let mut headers = [httparse::EMPTY_HEADER; HEADERS];
        let mut response = httparse::Response::new(&mut headers);
        let httparse::Status::Complete(length) = response.parse(bytes)? else { return Ok(None) };
        let mut head = Self {
            status: response.code.unwrap_or_default(),
            length,
            body: 0,
            closes: false,
            says_when: false,
        };
        for header in response.headers {
            let value = str::from_utf8(header.value).unwrap_or_default();
            if header.name.eq_ignore_ascii_case("content-length") {
                head.body = value.parse().unwrap_or_default();
            } else if header.name.eq_ignore_ascii_case("connection") {
                head.closes = value.eq_ignore_ascii_case("close");
            } else if header.name.eq_ignore_ascii_case("retry-after") {
                head.says_when = value.parse::<u32>().is_ok();
            }
        }
        Ok(Some(head))
    }
}

fn said(head: &Head, body: &[u8], uid: &[u8]) -> Result<Said, Failure> {
    match head.status {
        200 => {}
        429 if head.says_when => return Ok(Said::Later),
        status => return Err(Failure::Status(status)),
    }
    let Review { response } = serde_json::from_slice(body)?;
    if response.uid.as_bytes() != uid {
        return Err(Failure::Uid);
    }
    Ok(match (response.allowed, response.patch) {
        (true, None) => Said::Allowed,
        (true, Some(_)) => Said::Patched,
        (false, _) => Said::Denied(response.status.unwrap_or_default().code),
    })
}

#[derive(Deserialize)]
struct Review<'a> {
    #[serde(borrow)]
    response: Response<'a>,
}

#[derive(Deserialize)]
struct Response<'a> {
    uid: &'a str,
    allowed: bool,
    #[serde(borrow)]
    patch: Option<&'a RawValue>,
    status: Option<Status>,
}

#[derive(Default, Deserialize)]
struct Status {
    code: u16,
}

/// No two requests of a run have the same.
fn next_uid() -> [u8; 36] {
    static LAST: AtomicU64 = AtomicU64::new(0);
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut number = LAST.fetch_add(1, Ordering::Relaxed);
    let mut uid = *b"5d0f6c1e-8a57-4b9e-9d0c-000000000000";
    for digit in uid.iter_mut().rev().take(12) {
        *digit = DIGITS[(number & 0xf) as usize];
        number >>= 4;
    }
    uid
}
