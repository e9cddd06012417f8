//! Finds the uid of a review whose body is too large to be read to its end.

use std::cell::RefCell;
use std::fmt;

use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};

use crate::json::Text;

/// Returns the uid from the start of a review of `admission.k8s.io/v1`; the rest may be missing.
pub fn find_uid(start: &[u8]) -> Option<String> {
    let found = Found::default();
    let mut deserializer = serde_json::Deserializer::from_slice(start);
    // Decoding fails where the body is cut off; the fields before that point suffice.
    let _cut_off = deserializer.deserialize_map(ReviewVisitor(&found));
    let is_review = found.kind.into_inner() && found.api_version.into_inner();
    found.uid.into_inner().filter(|uid| is_review && !uid.is_empty())
}

#[derive(Default)]
struct Found {
    kind: RefCell<bool>,
    api_version: RefCell<bool>,
    uid: RefCell<Option<String>>,
}

struct ReviewVisitor<'f>(&'f Found);

impl<'de> Visitor<'de> for ReviewVisitor<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an AdmissionReview")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<Text<'de>>()? {
            match &*key {
                "kind" => {
                    self.0.kind.replace(&*map.next_value::<Text<'de>>()? == "AdmissionReview");
                }
                "apiVersion" => {
                    self.0.api_version.replace(&*map.next_value::<Text<'de>>()? == "admission.k8s.io/v1");
                }
                "request" => map.next_value_seed(RequestSeed(self.0))?,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

struct RequestSeed<'f>(&'f Found);

impl<'de> serde::de::DeserializeSeed<'de> for RequestSeed<'_> {
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
        while let Some(key) = map.next_key::<Text<'de>>()? {
            if &*key == "uid" {
                let uid = map.next_value::<Text<'de>>()?.to_string();
                self.0.uid.replace(Some(uid));
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
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
