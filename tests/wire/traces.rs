//! Spans of a process, as a collector receives them: over HTTP, in OpenTelemetry's own messages.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::body::{Body, Bytes};
use axum::http::{Method, Request, Response, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::timeout;

use crate::client::Client;
use crate::process::{Process, placed, review};
use crate::server::PATIENCE;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";
const DROPPED: &str = "partywall_spans_dropped_total";

/// A collector that takes each message, and rejects the spans of all but the first.
struct Collector {
    address: SocketAddr,
    messages: UnboundedReceiver<Bytes>,
}

impl Collector {
    async fn at(address: SocketAddr) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (send, messages) = unbounded_channel();
        tokio::spawn(async move {
            let mut rejected_spans = 0;
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let send = send.clone();
                let partial_success =
                    Some(ExportTracePartialSuccess { rejected_spans, ..Default::default() });
                let answer = ExportTraceServiceResponse { partial_success }.encode_to_vec();
                rejected_spans = 1;
                let service = service_fn(move |request: Request<Incoming>| {
                    let (send, answer) = (send.clone(), answer.clone());
                    async move {
                        assert_eq!((request.method(), request.uri().path()), (&Method::POST, "/v1/traces"));
                        assert_eq!(request.headers()["content-type"], "application/x-protobuf");
                        send.send(request.into_body().collect().await?.to_bytes()).unwrap();
                        hyper::Result::Ok(Response::new(Body::from(answer)))
                    }
                });
                // The client closes the connection as soon as it has its answer.
                let _closed = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
            }
        });
        Self { address, messages }
    }

    async fn next(&mut self) -> Bytes {
        timeout(PATIENCE, self.messages.recv()).await.unwrap().unwrap()
    }
}

fn anywhere() -> SocketAddr {
    (Ipv4Addr::LOCALHOST, 0).into()
}

async fn process(collector: SocketAddr) -> Process {
    Process::start(&["--traces-endpoint", &format!("http://{collector}")]).await
}

/// Sends a review with a `traceparent`; returns the response.
async fn ask(process: &Process, path: &str, traceparent: &str, review: &Value) -> Value {
    let Client::Http1(mut sender) = process.target.http1().await else { panic!("it is HTTP/1.1") };
    let request = Request::post(path).header("host", "localhost").header("traceparent", traceparent);
    let response = sender.send_request(request.body(Body::from(review.to_string())).unwrap()).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let body = response.into_body().collect().await.unwrap().to_bytes();
    serde_json::from_slice::<Value>(&body).unwrap()["response"].take()
}

fn spans(message: &Bytes) -> Vec<Span> {
    let request = ExportTraceServiceRequest::decode(message.clone()).unwrap();
    let [resource] = request.resource_spans.try_into().unwrap();
    let service = resource.resource.unwrap().attributes.remove(0);
    assert_eq!((&*service.key, text(service.value.unwrap().value)), ("service.name", "partywall".to_owned()));
    let [scope] = resource.scope_spans.try_into().unwrap();
    scope.spans
}

/// An attribute; a list has commas between its texts.
fn attribute(span: &Span, key: &str) -> Option<String> {
    let found = span.attributes.iter().find(|attribute| attribute.key == key)?;
    Some(text(found.value.clone().unwrap().value))
}

fn text(value: Option<Any>) -> String {
    match value {
        Some(Any::StringValue(value)) => value,
        Some(Any::ArrayValue(list)) => {
            list.values.into_iter().map(|value| text(value.value)).collect::<Vec<_>>().join(",")
        }
        other => panic!("{other:?}"),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn a_review_has_a_span_where_its_trace_is_sampled_and_nothing_else_has() {
    let mut collector = Collector::at(anywhere()).await;
    let process = process(collector.address).await;
    let begun = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    for (uid, traceparent) in [
        ("unsampled-", format!("00-{TRACE}-{PARENT}-00")),
        ("malformed-", format!("00-{TRACE}-{PARENT}")),
        ("empty-", String::new()),
    ] {
        assert_eq!(ask(&process, "/validate/tenants", &traceparent, &placed(uid)).await["allowed"], true);
    }
    let sampled = format!("00-{TRACE}-{PARENT}-01");
    let mut denied = placed("denied-");
    let spec = &mut denied["request"]["object"]["spec"];
    spec["priorityClassName"] = json!("system-node-critical");
    spec["tolerations"].as_array_mut().unwrap().push(json!({"key": "hunter2", "operator": "Exists"}));
    assert_eq!(ask(&process, "/validate/tenants", &sampled, &denied).await["allowed"], false);
    assert!(
        ask(&process, "/mutate/tenants", &sampled, &review("stamped-", "blue", &json!({}))).await["patch"]
            .is_string()
    );
    // Larger than what a connection's own thread decides.
    let padding = "x".repeat(300 << 10);
    let mut large = placed("large-");
    large["request"]["object"]["metadata"]["annotations"]["padding"] = json!(padding);
    assert_eq!(ask(&process, "/validate/tenants", &sampled, &large).await["allowed"], true);

    let mut all = Vec::new();
    while all.len() < 3 {
        let message = collector.next().await;
        assert!(!String::from_utf8_lossy(&message).contains("hunter2"), "nothing of the object is sent");
        all.extend(spans(&message));
    }
    let told: Vec<_> = all
        .iter()
        .map(|span| {
            [
                "partywall.uid",
                "partywall.endpoint",
                "partywall.verdict",
                "partywall.kind",
                "partywall.denied_by",
            ]
            .map(|key| attribute(span, key).unwrap_or_default())
            .join(" ")
        })
        .collect();
    let expected = [
        "uid-of-denied- /validate/tenants denied Pod priority-class",
        "uid-of-stamped- /mutate/tenants stamped Pod ",
        "uid-of-large- /validate/tenants allowed Pod ",
    ];
    assert_eq!(told, expected);
    for span in &all {
        assert_eq!((hex(&span.trace_id), hex(&span.parent_span_id)), (TRACE.to_owned(), PARENT.to_owned()));
        assert!(span.span_id.len() == 8 && span.span_id != [0; 8], "{:?}", span.span_id);
        let (start, end) = (span.start_time_unix_nano, span.end_time_unix_nano);
        let begun = u64::try_from(begun.as_nanos()).unwrap();
        assert!(begun <= start && start <= end, "{begun} {start} {end}");
        assert!(end - start < 20_000_000_000, "{start} {end}");
    }
    assert_ne!(all[0].span_id, all[1].span_id);
}

#[tokio::test]
async fn o5_without_a_collector_reviews_go_on_and_dropped_spans_are_counted() {
    // A port on which nobody listens any more.
    let address = TcpListener::bind(anywhere()).await.unwrap().local_addr().unwrap();
    let mut process = process(address).await;
    let sampled = format!("00-{TRACE}-{PARENT}-01");
    let reviews = async |process: &Process, uid: &str| {
        for _ in 0..3 {
            assert_eq!(ask(process, "/validate/tenants", &sampled, &placed(uid)).await["allowed"], true);
        }
    };
    let dropped = async |process: &Process, count: f64| {
        let dropped = async { while process.figure(DROPPED).await < count {} };
        timeout(PATIENCE, dropped).await.unwrap();
        assert_eq!(process.figure(DROPPED).await, count);
    };
    assert_eq!(process.figure(DROPPED).await, 0.0);
    reviews(&process, "lost-").await;
    dropped(&process, 3.0).await;
    reviews(&process, "lost-too-").await;
    dropped(&process, 6.0).await;

    let mut collector = Collector::at(address).await;
    reviews(&process, "sent-").await;
    let message = collector.next().await;
    assert!(spans(&message).iter().all(|span| attribute(span, "partywall.uid").unwrap() == "uid-of-sent-"));
    let mut warnings = Vec::new();
    let last = loop {
        let line = process.until(|line| line["message"].as_str().unwrap().contains("spans")).await;
        if line["level"] != "WARN" {
            break line;
        }
        warnings.push(line);
    };
    assert_eq!(last["message"], "the collector takes spans again");
    assert_eq!(warnings.len(), 1, "one line says so: {warnings:?}");
    assert!(warnings[0]["error"].as_str().unwrap().contains("cannot connect"), "{warnings:?}");
}

#[tokio::test]
async fn spans_that_wait_are_sent_before_the_end() {
    let mut collector = Collector::at(anywhere()).await;
    let process = process(collector.address).await;
    let sampled = format!("00-{TRACE}-{PARENT}-01");
    ask(&process, "/validate/tenants", &sampled, &placed("last-")).await;
    let begun = std::time::Instant::now();
    process.interrupt();
    let message = collector.next().await;
    assert_eq!(attribute(&spans(&message)[0], "partywall.uid").unwrap(), "uid-of-last-");
    assert!(begun.elapsed() < Duration::from_secs(10));
}
