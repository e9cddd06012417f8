//! Defines the tables of annotations that the files of the controllers fill.

/// Names the values that a listed annotation may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AllowedValue {
    /// Any value.
    Any,
    /// A single word: letters, digits, `.`, `_` and `-`.
    Word,
    /// Several words, separated by commas or spaces.
    Words,
    /// Only these words.
    OneOf(&'static [&'static str]),
    /// Only these words; any other is as harmful as an unknown key.
    Only(&'static [&'static str]),
    /// Only these words, several of them, separated by spaces or commas.
    SomeOf(&'static [&'static str]),
    /// A number, up to this one.
    Number(u32),
    /// Ports and ranges of ports, separated by commas, or `*`.
    Ports,
    /// A size such as `8k`, up to so many KiB.
    Size(u64),
    /// A number and a size, such as `4 8k`: buffers of nginx.
    Buffers,
    /// The size or number of ingress-nginx's buffers, which depend on each other.
    ProxyBuffers,
    /// A duration, such as `30s`.
    Duration,
    /// Status codes and a duration for each list, such as `200 202 5m, 401 1m`.
    CacheTimes,
    /// A list of status codes from 300 on.
    Codes,
    /// The name of a header.
    Header,
    /// Names of headers, separated by commas.
    Headers,
    /// Origins for CORS.
    Origins,
    /// Ciphers of OpenSSL.
    Ciphers,
    /// Text without characters that have a special meaning.
    Plain,
    /// The same, without `%`, which begins a command in HAProxy.
    HaproxyText,
    /// Text without characters that have a special meaning, in parts separated by semicolons.
    Parts,
    /// A path, a URL or a regular expression.
    Pattern,
    /// The same, with variables that nginx knows.
    Variables,
    /// Several of these, separated by spaces.
    VariableWords,
    /// The same, as the replacement of a rewrite.
    Rewrite,
    /// The same for a pattern that nginx compiles if it begins with `~`.
    NginxPattern,
    /// Several of these, separated by spaces.
    NginxPatterns,
    /// A regular expression.
    Regex,
    /// Several patterns, separated by spaces.
    Patterns,
    /// Ranges of addresses, on any number of lines.
    Ranges,
    /// Any text, on any number of lines: the controller passes it to an API and not into configuration.
    Text,
    /// An object of the tenant: `name`, or `namespace/name`.
    Object,
    /// An object of the tenant, which the controller reads only as `namespace/name`.
    ObjectWithNamespace,
    /// A namespace of the tenant.
    Namespace,
    /// A URL that the controller connects to, or redirects clients to.
    Url,
    /// A URL of external authentication, which may also lead to a login host of the platform.
    LoginUrl,
    /// The connections that nginx keeps open to the host of external authentication.
    ///
    /// nginx then resolves the host as it loads its configuration, and loads nothing if it cannot.
    KeptAlive,
    /// JSON with the URLs of an identity provider, each at such a host, and the name of a Secret.
    LoginProvider,
    /// Hosts of the tenant.
    Hosts,
    /// Addresses that the tenant's load balancers may have.
    Addresses,
    /// The targets of a name of the tenant's: its own hosts or its own addresses.
    Targets,
    /// A group of Ingresses on one load balancer, named after the tenant.
    Group,
    /// An action of a load balancer.
    Actions,
    /// Attributes of a load balancer, except where it writes its logs.
    Attributes,
    /// Objects of the tenant in Traefik's notation: `namespace-name@kubernetescrd`.
    Provided,
    /// Plugins of Kong: `name`, or `namespace:name`.
    Plugins,
    /// Networks of Multus in namespaces of the tenant, without addresses.
    Networks,
    /// A ClusterIssuer that the tenant may use.
    ClusterIssuer,
    /// An issuer, whose kind and group other annotations give.
    Issuer,
    /// A class that the tenant's Ingresses may have.
    IngressClass,
    /// Any value, but only controllers outside tenants' namespaces may write it.
    Controllers,
    /// Any value, but only the cluster itself may write it: it selects the Service's load balancer.
    Cluster,
}

/// Lists the annotations of a controller.
#[derive(Debug)]
pub(crate) struct Controller {
    /// The domains of its keys, before the slash. Keys of domains below them are the controller's too.
    pub(crate) prefixes: &'static [&'static str],
    /// The beginnings of its names, if other controllers use the domain too; if empty, any name.
    pub(crate) within: &'static [&'static str],
    /// The names that are known to be harmless, each list in order.
    pub(crate) keys: &'static [(AllowedValue, &'static [&'static str])],
    /// The beginnings of such names, if any end is harmless.
    pub(crate) beginnings: &'static [(AllowedValue, &'static [&'static str])],
    /// True if the controller reads objects of every kind, false if only Ingresses, Services, routes and Gateways.
    pub(crate) is_read_of_all_kinds: bool,
    /// The page that documents the keys, for the tests and for people.
    #[cfg_attr(not(test), expect(dead_code, reason = "only tests and people read it"))]
    pub(crate) source: &'static str,
}

impl Controller {
    /// Holds what most controllers have in common.
    pub(crate) const EMPTY: Self = Self {
        prefixes: &[],
        within: &[],
        keys: &[],
        beginnings: &[],
        is_read_of_all_kinds: false,
        source: "",
    };

    /// Returns whether a name of one of the domains is the controller's.
    pub(crate) fn takes(&self, name: &str) -> bool {
        self.within.is_empty() || self.within.iter().any(|start| name.starts_with(start))
    }

    /// Returns the values that a key may have, or `None` if no list contains it.
    pub(crate) fn allowed_value(&self, name: &str) -> Option<AllowedValue> {
        let is_listed = |names: &[&str]| names.binary_search(&name).is_ok();
        let begins = |starts: &[&str]| {
            starts.iter().any(|start| name.strip_prefix(start).is_some_and(|rest| !rest.is_empty()))
        };
        let exact = self.keys.iter().find(|(_, names)| is_listed(names));
        exact
            .or_else(|| self.beginnings.iter().find(|(_, starts)| begins(starts)))
            .map(|(allowed_value, _)| *allowed_value)
    }
}

/// Finds the controllers of a domain by binary search.
///
/// Domains are compared in any letter case, since some controllers accept any.
#[derive(Debug)]
pub(crate) struct Index<const N: usize>([(&'static str, &'static Controller); N]);

/// Returns how many domains `controllers` have.
pub(crate) const fn domains(controllers: &[&Controller]) -> usize {
    let (mut count, mut rest) = (0, controllers);
    while let [controller, tail @ ..] = rest {
        count += controller.prefixes.len();
        rest = tail;
    }
    count
}

impl<const N: usize> Index<N> {
    /// Sorts the domains of `controllers`; those of one domain keep their order.
    pub(crate) const fn of(controllers: &[&'static Controller]) -> Self {
        let mut index = [("", &Controller::EMPTY as &'static Controller); N];
        let (mut count, mut controllers) = (0, controllers);
        while let [controller, others @ ..] = controllers {
            let mut prefixes = controller.prefixes;
            while let [prefix, tail @ ..] = prefixes {
                insert(&mut index, count, (prefix, controller));
                count += 1;
                prefixes = tail;
            }
            controllers = others;
        }
        Self(index)
    }

    /// Returns the controller of a key: that of its domain, or of the nearest domain above it.
    pub(crate) fn find(&self, domain: &str, name: &str) -> Option<&'static Controller> {
        let mut next = Some(domain);
        while let Some(domain) = next {
            let start = self.0.partition_point(|(own, _)| is_less(own, domain));
            let mut of_domain =
                self.0.get(start..)?.iter().take_while(|(own, _)| own.eq_ignore_ascii_case(domain));
            let found = of_domain.find(|(_, controller)| controller.takes(name));
            if let Some((_, controller)) = found {
                return Some(controller);
            }
            next = domain.split_once('.').map(|(_, above)| above);
        }
        None
    }

    /// Returns the domains in order.
    #[cfg(test)]
    pub(crate) fn iter(&self) -> impl Iterator<Item = &(&'static str, &'static Controller)> {
        self.0.iter()
    }
}

/// Inserts an entry before those that are greater.
#[expect(
    clippy::indexing_slicing,
    reason = "the compiler evaluates it; an index out of bounds would be its error"
)]
const fn insert<const N: usize>(
    index: &mut [(&'static str, &'static Controller); N],
    count: usize,
    entry: (&'static str, &'static Controller),
) {
    let mut place = count;
    while place > 0 && is_before(entry.0.as_bytes(), index[place - 1].0.as_bytes()) {
        index[place] = index[place - 1];
        place -= 1;
    }
    index[place] = entry;
}

const fn is_before(mut one: &[u8], mut other: &[u8]) -> bool {
    loop {
        match (one, other) {
            ([a, one_tail @ ..], [b, other_tail @ ..]) => {
                if *a != *b {
                    return *a < *b;
                }
                (one, other) = (one_tail, other_tail);
            }
            (_, rest) => return !rest.is_empty(),
        }
    }
}

/// Returns whether a domain of the table is less than one of any letter case.
fn is_less(own: &str, domain: &str) -> bool {
    own.bytes().lt(domain.bytes().map(|byte| byte.to_ascii_lowercase()))
}
