//! `route-hosts`: hosts of routes.

use super::{Findings, Subject};

pub(super) fn check(_subject: &Subject<'_, '_>, _findings: &mut Findings<'_>) {}
