//! kubectl, as people run it.

use std::fmt::{self, Display};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use crate::process;
use crate::users::User;

/// How long one command may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A command that is not run yet.
#[must_use = "a command does nothing until it is run"]
pub(crate) struct Kubectl {
    program: PathBuf,
    folder: PathBuf,
    user: User,
    args: Vec<String>,
    stdin: String,
}

/// What became of a command.
pub(crate) struct Outcome {
    command: String,
    /// The exit code; `None`: it did not end in time and was killed.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Kubectl {
    pub(crate) fn new(assets: &Path, folder: &Path, user: User) -> Self {
        let (program, folder) = (assets.join("kubectl"), folder.to_owned());
        Self { program, folder, user, args: Vec::new(), stdin: String::new() }
    }

    /// Adds arguments, one a word.
    pub(crate) fn args<A: Into<String>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    pub(crate) fn stdin(mut self, text: impl Into<String>) -> Self {
        self.stdin = text.into();
        self
    }

    /// `--namespace`
    pub(crate) fn within(self, namespace: &str) -> Self {
        self.args(["--namespace", namespace])
    }

    /// `kubectl apply -f -`
    pub(crate) fn apply(self, yaml: impl Into<String>) -> Self {
        self.args(["apply", "-f", "-"]).stdin(yaml)
    }

    /// `kubectl create -f -`
    pub(crate) fn create(self, yaml: impl Into<String>) -> Self {
        self.args(["create", "-f", "-"]).stdin(yaml)
    }

    /// Runs it, however it ends.
    pub(crate) fn run(self) -> Outcome {
        let command = format!("kubectl {}  # as {}", self.args.join(" "), self.user);
        let mut child = process::command(&self.program)
            .args(&self.args)
            .env("KUBECONFIG", self.user.kubeconfig(&self.folder))
            // Where it caches what it discovered.
            .env("HOME", &self.folder)
            .env_remove("KUBECACHEDIR")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let end = Instant::now() + PATIENCE;
        let (stdout, stderr) = (collect(child.stdout.take()), collect(child.stderr.take()));
        // It may end without reading it all; then its output tells why.
        let _written = child.stdin.take().unwrap().write_all(self.stdin.as_bytes());
        let wait =
            |stream: &Receiver<String>| stream.recv_timeout(end.saturating_duration_since(Instant::now()));
        // A command that closes both streams has ended.
        if let (Ok(stdout), Ok(stderr)) = (wait(&stdout), wait(&stderr)) {
            let code = child.wait().unwrap().code();
            return Outcome { command, code, stdout, stderr };
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let read = |stream: &Receiver<String>| stream.recv().unwrap_or_default();
        Outcome { command, code: None, stdout: read(&stdout), stderr: read(&stderr) }
    }

    /// Runs it.
    ///
    /// # Panics
    ///
    /// If it fails.
    #[track_caller]
    pub(crate) fn succeeds(self) -> Outcome {
        let outcome = self.run();
        assert_eq!(outcome.code, Some(0), "should have succeeded: {outcome}");
        outcome
    }

    /// Runs it.
    ///
    /// # Panics
    ///
    /// If it succeeds, or does not end.
    #[track_caller]
    pub(crate) fn fails(self) -> Outcome {
        let outcome = self.run();
        assert!(outcome.code.is_some_and(|code| code != 0), "should have failed: {outcome}");
        outcome
    }
}

impl Outcome {
    /// What stderr says, without the warnings that some versions add about what they will drop one day.
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
            code.map_or_else(|| format!("killed after {PATIENCE:?}"), |code| format!("exit code {code}"));
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
        let _nobody_waits = send.send(String::from_utf8_lossy(&bytes).into_owned());
    });
    receive
}
