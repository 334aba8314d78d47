//! Plausible's CSV export (`imported_*.csv`, 2.1 and later): sums of days, a table a subject, so that no
//! page is known by its sources. <https://plausible.io/docs/csv-import>

use std::borrow::Cow;

use super::{
    names,
    table::{Of, Product, Row, Rows, Sum, Told},
};
use crate::model::{dimension::Dimension, tally::Counters};

pub(super) const PRODUCT: Product = Product {
    name: "plausible",
    open: |columns| {
        let has = |name: &str| columns.iter().any(|column| column == name);
        let table = TABLES.iter().find(|(column, _)| has(column)).map(|(_, table)| *table);
        // The table of all visitors has nothing but numbers.
        let table = table.or_else(|| has("pageviews").then_some(Table::Visitors));
        table
            .filter(|_| has("date") && has("visitors"))
            .map(|table| Box::new(table) as Box<dyn Rows>)
    },
    examples: &[
        "\"date\",\"visitors\",\"pageviews\",\"bounces\",\"visits\",\"visit_duration\"\n\"2023-02-09\",119,304,77,134,21070\n",
        "\"date\",\"source\",\"referrer\",\"utm_source\",\"utm_medium\",\"utm_campaign\",\"utm_content\",\"utm_term\",\"pageviews\",\"visitors\",\"visits\",\"visit_duration\",\"bounces\"\n\
        \"2023-02-09\",\"Google\",\"google.com\",\"\",\"\",\"\",\"\",\"\",70,23,25,8249,13\n\"2023-02-09\",\"\",\"\",\"\",\"\",\"\",\"\",\"\",12,9,9,300,4\n\"2023-02-09\",\"letter\",\"\",\"letter\",\"email\",\"spring, 2023\",\"\",\"\",8,5,5,900,1\n",
        "\"date\",\"hostname\",\"page\",\"visits\",\"visitors\",\"pageviews\"\n\"2023-02-09\",\"site.example\",\"/docs\",8,8,9\n",
        "\"date\",\"entry_page\",\"visitors\",\"entrances\",\"visit_duration\",\"bounces\",\"pageviews\"\n\"2023-02-09\",\"/docs\",28,29,3573,13,64\n",
        "\"date\",\"exit_page\",\"visitors\",\"visit_duration\",\"exits\",\"bounces\",\"pageviews\"\n\"2023-02-09\",\"/docs\",14,224,14,13,23\n",
        "\"date\",\"name\",\"link_url\",\"path\",\"visitors\",\"events\"\n\"2023-02-09\",\"Signup\",\"\",\"\",3,4\n",
        "\"date\",\"country\",\"region\",\"city\",\"visitors\",\"visits\",\"visit_duration\",\"bounces\",\"pageviews\"\n\"2023-02-09\",\"FR\",\"FR-PAC\",3027647,1,1,4,0,2\n",
        "\"date\",\"device\",\"visitors\",\"visits\",\"visit_duration\",\"bounces\",\"pageviews\"\n\"2023-02-09\",\"Mobile\",12,13,140,10,17\n\"2023-02-09\",\"Laptop\",19,21,3545,11,36\n",
        "\"date\",\"browser\",\"browser_version\",\"visitors\",\"visits\",\"visit_duration\",\"bounces\",\"pageviews\"\n\"2023-02-09\",\"Microsoft Edge\",\"111.0\",1,1,987,0,3\n",
        "\"date\",\"operating_system\",\"operating_system_version\",\"visitors\",\"visits\",\"visit_duration\",\"bounces\",\"pageviews\"\n\"2023-02-09\",\"Mac\",\"10.14\",1,1,19,0,2\n",
    ],
};

/// What a source is called that nobody knows.
const DIRECT: &str = "Direct or unknown";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Table {
    Visitors,
    Sources,
    Pages,
    EntryPages,
    ExitPages,
    Events,
    Locations,
    Devices,
    Browsers,
    Systems,
}

/// The column by which a table is known.
const TABLES: [(&str, Table); 9] = [
    ("source", Table::Sources),
    ("page", Table::Pages),
    ("entry_page", Table::EntryPages),
    ("exit_page", Table::ExitPages),
    ("events", Table::Events),
    ("country", Table::Locations),
    ("device", Table::Devices),
    ("browser", Table::Browsers),
    ("operating_system", Table::Systems),
];

impl Rows for Table {
    fn read<'r>(&self, row: &Row<'r>) -> Result<Told<'r>, &'static str> {
        let date = row.date("date")?;
        let counters = Counters {
            count: row.number("pageviews")?,
            visitors: row.number("visitors")?,
            visits: row.number("visits")?,
            bounces: row.number("bounces")?,
            seconds: row.number("visit_duration")?,
        };
        let sum = |of, value, counters| Sum { date, of, value, counters };
        let split = |value| sum(Of::Pages, Some(value), counters);
        let page = |column| row.get(column).ok_or("it has no page");
        Ok(Told::Sums(match self {
            Self::Visitors => vec![sum(Of::Pages, None, counters)],
            Self::Sources => sources(row).into_iter().map(split).collect(),
            Self::Pages => {
                // Its visits are those that saw the page; ours are those that began there.
                let seen = Counters { visits: 0, ..counters };
                let host = row.get("hostname").map(|host| (Dimension::Hostname, host));
                let host = host.map(|host| sum(Of::Pages, Some(host), seen));
                host.into_iter().chain([sum(Of::Page(page("page")?), None, seen)]).collect()
            }
            Self::EntryPages => {
                let visits = row.number("entrances")?;
                let begun = Counters { visits, bounces: counters.bounces, ..Counters::default() };
                let entry = (Dimension::EntryPage, page("entry_page")?);
                vec![
                    sum(Of::Page(page("entry_page")?), None, begun),
                    sum(Of::Pages, Some(entry), Counters { count: visits, ..begun }),
                ]
            }
            Self::ExitPages => {
                let visits = row.number("exits")?;
                let ended = Counters { count: visits, visits, ..Counters::default() };
                vec![sum(Of::Pages, Some((Dimension::ExitPage, page("exit_page")?)), ended)]
            }
            Self::Events => {
                let name = row.get("name").ok_or("it has no name")?;
                let count = row.number("events")?;
                let met = Counters { count, visitors: counters.visitors, ..Counters::default() };
                vec![sum(Of::Event(name), None, met)]
            }
            Self::Locations => row
                .get("country")
                .map(|code| split((Dimension::Country, code)))
                .into_iter()
                .collect(),
            Self::Devices => {
                row.get("device").map(|name| split(names::device(name))).into_iter().collect()
            }
            Self::Browsers => {
                let values = row
                    .get("browser")
                    .map(|name| names::browser(name, row.get("browser_version").as_deref()));
                values.into_iter().flatten().map(split).collect()
            }
            Self::Systems => {
                let version = row.get("operating_system_version");
                let values =
                    row.get("operating_system").map(|name| names::system(name, version.as_deref()));
                values.into_iter().flatten().map(split).collect()
            }
        }))
    }
}

/// How visits came: the source, and what its links told.
fn sources<'r>(row: &Row<'r>) -> Vec<(Dimension, Cow<'r, str>)> {
    let source = row.get("source").unwrap_or(DIRECT.into());
    let further = [
        Dimension::Referrer,
        Dimension::UtmSource,
        Dimension::UtmMedium,
        Dimension::UtmCampaign,
        Dimension::UtmContent,
        Dimension::UtmTerm,
    ];
    let further = further.into_iter().filter_map(|dimension| {
        let value = row.get(&dimension.name())?;
        Some((dimension, value))
    });
    [(Dimension::Source, source)].into_iter().chain(further).collect()
}
