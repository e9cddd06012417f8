//! What is read of a request.

use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::{Undecodable, without_position};
use crate::json::{Cut, List, Place, Text, reader, record};
use crate::objects::certificate::Certificate;
use crate::objects::gateway_api::{Gateway, OpenShiftRoute, Route};
use crate::objects::kinds::Kind;
use crate::objects::pod::{
    Binding, CronJob, EphemeralContainers, Extent, IN_JOB_TEMPLATE, IN_OBJECT, IN_SPEC, Metadata, Pod,
    PodTemplate, PodView, TemplateOwner,
};
use crate::objects::service::{Endpoints, Ingress, Service};
use crate::objects::unstructured::Custom;

/// A request, decoded as far as a rule reads it.
#[derive(Debug)]
pub struct Request<'a> {
    /// The uid, to be echoed.
    pub uid: Text<'a>,
    /// The kind of the object, by group and kind.
    pub kind: Kind,
    /// The kind's group; empty: core.
    pub group: Text<'a>,
    /// The kind as the API server names it.
    pub kind_name: Text<'a>,
    /// The group of the resource; empty: core.
    pub resource_group: Text<'a>,
    /// The plural resource.
    pub resource: Text<'a>,
    /// The subresource, or empty.
    pub subresource: Text<'a>,
    /// The object's name; empty where it is generated.
    pub name: Text<'a>,
    /// The namespace; the object's own may be empty or a lie.
    pub namespace: Text<'a>,
    /// Who asks.
    pub user: User<'a>,
    /// Whether nothing will be stored.
    pub dry_run: bool,
    /// What is asked, with the objects that belong to it.
    pub operation: Operation<'a>,
}

impl Request<'_> {
    /// The name of the namespace that it is in, or that it is about.
    pub fn name_of_namespace(&self) -> &str {
        if self.kind == Kind::Namespace { &self.name } else { &self.namespace }
    }
}

/// What is asked of the API server.
#[derive(Debug)]
pub enum Operation<'a> {
    /// A new object.
    Create {
        /// The object.
        new: Object<'a>,
    },
    /// A changed object.
    Update {
        /// The object as it will be.
        new: Object<'a>,
        /// The object as it is, still raw.
        old: Option<&'a RawValue>,
    },
    /// An object removed.
    Delete {
        /// The object as it is, still raw.
        old: Option<&'a RawValue>,
    },
    /// A connection to an object.
    Connect,
}

record! {
    /// Who asks.
    pub struct User<'a> {
        /// The user's name.
        username: Text<'a> = "username",
        /// The user's groups.
        groups: List<Text<'a>> = "groups",
    }
}

record! {
    /// A group, version and kind.
    pub(super) struct GroupKind<'a> {
        /// The group; empty: core.
        group: Text<'a> = "group",
        /// The kind.
        kind: Text<'a> = "kind",
    }
}

record! {
    /// A group, version and resource.
    struct GroupResource<'a> {
        /// The group; empty: core.
        group: Text<'a> = "group",
        /// The plural resource.
        resource: Text<'a> = "resource",
    }
}

/// An object, decoded as its kind.
#[derive(Debug)]
pub enum Object<'a> {
    /// A pod.
    Pod(Box<Pod<'a>>),
    /// Any kind with `spec.template`.
    TemplateOwner(Box<TemplateOwner<'a>>),
    /// A CronJob.
    CronJob(Box<CronJob<'a>>),
    /// A PodTemplate.
    PodTemplate(Box<PodTemplate<'a>>),
    /// A Service.
    Service(Box<Service<'a>>),
    /// An Ingress.
    Ingress(Box<Ingress<'a>>),
    /// A pod bound to a node.
    Binding(Box<Binding<'a>>),
    /// The ephemeral containers of a pod, as the pod of which nothing else is known.
    EphemeralContainers(Box<Pod<'a>>),
    /// The addresses behind a Service.
    Endpoints(Box<Endpoints<'a>>),
    /// A route of the Gateway API.
    Route(Box<Route<'a>>),
    /// A Gateway, or a set of listeners for one.
    Gateway(Box<Gateway<'a>>),
    /// The Route of OpenShift.
    OpenShiftRoute(Box<OpenShiftRoute<'a>>),
    /// A Certificate of cert-manager.
    Certificate(Box<Certificate<'a>>),
    /// Any object of which no more is known than that it has metadata.
    Custom(Box<Custom<'a>>),
    /// Nothing that a rule reads.
    Unread,
    /// `null`, where there should be an object.
    Missing,
}

impl<'a> Object<'a> {
    /// The pod, or the pod that the template makes.
    pub fn pod(&self) -> Option<PodView<'_, 'a>> {
        match self {
            Self::Pod(pod) => PodView::of_pod(pod, Extent::Pod),
            Self::EphemeralContainers(pod) => PodView::of_pod(pod, Extent::Part),
            Self::TemplateOwner(owner) => PodView::of_template(owner.spec.template.as_ref(), IN_SPEC),
            Self::CronJob(job) => {
                PodView::of_template(job.spec.job_template.spec.template.as_ref(), IN_JOB_TEMPLATE)
            }
            Self::PodTemplate(template) => PodView::of_template(template.template.as_ref(), IN_OBJECT),
            Self::Service(_)
            | Self::Ingress(_)
            | Self::Binding(_)
            | Self::Endpoints(_)
            | Self::Route(_)
            | Self::Gateway(_)
            | Self::OpenShiftRoute(_)
            | Self::Certificate(_)
            | Self::Custom(_)
            | Self::Unread
            | Self::Missing => None,
        }
    }

    /// The object's own metadata.
    pub fn metadata(&self) -> Option<&Metadata<'a>> {
        match self {
            Self::Pod(pod) | Self::EphemeralContainers(pod) => Some(&pod.metadata),
            Self::TemplateOwner(owner) => Some(&owner.metadata),
            Self::CronJob(job) => Some(&job.metadata),
            Self::PodTemplate(template) => Some(&template.metadata),
            Self::Service(service) => Some(&service.metadata),
            Self::Ingress(ingress) => Some(&ingress.metadata),
            Self::Binding(binding) => Some(&binding.metadata),
            Self::Endpoints(endpoints) => Some(&endpoints.metadata),
            Self::Route(route) => Some(&route.metadata),
            Self::Gateway(gateway) => Some(&gateway.metadata),
            Self::OpenShiftRoute(route) => Some(&route.metadata),
            Self::Certificate(certificate) => Some(&certificate.metadata),
            Self::Custom(object) => Some(&object.metadata),
            Self::Unread | Self::Missing => None,
        }
    }
}

/// Subresources that carry no spec: the API server takes nothing from them that a rule of pods reads. From
/// `resize` it takes the containers' resources, and everything else from the pod as it is.
const WITHOUT_SPEC: [&str; 11] = [
    "status",
    "scale",
    "resize",
    "eviction",
    "log",
    "exec",
    "attach",
    "portforward",
    "proxy",
    "token",
    "finalize",
];

/// Whether a subresource carries no spec.
pub fn is_without_spec(subresource: &str) -> bool {
    WITHOUT_SPEC.contains(&subresource)
}

/// As which kind an object is read. The subresources without a spec are not read, but for the metadata and
/// addresses that Services and Ingresses take from their status too, and the metadata of Namespaces.
fn reading(kind: Kind, subresource: &str) -> Kind {
    // Of a pod its status takes nothing but metadata, of which names outside of the cluster are made.
    if kind == Kind::Pod && subresource == "status" {
        return Kind::Custom;
    }
    let is_read_of = match subresource {
        "status" => matches!(kind, Kind::Service | Kind::Ingress | Kind::Namespace),
        "finalize" => kind == Kind::Namespace,
        _ => false,
    };
    if is_without_spec(subresource) && !is_read_of { Kind::Other } else { kind }
}

/// Decodes an object as a kind.
struct As(Kind);

impl<'de> DeserializeSeed<'de> for As {
    type Value = Object<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Object<'de>, D::Error> {
        match self.0 {
            Kind::Pod => present(deserializer, Object::Pod),
            Kind::Deployment
            | Kind::ReplicaSet
            | Kind::StatefulSet
            | Kind::DaemonSet
            | Kind::Job
            | Kind::ReplicationController => present(deserializer, Object::TemplateOwner),
            Kind::CronJob => present(deserializer, Object::CronJob),
            Kind::PodTemplate => present(deserializer, Object::PodTemplate),
            Kind::Service => present(deserializer, Object::Service),
            Kind::Ingress => present(deserializer, Object::Ingress),
            Kind::Binding => present(deserializer, Object::Binding),
            Kind::EphemeralContainers => {
                let containers = |containers: Box<EphemeralContainers<'de>>| {
                    Object::EphemeralContainers(Box::new((*containers).into()))
                };
                present(deserializer, containers)
            }
            Kind::Endpoints | Kind::EndpointSlice => present(deserializer, Object::Endpoints),
            Kind::Route | Kind::PortRoute => present(deserializer, Object::Route),
            Kind::Gateway | Kind::ListenerSet => present(deserializer, Object::Gateway),
            Kind::OpenShiftRoute => present(deserializer, Object::OpenShiftRoute),
            Kind::Certificate => present(deserializer, Object::Certificate),
            Kind::Namespace | Kind::Custom => present(deserializer, Object::Custom),
            Kind::Other => IgnoredAny::deserialize(deserializer).map(|_| Object::Unread),
        }
    }
}

/// Decodes an object where it will stay, if there is one.
fn present<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
    wrap: impl FnOnce(Box<T>) -> Object<'de>,
) -> Result<Object<'de>, D::Error> {
    let mut object = Box::<T>::default();
    let is_there = Place(&mut *object).deserialize(deserializer)?;
    Ok(if is_there { wrap(object) } else { Object::Missing })
}

/// Decodes the raw JSON of an object of a request's kind; the error is the path and the problem.
pub fn decode_as<'a>(
    kind: Kind,
    subresource: &str,
    raw: &'a RawValue,
) -> Result<Object<'a>, (String, String)> {
    let seed = || As(reading(kind, subresource));
    if let Ok(object) = reader::from_str(seed(), raw.get()) {
        return Ok(object);
    }
    let mut deserializer = serde_json::Deserializer::from_str(raw.get());
    let mut track = serde_path_to_error::Track::new();
    seed()
        .deserialize(serde_path_to_error::Deserializer::new(&mut deserializer, &mut track))
        .map_err(|error| (track.path().to_string(), without_position(&error.to_string())))
}

/// The kind of that name, if there is a name.
pub(super) fn kind_of(group: &str, name: &str) -> Option<Kind> {
    (!name.is_empty()).then(|| Kind::of(group, name))
}

/// A request of which everything is read, but it is not yet certain that it makes sense.
#[derive(Debug, Default)]
pub(super) struct Undecided<'a> {
    uid: Text<'a>,
    kind: Option<GroupKind<'a>>,
    resource: GroupResource<'a>,
    subresource: Option<Text<'a>>,
    name: Text<'a>,
    namespace: Text<'a>,
    operation: Text<'a>,
    user: User<'a>,
    dry_run: bool,
    object: Seen<'a>,
    old: Option<&'a RawValue>,
}

/// The object of a request, as far as it could be decoded when it was met.
#[derive(Debug, Default)]
enum Seen<'a> {
    #[default]
    Absent,
    Decoded(Object<'a>),
    /// Its kind came after it.
    Raw(&'a RawValue),
}

impl<'a> Undecided<'a> {
    pub(super) fn uid(&self) -> &str {
        &self.uid
    }

    /// Makes sense of it.
    pub(super) fn decide(self) -> Result<Request<'a>, Undecodable> {
        let subresource = self.subresource.unwrap_or_default();
        let GroupKind { group, kind: kind_name } = self.kind.unwrap_or_default();
        let undecodable = |path: &str, problem: String| Undecodable {
            uid: self.uid.to_string(),
            kind: kind_of(&group, &kind_name),
            namespace: self.namespace.to_string(),
            path: path.to_owned(),
            problem,
        };
        if kind_name.is_empty() {
            return Err(undecodable("request.kind", "the kind is missing".to_owned()));
        }
        let kind = Kind::of(&group, &kind_name);
        let object = match self.object {
            Seen::Absent => Object::Missing,
            // The kind was known when the object was met, but a subresource that came later may say
            // that none of it counts.
            Seen::Decoded(_) if reading(kind, &subresource) == Kind::Other => Object::Unread,
            // Or that only its metadata does.
            Seen::Decoded(Object::Pod(pod)) if reading(kind, &subresource) == Kind::Custom => {
                Object::Custom(Box::new(Custom { metadata: pod.metadata, content: Vec::new() }))
            }
            Seen::Decoded(object) => object,
            Seen::Raw(raw) => {
                decode_as(kind, &subresource, raw).map_err(|(path, problem)| undecodable(&path, problem))?
            }
        };
        let operation = match &*self.operation {
            "CREATE" => Operation::Create { new: object },
            "UPDATE" => Operation::Update { new: object, old: self.old },
            "DELETE" => Operation::Delete { old: self.old },
            "CONNECT" => Operation::Connect,
            other => {
                let problem = format!("`{}` is no operation that is known here", Cut(other));
                return Err(undecodable("request.operation", problem));
            }
        };
        Ok(Request {
            uid: self.uid,
            kind,
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

impl<'de: 'a, 'a> Deserialize<'de> for Undecided<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut request = Self::default();
        Self::deserialize_in_place(deserializer, &mut request)?;
        Ok(request)
    }

    fn deserialize_in_place<D: Deserializer<'de>>(deserializer: D, place: &mut Self) -> Result<(), D::Error> {
        deserializer.deserialize_map(RequestVisitor(place))
    }
}

/// What is read of a request. `requestKind` and its like say in which version the object was written: the API server
/// has converted it to the version of the webhook's rule, so they decide nothing.
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

struct RequestVisitor<'r, 'a>(&'r mut Undecided<'a>);

impl<'de: 'a, 'a> Visitor<'de> for RequestVisitor<'_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let request = self.0;
        // A bit for each of the fields.
        let mut seen = 0_u16;
        while let Some(key) = map.next_key::<Text<'de>>()? {
            let Some(field) = Field::named(&key) else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            let bit = 1 << field as u16;
            if seen & bit != 0 {
                return Err(A::Error::custom(format_args!("duplicate field `{key}`")));
            }
            seen |= bit;
            match field {
                Field::Uid => _ = map.next_value_seed(Place(&mut request.uid))?,
                Field::Kind => request.kind = map.next_value()?,
                Field::Resource => _ = map.next_value_seed(Place(&mut request.resource))?,
                Field::Subresource => request.subresource = map.next_value()?,
                Field::Name => _ = map.next_value_seed(Place(&mut request.name))?,
                Field::Namespace => _ = map.next_value_seed(Place(&mut request.namespace))?,
                Field::Operation => _ = map.next_value_seed(Place(&mut request.operation))?,
                Field::User => _ = map.next_value_seed(Place(&mut request.user))?,
                Field::DryRun => _ = map.next_value_seed(Place(&mut request.dry_run))?,
                Field::Object => request.object = request.see(&mut map)?,
                Field::Old => request.old = map.next_value()?,
            }
        }
        Ok(())
    }
}

impl Undecided<'_> {
    fn see<'de, A: MapAccess<'de>>(&self, map: &mut A) -> Result<Seen<'de>, A::Error> {
        match &self.kind {
            Some(kind) => {
                let subresource = self.subresource.as_deref().unwrap_or_default();
                let kind = reading(Kind::of(&kind.group, &kind.kind), subresource);
                map.next_value_seed(As(kind)).map(Seen::Decoded)
            }
            None => Ok(map.next_value::<Option<&'de RawValue>>()?.map_or(Seen::Absent, Seen::Raw)),
        }
    }
}
