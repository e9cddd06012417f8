//! The manifests in `deploy` hold together, and partywall itself would let them into a restricted tenant's namespace.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test that fails panics")]
#![expect(clippy::disallowed_methods, reason = "a test reads and writes its files")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

const POLICIES: &str = "
apiVersion: partywall.dev/v1alpha1
kind: Tenant
metadata: {name: restricted-team}
spec:
  namespaces: [restricted-team]
  podSecurity: {level: restricted}
";

fn manifests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/manifests")
}

fn documents(text: &str) -> Vec<Value> {
    serde_saphyr::from_multiple(text).unwrap()
}

fn read(file: &str) -> Value {
    documents(&fs::read_to_string(manifests().join(file)).unwrap()).swap_remove(0)
}

/// The files that the kustomization lists.
fn resources() -> Vec<String> {
    let kustomization = read("kustomization.yaml");
    let listed = kustomization["resources"].as_array().unwrap().iter();
    listed.map(|file| file.as_str().unwrap().to_owned()).collect()
}

/// The verdict on all manifests, as they would be in the namespace of a tenant, after `change`.
fn check(change: impl Fn(String) -> String) -> Output {
    let folder = TempDir::new().unwrap();
    let (rendered, policies) = (folder.path().join("rendered"), folder.path().join("policies.yaml"));
    fs::create_dir(&rendered).unwrap();
    fs::write(&policies, POLICIES).unwrap();
    for file in resources() {
        let text = fs::read_to_string(manifests().join(&file)).unwrap();
        fs::write(rendered.join(file), change(text.replace("partywall-system", "restricted-team"))).unwrap();
    }
    Command::new(env!("CARGO_BIN_EXE_partywall"))
        .args(["check".as_ref(), rendered.as_os_str(), "--policies".as_ref(), policies.as_os_str()])
        // A cluster administrator applies them, the Namespace too.
        .args(["--as-group", "system:masters"])
        .env_remove("PARTYWALL_OUTPUT")
        .output()
        .unwrap()
}

#[test]
fn the_image_has_the_allocator_that_gives_memory_back() {
    let dockerfile = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Dockerfile")).unwrap();
    let builds: Vec<_> = dockerfile.lines().filter(|line| line.contains("cargo build")).collect();
    assert!(
        !builds.is_empty() && builds.iter().all(|line| line.contains("--features jemalloc")),
        "{builds:?}"
    );
}

#[test]
fn a_restricted_tenant_could_run_the_server() {
    let output = check(|manifest| manifest);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stdout));
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("4 clean"), "the Deployment and the Service are judged: {said}");
}

#[test]
fn a_planted_privileged_container_is_denied() {
    let (harmless, privileged) = ("allowPrivilegeEscalation: false", "privileged: true");
    let output = check(|manifest| manifest.replace(harmless, privileged));
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("securityContext.privileged"), "{said}");
}

#[test]
fn every_manifest_is_installed() {
    let files =
        fs::read_dir(manifests()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let expected: BTreeSet<String> =
        resources().into_iter().chain(["kustomization.yaml".to_owned()]).collect();
    assert_eq!(files.collect::<BTreeSet<_>>(), expected);
}

#[test]
fn the_image_has_this_version() {
    assert_eq!(read("kustomization.yaml")["images"][0]["newTag"], env!("CARGO_PKG_VERSION"));
    let image = &read("deployment.yaml")["spec"]["template"]["spec"]["containers"][0]["image"];
    assert_eq!(*image, read("kustomization.yaml")["images"][0]["name"]);
    let build = concat!("docker build -t registry.example.com/partywall:", env!("CARGO_PKG_VERSION"));
    for page in ["FIRST-TENANT.md", "INSTALL-WITH-FILES.md"] {
        let text = fs::read_to_string(manifests().join("../../docs").join(page)).unwrap();
        assert!(text.contains(build), "{page}");
    }
}

#[test]
fn a_replica_that_ends_may_drain_and_finish() {
    let spec = &read("deployment.yaml")["spec"]["template"]["spec"];
    let variables = spec["containers"][0]["env"].as_array().unwrap();
    assert!(variables.iter().all(|variable| variable["name"] != "PARTYWALL_DRAIN"), "the default holds");
    let help = Command::new(env!("CARGO_BIN_EXE_partywall")).args(["serve", "--help"]).output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let (_, drain) = help.split_once("--drain").unwrap();
    let (_, default) = drain.split_once("[default: ").unwrap();
    let default: u64 = default.split_once(']').unwrap().0.parse().unwrap();
    assert!(spec["terminationGracePeriodSeconds"].as_u64() >= Some(default + 15), "{spec}");
}

#[test]
fn cert_manager_writes_the_secret_that_the_server_mounts_for_the_service_that_leads_to_it() {
    let path = manifests().join("../cert-manager.yaml");
    let documents = documents(&fs::read_to_string(path).unwrap());
    let certificate = documents.last().unwrap();
    assert_eq!(certificate["kind"], "Certificate");
    let volumes = read("deployment.yaml")["spec"]["template"]["spec"]["volumes"].take();
    let secret = volumes.as_array().unwrap().iter().find(|volume| volume["name"] == "tls").unwrap();
    assert_eq!(certificate["spec"]["secretName"], secret["secret"]["secretName"]);
    let metadata = &read("service.yaml")["metadata"];
    let name =
        format!("{}.{}.svc", metadata["name"].as_str().unwrap(), metadata["namespace"].as_str().unwrap());
    assert_eq!(certificate["spec"]["dnsNames"][0], name);
    assert_eq!(certificate["metadata"]["namespace"], metadata["namespace"]);
}
