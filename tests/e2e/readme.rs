//! The commands of the project's pages, as they stand there.

use std::fs;
use std::path::{Path, PathBuf};

/// The root of the checkout, where the pages' commands run.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

/// The block of commands after the mark `<!-- install: STEP -->` of a page.
#[track_caller]
pub(crate) fn step(page: &str, step: &str) -> String {
    let text = fs::read_to_string(root().join(page)).unwrap();
    let mark = format!("<!-- install: {step} -->\n```sh\n");
    let (_, rest) = text.split_once(&mark).unwrap_or_else(|| panic!("{page} has no block after {mark}"));
    let (block, _) =
        rest.split_once("\n```\n").unwrap_or_else(|| panic!("{page}: the block {step} has no end"));
    block.to_owned()
}
