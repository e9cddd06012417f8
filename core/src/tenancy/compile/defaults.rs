//! Compiles Settings, and fills the gaps with the embedded `policies/default.yaml`.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::mistakes::{At, Mistakes, refuse_empty};
use super::names;
use super::objects::Named;
use super::{platform, providers, routes, tolerations, workload_kinds};
use crate::api::{Enforcement, MirrorPods, Mode, OtherTaints, SettingsSpec, Source, StampMode, Workloads};
use crate::rule_id::{Modes, RuleId};
use crate::tenancy::{AllowedToleration, Controllers, ForeignRoute, ListedNames, Platform, WorkloadKind};

/// Holds the embedded Settings: `policies/default.yaml` as JSON.
///
/// A test keeps both the same. The core does not read YAML.
const DEFAULT: &str = include_str!("default.json");
/// Names the file in mistakes of the embedded Settings.
const DEFAULT_PATH: &str = "policies/default.yaml";
/// The namespace of the cluster's own components.
const KUBE_SYSTEM: &str = "kube-system";

/// Holds the fields that are read of [`DEFAULT`].
#[derive(Deserialize)]
struct Embedded {
    spec: SettingsSpec,
}

/// Holds the settings of the whole cluster.
pub(super) struct ClusterDefaults {
    pub(super) stamp: StampMode,
    pub(super) user_namespaces: bool,
    pub(super) workloads: Workloads,
    pub(super) mirror_pods: MirrorPods,
    pub(super) enforcement: Enforcement,
    pub(super) modes: Modes,
    pub(super) platform: Platform,
    pub(super) controllers: Controllers,
    pub(super) foreign_routes: Vec<ForeignRoute>,
    pub(super) workload_kinds: Vec<WorkloadKind>,
    pub(super) annotation_prefixes: ListedNames,
    /// The tolerations that every pod may have, and those that the provider adds to pods.
    pub(super) tolerations: Vec<AllowedToleration>,
    pub(super) other_taints: OtherTaints,
    pub(super) annotation_domains: Vec<Box<str>>,
    pub(super) login_hosts: ListedNames,
    /// The system namespaces; `at` is the document that lists them.
    pub(super) system_namespaces: Vec<String>,
    pub(super) at: At,
}

/// Compiles the Settings; the namespace in which partywall runs, if it is known, is always among the system's.
pub(super) fn compile(
    settings: &[Named<SettingsSpec>],
    own_namespace: Option<&str>,
    mistakes: &mut Mistakes,
) -> ClusterDefaults {
    let mut base = embedded(mistakes);
    for object in settings {
        if object.name == "default" {
            if let Some(provider) = object.spec.provider {
                add_provider(&mut base, providers::additions(provider));
            }
            overlay(&mut base, object, mistakes);
        } else {
            let message = "only one Settings holds, and its name is `default`; move what differs there";
            mistakes.error(&object.at, "metadata.name", &object.name, message);
        }
    }
    if let Some(own) = own_namespace
        && !base.system_namespaces.iter().any(|name| name == own)
    {
        base.system_namespaces.push(own.to_owned());
    }
    base
}

/// Returns the namespaces of the cluster itself, which stay the system's whatever Tenants list.
pub(super) fn own_namespaces(
    settings: &[Named<SettingsSpec>],
    own_namespace: Option<&str>,
) -> BTreeSet<String> {
    let embedded = embedded(&mut Mistakes::default()).system_namespaces;
    let providers = settings.iter().filter_map(|object| object.spec.provider);
    let of_providers = providers.flat_map(|provider| providers::additions(provider).system_namespaces);
    let of_providers = of_providers.map(|name| (*name).to_owned());
    embedded.into_iter().chain(of_providers).chain(own_namespace.map(str::to_owned)).collect()
}

/// Adds a warning where pods may run on every tenant's nodes.
pub(super) fn warn_of_open_pools(at: &At, rules: &BTreeMap<String, Mode>, mistakes: &mut Mistakes) {
    let rule = RuleId::NodePlacement.as_str();
    if rules.get(rule) == Some(&Mode::Off) {
        let message = "without this rule pods may choose any nodes, other tenants' among them; to try partywall out, \
             write `audit` or `warn`";
        mistakes.warn(at, names::keyed("spec.rules", rule), &Mode::Off, message);
    }
}

/// Adds a platform's own namespaces, users and tolerations to the embedded Settings.
fn add_provider(base: &mut ClusterDefaults, additions: &providers::Additions) {
    base.system_namespaces.extend(additions.system_namespaces.iter().map(|name| (*name).to_owned()));
    base.platform.users =
        base.platform.users.iter().map(|user| &**user).chain(additions.users.iter().copied()).collect();
    base.tolerations.extend(additions.tolerations());
}

fn overlay(base: &mut ClusterDefaults, object: &Named<SettingsSpec>, mistakes: &mut Mistakes) {
    let Named { at, spec, .. } = object;
    base.stamp = spec.stamp.unwrap_or(base.stamp);
    base.user_namespaces = spec.user_namespaces.unwrap_or(base.user_namespaces);
    base.workloads = spec.workloads.unwrap_or(base.workloads);
    base.mirror_pods = spec.mirror_pods.unwrap_or(base.mirror_pods);
    base.other_taints = spec.other_taints.unwrap_or(base.other_taints);
    if let Some(written) = &spec.tolerations {
        base.tolerations.extend(tolerations::of_settings(at, written, mistakes));
    }
    base.enforcement = spec.enforcement.unwrap_or(base.enforcement);
    warn_of_open_pools(at, &spec.rules, mistakes);
    for (rule, mode) in mistakes.modes(at, spec.rules.iter()) {
        base.modes.set(rule, mode);
    }
    if let Some(written) = &spec.platform {
        platform::platform(&mut base.platform, at, written, mistakes);
    }
    if let Some(written) = &spec.controllers {
        platform::controllers(&mut base.controllers, at, written, mistakes);
    }
    if let Some(written) = &spec.foreign_routes {
        base.foreign_routes = routes::compile(at, written, mistakes);
    }
    if let Some(written) = &spec.workload_kinds {
        base.workload_kinds = workload_kinds::compile(at, written, mistakes);
        workload_kinds::refuse_routes(at, &base.workload_kinds, &base.foreign_routes, mistakes);
    }
    if let Some(written) = &spec.annotation_prefixes {
        base.annotation_prefixes = platform::annotation_prefixes(at, written, mistakes);
    }
    if let Some(written) = &spec.annotation_domains {
        base.annotation_domains = platform::annotation_domains(at, written, mistakes);
    }
    if let Some(written) = &spec.login_hosts {
        base.login_hosts = platform::login_hosts(at, written, mistakes);
    }
    if let Some(namespaces) = &spec.system_namespaces {
        let mend = "name at least one, or leave the field out: then the embedded default holds";
        refuse_empty(namespaces, at, "spec.systemNamespaces", mend, mistakes);
        if !namespaces.is_empty() && !namespaces.iter().any(|name| name == KUBE_SYSTEM) {
            let message = "without `kube-system` here, partywall also judges pods of the cluster's own components, \
                 such as kube-proxy: those that tolerate tenants' nodes are denied, and so is every one while \
                 partywall does not answer; add it";
            mistakes.warn(at, "spec.systemNamespaces", namespaces, message);
        }
        base.system_namespaces.clone_from(namespaces);
        base.at = at.clone();
    }
}

/// Returns the embedded Settings.
///
/// A test keeps them complete; the values here for missing fields are strict.
fn embedded(mistakes: &mut Mistakes) -> ClusterDefaults {
    let at = At::new(Source::document(DEFAULT_PATH, 1), "Settings", "default");
    let mut base = ClusterDefaults {
        stamp: StampMode::Both,
        user_namespaces: false,
        workloads: Workloads::Warn,
        mirror_pods: MirrorPods::Deny,
        enforcement: Enforcement::Deny,
        modes: Modes::all(Mode::Deny),
        platform: Platform::default(),
        controllers: Controllers::default(),
        foreign_routes: Vec::new(),
        workload_kinds: Vec::new(),
        annotation_prefixes: ListedNames::default(),
        tolerations: Vec::new(),
        other_taints: OtherTaints::Deny,
        annotation_domains: Vec::new(),
        login_hosts: ListedNames::default(),
        system_namespaces: Vec::new(),
        at: at.clone(),
    };
    match serde_json::from_str::<Embedded>(DEFAULT) {
        Ok(Embedded { spec }) => {
            overlay(&mut base, &Named { at, name: "default".to_owned(), spec }, mistakes)
        }
        // INVARIANT: a test reads the embedded file. If it were invalid, no policies would load.
        Err(error) => mistakes.error_json(&at, "spec", "", error.to_string()),
    }
    base
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Controllers;

    #[test]
    fn the_embedded_settings_spell_out_every_field_and_every_rule() {
        let embedded: Embedded = serde_json::from_str(DEFAULT).unwrap();
        let SettingsSpec {
            stamp,
            user_namespaces,
            workloads,
            mirror_pods,
            // Absent: none.
            provider: _,
            tolerations,
            other_taints,
            system_namespaces,
            platform,
            controllers,
            foreign_routes,
            workload_kinds,
            annotation_prefixes,
            annotation_domains,
            login_hosts,
            enforcement,
            rules,
        } = embedded.spec;
        assert!(stamp.is_some() && user_namespaces.is_some() && workloads.is_some() && mirror_pods.is_some());
        assert!(platform.is_some() && enforcement.is_some());
        let Controllers { endpoints, certificates, routes, services, volumes, bindings } =
            controllers.unwrap();
        assert!(bindings.is_some() && volumes.is_some() && services.is_some());
        assert!(endpoints.is_some() && certificates.is_some() && routes.is_some());
        assert!(foreign_routes.is_some() && annotation_prefixes.is_some());
        assert!(
            annotation_domains.is_some()
                && workload_kinds.is_some()
                && login_hosts.is_some()
                && tolerations.is_some()
                && other_taints.is_some()
        );
        assert!(system_namespaces.is_some_and(|namespaces| !namespaces.is_empty()));
        for rule in RuleId::ALL {
            assert!(rules.contains_key(rule.as_str()), "{rule} is missing in {DEFAULT_PATH}");
        }
        assert_eq!(rules.len(), RuleId::COUNT);
    }

    #[test]
    fn the_embedded_settings_have_no_mistakes() {
        let mut mistakes = Mistakes::default();
        compile(&[], None, &mut mistakes);
        assert!(mistakes.finish().0.is_empty());
    }
}
