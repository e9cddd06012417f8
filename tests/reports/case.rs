//! Reads a case.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::Deserialize;
use serde_json::Value;

/// A situation, step by step.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Case {
    /// What the people do and need, in a sentence or two.
    pub(crate) why: String,
    /// The public threads that tell of it.
    pub(crate) source: String,
    /// The policy objects, as YAML; those of [`Cluster::common`] if absent.
    #[serde(default = "common_policies")]
    pub(crate) policies: String,
    /// The fields that let it through, as YAML: each document is merged into the policy object of the same kind and
    /// name, or is one more object.
    #[serde(default)]
    pub(crate) grants: String,
    /// Parts of the warnings of loading the policies and the grants.
    #[serde(default)]
    pub(crate) load: Vec<String>,
    /// The day of the decisions.
    #[serde(default = "today")]
    pub(crate) today: Date,
    /// The nodes of the cluster; those of [`Cluster::common`] if absent.
    #[serde(default = "common_nodes")]
    pub(crate) nodes: Vec<Node>,
    pub(crate) steps: Vec<Step>,
}

fn today() -> Date {
    jiff::civil::date(2026, 11, 20)
}

/// What most cases share.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cluster {
    policies: String,
    nodes: Vec<Node>,
}

impl Cluster {
    /// Reads `tests/reports/common/cluster.yaml`.
    fn common() -> Self {
        serde_saphyr::from_str(include_str!("common/cluster.yaml")).unwrap_or_else(|error| panic!("{error}"))
    }
}

fn common_policies() -> String {
    Cluster::common().policies
}

fn common_nodes() -> Vec<Node> {
    Cluster::common().nodes
}

/// A node of the cluster. Its label `kubernetes.io/hostname` is its name.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Node {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) labels: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) taints: Vec<Taint>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Taint {
    pub(crate) key: String,
    #[serde(default)]
    pub(crate) value: String,
    pub(crate) effect: String,
}

/// A request, and its expected answer.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Step {
    /// What somebody does.
    pub(crate) what: String,
    /// The namespace.
    pub(crate) ns: String,
    #[serde(default)]
    pub(crate) op: Op,
    /// The kind and the name of the object of an update: what an earlier step stored.
    pub(crate) of: Option<(String, String)>,
    /// The object to create, or what is merged into the object of an update.
    #[serde(default)]
    pub(crate) object: Value,
    /// Items that an update appends to lists, by the path of the list: `spec.tolerations`.
    #[serde(default)]
    pub(crate) append: BTreeMap<String, Vec<Value>>,
    /// The node on which the pod of an update runs.
    pub(crate) bound: Option<String>,
    /// The pod and the node of a binding.
    #[serde(default)]
    pub(crate) pod: String,
    #[serde(default)]
    pub(crate) node: String,
    /// What other webhooks merge into the object after the stamp.
    #[serde(default)]
    pub(crate) after_stamp: Value,
    /// The object goes to the validating webhook alone.
    #[serde(default)]
    pub(crate) skip_mutate: bool,
    /// The pod lacks what the API server fills in before it asks.
    #[serde(default)]
    pub(crate) raw: bool,
    #[serde(default = "jane")]
    pub(crate) user: String,
    #[serde(default = "authenticated")]
    pub(crate) groups: Vec<String>,
    /// The resource and the subresource, where the kind does not tell.
    #[serde(default)]
    pub(crate) res: String,
    #[serde(default)]
    pub(crate) sub: String,
    /// The paths that the API server calls; those for any request if absent.
    #[serde(default)]
    pub(crate) entry: Paths,
    /// The answer with the grants, or of a case without any; the fields are those of [`Expected`].
    #[serde(default)]
    expect: Verdict,
    runs_on: Option<Vec<String>>,
    #[serde(default)]
    message: Vec<String>,
    /// The answer without the grants; the same if absent.
    pub(crate) without: Option<Expected>,
}

fn jane() -> String {
    "jane".to_owned()
}

fn authenticated() -> Vec<String> {
    vec!["system:authenticated".to_owned()]
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Op {
    #[default]
    Create,
    Update,
    Binding,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Paths {
    #[default]
    Any,
    Tenants,
    Elsewhere,
    Templates,
}

/// What must come of a step.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expected {
    #[serde(default)]
    pub(crate) expect: Verdict,
    /// The nodes on which the pod could run, in the order of the case; nothing is said of them if absent.
    pub(crate) runs_on: Option<Vec<String>>,
    /// Parts of the denial's message, or of the warnings of what is allowed.
    #[serde(default)]
    pub(crate) message: Vec<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Verdict {
    /// Allowed, without a warning.
    #[default]
    Allow,
    /// Allowed, with a warning.
    Warn,
    Deny,
}

impl Step {
    /// What must come of the step with the grants.
    pub(crate) fn expected(&self) -> Expected {
        Expected { expect: self.expect, runs_on: self.runs_on.clone(), message: self.message.clone() }
    }
}

impl Case {
    /// Reads a case, or says why it is none.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        let case: Self = serde_saphyr::from_str(text).map_err(|error| error.to_string())?;
        let nodes: Vec<_> = case.nodes.iter().map(|node| &node.name).collect();
        for step in &case.steps {
            for expected in step.without.iter().chain([&step.expected()]) {
                let is_silent = expected.expect != Verdict::Allow && expected.message.is_empty();
                let unknown = expected.runs_on.iter().flatten().find(|node| !nodes.contains(node));
                match (is_silent, unknown) {
                    (true, _) => {
                        return Err(format!("{}: a denial or a warning needs its `message`", step.what));
                    }
                    (_, Some(node)) => return Err(format!("{}: there is no node {node}", step.what)),
                    _ => {}
                }
            }
        }
        let tells_without = case.steps.iter().any(|step| step.without.is_some());
        if tells_without == case.grants.is_empty() {
            return Err("`grants` and `without` belong together".to_owned());
        }
        if case.why.is_empty() || case.source.is_empty() || case.steps.is_empty() {
            return Err("`why`, `source` and `steps` must not be empty".to_owned());
        }
        Ok(case)
    }
}
