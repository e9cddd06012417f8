//! The table of the fields of Kubernetes' own kinds, by which `check` finds misspelt ones.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use k8s_openapi::api::{apps, batch, core, discovery, networking, rbac, resource};
use schemars::{JsonSchema, SchemaGenerator};

use super::*;

const TABLE: &str = "src/assess/fields/kubernetes.tsv";

/// The name of a type: `io.k8s.api.core.v1.PodSpec` is `PodSpec`, `io.k8s.api.apps.v1.DeploymentSpec` is
/// `apps/DeploymentSpec`.
fn short(name: &str) -> String {
    let mut parts = name.rsplit('.');
    let (short, group) = (parts.next().unwrap(), parts.nth(1).unwrap());
    if matches!(group, "core" | "meta") { short.to_owned() } else { format!("{group}/{short}") }
}

/// The type that a schema refers to, itself or in its items, if that has fields.
fn inner<'s>(schema: &'s Value, types: &serde_json::Map<String, Value>) -> Option<&'s str> {
    let target = |schema: &'s Value| schema["$ref"].as_str().map(|path| path.rsplit('/').next().unwrap());
    let of_all = schema["allOf"].as_array().and_then(|all| all.iter().find_map(target));
    let name = target(schema).or(of_all).or_else(|| target(&schema["items"]))?;
    types[name]["properties"].is_object().then_some(name)
}

fn kind<T: JsonSchema>(group: &str, kind: &str, generator: &mut SchemaGenerator, table: &mut String) {
    generator.subschema_for::<T>();
    writeln!(table, "kind\t{group}\t{kind}\t{}", short(&T::schema_name())).unwrap();
}

fn table() -> String {
    let mut generator = SchemaGenerator::default();
    let mut table = String::new();
    macro_rules! kinds {
        ($($group:literal, $path:path, $name:literal;)*) => {
            $(kind::<$path>($group, $name, &mut generator, &mut table);)*
        };
    }
    kinds! {
        "", core::v1::Pod, "Pod";
        "", core::v1::PodTemplate, "PodTemplate";
        "", core::v1::ReplicationController, "ReplicationController";
        "", core::v1::Service, "Service";
        "", core::v1::Endpoints, "Endpoints";
        "", core::v1::Namespace, "Namespace";
        "", core::v1::PersistentVolumeClaim, "PersistentVolumeClaim";
        "", core::v1::Secret, "Secret";
        "", core::v1::ConfigMap, "ConfigMap";
        "", core::v1::ResourceQuota, "ResourceQuota";
        "", core::v1::LimitRange, "LimitRange";
        "", core::v1::ServiceAccount, "ServiceAccount";
        "apps", apps::v1::DaemonSet, "DaemonSet";
        "apps", apps::v1::Deployment, "Deployment";
        "apps", apps::v1::ReplicaSet, "ReplicaSet";
        "apps", apps::v1::StatefulSet, "StatefulSet";
        "batch", batch::v1::CronJob, "CronJob";
        "batch", batch::v1::Job, "Job";
        "discovery.k8s.io", discovery::v1::EndpointSlice, "EndpointSlice";
        "networking.k8s.io", networking::v1::Ingress, "Ingress";
        "networking.k8s.io", networking::v1::NetworkPolicy, "NetworkPolicy";
        "rbac.authorization.k8s.io", rbac::v1::Role, "Role";
        "rbac.authorization.k8s.io", rbac::v1::RoleBinding, "RoleBinding";
        "resource.k8s.io", resource::v1::ResourceClaim, "ResourceClaim";
        "resource.k8s.io", resource::v1::ResourceClaimTemplate, "ResourceClaimTemplate";
    }
    let types = generator.take_definitions(true);
    let mut lines = BTreeMap::new();
    for (name, schema) in &types {
        // What a status says is written by controllers.
        let Some(properties) = schema["properties"].as_object().filter(|_| !name.ends_with("Status")) else {
            continue;
        };
        let mut line = format!("type\t{}", short(name));
        for (field, schema) in properties {
            let of_type = inner(schema, &types).filter(|name| !name.ends_with("Status"));
            let of_type = of_type.map(|name| format!(":{}", short(name))).unwrap_or_default();
            write!(line, "\t{field}{of_type}").unwrap();
        }
        assert_eq!(lines.insert(short(name), line), None, "two types are called {name}");
    }
    for line in lines.values() {
        writeln!(table, "{line}").unwrap();
    }
    table
}

#[test]
fn the_fields_of_kubernetes_are_those_of_its_newest_types() {
    let path = root().join(TABLE);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path, table()).unwrap();
    } else {
        let written = std::fs::read_to_string(path).unwrap_or_default();
        assert!(written == table(), "{TABLE} is stale: UPDATE_DOCS=1 cargo test --test check fields");
    }
}

#[test]
fn every_kind_of_kubernetes_that_a_rule_reads_has_its_fields() {
    use partywall_core::objects::kinds::KINDS;
    /// The groups of Kubernetes itself with kinds that people write.
    const GROUPS: [&str; 7] = [
        "",
        "apps",
        "batch",
        "discovery.k8s.io",
        "networking.k8s.io",
        "rbac.authorization.k8s.io",
        "resource.k8s.io",
    ];
    let table = std::fs::read_to_string(root().join(TABLE)).unwrap();
    // Nobody writes a Binding by hand.
    for row in KINDS.iter().filter(|row| row.name != "Binding") {
        for group in row.groups.iter().filter(|group| GROUPS.contains(group)) {
            assert!(table.contains(&format!("kind\t{group}\t{}\t", row.name)), "{group}/{}", row.name);
        }
    }
}

#[test]
fn a_misspelt_field_is_a_warning_with_its_place() {
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: tenants-x}\nspec:\n  hostNetwrok: true\n  \
               containers:\n  - name: a\n    image: registry.example.com/a\n    imagePullpolicy: Always\n";
    let output = check_stdin(&["-"], pod);
    let text = stdout(&output);
    assert!(
        text.contains("\n  -:5:3: spec.hostNetwrok: unknown field `hostNetwrok`, did you mean"),
        "{text}"
    );
    assert!(text.contains("did you mean `hostNetwork`?"), "{text}");
    assert!(text.contains("\n  -:9:5: spec.containers[0].imagePullpolicy: "), "{text}");
    assert_eq!(output.status.code(), Some(0), "a warning");
    assert_eq!(check_stdin(&["--fail-on", "warn", "-"], pod).status.code(), Some(1));
    let line = lines(&check_stdin(&["-o", "json", "-"], pod)).remove(0);
    let warnings = line["warnings"].as_array().unwrap();
    assert_eq!((&warnings[1]["line"], &warnings[1]["field"]), (&json!(5), &json!("spec.hostNetwrok")));
    let sarif: Value = serde_json::from_slice(&check_stdin(&["-o", "sarif", "-"], pod).stdout).unwrap();
    let result = &sarif["runs"][0]["results"][0];
    assert_eq!((&result["ruleId"], &result["level"]), (&json!("unknown-field"), &json!("warning")));
    let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
    assert_eq!(sarif["runs"][0]["tool"]["driver"]["rules"][index]["id"], "unknown-field");
}
