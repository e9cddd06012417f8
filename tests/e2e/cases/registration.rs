//! What `partywall manifests webhooks` registers exists in this version of Kubernetes.

use std::collections::HashMap;

use partywall_core::objects::kinds::Kind;
use serde_json::{Value, json};

use crate::cluster::Cluster;
use crate::registration;
use crate::users::User;

/// A rule in a spelling that the API server does not have matches nothing, and nobody notices: in the singular,
/// in another group, or for a subresource that is none.
pub(crate) fn i4_every_registered_resource_exists_and_is_read(cluster: &Cluster) {
    let mut groups = HashMap::new();
    let mut seen = 0;
    for configuration in ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"] {
        let configuration = cluster.get(configuration, "", "partywall");
        for webhook in configuration["webhooks"].as_array().unwrap() {
            for rule in webhook["rules"].as_array().unwrap() {
                for group in rule["apiGroups"].as_array().unwrap() {
                    let group = group.as_str().unwrap();
                    // What is not installed cannot be written either; what may be is tried in `routes`.
                    if !is_kubernetes_own(group)
                        || (group == "resource.k8s.io" && cluster.version().minor < 34)
                    {
                        continue;
                    }
                    let known = groups.entry(group.to_owned()).or_insert_with(|| discover(cluster, group));
                    for resource in rule["resources"].as_array().unwrap() {
                        let resource = resource.as_str().unwrap();
                        let entry = known
                            .iter()
                            .find(|entry| entry["name"] == resource)
                            .unwrap_or_else(|| panic!("{group}/{resource} does not exist"));
                        let is_namespaces = resource.starts_with("namespaces");
                        assert_eq!(entry["namespaced"], !is_namespaces, "the scope of {group}/{resource}");
                        let kind = entry["kind"].as_str().unwrap();
                        assert_ne!(
                            Kind::of(group, kind),
                            Kind::Other,
                            "{group}/{resource}: nothing reads {kind}"
                        );
                        seen += 1;
                    }
                }
            }
        }
    }
    assert!(seen >= 20, "only {seen} resources are registered");
}

/// The other way to be found than by URL, which nothing here can lead to.
pub(crate) fn what_is_printed_for_a_service_is_accepted(cluster: &Cluster) {
    let manifests = registration::manifests_of_service(&cluster.setup.pair);
    cluster.kubectl(User::Admin).apply(manifests).args(["--dry-run=server"]).succeeds();
}

/// The policies claim the namespace, and the label was forgotten: the stamp is not asked for, the proof is.
pub(crate) fn l1_a_tenants_namespace_without_the_label_gets_no_pod_and_a_hint(cluster: &Cluster) {
    let (namespace, tenant) = ("x-unlabelled", User::Tenant("tenant-x"));
    cluster.namespace(namespace, &json!({}));
    cluster.grant_edit(tenant, namespace);
    let run = ["run", "app", "--image=registry.example.com/app:1"];
    let outcome = cluster.kubectl(tenant).within(namespace).args(run).fails();
    outcome.says("pods-elsewhere.partywall.dev").says("the namespace lacks the label `partywall.dev/tenant`");
}

/// Whether a group is always there.
fn is_kubernetes_own(group: &str) -> bool {
    ["", "apps", "batch", "discovery.k8s.io", "networking.k8s.io", "resource.k8s.io"].contains(&group)
}

/// The resources of a group, of all its versions.
fn discover(cluster: &Cluster, group: &str) -> Vec<Value> {
    let versions = match group {
        "" => vec!["/api/v1".to_owned()],
        _ => {
            let found =
                cluster.admin().get(&format!("/apis/{group}")).unwrap_or_else(|| panic!("no group {group}"));
            let path = |version: &Value| format!("/apis/{}", version["groupVersion"].as_str().unwrap());
            found["versions"].as_array().unwrap().iter().map(path).collect()
        }
    };
    let resources =
        |path: &String| cluster.admin().get(path).unwrap()["resources"].as_array().unwrap().clone();
    versions.iter().flat_map(resources).collect()
}
