//! Recognizes the DNS names that a cluster gives to Services and pods.

use crate::hosts::Host;
use crate::judging::{OwnNamespaces, Subject};

/// The endings of such names in every cluster. Other cluster domains are not known here.
const SUFFIXES: [&str; 2] = [".svc", ".svc.cluster.local"];

/// Returns whether `host` can only name Services or pods of the tenant's own namespaces.
///
/// Accepts `<service>.<namespace>.svc`, names below it, and `*.<namespace>.svc`, each with or without `.cluster.local`.
pub(crate) fn is_own(host: &Host, subject: &Subject<'_, '_>) -> bool {
    let (name, is_wildcard) = parts(host);
    let mut inside = SUFFIXES.iter().filter_map(|suffix| name.strip_suffix(suffix));
    inside.any(|inside| is_inside_own(inside, is_wildcard, subject))
}

/// Returns whether `host` names them in the short form, `<service>.<namespace>`.
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
    let own = OwnNamespaces::of(subject);
    match inside.rsplit_once('.') {
        Some((_, namespace)) => own.has(namespace),
        None => is_wildcard && own.has(inside),
    }
}
