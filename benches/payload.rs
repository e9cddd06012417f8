//! The reviews that all benchmarks share: what an API server sends about pods of 2.6 KB to 3.7 MB, each as one that
//! gets a patch, one that is allowed and one that is denied.
//!
//! They are made here, always the same bytes, in the shape and with the order of fields of what was recorded in
//! tests/fixtures/reviews. The median one is a Deployment's pod with one container, eight variables and probes, of
//! whose bytes 37 % are managedFields; larger ones have more containers and variables, the largest has two
//! variables that are files. [`POLICIES`] decides them; [`verify`] checks that it decides them as is said here.

use std::fmt::Write as _;
use std::ops::Range;

use jiff::civil::date;
use partywall::policies;
use partywall_core::tenancy::Snapshot;
use partywall_core::{Entry, answer};

/// The policies by which the reviews are decided.
pub(crate) const POLICIES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../policies/examples/eks.yaml");

/// The size of a review.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Size {
    /// `kubectl run`: one container and nothing else.
    Minimal,
    /// A Deployment's pod: one container, eight variables, probes.
    Median,
    /// The same when one of its labels changes: the object and the old one.
    Update,
    /// Three containers, 67 variables.
    Mesh,
    /// Four containers, 180 variables.
    Fifty,
    /// Six containers, 360 variables.
    Big,
    /// One container with two files of 1.8 MB in its variables.
    Huge,
}

impl Size {
    /// All of them, the smallest first.
    pub(crate) const ALL: [Self; 7] =
        [Self::Minimal, Self::Median, Self::Update, Self::Mesh, Self::Fifty, Self::Big, Self::Huge];

    /// As tables call it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Minimal => "2.6KB",
            Self::Median => "7.6KB",
            Self::Update => "14KB",
            Self::Mesh => "21KB",
            Self::Fifty => "50KB",
            Self::Big => "99KB",
            Self::Huge => "3.7MB",
        }
    }

    /// Its bytes on the wire. All but 50 KB, which is what is published of users' pods, were counted on a wire.
    pub(crate) fn bytes(self) -> usize {
        match self {
            Self::Minimal => 2_657,
            Self::Median => 7_575,
            Self::Update => 14_331,
            Self::Mesh => 21_253,
            Self::Fifty => 50_000,
            Self::Big => 98_828,
            Self::Huge => 3_685_901,
        }
    }

    /// Returns the number of variables of each container.
    fn variables(self) -> &'static [usize] {
        match self {
            Self::Minimal => &[0],
            Self::Median | Self::Update => &[8],
            Self::Mesh => &[40, 20, 7],
            Self::Fifty => &[45; 4],
            Self::Big => &[60; 6],
            Self::Huge => &[2],
        }
    }
}

/// The expected answer to a review.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expect {
    /// A pod with its tenant's stamp, at `/validate`.
    Allow,
    /// The same with a privileged container that mounts the node's root, at `/validate`.
    Deny,
    /// A pod without a stamp, at `/mutate`.
    Patch,
}

impl Expect {
    /// All of them.
    pub(crate) const ALL: [Self; 3] = [Self::Allow, Self::Deny, Self::Patch];

    /// As tables call it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
            Self::Patch => "patch",
        }
    }

    fn entry(self) -> Entry {
        match self {
            Self::Allow | Self::Deny => Entry::Validate,
            Self::Patch => Entry::Mutate,
        }
    }
}

/// A review and what it gets.
#[derive(Debug)]
pub(crate) struct Payload {
    /// The size.
    pub(crate) size: Size,
    /// The expected answer.
    pub(crate) expect: Expect,
    /// The webhook it is sent to.
    pub(crate) entry: Entry,
    /// Its bytes.
    pub(crate) body: Vec<u8>,
}

/// The review of that size that gets that; `None`: updates of pods are never patched.
pub(crate) fn payload(size: Size, expect: Expect) -> Option<Payload> {
    if (size, expect) == (Size::Update, Expect::Patch) {
        return None;
    }
    let shortest = review(size, expect, 0, 0);
    let missing = size.bytes().saturating_sub(shortest.len());
    // What a variable or annotation costs beside its text is in the shortest already; every text is there twice in
    // an update.
    let missing = missing / if size == Size::Update { 2 } else { 1 };
    let texts = size.variables().iter().sum::<usize>().max(1);
    let body = review(size, expect, missing / texts, missing % texts).into_bytes();
    Some(Payload { size, expect, entry: expect.entry(), body })
}

/// All reviews.
pub(crate) fn all() -> impl Iterator<Item = Payload> {
    Size::ALL
        .into_iter()
        .flat_map(|size| Expect::ALL.into_iter().filter_map(move |expect| payload(size, expect)))
}

const BEFORE_UID: &str = r#"{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":""#;
const UID: &str = "5d0f6c1e-8a57-4b9e-9d0c-3b1f7a2e4c68";

/// Returns the range of the uid in the body of a review, so that a client can write another of 36 characters there.
pub(crate) fn uid_at(body: &[u8]) -> Range<usize> {
    debug_assert!(body.starts_with(BEFORE_UID.as_bytes()), "the body is one of these reviews");
    BEFORE_UID.len()..BEFORE_UID.len() + UID.len()
}

/// Returns the snapshot by which the reviews are decided.
pub(crate) fn snapshot() -> Snapshot {
    policies::load(&[POLICIES.into()], date(2026, 11, 20)).unwrap_or_else(|error| panic!("{error}")).snapshot
}

/// Panics unless every review is as large as it says, and gets what it says.
pub(crate) fn verify(snapshot: &Snapshot) {
    for Payload { size, expect, entry, body } in all() {
        let name = format!("{}/{}", size.name(), expect.name());
        assert!(body.len().abs_diff(size.bytes()) * 100 <= size.bytes(), "{name} has {} bytes", body.len());
        let answer = answer(entry, &body, snapshot).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(Some(answer.uid.as_bytes()), body.get(uid_at(&body)), "the uid of {name}");
        let verdict = answer.verdict;
        let got = match (&verdict.denial, &verdict.patch) {
            (Some(_), _) => Expect::Deny,
            (None, Some(_)) => Expect::Patch,
            (None, None) => Expect::Allow,
        };
        assert_eq!(got, expect, "{name}: {verdict:?}");
    }
}

/// A review whose variables have `text` bytes each, and the annotation `rest`.
fn review(size: Size, expect: Expect, text: usize, rest: usize) -> String {
    let pod = |expect, changed| pod(size, expect, changed, text, rest);
    let (operation, object, old) = match size {
        Size::Update => ("UPDATE", pod(expect, true), pod(Expect::Allow, false)),
        Size::Minimal | Size::Median | Size::Mesh | Size::Fifty | Size::Big | Size::Huge => {
            ("CREATE", pod(expect, false), "null".to_owned())
        }
    };
    let options = if size == Size::Update { "UpdateOptions" } else { "CreateOptions" };
    let named = if size == Size::Update { r#""name":"web-548bb786dd-x8k2p","# } else { "" };
    format!("{BEFORE_UID}{UID}{AFTER_UID}")
        .replace("$OPERATION", operation)
        .replace("$OPTIONS", options)
        .replace("$NAMED", named)
        .replace("$OLD", &old)
        .replace("$OBJECT", &object)
}

const AFTER_UID: &str = r#"","kind":{"group":"","version":"v1","kind":"Pod"},"resource":{"group":"","version":"v1","resource":"pods"},"requestKind":{"group":"","version":"v1","kind":"Pod"},"requestResource":{"group":"","version":"v1","resource":"pods"},$NAMED"namespace":"tenants-x","operation":"$OPERATION","userInfo":{"username":"system:serviceaccount:kube-system:replicaset-controller","uid":"5bfc871c-c9f3-4b08-85d3-c22f0d9a3f60","groups":["system:serviceaccounts","system:serviceaccounts:kube-system","system:authenticated"],"extra":{"authentication.kubernetes.io/credential-id":["JTI=a5c2a426-f5e6-452c-8d00-d80103a003f0"]}},"object":$OBJECT,"oldObject":$OLD,"dryRun":false,"options":{"kind":"$OPTIONS","apiVersion":"meta.k8s.io/v1"}}}
"#;

/// A pod, as [`review`] says; `changed` if this is what an update made of it.
fn pod(size: Size, expect: Expect, changed: bool, text: usize, rest: usize) -> String {
    let (mut containers, mut fields) = (Vec::new(), Vec::new());
    for (index, variables) in size.variables().iter().enumerate() {
        let name = ["web", "proxy", "agent", "cache", "shipper", "metrics"].get(index).unwrap_or(&"more");
        let denied = expect == Expect::Deny && index == 0;
        containers.push(container(size, name, *variables, denied, text));
        fields.push(fields_of_container(size, name, *variables));
    }
    let bare = size == Size::Minimal;
    let scheduled = size == Size::Update;
    let unless_bare = |text| if bare { "" } else { text };
    let volumes =
        format!("{}{}", unless_bare(VOLUMES), if expect == Expect::Deny && !bare { "," } else { "" });
    POD.replace("$SCHEDULED", if scheduled { SCHEDULED } else { "" })
        .replace("$NODE", if scheduled { r#""nodeName":"node-7","# } else { "" })
        .replace("$STATUS", if scheduled { STATUS } else { "" })
        .replace("$CHANGED", if changed { r#","touched":"yes""# } else { "" })
        .replace("$OWNER", unless_bare(OWNER))
        .replace("$F_OWNER", unless_bare(F_OWNER))
        .replace("$LABELS", unless_bare(LABELS))
        .replace("$F_LABELS", unless_bare(F_LABELS))
        .replace("$ANNOTATIONS", unless_bare(ANNOTATIONS))
        .replace("$F_ANNOTATIONS", unless_bare(F_ANNOTATIONS))
        .replace("$F_SPEC", unless_bare(F_SPEC))
        .replace("$SPREAD", unless_bare(SPREAD))
        .replace("$VOLUMES", &volumes)
        .replace("$HOST", if expect == Expect::Deny { HOST } else { "" })
        .replace("$SELECTOR", if expect == Expect::Patch { "" } else { SELECTOR })
        .replace("$TOLERATION", if expect == Expect::Patch { "" } else { TOLERATION })
        .replace("$NOTE", &prose(if bare { text } else { rest }))
        .replace("$F_CONTAINERS", &fields.join(","))
        .replace("$CONTAINERS", &containers.join(","))
}

const POD: &str = r#"{"kind":"Pod","apiVersion":"v1","metadata":{"name":"web-548bb786dd-x8k2p","generateName":"web-548bb786dd-","namespace":"tenants-x",$SCHEDULED"labels":{"app":"web",$LABELS"pod-template-hash":"548bb786dd"$CHANGED},"annotations":{$ANNOTATIONS"note":"$NOTE"},$OWNER"managedFields":[{"manager":"kube-controller-manager","operation":"Update","apiVersion":"v1","time":"2026-11-20T12:59:25Z","fieldsType":"FieldsV1","fieldsV1":{"f:metadata":{"f:annotations":{".":{},$F_ANNOTATIONS"f:note":{}},"f:generateName":{},"f:labels":{".":{},"f:app":{},$F_LABELS"f:pod-template-hash":{}}$F_OWNER},"f:spec":{"f:containers":{$F_CONTAINERS},"f:dnsPolicy":{},"f:enableServiceLinks":{},"f:restartPolicy":{},"f:schedulerName":{},"f:securityContext":{},"f:terminationGracePeriodSeconds":{}$F_SPEC}}}]},"spec":{"volumes":[$VOLUMES$HOST],"containers":[$CONTAINERS],"restartPolicy":"Always","terminationGracePeriodSeconds":30,"dnsPolicy":"ClusterFirst",$SELECTOR"serviceAccountName":"default","serviceAccount":"default",$NODE"securityContext":{},"schedulerName":"default-scheduler","tolerations":[{"key":"node.kubernetes.io/not-ready","operator":"Exists","effect":"NoExecute","tolerationSeconds":300},{"key":"node.kubernetes.io/unreachable","operator":"Exists","effect":"NoExecute","tolerationSeconds":300}$TOLERATION],"priority":0,"enableServiceLinks":true,"preemptionPolicy":"PreemptLowerPriority"$SPREAD},"status":{$STATUS}}"#;

const OWNER: &str = r#""ownerReferences":[{"apiVersion":"apps/v1","kind":"ReplicaSet","name":"web-548bb786dd","uid":"f6b213ca-5b73-43db-868c-b3aeedcf75a2","controller":true,"blockOwnerDeletion":true}],"#;
const F_OWNER: &str =
    r#","f:ownerReferences":{".":{},"k:{\"uid\":\"f6b213ca-5b73-43db-868c-b3aeedcf75a2\"}":{}}"#;
const LABELS: &str = r#""app.kubernetes.io/instance":"web","app.kubernetes.io/name":"web","app.kubernetes.io/part-of":"shop","app.kubernetes.io/version":"1.27.3","#;
const F_LABELS: &str = r#""f:app.kubernetes.io/instance":{},"f:app.kubernetes.io/name":{},"f:app.kubernetes.io/part-of":{},"f:app.kubernetes.io/version":{},"#;
const ANNOTATIONS: &str = r#""checksum/config":"01ba4719c80b6fe911b091a7c05124b64eeece964e09c058ef8f9805daca546b","prometheus.io/port":"8080","prometheus.io/scrape":"true","#;
const F_ANNOTATIONS: &str =
    r#""f:checksum/config":{},"f:prometheus.io/port":{},"f:prometheus.io/scrape":{},"#;
const SPREAD: &str = r#","topologySpreadConstraints":[{"maxSkew":1,"topologyKey":"topology.kubernetes.io/zone","whenUnsatisfiable":"ScheduleAnyway","labelSelector":{"matchLabels":{"app":"web"}}}]"#;
const F_SPEC: &str = r#","f:topologySpreadConstraints":{".":{},"k:{\"topologyKey\":\"topology.kubernetes.io/zone\",\"whenUnsatisfiable\":\"ScheduleAnyway\"}":{".":{},"f:labelSelector":{},"f:maxSkew":{},"f:topologyKey":{},"f:whenUnsatisfiable":{}}},"f:volumes":{".":{},"k:{\"name\":\"config\"}":{".":{},"f:configMap":{".":{},"f:defaultMode":{},"f:name":{}},"f:name":{}}}"#;
const VOLUMES: &str = r#"{"name":"config","configMap":{"name":"shop","defaultMode":420}},{"name":"kube-api-access-xjp5h","projected":{"sources":[{"serviceAccountToken":{"expirationSeconds":3607,"path":"token"}},{"configMap":{"name":"kube-root-ca.crt","items":[{"key":"ca.crt","path":"ca.crt"}]}},{"downwardAPI":{"items":[{"path":"namespace","fieldRef":{"apiVersion":"v1","fieldPath":"metadata.namespace"}}]}}],"defaultMode":420}}"#;
const HOST: &str = r#"{"name":"host","hostPath":{"path":"/","type":""}}"#;
const SELECTOR: &str = r#""nodeSelector":{"tenant":"tenants-x"},"#;
const TOLERATION: &str = r#",{"key":"tenant","operator":"Equal","value":"tenants-x","effect":"NoSchedule"}"#;
const SCHEDULED: &str = r#""uid":"00dc5292-6dd5-471d-a458-003e33451571","resourceVersion":"28917","generation":1,"creationTimestamp":"2026-11-20T12:59:25Z","#;
const STATUS: &str = r#""phase":"Pending","conditions":[{"type":"PodScheduled","status":"True","lastProbeTime":null,"lastTransitionTime":"2026-11-20T12:59:25Z"}],"qosClass":"Burstable""#;

fn container(size: Size, name: &str, variables: usize, denied: bool, text: usize) -> String {
    let bare = size == Size::Minimal;
    let mut env = String::new();
    for index in 0..variables {
        let value = if size == Size::Huge { file(text) } else { prose(text) };
        let comma = if index == 0 { "" } else { "," };
        let _ = write!(env, r#"{comma}{{"name":"{}","value":"{value}"}}"#, variable(index));
    }
    CONTAINER
        .replace("$PORTS", if bare { "" } else { PORTS })
        .replace("$PROBES", if bare { "" } else { PROBES })
        .replace("$RESOURCES", if bare { "" } else { RESOURCES })
        .replace("$MOUNTS", if bare { "" } else { MOUNTS })
        .replace("$COMMA", if denied && !bare { "," } else { "" })
        .replace("$HOST", if denied { r#"{"name":"host","mountPath":"/host"}"# } else { "" })
        .replace(
            "$SECURITY",
            if denied {
                PRIVILEGED
            } else if bare {
                ""
            } else {
                HARDENED
            },
        )
        .replace("$NAME", name)
        .replace("$ENV", &if env.is_empty() { env } else { format!(r#""env":[{env}],"#) })
}

const CONTAINER: &str = r#"{"name":"$NAME","image":"registry.example.com/shop/$NAME:1.27.3",$PORTS$ENV"resources":{$RESOURCES},"volumeMounts":[$MOUNTS$COMMA$HOST],$PROBES"terminationMessagePath":"/dev/termination-log","terminationMessagePolicy":"File","imagePullPolicy":"IfNotPresent"$SECURITY}"#;
const MOUNTS: &str = r#"{"name":"config","readOnly":true,"mountPath":"/etc/shop"},{"name":"kube-api-access-xjp5h","readOnly":true,"mountPath":"/var/run/secrets/kubernetes.io/serviceaccount"}"#;
const HARDENED: &str =
    r#","securityContext":{"readOnlyRootFilesystem":true,"allowPrivilegeEscalation":false}"#;
const PRIVILEGED: &str = r#","securityContext":{"privileged":true}"#;
const PORTS: &str = r#""ports":[{"name":"http","containerPort":8080,"protocol":"TCP"}],"#;
const RESOURCES: &str = r#""limits":{"cpu":"1","memory":"512Mi"},"requests":{"cpu":"250m","memory":"256Mi"}"#;
const PROBES: &str = r#""livenessProbe":{"httpGet":{"path":"/healthz","port":"http","scheme":"HTTP"},"initialDelaySeconds":5,"timeoutSeconds":1,"periodSeconds":10,"successThreshold":1,"failureThreshold":3},"readinessProbe":{"httpGet":{"path":"/ready","port":"http","scheme":"HTTP"},"timeoutSeconds":1,"periodSeconds":10,"successThreshold":1,"failureThreshold":3},"startupProbe":{"httpGet":{"path":"/healthz","port":"http","scheme":"HTTP"},"timeoutSeconds":1,"periodSeconds":2,"successThreshold":1,"failureThreshold":30},"#;

/// Returns the entry of a container in managedFields.
fn fields_of_container(size: Size, name: &str, variables: usize) -> String {
    let mut env = String::new();
    for index in 0..variables {
        let name = variable(index);
        let _ = write!(env, r#","k:{{\"name\":\"{name}\"}}":{{".":{{}},"f:name":{{}},"f:value":{{}}}}"#);
    }
    let bare = size == Size::Minimal;
    F_CONTAINER
        .replace("$NAME", name)
        .replace("$MORE", if bare { "" } else { F_MORE })
        .replace("$F_RESOURCES", if bare { "" } else { F_RESOURCES })
        .replace("$ENV", &if env.is_empty() { env } else { format!(r#""f:env":{{".":{{}}{env}}},"#) })
}

const F_CONTAINER: &str = r#""k:{\"name\":\"$NAME\"}":{".":{},$ENV"f:image":{},"f:imagePullPolicy":{},$MORE"f:name":{},"f:resources":{$F_RESOURCES},"f:terminationMessagePath":{},"f:terminationMessagePolicy":{}}"#;
const F_RESOURCES: &str =
    r#"".":{},"f:limits":{".":{},"f:cpu":{},"f:memory":{}},"f:requests":{".":{},"f:cpu":{},"f:memory":{}}"#;
const F_MORE: &str = r#""f:livenessProbe":{".":{},"f:failureThreshold":{},"f:httpGet":{".":{},"f:path":{},"f:port":{},"f:scheme":{}},"f:initialDelaySeconds":{},"f:periodSeconds":{},"f:successThreshold":{},"f:timeoutSeconds":{}},"f:ports":{".":{},"k:{\"containerPort\":8080,\"protocol\":\"TCP\"}":{".":{},"f:containerPort":{},"f:name":{},"f:protocol":{}}},"f:readinessProbe":{".":{},"f:failureThreshold":{},"f:httpGet":{".":{},"f:path":{},"f:port":{},"f:scheme":{}},"f:periodSeconds":{},"f:successThreshold":{},"f:timeoutSeconds":{}},"f:securityContext":{".":{},"f:allowPrivilegeEscalation":{},"f:readOnlyRootFilesystem":{}},"f:startupProbe":{".":{},"f:failureThreshold":{},"f:httpGet":{".":{},"f:path":{},"f:port":{},"f:scheme":{}},"f:periodSeconds":{},"f:successThreshold":{},"f:timeoutSeconds":{}},"f:volumeMounts":{".":{},"k:{\"mountPath\":\"/etc/shop\"}":{".":{},"f:mountPath":{},"f:name":{},"f:readOnly":{}}},"#;

/// Names of variables, some long and some short.
fn variable(index: usize) -> String {
    let stem = ["DATABASE_URL", "LOG_LEVEL", "FEATURE_FLAGS", "CACHE_ENDPOINT", "HTTP_PORT", "REGION"];
    format!("{}_{index}", stem.get(index % stem.len()).unwrap_or(&"SETTING"))
}

/// So many bytes of what nothing needs to be escaped in.
fn prose(bytes: usize) -> String {
    "https://orders.tenants-x.svc.cluster.local:8443/v1/carts?region=eu-central-1; "
        .chars()
        .cycle()
        .take(bytes)
        .collect()
}

/// So many bytes of a file of lines, some of them with quotes and, as Go writes it, with a `<`.
fn file(bytes: usize) -> String {
    const LINES: &str = r#"upstream orders { server orders-0.orders:8443 max_fails=3; }\nlog_format main \"$remote_addr\";\nlimit: size \u003c 512k\n"#;
    let mut file = LINES.repeat(bytes / LINES.len());
    file.push_str(&prose(bytes - file.len()));
    file
}
