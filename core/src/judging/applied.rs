//! Decides which violations an exemption permits: which objects it is about, and which parts of them.

use std::cell::OnceCell;
use std::collections::{HashMap, HashSet};

use super::subject::Subject;
use super::trusted_users::{is_of_cluster, is_outside_tenants, is_workload_controller};
use crate::objects::container::Container;
use crate::objects::metadata::Metadata;
use crate::objects::pod::PodView;
use crate::objects::volume::Volume;
use crate::review::Operation;
use crate::rule_id::RuleId;
use crate::tenancy::{Exemption, ListedNames};

/// Names the part of an object that a finding is about, for exemptions of single containers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About<'d> {
    /// The whole object.
    Whole,
    /// One container, by name.
    Container(&'d str),
    /// One volume, by name, and with it the containers that mount it.
    Volume(&'d str),
}

/// Holds an exemption for an object, and what it pins of the object's containers and volumes.
///
/// The pins are computed once, so that the cost does not grow with violations times containers.
#[derive(Debug)]
pub(super) struct Applied<'f> {
    pub(super) exemption: &'f Exemption,
    pins: OnceCell<Pins<'f>>,
}

/// Holds the parts of a pod that an exemption is about.
///
/// Names are user input, so they are hashed with a random key: no tenant can choose names that collide.
#[derive(Debug, Default)]
struct Pins<'f> {
    /// True if it is about every container.
    is_whole: bool,
    /// The containers that it is not about, by name.
    others: HashSet<&'f str>,
    /// True, for a volume by its name, if it is about every container that mounts the volume.
    mounted: HashMap<&'f str, bool>,
    /// The volumes whose path or image it does not list.
    unlisted: HashSet<&'f str>,
}

impl<'f> Applied<'f> {
    /// Returns the exemptions that apply to the subject's object, found by the names that it bears and its owners bear.
    pub(super) fn of(exemptions: &'f [Exemption], subject: &Subject<'_, '_>) -> Vec<Self> {
        if exemptions.is_empty() { Vec::new() } else { Self::named(exemptions, subject) }
    }

    #[inline(never)]
    fn named(exemptions: &'f [Exemption], subject: &Subject<'_, '_>) -> Vec<Self> {
        let Some(metadata) = subject.object.metadata() else { return Vec::new() };
        let request = subject.request;
        let name: &str = if request.name.is_empty() { &metadata.name } else { &request.name };
        let owners = targets_of_owners(metadata).filter(|_| may_inherit(subject, true));
        // An exemption without the name of a target is about every pod.
        let targets = ["", name].into_iter().chain(owners);
        Self::at(exemptions, targets, |exemption| exemption.is_about(subject))
    }

    /// Returns the exemptions of the owners that the old object of an update has.
    ///
    /// They permit only violations that the old object has too. So a pod of an exempt DaemonSet can get a debug
    /// container or another image, within what the exemption pins, and a new owner reference permits nothing.
    pub(super) fn of_owners(
        exemptions: &'f [Exemption],
        subject: &Subject<'_, '_>,
        old: &Metadata<'_>,
    ) -> Vec<Self> {
        let namespace = &*subject.request.namespace;
        Self::at(exemptions, targets_of_owners(old), |exemption| {
            exemption.is_in(namespace) && exemption.is_about_owner_of(old)
        })
    }

    fn at<'t>(
        exemptions: &'f [Exemption],
        targets: impl Iterator<Item = &'t str>,
        is_about: impl Fn(&Exemption) -> bool,
    ) -> Vec<Self> {
        let mut applied: Vec<Self> = Vec::new();
        for target in targets {
            if applied.iter().any(|known| *known.exemption.target == *target) {
                continue;
            }
            let of_target = Exemption::of_target(exemptions, target);
            let about = of_target.iter().filter(|exemption| is_about(exemption));
            applied.extend(about.map(|exemption| Self { exemption, pins: OnceCell::new() }));
        }
        applied
    }

    /// Forgets what it pins of a pod, since another one comes next.
    pub(super) fn forget_pins(&mut self) {
        self.pins = OnceCell::new();
    }

    /// Returns whether the exemption permits a violation of `rule`.
    ///
    /// An exemption of single containers or images permits a violation that concerns the whole pod or a volume only if
    /// it is about every container involved, so that it never covers a container that somebody adds later.
    pub(super) fn covers(
        &self,
        rule: RuleId,
        control: Option<&str>,
        about: About<'_>,
        pod: Option<&PodView<'f, 'f>>,
    ) -> bool {
        let Exemption { rules, controls, .. } = self.exemption;
        let is_other_control = || {
            let listed = |controls: &ListedNames| control.is_some_and(|id| controls.contains(id));
            rule == RuleId::PodSecurity && !controls.as_ref().is_none_or(listed)
        };
        if !rules.contains(rule) || is_other_control() {
            return false;
        }
        if self.exemption.is_whole() {
            return true;
        }
        let Some(pod) = pod else { return false };
        let pins = self.pins.get_or_init(|| Pins::of(self.exemption, pod));
        match about {
            About::Container(name) => !pins.others.contains(name),
            // A volume that no container mounts belongs to none of the named containers.
            About::Volume(volume) => {
                let is_mounted = pins.mounted.get(volume).copied();
                is_mounted.unwrap_or(!self.exemption.is_of_containers()) && !pins.unlisted.contains(volume)
            }
            About::Whole => pins.is_whole,
        }
    }
}

impl<'f> Pins<'f> {
    fn of(exemption: &Exemption, pod: &PodView<'f, 'f>) -> Self {
        let mut pins = Self { is_whole: true, ..Self::default() };
        for placed in pod.spec.containers() {
            let container = placed.container;
            let is_about = exemption.is_about_container(container);
            if !is_about {
                pins.is_whole = false;
                pins.others.insert(&container.name);
            }
            for mount in &container.volume_mounts {
                *pins.mounted.entry(&mount.name).or_insert(true) &= is_about;
            }
        }
        let unlisted = pod.spec.volumes.iter().filter(|volume| !exemption.lists_volume(volume));
        pins.unlisted = unlisted.map(|volume| &*volume.name).collect();
        pins
    }
}

impl Exemption {
    /// Returns whether it is about all of an object, whatever its images and paths.
    fn is_whole(&self) -> bool {
        !self.is_of_containers() && self.host_paths.is_none()
    }

    fn is_of_containers(&self) -> bool {
        self.images.is_some() || !self.containers.is_whole()
    }

    fn is_about_container(&self, container: &Container<'_>) -> bool {
        self.containers.includes(&container.name) && self.lists_image(&container.image)
    }

    fn lists_image(&self, image: &str) -> bool {
        self.images.as_ref().is_none_or(|images| images.iter().any(|listed| listed.is(image)))
    }

    fn lists_volume(&self, volume: &Volume<'_>) -> bool {
        let lists_path = volume.host_path.as_ref().is_none_or(|host| self.lists_path(&host.path));
        lists_path && volume.image.as_ref().is_none_or(|image| self.lists_image(&image.reference))
    }

    /// Returns whether a path of a node is one of the listed ones or below it.
    ///
    /// The API server refuses `..` in a path; here it is on no list.
    fn lists_path(&self, path: &str) -> bool {
        let Some(listed) = &self.host_paths else { return true };
        let holds = |listed: &str| {
            let mut own = parts(path);
            parts(listed).all(|part| own.next() == Some(part))
        };
        parts(path).all(|part| part != "..") && listed.iter().any(|listed| holds(listed))
    }

    /// Returns whether the object is the exemption's target, or is created from it by a controller.
    ///
    /// Tenants can write names and owner references themselves. An owner reference counts only when a controller of the
    /// control plane creates the object, and even then it proves no more than a name: what an exemption pins holds for
    /// every object. An update of such an object needs no exemption for the violations that the old object had, except
    /// where containers change ([`Applied::of_owners`]), and gets none for new ones.
    fn is_about(&self, subject: &Subject<'_, '_>) -> bool {
        let request = subject.request;
        let Some(metadata) = subject.object.metadata() else { return false };
        if !self.is_in(&request.namespace) {
            return false;
        }
        let name = if request.name.is_empty() { &metadata.name } else { &request.name };
        let is_target = self.target.is_empty() || **name == *self.target;
        if *request.kind_name == *self.kind && self.has_group(&request.group) && is_target {
            return true;
        }
        may_inherit(subject, self.is_custom) && self.is_about_owner_of(metadata)
    }

    fn is_in(&self, namespace: &str) -> bool {
        self.namespace.as_ref().is_none_or(|own| **own == *namespace)
    }

    /// Returns whether the metadata of an object names the exemption's target as the owner, or what it owns.
    fn is_about_owner_of(&self, metadata: &Metadata<'_>) -> bool {
        metadata.owner_references.iter().filter(|owner| owner.controller).any(|owner| {
            let group = owner.api_version.split_once('/').map_or("", |(group, _)| group);
            if *owner.kind == *self.kind {
                self.has_group(group) && *owner.name == *self.target
            } else {
                let suffix = self.suffix_of_owned(group, &owner.kind, &owner.name);
                suffix.is_some_and(|suffix| is_labelled(metadata, &owner.kind, suffix))
            }
        })
    }

    fn has_group(&self, group: &str) -> bool {
        self.groups.is_empty() || self.groups.contains(group)
    }

    /// Returns the end of a name that a controller would give to an object that it creates for the target.
    ///
    /// That is the hash of a template for a ReplicaSet of the target Deployment, and a minute for a Job of the target
    /// CronJob.
    fn suffix_of_owned<'n>(&self, group: &str, kind: &str, name: &'n str) -> Option<&'n str> {
        let suffix =
            name.strip_prefix(&*self.target)?.strip_prefix('-').filter(|suffix| !suffix.is_empty())?;
        let is_generated = match (&*self.kind, group, kind) {
            ("Deployment", "apps", "ReplicaSet") => is_hash(suffix),
            ("CronJob", "batch", "Job") => suffix.bytes().all(|byte| byte.is_ascii_digit()),
            // Argo's Rollout and others keep the revisions of their pods in ReplicaSets, with a hash of the same form.
            (_, "apps", "ReplicaSet") if self.is_custom => is_hash(suffix),
            _ => false,
        };
        (is_generated && !self.target.is_empty()).then_some(suffix)
    }
}

/// Returns whether a text may be the hash of a template at the end of a ReplicaSet's name.
///
/// The alphabet is that of `SafeEncodeString` in k8s.io/apimachinery/pkg/util/rand.
fn is_hash(text: &str) -> bool {
    text.len() <= 10 && text.bytes().all(|byte| b"bcdfghjklmnpqrstvwxz2456789".contains(&byte))
}

/// Returns whether the object may have the exemptions of its owners: a controller creates it.
///
/// That is one of the control plane, or for an owner of a kind that Settings list one that runs outside of tenants.
fn may_inherit(subject: &Subject<'_, '_>, is_custom: bool) -> bool {
    let user = &subject.request.user;
    matches!(subject.request.operation, Operation::Create { .. })
        && (is_workload_controller(&user.username)
            || (is_custom && is_outside_tenants(user, subject.snapshot)))
}

/// Returns the names that the owners of an object bear, and those that the owners of these may bear.
fn targets_of_owners<'m>(metadata: &'m Metadata<'_>) -> impl Iterator<Item = &'m str> {
    metadata.owner_references.iter().filter(|owner| owner.controller).flat_map(|owner| {
        let target = owner.name.rsplit_once('-').map(|(target, _)| target);
        std::iter::once(&*owner.name).chain(target)
    })
}

fn parts(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|part| !matches!(*part, "" | "."))
}

/// The labels by which Deployments and Argo's Rollouts tell the pods of their ReplicaSets apart.
const HASHES: [&str; 2] = ["pod-template-hash", "rollouts-pod-template-hash"];

/// Returns whether a pod of a ReplicaSet has the label that the controller of the ReplicaSet's owner gives it.
fn is_labelled(metadata: &Metadata<'_>, owner: &str, suffix: &str) -> bool {
    owner != "ReplicaSet"
        || metadata
            .decoded_labels()
            .is_some_and(|labels| HASHES.iter().any(|key| labels.get(key) == Some(suffix)))
}

/// Returns whether the pods of the object would have an exemption of an owner that did not create it.
///
/// Its pods show only the object's name. So its template is judged like a pod, unless a controller writes it: for
/// example a ReplicaSet `web-5d4f8` where the Deployment `web` is exempt.
pub(super) fn imitates_owned(exemptions: &[Exemption], subject: &Subject<'_, '_>) -> bool {
    let request = subject.request;
    let Some(metadata) = subject.object.metadata() else { return false };
    let name: &str = if request.name.is_empty() { &metadata.name } else { &request.name };
    let is_owned =
        |exemption: &Exemption| exemption.suffix_of_owned(&request.group, &request.kind_name, name).is_some();
    let is_by_controller = |exemption: &Exemption| {
        is_workload_controller(&request.user.username)
            || is_of_cluster(&request.user, subject.snapshot)
            || (exemption.is_custom && is_outside_tenants(&request.user, subject.snapshot))
    };
    let target = name.rsplit_once('-').map_or("", |(target, _)| target);
    matches!(&*request.kind_name, "ReplicaSet" | "Job")
        && Exemption::of_target(exemptions, target)
            .iter()
            .any(|exemption| is_owned(exemption) && !is_by_controller(exemption))
}
