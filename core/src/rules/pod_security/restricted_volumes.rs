//! `restrictedVolumes` (restricted, since 1.0): volumes belong to the pod, or use a claim.
//!
//! The in-tree network types carry the address and the credentials of a storage server into the pod's spec, and make
//! the node mount what a tenant serves. A claim has an owner and a storage class.
//!
//! - Restricted: the keys of `volumes[*]`.
//! - Allowed: no key but `name` (it becomes an `emptyDir`), the keys in [`ALLOWED`], and those in the tenant's
//!   `storage.networkVolumes`.
//! - Source: `check_restrictedVolumes.go`.

use super::case::{Case, Found, NameList};
use crate::json::{Escaped, Text};

const ALLOWED: [&str; 9] = [
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "image",
    "persistentVolumeClaim",
    "projected",
    "secret",
];

pub(super) fn check(case: &Case<'_>, found: &mut Found<'_, '_>) {
    for (index, volume) in case.spec().volumes.iter().enumerate() {
        let is_denied = |kind: &&Text<'_>| !ALLOWED.contains(&&***kind) && !case.may_have_volume(kind);
        for kind in volume.types.iter().filter(is_denied) {
            // The path is part of the identity, so that another path is a new violation.
            let path = match &volume.host_path {
                Some(host_path) if &**kind == "hostPath" => &*host_path.path,
                Some(_) | None => "",
            };
            found.add_volume(
                (index, &volume.name),
                kind,
                path,
                format_args!(
                    "has type `{}`; use a persistentVolumeClaim or another allowed type ({})",
                    Escaped(kind),
                    NameList(&ALLOWED)
                ),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::testing::{baseline, pod_with, pods, restricted};
    use super::ALLOWED;

    fn volume(kind: &str) -> Value {
        pod_with(json!({"volumes": [{"name": "a", kind: {}}]}))
    }

    #[test]
    fn verdicts() {
        let allowed: Vec<Value> = ALLOWED.iter().map(|kind| json!({"name": kind, *kind: {}})).collect();
        let both = json!({"volumes": [{"name": "a", "emptyDir": {}, "nfs": {}}]});
        pods(
            "restrictedVolumes",
            &[
                ("none", restricted(0), pod_with(json!({})), &[]),
                ("no type", restricted(0), pod_with(json!({"volumes": [{"name": "a"}]})), &[]),
                ("every allowed type", restricted(0), pod_with(json!({"volumes": allowed})), &[]),
                ("hostPath", restricted(0), volume("hostPath"), &["spec.volumes[0].hostPath"]),
                ("nfs", restricted(0), volume("nfs"), &["spec.volumes[0].nfs"]),
                ("gitRepo", restricted(u16::MAX), volume("gitRepo"), &["spec.volumes[0].gitRepo"]),
                ("an unknown type", restricted(0), volume("nodeDisk"), &["spec.volumes[0].nodeDisk"]),
                ("beside an allowed type", restricted(0), pod_with(both), &["spec.volumes[0].nfs"]),
                ("baseline", baseline(u16::MAX), volume("nfs"), &[]),
            ],
        );
    }
}
