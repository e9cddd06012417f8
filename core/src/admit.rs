//! Decides a review: stamps the object on `/mutate`, and checks the rules on `/validate`.

use serde_json::value::RawValue;

use crate::api::{Enforcement, MirrorPods, Mode};
use crate::entry::{Entry, Phase};
use crate::json::{Escaped, Text};
use crate::judging::{OldViolations, Report, Subject, Update, changes_containers};
use crate::labels::TENANT;
use crate::objects::kinds::{Shape, is_read_whatever_the_kind, row};
use crate::objects::object::{FieldError, FoundTemplate, Object, decode_as, is_without_spec, templates_at};
use crate::objects::pod::PodView;
use crate::review::{self, Asked, DecodeError, NotAReview, Operation, Request, Undecodable};
use crate::rule_id::RuleId;
use crate::stamp::{self, Stamp};
use crate::tenancy::{DenialReason, Owner, Snapshot, Step, TemplatePath};
use crate::verdict::{Denial, Placement, Undecidable, Verdict};
use crate::{namespace_label, rules};

/// Holds a verdict, and the uid of the request that it answers.
#[derive(Debug)]
pub struct Answer<'a> {
    /// The request's uid.
    pub uid: Text<'a>,
    /// The user and the request, as far as they are known.
    pub asked: Asked<'a>,
    /// The verdict.
    pub verdict: Verdict,
}

/// Decodes a review from its bytes and decides it.
///
/// Returns an error, which becomes HTTP 400, if the body has no uid that an answer could echo.
pub fn answer<'a>(entry: Entry, body: &'a [u8], snapshot: &Snapshot) -> Result<Answer<'a>, NotAReview> {
    let decide = || match review::decode(body) {
        Ok(request) => {
            let verdict = admit(entry, &request, snapshot);
            let (uid, asked) = request.into_asked();
            Ok(Answer { uid, asked, verdict })
        }
        Err(DecodeError::Undecodable(undecodable)) => {
            let Answer { uid, asked, verdict } = undecidable(undecodable, snapshot);
            let verdict = of_entry(entry, verdict, || enforcement(&asked, snapshot));
            Ok(Answer { uid, asked, verdict })
        }
        Err(DecodeError::NotAReview(error)) => Err(error),
    };
    let (answer, is_exhausted) = review::within_budget(body, decide);
    match answer {
        Ok(answer) if is_exhausted => {
            let allowed = of_entry(entry, exhausted(body), || enforcement(&answer.asked, snapshot));
            let verdict = Verdict { is_exhausted, ..allowed };
            Ok(Answer { verdict, ..answer })
        }
        answer => answer,
    }
}

/// Allows what cannot be decided where nothing is denied, and at an entry without which the API server goes on anyway.
fn of_entry(entry: Entry, verdict: Verdict, value: impl FnOnce() -> Enforcement) -> Verdict {
    if !matches!(verdict.denial, Some(Denial::Undecidable(..))) {
        return verdict;
    }
    let most = if entry.goes_on_without_answer() { Enforcement::Warn } else { Enforcement::Deny };
    verdict.under(value().min(most))
}

/// Returns the value at which a request is judged that cannot be decided.
///
/// It is that of the namespace's tenant, and that of the Settings only where there is no tenant. A review that does not
/// tell its namespace may be anybody's. Namespaces themselves are guarded whatever the value is.
pub fn enforcement(asked: &Asked<'_>, snapshot: &Snapshot) -> Enforcement {
    match (&*asked.group, &*asked.kind, &*asked.namespace) {
        ("", "Namespace", _) => Enforcement::Deny,
        (_, "", _) | (_, _, "") => snapshot.strictest_enforcement(),
        (_, _, namespace) => snapshot.enforcement(snapshot.owner(namespace)),
    }
}

/// Returns the verdict on a review whose decision took too much work.
///
/// The result of that decision does not count. An update that changes no judged field is allowed all the same, so that
/// a running object can get a label, lose its finalizers and end.
fn exhausted(body: &[u8]) -> Verdict {
    if review::is_unchanged(body) {
        return Verdict::allow();
    }
    let message = "judging this object takes more work than any object should, so it is denied; this is a bug of \
                   partywall, please report it; until then, write shorter lists and fewer annotations";
    Verdict::undecidable(Undecidable::Exhausted, message)
}

fn undecidable<'a>(undecodable: Undecodable, snapshot: &Snapshot) -> Answer<'a> {
    let is_system = matches!(snapshot.owner(&undecodable.asked.namespace), Owner::System);
    let verdict = match undecodable.shape {
        // partywall judges only Namespace objects in system namespaces, so the other kinds need not decode.
        Some(shape) if is_system && shape != Shape::Namespace => Verdict::allow(),
        Some(_) | None => {
            let message = format!("{undecodable}, so the object cannot be judged; correct that field");
            Verdict::undecodable(&undecodable.path, message)
        }
    };
    Answer { uid: undecodable.uid.into(), asked: *undecodable.asked, verdict }
}

/// Decides a decoded request that the API server sent to `entry`.
pub fn admit(entry: Entry, request: &Request<'_>, snapshot: &Snapshot) -> Verdict {
    of_entry(entry, decide(entry, request, snapshot), || match request.shape == Shape::Namespace {
        true => Enforcement::Deny,
        false => snapshot.enforcement(snapshot.owner(&request.namespace)),
    })
}

fn decide(entry: Entry, request: &Request<'_>, snapshot: &Snapshot) -> Verdict {
    if entry == Entry::ValidatePolicies {
        let message =
            "only objects of partywall.dev are judged here, and not by rules; send this to `/validate`";
        return Verdict::undecidable(Undecidable::Invalid, message);
    }
    let owner = snapshot.owner(request.name_of_namespace());
    // The rules apply to a system namespace's own Namespace object like to any other.
    if matches!(owner, Owner::System) && request.shape != Shape::Namespace {
        return Verdict::allow();
    }
    if entry.is_of_tenants() && matches!(owner, Owner::Unclaimed) {
        return no_tenant(request);
    }
    if let (Owner::Denied(denied), false) = (owner, request.shape == Shape::Namespace) {
        return nothing_known(request, denied.reason);
    }
    let (new, old) = match &request.operation {
        Operation::Delete { old }
            if request.shape == Shape::Unstructured && entry.phase() == Phase::Validate =>
        {
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
                "`object` is missing or null, so it cannot be judged; send the object",
            );
        }
        Object::Missing | Object::Unread | Object::Unstructured(_) | Object::Status(_)
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
                "`spec` is missing, so the pod cannot be judged; add the spec",
            );
        }
        Object::Pod(_)
        | Object::PodStatus(_)
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
        | Object::Unstructured(_)
        | Object::Status(_) => {}
    }
    let kind = snapshot.workload_kind(&request.group, &request.kind_name);
    let at = kind.and_then(|kind| kind.template.as_ref()).filter(|_| request.shape == Shape::Unstructured);
    let templates = match at.map_or_else(|| Ok(Templates::default()), |at| Templates::of(new, at)) {
        Ok(templates) => templates,
        Err(error) => {
            let message = format!("{error}, so the pods of this object cannot be judged; correct that field");
            return Verdict::undecodable(&error.path, message);
        }
    };
    let templates = templates.views();
    // Only the templates of such an object are judged there.
    if kind.is_some() && templates.is_empty() && entry == Entry::ValidateTemplates {
        return Verdict::allow();
    }
    let templates = &templates;
    let is_by_itself = !templates.is_empty() && row(&request.group, &request.kind_name).is_some();
    let subject = Subject {
        request,
        object: new,
        templates,
        is_by_itself,
        old: None,
        bound_node: None,
        owner,
        snapshot,
    };
    if is_shown_by_kubelet(&subject)
        && (subject.tenant().is_none() || snapshot.mirror_pods == MirrorPods::Allow)
    {
        return Verdict::allow();
    }
    match (entry.phase(), request.shape) {
        (Phase::Mutate, Shape::Namespace) => label(&subject, old),
        (Phase::Mutate, _) => stamped(&subject),
        (Phase::Validate, Shape::Namespace) => {
            Verdict { warnings: namespace_label::warnings(&subject), ..judge(&subject, old) }
        }
        (Phase::Validate, _) => judge(&subject, old),
    }
}

/// Stamps a pod, or says where it would go where the stamp is not written.
fn stamped(subject: &Subject<'_, '_>) -> Verdict {
    let Stamp { patch, warnings } = stamp::stamp(subject);
    let mode = subject.tenant().map_or(Mode::Off, |tenant| tenant.modes.of(RuleId::NodePlacement));
    match mode {
        Mode::Deny | Mode::Off => Verdict { patch, warnings, ..Verdict::default() },
        Mode::Warn | Mode::Audit => {
            let pools = stamp::pools(subject);
            let placement = pools.map(|pools| Placement { pools, mode });
            let whose = if placement.is_some() { whose(subject) } else { String::new() };
            let tenant = subject.tenant().filter(|_| placement.is_some()).map(|tenant| tenant.name.clone());
            Verdict { patch, warnings, placement, tenant, whose, ..Verdict::default() }
        }
    }
}

/// Holds the pod templates of an object of a kind that Settings list, each with the paths of its spec and metadata.
#[derive(Default)]
struct Templates<'a>(Vec<(FoundTemplate<'a>, [String; 2])>);

impl<'a> Templates<'a> {
    fn of(object: &Object<'a>, at: &TemplatePath) -> Result<Self, FieldError> {
        let Object::Unstructured(object) = object else { return Ok(Self::default()) };
        let steps = at.path.steps().iter().map(|step| match step {
            Step::Field(name) => Some(&**name),
            Step::Items => None,
        });
        let with_paths = |found: FoundTemplate<'a>| {
            let paths = ["spec", "metadata"].map(|field| format!("{}.{field}", found.path));
            (found, paths)
        };
        Ok(Self(templates_at(object, steps)?.into_iter().map(with_paths).collect()))
    }

    fn views(&self) -> Vec<PodView<'_, 'a>> {
        let views = self.0.iter().filter_map(|(found, [spec, metadata])| {
            PodView::of_template(Some(&found.template), (spec, metadata))
        });
        views.collect()
    }
}

/// Gives a Namespace the label of its tenant.
fn label<'a>(subject: &Subject<'_, 'a>, raw: Option<&'a RawValue>) -> Verdict {
    let old = raw.and_then(|raw| decode_as(subject.request.shape, &subject.request.subresource, raw).ok());
    Verdict {
        patch: namespace_label::patch(&Subject { old: old.as_ref(), ..*subject }),
        warnings: namespace_label::warnings(subject),
        ..Verdict::default()
    }
}

/// Denies a request in a namespace that has the label of a tenant, but that no Tenant has.
fn no_tenant(request: &Request<'_>) -> Verdict {
    let message = format!(
        "namespace `{}` has the label `{TENANT}`, but no Tenant has this namespace, so nothing may be written there; \
         ask the platform team to add it to a Tenant's `namespaces`, or to remove the label",
        Escaped(request.name_of_namespace())
    );
    Verdict::undecidable(Undecidable::NoTenant, message)
}

/// Denies a request in a namespace that Tenants list, but of which it is not known whose it is.
///
/// Objects that are already there can be deleted, and pods can be reached, as RBAC allows.
fn nothing_known(request: &Request<'_>, reason: DenialReason) -> Verdict {
    if matches!(request.operation, Operation::Delete { .. } | Operation::Connect) {
        return Verdict::allow();
    }
    let why = match reason {
        DenialReason::Contested => "is claimed by more than one object of partywall.dev",
        DenialReason::Unusable => "is listed by a Tenant of partywall.dev that has mistakes",
    };
    let message = format!(
        "namespace `{}` {why}, so nothing may be written there; ask the platform team to look at the status of its \
         Tenants (`kubectl get tenants.partywall.dev`)",
        Escaped(request.name_of_namespace())
    );
    Verdict::undecidable(Undecidable::NoTenant, message)
}

/// Returns whether a resource or subresource may carry fields that a rule reads.
///
/// They do for resources with fields that a rule reads, and for all resources of an unknown group of Kubernetes' own.
/// If partywall does not know the kind of such an object, it cannot judge the object.
fn is_to_be_read(request: &Request<'_>) -> bool {
    let Request { resource_group: group, resource, subresource, .. } = request;
    (is_read_whatever_the_kind(group, resource) || Shape::is_in_unknown_own_group(group))
        && !is_without_spec(subresource)
}

/// Returns whether a kubelet creates the mirror pod of a static pod.
///
/// The static pod runs already, and a kubelet does not run mirror pods. The plugin NodeRestriction lets a kubelet
/// create mirror pods for its own node only.
fn is_shown_by_kubelet(subject: &Subject<'_, '_>) -> bool {
    let user = &subject.request.user;
    matches!(subject.request.operation, Operation::Create { .. })
        && subject.pod().is_some_and(|pod| pod.is_mirror())
        && user.username.starts_with("system:node:")
        && user.groups.contains("system:nodes")
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
            &Subject {
                request,
                object: &old,
                templates: &[],
                is_by_itself: true,
                old: Some(&old),
                bound_node: None,
                owner,
                snapshot,
            },
            None,
        ),
        Some(Err(error)) => {
            let message = format!("{error}, so the deletion cannot be judged; correct that field first");
            Verdict::undecodable(&error.path, message)
        }
    }
}

/// Checks the rules, and on an update reports only violations that the old object does not have.
///
/// If the update changes containers, `pod-security` reports all of its violations.
fn judge<'a>(subject: &Subject<'_, 'a>, raw: Option<&'a RawValue>) -> Verdict {
    // An old object that does not decode excuses no violation of the new one.
    let decode = |raw| decode_as(subject.request.shape, &subject.request.subresource, raw).ok();
    let is_compared = matches!(subject.request.shape, Shape::Namespace | Shape::Unstructured);
    let compared = raw.filter(|_| is_compared).and_then(decode);
    // A running pod names its node, and nearly always named the same node before the update. The first check assumes
    // so. If it finds no violation, `node_of` looks up the old node, which costs less than to decode and judge the old
    // pod.
    let bound_node = raw.and_then(|_| node(subject.object));
    let subject = &Subject { old: subject.old.or(compared.as_ref()), ..*subject };
    let report = ask(&Subject { bound_node, ..*subject }, None);
    let is_bound = || bound_node.is_none() || raw.and_then(review::node_of).as_deref() == bound_node;
    if report.violations.is_empty() && is_bound() {
        return verdict(subject, report);
    }
    // Violations are rare, so old objects of the kinds that are not compared are decoded only now.
    let decoded = raw.filter(|_| !is_compared).and_then(decode);
    let Some(old) = compared.as_ref().or(decoded.as_ref()) else {
        let report = if bound_node.is_some() { ask(subject, None) } else { report };
        return verdict(subject, report);
    };
    let kind = subject.snapshot.workload_kind(&subject.request.group, &subject.request.kind_name);
    let at = kind.and_then(|kind| kind.template.as_ref()).filter(|_| !subject.templates.is_empty());
    // Old templates that do not decode excuse no violation of the new ones.
    let templates = at.and_then(|at| Templates::of(old, at).ok()).unwrap_or_default();
    let templates = templates.views();
    let of_old = Subject { object: old, old: None, templates: &templates, ..*subject };
    let mut old_violations = OldViolations::default();
    rules::check(&of_old, &mut old_violations);
    let in_full = changes_containers(of_old.pods(), subject.pods());
    let update = Update { old: &old_violations, in_full, metadata: old.metadata() };
    verdict(subject, ask(subject, Some(update)))
}

/// Returns the node that a pod names.
fn node<'s>(object: &'s Object<'_>) -> Option<&'s str> {
    let Object::Pod(pod) = object else { return None };
    pod.spec.as_ref().map(|spec| &*spec.node_name).filter(|node| !node.is_empty())
}

fn verdict(subject: &Subject<'_, '_>, report: Report<'_>) -> Verdict {
    // Most objects violate no rule, and their verdicts need no texts.
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
        warnings: Vec::new(),
        placement: None,
        unjudged: None,
        is_exhausted: false,
        tenant: subject.tenant().map(|tenant| tenant.name.clone()),
        whose: whose(subject),
    }
}

/// Names the tenant or the namespace of a message.
fn whose(subject: &Subject<'_, '_>) -> String {
    match subject.owner {
        Owner::Tenant(tenant) => format!("tenant `{}`", tenant.name),
        Owner::System | Owner::Unclaimed | Owner::Denied(_) => {
            format!("namespace `{}`", Escaped(subject.request.name_of_namespace()))
        }
    }
}

/// Checks the rules on the subject's object.
fn ask<'f>(subject: &Subject<'f, 'f>, update: Option<Update<'f>>) -> Report<'f> {
    let mut report = Report::new(subject, update);
    rules::check(subject, &mut report);
    report
}

#[cfg(test)]
mod tests;
