//! Two replicas that want different configurations: how long one leaves what the other wrote.
//!
//! Replicas learn of a change of the policies one after the other, so the later one leaves what the earlier one wrote
//! for a moment. Replicas with different flags never agree: each pause between two writes is longer than the one
//! before, so that they do not busy the API server, and the log says so once.

use std::time::Duration;

use super::digest::Digest;
use super::live::Live;

/// The first pause: the watches of two replicas tell them of a change within it.
const AGREE: Duration = Duration::from_secs(2);
/// The pause after the first write that another replica undid.
const SHORTEST: Duration = Duration::from_secs(5);
const LONGEST: Duration = Duration::from_secs(300);
/// How long a configuration is as it should be before an earlier rivalry counts no more.
const FORGOTTEN: Duration = Duration::from_secs(600);

/// Holds what one replica remembers of a rivalry about a configuration.
#[derive(Clone, Debug, Default)]
pub(super) struct Rivalry {
    /// The configuration that this replica wants, without the CAs; with another one the rivalry begins anew.
    meant: Option<Digest>,
    /// The configuration that another replica wrote; `None` while no such one is there.
    theirs: Option<Theirs>,
    /// How often this replica wrote what it wants over it.
    overwritten: u32,
    /// When it did so last.
    last: Duration,
    /// Tells whether somebody who is no replica changed what another replica wrote.
    is_edited: bool,
}

/// A configuration that is there instead of the one that a replica wants.
#[derive(Clone, Copy, Debug)]
pub(super) struct There<'l> {
    pub(super) live: &'l Live,
    /// Tells whether another replica wrote it since it was last as it should be.
    pub(super) is_rival: bool,
    /// Tells whether it is what became of this replica's last write, such as one of CAs alone.
    pub(super) is_own: bool,
}

#[derive(Clone, Debug)]
struct Theirs {
    since: Duration,
    /// When a replica of partywall wrote the configuration last, and its resource version.
    written: Option<String>,
    version: String,
}

impl Rivalry {
    /// Returns whether what another replica wrote is to be left for now; `meant` is what this one wants, without CAs.
    pub(super) fn waits(&mut self, meant: Digest, there: There<'_>, now: Duration) -> bool {
        let There { live, is_rival, is_own } = there;
        if self.meant != Some(meant) {
            *self = Self { meant: Some(meant), ..Self::default() };
        }
        let (written, version) = (live.written().map(str::to_owned), live.version().to_owned());
        let since = match &self.theirs {
            None if !is_rival => return false,
            None => now,
            Some(theirs) => {
                let is_as_written = theirs.written == written && !is_own;
                self.is_edited |= is_as_written && theirs.version != version;
                theirs.since
            }
        };
        self.theirs = Some(Theirs { since, written, version });
        !self.is_edited && now.saturating_sub(since) < self.pause()
    }

    /// Returns whether the replicas disagree for longer than they need to learn of a change.
    pub(super) const fn is_stubborn(&self) -> bool {
        self.theirs.is_some() && self.overwritten > 1
    }

    /// Notes that this replica writes what it wants; returns whether that undoes what another one wrote.
    pub(super) fn overwrite(&mut self, now: Duration) -> bool {
        let is_edited = std::mem::take(&mut self.is_edited);
        let is_theirs = self.theirs.take().is_some() && !is_edited;
        if is_theirs {
            (self.overwritten, self.last) = (self.overwritten.saturating_add(1), now);
        }
        is_theirs
    }

    /// Notes that the configuration is as this replica wants it.
    pub(super) fn settle(&mut self, now: Duration) {
        (self.theirs, self.is_edited) = (None, false);
        if now.saturating_sub(self.last) > FORGOTTEN {
            self.overwritten = 0;
        }
    }

    fn pause(&self) -> Duration {
        match self.overwritten.checked_sub(1) {
            None => AGREE,
            Some(doubled) => SHORTEST.saturating_mul(1 << doubled.min(10)).min(LONGEST),
        }
    }
}

#[cfg(test)]
mod tests;
