//! Finds the repository of an image, as containerd reads its name.
//!
//! The name begins with a registry if its first part contains a dot, a port or a capital letter, or is `localhost`;
//! otherwise it refers to Docker Hub, where names of one part are under `library`. Operators can configure CRI-O to
//! resolve names without a registry elsewhere; then policies must not list Docker Hub.
//!
//! INVARIANT: a name outside that grammar, or one that could be the id of an image on the node, has no repository,
//! since a runtime may read it differently.

use std::fmt;

use crate::work;

/// Names Docker Hub; this module knows it by no other name.
const HUB: &str = "docker.io";

/// Holds a registry and an optional path in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Repository {
    /// The host and port, in lower case.
    registry: Box<str>,
    /// The path, without slashes around it; empty means all of the registry.
    path: Box<str>,
}

impl Repository {
    /// Parses `registry.example.com` or `registry.example.com/team`; the registry is required.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (registry, path) = match text.split_once('/') {
            Some((registry, path)) if is_path(path) => (registry, path),
            Some(_) => return None,
            None => (text, ""),
        };
        is_registry(registry).then(|| Self { registry: canonical(registry).into(), path: path.into() })
    }

    /// Returns the repository of an image's name, without tag and digest.
    pub(crate) fn of_image(image: &str) -> Option<Self> {
        let (rest, digest) =
            image.split_once('@').map_or((image, None), |(rest, digest)| (rest, Some(digest)));
        if !digest.is_none_or(is_digest) {
            return None;
        }
        let last = rest.rfind('/').map_or(0, |slash| slash + 1);
        let (rest, tag) = match rest.get(last..)?.find(':') {
            // A path follows a port, but not a tag.
            Some(colon) => (rest.get(..last + colon)?, rest.get(last + colon + 1..)),
            None => (rest, None),
        };
        if !tag.is_none_or(is_tag) {
            return None;
        }
        if is_id(rest, tag) {
            return None;
        }
        let (registry, path) = match rest.split_once('/') {
            // A runtime would use this registry even if its name is invalid.
            Some((first, path)) if claims_registry(first) => {
                (is_registry(first).then(|| canonical(first))?, path)
            }
            Some(_) | None => (HUB.to_owned(), rest),
        };
        let is_official = registry == HUB && !path.contains('/');
        let path = if is_official { format!("library/{path}") } else { path.to_owned() };
        is_path(&path).then(|| Self { registry: registry.into(), path: path.into() })
    }

    /// Returns whether it is one of the listed repositories, or inside one.
    pub(crate) fn is_in(&self, listed: &[Self]) -> bool {
        work::charge(listed.len());
        listed.iter().any(|listed| listed.holds(self))
    }

    /// Returns whether the other repository is this one or inside it.
    pub(crate) fn holds(&self, other: &Self) -> bool {
        let within = || {
            other.path.strip_prefix(&*self.path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        self.registry == other.registry && (self.path.is_empty() || within())
    }
}

/// Holds an image that an operator lists: all of a repository, or one tag or digest in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PinnedImage {
    repository: Repository,
    /// The tag or the digest, with the sign before it; empty means any.
    version: Box<str>,
}

impl PinnedImage {
    /// Parses `registry.example.com/agent`, with or without a tag or a digest.
    pub fn parse(text: &str) -> Option<Self> {
        let repository = Repository::of_image(text)?;
        Some(Self { repository, version: version_of(text).into() })
    }

    /// Returns whether a container's image is this one.
    pub fn is(&self, image: &str) -> bool {
        (self.version.is_empty() || *self.version == *version_of(image))
            && Repository::of_image(image).is_some_and(|repository| repository == self.repository)
    }
}

/// Returns the digest of an image's name, which decides if there is one, or else its tag, or nothing.
fn version_of(image: &str) -> &str {
    let last = image.rfind('/').map_or(0, |slash| slash + 1);
    let from = image.find('@').or_else(|| image.get(last..)?.find(':').map(|colon| last + colon));
    from.and_then(|from| image.get(from..)).unwrap_or_default()
}

impl fmt::Display for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.registry)?;
        if !self.path.is_empty() {
            write!(f, "/{}", self.path)?;
        }
        Ok(())
    }
}

fn canonical(registry: &str) -> String {
    let registry = registry.to_ascii_lowercase();
    if registry == "index.docker.io" { HUB.to_owned() } else { registry }
}

/// Returns whether a name is or could be the id of an image.
///
/// Nodes look up such ids among their images from all registries.
fn is_id(name: &str, tag: Option<&str>) -> bool {
    let is_algorithm = matches!(name, "sha256" | "sha384" | "sha512");
    (is_algorithm && tag.is_some()) || (name.len() == 64 && name.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// Returns whether runtimes read the first part of a name as a registry.
fn claims_registry(part: &str) -> bool {
    part.contains(['.', ':']) || part == "localhost" || part.bytes().any(|b| b.is_ascii_uppercase())
}

/// Returns whether a registry is valid here: a host made of labels, and an optional port.
fn is_registry(part: &str) -> bool {
    let (host, port) = part.split_once(':').map_or((part, None), |(host, port)| (host, Some(port)));
    let is_label = |label: &str| {
        label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && label.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric())
            && label.bytes().last().is_some_and(|b| b.is_ascii_alphanumeric())
    };
    let has_digits = |port: &str| !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit());
    (host.contains('.') || port.is_some() || host == "localhost")
        && host.split('.').all(is_label)
        && port.is_none_or(has_digits)
}

fn is_path(path: &str) -> bool {
    path.len() <= 255 && path.split('/').all(is_component)
}

/// Returns whether a part of a path is valid.
///
/// A part has letters and digits, with `.`, `_`, `__` or any number of `-` between them.
fn is_component(component: &str) -> bool {
    let is_inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let is_separator = |run: &str| matches!(run, "." | "_" | "__") || run.bytes().all(|b| b == b'-');
    component.bytes().next().is_some_and(is_inner)
        && component.bytes().last().is_some_and(is_inner)
        && component
            .split(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
            .all(|run| run.is_empty() || is_separator(run))
}

fn is_tag(tag: &str) -> bool {
    (1..=128).contains(&tag.len())
        && tag.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
        && !tag.starts_with(['.', '-'])
}

fn is_digest(digest: &str) -> bool {
    digest.split_once(':').is_some_and(|(algorithm, hex)| {
        !algorithm.is_empty()
            && algorithm.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'.' | b'_' | b'-'))
            && hex.len() >= 32
            && hex.bytes().all(|b| b.is_ascii_hexdigit())
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn o9_a_pinned_image_is_no_other_one() {
        let digest = format!("@sha256:{}", "a".repeat(64));
        let (other, tagged) = (format!("@sha256:{}", "b".repeat(64)), format!("r.example/a:1{digest}"));
        for (pinned, image, is_it) in [
            ("r.example/a", "r.example/a", true),
            ("r.example/a", "r.example/a:1", true),
            ("r.example/a", "r.example/a/b", false),
            ("r.example/a", "r.example/ab", false),
            ("r.example/a", "evil.example/r.example/a", false),
            ("r.example:5000/a", "r.example:5000/a:1", true),
            ("r.example/a:1", "r.example/a:1", true),
            ("r.example/a:1", "r.example/a:2", false),
            ("r.example/a:1", "r.example/a", false),
            // The digest decides, whatever the tag says.
            ("r.example/a:1", &format!("r.example/a:1{other}"), false),
            (&tagged, &format!("r.example/a:2{digest}"), true),
            (&tagged, &format!("r.example/a:1{other}"), false),
            ("busybox", "docker.io/library/busybox:1", true),
        ] {
            assert_eq!(PinnedImage::parse(pinned).unwrap().is(image), is_it, "{pinned} {image}");
        }
        for none in ["", "r.example/*", "r.example/a:", "r.example/A"] {
            assert!(PinnedImage::parse(none).is_none(), "{none}");
        }
    }

    use super::*;

    fn of(image: &str) -> Option<String> {
        Repository::of_image(image).map(|repository| repository.to_string())
    }

    #[test]
    fn an_image_is_where_a_runtime_looks_for_it() {
        let digest = "sha256:".to_owned() + &"0".repeat(64);
        for (image, repository) in [
            ("nginx", "docker.io/library/nginx"),
            ("nginx:1.27", "docker.io/library/nginx"),
            ("bitnami/redis", "docker.io/bitnami/redis"),
            ("index.docker.io/bitnami/redis", "docker.io/bitnami/redis"),
            ("docker.io/nginx", "docker.io/library/nginx"),
            ("a__b/c.d_e--f", "docker.io/a__b/c.d_e--f"),
            ("sha256/app", "docker.io/sha256/app"),
            ("app:0123456789012345678901234567890123456789", "docker.io/library/app"),
            ("localhost/app", "localhost/app"),
            ("localhost:5000/app:1", "localhost:5000/app"),
            ("Registry.Example.com/team/app", "registry.example.com/team/app"),
            ("registry.example.com:443/team/app:v1", "registry.example.com:443/team/app"),
            (&format!("registry.example.com/app:v1@{digest}"), "registry.example.com/app"),
            (&format!("app@{digest}"), "docker.io/library/app"),
            ("team/registry.example.com/app", "docker.io/team/registry.example.com/app"),
        ] {
            assert_eq!(of(image).as_deref(), Some(repository), "{image}");
        }
    }

    #[test]
    fn what_is_no_name_is_nowhere() {
        for image in [
            "",
            "/app",
            "app/",
            "a//b",
            "registry.example.com/../other/app",
            "registry.example.com/team/..",
            "registry.example.com/Team/app",
            " registry.example.com/app",
            "registry.example.com/app:",
            "registry.example.com/app:-x",
            "registry.example.com/app@sha256:xyz",
            "registry.example.com/app@",
            "https://registry.example.com/app",
            "user@registry.example.com/app",
            "registry.example.com:/app",
            "registry.example.com:80:80/app",
            "-a.example.com/app",
            "registry.example.com\n/app",
            "a_b.evil.example/app:1",
            "_x.example.com/app",
            "Registry/../app",
            "a._b/c",
            "a___b/c",
            "sha256:ab12",
            "sha256:0123456789012345678901234567890123456789012345678901234567890123",
            "0123456789012345678901234567890123456789012345678901234567890123",
        ] {
            assert_eq!(of(image), None, "{image}");
        }
    }

    #[test]
    fn a_repository_holds_what_lies_below_it_and_not_what_only_begins_alike() {
        for (list, image, holds) in [
            ("registry.example.com", "registry.example.com/team/app", true),
            ("registry.example.com/team", "registry.example.com/team/app:1", true),
            ("registry.example.com/team", "registry.example.com/team", true),
            ("registry.example.com/team", "registry.example.com/team-b/app", false),
            ("registry.example.com/team", "registry.example.com/app", false),
            ("registry.example.com", "registry.example.com.evil.net/app", false),
            ("registry.example.com", "registry.example.com:5000/app", false),
            ("docker.io/library", "nginx", true),
            ("docker.io", "bitnami/redis", true),
            ("docker.io/library", "bitnami/redis", false),
            ("docker.io/library", "docker.io/nginx", true),
            ("docker.io/team", "team/app", true),
            ("docker.io/team", "team", false),
        ] {
            let (list, image) = (Repository::parse(list).unwrap(), Repository::of_image(image).unwrap());
            assert_eq!(list.holds(&image), holds, "{list} {image}");
        }
        for text in
            ["", "team", "team/app", "registry.example.com/", "registry.example.com/a:1", "*.example.com"]
        {
            assert_eq!(Repository::parse(text), None, "{text}");
        }
    }
}
