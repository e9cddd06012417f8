//! `/log-filter` on the ops port of a process: the filter of its log, without a restart.

use std::net::Ipv4Addr;

use axum::http::{Method, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::net::TcpSocket;

use crate::client::{Answer, Client};
use crate::process::{Process, placed};
use crate::server::Server;

/// Asks from an address of this machine.
async fn ask(process: &Process, from: [u8; 4], method: Method, body: &str) -> (StatusCode, String) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((Ipv4Addr::from(from), 0).into()).unwrap();
    let stream = socket.connect(process.ops).await.unwrap();
    let mut client = Client::http1(TokioIo::new(stream)).await;
    let Answer { status, body, .. } = client.send(method, "/log-filter", body.to_owned()).await;
    (status, String::from_utf8(body.to_vec()).unwrap())
}

const LOCALHOST: [u8; 4] = [127, 0, 0, 1];

/// A pod that an Exemption allows: its line is of level debug.
async fn exempted(process: &Process, uid: &str) {
    let mut agent = placed("agent");
    agent["request"]["object"]["spec"]["hostNetwork"] = json!(true);
    agent["request"]["name"] = json!("agent");
    agent["request"]["uid"] = json!(uid);
    assert_eq!(process.ask("/validate/tenants", &agent).await["allowed"], true);
}

#[tokio::test]
async fn the_filter_of_the_log_changes_without_a_restart() {
    let mut process = Process::start(&[]).await;
    assert_eq!(ask(&process, LOCALHOST, Method::GET, "").await, (StatusCode::OK, "info\n".to_owned()));
    exempted(&process, "before").await;
    let (status, text) = ask(&process, LOCALHOST, Method::PUT, "info,partywall::server=debug").await;
    assert_eq!((status, &*text), (StatusCode::OK, "partywall::server=debug,info\n"));
    let line = process.until(|line| line["message"] != "serving").await;
    assert_eq!(line["message"], "the log filter changes", "{line}");
    assert_eq!((&line["from"], &line["to"]), (&json!("info"), &json!("info,partywall::server=debug")));
    exempted(&process, "after").await;
    let line = process.until(|line| line["message"] == "allowed by exemption").await;
    assert_eq!((&line["level"], &line["uid"]), (&json!("DEBUG"), &json!("after")));

    ask(&process, LOCALHOST, Method::PUT, "off").await;
    process.until(|line| line["to"] == "off").await;
    exempted(&process, "silent").await;
    ask(&process, LOCALHOST, Method::PUT, "debug").await;
    let line = process.until(|_| true).await;
    assert_eq!((&line["from"], &line["to"]), (&json!("off"), &json!("debug")));
}

#[tokio::test]
async fn a_wrong_filter_is_refused_and_the_old_one_stays() {
    let process = Process::start(&[]).await;
    let long = format!("info{}", ",partywall=debug".repeat(300));
    for (body, status, problem) in [
        ("debugg", StatusCode::BAD_REQUEST, "`debugg` has no level"),
        ("", StatusCode::BAD_REQUEST, "there is no directive"),
        ("info,[span]=debug", StatusCode::BAD_REQUEST, "`[span]=debug` is not about a module"),
        (&long, StatusCode::PAYLOAD_TOO_LARGE, "longer than 4096 bytes"),
    ] {
        let (answer, text) = ask(&process, LOCALHOST, Method::PUT, body).await;
        assert!(answer == status && text.contains(problem), "{answer} {text}");
        assert!(text.ends_with("the filter stays as it is\n"), "{text}");
    }
    let (status, _) = ask(&process, LOCALHOST, Method::POST, "debug").await;
    assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(ask(&process, LOCALHOST, Method::GET, "").await.1, "info\n");
}

/// The ops port is open in the cluster's network, and a sidecar in the pod passes on what others ask from 127.0.0.6.
#[tokio::test]
async fn o5_nobody_outside_of_the_pod_sees_or_changes_the_filter() {
    let process = Process::start(&[]).await;
    for (method, body) in [(Method::GET, ""), (Method::PUT, "off")] {
        let (status, text) = ask(&process, [127, 0, 0, 6], method, body).await;
        assert_eq!(status, StatusCode::FORBIDDEN);
        assert!(text.contains("kubectl --namespace partywall-system port-forward POD 8080"), "{text}");
    }
    assert_eq!(ask(&process, LOCALHOST, Method::GET, "").await.1, "info\n");
}

#[tokio::test]
async fn a_server_without_a_log_of_its_own_has_no_filter() {
    let server = Server::start().await;
    assert_eq!(server.get("/log-filter").await.status, StatusCode::NOT_FOUND);
}
