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
fn anchors(page: &str) -> BTreeSet<String> {
    let mut anchors = BTreeSet::new();
    for line in prose(page).filter(|line| line.starts_with('#')) {
        let id = slug(line.trim_start_matches('#').trim());
        let mut further = (1..).map(|number| format!("{id}-{number}"));
        let free = if anchors.contains(&id) { further.find(|id| !anchors.contains(id)) } else { Some(id) };
        anchors.extend(free);
    }
    anchors
}

/// What a page links to, but for other sites.
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

#[test]
fn headings_have_the_ids_that_github_gives_them() {
    let ids = anchors("# A `b.c[]`: d, e-f\n## Two  words\n```\n# code\n```\n# Twice\n# Twice\n");
    let expected = ["a-bc-d-e-f", "two--words", "twice", "twice-1"];
    assert_eq!(ids, expected.map(ToOwned::to_owned).into());
}
