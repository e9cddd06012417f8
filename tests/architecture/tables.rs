//! The tables of layers in the documentation of a crate.

use std::collections::{BTreeMap, BTreeSet};

/// The beginning of the header of a table of layers.
const HEADER: &str = "//! | layer |";

/// The layers, each with the layers that it imports. A row has the layer in its first column and the imports in its
/// last, where `all above` stands for the layers of all rows above it, and `all above but` leaves some of them out.
pub(crate) fn layers(source: &str) -> BTreeMap<String, BTreeSet<String>> {
    let rows = source.lines().skip_while(|line| !line.starts_with(HEADER)).skip(2);
    let mut layers: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for row in rows.map_while(|line| line.strip_prefix("//! |")) {
        let cells: Vec<&str> = row.trim_end_matches('|').split('|').collect();
        let [layer] = names(cells.first().unwrap()).try_into().unwrap_or_else(|names| {
            panic!("a row is about one layer, not {names:?}: {row}");
        });
        let imports = match cells.last().unwrap().trim() {
            "all above" => layers.keys().cloned().collect(),
            listed => match listed.strip_prefix("all above but ") {
                Some(others) => {
                    let others = names(others);
                    layers.keys().filter(|layer| !others.contains(layer)).cloned().collect()
                }
                None => names(listed).into_iter().collect(),
            },
        };
        layers.insert(layer, imports);
    }
    layers
}

/// Returns the texts in backticks.
fn names(cell: &str) -> Vec<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn a_table_is_read_by_its_backticks() {
    let source = "//! Text.
//!
//! | layer | what | imports |
//! |---|---|---|
//! | [`a`] | what `x` is | nothing |
//! | `b` | | `a`, `c` |
//! | `d` | | all above |
//! | `e` | | all above but `b` |
//!
//! | other | table |
";
    let expected = [("a", &[][..]), ("b", &["a", "c"][..]), ("d", &["a", "b"][..]), ("e", &["a", "d"][..])];
    let expected = expected
        .map(|(layer, imports)| (layer.to_owned(), imports.iter().map(|&name| name.to_owned()).collect()));
    assert_eq!(layers(source), expected.into());
}
