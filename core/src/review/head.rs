//! Reads who asked for what from a review that does not decode, or whose body is too large to be read to its end.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::request::{Asked, GroupKind, User};
use crate::json::Text;

/// Holds what the start of a review tells.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// The uid for the answer.
    pub uid: String,
    /// The user and the request, as far as the start of the body tells.
    pub asked: Asked<'static>,
}

/// Reads the start of a review of `admission.k8s.io/v1`; the rest may be missing.
///
/// Without a uid there is nothing to answer. API servers write the object after all that is read here.
pub fn find_head(start: &[u8]) -> Option<Head> {
    let found = find(start);
    let is_review = found.is_kind && found.is_version;
    Some(found.head).filter(|head| is_review && !head.uid.is_empty())
}

/// Returns the uid from the start of a review of `admission.k8s.io/v1`; the rest may be missing.
pub fn find_uid(start: &[u8]) -> Option<String> {
    find_head(start).map(|head| head.uid)
}

/// Reads who asked for what; a field that does not decode is empty.
pub(super) fn find_asked(body: &[u8]) -> Asked<'static> {
    find(body).head.asked
}

fn find(start: &[u8]) -> Found {
    let mut found = Found::default();
    let mut deserializer = serde_json::Deserializer::from_slice(start);
    // Decoding fails where the body is cut off; the fields before that point suffice.
    let _cut_off = deserializer.deserialize_map(ReviewVisitor(&mut found));
    found
}

#[derive(Default)]
struct Found {
    is_kind: bool,
    is_version: bool,
    head: Head,
}

struct ReviewVisitor<'f>(&'f mut Found);

impl<'de> Visitor<'de> for ReviewVisitor<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an AdmissionReview")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<Text<'de>>()? {
            match &*key {
                "kind" => self.0.is_kind = text(map.next_value()?) == "AdmissionReview",
                "apiVersion" => self.0.is_version = text(map.next_value()?) == "admission.k8s.io/v1",
                "request" => map.next_value_seed(RequestSeed(&mut self.0.head))?,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

struct RequestSeed<'f>(&'f mut Head);

impl<'de> DeserializeSeed<'de> for RequestSeed<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for RequestSeed<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a request")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Head { uid, asked } = self.0;
        while let Some(key) = map.next_key::<Text<'de>>()? {
            match &*key {
                "uid" => *uid = text(map.next_value()?),
                "kind" => {
                    let GroupKind { group, kind } = decoded(map.next_value()?);
                    (asked.group, asked.kind) = (group.to_string().into(), kind.to_string().into());
                }
                "subResource" => asked.subresource = text(map.next_value()?).into(),
                "name" => asked.name = text(map.next_value()?).into(),
                "namespace" => asked.namespace = text(map.next_value()?).into(),
                "operation" => asked.operation = text(map.next_value()?).into(),
                "userInfo" => {
                    asked.user = decoded::<User<'_>>(map.next_value()?).username.to_string().into();
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

/// Decodes a value by itself, so that a faulty one hides no other; a faulty one is the default.
fn decoded<'de, T: serde::Deserialize<'de> + Default>(raw: &'de RawValue) -> T {
    serde_json::from_str(raw.get()).unwrap_or_default()
}

fn text(raw: &RawValue) -> String {
    decoded::<Text<'_>>(raw).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: &str =
        r#"{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":"u-1","#;

    #[test]
    fn l10_the_uid_is_read_from_a_body_that_is_cut_off() {
        let body = format!("{START}\"object\":{{\"metadata\":{{\"na");
        assert_eq!(find_uid(body.as_bytes()), Some("u-1".to_owned()));
        assert_eq!(find_uid(START.as_bytes()), Some("u-1".to_owned()));
    }

    #[test]
    fn who_asked_for_what_is_read_up_to_where_a_body_is_cut_off() {
        let of_pod = r#""kind":{"group":"","version":"v1","kind":"Pod"},"name":"web","namespace":"a","#;
        let by_jane = r#""operation":"CREATE","userInfo":{"username":"jane","groups":["g"]},"object":{"me"#;
        let head = find_head(format!("{START}{of_pod}{by_jane}").as_bytes()).unwrap();
        let Asked { user, operation, kind, namespace, name, .. } = &head.asked;
        assert_eq!(
            [user, operation, kind, namespace, name].map(|text| &**text),
            ["jane", "CREATE", "Pod", "a", "web"]
        );
        let head = find_head(format!("{START}{of_pod}\"operat").as_bytes()).unwrap();
        assert_eq!((&*head.asked.namespace, &*head.asked.operation), ("a", ""));
    }

    #[test]
    fn a_faulty_field_hides_no_other() {
        let body = format!("{START}\"name\":5,\"userInfo\":[],\"kind\":\"Pod\",\"namespace\":\"a\"}}}}");
        let head = find_head(body.as_bytes()).unwrap();
        assert_eq!(head.asked, Asked { namespace: "a".into(), ..Asked::default() });
    }

    #[test]
    fn what_is_no_review_has_no_uid() {
        assert_eq!(find_uid(b"not json"), None);
        assert_eq!(find_uid(br#"{"kind":"AdmissionReview","request":{"uid":"u-1"}}"#), None);
        assert_eq!(
            find_uid(br#"{"kind":"Pod","apiVersion":"admission.k8s.io/v1","request":{"uid":"u"}}"#),
            None
        );
        assert_eq!(find_uid(START.replace("u-1", "").as_bytes()), None);
        assert_eq!(find_uid(&[b'['; 100_000]), None);
    }
}
