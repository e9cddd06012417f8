//! `partywall check`: assesses manifests offline, as if they were created.
//!
//! Each object goes through the same two calls as in a cluster: `/mutate`, whose patch is applied, and then
//! `/validate`. Nothing is implemented a second time here.
//!
//! Results go to stdout, notes and progress to stderr.
//!
//! INVARIANT: an object that could not be assessed never counts as clean, and neither does an empty input; the exit
//! code tells.

use std::io::{self, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::builder::FalseyValueParser;
use jiff::civil::Date;
use partywall_core::tenancy::{Snapshot, did_you_mean};

use super::progress::Progress;
use super::today::today;
use super::{colour, notes};
use crate::assess::{Assessor, FailOn, Options, Output, Report, Show, User};
use crate::manifests::{self, Listed, Problem, Unreadable};
use crate::policies;

/// Judges manifests offline, as if they were created: multi-document YAML or JSON, Lists, folders.
///
/// Exit codes: 0 nothing would be denied, 1 something would (with `--fail-on warn`: or there are warnings), 2 something
/// could not be judged, or nothing was found.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Files or folders of manifests; `-` reads stdin.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Files or folders with NodePools, Tenants, Exemptions and Settings; may be repeated.
    ///
    /// Without it the embedded demonstration holds.
    #[arg(long, value_name = "PATH", env = "PARTYWALL_POLICIES", value_delimiter = ',')]
    policies: Vec<PathBuf>,
    /// The namespace of objects that name none.
    #[arg(short, long, value_name = "NAME", env = "PARTYWALL_NAMESPACE", default_value = "default")]
    namespace: String,
    /// The tenant to which objects without a namespace belong: they are judged as in its first namespace.
    #[arg(long, value_name = "NAME", env = "PARTYWALL_TENANT", conflicts_with = "namespace")]
    tenant: Option<String>,
    /// The user who would create the objects; an ordinary user if absent.
    ///
    /// Some rules depend on it: only the platform team changes the protected labels of a Namespace.
    #[arg(long = "as", value_name = "USER", env = "PARTYWALL_AS")]
    user: Option<String>,
    /// A group of that user; may be repeated.
    #[arg(long = "as-group", value_name = "GROUP", env = "PARTYWALL_AS_GROUP", value_delimiter = ',')]
    groups: Vec<String>,
    /// The files come from a cluster, such as from `kubectl get -o yaml`: what the cluster filled in is left out.
    #[arg(long, env = "PARTYWALL_LIVE", value_parser = FalseyValueParser::new())]
    live: bool,
    /// The least severe finding for which the exit code is 1: what would be denied, or warnings too.
    #[arg(long, value_enum, value_name = "MODE", env = "PARTYWALL_FAIL_ON", default_value = "deny")]
    fail_on: FailOn,
    /// How results are printed.
    #[arg(short, long, value_enum, env = "PARTYWALL_OUTPUT", default_value = "text")]
    output: Output,
    /// Print the objects as they would be stored.
    #[arg(long, env = "PARTYWALL_SHOW_STAMPED", value_parser = FalseyValueParser::new())]
    show_stamped: bool,
    /// Print what the stamp would change.
    #[arg(long, env = "PARTYWALL_DIFF", value_parser = FalseyValueParser::new())]
    diff: bool,
}

pub(super) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let Args { files, policies, namespace, tenant, user, groups, live, fail_on, output, show_stamped, diff } =
        args;
    let today = today();
    let loaded = load(&policies, today)?;
    let namespace = match tenant {
        Some(tenant) => namespace_of(&tenant, &loaded.snapshot)?,
        None => namespace,
    };
    let show = match (show_stamped, diff) {
        (true, true) => {
            anyhow::bail!("--show-stamped and --diff exclude each other; --diff shows only what changes")
        }
        (true, false) => Show::Stamped,
        (false, true) => Show::Diff,
        (false, false) => Show::Findings,
    };
    if diff && output != Output::Text {
        anyhow::bail!(
            "--diff is for people, so it goes with --output text; in JSON, `patch` says what changes"
        );
    }
    let groups = if groups.is_empty() { vec!["system:authenticated".to_owned()] } else { groups };
    let assessor = Assessor {
        snapshot: &loaded.snapshot,
        namespace,
        user: User { name: user.unwrap_or_else(|| User::ANYBODY.to_owned()), groups },
        is_live: live,
        keeps_written: diff,
        today,
    };
    let stdout = io::stdout();
    let colour = output == Output::Text && colour::is_wanted(&stdout);
    let options = Options { output, colour, show, fail_on, modes: loaded.snapshot.modes };
    let mut report = Report::new(io::BufWriter::new(stdout.lock()), options);
    match check(&files, &policies, &assessor, &mut report) {
        Ok(()) if report.is_empty() => anyhow::bail!("found no manifest in {}", quoted(&files)),
        Ok(()) => Ok(report.exit_code()),
        // The reader of a pipe has closed it, as `head` does.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(report.exit_code()),
        Err(error) => Err(error).context("the results cannot be written"),
    }
}

/// Returns the first namespace of a tenant.
fn namespace_of(tenant: &str, snapshot: &Snapshot) -> anyhow::Result<String> {
    let claims = snapshot.tenants_namespaces();
    let found =
        claims.iter().find(|(name, _)| *name == tenant).and_then(|(_, namespaces)| namespaces.first());
    let names = || snapshot.tenants().iter().map(|tenant| &*tenant.name);
    match found {
        Some(namespace) => Ok((*namespace).to_owned()),
        None if names().any(|name| name == tenant) => {
            anyhow::bail!("tenant `{tenant}` lists no namespace; name one with --namespace")
        }
        None => anyhow::bail!("the policies have no tenant `{tenant}`{}", did_you_mean(tenant, names())),
    }
}

/// Loads the policies and prints their warnings.
fn load(paths: &[PathBuf], today: Date) -> anyhow::Result<policies::Loaded> {
    let loaded = if paths.is_empty() {
        notes::demo();
        policies::demo(today).context("the embedded demonstration has mistakes")?
    } else {
        policies::load(paths, today)
            .map_err(|error| anyhow::anyhow!("the policies cannot be used:\n{error}"))?
    };
    if loaded.snapshot.tenants().is_empty() {
        anyhow::bail!(
            "the policies in {} have no Tenant, so almost nothing would be judged; name the files that have them",
            quoted(paths)
        );
    }
    // Users cannot correct the embedded demonstration.
    if !paths.is_empty() {
        notes::warnings(&loaded.warnings);
    }
    Ok(loaded)
}

fn check<W: Write>(
    paths: &[PathBuf],
    policies: &[PathBuf],
    assessor: &Assessor<'_>,
    report: &mut Report<W>,
) -> io::Result<()> {
    let Listed { files, unreadable, .. } = manifests::list_below(paths);
    for Unreadable { path, error } in unreadable {
        report.unassessed(&Problem::of_file(path.display(), error))?;
    }
    let mut progress = Progress::new(files.len());
    let mut not_applied = Vec::new();
    for file in files {
        let mut has_policy = false;
        let read = manifests::read_manifest(&file, |manifest| {
            has_policy |= manifest.as_ref().is_ok_and(|manifest| manifests::is_policy(&manifest.object));
            let outcome = manifest.and_then(|manifest| assessor.assess(manifest));
            // A line would break a progress bar on the same terminal.
            let reported = progress.suspend(|| match outcome {
                Ok(assessment) => report.assessed(&assessment),
                Err(problem) => report.unassessed(&problem),
            });
            reported.map_or_else(ControlFlow::Break, ControlFlow::Continue)
        });
        if let ControlFlow::Break(error) = read {
            return Err(error);
        }
        progress.advance();
        if has_policy && !is_applied(&file, policies) {
            not_applied.push(file);
        }
    }
    progress.finish();
    report.finish()?;
    tell_not_applied(&not_applied);
    Ok(())
}

/// Returns whether a file is one of the policies in force.
fn is_applied(file: &Path, policies: &[PathBuf]) -> bool {
    let Ok(file) = file.canonicalize() else { return false };
    let mut policies = policies.iter().filter_map(|path| path.canonicalize().ok());
    policies.any(|path| file == path || file.parent() == Some(&path))
}

/// Notes that policies among the manifests are not in force, since the user may expect it.
#[expect(clippy::print_stderr, reason = "notes of a command go to stderr")]
fn tell_not_applied(files: &[PathBuf]) {
    if !files.is_empty() {
        eprintln!("note: policies in {} are not applied; name them with --policies", quoted(files));
    }
}

/// Returns some of the paths, for a message.
fn quoted(paths: &[PathBuf]) -> String {
    const SHOWN: usize = 3;
    let shown = paths.iter().take(SHOWN).map(|path| format!("`{}`", path.display()));
    let mut list = shown.collect::<Vec<_>>().join(", ");
    if let Some(more @ 1..) = paths.len().checked_sub(SHOWN) {
        list.push_str(&format!(" and {more} more"));
    }
    list
}
