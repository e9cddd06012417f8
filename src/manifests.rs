//! Manifests: files, the YAML and JSON in them, Lists, and the objects that come of all that.

mod files;
mod flaws;
mod list;
mod objects;
pub(crate) mod yaml;

pub use self::files::{Fingerprint, Unreadable, fingerprint};
pub(crate) use self::files::{Listed, holds_manifest, list, read};
pub(crate) use self::flaws::{Flaw, excerpt, mismatch, unknown_field};
pub(crate) use self::list::{is_list, items};
pub(crate) use self::objects::{Manifest, Problem, is_policy, list_below, objects};
