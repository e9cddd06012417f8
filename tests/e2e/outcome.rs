//! Commands that end, and their output.

use std::fmt::{self, Display};
use std::io::{Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

/// The time limit of one command or one script.
const TIMEOUT: Duration = Duration::from_secs(120);

/// The result of a command.
pub(crate) struct Outcome {
    command: String,
    /// The exit code; `None`: it did not end in time and was killed.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Outcome {
    /// Runs a command to its end; `title` names it in failures.
    pub(crate) fn of(mut command: Command, title: String, stdin: &str) -> Self {
        // A group of its own, so that what a script has started ends with it.
        command.process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let end = Instant::now() + TIMEOUT;
        let (stdout, stderr) = (collect(child.stdout.take()), collect(child.stderr.take()));
        // It may end without reading it all; then its output tells why.
        let _written = child.stdin.take().unwrap().write_all(stdin.as_bytes());
        let wait =
            |stream: &Receiver<String>| stream.recv_timeout(end.saturating_duration_since(Instant::now()));
        // A command that closes both streams has ended.
        if let (Ok(stdout), Ok(stderr)) = (wait(&stdout), wait(&stderr)) {
            let code = child.wait().unwrap().code();
            return Self { command: title, code, stdout, stderr };
        }
        // Not reaped yet, so the number is still its own.
        kill_process_group(Pid::from_child(&child), Signal::KILL).unwrap();
        child.wait().unwrap();
        let read = |stream: &Receiver<String>| stream.recv().unwrap_or_default();
        Self { command: title, code: None, stdout: read(&stdout), stderr: read(&stderr) }
    }

    /// # Panics
    ///
    /// If the command failed.
    #[track_caller]
    pub(crate) fn succeeded(self) -> Self {
        assert_eq!(self.code, Some(0), "should have succeeded: {self}");
        self
    }

    /// Returns stderr without warnings, since some versions add some about deprecated APIs.
    pub(crate) fn errors(&self) -> String {
        let lines = self.stderr.lines().filter(|line| !line.starts_with("Warning: "));
        lines.flat_map(|line| [line, "\n"]).collect()
    }

    /// # Panics
    ///
    /// If neither stream holds the text.
    #[track_caller]
    pub(crate) fn says(&self, text: &str) -> &Self {
        assert!(
            self.stderr.contains(text) || self.stdout.contains(text),
            "should have said `{text}`: {self}"
        );
        self
    }
}

impl Display for Outcome {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { command, code, stdout, stderr } = self;
        let end =
            code.map_or_else(|| format!("killed after {TIMEOUT:?}"), |code| format!("exit code {code}"));
        write!(formatter, "{command}\n{end}\nstdout: {}\nstderr: {}", stdout.trim_end(), stderr.trim_end())
    }
}

/// Reads a stream to its end, beside whoever waits for it.
fn collect(stream: Option<impl Read + Send + 'static>) -> Receiver<String> {
    let (send, receive) = channel();
    let mut stream = stream.unwrap();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let _how_it_ends = stream.read_to_end(&mut bytes);
        let _receiver_may_be_gone = send.send(String::from_utf8_lossy(&bytes).into_owned());
    });
    receive
}
