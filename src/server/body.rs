//! Bodies of requests: how they are read, the memory they may take, and how long they may take.

mod deadline;
mod memory;
mod receive;

pub(super) use self::deadline::Deadline;
pub(super) use self::memory::{Budget, Room};
pub(super) use self::receive::{Arriving, Received, Trouble};
