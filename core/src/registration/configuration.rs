//! The webhook configurations of `admissionregistration.k8s.io/v1` as plain data, as the API server reads them.
//!
//! Only the fields that partywall sets are here, in the order of Kubernetes' own reference. Serializing one of these
//! gives the object.

use serde::Serialize;

/// A MutatingWebhookConfiguration or a ValidatingWebhookConfiguration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Configuration {
    /// The group and version.
    pub api_version: &'static str,
    /// Which of the two it is.
    pub kind: &'static str,
    /// Its metadata.
    pub metadata: Metadata,
    /// Its webhooks.
    pub webhooks: Vec<WebhookEntry>,
}

/// The metadata of a configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Metadata {
    /// Its labels.
    pub labels: Labels,
    /// Its name.
    pub name: &'static str,
}

/// The labels of a configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Labels {
    /// The name of the program, where tools look for it.
    #[serde(rename = "app.kubernetes.io/name")]
    pub name: &'static str,
}

/// One webhook of a configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WebhookEntry {
    /// The versions of AdmissionReview that it understands.
    pub admission_review_versions: &'static [&'static str],
    /// Where it is.
    pub client_config: ClientConfig,
    /// What happens to a request when no answer comes.
    pub failure_policy: &'static str,
    /// What must hold of a request for it to be sent.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub match_conditions: Vec<MatchCondition>,
    /// Whether other versions of the resources are converted and sent as well.
    pub match_policy: &'static str,
    /// Its name.
    pub name: &'static str,
    /// The namespaces whose objects are sent; `None`: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace_selector: Option<LabelSelector>,
    /// The objects that are sent; `None`: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object_selector: Option<LabelSelector>,
    /// Whether it is asked once more after others changed the object; only of mutating webhooks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reinvocation_policy: Option<&'static str>,
    /// What is sent.
    pub rules: Vec<Rule>,
    /// What it changes besides the object.
    pub side_effects: &'static str,
    /// How long the API server waits for an answer.
    pub timeout_seconds: i32,
}

/// Where the API server finds a webhook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ClientConfig {
    /// The base64 of the PEM that vouches for its certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_bundle: Option<String>,
    /// The Service before it; this or `url`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<ServiceReference>,
    /// Its address; this or `service`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// A Service, and the path behind it.
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

/// A condition in CEL that a request must meet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MatchCondition {
    /// The expression.
    pub expression: String,
    /// Its name.
    pub name: String,
}

/// Which objects carry the labels that are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LabelSelector {
    /// What is asked for; all of it must hold.
    pub match_expressions: Vec<LabelSelectorRequirement>,
}

/// What one label must be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LabelSelectorRequirement {
    /// The label.
    pub key: &'static str,
    /// `In`, `NotIn`, `Exists` or `DoesNotExist`.
    pub operator: &'static str,
    /// The values, for the first two.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
}

/// Operations on resources.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Rule {
    /// The groups of the resources; an empty string is the core group.
    pub api_groups: Vec<String>,
    /// Their versions.
    pub api_versions: &'static [&'static str],
    /// The operations.
    pub operations: &'static [&'static str],
    /// The resources, and subresources after a slash.
    pub resources: Vec<String>,
    /// `Cluster` or `Namespaced`.
    pub scope: &'static str,
}
