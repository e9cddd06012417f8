//! `foreign-routes`: no routes of other APIs.

use super::{Findings, Subject};

pub(super) fn check(_subject: &Subject<'_, '_>, _findings: &mut Findings<'_>) {}
