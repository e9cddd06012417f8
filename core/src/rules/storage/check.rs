//! Judges one object, and reports what is wrong with it.

use std::fmt;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::json::{Escaped, without_position};
use crate::judging::trusted_users::is_outside_tenants;
use crate::judging::{About, Finding, Findings, OwnNamespaces, Subject};
use crate::objects::claim::{ClaimSpec, ClaimTemplate, SnapshotSpec, SnapshotStatus};
use crate::objects::unstructured::{ObjectStatus, Unstructured};
use crate::tenancy::{ListedNames, Tenant};

/// Users of the control plane whose writes to claims are not judged: they bind claims and choose nodes for volumes.
///
/// Without `--use-service-account-credentials` the binder has the name of all controllers.
pub(crate) const VOLUME_CONTROLLERS: &[&str] = &[
    "system:kube-scheduler",
    "system:kube-controller-manager",
    "system:serviceaccount:kube-system:persistent-volume-binder",
];

/// Judges one object of a tenant.
pub(super) struct StorageCheck<'c, 'f, 's, 'a> {
    pub(super) subject: &'s Subject<'s, 'a>,
    pub(super) tenant: &'s Tenant,
    pub(super) own: OwnNamespaces<'s>,
    pub(super) writer: Writer,
    pub(super) findings: &'c mut Findings<'f>,
}

/// Tells what the user of a request may write beside what tenants may.
#[derive(Clone, Copy)]
pub(super) struct Writer {
    /// True for the users in [`VOLUME_CONTROLLERS`], and for those that Settings list in `controllers.volumes`.
    pub(super) may_bind: bool,
    /// True for those users, and for schedulers that Settings list in `controllers.bindings`.
    pub(super) may_select_nodes: bool,
}

impl Writer {
    pub(super) fn of(subject: &Subject<'_, '_>) -> Self {
        let user = &*subject.request.user.username;
        let controllers = &subject.snapshot.controllers;
        let is_listed = |listed: &ListedNames| listed.contains(user);
        let may_bind = VOLUME_CONTROLLERS.contains(&user) || is_listed(&controllers.volumes);
        Self { may_bind, may_select_nodes: may_bind || is_listed(&controllers.bindings) }
    }
}

/// Locates a claim in an object: the object itself, or a template in it.
pub(super) struct ClaimPlace<'p> {
    /// The path of the claim in the object, with a dot at its end unless it is empty.
    pub(super) path: &'p dyn fmt::Display,
    /// The index of the template, if it is one.
    pub(super) template: Option<usize>,
    /// The part of the object that findings are about.
    pub(super) about: About<'p>,
}

impl ClaimPlace<'_> {
    /// Locates an object that is no template.
    pub(super) const WHOLE: Self = Self { path: &"", template: None, about: About::Whole };

    pub(super) const fn is_template(&self) -> bool {
        self.template.is_some()
    }
}

impl StorageCheck<'_, '_, '_, '_> {
    pub(super) fn object(&mut self, object: &Unstructured<'_>) {
        let request = self.subject.request;
        match (&*request.group, &*request.kind_name) {
            ("", "PersistentVolumeClaim") if !VOLUME_CONTROLLERS.contains(&&*request.user.username) => {
                self.annotations(&ClaimPlace::WHOLE, &object.metadata.annotations);
                if let Some(spec) = self.decode::<ClaimSpec<'_>>(object.get("spec")) {
                    self.claim(&ClaimPlace::WHOLE, &spec, &object.metadata.annotations);
                }
            }
            ("snapshot.storage.k8s.io", "VolumeSnapshot")
            | (
                "groupsnapshot.storage.k8s.io" | "groupsnapshot.storage.openshift.io",
                "VolumeGroupSnapshot",
            ) => {
                self.annotations(&ClaimPlace::WHOLE, &object.metadata.annotations);
                if let Some(spec) = self.decode::<SnapshotSpec<'_>>(object.get("spec")) {
                    self.snapshot(&spec);
                }
            }
            _ => {}
        }
    }

    /// Judges a write to a status: the annotations of a claim, and the content of a snapshot.
    pub(super) fn status(&mut self, object: &ObjectStatus<'_>) {
        let request = self.subject.request;
        match (&*request.group, &*request.kind_name) {
            ("", "PersistentVolumeClaim") if !VOLUME_CONTROLLERS.contains(&&*request.user.username) => {
                self.annotations(&ClaimPlace::WHOLE, &object.metadata.annotations);
            }
            ("snapshot.storage.k8s.io", "VolumeSnapshot")
            | (
                "groupsnapshot.storage.k8s.io" | "groupsnapshot.storage.openshift.io",
                "VolumeGroupSnapshot",
            ) if !is_outside_tenants(&request.user, self.subject.snapshot) => self.content(object),
            _ => {}
        }
    }

    /// Judges the content that a status binds a snapshot to.
    fn content(&mut self, object: &ObjectStatus<'_>) {
        let Some(raw) = object.get() else { return };
        match serde_json::from_str::<Option<SnapshotStatus<'_>>>(raw.get()) {
            Ok(status) => {
                let SnapshotStatus { content, group_content } = status.unwrap_or_default();
                for (field, content) in [
                    ("status.boundVolumeSnapshotContentName", content),
                    ("status.boundVolumeGroupSnapshotContentName", group_content),
                ] {
                    if !content.is_empty() {
                        let message = format_args!(
                            "the content `{}` may be a snapshot of another tenant's volume, and only the cluster's \
                             controllers may bind a snapshot to it; leave this field as it is",
                            Escaped(&content)
                        );
                        self.add(&ClaimPlace::WHOLE, field, &message, &content);
                    }
                }
            }
            Err(error) => {
                let error = without_position(&error.to_string());
                let message = format_args!("this status cannot be read: {}; correct it", Escaped(&error));
                self.findings.add_whole(&"status", &message, &raw.get());
            }
        }
    }

    pub(super) fn template(&mut self, place: &ClaimPlace<'_>, template: &ClaimTemplate<'_>) {
        self.annotations(place, &template.metadata.annotations);
        self.claim(place, &template.spec, &template.metadata.annotations);
    }

    /// Decodes a spec, or reports that it does not decode.
    fn decode<'r, T: Deserialize<'r> + Default>(&mut self, raw: Option<&'r RawValue>) -> Option<T> {
        match serde_json::from_str::<Option<T>>(raw?.get()) {
            Ok(spec) => Some(spec.unwrap_or_default()),
            Err(error) => {
                let error = without_position(&error.to_string());
                let message = format_args!("this spec cannot be read: {}; correct it", Escaped(&error));
                self.findings.add_whole(&"spec", &message, &raw?.get());
                None
            }
        }
    }

    /// Reports a violation. Its identity is the template, the field without its path, and the value.
    pub(super) fn add(
        &mut self,
        place: &ClaimPlace<'_>,
        field: impl fmt::Display,
        message: &dyn fmt::Display,
        value: impl fmt::Display,
    ) {
        let identity = fmt::from_fn(|f| {
            if let Some(index) = place.template {
                write!(f, "{index} ")?;
            }
            write!(f, "{field}={value}")
        });
        self.findings.add(Finding {
            control: None,
            field: &format_args!("{}{field}", place.path),
            message,
            identity: &identity,
            about: place.about,
        });
    }
}
