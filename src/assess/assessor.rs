//! Assesses one object: sends it through the code that decides, as the API server would.

use std::borrow::Cow;

use clap::ValueEnum;
use jiff::civil::Date;
use json_patch::Patch;
use partywall_core::api::{GROUP, Mistake, Mode};
use partywall_core::objects::kinds::{Shape, is_cluster_scoped, plural};
use partywall_core::review::NotAReview;
use partywall_core::review::compose::{Draft, ObjectType};
use partywall_core::tenancy::{Owner, Snapshot, is_judged};
use partywall_core::verdict::{Denial, Explanation, Placement, Unjudged, Verdict, Violation};
use partywall_core::{Entry, answer};
use serde_json::Value;
use thiserror::Error;

use super::fields::{self, Unknown};
use super::{live, nulls};
use crate::manifests::{Fault, Location, Manifest, Places, Problem, is_policy};
use crate::policies;

/// Assesses objects by policies.
pub(crate) struct Assessor<'s> {
    pub(crate) snapshot: &'s Snapshot,
    /// The namespace of objects that name none.
    pub(crate) namespace: String,
    /// The user who would create the objects, and the user's groups.
    pub(crate) user: User,
    /// Whether the objects come from a cluster: what it filled in is left out.
    pub(crate) is_live: bool,
    /// Whether assessments keep the object as it was written.
    pub(crate) keeps_written: bool,
    /// The date by which exemptions among the manifests expire.
    pub(crate) today: Date,
}

/// A user, as whom objects are created.
#[derive(Debug)]
pub(crate) struct User {
    pub(crate) name: String,
    pub(crate) groups: Vec<String>,
}

impl User {
    /// An ordinary user, to whom no list of users applies: no user has such a name.
    pub(crate) const ANYBODY: &'static str = "<user>";
}

/// The assessment of an object.
#[derive(Debug)]
pub(crate) struct Assessment {
    /// The path as given; with several objects in a file also the number of the document and the item.
    pub(crate) source: String,
    /// The path as given.
    pub(crate) file: String,
    /// The place of the object in its file.
    pub(crate) at: Location,
    pub(crate) kind: String,
    /// `None` for an object of the cluster.
    pub(crate) namespace: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) tenant: Option<String>,
    pub(crate) allowed: bool,
    /// Whether the pods of an object with a template would be allowed; `None` for other objects.
    pub(crate) pods_allowed: Option<bool>,
    /// The patch of the stamp.
    pub(crate) patch: Patch,
    pub(crate) violations: Vec<Violated>,
    /// The warnings that belong to no rule. They do not count as violations.
    pub(crate) warnings: Vec<Warning>,
    /// How many violations are left out of `violations`.
    pub(crate) more: usize,
    /// The Exemptions without which there would be more.
    pub(crate) exempted: Vec<String>,
    /// The object as it was written, if assessments keep it.
    pub(crate) written: Option<Value>,
    /// The object as it would be stored.
    pub(crate) stamped: Value,
    pub(crate) about: About,
}

/// A violation, and the place of its field.
#[derive(Debug)]
pub(crate) struct Violated {
    pub(crate) violation: Violation,
    /// The place of the field, or of the nearest parent that the object has.
    pub(crate) at: Location,
    /// True for a template whose pods would be denied for the same reason.
    pub(crate) denies_pods: bool,
}

/// A warning that belongs to no rule.
#[derive(Debug)]
pub(crate) struct Warning {
    pub(crate) at: Location,
    /// The field that doesn't exist, if that is what the warning is about.
    pub(crate) field: Option<String>,
    pub(crate) message: String,
    /// True for what only tells what partywall would do: nobody has to correct it.
    pub(crate) is_note: bool,
}

/// The least severe finding that fails the command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FailOn {
    /// What would be denied: the object, or the pods of its template.
    Deny,
    /// Warnings too.
    Warn,
}

impl Violated {
    /// Returns whether the violation fails the command.
    pub(crate) fn fails(&self, fail_on: FailOn) -> bool {
        match self.violation.mode {
            Mode::Deny => true,
            Mode::Warn => self.denies_pods || fail_on == FailOn::Warn,
            Mode::Audit | Mode::Off => false,
        }
    }
}

/// The rules that concern an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum About {
    /// All: its namespace is a tenant's.
    Tenants,
    /// Those that protect tenants' node pools: its namespace is unclaimed.
    Unclaimed,
    /// Those about Namespaces.
    Namespace,
    /// None: its namespace is a system namespace.
    System,
    /// None: no rule is about its kind.
    Nothing,
    /// None: it is one of partywall's own objects.
    Policy,
    /// None: a controller of the cluster wrote it.
    Controller,
}

/// The result of an assessment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Clean,
    Warned,
    Denied,
}

impl Assessment {
    /// Returns whether the object fails the command.
    pub(crate) fn fails(&self, fail_on: FailOn) -> bool {
        self.violations.iter().any(|violated| violated.fails(fail_on))
            || (fail_on == FailOn::Warn && self.is_any_warning())
    }

    fn is_any_warning(&self) -> bool {
        self.warnings.iter().any(|warning| !warning.is_note)
    }

    pub(crate) fn outcome(&self) -> Outcome {
        if !self.allowed {
            return Outcome::Denied;
        }
        if self.is_any_warning() {
            return Outcome::Warned;
        }
        // Violations in mode `audit` are for the operator, not for the user of this command.
        match self.violations.iter().map(|violated| violated.violation.mode).max() {
            Some(Mode::Deny | Mode::Warn) => Outcome::Warned,
            Some(Mode::Audit | Mode::Off) | None => Outcome::Clean,
        }
    }
}

impl Assessor<'_> {
    /// Assesses an object as if it were created.
    pub(crate) fn assess(&self, manifest: Manifest<'_>) -> Result<Assessment, Problem> {
        let Manifest { source, file, mut object, written, places } = manifest;
        if is_policy(&object) {
            self.inspect(&source, &file, &object, written.as_ref(), &places)?;
        }
        let at = places.of("");
        let problem = |error: Unassessable| Problem {
            file: file.clone(),
            faults: vec![Fault { at: Some(places.of(error.field())), message: error.to_string() }],
        };
        let identity = Identity::of(&object, &self.namespace).map_err(problem)?;
        let is_of_controller = self.is_live && live::is_of_controller(&object);
        if self.is_live {
            live::leave_out_filled_in(&mut object);
        }
        nulls::read_as_empty(&mut object);
        let unknown = fields::unknown(&identity.group, &identity.version, &identity.kind, &object);
        let as_written = self.keeps_written.then(|| object.clone());
        let (patch, verdict) = if is_of_controller {
            (Patch(Vec::new()), Verdict::allow())
        } else {
            self.decide(&source, &identity, &mut object).map_err(problem)?
        };
        let allowed = verdict.is_allowed();
        let more = verdict.more();
        let violations = self.violated(verdict.violations, &identity, &places);
        Ok(Assessment {
            about: if is_of_controller { About::Controller } else { self.about(&identity) },
            tenant: identity.name_of_namespace().and_then(|namespace| self.tenant(namespace)),
            pods_allowed: identity
                .has_template(self.snapshot)
                .then(|| !violations.iter().any(|violated| violated.denies_pods)),
            kind: identity.kind,
            namespace: identity.namespace,
            name: identity.name,
            source,
            file,
            at,
            allowed,
            patch,
            more,
            exempted: verdict.exempted.iter().map(ToString::to_string).collect(),
            violations,
            warnings: warnings(verdict.warnings, unknown, verdict.placement, at, &places),
            written: as_written,
            stamped: object,
        })
    }

    fn violated(
        &self,
        violations: Vec<Violation>,
        identity: &Identity,
        places: &Places<'_>,
    ) -> Vec<Violated> {
        let modes = identity.namespace.as_deref().map(|name| self.snapshot.modes(self.snapshot.owner(name)));
        let of_pods = modes.filter(|_| identity.has_template(self.snapshot));
        let violated = |violation: Violation| Violated {
            at: places.of(&violation.field),
            denies_pods: of_pods.is_some_and(|modes| modes.of(violation.rule) == Mode::Deny),
            violation,
        };
        violations.into_iter().map(violated).collect()
    }

    /// Stamps an object and decides about it; returns the patch of the stamp, too.
    fn decide(
        &self,
        source: &str,
        identity: &Identity,
        object: &mut Value,
    ) -> Result<(Patch, Verdict), Unassessable> {
        if identity.is_namespace() {
            let Verdict { patch, warnings, .. } =
                self.ask(Entry::MutateNamespaces, source, identity, object)?;
            let patch = match patch {
                Some(patch) => apply(patch.as_json(), object)?,
                None => Patch(Vec::new()),
            };
            // The stamp adds a label that is missing, so the warnings are those about what was written.
            let verdict = self.ask(Entry::ValidateNamespaces, source, identity, object)?;
            return Ok((patch, Verdict { warnings, ..verdict }));
        }
        if !identity.is_judged() {
            return Ok((Patch(Vec::new()), Verdict::allow()));
        }
        let stamped = self.ask(Entry::Mutate, source, identity, object)?;
        let patch = match stamped.patch {
            Some(patch) => apply(patch.as_json(), object)?,
            None => Patch(Vec::new()),
        };
        let mut verdict = self.ask(Entry::Validate, source, identity, object)?;
        verdict.warnings.splice(0..0, stamped.warnings);
        verdict.placement = stamped.placement;
        Ok((patch, verdict))
    }

    /// Checks a policy as a load does, except for the objects that it refers to.
    fn inspect(
        &self,
        source: &str,
        file: &str,
        object: &Value,
        written: Option<&Value>,
        places: &Places<'_>,
    ) -> Result<(), Problem> {
        let mistakes = policies::inspect(source, object.clone(), written, self.today);
        if mistakes.is_empty() {
            return Ok(());
        }
        let fault = |mistake: &Mistake| Fault {
            at: Some(places.of(&mistake.path)),
            message: mistake.what().to_string(),
        };
        Err(Problem { file: file.to_owned(), faults: mistakes.iter().map(fault).collect() })
    }

    fn about(&self, identity: &Identity) -> About {
        let Identity { group, kind, namespace, .. } = identity;
        match namespace {
            _ if group == GROUP => About::Policy,
            None if identity.is_namespace() => About::Namespace,
            Some(namespace) if is_judged(group, kind, self.snapshot) => {
                match self.snapshot.owner(namespace) {
                    Owner::Tenant(_) => About::Tenants,
                    Owner::System => About::System,
                    Owner::Unclaimed | Owner::Denied(_) => About::Unclaimed,
                }
            }
            Some(_) | None => About::Nothing,
        }
    }

    fn tenant(&self, namespace: &str) -> Option<String> {
        match self.snapshot.owner(namespace) {
            Owner::Tenant(tenant) => Some(tenant.name.to_string()),
            Owner::System | Owner::Unclaimed | Owner::Denied(_) => None,
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
        let groups: Vec<_> = self.user.groups.iter().map(String::as_str).collect();
        let draft = Draft {
            uid,
            object_type: &ObjectType { group, version, kind, resource: Cow::Borrowed(resource) },
            // A generated name is not generated yet when webhooks are asked.
            name: identity.name.as_deref().filter(|_| !identity.is_generated).unwrap_or_default(),
            namespace: identity.namespace.as_deref().unwrap_or_default(),
            operation: "CREATE",
            username: &self.user.name,
            groups: &groups,
            object: Some(object),
            old_object: None,
        };
        let body = draft.to_json()?;
        let verdict = answer(entry, &body, self.snapshot)?.verdict;
        // Where nothing is denied, the API server stores what cannot be judged, and yet nobody knows what it is.
        if let Some(unjudged) = verdict.unjudged {
            let Unjudged { message, field, .. } = *unjudged;
            return Err(Unassessable::Undecidable { message, field });
        }
        match verdict.denial {
            Some(Denial::Undecidable(_, explanation)) => {
                let Explanation { message, field, .. } = *explanation;
                Err(Unassessable::Undecidable { message, field })
            }
            Some(Denial::Forbidden) | None => Ok(verdict),
        }
    }
}

fn warnings(
    messages: Vec<String>,
    unknown: Vec<Unknown>,
    placement: Option<Placement>,
    at: Location,
    places: &Places<'_>,
) -> Vec<Warning> {
    let of_object = |message| Warning { at, field: None, message, is_note: false };
    let of_placement = |Placement { pools, .. }: Placement| Warning {
        is_note: true,
        ..of_object(format!("would go to pool `{pools}`, but nothing is stamped yet"))
    };
    let of_fields = unknown.into_iter().map(|Unknown { path, message }| Warning {
        at: places.of(&path),
        field: Some(path),
        message,
        is_note: false,
    });
    messages.into_iter().map(of_object).chain(placement.map(of_placement)).chain(of_fields).collect()
}

/// The reason that an object cannot be assessed.
#[derive(Debug, Error)]
enum Unassessable {
    #[error("this is no object; a manifest begins with `apiVersion` and `kind`")]
    NoObject,
    #[error(
        "this is a list, not an object; write one object a document (YAML: `---` between them; JSON: one after the \
         other), or an object with `apiVersion: v1`, `kind: List` and the list as `items`"
    )]
    List,
    #[error("`{0}` is missing, so nobody can tell what this is; add it")]
    FieldMissing(&'static str),
    #[error("`{0}` must be a string")]
    NoString(String),
    #[error(transparent)]
    NotAReview(#[from] NotAReview),
    #[error(transparent)]
    Unencodable(#[from] serde_json::Error),
    /// In the words of the verdict.
    #[error("{message}")]
    Undecidable {
        message: String,
        /// The field that is the reason, or an empty path.
        field: String,
    },
    #[error("the stamp does not fit the object: {0}")]
    PatchUnreadable(serde_json::Error),
    #[error("the stamp does not fit the object: {0}")]
    PatchFailed(#[from] json_patch::PatchError),
}

impl Unassessable {
    /// Returns the field that is the reason, or an empty path for the whole object.
    fn field(&self) -> &str {
        match self {
            Self::NoString(field) | Self::Undecidable { field, .. } => field,
            Self::List
            | Self::NoObject
            | Self::FieldMissing(_)
            | Self::NotAReview(_)
            | Self::Unencodable(_)
            | Self::PatchUnreadable(_)
            | Self::PatchFailed(_) => "",
        }
    }
}

/// Applies a patch, and returns its operations.
fn apply(patch: &[u8], object: &mut Value) -> Result<Patch, Unassessable> {
    let operations: Patch = serde_json::from_slice(patch).map_err(Unassessable::PatchUnreadable)?;
    json_patch::patch(object, &operations)?;
    Ok(operations)
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
        match object {
            Value::Object(_) => {}
            Value::Array(_) => return Err(Unassessable::List),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                return Err(Unassessable::NoObject);
            }
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

    /// Returns the namespace that the object is in, or is.
    fn name_of_namespace(&self) -> Option<&str> {
        if self.is_namespace() { self.name.as_deref() } else { self.namespace.as_deref() }
    }

    /// Returns whether the object holds the template of pods.
    fn has_template(&self, snapshot: &Snapshot) -> bool {
        use Shape::{CronJob, DaemonSet, PodTemplate, Workload};
        let listed = || snapshot.workload_kind(&self.group, &self.kind);
        matches!(Shape::of(&self.group, &self.kind), Workload | DaemonSet | CronJob | PodTemplate)
            || listed().is_some_and(|kind| kind.template.is_some())
    }

    /// Returns false for objects of the cluster and partywall's own, which no rule is about.
    fn is_judged(&self) -> bool {
        self.namespace.is_some()
    }
}
