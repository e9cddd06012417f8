//! The table of all rows, for people.

use std::fmt::Write as _;
use std::fs;

use crate::catalogue::{AREAS, path};
use crate::entry::Entry;
use crate::repository;

const TABLE: &str = "policies/ATTACKS.md";

fn table() -> Result<String, String> {
    let mut text = "# The attacks\n\n\
        This page lists what a hostile tenant may try, what else breaks tenants' isolation in real clusters, and what \
        partywall does about each. If partywall did not stop the attacks marked P0, tenants would not be isolated. \
        Those marked P1 break clusters in practice, or use a documented gap; those marked P2 \
        do less harm. If an admission webhook cannot stop all \
        of an attack, the row says what the operator should do.\n\n\
        Each row has a test of its own: `cargo test --test attacks A1`. Other tests under \"proven by\" test it too; \
        those in the folder `e2e` need a control plane. Generated from `tests/attacks`: \
        `UPDATE_DOCS=1 cargo test --test attacks`.\n"
        .to_owned();
    for area in AREAS {
        let (letter, title) = (area.letter, area.title);
        write!(
            text,
            "\n## {letter}. {title}\n\n\
             | row | | the attack | what partywall does | proven by |\n|---|---|---|---|---|\n"
        )
        .map_err(|e| e.to_string())?;
        for id in area.ids() {
            let entry = Entry::read(&id)?;
            let priority = area.priority(&id);
            writeln!(
                text,
                "| {id} | {priority} | {} | {} | {} |",
                entry.attack,
                does(&entry),
                proof(&id, &entry)?
            )
            .map_err(|e| e.to_string())?;
        }
    }
    Ok(text)
}

/// Returns the text about the answer: the answer itself, its rules, and what is left to the operator.
fn does(entry: &Entry) -> String {
    let mut parts = Vec::new();
    if !entry.answer.is_empty() {
        parts.push(entry.answer.clone());
    }
    let rules: Vec<_> = entry.rules().iter().map(|rule| format!("`{rule}`")).collect();
    if !rules.is_empty() {
        parts.push(format!("({})", rules.join(", ")));
    }
    if !entry.outside.is_empty() {
        parts.push(format!("**Not by admission:** {}", entry.outside));
    }
    if entry.is_pending() {
        parts.push("**Pending.**".to_owned());
    }
    parts.join(" ")
}

/// Returns links to the tests.
fn proof(id: &str, entry: &Entry) -> Result<String, String> {
    let path = path(id)?;
    let own = (!entry.steps.is_empty()).then(|| format!("[`{id}`](../{path})"));
    let others = entry.tests.iter().filter_map(|test| test.split_once("::"));
    let others = others.map(|(file, name)| format!("[`{name}`](../{file})"));
    Ok(own.into_iter().chain(others).collect::<Vec<_>>().join(", "))
}

/// Checks that the table is that of the entries; `UPDATE_DOCS` writes it.
pub(crate) fn is_current() -> Result<(), String> {
    let table = table()?;
    if std::env::var_os("UPDATE_DOCS").is_some() {
        return fs::write(repository(TABLE), table).map_err(|e| format!("{TABLE}: {e}"));
    }
    let written = fs::read_to_string(repository(TABLE)).map_err(|e| format!("{TABLE}: {e}"))?;
    if written == table {
        Ok(())
    } else {
        Err(format!("{TABLE} is stale: UPDATE_DOCS=1 cargo test --test attacks"))
    }
}
