//! Reads the usage of a process from /proc: nanoseconds on a core, context switches, memory, descriptors; and how busy
//! everything else on the machine was meanwhile.
//!
//! Threads come and go, so time is added up by thread: what one used between two looks is counted unless it ended in
//! between. Of this process, whose threads do, the kernel tells the whole.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, Timespec, clock_gettime};
use serde::Serialize;

/// The share of the machine that other processes may use in an undisturbed round.
pub(crate) const DISTURBED: f64 = 0.05;
/// The unit of /proc/stat, in ticks a second; it has never changed in Linux.
const TICKS_PER_SECOND: f64 = 100.0;

/// The usage of a process so far.
pub(crate) struct Usage {
    threads: BTreeMap<u32, Thread>,
}

#[derive(Clone, Copy, Default)]
struct Thread {
    nanoseconds: u64,
    switches: u64,
}

/// Returns the usage of this process so far, including threads that ended.
pub(crate) fn own() -> Duration {
    let Timespec { tv_sec, tv_nsec } = clock_gettime(ClockId::ProcessCPUTime);
    Duration::from_secs(tv_sec.unsigned_abs()) + Duration::from_nanos(tv_nsec.unsigned_abs())
}

/// The usage between two looks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Used {
    pub(crate) cpu: Duration,
    pub(crate) switches: u64,
}

impl Usage {
    pub(crate) fn of(pid: u32) -> io::Result<Self> {
        let mut threads = BTreeMap::new();
        for entry in fs::read_dir(format!("/proc/{pid}/task"))? {
            let folder = entry?.path();
            // A thread that has just ended is none.
            let (Ok(times), Ok(status)) =
                (fs::read_to_string(folder.join("schedstat")), fs::read_to_string(folder.join("status")))
            else {
                continue;
            };
            let id = folder.file_name().and_then(|name| name.to_str()?.parse().ok()).unwrap_or_default();
            let nanoseconds = times.split_whitespace().next().and_then(|time| time.parse().ok());
            let switches =
                field(&status, "voluntary_ctxt_switches:") + field(&status, "nonvoluntary_ctxt_switches:");
            threads.insert(id, Thread { nanoseconds: nanoseconds.unwrap_or_default(), switches });
        }
        Ok(Self { threads })
    }

    pub(crate) fn since(&self, before: &Self) -> Used {
        let mut used = Thread::default();
        for (id, thread) in &self.threads {
            let begun = before.threads.get(id).copied().unwrap_or_default();
            used.nanoseconds += thread.nanoseconds.saturating_sub(begun.nanoseconds);
            used.switches += thread.switches.saturating_sub(begun.switches);
        }
        Used { cpu: Duration::from_nanos(used.nanoseconds), switches: used.switches }
    }
}

/// The memory and the descriptors that a process holds.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Held {
    pub(crate) mib: f64,
    /// The most it ever had, since [`forget_peak`].
    pub(crate) peak_mib: f64,
    pub(crate) descriptors: usize,
}

impl Held {
    pub(crate) fn by(pid: u32) -> io::Result<Self> {
        let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
        let mib = |name| f64::from(u32::try_from(field(&status, name)).unwrap_or(u32::MAX)) / 1024.0;
        let descriptors = fs::read_dir(format!("/proc/{pid}/fd"))?.count();
        Ok(Self { mib: mib("VmRSS:"), peak_mib: mib("VmHWM:"), descriptors })
    }
}

/// Lets the peak of memory begin again from what is held now.
pub(crate) fn forget_peak(pid: u32) -> io::Result<()> {
    fs::write(format!("/proc/{pid}/clear_refs"), "5")
}

fn field(status: &str, name: &str) -> u64 {
    let value = status.lines().find_map(|line| line.strip_prefix(name));
    value.and_then(|value| value.split_whitespace().next()?.parse().ok()).unwrap_or_default()
}

/// The time for which the cores of the machine have been busy.
pub(crate) struct Busy {
    seconds: f64,
    at: Instant,
}

impl Busy {
    pub(crate) fn now() -> io::Result<Self> {
        let stat = fs::read_to_string("/proc/stat")?;
        let numbers = stat.lines().next().unwrap_or_default().split_whitespace().skip(1);
        let ticks: Vec<f64> = numbers.filter_map(|number| number.parse().ok()).collect();
        // user nice system idle iowait irq softirq steal; guests are counted as user already.
        let busy = ticks.iter().enumerate().filter(|(index, _)| !matches!(index, 3 | 4 | 8..));
        Ok(Self { seconds: busy.map(|(_, ticks)| ticks).sum::<f64>() / TICKS_PER_SECOND, at: Instant::now() })
    }

    /// Returns the share of the machine that was neither idle nor `ours` since `before`.
    ///
    /// It is below 0 now and then, since one is told in hundredths of a second and the other in nanoseconds.
    pub(crate) fn others_since(&self, before: &Self, ours: Duration, cores: usize) -> f64 {
        let all = (self.at - before.at).as_secs_f64() * f64::from(u32::try_from(cores).unwrap_or(1));
        (self.seconds - before.seconds - ours.as_secs_f64()) / all
    }
}
