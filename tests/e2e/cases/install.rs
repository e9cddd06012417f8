//! The installation with policies in files, by the commands and manifests of its page.
//!
//! Two things differ, because there are no nodes here. The API server has no route to a Service, so the webhooks are
//! registered with the URL of a balancer, and the certificate names its address too. And no container runs, so each pod
//! of the Deployment is a process with the arguments, variables and mounted files of the stored pod.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::{mem, thread};

use serde_json::{Value, json};

use crate::api::Api;
use crate::balancer::Balancer;
use crate::cluster::Cluster;
use crate::eventually::{SOON, eventually};
use crate::load::Load;
use crate::partywall::Instance;
use crate::users::User;
use crate::volumes::Volumes;
use crate::{ports, readme};

const NAMESPACE: &str = "partywall-system";
const OPERATOR: User = User::Operator;
const PAGE: &str = "docs/INSTALL-WITH-FILES.md";
const CERTIFICATES: &str = "certs/README.md";

pub(crate) fn the_installation_with_files_ends_with_a_tenants_pod_on_its_node(cluster: &Cluster) {
    cluster.unregister();
    cluster.grant_everything(OPERATOR);
    cluster.cordon("worker-1", false);
    let mut installation = Installation::prepare(cluster);
    installation.run(PAGE, "node");
    installation.run(PAGE, "policies");
    installation.run(PAGE, "objects");
    let said = installation.run(PAGE, "server");
    assert!(!said.contains("Warning"), "{said}");
    installation.start_replicas();
    installation.run(PAGE, "webhooks");
    installation.until_asked();

    let said = installation.run(PAGE, "tenant");
    assert!(said.contains(" worker-1 "), "{said}");
    must_be_on_worker_1(cluster, "blue");

    installation.change_policies();
    // A second year follows the first.
    installation.rotate_certificates();
    installation.rotate_certificates();
    installation.restart_replicas();
    installation.hand_over_to_cert_manager();

    installation.run(PAGE, "remove");
    let namespaces = ["blue", "blue-too", NAMESPACE];
    cluster
        .kubectl(User::Admin)
        .args(["delete", "namespace", "--ignore-not-found"])
        .args(namespaces)
        .succeeds();
}

/// The tenant's pods are there, stamped, and on the tenant's node.
#[track_caller]
pub(crate) fn must_be_on_worker_1(cluster: &Cluster, namespace: &str) {
    let pods = cluster.pods_until(namespace, "the pod runs", |pods| {
        !pods.is_empty() && pods.iter().all(|pod| pod["status"]["phase"] == "Running")
    });
    for pod in pods {
        assert_eq!(pod["spec"]["nodeSelector"], json!({"node-restriction.kubernetes.io/tenant": "blue"}));
        assert_eq!(pod["spec"]["nodeName"], "worker-1");
    }
}

struct Installation<'c> {
    cluster: &'c Cluster,
    /// The folder of the commands: the parts of a checkout that they need.
    folder: PathBuf,
    /// In place of the Service.
    balancer: Balancer,
    replicas: Vec<Replica>,
}

struct Replica {
    name: String,
    container: Value,
    volumes: Volumes,
    instance: Instance,
}

impl<'c> Installation<'c> {
    fn prepare(cluster: &'c Cluster) -> Self {
        let folder = cluster.folder.join("install");
        fs::create_dir(&folder).unwrap();
        symlink(readme::root().join("deploy"), folder.join("deploy")).unwrap();
        Self { cluster, folder, balancer: Balancer::start(cluster.runtime()), replicas: Vec::new() }
    }

    /// Runs a step of a page, and returns what it said.
    #[track_caller]
    fn run(&self, page: &str, step: &str) -> String {
        self.run_commands(&readme::step(page, step))
    }

    #[track_caller]
    fn run_commands(&self, commands: &str) -> String {
        let commands = commands
            .replace(
                "--service partywall-system/partywall",
                &format!("--url https://{}", self.balancer.address()),
            )
            .replace(
                "--dns partywall.partywall-system.svc",
                "--dns partywall.partywall-system.svc --ip 127.0.0.1",
            );
        let outcome = self.cluster.script(OPERATOR, &self.folder, &commands).succeeded();
        format!("{}{}", outcome.stdout, outcome.stderr)
    }

    /// Starts a process for each pod of the Deployment, once the Service leads to two.
    fn start_replicas(&mut self) {
        let pods = self.cluster.pods_until(NAMESPACE, "two replicas run", |pods| {
            pods.len() == 2 && pods.iter().all(|pod| pod["status"]["phase"] == "Running")
        });
        self.must_lead_to(&pods);
        let start = |pod: &Value| Replica::start(self.cluster, &self.folder, pod);
        self.replicas = pods.iter().map(start).collect();
        self.lead_to_replicas();
    }

    /// The Service finds these pods, by its selector and its port.
    fn must_lead_to(&self, pods: &[Value]) {
        let mut addresses: Vec<&Value> = pods.iter().map(|pod| &pod["status"]["podIP"]).collect();
        addresses.sort_by_key(|address| address.to_string());
        eventually(SOON, "the Service leads to both replicas", || {
            let slices = self.cluster.list("EndpointSlice", NAMESPACE);
            let endpoints =
                slices.iter().flat_map(|slice| slice["endpoints"].as_array().into_iter().flatten());
            let ready = endpoints.filter(|endpoint| endpoint["conditions"]["ready"] == true);
            let mut found: Vec<&Value> = ready.map(|endpoint| &endpoint["addresses"][0]).collect();
            found.sort_by_key(|address| address.to_string());
            let is_port = slices.iter().all(|slice| slice["ports"][0]["port"] == 8443);
            if is_port && found == addresses { Ok(()) } else { Err(json!(slices).to_string()) }
        });
    }

    /// Waits until the API server calls the replicas in both phases, and no longer those of an earlier registration.
    fn until_asked(&self) {
        let pod = json!({
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "probe"},
            "spec": {"containers": [{"name": "app", "image": "registry.example.com/app:1"}]},
        });
        let service = json!({
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "probe"},
            "spec": {"ports": [{"port": 80}]},
        });
        eventually(SOON, "the API server asks the replicas", || {
            // The answer does not matter: no tenant of these policies has that namespace.
            for (kind, object) in [("Pod", &pod), ("Service", &service)] {
                let path = format!("{}?dryRun=All", self.cluster.path(kind, "tenants-x"));
                let _answer = self.cluster.admin().send(axum::http::Method::POST, &path, object);
            }
            let metrics: String = self.replicas.iter().map(|replica| replica.instance.metrics()).collect();
            let is_asked = |endpoint: &str| {
                let series = format!("partywall_reviews_total{{endpoint=\"{endpoint}\"");
                metrics.lines().any(|line| line.starts_with(&series) && !line.ends_with(" 0"))
            };
            if is_asked("mutate/tenants") && is_asked("validate/tenants") {
                Ok(())
            } else {
                Err("no replica was called")
            }
        });
    }

    /// The tenant gets one more namespace: the file is edited, the page's command repeated.
    fn change_policies(&mut self) {
        let file = self.folder.join("policies.yaml");
        let policies = fs::read_to_string(&file).unwrap();
        let changed = policies.replace("namespaces: [blue]", "namespaces: [blue, blue-too]");
        assert_ne!(policies, changed);
        // The page's check finds a mistake before it gets to the cluster.
        fs::write(&file, changed.replace("default: blue", "default: bleu")).unwrap();
        let outcome = self.cluster.script(OPERATOR, &self.folder, &readme::step(PAGE, "check"));
        assert_eq!(outcome.code, Some(2), "{outcome}");
        outcome.says("bleu");
        fs::write(&file, changed).unwrap();
        self.run(PAGE, "check");
        self.run(PAGE, "change");
        let reloads = self.each("partywall_policy_reloads_total{result=\"taken\"}");
        self.sync();
        self.until_more("partywall_policy_reloads_total{result=\"taken\"}", &reloads);

        let namespace = "blue-too";
        self.cluster.namespace(namespace, &json!({"partywall.dev/tenant": "blue"}));
        let run = ["run", "hello", "--image=registry.k8s.io/pause:3.10"];
        self.cluster.kubectl(User::Admin).within(namespace).args(run).succeeds();
        must_be_on_worker_1(self.cluster, namespace);
    }

    /// Certificate and CA are replaced as certs/README.md says, and no request meets a gap.
    fn rotate_certificates(&mut self) {
        let taken = "partywall_certificate_reloads_total{result=\"taken\"}";
        let old = self.folder.join("old-ca.crt");
        fs::copy(self.folder.join("partywall-certs/ca.crt"), &old).unwrap();
        assert!(self.all_trusted_by(&old));
        let load = Load::start(self.cluster, OPERATOR, "blue");
        let reloads = self.each(taken);
        self.run(CERTIFICATES, "rotate");
        self.sync();
        self.until_more(taken, &reloads);
        self.run(CERTIFICATES, "rotated");
        assert!(!self.all_trusted_by(&old));
        assert!(self.all_trusted_by(&self.folder.join("partywall-certs/ca.crt")));
        load.until_created(load.created() + 50);
        let load = load.stop(self.cluster);
        assert!(load.failures.is_empty(), "{} failed: {:?}", load.failures.len(), load.failures.first());
    }

    /// Replaces all processes by others with the same mounts, as a rollout does.
    ///
    /// The API server cannot keep a connection to an ended process, so it checks the certificate by its present bundle.
    fn restart_replicas(&mut self) {
        let old = mem::take(&mut self.replicas);
        self.replicas = old.iter().map(|replica| replica.again(self.cluster)).collect();
        self.lead_to_replicas();
        thread::scope(|scope| {
            let stops: Vec<_> = old.into_iter().map(|old| scope.spawn(|| old.instance.stop(SOON))).collect();
            for stop in stops {
                assert!(stop.join().unwrap().is_some_and(|status| status.success()));
            }
        });
        let service = ["create", "service", "nodeport", "open", "--tcp=80", "--dry-run=server"];
        let outcome = self.cluster.kubectl(OPERATOR).within("blue").args(service).fails();
        outcome.says("service-exposure");
    }

    fn lead_to_replicas(&self) {
        self.balancer.set_backends(self.replicas.iter().map(|replica| replica.instance.webhook).collect());
    }

    /// The configurations ask cert-manager's injector for the CA. cert-manager itself does not run here.
    fn hand_over_to_cert_manager(&self) {
        self.run(CERTIFICATES, "cert-manager-webhooks");
        for kind in ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"] {
            let annotations = &self.cluster.get(kind, "", "partywall")["metadata"]["annotations"];
            assert_eq!(annotations["cert-manager.io/inject-ca-from"], "partywall-system/partywall", "{kind}");
        }
    }

    /// Tells whether a client that trusts only this CA can connect to all replicas.
    fn all_trusted_by(&self, ca: &Path) -> bool {
        let is_trusted = |replica: &Replica| {
            let server = format!("https://{}", replica.instance.webhook);
            // Nothing is at this path, but even the answer 404 needs a trusted connection.
            let answer = Api::new(self.cluster.runtime(), &server, ca, "").text("/");
            matches!(answer, Err(kube::Error::Api(status)) if status.code == 404)
        };
        self.replicas.iter().all(is_trusted)
    }

    fn sync(&mut self) {
        self.replicas.iter_mut().for_each(|replica| replica.volumes.sync(self.cluster));
    }

    fn each(&self, series: &str) -> Vec<u64> {
        self.replicas.iter().map(|replica| replica.instance.figure(series)).collect()
    }

    fn until_more(&self, series: &str, before: &[u64]) {
        eventually(SOON, &format!("{series} has grown at each replica"), || {
            let now = self.each(series);
            let has_grown = now.iter().zip(before).all(|(now, before)| now > before);
            if has_grown { Ok(()) } else { Err(format!("{now:?}")) }
        });
    }
}

impl Replica {
    /// Starts what a stored pod says, below a folder that stands for the container's root.
    fn start(cluster: &Cluster, folder: &Path, pod: &Value) -> Self {
        let name = pod["metadata"]["name"].as_str().unwrap().to_owned();
        let container = pod["spec"]["containers"][0].clone();
        for (probe, path) in [("readinessProbe", "/readyz"), ("livenessProbe", "/livez")] {
            assert_eq!(container[probe]["httpGet"]["port"], "ops", "{probe}");
            assert_eq!(container[probe]["httpGet"]["path"], path, "{probe}");
        }
        let volumes = Volumes::mount(cluster, pod, &folder.join(&name));
        let instance = instance(cluster, &name, &container, &volumes, &[]);
        Self { name, container, volumes, instance }
    }

    /// Starts one more of it, with the same mounts.
    fn again(&self, cluster: &Cluster) -> Self {
        let (name, container) = (format!("{}-again", self.name), self.container.clone());
        let instance = instance(cluster, &name, &container, &self.volumes, &[]);
        Self { name, container, volumes: self.volumes.clone(), instance }
    }
}

/// Starts what a container says, with more variables.
pub(crate) fn instance(
    cluster: &Cluster,
    name: &str,
    container: &Value,
    volumes: &Volumes,
    more: &[(String, String)],
) -> Instance {
    let args = container["args"].as_array().unwrap().iter();
    let args: Vec<String> = args.map(|arg| volumes.on_this_machine(arg.as_str().unwrap())).collect();
    // All pods share this machine's ports, so each has others than the container's.
    let (webhook, ops) = (ports::free(), ports::free());
    let variable = |variable: &Value| {
        let name = variable["name"].as_str().unwrap();
        let value = match variable["valueFrom"]["fieldRef"]["fieldPath"].as_str() {
            Some("metadata.namespace") => NAMESPACE,
            Some(other) => panic!("a variable of {other}"),
            None => variable["value"].as_str().unwrap(),
        };
        let value = match name {
            "PARTYWALL_LISTEN" => replaced(value, container, "webhook", webhook),
            "PARTYWALL_OPS_LISTEN" => replaced(value, container, "ops", ops),
            _ => volumes.on_this_machine(value),
        };
        (name.to_owned(), value)
    };
    let variables: Vec<_> = container["env"].as_array().unwrap().iter().map(variable).collect();
    let variables = [variables, more.to_vec()].concat();
    Instance::start_with(cluster.runtime(), name, &cluster.folder, &args, &variables, (webhook, ops))
}

/// The address in place of one that the container listens on, which must have the port of this name.
fn replaced(listens_on: &str, container: &Value, port: &str, address: SocketAddr) -> String {
    let listens_on: SocketAddr = listens_on.parse().unwrap();
    assert!(listens_on.ip().is_unspecified(), "others must reach {listens_on}");
    let ports = container["ports"].as_array().unwrap();
    let named = ports.iter().find(|entry| entry["name"] == port).unwrap();
    assert_eq!(named["containerPort"], listens_on.port());
    address.to_string()
}
