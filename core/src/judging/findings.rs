//! From what rules find to what is reported: less what was there before, less what is exempt.

use std::collections::HashSet;
use std::fmt;

use super::subject::Subject;
use super::users::is_workload_controller;
use crate::api::{Mode, Workloads};
use crate::objects::pod::{Extent, Placed, PodView};
use crate::review::Operation;
use crate::rule_id::{Modes, RuleId};
use crate::tenancy::{Exemption, Reach};
use crate::verdict::{Total, Violation};

/// What a rule found. Nothing of it is written out before somebody wants to read it: a hostile object may violate
/// a rule a hundred thousand times.
pub struct Finding<'d> {
    /// The control of the Pod Security Standards, for `pod-security`.
    pub control: Option<&'static str>,
    /// The path of the field in the object.
    pub field: &'d dyn fmt::Display,
    /// What is wrong and how to mend it.
    pub message: &'d dyn fmt::Display,
    /// What it is by value: the same in the old object and the new one, whatever its index has become.
    pub identity: &'d dyn fmt::Display,
    /// What of the object it is about.
    pub concern: Concern<'d>,
}

/// What of an object a finding is about, for exemptions that are limited to containers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Concern<'d> {
    /// All of it.
    Whole,
    /// One container, by name.
    Container(&'d str),
    /// One volume, by name, and so the containers that mount it.
    Volume(&'d str),
}

/// How many violations of one rule an answer names, and one of each control beyond; the others are counted.
const REPORTED: usize = 100;

/// Takes what the rules find, one rule after the other.
pub struct Findings<'f> {
    rule: RuleId,
    sink: &'f mut dyn Sink,
}

impl<'f> Findings<'f> {
    /// Findings that go to `sink`.
    pub(crate) fn to(sink: &'f mut dyn Sink) -> Self {
        Self { rule: RuleId::NodePlacement, sink }
    }

    /// Turns to `rule`; false: it is off.
    pub(crate) fn begin(&mut self, rule: RuleId) -> bool {
        self.rule = rule;
        self.sink.mode(rule) != Mode::Off
    }

    /// Whether this is about an object as it was. Then nothing may be left out because something graver was
    /// found: the new object may have the one without the other.
    pub fn is_of_the_past(&self) -> bool {
        self.sink.is_of_the_past()
    }

    /// Takes a finding that is about all of the object; whether it counts, as [`Self::add`] does.
    pub fn add_whole(
        &mut self,
        field: &dyn fmt::Display,
        message: &dyn fmt::Display,
        identity: &dyn fmt::Display,
    ) -> bool {
        self.add(Finding { control: None, field, message, identity, concern: Concern::Whole })
    }

    /// Takes a finding; whether it counts: it is new and not exempt.
    pub fn add(&mut self, finding: Finding<'_>) -> bool {
        self.sink.take(self.rule, finding)
    }
}

/// Where findings go: they are remembered of an old object, and reported of a new one.
pub(crate) trait Sink {
    /// The mode of a rule.
    fn mode(&self, rule: RuleId) -> Mode;
    /// Whether the object is one as it was.
    fn is_of_the_past(&self) -> bool;
    /// Takes a finding of a rule; whether it counts.
    fn take(&mut self, rule: RuleId, finding: Finding<'_>) -> bool;
}

/// What the old object violates, by value.
#[derive(Debug, Default)]
pub(crate) struct Before(HashSet<(RuleId, Option<&'static str>, String)>);

impl Sink for Before {
    fn mode(&self, _: RuleId) -> Mode {
        Mode::Deny
    }

    fn is_of_the_past(&self) -> bool {
        true
    }

    fn take(&mut self, rule: RuleId, finding: Finding<'_>) -> bool {
        self.0.insert((rule, finding.control, finding.identity.to_string()));
        false
    }
}

/// What an update starts from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Update<'f> {
    /// What the object violates as it is.
    pub(crate) before: &'f Before,
    /// Whether `pod-security` judges the pod in full, whatever was there before.
    pub(crate) in_full: bool,
}

/// What is reported of a new object.
#[derive(Debug)]
pub(crate) struct Report<'f> {
    modes: &'f Modes,
    /// What templates are held to, if the object is one.
    template: Option<Workloads>,
    /// The exemptions that are about this object.
    exemptions: Vec<&'f Exemption>,
    pod: Option<PodView<'f, 'f>>,
    update: Option<Update<'f>>,
    /// What is reported.
    pub(crate) violations: Vec<Violation>,
    /// How often each rule is violated that is.
    pub(crate) totals: Vec<Total>,
    /// The exemptions that were used.
    pub(crate) used: Vec<Box<str>>,
}

impl<'f> Report<'f> {
    /// A report on `subject`; of an update what was there before, and so is not reported again.
    pub(crate) fn new(subject: &Subject<'f, 'f>, update: Option<Update<'f>>) -> Self {
        let Subject { owner, snapshot, request, .. } = *subject;
        let pod = subject.pod();
        let exemptions = snapshot.exemptions(owner, &request.namespace);
        Self {
            modes: snapshot.modes(owner),
            template: pod.is_some_and(|pod| pod.extent == Extent::Template).then_some(snapshot.workloads),
            exemptions: exemptions.iter().filter(|exemption| exemption.is_about(subject)).collect(),
            pod,
            update,
            violations: Vec::new(),
            totals: Vec::new(),
            used: Vec::new(),
        }
    }

    fn is_old(&self, rule: RuleId, finding: &Finding<'_>) -> bool {
        self.update.is_some_and(|Update { before, in_full }| {
            let in_full = in_full && rule == RuleId::PodSecurity;
            !in_full && before.0.contains(&(rule, finding.control, finding.identity.to_string()))
        })
    }

    /// Counts a violation; how many of its rule there were before it.
    fn count(&mut self, rule: RuleId, mode: Mode) -> usize {
        // The rules come one after the other, so the last total is this rule's or there is none yet.
        match self.totals.last_mut().filter(|total| total.rule == rule) {
            Some(total) => {
                total.violations += 1;
                total.violations - 1
            }
            None => {
                self.totals.push(Total { rule, mode, violations: 1 });
                0
            }
        }
    }
}

impl Sink for Report<'_> {
    fn mode(&self, rule: RuleId) -> Mode {
        match self.template {
            Some(workloads) => self.modes.of_template(rule, workloads),
            None => self.modes.of(rule),
        }
    }

    fn is_of_the_past(&self) -> bool {
        false
    }

    fn take(&mut self, rule: RuleId, finding: Finding<'_>) -> bool {
        if self.is_old(rule, &finding) {
            return false;
        }
        let covers = |exemption: &&&Exemption| exemption.covers(rule, finding.concern, self.pod.as_ref());
        if let Some(exemption) = self.exemptions.iter().find(covers) {
            if !self.used.contains(&exemption.name) {
                self.used.push(exemption.name.clone());
            }
            return false;
        }
        let mode = self.mode(rule);
        // The controls come one after the other as well.
        let last = self.violations.last().filter(|last| last.rule == rule);
        let is_first_of_control = last.is_some_and(|last| last.control != finding.control);
        // Counted by rule, so that a rule that only warns cannot crowd out what another denies for; and no control
        // crowds out another.
        if self.count(rule, mode) < REPORTED || is_first_of_control {
            self.violations.push(Violation {
                rule,
                control: finding.control,
                mode,
                field: finding.field.to_string(),
                message: finding.message.to_string(),
            });
        }
        true
    }
}

impl Exemption {
    /// Whether the exemption is about the subject's object: the target itself, or a pod that the target's
    /// controller makes. Owner references are the tenant's to write, so they count only when the controller
    /// itself creates the object. On an update they need not count: what the object was let in with is not
    /// reported again, and more than that is not part of the bargain.
    fn is_about(&self, subject: &Subject<'_, '_>) -> bool {
        let request = subject.request;
        let Some(metadata) = subject.object.metadata() else { return false };
        let name = if request.name.is_empty() { &metadata.name } else { &request.name };
        if *request.kind_name == *self.kind && **name == *self.target {
            return true;
        }
        matches!(request.operation, Operation::Create { .. })
            && is_workload_controller(&request.user.username)
            && (metadata.owner_references.iter())
                .any(|owner| owner.controller && self.is_made_by(&owner.kind, &owner.name))
    }

    /// Whether an object whose controller is `kind` `name` is the target's doing: directly, or through the
    /// ReplicaSet of a Deployment or the Job of a CronJob.
    fn is_made_by(&self, kind: &str, name: &str) -> bool {
        if *kind == *self.kind {
            return *name == *self.target;
        }
        let between = matches!((&*self.kind, kind), ("Deployment", "ReplicaSet") | ("CronJob", "Job"));
        let generated = name.strip_prefix(&*self.target).and_then(|rest| rest.strip_prefix('-'));
        between && generated.is_some_and(|rest| !rest.is_empty() && !rest.contains('-'))
    }

    /// Whether it lets a violation of `rule` through. What concerns the whole pod is only let through where
    /// every container it touches is meant: a sidecar that somebody adds later was not part of the bargain.
    fn covers(&self, rule: RuleId, concern: Concern<'_>, pod: Option<&PodView<'_, '_>>) -> bool {
        if !self.rules.contains(rule) {
            return false;
        }
        match (&self.reach, concern) {
            (Reach::Whole, _) => true,
            (Reach::Containers(_), Concern::Container(name)) => self.reach.includes(name),
            (Reach::Containers(_), Concern::Volume(volume)) => pod.is_some_and(|pod| {
                let mounts = |placed: &Placed<'_, '_>| {
                    placed.container.volume_mounts.iter().any(|mount| *mount.name == *volume)
                };
                let mut mounting = pod.spec.containers().filter(mounts).peekable();
                // What nobody mounts is nobody's who is named.
                mounting.peek().is_some()
                    && mounting.all(|placed| self.reach.includes(&placed.container.name))
            }),
            (Reach::Containers(_), Concern::Whole) => pod.is_some_and(|pod| {
                pod.spec.containers().all(|placed| self.reach.includes(&placed.container.name))
            }),
        }
    }
}
