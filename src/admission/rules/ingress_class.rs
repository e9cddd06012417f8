//! `ingress-class`: it is certain which controller serves an Ingress, and it is one that the tenant may use.
//!
//! A class is named in the spec, or in an annotation that is older than the field. The API server lets both be
//! written, one after the other, and controllers disagree on which of them counts; so they must agree.

use std::fmt;

use super::findings::Listed;
use super::{Findings, Subject};
use crate::admission::record::Cut;
use crate::admission::review::Object;

const FIELD: &str = "spec.ingressClassName";
const ANNOTATION: &str = "kubernetes.io/ingress.class";

pub(super) fn check(subject: &Subject<'_, '_>, findings: &mut Findings<'_>) {
    let (Object::Ingress(ingress), Some(tenant)) = (subject.object, subject.tenant()) else { return };
    let named = &*ingress.spec.ingress_class_name;
    let annotated = ingress.metadata.annotations.get(ANNOTATION).unwrap_or_default();
    let annotation = format_args!("metadata.annotations[{ANNOTATION}]");
    if !named.is_empty() && !annotated.is_empty() && named != annotated {
        let message = format_args!(
            "names class `{}`, and `{FIELD}` names `{}`: controllers disagree on which of them counts; remove the \
             annotation",
            Cut(annotated),
            Cut(named)
        );
        findings.add_whole(&annotation, &message, &format_args!("{annotated} beside {named}"));
    }
    let Some(classes) = &tenant.ingress_classes else { return };
    if named.is_empty() && annotated.is_empty() {
        let message = format_args!("without a class any controller may serve it; use {}", Listed(classes));
        findings.add_whole(&FIELD, &message, &"no class");
    }
    let fields: [(&dyn fmt::Display, &str); 2] = [(&FIELD, named), (&annotation, annotated)];
    for (field, class) in fields.into_iter().filter(|(_, class)| !class.is_empty()) {
        if !classes.iter().any(|listed| **listed == *class) {
            let allowed = Listed(classes);
            let message = format_args!("`{}` is no ingress class of the tenant; use {allowed}", Cut(class));
            findings.add_whole(field, &message, &format_args!("class {class}"));
        }
    }
}
