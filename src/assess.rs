//! Assesses objects as the server would decide about them, counts the outcomes, and reports them.

mod assessor;
mod count;
mod github;
mod json;
mod junit;
mod report;
mod sarif;
mod text;
mod words;

pub(crate) use self::assessor::Assessor;
pub(crate) use self::report::{Options, Output, Report};
