//! The charts among the examples: the table that people read is what is judged.
//! `UPDATE_DOCS=1 cargo test --test check charts` rewrites it.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use k8s_openapi::api::apps::v1::{DaemonSet, Deployment, StatefulSet};
use k8s_openapi::api::batch::v1::{CronJob, Job};
use k8s_openapi::api::core::v1::{Pod, Service};
use partywall_core::rule_id::RuleId;
use partywall_core::rules::{Control, controls};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::*;

const FOLDER: &str = "policies/examples/charts";
const POLICIES: &str = "policies/examples/charts.yaml";
const TEAMS: [&str; 3] = ["baseline-team", "restricted-team", "granted-team"];
const START: &str = "<!-- verdicts: UPDATE_DOCS=1 cargo test --test check charts -->\n";
const END: &str = "<!-- end of verdicts -->";

/// The result for an object.
struct Row {
    file: String,
    object: String,
    /// The controls it violates, and the rules that have none; each once, in order.
    violated: Vec<String>,
}

fn rows(policies: &str, team: &str, files: &str) -> Vec<Row> {
    let (lines, code) = judge(&["--policies", policies, "--namespace", team, files]);
    assert_ne!(code, 2, "everything can be judged");
    lines.iter().map(row).collect()
}

fn row(line: &Value) -> Row {
    let text = |field: &str| line[field].as_str().unwrap();
    let mut violated = Vec::new();
    for violation in line["violations"].as_array().unwrap() {
        assert_eq!(violation["mode"], "deny", "{line}");
        let what = violation.get("control").unwrap_or(&violation["rule"]).as_str().unwrap();
        if !violated.iter().any(|other| other == what) {
            violated.push(what.to_owned());
        }
    }
    let file = text("source").rsplit('/').next().unwrap().split('#').next().unwrap();
    Row { file: file.to_owned(), object: format!("{} `{}`", text("kind"), text("name")), violated }
}

fn table() -> String {
    let [baseline, restricted, granted] = TEAMS.map(|team| rows(POLICIES, team, FOLDER));
    let mut table = "| chart | object | `baseline-team` | `restricted-team` | `granted-team` |\n\
                     |---|---|---|---|---|\n"
        .to_owned();
    for ((baseline, restricted), granted) in baseline.iter().zip(&restricted).zip(&granted) {
        let Row { file, object, .. } = baseline;
        let [baseline, restricted, granted] = [baseline, restricted, granted].map(cell);
        writeln!(table, "| [{file}]({file}) | {object} | {baseline} | {restricted} | {granted} |").unwrap();
    }
    table
}

fn cell(row: &Row) -> String {
    if row.violated.is_empty() {
        return "clean".to_owned();
    }
    row.violated.iter().map(|what| format!("`{what}`")).collect::<Vec<_>>().join(", ")
}

#[test]
fn the_table_of_charts_is_what_is_judged() {
    let path = root().join(FOLDER).join("README.md");
    let readme = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = readme.split_once(START).expect("the start of the table");
    let (written, after) = rest.split_once(END).expect("the end of the table");
    let judged = table();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path, format!("{before}{START}{judged}{END}{after}")).unwrap();
        return;
    }
    for (written, judged) in written.lines().zip(judged.lines()) {
        assert_eq!(written, judged, "a verdict changed; if it should: {START}");
    }
    assert_eq!(written.lines().count(), judged.lines().count(), "objects came or went: {START}");
}

#[test]
fn the_head_of_a_chart_names_what_it_violates_at_baseline() {
    let ids: BTreeSet<_> = RuleId::ALL
        .map(RuleId::as_str)
        .into_iter()
        .chain(controls().iter().map(|control| control.id))
        .collect();
    let rows = rows(POLICIES, "baseline-team", FOLDER);
    let files: BTreeSet<_> = rows.iter().map(|row| &*row.file).collect();
    for file in files {
        let text = std::fs::read_to_string(root().join(FOLDER).join(file)).unwrap();
        let (_, rest) = text.split_once("\n# baseline:").expect(file);
        let (head, _) = rest.split_once("\n# restricted:").expect(file);
        let words = head.split(|c: char| !c.is_ascii_alphanumeric() && !"-_".contains(c));
        let named: BTreeSet<_> = words.filter(|word| ids.contains(word)).collect();
        let of_file = rows.iter().filter(|row| row.file == file);
        let violated: BTreeSet<_> = of_file.flat_map(|row| &row.violated).map(String::as_str).collect();
        assert_eq!(named, violated, "{file}");
    }
}

#[test]
fn every_control_is_shown_by_a_chart() {
    let rows: Vec<_> =
        ["baseline-team", "restricted-team"].iter().flat_map(|team| rows(POLICIES, team, FOLDER)).collect();
    for Control { id, .. } in controls() {
        assert!(rows.iter().any(|row| row.violated.iter().any(|what| what == id)), "{id}");
    }
}

/// The path of what is in `object` and is not in `read`.
fn lost(object: &Value, read: &Value) -> Option<String> {
    match (object, read) {
        (Value::Object(fields), Value::Object(_)) => {
            fields.iter().find_map(|(key, value)| lost(value, &read[key]).map(|path| format!(".{key}{path}")))
        }
        (Value::Array(items), Value::Array(read)) if items.len() == read.len() => {
            (items.iter().zip(read).enumerate())
                .find_map(|(index, (item, read))| lost(item, read).map(|path| format!("[{index}]{path}")))
        }
        _ => (object != read).then(String::new),
    }
}

fn read<K: DeserializeOwned + Serialize>(object: &Value) -> Value {
    serde_json::to_value(serde_json::from_value::<K>(object.clone()).unwrap()).unwrap()
}

/// A misspelt field would be dropped by the API server, and make a chart look cleaner than it is.
#[test]
fn every_field_of_a_chart_is_one_of_its_kind() {
    let args = ["--policies", POLICIES, "--namespace", "baseline-team", "--show-stamped", FOLDER];
    for line in judge(&args).0 {
        let object = &line["stamped"];
        let read = match line["kind"].as_str().unwrap() {
            "CronJob" => read::<CronJob>(object),
            "DaemonSet" => read::<DaemonSet>(object),
            "Deployment" => read::<Deployment>(object),
            "Job" => read::<Job>(object),
            "Pod" => read::<Pod>(object),
            "Service" => read::<Service>(object),
            "StatefulSet" => read::<StatefulSet>(object),
            kind => panic!("{kind}: add it here"),
        };
        assert_eq!(lost(object, &read), None, "{}", line["source"]);
    }
}

/// The policies with one thing changed, and what one object then violates.
fn violated_with(from: &str, to: &str, team: &str, file: &str, object: &str) -> Vec<String> {
    let policies = std::fs::read_to_string(root().join(POLICIES)).unwrap();
    assert!(policies.contains(from), "{from}");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("policies.yaml");
    std::fs::write(&path, policies.replace(from, to)).unwrap();
    let rows = rows(path.to_str().unwrap(), team, &format!("{FOLDER}/{file}"));
    rows.into_iter().find(|row| row.object == object).unwrap().violated
}

#[test]
fn the_exemption_is_what_lets_the_log_agent_in() {
    let agent = |from, to| violated_with(from, to, "granted-team", "log-agent.yaml", "DaemonSet `log-agent`");
    assert!(agent("- agent", "- agent").is_empty());
    assert_eq!(agent("- agent", "- reloader"), ["hostPathVolumes"], "another container");
    assert_eq!(agent("name: log-agent", "name: other"), ["hostPathVolumes"], "another DaemonSet");
}

#[test]
fn user_namespaces_are_what_lets_a_build_be_root() {
    let build = |to, team| {
        let (file, object) = ("ci-runner.yaml", "Pod `build-in-user-namespace`");
        violated_with("workloads: deny", to, team, file, object)
    };
    let with = "workloads: deny\n  userNamespaces: true";
    assert_eq!(build("workloads: deny", "baseline-team"), ["procMount"]);
    assert!(build(with, "baseline-team").is_empty());
    assert_eq!(
        build(with, "restricted-team"),
        [
            "allowPrivilegeEscalation",
            "procMount_restricted",
            "seccompProfile_restricted",
            "capabilities_restricted"
        ]
    );
}
