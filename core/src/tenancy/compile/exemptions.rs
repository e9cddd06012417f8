//! Compiles exemptions: finds their tenants, checks their targets, and drops expired ones.

use jiff::civil::Date;
use rustc_hash::FxHashMap;

use super::mistakes::{At, Mistakes, refuse_empty};
use super::names;
use super::namespaces::NamespaceOwners;
use super::objects::{Known, Named};
use crate::api::{ExemptionSpec, Target};
use crate::rule_id::{CONTROLS, RuleId, RuleSet};
use crate::tenancy::exemptions::{NOTICE, ends_soon};
use crate::tenancy::judged::{groups_of, has_pod, is_any_judged};
use crate::tenancy::{
    ExemptContainers, Exemption, ForeignRoute, ListedNames, NamespaceOwner, PinnedImage, Tenant, WorkloadKind,
};

/// Compiles exemptions, and adds them to their tenants.
pub(super) struct Compiler<'c> {
    /// Sorted by name.
    pub(super) tenants: &'c mut [Tenant],
    pub(super) known: &'c Known<'c>,
    pub(super) owners: &'c NamespaceOwners,
    pub(super) foreign_routes: &'c [ForeignRoute],
    pub(super) workload_kinds: &'c [WorkloadKind],
    pub(super) today: Date,
}

/// Names the tenant or namespace of an exemption.
enum Whose {
    Tenant(usize),
    Namespace(Box<str>),
}

impl Compiler<'_> {
    /// Compiles all exemptions, and returns those for namespaces, by namespace.
    pub(super) fn compile(
        self,
        objects: &[Named<ExemptionSpec>],
        mistakes: &mut Mistakes,
    ) -> FxHashMap<Box<str>, Vec<Exemption>> {
        let mut unclaimed: FxHashMap<Box<str>, Vec<Exemption>> = FxHashMap::default();
        for object in objects {
            let whose = self.whose(object, mistakes);
            let last_day = self.last_day(object, mistakes);
            let kinds = (self.foreign_routes, self.workload_kinds);
            let exemption = exemption(object, last_day.unwrap_or(self.today), kinds, mistakes);
            match whose {
                _ if last_day.is_none() => {}
                Some(Whose::Tenant(index)) => {
                    if let Some(tenant) = self.tenants.get_mut(index) {
                        tenant.exemptions.push(exemption);
                    }
                }
                Some(Whose::Namespace(namespace)) => unclaimed.entry(namespace).or_default().push(exemption),
                None => {}
            }
        }
        let by_target = |exemptions: &mut Vec<Exemption>| exemptions.sort_by(|a, b| a.target.cmp(&b.target));
        self.tenants.iter_mut().for_each(|tenant| by_target(&mut tenant.exemptions));
        unclaimed.values_mut().for_each(by_target);
        unclaimed
    }

    fn whose(&self, object: &Named<ExemptionSpec>, mistakes: &mut Mistakes) -> Option<Whose> {
        let Named { at, spec, .. } = object;
        match (&spec.tenant, &spec.namespace) {
            (Some(tenant), namespace) => {
                let index = self.tenant(at, tenant, mistakes)?;
                match namespace {
                    Some(namespace) => self.is_namespace_of(at, index, namespace, mistakes),
                    None => {
                        let message = "this Exemption holds in all namespaces of the tenant, for whatever has the \
                             target's name there; name the one `namespace` of the object";
                        mistakes.warn_json(at, "spec.namespace", "", message);
                    }
                }
                Some(Whose::Tenant(index))
            }
            (None, Some(namespace)) => self.namespace(at, namespace, mistakes).map(Whose::Namespace),
            (None, None) => {
                let message =
                    "an Exemption is for somebody; name a `tenant`, or a `namespace` outside tenants";
                mistakes.error_json(at, "spec.tenant", "", message);
                None
            }
        }
    }

    /// Adds an error if a namespace is not the tenant's.
    fn is_namespace_of(&self, at: &At, index: usize, namespace: &str, mistakes: &mut Mistakes) {
        if self.owners.get(namespace) != Some(NamespaceOwner::Tenant(index)) {
            let name = self.tenants.get(index).map_or("", |tenant| &*tenant.name);
            let message = format!(
                "this is none of tenant `{name}`'s namespaces; name one of them, or remove `tenant` for a namespace \
                 outside tenants"
            );
            mistakes.relation(at, "spec.namespace", namespace, message);
        }
    }

    fn tenant(&self, at: &At, name: &str, mistakes: &mut Mistakes) -> Option<usize> {
        let found = self.tenants.binary_search_by(|tenant| (*tenant.name).cmp(name)).ok();
        if found.is_none() && !self.known.contains(name) {
            let suggestion = mistakes.suggest(name, self.tenants.iter().map(|tenant| &*tenant.name));
            mistakes.relation(
                at,
                "spec.tenant",
                name,
                format!("there is no Tenant `{name}`{suggestion}; name one that is"),
            );
        }
        found
    }

    fn namespace(&self, at: &At, namespace: &str, mistakes: &mut Mistakes) -> Option<Box<str>> {
        if !names::is_dns_label(namespace) {
            let problem = "this is no name of a namespace; write one exact name, no patterns";
            mistakes.error(at, "spec.namespace", namespace, problem);
            return None;
        }
        let problem = match self.owners.get(namespace) {
            // In a cluster the Exemption of a denied namespace does not come here.
            None | Some(NamespaceOwner::Denied(_)) => return Some(namespace.into()),
            Some(NamespaceOwner::System) => {
                "nothing is judged in a system namespace, so there is nothing to exempt; remove the Exemption"
                    .to_owned()
            }
            Some(NamespaceOwner::Tenant(index)) => {
                let name = self.tenants.get(index).map_or("", |tenant| &*tenant.name);
                format!("this namespace is tenant `{name}`'s; write `tenant: {name}` beside it")
            }
        };
        mistakes.relation(at, "spec.namespace", namespace, problem);
        None
    }

    /// Returns the last day of the exemption, or `None` if it has expired.
    fn last_day(&self, object: &Named<ExemptionSpec>, mistakes: &mut Mistakes) -> Option<Date> {
        const PATH: &str = "spec.expires";
        let Named { at, spec, .. } = object;
        let Some(last) = date(&spec.expires) else {
            let message = "this is no date; write the last day on which the Exemption holds as `YYYY-MM-DD`";
            mistakes.error(at, PATH, &spec.expires, message);
            return None;
        };
        if last < self.today {
            let message = format!(
                "this Exemption expired before {}, so it no longer holds; renew it, or remove it",
                self.today
            );
            mistakes.warn(at, PATH, &spec.expires, message);
        } else if ends_soon(last, self.today) {
            let message = format!(
                "this Exemption ends within {NOTICE} days, and what it allows is denied from then on; renew it, or \
                 prepare for its end"
            );
            mistakes.warn(at, PATH, &spec.expires, message);
        }
        Some(last).filter(|last| *last >= self.today)
    }
}

/// Parses `YYYY-MM-DD` and nothing else: jiff alone would also accept a time after the date.
fn date(text: &str) -> Option<Date> {
    (text.len() == "YYYY-MM-DD".len()).then(|| text.parse().ok()).flatten()
}

fn exemption(
    object: &Named<ExemptionSpec>,
    last_day: Date,
    (foreign_routes, workload_kinds): (&[ForeignRoute], &[WorkloadKind]),
    mistakes: &mut Mistakes,
) -> Exemption {
    let Named { at, name, spec } = object;
    if spec.reason.trim().is_empty() {
        let message = "an Exemption says why it exists; write a reason that still makes sense in a year";
        mistakes.error(at, "spec.reason", &spec.reason, message);
    }
    let mend = "name the rules that do not hold, or remove the Exemption";
    refuse_empty(&spec.rules, at, "spec.rules", mend, mistakes);
    let rules: RuleSet = spec
        .rules
        .iter()
        .enumerate()
        .filter_map(|(index, id)| mistakes.rule(at, &format!("spec.rules[{index}]"), id, id))
        .collect();
    let kind = kind(at, &spec.target, (foreign_routes, workload_kinds), mistakes);
    let group = spec.target.group.as_deref();
    let is_target =
        |listed: &WorkloadKind| *listed.kind == *kind && group.is_none_or(|group| *listed.group == *group);
    let has_pod = has_pod(kind) || workload_kinds.iter().any(is_target);
    let containers = containers(at, spec, mistakes);
    if has_pod && spec.images.is_none() && spec.controls.is_none() && spec.target.name.is_some() {
        let message = "this Exemption is for whatever has the target's name, whatever it runs; list its `images`, or \
             the `controls` that it needs";
        mistakes.warn_json(at, "spec.images", "", message);
    }
    Exemption {
        name: name.as_str().into(),
        controls: controls(at, spec, rules, mistakes),
        images: images(at, spec, kind.is_empty() || has_pod, mistakes),
        host_paths: host_paths(at, spec, rules, mistakes),
        last_day,
        rules,
        namespace: spec.namespace.as_deref().map(Into::into),
        groups: groups(at, &spec.target, (kind, workload_kinds), mistakes),
        is_custom: workload_kinds.iter().any(is_target),
        kind: kind.into(),
        target: spec.target.name.as_deref().unwrap_or_default().into(),
        containers,
    }
}

/// Returns the kind of the exempt object, and adds errors for what does not name it.
fn kind<'t>(
    at: &At,
    target: &'t Target,
    (foreign_routes, workload_kinds): (&[ForeignRoute], &[WorkloadKind]),
    mistakes: &mut Mistakes,
) -> &'t str {
    const KIND: &str = "spec.target.kind";
    const NAME: &str = "spec.target.name";
    const OBJECT: &str = "an Exemption is for one object; write its kind and its exact name";
    let is_injected = target.container.is_some() && target.name.is_none();
    let kind = target.kind.as_deref().unwrap_or(if is_injected { "Pod" } else { "" });
    match &target.name {
        None if is_injected && kind == "Pod" => {}
        None if is_injected => {
            let message = "other webhooks add containers to pods; remove the kind, or name the object";
            mistakes.error(at, KIND, kind, message);
        }
        None => mistakes.error_json(at, NAME, "", OBJECT),
        Some(name) if name.trim().is_empty() => mistakes.error(at, NAME, name, OBJECT),
        Some(name) if name.contains(['*', '?']) => {
            mistakes.error(at, NAME, name, "this is no name of an object; write one exact name, no patterns");
        }
        Some(_) => {}
    }
    match &target.kind {
        None if !is_injected => mistakes.error_json(at, KIND, "", OBJECT),
        Some(kind) if kind.trim().is_empty() => mistakes.error(at, KIND, kind, OBJECT),
        None | Some(_) => {}
    }
    if !kind.trim().is_empty() && !is_any_judged(kind, foreign_routes, workload_kinds) {
        let message = "no rule is about objects of this kind, so this exempts nothing; write the kind as Kubernetes \
             spells it, such as `DaemonSet`, or list it in `workloadKinds` of the Settings, if its controller creates \
             pods";
        mistakes.warn(at, KIND, kind, message);
    }
    kind
}

/// Returns the groups of the kind; an empty list means any.
fn groups(
    at: &At,
    target: &Target,
    (kind, workload_kinds): (&str, &[WorkloadKind]),
    mistakes: &mut Mistakes,
) -> ListedNames {
    let Some(group) = &target.group else {
        let listed = workload_kinds.iter().filter(|listed| *listed.kind == *kind);
        let known = groups_of(kind).map(|group| -> &str { group });
        return known.chain(listed.map(|listed| &*listed.group)).collect();
    };
    if !group.is_empty() && !names::is_subdomain(group) {
        let message =
            "this is no API group; write it without a version, such as `apps`, or \"\" for the core group";
        mistakes.error(at, "spec.target.group", group, message);
    }
    ListedNames::from_iter([group])
}

fn containers(at: &At, spec: &ExemptionSpec, mistakes: &mut Mistakes) -> ExemptContainers {
    let Target { name, container, containers, .. } = &spec.target;
    if let Some(injected) = container {
        const PATH: &str = "spec.target.container";
        if name.is_some() {
            let message =
                "this is for a container of every pod; list containers of one object in `containers`";
            mistakes.error(at, PATH, injected, message);
        } else if containers.is_some() {
            let message =
                "write either `container`, for every pod, or `containers` of the object that `name` names";
            mistakes.error(at, PATH, injected, message);
        }
        if spec.images.is_none() {
            let message = "a tenant may give any container this name; list the `images` that run in it";
            mistakes.error_json(at, "spec.images", "", message);
        }
        if !names::is_dns_label(injected) {
            let message = "this is no name of a container; write one exact name, no patterns";
            mistakes.error(at, PATH, injected, message);
        }
        return ExemptContainers::Containers(ListedNames::from_iter([injected]));
    }
    match containers {
        None => ExemptContainers::Whole,
        Some(containers) => {
            let mend = "name a container, or leave the field out: then all of them are meant";
            refuse_empty(containers, at, "spec.target.containers", mend, mistakes);
            ExemptContainers::Containers(containers.iter().collect())
        }
    }
}

fn controls(at: &At, spec: &ExemptionSpec, rules: RuleSet, mistakes: &mut Mistakes) -> Option<ListedNames> {
    const PATH: &str = "spec.controls";
    let controls = spec.controls.as_ref()?;
    let mend = "name a control, or leave the field out: then all of them are meant";
    refuse_empty(controls, at, PATH, mend, mistakes);
    for (index, id) in controls.iter().enumerate().filter(|(_, id)| !CONTROLS.contains(&id.as_str())) {
        let suggestion = mistakes.suggest(id, CONTROLS.into_iter());
        let known = CONTROLS.map(|control| format!("`{control}`")).join(", ");
        let message = format!("there is no control `{id}`{suggestion}; the controls are {known}");
        mistakes.error(at, format!("{PATH}[{index}]"), id, message);
    }
    refuse_without_pod_security(at, PATH, controls, rules, mistakes);
    Some(controls.iter().collect())
}

fn host_paths(at: &At, spec: &ExemptionSpec, rules: RuleSet, mistakes: &mut Mistakes) -> Option<ListedNames> {
    const PATH: &str = "spec.hostPaths";
    let paths = spec.host_paths.as_ref()?;
    refuse_empty(paths, at, PATH, "name a path, or leave the field out: then it is any", mistakes);
    for (index, path) in paths.iter().enumerate() {
        if !path.starts_with('/') || path.split('/').any(|part| part == "..") || path.contains('*') {
            let message =
                "this is no path of a node; write one that begins with `/`, without `..` and patterns";
            mistakes.error(at, format!("{PATH}[{index}]"), path, message);
        }
    }
    refuse_without_pod_security(at, PATH, paths, rules, mistakes);
    Some(paths.iter().collect())
}

fn refuse_without_pod_security(
    at: &At,
    path: &str,
    written: &[String],
    rules: RuleSet,
    mistakes: &mut Mistakes,
) {
    if !rules.is_empty() && !rules.contains(RuleId::PodSecurity) {
        let message = "this narrows an exemption from `pod-security`, which `rules` does not list; add it there, or \
             remove the field";
        mistakes.error(at, path, written, message);
    }
}

fn images(at: &At, spec: &ExemptionSpec, has_pod: bool, mistakes: &mut Mistakes) -> Option<Vec<PinnedImage>> {
    const PATH: &str = "spec.images";
    let images = spec.images.as_ref()?;
    refuse_empty(images, at, PATH, "name an image, or leave the field out: then it is any", mistakes);
    if !has_pod {
        let message = "objects of this kind run no images, so that this exempts nothing; remove the field";
        mistakes.error(at, PATH, images, message);
    }
    let pinned = images.iter().enumerate().filter_map(|(index, text)| {
        let image = PinnedImage::parse(text);
        if image.is_none() {
            let message =
                "this is no image; write `registry.example.com/agent`, with or without a tag or a digest";
            mistakes.error(at, format!("{PATH}[{index}]"), text, message);
        }
        image
    });
    Some(pinned.collect())
}
