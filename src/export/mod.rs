//! Tables written out, as CSV or as JSON lines, row by row: however large they are, no more than a row is
//! held.

mod report;

use std::io::{self, Write};

use serde_json::{Value, json};

use crate::{
    csv,
    store::{
        self, Transaction,
        export::{self, Cell, Filter, Table},
    },
};

pub use self::report::as_csv;

/// How it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// RFC 4180, with a line of names. A cell that a spreadsheet takes for a formula begins with `'`.
    Csv,
    /// An object a line, as it is.
    JsonLines,
}

/// Why it could not be written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database can't be read.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// What is written goes nowhere.
    #[error("can't write: {0}")]
    Write(#[from] io::Error),
}

/// Writes the rows of `table` that `filter` wants to `out`. `progress` is told of each row.
///
/// # Errors
/// When the file can't be read, or `out` takes no more.
pub fn write(
    file: &Transaction<'_>,
    (table, filter): (Table, &Filter),
    format: Format,
    out: &mut dyn Write,
    progress: &mut dyn FnMut(),
) -> Result<(), Error> {
    let columns = export::columns(file, table)?;
    if format == Format::Csv {
        out.write_all(csv::line(columns.iter().map(String::as_str)).as_bytes())?;
    }
    export::each(file, table, filter, |cells| {
        let line = match format {
            Format::Csv => {
                let texts: Vec<String> = cells.iter().map(text).collect();
                csv::line(texts.iter().map(String::as_str))
            }
            Format::JsonLines => object(table, &columns, cells),
        };
        out.write_all(line.as_bytes())?;
        progress();
        Ok(())
    })
}

fn text(cell: &Cell<'_>) -> String {
    match cell {
        Cell::Null => String::new(),
        Cell::Integer(number) => number.to_string(),
        Cell::Real(number) => number.to_string(),
        Cell::Text(text) => (*text).to_owned(),
    }
}

/// `{"table":"aggregates","site":"example.com",…}` in the order of the columns.
fn object(table: Table, columns: &[String], cells: &[Cell<'_>]) -> String {
    let mut line = format!("{{\"table\":\"{}\"", table.as_str());
    for (column, cell) in columns.iter().zip(cells) {
        let value = match cell {
            Cell::Null => Value::Null,
            Cell::Integer(number) => json!(number),
            Cell::Real(number) => json!(number),
            Cell::Text(text) => json!(text),
        };
        line.push_str(&format!(",{}:{value}", json!(column)));
    }
    line.push_str("}\n");
    line
}
