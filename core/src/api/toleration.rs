use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Effect;

/// A toleration that pods may have. It may not reach a pool that is not the tenant's.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TolerationGrant {
    /// The taint's key.
    pub key: String,
    /// How the value is compared. Absent: `Equal`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator: Option<Operator>,
    /// The taint's value, for the operator `Equal`. Absent: the empty value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// The taint's effect. Absent: any effect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effect: Option<Effect>,
}

/// How a toleration compares the taint's value.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
pub enum Operator {
    /// The toleration's value must be the taint's.
    Equal,
    /// The taint may have any value.
    Exists,
}
