//! CustomResourceDefinitions as their projects ship them, read from Go modules in the module cache.
//!
//! tests/e2e/crds.tsv names the modules, with their hashes. The Go tool fetches those that the cache lacks.

use std::fs;
use std::path::{Path, PathBuf};

use axum::http::Method;
use serde_json::{Value, json};

use crate::cluster::Cluster;
use crate::eventually::{SOON, eventually};
use crate::process;

/// How many looks at a definition that does not go pass between two changes of it.
const LOOKS: u32 = 20;

/// The toolchain that builds the control planes, too.
const TOOLCHAIN: &str = "go1.26.8";

/// Returns the folder of a module in the cache.
fn module(path: &str, version: &str, sum: &str) -> PathBuf {
    let mut go = process::command(Path::new("go"));
    go.args(["mod", "download", "-json", &format!("{path}@{version}")]).current_dir("/");
    for (name, value) in [("GOTOOLCHAIN", TOOLCHAIN), ("GOFLAGS", ""), ("GOWORK", "off")] {
        go.env(name, value);
    }
    let output = go.output().unwrap_or_else(|error| panic!("go mod download: {error}; see CONTRIBUTING"));
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    assert!(output.status.success(), "{path}@{version}: {}", answer["Error"]);
    assert_eq!(answer["Sum"], sum, "{path}@{version} is not what tests/e2e/crds.tsv pins");
    PathBuf::from(answer["Dir"].as_str().unwrap())
}

/// Returns the definitions of a file, or of the files of a folder.
fn read(path: &Path) -> Vec<Value> {
    if path.is_dir() {
        let mut files: Vec<_> = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.retain(|file| file.extension().is_some_and(|extension| extension == "yaml"));
        files.sort();
        return files.iter().flat_map(|file| read(file)).collect();
    }
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut documents: Vec<Value> = serde_saphyr::from_multiple(&text).unwrap();
    documents.retain(|document| document["kind"] == "CustomResourceDefinition");
    documents
}

/// Functions of CEL that schemas use, and the release that brought them to the API server.
const LATER: ([&str; 2], u32) = (["isIP(", "format."], 31);

/// Takes the rules away that this release cannot compile, for which it would refuse the whole definition.
fn drop_later_rules(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            if let Some(Value::Array(rules)) = fields.get_mut("x-kubernetes-validations") {
                rules.retain(|rule| {
                    !LATER.0.iter().any(|name| rule["rule"].as_str().is_some_and(|rule| rule.contains(name)))
                });
            }
            fields.values_mut().for_each(drop_later_rules);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_later_rules),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Returns the definitions of a channel of the Gateway API, or, for `-`, those of all other projects.
pub(crate) fn shipped(cluster: &Cluster, channel: &str) -> Vec<Value> {
    let mut definitions = Vec::new();
    for line in include_str!("crds.tsv").lines().filter(|line| !line.starts_with('#')) {
        let columns: Vec<&str> = line.split('\t').collect();
        let [of_channel, path, version, sum, file] = columns[..] else { panic!("crds.tsv: {line}") };
        if of_channel == channel {
            let found = read(&module(path, version, sum).join(file));
            assert!(!found.is_empty(), "{path} has no definition in {file}");
            definitions.extend(found);
        }
    }
    if cluster.version().minor < LATER.1 {
        definitions.iter_mut().for_each(drop_later_rules);
    }
    definitions
}

/// Returns a definition made by hand, whose objects may hold any field: it proves nothing about fields.
pub(crate) fn minimal(group: &str, version: &str, plural: &str, kind: &str) -> Value {
    let any = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {
            "name": format!("{plural}.{group}"),
            // The API server asks for it in the groups of Kubernetes.
            "annotations": {"api-approved.kubernetes.io": "https://github.com/kubernetes-sigs/gateway-api/pull/1538"},
        },
        "spec": {
            "group": group, "scope": "Namespaced",
            "names": {
                "plural": plural, "singular": kind.to_lowercase(), "kind": kind, "listKind": format!("{kind}List"),
            },
            "versions": [{"name": version, "served": true, "storage": true, "schema": {"openAPIV3Schema": any}}],
        },
    })
}

fn path(cluster: &Cluster, definition: &Value) -> String {
    format!(
        "{}/{}",
        cluster.path("CustomResourceDefinition", ""),
        definition["metadata"]["name"].as_str().unwrap()
    )
}

/// Creates definitions, or replaces those of the same names, and waits until their kinds are served.
pub(crate) fn install(cluster: &Cluster, definitions: &[Value]) {
    for definition in definitions {
        let mut definition = definition.clone();
        let name = path(cluster, &definition);
        let outcome = match cluster.admin().get(&name) {
            Some(present) => {
                definition["metadata"]["resourceVersion"] = present["metadata"]["resourceVersion"].clone();
                cluster.admin().send(Method::PUT, &name, &definition)
            }
            None => {
                let definitions = cluster.path("CustomResourceDefinition", "");
                cluster.admin().send(Method::POST, &definitions, &definition)
            }
        };
        outcome.unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    for definition in definitions {
        let (spec, plural) = (&definition["spec"], &definition["spec"]["names"]["plural"]);
        for version in spec["versions"].as_array().unwrap().iter().filter(|version| version["served"] == true)
        {
            let path =
                format!("/apis/{}/{}", spec["group"].as_str().unwrap(), version["name"].as_str().unwrap());
            eventually(SOON, &format!("{plural} are served at {path}"), || {
                let found = cluster.admin().get(&path).unwrap_or_default();
                let mut resources = found["resources"].as_array().into_iter().flatten();
                if resources.any(|resource| resource["name"] == *plural) { Ok(()) } else { Err("not yet") }
            });
        }
    }
}

/// Deletes definitions with all their objects, and waits until they are gone.
pub(crate) fn remove(cluster: &Cluster, definitions: &[Value]) {
    let paths: Vec<String> = definitions.iter().map(|definition| path(cluster, definition)).collect();
    let present = paths.iter().filter(|path| cluster.admin().get(path).is_some());
    let present: Vec<&String> = present.collect();
    for path in &present {
        cluster.admin().delete(path);
    }
    for path in present {
        let mut looks = 0;
        eventually(SOON, &format!("{path} is gone"), || {
            let Some(left) = cluster.admin().get(path) else { return Ok(()) };
            looks += 1;
            // Where the API server could not list the objects ("storage is (re)initializing"), it tries again only once
            // the definition changes, or some minutes later.
            if looks % LOOKS == 0 {
                let change = json!({"metadata": {"annotations": {"looks": looks.to_string()}}});
                match cluster.admin().send(Method::PATCH, path, &change) {
                    Ok(_) => {}
                    Err(kube::Error::Api(status)) if status.code == 404 => return Ok(()),
                    Err(error) => return Err(error.to_string()),
                }
            }
            Err(left["status"]["conditions"].to_string())
        });
    }
}
