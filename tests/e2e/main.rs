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

use std::process::ExitCode;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Instant;

use libtest_mimic::{Arguments, Completion, Conclusion, Failed, Trial};

use self::attempt::attempt;
use self::cases::{Case, cases};
use self::cluster::Cluster;
use self::control_plane::Version;
use self::folder::Folder;
use self::recorder::Recorder;

/// Cases wait for the control plane most of the time, so there may be more of them than cores.
const THREADS: usize = 8;

fn main() -> ExitCode {
    let mut args = Arguments::from_args();
    args.test_threads.get_or_insert(THREADS);
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
    let outcome = attempt(|| {
        let start = Instant::now();
        let cluster = Cluster::start(assets, folder.path());
        println!("control plane {} is up ({:.1} s)", cluster.version(), start.elapsed().as_secs_f32());
        run(&args, cluster)
    });
    match outcome {
        Ok(conclusion) if !conclusion.has_failed() => {
            folder.remove();
            return ExitCode::SUCCESS;
        }
        Ok(_) => {}
        Err(failure) => println!("{failure}"),
    }
    folder.keep();
    ExitCode::FAILURE
}

/// Runs the cases that the arguments select, and ends the cluster.
fn run(args: &Arguments, cluster: Cluster) -> Conclusion {
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
    let recorder = Recorder::start(&cluster);
    let conclusion = libtest_mimic::run(args, cases().into_iter().map(trial).collect());
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
    let outcome = if case.alone {
        let _alone = turns.write().unwrap_or_else(PoisonError::into_inner);
        let outcome = attempt(|| (case.run)(cluster));
        // Whether it held or not, the others want their cluster back.
        let restored = attempt(|| cluster.restore());
        outcome.and(restored)
    } else {
        let _beside_others = turns.read().unwrap_or_else(PoisonError::into_inner);
        attempt(|| (case.run)(cluster))
    };
    outcome.map_err(Failed::from)
}
