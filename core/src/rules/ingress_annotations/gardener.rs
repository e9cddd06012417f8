//! Gardener, which publishes names and has them certified.

use super::table::Family;
use super::table::Takes::{Hosts, Plain};

/// Gardener's names and certificates.
pub(super) const GARDENER: Family = Family {
    prefixes: &["dns.gardener.cloud", "cert.gardener.cloud"],
    within: &[],
    keys: &[(Plain, &["class", "dnsnames-count", "purpose", "ttl"]), (Hosts, &["commonname", "dnsnames"])],
};
