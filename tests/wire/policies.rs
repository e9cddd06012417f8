//! Tests what the server says of partywall's own objects.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::server::{Server, Setup};

const UID: &str = "u-1";

fn review(spec: &Value) -> String {
    let object = json!({
        "apiVersion": "partywall.dev/v1alpha1", "kind": "Tenant", "metadata": {"name": "a"}, "spec": spec,
    });
    let request = json!({
        "uid": UID, "operation": "CREATE", "object": object, "userInfo": {"username": "alice"},
        "kind": {"group": "partywall.dev", "version": "v1alpha1", "kind": "Tenant"},
    });
    let review = json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request});
    review.to_string()
}

#[tokio::test]
async fn partywalls_own_objects_are_judged_even_before_there_are_policies() {
    let server = Server::with(Setup { without_policies: true, ..Setup::default() }).await;
    let mut client = server.target.http1().await;
    let sound = client.post("/validate/policies", review(&json!({"namespaces": ["a"]}))).await;
    assert_eq!(sound.review(UID)["allowed"], true);
    let misspelt =
        client.post("/validate/policies", review(&json!({"namespaces": ["a"], "domain": []}))).await;
    let response = misspelt.review(UID);
    assert_eq!(response["allowed"], false);
    assert_eq!(response["status"]["code"], 422);
    let message = response["status"]["message"].as_str().unwrap();
    assert!(
        message.contains("Tenant `a`: spec.domain = []: unknown field `domain`, did you mean `domains`?"),
        "{message}"
    );
    assert_eq!(client.post("/validate/policies", "{}").await.status, StatusCode::BAD_REQUEST);
}
