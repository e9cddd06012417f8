//! Stamps the templates of DaemonSets.
//!
//! The DaemonSet controller reads the nodeSelector, the required affinity and the tolerations of the template to find
//! the nodes that need a pod. In the pods that it creates it replaces the terms by one that names the node.

use super::Stamp;
use super::confine::{Confine, Fields};
use crate::api::Mode;
use crate::json::{PatchBuilder, Pointer};
use crate::judging::Subject;
use crate::judging::placement::{Demands, choose};
use crate::rule_id::RuleId;
use crate::tenancy::Tenant;

/// The fields of a template that get the labels, whatever the Settings say.
const FIELDS: Fields = Fields { selector: true, terms: false, copies: false };

/// Stamps the template of a DaemonSet.
pub(super) fn stamp(subject: &Subject<'_, '_>, tenant: &Tenant) -> Stamp {
    let Some(pod) = subject.pod().filter(|_| tenant.modes.of(RuleId::NodePlacement) == Mode::Deny) else {
        return Stamp::default();
    };
    let demands = Demands::of(pod.spec);
    let mut patch = PatchBuilder::default();
    if let Some(choice) = choose(&demands, tenant, subject.snapshot) {
        let confine =
            Confine { demands, choice: &choice, tenant, snapshot: subject.snapshot, fields: FIELDS };
        confine.write(&Pointer::to_field(pod.spec_path), &mut patch);
    }
    Stamp { patch: patch.finish(), warnings: Vec::new() }
}
