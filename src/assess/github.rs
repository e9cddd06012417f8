//! The report as workflow commands, which GitHub shows beside the changed lines.
//!
//! <https://docs.github.com/actions/reference/workflow-commands-for-github-actions>

use std::io::{self, Write};

use partywall_core::api::Mode;

use super::assessor::Assessment;
use super::count::Count;
use super::words::{self, exempted, mode_and_rule, object, printable};
use crate::manifests::{Fault, Location, Problem};

pub(super) fn assessed(assessment: &Assessment, out: &mut impl Write) -> io::Result<()> {
    let (file, at) = (assessment.file.as_str(), assessment.at);
    let title = object(assessment);
    for violated in &assessment.violations {
        let violation = &violated.violation;
        let command = match violation.mode {
            Mode::Deny => "error",
            Mode::Warn if violated.denies_pods => "error",
            Mode::Warn => "warning",
            Mode::Audit | Mode::Off => "notice",
        };
        let message =
            format!("{title}: {}: {} ({})", violation.field, violation.message, mode_and_rule(violated));
        let title = format!("partywall: {}", violation.rule);
        annotation(command, file, Some(violated.at), &title, &message, out)?;
    }
    if assessment.more > 0 {
        let message = format!("{title}: {} more violations are not listed", assessment.more);
        annotation("warning", file, Some(at), "partywall", &message, out)?;
    }
    for warning in &assessment.warnings {
        let message = format!("{title}: {}", words::warning(warning));
        let command = if warning.is_note { "notice" } else { "warning" };
        annotation(command, file, Some(warning.at), "partywall", &message, out)?;
    }
    if let Some(exempted) = exempted(assessment) {
        annotation("notice", file, Some(at), "partywall", &format!("{title}: {exempted}"), out)?;
    }
    Ok(())
}

pub(super) fn unassessed(Problem { file, faults }: &Problem, out: &mut impl Write) -> io::Result<()> {
    for Fault { at, message } in faults {
        annotation("error", file, *at, "partywall: not judged", message, out)?;
    }
    Ok(())
}

/// Writes the summary, which the log shows as it is.
pub(super) fn finish(count: &Count, out: &mut impl Write) -> io::Result<()> {
    for line in std::iter::once(count.summary()).chain(count.notes()) {
        writeln!(out, "{}", printable(&line))?;
    }
    Ok(())
}

fn annotation(
    command: &str,
    file: &str,
    at: Option<Location>,
    title: &str,
    message: &str,
    out: &mut impl Write,
) -> io::Result<()> {
    write!(out, "::{command} file={},", property(file))?;
    if let Some(Location { line, column }) = at {
        write!(out, "line={line},col={column},")?;
    }
    writeln!(out, "title={}::{}", property(title), data(message))
}

/// Escapes the message of a command.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Escapes a property of a command, which ends at a comma or colon.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
