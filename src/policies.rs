//! Policies: from files to a checked snapshot, the store that the server reads it from, and the reload.

mod admission;
mod files;
mod in_force;
mod learned;
mod probe;
mod reload;
mod settings;
mod store;

pub use self::admission::{Declared, decode};
pub(crate) use self::admission::{Known, may_change, review};
pub(crate) use self::files::{Finder, Written, WrittenObject, grouped, inspect, load_written};
pub use self::files::{LoadError, Loaded, demo, load};
pub(crate) use self::in_force::InForce;
pub use self::learned::{Learned, Question};
pub(crate) use self::probe::{answer_to_probe, probe};
pub(crate) use self::reload::Policies;
pub(crate) use self::settings::read_settings;
pub use self::store::{Reader, Writer, store};
pub use crate::manifests::{Fingerprint, Unreadable, fingerprint};
