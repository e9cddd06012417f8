//! The alerts about a cluster, on a real Prometheus; `.ci/alerts` drives the others without one.

use std::collections::BTreeSet;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::balancer::Balancer;
use crate::cluster::Cluster;
use crate::eventually::{SOON, eventually};
use crate::installation::Installation;
use crate::partywall::Instance;
use crate::process::Process;
use crate::users::User;
use crate::{http, ports};

/// The folder of what runs Prometheus here.
const TOOLS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/prometheus");

/// So many times as short as in `deploy/alerts` are `for:` and all ranges. Prometheus looks each second.
const SHORTER: &str = "100";

/// SnapshotStale fires for a replica that never reached the API server. That it also fires five minutes after one lost
/// it is tested in `deploy/alerts/tests`.
pub(crate) fn alerts_about_the_registration_and_the_watch_fire_and_end(cluster: &Cluster) {
    let installation = Installation::install(cluster);
    installation.apply_policies();
    cluster.balancer.set_backends(Vec::new());
    let cut = Balancer::start(cluster.runtime());
    let deaf = installation.start_unready_by(&installation.kubeconfig_by(cut.address()), "alerts-deaf", &[]);
    let mut well = installation.start_unready("alerts-well", &[]);
    well.until_ready();
    let mut prometheus = Prometheus::start(cluster, &[&well, &deaf]);

    // The API server reaches nobody, and one replica does not reach the API server.
    let expected = ["CertificatesFaulty", "NotRegistered", "SnapshotStale"].map(|name| (name, &deaf));
    prometheus.until(&[&expected[..], &[("NotRegistered", &well)]].concat());
    cut.set_backends(vec![cluster.api_server()]);
    let mut replicas = [well, deaf];
    replicas.iter_mut().for_each(Instance::until_ready);
    cluster.balancer.watch(&replicas);
    installation.until_armed();
    prometheus.until(&[]);

    let annotate = |annotation: &str| {
        let args = ["annotate", "mutatingwebhookconfiguration", "partywall", annotation];
        cluster.kubectl(User::Admin).args(args).succeeds();
    };
    annotate("partywall.dev/registration=paused");
    let [well, deaf] = &replicas;
    prometheus.until(&[("RegistrationPaused", well), ("RegistrationPaused", deaf)]);
    annotate("partywall.dev/registration-");
    prometheus.until(&[]);
    drop(prometheus);
    installation.remove(replicas.into());
}

/// A Prometheus that scrapes replicas by the rules of `deploy/alerts`.
struct Prometheus<'c> {
    cluster: &'c Cluster,
    process: Process,
    address: SocketAddr,
}

impl<'c> Prometheus<'c> {
    fn start(cluster: &'c Cluster, replicas: &[&Instance]) -> Self {
        let folder = cluster.folder.join("alerts");
        fs::create_dir(&folder).unwrap();
        let rules = run(Command::new("python3")
            .arg("-B")
            .arg(Path::new(TOOLS).join("drive.py"))
            .args(["--rules", SHORTER]));
        fs::write(folder.join("rules.yaml"), rules).unwrap();
        let targets: Vec<String> = replicas.iter().map(|replica| replica.ops.to_string()).collect();
        let config = json!({
            "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
            "rule_files": ["rules.yaml"],
            "scrape_configs": [{"job_name": "partywall", "static_configs": [{"targets": targets}]}],
        });
        fs::write(folder.join("prometheus.yml"), config.to_string()).unwrap();
        let program =
            PathBuf::from(run(&mut Command::new(Path::new(TOOLS).join("build"))).trim()).join("prometheus");
        let address = ports::free();
        let args = [
            format!("--config.file={}", folder.join("prometheus.yml").display()),
            format!("--storage.tsdb.path={}", folder.join("data").display()),
            format!("--web.listen-address={address}"),
            "--log.level=warn".to_owned(),
        ];
        let process = Process::start("prometheus", &cluster.folder, &program, &args);
        let mut prometheus = Self { cluster, process, address };
        prometheus.process.until_up(SOON, || {
            let answer = cluster.runtime().block_on(http::get(address, "/-/ready"));
            if matches!(answer, Ok((StatusCode::OK, _))) { Ok(()) } else { Err("it is not ready") }
        });
        prometheus
    }

    /// Waits until these alerts fire, each for a replica, and no others.
    #[track_caller]
    fn until(&mut self, expected: &[(&str, &Instance)]) {
        self.process.must_run();
        let expected: BTreeSet<(String, String)> =
            expected.iter().map(|(name, of)| (format!("Partywall{name}"), of.ops.to_string())).collect();
        eventually(SOON, &format!("{expected:?} fire"), || {
            let answer = self.cluster.runtime().block_on(http::get(self.address, "/api/v1/alerts"));
            let (_, text) = answer.map_err(|error| error.to_string())?;
            let answer: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
            let alerts = answer["data"]["alerts"].as_array().into_iter().flatten();
            let label =
                |alert: &Value, name: &str| alert["labels"][name].as_str().unwrap_or_default().to_owned();
            let firing: BTreeSet<_> = alerts
                .filter(|alert| alert["state"] == "firing")
                .map(|alert| (label(alert, "alertname"), label(alert, "instance")))
                .collect();
            if firing == expected { Ok(()) } else { Err(format!("{firing:?}")) }
        });
    }
}

/// What a program prints.
#[track_caller]
fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
