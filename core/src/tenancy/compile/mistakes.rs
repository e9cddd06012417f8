//! Collects mistakes.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::rc::Rc;

use rustc_hash::FxHashMap;
use serde::Serialize;

use super::names;
use crate::api::{ACKNOWLEDGE, Mistake, Mode, Source};
use crate::rule_id::RuleId;

/// Refers to the document of a mistake; many mistakes and claims share one.
#[derive(Clone)]
pub(super) struct At {
    pub(super) source: Rc<Source>,
    /// The kind and the name of the object.
    object: Rc<str>,
    inherited: Option<Rc<Inherited>>,
}

/// Refers to the document of a Tenant's class, and names the fields that the Tenant has from there.
struct Inherited {
    class: At,
    fields: Vec<Box<str>>,
}

impl At {
    pub(super) fn new(source: Source, kind: &str, name: &str) -> Self {
        let object = format!("{kind} `{name}`").into();
        Self { source: Rc::new(source), object, inherited: None }
    }

    /// Returns the same document, with these fields at the top of its spec from the document of a class.
    pub(super) fn inheriting(&self, class: &Self, fields: Vec<Box<str>>) -> Self {
        Self { inherited: Some(Rc::new(Inherited { class: class.clone(), fields })), ..self.clone() }
    }

    /// Returns the document of the class if the field at `path` is from there.
    fn class_of(&self, path: &str) -> Option<&Self> {
        let Inherited { class, fields } = self.inherited.as_deref()?;
        let field = path.strip_prefix("spec.")?.split(['.', '[']).next()?;
        fields.iter().any(|inherited| **inherited == *field).then_some(class)
    }
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.source.fmt(f)
    }
}

/// The path of an object's annotations.
const ANNOTATIONS: &str = "metadata.annotations";

/// Limits how often the compiler looks for the nearest name.
///
/// Each search visits all names, so without a limit the cost of many mistakes would be quadratic. An operator needs
/// no more suggestions than this to see the pattern.
const SUGGESTIONS: usize = 50;

/// Holds the mistakes found so far.
#[derive(Default)]
pub(super) struct Mistakes {
    errors: Vec<Mistake>,
    warnings: Vec<Mistake>,
    /// The mistakes in fields of classes, which each tenant of the class has.
    inherited_errors: BTreeSet<Mistake>,
    inherited_warnings: BTreeSet<Mistake>,
    /// The suggestions so far, by the name and the first of the names that there are.
    suggestions: FxHashMap<(String, String), String>,
    acknowledged: BTreeMap<Rc<Source>, (At, Vec<Acknowledged>)>,
    stage: Stage,
}

/// Says of which objects the mistakes are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Stage {
    /// Those of files.
    #[default]
    Files,
    /// Those of a cluster, as they are written.
    Live,
    /// Those of a cluster, without what is contested or refers to nothing.
    Trimmed,
}

/// Holds the path of warnings that an object acknowledges.
struct Acknowledged {
    path: String,
    is_used: bool,
}

impl Mistakes {
    /// Returns an empty collection for objects at a stage.
    pub(super) fn at_stage(stage: Stage) -> Self {
        Self { stage, ..Self::default() }
    }

    /// Returns whether a list may be empty because all that was written in it is contested.
    pub(super) fn is_trimmed(&self) -> bool {
        self.stage == Stage::Trimmed
    }

    /// Returns whether the objects are those of files.
    pub(super) fn is_of_files(&self) -> bool {
        self.stage == Stage::Files
    }

    /// Adds an error about a value that another object contests, or that names another object.
    ///
    /// In a cluster [`super::live`] finds these by itself, and denies what they are about.
    pub(super) fn relation(
        &mut self,
        at: &At,
        path: impl Into<String>,
        value: &(impl Serialize + ?Sized),
        message: impl Into<String>,
    ) {
        if self.stage == Stage::Files {
            self.error(at, path, value, message);
        }
    }

    /// Adds an error about a value.
    pub(super) fn error(
        &mut self,
        at: &At,
        path: impl Into<String>,
        value: &(impl Serialize + ?Sized),
        message: impl Into<String>,
    ) {
        self.error_json(at, path, json(value), message);
    }

    /// Adds an error about a value that is JSON already, or empty for a missing field.
    pub(super) fn error_json(
        &mut self,
        at: &At,
        path: impl Into<String>,
        value: impl Into<String>,
        message: impl Into<String>,
    ) {
        let mistake = mistake(at, path.into(), value.into(), message.into());
        add(mistake, at, &mut self.errors, &mut self.inherited_errors);
    }

    /// Adds a warning about a value.
    pub(super) fn warn(
        &mut self,
        at: &At,
        path: impl Into<String>,
        value: &(impl Serialize + ?Sized),
        message: impl Into<String>,
    ) {
        self.warn_json(at, path, json(value), message);
    }

    /// Adds a warning about a value that is JSON already, or empty for a missing field.
    pub(super) fn warn_json(
        &mut self,
        at: &At,
        path: impl Into<String>,
        value: impl Into<String>,
        message: impl Into<String>,
    ) {
        let mistake = mistake(at, path.into(), value.into(), message.into());
        add(mistake, at, &mut self.warnings, &mut self.inherited_warnings);
    }

    /// Returns `, did you mean ...?` if one of `candidates` is near to `name`.
    pub(super) fn suggest<'c>(&mut self, name: &str, candidates: impl Iterator<Item = &'c str>) -> String {
        let mut candidates = candidates.peekable();
        let first = candidates.peek().copied().unwrap_or_default();
        let known = (name.to_owned(), first.to_owned());
        if let Some(suggestion) = self.suggestions.get(&known) {
            return suggestion.clone();
        }
        if self.suggestions.len() >= SUGGESTIONS {
            return String::new();
        }
        let suggestion = names::did_you_mean(name, candidates);
        self.suggestions.insert(known, suggestion.clone());
        suggestion
    }

    /// Returns the rule called `id`, or adds an error at `path`.
    pub(super) fn rule<V: Serialize + ?Sized>(
        &mut self,
        at: &At,
        path: &str,
        value: &V,
        id: &str,
    ) -> Option<RuleId> {
        let rule = id.parse().ok();
        if rule.is_none() {
            let suggestion = self.suggest(id, RuleId::ALL.into_iter().map(RuleId::as_str));
            let known = RuleId::ALL.map(|rule| format!("`{rule}`")).join(", ");
            self.error(
                at,
                path,
                value,
                format!("there is no rule `{id}`{suggestion}; the rules are {known}"),
            );
        }
        rule
    }

    /// Returns the rules that `modes` names, with their modes.
    pub(super) fn modes<'m>(
        &mut self,
        at: &At,
        modes: impl Iterator<Item = (&'m String, &'m Mode)>,
    ) -> Vec<(RuleId, Mode)> {
        modes
            .filter_map(|(id, mode)| {
                self.rule(at, &names::keyed("spec.rules", id), mode, id).map(|rule| (rule, *mode))
            })
            .collect()
    }

    /// Leaves out the warnings about a document at or below these paths.
    pub(super) fn acknowledge(&mut self, at: &At, paths: Vec<String>) {
        if !paths.is_empty() {
            let paths = paths.into_iter().map(|path| Acknowledged { path, is_used: false });
            self.acknowledged.insert(Rc::clone(&at.source), (at.clone(), paths.collect()));
        }
    }

    fn leave_out_acknowledged(&mut self) {
        let acknowledged = &mut self.acknowledged;
        self.warnings.retain(|warning| {
            let of_document =
                acknowledged.get_mut(&warning.source).map(|(_, paths)| paths).into_iter().flatten();
            let mut is_kept = true;
            for known in of_document.filter(|known| is_at_or_below(&warning.path, &known.path)) {
                known.is_used = true;
                is_kept = false;
            }
            is_kept
        });
        for (at, paths) in std::mem::take(acknowledged).into_values() {
            for Acknowledged { path, .. } in paths.into_iter().filter(|known| !known.is_used) {
                let message =
                    "there is no warning at this path to acknowledge; correct the path, or remove it";
                let annotation = names::keyed(ANNOTATIONS, ACKNOWLEDGE);
                self.warn(&at, annotation, &path, message);
            }
        }
    }

    /// Returns the errors and the warnings, each sorted, without the acknowledged ones.
    pub(super) fn finish(mut self) -> (Vec<Mistake>, Vec<Mistake>) {
        self.errors.extend(std::mem::take(&mut self.inherited_errors));
        self.warnings.extend(std::mem::take(&mut self.inherited_warnings));
        self.leave_out_acknowledged();
        self.errors.sort();
        self.warnings.sort();
        (self.errors, self.warnings)
    }
}

fn is_at_or_below(path: &str, above: &str) -> bool {
    path.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

/// Adds a mistake to those of the object, or to those that it inherits from its class, which are told once.
fn add(mistake: Mistake, at: &At, own: &mut Vec<Mistake>, inherited: &mut BTreeSet<Mistake>) {
    if mistake.source == *at.source {
        own.push(mistake);
    } else {
        inherited.insert(mistake);
    }
}

fn mistake(at: &At, path: String, value: String, message: String) -> Mistake {
    let At { source, object, .. } = at.class_of(&path).unwrap_or(at);
    let (source, object) = (Source::clone(source), String::from(&**object));
    Mistake { source, object, place: None, path, value, message }
}

fn json(value: &(impl Serialize + ?Sized)) -> String {
    // INVARIANT: strings, lists and maps of strings are always JSON. If one were not, the path would still identify
    // it.
    serde_json::to_string(value).unwrap_or_default()
}

/// Adds an error for an empty list, whose author may have meant everything or nothing.
pub(super) fn refuse_empty<T>(list: &[T], at: &At, path: &str, mend: &str, mistakes: &mut Mistakes) {
    if list.is_empty() && !mistakes.is_trimmed() {
        mistakes.error_json(at, path, "[]", format!("an empty list means nothing at all; {mend}"));
    }
}
