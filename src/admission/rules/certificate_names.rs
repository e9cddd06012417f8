//! `certificate-names`: certificates are for names of their tenant's.

use super::{Findings, Subject};

pub(super) fn check(_subject: &Subject<'_, '_>, _findings: &mut Findings<'_>) {}
