//! Lists what stays in a cluster, and how to take it away.

use partywall_core::crds;
use partywall_core::labels::{STAMP, TENANT};
use serde::Deserialize;
use serde_json::Value;

use super::labels::Kept;
use super::report::{Removed, counted};
use crate::cluster::api_server::{ApiServer, Unreachable};
use crate::cluster::kind::Kind;

/// The annotations of an object.
#[derive(Clone, Debug, Deserialize)]
struct Annotated {
    metadata: Metadata,
}

#[derive(Clone, Debug, Deserialize)]
struct Metadata {
    name: String,
    #[serde(default)]
    namespace: String,
    #[serde(default)]
    annotations: std::collections::BTreeMap<String, String>,
}

/// Lists what stays; `labelled` are the Namespaces that keep their label.
pub(super) async fn list(
    api: &ApiServer,
    labelled: Vec<Kept>,
    removed: &mut Removed,
) -> Result<(), Unreachable> {
    if !labelled.is_empty() {
        let names: Vec<String> = labelled.iter().map(ToString::to_string).collect();
        let what = format!(
            "label {TENANT} of {}: whoever created or wrote a Namespace owns it, also where a webhook of partywall \
             added it",
            counted("Namespace", &names)
        );
        let how = format!("kubectl label namespaces --selector {TENANT} {TENANT}-");
        removed.stays(what, format!("{how} (and in the GitOps repository or chart that writes it)"));
        if let Some(stay) = removed.stays.last_mut() {
            stay.names = labelled.into_iter().map(|kept| kept.name).collect();
        }
    }
    match api.list_metadata::<Annotated>("/apis/apps/v1/daemonsets").await? {
        Ok(all) => {
            let stamped = all.into_iter().map(|one| one.metadata);
            let stamped = stamped.filter(|metadata| metadata.annotations.contains_key(STAMP));
            let names: Vec<String> = stamped.map(|one| format!("{}/{}", one.namespace, one.name)).collect();
            if !names.is_empty() {
                let what = format!("stamp in the template of {}", counted("DaemonSet", &names));
                removed
                    .stays(what, format!("the annotation {STAMP} of each says what was stamped: edit both"));
            }
        }
        Err(refusal) => {
            removed.stays(format!("stamps of DaemonSets, if any: {}", refusal.message), "look there")
        }
    }
    removed.stays("stamps of pods that run", "they go with the pods");
    objects(api, removed).await?;
    removed.stays(
        "what `partywall manifests install` printed: the namespace and all in it, and the permissions",
        "partywall manifests install | kubectl delete -f -",
    );
    Ok(())
}

/// Lists the objects of partywall, and their definitions.
async fn objects(api: &ApiServer, removed: &mut Removed) -> Result<(), Unreachable> {
    const PATH: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    let mut definitions = Vec::new();
    for definition in crds::definitions() {
        let name = definition.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
        // One that may not be read may be there.
        if !matches!(api.get_metadata::<Value>(PATH, name).await?, Ok(None)) {
            definitions.push(name.to_owned());
        }
    }
    if definitions.is_empty() {
        return Ok(());
    }
    let mut objects = Vec::new();
    for kind in Kind::ALL.into_iter().filter(|kind| kind.is_own()) {
        if let Ok(all) = api.list_metadata::<Annotated>(kind.path()).await?
            && !all.is_empty()
        {
            objects.push(format!("{} {}", all.len(), kind.resource()));
        }
    }
    let objects = if objects.is_empty() { "no objects".to_owned() } else { objects.join(", ") };
    let what = format!("{}, with {objects}", counted("CustomResourceDefinition", &definitions));
    removed.stays(what, "partywall manifests crds | kubectl delete -f -");
    Ok(())
}
