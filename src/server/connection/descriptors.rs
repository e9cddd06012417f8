//! Limits the number of connections to the file descriptors of this process.
//!
//! The webhook's connections must leave some for the ops port, or the kubelet would restart the server because it is
//! busy.

use tracing::warn;

use super::accept::CLOSING_AT_ONCE;
use crate::server::limits::{ConnectionLimits, Limits};

/// Descriptors for everything but connections: listeners, files, the runtime of the program.
const RESERVED: usize = 64;
/// Descriptors for the runtime of a thread that serves connections.
const PER_WORKER: usize = 4;

/// Returns the default limits, with no more connections than there are file descriptors.
///
/// It first raises the soft limit of this process, which is often 1,024, to the hard limit.
pub(crate) fn limits_within_descriptors(workers: usize) -> Limits {
    let files = raise_soft_limit();
    within(files, workers, Limits::default())
}

/// Raises the soft limit of open files to the hard limit, and returns it; `None` if there is no limit.
#[cfg(target_os = "linux")]
fn raise_soft_limit() -> Option<usize> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let raised = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
    if let Err(error) = &raised {
        tracing::debug!(%error, "the limit of open files cannot be raised");
    }
    usize::try_from(if raised.is_ok() { maximum } else { current }?).ok()
}

/// Elsewhere the limit is unknown.
#[cfg(not(target_os = "linux"))]
fn raise_soft_limit() -> Option<usize> {
    None
}

fn within(files: Option<usize>, workers: usize, limits: Limits) -> Limits {
    let Some(files) = files else { return limits };
    let ConnectionLimits { webhook, ops } = limits.connections;
    let reserved = ops.total() + 2 * CLOSING_AT_ONCE + RESERVED + PER_WORKER * workers;
    let connections = files.saturating_sub(reserved);
    if connections >= webhook.total() {
        return limits;
    }
    let wanted = webhook.total() + reserved;
    warn!(files, wanted, "the limit of open files (ulimit -n) allows for few connections; raise it");
    Limits { connections: ConnectionLimits { webhook: webhook.scaled_to(connections), ops }, ..limits }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_descriptors_for_the_ops_port() {
        let limits = Limits::default();
        let webhook = |files| within(files, 2, limits).connections.webhook;
        let all = limits.connections.webhook.total();
        assert_eq!((webhook(None).total(), webhook(Some(1 << 20)).total()), (all, all));
        for files in [600, 1_024, 4_096] {
            let (few, reserved) = (webhook(Some(files)), files - webhook(Some(files)).total());
            assert!(reserved >= limits.connections.ops.total() + RESERVED, "{files}: {few:?}");
            assert!(few.proven_http1 > few.total() / 5 && few.silent > few.total() / 2, "{files}: {few:?}");
        }
        let least = webhook(Some(100));
        assert_eq!((least.silent, least.handshake, least.proven_http2, least.total()), (1, 1, 1, 6));
    }
}
