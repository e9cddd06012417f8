//! A certificate that somebody else issued: when it is served, and which CAs callers must trust then.
//!
//! An issuer replaces the CA and the certificate at once, and knows nothing of the webhook configurations. So a replica
//! takes a new certificate only when the bundles of all registered entries hold its CA, and until no replica serves a
//! certificate of the CA before, that one stays in the bundle.

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::CertificateDer;

use super::decide::Live;
use crate::cluster::facts::{Fingerprint, Replicas, Trust};

/// How long a CA stays in the bundle after the issuer has replaced it, in seconds.
const KEEP: i64 = 120;
/// How long it stays there if nobody knows what the other replicas serve.
const KEEP_UNKNOWN: i64 = 24 * 60 * 60;
/// How many of them stay there at most.
const KEPT: usize = 4;
/// The characters in a line of PEM.
const LINE: usize = 64;

/// CAs by their fingerprints, in DER.
pub(super) type Bundle = BTreeMap<Fingerprint, CertificateDer<'static>>;

/// What is known of a certificate, and the CAs that came with it.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Issued {
    pub(super) id: Fingerprint,
    pub(super) signer: Fingerprint,
    /// When it ends, in seconds since 1970.
    pub(super) until: i64,
    pub(super) cas: Bundle,
}

impl fmt::Debug for Issued {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} by {} until {}", self.id, self.signer, self.until)
    }
}

/// What a replica has waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Waited {
    /// That somebody reads the webhook configurations; a replica without a certificate waits no longer.
    pub(super) long: bool,
    /// That every API server and every replica knows the CA of the offered certificate, which the bundles hold.
    pub(super) settled: bool,
}

/// Returns whether an offered certificate is to be served now, instead of the one that is.
pub(super) fn takes(
    served: Option<&Issued>,
    offered: &Issued,
    live: Live<'_>,
    now: i64,
    waited: Waited,
) -> bool {
    let is_first = match served {
        Some(served) if served.id == offered.id => return false,
        Some(served) if served.signer == offered.signer => return true,
        Some(_) | None => served.is_none(),
    };
    match live {
        Live::Nothing => true,
        // Without bundles callers have other ways to trust it, of which nothing is known here.
        Live::Of(cas) if cas.is_empty() => true,
        Live::Of(cas) => {
            let has_ended = served.is_some_and(|served| now >= served.until);
            cas.contains(&offered.signer) && (is_first || has_ended || waited.settled)
        }
        Live::Unknown => is_first && waited.long,
    }
}

/// The CAs that the issuer has replaced, and since when.
#[derive(Debug, Default)]
pub(super) struct Kept {
    offered: Bundle,
    replaced: BTreeMap<Fingerprint, (i64, CertificateDer<'static>)>,
}

impl Kept {
    /// Returns what callers must trust.
    pub(super) fn trust(
        &mut self,
        served: Option<&Issued>,
        offered: Option<&Issued>,
        replicas: &Replicas,
        now: i64,
    ) -> Trust {
        if let Some(offered) = offered {
            self.offer(&offered.cas, now);
        }
        let signer = served.map(|served| served.signer);
        let is_used = |ca: &Fingerprint| {
            signer == Some(*ca) || replicas.live.iter().any(|replica| replica.signer == Some(*ca))
        };
        let keep = if replicas.is_known { KEEP } else { KEEP_UNKNOWN };
        self.replaced.retain(|ca, (since, _)| is_used(ca) || now.saturating_sub(*since) < keep);
        let mut all = self.offered.clone();
        all.extend(self.replaced.iter().map(|(ca, (_, der))| (*ca, der.clone())));
        // What is offered now may be without the CA of what is served.
        let own = served.and_then(|served| served.cas.get_key_value(&served.signer));
        all.extend(own.map(|(ca, der)| (*ca, der.clone())));
        Trust { bundle: pem(all.values()).into_bytes().into(), cas: all.keys().copied().collect(), signer }
    }

    /// Notes which CAs are gone from what the issuer offers.
    fn offer(&mut self, cas: &Bundle, now: i64) {
        let before = std::mem::replace(&mut self.offered, cas.clone());
        let gone = before.into_iter().filter(|(ca, _)| !cas.contains_key(ca));
        self.replaced.extend(gone.map(|(ca, der)| (ca, (now, der))));
        self.replaced.retain(|ca, _| !cas.contains_key(ca));
        while self.replaced.len() > KEPT {
            let oldest = self.replaced.iter().min_by_key(|(_, (since, _))| *since).map(|(ca, _)| *ca);
            let Some(oldest) = oldest else { return };
            self.replaced.remove(&oldest);
        }
    }
}

/// Returns certificates in PEM.
fn pem<'c>(certificates: impl IntoIterator<Item = &'c CertificateDer<'static>>) -> String {
    let mut pem = String::new();
    for der in certificates {
        pem.push_str("-----BEGIN CERTIFICATE-----\n");
        for (index, character) in STANDARD.encode(der).chars().enumerate() {
            if index > 0 && index % LINE == 0 {
                pem.push('\n');
            }
            pem.push(character);
        }
        pem.push_str("\n-----END CERTIFICATE-----\n");
    }
    pem
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;
    use rustls::pki_types::pem::PemObject;

    use super::*;
    use crate::cluster::facts::Replica;

    const LONG: Waited = Waited { long: true, settled: false };
    const SETTLED: Waited = Waited { long: true, settled: true };

    fn id(number: u8) -> Fingerprint {
        Fingerprint([number; 32])
    }

    /// A certificate, its signer, and the CAs that come with it.
    fn issued(number: u8, signer: u8, cas: &[u8]) -> Issued {
        let der = |ca: &u8| (id(*ca), CertificateDer::from(vec![*ca; 100]));
        Issued { id: id(number), signer: id(signer), until: 1_000, cas: cas.iter().map(der).collect() }
    }

    fn live_with(signers: &[u8]) -> Replicas {
        let replica = |signer: &u8| Replica { signer: Some(id(*signer)), ..Replica::default() };
        Replicas { is_known: true, live: signers.iter().map(replica).collect(), leads: false }
    }

    fn numbers(trust: &Trust) -> Vec<u8> {
        trust.cas.iter().map(|ca| ca.0[0]).collect()
    }

    #[test]
    fn a_certificate_of_another_ca_waits_until_all_bundles_hold_that() {
        let (old, new) = (issued(10, 1, &[1]), issued(11, 2, &[2]));
        let held = BTreeSet::from([id(1)]);
        let takes = |served: Option<&Issued>, offered: &Issued, live: Live<'_>| {
            takes(served, offered, live, 500, SETTLED)
        };
        assert!(!takes(Some(&old), &new, Live::Of(&held)));
        assert!(takes(Some(&old), &new, Live::Of(&[id(1), id(2)].into())));
        assert!(takes(Some(&old), &new, Live::Nothing));
        assert!(!takes(Some(&old), &new, Live::Unknown));
        assert!(takes(Some(&old), &issued(12, 1, &[1]), Live::Unknown), "a renewal");
        assert!(!takes(Some(&old), &old, Live::Nothing));
    }

    #[test]
    fn a_certificate_of_another_ca_waits_until_every_api_server_uses_the_bundles() {
        let (old, new) = (issued(10, 1, &[1]), issued(11, 2, &[2]));
        let held = BTreeSet::from([id(1), id(2)]);
        assert!(!takes(Some(&old), &new, Live::Of(&held), 500, LONG));
        assert!(takes(Some(&old), &new, Live::Of(&held), 1_000, LONG), "the old one has ended");
        assert!(
            !takes(Some(&old), &new, Live::Of(&[id(1)].into()), 1_000, SETTLED),
            "but nobody trusts the new one"
        );
    }

    #[test]
    fn the_first_certificate_waits_for_the_bundles() {
        let new = issued(11, 2, &[2]);
        let takes = |live: Live<'_>, waited| takes(None, &new, live, 500, waited);
        assert!(!takes(Live::Unknown, Waited { long: false, settled: false }));
        assert!(takes(Live::Unknown, LONG), "a moment only, if nobody can read them");
        assert!(!takes(Live::Of(&[id(1)].into()), SETTLED));
        assert!(takes(Live::Of(&[id(1), id(2)].into()), LONG));
        assert!(takes(Live::Of(&BTreeSet::new()), LONG), "callers need no bundle");
    }

    #[test]
    fn a_replaced_ca_stays_in_the_bundle_while_a_replica_serves_a_certificate_of_it() {
        let (old, new) = (issued(10, 1, &[1]), issued(11, 2, &[2]));
        let mut kept = Kept::default();
        assert_eq!(numbers(&kept.trust(Some(&old), Some(&old), &live_with(&[1, 1]), 0)), [1]);
        assert_eq!(numbers(&kept.trust(Some(&old), Some(&new), &live_with(&[1, 1]), 10)), [1, 2]);
        assert_eq!(numbers(&kept.trust(Some(&new), Some(&new), &live_with(&[1, 2]), 500)), [1, 2]);
        assert_eq!(numbers(&kept.trust(Some(&new), Some(&new), &live_with(&[2, 2]), 501)), [2]);
    }

    #[test]
    fn a_replaced_ca_stays_in_the_bundle_for_a_while_and_longer_if_replicas_are_unknown() {
        let (old, new) = (issued(10, 1, &[1]), issued(11, 2, &[2]));
        let (known, unknown) = (live_with(&[2]), Replicas::default());
        for (replicas, keep) in [(&known, KEEP), (&unknown, KEEP_UNKNOWN)] {
            let mut kept = Kept::default();
            kept.trust(Some(&old), Some(&old), replicas, 0);
            kept.trust(Some(&new), Some(&new), replicas, 10);
            assert_eq!(numbers(&kept.trust(Some(&new), Some(&new), replicas, 9 + keep)), [1, 2]);
            assert_eq!(numbers(&kept.trust(Some(&new), Some(&new), replicas, 10 + keep)), [2]);
        }
    }

    #[test]
    fn a_bundle_is_pem_that_can_be_read_again() {
        let trust = Kept::default().trust(None, Some(&issued(1, 2, &[2, 3])), &Replicas::default(), 0);
        let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&trust.bundle).collect();
        assert_eq!(read.unwrap(), [vec![2; 100], vec![3; 100]].map(CertificateDer::from));
        assert!(str::from_utf8(&trust.bundle).unwrap().lines().all(|line| line.len() <= LINE));
        assert_eq!(trust.signer, None);
    }

    proptest! {
        /// The CA of what is served is always in the bundle, and the bundle stays small.
        #[test]
        fn what_is_served_can_be_trusted(offers in prop::collection::vec((0..9_u8, 0..4_u8, any::<bool>()), 1..60)) {
            let (mut kept, mut served) = (Kept::default(), None::<Issued>);
            let mut registered = BTreeSet::new();
            for (time, (number, signer, is_registered)) in (0..).step_by(30).zip(offers) {
                let offered = issued(number, signer, &[signer]);
                let signers: Vec<u8> = served.iter().map(|served| served.signer.0[0]).collect();
                let replicas = live_with(&signers);
                if takes(served.as_ref(), &offered, Live::Of(&registered), time, SETTLED) {
                    if let Some(served) = &served {
                        let is_trusted = registered.is_empty() || registered.contains(&offered.signer);
                        prop_assert!(is_trusted || offered.signer == served.signer);
                    }
                    served = Some(offered.clone());
                }
                let trust = kept.trust(served.as_ref(), Some(&offered), &replicas, time);
                prop_assert!(served.iter().all(|served| trust.cas.contains(&served.signer)));
                prop_assert!(trust.cas.len() <= KEPT + 2);
                if is_registered {
                    registered = trust.cas;
                }
            }
        }
    }
}
