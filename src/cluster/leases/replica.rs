//! What a replica says about itself in the annotations of its Lease.

use std::collections::{BTreeMap, BTreeSet};

use super::lease::Lease;
use crate::cluster::facts::{Fingerprint, Replica};
use crate::cluster::installation::REPLICA_PREFIX;

const VERSION: &str = "partywall.dev/version";
const ENTRIES: &str = "partywall.dev/entries";
const SIGNER: &str = "partywall.dev/signer";
const CAS: &str = "partywall.dev/cas";

/// Returns the annotations of a replica's Lease. Lists are separated by commas.
pub(super) fn annotations(replica: &Replica) -> BTreeMap<String, String> {
    let Replica { name: _, version, entries, signer, cas } = replica;
    let entries: Vec<&str> = entries.iter().map(String::as_str).collect();
    let cas: Vec<String> = cas.iter().map(Fingerprint::to_string).collect();
    let mut annotations = BTreeMap::from([
        (VERSION.to_owned(), version.clone()),
        (ENTRIES.to_owned(), entries.join(",")),
        (CAS.to_owned(), cas.join(",")),
    ]);
    if let Some(signer) = signer {
        annotations.insert(SIGNER.to_owned(), signer.to_string());
    }
    annotations
}

/// Returns the replica of a Lease; `None` if no replica wrote it.
///
/// What cannot be read of it is left out, so that nothing is done that needs it.
pub(crate) fn replica(lease: &Lease) -> Option<Replica> {
    let name = lease.metadata.name.strip_prefix(REPLICA_PREFIX)?;
    let get = |key: &str| lease.metadata.annotations.get(key);
    let list =
        |key: &str| get(key).into_iter().flat_map(|list| list.split(',')).filter(|item| !item.is_empty());
    get(ENTRIES)?;
    Some(Replica {
        name: name.to_owned(),
        version: get(VERSION)?.clone(),
        entries: list(ENTRIES).map(str::to_owned).collect(),
        signer: get(SIGNER).and_then(|text| Fingerprint::parse(text)),
        cas: list(CAS).filter_map(Fingerprint::parse).collect::<BTreeSet<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::cluster::leases::lease::Metadata;

    fn lease(name: &str, annotations: BTreeMap<String, String>) -> Lease {
        let metadata = Metadata { name: name.to_owned(), annotations, ..Metadata::default() };
        Lease { metadata, ..Lease::default() }
    }

    proptest! {
        #[test]
        fn what_a_replica_writes_is_what_others_read(
            name in "[a-z0-9.-]{1,20}",
            version in "[0-9.a-z+-]{1,10}",
            entries in proptest::collection::btree_set("[a-z-]{1,12}\\.partywall\\.dev", 0..4),
            signer in proptest::option::of(any::<[u8; 32]>()),
            cas in proptest::collection::btree_set(any::<[u8; 32]>(), 0..4),
        ) {
            let signer = signer.map(Fingerprint);
            let cas = cas.into_iter().map(Fingerprint).collect();
            let written = Replica { name: name.clone(), version, entries, signer, cas };
            let lease = lease(&format!("{REPLICA_PREFIX}{name}"), annotations(&written));
            prop_assert_eq!(replica(&lease), Some(written));
        }
    }

    #[test]
    fn a_lease_that_no_replica_wrote_is_none_of_a_replica() {
        let own = annotations(&Replica { version: "1".to_owned(), ..Replica::default() });
        assert!(replica(&lease("partywall-replica-a", own.clone())).is_some());
        assert_eq!(replica(&lease("partywall-leader", own.clone())), None);
        for key in [VERSION, ENTRIES] {
            let mut without = own.clone();
            without.remove(key);
            assert_eq!(replica(&lease("partywall-replica-a", without)), None, "{key}");
        }
    }

    #[test]
    fn a_fingerprint_that_is_none_is_left_out() {
        let mut odd = annotations(&Replica { version: "1".to_owned(), ..Replica::default() });
        let good = "0f".repeat(32);
        odd.insert(SIGNER.to_owned(), "0F".repeat(31));
        odd.insert(CAS.to_owned(), format!("{good},zz{},é,", "0f".repeat(31)));
        let read = replica(&lease("partywall-replica-a", odd)).unwrap();
        assert_eq!(read.signer, None);
        assert_eq!(read.cas, [Fingerprint([15; 32])].into());
    }
}
