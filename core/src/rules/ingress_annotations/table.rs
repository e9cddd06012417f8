//! What the tables of controllers are made of.

/// What an annotation that is on a list may have for its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Takes {
    /// A single word: letters, digits, `.`, `_` and `-`.
    Word,
    /// Words in which nothing stands for anything else.
    Plain,
    /// The same, in parts with semicolons between them.
    Parts,
    /// A path, a URL or a regular expression.
    Pattern,
    /// Several of these.
    Patterns,
    /// Ranges of addresses, on as many lines as they need.
    Ranges,
    /// Anything on lines: the controller hands it to an API, and into no configuration.
    Text,
    /// An object of the tenant's: `name`, or `namespace/name`.
    Object,
    /// A namespace of the tenant's.
    Namespace,
    /// A URL that the controller itself asks, or sends clients to.
    Url,
    /// Hosts of the tenant's.
    Hosts,
    /// Addresses that the tenant's load balancers may have.
    Addresses,
    /// What a name of the tenant's stands for: a host of its own, or an address of its own.
    Targets,
    /// A group of Ingresses on one load balancer, named after the tenant.
    Group,
    /// An action of a load balancer.
    Actions,
    /// Attributes of a load balancer, but for where it writes its logs.
    Attributes,
    /// Objects of the tenant's as Traefik calls them: `namespace-name@kubernetescrd`.
    Provided,
    /// Plugins of Kong: `name`, or `namespace:name`.
    Plugins,
    /// A ClusterIssuer of the tenant's.
    ClusterIssuer,
    /// An issuer, of the kind and group that further annotations say.
    Issuer,
    /// A class of the tenant's Ingresses.
    IngressClass,
    /// Anything, but only by controllers that are outside tenants' namespaces.
    Controllers,
    /// Anything, but only by the cluster itself: it says which load balancer is the Service's.
    Cluster,
}

/// The annotations of a controller.
#[derive(Debug)]
pub(super) struct Family {
    /// What its keys begin with, before the slash.
    pub(super) prefixes: &'static [&'static str],
    /// What their names begin with, where the prefix is not the controller's alone; none: anything.
    pub(super) within: &'static [&'static str],
    /// Those that are known to do no harm; `*` at the end stands for anything.
    pub(super) keys: &'static [(Takes, &'static [&'static str])],
}

impl Family {
    /// Whether a key belongs to it. Keys know upper and lower case, but some controllers take them in any.
    pub(super) fn has(&self, prefix: &str, name: &str) -> bool {
        self.prefixes.iter().any(|own| own.eq_ignore_ascii_case(prefix))
            && (self.within.is_empty() || self.within.iter().any(|start| name.starts_with(start)))
    }

    /// What a key takes; `None`: it is on no list.
    pub(super) fn takes(&self, name: &str) -> Option<Takes> {
        let is = |known: &&&str| match known.strip_suffix('*') {
            Some(start) => name.strip_prefix(start).is_some_and(|rest| !rest.is_empty()),
            None => **known == name,
        };
        self.keys.iter().find(|(_, names)| names.iter().any(|known| is(&known))).map(|(takes, _)| *takes)
    }
}
