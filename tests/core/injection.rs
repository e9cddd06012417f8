//! Injection into a shared controller: what other rules' modes and Exemptions do not open.

use serde_json::json;

use crate::support::{create, snapshot, validate};

const TENANT: &str =
    "{apiVersion: partywall.dev/v1alpha1, kind: Tenant, metadata: {name: t}, spec: {namespaces: [edge],
  domains: [app.edge.example.com]}}";

#[test]
fn o10_relaxing_other_rules_opens_no_injection() {
    let injected = json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
        "metadata": {"name": "web", "namespace": "edge", "annotations": {
            "nginx.ingress.kubernetes.io/server-snippet": "return 200;",
            "nginx.ingress.kubernetes.io/proxy-ssl-ciphers": "NOSUCH",
        }},
        "spec": {
            "rules": [{"host": "other.example.com", "http": {"paths": [{"path": "/a{\n}"}]}}],
            "tls": [{"hosts": ["other.example.com"], "secretName": "kube-system/cert"}],
        },
    });
    let settings =
        "{apiVersion: partywall.dev/v1alpha1, kind: Settings, metadata: {name: default}, spec: {rules: {
  ingress-hosts: off, ingress-annotations: off, route-hosts: off}}}";
    let exemption =
        "{apiVersion: partywall.dev/v1alpha1, kind: Exemption, metadata: {name: e}, spec: {tenant: t,
  rules: [ingress-hosts, ingress-annotations], target: {kind: Ingress, name: web}, reason: known,
  expires: 2027-06-30}}";
    for other in [settings, exemption] {
        let answer = validate(&create(injected.clone()), &snapshot(&format!("{other}\n---\n{TENANT}")));
        let fields = [
            "metadata.annotations[nginx.ingress.kubernetes.io/proxy-ssl-ciphers]",
            "metadata.annotations[nginx.ingress.kubernetes.io/server-snippet]",
            "spec.tls[0].secretName",
            "spec.rules[0].http.paths[0].path",
        ];
        assert_eq!(answer.causes(), fields.map(|field| format!("controller-injection {field}")));
    }
}

#[test]
fn o10_the_rule_can_be_exempted_by_its_own_name() {
    let path = json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": "web", "namespace": "edge"},
        "spec": {"rules": [{"host": "app.edge.example.com", "http": {"paths": [{"path": "/a("}]}}]},
    });
    let exemption =
        "{apiVersion: partywall.dev/v1alpha1, kind: Exemption, metadata: {name: e}, spec: {tenant: t,
  rules: [controller-injection], target: {kind: Ingress, name: web}, reason: known,
  expires: 2027-06-30}}";
    assert!(!validate(&create(path.clone()), &snapshot(TENANT)).is_allowed());
    assert!(validate(&create(path), &snapshot(&format!("{exemption}\n---\n{TENANT}"))).is_allowed());
}
