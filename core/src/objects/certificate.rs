//! What the rules read of cert-manager's Certificates, under the names of all versions.

use serde_json::value::RawValue;

use crate::json::{List, Text, record};
use crate::objects::metadata::Metadata;

record! {
    /// A Certificate.
    pub struct Certificate<'a> {
        /// The object's metadata.
        metadata: Metadata<'a> = "metadata",
        /// The object's spec.
        spec: CertificateSpec<'a> = "spec",
    }
}

record! {
    /// The spec of a Certificate.
    pub struct CertificateSpec<'a> {
        /// The hosts it is for.
        dns_names: List<Text<'a>> = "dnsNames",
        /// Who it is for; old clients take it for a host.
        common_name: Text<'a> = "commonName",
        /// The addresses it is for.
        ip_addresses: List<Text<'a>> = "ipAddresses",
        /// The URIs it is for.
        uris: List<Text<'a>> = "uris",
        /// The same before v1.
        uri_sans: List<Text<'a>> = "uriSANs",
        /// The email addresses it is for.
        email_addresses: List<Text<'a>> = "emailAddresses",
        /// The same before v1.
        email_sans: List<Text<'a>> = "emailSANs",
        /// Names of any other kind.
        other_names: Option<&'a RawValue> = "otherNames",
        /// The whole subject as one string.
        literal_subject: Text<'a> = "literalSubject",
        /// The subject beside its common name.
        subject: Subject<'a> = "subject",
        /// The organizations of the subject, in v1alpha2.
        organization: List<Text<'a>> = "organization",
        /// Who signs it.
        issuer_ref: IssuerRef<'a> = "issuerRef",
        /// Whether it may sign others.
        is_ca: bool = "isCA",
        /// What it may be used for.
        usages: List<Text<'a>> = "usages",
    }
}

record! {
    /// The subject of a Certificate.
    pub struct Subject<'a> {
        /// Kubernetes takes them for groups.
        organizations: List<Text<'a>> = "organizations",
    }
}

record! {
    /// Who signs a Certificate.
    pub struct IssuerRef<'a> {
        /// The name.
        name: Text<'a> = "name",
        /// The kind; empty: Issuer.
        kind: Text<'a> = "kind",
        /// The group; empty: cert-manager's own.
        group: Text<'a> = "group",
    }
}
