//! Changes pods as the API server and the DaemonSet controller do around the webhooks.

use super::kube::{Labels, NODE_NAME, Node, Pod, Requirement, Term, Toleration};

/// The nodeSelector and tolerations that a RuntimeClass adds to its pods.
#[derive(Clone, Debug)]
pub(crate) struct RuntimeClass {
    pub(crate) name: &'static str,
    pub(crate) node_selector: Labels,
    pub(crate) tolerations: Vec<Toleration>,
}

/// Why the API server refuses what it is asked.
pub(crate) type Refused = &'static str;

fn exists(key: &str, effect: &str) -> Toleration {
    let (key, effect) = (key.to_owned(), effect.to_owned());
    Toleration { key, operator: "Exists".to_owned(), effect, ..Toleration::default() }
}

/// Every pod that does not say otherwise leaves a node that is gone after five minutes.
pub(crate) fn default_toleration_seconds(pod: &mut Pod) {
    for key in ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"] {
        let is_about = |toleration: &Toleration| {
            (toleration.key == key || toleration.key.is_empty())
                && (toleration.effect.is_empty() || toleration.effect == "NoExecute")
        };
        if !pod.tolerations.iter().any(is_about) {
            pod.tolerations.push(Toleration { toleration_seconds: Some(300), ..exists(key, "NoExecute") });
        }
    }
}

/// Merges what the pod's RuntimeClass brings; a class that nobody has made is refused.
pub(crate) fn merge_runtime_class(pod: &mut Pod, classes: &[RuntimeClass]) -> Result<(), Refused> {
    if pod.runtime_class_name.is_empty() {
        return Ok(());
    }
    let class = classes.iter().find(|class| class.name == pod.runtime_class_name);
    let class = class.ok_or("there is no such RuntimeClass")?;
    for (key, value) in &class.node_selector {
        if pod.node_selector.insert(key.clone(), value.clone()).is_some_and(|other| other != *value) {
            return Err("the RuntimeClass contradicts the nodeSelector");
        }
    }
    let all: Vec<_> = pod.tolerations.iter().chain(&class.tolerations).cloned().collect();
    // Of two of which one covers the other the wider stays, of equals the first.
    let mut kept: Vec<Toleration> = Vec::new();
    for (index, toleration) in all.iter().enumerate() {
        let by_kept = kept.iter().any(|wide| covers(wide, toleration));
        let by_later = all[index + 1..].iter().any(|wide| wide != toleration && covers(wide, toleration));
        if !by_kept && !by_later {
            kept.push(toleration.clone());
        }
    }
    pod.tolerations = kept;
    Ok(())
}

/// Returns whether that merge drops `narrow` because of `wide`.
fn covers(wide: &Toleration, narrow: &Toleration) -> bool {
    let by_key = wide.key == narrow.key || (wide.key.is_empty() && wide.operator == "Exists");
    let by_effect = wide.effect.is_empty() || wide.effect == narrow.effect;
    let by_time = wide.effect != "NoExecute"
        || wide
            .toleration_seconds
            .is_none_or(|most| narrow.toleration_seconds.is_some_and(|asked| asked <= most));
    let by_value = match &*wide.operator {
        "Exists" => true,
        "" | "Equal" => narrow.operator == "Equal" && narrow.value == wide.value,
        _ => false,
    };
    wide == narrow || (by_key && by_effect && by_time && by_value)
}

/// Checks that the API server stores the pod. `compares`: the cluster knows the operators `Gt` and `Lt`.
pub(crate) fn validate(pod: &Pod, compares: bool) -> Result<(), Refused> {
    if !pod.node_name.is_empty() && !pod.scheduling_gates.is_empty() {
        return Err("a gated pod has no node");
    }
    if pod.terms().is_some_and(<[_]>::is_empty) {
        return Err("a required node affinity needs a term");
    }
    let preferred = pod.preferred().iter().map(|preferred| &preferred.preference);
    for term in pod.terms().unwrap_or_default().iter().chain(preferred) {
        term.match_expressions.iter().try_for_each(validate_expression)?;
        term.match_fields.iter().try_for_each(validate_field)?;
    }
    pod.tolerations.iter().try_for_each(|toleration| validate_toleration(toleration, compares))
}

fn validate_expression(requirement: &Requirement) -> Result<(), Refused> {
    match (&*requirement.operator, requirement.values.len()) {
        ("In" | "NotIn", 1..) | ("Exists" | "DoesNotExist", 0) | ("Gt" | "Lt", 1) => Ok(()),
        _ => Err("operator and values don't go together"),
    }
}

fn validate_field(requirement: &Requirement) -> Result<(), Refused> {
    match (&*requirement.key, &*requirement.operator, requirement.values.len()) {
        (NODE_NAME, "In" | "NotIn", 1) => Ok(()),
        _ => Err("a field is a node's one name"),
    }
}

fn validate_toleration(toleration: &Toleration, compares: bool) -> Result<(), Refused> {
    let Toleration { key, operator, value, effect, toleration_seconds } = toleration;
    if key.is_empty() && operator != "Exists" {
        return Err("a toleration without a key tolerates whatever exists");
    }
    if toleration_seconds.is_some() && effect != "NoExecute" {
        return Err("only what is about NoExecute ends");
    }
    match &**operator {
        "" | "Equal" => Ok(()),
        "Exists" if value.is_empty() => Ok(()),
        "Gt" | "Lt" if compares && value.parse::<i64>().is_ok() => Ok(()),
        _ => Err("operator and value of a toleration don't go together"),
    }
}

/// Checks that the API server takes the update: tolerations may be added and timed, and a gated pod's node affinity
/// may be narrowed.
pub(crate) fn validate_update(old: &Pod, new: &Pod, compares: bool) -> Result<(), Refused> {
    validate(new, compares)?;
    let untimed = |toleration: &Toleration| Toleration { toleration_seconds: None, ..toleration.clone() };
    let stays = |toleration| new.tolerations.iter().any(|new| untimed(new) == untimed(toleration));
    if !old.tolerations.iter().all(stays) {
        return Err("tolerations stay");
    }
    if !new.scheduling_gates.iter().all(|gate| old.scheduling_gates.contains(gate)) {
        return Err("gates only go");
    }
    if new.node_name != old.node_name || new.runtime_class_name != old.runtime_class_name {
        return Err("what it is stays");
    }
    if new.keeps_off() != old.keeps_off() || new.containers != old.containers {
        return Err("whom it keeps off stays, and what runs in it");
    }
    if old.scheduling_gates.is_empty() {
        return if new.node_selector == old.node_selector && new.affinity == old.affinity {
            Ok(())
        } else {
            Err("where it goes stays, once the gates are gone")
        };
    }
    if !old.node_selector.iter().all(|(key, value)| new.node_selector.get(key) == Some(value)) {
        return Err("labels of the nodeSelector stay");
    }
    match (old.terms(), new.terms()) {
        (None, _) => Ok(()),
        (Some(_), None) => Err("a required node affinity stays"),
        (Some(old), Some(new)) => {
            let narrows = |(old, new): (&Term, &Term)| {
                let adds = |old: &[Requirement], new: &[Requirement]| new.starts_with(old);
                if old.is_empty() {
                    new.is_empty()
                } else {
                    adds(&old.match_expressions, &new.match_expressions)
                        && adds(&old.match_fields, &new.match_fields)
                }
            };
            let same = old.len() == new.len() && old.iter().zip(new).all(narrows);
            if same { Ok(()) } else { Err("terms are only narrowed") }
        }
    }
}

/// Returns whether the DaemonSet controller makes a pod for this node.
pub(crate) fn wants_daemon(template: &Pod, node: &Node) -> bool {
    let mut pod = template.clone();
    tolerate_as_daemon(&mut pod);
    pod.could_run_on(node)
}

/// The pod that the DaemonSet controller makes for this node: the required terms are replaced by its own.
pub(crate) fn daemon_pod(template: &Pod, node: &Node) -> Pod {
    let mut pod = template.clone();
    let name = Requirement::new(NODE_NAME, "In", &[&node.name]);
    pod.set_terms(vec![Term { match_fields: vec![name], ..Term::default() }]);
    tolerate_as_daemon(&mut pod);
    pod
}

fn tolerate_as_daemon(pod: &mut Pod) {
    let about = |name: &str, effect| exists(&format!("node.kubernetes.io/{name}"), effect);
    for added in [
        about("not-ready", "NoExecute"),
        about("unreachable", "NoExecute"),
        about("disk-pressure", "NoSchedule"),
        about("memory-pressure", "NoSchedule"),
        about("pid-pressure", "NoSchedule"),
        about("unschedulable", "NoSchedule"),
    ] {
        if !pod.tolerations.contains(&added) {
            pod.tolerations.push(added);
        }
    }
}
