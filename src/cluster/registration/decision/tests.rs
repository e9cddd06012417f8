use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::subsequence;
use serde_json::json;

use super::*;
use crate::cluster::registration::model::{Api, Partywall, ca, replica};

/// The numbers of webhooks that partywall has.
const ALL: usize = 32;

fn first_install() -> (Partywall, Api) {
    let (mut partywall, mut api) = (Partywall::new(&[0, 1]), Api::default());
    let (_, last) = partywall.settle(&mut api);
    assert_eq!(last, Action::Nothing);
    (partywall, api)
}

#[test]
fn at_first_the_own_objects_alone_are_registered_and_go_on_without_an_answer() {
    let (mut partywall, mut api) = (Partywall::new(&[0, 1]), Api::default());
    partywall.is_reached = false;
    let (writes, last) = partywall.settle(&mut api);
    assert_eq!((writes.len(), last), (1, Action::Probe));
    assert_eq!(api.names(), [OWN_OBJECTS.to_owned()].into());
    assert_eq!(api.own_objects().unwrap()["failurePolicy"], "Ignore");
    let registered = partywall.registered(&api);
    assert!(registered.is_known && !registered.is_armed && !registered.is_current);
    assert_eq!(registered.trusted, Some([ca(0), ca(1)].into()));

    // The probes come back.
    partywall.is_reached = true;
    let (writes, last) = partywall.settle(&mut api);
    let phases: Vec<_> = writes.iter().map(|write| write.phase).collect();
    assert_eq!((phases, last), (vec![Phase::Mutate, Phase::Validate], Action::Nothing));
    assert_eq!(api.names().len(), ALL);
    assert_eq!(api.own_objects().unwrap()["failurePolicy"], "Fail");
    let registered = partywall.registered(&api);
    assert!(registered.is_armed && registered.is_current && registered.is_served, "{registered:?}");
}

#[test]
fn before_there_are_policies_nothing_but_the_own_objects_is_registered_and_nothing_is_probed() {
    let (mut partywall, mut api) = (Partywall::without_policies(&[0]), Api::default());
    let (_, last) = partywall.settle(&mut api);
    assert_eq!((api.names(), last), ([OWN_OBJECTS.to_owned()].into(), Action::Nothing));
    assert!(!partywall.registered(&api).is_current);
}

#[test]
fn a_restart_takes_nothing_away_and_probes_nothing() {
    let (_, mut api) = first_install();
    let before = api.live.clone();
    let mut restarted = Partywall::without_policies(&[0, 1]);
    restarted.is_reached = false;
    assert_eq!(restarted.settle(&mut api), (Vec::new(), Action::Nothing));
    let mut restarted = Partywall::new(&[0, 1]);
    restarted.is_reached = false;
    assert_eq!(restarted.settle(&mut api), (Vec::new(), Action::Nothing));
    assert_eq!(api.live, before);
}

#[test]
fn every_edit_is_undone_and_what_others_say_beside_stays() {
    let edits: [fn(&mut Value); 8] = [
        |object| object["webhooks"][0]["failurePolicy"] = json!("Ignore"),
        |object| object["webhooks"][1]["objectSelector"] = json!({"matchLabels": {"never": "there"}}),
        |object| object["webhooks"][0]["namespaceSelector"] = json!({"matchLabels": {"never": "there"}}),
        |object| object["webhooks"][0]["clientConfig"]["caBundle"] = json!(""),
        |object| drop(object["webhooks"].as_array_mut().unwrap().pop()),
        |object| object["webhooks"] = json!([]),
        |object| object["webhooks"].as_array_mut().unwrap().push(json!({"name": "more.example.com"})),
        |object| object["metadata"]["annotations"] = json!({}),
    ];
    for edit in edits {
        for phase in Both::<()>::PHASES {
            let (mut partywall, mut api) = first_install();
            let before = api.live.clone();
            api.edit(phase, |object| {
                object["metadata"]["labels"]["theirs"] = json!("1");
                edit(object);
            });
            let (writes, last) = partywall.settle(&mut api);
            assert_eq!(last, Action::Nothing);
            assert!(!writes.is_empty() && writes.iter().all(|write| write.is_drift && write.phase == phase));
            let (now, before) = (api.live.of(phase).as_ref().unwrap(), before.of(phase).as_ref().unwrap());
            assert_eq!(now.compare(&before.0), Difference::None);
            assert_eq!(now.0["metadata"]["labels"]["theirs"], "1");
        }
    }
}

#[test]
fn what_is_deleted_comes_back_at_once() {
    let (mut partywall, mut api) = first_install();
    partywall.is_reached = false;
    for gone in [&[Phase::Mutate][..], &[Phase::Validate], &Both::<()>::PHASES] {
        gone.iter().for_each(|phase| *api.live.of_mut(*phase) = None);
        let (writes, last) = partywall.settle(&mut api);
        assert_eq!((writes.len(), last), (gone.len(), Action::Nothing));
        assert!(writes.iter().all(|write| write.is_drift && write.replacement.is_none()));
        assert_eq!(api.names().len(), ALL);
    }
    // A new replica arms anew if nothing is there.
    *api.live.of_mut(Phase::Mutate) = None;
    *api.live.of_mut(Phase::Validate) = None;
    let mut restarted = Partywall::new(&[0]);
    restarted.is_reached = false;
    assert_eq!(restarted.settle(&mut api).1, Action::Probe);
    assert_eq!(api.names(), [OWN_OBJECTS.to_owned()].into());
}

#[test]
fn what_the_api_server_fills_in_is_replaced_once_and_then_left() {
    let (mut partywall, mut api) = (Partywall::new(&[0]), Api::default());
    api.fills_in = Some("auditOnly");
    let (writes, last) = partywall.settle(&mut api);
    assert!(writes.len() <= 6, "{}", writes.len());
    assert_eq!(last, Action::Wait(Why::Kept("mutatingwebhookconfiguration")));
    assert!(partywall.registered(&api).is_current, "the webhooks are as they should be");
    // What narrows a webhook is told otherwise.
    let (mut partywall, mut api) = (Partywall::new(&[0]), Api::default());
    api.fills_in = Some("matchPolicy");
    assert!(matches!(partywall.settle(&mut api).1, Action::Wait(Why::Kept(_))));
    assert!(!partywall.registered(&api).is_current);
}

#[test]
fn an_older_version_leaves_a_newer_ones_configurations_alone_while_one_of_its_replicas_may_live() {
    let (mut newer, mut api) = (Partywall::new(&[0]), Api::default());
    newer.version = "1.1.0";
    newer.replicas.live = vec![replica("1.0.0", Some(0)), replica("1.1.0", Some(0))];
    newer.settle(&mut api);
    api.edit(Phase::Validate, |object| object["webhooks"] = json!([]));

    let mut older = Partywall::new(&[0]);
    older.replicas = newer.replicas.clone();
    let left_alone = (Vec::new(), Action::Wait(Why::Newer("1.1.0".to_owned())));
    assert_eq!(older.settle(&mut api), left_alone);
    older.now += 3_600;
    assert_eq!(older.settle(&mut api), left_alone);
    // The newer one went away, and may only have been slow.
    older.replicas.live.pop();
    older.now += 29;
    assert_eq!(older.settle(&mut api), left_alone);
    // After a rollback somebody has to keep them.
    older.now += 1;
    assert_eq!(older.settle(&mut api).1, Action::Nothing);
    assert_eq!(api.names().len(), ALL);
    assert!(older.registered(&api).is_current);
    // A newer one takes them over at once.
    assert!(!newer.settle(&mut api).0.is_empty());
}

#[test]
fn a_newer_version_that_writes_before_its_lease_is_seen_is_left_alone() {
    let (mut newer, mut api) = (Partywall::new(&[0]), Api::default());
    newer.version = "1.1.0";
    newer.settle(&mut api);
    let mut older = Partywall::new(&[0]);
    assert_eq!(older.settle(&mut api), (Vec::new(), Action::Wait(Why::Newer("1.1.0".to_owned()))));
    assert!(older.registered(&api).is_current, "the newer one keeps them");
}

#[test]
fn a_webhook_that_a_replica_does_not_serve_is_not_registered() {
    let (mut partywall, mut api) = first_install();
    let mut older = replica("0.9.0", Some(0));
    older.entries.remove("pods.partywall.dev");
    partywall.replicas.live.push(older);
    partywall.settle(&mut api);
    assert!(!api.names().contains("pods.partywall.dev"));
    assert_eq!(api.names().len(), ALL - 1);
    partywall.replicas.live.pop();
    partywall.settle(&mut api);
    assert_eq!(api.names().len(), ALL);
    // A Lease that says nothing opens no gap.
    let mut silent = replica("0.9.0", None);
    silent.entries.clear();
    partywall.replicas.live.push(silent);
    assert_eq!(partywall.settle(&mut api), (Vec::new(), Action::Nothing));
    // An older program knows that it does not serve all.
    let mut older = Partywall::new(&[0]);
    older.wanted.names.remove("pods.partywall.dev");
    assert!(!older.registered(&api).is_served);
    older.is_external = true;
    assert!(older.registered(&api).is_served, "nobody takes it away");
}

#[test]
fn a_pause_on_either_configuration_stops_the_mending() {
    for phase in Both::<()>::PHASES {
        let (mut partywall, mut api) = first_install();
        api.edit(phase, |object| {
            object["metadata"]["annotations"]["partywall.dev/registration"] = json!("paused");
            object["webhooks"] = json!([]);
        });
        assert_eq!(partywall.settle(&mut api), (Vec::new(), Action::Wait(Why::Paused)));
        let registered = partywall.registered(&api);
        assert!(registered.is_paused && !registered.is_current && !registered.is_armed);
        api.edit(phase, |object| {
            object["metadata"]["annotations"].as_object_mut().unwrap().remove("partywall.dev/registration");
        });
        assert_eq!(partywall.settle(&mut api).1, Action::Nothing);
        assert_eq!(api.names().len(), ALL);
    }
}

#[test]
fn what_others_own_is_read_and_never_written() {
    let (_, mut api) = first_install();
    let mut external = Partywall::new(&[2]);
    external.is_external = true;
    api.edit(Phase::Mutate, |object| object["webhooks"][0]["timeoutSeconds"] = json!(1));
    assert_eq!(external.settle(&mut api), (Vec::new(), Action::Wait(Why::External)));
    let registered = external.registered(&api);
    assert_eq!(registered.trusted, Some([ca(0), ca(1)].into()));
    assert!(registered.is_armed && registered.is_current);
    assert_eq!(external.registered(&Api::default()).trusted, None);
    api.edit(Phase::Mutate, |object| object["webhooks"][0]["failurePolicy"] = json!("Ignore"));
    let registered = external.registered(&api);
    assert!(registered.is_armed && !registered.is_current);
}

#[test]
fn without_cas_or_leases_nothing_is_written() {
    let mut partywall = Partywall::new(&[]);
    assert_eq!(partywall.settle(&mut Api::default()), (Vec::new(), Action::Wait(Why::NoBundle)));
    let mut partywall = Partywall::new(&[0]);
    partywall.replicas.is_known = false;
    assert_eq!(partywall.settle(&mut Api::default()), (Vec::new(), Action::Wait(Why::NoReplicas)));
    // A certificate of another CA, or none yet.
    for signer in [None, Some(ca(3))] {
        let mut partywall = Partywall { signer, ..Partywall::new(&[0]) };
        assert_eq!(partywall.settle(&mut Api::default()), (Vec::new(), Action::Wait(Why::NoSigner)));
    }
}

#[test]
fn lost_cas_are_added_to_what_is_registered_before_they_sign() {
    let (_, mut api) = first_install();
    // The Secret is gone with all who remember it; the new CAs sign only once they are trusted.
    let mut anew = Partywall { signer: None, ..Partywall::new(&[2, 3]) };
    let (writes, last) = anew.settle(&mut api);
    assert_eq!((writes.len(), last), (2, Action::Wait(Why::NoSigner)));
    let all = Some([ca(0), ca(1), ca(2), ca(3)].into());
    assert_eq!(anew.registered(&api).trusted, all);
    assert_eq!(api.own_objects().unwrap()["failurePolicy"], "Fail");
    anew.signer = Some(ca(2));
    anew.replicas.live = vec![replica("1.0.0", Some(2))];
    assert_eq!(anew.settle(&mut api).1, Action::Nothing);
    assert_eq!(anew.registered(&api).trusted, Some([ca(2), ca(3)].into()));
}

#[test]
fn replicas_with_certificates_of_two_cas_agree() {
    let (mut one, mut api) = first_install();
    let mut other = Partywall::new(&[2, 3]);
    let mut both = vec![replica("1.0.0", Some(0)), replica("1.0.0", Some(2))];
    (both[0].cas, both[1].cas) = ([ca(0), ca(1)].into(), [ca(2), ca(3)].into());
    (one.replicas.live, other.replicas.live) = (both.clone(), both);
    let mut rounds = 0;
    while !one.settle(&mut api).0.is_empty() | !other.settle(&mut api).0.is_empty() {
        rounds += 1;
        assert!(rounds < 4, "they never agree");
    }
    assert_eq!(one.registered(&api).trusted, Some([ca(0), ca(1), ca(2), ca(3)].into()));
    // The first replica ends, and its CAs go.
    other.replicas.live.remove(0);
    other.settle(&mut api);
    assert_eq!(other.registered(&api).trusted, Some([ca(2), ca(3)].into()));
}

#[test]
fn webhooks_at_another_address_stay_until_this_one_is_seen_to_be_asked() {
    let (_, mut api) = first_install();
    let mut moved = Partywall::new(&[2]).at(9443);
    moved.is_reached = false;
    let (_, last) = moved.settle(&mut api);
    assert_eq!(last, Action::Probe);
    assert_eq!(api.names().len(), ALL);
    let here = |api: &Api| {
        let is_here = |webhook: &&Value| webhook["clientConfig"]["url"].as_str().unwrap().contains("9443");
        api.webhooks().into_iter().filter(is_here).count()
    };
    assert_eq!(here(&api), 1);
    assert_eq!(api.own_objects().unwrap()["failurePolicy"], "Ignore");
    assert_eq!(moved.registered(&api).trusted, Some([ca(2)].into()), "of those at this address");
    moved.is_reached = true;
    assert_eq!(moved.settle(&mut api).1, Action::Nothing);
    assert_eq!(here(&api), ALL);
}

/// A change by others, of the configuration of a phase, at the webhook of an index.
#[derive(Clone, Debug)]
enum Edit {
    Delete,
    Remove,
    Ignore,
    Narrow,
    EmptyBundle,
    More,
    Move,
    ForgetVersion,
    Pause,
    Newer,
}

fn edits() -> impl Strategy<Value = (Edit, bool, usize)> {
    use Edit::*;
    let all = vec![Delete, Remove, Ignore, Narrow, EmptyBundle, More, Move, ForgetVersion, Pause, Newer];
    (prop::sample::select(all), any::<bool>(), any::<usize>())
}

fn edit(api: &mut Api, (edit, is_mutating, index): (Edit, bool, usize)) {
    let phase = if is_mutating { Phase::Mutate } else { Phase::Validate };
    if api.live.of(phase).is_none() {
        return;
    }
    if matches!(edit, Edit::Delete) {
        *api.live.of_mut(phase) = None;
        return;
    }
    api.edit(phase, |object| {
        let annotations = &mut object["metadata"]["annotations"];
        match edit {
            Edit::Pause => annotations["partywall.dev/registration"] = json!("paused"),
            Edit::Newer => annotations["partywall.dev/version"] = json!("2.0.0"),
            Edit::ForgetVersion => *annotations = json!({}),
            Edit::Delete
            | Edit::Remove
            | Edit::Ignore
            | Edit::Narrow
            | Edit::EmptyBundle
            | Edit::More
            | Edit::Move => {}
        }
        let webhooks = object["webhooks"].as_array_mut().unwrap();
        let count = webhooks.len();
        let Some(webhook) = webhooks.get_mut(index % count.max(1)) else { return };
        match edit {
            Edit::Remove => drop(webhooks.remove(index % count)),
            Edit::Ignore => webhook["failurePolicy"] = json!("Ignore"),
            Edit::Narrow => webhook["objectSelector"] = json!({"matchLabels": {"never": "there"}}),
            Edit::EmptyBundle => drop(webhook["clientConfig"].as_object_mut().unwrap().remove("caBundle")),
            Edit::More => {
                webhooks.push(json!({"name": "more.example.com", "clientConfig": {"url": "https://a"}}))
            }
            Edit::Move => webhook["clientConfig"]["url"] = json!("https://10.0.0.9:1/x"),
            Edit::Delete | Edit::ForgetVersion | Edit::Pause | Edit::Newer => {}
        }
    });
}

/// A replica in any situation.
fn replicas() -> impl Strategy<Value = Partywall> {
    let cas = subsequence(vec![0, 1, 2], 0..=3).prop_shuffle();
    let others = vec(
        (prop::sample::select(vec!["0.9.0", "1.0.0", "1.1.0"]), option::of(0_usize..3), 0_usize..4),
        0..3,
    );
    (cas, option::of(0_usize..4), others, any::<[bool; 4]>(), prop::sample::select(vec![8443, 9443]))
        .prop_map(|(cas, signer, others, [has_policies, is_known, is_reached, is_armed], port)| {
            let mut partywall =
                if has_policies { Partywall::new(&cas).at(port) } else { Partywall::without_policies(&cas) };
            partywall.signer = signer.map(ca).or(partywall.signer);
            partywall.replicas.is_known = is_known;
            partywall.replicas.live[0].signer = partywall.signer;
            for (version, signer, missing) in others {
                let mut other = replica(version, signer);
                let missing: Vec<_> = other.entries.iter().take(missing).cloned().collect();
                other.entries.retain(|name| !missing.contains(name));
                partywall.replicas.live.push(other);
            }
            partywall.is_reached = is_reached;
            partywall.memory.is_armed = is_armed;
            partywall
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Several replicas, one after another, on what the one before and others left behind.
    #[test]
    fn whatever_the_situation_no_write_breaks_what_must_hold(
        turns in vec((replicas(), vec(edits(), 0..3)), 1..5),
    ) {
        let mut api = Api::default();
        for (mut partywall, changes) in turns {
            changes.into_iter().for_each(|change| edit(&mut api, change));
            for _ in 0..20 {
                match partywall.decide(&api) {
                    Action::Write(write) => {
                        holds(&partywall, &api, &write)?;
                        let answer = api.take(&write);
                        partywall.memory.note(&write, &answer);
                    }
                    Action::Probe if partywall.is_reached => partywall.memory.is_armed = true,
                    Action::Nothing | Action::Wait(_) | Action::Probe => break,
                }
            }
            let (writes, last) = partywall.clone().settle(&mut api.clone());
            prop_assert!(writes.is_empty(), "it never ends");
            at_rest(&partywall, &api, &last)?;
        }
    }
}

/// Checks a write.
fn holds(partywall: &Partywall, api: &Api, write: &Write) -> Result<(), TestCaseError> {
    let Partywall { bundle, signer, replicas, wanted, .. } = partywall;
    prop_assert!(replicas.is_known && !bundle.is_empty());
    let is_paused = |live: &Live| live.annotation(PAUSE_POINTER).is_some();
    prop_assert!(!api.live.iter().flatten().any(is_paused));
    let is_newer = |text: Option<&str>| text.and_then(Version::parse) > Version::parse("1.0.0");
    if replicas.live.iter().any(|replica| is_newer(Some(&replica.version))) {
        prop_assert!(!api.live.iter().flatten().any(|live| is_newer(live.annotation(VERSION_POINTER))));
    }
    let can_sign = signer.is_some_and(|signer| bundle.holds(signer));
    let before = api.live.of(write.phase);
    let find =
        |name_of: &str| before.iter().flat_map(Live::webhooks).into_iter().find(|one| name(one) == name_of);
    let was_armed = partywall.memory.is_armed
        || api.webhooks().into_iter().any(|one| {
            name(one) != OWN_OBJECTS
                && target(one).as_ref() == Some(&wanted.target)
                && wanted.names.contains(name(one))
        });
    for webhook in write.meant["webhooks"].as_array().unwrap() {
        let there = find(name(webhook));
        let is_here = target(webhook).as_ref() == Some(&wanted.target);
        let (cas, earlier) = (Bundle::of_webhook(webhook), there.map(Bundle::of_webhook).unwrap_or_default());
        if is_here {
            prop_assert!(!cas.is_empty());
            prop_assert!(cas.cas().is_superset(&bundle.cas()));
            for replica in &replicas.live {
                let kept = replica.signer.is_none_or(|signer| !earlier.holds(signer) || cas.holds(signer));
                prop_assert!(kept, "a replica's CA is gone");
            }
        } else {
            // What is elsewhere is left as it is.
            prop_assert_eq!(Some(webhook), there);
        }
        if can_sign {
            let telling = replicas.live.iter().filter(|replica| !replica.entries.is_empty());
            prop_assert!(telling.into_iter().all(|replica| replica.entries.contains(name(webhook))));
        } else {
            prop_assert!(there.is_some(), "nothing is registered without a certificate");
        }
        if !was_armed {
            prop_assert!(name(webhook) == OWN_OBJECTS || there.is_some(), "nothing but the own objects");
            let fails = |webhook: &Value| webhook["failurePolicy"] != "Ignore";
            prop_assert!(!fails(webhook) || there.is_some_and(fails), "nothing begins to fail closed");
        }
    }
    Ok(())
}

/// Checks what is there when nothing more is to be done.
fn at_rest(partywall: &Partywall, api: &Api, last: &Action) -> Result<(), TestCaseError> {
    let registered = partywall.registered(api);
    if *last == Action::Nothing && partywall.wanted.has_policies {
        prop_assert!(registered.is_current && registered.is_armed && !registered.is_paused);
        prop_assert!(registered.trusted.clone().unwrap().is_superset(&partywall.bundle.cas()));
        prop_assert_eq!(api.own_objects().map(|webhook| &webhook["failurePolicy"]), Some(&json!("Fail")));
    }
    if let Some(trusted) = &registered.trusted {
        for webhook in
            api.webhooks().into_iter().filter(|one| target(one).as_ref() == Some(&partywall.wanted.target))
        {
            prop_assert!(Bundle::of_webhook(webhook).cas().is_superset(trusted));
        }
    }
    Ok(())
}
