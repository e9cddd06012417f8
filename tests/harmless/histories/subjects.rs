//! The kinds of objects whose histories are looked at, and what can happen to each.

use serde_json::{Value, json};

/// A kind of object, and what can happen to it.
pub(super) struct Subject {
    pub(super) kind: &'static str,
    /// One that violates nothing.
    pub(super) clean: fn() -> Value,
    /// What it may violate since before partywall: each a change of the clean one, and the change that mends it.
    pub(super) flaws: fn() -> Vec<(Value, Value)>,
    /// What makes it no worse, whatever it is, beside what is true of every kind.
    pub(super) benign: fn() -> Vec<Value>,
    /// What makes it worse, whatever it is.
    pub(super) worse: fn() -> Vec<Worsening>,
}

/// A change for the worse, unless it changes nothing, and the one rule that has something against it.
pub(super) struct Worsening {
    pub(super) rule: &'static str,
    pub(super) subresource: &'static str,
    pub(super) change: Value,
}

fn worsening(rule: &'static str, change: Value) -> Worsening {
    Worsening { rule, subresource: "", change }
}

pub(super) const SUBJECTS: [Subject; 4] = [
    Subject { kind: "pod", clean: pod, flaws: pod_flaws, benign: pod_benign, worse: pod_worse },
    Subject {
        kind: "gated_pod",
        clean: gated_pod,
        flaws: gated_pod_flaws,
        benign: gated_pod_benign,
        worse: gated_pod_worse,
    },
    Subject {
        kind: "service",
        clean: service,
        flaws: service_flaws,
        benign: service_benign,
        worse: service_worse,
    },
    Subject {
        kind: "ingress",
        clean: ingress,
        flaws: ingress_flaws,
        benign: ingress_benign,
        worse: ingress_worse,
    },
];

fn add(path: &str, value: Value) -> Value {
    json!([{"op": "add", "path": path, "value": value}])
}

fn pod() -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web-0"},
        "spec": {
            "nodeName": "node-1",
            "nodeSelector": {"node-restriction.kubernetes.io/tenant": "shop"},
            "tolerations": [{"key": "tenant", "operator": "Equal", "value": "shop"}],
            "containers": [{"name": "web", "image": "nginx:1.29"}, {"name": "log", "image": "busybox:1.37"}],
            "ephemeralContainers": [],
        },
    })
}

/// What is mended is mended by what the API server lets change in a pod.
fn pod_flaws() -> Vec<(Value, Value)> {
    let none = || json!({});
    vec![
        (json!({"spec": {"hostNetwork": true}}), none()),
        (json!({"spec": {"nodeSelector": null}}), none()),
        (json!({"spec": {"priorityClassName": "system-node-critical"}}), none()),
        (json!({"spec": {"schedulerName": "mine"}}), none()),
        (add("/spec/containers/0/securityContext", json!({"privileged": true})), none()),
        (add("/spec/volumes/-", json!({"name": "root", "hostPath": {"path": "/"}})), none()),
        (
            add(
                "/spec/tolerations/-",
                json!({"key": "node-role.kubernetes.io/control-plane", "operator": "Exists"}),
            ),
            none(),
        ),
        (
            add(
                "/spec/affinity",
                json!({"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [
                {"topologyKey": "kubernetes.io/os", "namespaceSelector": {}, "labelSelector": {}}]}}),
            ),
            none(),
        ),
        (
            json!({"metadata": {"annotations": {"container.apparmor.security.beta.kubernetes.io/web": "unconfined"}}}),
            json!({"metadata": {"annotations": {"container.apparmor.security.beta.kubernetes.io/web": null}}}),
        ),
    ]
}

fn pod_benign() -> Vec<Value> {
    vec![
        json!({"spec": {"activeDeadlineSeconds": 600}}),
        json!({"spec": {"terminationGracePeriodSeconds": 1}}),
        add(
            "/spec/tolerations/-",
            json!({"key": "node.kubernetes.io/memory-pressure", "operator": "Exists", "effect": "NoSchedule"}),
        ),
        add("/spec/tolerations/-", json!({"key": "spot", "operator": "Exists", "effect": "NoSchedule"})),
        add("/spec/tolerations/-", json!({"key": "tenant", "value": "shop", "effect": "NoExecute"})),
        add("/spec/containers/0/resources", json!({"requests": {"cpu": "2"}})),
    ]
}

fn pod_worse() -> Vec<Worsening> {
    let debugger = |security: Value| {
        let container = json!({"name": "debugger", "image": "busybox:1.37", "securityContext": security});
        Worsening {
            rule: "pod-security",
            subresource: "ephemeralcontainers",
            change: add("/spec/ephemeralContainers/-", container),
        }
    };
    vec![
        worsening("tolerations", add("/spec/tolerations/-", json!({"operator": "Exists"}))),
        worsening("tolerations", add("/spec/tolerations/0", json!({"key": "tenant", "operator": "Exists"}))),
        worsening("tolerations", add("/spec/tolerations/-", json!({"key": "tenant", "value": "rival"}))),
        debugger(json!({"privileged": true})),
        debugger(json!({"capabilities": {"add": ["SYS_ADMIN"]}})),
        worsening(
            "pod-security",
            json!({"metadata": {"annotations": {"container.apparmor.security.beta.kubernetes.io/log": "unconfined"}}}),
        ),
    ]
}

/// A pod that waits: where it goes may still be narrowed.
fn gated_pod() -> Value {
    let mut pod = pod();
    let spec = pod["spec"].as_object_mut().unwrap();
    spec.remove("nodeName");
    spec.insert("schedulingGates".to_owned(), json!([{"name": "kueue.x-k8s.io/admission"}]));
    spec.insert(
        "affinity".to_owned(),
        json!({"nodeAffinity": {REQUIRED: {"nodeSelectorTerms": [own_term()]}}}),
    );
    pod
}

const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";
const TERMS: &str =
    "/spec/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms";

fn own_term() -> Value {
    let own = json!({"key": "node-restriction.kubernetes.io/tenant", "operator": "In", "values": ["shop"]});
    json!({"matchExpressions": [own]})
}

fn gated_pod_flaws() -> Vec<(Value, Value)> {
    let none = || json!({});
    vec![
        (json!({"spec": {"hostNetwork": true}}), none()),
        (add("/spec/tolerations/-", json!({"operator": "Exists"})), none()),
    ]
}

fn gated_pod_benign() -> Vec<Value> {
    let arm = json!({"key": "kubernetes.io/arch", "operator": "In", "values": ["arm64"]});
    vec![
        json!({"spec": {"nodeSelector": {"zone": "a"}}}),
        json!({"spec": {"nodeSelector": {"kubernetes.io/os": "linux"}}}),
        add(&format!("{TERMS}/0/matchExpressions/-"), arm),
        json!({"spec": {"schedulingGates": []}}),
        json!({"spec": {"schedulingGates": null}}),
        add("/spec/tolerations/-", json!({"key": "spot", "operator": "Exists", "effect": "NoSchedule"})),
    ]
}

fn gated_pod_worse() -> Vec<Worsening> {
    let term = |key: &str, value: &str| {
        let other = json!({"key": key, "operator": "In", "values": [value]});
        add(&format!("{TERMS}/-"), json!({"matchExpressions": [other]}))
    };
    vec![
        worsening("node-placement", term("node-restriction.kubernetes.io/tenant", "rival")),
        worsening("node-placement", term("kubernetes.io/arch", "amd64")),
        worsening(
            "node-placement",
            json!({"spec": {"nodeSelector": {"node-restriction.kubernetes.io/tenant": "rival"}}}),
        ),
        worsening("node-placement", json!({"spec": {"nodeName": "node-9"}})),
        worsening("tolerations", add("/spec/tolerations/-", json!({"key": "tenant", "operator": "Exists"}))),
    ]
}

fn service() -> Value {
    json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"},
        "spec": {
            "type": "ClusterIP", "clusterIP": "10.96.4.2", "selector": {"app": "web"}, "externalIPs": [],
            "ports": [{"name": "http", "port": 80, "targetPort": 8080}, {"name": "metrics", "port": 9090}],
        },
    })
}

fn service_flaws() -> Vec<(Value, Value)> {
    let allocated = json!([{"name": "http", "port": 80, "nodePort": 30080}, {"name": "metrics", "port": 9090, "nodePort": 30090}]);
    let freed = json!({"spec": {"type": "ClusterIP", "externalName": null,
        "ports": [{"name": "http", "port": 80}, {"name": "metrics", "port": 9090}]}});
    vec![
        (json!({"spec": {"type": "LoadBalancer", "ports": allocated}}), freed.clone()),
        (json!({"spec": {"type": "NodePort", "ports": allocated}}), freed.clone()),
        (json!({"spec": {"type": "ExternalName", "externalName": "db.example.net"}}), freed),
        (add("/spec/externalIPs/-", json!("192.0.2.7")), json!({"spec": {"externalIPs": []}})),
        (add("/spec/externalIPs/0", json!("192.0.2.8")), json!({"spec": {"externalIPs": []}})),
    ]
}

fn service_benign() -> Vec<Value> {
    vec![
        json!({"spec": {"selector": {"app": "web", "track": "stable"}}}),
        json!({"spec": {"sessionAffinity": "ClientIP"}}),
        json!({"spec": {"internalTrafficPolicy": "Local"}}),
        json!({"metadata": {"finalizers": ["service.kubernetes.io/load-balancer-cleanup"]}}),
        json!({"metadata": {"finalizers": null}}),
    ]
}

fn service_worse() -> Vec<Worsening> {
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

fn ingress() -> Value {
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

fn ingress_flaws() -> Vec<(Value, Value)> {
    let spec = || json!({"spec": ingress()["spec"]});
    let alias = "nginx.ingress.kubernetes.io/server-alias";
    vec![
        (add("/spec/rules/-", json!({"host": "old.example.org"})), spec()),
        (add("/spec/rules/0", json!({"http": {"paths": []}})), spec()),
        (add("/spec/tls/-", json!({"hosts": ["old.example.org"], "secretName": "old-tls"})), spec()),
        (add("/spec/tls/0", json!({"secretName": "any-tls"})), spec()),
        (
            json!({"spec": {"defaultBackend": {"service": {"name": "web", "port": {"number": 80}}}}}),
            json!({"spec": {"defaultBackend": null}}),
        ),
        (
            json!({"metadata": {"annotations": {alias: "old.example.org"}}}),
            json!({"metadata": {"annotations": {alias: null}}}),
        ),
        (
            json!({"metadata": {"annotations": {"kubernetes.io/ingress.class": "old"}}}),
            json!({"metadata": {"annotations": {"kubernetes.io/ingress.class": null}}}),
        ),
    ]
}

fn ingress_benign() -> Vec<Value> {
    vec![
        add("/spec/rules/-", json!({"host": "blog.shop.example.com", "http": {"paths": []}})),
        add("/spec/tls/-", json!({"hosts": ["*.shop.example.com"], "secretName": "wild-tls"})),
        json!({"metadata": {"annotations": {"nginx.ingress.kubernetes.io/proxy-body-size": "8m"}}}),
        json!({"metadata": {"finalizers": ["ingress.k8s.aws/resources"]}}),
        json!({"metadata": {"finalizers": null}}),
    ]
}

fn ingress_worse() -> Vec<Worsening> {
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

/// What makes no object worse.
pub(super) fn benign_to_all() -> Vec<Value> {
    let owner = json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "web", "uid": "1", "controller": true});
    vec![
        json!({"metadata": {"labels": {"team": "web"}}}),
        json!({"metadata": {"labels": null}}),
        json!({"metadata": {"annotations": {"example.com/note": "seen"}}}),
        json!({"metadata": {"annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}"}}}),
        json!({"metadata": {"finalizers": ["example.com/hold", "foregroundDeletion"]}}),
        json!({"metadata": {"finalizers": []}}),
        json!({"metadata": {"deletionTimestamp": "2026-11-20T09:00:00Z", "deletionGracePeriodSeconds": 30}}),
        json!({"metadata": {"ownerReferences": [owner]}}),
        json!({"metadata": {"ownerReferences": null}}),
        json!({"metadata": {"managedFields": []}}),
        json!({"metadata": {"resourceVersion": "4711"}}),
        json!({"status": {"observedGeneration": 2}}),
    ]
}
