//! A rolling upgrade and the way back, between this build and one that is later and has a webhook and a field more.
//!
//! `make e2e-long` makes the other build, with the feature `next`, and says where it is.

use std::fmt::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use serde_json::json;

use super::installed::{condition, try_pod, until_condition};
use super::rollover::NO_ROOM;
use crate::cluster::Cluster;
use crate::eventually::{SOON, eventually};
use crate::installation::{Installation, MENDED, manifests_of};
use crate::load::Load;
use crate::partywall::{Instance, PROGRAM};
use crate::users::User;

/// Names the other build.
const VARIABLE: &str = "PARTYWALL_NEXT";
const NAMESPACE: &str = "x-upgraded";
/// The webhook that only the other build has.
const WEBHOOK: &str = "next.partywall.dev";
/// The configuration that it is in.
const CONFIGURATION: &str = "ValidatingWebhookConfiguration";
/// The Tenant that gets the field that only the other build has, and its namespace.
const TENANT: &str = "tenants-y";
/// In a rollout a replica goes on serving until the balancer has seen that it ends.
const FLAGS: [&str; 1] = ["--drain=2"];
/// How long to look that nothing happens: a replica looks every two seconds.
const LOOKS: Duration = Duration::from_secs(6);
/// The time after which the configurations of a newer version are taken over, and some more.
const TAKEN_OVER: Duration = Duration::from_secs(60);

/// What is compared while replicas come and go.
#[derive(Default)]
struct Shared {
    /// The addresses of this build's replicas.
    old: Mutex<Vec<SocketAddr>>,
    /// Whether a replica of the other build lives.
    newer_lives: AtomicBool,
    is_over: AtomicBool,
    looks: AtomicUsize,
}

/// Ends the looks, also when the case fails.
struct Over<'s>(&'s Shared);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.is_over.store(true, Ordering::Relaxed);
    }
}

/// Two replicas that are replaced one by one.
struct Roll<'c> {
    cluster: &'c Cluster,
    installation: &'c Installation<'c>,
    shared: &'c Shared,
    next: PathBuf,
}

pub(crate) fn an_upgrade_and_the_way_back_under_load_lose_nothing(cluster: &Cluster) {
    let next = other_build();
    let installation = Installation::install(cluster);
    installation.apply_policies();
    let shared = Shared::default();
    let roll = Roll { cluster, installation: &installation, shared: &shared, next };
    let old = ["upgraded-1", "upgraded-2"].map(|name| roll.start(Path::new(PROGRAM), name));
    roll.lead_to(&[&old[0], &old[1]]);
    installation.until_armed();
    cluster.tenant_namespace(NAMESPACE, "tenants-x", "tenant-x");

    let load = Load::start(cluster, User::Tenant("tenant-x"), NAMESPACE);
    load.until_created(50);
    let replicas = thread::scope(|scope| {
        let observer = scope.spawn(|| roll.observe());
        let over = Over(&shared);
        let replicas = roll.up_and_back(old);
        drop(over);
        let wrong = observer.join().unwrap();
        assert!(wrong.is_empty(), "{wrong}");
        replicas
    });
    load.until_created(load.created() + 50);
    let outcome = load.stop(cluster);
    let (created, mut failures) = (outcome.created, outcome.failures);
    let count = failures.len();
    failures.retain(|failure| !failure.contains(NO_ROOM));
    println!(
        "{created} pods created in {:.0?}, the slowest in {:.2?}, for {} the API server had no room; {} looks",
        outcome.took,
        outcome.slowest,
        count - failures.len(),
        shared.looks.into_inner()
    );
    assert!(failures.is_empty(), "{} of {created} failed: {:?}", failures.len(), failures.first());
    let pods = cluster.list("Pod", NAMESPACE);
    assert_eq!(pods.len(), created);
    let unstamped = pods.iter().find(|pod| pod["spec"]["nodeSelector"]["tenant"] != "tenants-x");
    assert_eq!(unstamped, None);
    cluster.kubectl(User::Admin).args(["delete", "namespace", NAMESPACE, "--wait=false"]).succeeds();
    installation.remove(replicas.into());
}

/// Returns where the other build is.
fn other_build() -> PathBuf {
    let how = format!(
        "`make e2e-long` makes it, and so does `cargo build --locked --features next --bin partywall --target-dir \
         target/next`; then set {VARIABLE} to the path of target/next/debug/partywall"
    );
    let path =
        env::var_os(VARIABLE).unwrap_or_else(|| panic!("{VARIABLE} does not name the later build: {how}"));
    let path = fs::canonicalize(&path).unwrap_or_else(|error| panic!("{}: {error}: {how}", path.display()));
    let crds = manifests_of(&path, &["crds"]);
    assert!(
        crds.contains("A field that only a later version has"),
        "{} is no later build: {how}",
        path.display()
    );
    path
}

impl Roll<'_> {
    /// Replaces both replicas by ones of the other build, and these by ones of this build.
    fn up_and_back(&self, [first, second]: [Instance; 2]) -> [Instance; 2] {
        let this = Path::new(PROGRAM);
        let (own, later) = (version(this), version(&self.next));
        assert_eq!(self.version(), own);
        // The definitions come first, and this build does not know the field.
        self.define(&self.next);
        self.set_next("true").fails().says("next");

        self.shared.newer_lives.store(true, Ordering::Relaxed);
        let first = self.replace(first, &second, &self.next, "later-1");
        eventually(SOON, "the later build writes the configurations", || match self.version() {
            version if version == later => Ok(()),
            version => Err(version),
        });
        self.must_be_mended();
        self.must_lack_webhook_for(LOOKS, &later);
        let second = self.replace(second, &first, &self.next, "later-2");
        eventually(SOON, "what all replicas serve is registered", || {
            if self.has_webhook() { Ok(()) } else { Err("it is not") }
        });
        eventually(SOON, "the later build takes the field", || match self.set_next("true").run() {
            outcome if outcome.code == Some(0) => Ok(()),
            outcome => Err(outcome.stderr),
        });
        eventually(SOON, "the Tenant with the field holds", || self.try_pod_of_tenant());

        let first = self.replace(first, &second, this, "back-1");
        // It is not ready before, and so gets no request by the webhook that it does not serve.
        assert!(!self.has_webhook(), "a replica is ready that does not serve all webhooks");
        assert_eq!(self.version(), later);
        self.must_be_mended();
        self.must_lack_webhook_for(LOOKS, &later);
        let second = self.replace(second, &first, this, "back-2");
        self.shared.newer_lives.store(false, Ordering::Relaxed);
        // A replica of the later build may be about to start.
        self.must_lack_webhook_for(LOOKS, &later);
        self.must_name_the_field();
        // The definitions go back last: they keep fields that they do not know, so that none is dropped.
        self.define(this);
        self.must_name_the_field();
        let tenant = self.cluster.admin().get(&self.tenant()).unwrap();
        assert_eq!(tenant["spec"]["next"], true, "{tenant}");
        self.set_next("null").succeeds();
        until_condition(self.cluster, "tenants", TENANT, "True", "");
        eventually(SOON, "the Tenant without the field holds", || self.try_pod_of_tenant());
        eventually(TAKEN_OVER, "the configurations are taken over", || match self.version() {
            version if version == own => Ok(()),
            version => Err(version),
        });
        assert!(!self.has_webhook());
        [first, second]
    }

    /// Compares what is registered with who is asked, until it is over; returns what was wrong.
    fn observe(&self) -> String {
        let (later, mut wrong) = (version(&self.next), String::new());
        let mut was_later = false;
        while !self.shared.is_over.load(Ordering::Relaxed) {
            let before = (self.old_backends(), self.shared.newer_lives.load(Ordering::Relaxed));
            let (has_webhook, version) = (self.has_webhook(), self.version());
            let after = (self.old_backends(), self.shared.newer_lives.load(Ordering::Relaxed));
            let asked: Vec<_> = before.0.iter().filter(|backend| after.0.contains(backend)).collect();
            if has_webhook && !asked.is_empty() {
                writeln!(wrong, "the webhook is registered, and {asked:?} do not serve it").unwrap();
            }
            was_later |= version == later;
            if was_later && version != later && before.1 && after.1 {
                writeln!(wrong, "the configuration of {later} is one of {version}").unwrap();
            }
            self.shared.looks.fetch_add(1, Ordering::Relaxed);
            thread::sleep(Duration::from_millis(20));
        }
        wrong
    }

    /// Returns the replicas of this build to which new connections go.
    fn old_backends(&self) -> Vec<SocketAddr> {
        let old = self.shared.old.lock().unwrap();
        self.cluster.balancer.backends().into_iter().filter(|backend| old.contains(backend)).collect()
    }

    fn start(&self, program: &Path, name: &str) -> Instance {
        let mut replica = self.installation.start_unready_of(program, name, &FLAGS);
        if program == Path::new(PROGRAM) {
            self.shared.old.lock().unwrap().push(replica.webhook);
        }
        replica.until_ready();
        replica
    }

    /// Ends a replica as a rollout does, while the other one serves, and starts its successor.
    fn replace(&self, old: Instance, other: &Instance, program: &Path, name: &str) -> Instance {
        let status = old.stop(SOON);
        assert!(status.is_some_and(|status| status.success()), "{name}'s predecessor ended with {status:?}");
        let new = self.start(program, name);
        self.lead_to(&[other, &new]);
        println!("{name} serves");
        new
    }

    /// New connections go to those of these that are ready, once all are.
    fn lead_to(&self, replicas: &[&Instance]) {
        self.cluster.balancer.watch(replicas.iter().copied());
        eventually(SOON, "all replicas are behind the address", || {
            let backends = self.cluster.balancer.backends();
            if backends.len() == replicas.len() { Ok(()) } else { Err(format!("{backends:?}")) }
        });
    }

    /// Applies the definitions of a build.
    fn define(&self, program: &Path) {
        let apply = ["apply", "--server-side", "--force-conflicts", "-f", "-"];
        let definitions = manifests_of(program, &["crds"]);
        self.cluster.kubectl(User::Admin).args(apply).stdin(definitions).succeeds();
    }

    fn has_webhook(&self) -> bool {
        self.installation.entries(CONFIGURATION).iter().any(|name| name == WEBHOOK)
    }

    /// Returns the version that wrote the configuration.
    fn version(&self) -> String {
        let configuration = self.installation.configuration(CONFIGURATION).unwrap();
        let version = &configuration["metadata"]["annotations"]["partywall.dev/version"];
        version.as_str().unwrap_or_default().to_owned()
    }

    /// Somebody edits the configuration, and it is as it was again.
    fn must_be_mended(&self) {
        let webhooks = || self.installation.configuration(CONFIGURATION).unwrap()["webhooks"].clone();
        let (meant, mut edited) = (webhooks(), webhooks());
        edited[0]["timeoutSeconds"] = json!(7);
        let path = format!("{}/partywall", self.cluster.path(CONFIGURATION, ""));
        self.cluster.admin().patch(&path, &json!({"webhooks": edited}));
        eventually(MENDED, "the configuration is mended", || match webhooks() {
            found if found == meant => Ok(()),
            found => Err(found.to_string()),
        });
    }

    fn must_lack_webhook_for(&self, time: Duration, written_by: &str) {
        let end = Instant::now() + time;
        while Instant::now() < end {
            assert!(!self.has_webhook(), "the webhook is registered, which a replica does not serve");
            assert_eq!(self.version(), written_by);
            thread::sleep(Duration::from_millis(100));
        }
    }

    fn tenant(&self) -> String {
        format!("/apis/partywall.dev/v1alpha1/tenants/{TENANT}")
    }

    /// Writes the field that only the other build has.
    fn set_next(&self, value: &str) -> crate::kubectl::Kubectl {
        let patch = format!("{{\"spec\": {{\"next\": {value}}}}}");
        self.cluster
            .kubectl(User::Admin)
            .args(["patch", "tenant.partywall.dev", TENANT, "--type=merge", "-p"])
            .args([patch])
    }

    fn try_pod_of_tenant(&self) -> Result<(), String> {
        let pod = try_pod(self.cluster, TENANT)?;
        if pod["spec"]["nodeSelector"]["tenant"] == TENANT { Ok(()) } else { Err(pod.to_string()) }
    }

    /// What this build does not know of the Tenant is named, and nothing in its namespaces passes.
    fn must_name_the_field(&self) {
        eventually(SOON, "the Tenant's status names the field", || {
            let path = self.tenant();
            let (status, reason) = condition(self.cluster, "tenants", TENANT, "Ready");
            let tenant = self.cluster.admin().get(&path).unwrap();
            let said = tenant["status"]["conditions"].to_string();
            if status == "False" && said.contains("next") { Ok(()) } else { Err(format!("{reason}: {said}")) }
        });
        let denied = self.try_pod_of_tenant().unwrap_err();
        assert!(denied.contains("denied"), "{denied}");
    }
}

/// Returns the version of a build, as it writes it.
fn version(program: &Path) -> String {
    let output = crate::process::command(program).arg("--version").output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    said.split(' ').nth(1).unwrap().to_owned()
}
