//! Waits until an instant, to the microsecond; tokio's timer knows milliseconds.

use std::io;
use std::time::Instant;

use rustix::fd::OwnedFd;
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::task::{AbortHandle, yield_now};

/// The ways to wait.
pub(crate) enum Pace {
    /// Looking at the clock all the time, so that nothing has to be woken: for a generator with a core of its own.
    Spinning,
    /// Asleep: for one that shares its core.
    Sleeping(AsyncFd<OwnedFd>),
}

impl Pace {
    /// Must be called in the runtime that waits.
    #[expect(deprecated, reason = "what replaced it is unsafe for descriptors that lie; an OwnedFd does not")]
    pub(crate) fn sleeping() -> io::Result<Self> {
        let timer =
            timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
        Ok(Self::Sleeping(AsyncFd::with_interest(timer, Interest::READABLE)?))
    }

    /// Keeps the thread from falling asleep as long as this is held, if it has its core for itself.
    ///
    /// The sender pays for waking it: a server that it waits for would pay with every answer, a faster one never.
    pub(crate) fn keep_awake(&self) -> Option<AbortOnDrop> {
        match self {
            Self::Spinning => {
                let awake = tokio::spawn(async {
                    loop {
                        yield_now().await;
                    }
                });
                Some(AbortOnDrop(awake.abort_handle()))
            }
            Self::Sleeping(_) => None,
        }
    }

    pub(crate) async fn until(&self, instant: Instant) {
        match self {
            Self::Spinning => {
                // Once in any case, or those that are waited for would never be looked at while it is late.
                loop {
                    yield_now().await;
                    if Instant::now() >= instant {
                        break;
                    }
                }
            }
            Self::Sleeping(timer) => {
                let slept = sleep(timer, instant).await;
                slept.unwrap_or_else(|error| panic!("a timer that was just made: {error}"));
            }
        }
    }
}

/// Ends a task when dropped.
pub(crate) struct AbortOnDrop(AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn sleep(timer: &AsyncFd<OwnedFd>, instant: Instant) -> io::Result<()> {
    let left = instant.saturating_duration_since(Instant::now());
    if left.is_zero() {
        yield_now().await;
        return Ok(());
    }
    let once = Timespec::try_from(left).map_err(io::Error::other)?;
    let never = Timespec { tv_sec: 0, tv_nsec: 0 };
    timerfd_settime(
        timer.get_ref(),
        TimerfdTimerFlags::empty(),
        &Itimerspec { it_interval: never, it_value: once },
    )?;
    loop {
        let mut ready = timer.readable().await?;
        let expired = ready.try_io(|timer| Ok(rustix::io::read(timer.get_ref(), &mut [0_u8; 8])?));
        if let Ok(read) = expired {
            return read.map(|_| ());
        }
    }
}
