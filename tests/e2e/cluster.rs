//! The one cluster that all cases share: a control plane, nodes, and partywall in front of every pod.

use std::collections::HashMap;
use std::env;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::http::Method;
use serde_json::{Value, json};
use tokio::runtime::{Handle, Runtime};

use crate::api::Api;
use crate::balancer::Balancer;
use crate::control_plane::{ControlPlane, Version};
use crate::eventually::{SOON, eventually};
use crate::kubectl::Kubectl;
use crate::kubelet::Kubelets;
use crate::outcome::Outcome;
use crate::partywall::{Instance, PROGRAM, Pair, Setup};
use crate::users::User;
use crate::{kinds, nodes, process, registration};

const POLICIES: &str = include_str!("policies.yaml");
/// The time that partywall has to end after SIGTERM.
const STOP_TIMEOUT: Duration = Duration::from_secs(20);

/// What the API server counts of match conditions.
#[derive(Clone, Copy)]
pub(crate) enum Counted {
    Errors,
    Exclusions,
}

/// A running cluster. Fields are dropped in this order: clients before what they talk to.
pub(crate) struct Cluster {
    /// The files of this run: logs, certificates, policies.
    pub(crate) folder: PathBuf,
    /// The set-up of the shared partywall; a case may start more instances with it.
    pub(crate) setup: Setup,
    pub(crate) balancer: Balancer,
    partywall: Mutex<Option<Instance>>,
    _kubelets: Kubelets,
    control_plane: ControlPlane,
    runtime: Runtime,
}

impl Cluster {
    /// Starts everything, and waits until a tenant's pod would be judged and run.
    pub(crate) fn start(assets: PathBuf, folder: &Path) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let handle = runtime.handle();
        let policies = folder.join("policies.yaml");
        fs::write(&policies, POLICIES).unwrap();
        let setup = Setup {
            policies,
            pair: Pair::make(&folder.join("certs")),
            drain: 0,
            flags: vec!["--log-format=json".to_owned()],
        };
        let control_plane =
            ControlPlane::start(handle, assets, folder, &Pair::make(&folder.join("control-plane")));
        nodes::create(&control_plane.admin);
        let cluster = Self {
            folder: folder.to_owned(),
            setup,
            balancer: Balancer::start(handle),
            partywall: Mutex::default(),
            _kubelets: Kubelets::start(handle, folder, &control_plane),
            control_plane,
            runtime,
        };
        cluster.start_partywall();
        cluster.tenant_namespace("tenants-x", "tenants-x", "tenant-x");
        cluster.tenant_namespace("tenants-y", "tenants-y", "tenant-y");
        cluster.register();
        cluster
    }

    /// The address of the API server.
    pub(crate) fn api_server(&self) -> SocketAddr {
        self.control_plane.server.trim_start_matches("https://").parse().unwrap()
    }

    pub(crate) fn version(&self) -> &Version {
        &self.control_plane.version
    }

    /// Kills the API server, runs `meanwhile`, and starts it again. Only for cases that are alone.
    pub(crate) fn restart_api_server(&self, meanwhile: impl FnOnce()) {
        self.control_plane.restart_api_server(meanwhile);
    }

    /// The runtime of all asynchronous tasks.
    pub(crate) fn runtime(&self) -> &Handle {
        self.runtime.handle()
    }

    /// The API server as an administrator sees it.
    pub(crate) fn admin(&self) -> &Api {
        &self.control_plane.admin
    }

    /// The API server as a user sees it.
    pub(crate) fn api(&self, user: User) -> Api {
        self.control_plane.api(self.runtime.handle(), user)
    }

    /// A kubectl of the control plane's own version.
    pub(crate) fn kubectl(&self, user: User) -> Kubectl {
        Kubectl::new(&self.control_plane.assets, &self.folder, user)
    }

    /// Makes a user an administrator, and waits until it has an effect.
    #[track_caller]
    pub(crate) fn grant_everything(&self, user: User) {
        if self.find("ClusterRoleBinding", "", "administrator").is_some() {
            return;
        }
        let binding = json!({
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": "administrator"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user.name()}],
        });
        self.admin().create(&self.path("ClusterRoleBinding", ""), &binding);
        self.until_granted(user, "", "create", "namespaces");
    }

    /// Runs a script in a folder, with `kubectl` and `partywall` at hand.
    pub(crate) fn script(&self, user: User, folder: &Path, script: &str) -> Outcome {
        let programs = [&self.control_plane.assets, Path::new(PROGRAM).parent().unwrap()];
        let system = env::var_os("PATH").unwrap_or_default();
        let path = env::join_paths(programs.into_iter().map(Path::to_owned).chain(env::split_paths(&system)));
        let mut bash = process::command(Path::new("bash"));
        bash.args(["-euo", "pipefail", "-c", script])
            .current_dir(folder)
            .env("PATH", path.unwrap())
            .env("KUBECONFIG", user.kubeconfig(&self.folder))
            .env("HOME", &self.folder);
        Outcome::of(bash, script.to_owned(), "")
    }

    /// The path of the objects of a kind; with an empty namespace: of those in none, or in all.
    pub(crate) fn path(&self, kind: &str, namespace: &str) -> String {
        kinds::path(kind, namespace)
    }

    /// An object, if it is there.
    #[track_caller]
    pub(crate) fn find(&self, kind: &str, namespace: &str, name: &str) -> Option<Value> {
        self.admin().get(&format!("{}/{name}", self.path(kind, namespace)))
    }

    /// An object that must be there.
    #[track_caller]
    pub(crate) fn get(&self, kind: &str, namespace: &str, name: &str) -> Value {
        match self.find(kind, namespace, name) {
            Some(object) => object,
            None => panic!("there is no {kind} {namespace}/{name}"),
        }
    }

    /// All objects of a kind in a namespace.
    #[track_caller]
    pub(crate) fn list(&self, kind: &str, namespace: &str) -> Vec<Value> {
        let mut list = self.admin().get(&self.path(kind, namespace)).unwrap_or_default();
        serde_json::from_value(list["items"].take()).unwrap()
    }

    /// All pods of a namespace.
    #[track_caller]
    pub(crate) fn pods(&self, namespace: &str) -> Vec<Value> {
        self.list("Pod", namespace)
    }

    /// The pods of a namespace, once they are as expected.
    #[track_caller]
    pub(crate) fn pods_until(
        &self,
        namespace: &str,
        what: &str,
        expected: impl FnMut(&[Value]) -> bool,
    ) -> Vec<Value> {
        self.pods_within(SOON, namespace, what, expected)
    }

    /// [`Self::pods_until`], for what takes longer.
    #[track_caller]
    pub(crate) fn pods_within(
        &self,
        time: Duration,
        namespace: &str,
        what: &str,
        mut expected: impl FnMut(&[Value]) -> bool,
    ) -> Vec<Value> {
        eventually(time, what, || {
            let pods = self.pods(namespace);
            if expected(&pods) { Ok(pods) } else { Err(summary(&pods)) }
        })
    }

    /// Waits until an object is as expected.
    #[track_caller]
    pub(crate) fn until(
        &self,
        kind: &str,
        namespace: &str,
        name: &str,
        what: &str,
        expected: impl Fn(&Value) -> bool,
    ) -> Value {
        eventually(SOON, &format!("{kind} {namespace}/{name} is {what}"), || {
            let object = self.find(kind, namespace, name).ok_or_else(|| "none".to_owned())?;
            if expected(&object) { Ok(object) } else { Err(object.to_string()) }
        })
    }

    /// Waits until an object is gone.
    #[track_caller]
    pub(crate) fn until_gone(&self, kind: &str, namespace: &str, name: &str) {
        eventually(SOON, &format!("{kind} {namespace}/{name} is gone"), || {
            self.find(kind, namespace, name).map_or(Ok(()), |object| Err(object["status"].to_string()))
        });
    }

    /// Creates a namespace with these labels, and waits until pods can be created in it.
    #[track_caller]
    pub(crate) fn namespace(&self, name: &str, labels: &Value) {
        let namespace = json!({
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {"name": name, "labels": labels},
        });
        self.admin().create(&self.path("Namespace", ""), &namespace);
        eventually(SOON, &format!("{name} has its service account"), || {
            self.find("ServiceAccount", name, "default").map(drop).ok_or("none")
        });
    }

    /// Waits until the API server would store an object.
    #[track_caller]
    pub(crate) fn until_creatable(&self, user: User, namespace: &str, object: &str) {
        eventually(SOON, "the object can be created", || {
            let dry = ["--dry-run=server"];
            let outcome = self.kubectl(user).within(namespace).create(object).args(dry).run();
            if outcome.code == Some(0) { Ok(()) } else { Err(outcome.stderr) }
        });
    }

    /// Changes labels of a namespace; `null` removes one.
    #[track_caller]
    pub(crate) fn label(&self, namespace: &str, labels: &Value) {
        let path = format!("{}/{namespace}", self.path("Namespace", ""));
        self.admin().patch(&path, &json!({"metadata": {"labels": labels}}));
    }

    /// Creates a namespace of a tenant, where a user may do what users do.
    #[track_caller]
    pub(crate) fn tenant_namespace(&self, name: &str, tenant: &str, user: &'static str) {
        self.namespace(name, &json!({"partywall.dev/tenant": tenant}));
        self.grant_edit(User::Tenant(user), name);
    }

    /// Creates an unclaimed namespace with a new name, and returns the name.
    #[track_caller]
    pub(crate) fn fresh_namespace(&self, prefix: &str) -> String {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let name = format!("{prefix}-{}", NEXT.fetch_add(1, Ordering::Relaxed));
        self.namespace(&name, &json!({}));
        name
    }

    /// Gives a user the role `edit` in a namespace, and waits until it has an effect.
    #[track_caller]
    pub(crate) fn grant_edit(&self, user: User, namespace: &str) {
        let binding = json!({
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "RoleBinding",
            "metadata": {"name": format!("edit-{user}")},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "edit"},
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user.name()}],
        });
        self.admin().create(&self.path("RoleBinding", namespace), &binding);
        self.until_granted(user, namespace, "create", "pods");
    }

    /// Gives a user more than `edit` does, as an operator's own roles may; of whatever group the resources are.
    #[track_caller]
    pub(crate) fn grant(&self, user: User, namespace: &str, verbs: &[&str], resources: &[&str]) {
        let name = format!("more-{user}");
        let role = json!({
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "Role",
            "metadata": {"name": name},
            "rules": [{"apiGroups": ["*"], "resources": resources, "verbs": verbs}],
        });
        self.admin().create(&self.path("Role", namespace), &role);
        let binding = json!({
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "RoleBinding",
            "metadata": {"name": name},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name},
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user.name()}],
        });
        self.admin().create(&self.path("RoleBinding", namespace), &binding);
        for resource in resources {
            self.until_granted(user, namespace, verbs[0], resource);
        }
    }

    /// Gives a user a ClusterRole in the whole cluster, and waits until it has an effect.
    #[track_caller]
    pub(crate) fn grant_cluster_role(&self, user: User, role: &str, verb: &str, resource: &str) {
        let binding = json!({
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": format!("{role}-{user}")},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user.name()}],
        });
        self.admin().create(&self.path("ClusterRoleBinding", ""), &binding);
        self.until_granted(user, "", verb, resource);
    }

    #[track_caller]
    fn until_granted(&self, user: User, namespace: &str, verb: &str, resource: &str) {
        self.until_allowed(&user.name(), namespace, verb, resource);
    }

    /// Waits until the API server lets a user do something.
    #[track_caller]
    pub(crate) fn until_allowed(&self, user: &str, namespace: &str, verb: &str, resource: &str) {
        let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
        let attributes =
            json!({"namespace": namespace, "verb": verb, "resource": resource, "subresource": subresource});
        let question = json!({"spec": {"user": user, "resourceAttributes": attributes}});
        eventually(SOON, &format!("{user} may {verb} {resource} in {namespace}"), || {
            let review = "/apis/authorization.k8s.io/v1/subjectaccessreviews";
            let answer = self.admin().create(review, &question);
            if answer["status"]["allowed"] == true { Ok(()) } else { Err(answer["status"].to_string()) }
        });
    }

    /// Makes a node unschedulable, or schedulable again.
    #[track_caller]
    pub(crate) fn cordon(&self, node: &str, unschedulable: bool) {
        let path = format!("{}/{node}", self.path("Node", ""));
        self.admin().patch(&path, &json!({"spec": {"unschedulable": unschedulable}}));
    }

    /// Deletes partywall's webhook configurations, and waits until the API server no longer calls it.
    #[track_caller]
    pub(crate) fn unregister(&self) {
        for kind in ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"] {
            self.admin().delete(&format!("{}/partywall", self.path(kind, "")));
        }
        eventually(SOON, "no request is judged", || match (self.probe(), self.is_stamping()?) {
            (Ok(_), false) => Ok(()),
            (Ok(_), true) => Err("a pod is stamped".to_owned()),
            (Err(error), _) => Err(error.to_string()),
        });
    }

    /// Registers partywall's webhooks with the balancer's address, and waits until the API server calls them.
    #[track_caller]
    pub(crate) fn register(&self) {
        let manifests = self.manifests();
        self.kubectl(User::Admin).apply(manifests).succeeds();
        self.until_judged();
    }

    /// Returns the webhook configurations for the balancer's address.
    fn manifests(&self) -> String {
        let Setup { policies, pair, .. } = &self.setup;
        registration::manifests(self.balancer.address(), policies, pair)
    }

    /// Returns the webhook for partywall's own objects alone, in a configuration of its own.
    pub(crate) fn own_objects_webhook(&self) -> String {
        registration::own_objects(self.balancer.address(), &self.setup.pair)
    }

    /// Waits until the API server calls partywall again and gets an answer.
    #[track_caller]
    pub(crate) fn until_judged(&self) {
        eventually(SOON, "partywall judges what is created", || match self.probe() {
            Ok(_) => Err("a Service of type NodePort was let through".to_owned()),
            Err(kube::Error::Api(status)) if status.message.contains("service-exposure") => Ok(()),
            Err(error) => Err(error.to_string()),
        });
        // The API server learns of the two configurations one after the other.
        eventually(SOON, "partywall stamps what is created", || {
            if self.is_stamping()? { Ok(()) } else { Err("a pod is not stamped".to_owned()) }
        });
    }

    /// Tells whether a tenant's pod would be stamped.
    fn is_stamping(&self) -> Result<bool, String> {
        let pod = json!({
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "probe"},
            "spec": {"containers": [{"name": "app", "image": "registry.example.com/app:1"}]},
        });
        let path = format!("{}?dryRun=All", self.path("Pod", "tenants-x"));
        let pod = self.admin().send(Method::POST, &path, &pod).map_err(|error| error.to_string())?;
        Ok(pod["spec"]["nodeSelector"]["tenant"] == "tenants-x")
    }

    /// Tries to create a Service that no tenant may have.
    fn probe(&self) -> Result<Value, kube::Error> {
        let service = json!({
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "probe"},
            "spec": {"type": "NodePort", "ports": [{"port": 80}]},
        });
        let path = format!("{}?dryRun=All", self.path("Service", "tenants-x"));
        self.admin().send(Method::POST, &path, &service)
    }

    /// The partywall that all cases share; `None` only while a case that runs alone has stopped it.
    pub(crate) fn partywall(&self) -> MutexGuard<'_, Option<Instance>> {
        self.partywall.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts the shared partywall, and puts it behind the balancer.
    pub(crate) fn start_partywall(&self) {
        let instance = self.instance("partywall", &self.setup);
        self.balancer.set_backends(vec![instance.webhook]);
        *self.partywall() = Some(instance);
    }

    /// Ends the shared partywall as a rollout would, with SIGTERM. Only for cases that are alone.
    pub(crate) fn stop_partywall(&self) {
        let instance = self.partywall().take();
        if let Some(instance) = instance {
            let status = instance.stop(STOP_TIMEOUT);
            assert!(status.is_some_and(|status| status.success()), "partywall ended with {status:?}");
        }
    }

    /// Starts one more partywall, with a log of its own; it is not behind the balancer yet.
    pub(crate) fn instance(&self, name: &str, setup: &Setup) -> Instance {
        Instance::start(self.runtime.handle(), name, &self.folder, setup)
    }

    /// Restores what a case that ran alone may have removed.
    pub(crate) fn restore(&self) {
        let there = self.partywall().as_ref().map(|instance| instance.webhook);
        match there {
            Some(address) => self.balancer.set_backends(vec![address]),
            None => self.start_partywall(),
        }
        for node in &nodes::NODES {
            self.cordon(node.name, !node.in_use);
        }
        self.register();
    }

    /// Returns what the API server has counted of partywall's match conditions, by webhook: those that failed, or the
    /// requests that were not sent.
    pub(crate) fn conditions(&self, counted: Counted) -> HashMap<String, u64> {
        let series = match counted {
            Counted::Errors => "apiserver_admission_match_condition_evaluation_errors_total{",
            Counted::Exclusions => "apiserver_admission_match_condition_exclusions_total{",
        };
        let mut counts = HashMap::new();
        for line in
            self.admin().text("/metrics").unwrap().lines().filter_map(|line| line.strip_prefix(series))
        {
            let name = line.split("name=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
            let count: f64 = line.rsplit(' ').next().unwrap().parse().unwrap();
            if name.ends_with(".partywall.dev") {
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count")]
                let count = count as u64;
                *counts.entry(name.to_owned()).or_default() += count;
            }
        }
        counts
    }

    /// Ends everything. What fails here fails the suite.
    pub(crate) fn stop(self) {
        assert_eq!(self.conditions(Counted::Errors), HashMap::new(), "match conditions failed");
        self.stop_partywall();
        self.control_plane.stop();
    }
}

/// Summarises pods in one line, for messages.
fn summary(pods: &[Value]) -> String {
    let line = |pod: &Value| {
        let conditions = pod["status"]["conditions"].as_array().into_iter().flatten();
        let problems: Vec<&str> = conditions.filter_map(|condition| condition["message"].as_str()).collect();
        format!(
            "{} is {} on {} {}",
            pod["metadata"]["name"],
            pod["status"]["phase"],
            pod["spec"]["nodeName"],
            problems.join("; ")
        )
    };
    match pods {
        [] => "no pods".to_owned(),
        pods => pods.iter().map(line).collect::<Vec<_>>().join(", "),
    }
}
