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

    patient.with_other_definitions();
    patient.with_wrong_objects();
    patient.with_another_registration();
    patient.with_an_unreachable_server(&replicas);
    patient.with_strange_namespaces_and_nodes();
    patient.with_strange_pods_and_old_stamps();
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

    /// Waits until the doctor finds something, which has a cure; webhook configurations and watches take a moment.
    #[track_caller]
    fn until_found(&self, check: &str, object: &str, cause: &str, cure: &str) {
        eventually(SOON, &format!("{check}: {object}: {cause}"), || {
            let all = self.findings();
            let found = all.iter().any(|(in_check, of, because, mend)| {
                in_check == check && of.contains(object) && because.contains(cause) && mend.contains(cure)
            });
            if found { Ok(()) } else { Err(format!("{all:?}")) }
        });
    }

    /// Waits until a check finds nothing.
    #[track_caller]
    fn until_gone(&self, check: &str) {
        eventually(SOON, &format!("{check} finds nothing"), || {
            let found = self.findings().into_iter().find(|finding| finding.0 == check);
            found.map_or(Ok(()), |finding| Err(format!("{finding:?}")))
        });
    }

    fn with_other_definitions(&self) {
        let path = self.cluster.path("CustomResourceDefinition", "");
        let path = format!("{path}/tenants.partywall.dev");
        let mut original = self.cluster.admin().get(&path).unwrap();
        let mut definition = original.clone();
        let fields = "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties";
        definition.pointer_mut(fields).unwrap().as_object_mut().unwrap().remove("enforcement");
        let changed = self.cluster.admin().send(Method::PUT, &path, &definition).unwrap();
        self.until_found(
            "definitions",
            "CustomResourceDefinition tenants.partywall.dev",
            "it lacks `spec.enforcement`",
            "partywall manifests crds | kubectl apply",
        );
        original["metadata"]["resourceVersion"] = changed["metadata"]["resourceVersion"].clone();
        self.cluster.admin().send(Method::PUT, &path, &original).unwrap();
    }

    fn with_wrong_objects(&self) {
        for name in ["doctor-a", "doctor-b"] {
            self.create("Tenant", name, &json!({"namespaces": ["doctor-contested"]}));
        }
        let says = "Conflict: spec.namespaces[0]";
        self.until_found(
            "objects",
            "tenants.partywall.dev/doctor-a",
            says,
            "take it away from one of the two",
        );
        self.until_found(
            "objects",
            "tenants.partywall.dev/doctor-b",
            says,
            "take it away from one of the two",
        );
        for name in ["doctor-a", "doctor-b"] {
            self.delete("Tenant", name);
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
        self.until_found(
            "exemptions",
            "exemptions.partywall.dev/doctor",
            "ends within 30 days",
            "later `spec.expires`",
        );
        self.delete("Exemption", "doctor");
        let pool = json!({
            "nodeSelector": {"doctor": "pool"},
            "taints": [{"key": "doctor", "value": "pool", "effect": "NoSchedule"}],
        });
        self.create("NodePool", "doctor", &pool);
        let pool = "nodepools.partywall.dev/doctor";
        self.until_found(
            "node-labels",
            pool,
            "a kubelet may set this label",
            "node-restriction.kubernetes.io/",
        );
        self.until_found(
            "nodes",
            pool,
            "no node has its labels, `doctor=pool`",
            "kubectl label node NODE doctor=pool",
        );
        self.delete("NodePool", "doctor");
    }

    /// While the registration is paused, nothing mends what is changed.
    fn with_another_registration(&self) {
        self.annotate("partywall.dev/registration=paused");
        self.until_found(
            "registration",
            VALIDATING,
            "somebody paused the registration",
            "partywall.dev/registration-",
        );
        self.annotate("partywall.dev/version=99.0.0");
        self.until_found(
            "registration",
            VALIDATING,
            "version 99.0.0 of partywall wrote it",
            "of that version",
        );
        self.annotate(&format!("partywall.dev/version={}", env!("CARGO_PKG_VERSION")));

        self.change_entry("services.partywall.dev", |entry| {
            entry["failurePolicy"] = json!("Ignore");
            entry["namespaceSelector"] = json!({"matchLabels": {"doctor": "none"}});
        });
        self.until_found(
            "registration",
            VALIDATING,
            "its entry `services.partywall.dev` is not as it should be: failurePolicy is `\"Ignore\"`",
            "a replica that registers puts it back",
        );
        self.until_found("entries", "Service ", "so it does not ask partywall", "see `registration` here");
        // One entry trusts another CA.
        let other = registration::bundle(&Pair::make(&self.cluster.folder.join("doctor-other-ca")));
        self.change_entry("policies.partywall.dev", |entry| entry["clientConfig"]["caBundle"] = json!(other));
        self.until_found("certificates", VALIDATING, "its entries trust different CAs", "writes one bundle");
        self.until_found(
            "certificates",
            "Lease partywall-system/partywall-replica-",
            "serves a certificate of a CA that the ValidatingWebhookConfiguration partywall lacks",
            "writes the bundle of all",
        );
        self.until_found(
            "entries",
            "Exemption partywall-probe-",
            "gets no answer from partywall",
            "`certificates` here",
        );
        self.cluster.admin().delete(&format!("{}/{NAME}", self.cluster.path(MUTATING, "")));
        self.until_found("registration", MUTATING, "it is not there", "a replica that registers creates it");
        self.until_found("entries", "Pod ", "would store one without the stamp", "see `registration` here");
        self.annotate("partywall.dev/registration-");
        self.until_gone("registration");
        self.until_gone("certificates");
        self.cluster.until_judged();
    }

    fn with_an_unreachable_server(&self, replicas: &[Instance]) {
        self.cluster.balancer.set_backends(Vec::new());
        self.until_found(
            "entries",
            "Exemption partywall-probe-",
            "gets no answer from partywall",
            "see `replicas`",
        );
        self.cluster.balancer.set_backends(replicas.iter().map(|replica| replica.webhook).collect());
        self.cluster.until_judged();
        self.until_gone("entries");
    }

    fn without_replicas(&self, replicas: &mut Vec<Instance>) {
        for replica in replicas.drain(..) {
            assert!(replica.stop(SOON).is_some_and(|status| status.success()));
        }
        let object = "Namespace partywall-system";
        self.until_found(
            "replicas",
            object,
            "no replica of partywall lives",
            "kubectl -n partywall-system get pods",
        );
        let secret = format!("{}/partywall-ca", self.cluster.path("Secret", "partywall-system"));
        assert!(self.cluster.admin().get(&secret).is_some());
    }

    fn with_strange_namespaces_and_nodes(&self) {
        self.cluster.namespace("doctor-nobody", &json!({"partywall.dev/tenant": "doctor-nobody"}));
        self.until_found(
            "namespaces",
            "Namespace doctor-nobody",
            "no Tenant has the namespace",
            "kubectl label namespace",
        );
        self.cluster.admin().delete(&format!("{}/doctor-nobody", self.cluster.path("Namespace", "")));
        self.cluster.until_gone("Namespace", "", "doctor-nobody");

        let node = format!("{}/node-y", self.cluster.path("Node", ""));
        self.cluster.admin().patch(&node, &json!({"spec": {"taints": null}}));
        self.until_found(
            "nodes",
            "Node node-y",
            "not its taint `tenant=tenants-y:NoSchedule`",
            "kubectl taint node node-y tenant=tenants-y:NoSchedule",
        );
        let taint = json!({"key": "tenant", "value": "tenants-y", "effect": "NoSchedule"});
        self.cluster.admin().patch(&node, &json!({"spec": {"taints": [taint]}}));
    }

    fn with_strange_pods_and_old_stamps(&self) {
        // A pod that was there before partywall was asked.
        self.annotate("partywall.dev/registration=paused");
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
        self.until_found(
            "pods",
            &format!("Namespace {stranger}"),
            "its pods `stranger` run on `node-y`, of the nodes of `tenants-y`",
            "`systemNamespaces`",
        );
        self.cluster.admin().delete(&format!("{}/{stranger}", self.cluster.path("Namespace", "")));
        self.cluster.until_gone("Namespace", "", &stranger);

        // The pool changes after the stamp.
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
        let node = format!("{}/node-y", self.cluster.path("Node", ""));
        self.cluster.admin().patch(&node, &json!({"metadata": {"labels": {"doctor": "2"}}}));
        self.patch("NodePool", "tenants-y", &json!({"nodeSelector": {"doctor": "2"}}));
        self.until_found(
            "daemon-sets",
            "DaemonSet tenants-y/doctor",
            "does not have the stamp of tenant `tenants-y`'s pools",
            "kubectl -n tenants-y rollout restart daemonset/doctor",
        );
        self.patch("NodePool", "tenants-y", &json!({"nodeSelector": {"doctor": null}}));
        self.cluster.admin().patch(&node, &json!({"metadata": {"labels": {"doctor": null}}}));
        self.cluster.admin().delete(&format!("{}/doctor", self.cluster.path("DaemonSet", "tenants-y")));
        self.cluster.until_gone("DaemonSet", "tenants-y", "doctor");
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
