//! The Pod Security Standards from the outside: every level at every version.
//!
//! [`tables`] has what the documentation says, row by row; [`properties`] has what must hold of any pod.

mod any_pod;
mod properties;
mod tables;

use std::collections::BTreeSet;
use std::fmt::{self, Write as _};
use std::sync::LazyLock;

use partywall_core::api::{Level, Mode};
use partywall_core::json::Text;
use partywall_core::rule_id::RuleId;
use partywall_core::rules::{Control, controls};
use partywall_core::tenancy::Snapshot;
use partywall_core::verdict::Verdict;
use partywall_core::{Entry, admit, review};
use serde_json::{Value, json};

use crate::support::{create, pod, snapshot};

/// A version of the standards; `latest` comes after all others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Version {
    Minor(u16),
    Latest,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Minor(minor) => write!(f, "v1.{minor}"),
            Self::Latest => f.write_str("latest"),
        }
    }
}

/// A standard, and the namespace whose tenant is held to it.
#[derive(Debug)]
struct Standard {
    level: Level,
    version: Version,
    namespace: String,
}

/// Every standard there is.
static STANDARDS: LazyLock<Vec<Standard>> = LazyLock::new(|| {
    let versions = || (0..=newest()).map(Version::Minor).chain([Version::Latest]);
    let levels = [Level::Privileged, Level::Baseline, Level::Restricted];
    let of = |(level, version)| Standard { level, version, namespace: namespace(level, version) };
    levels.into_iter().flat_map(|level| versions().map(move |version| (level, version))).map(of).collect()
});

/// The newest minor version that changed anything.
fn newest() -> u16 {
    let changes = |control: &'static Control| control.changes.iter().map(|(minor, _)| *minor);
    controls().iter().flat_map(|control| changes(control).chain([control.since])).max().unwrap()
}

fn namespace(level: Level, version: Version) -> String {
    format!("{}-{}", name(level), version.to_string().replace('.', "-"))
}

const fn name(level: Level) -> &'static str {
    match level {
        Level::Privileged => "privileged",
        Level::Baseline => "baseline",
        Level::Restricted => "restricted",
    }
}

/// A tenant for every standard, by whether every node has user namespaces. What else there is to rules is off, and
/// a template is held to what a pod is.
fn tenants(user_namespaces: bool) -> &'static Snapshot {
    static WITH: LazyLock<Snapshot> = LazyLock::new(|| compile(true));
    static WITHOUT: LazyLock<Snapshot> = LazyLock::new(|| compile(false));
    if user_namespaces { &WITH } else { &WITHOUT }
}

fn compile(user_namespaces: bool) -> Snapshot {
    let rules = RuleId::ALL.map(|rule| {
        let mode = if rule == RuleId::PodSecurity { "deny" } else { "off" };
        format!("{rule}: {mode}")
    });
    let mut policies = format!(
        "{{apiVersion: partywall.dev/v1alpha1, kind: Settings, metadata: {{name: default}}, spec: {{
            userNamespaces: {user_namespaces}, workloads: deny, rules: {{{}}}}}}}\n",
        rules.join(", ")
    );
    for Standard { level, version, namespace } in STANDARDS.iter() {
        writeln!(
            policies,
            "---\n{{apiVersion: partywall.dev/v1alpha1, kind: Tenant, metadata: {{name: {namespace}}}, spec: {{
                namespaces: [{namespace}], podSecurity: {{level: {}, version: {version}}}}}}}",
            name(*level)
        )
        .unwrap();
    }
    snapshot(&policies)
}

/// Judges one review by some standards, as [`partywall_core::answer`] does it, but decodes it once: all that
/// tells it whose standard holds is the namespace.
fn judge<'s>(
    review: &Value,
    standards: impl IntoIterator<Item = &'s Standard>,
    snapshot: &Snapshot,
    mut see: impl FnMut(&'s Standard, &Verdict),
) {
    let bytes = review.to_string().into_bytes();
    let mut request = review::decode(&bytes).unwrap_or_else(|error| panic!("{error:?}\n{review}"));
    for standard in standards {
        request.namespace = Text::from(&*standard.namespace);
        let verdict = admit(Entry::Validate, &request, snapshot);
        assert_eq!(verdict.is_allowed(), verdict.violations.is_empty(), "{standard:?}\n{review}");
        for violation in &verdict.violations {
            assert_eq!((violation.rule, violation.mode), (RuleId::PodSecurity, Mode::Deny), "{violation:?}");
        }
        see(standard, &verdict);
    }
}

/// The ids of the controls that deny.
fn controls_in(verdict: &Verdict) -> BTreeSet<&'static str> {
    verdict.violations.iter().map(|violation| violation.control.expect("a control")).collect()
}

/// Puts a container into a list of a spec, at `index` or at the end; what was there need not be a list.
fn insert(spec: &mut Value, list: &str, index: usize, container: Value) {
    if !spec[list].is_array() {
        spec[list] = json!([]);
    }
    let containers = spec[list].as_array_mut().unwrap();
    containers.insert(index.min(containers.len()), container);
}

#[test]
fn a_user_namespace_that_nodes_may_ignore_is_told_of_the_setting() {
    let container = json!({"name": "app", "image": "i", "securityContext": {
        "allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}, "runAsNonRoot": false}});
    let security = json!({"runAsNonRoot": true, "seccompProfile": {"type": "RuntimeDefault"}});
    let spec = json!({"hostUsers": false, "containers": [container], "securityContext": security});
    let standard = STANDARDS
        .iter()
        .filter(|standard| standard.level == Level::Restricted && standard.version == Version::Latest);
    for (user_namespaces, controls) in [(false, &["runAsNonRoot"][..]), (true, &[])] {
        judge(&create(pod(spec.clone())), standard.clone(), tenants(user_namespaces), |_, verdict| {
            assert_eq!(controls_in(verdict).into_iter().collect::<Vec<_>>(), controls);
            for violation in &verdict.violations {
                assert!(violation.message.contains("set `userNamespaces` to true in the Settings"));
            }
        });
    }
}
