//! The names under which partywall is installed in a cluster.

use std::num::NonZeroU16;

/// The namespace of partywall, without `--namespace`.
pub(crate) const NAMESPACE: &str = "partywall-system";
/// The Service in front of the replicas, and its port.
pub(super) const SERVICE: (&str, NonZeroU16) = ("partywall", NonZeroU16::new(443).unwrap());
/// Both webhook configurations.
pub(super) const CONFIGURATIONS: &str = "partywall";
/// The Secret with the CAs.
pub(super) const CA_SECRET: &str = "partywall-ca";
/// The Lease of the replica that leads.
pub(super) const LEADER: &str = "partywall-leader";
/// What the Leases of the replicas are named by, before the name of the replica.
pub(super) const REPLICA_PREFIX: &str = "partywall-replica-";

/// The field manager of the labels of Namespaces, by which `uninstall` finds what partywall wrote.
pub(super) const LABELS_MANAGER: &str = "partywall-labels";
/// The field manager of the webhook configurations.
pub(super) const REGISTRATION_MANAGER: &str = "partywall-registration";
/// The field manager of the status of partywall's objects.
pub(super) const STATUS_MANAGER: &str = "partywall-status";
