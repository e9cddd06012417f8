//! The labels that Kubernetes and partywall know.

/// Makes a namespace a tenant's; the value is the tenant's name.
pub const TENANT: &str = "partywall.dev/tenant";
/// A namespace's own name, which the API server sets.
pub const NAMESPACE_NAME: &str = "kubernetes.io/metadata.name";
/// Makes an object the platform's own, in a tenant's namespace; the value does not matter.
pub const MANAGED: &str = "partywall.dev/managed";
