//! A table of text: what has a title to the right, what has none to the left.

use std::fmt;

pub(crate) struct Table {
    title: String,
    header: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new<const COLUMNS: usize>(title: impl Into<String>, header: [&str; COLUMNS]) -> Self {
        Self { title: title.into(), header: header.map(str::to_owned).into(), rows: Vec::new() }
    }

    pub(crate) fn row<const COLUMNS: usize>(&mut self, row: [String; COLUMNS]) {
        self.rows.push(row.into());
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    fn line(&self, row: &[String]) -> String {
        let mut line = String::new();
        for (column, cell) in row.iter().enumerate() {
            let cells = self.rows.iter().chain([&self.header]).filter_map(|row| row.get(column));
            let width = cells.map(|cell| cell.chars().count()).max().unwrap_or_default();
            let is_left = self.header.get(column).is_none_or(String::is_empty);
            line += &if is_left { format!("  {cell:<width$}") } else { format!("  {cell:>width$}") };
        }
        line.trim_end().to_owned()
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\n{}\n", self.title)?;
        let header = self.line(&self.header);
        if !header.is_empty() {
            writeln!(f, "{header}\n  {}", "-".repeat(header.chars().count() - 2))?;
        }
        for row in &self.rows {
            writeln!(f, "{}", self.line(row))?;
        }
        Ok(())
    }
}
