//! Turns the rules' findings into violations, except those of the old object and exempt ones.

use std::fmt;

use rustc_hash::FxHashSet;

use super::applied::{About, Applied, imitates_owned};
use super::identity::Fingerprint;
use super::subject::Subject;
use crate::api::{Enforcement, Mode, Workloads};
use crate::json::Escaped;
use crate::objects::metadata::Metadata;
use crate::objects::pod::{Extent, PodView};
use crate::rule_id::{Modes, RuleId};
use crate::tenancy::Owner;
use crate::verdict::{Part, Total, Violation};
use crate::work;

/// Holds one violation that a rule found, before modes and exemptions apply.
///
/// Its texts are formatted only if the finding is reported or compared, because a hostile object can violate a rule a
/// hundred thousand times.
pub struct Finding<'d> {
    /// The control of the Pod Security Standards; only `pod-security` has controls.
    pub control: Option<&'static str>,
    /// The path of the field in the object.
    pub field: &'d dyn fmt::Display,
    /// The message: what is wrong and how to correct it.
    pub message: &'d dyn fmt::Display,
    /// The text that identifies the violation in the old and the new object; it contains values and no index.
    pub identity: &'d dyn fmt::Display,
    /// The part of the object that the finding is about.
    pub about: About<'d>,
}

/// The work that a finding is charged.
const FINDING: usize = 4;

/// Limits how many violations of one rule an answer lists; the answer counts the others.
///
/// Beyond the limit it still lists the first violation of each control.
const REPORTED: usize = 100;

/// Collects the findings of one rule.
pub struct Findings<'f> {
    rule: RuleId,
    /// The value of the tenants whose pools the next findings are about, if they are about pools.
    reached: Option<Enforcement>,
    sink: &'f mut dyn Sink,
}

impl<'f> Findings<'f> {
    /// Returns the collector that passes the findings of `rule` to `sink`, or `None` if the rule is off.
    pub(crate) fn of(rule: RuleId, sink: &'f mut dyn Sink) -> Option<Self> {
        (sink.mode(rule) != Mode::Off).then_some(Self { rule, reached: None, sink })
    }

    /// Returns a collector of findings about who reaches pools: they are judged at the value of the pools' tenants.
    ///
    /// `None` means that they reach no pool of others.
    pub(crate) fn reaching(&mut self, value: Option<Enforcement>) -> Findings<'_> {
        Findings { rule: self.rule, reached: value, sink: &mut *self.sink }
    }

    /// Returns whether the rules are judging the old object of an update.
    ///
    /// A rule must then report every finding, even if it has found a more serious one: the new object may have only the
    /// less serious one.
    pub(crate) fn is_old_object(&self) -> bool {
        self.sink.is_old_object()
    }

    /// Adds a finding about the whole object; returns whether it counts, as [`Self::add`] does.
    pub(crate) fn add_whole(
        &mut self,
        field: &dyn fmt::Display,
        message: &dyn fmt::Display,
        identity: &dyn fmt::Display,
    ) -> bool {
        self.add(Finding { control: None, field, message, identity, about: About::Whole })
    }

    /// Returns whether an update brings what `identity` says, which is no violation by itself.
    ///
    /// A violation that counts once in each of several places can be compared without the product of both: the rule
    /// asks whether a place is new, and then says so in the identities of the violations.
    pub(crate) fn is_new(&mut self, identity: &dyn fmt::Display) -> bool {
        self.sink.is_new(self.rule, identity)
    }

    /// Tells that the next findings are about the template with this index, or about the object again.
    pub(crate) fn turn_to(&mut self, template: Option<usize>) {
        self.sink.turn_to(template);
    }

    /// Adds a finding; returns whether it counts: whether it is new and not exempt.
    pub fn add(&mut self, finding: Finding<'_>) -> bool {
        self.sink.take(self.rule, self.reached, finding)
    }
}

/// Receives findings.
///
/// [`OldViolations`] records those of an old object, and [`Report`] reports those of a new one.
pub(crate) trait Sink {
    /// Returns the mode of a rule.
    fn mode(&self, rule: RuleId) -> Mode;
    /// Returns whether the object is the old one of an update.
    fn is_old_object(&self) -> bool;
    /// Takes a finding of a rule; returns whether it counts.
    ///
    /// `reached` is the value of the tenants whose pools it is about.
    fn take(&mut self, rule: RuleId, reached: Option<Enforcement>, finding: Finding<'_>) -> bool;
    /// Returns whether the old object of an update lacks what `identity` says; records it if this is the old object.
    fn is_new(&mut self, rule: RuleId, identity: &dyn fmt::Display) -> bool;
    /// Takes the next findings as findings about the template with this index, or about the object again.
    fn turn_to(&mut self, template: Option<usize>);
}

/// Records the violations of the old object, by the hashes of their identities.
///
/// All are recorded, however many there are: a violation that is left out would deny an update that changes nothing.
#[derive(Debug, Default)]
pub(crate) struct OldViolations(FxHashSet<Fingerprint>);

impl OldViolations {
    fn fingerprint(rule: RuleId, control: Option<&'static str>, identity: &dyn fmt::Display) -> Fingerprint {
        Fingerprint::of(&format_args!("{rule}\0{}\0{identity}", control.unwrap_or_default()))
    }
}

impl Sink for OldViolations {
    fn mode(&self, _: RuleId) -> Mode {
        Mode::Deny
    }

    fn is_old_object(&self) -> bool {
        true
    }

    fn take(&mut self, rule: RuleId, _: Option<Enforcement>, finding: Finding<'_>) -> bool {
        work::charge(FINDING);
        self.0.insert(Self::fingerprint(rule, finding.control, finding.identity));
        false
    }

    fn is_new(&mut self, rule: RuleId, identity: &dyn fmt::Display) -> bool {
        self.0.insert(Self::fingerprint(rule, None, identity));
        false
    }

    fn turn_to(&mut self, _: Option<usize>) {}
}

/// Describes the old object of an update.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Update<'f> {
    /// The violations of the old object.
    pub(crate) old: &'f OldViolations,
    /// True if `pod-security` reports old violations too, because the update changes containers.
    pub(crate) in_full: bool,
    /// The metadata of the old object.
    pub(crate) metadata: Option<&'f Metadata<'f>>,
}

/// Collects the violations of a new object.
#[derive(Debug)]
pub(crate) struct Report<'f> {
    /// The modes without a limit by the enforcement.
    modes: &'f Modes,
    /// The value of the namespace's owner.
    enforcement: Enforcement,
    is_of_tenant: bool,
    /// The cap on the modes of rules for pod templates, if the object contains a template.
    template: Option<Workloads>,
    /// The exemptions for this object.
    exemptions: Vec<Applied<'f>>,
    /// The exemptions of its old owners, for what `pod-security` reports again.
    inherited: Vec<Applied<'f>>,
    pod: Option<PodView<'f, 'f>>,
    /// The templates of the object, with the cap that holds for each of them.
    templates: (&'f [PodView<'f, 'f>], Workloads),
    /// The values that `template` and `pod` get back when the findings are about the object again.
    of_object: (Option<Workloads>, Option<PodView<'f, 'f>>),
    is_of_object: bool,
    update: Option<Update<'f>>,
    /// The violations that the answer lists.
    pub(crate) violations: Vec<Violation>,
    /// The number of violations of each rule that has some.
    pub(crate) totals: Vec<Total>,
    /// The names of the exemptions that applied.
    pub(crate) used: Vec<Box<str>>,
}

impl<'f> Report<'f> {
    /// Returns an empty report on `subject`, which leaves out the violations of an update's old object.
    pub(crate) fn new(subject: &Subject<'f, 'f>, update: Option<Update<'f>>) -> Self {
        let Subject { owner, snapshot, request, .. } = *subject;
        let pod = subject.pod();
        // Outside tenants partywall judges templates only to tell people early why their pods will be denied.
        let workloads = match (owner, snapshot.workloads) {
            (Owner::Unclaimed, Workloads::Deny) => Workloads::Warn,
            (_, workloads) => workloads,
        };
        let exemptions = snapshot.exemptions(owner, &request.namespace);
        let workloads = if imitates_owned(exemptions, subject) { Workloads::Deny } else { workloads };
        let template = pod.is_some_and(|pod| pod.extent == Extent::Template).then_some(workloads);
        Self {
            modes: snapshot.uncapped_modes(owner),
            enforcement: snapshot.enforcement(owner),
            is_of_tenant: subject.tenant().is_some(),
            template,
            exemptions: Applied::of(exemptions, subject),
            inherited: match update.filter(|update| update.in_full).and_then(|update| update.metadata) {
                Some(old) if !exemptions.is_empty() => Applied::of_owners(exemptions, subject, old),
                Some(_) | None => Vec::new(),
            },
            pod,
            templates: (subject.templates, workloads),
            of_object: (template, pod),
            is_of_object: true,
            update,
            violations: Vec::new(),
            totals: Vec::new(),
            used: Vec::new(),
        }
    }

    /// Returns whether the old object of an update has the violation too.
    fn is_old(&self, rule: RuleId, finding: &Finding<'_>) -> bool {
        self.update.is_some_and(|Update { old, .. }| {
            old.0.contains(&OldViolations::fingerprint(rule, finding.control, finding.identity))
        })
    }

    /// Returns whether a rule reports the violations of the old object too.
    fn is_in_full(&self, rule: RuleId) -> bool {
        self.update.is_some_and(|update| update.in_full) && rule.judges_changed_containers_in_full()
    }

    /// Returns the value at which a finding is judged that is about pools of tenants with the value `reached`.
    ///
    /// A tenant's pod is judged at its own tenant's value at least.
    fn value_for(&self, reached: Option<Enforcement>) -> Enforcement {
        match reached {
            Some(value) if self.is_of_tenant => value.max(self.enforcement),
            Some(value) => value,
            None => self.enforcement,
        }
    }

    fn mode_of(&self, rule: RuleId, value: Enforcement) -> Mode {
        let mode = match self.template {
            Some(workloads) => self.modes.of_template(rule, workloads),
            None => self.modes.of(rule),
        };
        // See `Modes::under`.
        if rule == RuleId::Namespaces { mode } else { mode.min(value.strictest_mode()) }
    }

    /// Counts a violation; returns how many the rule had before it in this mode.
    fn count(&mut self, rule: RuleId, mode: Mode) -> usize {
        // Each rule reports all its findings before the next rule does, so only the last totals can be this rule's.
        let of_rule = self.totals.iter_mut().rev().take_while(|total| total.rule == rule);
        match of_rule.into_iter().find(|total| total.mode == mode) {
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

impl<'f> Sink for Report<'f> {
    fn mode(&self, rule: RuleId) -> Mode {
        self.mode_of(rule, self.enforcement)
    }

    fn is_old_object(&self) -> bool {
        false
    }

    fn is_new(&mut self, rule: RuleId, identity: &dyn fmt::Display) -> bool {
        self.update.is_none_or(|Update { old, .. }| {
            !old.0.contains(&OldViolations::fingerprint(rule, None, identity))
        })
    }

    fn turn_to(&mut self, template: Option<usize>) {
        let (templates, workloads) = self.templates;
        let of_template = template.map(|index| (Some(workloads), templates.get(index).copied()));
        (self.template, self.pod) = of_template.unwrap_or(self.of_object);
        self.is_of_object = template.is_none();
        self.exemptions.iter_mut().chain(&mut self.inherited).for_each(Applied::forget_pins);
    }

    fn take(&mut self, rule: RuleId, reached: Option<Enforcement>, finding: Finding<'_>) -> bool {
        work::charge(FINDING);
        let is_old = self.is_old(rule, &finding);
        if is_old && !self.is_in_full(rule) {
            return false;
        }
        let pod = self.pod.as_ref();
        let covers = |applied: &&Applied<'f>| {
            work::charge(1);
            applied.covers(rule, finding.control, finding.about, pod)
        };
        let inherited = self.inherited.iter().filter(|_| is_old);
        if let Some(Applied { exemption, .. }) = self.exemptions.iter().chain(inherited).find(covers) {
            if !self.used.contains(&exemption.name) {
                self.used.push(exemption.name.clone());
            }
            return false;
        }
        let mode = self.mode_of(rule, self.value_for(reached));
        if mode == Mode::Off {
            return false;
        }
        // Each control of a rule also reports all its findings before the next control does.
        let last = self.violations.last().filter(|last| last.rule == rule && last.mode == mode);
        let is_first_of_control =
            self.is_of_object && last.is_some_and(|last| last.control != finding.control);
        // The limit holds for each rule and mode, so that violations that only warn do not displace those that deny.
        // The first violation of a control is always listed, so that no control displaces another.
        if self.count(rule, mode) < REPORTED || is_first_of_control {
            self.violations.push(Violation {
                rule,
                control: finding.control,
                part: finding.control.map(|_| match finding.about {
                    About::Whole => Part::Pod,
                    About::Container(name) => Part::Container(Escaped(name).to_string()),
                    About::Volume(name) => Part::Volume(Escaped(name).to_string()),
                }),
                mode,
                field: finding.field.to_string(),
                message: finding.message.to_string(),
            });
        }
        true
    }
}
