//! A pod as it is stored, and where the scheduler and a kubelet let it run.
//!
//! Written from what Kubernetes documents and does, and from nothing of partywall. Reading a pod and writing it
//! again is what the API server does between two webhooks: what is empty is left out, but for the list of terms,
//! which is written as null. A field that is not known here fails the test.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// Labels by key.
pub(crate) type Labels = BTreeMap<String, String>;

/// The one field that a term's `matchFields` may name.
pub(crate) const NODE_NAME: &str = "metadata.name";
/// The effects that keep a pod off a node; `PreferNoSchedule` does not.
pub(crate) const HARD: [&str; 2] = ["NoSchedule", "NoExecute"];

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Pod {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) node_name: String,
    #[serde(skip_serializing_if = "Labels::is_empty")]
    pub(crate) node_selector: Labels,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) affinity: Option<Affinity>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) tolerations: Vec<Toleration>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) scheduling_gates: Vec<Gate>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) runtime_class_name: String,
    pub(crate) containers: Vec<Container>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Affinity {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) node_affinity: Option<NodeAffinity>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) pod_anti_affinity: Option<PodAntiAffinity>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct PodAntiAffinity {
    #[serde(
        rename = "requiredDuringSchedulingIgnoredDuringExecution",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub(crate) required: Vec<PodTerm>,
}

/// Keeps pods of some namespaces off the topology of the pod, whatever their labels.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct PodTerm {
    pub(crate) topology_key: String,
    pub(crate) label_selector: Option<Selector>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) namespaces: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) namespace_selector: Option<Selector>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Selector {
    #[serde(skip_serializing_if = "Labels::is_empty")]
    pub(crate) match_labels: Labels,
}

impl PodTerm {
    /// Returns whether the term is about the pods of a namespace with these labels.
    pub(crate) fn is_about(&self, namespace: &str, labels: &Labels, own: &str) -> bool {
        let selects = |selector: &Selector| {
            selector.match_labels.iter().all(|(key, value)| labels.get(key) == Some(value))
        };
        match &self.namespace_selector {
            None if self.namespaces.is_empty() => namespace == own,
            selector => {
                self.namespaces.iter().any(|listed| listed == namespace)
                    || selector.as_ref().is_some_and(selects)
            }
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct NodeAffinity {
    #[serde(
        rename = "requiredDuringSchedulingIgnoredDuringExecution",
        skip_serializing_if = "Option::is_none"
    )]
    pub(crate) required: Option<NodeSelector>,
    #[serde(
        rename = "preferredDuringSchedulingIgnoredDuringExecution",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub(crate) preferred: Vec<Preferred>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct NodeSelector {
    /// None is null.
    pub(crate) node_selector_terms: Option<Vec<Term>>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Preferred {
    pub(crate) weight: u8,
    pub(crate) preference: Term,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Term {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) match_expressions: Vec<Requirement>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) match_fields: Vec<Requirement>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Requirement {
    pub(crate) key: String,
    pub(crate) operator: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) values: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Toleration {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) key: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) operator: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) value: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) effect: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) toleration_seconds: Option<i64>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Gate {
    pub(crate) name: String,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Container {
    pub(crate) name: String,
    pub(crate) image: String,
    #[serde(default, skip_serializing_if = "Resources::is_empty")]
    pub(crate) resources: Resources,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Resources {
    pub(crate) limits: Labels,
}

impl Resources {
    fn is_empty(&self) -> bool {
        self.limits.is_empty()
    }
}

/// A taint as a node carries it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Taint {
    pub(crate) key: String,
    pub(crate) value: String,
    pub(crate) effect: &'static str,
}

#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) name: String,
    pub(crate) labels: Labels,
    pub(crate) taints: Vec<Taint>,
}

impl Requirement {
    pub(crate) fn new(key: &str, operator: &str, values: &[&str]) -> Self {
        let values = values.iter().map(|&value| value.to_owned()).collect();
        Self { key: key.to_owned(), operator: operator.to_owned(), values }
    }

    /// Returns whether the requirement holds for the value of its key.
    pub(crate) fn holds_of(&self, there: Option<&str>) -> bool {
        let is_listed = |value| self.values.iter().any(|listed| listed == value);
        // What is no number is compared with nothing.
        let numbers = || Some((there?.parse::<i64>().ok()?, self.values.first()?.parse::<i64>().ok()?));
        match &*self.operator {
            "In" => there.is_some_and(is_listed),
            "NotIn" => !there.is_some_and(is_listed),
            "Exists" => there.is_some(),
            "DoesNotExist" => there.is_none(),
            "Gt" => numbers().is_some_and(|(there, bound)| there > bound),
            "Lt" => numbers().is_some_and(|(there, bound)| there < bound),
            _ => false,
        }
    }
}

impl Term {
    pub(crate) fn is_empty(&self) -> bool {
        self.match_expressions.is_empty() && self.match_fields.is_empty()
    }

    /// All its expressions and all its fields; if it has neither, no node.
    fn matches(&self, node: &Node) -> bool {
        let by_label = |r: &Requirement| r.holds_of(node.labels.get(&r.key).map(String::as_str));
        let by_field = |r: &Requirement| r.key == NODE_NAME && r.holds_of(Some(&node.name));
        !self.is_empty()
            && self.match_expressions.iter().all(by_label)
            && self.match_fields.iter().all(by_field)
    }
}

impl Toleration {
    pub(crate) fn tolerates(&self, key: &str, value: &str, effect: &str) -> bool {
        let numbers = || Some((value.parse::<i64>().ok()?, self.value.parse::<i64>().ok()?));
        let by_value = match &*self.operator {
            "" | "Equal" => self.value == value,
            "Exists" => true,
            "Gt" => numbers().is_some_and(|(taint, bound)| taint > bound),
            "Lt" => numbers().is_some_and(|(taint, bound)| taint < bound),
            _ => false,
        };
        by_value
            && (self.key.is_empty() || self.key == key)
            && (self.effect.is_empty() || self.effect == effect)
    }
}

impl fmt::Display for Pod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string(self).map_err(|_| fmt::Error)?)
    }
}

impl Pod {
    /// The terms of the required node affinity, if there is one; they may be none.
    pub(crate) fn terms(&self) -> Option<&[Term]> {
        let required = self.affinity.as_ref()?.node_affinity.as_ref()?.required.as_ref()?;
        Some(required.node_selector_terms.as_deref().unwrap_or_default())
    }

    /// The same, to be written to.
    pub(crate) fn terms_mut(&mut self) -> Option<&mut Vec<Term>> {
        self.affinity.as_mut()?.node_affinity.as_mut()?.required.as_mut()?.node_selector_terms.as_mut()
    }

    pub(crate) fn set_terms(&mut self, terms: Vec<Term>) {
        let node_affinity = self.affinity.get_or_insert_default().node_affinity.get_or_insert_default();
        node_affinity.required = Some(NodeSelector { node_selector_terms: Some(terms) });
    }

    /// The terms of the required anti-affinity.
    pub(crate) fn keeps_off(&self) -> &[PodTerm] {
        let anti = self.affinity.as_ref().and_then(|affinity| affinity.pod_anti_affinity.as_ref());
        anti.map(|anti| &*anti.required).unwrap_or_default()
    }

    /// Returns whether a container requests some of the resource.
    pub(crate) fn requests(&self, resource: &str) -> bool {
        self.containers.iter().any(|container| container.resources.limits.contains_key(resource))
    }

    pub(crate) fn preferred(&self) -> &[Preferred] {
        let node_affinity = self.affinity.as_ref().and_then(|affinity| affinity.node_affinity.as_ref());
        node_affinity.map(|affinity| &*affinity.preferred).unwrap_or_default()
    }

    pub(crate) fn tolerates(&self, key: &str, value: &str, effect: &str) -> bool {
        self.tolerations.iter().any(|toleration| toleration.tolerates(key, value, effect))
    }

    /// Returns whether nodeSelector and required affinity let it run there; the scheduler and every kubelet ask this
    /// again.
    pub(crate) fn selects(&self, node: &Node) -> bool {
        self.node_selector.iter().all(|(key, value)| node.labels.get(key) == Some(value))
            && self.terms().is_none_or(|terms| terms.iter().any(|term| term.matches(node)))
    }

    /// Returns whether it tolerates the node's taints, as the scheduler sees them.
    pub(crate) fn passes_taints(&self, node: &Node) -> bool {
        let is_hard = |taint: &&Taint| HARD.contains(&taint.effect);
        let mut hard = node.taints.iter().filter(is_hard);
        hard.all(|taint| self.tolerates(&taint.key, &taint.value, taint.effect))
    }

    /// Returns whether it could run there: by the scheduler, or, if it names its node, by the kubelet. The oldest
    /// kubelets look at no taint.
    pub(crate) fn could_run_on(&self, node: &Node) -> bool {
        self.selects(node)
            && if self.node_name.is_empty() { self.passes_taints(node) } else { self.node_name == node.name }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(label: Option<&str>) -> Node {
        let labels = label.map(|value| ("tenant".to_owned(), value.to_owned())).into_iter().collect();
        Node { name: "n1".to_owned(), labels, taints: Vec::new() }
    }

    #[test]
    fn a4_operators_mean_what_they_mean_to_the_scheduler() {
        // Of a node without the label, with `a`, and with `6`.
        for (operator, values, matched) in [
            ("In", &["a", "b"][..], [false, true, false]),
            ("NotIn", &["a"], [true, false, true]),
            ("Exists", &[], [false, true, true]),
            ("DoesNotExist", &[], [true, false, false]),
            ("Gt", &["5"], [false, false, true]),
            ("Gt", &["6"], [false, false, false]),
            ("Lt", &["7"], [false, false, true]),
            ("Lt", &["a"], [false, false, false]),
        ] {
            let term = Term {
                match_expressions: vec![Requirement::new("tenant", operator, values)],
                ..Term::default()
            };
            let found = [None, Some("a"), Some("6")].map(|label| term.matches(&node(label)));
            assert_eq!(found, matched, "{operator} {values:?}");
        }
    }

    #[test]
    fn a3_a5_a_term_is_all_of_it_and_terms_are_one_of_them() {
        let by = |operator| Requirement::new(NODE_NAME, operator, &["n1"]);
        let here = Term { match_fields: vec![by("In")], ..Term::default() };
        let elsewhere = Term { match_fields: vec![by("NotIn")], ..Term::default() };
        let both =
            Term { match_expressions: vec![Requirement::new("tenant", "Exists", &[])], ..here.clone() };
        for (terms, matched) in [
            (vec![], false),
            (vec![Term::default()], false),
            (vec![Term::default(), here.clone()], true),
            (vec![elsewhere.clone()], false),
            (vec![elsewhere, here], true),
            (vec![both], false),
        ] {
            let mut pod = Pod::default();
            assert!(pod.selects(&node(None)));
            pod.set_terms(terms);
            assert_eq!(pod.selects(&node(None)), matched, "{pod}");
        }
    }

    #[test]
    fn b1_b4_b5_tolerations_mean_what_they_mean_to_the_scheduler() {
        let toleration = |key: &str, operator: &str, value: &str, effect: &str| Toleration {
            key: key.to_owned(),
            operator: operator.to_owned(),
            value: value.to_owned(),
            effect: effect.to_owned(),
            toleration_seconds: None,
        };
        for (written, tolerated) in [
            (toleration("", "Exists", "", ""), true),
            (toleration("", "Exists", "", "NoExecute"), false),
            (toleration("tenant", "Exists", "", ""), true),
            (toleration("tenant", "", "6", ""), true),
            (toleration("tenant", "Equal", "6", "NoSchedule"), true),
            (toleration("tenant", "", "7", ""), false),
            (toleration("tenant", "Gt", "5", ""), true),
            (toleration("tenant", "Gt", "6", ""), false),
            (toleration("tenant", "Lt", "7", ""), true),
            (toleration("other", "Exists", "", ""), false),
        ] {
            assert_eq!(written.tolerates("tenant", "6", "NoSchedule"), tolerated, "{written:?}");
        }
    }

    #[test]
    fn c1_a_pod_that_names_its_node_passes_taints_but_not_labels() {
        let mut node = node(Some("a"));
        node.taints.push(Taint { key: "k".to_owned(), value: String::new(), effect: "NoSchedule" });
        let mut pod = Pod::default();
        assert!(!pod.could_run_on(&node));
        pod.node_name = "n1".to_owned();
        assert!(pod.could_run_on(&node));
        pod.node_selector = [("tenant".to_owned(), "b".to_owned())].into();
        assert!(!pod.could_run_on(&node));
    }
}
