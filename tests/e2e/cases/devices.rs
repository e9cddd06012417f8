//! Claims of devices, in the version of `resource.k8s.io` that clusters have by default.

use serde_json::{Value, json};

use crate::cluster::Cluster;
use crate::users::User;

const TENANT: User = User::Tenant("tenant-x");

fn claim(name: &str, request: &Value) -> Value {
    let mut exactly = json!({"deviceClassName": "gpu.example.com"});
    json_patch::merge(&mut exactly, request);
    json!({
        "apiVersion": "resource.k8s.io/v1", "kind": "ResourceClaim", "metadata": {"name": name},
        "spec": {"devices": {"requests": [{"name": "gpu", "exactly": exactly}]}},
    })
}

fn template(claim: &Value) -> Value {
    let mut template = claim.clone();
    template["kind"] = json!("ResourceClaimTemplate");
    template["spec"] = json!({"spec": claim["spec"]});
    template
}

pub(crate) fn c14_o18_claims_of_devices_are_judged_in_the_version_that_is_on_by_default(cluster: &Cluster) {
    let namespace = "x-devices";
    cluster.tenant_namespace(namespace, "tenants-x", "tenant-x");
    // Without the label the API server refuses `adminAccess` by itself.
    cluster.label(namespace, &json!({"resource.kubernetes.io/admin-access": "true"}));
    let kubectl = || cluster.kubectl(TENANT).within(namespace);
    let own = claim("own", &json!({}));
    for object in [&own, &template(&own)] {
        kubectl().create(object.to_string()).succeeds();
    }
    for (name, request, says) in [
        ("admin", json!({"adminAccess": true}), "`adminAccess`"),
        ("tainted", json!({"tolerations": [{"operator": "Exists"}]}), "tolerates every taint of devices"),
        ("of-y", json!({"tolerations": [{"key": "tenant", "value": "tenants-y"}]}), "taint `tenant`"),
    ] {
        let claim = claim(name, &request);
        for object in [&claim, &template(&claim)] {
            let outcome = kubectl().create(object.to_string()).fails();
            outcome.says("devices.partywall.dev").says("(rule device-claims)").says(says);
        }
    }
    let pod = |name: &str, source: Value| {
        let mut claim = json!({"name": "gpu"});
        json_patch::merge(&mut claim, &source);
        json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name},
            "spec": {
                "resourceClaims": [claim],
                "containers": [{
                    "name": "app", "image": "registry.example.com/app:1",
                    "resources": {"claims": [{"name": "gpu"}]},
                }],
            },
        })
    };
    for (name, source) in [
        ("by-claim", json!({"resourceClaimName": "own"})),
        ("by-template", json!({"resourceClaimTemplateName": "own"})),
    ] {
        kubectl().create(pod(name, source).to_string()).succeeds();
        let stored = cluster.get("Pod", namespace, name);
        assert_eq!(stored["spec"]["nodeSelector"]["tenant"], "tenants-x", "{stored}");
    }
    // The controller makes the template's claim, and its request is judged like the tenant's.
    cluster.until("Pod", namespace, "by-template", "given its claim", |pod| {
        pod["status"]["resourceClaimStatuses"][0]["resourceClaimName"].is_string()
    });
}
