//! The objects as they were written, each with the places of its fields.

use partywall_core::api::{Located, Source, Spec};
use serde_json::Value;

use super::Read;
use super::places::{Finder, Texts};

/// The default Settings.
const DEFAULT: &str = include_str!("../../../policies/default.yaml");
const DEFAULT_PATH: &str = "policies/default.yaml";

/// All objects of a load, as they were written.
#[derive(Debug)]
pub(crate) struct Written {
    objects: Vec<Located>,
    texts: Texts,
}

/// An object as it was written.
#[derive(Debug)]
pub(crate) struct WrittenObject<'w> {
    pub(crate) name: &'w str,
    /// The fields that it has.
    pub(crate) spec: Value,
    pub(crate) source: &'w Source,
}

impl Written {
    pub(super) fn of(read: &Read) -> Self {
        Self { objects: read.objects.clone(), texts: read.texts.clone() }
    }

    /// Returns the default Settings, which hold where an operator's Settings lack a field.
    pub(crate) fn defaults() -> Self {
        let mut read = Read::default();
        read.file(DEFAULT_PATH, DEFAULT.as_bytes());
        Self::of(&read)
    }

    /// Returns the object of a kind that has this name.
    pub(crate) fn find(&self, kind: &str, name: &str) -> Option<WrittenObject<'_>> {
        self.of_kind(kind).find(|object| object.name == name)
    }

    /// Returns the objects of a kind, in the order of the files.
    pub(crate) fn of_kind(&self, kind: &str) -> impl Iterator<Item = WrittenObject<'_>> {
        let of_kind = self.objects.iter().filter(move |located| located.object.spec.kind() == kind);
        of_kind.map(|Located { source, object }| WrittenObject {
            name: &object.name,
            spec: fields(&object.spec),
            source,
        })
    }

    /// Returns a finder of the places of fields.
    pub(crate) fn finder(&self) -> Finder<'_> {
        self.texts.finder()
    }
}

fn fields(spec: &Spec) -> Value {
    let fields = match spec {
        Spec::NodePool(spec) => serde_json::to_value(spec),
        Spec::Tenant(spec) => serde_json::to_value(spec),
        Spec::TenantClass(spec) => serde_json::to_value(spec),
        Spec::Exemption(spec) => serde_json::to_value(spec),
        Spec::Settings(spec) => serde_json::to_value(spec),
    };
    // INVARIANT: a spec is a struct of strings, numbers, lists and maps of strings, which are always JSON; the compiler
    // has written the same spec as JSON before.
    fields.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_have_all_their_fields_and_places() {
        let defaults = Written::defaults();
        let settings = defaults.find("Settings", "default").unwrap();
        assert_eq!(settings.spec["systemNamespaces"][0], "kube-system");
        let place = defaults.finder().find(settings.source, "spec.systemNamespaces").unwrap();
        let line = DEFAULT.lines().position(|line| line == "  systemNamespaces:").unwrap() + 1;
        assert_eq!(place.line, u64::try_from(line).unwrap());
    }
}
