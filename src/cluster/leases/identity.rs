//! The name of this replica.

use std::hash::{BuildHasher, RandomState};

use crate::cluster::installation::REPLICA_PREFIX;

/// The longest part of a host's name that names the Lease; with all else it is a DNS name of less than 253 letters.
const LONGEST: usize = 200;
/// What a host is called that has no name.
const NAMELESS: &str = "host";

/// Names this replica: by its host, which in a cluster is its pod, and by something of its process alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    host: String,
    process: String,
    /// Whether the name has the part of the process too, since another process has the one without it.
    is_long: bool,
}

impl Identity {
    /// Returns the identity of this process.
    pub(super) fn of_this_process() -> Self {
        Self::new(&hostname(), RandomState::new().hash_one(std::process::id()))
    }

    pub(super) fn new(host: &str, process: u64) -> Self {
        let host: String = host
            .chars()
            .map(|letter| letter.to_ascii_lowercase())
            .map(|letter| if letter.is_ascii_alphanumeric() || letter == '.' { letter } else { '-' })
            .take(LONGEST)
            .collect();
        let labels = host.split('.').map(|label| label.trim_matches('-')).filter(|label| !label.is_empty());
        let mut host = labels.collect::<Vec<_>>().join(".");
        if host.is_empty() {
            NAMELESS.clone_into(&mut host);
        }
        Self { host, process: format!("{process:016x}"), is_long: false }
    }

    /// Returns the name of the replica.
    pub(super) fn name(&self) -> String {
        let Self { host, process, is_long } = self;
        if *is_long { format!("{host}-{process}") } else { host.clone() }
    }

    /// Returns the name of the replica's Lease.
    pub(super) fn lease(&self) -> String {
        format!("{REPLICA_PREFIX}{}", self.name())
    }

    /// Returns what no other process has, by which a Lease says who holds it.
    pub(super) fn holder(&self) -> String {
        format!("{}_{}", self.host, self.process)
    }

    /// Takes the longer name, for good.
    ///
    /// The Lease with the shorter one is that of another process on this host, or of an earlier one in this pod, which
    /// may not have ended yet for others.
    pub(super) fn lengthen(&mut self) {
        self.is_long = true;
    }
}

/// Returns the name of the host, which in a container is that of the pod; empty if there is none.
#[expect(clippy::disallowed_methods, reason = "the name of the host is in a file")]
fn hostname() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_host_becomes_the_name_of_an_object() {
        let (long, longest) = ("a".repeat(300), "a".repeat(LONGEST));
        for (host, name) in [
            ("partywall-7d4b9c5f6-x2x4z", "partywall-7d4b9c5f6-x2x4z"),
            ("Node_1.Example.COM.", "node-1.example.com"),
            ("-a-..b.-", "a.b"),
            ("é", "host"),
            ("", "host"),
            (long.as_str(), longest.as_str()),
        ] {
            let mut identity = Identity::new(host, 1);
            assert_eq!(identity.name(), name);
            assert_eq!(identity.lease(), format!("partywall-replica-{name}"));
            identity.lengthen();
            assert_eq!(identity.name(), format!("{name}-0000000000000001"));
            assert!(identity.lease().len() <= 253);
        }
    }

    #[test]
    fn two_processes_of_one_host_are_not_the_same() {
        let (one, other) = (Identity::of_this_process(), Identity::of_this_process());
        assert_eq!(one.name(), other.name());
        assert_ne!(one.holder(), other.holder());
    }
}
