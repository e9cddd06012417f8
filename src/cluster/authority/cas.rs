//! The CAs of an installation, and how they follow each other.
//!
//! ```text
//! made → next (in all bundles, signs nothing) → current (signs) → previous (in all bundles) → gone
//! ```
//!
//! Each step takes away only what signs nothing any more, and lets sign only what is in all bundles already.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use crate::cluster::facts::Fingerprint;

/// How many CAs that are not trusted any more are remembered.
const DISTRUSTED: usize = 16;

/// A CA.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Ca {
    pub(crate) id: Fingerprint,
    /// When it was made and when it ends, in seconds since 1970.
    pub(crate) made: i64,
    pub(crate) until: i64,
    /// Whether it may sign for all names of this replica.
    pub(crate) fits: bool,
    /// The certificate, in PEM.
    pub(crate) certificate: Arc<str>,
    /// The key, in PEM; `None` if it signs nothing any more.
    pub(crate) key: Option<Arc<str>>,
}

/// Leaves out the key.
impl fmt::Debug for Ca {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} from {} until {}", self.id, self.made, self.until)
    }
}

impl Ca {
    /// Returns whether it has not ended yet.
    pub(crate) const fn is_alive(&self, now: i64) -> bool {
        now < self.until
    }

    /// Returns whether at most this part of its life is left.
    pub(crate) const fn has_left_at_most(&self, part: i64, now: i64) -> bool {
        self.until.saturating_sub(now) <= self.until.saturating_sub(self.made) / part
    }
}

/// The CAs of an installation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cas {
    /// Signs all serving certificates.
    pub(crate) current: Ca,
    /// Signs after the current one.
    pub(crate) next: Ca,
    /// Signed before the current one.
    pub(crate) previous: Option<Ca>,
    /// Since when the bundles of all registered entries have held the next one, in seconds since 1970.
    pub(crate) held_since: Option<i64>,
    /// The current CA that somebody wants to be replaced, although nothing is wrong with it.
    pub(crate) leaving: Option<Fingerprint>,
    /// The CAs of which somebody else may have the keys.
    pub(crate) distrusted: BTreeSet<Fingerprint>,
}

impl Cas {
    /// Returns the first CAs of an installation.
    pub(crate) fn found(current: Ca, next: Ca) -> Self {
        let (previous, held_since, leaving, distrusted) = (None, None, None, BTreeSet::new());
        Self { current, next, previous, held_since, leaving, distrusted }
    }

    /// Returns all of them.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Ca> {
        [&self.current, &self.next].into_iter().chain(&self.previous)
    }

    pub(crate) fn contains(&self, id: Fingerprint) -> bool {
        self.all().any(|ca| ca.id == id)
    }

    pub(crate) fn distrusts(&self, ca: &Ca) -> bool {
        self.distrusted.contains(&ca.id)
    }

    /// Returns the CAs with another next one.
    pub(crate) fn with_next(&self, fresh: Ca) -> Self {
        Self { next: fresh, held_since: None, ..self.clone() }
    }

    /// Returns the CAs after the next one has become the current one. The key of the old one is forgotten.
    pub(crate) fn promoted(&self, fresh: Ca) -> Self {
        let previous = Ca { key: None, ..self.current.clone() };
        let promoted = Self {
            current: self.next.clone(),
            next: fresh,
            previous: Some(previous),
            held_since: None,
            leaving: None,
            distrusted: self.distrusted.clone(),
        };
        promoted.bounded()
    }

    /// Returns the CAs without the previous one.
    pub(crate) fn without_previous(&self) -> Self {
        Self { previous: None, ..self.clone() }
    }

    /// Returns the CAs, with a note since when the next one is in all bundles.
    pub(crate) fn held(&self, since: Option<i64>) -> Self {
        Self { held_since: since, ..self.clone() }
    }

    /// Returns the CAs, of which somebody wants the current one to be replaced.
    pub(crate) fn leaving(&self) -> Self {
        Self { leaving: Some(self.current.id), ..self.clone() }
    }

    /// Returns the CAs, of which somebody else may have all keys.
    pub(crate) fn compromised(&self) -> Self {
        let mut distrusted = self.distrusted.clone();
        distrusted.extend(self.all().map(|ca| ca.id));
        Self { distrusted, ..self.clone() }.bounded()
    }

    /// Forgets what is not trusted and long gone.
    ///
    /// A replica that was cut off may still serve a certificate of such a CA, and would want it in the bundle.
    fn bounded(mut self) -> Self {
        while self.distrusted.len() > DISTRUSTED {
            let gone = self.distrusted.iter().copied().find(|id| !self.contains(*id));
            let Some(gone) = gone else { break };
            self.distrusted.remove(&gone);
        }
        self
    }
}
