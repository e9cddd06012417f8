//! Whom the server lets in, and what it proves itself with while files change.

use std::fs;
use std::os::unix::fs::symlink;

use axum::body::Body;
use axum::http::Method;
use hyper_util::rt::TokioIo;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tokio::time::timeout;

use crate::answers::{PLAIN, PLAIN_UID};
use crate::client::Client;
use crate::keys::{Authority, Signed};
use crate::server::{PATIENCE, Server, Setup};

const TAKEN: &str = r#"partywall_certificate_reloads_total{result="taken"}"#;
const REFUSED: &str = r#"partywall_certificate_reloads_total{result="refused"}"#;

const FAULTY: &str = "partywall_certificates_faulty";

/// Sends a review with this certificate, or none; whether it was answered.
async fn is_served(server: &Server, client: Option<&Signed>) -> bool {
    // In TLS 1.3 the client is done before it is refused, so only the answer tells.
    let Ok(stream) = server.target.connect("http/1.1", client).await else { return false };
    let answer =
        Client::http1(TokioIo::new(stream)).await.try_send(Method::POST, "/mutate", Body::from(PLAIN)).await;
    answer.is_ok_and(|answer| !answer.review(PLAIN_UID).is_null())
}

async fn until_served(server: &Server, pair: &Signed) {
    let expected = CertificateDer::from_pem_slice(pair.cert.as_bytes()).unwrap();
    let served = async { while server.target.certificate().await != expected {} };
    timeout(PATIENCE, served).await.unwrap();
}

#[tokio::test]
async fn with_a_client_ca_only_its_clients_are_served() {
    let server = Server::with(Setup { asks_clients: true, ..Setup::default() }).await;
    assert!(!is_served(&server, None).await);
    assert!(!is_served(&server, Some(&Authority::new().sign())).await);
    assert!(is_served(&server, Some(&server.authority.sign())).await);
}

/// The names hold after the CA was read again, too.
#[tokio::test]
async fn l12_with_client_names_only_certificates_with_one_of_them_are_served() {
    let client_names = vec!["kube-apiserver.example".to_owned()];
    let server = Server::with(Setup { asks_clients: true, client_names, ..Setup::default() }).await;
    let are_held = async |authority: &Authority| {
        assert!(!is_served(&server, None).await);
        assert!(!is_served(&server, Some(&Authority::new().sign_for("kube-apiserver.example"))).await);
        assert!(!is_served(&server, Some(&authority.sign_for("kubelet.example"))).await);
        assert!(is_served(&server, Some(&authority.sign_for("kube-apiserver.example"))).await);
    };
    are_held(&server.authority).await;
    let next = Authority::new();
    fs::write(server.folder.join("ca.crt"), &next.pem).unwrap();
    server.until(TAKEN, 1).await;
    are_held(&next).await;
}

#[tokio::test]
async fn without_a_client_ca_everybody_is_served() {
    let server = Server::start().await;
    assert!(is_served(&server, None).await);
}

#[tokio::test]
async fn l6_a_new_pair_is_served_to_new_connections_and_old_ones_go_on() {
    let server = Server::start().await;
    let mut old = server.target.http1().await;
    old.post("/mutate", PLAIN).await.review(PLAIN_UID);
    let pair = server.authority.sign();
    pair.write(&server.folder);
    until_served(&server, &pair).await;
    old.post("/mutate", PLAIN).await.review(PLAIN_UID);
    server.until(TAKEN, 1).await;
    assert_eq!(server.figure(REFUSED).await, 0);
}

#[tokio::test]
async fn l6_a_swap_of_kubelets_symlink_is_seen() {
    let server = Server::with(Setup { like_kubelet: true, ..Setup::default() }).await;
    let pair = server.authority.sign();
    pair.write(&server.folder.join("..second"));
    symlink("..second", server.folder.join("..data_tmp")).unwrap();
    fs::rename(server.folder.join("..data_tmp"), server.folder.join("..data")).unwrap();
    fs::remove_dir_all(server.folder.join("..first")).unwrap();
    until_served(&server, &pair).await;
}

#[tokio::test]
async fn l6_on_demand_one_look_is_enough_to_take_or_refuse_a_pair() {
    let server = Server::with(Setup { on_demand: true, ..Setup::default() }).await;
    // The first look, which finds nothing new, is over.
    server.until(r#"partywall_last_reload_successful{of="certificates"}"#, 1).await;
    let (one, other) = (server.authority.sign(), server.authority.sign());
    Signed { cert: one.cert.clone(), key: other.key }.write(&server.folder);
    server.demand.send_replace(());
    server.until(REFUSED, 1).await;
    server.until(r#"partywall_last_reload_successful{of="certificates"}"#, 0).await;
    one.write(&server.folder);
    server.demand.send_replace(());
    until_served(&server, &one).await;
    server.until(r#"partywall_last_reload_successful{of="certificates"}"#, 1).await;
}

#[tokio::test]
async fn l6_a_faulty_pair_is_refused_once_and_the_old_one_goes_on() {
    let server = Server::start().await;
    let before = server.target.certificate().await;
    let (one, other) = (server.authority.sign(), server.authority.sign());
    let mismatched = Signed { cert: one.cert.clone(), key: other.key };
    let garbage = Signed { cert: "no certificate".to_owned(), key: one.key.clone() };
    for (refusals, pair) in [(1, mismatched), (2, garbage)] {
        pair.write(&server.folder);
        server.until(REFUSED, refusals).await;
        server.until(FAULTY, 1).await;
        assert_eq!(server.target.certificate().await, before);
    }
    one.write(&server.folder);
    until_served(&server, &one).await;
    server.until(FAULTY, 0).await;
    assert_eq!(server.figure(REFUSED).await, 2);
}
