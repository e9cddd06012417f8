//! What one review costs in memory: decoding, deciding, encoding, and all three.
//!
//! Each over the recorded plain, large and huge pod, at both webhooks, next to what it is compared with: reading
//! the same bytes with serde_json into nothing (`skip`, the least any parser can do) and into an owned tree
//! (`value`, what a generic engine does).

#![expect(
    clippy::disallowed_methods,
    clippy::panic,
    reason = "a benchmark reads fixtures, and has nobody to tell of an error"
)]

use std::hint::black_box;
use std::path::Path;
use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use jiff::civil::date;
use partywall::admission::tenancy::Snapshot;
use partywall::admission::{Phase, admit, answer, review};
use partywall::config;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn snapshot() -> Snapshot {
    config::load(&[root().join("policies/examples/eks.yaml")], date(2026, 11, 20))
        .unwrap_or_else(|error| panic!("{error}"))
        .snapshot
}

fn recorded(name: &str) -> Vec<u8> {
    let path = root().join("tests/fixtures/reviews").join(name).with_extension("json");
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The recorded pods, and the webhook each was recorded at.
const PODS: [(&str, &str, Phase); 6] = [
    ("plain", "mutate-create-pods-plain", Phase::Mutate),
    ("large", "mutate-create-pods-large", Phase::Mutate),
    ("huge", "mutate-create-pods-huge", Phase::Mutate),
    ("plain-denied", "validate-create-pods-privileged", Phase::Validate),
    ("plain-update", "validate-update-pods-plain", Phase::Validate),
    ("large-denied", "validate-create-pods-large", Phase::Validate),
];

fn bench(c: &mut Criterion) {
    let snapshot = snapshot();
    for (name, file, phase) in PODS {
        let body = recorded(file);
        let mut group = c.benchmark_group(name);
        group.throughput(Throughput::Bytes(body.len() as u64));
        if body.len() > 100_000 {
            group.sample_size(30).measurement_time(Duration::from_secs(3));
        }
        stages(&mut group, &body, phase, &snapshot);
        group.bench_function("compare/skip", |b| {
            b.iter(|| serde_json::from_slice::<serde::de::IgnoredAny>(black_box(&body)));
        });
        group.bench_function("compare/value", |b| {
            b.iter(|| serde_json::from_slice::<serde_json::Value>(black_box(&body)));
        });
        group.finish();
    }
}

fn stages(group: &mut BenchmarkGroup<'_, WallTime>, body: &[u8], phase: Phase, snapshot: &Snapshot) {
    let request = review::decode(body).unwrap_or_else(|error| panic!("{error}"));
    let verdict = admit(phase, &request, snapshot);
    group.bench_function("decode", |b| b.iter(|| review::decode(black_box(body))));
    group.bench_function("decide", |b| b.iter(|| admit(phase, black_box(&request), snapshot)));
    group.bench_function("encode", |b| b.iter(|| review::encode(&request.uid, black_box(&verdict))));
    group.bench_function("all", |b| {
        b.iter(|| {
            answer(phase, black_box(body), snapshot)
                .map(|answer| review::encode(&answer.uid, &answer.verdict))
        });
    });
}

criterion_group!(benches, bench);
criterion_main!(benches);
