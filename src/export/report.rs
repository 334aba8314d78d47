//! A report as CSV: its list, a row each.

use serde_json::{Map, Value};

use crate::csv;

/// What reports call their lists.
const LISTS: [&str; 9] =
    ["points", "rows", "measures", "reasons", "groups", "pages", "goals", "tables", "open"];

/// The list of an answer, with a line of names; what is a list itself stands as JSON in its cell.
pub fn as_csv(answer: &Value) -> String {
    // The overview has a course for the period and one for that before.
    let answer = answer.get("series").unwrap_or(answer);
    let list = LISTS.iter().find_map(|name| answer.get(name)?.as_array());
    let rows: Vec<Vec<(String, String)>> = list
        .into_iter()
        .flatten()
        .map(|row| {
            let mut cells = Vec::new();
            if let Value::Object(row) = row {
                flatten("", row, &mut cells);
            }
            cells
        })
        .collect();
    // One that has something further, a title say, names its column for all.
    let mut columns: Vec<&str> = Vec::new();
    for (name, _) in rows.iter().flatten() {
        if !columns.contains(&name.as_str()) {
            columns.push(name);
        }
    }
    let mut table = csv::Table::new(&columns);
    for row in &rows {
        let cell = |column: &&str| {
            let found = row.iter().find(|(name, _)| name == column);
            found.map_or("", |(_, cell)| cell.as_str())
        };
        table.row(columns.iter().map(cell));
    }
    table.finish()
}

fn flatten(before: &str, row: &Map<String, Value>, cells: &mut Vec<(String, String)>) {
    for (name, value) in row {
        let name = format!("{before}{name}");
        match value {
            // Figures are what a row is about.
            Value::Object(inner) if name == "figures" => flatten("", inner, cells),
            Value::Object(inner) if !inner.is_empty() => flatten(&format!("{name}."), inner, cells),
            Value::String(text) => cells.push((name, text.clone())),
            Value::Null => cells.push((name, String::new())),
            value => cells.push((name, value.to_string())),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn figures_are_columns_and_formulas_are_text() {
        let answer = json!({ "site": "a.example", "rows": [
            { "name": "=1+1", "figures": { "count": 3, "visitors": 2 } },
            { "name": "b", "figures": { "count": 1, "visitors": 1 }, "label": "B, b" },
        ] });
        let found = as_csv(&answer);
        assert_eq!(found, "count,visitors,name,label\r\n3,2,'=1+1,\r\n1,1,b,\"B, b\"\r\n");
        assert_eq!(as_csv(&json!({ "rows": [] })), "\r\n");
    }
}
