//! Composes AdmissionReviews as the API server writes them, for callers without an API server.

use std::borrow::Cow;

use serde::Serialize;

use crate::objects::kinds;

/// Holds the type of an object, as a review names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectType<'r> {
    /// The group; empty means core.
    pub group: &'r str,
    /// The version.
    pub version: &'r str,
    /// The kind.
    pub kind: &'r str,
    /// The plural of the resource.
    pub resource: Cow<'r, str>,
}

impl<'r> ObjectType<'r> {
    /// Returns the type for an object's `apiVersion` and `kind`.
    pub fn of(api_version: &'r str, kind: &'r str) -> Self {
        let (group, version) = api_version.rsplit_once('/').unwrap_or(("", api_version));
        Self { group, version, kind, resource: kinds::plural(group, kind) }
    }
}

/// Holds the fields of a review to compose.
#[derive(Clone, Debug)]
pub struct Draft<'r, O> {
    /// The uid.
    pub uid: &'r str,
    /// The type of the object.
    pub object_type: &'r ObjectType<'r>,
    /// The object's name; empty if the API server generates it.
    pub name: &'r str,
    /// The object's namespace; empty if it has none.
    pub namespace: &'r str,
    /// The operation: `CREATE`, `UPDATE`, `DELETE` or `CONNECT`.
    pub operation: &'r str,
    /// The user's name.
    pub username: &'r str,
    /// The user's groups.
    pub groups: &'r [&'r str],
    /// The object after the operation.
    pub object: Option<&'r O>,
    /// The object before the operation.
    pub old_object: Option<&'r O>,
}

impl<O: Serialize> Draft<'_, O> {
    /// Returns the review as JSON, or the error of the object's serializer.
    pub fn to_json(&self) -> serde_json::Result<Vec<u8>> {
        serde_json::to_vec(&self.review())
    }

    /// Returns the review as a value for tests to change, or the error of the object's serializer.
    pub fn to_value(&self) -> serde_json::Result<serde_json::Value> {
        serde_json::to_value(self.review())
    }

    /// Kind and subresource come before the object, so that the decoder can decode it at once.
    fn review(&self) -> Review<'_, O> {
        let ObjectType { group, version, kind, resource } = self.object_type;
        Review {
            api_version: "admission.k8s.io/v1",
            kind: "AdmissionReview",
            request: Request {
                uid: self.uid,
                kind: GroupVersionKind { group, version, kind },
                resource: GroupVersionResource { group, version, resource },
                name: self.name,
                namespace: self.namespace,
                operation: self.operation,
                user_info: UserInfo { username: self.username, groups: self.groups },
                object: self.object,
                old_object: self.old_object,
                dry_run: false,
            },
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Review<'r, O> {
    api_version: &'static str,
    kind: &'static str,
    request: Request<'r, O>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Request<'r, O> {
    uid: &'r str,
    kind: GroupVersionKind<'r>,
    resource: GroupVersionResource<'r>,
    name: &'r str,
    namespace: &'r str,
    operation: &'r str,
    user_info: UserInfo<'r>,
    object: Option<&'r O>,
    old_object: Option<&'r O>,
    dry_run: bool,
}

#[derive(Serialize)]
struct GroupVersionKind<'r> {
    group: &'r str,
    version: &'r str,
    kind: &'r str,
}

#[derive(Serialize)]
struct GroupVersionResource<'r> {
    group: &'r str,
    version: &'r str,
    resource: &'r str,
}

#[derive(Serialize)]
struct UserInfo<'r> {
    username: &'r str,
    groups: &'r [&'r str],
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::review::{Operation, decode};

    #[test]
    fn what_is_composed_decodes_as_what_it_was_composed_of() {
        let object = json!({"metadata": {"name": "a"}, "spec": {"containers": []}});
        let draft = Draft {
            uid: "u-1",
            object_type: &ObjectType::of("v1", "Pod"),
            name: "a",
            namespace: "x",
            operation: "CREATE",
            username: "jane",
            groups: &["team"],
            object: Some(&object),
            old_object: None,
        };
        let body = draft.to_json().unwrap();
        let request = decode(&body).unwrap();
        assert_eq!((&*request.uid, &*request.resource, &*request.namespace), ("u-1", "pods", "x"));
        assert_eq!(&*request.user.username, "jane");
        assert!(matches!(request.operation, Operation::Create { .. }));
        assert_eq!(ObjectType::of("apps/v1", "Deployment").resource, "deployments");
    }
}
