//! kubectl, as people run it.

use std::path::{Path, PathBuf};

use crate::outcome::Outcome;
use crate::process;
use crate::users::User;

/// A command that is not run yet.
#[must_use = "a command does nothing until it is run"]
pub(crate) struct Kubectl {
    program: PathBuf,
    folder: PathBuf,
    user: User,
    args: Vec<String>,
    stdin: String,
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
        let mut kubectl = process::command(&self.program);
        kubectl
            .args(&self.args)
            .env("KUBECONFIG", self.user.kubeconfig(&self.folder))
            // Where it caches what it discovered.
            .env("HOME", &self.folder)
            .env_remove("KUBECACHEDIR");
        Outcome::of(kubectl, command, &self.stdin)
    }

    /// Runs it.
    ///
    /// # Panics
    ///
    /// If it fails.
    #[track_caller]
    pub(crate) fn succeeds(self) -> Outcome {
        self.run().succeeded()
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
