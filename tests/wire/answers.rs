//! Tests the answers to requests.

use axum::body::{Body, Bytes};
use axum::http::{Method, StatusCode};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use crate::server::{PATIENCE, Server};

/// A review as an API server sent it, and its uid.
pub(crate) const PLAIN: &str = include_str!("../fixtures/reviews/mutate-create-pods-plain.json");
pub(crate) const PLAIN_UID: &str = "89334722-eff6-41fa-9e0e-5b23741eae79";

#[tokio::test]
async fn an_http1_connection_is_kept_and_answers_with_the_uid() {
    let server = Server::start().await;
    let mut client = server.target.http1().await;
    for _ in 0..3 {
        let answer = client.post("/mutate?timeout=10s", PLAIN).await;
        assert_eq!(answer.review(PLAIN_UID)["allowed"], true);
        assert_eq!(answer.header("connection"), None);
    }
}

#[tokio::test]
async fn an_http2_connection_is_kept_and_answers_with_the_uid() {
    let server = Server::start().await;
    let mut client = server.target.http2().await;
    for _ in 0..3 {
        assert_eq!(client.post("/mutate?timeout=10s", PLAIN).await.review(PLAIN_UID)["allowed"], true);
    }
}

#[tokio::test]
async fn k17_other_paths_and_methods_are_refused_and_never_redirected() {
    let server = Server::start().await;
    let mut client = server.target.http1().await;
    for path in ["/", "/mutate/", "//mutate", "/Mutate", "/metrics", "/readyz"] {
        let answer = client.post(path, PLAIN).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(answer.header("location"), None);
    }
    for method in [Method::GET, Method::PUT, Method::HEAD] {
        let answer = client.send(method.clone(), "/validate", "").await;
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{method}");
    }
    assert_eq!(server.figure(r#"partywall_http_refusals_total{code="404"}"#).await, 6);
    assert_eq!(server.figure(r#"partywall_http_refusals_total{code="405"}"#).await, 3);
}

#[tokio::test]
async fn what_is_no_review_is_a_bad_request_that_says_why() {
    let server = Server::start().await;
    let mut client = server.target.http1().await;
    let no_uid =
        r#"{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"operation":"CREATE"}}"#;
    for body in ["", "not JSON", "[]", "{}", no_uid, "\u{0}"] {
        let answer = client.post("/validate", body).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{body}");
        assert!(answer.text().contains("AdmissionReview"), "{}", answer.text());
    }
    client.post("/mutate", PLAIN).await.review(PLAIN_UID);
}

#[tokio::test]
async fn l10_a_body_of_20_mb_is_denied_with_its_uid_and_the_connection_goes_on() {
    let server = Server::start().await;
    let large = PLAIN.trim_end().replacen(
        "\"labels\"",
        &format!("\"x\":\"{}\",\"labels\"", "<".repeat(20_000_000)),
        1,
    );
    let mut http1 = server.target.http1().await;
    let mut http2 = server.target.http2().await;
    for client in [&mut http1, &mut http2] {
        let response = client.post("/validate", large.clone()).await.review(PLAIN_UID);
        assert_eq!(response["allowed"], false);
        assert_eq!(response["status"]["code"], 413);
        assert!(response["status"]["message"].as_str().unwrap().contains("larger than 16 MiB"), "{response}");
        client.post("/mutate", PLAIN).await.review(PLAIN_UID);
    }
    assert_eq!(http1.post("/validate", vec![b' '; 20_000_000]).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn json_nested_10_000_deep_is_undecidable_where_a_rule_reads() {
    let server = Server::start().await;
    let nested = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let body = PLAIN.replacen("\"spec\":{", &format!("\"spec\":{{\"tolerations\":{nested},"), 1);
    let mut client = server.target.http1().await;
    let response = client.post("/validate", body).await.review(PLAIN_UID);
    assert_eq!((&response["allowed"], &response["status"]["code"]), (&json!(false), &json!(422)));
    // Elsewhere it is passed over, as the API server would do.
    let body = PLAIN.replacen("\"spec\":{", &format!("\"spec\":{{\"notYetInvented\":{nested},"), 1);
    client.post("/validate", body).await.review(PLAIN_UID);
}

#[tokio::test]
async fn a_chunked_body_is_read_like_any_other() {
    let server = Server::start().await;
    let mut stream = server.target.connect("http/1.1", None).await.unwrap();
    let (one, two) = PLAIN.split_at(PLAIN.len() / 2);
    let request = format!(
        "POST /mutate HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n\
         {:x}\r\n{one}\r\n{:x}\r\n{two}\r\n0\r\n\r\n",
        one.len(),
        two.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.contains(PLAIN_UID));
}

#[tokio::test]
async fn figures_tell_what_was_answered() {
    let server = Server::start().await;
    let mut client = server.target.http1().await;
    let answer = client.post("/mutate", PLAIN).await;
    let verdict = if answer.review(PLAIN_UID)["patch"].is_null() { "allowed" } else { "stamped" };
    let series = format!(r#"partywall_reviews_total{{endpoint="mutate",verdict="{verdict}"}}"#);
    assert_eq!(server.figure(&series).await, 1);
    assert_eq!(server.figure("partywall_review_duration_seconds_count").await, 1);
    assert_eq!(server.figure("partywall_reviews_in_flight").await, 0);
    assert_eq!(server.figure("partywall_panics_total").await, 0);
    assert_eq!(server.get("/livez").await.status, StatusCode::OK);
}

#[tokio::test]
async fn m7_a_body_of_8_mb_and_of_any_content_type_is_read() {
    let server = Server::start().await;
    // An object and its old self, each as large as the API server takes them.
    let large = PLAIN.trim_end().replacen(
        "\"labels\"",
        &format!("\"x\":\"{}\",\"labels\"", "<".repeat(8_000_000)),
        1,
    );
    let mut client = server.target.http1().await;
    assert_eq!(client.post("/mutate", large).await.review(PLAIN_UID)["allowed"], true);
    for content_type in
        ["application/json; charset=utf-8", "text/plain", "application/vnd.kubernetes.protobuf"]
    {
        let mut stream = server.target.connect("http/1.1", None).await.unwrap();
        let request = format!(
            "POST /mutate HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: {content_type}\r\n\
             content-length: {}\r\n\r\n{PLAIN}",
            PLAIN.len()
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(
            answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.contains(PLAIN_UID),
            "{content_type}: {answer}"
        );
    }
}

/// A probe as the API server sends it, and its uid.
fn probe() -> (String, &'static str) {
    let request = json!({
        "uid": "u-1",
        "kind": {"group": "partywall.dev", "version": "v1alpha1", "kind": "Exemption"},
        "name": "partywall-probe-0123abcd",
        "operation": "CREATE",
        "userInfo": {"username": "system:serviceaccount:partywall-system:partywall"},
        "object": {"apiVersion": "partywall.dev/v1alpha1", "kind": "Exemption"},
        "dryRun": true,
    });
    let review = json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request});
    (review.to_string(), "u-1")
}

#[tokio::test]
async fn the_answer_to_a_probe_is_the_last_of_its_connection_over_http1() {
    let server = Server::start().await;
    let mut client = server.target.http1().await;
    let (probe, uid) = probe();
    let answer = client.post("/validate/policies", probe).await;
    assert_eq!(answer.header("connection"), Some("close"));
    let response = answer.review(uid);
    assert_eq!(response["allowed"], false);
    assert!(response["status"]["message"].as_str().unwrap().contains("0123abcd"), "{response}");
    assert!(client.try_send(Method::POST, "/mutate", PLAIN.into()).await.is_err());
}

#[tokio::test]
async fn the_answer_to_a_probe_is_the_last_of_its_connection_over_http2_and_others_are_answered() {
    let server = Server::start().await;
    let mut client = server.target.http2().await;
    // Another review is under way on the same connection, whose body is not there yet.
    let (sender, receiver) = tokio::sync::mpsc::channel::<Result<Bytes, std::io::Error>>(1);
    let frames = futures_util::stream::unfold(receiver, async |mut receiver| {
        let chunk = receiver.recv().await?;
        Some((chunk, receiver))
    });
    let mut other = client.http2_again();
    let (start, rest) = PLAIN.split_at(100);
    sender.send(Ok(start.into())).await.unwrap();
    let under_way = tokio::spawn(async move { other.post("/mutate", Body::from_stream(frames)).await });
    server.until("partywall_reviews_in_flight", 1).await;

    let (probe, uid) = probe();
    assert_eq!(client.post("/validate/policies", probe).await.review(uid)["allowed"], false);
    // The client learns of it a moment later.
    let refused = async { while client.try_send(Method::POST, "/mutate", PLAIN.into()).await.is_ok() {} };
    timeout(PATIENCE, refused).await.unwrap();
    sender.send(Ok(rest.into())).await.unwrap();
    drop(sender);
    under_way.await.unwrap().review(PLAIN_UID);
}
