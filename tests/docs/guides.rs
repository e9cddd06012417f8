//! The guides: their manifests hold, and the steps that two pages have are one.
//!
//! A comment before each block of YAML says what it is: `policies` of the page, which are loaded together; `policies of
//! a cluster`, which files may not have; objects that are `allowed: NAMESPACE`, or `denied: NAMESPACE, RULE`; `other`
//! objects, which partywall does not read; and the ConfigMap `argocd-cm`, whose script runs.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use jiff::civil::date;
use partywall::policies;
use partywall_core::tenancy::Reason;

use crate::root;

/// The pages of which every block of YAML is checked.
const CHECKED: [&str; 4] =
    ["docs/TENANTS.md", "docs/EXEMPTIONS.md", "docs/BESIDE-OTHERS.md", "docs/MANAGED-CLUSTERS.md"];
/// What the API server, the scheduler and the HTTP client say, which no source of partywall has.
const OF_OTHERS: [&str; 6] = [
    "failed calling webhook",
    "context deadline exceeded",
    "connection refused",
    "denied the request: tenant",
    "x509: certificate signed by unknown authority",
    "Insufficient cpu",
];

/// Beside the policies of a page, since some have no Tenant, which partywall warns about.
const ONE_MORE: &str = "
apiVersion: partywall.dev/v1alpha1
kind: Tenant
metadata: {name: one-more}
spec: {namespaces: [one-more]}
";

/// A block of a page.
struct Block {
    /// The text of the comment before it.
    mark: String,
    text: String,
}

fn read(page: &str) -> String {
    fs::read_to_string(root().join(page)).unwrap()
}

/// Returns the blocks of a language, each of which must have a mark.
fn marked(page: &str, language: &str) -> Vec<Block> {
    let text = read(page);
    let fence = format!("\n```{language}\n");
    let parts: Vec<&str> = text.split(fence.as_str()).collect();
    let block = |pair: &[&str]| {
        let before = pair[0].lines().last().unwrap();
        let mark = before.strip_prefix("<!-- ").and_then(|mark| mark.strip_suffix(" -->"));
        let (text, _) = pair[1].split_once("\n```").unwrap();
        let mark = mark.unwrap_or_else(|| panic!("{page}: no mark before the block\n{text}"));
        Block { mark: mark.to_owned(), text: text.to_owned() }
    };
    parts.windows(2).map(block).collect()
}

/// Runs `partywall check` on an object.
fn check(policies: &Path, namespace: &str, object: &str) -> Output {
    let file = policies.with_file_name("object.yaml");
    fs::write(&file, object).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_partywall"));
    command.args(["check", "--namespace", namespace, "--policies"]).arg(policies).arg(file).output().unwrap()
}

#[test]
fn the_manifests_of_the_guides_hold_and_do_what_the_pages_say() {
    for page in CHECKED {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("policies.yaml");
        let blocks = marked(page, "yaml");
        let of_page = blocks.iter().filter(|block| block.mark == "policies");
        let mut texts: Vec<&str> = of_page.map(|block| block.text.as_str()).collect();
        assert!(!texts.is_empty(), "{page}");
        texts.push(ONE_MORE);
        fs::write(&file, texts.join("\n---\n")).unwrap();
        let loaded = policies::load(std::slice::from_ref(&file), date(2026, 12, 1)).unwrap();
        assert!(loaded.warnings.is_empty(), "{page}: {:?}", loaded.warnings);
        for Block { mark, text } in &blocks {
            let (kind, rest) = mark.split_once(": ").unwrap_or((mark, ""));
            match (kind, rest.split_once(", ")) {
                ("policies" | "policies of a cluster", _) => assert!(text.contains("partywall.dev/v1alpha1")),
                ("other" | "argocd-cm", _) => assert!(!text.contains("partywall.dev/v1alpha1")),
                ("allowed", None) => {
                    let output = check(&file, rest, text);
                    assert!(output.status.success(), "{page}: {}", String::from_utf8_lossy(&output.stdout));
                    assert!(
                        !String::from_utf8_lossy(&output.stderr).contains("warning"),
                        "{page}: {output:?}"
                    );
                }
                ("denied", Some((namespace, rule))) => {
                    let output = check(&file, namespace, text);
                    let said = String::from_utf8_lossy(&output.stdout);
                    assert_eq!(output.status.code(), Some(1), "{page}: {said}");
                    assert!(said.contains(&format!("rule {rule}")), "{page}: {said}");
                }
                _ => panic!("{page}: what is `{mark}`?"),
            }
        }
    }
}

#[test]
fn what_only_a_cluster_may_have_is_said_to_be() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("policies.yaml");
    let blocks = marked("docs/TENANTS.md", "yaml");
    let block = blocks.iter().find(|block| block.mark == "policies of a cluster").unwrap();
    fs::write(&file, &block.text).unwrap();
    let loaded = policies::load(std::slice::from_ref(&file), date(2026, 12, 1)).unwrap();
    assert!(format!("{:?}", loaded.warnings).contains("run `serve --cluster`"), "{:?}", loaded.warnings);
}

/// Returns the block of a step that the end-to-end suite runs.
fn step(page: &str, step: &str) -> String {
    let text = read(page);
    let mark = format!("<!-- install: {step} -->\n```sh\n");
    let (_, rest) = text.split_once(&mark).unwrap_or_else(|| panic!("{page} has no step {step}"));
    rest.split_once("\n```").unwrap().0.to_owned()
}

/// The suite runs the steps of the guides.
#[test]
fn the_readmes_installation_is_that_of_the_guide() {
    assert_eq!(step("README.md", "server"), step("docs/FIRST-TENANT.md", "server"));
    assert_eq!(step("docs/INSTALL-WITH-FILES.md", "node"), step("docs/FIRST-TENANT.md", "node"));
}

/// Runs the health check that the guide gives Argo CD, and returns the health of an object with this Lua.
fn health(script: &str, object: &str) -> String {
    let lua = mlua::Lua::new();
    lua.load(format!("obj = {object}")).exec().unwrap();
    let health: mlua::Table = lua.load(script).eval().unwrap();
    let message: String = health.get("message").unwrap();
    format!("{}, {message}", health.get::<String>("status").unwrap())
}

/// Argo CD runs the script with a Lua 5.1 of its own, and the object in the variable `obj`.
#[test]
fn argo_cds_health_check_reads_the_conditions() {
    let blocks = marked("docs/BESIDE-OTHERS.md", "yaml");
    let block = blocks.iter().find(|block| block.mark == "argocd-cm").unwrap();
    let config: serde_json::Value = serde_saphyr::from_str(&block.text).unwrap();
    let customizations = config["data"]["resource.customizations"].as_str().unwrap();
    let customizations: serde_json::Value = serde_saphyr::from_str(customizations).unwrap();
    let script = customizations["partywall.dev/*"]["health.lua"].as_str().unwrap();
    let object = |observed: u32, is_true: &str, reason: &str| {
        let condition = |kind| {
            let status = if kind == is_true { "True" } else { "False" };
            let message = if kind == is_true || kind == "Ready" { r#", message = "why""# } else { "" };
            format!(r#"{{type = "{kind}", status = "{status}", reason = "{reason}"{message}}}"#)
        };
        let conditions = ["Ready", "Reconciling", "Stalled"].map(condition).join(", ");
        let status = format!("observedGeneration = {observed}, conditions = {{{conditions}}}");
        format!("{{metadata = {{generation = 2}}, status = {{{status}}}}}")
    };
    let unseen = "Progressing, partywall has not looked at it yet";
    assert_eq!(health(script, "{metadata = {generation = 1}}"), unseen);
    assert_eq!(health(script, "{metadata = {generation = 1}, status = {observedGeneration = -1}}"), unseen);
    assert_eq!(health(script, &object(1, "Ready", "AsWritten")), unseen);
    assert_eq!(health(script, &object(2, "Ready", "AsWritten")), "Healthy, AsWritten: why");
    assert_eq!(health(script, &object(2, "Reconciling", "UnknownPool")), "Progressing, UnknownPool: why");
    assert_eq!(health(script, &object(2, "Stalled", "Invalid")), "Degraded, Invalid: why");
}

/// Returns all sources of both crates, with strings that go on over several lines in one.
fn sources() -> String {
    let files = ["src", "core/src"].map(|folder| walkdir::WalkDir::new(root().join(folder)));
    let files = files.into_iter().flatten().map(|entry| entry.unwrap().into_path());
    let sources = files.filter(|path| path.extension().is_some_and(|extension| extension == "rs"));
    let text: String = sources.map(|path| fs::read_to_string(path).unwrap()).collect();
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    lines.join(" ").replace("\\ ", "")
}

/// Returns what stands between quotation marks in a line.
fn quoted(line: &str) -> impl Iterator<Item = &str> {
    line.split('"').skip(1).step_by(2)
}

/// Who searches the page for a message finds it as it is said.
#[test]
fn messages_in_the_guide_by_symptom_are_what_the_program_says() {
    let page = read("docs/TROUBLESHOOTING.md");
    let sources = sources();
    let is_said = |message: &str| {
        let mut parts = message.split('…').map(str::trim).filter(|part| !part.is_empty());
        parts.all(|part| sources.contains(part) || OF_OTHERS.contains(&part))
    };
    let (_, table) = page.split_once("| the reason | do |\n|---|---|\n").unwrap();
    let (table, _) = table.split_once("\n\n").unwrap();
    let reasons = table.lines().flat_map(|row| row.split('|').nth(1).unwrap().trim().split("; "));
    let headings = page.lines().filter(|line| line.starts_with("### ")).flat_map(quoted);
    let messages: Vec<&str> = reasons.chain(headings).collect();
    assert!(messages.len() > 10, "{messages:?}");
    let unsaid: Vec<&&str> = messages.iter().filter(|message| !is_said(message)).collect();
    assert!(unsaid.is_empty(), "nobody says {unsaid:?}");
}

/// Each reason for which an object is not ready has a row.
#[test]
fn reasons_of_conditions_are_in_the_guide_by_symptom() {
    let page = read("docs/TROUBLESHOOTING.md");
    for reason in Reason::ALL {
        assert!(page.contains(&format!("`{}`", reason.as_str())), "{}", reason.as_str());
    }
}
