//! Names the sides of the comparison.

use std::fmt::{self, Display};

use partywall_core::Entry;

use crate::payload::Expect;

/// A webhook server, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Side {
    /// No webhook at all.
    Nothing,
    Partywall,
    Gatekeeper,
}

impl Side {
    pub(crate) const ALL: [Self; 3] = [Self::Nothing, Self::Partywall, Self::Gatekeeper];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Nothing => "no webhook",
            Self::Partywall => "partywall",
            Self::Gatekeeper => "Gatekeeper",
        }
    }

    /// Returns the path to which the API server sends a pod of a tenant.
    pub(crate) fn path(self, expect: Expect) -> &'static str {
        match (self, expect) {
            (Self::Gatekeeper, Expect::Patch) => "/v1/mutate",
            (Self::Gatekeeper, Expect::Allow | Expect::Deny) => "/v1/admit",
            (_, Expect::Patch) => Entry::MutateTenants.path(),
            (_, Expect::Allow | Expect::Deny) => Entry::ValidateTenants.path(),
        }
    }
}

impl Display for Side {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}
