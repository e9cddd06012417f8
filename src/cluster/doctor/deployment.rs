//! Reads the Deployment of the replicas.

use serde_json::Value;

/// Returns how many replicas it wants.
pub(super) fn wanted(deployment: &Value) -> Option<usize> {
    deployment
        .pointer("/spec/replicas")
        .and_then(Value::as_u64)
        .and_then(|wanted| usize::try_from(wanted).ok())
}

/// Returns the arguments of its containers, and the names of their variables.
pub(super) fn words(deployment: &Value) -> Vec<&str> {
    let containers = deployment.pointer("/spec/template/spec/containers").and_then(Value::as_array);
    let lists = containers.into_iter().flatten().flat_map(|container| {
        ["command", "args", "env"].into_iter().filter_map(|key| container.get(key).and_then(Value::as_array))
    });
    lists.flatten().filter_map(|item| item.as_str().or_else(|| item.get("name")?.as_str())).collect()
}
