//! Where mistakes are collected.

use std::fmt;
use std::rc::Rc;

use serde::Serialize;

use super::names;
use crate::api::{Mistake, Mode, Source};
use crate::rule_id::RuleId;

/// The document a mistake is in; many mistakes and claims point to one.
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

/// How many times the nearest name is looked for: each time costs a walk over all names, which must not make a
/// load of many mistakes quadratic. Whoever mistyped more than this has read the pattern by then.
const SUGGESTIONS: usize = 50;

/// What was found so far.
#[derive(Default)]
pub(super) struct Mistakes {
    errors: Vec<Mistake>,
    warnings: Vec<Mistake>,
    suggested: usize,
}

impl Mistakes {
    /// An error, with the value that was written.
    pub(super) fn error(
        &mut self,
        at: &At,
        path: impl Into<String>,
        value: &(impl Serialize + ?Sized),
        message: impl Into<String>,
    ) {
        self.error_json(at, path, json(value), message);
    }

    /// An error, with its value as JSON already, or empty where the field is missing.
    pub(super) fn error_json(
        &mut self,
        at: &At,
        path: impl Into<String>,
        value: impl Into<String>,
        message: impl Into<String>,
    ) {
        self.errors.push(mistake(at, path.into(), value.into(), message.into()));
    }

    /// A warning, with the value that was written.
    pub(super) fn warn(
        &mut self,
        at: &At,
        path: impl Into<String>,
        value: &(impl Serialize + ?Sized),
        message: impl Into<String>,
    ) {
        self.warnings.push(mistake(at, path.into(), json(value), message.into()));
    }

    /// `, did you mean ...?`, if one of `candidates` is near to `name`.
    pub(super) fn suggest<'c>(&mut self, name: &str, candidates: impl Iterator<Item = &'c str>) -> String {
        self.suggested += 1;
        if self.suggested > SUGGESTIONS {
            return String::new();
        }
        names::did_you_mean(name, candidates)
    }

    /// The rule called `id`, or an error at `path`.
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

    /// The rules that `modes` names, with their modes.
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

    /// Errors and warnings, each sorted.
    pub(super) fn finish(mut self) -> (Vec<Mistake>, Vec<Mistake>) {
        self.errors.sort();
        self.warnings.sort();
        (self.errors, self.warnings)
    }
}

fn mistake(at: &At, path: String, value: String, message: String) -> Mistake {
    Mistake { source: Source::clone(&at.source), path, value, message }
}

fn json(value: &(impl Serialize + ?Sized)) -> String {
    // INVARIANT: strings, lists and maps of strings are always JSON; should one not be, the path still tells.
    serde_json::to_string(value).unwrap_or_default()
}

/// A list that is there and empty: whoever wrote it may have meant all of them or none.
pub(super) fn refuse_empty<T>(list: &[T], at: &At, path: &str, mend: &str, mistakes: &mut Mistakes) {
    if list.is_empty() {
        mistakes.error_json(at, path, "[]", format!("an empty list means nothing at all; {mend}"));
    }
}
