//! Chooses the form in which each object holds: as it is written, its last good form, or none.

use std::collections::BTreeMap;

use jiff::civil::Date;

use super::objects::{Finding, Form, LastGood, Live, LiveObject, ObjectName, Reason, State, finding};
use crate::api::{Located, Mistake, NamespaceSelection, Object, Spec};
use crate::tenancy::compile::mistakes::{Mistakes, Stage};
use crate::tenancy::compile::objects::{Named, Objects};
use crate::tenancy::compile::parts::parts;
use crate::tenancy::compile::tenants::LISTED_AND_LABELLED;

/// Holds the form of each object.
pub(super) struct Forms<'l> {
    live: Live<'l>,
    by_name: BTreeMap<ObjectName, Held<'l>>,
    /// The names of the objects, by the texts in which mistakes name them.
    names: BTreeMap<String, ObjectName>,
    /// The objects that hold, the Tenants with the fields of their classes.
    pub(super) objects: Objects,
}

/// Holds the form of one object.
struct Held<'l> {
    form: Form,
    spec: Option<Spec>,
    acknowledged: Vec<String>,
    findings: Vec<Finding>,
    warnings: Vec<Mistake>,
    /// What of the object as it is written could be read.
    written: Option<Object>,
    /// The Namespaces with the label of this tenant.
    labelled: &'l [Box<str>],
}

impl<'l> Forms<'l> {
    /// Returns the forms of objects, of which those with flaws do not hold as they are written.
    pub(super) fn new(live: Live<'l>) -> Self {
        let mut forms =
            Self { live, by_name: BTreeMap::new(), names: BTreeMap::new(), objects: Objects::default() };
        for LiveObject { name, object, flaws } in live.objects {
            let findings =
                flaws.iter().map(|flaw| Finding { reason: Reason::Invalid, mistake: flaw.clone() });
            let mut findings: Vec<Finding> = findings.collect();
            if let Some(finding) = listed_and_labelled(name, object.as_ref()) {
                findings.push(finding);
            }
            let is_sound = findings.is_empty() && object.is_some();
            let labelled = live.labelled.get(name.name.as_str()).map(Vec::as_slice).unwrap_or_default();
            let written = object.clone().map(|mut object| {
                select(&mut object.spec, labelled);
                object
            });
            let mut held = Held {
                form: Form::Written,
                spec: written.as_ref().map(|object| object.spec.clone()),
                acknowledged: object.as_ref().map(|object| object.acknowledged.clone()).unwrap_or_default(),
                findings,
                warnings: Vec::new(),
                written,
                labelled,
            };
            let last_good = live.last_good.0.get(name);
            // Settings without their flawed fields are nearer to what was meant than the embedded ones, which deny.
            let is_best = name.kind == "Settings" && last_good.is_none() && object.is_some();
            if !is_sound && !is_best {
                held.step_back(last_good);
            }
            forms.names.insert(name.to_string(), name.clone());
            forms.by_name.insert(name.clone(), held);
        }
        forms
    }

    /// Compiles the objects as they are written, until none is wrong in itself.
    pub(super) fn settle(&mut self, today: Date) -> Result<(), Vec<Mistake>> {
        loop {
            self.require_classes();
            let mut mistakes = Mistakes::at_stage(Stage::Live);
            let mut objects = self.sorted(&mut mistakes);
            parts(&mut objects, &[], &BTreeMap::new(), today, &mut mistakes);
            let (errors, warnings) = mistakes.finish();
            if errors.is_empty() {
                self.objects = objects;
                self.warn(warnings);
                return Ok(());
            }
            self.step_back(errors)?;
        }
    }

    /// Takes the last good form of each Tenant whose class is not there.
    fn require_classes(&mut self) {
        let class_of = |held: &Held<'_>| match &held.spec {
            Some(Spec::Tenant(spec)) => spec.class.clone(),
            _ => None,
        };
        let lacking: Vec<(ObjectName, String)> = self
            .by_name
            .iter()
            .filter_map(|(name, held)| Some((name.clone(), class_of(held)?)))
            .filter(|(_, class)| {
                let class = ObjectName { kind: "TenantClass", name: class.clone() };
                self.by_name.get(&class).is_none_or(|held| held.spec.is_none())
            })
            .collect();
        for (name, class) in lacking {
            let Some(held) = self.by_name.get_mut(&name) else { continue };
            let value = format!("\"{class}\"");
            let message = format!(
                "there is no TenantClass `{class}` that holds; add one, mend it, or name one that is"
            );
            held.findings.push(finding(Reason::UnknownClass, &name, "spec.class", value, message));
            held.step_back(self.live.last_good.0.get(&name));
        }
    }

    /// Takes the last good forms of the objects with errors.
    fn step_back(&mut self, errors: Vec<Mistake>) -> Result<(), Vec<Mistake>> {
        let mut wrong: BTreeMap<ObjectName, Vec<Finding>> = BTreeMap::new();
        let mut of_others = Vec::new();
        for mistake in errors {
            match self.names.get(&mistake.source.path) {
                Some(name) => {
                    wrong.entry(name.clone()).or_default().push(Finding { reason: Reason::Invalid, mistake });
                }
                None => of_others.push(mistake),
            }
        }
        if wrong.is_empty() {
            return Err(of_others);
        }
        for (name, findings) in wrong {
            let Some(held) = self.by_name.get_mut(&name) else { continue };
            // The mistakes of the object as it is written count, not those of its last good form.
            if held.form == Form::Written || held.findings.is_empty() {
                held.findings.extend(findings);
            }
            held.step_back(self.live.last_good.0.get(&name));
        }
        Ok(())
    }

    /// Takes away the objects with errors, whatever their last good form.
    pub(super) fn give_up(&mut self, errors: Vec<Mistake>) -> Result<(), Vec<Mistake>> {
        for mistake in &errors {
            if let Some(held) =
                self.names.get(&mistake.source.path).and_then(|name| self.by_name.get_mut(name))
            {
                // The next step back then leaves nothing.
                held.form = Form::LastGood;
            }
        }
        self.step_back(errors)
    }

    /// Returns the objects that hold, sorted.
    fn sorted(&self, mistakes: &mut Mistakes) -> Objects {
        let located = self.by_name.iter().filter_map(|(name, held)| {
            let object = Object {
                name: name.name.clone(),
                spec: held.spec.clone()?,
                acknowledged: held.acknowledged.clone(),
            };
            Some(Located { source: name.source(), object })
        });
        let own_namespace = self.live.own_namespace.map(str::to_owned);
        Objects { own_namespace, ..Objects::sort(located.collect(), mistakes) }
    }

    fn warn(&mut self, warnings: Vec<Mistake>) {
        self.by_name.values_mut().for_each(|held| held.warnings.clear());
        for warning in warnings {
            let held = self.names.get(&warning.source.path).and_then(|name| self.by_name.get_mut(name));
            if let Some(held) = held {
                held.warnings.push(warning);
            }
        }
    }

    /// Returns what could be read of the objects of which no form holds.
    pub(super) fn remains(&self) -> impl Iterator<Item = (&ObjectName, &Object)> {
        let lost = self.by_name.iter().filter(|(_, held)| held.form == Form::Nothing);
        lost.filter_map(|(name, held)| Some((name, held.written.as_ref()?)))
    }

    /// Returns the states of the objects with further findings, and the good forms.
    pub(super) fn finish(
        self,
        mut further: BTreeMap<ObjectName, Vec<Finding>>,
    ) -> (BTreeMap<ObjectName, State>, LastGood) {
        let Self { live, by_name, objects, .. } = self;
        let mut good = LastGood::default();
        for (name, held) in &by_name {
            let form = match held.form {
                Form::Written => held.spec.clone(),
                Form::LastGood | Form::Nothing => live.last_good.0.get(name).cloned(),
            };
            if let Some(form) = form {
                good.0.insert(name.clone(), form);
            }
        }
        for Named { name, spec, .. } in objects.tenants {
            let name = ObjectName { kind: "Tenant", name };
            if by_name.get(&name).is_some_and(|held| held.form == Form::Written) {
                good.0.insert(name, crate::api::TenantSpec { class: None, ..spec }.into());
            }
        }
        let states = by_name.into_iter().map(|(name, held)| {
            let Held { form, mut findings, mut warnings, .. } = held;
            findings.extend(further.remove(&name).unwrap_or_default());
            findings.sort();
            findings.dedup();
            warnings.sort();
            (name, State { form, findings, warnings })
        });
        (states.collect(), good)
    }
}

impl Held<'_> {
    /// Goes from the written form to the last good one, and from there to none.
    fn step_back(&mut self, last_good: Option<&Spec>) {
        (self.form, self.spec) = match (self.form, last_good) {
            (Form::Written, Some(spec)) => (Form::LastGood, Some(spec.clone())),
            (Form::Written, None) | (Form::LastGood | Form::Nothing, _) => (Form::Nothing, None),
        };
        if let Some(spec) = &mut self.spec {
            select(spec, self.labelled);
        }
    }
}

/// Gives a Tenant by label the Namespaces that have it.
fn select(spec: &mut Spec, labelled: &[Box<str>]) {
    if let Spec::Tenant(spec) = spec
        && spec.namespace_selection == Some(NamespaceSelection::Label)
    {
        spec.namespaces = Some(labelled.iter().map(|name| String::from(&**name)).collect());
    }
}

/// Returns what is wrong with a Tenant that lists namespaces and selects them by label.
fn listed_and_labelled(name: &ObjectName, object: Option<&Object>) -> Option<Finding> {
    let Spec::Tenant(spec) = &object?.spec else { return None };
    let listed = spec.namespaces.as_ref()?;
    let value = serde_json::to_string(listed).unwrap_or_default();
    (spec.namespace_selection == Some(NamespaceSelection::Label))
        .then(|| finding(Reason::Invalid, name, "spec.namespaces", value, LISTED_AND_LABELLED.to_owned()))
}
