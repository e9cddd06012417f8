//! `pod-security`: applies the Pod Security Standards, with one control in each file.
//!
//! The controls, their ids, levels and versions are those of the reference implementation, the Pod Security admission
//! of the API server (`kubernetes/kubernetes`, `staging/src/k8s.io/pod-security-admission/policy`, `check_<id>.go`).
//! Where its documentation and its code disagree, the rule follows the code. In three points the rule is stricter. A
//! volume of a type that partywall does not know violates `baseline`, since it cannot be judged. A volume with several
//! types is judged by each of them. A `gitRepo` volume violates `baseline`, because such volumes let tenants run code
//! as root on the node (CVE-2024-10220). A Tenant may list capabilities, kernel settings and ports of nodes that its
//! pods may have beside those of its level (`podSecurity.allow`).
//!
//! INVARIANT: a control visits containers only through [`Case::containers`] or [`Case::parts`], so that none can omit
//! a list; and a pod without violations costs no allocation.

mod allow_privilege_escalation;
mod app_armor_profile;
mod capabilities_baseline;
mod capabilities_restricted;
mod case;
mod host_namespaces;
mod host_path_volumes;
mod host_ports;
mod host_probes;
mod privileged;
mod proc_mount;
mod restricted_volumes;
mod run_as_non_root;
mod run_as_user;
mod se_linux_options;
mod seccomp_baseline;
mod seccomp_restricted;
mod sysctls;
#[cfg(test)]
mod testing;
mod windows_host_process;

use self::case::{Case, Found, OS_SINCE, USER_NAMESPACES_SINCE};
use crate::api::Level;
use crate::judging::{Findings, Subject};
use crate::objects::object::Object;
use crate::objects::pod::{Extent, PodSpec, PodView};
use crate::objects::scheduling::Binding;
use crate::tenancy::PodSecurity;

/// Describes a control of the Pod Security Standards: its name and the versions that have it.
#[derive(Debug)]
pub struct Control {
    /// The id of the check in the reference implementation.
    pub id: &'static str,
    /// The lowest level that includes it.
    pub level: Level,
    /// The minor version that introduced it.
    pub since: u16,
    /// The control of `baseline` that it makes redundant, so that one cause is reported once.
    pub replaces: Option<&'static str>,
    /// The minor versions that changed it, each with the change.
    pub changes: &'static [(u16, &'static str)],
    /// Reports violations.
    check: fn(&Case<'_>, &mut Found<'_, '_>),
}

impl Control {
    const fn baseline(id: &'static str, since: u16, check: fn(&Case<'_>, &mut Found<'_, '_>)) -> Self {
        Self { id, level: Level::Baseline, since, replaces: None, changes: &[], check }
    }

    const fn restricted(id: &'static str, since: u16, check: fn(&Case<'_>, &mut Found<'_, '_>)) -> Self {
        Self { id, level: Level::Restricted, since, replaces: None, changes: &[], check }
    }

    const fn in_place_of(self, id: &'static str) -> Self {
        Self { replaces: Some(id), ..self }
    }

    const fn changed(self, changes: &'static [(u16, &'static str)]) -> Self {
        Self { changes, ..self }
    }

    /// Returns the control that makes this one redundant at `restricted`.
    pub fn successor(&self) -> Option<&'static Self> {
        CONTROLS.iter().find(|other| other.replaces == Some(self.id))
    }

    fn holds_at(&self, standard: PodSecurity) -> bool {
        self.is_asked_at(standard) && !self.is_replaced_at(standard)
    }

    /// Returns whether another control makes this one redundant, which only a higher level can do.
    fn is_replaced_at(&self, standard: PodSecurity) -> bool {
        standard.level > self.level
            && self.successor().is_some_and(|successor| successor.is_asked_at(standard))
    }

    fn is_asked_at(&self, PodSecurity { level, minor }: PodSecurity) -> bool {
        self.level <= level && self.since <= minor
    }
}

const FOR_WINDOWS: &[(u16, &str)] = &[(OS_SINCE, "Windows pods are exempt")];
const IN_USER_NAMESPACE: &[(u16, &str)] = &[(
    USER_NAMESPACES_SINCE,
    "pods in a user namespace of their own are exempt, if the Settings say that nodes support them",
)];

/// All controls in the order of messages, with the versions that introduced and changed them.
const CONTROLS: [Control; 19] = [
    Control::baseline("privileged", 0, privileged::check),
    Control::baseline("capabilities_baseline", 0, capabilities_baseline::check),
    Control::baseline("hostNamespaces", 0, host_namespaces::check),
    Control::baseline("hostPathVolumes", 0, host_path_volumes::check),
    Control::baseline("hostPorts", 0, host_ports::check),
    Control::baseline("hostProbesAndHostLifecycle", 34, host_probes::check),
    Control::baseline("appArmorProfile", 0, app_armor_profile::check),
    Control::baseline("seLinuxOptions", 0, se_linux_options::check).changed(se_linux_options::CHANGES),
    Control::baseline("procMount", 0, proc_mount::check).changed(IN_USER_NAMESPACE),
    Control::baseline("seccompProfile_baseline", 0, seccomp_baseline::check)
        .changed(seccomp_baseline::CHANGES),
    Control::baseline("sysctls", 0, sysctls::check).changed(sysctls::CHANGES),
    Control::baseline("windowsHostProcess", 0, windows_host_process::check),
    Control::restricted("restrictedVolumes", 0, restricted_volumes::check).in_place_of("hostPathVolumes"),
    Control::restricted("allowPrivilegeEscalation", 8, allow_privilege_escalation::check)
        .changed(FOR_WINDOWS),
    Control::restricted("procMount_restricted", 35, proc_mount::check_strictly).in_place_of("procMount"),
    Control::restricted("runAsNonRoot", 0, run_as_non_root::check).changed(IN_USER_NAMESPACE),
    Control::restricted("runAsUser", 23, run_as_user::check).changed(IN_USER_NAMESPACE),
    Control::restricted("seccompProfile_restricted", 19, seccomp_restricted::check)
        .in_place_of("seccompProfile_baseline")
        .changed(FOR_WINDOWS),
    Control::restricted("capabilities_restricted", 22, capabilities_restricted::check)
        .in_place_of("capabilities_baseline")
        .changed(FOR_WINDOWS),
];

/// Returns all controls, for the documentation.
pub fn controls() -> &'static [Control] {
    &CONTROLS
}

pub(super) fn check(subject: &Subject<'_, '_>, findings: &mut Findings<'_>) {
    let Some(tenant) = subject.tenant() else { return };
    let standard = tenant.pod_security;
    let mut hold = |pod| {
        let case = Case::new(pod, standard, subject.snapshot.user_namespaces);
        judge_case(&case.of_tenant(tenant), standard, findings);
    };
    if let Some(pod) = subject.pod() {
        hold(pod);
    } else if let Object::Binding(binding) = subject.object {
        hold(as_pod(binding, &PodSpec::default()));
    }
}

/// Returns a binding as a pod that has only the binding's metadata.
///
/// The API server copies a binding's annotations over the pod's, long after the pod was judged.
fn as_pod<'v, 'a>(binding: &'v Binding<'a>, nothing: &'v PodSpec<'a>) -> PodView<'v, 'a> {
    PodView {
        extent: Extent::Binding,
        spec_path: "spec",
        metadata_path: "metadata",
        metadata: &binding.metadata,
        spec: nothing,
    }
}

/// Judges a case by a standard.
fn judge_case(case: &Case<'_>, standard: PodSecurity, findings: &mut Findings<'_>) {
    for control in CONTROLS.iter().filter(|control| control.holds_at(standard)) {
        (control.check)(case, &mut Found::new(control.id, case, findings));
    }
}

/// Judges a pod by a standard; `user_namespaces` says that every node supports them.
#[cfg(test)]
pub(super) fn judge(
    pod: PodView<'_, '_>,
    standard: PodSecurity,
    user_namespaces: bool,
    findings: &mut Findings<'_>,
) {
    judge_case(&Case::new(pod, standard, user_namespaces), standard, findings);
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use serde_json::json;

    use super::testing::{Seen, baseline, findings, findings_in, privileged, restricted};
    use super::*;
    use crate::objects::pod::{IN_JOB_TEMPLATE, PodTemplateSpec};

    fn held(level: Level, minor: u16) -> Vec<&'static str> {
        let standard = PodSecurity { level, minor };
        CONTROLS.iter().filter(|control| control.holds_at(standard)).map(|control| control.id).collect()
    }

    #[test]
    fn o9_an_exemption_may_name_each_control() {
        assert_eq!(CONTROLS.map(|control| control.id), crate::rule_id::CONTROLS);
    }

    #[test]
    fn the_table_is_consistent() {
        let mut ids = HashSet::new();
        for control in &CONTROLS {
            assert!(ids.insert(control.id), "{} stands twice", control.id);
            assert_ne!(control.level, Level::Privileged, "{}", control.id);
            if let Some(replaced) = control.replaces {
                let replaced = CONTROLS.iter().find(|other| other.id == replaced).unwrap();
                assert_eq!((control.level, replaced.level), (Level::Restricted, Level::Baseline));
            }
        }
    }

    #[test]
    fn a_level_and_a_version_choose_the_controls() {
        assert!(held(Level::Privileged, PodSecurity::LATEST).is_empty());
        assert_eq!(held(Level::Baseline, 33).len(), 11);
        assert_eq!(held(Level::Baseline, PodSecurity::LATEST).len(), 12);
        assert_eq!(held(Level::Restricted, PodSecurity::LATEST).len(), 15);
    }

    #[test]
    fn a_control_is_replaced_only_where_its_successor_holds() {
        for (replaced, successor, since) in [
            ("seccompProfile_baseline", "seccompProfile_restricted", 19),
            ("capabilities_baseline", "capabilities_restricted", 22),
            ("procMount", "procMount_restricted", 35),
        ] {
            let before = held(Level::Restricted, since - 1);
            assert!(before.contains(&replaced) && !before.contains(&successor), "{replaced}");
            let after = held(Level::Restricted, since);
            assert!(!after.contains(&replaced) && after.contains(&successor), "{successor}");
            assert!(held(Level::Baseline, since).contains(&replaced), "{replaced}");
        }
        let volumes = held(Level::Restricted, 0);
        assert!(volumes.contains(&"restrictedVolumes") && !volumes.contains(&"hostPathVolumes"));
    }

    #[test]
    fn a_pod_that_violates_everything_is_named_control_by_control_in_order() {
        let pod = json!({
            "metadata": {"annotations": {"container.apparmor.security.beta.kubernetes.io/app": "unconfined"}},
            "spec": {
                "hostPID": true,
                "securityContext": {"sysctls": [{"name": "kernel.msgmax", "value": "1"}]},
                "volumes": [{"name": "root", "hostPath": {"path": "/"}}],
                "containers": [{
                    "name": "app",
                    "ports": [{"containerPort": 80, "hostPort": 80}],
                    "livenessProbe": {"httpGet": {"host": "169.254.169.254", "port": 80}},
                    "securityContext": {
                        "privileged": true,
                        "capabilities": {"add": ["SYS_ADMIN"]},
                        "seLinuxOptions": {"type": "spc_t"},
                        "procMount": "Unmasked",
                        "seccompProfile": {"type": "Unconfined"},
                        "windowsOptions": {"hostProcess": true},
                        "runAsUser": 0,
                    },
                }],
            },
        });
        for (at, level) in [
            (baseline(PodSecurity::LATEST), Level::Baseline),
            (restricted(PodSecurity::LATEST), Level::Restricted),
        ] {
            let mut found: Vec<_> = findings(&pod, at).iter().filter_map(|finding| finding.control).collect();
            found.dedup();
            assert_eq!(found, held(level, PodSecurity::LATEST));
        }
        assert!(findings(&pod, privileged()).is_empty());
    }

    #[test]
    fn a_finding_is_the_same_violation_in_another_place() {
        let container = json!({"name": "app", "securityContext": {
            "privileged": true, "capabilities": {"add": ["SYS_ADMIN"]}}});
        let other = json!({"name": "other"});
        let moved = [
            json!({"spec": {"containers": [container, other]}}),
            json!({"spec": {"containers": [other, container]}}),
            json!({"spec": {"initContainers": [container], "containers": [other]}}),
        ]
        .map(|pod| {
            findings(&pod, baseline(30)).into_iter().map(|finding| finding.identity).collect::<Vec<_>>()
        });
        assert_eq!(moved[0].len(), 2);
        assert_eq!(moved[0], moved[1]);
        assert_eq!(moved[0], moved[2]);
    }

    #[test]
    fn in_a_template_paths_begin_at_the_object() {
        let template = r#"{
            "metadata": {"annotations": {"container.apparmor.security.beta.kubernetes.io/app": "unconfined"}},
            "spec": {"hostIPC": true, "volumes": [{"name": "v", "hostPath": {"path": "/"}}],
                "initContainers": [{"name": "app", "securityContext": {"privileged": true}}]}
        }"#;
        let template: PodTemplateSpec<'_> = serde_json::from_str(template).unwrap();
        let view = PodView::of_template(Some(&template), IN_JOB_TEMPLATE).unwrap();
        let fields: Vec<_> =
            findings_in(view, baseline(30)).into_iter().map(|finding| finding.field).collect();
        assert_eq!(
            fields,
            [
                "spec.jobTemplate.spec.template.spec.initContainers[0].securityContext.privileged",
                "spec.jobTemplate.spec.template.spec.hostIPC",
                "spec.jobTemplate.spec.template.spec.volumes[0].hostPath",
                "spec.jobTemplate.spec.template.metadata.annotations\
                 [container.apparmor.security.beta.kubernetes.io/app]",
            ]
        );
    }

    #[test]
    fn c4_a_binding_is_held_to_what_it_writes_on_the_pod() {
        let fields = |annotations: &str, at| -> Vec<String> {
            let json =
                format!(r#"{{"metadata": {{"annotations": {annotations}}}, "target": {{"name": "n"}}}}"#);
            let binding: Binding<'_> = serde_json::from_str(&json).unwrap();
            let found = findings_in(as_pod(&binding, &PodSpec::default()), at);
            found.into_iter().map(|finding| finding.field).collect()
        };
        let bad = r#"{"container.apparmor.security.beta.kubernetes.io/app": "unconfined"}"#;
        let field = "metadata.annotations[container.apparmor.security.beta.kubernetes.io/app]";
        assert_eq!(fields(bad, baseline(PodSecurity::LATEST)), [field]);
        assert_eq!(fields(bad, restricted(PodSecurity::LATEST)), [field]);
        assert!(fields("{}", restricted(PodSecurity::LATEST)).is_empty());
    }

    #[test]
    fn k16_what_a_tenant_wrote_is_cut_and_escaped_in_messages_and_paths() {
        let long = format!("a\n{}", "x".repeat(500));
        let pod = json!({
            "metadata": {"annotations": {
                format!("container.apparmor.security.beta.kubernetes.io/{long}"): long}},
            "spec": {
                "volumes": [{"name": long, "hostPath": {"path": long}}, {"name": "v", long.clone(): {}}],
                "securityContext": {"sysctls": [{"name": long}], "seLinuxOptions": {"type": long, "user": long}},
                "containers": [{"name": long, "securityContext": {
                    "capabilities": {"add": [long]}, "procMount": long, "seccompProfile": {"type": long}}}],
            },
        });
        let found = findings(&pod, baseline(30));
        assert_eq!(found.len(), 9);
        for Seen { field, message, .. } in found {
            assert!(!field.contains('\n') && !message.contains('\n'), "{field}: {message}");
            assert!(field.len() < 250 && message.len() < 600, "{field}: {message}");
        }
    }
}
