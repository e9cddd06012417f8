//! Whether the API server sends a request at all: a rule that is never asked guards nothing.

use k8s_openapi::api::admissionregistration::v1::{RuleWithOperations, ValidatingWebhook};
use partywall::admission::tenancy::{Owner, Snapshot};
use partywall::labels::TENANT;
use partywall::registration::{Registration, Server};
use serde_json::Value;

/// Whether one of the validating webhooks is for it.
pub(crate) fn is_sent(request: &Value, snapshot: &Snapshot) -> bool {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut resource = text(&request["resource"]["resource"]);
    if let Some(subresource) = request["subResource"].as_str() {
        resource = format!("{resource}/{subresource}");
    }
    // What is written in an older group is sent as the group of the rule: `matchPolicy: Equivalent`.
    let group = match (text(&request["resource"]["group"]).as_str(), resource.split('/').next()) {
        ("extensions", Some("ingresses")) => "networking.k8s.io".to_owned(),
        ("extensions", _) => "apps".to_owned(),
        (group, _) => group.to_owned(),
    };
    let operation = text(&request["operation"]);
    let lists = |list: &Option<Vec<String>>, wanted: &str| {
        list.iter().flatten().any(|listed| listed == wanted || listed == "*")
    };
    let is_for = |rule: &RuleWithOperations| {
        lists(&rule.api_groups, &group)
            && lists(&rule.resources, &resource)
            && lists(&rule.operations, &operation)
    };
    let is_tenants = matches!(snapshot.owner(&text(&request["namespace"])), Owner::Tenant(_));
    let configuration = Registration {
        server: Server::Url("https://127.0.0.1:8443".to_owned()),
        ca_bundle: None,
        system_namespaces: Vec::new(),
        match_conditions: true,
    }
    .validating();
    configuration.webhooks.iter().flatten().any(|webhook| {
        selects(webhook, is_tenants)
            && webhook.match_policy.as_deref() == Some("Equivalent")
            && webhook.rules.iter().flatten().any(is_for)
    })
}

/// Whether the webhook is asked about namespaces that are tenants', or are not.
fn selects(webhook: &ValidatingWebhook, is_tenants: bool) -> bool {
    let selector =
        webhook.namespace_selector.iter().flat_map(|selector| selector.match_expressions.iter().flatten());
    let mut of_tenant = selector.filter(|requirement| requirement.key == TENANT);
    of_tenant.all(|requirement| (requirement.operator == "Exists") == is_tenants)
}
