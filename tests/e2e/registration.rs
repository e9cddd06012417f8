//! The webhook configurations that make the API server ask partywall.

use std::fs;
use std::net::SocketAddr;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::partywall::Pair;

/// Both configurations, as one document for `kubectl apply`.
// TEMPORARY: to be replaced by what `partywall manifests webhooks --url URL --ca-bundle FILE` prints.
pub(crate) fn manifests(address: SocketAddr, pair: &Pair) -> String {
    let ca = BASE64_STANDARD.encode(fs::read(&pair.ca).unwrap());
    let webhook = |path: &str, rules: &[Value]| {
        json!([{
            "name": format!("{path}.partywall.dev"),
            "admissionReviewVersions": ["v1"],
            "clientConfig": {"url": format!("https://{address}/{path}"), "caBundle": ca},
            "failurePolicy": "Fail",
            "matchPolicy": "Equivalent",
            "rules": rules,
            "sideEffects": "None",
            "timeoutSeconds": 10,
        }])
    };
    let rule = |operations: &[&str], group: &str, resources: &[&str]| {
        json!({
            "operations": operations,
            "apiGroups": [group],
            "apiVersions": ["*"],
            "resources": resources,
            "scope": "Namespaced",
        })
    };
    let pods = ["pods", "pods/binding", "pods/ephemeralcontainers", "bindings", "services"];
    let workloads = ["daemonsets", "deployments", "replicasets", "statefulsets"];
    let mutating = [rule(&["CREATE"], "", &["pods"]), rule(&["CREATE", "UPDATE"], "apps", &["daemonsets"])];
    let validating = [
        rule(&["CREATE", "UPDATE"], "", &pods),
        rule(&["CREATE", "UPDATE"], "apps", &workloads),
        rule(&["CREATE", "UPDATE"], "batch", &["jobs", "cronjobs"]),
        rule(&["CREATE", "UPDATE"], "networking.k8s.io", &["ingresses"]),
    ];
    let mut mutate = webhook("mutate", &mutating);
    mutate[0]["reinvocationPolicy"] = json!("IfNeeded");
    let list = json!({
        "apiVersion": "v1",
        "kind": "List",
        "items": [
            {
                "apiVersion": "admissionregistration.k8s.io/v1",
                "kind": "MutatingWebhookConfiguration",
                "metadata": {"name": "partywall"},
                "webhooks": mutate,
            },
            {
                "apiVersion": "admissionregistration.k8s.io/v1",
                "kind": "ValidatingWebhookConfiguration",
                "metadata": {"name": "partywall"},
                "webhooks": webhook("validate", &validating),
            },
        ],
    });
    list.to_string()
}
