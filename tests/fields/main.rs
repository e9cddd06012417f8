//! Each field of each kind that a rule reads is decided: a rule reads it, or it is harmless, and why.
//!
//! `make fields KUBERNETES=1.38.0` records what a release has in `kubernetes-1.38.tsv`. The tables decide:
//!
//! - `table/*.tsv`, the fields. A row has a type, a field, and the decision: `fields` if the field only holds others;
//!   `read` with fixtures of rules, whose verdict changes when this field alone is removed, or becomes what follows
//!   `:=`; `harmless` with a reason of [`table::REASONS`]; or `by place`, if the meaning depends on where the type is.
//!   Then each place has a row, such as that of the field `annotations` in `Pod.metadata`. A type is there once,
//!   whatever its version and however many kinds have it, since rules read all alike.
//! - `kinds.tsv`, the kinds of Kubernetes that no rule reads, and why.
//! - `subresources.tsv`, all subresources of all kinds.
//! - `others.txt`, the kinds of other APIs. Kubernetes does not serve them, so their fields are not in these tables.

#![expect(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::needless_pass_by_value,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test reads files, and fails by panicking"
)]

mod complete;
mod flips;
mod record;
#[path = "../core/rule_fixture.rs"]
mod rule_fixture;
#[path = "../core/support.rs"]
#[expect(dead_code, reason = "tests/core asks for more")]
mod support;
mod table;

use std::fs;
use std::path::{Path, PathBuf};

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The files of a folder with an extension, sorted.
fn files(folder: &str, extension: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(repository(folder)).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> =
        entries.filter(|path| path.extension().is_some_and(|end| end == extension)).collect();
    files.sort();
    files
}
