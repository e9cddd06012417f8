//! `serve --cluster`: the objects of the cluster are the policies.

use std::fs;

use axum::http::Method;
use serde_json::{Value, json};

use crate::cluster::Cluster;
use crate::eventually::{SOON, eventually};
use crate::installation::{Installation, define, manifests};
use crate::partywall::{Instance, Setup};
use crate::users::User;
use crate::{http, ports};

const FAULTY: &str = "partywall_policies_faulty";
const NAMESPACE: &str = "c-fresh";
/// A namespace that exists before its Tenant does.
const EARLIER: &str = "c-earlier";
/// How often a tenant is applied at once with what runs in it.
const ROUNDS: usize = 10;
const MANY_ROUNDS: usize = 100;
const AT_ONCE: &str = "
apiVersion: partywall.dev/v1alpha1
kind: Tenant
metadata: {name: NAME}
spec: {namespaces: [NAME], nodePools: {default: tenants-x}}
---
apiVersion: v1
kind: Namespace
metadata: {name: NAME}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: app, namespace: NAME}
spec:
  selector: {matchLabels: {app: app}}
  template:
    metadata: {labels: {app: app}}
    spec: {containers: [{name: app, image: registry.example.com/app:1}]}
";
const LABEL: &str = "partywall.dev/tenant";

pub(crate) fn objects_of_the_cluster_hold_while_they_change(cluster: &Cluster) {
    let custom = Custom::install(cluster);
    let Setup { policies, .. } = &cluster.setup;
    cluster.kubectl(User::Admin).apply(fs::read_to_string(policies).unwrap()).succeeds();
    let instance = start(cluster);
    cluster.balancer.set_backends(vec![instance.webhook]);
    cluster.stop_partywall();
    cluster.until_judged();

    let others = instance.figure("partywall_tenants");
    // A Tenant is created, its namespace gets its label, and the next pod is stamped.
    cluster.namespace(EARLIER, &json!({}));
    let pools = json!({"default": "tenants-x"});
    custom.create("Tenant", "fresh", &json!({"namespaces": [EARLIER, NAMESPACE], "nodePools": pools}));
    eventually(SOON, "the Tenant is known", || match instance.figure("partywall_tenants") {
        known if known == others + 1 => Ok(()),
        other => Err(format!("{other} tenants")),
    });
    let labelled = cluster.until("Namespace", "", EARLIER, "labelled", |namespace| {
        namespace["metadata"]["labels"][LABEL] == "fresh"
    });
    let managers = labelled["metadata"]["managedFields"].as_array().unwrap();
    assert!(managers.iter().any(|fields| fields["manager"] == "partywall-labels"), "{labelled}");
    cluster.namespace(NAMESPACE, &json!({}));
    let label = &cluster.get("Namespace", "", NAMESPACE)["metadata"]["labels"][LABEL];
    assert_eq!(label, "fresh", "its label is stamped on creation");
    let selector = custom.selector_of_pod().unwrap();
    assert_eq!(selector, json!({"tenant": "tenants-x"}));

    // A pool is edited, and the next pod has its new label.
    custom.patch("NodePool", "tenants-x", &json!({"nodeSelector": {"generation": "2"}}));
    eventually(SOON, "the stamp has the new label", || match custom.selector_of_pod() {
        Ok(selector) if selector["generation"] == "2" => Ok(()),
        other => Err(format!("{other:?}")),
    });

    // A change with a mistake has no effect, and is told.
    custom.patch("NodePool", "tenants-x", &json!({"nodeSelector": {"generation": "3"}, "taint": []}));
    eventually(SOON, "the mistake is told", || match instance.figure(FAULTY) {
        1 => Ok(()),
        _ => Err("no mistake"),
    });
    assert_eq!(custom.selector_of_pod().unwrap()["generation"], "2");
    custom.patch("NodePool", "tenants-x", &json!({"taint": null}));
    eventually(SOON, "the mended change holds", || match custom.selector_of_pod() {
        Ok(selector) if selector["generation"] == "3" => Ok(()),
        other => Err(format!("{other:?}")),
    });
    assert_eq!(instance.figure(FAULTY), 0);

    one_apply_leaves_no_pod_unstamped(cluster, ROUNDS, &json!({"tenant": "tenants-x", "generation": "3"}));

    // The API server goes away and comes back: what is known holds, and what happens then is noticed.
    let tenants = instance.figure("partywall_tenants");
    cluster.restart_api_server(|| {
        let (status, body) = cluster.runtime().block_on(http::get(instance.ops, "/readyz")).unwrap();
        assert!(status.is_success(), "{status} {body}");
        assert_eq!(instance.figure("partywall_tenants"), tenants);
    });
    custom.patch("NodePool", "tenants-x", &json!({"nodeSelector": {"generation": "4"}}));
    eventually(SOON, "the stamp has the label of after the restart", || match custom.selector_of_pod() {
        Ok(selector) if selector["generation"] == "4" => Ok(()),
        other => Err(format!("{other:?}")),
    });

    // A Tenant is deleted, and its namespace is nobody's.
    custom.delete("Tenant", "fresh");
    eventually(SOON, "the namespace is no tenant's", || match custom.selector_of_pod() {
        Err(message) if message.contains("no Tenant has this namespace") => Ok(()),
        other => Err(format!("{other:?}")),
    });

    let namespaces = ["delete", "namespace", EARLIER, NAMESPACE, "--wait=false"];
    cluster.kubectl(User::Admin).args(namespaces).succeeds();
    cluster.balancer.set_backends(Vec::new());
    assert!(instance.stop(SOON).is_some_and(|status| status.success()));
    custom.remove();
}

pub(crate) fn one_apply_of_a_tenant_and_its_pods_is_stamped_a_hundred_times(cluster: &Cluster) {
    let installation = Installation::install(cluster);
    installation.apply_policies();
    let replicas = installation.start(&["at-once-1", "at-once-2"], &[]);
    installation.until_armed();
    one_apply_leaves_no_pod_unstamped(cluster, MANY_ROUNDS, &json!({"tenant": "tenants-x"}));
    installation.remove(replicas);
}

/// Applies a Tenant, its Namespace and a Deployment at once, again and again.
fn one_apply_leaves_no_pod_unstamped(cluster: &Cluster, rounds: usize, selector: &Value) {
    for round in 0..rounds {
        let name = format!("c-at-once-{round}");
        let manifests = AT_ONCE.replace("NAME", &name);
        cluster.kubectl(User::Admin).apply(manifests).succeeds();
        let pods = cluster.pods_until(&name, "there is a pod", |pods| !pods.is_empty());
        for pod in pods {
            assert_eq!(pod["spec"]["nodeSelector"], *selector, "round {round}: {pod}");
        }
        cluster.kubectl(User::Admin).args(["delete", "namespace", &name, "--wait=false"]).succeeds();
    }
}

/// Starts partywall on the objects of the cluster, as the administrator.
fn start(cluster: &Cluster) -> Instance {
    let Setup { pair, .. } = &cluster.setup;
    let addresses = (ports::free(), ports::free());
    let args = [
        "serve".to_owned(),
        "--cluster".to_owned(),
        format!("--kubeconfig={}", User::Admin.kubeconfig(&cluster.folder).display()),
        format!("--listen={}", addresses.0),
        format!("--ops-listen={}", addresses.1),
        format!("--tls-cert={}", pair.cert.display()),
        format!("--tls-key={}", pair.key.display()),
        "--registration=external".to_owned(),
        "--drain=0".to_owned(),
    ];
    Instance::start_with(cluster.runtime(), "in-cluster", &cluster.folder, &args, &[], addresses)
}

/// The custom resources of a cluster.
struct Custom<'c> {
    cluster: &'c Cluster,
}

impl<'c> Custom<'c> {
    /// Installs the definitions.
    fn install(cluster: &'c Cluster) -> Self {
        define(cluster);
        Self { cluster }
    }

    fn create(&self, kind: &str, name: &str, spec: &Value) {
        let object = json!({"apiVersion": "partywall.dev/v1alpha1", "kind": kind, "metadata": {"name": name},
                            "spec": spec});
        self.cluster.admin().create(&path(kind), &object);
    }

    fn patch(&self, kind: &str, name: &str, spec: &Value) {
        self.cluster.admin().patch(&format!("{}/{name}", path(kind)), &json!({"spec": spec}));
    }

    fn delete(&self, kind: &str, name: &str) {
        self.cluster.admin().delete(&format!("{}/{name}", path(kind)));
    }

    /// Returns the nodeSelector that a pod in the namespace would get, or why it is refused.
    fn selector_of_pod(&self) -> Result<Value, String> {
        let pod = json!({
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "probe"},
            "spec": {"containers": [{"name": "app", "image": "registry.example.com/app:1"}]},
        });
        let path = format!("{}?dryRun=All", self.cluster.path("Pod", NAMESPACE));
        let stored = self.cluster.admin().send(Method::POST, &path, &pod);
        stored.map(|pod| pod["spec"]["nodeSelector"].clone()).map_err(|error| error.to_string())
    }

    /// Removes the definitions, and with them all objects.
    fn remove(self) {
        let delete = ["delete", "-f", "-"];
        self.cluster.kubectl(User::Admin).args(delete).stdin(manifests(&["crds"])).succeeds();
    }
}

fn path(kind: &str) -> String {
    format!("/apis/partywall.dev/v1alpha1/{}s", kind.to_lowercase())
}
