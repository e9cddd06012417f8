//! Assigns cores to the servers and the generator.
//!
//! Unless told otherwise, the servers have one core and the generator another: then a server has one worker, does not
//! wander, and what it costs is the same from run to run. A process inherits the core of the thread that starts it,
//! and partywall starts as many workers as it has cores.

use std::io;

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// The cores, and who has which.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Placement {
    /// One for the servers, one for the generator.
    Pinned { server: usize, generator: usize },
    /// All of them for everybody.
    Anywhere,
}

impl Placement {
    /// Takes the first two cores of this process; with only one there is nothing to keep apart.
    pub(crate) fn choose(pinned: bool) -> io::Result<Self> {
        let mine = sched_getaffinity(None)?;
        let mut cores = (0..CpuSet::MAX_CPU).filter(|core| mine.is_set(*core));
        let placement = match (cores.next(), cores.next()) {
            // The first core of a machine has most of its interrupts.
            (Some(generator), Some(server)) if pinned => Self::Pinned { server, generator },
            _ => Self::Anywhere,
        };
        placement.take_own()?;
        Ok(placement)
    }

    /// Does something on the servers' core.
    pub(crate) fn at_server<T>(self, start: impl FnOnce() -> T) -> io::Result<T> {
        if let Self::Pinned { server, .. } = self {
            pin(server)?;
        }
        let started = start();
        self.take_own()?;
        Ok(started)
    }

    fn take_own(self) -> io::Result<()> {
        match self {
            Self::Pinned { generator, .. } => pin(generator),
            Self::Anywhere => Ok(()),
        }
    }

    pub(crate) fn describe(self) -> String {
        match self {
            Self::Pinned { server, generator } => {
                format!("servers on core {server} with one worker each, the generator on core {generator}")
            }
            Self::Anywhere => "everything anywhere, servers with a worker for each core".to_owned(),
        }
    }
}

fn pin(core: usize) -> io::Result<()> {
    let mut cores = CpuSet::new();
    cores.set(core);
    Ok(sched_setaffinity(None, &cores)?)
}
