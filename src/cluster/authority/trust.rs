//! What callers must trust, by the CAs in the Secret and by the certificate that this replica serves.

use std::sync::Arc;

use super::cas::{Ca, Cas};
use super::leaf::Leaf;
use super::secret::bundle;
use crate::cluster::facts::Trust;

/// Returns the CAs that callers must trust: those of the Secret, and the one that signed the served certificate.
///
/// The latter may be missing in the Secret after somebody replaced its content. It stays in the bundle until this
/// replica has another certificate, unless somebody else may have its key.
pub(super) fn trust(cas: &Cas, leaf: Option<&Leaf>) -> Trust {
    let signer = leaf.map(|leaf| &leaf.signer);
    let foreign = signer.filter(|signer| !cas.contains(signer.id) && !cas.distrusts(signer));
    let all: Vec<&Ca> = cas.all().chain(foreign).collect();
    Trust {
        bundle: Arc::from(bundle(all.iter().copied()).into_bytes()),
        cas: all.iter().map(|ca| ca.id).collect(),
        signer: signer.map(|signer| signer.id),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::facts::Fingerprint;

    fn ca(number: u8) -> Ca {
        let (certificate, key) = (format!("CA {number}\n\n").into(), Some("".into()));
        Ca { id: Fingerprint([number; 32]), made: 0, until: 9, fits: true, certificate, key }
    }

    fn leaf(number: u8) -> Leaf {
        Leaf { signer: ca(number), from: 0, renew_at: 5, until: 9 }
    }

    #[test]
    fn all_cas_of_the_secret_are_trusted() {
        let cas = Cas { previous: Some(ca(3)), ..Cas::found(ca(1), ca(2)) };
        let trust = trust(&cas, Some(&leaf(3)));
        assert_eq!(&*trust.bundle, b"CA 1\nCA 2\nCA 3\n");
        assert_eq!(trust.cas, [1, 2, 3].map(|number| Fingerprint([number; 32])).into());
        assert_eq!(trust.signer, Some(Fingerprint([3; 32])));
    }

    #[test]
    fn the_signer_of_the_served_certificate_is_trusted_unless_its_key_may_be_known() {
        let cas = Cas::found(ca(1), ca(2));
        let of = |cas: &Cas| trust(cas, Some(&leaf(3)));
        assert_eq!(&*of(&cas).bundle, b"CA 1\nCA 2\nCA 3\n");
        let stolen = Cas { distrusted: [Fingerprint([3; 32])].into(), ..cas.clone() };
        assert_eq!(&*of(&stolen).bundle, b"CA 1\nCA 2\n");
        assert_eq!(&*trust(&cas, None).bundle, b"CA 1\nCA 2\n");
        assert_eq!(trust(&cas, None).signer, None);
    }
}
