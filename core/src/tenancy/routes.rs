//! Holds kinds of other APIs that claim hosts, and the paths of these hosts.

use std::fmt;

/// Holds a kind that tenants may write if they own its hosts.
#[derive(Clone, Debug)]
pub struct ForeignRoute {
    /// The API group.
    pub group: Box<str>,
    /// The kind.
    pub kind: Box<str>,
    /// The paths at which hosts must be.
    pub hosts: Vec<HostPath>,
    /// The paths at which further hosts may be.
    pub optional_hosts: Vec<HostPath>,
}

/// Holds the path of hosts in an object: fields and whole lists, as in `.spec.rules[*].host`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostPath(Vec<Step>);

/// Holds one step of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A field.
    Field(Box<str>),
    /// Every item of a list.
    Items,
}

impl HostPath {
    /// Parses `.spec.rules[*].host`; the first dot is optional, and a `$` may precede it.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.strip_prefix('$').unwrap_or(text);
        let mut steps = Vec::new();
        for part in text.strip_prefix('.').unwrap_or(text).split('.') {
            let field = part.trim_end_matches("[*]");
            let is_field = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
            if field.is_empty() || !field.bytes().all(is_field) {
                return None;
            }
            steps.push(Step::Field(field.into()));
            let lists = (part.len() - field.len()) / "[*]".len();
            steps.extend(std::iter::repeat_n(Step::Items, lists));
        }
        Some(Self(steps))
    }

    /// Returns whether the path leads to fields that are not decoded.
    ///
    /// These are the kind, the status, and the metadata except for the name.
    pub(crate) fn is_unread(&self) -> bool {
        match self.0.as_slice() {
            [Step::Field(first), Step::Field(name)] if **first == *"metadata" => **name != *"name",
            [Step::Field(first), ..] => matches!(&**first, "metadata" | "status" | "apiVersion" | "kind"),
            [Step::Items, ..] | [] => true,
        }
    }

    /// Returns the steps, the first from the object itself.
    pub fn steps(&self) -> &[Step] {
        &self.0
    }
}

impl fmt::Display for HostPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().enumerate().try_for_each(|(index, step)| match step {
            Step::Field(name) if index == 0 => f.write_str(name),
            Step::Field(name) => write!(f, ".{name}"),
            Step::Items => f.write_str("[*]"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_the_metadata_only_the_name_is_read() {
        let is_unread = |path| HostPath::parse(path).unwrap().is_unread();
        assert!([".spec.host", ".host", ".metadata.name"].into_iter().all(|path| !is_unread(path)));
        for path in
            [".metadata", ".metadata.labels", ".metadata.name.x", ".metadata[*]", ".status.host", ".kind"]
        {
            assert!(is_unread(path), "{path}");
        }
    }

    #[test]
    fn paths_are_fields_and_whole_lists() {
        for path in [".spec.hosts[*]", "$.spec.hosts[*]", "spec.hosts[*]"] {
            assert_eq!(HostPath::parse(path).unwrap().to_string(), "spec.hosts[*]");
        }
        let nested = HostPath::parse("spec.a[*][*].b").unwrap();
        assert_eq!(nested.to_string(), "spec.a[*][*].b");
        assert_eq!(nested.steps().len(), 5);
        for bad in ["", ".", "$", "a..b", "[*]", "a[0]", "a[*]b", "a[?(@.b)]", "a b", "a.*", "..a", "a['b']"]
        {
            assert_eq!(HostPath::parse(bad), None, "{bad}");
        }
    }
}
