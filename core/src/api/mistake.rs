use std::cmp::Ordering;
use std::fmt;

/// A line and a column of a file, both from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The line.
    pub line: u64,
    /// The column in that line, in characters.
    pub column: u64,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// The object's place: a file, the number of the document in it, and the place in a List.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Source {
    /// The path as given, or the name of an embedded file.
    pub path: String,
    /// The document's number in the file, from 1; 0: all of the file is meant.
    pub document: usize,
    /// The index in `items`, if the document is a List.
    pub item: Option<usize>,
    /// The line on which the object begins, from 1; 0: it is not known.
    pub line: u64,
}

impl Source {
    /// All of a file.
    pub fn file(path: impl Into<String>) -> Self {
        Self::document(path, 0)
    }

    /// A document of a file.
    pub fn document(path: impl Into<String>, document: usize) -> Self {
        Self { path: path.into(), document, item: None, line: 0 }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path)?;
        if self.line > 0 {
            return write!(f, ":{}", self.line);
        }
        if self.document > 0 {
            write!(f, "#{}", self.document)?;
        }
        match self.item {
            Some(item) => write!(f, ".items[{item}]"),
            None => Ok(()),
        }
    }
}

/// Something wrong, or worth a warning, in the objects: where, which field, its value, and what to do.
///
/// They are ordered as one reads: by file, document and path, `[2]` before `[10]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The document.
    pub source: Source,
    /// The kind and the name of the object, such as ``Tenant `a` ``; empty: they are not known.
    pub object: String,
    /// The place of the field, or of the nearest one above it; `None`: it is not known.
    pub place: Option<Place>,
    /// The path of the field in the document, such as `spec.domains[1]`; empty: all of it.
    pub path: String,
    /// The offending value as JSON, or empty where the field is missing.
    pub value: String,
    /// The problem and its remedy.
    pub message: String,
}

impl Mistake {
    /// The file, with the line and column of the field if they are known.
    pub fn location(&self) -> impl fmt::Display {
        fmt::from_fn(|f| match self.place {
            Some(place) => write!(f, "{}:{place}", self.source.path),
            None => write!(f, "{}", self.source),
        })
    }

    /// The problem, without the document it is in.
    pub fn what(&self) -> impl fmt::Display {
        fmt::from_fn(|f| {
            match (self.path.is_empty(), self.value.is_empty()) {
                (true, true) => {}
                (true, false) => write!(f, "{}: ", self.value)?,
                (false, true) => write!(f, "{}: ", self.path)?,
                (false, false) => write!(f, "{} = {}: ", self.path, self.value)?,
            }
            f.write_str(&self.message)
        })
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.location())?;
        if !self.object.is_empty() {
            write!(f, "{}: ", self.object)?;
        }
        write!(f, "{}", self.what())
    }
}

impl Ord for Mistake {
    fn cmp(&self, other: &Self) -> Ordering {
        let Self { source, object, place, path, value, message } = self;
        source
            .cmp(&other.source)
            .then_with(|| runs(path).cmp(runs(&other.path)))
            // `a1` and `a01` are not the same.
            .then_with(|| path.cmp(&other.path))
            .then_with(|| value.cmp(&other.value))
            .then_with(|| message.cmp(&other.message))
            .then_with(|| (object, place).cmp(&(&other.object, &other.place)))
    }
}

impl PartialOrd for Mistake {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// A number, or text between numbers.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Run<'p> {
    Number(u64),
    Text(&'p str),
}

/// A path taken apart into numbers and what is between them.
fn runs(path: &str) -> impl Iterator<Item = Run<'_>> {
    let is_digit = |letter: char| letter.is_ascii_digit();
    let mut rest = path;
    std::iter::from_fn(move || {
        let first = rest.chars().next()?;
        let end = rest.find(|letter| is_digit(letter) != is_digit(first)).unwrap_or(rest.len());
        let (run, others) = rest.split_at_checked(end)?;
        rest = others;
        // What is too large for a number is compared as text.
        Some(run.parse().map_or(Run::Text(run), Run::Number))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mistake(source: Source, path: &str, value: &str) -> Mistake {
        let (path, value, message) = (path.to_owned(), value.to_owned(), "wrong".to_owned());
        Mistake { source, object: String::new(), place: None, path, value, message }
    }

    #[test]
    fn paths_are_ordered_as_one_reads() {
        let paths =
            ["", "spec", "spec.a[2].b[10]", "spec.a[2].c", "spec.a[10]", "spec.b", "spec.b01", "spec.b1"];
        let mut sorted = paths.map(|path| mistake(Source::document("a.yaml", 1), path, ""));
        sorted.reverse();
        sorted.sort();
        assert_eq!(sorted.map(|mistake| mistake.path), paths);
    }

    #[test]
    fn what_is_not_known_leaves_no_colon() {
        let (file, document) = (Source::file("a.yaml"), Source::document("a.yaml", 2));
        let item = Source { item: Some(3), ..document.clone() };
        for (source, path, value, text) in [
            (&file, "", "", "a.yaml: wrong"),
            (&document, "spec", "", "a.yaml#2: spec: wrong"),
            (&document, "", "7", "a.yaml#2: 7: wrong"),
            (&item, "spec", "7", "a.yaml#2.items[3]: spec = 7: wrong"),
        ] {
            assert_eq!(mistake(source.clone(), path, value).to_string(), text);
        }
        let object = "Tenant `a`".to_owned();
        let of_line = Mistake { object, ..mistake(Source { line: 7, ..item }, "spec", "7") };
        assert_eq!(of_line.to_string(), "a.yaml:7: Tenant `a`: spec = 7: wrong");
        let of_place = Mistake { place: Some(Place { line: 9, column: 3 }), ..of_line };
        assert_eq!(of_place.to_string(), "a.yaml:9:3: Tenant `a`: spec = 7: wrong");
    }
}
