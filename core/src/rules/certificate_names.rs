//! `certificate-names`: a tenant's certificates contain only the tenant's names.
//!
//! The holder of a certificate for a name can pose as that name to every client that trusts the issuer. A tenant's
//! names are its domains, and the cluster's DNS names of the Services in its namespaces. An Issuer in the tenant's own
//! namespaces is trusted only by clients that the tenant configures. So a certificate from it may also contain short
//! names such as `web`, and may be that of a CA. Other issuers have more clients, to which `web` may be another
//! tenant's Service. The platform's signing key belongs in a ClusterIssuer: the tenant controls every Issuer in its
//! namespaces.
//!
//! A certificate for clients only names a user, who may have any name. Where `tls.userNames` of the Tenant is true, the
//! common name of such a certificate may be one that is no host, whatever its issuer.
//!
//! The rule reads Certificates, and the attributes of inline volumes of cert-manager's CSI driver, which stand for one.
//! cert-manager derives CertificateRequests, Orders and Challenges from them, and these contain the request in an
//! encoded form that the rule does not read. So only controllers may write them, and the status of Orders.
//!
//! The rule does not see:
//!
//! - names that an issuer signs without a request for them;
//! - the `userAnnotations` of a `podCertificate` in a pod's projected volume, whose meaning only its signer knows (run
//!   signers that refuse keys that they do not know, and take names from the pod's own identity alone);
//! - the servers that an Issuer makes cert-manager connect to, and the credentials that it uses there (Issuers that may
//!   use cert-manager's own credentials can do all that these permit);
//! - names under a cluster domain other than `cluster.local`.

mod csi;
mod uri;
mod usages;

use std::fmt;
use std::net::IpAddr;

use self::uri::Uri;
use self::usages::{CLIENT, are_for_clients, is_signing};
use crate::hosts::Host;
use crate::json::{Escaped, List, Pairs, Text};
use crate::judging::hosts::{HostClaims, service_names};
use crate::judging::trusted_users::is_of_cluster;
use crate::judging::{Findings, Fingerprint, OneOf, OwnNamespaces, Subject};
use crate::objects::certificate::{Certificate, IssuerRef};
use crate::objects::kinds::{Topic, row};
use crate::objects::object::Object;
use crate::objects::unstructured::{ObjectStatus, Unstructured};
use crate::tenancy::{ListedNames, Tenant};

/// The API group of cert-manager.
const GROUP: &str = "cert-manager.io";
/// The API group of its orders.
const ACME: &str = "acme.cert-manager.io";

/// The CSI driver of cert-manager, whose inline volumes stand for Certificates.
const CSI_DRIVER: &str = "csi.cert-manager.io";

/// The prefix of the names of Kubernetes' own users and groups.
const SYSTEM: &str = "system:";

pub(super) fn check(subject: &Subject<'_, '_>, findings: &mut Findings<'_>) {
    let Some(tenant) = subject.tenant() else { return };
    if let Some(pod) = subject.pod() {
        for (index, volume) in pod.spec.volumes.iter().enumerate() {
            if let Some(csi) = volume.csi.as_ref().filter(|csi| &*csi.driver == CSI_DRIVER) {
                let path = format_args!("{}.volumes[{index}].csi", pod.spec_path);
                let issuer = issuer_of_volume(&csi.volume_attributes);
                NameCheck::of(&issuer, subject, tenant, findings).volume(
                    &path,
                    &issuer,
                    &csi.volume_attributes,
                );
            }
        }
    } else if let Object::Certificate(certificate) = subject.object {
        NameCheck::of(&certificate.spec.issuer_ref, subject, tenant, findings).check(certificate);
    } else if let Object::Unstructured(object) = subject.object
        && row(&subject.request.group, &subject.request.kind_name)
            .is_some_and(|row| row.topic == Topic::Certificates)
    {
        request(subject, object, findings);
    } else if let Object::Status(object) = subject.object
        && &*subject.request.kind_name == "Order"
        && &*subject.request.group == ACME
    {
        order(subject, object, findings);
    }
}

/// Returns the issuer that the attributes of an inline volume name.
fn issuer_of_volume<'p>(attributes: &'p Pairs<'_>) -> IssuerRef<'p> {
    let get = |name: &str| {
        let is_it = |key: &str| {
            key.strip_prefix(CSI_DRIVER).and_then(|key| key.strip_prefix('/')).is_some_and(|key| key == name)
        };
        attributes.iter().find(|(key, _)| is_it(key)).map_or("", |(_, value)| value).into()
    };
    IssuerRef { name: get("issuer-name"), kind: get("issuer-kind"), group: get("issuer-group") }
}

fn request(subject: &Subject<'_, '_>, object: &Unstructured<'_>, findings: &mut Findings<'_>) {
    let user = &*subject.request.user.username;
    if subject.snapshot.controllers.certificates.contains(user) {
        return;
    }
    let kind = &*subject.request.kind_name;
    let message = fmt::from_fn(|f| {
        write!(
            f,
            "only controllers may write objects of kind {kind}, because the names in them cannot be checked; write a \
             Certificate, or, if `{}` is a controller of the platform, such as a CSI driver, ask the platform team to \
             list it in the Settings (`controllers.certificates`)",
            Escaped(user)
        )
    });
    findings.add_whole(&"spec", &message, &format_args!("{kind}{}", object.identity()));
}

/// Judges the status of an Order, from whose names cert-manager makes Challenges.
fn order(subject: &Subject<'_, '_>, object: &ObjectStatus<'_>, findings: &mut Findings<'_>) {
    let user = &subject.request.user;
    if subject.snapshot.controllers.certificates.contains(&user.username)
        || is_of_cluster(user, subject.snapshot)
    {
        return;
    }
    let Some(raw) = object.get() else { return };
    let message = format_args!(
        "only controllers may write the names that an Order proves; write a Certificate, or, if `{}` is cert-manager, \
         ask the platform team to list it in the Settings (`controllers.certificates`)",
        Escaped(&user.username)
    );
    findings.add_whole(&"status", &message, &raw.get());
}

/// Judges the names that a Certificate requests.
struct NameCheck<'c, 'f, 's, 'a> {
    subject: &'s Subject<'s, 'a>,
    tenant: &'s Tenant,
    claims: HostClaims<'c, 'f>,
    /// True if the issuer is an Issuer in the Certificate's own namespace.
    is_own_issuer: bool,
    /// True if the certificate is for clients only.
    is_for_clients: bool,
    /// The issuer, which is part of every identity: with another issuer a name is a new claim.
    issuer: Fingerprint,
}

impl<'c, 'f, 's: 'c, 'a> NameCheck<'c, 'f, 's, 'a> {
    fn of(
        issuer: &IssuerRef<'_>,
        subject: &'s Subject<'s, 'a>,
        tenant: &'s Tenant,
        findings: &'c mut Findings<'f>,
    ) -> Self {
        let IssuerRef { name, kind, group } = issuer;
        Self {
            subject,
            tenant,
            claims: HostClaims::on(&tenant.domains, findings),
            is_for_clients: false,
            is_own_issuer: matches!(&**kind, "" | "Issuer") && matches!(&**group, "" | GROUP),
            issuer: Fingerprint::of(&format_args!("{group}/{kind}/{name}")),
        }
    }

    fn check(&mut self, certificate: &Certificate<'_>) {
        let spec = &certificate.spec;
        self.is_for_clients = !spec.is_ca && are_for_clients(spec.usages.iter().map(|usage| &**usage));
        self.issuer(&"spec.issuerRef", &spec.issuer_ref);
        self.common_name(&"spec.commonName", &spec.common_name);
        for (index, name) in spec.dns_names.iter().enumerate() {
            self.host(&format_args!("spec.dnsNames[{index}]"), &"dnsNames", name);
        }
        for (index, address) in spec.ip_addresses.iter().enumerate() {
            self.address(&format_args!("spec.ipAddresses[{index}]"), address);
        }
        for (list, uris) in [("uris", &spec.uris), ("uriSANs", &spec.uri_sans)] {
            for (index, uri) in uris.iter().enumerate() {
                self.uri(&format_args!("spec.{list}[{index}]"), uri);
            }
        }
        for (list, addresses) in [("emailAddresses", &spec.email_addresses), ("emailSANs", &spec.email_sans)]
        {
            for (index, address) in addresses.iter().enumerate() {
                self.email(&format_args!("spec.{list}[{index}]"), address);
            }
        }
        if !spec.literal_subject.is_empty() {
            let message = "the names in a literal subject cannot be checked; remove `literalSubject`, and use \
                           `commonName` and `dnsNames`";
            self.add(&"spec.literalSubject", &message, &"literalSubject", &spec.literal_subject);
        }
        if let Some(names) = spec.other_names.filter(|names| names.get().trim() != "[]") {
            let message = "`otherNames` are names of users, so they cannot be checked against the tenant's domains; \
                           remove `otherNames`, and use `dnsNames`";
            self.add(&"spec.otherNames", &message, &"otherNames", names.get());
        }
        self.organizations("subject.organizations", &spec.subject.organizations);
        self.organizations("organization", &spec.organization);
        if !self.is_own_issuer {
            self.signing(spec.is_ca, &spec.usages);
        }
    }

    /// Reports a finding whose identity is a named value and the issuer.
    fn add(
        &mut self,
        field: &dyn fmt::Display,
        message: &dyn fmt::Display,
        name: &dyn fmt::Display,
        value: &str,
    ) {
        let identity = format_args!("{name} by {}={value}", self.issuer);
        self.claims.findings.add_whole(field, message, &identity);
    }

    fn issuer(&mut self, field: &dyn fmt::Display, issuer: &IssuerRef<'_>) {
        let Some(listed) = self.tenant.certificate_issuers.as_ref().filter(|_| !self.is_own_issuer) else {
            return;
        };
        let IssuerRef { name, kind, group } = issuer;
        if !listed.iter().any(|listed| is_issuer(listed, issuer)) {
            let message = fmt::from_fn(|f| {
                write!(f, "issuer `{}` ", Escaped(name))?;
                if !is_cluster_issuer(issuer) {
                    write!(f, "of kind `{}` and group `{}` ", Escaped(kind), Escaped(group))?;
                }
                f.write_str("is not in the tenant's `certificateIssuers`; use ")?;
                match &**listed {
                    [] => f.write_str("an Issuer in this namespace")?,
                    listed => write!(f, "{}, an Issuer in this namespace", OneOf(listed))?,
                }
                f.write_str(", or ask the platform team to list it there")
            });
            self.add(field, &message, &"issuer", "");
        }
    }

    fn common_name(&mut self, field: &dyn fmt::Display, name: &str) {
        let users = &self.subject.snapshot.platform.users;
        if is_of_kubernetes(name, users) {
            let message = fmt::from_fn(|f| {
                write!(f, "Kubernetes may take `{}` for a privileged user; use another name", Escaped(name))
            });
            self.add(field, &message, &"commonName", name);
            return;
        }
        let is_user = is_no_host(name);
        match (self.is_for_clients, self.tenant.user_names) {
            _ if name.is_empty() || is_user && self.is_own_issuer => {}
            (true, true) if is_user || self.is_own_address(name) => {}
            (true, false) if is_user => {
                let message = format_args!(
                    "`{}` is no host, and clients of this issuer may take it for another user; use a host in the \
                     tenant's domains, or an Issuer in this namespace, or ask the platform team to set the tenant's \
                     `tls.userNames` to true",
                    Escaped(name)
                );
                self.add(field, &message, &"commonName", name);
            }
            (false, true) if is_user => {
                let message = format_args!(
                    "`{}` is no host, and the certificate is not for clients only; write `usages: [{CLIENT}]`, or use \
                     a host in the tenant's domains",
                    Escaped(name)
                );
                self.add(field, &message, &"commonName", name);
            }
            _ => self.host(field, &"commonName", name),
        }
    }

    /// Returns whether a name is that of a user at a host of the tenant's, such as `alice@app.example.com`.
    fn is_own_address(&self, name: &str) -> bool {
        let Some((user, host)) = name.split_once('@') else { return false };
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '+');
        !user.is_empty()
            && user.chars().all(is_plain)
            && Host::parse(host)
                .is_ok_and(|host| matches!(host, Host::Name(_)) && self.tenant.domains.owns(&host))
    }

    /// Judges a name that clients take for a host.
    fn host(&mut self, field: &dyn fmt::Display, source: &dyn fmt::Display, name: &str) {
        let is_own = Host::parse(name).is_ok_and(|host| {
            service_names::is_own(&host, self.subject)
                || self.is_own_issuer
                    && (service_names::is_own_in_short(&host, self.subject) || is_short(&host))
        });
        if !is_own {
            self.claims.host(field, &format_args!("{source} by {}", self.issuer), name);
        }
    }

    fn address(&mut self, field: &dyn fmt::Display, address: &str) {
        if address.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback()) {
            return;
        }
        let message = fmt::from_fn(|f| {
            write!(
                f,
                "address `{}` can be another tenant's later; remove it, and use `dnsNames`",
                Escaped(address)
            )
        });
        self.add(field, &message, &"ipAddresses", address);
    }

    fn uri(&mut self, field: &dyn fmt::Display, text: &str) {
        let uri = Uri::parse(text);
        if uri
            .as_ref()
            .and_then(Uri::workload_namespace)
            .is_some_and(|namespace| OwnNamespaces::of(self.subject).has(namespace))
        {
            return;
        }
        let is_own = |host| Host::parse(host).is_ok_and(|host| self.tenant.domains.owns(&host));
        match uri {
            // The rest of the URI is part of the claim, because clients that trust the certificate compare it too.
            Some(uri) if !uri.is_of_workload() || is_own(uri.host) => {
                self.host(field, &format_args!("uri {text}"), uri.host);
            }
            _ => {
                let message = fmt::from_fn(|f| {
                    write!(
                        f,
                        "`{}` names neither a host nor a workload of the tenant; write `scheme://host/path` with a \
                         host in its domains, or `spiffe://<trust domain>/ns/<its namespace>/sa/<name>`",
                        Escaped(text)
                    )
                });
                self.add(field, &message, &"uris", text);
            }
        }
    }

    fn email(&mut self, field: &dyn fmt::Display, address: &str) {
        match address.split_once('@') {
            Some((_, host)) => {
                self.claims.host(field, &format_args!("email {address} by {}", self.issuer), host);
            }
            None => {
                let message = fmt::from_fn(|f| {
                    write!(
                        f,
                        "`{}` is not an email address; write `name@host`, or remove it",
                        Escaped(address)
                    )
                });
                self.add(field, &message, &"emailAddresses", address);
            }
        }
    }

    fn organizations(&mut self, list: &str, organizations: &List<Text<'_>>) {
        for (index, organization) in organizations.iter().enumerate() {
            self.organization(&format_args!("spec.{list}[{index}]"), organization);
        }
    }

    fn organization(&mut self, field: &dyn fmt::Display, organization: &str) {
        if is_of_kubernetes(organization, &self.subject.snapshot.platform.groups) {
            let message = fmt::from_fn(|f| {
                write!(
                    f,
                    "Kubernetes may take `{}` for a privileged group; use another name",
                    Escaped(organization)
                )
            });
            self.add(field, &message, &"organization", organization);
        }
    }

    /// Judges CAs and signing usages, for an issuer that others trust as well.
    fn signing(&mut self, is_ca: bool, usages: &List<Text<'_>>) {
        if is_ca {
            self.ca(&"spec.isCA");
        }
        for (index, usage) in usages.iter().enumerate() {
            self.usage(&format_args!("spec.usages[{index}]"), usage);
        }
    }

    fn ca(&mut self, field: &dyn fmt::Display) {
        self.add(field, &format_args!("a CA {SIGNS}"), &"isCA", "");
    }

    fn usage(&mut self, field: &dyn fmt::Display, usage: &str) {
        if is_signing(usage) {
            let message = format_args!("a certificate for `{usage}` {SIGNS}");
            self.add(field, &message, &"usages", usage);
        }
    }
}

/// Explains what is wrong with a certificate that signs others.
const SIGNS: &str =
    "can sign any name for all clients of this issuer; remove it, or use an Issuer in this namespace";

/// Returns whether the reference is to a ClusterIssuer of cert-manager.
fn is_cluster_issuer(issuer: &IssuerRef<'_>) -> bool {
    &*issuer.kind == "ClusterIssuer" && matches!(&*issuer.group, "" | GROUP)
}

/// Returns whether an entry of the tenant's list is this issuer: `name` is a ClusterIssuer of cert-manager, and
/// `Kind.group/name` an issuer of another kind.
fn is_issuer(listed: &str, issuer: &IssuerRef<'_>) -> bool {
    match listed.split_once('/') {
        Some((kind, name)) => {
            *name == *issuer.name && kind.split_once('.') == Some((&*issuer.kind, &*issuer.group))
        }
        None => *listed == *issuer.name && is_cluster_issuer(issuer),
    }
}

/// Returns whether a Kubernetes that trusts the issuer could take `name` for a privileged one.
///
/// Those begin with `system:`, or are in `platform`, the users or groups of the platform team.
fn is_of_kubernetes(name: &str, platform: &ListedNames) -> bool {
    name.trim_start().starts_with(SYSTEM) || platform.contains(name)
}

/// Returns whether the host is a single label: a Service in its own namespace, or `localhost`.
fn is_short(host: &Host) -> bool {
    matches!(host, Host::Name(name) if !name.contains('.'))
}

/// Returns whether no client takes the common name for a host, as with `My CA`.
fn is_no_host(name: &str) -> bool {
    // Clients that read names in Unicode take these full stops for `.`.
    let is_special =
        |c: char| matches!(c, '*' | ':' | '@' | '/' | '=' | '\u{3002}' | '\u{ff0e}' | '\u{ff61}');
    let has_space = name.trim_matches(|c: char| !c.is_alphanumeric()).contains(' ');
    !name.contains(is_special) && (has_space || !name.contains('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g25_a_common_name_is_no_host_if_nobody_can_take_it_for_one() {
        for name in ["ca", "tenants-x-ca", "My CA", "My CA v1.2", "Pr\u{fc}f-CA", "My CA, Inc."] {
            assert!(is_no_host(name), "{name}");
        }
        for name in [
            "app.y.example.com",
            "app.y.example.com ",
            " app.y.example.com",
            "app.y.example.com. ",
            "*",
            "* x",
            "app\u{3002}y\u{3002}example",
            "a@b",
            "CN=a b",
            "kubeadm:cluster-admins",
        ] {
            assert!(!is_no_host(name), "{name}");
        }
    }

    #[test]
    fn g25_names_of_the_cluster_s_own_are_known() {
        let platform = ListedNames::from_iter(["platform-team"]);
        for name in ["system:masters", " system:node:a", "platform-team"] {
            assert!(is_of_kubernetes(name, &platform), "{name}");
        }
        for name in ["", "Example Inc.", "systems"] {
            assert!(!is_of_kubernetes(name, &platform), "{name}");
        }
    }
}
