//! Compares what was measured with the goals.
//!
//! A gate is what it must reach to be called good, a stretch what would be excellent. Neither fails a run: machines are
//! noisy, and a figure that is red now and then is soon ignored.

use serde::Serialize;

use crate::found::{Found, Neighbours};
use crate::payload::Size;
use crate::rounds::Cell;
use crate::servers::Kind;
use crate::stats::{median, ratio};

/// From which share of a core on a server is what limits a closed loop.
pub(crate) const BOUND: f64 = 0.95;

#[derive(Serialize)]
pub(crate) struct Goal {
    pub(crate) name: String,
    pub(crate) unit: &'static str,
    pub(crate) value: f64,
    pub(crate) gate: f64,
    pub(crate) stretch: Option<f64>,
    /// True if more is better.
    pub(crate) at_least: bool,
    pub(crate) note: String,
    /// True if there is a reason not to believe it.
    pub(crate) is_doubtful: bool,
}

impl Goal {
    fn at_most(name: impl Into<String>, unit: &'static str, value: f64, gate: f64, stretch: f64) -> Self {
        let stretch = Some(stretch);
        Self {
            name: name.into(),
            unit,
            value,
            gate,
            stretch,
            at_least: false,
            note: String::new(),
            is_doubtful: false,
        }
    }

    fn twice(name: &str, value: f64) -> Self {
        Self { stretch: None, ..Self::at_most(name, "x", value, 2.0, 2.0) }
    }

    fn noted(self, note: impl Into<String>) -> Self {
        Self { note: note.into(), ..self }
    }

    /// To be believed only if others left the machine alone.
    fn during(self, is_doubtful: bool) -> Self {
        Self { is_doubtful, ..self }
    }

    fn meets(&self, bound: f64) -> bool {
        if self.at_least { self.value >= bound } else { self.value <= bound }
    }

    pub(crate) fn outcome(&self) -> String {
        let outcome = match (self.meets(self.gate), self.stretch.is_some_and(|stretch| self.meets(stretch))) {
            (_, true) => "met, and the stretch",
            (true, false) => "met",
            (false, false) => "MISSED",
        };
        format!("{outcome}{}", if self.is_doubtful { " (?)" } else { "" })
    }
}

/// All goals of which something was measured.
pub(crate) fn goals(found: &Found) -> Vec<Goal> {
    let mut goals = Vec::new();
    costs(found, &mut goals);
    latencies(found, &mut goals);
    footprint(found, &mut goals);
    neighbours(found, &mut goals);
    goals
}

fn pair<'f>(found: &'f Found, scenario: &str, load: &str) -> Option<(&'f Cell, &'f Cell)> {
    found.cell(scenario, load, Kind::Partywall).zip(found.cell(scenario, load, Kind::Null))
}

fn are_doubtful(ours: &Cell, null: &Cell) -> bool {
    ours.is_doubtful() || null.is_doubtful()
}

fn costs(found: &Found, goals: &mut Vec<Goal>) {
    let saturated = pair(found, "saturation", "16 connections");
    let sizes = [
        (Size::Median, saturated, 1.6, 1.35),
        (Size::Minimal, pair(found, "sizes", Size::Minimal.name()), 1.35, 1.2),
        (Size::Big, pair(found, "sizes", Size::Big.name()), 1.7, 1.5),
        (Size::Huge, pair(found, "sizes", Size::Huge.name()), 3.2, 2.0),
    ];
    for (size, cells, gate, stretch) in sizes {
        let Some((ours, null)) = cells else { continue };
        let name = format!("CPU a review, {}, ÷ null", size.name());
        let note = format!("{:.1} and {:.1} µs", ours.cost(), null.cost());
        let value = ratio(&ours.costs(), &null.costs());
        let goal = Goal::at_most(name, "x", value, gate, stretch);
        goals.push(goal.noted(note).during(are_doubtful(ours, null)));
    }
    if let Some((ours, null)) = saturated {
        let is_bound = ours.cores() >= BOUND && null.cores() >= BOUND;
        let (value, note) = if is_bound {
            (ratio(&ours.rates(), &null.rates()), format!("{:.0} and {:.0}/s", ours.rate(), null.rate()))
        } else {
            (ratio(&null.costs(), &ours.costs()), "by CPU: the generator was the limit".to_owned())
        };
        let goal = Goal::at_most("throughput of a core ÷ null", "x", value, 0.62, 0.75).noted(note);
        let goal = goal.during(are_doubtful(ours, null));
        goals.push(Goal { at_least: true, ..goal });
    }
}

fn latencies(found: &Found, goals: &mut Vec<Goal>) {
    let at = |percent| pair(found, "open", &format!("{percent} % of its own"));
    if let Some((ours, null)) = at(50) {
        let p50 = ratio(&ours.each(|round| round.p50), &null.each(|round| round.p50));
        let p99 = ratio(&ours.each(|round| round.p99), &null.each(|round| round.p99));
        let note = |ours: f64, null: f64| format!("{ours:.0} and {null:.0} µs");
        let p50 = Goal::at_most("open loop at 50 %, p50 ÷ null", "x", p50, 1.3, 1.15);
        goals.push(p50.noted(note(ours.p50(), null.p50())).during(are_doubtful(ours, null)));
        let p99 = Goal::at_most("open loop at 50 %, p99 ÷ null", "x", p99, 1.5, 1.25);
        goals.push(p99.noted(note(ours.p99(), null.p99())).during(are_doubtful(ours, null)));
        // Of all rounds: whatever happens rarely is in none of most of them.
        let tail = |cell: &Cell| cell.tally.micros(0.999) / 1e3;
        let goal = Goal::at_most("open loop at 50 %, p99.9", "ms", tail(ours), 5.0, 2.0);
        let is_late = ours.tally.late(0.999) / 1e3 > tail(ours) / 2.0;
        let note = format!("null: {:.1} ms", tail(null));
        goals.push(goal.noted(note).during(ours.is_doubtful() || is_late));
    }
    for (percent, gate, stretch) in [(50, 4.0, 3.0), (80, 6.0, 4.0)] {
        let Some((ours, null)) = at(percent) else { continue };
        let name = format!("open loop at {percent} %, p99 ÷ p50");
        let note = format!("null: {:.1}", null.p99() / null.p50());
        let goal = Goal::at_most(name, "x", ours.p99() / ours.p50(), gate, stretch);
        goals.push(goal.noted(note).during(ours.is_doubtful()));
    }
}

fn footprint(found: &Found, goals: &mut Vec<Goal>) {
    let footprint = &found.footprint;
    if let Some(mib) = footprint.mib {
        let name = "memory: 10,000 namespaces, 1,000 tenants, 75 connections";
        goals.push(Goal::at_most(name, "MiB", mib, 32.0, 20.0));
    }
    if let Some(kib) = footprint.kib_per_connection {
        goals.push(Goal::at_most("memory of an idle connection", "KiB", kib, 35.0, 20.0));
    }
    if let Some(large) = &found.large {
        let note = format!("{} of {} denied", large.denied, large.sent);
        let goal = Goal::at_most("most memory under 50 x 18 MB", "MiB", large.peak_mib, 128.0, 96.0);
        goals.push(goal.noted(note));
    }
    let start = |kind: Kind| footprint.starts.get(kind.name()).map(|starts| median(starts));
    if let Some((ours, null)) = start(Kind::Partywall).zip(start(Kind::Null)) {
        let goal = Goal::at_most("exec to first answer", "ms", ours, 15.0, 8.0);
        goals.push(goal.noted(format!("null: {null:.1} ms")));
    }
    if let Some(millis) = footprint.large_start {
        goals.push(Goal::at_most("exec to first answer, 10,000 namespaces", "ms", millis, 500.0, 250.0));
    }
    if let Some(mib) = footprint.binary_mib {
        goals.push(Goal::at_most("program, stripped", "MiB", mib, 10.0, 6.0));
    }
}

fn neighbours(found: &Found, goals: &mut Vec<Goal>) {
    if let Some(Neighbours { alone, beside, .. }) = found.neighbours("storm", Kind::Partywall) {
        let goal = Goal::at_most("p99 beside 200 new connections", "ms", beside.p99() / 1e3, 10.0, 5.0);
        let note = format!("alone {:.2} ms; {} samples", alone.p99() / 1e3, beside.tally.latencies.len());
        goals.push(goal.noted(note).during(beside.is_doubtful()));
    }
    for (scenario, name) in [
        ("mix", "p99 of small reviews beside large ones ÷ alone"),
        ("large", "p99 of small reviews beside 50 x 18 MB ÷ alone"),
        ("slow", "p99 beside 100 slow bodies ÷ alone"),
        ("noise", "p99 beside a noisy namespace ÷ alone"),
    ] {
        let Some(ours) = found.neighbours(scenario, Kind::Partywall) else { continue };
        let p99s = |both: &Neighbours| format!("{:.0} and {:.0} µs", both.beside.p99(), both.alone.p99());
        let null = found.neighbours(scenario, Kind::Null);
        let null = null.map(|null| format!("; null: {:.2}, {}", null.growth(), p99s(null)));
        let note = p99s(ours) + &null.unwrap_or_default();
        goals.push(Goal::twice(name, ours.growth()).noted(note).during(ours.is_doubtful()));
    }
}
