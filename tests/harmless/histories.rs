//! Random lives of an object (J10, J11). It may be older than partywall and violate what it likes: as long as it
//! gets no worse, nobody stands in the way of whoever labels, finalizes, tidies up or removes it; and what makes it
//! worse is denied whenever it comes, being deleted or not, and leaves no trace.

use std::sync::Arc;

use libtest_mimic::{Failed, Trial};
use partywall::admission::Phase;
use partywall::admission::tenancy::Snapshot;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, subsequence};
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use serde_json::{Value, json};

use crate::entry::change;
use crate::request::{Request, filled_in};

/// How many lives of each kind are looked at.
const CASES: u32 = 192;
/// How long a life is at most.
const LONGEST: usize = 12;

/// A kind of object, and what can happen to it.
struct Subject {
    kind: &'static str,
    /// One that violates nothing.
    clean: fn() -> Value,
    /// What it may violate since before partywall: each a change of the clean one, and the change that mends it.
    flaws: fn() -> Vec<(Value, Value)>,
    /// What makes it no worse, whatever it is, beside what is true of every kind.
    benign: fn() -> Vec<Value>,
    /// What makes it worse, whatever it is.
    worse: fn() -> Vec<Worsening>,
}

/// A change for the worse, unless it changes nothing, and the one rule that has something against it.
struct Worsening {
    rule: &'static str,
    subresource: &'static str,
    change: Value,
}

fn worsening(rule: &'static str, change: Value) -> Worsening {
    Worsening { rule, subresource: "", change }
}

const SUBJECTS: [Subject; 4] = [
    Subject { kind: "pod", clean: pod, flaws: pod_flaws, benign: pod_benign, worse: pod_worse },
    Subject {
        kind: "gated_pod",
        clean: gated_pod,
        flaws: gated_pod_flaws,
        benign: gated_pod_benign,
        worse: gated_pod_worse,
    },
    Subject {
        kind: "service",
        clean: service,
        flaws: service_flaws,
        benign: service_benign,
        worse: service_worse,
    },
    Subject {
        kind: "ingress",
        clean: ingress,
        flaws: ingress_flaws,
        benign: ingress_benign,
        worse: ingress_worse,
    },
];

fn add(path: &str, value: Value) -> Value {
    json!([{"op": "add", "path": path, "value": value}])
}

fn pod() -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web-0"},
        "spec": {
            "nodeName": "node-1",
            "nodeSelector": {"node-restriction.kubernetes.io/tenant": "shop"},
            "tolerations": [{"key": "tenant", "operator": "Equal", "value": "shop"}],
            "containers": [{"name": "web", "image": "nginx:1.29"}, {"name": "log", "image": "busybox:1.37"}],
            "ephemeralContainers": [],
        },
    })
}

/// What is mended is mended by what the API server lets change in a pod.
fn pod_flaws() -> Vec<(Value, Value)> {
    let none = || json!({});
    vec![
        (json!({"spec": {"hostNetwork": true}}), none()),
        (json!({"spec": {"nodeSelector": null}}), none()),
        (json!({"spec": {"priorityClassName": "system-node-critical"}}), none()),
        (json!({"spec": {"schedulerName": "mine"}}), none()),
        (add("/spec/containers/0/securityContext", json!({"privileged": true})), none()),
        (add("/spec/volumes/-", json!({"name": "root", "hostPath": {"path": "/"}})), none()),
        (
            add(
                "/spec/tolerations/-",
                json!({"key": "node-role.kubernetes.io/control-plane", "operator": "Exists"}),
            ),
            none(),
        ),
        (
            add(
                "/spec/affinity",
                json!({"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [
                {"topologyKey": "kubernetes.io/os", "namespaceSelector": {}, "labelSelector": {}}]}}),
            ),
            none(),
        ),
        (
            json!({"metadata": {"annotations": {"container.apparmor.security.beta.kubernetes.io/web": "unconfined"}}}),
            json!({"metadata": {"annotations": {"container.apparmor.security.beta.kubernetes.io/web": null}}}),
        ),
    ]
}

fn pod_benign() -> Vec<Value> {
    vec![
        json!({"spec": {"activeDeadlineSeconds": 600}}),
        json!({"spec": {"terminationGracePeriodSeconds": 1}}),
        add(
            "/spec/tolerations/-",
            json!({"key": "node.kubernetes.io/memory-pressure", "operator": "Exists", "effect": "NoSchedule"}),
        ),
        add("/spec/tolerations/-", json!({"key": "spot", "operator": "Exists", "effect": "NoSchedule"})),
        add("/spec/tolerations/-", json!({"key": "tenant", "value": "shop", "effect": "NoExecute"})),
        add("/spec/containers/0/resources", json!({"requests": {"cpu": "2"}})),
    ]
}

fn pod_worse() -> Vec<Worsening> {
    let debugger = |security: Value| {
        let container = json!({"name": "debugger", "image": "busybox:1.37", "securityContext": security});
        Worsening {
            rule: "pod-security",
            subresource: "ephemeralcontainers",
            change: add("/spec/ephemeralContainers/-", container),
        }
    };
    vec![
        worsening("tolerations", add("/spec/tolerations/-", json!({"operator": "Exists"}))),
        worsening("tolerations", add("/spec/tolerations/0", json!({"key": "tenant", "operator": "Exists"}))),
        worsening("tolerations", add("/spec/tolerations/-", json!({"key": "tenant", "value": "rival"}))),
        debugger(json!({"privileged": true})),
        debugger(json!({"capabilities": {"add": ["SYS_ADMIN"]}})),
        worsening(
            "pod-security",
            json!({"metadata": {"annotations": {"container.apparmor.security.beta.kubernetes.io/log": "unconfined"}}}),
        ),
    ]
}

/// A pod that waits: where it goes may still be narrowed.
fn gated_pod() -> Value {
    let mut pod = pod();
    let spec = pod["spec"].as_object_mut().unwrap();
    spec.remove("nodeName");
    spec.insert("schedulingGates".to_owned(), json!([{"name": "kueue.x-k8s.io/admission"}]));
    spec.insert(
        "affinity".to_owned(),
        json!({"nodeAffinity": {REQUIRED: {"nodeSelectorTerms": [own_term()]}}}),
    );
    pod
}

const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";
const TERMS: &str =
    "/spec/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms";

fn own_term() -> Value {
    let own = json!({"key": "node-restriction.kubernetes.io/tenant", "operator": "In", "values": ["shop"]});
    json!({"matchExpressions": [own]})
}

fn gated_pod_flaws() -> Vec<(Value, Value)> {
    let none = || json!({});
    vec![
        (json!({"spec": {"hostNetwork": true}}), none()),
        (add("/spec/tolerations/-", json!({"operator": "Exists"})), none()),
    ]
}

fn gated_pod_benign() -> Vec<Value> {
    let arm = json!({"key": "kubernetes.io/arch", "operator": "In", "values": ["arm64"]});
    vec![
        json!({"spec": {"nodeSelector": {"zone": "a"}}}),
        json!({"spec": {"nodeSelector": {"kubernetes.io/os": "linux"}}}),
        add(&format!("{TERMS}/0/matchExpressions/-"), arm),
        json!({"spec": {"schedulingGates": []}}),
        json!({"spec": {"schedulingGates": null}}),
        add("/spec/tolerations/-", json!({"key": "spot", "operator": "Exists", "effect": "NoSchedule"})),
    ]
}

fn gated_pod_worse() -> Vec<Worsening> {
    let term = |key: &str, value: &str| {
        let other = json!({"key": key, "operator": "In", "values": [value]});
        add(&format!("{TERMS}/-"), json!({"matchExpressions": [other]}))
    };
    vec![
        worsening("node-placement", term("node-restriction.kubernetes.io/tenant", "rival")),
        worsening("node-placement", term("kubernetes.io/arch", "amd64")),
        worsening(
            "node-placement",
            json!({"spec": {"nodeSelector": {"node-restriction.kubernetes.io/tenant": "rival"}}}),
        ),
        worsening("node-placement", json!({"spec": {"nodeName": "node-9"}})),
        worsening("tolerations", add("/spec/tolerations/-", json!({"key": "tenant", "operator": "Exists"}))),
    ]
}

fn service() -> Value {
    json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"},
        "spec": {
            "type": "ClusterIP", "clusterIP": "10.96.4.2", "selector": {"app": "web"}, "externalIPs": [],
            "ports": [{"name": "http", "port": 80, "targetPort": 8080}, {"name": "metrics", "port": 9090}],
        },
    })
}

fn service_flaws() -> Vec<(Value, Value)> {
    let allocated = json!([{"name": "http", "port": 80, "nodePort": 30080}, {"name": "metrics", "port": 9090, "nodePort": 30090}]);
    let freed = json!({"spec": {"type": "ClusterIP", "externalName": null,
        "ports": [{"name": "http", "port": 80}, {"name": "metrics", "port": 9090}]}});
    vec![
        (json!({"spec": {"type": "LoadBalancer", "ports": allocated}}), freed.clone()),
        (json!({"spec": {"type": "NodePort", "ports": allocated}}), freed.clone()),
        (json!({"spec": {"type": "ExternalName", "externalName": "db.example.net"}}), freed),
        (add("/spec/externalIPs/-", json!("192.0.2.7")), json!({"spec": {"externalIPs": []}})),
        (add("/spec/externalIPs/0", json!("192.0.2.8")), json!({"spec": {"externalIPs": []}})),
    ]
}

fn service_benign() -> Vec<Value> {
    vec![
        json!({"spec": {"selector": {"app": "web", "track": "stable"}}}),
        json!({"spec": {"sessionAffinity": "ClientIP"}}),
        json!({"spec": {"internalTrafficPolicy": "Local"}}),
        json!({"metadata": {"finalizers": ["service.kubernetes.io/load-balancer-cleanup"]}}),
        json!({"metadata": {"finalizers": null}}),
    ]
}

fn service_worse() -> Vec<Worsening> {
    let rule = "service-exposure";
    vec![
        worsening(rule, add("/spec/externalIPs/-", json!("198.51.100.1"))),
        worsening(rule, add("/spec/externalIPs/0", json!("10.96.0.10"))),
        worsening(rule, json!({"spec": {"type": "LoadBalancer"}})),
        worsening(rule, json!({"spec": {"type": "NodePort"}})),
        worsening(
            rule,
            json!({"spec": {"type": "ExternalName", "externalName": "web.rival.svc.cluster.local"}}),
        ),
        worsening(rule, json!({"spec": {"type": "Teleport"}})),
    ]
}

fn ingress() -> Value {
    let rule = |host: &str| {
        json!({"host": host, "http": {"paths": [{"path": "/", "pathType": "Prefix",
        "backend": {"service": {"name": "web", "port": {"name": "http"}}}}]}})
    };
    json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
        "metadata": {"name": "web", "annotations": {"cert-manager.io/cluster-issuer": "letsencrypt"}},
        "spec": {
            "ingressClassName": "nginx",
            "rules": [rule("shop.example.com"), rule("api.shop.example.com")],
            "tls": [{"hosts": ["shop.example.com", "api.shop.example.com"], "secretName": "web-tls"}],
        },
    })
}

fn ingress_flaws() -> Vec<(Value, Value)> {
    let spec = || json!({"spec": ingress()["spec"]});
    let alias = "nginx.ingress.kubernetes.io/server-alias";
    vec![
        (add("/spec/rules/-", json!({"host": "old.example.org"})), spec()),
        (add("/spec/rules/0", json!({"http": {"paths": []}})), spec()),
        (add("/spec/tls/-", json!({"hosts": ["old.example.org"], "secretName": "old-tls"})), spec()),
        (add("/spec/tls/0", json!({"secretName": "any-tls"})), spec()),
        (
            json!({"spec": {"defaultBackend": {"service": {"name": "web", "port": {"number": 80}}}}}),
            json!({"spec": {"defaultBackend": null}}),
        ),
        (
            json!({"metadata": {"annotations": {alias: "old.example.org"}}}),
            json!({"metadata": {"annotations": {alias: null}}}),
        ),
        (
            json!({"metadata": {"annotations": {"kubernetes.io/ingress.class": "old"}}}),
            json!({"metadata": {"annotations": {"kubernetes.io/ingress.class": null}}}),
        ),
    ]
}

fn ingress_benign() -> Vec<Value> {
    vec![
        add("/spec/rules/-", json!({"host": "blog.shop.example.com", "http": {"paths": []}})),
        add("/spec/tls/-", json!({"hosts": ["*.shop.example.com"], "secretName": "wild-tls"})),
        json!({"metadata": {"annotations": {"nginx.ingress.kubernetes.io/proxy-body-size": "8m"}}}),
        json!({"metadata": {"finalizers": ["ingress.k8s.aws/resources"]}}),
        json!({"metadata": {"finalizers": null}}),
    ]
}

fn ingress_worse() -> Vec<Worsening> {
    let rule = "ingress-hosts";
    let annotated = |key: &str, value: &str| json!({"metadata": {"annotations": {key: value}}});
    vec![
        worsening(rule, add("/spec/rules/-", json!({"host": "rival.example.com"}))),
        worsening(rule, add("/spec/rules/0", json!({"host": "*.example.com"}))),
        worsening(rule, add("/spec/tls/-", json!({"hosts": ["rival.example.com"], "secretName": "t"}))),
        worsening(rule, annotated("nginx.ingress.kubernetes.io/server-alias", "rival.example.com")),
        Worsening {
            rule,
            subresource: "status",
            change: annotated("external-dns.alpha.kubernetes.io/hostname", "rival.example.com"),
        },
        worsening("ingress-class", annotated("kubernetes.io/ingress.class", "rivals")),
    ]
}

/// What makes no object worse.
fn benign_to_all() -> Vec<Value> {
    let owner = json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "web", "uid": "1", "controller": true});
    vec![
        json!({"metadata": {"labels": {"team": "web"}}}),
        json!({"metadata": {"labels": null}}),
        json!({"metadata": {"annotations": {"example.com/note": "seen"}}}),
        json!({"metadata": {"annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}"}}}),
        json!({"metadata": {"finalizers": ["example.com/hold", "foregroundDeletion"]}}),
        json!({"metadata": {"finalizers": []}}),
        json!({"metadata": {"deletionTimestamp": "2026-11-20T09:00:00Z", "deletionGracePeriodSeconds": 30}}),
        json!({"metadata": {"ownerReferences": [owner]}}),
        json!({"metadata": {"ownerReferences": null}}),
        json!({"metadata": {"managedFields": []}}),
        json!({"metadata": {"resourceVersion": "4711"}}),
        json!({"status": {"observedGeneration": 2}}),
    ]
}

/// Who writes: whoever it is, the answer is the same.
const USERS: [&str; 4] = [
    "jane",
    "system:serviceaccount:kube-system:generic-garbage-collector",
    "system:serviceaccount:kube-system:namespace-controller",
    "system:serviceaccount:shop:default",
];

/// An event of a life.
#[derive(Clone, Debug)]
enum Event {
    /// One of the benign changes.
    Benign(Index),
    /// One of the flaws is mended.
    Mended(Index),
    /// The lists are turned round.
    Reversed,
    /// One of the changes for the worse is tried.
    Worse(Index),
}

fn event() -> impl Strategy<Value = (Event, &'static str)> {
    let event = prop_oneof![
        4 => any::<Index>().prop_map(Event::Benign),
        1 => any::<Index>().prop_map(Event::Mended),
        1 => Just(Event::Reversed),
        3 => any::<Index>().prop_map(Event::Worse),
    ];
    (event, proptest::sample::select(&USERS[..]))
}

/// One test for each kind.
pub(crate) fn trials(policies: &Arc<Snapshot>) -> Vec<Trial> {
    let trial = |subject: &'static Subject| {
        let policies = Arc::clone(policies);
        Trial::test(format!("histories/j10_j11_{}", subject.kind), move || lives(subject, &policies))
    };
    SUBJECTS.iter().map(trial).collect()
}

fn lives(subject: &'static Subject, policies: &Snapshot) -> Result<(), Failed> {
    let flaws = (subject.flaws)();
    let born = subsequence((0..flaws.len()).collect::<Vec<_>>(), 0..=flaws.len());
    let mut runner = TestRunner::new(Config { cases: CASES, failure_persistence: None, ..Config::default() });
    let run = runner.run(&(born, vec(event(), 1..=LONGEST)), |(born, events)| {
        let mut object = filled_in((subject.clean)());
        for &flaw in &born {
            change(&mut object, &flaws[flaw].0).map_err(TestCaseError::fail)?;
        }
        let mut life = Life { subject, policies, object, flaws: born };
        events.iter().try_for_each(|(event, user)| life.happens(event, user))
    });
    run.map_err(|error| Failed::from(error.to_string()))
}

/// An object as it is by now.
struct Life<'l> {
    subject: &'static Subject,
    policies: &'l Snapshot,
    object: Value,
    /// What is wrong with it, of the subject's list.
    flaws: Vec<usize>,
}

impl Life<'_> {
    fn happens(&mut self, event: &Event, user: &str) -> Result<(), TestCaseError> {
        let mut wanted = self.object.clone();
        match event {
            Event::Benign(index) => {
                let benign = [benign_to_all(), (self.subject.benign)()].concat();
                change(&mut wanted, index.get(&benign)).map_err(TestCaseError::fail)?;
                self.is_allowed(wanted, user)
            }
            Event::Reversed => {
                reverse(&mut wanted["spec"]);
                self.is_allowed(wanted, user)
            }
            Event::Mended(index) => self.is_mended(index, user),
            Event::Worse(index) => {
                let worse = (self.subject.worse)();
                let Worsening { rule, subresource, change: worsening } = index.get(&worse);
                change(&mut wanted, worsening).map_err(TestCaseError::fail)?;
                if wanted == self.object {
                    return self.is_allowed(wanted, user);
                }
                let rule = format!("(rule {rule})");
                let denial = self.is_denied(&wanted, user, subresource)?;
                prop_assert!(denial.contains(&rule), "not denied by {}: {}", rule, denial);
                Ok(())
            }
        }
    }

    /// A flaw that goes, and all that go with it, cannot come back.
    fn is_mended(&mut self, flaw: &Index, user: &str) -> Result<(), TestCaseError> {
        let flaws = (self.subject.flaws)();
        let flaw = flaw.index(flaws.len());
        let mending = &flaws[flaw].1;
        let before = self.object.clone();
        let mut wanted = before.clone();
        change(&mut wanted, mending).map_err(TestCaseError::fail)?;
        self.is_allowed(wanted, user)?;
        let is_mending = mending.as_object().is_some_and(|mending| !mending.is_empty());
        let count = self.flaws.len();
        self.flaws.retain(|other| !is_mending || flaws[*other].1 != *mending);
        if self.flaws.len() < count {
            self.is_denied(&before, user, "")?;
        }
        Ok(())
    }

    /// It becomes what is wanted.
    fn is_allowed(&mut self, wanted: Value, user: &str) -> Result<(), TestCaseError> {
        let answer = self.ask(&wanted, user, "");
        prop_assert_eq!(answer, Ok(None), "of {} made {}", self.object, wanted);
        self.object = wanted;
        Ok(())
    }

    /// It stays as it is: what comes next starts from the same object.
    fn is_denied(&self, wanted: &Value, user: &str, subresource: &str) -> Result<String, TestCaseError> {
        match self.ask(wanted, user, subresource) {
            Err(denial) if denial.contains(": denied: ") => Ok(denial),
            answer => Err(TestCaseError::fail(format!("{answer:?}: of {} made {wanted}", self.object))),
        }
    }

    fn ask(&self, wanted: &Value, user: &str, subresource: &str) -> Result<Option<Value>, String> {
        let (object, old) = (wanted.clone(), self.object.clone());
        let request =
            Request { operation: "UPDATE", user, resource: None, subresource, object, old, dry_run: false };
        if let Some(patch) = request.ask(Phase::Mutate, self.policies)? {
            return Err(format!("A10: patched: {patch}"));
        }
        request.ask(Phase::Validate, self.policies)
    }
}

/// Turns all lists in an object round.
fn reverse(value: &mut Value) {
    match value {
        Value::Array(items) => {
            items.reverse();
            items.iter_mut().for_each(reverse);
        }
        Value::Object(fields) => fields.values_mut().for_each(reverse),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
