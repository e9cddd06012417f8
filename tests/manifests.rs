//! `partywall manifests` as people run it.

#![expect(clippy::unwrap_used, reason = "a test that fails panics")]
#![expect(clippy::disallowed_methods, reason = "a test writes its files")]

use std::fs;
use std::process::{Command, Output};

use k8s_openapi::api::admissionregistration::v1::{
    MutatingWebhook, MutatingWebhookConfiguration, ValidatingWebhookConfiguration,
};
use serde_json::Value;
use tempfile::TempDir;

const SERVICE: [&str; 2] = ["--service", "partywall-system/partywall"];

fn webhooks(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_partywall"));
    for flag in ["URL", "SERVICE", "CA_BUNDLE", "POLICIES", "INTRODUCE"] {
        command.env_remove(format!("PARTYWALL_{flag}"));
    }
    command.args(["manifests", "webhooks"]).args(args).output().unwrap()
}

fn stdout(args: &[&str]) -> String {
    let output = webhooks(args);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn stderr(args: &[&str]) -> String {
    let output = webhooks(args);
    assert_eq!(output.status.code(), Some(2), "{}", String::from_utf8_lossy(&output.stdout));
    assert!(output.stdout.is_empty());
    String::from_utf8(output.stderr).unwrap()
}

fn both(text: &str) -> (MutatingWebhookConfiguration, ValidatingWebhookConfiguration) {
    let documents: Vec<Value> = serde_saphyr::from_multiple(text).unwrap();
    let [mutating, validating] = documents.try_into().unwrap();
    (serde_json::from_value(mutating).unwrap(), serde_json::from_value(validating).unwrap())
}

fn manifests(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_partywall"));
    command.env_remove("PARTYWALL_IMAGE").arg("manifests").args(args).output().unwrap()
}

/// Returns the documents that a command prints.
fn printed(args: &[&str]) -> (String, Vec<Value>) {
    let output = manifests(args);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let documents = serde_saphyr::from_multiple(&text).unwrap();
    (text, documents)
}

#[test]
fn the_definitions_read_as_reviewed() {
    let (text, definitions) = printed(&["crds"]);
    insta::assert_snapshot!("crds", text);
    let names: Vec<_> = definitions.iter().map(|one| one["metadata"]["name"].as_str().unwrap()).collect();
    assert_eq!(
        names,
        [
            "nodepools.partywall.dev",
            "tenants.partywall.dev",
            "tenantclasses.partywall.dev",
            "exemptions.partywall.dev",
            "settings.partywall.dev",
        ]
    );
}

#[test]
fn the_installation_reads_as_reviewed_and_has_the_given_image() {
    let (text, objects) = printed(&["install", "--image", "registry.example.com/partywall:1.0"]);
    insta::assert_snapshot!("install", text);
    let deployment = objects.iter().find(|object| object["kind"] == "Deployment").unwrap();
    let pod = &deployment["spec"]["template"]["spec"];
    let container = &pod["containers"][0];
    assert_eq!(container["image"], "registry.example.com/partywall:1.0");
    assert_eq!(container["args"], serde_json::json!(["serve", "--cluster"]));
    assert_eq!(container["securityContext"]["readOnlyRootFilesystem"], true);
    assert_eq!(container["securityContext"]["capabilities"]["drop"], serde_json::json!(["ALL"]));
    assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
    assert_eq!(manifests(&["install", "--image", "a: b"]).status.code(), Some(2));
}

/// What a server may do, and why: role, group, resource, names (none: all), verb, reason.
type Permission =
    (&'static str, &'static str, &'static str, &'static [&'static str], &'static str, &'static str);

const PERMISSIONS: [Permission; 38] = {
    const OBJECTS: &[&str] = &[];
    const CONFIGURATIONS: &[&str] = &["partywall"];
    const DEFINITIONS: &[&str] = &[
        "exemptions.partywall.dev",
        "nodepools.partywall.dev",
        "settings.partywall.dev",
        "tenantclasses.partywall.dev",
        "tenants.partywall.dev",
    ];
    const POLICIES: &str = "reads the policies, and follows their changes";
    const STATUS: &str = "says in the status what holds";
    const REGISTERED: &str = "sees what is registered";
    const REGISTERS: &str = "applies what the policies demand";
    const MENDS: &str = "removes what others added, which an apply leaves";
    const BEGINS: &str = "makes what is not there; no role can limit this to names";
    [
        ("partywall", "partywall.dev", "exemptions", OBJECTS, "list", POLICIES),
        ("partywall", "partywall.dev", "exemptions", OBJECTS, "watch", POLICIES),
        ("partywall", "partywall.dev", "nodepools", OBJECTS, "list", POLICIES),
        ("partywall", "partywall.dev", "nodepools", OBJECTS, "watch", POLICIES),
        ("partywall", "partywall.dev", "settings", OBJECTS, "list", POLICIES),
        ("partywall", "partywall.dev", "settings", OBJECTS, "watch", POLICIES),
        ("partywall", "partywall.dev", "tenantclasses", OBJECTS, "list", POLICIES),
        ("partywall", "partywall.dev", "tenantclasses", OBJECTS, "watch", POLICIES),
        ("partywall", "partywall.dev", "tenants", OBJECTS, "list", POLICIES),
        ("partywall", "partywall.dev", "tenants", OBJECTS, "watch", POLICIES),
        ("partywall", "partywall.dev", "exemptions/status", OBJECTS, "patch", STATUS),
        ("partywall", "partywall.dev", "nodepools/status", OBJECTS, "patch", STATUS),
        ("partywall", "partywall.dev", "settings/status", OBJECTS, "patch", STATUS),
        ("partywall", "partywall.dev", "tenantclasses/status", OBJECTS, "patch", STATUS),
        ("partywall", "partywall.dev", "tenants/status", OBJECTS, "patch", STATUS),
        (
            "partywall",
            "partywall.dev",
            "exemptions",
            OBJECTS,
            "create",
            "asks itself through the API server, by an Exemption in dry run that is refused",
        ),
        (
            "partywall",
            "",
            "namespaces",
            OBJECTS,
            "list",
            "learns which Namespaces exist and have which label",
        ),
        ("partywall", "", "namespaces", OBJECTS, "watch", "the same, as they change"),
        (
            "partywall",
            "",
            "namespaces",
            OBJECTS,
            "patch",
            "sets the label of the tenant that lists a Namespace",
        ),
        (
            "partywall",
            "admissionregistration.k8s.io",
            "mutatingwebhookconfigurations",
            OBJECTS,
            "create",
            BEGINS,
        ),
        (
            "partywall",
            "admissionregistration.k8s.io",
            "validatingwebhookconfigurations",
            OBJECTS,
            "create",
            BEGINS,
        ),
        (
            "partywall",
            "admissionregistration.k8s.io",
            "mutatingwebhookconfigurations",
            CONFIGURATIONS,
            "get",
            REGISTERED,
        ),
        (
            "partywall",
            "admissionregistration.k8s.io",
            "validatingwebhookconfigurations",
            CONFIGURATIONS,
            "get",
            REGISTERED,
        ),
        (
            "partywall",
            "admissionregistration.k8s.io",
            "mutatingwebhookconfigurations",
            CONFIGURATIONS,
            "patch",
            REGISTERS,
        ),
        (
            "partywall",
            "admissionregistration.k8s.io",
            "validatingwebhookconfigurations",
            CONFIGURATIONS,
            "patch",
            REGISTERS,
        ),
        (
            "partywall",
            "admissionregistration.k8s.io",
            "mutatingwebhookconfigurations",
            CONFIGURATIONS,
            "update",
            MENDS,
        ),
        (
            "partywall",
            "admissionregistration.k8s.io",
            "validatingwebhookconfigurations",
            CONFIGURATIONS,
            "update",
            MENDS,
        ),
        (
            "partywall",
            "apiextensions.k8s.io",
            "customresourcedefinitions",
            DEFINITIONS,
            "get",
            "compares the installed schemas with its own, since an older one drops fields",
        ),
        ("partywall-system/partywall", "", "secrets", OBJECTS, "create", BEGINS),
        ("partywall-system/partywall", "", "secrets", &["partywall-ca"], "get", "reads its CAs"),
        ("partywall-system/partywall", "", "secrets", &["partywall-ca"], "update", "replaces its CAs"),
        (
            "partywall-system/partywall",
            "coordination.k8s.io",
            "leases",
            OBJECTS,
            "list",
            "learns which replicas live, and what they serve",
        ),
        ("partywall-system/partywall", "coordination.k8s.io", "leases", OBJECTS, "get", "reads one again"),
        (
            "partywall-system/partywall",
            "coordination.k8s.io",
            "leases",
            OBJECTS,
            "create",
            "has a Lease itself",
        ),
        ("partywall-system/partywall", "coordination.k8s.io", "leases", OBJECTS, "update", "renews it"),
        (
            "partywall-system/partywall",
            "coordination.k8s.io",
            "leases",
            OBJECTS,
            "delete",
            "ends, and removes those of replicas that ended without it",
        ),
        (
            "default/partywall-events",
            "events.k8s.io",
            "events",
            OBJECTS,
            "create",
            "tells operators; events about objects in no namespace are in `default`",
        ),
        (
            "default/partywall-events",
            "events.k8s.io",
            "events",
            OBJECTS,
            "patch",
            "counts an event that repeats",
        ),
    ]
};

#[test]
fn the_server_may_do_what_is_listed_here_and_nothing_else() {
    let (_, objects) = printed(&["install"]);
    let texts = |value: &Value| -> Vec<String> {
        value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let mut granted = Vec::new();
    for role in objects.iter().filter(|object| object["kind"] == "ClusterRole" || object["kind"] == "Role") {
        let name = role["metadata"]["name"].as_str().unwrap();
        let role_name = match role["metadata"]["namespace"].as_str() {
            Some(namespace) => format!("{namespace}/{name}"),
            None => name.to_owned(),
        };
        for rule in role["rules"].as_array().unwrap() {
            let mut names = texts(&rule["resourceNames"]);
            names.sort();
            for group in texts(&rule["apiGroups"]) {
                for resource in texts(&rule["resources"]) {
                    for verb in texts(&rule["verbs"]) {
                        let names = names.clone();
                        granted.push((role_name.clone(), group.clone(), resource.clone(), names, verb));
                    }
                }
            }
        }
    }
    granted.sort();
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let mut listed: Vec<_> = PERMISSIONS
        .iter()
        .map(|(role, group, resource, names, verb, why)| {
            assert!(!why.is_empty());
            (
                (*role).to_owned(),
                (*group).to_owned(),
                (*resource).to_owned(),
                owned(names),
                (*verb).to_owned(),
            )
        })
        .collect();
    listed.sort();
    assert_eq!(granted, listed);
}

#[test]
fn partywalls_own_objects_are_sent_only_where_they_are_asked_for() {
    let own = |flags: &[&str]| {
        let (_, validating) = both(&stdout(&[&SERVICE[..], flags].concat()));
        let webhooks = validating.webhooks.unwrap();
        webhooks.into_iter().find(|webhook| webhook.name == "policies.partywall.dev")
    };
    assert!(own(&[]).is_none());
    for flags in [&["--own-objects"][..], &["--own-objects", "--introduce"]] {
        let webhook = own(flags).unwrap();
        assert_eq!(webhook.failure_policy.as_deref(), Some("Fail"));
        assert_eq!(webhook.client_config.service.unwrap().path.as_deref(), Some("/validate/policies"));
        let rules = webhook.rules.unwrap();
        let [writes, deletions] = &rules[..] else { panic!("{rules:?}") };
        for (rule, resource, operations) in
            [(writes, "*", &["CREATE", "UPDATE"][..]), (deletions, "nodepools", &["DELETE"])]
        {
            assert_eq!(rule.api_groups.as_deref().unwrap(), ["partywall.dev"]);
            assert_eq!(rule.resources.as_deref().unwrap(), [resource]);
            assert_eq!(rule.operations.as_deref().unwrap(), operations);
        }
    }
}

#[test]
fn the_configurations_read_as_reviewed() {
    insta::assert_snapshot!("webhooks", stdout(&SERVICE));
}

#[test]
fn j15_match_conditions_are_always_printed() {
    let (_, validating) = both(&stdout(&SERVICE));
    let conditions: Vec<_> =
        validating.webhooks.unwrap().into_iter().filter_map(|webhook| webhook.match_conditions).collect();
    assert_eq!(conditions.len(), 20);
    assert!(conditions.iter().all(|conditions| !conditions.is_empty()));
    let refused = stderr(&[SERVICE[0], SERVICE[1], "--kubernetes", "1.20"]);
    assert!(refused.contains("unexpected argument '--kubernetes'"), "{refused}");
}

#[test]
fn the_bundle_and_the_address_arrive_as_they_are() {
    let folder = TempDir::new().unwrap();
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let bundle = folder.path().join("ca.crt");
    // Old and new CA, as when one is rotated.
    let pem = format!("{0}{0}", made.cert.pem());
    fs::write(&bundle, &pem).unwrap();
    let bundle = bundle.to_str().unwrap();
    let (mutating, validating) =
        both(&stdout(&["--url", "https://partywall.example.com:8443/", "--ca-bundle", bundle]));
    let mutating = mutating.webhooks.unwrap().into_iter().map(|webhook| webhook.client_config);
    let validating = validating.webhooks.unwrap().into_iter().map(|webhook| webhook.client_config);
    for (configs, url) in [
        (mutating.collect::<Vec<_>>(), "https://partywall.example.com:8443/mutate/"),
        (validating.collect(), "https://partywall.example.com:8443/validate/"),
    ] {
        for config in configs {
            assert!(config.url.as_deref().unwrap().starts_with(url), "{:?}", config.url);
            assert_eq!(config.ca_bundle.unwrap().0, pem.as_bytes());
        }
    }
}

#[test]
fn o6_managed_control_planes_are_asked_to_leave_the_configurations_as_they_are() {
    let (mutating, validating) = both(&stdout(&SERVICE));
    for metadata in [mutating.metadata, validating.metadata] {
        let (labels, annotations) = (metadata.labels.unwrap(), metadata.annotations.unwrap());
        assert_eq!(labels["admissions.enforcer/disabled"], "true");
        assert_eq!(labels["remediation.webhook.shoot.gardener.cloud/exclude"], "true");
        assert_eq!(annotations["admissions.enforcer/disabled"], "true");
    }
}

#[test]
fn the_system_namespaces_are_those_of_the_policies() {
    let folder = TempDir::new().unwrap();
    let settings = folder.path().join("settings.yaml");
    fs::write(
        &settings,
        "apiVersion: partywall.dev/v1alpha1\nkind: Settings\nmetadata: {name: default}\n\
         spec: {systemNamespaces: [kube-system, cilium]}\n",
    )
    .unwrap();
    let (mutating, _) = both(&stdout(&[SERVICE[0], SERVICE[1], "--policies", settings.to_str().unwrap()]));
    let is_stamp = |webhook: &MutatingWebhook| webhook.name.starts_with("stamp-");
    for webhook in mutating.webhooks.unwrap().into_iter().filter(is_stamp) {
        let selector = webhook.namespace_selector.unwrap().match_expressions.unwrap();
        assert_eq!(selector[1].values.as_deref().unwrap(), ["cilium", "kube-system"]);
    }
}

#[test]
fn l2_nothing_fails_closed_for_introduction_or_while_nobody_is_at_deny() {
    let folder = TempDir::new().unwrap();
    let policies = |name: &str, settings: &str, tenant: &str| {
        let file = folder.path().join(name);
        let object = |kind: &str, name: &str, spec: &str| {
            format!(
                "apiVersion: partywall.dev/v1alpha1\nkind: {kind}\nmetadata: {{name: {name}}}\nspec: {spec}\n---\n"
            )
        };
        let settings = object("Settings", "default", &format!("{{enforcement: {settings}}}"));
        let tenant = object("Tenant", "blue", &format!("{{namespaces: [blue], enforcement: {tenant}}}"));
        fs::write(&file, settings + &tenant).unwrap();
        file.to_str().unwrap().to_owned()
    };
    let closed = |flags: &[&str]| {
        let (mutating, validating) = both(&stdout(&[&SERVICE[..], flags].concat()));
        let mutating = mutating.webhooks.unwrap().into_iter().map(|webhook| webhook.failure_policy.unwrap());
        let validating =
            validating.webhooks.unwrap().into_iter().map(|webhook| webhook.failure_policy.unwrap());
        mutating.chain(validating).filter(|policy| policy == "Fail").count()
    };
    assert!(closed(&[]) > 15);
    assert_eq!(closed(&["--introduce"]), 0);
    assert_eq!(closed(&["--policies", &policies("audit.yaml", "Audit", "Audit")]), 0);
    assert_eq!(closed(&["--policies", &policies("warn.yaml", "Audit", "Warn")]), 0);
    let one = policies("deny.yaml", "Audit", "Deny");
    // The tenant has no pool, so nobody elsewhere is asked for its sake.
    assert!((10..closed(&[])).contains(&closed(&["--policies", &one])));
    assert_eq!(closed(&["--introduce", "--policies", &one]), 0);
}

#[test]
fn g26_the_groups_of_foreign_routes_are_those_of_the_policies_too() {
    let folder = TempDir::new().unwrap();
    let settings = folder.path().join("settings.yaml");
    fs::write(
        &settings,
        "apiVersion: partywall.dev/v1alpha1\nkind: Settings\nmetadata: {name: default}\n\
         spec: {foreignRoutes: [{group: routes.example.com, kind: A}, {group: routes.example.com, kind: B}, \
         {group: projectcontour.io, kind: HTTPProxy}, {group: cilium.io, kind: CiliumGatewayClassConfig}]}\n",
    )
    .unwrap();
    let (_, validating) = both(&stdout(&[SERVICE[0], SERVICE[1], "--policies", settings.to_str().unwrap()]));
    let routes =
        validating.webhooks.unwrap().into_iter().find(|webhook| webhook.name == "routes.partywall.dev");
    let rules = routes.unwrap().rules.unwrap();
    let of_everything: Vec<_> = rules
        .iter()
        .filter(|rule| rule.resources.iter().flatten().any(|resource| resource == "*"))
        .flat_map(|rule| rule.api_groups.iter().flatten())
        .collect();
    for group in ["routes.example.com", "projectcontour.io", "cilium.io"] {
        assert_eq!(of_everything.iter().filter(|one| **one == group).count(), 1, "{group}");
    }
}

#[test]
fn the_workload_kinds_of_the_policies_are_asked_about_with_kubernetes_own() {
    let folder = TempDir::new().unwrap();
    let settings = folder.path().join("settings.yaml");
    fs::write(
        &settings,
        "apiVersion: partywall.dev/v1alpha1\nkind: Settings\nmetadata: {name: default}\n\
         spec: {workloadKinds: [{group: argoproj.io, kind: Rollout, resource: rollouts, template: .spec.template}, \
         {group: apps.kruise.io, kind: CloneSet, resource: clonesets, template: .spec.template}, \
         {group: kubevirt.io, kind: VirtualMachineInstance, resource: virtualmachineinstances}]}\n",
    )
    .unwrap();
    let (_, validating) = both(&stdout(&[SERVICE[0], SERVICE[1], "--policies", settings.to_str().unwrap()]));
    let webhooks = validating.webhooks.unwrap();
    let asked = |group: &str, resource: &str| {
        let has = |list: &Option<Vec<String>>, one: &str| list.iter().flatten().any(|other| other == one);
        let of = webhooks.iter().filter(|webhook| {
            let mut rules = webhook.rules.iter().flatten();
            rules.any(|rule| has(&rule.api_groups, group) && has(&rule.resources, resource))
        });
        of.map(|webhook| (webhook.name.as_str(), webhook.failure_policy.as_deref().unwrap()))
            .collect::<Vec<_>>()
    };
    const WORKLOADS: [(&str, &str); 1] = [("workloads.partywall.dev", "Ignore")];
    assert_eq!(asked("argoproj.io", "rollouts"), WORKLOADS);
    assert_eq!(asked("apps.kruise.io", "clonesets"), WORKLOADS);
    assert_eq!(asked("apps", "deployments"), WORKLOADS);
    assert!(asked("argoproj.io", "clonesets").is_empty());
    // Without a template there is nothing to judge.
    assert!(asked("kubevirt.io", "virtualmachineinstances").is_empty());
}

#[test]
fn the_labels_that_the_policies_count_on_are_told() {
    let policies = concat!(env!("CARGO_MANIFEST_DIR"), "/policies/examples/eks.yaml");
    let output = webhooks(&[SERVICE[0], SERVICE[1], "--policies", policies]);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(
        stderr.contains("  kubectl label namespace tenants-x partywall.dev/tenant=tenants-x\n"),
        "{stderr}"
    );
    // The API server sets that one itself.
    assert!(!stderr.contains("kubernetes.io/metadata.name"), "{stderr}");
    assert!(webhooks(&SERVICE).stderr.is_empty());
}

#[test]
fn what_cannot_be_registered_is_refused_with_the_way_out() {
    let folder = TempDir::new().unwrap();
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let file = |name: &str, content: &str| {
        let path = folder.path().join(name);
        fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let key = file("tls.key", &made.signing_key.serialize_pem());
    let locked = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
    let locked = file("locked.pem", &format!("{}{locked}", made.cert.pem()));
    let both = file("both.pem", &format!("{}{}", made.cert.pem(), made.signing_key.serialize_pem()));
    let nothing = file("empty.pem", "");
    let rubbish = file("rubbish.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    let policies = file("policies.yaml", "kind: Tenent\n");
    let absent = folder.path().join("absent");
    for (args, told) in [
        (vec![], "--url <URL>|--service <SERVICE>"),
        (vec!["--url", "http://localhost:8443"], "write https://HOST:PORT"),
        (vec!["--service", "partywall"], "write NAMESPACE/NAME:PORT"),
        (vec!["--url", "https://localhost", "--service", "a/b"], "cannot be used with"),
        (vec!["--service", "a/b", "--ca-bundle", &key], "give it the CA's certificate alone"),
        (vec!["--service", "a/b", "--ca-bundle", &both], "give it the CA's certificate alone"),
        (vec!["--service", "a/b", "--ca-bundle", &locked], "give it the CA's certificate alone"),
        (vec!["--service", "a/b", "--ca-bundle", &nothing], "holds no certificate"),
        (vec!["--service", "a/b", "--ca-bundle", &rubbish], "holds a certificate that is none"),
        (vec!["--service", "a/b", "--ca-bundle", absent.to_str().unwrap()], "cannot read --ca-bundle"),
        (vec!["--service", "a/b", "--policies", &policies], "the policies cannot be used"),
    ] {
        let stderr = stderr(&args);
        assert!(stderr.contains(told), "{args:?}: {stderr}");
    }
}
