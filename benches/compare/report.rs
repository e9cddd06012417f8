//! Collects the figures, and prints them as the tables of benches/README.md.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use crate::attacks::{Judged, Verdict};
use crate::direct::{self, Direct};
use crate::partywall;
use crate::side::Side;
use crate::stand::Stand;
use crate::stats::median;
use crate::through::{self, Through};
use crate::usage::Held;

/// All figures and verdicts.
pub(crate) struct Found {
    about: String,
    /// The load of the machine, when this began.
    load: String,
    judged: BTreeMap<Side, Vec<Judged>>,
    through: BTreeMap<Side, Vec<Through>>,
    direct: BTreeMap<Side, Vec<Direct>>,
    held: BTreeMap<Side, Vec<Held>>,
}

impl Found {
    pub(crate) fn new(stand: &Stand) -> anyhow::Result<Self> {
        let gatekeeper = stand.gatekeeper().file_name().unwrap_or_default().to_string_lossy();
        let cpu = fs::read_to_string("/proc/cpuinfo")?;
        let model = cpu.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
        let about = format!(
            "{}; {}, {gatekeeper}, Kubernetes {}; {} cores of {}",
            jiff::Timestamp::now().strftime("%Y-%m-%d"),
            partywall::version()?,
            stand.kubernetes(),
            std::thread::available_parallelism()?,
            model.map_or("an unknown model", |(_, model)| model),
        );
        Ok(Self {
            about,
            load: load()?,
            judged: BTreeMap::new(),
            through: BTreeMap::new(),
            direct: BTreeMap::new(),
            held: BTreeMap::new(),
        })
    }

    pub(crate) fn judged(&mut self, side: Side, judged: Vec<Judged>) {
        self.judged.insert(side, judged);
    }

    pub(crate) fn through(&mut self, side: Side, through: Through) {
        self.through.entry(side).or_default().push(through);
    }

    pub(crate) fn direct(&mut self, side: Side, direct: Vec<Direct>) {
        self.direct.entry(side).or_default().extend(direct);
    }

    pub(crate) fn held(&mut self, side: Side, held: Held) {
        self.held.entry(side).or_default().push(held);
    }

    /// Tells whether partywall let an attack through, or denied something harmless.
    pub(crate) fn is_harm_done(&self) -> bool {
        self.judged.get(&Side::Partywall).into_iter().flatten().any(|judged| !judged.is_right())
    }

    pub(crate) fn print(&self, took: Duration) -> anyhow::Result<()> {
        println!("\n{}", self.about);
        println!(
            "{:.0} s; load of the machine before: {}, after: {}",
            took.as_secs_f64(),
            self.load,
            load()?
        );
        self.print_direct();
        self.print_through();
        self.print_memory();
        self.print_judged();
        Ok(())
    }

    fn print_direct(&self) {
        println!("\nReviews sent to the server, {} at a time:\n", direct::CONNECTIONS);
        let mut rows = Vec::new();
        for (load, (size, expect)) in direct::LOADS.into_iter().enumerate() {
            let figure = |side: Side, figure: fn(&Direct) -> f64| {
                let rounds = self.direct.get(&side).into_iter().flatten().filter(|round| round.load == load);
                median(&rounds.map(figure).collect::<Vec<_>>())
            };
            let both = |of: fn(&Direct) -> f64| (figure(Side::Partywall, of), figure(Side::Gatekeeper, of));
            let ((rate, its_rate), (cpu, its_cpu)) =
                (both(|round| round.reviews_per_second), both(|round| round.cpu));
            let ((p50, its_p50), (p99, its_p99)) =
                (both(|round| round.p50 / 1e3), both(|round| round.p99 / 1e3));
            rows.push([
                format!("{}, {}", expect.name(), size.name()),
                format!("{rate:.0}"),
                format!("{its_rate:.0}"),
                format!("{:.1}", rate / its_rate),
                format!("{cpu:.0} µs"),
                format!("{its_cpu:.0} µs"),
                format!("{:.1}", its_cpu / cpu),
                format!("{p50:.2}, {p99:.2} ms"),
                format!("{its_p50:.2}, {its_p99:.2} ms"),
            ]);
        }
        table(
            [
                "review",
                "partywall: reviews/s",
                "Gatekeeper",
                "×",
                "partywall: CPU a review",
                "Gatekeeper",
                "÷",
                "partywall: p50, p99",
                "Gatekeeper",
            ],
            &rows,
        );
    }

    fn print_through(&self) {
        println!(
            "\nPods created through the API server, {} a second, and by {} clients as fast as answers come:\n",
            through::RATE,
            through::CLIENTS
        );
        let figure = |side: Side, figure: fn(&Through) -> f64| {
            median(&self.through.get(&side).into_iter().flatten().map(figure).collect::<Vec<_>>())
        };
        let row = |side: Side| {
            let cpu = figure(side, |round| round.cpu);
            [
                side.name().to_owned(),
                format!("{:.1} ms", figure(side, |round| round.p50) / 1e3),
                format!("{:.1} ms", figure(side, |round| round.p99) / 1e3),
                if side == Side::Nothing { "–".to_owned() } else { format!("{cpu:.0} µs") },
                format!("{:.0}", figure(side, |round| round.pods_per_second)),
            ]
        };
        table(["", "p50", "p99", "its CPU a pod", "pods/s"], &Side::ALL.map(row));
    }

    fn print_memory(&self) {
        println!("\nMemory of the server after its load (the most it had):\n");
        let row = |(side, held): (&Side, &Vec<Held>)| {
            let figure = |figure: fn(&Held) -> f64| median(&held.iter().map(figure).collect::<Vec<_>>());
            let (now, peak) = (figure(|held| held.mib), figure(|held| held.peak_mib));
            [side.name().to_owned(), format!("{now:.0} MiB ({peak:.0})")]
        };
        table(["", "memory"], &self.held.iter().map(row).collect::<Vec<_>>());
    }

    fn print_judged(&self) {
        println!("\nAttacks and harmless objects, through the API server (**bold**: not as it should be):\n");
        let mut rows: Vec<[String; 5]> = Vec::new();
        for (place, tried) in self.judged.values().next().into_iter().flatten().enumerate() {
            let verdict = |side: Side| {
                let judged = self.judged.get(&side).and_then(|judged| judged.get(place));
                judged.map_or_else(String::new, |judged| judged.word(side))
            };
            let [nothing, partywall, gatekeeper] = Side::ALL.map(verdict);
            rows.push([tried.id.to_owned(), tried.what.to_owned(), nothing, partywall, gatekeeper]);
        }
        let header = ["id", "what", "no webhook", "partywall", "Gatekeeper"];
        table(header, &rows);
    }
}

impl Judged {
    fn is_right(&self) -> bool {
        (self.verdict == Verdict::Denied) != self.id.is_empty()
    }

    fn word(&self, side: Side) -> String {
        let word = match self.verdict {
            Verdict::Allowed => "allowed",
            Verdict::Denied => "denied",
        };
        if self.is_right() || side == Side::Nothing { word.to_owned() } else { format!("**{word}**") }
    }
}

/// Returns the load averages of the machine, of one, five and fifteen minutes.
fn load() -> anyhow::Result<String> {
    let averages = fs::read_to_string("/proc/loadavg")?;
    Ok(averages.split_whitespace().take(3).collect::<Vec<_>>().join(", "))
}

/// Prints a table in Markdown.
fn table<const COLUMNS: usize>(header: [&str; COLUMNS], rows: &[[String; COLUMNS]]) {
    println!("| {} |", header.join(" | "));
    println!("|{}", "---|".repeat(COLUMNS));
    for row in rows {
        println!("| {} |", row.join(" | "));
    }
}
