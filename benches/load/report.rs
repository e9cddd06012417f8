//! Says what was found: tables for people, `results.json` for programs.

use std::path::Path;

use serde::Serialize;

use crate::found::{Found, Machine, Neighbours};
use crate::goals::{BOUND, Goal};
use crate::rounds::Cell;
use crate::servers::Kind;
use crate::stats::{interval, median, ratio};
use crate::table::Table;
use crate::tally::Tally;
use crate::usage::Held;

/// Everything, on stdout.
pub(crate) fn print(found: &Found, goals: &[Goal]) {
    let Machine { cpu, cores, kernel, load, is_optimized } = &found.machine;
    println!("\n{cpu}, {cores} cores, Linux {kernel}, load {load} before; {}", found.placement);
    if !is_optimized {
        println!("This build is not optimized: nothing of it is worth comparing.");
    }
    for table in [saturated(found), open(found), neighbours(found), footprint(found), reached(goals)] {
        if !table.is_empty() {
            print!("{table}");
        }
    }
    disturbances(found);
    for (failure, count) in found.failures() {
        println!("\nWRONG: {count} x {failure}");
    }
}

fn saturated(found: &Found) -> Table {
    let title = "As fast as answers come (CPU: the server's; ÷: to null's; [95 % of draws])";
    let header = [
        "",
        "reviews/s",
        "÷",
        "CPU µs",
        "÷",
        "",
        "core",
        "p50 µs",
        "p99 µs",
        "p99.9",
        "switches",
        "disturbed",
        "wrong",
    ];
    let mut table = Table::new(title, header);
    for cell in found.cells.iter().filter(|cell| cell.scenario != "open") {
        let null = found.cell(cell.scenario, &cell.load, Kind::Null).unwrap_or(cell);
        let sure = interval(&cell.costs(), &null.costs());
        table.row([
            name(cell),
            format!("{:.0}", cell.rate()),
            format!("{:.2}", ratio(&cell.rates(), &null.rates())),
            format!("{:.1}", cell.cost()),
            format!("{:.2}", ratio(&cell.costs(), &null.costs())),
            sure.map_or_else(String::new, |(low, high)| format!("[{low:.2} {high:.2}]")),
            format!("{:.0} %{}", cell.cores() * 100.0, if cell.cores() < BOUND { " *" } else { "  " }),
            format!("{:.0}", cell.p50()),
            format!("{:.0}", cell.p99()),
            format!("{:.0}", cell.tally.micros(0.999)),
            format!("{:.2}", cell.switches()),
            disturbed(cell),
            cell.tally.failed().to_string(),
        ]);
    }
    table
}

fn name(cell: &Cell) -> String {
    format!("{:<15} {}", cell.load, cell.server.name())
}

fn disturbed(cell: &Cell) -> String {
    if cell.tells() { format!("{}/{}", cell.disturbed(), cell.rounds.len()) } else { "–".to_owned() }
}

fn open(found: &Found) -> Table {
    let title =
        "At random times, from when a review was meant to be sent (late: the generator's own part, p99)";
    let header =
        ["", "reviews/s", "CPU µs", "÷", "p50 µs", "÷", "p99 µs", "÷", "p99.9", "late", "others", "wrong"];
    let mut table = Table::new(title, header);
    for cell in found.cells.iter().filter(|cell| cell.scenario == "open") {
        let null = found.cell(cell.scenario, &cell.load, Kind::Null).unwrap_or(cell);
        table.row([
            name(cell),
            format!("{:.0}", cell.rate()),
            format!("{:.1}", cell.cost()),
            format!("{:.2}", cell.cost() / null.cost()),
            format!("{:.0}", cell.p50()),
            format!("{:.2}", cell.p50() / null.p50()),
            format!("{:.0}", cell.p99()),
            format!("{:.2}", cell.p99() / null.p99()),
            format!("{:.0}", cell.tally.micros(0.999)),
            format!("{:.0}", cell.late()),
            percent(cell.others()),
            cell.tally.failed().to_string(),
        ]);
    }
    table
}

fn neighbours(found: &Found) -> Table {
    let title = "Beside something that could be in the way (µs; late: the generator's own part, p99 beside)";
    let header = [
        "",
        "p50 alone",
        "beside",
        "p99 alone",
        "beside",
        "÷",
        "",
        "p99.9",
        "late",
        "samples",
        "others",
        "wrong",
        "",
    ];
    let mut table = Table::new(title, header);
    for both in &found.neighbours {
        let Neighbours { what, alone, beside, others } = both;
        let sure = both.interval().map(|(low, high)| format!("[{low:.2} {high:.2}]"));
        table.row([
            format!("{:<6} {}", alone.scenario, alone.server.name()),
            format!("{:.0}", alone.p50()),
            format!("{:.0}", beside.p50()),
            format!("{:.0}", alone.p99()),
            format!("{:.0}", beside.p99()),
            format!("{:.2}", both.growth()),
            sure.unwrap_or_default(),
            format!("{:.0}", beside.tally.micros(0.999)),
            format!("{:.0}", beside.late()),
            beside.tally.latencies.len().to_string(),
            percent(f64::midpoint(alone.others(), beside.others())),
            (alone.tally.failed() + beside.tally.failed()).to_string(),
            format!("{what}{}", fared(others)),
        ]);
    }
    table
}

/// Returns the outcome of the disturbances.
fn fared(others: &Tally) -> String {
    match others.latencies.len() {
        0 => String::new(),
        count => format!(
            "; those: {count} answered, p50 {:.1} ms, p99 {:.1} ms, at most {:.1} ms",
            others.micros(0.5) / 1e3,
            others.micros(0.99) / 1e3,
            others.micros(1.0) / 1e3
        ),
    }
}

fn percent(share: f64) -> String {
    format!("{:.0} %", share.max(0.0) * 100.0)
}

fn footprint(found: &Found) -> Table {
    let mut table = Table::new("At rest", ["", ""]);
    let footprint = &found.footprint;
    for (server, starts) in &footprint.starts {
        let (name, value) = (format!("exec to first answer, {server}"), median(starts));
        table.row([name, format!("{value:.1} ms")]);
    }
    for (server, held) in &footprint.after {
        let Held { mib, peak_mib, descriptors } = held;
        let name = format!("memory after all of the above, {server} (at most; descriptors)");
        table.row([name, format!("{mib:.1} MiB ({peak_mib:.1}; {descriptors})")]);
    }
    let rows = [
        ("exec to first answer, 10,000 namespaces", footprint.large_start, "ms"),
        ("memory, one tenant", footprint.bare_mib, "MiB"),
        ("memory, 10,000 namespaces, 1,000 tenants, 75 connections", footprint.mib, "MiB"),
        ("memory of an idle connection", footprint.kib_per_connection, "KiB"),
        ("program, stripped", footprint.binary_mib, "MiB"),
    ];
    for (name, value, unit) in rows {
        if let Some(value) = value {
            table.row([name.to_owned(), format!("{value:.1} {unit}")]);
        }
    }
    table
}

fn reached(goals: &[Goal]) -> Table {
    let mut table = Table::new(
        "Goals (?: too much else went on, the generator was late, or answers were wrong)",
        ["", "value", "gate", "stretch", "", ""],
    );
    for goal in goals {
        let bound = |bound| format!("{} {bound}", if goal.at_least { "≥" } else { "≤" });
        table.row([
            goal.name.clone(),
            format!("{:.2} {:<3}", goal.value, goal.unit),
            bound(goal.gate),
            goal.stretch.map_or_else(String::new, bound),
            goal.outcome(),
            goal.note.clone(),
        ]);
    }
    table
}

/// Prints the tables of the disturbances.
fn disturbances(found: &Found) {
    let (all, disturbed) = found
        .cells
        .iter()
        .fold((0, 0), |(all, disturbed), cell| (all + cell.rounds.len(), disturbed + cell.disturbed()));
    if disturbed > 0 {
        println!("\n{disturbed} of {all} rounds were disturbed: others used more than 5 % of the machine.");
    }
    let at_random = found.cells.iter().filter(|cell| cell.scenario == "open");
    let neighbours = found.neighbours.iter().flat_map(|both| [&both.alone, &both.beside]);
    for cell in at_random.chain(neighbours).filter(|cell| cell.is_late()) {
        let (scenario, name) = (cell.scenario, name(cell));
        println!("The generator was late ({scenario}, {name}): such latencies are its own.");
    }
    if found.cells.iter().any(|cell| cell.scenario != "open" && cell.cores() < BOUND) {
        println!("* the server had time left, so the generator was the limit: compare CPU, not reviews/s.");
    }
}

/// Everything and the goals, for programs.
pub(crate) fn write(found: &Found, goals: &[Goal], folder: &Path) -> anyhow::Result<()> {
    #[derive(Serialize)]
    struct Results<'f> {
        #[serde(flatten)]
        found: &'f Found,
        goals: &'f [Goal],
    }
    let json = serde_json::to_vec_pretty(&Results { found, goals })?;
    Ok(std::fs::write(folder.join("results.json"), json)?)
}
