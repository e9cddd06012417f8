//! What the rules read of where a pod may run, and beside which others: affinity, tolerations, and bindings.

use crate::api::Effect;
use crate::json::{List, Pairs, Text, record};
use crate::objects::metadata::Metadata;

record! {
    /// Where a pod wants to run.
    pub struct Affinity<'a> {
        /// In terms of nodes.
        node_affinity: Option<NodeAffinity<'a>> = "nodeAffinity",
        /// Near which pods.
        pod_affinity: PodAffinity<'a> = "podAffinity",
        /// Far from which pods.
        pod_anti_affinity: PodAffinity<'a> = "podAntiAffinity",
    }
}

record! {
    /// Which pods a pod wants near, or far. What it prefers stops nobody, so it is not read.
    pub struct PodAffinity<'a> {
        /// What it demands.
        required: List<PodAffinityTerm<'a>, 1_000> = "requiredDuringSchedulingIgnoredDuringExecution",
    }
}

record! {
    /// Which pods a demand is about. Without either field: those of the pod's own namespace.
    pub struct PodAffinityTerm<'a> {
        /// Those of these namespaces.
        namespaces: List<Text<'a>> = "namespaces",
        /// Those of the namespaces with these labels as well; one that demands nothing means all.
        namespace_selector: Option<LabelSelector<'a>> = "namespaceSelector",
    }
}

record! {
    /// Labels that something must carry.
    pub struct LabelSelector<'a> {
        /// These.
        match_labels: Pairs<'a> = "matchLabels",
        /// And what these demand.
        match_expressions: List<NodeSelectorRequirement<'a>> = "matchExpressions",
    }
}

record! {
    /// Which nodes a pod wants. What it prefers is never a proof, so it is not read.
    pub struct NodeAffinity<'a> {
        /// What it demands.
        required: Option<NodeSelector<'a>> = "requiredDuringSchedulingIgnoredDuringExecution",
    }
}

record! {
    /// Terms of which one must match.
    pub struct NodeSelector<'a> {
        /// The terms; an empty list matches no node.
        terms: Option<List<NodeSelectorTerm<'a>, 1_000>> = "nodeSelectorTerms",
    }
}

record! {
    /// Requirements that must all match; none at all match no node.
    pub struct NodeSelectorTerm<'a> {
        /// On labels.
        match_expressions: Option<List<NodeSelectorRequirement<'a>>> = "matchExpressions",
        /// On fields.
        match_fields: List<NodeSelectorRequirement<'a>> = "matchFields",
    }
}

impl<'a> NodeSelectorTerm<'a> {
    /// The requirements on labels.
    pub fn expressions(&self) -> &[NodeSelectorRequirement<'a>] {
        self.match_expressions.as_deref().unwrap_or_default()
    }

    /// Whether the term is empty, and so matches no node.
    pub fn is_empty(&self) -> bool {
        self.expressions().is_empty() && self.match_fields.is_empty()
    }
}

record! {
    /// A requirement on a label or field of a node.
    pub struct NodeSelectorRequirement<'a> {
        /// The label or field.
        key: Text<'a> = "key",
        /// `In`, `NotIn`, `Exists`, `DoesNotExist`, `Gt` or `Lt`.
        operator: Text<'a> = "operator",
        /// The values.
        values: List<Text<'a>> = "values",
    }
}

record! {
    /// A toleration, as it is written: nothing here is defaulted by the API server.
    pub struct Toleration<'a> {
        /// The taint's key; empty: every key.
        key: Text<'a> = "key",
        /// Empty: `Equal`.
        operator: Text<'a> = "operator",
        /// The taint's value.
        value: Text<'a> = "value",
        /// Empty: every effect.
        effect: Text<'a> = "effect",
        /// How long a `NoExecute` taint is tolerated; absent: for good.
        toleration_seconds: Option<i64> = "tolerationSeconds",
    }
}

impl Toleration<'_> {
    /// Whether any value is tolerated.
    pub fn is_exists(&self) -> bool {
        &*self.operator == "Exists"
    }

    /// Whether one value is tolerated.
    pub fn is_equal(&self) -> bool {
        matches!(&*self.operator, "" | "Equal")
    }

    /// Whether the operator is one whose meaning is known here.
    pub fn has_known_operator(&self) -> bool {
        self.is_exists() || self.is_equal()
    }

    /// Whether a taint is tolerated, as the scheduler decides; an unknown operator counts as tolerating.
    pub fn tolerates(&self, key: &str, value: &str, effect: Effect) -> bool {
        let effect_matches = self.effect.is_empty() || &*self.effect == effect.as_str();
        let key_matches = self.key.is_empty() || &*self.key == key;
        effect_matches && key_matches && (!self.is_equal() || &*self.value == value)
    }
}

record! {
    /// A pod bound to a node.
    pub struct Binding<'a> {
        /// The binding's metadata, which the API server copies onto the pod.
        metadata: Metadata<'a> = "metadata",
        /// The node.
        target: BindingTarget<'a> = "target",
    }
}

record! {
    /// What a pod is bound to.
    pub struct BindingTarget<'a> {
        /// The node's name.
        name: Text<'a> = "name",
    }
}
