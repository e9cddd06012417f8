//! Judges the status of routes of other APIs, from which controllers publish addresses.

use crate::json::{Escaped, Pairs, Path, Visit, walk, without_position};
use crate::judging::trusted_users::is_outside_tenants;
use crate::judging::{Findings, Subject};
use crate::objects::foreign_apis;
use crate::objects::unstructured::ObjectStatus;
use crate::tenancy::Tenant;

/// Fields of a status that tell people about the object, and from which nothing is published.
const TELLING: [&str; 10] = [
    "ancestors",
    "conditions",
    "currentStatus",
    "description",
    "message",
    "parents",
    "phase",
    "reason",
    "state",
    "validationMessages",
];

pub(super) fn check(subject: &Subject<'_, '_>, object: &ObjectStatus<'_>, findings: &mut Findings<'_>) {
    let request = subject.request;
    let is_route = subject.snapshot.foreign_route(&request.group, &request.kind_name).is_some()
        || foreign_apis::is_denied(&request.group, &request.kind_name);
    if !is_route || is_outside_tenants(&request.user, subject.snapshot) {
        return;
    }
    let (Some(tenant), Some(raw)) = (subject.tenant(), object.get()) else { return };
    let path = Path::ROOT.key("status");
    let mut status = Status { tenant, findings };
    if let Err(error) = walk(&path, raw, &mut status) {
        let error = without_position(&error.to_string());
        let message = format_args!("this status cannot be read: {}; correct it", Escaped(&error));
        status.findings.add_whole(&path, &message, &raw.get());
    }
}

/// Judges the texts of a status.
struct Status<'c, 'f, 's> {
    tenant: &'s Tenant,
    findings: &'c mut Findings<'f>,
}

impl Status<'_, '_, '_> {
    fn report(&mut self, path: &Path<'_>, text: &str) {
        let message = format_args!(
            "`{}` may be an address that hosts are published as; only the cluster's controllers, and those that the \
             Settings list (`controllers.routes`), may set it",
            Escaped(text)
        );
        self.findings.add_whole(path, &message, &format_args!("status {text}"));
    }
}

impl Visit for Status<'_, '_, '_> {
    fn text(&mut self, path: &Path<'_>, text: &str) {
        // The last two steps, from the end of the path, are a field of the status and the status itself.
        let mut field = "";
        let mut steps = path.keys().peekable();
        while let Some(step) = steps.next() {
            if steps.peek().is_some() {
                field = step;
            }
        }
        if !text.is_empty() && !TELLING.contains(&field) && !self.tenant.services.external_ips.contain(text) {
            self.report(path, text);
        }
    }

    fn annotations(&mut self, path: &Path<'_>, annotations: &Pairs<'_>) {
        for (key, value) in annotations.iter() {
            self.text(&path.key(key), value);
        }
    }
}
