//! Reads documents that say plainly what each value is: most manifests do.
//!
//! The parser of values counts, compares and locates everything on its way, which takes as long as to scan the text.
//! Here the scanner's events become values at once. Whatever needs more is left to the parser of values, and so is
//! whatever is wrong: tags, anchors, aliases, merges, repeated keys, and texts without quotes that could be a boolean,
//! a number or null in some version of YAML.
//!
//! INVARIANT: a document that is read here has the value that the parser of values gives it. A test compares both.

use serde_json::{Map, Value};
use serde_saphyr::granit_parser::{Event, Parser, ScalarStyle};

/// The deepest nesting of a plain document; the parser of values accepts a little more.
const DEPTH: usize = 64;
/// The longest plain document, far below the limits of the parser of values.
const BYTES: usize = 16 << 20;

/// Returns the value of a document, or `None` if it is not plain.
pub(super) fn read(text: &str) -> Option<Value> {
    if text.len() > BYTES {
        return None;
    }
    let mut parser = Parser::new_from_str(text);
    let mut builder = Builder::default();
    while let Some(event) = parser.next_event() {
        #[expect(
            clippy::wildcard_enum_match_arm,
            reason = "all other events are no values, such as comments"
        )]
        match event.ok()?.0 {
            Event::DocumentStart(_, Some(_)) | Event::Alias(..) => return None,
            Event::Scalar(text, style, 0, None) => builder.scalar(&text, style)?,
            Event::MappingStart(_, 0, None) => builder.open(Value::Object(Map::new()))?,
            Event::SequenceStart(_, 0, None) => builder.open(Value::Array(Vec::new()))?,
            Event::Scalar(..) | Event::MappingStart(..) | Event::SequenceStart(..) => return None,
            Event::MappingEnd | Event::SequenceEnd => builder.close()?,
            _ => {}
        }
    }
    builder.root
}

#[derive(Default)]
struct Builder {
    /// The mappings and lists whose end has not come yet, each with the key whose value comes next.
    open: Vec<(Value, Option<String>)>,
    root: Option<Value>,
}

impl Builder {
    fn open(&mut self, value: Value) -> Option<()> {
        // A mapping or a list is no key, and a text has one document.
        let is_key = self.open.last().is_some_and(|(value, key)| value.is_object() && key.is_none());
        if is_key || self.root.is_some() || self.open.len() == DEPTH {
            return None;
        }
        self.open.push((value, None));
        Some(())
    }

    fn close(&mut self) -> Option<()> {
        let (value, _) = self.open.pop()?;
        self.take(value)
    }

    fn scalar(&mut self, text: &str, style: ScalarStyle) -> Option<()> {
        let value = if style == ScalarStyle::Plain { plain(text)? } else { Value::from(text) };
        if let Some((Value::Object(_), key @ None)) = self.open.last_mut() {
            // Between mappings, this key means more than itself.
            let Value::String(name) = value else { return None };
            *key = (name != "<<").then_some(name);
            return key.is_some().then_some(());
        }
        self.take(value)
    }

    /// Puts a value into the innermost mapping or list.
    fn take(&mut self, value: Value) -> Option<()> {
        match self.open.last_mut() {
            None if self.root.is_some() => None,
            None => {
                self.root = Some(value);
                Some(())
            }
            Some((Value::Array(items), _)) => {
                items.push(value);
                Some(())
            }
            // A key that was there already is a mistake.
            Some((Value::Object(fields), key)) => fields.insert(key.take()?, value).is_none().then_some(()),
            Some(_) => None,
        }
    }
}

/// Returns the value of a text without quotes, or `None` if it takes a second look.
fn plain(text: &str) -> Option<Value> {
    /// Words with a meaning of their own are at most so long, such as `-infinity`.
    const LONGEST_WORD: usize = 9;
    let is_text = match text.as_bytes() {
        [first, ..] if first.is_ascii_digit() => return number_or_quantity(text),
        [b'-', second, ..] => second.is_ascii_alphabetic() || *second == b'-',
        [first, ..] => first.is_ascii_alphabetic() || *first == b'/',
        [] => false,
    };
    if !is_text {
        return None;
    }
    match text {
        "true" => Some(Value::Bool(true)),
        "false" => Some(Value::Bool(false)),
        _ if text.len() <= LONGEST_WORD && is_word(text) => None,
        _ => Some(Value::from(text)),
    }
}

/// Returns whether a short text means a boolean, a number or null in some version of YAML.
fn is_word(text: &str) -> bool {
    const WORDS: [&str; 11] = ["y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf"];
    WORDS.iter().any(|word| text.eq_ignore_ascii_case(word)) || text.parse::<f64>().is_ok()
}

/// Returns a number of few digits, or a quantity such as `100m` or `64Mi`, which is a text.
fn number_or_quantity(text: &str) -> Option<Value> {
    /// All numbers of so many digits fit into an integer.
    const DIGITS: usize = 15;
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let is_decimal = digits.bytes().all(|byte| byte.is_ascii_digit()) && digits.len() <= DIGITS;
    // What begins with a zero may be octal, hexadecimal or binary.
    if !is_decimal || (text.len() > 1 && text.starts_with('0')) {
        return None;
    }
    if digits.len() == text.len() {
        text.parse::<u64>().ok().map(Value::from)
    } else {
        Some(Value::from(text))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn plain_documents_are_read() {
        let text = "---\n# a Pod\nkind: Pod\nspec:\n  replicas: 3\n  \"on\": 'yes'\n  limits: {cpu: 100m, memory: \
             64Mi}\n  args: [/bin/sh, -c, --a=b, \"a: b\"]\n  text: |\n    a\n    b\n  empty: {}\n  none: []\n  \
             is: true\n";
        let value = json!({"kind": "Pod", "spec": {
            "replicas": 3, "on": "yes", "limits": {"cpu": "100m", "memory": "64Mi"},
            "args": ["/bin/sh", "-c", "--a=b", "a: b"], "text": "a\nb\n", "empty": {}, "none": [], "is": true,
        }});
        assert_eq!(read(text), Some(value));
    }

    #[test]
    fn what_takes_a_second_look_is_left_to_the_parser_of_values() {
        for text in [
            "",
            "# nothing\n",
            "a:\n",
            "a: ~\n",
            "a: null\n",
            "a: yes\n",
            "a: Off\n",
            "a: TRUE\n",
            "y: a\n",
            "a: 010\n",
            "a: 0x1F\n",
            "a: 1.5\n",
            "a: 1e3\n",
            "a: 1_000\n",
            "a: -1\n",
            "a: .inf\n",
            "a: nan\n",
            "a: Infinity\n",
            "a: 12:30\n",
            "a: 2026-01-01\n",
            "a: 1234567890123456\n",
            "a: !!str b\n",
            "a: &b c\n",
            "a: &b c\nd: *b\n",
            "<<: {a: b}\n",
            "\"<<\": a\n",
            "? [a]\n: b\n",
            "1: a\n",
            "a: b\na: c\n",
            "a: [b\n",
            "a: 'b\n",
            "a: b\n---\nc: d\n",
            "a: b\n...\n---\nc: d\n",
            "%YAML 1.1\n---\na: b\n",
            "a: b: c\n",
            "a:\tb\n\tc: d\n",
        ] {
            assert_eq!(read(text), None, "{text:?}");
        }
        assert_eq!(read(&("[".repeat(DEPTH + 1) + &"]".repeat(DEPTH + 1))), None);
        assert!(read(&("[".repeat(DEPTH) + &"]".repeat(DEPTH))).is_some());
    }
}
