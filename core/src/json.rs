//! Reads and writes JSON: the reader, the types that borrow from its input, and patches.

mod borrowed;
mod escaped;
mod list;
mod pairs;
mod patch;
pub(crate) mod reader;
mod text;
mod walk;

pub(crate) use self::borrowed::{InPlace, borrowed, borrowed_methods};
pub(crate) use self::escaped::Escaped;
pub(crate) use self::escaped::without_position;
pub use self::list::List;
pub(crate) use self::pairs::Annotations;
pub use self::pairs::Pairs;
pub use self::patch::Patch;
pub(crate) use self::patch::{PatchBuilder, Pointer};
pub use self::text::Text;
pub(crate) use self::walk::{Path, Visit, walk};
