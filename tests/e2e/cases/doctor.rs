//! `partywall doctor` in a cluster in which one thing after the other is broken.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use axum::http::Method;
use serde_json::{Value, json};

use crate::cluster::Cluster;
use crate::eventually::{SOON, eventually};
use crate::installation::Installation;
use crate::outcome::Outcome;
use crate::partywall::{Instance, PROGRAM, Pair};
use crate::users::User;
use crate::{ports, process, registration};

const VALIDATING: &str = "ValidatingWebhookConfiguration";
const MUTATING: &str = "MutatingWebhookConfiguration";
const NAME: &str = "partywall";
const OBJECTS: &str = "/apis/partywall.dev/v1alpha1";

/// A finding: the check, the object, the cause and the cure.
type Finding = (String, String, String, String);

pub(crate) fn each_thing_that_is_broken_is_found_with_a_cause_and_a_cure(cluster: &Cluster) {
    let installation = Installation::install(cluster);
    installation.apply_policies();
    let replicas = installation.start(&["doctor-1", "doctor-2"], &[]);
    installation.until_armed();
    let patient = Patient { cluster };
    // Other cases leave behind what a doctor finds, but nothing that concerns partywall itself.
    let own = ["definitions", "objects", "replicas", "registration", "certificates", "entries", "exemptions"];
    let before = eventually(SOON, "partywall is as it should be", || {
        let found = patient.findings();
        let of_partywall: Vec<&Finding> = found.iter().filter(|finding| own.contains(&&*finding.0)).collect();
        if of_partywall.is_empty() { Ok(found) } else { Err(format!("{of_partywall:?}")) }
    });

    patient.with_other_definitions_and_wrong_objects();
    patient.with_another_registration(&replicas);
    patient.with_an_unreachable_server(&replicas);
    patient.with_strange_namespaces_nodes_and_pods(&replicas);
    let mut replicas = replicas;
    patient.without_replicas(&mut replicas);
    replicas.extend(installation.start(&["doctor-3"], &[]));
    installation.until_armed();

    eventually(SOON, "everything was mended", || {
        let after = patient.findings();
        let new: Vec<_> = after.difference(&before).collect();
        if new.is_empty() { Ok(()) } else { Err(format!("{new:?}")) }
    });
    installation.remove(replicas);
}

pub(crate) fn a_doctor_says_what_it_could_not_look_at(cluster: &Cluster) {
    // A user of a tenant may read nothing that is not in its namespaces.
    let outcome = doctor(&User::Tenant("outsider").kubeconfig(&cluster.folder), &["--output=json"]);
    assert_eq!(outcome.code, Some(3), "{outcome}");
    for line in outcome.stdout.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        assert_eq!(line["result"], "notLookedAt", "{line}");
        assert!(line["notLookedAt"][0]["why"].as_str().unwrap().contains("forbidden"), "{line}");
    }
    let outcome = doctor(&User::Tenant("outsider").kubeconfig(&cluster.folder), &[]);
    outcome.says("not looked at  nodes").says("nodes: not looked at: nodes").says("cannot list resource");

    let nowhere = cluster.folder.join("nowhere.kubeconfig");
    let config = fs::read_to_string(User::Admin.kubeconfig(&cluster.folder)).unwrap();
    let mut config: Value = serde_json::from_str(&config).unwrap();
    config["clusters"][0]["cluster"]["server"] = json!(format!("https://{}", ports::free()));
    fs::write(&nowhere, config.to_string()).unwrap();
    let outcome = doctor(&nowhere, &[]);
    assert_eq!(outcome.code, Some(3), "{outcome}");
    outcome.says("the API server cannot be asked");

    for args in [&["--output=nothing"][..], &["--context=nowhere"], &["--settings=/nonexistent.yaml"]] {
        let outcome = doctor(&User::Admin.kubeconfig(&cluster.folder), args);
        assert_eq!(outcome.code, Some(2), "{outcome}");
    }
}

fn doctor(kubeconfig: &Path, args: &[&str]) -> Outcome {
    let mut command = process::command(Path::new(PROGRAM));
    command.arg("doctor").arg(format!("--kubeconfig={}", kubeconfig.display())).args(args);
    Outcome::of(command, format!("partywall doctor {}", args.join(" ")), "")
}

/// An installation, of which one thing after the other is broken and mended.
struct Patient<'c> {
    cluster: &'c Cluster,
}

impl Patient<'_> {
    /// Runs the doctor, and returns what it found.
    fn findings(&self) -> BTreeSet<Finding> {
        let outcome = doctor(&User::Admin.kubeconfig(&self.cluster.folder), &["--output=json"]);
        let mut findings = BTreeSet::new();
        for line in outcome.stdout.lines() {
            let line: Value = serde_json::from_str(line).unwrap();
            assert_eq!(line["notLookedAt"], json!([]), "an administrator may read everything: {line}");
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            for finding in line["findings"].as_array().unwrap() {
                let (object, cause, cure) = (&finding["object"], &finding["cause"], &finding["cure"]);
                findings.insert((text(&line["check"]), text(object), text(cause), text(cure)));
            }
        }
        assert_eq!(outcome.code, Some(i32::from(!findings.is_empty())), "{outcome}");
        findings
    }

    /// Waits until the doctor finds all of this: the check, a part of the object's name, of the cause and of the cure.
    /// Webhook configurations and watches take a moment.
    #[track_caller]
    fn until_found(&self, expected: &[[&str; 4]]) {
        eventually(SOON, "all is found", || {
            let all = self.findings();
            let is_found = |[check, object, cause, cure]: &[&str; 4]| {
                all.iter().any(|found| {
                    found.0 == *check
                        && found.1.contains(object)
                        && found.2.contains(cause)
                        && found.3.contains(cure)
                })
            };
            match expected.iter().find(|expected| !is_found(expected)) {
                None => Ok(()),
                Some(lacking) => Err(format!("{lacking:?} is not among {all:?}")),
            }
        });
    }

    /// Waits until checks find nothing.
    #[track_caller]
    fn until_gone(&self, checks: &[&str]) {
        eventually(SOON, &format!("{checks:?} find nothing"), || {
            let found = self.findings().into_iter().find(|finding| checks.contains(&&*finding.0));
            found.map_or(Ok(()), |finding| Err(format!("{finding:?}")))
        });
    }

    fn with_other_definitions_and_wrong_objects(&self) {
        let path = self.cluster.path("CustomResourceDefinition", "");
        let path = format!("{path}/tenants.partywall.dev");
        let mut original = self.cluster.admin().get(&path).unwrap();
        let mut definition = original.clone();
        let fields = "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties";
        definition.pointer_mut(fields).unwrap().as_object_mut().unwrap().remove("enforcement");
        let changed = self.cluster.admin().send(Method::PUT, &path, &definition).unwrap();

        for name in ["doctor-a", "doctor-b"] {
            self.create("Tenant", name, &json!({"namespaces": ["doctor-contested"]}));
        }
        let soon = jiff::Timestamp::now().as_second() + 10 * 24 * 60 * 60;
        let soon = jiff::Timestamp::from_second(soon).unwrap().to_string();
        let exemption = json!({
            "tenant": "tenants-x",
            "namespace": "tenants-x",
            "rules": ["tolerations"],
            "target": {"kind": "DaemonSet", "name": "agent"},
            "images": ["registry.example.com/agent"],
            "reason": "an agent",
            "expires": soon.split('T').next().unwrap(),
        });
        self.create("Exemption", "doctor", &exemption);
        let pool = json!({
            "nodeSelector": {"doctor": "pool"},
            "taints": [{"key": "doctor", "value": "pool", "effect": "NoSchedule"}],
        });
        self.create("NodePool", "doctor", &pool);
        let (contested, pool) = ("Conflict: spec.namespaces[0]", "nodepools.partywall.dev/doctor");
        self.until_found(&[
            [
                "definitions",
                "CustomResourceDefinition tenants.partywall.dev",
                "it lacks `spec.enforcement`",
                "partywall manifests crds | kubectl apply",
            ],
            ["objects", "tenants.partywall.dev/doctor-a", contested, "take it away from one of the two"],
            ["objects", "tenants.partywall.dev/doctor-b", contested, "take it away from one of the two"],
            ["exemptions", "exemptions.partywall.dev/doctor", "ends within 30 days", "later `spec.expires`"],
            ["node-labels", pool, "a kubelet may set this label", "node-restriction.kubernetes.io/"],
            ["nodes", pool, "no node has its labels, `doctor=pool`", "kubectl label node NODE doctor=pool"],
        ]);
        original["metadata"]["resourceVersion"] = changed["metadata"]["resourceVersion"].clone();
        self.cluster.admin().send(Method::PUT, &path, &original).unwrap();
        for (kind, name) in
            [("Tenant", "doctor-a"), ("Tenant", "doctor-b"), ("Exemption", "doctor"), ("NodePool", "doctor")]
        {
            self.delete(kind, name);
        }
    }

    /// While the registration is paused, nothing mends what is changed.
    fn with_another_registration(&self, replicas: &[Instance]) {
        self.pause(replicas);
        self.annotate("partywall.dev/version=99.0.0");
        self.change_entry("services.partywall.dev", |entry| {
            entry["failurePolicy"] = json!("Ignore");
            entry["namespaceSelector"] = json!({"matchLabels": {"doctor": "none"}});
        });
        // One entry trusts another CA.
        let other = registration::bundle(&Pair::make(&self.cluster.folder.join("doctor-other-ca")));
        self.change_entry("policies.partywall.dev", |entry| entry["clientConfig"]["caBundle"] = json!(other));
        self.cluster.admin().delete(&format!("{}/{NAME}", self.cluster.path(MUTATING, "")));
        self.until_found(&[
            ["registration", VALIDATING, "somebody paused the registration", "partywall.dev/registration-"],
            ["registration", VALIDATING, "version 99.0.0 of partywall wrote it", "of that version"],
            [
                "registration",
                VALIDATING,
                "`services.partywall.dev` is not as it should be: failurePolicy is `\"Ignore\"`",
                "a replica that registers puts it back",
            ],
            ["registration", MUTATING, "it is not there", "a replica that registers creates it"],
            ["certificates", VALIDATING, "its entries trust different CAs", "writes one bundle"],
            [
                "certificates",
                "Lease partywall-system/partywall-replica-",
                "serves a certificate of a CA that the ValidatingWebhookConfiguration partywall lacks",
                "writes the bundle of all",
            ],
            ["entries", "Exemption", "gets no answer from partywall", "`certificates` here"],
            ["entries", "Service", "so it does not ask partywall", "see `registration` here"],
            ["entries", "Pod", "refused it, perhaps without a stamp", "see `registration` here"],
        ]);
        self.annotate(&format!("partywall.dev/version={}", env!("CARGO_PKG_VERSION")));
        self.annotate("partywall.dev/registration-");
        self.until_gone(&["registration", "certificates"]);
        self.cluster.until_judged();
    }

    fn with_an_unreachable_server(&self, replicas: &[Instance]) {
        self.cluster.balancer.set_backends(Vec::new());
        self.until_found(&[[
            "entries",
            "Exemption",
            "gets no answer from partywall",
            "see `replicas` and `certificates` here",
        ]]);
        self.cluster.balancer.set_backends(replicas.iter().map(|replica| replica.webhook).collect());
        self.cluster.until_judged();
        self.until_gone(&["entries"]);
    }

    fn without_replicas(&self, replicas: &mut Vec<Instance>) {
        for replica in replicas.drain(..) {
            assert!(replica.stop(SOON).is_some_and(|status| status.success()));
        }
        self.until_found(&[[
            "replicas",
            "Namespace partywall-system",
            "no replica of partywall lives",
            "kubectl -n partywall-system get pods",
        ]]);
    }

    fn with_strange_namespaces_nodes_and_pods(&self, replicas: &[Instance]) {
        self.cluster.namespace("doctor-nobody", &json!({"partywall.dev/tenant": "doctor-nobody"}));
        let node = format!("{}/node-y", self.cluster.path("Node", ""));
        self.cluster.admin().patch(&node, &json!({"spec": {"taints": null}}));

        // A pod that was there before partywall was asked.
        self.pause(replicas);
        self.change_entry("pods-elsewhere.partywall.dev", |entry| {
            entry["namespaceSelector"] = json!({"matchLabels": {"doctor": "none"}});
        });
        let stranger = self.cluster.fresh_namespace("doctor-stranger");
        let containers = json!([{"name": "app", "image": "registry.example.com/app:1"}]);
        let pod = json!({
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "stranger"},
            "spec": {"nodeName": "node-y", "containers": containers},
        });
        eventually(SOON, "the pod is stored", || {
            let stored = self.cluster.admin().send(Method::POST, &self.cluster.path("Pod", &stranger), &pod);
            stored.map(drop).map_err(|error| error.to_string())
        });
        self.annotate("partywall.dev/registration-");

        // A pool that changed after the stamp.
        let daemon_set = json!({
            "apiVersion": "apps/v1",
            "kind": "DaemonSet",
            "metadata": {"name": "doctor"},
            "spec": {
                "selector": {"matchLabels": {"app": "doctor"}},
                "template": {"metadata": {"labels": {"app": "doctor"}}, "spec": {"containers": containers}},
            },
        });
        self.cluster.admin().create(&self.cluster.path("DaemonSet", "tenants-y"), &daemon_set);
        self.cluster.admin().patch(&node, &json!({"metadata": {"labels": {"doctor": "2"}}}));
        self.patch("NodePool", "tenants-y", &json!({"nodeSelector": {"doctor": "2"}}));

        self.until_found(&[
            [
                "namespaces",
                "Namespace doctor-nobody",
                "no Tenant has the namespace",
                "kubectl label namespace",
            ],
            [
                "nodes",
                "Node node-y",
                "not its taint `tenant=tenants-y:NoSchedule`",
                "kubectl taint node node-y tenant=tenants-y:NoSchedule",
            ],
            [
                "pods",
                &format!("Namespace {stranger}"),
                "its pods `stranger` run on `node-y`, of the nodes of `tenants-y`",
                "`systemNamespaces`",
            ],
            [
                "daemon-sets",
                "DaemonSet tenants-y/doctor",
                "does not have the stamp of tenant `tenants-y`'s pools",
                "kubectl -n tenants-y rollout restart daemonset/doctor",
            ],
        ]);
        self.patch("NodePool", "tenants-y", &json!({"nodeSelector": {"doctor": null}}));
        let taint = json!({"key": "tenant", "value": "tenants-y", "effect": "NoSchedule"});
        let before = json!({"metadata": {"labels": {"doctor": null}}, "spec": {"taints": [taint]}});
        self.cluster.admin().patch(&node, &before);
        self.cluster.admin().delete(&format!("{}/doctor", self.cluster.path("DaemonSet", "tenants-y")));
        self.cluster.until_gone("DaemonSet", "tenants-y", "doctor");
        for namespace in ["doctor-nobody", &stranger] {
            self.cluster.admin().delete(&format!("{}/{namespace}", self.cluster.path("Namespace", "")));
            self.cluster.until_gone("Namespace", "", namespace);
        }
    }

    fn create(&self, kind: &str, name: &str, spec: &Value) {
        let object = json!({
            "apiVersion": "partywall.dev/v1alpha1",
            "kind": kind,
            "metadata": {"name": name},
            "spec": spec,
        });
        self.cluster.admin().create(&format!("{OBJECTS}/{}s", kind.to_lowercase()), &object);
    }

    fn patch(&self, kind: &str, name: &str, spec: &Value) {
        let path = format!("{OBJECTS}/{}s/{name}", kind.to_lowercase());
        self.cluster.admin().patch(&path, &json!({"spec": spec}));
    }

    fn delete(&self, kind: &str, name: &str) {
        self.cluster.admin().delete(&format!("{OBJECTS}/{}s/{name}", kind.to_lowercase()));
    }

    /// Pauses the registration, and waits until every replica knows it, so that none mends what is changed next.
    fn pause(&self, replicas: &[Instance]) {
        self.annotate("partywall.dev/registration=paused");
        eventually(SOON, "all replicas know that they are paused", || {
            let paused = replicas.iter().map(|replica| replica.figure("partywall_registration_paused"));
            let paused: Vec<u64> = paused.collect();
            if paused.iter().all(|paused| *paused == 1) { Ok(()) } else { Err(format!("{paused:?}")) }
        });
    }

    /// Annotates the validating configuration.
    fn annotate(&self, annotation: &str) {
        let args = ["annotate", "--overwrite", "validatingwebhookconfiguration", NAME, annotation];
        self.cluster.kubectl(User::Admin).args(args).succeeds();
    }

    /// Changes an entry of the validating configuration.
    fn change_entry(&self, name: &str, change: impl FnOnce(&mut Value)) {
        let path = format!("{}/{NAME}", self.cluster.path(VALIDATING, ""));
        let mut configuration = self.cluster.admin().get(&path).unwrap();
        let entries = configuration["webhooks"].as_array_mut().unwrap();
        change(entries.iter_mut().find(|entry| entry["name"] == name).unwrap());
        self.cluster.admin().send(Method::PUT, &path, &configuration).unwrap();
    }
}
