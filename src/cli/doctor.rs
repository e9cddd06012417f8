//! `partywall doctor`: checks a live installation.

mod report;

use std::hash::{BuildHasher, RandomState};
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::ValueEnum;
use jiff::Timestamp;

use super::installation::Installation;
use super::steps::Steps;
use super::today::{now, today};
use super::{colour, unreachable};
use crate::assess::Paint;
use crate::cluster::{ApiServer, Checked, Examination};
use crate::policies;

/// Checks a live installation: what is wrong, why, and what to do about it.
///
/// It asks with your own credentials, and changes nothing: objects are created in dry runs only. What you may not read
/// is told as `not looked at`.
///
/// Exit codes: 0 all is fine, 1 something was found, 2 it was called wrongly, 3 the cluster cannot be reached, or not
/// all of it could be looked at.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    installation: Installation,

    /// The file with default Settings that the replicas have (`--settings` of `partywall serve`).
    #[arg(long, value_name = "FILE", env = "PARTYWALL_SETTINGS")]
    settings: Option<PathBuf>,

    /// How results are printed.
    #[arg(short, long, value_enum, env = "PARTYWALL_OUTPUT", default_value = "text")]
    output: Output,
}

/// How results are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Output {
    /// For people: a table of the checks, and what they found.
    Text,
    /// One JSON object a line, for each check.
    Json,
}

pub(super) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let Args { installation, settings, output } = args;
    let (access, namespace) = installation.split();
    let defaults = settings.map(|path| policies::read_settings(&path)).transpose()?;
    let examination = Examination { namespace, defaults, today: today(), now, nonce: nonce() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let examined = runtime.block_on(async {
        let api = ApiServer::new(access).await?;
        let mut steps = Steps::for_terminals();
        let examined = examination.run(&api, &mut |what| steps.begin(&format!("reading {what}"))).await;
        steps.finish();
        anyhow::Ok(examined)
    })?;
    match examined {
        Ok(checked) => {
            print(&checked, output).context("the results cannot be written")?;
            Ok(ExitCode::from(exit_code(&checked)))
        }
        Err(unreachable) => Ok(unreachable::tell(&unreachable)),
    }
}

/// Returns the exit code: what was found counts before what could not be looked at.
fn exit_code(checked: &[Checked]) -> u8 {
    if checked.iter().any(|checked| !checked.outcome.findings.is_empty()) {
        1
    } else if checked.iter().any(|checked| !checked.outcome.not_looked_at.is_empty()) {
        3
    } else {
        0
    }
}

fn print(checked: &[Checked], output: Output) -> io::Result<()> {
    let stdout = io::stdout();
    let paint = Paint { colour: output == Output::Text && colour::is_wanted(&stdout) };
    let mut out = io::BufWriter::new(stdout.lock());
    let written = match output {
        Output::Text => report::text(checked, paint, &mut out),
        Output::Json => report::json(checked, &mut out),
    };
    match written.and_then(|()| out.flush()) {
        // The reader of a pipe has closed it, as `head` does.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

/// Returns letters and digits that no earlier run had.
fn nonce() -> String {
    let of_process = RandomState::new().hash_one(std::process::id());
    let time: Timestamp = now();
    format!("{of_process:016x}{:x}", time.as_nanosecond())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::{Check, Finding, NotLookedAt, Outcome};

    #[test]
    fn what_was_not_looked_at_is_never_fine() {
        let of = |findings: usize, missing: usize| {
            let finding = Finding { object: "a".to_owned(), cause: "b".to_owned(), cure: "c".to_owned() };
            let not = NotLookedAt { what: "a".to_owned(), why: "b".to_owned() };
            let outcome = Outcome { findings: vec![finding; findings], not_looked_at: vec![not; missing] };
            let fine = Checked { check: Check::Pods, outcome: Outcome::default() };
            exit_code(&[fine, Checked { check: Check::Nodes, outcome }])
        };
        assert_eq!([of(0, 0), of(1, 0), of(0, 1), of(1, 1)], [0, 1, 3, 1]);
    }
}
