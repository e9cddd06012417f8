//! Writes the match conditions: expressions in CEL that decide whether the API server sends a request.
//!
//! An expression that fails refuses the request where its webhook fails closed. So each field is read only after `has`
//! found it, and the cost of each expression is linear in the object, far below the API server's limit.

use std::fmt;

use super::configuration::MatchCondition;
use crate::labels::NODE_PROBLEMS;

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
    /// Returns the condition in the form of the configurations.
    pub(super) fn written(self) -> MatchCondition {
        MatchCondition { name: self.name(), expression: self.expression() }
    }

    fn name(self) -> String {
        match self {
            Self::NotByUsers(_) => "not-the-clusters-own".to_owned(),
            Self::NotInGroup(group) => format!("not-of-{}", group.replace(':', "-")),
            Self::InGroup(group) => format!("of-{}", group.replace(':', "-")),
            Self::IsNewOrWasGated => "is-new-or-was-gated".to_owned(),
            Self::UnlessControllerKeepsSpec => "unless-a-controller-keeps-the-spec".to_owned(),
            Self::CouldReachPools => "could-reach-pools".to_owned(),
            Self::NominatesNode => "nominates-a-node".to_owned(),
            Self::NamesVolumeOrNode => "names-a-volume-or-node".to_owned(),
            Self::ChangesAnnotations => "changes-annotations".to_owned(),
            Self::AllocatesDevices => "allocates-devices".to_owned(),
        }
    }

    fn expression(self) -> String {
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
            Self::CouldReachPools => {
                let tolerates = format!(
                    "has(object.spec.tolerations) && object.spec.tolerations.exists(t, !has(t.key) || \
                     !t.key.startsWith('{NODE_PROBLEMS}'))"
                );
                format!(
                    "has(object.spec) && (request.operation == 'UPDATE' ? {tolerates} && {OTHER_TOLERATIONS} : \
                     ({tolerates}) || ({NAMES_NODE}) || ({REPELS}) || ({IS_SYSTEM}))"
                )
            }
            Self::NominatesNode => NOMINATES.to_owned(),
            Self::ChangesAnnotations => OTHER_ANNOTATIONS.to_owned(),
            Self::AllocatesDevices => ALLOCATES.to_owned(),
            Self::NamesVolumeOrNode => format!("({NAMES_VOLUME}) || ({SELECTS_NODE})"),
        }
    }
}

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
