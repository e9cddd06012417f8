//! Free ports of 127.0.0.1.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::ops::Range;
use std::process;
use std::sync::atomic::{AtomicU16, Ordering};

/// Below those that Linux takes for outgoing connections, of which there are many here: one of those could take a
/// port between this look and the start of the program that is to have it.
const PORTS: Range<u16> = 20_000..32_000;

/// An address that is free now and was not given out before. Where it begins to look is the run's own.
pub(crate) fn free() -> SocketAddr {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let count = PORTS.end - PORTS.start;
    let begin = u16::try_from(process::id() % u32::from(count)).unwrap();
    for _ in 0..count {
        let offset = (u32::from(begin) + u32::from(NEXT.fetch_add(1, Ordering::Relaxed))) % u32::from(count);
        let port = PORTS.start + u16::try_from(offset).unwrap();
        if let Ok(listener) = TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
            return listener.local_addr().unwrap();
        }
    }
    panic!("all ports of {PORTS:?} are taken");
}
