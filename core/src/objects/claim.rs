//! Declares the fields that rules read of PersistentVolumeClaims, of their templates, and of snapshots.

use crate::json::{Pairs, Text, borrowed};
use crate::objects::metadata::Metadata;
use crate::objects::scheduling::LabelSelector;

borrowed! {
    /// Holds a template from which a controller creates a PersistentVolumeClaim.
    pub struct ClaimTemplate<'a> {
        /// The claim's metadata.
        metadata: Metadata<'a> = "metadata",
        /// The claim's spec.
        spec: ClaimSpec<'a> = "spec",
    }
}

borrowed! {
    /// Holds the spec of a PersistentVolumeClaim.
    pub struct ClaimSpec<'a> {
        /// The PersistentVolume; empty means one that the binder chooses or has provisioned.
        volume_name: Text<'a> = "volumeName",
        /// The StorageClass; absent means the cluster's default, empty means a volume without a class.
        storage_class_name: Option<Text<'a>> = "storageClassName",
        /// The VolumeAttributesClass, which may change while the volume is in use.
        volume_attributes_class_name: Text<'a> = "volumeAttributesClassName",
        /// The labels of the volumes that the binder chooses from.
        selector: Option<LabelSelector<'a>> = "selector",
        /// The object that the volume is filled from, in the same namespace.
        data_source: Option<DataSource<'a>> = "dataSource",
        /// The object that the volume is filled from, which may be in another namespace.
        data_source_ref: Option<DataSource<'a>> = "dataSourceRef",
    }
}

borrowed! {
    /// Refers to the object that a volume is filled from.
    pub struct DataSource<'a> {
        /// The group; absent means core.
        api_group: Text<'a> = "apiGroup",
        /// The kind.
        kind: Text<'a> = "kind",
        /// The namespace; absent means the claim's own.
        namespace: Text<'a> = "namespace",
        /// The name.
        name: Text<'a> = "name",
    }
}

borrowed! {
    /// Holds the spec of a VolumeSnapshot or a VolumeGroupSnapshot.
    pub(crate) struct SnapshotSpec<'a> {
        /// The VolumeSnapshotClass; absent means the default of the volume's driver.
        volume_snapshot_class_name: Option<Text<'a>> = "volumeSnapshotClassName",
        /// The VolumeGroupSnapshotClass; absent means the default of the volumes' driver.
        volume_group_snapshot_class_name: Option<Text<'a>> = "volumeGroupSnapshotClassName",
        /// The volumes that are copied, or the snapshot that exists already.
        source: SnapshotSource<'a> = "source",
    }
}

borrowed! {
    /// Holds the source of a snapshot: claims of the same namespace, or a snapshot that exists already.
    pub(crate) struct SnapshotSource<'a> {
        /// The VolumeSnapshotContent of a snapshot that exists already.
        volume_snapshot_content_name: Text<'a> = "volumeSnapshotContentName",
        /// The VolumeGroupSnapshotContent of a group of snapshots that exists already.
        volume_group_snapshot_content_name: Text<'a> = "volumeGroupSnapshotContentName",
    }
}

borrowed! {
    /// Holds the status of a VolumeSnapshot or a VolumeGroupSnapshot.
    pub(crate) struct SnapshotStatus<'a> {
        /// The VolumeSnapshotContent that the snapshot is bound to.
        content: Text<'a> = "boundVolumeSnapshotContentName",
        /// The VolumeGroupSnapshotContent that the group of snapshots is bound to.
        group_content: Text<'a> = "boundVolumeGroupSnapshotContentName",
    }
}

borrowed! {
    /// Holds an inline volume of a CSI driver.
    pub struct CsiVolume<'a> {
        /// The driver.
        driver: Text<'a> = "driver",
        /// The attributes, which only the driver understands.
        volume_attributes: Pairs<'a> = "volumeAttributes",
    }
}

borrowed! {
    /// Holds a volume that has a claim of its own for as long as the pod exists.
    pub struct EphemeralVolume<'a> {
        /// The template of the claim.
        volume_claim_template: Option<ClaimTemplate<'a>> = "volumeClaimTemplate",
    }
}
