//! Recognizes lists of ciphers of OpenSSL.

/// Lists the names of suites and the keywords that every OpenSSL since 1.1 knows.
///
/// Source: <https://docs.openssl.org/3.0/man1/openssl-ciphers/>.
const KNOWN: [&str; 49] = [
    "AES",
    "AES128",
    "AES128-GCM-SHA256",
    "AES128-SHA",
    "AES128-SHA256",
    "AES256",
    "AES256-GCM-SHA384",
    "AES256-SHA",
    "AES256-SHA256",
    "AESCCM",
    "AESGCM",
    "ALL",
    "CHACHA20",
    "DEFAULT",
    "DHE",
    "DHE-RSA-AES128-GCM-SHA256",
    "DHE-RSA-AES128-SHA",
    "DHE-RSA-AES128-SHA256",
    "DHE-RSA-AES256-GCM-SHA384",
    "DHE-RSA-AES256-SHA",
    "DHE-RSA-AES256-SHA256",
    "DHE-RSA-CHACHA20-POLY1305",
    "ECDH",
    "ECDHE",
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES128-SHA",
    "ECDHE-ECDSA-AES128-SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-AES256-SHA",
    "ECDHE-ECDSA-AES256-SHA384",
    "ECDHE-ECDSA-CHACHA20-POLY1305",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES128-SHA",
    "ECDHE-RSA-AES128-SHA256",
    "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES256-SHA",
    "ECDHE-RSA-AES256-SHA384",
    "ECDHE-RSA-CHACHA20-POLY1305",
    "EECDH",
    "EECDH+AESGCM",
    "ECDH+AESGCM",
    "ECDHE+AESGCM",
    "EDH",
    "EDH+AESGCM",
    "HIGH",
    "MEDIUM",
    "RSA",
    "TLSv1.2",
    "kEECDH",
];

/// Lists what a list may exclude: ciphers without which others remain, in order.
const EXCLUDED: [&str; 22] = [
    "3DES", "ADH", "AECDH", "ARIA", "CAMELLIA", "DES", "DSS", "EXP", "EXPORT", "IDEA", "LOW", "MD5", "NULL",
    "PSK", "RC4", "SEED", "SRP", "aDSS", "aNULL", "eNULL", "kDH", "kRSA",
];

/// Returns whether OpenSSL accepts `value` as a list of ciphers, and finds at least one in it.
pub(crate) fn are_ciphers(value: &str) -> bool {
    let mut items = value.split([':', ',', ' ']).filter(|item| !item.is_empty()).peekable();
    let mut has_any = false;
    items.all(|item| match item.strip_prefix(['!', '-', '+']) {
        Some(excluded) => EXCLUDED.binary_search(&excluded).is_ok(),
        None => {
            has_any = true;
            KNOWN.contains(&item)
        }
    }) && has_any
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn o11_lists_with_an_unknown_cipher_or_without_any_are_refused() {
        assert!(EXCLUDED.is_sorted());
        for value in [
            "HIGH:!aNULL:!MD5",
            "DEFAULT",
            "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384",
            "ALL:!aNULL:-RC4",
            "EECDH+AESGCM:EDH+AESGCM",
        ] {
            assert!(are_ciphers(value), "{value}");
        }
        for value in
            ["", "NOSUCH", "!aNULL", "HIGH:NOSUCH", "HIGH:!HIGH", "ALL:!ALL", "ALL:-ECDHE", "HIGH;", "@X"]
        {
            assert!(!are_ciphers(value), "{value}");
        }
    }
}
