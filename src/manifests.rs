//! Manifests: the files, the YAML and JSON in them, and the objects in these, Lists taken apart.
//!
//! Policies and the manifests of `check` come through here. Nothing here knows what an object means.

mod files;
mod flaws;
mod list;
mod locations;
mod objects;
mod plain;
mod syntax;
mod yaml;

pub use self::files::{Fingerprint, Unreadable, fingerprint};
pub(crate) use self::files::{Listed, holds_manifest, list, list_below, read};
pub(crate) use self::flaws::{Flaw, FlawKind};
pub(crate) use self::list::Lists;
pub(crate) use self::locations::Location;
pub(crate) use self::objects::{
    Entry, Fault, FilePlaces, Manifest, Places, Problem, entries, is_policy, read_manifest,
};
