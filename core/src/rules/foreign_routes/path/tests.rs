use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

/// Returns the values at a path, as text.
fn found(object: &str, path: &str) -> Vec<String> {
    let object: Unstructured<'_> = serde_json::from_str(object).unwrap();
    let mut all = Vec::new();
    walk(&object, &HostPath::parse(path).unwrap(), &mut |at, found| {
        all.push(match found {
            PathValue::Host(host) => format!("{at}={host}"),
            PathValue::Nothing => format!("{at} is missing"),
            PathValue::Unreadable(problem) => format!("{at}: {problem}"),
        });
    });
    all
}

#[test]
fn every_string_at_the_path_is_found() {
    let object = r#"{"metadata":{"name":"a.example.com"},"host":"h","spec":{"x":[{"host":"a"},{"port":1,"host":"b"}],
        "hosts":["c","d\u002ee"],"deep":[[{"n":"1"}],[{"n":"2"},{"n":"3"}]]}}"#;
    assert_eq!(found(object, "host"), ["host=h"]);
    assert_eq!(found(object, ".metadata.name"), ["metadata.name=a.example.com"]);
    assert_eq!(found(object, "spec.hosts[*]"), ["spec.hosts[0]=c", "spec.hosts[1]=d.e"]);
    assert_eq!(found(object, "spec.x[*].host"), ["spec.x[0].host=a", "spec.x[1].host=b"]);
    assert_eq!(
        found(object, "spec.deep[*][*].n"),
        ["spec.deep[0][0].n=1", "spec.deep[1][0].n=2", "spec.deep[1][1].n=3"]
    );
}

#[test]
fn g23_g26_what_is_missing_is_told_wherever_it_is() {
    for (object, told) in [
        ("{}", "spec is missing"),
        (r#"{"spec":null}"#, "spec is missing"),
        (r#"{"spec":{}}"#, "spec.x is missing"),
        (r#"{"spec":{"x":null}}"#, "spec.x is missing"),
        (r#"{"spec":{"x":[]}}"#, "spec.x is missing"),
        (r#"{"spec":{"x":[null]}}"#, "spec.x[0] is missing"),
        (r#"{"spec":{"x":[{}]}}"#, "spec.x[0].host is missing"),
        (r#"{"spec":{"x":[{"host":null}]}}"#, "spec.x[0].host is missing"),
        (r#"{"spec":{"x":[{"host":""}]}}"#, "spec.x[0].host is missing"),
        (r#"{"metadata":{"generateName":"a"}}"#, "spec is missing"),
    ] {
        assert_eq!(found(object, "spec.x[*].host"), [told], "{object}");
    }
    let one_of_two = r#"{"spec":{"x":[{"host":"a"},{"Host":"b"}]}}"#;
    assert_eq!(found(one_of_two, "spec.x[*].host"), ["spec.x[0].host=a", "spec.x[1].host is missing"]);
    assert_eq!(found("{}", "metadata.name"), ["metadata.name is missing"]);
}

#[test]
fn m8_what_the_path_does_not_lead_through_is_told() {
    for (object, told) in [
        (r#"{"spec":[]}"#, "spec: this is not an object"),
        (r#"{"spec":"x"}"#, "spec: this is not an object"),
        (r#"{"spec":{"x":{"host":"a"}}}"#, "spec.x: this is not a list"),
        (r#"{"spec":{"x":"a"}}"#, "spec.x: this is not a list"),
        (r#"{"spec":{"x":[["a"]]}}"#, "spec.x[0]: this is not an object"),
        (r#"{"spec":{"x":[{"host":["a"]}]}}"#, "spec.x[0].host: this is not a string"),
        (r#"{"spec":{"x":[{"host":{"a":1}}]}}"#, "spec.x[0].host: this is not a string"),
        (r#"{"spec":{"x":[{"host":1}]}}"#, "spec.x[0].host: this is not a string"),
        (r#"{"spec":{"x":[{"host":-1}]}}"#, "spec.x[0].host: this is not a string"),
        (r#"{"spec":{"x":[{"host":1.5}]}}"#, "spec.x[0].host: this is not a string"),
        (r#"{"spec":{"x":[{"host":true}]}}"#, "spec.x[0].host: this is not a string"),
        (r#"{"spec":{"x":[{"host":"\ud800"}]}}"#, "spec: this does not decode"),
    ] {
        assert_eq!(found(object, "spec.x[*].host"), [told], "{object}");
    }
}

#[test]
fn m9_a_field_that_is_there_twice_is_told() {
    let object = r#"{"spec":{"x":[{"host":"a","host":"b"}]}}"#;
    assert_eq!(found(object, "spec.x[*].host"), ["spec.x[0].host=a", "spec.x[0].host: `host` appears twice"]);
    let object = r#"{"spec":{"x":[{"host":"a"}],"\u0078":[]}}"#;
    assert_eq!(found(object, "spec.x[*].host"), ["spec.x[0].host=a", "spec.x: `x` appears twice"]);
}

#[test]
fn l13_a_list_that_is_too_long_is_told() {
    let list = |count: usize| format!(r#"{{"spec":[{}]}}"#, vec![r#""a""#; count].join(","));
    assert_eq!(found(&list(ITEMS), "spec[*]").len(), ITEMS);
    let long = found(&list(ITEMS + 2), "spec[*]");
    assert_eq!(long.last().map(String::as_str), Some("spec: this list has more than 20000 items"));
    // The walk skips deep nesting beside the path; nesting on the path is not a host.
    let deep = "[".repeat(100_000) + &"]".repeat(100_000);
    assert_eq!(found(&format!(r#"{{"spec":{{"a":{deep},"b":"c"}}}}"#), "spec.b"), ["spec.b=c"]);
    assert_eq!(found(&format!(r#"{{"spec":{deep}}}"#), "spec").len(), 1);
}

/// Finds the same values in a decoded object.
fn naive(value: &Value, path: &str, at: &str, all: &mut Vec<String>) {
    let wrong = |kind: &str| format!("{at}: this is not {kind}");
    match (value, path) {
        (Value::Null, _) => all.push(format!("{at} is missing")),
        (Value::String(text), "") if text.is_empty() => all.push(format!("{at} is missing")),
        (Value::String(text), "") => all.push(format!("{at}={text}")),
        (_, "") => all.push(wrong("a string")),
        (_, path) if path.starts_with("[*]") => match value.as_array() {
            Some(list) if list.is_empty() => all.push(format!("{at} is missing")),
            Some(list) => {
                for (index, item) in list.iter().enumerate() {
                    naive(item, path.strip_prefix("[*]").unwrap(), &format!("{at}[{index}]"), all);
                }
            }
            None => all.push(wrong("a list")),
        },
        (_, path) => {
            let path = path.trim_start_matches('.');
            let (field, rest) = path.split_at(path.find(['.', '[']).unwrap_or(path.len()));
            let at = if at.is_empty() { field.to_owned() } else { format!("{at}.{field}") };
            match value.as_object() {
                Some(object) => naive(object.get(field).unwrap_or(&Value::Null), rest, &at, all),
                None => all.push(wrong("an object")),
            }
        }
    }
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[a-c\\\\\"\u{e4}.]{0,3}".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 40, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-c]", inner, 0..4)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_found_is_what_a_naive_walk_finds(
        value in any_value(),
        path in r"[a-c](\[\*\]){0,2}(\.[a-c](\[\*\]){0,2}){0,3}",
    ) {
        let object = json!({"metadata": {"name": "a"}, "a": value, "b": [value, value], "status": {"c": "x"}});
        let mut all = Vec::new();
        naive(&object, &path, "", &mut all);
        prop_assert_eq!(found(&object.to_string(), &path), all);
    }
}
