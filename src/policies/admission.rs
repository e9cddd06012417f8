//! Judges partywall's own objects as they are written to an API server, by the code that checks files.
//!
//! What is wrong in an object alone is denied, with the messages of files. What refers to an object that is not there,
//! or contests something with another, is admitted with a warning, so that objects apply in any order: a tool that
//! tries all of them before it applies any gets through, and a namespace moves from one Tenant to another in one go.
//!
//! A NodePool that a Tenant names is not deleted: its label and its taints would be guarded no more, and the Tenant's
//! pods would have no nodes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use jiff::civil::Date;
use partywall_core::Answer;
use partywall_core::api::{GROUP, Mistake, Source};
use partywall_core::review::find_head;
use partywall_core::tenancy::{LastGood, Live, LiveCompiled, LiveObject, ObjectName, PoolUse, Snapshot};
use partywall_core::verdict::{Denial, Undecidable, Verdict};
use serde_json::{Map, Value};
use thiserror::Error;

use super::files::document::{self, Content};
use super::files::inspect;

/// The most Tenants that a message names.
const MOST_NAMED: usize = 3;

/// The objects of a cluster, and their last good forms.
#[derive(Clone, Debug, Default)]
pub struct Declared {
    /// The objects.
    pub objects: Vec<LiveObject>,
    /// The last good forms.
    pub last_good: Arc<LastGood>,
    /// The Namespaces with a tenant's label, by that tenant, each list sorted.
    pub labelled: BTreeMap<Box<str>, Vec<Box<str>>>,
    /// The day of the last compilation.
    pub today: Date,
    /// The namespace in which partywall runs.
    pub own_namespace: Option<Box<str>>,
}

/// What is known of the objects of the cluster.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Known<'d> {
    /// Policies come from files, so that objects of the cluster mean nothing.
    Files,
    /// Nothing yet: the watches have not told all of them.
    NotYet,
    /// All of them.
    Objects(&'d Declared),
}

/// Reads an object as an API server has it; `None` means that it has no kind of partywall or no name.
pub fn decode(object: Value) -> Option<LiveObject> {
    const KINDS: [&str; 5] = ["NodePool", "Tenant", "TenantClass", "Exemption", "Settings"];
    let kind = object.get("kind").and_then(Value::as_str).unwrap_or_default();
    let kind = KINDS.into_iter().find(|known| *known == kind)?;
    let name = object.pointer("/metadata/name").and_then(Value::as_str)?.to_owned();
    let name = ObjectName { kind, name };
    let source = Source::file(name.to_string());
    let document::Read { content, flaws, object: text } =
        document::read(without_servers_fields(object), None);
    let flaws = flaws.into_iter().map(|flaw| flaw.in_object(source.clone(), text.clone())).collect();
    let object = match content {
        Content::Object(object) => Some(object),
        Content::Refused(_) => None,
    };
    Some(LiveObject { name, object, flaws })
}

/// Removes what only the API server and partywall write.
fn without_servers_fields(mut object: Value) -> Value {
    if let Some(fields) = object.as_object_mut() {
        fields.remove("status");
        if let Some(Value::Object(metadata)) = fields.get_mut("metadata") {
            metadata.remove("managedFields");
            // The API server makes a name of it afterwards.
            if let (None, Some(Value::String(prefix))) = (metadata.get("name"), metadata.get("generateName"))
            {
                let name = format!("{prefix}00000");
                metadata.insert("name".to_owned(), name.into());
            }
        }
    }
    object
}

/// The reason why a body gets no answer.
#[derive(Debug, Error)]
#[error("the body is no AdmissionReview of admission.k8s.io/v1 with a uid")]
pub(crate) struct NotAReview;

/// Tells whether the answer to a review may change in a moment, when the watches have told more.
pub(crate) fn may_change(verdict: &Verdict) -> bool {
    // `kubectl delete` of a Tenant and its NodePool asks for the second before the watches tell that the first is gone.
    matches!(verdict.denial, Some(Denial::Undecidable(Undecidable::InUse, _)))
}

/// Judges a review about an object of partywall.
pub(crate) fn review<'b>(body: &'b [u8], known: Known<'_>) -> Result<Answer<'b>, NotAReview> {
    let head = find_head(body).ok_or(NotAReview)?;
    let verdict = match serde_json::from_slice::<Value>(body) {
        Ok(mut review) => match review.get_mut("request").and_then(Value::as_object_mut) {
            Some(request) => judge(request, known),
            None => return Err(NotAReview),
        },
        Err(error) => {
            let message = format!("the review is no JSON ({error}), so the object cannot be judged");
            Verdict::undecidable(Undecidable::Invalid, message)
        }
    };
    Ok(Answer { uid: head.uid.into(), asked: head.asked, verdict })
}

fn judge(request: &mut Map<String, Value>, known: Known<'_>) -> Verdict {
    let operation = request.get("operation").and_then(Value::as_str).unwrap_or_default();
    let is_update = operation == "UPDATE";
    let of_kind = |field| request.get("kind").and_then(|kind| kind.get(field)).and_then(Value::as_str);
    if matches!(operation, "DELETE" | "CONNECT") {
        let is_pool = operation == "DELETE" && of_kind("kind") == Some("NodePool");
        return if is_pool { judge_deletion(request, known) } else { Verdict::allow() };
    }
    if of_kind("group") != Some(GROUP) {
        let message = format!("only objects of {GROUP} are judged here; correct the webhook's configuration");
        return Verdict::undecidable(Undecidable::Invalid, message);
    }
    let object = request.remove("object").unwrap_or_default();
    // Labels and finalizers of an object that was stored before change whatever is wrong with it, so that it can end.
    if is_update && request.get("oldObject").is_some_and(|old| says_the_same(&object, old)) {
        return Verdict::allow();
    }
    let object = without_servers_fields(object);
    let declared = match known {
        Known::Objects(declared) => Some(declared),
        Known::Files | Known::NotYet => None,
    };
    let today = declared.map_or(Date::MIN, |declared| declared.today);
    let source = resource(&object);
    let mistakes = inspect(&source, object.clone(), None, today);
    if !mistakes.is_empty() {
        return Verdict::undecidable(Undecidable::Invalid, lines(&mistakes).join("\n"));
    }
    let warnings = declared.map(|declared| warnings(object, declared)).unwrap_or_default();
    Verdict { warnings, ..Verdict::default() }
}

/// Judges the deletion of a NodePool.
fn judge_deletion(request: &Map<String, Value>, known: Known<'_>) -> Verdict {
    // The deletion of a collection has no name; the object that goes is sent for each.
    let of_old = || request.get("oldObject")?.pointer("/metadata/name")?.as_str();
    let Some(name) = of_old().or_else(|| request.get("name")?.as_str()) else {
        let message = "the review does not say which NodePool is to be deleted, so it cannot be judged";
        return Verdict::undecidable(Undecidable::Invalid, message);
    };
    let declared = match known {
        Known::Files => return Verdict::allow(),
        Known::NotYet => {
            let message = format!(
                "partywall does not know yet whether a Tenant names the NodePool `{name}`; try again in a moment"
            );
            return Verdict::undecidable(Undecidable::InUse, message);
        }
        Known::Objects(declared) => declared,
    };
    let live = declared.live();
    let uses = live.uses_of_pool(name);
    if uses.is_empty() {
        return Verdict::allow();
    }
    let text = |PoolUse { tenant, class, field }: &PoolUse<'_>| match class {
        Some(class) => format!("Tenant `{tenant}` by {field} of its TenantClass `{class}`"),
        None => format!("Tenant `{tenant}` by {field}"),
    };
    let mut named: Vec<String> = uses.iter().take(MOST_NAMED).map(text).collect();
    if uses.len() > MOST_NAMED {
        named.push(format!("{} more", uses.len() - MOST_NAMED));
    }
    let message = format!(
        "the NodePool `{name}` is named: {}. Without it the label and the taints of its nodes would be guarded no \
         more. Change these fields or delete the Tenants first, then the NodePool",
        named.join(", ")
    );
    Verdict::undecidable(Undecidable::InUse, message)
}

/// Returns whether two objects say the same to partywall.
fn says_the_same(object: &Value, old: &Value) -> bool {
    let acknowledged =
        |object: &Value| object.pointer("/metadata/annotations/partywall.dev~1acknowledge").cloned();
    object.get("spec") == old.get("spec")
        && object.get("apiVersion") == old.get("apiVersion")
        && acknowledged(object) == acknowledged(old)
}

/// Names an object as kubectl does, for its mistakes.
fn resource(object: &Value) -> String {
    let text = |path| object.pointer(path).and_then(Value::as_str).unwrap_or_default();
    format!("{}.{GROUP}/{}", text("/kind").to_lowercase(), text("/metadata/name"))
}

/// Returns what the object contests, refers to in vain, or should better say, among those of the cluster.
fn warnings(object: Value, declared: &Declared) -> Vec<String> {
    // Everybody who reaches the server can send such reviews, so one at a time compiles all objects. The status of an
    // object tells the same a moment later.
    static COMPILING: Mutex<()> = Mutex::new(());
    let Ok(_turn) = COMPILING.try_lock() else { return Vec::new() };
    let Some(decoded) = decode(object) else { return Vec::new() };
    let name = decoded.name.clone();
    let others = declared.objects.iter().filter(|other| other.name != name).cloned();
    let objects: Vec<LiveObject> = others.chain([decoded]).collect();
    let compiled = Snapshot::compile_live(declared.beside(&objects), declared.today);
    let Ok(mut compiled) = compiled else { return Vec::new() };
    let Some(state) = compiled.states.remove(&name) else { return Vec::new() };
    let findings = state
        .findings
        .into_iter()
        .map(|finding| format!("{}: {}", finding.reason.as_str(), finding.mistake.what()));
    let mut warnings: Vec<String> = findings.collect();
    warnings.extend(state.warnings.iter().map(|warning| warning.what().to_string()));
    warnings
}

impl Declared {
    /// Compiles the objects; the result has the last good forms for the next time.
    pub fn compile(&self) -> Result<LiveCompiled, Vec<Mistake>> {
        Snapshot::compile_live(self.live(), self.today)
    }

    fn live(&self) -> Live<'_> {
        self.beside(&self.objects)
    }

    /// Returns other objects beside the last good forms and the labels of these.
    fn beside<'l>(&'l self, objects: &'l [LiveObject]) -> Live<'l> {
        let Self { last_good, labelled, own_namespace, .. } = self;
        Live { objects, last_good, labelled, own_namespace: own_namespace.as_deref() }
    }
}

/// Returns the mistakes as lines, each with its object.
fn lines(mistakes: &[Mistake]) -> Vec<String> {
    let lines = mistakes.iter().map(|mistake| format!("{}: {}", mistake.object, mistake.what()));
    let mut seen = BTreeSet::new();
    lines.filter(|line| seen.insert(line.clone())).collect()
}

#[cfg(test)]
mod tests;
