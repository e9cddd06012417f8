//! The report of assessments, for people or for programs.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::ValueEnum;
use partywall_core::api::Mode;
use partywall_core::verdict::Violation;
use serde::Serialize;
use serde_json::Value;

use super::assessor::{Assessment, Outcome};
use super::count::Count;
use crate::manifests::Problem;

/// How results are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Writes results as they come, and counts them.
pub(crate) struct Report<W> {
    out: W,
    output: Output,
    colour: bool,
    show_stamped: bool,
    count: Count,
}

impl<W: Write> Report<W> {
    pub(crate) fn new(out: W, output: Output, colour: bool, show_stamped: bool) -> Self {
        Self { out, output, colour, show_stamped, count: Count::default() }
    }

    /// Reports the assessment of an object.
    pub(crate) fn assessed(&mut self, assessment: &Assessment) -> io::Result<()> {
        self.count.assessed(assessment);
        match self.output {
            Output::Json => self.line(assessment),
            Output::Text if self.show_stamped => self.stamped(assessment),
            Output::Text => self.paragraph(assessment),
        }
    }

    /// Reports an object that could not be assessed. That is no result, so it goes to stderr.
    #[expect(clippy::print_stderr, reason = "stdout holds results alone")]
    pub(crate) fn unassessed(&mut self, Problem { source, messages }: &Problem) -> io::Result<()> {
        self.count.unassessed();
        // Keeps the order of both streams on one terminal.
        self.out.flush()?;
        for message in messages {
            eprintln!("error: {}: {}", printable(source), printable(message));
        }
        Ok(())
    }

    /// Ends the report; there is none if no object was found.
    pub(crate) fn finish(&mut self) -> io::Result<()> {
        if self.output == Output::Text && !self.is_empty() {
            let mark = if self.show_stamped { "# " } else { "" };
            for line in std::iter::once(self.count.summary()).chain(self.count.note()) {
                writeln!(self.out, "{mark}{}", printable(&line))?;
            }
        }
        self.out.flush()
    }

    /// Returns whether no object was found.
    pub(crate) fn is_empty(&self) -> bool {
        self.count.all() == 0
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        if self.count.is_any_unassessed() {
            ExitCode::from(2)
        } else if self.count.is_any_violating() {
            ExitCode::FAILURE
        } else {
            ExitCode::SUCCESS
        }
    }

    /// Writes a line for an object that is not clean, and its violations below it.
    fn paragraph(&mut self, assessment: &Assessment) -> io::Result<()> {
        if assessment.violations.is_empty()
            && assessment.warnings.is_empty()
            && assessment.exempted.is_empty()
        {
            return Ok(());
        }
        let (word, colour) = match assessment.outcome() {
            Outcome::Denied => ("denied", RED),
            Outcome::Warned => ("warning", YELLOW),
            Outcome::Clean if !assessment.warnings.is_empty() => ("warning", YELLOW),
            Outcome::Clean if assessment.violations.is_empty() => ("exempt", DIM),
            Outcome::Clean => ("audited", DIM),
        };
        let title = title(assessment);
        let word = self.paint(word, colour);
        writeln!(self.out, "{word}: {title}")?;
        for warning in &assessment.warnings {
            writeln!(self.out, "  {}", printable(warning))?;
        }
        for violation in &assessment.violations {
            let field = self.paint(&printable(&violation.field), BOLD);
            let message = printable(&violation.message);
            writeln!(self.out, "  {field}: {message} ({})", mode_and_rule(violation))?;
        }
        if assessment.more > 0 {
            writeln!(self.out, "  and {} more", assessment.more)?;
        }
        if let Some(exempted) = exempted(assessment) {
            writeln!(self.out, "  {exempted}")?;
        }
        Ok(())
    }

    /// Writes a YAML document (JSON is YAML) that may be piped on, with the violations in comments.
    fn stamped(&mut self, assessment: &Assessment) -> io::Result<()> {
        writeln!(self.out, "---\n# {}", title(assessment))?;
        for warning in &assessment.warnings {
            writeln!(self.out, "# {}", printable(warning))?;
        }
        for violation in &assessment.violations {
            let (field, message) = (printable(&violation.field), printable(&violation.message));
            writeln!(self.out, "# {field}: {message} ({})", mode_and_rule(violation))?;
        }
        if let Some(exempted) = exempted(assessment) {
            writeln!(self.out, "# {exempted}")?;
        }
        serde_json::to_writer_pretty(&mut self.out, &assessment.stamped)?;
        writeln!(self.out)
    }

    fn line(&mut self, assessment: &Assessment) -> io::Result<()> {
        let line = Line {
            source: &assessment.source,
            kind: &assessment.kind,
            namespace: assessment.namespace.as_deref(),
            name: assessment.name.as_deref(),
            tenant: assessment.tenant.as_deref(),
            allowed: assessment.allowed,
            patch: &assessment.patch,
            violations: assessment.violations.iter().map(LineViolation::of).collect(),
            warnings: &assessment.warnings,
            more: assessment.more,
            exempted: &assessment.exempted,
            stamped: self.show_stamped.then_some(&assessment.stamped),
        };
        serde_json::to_writer(&mut self.out, &line)?;
        writeln!(self.out)
    }

    fn paint(&self, text: &str, colour: &str) -> String {
        if self.colour { format!("{colour}{text}{PLAIN}") } else { text.to_owned() }
    }
}

const RED: &str = "\x1b[1;31m";
const YELLOW: &str = "\x1b[1;33m";
const DIM: &str = "\x1b[2m";
const BOLD: &str = "\x1b[1m";
const PLAIN: &str = "\x1b[0m";

/// `web.yaml#2: Pod tenants-x/web, tenant tenants-x`
fn title(assessment: &Assessment) -> String {
    let Assessment { source, kind, namespace, name, tenant, .. } = assessment;
    let name = name.as_deref().unwrap_or("(no name)");
    let place = namespace.as_deref().map(|namespace| format!("{namespace}/")).unwrap_or_default();
    let tenant = tenant.as_deref().map(|tenant| format!(" of tenant `{tenant}`")).unwrap_or_default();
    printable(&format!("{source}: {kind} {place}{name}{tenant}"))
}

/// Names the Exemptions that an object uses.
fn exempted(assessment: &Assessment) -> Option<String> {
    let names: Vec<_> = assessment.exempted.iter().map(|name| format!("`{name}`")).collect();
    (!names.is_empty()).then(|| printable(&format!("allowed in part by Exemption {}", names.join(", "))))
}

/// Replaces control characters, with which a manifest could forge lines, colours and comments.
fn printable(text: &str) -> String {
    text.replace(char::is_control, " ")
}

/// `rule pod-security, control privileged`, with the mode where the request is not denied.
fn mode_and_rule(violation: &Violation) -> String {
    let control = violation.control.map(|control| format!(", control {control}")).unwrap_or_default();
    let mode = match violation.mode {
        Mode::Deny => String::new(),
        mode @ (Mode::Warn | Mode::Audit | Mode::Off) => format!("{}: ", mode_name(mode)),
    };
    format!("{mode}rule {}{control}", violation.rule)
}

fn mode_name(mode: Mode) -> &'static str {
    match mode {
        Mode::Deny => "deny",
        Mode::Warn => "warn",
        Mode::Audit => "audit",
        Mode::Off => "off",
    }
}

/// A line of `--output json`, whose fields are stable.
#[derive(Serialize)]
struct Line<'j> {
    source: &'j str,
    kind: &'j str,
    namespace: Option<&'j str>,
    name: Option<&'j str>,
    tenant: Option<&'j str>,
    allowed: bool,
    patch: &'j Value,
    violations: Vec<LineViolation<'j>>,
    /// What concerns no rule.
    #[serde(skip_serializing_if = "is_empty")]
    warnings: &'j [String],
    /// How many more violations there are.
    #[serde(skip_serializing_if = "is_zero")]
    more: usize,
    /// The Exemptions without which there would be more.
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    exempted: &'j [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    stamped: Option<&'j Value>,
}

const fn is_empty(list: &&[String]) -> bool {
    list.is_empty()
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes fields by reference")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

#[derive(Serialize)]
struct LineViolation<'j> {
    rule: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    control: Option<&'static str>,
    mode: Mode,
    field: &'j str,
    message: &'j str,
}

impl<'j> LineViolation<'j> {
    fn of(violation: &'j Violation) -> Self {
        let Violation { rule, control, mode, field, message } = violation;
        Self { rule: rule.as_str(), control: *control, mode: *mode, field, message }
    }
}
