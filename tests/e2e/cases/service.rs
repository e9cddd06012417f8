//! partywall behind a Service: the API server resolves its address, and speaks HTTP/1.1 to it.

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::Ordering;

use serde_json::json;

use crate::cluster::Cluster;
use crate::eventually::{SOON, eventually};
use crate::kube_proxy::KubeProxy;
use crate::registration;
use crate::users::User;

const TENANT: User = User::Tenant("tenant-x");

pub(crate) fn a_service_is_called_with_http_1(cluster: &Cluster) {
    let namespace = "x-service";
    cluster.tenant_namespace(namespace, "tenants-x", "tenant-x");
    let system = "partywall-system";
    if cluster.find("Namespace", "", system).is_none() {
        cluster.namespace(system, &json!({}));
    }
    // Without a selector: the stand-in for kube-proxy knows the server.
    let service = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "partywall"},
        "spec": {"ports": [{"name": "https", "port": 443}]},
    });
    let service = cluster.admin().create(&cluster.path("Service", system), &service);
    let address: IpAddr = service["spec"]["clusterIP"].as_str().unwrap().parse().unwrap();
    let backend = cluster.balancer.backends()[0];
    let proxy = KubeProxy::start(cluster.runtime(), SocketAddr::new(address, 443), backend);
    let manifests = registration::manifests_of_service(&cluster.setup.pair);
    cluster.kubectl(User::Admin).apply(manifests).succeeds();
    let configuration = cluster.get("ValidatingWebhookConfiguration", "", "partywall");
    for webhook in configuration["webhooks"].as_array().unwrap() {
        assert!(webhook["clientConfig"]["url"].is_null(), "{webhook}");
        assert_eq!(webhook["clientConfig"]["service"]["name"], "partywall", "{webhook}");
    }
    // A connection to the URL that was registered before may still carry a review.
    eventually(SOON, "the Service is called", || {
        cluster.until_judged();
        if proxy.counts.connections.load(Ordering::Relaxed) > 0 { Ok(()) } else { Err("no connection") }
    });

    let pod = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "app"},
        "spec": {"containers": [{"name": "app", "image": "registry.example.com/app:1"}]},
    });
    let kubectl = || cluster.kubectl(TENANT).within(namespace);
    kubectl().create(pod.to_string()).succeeds();
    cluster.until("Pod", namespace, "app", "on the tenant's node", |pod| pod["spec"]["nodeName"] == "node-x");
    let mut hostile = pod;
    hostile["spec"]["tolerations"] = json!([{"operator": "Exists"}]);
    kubectl().create(hostile.to_string()).fails().says("(rule tolerations)");
    let (connections, offered) = (&proxy.counts.connections, &proxy.counts.offered_h2);
    assert!(connections.load(Ordering::Relaxed) > 0);
    assert_eq!(offered.load(Ordering::Relaxed), 0, "the API server offers only HTTP/1.1 to a Service");

    // Nothing listens on the Service's address any more: a tenant's pods are refused.
    drop(proxy);
    hostile["metadata"]["name"] = json!("late");
    kubectl().create(hostile.to_string()).fails().says("failed calling webhook");
    cluster.admin().delete(&format!("{}/partywall", cluster.path("Service", system)));
}
