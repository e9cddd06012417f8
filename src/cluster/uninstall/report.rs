//! What was taken away, and what stays.

use crate::cluster::api_server::Refusal;

/// How many names are listed of a kind.
const SHOWN: usize = 10;

/// The result of the command.
#[derive(Debug, Default)]
pub(crate) struct Removed {
    pub(crate) rows: Vec<Row>,
    pub(crate) stays: Vec<Stay>,
}

/// What became of one thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) what: String,
    /// The names of the objects, if it is about several.
    pub(crate) names: Vec<String>,
    done: Done,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Done {
    Removed,
    Stopped,
    WouldBeRemoved,
    WouldBeStopped,
    NotThere,
    /// It is still there, and why.
    Failed(String),
}

/// Something that the command leaves, and how to take it away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stay {
    pub(crate) what: String,
    /// The names of the objects, if it is about several.
    pub(crate) names: Vec<String>,
    pub(crate) how: String,
}

impl Row {
    /// Returns what was done, in words.
    pub(crate) fn result(&self) -> &str {
        match &self.done {
            Done::Removed => "removed",
            Done::Stopped => "stopped",
            Done::WouldBeRemoved => "would be removed",
            Done::WouldBeStopped => "would be stopped",
            Done::NotThere => "not there",
            Done::Failed(_) => "left",
        }
    }

    /// Returns what was done, in one word.
    pub(crate) const fn result_for_programs(&self) -> &'static str {
        match &self.done {
            Done::Removed => "removed",
            Done::Stopped => "stopped",
            Done::WouldBeRemoved => "wouldBeRemoved",
            Done::WouldBeStopped => "wouldBeStopped",
            Done::NotThere => "notThere",
            Done::Failed(_) => "left",
        }
    }

    /// Returns why it is still there.
    pub(crate) fn why(&self) -> Option<&str> {
        match &self.done {
            Done::Failed(why) => Some(why),
            Done::Removed | Done::Stopped | Done::WouldBeRemoved | Done::WouldBeStopped | Done::NotThere => {
                None
            }
        }
    }
}

impl Removed {
    /// Adds what became of a thing; what came of it before counts no more.
    pub(super) fn add(&mut self, what: impl Into<String>, done: Done) {
        let what = what.into();
        match self.rows.iter_mut().find(|row| row.what == what) {
            Some(row) => row.done = done,
            None => self.rows.push(Row { what, names: Vec::new(), done }),
        }
    }

    /// Adds what became of several things.
    pub(super) fn add_all(&mut self, what: String, names: Vec<String>, done: Done) {
        self.rows.push(Row { what, names, done });
    }

    /// Adds the result of a deletion.
    pub(super) fn add_deleted(&mut self, what: impl Into<String>, deleted: Result<bool, Refusal>) {
        let done = match deleted {
            Ok(true) => Done::Removed,
            Ok(false) => Done::NotThere,
            Err(refusal) => Done::Failed(refusal.message),
        };
        self.add(what, done);
    }

    /// Adds what a dry run found.
    pub(super) fn add_found<T>(&mut self, what: impl Into<String>, found: Result<Option<T>, Refusal>) {
        let done = match found {
            Ok(Some(_)) => Done::WouldBeRemoved,
            Ok(None) => Done::NotThere,
            Err(refusal) => Done::Failed(refusal.message),
        };
        self.add(what, done);
    }

    /// Adds something that stays.
    pub(super) fn stays(&mut self, what: impl Into<String>, how: impl Into<String>) {
        self.stays.push(Stay { what: what.into(), names: Vec::new(), how: how.into() });
    }

    /// Returns whether all is gone that should be.
    pub(crate) fn is_complete(&self) -> bool {
        self.rows.iter().all(|row| row.why().is_none())
    }
}

/// Counts and names objects.
pub(super) fn counted(kind: &str, names: &[String]) -> String {
    let s = if names.len() == 1 { "" } else { "s" };
    let shown: Vec<&str> = names.iter().take(SHOWN).map(String::as_str).collect();
    let more = match names.len().checked_sub(SHOWN) {
        Some(more @ 1..) => format!(" and {more} more"),
        _ => String::new(),
    };
    format!("{} {kind}{s} ({}{more})", names.len(), shown.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_counted_and_not_all_of_many_are_shown() {
        let names = |count: usize| (0..count).map(|number| format!("n{number}")).collect::<Vec<_>>();
        assert_eq!(counted("Namespace", &names(1)), "1 Namespace (n0)");
        let many = counted("Namespace", &names(12));
        assert!(many.starts_with("12 Namespaces (n0, n1") && many.ends_with("n9 and 2 more)"), "{many}");
    }
}
