//! Writes mistakes for people, equal ones in one line.

use std::collections::HashMap;
use std::fmt::{self, Write as _};

use partywall_core::api::Mistake;

/// How many places of equal mistakes are named, beside the first.
const NAMED: usize = 3;

/// Returns a line for each mistake; equal mistakes in several objects share the line of the first of them.
pub(crate) fn grouped(mistakes: &[Mistake]) -> Vec<String> {
    let mut groups: Vec<Vec<&Mistake>> = Vec::new();
    let mut by_text: HashMap<(&str, String, &str, &str), usize> = HashMap::new();
    for mistake in mistakes {
        let Mistake { source, object, path, value, message, .. } = mistake;
        let kind = object.split_once(' ').map_or("", |(kind, _)| kind);
        // Without an object it is a file or a document that has the mistake, and each of them counts.
        let text = if kind.is_empty() { source.to_string() } else { without_indices(path) };
        let next = groups.len();
        match by_text.entry((kind, text, value, message)) {
            std::collections::hash_map::Entry::Vacant(entry) => {
                entry.insert(next);
                groups.push(vec![mistake]);
            }
            std::collections::hash_map::Entry::Occupied(entry) => {
                groups.get_mut(*entry.get()).into_iter().for_each(|group| group.push(mistake));
            }
        }
    }
    groups.iter().map(|group| line(group)).collect()
}

/// Returns a path without the indices of lists.
fn without_indices(path: &str) -> String {
    path.split_inclusive(']')
        .map(|part| match part.rsplit_once('[') {
            Some((before, index))
                if index.trim_end_matches(']').bytes().all(|byte| byte.is_ascii_digit()) =>
            {
                before
            }
            _ => part,
        })
        .collect()
}

fn line(group: &[&Mistake]) -> String {
    let [first, others @ ..] = group else { return String::new() };
    let mut line = first.to_string();
    if !others.is_empty() {
        let places = fmt::from_fn(|f| {
            for (index, other) in others.iter().take(NAMED).enumerate() {
                write!(f, "{}{}", if index == 0 { "" } else { ", " }, other.location())?;
            }
            if others.len() > NAMED { f.write_str(", ...") } else { Ok(()) }
        });
        // A line in memory takes whatever is written.
        _ = write!(line, " ({} more like this: {places})", others.len());
    }
    line
}
