//! The wall under test, and partywall as one.

use partywall_core::Entry;
use partywall_core::api::Mode;
use partywall_core::tenancy::Snapshot;
use partywall_core::verdict::{Denial, Verdict, Violation};
use serde_json::json;

use super::kube::Pod;
use super::world::{Tenant, World};

/// The review that a wall judges.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Review<'r> {
    pub(crate) world: &'r World,
    pub(crate) snapshot: &'r Snapshot,
    pub(crate) namespace: &'r str,
    pub(crate) user: &'r str,
    pub(crate) asked: Asked<'r>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Asked<'r> {
    /// A pod is created, or updated from an old one.
    Pod { pod: &'r Pod, old: Option<&'r Pod> },
    /// A DaemonSet of that template is created.
    DaemonSet(&'r Pod),
    /// The pod is bound to that node.
    Binding { node: &'r str, is_legacy: bool },
}

pub(crate) trait Wall: Sync {
    /// The pod or template as it is after the mutating webhook.
    fn stamp(&self, review: &Review<'_>) -> Pod;
    /// The violations that the validating webhook finds.
    fn denial(&self, review: &Review<'_>) -> Option<String>;
}

impl<'r> Review<'r> {
    /// The tenant whose namespace it is.
    pub(crate) fn owner(&self) -> Option<&'r Tenant> {
        self.world.owner(self.namespace)
    }

    /// As the API server sends it. Nothing in it needs to be escaped but what serde_json writes.
    fn to_json(self) -> String {
        let Self { namespace, user, .. } = self;
        let object = |kind: &str, field: &str, value: &str| {
            let metadata = format!(r#"{{"name":"app","namespace":"{namespace}"}}"#);
            format!(r#"{{"apiVersion":"v1","kind":"{kind}","metadata":{metadata},"{field}":{value}}}"#)
        };
        let pod = |spec: &Pod| object("Pod", "spec", &spec.to_string());
        let (group, kind, resource, object, old) = match self.asked {
            Asked::Pod { pod: new, old } => ("", "Pod", "pods", pod(new), old.map(pod)),
            Asked::DaemonSet(template) => {
                let spec = format!(r#"{{"selector":{{}},"template":{{"metadata":{{}},"spec":{template}}}}}"#);
                ("apps", "DaemonSet", "daemonsets", object("DaemonSet", "spec", &spec), None)
            }
            Asked::Binding { node, is_legacy } => {
                let target = format!(r#"{{"kind":"Node","name":"{node}"}}"#);
                let resource = if is_legacy { "bindings" } else { "pods" };
                ("", "Binding", resource, object("Binding", "target", &target), None)
            }
        };
        let operation = if old.is_some() { "UPDATE" } else { "CREATE" };
        let old = old.as_deref().unwrap_or("null");
        let subresource = match self.asked {
            Asked::Binding { is_legacy: false, .. } => r#""subResource":"binding","#,
            Asked::Pod { .. } | Asked::DaemonSet(_) | Asked::Binding { .. } => "",
        };
        format!(
            r#"{{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{{"uid":"1",
            "kind":{{"group":"{group}","version":"v1","kind":"{kind}"}},
            "resource":{{"group":"{group}","version":"v1","resource":"{resource}"}},{subresource}
            "name":"app","namespace":"{namespace}","operation":"{operation}",
            "userInfo":{{"username":"{user}","groups":["system:authenticated"]}},
            "object":{object},"oldObject":{old},"dryRun":false}}}}"#
        )
    }
}

/// The one that is shipped.
pub(crate) struct Partywall;

fn ask(entry: Entry, json: &str, snapshot: &Snapshot) -> Verdict {
    partywall_core::answer(entry, json.as_bytes(), snapshot).expect("a review").verdict
}

/// Returns the violations for which partywall denies it.
pub(crate) fn violations(review: &Review<'_>) -> Vec<Violation> {
    let verdict = ask(Entry::Validate, &review.to_json(), review.snapshot);
    assert!(verdict.patch.is_none(), "K2: the validating webhook never patches");
    match verdict.denial {
        None => Vec::new(),
        Some(Denial::Undecidable(why, explanation)) => panic!("{why:?} {}: {review:#?}", explanation.message),
        Some(Denial::Forbidden) => {
            verdict.violations.into_iter().filter(|violation| violation.mode == Mode::Deny).collect()
        }
    }
}

/// Violations in words, if there are some.
pub(crate) fn in_words(violations: &[Violation]) -> Option<String> {
    let words = |violation: &Violation| format!("{}: {}", violation.field, violation.message);
    (!violations.is_empty()).then(|| violations.iter().map(words).collect::<Vec<_>>().join("; "))
}

impl Wall for Partywall {
    fn stamp(&self, review: &Review<'_>) -> Pod {
        let (path, pod) = match review.asked {
            Asked::Pod { pod, .. } => ("/spec", pod),
            Asked::DaemonSet(template) => ("/spec/template/spec", template),
            Asked::Binding { .. } => panic!("a binding is not stamped"),
        };
        let verdict = ask(Entry::Mutate, &review.to_json(), review.snapshot);
        assert!(verdict.is_allowed(), "{verdict:?} {review:#?}");
        let Some(patch) = verdict.patch else { return pod.clone() };
        let patch: json_patch::Patch = serde_json::from_slice(patch.as_json()).unwrap();
        // What of the object the patch may touch.
        let mut object = match review.asked {
            Asked::DaemonSet(template) => json!({"metadata": {}, "spec": {"template": {"spec": template}}}),
            Asked::Pod { .. } | Asked::Binding { .. } => json!({"spec": pod}),
        };
        json_patch::patch(&mut object, &patch).expect("K3: every patch applies");
        serde_json::from_value(object.pointer_mut(path).unwrap().take())
            .expect("the stamp writes what a pod has")
    }

    fn denial(&self, review: &Review<'_>) -> Option<String> {
        in_words(&violations(review))
    }
}
