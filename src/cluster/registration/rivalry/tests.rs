use partywall_core::Phase;
use serde_json::json;

use crate::cluster::registration::decision::{Action, Why};
use crate::cluster::registration::model::{Api, Partywall, ca, replica};

const FOR_NOW: Action = Action::Wait(Why::Rival { is_stubborn: false });
const STUBBORN: Action = Action::Wait(Why::Rival { is_stubborn: true });

/// Returns a replica that registered all webhooks.
fn registered() -> (Partywall, Api) {
    let (mut partywall, mut api) = (Partywall::new(&[0, 1]), Api::default());
    assert_eq!(partywall.settle(&mut api).1, Action::Nothing);
    (partywall, api)
}

/// Returns two replicas that mean different webhooks, and what the second one registered over the first.
fn rivals() -> (Partywall, Partywall, Api) {
    let ((one, mut api), mut other) = (registered(), Partywall::new(&[0, 1]));
    // As if it had another flag.
    let webhooks = other.wanted.configurations.validating["webhooks"].as_array_mut().unwrap();
    webhooks.retain(|webhook| webhook["name"] != "ingresses.partywall.dev");
    assert_eq!(other.settle(&mut api).1, Action::Nothing);
    (one, other, api)
}

#[test]
fn what_another_replica_wrote_is_left_for_a_moment_and_is_nobodys_edit() {
    let (mut one, mut api) = registered();
    // It knows already that a replica does not serve all.
    let mut other = Partywall::new(&[0, 1]);
    let mut older = replica("0.9.0", Some(0));
    older.entries.remove("pods.partywall.dev");
    other.replicas.live.push(older);
    assert_eq!(other.settle(&mut api).1, Action::Nothing);
    assert_eq!(one.settle(&mut api), (Vec::new(), FOR_NOW));
    one.now += 1;
    assert_eq!(one.settle(&mut api), (Vec::new(), FOR_NOW));
    assert!(!one.registered(&api).is_current);
    one.now += 1;
    let (writes, last) = one.settle(&mut api);
    assert_eq!(last, Action::Nothing);
    assert!(!writes.is_empty() && writes.iter().all(|write| !write.is_drift));
}

#[test]
fn replicas_that_never_agree_write_ever_more_rarely_and_say_so() {
    let (mut one, mut other, mut api) = rivals();
    let mut writes = Vec::new();
    let mut is_told = false;
    let begun = one.now;
    for second in (0..120).step_by(2).chain((120..2_400).step_by(20)) {
        for replica in [&mut one, &mut other] {
            replica.now = begun + second;
            let (written, last) = replica.settle(&mut api);
            writes.extend(written.iter().map(|write| (second, write.is_drift)));
            is_told |= last == STUBBORN;
        }
    }
    assert!(is_told);
    assert!(writes.iter().all(|(_, is_drift)| !is_drift), "nobody edits anything");
    let within =
        |seconds: std::ops::Range<u64>| writes.iter().filter(|(second, _)| seconds.contains(second)).count();
    assert!((4..20).contains(&within(0..120)), "{writes:?}");
    // Each waits five minutes then.
    assert!((3..=10).contains(&within(1_200..2_400)), "{writes:?}");
}

#[test]
fn what_somebody_edits_meanwhile_is_mended_at_once() {
    let (mut one, mut other, mut api) = rivals();
    assert_eq!(one.settle(&mut api), (Vec::new(), FOR_NOW));
    api.edit(Phase::Validate, |configuration| configuration["webhooks"] = json!([]));
    assert!(!one.settle(&mut api).0.is_empty());
    assert!(api.names().contains("ingresses.partywall.dev"));
    // The other one leaves that for a moment in turn.
    assert_eq!(other.settle(&mut api), (Vec::new(), FOR_NOW));
    api.edit(Phase::Validate, |configuration| configuration["webhooks"] = json!([]));
    assert!(!other.settle(&mut api).0.is_empty());
}

#[test]
fn cas_wait_for_no_rival() {
    let (mut one, mut api) = registered();
    // It does not know the first one's CAs, which are gone when it has written.
    let mut other = Partywall::new(&[2]);
    let webhooks = other.wanted.configurations.validating["webhooks"].as_array_mut().unwrap();
    webhooks.retain(|webhook| webhook["name"] != "ingresses.partywall.dev");
    assert_eq!(other.settle(&mut api).1, Action::Nothing);
    assert_eq!(other.registered(&api).trusted, Some([ca(2)].into()));
    // The first one knows that the other one lives.
    one.replicas.live.push(replica("1.0.0", Some(2)));
    let (writes, last) = one.settle(&mut api);
    assert_eq!((writes.len(), last), (2, FOR_NOW));
    assert_eq!(one.registered(&api).trusted, Some([ca(0), ca(1), ca(2)].into()));
    assert!(!api.names().contains("ingresses.partywall.dev"), "all else is as the other one wrote it");
    assert_eq!(one.settle(&mut api), (Vec::new(), FOR_NOW));
}

#[test]
fn whoever_wants_something_else_writes_it_at_once() {
    let (mut one, mut other, mut api) = rivals();
    let mut last = Action::Nothing;
    while last != STUBBORN {
        (one.now, other.now) = (one.now + 3, other.now + 3);
        other.settle(&mut api);
        last = one.settle(&mut api).1;
    }
    // Its policies change.
    let webhooks = one.wanted.configurations.validating["webhooks"].as_array_mut().unwrap();
    webhooks.retain(|webhook| webhook["name"] != "services.partywall.dev");
    let (writes, last) = one.settle(&mut api);
    assert_eq!((writes.len(), last), (1, Action::Nothing));
}
