//! Matomo's CSV reports with a `date` column, as its Reporting API exports them for `period=day` over
//! several days: `VisitsSummary.get` (all visits) and `Actions.getPageUrls` with `flat=1` (pages).

use super::table::{Of, Product, Row, Rows, Sum, Told};
use crate::model::tally::Counters;

pub(super) const PRODUCT: Product = Product {
    name: "matomo",
    open: |columns| {
        let has = |name: &str| columns.iter().any(|column| column == name);
        let report = match (has("date"), has("label"), has("nb_visits")) {
            (true, true, true) if has("nb_hits") => Report::Pages,
            (true, false, true) => Report::Visits,
            _ => return None,
        };
        Some(Box::new(report) as Box<dyn Rows>)
    },
    examples: &[
        "date,nb_uniq_visitors,nb_users,nb_visits,nb_actions,nb_visits_converted,bounce_count,sum_visit_length,max_actions,bounce_rate,nb_actions_per_visit,avg_time_on_site\n\
        2026-03-01,40,0,50,120,0,22,6000,9,44%,2.4,120\n",
        "date,label,nb_visits,nb_uniq_visitors,nb_hits,sum_time_spent,entry_nb_visits,entry_bounce_count,exit_nb_visits\n\
        2026-03-01,/docs,20,18,31,900,12,5,9\n",
    ],
};

#[derive(Debug, Clone, Copy)]
enum Report {
    Visits,
    Pages,
}

impl Rows for Report {
    fn read<'r>(&self, row: &Row<'r>) -> Result<Told<'r>, &'static str> {
        let date = row.date("date")?;
        let visitors = row.number("nb_uniq_visitors")?;
        let (of, counters) = match self {
            Self::Visits => (
                Of::Pages,
                Counters {
                    count: row.number("nb_actions")?,
                    visitors,
                    visits: row.number("nb_visits")?,
                    bounces: row.number("bounce_count")?,
                    seconds: row.number("sum_visit_length")?,
                },
            ),
            Self::Pages => {
                let label = row.get("label").ok_or("it has no label")?;
                let path = if label.starts_with('/') { label } else { format!("/{label}").into() };
                let path = if path == "/index" { "/".into() } else { path };
                let counters = Counters {
                    count: row.number("nb_hits")?,
                    visitors,
                    visits: row.number("entry_nb_visits")?,
                    bounces: row.number("entry_bounce_count")?,
                    seconds: row.number("sum_time_spent")?,
                };
                (Of::Page(path), counters)
            }
        };
        Ok(Told::Sums(vec![Sum { date, of, value: None, counters }]))
    }
}
