//! `serve --cluster` registers its webhooks itself, once the API server was seen to ask it, and keeps them.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::cluster::Cluster;
use crate::eventually::{SOON, eventually};
use crate::installation::Installation;
use crate::partywall::{Instance, Setup};
use crate::users::User;

const MUTATING: &str = "MutatingWebhookConfiguration";
const VALIDATING: &str = "ValidatingWebhookConfiguration";
const OWN_OBJECTS: &str = "policies.partywall.dev";
/// How long nothing is written, when replicas agree: longer than their looks are apart.
const QUIET: Duration = Duration::from_secs(5);
/// The webhooks of both configurations.
const ALL: usize = 35;

pub(crate) fn partywall_registers_its_webhooks_itself_and_keeps_them(cluster: &Cluster) {
    let installation = Installation::install(cluster);
    installation.apply_policies();

    // While the API server reaches nobody, nothing fails closed.
    cluster.balancer.set_backends(Vec::new());
    let mut replicas = ["arming-1", "arming-2"].map(|name| start(cluster, &installation, name));
    replicas.iter_mut().for_each(Instance::until_ready);
    let webhook = eventually(SOON, "the webhook of the own objects is registered", || {
        webhooks(cluster, VALIDATING).into_iter().next().ok_or("no webhook")
    });
    assert_eq!((&webhook["name"], &webhook["failurePolicy"]), (&json!(OWN_OBJECTS), &json!("Ignore")));
    assert!(cluster.find(MUTATING, "", "partywall").is_none());
    let tenant = "
apiVersion: partywall.dev/v1alpha1
kind: Tenant
metadata: {name: arming}
spec: {namespaces: [arming], nodePools: {default: tenants-x}}
";
    cluster.kubectl(User::Admin).apply(tenant).succeeds();
    assert_eq!(replicas[0].figure("partywall_registration_armed"), 0);
    assert_eq!((webhooks(cluster, MUTATING).len(), webhooks(cluster, VALIDATING).len()), (0, 1));

    // Both replicas probe, and register the rest.
    cluster.balancer.set_backends(replicas.iter().map(|replica| replica.webhook).collect());
    for replica in &replicas {
        until(replica, "partywall_registration_armed", 1);
        until(replica, "partywall_registration_current", 1);
    }
    assert_eq!(webhooks(cluster, MUTATING).len() + webhooks(cluster, VALIDATING).len(), ALL);
    let own = webhooks(cluster, VALIDATING).into_iter().find(|webhook| webhook["name"] == OWN_OBJECTS);
    assert_eq!(own.unwrap()["failurePolicy"], "Fail");
    cluster.until_judged();

    // One may have learned of the Tenant later, and have written without it. Then applies that change nothing write
    // nothing, whoever makes them.
    let versions = || {
        [MUTATING, VALIDATING]
            .map(|kind| cluster.get(kind, "", "partywall")["metadata"]["resourceVersion"].clone())
    };
    let (mut version, mut since) = (versions(), Instant::now());
    eventually(SOON, "nothing is written any more", || {
        let now = versions();
        if now != version {
            (version, since) = (now, Instant::now());
        }
        if since.elapsed() > QUIET { Ok(()) } else { Err(format!("{version:?}")) }
    });
    let before = [MUTATING, VALIDATING].map(|kind| cluster.get(kind, "", "partywall"));
    let is_as_before = || {
        for (kind, before) in [MUTATING, VALIDATING].into_iter().zip(&before) {
            let now = cluster.find(kind, "", "partywall").unwrap_or_default();
            for field in ["/webhooks", "/metadata/labels"] {
                if now.pointer(field) != before.pointer(field) {
                    let of = |object: &Value| object.pointer(field).cloned().unwrap_or_default();
                    return Err(format!("{kind}: {} instead of {}", of(&now), of(before)));
                }
            }
        }
        Ok(())
    };
    let until_mended = |what: &str| eventually(SOON, what, is_as_before);
    let looks = |replica: &Instance| replica.figure("partywall_registration_mended_total");
    assert_eq!(looks(&replicas[0]) + looks(&replicas[1]), 0);

    // What is deleted or edited is back at once, whoever edits it, and whatever field.
    cluster.admin().delete(&format!("{}/partywall", cluster.path(VALIDATING, "")));
    until_mended("the configuration is there again");
    for (kind, patch) in [
        (MUTATING, json!([{"op": "replace", "path": "/webhooks/0/failurePolicy", "value": "Ignore"}])),
        (VALIDATING, json!([{"op": "replace", "path": "/webhooks", "value": []}])),
        (VALIDATING, json!([{"op": "remove", "path": "/webhooks/3/clientConfig/caBundle"}])),
        (
            MUTATING,
            json!([{"op": "add", "path": "/webhooks/1/objectSelector/matchLabels",
                           "value": {"never": "there"}}]),
        ),
        (
            VALIDATING,
            json!([{"op": "add", "path": "/webhooks/2/namespaceSelector/matchLabels",
                             "value": {"never": "there"}}]),
        ),
    ] {
        let (resource, patch) = (kind.to_lowercase(), format!("--patch={patch}"));
        let edit = ["patch", &resource, "partywall", "--type=json", &patch];
        cluster.kubectl(User::Admin).args(edit).succeeds();
        until_mended(&format!("{patch} is undone"));
    }
    eventually(SOON, "the changes are counted", || match looks(&replicas[0]) + looks(&replicas[1]) {
        0 => Err("none"),
        _ => Ok(()),
    });
    cluster.until_judged();

    // What others say beside stays.
    let label =
        ["label", "validatingwebhookconfiguration", "partywall", "argocd.argoproj.io/instance=platform"];
    cluster.kubectl(User::Admin).args(label).succeeds();

    // The registration is paused on one configuration, and edits of both stay until it goes on.
    let pause =
        ["annotate", "mutatingwebhookconfiguration", "partywall", "partywall.dev/registration=paused"];
    cluster.kubectl(User::Admin).args(pause).succeeds();
    for replica in &replicas {
        until(replica, "partywall_registration_paused", 1);
    }
    cluster.admin().delete(&format!("{}/partywall", cluster.path(VALIDATING, "")));
    for replica in &replicas {
        until(replica, "partywall_registration_current", 0);
    }
    assert!(cluster.find(VALIDATING, "", "partywall").is_none());
    let go_on = ["annotate", "mutatingwebhookconfiguration", "partywall", "partywall.dev/registration-"];
    cluster.kubectl(User::Admin).args(go_on).succeeds();
    until_mended("the registration goes on");

    // The configurations follow the policies: the keys of pools, and the names of namespaces.
    let text =
        || Value::from([webhooks(cluster, MUTATING), webhooks(cluster, VALIDATING)].concat()).to_string();
    assert!(text().contains("\"arming\"") && !text().contains("'example.com/arming'"));
    let pool = "
apiVersion: partywall.dev/v1alpha1
kind: NodePool
metadata: {name: arming}
spec:
  nodeSelector: {node-restriction.kubernetes.io/pool: arming}
  taints: [{key: example.com/arming, effect: NoSchedule}]
";
    cluster.kubectl(User::Admin).apply(pool).succeeds();
    eventually(SOON, "the key of the new pool is sent", || {
        let text = text();
        if text.contains("'example.com/arming'") { Ok(()) } else { Err(text) }
    });
    for replica in &replicas {
        until(replica, "partywall_registration_current", 1);
    }

    installation.remove(replicas.into());
}

fn webhooks(cluster: &Cluster, kind: &str) -> Vec<Value> {
    let configuration = cluster.find(kind, "", "partywall").unwrap_or_default();
    configuration["webhooks"].as_array().cloned().unwrap_or_default()
}

fn until(replica: &Instance, figure: &str, expected: u64) {
    eventually(SOON, &format!("{figure} is {expected}"), || match replica.figure(figure) {
        found if found == expected => Ok(()),
        other => Err(format!("it is {other}")),
    });
}

/// Starts a replica with a certificate of the test's own CA.
fn start(cluster: &Cluster, installation: &Installation<'_>, name: &str) -> Instance {
    let Setup { pair, .. } = &cluster.setup;
    let file = |flag: &str, path: &Path| format!("--{flag}={}", path.display());
    let flags = [file("tls-cert", &pair.cert), file("tls-key", &pair.key), file("tls-ca", &pair.ca)];
    installation.start_unready(name, &flags.each_ref().map(String::as_str))
}
