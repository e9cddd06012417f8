//! Services and Ingresses.

use serde_json::{Value, json};

use super::{Flaw, Worsening, add, mendable, worsening};

pub(super) fn service() -> Value {
    json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"},
        "spec": {
            "type": "ClusterIP", "clusterIP": "10.96.4.2", "selector": {"app": "web"}, "externalIPs": [],
            "ports": [{"name": "http", "port": 80, "targetPort": 8080}, {"name": "metrics", "port": 9090}],
        },
    })
}

pub(super) fn service_flaws() -> Vec<Flaw> {
    let rule = "service-exposure";
    let allocated = json!([
        {"name": "http", "port": 80, "nodePort": 30080},
        {"name": "metrics", "port": 9090, "nodePort": 30090},
    ]);
    let freed = json!({"spec": {"type": "ClusterIP", "externalName": null,
        "ports": [{"name": "http", "port": 80}, {"name": "metrics", "port": 9090}]}});
    vec![
        mendable(rule, json!({"spec": {"type": "LoadBalancer", "ports": allocated}}), freed.clone()),
        mendable(rule, json!({"spec": {"type": "NodePort", "ports": allocated}}), freed.clone()),
        mendable(rule, json!({"spec": {"type": "ExternalName", "externalName": "db.example.net"}}), freed),
        mendable(rule, add("/spec/externalIPs/-", json!("192.0.2.7")), json!({"spec": {"externalIPs": []}})),
        mendable(rule, add("/spec/externalIPs/0", json!("192.0.2.8")), json!({"spec": {"externalIPs": []}})),
    ]
}

pub(super) fn service_benign() -> Vec<Value> {
    vec![
        json!({"spec": {"selector": {"app": "web", "track": "stable"}}}),
        json!({"spec": {"sessionAffinity": "ClientIP"}}),
        json!({"spec": {"internalTrafficPolicy": "Local"}}),
        json!({"metadata": {"finalizers": ["service.kubernetes.io/load-balancer-cleanup"]}}),
        json!({"metadata": {"finalizers": null}}),
    ]
}

pub(super) fn service_worse() -> Vec<Worsening> {
    let rule = "service-exposure";
    vec![
        worsening(rule, add("/spec/externalIPs/-", json!("198.51.100.1"))),
        worsening(rule, add("/spec/externalIPs/0", json!("10.96.0.10"))),
        worsening(rule, json!({"spec": {"type": "LoadBalancer"}})),
        worsening(rule, json!({"spec": {"type": "NodePort"}})),
        worsening(
            rule,
            json!({"spec": {"type": "ExternalName", "externalName": "web.rival.svc.cluster.local"}}),
        ),
        worsening(rule, json!({"spec": {"type": "Teleport"}})),
    ]
}

pub(super) fn ingress() -> Value {
    let rule = |host: &str| {
        json!({"host": host, "http": {"paths": [{"path": "/", "pathType": "Prefix",
        "backend": {"service": {"name": "web", "port": {"name": "http"}}}}]}})
    };
    json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
        "metadata": {"name": "web", "annotations": {"cert-manager.io/cluster-issuer": "letsencrypt"}},
        "spec": {
            "ingressClassName": "nginx",
            "rules": [rule("shop.example.com"), rule("api.shop.example.com")],
            "tls": [{"hosts": ["shop.example.com", "api.shop.example.com"], "secretName": "web-tls"}],
        },
    })
}

pub(super) fn ingress_flaws() -> Vec<Flaw> {
    let rule = "ingress-hosts";
    let spec = || json!({"spec": ingress()["spec"]});
    let alias = "nginx.ingress.kubernetes.io/server-alias";
    vec![
        mendable(rule, add("/spec/rules/-", json!({"host": "old.example.org"})), spec()),
        mendable(rule, add("/spec/rules/0", json!({"http": {"paths": []}})), spec()),
        mendable(
            rule,
            add("/spec/tls/-", json!({"hosts": ["old.example.org"], "secretName": "old-tls"})),
            spec(),
        ),
        mendable(rule, add("/spec/tls/0", json!({"secretName": "any-tls"})), spec()),
        mendable(
            rule,
            json!({"spec": {"defaultBackend": {"service": {"name": "web", "port": {"number": 80}}}}}),
            json!({"spec": {"defaultBackend": null}}),
        ),
        mendable(
            rule,
            json!({"metadata": {"annotations": {alias: "old.example.org"}}}),
            json!({"metadata": {"annotations": {alias: null}}}),
        ),
        mendable(
            "ingress-class",
            json!({"metadata": {"annotations": {"kubernetes.io/ingress.class": "old"}}}),
            json!({"metadata": {"annotations": {"kubernetes.io/ingress.class": null}}}),
        ),
    ]
}

pub(super) fn ingress_benign() -> Vec<Value> {
    vec![
        add("/spec/rules/-", json!({"host": "blog.shop.example.com", "http": {"paths": []}})),
        add("/spec/tls/-", json!({"hosts": ["*.shop.example.com"], "secretName": "wild-tls"})),
        json!({"metadata": {"annotations": {"nginx.ingress.kubernetes.io/proxy-body-size": "8m"}}}),
        json!({"metadata": {"finalizers": ["ingress.k8s.aws/resources"]}}),
        json!({"metadata": {"finalizers": null}}),
    ]
}

pub(super) fn ingress_worse() -> Vec<Worsening> {
    let rule = "ingress-hosts";
    let annotated = |key: &str, value: &str| json!({"metadata": {"annotations": {key: value}}});
    vec![
        worsening(rule, add("/spec/rules/-", json!({"host": "rival.example.com"}))),
        worsening(rule, add("/spec/rules/0", json!({"host": "*.example.com"}))),
        worsening(rule, add("/spec/tls/-", json!({"hosts": ["rival.example.com"], "secretName": "t"}))),
        worsening(rule, annotated("nginx.ingress.kubernetes.io/server-alias", "rival.example.com")),
        Worsening {
            rule,
            subresource: "status",
            change: annotated("external-dns.alpha.kubernetes.io/hostname", "rival.example.com"),
        },
        worsening("ingress-class", annotated("kubernetes.io/ingress.class", "rivals")),
    ]
}
