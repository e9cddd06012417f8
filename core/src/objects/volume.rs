//! Volumes, by the names of their types, so that a type nobody here has heard of is seen.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, Visitor};

use crate::json::{Text, record};

/// A volume of a pod.
#[derive(Debug, Default)]
pub struct Volume<'a> {
    /// Its name.
    pub name: Text<'a>,
    /// Its type: every other key that is not null. The API server lets only one through.
    pub types: Types<'a>,
    /// What it mounts of the node.
    pub host_path: Option<HostPath<'a>>,
    /// What it mounts of an image.
    pub image: Option<ImageVolume<'a>>,
}

/// The types of a volume. More than one is seen only where somebody tries what happens, so one needs no memory.
#[derive(Debug, Default)]
pub struct Types<'a> {
    first: Option<Text<'a>>,
    others: Vec<Text<'a>>,
}

impl<'a> Types<'a> {
    /// Every type.
    pub fn iter(&self) -> impl Iterator<Item = &Text<'a>> {
        self.first.iter().chain(&self.others)
    }

    fn push(&mut self, name: Text<'a>) {
        match &self.first {
            None => self.first = Some(name),
            Some(_) => self.others.push(name),
        }
    }
}

record! {
    /// The content of an image.
    pub struct ImageVolume<'a> {
        /// The image.
        reference: Text<'a> = "reference",
    }
}

record! {
    /// A path of the node.
    pub struct HostPath<'a> {
        /// The path.
        path: Text<'a> = "path",
    }
}

/// Takes the value of a field that may be there once; whether it is more than null.
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
