//! `docs/METRICS.md`: every metric, as the server prints it.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use jiff::civil::date;
use partywall::policies;
use partywall::telemetry::Metrics;
use partywall_core::Entry;
use partywall_core::api::Mode;
use partywall_core::rule_id::RuleId;
use partywall_core::verdict::{Verdict, Violation};

use crate::{keep, root};

const INTRODUCTION: &str = "# Metrics

<!-- Generated from src/telemetry/metrics.rs: UPDATE_DOCS=1 cargo test --test docs -->

The server prints them at `/metrics` on its ops port, in the text format of Prometheus. Series by tenant exist from the
first violation on, those of an Exemption as long as the policies have it, and all others from the start, at zero. The
values of labels are words of partywall and names in the policies, never text of a request.

`deploy/dashboards/partywall.json` shows all of them in Grafana, and [the runbook](RUNBOOK.md) explains the alerts of
`deploy/alerts/partywall.yaml`. With `--traces-endpoint` there is also `partywall_spans_dropped_total`, which
[Logs and traces](LOGS.md#traces) explains.

| metric | type | labels | |
|---|---|---|---|
";

/// The text of a server that has seen one of everything.
fn exposition() -> String {
    let metrics = Metrics::new().unwrap();
    let policies =
        policies::load(&[root().join("policies/examples/university.yaml")], date(2026, 11, 20)).unwrap();
    metrics.set_snapshot(&policies.snapshot);
    let violation = Violation {
        rule: RuleId::Tolerations,
        control: None,
        part: None,
        mode: Mode::Deny,
        field: String::new(),
        message: String::new(),
    };
    metrics.count(Entry::Validate, &Verdict { violations: vec![violation], ..Verdict::default() });
    String::from_utf8(metrics.encode().unwrap()).unwrap()
}

/// The names of the labels of a metric's series.
fn labels(text: &str, name: &str) -> Vec<String> {
    let labels = text.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix('{')?.split_once('}'));
    let names: BTreeSet<_> = labels
        .flat_map(|(labels, _)| labels.split("\",").filter_map(|label| label.split_once("=\"")))
        .map(|(name, _)| name.to_owned())
        .collect();
    names.into_iter().collect()
}

/// A metric, as the server prints it.
pub(crate) struct Described {
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) labels: Vec<String>,
    pub(crate) help: String,
}

/// Every metric, sorted by name.
pub(crate) fn all() -> Vec<Described> {
    let text = exposition();
    let mut all = Vec::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let Some((name, help)) = line.strip_prefix("# HELP ").and_then(|rest| rest.split_once(' ')) else {
            continue;
        };
        let kind = lines.peek().and_then(|line| line.strip_prefix("# TYPE ")?.split_once(' ')).unwrap().1;
        // The series of a histogram have further names, and no labels of their own.
        let labels = if kind == "histogram" { Vec::new() } else { labels(&text, name) };
        let [name, kind, help] = [name, kind, help].map(str::to_owned);
        all.push(Described { name, kind, labels, help });
    }
    all
}

#[test]
fn the_page_has_every_metric() {
    let mut page = INTRODUCTION.to_owned();
    for Described { name, kind, labels, help } in all() {
        let labels: Vec<_> = labels.iter().map(|label| format!("`{label}`")).collect();
        writeln!(page, "| `{name}` | {kind} | {} | {help} |", labels.join(", ")).unwrap();
    }
    for name in
        ["partywall_tenant_violations_total", "partywall_exemption_uses_total", "partywall_build_info"]
    {
        assert!(page.contains(&format!("| `{name}` |")), "{page}");
    }
    keep("docs/METRICS.md", &page);
}
