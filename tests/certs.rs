//! `partywall certs` as people run it, and a TLS handshake with what it wrote.
#![expect(clippy::disallowed_methods, reason = "tests read the files that were written")]
#![expect(clippy::unwrap_used, reason = "what fails in a helper fails its test")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection};

const FILES: [(&str, u32); 4] =
    [("ca.crt", 0o644), ("ca.key", 0o600), ("tls.crt", 0o644), ("tls.key", 0o600)];

fn certs(dir: &Path, args: &[&str]) -> Output {
    command(dir).args(args).output().unwrap()
}

fn command(dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_partywall"));
    for variable in ["PARTYWALL_DNS", "PARTYWALL_IP", "PARTYWALL_DAYS", "PARTYWALL_FORCE"] {
        command.env_remove(variable);
    }
    command.arg("certs").arg(dir);
    command
}

fn listing(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Shakes hands with a server that has the folder's certificate, as a caller who trusts the folder's CA.
fn shake_hands(dir: &Path, name: &str) -> Result<(), rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(dir.join("ca.crt")).unwrap()).unwrap();
    let client = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let chain = CertificateDer::pem_file_iter(dir.join("tls.crt")).unwrap().map(Result::unwrap).collect();
    let key = PrivateKeyDer::from_pem_file(dir.join("tls.key")).unwrap();
    let server = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;

    let name = ServerName::try_from(name.to_owned()).unwrap();
    let mut client = ClientConnection::new(Arc::new(client), name)?;
    let mut server = ServerConnection::new(Arc::new(server))?;
    while client.is_handshaking() || server.is_handshaking() {
        let mut sent = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut sent).unwrap();
        }
        server.read_tls(&mut sent.as_slice()).unwrap();
        server.process_new_packets()?;
        let mut answered = Vec::new();
        while server.wants_write() {
            server.write_tls(&mut answered).unwrap();
        }
        client.read_tls(&mut answered.as_slice()).unwrap();
        client.process_new_packets()?;
    }
    Ok(())
}

#[test]
fn writes_a_set_that_only_its_owner_can_use() {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path().join("not").join("there");
    let output = certs(&dir, &[]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(listing(&dir), FILES.map(|(name, _)| name));
    for (name, mode) in FILES {
        assert_eq!(fs::metadata(dir.join(name)).unwrap().permissions().mode() & 0o777, mode, "{name}");
    }
    let stdout = String::from_utf8(output.stdout).unwrap();
    for (name, _) in FILES {
        assert!(stdout.contains(&dir.join(name).display().to_string()), "{stdout}");
    }
    assert!(
        stdout.contains("partywall serve --tls-cert ") && stdout.contains("partywall manifests webhooks "),
        "{stdout}"
    );
}

#[test]
fn the_leaf_verifies_for_its_names_and_no_others() {
    let temp = tempfile::tempdir().unwrap();
    assert!(certs(temp.path(), &[]).status.success());
    for name in ["localhost", "127.0.0.1", "::1"] {
        shake_hands(temp.path(), name).unwrap();
    }
    assert!(shake_hands(temp.path(), "example.com").is_err());

    let args = ["--force", "--dns", "partywall.partywall-system.svc,*.example.com", "--ip", "10.0.0.1"];
    assert!(certs(temp.path(), &args).status.success());
    for name in ["partywall.partywall-system.svc", "a.example.com", "10.0.0.1"] {
        shake_hands(temp.path(), name).unwrap();
    }
    assert!(shake_hands(temp.path(), "localhost").is_err());
}

#[test]
fn a_certificate_of_another_ca_is_refused() {
    let temp = tempfile::tempdir().unwrap();
    assert!(certs(temp.path(), &[]).status.success());
    let ca = fs::read(temp.path().join("ca.crt")).unwrap();
    assert!(certs(temp.path(), &["--force"]).status.success());
    fs::write(temp.path().join("ca.crt"), ca).unwrap();
    assert!(shake_hands(temp.path(), "localhost").is_err());
}

#[test]
fn overwrites_nothing_unless_forced() {
    let temp = tempfile::tempdir().unwrap();
    for name in ["ca.crt", "tls.key"] {
        fs::write(temp.path().join(name), "mine").unwrap();
    }
    let output = certs(temp.path(), &[]);
    assert_eq!(output.status.code(), Some(2));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(
        stderr.contains("ca.crt") && stderr.contains("tls.key") && stderr.contains("--force"),
        "{stderr}"
    );
    assert!(!stderr.contains("tls.crt"), "{stderr}");
    assert_eq!(listing(temp.path()), ["ca.crt", "tls.key"]);
    assert_eq!(fs::read(temp.path().join("tls.key")).unwrap(), b"mine");

    assert!(certs(temp.path(), &["--force"]).status.success());
    shake_hands(temp.path(), "localhost").unwrap();
    assert_eq!(fs::metadata(temp.path().join("tls.key")).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn leaves_all_as_it_was_when_a_folder_is_in_the_way() {
    let temp = tempfile::tempdir().unwrap();
    fs::create_dir(temp.path().join("tls.key")).unwrap();
    fs::write(temp.path().join("ca.crt"), "mine").unwrap();
    let output = certs(temp.path(), &["--force"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("tls.key"));
    assert_eq!(listing(temp.path()), ["ca.crt", "tls.key"]);
    assert_eq!(fs::read(temp.path().join("ca.crt")).unwrap(), b"mine");
}

#[test]
fn names_the_file_or_folder_it_cannot_write() {
    let temp = tempfile::tempdir().unwrap();
    let file = temp.path().join("file");
    fs::write(&file, "mine").unwrap();
    let output = certs(&file.join("below"), &[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("below"));
}

#[test]
fn flags_can_be_set_by_the_environment() {
    let temp = tempfile::tempdir().unwrap();
    let run = |force: &str| {
        let variables = [("PARTYWALL_DNS", "a.example"), ("PARTYWALL_DAYS", "7"), ("PARTYWALL_FORCE", force)];
        command(temp.path()).envs(variables).output().unwrap().status
    };
    assert!(run("0").success());
    shake_hands(temp.path(), "a.example").unwrap();
    assert_eq!(run("0").code(), Some(2));
    assert!(run("1").success());
}

#[test]
fn refuses_what_is_no_name_no_address_and_no_span() {
    let temp = tempfile::tempdir().unwrap();
    for args in [
        ["--dns", "a..b"],
        ["--dns", "a b"],
        ["--dns", "127.0.0.1"],
        ["--ip", "localhost"],
        ["--days", "0"],
        ["--days", "3651"],
    ] {
        let output = certs(temp.path(), &args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(listing(temp.path()).is_empty(), "{args:?}");
    }
}
