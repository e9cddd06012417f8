//! Recognizes domains that no tenant can own: public suffixes, and the cluster's own.
//!
//! The check does not know the whole [Public Suffix List](https://publicsuffix.org): it takes every domain of one label
//! for a suffix, and the domains of two labels in [`LISTED`], below which registries and hosting providers give names
//! to anybody.

use crate::hosts::Domain;

/// Suffixes of two labels, all of them on the Public Suffix List.
const LISTED: [&str; 83] = [
    "ac.jp",
    "ac.kr",
    "ac.nz",
    "ac.uk",
    "ac.za",
    "appspot.com",
    "azurestaticapps.net",
    "azurewebsites.net",
    "blogspot.com",
    "cloudapp.net",
    "cloudfront.net",
    "co.id",
    "co.il",
    "co.in",
    "co.jp",
    "co.ke",
    "co.kr",
    "co.nz",
    "co.th",
    "co.uk",
    "co.za",
    "com.ar",
    "com.au",
    "com.bd",
    "com.br",
    "com.cn",
    "com.co",
    "com.eg",
    "com.gr",
    "com.hk",
    "com.mx",
    "com.my",
    "com.ng",
    "com.pe",
    "com.ph",
    "com.pk",
    "com.pl",
    "com.sa",
    "com.sg",
    "com.tr",
    "com.tw",
    "com.ua",
    "com.ve",
    "com.vn",
    "edu.au",
    "edu.cn",
    "firebaseapp.com",
    "fly.dev",
    "github.io",
    "gitlab.io",
    "go.jp",
    "gov.au",
    "gov.br",
    "gov.cn",
    "gov.in",
    "gov.uk",
    "herokuapp.com",
    "me.uk",
    "ne.jp",
    "net.au",
    "net.br",
    "net.cn",
    "net.nz",
    "netlify.app",
    "ngrok.io",
    "nhs.uk",
    "nip.io",
    "onrender.com",
    "or.jp",
    "or.kr",
    "org.au",
    "org.br",
    "org.cn",
    "org.nz",
    "org.uk",
    "org.za",
    "pages.dev",
    "run.app",
    "sch.uk",
    "sslip.io",
    "vercel.app",
    "web.app",
    "workers.dev",
];

/// Returns the reason why no tenant can own `domain`, or `None` if one of these `namespaces` can.
pub(super) fn refusal(domain: &Domain, namespaces: &[String]) -> Option<&'static str> {
    let base = domain.base();
    if is_of_cluster(domain, namespaces) {
        return Some(
            "these are names of the cluster's own Services, other tenants' among them; list names outside the \
             cluster, or below the tenant's own namespaces",
        );
    }
    let is_one_label = !base.contains('.') && !matches!(domain, Domain::Exact(_));
    (is_one_label || LISTED.contains(&base)).then_some(
        "this is a public suffix or a domain of one label, below which names belong to many; list domains of the \
         tenant's",
    )
}

/// Returns whether a domain has names of the cluster's Services, and not of one of these namespaces.
///
/// The cluster's DNS has names below `svc` and `pod` alone, so another exact name is no Service's.
fn is_of_cluster(domain: &Domain, namespaces: &[String]) -> bool {
    let Some(inside) = inside(domain.base()) else { return false };
    if let (Domain::Exact(_), Some((_, zone))) = (domain, inside.rsplit_once('.'))
        && !matches!(zone, "svc" | "pod")
    {
        return false;
    }
    match inside.strip_suffix("svc").map(|rest| rest.trim_end_matches('.')) {
        Some(services) if inside == "svc" || inside.ends_with(".svc") => {
            let namespace = services.rsplit('.').next().unwrap_or(services);
            !namespaces.iter().any(|own| own == namespace)
        }
        _ => true,
    }
}

/// Returns the part of a name before the cluster's own domain, and `None` if it is outside the cluster.
fn inside(base: &str) -> Option<&str> {
    const CLUSTER: &str = "cluster.local";
    match base.strip_suffix(CLUSTER) {
        Some("") => Some(""),
        Some(before) if before.ends_with('.') => before.strip_suffix('.'),
        // Resolvers complete such a name with the cluster's domain.
        _ if base == "svc" || base.ends_with(".svc") => Some(base),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn o23_suffixes_and_names_of_the_cluster_are_told_from_domains() {
        let own = ["own".to_owned()];
        let refuses = |text: &str| refusal(&Domain::parse(text).unwrap(), &own).is_some();
        for refused in [
            "**.com",
            "*.com",
            "**.co.uk",
            "co.uk",
            "*.github.io",
            "**.local",
            "**.internal",
            "**.cluster.local",
            "cluster.local",
            "*.svc.cluster.local",
            "**.other.svc.cluster.local",
            "a.other.svc.cluster.local",
            "*.pod.cluster.local",
            "**.svc",
            "a.other.svc",
            "*.ownsvc.cluster.local",
            "ownsvc.cluster.local",
            "10-0-0-1.other.pod.cluster.local",
        ] {
            assert!(refuses(refused), "{refused}");
        }
        for allowed in [
            "example.com",
            "**.example.com",
            "**.example.co.uk",
            "a.github.io",
            "intranet",
            "a.own.svc.cluster.local",
            "**.own.svc.cluster.local",
            "a.own.svc",
            "broker.other.mgt.cluster.local",
            "evilcluster.local",
            "a.cluster.local.example.com",
        ] {
            assert!(!refuses(allowed), "{allowed}");
        }
    }

    #[test]
    fn the_list_is_sorted_and_has_two_labels_each() {
        assert!(LISTED.is_sorted());
        assert!(LISTED.iter().all(|suffix| suffix.split('.').count() == 2));
    }
}
