//! Compares the reader with serde_json on valid, nearly valid and random texts.

use std::marker::PhantomData;

use proptest::prelude::*;
use serde::de::{Deserialize, IgnoredAny};
use serde_json::Value;
use serde_json::value::RawValue;

use super::*;

fn from_slice<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, Refused> {
    super::from_slice(PhantomData, bytes)
}

fn from_str<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, Refused> {
    super::from_str(PhantomData, text)
}

/// Checks that serde_json and the reader make the same of a text.
fn agree(text: &str) -> Result<(), TestCaseError> {
    let theirs: Option<Value> = serde_json::from_str(text).ok();
    prop_assert_eq!(from_str::<Value>(text).ok(), theirs, "built: {}", text);
    let theirs = serde_json::from_str::<IgnoredAny>(text).is_ok();
    prop_assert_eq!(from_str::<IgnoredAny>(text).is_ok(), theirs, "skipped: {}", text);
    let theirs = serde_json::from_str::<&RawValue>(text).ok().map(RawValue::get);
    prop_assert_eq!(from_str::<&RawValue>(text).ok().map(RawValue::get), theirs, "raw: {}", text);
    let theirs = serde_json::from_str::<Option<i64>>(text).ok();
    prop_assert_eq!(from_str::<Option<i64>>(text).ok(), theirs, "a number: {}", text);
    Ok(())
}

#[track_caller]
fn agrees(text: &str) {
    agree(text).unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn m9_every_corner_of_the_grammar_is_as_in_serde_json() {
    for text in [
        "",
        " ",
        "null",
        " null ",
        "nul",
        "nulll",
        "nullnull",
        "true",
        "truf",
        "false",
        "t",
        "[]",
        "[ ]",
        "[,]",
        "[1,]",
        "[1 2]",
        "[1,2]",
        "[",
        "]",
        "[]]",
        "[[]",
        "{}",
        "{ }",
        "{,}",
        "{\"a\":1,}",
        "{\"a\" : 1 , \"b\":2}",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1 \"b\":2}",
        "{a:1}",
        "{1:2}",
        "{\"a\":1]",
        "[1}",
        "{\"a\":{\"b\":[{}]}}",
        "\"",
        "\"a",
        "\"a\"b",
        "0",
        "-0",
        "00",
        "01",
        "-",
        "-1",
        "1.",
        "1.0",
        ".5",
        "1e",
        "1e5",
        "1E+5",
        "1e-",
        "-1.5e-3",
        "1e999",
        "-1e999",
        "+1",
        "9223372036854775807",
        "9223372036854775808",
        "-9223372036854775808",
        "-9223372036854775809",
        "18446744073709551615",
        "18446744073709551616",
        "1a",
        "0x1",
        "Infinity",
        "NaN",
        "\"\\u0041\"",
        "\"\\u00\"",
        "\"\\ud800\"",
        "\"\\ud83d\\ude00\"",
        "\"\\x\"",
        "\"\\",
        "\"\\u",
        "\"\\\"\"",
        "\"\\\\\"",
        "\"a\nb\"",
        "\"\u{7f}\"",
        "\"é\"",
        "{\"\\u0061\":1}",
        "{\"a\":\"\\ud800\"}",
        "\u{feff}1",
        "1\u{a0}",
        "/**/1",
        "'a'",
        "[1,[2,[3,{}]]] x",
    ] {
        agrees(text);
    }
}

#[test]
fn l13_what_is_nested_deep_is_skipped_but_not_built() {
    for depth in [1, 2, 31, 32, 33, 62, 63, 64, 65, 125, 126, 127, 128, 129, 189, 190, 191, 1_000, 100_000] {
        for (open, close) in [("[", "]"), ("{\"a\":", "}"), ("[{\"a\":", "}]")] {
            let value = if open == "[" { "" } else { "1" };
            let text = format!("{}{value}{}", open.repeat(depth), close.repeat(depth));
            assert_eq!(
                from_str::<IgnoredAny>(&text).is_ok(),
                serde_json::from_str::<IgnoredAny>(&text).is_ok()
            );
            assert!(from_str::<IgnoredAny>(&text).is_ok(), "{depth}");
            assert_eq!(
                from_str::<Value>(&text).is_ok(),
                serde_json::from_str::<Value>(&text).is_ok(),
                "{depth}"
            );
            // Each text ends an object like a list or a list like an object, at one depth.
            for wrong in [0, 1, depth / 2, depth.saturating_sub(64), depth.saturating_sub(127), depth - 1] {
                let mut text = text.clone().into_bytes();
                let at = text.len() - 1 - wrong.min(depth - 1);
                text[at] = if text[at] == b']' { b'}' } else { b']' };
                assert!(from_slice::<IgnoredAny>(&text).is_err(), "{depth} {wrong}");
            }
        }
    }
}

#[test]
fn m9_what_is_no_utf8_is_refused_wherever_it_is() {
    assert_eq!(from_slice::<IgnoredAny>(b"\"\xff\""), Err(Refused));
    assert_eq!(from_slice::<IgnoredAny>(b"{\"a\xc3\":1}"), Err(Refused));
}

/// Generates JSON texts with and without white space.
fn json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        any::<bool>().prop_map(|value| value.to_string()),
        any::<i64>().prop_map(|value| value.to_string()),
        any::<f64>()
            .prop_filter("JSON has no others", |value| value.is_finite())
            .prop_map(|value| value.to_string()),
        "[ -~é\u{1f600}]{0,20}".prop_map(|text| serde_json::to_string(&text).unwrap()),
        // These strings end in another block than they begin in, or than the next one begins in.
        "([a-zé]{56,66}|[a-z]{118,132})".prop_map(|text| format!("\"{text}\"")),
        r#"(\\["\\n]){28,34}"#.prop_map(|text| format!("\"{text}\"")),
        r#"(\\u[0-9a-f]{4}|\\[bfnrt"/\\]|[a-z]){0,6}"#.prop_map(|text| format!("\"{text}\"")),
    ];
    let space = || prop_oneof![8 => "[ \n\t\r]{0,2}", 1 => "[ \n\t\r]{55,70}"];
    leaf.prop_recursive(5, 64, 6, move |inner| {
        let list = (prop::collection::vec(inner.clone(), 0..6), space())
            .prop_map(|(items, space)| format!("[{space}{}{space}]", items.join(&format!("{space},"))));
        let key = prop_oneof![8 => "[a-c]{1,2}", 1 => "[a-c]{56,66}", 1 => r#"(\\["\\n]|[a-c]){1,40}"#];
        let field =
            (key, space(), inner).prop_map(|(key, space, value)| format!("\"{key}\"{space}:{space}{value}"));
        let object = (prop::collection::vec(field, 0..6), space()).prop_map(|(fields, space)| {
            format!("{{{space}{}{space}}}", fields.join(&format!("{space},{space}")))
        });
        prop_oneof![list, object]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn m9_valid_json_is_what_it_is_to_serde_json(text in json()) {
        agree(&text)?;
    }

    #[test]
    fn m9_broken_json_is_what_it_is_to_serde_json(
        text in json(),
        at in any::<prop::sample::Index>(),
        with in prop::sample::select(vec![
            "", "\"", "\\", "{", "}", "[", "]", ",", ":", "0", "-", ".", "e", " ", "n", "\u{1}", "é",
        ]),
        removed in 0_usize..3,
    ) {
        let mut characters: Vec<char> = text.chars().collect();
        let at = at.index(characters.len() + 1);
        let end = characters.len().min(at + removed);
        characters.splice(at..end, with.chars());
        agree(&characters.into_iter().collect::<String>())?;
    }

    #[test]
    fn m9_nonsense_is_what_it_is_to_serde_json(text in r#"[\[\]{},:"\\0-9eE.\- a-fntru]{0,24}"#) {
        agree(&text)?;
    }
}
