//! Default Settings from a file, usually a mounted ConfigMap.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Map, Value};
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval};
use tracing::{error, info};

use super::state::Change;
use crate::policies::read_settings;

/// The time between two looks at the file.
const EVERY: Duration = Duration::from_secs(2);

/// A file with default Settings, and what was read of it last.
#[derive(Clone)]
pub(super) struct SettingsFile {
    path: PathBuf,
    fields: Map<String, Value>,
}

impl SettingsFile {
    /// Reads the file for the first time.
    pub(super) fn read(path: PathBuf) -> anyhow::Result<Self> {
        let fields = read_settings(&path)?;
        Ok(Self { path, fields })
    }

    /// Returns the fields of the spec.
    pub(super) fn fields(&self) -> Map<String, Value> {
        self.fields.clone()
    }

    /// Tells changes of the file, for ever. A faulty change is logged once and has no effect.
    pub(super) async fn watch(mut self, changes: mpsc::Sender<Change>) {
        let mut ticks = interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut told = None;
        // Whoever was started again tells at first what another one may have told.
        let mut is_first = true;
        loop {
            ticks.tick().await;
            let path = self.path.clone();
            let Ok(read) = tokio::task::spawn_blocking(move || read_settings(&path)).await else { continue };
            match read {
                Ok(fields) if fields == self.fields && !is_first => told = None,
                Ok(fields) => {
                    if fields != self.fields {
                        info!(file = %self.path.display(), "the default Settings changed");
                    }
                    self.fields.clone_from(&fields);
                    (told, is_first) = (None, false);
                    if changes.send(Change::Defaults(fields)).await.is_err() {
                        return;
                    }
                }
                Err(problem) => {
                    let problem = problem.to_string();
                    if told.as_ref() != Some(&problem) {
                        error!(problem, "the default Settings cannot be used; the last good ones hold");
                        told = Some(problem);
                    }
                }
            }
        }
    }
}
