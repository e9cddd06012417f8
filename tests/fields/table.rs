//! The tables: what rules read of each field, each kind and each subresource, and why the rest is harmless.

use std::collections::BTreeMap;

use crate::{files, read, repository};

/// Why no rule reads a field, a kind or a subresource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reason {
    pub(crate) name: &'static str,
    /// Whether it can be a reason for a field that names another object.
    pub(crate) fits_references: bool,
    pub(crate) explanation: &'static str,
}

/// The reasons that there are.
pub(crate) const REASONS: [Reason; 13] = [
    reason(
        "own",
        false,
        "It says how the object's own processes, files, ports, probes, numbers and times are.",
    ),
    reason(
        "own-namespace",
        true,
        "It names an object of the same namespace, as no other can be named, or selects among these.",
    ),
    reason(
        "own-parts",
        true,
        "It names the object itself or a part of it, such as a container, a volume, a port or a key.",
    ),
    reason(
        "narrows",
        true,
        "It can only forbid a node, a device or a peer that is allowed without it, or prefer one that is allowed.",
    ),
    reason(
        "api-server",
        true,
        "The API server or one of its built-in plugins writes it, and refuses or replaces what a user writes.",
    ),
    reason(
        "status",
        true,
        "It reports. On creation and on plain updates the API server drops what a user writes; the default roles give \
         no tenant the subresource, and no controller acts for others by it.",
    ),
    reason(
        "part-of-read",
        true,
        "It means nothing without the field around it, which a rule allows or denies as a whole: the parameters of a \
         kind of volume that is denied or granted by its kind.",
    ),
    reason(
        "controller",
        true,
        "It names the controller that acts on this object, with that controller's own rights and on no other object.",
    ),
    reason(
        "public",
        true,
        "It names a cluster-scoped object that the platform makes for everybody to read, which gives no rights.",
    ),
    reason(
        "identity",
        true,
        "It asks for what the pod's own ServiceAccount is entitled to, and whoever grants it checks that account.",
    ),
    reason(
        "platform",
        true,
        "Only roles of the platform can write it: the default roles give tenants no right to it.",
    ),
    reason(
        "limit",
        true,
        "What it does to others cannot be told from the object; SECURITY.md or the rule's page says so.",
    ),
    reason(
        "content",
        false,
        "It is the tenant's own data, which no controller of the cluster reads as configuration.",
    ),
];

const fn reason(name: &'static str, fits_references: bool, explanation: &'static str) -> Reason {
    Reason { name, fits_references, explanation }
}

/// A fixture whose verdict changes when one field does.
#[derive(Clone, Debug)]
pub(crate) struct Flip {
    /// `RULE/allow/NAME` or `RULE/deny/NAME`.
    pub(crate) fixture: String,
    /// What the field becomes; it is removed if there is no value.
    pub(crate) value: Option<serde_json::Value>,
}

#[derive(Clone, Debug)]
pub(crate) enum Decision {
    /// The field holds others, and each of them has a row of its own.
    Fields,
    /// Each place that has the type has a row of its own for this field.
    ByPlace,
    /// Rules read it.
    Read(Vec<Flip>),
    /// No rule reads it.
    Harmless(Reason),
}

/// The owner of a field, and the field: `PodSpec` and `nodeName`, or `Pod.metadata` and `annotations`.
pub(crate) type Key = (String, String);

/// The rows of a table, in the order of the files.
pub(crate) type Rows = BTreeMap<Key, Decision>;

fn decision(columns: &[&str], line: &str) -> Decision {
    match *columns {
        ["fields"] => Decision::Fields,
        ["by place"] => Decision::ByPlace,
        ["read", ref flips @ ..] => Decision::Read(flips.iter().map(|flip| parse_flip(flip)).collect()),
        ["harmless", name] => {
            let reason = REASONS.into_iter().find(|reason| reason.name == name);
            Decision::Harmless(reason.unwrap_or_else(|| panic!("`{name}` is no reason: {line}")))
        }
        _ => panic!("this row decides nothing: {line}"),
    }
}

fn parse_flip(text: &str) -> Flip {
    match text.split_once(" := ") {
        None => Flip { fixture: text.to_owned(), value: None },
        Some((fixture, value)) => Flip {
            fixture: fixture.to_owned(),
            value: Some(serde_json::from_str(value).unwrap_or_else(|error| panic!("{error}: {text}"))),
        },
    }
}

fn parse(text: &str, rows: &mut Rows) {
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let columns: Vec<&str> = line.split('\t').collect();
        let [owner, field, ref rest @ ..] = *columns else {
            panic!("a row has at least three columns: {line}")
        };
        let before = rows.insert((owner.to_owned(), field.to_owned()), decision(rest, line));
        assert!(before.is_none(), "two rows for {owner}.{field}");
    }
}

/// The table of fields.
pub(crate) fn fields() -> Rows {
    let mut rows = Rows::new();
    files("tests/fields/table", "tsv").iter().for_each(|path| parse(&read(path), &mut rows));
    rows
}

/// A table of which each row is a kind, what of it (`-` for all) and the decision.
pub(crate) fn of_kinds(name: &str) -> Rows {
    let mut rows = Rows::new();
    parse(&read(&repository(&format!("tests/fields/{name}"))), &mut rows);
    rows
}

/// The kinds that rules read and that Kubernetes does not have itself.
pub(crate) fn of_other_apis() -> Vec<String> {
    let text = read(&repository("tests/fields/others.txt"));
    text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).map(str::to_owned).collect()
}
