//! The dependencies of the core.

use crate::read;

/// Libraries that compute: none of them does IO, starts a thread, or asks for the time.
const ALWAYS: [&str; 12] = [
    "base64",
    "ipnet",
    "jiff",
    "rustc-hash",
    "schemars",
    "serde",
    "serde_json",
    "serde_path_to_error",
    "simdutf8",
    "strsim",
    "thiserror",
    "wide",
];

/// Kubernetes' types, for whoever wants the objects as custom resources.
const WITH_CRD: [&str; 2] = ["k8s-openapi", "kube"];

#[test]
fn the_core_depends_on_libraries_that_compute() {
    let manifest = read("core/Cargo.toml");
    assert!(!manifest.contains("[target."), "the core is the same on every system");
    assert!(!manifest.contains("[build-dependencies]"));
    let name = |line: &str| line.split(['.', ' ']).next().unwrap().to_owned();
    let (optional, always): (Vec<_>, Vec<_>) =
        section(&manifest, "[dependencies]").partition(|line| line.contains("optional = true"));
    let mut always: Vec<String> = always.into_iter().map(name).collect();
    always.sort_unstable();
    assert_eq!(always, ALWAYS);
    assert_eq!(optional.into_iter().map(name).collect::<Vec<_>>(), WITH_CRD);
    let features: Vec<_> = section(&manifest, "[features]").map(name).collect();
    assert_eq!(features, ["crd", "next"], "none is on by itself");
}

/// The entries of a section of a manifest.
fn section<'m>(manifest: &'m str, name: &str) -> impl Iterator<Item = &'m str> {
    let (_, rest) = manifest.split_once(name).unwrap();
    let lines = rest.lines().take_while(|line| !line.starts_with('['));
    lines.filter(|line| line.contains('=') && !line.starts_with('#'))
}
