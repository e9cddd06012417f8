//! Hosts that are claimed by kinds which are no part of Kubernetes.

use axum::http::Method;
use serde_json::{Value, json};

use crate::cluster::Cluster;
use crate::eventually::{SOON, eventually};
use crate::users::User;

const TENANT: User = User::Tenant("tenant-x");

/// Kinds as their projects define them, but for their schemas: group, versions, plural, kind.
const KINDS: [(&str, &[&str], &str, &str); 6] = [
    ("gateway.networking.k8s.io", &["v1", "v1beta1"], "httproutes", "HTTPRoute"),
    ("gateway.networking.k8s.io", &["v1alpha2"], "tcproutes", "TCPRoute"),
    ("cert-manager.io", &["v1"], "certificates", "Certificate"),
    ("cert-manager.io", &["v1"], "certificaterequests", "CertificateRequest"),
    ("traefik.io", &["v1alpha1"], "ingressroutes", "IngressRoute"),
    ("networking.istio.io", &["v1beta1", "v1"], "virtualservices", "VirtualService"),
];

fn define(cluster: &Cluster) {
    for (group, versions, plural, kind) in KINDS {
        let versions: Vec<_> = (versions.iter().enumerate())
            .map(|(index, version)| {
                json!({
                    "name": version, "served": true, "storage": index == 0,
                    "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}},
                })
            })
            .collect();
        let name = format!("{plural}.{group}");
        // The real projects' groups under k8s.io carry the approval that the API server asks for.
        let annotations =
            json!({"api-approved.kubernetes.io": "https://github.com/kubernetes-sigs/gateway-api/pull/1538"});
        let definition = json!({
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": name, "annotations": annotations},
            "spec": {
                "group": group, "scope": "Namespaced", "versions": versions,
                "names": {
                    "plural": plural, "singular": kind.to_lowercase(), "kind": kind, "listKind": format!("{kind}List"),
                },
            },
        });
        cluster.admin().create(&cluster.path("CustomResourceDefinition", ""), &definition);
    }
    for (group, versions, plural, _) in KINDS {
        eventually(SOON, &format!("{plural} are served"), || {
            let version = versions.last().unwrap();
            let found = cluster.admin().get(&format!("/apis/{group}/{version}")).unwrap_or_default();
            let mut resources = found["resources"].as_array().into_iter().flatten();
            if resources.any(|resource| resource["name"] == plural) { Ok(()) } else { Err(found.to_string()) }
        });
    }
}

pub(crate) fn g17_g18_g21_g22_g25_no_route_or_certificate_takes_anothers_host(cluster: &Cluster) {
    let namespace = "x-routes";
    cluster.tenant_namespace(namespace, "tenants-x", "tenant-x");
    define(cluster);
    let plurals: Vec<&str> = KINDS.iter().map(|(_, _, plural, _)| *plural).collect();
    cluster.grant(TENANT, namespace, &["create", "get", "update", "patch", "delete"], &plurals);
    let api = cluster.api(TENANT);
    let send = |method: Method, group_version: &str, plural: &str, name: &str, kind: &str, spec: Value| {
        let object =
            json!({"apiVersion": group_version, "kind": kind, "metadata": {"name": name}, "spec": spec});
        let mut path = format!("/apis/{group_version}/namespaces/{namespace}/{plural}");
        if method == Method::PATCH {
            path = format!("{path}/{name}");
        }
        api.send(method, &path, &object).map_err(|error| error.to_string())
    };
    let http_route = |method: Method, version: &str, name: &str, hosts: Value| {
        let version = format!("gateway.networking.k8s.io/{version}");
        send(method, &version, "httproutes", name, "HTTPRoute", json!({"hostnames": hosts}))
    };
    let denied = |outcome: Result<Value, String>, rule: &str| {
        let error = outcome.unwrap_err();
        assert!(error.contains(&format!("(rule {rule})")), "{error}");
    };
    for version in ["v1", "v1beta1"] {
        denied(http_route(Method::POST, version, "foreign", json!(["app.y.example.com"])), "route-hosts");
        denied(http_route(Method::POST, version, "everything", Value::Null), "route-hosts");
    }
    http_route(Method::POST, "v1", "own", json!(["app.x.example.com"])).unwrap();
    denied(http_route(Method::PATCH, "v1beta1", "own", json!(["app.y.example.com"])), "route-hosts");
    http_route(Method::PATCH, "v1beta1", "own", json!(["api.x.example.com"])).unwrap();
    let tcp = ("gateway.networking.k8s.io/v1alpha2", "tcproutes");
    denied(send(Method::POST, tcp.0, tcp.1, "port", "TCPRoute", json!({"rules": []})), "route-hosts");

    let certificate = |name: &str, host: &str| {
        let issuer = json!({"name": "public", "kind": "ClusterIssuer"});
        let spec = json!({"secretName": name, "dnsNames": [host], "issuerRef": issuer});
        send(Method::POST, "cert-manager.io/v1", "certificates", name, "Certificate", spec)
    };
    denied(certificate("foreign", "app.y.example.com"), "certificate-names");
    certificate("own", "app.x.example.com").unwrap();
    let request = json!({"request": "LS0t", "issuerRef": {"name": "public", "kind": "ClusterIssuer"}});
    let raw =
        send(Method::POST, "cert-manager.io/v1", "certificaterequests", "raw", "CertificateRequest", request);
    denied(raw, "certificate-names");

    let matched = json!({"routes": [{"match": "Host(`app.x.example.com`)", "kind": "Rule"}]});
    let route = send(Method::POST, "traefik.io/v1alpha1", "ingressroutes", "own", "IngressRoute", matched);
    denied(route, "foreign-routes");
    let mesh = |name: &str, host: &str| {
        let spec = json!({"hosts": [host], "gateways": ["infra/public"]});
        send(Method::POST, "networking.istio.io/v1", "virtualservices", name, "VirtualService", spec)
    };
    denied(mesh("foreign", "app.y.example.com"), "foreign-routes");
    mesh("own", "app.x.example.com").unwrap();
}
