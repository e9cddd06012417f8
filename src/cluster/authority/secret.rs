//! The Secret with the CAs: how it is written, and what is read of it.
//!
//! | key | holds |
//! |---|---|
//! | `current.crt`, `current.key` | the CA that signs |
//! | `next.crt`, `next.key` | the one that signs after it |
//! | `previous.crt` | the one that signed before it, without its key |
//! | `ca.crt` | all of them, for people; it is not read |
//! | `state.json` | what the replicas remember |
//!
//! INVARIANT: a Secret of which any part cannot be used is garbage as a whole. A write keeps the metadata and the type
//! as they were read, since the type cannot be changed.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use thiserror::Error;

use super::cas::{Ca, Cas};
use super::certificate::{Flaw, read_ca};
use super::decide::View;
use super::names::Names;
use crate::cluster::facts::Fingerprint;
use crate::cluster::installation::CA_SECRET;

const STATE: &str = "state.json";

/// The Secret, as the API server has it.
#[derive(Clone, Debug)]
pub(crate) enum Found {
    /// There is none.
    Absent,
    /// It holds nothing.
    Empty(Object),
    /// It holds something that cannot be used.
    Garbage(Object, Flawed),
    /// It holds CAs.
    Good(Object, Box<Cas>),
}

/// The Secret with its metadata, without what it holds.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Object(Map<String, Value>);

/// The reason why a Secret cannot be used.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
pub(crate) enum Flawed {
    /// A key is missing.
    #[error("`{0}` is missing")]
    Missing(&'static str),
    /// A key holds no text.
    #[error("`{0}` is no text")]
    NoText(String),
    /// A certificate cannot be used.
    #[error("`{0}`: {1}")]
    Certificate(&'static str, Flaw),
    /// What the replicas remember cannot be read.
    #[error("`state.json`: {0}")]
    State(String),
    /// Both are the same.
    #[error("the current and the next CA are the same")]
    Same,
}

/// What the replicas remember. What a later version adds is left out, and does not make the rest unreadable.
#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct State {
    /// Since when all bundles have held the next CA, in seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    next_held_since: Option<i64>,
    /// The CA that is to be replaced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    leaving: Option<String>,
    /// The CAs of which somebody else may have the keys.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    distrusted: Vec<String>,
}

impl Found {
    /// Reads a Secret.
    pub(crate) fn read(secret: Value, names: &Names) -> Self {
        let Value::Object(mut object) = secret else { return Self::Absent };
        let data = match object.remove("data") {
            Some(Value::Object(data)) if !data.is_empty() => data,
            _ => return Self::Empty(Object(object)),
        };
        match parse(&data, names) {
            Ok(cas) => Self::Good(Object(object), Box::new(cas)),
            Err(flawed) => Self::Garbage(Object(object), flawed),
        }
    }

    /// Returns what the decision reads.
    pub(super) fn view(&self) -> View<'_> {
        match self {
            Self::Absent => View::Absent,
            Self::Empty(_) => View::Empty,
            Self::Garbage(..) => View::Garbage,
            Self::Good(_, cas) => View::Good(cas),
        }
    }

    /// Returns the object to replace; `None` if there is none.
    pub(crate) const fn object(&self) -> Option<&Object> {
        match self {
            Self::Absent => None,
            Self::Empty(object) | Self::Garbage(object, _) | Self::Good(object, _) => Some(object),
        }
    }
}

impl Object {
    /// Returns what changes with every write of it.
    pub(super) fn version(&self) -> Option<&str> {
        self.0.get("metadata")?.get("resourceVersion")?.as_str()
    }
}

/// Returns the Secret that holds these CAs: a new one, or one that replaces `object`.
pub(crate) fn write(cas: &Cas, namespace: &str, object: Option<&Object>) -> Value {
    let mut secret = match object {
        Some(Object(object)) => object.clone(),
        None => Map::from_iter([
            ("apiVersion".to_owned(), json!("v1")),
            ("kind".to_owned(), json!("Secret")),
            ("type".to_owned(), json!("Opaque")),
            (
                "metadata".to_owned(),
                json!({
                    "name": CA_SECRET,
                    "namespace": namespace,
                    "labels": {"app.kubernetes.io/name": "partywall"},
                }),
            ),
        ]),
    };
    let state = State {
        next_held_since: cas.held_since,
        leaving: cas.leaving.map(|id| id.to_string()),
        distrusted: cas.distrusted.iter().map(Fingerprint::to_string).collect(),
    };
    let mut data = BTreeMap::new();
    for (ca, certificate, key) in [
        (Some(&cas.current), "current.crt", "current.key"),
        (Some(&cas.next), "next.crt", "next.key"),
        (cas.previous.as_ref(), "previous.crt", "previous.key"),
    ] {
        let Some(ca) = ca else { continue };
        data.insert(certificate, STANDARD.encode(&*ca.certificate));
        data.extend(ca.key.as_deref().map(|pem| (key, STANDARD.encode(pem))));
    }
    data.insert("ca.crt", STANDARD.encode(bundle(cas.all())));
    data.insert(STATE, STANDARD.encode(json!(state).to_string()));
    secret.insert("data".to_owned(), json!(data));
    Value::Object(secret)
}

/// Returns the certificates of CAs, one after the other in PEM.
pub(super) fn bundle<'c>(cas: impl IntoIterator<Item = &'c Ca>) -> String {
    let mut bundle = String::new();
    for ca in cas {
        bundle.push_str(ca.certificate.trim());
        bundle.push('\n');
    }
    bundle
}

fn parse(data: &Map<String, Value>, names: &Names) -> Result<Cas, Flawed> {
    let ca = |certificate: &'static str, key: &'static str| {
        let pem = text(data, certificate)?;
        read_ca(&pem, Some(&text(data, key)?), names).map_err(|flaw| Flawed::Certificate(certificate, flaw))
    };
    let (current, next) = (ca("current.crt", "current.key")?, ca("next.crt", "next.key")?);
    if current.id == next.id {
        return Err(Flawed::Same);
    }
    let previous = match text(data, "previous.crt") {
        Err(Flawed::Missing(_)) => None,
        Err(flawed) => return Err(flawed),
        Ok(pem) => {
            Some(read_ca(&pem, None, names).map_err(|flaw| Flawed::Certificate("previous.crt", flaw))?)
        }
    };
    let state: State = match text(data, STATE) {
        Err(Flawed::Missing(_)) => State::default(),
        Err(flawed) => return Err(flawed),
        Ok(text) => serde_json::from_str(&text).map_err(|error| Flawed::State(error.to_string()))?,
    };
    let id = |text: &String| {
        Fingerprint::parse(text).ok_or_else(|| Flawed::State(format!("`{text}` is no fingerprint")))
    };
    Ok(Cas {
        current,
        next,
        previous,
        held_since: state.next_held_since,
        leaving: state.leaving.as_ref().map(id).transpose()?,
        distrusted: state.distrusted.iter().map(id).collect::<Result<_, _>>()?,
    })
}

fn text(data: &Map<String, Value>, key: &'static str) -> Result<String, Flawed> {
    let value = data.get(key).ok_or(Flawed::Missing(key))?;
    let bytes = value.as_str().and_then(|base64| STANDARD.decode(base64).ok());
    bytes.and_then(|bytes| String::from_utf8(bytes).ok()).ok_or_else(|| Flawed::NoText(key.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::authority::certificate::make_ca;

    const NOW: i64 = 1_800_000_000;

    fn names() -> Names {
        Names::new("partywall-system", None)
    }

    fn ca() -> Ca {
        make_ca(&names(), NOW, 1_000_000).unwrap()
    }

    fn cas() -> Cas {
        let found = Cas::found(ca(), ca());
        let promoted = found.compromised().promoted(ca());
        Cas { leaving: Some(promoted.current.id), ..promoted.held(Some(NOW)) }
    }

    fn read(secret: &Value) -> Result<Cas, Flawed> {
        match Found::read(secret.clone(), &names()) {
            Found::Good(_, cas) => Ok(*cas),
            Found::Garbage(_, flawed) => Err(flawed),
            other @ (Found::Absent | Found::Empty(_)) => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let (all, fresh) = (cas(), Cas::found(ca(), ca()));
        for cas in [all, fresh] {
            let secret = write(&cas, "partywall-system", None);
            assert_eq!(read(&secret), Ok(cas));
            assert_eq!(secret["type"], "Opaque");
            assert_eq!(secret["metadata"]["name"], "partywall-ca");
        }
    }

    #[test]
    fn the_key_of_a_ca_that_signs_no_more_is_not_kept() {
        let cas = cas();
        let secret = write(&cas, "partywall-system", None);
        let keys: Vec<_> = secret["data"].as_object().unwrap().keys().map(String::as_str).collect();
        let expected =
            ["ca.crt", "current.crt", "current.key", "next.crt", "next.key", "previous.crt", "state.json"];
        assert_eq!(keys, expected);
        assert_eq!(bundle(cas.all()).matches("BEGIN CERTIFICATE").count(), 3);
        assert!(!bundle(cas.all()).contains("KEY"));
    }

    #[test]
    fn a_secret_keeps_its_type_and_metadata_when_it_is_written_again() {
        let metadata = json!({"name": "partywall-ca", "resourceVersion": "7", "annotations": {"a": "b"}});
        let secret =
            json!({"type": "example.com/odd", "metadata": metadata, "data": {"current.crt": "bm8="}});
        let found = Found::read(secret, &names());
        assert!(matches!(found, Found::Garbage(_, Flawed::Missing("current.key"))), "{found:?}");
        let written = write(&cas(), "partywall-system", found.object());
        assert_eq!((&written["type"], &written["metadata"]), (&json!("example.com/odd"), &metadata));
        assert_eq!(found.object().unwrap().version(), Some("7"));
    }

    #[test]
    fn every_part_must_be_usable() {
        let good = write(&cas(), "partywall-system", None);
        let with = |key: &str, text: Option<&[u8]>| {
            let mut secret = good.clone();
            let data = secret["data"].as_object_mut().unwrap();
            match text {
                Some(text) => data.insert(key.to_owned(), json!(STANDARD.encode(text))),
                None => data.remove(key),
            };
            read(&secret).map(|_| ()).map_err(|flawed| flawed.to_string())
        };
        for key in ["current.crt", "current.key", "next.crt", "next.key"] {
            assert_eq!(with(key, None), Err(format!("`{key}` is missing")));
            assert_eq!(with(key, Some(&[0xff])), Err(format!("`{key}` is no text")));
            assert!(with(key, Some(b"no PEM")).is_err(), "{key}");
        }
        let other = ca();
        let swapped = with("current.key", other.key.as_deref().map(str::as_bytes)).unwrap_err();
        assert!(swapped.contains("`current.crt`: it and its key cannot sign for"), "{swapped}");
        let two = format!("{}{}", other.certificate, ca().certificate);
        assert_eq!(
            with("next.crt", Some(two.as_bytes())),
            Err("`next.crt`: it holds 2 certificates, and not one".to_owned())
        );
        assert!(with("previous.crt", Some(b"garbage")).is_err());
        assert_eq!(with("previous.crt", None), Ok(()));
        assert_eq!(with("state.json", None), Ok(()));
        assert_eq!(with("ca.crt", Some(b"is not read")), Ok(()));
        let later = br#"{"ofALaterVersion": 1}"#;
        assert_eq!(with("state.json", Some(later)), Ok(()));
        for state in ["", "{", r#"{"leaving": "x"}"#] {
            let flawed = with("state.json", Some(state.as_bytes())).unwrap_err();
            assert!(flawed.starts_with("`state.json`: "), "{flawed}");
        }
        let twice = Cas::found(other.clone(), other);
        assert_eq!(read(&write(&twice, "partywall-system", None)), Err(Flawed::Same));
    }

    #[test]
    fn a_secret_without_data_is_empty_and_not_garbage() {
        for secret in [json!({}), json!({"data": null}), json!({"data": {}, "metadata": {"name": "x"}})] {
            assert!(matches!(Found::read(secret, &names()), Found::Empty(_)));
        }
    }

    #[test]
    fn a_ca_of_another_service_is_garbage() {
        let secret = write(&cas(), "partywall-system", None);
        let elsewhere = Names::new("elsewhere", None);
        assert!(matches!(Found::read(secret, &elsewhere), Found::Garbage(..)));
    }
}
