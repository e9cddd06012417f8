//! `partywall manifests webhooks`: prints the mutating and the validating webhook configuration.
#![expect(clippy::disallowed_methods, reason = "a command reads files")]

use std::fs;
use std::io::{self, Write};
use std::num::NonZeroU16;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, anyhow, ensure};
use clap::builder::FalseyValueParser;
use partywall_core::labels::TENANT;
use partywall_core::registration::{FailsClosed, Registration, Server};
use partywall_core::tenancy::{Snapshot, is_dns_label};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde::Serialize;

use crate::cli::address::url;
use crate::cli::today::today;
use crate::policies;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    server: Where,

    /// The PEM of the CA that signed partywall's certificate (`ca.crt` of `partywall certs`).
    ///
    /// Without it `caBundle` is left out, for cert-manager's injector or a certificate of a trusted root.
    #[arg(long, value_name = "FILE", env = "PARTYWALL_CA_BUNDLE")]
    ca_bundle: Option<PathBuf>,

    /// Files or folders with the policies.
    ///
    /// The webhooks leave out the system namespaces of the Settings, and add the groups of foreign routes
    /// and the resources of workload kinds.
    ///
    /// The labels that tenants' namespaces need are printed to stderr.
    ///
    /// Without policies, the webhooks leave out the system namespaces of the built-in Settings.
    #[arg(long, value_name = "PATH", num_args = 1.., value_delimiter = ',', env = "PARTYWALL_POLICIES")]
    policies: Vec<PathBuf>,

    /// Let all requests go on that partywall does not answer, to introduce partywall to a cluster in use.
    ///
    /// Without it, those go on for which the policies say no `enforcement: Deny`.
    #[arg(long, env = "PARTYWALL_INTRODUCE", value_parser = FalseyValueParser::new())]
    introduce: bool,

    /// Send the objects of partywall.dev too, in a cluster that has their CustomResourceDefinitions.
    #[arg(long, env = "PARTYWALL_OWN_OBJECTS", value_parser = FalseyValueParser::new())]
    own_objects: bool,
}

/// The address at which the API server reaches partywall.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct Where {
    /// The address of partywall, such as https://10.0.0.7:8443.
    #[arg(long, value_name = "URL", env = "PARTYWALL_URL", value_parser = url)]
    url: Option<Server>,

    /// The Service of partywall, as NAMESPACE/NAME or NAMESPACE/NAME:PORT. Absent port: 443.
    #[arg(long, value_name = "SERVICE", env = "PARTYWALL_SERVICE", value_parser = service)]
    service: Option<Server>,
}

fn service(text: &str) -> Result<Server, &'static str> {
    const SHAPE: &str = "write NAMESPACE/NAME:PORT";
    let (namespace, rest) = text.split_once('/').ok_or(SHAPE)?;
    let (name, port) = rest.split_once(':').unwrap_or((rest, "443"));
    let port: NonZeroU16 = port.parse().map_err(|_| "the port is a number from 1 to 65535")?;
    if !is_dns_label(namespace) || !is_dns_label(name) {
        return Err("names have lower-case letters, digits and `-`; write NAMESPACE/NAME:PORT");
    }
    Ok(Server::Service { namespace: namespace.to_owned(), name: name.to_owned(), port })
}

pub(super) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let Args { server, ca_bundle, policies, introduce, own_objects } = args;
    let server = server.url.or(server.service).context("neither --url nor --service is given")?;
    let snapshot = load(&policies)?;
    let ca_bundle = ca_bundle.as_deref().map(read_ca_bundle).transpose()?;
    let of_snapshot = Registration::of(&snapshot, server, ca_bundle);
    let fails_closed = if introduce { FailsClosed::NONE } else { of_snapshot.fails_closed };
    let registration = Registration { fails_closed, own_objects, ..of_snapshot };
    let text = yaml(&registration).context("the configurations cannot be written as YAML")?;
    note_labels(&snapshot);
    io::stdout().lock().write_all(text.as_bytes()).context("cannot write to stdout")?;
    Ok(ExitCode::SUCCESS)
}

/// Loads the policies and prints their warnings; without policies, the built-in Settings alone.
#[expect(clippy::print_stderr, reason = "notes of a command go to stderr")]
fn load(policies: &[PathBuf]) -> anyhow::Result<Snapshot> {
    let today = today();
    if policies.is_empty() {
        let built_in = Snapshot::compile(Vec::new(), today);
        return built_in
            .map(|compiled| compiled.snapshot)
            .map_err(|mistakes| anyhow!("the built-in Settings have mistakes: {mistakes:?}"));
    }
    let loaded = policies::load(policies, today);
    let loaded = loaded.map_err(|error| anyhow!("the policies cannot be used:\n{error}"))?;
    for warning in policies::grouped(&loaded.warnings) {
        eprintln!("warning: {warning}");
    }
    Ok(loaded.snapshot)
}

/// Prints the labels of namespaces that the webhooks need, which no policy sets.
#[expect(clippy::print_stderr, reason = "notes of a command go to stderr")]
fn note_labels(snapshot: &Snapshot) {
    let tenants = snapshot.tenants_namespaces();
    if !tenants.is_empty() {
        eprintln!("note: of tenants' namespaces the API server asks only where they carry the label:");
    }
    for (tenant, namespaces) in tenants {
        eprintln!("  kubectl label namespace {} {TENANT}={tenant}", namespaces.join(" "));
    }
}

/// Checks the bundle: the first request would fail if the API server cannot read it.
fn read_ca_bundle(path: &Path) -> anyhow::Result<Vec<u8>> {
    let bytes = fs::read(path).with_context(|| format!("cannot read --ca-bundle {}", path.display()))?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    let certificates =
        certificates.map_err(|error| anyhow!("--ca-bundle {} is no PEM: {error}", path.display()))?;
    // Counted in the text, since the parser ignores sections that it doesn't know, such as encrypted keys.
    let sections = String::from_utf8_lossy(&bytes).matches("-----BEGIN ").count();
    ensure!(
        sections == certificates.len(),
        "--ca-bundle {} holds something else than certificates, perhaps a key; give it the CA's certificate \
         alone, since everybody can read a webhook configuration",
        path.display()
    );
    ensure!(!certificates.is_empty(), "--ca-bundle {} holds no certificate", path.display());
    for certificate in certificates {
        rustls::RootCertStore::empty()
            .add(certificate)
            .with_context(|| format!("--ca-bundle {} holds a certificate that is none", path.display()))?;
    }
    Ok(bytes)
}

fn yaml(registration: &Registration) -> anyhow::Result<String> {
    let mut text = String::new();
    document(&mut text, &registration.mutating())?;
    document(&mut text, &registration.validating())?;
    Ok(text)
}

fn document(text: &mut String, object: &impl Serialize) -> anyhow::Result<()> {
    text.push_str("---\n");
    // The bundle on one line, as kubectl shows it.
    let options = serde_saphyr::ser_options! { prefer_block_scalars: false };
    serde_saphyr::to_fmt_writer_with_options(text, object, options)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_namespace_name_and_port() {
        let service_of = |port| Server::Service {
            namespace: "partywall-system".to_owned(),
            name: "partywall".to_owned(),
            port: NonZeroU16::new(port).unwrap(),
        };
        assert_eq!(service("partywall-system/partywall:8443"), Ok(service_of(8443)));
        assert_eq!(service("partywall-system/partywall"), Ok(service_of(443)));
        for text in
            ["", "partywall", "/partywall", "a/", "a/b:", "a/b:0", "a/b:65536", "a/b:x", "A/b", "a/b/c"]
        {
            assert!(service(text).is_err(), "{text}");
        }
    }
}
