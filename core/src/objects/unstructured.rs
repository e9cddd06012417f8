//! Decodes the metadata of kinds that are not part of Kubernetes, and keeps the other fields raw.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::json::{Escaped, Text, borrowed};
use crate::objects::metadata::Metadata;
use crate::work;

/// Holds an object of any kind.
#[derive(Debug, Default)]
pub struct Unstructured<'a> {
    /// The object's metadata.
    pub metadata: Metadata<'a>,
    /// The other fields, except the kind, the API version and the status.
    pub content: Vec<(Text<'a>, &'a RawValue)>,
    /// The status, which counts only in a write to the status.
    status: Option<&'a RawValue>,
}

borrowed! {
    /// Holds an object of any kind in a write to its status, from which the API server takes no other field.
    pub struct ObjectStatus<'a> {
        /// The object's metadata, which some kinds also take from such a write.
        metadata: Metadata<'a> = "metadata",
        /// The status.
        status: Option<&'a RawValue> = "status",
    }
}

impl<'a> From<Unstructured<'a>> for ObjectStatus<'a> {
    fn from(Unstructured { metadata, status, .. }: Unstructured<'a>) -> Self {
        Self { metadata, status }
    }
}

impl<'a> ObjectStatus<'a> {
    /// Returns the status; reading all its text is charged to the work of the decision.
    pub fn get(&self) -> Option<&'a RawValue> {
        let status = self.status.filter(|status| status.get() != "null")?;
        work::charge(status.get().len() / BYTES);
        Some(status)
    }
}

/// The bytes of text that a unit of work decodes.
const BYTES: usize = 16;

/// Limits the number of fields beside the metadata.
const FIELDS: usize = 100;

impl<'a> Unstructured<'a> {
    /// Returns a field of the object itself; reading all its text is charged to the work of the decision.
    pub fn get(&self, field: &str) -> Option<&'a RawValue> {
        let value = self.content.iter().find(|(name, _)| &**name == field).map(|(_, value)| *value)?;
        work::charge(value.get().len() / BYTES);
        Some(value)
    }

    /// Returns the text of all other fields, to compare objects.
    ///
    /// The API server serializes equal objects equally.
    pub fn identity(&self) -> impl fmt::Display {
        fmt::from_fn(|f| {
            self.content.iter().try_for_each(|(name, value)| write!(f, " {name}={}", value.get()))
        })
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Unstructured<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(UnstructuredVisitor)
    }
}

struct UnstructuredVisitor;

impl<'de> Visitor<'de> for UnstructuredVisitor {
    type Value = Unstructured<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut metadata = None;
        let mut content: Vec<(Text<'de>, &RawValue)> = Vec::new();
        let mut status = None;
        while let Some(key) = map.next_key::<Text<'de>>()? {
            match &*key {
                "metadata" if metadata.is_some() => return Err(A::Error::duplicate_field("metadata")),
                "metadata" => metadata = Some(map.next_value::<Option<Metadata<'de>>>()?.unwrap_or_default()),
                "apiVersion" | "kind" => drop(map.next_value::<IgnoredAny>()?),
                "status" if status.is_some() => return Err(A::Error::duplicate_field("status")),
                "status" => status = Some(map.next_value()?),
                _ if content.len() == FIELDS => {
                    return Err(A::Error::custom(format_args!("more than {FIELDS} fields")));
                }
                _ if content.iter().any(|(other, _)| *other == key) => {
                    return Err(A::Error::custom(format_args!("duplicate field `{}`", Escaped(&key))));
                }
                _ => content.push((key, map.next_value()?)),
            }
        }
        Ok(Unstructured { metadata: metadata.unwrap_or_default(), content, status })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_object_says_is_kept_but_for_its_kind_and_status() {
        let text = r#"{"kind":"A","metadata":{"name":"a"},"spec":{"b":1},"plugin":"c","status":{"d":2}}"#;
        let object: Unstructured<'_> = serde_json::from_str(text).unwrap();
        assert_eq!(&*object.metadata.name, "a");
        assert_eq!(object.identity().to_string(), r#" spec={"b":1} plugin="c""#);
        assert_eq!(object.get("spec").map(RawValue::get), Some(r#"{"b":1}"#));
        assert!(object.get("status").is_none());
        assert_eq!(ObjectStatus::from(object).get().map(RawValue::get), Some(r#"{"d":2}"#));
    }

    #[test]
    fn m8_what_is_no_object_does_not_decode() {
        for bad in [
            "[]",
            "1",
            r#"{"metadata":[]}"#,
            r#"{"a":1,"a":2}"#,
            r#"{"metadata":{},"metadata":{}}"#,
            r#"{"status":1,"status":2}"#,
        ] {
            assert!(serde_json::from_str::<Unstructured<'_>>(bad).is_err(), "{bad}");
        }
    }
}
