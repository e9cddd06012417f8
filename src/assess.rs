//! Assessment of objects outside of a cluster: verdicts, their count and their report.

mod assessor;
mod count;
mod report;

pub(crate) use self::assessor::Judge;
pub(crate) use self::report::{Output, Report};
