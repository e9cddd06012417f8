//! Holds kinds of other APIs whose controllers create pods, and the paths of their templates.

use super::HostPath;

/// Holds a kind whose controller creates pods.
#[derive(Clone, Debug)]
pub struct WorkloadKind {
    /// The API group.
    pub group: Box<str>,
    /// The kind.
    pub kind: Box<str>,
    /// The plural of the resource.
    pub resource: Box<str>,
    /// The place of the template; `None` if it is not read.
    pub template: Option<TemplatePath>,
}

/// Holds the path of the pod template in an object, or of several templates in lists.
#[derive(Clone, Debug)]
pub struct TemplatePath {
    /// The path, whose first step is a field of the object itself.
    pub path: HostPath,
    /// The path of the pods' spec; `[*]` in it stands for the indices of lists.
    pub spec: Box<str>,
    /// The path of the pods' metadata.
    pub metadata: Box<str>,
}

impl TemplatePath {
    /// Returns the place of the templates at a path.
    pub(super) fn new(path: HostPath) -> Self {
        let [spec, metadata] = ["spec", "metadata"].map(|field| format!("{path}.{field}").into());
        Self { path, spec, metadata }
    }
}
