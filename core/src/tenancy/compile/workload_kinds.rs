//! Compiles kinds of other APIs whose controllers create pods.

use super::mistakes::{At, Mistakes};
use super::names;
use crate::api::{self, GROUP};
use crate::objects::foreign_apis;
use crate::objects::kinds::{Shape, Topic, row};
use crate::tenancy::{ForeignRoute, HostPath, Step, TemplatePath, WorkloadKind};

/// Limits the length of a path, since each step reads all text below it.
const STEPS: usize = 8;

pub(super) fn compile(at: &At, written: &[api::WorkloadKind], mistakes: &mut Mistakes) -> Vec<WorkloadKind> {
    let mut kinds: Vec<WorkloadKind> = Vec::with_capacity(written.len());
    for (index, written) in written.iter().enumerate() {
        let path = format!("spec.workloadKinds[{index}]");
        let api::WorkloadKind { group, kind, resource, template } = written;
        if !names::is_subdomain(group) || !group.contains('.') {
            let message = "this is no API group; write it without a version, such as `argoproj.io`";
            mistakes.error(at, format!("{path}.group"), group, message);
        }
        if kind.is_empty() || !kind.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            let message = "this is no kind; write it as Kubernetes spells it, such as `Rollout`";
            mistakes.error(at, format!("{path}.kind"), kind, message);
        } else if is_read(group, kind) {
            let message = "a rule reads objects of this kind already, and judges them as a whole; remove it";
            mistakes.error(at, format!("{path}.kind"), kind, message);
        }
        if !names::is_dns_label(resource) {
            let message = "this is no resource; write the plural as in the kind's CustomResourceDefinition, such as \
                           `rollouts`";
            mistakes.error(at, format!("{path}.resource"), resource, message);
        }
        if kinds.iter().any(|other| *other.group == **group && *other.kind == **kind) {
            mistakes.error(at, format!("{path}.kind"), kind, "this kind is listed twice; remove one of them");
        }
        kinds.push(WorkloadKind {
            group: group.as_str().into(),
            kind: kind.as_str().into(),
            resource: resource.as_str().into(),
            template: template
                .as_deref()
                .and_then(|template| path_of(at, &format!("{path}.template"), template, mistakes)),
        });
    }
    kinds
}

/// Adds an error for each kind that the Settings list among the foreign routes too.
pub(super) fn refuse_routes(
    at: &At,
    kinds: &[WorkloadKind],
    routes: &[ForeignRoute],
    mistakes: &mut Mistakes,
) {
    for (index, kind) in kinds.iter().enumerate() {
        if routes.iter().any(|route| route.group == kind.group && route.kind == kind.kind) {
            let message =
                "this kind is one of `foreignRoutes` too, whose rule reads its objects; remove one of them";
            mistakes.error(at, format!("spec.workloadKinds[{index}].kind"), &*kind.kind, message);
        }
    }
}

fn is_read(group: &str, kind: &str) -> bool {
    Shape::of(group, kind) != Shape::Unstructured
        // Of these a rule reads only the priority class.
        || row(group, kind).is_some_and(|row| row.topic != Topic::PodGroups)
        || Shape::is_in_gateway_api(group)
        || foreign_apis::is_denied(group, kind)
        || group == GROUP
}

fn path_of(at: &At, path: &str, text: &str, mistakes: &mut Mistakes) -> Option<TemplatePath> {
    let is_read = |parsed: &HostPath| {
        let is_unread = match parsed.steps() {
            [Step::Field(first), ..] => matches!(&**first, "metadata" | "status" | "apiVersion" | "kind"),
            [Step::Items, ..] | [] => true,
        };
        !is_unread && parsed.steps().len() <= STEPS
    };
    let parsed = HostPath::parse(text).filter(is_read);
    if parsed.is_none() {
        let message = format!(
            "this is no path to pod templates; write at most {STEPS} fields and lists, such as `.spec.template` or \
             `.spec.tasks[*].template`"
        );
        mistakes.error(at, path, text, message);
    }
    parsed.map(TemplatePath::new)
}
