//! Tells connections to finish: all of them at the end of the server, and a single one after its last answer.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::Poll;

use tokio::sync::watch;

/// Tells all connections to finish, and waits for them.
#[derive(Debug, Default)]
pub(crate) struct Drain(watch::Sender<bool>);

impl Drain {
    /// Returns what a connection is watched by.
    pub(crate) fn watcher(&self) -> Watcher {
        Watcher(self.0.subscribe())
    }

    /// Tells all connections to finish, and waits until they have.
    pub(crate) async fn finish(self) {
        self.0.send_replace(true);
        self.0.closed().await;
    }
}

/// Drives one connection, and tells it to finish.
#[derive(Debug)]
pub(crate) struct Watcher(watch::Receiver<bool>);

impl Watcher {
    /// Drives a connection to its end. When the server ends, or once it `had_last` request, the connection is told to
    /// finish.
    ///
    /// Nothing wakes the connection when `had_last` changes, other than the answer that it then sends.
    pub(crate) async fn watch<C: Future>(
        mut self,
        connection: C,
        had_last: impl Fn() -> bool,
        finish: impl FnOnce(Pin<&mut C>),
    ) -> C::Output {
        let mut connection = pin!(connection);
        let mut told = pin!(self.0.wait_for(|is_told| *is_told));
        let mut finish = Some(finish);
        poll_fn(|context| {
            let must_finish = had_last() || (finish.is_some() && told.as_mut().poll(context).is_ready());
            if must_finish && let Some(finish) = finish.take() {
                finish(connection.as_mut());
            }
            let ended: Poll<_> = connection.as_mut().poll(context);
            // Over HTTP/1.1 the answer is made in this very call.
            if ended.is_pending()
                && had_last()
                && let Some(finish) = finish.take()
            {
                finish(connection.as_mut());
                return connection.as_mut().poll(context);
            }
            ended
        })
        .await
    }
}
