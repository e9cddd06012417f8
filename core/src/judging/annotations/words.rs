//! Reads the words of an annotation's key, if no list knows its domain.

/// Lists words that are about what tenants share, in order; a key has them as whole words.
const WORDS: [&str; 92] = [
    "acl",
    "acls",
    "acm",
    "address",
    "addresses",
    "alb",
    "alias",
    "aliases",
    "anycast",
    "arn",
    "asn",
    "balancer",
    "balancers",
    "bgp",
    "ca",
    "cdn",
    "cert",
    "certs",
    "cidr",
    "cidrs",
    "clb",
    "cname",
    "cni",
    "dnat",
    "domain",
    "domains",
    "eip",
    "eips",
    "elb",
    "eni",
    "enis",
    "firewall",
    "floatingip",
    "fqdn",
    "gateway",
    "gateways",
    "gslb",
    "host",
    "hosts",
    "iam",
    "identities",
    "identity",
    "interface",
    "interfaces",
    "ip",
    "ipam",
    "ippool",
    "ippools",
    "ips",
    "ipv4",
    "ipv6",
    "issuer",
    "issuers",
    "keyvault",
    "kms",
    "lb",
    "listener",
    "listeners",
    "mac",
    "nat",
    "netns",
    "network",
    "networks",
    "nic",
    "nics",
    "nlb",
    "oidc",
    "peer",
    "peering",
    "pki",
    "principal",
    "pv",
    "pvc",
    "route",
    "router",
    "routers",
    "routes",
    "routing",
    "sans",
    "sg",
    "slb",
    "snat",
    "sni",
    "spiffe",
    "sriov",
    "sts",
    "tunnel",
    "vip",
    "vips",
    "vni",
    "vpc",
    "vpn",
];

/// Lists beginnings of such words.
const BEGINNINGS: [&str; 15] = [
    "certificat",
    "dns",
    "externalip",
    "hostname",
    "loadbalanc",
    "multicast",
    "networking",
    "nodeport",
    "secret",
    "serviceaccount",
    "subnet",
    "vlan",
    "volume",
    "vrf",
    "vxlan",
];

/// Lists words of fingerprints: what begins or ends with one says nothing but that something changed.
const FINGERPRINTS: [&str; 9] =
    ["checksum", "digest", "generation", "hash", "md5", "revision", "sha", "sha1", "sha256"];

/// Returns whether a key speaks of hosts, names, addresses, balancers, networks, routes, certificates, secrets, volumes
/// or identities, which tenants share.
///
/// Its words are what other characters than letters and digits separate, and capital letters begin. The key is read
/// once.
pub(crate) fn speaks_of_shared_things(key: &str) -> bool {
    let (domain, name) = key.rsplit_once('/').unwrap_or(("", key));
    // The last label of a domain is no word: `ca`, `lb` and `sg` are countries.
    let domain = domain.rsplit_once('.').map_or(domain, |(domain, _)| domain);
    let is_fingerprint = |word: Option<&str>| word.is_some_and(|word| is_one(word, &FINGERPRINTS));
    if is_fingerprint(words(name).next()) || is_fingerprint(words(name).last()) {
        return false;
    }
    words(domain).chain(words(name)).any(|word| {
        is_one(word, &WORDS)
            || BEGINNINGS
                .iter()
                .any(|start| word.get(..start.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(start)))
    })
}

/// Returns whether a sorted list has a word in any letter case.
fn is_one(word: &str, list: &[&str]) -> bool {
    let lower = || word.bytes().map(|byte| byte.to_ascii_lowercase());
    list.binary_search_by(|one| one.bytes().cmp(lower())).is_ok()
}

/// Splits a key into words: `loadBalancerIPs` is `load`, `Balancer` and `IPs`.
fn words(key: &str) -> impl Iterator<Item = &str> {
    let mut rest = key;
    std::iter::from_fn(move || {
        rest = rest.trim_start_matches(|c: char| !c.is_ascii_alphanumeric());
        let mut last = char::default();
        let mut next = rest.char_indices().peekable();
        let mut end = rest.len();
        while let Some((at, c)) = next.next() {
            // A capital letter begins a word, but within capitals the last one before a small letter does: `IPName`.
            let is_small = |c: char| c.is_ascii_lowercase();
            let before_small = || {
                let mut ahead = next.clone().map(|(_, c)| c);
                ahead.next().is_some_and(is_small) && ahead.next().is_some_and(is_small)
            };
            let begins =
                c.is_ascii_uppercase() && (is_small(last) || (last.is_ascii_uppercase() && before_small()));
            if !c.is_ascii_alphanumeric() || (at > 0 && begins) {
                end = at;
                break;
            }
            last = c;
        }
        let (word, tail) = rest.split_at_checked(end)?;
        rest = tail;
        (!word.is_empty()).then_some(word)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_are_in_order() {
        assert!(WORDS.is_sorted() && BEGINNINGS.is_sorted() && FINGERPRINTS.is_sorted());
    }

    #[test]
    fn o15_keys_are_split_into_words() {
        let split = |key| words(key).collect::<Vec<_>>();
        assert_eq!(
            split("a.example.com/loadBalancerIPs"),
            ["a", "example", "com", "load", "Balancer", "IPs"]
        );
        assert_eq!(split("_x-IPName.v4"), ["x", "IP", "Name", "v4"]);
        assert_eq!(split(""), [""; 0]);
    }

    #[test]
    fn o15_words_of_what_tenants_share() {
        for key in [
            "acme.example.net/externalIP",
            "new-cloud.example.net/load-balancer-name",
            "x.example.net/static-ip",
            "x.example.net/hostnames",
            "lb.example.net/class",
            "cni.example.net/anything",
            "x.example.net/DNSName",
            "x.example.net/certificateRef",
            "x.example.net/secretName",
            "x.example.net/iam-role",
            "x.example.net/vpcId",
            "x.example.net/subnetIds",
            "x.example.net/volume-handle",
            "x.example.net/workload-identity",
            "cni",
            "x.example.net/VIP",
            "x.example.net/loadbalancerid",
        ] {
            assert!(speaks_of_shared_things(key), "{key}");
        }
        for key in [
            "example.com/note",
            "team",
            "a8r.io/owner",
            "gethomepage.dev/href",
            "forecastle.stakater.com/expose",
            "example.com/cost-center",
            "example.com/tls-secret-hash",
            "description",
            "reloader.stakater.com/auto",
            "example.com/managed-by",
            "config.example.com/description",
            "example.com/zip",
            "example.com/script",
            "ci.example.com/pipeline",
            "example.com/deployedAt",
            "example.com/macro",
            "example.ca/note",
            "acme.example/team",
        ] {
            assert!(!speaks_of_shared_things(key), "{key}");
        }
    }

    #[test]
    fn l13_a_long_key_costs_no_more_than_its_length() {
        assert!(!speaks_of_shared_things(&"A".repeat(1_000_000)));
        assert!(!speaks_of_shared_things(&"aB".repeat(1_000_000)));
        assert!(!speaks_of_shared_things(&"a-".repeat(1_000_000)));
    }
}
