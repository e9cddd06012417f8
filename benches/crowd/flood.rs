//! A process that keeps many connections open and finishes nothing on them.

use std::env;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clap::ValueEnum;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::client::Target;

/// In the environment of a process that is to be a flood: what it does, as JSON, and the CA of its target.
const BE: &str = "PARTYWALL_CROWD_BE";
const CA: &str = "PARTYWALL_CROWD_CA";

/// How long to wait after a connection was refused.
const REFUSED: Duration = Duration::from_millis(100);

/// How many bytes a long ClientHello or head has; the server keeps at most 64 KiB of either.
const LONG: usize = 60_000;
/// The bytes of a record of TLS.
const RECORD: usize = 16_000;
/// The headers of a long head.
const HEADERS: usize = 50;

/// Names what the connections of a flood do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
pub(crate) enum Kind {
    /// They send nothing.
    Silent,
    /// They send half a ClientHello.
    Handshakes,
    /// They send almost all of the longest ClientHello, in several records.
    LongHandshakes,
    /// They send half a head.
    Heads,
    /// They send almost all of the longest head.
    LongHeads,
    /// They send a body but for its last KB.
    Bodies,
}

/// The addresses that a flood comes from.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) enum From {
    /// 127.0.0.2 to 127.0.0.9.
    Others,
    /// 127.0.0.1, like the honest client.
    Same,
}

/// Many connections.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Flood {
    pub(crate) kind: Kind,
    pub(crate) from: From,
    pub(crate) count: usize,
    pub(crate) address: SocketAddr,
}

impl Kind {
    pub(crate) const ALL: [Self; 6] =
        [Self::Silent, Self::Handshakes, Self::LongHandshakes, Self::Heads, Self::LongHeads, Self::Bodies];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Silent => "silent",
            Self::Handshakes => "handshakes",
            Self::LongHandshakes => "long handshakes",
            Self::Heads => "heads",
            Self::LongHeads => "long heads",
            Self::Bodies => "bodies",
        }
    }
}

impl From {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Others => "127.0.0.2-9",
            Self::Same => "127.0.0.1",
        }
    }

    fn address(self, number: usize) -> Ipv4Addr {
        match self {
            Self::Others => Ipv4Addr::new(127, 0, 0, 2 + u8::try_from(number % 8).unwrap_or_default()),
            Self::Same => Ipv4Addr::LOCALHOST,
        }
    }
}

/// A running flood; dropping it ends it.
pub(crate) struct Flooding(Child);

impl Drop for Flooding {
    fn drop(&mut self) {
        let _ended = self.0.kill();
        let _code = self.0.wait();
    }
}

/// Returns the flood that this process is to be, if any.
pub(crate) fn role() -> anyhow::Result<Option<Flood>> {
    let Some(flood) = env::var_os(BE) else { return Ok(None) };
    Ok(Some(serde_json::from_str(flood.to_str().context("it is JSON")?)?))
}

impl Flood {
    pub(crate) fn start(self, ca: &str) -> anyhow::Result<Flooding> {
        let mut command = Command::new(env::current_exe()?);
        command.env(BE, serde_json::to_string(&self)?).env(CA, ca);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        Ok(Flooding(command.spawn()?))
    }

    /// Keeps the connections open until the process is killed.
    pub(crate) async fn run(self) {
        let limit = getrlimit(Resource::Nofile).maximum;
        if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: limit, maximum: limit }) {
            eprintln!("the limit of open files cannot be raised: {error}");
        }
        let ca = env::var(CA).unwrap_or_default();
        let target = Target::new(self.address, &ca, false).unwrap_or_else(|error| panic!("{error}"));
        let target = Arc::new(target);
        let mut connections = JoinSet::new();
        for number in 0..self.count {
            let target = Arc::clone(&target);
            connections.spawn(async move {
                loop {
                    if self.hold(number, &target).await.is_err() {
                        sleep(REFUSED).await;
                    }
                }
            });
        }
        std::future::pending().await
    }

    /// Opens a connection, and returns when it is closed.
    async fn hold(self, number: usize, target: &Target) -> io::Result<()> {
        let socket = TcpSocket::new_v4()?;
        // A port may be used for several connections, as long as they don't have both ends in common.
        socket.set_reuseaddr(true)?;
        socket.bind((self.from.address(number), 0).into())?;
        let mut stream = socket.connect(self.address).await?;
        match self.kind {
            Kind::Silent => wait(stream).await,
            Kind::Handshakes => {
                stream.write_all(b"\x16\x03\x01\x02\x00\x01").await?;
                wait(stream).await
            }
            Kind::LongHandshakes => {
                stream.write_all(&long_client_hello()).await?;
                wait(stream).await
            }
            Kind::LongHeads => {
                let mut stream = target.secure_on(stream).await?;
                stream.write_all(b"POST /validate HTTP/1.1\r\nhost: localhost\r\n").await?;
                let line = format!("x: {}\r\n", "y".repeat(LONG / HEADERS));
                for _ in 0..HEADERS {
                    stream.write_all(line.as_bytes()).await?;
                }
                stream.flush().await?;
                wait(stream).await
            }
            Kind::Heads => {
                let mut stream = target.secure_on(stream).await?;
                stream.write_all(b"POST /validate HTTP/1.1\r\nhost: local").await?;
                stream.flush().await?;
                wait(stream).await
            }
            Kind::Bodies => {
                let (length, sent) = (62 << 10, 61 << 10);
                let head = format!(
                    "POST /validate?timeout=10s HTTP/1.1\r\nhost: localhost\r\ncontent-length: {length}\r\n\r\n"
                );
                let mut stream = target.secure_on(stream).await?;
                stream.write_all(head.as_bytes()).await?;
                stream.write_all(&vec![b' '; sent]).await?;
                stream.flush().await?;
                wait(stream).await
            }
        }
    }
}

/// Returns all but the end of a ClientHello that says it is almost 64 KiB long, in records of 16 KiB or less.
fn long_client_hello() -> Vec<u8> {
    // The type of the message, and its length in three bytes.
    let mut message = vec![1, 0, 0xff, 0xf0];
    message.resize(LONG, 0);
    let mut records = Vec::with_capacity(LONG + 64);
    for payload in message.chunks(RECORD) {
        records.extend([0x16, 3, 1]);
        records.extend(u16::try_from(payload.len()).unwrap_or(u16::MAX).to_be_bytes());
        records.extend(payload);
    }
    records
}

async fn wait(mut stream: impl AsyncReadExt + Unpin) -> io::Result<()> {
    let mut answer = [0; 512];
    while stream.read(&mut answer).await? > 0 {}
    Ok(())
}
