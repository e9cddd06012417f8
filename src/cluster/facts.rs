//! What the parts of an installation tell each other, each through a channel that holds the last fact.
//!
//! ```text
//! authority    → Trust       the CAs that callers must trust, and the one that signed this replica's certificate
//! registration → Registered  what the webhook configurations of the API server hold
//! leases       → Replicas    the replicas that live, and whether this one leads
//! ```

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use partywall_core::tenancy::Snapshot;

use rustls::crypto::ring::cipher_suite::TLS13_AES_128_GCM_SHA256;

/// A certificate, by the SHA-256 of its DER.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Fingerprint(pub(super) [u8; 32]);

impl Fingerprint {
    /// Returns the fingerprint of a certificate in DER.
    pub(super) fn of(der: &[u8]) -> Self {
        // The hash of each TLS connection to the API server.
        let digest = TLS13_AES_128_GCM_SHA256.tls13().map(|suite| suite.common.hash_provider.hash(der));
        let digest = digest.as_ref().map_or(&[][..], AsRef::as_ref);
        Self(digest.try_into().unwrap_or_default())
    }

    /// Returns its first digits, for people.
    pub(super) fn short(self) -> String {
        self.to_string().chars().take(12).collect()
    }

    /// Reads what [`fmt::Display`] writes.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        if text.len() != 64 || !text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
            return None;
        }
        for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
            *byte = u8::from_str_radix(str::from_utf8(digits).ok()?, 16).ok()?;
        }
        Some(Self(bytes))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The CAs that callers must trust, and the one that signed the certificate that this replica serves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Trust {
    /// The CAs, in PEM; empty before they are known.
    pub(super) bundle: Arc<[u8]>,
    /// The same CAs.
    pub(super) cas: BTreeSet<Fingerprint>,
    /// The CA that signed the served certificate; `None` before there is one, and if nobody can tell.
    pub(super) signer: Option<Fingerprint>,
}

/// What the webhook configurations of the API server hold, as last read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Registered {
    /// Whether both configurations were read.
    pub(super) is_known: bool,
    /// The CAs that the bundles of all entries hold; `None` if no entry is registered.
    pub(super) trusted: Option<BTreeSet<Fingerprint>>,
    /// Whether both configurations hold what the current snapshot demands.
    pub(super) is_current: bool,
    /// Whether all entries are registered, and not only that of partywall's own objects.
    pub(super) is_armed: bool,
    /// Whether somebody paused the registration.
    pub(super) is_paused: bool,
    /// Whether this replica serves every webhook that replicas have registered.
    pub(super) is_served: bool,
    /// The current snapshot, at the time of the look.
    pub(super) snapshot: SnapshotId,
}

/// Identifies a snapshot, as long as somebody holds it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct SnapshotId(usize);

impl SnapshotId {
    pub(super) fn of(snapshot: &Arc<Snapshot>) -> Self {
        Self(Arc::as_ptr(snapshot).addr())
    }
}

/// The replicas that live.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Replicas {
    /// Whether the Leases were read.
    pub(super) is_known: bool,
    /// All replicas whose Lease has not ended, this one too.
    pub(super) live: Vec<Replica>,
    /// Whether this replica leads, which saves work and decides nothing.
    pub(super) leads: bool,
}

/// A replica, as its Lease says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Replica {
    /// The name of its pod, or of its host.
    pub(super) name: String,
    /// The version of its program.
    pub(super) version: String,
    /// The names of the webhook entries that it serves.
    pub(super) entries: BTreeSet<String>,
    /// The CA that signed the certificate that it serves.
    pub(super) signer: Option<Fingerprint>,
    /// The CAs that it wants in the bundle.
    pub(super) cas: BTreeSet<Fingerprint>,
}
