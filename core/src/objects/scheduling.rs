//! Declares the fields that rules read of affinity, tolerations and Bindings.

use crate::api::Effect;
use crate::json::{List, Pairs, Text, borrowed};
use crate::objects::metadata::Metadata;

borrowed! {
    /// Holds the affinity of a pod.
    pub struct Affinity<'a> {
        /// The node affinity.
        node_affinity: Option<NodeAffinity<'a>> = "nodeAffinity",
        /// The pod affinity.
        pod_affinity: PodAffinity<'a> = "podAffinity",
        /// The pod anti-affinity.
        pod_anti_affinity: PodAffinity<'a> = "podAntiAffinity",
    }
}

borrowed! {
    /// Holds pod affinity or anti-affinity.
    ///
    /// Preferred terms keep no pod off a node, so they are not read.
    pub struct PodAffinity<'a> {
        /// The required terms.
        required: List<PodAffinityTerm<'a>, 1_000> = "requiredDuringSchedulingIgnoredDuringExecution",
    }
}

borrowed! {
    /// Selects the pods of a required term.
    ///
    /// Without either field, the term selects pods of the pod's own namespace.
    pub struct PodAffinityTerm<'a> {
        /// The label of nodes by which they form topologies.
        topology_key: Text<'a> = "topologyKey",
        /// The namespaces by name.
        namespaces: List<Text<'a>> = "namespaces",
        /// The namespaces by label, in addition; an empty selector selects all namespaces.
        namespace_selector: Option<LabelSelector<'a>> = "namespaceSelector",
    }
}

borrowed! {
    /// Selects objects by their labels.
    pub struct LabelSelector<'a> {
        /// The labels that must match.
        match_labels: Pairs<'a> = "matchLabels",
        /// The requirements that must match as well.
        match_expressions: List<NodeSelectorRequirement<'a>> = "matchExpressions",
    }
}

borrowed! {
    /// Holds the node affinity of a pod.
    ///
    /// Preferred terms do not restrict a pod, so they are not read.
    pub struct NodeAffinity<'a> {
        /// The required terms.
        required: Option<NodeSelector<'a>> = "requiredDuringSchedulingIgnoredDuringExecution",
    }
}

borrowed! {
    /// Holds terms of which one must match.
    pub struct NodeSelector<'a> {
        /// The terms; an empty list matches no node.
        terms: Option<List<NodeSelectorTerm<'a>, 1_000>> = "nodeSelectorTerms",
    }
}

borrowed! {
    /// Holds requirements that must all match; an empty term matches no node.
    pub struct NodeSelectorTerm<'a> {
        /// The requirements on labels.
        match_expressions: Option<List<NodeSelectorRequirement<'a>>> = "matchExpressions",
        /// The requirements on fields.
        match_fields: List<NodeSelectorRequirement<'a>> = "matchFields",
    }
}

impl<'a> NodeSelectorTerm<'a> {
    /// The requirements on labels.
    pub fn expressions(&self) -> &[NodeSelectorRequirement<'a>] {
        self.match_expressions.as_deref().unwrap_or_default()
    }

    /// Returns whether the term is empty, and so matches no node.
    pub fn is_empty(&self) -> bool {
        self.expressions().is_empty() && self.match_fields.is_empty()
    }
}

borrowed! {
    /// Holds a requirement on a label or field of a node.
    pub struct NodeSelectorRequirement<'a> {
        /// The label or field.
        key: Text<'a> = "key",
        /// `In`, `NotIn`, `Exists`, `DoesNotExist`, `Gt` or `Lt`.
        operator: Text<'a> = "operator",
        /// The values.
        values: List<Text<'a>> = "values",
    }
}

impl NodeSelectorRequirement<'_> {
    /// Returns whether a label with this value meets the requirement, as the scheduler decides.
    ///
    /// An operator that is not known here counts as met.
    pub fn holds_of(&self, value: &str) -> bool {
        let is_listed = || self.values.iter().any(|listed| **listed == *value);
        let numbers = || match &*self.values {
            [bound] => value.parse::<i64>().ok().zip(bound.parse::<i64>().ok()),
            _ => None,
        };
        match &*self.operator {
            "In" => is_listed(),
            "NotIn" => !is_listed(),
            "DoesNotExist" => false,
            "Gt" => numbers().is_some_and(|(value, bound)| value > bound),
            "Lt" => numbers().is_some_and(|(value, bound)| value < bound),
            _ => true,
        }
    }
}

borrowed! {
    /// Holds a toleration as it is written, without the API server's defaults.
    pub struct Toleration<'a> {
        /// The taint's key; empty means every key.
        key: Text<'a> = "key",
        /// The operator; empty means `Equal`.
        operator: Text<'a> = "operator",
        /// The taint's value.
        value: Text<'a> = "value",
        /// The effect; empty means every effect.
        effect: Text<'a> = "effect",
        /// The seconds for which a `NoExecute` taint is tolerated; if absent, without limit.
        toleration_seconds: Option<i64> = "tolerationSeconds",
    }
}

impl Toleration<'_> {
    /// Returns whether any value is tolerated.
    pub(crate) fn is_exists(&self) -> bool {
        &*self.operator == "Exists"
    }

    /// Returns whether one value is tolerated.
    pub(crate) fn is_equal(&self) -> bool {
        matches!(&*self.operator, "" | "Equal")
    }

    /// Returns whether this crate knows the operator.
    pub(crate) fn has_known_operator(&self) -> bool {
        self.is_exists() || self.is_equal()
    }

    /// Returns whether a taint is tolerated, as the scheduler decides.
    ///
    /// An unknown operator counts as tolerating.
    pub fn tolerates(&self, key: &str, value: &str, effect: Effect) -> bool {
        let effect_matches = self.effect.is_empty() || &*self.effect == effect.as_str();
        let key_matches = self.key.is_empty() || &*self.key == key;
        effect_matches && key_matches && (!self.is_equal() || &*self.value == value)
    }
}

borrowed! {
    /// Holds a Binding of a pod to a node.
    pub struct Binding<'a> {
        /// The metadata, which the API server copies onto the pod.
        metadata: Metadata<'a> = "metadata",
        /// The node.
        target: BindingTarget<'a> = "target",
    }
}

borrowed! {
    /// Holds the target of a Binding.
    pub struct BindingTarget<'a> {
        /// The node's name.
        name: Text<'a> = "name",
    }
}
