//! Builds the webhook configurations from one table of webhooks.
//!
//! Webhooks that protect tenants' namespaces and pools fail closed. Outside tenants' namespaces they receive only the
//! pods, bindings and claims that could reach a pool, so the rest of the cluster works without partywall.
//!
//! INVARIANTS: Namespace is the only cluster-scoped kind in the configurations. No label of an object decides whether
//! the API server sends it, since tenants write these labels. Labels of namespaces do decide, so the API server sends
//! all changes of namespaces, independent of their labels. Some managed control planes would add labels of
//! namespaces to the selectors, so the configurations ask them not to.

mod conditions;
mod configuration;
mod webhooks;

use std::borrow::Cow;
use std::num::NonZeroU16;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

pub use self::configuration::{
    Annotations, ClientConfig, Configuration, LabelSelector, LabelSelectorRequirement, Labels,
    MatchCondition, Metadata, Rule, ServiceReference, WebhookEntry,
};
pub use self::webhooks::OWN_OBJECTS;
use self::webhooks::{
    FailurePolicy, LISTED_VALIDATED, Namespaces, ROUTES, UPDATE, WEBHOOKS, WORKLOADS, WRITE, Webhook, Where,
};
use crate::api::Enforcement;
use crate::entry::{Entry, Phase};
use crate::labels::{NAMESPACE_NAME, TENANT};
use crate::objects::foreign_apis::{self, APIS};
use crate::tenancy::Snapshot;

/// Names both configurations.
const NAME: &str = "partywall";
/// Turns on the labels by which a managed control plane leaves a configuration as it is.
const YES: &str = "true";
/// Limits how long the API server waits for an answer, in seconds.
///
/// The API server calls mutating webhooks one after the other, so each second delays the request.
const TIMEOUT_SECONDS: i32 = 3;

/// How many bytes the names of namespaces may have, with quotes and commas.
///
/// Two webhooks of each configuration have them all, and the store of the API server takes objects of 1.5 MB.
const LONGEST_NAMES: usize = 500_000;

/// Tells the API server how to reach partywall.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Server {
    /// A URL such as `https://127.0.0.1:8443`, without a slash at its end.
    Url(String),
    /// A Service in the cluster.
    Service {
        /// The Service's namespace.
        namespace: String,
        /// The Service's name.
        name: String,
        /// The Service's port.
        port: NonZeroU16,
    },
}

/// Holds the inputs of the configurations, beside the table.
#[derive(Clone, Debug)]
pub struct Registration {
    /// The address of partywall.
    pub server: Server,
    /// The PEM that verifies partywall's certificate; without it, the API server uses its trusted roots.
    pub ca_bundle: Option<Vec<u8>>,
    /// The namespaces that are never sent, so that a cluster can start without partywall.
    pub system_namespaces: Vec<String>,
    /// The groups of kinds with hosts that Settings list and the table does not contain.
    pub foreign_groups: Vec<String>,
    /// The groups and resources of further kinds with pod templates that Settings list.
    pub workload_kinds: Vec<(String, String)>,
    /// The entries that may refuse what partywall does not answer.
    pub fails_closed: FailsClosed,
    /// Whether the cluster has partywall's own objects, which are then sent too.
    pub own_objects: bool,
    /// Lists that go stale whenever the policies change; `None` where nobody keeps the configurations up to date.
    pub lists: Option<Lists>,
}

/// Holds what the policies name: less is sent from elsewhere, and everything from namespaces that lack their label.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lists {
    /// The keys of the pools' taints.
    pub pool_keys: Vec<String>,
    /// The namespaces that tenants list, contested ones too; `None` if they are too many.
    pub namespaces: Option<Vec<String>>,
}

impl Lists {
    /// Returns what the policies of a snapshot name.
    pub fn of(snapshot: &Snapshot) -> Self {
        let taints = snapshot.pools().iter().flat_map(|pool| &pool.taints);
        let mut pool_keys: Vec<String> = taints.map(|taint| taint.key.to_string()).collect();
        pool_keys.sort_unstable();
        pool_keys.dedup();
        let namespaces = snapshot.listed_namespaces();
        let length: usize = namespaces.iter().map(|name| name.len() + 3).sum();
        let fits = length <= LONGEST_NAMES;
        let namespaces = fits.then(|| namespaces.into_iter().map(str::to_owned).collect());
        Self { pool_keys, namespaces }
    }
}

/// Says which entries may fail closed: those through which partywall denies anything.
///
/// An outage stops nothing where the enforcement of all who are asked is `Warn` or `Audit`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FailsClosed {
    /// The entries for tenants' namespaces, and for Namespaces themselves.
    pub tenants: bool,
    /// The entry for all other namespaces.
    pub elsewhere: bool,
}

impl FailsClosed {
    /// No entry fails closed.
    pub const NONE: Self = Self { tenants: false, elsewhere: false };
    /// All entries fail closed that protect anything.
    pub const ALL: Self = Self { tenants: true, elsewhere: true };

    /// Returns the entries through which somebody is asked whose enforcement is `Deny`.
    pub fn by(snapshot: &Snapshot) -> Self {
        Self {
            // A labelled namespace without a Tenant is at the value of the Settings.
            tenants: snapshot.strictest_enforcement() == Enforcement::Deny,
            elsewhere: snapshot.strictest_elsewhere() == Enforcement::Deny,
        }
    }

    const fn of(self, entry: Entry) -> bool {
        match entry {
            Entry::ValidateElsewhere => self.elsewhere,
            // What nobody has judged could widen the wall, whatever is enforced now.
            Entry::ValidatePolicies => true,
            Entry::Mutate
            | Entry::Validate
            | Entry::MutateTenants
            | Entry::ValidateTenants
            | Entry::ValidateTemplates
            | Entry::ValidateStatuses
            | Entry::MutateNamespaces
            | Entry::ValidateNamespaces => self.tenants,
        }
    }
}

/// Returns the names of all webhooks that this version of partywall serves.
pub fn names() -> impl Iterator<Item = &'static str> {
    WEBHOOKS.iter().map(|webhook| webhook.name)
}

impl Registration {
    /// Returns what a snapshot demands, without partywall's own objects.
    pub fn of(snapshot: &Snapshot, server: Server, ca_bundle: Option<Vec<u8>>) -> Self {
        Self {
            server,
            ca_bundle,
            system_namespaces: snapshot.system_namespaces().into_iter().map(str::to_owned).collect(),
            foreign_groups: foreign_groups(snapshot),
            fails_closed: FailsClosed::by(snapshot),
            workload_kinds: workload_kinds(snapshot),
            own_objects: false,
            lists: None,
        }
    }

    /// Returns the configuration of the mutating phase.
    pub fn mutating(&self) -> Configuration {
        self.configuration(Phase::Mutate, "MutatingWebhookConfiguration")
    }

    /// Returns the configuration of the validating phase.
    pub fn validating(&self) -> Configuration {
        self.configuration(Phase::Validate, "ValidatingWebhookConfiguration")
    }

    fn configuration(&self, phase: Phase, kind: &'static str) -> Configuration {
        Configuration {
            api_version: "admissionregistration.k8s.io/v1",
            kind,
            metadata: Metadata {
                annotations: Annotations { aks: YES },
                labels: Labels { aks: YES, name: NAME, gardener: YES },
                name: NAME,
            },
            webhooks: Self::in_phase(phase)
                .filter(|webhook| self.own_objects || webhook.entry != Entry::ValidatePolicies)
                .filter(|webhook| self.has(webhook))
                .map(|webhook| self.webhook(webhook))
                .collect(),
        }
    }

    /// Returns whether the configurations have a webhook. The API server refuses an empty list of names.
    fn has(&self, webhook: &Webhook) -> bool {
        let is_registered = match webhook.registered {
            Where::Always => true,
            Where::WithLists => self.listed().is_some(),
            Where::WithoutLists => self.listed().is_none(),
        };
        let is_named = matches!(webhook.namespaces, Namespaces::Listed | Namespaces::ThemselvesNamed);
        is_registered && !(is_named && self.named(webhook).is_empty())
    }

    /// Returns the namespaces that tenants list; `None` if they are in no list.
    fn listed(&self) -> Option<&[String]> {
        self.lists.as_ref().and_then(|lists| lists.namespaces.as_deref())
    }

    /// Returns the names by which a webhook gets objects.
    fn named(&self, webhook: &Webhook) -> Vec<String> {
        let mut names = self.listed().unwrap_or_default().to_vec();
        if webhook.entry == Entry::ValidateNamespaces {
            // Without its own namespace partywall could not be installed again while it is down.
            names.extend(self.system_namespaces.iter().filter(|name| !self.is_own(name)).cloned());
        }
        names
    }

    /// Returns whether a namespace is the one in which partywall runs.
    fn is_own(&self, namespace: &str) -> bool {
        match &self.server {
            Server::Service { namespace: own, .. } => own == namespace,
            // The default of the installation.
            Server::Url(_) => namespace == "partywall-system",
        }
    }

    fn by_name(&self, webhook: &Webhook) -> LabelSelectorRequirement {
        LabelSelectorRequirement { key: NAMESPACE_NAME, operator: "In", values: self.named(webhook) }
    }

    fn in_phase(phase: Phase) -> impl Iterator<Item = &'static Webhook> {
        WEBHOOKS.iter().filter(move |webhook| webhook.entry.phase() == phase)
    }

    fn webhook(&self, webhook: &Webhook) -> WebhookEntry {
        WebhookEntry {
            admission_review_versions: &["v1"],
            client_config: self.client_config(webhook),
            failure_policy: self.failure_policy(webhook).as_str(),
            match_conditions: {
                let keys = self.lists.as_ref().map(|lists| &*lists.pool_keys);
                webhook.conditions.iter().map(|condition| condition.written(keys)).collect()
            },
            match_policy: "Equivalent",
            name: webhook.name,
            namespace_selector: self.namespace_selector(webhook),
            object_selector: None,
            reinvocation_policy: match webhook.entry.phase() {
                // Another webhook may undo the stamp, so the API server calls partywall again after changes.
                Phase::Mutate => Some("IfNeeded"),
                Phase::Validate => None,
            },
            rules: self.rules(webhook),
            side_effects: "None",
            timeout_seconds: TIMEOUT_SECONDS,
        }
    }

    fn failure_policy(&self, webhook: &Webhook) -> FailurePolicy {
        if self.fails_closed.of(webhook.entry) { webhook.failure_policy } else { FailurePolicy::Ignore }
    }

    /// Returns one rule for each set of operations and resources, with all groups that share it.
    fn rules(&self, webhook: &Webhook) -> Vec<Rule> {
        let scope = if webhook.namespaces.is_cluster_scoped() { "Cluster" } else { "Namespaced" };
        let rule = |group: &str, operations, resources| Rule {
            api_groups: vec![group.to_owned()],
            // The fields that rules read are the same in all versions.
            api_versions: &["*"],
            operations,
            resources,
            scope,
        };
        let mut rules: Vec<Rule> = Vec::new();
        for (group, name, operations) in self.resources(webhook) {
            let is_same = |rule: &&mut Rule| rule.api_groups == [group] && rule.operations == operations;
            match rules.iter_mut().find(is_same) {
                Some(rule) => rule.resources.push(name.into_owned()),
                None => rules.push(rule(group, operations, vec![name.into_owned()])),
            }
        }
        let mut merged: Vec<Rule> = Vec::new();
        for rule in rules {
            let is_same =
                |other: &&mut Rule| other.operations == rule.operations && other.resources == rule.resources;
            match merged.iter_mut().find(is_same) {
                Some(other) => other.api_groups.extend(rule.api_groups),
                None => merged.push(rule),
            }
        }
        merged
    }

    /// Returns the groups, resources and operations that a webhook receives.
    fn resources(&self, webhook: &Webhook) -> Vec<(&str, Cow<'_, str>, &'static [&'static str])> {
        let own = webhook.resources().into_iter();
        let mut all: Vec<(&str, Cow<'_, str>, _)> =
            own.map(|own| (own.group, own.name, own.operations)).collect();
        if webhook.name == WORKLOADS {
            all.extend(
                self.workload_kinds.iter().map(|(group, name)| (&**group, name.as_str().into(), WRITE)),
            );
        }
        if webhook.name == ROUTES || webhook.name == LISTED_VALIDATED {
            for api in APIS {
                let of = |group| {
                    let names = api.kinds.resources().into_iter();
                    names.flat_map(move |name| [(group, name.into(), WRITE), status_of(group, name)])
                };
                all.extend(api.groups.iter().flat_map(|group| of(*group)));
            }
            for group in &self.foreign_groups {
                if !all.iter().any(|(other, name, _)| other == group && *name == "*") {
                    all.extend([(&**group, "*".into(), WRITE), status_of(group, "*")]);
                }
            }
        }
        all
    }

    fn client_config(&self, webhook: &Webhook) -> ClientConfig {
        let path = webhook.entry.path();
        let (service, url) = match &self.server {
            Server::Url(url) => (None, Some(format!("{url}{path}"))),
            Server::Service { namespace, name, port } => {
                let service = ServiceReference {
                    name: name.clone(),
                    namespace: namespace.clone(),
                    path,
                    port: port.get(),
                };
                (Some(service), None)
            }
        };
        ClientConfig { ca_bundle: self.ca_bundle.as_ref().map(|pem| STANDARD.encode(pem)), service, url }
    }

    /// Returns the namespaces whose objects a webhook receives.
    ///
    /// The selector excludes system namespaces even if they carry a tenant's label, so that this label cannot stop
    /// the cluster.
    fn namespace_selector(&self, webhook: &Webhook) -> Option<LabelSelector> {
        let tenant = match webhook.namespaces {
            Namespaces::Tenants => Some("Exists"),
            Namespaces::Elsewhere | Namespaces::Listed => Some("DoesNotExist"),
            Namespaces::All => None,
            // For a Namespace the selector would match its new labels, so an update that removes the label would not
            // be sent.
            Namespaces::Themselves => return None,
            // The API server itself sets the label with the name.
            Namespaces::ThemselvesNamed => {
                return Some(LabelSelector { match_expressions: vec![self.by_name(webhook)] });
            }
        };
        let by_label = |operator| LabelSelectorRequirement { key: TENANT, operator, values: Vec::new() };
        let mut requirements: Vec<_> = tenant.map(by_label).into_iter().collect();
        if webhook.namespaces == Namespaces::Listed {
            requirements.push(self.by_name(webhook));
        }
        // The API server refuses an empty list of values.
        if !self.system_namespaces.is_empty() {
            requirements.push(LabelSelectorRequirement {
                key: NAMESPACE_NAME,
                operator: "NotIn",
                values: self.system_namespaces.clone(),
            });
        }
        Some(LabelSelector { match_expressions: requirements })
    }
}

/// Returns the groups of foreign routes in the Settings that the webhooks don't ask for yet.
///
/// The Settings don't name the resource of a kind, so the webhooks ask for all resources of the group.
fn foreign_groups(snapshot: &Snapshot) -> Vec<String> {
    let unasked =
        snapshot.foreign_routes.iter().filter(|route| !foreign_apis::is_sent(&route.group, &route.kind));
    let mut groups: Vec<String> = unasked.map(|route| route.group.to_string()).collect();
    groups.sort_unstable();
    groups.dedup();
    groups
}

/// Returns the groups and resources of the kinds in the Settings whose templates are judged.
fn workload_kinds(snapshot: &Snapshot) -> Vec<(String, String)> {
    let judged = snapshot.workload_kinds.iter().filter(|kind| kind.template.is_some());
    judged.map(|kind| (kind.group.to_string(), kind.resource.to_string())).collect()
}

/// Returns the status of a resource of another API, which can hold addresses.
fn status_of<'g>(group: &'g str, name: &str) -> (&'g str, Cow<'g, str>, &'static [&'static str]) {
    (group, format!("{name}/status").into(), UPDATE)
}

#[cfg(test)]
mod tests;
