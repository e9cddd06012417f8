//! Reads a file of the corpus.

use std::fs;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

/// A file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Entry {
    /// The reason why it is harmless, and the part of it that looks worse than it is.
    pub(crate) why: String,
    /// The requests, one after the other.
    pub(crate) steps: Vec<Step>,
}

/// A request, or an object that is older than partywall: exactly one of `old`, `create`, `update`, `post`, `put`
/// and `connect`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Step {
    /// An object that is there already, since before there was partywall.
    pub(crate) old: Option<Value>,
    /// An object that is created. What is usual may be left out; see [`crate::request`].
    pub(crate) create: Option<Value>,
    /// A change: a JSON merge patch, or a list of operations of a JSON patch.
    pub(crate) update: Option<Value>,
    /// An object that a subresource takes and that is not stored: an Eviction, a Binding.
    pub(crate) post: Option<Value>,
    /// The same as an update: a Scale.
    pub(crate) put: Option<Value>,
    /// The options of a connection.
    pub(crate) connect: Option<Value>,
    /// The object that is changed, as `Kind/name`. Absent: the object of the step before.
    pub(crate) of: Option<String>,
    /// The subresource.
    #[serde(default)]
    pub(crate) subresource: String,
    /// The user of the request.
    #[serde(default = "jane")]
    pub(crate) user: String,
    /// The change of another webhook between `/mutate` and `/validate`, written like `update`.
    pub(crate) then: Option<Value>,
    /// True for a dry run.
    #[serde(default, rename = "dryRun")]
    pub(crate) dry_run: bool,
}

fn jane() -> String {
    "jane".to_owned()
}

impl Entry {
    /// Reads a file.
    pub(crate) fn read(file: &Path) -> Result<Self, String> {
        let text = fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
        Self::parse(&text)
    }

    /// Reads what a file says.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let entry: Self = serde_saphyr::from_str(text).map_err(|error| error.to_string())?;
        if !entry.why.trim_end().ends_with('.') || entry.steps.is_empty() {
            return Err("`why` is no sentence, or nothing happens".to_owned());
        }
        Ok(entry)
    }
}

/// Changes an object as `update` and `then` say.
pub(crate) fn change(object: &mut Value, change: &Value) -> Result<(), String> {
    if !change.is_array() {
        json_patch::merge(object, change);
        return Ok(());
    }
    let patch: json_patch::Patch =
        serde_json::from_value(change.clone()).map_err(|error| error.to_string())?;
    json_patch::patch(object, &patch).map_err(|error| format!("the change does not apply: {error}"))
}
