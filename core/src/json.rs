//! JSON as it arrives and as it leaves: the reader, the types that borrow from it, and patches.

mod list;
mod pairs;
mod patch;
pub(crate) mod reader;
mod record;
mod text;

pub use self::list::List;
pub(crate) use self::pairs::Annotations;
pub use self::pairs::Pairs;
pub use self::patch::Patch;
pub(crate) use self::patch::{PatchBuilder, Pointer};
pub use self::record::Cut;
pub(crate) use self::record::{Place, record, record_methods};
pub use self::text::Text;
