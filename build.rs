//! Says which commit the program is built from: `PARTYWALL_COMMIT`, else what Git's files say, else `unknown`.
//! With the feature `next`, it also says a later version.
//!
//! Only release builds look into Git: after every commit Cargo would otherwise compile everything anew for the tests.
#![expect(clippy::disallowed_methods, reason = "a build script reads files")]

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=PARTYWALL_COMMIT");
    let given = env::var("PARTYWALL_COMMIT").ok().filter(|given| is_commit(given));
    let is_release = env::var("PROFILE").is_ok_and(|profile| profile == "release");
    let commit = given.or_else(|| if is_release { of_git(Path::new(".git")) } else { None });
    println!("cargo::rustc-env=PARTYWALL_COMMIT={}", commit.as_deref().unwrap_or("unknown"));
    if env::var_os("CARGO_FEATURE_NEXT").is_some() {
        println!("cargo::rustc-env=CARGO_PKG_VERSION={}", next_version());
    }
}

/// Returns a version that is later than this one, for the feature `next`.
fn next_version() -> String {
    let part = |name: &str| env::var(format!("CARGO_PKG_VERSION_{name}")).unwrap_or_default();
    let patch: u64 = part("PATCH").parse().unwrap_or_default();
    format!("{}.{}.{}-next", part("MAJOR"), part("MINOR"), patch.saturating_add(1))
}

/// Returns the commit that is checked out.
fn of_git(git: &Path) -> Option<String> {
    // In a further work tree, `.git` is a file that names the folder.
    let folder = match fs::read_to_string(git) {
        Ok(text) => PathBuf::from(text.strip_prefix("gitdir: ")?.trim_end()),
        Err(_) => git.to_owned(),
    };
    // That folder names in turn the one with the branches.
    let common = match fs::read_to_string(folder.join("commondir")) {
        Ok(text) => folder.join(text.trim_end()),
        Err(_) => folder.clone(),
    };
    let head = watched(&folder.join("HEAD"))?;
    let Some(branch) = head.trim_end().strip_prefix("ref: ") else { return commit(&head) };
    if let Some(text) = watched(&common.join(branch)) {
        return commit(&text);
    }
    let packed = watched(&common.join("packed-refs"))?;
    let of_branch =
        |line: &str| line.strip_suffix(branch).and_then(|line| line.strip_suffix(' ')).and_then(commit);
    packed.lines().find_map(of_branch)
}

/// Reads a file, and has this script run again when it changes.
fn watched(path: &Path) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    println!("cargo::rerun-if-changed={}", path.display());
    Some(text)
}

fn commit(text: &str) -> Option<String> {
    Some(text.trim_end()).filter(|text| is_commit(text)).map(str::to_owned)
}

/// Returns whether a text is the hash of a commit, or its beginning.
fn is_commit(text: &str) -> bool {
    (7..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}
