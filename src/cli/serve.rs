//! `partywall serve`: runs the webhook server.
//!
//! Policies, certificates, listeners, signals and the log come together here only.

mod demo;
mod issuer;
mod source;
mod traces;

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;

use anyhow::Context;
use clap::builder::NonEmptyStringValueParser;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{oneshot, watch};
use tokio::time::timeout;
use tracing::{error, info, warn};

use self::issuer::IssuerArgs;
use self::source::{PolicyArgs, Source};
use self::traces::TraceArgs;
use crate::server::{
    self, Certificates, Clients, Listeners, Pair, Parts, Workers, limits_within_descriptors, lower_priority,
};
use crate::telemetry::{self, COMMIT, LogFilter, LogFormat, Metrics, VERSION};

/// How long a server that serves no more may take to leave its cluster.
const LEAVE: Duration = Duration::from_secs(2);

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    source: PolicyArgs,

    /// The address of the webhooks, in TLS; in a container usually `[::]:8443`.
    #[arg(
        long,
        value_name = "ADDRESS",
        default_value = "127.0.0.1:8443",
        env = "PARTYWALL_LISTEN",
        value_parser = address
    )]
    listen: SocketAddr,

    /// The address of /livez, /readyz, /metrics and /log-filter, in plain HTTP.
    #[arg(
        long,
        value_name = "ADDRESS",
        default_value = "127.0.0.1:8080",
        env = "PARTYWALL_OPS_LISTEN",
        value_parser = address
    )]
    ops_listen: SocketAddr,

    /// The certificate chain in PEM; changes are read while it runs. Absent: a new self-signed pair, and with --cluster
    /// one of partywall's own CAs.
    #[arg(long, value_name = "FILE", requires = "tls_key", env = "PARTYWALL_TLS_CERT")]
    tls_cert: Option<PathBuf>,

    /// The key of the certificate in PEM.
    #[arg(long, value_name = "FILE", requires = "tls_cert", env = "PARTYWALL_TLS_KEY")]
    tls_key: Option<PathBuf>,

    #[command(flatten)]
    issuer: IssuerArgs,

    /// Serve only clients with a certificate of this CA (PEM).
    ///
    /// The API server has no certificate unless its own admission configuration names one.
    #[arg(long, value_name = "FILE", env = "PARTYWALL_CLIENT_CA")]
    client_ca: Option<PathBuf>,

    /// With --client-ca, serve only clients whose certificate has this name, as its common name or as a DNS name
    /// among its subject alternative names. Several are repeated or separated by commas. Without it, all
    /// certificates of the CA are accepted.
    #[arg(
        long,
        value_name = "NAME",
        value_delimiter = ',',
        value_parser = NonEmptyStringValueParser::new(),
        requires = "client_ca",
        env = "PARTYWALL_CLIENT_NAME"
    )]
    client_name: Vec<String>,

    /// How many tenants have metrics of their own; the others share one series for each rule and mode. With 0,
    /// violations are not counted by tenant.
    #[arg(long, value_name = "NUMBER", default_value_t = 1_000, env = "PARTYWALL_TENANT_METRICS")]
    tenant_metrics: usize,

    /// How log lines are written to stderr.
    #[arg(long, value_enum, default_value_t, env = "PARTYWALL_LOG_FORMAT")]
    log_format: LogFormat,

    #[command(flatten)]
    traces: TraceArgs,

    /// Seconds to go on serving after SIGTERM, until clients open no new connections.
    ///
    /// The pod's terminationGracePeriodSeconds must be at least 15 more.
    ///
    /// SIGINT skips this time, and a second signal ends the server at once.
    #[arg(long, value_name = "SECONDS", default_value_t = 15, env = "PARTYWALL_DRAIN")]
    drain: u64,
}

/// Parses an address to listen on.
fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| {
        "write an IP address and a port, such as 127.0.0.1:8443, or [::]:8443 for all addresses".to_owned()
    })
}

pub(super) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let format = args.log_format;
    let log = telemetry::init(format);
    info!(version = VERSION, commit = COMMIT, "partywall starts");
    match (run_logged(args, log.filter()), format) {
        // A log collector cannot read plain text, and a person at a terminal should not have to read JSON.
        (Err(error), LogFormat::Json) => {
            error!(error = format!("{error:#}"), "cannot serve");
            Ok(ExitCode::from(2))
        }
        (result, _) => result,
    }
}

fn run_logged(args: Args, log_filter: Option<LogFilter>) -> anyhow::Result<ExitCode> {
    // Runs everything but the webhook's connections, which have threads of their own. The threads that read policies
    // and certificates have a lower priority than reviews.
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().on_thread_start(lower_priority).build()?;
    let code = runtime.block_on(serve(args, log_filter));
    // After a second signal the program doesn't wait for a file that is being read.
    runtime.shutdown_background();
    code
}

async fn serve(args: Args, log_filter: Option<LogFilter>) -> anyhow::Result<ExitCode> {
    // Before the policies are read, since a signal that nobody waits for ends the process.
    let demands = reloads()?;
    let metrics = Arc::new(Metrics::new()?);
    metrics.tenant_violations.limit_to(args.tenant_metrics);
    let is_demo = args.source.is_demo();
    let (mut source, snapshots) = Source::prepare(args.source, Arc::clone(&metrics)).await?;
    let pair = args.tls_cert.zip(args.tls_key).map(|(cert, key)| Pair { cert, key });
    let clients = args.client_ca.map(|ca| Clients { ca, names: args.client_name });
    let certificates = match source.certify(&args.issuer, pair.as_ref(), Arc::clone(&metrics)) {
        Some(pairs) => Certificates::supplied(pairs, clients)?,
        None => {
            if pair.is_none() {
                warn!("without --tls-cert the certificate is self-signed and made anew at every start");
            }
            Certificates::load(pair, clients)?
        }
    };
    let certificates = certificates.reading_on(demands.clone());
    let readiness = source.readiness();
    let listeners = Listeners { webhook: bind(args.listen)?, ops: bind(args.ops_listen)? };
    let (listen, ops_listen) = (listeners.webhook.local_addr()?, listeners.ops.local_addr()?);
    // Before the log says that it serves, so that no signal comes too early.
    let (first, second) = signals(Duration::from_secs(args.drain))?;
    let (stop, stopping) = watch::channel(false);
    let (end, ended) = watch::channel(false);
    let first = async move {
        let drain = first.await;
        stop.send_replace(true);
        drain
    };
    info!(%listen, %ops_listen, "serving");
    if is_demo {
        demo::announce(listen);
    }
    // If the number of cores is unknown, one thread serves.
    let workers = available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let (traces, spans) = args.traces.start(&metrics)?;
    let parts = Parts {
        decider: snapshots,
        certificates,
        metrics,
        limits: limits_within_descriptors(workers.get()),
        workers: Workers::start(workers)?,
        readiness,
        log_filter,
        traces,
    };
    // The first of these to end drops and so ends the others.
    tokio::select! {
        () = server::run(listeners, parts, first) => {
            end.send_replace(true);
            // A replica that does not get away in time is known to be gone soon anyway.
            let finish = async {
                if let Some(spans) = spans {
                    spans.finish().await;
                }
            };
            let _late = timeout(LEAVE, async { tokio::join!(end.closed(), finish) }).await;
            Ok(ExitCode::SUCCESS)
        }
        never = source.watch(demands, stopping, ended) => match never {},
        () = second => {
            warn!("a second signal: ending at once");
            Ok(ExitCode::FAILURE)
        }
    }
}

/// Listens on an address. `[::]` means all addresses; without IPv6 in the kernel, all of IPv4.
fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    let listener = server::bind(address).or_else(|error| {
        let has_v4 = address.ip() == Ipv6Addr::UNSPECIFIED;
        let v4 = has_v4.then(|| server::bind((Ipv4Addr::UNSPECIFIED, address.port()).into()).ok());
        v4.flatten().ok_or(error)
    });
    listener.with_context(|| format!("cannot listen on {address}"))
}

/// Returns what changes at each SIGHUP, which demands that policies and certificates are read again.
fn reloads() -> std::io::Result<watch::Receiver<()>> {
    let mut hangup = signal(SignalKind::hangup())?;
    let (demand, demands) = watch::channel(());
    tokio::spawn(async move {
        while hangup.recv().await.is_some() {
            info!("SIGHUP: reading the policies and certificates again");
            demand.send_replace(());
        }
    });
    Ok(demands)
}

/// Returns two futures: the first signal, as the time to drain, and the second signal.
fn signals(
    drain: Duration,
) -> std::io::Result<(impl Future<Output = Duration> + Send, impl Future<Output = ()> + Send)> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let (tell, told) = oneshot::channel();
    let watch = async move {
        let time = either(&mut terminate, &mut interrupt, drain).await;
        // The receiver is gone if the server has stopped by itself.
        let _stopped = tell.send(time);
        either(&mut terminate, &mut interrupt, drain).await;
    };
    let first = async move {
        match told.await {
            Ok(time) => time,
            // The other future was dropped, so the process is about to end.
            Err(_) => std::future::pending().await,
        }
    };
    Ok((first, watch))
}

async fn either(terminate: &mut Signal, interrupt: &mut Signal, drain: Duration) -> Duration {
    tokio::select! {
        _ = terminate.recv() => drain,
        _ = interrupt.recv() => Duration::ZERO,
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::*;

    #[derive(Debug, Parser)]
    struct Command {
        #[command(flatten)]
        args: Args,
    }

    fn parse(flags: &[&str]) -> Result<Args, String> {
        Command::try_parse_from(["serve"].iter().chain(flags))
            .map(|command| command.args)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn every_flag_has_an_environment_variable() {
        for flag in Command::command().get_arguments().filter(|flag| flag.get_id() != "help") {
            let name = flag.get_long().unwrap().to_uppercase().replace('-', "_");
            assert_eq!(flag.get_env().unwrap().to_str().unwrap(), format!("PARTYWALL_{name}"));
        }
    }

    #[test]
    fn a_certificate_needs_its_key_and_the_other_way_round() {
        assert!(parse(&["--tls-cert", "tls.crt"]).unwrap_err().contains("--tls-key"));
        assert!(parse(&["--tls-key", "tls.key"]).unwrap_err().contains("--tls-cert"));
        assert!(parse(&["--tls-cert", "tls.crt", "--tls-key", "tls.key"]).is_ok());
    }

    #[test]
    fn l12_names_of_clients_need_their_ca_and_are_not_empty() {
        let names = |flags: &[&str]| {
            parse(&[&["--client-ca", "ca.crt"], flags].concat()).map(|args| args.client_name)
        };
        assert!(parse(&["--client-name", "a"]).unwrap_err().contains("--client-ca"));
        assert_eq!(names(&["--client-name", "a,b", "--client-name", "c"]).unwrap(), ["a", "b", "c"]);
        assert!(names(&[]).unwrap().is_empty());
        assert!(names(&["--client-name", ""]).is_err());
    }

    #[tokio::test]
    async fn all_addresses_are_those_of_both_families() {
        let listener = bind("[::]:0".parse().unwrap()).unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::net::TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.unwrap();
        let taken = bind(([0, 0, 0, 0], port).into()).unwrap_err();
        assert!(format!("{taken:#}").contains("cannot listen on 0.0.0.0"), "{taken:#}");
    }

    #[test]
    fn policies_come_from_files_or_from_a_cluster() {
        assert!(parse(&["--cluster", "--policies", "a"]).unwrap_err().contains("--policies"));
        for flag in ["--kubeconfig", "--context", "--settings"] {
            assert!(parse(&[flag, "a"]).unwrap_err().contains("--cluster"), "{flag}");
            assert!(parse(&["--cluster", flag, "a"]).is_ok(), "{flag}");
        }
        assert!(parse(&[]).unwrap().source.is_demo());
        assert!(!parse(&["--cluster"]).unwrap().source.is_demo());
        assert!(!parse(&["--policies", "a"]).unwrap().source.is_demo());
    }

    #[test]
    fn policies_are_several_paths() {
        let paths = ["a", "b", "c"].map(PathBuf::from);
        assert_eq!(parse(&["--policies", "a", "b", "--policies", "c"]).unwrap().source.policies, paths);
        assert_eq!(parse(&["--policies", "a,b,c"]).unwrap().source.policies, paths);
    }
}
