//! Annotations of controllers: what their values may be, on which kinds, and what an update changes.

use std::sync::LazyLock;

use partywall_core::tenancy::Snapshot;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{create, fixture, load, snapshot, update, validate};

fn with(kind: (&str, &str), annotations: &Value) -> Value {
    json!({
        "apiVersion": kind.0, "kind": kind.1, "spec": {"rules": [{"host": "app.edge.example.com"}]},
        "metadata": {"name": "web", "namespace": "edge", "annotations": annotations},
    })
}

fn ingress(annotations: &Value) -> Value {
    with(("networking.k8s.io/v1", "Ingress"), annotations)
}

fn judged(old: &Value, new: &Value) -> Vec<String> {
    validate(&update(create(ingress(new)), ingress(old)), &load(&[fixture("rules/policies.yaml")])).causes()
}

#[test]
fn g28_an_annotation_is_the_same_by_its_key_and_value() {
    const FIELD: &str = "ingress-annotations metadata.annotations[nginx.ingress.kubernetes.io/mirror-target]";
    let to = |target: &str, note: &str| {
        const MIRROR: &str = "nginx.ingress.kubernetes.io/mirror-target";
        json!({MIRROR: target, "example.com/note": note})
    };
    assert!(judged(&to("https://a", "1"), &to("https://a", "2")).is_empty());
    assert_eq!(judged(&to("https://a", "1"), &to("https://b", "1")), [FIELD]);
    assert_eq!(judged(&json!({}), &to("https://a", "1")), [FIELD]);
}

#[test]
fn g28_an_issuer_is_another_when_its_kind_is() {
    let issuer =
        |kind: &str| json!({"cert-manager.io/issuer": "internal-ca", "cert-manager.io/issuer-kind": kind});
    let field = ["ingress-annotations metadata.annotations[cert-manager.io/issuer]"];
    assert!(judged(&json!({}), &issuer("Issuer")).is_empty());
    assert_eq!(judged(&issuer("Issuer"), &issuer("ClusterIssuer")), field);
    assert!(judged(&issuer("ClusterIssuer"), &issuer("ClusterIssuer")).is_empty());
    assert_eq!(judged(&issuer("Other"), &issuer("ClusterIssuer")), field);
}

#[test]
fn g27_f5_an_address_in_a_status_stays_and_another_does_not_come() {
    let snapshot = load(&[fixture("rules/policies.yaml")]);
    let at = |addresses: &[&str]| {
        let mut object = ingress(&json!({}));
        let addresses: Vec<_> = addresses.iter().map(|ip| json!({"ip": ip})).collect();
        object["status"] = json!({"loadBalancer": {"ingress": addresses}});
        object
    };
    let judged = |old: &[&str], new: &[&str]| {
        let mut review = update(create(at(new)), at(old));
        review["request"]["subResource"] = json!("status");
        validate(&review, &snapshot).causes()
    };
    assert!(judged(&["192.0.2.1", "192.0.2.2"], &["192.0.2.2"]).is_empty());
    let field = ["service-exposure status.loadBalancer.ingress[0].ip"];
    assert_eq!(judged(&["192.0.2.1"], &["192.0.2.9", "192.0.2.1"]), field);
    // The API server takes no status from a write to the object.
    let review = update(create(at(&["192.0.2.9"])), at(&[]));
    assert!(validate(&review, &snapshot).is_allowed());
}

#[test]
fn f12_kinds_that_settings_list_as_routes_publish_own_names_only() {
    let snapshot = snapshot(
        "{apiVersion: partywall.dev/v1alpha1, kind: Settings, metadata: {name: default}, spec: {
  foreignRoutes: [{group: example.com, kind: Web}]}}
---
{apiVersion: partywall.dev/v1alpha1, kind: Tenant, metadata: {name: t}, \
          spec: {namespaces: [edge], domains: [a.example.com]}}",
    );
    let named = |host: &str| {
        let annotations = json!({
            "external-dns.alpha.kubernetes.io/hostname": host,
            // Of other controllers nobody knows what they do with this kind.
            "konghq.com/anything": "a",
        });
        create(with(("example.com/v1", "Web"), &annotations))
    };
    assert!(validate(&named("a.example.com"), &snapshot).is_allowed());
    let mut foreign = named("b.example.com");
    let cause = "ingress-annotations metadata.annotations[external-dns.alpha.kubernetes.io/hostname]";
    assert_eq!(validate(&foreign, &snapshot).causes(), [cause]);
    foreign["request"]["operation"] = json!("DELETE");
    foreign["request"]["oldObject"] = foreign["request"]["object"].take();
    assert!(validate(&foreign, &snapshot).is_allowed(), "J8: what goes does no harm");
}

#[test]
fn f12_hosts_are_the_tenants_whatever_its_list_says() {
    let snapshot = snapshot(
        "{apiVersion: partywall.dev/v1alpha1, kind: Tenant, metadata: {name: t}, spec: {namespaces: [edge],
  domains: [app.edge.example.com], annotations: [konghq.com/snis, konghq.com/override]}}",
    );
    let answer = |key: &str| validate(&create(ingress(&json!({ key: "b.example.com" }))), &snapshot);
    assert!(answer("konghq.com/override").is_allowed());
    assert!(!answer("konghq.com/snis").is_allowed());
}

/// Nothing here measures time: what is quadratic takes so long that nobody overlooks it.
#[test]
fn l13_a_name_that_may_be_cut_anywhere_costs_no_more_than_its_length() {
    let middleware = format!("edge-{}@kubernetescrd", "a-".repeat(700_000));
    let annotations = json!({"traefik.ingress.kubernetes.io/router.middlewares": middleware});
    assert!(validate(&create(ingress(&annotations)), &EDGE).is_allowed());
}

/// Keys of those controllers that write values into files.
const IN_FILES: [&str; 8] = [
    "nginx.ingress.kubernetes.io/rewrite-target",
    "nginx.ingress.kubernetes.io/auth-realm",
    "nginx.ingress.kubernetes.io/auth-secret",
    "nginx.ingress.kubernetes.io/auth-url",
    "nginx.ingress.kubernetes.io/proxy-cookie-path",
    "nginx.org/client-max-body-size",
    "haproxy.org/path-rewrite",
    "haproxy-ingress.github.io/session-cookie-keywords",
];

/// A tenant with one host.
static EDGE: LazyLock<Snapshot> = LazyLock::new(|| {
    snapshot(
        "{apiVersion: partywall.dev/v1alpha1, kind: Tenant, metadata: {name: edge}, spec: {namespaces: [edge],
  domains: [app.edge.example.com]}}",
    )
});

proptest! {
    #[test]
    fn g7_no_value_reaches_into_a_file(
        key in prop::sample::select(&IN_FILES[..]),
        before in "[ -~]{0,20}",
        bad in prop::sample::select(&["\n", "\r", "\0", "{", "}", ";", "\"", "'", "`", "#", "\u{2028}"][..]),
        after in any::<String>(),
    ) {
        let answer = validate(&create(ingress(&json!({ key: format!("{before}{bad}{after}") }))), &EDGE);
        prop_assert_eq!(answer.rules(), ["controller-injection"]);
    }

    #[test]
    fn g15_no_path_reaches_into_a_file(
        before in "/[!-~]{0,20}",
        bad in prop::sample::select(&["\n", "\t", " ", "{", "}", ";", "\"", "'", "`", "#", "<", "\u{e9}"][..]),
        after in any::<String>(),
    ) {
        let mut object = ingress(&json!({}));
        object["spec"]["rules"][0]["http"] = json!({"paths": [{"path": format!("{before}{bad}{after}")}]});
        prop_assert_eq!(validate(&create(object), &EDGE).rules(), ["controller-injection"]);
    }
}
