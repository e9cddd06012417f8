//! Whether the API server sends a request at all: a rule that is never asked guards nothing.
//!
//! What is registered is what `partywall manifests webhooks` prints for the suite's policies, read as the API server
//! reads it.

use std::process::Command;
use std::sync::LazyLock;

use partywall_core::Phase;
use partywall_core::labels::{NAMESPACE_NAME, TENANT};
use partywall_core::tenancy::{Owner, Snapshot};
use serde_json::Value;

use crate::repository;

/// The mutating and the validating configuration.
static CONFIGURATIONS: LazyLock<Result<Vec<Value>, String>> = LazyLock::new(|| {
    let mut command = Command::new(env!("CARGO_BIN_EXE_partywall"));
    for flag in ["URL", "SERVICE", "CA_BUNDLE", "POLICIES"] {
        command.env_remove(format!("PARTYWALL_{flag}"));
    }
    let command = command.args(["manifests", "webhooks", "--url", "https://127.0.0.1:8443", "--policies"]);
    let printed =
        command.arg(repository("tests/attacks/policies.yaml")).output().map_err(|e| e.to_string())?;
    if !printed.status.success() {
        return Err(String::from_utf8_lossy(&printed.stderr).into_owned());
    }
    serde_saphyr::from_multiple(&String::from_utf8_lossy(&printed.stdout)).map_err(|e| e.to_string())
});

/// Whether one of the webhooks of a phase is for it.
pub(crate) fn is_sent(phase: Phase, request: &Value, snapshot: &Snapshot) -> Result<bool, String> {
    let kind = match phase {
        Phase::Mutate => "MutatingWebhookConfiguration",
        Phase::Validate => "ValidatingWebhookConfiguration",
    };
    let configurations = CONFIGURATIONS.as_ref().map_err(Clone::clone)?;
    let webhooks =
        configurations.iter().filter(|one| one["kind"] == kind).flat_map(|one| list(&one["webhooks"]));
    let is_for = |webhook: &Value| {
        webhook["matchPolicy"] == "Equivalent"
            && list(&webhook["rules"]).iter().any(|rule| is_of(rule, request))
            && list(&webhook["namespaceSelector"]["matchExpressions"])
                .iter()
                .all(|one| selects(one, request, snapshot))
            && !list(&webhook["matchConditions"]).iter().any(|condition| excludes(condition, request))
    };
    Ok(webhooks.into_iter().any(is_for))
}

fn list(list: &Value) -> &[Value] {
    list.as_array().map_or(&[], Vec::as_slice)
}

fn text(text: &Value) -> &str {
    text.as_str().unwrap_or_default()
}

/// Whether the rule is about the request's resource and operation.
fn is_of(rule: &Value, request: &Value) -> bool {
    let lists = |field: &str, wanted: &str| list(&rule[field]).iter().any(|one| one == wanted || one == "*");
    let resource = text(&request["resource"]["resource"]);
    let group = text(&request["resource"]["group"]);
    let is_resource = match request["subResource"].as_str() {
        None => lists("resources", resource),
        // `*` stands for no subresource.
        Some(sub) => {
            let names =
                [format!("{resource}/{sub}"), format!("{resource}/*"), format!("*/{sub}"), "*/*".to_owned()];
            list(&rule["resources"]).iter().any(|one| names.iter().any(|name| one == name.as_str()))
        }
    };
    let scope = if resource == "namespaces" { "Cluster" } else { "Namespaced" };
    is_resource
        && lists("apiGroups", group)
        && lists("operations", text(&request["operation"]))
        && (rule["scope"] == scope || rule["scope"] == "*")
}

/// Whether the selector is content with the labels of the namespace: its name, and its tenant if it has one.
fn selects(requirement: &Value, request: &Value, snapshot: &Snapshot) -> bool {
    let namespace = text(&request["namespace"]);
    let value = match (text(&requirement["key"]), snapshot.owner(namespace)) {
        (NAMESPACE_NAME, _) => Some(namespace),
        (TENANT, Owner::Tenant(tenant)) => Some(&*tenant.name),
        _ => None,
    };
    let is_listed = value.is_some_and(|value| list(&requirement["values"]).iter().any(|one| one == value));
    match text(&requirement["operator"]) {
        "Exists" => value.is_some(),
        "DoesNotExist" => value.is_none(),
        "In" => is_listed,
        "NotIn" => !is_listed,
        _ => false,
    }
}

/// Returns whether a condition excludes the user: `!(request.userInfo.username in ['a', 'b'])`.
fn excludes(condition: &Value, request: &Value) -> bool {
    let user = format!("'{}'", text(&request["userInfo"]["username"]));
    let expression = text(&condition["expression"]);
    expression.starts_with("!(request.userInfo.username in [") && expression.contains(&user)
}
