//! CSV for people who open it in a spreadsheet (RFC 4180), whose cells must never become formulas.

/// What a cell begins with that a spreadsheet takes for a formula.
const FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// A table that is being written.
#[derive(Debug)]
pub(super) struct Table(String);

impl Table {
    /// A table with these columns.
    pub(super) fn new(columns: &[&str]) -> Self {
        let mut table = Self(String::new());
        table.row(columns.iter().copied());
        table
    }

    /// Adds a row.
    pub(super) fn row<'c>(&mut self, cells: impl IntoIterator<Item = &'c str>) {
        for (at, cell) in cells.into_iter().enumerate() {
            if at > 0 {
                self.0.push(',');
            }
            self.cell(cell);
        }
        self.0.push_str("\r\n");
    }

    fn cell(&mut self, cell: &str) {
        let is_number = cell.parse::<f64>().is_ok();
        let is_formula = cell.starts_with(FORMULA) && !is_number;
        let text = if is_formula { format!("'{cell}") } else { cell.to_owned() };
        if text.contains([',', '"', '\r', '\n']) {
            self.0.push('"');
            self.0.push_str(&text.replace('"', "\"\""));
            self.0.push('"');
        } else {
            self.0.push_str(&text);
        }
    }

    /// The whole.
    pub(super) fn finish(self) -> String {
        self.0
    }
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
