//! Judges PersistentVolumeClaims: the volume, the classes, the selector and the data sources.

use std::fmt;

use super::annotations::CLASS;
use super::check::{ClaimPlace, StorageCheck};
use crate::json::{Escaped, Pairs};
use crate::judging::OneOf;
use crate::objects::claim::{ClaimSpec, DataSource};

/// Kinds of data sources whose objects are in the claim's namespace, and name no volume outside it.
///
/// They belong to Kubernetes, the snapshot controller, VolSync
/// (<https://volsync.readthedocs.io/en/stable/usage/volume-populator/index.html>) and the importer of KubeVirt
/// (<https://github.com/kubevirt/containerized-data-importer/blob/main/doc/cdi-populators.md>).
const SOURCES: [(&str, &str); 6] = [
    ("", "PersistentVolumeClaim"),
    ("snapshot.storage.k8s.io", "VolumeSnapshot"),
    ("volsync.backube", "ReplicationDestination"),
    ("cdi.kubevirt.io", "VolumeImportSource"),
    ("cdi.kubevirt.io", "VolumeUploadSource"),
    ("cdi.kubevirt.io", "VolumeCloneSource"),
];

impl StorageCheck<'_, '_, '_, '_> {
    pub(super) fn claim(&mut self, place: &ClaimPlace<'_>, spec: &ClaimSpec<'_>, annotations: &Pairs<'_>) {
        // A claim that rightly names its volume gets that one, whatever else it says.
        if !self.may_name(&spec.volume_name) {
            self.volume(place, &spec.volume_name);
            if let Some(class) = annotations.get(CLASS) {
                self.class(place, "metadata.annotations[volume.beta.kubernetes.io/storage-class]", class);
            }
            match &spec.storage_class_name {
                Some(class) => self.class(place, "spec.storageClassName", class),
                None if annotations.get(CLASS).is_none() => self.no_class(place),
                None => {}
            }
            self.selector(place, spec);
        }
        self.attributes_class(place, &spec.volume_attributes_class_name);
        for (field, source) in
            [("spec.dataSource", &spec.data_source), ("spec.dataSourceRef", &spec.data_source_ref)]
        {
            if let Some(source) = source {
                self.data_source(place, field, source);
            }
        }
    }

    /// Returns whether the claim may name the volume: the user binds claims, or the tenant lists the volume.
    fn may_name(&self, volume: &str) -> bool {
        let listed = &self.tenant.storage.volumes;
        !volume.is_empty() && (self.writer.may_bind || listed.contains(volume))
    }

    fn volume(&mut self, place: &ClaimPlace<'_>, volume: &str) {
        if !volume.is_empty() {
            let message = format_args!(
                "volume `{}` is not in the tenant's `storage.volumes`; remove `volumeName`, so that the class provides \
                 a volume, or ask the platform team to list the volume there, or, if user `{}` restores claims for the \
                 platform, to list it in the Settings (`controllers.volumes`)",
                Escaped(volume),
                Escaped(&self.subject.request.user.username)
            );
            self.add(place, "spec.volumeName", &message, volume);
        }
    }

    fn class(&mut self, place: &ClaimPlace<'_>, field: &str, class: &str) {
        let listed = self.tenant.storage.classes.as_deref();
        if class.is_empty() {
            let message = fmt::from_fn(|f| {
                write!(
                    f,
                    "the empty class gets any free volume without a class, which may be another tenant's; {}, or ask \
                     the platform team to list a volume in the tenant's `storage.volumes`, and write it as \
                     `volumeName`",
                    Advice(listed)
                )
            });
            self.add(place, field, &message, class);
        } else if let Some(listed) = listed.filter(|listed| !listed.iter().any(|name| **name == *class)) {
            let message = format_args!(
                "class `{}` is not in the tenant's `storage.classes`; {}",
                Escaped(class),
                Advice(Some(listed))
            );
            self.add(place, field, &message, class);
        }
    }

    /// Judges a claim without a class: the API server writes the default class into it, if there is one.
    ///
    /// Without a default class such a claim gets any volume that has no class either.
    fn no_class(&mut self, place: &ClaimPlace<'_>) {
        if let Some(listed) = self.tenant.storage.classes.as_deref().filter(|_| !place.is_template()) {
            let message = format_args!(
                "the claim names no class, and the tenant lists some in `storage.classes`; {}",
                Advice(Some(listed))
            );
            self.add(place, "spec.storageClassName", &message, "none");
        }
    }

    fn selector(&mut self, place: &ClaimPlace<'_>, spec: &ClaimSpec<'_>) {
        let Some(selector) = &spec.selector else { return };
        if selector.match_labels.iter().next().is_some() || !selector.match_expressions.is_empty() {
            let message = "selects any free volume with these labels, which may be another tenant's; remove the \
                           selector, or ask the platform team to list a volume in the tenant's `storage.volumes`, and \
                           write it as `volumeName`";
            let identity = fmt::from_fn(|f| {
                selector.match_labels.iter().try_for_each(|(key, value)| write!(f, "{key}={value} "))?;
                selector
                    .match_expressions
                    .iter()
                    .try_for_each(|one| write!(f, "{} {} {:?} ", one.key, one.operator, one.values))
            });
            self.add(place, "spec.selector", &message, &identity);
        }
    }

    fn attributes_class(&mut self, place: &ClaimPlace<'_>, class: &str) {
        if let Some(listed) = &self.tenant.storage.attributes_classes
            && !class.is_empty()
            && !listed.contains(class)
        {
            let message = format_args!(
                "class `{}` is not in the tenant's `storage.attributesClasses`; use {}",
                Escaped(class),
                OneOf(listed)
            );
            self.add(place, "spec.volumeAttributesClassName", &message, class);
        }
    }

    fn data_source(&mut self, place: &ClaimPlace<'_>, field: &str, source: &DataSource<'_>) {
        let DataSource { api_group: group, kind, namespace, name } = source;
        let identity = format_args!("{group}/{kind} {namespace}/{name}");
        if !SOURCES.contains(&(&**group, &**kind)) {
            let message = format_args!(
                "the volumes behind kind `{}` of group `{}` are not known here; use a PersistentVolumeClaim or a \
                 VolumeSnapshot of the tenant",
                Escaped(kind),
                Escaped(group)
            );
            self.add(place, field, &message, identity);
        } else if !namespace.is_empty() && !self.own.has(namespace) {
            let message = format_args!(
                "copies from `{}/{}`, which is not in a namespace of the tenant; name an object in one \
                 of its namespaces",
                Escaped(namespace),
                Escaped(name)
            );
            self.add(place, field, &message, identity);
        }
    }
}

/// Formats what to write as the class.
struct Advice<'l>(Option<&'l [Box<str>]>);

impl fmt::Display for Advice<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(listed) => write!(f, "use {}", OneOf(listed)),
            None => {
                f.write_str("name a class, or leave the field out, which means the cluster's default class")
            }
        }
    }
}
