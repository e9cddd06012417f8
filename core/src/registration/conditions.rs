//! Writes the match conditions: expressions in CEL that decide whether the API server sends a request.
//!
//! An expression that fails refuses the request where its webhook fails closed. So each field is read only after `has`
//! found it, and the cost of each expression is linear in the object, far below the API server's limit.

use std::{fmt, iter};

use super::configuration::MatchCondition;
use crate::labels::{NODE_PROBLEMS, TENANT};
use crate::rules::HIDING_LABELS;

/// Names a condition that a request must meet to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Condition {
    /// The user is none of these, whose requests are allowed anyway: components that the cluster depends on.
    NotByUsers(&'static [&'static str]),
    /// The user is not in this group, whose requests are allowed anyway.
    NotInGroup(&'static str),
    /// The user is in this group.
    InGroup(&'static str),
    /// The pod is new, or its old object has scheduling gates.
    ///
    /// Of other pods the API server takes no change of the fields that the stamp writes.
    IsNewOrWasGated,
    /// The request is no update by which a controller of `kube-system` leaves the spec as it is.
    ///
    /// Such an update removes a finalizer: without it no Job finishes and no namespace ends while partywall is down.
    UnlessControllerKeepsSpec,
    /// The pod could reach a tenant's pool, or keep other pods away.
    ///
    /// An update can only add tolerations. An update that keeps them is not sent, so that running pods can be changed
    /// while partywall is down.
    CouldReachPools,
    /// The Namespace has or had the label of a tenant, or one that could hide it from webhooks.
    HasGuardedLabel,
    /// The Namespace has no such label, nor had one.
    LacksGuardedLabels,
    /// The update of a pod's status nominates a node.
    NominatesNode,
    /// The claim names a volume, or a node for its volume, and its old object did not name the same.
    NamesVolumeOrNode,
    /// The object has annotations, and others than its old object.
    ChangesAnnotations,
    /// The update of a claim's status allocates devices, and others than its old object.
    AllocatesDevices,
}

impl Condition {
    /// Returns the condition in the form of the configurations, with the keys of the pools' taints if they are known.
    pub(super) fn written(self, pool_keys: Option<&[String]>) -> MatchCondition {
        MatchCondition { name: self.name(), expression: self.expression(pool_keys) }
    }

    fn name(self) -> String {
        match self {
            Self::NotByUsers(_) => "not-the-clusters-own".to_owned(),
            Self::NotInGroup(group) => format!("not-of-{}", group.replace(':', "-")),
            Self::InGroup(group) => format!("of-{}", group.replace(':', "-")),
            Self::IsNewOrWasGated => "is-new-or-was-gated".to_owned(),
            Self::UnlessControllerKeepsSpec => "unless-a-controller-keeps-the-spec".to_owned(),
            Self::CouldReachPools => "could-reach-pools".to_owned(),
            Self::HasGuardedLabel => "has-a-guarded-label".to_owned(),
            Self::LacksGuardedLabels => "lacks-guarded-labels".to_owned(),
            Self::NominatesNode => "nominates-a-node".to_owned(),
            Self::NamesVolumeOrNode => "names-a-volume-or-node".to_owned(),
            Self::ChangesAnnotations => "changes-annotations".to_owned(),
            Self::AllocatesDevices => "allocates-devices".to_owned(),
        }
    }

    fn expression(self, pool_keys: Option<&[String]>) -> String {
        match self {
            Self::NotByUsers(users) => format!("!(request.userInfo.username in [{}])", Quoted(users)),
            // A request without groups lacks this field.
            Self::NotInGroup(group) => {
                format!("!has(request.userInfo.groups) || !('{group}' in request.userInfo.groups)")
            }
            Self::InGroup(group) => {
                format!("has(request.userInfo.groups) && '{group}' in request.userInfo.groups")
            }
            Self::IsNewOrWasGated => WAS_GATED.to_owned(),
            Self::UnlessControllerKeepsSpec => KEEPS_SPEC.to_owned(),
            Self::CouldReachPools => format!(
                "has(object.spec) && ((has(object.spec.tolerations) && object.spec.tolerations.exists(t, \
                 !has(t.key) || {}) && (request.operation != 'UPDATE' || {OTHER_TOLERATIONS})) || \
                 (request.operation != 'UPDATE' && (({NAMES_NODE}) || ({REPELS}) || ({IS_SYSTEM}))))",
                reaches_pools(pool_keys)
            ),
            Self::HasGuardedLabel => has_guarded_label(),
            Self::LacksGuardedLabels => format!("!({})", has_guarded_label()),
            Self::NominatesNode => NOMINATES.to_owned(),
            Self::ChangesAnnotations => OTHER_ANNOTATIONS.to_owned(),
            Self::AllocatesDevices => ALLOCATES.to_owned(),
            Self::NamesVolumeOrNode => format!("({NAMES_VOLUME}) || ({SELECTS_NODE})"),
        }
    }
}

/// Returns the expression by which the key of a toleration could be that of a pool's taint.
///
/// A list costs one look-up, however long it is; one that is too long for an expression is replaced by all keys but
/// those of Kubernetes itself.
fn reaches_pools(pool_keys: Option<&[String]>) -> String {
    let listed = pool_keys.map(|keys| {
        // An empty key means any.
        let names: Vec<&str> = iter::once("").chain(keys.iter().map(String::as_str)).collect();
        format!("t.key in [{}]", Quoted(&names))
    });
    let fits = |expression: &String| expression.len() <= LONGEST_LIST;
    listed.filter(fits).unwrap_or_else(|| format!("!t.key.startsWith('{NODE_PROBLEMS}')"))
}

/// Returns the expression by which a Namespace has or had a label that only the platform team changes.
fn has_guarded_label() -> String {
    let keys: Vec<&str> = iter::once(TENANT).chain(HIDING_LABELS).collect();
    let of = |object| {
        format!(
            "(has({object}.metadata.labels) && {object}.metadata.labels.exists(k, k in [{}]))",
            Quoted(&keys)
        )
    };
    format!("{} || (request.operation == 'UPDATE' && {})", of("object"), of("oldObject"))
}

/// How long a list may be, in bytes: the API server takes expressions of 100,000 code points.
const LONGEST_LIST: usize = 90_000;

/// The pod is new, or had gates.
const WAS_GATED: &str = "request.operation == 'CREATE' || (has(oldObject.spec) && \
    has(oldObject.spec.schedulingGates) && size(oldObject.spec.schedulingGates) > 0)";
/// The request is no update by which a controller of `kube-system` keeps the spec.
const KEEPS_SPEC: &str = "request.operation != 'UPDATE' || \
    !(request.userInfo.username == 'system:kube-controller-manager' || \
    request.userInfo.username.startsWith('system:serviceaccount:kube-system:')) || \
    !has(object.spec) || !has(oldObject.spec) || object.spec != oldObject.spec";
/// The tolerations differ from those of the old pod.
const OTHER_TOLERATIONS: &str = "(!has(oldObject.spec) || !has(oldObject.spec.tolerations) || \
    object.spec.tolerations != oldObject.spec.tolerations)";
/// The pod names a node.
const NAMES_NODE: &str = "has(object.spec.nodeName) && object.spec.nodeName != ''";
/// The pod keeps away pods of other namespaces.
const REPELS: &str = "has(object.spec.affinity) && has(object.spec.affinity.podAntiAffinity) && \
    has(object.spec.affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution) && \
    object.spec.affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution.exists(t, \
    has(t.namespaceSelector) || (has(t.namespaces) && t.namespaces.exists(n, n != request.namespace)))";
/// The pod has a priority class of the system.
const IS_SYSTEM: &str =
    "has(object.spec.priorityClassName) && object.spec.priorityClassName.startsWith('system-')";
/// The status nominates another node than the old one.
const NOMINATES: &str = "has(object.status) && has(object.status.nominatedNodeName) && \
    (!has(oldObject.status) || !has(oldObject.status.nominatedNodeName) || \
    object.status.nominatedNodeName != oldObject.status.nominatedNodeName)";
/// The status allocates other devices than the old one.
const ALLOCATES: &str = "has(object.status) && has(object.status.allocation) && \
    (!has(oldObject.status) || !has(oldObject.status.allocation) || \
    object.status.allocation != oldObject.status.allocation)";

/// The claim names a volume that the old object did not name.
const NAMES_VOLUME: &str = "has(object.spec) && has(object.spec.volumeName) && object.spec.volumeName != '' && \
    (request.operation == 'CREATE' || !has(oldObject.spec) || !has(oldObject.spec.volumeName) || \
    object.spec.volumeName != oldObject.spec.volumeName)";
/// The claim names a node for its volume that the old object did not name.
const SELECTS_NODE: &str = "has(object.metadata.annotations) && \
    'volume.kubernetes.io/selected-node' in object.metadata.annotations && \
    (request.operation == 'CREATE' || !has(oldObject.metadata.annotations) || \
    !('volume.kubernetes.io/selected-node' in oldObject.metadata.annotations) || \
    object.metadata.annotations['volume.kubernetes.io/selected-node'] != \
    oldObject.metadata.annotations['volume.kubernetes.io/selected-node'])";

/// The object has annotations, and others than its old object.
const OTHER_ANNOTATIONS: &str = "has(object.metadata.annotations) && (request.operation == 'CREATE' || \
    !has(oldObject.metadata.annotations) || object.metadata.annotations != oldObject.metadata.annotations)";

/// Formats names as the elements of a list in CEL.
struct Quoted<'n>(&'n [&'n str]);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, name) in self.0.iter().enumerate() {
            write!(f, "{}'{name}'", if index == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}
