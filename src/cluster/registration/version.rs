//! The order of versions of partywall: which of two is newer.

use std::cmp::Ordering;

/// A version such as `1.2.0` or `1.3.0-rc.1`; what follows a `+` does not count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Version {
    numbers: [u64; 3],
    /// What follows a `-`; empty for a release.
    before_release: Vec<Part>,
}

/// A part of what follows the `-`. Numbers are older than words.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Number(u64),
    Word(String),
}

impl Version {
    /// Parses a version; `None` if the text is none.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.split('+').next()?;
        let (numbers, before_release) = text.split_once('-').unwrap_or((text, ""));
        let numbers: Vec<u64> = numbers.split('.').map(str::parse).collect::<Result<_, _>>().ok()?;
        let part = |text: &str| text.parse().map_or_else(|_| Part::Word(text.to_owned()), Part::Number);
        let parts = before_release.split('.').filter(|part| !part.is_empty());
        Some(Self { numbers: numbers.try_into().ok()?, before_release: parts.map(part).collect() })
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        self.numbers.cmp(&other.numbers).then_with(|| {
            // A release is newer than what came before it.
            let is_release = |version: &Self| version.before_release.is_empty();
            let by_release = is_release(self).cmp(&is_release(other));
            by_release.then_with(|| self.before_release.cmp(&other.before_release))
        })
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_ordered_as_releases_are() {
        let ordered =
            ["0.1.0-a", "0.1.0-rc.1", "0.1.0-rc.2", "0.1.0-rc.10", "0.1.0", "0.1.1", "0.2.0", "1.0.0"];
        let versions = ordered.map(|text| Version::parse(text).unwrap());
        assert!(versions.is_sorted_by(|one, next| one < next), "{versions:?}");
        assert_eq!(Version::parse("1.0.0+build"), Version::parse("1.0.0"));
    }

    #[test]
    fn what_is_no_version_is_none() {
        for text in ["", "1", "1.0", "1.0.0.0", "v1.0.0", "1.0.x"] {
            assert_eq!(Version::parse(text), None, "{text}");
        }
        assert!(Version::parse(env!("CARGO_PKG_VERSION")).is_some());
    }
}
