//! Checks that each namespace has exactly one owner.

use std::collections::BTreeMap;
use std::collections::hash_map::Entry;

use rustc_hash::FxHashMap;

use super::mistakes::{At, Mistakes};
use super::names;
use crate::tenancy::{DeniedNamespace, NamespaceOwner};

const NAME: &str = "this is no name of a namespace; write exact names of lower-case letters, digits and `-`, \
     at most 63 of them, no patterns";

/// Holds the namespaces claimed so far.
pub(super) struct NamespaceOwners(FxHashMap<Box<str>, NamespaceOwner>);

impl NamespaceOwners {
    /// Returns owners that hold only the system namespaces, and those in which everything is denied.
    pub(super) fn new(
        system_namespaces: &[String],
        denied: &BTreeMap<Box<str>, DeniedNamespace>,
        at: &At,
        mistakes: &mut Mistakes,
    ) -> Self {
        let of_denied =
            denied.iter().map(|(namespace, denied)| (namespace.clone(), NamespaceOwner::Denied(*denied)));
        let mut owners = Self(of_denied.collect());
        for (index, namespace) in system_namespaces.iter().enumerate() {
            let path = format!("spec.systemNamespaces[{index}]");
            if !names::is_dns_label(namespace) {
                mistakes.error(at, path, namespace, NAME);
            } else if denied.contains_key(namespace.as_str()) {
                // A Tenant contests it.
            } else if owners.0.insert(namespace.as_str().into(), NamespaceOwner::System).is_some() {
                mistakes.error(at, path, namespace, "this namespace is listed twice; remove one of them");
            }
        }
        owners
    }

    /// Assigns `namespace` to the tenant at `index`, or adds an error if it is taken.
    ///
    /// `describe` names the tenant that has it.
    pub(super) fn claim(
        &mut self,
        namespace: &str,
        index: usize,
        (at, path): (&At, String),
        describe: impl Fn(usize) -> String,
        mistakes: &mut Mistakes,
    ) {
        if !names::is_dns_label(namespace) {
            return mistakes.error(at, path, namespace, NAME);
        }
        match self.0.entry(namespace.into()) {
            Entry::Vacant(entry) => {
                entry.insert(NamespaceOwner::Tenant(index));
            }
            Entry::Occupied(entry) => {
                let message = match entry.get() {
                    NamespaceOwner::Tenant(other) if *other == index => {
                        let message = "this namespace is listed twice; remove one of them";
                        return mistakes.error(at, path, namespace, message);
                    }
                    NamespaceOwner::Tenant(other) => format!(
                        "this namespace is claimed by {} too; a namespace has one tenant",
                        describe(*other)
                    ),
                    NamespaceOwner::System => {
                        "this namespace is one of `systemNamespaces` too, where nothing is judged; \
                         remove it from one of the lists"
                            .to_owned()
                    }
                    // Only in a cluster, whose Tenants don't list it here.
                    NamespaceOwner::Denied(_) => "everything in this namespace is denied".to_owned(),
                };
                mistakes.relation(at, path, namespace, message);
            }
        }
    }

    pub(super) fn get(&self, namespace: &str) -> Option<NamespaceOwner> {
        self.0.get(namespace).copied()
    }

    /// Iterates over the namespaces and their owners, in no order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, NamespaceOwner)> {
        self.0.iter().map(|(namespace, owner)| (&**namespace, *owner))
    }

    pub(super) fn finish(self) -> FxHashMap<Box<str>, NamespaceOwner> {
        self.0
    }
}
