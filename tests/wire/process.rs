//! The program as a process: what it logs, what it counts, and what it does on SIGHUP.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use axum::http::Method;
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use partywall::telemetry::{COMMIT, VERSION};
use rustix::process::{Pid, Signal, kill_process};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::timeout;

use crate::client::{Client, Target};
use crate::keys::Authority;
use crate::server::PATIENCE;

const POLICIES: &str = "
apiVersion: partywall.dev/v1alpha1
kind: NodePool
metadata: {name: blue}
spec:
  nodeSelector: {node-restriction.kubernetes.io/pool: blue}
  taints: [{key: pool, value: blue, effect: NoSchedule}]
---
apiVersion: partywall.dev/v1alpha1
kind: Tenant
metadata: {name: blue}
spec:
  namespaces: [blue]
  nodePools: {default: blue}
  rules: {tolerations: warn, pod-security: audit}
---
apiVersion: partywall.dev/v1alpha1
kind: Exemption
metadata: {name: agent}
spec:
  tenant: blue
  namespace: blue
  rules: [pod-security]
  controls: [hostNamespaces]
  target: {kind: Pod, name: agent}
  reason: it watches the network
  expires: '2999-12-31'
";

/// A running process, and its log as JSON.
pub(crate) struct Process {
    child: Child,
    log: UnboundedReceiver<Value>,
    pub(crate) target: Target,
    pub(crate) ops: SocketAddr,
    authority: Authority,
    folder: TempDir,
}

impl Process {
    /// Starts the program on ports that the system chooses.
    pub(crate) async fn start(flags: &[&str]) -> Self {
        Self::start_by(POLICIES, flags).await
    }

    /// The same by other policies.
    async fn start_by(policies: &str, flags: &[&str]) -> Self {
        let folder = TempDir::new().unwrap();
        let path = |name: &str| folder.path().join(name);
        let authority = Authority::new();
        authority.sign().write(folder.path());
        std::fs::write(path("policies.yaml"), policies).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_partywall"))
            .args(["serve", "--listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0", "--log-format", "json"])
            .arg("--policies")
            .arg(path("policies.yaml"))
            .arg("--tls-cert")
            .arg(path("tls.crt"))
            .arg("--tls-key")
            .arg(path("tls.key"))
            .args(flags)
            .env_remove("RUST_LOG")
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let (send, mut log) = unbounded_channel();
        std::thread::spawn(move || {
            for line in lines {
                // The test may have ended.
                let _ended = send.send(serde_json::from_str(&line.unwrap()).unwrap());
            }
        });
        let first: Value = log.recv().await.unwrap();
        assert_eq!((&first["message"], &first["version"]), (&json!("partywall starts"), &json!(VERSION)));
        assert_eq!(first["commit"], COMMIT);
        let serving = until(&mut log, |line| line["message"] == "serving").await;
        let address = |field: &str| serving[field].as_str().unwrap().parse().unwrap();
        let target = Target { address: address("listen"), ca: authority.pem.clone() };
        Self { child, log, target, ops: address("ops_listen"), authority, folder }
    }

    /// Waits for a line of the log.
    pub(crate) async fn until(&mut self, is_it: impl Fn(&Value) -> bool) -> Value {
        until(&mut self.log, is_it).await
    }

    pub(crate) async fn ask(&self, path: &str, review: &Value) -> Value {
        let answer = self.target.http1().await.post(path, review.to_string()).await;
        answer.review(review["request"]["uid"].as_str().unwrap())
    }

    async fn metrics(&self) -> String {
        let stream = TcpStream::connect(self.ops).await.unwrap();
        Client::http1(TokioIo::new(stream)).await.send(Method::GET, "/metrics", "").await.text().to_owned()
    }

    pub(crate) async fn figure(&self, series: &str) -> f64 {
        let metrics = self.metrics().await;
        let value = metrics.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        value.unwrap_or_else(|| panic!("no {series} in {metrics}")).parse().unwrap()
    }

    fn hang_up(&self) {
        self.signal(Signal::HUP);
    }

    /// Ends the process as Ctrl-C does.
    #[cfg(feature = "otlp")]
    pub(crate) fn interrupt(&self) {
        self.signal(Signal::INT);
    }

    fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.child.id().try_into().unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    fn folder(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself, and then the test has failed already.
        let _ended = self.child.kill();
        let _code = self.child.wait();
    }
}

async fn until(log: &mut UnboundedReceiver<Value>, is_it: impl Fn(&Value) -> bool) -> Value {
    let found = async {
        loop {
            let line = log.recv().await.unwrap();
            if is_it(&line) {
                break line;
            }
        }
    };
    timeout(PATIENCE, found).await.unwrap()
}

/// A review of a new pod, whose fields are in `more` and whose values would be noticed in a log.
pub(crate) fn review(name: &str, namespace: &str, more: &Value) -> Value {
    let mut spec = json!({"containers": [{
        "name": "app", "image": "registry.example.com/hunter2:1", "env": [{"name": "PASSWORD", "value": "hunter2"}],
    }]});
    for (key, value) in more.as_object().unwrap() {
        spec[key] = value.clone();
    }
    let secret = json!({"hunter2": "hunter2"});
    let metadata = json!({"generateName": name, "labels": secret, "annotations": secret});
    json!({
        "kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1",
        "request": {
            "uid": format!("uid-of-{name}"), "kind": {"group": "", "version": "v1", "kind": "Pod"},
            "resource": {"group": "", "version": "v1", "resource": "pods"}, "namespace": namespace,
            "operation": "CREATE", "userInfo": {"username": "jane", "groups": ["system:authenticated"]},
            "object": {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec},
        },
    })
}

/// A pod on the tenant's nodes, which is allowed.
pub(crate) fn placed(name: &str) -> Value {
    let more = json!({
        "nodeSelector": {"node-restriction.kubernetes.io/pool": "blue"},
        "tolerations": [{"key": "pool", "operator": "Equal", "value": "blue", "effect": "NoSchedule"}],
    });
    review(name, "blue", &more)
}

/// A pod that violates a rule in each mode: `priority-class` denies, `tolerations` warns, `pod-security` audits.
fn violating(name: &str) -> Value {
    let more = json!({
        "hostNetwork": true,
        "priorityClassName": "system-node-critical",
        "tolerations": [{"key": "hunter2", "operator": "Exists"}],
        "nodeSelector": {"node-restriction.kubernetes.io/pool": "blue"},
    });
    review(name, "blue", &more)
}

const TENANT_VIOLATIONS: &str = "partywall_tenant_violations_total";

#[tokio::test]
async fn k16_every_violation_has_a_line_that_says_who_did_what_and_nothing_of_the_object() {
    let mut process = Process::start(&[]).await;
    assert_eq!(process.ask("/validate/tenants", &violating("web-")).await["allowed"], false);
    for (message, rule, mode) in [
        ("warned", "tolerations", "warn"),
        ("recorded", "pod-security", "audit"),
        ("denied", "priority-class", "deny"),
    ] {
        let line = process.until(|line| line["message"] == message && line["rule"] == rule).await;
        let expected = json!({
            "level": "INFO", "message": message, "uid": "uid-of-web-", "endpoint": "/validate/tenants",
            "user": "jane", "operation": "CREATE", "kind": "Pod", "namespace": "blue", "name": "web-",
            "tenant": "blue", "rule": rule, "mode": mode, "violations": 1,
        });
        let mut line = line;
        line.as_object_mut().unwrap().remove("timestamp");
        assert_eq!(line, expected);
        let series = format!(r#"{TENANT_VIOLATIONS}{{mode="{mode}",rule="{rule}",tenant="blue"}}"#);
        assert_eq!(process.figure(&series).await, 1.0, "{series}");
    }
    assert!(!process.metrics().await.contains("hunter2"));

    // Outside tenants there is no tenant to name.
    let outside = review("agent-", "monitoring", &json!({"tolerations": [{"operator": "Exists"}]}));
    process.ask("/validate/elsewhere", &outside).await;
    let line = process.until(|line| line["rule"] == "tolerations").await;
    assert_eq!((&line["tenant"], &line["namespace"]), (&Value::Null, &json!("monitoring")));
    assert!(!line.to_string().contains("hunter2"));
}

/// What cannot be decided violates no rule, and yet its line says who asked.
#[tokio::test]
async fn k16_what_cannot_be_decided_has_a_line_without_the_value() {
    let mut process = Process::start(&[]).await;
    process.ask("/validate/tenants", &review("odd-", "blue", &json!({"nodeName": ["hunter2"]}))).await;
    let line = process.until(|line| line["code"] == 422).await;
    assert_eq!(
        (&line["user"], &line["kind"], &line["namespace"]),
        (&json!("jane"), &json!("Pod"), &json!("blue"))
    );
    assert!(!line.to_string().contains("hunter2"), "{line}");
}

#[tokio::test]
async fn o5_a_tenant_fills_no_log_with_violations() {
    let mut process = Process::start(&[]).await;
    let mut client = process.target.http1().await;
    // Each has several lines.
    for _ in 0..400 {
        client.post("/validate/tenants", violating("flood-").to_string()).await;
    }
    process.hang_up();
    let mut lines = Vec::new();
    loop {
        let line = process.until(|_| true).await;
        if line["message"] == "policies loaded" {
            break;
        }
        lines.push(line);
    }
    lines.retain(|line| line["rule"].is_string());
    // Each second has a hundred at most, so that two hundred of two seconds may follow each other, and no more.
    let at = |line: &Value| line["timestamp"].as_str().unwrap().parse::<Timestamp>().unwrap();
    for window in lines.windows(201) {
        let took = at(&window[200]).duration_since(at(&window[0]));
        assert!(took.as_millis() >= 900, "{took:?} {}", window[0]);
    }
    let left_out: u64 = lines.iter().filter_map(|line| line["left_out"].as_u64()).sum();
    let rules = process.metrics().await;
    let rules = rules.lines().filter(|line| line.starts_with(TENANT_VIOLATIONS)).count();
    assert!(lines.len() >= 100 && lines.len() + usize::try_from(left_out).unwrap() <= 400 * rules);
    let series = format!(r#"{TENANT_VIOLATIONS}{{mode="deny",rule="priority-class",tenant="blue"}}"#);
    assert_eq!(process.figure(&series).await, 400.0);
}

#[tokio::test]
async fn without_metrics_of_tenants_no_tenant_is_named() {
    let process = Process::start(&["--tenant-metrics", "0"]).await;
    process.ask("/validate/tenants", &violating("web-")).await;
    assert!(
        !process.metrics().await.contains("tenant=\"blue\",")
            && !process.metrics().await.contains(TENANT_VIOLATIONS)
    );
    assert_eq!(process.figure(r#"partywall_violations_total{mode="deny",rule="priority-class"}"#).await, 1.0);
}

#[tokio::test]
async fn exemptions_say_when_they_end_and_how_often_they_were_used() {
    let process = Process::start(&[]).await;
    let ends =
        r#"partywall_exemption_end_timestamp_seconds{exemption="agent",namespace="blue",tenant="blue"}"#;
    // 3000-01-01.
    assert_eq!(process.figure(ends).await, 32_503_680_000.0);
    let uses = r#"partywall_exemption_uses_total{exemption="agent"}"#;
    assert_eq!(process.figure(uses).await, 0.0);
    let mut agent = review("agent", "blue", &json!({"hostNetwork": true}));
    agent["request"]["name"] = json!("agent");
    process.ask("/validate/tenants", &agent).await;
    assert_eq!(process.figure(uses).await, 1.0);
}

#[tokio::test]
async fn the_process_and_its_files_are_seen_from_outside() {
    let process = Process::start(&[]).await;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64();
    for of in ["policies", "certificates"] {
        assert_eq!(process.figure(&format!(r#"partywall_last_reload_successful{{of="{of}"}}"#)).await, 1.0);
        let last = process.figure(&format!(r#"partywall_last_reload_timestamp_seconds{{of="{of}"}}"#)).await;
        assert!((now - last).abs() < 600.0, "{of}: {last}");
    }
    // What rcgen signs ends in the year 4096.
    let expiry =
        process.figure(r#"partywall_certificate_expiry_timestamp_seconds{certificate="serving"}"#).await;
    assert_eq!(expiry, 67_090_118_400.0);
    if cfg!(target_os = "linux") {
        assert!(process.figure("process_resident_memory_bytes").await > 1e6);
        assert!(process.figure("process_open_fds").await > 3.0);
        assert!((now - process.figure("process_start_time_seconds").await).abs() < 600.0);
    }
}

#[tokio::test]
async fn sighup_loads_policies_and_certificates_at_once_even_without_a_change() {
    let mut process = Process::start(&[]).await;
    let taken = r#"partywall_policy_reloads_total{result="taken"}"#;
    assert_eq!(process.figure(taken).await, 0.0);
    process.hang_up();
    process.until(|line| line["message"] == "policies loaded").await;
    assert_eq!(process.figure(taken).await, 1.0);

    let renamed = POLICIES.replace("Tenant\nmetadata: {name: blue}", "Tenant\nmetadata: {name: azure}");
    let renamed = renamed.replace("tenant: blue", "tenant: azure");
    std::fs::write(process.folder().join("policies.yaml"), renamed).unwrap();
    let next = process.authority.sign();
    next.write(process.folder());
    process.hang_up();
    process.until(|line| line["message"] == "tenant `azure` is new").await;
    let expected = CertificateDer::from_pem_slice(next.cert.as_bytes()).unwrap();
    let served = async { while process.target.certificate().await != expected {} };
    timeout(PATIENCE, served).await.unwrap();

    std::fs::write(process.folder().join("policies.yaml"), "kind: Tenant").unwrap();
    process.hang_up();
    process.until(|line| line["message"] == "the last good policies hold until this is mended").await;
    assert_eq!(process.figure(r#"partywall_last_reload_successful{of="policies"}"#).await, 0.0);
}

/// Under `enforcement: Audit` nothing is stamped or denied, and the operator sees what would be.
#[tokio::test]
async fn at_audit_nothing_is_denied_and_the_log_and_the_metrics_say_what_would_be() {
    const SETTINGS: &str = "
---
apiVersion: partywall.dev/v1alpha1
kind: Settings
metadata: {name: default}
spec: {enforcement: Audit}
";
    let mut process = Process::start_by(&(POLICIES.to_owned() + SETTINGS), &[]).await;
    let answer = process.ask("/mutate/tenants", &review("web-", "blue", &json!({}))).await;
    assert_eq!(
        (&answer["allowed"], &answer["patch"], &answer["warnings"]),
        (&json!(true), &Value::Null, &Value::Null)
    );
    let line = process.until(|line| line["message"] == "not stamped, but it would be").await;
    let expected = [
        ("tenant", "blue"),
        ("rule", "node-placement"),
        ("mode", "audit"),
        ("pool", "blue"),
        ("user", "jane"),
    ];
    for (field, value) in expected {
        assert_eq!(line[field], value, "{line}");
    }
    let series = r#"partywall_reviews_total{endpoint="mutate/tenants",verdict="would_stamp"}"#;
    assert_eq!(process.figure(series).await, 1.0);

    assert_eq!(process.ask("/validate/tenants", &violating("web-")).await["warnings"], Value::Null);
    let line = process.until(|line| line["rule"] == "priority-class").await;
    assert_eq!((&line["message"], &line["mode"]), (&json!("recorded"), &json!("audit")));

    // Neither what does not decode nor what is too large is denied.
    let odd = review("odd-", "blue", &json!({"nodeName": ["hunter2"]})).to_string();
    // An API server writes the object after who asked for what.
    let head =
        r#"{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":"uid-of-large-","#;
    let asked = r#""kind":{"group":"","version":"v1","kind":"Pod"},"namespace":"blue","operation":"CREATE","#;
    let large =
        format!(r#"{head}{asked}"userInfo":{{"username":"jane"}},"object":"{}"}}}}"#, "x".repeat(17 << 20));
    for (body, uid) in [(odd, "uid-of-odd-"), (large, "uid-of-large-")] {
        let answer = process.target.http1().await.post("/validate/tenants", body).await.review(uid);
        assert_eq!(answer["allowed"], true);
        assert!(answer["auditAnnotations"]["unjudged"].is_string(), "{answer}");
        let line = process.until(|line| line["message"] == "recorded, because it cannot be decided").await;
        assert_eq!((&line["user"], &line["namespace"]), (&json!("jane"), &json!("blue")));
        assert!(!line.to_string().contains("hunter2"), "{line}");
    }
    let series = r#"partywall_reviews_total{endpoint="validate/tenants",verdict="unjudged"}"#;
    assert_eq!(process.figure(series).await, 2.0);
}
