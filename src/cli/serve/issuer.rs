//! Who issues the serving certificate in a cluster.

use std::path::PathBuf;

use clap::builder::NonEmptyStringValueParser;
use tracing::warn;

use crate::cluster::{ClockOffset, Issuer, Lifetimes};
use crate::server::Pair;

#[derive(Debug, clap::Args)]
pub(super) struct IssuerArgs {
    /// With --cluster and --tls-cert, the CAs of the certificate in PEM, as callers must trust them.
    ///
    /// partywall writes them into its webhook configurations, and serves a certificate of another CA only when they
    /// hold that. Absent: nothing is registered.
    #[arg(long, value_name = "FILE", requires_all = ["cluster", "tls_cert"], env = "PARTYWALL_TLS_CA")]
    tls_ca: Option<PathBuf>,

    /// With --cluster, a Secret with the certificate (`tls.crt`, `tls.key`, `ca.crt`), in the namespace of partywall,
    /// as cert-manager writes it. Absent, and without --tls-cert: partywall has CAs of its own.
    #[arg(
        long,
        value_name = "NAME",
        requires = "cluster",
        conflicts_with = "tls_cert",
        env = "PARTYWALL_CERTIFICATE_SECRET",
        value_parser = NonEmptyStringValueParser::new()
    )]
    certificate_secret: Option<String>,

    /// For tests: the seconds that a CA lives.
    #[arg(
        long,
        value_name = "SECONDS",
        requires = "cluster",
        hide = true,
        env = "PARTYWALL_CA_LIFETIME",
        value_parser = clap::value_parser!(i64).range(60..)
    )]
    ca_lifetime: Option<i64>,

    /// For tests: the seconds that a serving certificate lives.
    #[arg(
        long,
        value_name = "SECONDS",
        requires = "cluster",
        hide = true,
        env = "PARTYWALL_LEAF_LIFETIME",
        value_parser = clap::value_parser!(i64).range(10..)
    )]
    leaf_lifetime: Option<i64>,

    /// For tests: the seconds by which the clock of the certificates is ahead.
    #[arg(
        long,
        value_name = "SECONDS",
        requires = "cluster",
        hide = true,
        allow_negative_numbers = true,
        env = "PARTYWALL_CLOCK_OFFSET"
    )]
    clock_offset: Option<i64>,
}

impl IssuerArgs {
    /// Returns who issues the certificate of a replica in a cluster; `None` if it serves the files as they are.
    pub(super) fn issuer(&self, pair: Option<&Pair>) -> Option<Issuer> {
        match (pair, &self.tls_ca, &self.certificate_secret) {
            (Some(Pair { cert, key }), Some(ca), _) => {
                Some(Issuer::Files { cert: cert.clone(), key: key.clone(), ca: ca.clone() })
            }
            (Some(_), None, _) => {
                warn!(
                    "without --tls-ca it is unknown which CA callers must trust, so that nothing is registered"
                );
                None
            }
            (None, _, Some(name)) => Some(Issuer::Secret(name.clone())),
            (None, _, None) => Some(Issuer::Own),
        }
    }

    /// Returns how long certificates live.
    pub(super) fn lifetimes(&self) -> Lifetimes {
        let Lifetimes { ca, leaf } = Lifetimes::default();
        Lifetimes { ca: self.ca_lifetime.unwrap_or(ca), leaf: self.leaf_lifetime.unwrap_or(leaf) }
    }

    /// Returns the clock that certificates follow.
    pub(super) fn clock(&self) -> ClockOffset {
        ClockOffset(self.clock_offset.unwrap_or_default())
    }
}
