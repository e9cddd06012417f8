use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

/// The Leases of an API server.
#[derive(Default)]
struct Server {
    leases: BTreeMap<String, Lease>,
    version: u64,
}

impl Server {
    fn list(&self) -> Vec<Lease> {
        self.leases.values().cloned().collect()
    }

    /// Takes a write, unless the Lease is not the one that was seen.
    fn take(&mut self, write: &Write) -> bool {
        let (Write::Create(lease) | Write::Replace(lease) | Write::Delete(lease)) = write;
        let name = lease.metadata.name.clone();
        let version = self.leases.get(&name).map_or("", |stored| &stored.metadata.resource_version);
        if version != lease.metadata.resource_version {
            return false;
        }
        if matches!(write, Write::Delete(_)) {
            return self.leases.remove(&name).is_some();
        }
        self.version += 1;
        let mut lease = lease.clone();
        lease.metadata.resource_version = self.version.to_string();
        self.leases.insert(name, lease);
        true
    }
}

/// Replicas, an API server and a clock.
struct World {
    server: Server,
    begin: Instant,
    milliseconds: u64,
    machines: Vec<Machine>,
    /// What each replica still has to write of its last step.
    pending: Vec<Vec<Write>>,
}

impl World {
    fn new(hosts: &[&str]) -> Self {
        let machine = |(number, host): (usize, &&str)| Machine::new(Identity::new(host, number as u64));
        Self {
            server: Server::default(),
            begin: Instant::now(),
            milliseconds: 0,
            machines: hosts.iter().enumerate().map(machine).collect(),
            pending: vec![Vec::new(); hosts.len()],
        }
    }

    fn now(&self) -> Instant {
        self.begin + Duration::from_millis(self.milliseconds)
    }

    fn wall(&self, machine: usize) -> Timestamp {
        // The clocks are half an hour apart.
        let apart = machine as i64 * 1_800_000;
        Timestamp::from_millisecond(self.milliseconds as i64 + apart).unwrap()
    }

    fn own(&self, machine: usize) -> Replica {
        let name = self.machines[machine].name();
        Replica { name, version: "1".to_owned(), entries: ["a".to_owned()].into(), ..Replica::default() }
    }

    fn look(&mut self, machine: usize) {
        let now = self.now();
        self.machines[machine].look(self.server.list(), now);
        let own = self.own(machine);
        self.pending[machine] = self.machines[machine].writes(&own, Phase::Serving, self.wall(machine));
    }

    /// Sends the next write; the answer, or all of it, may be lost.
    fn write(&mut self, machine: usize, outcome: Outcome) {
        if self.pending[machine].is_empty() || outcome == Outcome::Lost {
            return;
        }
        let write = self.pending[machine].remove(0);
        if self.server.take(&write) && outcome == Outcome::Answered {
            let begun = self.now();
            self.machines[machine].written(&write, begun);
        }
    }

    /// Lets these replicas look and write every five seconds.
    fn run(&mut self, machines: &[usize], seconds: u64) {
        for _ in 0..seconds / 5 {
            for &machine in machines {
                self.look(machine);
                while !self.pending[machine].is_empty() {
                    self.write(machine, Outcome::Answered);
                }
            }
            self.milliseconds += 5_000;
        }
    }

    fn replicas(&self, machine: usize) -> Replicas {
        self.machines[machine].replicas(&self.own(machine), self.now())
    }

    fn leaders(&self) -> Vec<usize> {
        (0..self.machines.len()).filter(|machine| self.replicas(*machine).leads).collect()
    }

    fn live(&self, machine: usize) -> Vec<String> {
        self.replicas(machine).live.into_iter().map(|replica| replica.name).collect()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Answered,
    /// It has an effect, but the answer does not arrive.
    Unanswered,
    /// It has none.
    Lost,
}

#[derive(Clone, Copy, Debug)]
enum Event {
    Look(usize),
    Write(usize, Outcome),
    Wait(u64),
}

fn event() -> impl Strategy<Value = Event> {
    let outcome = prop_oneof![
        6 => Just(Outcome::Answered),
        1 => Just(Outcome::Unanswered),
        1 => Just(Outcome::Lost),
    ];
    prop_oneof![
        3 => (0..3_usize).prop_map(Event::Look),
        5 => (0..3_usize, outcome).prop_map(|(machine, outcome)| Event::Write(machine, outcome)),
        3 => (0..6_000_u64).prop_map(Event::Wait),
        1 => (0..60_000_u64).prop_map(Event::Wait),
    ]
}

proptest! {
    #[test]
    fn no_two_lead_at_once_whatever_is_lost(events in vec(event(), 1..300)) {
        let mut world = World::new(&["a", "b", "b"]);
        for event in events {
            // Time goes on, so that no two writes are of the same time.
            world.milliseconds += 1;
            match event {
                Event::Look(machine) => world.look(machine),
                Event::Write(machine, outcome) => world.write(machine, outcome),
                Event::Wait(milliseconds) => world.milliseconds += milliseconds,
            }
            prop_assert!(world.leaders().len() <= 1, "{:?} after {event:?}", world.leaders());
        }
        world.run(&[0, 1, 2], 60);
        prop_assert_eq!(world.leaders().len(), 1);
        for machine in 0..3 {
            let live = world.live(machine);
            prop_assert_eq!(live.len(), 3, "{:?}", live);
            prop_assert!(world.replicas(machine).is_known);
        }
    }
}

#[test]
fn replicas_that_start_at_once_see_each_other_and_one_leads() {
    let mut world = World::new(&["a", "b", "c"]);
    assert!(!world.replicas(0).is_known);
    assert_eq!(world.live(0), ["a"], "this replica always lives");
    world.run(&[0, 1, 2], 10);
    assert_eq!(world.leaders(), [0]);
    for machine in 0..3 {
        assert_eq!(world.live(machine), ["a", "b", "c"]);
    }
}

#[test]
fn a_leader_that_is_killed_is_followed_by_another() {
    let mut world = World::new(&["a", "b"]);
    world.run(&[0, 1], 20);
    assert_eq!(world.leaders(), [0]);
    world.run(&[1], 5);
    assert_eq!(
        world.leaders(),
        [0; 0],
        "it would have renewed its Lease by now, and leads no more by itself"
    );
    world.run(&[1], 10);
    assert_eq!(world.leaders(), [1]);
    assert_eq!(world.live(1), ["b"]);
    assert_eq!(world.server.leases[LEADER].spec.lease_transitions, Some(1));
    world.run(&[1], 600);
    let names: Vec<_> = world.server.leases.keys().map(String::as_str).collect();
    assert_eq!(names, ["partywall-leader", "partywall-replica-b"], "the Lease of the killed one is removed");
}

#[test]
fn a_second_process_of_a_host_takes_another_name_and_keeps_it() {
    let mut world = World::new(&["a", "a"]);
    world.run(&[0, 1], 20);
    let both = ["a", "a-0000000000000001"];
    assert_eq!(
        (world.live(0), world.live(1)),
        (both.map(str::to_owned).to_vec(), both.map(str::to_owned).to_vec())
    );
    world.run(&[1], 1_000);
    assert_eq!(world.live(1), both[1..]);
    let names: Vec<_> = world.server.leases.keys().map(String::as_str).collect();
    assert_eq!(names, ["partywall-leader", "partywall-replica-a-0000000000000001"]);
}

#[test]
fn from_sigterm_on_a_replica_leads_no_more_and_still_lives() {
    let mut world = World::new(&["a", "b"]);
    world.run(&[0, 1], 20);
    let (leases, now) = (world.server.list(), world.now());
    world.machines[0].look(leases, now);
    for write in world.machines[0].writes(&world.own(0), Phase::Draining, world.wall(0)) {
        assert!(world.server.take(&write));
        world.machines[0].written(&write, now);
    }
    assert_eq!(world.leaders(), [0; 0]);
    world.run(&[1], 5);
    assert_eq!(world.leaders(), [1], "the other one needs not wait");
    assert_eq!(world.live(1), ["a", "b"]);
    let (leases, now) = (world.server.list(), world.now());
    world.machines[0].look(leases, now);
    let writes = world.machines[0].writes(&world.own(0), Phase::Draining, world.wall(0));
    let name = |write: &Write| match write {
        Write::Create(lease) | Write::Replace(lease) | Write::Delete(lease) => lease.metadata.name.clone(),
    };
    let names: Vec<_> = writes.iter().map(name).collect();
    assert_eq!(names, ["partywall-replica-a"], "it leaves the Lease of the leader to the other one");
}

#[test]
fn an_api_server_that_was_away_ends_no_lease() {
    let mut world = World::new(&["a", "b"]);
    world.run(&[0, 1], 20);
    world.milliseconds += 600_000;
    assert_eq!(world.leaders(), [0; 0]);
    world.run(&[1], 5);
    assert_eq!(world.live(1), ["a", "b"], "it could not renew its Lease");
    assert_eq!(world.leaders(), [0; 0]);
    world.run(&[0, 1], 5);
    assert_eq!(world.leaders(), [0]);
}
