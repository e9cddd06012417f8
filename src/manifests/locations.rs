//! Finds the line and the column of each field of a document.
//!
//! The parser of values doesn't keep them, so a document is parsed a second time, but only if somebody asks.

use std::fmt;

use serde_saphyr::granit_parser::{Event, Marker, Parser};

/// A place in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Location {
    /// The line, from 1.
    pub(crate) line: u64,
    /// The column in that line, from 1, in characters.
    pub(crate) column: u64,
}

impl Location {
    /// Returns the place of a marker in a text that begins after so many lines and columns of its file.
    fn of(marker: &Marker, lines: u64, columns: u64) -> Self {
        let (line, column) = (as_u64(marker.line()).max(1), as_u64(marker.col()) + 1);
        Self { line: lines + line, column: if line == 1 { columns + column } else { column } }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

fn as_u64(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

/// The places of all fields and items of a document.
#[derive(Debug)]
pub(crate) struct Locations {
    root: Node,
}

#[derive(Debug)]
struct Node {
    at: Location,
    children: Children,
}

#[derive(Debug)]
enum Children {
    /// A scalar has none, and those of an alias are elsewhere.
    None,
    /// Each field's name, the place of its name, and its value.
    Fields(Vec<(Box<str>, Location, Node)>),
    Items(Vec<Node>),
}

impl Locations {
    /// Parses a text that begins after so many lines and columns of its file.
    ///
    /// Returns `None` if the text doesn't parse or is empty.
    pub(super) fn parse(text: &str, lines: u64, columns: u64) -> Option<Self> {
        let mut parser = Parser::new_from_str(text);
        let mut builder = Builder::default();
        while let Some(event) = parser.next_event() {
            let (event, span) = event.ok()?;
            let at = Location::of(&span.start, lines, columns);
            #[expect(
                clippy::wildcard_enum_match_arm,
                reason = "all other events are no values, and there may be more"
            )]
            match event {
                Event::MappingStart(..) => builder.open(at, Children::Fields(Vec::new())),
                Event::SequenceStart(..) => builder.open(at, Children::Items(Vec::new())),
                Event::MappingEnd | Event::SequenceEnd => builder.close()?,
                Event::Scalar(text, ..) => builder.scalar(&text, at),
                Event::Alias(..) => builder.scalar("", at),
                Event::DocumentEnd => break,
                _ => {}
            }
        }
        builder.root.map(|root| Self { root })
    }

    /// Returns the place of a field: that of its name, or of the item of a list.
    ///
    /// `path` is a path as messages have it: `spec.containers[0].image`, `metadata.annotations[example.com/key]`. If
    /// the field is missing, its nearest parent counts.
    pub(crate) fn find(&self, path: &str) -> Location {
        let mut at = self.root.at;
        let mut node = &self.root;
        for step in steps(path) {
            let found = match (&node.children, step) {
                (Children::Fields(fields), Step::Field(name) | Step::Bracket(name)) => {
                    fields.iter().find(|(field, ..)| **field == *name).map(|(_, at, node)| (*at, node))
                }
                (Children::Items(items), Step::Bracket(index)) => {
                    index.parse().ok().and_then(|index: usize| items.get(index)).map(|node| (node.at, node))
                }
                (Children::Items(_), Step::Field(_)) | (Children::None, _) => None,
            };
            let Some((place, next)) = found else { break };
            (at, node) = (place, next);
        }
        at
    }
}

/// A step of a path: `.name`, or `[name or index]`.
enum Step<'p> {
    Field(&'p str),
    Bracket(&'p str),
}

fn steps(path: &str) -> impl Iterator<Item = Step<'_>> {
    let mut rest = path;
    std::iter::from_fn(move || {
        rest = rest.strip_prefix('.').unwrap_or(rest);
        if let Some(after) = rest.strip_prefix('[') {
            // The key of an annotation has no bracket.
            let (inside, after) = after.split_once(']').unwrap_or((after, ""));
            rest = after;
            return Some(Step::Bracket(inside));
        }
        let (name, after) = rest.split_at_checked(rest.find(['.', '[']).unwrap_or(rest.len()))?;
        rest = after;
        (!name.is_empty()).then_some(Step::Field(name))
    })
}

/// Builds the tree from the parser's events.
#[derive(Default)]
struct Builder {
    open: Vec<Open>,
    root: Option<Node>,
}

/// A mapping or a list whose end hasn't come yet.
struct Open {
    node: Node,
    /// The name of the field whose value comes next.
    name: Option<(Box<str>, Location)>,
}

impl Builder {
    fn open(&mut self, at: Location, children: Children) {
        self.open.push(Open { node: Node { at, children }, name: None });
    }

    fn close(&mut self) -> Option<()> {
        let Open { node, .. } = self.open.pop()?;
        self.take(node);
        Some(())
    }

    fn scalar(&mut self, text: &str, at: Location) {
        if let Some(Open { node: Node { children: Children::Fields(_), .. }, name: name @ None }) =
            self.open.last_mut()
        {
            *name = Some((text.into(), at));
        } else {
            self.take(Node { at, children: Children::None });
        }
    }

    /// Puts a node into the innermost mapping or list.
    fn take(&mut self, node: Node) {
        match self.open.last_mut() {
            None => self.root = Some(node),
            Some(Open { node: Node { children: Children::Items(items), .. }, .. }) => items.push(node),
            Some(Open { node: Node { children: Children::Fields(fields), .. }, name }) => match name.take() {
                Some((name, at)) => fields.push((name, at, node)),
                // A mapping or a list as a key, which no object has.
                None => *name = Some((Box::default(), node.at)),
            },
            Some(Open { node: Node { children: Children::None, .. }, .. }) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str, paths: &[&str]) -> Vec<String> {
        let locations = Locations::parse(text, 0, 0).unwrap();
        paths.iter().map(|path| locations.find(path).to_string()).collect()
    }

    #[test]
    fn a_field_is_where_its_name_is_and_an_item_where_it_begins() {
        let text =
            "# a Pod\nkind: Pod\nspec:\n  containers:\n  - name: a\n    image: b\n  - {name: ä, image: c}\n";
        let paths = ["", "kind", "spec.containers", "spec.containers[0]", "spec.containers[0].image"];
        assert_eq!(found(text, &paths), ["2:1", "2:1", "4:3", "5:5", "6:5"]);
        assert_eq!(found(text, &["spec.containers[1]", "spec.containers[1].image"]), ["7:5", "7:15"]);
    }

    #[test]
    fn a_missing_field_is_where_its_nearest_parent_is() {
        let text = "spec:\n  containers:\n  - name: a\n";
        let paths = ["spec.hostNetwork", "spec.containers[3].image", "spec.containers[0].image", "status"];
        assert_eq!(found(text, &paths), ["1:1", "2:3", "3:5", "1:1"]);
    }

    #[test]
    fn keys_may_have_dots_and_slashes() {
        let text = "metadata:\n  annotations:\n    example.com/a.b: c\n    \"x\": &here [1]\n    y: *here\n";
        let paths = [
            "metadata.annotations[example.com/a.b]",
            "metadata.annotations[y]",
            "metadata.annotations[x][0]",
        ];
        assert_eq!(found(text, &paths), ["3:5", "5:5", "4:17"]);
    }

    #[test]
    fn a_text_may_begin_anywhere_in_its_file() {
        let locations = Locations::parse("{\"a\": 1,\n \"b\": 2}", 4, 7).unwrap();
        assert_eq!(locations.find("a"), Location { line: 5, column: 9 });
        assert_eq!(locations.find("b"), Location { line: 6, column: 2 });
    }

    #[test]
    fn what_does_not_parse_has_no_locations() {
        assert!(Locations::parse("a: [", 0, 0).is_none());
        assert!(Locations::parse("", 0, 0).is_none());
    }
}
