//! Tables of named rows for the controls' tests.

use serde_json::{Value, json};

use super::judge;
use crate::api::{Level, Mode};
use crate::judging::{Finding, Findings, Sink};
use crate::objects::pod::{Extent, Pod, PodView};
use crate::rule_id::RuleId;
use crate::tenancy::PodSecurity;

/// What a row is held to.
#[derive(Clone, Copy, Debug)]
pub(super) struct At {
    standard: PodSecurity,
    user_namespaces: bool,
}

impl At {
    /// The same, where every node has user namespaces.
    pub(super) const fn with_user_namespaces(self) -> Self {
        Self { user_namespaces: true, ..self }
    }
}

/// Nothing is asked.
pub(super) const fn privileged() -> At {
    at(Level::Privileged, PodSecurity::LATEST)
}

/// `baseline` at `v1.<minor>`.
pub(super) const fn baseline(minor: u16) -> At {
    at(Level::Baseline, minor)
}

/// `restricted` at `v1.<minor>`.
pub(super) const fn restricted(minor: u16) -> At {
    at(Level::Restricted, minor)
}

const fn at(level: Level, minor: u16) -> At {
    At { standard: PodSecurity { level, minor }, user_namespaces: false }
}

/// A finding, written out.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) control: Option<&'static str>,
    pub(super) field: String,
    pub(super) message: String,
    pub(super) identity: String,
    /// What it is about, as it is debugged.
    pub(super) concern: String,
}

struct Collected(Vec<Seen>);

impl Sink for Collected {
    fn mode(&self, _: RuleId) -> Mode {
        Mode::Deny
    }

    fn is_of_the_past(&self) -> bool {
        false
    }

    fn take(
        &mut self,
        _: RuleId,
        Finding { control, field, message, identity, concern }: Finding<'_>,
    ) -> bool {
        self.0.push(Seen {
            control,
            field: field.to_string(),
            message: message.to_string(),
            identity: identity.to_string(),
            concern: format!("{concern:?}"),
        });
        true
    }
}

/// All that is found in a pod.
pub(super) fn findings(pod: &Value, at: At) -> Vec<Seen> {
    let json = pod.to_string();
    let pod: Pod<'_> = serde_json::from_str(&json).unwrap();
    findings_in(PodView::of_pod(&pod, Extent::Pod).unwrap(), at)
}

/// All that is found in a pod, wherever it lies. No message may break the house's style.
pub(super) fn findings_in(pod: PodView<'_, '_>, at: At) -> Vec<Seen> {
    let mut collected = Collected(Vec::new());
    judge(pod, at.standard, at.user_namespaces, &mut Findings::to(&mut collected));
    for Seen { message, .. } in &collected.0 {
        assert!(!message.ends_with('.') && !message.starts_with(char::is_uppercase), "{message}");
        assert_eq!(message.matches('`').count() % 2, 0, "{message}");
    }
    collected.0
}

fn findings_of(control: &str, pod: &Value, at: At) -> Vec<Seen> {
    let mut found = findings(pod, at);
    found.retain(|finding| finding.control == Some(control));
    found
}

/// Rows of a name, a standard, a pod, and the fields that violate `control` in it.
pub(super) fn pods(control: &str, rows: &[(&str, At, Value, &[&str])]) {
    for (name, at, pod, expected) in rows {
        let found = findings_of(control, pod, *at);
        let fields: Vec<&str> = found.iter().map(|finding| &*finding.field).collect();
        assert_eq!(fields, *expected, "{name}");
    }
}

/// Rows of a name, a standard, the fields of a container, and the fields that violate `control` in it: in each
/// of the three lists.
pub(super) fn containers(control: &str, rows: &[(&str, At, Value, &[&str])]) {
    // A neighbour that violates nothing, so that an index is worth looking at.
    let clean = json!({"name": "clean", "securityContext": {
        "allowPrivilegeEscalation": false,
        "runAsNonRoot": true,
        "capabilities": {"drop": ["ALL"]},
        "seccompProfile": {"type": "RuntimeDefault"},
    }});
    for (name, at, fields, expected) in rows {
        let mut container = fields.clone();
        container["name"] = json!("app");
        for list in ["initContainers", "containers", "ephemeralContainers"] {
            let found = findings_of(control, &json!({"spec": {list: [clean, container]}}), *at);
            let expected: Vec<String> =
                expected.iter().map(|field| format!("spec.{list}[1].{field}")).collect();
            let fields: Vec<&str> = found.iter().map(|finding| &*finding.field).collect();
            assert_eq!(fields, expected, "{name} in {list}");
            for finding in found {
                assert_eq!(finding.concern, r#"Container("app")"#, "{name} in {list}");
                assert!(finding.message.starts_with("container `app` "), "{}", finding.message);
            }
        }
    }
}

/// A pod of one container `app` with nothing set, and `spec`'s fields.
pub(super) fn pod_with(spec: Value) -> Value {
    let mut pod = json!({});
    pod["spec"] = spec;
    if pod["spec"].get("containers").is_none() {
        pod["spec"]["containers"] = json!([{"name": "app"}]);
    }
    pod
}
