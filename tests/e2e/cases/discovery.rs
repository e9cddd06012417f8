//! Aggregated discovery, by which kubectl and controllers find kinds: the table of kinds says the same.

use partywall_core::objects::kinds::{KINDS, Scope, is_cluster_scoped, plural, row};
use serde_json::Value;

use crate::cluster::Cluster;

/// The form that all supported releases serve.
const ACCEPT: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

/// Kinds of Kubernetes that are in the table, and that these releases do not serve: group, kind, first release.
const LATER: [(&str, &str, u32); 5] = [
    ("resource.k8s.io", "ResourceClaim", 34),
    ("resource.k8s.io", "ResourceClaimTemplate", 34),
    ("scheduling.k8s.io", "PodGroup", 37),
    ("scheduling.k8s.io", "CompositePodGroup", 37),
    ("scheduling.k8s.io", "Workload", 37),
];

/// Groups that every cluster serves, or from the release in [`LATER`] on.
const OWN: [&str; 8] = [
    "",
    "apps",
    "batch",
    "discovery.k8s.io",
    "networking.k8s.io",
    "rbac.authorization.k8s.io",
    "resource.k8s.io",
    "scheduling.k8s.io",
];

/// A resource as the API server discovers it.
struct Resource {
    group: String,
    discovered: Value,
}

fn discover(cluster: &Cluster) -> Vec<Resource> {
    let mut found = Vec::new();
    for path in ["/api", "/apis"] {
        let list = cluster.admin().get_as(path, ACCEPT);
        assert_eq!(list["kind"], "APIGroupDiscoveryList", "{path} is aggregated: {list}");
        for group in list["items"].as_array().unwrap() {
            for version in group["versions"].as_array().unwrap() {
                for resource in version["resources"].as_array().unwrap() {
                    let group = group["metadata"]["name"].as_str().unwrap_or_default().to_owned();
                    found.push(Resource { group, discovered: resource.clone() });
                }
            }
        }
    }
    found
}

pub(crate) fn i4_the_table_of_kinds_is_what_the_api_server_discovers(cluster: &Cluster) {
    let resources = discover(cluster);
    for Resource { group, discovered } in &resources {
        let kind = discovered["responseKind"]["kind"].as_str().unwrap();
        let name = discovered["resource"].as_str().unwrap();
        let is_writable = discovered["verbs"].as_array().unwrap().iter().any(|verb| verb == "update");
        if is_writable && (OWN.contains(&group.as_str()) || row(group, kind).is_some()) {
            assert_eq!(plural(group, kind), name, "{group}/{kind}");
        }
        if is_writable && is_kubernetes_own(group) {
            let is_cluster = discovered["scope"] == "Cluster";
            assert_eq!(is_cluster_scoped(group, kind), is_cluster, "the scope of {group}/{kind}");
        }
    }
    let mut served = 0;
    for row in KINDS {
        for group in row.groups.iter().filter(|group| OWN.contains(group)) {
            let of_row = |resource: &&Resource| {
                resource.group == *group && resource.discovered["responseKind"]["kind"] == row.name
            };
            let found: Vec<&Resource> = resources.iter().filter(of_row).collect();
            let later = LATER.iter().find(|(other, kind, _)| other == group && *kind == row.name);
            if later.is_some_and(|(_, _, since)| cluster.version().minor < *since) {
                continue;
            }
            assert!(!found.is_empty(), "{group}/{} is not served", row.name);
            served += 1;
            for resource in found {
                let scope = if row.scope == Scope::Cluster { "Cluster" } else { "Namespaced" };
                assert_eq!(resource.discovered["scope"], scope, "{group}/{}", row.name);
            }
        }
    }
    assert!(served >= 24, "only {served} kinds are served");
}

/// Tells whether a group is of Kubernetes, and not of a CustomResourceDefinition that another case has made.
fn is_kubernetes_own(group: &str) -> bool {
    let is_an_addons =
        ["gateway.networking.k8s.io", "snapshot.storage.k8s.io", "groupsnapshot.storage.k8s.io"];
    (!group.contains('.') || group.ends_with(".k8s.io")) && !is_an_addons.contains(&group)
}
