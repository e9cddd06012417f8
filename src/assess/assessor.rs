//! Assesses one object: sends it through the code that decides, as the API server would.

use std::borrow::Cow;

use jiff::civil::Date;
use partywall_core::api::{GROUP, Mode};
use partywall_core::objects::kinds::{is_cluster_scoped, plural};
use partywall_core::review::NotAReview;
use partywall_core::review::compose::{Draft, ObjectType};
use partywall_core::tenancy::{Owner, Snapshot, is_judged};
use partywall_core::verdict::{Denial, Verdict, Violation};
use partywall_core::{Entry, answer};
use serde_json::Value;
use thiserror::Error;

use crate::manifests::{Manifest, Problem, is_policy};
use crate::policies;

/// Assesses objects by policies.
pub(crate) struct Assessor<'s> {
    pub(crate) snapshot: &'s Snapshot,
    /// The namespace of objects that name none.
    pub(crate) namespace: String,
    /// The date by which exemptions among the manifests expire.
    pub(crate) today: Date,
}

/// The assessment of an object.
#[derive(Debug)]
pub(crate) struct Assessment {
    pub(crate) source: String,
    pub(crate) kind: String,
    /// `None` for an object of the cluster.
    pub(crate) namespace: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) tenant: Option<String>,
    pub(crate) allowed: bool,
    /// The patch, as a list of operations.
    pub(crate) patch: Value,
    pub(crate) violations: Vec<Violation>,
    /// The warnings that belong to no rule. They do not count as violations.
    pub(crate) warnings: Vec<String>,
    /// How many violations are left out of `violations`.
    pub(crate) more: usize,
    /// The Exemptions without which there would be more.
    pub(crate) exempted: Vec<String>,
    /// The object as it would be stored.
    pub(crate) stamped: Value,
    pub(crate) about: About,
}

/// The rules that concern an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum About {
    /// All: its namespace is a tenant's.
    Tenants,
    /// Those that protect tenants' node pools: its namespace is unclaimed.
    Unclaimed,
    /// None: its namespace is a system namespace.
    System,
    /// None: no rule is about its kind.
    Nothing,
    /// None: it is one of partywall's own objects.
    Policy,
}

/// The result of an assessment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Clean,
    Warned,
    Denied,
}

impl Assessment {
    pub(crate) fn outcome(&self) -> Outcome {
        if !self.allowed {
            return Outcome::Denied;
        }
        // Violations in mode `audit` are for the operator, not for the user of this command.
        match self.violations.iter().map(|violation| violation.mode).max() {
            Some(Mode::Deny | Mode::Warn) => Outcome::Warned,
            Some(Mode::Audit | Mode::Off) | None => Outcome::Clean,
        }
    }
}

impl Assessor<'_> {
    /// Assesses an object as if it were created.
    pub(crate) fn assess(&self, manifest: Manifest) -> Result<Assessment, Problem> {
        let Manifest { source, mut object, written } = manifest;
        if is_policy(&object) {
            self.inspect(&source, &object, written.as_ref())?;
        }
        let identity =
            Identity::of(&object, &self.namespace).map_err(|error| Problem::new(&source, error))?;
        let (patch, verdict) =
            self.decide(&source, &identity, &mut object).map_err(|error| Problem::new(&source, error))?;
        let allowed = verdict.is_allowed();
        Ok(Assessment {
            about: self.about(&identity),
            tenant: identity.namespace.as_deref().and_then(|namespace| self.tenant(namespace)),
            kind: identity.kind,
            namespace: identity.namespace,
            name: identity.name,
            source,
            allowed,
            patch,
            more: verdict.more(),
            exempted: verdict.exempted.iter().map(ToString::to_string).collect(),
            violations: verdict.violations,
            warnings: verdict.warnings,
            stamped: object,
        })
    }

    /// Stamps an object and decides about it; returns the patch of the stamp, too.
    fn decide(
        &self,
        source: &str,
        identity: &Identity,
        object: &mut Value,
    ) -> Result<(Value, Verdict), Unassessable> {
        if identity.is_namespace() {
            // Who creates it is not known, so only its label is compared with the policies.
            let verdict = self.ask(Entry::MutateNamespaces, source, identity, object)?;
            let patch = match &verdict.patch {
                Some(patch) => apply(patch.as_json(), object)?,
                None => Value::Array(Vec::new()),
            };
            return Ok((patch, verdict));
        }
        if !identity.is_judged() {
            return Ok((Value::Array(Vec::new()), Verdict::allow()));
        }
        let patch = match self.ask(Entry::Mutate, source, identity, object)?.patch {
            Some(patch) => apply(patch.as_json(), object)?,
            None => Value::Array(Vec::new()),
        };
        Ok((patch, self.ask(Entry::Validate, source, identity, object)?))
    }

    /// Checks a policy as a load does, except for the objects that it refers to.
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

    /// Sends a review through the code that the server calls.
    fn ask(
        &self,
        entry: Entry,
        uid: &str,
        identity: &Identity,
        object: &Value,
    ) -> Result<Verdict, Unassessable> {
        let Identity { group, version, kind, resource, .. } = identity;
        let draft = Draft {
            uid,
            object_type: &ObjectType { group, version, kind, resource: Cow::Borrowed(resource) },
            // A generated name is not generated yet when webhooks are asked.
            name: identity.name.as_deref().filter(|_| !identity.is_generated).unwrap_or_default(),
            namespace: identity.namespace.as_deref().unwrap_or_default(),
            operation: "CREATE",
            // An ordinary user, to whom no exemption applies.
            username: "partywall-check",
            groups: &["system:authenticated"],
            object: Some(object),
            old_object: None,
        };
        let body = draft.to_json()?;
        let verdict = answer(entry, &body, self.snapshot)?.verdict;
        match verdict.denial {
            Some(Denial::Undecidable(_, explanation)) => Err(Unassessable::Undecidable(explanation.message)),
            Some(Denial::Forbidden) | None => Ok(verdict),
        }
    }
}

/// The reason that an object cannot be assessed.
#[derive(Debug, Error)]
enum Unassessable {
    #[error("this is no object; a manifest begins with `apiVersion` and `kind`")]
    NoObject,
    #[error("`{0}` is missing, so nobody can tell what this is; add it")]
    FieldMissing(&'static str),
    #[error("`{0}` must be a string")]
    NoString(String),
    #[error(transparent)]
    NotAReview(#[from] NotAReview),
    #[error(transparent)]
    Unencodable(#[from] serde_json::Error),
    /// In the words of the verdict.
    #[error("{0}")]
    Undecidable(String),
    #[error("the stamp does not fit the object: {0}")]
    PatchUnreadable(serde_json::Error),
    #[error("the stamp does not fit the object: {0}")]
    PatchFailed(#[from] json_patch::PatchError),
}

/// Applies a patch, and returns it as a value.
fn apply(patch: &[u8], object: &mut Value) -> Result<Value, Unassessable> {
    let operations: json_patch::Patch =
        serde_json::from_slice(patch).map_err(Unassessable::PatchUnreadable)?;
    json_patch::patch(object, &operations)?;
    serde_json::from_slice(patch).map_err(Unassessable::PatchUnreadable)
}

/// The kind and the name of an object, as it states them.
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
    fn of(object: &Value, default_namespace: &str) -> Result<Self, Unassessable> {
        if !object.is_object() {
            return Err(Unassessable::NoObject);
        }
        let text = |path: &str| match object.pointer(path) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone()).filter(|text| !text.is_empty())),
            Some(_) => Err(Unassessable::NoString(path.trim_start_matches('/').replace('/', "."))),
        };
        let kind = text("/kind")?.ok_or(Unassessable::FieldMissing("kind"))?;
        let api_version = text("/apiVersion")?.ok_or(Unassessable::FieldMissing("apiVersion"))?;
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
            resource: plural(group, &kind).into_owned(),
            group: group.to_owned(),
            version: version.to_owned(),
            kind,
        })
    }

    fn is_namespace(&self) -> bool {
        self.group.is_empty() && self.kind == "Namespace"
    }

    /// Returns false for objects of the cluster and partywall's own, which no rule is about.
    fn is_judged(&self) -> bool {
        self.namespace.is_some()
    }
}
