//! etcd, the API server, the controller manager and the scheduler, of the release that KUBEBUILDER_ASSETS holds.
//!
//! All supported releases take these flags; a feature that is off by default is on from the release that has it.

use std::env;
use std::fmt::{self, Display};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;

use crate::api::Api;
use crate::partywall::Pair;
use crate::process::Process;
use crate::users::{self, User};
use crate::{http, ports};

const PROGRAMS: [&str; 5] =
    ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl"];
/// The time that each program has to become ready.
const READY_TIMEOUT: Duration = Duration::from_secs(90);

/// The features that are off by default, each with the first release whose form of it the cases are about.
const GATES: [(u32, &str); 7] = [
    (37, "GenericWorkload"),
    (37, "CompositePodGroup"),
    (37, "TopologyAwareWorkloadScheduling"),
    (37, "DRAWorkloadResourceClaims"),
    (37, "PodGroupPreemptionPolicy"),
    (37, "EvictionRequestAPI"),
    (37, "AtomicWriteVolumeUserFields"),
];
/// The APIs that are off by default, as [`GATES`].
const APIS: [(u32, &str); 3] = [
    (37, "scheduling.k8s.io/v1beta1"),
    (37, "scheduling.k8s.io/v1alpha3"),
    (37, "lifecycle.k8s.io/v1alpha1"),
];

/// Returns the `37` of the newest release that is pinned.
pub(crate) fn newest_pinned() -> u32 {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/e2e/kubernetes");
    let minor = |name: String| name.strip_prefix("v1.")?.split('.').next()?.parse().ok();
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter_map(minor).max().unwrap()
}

/// Returns the names for this release, each followed by `=true`.
fn turned_on(names: &[(u32, &str)], minor: u32) -> Option<String> {
    let names = names.iter().filter(|(since, _)| *since <= minor);
    let turned_on: Vec<String> = names.map(|(_, name)| format!("{name}=true")).collect();
    (!turned_on.is_empty()).then(|| turned_on.join(","))
}

/// The folder of the programs.
///
/// # Errors
///
/// If one is missing: the suite fails then, since a suite that skips tells nothing.
pub(crate) fn assets() -> Result<PathBuf, String> {
    const HOW: &str = "`make e2e` builds a control plane and says where it is; or set KUBEBUILDER_ASSETS to a folder \
                       that holds one (README, \"In a real cluster\")";
    let assets = env::var_os("KUBEBUILDER_ASSETS").filter(|value| !value.is_empty()).map(PathBuf::from);
    let assets = assets.ok_or_else(|| format!("KUBEBUILDER_ASSETS is not set\n{HOW}"))?;
    let absent: Vec<&str> =
        PROGRAMS.iter().copied().filter(|program| !assets.join(program).is_file()).collect();
    if absent.is_empty() {
        return Ok(assets);
    }
    Err(format!("{} has no {}\n{HOW}", assets.display(), absent.join(", no ")))
}

/// The version of a control plane.
pub(crate) struct Version {
    text: String,
    /// The `37` of `v1.37.2`.
    pub(crate) minor: u32,
}

impl Version {
    fn of(assets: &Path) -> Self {
        let output = Command::new(assets.join("kube-apiserver")).arg("--version").output().unwrap();
        let output = String::from_utf8(output.stdout).unwrap();
        let text = output.trim().trim_start_matches("Kubernetes ").to_owned();
        let minor = text.strip_prefix("v1.").and_then(|rest| rest.split('.').next()?.parse().ok());
        let minor = minor.unwrap_or_else(|| panic!("kube-apiserver --version says `{output}`"));
        Self { text, minor }
    }
}

impl Display for Version {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

/// A running control plane. Dropping it kills it, since nothing in it needs an orderly end.
pub(crate) struct ControlPlane {
    pub(crate) assets: PathBuf,
    pub(crate) version: Version,
    /// The URL of the API server.
    pub(crate) server: String,
    /// The CA that signed what it serves with.
    pub(crate) ca: PathBuf,
    pub(crate) admin: Api,
    /// The arguments of the API server, to start it again.
    flags: Vec<String>,
    folder: PathBuf,
    /// Clients first, the store last.
    processes: Mutex<Vec<Process>>,
}

/// The place of the API server among the processes.
const API_SERVER: usize = 2;

/// The arguments that all programs share.
struct Start<'a> {
    runtime: &'a Handle,
    assets: &'a Path,
    folder: &'a Path,
    pair: &'a Pair,
    minor: u32,
}

impl ControlPlane {
    /// Starts one from an empty store. `pair` serves all of it and signs service accounts' tokens.
    pub(crate) fn start(runtime: &Handle, assets: PathBuf, folder: &Path, pair: &Pair) -> Self {
        let version = Version::of(&assets);
        let start = Start { runtime, assets: &assets, folder, pair, minor: version.minor };
        let (etcd, store) = start.etcd();
        let (api_server, flags, server, admin) = start.api_server(&store);
        users::write_kubeconfigs(folder, &server, &pair.ca);
        // Side by side: neither needs the other.
        let (mut manager, its_health) = start.controller_manager();
        let (mut scheduler, health) = start.scheduler();
        manager.until_up(READY_TIMEOUT, || its_health.text("/healthz").map(drop));
        scheduler.until_up(READY_TIMEOUT, || health.text("/healthz").map(drop));
        let processes = Mutex::new(vec![scheduler, manager, api_server, etcd]);
        let (folder, ca) = (folder.to_owned(), pair.ca.clone());
        Self { assets, version, server, ca, admin, flags, folder, processes }
    }

    /// Ends it.
    ///
    /// # Panics
    ///
    /// If a part of it has ended before, which explains whatever else went wrong.
    pub(crate) fn stop(self) {
        let mut processes = self.processes.into_inner().unwrap_or_else(PoisonError::into_inner);
        processes.iter_mut().for_each(Process::must_run);
    }

    /// Kills the API server, runs `meanwhile`, and starts it again at the same address.
    pub(crate) fn restart_api_server(&self, meanwhile: impl FnOnce()) {
        let mut processes = self.processes.lock().unwrap_or_else(PoisonError::into_inner);
        drop(processes.remove(API_SERVER));
        meanwhile();
        let program = self.assets.join("kube-apiserver");
        let mut process = Process::start("kube-apiserver", &self.folder, &program, &self.flags);
        process.until_up(READY_TIMEOUT, || self.admin.text("/readyz").map(drop));
        processes.insert(API_SERVER, process);
    }

    /// The API server as a user sees it.
    pub(crate) fn api(&self, runtime: &Handle, user: User) -> Api {
        Api::new(runtime, &self.server, &self.ca, &user.token())
    }
}

impl Start<'_> {
    fn etcd(&self) -> (Process, String) {
        let (client, peer) = (ports::free(), ports::free());
        let flags = [
            format!("--data-dir={}", self.folder.join("etcd").display()),
            format!("--listen-client-urls=http://{client}"),
            format!("--advertise-client-urls=http://{client}"),
            format!("--listen-peer-urls=http://{peer}"),
            format!("--initial-advertise-peer-urls=http://{peer}"),
            format!("--initial-cluster=default=http://{peer}"),
            // The store is deleted with the suite.
            "--unsafe-no-fsync".to_owned(),
        ];
        let mut etcd = self.process("etcd", &flags);
        etcd.until_up(READY_TIMEOUT, || match self.runtime.block_on(http::get(client, "/health")) {
            Ok((status, _)) if status.is_success() => Ok(()),
            Ok((_, health)) => Err(health),
            Err(error) => Err(error.to_string()),
        });
        (etcd, format!("http://{client}"))
    }

    fn api_server(&self, store: &str) -> (Process, Vec<String>, String, Api) {
        let port = ports::free().port();
        let tokens = self.folder.join("tokens.csv");
        users::write_tokens(&tokens);
        let mut flags = self.serving(port);
        flags.extend([
            format!("--etcd-servers={store}"),
            "--advertise-address=127.0.0.1".to_owned(),
            // A loopback address makes no Endpoints.
            "--endpoint-reconciler-type=none".to_owned(),
            // Loopback addresses, so that a listener can stand in for kube-proxy.
            "--service-cluster-ip-range=127.96.0.0/16".to_owned(),
            "--authorization-mode=Node,RBAC".to_owned(),
            format!("--token-auth-file={}", tokens.display()),
            "--service-account-issuer=https://kubernetes.default.svc".to_owned(),
            format!("--service-account-key-file={}", self.pair.cert.display()),
            format!("--service-account-signing-key-file={}", self.pair.key.display()),
            // Privileged pods are partywall's to refuse.
            "--allow-privileged=true".to_owned(),
        ]);
        flags.extend(self.gates());
        flags.extend(turned_on(&APIS, self.minor).map(|apis| format!("--runtime-config={apis}")));
        let mut process = self.process("kube-apiserver", &flags);
        let server = format!("https://127.0.0.1:{port}");
        let admin = Api::new(self.runtime, &server, &self.pair.ca, &User::Admin.token());
        process.until_up(READY_TIMEOUT, || admin.text("/readyz").map(drop));
        (process, flags, server, admin)
    }

    fn controller_manager(&self) -> (Process, Api) {
        let port = ports::free().port();
        let mut flags = self.serving(port);
        flags.extend(self.client(User::ControllerManager));
        flags.extend([
            "--leader-elect=false".to_owned(),
            "--use-service-account-credentials=true".to_owned(),
            format!("--service-account-private-key-file={}", self.pair.key.display()),
            format!("--root-ca-file={}", self.pair.ca.display()),
            // The nodes of the suite renew no leases.
            "--controllers=*,-nodelifecycle".to_owned(),
            "--kube-api-qps=500".to_owned(),
            "--kube-api-burst=1000".to_owned(),
            "--concurrent-namespace-syncs=20".to_owned(),
        ]);
        flags.extend(self.gates());
        (self.process("kube-controller-manager", &flags), self.anonymous(port))
    }

    fn scheduler(&self) -> (Process, Api) {
        let port = ports::free().port();
        let mut flags = self.serving(port);
        flags.extend(self.client(User::Scheduler));
        flags.push("--leader-elect=false".to_owned());
        flags.extend(self.gates());
        (self.process("kube-scheduler", &flags), self.anonymous(port))
    }

    fn gates(&self) -> Option<String> {
        turned_on(&GATES, self.minor).map(|gates| format!("--feature-gates={gates}"))
    }

    fn serving(&self, port: u16) -> Vec<String> {
        vec![
            "--bind-address=127.0.0.1".to_owned(),
            format!("--secure-port={port}"),
            format!("--tls-cert-file={}", self.pair.cert.display()),
            format!("--tls-private-key-file={}", self.pair.key.display()),
        ]
    }

    fn client(&self, user: User) -> Vec<String> {
        let file = user.kubeconfig(self.folder);
        ["kubeconfig", "authentication-kubeconfig", "authorization-kubeconfig"]
            .iter()
            .map(|flag| format!("--{flag}={}", file.display()))
            .collect()
    }

    fn anonymous(&self, port: u16) -> Api {
        Api::new(self.runtime, &format!("https://127.0.0.1:{port}"), &self.pair.ca, "")
    }

    fn process(&self, program: &str, flags: &[String]) -> Process {
        Process::start(program, self.folder, &self.assets.join(program), flags)
    }
}
