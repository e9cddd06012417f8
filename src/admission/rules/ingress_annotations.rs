//! `ingress-annotations`: annotations of controllers are known to do no harm.

use super::{Findings, Subject};

pub(super) fn check(_subject: &Subject<'_, '_>, _findings: &mut Findings<'_>) {}
