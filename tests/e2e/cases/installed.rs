//! partywall installed in a cluster: it makes its certificates and registers its webhooks by itself.

use axum::http::Method;
use serde_json::{Value, json};

use crate::cluster::Cluster;
use crate::eventually::{SOON, eventually};
use crate::installation::{CONFIGURATIONS, Installation, MENDED, NAMESPACE, define, manifests};
use crate::readme;
use crate::users::User;

const RIVAL: &str = "
apiVersion: partywall.dev/v1alpha1
kind: Tenant
metadata: {name: rival}
spec: {namespaces: [rival, tenants-y]}
";
const BY_LABEL: &str = "
apiVersion: partywall.dev/v1alpha1
kind: Tenant
metadata: {name: by-label}
spec: {namespaceSelection: Label, nodePools: {default: tenants-x}}
";

const LEAVING: &str = "
apiVersion: partywall.dev/v1alpha1
kind: Tenant
metadata: {name: leaving}
spec: {namespaces: [leaving], nodePools: {default: leaving}}
---
apiVersion: partywall.dev/v1alpha1
kind: NodePool
metadata: {name: leaving}
spec: {nodeSelector: {tenant: leaving}}
";

/// Returns the condition of an object.
pub(super) fn condition(cluster: &Cluster, kind: &str, name: &str, condition: &str) -> (String, String) {
    let path = format!("/apis/partywall.dev/v1alpha1/{kind}/{name}");
    let object = cluster.admin().get(&path).unwrap_or_default();
    let conditions = object["status"]["conditions"].as_array().cloned().unwrap_or_default();
    let found = conditions.into_iter().find(|found| found["type"] == condition).unwrap_or_default();
    let text = |field: &str| found[field].as_str().unwrap_or_default().to_owned();
    (text("status"), text("reason"))
}

#[track_caller]
pub(super) fn until_condition(cluster: &Cluster, kind: &str, name: &str, status: &str, reason: &str) {
    eventually(SOON, &format!("{kind} {name} has Ready={status} {reason}"), || {
        let found = condition(cluster, kind, name, "Ready");
        let is_it = found.0 == status && (reason.is_empty() || found.1 == reason);
        if is_it { Ok(()) } else { Err(format!("{found:?}")) }
    });
}

/// Tries to create a pod, and returns what would be stored, or why it would be refused.
pub(super) fn try_pod(cluster: &Cluster, namespace: &str) -> Result<Value, String> {
    let pod = json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "probe"},
        "spec": {"containers": [{"name": "app", "image": "registry.example.com/app:1"}]},
    });
    let path = format!("{}?dryRun=All", cluster.path("Pod", namespace));
    cluster.admin().send(Method::POST, &path, &pod).map_err(|error| error.to_string())
}

pub(crate) fn an_installation_arms_itself_and_tells_what_holds(cluster: &Cluster) {
    let installation = Installation::install(cluster);
    // The replicas start before there is any policy, and at once.
    let replicas = installation.start(&["installed-1", "installed-2"], &[]);
    installation.apply_policies();
    installation.until_armed();
    for tenant in ["tenants-x", "tenants-y"] {
        until_condition(cluster, "tenants", tenant, "True", "");
    }

    // What two Tenants claim is denied to both, and both are told.
    let said = cluster.kubectl(User::Admin).apply(RIVAL).succeeds();
    assert!(said.stderr.contains("Warning: Conflict: spec.namespaces[1]"), "{}", said.stderr);
    until_condition(cluster, "tenants", "rival", "False", "Conflict");
    until_condition(cluster, "tenants", "tenants-y", "False", "Conflict");
    eventually(SOON, "the contested namespace is denied", || match try_pod(cluster, "tenants-y") {
        Err(message) if message.contains("claimed by more than one object") => Ok(()),
        other => Err(format!("{other:?}")),
    });
    try_pod(cluster, "tenants-x").unwrap();
    cluster.kubectl(User::Admin).args(["delete", "tenants.partywall.dev", "rival"]).succeeds();
    until_condition(cluster, "tenants", "tenants-y", "True", "");
    eventually(SOON, "it is the tenant's again", || try_pod(cluster, "tenants-y").map(drop));

    // A label decides where the Tenant says so, from the second on in which the Namespace is created.
    cluster.kubectl(User::Admin).apply(BY_LABEL).succeeds();
    let namespace = json!({
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": "by-label-1", "labels": {"partywall.dev/tenant": "by-label"}},
    });
    cluster.admin().create(&cluster.path("Namespace", ""), &namespace);
    let pod = eventually(SOON, "a pod is stored", || match try_pod(cluster, "by-label-1") {
        Ok(pod) => Ok(pod),
        Err(message) if message.contains("serviceaccount") => Err(message),
        Err(message) => panic!("{message}"),
    });
    assert_eq!(pod["spec"]["nodeSelector"]["tenant"], "tenants-x", "{pod}");
    cluster.kubectl(User::Admin).args(["delete", "namespace", "by-label-1", "--wait=false"]).succeeds();
    cluster.kubectl(User::Admin).args(["delete", "tenants.partywall.dev", "by-label"]).succeeds();

    // B13: without its NodePool, nobody would guard the nodes of a tenant.
    let delete = |what: &str| cluster.kubectl(User::Admin).args(["delete", what, "--wait=false"]);
    delete("nodepool.partywall.dev/tenants-x").fails().says("Tenant `tenants-x` by spec.nodePools.default");
    cluster.kubectl(User::Admin).args(["delete", "nodepools.partywall.dev", "--all"]).fails();
    cluster.kubectl(User::Admin).apply(LEAVING).succeeds();
    until_condition(cluster, "tenants", "leaving", "True", "");
    cluster.kubectl(User::Admin).args(["delete", "-f", "-"]).stdin(LEAVING).succeeds();
    // Definitions can go all the same, with all objects.
    cluster.kubectl(User::Admin).args(["delete", "-f", "-"]).stdin(manifests(&["crds"])).succeeds();
    define(cluster);

    installation.remove(replicas);
}

pub(crate) fn a_configuration_that_is_edited_or_deleted_is_mended(cluster: &Cluster) {
    let installation = Installation::install(cluster);
    installation.apply_policies();
    let replicas = installation.start(&["mending-1", "mending-2"], &[]);
    installation.until_armed();
    let path = |kind: &str| format!("{}/partywall", cluster.path(kind, ""));
    let meant: Vec<Value> =
        CONFIGURATIONS.map(|kind| installation.configuration(kind).unwrap()["webhooks"].clone()).into();
    let is_meant = |kind: &str, index: usize| {
        let webhooks = installation.configuration(kind).map(|found| found["webhooks"].clone());
        if webhooks.as_ref() == Some(&meant[index]) { Ok(()) } else { Err(format!("{webhooks:?}")) }
    };
    for (index, kind) in CONFIGURATIONS.into_iter().enumerate() {
        let mut edited = meant[index].clone();
        edited[0]["failurePolicy"] = json!("Ignore");
        edited.as_array_mut().unwrap().pop();
        cluster.admin().patch(&path(kind), &json!({"webhooks": edited}));
        eventually(MENDED, &format!("{kind} is mended"), || is_meant(kind, index));
        cluster.admin().patch(&path(kind), &json!({"webhooks": [], "metadata": {"labels": null}}));
        eventually(MENDED, &format!("{kind} has its entries again"), || is_meant(kind, index));
        cluster.admin().delete(&path(kind));
        eventually(MENDED, &format!("{kind} is there again"), || is_meant(kind, index));
    }

    // The page for emergencies holds while replicas run, and its way back too.
    let page = |step: &str| {
        let commands = readme::step("docs/BREAK-GLASS.md", step);
        cluster.script(User::Admin, &cluster.folder, &commands).succeeded();
    };
    page("take partywall away");
    eventually(SOON, "nothing is judged", || match try_pod(cluster, "tenants-x") {
        Ok(pod) if pod["spec"]["nodeSelector"]["tenant"].is_null() => Ok(()),
        other => Err(format!("{other:?}")),
    });
    let began = std::time::Instant::now();
    eventually(SOON, "ten seconds have passed", || if began.elapsed() > MENDED { Ok(()) } else { Err("no") });
    assert!(CONFIGURATIONS.iter().all(|kind| installation.entries(kind).is_empty()), "they stay empty");
    page("put it back");
    for (index, kind) in CONFIGURATIONS.into_iter().enumerate() {
        eventually(MENDED, &format!("{kind} is put back"), || is_meant(kind, index));
    }

    // Paused, it stays as somebody left it, and the other one too.
    let pause = |value: Value| json!({"metadata": {"annotations": {"partywall.dev/registration": value}}});
    let [mutating, validating] = CONFIGURATIONS;
    cluster.admin().patch(&path(mutating), &pause(json!("paused")));
    eventually(SOON, "both replicas know that they are paused", || {
        let paused = replicas.iter().map(|replica| replica.figure("partywall_registration_paused"));
        if paused.clone().all(|paused| paused == 1) {
            Ok(())
        } else {
            Err(format!("{:?}", paused.collect::<Vec<_>>()))
        }
    });
    cluster.admin().delete(&path(validating));
    let version =
        |kind| installation.configuration(kind).map(|found| found["metadata"]["generation"].clone());
    let before = version(mutating);
    let began = std::time::Instant::now();
    eventually(SOON, "ten seconds have passed", || if began.elapsed() > MENDED { Ok(()) } else { Err("no") });
    assert_eq!(version(validating), None, "nothing is mended while it is paused");
    assert_eq!(version(mutating), before);
    cluster.admin().patch(&path(mutating), &pause(Value::Null));
    eventually(MENDED, "the other one is there again", || is_meant(validating, 1));
    installation.remove(replicas);
}

pub(crate) fn the_cas_survive_whatever_becomes_of_their_secret(cluster: &Cluster) {
    let installation = Installation::install(cluster);
    installation.apply_policies();
    let replicas = installation.start(&["secret-1", "secret-2"], &[]);
    installation.until_armed();
    let secret = || cluster.find("Secret", NAMESPACE, "partywall-ca");
    // What the replicas remember beside the CAs changes with time.
    let cas = |secret: Value| {
        let mut data = secret["data"].clone();
        if let Some(data) = data.as_object_mut() {
            data.remove("state.json");
        }
        data
    };
    let meant = cas(secret().unwrap());
    let path = format!("{}/partywall-ca", cluster.path("Secret", NAMESPACE));
    let restored = |what: &str| {
        let five = std::time::Duration::from_secs(5);
        eventually(five, &format!("{what}: it has the same CAs again"), || {
            let found = secret().map(cas);
            if found.as_ref() == Some(&meant) { Ok(()) } else { Err("another, or none") }
        });
        try_pod(cluster, "tenants-x").unwrap();
    };
    cluster.admin().delete(&path);
    restored("deleted");
    let emptied: Value = meant
        .as_object()
        .unwrap()
        .keys()
        .map(|key| (key.clone(), Value::Null))
        .collect::<serde_json::Map<_, _>>()
        .into();
    cluster.admin().patch(&path, &json!({"data": emptied}));
    restored("emptied");
    let garbage: Value = meant
        .as_object()
        .unwrap()
        .keys()
        .map(|key| (key.clone(), json!("Z2FyYmFnZQ==")))
        .collect::<serde_json::Map<_, _>>()
        .into();
    cluster.admin().patch(&path, &json!({"data": garbage}));
    restored("filled with garbage");
    installation.remove(replicas);
}

pub(crate) fn uninstall_leaves_nothing_but_what_it_lists(cluster: &Cluster) {
    let installation = Installation::install(cluster);
    installation.apply_policies();
    let replicas = installation.start(&["uninstall-1"], &[]);
    installation.until_armed();
    let listed = "
apiVersion: partywall.dev/v1alpha1
kind: Tenant
metadata: {name: leaving}
spec: {namespaces: [leaving]}
";
    cluster.namespace("leaving", &json!({}));
    cluster.kubectl(User::Admin).apply(listed).succeeds();
    cluster.until("Namespace", "", "leaving", "labelled", |namespace| {
        namespace["metadata"]["labels"]["partywall.dev/tenant"] == "leaving"
    });
    let said = installation.partywall("uninstall --dry-run").succeeded();
    said.says("would be removed  ValidatingWebhookConfiguration partywall")
        .says("partywall-system/partywall-ca");
    assert!(cluster.find("Secret", NAMESPACE, "partywall-ca").is_some(), "a dry run changes nothing");
    // Nothing stops this replica, which registers again what is taken away.
    let said = installation.partywall("uninstall --timeout 2");
    assert_eq!(said.code, Some(1), "{said}");
    said.says("this replica lives, and would put everything back");
    cluster.until("Namespace", "", "leaving", "labelled", |namespace| {
        namespace["metadata"]["labels"]["partywall.dev/tenant"] == "leaving"
    });
    cluster.balancer.set_backends(Vec::new());
    for replica in replicas {
        assert!(replica.stop(SOON).is_some_and(|status| status.success()));
    }
    let said = installation.partywall("uninstall").succeeded();
    assert!(said.stdout.contains("tenants.partywall.dev"), "{}", said.stdout);
    for kind in CONFIGURATIONS {
        assert_eq!(installation.configuration(kind), None);
    }
    assert_eq!(cluster.find("Secret", NAMESPACE, "partywall-ca"), None);
    let leases = cluster.admin().get(&format!("/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases"));
    let leases = leases.unwrap_or_default()["items"].as_array().cloned().unwrap_or_default();
    assert!(leases.iter().all(|lease| !lease["metadata"]["name"].as_str().unwrap().starts_with("partywall")));
    let namespace = cluster.get("Namespace", "", "leaving");
    assert_eq!(namespace["metadata"]["labels"]["partywall.dev/tenant"], Value::Null, "{namespace}");
    // What a person wrote stays: the label of the suite's own namespaces, and the definitions.
    assert_eq!(
        cluster.get("Namespace", "", "tenants-x")["metadata"]["labels"]["partywall.dev/tenant"],
        "tenants-x"
    );
    assert!(cluster.find("CustomResourceDefinition", "", "tenants.partywall.dev").is_some());
    // A second time there is nothing left to do.
    installation.partywall("uninstall").succeeded();
    cluster.kubectl(User::Admin).args(["delete", "namespace", "leaving", "--wait=false"]).succeeds();
    installation.remove(Vec::new());
}
