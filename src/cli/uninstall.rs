//! `partywall uninstall`: takes away what the replicas made in a cluster.

use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::ValueEnum;
use clap::builder::FalseyValueParser;
use serde_json::{Value, json};

use super::installation::Installation;
use super::steps::Steps;
use super::{colour, unreachable};
use crate::assess::{BOLD, Paint, RED, printable};
use crate::cluster::{ApiServer, Removal, Removed, Row, Stay};

/// Takes away what the replicas made in a cluster: webhook configurations, labels of Namespaces, Leases, and the Secret
/// with the CAs.
///
/// The webhook configurations go first. Then it stops the replicas, which would put everything back: the Deployment
/// `partywall` gets 0 of them. Only labels are taken away that partywall set itself. At the end it lists what stays,
/// and how to take that away. It may be repeated.
///
/// Exit codes: 0 all of it is gone, 1 something is left, 2 it was called wrongly, 3 the cluster cannot be reached.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    installation: Installation,

    /// Only tell what would be taken away.
    #[arg(long, env = "PARTYWALL_DRY_RUN", value_parser = FalseyValueParser::new())]
    dry_run: bool,

    /// Seconds to wait until the replicas have ended.
    #[arg(long, value_name = "SECONDS", default_value_t = 90, env = "PARTYWALL_TIMEOUT")]
    timeout: u64,

    /// How results are printed.
    #[arg(short, long, value_enum, env = "PARTYWALL_OUTPUT", default_value = "table")]
    output: Output,
}

/// How results are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Output {
    /// For people.
    Table,
    /// One JSON object.
    Json,
}

pub(super) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let Args { installation, dry_run, timeout, output } = args;
    let (access, namespace) = installation.split();
    let removal = Removal { namespace, is_dry: dry_run, patience: Duration::from_secs(timeout) };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let removed = runtime.block_on(async {
        let api = ApiServer::new(access).await?;
        let mut steps = if dry_run { Steps::for_terminals() } else { Steps::as_lines() };
        let removed = removal.run(&api, &mut |step| steps.begin(step)).await;
        steps.finish();
        anyhow::Ok(removed)
    })?;
    match removed {
        Ok(removed) => {
            print(&removed, output).context("the results cannot be written")?;
            Ok(ExitCode::from(u8::from(!removed.is_complete())))
        }
        Err(unreachable) => Ok(unreachable::tell(&unreachable)),
    }
}

fn print(removed: &Removed, output: Output) -> io::Result<()> {
    let stdout = io::stdout();
    let paint = Paint { colour: output == Output::Table && colour::is_wanted(&stdout) };
    let mut out = io::BufWriter::new(stdout.lock());
    let written = match output {
        Output::Table => table(removed, paint, &mut out),
        Output::Json => writeln!(out, "{}", as_json(removed)),
    };
    match written.and_then(|()| out.flush()) {
        // The reader of a pipe has closed it, as `head` does.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

/// Returns what was taken away, and what stays, for programs: the fields are stable, and all names are there.
fn as_json(removed: &Removed) -> Value {
    let row = |row: &Row| {
        let (what, result, names, reason) = (&row.what, row.result_for_programs(), &row.names, row.why());
        json!({"what": what, "result": result, "names": names, "reason": reason})
    };
    let stay = |stay: &Stay| json!({"what": stay.what, "names": stay.names, "remove": stay.how});
    json!({
        "complete": removed.is_complete(),
        "objects": removed.rows.iter().map(row).collect::<Vec<_>>(),
        "stays": removed.stays.iter().map(stay).collect::<Vec<_>>(),
    })
}

/// Writes what was taken away, and what stays.
fn table(Removed { rows, stays }: &Removed, paint: Paint, out: &mut impl Write) -> io::Result<()> {
    let width = rows.iter().map(|row| row.result().len()).max().unwrap_or_default();
    for row in rows {
        let result = format!("{:width$}", row.result());
        let result = if row.why().is_some() { paint.paint(&result, RED) } else { result };
        let Row { what, .. } = row;
        let why = row.why().map(|why| format!(": {}", printable(why))).unwrap_or_default();
        writeln!(out, "{result}  {}{why}", printable(what))?;
    }
    writeln!(out, "\n{}", paint.paint("What stays, and how to take it away:", BOLD))?;
    for Stay { what, how, .. } in stays {
        writeln!(out, "  {}\n      {}", printable(what), printable(how))?;
    }
    Ok(())
}
