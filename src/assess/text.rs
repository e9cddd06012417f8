//! The report for people.

use std::io::{self, Write};

use super::assessor::{Assessment, Outcome};
use super::count::Count;
use super::diff;
use super::paint::{BOLD, DIM, GREEN, PLAIN, Paint, RED, YELLOW};
use super::words::{self, exempted, mode_and_rule, object, printable};

/// What is written of each object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Show {
    /// What was found.
    Findings,
    /// The object as it would be stored, with what was found in comments.
    Stamped,
    /// What was found, and what the stamp would change.
    Diff,
}

pub(super) struct Text {
    pub(super) colour: bool,
    pub(super) show: Show,
}

impl Text {
    pub(super) fn assessed(&self, assessment: &Assessment, out: &mut impl Write) -> io::Result<()> {
        match self.show {
            Show::Findings => self.paragraph(assessment, out),
            Show::Stamped => stamped(assessment, out),
            Show::Diff => {
                self.paragraph(assessment, out)?;
                self.diff(assessment, out)
            }
        }
    }

    pub(super) fn finish(&self, count: &Count, out: &mut impl Write) -> io::Result<()> {
        let mark = if self.show == Show::Stamped { "# " } else { "" };
        for line in std::iter::once(count.summary()).chain(count.notes()) {
            writeln!(out, "{mark}{}", printable(&line))?;
        }
        Ok(())
    }

    /// Writes a line for an object that is not clean, and its violations below it, each with its place.
    fn paragraph(&self, assessment: &Assessment, out: &mut impl Write) -> io::Result<()> {
        if assessment.violations.is_empty()
            && assessment.warnings.is_empty()
            && assessment.exempted.is_empty()
        {
            return Ok(());
        }
        let (word, colour) = match assessment.outcome() {
            Outcome::Denied => ("denied", RED),
            Outcome::Warned => ("warning", YELLOW),
            Outcome::Clean if !assessment.warnings.is_empty() => ("note", DIM),
            Outcome::Clean if assessment.violations.is_empty() => ("exempt", DIM),
            Outcome::Clean => ("audited", DIM),
        };
        writeln!(out, "{}: {}", self.paint(word, colour), title(assessment))?;
        let file = printable(&assessment.file);
        for warning in &assessment.warnings {
            writeln!(out, "  {file}:{}: {}", warning.at, printable(&words::warning(warning)))?;
        }
        for violated in &assessment.violations {
            let field = self.paint(&printable(&violated.violation.field), BOLD);
            let message = printable(&violated.violation.message);
            writeln!(out, "  {file}:{}: {field}: {message} ({})", violated.at, mode_and_rule(violated))?;
        }
        if assessment.more > 0 {
            writeln!(out, "  and {} more", assessment.more)?;
        }
        if let Some(exempted) = exempted(assessment) {
            writeln!(out, "  {exempted}")?;
        }
        Ok(())
    }

    /// Writes what the stamp would change, as a unified diff of the object's YAML.
    fn diff(&self, assessment: &Assessment, out: &mut impl Write) -> io::Result<()> {
        let Some(diff) = diff::unified(assessment).map_err(io::Error::other)? else { return Ok(()) };
        for line in diff.lines() {
            let colour = match line.as_bytes() {
                [b'-', b'-', b'-', ..] | [b'+', b'+', b'+', ..] => BOLD,
                [b'-', ..] => RED,
                [b'+', ..] => GREEN,
                _ => PLAIN,
            };
            writeln!(out, "{}", self.paint(&printable(line), colour))?;
        }
        Ok(())
    }

    fn paint(&self, text: &str, colour: &str) -> String {
        Paint { colour: self.colour }.paint(text, colour)
    }
}

/// Writes a YAML document (JSON is YAML) that may be piped on, with the violations in comments.
fn stamped(assessment: &Assessment, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "---\n# {}", title(assessment))?;
    for warning in &assessment.warnings {
        writeln!(out, "# {}: {}", warning.at, printable(&words::warning(warning)))?;
    }
    for violated in &assessment.violations {
        let (field, message) = (printable(&violated.violation.field), printable(&violated.violation.message));
        writeln!(out, "# {}: {field}: {message} ({})", violated.at, mode_and_rule(violated))?;
    }
    if let Some(exempted) = exempted(assessment) {
        writeln!(out, "# {exempted}")?;
    }
    serde_json::to_writer_pretty(&mut *out, &assessment.stamped)?;
    writeln!(out)
}

/// `web.yaml#2: Pod tenants-x/web of tenant `tenants-x``
fn title(assessment: &Assessment) -> String {
    let tenant = assessment.tenant.as_deref().map(|tenant| format!(" of tenant `{tenant}`"));
    let (object, tenant) = (object(assessment), tenant.unwrap_or_default());
    printable(&format!("{}: {object}{tenant}", assessment.source))
}
