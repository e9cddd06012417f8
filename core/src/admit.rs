//! Decides a review: the stamp when the API server mutates, the rules when it validates.

use serde_json::value::RawValue;

use crate::api::Mode;
use crate::json::{Escaped, Text};
use crate::judging::{OldViolations, Report, Subject, Update, changes_containers};
use crate::objects::kinds::{Kind, is_read_whatever_the_kind};
use crate::objects::object::{Object, decode_as, is_without_spec};
use crate::review::{self, DecodeError, NotAReview, Operation, Request, Undecodable};
use crate::tenancy::{Owner, Snapshot};
use crate::verdict::{Denial, Undecidable, Verdict};
use crate::{rules, stamp};

/// Which of the two webhooks is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// `/mutate`: stamps, and denies nothing but what it cannot read.
    Mutate,
    /// `/validate`: asks the rules.
    Validate,
}

/// A verdict and the uid it answers.
#[derive(Debug)]
pub struct Answer<'a> {
    /// The request's uid.
    pub uid: Text<'a>,
    /// The verdict.
    pub verdict: Verdict,
}

/// Decides a review from its bytes. The error is for HTTP 400: there is nothing to answer to.
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
    let verdict = match undecodable.kind {
        // Nothing else is judged there, so nothing needs to be read.
        Some(kind) if is_system && kind != Kind::Namespace => Verdict::allow(),
        Some(_) | None => {
            let message = format!("{undecodable}, so it cannot be judged; correct that field");
            Verdict::undecodable(&undecodable.path, message)
        }
    };
    Answer { uid: undecodable.uid.into(), verdict }
}

/// Decides a request: the product in one function.
pub fn admit(phase: Phase, request: &Request<'_>, snapshot: &Snapshot) -> Verdict {
    let owner = snapshot.owner(request.name_of_namespace());
    // Namespaces of the system are protected like any other.
    if matches!(owner, Owner::System) && request.kind != Kind::Namespace {
        return Verdict::allow();
    }
    let (new, old) = match &request.operation {
        Operation::Delete { old } if request.kind == Kind::Custom && phase == Phase::Validate => {
            return judge_deletion(request, owner, snapshot, *old);
        }
        Operation::Delete { .. } | Operation::Connect => return Verdict::allow(),
        Operation::Create { new } => (new, None),
        Operation::Update { new, old } => (new, *old),
    };
    match new {
        Object::Missing if request.kind != Kind::Other => {
            return Verdict::undecidable(
                Undecidable::Invalid,
                "`object` is null where there should be one; send the object",
            );
        }
        Object::Missing | Object::Unread | Object::Custom(_)
            if matches!(request.kind, Kind::Other | Kind::Custom) && is_to_be_read(request) =>
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
        | Object::Custom(_) => {}
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

/// Returns whether a resource or subresource may carry what a rule reads. An object of a kind that is not known here
/// cannot be judged there; nor can anything in a group of Kubernetes that is not known here.
fn is_to_be_read(request: &Request<'_>) -> bool {
    let Request { resource_group: group, resource, subresource, .. } = request;
    (is_read_whatever_the_kind(group, resource) || Kind::is_in_unknown_own_group(group))
        && !is_without_spec(subresource)
}

/// Whether a kubelet shows a static pod: it runs already, and no kubelet runs it for being shown. The API server
/// lets a kubelet show only what is on its own node.
fn is_shown_by_kubelet(subject: &Subject<'_, '_>) -> bool {
    let user = &subject.request.user;
    matches!(subject.request.operation, Operation::Create { .. })
        && subject.pod().is_some_and(|pod| pod.is_mirror())
        && user.username.starts_with("system:node:")
        && user.groups.iter().any(|group| &**group == "system:nodes")
}

/// Asks the rules about an object that goes.
fn judge_deletion(
    request: &Request<'_>,
    owner: Owner<'_>,
    snapshot: &Snapshot,
    old: Option<&RawValue>,
) -> Verdict {
    match old.map(|raw| decode_as(request.kind, &request.subresource, raw)) {
        // What an API server sends of old has nothing in it that could be judged.
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

/// Asks the rules, and on an update reports only what got worse.
fn judge<'a>(subject: &Subject<'_, 'a>, raw: Option<&'a RawValue>) -> Verdict {
    // One that does not decode had no violations that could be held in favour of the new one.
    let decode = |raw| decode_as(subject.request.kind, &subject.request.subresource, raw).ok();
    let is_compared = matches!(subject.request.kind, Kind::Namespace | Kind::Custom);
    let compared = raw.filter(|_| is_compared).and_then(decode);
    // A pod that runs names its node, and nearly always has before. So that is taken for granted, and looked up only if
    // nothing else is wrong with it: to decode the old object and to judge both costs more.
    let bound_node = raw.and_then(|_| node(subject.object));
    let subject = &Subject { old: subject.old.or(compared.as_ref()), ..*subject };
    let report = ask(&Subject { bound_node, ..*subject }, None);
    let is_bound = || bound_node.is_none() || raw.and_then(review::node_of).as_deref() == bound_node;
    if report.violations.is_empty() && is_bound() {
        return verdict(subject, report);
    }
    // A violating object is rare, so only now is the old one of any other kind decoded.
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

/// The node that a pod names.
fn node<'s>(object: &'s Object<'_>) -> Option<&'s str> {
    let Object::Pod(pod) = object else { return None };
    pod.spec.as_ref().map(|spec| &*spec.node_name).filter(|node| !node.is_empty())
}

fn verdict(subject: &Subject<'_, '_>, report: Report<'_>) -> Verdict {
    // The usual pod violates nothing, and needs no words.
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

/// Asks the rules about the subject's object.
fn ask<'f>(subject: &Subject<'f, 'f>, update: Option<Update<'f>>) -> Report<'f> {
    let mut report = Report::new(subject, update);
    rules::check(subject, &mut report);
    report
}
