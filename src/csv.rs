//! CSV for people who open it in a spreadsheet (RFC 4180), whose cells must never become formulas.

/// What a cell begins with that a spreadsheet takes for a formula.
const FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// A table that is being written.
#[derive(Debug)]
pub struct Table(String);

impl Table {
    /// A table with these columns.
    pub fn new(columns: &[&str]) -> Self {
        Self(line(columns.iter().copied()))
    }

    /// Adds a row.
    pub fn row<'c>(&mut self, cells: impl IntoIterator<Item = &'c str>) {
        self.0.push_str(&line(cells));
    }

    /// The whole.
    pub fn finish(self) -> String {
        self.0
    }
}

/// One row with its end.
pub fn line<'c>(cells: impl IntoIterator<Item = &'c str>) -> String {
    let cells: Vec<String> = cells.into_iter().map(cell).collect();
    cells.join(",") + "\r\n"
}

fn cell(cell: &str) -> String {
    let is_number = cell.parse::<f64>().is_ok();
    let is_formula = cell.starts_with(FORMULA) && !is_number;
    let text = if is_formula { format!("'{cell}") } else { cell.to_owned() };
    if text.contains([',', '"', '\r', '\n']) {
        return format!("\"{}\"", text.replace('"', "\"\""));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_and_never_formulas() {
        let mut table = Table::new(&["a", "b"]);
        table.row(["x,y", "say \"hi\"\nthere"]);
        table.row(["=1+1", "-7"]);
        table.row(["@SUM(A1)", "+49 170"]);
        assert_eq!(
            table.finish(),
            "a,b\r\n\"x,y\",\"say \"\"hi\"\"\nthere\"\r\n'=1+1,-7\r\n'@SUM(A1),'+49 170\r\n"
        );
    }
}
