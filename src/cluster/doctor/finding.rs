//! What a check found, and what it could not look at.

use crate::cluster::api_server::Refusal;

/// A check of an installation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Check {
    Definitions,
    Objects,
    Registration,
    Certificates,
    Entries,
    Replicas,
    Namespaces,
    Nodes,
    NodeLabels,
    Exemptions,
    Pods,
    DaemonSets,
}

impl Check {
    /// Returns the name, which programs may rely on.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Definitions => "definitions",
            Self::Objects => "objects",
            Self::Registration => "registration",
            Self::Certificates => "certificates",
            Self::Entries => "entries",
            Self::Replicas => "replicas",
            Self::Namespaces => "namespaces",
            Self::Nodes => "nodes",
            Self::NodeLabels => "node-labels",
            Self::Exemptions => "exemptions",
            Self::Pods => "pods",
            Self::DaemonSets => "daemon-sets",
        }
    }

    /// Returns what holds if the check finds nothing.
    pub(crate) const fn holds(self) -> &'static str {
        match self {
            Self::Definitions => "the CustomResourceDefinitions are there, and of this version",
            Self::Objects => "each object of partywall.dev holds as it is written",
            Self::Registration => "both webhook configurations are as they should be",
            Self::Certificates => "the CAs of the configurations are those of the replicas",
            Self::Entries => "the API server asks partywall, and does what it says",
            Self::Replicas => "replicas live, serve every entry, and are of one version",
            Self::Namespaces => "each Namespace has the label of its tenant, and no other has one",
            Self::Nodes => "each NodePool has nodes, and these have its labels and taints",
            Self::NodeLabels => "no kubelet may set all labels of a NodePool itself",
            Self::Exemptions => "no Exemption has ended, or ends within 30 days",
            Self::Pods => "no pods but a tenant's run on its nodes, beside those of the system",
            Self::DaemonSets => "the DaemonSets of tenants have the stamp of today",
        }
    }
}

/// Something wrong: where, why, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    /// The kind and the name of the object, as kubectl takes them.
    pub(crate) object: String,
    pub(crate) cause: String,
    pub(crate) cure: String,
}

/// Something that could not be looked at, so that nobody knows whether it is fine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NotLookedAt {
    pub(crate) what: String,
    pub(crate) why: String,
}

impl NotLookedAt {
    /// Says what the API server refused to show.
    pub(super) fn refused(what: impl Into<String>, refusal: Refusal) -> Self {
        Self { what: what.into(), why: refusal.message }
    }
}

/// Something that was read, or why it was not.
pub(super) type Look<T> = Result<T, NotLookedAt>;

/// The result of a check.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) findings: Vec<Finding>,
    pub(crate) not_looked_at: Vec<NotLookedAt>,
}

impl Outcome {
    /// Adds a finding.
    pub(super) fn find(
        &mut self,
        object: impl Into<String>,
        cause: impl Into<String>,
        cure: impl Into<String>,
    ) {
        self.findings.push(Finding { object: object.into(), cause: cause.into(), cure: cure.into() });
    }

    /// Takes what was read; what was not is added to what was not looked at, once.
    pub(super) fn look<'l, T>(&mut self, look: &'l Look<T>) -> Option<&'l T> {
        match look {
            Ok(read) => Some(read),
            Err(missing) => {
                if !self.not_looked_at.contains(missing) {
                    self.not_looked_at.push(missing.clone());
                }
                None
            }
        }
    }
}

/// The result of one check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Checked {
    pub(crate) check: Check,
    pub(crate) outcome: Outcome,
}

/// Lists names for a sentence: a few, and how many more there are.
pub(super) fn some_of<'n>(names: impl IntoIterator<Item = &'n str>) -> String {
    const SHOWN: usize = 5;
    let names: Vec<&str> = names.into_iter().collect();
    let shown = names.iter().take(SHOWN).map(|name| format!("`{name}`"));
    let mut list = shown.collect::<Vec<_>>().join(", ");
    if let Some(more @ 1..) = names.len().checked_sub(SHOWN) {
        list.push_str(&format!(" and {more} more"));
    }
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_read_is_noted_once_and_a_long_list_ends() {
        let missing: Look<()> = Err(NotLookedAt { what: "nodes".to_owned(), why: "forbidden".to_owned() });
        let mut outcome = Outcome::default();
        assert_eq!((outcome.look(&missing), outcome.look(&missing)), (None, None));
        assert_eq!(outcome.not_looked_at.len(), 1);
        assert_eq!(some_of(["a", "b"]), "`a`, `b`");
        assert_eq!(some_of(["a", "b", "c", "d", "e", "f", "g"]), "`a`, `b`, `c`, `d`, `e` and 2 more");
    }
}
