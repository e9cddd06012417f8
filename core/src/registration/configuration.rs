//! Declares the webhook configurations of `admissionregistration.k8s.io/v1` as plain data.
//!
//! The types have only the fields that partywall sets, in the order of Kubernetes' reference. Serializing a
//! configuration yields the object that the API server accepts.

use serde::Serialize;

/// Holds a MutatingWebhookConfiguration or a ValidatingWebhookConfiguration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Configuration {
    /// The group and version.
    pub api_version: &'static str,
    /// The kind.
    pub kind: &'static str,
    /// The metadata.
    pub metadata: Metadata,
    /// The webhooks.
    pub webhooks: Vec<WebhookEntry>,
}

/// Holds the metadata of a configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Metadata {
    /// The annotations.
    pub annotations: Annotations,
    /// The labels.
    pub labels: Labels,
    /// The name.
    pub name: &'static str,
}

/// Holds the annotations of a configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Annotations {
    /// `true` keeps AKS from adding namespaces to be left out (`control-plane`, `kubernetes.azure.com/managedby`).
    ///
    /// AKS takes it as a label or as an annotation, and has documented each at times:
    /// <https://learn.microsoft.com/azure/aks/faq>.
    #[serde(rename = "admissions.enforcer/disabled")]
    pub aks: &'static str,
}

/// Holds the labels of a configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Labels {
    /// The same as the annotation.
    #[serde(rename = "admissions.enforcer/disabled")]
    pub aks: &'static str,
    /// The name of the program, which tools look up in this label.
    #[serde(rename = "app.kubernetes.io/name")]
    pub name: &'static str,
    /// `true` keeps Gardener from letting webhooks fail open and from adding namespaces and objects to be left out.
    ///
    /// <https://gardener.cloud/docs/gardener/shoot/shoot_status/>, "HibernationPossible".
    #[serde(rename = "remediation.webhook.shoot.gardener.cloud/exclude")]
    pub gardener: &'static str,
}

/// Holds one webhook of a configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WebhookEntry {
    /// The versions of AdmissionReview that the webhook supports.
    pub(crate) admission_review_versions: &'static [&'static str],
    /// The address of the webhook.
    pub client_config: ClientConfig,
    /// The API server's action when the webhook does not answer.
    pub failure_policy: &'static str,
    /// The conditions that a request must meet to be sent.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub match_conditions: Vec<MatchCondition>,
    /// `Equivalent`: the API server also converts and sends other versions of the resources.
    pub(crate) match_policy: &'static str,
    /// The name.
    pub name: &'static str,
    /// The namespaces whose objects are sent; `None` means all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace_selector: Option<LabelSelector>,
    /// The objects that are sent; `None` means all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) object_selector: Option<LabelSelector>,
    /// The policy on repeated calls after other webhooks change the object; only for mutating webhooks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reinvocation_policy: Option<&'static str>,
    /// The requests that are sent.
    pub rules: Vec<Rule>,
    /// The webhook's effects besides the answer.
    pub(crate) side_effects: &'static str,
    /// The seconds that the API server waits for an answer.
    pub(crate) timeout_seconds: i32,
}

/// Holds the address of a webhook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ClientConfig {
    /// The base64 of the PEM that verifies the webhook's certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_bundle: Option<String>,
    /// The Service of the webhook; either this or `url` is set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<ServiceReference>,
    /// The URL of the webhook; either this or `service` is set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// Refers to a path of a Service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ServiceReference {
    /// The Service's name.
    pub name: String,
    /// The Service's namespace.
    pub namespace: String,
    /// The path.
    pub path: &'static str,
    /// The Service's port.
    pub port: u16,
}

/// Holds a condition in CEL that a request must meet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MatchCondition {
    /// The expression.
    pub expression: String,
    /// The name.
    pub name: String,
}

/// Selects objects by their labels.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LabelSelector {
    /// The requirements, which must all match.
    pub match_expressions: Vec<LabelSelectorRequirement>,
}

/// Holds a requirement on one label.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LabelSelectorRequirement {
    /// The label.
    pub key: &'static str,
    /// `In`, `NotIn`, `Exists` or `DoesNotExist`.
    pub operator: &'static str,
    /// The values, for `In` and `NotIn`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
}

/// Selects operations on resources.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Rule {
    /// The groups of the resources; an empty string means the core group.
    pub api_groups: Vec<String>,
    /// The versions of the resources.
    pub(crate) api_versions: &'static [&'static str],
    /// The operations.
    pub operations: &'static [&'static str],
    /// The resources, and subresources after a slash.
    pub resources: Vec<String>,
    /// `Cluster` or `Namespaced`.
    pub scope: &'static str,
}
