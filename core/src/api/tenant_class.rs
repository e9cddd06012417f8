use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};

use super::TenantSpec;

/// Fields that many tenants share: those of a Tenant, except for `class`, `namespaces` and `namespaceSelection`.
#[derive(Clone, Debug, Default, Deserialize, Serialize, PartialEq, Eq)]
#[cfg_attr(
    feature = "crd",
    derive(kube::CustomResource),
    kube(group = "partywall.dev", version = "v1alpha1", kind = "TenantClass", derive = "PartialEq")
)]
#[serde(transparent)]
pub struct TenantClassSpec(pub TenantSpec);

impl TenantClassSpec {
    /// The fields of a Tenant that a class doesn't have.
    pub const ABSENT: [&str; 3] = ["class", "namespaceSelection", "namespaces"];
}

impl JsonSchema for TenantClassSpec {
    fn schema_name() -> Cow<'static, str> {
        "TenantClassSpec".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = TenantSpec::json_schema(generator);
        if let Some(fields) = schema.get_mut("properties").and_then(|fields| fields.as_object_mut()) {
            fields.retain(|name, _| !Self::ABSENT.contains(&name.as_str()));
        }
        let description = "Fields that many tenants share: those of a Tenant, except for `class`, \
             `namespaces` and `namespaceSelection`. A Tenant names a class in `class`, and a field at the top of the \
             Tenant's spec replaces the class's as a whole. What holds for a Tenant is judged of the sum of both.";
        schema.insert("description".to_owned(), description.into());
        schema
    }
}
