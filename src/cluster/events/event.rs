//! What an event says.

/// An event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) regarding: Regarding,
    /// The reason in one word, such as `Conflict`.
    pub(crate) reason: String,
    /// The text for people.
    pub(crate) note: String,
    pub(crate) weight: Weight,
    /// What partywall did, in one word.
    pub(crate) action: &'static str,
}

/// The object of an event; it is in no namespace.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Regarding {
    pub(crate) api_version: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) name: String,
    pub(crate) uid: String,
}

/// Whether an operator must do something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weight {
    Warning,
}

impl Weight {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Warning => "Warning",
        }
    }
}

#[cfg(test)]
impl Event {
    /// Returns a warning about a Tenant.
    pub(super) fn example(note: &str) -> Self {
        Self {
            regarding: Regarding {
                api_version: "partywall.dev/v1alpha1",
                kind: "Tenant",
                name: "a".to_owned(),
                uid: "u".to_owned(),
            },
            reason: "Conflict".to_owned(),
            note: note.to_owned(),
            weight: Weight::Warning,
            action: "Compile",
        }
    }
}
