//! Compiles exemptions: finds their tenants, checks their targets, and drops expired ones.

use jiff::civil::Date;
use rustc_hash::FxHashMap;

use super::mistakes::{At, Mistakes, refuse_empty};
use super::names;
use super::namespaces::NamespaceOwners;
use super::objects::{Known, Named};
use crate::api::{ExemptionSpec, Target};
use crate::tenancy::judged::is_any_judged;
use crate::tenancy::{ExemptContainers, Exemption, ForeignRoute, NamespaceOwner, Tenant};

/// Compiles exemptions, and adds them to their tenants.
pub(super) struct Compiler<'c> {
    /// Sorted by name.
    pub(super) tenants: &'c mut [Tenant],
    pub(super) known: &'c Known<'c>,
    pub(super) owners: &'c NamespaceOwners,
    pub(super) foreign_routes: &'c [ForeignRoute],
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
            let exemption = exemption(object, self.foreign_routes, mistakes);
            let holds = self.holds(object, mistakes);
            match whose {
                _ if !holds => {}
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
            (Some(tenant), None) => self.tenant(at, tenant, mistakes).map(Whose::Tenant),
            (None, Some(namespace)) => self.namespace(at, namespace, mistakes).map(Whose::Namespace),
            (Some(_), Some(namespace)) => {
                let message =
                    "an Exemption is for a tenant or for a namespace outside tenants; remove one of the two";
                mistakes.error(at, "spec.namespace", namespace, message);
                None
            }
            (None, None) => {
                let message =
                    "an Exemption is for somebody; name a `tenant`, or a `namespace` outside tenants";
                mistakes.error_json(at, "spec.tenant", "", message);
                None
            }
        }
    }

    fn tenant(&self, at: &At, name: &str, mistakes: &mut Mistakes) -> Option<usize> {
        let found = self.tenants.binary_search_by(|tenant| (*tenant.name).cmp(name)).ok();
        if found.is_none() && !self.known.contains(name) {
            let suggestion = mistakes.suggest(name, self.tenants.iter().map(|tenant| &*tenant.name));
            mistakes.error(
                at,
                "spec.tenant",
                name,
                format!("there is no Tenant `{name}`{suggestion}; name one that is"),
            );
        }
        found
    }

    fn namespace(&self, at: &At, namespace: &str, mistakes: &mut Mistakes) -> Option<Box<str>> {
        let problem = if names::is_dns_label(namespace) {
            match self.owners.get(namespace) {
                None => return Some(namespace.into()),
                Some(NamespaceOwner::System) => {
                    "nothing is judged in a system namespace, so there is nothing to exempt; remove the Exemption"
                        .to_owned()
                }
                Some(NamespaceOwner::Tenant(index)) => {
                    let name = self.tenants.get(index).map_or("", |tenant| &*tenant.name);
                    format!("this namespace is tenant `{name}`'s; write `tenant: {name}` instead")
                }
            }
        } else {
            "this is no name of a namespace; write one exact name, no patterns".to_owned()
        };
        mistakes.error(at, "spec.namespace", namespace, problem);
        None
    }

    /// Returns whether the exemption has not expired.
    fn holds(&self, object: &Named<ExemptionSpec>, mistakes: &mut Mistakes) -> bool {
        const PATH: &str = "spec.expires";
        let Named { at, spec, .. } = object;
        let Some(last) = date(&spec.expires) else {
            let message = "this is no date; write the last day on which the Exemption holds as `YYYY-MM-DD`";
            mistakes.error(at, PATH, &spec.expires, message);
            return false;
        };
        if last < self.today {
            let message = format!(
                "this Exemption expired before {}, so it no longer holds; renew it, or remove it",
                self.today
            );
            mistakes.warn(at, PATH, &spec.expires, message);
        }
        last >= self.today
    }
}

/// Parses `YYYY-MM-DD` and nothing else: jiff alone would also accept a time after the date.
fn date(text: &str) -> Option<Date> {
    (text.len() == "YYYY-MM-DD".len()).then(|| text.parse().ok()).flatten()
}

fn exemption(
    object: &Named<ExemptionSpec>,
    foreign_routes: &[ForeignRoute],
    mistakes: &mut Mistakes,
) -> Exemption {
    let Named { at, name, spec } = object;
    if spec.reason.trim().is_empty() {
        let message = "an Exemption says why it exists; write a reason that still makes sense in a year";
        mistakes.error(at, "spec.reason", &spec.reason, message);
    }
    let mend = "name the rules that do not hold, or remove the Exemption";
    refuse_empty(&spec.rules, at, "spec.rules", mend, mistakes);
    let rules = spec
        .rules
        .iter()
        .enumerate()
        .filter_map(|(index, id)| mistakes.rule(at, &format!("spec.rules[{index}]"), id, id))
        .collect();
    Exemption {
        name: name.as_str().into(),
        rules,
        kind: spec.target.kind.as_str().into(),
        target: spec.target.name.as_str().into(),
        containers: containers(at, &spec.target, foreign_routes, mistakes),
    }
}

fn containers(
    at: &At,
    target: &Target,
    foreign_routes: &[ForeignRoute],
    mistakes: &mut Mistakes,
) -> ExemptContainers {
    for (path, value) in [("spec.target.kind", &target.kind), ("spec.target.name", &target.name)] {
        if value.trim().is_empty() {
            let message = "an Exemption is for one object; write its kind and its exact name";
            mistakes.error(at, path, value, message);
        }
    }
    if !target.kind.trim().is_empty() && !is_any_judged(&target.kind, foreign_routes) {
        let message = "no rule is about objects of this kind, so this exempts nothing; write the kind as Kubernetes \
             spells it, such as `DaemonSet`";
        mistakes.warn(at, "spec.target.kind", &target.kind, message);
    }
    match &target.containers {
        None => ExemptContainers::Whole,
        Some(containers) => {
            let mend = "name a container, or leave the field out: then all of them are meant";
            refuse_empty(containers, at, "spec.target.containers", mend, mistakes);
            ExemptContainers::Containers(containers.iter().collect())
        }
    }
}
