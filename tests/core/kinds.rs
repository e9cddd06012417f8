//! Each kind that a rule reads has a pair in tests/e2e/kinds.yaml: an object that is allowed, and one that is denied.
//!
//! The end-to-end suite creates them through the API server, with the projects' own definitions.

use partywall_core::objects::kinds::KINDS;
use serde_json::json;

#[path = "../e2e/pairs.rs"]
mod pairs;

use self::pairs::{Denied, Pair, pairs};
use crate::support::{create, fixture, load, stamped, validate};

#[test]
fn each_kind_of_the_table_has_a_pair() {
    let pairs = pairs();
    let mut missing = Vec::new();
    for row in KINDS {
        for group in row.groups {
            let found = pairs.iter().filter(|pair| pair.kind == row.name && pair.group == *group).count();
            if found != 1 {
                missing.push(format!("{group}/{} has {found}", row.name));
            }
        }
    }
    assert!(missing.is_empty(), "one pair a kind in tests/e2e/kinds.yaml: {missing:?}");
    for Pair { group, kind, since, minimal, before, allowed, .. } in &pairs {
        let is_row = KINDS.iter().any(|row| row.name == kind && row.groups.contains(&group.as_str()));
        assert!(is_row, "no rule reads {group}/{kind}");
        let version = allowed["apiVersion"].as_str().unwrap();
        let of_group = version.split_once('/').map_or("", |(group, _)| group);
        assert_eq!((of_group, &allowed["kind"]), (group.as_str(), &json!(kind)));
        assert!(*since >= 30 && before.len() < 2, "{group}/{kind}");
        assert!(minimal.as_ref().is_none_or(|minimal| version.ends_with(minimal)), "{group}/{kind}");
    }
}

#[test]
fn each_pair_is_judged_both_ways() {
    let snapshot = load(&[fixture("rules/policies.yaml")]);
    for pair in pairs() {
        let id = format!("{}/{}", pair.group, pair.kind);
        let mut review = stamped(&create(pair.allowed.clone()), &snapshot);
        if let Some(user) = &pair.user {
            review["request"]["userInfo"]["username"] = json!(user);
        }
        let answer = validate(&review, &snapshot);
        assert!(answer.is_allowed(), "{id}: {}", answer.message());
        let review = match pair.denied {
            Denied::Creation(object) => stamped(&create(object), &snapshot),
            Denied::Deletion => {
                let mut object = pair.allowed.clone();
                object["metadata"]["labels"] = json!({"partywall.dev/managed": "platform"});
                let mut review = create(object);
                review["request"]["operation"] = json!("DELETE");
                review["request"]["oldObject"] = review["request"]["object"].take();
                review
            }
        };
        let answer = validate(&review, &snapshot);
        assert!(!answer.is_allowed(), "{id}: allowed");
        assert_eq!(answer.rules(), [pair.rule], "{id}: {}", answer.message());
    }
}
