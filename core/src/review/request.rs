//! Decodes the fields that partywall reads of a request.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use thiserror::Error;

use crate::json::{Escaped, InPlace, List, Text, borrowed};
use crate::objects::kinds::{Shape, shape_of};
use crate::objects::object::{DecodeAs, FieldError, Object, decode_as, reading};
use crate::objects::pod::PodStatus;

/// Holds the fields of a request that partywall reads.
#[derive(Debug)]
pub struct Request<'a> {
    /// The uid, which the answer repeats.
    pub uid: Text<'a>,
    /// The shape of the object, found by the group and name of its kind.
    pub shape: Shape,
    /// The kind's group; empty means core.
    pub group: Text<'a>,
    /// The kind as the API server names it.
    pub kind_name: Text<'a>,
    /// The group of the resource; empty means core.
    pub resource_group: Text<'a>,
    /// The plural resource.
    pub resource: Text<'a>,
    /// The subresource, or empty.
    pub subresource: Text<'a>,
    /// The object's name; empty if the API server generates it.
    pub name: Text<'a>,
    /// The namespace. The object's own namespace field may be empty or false.
    pub namespace: Text<'a>,
    /// The user who sent the request.
    pub user: User<'a>,
    /// True if the API server will not store the object.
    pub dry_run: bool,
    /// The operation with its objects.
    pub operation: Operation<'a>,
}

impl<'a> Request<'a> {
    /// Returns the namespace of the object, or the object's own name if it is a Namespace.
    pub fn name_of_namespace(&self) -> &str {
        if self.shape == Shape::Namespace { &self.name } else { &self.namespace }
    }

    /// Returns the uid, and who asked for what.
    pub(crate) fn into_asked(self) -> (Text<'a>, Asked<'a>) {
        let operation = self.operation.as_str();
        let name = match self.operation {
            Operation::Create { new } if self.name.is_empty() => {
                new.metadata().map(|metadata| metadata.generate_name.clone()).unwrap_or_default()
            }
            Operation::Create { .. }
            | Operation::Update { .. }
            | Operation::Delete { .. }
            | Operation::Connect => self.name,
        };
        let asked = Asked {
            user: self.user.username,
            operation: operation.into(),
            group: self.group,
            kind: self.kind_name,
            subresource: self.subresource,
            namespace: self.namespace,
            name,
        };
        (self.uid, asked)
    }
}

/// Says who asked for what, without anything of what the object contains.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Asked<'a> {
    /// The user who sent the request.
    pub user: Text<'a>,
    /// The operation, such as `CREATE`.
    pub operation: Text<'a>,
    /// The kind's group; empty means core.
    pub group: Text<'a>,
    /// The kind as the API server names it.
    pub kind: Text<'a>,
    /// The subresource, or empty.
    pub subresource: Text<'a>,
    /// The namespace, or empty.
    pub namespace: Text<'a>,
    /// The object's name, or the prefix of the name that the API server generates.
    pub name: Text<'a>,
}

/// Holds the operation that the user requests.
#[derive(Debug)]
pub enum Operation<'a> {
    /// The user creates an object.
    Create {
        /// The object.
        new: Object<'a>,
    },
    /// The user changes an object.
    Update {
        /// The object after the change.
        new: Object<'a>,
        /// The old object, as raw JSON.
        old: Option<&'a RawValue>,
    },
    /// The user deletes an object.
    Delete {
        /// The old object, as raw JSON.
        old: Option<&'a RawValue>,
    },
    /// The user connects to an object.
    Connect,
}

impl Operation<'_> {
    const fn as_str(&self) -> &'static str {
        match self {
            Self::Create { .. } => "CREATE",
            Self::Update { .. } => "UPDATE",
            Self::Delete { .. } => "DELETE",
            Self::Connect => "CONNECT",
        }
    }
}

borrowed! {
    /// The user who sent the request.
    pub struct User<'a> {
        /// The user's name.
        username: Text<'a> = "username",
        /// The user's groups.
        groups: Groups<'a> = "groups",
    }
}

/// Holds the groups of a user, which are looked up in many places.
///
/// INVARIANT: more than [`Groups::FEW`] are sorted.
#[derive(Debug, Default)]
pub struct Groups<'a>(Vec<Text<'a>>);

impl Groups<'_> {
    /// Limits how many groups a linear search looks through.
    const FEW: usize = 16;

    /// Returns whether the user is in this group.
    pub fn contains(&self, group: &str) -> bool {
        if self.0.len() <= Self::FEW {
            self.0.iter().any(|other| **other == *group)
        } else {
            self.0.binary_search_by(|other| (**other).cmp(group)).is_ok()
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Groups<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut groups = List::<Text<'a>>::deserialize(deserializer)?.into_vec();
        if groups.len() > Self::FEW {
            groups.sort_unstable();
        }
        Ok(Self(groups))
    }
}

borrowed! {
    /// Holds the group and the kind of an object.
    pub(super) struct GroupKind<'a> {
        /// The group; empty means core.
        group: Text<'a> = "group",
        /// The kind.
        kind: Text<'a> = "kind",
    }
}

borrowed! {
    /// Holds the group and the plural of a resource.
    struct GroupResource<'a> {
        /// The group; empty means core.
        group: Text<'a> = "group",
        /// The plural resource.
        resource: Text<'a> = "resource",
    }
}

/// Holds a review whose uid is known and whose object does not decode.
#[derive(Debug, Error)]
#[error("`{path}` does not decode: {problem}")]
pub struct Undecodable {
    /// The uid for the answer.
    pub uid: String,
    /// The shape of the object, if its kind decoded.
    pub shape: Option<Shape>,
    /// The user and the request, as far as they decoded.
    pub asked: Box<Asked<'static>>,
    /// The path of the field.
    pub path: String,
    /// The problem.
    pub problem: String,
}

/// Holds the fields of a request before the decoder checks that they are consistent.
#[derive(Debug, Default)]
pub(super) struct RawRequest<'a> {
    uid: Text<'a>,
    kind: Option<GroupKind<'a>>,
    resource: GroupResource<'a>,
    subresource: Option<Text<'a>>,
    name: Text<'a>,
    namespace: Text<'a>,
    operation: Text<'a>,
    user: User<'a>,
    dry_run: bool,
    object: ObjectState<'a>,
    old: Option<&'a RawValue>,
}

/// Holds the object of a request, decoded if its kind came before it.
#[derive(Debug, Default)]
enum ObjectState<'a> {
    #[default]
    Absent,
    Decoded(Object<'a>),
    /// The kind came after the object.
    Raw(&'a RawValue),
}

impl<'a> RawRequest<'a> {
    pub(super) fn uid(&self) -> &str {
        &self.uid
    }

    /// Decodes the fields into a request, or reports the field that is invalid.
    pub(super) fn decode(self) -> Result<Request<'a>, Undecodable> {
        let subresource = self.subresource.unwrap_or_default();
        let GroupKind { group, kind: kind_name } = self.kind.unwrap_or_default();
        let owned = |text: &Text<'_>| Text::from(text.to_string());
        let undecodable = |path: &str, problem: String| Undecodable {
            uid: self.uid.to_string(),
            shape: shape_of(&group, &kind_name),
            asked: Box::new(Asked {
                user: owned(&self.user.username),
                operation: owned(&self.operation),
                group: owned(&group),
                kind: owned(&kind_name),
                subresource: owned(&subresource),
                namespace: owned(&self.namespace),
                name: owned(&self.name),
            }),
            path: path.to_owned(),
            problem,
        };
        if kind_name.is_empty() {
            return Err(undecodable("request.kind", "the kind is missing".to_owned()));
        }
        let shape = Shape::of(&group, &kind_name);
        let object = match self.object {
            ObjectState::Absent => Object::Missing,
            // The kind came before the object, but a later subresource may mean that the object does not count.
            ObjectState::Decoded(_) if reading(shape, &subresource) == Shape::Other => Object::Unread,
            // A later subresource may also mean that the spec does not count.
            ObjectState::Decoded(Object::Pod(pod)) if reading(shape, &subresource) == Shape::PodStatus => {
                Object::PodStatus(Box::new(PodStatus { metadata: pod.metadata, status: pod.status }))
            }
            ObjectState::Decoded(Object::Unstructured(object))
                if reading(shape, &subresource) == Shape::Status =>
            {
                Object::Status(Box::new((*object).into()))
            }
            ObjectState::Decoded(object) => object,
            ObjectState::Raw(raw) => decode_as(shape, &subresource, raw)
                .map_err(|FieldError { path, problem }| undecodable(&path, problem))?,
        };
        let operation = match &*self.operation {
            "CREATE" => Operation::Create { new: object },
            "UPDATE" => Operation::Update { new: object, old: self.old },
            "DELETE" => Operation::Delete { old: self.old },
            "CONNECT" => Operation::Connect,
            other => {
                let problem = format!("`{}` is no operation that is known here", Escaped(other));
                return Err(undecodable("request.operation", problem));
            }
        };
        Ok(Request {
            uid: self.uid,
            shape,
            group,
            kind_name,
            resource_group: self.resource.group,
            resource: self.resource.resource,
            subresource,
            name: self.name,
            namespace: self.namespace,
            user: self.user,
            dry_run: self.dry_run,
            operation,
        })
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for RawRequest<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut request = Self::default();
        Self::deserialize_in_place(deserializer, &mut request)?;
        Ok(request)
    }

    fn deserialize_in_place<D: Deserializer<'de>>(deserializer: D, place: &mut Self) -> Result<(), D::Error> {
        deserializer.deserialize_map(RequestVisitor(place))
    }
}

/// Names the fields that are decoded.
///
/// `requestKind` and the similar fields hold the version in which the user wrote the object. The API server has
/// converted it to the version of the webhook's rule, so they have no effect on decisions.
#[derive(Clone, Copy)]
enum Field {
    Uid,
    Kind,
    Resource,
    Subresource,
    Name,
    Namespace,
    Operation,
    User,
    DryRun,
    Object,
    Old,
}

impl Field {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "uid" => Self::Uid,
            "kind" => Self::Kind,
            "resource" => Self::Resource,
            "subResource" => Self::Subresource,
            "name" => Self::Name,
            "namespace" => Self::Namespace,
            "operation" => Self::Operation,
            "userInfo" => Self::User,
            "dryRun" => Self::DryRun,
            "object" => Self::Object,
            "oldObject" => Self::Old,
            _ => return None,
        })
    }
}

struct RequestVisitor<'r, 'a>(&'r mut RawRequest<'a>);

impl<'de: 'a, 'a> Visitor<'de> for RequestVisitor<'_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let request = self.0;
        // Each field has one bit.
        let mut seen = 0_u16;
        while let Some(key) = map.next_key::<Text<'de>>()? {
            let Some(field) = Field::named(&key) else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            let bit = 1 << field as u16;
            if seen & bit != 0 {
                return Err(de::Error::custom(format_args!("duplicate field `{key}`")));
            }
            seen |= bit;
            match field {
                Field::Uid => _ = map.next_value_seed(InPlace(&mut request.uid))?,
                Field::Kind => request.kind = map.next_value()?,
                Field::Resource => _ = map.next_value_seed(InPlace(&mut request.resource))?,
                Field::Subresource => request.subresource = map.next_value()?,
                Field::Name => _ = map.next_value_seed(InPlace(&mut request.name))?,
                Field::Namespace => _ = map.next_value_seed(InPlace(&mut request.namespace))?,
                Field::Operation => _ = map.next_value_seed(InPlace(&mut request.operation))?,
                Field::User => _ = map.next_value_seed(InPlace(&mut request.user))?,
                Field::DryRun => _ = map.next_value_seed(InPlace(&mut request.dry_run))?,
                Field::Object => request.object = request.decode_object(&mut map)?,
                Field::Old => request.old = map.next_value()?,
            }
        }
        Ok(())
    }
}

impl RawRequest<'_> {
    fn decode_object<'de, A: MapAccess<'de>>(&self, map: &mut A) -> Result<ObjectState<'de>, A::Error> {
        match &self.kind {
            Some(kind) => {
                let subresource = self.subresource.as_deref().unwrap_or_default();
                let shape = reading(Shape::of(&kind.group, &kind.kind), subresource);
                map.next_value_seed(DecodeAs(shape)).map(ObjectState::Decoded)
            }
            None => {
                Ok(map.next_value::<Option<&'de RawValue>>()?.map_or(ObjectState::Absent, ObjectState::Raw))
            }
        }
    }
}
