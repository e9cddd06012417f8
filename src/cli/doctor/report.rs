//! The results of the checks, for people and for programs.

use std::io::{self, Write};

use serde::Serialize;

use crate::assess::{BOLD, GREEN, Paint, RED, YELLOW, printable};
use crate::cluster::{Checked, Finding, NotLookedAt};

/// Writes a table of the checks, and below it what they found.
pub(super) fn text(checked: &[Checked], paint: Paint, out: &mut impl Write) -> io::Result<()> {
    let rows: Vec<Row> = checked.iter().map(Row::of).collect();
    let results = rows.iter().map(|row| row.result.len()).max().unwrap_or_default();
    let names = rows.iter().map(|row| row.name.len()).max().unwrap_or_default();
    for Row { result, colour, name, holds } in &rows {
        // Colours have no width, so the text is padded before it gets one.
        let result = paint.paint(&format!("{result:results$}"), colour);
        writeln!(out, "{result}  {name:names$}  {holds}")?;
    }
    for Checked { check, outcome } in checked {
        for Finding { object, cause, cure } in &outcome.findings {
            let (object, cause, cure) = (printable(object), printable(cause), printable(cure));
            writeln!(out, "\n{}: {}", check.name(), paint.paint(&object, BOLD))?;
            writeln!(out, "  cause: {cause}\n  cure:  {cure}")?;
        }
        for NotLookedAt { what, why } in &outcome.not_looked_at {
            writeln!(out, "\n{}: not looked at: {}", check.name(), paint.paint(&printable(what), BOLD))?;
            writeln!(out, "  {}", printable(why))?;
        }
    }
    writeln!(out, "\n{}", summary(checked))
}

/// Writes a JSON object for each check, one a line, whose fields are stable.
pub(super) fn json(checked: &[Checked], out: &mut impl Write) -> io::Result<()> {
    for Checked { check, outcome } in checked {
        let line = Line {
            check: check.name(),
            result: Verdict::of(outcome.findings.len(), outcome.not_looked_at.len()),
            findings: outcome.findings.iter().map(LineFinding::of).collect(),
            not_looked_at: outcome.not_looked_at.iter().map(LineMissing::of).collect(),
        };
        serde_json::to_writer(&mut *out, &line)?;
        writeln!(out)?;
    }
    Ok(())
}

struct Row {
    result: String,
    colour: &'static str,
    name: &'static str,
    holds: &'static str,
}

impl Row {
    fn of(Checked { check, outcome }: &Checked) -> Self {
        let (result, colour) = match (outcome.findings.len(), outcome.not_looked_at.len()) {
            (0, 0) => ("fine".to_owned(), GREEN),
            (0, _) => ("not looked at".to_owned(), YELLOW),
            (1, _) => ("1 finding".to_owned(), RED),
            (many, _) => (format!("{many} findings"), RED),
        };
        Self { result, colour, name: check.name(), holds: check.holds() }
    }
}

/// `12 checks: 10 are fine, 1 found 2 things, 1 could not look at everything`
fn summary(checked: &[Checked]) -> String {
    let of = |verdict: Verdict| {
        let outcomes = checked.iter().map(|checked| &checked.outcome);
        outcomes
            .filter(|outcome| Verdict::of(outcome.findings.len(), outcome.not_looked_at.len()) == verdict)
            .count()
    };
    let things: usize = checked.iter().map(|checked| checked.outcome.findings.len()).sum();
    let mut parts = vec![match of(Verdict::Fine) {
        all if all == checked.len() => "all are fine".to_owned(),
        1 => "1 is fine".to_owned(),
        many => format!("{many} are fine"),
    }];
    if things > 0 {
        let things = if things == 1 { "1 thing".to_owned() } else { format!("{things} things") };
        parts.push(format!("{} found {things}", of(Verdict::Findings)));
    }
    let partly = checked.iter().filter(|checked| !checked.outcome.not_looked_at.is_empty()).count();
    if partly > 0 {
        parts.push(format!("{partly} could not look at everything"));
    }
    format!("{} checks: {}", checked.len(), parts.join(", "))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
enum Verdict {
    Fine,
    Findings,
    NotLookedAt,
}

impl Verdict {
    const fn of(findings: usize, not_looked_at: usize) -> Self {
        match (findings, not_looked_at) {
            (0, 0) => Self::Fine,
            (0, _) => Self::NotLookedAt,
            (_, _) => Self::Findings,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Line<'c> {
    check: &'static str,
    result: Verdict,
    findings: Vec<LineFinding<'c>>,
    /// What could not be read, so that a check without findings may still have missed some.
    not_looked_at: Vec<LineMissing<'c>>,
}

#[derive(Serialize)]
struct LineFinding<'c> {
    object: &'c str,
    cause: &'c str,
    cure: &'c str,
}

impl<'c> LineFinding<'c> {
    fn of(Finding { object, cause, cure }: &'c Finding) -> Self {
        Self { object, cause, cure }
    }
}

#[derive(Serialize)]
struct LineMissing<'c> {
    what: &'c str,
    why: &'c str,
}

impl<'c> LineMissing<'c> {
    fn of(NotLookedAt { what, why }: &'c NotLookedAt) -> Self {
        Self { what, why }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::{Check, Outcome};

    fn checked() -> Vec<Checked> {
        let finding = Finding {
            object: "Node n\x1b[1m".to_owned(),
            cause: "it has no taint".to_owned(),
            cure: "taint it".to_owned(),
        };
        let missing = || NotLookedAt { what: "pods".to_owned(), why: "pods is forbidden".to_owned() };
        let outcomes = [
            (Check::Definitions, Outcome::default()),
            (
                Check::Nodes,
                Outcome { findings: vec![finding.clone(), finding], not_looked_at: vec![missing()] },
            ),
            (Check::Pods, Outcome { findings: Vec::new(), not_looked_at: vec![missing()] }),
        ];
        outcomes.map(|(check, outcome)| Checked { check, outcome }).into()
    }

    #[test]
    fn people_get_a_table_with_causes_and_cures() {
        let mut out = Vec::new();
        text(&checked(), Paint { colour: false }, &mut out).unwrap();
        let out = String::from_utf8(out).unwrap();
        let lines: Vec<&str> = out.lines().collect();
        assert_eq!(
            lines[..8],
            [
                "fine           definitions  the CustomResourceDefinitions are there, and of this version",
                "2 findings     nodes        each NodePool has nodes, and these have its labels and taints",
                "not looked at  pods         no pods but a tenant's run on its nodes, beside those of the system",
                "",
                "nodes: Node n [1m",
                "  cause: it has no taint",
                "  cure:  taint it",
                "",
            ]
        );
        assert!(out.contains("pods: not looked at: pods\n  pods is forbidden\n"), "{out}");
        assert_eq!(
            *lines.last().unwrap(),
            "3 checks: 1 is fine, 1 found 2 things, 2 could not look at everything"
        );
    }

    #[test]
    fn where_all_is_fine_the_summary_says_so() {
        let fine = [Check::Nodes, Check::Pods].map(|check| Checked { check, outcome: Outcome::default() });
        assert_eq!(summary(&fine), "2 checks: all are fine");
    }

    #[test]
    fn programs_get_a_line_a_check() {
        let mut out = Vec::new();
        json(&checked(), &mut out).unwrap();
        let lines: Vec<serde_json::Value> =
            String::from_utf8(out).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let results: Vec<_> = lines.iter().map(|line| line["result"].as_str().unwrap()).collect();
        assert_eq!(results, ["fine", "findings", "notLookedAt"]);
        assert_eq!(lines[1]["findings"][1]["cure"], "taint it");
        assert_eq!(lines[2]["notLookedAt"][0]["what"], "pods");
    }
}
