//! Limits the number of connections to the file descriptors of this process.
//!
//! The webhook's connections must leave some for the ops port, or the kubelet would restart the server because it is
//! busy.

#![expect(clippy::disallowed_methods, reason = "reads the limit of open files of this process")]

use tracing::warn;

use crate::server::limits::{ConnectionLimits, Limits};

/// Descriptors for everything but connections: listeners, files, the runtime of the program.
const RESERVED: usize = 64;
/// Descriptors for the runtime of a thread that serves connections.
const PER_WORKER: usize = 4;

/// Returns the default limits, with no more connections than there are file descriptors.
pub(crate) fn limits_within_descriptors(workers: usize) -> Limits {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    within(soft_limit(&limits), workers, Limits::default())
}

fn within(files: Option<usize>, workers: usize, limits: Limits) -> Limits {
    let Some(files) = files else { return limits };
    let reserved = limits.connections.ops + RESERVED + PER_WORKER * workers;
    let connections = files.saturating_sub(reserved).max(1);
    if connections >= limits.connections.webhook {
        return limits;
    }
    warn!(files, connections, "the limit of open files (ulimit -n) allows for few connections; raise it");
    Limits { connections: ConnectionLimits { webhook: connections, ..limits.connections }, ..limits }
}

/// Returns the soft limit of open files, from `/proc/self/limits`, or `None` if there is none.
fn soft_limit(limits: &str) -> Option<usize> {
    limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"))
        .and_then(|line| line.split_whitespace().next()?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_descriptors_for_the_ops_port() {
        let limits = |files| {
            let text = format!(
                "Limit                     Soft Limit           Hard Limit           Units     \n\
                 Max processes             100                  100                  processes \n\
                 Max open files            {files:<20} 1048576              files     \n"
            );
            within(soft_limit(&text), 2, Limits::default()).connections.webhook
        };
        let all = Limits::default().connections.webhook;
        for (files, expected) in [("1048576", all), ("unlimited", all), ("1024", 888), ("100", 1)] {
            assert_eq!(limits(files), expected, "{files}");
        }
        assert_eq!(soft_limit(""), None);
    }
}
