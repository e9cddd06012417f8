//! Children: each with a log of its own, and none that outlives the suite.
//!
//! On Linux, `setpriv` tells the kernel to kill the children however the suite ends, also by SIGKILL. The kernel does
//! so when the *thread* ends that started the child, so one thread that never ends starts them all.

use std::fmt::Display;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::LazyLock;
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::eventually::eventually;

/// The number of log lines that a failure shows.
const TAIL: usize = 30;
/// The beginnings of the first line of a crash.
const CRASHES: [&str; 2] = ["panic: ", "fatal error: "];

/// A running program. Dropping it kills it.
pub(crate) struct Process {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts a program that writes to `<name>.log` in `logs`; a name that had one goes on writing to it.
    pub(crate) fn start(name: &str, logs: &Path, program: &Path, args: &[String]) -> Self {
        let mut command = command(program);
        command.args(args);
        Self::of(name, logs, command)
    }

    /// [`Self::start`] for a command with more than arguments.
    pub(crate) fn of(name: &str, logs: &Path, mut command: Command) -> Self {
        let log = logs.join(format!("{name}.log"));
        let file = File::options().create(true).append(true).open(&log).unwrap();
        command.stdin(Stdio::null()).stdout(file.try_clone().unwrap()).stderr(file);
        let child = spawn(command).unwrap_or_else(|error| panic!("cannot start {name}: {error}"));
        Self { name: name.to_owned(), child, log }
    }

    /// Waits until it is up, as `look` sees it.
    ///
    /// # Panics
    ///
    /// If it ends instead, or does not get there; the end of its log tells why.
    pub(crate) fn until_up<S: Display>(&mut self, within: Duration, mut look: impl FnMut() -> Result<(), S>) {
        let end = Instant::now() + within;
        let what = format!("{} is up", self.name);
        eventually(within + Duration::from_secs(1), &what, || {
            self.must_run();
            match look() {
                Err(seen) if Instant::now() >= end => {
                    panic!("{} did not come up: {seen}\n{}", self.name, self.tail())
                }
                seen => seen,
            }
        });
    }

    /// # Panics
    ///
    /// If it has ended by itself.
    pub(crate) fn must_run(&mut self) {
        if let Some(status) = self.child.try_wait().unwrap() {
            panic!("{} ended with {status}; {}", self.name, self.tail());
        }
    }

    /// The end of the log, or its last crash.
    pub(crate) fn tail(&self) -> String {
        let log = fs::read(&self.log).unwrap();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<&str> = log.lines().collect();
        // A crash of a Go program is followed by thousands of lines.
        let crash = lines.iter().rposition(|line| CRASHES.iter().any(|crash| line.starts_with(crash)));
        let start = crash.unwrap_or(lines.len().saturating_sub(TAIL));
        let tail: Vec<&str> = lines.into_iter().skip(start).take(TAIL).collect();
        format!("from {}:\n{}", self.log.display(), tail.join("\n"))
    }

    /// Sends a signal that it survives.
    pub(crate) fn signal(&self, signal: Signal) {
        // Not reaped yet, so the number is still its own.
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Sends SIGTERM, and kills it if it does not end within `limit`; returns `None` if it was killed.
    pub(crate) fn stop(mut self, limit: Duration) -> Option<ExitStatus> {
        // Not reaped yet, so the number is still its own, even if it has ended.
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
        let end = Instant::now() + limit;
        eventually(limit + Duration::from_secs(1), &format!("{} ends", self.name), || {
            match self.child.try_wait().unwrap() {
                None if Instant::now() < end => Err("it runs"),
                ended => Ok(ended),
            }
        })
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only for a child that has ended and was reaped.
        let _killed = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// Makes a command that ends with the thread that starts it, where the system can do that.
///
/// The developer's own variables for partywall are not passed on.
pub(crate) fn command(program: &Path) -> Command {
    let mut command = bound(program);
    let ours = std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("PARTYWALL_"));
    for (name, _) in ours {
        command.env_remove(name);
    }
    command
}

fn bound(program: &Path) -> Command {
    static SETPRIV: LazyLock<bool> = LazyLock::new(|| {
        let help = Command::new("setpriv").arg("--help").output();
        help.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains("--pdeathsig"))
    });
    if !*SETPRIV {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL"]).arg(program);
    command
}

/// Starts a child from the thread that never ends.
fn spawn(command: Command) -> io::Result<Child> {
    type Order = (Command, Sender<io::Result<Child>>);
    static STARTER: LazyLock<Sender<Order>> = LazyLock::new(|| {
        let (orders, incoming) = channel::<Order>();
        thread::spawn(move || {
            for (mut command, started) in incoming {
                started.send(command.spawn()).unwrap();
            }
        });
        orders
    });
    let (started, child) = channel();
    STARTER.send((command, started)).unwrap();
    child.recv().unwrap()
}
