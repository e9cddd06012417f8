//! `deploy/dashboards/partywall.json`: a dashboard for Grafana, made from the table of metrics.
//!
//! `.ci/alerts` asks a real Prometheus every query of it.

use std::collections::BTreeSet;
use std::fs;

use serde_json::{Value, json};

use crate::metrics::{self, Described};
use crate::{keep, root};

/// The sections, and the metrics of each, in order. Every metric is in one of them.
const SECTIONS: [(&str, &[&str]); 6] = [
    (
        "Decisions",
        &[
            "partywall_reviews_total",
            "partywall_review_duration_seconds",
            "partywall_violations_total",
            "partywall_tenant_violations_total",
            "partywall_exemption_uses_total",
            "partywall_exemption_end_timestamp_seconds",
        ],
    ),
    (
        "What is refused, and bugs",
        &[
            "partywall_http_refusals_total",
            "partywall_reviews_in_flight",
            "partywall_panics_total",
            "partywall_task_panics_total",
            "partywall_exhausted_total",
        ],
    ),
    (
        "Policies",
        &[
            "partywall_policies_faulty",
            "partywall_policies_in_cluster",
            "partywall_policy_reloads_total",
            "partywall_last_reload_timestamp_seconds",
            "partywall_last_reload_successful",
            "partywall_watch_last_contact_timestamp_seconds",
            "partywall_tenants",
            "partywall_namespaces",
            "partywall_node_pools",
        ],
    ),
    (
        "Registration",
        &[
            "partywall_registration_armed",
            "partywall_registration_current",
            "partywall_registration_paused",
            "partywall_registration_mended_total",
        ],
    ),
    (
        "Connections and certificates",
        &[
            "partywall_connections",
            "partywall_connections_dropped_total",
            "partywall_tls_handshake_failures_total",
            "partywall_certificate_expiry_timestamp_seconds",
            "partywall_certificate_reloads_total",
            "partywall_certificates_faulty",
            "partywall_authority_failing",
        ],
    ),
    (
        "Process",
        &[
            "partywall_build_info",
            "process_cpu_seconds_total",
            "process_resident_memory_bytes",
            "process_virtual_memory_bytes",
            "process_open_fds",
            "process_max_fds",
            "process_threads",
            "process_start_time_seconds",
        ],
    ),
];

/// What the reader chose above the panels.
const CHOSEN: &str = r#"job=~"$job", instance=~"$instance""#;
/// Panels stand three beside each other; the whole width is 24.
const SIZE: (usize, usize) = (8, 7);
/// Moments that have passed, of which the time since then is shown; of others, the time until then.
const PAST: [&str; 3] = [
    "partywall_last_reload_timestamp_seconds",
    "partywall_watch_last_contact_timestamp_seconds",
    "process_start_time_seconds",
];

/// The queries of a metric with their legends, and the unit of the answers.
fn queries(metric: &Described) -> (Vec<(String, String)>, &'static str) {
    let name = &metric.name;
    let by: Vec<&str> = match metric.labels.iter().map(String::as_str).collect::<Vec<_>>() {
        none if none.is_empty() => vec!["instance"],
        labels => labels,
    };
    let legend = by.iter().map(|label| format!("{{{{{label}}}}}")).collect::<Vec<_>>().join(" ");
    let by = by.join(", ");
    let is_moment = name.ends_with("_timestamp_seconds") || name.ends_with("_start_time_seconds");
    match &*metric.kind {
        "histogram" => {
            let quantile = |quantile: &str| {
                let rate = format!("rate({name}_bucket{{{CHOSEN}}}[$__rate_interval])");
                (format!("histogram_quantile({quantile}, sum by (le) ({rate}))"), quantile.to_owned())
            };
            (["0.5", "0.9", "0.99"].map(quantile).into(), "s")
        }
        "counter" => {
            let unit = if name.ends_with("_seconds_total") { "short" } else { "ops" };
            (vec![(format!("sum by ({by}) (rate({name}{{{CHOSEN}}}[$__rate_interval]))"), legend)], unit)
        }
        _ if name.ends_with("_info") => {
            (vec![(format!("count by ({by}) ({name}{{{CHOSEN}}})"), legend)], "short")
        }
        // 0 is no moment: there was none, or there is none.
        _ if is_moment => {
            let series = format!("max by ({by}) ({name}{{{CHOSEN}}})");
            let (from, until) =
                if PAST.contains(&&**name) { ("time()", &*series) } else { (&*series, "time()") };
            (vec![(format!("({from} - {until}) * ({series} > bool 0)"), legend)], "s")
        }
        _ => {
            let unit = if name.ends_with("_bytes") { "bytes" } else { "short" };
            (vec![(format!("max by ({by}) ({name}{{{CHOSEN}}})"), legend)], unit)
        }
    }
}

/// The title of a metric's panel: its name in words.
fn title(metric: &Described) -> String {
    let name = metric.name.trim_start_matches("partywall_").trim_end_matches("_total");
    let name = match name.strip_suffix("_timestamp_seconds").or_else(|| name.strip_suffix("_time_seconds")) {
        Some(name) if PAST.contains(&&*metric.name) => format!("time since {name}"),
        Some(name) => format!("time until {name}"),
        None => name.trim_end_matches("_seconds").trim_end_matches("_bytes").to_owned(),
    };
    let words = name.split('_').map(|word| match word {
        "cpu" | "http" | "tls" => word.to_uppercase(),
        "fds" => "descriptors".to_owned(),
        _ => word.to_owned(),
    });
    let words = words.collect::<Vec<_>>().join(" ");
    words[..1].to_uppercase() + &words[1..]
}

fn panel(
    id: usize,
    at: (usize, usize),
    title: &str,
    help: &str,
    queries: &[(String, String)],
    unit: &str,
) -> Value {
    let letters = ["A", "B", "C"];
    let targets: Vec<_> = queries
        .iter()
        .zip(letters)
        .map(|((expr, legend), letter)| {
            json!({"datasource": source(), "editorMode": "code", "expr": expr, "legendFormat": legend, "range": true,
                   "refId": letter})
        })
        .collect();
    let custom =
        json!({"fillOpacity": 10, "showPoints": "never", "stacking": {"group": "A", "mode": "none"}});
    json!({
        "id": id, "type": "timeseries", "title": title, "description": help, "datasource": source(), "targets": targets,
        "gridPos": {"x": at.0, "y": at.1, "w": SIZE.0, "h": SIZE.1},
        "fieldConfig": {"defaults": {"unit": unit, "min": 0, "custom": custom},
                        "overrides": []},
        "options": {"legend": {"displayMode": "list", "placement": "bottom", "showLegend": true},
                    "tooltip": {"mode": "multi", "sort": "desc"}},
    })
}

fn source() -> Value {
    json!({"type": "prometheus", "uid": "${datasource}"})
}

/// A list above the panels, of a label's values.
fn variable(name: &str, of: &str) -> Value {
    let query = format!("label_values({of}, {name})");
    json!({
        "name": name, "label": name, "type": "query", "datasource": source(), "query": query, "definition": query,
        "refresh": 2, "sort": 1, "multi": true, "includeAll": true, "allValue": ".*",
        "current": {"text": "All", "value": "$__all"},
    })
}

fn dashboard() -> Value {
    let all = metrics::all();
    let firing = r#"sum by (alertname) (ALERTS{alertname=~"Partywall.+", alertstate="firing"})"#;
    let firing = vec![(firing.to_owned(), "{{alertname}}".to_owned())];
    let help = "The alerts that fire, and for how many series each. Empty if all is well.";
    let mut first = panel(1, (0, 0), "Alerts that fire", help, &firing, "short");
    first["gridPos"]["w"] = json!(24);
    first["fieldConfig"]["defaults"]["custom"]["stacking"]["mode"] = json!("normal");
    let (mut panels, mut y) = (vec![first], SIZE.1);
    for (section, names) in SECTIONS {
        let id = panels.len() + 1;
        panels.push(json!({"id": id, "type": "row", "title": section, "collapsed": false, "panels": [],
                           "gridPos": {"x": 0, "y": y, "w": 24, "h": 1}}));
        y += 1;
        for (place, name) in names.iter().enumerate() {
            let metric = all.iter().find(|metric| metric.name == *name);
            let metric = metric.unwrap_or_else(|| panic!("there is no metric {name}"));
            let at = (place % 3 * SIZE.0, y + place / 3 * SIZE.1);
            let (queries, unit) = queries(metric);
            panels.push(panel(panels.len() + 1, at, &title(metric), &metric.help, &queries, unit));
        }
        y += names.len().div_ceil(3) * SIZE.1;
    }
    json!({
        "uid": "partywall", "title": "partywall", "tags": ["partywall"], "schemaVersion": 41, "version": 1,
        "description": "Every metric of partywall. Generated by tests/docs/dashboard.rs: \
                        UPDATE_DOCS=1 cargo test --test docs",
        "editable": true, "graphTooltip": 1, "refresh": "30s", "timezone": "browser",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {"list": [
            {"name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus", "refresh": 1,
             "current": {}},
            variable("job", "partywall_build_info"),
            variable("instance", r#"partywall_build_info{job=~"$job"}"#),
        ]},
        "annotations": {"list": []}, "links": [], "panels": panels,
    })
}

#[test]
fn the_dashboard_shows_every_metric_once() {
    let all: BTreeSet<_> = metrics::all().into_iter().map(|metric| metric.name).collect();
    let listed: Vec<_> =
        SECTIONS.iter().flat_map(|(_, names)| names.iter()).map(|name| (*name).to_owned()).collect();
    assert_eq!(listed.len(), all.len(), "SECTIONS in tests/docs/dashboard.rs lists each metric once");
    assert_eq!(listed.into_iter().collect::<BTreeSet<_>>(), all, "SECTIONS in tests/docs/dashboard.rs");
    let picture = fs::read_to_string(root().join("docs/dashboard.svg")).unwrap();
    let dashboard = dashboard();
    // The picture is drawn of it.
    keep("deploy/dashboards/partywall.json", &(serde_json::to_string_pretty(&dashboard).unwrap() + "\n"));
    let titles = dashboard["panels"].as_array().unwrap().iter().map(|panel| panel["title"].as_str().unwrap());
    let missing: Vec<_> = titles.filter(|title| !picture.contains(&format!(">{title}</text>"))).collect();
    assert!(missing.is_empty(), "bash .ci/alerts --picture docs/dashboard.svg draws {missing:?}");
}
