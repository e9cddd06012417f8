//! Runs the property over many cases, on all processors.

use std::cell::RefCell;
use std::fmt;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};

use super::case::Case;
use super::property::{Broken, Claim, check};
use super::tally::Tally;
use super::wall::Wall;

/// The number of cases of one seed. Each chunk has its own, so that the result does not depend on the thread that found
/// it; the earliest chunk counts.
const CHUNK: u64 = 500;

/// The events that must have occurred, in a thousand cases.
pub(crate) const FAIR: &[(&str, u64)] = &[
    ("allowed", 300),
    ("denied", 150),
    ("harmless", 150),
    ("change allowed", 40),
    ("change denied", 15),
    ("change harmless", 15),
    ("could run", 300),
    ("runs where it was meant to", 100),
    ("binding denied", 25),
    ("bound by the scheduler", 40),
    ("DaemonSet", 60),
    ("RuntimeClass", 60),
    ("gated", 80),
    ("nodeName", 20),
    ("unclaimed", 120),
    ("tenant without pools", 70),
    ("tenant with a pool", 200),
    ("tenant with several pools", 60),
    ("a node could be its", 150),
    ("no node could be its", 10),
    ("meant for one pool", 40),
    ("update stamped", 1),
    ("other taints allowed", 200),
    ("tolerations of everybody", 150),
    ("a topology granted", 80),
    ("keeps pods off", 60),
    ("requests a device", 60),
    ("stamp Both", 200),
    ("stamp NodeAffinity", 200),
    ("stamp NodeSelector", 200),
    ("several terms", 120),
    ("empty term", 80),
    ("no terms", 20),
    ("label In", 150),
    ("label NotIn", 40),
    ("label Exists", 40),
    ("label DoesNotExist", 40),
    ("label Gt", 40),
    ("label Lt", 40),
    ("field In", 50),
    ("field NotIn", 25),
    ("toleration ", 50),
    ("toleration Equal", 50),
    ("toleration Exists", 150),
    ("toleration Gt", 15),
    ("toleration Lt", 15),
    ("toleration of every key", 10),
    ("effect ", 50),
    ("effect NoSchedule", 50),
    ("effect NoExecute", 100),
    ("effect PreferNoSchedule", 50),
    ("webhook DropSelector", 80),
    ("webhook AddTerm", 20),
    ("webhook Weaken", 20),
    ("webhook Widen", 20),
    ("webhook Prefer", 10),
    ("webhook DropTolerations", 4),
    ("webhook ReplaceTerms", 4),
];

/// A case in which a claim is broken, as small as it was found.
pub(crate) struct Failure {
    /// The number of cases before it.
    pub(crate) cases: u64,
    pub(crate) broken: Broken,
    case: Case,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cases, broken, case } = self;
        write!(f, "{cases} cases: {:?}, {}\n{case}", broken.claim, broken.why)
    }
}

/// A seed that nobody knows.
pub(crate) fn any_seed() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// The kind of a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum How {
    Plain,
    /// On all processors, and says how far it is.
    Long,
    /// The case that is found is not made smaller.
    Unshrunk,
}

/// Runs so many cases, for the claims that `matter`.
pub(crate) fn run(
    wall: &dyn Wall,
    matter: &[Claim],
    cases: u64,
    seed: u64,
    how: How,
) -> Result<Tally, Box<Failure>> {
    let (next, has_failed) = (AtomicU64::new(0), AtomicBool::new(false));
    let total: Mutex<(Tally, Option<(u64, Failure)>)> = Mutex::default();
    let started = Instant::now();
    let is_long = how == How::Long;
    let threads = if is_long { std::thread::available_parallelism().map_or(1, usize::from) } else { 1 };
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let mut reported = Instant::now();
                loop {
                    let chunk = next.fetch_add(1, Ordering::Relaxed);
                    if chunk * CHUNK >= cases || has_failed.load(Ordering::Relaxed) {
                        return;
                    }
                    let (tally, failure) = run_chunk(
                        wall,
                        matter,
                        CHUNK.min(cases - chunk * CHUNK),
                        seed,
                        chunk,
                        !matches!(how, How::Unshrunk),
                    );
                    let mut total = total.lock().unwrap();
                    total.0.add(&tally);
                    if let Some(failure) = failure {
                        has_failed.store(true, Ordering::Relaxed);
                        if total.1.as_ref().is_none_or(|(earlier, _)| chunk < *earlier) {
                            total.1 = Some((chunk, failure));
                        }
                    }
                    if is_long && reported.elapsed().as_secs() >= 10 {
                        reported = Instant::now();
                        let done = total.0.of("case");
                        let rate = done as f64 / started.elapsed().as_secs_f64();
                        // Past the capture of the test harness.
                        let mut stderr = std::io::stderr();
                        let _ = writeln!(stderr, "{done} of {cases} cases, {rate:.0} a second");
                    }
                }
            });
        }
    });
    let (tally, failure) = total.into_inner().unwrap();
    if is_long {
        let _ = writeln!(std::io::stderr(), "{:.0} s\n{tally}", started.elapsed().as_secs_f64());
    }
    failure.map_or(Ok(tally), |(_, failure)| Err(Box::new(failure)))
}

fn run_chunk(
    wall: &dyn Wall,
    matter: &[Claim],
    cases: u64,
    seed: u64,
    chunk: u64,
    is_shrunk: bool,
) -> (Tally, Option<Failure>) {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    bytes[8..16].copy_from_slice(&chunk.to_le_bytes());
    let config = Config {
        cases: u32::try_from(cases).unwrap(),
        failure_persistence: None,
        max_shrink_iters: if is_shrunk { 4_000 } else { 0 },
        ..Config::default()
    };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let (tally, first) = (RefCell::new(Tally::default()), RefCell::new(None));
    let outcome = runner.run(&vec(any::<u8>(), 260..=440), |bytes| {
        let case = Case::read(&bytes);
        let mut tally = tally.borrow_mut();
        let Err(broken) = check(&case, wall, matter, &mut tally) else { return Ok(()) };
        let mut first = first.borrow_mut();
        let (claim, _) = first.get_or_insert((broken.claim, tally.of("case")));
        // A smaller case that breaks another claim is another case.
        if *claim == broken.claim { Err(TestCaseError::fail(broken.why)) } else { Ok(()) }
    });
    let tally = tally.into_inner();
    let failure = match outcome {
        Ok(()) => None,
        Err(TestError::Fail(_, bytes)) => {
            let case = Case::read(&bytes);
            let broken =
                check(&case, wall, matter, &mut Tally::default()).expect_err("it was broken a moment before");
            let before = first.into_inner().map_or(0, |(_, cases)| cases - 1);
            Some(Failure { cases: chunk * CHUNK + before, broken, case })
        }
        Err(TestError::Abort(why)) => panic!("{why}"),
    };
    (tally, failure)
}
