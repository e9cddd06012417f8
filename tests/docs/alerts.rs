//! `deploy/alerts`: each alert says what it must, and leads to a section of `docs/RUNBOOK.md`.
//!
//! `.ci/alerts` has Prometheus' own programs check the rest.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;

use crate::{links, metrics, root};

/// Where the pages are found from a cluster.
const PAGES: &str = "https://github.com/partywall/partywall/blob/main/";

/// The alerts that there must be.
const ALERTS: [&str; 13] = [
    "CertificateExpiry",
    "CertificatesFaulty",
    "Down",
    "ExemptionEnding",
    "FailOpen",
    "HandshakeFailures",
    "LatencyHigh",
    "NotRegistered",
    "Panics",
    "Quarantined",
    "RegistrationPaused",
    "Shedding",
    "SnapshotStale",
];

/// Every rule of every file.
fn rules() -> Vec<Value> {
    let files = fs::read_dir(root().join("deploy/alerts")).unwrap().map(|entry| entry.unwrap().path());
    let files = files.filter(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    let mut rules = Vec::new();
    for file in files {
        let file: Value = serde_saphyr::from_str(&fs::read_to_string(file).unwrap()).unwrap();
        let groups = file["groups"].as_array().unwrap();
        rules.extend(groups.iter().flat_map(|group| group["rules"].as_array().unwrap().clone()));
    }
    rules
}

fn text<'v>(rule: &'v Value, pointer: &str) -> &'v str {
    rule.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("{rule} has no {pointer}"))
}

#[test]
fn every_alert_has_its_texts_and_a_section_of_the_runbook() {
    let pages = links::pages();
    let mut names = BTreeSet::new();
    for rule in rules() {
        let name = text(&rule, "/alert").strip_prefix("Partywall").unwrap().to_owned();
        assert!(["critical", "warning", "info"].contains(&text(&rule, "/labels/severity")), "{rule}");
        assert!(text(&rule, "/annotations/summary").len() < 80, "{rule}");
        assert!(text(&rule, "/annotations/description").ends_with('.'), "{rule}");
        let (page, id) = text(&rule, "/annotations/runbook_url").split_once('#').unwrap();
        assert_eq!(id, format!("partywall{}", name.to_lowercase()), "{rule}");
        let page = &pages[std::path::Path::new(page.strip_prefix(PAGES).unwrap())];
        assert!(links::anchors(page).contains(id), "the runbook has no section {id}");
        names.insert(name);
    }
    assert_eq!(names, ALERTS.map(str::to_owned).into());
}

#[test]
fn every_section_of_the_runbook_is_an_alerts_and_says_cause_look_and_cure() {
    let page = fs::read_to_string(root().join("docs/RUNBOOK.md")).unwrap();
    let mut sections = BTreeSet::new();
    for section in page.split("\n## ").skip(1) {
        let (heading, section) = section.split_once('\n').unwrap();
        sections.insert(heading.strip_prefix("Partywall").unwrap());
        for part in ["Cause", "Look", "Cure"] {
            assert!(section.contains(&format!("\n- **{part}**: ")), "{heading} says no {part}");
        }
    }
    assert_eq!(sections, ALERTS.into());
}

/// The names of metrics in a text.
fn named(text: &str) -> BTreeSet<&str> {
    let words = text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    words.filter(|word| word.starts_with("partywall_") || word.starts_with("process_")).collect()
}

#[test]
fn alerts_and_their_runbook_name_metrics_that_there_are() {
    let all = metrics::all();
    let exists = |name: &str| all.iter().any(|known| known.name == name.trim_end_matches("_bucket"));
    let rules: Vec<String> = rules().iter().map(|rule| text(rule, "/expr").to_owned()).collect();
    let page = fs::read_to_string(root().join("docs/RUNBOOK.md")).unwrap();
    let rules = rules.join("\n");
    let named: BTreeSet<_> = named(&rules).into_iter().chain(named(&page)).collect();
    let missing: Vec<_> = named.iter().filter(|name| !exists(name)).collect();
    assert!(named.len() > 15 && missing.is_empty(), "{missing:?} of {named:?}");
}
