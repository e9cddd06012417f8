//! `controller-injection`: no value reaches into a shared controller's configuration, or stops it from being loaded.
//!
//! Controllers of Ingresses and routes write the values of all tenants into one configuration. Characters that end a
//! value begin a directive there (CVE-2021-25748), and a value that the proxy refuses keeps every later change, of
//! every tenant, from being loaded: since CVE-2025-1974 ingress-nginx no longer tests a configuration at admission.
//! So the rule accepts paths, expressions, values of headers and annotations only in a form that the proxy surely
//! accepts.
//!
//! Every path of an Ingress must be a regular expression that PCRE compiles, since ingress-nginx compiles all paths of
//! a host once one Ingress of that host has the annotation `use-regex` or `rewrite-target`. Expressions of routes must
//! be such that Envoy's RE2 compiles them. In both the rule accepts only a common part of the syntax, without named
//! groups, back references and conditions. A command of a proxy in the value of a header (`%ENVIRONMENT(TOKEN)%`,
//! `%[env(TOKEN)]`) would publish what the proxy knows.
//!
//! The rule also denies snippets of configuration, which no list of the tenant allows, Secrets of other tenants'
//! namespaces, which a controller would present or take into its configuration, and backends other than Services,
//! whose effect on the controller is not known here.
//!
//! The rule is apart from `ingress-hosts`, `route-hosts` and `ingress-annotations`, so that a mode or an Exemption for
//! these opens nothing here. It does not see what a controller does with objects that an annotation refers to.

mod openshift;
mod routes;

use crate::json::Escaped;
use crate::judging::grammar::{Engine, MAX_LENGTH, compiles};
use crate::judging::hosts::{PUNCTUATION, is_pattern};
use crate::judging::{Findings, Subject};
use crate::objects::ingress::{Ingress, IngressPath, IngressRule};
use crate::objects::object::Object;

/// Judges the fields of Ingresses and routes.
///
/// The modules of `ingress-annotations` and `route-hosts` judge values of annotations and references to certificates
/// for this rule.
pub(super) fn check(subject: &Subject<'_, '_>, findings: &mut Findings<'_>) {
    // A write to the status cannot change the spec.
    if subject.tenant().is_none() || &*subject.request.subresource == "status" {
        return;
    }
    match subject.object {
        Object::Ingress(ingress) => {
            secrets(ingress, findings);
            paths(ingress, findings);
        }
        Object::Route(route) => routes::check(&route.spec, findings),
        Object::OpenShiftRoute(route) => openshift::check(&route.spec, findings),
        Object::Pod(_)
        | Object::PodStatus(_)
        | Object::TemplateOwner(_)
        | Object::CronJob(_)
        | Object::PodTemplate(_)
        | Object::Service(_)
        | Object::Gateway(_)
        | Object::Binding(_)
        | Object::Endpoints(_)
        | Object::Certificate(_)
        | Object::Unstructured(_)
        | Object::Status(_)
        | Object::Unread
        | Object::Missing => {}
    }
}

/// Judges the names of Secrets, from which some controllers read another namespace.
fn secrets(ingress: &Ingress<'_>, findings: &mut Findings<'_>) {
    for (index, tls) in ingress.spec.tls.iter().enumerate().filter(|(_, tls)| tls.secret_name.contains('/')) {
        let field = format_args!("spec.tls[{index}].secretName");
        let message = "the Secret must be in the Ingress' own namespace; write only its name";
        findings.add_whole(&field, &message, &format_args!("secret={}", tls.secret_name));
    }
}

/// Judges paths and what is behind them.
fn paths(ingress: &Ingress<'_>, findings: &mut Findings<'_>) {
    for (rule, IngressRule { http, .. }) in ingress.spec.rules.iter().enumerate() {
        for (index, IngressPath { path, backend }) in http.paths.iter().enumerate() {
            let place = format_args!("spec.rules[{rule}].http.paths[{index}]");
            if backend.resource.is_some() {
                let message =
                    "the effect of this backend on the controller is not known here; name a Service";
                let field = format_args!("{place}.backend.resource");
                findings.add_whole(&field, &message, &format_args!("resource of {path}"));
            }
            let field = format_args!("{place}.path");
            let identity = format_args!("path={path}");
            // Kong compiles paths after `/~`, with an engine that accepts what RE2 does.
            let engine = if path.starts_with("/~") { Engine::Re2 } else { Engine::Pcre };
            if !is_pattern(path) || path.len() > MAX_LENGTH {
                let message = format_args!(
                    "`{}` has characters that could change a controller's configuration; write only letters, digits \
                     and `{PUNCTUATION}`, without `\\` at the end",
                    Escaped(path)
                );
                findings.add_whole(&field, &message, &identity);
            } else if !compiles(path, engine) {
                let message = format_args!(
                    "`{}` may be no regular expression to the controller, which could stop it from loading its \
                     configuration; close each group and class, write `\\` before literal signs, leave out named \
                     groups and back references, or ask the platform team for an Exemption from `controller-injection`",
                    Escaped(path)
                );
                findings.add_whole(&field, &message, &identity);
            }
        }
    }
}
