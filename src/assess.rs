//! Assesses objects as the server would decide about them, counts the outcomes, and reports them.

mod assessor;
mod count;
mod diff;
mod fields;
mod github;
mod json;
mod junit;
mod live;
mod nulls;
mod paint;
mod report;
mod sarif;
mod text;
mod words;

pub(crate) use self::assessor::{Assessor, FailOn, User};
pub(crate) use self::paint::{BOLD, GREEN, Paint, RED, YELLOW};
pub(crate) use self::report::{Options, Output, Report};
pub(crate) use self::text::Show;
pub(crate) use self::words::printable;
