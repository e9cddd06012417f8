//! The worst reviews that we can think of, for every rule, at any size, and the policies that they are judged by.
//!
//! A review here is what a tenant could make somebody send: lists as long as they may be, names as long as the size
//! lets them be, and violations in every item, on creation and on an update that changes nothing, which compares them
//! all. `core/tests/hostile` and `benches/hostile` hold what they cost.

use jiff::civil::date;
use partywall_core::Entry;
use partywall_core::api::{
    ExemptionSpec, Located, NodePoolSpec, Object, SettingsSpec, Source, Spec, TenantSpec,
};
use partywall_core::tenancy::Snapshot;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// Policies with so many pools, tenants, namespaces and exemptions.
pub(crate) fn snapshot(many: usize) -> Snapshot {
    let pools = (0..many).map(|i| {
        object::<NodePoolSpec>(
            &format!("p{i}"),
            json!({
                "nodeSelector": {"pool": format!("p{i}"), "env": "prod", "region": "eu-central-1", "tier": "gold"},
                "taints": [{"key": "dedicated", "value": format!("p{i}")}],
            }),
        )
    });
    let tenants = (0..many).map(|i| {
        object::<TenantSpec>(
            &format!("t{i}"),
            json!({
                "namespaces": [format!("t{i}-web")], "domains": [format!("**.t{i}.example.net")],
                "nodePools": {"default": format!("p{i}")},
            }),
        )
    });
    // A tenant has at most 64 pools.
    let allowed: Vec<_> = (1..many.min(64)).map(|i| format!("p{i}")).collect();
    let patterns: Vec<_> = (0..500).map(|i| format!("{{name}}-{{namespace}}.d{i}.example.com")).collect();
    let tenant = |name: &str, more: Value| {
        let mut spec = json!({
            "namespaces": [format!("team-{name}")], "domains": [format!("**.{name}.example.com")],
            "nodePools": {"default": "p0"}, "podSecurity": {"level": "baseline"},
            "imageRegistries": ["registry.example.com/x"], "ingressClasses": ["nginx"],
            "gatewayClasses": ["nginx"], "gateways": ["infra/public"], "certificateIssuers": ["public"],
            "priorityClasses": ["low"], "runtimeClasses": {"default": "gvisor"},
        });
        for (field, value) in more.as_object().into_iter().flatten() {
            spec[field] = value.clone();
        }
        object::<TenantSpec>(name, spec)
    };
    let exemptions = (0..many / 10).map(|i| {
        let target = json!({"kind": "Pod", "name": format!("e{i}"), "containers": ["a"]});
        exemption(&format!("e{i}"), &target)
    });
    let named: Vec<_> = (0..500).map(|i| format!("c{i}")).collect();
    let ranges: Vec<_> = (0..250).map(|i| format!("10.0.0.{}/32", i * 2 % 256)).collect();
    let settings = json!({
        "systemNamespaces": ["kube-system"],
        "foreignRoutes": [{"group": "traefik.io", "kind": "IngressRoute", "hosts": [".spec.hosts[*]"]}],
    });
    let objects = pools
        .chain(tenants)
        .chain([
            tenant(
                "x",
                json!({
                    "domains": ["**.x.example.com", "{name}-{namespace}.apps.example.com"],
                    "services": {"externalIPs": ["192.0.2.0/24"], "loadBalancerIPs": ["198.51.100.0/24"]},
                    "endpoints": {"addresses": ranges},
                }),
            ),
            tenant("strict", json!({"podSecurity": {"level": "restricted"}})),
            tenant("old", json!({"podSecurity": {"level": "baseline", "version": "v1.18"}})),
            tenant("many", json!({"nodePools": {"default": "p0", "allowed": allowed}})),
            // Has every grant, and very much of it; its pods may run in all of its pools.
            tenant(
                "granted",
                json!({
                    "nodePools": {"default": "p0", "allowed": allowed, "unnamed": "Any"},
                    "domains": patterns, "tls": {"userNames": true},
                }),
            ),
            exemption("named", &json!({"kind": "Pod", "name": "exempt", "containers": named})),
            object::<SettingsSpec>("default", settings),
        ])
        .chain(exemptions);
    match Snapshot::compile(objects.collect(), date(2026, 12, 1)) {
        Ok(compiled) => compiled.snapshot,
        Err(mistakes) => panic!("{} mistakes, the first is {:?}", mistakes.len(), mistakes.first()),
    }
}

fn exemption(name: &str, target: &Value) -> Located {
    let spec = json!({
        "tenant": "x", "reason": "a test", "expires": "2027-01-01", "rules": ["pod-security", "tolerations"],
        "target": target,
    });
    object::<ExemptionSpec>(name, spec)
}

fn object<S: DeserializeOwned + Into<Spec>>(name: &str, spec: Value) -> Located {
    let spec: S = serde_json::from_value(spec).unwrap_or_else(|error| panic!("{name}: {error}"));
    Located { source: Source::file("hostile"), object: Object::new(name, spec) }
}

/// A hostile review, of any size.
pub(crate) struct Input {
    /// The rule that has the most to do.
    pub(crate) rule: &'static str,
    /// What is hostile about it.
    pub(crate) name: &'static str,
    pub(crate) entry: Entry,
    /// Makes an object of about so many bytes.
    object: fn(usize) -> Text,
    kind: Kind,
    namespace: &'static str,
    is_update: bool,
    /// The groups of the user.
    groups: usize,
}

/// An object as JSON.
type Text = String;

/// A kind: its group, its name and its resource.
type Kind = (&'static str, &'static str, &'static str);

impl Input {
    /// The body of the review, of about so many bytes.
    pub(crate) fn body(&self, bytes: usize) -> Vec<u8> {
        let (group, kind, resource) = self.kind;
        let (operation, objects) = if self.is_update { ("UPDATE", 2) } else { ("CREATE", 1) };
        let groups = items(if self.groups > 0 { bytes / 2 } else { 40 }, self.groups.max(1), |i, pad| {
            format!(r#""group-{i}{pad}""#)
        });
        let rest = bytes.saturating_sub(600 + groups.len());
        let new = (self.object)(rest / objects);
        let old = if self.is_update { new.as_str() } else { "null" };
        let name = if new.contains(r#""name":"exempt""#) { "exempt" } else { "hostile" };
        let subresource = if self.name.contains("status") { r#""subResource":"status","# } else { "" };
        format!(
            concat!(
                r#"{{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{{"uid":"u-1","#,
                r#""kind":{{"group":"{group}","version":"v1","kind":"{kind}"}},"#,
                r#""resource":{{"group":"{group}","version":"v1","resource":"{resource}"}},{subresource}"#,
                r#""name":"{name}","namespace":"{namespace}","operation":"{operation}","#,
                r#""userInfo":{{"username":"mallory","groups":[{groups}]}},"object":{new},"oldObject":{old}}}}}"#,
            ),
            group = group,
            kind = kind,
            resource = resource,
            subresource = subresource,
            name = name,
            namespace = self.namespace,
            operation = operation,
            groups = groups,
            new = new,
            old = old,
        )
        .into_bytes()
    }

    const fn of(rule: &'static str, name: &'static str, kind: Kind, object: fn(usize) -> Text) -> Self {
        Self {
            rule,
            name,
            entry: Entry::Validate,
            object,
            kind,
            namespace: "team-x",
            is_update: false,
            groups: 0,
        }
    }

    const fn pod(rule: &'static str, name: &'static str, spec: fn(usize) -> Text) -> Self {
        Self::of(rule, name, POD, spec)
    }

    const fn within(self, namespace: &'static str) -> Self {
        Self { namespace, ..self }
    }

    const fn updated(self) -> Self {
        Self { is_update: true, ..self }
    }

    const fn stamped(self) -> Self {
        Self { entry: Entry::Mutate, ..self }
    }

    const fn of_many_groups(self) -> Self {
        Self { groups: 20_000, ..self }
    }
}

const POD: Kind = ("", "Pod", "pods");
const DAEMON_SET: Kind = ("apps", "DaemonSet", "daemonsets");
const SERVICE: Kind = ("", "Service", "services");
const INGRESS: Kind = ("networking.k8s.io", "Ingress", "ingresses");
const HTTP_ROUTE: Kind = ("gateway.networking.k8s.io", "HTTPRoute", "httproutes");
const TCP_ROUTE: Kind = ("gateway.networking.k8s.io", "TCPRoute", "tcproutes");
const GATEWAY: Kind = ("gateway.networking.k8s.io", "Gateway", "gateways");
const OTHER_ROUTE: Kind = ("gateway.networking.k8s.io", "LaterRoute", "laterroutes");
const CERTIFICATE: Kind = ("cert-manager.io", "Certificate", "certificates");
const FOREIGN: Kind = ("traefik.io", "IngressRoute", "ingressroutes");
const UNLISTED: Kind = ("traefik.io", "Middleware", "middlewares");
const SLICE: Kind = ("discovery.k8s.io", "EndpointSlice", "endpointslices");
const CLAIM: Kind = ("resource.k8s.io", "ResourceClaim", "resourceclaims");
const VOLUME_CLAIM: Kind = ("", "PersistentVolumeClaim", "persistentvolumeclaims");
const SECRET: Kind = ("", "Secret", "secrets");
const CILIUM: Kind = ("cilium.io", "CiliumNetworkPolicy", "ciliumnetworkpolicies");
const GROUP: Kind = ("scheduling.volcano.sh", "PodGroup", "podgroups");
const POLICY: Kind = ("networking.k8s.io", "NetworkPolicy", "networkpolicies");
const NAMESPACE: Kind = ("", "Namespace", "namespaces");

/// As many items as fit into the bytes and may be; where they may not be so many, each is padded.
fn items(bytes: usize, most: usize, item: impl Fn(usize, &str) -> String) -> String {
    let least = item(most.min(50_000) / 2, "").len() + 1;
    let count = (bytes / least).clamp(1, most);
    let pad = "a".repeat((bytes / count).saturating_sub(least));
    (0..count).map(|i| item(i, &pad)).collect::<Vec<_>>().join(",")
}

/// As many items as fit, without padding: no list of items is longer than `most`, and lists are repeated.
fn lists(bytes: usize, most: usize, begin: &str, end: &str, item: impl Fn(usize, &str) -> String) -> String {
    let each = (item(most, "").len() + 1) * most + begin.len() + end.len() + 1;
    let count = (bytes / each).max(1);
    let one = format!("{begin}{}{end}", items(bytes / count - begin.len() - end.len() - 1, most, item));
    vec![one; count].join(",")
}

fn long(bytes: usize) -> String {
    "a".repeat(bytes)
}

fn pod(metadata: &str, spec: &str) -> Text {
    let spec = format!(r#"{{"containers":[{{"name":"c","image":"a"}}]{spec}}}"#);
    format!(r#"{{"apiVersion":"v1","kind":"Pod","metadata":{{"name":"hostile"{metadata}}},"spec":{spec}}}"#)
}

fn pod_of(containers: &str) -> Text {
    named_pod("hostile", "", &format!(r#""containers":[{containers}]"#))
}

fn named_pod(name: &str, metadata: &str, spec: &str) -> Text {
    format!(
        r#"{{"apiVersion":"v1","kind":"Pod","metadata":{{"name":"{name}"{metadata}}},"spec":{{{spec}}}}}"#
    )
}

const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";

fn terms(terms: &str) -> Text {
    // Outside tenants the demands count only if the pod tolerates a pool.
    pod("", &format!(r#","tolerations":[{{"operator":"Exists"}}],{}"#, affinity(terms)))
}

fn affinity(terms: &str) -> String {
    format!(r#""affinity":{{"nodeAffinity":{{"{REQUIRED}":{{"nodeSelectorTerms":[{terms}]}}}}}}"#)
}

/// A thousand terms, each of which requires these and as much else as fits.
fn thousand_terms(bytes: usize, requirements: &'static str) -> Text {
    terms(&items(bytes, 1_000, |i, pad| {
        format!(r#"{{"matchExpressions":[{requirements},{{"key":"k{i}{pad}","operator":"Exists"}}]}}"#)
    }))
}

fn annotated(kind: &Kind, annotations: &str, rest: &str) -> Text {
    of_metadata(kind, &format!(r#""annotations":{{{annotations}}}"#), rest)
}

fn of_metadata((group, kind, _): &Kind, metadata: &str, rest: &str) -> Text {
    let slash = if group.is_empty() { "" } else { "/" };
    let metadata = format!(r#"{{"name":"hostile",{metadata}}}"#);
    format!(r#"{{"apiVersion":"{group}{slash}v1","kind":"{kind}","metadata":{metadata}{rest}}}"#)
}

fn with_spec(kind: &Kind, spec: &str) -> Text {
    annotated(kind, "", &format!(r#","spec":{{{spec}}}"#))
}

/// A long key, and half of the bytes of hosts.
fn hosts_of(key: &str, bytes: usize) -> String {
    let key = format!("{}/{key}", long(bytes / 2));
    let hosts = items(bytes / 2, usize::MAX / 2, |i, _| format!("h{}.b", i % 100_000));
    format!(r#""{key}":"{hosts}""#)
}

/// Prefixes in all mixtures of letters: controllers accept them.
fn spelt(prefix: &str, index: usize) -> String {
    let mut bits = index;
    let mut spell = |c: char| {
        let is_upper = c.is_ascii_alphabetic() && bits & 1 == 1;
        bits >>= usize::from(c.is_ascii_alphabetic());
        if is_upper { c.to_ascii_uppercase() } else { c }
    };
    prefix.chars().map(&mut spell).collect()
}

/// All hostile reviews.
pub(crate) fn all() -> Vec<Input> {
    let mut all = node_placement();
    all.extend(pods());
    all.extend(network());
    all.extend(others());
    all
}

const SHARED: &str = concat!(
    r#"{"key":"env","operator":"In","values":["prod"]},"#,
    r#"{"key":"region","operator":"In","values":["eu-central-1"]},"#,
    r#"{"key":"tier","operator":"In","values":["gold"]}"#
);
const SOME_POOL: &str = concat!(
    r#"{"key":"pool","operator":"Exists"},{"key":"env","operator":"In","values":["prod"]},"#,
    r#"{"key":"region","operator":"In","values":["eu-central-1"]}"#
);
const TWO_POOLS: &str = concat!(
    r#"{"key":"env","operator":"In","values":["prod"]},{"key":"region","operator":"In","values":["eu-central-1"]},"#,
    r#"{"key":"tier","operator":"In","values":["gold"]},{"key":"pool","operator":"In","values":["p3","p4"]}"#
);
const ONE_POOL: &str = concat!(
    r#"{"key":"pool","operator":"In","values":["p0"]},{"key":"env","operator":"Exists"},"#,
    r#"{"key":"tier","operator":"Exists"},{"key":"region","operator":"Exists"}"#
);
const OTHER_TIER: &str = concat!(
    r#"{"key":"pool","operator":"Exists"},{"key":"env","operator":"In","values":["prod"]},"#,
    r#"{"key":"region","operator":"In","values":["eu-central-1"]},"#,
    r#"{"key":"tier","operator":"In","values":["silver"]}"#
);

fn node_placement() -> Vec<Input> {
    const RULE: &str = "node-placement";
    let shared = |bytes| thousand_terms(bytes, SHARED);
    let exists = |bytes| thousand_terms(bytes, SOME_POOL);
    let other = |bytes| thousand_terms(bytes, OTHER_TIER);
    let two = |bytes| thousand_terms(bytes, TWO_POOLS);
    let violating = |bytes| thousand_terms(bytes, ONE_POOL);
    let values = |bytes| {
        terms(&lists(
            bytes,
            20_000,
            r#"{"matchExpressions":[{"key":"pool","operator":"In","values":["#,
            "]}]}",
            |i, _| format!(r#""p{}""#, i % 10_000),
        ))
    };
    let named = |bytes| {
        terms(&lists(bytes, 20_000, r#"{"matchExpressions":["#, "]}", |_, _| {
            r#"{"key":"pool","operator":"Exists"}"#.to_owned()
        }))
    };
    let unmet = |bytes| {
        terms(&lists(bytes, 20_000, r#"{"matchExpressions":["#, "]}", |_, _| {
            r#"{"key":"pool","operator":"Gt","values":["5"]}"#.to_owned()
        }))
    };
    let selector = |bytes| {
        let labels = items(bytes, usize::MAX / 2, |i, _| format!(r#""k{i}":"prod""#));
        pod("", &format!(r#","nodeSelector":{{"env":"prod","region":"eu-central-1",{labels}}}"#))
    };
    let selector_and_terms = |bytes: usize| {
        let labels = items(bytes / 2, usize::MAX / 2, |i, _| format!(r#""k{i}":"prod""#));
        let terms = items(bytes / 2, 1_000, |i, pad| {
            format!(r#"{{"matchExpressions":[{SHARED},{{"key":"k{i}{pad}","operator":"Exists"}}]}}"#)
        });
        pod("", &format!(r#","nodeSelector":{{"env":"prod",{labels}}},{}"#, affinity(&terms)))
    };
    vec![
        Input::pod(RULE, "terms of shared labels", shared).within("default"),
        Input::pod(RULE, "terms of shared labels, updated", shared).within("default").updated(),
        Input::pod(RULE, "terms of any pool", exists).within("default"),
        Input::pod(RULE, "terms of any pool and a label of none", other).within("default"),
        Input::pod(RULE, "terms that select a pool, updated", violating).within("default").updated(),
        Input::pod(RULE, "values of every pool", values).within("default"),
        Input::pod(RULE, "a nodeSelector of very many labels", selector).within("default"),
        Input::pod(RULE, "a nodeSelector and terms", selector_and_terms).within("default"),
        Input::pod(RULE, "a tenant's terms of two pools", two),
        Input::pod(RULE, "a tenant's terms of two pools, updated", two).updated(),
        Input::pod(RULE, "a tenant's nodeSelector of very many labels", selector),
        Input::pod(RULE, "terms of two pools of a tenant with all", two).within("team-many"),
        Input::pod(RULE, "terms of shared labels of a tenant with all pools", shared).within("team-many"),
        Input::pod(RULE, "values of every pool of a tenant with all", values).within("team-many"),
        Input::pod(RULE, "nodeSelector of a tenant with all pools", selector).within("team-many").updated(),
        Input::pod("stamp", "terms of shared labels", shared).stamped(),
        Input::pod("stamp", "terms of a tenant with all pools", shared).within("team-many").stamped(),
        Input::pod("stamp", "requirements that name all pools of a tenant", named)
            .within("team-many")
            .stamped(),
        Input::pod(RULE, "requirements that name all pools of a tenant", named).within("team-many"),
        Input::pod(RULE, "requirements that no pool of a tenant meets", unmet).within("team-many").updated(),
        Input::pod("stamp", "a nodeSelector of a tenant with all pools", selector)
            .within("team-many")
            .stamped(),
        Input::of("stamp", "terms with an earlier stamp", DAEMON_SET, recorded_terms)
            .within("team-many")
            .stamped(),
        Input::pod("stamp", "tolerations of a pod for all pools", tolerations_of_values)
            .within("team-granted")
            .stamped(),
        Input::pod("stamp", "empty tolerations of a pod for all pools", empty_tolerations)
            .within("team-granted")
            .stamped(),
    ]
}

const PROBE: &str = r#""livenessProbe":{"httpGet":{"host":"a"}}"#;

fn tolerations(bytes: usize, item: fn(usize, &str) -> String) -> Text {
    pod("", &format!(r#","tolerations":[{}]"#, items(bytes, 20_000, item)))
}

/// A DaemonSet with a record of the label of a pool, which very many terms for another pool have.
fn recorded_terms(bytes: usize) -> Text {
    let recorded = r#"{"key":"pool","operator":"In","values":["p1"]}"#;
    let begin = r#"{"matchExpressions":[{"key":"pool","operator":"In","values":["p0"]},"#;
    let terms = lists(bytes, 20, begin, "]}", |_, _| recorded.to_owned());
    let last = r#"{"matchExpressions":[{"key":"pool","operator":"In","values":["p1","other"]}]}"#;
    let affinity = affinity(&format!("{terms},{last}"));
    let record = format!(r#"{{"requirements":[{recorded}]}}"#).replace('"', r#"\""#);
    let annotation = format!(r#""partywall.dev/stamp":"{record}""#);
    let template = format!(r#"{{"spec":{{"containers":[{{"name":"c","image":"a"}}],{affinity}}}}}"#);
    annotated(&DAEMON_SET, &annotation, &format!(r#","spec":{{"template":{template}}}"#))
}

fn tolerations_of_values(bytes: usize) -> Text {
    tolerations(bytes, |i, pad| format!(r#"{{"key":"dedicated","value":"q{i}{pad}"}}"#))
}

fn empty_tolerations(bytes: usize) -> Text {
    tolerations(bytes, |_, _| "{}".to_owned())
}

fn pods() -> Vec<Input> {
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

const FROM_ALL: &str = r#""allowedRoutes":{"namespaces":{"from":"All"}}"#;

fn network() -> Vec<Input> {
    let external_ips = |bytes| {
        with_spec(
            &SERVICE,
            &format!(r#""externalIPs":[{}]"#, items(bytes, 20_000, |i, pad| format!(r#""10.0.0.{i}{pad}""#))),
        )
    };
    let node_ports = |bytes| {
        with_spec(
            &SERVICE,
            &format!(
                r#""type":"NodePort","ports":[{}]"#,
                items(bytes, 20_000, |i, pad| format!(r#"{{"nodePort":{i},"name":"{pad}"}}"#))
            ),
        )
    };
    let status = |bytes| {
        let ingress = items(bytes, 20_000, |i, pad| format!(r#"{{"ip":"10.0.0.{i}{pad}","hostname":"h"}}"#));
        annotated(&SERVICE, "", &format!(r#","status":{{"loadBalancer":{{"ingress":[{ingress}]}}}}"#))
    };
    let rules = |bytes| {
        with_spec(
            &INGRESS,
            &format!(
                r#""rules":[{}]"#,
                items(bytes, 20_000, |i, pad| { format!(r#"{{"host":"h{i}.example.org{pad}"}}"#) })
            ),
        )
    };
    let deep = |bytes| {
        let host = "a.".repeat(125);
        with_spec(
            &INGRESS,
            &format!(
                r#""rules":[{}]"#,
                items(bytes, 20_000, |i, pad| { format!(r#"{{"host":"{host}{}","x":"{pad}"}}"#, i % 10) })
            ),
        )
    };
    let generated = |bytes| {
        let host = "a-".repeat(20);
        with_spec(
            &INGRESS,
            &format!(
                r#""rules":[{}]"#,
                items(bytes, 20_000, |i, pad| {
                    format!(r#"{{"host":"{host}{i}-team-x.d{}.example.com","x":"{pad}"}}"#, i % 500)
                })
            ),
        )
    };
    let tls = |bytes| {
        with_spec(
            &INGRESS,
            &format!(
                r#""tls":[{}]"#,
                lists(bytes, 20_000, r#"{"secretName":"a/b","hosts":["#, "]}", |i, _| format!(r#""{i}""#))
            ),
        )
    };
    let paths = |bytes| {
        with_spec(
            &INGRESS,
            &format!(
                r#""rules":[{}]"#,
                lists(bytes, 20_000, r#"{"host":"a","http":{"paths":["#, "]}}", |i, _| {
                    format!(r#"{{"path":"{i};","backend":{{"resource":1}}}}"#)
                })
            ),
        )
    };
    let alias = |bytes| annotated(&INGRESS, &hosts_of("server-alias", bytes), "");
    let conditions = |bytes: usize| {
        let key = format!("alb.ingress.kubernetes.io/conditions.{}", long(bytes / 2));
        let hosts = items(bytes / 4, 20_000, |i, pad| format!(r#"\"h{i}{pad}\""#));
        let patterns = items(bytes / 4, 20_000, |i, pad| format!(r#"\"p{i}{pad}\""#));
        let value =
            format!(r#"[{{\"hostHeaderConfig\":{{\"values\":[{hosts}],\"regexValues\":[{patterns}]}}}}]"#);
        annotated(&INGRESS, &format!(r#""{key}":"{value}""#), "")
    };
    let www = |bytes: usize| {
        let annotations =
            items(bytes / 2, usize::MAX / 2, |i, _| format!(r#""p{i}/from-to-www-redirect":"true""#));
        let rules = items(bytes / 2, 20_000, |i, pad| format!(r#"{{"host":"h{i}.b{pad}"}}"#));
        annotated(&INGRESS, &annotations, &format!(r#","spec":{{"rules":[{rules}]}}"#))
    };
    let unknown = |bytes| {
        annotated(
            &INGRESS,
            &items(bytes, usize::MAX / 2, |i, _| format!(r#""nginx.ingress.kubernetes.io/u{i}":"x""#)),
            "",
        )
    };
    let groups = |bytes| {
        annotated(
            &INGRESS,
            &items(bytes, 1 << 20, |i, _| {
                format!(r#""{}/group.name":"t1-a-b-c""#, spelt("alb.ingress.kubernetes.io", i))
            }),
            "",
        )
    };
    let of_cluster = |bytes: usize| {
        annotated(
            &SERVICE,
            &items(bytes, 1 << 20, |i, _| {
                format!(r#""{}/load-balancer-ips":"10.0.0.1""#, spelt("metallb.universe.tf", i))
            }),
            "",
        )
    };
    let classes = |bytes| {
        annotated(
            &INGRESS,
            &items(bytes, usize::MAX / 2, |i, _| format!(r#""p{i}/ingress.class":"c{i}""#)),
            "",
        )
    };
    let parents = |bytes: usize| {
        let parents =
            items(bytes / 2, 100, |i, pad| format!(r#"{{"name":"g{i}{pad}","namespace":"infra"}}"#));
        let hosts = items(bytes / 2, 100, |i, pad| format!(r#""h{i}.example.org{pad}""#));
        with_spec(&HTTP_ROUTE, &format!(r#""parentRefs":[{parents}],"hostnames":[{hosts}]"#))
    };
    let backends = |bytes: usize| {
        let rules = items(bytes, (bytes / 9_000).clamp(1, 100), |_, pad| {
            let backends = items(8_900 + pad.len(), 100, |i, pad| {
                format!(r#"{{"name":"b{i}{pad}","namespace":"t1-web","filters":[{{"type":"x"}}]}}"#)
            });
            format!(r#"{{"backendRefs":[{backends}]}}"#)
        });
        with_spec(&HTTP_ROUTE, &format!(r#""parentRefs":[{{"name":"g"}}],"rules":[{rules}]"#))
    };
    let listeners = |bytes: usize| {
        let listeners = items(bytes / 2, 1_000, |i, pad| {
            format!(r#"{{"hostname":"h{i}.example.org{pad}","port":{i},"protocol":"HTTP",{FROM_ALL}}}"#)
        });
        with_spec(&GATEWAY, &format!(r#""gatewayClassName":"{}","listeners":[{listeners}]"#, long(bytes / 2)))
    };
    let infrastructure = |bytes| {
        let annotations = items(bytes, usize::MAX / 2, |i, _| format!(r#""a{i}":"x""#));
        with_spec(
            &GATEWAY,
            &format!(r#""gatewayClassName":"nginx","infrastructure":{{"annotations":{{{annotations}}}}}"#),
        )
    };
    let later = |bytes: usize| with_spec(&OTHER_ROUTE, &format!(r#""a":"{}""#, long(bytes)));
    vec![
        Input::of("service-exposure", "external IPs, updated", SERVICE, external_ips).updated(),
        Input::of("service-exposure", "node ports, updated", SERVICE, node_ports).updated(),
        Input::of("service-exposure", "status, updated", SERVICE, status).updated(),
        Input::of("ingress-hosts", "rules", INGRESS, rules),
        Input::of("ingress-hosts", "rules, updated", INGRESS, rules).updated(),
        Input::of("ingress-hosts", "hosts of 126 labels", INGRESS, deep),
        Input::of("ingress-hosts", "generated hosts, updated", INGRESS, generated)
            .within("team-granted")
            .updated(),
        Input::of("ingress-hosts", "certificates, updated", INGRESS, tls).updated(),
        Input::of("ingress-hosts", "paths, updated", INGRESS, paths).updated(),
        Input::of("ingress-hosts", "a long key and hosts", INGRESS, alias),
        Input::of("ingress-hosts", "a long key and hosts, updated", INGRESS, alias).updated(),
        Input::of("ingress-hosts", "a long key and conditions, updated", INGRESS, conditions).updated(),
        Input::of("ingress-hosts", "www annotations and hosts, updated", INGRESS, www).updated(),
        Input::of("ingress-annotations", "unknown keys, updated", INGRESS, unknown).updated(),
        Input::of("ingress-annotations", "groups in every spelling", INGRESS, groups),
        Input::of("ingress-annotations", "for the cluster, and many groups", SERVICE, of_cluster)
            .of_many_groups(),
        Input::of("ingress-class", "many classes, updated", INGRESS, classes).updated(),
        Input::of("route-hosts", "parents and hosts", HTTP_ROUTE, parents),
        Input::of("route-hosts", "parents and hosts, updated", HTTP_ROUTE, parents).updated(),
        Input::of("route-hosts", "backends and filters, updated", HTTP_ROUTE, backends).updated(),
        Input::of("route-hosts", "parents of a port, updated", TCP_ROUTE, parents).updated(),
        Input::of("route-hosts", "a long class and listeners, updated", GATEWAY, listeners).updated(),
        Input::of("route-hosts", "infrastructure, updated", GATEWAY, infrastructure).updated(),
        Input::of("route-hosts", "an unknown kind, updated", OTHER_ROUTE, later).updated(),
    ]
}

fn others() -> Vec<Input> {
    let names = |bytes: usize| {
        let names = items(bytes / 2, 20_000, |i, pad| format!(r#""n{i}{pad}""#));
        with_spec(
            &CERTIFICATE,
            &format!(
                r#""issuerRef":{{"name":"{}","kind":"ClusterIssuer"}},"dnsNames":[{names}]"#,
                long(bytes / 2)
            ),
        )
    };
    let uris = |bytes| {
        let uris = items(bytes, 20_000, |i, pad| format!(r#""spiffe://a/ns/t1-web/{i}{pad}""#));
        with_spec(
            &CERTIFICATE,
            &format!(r#""issuerRef":{{"name":"public","kind":"ClusterIssuer"}},"uris":[{uris}]"#),
        )
    };
    let listed = |bytes| {
        with_spec(
            &FOREIGN,
            &format!(r#""hosts":[{}]"#, items(bytes, 20_000, |i, pad| format!(r#""h{i}{pad}""#))),
        )
    };
    let unreadable =
        |bytes| with_spec(&FOREIGN, &format!(r#""hosts":[{}]"#, items(bytes, 20_000, |i, _| i.to_string())));
    let denied = |bytes: usize| {
        with_spec(&UNLISTED, &format!(r#""a":[{}]"#, items(bytes, usize::MAX / 2, |i, _| i.to_string())))
    };
    let slice = |bytes| {
        let endpoints = items(bytes, usize::MAX / 2, |i, _| format!(r#"{{"addresses":["10.0.0.{i}"]}}"#));
        annotated(&SLICE, "", &format!(r#","addressType":"IPv4","endpoints":[{endpoints}]"#))
    };
    let own_slice = |bytes| {
        let endpoints = items(bytes, 19_000, |i, pad| {
            format!(r#"{{"addresses":["10.0.0.{}"],"x":"{pad}"}}"#, i * 2 % 256)
        });
        annotated(&SLICE, "", &format!(r#","addressType":"IPv4","endpoints":[{endpoints}]"#))
    };
    let empty_slice = |bytes| {
        let endpoints = items(bytes, 19_000, |_, _| "{}".to_owned());
        annotated(&SLICE, "", &format!(r#","addressType":"IPv4","endpoints":[{endpoints}]"#))
    };
    let claim = |bytes| {
        let requests = items(bytes, 20_000, |i, pad| format!(r#"{{"name":"r{i}{pad}","adminAccess":true}}"#));
        with_spec(&CLAIM, &format!(r#""devices":{{"requests":[{requests}]}}"#))
    };
    let policy = |bytes: usize| {
        let owners = items(bytes / 2, 20_000, |i, pad| format!(r#"{{"kind":"a","name":"o{i}{pad}"}}"#));
        let rules = items(bytes / 2, usize::MAX / 2, |i, _| format!(r#"{{"a":{i}}}"#));
        of_metadata(
            &POLICY,
            &format!(r#""labels":{{"partywall.dev/managed":"x"}},"ownerReferences":[{owners}]"#),
            &format!(r#","spec":{{"ingress":[{rules}]}}"#),
        )
    };
    let tolerations = |bytes| {
        let tolerations =
            items(bytes, 20_000, |i, pad| format!(r#"{{"key":"k{i}{pad}","operator":"Exists"}}"#));
        let requests = format!(r#"{{"name":"r","exactly":{{"tolerations":[{tolerations}]}}}}"#);
        with_spec(&CLAIM, &format!(r#""devices":{{"requests":[{requests}]}}"#))
    };
    let adopted = |bytes| {
        let annotations =
            items(bytes, usize::MAX / 2, |i, _| format!(r#""trident.netapp.io/importOriginalName{i}":"x""#));
        of_metadata(
            &VOLUME_CLAIM,
            &format!(r#""annotations":{{{annotations}}}"#),
            r#","spec":{"volumeName":"v"}"#,
        )
    };
    let words = |bytes| {
        let annotations = items(bytes, usize::MAX / 2, |i, _| format!(r#""e.com/a-b-c-d-e-f-g-h-{i}":"x""#));
        of_metadata(&VOLUME_CLAIM, &format!(r#""annotations":{{{annotations}}}"#), r#","spec":{}"#)
    };
    let copied = |bytes| {
        let annotations = items(bytes, usize::MAX / 2, |i, _| format!(r#""e.com/replicate-{i}":"x""#));
        of_metadata(&SECRET, &format!(r#""annotations":{{{annotations}}}"#), "")
    };
    let read = |bytes| {
        let secrets = items(bytes, usize::MAX / 2, |i, _| format!(r#"{{"secret":{{"namespace":"n{i}"}}}}"#));
        with_spec(&CILIUM, &format!(r#""egress":[{secrets}]"#))
    };
    let groups = |bytes| {
        let groups = items(bytes, usize::MAX / 2, |i, _| format!(r#"{{"priorityClassName":"system-{i}"}}"#));
        with_spec(&GROUP, &format!(r#""groups":[{groups}]"#))
    };
    let namespace = |bytes: usize| {
        let labels = items(bytes / 2, usize::MAX / 2, |i, _| format!(r#""openshift.io/l{i}":"x""#));
        let annotations = items(bytes / 2, usize::MAX / 2, |i, _| format!(r#""openshift.io/a{i}":"x""#));
        of_metadata(
            &NAMESPACE,
            &format!(r#""labels":{{"partywall.dev/tenant":"x",{labels}}},"annotations":{{{annotations}}}"#),
            "",
        )
    };
    vec![
        Input::of("certificate-names", "names by a long issuer", CERTIFICATE, names),
        Input::of("certificate-names", "names by a long issuer, updated", CERTIFICATE, names).updated(),
        Input::of("certificate-names", "uris, updated", CERTIFICATE, uris).updated(),
        Input::of("foreign-routes", "hosts, updated", FOREIGN, listed).updated(),
        Input::of("foreign-routes", "hosts that are none, updated", FOREIGN, unreadable).updated(),
        Input::of("foreign-routes", "a denied kind, updated", UNLISTED, denied).updated(),
        Input::of("endpoints", "addresses, updated", SLICE, slice).updated(),
        Input::of("endpoints", "addresses of the tenant's ranges", SLICE, own_slice),
        Input::of("endpoints", "empty endpoints", SLICE, empty_slice).updated(),
        Input::of("device-claims", "requests, updated", CLAIM, claim).updated(),
        Input::of("device-claims", "tolerations, updated", CLAIM, tolerations).updated(),
        Input::of("storage", "annotations that adopt, updated", VOLUME_CLAIM, adopted).updated(),
        Input::of("storage", "annotations of many words", VOLUME_CLAIM, words),
        Input::of("copied-objects", "annotations that copy, updated", SECRET, copied).updated(),
        Input::of("copied-objects", "references to Secrets, updated", CILIUM, read).updated(),
        Input::of("priority-class", "classes of a group, updated", GROUP, groups).updated(),
        Input::of("managed-objects", "owners and rules, updated", POLICY, policy).updated(),
        Input::of("namespaces", "protected keys", NAMESPACE, namespace),
        Input::of("namespaces", "protected keys, updated", NAMESPACE, namespace).updated(),
    ]
}
