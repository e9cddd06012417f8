//! Tests that the API server sends each request, since partywall judges only what it sends.
//!
//! The configurations are those that `partywall manifests webhooks` prints for the suite's policies. They are read as
//! the API server reads them.

use std::process::Command;
use std::sync::LazyLock;

use cel::{Context, Program};
use partywall_core::labels::{NAMESPACE_NAME, TENANT};
use partywall_core::tenancy::{Owner, Snapshot};
use partywall_core::{Entry, Phase};
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

/// Returns the entries of a phase to which the API server sends a request.
pub(crate) fn entries(phase: Phase, request: &Value, snapshot: &Snapshot) -> Result<Vec<Entry>, String> {
    let kind = match phase {
        Phase::Mutate => "MutatingWebhookConfiguration",
        Phase::Validate => "ValidatingWebhookConfiguration",
    };
    let configurations = CONFIGURATIONS.as_ref().map_err(Clone::clone)?;
    let webhooks =
        configurations.iter().filter(|one| one["kind"] == kind).flat_map(|one| list(&one["webhooks"]));
    let mut entries = Vec::new();
    for webhook in webhooks {
        let is_for = webhook["matchPolicy"] == "Equivalent"
            && list(&webhook["rules"]).iter().any(|rule| is_of(rule, request))
            && list(&webhook["namespaceSelector"]["matchExpressions"])
                .iter()
                .all(|one| selects(one, request, snapshot));
        if is_for && meets(list(&webhook["matchConditions"]), request)? {
            let path = text(&webhook["clientConfig"]["url"]).strip_prefix("https://127.0.0.1:8443");
            let entry = Entry::ALL.into_iter().find(|entry| Some(entry.path()) == path);
            entries.push(entry.ok_or_else(|| format!("{path:?} is no entry"))?);
        }
    }
    Ok(entries)
}

/// Returns whether a request meets all conditions of a webhook, as the API server evaluates them.
///
/// A condition that fails counts as met: the API server then refuses the request, since the webhook fails closed.
fn meets(conditions: &[Value], request: &Value) -> Result<bool, String> {
    let mut context = Context::default();
    let variables =
        [("request", request), ("object", &request["object"]), ("oldObject", &request["oldObject"])];
    for (name, value) in variables {
        context.add_variable(name, value).map_err(|error| error.to_string())?;
    }
    for condition in conditions {
        let expression = text(&condition["expression"]);
        let program = Program::compile(expression).map_err(|error| format!("{expression}: {error}"))?;
        match program.execute(&context) {
            Ok(cel::Value::Bool(false)) => return Ok(false),
            Ok(cel::Value::Bool(true)) | Err(_) => {}
            Ok(other) => return Err(format!("{expression}: {other:?}")),
        }
    }
    Ok(true)
}

fn list(list: &Value) -> &[Value] {
    list.as_array().map_or(&[], Vec::as_slice)
}

fn text(text: &Value) -> &str {
    text.as_str().unwrap_or_default()
}

/// Returns whether the rule covers the request's resource and operation.
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

/// Returns whether the selector matches the labels of the namespace: its name, and its tenant if it has one.
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
