//! Reads the entry of a row.

use std::collections::BTreeMap;
use std::fs;

use serde::Deserialize;
use serde_json::Value;

use crate::{catalogue, repository};

/// The entry of a row.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Entry {
    /// The attack or the failure, in a sentence.
    pub(crate) attack: String,
    /// The answer of partywall, in a sentence.
    #[serde(default)]
    pub(crate) answer: String,
    /// Why admission cannot close it, or not all of it, and what the operator should do.
    #[serde(default)]
    pub(crate) outside: String,
    /// Tests elsewhere that prove it: `tests/core/codec.rs::m9_a_repeated_field_is_denied`.
    #[serde(default)]
    pub(crate) tests: Vec<String>,
    /// The requests, one after the other.
    #[serde(default)]
    pub(crate) steps: Vec<Step>,
}

/// A request, and what is expected of the answer.
///
/// It takes the way that the API server sends it: `/mutate`, the patch applied, whatever other webhooks do `then`,
/// and `/validate`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Step {
    /// A note about what is special here.
    #[serde(default)]
    pub(crate) note: String,
    /// The object, of which what is usual may be left out.
    pub(crate) create: Option<Value>,
    /// The change of `old`: a JSON merge patch, or a list of operations of a JSON patch.
    pub(crate) update: Option<Value>,
    /// The object that is removed.
    pub(crate) delete: Option<Value>,
    /// The options of a connection.
    pub(crate) connect: Option<Value>,
    /// The object as it was created, by the same way, unless it `predates` partywall.
    pub(crate) old: Option<Value>,
    #[serde(default)]
    pub(crate) predates: bool,
    /// The changes that the cluster has made to `old` since.
    pub(crate) since: Option<Value>,
    /// Changes of the object, or of the update, each of which is answered the same.
    #[serde(default)]
    pub(crate) each: Vec<Value>,
    /// The user of the request.
    #[serde(default)]
    pub(crate) user: User,
    #[serde(default = "tenants_x")]
    pub(crate) namespace: String,
    /// The resource, with its subresource, where the kind does not tell: `pods/ephemeralcontainers`.
    pub(crate) resource: Option<String>,
    /// Other fields of the request: a JSON merge patch.
    pub(crate) request: Option<Value>,
    /// The change of other webhooks after the stamp, written like `update`.
    pub(crate) then: Option<Value>,
    /// The reason why the webhook configurations do not match it, and why that is safe.
    #[serde(default)]
    pub(crate) unsent: String,
    /// The rule does not exist yet.
    #[serde(default)]
    pub(crate) pending: bool,
    /// The rules that deny it.
    pub(crate) denied: Option<Vec<String>>,
    /// It is allowed, and not even warned about.
    #[serde(default)]
    pub(crate) allowed: bool,
    /// The rules that warn about it.
    pub(crate) warned: Option<Vec<String>>,
    /// The code of a denial that is no rule's.
    pub(crate) code: Option<u64>,
    /// Texts that the denial or the warning contains.
    #[serde(default)]
    pub(crate) says: Vec<String>,
    /// Texts that it must not contain.
    #[serde(default)]
    pub(crate) hides: Vec<String>,
    /// Stored values by JSON pointer; `null`: no value.
    #[serde(default)]
    pub(crate) stored: BTreeMap<String, Value>,
    /// Whether the stamp changes the object.
    pub(crate) patched: Option<bool>,
}

/// The user of a request: by name, with the groups that the API server would add, or with other groups.
#[derive(Deserialize)]
#[serde(untagged)]
pub(crate) enum User {
    Named(String),
    In { username: String, groups: Vec<String> },
}

impl Default for User {
    fn default() -> Self {
        Self::Named("jane".to_owned())
    }
}

fn tenants_x() -> String {
    "tenants-x".to_owned()
}

impl Entry {
    /// Reads the entry of a row.
    pub(crate) fn read(id: &str) -> Result<Self, String> {
        let path = catalogue::path(id)?;
        let text = fs::read_to_string(repository(&path)).map_err(|e| format!("{path}: {e}"))?;
        let entry: Self = serde_saphyr::from_str(&text).map_err(|e| format!("{path}: {e}"))?;
        let is_sentence = |text: &str| text.ends_with('.') && !text.contains(['\n', '|']);
        if !is_sentence(&entry.attack) {
            return Err(format!("{path}: `attack` is no sentence"));
        }
        if entry.answer.is_empty() && entry.outside.is_empty() {
            return Err(format!("{path}: neither an answer nor a reason why there is none"));
        }
        for text in [&entry.answer, &entry.outside].into_iter().filter(|text| !text.is_empty()) {
            if !is_sentence(text) {
                return Err(format!("{path}: `{text}` is no sentence"));
            }
        }
        if !entry.answer.is_empty() && entry.steps.is_empty() && entry.tests.is_empty() {
            return Err(format!("{path}: nothing proves the answer"));
        }
        Ok(entry)
    }

    /// Returns whether a step waits for a rule.
    pub(crate) fn is_pending(&self) -> bool {
        self.steps.iter().any(|step| step.pending)
    }

    /// The rules that deny something here, each once.
    pub(crate) fn rules(&self) -> Vec<&str> {
        let mut rules: Vec<&str> = Vec::new();
        for rule in self.steps.iter().flat_map(|step| step.denied.iter().chain(&step.warned)).flatten() {
            if !rules.contains(&rule.as_str()) {
                rules.push(rule);
            }
        }
        rules
    }
}
