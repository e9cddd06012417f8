//! `storage`: volumes, classes, snapshots and data sources are the tenant's own.
//!
//! A PersistentVolumeClaim is a request to controllers that act for all tenants. A claim that names a volume, or
//! selects one by labels, gets any volume that is free, with whatever is on it. The binder takes the volume from every
//! claim without a class that it fits. A StorageClass may stand for another tenant's key, share or disks. So a tenant's
//! claim may name only volumes and classes that the Tenant lists. Kubernetes prefers the class in the old annotation
//! `volume.beta.kubernetes.io/storage-class` to the one in the field; the rule judges both.
//!
//! Controllers also act on annotations of claims: `volume.kubernetes.io/selected-node` makes a provisioner run a pod on
//! that node, and several drivers adopt a volume that exists in the storage system by the name in an annotation. Only
//! the binder and the schedulers write the annotations of Kubernetes itself, and those of provisioners must be known to
//! be harmless. A key of an unknown domain is denied if its words speak of adopting or placing a volume.
//!
//! The rule judges claims, and the templates of claims in StatefulSets and in pods. It judges VolumeSnapshots and
//! VolumeGroupSnapshots, which could be bound to the content of another tenant's snapshot. Of inline volumes it allows
//! only the drivers that the Tenant lists, and their attributes may not name namespaces of others; the rule
//! `certificate-names` judges the attributes of the CSI driver of cert-manager as the Certificate that they stand for.
//!
//! Annotations of a claim can be changed by a write to its status too, and are judged there alike. Which content a
//! snapshot has is in its status, and only components of the cluster may write it.
//!
//! Outside tenants, claims may name neither a volume nor a node, since both may be a tenant's.
//!
//! The rule does not see:
//!
//! - which volumes are free in a class that a tenant may use: give each volume that is made by hand a `claimRef`;
//! - the default class: without one, a claim that names no class gets any volume without a class;
//! - folders that a provisioner names after the claim, and that two namespaces can therefore share (`a-b` and `c`, `a`
//!   and `b-c`): use a separator that names cannot contain;
//! - the fields of a claim's status, such as its capacity, which resizers and kubelets write.

mod annotations;
mod check;
mod claims;
mod drivers;
mod outside;
mod snapshots;

pub(crate) use self::check::VOLUME_CONTROLLERS;
use self::check::{ClaimPlace, StorageCheck, Writer};
use crate::judging::{About, Findings, OwnNamespaces, Subject};
use crate::objects::object::Object;

pub(super) fn check(subject: &Subject<'_, '_>, findings: &mut Findings<'_>) {
    let Some(tenant) = subject.tenant() else {
        outside::check(subject, findings);
        return;
    };
    let (own, writer) = (OwnNamespaces::of(subject), Writer::of(subject));
    let mut check = StorageCheck { subject, tenant, own, writer, findings };
    match subject.object {
        Object::Unstructured(object) => check.object(object),
        Object::Status(object) => check.status(object),
        Object::TemplateOwner(owner) => {
            for (index, template) in owner.spec.volume_claim_templates.iter().enumerate() {
                let path = format_args!("spec.volumeClaimTemplates[{index}].");
                check.template(
                    &ClaimPlace { path: &path, template: Some(index), about: About::Whole },
                    template,
                );
            }
            check.volumes();
        }
        Object::Pod(_) | Object::CronJob(_) | Object::PodTemplate(_) => check.volumes(),
        Object::PodStatus(_)
        | Object::Service(_)
        | Object::Ingress(_)
        | Object::Binding(_)
        | Object::Endpoints(_)
        | Object::Route(_)
        | Object::Gateway(_)
        | Object::OpenShiftRoute(_)
        | Object::Certificate(_)
        | Object::Unread
        | Object::Missing => {}
    }
}
