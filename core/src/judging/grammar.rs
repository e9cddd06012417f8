//! Recognizes values that a controller's configuration survives.
//!
//! A shared controller writes values of all tenants into one configuration. Since ingress-nginx no longer tests the
//! configuration at admission (CVE-2025-1974), one value that the proxy refuses keeps every later change from being
//! loaded. So a value must have a form that the proxy surely accepts.

mod ciphers;
mod regex;
mod values;
mod variables;

pub(crate) use self::ciphers::are_ciphers;
pub(crate) use self::regex::{Engine, compiles};
pub(crate) use self::values::{
    MAX_LENGTH, are_codes, are_headers, are_origins, is_duration, is_haproxy_value, is_header,
    is_header_value, is_number, number, size,
};
pub(crate) use self::variables::{are_variables_known, is_rewrite};
