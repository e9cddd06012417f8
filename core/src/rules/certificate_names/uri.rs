//! Reads the parts of a URI that say who owns it.

/// Holds a URI with a host, `scheme://host:port/path`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Uri<'u> {
    scheme: &'u str,
    pub(super) host: &'u str,
    port: Option<&'u str>,
    /// The text after host and port.
    rest: &'u str,
}

impl<'u> Uri<'u> {
    /// Parses a URI; refuses one with a user, because clients may disagree about its host.
    pub(super) fn parse(text: &'u str) -> Option<Self> {
        let (scheme, after) = text.split_once("://")?;
        let is_scheme = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
        if scheme.is_empty() || !scheme.bytes().all(is_scheme) {
            return None;
        }
        let end = after.find(['/', '?', '#']).unwrap_or(after.len());
        let (authority, rest) = after.split_at_checked(end)?;
        let (host, port) = match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        };
        let is_port = port.is_none_or(|port| port.bytes().all(|byte| byte.is_ascii_digit()));
        let is_plain = !text.contains(['@', '\\']) && text.bytes().all(|byte| byte.is_ascii_graphic());
        (is_port && is_plain && !host.is_empty()).then_some(Self { scheme, host, port, rest })
    }

    /// Returns whether the URI names a workload and not a location.
    pub(super) const fn is_of_workload(&self) -> bool {
        self.scheme.eq_ignore_ascii_case("spiffe")
    }

    /// Returns the namespace of the workload that the URI names.
    ///
    /// Service meshes write `spiffe://<trust domain>/ns/<namespace>/...`.
    pub(super) fn workload_namespace(&self) -> Option<&'u str> {
        let path = self.rest.strip_prefix("/ns/")?;
        let (namespace, workload) = path.split_once('/')?;
        let is_inner = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        let is_segment = |segment: &str| {
            !segment.is_empty() && segment != "." && segment != ".." && segment.bytes().all(is_inner)
        };
        (self.is_of_workload() && self.port.is_none() && workload.split('/').all(is_segment))
            .then_some(namespace)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(text: &str) -> Option<&str> {
        Uri::parse(text).map(|uri| uri.host)
    }

    fn namespace(text: &str) -> Option<&str> {
        Uri::parse(text)?.workload_namespace()
    }

    #[test]
    fn g25_the_host_is_what_every_reader_sees() {
        assert_eq!(host("https://a.example.com"), Some("a.example.com"));
        assert_eq!(host("https://a.example.com:8443/x?y#z"), Some("a.example.com"));
        assert_eq!(host("https://a.example.com?@b.example.com"), None);
        for bad in [
            "",
            "a.example.com",
            "urn:uuid:1",
            "://a",
            "https:///a",
            "https://",
            "https://a@b",
            "https://a:b@c",
            "https://a\\@b",
            "https://a:8x",
            "https://[::1]:80",
            "https://a b",
            "ht tp://a",
            "https://a\u{ff0f}b",
        ] {
            assert_eq!(host(bad), None, "{bad}");
        }
    }

    #[test]
    fn g25_a_workload_is_in_one_namespace() {
        assert_eq!(namespace("spiffe://cluster.local/ns/team/sa/web"), Some("team"));
        assert_eq!(namespace("SPIFFE://td/ns/team/x"), Some("team"));
        for bad in [
            "https://cluster.local/ns/team/sa/web",
            "spiffe://cluster.local/ns/team",
            "spiffe://cluster.local/ns/team/",
            "spiffe://cluster.local/ns/team/../other/sa/web",
            "spiffe://cluster.local/ns/team/./sa",
            "spiffe://cluster.local/ns/team/sa%2fx",
            "spiffe://cluster.local/ns/team/sa/web?ns=other",
            "spiffe://cluster.local/ns/team/sa/web#x",
            "spiffe://cluster.local:1/ns/team/sa/web",
            "spiffe://cluster.local/x/ns/team/sa/web",
        ] {
            assert_eq!(namespace(bad), None, "{bad}");
        }
    }
}
