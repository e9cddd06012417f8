//! `copied-objects`: no controller copies Secrets and the like between a tenant and others.
//!
//! Replicators, reflectors and importers act for all tenants. They write a Secret of one namespace into others, or
//! fetch it from others, because an annotation or a field says so. A tenant could plant Secrets, Roles and network
//! policies in other namespaces, and read what was only meant for another one. So annotations and fields that name a
//! namespace must name the tenant's own, by exact name or by a selector that only they match; what cannot be decided
//! is denied.
//!
//! The rule judges the annotations of Secrets, ConfigMaps, Services, ServiceAccounts, Roles, their bindings and network
//! policies, and the annotations that controllers copy onto Secrets: those in a Certificate, a SealedSecret, an
//! ExternalSecret, a PushSecret, a SecretProviderClass and the kinds of Vault's operator. A key of an unknown domain is
//! denied if its words speak of copying between namespaces. The rule also judges fields that name namespaces: Secrets
//! in a CiliumNetworkPolicy, SecretStores that read other namespaces, PushSecrets into the stores of all tenants, the
//! exports and imports of Carvel, and the Secrets that Doppler's and Infisical's operators read and write. A
//! SecretStore must have credentials of its own, since it would otherwise use those of the operator. A SealedSecret may
//! not be `cluster-wide`: anybody with a copy of it could have it unsealed.
//!
//! Components of the cluster, which run in system namespaces, and the platform team may write all of these.
//!
//! The rule does not see:
//!
//! - which Secrets of a shared store an ExternalSecret reads: restrict each ClusterSecretStore by `conditions`;
//! - what other operators read with credentials of their own, such as those of 1Password and Azure Key Vault to
//!   Kubernetes: give each tenant an instance, or leave these kinds out of its roles;
//! - cluster-scoped objects that copy, and labels by which they select: these are the platform's.

mod annotations;
mod references;

use std::fmt;

use serde_json::value::RawValue;

use self::annotations::{Keys, names_others};
use self::references::Reference;

use crate::json::{Escaped, Pairs, Path, Visit, walk, without_position};
use crate::judging::trusted_users::is_of_cluster;
use crate::judging::{Findings, OwnNamespaces, Subject};
use crate::objects::kinds::{Shape, Topic, row};
use crate::objects::object::Object;
use crate::tenancy::Tenant;

pub(super) fn check(subject: &Subject<'_, '_>, findings: &mut Findings<'_>) {
    let Some(tenant) = subject.tenant() else { return };
    let request = subject.request;
    if is_of_cluster(&request.user, subject.snapshot) {
        return;
    }
    let is_of_copies = row(&request.group, &request.kind_name)
        .is_some_and(|row| matches!(row.topic, Topic::Secrets | Topic::Copies | Topic::Managed));
    let keys = if is_of_copies { Keys::AnyDomain } else { Keys::KnownDomains };
    let mut check = CopyCheck {
        subject,
        tenant,
        own: OwnNamespaces::of(subject),
        keys,
        is_other_cluster: false,
        findings,
    };
    match subject.object {
        Object::Unstructured(object) if request.shape == Shape::Unstructured => {
            check.metadata(&object.metadata.annotations);
            if &*request.kind_name == "SecretStore" {
                let spec = object.get("spec");
                check.is_other_cluster = spec.is_some_and(references::is_other_cluster);
                if let Some(field) = spec.and_then(references::lacks_credentials) {
                    let message = "without credentials of its own, this store reads and writes all that the operator \
                                   may, for all tenants; name a Secret or a ServiceAccount of this namespace, or ask \
                                   the platform team for an Exemption";
                    check.findings.add_whole(&field, &message, &"credentials of the operator");
                }
            }
            // Neither the data of Secrets nor that of ConfigMaps names anything.
            if !request.group.is_empty() {
                for (name, raw) in &object.content {
                    check.content(name, raw);
                }
            }
        }
        Object::Certificate(certificate) => {
            check.keys = Keys::AnyDomain;
            check.metadata(&certificate.metadata.annotations);
            if let Some(template) = certificate.spec.secret_template {
                check.content("spec.secretTemplate", template);
            }
        }
        Object::Service(service) => check.metadata(&service.metadata.annotations),
        Object::Unstructured(_)
        | Object::Pod(_)
        | Object::PodStatus(_)
        | Object::TemplateOwner(_)
        | Object::CronJob(_)
        | Object::PodTemplate(_)
        | Object::Ingress(_)
        | Object::Binding(_)
        | Object::Endpoints(_)
        | Object::Route(_)
        | Object::Gateway(_)
        | Object::OpenShiftRoute(_)
        | Object::Status(_)
        | Object::Unread
        | Object::Missing => {}
    }
}

/// Judges what an object of a tenant has copied.
struct CopyCheck<'c, 'f, 's, 'a> {
    subject: &'s Subject<'s, 'a>,
    tenant: &'s Tenant,
    own: OwnNamespaces<'s>,
    keys: Keys,
    /// True if the object names the API server of another cluster.
    is_other_cluster: bool,
    findings: &'c mut Findings<'f>,
}

impl CopyCheck<'_, '_, '_, '_> {
    fn metadata(&mut self, annotations: &Pairs<'_>) {
        self.annotations(&Path::ROOT.key("metadata").key("annotations"), annotations);
    }

    fn content(&mut self, name: &str, raw: &RawValue) {
        if let Err(error) = walk(&Path::ROOT.key(name), raw, self) {
            let error = without_position(&error.to_string());
            let message = format_args!("this cannot be read: {}; correct it", Escaped(&error));
            self.findings.add_whole(&Escaped(name), &message, &raw.get());
        }
    }
}

impl Visit for CopyCheck<'_, '_, '_, '_> {
    fn text(&mut self, path: &Path<'_>, text: &str) {
        let request = self.subject.request;
        let Some(reference) = Reference::of(&request.group, &request.kind_name, path) else { return };
        let advice = "or ask the platform team for an Exemption";
        let message = fmt::from_fn(|f| match reference {
            Reference::Namespace | Reference::NamespaceOfServer => {
                write!(
                    f,
                    "`{}` is not a namespace of the tenant; name one of its namespaces, {advice}",
                    Escaped(text)
                )
            }
            Reference::StoreKind => write!(
                f,
                "a ClusterSecretStore is shared with other tenants, whose Secrets it could overwrite; use a \
                 SecretStore of this namespace, {advice}"
            ),
            Reference::Undecidable => write!(
                f,
                "it cannot be decided that only namespaces of the tenant match; name namespaces of the tenant, {advice}"
            ),
        });
        let is_own = match reference {
            Reference::Namespace => self.own.has(text),
            Reference::NamespaceOfServer => self.is_other_cluster || self.own.has(text),
            Reference::StoreKind => text != "ClusterSecretStore",
            Reference::Undecidable => false,
        };
        if !is_own {
            // The path may be long and the violations many, so the identity has only what the field names.
            self.findings.add_whole(path, &message, &format_args!("{reference:?} {text}"));
        }
    }

    fn annotations(&mut self, path: &Path<'_>, annotations: &Pairs<'_>) {
        for (key, value) in annotations.iter() {
            let is_listed = || self.tenant.annotations.iter().any(|listed| **listed == *key);
            if !names_others((key, value), annotations, &self.own, self.keys) || is_listed() {
                continue;
            }
            let message = "a controller may copy this object, or another one, between namespaces of the tenant and \
                           others; name namespaces of the tenant by their exact names, or remove the annotation, or \
                           ask the platform team to list its key in the tenant's `annotations`";
            let field = format_args!("{path}[{}]", Escaped(key));
            self.findings.add_whole(&field, &message, &format_args!("{key}={value}"));
        }
    }
}
