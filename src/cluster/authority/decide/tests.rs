use std::sync::Arc;

use super::*;
use crate::cluster::facts::Replica;

const LIFETIMES: Lifetimes = Lifetimes { ca: 24_000, leaf: 900 };

fn id(number: u8) -> Fingerprint {
    Fingerprint([number; 32])
}

fn ca(number: u8, made: i64, until: i64) -> Ca {
    let key = Some(Arc::from(""));
    Ca { id: id(number), made, until, fits: true, certificate: "".into(), key }
}

/// CAs of which none needs to be replaced at 0, and all bundles hold the next one for long.
fn cas() -> Cas {
    let found = Cas::found(ca(1, -1_000, 23_000), ca(2, -1_000, 23_000));
    Cas { previous: Some(Ca { key: None, ..ca(3, -20_000, 4_000) }), ..found.held(Some(-10_000)) }
}

fn replicas(signers: &[u8]) -> Replicas {
    let replica = |signer: &u8| Replica { signer: Some(id(*signer)), ..Replica::default() };
    Replicas { is_known: true, live: signers.iter().map(replica).collect(), leads: false }
}

/// A world in which all is well.
struct Case {
    live: Registered,
    replicas: Replicas,
    now: i64,
    unusable: Duration,
    seen: Duration,
}

/// How long a replica must have seen the next CA in all bundles.
const SETTLE: Duration = Duration::from_secs(120);

impl Default for Case {
    fn default() -> Self {
        let (live, replicas) = (trusting(&[1, 2, 3]), replicas(&[1, 1, 1]));
        Self { live, replicas, now: 0, unusable: Duration::ZERO, seen: SETTLE }
    }
}

fn trusting(cas: &[u8]) -> Registered {
    let trusted = Some(cas.iter().map(|number| id(*number)).collect());
    Registered { is_known: true, trusted, ..Registered::default() }
}

fn nothing() -> Registered {
    Registered { is_known: true, ..Registered::default() }
}

impl Case {
    fn world(&self) -> World<'_> {
        World {
            live: Live::of(&self.live),
            replicas: &self.replicas,
            now: self.now,
            unusable: self.unusable,
            seen: self.seen,
            lifetimes: LIFETIMES,
        }
    }

    fn good(&self, cas: &Cas) -> Step {
        decide(View::Good(cas), None, &self.world())
    }

    /// Decides about a Secret that cannot be used, with memory of this age.
    fn broken(&self, view: View<'_>, age: Option<Duration>) -> Step {
        decide(view, age, &self.world())
    }
}

#[test]
fn good_cas_stay_as_they_are() {
    assert_eq!(Case::default().good(&cas()), Step::Rest);
    let unknown = Case { live: Registered::default(), replicas: Replicas::default(), ..Case::default() };
    assert_eq!(unknown.good(&cas()), Step::Rest);
}

#[test]
fn what_is_gone_empty_or_garbage_is_restored_at_once_by_who_knows_it() {
    for view in [View::Absent, View::Empty, View::Garbage] {
        for live in [Registered::default(), nothing(), trusting(&[9])] {
            let case = Case { live, ..Case::default() };
            assert_eq!(case.broken(view, Some(Duration::from_secs(4))), Step::Restore);
        }
    }
}

#[test]
fn who_was_cut_off_lets_others_restore_first() {
    let old = Some(FRESH + Duration::from_secs(1));
    assert_eq!(Case::default().broken(View::Absent, old), Step::Rest);
    let late = Case { unusable: GRACE, ..Case::default() };
    assert_eq!(late.broken(View::Absent, old), Step::Restore);
}

#[test]
fn new_cas_are_made_at_once_only_where_none_can_be_known() {
    let (fresh, late) = (Duration::ZERO, GRACE);
    for (view, live, unusable, expected) in [
        (View::Absent, nothing(), fresh, Step::Found),
        (View::Absent, trusting(&[9]), fresh, Step::Rest),
        (View::Absent, trusting(&[9]), late, Step::Found),
        (View::Absent, Registered::default(), fresh, Step::Rest),
        (View::Absent, Registered::default(), late, Step::Found),
        (View::Empty, nothing(), fresh, Step::Rest),
        (View::Empty, nothing(), late, Step::Found),
        (View::Empty, trusting(&[9]), late, Step::Found),
        (View::Garbage, nothing(), fresh, Step::Rest),
        (View::Garbage, nothing(), late, Step::Found),
        (View::Garbage, Registered::default(), late, Step::Rest),
        (View::Garbage, trusting(&[9]), fresh, Step::Rest),
        (View::Garbage, trusting(&[9]), late, Step::AskForHelp),
        (View::Garbage, trusting(&[]), late, Step::AskForHelp),
    ] {
        let case = Case { live, unusable, ..Case::default() };
        assert_eq!(case.broken(view, None), expected, "{view:?} {:?} {unusable:?}", case.live.trusted);
    }
}

#[test]
fn the_next_ca_is_promoted_when_a_third_is_left_and_all_have_held_it_long_enough() {
    let due = 15_000;
    let at = |now| Case { now, ..Case::default() };
    let held_since = |since| cas().without_previous().held(Some(since));
    assert_eq!(at(due - 1).good(&held_since(0)), Step::Rest);
    assert_eq!(at(due).good(&held_since(due - 1_000)), Step::Promote);
    assert_eq!(at(due).good(&held_since(due - 999)), Step::Rest);
    assert_eq!(at(due).good(&held_since(due + 1_000)), Step::Rest, "another clock is ahead");
    let unsettled = Case { seen: SETTLE - Duration::from_secs(1), ..at(due) };
    assert_eq!(unsettled.good(&held_since(0)), Step::Rest, "another clock may be behind");
    let lacking = Case { live: trusting(&[1, 3]), ..at(due) };
    assert_eq!(lacking.good(&held_since(0)), Step::Note(None));
    let unknown = Case { live: Registered::default(), ..at(due) };
    assert_eq!(unknown.good(&held_since(0)), Step::Rest);
    let unregistered = Case { live: nothing(), ..at(due) };
    assert_eq!(unregistered.good(&cas().without_previous().held(None)), Step::Promote);
}

#[test]
fn a_promotion_waits_for_replicas_that_serve_a_certificate_of_the_previous_ca() {
    let previous = Some(ca(3, -20_000, 30_000));
    let cas = Cas { previous, ..cas() };
    let with = |replicas, now| Case { replicas, now, ..Case::default() }.good(&cas);
    assert_eq!(with(replicas(&[1, 3]), 15_000), Step::Rest);
    assert_eq!(with(Replicas::default(), 15_000), Step::Rest, "nobody knows");
    assert_eq!(with(replicas(&[1, 1]), 15_000), Step::Promote);
    assert_eq!(with(Replicas::default(), 19_000), Step::Promote, "before the current one ends");
}

#[test]
fn a_ca_that_has_ended_is_replaced_as_soon_as_callers_trust_the_next_one() {
    let cas = Cas { current: ca(1, -24_000, 0), ..cas().without_previous().held(None) };
    assert_eq!(Case::default().good(&cas), Step::Promote);
    assert_eq!(Case { live: trusting(&[1]), ..Case::default() }.good(&cas), Step::Rest);
    let both = Cas { next: ca(2, -24_000, 0), ..cas };
    assert_eq!(Case::default().good(&both), Step::ReplaceNext);
}

#[test]
fn a_next_ca_that_grows_old_is_replaced_unless_a_replica_needs_it() {
    let cas = Cas { next: ca(2, -20_000, 4_000), ..cas() };
    assert_eq!(Case::default().good(&cas), Step::ReplaceNext);
    assert_eq!(Case { replicas: replicas(&[1, 2]), ..Case::default() }.good(&cas), Step::Rest);
}

#[test]
fn the_previous_ca_goes_when_it_has_ended() {
    let at = |now| Case { now, ..Case::default() }.good(&cas());
    assert_eq!(at(3_999), Step::Rest);
    assert_eq!(at(4_000), Step::DropPrevious);
}

#[test]
fn a_demanded_rotation_waits_until_every_api_server_uses_the_bundle() {
    let seen = |seen| Case { seen, ..Case::default() };
    let cas = cas().without_previous().held(Some(0)).leaving();
    assert_eq!(seen(SETTLE - Duration::from_secs(1)).good(&cas), Step::Rest);
    assert_eq!(seen(SETTLE).good(&cas), Step::Promote);
    let promoted = cas.promoted(ca(3, 0, 24_000)).held(Some(0));
    assert_eq!(seen(SETTLE).good(&promoted), Step::Rest, "once");
}

#[test]
fn stolen_cas_are_replaced_one_after_the_other() {
    let at = |now, live: &[u8], signers: &[u8]| Case {
        now,
        live: trusting(live),
        replicas: replicas(signers),
        ..Case::default()
    };
    let stolen = cas().without_previous().compromised();
    // The next CA may be known too, so that a fresh one takes its place.
    assert_eq!(at(0, &[1, 2], &[1, 1]).good(&stolen), Step::ReplaceNext);
    let replaced = stolen.with_next(ca(5, 0, 24_000));
    assert_eq!(at(1, &[1, 2], &[1, 1]).good(&replaced), Step::Rest, "it is in no bundle yet");
    let early = |now| Case { seen: SETTLE - Duration::from_secs(1), ..at(now, &[1, 5], &[1, 1]) };
    assert_eq!(early(5).good(&replaced), Step::Note(Some(5)));
    let held = replaced.held(Some(5));
    assert_eq!(early(405).good(&held), Step::Rest);
    assert_eq!(at(405, &[1, 5], &[1, 1]).good(&held), Step::Promote);
    let promoted = held.promoted(ca(6, 405, 24_405));
    // The stolen one stays while a replica serves a certificate of it, or may do so.
    assert_eq!(at(410, &[1, 5, 6], &[1, 5]).good(&promoted), Step::Note(Some(410)));
    let noted = promoted.held(Some(410));
    assert_eq!(at(410, &[1, 5, 6], &[1, 5]).good(&noted), Step::Rest);
    let unknown = Case { replicas: Replicas::default(), ..at(410, &[1, 5, 6], &[]) };
    assert_eq!(unknown.good(&noted), Step::Rest);
    assert_eq!(at(410, &[1, 6], &[5, 5]).good(&noted), Step::Rest, "callers do not trust the new one");
    assert_eq!(at(410, &[1, 5, 6], &[5, 5]).good(&noted), Step::DropPrevious);
    let clean = noted.without_previous();
    assert_eq!(at(410, &[5, 6], &[5, 5]).good(&clean), Step::Rest);
    assert!(clean.distrusted.contains(&id(1)), "a replica that was cut off may come back with it");
}

#[test]
fn cas_that_do_not_fit_the_names_are_replaced_without_a_gap() {
    let unfit = |ca: Ca| Ca { fits: false, ..ca };
    let Cas { current, next, .. } = cas();
    let neither = Cas { current: unfit(current.clone()), next: unfit(next.clone()), ..cas() };
    assert_eq!(Case::default().good(&neither), Step::ReplaceNext);
    let replaced = neither.without_previous().with_next(ca(5, 0, 24_000)).held(Some(0));
    let seen = |seen| Case { seen, live: trusting(&[1, 5]), ..Case::default() };
    assert_eq!(seen(Duration::ZERO).good(&replaced), Step::Rest);
    assert_eq!(seen(SETTLE).good(&replaced), Step::Promote);
    // A replica with other flags leaves the next CA alone while the current one serves it.
    let of_others = Cas { current, next: unfit(next), ..cas().without_previous() };
    assert_eq!(Case::default().good(&of_others), Step::Rest);
    assert_eq!(Case { now: 15_000, ..Case::default() }.good(&of_others), Step::ReplaceNext);
}

#[test]
fn the_note_follows_what_is_registered() {
    let unheld = cas().held(None);
    assert_eq!(Case { now: 7, ..Case::default() }.good(&unheld), Step::Note(Some(7)));
    assert_eq!(Case { live: trusting(&[1, 3]), ..Case::default() }.good(&unheld), Step::Rest);
    assert_eq!(Case { live: trusting(&[1, 3]), ..Case::default() }.good(&cas()), Step::Note(None));
    assert_eq!(Case { live: nothing(), ..Case::default() }.good(&cas()), Step::Rest);
    assert_eq!(Case::default().good(&cas().held(Some(1_800))), Step::Rest, "clocks may differ");
    assert_eq!(Case::default().good(&cas().held(Some(SKEW + 1))), Step::Note(Some(0)));
}

#[test]
fn the_list_of_what_is_not_trusted_is_bounded_and_keeps_what_matters() {
    let mut cas = cas();
    for number in 10..100 {
        cas = cas.compromised().promoted(ca(number, 0, 24_000));
    }
    let cas = cas.compromised();
    assert!(cas.distrusted.len() <= 16);
    assert!(cas.all().all(|ca| cas.distrusts(ca)));
}
