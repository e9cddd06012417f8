//! The names by which a cluster knows the Services and pods of a namespace.

use crate::hosts::Host;
use crate::judging::Subject;

/// What such names end in, as every cluster has it. What else a cluster's own domain may be is not known here.
const SUFFIXES: [&str; 2] = [".svc", ".svc.cluster.local"];

/// Whether `host` names Services or pods of the tenant's own namespaces and nothing else: `<service>.<namespace>.svc`,
/// with or without the cluster's domain, what is below it, or `*.<namespace>.svc`.
pub(crate) fn is_own(host: &Host, subject: &Subject<'_, '_>) -> bool {
    let (name, is_wildcard) = parts(host);
    let mut inside = SUFFIXES.iter().filter_map(|suffix| name.strip_suffix(suffix));
    inside.any(|inside| is_inside_own(inside, is_wildcard, subject))
}

/// Whether `host` does so in the short form, `<service>.<namespace>`.
pub(crate) fn is_own_in_short(host: &Host, subject: &Subject<'_, '_>) -> bool {
    let (name, is_wildcard) = parts(host);
    is_inside_own(name, is_wildcard, subject)
}

fn parts(host: &Host) -> (&str, bool) {
    match host {
        Host::Name(name) => (name, false),
        Host::Wildcard(base) => (base, true),
    }
}

fn is_inside_own(inside: &str, is_wildcard: bool, subject: &Subject<'_, '_>) -> bool {
    match inside.rsplit_once('.') {
        Some((_, namespace)) => subject.owns(namespace),
        None => is_wildcard && subject.owns(inside),
    }
}
