//! What Linux says about the process, under the names that Prometheus' client libraries give it.
//!
//! The feature `process` of the crate `prometheus` would bring `procfs`, and with it second versions of `rustix` and
//! `linux-raw-sys`. It also rounds CPU time to whole seconds.

#![expect(clippy::disallowed_methods, reason = "reads files of /proc")]

use std::fs;

use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{Counter, Gauge, Registry};

use super::Figure;

/// The figures of the process; elsewhere than on Linux they stay at zero.
#[derive(Clone, Debug)]
pub struct ProcessFigures {
    cpu: Counter,
    gauges: [ProcessGauge; 6],
}

/// A gauge, and what it shows.
#[derive(Clone, Debug)]
struct ProcessGauge(Gauge, fn(&Process) -> f64);

/// What is read of the process.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Process {
    cpu_seconds: f64,
    threads: f64,
    start_seconds: f64,
    virtual_bytes: f64,
    resident_bytes: f64,
    open_files: f64,
    most_files: f64,
}

impl Process {
    fn read() -> Option<Self> {
        let text = |path: &str| fs::read_to_string(path).ok();
        let stat = text("/proc/self/stat")?;
        let boot = text("/proc/stat")?.lines().find_map(|line| line.strip_prefix("btime ")?.parse().ok());
        let limits = text("/proc/self/limits")?;
        let most =
            limits.lines().find_map(|line| line.strip_prefix("Max open files")?.split_whitespace().next());
        Some(Self {
            open_files: fs::read_dir("/proc/self/fd").ok()?.count() as f64,
            // `unlimited` is no number.
            most_files: most.and_then(|most| most.parse().ok()).unwrap_or(f64::INFINITY),
            ..Self::of(&stat, boot?, ticks(), page())?
        })
    }

    /// Reads `1 (name) state ...` of proc_pid_stat(5), whose name may contain anything.
    fn of(stat: &str, boot: f64, ticks: f64, page: f64) -> Option<Self> {
        let fields: Vec<&str> = stat.rsplit_once(") ")?.1.split_whitespace().collect();
        // Fields are counted from 1, and the first here is the third.
        let field = |number: usize| fields.get(number - 3)?.parse::<f64>().ok();
        Some(Self {
            cpu_seconds: (field(14)? + field(15)?) / ticks,
            threads: field(20)?,
            start_seconds: boot + field(22)? / ticks,
            virtual_bytes: field(23)?,
            resident_bytes: field(24)? * page,
            ..Self::default()
        })
    }
}

#[cfg(target_os = "linux")]
fn ticks() -> f64 {
    rustix::param::clock_ticks_per_second() as f64
}

#[cfg(target_os = "linux")]
fn page() -> f64 {
    rustix::param::page_size() as f64
}

#[cfg(not(target_os = "linux"))]
fn ticks() -> f64 {
    1.0
}

#[cfg(not(target_os = "linux"))]
fn page() -> f64 {
    1.0
}

impl Figure for ProcessFigures {
    fn register(registry: &Registry, name: &str, _: &str) -> prometheus::Result<Self> {
        let gauge = |what: &str, help: &str| Gauge::new(format!("{name}_{what}"), help);
        let cpu = Counter::new(format!("{name}_cpu_seconds_total"), "CPU time of the process, in seconds.")?;
        let gauges: [ProcessGauge; 6] = [
            ProcessGauge(gauge("open_fds", "Open files and connections.")?, |read| read.open_files),
            ProcessGauge(gauge("max_fds", "The limit on open files and connections.")?, |read| {
                read.most_files
            }),
            ProcessGauge(gauge("virtual_memory_bytes", "Virtual memory.")?, |read| read.virtual_bytes),
            ProcessGauge(gauge("resident_memory_bytes", "Resident memory.")?, |read| read.resident_bytes),
            ProcessGauge(gauge("start_time_seconds", "The start, in seconds since 1970.")?, |read| {
                read.start_seconds
            }),
            ProcessGauge(gauge("threads", "Threads.")?, |read| read.threads),
        ];
        let figures = Self { cpu, gauges };
        registry.register(Box::new(figures.clone()))?;
        Ok(figures)
    }
}

impl Collector for ProcessFigures {
    fn desc(&self) -> Vec<&Desc> {
        let gauges = self.gauges.iter().flat_map(|ProcessGauge(gauge, _)| gauge.desc());
        self.cpu.desc().into_iter().chain(gauges).collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let Some(process) = Process::read() else { return Vec::new() };
        self.cpu.inc_by((process.cpu_seconds - self.cpu.get()).max(0.0));
        self.gauges.iter().for_each(|ProcessGauge(gauge, of)| gauge.set(of(&process)));
        let gauges = self.gauges.iter().flat_map(|ProcessGauge(gauge, _)| gauge.collect());
        self.cpu.collect().into_iter().chain(gauges).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_parentheses_moves_no_field() {
        let stat =
            "7 (a) b) S 1 7 7 0 -1 4194560 1 0 0 0 150 50 0 0 20 0 3 0 1000 8192 2 18446744073709551615";
        let process = Process::of(stat, 5.0, 100.0, 4096.0).unwrap();
        let expected = Process {
            cpu_seconds: 2.0,
            threads: 3.0,
            start_seconds: 15.0,
            virtual_bytes: 8192.0,
            resident_bytes: 8192.0,
            ..Process::default()
        };
        assert_eq!(process, expected);
        assert_eq!(Process::of("7 (a) S 1", 5.0, 100.0, 4096.0), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_has_memory_files_and_a_start() {
        let process = Process::read().unwrap();
        assert!(
            process.resident_bytes > 1e5 && process.virtual_bytes > process.resident_bytes,
            "{process:?}"
        );
        assert!(process.open_files >= 3.0 && process.open_files < process.most_files, "{process:?}");
        assert!(process.threads >= 1.0 && process.start_seconds > 1e9, "{process:?}");
        assert!(process.start_seconds <= super::super::clock::now() as f64 + 1.0, "{process:?}");
    }
}
