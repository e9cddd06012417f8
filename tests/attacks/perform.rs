//! Asks partywall what an entry says, and holds the answers to what it expects.

use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use partywall_core::tenancy::Snapshot;
use partywall_core::{Entry, Phase, review};
use serde_json::{Value, json};

use crate::entry::{Entry as Attack, Step};
use crate::registered::entries;
use crate::repository;
use crate::request::{change, complete, creation, review as build};

/// Performs the steps of an entry: those whose rules exist, or the `pending` ones.
pub(crate) fn perform(entry: &Attack, snapshot: &Snapshot, pending: bool) -> Result<(), String> {
    for (index, step) in entry.steps.iter().enumerate().filter(|(_, step)| step.pending == pending) {
        let unchanged = [Value::Object(serde_json::Map::new())];
        let variants = if step.each.is_empty() { &unchanged[..] } else { &step.each };
        for (nth, variant) in variants.iter().enumerate() {
            step.perform(variant, snapshot)
                .map_err(|problem| format!("step {index}, variant {nth} ({}): {problem}", step.note))?;
        }
    }
    if pending { Ok(()) } else { entry.tests.iter().try_for_each(|test| exists(test)) }
}

/// Checks that there is a test of that name: one that the harness runs, or a case of the end-to-end suite.
fn exists(test: &str) -> Result<(), String> {
    let (path, name) = test.split_once("::").ok_or_else(|| format!("`{test}` is not `path::function`"))?;
    let source = fs::read_to_string(repository(path)).map_err(|error| format!("{path}: {error}"))?;
    let is_marked = |before: &str| before.lines().rev().take(4).any(|line| line.trim().ends_with("test]"));
    let is_case = || {
        let cases = fs::read_to_string(repository("tests/e2e/cases.rs")).unwrap_or_default();
        path.starts_with("tests/e2e/") && cases.contains(&format!("::{name},"))
    };
    match source.split_once(&format!("fn {name}(")) {
        Some((before, _)) if is_marked(before) || is_case() => Ok(()),
        Some(_) => Err(format!("`{name}` in {path} is no test")),
        None => Err(format!("{path} has no test `{name}`")),
    }
}

/// The answer of a webhook.
struct Answer {
    response: Value,
    patch: Option<Value>,
}

impl Answer {
    fn is_allowed(&self) -> bool {
        self.response["allowed"] == true
    }

    /// The message of the denial and all warnings.
    fn words(&self) -> String {
        let warnings = self.response["warnings"].as_array().into_iter().flatten();
        let message = self.response["status"]["message"].as_str();
        message.into_iter().chain(warnings.filter_map(Value::as_str)).collect::<Vec<_>>().join("\n")
    }

    /// The rules that deny it, each once.
    fn denied_by(&self) -> Vec<String> {
        let causes = self.response["status"]["details"]["causes"].as_array();
        let mut rules: Vec<_> = causes
            .into_iter()
            .flatten()
            .filter_map(|cause| cause["reason"].as_str())
            .map(str::to_owned)
            .collect();
        rules.dedup();
        rules
    }

    /// The rules that warn about it. A warning may be too short to name its rule, an audit annotation is not.
    fn warned_by(&self) -> Vec<String> {
        let violations = self.response["auditAnnotations"]["violations"].as_str().unwrap_or_default();
        let warnings = violations.split(',').filter_map(|violation| violation.trim().strip_suffix("=warn"));
        warnings.filter(|_| !self.words().is_empty()).map(str::to_owned).collect()
    }
}

/// Asks a webhook, in bytes both ways.
fn ask(entry: Entry, review: &Value, snapshot: &Snapshot) -> Result<Answer, String> {
    let body = review.to_string();
    let answer =
        partywall_core::answer(entry, body.as_bytes(), snapshot).map_err(|error| error.to_string())?;
    let bytes = review::encode(&answer.uid, &answer.verdict);
    let mut answered: Value = serde_json::from_slice(&bytes).map_err(|error| error.to_string())?;
    let response = answered["response"].take();
    if response["uid"] != review["request"]["uid"] {
        return Err(format!("K1: the uid is another in {response}"));
    }
    if response.get("patch").is_some() != response.get("patchType").is_some() {
        return Err(format!("K2: patch and patchType do not go together in {response}"));
    }
    let patch = match response["patch"].as_str() {
        Some(_) if entry.phase() == Phase::Validate => {
            return Err("K2: the validating webhook patches".to_owned());
        }
        Some(patch) => {
            let json = STANDARD.decode(patch).map_err(|error| error.to_string())?;
            Some(serde_json::from_slice(&json).map_err(|error| error.to_string())?)
        }
        None => None,
    };
    Ok(Answer { response, patch })
}

/// The outcome of a request: the last answer, the object that would be stored, and whether the stamp changed it.
struct Outcome {
    answer: Answer,
    stored: Value,
    patched: bool,
}

/// Sends a review the way the API server does.
fn send(mut review: Value, then: Option<&Value>, snapshot: &Snapshot) -> Result<Outcome, String> {
    let stamped = ask(Entry::Mutate, &review, snapshot)?;
    let patched = stamped.patch.is_some();
    if !stamped.is_allowed() {
        return Ok(Outcome { answer: stamped, stored: Value::Null, patched });
    }
    if let Some(patch) = &stamped.patch {
        review["request"]["object"] =
            change(review["request"]["object"].take(), patch).map_err(|error| format!("K3: {error}"))?;
        if let Some(again) = ask(Entry::Mutate, &review, snapshot)?.patch {
            return Err(format!("A11: what is stamped is stamped again: {again}"));
        }
    }
    if let Some(then) = then {
        review["request"]["object"] = change(review["request"]["object"].take(), then)?;
    }
    let answer = ask(Entry::Validate, &review, snapshot)?;
    if !answer.is_allowed() && answer.response["status"]["code"] == 403 {
        let words = answer.words();
        if words.is_empty() || words.len() > 8_192 {
            return Err(format!("a denial of {} bytes helps nobody", words.len()));
        }
    }
    Ok(Outcome { answer, stored: review["request"]["object"].take(), patched })
}

impl Step {
    fn perform(&self, variant: &Value, snapshot: &Snapshot) -> Result<(), String> {
        let review = self.review(variant, snapshot)?;
        let request = review["request"].clone();
        let Outcome { answer, stored, patched } = send(review, self.then.as_ref(), snapshot)?;
        self.expect(&answer)?;
        if let Some(expected) = self.patched.filter(|expected| *expected != patched) {
            return Err(format!("the stamp changes something: {patched}, not {expected}"));
        }
        for (pointer, expected) in &self.stored {
            let found = stored.pointer(pointer).unwrap_or(&Value::Null);
            if found != expected {
                return Err(format!("{pointer} is stored as {found}, not as {expected}"));
            }
        }
        let is_refused = !answer.is_allowed() || self.warned.is_some();
        if is_refused {
            self.is_registered(&request, &stored, &answer, snapshot)?;
        }
        if patched && entries(Phase::Mutate, &request, snapshot)?.is_empty() {
            return Err("the webhook configurations have nobody send it to be stamped".to_owned());
        }
        Ok(())
    }

    /// Holds the webhook configurations to sending what is refused to an entry that refuses it.
    fn is_registered(
        &self,
        request: &Value,
        stored: &Value,
        refusal: &Answer,
        snapshot: &Snapshot,
    ) -> Result<(), String> {
        let entries = entries(Phase::Validate, request, snapshot)?;
        if entries.is_empty() == self.unsent.is_empty() {
            let sent = if self.unsent.is_empty() { "have nobody send it" } else { "have it sent" };
            return Err(format!("the webhook configurations {sent}"));
        }
        let mut review =
            json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request});
        if !stored.is_null() {
            review["request"]["object"] = stored.clone();
        }
        for entry in entries {
            let answer = ask(entry, &review, snapshot)?;
            if answer.is_allowed() != refusal.is_allowed() && !entry.goes_on_without_answer() {
                return Err(format!("{} answers otherwise: {}", entry.path(), answer.words()));
            }
        }
        Ok(())
    }

    /// The review that begins it.
    fn review(&self, variant: &Value, snapshot: &Snapshot) -> Result<Value, String> {
        let object = |written: &Value| {
            change(written.clone(), variant).map(|object| complete(object, &self.namespace))
        };
        match (&self.create, &self.update, &self.delete, &self.connect) {
            (Some(written), None, None, None) => Ok(build(self, "CREATE", &object(written)?, &Value::Null)),
            (None, Some(update), None, None) => {
                let old = self.old(snapshot)?;
                let new = change(change(old.clone(), update)?, variant)?;
                Ok(build(self, "UPDATE", &new, &old))
            }
            (None, None, Some(written), None) => Ok(build(self, "DELETE", &Value::Null, &object(written)?)),
            (None, None, None, Some(written)) => Ok(build(self, "CONNECT", &object(written)?, &Value::Null)),
            _ => Err("a step does one thing".to_owned()),
        }
    }

    /// The object that is updated, as it is stored.
    fn old(&self, snapshot: &Snapshot) -> Result<Value, String> {
        let written = self.old.as_ref().ok_or("an update needs an `old`")?;
        let mut old = complete(written.clone(), &self.namespace);
        if !self.predates {
            let outcome = send(creation(&self.namespace, &old), None, snapshot)?;
            if !outcome.answer.is_allowed() {
                return Err(format!("`old` is denied itself: {}", outcome.answer.words()));
            }
            old = outcome.stored;
        }
        match &self.since {
            Some(since) => change(old, since),
            None => Ok(old),
        }
    }

    fn expect(&self, answer: &Answer) -> Result<(), String> {
        let words = answer.words();
        let code = answer.response["status"]["code"].as_u64();
        match (&self.denied, self.allowed, &self.warned, self.code) {
            (Some(rules), false, None, None) => {
                if answer.is_allowed() {
                    return Err(format!("it is allowed, and should be denied by {rules:?}"));
                }
                if answer.denied_by() != *rules || code != Some(403) {
                    return Err(format!(
                        "denied by {:?} with {code:?}, not by {rules:?}: {words}",
                        answer.denied_by()
                    ));
                }
            }
            (None, true, None, None) => {
                if !answer.is_allowed() || !words.is_empty() {
                    return Err(format!("it should be allowed without a word: {words}"));
                }
            }
            (None, false, Some(rules), None) => {
                if !answer.is_allowed() || answer.warned_by() != *rules {
                    return Err(format!("warned by {:?}, not by {rules:?}: {words}", answer.warned_by()));
                }
            }
            (None, false, None, Some(expected)) => {
                if answer.is_allowed() || code != Some(expected) {
                    return Err(format!("answered with {code:?}, not with {expected}: {words}"));
                }
            }
            _ => return Err("a step expects one of `denied`, `allowed`, `warned` and `code`".to_owned()),
        }
        if let Some(missing) = self.says.iter().find(|said| !words.contains(*said)) {
            return Err(format!("it does not say `{missing}`: {words}"));
        }
        if let Some(told) = self.hides.iter().find(|hidden| words.contains(*hidden)) {
            return Err(format!("it tells `{told}`: {words}"));
        }
        Ok(())
    }
}
