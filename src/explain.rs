//! Explains what holds in a namespace, for a tenant or in the cluster: each value with the object that it comes from.
//!
//! Modes, pools and lists of trusted users are those of the compiled snapshot. Values are as their objects have them,
//! and what is absent is in the words of the reference.

mod fields;
mod model;
mod rules;
mod sheet;
mod text;

pub(crate) use self::sheet::{Subject, explain};
