use serde_json::{Value, json};

use super::*;
use crate::cluster::fake_server::{Answer, FakeServer, status};

/// An API server, and the watch that asks it.
struct Watched {
    server: FakeServer,
    changes: mpsc::Receiver<Change>,
}

/// Starts the watch of a kind on these answers.
fn start(kind: Kind, answers: impl IntoIterator<Item = Answer>) -> Watched {
    let server = FakeServer::new(answers);
    let (sender, changes) = mpsc::channel(16);
    tokio::spawn(watch(server.client.clone(), kind, sender));
    Watched { server, changes }
}

impl Watched {
    /// Returns the next changes in a few words.
    async fn next(&mut self, count: usize) -> Vec<String> {
        let mut found = Vec::new();
        for _ in 0..count {
            found.push(told(self.changes.recv().await));
        }
        found
    }

    fn asked(&self) -> Vec<String> {
        self.server.asked().into_iter().map(|asked| asked.uri).collect()
    }
}

fn version(minor: &str) -> Answer {
    let mut version = json!({"major": "1", "minor": minor});
    for field in ["gitVersion", "gitCommit", "gitTreeState", "buildDate", "goVersion", "compiler", "platform"]
    {
        version[field] = json!("");
    }
    Answer::Object(200, version)
}

fn tenant(name: &str, version: &str) -> Value {
    json!({"apiVersion": "partywall.dev/v1alpha1", "kind": "Tenant",
           "metadata": {"name": name, "resourceVersion": version}, "spec": {"namespaces": [name]}})
}

fn list(version: &str, token: &str, items: &[Value]) -> Answer {
    let metadata = json!({"resourceVersion": version, "continue": token});
    let list = json!({"apiVersion": "partywall.dev/v1alpha1", "kind": "TenantList", "metadata": metadata,
                      "items": items});
    Answer::Object(200, list)
}

fn event(what: &str, object: &Value) -> Value {
    json!({"type": what, "object": object})
}

fn bookmark(version: &str, annotations: &Value) -> Value {
    let metadata = json!({"resourceVersion": version, "annotations": annotations});
    event(
        "BOOKMARK",
        &json!({"apiVersion": "partywall.dev/v1alpha1", "kind": "Tenant", "metadata": metadata}),
    )
}

/// Writes a change in a few words.
fn told(change: Option<Change>) -> String {
    let names =
        |items: &[Item]| items.iter().map(|item| item.metadata.name.clone()).collect::<Vec<_>>().join(" ");
    match change {
        Some(Change::Listed(_, items)) => format!("listed {}", names(&items)),
        Some(Change::Set(_, item)) => format!("set {}", item.metadata.name),
        Some(Change::Gone(_, name)) => format!("gone {name}"),
        Some(Change::Contact(_)) => "contact".to_owned(),
        Some(Change::Defaults(_)) => "defaults".to_owned(),
        None => "stopped".to_owned(),
    }
}

const TENANTS: &str = "/apis/partywall.dev/v1alpha1/tenants";

fn watched_from(version: &str) -> String {
    format!("{TENANTS}?&watch=true&timeoutSeconds=120&allowWatchBookmarks=true&resourceVersion={version}")
}

#[tokio::test(start_paused = true)]
async fn pages_are_listed_and_then_changes_followed() {
    let events = vec![
        event("ADDED", &tenant("c", "6")),
        event("MODIFIED", &tenant("a", "7")),
        event("DELETED", &tenant("b", "8")),
        bookmark("9", &json!({})),
    ];
    let mut watched = start(
        Kind::Tenant,
        [
            version("33+"),
            list("5", "more", &[tenant("a", "1")]),
            list("5", "", &[tenant("b", "2")]),
            Answer::Events(events),
            Answer::Hang(vec![]),
        ],
    );
    let found = watched.next(7).await;
    assert_eq!(found, ["listed a b", "contact", "set c", "set a", "gone b", "contact", "contact"]);
    let first = format!("{TENANTS}?&limit=500");
    let second = format!("{TENANTS}?&limit=500&continue=more");
    assert_eq!(watched.asked(), ["/version".to_owned(), first, second, watched_from("5"), watched_from("9")]);
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_hangs_is_given_up_and_goes_on_from_the_last_version() {
    let mut watched = start(
        Kind::Tenant,
        [
            version("30"),
            list("5", "", &[]),
            Answer::Hang(vec![event("ADDED", &tenant("a", "6"))]),
            Answer::Hang(vec![]),
        ],
    );
    let begun = Instant::now();
    assert_eq!(watched.next(4).await, ["listed ", "contact", "set a", "contact"]);
    let noticed = begun.elapsed();
    assert!((SILENCE..SILENCE + Duration::from_secs(5)).contains(&noticed), "{noticed:?}");
    assert_eq!(watched.asked().last().unwrap(), &watched_from("6"));
}

#[tokio::test(start_paused = true)]
async fn a_version_that_is_too_old_leads_to_another_list() {
    for gone in [Answer::Object(410, status(410)), Answer::Events(vec![event("ERROR", &status(410))])] {
        let mut watched = start(
            Kind::Tenant,
            [
                version("30"),
                list("5", "", &[tenant("a", "1")]),
                gone,
                version("30"),
                list("9", "", &[tenant("b", "8")]),
            ],
        );
        let found = watched.next(2).await;
        let rest = if found[1] == "contact" { watched.next(1).await } else { vec![found[1].clone()] };
        assert_eq!((found[0].as_str(), rest[0].as_str()), ("listed a", "listed b"));
    }
}

#[tokio::test(start_paused = true)]
async fn lists_are_streamed_where_every_server_can() {
    let ends = json!({"k8s.io/initial-events-end": "true"});
    let mut watched = start(
        Kind::Tenant,
        [
            version("34"),
            Answer::Hang(vec![
                event("ADDED", &tenant("a", "1")),
                event("ADDED", &tenant("b", "2")),
                bookmark("5", &ends),
                event("ADDED", &tenant("c", "6")),
            ]),
        ],
    );
    assert_eq!(watched.next(2).await, ["listed a b", "set c"]);
    assert!(watched.asked()[1].contains("sendInitialEvents=true"), "{:?}", watched.asked());
}

#[tokio::test(start_paused = true)]
async fn a_streamed_list_that_breaks_off_is_no_list() {
    let mut watched = start(
        Kind::Tenant,
        [
            version("34"),
            Answer::Events(vec![event("ADDED", &tenant("a", "1"))]),
            version("34"),
            Answer::Object(400, status(400)),
            list("5", "", &[tenant("a", "1"), tenant("b", "2")]),
        ],
    );
    assert_eq!(watched.next(1).await, ["listed a b"]);
}

#[tokio::test(start_paused = true)]
async fn failures_are_tried_again_and_change_nothing() {
    let mut watched = start(
        Kind::Tenant,
        [
            version("30"),
            Answer::Object(404, status(404)),
            version("30"),
            Answer::Object(200, json!("no list")),
            version("30"),
            list("5", "", &[]),
            Answer::Object(503, status(503)),
            Answer::Events(vec![json!("no event")]),
            Answer::Events(vec![]),
            Answer::Hang(vec![event("DELETED", &tenant("a", "6"))]),
        ],
    );
    assert_eq!(watched.next(5).await, ["listed ", "contact", "contact", "contact", "gone a"]);
    assert_eq!(watched.asked().last().unwrap(), &watched_from("5"));
}

#[tokio::test(start_paused = true)]
async fn namespaces_are_read_as_metadata_without_their_annotations() {
    let namespace = json!({"metadata": {"name": "a", "resourceVersion": "1", "labels": {"x": "y"},
                                        "annotations": {"large": "text"}}});
    let mut watched = start(Kind::Namespace, [version("30"), list("5", "", &[namespace])]);
    let Some(Change::Listed(Kind::Namespace, items)) = watched.changes.recv().await else {
        panic!("no list")
    };
    assert_eq!(items[0].metadata.labels["x"], "y");
    assert!(items[0].metadata.annotations.is_empty());
}
