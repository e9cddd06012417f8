//! Judges annotations that controllers and networks read: tables of keys, and the values that each may have.

mod actions;
mod everyday;
mod problem;
mod table;
mod values;
mod words;

pub(crate) use self::everyday::EVERYDAY;
pub(crate) use self::problem::Problem;
pub(crate) use self::table::{AllowedValue, Controller, Index, domains};
pub(crate) use self::values::AnnotationCheck;
pub(crate) use self::words::speaks_of_shared_things;
