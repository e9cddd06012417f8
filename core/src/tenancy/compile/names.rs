//! Checks names as Kubernetes does, and suggests names that were likely meant.

/// Returns whether `text` is an RFC 1123 label, as the name of a namespace must be.
pub fn is_dns_label(text: &str) -> bool {
    let bytes = text.as_bytes();
    let inner = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-';
    matches!(bytes.len(), 1..=63)
        && bytes.iter().all(inner)
        && bytes.first() != Some(&b'-')
        && bytes.last() != Some(&b'-')
}

/// Returns whether `text` is an RFC 1123 subdomain, as the names of most objects must be.
///
/// A label in it may be longer than 63 characters, as in Kubernetes.
pub(super) fn is_subdomain(text: &str) -> bool {
    let is_part = |part: &str| {
        let bytes = part.as_bytes();
        let inner = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-';
        !bytes.is_empty()
            && bytes.iter().all(inner)
            && bytes.first() != Some(&b'-')
            && bytes.last() != Some(&b'-')
    };
    text.len() <= 253 && text.split('.').all(is_part)
}

/// Returns whether `key` may be the key of a label or a taint.
///
/// A key is a name, with an optional subdomain and a slash before it.
pub(super) fn is_qualified_name(key: &str) -> bool {
    match key.split_once('/') {
        Some((prefix, name)) => is_subdomain(prefix) && is_name(name),
        None => is_name(key),
    }
}

/// Returns whether `value` may be the value of a label or a taint: a name, or nothing.
pub(super) fn is_label_value(value: &str) -> bool {
    value.is_empty() || is_name(value)
}

fn is_name(text: &str) -> bool {
    let bytes = text.as_bytes();
    let inner = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    matches!(bytes.len(), 1..=63)
        && bytes.iter().all(inner)
        && bytes.first().is_some_and(u8::is_ascii_alphanumeric)
        && bytes.last().is_some_and(u8::is_ascii_alphanumeric)
}

/// Explains why a text is not the name of an object.
pub(super) const NAME: &str =
    "this is no name of an object; use lower-case letters, digits, `-` and `.`, at most 253 of them";
/// Explains why a key is not a qualified name.
pub(super) const KEY: &str = "this key is refused by Kubernetes; write `name` or `prefix.example.com/name`, the name \
     being at most 63 letters, digits, `-`, `_` and `.` that begin and end with a letter or digit";
/// Explains why a value is not a label value.
pub(super) const VALUE: &str = "this value is refused by Kubernetes; write at most 63 letters, digits, `-`, `_` and \
     `.` that begin and end with a letter or digit";

/// Returns the path of `key` in the map at `path`, in brackets if the key has dots or slashes.
pub fn keyed(path: &str, key: &str) -> String {
    if key.is_empty() || key.contains(['.', '/', '[', ']', ' ']) {
        format!("{path}[{key}]")
    } else {
        format!("{path}.{key}")
    }
}

/// Returns the one of `candidates` that `name` likely meant.
fn nearest<'c>(name: &str, candidates: impl Iterator<Item = &'c str>) -> Option<&'c str> {
    let near = |candidate: &str| {
        let distance = strsim::damerau_levenshtein(&name.to_lowercase(), &candidate.to_lowercase());
        // At most a third of the letters may differ.
        (distance <= 1.max(name.chars().count() / 3)).then_some(distance)
    };
    candidates
        .filter_map(|candidate| near(candidate).map(|distance| (distance, candidate)))
        .min()
        .map(|(_, candidate)| candidate)
}

/// Returns `, did you mean ...?` if one of `candidates` is near to `name`.
pub fn did_you_mean<'c>(name: &str, candidates: impl Iterator<Item = &'c str>) -> String {
    nearest(name, candidates).map(|nearest| format!(", did you mean `{nearest}`?")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a15_keys_and_values_are_held_to_what_kubernetes_accepts() {
        let long = "a".repeat(63);
        for good in ["a", "A.b_c-9", "example.com/A", "node-restriction.kubernetes.io/tenant", &long] {
            assert!(is_qualified_name(good), "{good}");
        }
        let too_long = "a".repeat(64);
        let long_prefix = format!("{}/a", "a".repeat(254));
        for bad in
            ["", "/", "/a", "a/", "a/b/c", "-a", "a-", "a b", "Example.com/a", "ä", &too_long, &long_prefix]
        {
            assert!(!is_qualified_name(bad), "{bad}");
        }
        for good in ["", "a", "A.b_c-9", &long] {
            assert!(is_label_value(good), "{good}");
        }
        for bad in ["-a", "a.", "a/b", "a b", " ", &too_long] {
            assert!(!is_label_value(bad), "{bad}");
        }
    }

    #[test]
    fn names_of_objects_are_subdomains_and_those_of_namespaces_labels() {
        for good in ["a", "a.b", "a-b.c", "0"] {
            assert!(is_subdomain(good), "{good}");
        }
        for bad in ["", ".", "a.", "A", "a_b", "-a", "a..b"] {
            assert!(!is_subdomain(bad), "{bad}");
        }
        assert!(is_dns_label("team-a"));
        for bad in ["", "team.a", "Team", "team-", "team-*", &"a".repeat(64)] {
            assert!(!is_dns_label(bad), "{bad}");
        }
    }

    #[test]
    fn the_nearest_name_is_suggested_only_if_it_is_near() {
        let names = ["node-placement", "tolerations", "pod-security"];
        assert_eq!(nearest("toleration", names.into_iter()), Some("tolerations"));
        assert_eq!(nearest("Pod-Securty", names.into_iter()), Some("pod-security"));
        assert_eq!(nearest("x", names.into_iter()), None);
    }
}
