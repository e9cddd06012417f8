//! `docs/SUMMARY.md`: the pages of the site that `make docs` builds.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use partywall_core::rule_id::RuleId;

use crate::{keep, links};

/// The pages by part, but for those of single rules: title and path.
const PARTS: [(&str, &[(&str, &str)]); 4] = [
    ("", &[("Overview", "README.md")]),
    (
        "For operators",
        &[
            ("Your first tenant", "docs/FIRST-TENANT.md"),
            ("Write tenants", "docs/TENANTS.md"),
            ("Exemptions", "docs/EXEMPTIONS.md"),
            ("Beside other tools", "docs/BESIDE-OTHERS.md"),
            ("Managed clusters", "docs/MANAGED-CLUSTERS.md"),
            ("Troubleshooting", "docs/TROUBLESHOOTING.md"),
            ("Reference of the objects", "policies/REFERENCE.md"),
            ("Rules and controls in brief", "policies/RULES.md"),
            ("Messages", "docs/MESSAGES.md"),
            ("Attacks", "policies/ATTACKS.md"),
            ("Security", "SECURITY.md"),
            ("Install with policies in files", "docs/INSTALL-WITH-FILES.md"),
            ("Introduce partywall to a cluster in use", "docs/INTRODUCE.md"),
            ("Upgrade, roll back, uninstall", "docs/UPGRADE.md"),
            ("When partywall stops the cluster", "docs/BREAK-GLASS.md"),
            ("Logs and traces", "docs/LOGS.md"),
            ("Metrics", "docs/METRICS.md"),
            ("Runbook of the alerts", "docs/RUNBOOK.md"),
            ("The image and the release", "docs/RELEASE.md"),
            ("Certificates", "certs/README.md"),
            ("Charts and Pod Security", "policies/examples/charts/README.md"),
            ("Changelog", "CHANGELOG.md"),
        ],
    ),
    ("Rules", &[("All rules", RULES)]),
    (
        "For contributors",
        &[
            ("Contributing", "CONTRIBUTING.md"),
            ("Architecture", "docs/ARCHITECTURE.md"),
            ("Benchmarks", "benches/README.md"),
            ("Fuzzers", "fuzz/README.md"),
            ("Tables of Pod Security", "tests/fixtures/pod-security/README.md"),
        ],
    ),
];

/// Below this page are those of single rules.
const RULES: &str = "docs/rules/README.md";
/// The list itself, which is no page.
const SUMMARY: &str = "docs/SUMMARY.md";

fn summary() -> String {
    let mut text = "# Summary\n\n\
        <!-- Generated from tests/docs/site.rs: UPDATE_DOCS=1 cargo test --test docs -->\n"
        .to_owned();
    for (part, pages) in PARTS {
        text.push('\n');
        if !part.is_empty() {
            write!(text, "# {part}\n\n").unwrap();
        }
        for (title, path) in pages {
            let item = if part.is_empty() { "" } else { "- " };
            writeln!(text, "{item}[{title}](../{path})").unwrap();
            for rule in RuleId::ALL.iter().filter(|_| *path == RULES) {
                writeln!(text, "  - [{rule}](../docs/rules/{rule}.md)").unwrap();
            }
        }
    }
    text
}

#[test]
fn the_site_has_every_page() {
    keep(SUMMARY, &summary());
    let of_rules = RuleId::ALL.iter().map(|rule| format!("docs/rules/{rule}.md"));
    let others = PARTS.iter().flat_map(|(_, pages)| pages.iter()).map(|(_, path)| (*path).to_owned());
    let listed: BTreeSet<_> = of_rules.chain(others).collect();
    let pages = links::pages().into_keys().filter(|path| path != Path::new(SUMMARY));
    let pages: BTreeSet<_> = pages.map(|path| path.to_str().unwrap().to_owned()).collect();
    assert_eq!(listed, pages, "tests/docs/site.rs lists the pages");
}
