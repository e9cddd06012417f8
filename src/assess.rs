//! Assesses objects as the server would decide about them, counts the outcomes, and reports them.

mod assessor;
mod count;
mod report;

pub(crate) use self::assessor::Assessor;
pub(crate) use self::report::{Output, Report};
