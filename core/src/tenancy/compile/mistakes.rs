//! Collects mistakes.

use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;

use serde::Serialize;

use super::names;
use crate::api::{ACKNOWLEDGE, Mistake, Mode, Source};
use crate::rule_id::RuleId;

/// Refers to the document of a mistake; many mistakes and claims share one.
#[derive(Clone)]
pub(super) struct At {
    pub(super) source: Rc<Source>,
}

impl At {
    pub(super) fn new(source: Source) -> Self {
        Self { source: Rc::new(source) }
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
    suggested: usize,
    acknowledged: BTreeMap<Rc<Source>, Vec<Acknowledged>>,
}

/// Holds the path of warnings that an object acknowledges.
struct Acknowledged {
    path: String,
    is_used: bool,
}

impl Mistakes {
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
        self.errors.push(mistake(at, path.into(), value.into(), message.into()));
    }

    /// Adds a warning about a value.
    pub(super) fn warn(
        &mut self,
        at: &At,
        path: impl Into<String>,
        value: &(impl Serialize + ?Sized),
        message: impl Into<String>,
    ) {
        self.warnings.push(mistake(at, path.into(), json(value), message.into()));
    }

    /// Adds a warning about a value that is JSON already, or empty for a missing field.
    pub(super) fn warn_json(
        &mut self,
        at: &At,
        path: impl Into<String>,
        value: impl Into<String>,
        message: impl Into<String>,
    ) {
        self.warnings.push(mistake(at, path.into(), value.into(), message.into()));
    }

    /// Returns `, did you mean ...?` if one of `candidates` is near to `name`.
    pub(super) fn suggest<'c>(&mut self, name: &str, candidates: impl Iterator<Item = &'c str>) -> String {
        self.suggested += 1;
        if self.suggested > SUGGESTIONS {
            return String::new();
        }
        names::did_you_mean(name, candidates)
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
            self.acknowledged.insert(Rc::clone(&at.source), paths.collect());
        }
    }

    fn leave_out_acknowledged(&mut self) {
        let acknowledged = &mut self.acknowledged;
        self.warnings.retain(|warning| {
            let of_document = acknowledged.get_mut(&warning.source).into_iter().flatten();
            let mut is_kept = true;
            for known in of_document.filter(|known| is_at_or_below(&warning.path, &known.path)) {
                known.is_used = true;
                is_kept = false;
            }
            is_kept
        });
        for (source, paths) in std::mem::take(acknowledged) {
            for Acknowledged { path, .. } in paths.into_iter().filter(|known| !known.is_used) {
                let message =
                    "there is no warning at this path to acknowledge; correct the path, or remove it";
                let (at, annotation) =
                    (At { source: Rc::clone(&source) }, names::keyed(ANNOTATIONS, ACKNOWLEDGE));
                self.warn(&at, annotation, &path, message);
            }
        }
    }

    /// Returns the errors and the warnings, each sorted, without the acknowledged ones.
    pub(super) fn finish(mut self) -> (Vec<Mistake>, Vec<Mistake>) {
        self.leave_out_acknowledged();
        self.errors.sort();
        self.warnings.sort();
        (self.errors, self.warnings)
    }
}

fn is_at_or_below(path: &str, above: &str) -> bool {
    path.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

fn mistake(at: &At, path: String, value: String, message: String) -> Mistake {
    Mistake { source: Source::clone(&at.source), path, value, message }
}

fn json(value: &(impl Serialize + ?Sized)) -> String {
    // INVARIANT: strings, lists and maps of strings are always JSON. If one were not, the path would still identify
    // it.
    serde_json::to_string(value).unwrap_or_default()
}

/// Adds an error for an empty list, whose author may have meant everything or nothing.
pub(super) fn refuse_empty<T>(list: &[T], at: &At, path: &str, mend: &str, mistakes: &mut Mistakes) {
    if list.is_empty() {
        mistakes.error_json(at, path, "[]", format!("an empty list means nothing at all; {mend}"));
    }
}
