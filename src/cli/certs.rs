//! `partywall certs`: writes a CA and a serving certificate that it signed.
//!
//! It is for tests, and for clusters without a certificate manager.
//!
//! INVARIANT: private keys are readable by their owner only, from the moment they exist; nothing is overwritten without
//! `--force`; and the set of files is complete or absent, since it is written beside its destination and then renamed.
#![expect(clippy::disallowed_methods, reason = "a command writes files and reads the clock")]

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{self, ExitCode};
use std::time::{Duration, SystemTime};

use anyhow::{Context, ensure};
use clap::builder::FalseyValueParser;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256,
};
use rustls::pki_types::DnsName;
use thiserror::Error;

/// The folder to write to, and the names in the certificate.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The folder for ca.crt, ca.key, tls.crt and tls.key; it is made if there is none.
    dir: PathBuf,
    /// A DNS name of the server, such as `partywall.partywall-system.svc`.
    ///
    /// Repeat it or separate names by commas. Without --dns and --ip: localhost and its addresses.
    #[arg(long, env = "PARTYWALL_DNS", value_name = "NAME", value_delimiter = ',', value_parser = dns_name)]
    dns: Vec<String>,
    /// An address of the server; repeat it or separate by commas.
    #[arg(long, env = "PARTYWALL_IP", value_name = "ADDR", value_delimiter = ',')]
    ip: Vec<IpAddr>,
    /// Days that the server's certificate is valid; the CA ten times as long, at most ten years.
    #[arg(
        long,
        env = "PARTYWALL_DAYS",
        value_name = "DAYS",
        default_value_t = 365,
        value_parser = clap::value_parser!(u32).range(1..=i64::from(CA_DAYS_MAX))
    )]
    days: u32,
    /// Replace files that are there already.
    #[arg(long, env = "PARTYWALL_FORCE", value_parser = FalseyValueParser::new())]
    force: bool,
}

/// How long a CA may live at most.
const CA_DAYS_MAX: u32 = 3650;

/// How long before now certificates are valid, for clients whose clock is behind.
const SKEW: Duration = Duration::from_secs(60 * 60);

/// The permissions of files.
const PUBLIC: u32 = 0o644;
const PRIVATE: u32 = 0o600;

/// Runs the command.
pub(super) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let Args { dir, dns, ip, days, force } = args;
    let names = Names::of(dns, &ip);
    let now = SystemTime::now();
    let ca_days = days.saturating_mul(10).min(CA_DAYS_MAX);
    let set = issue(&names, now, (days, ca_days)).context("cannot make the certificates")?;
    write_set(&dir, &set, force)?;
    report(&mut io::stdout().lock(), &dir, &set).context("cannot write to stdout")?;
    Ok(ExitCode::SUCCESS)
}

/// Reports a value of `--dns` that is no DNS name.
#[derive(Debug, Error)]
#[error("no DNS name (an address goes to --ip)")]
struct NoDnsName;

fn dns_name(name: &str) -> Result<String, NoDnsName> {
    // Certificates allow one wildcard label, which `DnsName` doesn't.
    DnsName::try_from(name.strip_prefix("*.").unwrap_or(name)).map_err(|_| NoDnsName)?;
    Ok(name.to_owned())
}

/// The names of a server; at least one.
struct Names {
    first: String,
    others: Vec<String>,
}

impl Names {
    fn of(dns: Vec<String>, ip: &[IpAddr]) -> Self {
        let mut names = dns.into_iter().chain(ip.iter().map(IpAddr::to_string));
        match names.next() {
            Some(first) => Self { first, others: names.collect() },
            None => Self {
                first: "localhost".to_owned(),
                others: vec![Ipv4Addr::LOCALHOST.to_string(), Ipv6Addr::LOCALHOST.to_string()],
            },
        }
    }

    fn all(&self) -> Vec<String> {
        [&self.first].into_iter().chain(&self.others).cloned().collect()
    }
}

/// A file of the set.
struct Made {
    name: &'static str,
    mode: u32,
    content: String,
    /// A description for the report.
    what: String,
}

/// Creates the CA and the certificate that it signs.
fn issue(names: &Names, now: SystemTime, (days, ca_days): (u32, u32)) -> anyhow::Result<[Made; 4]> {
    let mut ca_params = CertificateParams::default();
    ca_params.distinguished_name.push(DnType::CommonName, "partywall CA");
    ca_params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    ca_params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let ca_until = validity(&mut ca_params, now, ca_days)?;
    let ca_key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    let ca = ca_params.self_signed(&ca_key)?;

    let mut params = CertificateParams::new(names.all())?;
    params.distinguished_name.push(DnType::CommonName, names.first.as_str());
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    // All CAs made here have the same name; their keys distinguish them.
    params.use_authority_key_identifier_extension = true;
    let until = validity(&mut params, now, days)?;
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    let leaf = params.signed_by(&key, &Issuer::from_params(&ca_params, &ca_key))?;

    let made = |name, mode, content, what| Made { name, mode, content, what };
    Ok([
        made("ca.crt", PUBLIC, ca.pem(), format!("CA, until {ca_until}; for the callers")),
        made("ca.key", PRIVATE, ca_key.serialize_pem(), "key of the CA; keep it off the cluster".to_owned()),
        made("tls.crt", PUBLIC, leaf.pem(), format!("{}, until {until}", names.all().join(", "))),
        made("tls.key", PRIVATE, key.serialize_pem(), "key of the server".to_owned()),
    ])
}

/// Makes the certificate valid from `now` for `days`; returns the last day.
fn validity(params: &mut CertificateParams, now: SystemTime, days: u32) -> anyhow::Result<jiff::civil::Date> {
    let until = now + Duration::from_secs(u64::from(days) * 24 * 60 * 60);
    params.not_before = (now - SKEW).into();
    params.not_after = until.into();
    let until = jiff::Timestamp::try_from(until).context("the clock is out of range")?;
    Ok(until.to_zoned(jiff::tz::TimeZone::UTC).date())
}

/// Writes the set to `dir`, all of it or nothing.
fn write_set(dir: &Path, set: &[Made], force: bool) -> anyhow::Result<()> {
    let mut present = Vec::new();
    for made in set {
        let path = dir.join(made.name);
        // Links are not followed: a dangling one is in the way, too.
        match fs::symlink_metadata(&path) {
            Ok(metadata) => {
                ensure!(!metadata.is_dir(), "{} is a folder; use another folder", path.display());
                present.push(path.display().to_string());
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error).with_context(|| format!("cannot look for {}", path.display())),
        }
    }
    ensure!(
        force || present.is_empty(),
        "already there: {}; use --force to replace, or another folder",
        present.join(", ")
    );
    fs::create_dir_all(dir).with_context(|| format!("cannot make the folder {}", dir.display()))?;

    let mut staged = Staged(Vec::new());
    for made in set {
        let path = dir.join(format!(".{}.{}", made.name, process::id()));
        let written = create(&path, made.mode).and_then(|mut file| {
            staged.0.push(path.clone());
            file.write_all(made.content.as_bytes())?;
            file.sync_all()
        });
        written.with_context(|| format!("cannot write {}", path.display()))?;
    }
    // Files stay staged until the last one is renamed: with half of a set, the server would not start.
    for (index, made) in set.iter().enumerate() {
        let Some(path) = staged.0.get_mut(index) else { continue };
        let place = dir.join(made.name);
        fs::rename(&*path, &place).with_context(|| format!("cannot write {}", place.display()))?;
        *path = place;
    }
    staged.0.clear();
    Ok(())
}

fn create(path: &Path, mode: u32) -> io::Result<fs::File> {
    OpenOptions::new().write(true).create_new(true).mode(mode).open(path)
}

/// Files that are removed again unless all are complete.
struct Staged(Vec<PathBuf>);

impl Drop for Staged {
    fn drop(&mut self) {
        for path in &self.0 {
            // The error that led here matters, not this one.
            let _ = fs::remove_file(path);
        }
    }
}

/// Reports the files and how to use them.
fn report(out: &mut impl Write, dir: &Path, set: &[Made]) -> io::Result<()> {
    let at = |name: &str| dir.join(name).display().to_string();
    let width = set.iter().map(|made| at(made.name).chars().count()).max().unwrap_or_default();
    for made in set {
        writeln!(out, "{:width$}  {:04o}  {}", at(made.name), made.mode, made.what)?;
    }
    let [ca, cert, key] = ["ca.crt", "tls.crt", "tls.key"].map(at);
    writeln!(out)?;
    writeln!(out, "serve:     partywall serve --tls-cert {cert} --tls-key {key}")?;
    writeln!(out, "register:  partywall manifests webhooks --ca-bundle {ca} --url https://HOST:PORT")
}
