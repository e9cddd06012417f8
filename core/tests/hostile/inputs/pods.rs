//! Reviews that are hostile to the other rules of pods.

use super::{Input, REQUIRED, Text, items, lists, long, named_pod, pod, pod_of, terms};

const PROBE: &str = r#""livenessProbe":{"httpGet":{"host":"a"}}"#;

pub(super) fn tolerations(bytes: usize, item: fn(usize, &str) -> String) -> Text {
    pod("", &format!(r#","tolerations":[{}]"#, items(bytes, 20_000, item)))
}

pub(super) fn tolerations_of_values(bytes: usize) -> Text {
    tolerations(bytes, |i, pad| format!(r#"{{"key":"dedicated","value":"q{i}{pad}"}}"#))
}

pub(super) fn empty_tolerations(bytes: usize) -> Text {
    tolerations(bytes, |_, _| "{}".to_owned())
}

pub(super) fn pods() -> Vec<Input> {
    let exists = |bytes| tolerations(bytes, |i, pad| format!(r#"{{"key":"k{i}{pad}","operator":"Exists"}}"#));
    let values = |bytes| tolerations(bytes, |i, pad| format!(r#"{{"value":"p{i}{pad}"}}"#));
    let others = |bytes| tolerations(bytes, |i, pad| format!(r#"{{"key":"dedicated","value":"p{i}{pad}"}}"#));
    let devices = |bytes| {
        tolerations(bytes, |i, pad| {
            format!(r#"{{"key":"a/{i}{pad}","operator":"Exists","effect":"NoSchedule"}}"#)
        })
    };
    let empty = empty_tolerations;
    let capabilities = |bytes: usize| {
        let begin = r#"{"name":"c","securityContext":{"capabilities":{"add":["#;
        pod_of(&lists(bytes, 20_000, begin, "]}}}", |i, _| format!(r#""{i}""#)))
    };
    let long_name = |bytes: usize| {
        let added = items(bytes / 2, 20_000, |i, pad| format!(r#""{i}{pad}""#));
        let name = long(bytes / 2);
        pod_of(&format!(r#"{{"name":"{name}","securityContext":{{"capabilities":{{"add":[{added}]}}}}}}"#))
    };
    let privileged = |bytes| {
        pod_of(&items(bytes, 2_000, |i, pad| {
            format!(r#"{{"name":"c{i}{pad}","securityContext":{{"privileged":true}},{PROBE}}}"#)
        }))
    };
    let host_ports = |bytes| {
        let begin = r#"{"name":"c","ports":["#;
        pod_of(&lists(bytes, 20_000, begin, "]}", |i, _| format!(r#"{{"hostPort":{i}}}"#)))
    };
    let bare = |bytes| {
        let containers = items(bytes, 2_000, |_, pad| format!(r#"{{"image":"{pad}"}}"#));
        pod_of(&containers)
    };
    let volumes = |bytes| {
        pod(
            "",
            &format!(
                r#","volumes":[{}]"#,
                items(bytes, 2_000, |i, pad| {
                    format!(r#"{{"name":"v{i}{pad}","hostPath":{{"path":"/{i}"}}}}"#)
                })
            ),
        )
    };
    let types = |bytes: usize| {
        let types = items(bytes / 2, usize::MAX / 2, |i, _| format!(r#""t{i}":{{}}"#));
        pod("", &format!(r#","volumes":[{{"name":"{}",{types}}}]"#, long(bytes / 2)))
    };
    let sysctls = |bytes| {
        let sysctls = items(bytes, 20_000, |i, pad| format!(r#"{{"name":"s{i}{pad}"}}"#));
        pod("", &format!(r#","securityContext":{{"sysctls":[{sysctls}]}}"#))
    };
    let seccomp = |bytes: usize| {
        let key = "container.seccomp.security.alpha.kubernetes.io";
        let annotations = items(bytes / 2, usize::MAX / 2, |i, _| format!(r#""{key}/c{i}":"x""#));
        let containers = items(bytes / 2, 2_000, |i, pad| format!(r#"{{"name":"c{i}{pad}"}}"#));
        named_pod(
            "hostile",
            &format!(r#","annotations":{{{annotations}}}"#),
            &format!(r#""containers":[{containers}]"#),
        )
    };
    let exempt = |bytes: usize| {
        let tolerations = items(bytes / 4, 20_000, |i, pad| format!(r#"{{"key":"k{i}{pad}"}}"#));
        let mounts = items(bytes / 8, 2_000, |i, pad| format!(r#"{{"name":"v{i}{pad}"}}"#));
        let mounting = format!(r#"{{"name":"c499","volumeMounts":[{mounts}]}}"#);
        let volumes =
            items(bytes / 4, 2_000, |i, pad| format!(r#"{{"name":"v{i}","hostPath":{{"path":"{pad}"}}}}"#));
        let containers = items(bytes / 4, 499, |i, pad| {
            format!(r#"{{"name":"c{i}","image":"{pad}","volumeMounts":[{{"name":"v1"}}]}}"#)
        });
        named_pod(
            "exempt",
            "",
            &format!(
                r#""tolerations":[{tolerations}],"volumes":[{volumes}],"containers":[{mounting},{containers}]"#
            ),
        )
    };
    let affinity = |bytes: usize| {
        let terms = lists(bytes, 20_000, r#"{"namespaces":["#, "]}", |i, _| format!(r#""n{i}""#));
        pod("", &format!(r#","affinity":{{"podAntiAffinity":{{"{REQUIRED}":[{terms}]}}}}"#))
    };
    let selectors = |bytes: usize| {
        let begin = r#"{"namespaceSelector":{"matchExpressions":["#;
        let terms = lists(bytes, 20_000, begin, "]}}", |i, _| {
            format!(r#"{{"key":"k{i}","operator":"In","values":["a"]}}"#)
        });
        pod("", &format!(r#","affinity":{{"podAffinity":{{"{REQUIRED}":[{terms}]}}}}"#))
    };
    let requirements =
        |bytes| terms(&lists(bytes, 20_000, r#"{"matchExpressions":["#, "]}", |_, _| "{}".to_owned()));
    let external_dns = |bytes| {
        let hosts = items(bytes, usize::MAX / 2, |i, _| format!("h{}.b", i % 100_000));
        let annotation = format!(r#""external-dns.alpha.kubernetes.io/hostname":"{hosts}""#);
        pod(&format!(r#","annotations":{{{annotation}}}"#), "")
    };
    let names = |bytes: usize| {
        let name = long(bytes / 3);
        pod(
            "",
            &format!(r#","schedulerName":"{name}","priorityClassName":"{name}","runtimeClassName":"{name}""#),
        )
    };
    vec![
        Input::pod("tolerations", "of any value", exists),
        Input::pod("tolerations", "of any value, updated", exists).updated(),
        Input::pod("tolerations", "of values without a key", values).within("default"),
        Input::pod("tolerations", "of other pools", others),
        Input::pod("tolerations", "of other pools, of a tenant with all", others).within("team-many"),
        Input::pod("tolerations", "like a device's, of a tenant with all pools", devices).within("team-many"),
        Input::pod("tolerations", "empty, updated", empty).updated(),
        Input::pod("pod-security", "capabilities", capabilities),
        Input::pod("pod-security", "capabilities, updated", capabilities).updated(),
        Input::pod("pod-security", "capabilities, restricted, updated", capabilities)
            .within("team-strict")
            .updated(),
        Input::pod("pod-security", "capabilities of a long name, updated", long_name).updated(),
        Input::pod("pod-security", "privileged containers, updated", privileged).updated(),
        Input::pod("pod-security", "containers of nothing, restricted", bare).within("team-strict").updated(),
        Input::pod("pod-security", "host ports, updated", host_ports).updated(),
        Input::pod("pod-security", "volumes of the host, updated", volumes).updated(),
        Input::pod("pod-security", "types of a volume of a long name, updated", types).updated(),
        Input::pod("pod-security", "sysctls, updated", sysctls).updated(),
        Input::pod("pod-security", "annotations and containers, v1.18", seccomp).within("team-old"),
        Input::pod("pod-security", "exempt containers, volumes and tolerations", exempt),
        Input::pod("pod-affinity", "namespaces, updated", affinity).updated(),
        Input::pod("pod-affinity", "selectors, updated", selectors).updated(),
        Input::pod("node-placement", "requirements of nothing, updated", requirements).updated(),
        Input::pod("ingress-annotations", "hosts of a pod, updated", external_dns).updated(),
        Input::pod("image-registries", "foreign images", bare).updated(),
        Input::pod("scheduler, priority-class, runtime-class", "long names, updated", names).updated(),
    ]
}
