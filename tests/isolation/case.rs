//! A random case: a cluster, a pod somebody writes, what other webhooks do to it, who binds it, how it is updated.

use std::fmt;

use super::choices::Choices;
use super::kube::{Pod, Preferred, Requirement, Term, Toleration};
use super::pen::Pen;
use super::world::{DISK, UNCLAIMED, World};

#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) world: World,
    pub(crate) namespace: String,
    pub(crate) pod: Pod,
    /// The pod is the template of a DaemonSet, which wants a pod on the node of this place.
    pub(crate) daemon: Option<usize>,
    /// The changes of other webhooks before partywall stamps.
    pub(crate) before: Vec<Edit>,
    /// The changes of other webhooks afterwards.
    pub(crate) after: Vec<Edit>,
    /// True if partywall stamps once more after that.
    pub(crate) reinvoked: bool,
    pub(crate) binding: Option<Binding>,
    pub(crate) update: Vec<Edit>,
}

#[derive(Clone, Debug)]
pub(crate) struct Binding {
    pub(crate) user: &'static str,
    /// The node's place.
    pub(crate) target: usize,
    /// POSTed to `bindings`, and not to the pod's own subresource.
    pub(crate) is_legacy: bool,
}

/// The scheduler's user name.
pub(crate) const SCHEDULER: &str = "system:kube-scheduler";

/// A change of a pod, by another webhook or by an update.
#[derive(Clone, Debug)]
pub(crate) enum Edit {
    AddPreferred(Term),
    /// A requirement more in every term that is not empty.
    Narrow(Requirement),
    AddToleration(Toleration),
    AddLabel(String, String),
    RemoveGates,
    DropSelector,
    ReplaceSelector(&'static str, &'static str),
    DropAffinity,
    AddTerm(Term),
    ReplaceTerms(Vec<Term>),
    /// The first term loses its expressions.
    BareFirst,
    /// The required node affinity becomes a preferred one.
    Prefer,
    /// `In` lists more values.
    Widen(&'static [&'static str]),
    /// `In` becomes another operator.
    Weaken(&'static str, &'static str),
    DropTolerations,
    /// Tolerations of `NoExecute` get a time limit.
    Limit,
    SetNode(String),
    SetClass(&'static str),
}

impl Edit {
    /// Returns whether a webhook that makes this change does no harm to the placement of pods.
    pub(crate) fn is_harmless(&self) -> bool {
        match self {
            Self::AddPreferred(_) => true,
            Self::Narrow(Requirement { key, .. }) | Self::AddLabel(key, _) => key == DISK,
            Self::AddToleration(_)
            | Self::RemoveGates
            | Self::DropSelector
            | Self::ReplaceSelector(..)
            | Self::DropAffinity
            | Self::AddTerm(_)
            | Self::ReplaceTerms(_)
            | Self::BareFirst
            | Self::Prefer
            | Self::Widen(_)
            | Self::Weaken(..)
            | Self::DropTolerations
            | Self::Limit
            | Self::SetNode(_)
            | Self::SetClass(_) => false,
        }
    }

    /// Returns whether a queue makes this change of a pod that it holds back.
    pub(crate) fn is_of_queue(&self) -> bool {
        matches!(self, Self::AddLabel(..) | Self::AddToleration(_) | Self::RemoveGates)
    }

    pub(crate) fn apply(&self, pod: &mut Pod) {
        let every_in = |pod: &mut Pod, change: &dyn Fn(&mut Requirement)| {
            let terms = pod.terms_mut().into_iter().flatten();
            let all = terms.flat_map(|term| &mut term.match_expressions);
            all.filter(|requirement| requirement.operator == "In").for_each(change);
        };
        match self {
            Self::AddPreferred(term) => prefer(pod, term.clone()),
            Self::Narrow(requirement) => {
                for term in pod.terms_mut().into_iter().flatten().filter(|term| !term.is_empty()) {
                    term.match_expressions.push(requirement.clone());
                }
            }
            Self::AddToleration(toleration) => pod.tolerations.push(toleration.clone()),
            Self::AddLabel(key, value) => {
                pod.node_selector.entry(key.clone()).or_insert_with(|| value.clone());
            }
            Self::RemoveGates => pod.scheduling_gates.clear(),
            Self::DropSelector => pod.node_selector.clear(),
            Self::ReplaceSelector(key, value) => {
                pod.node_selector = [((*key).to_owned(), (*value).to_owned())].into();
            }
            Self::DropAffinity => pod.affinity = None,
            Self::AddTerm(term) => match pod.terms_mut() {
                Some(terms) => terms.push(term.clone()),
                None => pod.set_terms(vec![term.clone()]),
            },
            Self::ReplaceTerms(terms) => pod.set_terms(terms.clone()),
            Self::BareFirst => {
                if let Some(term) = pod.terms_mut().and_then(|terms| terms.first_mut()) {
                    term.match_expressions.clear();
                }
            }
            Self::Prefer => {
                let node_affinity =
                    pod.affinity.as_mut().and_then(|affinity| affinity.node_affinity.as_mut());
                let required = node_affinity.and_then(|affinity| affinity.required.take());
                for term in required.and_then(|required| required.node_selector_terms).into_iter().flatten() {
                    prefer(pod, term);
                }
            }
            Self::Widen(values) => every_in(pod, &|requirement| {
                requirement.values.extend(values.iter().map(|&value| value.to_owned()));
            }),
            Self::Weaken(operator, value) => every_in(pod, &|requirement| {
                let values: &[_] = if *operator == "Exists" { &[] } else { &[*value] };
                *requirement = Requirement::new(&requirement.key, operator, values);
            }),
            Self::DropTolerations => pod.tolerations.clear(),
            Self::Limit => {
                for toleration in &mut pod.tolerations {
                    "NoExecute".clone_into(&mut toleration.effect);
                    toleration.toleration_seconds = Some(60);
                }
            }
            Self::SetNode(node) => pod.node_name.clone_from(node),
            Self::SetClass(class) => (*class).clone_into(&mut pod.runtime_class_name),
        }
    }
}

fn prefer(pod: &mut Pod, preference: Term) {
    let node_affinity = pod.affinity.get_or_insert_default().node_affinity.get_or_insert_default();
    node_affinity.preferred.push(Preferred { weight: 1, preference });
}

impl Case {
    pub(crate) fn read(bytes: &[u8]) -> Self {
        let mut choices = Choices::new(bytes);
        let world = World::any(&mut choices);
        let choices = &mut choices;
        let place = choices.below(world.tenants.len() * 3 + 2);
        let owner =
            world.tenants.get(place % world.tenants.len()).filter(|_| place < world.tenants.len() * 3);
        let namespace = owner.map_or(UNCLAIMED, |tenant| &tenant.namespace).to_owned();
        let is_benign = !choices.chance(40);
        let pen = Pen { world: &world, owner, is_benign };
        let pod = pen.pod(choices);
        let daemon = choices.chance(15).then(|| choices.below(world.nodes.len()));
        let (mut before, mut after) = (Vec::new(), Vec::new());
        if choices.chance(45) {
            before.extend(choices.some(20, 1, |choices| pen.edit(choices)));
            if choices.chance(60) {
                after.extend(pen.undoing(choices));
            } else {
                after.extend(choices.some(80, 2, |choices| pen.edit(choices)));
            }
        }
        let reinvoked = choices.chance(40);
        let binding = choices.chance(35).then(|| Binding {
            user: choices.pick(&[SCHEDULER, "jane", "system:serviceaccount:free:kube-scheduler"]),
            target: choices.below(world.nodes.len()),
            is_legacy: choices.chance(50),
        });
        let update = if !pod.scheduling_gates.is_empty() && choices.chance(60) {
            pen.admission(choices)
        } else {
            choices.some(75, 2, |choices| pen.edit_of_update(choices))
        };
        Self { namespace, pod, daemon, before, after, reinvoked, binding, update, world }
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { world, namespace, pod, daemon, before, after, reinvoked, binding, update } = self;
        write!(f, "{world}")?;
        let what = if daemon.is_some() { "DaemonSet of" } else { "pod" };
        writeln!(f, "in {namespace}: {what} {pod}")?;
        writeln!(f, "daemon {daemon:?}, before {before:?}, after {after:?}, reinvoked {reinvoked}")?;
        writeln!(f, "binding {binding:?}, update {update:?}")
    }
}
