//! The report of assessments, for people or for programs.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::ValueEnum;
use partywall_core::rule_id::Modes;

use super::assessor::{Assessment, FailOn};
use super::count::Count;
use super::junit::Junit;
use super::sarif::Sarif;
use super::text::{Show, Text};
use super::words::printable;
use super::{github, json};
use crate::manifests::{Fault, Problem};

/// How results are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
    /// JUnit's XML: a test case an object.
    Junit,
    /// Annotations of a GitHub workflow.
    Github,
}

/// The settings of a report.
pub(crate) struct Options {
    pub(crate) output: Output,
    pub(crate) colour: bool,
    pub(crate) show: Show,
    pub(crate) fail_on: FailOn,
    /// The modes that rules have by default.
    pub(crate) modes: Modes,
}

/// Writes results as they come, and counts them.
pub(crate) struct Report<W> {
    out: W,
    format: Format,
    fail_on: FailOn,
    count: Count,
}

enum Format {
    Text(Text),
    Json { show_stamped: bool },
    Sarif(Sarif),
    Junit(Junit),
    Github,
}

impl<W: Write> Report<W> {
    pub(crate) fn new(out: W, Options { output, colour, show, fail_on, modes }: Options) -> Self {
        let format = match output {
            Output::Text => Format::Text(Text { colour, show }),
            Output::Json => Format::Json { show_stamped: show == Show::Stamped },
            Output::Sarif => Format::Sarif(Sarif::new(modes)),
            Output::Junit => Format::Junit(Junit::default()),
            Output::Github => Format::Github,
        };
        Self { out, format, fail_on, count: Count::default() }
    }

    /// Reports the assessment of an object.
    pub(crate) fn assessed(&mut self, assessment: &Assessment) -> io::Result<()> {
        let fail_on = self.fail_on;
        self.count.assessed(assessment, fail_on);
        let out = &mut self.out;
        match &mut self.format {
            Format::Text(text) => text.assessed(assessment, out),
            Format::Json { show_stamped } => json::line(assessment, *show_stamped, out),
            Format::Sarif(sarif) => sarif.assessed(assessment, out),
            Format::Junit(junit) => {
                junit.assessed(assessment, fail_on);
                Ok(())
            }
            Format::Github => github::assessed(assessment, out),
        }
    }

    /// Reports an object that could not be assessed. That is no result, so it goes to stderr too.
    #[expect(clippy::print_stderr, reason = "stdout holds results alone")]
    pub(crate) fn unassessed(&mut self, problem: &Problem) -> io::Result<()> {
        self.count.unassessed();
        match &mut self.format {
            Format::Text(_) | Format::Json { .. } => {}
            Format::Sarif(sarif) => sarif.unassessed(problem),
            Format::Junit(junit) => junit.unassessed(problem),
            Format::Github => github::unassessed(problem, &mut self.out)?,
        }
        // Keeps the order of both streams on one terminal.
        self.out.flush()?;
        let Problem { file, faults } = problem;
        for Fault { at, message } in faults {
            let place = at.map(|at| format!(":{at}")).unwrap_or_default();
            eprintln!("error: {}{place}: {}", printable(file), printable(message));
        }
        Ok(())
    }

    /// Ends the report; there is none for people if no object was found.
    pub(crate) fn finish(&mut self) -> io::Result<()> {
        let exit_code = self.exit_code_number();
        let out = &mut self.out;
        match &mut self.format {
            Format::Text(text) if self.count.all() > 0 => text.finish(&self.count, out)?,
            Format::Github if self.count.all() > 0 => github::finish(&self.count, out)?,
            Format::Text(_) | Format::Github | Format::Json { .. } => {}
            Format::Sarif(sarif) => sarif.finish(exit_code, out)?,
            Format::Junit(junit) => junit.finish(out)?,
        }
        self.out.flush()
    }

    /// Returns whether no object was found.
    pub(crate) fn is_empty(&self) -> bool {
        self.count.all() == 0
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.exit_code_number())
    }

    fn exit_code_number(&self) -> u8 {
        if self.count.is_any_unassessed() || self.is_empty() {
            2
        } else {
            u8::from(self.count.is_any_failing())
        }
    }
}
