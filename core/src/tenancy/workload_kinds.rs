//! Holds kinds of other APIs whose controllers create pods, and the paths of their templates.

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

/// Holds the path of a pod template in an object.
#[derive(Clone, Debug)]
pub struct TemplatePath {
    /// The fields, the first from the object itself.
    pub fields: Vec<Box<str>>,
    /// The path of the pods' spec.
    pub spec: Box<str>,
    /// The path of the pods' metadata.
    pub metadata: Box<str>,
}

impl TemplatePath {
    /// Returns the path of these fields.
    pub(super) fn new(fields: Vec<Box<str>>) -> Self {
        let path = fields.join(".");
        Self { fields, spec: format!("{path}.spec").into(), metadata: format!("{path}.metadata").into() }
    }
}
