//! Lists the annotations of Gardener, which publishes names and requests certificates for them.

use super::table::Family;
use super::table::Takes::{Hosts, Plain};

pub(super) const GARDENER: Family = Family {
    prefixes: &["dns.gardener.cloud", "cert.gardener.cloud"],
    within: &[],
    keys: &[(Plain, &["class", "dnsnames-count", "purpose", "ttl"]), (Hosts, &["commonname", "dnsnames"])],
};
