//! Exemptions: visible, justified, expiring, and nothing that a tenant can give itself.

use partywall_core::tenancy::Snapshot;
use serde_json::{Value, json};

use crate::support::{create, pod, snapshot, update, validate};

fn policies(exemption: &str) -> Snapshot {
    snapshot(&format!(
        "{{apiVersion: partywall.dev/v1alpha1, kind: Tenant, metadata: {{name: t}}, spec: {{namespaces: [tenants-x]}}}}
---
{{apiVersion: partywall.dev/v1alpha1, kind: NodePool, metadata: {{name: p}}, \
          spec: {{nodeSelector: {{pool: p}}, taints: [{{key: pool, value: p}}]}}}}
---
{{apiVersion: partywall.dev/v1alpha1, kind: Settings, metadata: {{name: default}}, spec: {{workloads: deny}}}}
---
{{apiVersion: partywall.dev/v1alpha1, kind: Exemption, metadata: {{name: e}}, spec: {{reason: because, {exemption}}}}}
"
    ))
}

fn agent() -> Snapshot {
    policies(
        "tenant: t, rules: [pod-security], expires: 2027-01-31, \
         target: {kind: DaemonSet, name: log-agent, containers: [agent]}",
    )
}

/// A pod of the agent, with a hostPath that `mounts` mount.
fn agent_pod(mounts: &[&str]) -> Value {
    let container = |name: &str| {
        let mounts =
            if mounts.contains(&name) { json!([{"name": "logs", "mountPath": "/logs"}]) } else { json!([]) };
        json!({"name": name, "image": "a", "volumeMounts": mounts})
    };
    let mut pod = pod(json!({
        "volumes": [{"name": "logs", "hostPath": {"path": "/var/log"}}],
        "containers": [container("agent"), container("sidecar")],
    }));
    pod["metadata"]["ownerReferences"] =
        json!([{"apiVersion": "apps/v1", "kind": "DaemonSet", "name": "log-agent", "controller": true}]);
    pod
}

fn by_controller(mut review: Value) -> Value {
    review["request"]["userInfo"]["username"] =
        json!("system:serviceaccount:kube-system:daemon-set-controller");
    review
}

#[test]
fn a_pod_that_the_controller_makes_is_exempt_and_the_audit_log_says_so() {
    let answer = validate(&by_controller(create(agent_pod(&["agent"]))), &agent());
    assert!(answer.is_allowed(), "{}", answer.message());
    assert_eq!(answer.response["auditAnnotations"], json!({"exempted": "e"}));
}

#[test]
fn j13_owner_references_that_a_tenant_wrote_exempt_nothing() {
    assert!(!validate(&create(agent_pod(&["agent"])), &agent()).is_allowed());
    let mut own = create(agent_pod(&["agent"]));
    own["request"]["userInfo"]["username"] = json!("system:serviceaccount:tenants-x:daemon-set-controller");
    assert!(!validate(&own, &agent()).is_allowed());
}

#[test]
fn an_owner_that_is_added_by_an_update_exempts_nothing() {
    let mut old = agent_pod(&["agent"]);
    old["metadata"].as_object_mut().unwrap().remove("ownerReferences");
    let mut new = agent_pod(&["agent"]);
    new["spec"]["containers"][0]["image"] = json!("changed");
    assert!(!validate(&update(create(new), old), &agent()).is_allowed());
}

#[test]
fn only_the_containers_that_are_named_are_exempt() {
    assert!(!validate(&by_controller(create(agent_pod(&["agent", "sidecar"]))), &agent()).is_allowed());
    let mut privileged = agent_pod(&["agent"]);
    privileged["spec"]["containers"][0]["securityContext"] = json!({"privileged": true});
    assert!(validate(&by_controller(create(privileged.clone())), &agent()).is_allowed());
    privileged["spec"]["containers"][1]["securityContext"] = json!({"privileged": true});
    assert!(!validate(&by_controller(create(privileged)), &agent()).is_allowed());
    assert!(!validate(&by_controller(create(agent_pod(&[]))), &agent()).is_allowed(), "mounted by nobody");
    // What concerns the pod concerns the sidecar too.
    let mut host = agent_pod(&["agent"]);
    host["spec"]["hostPID"] = json!(true);
    assert!(!validate(&by_controller(create(host)), &agent()).is_allowed());
}

/// An exemption for one container covers no other container.
#[test]
fn an_exempt_image_is_exempt_in_its_container_alone() {
    let snapshot = snapshot(
        "{apiVersion: partywall.dev/v1alpha1, kind: Tenant, metadata: {name: t}, \
          spec: {namespaces: [tenants-x], imageRegistries: [good.example]}}
---
{apiVersion: partywall.dev/v1alpha1, kind: Exemption, metadata: {name: e}, spec: {reason: because, expires: 2027-01-31,
  tenant: t, rules: [image-registries], target: {kind: Pod, name: app, containers: [agent]}}}",
    );
    let with = |agent: &str, app: &str| {
        pod(json!({"containers": [{"name": "agent", "image": agent}, {"name": "app", "image": app}]}))
    };
    let old = with("bad.example/agent", "good.example/app");
    assert!(validate(&create(old.clone()), &snapshot).is_allowed());
    let answer = validate(&update(create(with("bad.example/agent", "bad.example/agent")), old), &snapshot);
    assert_eq!(answer.causes(), ["image-registries spec.containers[1].image"]);
}

#[test]
fn the_daemon_set_itself_is_exempt_by_name_and_no_other() {
    let daemon_set = |name: &str| {
        let pod = agent_pod(&["agent"]);
        json!({
            "apiVersion": "apps/v1", "kind": "DaemonSet",
            "metadata": {"name": name, "namespace": "tenants-x"},
            "spec": {"template": {"spec": pod["spec"]}},
        })
    };
    assert!(validate(&create(daemon_set("log-agent")), &agent()).is_allowed());
    assert!(!validate(&create(daemon_set("log-agent-2")), &agent()).is_allowed());
}

#[test]
fn other_rules_and_expired_exemptions_exempt_nothing() {
    let mut tolerant = agent_pod(&["agent"]);
    tolerant["spec"]["tolerations"] = json!([{"operator": "Exists"}]);
    assert_eq!(validate(&by_controller(create(tolerant)), &agent()).rules(), ["tolerations"]);
    let expired = policies(
        "tenant: t, rules: [pod-security], expires: 2026-11-19, target: {kind: DaemonSet, name: log-agent}",
    );
    assert!(!validate(&by_controller(create(agent_pod(&["agent"]))), &expired).is_allowed());
    let last_day = policies(
        "tenant: t, rules: [pod-security], expires: 2026-11-20, target: {kind: DaemonSet, name: log-agent}",
    );
    assert!(validate(&by_controller(create(agent_pod(&["agent"]))), &last_day).is_allowed());
}

#[test]
fn b13_a_platform_workload_outside_tenants_may_tolerate_pools() {
    let snapshot = policies(
        "namespace: monitoring, rules: [tolerations], expires: 2027-01-31, \
         target: {kind: DaemonSet, name: node-exporter}",
    );
    let mut exporter = pod(json!({"tolerations": [{"operator": "Exists"}]}));
    exporter["metadata"] = json!({
        "name": "node-exporter-x", "namespace": "monitoring",
        "ownerReferences": [
            {"apiVersion": "apps/v1", "kind": "DaemonSet", "name": "node-exporter", "controller": true},
        ],
    });
    assert!(validate(&by_controller(create(exporter.clone())), &snapshot).is_allowed());
    exporter["metadata"]["namespace"] = json!("default");
    assert!(!validate(&by_controller(create(exporter)), &snapshot).is_allowed());
}

/// A pod of the agent that a controller makes for this owner.
fn owned_pod(api_version: &str, kind: &str, name: &str, hash: Option<&str>) -> Value {
    let mut pod = agent_pod(&["agent"]);
    let owner = json!({"apiVersion": api_version, "kind": kind, "name": name, "controller": true});
    pod["metadata"]["ownerReferences"] = json!([owner]);
    if let Some(hash) = hash {
        pod["metadata"]["labels"] = json!({"pod-template-hash": hash});
    }
    pod
}

fn of_web(kind: &str) -> Snapshot {
    policies(&format!(
        "tenant: t, rules: [pod-security], expires: 2027-01-31, target: {{kind: {kind}, name: web}}"
    ))
}

#[test]
fn pods_of_a_deployment_and_a_cron_job_are_theirs_through_what_is_between() {
    for (kind, group, between, owner, exempt) in [
        ("Deployment", "apps/v1", "ReplicaSet", "web-5d4f8", true),
        ("Deployment", "apps/v1", "ReplicaSet", "web", false),
        ("Deployment", "apps/v1", "ReplicaSet", "web-other-5d4f8", false),
        ("Deployment", "apps/v1", "ReplicaSet", "webs-5d4f8", false),
        ("CronJob", "batch/v1", "Job", "web-29012345", true),
        ("CronJob", "batch/v1", "Job", "web-abc", false),
        ("CronJob", "apps/v1", "ReplicaSet", "web-29012345", false),
    ] {
        let hash = owner.rsplit('-').next();
        let answer = validate(&by_controller(create(owned_pod(group, between, owner, hash))), &of_web(kind));
        assert_eq!(answer.is_allowed(), exempt, "{kind} {between} {owner}");
    }
}

#[test]
fn o9_an_owner_of_another_group_or_a_name_that_no_controller_gives_exempts_nothing() {
    for (api_version, kind, name, hash) in [
        ("apps.example.com/v1", "ReplicaSet", "web-5d4f8", Some("5d4f8")),
        ("", "ReplicaSet", "web-5d4f8", Some("5d4f8")),
        // A bare ReplicaSet of a tenant.
        ("apps/v1", "ReplicaSet", "web-abc", Some("abc")),
        ("apps/v1", "ReplicaSet", "web-5d4f8", None),
        ("apps/v1", "ReplicaSet", "web-5d4f8", Some("5d4f9")),
        ("apps.example.com/v1", "Deployment", "web", None),
    ] {
        let answer =
            validate(&by_controller(create(owned_pod(api_version, kind, name, hash))), &of_web("Deployment"));
        assert!(!answer.is_allowed(), "{api_version} {kind} {name} {hash:?}");
    }
}

#[test]
fn o9_a_replica_set_that_would_inherit_is_judged_like_a_pod() {
    let replica_set = |name: &str| {
        let pod = agent_pod(&["agent"]);
        create(json!({
            "apiVersion": "apps/v1", "kind": "ReplicaSet",
            "metadata": {"name": name, "namespace": "tenants-x"},
            "spec": {"template": {"spec": pod["spec"]}},
        }))
    };
    let warns = snapshot(
        "{apiVersion: partywall.dev/v1alpha1, kind: Tenant, metadata: {name: t}, spec: {namespaces: [tenants-x]}}
---
{apiVersion: partywall.dev/v1alpha1, kind: Exemption, metadata: {name: e}, spec: {reason: because, expires: 2027-01-31,
  tenant: t, rules: [pod-security], target: {kind: Deployment, name: web}}}",
    );
    assert!(!validate(&replica_set("web-5d4f8"), &warns).is_allowed());
    assert!(validate(&replica_set("web-other"), &warns).is_allowed(), "only warned: its pods are denied");
    let mut by_deployment = replica_set("web-5d4f8");
    by_deployment["request"]["userInfo"]["username"] =
        json!("system:serviceaccount:kube-system:deployment-controller");
    assert!(validate(&by_deployment, &warns).is_allowed());
}

#[test]
fn o9_what_an_exemption_pins_holds_for_every_object() {
    const TARGET: &str = "tenant: t, rules: [pod-security], expires: 2027-01-31, \
         target: {kind: DaemonSet, name: log-agent}";
    let is_allowed = |pins: &str, change: &dyn Fn(&mut Value)| {
        let mut pod = agent_pod(&["agent"]);
        change(&mut pod);
        validate(&by_controller(create(pod)), &policies(&format!("{TARGET}, {pins}"))).is_allowed()
    };
    let same = |_: &mut Value| {};
    let image = |container: usize, image: &'static str| {
        move |pod: &mut Value| pod["spec"]["containers"][container]["image"] = json!(image)
    };
    let privileged =
        |pod: &mut Value| pod["spec"]["containers"][0]["securityContext"] = json!({"privileged": true});
    let path = |path: &'static str| {
        move |pod: &mut Value| pod["spec"]["volumes"][0]["hostPath"]["path"] = json!(path)
    };
    let host = |pod: &mut Value| pod["spec"]["hostPID"] = json!(true);
    assert!(is_allowed("images: [a]", &same));
    assert!(is_allowed("images: [a]", &host));
    assert!(!is_allowed("images: [a]", &image(0, "b")), "the container that mounts it");
    assert!(is_allowed("images: [a]", &image(1, "b")), "another container, which violates nothing");
    let host_beside = |pod: &mut Value| {
        host(pod);
        image(1, "b")(pod);
    };
    assert!(!is_allowed("images: [a]", &host_beside), "what concerns the whole pod concerns the other image");
    assert!(!is_allowed("images: [\"a:1\"]", &image(0, "a:2")));
    assert!(is_allowed("controls: [hostPathVolumes]", &same));
    assert!(!is_allowed("controls: [hostPathVolumes]", &privileged));
    assert!(!is_allowed("controls: [privileged]", &same));
    assert!(is_allowed("hostPaths: [/var/log]", &same));
    assert!(is_allowed("hostPaths: [/var/log/]", &path("/var//log/pods")));
    for other in ["/", "/var", "/var/logs", "/etc", "/var/log/../lib", ""] {
        assert!(!is_allowed("hostPaths: [/var/log]", &path(other)), "{other}");
    }
    assert!(is_allowed("namespace: tenants-x", &same));
}

#[test]
fn o9_an_exemption_of_one_namespace_holds_in_no_other() {
    let snapshot = snapshot(
        "{apiVersion: partywall.dev/v1alpha1, kind: Tenant, metadata: {name: t}, \
          spec: {namespaces: [tenants-x, tenants-x-2]}}
---
{apiVersion: partywall.dev/v1alpha1, kind: Exemption, metadata: {name: e}, spec: {reason: because, expires: 2027-01-31,
  tenant: t, namespace: tenants-x-2, rules: [pod-security], target: {kind: DaemonSet, name: log-agent}}}",
    );
    let mut pod = agent_pod(&["agent"]);
    assert!(!validate(&by_controller(create(pod.clone())), &snapshot).is_allowed());
    pod["metadata"]["namespace"] = json!("tenants-x-2");
    assert!(validate(&by_controller(create(pod)), &snapshot).is_allowed());
}

#[test]
fn o9_an_injected_container_is_exempt_in_every_pod_with_its_image_alone() {
    let snapshot = policies(
        "tenant: t, rules: [pod-security], expires: 2027-01-31, controls: [capabilities_baseline], \
         images: [registry.example.com/mesh/init], target: {container: mesh-init}",
    );
    let with = |name: &str, image: &str, context: Value| {
        let init = json!({"name": name, "image": image, "securityContext": context});
        pod(json!({"initContainers": [init], "containers": [{"name": "app", "image": "app"}]}))
    };
    let net_admin = json!({"capabilities": {"add": ["NET_ADMIN"]}});
    let image = "registry.example.com/mesh/init:1.2";
    assert!(validate(&create(with("mesh-init", image, net_admin.clone())), &snapshot).is_allowed());
    for (name, image, context) in [
        ("mesh-init", "registry.example.com/mesh/other", &net_admin),
        ("mesh-init", "evil.example/mesh/init", &net_admin),
        ("init", image, &net_admin),
        ("mesh-init", image, &json!({"privileged": true})),
    ] {
        let answer = validate(&create(with(name, image, context.clone())), &snapshot);
        assert!(!answer.is_allowed(), "{name} {image} {context}");
    }
}
