//! Stands in for kube-proxy: whoever connects to the address of one Service is connected to its server.
//!
//! It can be one because the suite's Services have loopback addresses.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::task::JoinSet;

/// How ALPN names HTTP/2 in a ClientHello, with its length.
const H2: &[u8] = b"\x02h2";
/// More than a ClientHello takes.
const HELLO: usize = 16 * 1024;

/// What it has counted of its connections.
#[derive(Default)]
pub(crate) struct Counts {
    pub(crate) connections: AtomicUsize,
    /// Of these, how many offered HTTP/2 to the server.
    pub(crate) offered_h2: AtomicUsize,
}

/// A running stand-in. Dropping it ends it and its connections.
pub(crate) struct KubeProxy {
    pub(crate) counts: Arc<Counts>,
    _accepting: JoinSet<()>,
}

impl KubeProxy {
    /// Starts one at the address of a Service.
    pub(crate) fn start(runtime: &Handle, service: SocketAddr, backend: SocketAddr) -> Self {
        assert!(service.ip().is_loopback(), "{service}");
        let listener = runtime.block_on(TcpListener::bind(service)).unwrap();
        let counts = Arc::<Counts>::default();
        let mut accepting = JoinSet::new();
        accepting.spawn_on(accept(listener, backend, Arc::clone(&counts)), runtime);
        Self { counts, _accepting: accepting }
    }
}

async fn accept(listener: TcpListener, backend: SocketAddr, counts: Arc<Counts>) {
    // Its connections end with it.
    let mut connections = JoinSet::new();
    loop {
        let Ok((client, _)) = listener.accept().await else { continue };
        let counts = Arc::clone(&counts);
        connections.spawn(async move {
            // The client sees how it ends.
            let _how_it_ends = forward(client, backend, &counts).await;
        });
        while connections.try_join_next().is_some() {}
    }
}

async fn forward(mut client: TcpStream, backend: SocketAddr, counts: &Counts) -> io::Result<()> {
    let mut server = TcpStream::connect(backend).await?;
    let mut hello = vec![0; HELLO];
    let length = client.read(&mut hello).await?;
    let hello = &hello[..length];
    counts.connections.fetch_add(1, Ordering::Relaxed);
    if hello.windows(H2.len()).any(|window| window == H2) {
        counts.offered_h2.fetch_add(1, Ordering::Relaxed);
    }
    server.write_all(hello).await?;
    copy_bidirectional(&mut client, &mut server).await.map(drop)
}
