//! The wire format, and the rows of the fail-closed table that are the codec's.

use partywall_core::Entry;
use serde_json::{Value, json};

use crate::support::{ask, create, eks, mutate, pod, recorded, snapshot, validate};

fn refused(body: &str) -> String {
    partywall_core::answer(Entry::Validate, body.as_bytes(), &eks()).expect_err("HTTP 400").to_string()
}

#[test]
fn m2_what_is_no_review_or_has_no_uid_cannot_be_answered() {
    for (why, body) in [
        ("empty", String::new()),
        ("no JSON", "hello".to_owned()),
        ("a list", "[]".to_owned()),
        (
            "another kind",
            json!({"kind": "Pod", "apiVersion": "admission.k8s.io/v1", "request": {"uid": "u"}}).to_string(),
        ),
        (
            "K18: v1beta1",
            create(pod(json!({}))).to_string().replace("admission.k8s.io/v1", "admission.k8s.io/v1beta1"),
        ),
        ("no request", json!({"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1"}).to_string()),
        ("no uid", create(pod(json!({}))).to_string().replace("\"uid\"", "\"uit\"")),
        ("an empty uid", {
            let mut review = create(pod(json!({})));
            review["request"]["uid"] = json!("");
            review.to_string()
        }),
        ("a number for a uid", {
            let mut review = create(pod(json!({})));
            review["request"]["uid"] = json!(7);
            review.to_string()
        }),
        ("cut off", create(pod(json!({}))).to_string()[..200].to_owned()),
        ("something after it", create(pod(json!({}))).to_string() + "{}"),
        ("nested too deep", "[".repeat(10_000)),
    ] {
        assert!(refused(&body).starts_with("the body is no AdmissionReview"), "{why}");
    }
}

#[test]
fn m8_a_wrong_type_where_a_rule_reads_is_denied_with_its_path() {
    for (path, object) in [
        ("spec", {
            let mut pod = pod(json!({}));
            pod.as_object_mut().unwrap().remove("spec");
            pod
        }),
        ("spec", {
            let mut pod = pod(json!({}));
            pod["spec"] = json!([]);
            pod
        }),
        ("spec.tolerations", pod(json!({"tolerations": {}}))),
        ("spec.tolerations", pod(json!({"tolerations": "none"}))),
        ("spec.tolerations[0]", pod(json!({"tolerations": [[]]}))),
        ("spec.tolerations[0].tolerationSeconds", pod(json!({"tolerations": [{"tolerationSeconds": "5"}]}))),
        ("spec.nodeSelector", pod(json!({"nodeSelector": ["tenant"]}))),
        ("spec.nodeSelector.tenant", pod(json!({"nodeSelector": {"tenant": 1}}))),
        ("spec.hostNetwork", pod(json!({"hostNetwork": "true"}))),
        (
            "spec.containers[0].securityContext",
            pod(json!({"containers": [{"name": "a", "securityContext": []}]})),
        ),
        (
            "spec.containers[0].securityContext.privileged",
            pod(json!({"containers": [{"securityContext": {"privileged": 1}}]})),
        ),
        ("spec.affinity.nodeAffinity", pod(json!({"affinity": {"nodeAffinity": 1}}))),
        ("spec.volumes[0]", pod(json!({"volumes": ["root"]}))),
    ] {
        for answer in [mutate(&create(object.clone()), &eks()), validate(&create(object.clone()), &eks())] {
            assert!(!answer.is_allowed(), "{path}");
            assert_eq!(answer.response["status"]["code"], 422, "{path}");
            assert!(answer.message().contains(&format!("`{path}`")), "{path}: {}", answer.message());
            assert_eq!(answer.response["uid"], "00000000-0000-0000-0000-000000000001");
        }
    }
}

#[test]
fn m8_a_wrong_type_in_the_envelope_is_denied_with_its_path() {
    for key in ["namespace", "operation", "subResource", "userInfo", "kind"] {
        let mut review = create(pod(json!({})));
        review["request"][key] = json!(7);
        let answer = validate(&review, &eks());
        assert_eq!(answer.response["status"]["code"], 422, "{key}");
        assert!(answer.message().contains(key), "{key}: {}", answer.message());
    }
}

#[test]
fn m10_deep_nesting_is_denied_where_it_is_read_and_skipped_where_it_is_not() {
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let body = |from: &str, review: Value| review.to_string().replace(from, &deep);
    let read = body("\"@deep\"", create(pod(json!({"tolerations": "@deep"}))));
    let answer = ask(Entry::Validate, read.as_bytes(), &eks());
    assert_eq!(answer.response["status"]["code"], 422);
    let unread = body("\"@deep\"", create(pod(json!({"futureField": "@deep"}))));
    assert!(ask(Entry::Mutate, unread.as_bytes(), &eks()).patch.is_some());
}

#[test]
fn m9_a_repeated_field_is_denied() {
    let body = create(pod(json!({"hostNetwork": false}))).to_string();
    let body = body.replace("\"hostNetwork\":false", "\"hostNetwork\":true,\"hostNetwork\":false");
    assert_eq!(ask(Entry::Validate, body.as_bytes(), &eks()).response["status"]["code"], 422);
}

#[test]
fn j18_m6_an_unknown_operation_is_denied() {
    let mut review = create(pod(json!({})));
    review["request"]["operation"] = json!("PATCH");
    let answer = validate(&review, &eks());
    assert_eq!(answer.response["status"]["code"], 422);
    assert!(answer.message().contains("`PATCH`"), "{}", answer.message());
}

#[test]
fn e6_m5_an_unknown_kind_on_a_subresource_of_pods_is_denied_and_a_pod_is_judged() {
    let mut unknown = create(
        json!({"apiVersion": "v1", "kind": "FutureContainers", "metadata": {"name": "app", "namespace": "tenants-x"}}),
    );
    unknown["request"]["resource"]["resource"] = json!("pods");
    unknown["request"]["subResource"] = json!("futurecontainers");
    assert!(!validate(&unknown, &eks()).is_allowed());
    let mut future = create(pod(json!({"hostPID": true, "nodeSelector": {"tenant": "tenants-x"}})));
    future["request"]["subResource"] = json!("future");
    assert!(validate(&future, &eks()).rules().contains(&"pod-security".to_owned()));
}

#[test]
fn j18_an_unknown_kind_on_a_resource_that_a_rule_reads_is_denied() {
    for (group, resource) in [
        ("", "pods"),
        ("", "bindings"),
        ("", "services"),
        ("", "endpoints"),
        ("discovery.k8s.io", "endpointslices"),
        ("networking.k8s.io", "ingresses"),
        ("extensions", "ingresses"),
    ] {
        let mut review =
            create(json!({"apiVersion": "v2", "kind": "Future", "metadata": {"namespace": "tenants-x"}}));
        review["request"]["resource"] = json!({"group": group, "version": "v2", "resource": resource});
        let answer = validate(&review, &eks());
        assert_eq!(answer.response["status"]["code"], 422, "{group} {resource}");
        assert!(answer.message().contains(&format!("`Future` on {resource} ")), "{}", answer.message());
        // Somebody else's of the same name is somebody else's.
        review["request"]["resource"]["group"] = json!("example.com");
        assert!(validate(&review, &eks()).is_allowed(), "{resource}");
    }
}

#[test]
fn m5_an_object_that_is_null_is_denied_but_for_deletion() {
    let mut review = create(pod(json!({})));
    review["request"]["object"] = Value::Null;
    assert_eq!(validate(&review, &eks()).response["status"]["code"], 422);
    review["request"].as_object_mut().unwrap().remove("object");
    assert_eq!(validate(&review, &eks()).response["status"]["code"], 422);
    review["request"]["operation"] = json!("DELETE");
    assert!(validate(&review, &eks()).is_allowed());
}

#[test]
fn d5_the_group_and_kind_decide_whatever_the_version() {
    for (api_version, kind) in
        [("apps/v1beta1", "Deployment"), ("batch/v1beta1", "CronJob"), ("batch/v2alpha1", "CronJob")]
    {
        let spec = json!({"hostPID": true, "containers": []});
        let template = json!({"spec": {"template": {"spec": spec}}});
        let spec =
            if kind == "CronJob" { json!({"jobTemplate": template}) } else { template["spec"].clone() };
        let metadata = json!({"name": "a", "namespace": "tenants-x"});
        let object = json!({"apiVersion": api_version, "kind": kind, "metadata": metadata, "spec": spec});
        let answer = validate(&create(object), &eks());
        assert_eq!(answer.response["warnings"].as_array().map(Vec::len), Some(1), "{api_version} {kind}");
    }
    let lookalike = json!({
        "apiVersion": "example.com/v1", "kind": "Pod", "metadata": {"name": "a", "namespace": "tenants-x"}, "spec": 7,
    });
    assert!(validate(&create(lookalike), &eks()).is_allowed());
}

#[test]
fn d6_a_missing_template_is_nothing_to_judge() {
    for template in [Value::Null, json!({})] {
        let object = json!({
            "apiVersion": "v1", "kind": "ReplicationController",
            "metadata": {"name": "a", "namespace": "tenants-x"}, "spec": {"template": template},
        });
        assert!(validate(&create(object), &eks()).is_allowed());
    }
}

#[test]
fn the_order_of_the_fields_does_not_matter() {
    let review = recorded("validate-create-pods-privileged");
    let request = review["request"].as_object().unwrap();
    let expected = validate(&review, &eks()).causes();
    let fields = |object_first: bool| {
        let mut fields: Vec<_> =
            request.iter().map(|(key, value)| (key != "object", format!("{}:{value}", json!(key)))).collect();
        fields.sort_by_key(|(is_other, _)| *is_other == object_first);
        fields.into_iter().map(|(_, field)| field).collect::<Vec<_>>().join(",")
    };
    for object_first in [true, false] {
        let body = format!(
            r#"{{"request":{{{}}},"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview"}}"#,
            fields(object_first)
        );
        assert_eq!(ask(Entry::Validate, body.as_bytes(), &eks()).causes(), expected);
    }
    // An object that comes before its kind still names its path when it does not decode.
    let mut broken = recorded("validate-create-pods-privileged");
    broken["request"]["object"]["spec"]["hostPID"] = json!("yes");
    let body = broken.to_string();
    let answer = ask(Entry::Validate, body.as_bytes(), &eks());
    assert!(answer.message().contains("`spec.hostPID`"), "{}", answer.message());
}

#[test]
fn escapes_in_keys_and_values_are_the_same_as_the_letters() {
    let body = create(pod(json!({"hostPID": true, "nodeName": "n<1"}))).to_string();
    let escaped = body
        .replace("\"hostPID\"", "\"host\\u0050ID\"")
        .replace("n<1", "n\\u003c1")
        .replace("\"tenants-x\"", "\"tenants\\u002dx\"");
    let answer = ask(Entry::Validate, escaped.as_bytes(), &eks());
    assert_eq!(answer.causes(), validate(&serde_json::from_str(&body).unwrap(), &eks()).causes());
    assert!(answer.message().contains("`n<1`"));
}

#[test]
fn j6_j9_generated_names_and_dry_runs_are_answered_alike() {
    let mut review = recorded("mutate-create-pods-plain");
    let plain = mutate(&review, &eks()).patch;
    review["request"]["dryRun"] = json!(true);
    review["request"].as_object_mut().unwrap().remove("name");
    review["request"]["object"]["metadata"]["name"] = Value::Null;
    review["request"]["object"]["metadata"]["generateName"] = json!("plain-");
    assert_eq!(mutate(&review, &eks()).patch, plain);
}

#[test]
fn l4_nothing_is_judged_in_system_namespaces_not_even_what_does_not_decode() {
    for namespace in ["kube-system", "kube-public", "kube-node-lease", "partywall-system"] {
        let mut review = create(pod(json!({"hostPID": true, "tolerations": [{"operator": "Exists"}]})));
        review["request"]["namespace"] = json!(namespace);
        assert!(validate(&review, &eks()).is_allowed());
        review["request"]["object"]["spec"]["hostPID"] = json!("yes");
        assert!(validate(&review, &eks()).is_allowed());
    }
    // But the namespaces themselves are, and so is what may be one.
    for kind in [json!("Namespace"), json!(1), Value::Null] {
        let mut review = create(json!({"metadata": {"name": "kube-system"}}));
        review["request"]["namespace"] = json!("kube-system");
        review["request"]["kind"] = json!({"group": "", "version": "v1", "kind": kind});
        review["request"]["dryRun"] = json!("no");
        assert_eq!(validate(&review, &eks()).response["status"]["code"], 422, "{kind}");
    }
    let mut review = create(pod(json!({"tolerations": [{"operator": "Exists"}]})));
    review["request"]["namespace"] = json!("kube-system-evil");
    assert!(!validate(&review, &eks()).is_allowed(), "I14: exact names only");
}

#[test]
fn d1_d2_the_creating_user_exempts_nothing() {
    let mut review = create(pod(json!({"hostPID": true})));
    for (user, groups) in [
        (
            "system:serviceaccount:kube-system:replicaset-controller",
            json!(["system:serviceaccounts:kube-system"]),
        ),
        ("admin", json!(["system:masters"])),
        ("system:kube-controller-manager", json!([])),
    ] {
        review["request"]["userInfo"] = json!({"username": user, "groups": groups});
        assert!(!validate(&review, &eks()).is_allowed(), "{user}");
    }
}

#[test]
fn modes_decide_what_a_violation_leads_to() {
    let policies = |mode: &str| {
        snapshot(&format!(
            "{{apiVersion: partywall.dev/v1alpha1, kind: Tenant, metadata: {{name: t}}, \
             spec: {{namespaces: [tenants-x], rules: {{pod-security: {mode}}}}}}}"
        ))
    };
    let review = create(pod(json!({"hostPID": true})));
    assert!(!validate(&review, &policies("deny")).is_allowed());
    let warned = validate(&review, &policies("warn"));
    assert!(warned.is_allowed());
    let warning = warned.response["warnings"][0].as_str().unwrap();
    assert!(
        warning.starts_with("tenant `t`: spec.hostPID: ") && warning.ends_with("(rule pod-security)"),
        "{warning}"
    );
    let audited = validate(&review, &policies("audit"));
    assert!(audited.is_allowed() && audited.response.get("warnings").is_none());
    assert_eq!(audited.response["auditAnnotations"]["violations"], "pod-security=audit");
    assert_eq!(validate(&review, &policies("\"off\"")).response.as_object().unwrap().len(), 2);
}

#[test]
fn k15_k16_a_denial_names_no_other_tenant_and_cuts_what_the_tenant_wrote() {
    let long = "x".repeat(5_000) + "\n\u{1b}[31m";
    let answer = validate(&create(pod(json!({"nodeName": long}))), &eks());
    assert!(answer.message().len() < 1_200 && !answer.message().contains('\u{1b}'), "{}", answer.message());
}
