//! Decodes objects of any kind, and returns the parts that all shapes have.

use std::fmt;

use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use serde_json::value::RawValue;
use thiserror::Error;

use crate::json::{Escaped, InPlace, Text, reader, without_position};
use crate::objects::certificate::Certificate;
use crate::objects::gateway_api::{Gateway, OpenShiftRoute, Route};
use crate::objects::ingress::Ingress;
use crate::objects::kinds::Shape;
use crate::objects::metadata::Metadata;
use crate::objects::pod::{
    CronJob, IN_JOB_TEMPLATE, IN_OBJECT, IN_SPEC, Pod, PodStatus, PodTemplate, PodTemplateSpec, PodView,
    TemplateOwner,
};
use crate::objects::scheduling::Binding;
use crate::objects::service::{Endpoints, Service};
use crate::objects::unstructured::{ObjectStatus, Unstructured};
use crate::work;

/// Holds an object, decoded as the shape of its kind.
#[derive(Debug)]
pub enum Object<'a> {
    /// A pod.
    Pod(Box<Pod<'a>>),
    /// A pod in a write to its status.
    PodStatus(Box<PodStatus<'a>>),
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
    /// A Binding of a pod to a node.
    Binding(Box<Binding<'a>>),
    /// The addresses behind a Service.
    Endpoints(Box<Endpoints<'a>>),
    /// A route of the Gateway API.
    Route(Box<Route<'a>>),
    /// A Gateway or a ListenerSet.
    Gateway(Box<Gateway<'a>>),
    /// OpenShift's Route.
    OpenShiftRoute(Box<OpenShiftRoute<'a>>),
    /// cert-manager's Certificate.
    Certificate(Box<Certificate<'a>>),
    /// An object of which only the metadata is decoded.
    Unstructured(Box<Unstructured<'a>>),
    /// The same in a write to its status.
    Status(Box<ObjectStatus<'a>>),
    /// An object that no rule reads.
    Unread,
    /// `null` or no value.
    Missing,
}

impl<'a> Object<'a> {
    /// Returns the pod, or the pod that the object's template describes.
    pub fn pod(&self) -> Option<PodView<'_, 'a>> {
        match self {
            Self::Pod(pod) => PodView::of_pod(pod),
            Self::TemplateOwner(owner) => PodView::of_template(owner.spec.template.as_ref(), IN_SPEC),
            Self::CronJob(job) => {
                PodView::of_template(job.spec.job_template.spec.template.as_ref(), IN_JOB_TEMPLATE)
            }
            Self::PodTemplate(template) => PodView::of_template(template.template.as_ref(), IN_OBJECT),
            Self::PodStatus(_)
            | Self::Service(_)
            | Self::Ingress(_)
            | Self::Binding(_)
            | Self::Endpoints(_)
            | Self::Route(_)
            | Self::Gateway(_)
            | Self::OpenShiftRoute(_)
            | Self::Certificate(_)
            | Self::Unstructured(_)
            | Self::Status(_)
            | Self::Unread
            | Self::Missing => None,
        }
    }

    /// Returns the object's own metadata.
    pub fn metadata(&self) -> Option<&Metadata<'a>> {
        match self {
            Self::Pod(pod) => Some(&pod.metadata),
            Self::PodStatus(pod) => Some(&pod.metadata),
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
            Self::Unstructured(object) => Some(&object.metadata),
            Self::Status(object) => Some(&object.metadata),
            Self::Unread | Self::Missing => None,
        }
    }
}

/// Lists subresources from which the API server takes no field that a pod rule reads.
///
/// From `resize` it takes the containers' resources, and it keeps all other fields of the pod.
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

/// Returns whether the API server takes no spec from a subresource.
pub(crate) fn is_without_spec(subresource: &str) -> bool {
    WITHOUT_SPEC.contains(&subresource)
}

/// Returns the shape as which an object is read.
///
/// Of subresources without a spec only the status is read, of the kinds whose hosts, addresses, allocations or metadata
/// it can change, and the metadata of Namespaces.
pub(crate) fn reading(shape: Shape, subresource: &str) -> Shape {
    // A write to a pod's status also changes annotations, from which controllers derive names outside the cluster.
    if subresource == "status" && shape == Shape::Pod {
        return Shape::PodStatus;
    }
    if subresource == "status" && shape == Shape::Unstructured {
        return Shape::Status;
    }
    let is_read_of = match subresource {
        "status" => matches!(
            shape,
            Shape::Service | Shape::Ingress | Shape::Namespace | Shape::Gateway | Shape::OpenShiftRoute
        ),
        "finalize" => shape == Shape::Namespace,
        _ => false,
    };
    if is_without_spec(subresource) && !is_read_of { Shape::Other } else { shape }
}

/// Decodes an object as a shape.
pub(crate) struct DecodeAs(pub(crate) Shape);

impl<'de> DeserializeSeed<'de> for DecodeAs {
    type Value = Object<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Object<'de>, D::Error> {
        match self.0 {
            Shape::Pod => present(deserializer, Object::Pod),
            Shape::PodStatus => present(deserializer, Object::PodStatus),
            Shape::Workload | Shape::DaemonSet => present(deserializer, Object::TemplateOwner),
            Shape::CronJob => present(deserializer, Object::CronJob),
            Shape::PodTemplate => present(deserializer, Object::PodTemplate),
            Shape::Service => present(deserializer, Object::Service),
            Shape::Ingress => present(deserializer, Object::Ingress),
            Shape::Binding => present(deserializer, Object::Binding),
            Shape::Endpoints => present(deserializer, Object::Endpoints),
            Shape::Route | Shape::PortRoute => present(deserializer, Object::Route),
            Shape::Gateway | Shape::ListenerSet => present(deserializer, Object::Gateway),
            Shape::OpenShiftRoute => present(deserializer, Object::OpenShiftRoute),
            Shape::Certificate => present(deserializer, Object::Certificate),
            Shape::Namespace | Shape::Unstructured => present(deserializer, Object::Unstructured),
            Shape::Status => present(deserializer, Object::Status),
            Shape::Other => IgnoredAny::deserialize(deserializer).map(|_| Object::Unread),
        }
    }
}

/// Decodes an object in place, or returns `Object::Missing` for `null`.
fn present<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
    wrap: impl FnOnce(Box<T>) -> Object<'de>,
) -> Result<Object<'de>, D::Error> {
    let mut object = Box::<T>::default();
    let is_there = InPlace(&mut *object).deserialize(deserializer)?;
    Ok(if is_there { wrap(object) } else { Object::Missing })
}

/// Reports a field that does not decode.
#[derive(Debug, Error)]
#[error("`{path}` does not decode: {problem}")]
pub(crate) struct FieldError {
    /// The path of the field.
    pub path: String,
    /// The problem.
    pub problem: String,
}

/// Decodes the raw JSON of an object of a request as a shape.
pub(crate) fn decode_as<'a>(
    shape: Shape,
    subresource: &str,
    raw: &'a RawValue,
) -> Result<Object<'a>, FieldError> {
    let seed = || DecodeAs(reading(shape, subresource));
    if let Ok(object) = reader::from_str(seed(), raw.get()) {
        return Ok(object);
    }
    let mut deserializer = serde_json::Deserializer::from_str(raw.get());
    let mut track = serde_path_to_error::Track::new();
    seed().deserialize(serde_path_to_error::Deserializer::new(&mut deserializer, &mut track)).map_err(
        |error| FieldError { path: track.path().to_string(), problem: without_position(&error.to_string()) },
    )
}

/// Decodes a part of an object, whose path is `path`, or returns the default for `null`.
fn decode_part<'a, T: Deserialize<'a> + Default>(path: &str, raw: &'a RawValue) -> Result<T, FieldError> {
    let mut part = T::default();
    if reader::from_str(InPlace(&mut part), raw.get()).is_ok() {
        return Ok(part);
    }
    let mut deserializer = serde_json::Deserializer::from_str(raw.get());
    let mut track = serde_path_to_error::Track::new();
    let tracked = serde_path_to_error::Deserializer::new(&mut deserializer, &mut track);
    Option::<T>::deserialize(tracked).map(Option::unwrap_or_default).map_err(|error| FieldError {
        path: format!("{path}.{}", track.path()),
        problem: without_position(&error.to_string()),
    })
}

/// Limits how many templates of an object are judged.
///
/// Each of their decoded forms takes some hundred bytes of memory, however short the template is.
const TEMPLATES: usize = 256;

/// Holds a template of pods, and the path of it.
#[derive(Debug)]
pub(crate) struct FoundTemplate<'a> {
    pub(crate) template: PodTemplateSpec<'a>,
    pub(crate) path: String,
}

/// Returns the pod templates at a path of an object: names of fields, and `None` for all items of a list.
///
/// Templates of which a field is missing or null are left out.
pub(crate) fn templates_at<'a, 's>(
    object: &Unstructured<'a>,
    mut steps: impl Iterator<Item = Option<&'s str>>,
) -> Result<Vec<FoundTemplate<'a>>, FieldError> {
    let Some(first) = steps.next().flatten() else { return Ok(Vec::new()) };
    let mut found: Vec<_> = object.get(first).map(|raw| (first.to_owned(), raw)).into_iter().collect();
    for step in steps {
        let mut below = Vec::with_capacity(found.len());
        for (path, raw) in found {
            match step {
                Some(name) => {
                    let FieldOf { value, .. } = part_of(&path, || FieldOf { name, value: None }, raw)?;
                    below.extend(value.map(|value| (format!("{path}.{name}"), value)));
                }
                None => {
                    let room = TEMPLATES - below.len();
                    let ItemsOf { items, .. } = part_of(&path, || ItemsOf { items: Vec::new(), room }, raw)?;
                    let items = items.into_iter().enumerate();
                    below.extend(items.map(|(index, item)| (format!("{path}[{index}]"), item)));
                }
            }
        }
        found = below;
    }
    let present = found.into_iter().filter(|(_, raw)| raw.get() != "null");
    present.map(|(path, raw)| Ok(FoundTemplate { template: decode_part(&path, raw)?, path })).collect()
}

/// Reads a part of JSON; the error names its path.
fn part_of<'a, S: DeserializeSeed<'a, Value = S>>(
    path: &str,
    seed: impl Fn() -> S,
    raw: &'a RawValue,
) -> Result<S, FieldError> {
    reader::from_str(seed(), raw.get()).or_else(|_| {
        let mut deserializer = serde_json::Deserializer::from_str(raw.get());
        seed().deserialize(&mut deserializer).map_err(|error| FieldError {
            path: path.to_owned(),
            problem: without_position(&error.to_string()),
        })
    })
}

/// Reads the items of a JSON list, as far as there is room for them.
struct ItemsOf<'a> {
    items: Vec<&'a RawValue>,
    room: usize,
}

impl<'de> DeserializeSeed<'de> for ItemsOf<'de> {
    type Value = Self;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ItemsOf<'de> {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_unit<E>(self) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<Self, A::Error> {
        while let Some(item) = list.next_element()? {
            work::charge(1);
            if self.items.len() == self.room {
                return Err(A::Error::custom(format_args!("there are more than {TEMPLATES} templates")));
            }
            self.items.push(item);
        }
        Ok(self)
    }
}

/// Reads one field of a JSON object, and skips the others.
struct FieldOf<'n, 'a> {
    name: &'n str,
    value: Option<&'a RawValue>,
}

impl<'de> DeserializeSeed<'de> for FieldOf<'_, 'de> {
    type Value = Self;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for FieldOf<'_, 'de> {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_unit<E>(self) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Self, A::Error> {
        while let Some(key) = map.next_key::<Text<'de>>()? {
            work::charge(1);
            if &*key != self.name {
                map.next_value::<IgnoredAny>()?;
            } else if self.value.is_some() {
                return Err(A::Error::custom(format_args!("duplicate field `{}`", Escaped(&key))));
            } else {
                self.value = Some(map.next_value()?);
            }
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::objects::kinds::KINDS;

    #[test]
    fn the_table_has_the_subresources_that_are_read_and_no_others() {
        for row in KINDS {
            let listed = |name: &str| row.subresources.iter().any(|subresource| subresource.name == name);
            for subresource in row.subresources {
                assert_ne!(
                    reading(row.shape, subresource.name),
                    Shape::Other,
                    "{} {}",
                    row.name,
                    subresource.name
                );
            }
            for name in WITHOUT_SPEC {
                let is_read = reading(row.shape, name) != Shape::Other;
                // The status of such a kind is read if it is sent.
                if reading(row.shape, name) == Shape::Status {
                    continue;
                }
                assert_eq!(is_read, listed(name), "{} {name}", row.name);
            }
        }
    }
}
