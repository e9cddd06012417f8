//! Holds the results: everything that goes into the tables and into `results.json`.

use std::collections::BTreeMap;
use std::fs;

use serde::Serialize;

use crate::payload::Size;
use crate::placement::Placement;
use crate::rounds::{Cell, cores, percentiles};
use crate::servers::Kind;
use crate::stats::{interval, ratio};
use crate::tally::Tally;
use crate::usage::Held;

#[derive(Serialize)]
pub(crate) struct Found {
    pub(crate) machine: Machine,
    pub(crate) plan: &'static str,
    pub(crate) placement: String,
    pub(crate) cells: Vec<Cell>,
    pub(crate) neighbours: Vec<Neighbours>,
    pub(crate) large: Option<Large>,
    pub(crate) footprint: Footprint,
}

/// The machine on which it was measured.
#[derive(Serialize)]
pub(crate) struct Machine {
    pub(crate) cpu: String,
    pub(crate) cores: usize,
    pub(crate) kernel: String,
    /// The load average of the minute before.
    pub(crate) load: String,
    pub(crate) is_optimized: bool,
}

impl Machine {
    fn look() -> anyhow::Result<Self> {
        let cpu = fs::read_to_string("/proc/cpuinfo")?;
        let model = cpu.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
        let load = fs::read_to_string("/proc/loadavg")?;
        Ok(Self {
            cpu: model.map_or("unknown", |(_, model)| model).trim().to_owned(),
            cores: cores()?,
            kernel: fs::read_to_string("/proc/sys/kernel/osrelease")?.trim().to_owned(),
            load: load.split_whitespace().next().unwrap_or_default().to_owned(),
            is_optimized: !cfg!(debug_assertions),
        })
    }
}

/// The latencies of some reviews alone, and beside others.
#[derive(Serialize)]
pub(crate) struct Neighbours {
    pub(crate) what: String,
    pub(crate) alone: Cell,
    pub(crate) beside: Cell,
    /// The answers to the other requests, all rounds together.
    #[serde(serialize_with = "percentiles")]
    pub(crate) others: Tally,
}

impl Neighbours {
    /// Returns how many times the p99 alone the one beside others is. Rounds without answers take for ever; so is it
    /// with a wrong one.
    pub(crate) fn growth(&self) -> f64 {
        if self.beside.tally.failed() > 0 {
            return f64::INFINITY;
        }
        let p99 = |cell: &Cell| cell.each(|round| round.p99);
        ratio(&p99(&self.beside), &p99(&self.alone))
    }

    /// Returns the 95 % interval of the growth.
    pub(crate) fn interval(&self) -> Option<(f64, f64)> {
        let p99 = |cell: &Cell| cell.each(|round| round.p99);
        interval(&p99(&self.beside), &p99(&self.alone))
    }

    pub(crate) fn is_doubtful(&self) -> bool {
        self.alone.is_doubtful() || self.beside.is_doubtful()
    }
}

/// The outcome of bodies of 18 MB that came all at once.
#[derive(Default, Serialize)]
pub(crate) struct Large {
    pub(crate) sent: usize,
    pub(crate) denied: usize,
    /// They are among those of the small ones beside, too.
    pub(crate) failures: BTreeMap<String, u64>,
    pub(crate) seconds: f64,
    pub(crate) peak_mib: f64,
}

impl Large {
    pub(crate) fn add(&mut self, more: Self) {
        self.sent += more.sent;
        self.denied += more.denied;
        self.seconds = self.seconds.max(more.seconds);
        for (failure, count) in more.failures {
            *self.failures.entry(failure).or_default() += count;
        }
    }
}

/// The memory and the time that the servers take when they do nothing.
#[derive(Default, Serialize)]
pub(crate) struct Footprint {
    /// The memory that the servers held when everything was done.
    pub(crate) after: BTreeMap<&'static str, Held>,
    /// From exec to the first answer, in ms.
    pub(crate) starts: BTreeMap<&'static str, Vec<f64>>,
    /// With 10,000 namespaces: from exec to the first answer, in ms.
    pub(crate) large_start: Option<f64>,
    pub(crate) bare_mib: Option<f64>,
    /// With 10,000 namespaces, 1,000 tenants and 75 connections.
    pub(crate) mib: Option<f64>,
    pub(crate) kib_per_connection: Option<f64>,
    /// Stripped.
    pub(crate) binary_mib: Option<f64>,
}

impl Found {
    pub(crate) fn new(plan: &'static str, placement: Placement) -> anyhow::Result<Self> {
        Ok(Self {
            machine: Machine::look()?,
            plan,
            placement: placement.describe(),
            cells: Vec::new(),
            neighbours: Vec::new(),
            large: None,
            footprint: Footprint::default(),
        })
    }

    pub(crate) fn neighbours(&self, scenario: &str, server: Kind) -> Option<&Neighbours> {
        self.neighbours.iter().find(|both| (both.alone.scenario, both.alone.server) == (scenario, server))
    }

    pub(crate) fn cell(&self, scenario: &str, load: &str, server: Kind) -> Option<&Cell> {
        self.cells.iter().find(|cell| (cell.scenario, &*cell.load, cell.server) == (scenario, load, server))
    }

    /// Returns the largest number of reviews of the median size that a server answers in a second.
    pub(crate) fn most(&self, server: Kind) -> Option<f64> {
        self.cell("saturation", "16 connections", server).map(Cell::rate)
    }

    /// Returns the time that a review of a size costs a server, in µs.
    pub(crate) fn cost(&self, size: Size, server: Kind) -> Option<f64> {
        let cell = match size {
            Size::Median => self.cell("saturation", "16 connections", server),
            Size::Minimal | Size::Update | Size::Mesh | Size::Fifty | Size::Big | Size::Huge => {
                self.cell("sizes", size.name(), server)
            }
        };
        cell.map(Cell::cost)
    }

    /// Everything that went wrong, and how often.
    pub(crate) fn failures(&self) -> BTreeMap<String, u64> {
        let mut all = BTreeMap::new();
        let neighbours = self.neighbours.iter().flat_map(|both| [&both.alone, &both.beside]);
        for (failure, count) in self.cells.iter().chain(neighbours).flat_map(|cell| &cell.tally.failures) {
            *all.entry(failure.clone()).or_default() += count;
        }
        all
    }
}
