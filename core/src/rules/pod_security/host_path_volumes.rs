//! `hostPathVolumes` (baseline, since 1.0): no volume is a path of the node or of an unknown type.
//!
//! The node's files include its credentials, the runtime's socket and other tenants' volumes. A type of a newer
//! Kubernetes may reach the node too, so the control denies every type outside [`KNOWN`] until a maintainer has
//! reviewed it.
//!
//! It denies `gitRepo` as well: the kubelet runs git as root on the node, and a repository may have hooks
//! (CVE-2024-10220).
//!
//! - Restricted: the keys of `volumes[*]`.
//! - Allowed: no key but `name` (it becomes an `emptyDir`), and the keys in [`KNOWN`].
//! - Source: `check_hostPathVolumes.go`, which does not deny unknown types and `gitRepo`. At `restricted`,
//!   `restrictedVolumes` replaces this control.

use super::case::{Case, Found};
use crate::json::Escaped;

/// Every volume type of the API up to 1.37, removed ones too, except `hostPath` and `gitRepo`.
const KNOWN: [&str; 28] = [
    "awsElasticBlockStore",
    "azureDisk",
    "azureFile",
    "cephfs",
    "cinder",
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "fc",
    "flexVolume",
    "flocker",
    "gcePersistentDisk",
    "glusterfs",
    "image",
    "iscsi",
    "nfs",
    "persistentVolumeClaim",
    "photonPersistentDisk",
    "portworxVolume",
    "projected",
    "quobyte",
    "rbd",
    "scaleIO",
    "secret",
    "storageos",
    "vsphereVolume",
];

pub(super) fn check(case: &Case<'_>, found: &mut Found<'_, '_>) {
    for (index, volume) in case.spec().volumes.iter().enumerate() {
        for kind in volume.types.iter().filter(|kind| !KNOWN.contains(&&***kind)) {
            let volume_at = (index, &*volume.name);
            match &volume.host_path {
                Some(host_path) if &**kind == "hostPath" => found.add_volume(
                    volume_at,
                    kind,
                    &host_path.path,
                    format_args!(
                        "mounts `{}` of its node; use an emptyDir or a persistentVolumeClaim",
                        Escaped(&host_path.path)
                    ),
                ),
                Some(_) | None if &**kind == "gitRepo" => found.add_volume(
                    volume_at,
                    kind,
                    "",
                    format_args!(
                        "runs git as root on its node; clone in an init container, into an emptyDir"
                    ),
                ),
                Some(_) | None => found.add_volume(
                    volume_at,
                    kind,
                    "",
                    format_args!(
                        "has the unknown type `{}`, which may reach its node; use another type, such as \
                         emptyDir or persistentVolumeClaim, or ask the platform team for a newer partywall",
                        Escaped(kind)
                    ),
                ),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::testing::{baseline, findings, pod_with, pods, restricted};
    use super::KNOWN;

    fn volumes(volumes: &Value) -> Value {
        pod_with(json!({"volumes": volumes}))
    }

    #[test]
    fn verdicts() {
        let known: Vec<Value> = KNOWN.iter().map(|kind| json!({"name": kind, *kind: {}})).collect();
        let host = json!({"name": "a", "hostPath": {"path": "/var"}});
        pods(
            "hostPathVolumes",
            &[
                ("none", baseline(0), volumes(&json!([])), &[]),
                ("no type", baseline(0), volumes(&json!([{"name": "a"}])), &[]),
                ("null", baseline(0), volumes(&json!([{"name": "a", "hostPath": null}])), &[]),
                ("every known type", baseline(0), volumes(&json!(known)), &[]),
                (
                    "a path",
                    baseline(0),
                    volumes(&json!([{"name": "b"}, host])),
                    &["spec.volumes[1].hostPath"],
                ),
                (
                    "an empty hostPath",
                    baseline(0),
                    volumes(&json!([{"name": "a", "hostPath": {}}])),
                    &["spec.volumes[0].hostPath"],
                ),
                (
                    "e14 an unknown type",
                    baseline(u16::MAX),
                    volumes(&json!([{"name": "a", "nodeDisk": {}}])),
                    &["spec.volumes[0].nodeDisk"],
                ),
                (
                    "beside a known type",
                    baseline(0),
                    volumes(&json!([{"name": "a", "emptyDir": {}, "hostPath": {"path": "/"}}])),
                    &["spec.volumes[0].hostPath"],
                ),
                ("restricted has its own control", restricted(0), volumes(&json!([host])), &[]),
            ],
        );
    }

    #[test]
    fn a_finding_is_about_the_volume_and_its_path() {
        let of = |path: &str| {
            let found = findings(&volumes(&json!([{"name": "a", "hostPath": {"path": path}}])), baseline(0));
            found.into_iter().next().unwrap()
        };
        assert_eq!(of("/var").about, r#"Volume("a")"#);
        assert_eq!(
            of("/var").message,
            "volume `a` mounts `/var` of its node; use an emptyDir or a persistentVolumeClaim"
        );
        assert_ne!(of("/var").identity, of("/etc").identity);
    }
}
