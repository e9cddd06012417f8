//! The guides' commands as they stand there: from nothing to a first tenant, an upgrade, a rollback, and uninstalling.
//!
//! No container runs here, so each pod of the Deployment is a process with its arguments and variables, and more for
//! what only a pod has: the account's credentials, and the Service.

use std::fs;
use std::path::PathBuf;
use std::thread;

use serde_json::Value;

use super::install::{instance, must_be_on_worker_1};
use crate::cluster::Cluster;
use crate::eventually::{SOON, eventually};
use crate::installation::{CONFIGURATIONS, NAMESPACE, log_in};
use crate::partywall::Instance;
use crate::readme;
use crate::users::User;
use crate::volumes::Volumes;

const FIRST_TENANT: &str = "docs/FIRST-TENANT.md";
const UPGRADE: &str = "docs/UPGRADE.md";
const TROUBLESHOOTING: &str = "docs/TROUBLESHOOTING.md";

/// The commands of pages, by a user who reads them.
struct Reader<'c> {
    cluster: &'c Cluster,
    folder: PathBuf,
}

impl Reader<'_> {
    /// Runs a step of a page, and returns what it said.
    #[track_caller]
    fn run(&self, page: &str, step: &str) -> String {
        let commands = readme::step(page, step);
        let outcome = self.cluster.script(User::Operator, &self.folder, &commands).succeeded();
        format!("{}{}", outcome.stdout, outcome.stderr)
    }

    /// Runs a step that shows a denial, which must be what the page shows below it.
    #[track_caller]
    fn is_denied_as_shown(&self, step: &str) {
        let said = self.run(FIRST_TENANT, step);
        let page = fs::read_to_string(readme::root().join(FIRST_TENANT)).unwrap();
        let (_, after) = page.split_once(&readme::step(FIRST_TENANT, step)).unwrap();
        let (_, shown) = after.split_once("```text\n").unwrap();
        let (shown, _) = shown.split_once("\n```").unwrap();
        let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        // The command says `exit 1` before the server's answer arrives, or after it.
        for line in shown.lines().filter(|line| !line.starts_with("exit ")) {
            assert!(words(&said).contains(&words(line)), "{step}: the page shows\n{line}\nand it is\n{said}");
        }
        assert!(said.contains("exit 1"), "{said}");
    }

    /// Starts a process for each pod of the Deployment.
    fn start_replicas(&self) -> Vec<Instance> {
        let cluster = self.cluster;
        let pods = cluster.pods_until(NAMESPACE, "two replicas run", |pods| {
            pods.len() == 2 && pods.iter().all(|pod| pod["status"]["phase"] == "Running")
        });
        let more = [
            ("PARTYWALL_KUBECONFIG".to_owned(), log_in(cluster).display().to_string()),
            ("PARTYWALL_WEBHOOK_URL".to_owned(), format!("https://{}", cluster.balancer.address())),
            // The balancer learns at once that a replica ends.
            ("PARTYWALL_DRAIN".to_owned(), "1".to_owned()),
        ];
        let start = |pod: &Value| {
            let name = pod["metadata"]["name"].as_str().unwrap();
            let volumes = Volumes::mount(cluster, pod, &self.folder.join(name));
            instance(cluster, name, &pod["spec"]["containers"][0], &volumes, &more)
        };
        let replicas: Vec<Instance> = pods.iter().map(start).collect();
        cluster.balancer.watch(&replicas);
        replicas
    }
}

pub(crate) fn the_guide_leads_from_nothing_to_a_first_tenant_and_back(cluster: &Cluster) {
    cluster.unregister();
    cluster.stop_partywall();
    cluster.grant_everything(User::Operator);
    cluster.cordon("worker-1", false);
    let folder = cluster.folder.join("first-tenant");
    fs::create_dir(&folder).unwrap();
    let reader = Reader { cluster, folder };

    reader.run(FIRST_TENANT, "node");
    let said = reader.run(FIRST_TENANT, "server");
    assert!(!said.contains("Warning"), "{said}");
    let replicas = reader.start_replicas();
    let said = reader.run(FIRST_TENANT, "policies");
    assert!(said.contains("condition met"), "{said}");

    // The tenant's pod runs on the tenant's node, and somebody else's does not.
    let said = reader.run(FIRST_TENANT, "tenant");
    assert!(said.contains(" worker-1 "), "{said}");
    must_be_on_worker_1(cluster, "blue");
    let said = reader.run(FIRST_TENANT, "others");
    assert!(said.contains(" node-shared "), "{said}");
    assert!(cluster.pods("green").iter().all(|pod| pod["spec"]["nodeName"] == "node-shared"));
    reader.is_denied_as_shown("intruder");
    reader.is_denied_as_shown("node port");
    is_fine(&reader);
    tells_what_is(&reader);

    // The processes stay what they are; the Deployment has another image, and then the one before again.
    reader.run(UPGRADE, "upgrade");
    assert_eq!(image(cluster), "registry.example.com/partywall:0.2.0");
    reader.run(UPGRADE, "rollback");
    assert_eq!(image(cluster), "registry.example.com/partywall:0.1.0");

    uninstall(&reader, replicas);
    cluster.kubectl(User::Admin).args(["delete", "namespace", "blue", "green", "--wait=false"]).succeeds();
}

/// Other cases leave behind what a doctor finds, such as labels of Tenants that are not here, but nothing that concerns
/// partywall itself.
fn is_fine(reader: &Reader<'_>) {
    let commands = format!("{} || [ $? = 1 ]", readme::step(FIRST_TENANT, "doctor"));
    let said = reader.cluster.script(User::Operator, &reader.folder, &commands).succeeded().stdout;
    for check in ["definitions", "objects", "replicas", "registration", "certificates", "entries"] {
        let is_fine =
            said.lines().any(|line| line.starts_with("fine ") && line.contains(&format!(" {check} ")));
        assert!(is_fine, "{check}: {said}");
    }
}

/// The commands by which an operator looks.
fn tells_what_is(reader: &Reader<'_>) {
    let said = reader.run(TROUBLESHOOTING, "fail closed");
    assert!(said.trim().parse().is_ok_and(|entries: usize| entries > 3), "{said}");
    let said = reader.run(TROUBLESHOOTING, "paused");
    let expected = CONFIGURATIONS.iter().all(|kind| said.lines().any(|line| line.trim() == *kind));
    assert!(expected, "neither is paused: {said}");
    let said = reader.run(TROUBLESHOOTING, "what holds");
    assert!(said.contains("node-restriction.kubernetes.io/tenant"), "{said}");
    reader.run(UPGRADE, "unknown fields");
    // Other cases may leave pods behind that these policies would deny.
    let commands = format!("{} || [ $? = 1 ]", readme::step(UPGRADE, "judge what runs"));
    let said = reader.cluster.script(User::Operator, &reader.folder, &commands).succeeded().stdout;
    assert!(said.contains(" clean"), "{said}");
    // What OpenShift gets has no user, and is an installation all the same.
    reader.run("docs/MANAGED-CLUSTERS.md", "without a user");
    let manifests = fs::read_to_string(reader.folder.join("partywall.yaml")).unwrap();
    assert!(!manifests.contains("runAsUser") && manifests.contains("runAsNonRoot: true"), "{manifests}");
    let tried = ["apply", "--server-side", "--force-conflicts", "--dry-run=server", "-f", "-"];
    reader.cluster.kubectl(User::Admin).args(tried).stdin(manifests).succeeds();
}

fn image(cluster: &Cluster) -> Value {
    let deployment = cluster.get("Deployment", NAMESPACE, "partywall");
    deployment["spec"]["template"]["spec"]["containers"][0]["image"].clone()
}

fn uninstall(reader: &Reader<'_>, replicas: Vec<Instance>) {
    let cluster = reader.cluster;
    thread::scope(|scope| {
        // As the kubelet ends the containers of pods that are deleted.
        scope.spawn(|| {
            eventually(SOON, "the replicas are to end", || {
                let pods = cluster.pods(NAMESPACE);
                let running = pods.iter().filter(|pod| pod["metadata"]["deletionTimestamp"].is_null());
                if running.count() == 0 { Ok(()) } else { Err("they run") }
            });
            for replica in replicas {
                assert!(replica.stop(SOON).is_some_and(|status| status.success()));
            }
        });
        // The label came with the request that created the namespace, so it is that user's: it is listed, and stays.
        let said = reader.run(UPGRADE, "remove");
        assert!(said.contains("whoever created or wrote a Namespace owns it"), "{said}");
    });
    for kind in CONFIGURATIONS {
        assert_eq!(cluster.find(kind, "", "partywall"), None);
    }
    cluster.until_gone("Namespace", "", NAMESPACE);
    assert_eq!(cluster.find("CustomResourceDefinition", "", "tenants.partywall.dev"), None);
    let label = &cluster.get("Namespace", "", "blue")["metadata"]["labels"]["partywall.dev/tenant"];
    assert_eq!(*label, "blue");
}
