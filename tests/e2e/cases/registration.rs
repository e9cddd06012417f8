//! All resources that `partywall manifests webhooks` registers exist in this version of Kubernetes.

use std::collections::HashMap;

use partywall_core::objects::kinds::Shape;
use serde_json::Value;

use crate::cluster::Cluster;
use crate::registration;
use crate::users::User;

/// A rule with a resource that the API server does not have matches nothing, without an error: a singular, another
/// group, or a wrong subresource.
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
                            Shape::of(group, kind),
                            Shape::Other,
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

/// A Service instead of a URL. It is only a dry run, since no Service can be reached here.
pub(crate) fn configurations_for_a_service_are_accepted(cluster: &Cluster) {
    let manifests = registration::manifests_of_service(&cluster.setup.pair);
    cluster.kubectl(User::Admin).apply(manifests).args(["--dry-run=server"]).succeeds();
}

/// A Tenant lists the namespace, but the label is missing: only the validating webhook is called.
/// Tells whether every cluster has this group.
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
