//! What the rules read of cert-manager's Certificates.

use super::record::{List, Text, record};
use super::workload::Metadata;

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
    }
}
