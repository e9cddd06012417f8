//! Random pods, rich in what the controls read.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select, subsequence};
use serde_json::{Value, json};

use super::insert;

/// A JSON object of some fields. Absent, null, empty and filled are four different things; a pod of which everything
/// is filled would hide one violation behind another, so mostly a field is absent.
fn object(fields: Vec<(&'static str, BoxedStrategy<Value>)>) -> BoxedStrategy<Value> {
    let optional = |(name, value): (&'static str, BoxedStrategy<Value>)| {
        prop_oneof![6 => Just(None), 1 => Just(Some(Value::Null)), 3 => value.prop_map(Some)]
            .prop_map(move |value| (name, value))
    };
    let fields: Vec<_> = fields.into_iter().map(optional).collect();
    let written = |(name, value): (&str, Option<Value>)| Some((name.to_owned(), value?));
    fields.prop_map(move |fields| Value::Object(fields.into_iter().filter_map(written).collect())).boxed()
}

fn one_of(values: Value) -> BoxedStrategy<Value> {
    select(values.as_array().unwrap().clone()).boxed()
}

fn list(item: BoxedStrategy<Value>, most: usize) -> BoxedStrategy<Value> {
    vec(item, 0..=most).prop_map(Value::Array).boxed()
}

fn flag() -> BoxedStrategy<Value> {
    one_of(json!([true, false]))
}

fn profile() -> BoxedStrategy<Value> {
    object(vec![(
        "type",
        one_of(json!(["RuntimeDefault", "Localhost", "Unconfined", "runtime/default", ""])),
    )])
}

/// The fields that the security contexts of pods and of containers share.
fn shared_context() -> Vec<(&'static str, BoxedStrategy<Value>)> {
    let types = json!(["", "container_t", "container_engine_t", "spc_t"]);
    let names = || one_of(json!(["", "system_u"]));
    vec![
        ("runAsNonRoot", flag()),
        ("runAsUser", one_of(json!([0, 1, 1000]))),
        ("seccompProfile", profile()),
        ("appArmorProfile", profile()),
        ("seLinuxOptions", object(vec![("type", one_of(types)), ("user", names()), ("role", names())])),
        ("windowsOptions", object(vec![("hostProcess", flag())])),
    ]
}

fn container_context() -> BoxedStrategy<Value> {
    let names = json!(["ALL", "all", "NET_BIND_SERVICE", "CHOWN", "SYS_ADMIN", "CAP_CHOWN", ""]);
    let capabilities = || list(one_of(names.clone()), 2);
    let mut fields = shared_context();
    fields.extend([
        ("privileged", flag()),
        ("allowPrivilegeEscalation", flag()),
        ("procMount", one_of(json!(["Default", "Unmasked", ""]))),
        ("capabilities", object(vec![("add", capabilities()), ("drop", capabilities())])),
    ]);
    object(fields)
}

/// A container, yet without a name; mostly one that says what `restricted` wants to hear, with a few changes.
pub(super) fn container() -> BoxedStrategy<Value> {
    let hosts = || one_of(json!(["", "127.0.0.1", "example.com"]));
    let handler = move || {
        let target = || object(vec![("host", hosts()), ("port", Just(json!(80)).boxed())]);
        object(vec![("httpGet", target()), ("tcpSocket", target())])
    };
    let port = object(vec![("containerPort", Just(json!(80)).boxed()), ("hostPort", one_of(json!([0, 80])))]);
    let rest = object(vec![
        ("ports", list(port, 2)),
        ("livenessProbe", handler()),
        ("readinessProbe", handler()),
        ("startupProbe", handler()),
        ("lifecycle", object(vec![("postStart", handler()), ("preStop", handler())])),
        ("restartPolicy", Just(json!("Always")).boxed()),
    ]);
    let good = prop_oneof![
        3 => Just(json!({
            "runAsNonRoot": true, "allowPrivilegeEscalation": false,
            "seccompProfile": {"type": "RuntimeDefault"}, "capabilities": {"drop": ["ALL"]},
        })),
        1 => Just(json!({})),
    ];
    let context = (good, prop_oneof![2 => Just(json!({})), 3 => container_context()]);
    (rest, context, 0..20)
        .prop_map(|(mut container, (mut context, changes), odd)| {
            overlay(&mut context, changes);
            // Now and then there is none at all.
            container["securityContext"] = if odd == 0 { Value::Null } else { context };
            container["image"] = json!("registry.example.com/app:1");
            container
        })
        .boxed()
}

/// Writes the fields of one object over those of another, nulls too.
fn overlay(object: &mut Value, changes: Value) {
    let Value::Object(changes) = changes else { return };
    for (name, value) in changes {
        object[name] = value;
    }
}

fn annotations() -> BoxedStrategy<Value> {
    let keys = [
        "container.apparmor.security.beta.kubernetes.io/c0",
        "container.apparmor.security.beta.kubernetes.io/nobody",
        "seccomp.security.alpha.kubernetes.io/pod",
        "container.seccomp.security.alpha.kubernetes.io/c0",
        "container.seccomp.security.alpha.kubernetes.io/c2",
        "container.seccomp.security.alpha.kubernetes.io/added",
        "example.com/other",
    ];
    let values =
        select(vec!["runtime/default", "docker/default", "localhost/web", "localhost", "unconfined", ""]);
    (subsequence(keys.to_vec(), 0..4), vec(values, 4))
        .prop_map(|(keys, values)| {
            keys.into_iter().zip(values).map(|(k, v)| (k.to_owned(), json!(v))).collect()
        })
        .boxed()
}

fn volume() -> BoxedStrategy<Value> {
    let kinds = ["emptyDir", "secret", "image", "nfs", "gitRepo", "hostPath", "nodeDisk"];
    let filled = prop_oneof![4 => Just(json!({})), 1 => Just(Value::Null), 1 => Just(json!({"path": "/"}))];
    (subsequence(kinds.to_vec(), 0..3), filled)
        .prop_map(|(kinds, filled)| {
            let mut volume = json!({"name": "data"});
            kinds.into_iter().for_each(|kind| volume[kind] = filled.clone());
            volume
        })
        .boxed()
}

/// The lists of containers.
pub(super) const LISTS: [&str; 3] = ["containers", "initContainers", "ephemeralContainers"];

prop_compose! {
    /// A pod of up to four containers, `c0` to `c3`, somewhere in the three lists.
    pub(super) fn any_pod()(
        mut spec in object(vec![
            ("hostNetwork", flag()),
            ("hostPID", flag()),
            ("hostIPC", flag()),
            ("hostUsers", flag()),
            ("os", one_of(json!([{"name": "windows"}, {"name": "linux"}, {"name": "Windows"}, {}]))),
            ("volumes", list(volume(), 2)),
        ]),
        context in prop_oneof![2 => Just(json!({})), 1 => Just(Value::Null), 3 => pod_context()],
        metadata in object(vec![("annotations", annotations())]),
        containers in vec((container(), select(LISTS.to_vec())), 0..=4),
        empty in any::<Index>(),
    ) -> Value {
        spec["securityContext"] = context;
        // Some list is there and empty, or null, rather than absent.
        spec[*empty.get(&LISTS)] = if empty.index(2) == 0 { json!([]) } else { Value::Null };
        for (index, (mut container, list)) in containers.into_iter().enumerate() {
            container["name"] = json!(format!("c{index}"));
            insert(&mut spec, list, usize::MAX, container);
        }
        let mut metadata = metadata;
        metadata["name"] = json!("app");
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})
    }
}

fn pod_context() -> BoxedStrategy<Value> {
    let names = json!([
        "net.ipv4.tcp_syncookies",
        "net.ipv4.tcp_rmem",
        "net.ipv4.tcp_notsent_lowat",
        "kernel.msgmax"
    ]);
    let sysctl = object(vec![("name", one_of(names)), ("value", Just(json!("1")).boxed())]);
    let mut fields = shared_context();
    fields.push(("sysctls", list(sysctl, 2)));
    object(fields)
}
