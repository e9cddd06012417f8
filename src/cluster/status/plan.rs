//! Decides which statuses are written now.
//!
//! A status that differs is written once a minute at most, unless `Ready`, its reason or the generation has changed.
//! What the API server holds is known from the watch, which may lag behind the writes of this replica.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use partywall_core::api::TenantStatus;
use partywall_core::tenancy::ObjectName;
use tokio::time::Instant;

use super::conditions::{READY, status};
use super::told::{Told, ToldObject};
use crate::cluster::facts::Registered;

/// The time between two writes of a status.
const SELDOM: Duration = Duration::from_secs(60);
/// The time between two writes of a status of which something important has changed.
const SOON: Duration = Duration::from_secs(1);

/// A status that is to be written.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Write {
    pub(super) name: ObjectName,
    pub(super) uid: Box<str>,
    pub(super) status: TenantStatus,
    /// Whether the reason for which the object is not ready is new.
    pub(super) is_news: bool,
}

/// What is to be done now, and when there is more to do.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Due {
    pub(super) now: Vec<Write>,
    pub(super) next: Option<Instant>,
}

/// What this replica wrote while it leads.
#[derive(Debug, Default)]
pub(super) struct Plan {
    written: BTreeMap<ObjectName, Written>,
}

#[derive(Debug)]
struct Written {
    uid: Box<str>,
    /// The status that was known of when this one was written.
    before: Option<Arc<TenantStatus>>,
    status: Arc<TenantStatus>,
    at: Instant,
    /// Whether the watch has told of it.
    is_seen: bool,
}

impl Plan {
    /// Returns what is due; `time` is the present time in RFC 3339.
    pub(super) fn due(&mut self, told: &Told, registered: &Registered, now: Instant, time: &str) -> Due {
        self.written.retain(|name, written| {
            let told = told.objects.get(name).filter(|told| told.uid == written.uid);
            if let Some(status) = told.and_then(|told| told.status.as_ref())
                && !written.is_seen
                && *status == written.status
            {
                // There is one copy of it.
                (written.is_seen, written.status) = (true, Arc::clone(status));
            }
            told.is_some()
        });
        let mut due = Due::default();
        for (name, object) in &told.objects {
            let written = self.written.get(name);
            let stored = stored(object, written, now);
            let wanted = status(name, object, registered, stored, time);
            if stored.is_some_and(|stored| is_same(stored, &wanted)) {
                continue;
            }
            let earliest = written.map(|written| {
                let is_important = gist(&written.status) != gist(&wanted);
                written.at + if is_important { SOON } else { SELDOM }
            });
            match earliest {
                Some(at) if at > now => due.next = Some(due.next.map_or(at, |next| next.min(at))),
                Some(_) | None => {
                    let is_news = stored.is_none_or(|stored| ready(stored) != ready(&wanted));
                    due.now.push(Write {
                        name: name.clone(),
                        uid: object.uid.clone(),
                        status: wanted,
                        is_news,
                    });
                }
            }
        }
        due
    }

    /// Notes that a status was written, or that it cannot be.
    pub(super) fn note(&mut self, told: &Told, write: Write, now: Instant) {
        let Write { name, uid, status, .. } = write;
        let before = told.objects.get(&name).and_then(|object| object.status.clone());
        self.written.insert(name, Written { uid, before, status: Arc::new(status), at: now, is_seen: false });
    }
}

/// Returns the status that the API server holds, as far as this replica knows.
fn stored<'s>(
    object: &'s ToldObject,
    written: Option<&'s Written>,
    now: Instant,
) -> Option<&'s TenantStatus> {
    match written {
        // The watch has not told of it yet.
        Some(written) if !written.is_seen && written.before == object.status && now < written.at + SELDOM => {
            Some(&written.status)
        }
        Some(_) | None => object.status.as_deref(),
    }
}

/// Returns whether a status says the same as another, but for the audit, which somebody else writes.
fn is_same(stored: &TenantStatus, wanted: &TenantStatus) -> bool {
    let TenantStatus { observed_generation, conditions, namespaces, registered, audit: _ } = stored;
    *observed_generation == wanted.observed_generation
        && *conditions == wanted.conditions
        && *namespaces == wanted.namespaces
        && *registered == wanted.registered
}

/// Returns what of a status is written at once when it changes.
fn gist(status: &TenantStatus) -> (Option<i64>, Option<(&str, &str)>) {
    let ready = status.conditions.iter().find(|condition| condition.kind == READY);
    let ready = ready.map(|ready| (ready.status.as_str(), ready.reason.as_str()));
    (status.observed_generation, ready)
}

/// Returns the status, reason and message of `Ready`.
fn ready(status: &TenantStatus) -> Option<(&str, &str, &str)> {
    let ready = status.conditions.iter().find(|condition| condition.kind == READY)?;
    Some((&ready.status, &ready.reason, &ready.message))
}

#[cfg(test)]
mod tests {
    use partywall_core::api::{FoundNamespaces, Mistake, Source};
    use partywall_core::tenancy::{Finding, Reason};

    use super::*;

    const TIME: &str = "2026-12-01T00:00:00Z";

    fn name() -> ObjectName {
        ObjectName { kind: "Tenant", name: "a".to_owned() }
    }

    /// One Tenant, the plan, and the API server.
    struct World {
        told: Told,
        registered: Registered,
        plan: Plan,
        now: Instant,
    }

    impl World {
        fn new() -> Self {
            let object = ToldObject { uid: "u".into(), generation: 1, ..ToldObject::default() };
            let told = Told { objects: [(name(), object)].into(), ..Told::default() };
            let registered = Registered { is_current: true, ..Registered::default() };
            Self { told, registered, plan: Plan::default(), now: Instant::now() }
        }

        fn object(&mut self) -> &mut ToldObject {
            self.told.objects.get_mut(&name()).unwrap()
        }

        fn count(&mut self, found: i64) {
            self.object().namespaces = Some(FoundNamespaces { claimed: 9, found, labelled: found });
        }

        fn due(&mut self) -> Due {
            self.plan.due(&self.told, &self.registered, self.now, TIME)
        }

        /// Writes what is due, and returns how many statuses these are.
        fn write(&mut self) -> usize {
            let due = self.due();
            for write in &due.now {
                self.plan.note(&self.told, write.clone(), self.now);
            }
            due.now.len()
        }

        /// Lets the watch tell of the status that was written.
        fn watch(&mut self) {
            // The watch decodes another copy.
            let status = TenantStatus::clone(&self.plan.written[&name()].status);
            self.object().status = Some(Arc::new(status));
        }

        fn wait(&mut self, seconds: u64) {
            self.now += Duration::from_secs(seconds);
        }
    }

    #[test]
    fn a_status_is_written_once_whether_or_not_the_watch_has_told_of_it() {
        let mut world = World::new();
        assert_eq!(world.write(), 1);
        assert_eq!(world.due(), Due::default(), "the watch lags");
        world.watch();
        assert_eq!(world.due(), Due::default());
        world.plan = Plan::default();
        assert_eq!(world.due(), Due::default(), "nor by the next leader");
    }

    #[test]
    fn counts_are_written_once_a_minute() {
        let mut world = World::new();
        world.count(1);
        assert_eq!(world.write(), 1);
        world.watch();
        world.wait(5);
        world.count(2);
        let begin = world.now;
        assert_eq!(world.due(), Due { now: Vec::new(), next: Some(begin + Duration::from_secs(55)) });
        world.wait(54);
        world.count(3);
        assert_eq!(world.write(), 0);
        world.wait(1);
        assert_eq!(world.write(), 1);
        assert_eq!(world.plan.written[&name()].status.namespaces.as_ref().unwrap().found, 3);
    }

    #[test]
    fn ready_its_reason_and_the_generation_are_written_at_once() {
        let mut world = World::new();
        assert_eq!(world.write(), 1);
        world.watch();
        world.wait(2);
        world.object().generation = 2;
        assert_eq!(world.write(), 1);
        world.watch();
        world.wait(2);
        world.registered.is_current = false;
        assert_eq!(world.write(), 1);
        world.watch();
        world.wait(2);
        world.registered.is_paused = true;
        assert_eq!(world.write(), 1);
        // What goes to and fro all the time is bounded.
        let mut writes = 0;
        for _ in 0..1_000 {
            world.registered.is_current = !world.registered.is_current;
            world.now += Duration::from_millis(10);
            writes += world.write();
        }
        assert!((5..=10).contains(&writes), "{writes} in 10 s");
    }

    #[test]
    fn what_somebody_else_wrote_is_put_right_after_a_minute_at_most() {
        let mut world = World::new();
        assert_eq!(world.write(), 1);
        world.watch();
        assert_eq!(world.write(), 0);
        world.object().status = None;
        world.wait(10);
        assert_eq!(world.write(), 0);
        world.wait(50);
        assert_eq!(world.write(), 1);
    }

    #[test]
    fn a_write_that_the_watch_never_tells_of_is_repeated() {
        let mut world = World::new();
        assert_eq!(world.write(), 1);
        world.wait(59);
        assert_eq!(world.write(), 0);
        world.wait(1);
        assert_eq!(world.write(), 1);
    }

    #[test]
    fn another_object_of_the_same_name_gets_its_status_at_once() {
        let mut world = World::new();
        assert_eq!(world.write(), 1);
        *world.object() = ToldObject { uid: "v".into(), generation: 1, ..ToldObject::default() };
        assert_eq!(world.write(), 1);
        world.told.objects.clear();
        assert_eq!(world.due(), Due::default());
        assert!(world.plan.written.is_empty(), "nothing is kept of what is gone");
    }

    #[test]
    fn the_audit_of_a_status_is_left_to_its_writer() {
        let mut world = World::new();
        assert_eq!(world.write(), 1);
        world.watch();
        let mut status = TenantStatus::clone(world.object().status.as_ref().unwrap());
        status.audit = Some(partywall_core::api::AuditSummary::default());
        assert_eq!(world.due(), Due::default());
        world.object().status = Some(Arc::new(status));
        assert_eq!(world.due(), Due::default());
    }

    #[test]
    fn a_reason_is_news_once() {
        let mut world = World::new();
        let mistake = Mistake {
            source: Source::file("tenants.partywall.dev/a"),
            object: String::new(),
            place: None,
            path: String::new(),
            value: String::new(),
            message: "no".to_owned(),
        };
        world.object().state.findings.push(Finding { reason: Reason::Conflict, mistake });
        assert!(world.due().now[0].is_news);
        world.write();
        world.watch();
        world.plan = Plan::default();
        world.object().generation = 2;
        assert!(!world.due().now[0].is_news, "another leader has told it");
    }
}
