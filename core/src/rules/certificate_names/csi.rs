//! Judges the certificate that an inline volume of cert-manager's CSI driver requests.
//!
//! The attributes are those of <https://cert-manager.io/docs/usage/csi-driver/>. The driver puts the name, namespace
//! and ServiceAccount of the pod into some of them.

use std::borrow::Cow;
use std::fmt;

use super::usages::are_for_clients;
use super::{CSI_DRIVER, NameCheck};
use crate::json::{Escaped, Pairs};
use crate::judging::Subject;
use crate::objects::certificate::IssuerRef;
use crate::objects::pod::Extent;

/// Attributes that concern only the pod's own files and keys, or parts of the subject that name nobody.
const HARMLESS: [&str; 21] = [
    "ca-file",
    "certificate-file",
    "countries",
    "duration",
    "fs-group",
    "key-algorithm",
    "key-encoding",
    "key-size",
    "localities",
    "organizationalunits",
    "pkcs12-enable",
    "pkcs12-filename",
    "pkcs12-password",
    "postalcodes",
    "privatekey-file",
    "provinces",
    "renew-before",
    "reuse-private-key",
    "revision-history-limit",
    "serialnumber",
    "streetaddresses",
];

/// Stands for the name of a ServiceAccount in names of hosts.
///
/// Such a name may have dots, so the tenant must own every host at this place, at any depth.
const ANY_DEPTH: &str = "service.account";

/// Returns the name in a key of the driver's.
fn key_name(key: &str) -> Option<&str> {
    key.strip_prefix(CSI_DRIVER)?.strip_prefix('/')
}

impl<'s: 'c, 'c> NameCheck<'c, '_, 's, '_> {
    /// Judges the attributes of a volume, whose path is `path`.
    pub(super) fn volume(&mut self, path: &dyn fmt::Display, issuer: &IssuerRef<'_>, attributes: &Pairs<'_>) {
        self.issuer(&format_args!("{path}.volumeAttributes[{CSI_DRIVER}/issuer-name]"), issuer);
        let get = |name: &str| {
            attributes.iter().find(|(key, _)| key_name(key) == Some(name)).map_or("", |(_, value)| value)
        };
        self.is_for_clients = is_false(get("is-ca")) && are_for_clients(items(get("key-usages")));
        for (key, value) in attributes.iter() {
            let Some(name) = key_name(key) else { continue };
            let field = format_args!("{path}.volumeAttributes[{}]", Escaped(key));
            self.attribute(&field, name, value);
        }
    }

    fn attribute(&mut self, field: &dyn fmt::Display, name: &str, value: &str) {
        let subject = self.subject;
        let items = || items(value);
        match name {
            "issuer-name" | "issuer-kind" | "issuer-group" => {}
            "common-name" => self.common_name(field, &expand(value, subject)),
            "dns-names" => {
                items().for_each(|name| self.host(field, &"dnsNames", &expand(name, subject)));
            }
            "uri-sans" => items().for_each(|uri| self.uri(field, &expand(uri, subject))),
            "ip-sans" => items().for_each(|address| self.address(field, address)),
            "organizations" => items().for_each(|organization| self.organization(field, organization)),
            "key-usages" if !self.is_own_issuer => {
                items().for_each(|usage| self.usage(field, usage));
            }
            "key-usages" => {}
            "is-ca" if self.is_own_issuer || is_false(value) => {}
            "is-ca" => self.ca(field),
            _ if HARMLESS.contains(&name) => {}
            _ => {
                let message = "what this attribute requests cannot be checked; remove it, and use \
                               `csi.cert-manager.io/dns-names`";
                self.add(field, &message, &format_args!("attribute {name}"), value);
            }
        }
    }
}

/// Returns the items of a list.
fn items(value: &str) -> impl Iterator<Item = &str> {
    value.split(',').map(str::trim).filter(|item| !item.is_empty())
}

/// Returns whether the driver reads a value as false.
fn is_false(value: &str) -> bool {
    matches!(value, "" | "false" | "False" | "FALSE" | "f" | "F" | "0")
}

/// Returns a value with what the driver puts into it: `${POD_NAMESPACE}` or `$POD_NAMESPACE` and the like.
///
/// Variables that the driver does not know stay, and no name with a `$` is allowed: the driver fails on them.
fn expand<'v>(value: &'v str, subject: &Subject<'_, '_>) -> Cow<'v, str> {
    if !value.contains('$') {
        return Cow::Borrowed(value);
    }
    let is_template = subject.pod().is_none_or(|pod| pod.extent == Extent::Template);
    // The pods of a template get their names later, and are judged then.
    let name = if is_template || subject.request.name.is_empty() { "pod" } else { &*subject.request.name };
    let mut expanded = String::with_capacity(value.len());
    let mut rest = value;
    while let Some((before, after)) = rest.split_once('$') {
        expanded.push_str(before);
        let (variable, end) = match after.strip_prefix('{').and_then(|inner| inner.split_once('}')) {
            Some(braced) => braced,
            None => {
                let is_outside = |c: char| !(c.is_ascii_alphanumeric() || c == '_');
                after.split_at_checked(after.find(is_outside).unwrap_or(after.len())).unwrap_or((after, ""))
            }
        };
        match variable {
            "POD_NAME" => expanded.push_str(name),
            "POD_NAMESPACE" => expanded.push_str(&subject.request.namespace),
            "POD_UID" => expanded.push_str("uid"),
            "SERVICE_ACCOUNT_NAME" => expanded.push_str(ANY_DEPTH),
            _ => expanded.push('$'),
        }
        rest = end;
    }
    expanded.push_str(rest);
    Cow::Owned(expanded)
}
