//! Nothing slips by: what the records have and the tables do not, and the other way round, is named.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use partywall_core::objects::kinds::{KINDS, Shape};
use partywall_core::registration::{FailsClosed, Registration, Server};

use crate::record::{Kind, Reached, Record};
use crate::table::{self, Decision, Key, Rows};

/// The types that hold a pod.
const POD_SPEC: &str = "PodSpec";

/// Everything that is compared.
#[derive(Clone)]
struct Tables {
    fields: Rows,
    kinds: Rows,
    subresources: Rows,
    others: Vec<String>,
}

impl Tables {
    fn read() -> Self {
        Self {
            fields: table::fields(),
            kinds: table::of_kinds("kinds.tsv"),
            subresources: table::of_kinds("subresources.tsv"),
            others: table::of_other_apis(),
        }
    }
}

/// The kinds that rules read, of all groups.
fn read_kinds() -> BTreeSet<Kind> {
    let of = |row: &'static partywall_core::objects::kinds::Row| {
        row.groups.iter().map(|group| Kind { group: (*group).to_owned(), name: row.name.to_owned() })
    };
    KINDS.iter().flat_map(of).collect()
}

/// The rows that the records ask for, each with an example of where the field is.
fn needed(record: &Record, fields: &Rows) -> BTreeMap<Key, String> {
    let kinds = read_kinds();
    let mut needed = BTreeMap::new();
    for (of_type, Reached { path, places }) in record.reached(kinds.iter()) {
        for (field, _) in record.fields(&of_type) {
            let key = (of_type.clone(), field.to_owned());
            if matches!(fields.get(&key), Some(Decision::ByPlace)) {
                for place in &places {
                    needed.insert((place.written(), field.to_owned()), format!("{path}.{field}"));
                }
            }
            needed.insert(key, format!("{path}.{field}"));
        }
    }
    needed
}

/// Whether a field's name says that it names something.
fn is_reference(field: &str) -> bool {
    matches!(field, "name" | "namespace" | "namespaces")
        || [
            "Ref",
            "Refs",
            "Reference",
            "References",
            "Name",
            "Names",
            "Namespace",
            "Namespaces",
            "Secret",
            "Secrets",
        ]
        .iter()
        .any(|end| field.ends_with(end))
}

/// The fields that are in no row.
fn missing<'n>(needed: &'n BTreeMap<Key, String>, fields: &Rows) -> impl Iterator<Item = String> + use<'n> {
    let absent: Vec<_> = needed.iter().filter(|(key, _)| !fields.contains_key(*key)).collect();
    absent.into_iter().map(|((owner, field), path)| {
        format!("{owner}.{field} (such as {path}) is in no row of tests/fields/table; decide it")
    })
}

/// The kinds whose objects hold a pod somewhere.
fn with_pods(record: &Record) -> BTreeSet<&Kind> {
    record.kinds.keys().filter(|kind| record.reached(std::iter::once(*kind)).contains_key(POD_SPEC)).collect()
}

fn of_kinds(record: &Record, with_pods: &BTreeSet<&Kind>, tables: &Tables, problems: &mut Vec<String>) {
    let read = read_kinds();
    for kind in record.kinds.keys() {
        let written = kind.written();
        let row = (written.clone(), "-".to_owned());
        match (read.contains(kind), tables.kinds.get(&row)) {
            (true, None) | (false, Some(Decision::Harmless(_))) => {}
            (true, Some(_)) => problems.push(format!("kind {written} is read, so kinds.tsv should not list it")),
            (false, _) => problems.push(format!(
                "kind {written} is neither in core/src/objects/kinds.rs nor in tests/fields/kinds.tsv; decide it"
            )),
        }
        let shape = Shape::of(&kind.group, &kind.name);
        let is_decoded = matches!(
            shape,
            Shape::Pod | Shape::Workload | Shape::DaemonSet | Shape::CronJob | Shape::PodTemplate
        );
        if with_pods.contains(kind) && !(is_decoded && read.contains(kind)) {
            problems.push(format!(
                "kind {written} has a pod template, and core/src/objects/kinds.rs does not say where"
            ));
        }
    }
    for (kind, _) in tables.kinds.keys() {
        if !record.kinds.keys().any(|found| found.written() == **kind) {
            problems.push(format!("kind {kind} of tests/fields/kinds.tsv is in no record; remove its row"));
        }
    }
    let served = |kind: &&Kind| record.kinds.contains_key(*kind);
    let others: BTreeSet<_> = read.iter().filter(|kind| !served(kind)).map(Kind::written).collect();
    let listed: BTreeSet<_> = tables.others.iter().cloned().collect();
    for kind in others.symmetric_difference(&listed) {
        problems.push(format!(
            "kind {kind} is of another API, or tests/fields/others.txt says so wrongly: it lists the kinds of \
             core/src/objects/kinds.rs that no record has"
        ));
    }
}

/// The subresources that the API server sends, as `pods/status` with their groups.
fn registered() -> BTreeSet<(String, String)> {
    let registration = Registration {
        server: Server::Url("https://127.0.0.1:8443".to_owned()),
        ca_bundle: None,
        system_namespaces: Vec::new(),
        foreign_groups: Vec::new(),
        own_objects: true,
        fails_closed: FailsClosed::ALL,
        workload_kinds: Vec::new(),
        lists: None,
    };
    let mut found = BTreeSet::new();
    for webhook in [registration.mutating(), registration.validating()].map(|of| of.webhooks).concat() {
        for rule in webhook.rules {
            for group in &rule.api_groups {
                for resource in rule.resources.iter().filter(|resource| resource.contains('/')) {
                    found.insert((group.clone(), resource.clone()));
                }
            }
        }
    }
    found
}

fn of_subresources(record: &Record, tables: &Tables, problems: &mut Vec<String>) {
    let registered = registered();
    for (kind, subresource) in &record.subresources {
        let written = kind.written();
        let plural = partywall_core::objects::kinds::plural(&kind.group, &kind.name);
        let is_sent = registered.contains(&(kind.group.clone(), format!("{plural}/{subresource}")));
        match tables.subresources.get(&(written.clone(), subresource.clone())) {
            Some(Decision::Read(_)) if is_sent => {}
            Some(Decision::Read(_)) => {
                problems.push(format!("{written}/{subresource} is not registered, so no rule reads it"));
            }
            Some(Decision::Harmless(_)) if !is_sent => {}
            Some(_) => {
                problems.push(format!("{written}/{subresource} is registered; its row must say `read`"))
            }
            None => problems.push(format!(
                "subresource {written}/{subresource} is in no row of tests/fields/subresources.tsv; decide it"
            )),
        }
    }
    for (kind, subresource) in tables.subresources.keys() {
        let is_there = |(found, name): &(Kind, String)| found.written() == **kind && name == subresource;
        if !record.subresources.iter().any(is_there) {
            problems.push(format!("{kind}/{subresource} of tests/fields/subresources.tsv is in no record"));
        }
    }
}

fn of_fields(record: &Record, tables: &Tables, problems: &mut Vec<String>) {
    let fields = &tables.fields;
    let needed = needed(record, fields);
    problems.extend(missing(&needed, fields));
    for ((owner, field), decision) in fields {
        let key = (owner.clone(), field.clone());
        if !needed.contains_key(&key) {
            problems
                .push(format!("{owner}.{field} has a row, and no recorded release has such a field there"));
        }
        // The type of a place is that of its field, so its fields are looked up by their own rows.
        let of_field = record.types.get(owner).and_then(|of_type| of_type.get(field));
        let has_fields =
            of_field.is_some_and(|types| types.iter().any(|name| record.types.contains_key(name)));
        match decision {
            Decision::Fields if !has_fields => {
                problems.push(format!("{owner}.{field} has no fields; say whether a rule reads it"));
            }
            Decision::Harmless(reason) if is_reference(field) && !reason.fits_references => {
                problems.push(format!(
                    "{owner}.{field} may name another object, and `{}` is no reason for that",
                    reason.name
                ))
            }
            Decision::Fields | Decision::ByPlace | Decision::Read(_) | Decision::Harmless(_) => {}
        }
    }
}

fn problems(record: &Record, tables: &Tables) -> Vec<String> {
    let mut problems = Vec::new();
    of_fields(record, tables, &mut problems);
    of_kinds(record, &with_pods(record), tables, &mut problems);
    of_subresources(record, tables, &mut problems);
    problems
}

fn everything() -> Record {
    let mut record = Record::default();
    Record::all().iter().for_each(|(_, one)| record.merge(one));
    record
}

fn assert_named(problems: &[String], name: &str) {
    assert!(problems.iter().any(|problem| problem.contains(name)), "nothing names {name}: {problems:#?}");
}

#[test]
fn each_field_kind_and_subresource_is_decided() {
    let records = Record::all();
    assert!(records.len() >= 2, "the oldest supported release and the newest are recorded");
    let problems = problems(&everything(), &Tables::read());
    let mut text = String::new();
    problems.iter().for_each(|problem| writeln!(text, "{problem}").unwrap());
    assert!(problems.is_empty(), "\n{text}");
}

#[test]
fn each_row_that_is_taken_out_is_missed() {
    let (record, mut tables) = (everything(), Tables::read());
    let needed = needed(&record, &tables.fields);
    assert!(needed.len() >= 1_000, "only {} fields are needed", needed.len());
    for (key, path) in &needed {
        let row = tables.fields.remove(key).unwrap();
        let named = format!("{}.{} ", key.0, key.1);
        let one = BTreeMap::from([(key.clone(), path.clone())]);
        let missed: Vec<_> = missing(&one, &tables.fields).collect();
        assert!(
            missed.iter().any(|problem| problem.starts_with(&named)),
            "nothing misses {named}: {missed:?}"
        );
        tables.fields.insert(key.clone(), row);
    }
    assert_eq!(needed.len(), tables.fields.len(), "each row is needed");
    tables.fields = Rows::new();
    let with_pods = with_pods(&record);
    for key in tables.kinds.keys() {
        let mut fewer = tables.clone();
        fewer.kinds.remove(key);
        let mut problems = Vec::new();
        of_kinds(&record, &with_pods, &fewer, &mut problems);
        assert_named(&problems, &key.0);
    }
    for key in tables.subresources.keys() {
        let mut fewer = tables.clone();
        fewer.subresources.remove(key);
        let mut problems = Vec::new();
        of_subresources(&record, &fewer, &mut problems);
        assert_named(&problems, &format!("{}/{}", key.0, key.1));
    }
}

#[test]
fn what_a_release_adds_is_named() {
    let tables = Tables::read();
    let mut record = everything();
    for (of_type, field, of_field) in [
        ("PodSpec", "nodeNames", "string"),
        ("Container", "privilegedFor", "string"),
        ("Toleration", "matches", "string"),
        ("Volume", "door", "DoorVolumeSource"),
        ("ServiceSpec", "publicAddresses", "string"),
        ("networking/IngressRule", "hosts", "string"),
        ("ObjectMeta", "tenants", "string"),
        ("PersistentVolumeClaimSpec", "volumeNames", "string"),
        ("resource/ExactDeviceRequest", "ownerAccess", "boolean"),
        ("batch/JobSpec", "clusterWide", "boolean"),
    ] {
        record.add(of_type, field, of_field);
        assert_named(&problems(&record, &tables), &format!("{of_type}.{field} "));
    }
    // A place where a type is that is decided by place.
    record.add("PodSpec", "others", "LabelSelector");
    let found = problems(&record, &tables);
    assert_named(&found, "PodSpec.others ");
    assert_named(&found, "PodSpec.others.matchLabels ");

    let kind = |group: &str, name: &str| Kind { group: group.to_owned(), name: name.to_owned() };
    record.add("apps/Fleet", "template", "PodTemplateSpec");
    record.kinds.insert(kind("apps", "Fleet"), BTreeSet::from(["apps/Fleet".to_owned()]));
    record.subresources.insert((kind("", "Pod"), "migrate".to_owned()));
    let found = problems(&record, &tables);
    assert_named(&found, "kind apps/Fleet is neither");
    assert_named(&found, "kind apps/Fleet has a pod template");
    assert_named(&found, "subresource Pod/migrate ");
}

#[test]
fn a_reference_needs_a_reason_that_fits() {
    let (record, mut tables) = (everything(), Tables::read());
    let own = table::REASONS.into_iter().find(|reason| reason.name == "own").unwrap();
    tables.fields.insert(("PodSpec".to_owned(), "serviceAccountName".to_owned()), Decision::Harmless(own));
    assert_named(&problems(&record, &tables), "PodSpec.serviceAccountName may name another object");
    // What no release has any more.
    tables.fields.insert(("PodSpec".to_owned(), "gone".to_owned()), Decision::Harmless(own));
    assert_named(&problems(&record, &tables), "PodSpec.gone has a row");
}

#[test]
fn each_reason_is_used_and_explained() {
    let tables = Tables::read();
    for reason in table::REASONS {
        let rows = [&tables.fields, &tables.kinds, &tables.subresources];
        let mut decisions = rows.into_iter().flat_map(BTreeMap::values);
        let is_used =
            decisions.any(|decision| matches!(decision, Decision::Harmless(used) if *used == reason));
        assert!(is_used, "no row has the reason `{}`", reason.name);
        assert!(reason.explanation.ends_with('.'), "{}", reason.explanation);
    }
}
