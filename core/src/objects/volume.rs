//! Decodes volumes with the names of their types, so that rules see unknown types too.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, Visitor};

use crate::json::{Text, borrowed};
use crate::objects::claim::{CsiVolume, EphemeralVolume};
use crate::work;

/// Holds a volume of a pod.
#[derive(Debug, Default)]
pub struct Volume<'a> {
    /// The name.
    pub name: Text<'a>,
    /// The types: every other key that is not null. The API server accepts only one.
    pub types: Types<'a>,
    /// The mounted path of the node.
    pub host_path: Option<HostPath<'a>>,
    /// The mounted image.
    pub image: Option<ImageVolume<'a>>,
    /// The inline volume of a CSI driver.
    pub csi: Option<Box<CsiVolume<'a>>>,
    /// The volume with a claim of its own.
    pub ephemeral: Option<Box<EphemeralVolume<'a>>>,
}

/// Holds the types of a volume.
///
/// Only invalid volumes have more than one, so the first needs no allocation.
#[derive(Debug, Default)]
pub struct Types<'a> {
    first: Option<Text<'a>>,
    others: Vec<Text<'a>>,
}

impl<'a> Types<'a> {
    /// Iterates over the types.
    pub fn iter(&self) -> impl Iterator<Item = &Text<'a>> {
        self.first.iter().chain(self.others.iter().take_while(|_| work::charge(1)))
    }

    fn push(&mut self, name: Text<'a>) {
        match &self.first {
            None => self.first = Some(name),
            Some(_) => self.others.push(name),
        }
    }
}

borrowed! {
    /// Holds an image volume.
    pub struct ImageVolume<'a> {
        /// The image.
        reference: Text<'a> = "reference",
    }
}

borrowed! {
    /// Holds a hostPath volume.
    pub struct HostPath<'a> {
        /// The path.
        path: Text<'a> = "path",
    }
}

/// Sets a field that may occur once, and returns whether the value is not null.
fn once<T, E: Error>(field: &mut Option<T>, value: Option<T>, name: &'static str) -> Result<bool, E> {
    if field.is_some() {
        return Err(E::duplicate_field(name));
    }
    *field = value;
    Ok(field.is_some())
}

impl<'de: 'a, 'a> Deserialize<'de> for Volume<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct VolumeVisitor;

        impl<'de> Visitor<'de> for VolumeVisitor {
            type Value = Volume<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut volume = Volume::default();
                while let Some(key) = map.next_key::<Text<'de>>()? {
                    if &*key == "name" {
                        if !volume.name.is_empty() {
                            return Err(A::Error::duplicate_field("name"));
                        }
                        volume.name = map.next_value::<Option<_>>()?.unwrap_or_default();
                        continue;
                    }
                    let present = match &*key {
                        "hostPath" => once(&mut volume.host_path, map.next_value()?, "hostPath")?,
                        "image" => once(&mut volume.image, map.next_value()?, "image")?,
                        "csi" => once(&mut volume.csi, map.next_value()?, "csi")?,
                        "ephemeral" => once(&mut volume.ephemeral, map.next_value()?, "ephemeral")?,
                        _ => map.next_value::<Option<IgnoredAny>>()?.is_some(),
                    };
                    if present {
                        volume.types.push(key);
                    }
                }
                Ok(volume)
            }
        }

        deserializer.deserialize_map(VolumeVisitor)
    }
}
