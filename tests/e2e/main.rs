//! Tests partywall in a cluster: a real control plane calls it, and real controllers get its answers.
//!
//! `make e2e` runs this on what tests/e2e/control-plane builds, or on what KUBEBUILDER_ASSETS names.
//! There are no machines behind the nodes and no containers in the pods, so a run takes two minutes. Nothing sleeps but
//! [`eventually`], and whatever way a run ends, no process of it goes on.

#![expect(
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test starts programs, reads their files, and fails by panicking"
)]

mod api;
mod attempt;
mod balancer;
mod cases;
mod cluster;
mod control_plane;
mod crds;
mod eventually;
mod folder;
mod http;
mod https;
mod installation;
mod kinds;
mod kube_proxy;
mod kubectl;
mod kubelet;
mod load;
mod meddler;
mod nodes;
mod outcome;
mod pairs;
mod partywall;
mod ports;
mod process;
mod readme;
mod recorder;
mod registration;
mod siege;
mod stalling;
mod users;
mod volumes;

use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::sync::{Arc, PoisonError, RwLock};
use std::thread::{self, ScopedJoinHandle};
use std::time::Instant;

use libtest_mimic::{Arguments, Completion, Conclusion, Failed, Trial};

use self::attempt::attempt;
use self::cases::{Case, Place, cases};
use self::cluster::Cluster;
use self::control_plane::Version;
use self::folder::Folder;
use self::recorder::Recorder;

/// Cases wait for the control plane most of the time, so there may be more of them at once than cores.
const THREADS: usize = 8;
/// The clusters: one that most cases share, and two for cases that are apart.
const NAMES: [&str; 3] = ["first", "second", "third"];
/// Indices into [`NAMES`].
const FIRST: usize = 0;
const SECOND: usize = 1;
const THIRD: usize = 2;

fn main() -> ExitCode {
    let args = Arguments::from_args();
    let trial = |case: &Case| Trial::test(case.name, || Ok(())).with_ignored_flag(case.long);
    let trials: Vec<Trial> = cases().iter().map(trial).collect();
    if args.list || trials.iter().all(|trial| args.is_filtered_out(trial)) {
        // This needs no cluster.
        return libtest_mimic::run(&args, trials).exit_code();
    }
    let assets = match control_plane::assets() {
        Ok(assets) => assets,
        Err(error) => {
            println!("no control plane: {error}");
            return ExitCode::FAILURE;
        }
    };
    attempt::silence();
    let folder = Folder::make();
    // Each has a cluster of its own, since most of the time they wait for it.
    let outcomes = thread::scope(|scope| {
        let (args, assets, folder) = (&args, &assets, folder.path());
        let run = |(name, cases)| scope.spawn(move || run(args, name, cases, assets, folder));
        let runs: Vec<_> = NAMES.into_iter().zip(grouped(cases())).map(run).collect();
        let end = |run: ScopedJoinHandle<'_, _>| {
            run.join().unwrap_or_else(|_| Err("the runner of a cluster panicked".to_owned()))
        };
        runs.into_iter().map(end).collect::<Vec<_>>()
    });
    let mut succeeded = true;
    for outcome in outcomes {
        match outcome {
            Ok(conclusion) => succeeded &= !conclusion.has_failed(),
            Err(failure) => {
                println!("{failure}");
                succeeded = false;
            }
        }
    }
    if succeeded {
        folder.remove();
        return ExitCode::SUCCESS;
    }
    folder.keep();
    ExitCode::FAILURE
}

/// Returns the cases of each cluster.
fn grouped(cases: Vec<Case>) -> [Vec<Case>; NAMES.len()] {
    let mut groups: [Vec<Case>; NAMES.len()] = Default::default();
    for case in cases {
        let index = match case.place {
            Place::Together | Place::Alone => FIRST,
            Place::Second => SECOND,
            Place::Third => THIRD,
        };
        groups[index].push(case);
    }
    groups
}

/// Starts a cluster, runs in it those of its cases that the arguments select, and ends it.
fn run(
    args: &Arguments,
    name: &str,
    cases: Vec<Case>,
    assets: &Path,
    folder: &Path,
) -> Result<Conclusion, String> {
    attempt(|| {
        let is_selected = |case: &Case| {
            let trial = Trial::test(case.name, || Ok(())).with_ignored_flag(case.long);
            !args.is_filtered_out(&trial) && (!case.long || args.ignored || args.include_ignored)
        };
        let mut args = args.clone();
        args.test_threads.get_or_insert(THREADS);
        if !cases.iter().any(is_selected) {
            let trials = cases.iter().map(|case| Trial::test(case.name, || Ok(())).with_ignored_flag(true));
            return libtest_mimic::run(&args, trials.collect());
        }
        let start = Instant::now();
        let folder = folder.join(name);
        fs::create_dir(&folder).unwrap();
        let cluster = Cluster::start(assets.to_owned(), &folder);
        let took = start.elapsed().as_secs_f32();
        println!("the {name} cluster's control plane {} is up ({took:.1} s)", cluster.version());
        run_in(&args, name, cases, cluster)
    })
}

/// Runs cases in a cluster, and ends it.
fn run_in(args: &Arguments, name: &str, cases: Vec<Case>, cluster: Cluster) -> Conclusion {
    let (cluster, turns) = (Arc::new(cluster), Arc::new(RwLock::new(())));
    let trial = |case: Case| {
        let (cluster, turns) = (Arc::clone(&cluster), Arc::clone(&turns));
        let is_long = case.long;
        let trial = Trial::ignorable_test(case.name, move || match left_out(&case, cluster.version()) {
            Some(left_out) => left_out,
            None => perform(&case, &cluster, &turns).map(|()| Completion::Completed),
        });
        trial.with_ignored_flag(is_long)
    };
    // One recorder will do.
    let recorder = (name == NAMES[FIRST]).then(|| Recorder::start(&cluster));
    let conclusion = libtest_mimic::run(args, cases.into_iter().map(trial).collect());
    drop(recorder);
    Arc::into_inner(cluster).unwrap().stop();
    conclusion
}

/// Tells whether a case is left out on this release. One that would be left out on the newest pinned one fails.
fn left_out(case: &Case, version: &Version) -> Option<Result<Completion, Failed>> {
    if case.since <= version.minor {
        return None;
    }
    let needs = format!("needs Kubernetes 1.{}, and this is {version}", case.since);
    if control_plane::newest_pinned() <= version.minor {
        return Some(Err(Failed::from(format!("{needs}, the newest: no run would ever show it"))));
    }
    println!("left out: {}: {needs}", case.name);
    Some(Ok(Completion::ignored_with(needs)))
}

/// Runs a case when it is its turn: beside others, or alone.
fn perform(case: &Case, cluster: &Cluster, turns: &RwLock<()>) -> Result<(), Failed> {
    let run = || {
        let begun = Instant::now();
        let outcome = attempt(|| (case.run)(cluster));
        (outcome, begun.elapsed())
    };
    let (outcome, took) = if case.place == Place::Together {
        let _beside_others = turns.read().unwrap_or_else(PoisonError::into_inner);
        run()
    } else {
        let _alone = turns.write().unwrap_or_else(PoisonError::into_inner);
        let (outcome, took) = run();
        // Whether it held or not, the others want their cluster back.
        let restored = attempt(|| cluster.restore());
        (outcome.and(restored), took)
    };
    println!("{:5.1} s  {}", took.as_secs_f32(), case.name);
    outcome.map_err(Failed::from)
}
