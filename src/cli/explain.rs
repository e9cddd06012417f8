//! `partywall explain`: prints the reference of a field or a rule, or what holds for a namespace or a tenant.

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::ValueEnum;
use clap::builder::FalseyValueParser;
use serde_json::json;

use super::notes;
use super::today::today;
use crate::explain::{Subject, explain};
use crate::{policies, reference};

/// Prints the reference of a field (`tenant.spec.services`), an object (`tenant`) or a rule (`rule tolerations`).
///
/// With --namespace, --tenant or --settings it prints what holds there by the policies: each value with the object and
/// the line that it comes from, the rules with their modes, the node pools, and the exemptions.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A field, an object, `rule ID` or `rules`; without it, what there is.
    #[arg(value_name = "PATH", num_args = 0..=2, conflicts_with_all = ["namespace", "tenant", "settings"])]
    path: Vec<String>,
    /// Print what holds in this namespace, and whose it is.
    #[arg(short, long, value_name = "NAME", env = "PARTYWALL_NAMESPACE", conflicts_with_all = ["tenant", "settings"])]
    namespace: Option<String>,
    /// Print what holds in the namespaces of this tenant.
    #[arg(long, value_name = "NAME", env = "PARTYWALL_TENANT", conflicts_with = "settings")]
    tenant: Option<String>,
    /// Print the Settings, with the defaults of what they leave out.
    #[arg(long, env = "PARTYWALL_SETTINGS", value_parser = FalseyValueParser::new())]
    settings: bool,
    /// Files or folders with NodePools, Tenants, Exemptions and Settings; may be repeated.
    ///
    /// Without it the embedded demonstration holds.
    #[arg(long, value_name = "PATH", env = "PARTYWALL_POLICIES", value_delimiter = ',')]
    policies: Vec<PathBuf>,
    /// How it is printed.
    #[arg(short, long, value_enum, env = "PARTYWALL_OUTPUT", default_value = "text")]
    output: Output,
}

/// How an explanation is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Output {
    /// For people.
    Text,
    /// A JSON object.
    Json,
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let Args { path, namespace, tenant, settings, policies, output } = args;
    let subject = match (namespace, tenant, settings) {
        (Some(name), _, _) => Some(Subject::Namespace(name)),
        (None, Some(name), _) => Some(Subject::Tenant(name)),
        (None, None, true) => Some(Subject::Settings),
        (None, None, false) => None,
    };
    let mut text = match subject {
        Some(subject) => holding(subject, policies, *output)?,
        None => of_reference(path, *output)?,
    };
    if !text.ends_with('\n') {
        text.push('\n');
    }
    match io::stdout().write_all(text.as_bytes()) {
        // The reader of a pipe has closed it, as `head` does.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
        written => written.context("the explanation cannot be written")?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Explains what holds for a subject.
fn holding(subject: Subject<'_>, paths: &[PathBuf], output: Output) -> anyhow::Result<String> {
    let today = today();
    if paths.is_empty() {
        notes::demo();
    }
    let (loaded, written) = policies::load_written(paths, today)
        .map_err(|error| anyhow::anyhow!("the policies cannot be used:\n{error}"))?;
    if !paths.is_empty() {
        notes::warnings(&loaded.warnings);
    }
    let explanation = explain(subject, &loaded.snapshot, &written, today)?;
    Ok(match output {
        Output::Text => explanation.to_string(),
        Output::Json => serde_json::to_string_pretty(&explanation)?,
    })
}

/// Returns a part of the reference.
fn of_reference(path: &[String], output: Output) -> anyhow::Result<String> {
    let words: Vec<_> = path.iter().map(String::as_str).collect();
    let text = match words.as_slice() {
        [] => reference::overview(),
        ["rules" | "rule"] => reference::list_of_rules(),
        ["rule", id] => reference::explain_rule(id)?,
        [path] => reference::explain(path)?,
        [path, ..] => anyhow::bail!("write one path, such as `{path}`, or `rule ID`"),
    };
    Ok(match output {
        Output::Text => text,
        Output::Json => json!({"path": words.join(" "), "text": text}).to_string(),
    })
}
