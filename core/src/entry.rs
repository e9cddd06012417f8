//! Lists the paths at which the API server calls partywall.
//!
//! Each webhook of the configurations calls the path of its own entry, so that a decision knows by which selector the
//! API server chose the request.

/// Names the API server's two phases of admission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The API server asks for a patch; partywall denies only requests that it cannot decode or decide.
    Mutate,
    /// The API server asks whether it may store the object.
    Validate,
}

/// Names the path of a webhook, and so the requests that the API server sends to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Entry {
    /// `/mutate`: any request; for configurations that somebody writes by hand.
    Mutate,
    /// `/validate`: any request; for configurations that somebody writes by hand.
    Validate,
    /// `/mutate/tenants`: pods and DaemonSets in namespaces with the label [`crate::labels::TENANT`].
    MutateTenants,
    /// `/validate/tenants`: objects in these namespaces.
    ValidateTenants,
    /// `/validate/elsewhere`: pods, bindings and claims in all other namespaces, if they could reach a pool.
    ValidateElsewhere,
    /// `/validate/templates`: objects with a pod template, in every namespace.
    ValidateTemplates,
    /// `/validate/statuses`: statuses of pods.
    ValidateStatuses,
    /// `/mutate/namespaces`: Namespaces, which get their tenant's label.
    MutateNamespaces,
    /// `/validate/namespaces`: Namespaces.
    ValidateNamespaces,
    /// `/validate/policies`: the objects of partywall itself, in a cluster that has their CustomResourceDefinitions.
    ValidatePolicies,
}

impl Entry {
    /// Lists all entries.
    pub const ALL: [Self; 10] = [
        Self::Mutate,
        Self::Validate,
        Self::MutateTenants,
        Self::ValidateTenants,
        Self::ValidateElsewhere,
        Self::ValidateTemplates,
        Self::ValidateStatuses,
        Self::MutateNamespaces,
        Self::ValidateNamespaces,
        Self::ValidatePolicies,
    ];

    /// Returns the path in the URL.
    pub const fn path(self) -> &'static str {
        match self {
            Self::Mutate => "/mutate",
            Self::Validate => "/validate",
            Self::MutateTenants => "/mutate/tenants",
            Self::ValidateTenants => "/validate/tenants",
            Self::ValidateElsewhere => "/validate/elsewhere",
            Self::ValidateTemplates => "/validate/templates",
            Self::ValidateStatuses => "/validate/statuses",
            Self::MutateNamespaces => "/mutate/namespaces",
            Self::ValidateNamespaces => "/validate/namespaces",
            Self::ValidatePolicies => "/validate/policies",
        }
    }

    /// Returns the phase in which the API server calls the path.
    pub const fn phase(self) -> Phase {
        match self {
            Self::Mutate | Self::MutateTenants | Self::MutateNamespaces => Phase::Mutate,
            Self::Validate
            | Self::ValidateTenants
            | Self::ValidateElsewhere
            | Self::ValidateTemplates
            | Self::ValidateStatuses
            | Self::ValidateNamespaces
            | Self::ValidatePolicies => Phase::Validate,
        }
    }

    /// Returns whether the API server sends the entry only requests in namespaces with the tenant's label.
    pub const fn is_of_tenants(self) -> bool {
        matches!(self, Self::MutateTenants | Self::ValidateTenants)
    }

    /// Returns whether the API server goes on without an answer.
    ///
    /// partywall never makes such an entry wait or fail: it allows what it cannot decide, with a warning.
    pub const fn goes_on_without_answer(self) -> bool {
        matches!(self, Self::ValidateTemplates | Self::ValidateStatuses)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_entry_has_a_path_of_its_own_that_begins_with_its_phase() {
        let mut paths = Entry::ALL.map(Entry::path).to_vec();
        for entry in Entry::ALL {
            let phase = match entry.phase() {
                Phase::Mutate => "/mutate",
                Phase::Validate => "/validate",
            };
            assert!(entry.path().starts_with(phase), "{entry:?}");
        }
        paths.sort_unstable();
        paths.dedup();
        assert_eq!(paths.len(), Entry::ALL.len());
    }
}
