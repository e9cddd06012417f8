//! The tables in `tests/fixtures/pod-security`, whose README says how a row reads.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;

use partywall_core::api::Level;
use partywall_core::rules::{Control, controls};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{STANDARDS, Version, controls_in, insert, judge, name, tenants};
use crate::support::{create, fixture, yaml};

/// The controls that read only the pod; all others look into containers.
const OF_THE_POD_ALONE: [&str; 4] = ["hostNamespaces", "hostPathVolumes", "restrictedVolumes", "sysctls"];

/// A row as it is written.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Row {
    name: String,
    user_namespaces: Option<bool>,
    each: Option<Vec<Value>>,
    pod: Option<Value>,
    container: Option<Value>,
    denies: Denials,
    #[serde(default)]
    also: BTreeMap<String, Denials>,
}

/// When a control denies, at each level that may deny.
#[derive(Clone, Copy, Deserialize)]
#[serde(from = "Written")]
struct Denials {
    baseline: Span,
    restricted: Span,
}

#[derive(Deserialize)]
#[serde(untagged, deny_unknown_fields)]
enum Written {
    AtBoth(Span),
    AtEach {
        #[serde(default)]
        baseline: Span,
        #[serde(default)]
        restricted: Span,
    },
}

impl From<Written> for Denials {
    fn from(written: Written) -> Self {
        match written {
            Written::AtBoth(span) => Self { baseline: span, restricted: span },
            Written::AtEach { baseline, restricted } => Self { baseline, restricted },
        }
    }
}

impl Denials {
    fn at(self, level: Level) -> Span {
        match level {
            Level::Privileged => Span::Never,
            Level::Baseline => self.baseline,
            Level::Restricted => self.restricted,
        }
    }
}

/// Some versions that follow each other.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(try_from = "String")]
enum Span {
    #[default]
    Never,
    /// From the first on, for good.
    From(u16),
    /// From the first to the last.
    Between(u16, u16),
}

impl TryFrom<String> for Span {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let minor = |version: &str| version.strip_prefix("1.")?.parse().ok();
        let span = match (&*text, text.split_once('-')) {
            ("never", _) => Some(Self::Never),
            ("always", _) => Some(Self::From(0)),
            (_, Some((first, ""))) => minor(first).map(Self::From),
            (_, Some((first, last))) => minor(first).zip(minor(last)).map(|(a, b)| Self::Between(a, b)),
            (_, None) => None,
        };
        span.ok_or_else(|| format!("`{text}` is no span of versions"))
    }
}

impl Span {
    fn contains(self, version: Version) -> bool {
        match self {
            Self::Never => false,
            Self::From(first) => Version::Minor(first) <= version,
            Self::Between(first, last) => (Version::Minor(first)..=Version::Minor(last)).contains(&version),
        }
    }

    /// The versions whose predecessor says otherwise.
    fn boundaries(self) -> impl Iterator<Item = u16> {
        let (first, end) = match self {
            Self::Never => (None, None),
            Self::From(first) => (Some(first), None),
            Self::Between(first, last) => (Some(first), Some(last + 1)),
        };
        [first, end].into_iter().flatten().filter(|minor| *minor > 0)
    }
}

/// The rows of a control's table.
fn table(control: &str) -> Vec<Row> {
    let path = fixture(&format!("pod-security/{control}.yaml"));
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let [rows]: [Value; 1] = yaml(&text).try_into().expect("one document");
    let rows = rows.as_array().expect("a list of rows").iter();
    rows.map(|row| Row::deserialize(row).unwrap_or_else(|error| panic!("{control}: {error}: {row}")))
        .collect()
}

/// The ids of all tables.
fn tables() -> BTreeSet<String> {
    let files = fs::read_dir(fixture("pod-security")).unwrap().map(|file| file.unwrap().file_name());
    let ids = files.filter_map(|file| Some(file.to_str()?.strip_suffix(".yaml")?.to_owned()));
    ids.filter(|id| id != "minimal").collect()
}

/// The lists that may contain a container.
const PLACES: [(&str, Option<&str>); 4] = [
    ("containers", None),
    ("initContainers", None),
    // A sidecar.
    ("initContainers", Some("Always")),
    ("ephemeralContainers", None),
];

impl Row {
    /// The pods it is about, each with what tells it from the others of the row.
    fn pods(&self, minimal: &Value) -> Vec<(String, Value)> {
        let pods = self.placed(minimal);
        let Some(values) = &self.each else { return pods };
        let each_with = |value: &Value| {
            let filled = |(place, mut pod): (String, Value)| {
                fill(&mut pod, value);
                (format!("{place}, {value}"), pod)
            };
            pods.iter().cloned().map(filled).collect::<Vec<_>>()
        };
        values.iter().flat_map(each_with).collect()
    }

    fn placed(&self, minimal: &Value) -> Vec<(String, Value)> {
        let mut pod = minimal.clone();
        json_patch::merge(&mut pod, self.pod.as_ref().unwrap_or(&json!({})));
        let Some(changes) = &self.container else { return vec![("the pod".to_owned(), pod)] };
        let mut container = minimal["spec"]["containers"][0].clone();
        container["name"] = json!("app");
        json_patch::merge(&mut container, changes);
        let placed = |(list, restart): (&str, Option<&str>)| {
            let mut pod = pod.clone();
            let mut container = container.clone();
            let mut place = list.to_owned();
            if let Some(restart) = restart {
                container["restartPolicy"] = json!(restart);
                place += " as a sidecar";
            }
            insert(&mut pod["spec"], list, usize::MAX, container);
            (place, pod)
        };
        PLACES.map(placed).into()
    }

    /// The controls that deny at a level and a version.
    fn expected<'r>(&'r self, control: &'r str, level: Level, version: Version) -> BTreeSet<&'r str> {
        let also = self.also.iter().map(|(id, denials)| (&**id, *denials));
        let deny = [(control, self.denies)].into_iter().chain(also);
        deny.filter(|(_, denials)| denials.at(level).contains(version)).map(|(id, _)| id).collect()
    }
}

/// Puts a value in the place of every `$each`.
fn fill(value: &mut Value, each: &Value) {
    match value {
        Value::String(text) if text == "$each" => *value = each.clone(),
        Value::Array(items) => items.iter_mut().for_each(|item| fill(item, each)),
        Value::Object(fields) => {
            if let Some(field) = fields.remove("$each") {
                fields.insert(each.as_str().expect("a key").to_owned(), field);
            }
            fields.values_mut().for_each(|field| fill(field, each));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Judges every row, and tells of each that is not as it says the first verdict that is not.
fn judge_rows(user_namespaces: bool) {
    let [minimal]: [Value; 1] =
        yaml(&fs::read_to_string(fixture("pod-security/minimal.yaml")).unwrap()).try_into().unwrap();
    let mut wrong = String::new();
    for control in tables() {
        for row in table(&control).into_iter().filter(|row| row.user_namespaces != Some(!user_namespaces)) {
            for (place, pod) in row.pods(&minimal) {
                let mut first = None;
                judge(&create(pod), &*STANDARDS, tenants(user_namespaces), |standard, verdict| {
                    let denied = controls_in(verdict);
                    let expected = row.expected(&control, standard.level, standard.version);
                    if denied != expected && first.is_none() {
                        let (level, version) = (name(standard.level), standard.version);
                        first = Some(format!("{level} {version}: {denied:?}, not {expected:?}"));
                    }
                });
                if let Some(first) = first {
                    writeln!(wrong, "{control}: {} ({place}): {first}", row.name).unwrap();
                }
            }
        }
    }
    assert!(wrong.is_empty(), "denied by\n{wrong}");
}

#[test]
fn e1_every_row_is_denied_by_exactly_what_it_names_where_every_node_has_user_namespaces() {
    judge_rows(true);
}

#[test]
fn e1_e8_every_row_is_denied_by_exactly_what_it_names_where_some_node_has_no_user_namespaces() {
    judge_rows(false);
}

#[test]
fn every_control_has_its_table() {
    let registered: BTreeSet<String> = controls().iter().map(|control| control.id.to_owned()).collect();
    assert_eq!(tables(), registered);
    for control in registered {
        let rows = table(&control);
        let names: BTreeSet<&str> = rows.iter().map(|row| &*row.name).collect();
        assert_eq!(names.len(), rows.len(), "{control}: a name stands twice");
        let is_harmless =
            |row: &Row| row.denies.baseline == Span::Never && row.denies.restricted == Span::Never;
        assert!(rows.iter().any(is_harmless), "{control}: nothing is allowed");
        assert!(!rows.iter().all(is_harmless), "{control}: nothing is denied");
        let of_containers = rows.iter().any(|row| row.container.is_some() && !is_harmless(row));
        assert!(of_containers || OF_THE_POD_ALONE.contains(&&*control), "{control}: no container is denied");
        for id in rows.iter().flat_map(|row| row.also.keys()) {
            assert!(*id != control && tables().contains(id), "{control}: also `{id}`");
        }
    }
}

/// Returns the versions at which a control's verdict may change, as the registry has it: it comes, it changes,
/// and at `restricted` it gives way to its successor.
fn boundaries(control: &Control, level: Level) -> BTreeSet<u16> {
    let own = control.changes.iter().map(|(minor, _)| *minor).chain([control.since]);
    let end = control.successor().filter(|_| level == Level::Restricted).map(|successor| successor.since);
    let held = own.filter(|minor| control.level <= level && end.is_none_or(|end| *minor < end));
    held.chain(end).filter(|minor| *minor > 0).collect()
}

#[test]
fn every_boundary_between_versions_has_a_row_on_both_sides_and_no_row_has_another() {
    for control in controls() {
        let rows = table(control.id);
        for level in [Level::Baseline, Level::Restricted] {
            let seen: BTreeSet<_> = rows.iter().flat_map(|row| row.denies.at(level).boundaries()).collect();
            assert_eq!(seen, boundaries(control, level), "{} at {}", control.id, name(level));
        }
    }
}
