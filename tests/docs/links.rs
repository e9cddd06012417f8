//! Links between the pages of the repository.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Component, Path, PathBuf};

use crate::root;

/// The id that GitHub and mdBook give to a heading: letters in lower case, digits, `-` and `_`; spaces become `-`.
pub(crate) fn slug(heading: &str) -> String {
    let kept = |letter: char| letter.is_alphanumeric() || matches!(letter, '-' | '_' | ' ');
    heading
        .to_lowercase()
        .chars()
        .filter(|letter| kept(*letter))
        .map(|c| if c == ' ' { '-' } else { c })
        .collect()
}

/// Every page of the repository, by its path from the root.
pub(crate) fn pages() -> BTreeMap<PathBuf, String> {
    let is_ours = |entry: &walkdir::DirEntry| {
        entry.depth() == 0
            || !entry.file_name().to_str().is_some_and(|name| name.starts_with('.') || name == "target")
    };
    walkdir::WalkDir::new(root())
        .into_iter()
        .filter_entry(is_ours)
        .map(|entry| entry.unwrap().into_path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .map(|path| (path.strip_prefix(root()).unwrap().to_owned(), fs::read_to_string(&path).unwrap()))
        .collect()
}

/// The text of a page without its blocks of code.
fn prose(page: &str) -> impl Iterator<Item = &str> {
    let mut is_code = false;
    page.lines().filter(move |line| {
        let is_fence = line.trim_start().starts_with("```");
        is_code ^= is_fence;
        !is_code && !is_fence
    })
}

/// The ids of a page's headings.
pub(crate) fn anchors(page: &str) -> BTreeSet<String> {
    let mut anchors = BTreeSet::new();
    for line in prose(page).filter(|line| line.starts_with('#')) {
        let id = slug(line.trim_start_matches('#').trim());
        let mut further = (1..).map(|number| format!("{id}-{number}"));
        let free = if anchors.contains(&id) { further.find(|id| !anchors.contains(id)) } else { Some(id) };
        anchors.extend(free);
    }
    anchors
}

/// Returns the targets of a page's links, without other sites.
fn links(page: &str) -> Vec<&str> {
    let targets =
        prose(page).flat_map(|line| line.split("](").skip(1).filter_map(|rest| rest.split_once(')')));
    targets.map(|(target, _)| target).filter(|target| !target.contains("://")).collect()
}

/// The path that `target` names on a page in `folder`.
fn resolve(folder: &Path, target: &str) -> PathBuf {
    let mut path = PathBuf::new();
    for part in folder.join(target).components() {
        if part == Component::ParentDir {
            assert!(path.pop(), "{target} is outside of the repository");
        } else {
            path.push(part);
        }
    }
    path
}

#[test]
fn every_link_leads_to_a_file_and_a_heading_that_exist() {
    let pages = pages();
    let mut broken = Vec::new();
    for (path, page) in &pages {
        for link in links(page) {
            let (file, anchor) = link.split_once('#').map_or((link, None), |(file, id)| (file, Some(id)));
            let target = if file.is_empty() { path.clone() } else { resolve(path.parent().unwrap(), file) };
            let is_there = root().join(&target).exists();
            let is_heading =
                anchor.is_none_or(|id| pages.get(&target).is_some_and(|page| anchors(page).contains(id)));
            if !is_there || !is_heading {
                broken.push(format!("{}: {link}", path.display()));
            }
        }
    }
    assert!(broken.is_empty(), "links that lead nowhere:\n{}", broken.join("\n"));
}

/// The paths and names in backticks: every second part of a line that is split at them.
fn code(line: &str) -> Vec<&str> {
    line.split('`').skip(1).step_by(2).collect()
}

/// Returns whether a text is a path of the repository. `tests/fixtures/rules/<rule>/allow` is a pattern.
fn is_path(text: &str) -> bool {
    let folders =
        [".ci/", "benches/", "core/", "deploy/", "docs/", "fuzz/", "policies/", "release/", "src/", "tests/"];
    folders.iter().any(|folder| text.starts_with(folder)) && !text.contains(['<', ' '])
}

/// Returns whether a file of Rust defines an item.
fn defines(file: &str, name: &str) -> bool {
    let is_whole = |rest: &str| !rest.starts_with(|letter: char| letter.is_alphanumeric() || letter == '_');
    let items = ["fn", "struct", "enum", "const", "static", "trait", "type"];
    items.iter().any(|item| file.split(&format!("{item} {name}")).skip(1).any(is_whole))
}

#[test]
fn paths_and_functions_that_pages_name_exist() {
    let mut missing = Vec::new();
    for page in ["CONTRIBUTING.md", "docs/ARCHITECTURE.md"] {
        let text = fs::read_to_string(root().join(page)).unwrap();
        // What comes later is in a section of its own. Sentences go on over the ends of lines.
        let text = text.split("\n## Folders to come").next().unwrap();
        let blocks: Vec<_> = text.split("```").step_by(2).collect();
        for paragraph in blocks.iter().flat_map(|block| block.split("\n\n")) {
            let line = paragraph.split_whitespace().collect::<Vec<_>>().join(" ");
            for path in code(&line).into_iter().filter(|path| is_path(path)) {
                if !root().join(path).exists() {
                    missing.push(format!("{page}: `{path}` does not exist"));
                }
            }
            // `name` in `path`.
            for (before, after) in
                line.match_indices("` in `").map(|(at, link)| (&line[..at], &line[at + link.len()..]))
            {
                let (name, path) = (before.rsplit('`').next().unwrap(), after.split('`').next().unwrap());
                let file = fs::read_to_string(root().join(path)).unwrap_or_default();
                if is_path(path) && path.ends_with(".rs") && !defines(&file, name) {
                    missing.push(format!("{page}: `{path}` has no `{name}`"));
                }
            }
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

#[test]
fn headings_have_the_ids_that_github_gives_them() {
    let ids = anchors("# A `b.c[]`: d, e-f\n## Two  words\n```\n# code\n```\n# Twice\n# Twice\n");
    let expected = ["a-bc-d-e-f", "two--words", "twice", "twice-1"];
    assert_eq!(ids, expected.map(ToOwned::to_owned).into());
}
