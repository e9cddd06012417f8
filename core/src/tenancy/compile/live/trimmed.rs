//! Holds what is left of the objects.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::objects::{Finding, ObjectName, Reason, finding};
use crate::api::TenantSpec;
use crate::tenancy::DeniedNamespace;
use crate::tenancy::compile::objects::{Named, Objects};

/// Holds what is left of the objects.
pub(super) struct Trimmed {
    pub(super) objects: Objects,
    /// The namespaces in which everything is denied.
    pub(super) denied: BTreeMap<Box<str>, DeniedNamespace>,
    /// The default pools that are not there or contested, by tenant.
    pub(super) lacking: BTreeMap<String, Box<str>>,
    pub(super) findings: BTreeMap<ObjectName, Vec<Finding>>,
}

impl Trimmed {
    /// Notes what does not hold of an object.
    pub(super) fn note<V: Serialize + ?Sized>(
        &mut self,
        (kind, name): (&'static str, &str),
        reason: Reason,
        path: impl Into<String>,
        value: &V,
        message: impl Into<String>,
    ) {
        let name = ObjectName { kind, name: name.to_owned() };
        // INVARIANT: what is noted are strings and maps of strings, which are always JSON.
        let value = serde_json::to_string(value).unwrap_or_default();
        let noted = finding(reason, &name, path, value, message.into());
        self.findings.entry(name).or_default().push(noted);
    }
}

/// Removes the items at these places.
pub(super) fn remove_at<T>(list: &mut Vec<T>, places: &BTreeSet<usize>) {
    let mut place = 0;
    list.retain(|_| {
        place += 1;
        !places.contains(&(place - 1))
    });
}

/// Describes a tenant as mistakes of files do.
pub(super) fn describe(tenants: &[Named<TenantSpec>], index: usize) -> String {
    tenants.get(index).map(|object| format!("tenant `{}` ({})", object.name, object.at)).unwrap_or_default()
}
