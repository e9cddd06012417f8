//! Measures what one review costs in memory: decoding, deciding, encoding, and all three.
//!
//! Each over the reviews of [`payload`], of every size and with every answer, next to what it is compared with:
//! reading the same bytes with serde_json into nothing (`skip`, the least any use of it
//! costs) and into an owned tree (`value`, what a generic engine does).
//!
//! Times on shared machines say little about a change; [instructions.rs](instructions.rs) is what fails.

#![expect(
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a benchmark reads fixtures, and has nobody to tell of an error"
)]

mod payload;

use std::hint::black_box;
use std::path::Path;
use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use jiff::civil::date;
use partywall::policies;
use partywall_core::rule_id::RuleId;
use partywall_core::tenancy::Snapshot;
use partywall_core::{Entry, admit, answer, review};

use self::payload::{Expect, Payload, Size};

fn recorded(name: &str) -> Vec<u8> {
    const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/reviews");
    let path = Path::new(FOLDER).join(name).with_extension("json");
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn bench(c: &mut Criterion) {
    let snapshot = payload::snapshot();
    payload::verify(&snapshot);
    for size in Size::ALL {
        let reviews = || Expect::ALL.into_iter().filter_map(|expect| payload::payload(size, expect));
        for Payload { expect, entry, body, .. } in reviews() {
            let mut group = group(c, format!("{}/{}", size.name(), expect.name()), body.len());
            stages(&mut group, &body, entry, &snapshot);
            group.finish();
        }
        let Some(Payload { body, .. }) = reviews().next() else { continue };
        let mut group = group(c, format!("{}/compare", size.name()), body.len());
        group.bench_function("skip", |b| {
            b.iter(|| serde_json::from_slice::<serde::de::IgnoredAny>(black_box(&body)));
        });
        group.bench_function("value", |b| {
            b.iter(|| serde_json::from_slice::<serde_json::Value>(black_box(&body)));
        });
        group.finish();
    }
}

fn group(c: &mut Criterion, name: String, bytes: usize) -> BenchmarkGroup<'_, WallTime> {
    let mut group = c.benchmark_group(name);
    group.throughput(Throughput::Bytes(bytes as u64));
    if bytes > 1_000_000 {
        group.sample_size(30).measurement_time(Duration::from_secs(3));
    }
    group
}

fn stages(group: &mut BenchmarkGroup<'_, WallTime>, body: &[u8], entry: Entry, snapshot: &Snapshot) {
    let request = review::decode(body).unwrap_or_else(|error| panic!("{error}"));
    let verdict = admit(entry, &request, snapshot);
    group.bench_function("decode", |b| b.iter(|| review::decode(black_box(body))));
    group.bench_function("decide", |b| b.iter(|| admit(entry, black_box(&request), snapshot)));
    group.bench_function("encode", |b| b.iter(|| review::encode(&request.uid, black_box(&verdict))));
    group.bench_function("all", |b| {
        b.iter(|| {
            answer(entry, black_box(body), snapshot)
                .map(|answer| review::encode(&answer.uid, &answer.verdict))
        });
    });
}

/// Measures `pod-security` alone at each level: the other rules are off.
fn pod_security(c: &mut Criterion) {
    let plain = recorded("validate-create-pods-plain");
    let hardened = harden(&plain);
    for (name, body) in [("plain", &plain), ("hardened", &hardened)] {
        let mut group = c.benchmark_group(format!("pod-security/{name}"));
        let request = review::decode(body).unwrap_or_else(|error| panic!("{error}"));
        for level in ["privileged", "baseline", "restricted"] {
            let snapshot = at_level(level);
            let violations = admit(Entry::Validate, &request, &snapshot).violations.len();
            group.bench_function(format!("{level} ({violations} violations)"), |b| {
                b.iter(|| admit(Entry::Validate, black_box(&request), &snapshot));
            });
        }
        group.finish();
    }
}

/// The tenant of the recorded pods at a level, and nothing but `pod-security` asked.
fn at_level(level: &str) -> Snapshot {
    let others = RuleId::ALL.into_iter().filter(|rule| *rule != RuleId::PodSecurity);
    let off = others.map(|rule| format!("{rule}: off")).collect::<Vec<_>>().join(", ");
    let policies = format!(
        "apiVersion: partywall.dev/v1alpha1
kind: Tenant
metadata: {{name: tenants-x}}
spec:
  namespaces: [tenants-x]
  podSecurity: {{level: {level}, version: latest}}
---
apiVersion: partywall.dev/v1alpha1
kind: Settings
metadata: {{name: default}}
spec:
  rules: {{{off}}}
"
    );
    let folder = tempfile::tempdir().unwrap_or_else(|error| panic!("{error}"));
    let file = folder.path().join("policies.yaml");
    std::fs::write(&file, policies).unwrap_or_else(|error| panic!("{error}"));
    policies::load(&[file], date(2026, 11, 20)).unwrap_or_else(|error| panic!("{error}")).snapshot
}

/// The same pod as a careful team writes it, so that nothing is left to say at `restricted`.
fn harden(body: &[u8]) -> Vec<u8> {
    let mut review: serde_json::Value =
        serde_json::from_slice(body).unwrap_or_else(|error| panic!("{error}"));
    let spec = &mut review["request"]["object"]["spec"];
    spec["securityContext"] =
        serde_json::json!({"runAsNonRoot": true, "seccompProfile": {"type": "RuntimeDefault"}});
    for container in spec["containers"].as_array_mut().into_iter().flatten() {
        container["securityContext"] =
            serde_json::json!({"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}});
    }
    serde_json::to_vec(&review).unwrap_or_else(|error| panic!("{error}"))
}

criterion_group!(benches, bench, pod_security);
criterion_main!(benches);
