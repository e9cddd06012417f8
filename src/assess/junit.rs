//! The report as JUnit's XML: a suite a file, a case an object.
//!
//! The counts stand at the beginning, so everything is kept until the end.

use std::io::{self, Write};

use super::assessor::{Assessment, FailOn, Violated};
use super::words::{self, exempted, mode_and_rule, object};
use crate::manifests::{Fault, Location, Problem};

#[derive(Default)]
pub(super) struct Junit {
    suites: Vec<Suite>,
}

/// The cases of a file.
struct Suite {
    file: String,
    cases: Vec<Case>,
}

struct Case {
    name: String,
    at: Option<Location>,
    result: Outcome,
    /// What is worth a note, but fails no case.
    notes: Vec<String>,
}

enum Outcome {
    Passed,
    /// Violates rules.
    Failed {
        rules: String,
        messages: Vec<String>,
    },
    /// Could not be judged.
    Error(Vec<String>),
}

impl Junit {
    pub(super) fn assessed(&mut self, assessment: &Assessment, fail_on: FailOn) {
        let line = |violated: &Violated| {
            let violation = &violated.violation;
            let (at, why) = (violated.at, mode_and_rule(violated));
            format!("{}:{at}: {}: {} ({why})", assessment.file, violation.field, violation.message)
        };
        let (failing, passing): (Vec<_>, Vec<_>) =
            assessment.violations.iter().partition(|violated| violated.fails(fail_on));
        let mut rules: Vec<_> = failing.iter().map(|violated| violated.violation.rule.as_str()).collect();
        rules.dedup();
        let mut messages: Vec<_> = failing.into_iter().map(line).collect();
        let more = (assessment.more > 0).then(|| format!("and {} more", assessment.more));
        let mut notes: Vec<_> = passing.into_iter().map(line).collect();
        for warning in &assessment.warnings {
            let line = format!("{}:{}: {}", assessment.file, warning.at, words::warning(warning));
            let fails = fail_on == FailOn::Warn && !warning.is_note;
            if fails { &mut messages } else { &mut notes }.push(line);
        }
        notes.extend(exempted(assessment));
        let result = if messages.is_empty() {
            notes.extend(more);
            Outcome::Passed
        } else {
            messages.extend(more);
            Outcome::Failed { rules: rules.join(", "), messages }
        };
        let name = object(assessment);
        self.suite(&assessment.file).cases.push(Case { name, at: Some(assessment.at), result, notes });
    }

    pub(super) fn unassessed(&mut self, Problem { file, faults }: &Problem) {
        let at = faults.iter().find_map(|fault| fault.at);
        let name = match at {
            Some(at) => format!("object at {at}"),
            None => "file".to_owned(),
        };
        let message = |Fault { at, message }: &Fault| match at {
            Some(at) => format!("{file}:{at}: {message}"),
            None => format!("{file}: {message}"),
        };
        let result = Outcome::Error(faults.iter().map(message).collect());
        self.suite(file).cases.push(Case { name, at, result, notes: Vec::new() });
    }

    /// Returns the suite of a file, whose objects come one after the other.
    fn suite(&mut self, file: &str) -> &mut Suite {
        let is_new = self.suites.last().is_none_or(|suite| suite.file != file);
        if is_new {
            self.suites.push(Suite { file: file.to_owned(), cases: Vec::new() });
        }
        let last = self.suites.len() - 1;
        #[expect(clippy::indexing_slicing, reason = "a suite was pushed if there was none")]
        &mut self.suites[last]
    }

    pub(super) fn finish(&self, out: &mut impl Write) -> io::Result<()> {
        let all = || self.suites.iter().flat_map(|suite| &suite.cases);
        writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
        writeln!(out, "<testsuites name=\"partywall check\"{}>", counts(all()))?;
        for Suite { file, cases } in &self.suites {
            writeln!(out, "  <testsuite name=\"{}\"{}>", escaped(file), counts(cases.iter()))?;
            for case in cases {
                case.write(file, out)?;
            }
            writeln!(out, "  </testsuite>")?;
        }
        writeln!(out, "</testsuites>")
    }
}

fn counts<'c>(cases: impl Iterator<Item = &'c Case> + Clone) -> String {
    let failures = cases.clone().filter(|case| matches!(case.result, Outcome::Failed { .. })).count();
    let errors = cases.clone().filter(|case| matches!(case.result, Outcome::Error(_))).count();
    format!(" tests=\"{}\" failures=\"{failures}\" errors=\"{errors}\"", cases.count())
}

impl Case {
    fn write(&self, file: &str, out: &mut impl Write) -> io::Result<()> {
        let (name, file) = (escaped(&self.name), escaped(file));
        write!(out, "    <testcase name=\"{name}\" classname=\"{file}\" file=\"{file}\"")?;
        if let Some(Location { line, .. }) = self.at {
            write!(out, " line=\"{line}\"")?;
        }
        if matches!(self.result, Outcome::Passed) && self.notes.is_empty() {
            return writeln!(out, "/>");
        }
        writeln!(out, ">")?;
        match &self.result {
            Outcome::Passed => {}
            Outcome::Failed { rules, messages } => {
                let violates =
                    if rules.is_empty() { String::new() } else { format!("violates {}", escaped(rules)) };
                writeln!(
                    out,
                    "      <failure message=\"{violates}\" type=\"violation\">{}</failure>",
                    text(messages)
                )?;
            }
            Outcome::Error(messages) => {
                writeln!(
                    out,
                    "      <error message=\"not judged\" type=\"unreadable\">{}</error>",
                    text(messages)
                )?;
            }
        }
        if !self.notes.is_empty() {
            writeln!(out, "      <system-out>{}</system-out>", text(&self.notes))?;
        }
        writeln!(out, "    </testcase>")
    }
}

fn text(lines: &[String]) -> String {
    lines.iter().map(|line| escaped(line)).collect::<Vec<_>>().join("\n")
}

/// Escapes a text for content and attributes, without characters that XML 1.0 doesn't have.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            letter if letter.is_control() || matches!(letter, '\u{fffe}' | '\u{ffff}') => escaped.push(' '),
            letter => escaped.push(letter),
        }
    }
    escaped
}
