//! The explanation for people: a line for each value, with the object that it comes from behind `#`.

use std::fmt;

use serde_json::Value;

use super::model::{Exemption, Explanation, Field, Namespace, Object, Pool, Rule};

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for sentence in &self.about {
            writeln!(f, "{sentence}")?;
        }
        if let Some(Namespace { name, owner, source }) = &self.namespace {
            let source = source.as_ref().map(|source| format!("  # {source}")).unwrap_or_default();
            writeln!(f, "\nNamespace {}: {owner}{source}", plain(name))?;
        }
        if let Some(Object { name, source }) = &self.tenant {
            writeln!(f, "\nTenant {}:  # {source}", plain(name))?;
        }
        fields(&self.fields, f)?;
        if !self.pools.is_empty() {
            f.write_str("\nNodePools:\n")?;
        }
        for pool in &self.pools {
            pool.fmt(f)?;
        }
        if !self.rules.is_empty() {
            f.write_str("\nRules:\n")?;
        }
        for rule in &self.rules {
            rule.fmt(f)?;
        }
        if !self.exemptions.is_empty() {
            f.write_str("\nExemptions:\n")?;
        }
        for exemption in &self.exemptions {
            exemption.fmt(f)?;
        }
        f.write_str("\nSettings:\n")?;
        fields(&self.settings, f)
    }
}

fn fields(fields: &[Field], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for Field { field, value, absent, source, note } in fields {
        match absent {
            Some(absent) => writeln!(f, "  {field}: absent: {absent}  # {source}")?,
            None => {
                let note = note.as_ref().map(|note| format!("; {note}")).unwrap_or_default();
                writeln!(f, "  {field}: {}  # {source}{note}", flow(value))?;
            }
        }
    }
    Ok(())
}

impl fmt::Display for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, is_default, labels, taints, runtime_classes, source } = self;
        let default = if *is_default { " (default)" } else { "" };
        writeln!(f, "  {}{default}:  # {source}", plain(name))?;
        writeln!(f, "    labels: {}", flow(labels))?;
        writeln!(f, "    taints: {}", list(taints))?;
        if !runtime_classes.is_empty() {
            writeln!(f, "    runtimeClasses: [{}]", runtime_classes.join(", "))?;
        }
        Ok(())
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rule, mode, written, source, is_limited } = self;
        let limit = if *is_limited {
            format!("; written `{written}`, limited by `enforcement`")
        } else {
            String::new()
        };
        writeln!(f, "  {rule}: {mode}  # {source}{limit}")
    }
}

impl fmt::Display for Exemption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, spec, is_in_force, ends_soon, source } = self;
        let state = match (is_in_force, ends_soon) {
            (false, _) => "; it has ended, and exempts nothing",
            (true, true) => "; it ends soon",
            (true, false) => "",
        };
        let text = |field: &str| spec.get(field).and_then(Value::as_str).unwrap_or_default();
        writeln!(f, "  {}: until {}  # {source}{state}", plain(name), plain(text("expires")))?;
        // The fields in the order in which one asks: from what, of what, why.
        for field in ["rules", "controls", "namespace", "target", "images", "hostPaths", "reason"] {
            if let Some(value) = spec.get(field) {
                writeln!(f, "    {field}: {}", flow(value))?;
            }
        }
        Ok(())
    }
}

/// Writes a value as YAML in one line.
fn flow(value: &Value) -> String {
    match value {
        Value::String(text) => plain(text),
        Value::Array(items) => list(items),
        Value::Object(fields) => {
            let fields = fields.iter().map(|(key, value)| format!("{}: {}", plain(key), flow(value)));
            format!("{{{}}}", fields.collect::<Vec<_>>().join(", "))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

fn list(items: &[Value]) -> String {
    format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", "))
}

/// Returns a text as it stands if YAML reads it so, and else in quotes, so that it forges neither lines nor colours.
fn plain(text: &str) -> String {
    let is_letter = |letter: char| letter.is_ascii_alphanumeric() || "-_./".contains(letter);
    let is_plain = text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.chars().all(|letter| is_letter(letter) || letter == ':')
        && !text.ends_with(':')
        && !matches!(
            text.to_ascii_lowercase().as_str(),
            "true" | "false" | "yes" | "no" | "on" | "off" | "null"
        );
    if is_plain { text.to_owned() } else { Value::from(text).to_string().replace(char::is_control, " ") }
}
