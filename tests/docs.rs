//! The pages say what the code does. `UPDATE_DOCS=1 cargo test --test docs` rewrites those that are generated.

#![expect(
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a test reads files, and fails by panicking"
)]

#[path = "docs/alerts.rs"]
mod alerts;
#[path = "docs/dashboard.rs"]
mod dashboard;
#[path = "docs/guides.rs"]
mod guides;
#[path = "docs/links.rs"]
mod links;
#[path = "docs/messages.rs"]
mod messages;
#[path = "docs/metrics.rs"]
mod metrics;
#[path = "docs/reference.rs"]
mod reference;
#[path = "docs/rules.rs"]
mod rules;
#[path = "docs/site.rs"]
mod site;

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use partywall::cli;
use partywall_core::api::Level;
use partywall_core::rule_id::RuleId;
use partywall_core::rules::controls;

const START: &str = "<!-- rules: tests/docs.rs keeps this table -->\n";
const END: &str = "<!-- end of rules -->";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Holds a generated page to `text`, or rewrites it.
fn keep(path: &str, text: &str) {
    let file = root().join(path);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    } else {
        let written = fs::read_to_string(file).unwrap_or_default();
        assert!(written == text, "{path} is stale: UPDATE_DOCS=1 cargo test --test docs");
    }
}

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("README.md")
}

fn readme() -> String {
    fs::read_to_string(path()).unwrap()
}

fn table() -> String {
    let mut table = "| rule | what it enforces |\n|---|---|\n".to_owned();
    for rule in RuleId::ALL {
        writeln!(table, "| [`{rule}`](docs/rules/{rule}.md) | {} |", rule.summary()).unwrap();
    }
    table
}

#[test]
fn the_rule_table_is_the_registry() {
    let readme = readme();
    let (before, rest) = readme.split_once(START).expect("the start of the table");
    let (kept, after) = rest.split_once(END).expect("the end of the table");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(path(), format!("{before}{START}{}{END}{after}", table())).unwrap();
    } else {
        assert_eq!(kept, table(), "stale: UPDATE_DOCS=1 cargo test --test docs");
    }
}

/// In which versions of the standard each control holds.
fn standards() -> String {
    let mut table =
        "\nThe table says at which levels and in which versions of the Pod Security Standards each control applies. \
        Some controls of `restricted` replace one of `baseline` from a version on.\n\n\
        | control | `baseline` | `restricted` | changes |\n|---|---|---|---|\n"
            .to_owned();
    for control in controls() {
        let since = format!("v1.{}", control.since);
        let (baseline, restricted) = match (control.level, control.successor().map(|other| other.since)) {
            (Level::Restricted, _) => ("–".to_owned(), format!("since {since}")),
            (_, None) => (format!("since {since}"), format!("since {since}")),
            (_, Some(0)) => (format!("since {since}"), "–".to_owned()),
            (_, Some(end)) => (format!("since {since}"), format!("{since} to v1.{}", end - 1)),
        };
        let changes: Vec<_> =
            control.changes.iter().map(|(minor, what)| format!("v1.{minor}: {what}")).collect();
        writeln!(table, "| `{}` | {baseline} | {restricted} | {} |", control.id, changes.join("; ")).unwrap();
    }
    table
}

fn catalogue() -> String {
    let mut text = "# The rules\n\nGenerated from the registry in `core/src/rule_id.rs`: \
        `UPDATE_DOCS=1 cargo test --test docs`. [default.yaml](default.yaml) has the mode of each rule, and says what \
        the modes do.\n"
        .to_owned();
    for rule in RuleId::ALL {
        write!(
            text,
            "\n## `{rule}`\n\n{}\n\nIt applies {}. [More](../docs/rules/{rule}.md)\n",
            rule.summary(),
            rules::place(rule)
        )
        .unwrap();
        if rule == RuleId::PodSecurity {
            text.push_str(&standards());
        }
    }
    text
}

#[test]
fn the_catalogue_is_the_registry() {
    keep("policies/RULES.md", &catalogue());
}

#[test]
fn every_command_and_flag_is_in_the_readme_and_has_its_variable() {
    let readme = readme();
    let command = cli::command();
    documented(&command, "partywall", &readme);
}

fn documented(command: &clap::Command, path: &str, readme: &str) {
    for subcommand in command.get_subcommands() {
        let path = format!("{path} {}", subcommand.get_name());
        assert!(readme.contains(&path), "{path}");
        documented(subcommand, &path, readme);
        for arg in subcommand.get_arguments() {
            let Some(long) = arg.get_long().filter(|long| *long != "help") else { continue };
            let env = format!("PARTYWALL_{}", long.replace('-', "_").to_uppercase());
            assert_eq!(arg.get_env().and_then(|env| env.to_str()), Some(env.as_str()), "--{long}");
            // The flags of `certs` are in its own page, and those for tests are in none.
            if subcommand.get_name() != "certs" && !arg.is_hide_set() {
                assert!(readme.contains(&format!("`--{long}")), "--{long} of {path}");
            }
        }
    }
}

/// The core reads no YAML, so it embeds the file as JSON.
#[test]
fn the_embedded_default_is_what_the_policies_show() {
    let shown = fs::read_to_string(path().with_file_name("policies").join("default.yaml")).unwrap();
    let shown: serde_json::Value = serde_saphyr::from_str(&shown).unwrap();
    let shown = serde_json::to_string_pretty(&shown).unwrap() + "\n";
    let embedded = path().with_file_name("core").join("src/tenancy/compile/default.json");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(embedded, shown).unwrap();
    } else {
        let embedded = fs::read_to_string(embedded).unwrap();
        assert_eq!(embedded, shown, "stale: UPDATE_DOCS=1 cargo test --test docs");
    }
}

#[test]
fn the_embedded_default_names_every_rule() {
    let defaults = fs::read_to_string(path().with_file_name("policies").join("default.yaml")).unwrap();
    for rule in RuleId::ALL {
        assert!(defaults.contains(&format!("    {rule}: ")), "{rule} is missing in policies/default.yaml");
    }
}
