//! An API server for tests, which gives scripted answers and notes what it was asked.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::http::{Request, Response};
use futures_util::{StreamExt, stream};
use http_body::Frame;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};

/// The answer to one request.
pub(super) enum Answer {
    /// This status and object.
    Object(u16, Value),
    /// These events, and the end of the watch.
    Events(Vec<Value>),
    /// These events, and nothing more, without an end.
    Hang(Vec<Value>),
}

/// A request.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Asked {
    pub(super) method: String,
    pub(super) uri: String,
    pub(super) body: Value,
}

/// An API server that gives these answers in turn, and then none.
pub(super) struct FakeServer {
    pub(super) client: Client,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl FakeServer {
    pub(super) fn new(answers: impl IntoIterator<Item = Answer>) -> Self {
        let mut answers = answers.into_iter().collect::<VecDeque<_>>();
        Self::answering(move |_| answers.pop_front())
    }

    /// Returns one that answers each request by a function, or not at all.
    pub(super) fn answering(answer: impl FnMut(&Asked) -> Option<Answer> + Send + 'static) -> Self {
        let answer = Arc::new(Mutex::new(answer));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&asked);
        let service = tower::service_fn(move |request: Request<Body>| {
            let (answer, log) = (Arc::clone(&answer), Arc::clone(&log));
            async move {
                let (head, body) = request.into_parts();
                let body = body.collect_bytes().await.unwrap();
                let body = serde_json::from_slice(&body).unwrap_or_default();
                let asked = Asked { method: head.method.to_string(), uri: head.uri.to_string(), body };
                log.lock().unwrap().push(asked.clone());
                let answer = (answer.lock().unwrap())(&asked);
                match answer {
                    Some(answer) => Ok::<_, Infallible>(respond(answer)),
                    None => std::future::pending().await,
                }
            }
        });
        Self { client: Client::new(service, "default"), asked }
    }

    /// Returns all requests so far.
    pub(super) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

fn respond(answer: Answer) -> Response<UnsyncBoxBody<Bytes, Infallible>> {
    let lines = |events: Vec<Value>| {
        let frame = |event: Value| Ok::<_, Infallible>(Frame::data(Bytes::from(format!("{event}\n"))));
        stream::iter(events.into_iter().map(frame))
    };
    let (status, body) = match answer {
        Answer::Object(status, object) => (status, Full::from(object.to_string()).boxed_unsync()),
        Answer::Events(events) => (200, StreamBody::new(lines(events)).boxed_unsync()),
        Answer::Hang(events) => (200, StreamBody::new(lines(events).chain(stream::pending())).boxed_unsync()),
    };
    Response::builder().status(status).body(body).unwrap()
}

/// Returns the object with which the API server tells a failure.
pub(super) fn status(code: u16) -> Value {
    json!({"apiVersion": "v1", "kind": "Status", "status": "Failure", "code": code, "message": "no",
           "reason": "Any", "metadata": {}})
}
