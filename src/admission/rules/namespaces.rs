//! `namespaces`: whose a namespace is.

use super::{Findings, Subject};

/// Who looks after namespaces for the cluster.
pub(crate) const CONTROLLERS: &[&str] =
    &["system:kube-controller-manager", "system:serviceaccount:kube-system:namespace-controller"];
/// The group that may do everything anyway, and the way out when nothing else works.
pub(crate) const MASTERS: &str = "system:masters";

pub(super) fn check(_subject: &Subject<'_, '_>, _findings: &mut Findings<'_>) {}
