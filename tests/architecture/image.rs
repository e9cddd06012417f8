//! The Dockerfile, and what else makes a release. `.ci/image` builds and starts the image itself.

use crate::read;

fn instructions(name: &str) -> Vec<String> {
    let joined = read("Dockerfile").replace("\\\n", "");
    let is_named = |line: &&str| line.split(' ').next() == Some(name);
    joined.lines().filter(is_named).map(str::to_owned).collect()
}

#[test]
fn base_images_are_named_in_full_and_by_digest() {
    let stages: Vec<_> = instructions("FROM");
    let outside: Vec<_> = stages
        .iter()
        .map(|line| line.split(' ').nth(1).unwrap())
        .filter(|image| image.contains('/'))
        .collect();
    let [base] = outside[..] else { panic!("one base image: {outside:?}") };
    let (name, digest) = base.split_once("@sha256:").unwrap();
    assert!(digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit()), "{digest}");
    let toolchain = read("rust-toolchain.toml");
    let channel =
        toolchain.lines().find_map(|line| line.strip_prefix("channel = ")).unwrap().trim_matches('"');
    assert!(
        name.starts_with(&format!("docker.io/library/rust:{channel}-alpine")),
        "{name} has Rust {channel}"
    );
    let others = stages.iter().filter(|line| !line.contains('/'));
    let expected = ["FROM scratch AS built", "FROM ${PROGRAM} AS program", "FROM scratch"];
    assert!(others.eq(expected), "the last stage is empty, and begins from no image: {stages:?}");
}

#[test]
fn the_image_says_the_version_of_the_program() {
    let versions = instructions("ARG");
    assert!(versions.contains(&format!("ARG VERSION={}", env!("CARGO_PKG_VERSION"))), "{versions:?}");
}

/// `USER` before `ENTRYPOINT`, by number: an empty image has no names, and `runAsNonRoot` needs a number.
#[test]
fn the_image_has_a_user_by_number_that_is_not_root() {
    let [user] = &instructions("USER")[..] else { panic!("one user") };
    let ids: Vec<u32> =
        user.trim_start_matches("USER ").split(':').map(|id| id.parse().expect("a number")).collect();
    assert!(ids.len() == 2 && ids.iter().all(|id| *id != 0), "{user}");
}

/// An action by the name of a tag is whatever its owner makes of the tag.
#[test]
fn workflows_name_actions_by_commit() {
    for workflow in ["ci.yaml", "release.yaml"] {
        let text = read(&format!(".github/workflows/{workflow}"));
        let actions: Vec<_> = text.lines().filter_map(|line| line.split_once("uses: ")).collect();
        assert!(!actions.is_empty(), "{workflow}");
        for (_, action) in actions {
            let (_, commit) = action.split_once('@').unwrap();
            let commit = commit.split(' ').next().unwrap();
            assert!(commit.len() == 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit()), "{action}");
        }
    }
}
