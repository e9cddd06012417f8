//! Which nodes a pod may be put on by their labels, as the scheduler decides it, as plainly as it can be written.

use std::collections::HashMap;

use serde_json::Value;

/// The labels of a node.
pub type Labels<'n> = HashMap<&'n str, &'n str>;

/// The name of every node.
const NAME: &str = "node-1";

/// Whether a node with these labels is one that the pod spec asks for.
pub fn fits(spec: &Value, node: &Labels<'_>) -> bool {
    let selector = spec["nodeSelector"].as_object().into_iter().flatten();
    let selected = selector.into_iter().all(|(key, value)| node.get(key.as_str()).copied() == value.as_str());
    let required = &spec["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"];
    selected
        && (required.is_null() || list(&required["nodeSelectorTerms"]).iter().any(|term| matches(term, node)))
}

/// Terms are alternatives; what a term demands is all demanded, and one that demands nothing matches nothing.
fn matches(term: &Value, node: &Labels<'_>) -> bool {
    let (expressions, fields) = (list(&term["matchExpressions"]), list(&term["matchFields"]));
    let label = |requirement: &Value| node.get(requirement["key"].as_str().unwrap_or_default()).copied();
    let field = |requirement: &Value| (requirement["key"] == "metadata.name").then_some(NAME);
    !(expressions.is_empty() && fields.is_empty())
        && expressions.iter().all(|requirement| holds(requirement, label(requirement)))
        && fields.iter().all(|requirement| holds(requirement, field(requirement)))
}

fn holds(requirement: &Value, found: Option<&str>) -> bool {
    let values = list(&requirement["values"]);
    let is_one_of_them = found.is_some_and(|found| values.iter().any(|value| value == found));
    let than = |compare: fn(&i64, &i64) -> bool| {
        let number = |text: Option<&str>| text.and_then(|text| text.parse::<i64>().ok());
        let pair = number(found).zip(values.first().and_then(|value| number(value.as_str())));
        pair.is_some_and(|(found, value)| compare(&found, &value))
    };
    match requirement["operator"].as_str().unwrap_or_default() {
        "In" => is_one_of_them,
        "NotIn" => !is_one_of_them,
        "Exists" => found.is_some(),
        "DoesNotExist" => found.is_none(),
        "Gt" => than(i64::gt),
        "Lt" => than(i64::lt),
        // The API server refuses the pod.
        _ => false,
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}
