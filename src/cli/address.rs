//! The address of partywall on the command line.

use axum::http::Uri;
use axum::http::uri::Scheme;
use partywall_core::registration::Server;

/// Parses the URL of a host and a port; each webhook adds its path.
pub(super) fn url(text: &str) -> Result<Server, &'static str> {
    const SHAPE: &str = "write https://HOST:PORT";
    let uri: Uri = text.parse().map_err(|_| SHAPE)?;
    if uri.scheme() != Some(&Scheme::HTTPS) {
        return Err("the API server speaks TLS to webhooks; write https://HOST:PORT");
    }
    let authority = uri.authority().ok_or(SHAPE)?;
    let port = authority.as_str().strip_prefix(authority.host()).unwrap_or_default();
    if authority.host().is_empty() || authority.host().contains('*') {
        return Err("the host is missing; write https://HOST:PORT");
    }
    if !port.is_empty() && authority.port_u16().is_none_or(|port| port == 0) {
        return Err("the port is a number from 1 to 65535; write https://HOST:PORT");
    }
    // The API server refuses the rest, and the paths of both webhooks are known.
    if authority.as_str().contains('@') || uri.path() != "/" || uri.query().is_some() || text.contains('#') {
        return Err("nothing but host and port can be named; write https://HOST:PORT");
    }
    Ok(Server::Url(format!("https://{authority}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_host_and_port_and_nothing_else() {
        for (text, becomes) in [
            ("https://10.0.0.7:8443", "https://10.0.0.7:8443"),
            ("https://partywall.example.com/", "https://partywall.example.com"),
            ("https://[::1]:8443", "https://[::1]:8443"),
        ] {
            assert_eq!(url(text), Ok(Server::Url(becomes.to_owned())), "{text}");
        }
        for text in [
            "",
            "partywall",
            "partywall:8443",
            "http://partywall:8443",
            "https://",
            "https://me@partywall:8443",
            "https://partywall:8443/mutate",
            "https://partywall:8443?timeout=3s",
            "https://partywall:8443#here",
            "https://:8443",
            "https://*:8443",
            "https://partywall:",
            "https://partywall:0",
            "https://partywall:65536",
        ] {
            assert!(url(text).is_err(), "{text}");
        }
    }
}
