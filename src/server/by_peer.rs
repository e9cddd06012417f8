//! Entries of many peers, ordered by their last progress, and the choice of the one that gives way.
//!
//! INVARIANT: while a peer has more than one in [`SHARE`] of the entries, the peer with the most gives way, whatever
//! the age of its entries.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;
use std::time::Duration;

use tokio::time::Instant;

/// An entry that made progress so recently gives way only if no other peer has an older one.
///
/// An honest peer completes a handshake or a body in less, also on a busy server.
pub(super) const FRESH: Duration = Duration::from_millis(50);

/// Divides all entries into the number from which on a peer has too many: that peer is the flood.
const SHARE: usize = 16;

/// How many of the peers with the most entries are compared for one that gives way.
const COMPARED: usize = 16;

/// A client, as far as its address tells: an IPv4 address, or the first half of an IPv6 address.
///
/// One IPv6 client usually has a whole /64.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Peer(IpAddr);

impl Peer {
    /// Stands for all peers of which the address is not known.
    pub(super) const UNKNOWN: Self = Self(IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED));

    /// Returns the peer at an address. On a socket for both families, IPv4 addresses arrive mapped to IPv6.
    pub(super) fn at(address: IpAddr) -> Self {
        match address.to_canonical() {
            v4 @ IpAddr::V4(_) => Self(v4),
            IpAddr::V6(v6) => Self(IpAddr::V6((v6.to_bits() >> 64 << 64).into())),
        }
    }
}

/// Finds an entry again: its peer, and its place in the order of progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Key {
    peer: Peer,
    since: Instant,
    /// Orders entries of the same instant, and is never used twice.
    number: u64,
}

/// The entries of all peers; each operation takes logarithmic time.
#[derive(Debug)]
pub(super) struct ByPeer<V> {
    peers: HashMap<Peer, BTreeMap<(Instant, u64), V>>,
    /// The number of entries of each peer, for the peers with the most.
    counts: BTreeSet<(usize, Peer)>,
    count: usize,
    next_number: u64,
}

impl<V> Default for ByPeer<V> {
    fn default() -> Self {
        Self { peers: HashMap::new(), counts: BTreeSet::new(), count: 0, next_number: 0 }
    }
}

impl<V> ByPeer<V> {
    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// Adds an entry that made its last progress at `since`.
    pub(super) fn insert(&mut self, peer: Peer, since: Instant, value: V) -> Key {
        let number = self.next_number;
        self.next_number += 1;
        let entries = self.peers.entry(peer).or_default();
        let before = entries.len();
        entries.insert((since, number), value);
        self.count += 1;
        self.recount(peer, before, before + 1);
        Key { peer, since, number }
    }

    /// Removes an entry, unless it gave way already.
    pub(super) fn remove(&mut self, key: Key) -> Option<V> {
        let entries = self.peers.get_mut(&key.peer)?;
        let value = entries.remove(&(key.since, key.number))?;
        let left = entries.len();
        if left == 0 {
            self.peers.remove(&key.peer);
            // Memory of a flood is given back.
            if self.peers.capacity() > 64 && self.peers.len() * 8 < self.peers.capacity() {
                self.peers.shrink_to(self.peers.len() * 2);
            }
        }
        self.count -= 1;
        self.recount(key.peer, left + 1, left);
        Some(value)
    }

    /// Removes the entry that gives way: the oldest one of the peer with the most.
    ///
    /// If no peer has many, peers all of whose entries are fresh come last, so that many peers with one stalled entry
    /// each don't displace a peer that opens several at once.
    pub(super) fn give_way(&mut self, now: Instant) -> Option<V> {
        let (most, peer) = *self.counts.last()?;
        let stale = if most * SHARE > self.count { None } else { self.stale(now) };
        let key = stale.or_else(|| self.oldest_of(peer))?;
        self.remove(key)
    }

    /// Removes the oldest entry of the peer with the most, among entries that are not fresh.
    pub(super) fn give_way_if_stale(&mut self, now: Instant) -> Option<V> {
        let key = self.stale(now)?;
        self.remove(key)
    }

    fn stale(&self, now: Instant) -> Option<Key> {
        let oldest = self.counts.iter().rev().take(COMPARED).filter_map(|(_, peer)| self.oldest_of(*peer));
        let mut stale = oldest.filter(|key| now.saturating_duration_since(key.since) >= FRESH);
        stale.next()
    }

    fn oldest_of(&self, peer: Peer) -> Option<Key> {
        let ((since, number), _) = self.peers.get(&peer)?.first_key_value()?;
        Some(Key { peer, since: *since, number: *number })
    }

    fn recount(&mut self, peer: Peer, before: usize, after: usize) {
        self.counts.remove(&(before, peer));
        if after > 0 {
            self.counts.insert((after, peer));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn peer(address: &str) -> Peer {
        Peer::at(address.parse().unwrap())
    }

    #[test]
    fn o5_peers_of_ipv6_count_by_their_64_bits_and_mapped_ones_as_ipv4() {
        assert_eq!(peer("2001:db8:1:2::1"), peer("2001:db8:1:2:ffff::9"));
        assert_ne!(peer("2001:db8:1:2::1"), peer("2001:db8:1:3::1"));
        assert_eq!(peer("::ffff:10.0.0.1"), peer("10.0.0.1"));
        assert_ne!(peer("::ffff:10.0.0.1"), peer("::ffff:10.0.0.2"));
    }

    #[tokio::test(start_paused = true)]
    async fn o5_the_oldest_of_the_peer_with_the_most_gives_way() {
        let (mut entries, begun) = (ByPeer::default(), Instant::now());
        entries.insert(peer("10.0.0.1"), begun, "honest");
        entries.insert(peer("10.0.0.2"), begun + FRESH, "first");
        entries.insert(peer("10.0.0.2"), begun + FRESH, "second");
        assert_eq!(entries.give_way(begun + 2 * FRESH), Some("first"));
        assert_eq!(entries.len(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn o5_many_peers_with_a_stale_entry_each_do_not_displace_one_that_begins_several() {
        let (mut entries, begun) = (ByPeer::default(), Instant::now());
        let now = begun + FRESH;
        for number in 0..100 {
            entries.insert(peer(&format!("10.0.1.{number}")), begun, "stale");
        }
        for _ in 0..3 {
            entries.insert(peer("10.0.0.1"), now, "fresh");
        }
        for _ in 0..50 {
            assert_eq!(entries.give_way(now), Some("stale"));
        }
        assert_eq!(entries.give_way_if_stale(now), Some("stale"));
    }

    #[tokio::test(start_paused = true)]
    async fn o5_peers_that_begin_anew_all_the_time_do_not_displace_one_that_is_idle() {
        let (mut entries, begun) = (ByPeer::default(), Instant::now());
        let now = begun + FRESH;
        entries.insert(peer("10.0.0.1"), begun, "idle");
        for number in 0..80 {
            entries.insert(peer(&format!("10.0.1.{}", number % 8)), now, "fresh");
        }
        for _ in 0..70 {
            assert_eq!(entries.give_way(now), Some("fresh"));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_entry_is_removed_once() {
        let mut entries = ByPeer::default();
        let key = entries.insert(Peer::UNKNOWN, Instant::now(), ());
        assert_eq!(entries.remove(key), Some(()));
        assert_eq!((entries.remove(key), entries.len()), (None, 0));
        assert_eq!(entries.give_way(Instant::now()), None);
    }

    proptest! {
        /// Holds the counts to the entries, whatever comes and goes.
        #[test]
        fn counts_are_those_of_the_entries(steps in prop::collection::vec((0_u8..4, 0_usize..8, 0_u64..100), 0..200)) {
            let (mut entries, mut keys, begun) = (ByPeer::default(), Vec::new(), Instant::now());
            for (address, step, millis) in steps {
                let at = begun + Duration::from_millis(millis);
                match step {
                    0 => drop(entries.give_way(at)),
                    1 => drop(entries.give_way_if_stale(at)),
                    2 | 3 => drop(keys.pop().and_then(|key| entries.remove(key))),
                    _ => keys.push(entries.insert(Peer::at([10, 0, 0, address].into()), at, ())),
                }
                let counted: usize = entries.peers.values().map(BTreeMap::len).sum();
                prop_assert_eq!(entries.len(), counted);
                let counts: BTreeSet<_> = entries.peers.iter().map(|(peer, of)| (of.len(), *peer)).collect();
                prop_assert_eq!(&entries.counts, &counts);
            }
        }
    }
}
