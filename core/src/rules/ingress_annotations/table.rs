//! Defines the tables of annotations that the files of the controllers fill.

/// Names the values that a listed annotation may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AllowedValue {
    /// A single word: letters, digits, `.`, `_` and `-`.
    Word,
    /// Text without characters that have a special meaning.
    Plain,
    /// The same, in parts separated by semicolons.
    Parts,
    /// A path, a URL or a regular expression.
    Pattern,
    /// Several of these, separated by spaces.
    Patterns,
    /// Ranges of addresses, on any number of lines.
    Ranges,
    /// Any text, on any number of lines: the controller passes it to an API and not into configuration.
    Text,
    /// An object of the tenant: `name`, or `namespace/name`.
    Object,
    /// A namespace of the tenant.
    Namespace,
    /// A URL that the controller connects to, or redirects clients to.
    Url,
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
pub(super) struct Controller {
    /// The prefixes of its keys, before the slash.
    pub(super) prefixes: &'static [&'static str],
    /// The beginnings of its names, if other controllers use the prefix too; if empty, any name.
    pub(super) within: &'static [&'static str],
    /// The names that are known to be harmless; `*` at the end stands for any text.
    pub(super) keys: &'static [(AllowedValue, &'static [&'static str])],
}

impl Controller {
    /// Returns whether a key is the controller's; some controllers accept prefixes in any letter case.
    pub(super) fn has(&self, prefix: &str, name: &str) -> bool {
        self.prefixes.iter().any(|own| own.eq_ignore_ascii_case(prefix))
            && (self.within.is_empty() || self.within.iter().any(|start| name.starts_with(start)))
    }

    /// Returns the values that a key may have, or `None` if no list contains it.
    pub(super) fn allowed_value(&self, name: &str) -> Option<AllowedValue> {
        let is = |known: &&&str| match known.strip_suffix('*') {
            Some(start) => name.strip_prefix(start).is_some_and(|rest| !rest.is_empty()),
            None => **known == name,
        };
        self.keys
            .iter()
            .find(|(_, names)| names.iter().any(|known| is(&known)))
            .map(|(allowed_value, _)| *allowed_value)
    }
}
