//! Forwards connections to the API server, and stalls them on demand: nothing more comes, and no end either.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// A forwarder of TCP connections.
pub(crate) struct Stalling {
    pub(crate) address: SocketAddr,
    stalls: Arc<watch::Sender<usize>>,
    /// Ends with the forwarder.
    _accepting: JoinSet<()>,
}

impl Stalling {
    /// Starts one that forwards to an address.
    pub(crate) fn start(runtime: &Handle, to: SocketAddr) -> Self {
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let stalls = Arc::new(watch::Sender::new(0));
        let mut accepting = JoinSet::new();
        accepting.spawn_on(accept(listener, to, Arc::clone(&stalls)), runtime);
        Self { address, stalls, _accepting: accepting }
    }

    /// Stalls all connections that are open now; later ones are forwarded.
    pub(crate) fn stall(&self) {
        self.stalls.send_modify(|stalls| *stalls += 1);
    }
}

async fn accept(listener: TcpListener, to: SocketAddr, stalls: Arc<watch::Sender<usize>>) {
    // Its connections end with it.
    let mut connections = JoinSet::new();
    loop {
        let Ok((mut client, _)) = listener.accept().await else { continue };
        let mut stalled = stalls.subscribe();
        connections.spawn(async move {
            let Ok(mut server) = TcpStream::connect(to).await else { return };
            tokio::select! {
                _ended = copy_bidirectional(&mut client, &mut server) => {}
                // Both sockets stay open, and nobody reads or writes them.
                Ok(()) = stalled.changed() => std::future::pending().await,
            }
        });
        while connections.try_join_next().is_some() {}
    }
}
