//! Declares the fields that rules read of cert-manager's Certificates, in all versions.

use serde_json::value::RawValue;

use crate::json::{List, Text, borrowed};
use crate::objects::metadata::Metadata;

borrowed! {
    /// Holds a Certificate.
    pub struct Certificate<'a> {
        /// The object's metadata.
        metadata: Metadata<'a> = "metadata",
        /// The object's spec.
        spec: CertificateSpec<'a> = "spec",
    }
}

borrowed! {
    /// Holds the spec of a Certificate.
    pub struct CertificateSpec<'a> {
        /// The DNS names that the certificate is valid for.
        dns_names: List<Text<'a>> = "dnsNames",
        /// The common name of the subject, which old clients take for a host.
        common_name: Text<'a> = "commonName",
        /// The IP addresses that the certificate is valid for.
        ip_addresses: List<Text<'a>> = "ipAddresses",
        /// The URIs that the certificate is valid for.
        uris: List<Text<'a>> = "uris",
        /// The field's name before v1.
        uri_sans: List<Text<'a>> = "uriSANs",
        /// The email addresses that the certificate is valid for.
        email_addresses: List<Text<'a>> = "emailAddresses",
        /// The field's name before v1.
        email_sans: List<Text<'a>> = "emailSANs",
        /// Subject alternative names of other types.
        other_names: Option<&'a RawValue> = "otherNames",
        /// The whole subject as one string.
        literal_subject: Text<'a> = "literalSubject",
        /// The subject without its common name.
        subject: Subject<'a> = "subject",
        /// The organizations of the subject, in v1alpha2.
        organization: List<Text<'a>> = "organization",
        /// The issuer that signs the certificate.
        issuer_ref: IssuerRef<'a> = "issuerRef",
        /// True if the certificate may sign others.
        is_ca: bool = "isCA",
        /// The labels and annotations that cert-manager copies onto the Secret, not decoded.
        secret_template: Option<&'a RawValue> = "secretTemplate",
        /// The allowed usages of the key.
        usages: List<Text<'a>> = "usages",
    }
}

borrowed! {
    /// Holds the subject of a Certificate.
    pub struct Subject<'a> {
        /// The organizations; Kubernetes takes them for groups.
        organizations: List<Text<'a>> = "organizations",
    }
}

borrowed! {
    /// Refers to the issuer that signs a Certificate.
    pub struct IssuerRef<'a> {
        /// The name.
        name: Text<'a> = "name",
        /// The kind; empty means Issuer.
        kind: Text<'a> = "kind",
        /// The group; empty means cert-manager's own.
        group: Text<'a> = "group",
    }
}
