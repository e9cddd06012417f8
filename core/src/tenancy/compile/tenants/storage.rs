//! Compiles the volumes, classes and drivers of a tenant.

use std::collections::HashMap;

use super::listed::listed;
use crate::api::{self, TenantSpec};
use crate::tenancy::compile::mistakes::{At, Mistakes, refuse_empty};
use crate::tenancy::compile::names;
use crate::tenancy::compile::objects::Named;
use crate::tenancy::{ListedNames, Storage};

/// Lists the types of volumes of Kubernetes that reach a server by the network, removed ones too.
const NETWORK: [&str; 18] = [
    "awsElasticBlockStore",
    "azureDisk",
    "azureFile",
    "cephfs",
    "cinder",
    "fc",
    "flocker",
    "gcePersistentDisk",
    "glusterfs",
    "iscsi",
    "nfs",
    "photonPersistentDisk",
    "portworxVolume",
    "quobyte",
    "rbd",
    "scaleIO",
    "storageos",
    "vsphereVolume",
];

pub(super) fn compile(at: &At, written: Option<&api::Storage>, mistakes: &mut Mistakes) -> Storage {
    let Some(written) = written else { return Storage::default() };
    let api::Storage {
        classes,
        snapshot_classes,
        attributes_classes,
        volumes,
        inline_drivers,
        network_volumes,
    } = written;
    if *written == api::Storage::default() {
        let message = "this lists nothing; list classes, volumes or drivers, or leave the field out";
        mistakes.error_json(at, "spec.storage", "{}", message);
    }
    let mut names = |field: &str, list: Option<&[String]>, mend: &str| {
        Some(listed(at, &format!("spec.storage.{field}"), list?, mend, mistakes))
    };
    let any = "name a class, or leave the field out: then it is any";
    Storage {
        classes: names("classes", classes.as_deref(), any),
        snapshot_classes: names("snapshotClasses", snapshot_classes.as_deref(), any),
        attributes_classes: names("attributesClasses", attributes_classes.as_deref(), any),
        volumes: names(
            "volumes",
            volumes.as_deref(),
            "name a PersistentVolume, or leave the field out: then claims may name none",
        )
        .unwrap_or_default(),
        inline_drivers: inline_drivers_of(at, inline_drivers.as_deref(), mistakes),
        network_volumes: network_volumes_of(at, network_volumes.as_deref(), mistakes),
    }
}

fn inline_drivers_of(at: &At, written: Option<&[String]>, mistakes: &mut Mistakes) -> ListedNames {
    const PATH: &str = "spec.storage.inlineDrivers";
    let Some(written) = written else { return ListedNames::default() };
    let mend = "name a driver, or leave the field out: then pods have no inline volumes of drivers";
    refuse_empty(written, at, PATH, mend, mistakes);
    for (place, driver) in written.iter().enumerate() {
        // Kubernetes accepts capital letters in the names of drivers.
        if driver.len() > 63 || !names::is_subdomain(&driver.to_ascii_lowercase()) {
            let message =
                "this is no CSI driver; write the name of its CSIDriver, such as `secrets-store.csi.k8s.io`";
            mistakes.error(at, format!("{PATH}[{place}]"), driver, message);
        }
    }
    written.iter().collect()
}

fn network_volumes_of(at: &At, written: Option<&[String]>, mistakes: &mut Mistakes) -> ListedNames {
    const PATH: &str = "spec.storage.networkVolumes";
    let Some(written) = written else { return ListedNames::default() };
    let mend = "name a type, or leave the field out: then it is as the level says";
    refuse_empty(written, at, PATH, mend, mistakes);
    for (place, name) in written.iter().enumerate() {
        if !NETWORK.contains(&name.as_str()) {
            let suggestion = mistakes.suggest(name, NETWORK.into_iter());
            let message = format!(
                "there is no type of network volumes `{name}`{suggestion}; write it as in a pod's `volumes`, such as \
                 `nfs` or `iscsi`"
            );
            mistakes.error(at, format!("{PATH}[{place}]"), name, message);
        }
    }
    written.iter().collect()
}

/// Adds an error for each volume that two tenants list.
pub(super) fn refuse_shared_volumes(
    objects: &[Named<TenantSpec>],
    describe: impl Fn(usize) -> String,
    mistakes: &mut Mistakes,
) {
    let mut owners: HashMap<&str, usize> = HashMap::new();
    for (index, object) in objects.iter().enumerate() {
        let volumes = object.spec.storage.as_ref().and_then(|storage| storage.volumes.as_deref());
        for (place, volume) in volumes.unwrap_or_default().iter().enumerate() {
            let owner = *owners.entry(volume).or_insert(index);
            if owner != index {
                let message = format!(
                    "{} lists this volume too, and a PersistentVolume has one tenant",
                    describe(owner)
                );
                mistakes.relation(&object.at, format!("spec.storage.volumes[{place}]"), volume, message);
            }
        }
    }
}
