//! Judges VolumeSnapshots and VolumeGroupSnapshots: their content and their classes.

use super::check::{ClaimPlace, StorageCheck};
use crate::json::Escaped;
use crate::judging::OneOf;
use crate::objects::claim::SnapshotSpec;

impl StorageCheck<'_, '_, '_, '_> {
    pub(super) fn snapshot(&mut self, spec: &SnapshotSpec<'_>) {
        let source = &spec.source;
        for (field, content) in [
            ("spec.source.volumeSnapshotContentName", &source.volume_snapshot_content_name),
            ("spec.source.volumeGroupSnapshotContentName", &source.volume_group_snapshot_content_name),
        ] {
            if !content.is_empty() && !self.writer.may_bind {
                let message = format_args!(
                    "the content `{}` may be a snapshot of another tenant's volume; take a snapshot of a claim of this \
                     namespace, or ask the platform team to list user `{}` in the Settings (`controllers.volumes`) if \
                     it restores snapshots for the platform",
                    Escaped(content),
                    Escaped(&self.subject.request.user.username)
                );
                self.add(&ClaimPlace::WHOLE, field, &message, content);
            }
        }
        let is_group = &*self.subject.request.kind_name == "VolumeGroupSnapshot";
        let (field, class) = if is_group {
            ("spec.volumeGroupSnapshotClassName", &spec.volume_group_snapshot_class_name)
        } else {
            ("spec.volumeSnapshotClassName", &spec.volume_snapshot_class_name)
        };
        let class = class.as_deref().unwrap_or_default();
        // The class of a snapshot that exists already is never used.
        let is_taken = source.volume_snapshot_content_name.is_empty()
            && source.volume_group_snapshot_content_name.is_empty();
        if let Some(listed) = self.tenant.storage.snapshot_classes.as_deref()
            && is_taken
            && !listed.iter().any(|name| **name == *class)
        {
            let message = format_args!(
                "class `{}` is not in the tenant's `storage.snapshotClasses`; use {}",
                Escaped(class),
                OneOf(listed)
            );
            self.add(&ClaimPlace::WHOLE, field, &message, class);
        }
    }
}
