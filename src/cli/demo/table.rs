//! Reads the small tables of `schemas/demo`: a header, commas, no quotes.

use std::str::FromStr;

/// A cell that does not hold what it should.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("schemas/demo/{file}.csv:{line}: {column} does not hold what it should")]
pub struct DemoFault {
    /// The file's name without `.csv`.
    pub file: &'static str,
    /// The line, from 1.
    pub line: usize,
    /// The column at fault.
    pub column: String,
}

/// One row with its header.
#[derive(Debug, Clone)]
pub(super) struct Row<'a> {
    file: &'static str,
    line: usize,
    header: Vec<&'a str>,
    cells: Vec<&'a str>,
}

/// The rows of a table.
pub(super) fn rows<'a>(file: &'static str, text: &'a str) -> Vec<Row<'a>> {
    let mut lines = text.lines();
    let header: Vec<&str> = lines.next().unwrap_or_default().split(',').collect();
    let row = |(place, line): (usize, &'a str)| Row {
        file,
        line: place + 2,
        header: header.clone(),
        cells: line.split(',').collect(),
    };
    lines.enumerate().filter(|(_, line)| !line.is_empty()).map(row).collect()
}

impl<'a> Row<'a> {
    /// The text of a column, which may be empty.
    pub(super) fn text(&self, column: &str) -> Result<&'a str, DemoFault> {
        let place = self.header.iter().position(|name| *name == column);
        let fits = self.header.len() == self.cells.len();
        place.filter(|_| fits).and_then(|place| self.cells.get(place).copied()).ok_or_else(|| self.fault(column))
    }

    /// The text of a column, none where empty.
    pub(super) fn optional(&self, column: &str) -> Result<Option<String>, DemoFault> {
        Ok(Some(self.text(column)?).filter(|text| !text.is_empty()).map(str::to_owned))
    }

    /// A column parsed, none where empty.
    pub(super) fn parsed<T: FromStr>(&self, column: &str) -> Result<Option<T>, DemoFault> {
        let text = self.text(column)?;
        if text.is_empty() { Ok(None) } else { text.parse().map(Some).map_err(|_wrong| self.fault(column)) }
    }

    /// A column that must be filled, parsed.
    pub(super) fn required<T: FromStr>(&self, column: &str) -> Result<T, DemoFault> {
        self.parsed(column)?.ok_or_else(|| self.fault(column))
    }

    /// A column looked up by `find`, which must find.
    pub(super) fn found<T>(&self, column: &str, find: impl FnOnce(&str) -> Option<T>) -> Result<T, DemoFault> {
        find(self.text(column)?).ok_or_else(|| self.fault(column))
    }

    /// The words of a column, separated by `|`.
    pub(super) fn words(&self, column: &str) -> Result<Vec<&'a str>, DemoFault> {
        Ok(self.text(column)?.split('|').filter(|word| !word.is_empty()).collect())
    }

    fn fault(&self, column: &str) -> DemoFault {
        DemoFault { file: self.file, line: self.line, column: column.to_owned() }
    }
}
