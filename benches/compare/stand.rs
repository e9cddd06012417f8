//! Holds the control plane that both sides share, and starts, registers and ends one side after the other.

use std::fs::{self, File};
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use axum::http::{Method, StatusCode};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tokio::runtime::{Builder, Handle, Runtime};

use crate::api::{Api, Error};
use crate::client::Target;
use crate::control_plane::{self, ControlPlane};
use crate::eventually::{SOON, eventually};
use crate::gatekeeper::{self, Addresses, Manifest};
use crate::kinds::path;
use crate::partywall::{self, Pair};
use crate::process;
use crate::say;
use crate::side::Side;
use crate::users::User;
use crate::{http, nodes, ports};

/// The namespace of the tenant that is attacked from, and its user.
pub(crate) const TENANT: &str = "tenants-x";
pub(crate) const USER: User = User::Tenant("tenant-x");
/// A namespace outside tenants, and its user.
pub(crate) const ELSEWHERE: &str = "elsewhere";
pub(crate) const OUTSIDER: User = User::Tenant("outsider");
/// How long a server may take to end, or to answer for the first time.
const PATIENCE: Duration = Duration::from_secs(120);

/// The control plane, and the files of both sides.
pub(crate) struct Stand {
    pub(crate) folder: PathBuf,
    control_plane: ControlPlane,
    gatekeeper: PathBuf,
    manifest: Manifest,
    pair: Pair,
    runtime: Runtime,
}

impl Stand {
    /// Starts the control plane, and installs the policies of both sides.
    pub(crate) fn build() -> anyhow::Result<Self> {
        let assets = control_plane::assets().map_err(|error| anyhow!(error))?;
        let gatekeeper = gatekeeper::assets()?;
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("compare");
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(&folder)?;
        say(&format!("control plane; logs are in {}", folder.display()));
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let pair = Pair::make(&folder.join("certs"))?;
        let own = Pair::make(&folder.join("control-plane"))?;
        let control_plane = ControlPlane::start(runtime.handle(), assets, &folder, &own);
        let file = gatekeeper.join("gatekeeper.yaml");
        let objects = kubectl(&control_plane, &folder)
            .args(["create", "--dry-run=client", "--validate=false", "--output=json", "--filename"])
            .arg(file)
            .output_text()?;
        let manifest = Manifest::new(&objects)?;
        let stand = Self { folder, control_plane, gatekeeper, manifest, pair, runtime };
        nodes::create(stand.admin());
        stand.create_namespaces();
        stand.install_gatekeeper()?;
        Ok(stand)
    }

    pub(crate) fn runtime(&self) -> &Handle {
        self.runtime.handle()
    }

    pub(crate) fn admin(&self) -> &Api {
        &self.control_plane.admin
    }

    pub(crate) fn api(&self, user: User) -> Api {
        self.control_plane.api(self.runtime.handle(), user)
    }

    /// Returns the version of the API server.
    pub(crate) fn kubernetes(&self) -> String {
        self.control_plane.version.to_string()
    }

    /// Returns the folder of Gatekeeper's program.
    pub(crate) fn gatekeeper(&self) -> &Path {
        &self.gatekeeper
    }

    /// Ends the control plane.
    pub(crate) fn stop(self) {
        self.control_plane.stop();
    }

    fn create_namespaces(&self) {
        for (name, labels) in [
            (TENANT, json!({"partywall.dev/tenant": TENANT})),
            ("tenants-y", json!({"partywall.dev/tenant": "tenants-y"})),
            (ELSEWHERE, json!({})),
        ] {
            let metadata = json!({"name": name, "labels": labels});
            let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata});
            self.admin().create(&path("Namespace", ""), &namespace);
            let account = format!("{}/default", path("ServiceAccount", name));
            eventually(SOON, "a ServiceAccount", || self.admin().get(&account).map(drop).ok_or("none"));
        }
        // More than `edit` has, as an operator's own roles may.
        let cluster_roles = "/apis/rbac.authorization.k8s.io/v1/clusterroles";
        self.admin().create(cluster_roles, &json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "more"},
            "rules": [
                {"apiGroups": [""], "resources": ["pods/ephemeralcontainers"], "verbs": ["patch"]},
                {"apiGroups": [""], "resources": ["pods/binding"], "verbs": ["create"]},
                {"apiGroups": [""], "resources": ["namespaces", "namespaces/status"], "verbs": ["get", "patch"]},
            ],
        }));
        for (user, namespace) in [(USER, TENANT), (OUTSIDER, ELSEWHERE)] {
            for role in ["edit", "more"] {
                let subject =
                    json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user.name()});
                let binding = json!({
                    "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding",
                    "metadata": {"name": format!("{role}-{user}")},
                    "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
                    "subjects": [subject],
                });
                self.admin().create(&path("RoleBinding", namespace), &binding);
            }
            let (api, pods) = (self.api(user), format!("{}?dryRun=All", path("Pod", namespace)));
            eventually(SOON, "the user may create pods", || {
                api.send(Method::POST, &pods, &probe_pod()).map_err(|error| error.to_string())
            });
        }
    }

    /// Installs Gatekeeper's kinds and policies, and checks that it understands them.
    fn install_gatekeeper(&self) -> anyhow::Result<()> {
        say("installing Gatekeeper's policies");
        self.apply(&self.manifest.installation().to_string())?;
        let namespace = gatekeeper::NAMESPACE;
        let account = format!("{}/default", path("ServiceAccount", namespace));
        eventually(SOON, "a ServiceAccount", || self.admin().get(&account).map(drop).ok_or("none"));
        // Gated, so that the scheduler leaves it alone: the program runs beside the cluster.
        let confined = json!({
            "allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}, "runAsNonRoot": true,
            "seccompProfile": {"type": "RuntimeDefault"},
        });
        let container = json!({"name": "manager", "image": "gatekeeper", "securityContext": confined});
        let gate = json!({"name": "partywall.dev/runs-beside"});
        let pod = json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": gatekeeper::POD},
            "spec": {"schedulingGates": [gate], "containers": [container]},
        });
        self.admin().create(&path("Pod", namespace), &pod);
        let server = self.start_gatekeeper("gatekeeper-installing", &gatekeeper::INSTALLING)?;
        gatekeeper::install_policies(self.admin(), |file| {
            self.kubectl().args(["apply", "--filename"]).arg(file).output_text()
        })?;
        server.stop();
        Ok(())
    }

    /// Starts a side, and waits until the API server calls it.
    pub(crate) fn session(&self, side: Side) -> anyhow::Result<Session<'_>> {
        let server = match side {
            Side::Nothing => None,
            Side::Partywall => {
                let (webhook, ops) = (ports::free(), ports::free());
                let server =
                    self.start(side.name(), partywall::serve(&self.pair, webhook, ops)?, webhook, ops)?;
                self.apply(&partywall::configurations(&self.pair, webhook)?)?;
                Some(server)
            }
            Side::Gatekeeper => {
                let server = self.start_gatekeeper("gatekeeper", &gatekeeper::ANSWERING)?;
                let configurations = self.manifest.configurations(&self.pair, server.target.address)?;
                self.apply(&configurations.to_string())?;
                Some(server)
            }
        };
        self.until_judged(side != Side::Nothing);
        Ok(Session { stand: self, server })
    }

    fn start_gatekeeper(&self, name: &str, operations: &[&str]) -> anyhow::Result<Server> {
        let at = Addresses { webhook: ports::free(), health: ports::free(), metrics: ports::free() };
        let command = gatekeeper::serve(&self.gatekeeper, &self.folder, &self.pair, at, operations)?;
        self.start(name, command, at.webhook, at.health)
    }

    /// Starts a server and waits until it says that it is ready.
    fn start(
        &self,
        name: &str,
        mut command: Command,
        webhook: SocketAddr,
        health: SocketAddr,
    ) -> anyhow::Result<Server> {
        let file = self.folder.join(format!("{name}.log"));
        let log = File::options().create(true).append(true).open(&file)?;
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let mut child = command.spawn().with_context(|| format!("cannot start {name}"))?;
        eventually(PATIENCE, &format!("{name} is ready"), || {
            if let Some(status) = child.try_wait().unwrap() {
                panic!("{name} ended with {status}; its log is {}", file.display());
            }
            match self.runtime.block_on(http::get(health, "/readyz")) {
                Ok((StatusCode::OK, _)) => Ok(()),
                Ok((status, body)) => Err(format!("{status} {body}")),
                Err(error) => Err(error.to_string()),
            }
        });
        let target = Target::new(webhook, &self.pair.authority()?, false)?;
        Ok(Server { pid: child.id(), target, child })
    }

    /// Waits until a tenant's objects are stamped and judged; if not `wanted`, until they are not.
    fn until_judged(&self, wanted: bool) {
        let api = self.api(USER);
        let service = json!({
            "apiVersion": "v1", "kind": "Service", "metadata": {"name": "probe"},
            "spec": {"type": "NodePort", "ports": [{"port": 80}]},
        });
        let services = format!("{}?dryRun=All", path("Service", TENANT));
        eventually(SOON, "Services are judged as expected", || {
            match (wanted, api.send(Method::POST, &services, &service)) {
                (false, Ok(_)) => Ok(()),
                (true, Err(Error::Api { message, .. })) if is_denial(&message) => Ok(()),
                (_, Ok(_)) => Err("a NodePort was let through".to_owned()),
                (_, Err(error)) => Err(error.to_string()),
            }
        });
        let pods = format!("{}?dryRun=All", path("Pod", TENANT));
        eventually(SOON, "pods are stamped as expected", || {
            let pod = api.send(Method::POST, &pods, &probe_pod()).map_err(|error| error.to_string())?;
            if is_stamped(&pod) == wanted { Ok(()) } else { Err(pod["spec"].to_string()) }
        });
    }

    fn unregister(&self) {
        for kind in ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"] {
            self.admin().delete(&path(kind, ""));
        }
        self.until_judged(false);
    }

    /// Deletes the objects that a session created.
    pub(crate) fn clean(&self) {
        for namespace in [TENANT, ELSEWHERE] {
            for kind in ["Deployment", "DaemonSet", "Service", "Ingress"] {
                self.admin().delete(&path(kind, namespace));
            }
            eventually(PATIENCE, "the pods are gone", || {
                let pods = path("Pod", namespace);
                self.admin().delete(&format!("{pods}?gracePeriodSeconds=0"));
                let left = self.admin().get(&format!("{pods}?limit=1")).unwrap_or_default();
                match left["items"].as_array() {
                    Some(pods) if pods.is_empty() => Ok(()),
                    _ => Err("some are left"),
                }
            });
        }
    }

    fn apply(&self, manifests: &str) -> anyhow::Result<()> {
        let file = self.folder.join("applied");
        File::create(&file)?.write_all(manifests.as_bytes())?;
        // The kinds of Gatekeeper are too large for the annotation of a client-side apply.
        self.kubectl().args(["apply", "--server-side", "--filename"]).arg(&file).output_text().map(drop)
    }

    fn kubectl(&self) -> Command {
        kubectl(&self.control_plane, &self.folder)
    }
}

/// A side that is the only one that the API server calls.
pub(crate) struct Session<'s> {
    stand: &'s Stand,
    server: Option<Server>,
}

impl Session<'_> {
    pub(crate) fn server(&self) -> Option<&Server> {
        self.server.as_ref()
    }

    /// Unregisters and stops the side, and deletes the objects that were created meanwhile.
    pub(crate) fn end(self) {
        self.stand.unregister();
        if let Some(server) = self.server {
            server.stop();
        }
        self.stand.clean();
    }
}

/// A running server; dropping it kills it.
pub(crate) struct Server {
    pub(crate) pid: u32,
    /// The address and the CA of its webhooks.
    pub(crate) target: Target,
    child: Child,
}

impl Server {
    /// Sends SIGTERM, and waits until it has ended.
    fn stop(mut self) {
        // Not reaped yet, so the number is still its own.
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
        let begun = Instant::now();
        eventually(PATIENCE, "the server ends", || match self.child.try_wait().unwrap() {
            None if begun.elapsed() < PATIENCE / 2 => Err("it runs"),
            _ => Ok(()),
        });
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail only for a child that has ended and was reaped.
        let _killed = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// Tells whether a message says that a webhook denied a request, and not that it could not be called.
pub(crate) fn is_denial(message: &str) -> bool {
    message.contains("admission webhook") && message.contains("denied the request")
}

/// Tells whether a pod is confined to the nodes of its tenant, and may run there.
pub(crate) fn is_stamped(pod: &Value) -> bool {
    let spec = &pod["spec"];
    let required = &spec["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"];
    let tolerations = spec["tolerations"].as_array().into_iter().flatten();
    let is_tolerated = |toleration: &Value| toleration["key"] == "tenant" && toleration["value"] == TENANT;
    spec["nodeSelector"]["tenant"] == TENANT
        && required["nodeSelectorTerms"].is_array()
        && tolerations.into_iter().any(is_tolerated)
}

fn probe_pod() -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "probe"},
        "spec": {"containers": [{"name": "app", "image": "registry.example.com/app:1"}]},
    })
}

fn kubectl(control_plane: &ControlPlane, folder: &Path) -> Command {
    let mut command = process::command(&control_plane.assets.join("kubectl"));
    command.arg("--kubeconfig").arg(User::Admin.kubeconfig(folder));
    command
}

/// Runs a command for what it prints.
trait OutputText {
    fn output_text(&mut self) -> anyhow::Result<String>;
}

impl OutputText for Command {
    fn output_text(&mut self) -> anyhow::Result<String> {
        partywall::output(self)
    }
}
