//! `managed-objects`: what the platform manages.

use super::{Findings, Subject};

pub(super) fn check(_subject: &Subject<'_, '_>, _findings: &mut Findings<'_>) {}
