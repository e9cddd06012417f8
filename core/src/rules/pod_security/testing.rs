//! Checks tables of named rows, for the controls' tests.

use serde_json::{Value, json};

use super::judge;
use crate::api::{Enforcement, Level, Mode};
use crate::judging::{Finding, Findings, Sink};
use crate::objects::pod::{Pod, PodView};
use crate::rule_id::RuleId;
use crate::tenancy::PodSecurity;

/// Holds the standard that judges a row.
#[derive(Clone, Copy, Debug)]
pub(super) struct At {
    standard: PodSecurity,
    user_namespaces: bool,
}

impl At {
    /// Returns the same standard, on nodes that all support user namespaces.
    pub(super) const fn with_user_namespaces(self) -> Self {
        Self { user_namespaces: true, ..self }
    }
}

/// Returns the level without controls.
pub(super) const fn privileged() -> At {
    at(Level::Privileged, PodSecurity::LATEST)
}

/// Returns `baseline` at `v1.<minor>`.
pub(super) const fn baseline(minor: u16) -> At {
    at(Level::Baseline, minor)
}

/// Returns `restricted` at `v1.<minor>`.
pub(super) const fn restricted(minor: u16) -> At {
    at(Level::Restricted, minor)
}

const fn at(level: Level, minor: u16) -> At {
    At { standard: PodSecurity { level, minor }, user_namespaces: false }
}

/// Holds a finding as text.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) control: Option<&'static str>,
    pub(super) field: String,
    pub(super) message: String,
    pub(super) identity: String,
    /// The part that the finding is about, in its debug form.
    pub(super) about: String,
}

struct Collected(Vec<Seen>);

impl Sink for Collected {
    fn mode(&self, _: RuleId) -> Mode {
        Mode::Deny
    }

    fn is_old_object(&self) -> bool {
        false
    }

    fn is_new(&mut self, _: RuleId, _: &dyn std::fmt::Display) -> bool {
        true
    }

    fn turn_to(&mut self, _: Option<usize>) {}

    fn take(
        &mut self,
        _: RuleId,
        _: Option<Enforcement>,
        Finding { control, field, message, identity, about }: Finding<'_>,
    ) -> bool {
        self.0.push(Seen {
            control,
            field: field.to_string(),
            message: message.to_string(),
            identity: identity.to_string(),
            about: format!("{about:?}"),
        });
        true
    }
}

/// Returns all findings in a pod.
pub(super) fn findings(pod: &Value, at: At) -> Vec<Seen> {
    let json = pod.to_string();
    let pod: Pod<'_> = serde_json::from_str(&json).unwrap();
    findings_in(PodView::of_pod(&pod).unwrap(), at)
}

/// Returns all findings in a pod or a template, and checks the style of every message.
pub(super) fn findings_in(pod: PodView<'_, '_>, at: At) -> Vec<Seen> {
    let mut collected = Collected(Vec::new());
    let mut findings = Findings::of(RuleId::PodSecurity, &mut collected).unwrap();
    judge(pod, at.standard, at.user_namespaces, &mut findings);
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

/// Checks rows of a name, a standard, a pod, and the fields in it that violate `control`.
pub(super) fn pods(control: &str, rows: &[(&str, At, Value, &[&str])]) {
    for (name, at, pod, expected) in rows {
        let found = findings_of(control, pod, *at);
        let fields: Vec<&str> = found.iter().map(|finding| &*finding.field).collect();
        assert_eq!(fields, *expected, "{name}");
    }
}

/// Checks rows of a name, a standard, fields of a container, and those that violate `control`.
///
/// It checks each row in each of the three lists.
pub(super) fn containers(control: &str, rows: &[(&str, At, Value, &[&str])]) {
    // This container violates nothing; it makes the index of the other one matter.
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
                assert_eq!(finding.about, r#"Container("app")"#, "{name} in {list}");
                assert!(finding.message.starts_with("container `app` "), "{}", finding.message);
            }
        }
    }
}

/// Returns a pod of one container `app` with nothing set, and `spec`'s fields.
pub(super) fn pod_with(spec: Value) -> Value {
    let mut pod = json!({});
    pod["spec"] = spec;
    if pod["spec"].get("containers").is_none() {
        pod["spec"]["containers"] = json!([{"name": "app"}]);
    }
    pod
}
