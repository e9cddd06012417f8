//! When a replica gets another serving certificate, and which CA signs it.
//!
//! INVARIANT: once an entry is registered, no CA signs that some bundle lacks. A replica without a certificate waits:
//! the registration adds its CAs to the bundles first.

use super::cas::{Ca, Cas};
use super::decide::Live;

/// What is known of a serving certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Leaf {
    /// The CA that signed it.
    pub(super) signer: Ca,
    /// When it begins, when it is to be replaced, and when it ends, in seconds since 1970.
    pub(super) from: i64,
    pub(super) renew_at: i64,
    pub(super) until: i64,
}

impl Leaf {
    const fn is_alive(&self, now: i64) -> bool {
        now < self.until
    }
}

/// Returns the CA that is to sign a new serving certificate; `None` if none is to be signed now.
///
/// `has_waited` says that a replica without a certificate waits for the webhook configurations no longer.
pub(super) fn signer<'c>(
    cas: &'c Cas,
    leaf: Option<&Leaf>,
    live: Live<'_>,
    now: i64,
    has_waited: bool,
) -> Option<&'c Ca> {
    let mut candidates =
        [&cas.current, &cas.next].into_iter().filter(|ca| ca.is_alive(now) && ca.key.is_some());
    let leaf = leaf.filter(|leaf| leaf.is_alive(now));
    let ca = match (live, leaf) {
        (Live::Nothing, _) => candidates.next(),
        (Live::Of(_), _) => candidates.find(|ca| live.accepts(ca)),
        (Live::Unknown, Some(leaf)) => candidates.find(|ca| ca.id == leaf.signer.id),
        (Live::Unknown, None) if has_waited => candidates.next(),
        (Live::Unknown, None) => None,
    }?;
    let is_same =
        leaf.is_some_and(|leaf| leaf.signer.id == ca.id && (leaf.from..leaf.renew_at).contains(&now));
    (!is_same).then_some(ca)
}

/// Returns when a certificate is to be replaced: when a third of its life is left, give or take a tenth of that, so
/// that the replicas do not do it together.
///
/// `chance` is any number.
pub(super) fn renew_at(from: i64, until: i64, chance: u8) -> i64 {
    let third = until.saturating_sub(from) / 3;
    let tenth = third / 10;
    let shift = (tenth * 2).saturating_mul(i64::from(chance)) / i64::from(u8::MAX);
    until - third - tenth + shift
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Arc;

    use super::*;
    use crate::cluster::facts::Fingerprint;

    fn ca(number: u8, until: i64) -> Ca {
        let key = Some(Arc::from(""));
        Ca { id: Fingerprint([number; 32]), made: 0, until, fits: true, certificate: "".into(), key }
    }

    fn cas() -> Cas {
        Cas { previous: Some(Ca { key: None, ..ca(3, 1_000) }), ..Cas::found(ca(1, 1_000), ca(2, 2_000)) }
    }

    fn leaf(number: u8) -> Leaf {
        Leaf { signer: ca(number, 1_000), from: 0, renew_at: 200, until: 300 }
    }

    /// The number of the CA that signs.
    fn signs(leaf: Option<&Leaf>, live: Option<Option<&[u8]>>, now: i64) -> Option<u8> {
        let trusted: BTreeSet<_> =
            live.flatten().unwrap_or_default().iter().map(|number| Fingerprint([*number; 32])).collect();
        let live = match live {
            None => Live::Unknown,
            Some(None) => Live::Nothing,
            Some(Some(_)) => Live::Of(&trusted),
        };
        signer(&cas(), leaf, live, now, false).map(|ca| ca.id.0[0])
    }

    #[test]
    fn the_current_ca_signs_if_all_bundles_hold_it() {
        assert_eq!(signs(None, Some(None), 100), Some(1), "nothing is registered");
        assert_eq!(signs(None, Some(Some(&[1, 2])), 100), Some(1));
        assert_eq!(signs(Some(&leaf(3)), Some(Some(&[1, 2, 3])), 100), Some(1), "after a promotion");
        assert_eq!(signs(Some(&leaf(1)), Some(Some(&[1, 2])), 100), None, "it has one");
    }

    #[test]
    fn no_ca_signs_that_a_bundle_lacks() {
        assert_eq!(signs(None, Some(Some(&[2, 3])), 100), Some(2), "another does");
        assert_eq!(signs(Some(&leaf(3)), Some(Some(&[3])), 100), None, "the old certificate is good");
        assert_eq!(signs(Some(&leaf(3)), Some(Some(&[9])), 100), None, "neither is");
        assert_eq!(signs(Some(&leaf(1)), Some(Some(&[3])), 250), None, "though it is to be renewed");
        assert_eq!(signs(None, Some(Some(&[9])), 100), None);
        assert_eq!(signs(Some(&leaf(3)), Some(Some(&[9])), 300), None, "though its own has ended");
    }

    #[test]
    fn before_the_bundles_are_known_no_other_ca_signs() {
        assert_eq!(signs(None, None, 100), None);
        assert_eq!(signer(&cas(), None, Live::Unknown, 100, true).unwrap().id.0[0], 1, "it has waited");
        assert_eq!(signs(Some(&leaf(3)), None, 250), None);
        assert_eq!(signs(Some(&leaf(2)), None, 250), Some(2));
        assert_eq!(signs(Some(&leaf(2)), None, 100), None);
    }

    #[test]
    fn a_certificate_is_renewed_in_time_and_when_the_clock_went_back() {
        assert_eq!(signs(Some(&leaf(1)), Some(None), 199), None);
        assert_eq!(signs(Some(&leaf(1)), Some(None), 200), Some(1));
        assert_eq!(signs(Some(&leaf(1)), Some(None), -1), Some(1));
        assert_eq!(signs(Some(&leaf(1)), Some(None), 1_000), Some(2), "the current CA has ended");
        assert_eq!(signs(None, Some(None), 2_000), None, "all have");
    }

    #[test]
    fn renewals_are_spread_around_two_thirds_of_a_life() {
        assert_eq!(renew_at(0, 900, 0), 570);
        assert_eq!(renew_at(0, 900, u8::MAX), 630);
        assert!((599..=601).contains(&renew_at(0, 900, 128)));
        assert_eq!(renew_at(5, 5, 7), 5);
    }
}
