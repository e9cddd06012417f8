//! Decides a review: stamps the object when the API server mutates, checks the rules when it validates.

use serde_json::value::RawValue;

use crate::api::Mode;
use crate::json::{Escaped, Text};
use crate::judging::{OldViolations, Report, Subject, Update, changes_containers};
use crate::objects::kinds::{Shape, is_read_whatever_the_kind};
use crate::objects::object::{Object, decode_as, is_without_spec};
use crate::review::{self, DecodeError, NotAReview, Operation, Request, Undecodable};
use crate::tenancy::{Owner, Snapshot};
use crate::verdict::{Denial, Undecidable, Verdict};
use crate::{rules, stamp};

/// Names the webhook that the API server calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// `/mutate`: stamps pods and DaemonSets, and denies only requests that it cannot decode or decide.
    Mutate,
    /// `/validate`: checks the rules.
    Validate,
}

/// Holds a verdict and the uid of the request that it answers.
#[derive(Debug)]
pub struct Answer<'a> {
    /// The request's uid.
    pub uid: Text<'a>,
    /// The verdict.
    pub verdict: Verdict,
}

/// Decodes a review from its bytes and decides it.
///
/// Returns an error, which becomes HTTP 400, if the body has no uid that an answer could echo.
pub fn answer<'a>(phase: Phase, body: &'a [u8], snapshot: &Snapshot) -> Result<Answer<'a>, NotAReview> {
    match review::decode(body) {
        Ok(request) => {
            let verdict = admit(phase, &request, snapshot);
            Ok(Answer { uid: request.uid, verdict })
        }
        Err(DecodeError::Undecodable(undecodable)) => Ok(undecidable(undecodable, snapshot)),
        Err(DecodeError::NotAReview(error)) => Err(error),
    }
}

fn undecidable<'a>(undecodable: Undecodable, snapshot: &Snapshot) -> Answer<'a> {
    let is_system = matches!(snapshot.owner(&undecodable.namespace), Owner::System);
    let verdict = match undecodable.shape {
        // partywall judges only Namespace objects in system namespaces, so the other kinds need not decode.
        Some(shape) if is_system && shape != Shape::Namespace => Verdict::allow(),
        Some(_) | None => {
            let message = format!("{undecodable}, so it cannot be judged; correct that field");
            Verdict::undecodable(&undecodable.path, message)
        }
    };
    Answer { uid: undecodable.uid.into(), verdict }
}

/// Decides a decoded request.
pub fn admit(phase: Phase, request: &Request<'_>, snapshot: &Snapshot) -> Verdict {
    let owner = snapshot.owner(request.name_of_namespace());
    // The rules apply to a system namespace's own Namespace object like to any other.
    if matches!(owner, Owner::System) && request.shape != Shape::Namespace {
        return Verdict::allow();
    }
    let (new, old) = match &request.operation {
        Operation::Delete { old } if request.shape == Shape::Unstructured && phase == Phase::Validate => {
            return judge_deletion(request, owner, snapshot, *old);
        }
        Operation::Delete { .. } | Operation::Connect => return Verdict::allow(),
        Operation::Create { new } => (new, None),
        Operation::Update { new, old } => (new, *old),
    };
    match new {
        Object::Missing if request.shape != Shape::Other => {
            return Verdict::undecidable(
                Undecidable::Invalid,
                "`object` is null where there should be one; send the object",
            );
        }
        Object::Missing | Object::Unread | Object::Unstructured(_)
            if matches!(request.shape, Shape::Other | Shape::Unstructured) && is_to_be_read(request) =>
        {
            let slash = if request.subresource.is_empty() { "" } else { "/" };
            let message = format!(
                "`{}` on {}{slash}{} is not known here, so it cannot be judged",
                Escaped(&request.kind_name),
                Escaped(&request.resource),
                Escaped(&request.subresource)
            );
            return Verdict::undecidable(Undecidable::Invalid, message);
        }
        Object::Missing | Object::Unread => return Verdict::allow(),
        Object::Pod(pod) if pod.spec.is_none() => {
            return Verdict::undecidable(
                Undecidable::Invalid,
                "`spec` is missing, so it cannot be judged; write it",
            );
        }
        Object::Pod(_)
        | Object::TemplateOwner(_)
        | Object::CronJob(_)
        | Object::PodTemplate(_)
        | Object::Service(_)
        | Object::Ingress(_)
        | Object::Binding(_)
        | Object::Endpoints(_)
        | Object::Route(_)
        | Object::Gateway(_)
        | Object::OpenShiftRoute(_)
        | Object::Certificate(_)
        | Object::Unstructured(_) => {}
    }
    let subject = Subject { request, object: new, old: None, bound_node: None, owner, snapshot };
    if is_shown_by_kubelet(&subject) {
        return Verdict::allow();
    }
    match phase {
        Phase::Mutate => Verdict { patch: stamp::stamp(&subject), ..Verdict::default() },
        Phase::Validate => judge(&subject, old),
    }
}

/// Returns whether a resource or subresource may carry fields that a rule reads.
///
/// partywall cannot judge an object of an unknown kind there, nor any object in an unknown group of Kubernetes' own.
fn is_to_be_read(request: &Request<'_>) -> bool {
    let Request { resource_group: group, resource, subresource, .. } = request;
    (is_read_whatever_the_kind(group, resource) || Shape::is_in_unknown_own_group(group))
        && !is_without_spec(subresource)
}

/// Returns whether a kubelet creates the mirror pod of a static pod.
///
/// The static pod runs already, and a kubelet does not run mirror pods. The API server lets a kubelet create mirror
/// pods for its own node only.
fn is_shown_by_kubelet(subject: &Subject<'_, '_>) -> bool {
    let user = &subject.request.user;
    matches!(subject.request.operation, Operation::Create { .. })
        && subject.pod().is_some_and(|pod| pod.is_mirror())
        && user.username.starts_with("system:node:")
        && user.groups.iter().any(|group| &**group == "system:nodes")
}

/// Checks the rules on an object that the request deletes.
fn judge_deletion(
    request: &Request<'_>,
    owner: Owner<'_>,
    snapshot: &Snapshot,
    old: Option<&RawValue>,
) -> Verdict {
    match old.map(|raw| decode_as(request.shape, &request.subresource, raw)) {
        // Without an old object there is nothing to judge.
        None => Verdict::allow(),
        Some(Ok(old)) => judge(
            &Subject { request, object: &old, old: Some(&old), bound_node: None, owner, snapshot },
            None,
        ),
        Some(Err(error)) => {
            let message = format!("{error}, so it cannot be judged");
            Verdict::undecodable(&error.path, message)
        }
    }
}

/// Checks the rules, and on an update reports only violations that the old object does not have.
fn judge<'a>(subject: &Subject<'_, 'a>, raw: Option<&'a RawValue>) -> Verdict {
    // An old object that does not decode excuses no violation of the new one.
    let decode = |raw| decode_as(subject.request.shape, &subject.request.subresource, raw).ok();
    let is_compared = matches!(subject.request.shape, Shape::Namespace | Shape::Unstructured);
    let compared = raw.filter(|_| is_compared).and_then(decode);
    // A running pod names its node, and nearly always did so before the update. The first check assumes this, and the
    // code looks the old node up only if nothing else is wrong with the pod: it costs more to decode and judge the
    // old pod.
    let bound_node = raw.and_then(|_| node(subject.object));
    let subject = &Subject { old: subject.old.or(compared.as_ref()), ..*subject };
    let report = ask(&Subject { bound_node, ..*subject }, None);
    let is_bound = || bound_node.is_none() || raw.and_then(review::node_of).as_deref() == bound_node;
    if report.violations.is_empty() && is_bound() {
        return verdict(subject, report);
    }
    // Violations are rare, so the code decodes old objects of the other kinds only now.
    let decoded = raw.filter(|_| !is_compared).and_then(decode);
    let Some(old) = compared.as_ref().or(decoded.as_ref()) else {
        let report = if bound_node.is_some() { ask(subject, None) } else { report };
        return verdict(subject, report);
    };
    let mut old_violations = OldViolations::default();
    rules::check(&Subject { object: old, old: None, ..*subject }, &mut old_violations);
    let in_full = changes_containers(old, subject.object);
    verdict(subject, ask(subject, Some(Update { old: &old_violations, in_full })))
}

/// Returns the node that a pod names.
fn node<'s>(object: &'s Object<'_>) -> Option<&'s str> {
    let Object::Pod(pod) = object else { return None };
    pod.spec.as_ref().map(|spec| &*spec.node_name).filter(|node| !node.is_empty())
}

fn verdict(subject: &Subject<'_, '_>, report: Report<'_>) -> Verdict {
    // The usual pod violates no rule, and its verdict needs no text.
    if report.totals.is_empty() {
        return Verdict { exempted: report.used, ..Verdict::default() };
    }
    let denies = report.totals.iter().any(|total| total.mode == Mode::Deny);
    let denial = denies.then_some(Denial::Forbidden);
    Verdict {
        denial,
        patch: None,
        violations: report.violations,
        totals: report.totals,
        exempted: report.used,
        whose: match subject.owner {
            Owner::Tenant(tenant) => format!("tenant `{}`", tenant.name),
            Owner::System | Owner::Unclaimed => {
                format!("namespace `{}`", Escaped(subject.request.name_of_namespace()))
            }
        },
    }
}

/// Checks the rules on the subject's object.
fn ask<'f>(subject: &Subject<'f, 'f>, update: Option<Update<'f>>) -> Report<'f> {
    let mut report = Report::new(subject, update);
    rules::check(subject, &mut report);
    report
}
