//! Lists the fields of custom kinds that name namespaces to copy from or to.

use serde_json::value::RawValue;

use crate::json::{Pairs, Path, Text, Visit, borrowed, walk};

/// Tells what a field names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reference {
    /// A namespace.
    Namespace,
    /// A namespace of the cluster at `server.url`, which is this one unless the field names another.
    NamespaceOfServer,
    /// The kind of a store; a ClusterSecretStore is shared by all tenants.
    StoreKind,
    /// Namespaces by patterns or labels.
    Undecidable,
}

/// Holds a field by the end of its path, the last step first.
struct Field {
    group: &'static str,
    kinds: &'static [&'static str],
    end: &'static [&'static str],
    names: Reference,
}

/// The kinds of Infisical's operator.
const INFISICAL: [&str; 3] = ["InfisicalDynamicSecret", "InfisicalPushSecret", "InfisicalSecret"];

/// Lists the fields.
const FIELDS: &[Field] = &[
    // https://docs.cilium.io/en/stable/security/network/encryption/tls-visibility/
    Field {
        group: "cilium.io",
        kinds: &["CiliumNetworkPolicy"],
        end: &["namespace", "secret"],
        names: Reference::Namespace,
    },
    // https://external-secrets.io/latest/provider/kubernetes/
    Field {
        group: "external-secrets.io",
        kinds: &["SecretStore"],
        end: &["remoteNamespace", "kubernetes"],
        names: Reference::NamespaceOfServer,
    },
    // https://external-secrets.io/latest/api/pushsecret/
    Field {
        group: "external-secrets.io",
        kinds: &["PushSecret"],
        end: &["kind", "secretStoreRefs"],
        names: Reference::StoreKind,
    },
    // https://github.com/carvel-dev/secretgen-controller/blob/develop/docs/secret-export.md
    Field {
        group: "secretgen.carvel.dev",
        kinds: &["SecretExport"],
        end: &["toNamespace", "spec"],
        names: Reference::Namespace,
    },
    Field {
        group: "secretgen.carvel.dev",
        kinds: &["SecretExport"],
        end: &["toNamespaces", "spec"],
        names: Reference::Namespace,
    },
    Field {
        group: "secretgen.carvel.dev",
        kinds: &["SecretExport"],
        end: &["key", "dangerousToNamespacesSelector"],
        names: Reference::Undecidable,
    },
    Field {
        group: "secretgen.carvel.dev",
        kinds: &["SecretImport"],
        end: &["fromNamespace", "spec"],
        names: Reference::Namespace,
    },
    // https://docs.doppler.com/docs/kubernetes-operator
    Field {
        group: "secrets.doppler.com",
        kinds: &["DopplerSecret"],
        end: &["namespace", "managedSecret"],
        names: Reference::Namespace,
    },
    Field {
        group: "secrets.doppler.com",
        kinds: &["DopplerSecret"],
        end: &["namespace", "tokenSecret"],
        names: Reference::Namespace,
    },
    // Each reference to a Secret or a ConfigMap names its namespace.
    // https://infisical.com/docs/integrations/platforms/kubernetes/infisical-secret-crd
    Field {
        group: "secrets.infisical.com",
        kinds: &INFISICAL,
        end: &["secretNamespace"],
        names: Reference::Namespace,
    },
    Field {
        group: "secrets.infisical.com",
        kinds: &INFISICAL,
        end: &["configMapNamespace"],
        names: Reference::Namespace,
    },
    Field {
        group: "secrets.infisical.com",
        kinds: &INFISICAL,
        end: &["namespace", "serviceAccountRef"],
        names: Reference::Namespace,
    },
    // https://github.com/ktsstudio/mirrors
    Field {
        group: "mirrors.kts.studio",
        kinds: &["SecretMirror"],
        end: &["namespace", "source"],
        names: Reference::Namespace,
    },
    Field {
        group: "mirrors.kts.studio",
        kinds: &["SecretMirror"],
        end: &["namespaces", "destination"],
        names: Reference::Namespace,
    },
    Field {
        group: "mirrors.kts.studio",
        kinds: &["SecretMirror"],
        end: &["namespaceRegex", "destination"],
        names: Reference::Undecidable,
    },
];

impl Reference {
    /// Returns what the field at a path names, in an object of a kind.
    pub(super) fn of(group: &str, kind: &str, path: &Path<'_>) -> Option<Self> {
        let is_end =
            |end: &[&str]| path.keys().zip(end).filter(|(key, end)| key == *end).count() == end.len();
        FIELDS
            .iter()
            .find(|field| field.group == group && field.kinds.contains(&kind) && is_end(field.end))
            .map(|field| field.names)
    }
}

/// Returns whether a spec of a SecretStore names the API server of another cluster.
pub(super) fn is_other_cluster(spec: &RawValue) -> bool {
    #[derive(Default)]
    struct Server {
        is_other: bool,
    }

    impl Visit for Server {
        fn text(&mut self, path: &Path<'_>, text: &str) {
            if path.keys().take(3).eq(["url", "server", "kubernetes"]) {
                let host = text.trim_start_matches("https://").trim_start_matches("http://");
                self.is_other =
                    !(host.is_empty() || host == "kubernetes" || host.starts_with("kubernetes.default"));
            }
        }

        fn annotations(&mut self, _: &Path<'_>, _: &Pairs<'_>) {}
    }

    let mut server = Server::default();
    // A spec that cannot be read is reported when it is judged.
    walk(&Path::ROOT.key("spec"), spec, &mut server).is_ok() && server.is_other
}

borrowed! {
    /// Holds the spec of a SecretStore.
    struct StoreSpec<'a> {
        /// The provider; exactly one is set.
        provider: Provider<'a> = "provider",
    }
}

borrowed! {
    /// Holds the providers that take credentials from the environment of their client.
    struct Provider<'a> {
        /// The secrets of AWS.
        aws: Option<Authenticated<'a>> = "aws",
        /// The secrets of Google Cloud.
        google: Option<Authenticated<'a>> = "gcpsm",
        /// The key vaults of Azure.
        azure: Option<KeyVault<'a>> = "azurekv",
    }
}

borrowed! {
    /// Holds a provider with credentials of its own.
    struct Authenticated<'a> {
        /// The credentials.
        auth: Option<&'a RawValue> = "auth",
    }
}

borrowed! {
    /// Holds a key vault of Azure.
    struct KeyVault<'a> {
        /// The kind of credentials; absent means a Secret.
        auth_type: Text<'a> = "authType",
        /// The ServiceAccount whose identity counts.
        service_account: Option<&'a RawValue> = "serviceAccountRef",
    }
}

/// Returns the field that lacks credentials, where a SecretStore would use those of the operator itself.
///
/// Sources: <https://external-secrets.io/latest/provider/aws-access/>,
/// <https://external-secrets.io/latest/provider/google-secrets-manager/>,
/// <https://external-secrets.io/latest/provider/azure-key-vault/>.
pub(super) fn lacks_credentials(spec: &RawValue) -> Option<&'static str> {
    // A spec that cannot be read is reported when it is judged.
    let Provider { aws, google, azure } = serde_json::from_str::<StoreSpec<'_>>(spec.get()).ok()?.provider;
    let lacks = |auth: Option<&RawValue>| auth.is_none_or(|auth| matches!(auth.get(), "{}" | "null"));
    let is_of_operator = |vault: &KeyVault<'_>| match &*vault.auth_type {
        "ManagedIdentity" => true,
        "WorkloadIdentity" => lacks(vault.service_account),
        _ => false,
    };
    match (aws, google, azure) {
        (Some(aws), ..) if lacks(aws.auth) => Some("spec.provider.aws.auth"),
        (_, Some(google), _) if lacks(google.auth) => Some("spec.provider.gcpsm.auth"),
        (.., Some(azure)) if is_of_operator(&azure) => Some("spec.provider.azurekv.authType"),
        _ => None,
    }
}
