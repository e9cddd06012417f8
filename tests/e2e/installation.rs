//! partywall as it is installed in a cluster: its objects, its account, and replicas that run as that account.
//!
//! The replicas are processes, since no container runs here. The API server reaches them by the balancer's address and
//! not by the Service, as `--webhook-url` says.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::api::Api;
use crate::cluster::Cluster;
use crate::eventually::{SOON, eventually};
use crate::outcome::Outcome;
use crate::partywall::{Instance, PROGRAM};
use crate::users::User;
use crate::{ports, process};

/// partywall's namespace.
pub(crate) const NAMESPACE: &str = "partywall-system";
/// The kinds of both configurations.
pub(crate) const CONFIGURATIONS: [&str; 2] =
    ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"];
/// The time that replicas have to register what is demanded: an edited configuration is mended within ten seconds.
pub(crate) const MENDED: Duration = Duration::from_secs(10);

/// An installed partywall.
pub(crate) struct Installation<'c> {
    cluster: &'c Cluster,
    kubeconfig: PathBuf,
}

/// Prints manifests as partywall does.
pub(crate) fn manifests(args: &[&str]) -> String {
    manifests_of(Path::new(PROGRAM), args)
}

/// [`manifests`] of another build.
pub(crate) fn manifests_of(program: &Path, args: &[&str]) -> String {
    let output = process::command(program).arg("manifests").args(args).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Applies the definitions, and waits until the API server serves the kinds.
#[track_caller]
pub(crate) fn define(cluster: &Cluster) {
    let apply = ["apply", "--server-side", "--force-conflicts", "-f", "-"];
    let said = cluster.kubectl(User::Admin).args(apply).stdin(manifests(&["crds"])).succeeds();
    assert!(!said.stderr.contains("Warning"), "{}", said.stderr);
    eventually(SOON, "the kinds are served", || {
        let said = cluster.kubectl(User::Admin).args(["get", "partywall"]).run();
        if said.code == Some(0) { Ok(()) } else { Err(said.stderr) }
    });
}

/// Deletes what replicas remember. Their namespace stays, which would take seconds to end.
#[track_caller]
fn forget(cluster: &Cluster) {
    let memory = ["delete", "secrets,leases", "--all", "--namespace", NAMESPACE];
    cluster.kubectl(User::Admin).args(memory).succeeds();
}

/// Writes a kubeconfig of partywall's account, with a token of its own, and returns its path.
#[track_caller]
pub(crate) fn log_in(cluster: &Cluster) -> PathBuf {
    let path = format!("/api/v1/namespaces/{NAMESPACE}/serviceaccounts/partywall/token");
    let request = json!({"spec": {"expirationSeconds": 28_800}});
    let answer = cluster.admin().create(&path, &request);
    let admin = fs::read_to_string(User::Admin.kubeconfig(&cluster.folder)).unwrap();
    let mut config: Value = serde_json::from_str(&admin).unwrap();
    config["users"][0]["user"] = json!({"token": answer["status"]["token"]});
    let kubeconfig = cluster.folder.join("installation.kubeconfig");
    fs::write(&kubeconfig, config.to_string()).unwrap();
    kubeconfig
}

impl<'c> Installation<'c> {
    /// Installs everything but what runs containers, in place of the partywall that all cases share.
    #[track_caller]
    pub(crate) fn install(cluster: &'c Cluster) -> Self {
        cluster.unregister();
        cluster.stop_partywall();
        define(cluster);
        // One that failed was not removed.
        forget(cluster);
        let all = manifests(&["install"]);
        let runs = |document: &&str| {
            !document.contains("\nkind: Deployment\n") && !document.contains("\nkind: Service\n")
        };
        let documents: Vec<&str> = all.split("\n---\n").filter(runs).collect();
        cluster.kubectl(User::Admin).apply(documents.join("\n---\n")).succeeds();
        Self { cluster, kubeconfig: log_in(cluster) }
    }

    /// Starts a replica that writes to `<name>.log`; it is neither awaited nor behind the balancer yet.
    pub(crate) fn start_unready(&self, name: &str, flags: &[&str]) -> Instance {
        self.start_unready_by(&self.kubeconfig, name, flags)
    }

    /// Returns the account's kubeconfig with another address of the API server.
    pub(crate) fn kubeconfig_by(&self, address: SocketAddr) -> PathBuf {
        let mut config: Value = serde_json::from_str(&fs::read_to_string(&self.kubeconfig).unwrap()).unwrap();
        config["clusters"][0]["cluster"]["server"] = json!(format!("https://{address}"));
        let path = self.cluster.folder.join(format!("installation-{}.kubeconfig", address.port()));
        fs::write(&path, config.to_string()).unwrap();
        path
    }

    /// [`Self::start_unready`] with another kubeconfig.
    pub(crate) fn start_unready_by(&self, kubeconfig: &Path, name: &str, flags: &[&str]) -> Instance {
        self.start_process(Path::new(PROGRAM), kubeconfig, name, flags)
    }

    /// [`Self::start_unready`] of another build.
    pub(crate) fn start_unready_of(&self, program: &Path, name: &str, flags: &[&str]) -> Instance {
        self.start_process(program, &self.kubeconfig, name, flags)
    }

    fn start_process(&self, program: &Path, kubeconfig: &Path, name: &str, flags: &[&str]) -> Instance {
        let addresses = (ports::free(), ports::free());
        let mut args = vec![
            "serve".to_owned(),
            "--cluster".to_owned(),
            format!("--kubeconfig={}", kubeconfig.display()),
            format!("--webhook-url=https://{}", self.cluster.balancer.address()),
            format!("--listen={}", addresses.0),
            format!("--ops-listen={}", addresses.1),
            "--log-format=json".to_owned(),
        ];
        if !flags.iter().any(|flag| flag.starts_with("--drain")) {
            args.push("--drain=0".to_owned());
        }
        args.extend(flags.iter().map(|flag| (*flag).to_owned()));
        Instance::start_unready_with(
            self.cluster.runtime(),
            program,
            name,
            &self.cluster.folder,
            &args,
            addresses,
        )
    }

    /// Starts replicas at once, waits until they are ready, and puts them behind the balancer.
    pub(crate) fn start(&self, names: &[&str], flags: &[&str]) -> Vec<Instance> {
        let mut replicas: Vec<Instance> = names.iter().map(|name| self.start_unready(name, flags)).collect();
        replicas.iter_mut().for_each(Instance::until_ready);
        self.cluster.balancer.watch(&replicas);
        replicas
    }

    /// Returns a configuration.
    pub(crate) fn configuration(&self, kind: &str) -> Option<Value> {
        self.cluster.find(kind, "", "partywall")
    }

    /// Waits until all entries are registered.
    #[track_caller]
    pub(crate) fn until_armed(&self) {
        eventually(SOON, "all entries are registered", || {
            let counts: Vec<usize> = CONFIGURATIONS.iter().map(|kind| self.entries(kind).len()).collect();
            if counts.iter().all(|count| *count > 3) { Ok(()) } else { Err(format!("{counts:?} entries")) }
        });
        self.cluster.until_judged();
    }

    /// Returns the names of the entries of a configuration, in order.
    pub(crate) fn entries(&self, kind: &str) -> Vec<String> {
        let configuration = self.configuration(kind).unwrap_or_default();
        let entries = configuration["webhooks"].as_array().into_iter().flatten();
        entries.filter_map(|entry| entry["name"].as_str().map(str::to_owned)).collect()
    }

    /// Returns the Secret with the CAs.
    #[track_caller]
    pub(crate) fn secret(&self) -> Value {
        self.cluster.get("Secret", NAMESPACE, "partywall-ca")
    }

    /// Returns what changes with each step of a promotion: the CAs, and the bundles of both configurations.
    #[track_caller]
    pub(crate) fn steps(&self) -> Vec<Value> {
        let mut steps = vec![self.secret()["data"]["ca.crt"].clone()];
        let bundles = CONFIGURATIONS.iter().filter_map(|kind| self.configuration(kind));
        steps.extend(
            bundles.map(|configuration| configuration["webhooks"][0]["clientConfig"]["caBundle"].clone()),
        );
        steps
    }

    /// Connects to a replica anew, with the CAs that are registered.
    #[track_caller]
    pub(crate) fn must_trust(&self, replica: &Instance) {
        assert!(self.trusts(replica), "what is registered does not trust the replica at {}", replica.webhook);
    }

    /// Tells whether a new connection to a replica can be made with the CAs that are registered.
    pub(crate) fn trusts(&self, replica: &Instance) -> bool {
        let configuration = self.configuration("ValidatingWebhookConfiguration").unwrap();
        let bundle = configuration["webhooks"][0]["clientConfig"]["caBundle"].as_str().unwrap().to_owned();
        let file = self.cluster.folder.join("registered-bundle.pem");
        fs::write(&file, BASE64_STANDARD.decode(bundle).unwrap()).unwrap();
        let server = format!("https://{}", replica.webhook);
        // Nothing is at this path, but even the answer 404 needs a trusted connection.
        let answer = Api::new(self.cluster.runtime(), &server, &file, "").text("/");
        matches!(&answer, Err(kube::Error::Api(status)) if status.code == 404)
    }

    /// Applies the policies of the suite as objects.
    #[track_caller]
    pub(crate) fn apply_policies(&self) {
        let policies = fs::read_to_string(&self.cluster.setup.policies).unwrap();
        self.cluster.kubectl(User::Admin).apply(policies).succeeds();
    }

    /// Runs a command of partywall as the administrator.
    pub(crate) fn partywall(&self, args: &str) -> Outcome {
        self.cluster.script(User::Admin, &self.cluster.folder, &format!("partywall {args}"))
    }

    /// Takes away the configurations and all objects. The definitions stay: an API server is busy for seconds when
    /// kinds come and go.
    #[track_caller]
    pub(crate) fn remove(self, replicas: Vec<Instance>) {
        self.cluster.balancer.set_backends(Vec::new());
        for replica in replicas {
            let status = replica.stop(SOON);
            assert!(status.is_some_and(|status| status.success()), "a replica ended with {status:?}");
        }
        for kind in CONFIGURATIONS {
            if self.configuration(kind).is_some() {
                self.cluster.admin().delete(&format!("{}/partywall", self.cluster.path(kind, "")));
            }
        }
        // For a moment, the API server still asks about NodePools, and gets no answer.
        eventually(SOON, "the objects are deleted", || {
            let objects = ["delete", "partywall", "--all", "--wait=false"];
            let said = self.cluster.kubectl(User::Admin).args(objects).run();
            if said.code == Some(0) { Ok(()) } else { Err(said.stderr) }
        });
        forget(self.cluster);
    }
}
