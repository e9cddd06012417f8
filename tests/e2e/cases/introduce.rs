//! partywall is introduced to a cluster in use, as the guide says: Audit, Warn, Deny, tenant by tenant, and back.

use std::fs;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::cluster::Cluster;
use crate::eventually::{SOON, eventually};
use crate::outcome::Outcome;
use crate::partywall::Instance;
use crate::readme;
use crate::users::User;

const GUIDE: &str = "docs/INTRODUCE.md";
const NAMESPACE: &str = "x-introduced";
const TENANT: User = User::Tenant("tenant-x");
const OTHER: User = User::Tenant("tenant-y");
const WOULD_STAMP: &str = r#"partywall_reviews_total{endpoint="mutate/tenants",verdict="would_stamp"}"#;
const RECORDED: &str =
    r#"partywall_tenant_violations_total{mode="audit",rule="pod-security",tenant="tenants-x"}"#;

/// The policies of the suite, with what each step writes into them.
struct Policies<'c> {
    cluster: &'c Cluster,
    settings: &'static str,
    tenant: &'static str,
}

impl Policies<'_> {
    fn write(&self) {
        let text = fs::read_to_string(&self.cluster.setup.policies).unwrap();
        let mut objects: Vec<Value> = serde_saphyr::from_multiple(&text).unwrap();
        for object in &mut objects {
            let value = match (object["kind"].as_str(), object["metadata"]["name"].as_str()) {
                (Some("Settings"), _) => self.settings,
                (Some("Tenant"), Some("tenants-x")) => self.tenant,
                _ => continue,
            };
            object["spec"]["enforcement"] = json!(value);
        }
        let documents: Vec<_> = objects.iter().map(Value::to_string).collect();
        fs::write(self.cluster.folder.join("introduce/policies.yaml"), documents.join("\n---\n")).unwrap();
    }

    /// Changes them, and waits until they hold.
    fn change(&mut self, tenant: &'static str, instance: &Instance) {
        const TAKEN: &str = r#"partywall_policy_reloads_total{result="taken"}"#;
        let before = instance.figure(TAKEN);
        self.tenant = tenant;
        self.write();
        instance.signal(Signal::HUP);
        eventually(SOON, "the policies are loaded", || match instance.figure(TAKEN) {
            taken if taken > before => Ok(()),
            taken => Err(taken.to_string()),
        });
    }
}

/// Runs a step of the guide, for a server at an address instead of a Service.
fn run(cluster: &Cluster, step: &str) {
    let script = readme::step(GUIDE, step);
    let service = "--service partywall-system/partywall";
    assert!(script.contains(service), "{script}");
    let script = script.replace(service, &format!("--url https://{}", cluster.balancer.address()));
    cluster.script(User::Admin, &cluster.folder.join("introduce"), &script).succeeded();
}

fn pod(name: &str, host_network: bool) -> String {
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name},
        "spec": {
            "hostNetwork": host_network,
            "containers": [{"name": "app", "image": "registry.example.com/app:1"}],
        },
    })
    .to_string()
}

fn create(cluster: &Cluster, user: User, namespace: &str, name: &str, host_network: bool) -> Outcome {
    cluster.kubectl(user).within(namespace).create(pod(name, host_network)).run()
}

/// Where the stored pod is confined to.
fn stamp(cluster: &Cluster, namespace: &str, name: &str) -> Value {
    cluster.get("Pod", namespace, name)["spec"]["nodeSelector"]["tenant"].clone()
}

pub(crate) fn l2_a_cluster_in_use_is_introduced_to_partywall_tenant_by_tenant(cluster: &Cluster) {
    cluster.unregister();
    cluster.stop_partywall();
    let folder = cluster.folder.join("introduce");
    fs::create_dir_all(folder.join("partywall-certs")).unwrap();
    fs::copy(&cluster.setup.pair.ca, folder.join("partywall-certs/ca.crt")).unwrap();
    let mut policies = Policies { cluster, settings: "Audit", tenant: "Audit" };
    policies.write();
    cluster.tenant_namespace(NAMESPACE, "tenants-x", "tenant-x");
    create(cluster, TENANT, NAMESPACE, "in-use", true).succeeded();

    // Audit: everything is stored as it is, and only the operator is told.
    let mut setup = cluster.setup.clone();
    setup.policies = folder.join("policies.yaml");
    let instance = cluster.instance("introduce", &setup);
    cluster.balancer.set_backends(vec![instance.webhook]);
    run(cluster, "audit");
    let mut next = 0;
    eventually(SOON, "partywall is asked", || {
        next += 1;
        create(cluster, TENANT, NAMESPACE, &format!("asked-{next}"), false).succeeded();
        match instance.figure(WOULD_STAMP) {
            0 => Err("no pod would be stamped".to_owned()),
            _ => Ok(()),
        }
    });
    let outcome = create(cluster, TENANT, NAMESPACE, "audited", true).succeeded();
    assert!(!outcome.stderr.contains("Warning"), "{outcome}");
    assert_eq!(stamp(cluster, NAMESPACE, "audited"), Value::Null);
    eventually(SOON, "the violation is counted", || match instance.figure(RECORDED) {
        0 => Err("it is not".to_owned()),
        _ => Ok(()),
    });
    // An outage stops nothing.
    assert!(instance.stop(Duration::from_secs(20)).is_some(), "it had to be killed");
    create(cluster, TENANT, NAMESPACE, "during-an-outage", false).succeeded();
    let instance = cluster.instance("introduce-again", &setup);
    cluster.balancer.set_backends(vec![instance.webhook]);

    // Warn: one tenant's users see what would be.
    policies.change("Warn", &instance);
    let outcome = create(cluster, TENANT, NAMESPACE, "warned", true).succeeded();
    outcome.says("would go to pool `tenants-x`").says("rule pod-security");
    assert_eq!(stamp(cluster, NAMESPACE, "warned"), Value::Null);
    let outcome = create(cluster, OTHER, "tenants-y", "unwarned", true).succeeded();
    assert!(!outcome.stderr.contains("Warning"), "{outcome}");

    // Deny: one tenant is behind the wall, and the others are as before.
    policies.change("Deny", &instance);
    run(cluster, "enforce");
    create(cluster, TENANT, NAMESPACE, "stamped", false).succeeded();
    assert_eq!(stamp(cluster, NAMESPACE, "stamped"), "tenants-x");
    let denied = create(cluster, TENANT, NAMESPACE, "denied", true);
    assert_ne!(denied.code, Some(0), "{denied}");
    denied.says("rule pod-security");
    create(cluster, OTHER, "tenants-y", "not-yet", true).succeeded();
    assert_eq!(stamp(cluster, "tenants-y", "not-yet"), Value::Null);
    // What ran before goes on.
    assert!(cluster.find("Pod", NAMESPACE, "in-use").is_some());
    // Who reaches into the tenant's pool is held off, although the Settings only audit.
    let intruder = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "intruder"},
        "spec": {
            "tolerations": [{"key": "tenant", "value": "tenants-x"}],
            "containers": [{"name": "app", "image": "registry.example.com/app:1"}],
        },
    });
    let elsewhere = cluster.fresh_namespace("reaching");
    let admin = cluster.kubectl(User::Admin).within(&elsewhere);
    admin.create(intruder.to_string()).fails().says("rule tolerations");
    // The API server learns at some time that it may not go on without an answer any more.
    assert!(instance.stop(Duration::from_secs(20)).is_some(), "it had to be killed");
    next = 0;
    eventually(SOON, "an outage stops the tenant", || {
        next += 1;
        match create(cluster, TENANT, NAMESPACE, &format!("closed-{next}"), false).code {
            Some(0) => Err("a pod is created".to_owned()),
            _ => Ok(()),
        }
    });
    let instance = cluster.instance("introduce-once-more", &setup);
    cluster.balancer.set_backends(vec![instance.webhook]);

    // Back.
    policies.change("Audit", &instance);
    create(cluster, TENANT, NAMESPACE, "back", true).succeeded();
    assert_eq!(stamp(cluster, NAMESPACE, "back"), Value::Null);
}
