//! `ingress-class`: an Ingress names one class, and one that its tenant may use.
//!
//! The class is in the field `ingressClassName`, or in an annotation. The annotation is older than the field, and some
//! controllers have their own keys for it. An Ingress can have several of them, and controllers disagree on which one
//! counts, and on whether an empty one does. So all of them must be equal.

use std::fmt;

use crate::json::Escaped;
use crate::judging::{Findings, OneOf, Subject};
use crate::objects::ingress::names_class;
use crate::objects::object::Object;
use crate::tenancy::ListedNames;

const FIELD: &str = "spec.ingressClassName";

pub(super) fn check(subject: &Subject<'_, '_>, findings: &mut Findings<'_>) {
    let (Object::Ingress(ingress), Some(tenant)) = (subject.object, subject.tenant()) else { return };
    let classes = tenant.ingress_classes.as_ref();
    let is_foreign = |class: &str| classes.is_some_and(|classes| !classes.contains(class));
    let named = &*ingress.spec.ingress_class_name;
    let mut first = Some(named).filter(|named| !named.is_empty());
    if first.is_some_and(is_foreign) {
        foreign(&FIELD, named, classes, findings);
    }
    for (key, class) in ingress.metadata.annotations.iter().filter(|(key, _)| names_class(key)) {
        let field = format_args!("metadata.annotations[{}]", Escaped(key));
        let other = *first.get_or_insert(class);
        if other != class {
            let message = format_args!(
                "names class `{}`, but the Ingress also names `{}`, and controllers disagree on which of them counts; \
                 name one class, only in `{FIELD}`",
                Escaped(class),
                Escaped(other)
            );
            findings.add_whole(&field, &message, &format_args!("{key}={class} beside {}", Escaped(other)));
        }
        if is_foreign(class) {
            foreign(&field, class, classes, findings);
        }
    }
    if let (Some(classes), None) = (classes, first) {
        let message =
            format_args!("without a class any controller may serve the Ingress; write {}", OneOf(classes));
        findings.add_whole(&FIELD, &message, &"no class");
    }
}

fn foreign(
    field: &dyn fmt::Display,
    class: &str,
    classes: Option<&ListedNames>,
    findings: &mut Findings<'_>,
) {
    let allowed = OneOf(classes.map_or(&[], |classes| &**classes));
    let message = format_args!(
        "`{}` is not in the tenant's `ingressClasses`; use {allowed}, or ask the platform team to list it there",
        Escaped(class)
    );
    findings.add_whole(field, &message, &format_args!("class {class}"));
}
