//! Bodies of requests: how they are read, the memory for them, and the time they may take.

mod deadline;
mod memory;
mod receive;
mod stalled;

pub(super) use self::deadline::Deadline;
pub(super) use self::memory::{Memory, Reservation};
pub(super) use self::receive::{Arriving, Received, Trouble};
