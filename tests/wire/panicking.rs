//! Decisions that panic, since partywall's own do not: what the API server is told, and what is counted.

use std::io::{Read, stdin};

use partywall::server::{Decider, Observers, Reply};
use partywall_core::Entry;
use serde_json::json;
use tokio::task::spawn_blocking;

use crate::answers::{PLAIN, PLAIN_UID};
use crate::server::{Server, Setup, limits};

struct Panicking;

impl Decider for Panicking {
    fn is_ready(&self) -> bool {
        true
    }

    fn reply(&self, _: Entry, _: &[u8], _: Observers<'_>) -> Option<Reply> {
        panic!("a bug that a test planted")
    }
}

async fn panicking() -> Server {
    // Beside the connection, where a panic ends nothing but the decision.
    let limits = limits(|limits| limits.bodies.inline_up_to = 0);
    Server::deciding_by(Panicking, Setup { limits, ..Setup::default() }).await
}

#[tokio::test]
async fn l14_a_decision_that_panics_is_a_denial_and_is_counted() {
    let server = panicking().await;
    let denied = server.target.http1().await.post("/validate", PLAIN).await.review(PLAIN_UID);
    assert_eq!((&denied["allowed"], &denied["status"]["code"]), (&json!(false), &json!(500)));
    assert_eq!(server.figure("partywall_panics_total").await, 1);
}

/// Writes its two ports into a file, and serves until nothing more can be read from standard input.
#[tokio::test]
#[ignore = "the server of .ci/alerts, which names the file and holds the other end of standard input"]
async fn serves_decisions_that_panic() {
    let server = panicking().await;
    let file = std::env::var("PARTYWALL_PANICKING").unwrap();
    std::fs::write(file, format!("{} {}\n", server.target.address.port(), server.ops.port())).unwrap();
    let ended = spawn_blocking(|| stdin().read_to_end(&mut Vec::new()));
    ended.await.unwrap().unwrap();
}
