//! What a row says of a rule that reads a field: the verdict of a fixture changes when that field alone does.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use partywall_core::tenancy::{Owner, Snapshot};
use serde_json::Value;

use crate::record::{Kind, Place, Record};
use crate::rule_fixture::{Fixture, fixtures, policies};
use crate::support::{create, mutate, validate};
use crate::table::{self, Decision, Flip, Key};

static POLICIES: LazyLock<Snapshot> = LazyLock::new(policies);

/// A value in an object that has fields of its own.
struct Holder {
    pointer: String,
    of_type: String,
    place: Option<Place>,
}

/// Everything in an object that has fields, as the record describes it.
fn holders(record: &Record, object: &Value) -> Vec<Holder> {
    let api_version = object["apiVersion"].as_str().unwrap_or_default();
    let group = api_version.split_once('/').map_or("", |(group, _)| group);
    let kind = Kind { group: group.to_owned(), name: object["kind"].as_str().unwrap_or_default().to_owned() };
    let mut found = Vec::new();
    for of_type in record.kinds.get(&kind).into_iter().flatten() {
        found.push(Holder { pointer: String::new(), of_type: of_type.clone(), place: None });
    }
    let mut index = 0;
    while let Some(Holder { pointer, of_type, .. }) = found.get(index) {
        let mut inner = Vec::new();
        for (field, of_fields) in record.fields(of_type) {
            let Some(value) = object.pointer(&format!("{pointer}/{field}")) else { continue };
            for of_field in of_fields.iter().filter(|name| record.types.contains_key(*name)) {
                let mut add = |pointer: String| {
                    let place = Place { owner: of_type.clone(), field: field.to_owned() };
                    inner.push(Holder { pointer, of_type: of_field.clone(), place: Some(place) });
                };
                if let Some(items) = value.as_array() {
                    (0..items.len()).for_each(|item| add(format!("{pointer}/{field}/{item}")));
                } else {
                    add(format!("{pointer}/{field}"));
                }
            }
        }
        found.extend(inner);
        index += 1;
    }
    found
}

/// What partywall says of a fixture: the rules that deny it, or that warn where templates are only warned about.
fn verdict(fixture: &Fixture) -> Vec<String> {
    let answer = validate(&fixture.review(&POLICIES), &POLICIES);
    let namespace = fixture.object["metadata"]["namespace"].as_str().unwrap_or_default();
    if answer.is_allowed() && matches!(POLICIES.owner(namespace), Owner::Unclaimed) {
        let warnings = answer.response["warnings"].as_array().into_iter().flatten().filter_map(Value::as_str);
        return warnings.map(str::to_owned).collect();
    }
    answer.rules()
}

/// The fixtures that differ from one only in a field, each in another place of it.
fn changed<'f>(
    record: &'f Record,
    fixture: &'f Fixture,
    (owner, field): &'f Key,
    value: Option<&'f Value>,
) -> impl Iterator<Item = Fixture> + use<'f> {
    let is_owner = move |holder: &Holder| {
        *holder.of_type == **owner || holder.place.as_ref().is_some_and(|place| place.written() == **owner)
    };
    holders(record, &fixture.object).into_iter().filter(is_owner).filter_map(move |holder| {
        let mut fixture = fixture.clone();
        let fields = fixture.object.pointer_mut(&holder.pointer)?.as_object_mut()?;
        match value {
            None => drop(fields.remove(field)?),
            Some(value) => drop(fields.insert(field.clone(), value.clone())),
        }
        Some(fixture)
    })
}

/// Whether the change of one field changes what a rule says.
fn flips(record: &Record, fixture: &Fixture, key: &Key, value: Option<&Value>) -> bool {
    let rule = fixture.rule.as_str();
    let speaks = |rules: &[String]| rules.iter().any(|line| line == rule || line.contains(rule));
    let before = verdict(fixture);
    changed(record, fixture, key, value).any(|changed| {
        // The stamp refuses what cannot be decoded.
        if !mutate(&create(changed.object.clone()), &POLICIES).is_allowed() {
            return false;
        }
        let after = verdict(&changed);
        speaks(&before) != speaks(&after) && before.is_empty() != after.is_empty()
    })
}

fn by_id() -> BTreeMap<String, Fixture> {
    fixtures().into_iter().map(|fixture| (fixture.id(), fixture)).collect()
}

fn everything() -> Record {
    let mut record = Record::default();
    Record::all().iter().for_each(|(_, one)| record.merge(one));
    record
}

#[test]
fn each_field_that_is_read_flips_the_verdict_of_its_fixtures() {
    let (record, fixtures) = (everything(), by_id());
    let mut problems = Vec::new();
    for (key, decision) in table::fields() {
        let Decision::Read(flips_of_row) = decision else { continue };
        let (owner, field) = &key;
        if flips_of_row.is_empty() {
            problems.push(format!("{owner}.{field} names no fixture"));
        }
        for Flip { fixture, value } in flips_of_row {
            let Some(found) = fixtures.get(&fixture) else {
                problems.push(format!("{owner}.{field}: there is no fixture {fixture}"));
                continue;
            };
            if !flips(&record, found, &key, value.as_ref()) {
                problems.push(format!("{owner}.{field}: {fixture} is judged alike without this field"));
            }
        }
    }
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

/// Prints fixtures for each field that some fixture has: those that are judged otherwise without it.
#[test]
#[ignore = "for whoever writes rows: `cargo test --test fields find -- --ignored --nocapture`"]
fn find_fixtures() {
    let record = everything();
    let mut found = BTreeMap::<Key, Vec<String>>::new();
    for fixture in fixtures() {
        for Holder { pointer, of_type, place } in holders(&record, &fixture.object) {
            let Some(fields) = fixture.object.pointer(&pointer).and_then(Value::as_object) else { continue };
            let owners = [Some(of_type), place.map(|place| place.written())];
            for field in fields.keys() {
                let Some(owner) = owners[0].clone() else { continue };
                if !flips(&record, &fixture, &(owner, field.clone()), None) {
                    continue;
                }
                for owner in owners.iter().flatten() {
                    let ids = found.entry((owner.clone(), field.clone())).or_default();
                    if !ids.contains(&fixture.id()) {
                        ids.push(fixture.id());
                    }
                }
            }
        }
    }
    for ((owner, field), ids) in found {
        println!("{owner}\t{field}\t{}", ids.join("\t"));
    }
}
