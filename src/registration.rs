//! What the API server is asked to send: one table, and the two webhook configurations that follow from it.
//!
//! What is registered fails closed where tenants are, and nowhere else: a namespace with the label
//! `partywall.dev/tenant` cannot be used past partywall, and the rest of the cluster goes on without it.
//!
//! INVARIANTS: nothing cluster-scoped is asked for but namespaces, and no object's own labels decide whether it is
//! sent: a tenant writes those. A namespace's labels do, so changes of namespaces are sent whatever their labels are.

mod webhooks;

use std::num::NonZeroU16;

use k8s_openapi::ByteString;
use k8s_openapi::api::admissionregistration::v1::{
    MatchCondition, MutatingWebhook, MutatingWebhookConfiguration, RuleWithOperations, ServiceReference,
    ValidatingWebhook, ValidatingWebhookConfiguration, WebhookClientConfig,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, LabelSelectorRequirement, ObjectMeta};

use self::webhooks::{FailurePolicy, Namespaces, ROUTES, WEBHOOKS, WRITE, Webhook};
use crate::admission::Phase;
use crate::admission::rules::FOREIGN_APIS;
use crate::labels::{NAMESPACE_NAME, TENANT};

/// The name of both configurations.
const NAME: &str = "partywall";
/// How long the API server waits for an answer. Mutating webhooks wait for each other, so every second counts.
const TIMEOUT_SECONDS: i32 = 3;

/// Where the API server finds partywall.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Server {
    /// At an address, such as `https://127.0.0.1:8443`; without a slash at its end.
    Url(String),
    /// Behind a Service.
    Service {
        /// The Service's namespace.
        namespace: String,
        /// The Service's name.
        name: String,
        /// The Service's port.
        port: NonZeroU16,
    },
}

/// What the configurations depend on, beside the table.
#[derive(Clone, Debug)]
pub struct Registration {
    /// Where partywall is.
    pub server: Server,
    /// The PEM that vouches for its certificate; without it, the API server's own trusted roots do.
    pub ca_bundle: Option<Vec<u8>>,
    /// The namespaces that are never sent, so that a cluster can start while partywall does not.
    pub system_namespaces: Vec<String>,
    /// Whether the API server knows `matchConditions` (since 1.28). One that does not would drop them without
    /// a word, and with them the exception for the scheduler.
    pub match_conditions: bool,
    /// The groups of kinds that Settings list as bearing hosts, and that the table does not have.
    pub foreign_groups: Vec<String>,
}

impl Registration {
    /// The configuration of the mutating phase.
    pub fn mutating(&self) -> MutatingWebhookConfiguration {
        let webhooks =
            self.of(Phase::Mutate).map(|webhook| self.webhook(webhook)).map(|webhook| MutatingWebhook {
                admission_review_versions: webhook.admission_review_versions,
                client_config: webhook.client_config,
                failure_policy: webhook.failure_policy,
                match_conditions: webhook.match_conditions,
                match_policy: webhook.match_policy,
                name: webhook.name,
                namespace_selector: webhook.namespace_selector,
                object_selector: webhook.object_selector,
                // Another webhook may undo the stamp after it was made; once more it is asked for.
                reinvocation_policy: Some("IfNeeded".to_owned()),
                rules: webhook.rules,
                side_effects: webhook.side_effects,
                timeout_seconds: webhook.timeout_seconds,
            });
        MutatingWebhookConfiguration { metadata: metadata(), webhooks: Some(webhooks.collect()) }
    }

    /// The configuration of the validating phase.
    pub fn validating(&self) -> ValidatingWebhookConfiguration {
        let webhooks = self.of(Phase::Validate).map(|webhook| self.webhook(webhook));
        ValidatingWebhookConfiguration { metadata: metadata(), webhooks: Some(webhooks.collect()) }
    }

    fn of(&self, phase: Phase) -> impl Iterator<Item = &'static Webhook> {
        let has_conditions = self.match_conditions;
        WEBHOOKS
            .iter()
            .filter(move |webhook| webhook.phase == phase && (has_conditions || !webhook.needs_conditions))
    }

    /// All that the webhooks of both phases have in common.
    fn webhook(&self, webhook: &Webhook) -> ValidatingWebhook {
        ValidatingWebhook {
            admission_review_versions: vec!["v1".to_owned()],
            client_config: self.client_config(webhook),
            failure_policy: Some(self.failure_policy(webhook).to_owned()),
            match_conditions: self.match_conditions(webhook),
            match_policy: Some("Equivalent".to_owned()),
            name: webhook.name.to_owned(),
            namespace_selector: self.namespace_selector(webhook),
            object_selector: None,
            rules: Some(self.rules(webhook)),
            side_effects: "None".to_owned(),
            timeout_seconds: Some(TIMEOUT_SECONDS),
        }
    }

    /// One rule for all resources of the same group and operations, and for all groups of which the same is sent.
    fn rules(&self, webhook: &Webhook) -> Vec<RuleWithOperations> {
        let scope = match webhook.namespaces {
            Namespaces::Tenants | Namespaces::Elsewhere => "Namespaced",
            Namespaces::Themselves => "Cluster",
        };
        let mut rules: Vec<(Vec<&str>, &[&str], Vec<&str>)> = Vec::new();
        for (group, name, operations) in self.resources(webhook) {
            match rules.iter_mut().find(|(groups, same, _)| *groups == [group] && *same == operations) {
                Some((.., resources)) => resources.push(name),
                None => rules.push((vec![group], operations, vec![name])),
            }
        }
        let mut merged: Vec<(Vec<&str>, &[&str], Vec<&str>)> = Vec::new();
        for (groups, operations, resources) in rules {
            match merged.iter_mut().find(|(_, same, names)| *same == operations && *names == resources) {
                Some((all, ..)) => all.extend(groups),
                None => merged.push((groups, operations, resources)),
            }
        }
        let owned = |names: &[&str]| Some(names.iter().map(|&name| name.to_owned()).collect());
        let rule = |(groups, operations, resources): (Vec<&str>, &[&str], Vec<&str>)| RuleWithOperations {
            api_groups: owned(&groups),
            // What is read is the same in all of them.
            api_versions: owned(&["*"]),
            operations: owned(operations),
            resources: owned(&resources),
            scope: Some(scope.to_owned()),
        };
        merged.into_iter().map(rule).collect()
    }

    /// What a webhook is sent: groups, resources and operations.
    fn resources<'r>(&'r self, webhook: &'r Webhook) -> Vec<(&'r str, &'r str, &'r [&'r str])> {
        let mut all: Vec<(&str, &str, &[&str])> =
            webhook.resources.iter().map(|own| (own.group, own.name, own.operations)).collect();
        if webhook.name == ROUTES {
            for api in FOREIGN_APIS {
                let of = |group| api.kinds.resources().into_iter().map(move |name| (group, name, WRITE));
                all.extend(api.groups.iter().flat_map(|group| of(*group)));
            }
            for group in &self.foreign_groups {
                if !all.iter().any(|(other, name, _)| other == group && *name == "*") {
                    all.push((group, "*", WRITE));
                }
            }
        }
        all
    }

    fn client_config(&self, webhook: &Webhook) -> WebhookClientConfig {
        let path = match webhook.phase {
            Phase::Mutate => "/mutate",
            Phase::Validate => "/validate",
        };
        let (service, url) = match &self.server {
            Server::Url(url) => (None, Some(format!("{url}{path}"))),
            Server::Service { namespace, name, port } => {
                let service = ServiceReference {
                    name: name.clone(),
                    namespace: namespace.clone(),
                    path: Some(path.to_owned()),
                    port: Some(port.get().into()),
                };
                (Some(service), None)
            }
        };
        WebhookClientConfig { ca_bundle: self.ca_bundle.clone().map(ByteString), service, url }
    }

    /// Where those who are spared cannot be told apart by a condition, their work goes on when no answer comes, and
    /// others' with it: no `edit` role may bind, a pod that somebody else binds is stamped, which kubelet looks at
    /// once more, addresses must follow the pods that come and go, and no `edit` role may change namespaces.
    fn failure_policy(&self, webhook: &Webhook) -> &'static str {
        match webhook.failure_policy {
            FailurePolicy::Fail if webhook.spares.is_empty() || self.match_conditions => "Fail",
            FailurePolicy::Fail | FailurePolicy::Ignore => "Ignore",
        }
    }

    fn match_conditions(&self, webhook: &Webhook) -> Option<Vec<MatchCondition>> {
        let mut conditions = Vec::new();
        if !webhook.spares.is_empty() {
            let spared: Vec<String> = webhook.spares.iter().map(|user| format!("'{user}'")).collect();
            conditions.push(MatchCondition {
                name: "not-the-clusters-own".to_owned(),
                expression: format!("!(request.userInfo.username in [{}])", spared.join(", ")),
            });
        }
        if let Some(group) = webhook.spares_group {
            conditions.push(MatchCondition {
                name: format!("not-of-{}", group.replace(':', "-")),
                // A request without groups has no such field.
                expression: format!(
                    "!has(request.userInfo.groups) || !('{group}' in request.userInfo.groups)"
                ),
            });
        }
        (self.match_conditions && !conditions.is_empty()).then_some(conditions)
    }

    /// Whoever labels a system namespace as a tenant's must not stop the cluster by it.
    fn namespace_selector(&self, webhook: &Webhook) -> Option<LabelSelector> {
        let tenant = match webhook.namespaces {
            Namespaces::Tenants => "Exists",
            Namespaces::Elsewhere => "DoesNotExist",
            // For a namespace it would look at the labels as they will be: whoever takes the label away would not
            // be asked about.
            Namespaces::Themselves => return None,
        };
        let mut requirements = vec![LabelSelectorRequirement {
            key: TENANT.to_owned(),
            operator: tenant.to_owned(),
            values: None,
        }];
        // The API server refuses an empty list.
        if !self.system_namespaces.is_empty() {
            requirements.push(LabelSelectorRequirement {
                key: NAMESPACE_NAME.to_owned(),
                operator: "NotIn".to_owned(),
                values: Some(self.system_namespaces.clone()),
            });
        }
        Some(LabelSelector { match_expressions: Some(requirements), match_labels: None })
    }
}

fn metadata() -> ObjectMeta {
    ObjectMeta {
        name: Some(NAME.to_owned()),
        labels: Some([("app.kubernetes.io/name".to_owned(), NAME.to_owned())].into()),
        ..ObjectMeta::default()
    }
}

#[cfg(test)]
mod tests;
