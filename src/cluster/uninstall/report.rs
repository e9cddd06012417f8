//! What was taken away, and what stays.

use crate::cluster::api_server::Refusal;

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
            None => self.rows.push(Row { what, done }),
        }
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
        self.stays.push(Stay { what: what.into(), how: how.into() });
    }

    /// Returns whether all is gone that should be.
    pub(crate) fn is_complete(&self) -> bool {
        self.rows.iter().all(|row| row.why().is_none())
    }
}
