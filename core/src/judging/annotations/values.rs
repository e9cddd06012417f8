//! Judges the values of annotations.

use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;

use super::actions;
use super::problem::Problem;
use super::table::AllowedValue;
use crate::hosts::Host;
use crate::json::{Pairs, Text};
use crate::judging::grammar::{
    Engine, MAX_LENGTH, are_ciphers, are_codes, are_headers, are_origins, are_variables_known, compiles,
    is_duration, is_header, is_number, is_rewrite, number, size,
};
use crate::judging::hosts::{is_pattern, is_plain};
use crate::judging::trusted_users::{is_of_cluster, is_outside_tenants};
use crate::judging::{OwnNamespaces, Subject};
use crate::tenancy::{Owner, Tenant};

const KIND: &str = "cert-manager.io/issuer-kind";
const GROUP: &str = "cert-manager.io/issuer-group";
/// Ends the keys of external authentication in ingress-nginx.
const KEEPALIVE: &str = "/auth-keepalive";
const AUTH_URL: &str = "/auth-url";
/// Ends the names of the cluster's Services.
const SERVICES: &str = ".svc.cluster.local";
/// The greatest length of a namespace's name.
const LONGEST: usize = 63;
/// The greatest size of one buffer that nginx allocates for each request.
const MOST_BYTES: u64 = 1 << 20;

/// Judges the values of one object's annotations.
#[derive(Clone, Copy)]
pub(crate) struct AnnotationCheck<'j, 'a> {
    pub(crate) subject: &'j Subject<'j, 'a>,
    pub(crate) tenant: &'j Tenant,
    pub(crate) annotations: &'j Pairs<'a>,
}

impl<'j> AnnotationCheck<'j, '_> {
    /// Returns the identity of an annotation; that of an issuer includes its kind and group, that of kept connections
    /// includes where they lead.
    pub(crate) fn identity(&self, key: &str, value: &str) -> impl fmt::Display {
        fmt::from_fn(move |f| {
            write!(f, "{key}={value}")?;
            if self.is_issuer(key) {
                return write!(f, " {} {}", self.get(KIND), self.get(GROUP));
            }
            match key.strip_suffix(KEEPALIVE) {
                Some(domain) => write!(f, " {}", self.of_domain(domain, AUTH_URL).unwrap_or_default()),
                None => Ok(()),
            }
        })
    }

    fn is_issuer(&self, key: &str) -> bool {
        key == "cert-manager.io/issuer" || key == "cert-manager.io/issuer-name"
    }

    fn get(&self, key: &str) -> &str {
        self.annotations.get(key).unwrap_or_default()
    }

    /// Returns the problem with a value, if there is one.
    pub(crate) fn problem(
        &self,
        allowed_value: AllowedValue,
        (key, value): (&str, &'j str),
    ) -> Option<Problem<'j>> {
        let wrong = |is_right: bool, problem: Problem<'j>| (!is_right).then_some(problem);
        let is_short = value.len() <= MAX_LENGTH;
        let characters = |is_right: bool| wrong(is_right && is_short, Problem::Characters(value));
        let form =
            |is_right: bool, form: &'static str| wrong(is_right && is_short, Problem::Form(value, form));
        match allowed_value {
            AllowedValue::Any => None,
            AllowedValue::Word => characters(is_word(value)),
            AllowedValue::Words => characters(value.split([',', ' ']).all(is_word)),
            AllowedValue::OneOf(words) => {
                wrong(value.is_empty() || words.contains(&value), Problem::NoneOf(value, words))
            }
            AllowedValue::Only(words) => wrong(words.contains(&value), Problem::Unknown),
            AllowedValue::SomeOf(words) => {
                let mut items = value.split([',', ' ']).filter(|item| !item.is_empty());
                wrong(items.all(|item| words.contains(&item)) && is_short, Problem::NoneOf(value, words))
            }
            AllowedValue::Number(most) => {
                wrong(value.is_empty() || is_number(value, most), Problem::Number(value, most))
            }
            AllowedValue::Ports => {
                let is_port = |c: char| c.is_ascii_digit() || matches!(c, ',' | '-' | ' ' | '*');
                characters(value.chars().all(is_port))
            }
            AllowedValue::Size(most) => {
                let is_size = size(value).is_some_and(|bytes| bytes <= most << 10);
                form(value.is_empty() || is_size, "a size within bounds, such as `8k` or `10m`")
            }
            AllowedValue::Buffers => form(are_buffers(value), "a number and a size, such as `4 8k`"),
            AllowedValue::ProxyBuffers => form(
                self.are_proxy_buffers(key, value),
                "one that fits the other buffers: `proxy-buffers-number` is at least 3, and \
                 `proxy-busy-buffers-size` at least one buffer and less than all",
            ),
            AllowedValue::Duration => form(
                value.split(' ').all(|part| part.is_empty() || is_duration(part)),
                "a duration, such as `30s`",
            ),
            AllowedValue::CacheTimes => {
                form(are_cache_times(value), "status codes with a duration: `200 202 5m`")
            }
            AllowedValue::Codes => form(are_codes(value), "a list of status codes from 300 to 599"),
            AllowedValue::Header => form(value.is_empty() || is_header(value), "the name of a header"),
            AllowedValue::Headers => form(
                value.is_empty() || are_headers(value),
                "a list of names of headers, with commas between them",
            ),
            AllowedValue::Origins => {
                form(are_origins(value), "`*` or a list of origins: `https://app.example.com`")
            }
            AllowedValue::Ciphers => form(
                are_ciphers(value),
                "a list of ciphers that every OpenSSL knows, such as `HIGH:!aNULL:!MD5`",
            ),
            AllowedValue::Plain => characters(is_plain(value)),
            AllowedValue::HaproxyText => characters(is_plain(value) && !value.contains('%')),
            AllowedValue::Parts => characters(value.split(';').all(is_plain)),
            AllowedValue::Pattern => characters(is_pattern(value)),
            AllowedValue::Patterns => characters(value.split(' ').all(is_pattern)),
            AllowedValue::Variables => nginx_value(value, is_short),
            AllowedValue::VariableWords => value.split(' ').find_map(|word| nginx_value(word, is_short)),
            AllowedValue::Rewrite => nginx_value(value, is_short).or_else(|| {
                form(
                    is_rewrite(value),
                    "a target without `..`, and without `?` if it has captures such as `$1`",
                )
            }),
            AllowedValue::NginxPattern => nginx_value(value, is_short).or_else(|| nginx_pattern(value)),
            AllowedValue::NginxPatterns => (value.split(' '))
                .find_map(|part| nginx_value(part, is_short).or_else(|| nginx_pattern(part)))
                .or_else(|| form(value.split(' ').count() <= 2, "one pattern and its replacement")),
            AllowedValue::Regex => characters(is_pattern(value))
                .or_else(|| wrong(compiles(value, Engine::Pcre), Problem::Regex(value))),
            AllowedValue::Ranges => {
                form(ranges(value).all(is_range), "a list of addresses and ranges, such as `192.0.2.0/24`")
            }
            AllowedValue::Text => characters(value.chars().all(|c| !c.is_control() || is_line(c))),
            AllowedValue::Object => wrong(self.is_own_object(value), Problem::Object(value)),
            AllowedValue::ObjectWithNamespace => {
                wrong(self.is_own_object(value), Problem::ObjectOf(value, &self.subject.request.namespace))
            }
            AllowedValue::Namespace => wrong(self.is_own(value), Problem::Namespace(value)),
            AllowedValue::Url => {
                nginx_value(value, is_short).or_else(|| wrong(self.is_own_url(value), Problem::Url(value)))
            }
            AllowedValue::LoginUrl => nginx_value(value, is_short).or_else(|| {
                wrong(self.is_own_url(value) || self.is_login_url(value), Problem::LoginUrl(value))
            }),
            AllowedValue::KeptAlive => {
                wrong(value.is_empty() || is_number(value, 999_999_999), Problem::Number(value, 999_999_999))
                    .or_else(|| wrong(self.may_be_kept_alive(key, value), Problem::KeptAlive))
            }
            AllowedValue::LoginProvider => wrong(self.is_login_provider(value), Problem::LoginProvider),
            // `HostClaims` judges these.
            AllowedValue::Hosts => None,
            AllowedValue::Addresses => list(value)
                .find(|address| !self.is_address(address, false))
                .filter(|_| !self.is_of_cluster())
                .map(Problem::Address),
            AllowedValue::Targets => list(value)
                .find(|target| !self.is_address(target, true) && !self.is_own_host(target))
                .map(Problem::Target),
            AllowedValue::Group => wrong(self.is_own_group(value), Problem::Group(value, &self.tenant.name)),
            AllowedValue::Actions => wrong(actions::are_harmless(value), Problem::Actions),
            AllowedValue::Attributes if !is_plain(value) => Some(Problem::Characters(value)),
            AllowedValue::Attributes => wrong(!list(value).any(is_about_logs), Problem::Logs),
            AllowedValue::Provided => {
                list(value).find(|name| *name != "default" && !self.is_provided(name)).map(Problem::Provided)
            }
            AllowedValue::Plugins => list(value).find(|plugin| !self.is_plugin(plugin)).map(Problem::Object),
            AllowedValue::Networks => self.network(value),
            AllowedValue::ClusterIssuer => self.cluster_issuer(value),
            AllowedValue::Issuer => self.issuer(value),
            AllowedValue::IngressClass => {
                let listed = self.tenant.ingress_classes.as_ref()?;
                wrong(listed.contains(value), Problem::Class(value, listed))
            }
            AllowedValue::Controllers => {
                let Subject { request, snapshot, .. } = self.subject;
                wrong(is_outside_tenants(&request.user, snapshot), Problem::Reserved)
            }
            AllowedValue::Cluster => wrong(self.is_of_cluster(), Problem::Reserved),
        }
    }

    /// Returns whether nginx accepts the buffers of a proxy together, with ingress-nginx's defaults.
    ///
    /// It refuses less than two buffers, and busy buffers that are less than one buffer or more than all but one.
    fn are_proxy_buffers(&self, key: &str, value: &str) -> bool {
        const DEFAULT_SIZE: u64 = 4 << 10;
        const DEFAULT_NUMBER: u64 = 4;
        let get = |name: &'static str, other: &'static str| match key.rsplit_once('/') {
            Some((_, own)) if own == name => Some(value),
            _ => self.annotations.get(other).filter(|value| !value.is_empty()),
        };
        let one = get("proxy-buffer-size", "nginx.ingress.kubernetes.io/proxy-buffer-size");
        let count = get("proxy-buffers-number", "nginx.ingress.kubernetes.io/proxy-buffers-number");
        let busy = get("proxy-busy-buffers-size", "nginx.ingress.kubernetes.io/proxy-busy-buffers-size");
        let Some(one) = one.map_or(Some(DEFAULT_SIZE), size) else { return false };
        let Some(count) = count.map_or(Some(DEFAULT_NUMBER), |count| number(count).map(u64::from)) else {
            return false;
        };
        let Some(busy) = busy.map_or(Some(one.saturating_mul(2)), size) else { return false };
        (1..=MOST_BYTES).contains(&one)
            && (2..=1_024).contains(&count)
            && (one..=one.saturating_mul(count - 1)).contains(&busy)
    }

    /// Returns the problem with a list of networks: names with or without a namespace, or JSON without addresses.
    fn network(&self, value: &'j str) -> Option<Problem<'j>> {
        let is_own = |namespace: &str| namespace.is_empty() || self.is_own(namespace);
        let problem = Problem::Network(value);
        if value.trim_start().starts_with('[') {
            let Ok(networks) = serde_json::from_str::<Vec<Network<'_>>>(value) else { return Some(problem) };
            let is_right = |network: &Network<'_>| {
                is_own(network.namespace.as_deref().unwrap_or_default()) && is_word(&network.name)
            };
            return (!networks.iter().all(is_right)).then_some(problem);
        }
        let is_right = |network: &str| {
            let network = network.split_once('@').map_or(network, |(network, _)| network);
            let (namespace, name) = network.split_once('/').unwrap_or(("", network));
            is_own(namespace) && is_word(name)
        };
        (!list(value).all(is_right)).then_some(problem)
    }

    /// Returns whether the cluster itself writes the annotation, as it does for what it allocated.
    fn is_of_cluster(&self) -> bool {
        is_of_cluster(&self.subject.request.user, self.subject.snapshot)
    }

    fn is_own(&self, namespace: &str) -> bool {
        OwnNamespaces::of(self.subject).has(namespace)
    }

    fn is_own_object(&self, value: &str) -> bool {
        match value.split_once('/') {
            Some((namespace, name)) => self.is_own(namespace) && is_word(name),
            None => is_word(value),
        }
    }

    fn is_plugin(&self, plugin: &str) -> bool {
        match plugin.split_once(':') {
            Some((namespace, name)) => self.is_own(namespace.trim()) && is_word(name.trim()),
            None => is_word(plugin),
        }
    }

    fn is_own_host(&self, host: &str) -> bool {
        Host::parse(host).is_ok_and(|host| self.tenant.domains.owns(&host))
    }

    /// Returns whether a URL leads to a host of the tenant's; a path stays on the requested host.
    fn is_own_url(&self, value: &str) -> bool {
        let is_path = value.starts_with('/') && !value.starts_with("//");
        is_pattern(value) && (is_path || authority(value).is_some_and(|host| self.is_own_authority(host)))
    }

    /// Returns whether a URL leads to a login host of the platform.
    ///
    /// A host outside the cluster may be that of a controller, which serves its own configuration on other ports.
    fn is_login_url(&self, value: &str) -> bool {
        let Some(authority) = authority(value) else { return false };
        let (host, port) = match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        };
        let Ok(Host::Name(host)) = Host::parse(host) else { return false };
        let is_right_port = match port {
            None | Some("80" | "443") => true,
            Some(port) => host.ends_with(SERVICES) && is_port(port),
        };
        is_right_port && is_pattern(value) && self.subject.snapshot.login_hosts.contains(&host)
    }

    /// Returns the value of the key with this ending in a domain.
    fn of_domain(&self, domain: &str, ending: &str) -> Option<&str> {
        let found = self.annotations.iter().find(|(key, _)| key.strip_suffix(ending) == Some(domain));
        found.map(|(_, value)| value)
    }

    /// Returns whether nginx resolves no host for kept connections, or one of the platform's.
    ///
    /// It does not for a host with a variable, since ingress-nginx then keeps none.
    fn may_be_kept_alive(&self, key: &str, value: &str) -> bool {
        let domain = key.strip_suffix(KEEPALIVE).unwrap_or_default();
        let Some(url) = self.of_domain(domain, AUTH_URL) else { return true };
        value.bytes().all(|digit| digit == b'0')
            || authority(url).is_some_and(|host| host.contains('$'))
            || self.is_login_url(url)
    }

    fn is_login_provider(&self, value: &str) -> bool {
        let is_login = |url: &str| self.is_login_url(url) || self.is_own_url(url) && !url.starts_with('/');
        serde_json::from_str::<Provider<'_>>(value).is_ok_and(|provider| {
            let Provider { issuer, authorization, token, user_info, secret_name, .. } = &provider;
            [issuer, authorization, token, user_info].into_iter().all(|url| is_login(url))
                && is_word(secret_name)
        })
    }

    fn is_own_authority(&self, authority: &str) -> bool {
        let (host, port) = match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        };
        if !port.is_none_or(is_port) {
            return false;
        }
        // A host leads to the controller itself, which serves its own configuration on other ports.
        let is_web = matches!(port, None | Some("80" | "443"));
        self.is_own_service(host) || (is_web && (host == "$host" || self.is_own_host(host)))
    }

    fn is_own_service(&self, host: &str) -> bool {
        let service = host.strip_suffix(".cluster.local").unwrap_or(host).strip_suffix(".svc");
        service
            .and_then(|service| service.split_once('.'))
            .is_some_and(|(name, namespace)| !name.is_empty() && is_word(name) && self.is_own(namespace))
    }

    fn is_address(&self, text: &str, is_external: bool) -> bool {
        let services = &self.tenant.services;
        services.load_balancer_ips.contain(text) || (is_external && services.external_ips.contain(text))
    }

    /// Returns whether a group is named after the tenant, and after no tenant with a longer name.
    fn is_own_group(&self, group: &str) -> bool {
        let owner = self.subject.snapshot.tenant_of_group(group);
        is_word(group) && owner.is_some_and(|owner| owner.name == self.tenant.name)
    }

    /// Returns whether a Traefik reference can only be to an object of the tenant's.
    ///
    /// `team-a-auth` may be `auth` in `team-a` or `a-auth` in `team`. One of these namespaces must be the tenant's, and
    /// none may be another tenant's or the system's.
    fn is_provided(&self, value: &str) -> bool {
        let Some(name) = value.strip_suffix("@kubernetescrd") else { return false };
        let ends = || name.match_indices('-').map(|(end, _)| end).take_while(|end| *end <= LONGEST);
        let namespaces = || ends().filter_map(|end| name.get(..end));
        let is_foreign = |namespace: &str| match self.subject.snapshot.owner(namespace) {
            Owner::Tenant(_) => !self.is_own(namespace),
            Owner::System | Owner::Denied(_) => true,
            Owner::Unclaimed => false,
        };
        is_word(name) && namespaces().any(|namespace| self.is_own(namespace)) && !namespaces().any(is_foreign)
    }

    fn cluster_issuer(&self, value: &'j str) -> Option<Problem<'j>> {
        let listed = self.tenant.certificate_issuers.as_ref()?;
        (!listed.contains(value)).then_some(Problem::Issuer(value, listed))
    }

    /// Judges an issuer: an Issuer is in the object's own namespace, other kinds may be anywhere.
    fn issuer(&self, value: &'j str) -> Option<Problem<'j>> {
        self.tenant.certificate_issuers.as_ref()?;
        match (self.get(KIND), self.get(GROUP)) {
            ("" | "Issuer", "" | "cert-manager.io") => None,
            ("ClusterIssuer", "" | "cert-manager.io") => self.cluster_issuer(value),
            _ => Some(Problem::IssuerKind(value)),
        }
    }
}

/// Returns the items of a list, without the spaces around them.
fn list(value: &str) -> impl Iterator<Item = &str> {
    value.split(',').map(str::trim).filter(|item| !item.is_empty())
}

/// Returns the host and the port of a URL.
fn authority(url: &str) -> Option<&str> {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"))?;
    rest.split(['/', '?']).next()
}

/// Returns whether a proxy takes `text` for a port; nginx refuses its whole configuration for another one.
fn is_port(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u16>().is_ok_and(|port| port > 0)
}

fn is_word(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))
}

/// Returns the items of a list of ranges, on any number of lines.
fn ranges(value: &str) -> impl Iterator<Item = &str> {
    value.split([',', ' ', '\n', '\r', '\t']).filter(|item| !item.is_empty())
}

/// Returns whether `text` is an address, a range in CIDR form, or a range from one address to another.
fn is_range(text: &str) -> bool {
    let text = text.strip_prefix('!').unwrap_or(text);
    let is_address = |text: &str| text.parse::<IpAddr>().is_ok();
    is_address(text)
        || text.parse::<IpNet>().is_ok()
        || text.split_once('-').is_some_and(|(first, last)| is_address(first) && is_address(last))
}

/// Returns the problem with a value that nginx writes into its configuration, variables included.
fn nginx_value(value: &str, is_short: bool) -> Option<Problem<'_>> {
    if !is_pattern(value) || !is_short {
        return Some(Problem::Characters(value));
    }
    (!are_variables_known(value)).then_some(Problem::Variable(value))
}

/// Returns the problem with a value that nginx compiles if it begins with `~`.
fn nginx_pattern(value: &str) -> Option<Problem<'_>> {
    let pattern = value.strip_prefix("~*").or_else(|| value.strip_prefix('~'))?;
    (!compiles(pattern, Engine::Pcre)).then_some(Problem::Regex(value))
}

fn are_buffers(value: &str) -> bool {
    let Some((count, one)) = value.split_once(' ') else { return value.is_empty() };
    number(count).is_some_and(|count| (3..=1_024).contains(&count))
        && size(one).is_some_and(|one| (1..=MOST_BYTES).contains(&one))
}

/// Returns whether `value` lists durations, each with the status codes before it.
fn are_cache_times(value: &str) -> bool {
    let is_code = |code: &str| code == "any" || number(code).is_some_and(|code| (100..600).contains(&code));
    value.is_empty()
        || value.split(',').all(|times| {
            let mut parts = times.split(' ').filter(|part| !part.is_empty());
            let last = parts.next_back();
            parts.all(is_code) && last.is_some_and(is_duration)
        })
}

/// Holds an identity provider in the JSON of the AWS Load Balancer Controller.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Provider<'p> {
    #[serde(borrow)]
    issuer: Text<'p>,
    #[serde(borrow, rename = "authorizationEndpoint")]
    authorization: Text<'p>,
    #[serde(borrow, rename = "tokenEndpoint")]
    token: Text<'p>,
    #[serde(borrow, rename = "userInfoEndpoint")]
    user_info: Text<'p>,
    /// A Secret in the Ingress' namespace.
    #[serde(borrow, rename = "secretName")]
    secret_name: Text<'p>,
    #[serde(rename = "authenticationRequestExtraParams", default)]
    _parameters: Option<serde::de::IgnoredAny>,
}

/// Holds a network in the JSON of Multus, without addresses and other settings.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Network<'n> {
    #[serde(borrow)]
    name: Text<'n>,
    #[serde(borrow, default)]
    namespace: Option<Text<'n>>,
    #[serde(rename = "interface", default)]
    _interface: Option<serde::de::IgnoredAny>,
}

fn is_line(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\t')
}

fn is_about_logs(attribute: &str) -> bool {
    attribute.split_once('.').is_some_and(|(group, _)| group.trim().ends_with("_logs"))
}
