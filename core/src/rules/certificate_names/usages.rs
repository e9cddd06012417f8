//! The usages that a certificate may have.

/// Usages that let a certificate sign in its issuer's name.
const SIGNING: [&str; 3] = ["cert sign", "crl sign", "ocsp signing"];

/// The usage of a certificate for clients, and the usages of keys that don't say for what.
pub(super) const CLIENT: &str = "client auth";
const OF_KEYS: [&str; 7] = [
    "content commitment",
    "data encipherment",
    "decipher only",
    "digital signature",
    "encipher only",
    "key agreement",
    "key encipherment",
];

/// Returns whether a certificate with this usage signs in its issuer's name.
pub(super) fn is_signing(usage: &str) -> bool {
    SIGNING.iter().any(|signing| usage.eq_ignore_ascii_case(signing))
}

/// Returns whether a certificate with these usages is for clients only.
///
/// Without any of them it is for all.
pub(super) fn are_for_clients<'u>(usages: impl Iterator<Item = &'u str>) -> bool {
    let mut is_client = false;
    let mut usages = usages.inspect(|usage| is_client |= usage.eq_ignore_ascii_case(CLIENT));
    let is_right = usages.all(|usage| {
        usage.eq_ignore_ascii_case(CLIENT)
            || OF_KEYS.iter().any(|of_keys| usage.eq_ignore_ascii_case(of_keys))
    });
    is_right && is_client
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g25_a_certificate_is_for_clients_only_if_its_usages_say_so() {
        let are_for_clients = |usages: &[&str]| are_for_clients(usages.iter().copied());
        assert!(are_for_clients(&["client auth"]));
        assert!(are_for_clients(&["digital signature", "Client Auth", "key encipherment"]));
        for others in [
            &[][..],
            &["digital signature", "key encipherment"],
            &["client auth", "server auth"],
            &["server auth", "client auth"],
            &["client auth", "any"],
            &["client auth", "cert sign"],
            &["client auth", "netscape sgc"],
        ] {
            assert!(!are_for_clients(others), "{others:?}");
        }
    }
}
