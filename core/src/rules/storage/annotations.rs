//! Judges the annotations of claims and snapshots, from which controllers adopt, copy or place volumes.

use std::fmt;

use self::Reads::{Anything, Namespace, NamespacedName, Namespaces};
use super::check::{ClaimPlace, StorageCheck};
use crate::json::{Escaped, Pairs};
use crate::judging::words_of;

/// Holds the class of a claim, and wins over the field.
pub(super) const CLASS: &str = "volume.beta.kubernetes.io/storage-class";
/// Holds the node for which a volume is made; a scheduler writes it.
pub(super) const SELECTED_NODE: &str = "volume.kubernetes.io/selected-node";

/// Domains of Kubernetes itself: only its controllers write their annotations.
const OF_KUBERNETES: [&str; 5] = [
    "pv.kubernetes.io",
    "pv.beta.kubernetes.io",
    "volume.kubernetes.io",
    "volume.beta.kubernetes.io",
    "volume.alpha.kubernetes.io",
];

/// Annotations of these domains that resizers outside the control plane write, and from which nobody places a volume.
const OF_RESIZERS: [&str; 4] = [
    "volume.kubernetes.io/storage-resizer",
    "volume.beta.kubernetes.io/storage-resizer",
    "volume.kubernetes.io/node-expansion-not-required",
    "volume.kubernetes.io/pvc-resize-fs",
];

/// Tells what the value of an annotation names.
#[derive(Clone, Copy)]
enum Reads {
    /// Nothing that matters here.
    Anything,
    /// A namespace.
    Namespace,
    /// Namespaces, with commas between them.
    Namespaces,
    /// An object, as `namespace/name` or as a name in the same namespace.
    NamespacedName,
}

/// Holds the annotations of one domain.
struct Domain {
    /// The domain.
    name: &'static str,
    /// The known annotations, and what each names.
    keys: &'static [(&'static str, Reads)],
    /// What the others name; `None`: they may adopt a volume, and are denied.
    others: Option<Reads>,
}

/// Lists the domains whose annotations provisioners read, or of which it is known that they do not.
const DOMAINS: &[Domain] = &[
    // NetApp. Not listed: what imports a volume, and what chooses backends, export policies and users of shares.
    // https://docs.netapp.com/us-en/trident/trident-use/vol-import.html
    // https://github.com/NetApp/trident/blob/master/frontend/csi/controller_helpers/kubernetes/config.go
    Domain {
        name: "trident.netapp.io",
        keys: &[
            ("blockSize", Anything),
            ("cloneFromNamespace", Namespace),
            ("cloneFromPVC", Anything),
            ("cloneFromSnapshot", Anything),
            ("cloneToNamespace", Namespaces),
            ("fileSystem", Anything),
            ("protocol", Anything),
            ("readOnlyClone", Anything),
            ("shareFromPVC", NamespacedName),
            ("shareToNamespace", Namespaces),
            ("skipRecoveryQueue", Anything),
            ("snapshotDirectory", Anything),
            ("snapshotPolicy", Anything),
            ("snapshotReserve", Anything),
            ("splitOnClone", Anything),
            ("unixPermissions", Anything),
        ],
        others: None,
    },
    // KubeVirt's importer. It fills volumes by pods in the claim's namespace, and checks a token before it clones.
    // https://github.com/kubevirt/containerized-data-importer/blob/main/pkg/controller/common/util.go
    Domain { name: "cdi.kubevirt.io", keys: &[("dataSourceNamespace", Namespace)], others: Some(Anything) },
    // The provisioners of GlusterFS and Cinder, and older versions of KubeVirt's importer.
    // https://github.com/kubernetes-retired/external-storage/tree/master/openstack/standalone-cinder
    Domain {
        name: "k8s.io",
        keys: &[("CloneRequest", NamespacedName), ("CloneOf", Anything)],
        others: Some(Anything),
    },
    // The folder on the server.
    // https://github.com/kubernetes-sigs/nfs-subdir-external-provisioner
    Domain { name: "nfs.io", keys: &[], others: None },
    // The path on the node.
    // https://openebs.io/docs/user-guides/local-storage-user-guide/local-pv-hostpath/hostpath-installation
    Domain { name: "cas.openebs.io", keys: &[], others: None },
    // The parameters of the class, and volumes to import.
    // https://scod.hpedev.io/csi_driver/using.html
    Domain { name: "csi.hpe.com", keys: &[], others: None },
    // Volumes to manage.
    // https://github.com/Huawei/eSDK_K8S_Plugin
    Domain { name: "csi.huawei.com", keys: &[], others: None },
    // Tools and operators. No provisioner reads these.
    Domain { name: "argocd.argoproj.io", keys: &[], others: Some(Anything) },
    Domain { name: "backup.velero.io", keys: &[], others: Some(Anything) },
    Domain { name: "cnpg.io", keys: &[], others: Some(Anything) },
    Domain { name: "helm.sh", keys: &[], others: Some(Anything) },
    Domain { name: "k8up.io", keys: &[], others: Some(Anything) },
    Domain { name: "kapp.k14s.io", keys: &[], others: Some(Anything) },
    Domain { name: "kubectl.kubernetes.io", keys: &[], others: Some(Anything) },
    Domain { name: "kustomize.toolkit.fluxcd.io", keys: &[], others: Some(Anything) },
    Domain { name: "meta.helm.sh", keys: &[], others: Some(Anything) },
    Domain { name: "resize.topolvm.io", keys: &[], others: Some(Anything) },
    Domain { name: "strimzi.io", keys: &[], others: Some(Anything) },
    Domain { name: "velero.io", keys: &[], others: Some(Anything) },
];

/// Words by which a key of an unknown domain speaks of adopting, copying or placing a volume.
const WORDS: [&str; 28] = [
    "adopt",
    "adopted",
    "backend",
    "bucket",
    "clone",
    "cloned",
    "dir",
    "directory",
    "existing",
    "export",
    "folder",
    "handle",
    "host",
    "hostname",
    "import",
    "imported",
    "namespace",
    "namespaces",
    "node",
    "nodename",
    "original",
    "path",
    "secret",
    "server",
    "share",
    "shared",
    "subdir",
    "subpath",
];

/// Pairs of words that do so together.
const PAIRS: [(&str, &[&str]); 3] = [
    ("volume", &["from", "handle", "id", "name", "ref", "uuid"]),
    ("pv", &["from", "id", "name", "ref", "uuid"]),
    ("restore", &["from"]),
];

impl StorageCheck<'_, '_, '_, '_> {
    pub(super) fn annotations(&mut self, place: &ClaimPlace<'_>, annotations: &Pairs<'_>) {
        for (key, value) in annotations.iter() {
            // The class is judged with the claim, since the volume decides whether it matters.
            if key == CLASS || self.may_write(key) {
                continue;
            }
            let Some(problem) = self.problem(key, value) else { continue };
            let field = format_args!("metadata.annotations[{}]", Escaped(key));
            let user = &*self.subject.request.user.username;
            let message = fmt::from_fn(|f| problem.explain(value, user, f));
            self.add(place, field, &message, format_args!("{key}={value}"));
        }
    }

    /// Returns whether the user, or the tenant by its list, may write an annotation with any value.
    fn may_write(&self, key: &str) -> bool {
        let is_of_kubernetes = key.split_once('/').is_some_and(|(domain, _)| is_of_kubernetes(domain));
        self.writer.may_bind
            || (key == SELECTED_NODE && self.writer.may_select_nodes)
            || OF_RESIZERS.contains(&key)
            || (!is_of_kubernetes && self.tenant.annotations.contains(key))
    }

    fn problem(&self, key: &str, value: &str) -> Option<Problem> {
        let (domain, name) = key.split_once('/').unwrap_or(("", key));
        if is_of_kubernetes(domain) {
            return Some(Problem::OfControllers);
        }
        let reads = match DOMAINS.iter().find(|known| known.name.eq_ignore_ascii_case(domain)) {
            Some(known) => {
                let key = known.keys.iter().find(|(key, _)| *key == name);
                match key.map(|(_, reads)| *reads).or(known.others) {
                    Some(reads) => reads,
                    None => return Some(Problem::Adopts),
                }
            }
            None if speaks_of_volumes(name) => return Some(Problem::Adopts),
            None => Anything,
        };
        let is_own = match reads {
            Anything => true,
            Namespace => self.own.has(value),
            Namespaces => value.split(',').all(|namespace| self.own.has(namespace.trim())),
            NamespacedName => value.split_once('/').is_none_or(|(namespace, _)| self.own.has(namespace)),
        };
        (!is_own).then_some(Problem::NamesOthers)
    }
}

/// Tells what is wrong with an annotation.
#[derive(Clone, Copy)]
enum Problem {
    /// Only controllers write it.
    OfControllers,
    /// A controller may adopt, copy or place a volume by it.
    Adopts,
    /// It names an object or a namespace that is not the tenant's.
    NamesOthers,
}

fn is_of_kubernetes(domain: &str) -> bool {
    OF_KUBERNETES.iter().any(|own| own.eq_ignore_ascii_case(domain))
}

impl Problem {
    fn explain(self, value: &str, user: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OfControllers => write!(
                f,
                "only controllers of the cluster write this annotation; remove it, or ask the platform team to list \
                 user `{}` in the Settings (`controllers.volumes`) if it is one",
                Escaped(user)
            ),
            Self::Adopts => f.write_str(
                "a controller may adopt, copy or place a volume by this annotation, and it may be another tenant's; \
                 remove it, or ask the platform team to list its key in the tenant's `annotations`",
            ),
            Self::NamesOthers => write!(
                f,
                "`{}` is not in a namespace of the tenant; name what is in one of its namespaces, or ask the platform \
                 team to list the key in the tenant's `annotations`",
                Escaped(value)
            ),
        }
    }
}

/// Returns whether the words of a key speak of adopting, copying or placing a volume.
fn speaks_of_volumes(name: &str) -> bool {
    let has = |wanted: &str| words_of(name).any(|word| word.eq_ignore_ascii_case(wanted));
    let is_one = |word: &str| WORDS.iter().any(|one| one.eq_ignore_ascii_case(word));
    words_of(name).any(is_one)
        || PAIRS.into_iter().any(|(one, others)| has(one) && others.iter().any(|other| has(other)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_domain_or_word_is_listed_twice() {
        let mut domains: Vec<_> = DOMAINS.iter().map(|domain| domain.name).chain(OF_KUBERNETES).collect();
        domains.sort_unstable();
        assert!(domains.array_windows().all(|[one, other]| one != other));
        assert!(WORDS.array_windows().all(|[one, other]| one < other));
    }

    #[test]
    fn h1_keys_of_unknown_domains_are_judged_by_their_words() {
        for key in [
            "importOriginalName",
            "adopt-volume",
            "volumeHandle",
            "volume-id",
            "nodeName",
            "storage-path",
            "subDir",
            "clone-from",
            "restore-from",
            "backendUUID",
            "share-name",
            "SECRET-NAME",
        ] {
            assert!(speaks_of_volumes(key), "{key}");
        }
        for key in [
            "team",
            "owner",
            "volumeType",
            "iops",
            "storage_limit",
            "last-restore",
            "description",
            "pvcStatus",
            "backup-volumes",
            "health",
        ] {
            assert!(!speaks_of_volumes(key), "{key}");
        }
    }
}
