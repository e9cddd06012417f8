//! The names by which callers reach the replicas.

use std::net::IpAddr;

use axum::http::Uri;
use partywall_core::registration::Server;
use rustls::pki_types::ServerName;

use crate::cluster::installation::SERVICE;

/// The names of a serving certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Names {
    /// The DNS name of the Service, by which the API server verifies it.
    service: String,
    /// The host of `--webhook-url`: a DNS name or an address.
    host: Option<String>,
}

impl Names {
    /// Returns the names of the Service in a namespace, and the host of the URL by which the API server calls.
    pub(crate) fn of(namespace: &str, server: Option<&Server>) -> Self {
        Self::new(namespace, server.and_then(host))
    }

    pub(super) fn new(namespace: &str, host: Option<String>) -> Self {
        let (service, _port) = SERVICE;
        Self { service: format!("{service}.{namespace}.svc"), host }
    }

    /// Returns the names without the host of the URL, for CAs that were made before there was one.
    pub(super) fn of_service(&self) -> Self {
        Self { host: None, ..self.clone() }
    }

    /// Returns the first one.
    pub(super) fn service(&self) -> &str {
        &self.service
    }

    /// Returns all of them.
    pub(super) fn all(&self) -> impl Iterator<Item = &str> {
        [&*self.service].into_iter().chain(self.host.as_deref())
    }

    pub(super) fn dns(&self) -> impl Iterator<Item = &str> {
        self.all().filter(|name| name.parse::<IpAddr>().is_err())
    }

    pub(super) fn addresses(&self) -> impl Iterator<Item = IpAddr> {
        self.all().filter_map(|name| name.parse().ok())
    }

    /// Returns all of them, as they are verified.
    pub(super) fn verified(&self) -> impl Iterator<Item = Option<ServerName<'_>>> {
        self.all().map(|name| ServerName::try_from(name).ok())
    }
}

/// Returns the host of a URL: a DNS name, or an address without brackets.
fn host(server: &Server) -> Option<String> {
    match server {
        Server::Service { .. } => None,
        Server::Url(url) => {
            let uri: Uri = url.parse().ok()?;
            let host = uri.host()?;
            let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
            Some(address.unwrap_or(host).to_ascii_lowercase())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_of_the_url_is_a_name_beside_that_of_the_service() {
        for (url, host) in [
            ("https://10.0.0.7:8443", "10.0.0.7"),
            ("https://[fd00::7]:8443", "fd00::7"),
            ("https://Webhooks.example.com", "webhooks.example.com"),
        ] {
            let names = Names::of("elsewhere", Some(&Server::Url(url.to_owned())));
            assert_eq!(names.all().collect::<Vec<_>>(), ["partywall.elsewhere.svc", host]);
            assert!(names.verified().all(|name| name.is_some()), "{url}");
        }
        assert_eq!(Names::of("elsewhere", None).all().count(), 1);
    }

    #[test]
    fn addresses_are_no_dns_names() {
        let names = Names::new("n", Some("fd00::7".to_owned()));
        assert_eq!(names.dns().collect::<Vec<_>>(), ["partywall.n.svc"]);
        assert_eq!(names.addresses().count(), 1);
    }
}
