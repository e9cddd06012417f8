//! Random lives of an object (J10, J11). It may be older than partywall and violate what it likes: as long as it
//! gets no worse, nobody stands in the way of whoever labels, finalizes, tidies up or removes it; and what makes it
//! worse is denied whenever it comes, being deleted or not, and leaves no trace.

mod subjects;

use std::sync::Arc;

use libtest_mimic::{Failed, Trial};
use partywall_core::Entry;
use partywall_core::tenancy::Snapshot;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, subsequence};
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use serde_json::{Value, json};

use self::subjects::{SUBJECTS, Subject, Worsening, benign_to_all};
use crate::entry::change;
use crate::request::{Request, filled_in};

/// The number of random lives of each kind.
const CASES: u32 = 96;
/// The largest number of changes in a life.
const LONGEST: usize = 12;

/// The users who write; the answer does not depend on the user.
const USERS: [&str; 4] = [
    "jane",
    "system:serviceaccount:kube-system:generic-garbage-collector",
    "system:serviceaccount:kube-system:namespace-controller",
    "system:serviceaccount:shop:default",
];

/// An event of a life.
#[derive(Clone, Debug)]
enum Event {
    /// One of the benign changes.
    Benign(Index),
    /// One of the flaws is mended.
    Mended(Index),
    /// The lists are turned round.
    Reversed,
    /// One of the changes for the worse is tried.
    Worse(Index),
    /// A pod is debugged.
    Debugged,
}

fn event() -> impl Strategy<Value = (Event, &'static str)> {
    let event = prop_oneof![
        4 => any::<Index>().prop_map(Event::Benign),
        1 => any::<Index>().prop_map(Event::Mended),
        1 => Just(Event::Reversed),
        3 => any::<Index>().prop_map(Event::Worse),
        1 => Just(Event::Debugged),
    ];
    (event, proptest::sample::select(&USERS[..]))
}

/// One test for each kind.
pub(crate) fn trials(policies: &Arc<Snapshot>) -> Vec<Trial> {
    let trial = |subject: &'static Subject| {
        let policies = Arc::clone(policies);
        Trial::test(format!("histories/j10_j11_{}", subject.kind), move || lives(subject, &policies))
    };
    SUBJECTS.iter().map(trial).collect()
}

fn lives(subject: &'static Subject, policies: &Snapshot) -> Result<(), Failed> {
    let flaws = (subject.flaws)();
    let born = subsequence((0..flaws.len()).collect::<Vec<_>>(), 0..=flaws.len());
    let mut runner = TestRunner::new(Config { cases: CASES, failure_persistence: None, ..Config::default() });
    let run = runner.run(&(born, any::<bool>(), vec(event(), 1..=LONGEST)), |(born, is_going, events)| {
        let mut object = filled_in((subject.clean)());
        if is_going {
            object["metadata"]["deletionTimestamp"] = json!("2026-11-20T09:00:00Z");
            object["metadata"]["finalizers"] = json!(["example.com/hold"]);
        }
        for &flaw in &born {
            change(&mut object, &flaws[flaw].making).map_err(TestCaseError::fail)?;
        }
        let mut life = Life { subject, policies, object, flaws: born };
        events.iter().try_for_each(|(event, user)| life.happens(event, user))
    });
    run.map_err(|error| Failed::from(error.to_string()))
}

/// An object as it is by now.
struct Life<'l> {
    subject: &'static Subject,
    policies: &'l Snapshot,
    object: Value,
    /// Its violations, as indices into the subject's list.
    flaws: Vec<usize>,
}

impl Life<'_> {
    fn happens(&mut self, event: &Event, user: &str) -> Result<(), TestCaseError> {
        let mut wanted = self.object.clone();
        match event {
            Event::Benign(index) => {
                let benign = [benign_to_all(), (self.subject.benign)()].concat();
                change(&mut wanted, index.get(&benign)).map_err(TestCaseError::fail)?;
                self.is_allowed(wanted, user)
            }
            Event::Reversed => {
                reverse(&mut wanted["spec"]);
                self.is_allowed(wanted, user)
            }
            Event::Mended(index) => self.is_mended(index, user),
            Event::Debugged => self.is_debugged(user),
            Event::Worse(index) => {
                let worse = (self.subject.worse)();
                let Worsening { rule, subresource, change: worsening } = index.get(&worse);
                change(&mut wanted, worsening).map_err(TestCaseError::fail)?;
                if wanted == self.object {
                    return self.is_allowed(wanted, user);
                }
                let rule = format!("(rule {rule})");
                let denial = self.is_denied(&wanted, user, subresource)?;
                prop_assert!(denial.contains(&rule), "not denied by {}: {}", rule, denial);
                // It left no trace: what was there is what can stay.
                self.is_allowed(self.object.clone(), user)
            }
        }
    }

    /// A flaw that goes, and all that go with it, cannot come back.
    fn is_mended(&mut self, flaw: &Index, user: &str) -> Result<(), TestCaseError> {
        let flaws = (self.subject.flaws)();
        let flaw = flaw.index(flaws.len());
        let Some(mending) = &flaws[flaw].mending else { return Ok(()) };
        let before = self.object.clone();
        let mut wanted = before.clone();
        change(&mut wanted, mending).map_err(TestCaseError::fail)?;
        self.is_allowed(wanted, user)?;
        let count = self.flaws.len();
        self.flaws.retain(|other| flaws[*other].mending.as_ref() != Some(mending));
        if self.flaws.len() < count {
            self.is_denied(&before, user, "")?;
        }
        Ok(())
    }

    /// A container that may do no more than others comes to a pod, and has all of it judged (E17).
    fn is_debugged(&mut self, user: &str) -> Result<(), TestCaseError> {
        let mut wanted = self.object.clone();
        let Some(containers) = wanted["spec"]["ephemeralContainers"].as_array_mut() else { return Ok(()) };
        containers.push(json!({"name": format!("debugger-{}", containers.len()), "image": "busybox:1.37"}));
        let flaws = (self.subject.flaws)();
        if self.flaws.iter().any(|flaw| flaws[*flaw].rule == "pod-security") {
            return self.is_denied(&wanted, user, "ephemeralcontainers").map(|_| ());
        }
        self.is_allowed_at(wanted, user, "ephemeralcontainers")
    }

    /// It becomes what is wanted.
    fn is_allowed(&mut self, wanted: Value, user: &str) -> Result<(), TestCaseError> {
        self.is_allowed_at(wanted, user, "")
    }

    /// The same by a subresource.
    fn is_allowed_at(&mut self, wanted: Value, user: &str, subresource: &str) -> Result<(), TestCaseError> {
        match self.ask(&wanted, user, subresource) {
            Ok(stored) => self.object = stored,
            Err(error) => {
                return Err(TestCaseError::fail(format!("{error}: of {} made {wanted}", self.object)));
            }
        }
        Ok(())
    }

    /// It stays as it is: what comes next starts from the same object.
    fn is_denied(&self, wanted: &Value, user: &str, subresource: &str) -> Result<String, TestCaseError> {
        match self.ask(wanted, user, subresource) {
            Err(denial) if denial.contains(": denied: ") => Ok(denial),
            answer => Err(TestCaseError::fail(format!("{answer:?}: of {} made {wanted}", self.object))),
        }
    }

    /// The object as it is stored: with the stamp that a pod with gates may still get.
    fn ask(&self, wanted: &Value, user: &str, subresource: &str) -> Result<Value, String> {
        let (object, old) = (wanted.clone(), self.object.clone());
        let mut request =
            Request { operation: "UPDATE", user, resource: None, subresource, object, old, dry_run: false };
        if let Some(patch) = request.ask(Entry::Mutate, self.policies)? {
            if !request.is_of_gated_pod() {
                return Err(format!("A10: patched: {patch}"));
            }
            change(&mut request.object, &patch)?;
        }
        match request.ask(Entry::Validate, self.policies)? {
            None => Ok(request.object),
            Some(patch) => Err(format!("K2: the validating webhook patches: {patch}")),
        }
    }
}

/// Turns all lists in an object round.
fn reverse(value: &mut Value) {
    match value {
        Value::Array(items) => {
            items.reverse();
            items.iter_mut().for_each(reverse);
        }
        Value::Object(fields) => fields.values_mut().for_each(reverse),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
