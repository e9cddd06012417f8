//! One object, judged as the API server would have it judged.

use std::fmt::Display;

use jiff::civil::Date;
use partywall_core::api::{GROUP, Mode};
use partywall_core::tenancy::{Owner, Snapshot, is_judged};
use partywall_core::verdict::{Denial, Verdict, Violation};
use partywall_core::{Phase, answer};
use serde::Serialize;
use serde_json::Value;

use crate::manifests::{Manifest, Problem, is_policy};
use crate::policies;

/// Judges objects.
pub(crate) struct Judge<'s> {
    pub(crate) snapshot: &'s Snapshot,
    /// The namespace of objects that name none.
    pub(crate) namespace: String,
    /// For the dates of policies among the manifests.
    pub(crate) today: Date,
}

/// What came of an object.
#[derive(Debug)]
pub(crate) struct Judged {
    pub(crate) source: String,
    pub(crate) kind: String,
    /// `None`: the object is the cluster's.
    pub(crate) namespace: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) tenant: Option<String>,
    pub(crate) allowed: bool,
    /// The patch, as a list of operations.
    pub(crate) patch: Value,
    pub(crate) violations: Vec<Violation>,
    /// How many more there are.
    pub(crate) more: usize,
    /// The object as it would be stored.
    pub(crate) stamped: Value,
    pub(crate) about: About,
}

/// What the rules have to do with an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum About {
    /// They are about it.
    Tenants,
    /// Only those that protect tenants' pools are: the namespace is no tenant's.
    Unclaimed,
    /// None is: the namespace is a system one.
    System,
    /// No rule is about its kind.
    Nothing,
    /// It is one of partywall's own.
    Policy,
}

/// What an object counts as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Clean,
    Warned,
    Denied,
}

impl Judged {
    pub(crate) fn outcome(&self) -> Outcome {
        if !self.allowed {
            return Outcome::Denied;
        }
        // What is only audited is nobody's concern who runs this.
        match self.violations.iter().map(|violation| violation.mode).max() {
            Some(Mode::Deny | Mode::Warn) => Outcome::Warned,
            Some(Mode::Audit | Mode::Off) | None => Outcome::Clean,
        }
    }
}

impl Judge<'_> {
    /// Judges an object as if it were created.
    pub(crate) fn judge(&self, manifest: Manifest) -> Result<Judged, Problem> {
        let Manifest { source, mut object, written } = manifest;
        if is_policy(&object) {
            self.inspect(&source, &object, written.as_ref())?;
        }
        let identity =
            Identity::of(&object, &self.namespace).map_err(|message| Problem::new(&source, message))?;
        let ask = |phase, object: &Value| {
            self.ask(phase, &source, &identity, object).map_err(|message| Problem::new(&source, message))
        };
        let (patch, verdict) = if identity.is_judged() {
            let patch = match ask(Phase::Mutate, &object)?.patch {
                Some(patch) => {
                    apply(patch.as_json(), &mut object).map_err(|error| Problem::new(&source, error))?
                }
                None => Value::Array(Vec::new()),
            };
            (patch, ask(Phase::Validate, &object)?)
        } else {
            (Value::Array(Vec::new()), Verdict::allow())
        };
        let allowed = verdict.is_allowed();
        Ok(Judged {
            about: self.about(&identity),
            tenant: identity.namespace.as_deref().and_then(|namespace| self.tenant(namespace)),
            kind: identity.kind,
            namespace: identity.namespace,
            name: identity.name,
            source,
            allowed,
            patch,
            more: verdict.more(),
            violations: verdict.violations,
            stamped: object,
        })
    }

    /// Holds a policy to what policies are held to when they are loaded, but for what it refers to.
    fn inspect(&self, source: &str, object: &Value, written: Option<&Value>) -> Result<(), Problem> {
        let mistakes = policies::inspect(source, object.clone(), written, self.today);
        if mistakes.is_empty() {
            return Ok(());
        }
        let messages = mistakes.iter().map(|mistake| mistake.what().to_string()).collect();
        Err(Problem { source: source.to_owned(), messages })
    }

    fn about(&self, identity: &Identity) -> About {
        let Identity { group, kind, namespace, .. } = identity;
        match namespace {
            _ if group == GROUP => About::Policy,
            Some(namespace) if is_judged(group, kind, self.snapshot) => {
                match self.snapshot.owner(namespace) {
                    Owner::Tenant(_) => About::Tenants,
                    Owner::System => About::System,
                    Owner::Unclaimed => About::Unclaimed,
                }
            }
            Some(_) | None => About::Nothing,
        }
    }

    fn tenant(&self, namespace: &str) -> Option<String> {
        match self.snapshot.owner(namespace) {
            Owner::Tenant(tenant) => Some(tenant.name.to_string()),
            Owner::System | Owner::Unclaimed => None,
        }
    }

    /// Sends a review through the same code as the server does.
    fn ask(&self, phase: Phase, uid: &str, identity: &Identity, object: &Value) -> Result<Verdict, String> {
        let body = serde_json::to_vec(&identity.review(uid, object)).map_err(|error| error.to_string())?;
        let verdict = answer(phase, &body, self.snapshot)?.verdict;
        match verdict.denial {
            Some(Denial::Undecidable(_, message)) => Err(message),
            Some(Denial::Forbidden) | None => Ok(verdict),
        }
    }
}

/// Applies a patch, and returns it as a value.
fn apply(patch: &[u8], object: &mut Value) -> Result<Value, String> {
    let failed = |error: &dyn Display| format!("the stamp does not fit the object: {error}");
    let operations: json_patch::Patch = serde_json::from_slice(patch).map_err(|error| failed(&error))?;
    json_patch::patch(object, &operations).map_err(|error| failed(&error))?;
    serde_json::from_slice(patch).map_err(|error| failed(&error))
}

/// What an object says it is.
#[derive(Debug)]
struct Identity {
    group: String,
    version: String,
    kind: String,
    resource: String,
    namespace: Option<String>,
    name: Option<String>,
    is_generated: bool,
}

impl Identity {
    fn of(object: &Value, default_namespace: &str) -> Result<Self, String> {
        if !object.is_object() {
            return Err("this is no object; a manifest begins with `apiVersion` and `kind`".to_owned());
        }
        let text = |path: &str| match object.pointer(path) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone()).filter(|text| !text.is_empty())),
            Some(_) => Err(format!("`{}` must be a string", path.replace('/', ".").trim_start_matches('.'))),
        };
        let missing = |field: &str| format!("`{field}` is missing, so nobody can tell what this is; add it");
        let kind = text("/kind")?.ok_or_else(|| missing("kind"))?;
        let api_version = text("/apiVersion")?.ok_or_else(|| missing("apiVersion"))?;
        let (group, version) = api_version.rsplit_once('/').unwrap_or(("", &api_version));
        let namespace = text("/metadata/namespace")?.unwrap_or_else(|| default_namespace.to_owned());
        let name = text("/metadata/name")?;
        let is_generated = name.is_none();
        Ok(Self {
            namespace: (group != GROUP && !is_cluster_scoped(group, &kind)).then_some(namespace),
            name: match name {
                Some(name) => Some(name),
                None => text("/metadata/generateName")?,
            },
            is_generated,
            resource: plural(&kind),
            group: group.to_owned(),
            version: version.to_owned(),
            kind,
        })
    }

    /// What is the cluster's, and partywall's own objects, no rule is about.
    fn is_judged(&self) -> bool {
        self.namespace.is_some()
    }

    fn review<'r>(&'r self, uid: &'r str, object: &'r Value) -> Review<'r> {
        let Self { group, version, kind, resource, .. } = self;
        Review {
            api_version: "admission.k8s.io/v1",
            kind: "AdmissionReview",
            request: Request {
                uid,
                kind: GroupVersionKind { group, version, kind },
                resource: GroupVersionResource { group, version, resource },
                // A generated name is not generated yet when webhooks are asked.
                name: self.name.as_deref().filter(|_| !self.is_generated).unwrap_or_default(),
                namespace: self.namespace.as_deref().unwrap_or_default(),
                operation: "CREATE",
                user_info: UserInfo { username: "partywall-check", groups: ["system:authenticated"] },
                object,
            },
        }
    }
}

/// The resource of a kind; what rules know of are regular plurals.
fn plural(kind: &str) -> String {
    let lower = kind.to_lowercase();
    match lower.strip_suffix('y') {
        Some(stem) if !lower.ends_with("ay") && !lower.ends_with("ey") => format!("{stem}ies"),
        _ if lower.ends_with(['s', 'x']) => format!("{lower}es"),
        Some(_) | None => format!("{lower}s"),
    }
}

/// Whether objects of this kind have no namespace. Kinds that nobody here knows are not judged in either case.
fn is_cluster_scoped(group: &str, kind: &str) -> bool {
    match group {
        "" => matches!(kind, "Namespace" | "Node" | "PersistentVolume" | "ComponentStatus"),
        "rbac.authorization.k8s.io" => matches!(kind, "ClusterRole" | "ClusterRoleBinding"),
        "storage.k8s.io" => kind != "CSIStorageCapacity",
        "networking.k8s.io" => matches!(kind, "IngressClass" | "IPAddress" | "ServiceCIDR"),
        "gateway.networking.k8s.io" => kind == "GatewayClass",
        "gateway.networking.x-k8s.io" => kind == "XMesh",
        "configuration.konghq.com" => matches!(kind, "KongClusterPlugin" | "KongLicense" | "KongVault"),
        "elbv2.k8s.aws" => kind == "IngressClassParams",
        "appmesh.k8s.aws" => kind == "Mesh",
        "policy" => kind == "PodSecurityPolicy",
        "cert-manager.io" => kind == "ClusterIssuer",
        "admissionregistration.k8s.io"
        | "apiextensions.k8s.io"
        | "apiregistration.k8s.io"
        | "certificates.k8s.io"
        | "flowcontrol.apiserver.k8s.io"
        | "node.k8s.io"
        | "scheduling.k8s.io" => true,
        _ => false,
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Review<'r> {
    api_version: &'static str,
    kind: &'static str,
    request: Request<'r>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Request<'r> {
    uid: &'r str,
    kind: GroupVersionKind<'r>,
    resource: GroupVersionResource<'r>,
    name: &'r str,
    namespace: &'r str,
    operation: &'static str,
    user_info: UserInfo,
    object: &'r Value,
}

#[derive(Serialize)]
struct GroupVersionKind<'r> {
    group: &'r str,
    version: &'r str,
    kind: &'r str,
}

#[derive(Serialize)]
struct GroupVersionResource<'r> {
    group: &'r str,
    version: &'r str,
    resource: &'r str,
}

/// An ordinary user: no exemption is for who it is.
#[derive(Serialize)]
struct UserInfo {
    username: &'static str,
    groups: [&'static str; 1],
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plurals_are_those_of_the_api_server() {
        for (kind, resource) in [
            ("Pod", "pods"),
            ("Ingress", "ingresses"),
            ("NetworkPolicy", "networkpolicies"),
            ("ReplicaSet", "replicasets"),
            ("Gateway", "gateways"),
        ] {
            assert_eq!(plural(kind), resource);
        }
    }
}
