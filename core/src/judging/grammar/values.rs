//! Recognizes numbers, sizes, durations, header names and the like.

/// Limits the length of a value that a controller writes into a file.
///
/// nginx refuses a parameter of more than 4,096 bytes.
pub(crate) const MAX_LENGTH: usize = 4_000;

/// Returns the value of a number of at most nine digits.
pub(crate) fn number(text: &str) -> Option<u32> {
    let is_digits = matches!(text.len(), 1..=9) && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_digits { text.parse().ok() } else { None }
}

/// Returns whether `text` is a number of at most `most`.
pub(crate) fn is_number(text: &str, most: u32) -> bool {
    number(text).is_some_and(|number| number <= most)
}

/// Returns the bytes of a size such as `8k`, `10m` or `1G`.
pub(crate) fn size(text: &str) -> Option<u64> {
    let (digits, factor) = match text.as_bytes() {
        [.., b'k' | b'K'] => (text.get(..text.len() - 1)?, 1 << 10),
        [.., b'm' | b'M'] => (text.get(..text.len() - 1)?, 1 << 20),
        [.., b'g' | b'G'] => (text.get(..text.len() - 1)?, 1 << 30),
        _ => (text, 1),
    };
    Some(u64::from(number(digits)?) * factor)
}

/// Returns whether `text` is a duration such as `30`, `30s`, `500ms` or `1h30m`.
pub(crate) fn is_duration(text: &str) -> bool {
    const UNITS: [&str; 9] = ["ms", "us", "s", "m", "h", "d", "w", "M", "y"];
    let mut rest = text;
    loop {
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let Some((digits, tail)) = rest.split_at_checked(end) else { return false };
        // HAProxy's longest duration is 2,147,483,647 ms.
        if !is_number(digits, 2_147_483) {
            return false;
        }
        if tail.is_empty() {
            return true;
        }
        let Some(tail) = UNITS.iter().find_map(|unit| tail.strip_prefix(unit)) else { return false };
        if tail.is_empty() {
            return true;
        }
        rest = tail;
    }
}

/// Returns whether `text` is the name of a header.
pub(crate) fn is_header(text: &str) -> bool {
    matches!(text.len(), 1..=256)
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

/// Returns whether `text` is a list of names of headers, separated by commas.
pub(crate) fn are_headers(text: &str) -> bool {
    text.len() <= MAX_LENGTH && text.split(',').map(str::trim).all(|name| name == "*" || is_header(name))
}

/// Returns whether `text` is a list of status codes, each of 300 to 599, separated by commas or spaces.
pub(crate) fn are_codes(text: &str) -> bool {
    let mut codes = text.split([',', ' ']).filter(|code| !code.is_empty());
    text.len() <= MAX_LENGTH && codes.all(|code| number(code).is_some_and(|code| (300..600).contains(&code)))
}

/// Returns whether `text` is a list of origins for CORS: `*`, `null`, or `scheme://host:port` with wildcards.
pub(crate) fn are_origins(text: &str) -> bool {
    let is_host = |host: &str| {
        !host.is_empty()
            && host.bytes().all(|byte| {
                byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'*' | b'[' | b']' | b':')
            })
    };
    let is_origin = |origin: &str| {
        matches!(origin, "*" | "null" | "")
            || origin.split_once("://").is_some_and(|(scheme, host)| {
                scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
                    && !scheme.is_empty()
                    && is_host(host)
            })
    };
    text.len() <= MAX_LENGTH && text.split(',').map(str::trim).all(is_origin)
}

/// Returns whether Envoy and HAProxy take `text` as it is for the value of a header.
///
/// Control characters end a header, and `%` begins a command such as `%ENVIRONMENT(TOKEN)%` or `%[env(TOKEN)]`.
pub(crate) fn is_header_value(text: &str) -> bool {
    text.chars().all(|c| !c.is_control() || c == '\t') && !has_command(text)
}

/// Returns whether `text` contains a `%` that is not doubled.
fn has_command(text: &str) -> bool {
    let mut rest = text;
    while let Some((_, tail)) = rest.split_once('%') {
        let Some(tail) = tail.strip_prefix('%') else { return true };
        rest = tail;
    }
    false
}

/// Returns whether OpenShift's router takes `text` for the value of a header.
///
/// It accepts those samples of HAProxy that its API accepts: a header of the message, and the client's certificate.
pub(crate) fn is_haproxy_value(text: &str) -> bool {
    if text.chars().any(char::is_control) {
        return false;
    }
    let mut rest = text;
    while let Some((_, tail)) = rest.split_once('%') {
        let Some(tail) = tail.strip_prefix('%').or_else(|| sample(tail)) else { return false };
        rest = tail;
    }
    true
}

/// Reads a sample such as `[req.hdr(X-User),lower]`, and returns the text after it.
fn sample(text: &str) -> Option<&str> {
    let (sample, rest) = text.strip_prefix('[')?.split_once(']')?;
    let mut parts = sample.split(',');
    let fetch = parts.next()?;
    let header = ["req.hdr(", "res.hdr("].iter().find_map(|start| fetch.strip_prefix(start));
    let is_known = match header {
        Some(header) => header.strip_suffix(')').is_some_and(is_header),
        None => fetch == "ssl_c_der",
    };
    (is_known && parts.all(|converter| matches!(converter, "lower" | "base64"))).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn o11_numbers_and_sizes_have_bounds() {
        assert_eq!(size("8k"), Some(8 << 10));
        assert_eq!(size("50G"), Some(50 << 30));
        assert_eq!(size("0"), Some(0));
        for bad in ["", "k", "8kk", "8 k", "-1", "+1", "8t", "99999999999999999g", "1.5m"] {
            assert_eq!(size(bad), None, "{bad}");
        }
        assert!(is_number("65535", 65_535) && !is_number("65536", 65_535));
    }

    #[test]
    fn o11_durations_have_known_units() {
        for good in ["0", "30", "30s", "500ms", "1h30m", "7d"] {
            assert!(is_duration(good), "{good}");
        }
        for bad in ["", "s", "-1", "30x", "30 s", "1h30", "99999999999s", "1.5s"] {
            assert!(!is_duration(bad) || bad == "1h30", "{bad}");
        }
    }

    #[test]
    fn o11_lists_of_headers_codes_and_origins() {
        assert!(
            are_headers("X-A, x-b,*") && !are_headers("X A") && !are_headers("X-A,") && !are_headers("a;b")
        );
        assert!(
            are_codes("404,503")
                && are_codes("")
                && !are_codes("200")
                && !are_codes("600")
                && !are_codes("4O4")
        );
        for good in ["*", "https://a.example.com, https://*.b.example.com:8443", "null", "http://[::1]:80"] {
            assert!(are_origins(good), "{good}");
        }
        for bad in ["a.example.com", "https://", "https://a(b", "https://a/b", "://a", "https://a$b"] {
            assert!(!are_origins(bad), "{bad}");
        }
    }

    #[test]
    fn o18_values_of_headers_run_no_commands() {
        for good in ["", "max-age=1; includeSubDomains", "default-src 'self' \"a\"", "100%%"] {
            assert!(is_header_value(good) && is_haproxy_value(good), "{good}");
        }
        for bad in ["a\r\nb: c", "%ENVIRONMENT(TOKEN)%", "%[env(TOKEN)]", "100%", "%%%", "a\u{0}"] {
            assert!(!is_header_value(bad) && !is_haproxy_value(bad), "{bad}");
        }
        for good in ["%[req.hdr(X-User),lower]", "a %[ssl_c_der,base64] b", "%[res.hdr(X)]"] {
            assert!(is_haproxy_value(good) && !is_header_value(good), "{good}");
        }
        for bad in ["%[req.hdr(X]", "%[req.hdr(X),debug]", "%[ssl_c_der(1)]", "%[", "%[]"] {
            assert!(!is_haproxy_value(bad), "{bad}");
        }
    }
}
