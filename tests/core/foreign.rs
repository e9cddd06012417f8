//! Certificates and routes of other APIs as they change hands: what an update adds, what it only keeps, and who writes.

use serde_json::{Value, json};

use crate::support::{create, fixture, load, update, validate};

fn object(api_version: &str, kind: &str, spec: Value) -> Value {
    let metadata = json!({"name": "web", "namespace": "tenants-x"});
    json!({"apiVersion": api_version, "kind": kind, "metadata": metadata, "spec": spec})
}

fn certificate(spec: Value) -> Value {
    object("cert-manager.io/v1", "Certificate", spec)
}

fn judged(old: Value, new: Value) -> Vec<String> {
    validate(&update(create(new), old), &load(&[fixture("rules/policies.yaml")])).causes()
}

/// The same with metadata that others keep: finalizers, annotations, owners.
fn kept(object: &Value) -> Value {
    let mut kept = object.clone();
    kept["metadata"]["finalizers"] = json!(["example.com/hold"]);
    kept["metadata"]["annotations"] = json!({"kubectl.kubernetes.io/restartedAt": "now"});
    kept["metadata"]["ownerReferences"] = json!([{"kind": "Ingress", "name": "web", "controller": true}]);
    kept["status"] = json!({"conditions": []});
    kept
}

#[test]
fn g28_names_that_were_signed_before_may_stay_and_none_may_come() {
    let with = |names: &[&str]| certificate(json!({"dnsNames": names, "issuerRef": {"name": "own-ca"}}));
    let lost = "lost.y.example.com";
    assert!(judged(with(&[lost]), kept(&with(&[lost]))).is_empty());
    assert!(judged(with(&["app.x.example.com", lost]), with(&[lost, "own.x.example.com"])).is_empty());
    assert_eq!(
        judged(with(&[lost]), with(&[lost, "app.y.example.com"])),
        ["certificate-names spec.dnsNames[1]"]
    );
}

#[test]
fn g25_what_one_issuer_signed_another_does_not() {
    let by = |issuer: Value| {
        certificate(json!({
            "dnsNames": ["lost.y.example.com", "web"], "ipAddresses": ["10.0.0.7"], "isCA": true,
            "uris": ["https://lost.y.example.com"], "emailAddresses": ["a@lost.y.example.com"], "issuerRef": issuer,
        }))
    };
    let own = by(json!({"name": "own-ca", "kind": "Issuer"}));
    assert!(judged(own.clone(), kept(&own)).is_empty());
    for other in
        [json!({"name": "le-prod", "kind": "ClusterIssuer"}), json!({"name": "x", "group": "example.com"})]
    {
        assert_eq!(
            judged(own.clone(), by(other)),
            [
                "certificate-names spec.dnsNames[0]",
                "certificate-names spec.dnsNames[1]",
                "certificate-names spec.ipAddresses[0]",
                "certificate-names spec.uris[0]",
                "certificate-names spec.emailAddresses[0]",
                "certificate-names spec.isCA",
            ]
        );
    }
}

#[test]
fn j10_j11_whoever_only_touches_metadata_is_not_in_the_way() {
    for (api_version, kind) in [
        ("cert-manager.io/v1", "CertificateRequest"),
        ("acme.cert-manager.io/v1", "Challenge"),
        ("traefik.io/v1alpha1", "IngressRoute"),
        ("elbv2.k8s.aws/v1beta1", "TargetGroupBinding"),
    ] {
        let old = object(api_version, kind, json!({"a": [1, {"b": null}]}));
        assert!(judged(old.clone(), kept(&old)).is_empty(), "{kind}");
        assert!(judged(kept(&old), old.clone()).is_empty(), "{kind}");
        let new = object(api_version, kind, json!({"a": [1, {"b": 2}]}));
        assert_eq!(judged(old, new).len(), 1, "{kind}");
    }
}

#[test]
fn g28_hosts_that_were_claimed_before_may_stay_and_none_may_come() {
    let with = |hosts: Value| object("networking.istio.io/v1", "VirtualService", json!({"hosts": hosts}));
    let lost = "lost.y.example.com";
    assert!(judged(with(json!([lost])), kept(&with(json!([lost])))).is_empty());
    assert!(judged(with(json!([lost])), with(json!(["app.x.example.com", lost]))).is_empty());
    assert_eq!(
        judged(with(json!([lost])), with(json!(["app.y.example.com", lost]))),
        ["foreign-routes spec.hosts[0]"]
    );
    // What cannot be read is the same only as itself.
    assert!(judged(with(json!({"a": lost})), kept(&with(json!({"a": lost})))).is_empty());
    assert_eq!(judged(with(json!({"a": lost})), with(json!({"b": lost}))), ["foreign-routes spec.hosts"]);
}

#[test]
fn g25_g26_controllers_are_told_by_their_names_alone() {
    let snapshot = load(&[fixture("rules/policies.yaml")]);
    let route = object("cilium.io/v2", "CiliumEnvoyConfig", json!({"resources": []}));
    for (user, groups, is_allowed) in [
        ("system:serviceaccount:kube-system:cilium-operator", json!([]), true),
        ("system:serviceaccount:kube-system:cilium-operator2", json!([]), false),
        ("system:serviceaccount:tenants-x:cilium-operator", json!([]), false),
        ("jane", json!(["system:serviceaccounts:kube-system", "system:masters"]), false),
    ] {
        let mut review = create(route.clone());
        review["request"]["userInfo"] = json!({"username": user, "groups": groups});
        assert_eq!(validate(&review, &snapshot).is_allowed(), is_allowed, "{user}");
    }
}

#[test]
fn l13_many_hosts_are_many_findings_and_few_words() {
    let hosts: Vec<String> = (0..19_000).map(|i| format!("h{i}.y.example.com")).collect();
    let new = object("networking.istio.io/v1", "VirtualService", json!({"hosts": hosts}));
    let answer = validate(&create(new), &load(&[fixture("rules/policies.yaml")]));
    assert!(!answer.is_allowed());
    assert!(answer.causes().len() <= 101, "{}", answer.causes().len());
}
