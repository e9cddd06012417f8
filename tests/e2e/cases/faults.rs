//! What goes wrong around an installed partywall: connections that hang, clocks that differ, replicas that start
//! at once.

use std::time::{Duration, Instant};

use axum::http::Method;
use serde_json::{Value, json};

use crate::cluster::Cluster;
use crate::eventually::{SOON, eventually};
use crate::installation::{Installation, NAMESPACE};
use crate::partywall::Instance;
use crate::stalling::Stalling;

const TENANTS: &str = "partywall_tenants";
/// A watch that hangs is noticed within this time, and healed within five seconds more.
const NOTICED: Duration = Duration::from_secs(130 + 5);

fn try_pod(cluster: &Cluster) -> Result<Value, String> {
    let pod = json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "probe"},
        "spec": {"containers": [{"name": "app", "image": "registry.example.com/app:1"}]},
    });
    let path = format!("{}?dryRun=All", cluster.path("Pod", "tenants-x"));
    cluster.admin().send(Method::POST, &path, &pod).map_err(|error| error.to_string())
}

fn create_tenant(cluster: &Cluster, name: &str) {
    let tenant = json!({
        "apiVersion": "partywall.dev/v1alpha1",
        "kind": "Tenant",
        "metadata": {"name": name},
        "spec": {"namespaces": [name], "nodePools": {"default": "tenants-x"}},
    });
    cluster.admin().create("/apis/partywall.dev/v1alpha1/tenants", &tenant);
}

fn until_tenants(replica: &Instance, within: Duration, count: u64) {
    eventually(within, "the Tenant is known", || match replica.figure(TENANTS) {
        known if known == count => Ok(()),
        other => Err(format!("{other} tenants")),
    });
}

pub(crate) fn connections_that_hang_are_noticed_and_healed(cluster: &Cluster) {
    let installation = Installation::install(cluster);
    installation.apply_policies();
    let stalling = Stalling::start(cluster.runtime(), cluster.api_server());
    let kubeconfig = installation.kubeconfig_by(stalling.address);
    let mut replica = installation.start_unready_by(&kubeconfig, "hanging", &[]);
    replica.until_ready();
    cluster.balancer.watch([&replica]);
    installation.until_armed();
    let before = replica.figure(TENANTS);
    create_tenant(cluster, "before-it-hangs");
    until_tenants(&replica, SOON, before + 1);

    stalling.stall();
    create_tenant(cluster, "while-it-hangs");
    let begun = Instant::now();
    // Decisions go on meanwhile, by what was known.
    eventually(SOON, "five seconds have passed", || {
        let pod = try_pod(cluster).unwrap();
        assert_eq!(pod["spec"]["nodeSelector"]["tenant"], "tenants-x");
        if begun.elapsed() > Duration::from_secs(5) { Ok(()) } else { Err("not yet") }
    });
    until_tenants(&replica, NOTICED, before + 2);
    println!("healed {:.1?} after the connections began to hang", begun.elapsed());
    installation.remove(vec![replica]);
}

pub(crate) fn replicas_with_different_clocks_start_at_once(cluster: &Cluster) {
    let installation = Installation::install(cluster);
    installation.apply_policies();
    let offsets = ["--clock-offset=0", "--clock-offset=1800", "--clock-offset=-1800"];
    let mut replicas: Vec<Instance> = offsets
        .iter()
        .enumerate()
        .map(|(index, offset)| installation.start_unready(&format!("clock-{index}"), &[offset]))
        .collect();
    replicas.iter_mut().for_each(Instance::until_ready);
    cluster.balancer.watch(&replicas);
    installation.until_armed();
    // They agree on the CAs, and nobody replaces what another wrote.
    let version = || cluster.get("Secret", NAMESPACE, "partywall-ca")["metadata"]["resourceVersion"].clone();
    let (agreed, begun) = (version(), Instant::now());
    eventually(SOON, "fifteen seconds have passed", || {
        let pod = try_pod(cluster).unwrap();
        assert_eq!(pod["spec"]["nodeSelector"]["tenant"], "tenants-x");
        assert_eq!(version(), agreed);
        if begun.elapsed() > Duration::from_secs(15) { Ok(()) } else { Err("not yet") }
    });
    // Each of them is trusted by what is registered.
    replicas.iter().for_each(|replica| installation.must_trust(replica));
    installation.remove(replicas);
}
