//! The worst reviews that we can think of, for every rule, at any size, and the policies that they are judged by.
//!
//! A review here is what a tenant could make somebody send: lists as long as they may be, names as long as the size
//! lets them be, and violations in every item, on creation and on an update that changes nothing, which compares them
//! all. `core/tests/hostile` and `benches/hostile` hold what they cost.

#[path = "inputs/network.rs"]
mod network;
#[path = "inputs/others.rs"]
mod others;
#[path = "inputs/placement.rs"]
mod placement;
#[path = "inputs/pods.rs"]
mod pods;
#[path = "inputs/policies.rs"]
mod policies;

use partywall_core::Entry;

use self::network::network;
use self::others::others;
use self::placement::node_placement;
use self::pods::pods;
pub(crate) use self::policies::snapshot;

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
        let gates = r#""schedulingGates":[{"name":"example.com/quota"}],"containers":"#;
        let old = match (self.is_update, self.name.contains("the last gate goes")) {
            (true, true) => new.replacen(r#""containers":"#, gates, 1),
            (true, false) => new.clone(),
            (false, _) => "null".to_owned(),
        };
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
