//! The architecture as it is drawn: which module imports which, and what the core depends on.
//!
//! The tables are in the documentation of `core/src/lib.rs` and `src/lib.rs`, where people read them. A layer imports
//! exactly what its row lists, so that a row goes stale neither way, and no two modules import each other, whether
//! directly or through others.

#![expect(
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a test reads files, and fails by panicking"
)]

mod dependencies;
mod image;
mod imports;
mod lines;
mod tables;
mod tokens;

use std::path::PathBuf;

use self::imports::{Imports, between_layers, between_modules, circle};

/// The crates, by the file of their root.
const CRATES: [&str; 2] = ["core/src/lib.rs", "src/lib.rs"];

fn repository(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn read(path: &str) -> String {
    let path = repository(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The imports between the modules of a crate, by the file of its root.
fn imports(root: &str) -> Imports {
    let folder = root.strip_suffix("lib.rs").unwrap();
    between_modules(&|module: &[String]| match module {
        [] => read(root),
        segments => read(&format!("{folder}{}.rs", segments.join("/"))),
    })
}

#[test]
fn every_layer_imports_what_its_row_lists() {
    for root in CRATES {
        let listed = tables::layers(&read(root));
        let found = between_layers(&imports(root));
        assert_eq!(
            found, listed,
            "the left is what the files import, the right what the table of {root} says"
        );
    }
}

#[test]
fn no_modules_and_no_layers_import_each_other_in_a_circle() {
    for root in CRATES {
        let modules = imports(root);
        assert_eq!(circle(&modules), None, "in {root}");
        assert_eq!(circle(&between_layers(&modules)), None, "in {root}");
    }
}

/// What rules share is in `judging`, so that a rule can be read, changed and taken away by itself.
#[test]
fn no_rule_imports_another() {
    let rule = |module: &str| module.strip_prefix("rules::")?.split("::").next().map(str::to_owned);
    let modules = imports("core/src/lib.rs");
    let rules: Vec<_> =
        modules.iter().filter_map(|(module, imports)| Some((rule(module)?, imports))).collect();
    assert!(!rules.is_empty());
    for (own, imports) in rules {
        let other =
            imports.iter().find(|import| *import == "rules" || rule(import).is_some_and(|rule| rule != own));
        assert_eq!(other, None, "imported by {own}");
    }
}
