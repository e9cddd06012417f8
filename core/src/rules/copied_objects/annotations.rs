//! Lists the annotations of controllers that copy objects, and decides what their values name.

use self::Names::{Clusters, Everybody, Nothing, Object, Selector, Switch, Targets};
use crate::json::Pairs;
use crate::judging::{OwnNamespaces, words_of};
use crate::labels::{NAMESPACE_NAME, TENANT};

/// Tells what the value of an annotation names.
#[derive(Clone, Copy)]
enum Names {
    /// Nothing that matters here.
    Nothing,
    /// An object: `namespace/name`, or a name in the same namespace.
    Object,
    /// Namespaces, with commas between them; each may be a pattern.
    Targets,
    /// Namespaces, by a selector of their labels; an empty one selects all.
    Selector,
    /// `true` lets everybody copy, unless the annotation of this name lists namespaces.
    Switch(&'static str),
    /// `true` lets everybody copy.
    Everybody,
    /// Other clusters, or everything that others offer.
    Clusters,
}

/// Tells which keys are judged.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Keys {
    /// Those of known controllers, and by their words those of unknown domains.
    AnyDomain,
    /// Those of known controllers.
    KnownDomains,
}

/// Holds the annotations of a controller.
struct Copier {
    domain: &'static str,
    keys: &'static [(&'static str, Names)],
    /// The objects that the other keys name.
    others: Names,
}

/// Lists the controllers that copy objects by their annotations.
const COPIERS: &[Copier] = &[
    // https://github.com/mittwald/kubernetes-replicator#usage
    Copier {
        domain: "replicator.v1.mittwald.de",
        keys: &[
            ("keep-owner-references", Nothing),
            ("replicate-from", Object),
            ("replicate-once", Nothing),
            ("replicate-once-version", Nothing),
            ("replicate-to", Targets),
            ("replicate-to-matching", Selector),
            ("replicated-at", Nothing),
            ("replicated-from-version", Nothing),
            ("replicated-keys", Nothing),
            // Only with the namespaces.
            ("replication-allowed", Nothing),
            ("replication-allowed-namespaces", Targets),
            ("strip-annotations", Nothing),
            ("strip-labels", Nothing),
        ],
        others: Clusters,
    },
    // https://github.com/olli-ai/k8s-replicator
    Copier {
        domain: "k8s-replicator",
        keys: &[
            ("replicate-from", Object),
            ("replicate-once", Nothing),
            ("replicate-once-version", Nothing),
            ("replicate-to-namespaces", Targets),
            ("replicated-at", Nothing),
            ("replicated-from-version", Nothing),
        ],
        others: Clusters,
    },
    // https://github.com/emberstack/kubernetes-reflector#usage
    Copier {
        domain: "reflector.v1.k8s.emberstack.com",
        keys: &[
            ("auto-reflects", Nothing),
            ("reflected-at", Nothing),
            ("reflected-version", Nothing),
            ("reflection-allowed", Switch("reflector.v1.k8s.emberstack.com/reflection-allowed-namespaces")),
            ("reflection-allowed-namespaces", Targets),
            // Only within the namespaces that are allowed.
            ("reflection-auto-enabled", Nothing),
            ("reflection-auto-namespaces", Targets),
            ("reflection-labels", Nothing),
            ("reflection-labels-included", Nothing),
            ("reflects", Object),
            (
                "secret-reflection-allowed",
                Switch("reflector.v1.k8s.emberstack.com/secret-reflection-allowed-namespaces"),
            ),
            ("secret-reflection-allowed-namespaces", Targets),
        ],
        others: Clusters,
    },
    // https://config-syncer.com/docs/v0.15.0/guides/config-syncer/intra-cluster/
    Copier {
        domain: "kubed.appscode.com",
        keys: &[("origin", Nothing), ("sync", Selector)],
        others: Clusters,
    },
    Copier {
        domain: "config-syncer.appscode.com",
        keys: &[("origin", Nothing), ("sync", Selector)],
        others: Clusters,
    },
    // https://github.com/carvel-dev/secretgen-controller/blob/develop/docs/secret-export.md
    Copier { domain: "secretgen.carvel.dev", keys: &[("image-pull-secret", Clusters)], others: Nothing },
    // Of such an object anybody can make a Secret elsewhere who has a copy of it.
    // https://github.com/bitnami-labs/sealed-secrets#scopes
    Copier { domain: "sealedsecrets.bitnami.com", keys: &[("cluster-wide", Everybody)], others: Nothing },
    // https://replizieren.dev
    Copier { domain: "replizieren.dev", keys: &[("replicate", Targets)], others: Nothing },
    // Tools whose keys speak of copying, but which copy nothing between namespaces.
    Copier { domain: "argocd.argoproj.io", keys: &[], others: Nothing },
    Copier { domain: "kustomize.toolkit.fluxcd.io", keys: &[], others: Nothing },
    Copier { domain: "helm.sh", keys: &[], others: Nothing },
    Copier { domain: "kubectl.kubernetes.io", keys: &[], others: Nothing },
    Copier { domain: "velero.io", keys: &[], others: Nothing },
    Copier { domain: "backup.velero.io", keys: &[], others: Nothing },
];

/// Words by which a key of an unknown domain speaks of copying between namespaces.
const WORDS: [&str; 14] = [
    "mirrored",
    "mirroring",
    "reflect",
    "reflected",
    "reflection",
    "reflector",
    "reflects",
    "replicate",
    "replicated",
    "replicates",
    "replicating",
    "replicator",
    "replicators",
    "reflecting",
];

/// Words that do so together with one of [`WHERE`].
const COPIES: [&str; 10] = [
    "clone",
    "copy",
    "distribute",
    "export",
    "import",
    "mirror",
    "propagate",
    "replication",
    "share",
    "sync",
];

/// Words for namespaces and directions.
const WHERE: [&str; 7] = ["from", "namespace", "namespaces", "ns", "target", "targets", "to"];

/// Returns whether the value of an annotation names something that is not the tenant's own, or that cannot be decided.
pub(super) fn names_others(
    (key, value): (&str, &str),
    annotations: &Pairs<'_>,
    own: &OwnNamespaces<'_>,
    keys: Keys,
) -> bool {
    let (domain, name) = key.split_once('/').unwrap_or(("", key));
    let Some(copier) = COPIERS.iter().find(|copier| copier.domain.eq_ignore_ascii_case(domain)) else {
        return keys == Keys::AnyDomain && speaks_of_copies(name);
    };
    let known = copier.keys.iter().find(|(known, _)| *known == name);
    match known.map_or(copier.others, |(_, names)| *names) {
        Nothing => false,
        Object => value.split_once('/').is_some_and(|(namespace, _)| !own.has(namespace)),
        Targets => !are_own(value, own),
        Selector => !selects_own(value, own),
        Switch(targets) => {
            let is_off = value.eq_ignore_ascii_case("false") || value.is_empty();
            // Without a list, all namespaces may copy; the annotation with the list is judged by itself.
            !is_off && annotations.get(targets).is_none_or(|targets| targets.trim().is_empty())
        }
        Everybody => !(value.eq_ignore_ascii_case("false") || value.is_empty()),
        Clusters => true,
    }
}

/// Returns whether every namespace of a list is the tenant's, by its exact name. No name of a namespace is a pattern
/// of others, since controllers compare the whole name.
fn are_own(list: &str, own: &OwnNamespaces<'_>) -> bool {
    list.split(',').map(str::trim).all(|namespace| namespace.is_empty() || own.has(namespace))
}

/// Returns whether a selector can select only namespaces of the tenant: one of its requirements is on a label that no
/// tenant can change.
fn selects_own(selector: &str, own: &OwnNamespaces<'_>) -> bool {
    selector.split(',').any(|requirement| {
        let Some((key, value)) = requirement.split_once('=') else { return false };
        let value = value.strip_prefix('=').unwrap_or(value).trim();
        match key.trim() {
            NAMESPACE_NAME => own.has(value),
            TENANT => own.tenant.is_some_and(|tenant| *value == *tenant.name),
            _ => false,
        }
    })
}

/// Returns whether the words of a key speak of copying between namespaces.
fn speaks_of_copies(name: &str) -> bool {
    let is_in = |words: &[&str]| {
        words_of(name).any(|word| words.iter().any(|listed| listed.eq_ignore_ascii_case(word)))
    };
    is_in(&WORDS) || (is_in(&COPIES) && is_in(&WHERE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_domain_is_listed_twice() {
        let mut domains: Vec<_> = COPIERS.iter().map(|copier| copier.domain).collect();
        domains.sort_unstable();
        assert!(domains.array_windows().all(|[one, other]| one != other));
    }

    #[test]
    fn keys_of_unknown_domains_are_judged_by_their_words() {
        for key in
            ["replicate-to", "replicateFrom", "reflects", "sync-to-namespaces", "copy.from", "shareToNS"]
        {
            assert!(speaks_of_copies(key), "{key}");
        }
        for key in ["sync-wave", "synced-at", "copy", "replication-factor", "owner", "from", "last-import"] {
            assert!(!speaks_of_copies(key), "{key}");
        }
    }
}
