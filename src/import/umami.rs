//! `website_event.csv` of Umami's export (2.18 and later): a row a hit. Visitors are told apart by its
//! sessions.

use super::{
    contract::stand_in,
    names,
    table::{Hit, Product, Row, Rows, Told},
    time,
};

pub(super) const PRODUCT: Product = Product {
    name: "umami",
    open: |columns| {
        let has = |name: &str| columns.iter().any(|column| column == name);
        let is_known =
            has("url_path") && has("session_id") && has("event_type") && has("created_at");
        is_known.then(|| Box::new(Hits) as Box<dyn Rows>)
    },
    examples: &[
        "website_id,session_id,visit_id,event_id,hostname,browser,os,device,screen,language,country,region,city,url_path,url_query,utm_source,utm_medium,utm_campaign,utm_content,utm_term,referrer_path,referrer_query,referrer_domain,page_title,gclid,fbclid,msclkid,ttclid,li_fat_id,twclid,event_type,event_name,tag,distinct_id,created_at,job_id\n\
        w,s-1,v-1,e-1,site.example,chrome,Windows 10,laptop,1920x1080,de-DE,DE,DE-BE,Berlin,/a,utm_source=letter,letter,,,,,,,,A page,,,,,,,1,,,,2026-09-21 10:00:00,\n\
        w,s-1,v-1,e-2,site.example,chrome,Windows 10,laptop,1920x1080,de-DE,DE,DE-BE,Berlin,/b,,,,,,,/a,,site.example,Another,,,,,,,1,,,,2026-09-21 10:02:00,\n\
        w,s-1,v-1,e-3,site.example,chrome,Windows 10,laptop,1920x1080,de-DE,DE,DE-BE,Berlin,/b,,,,,,,,,,Another,,,,,,,2,copy-code,,,2026-09-21 10:02:05,\n\
        w,s-2,v-2,e-4,site.example,ios,iOS,mobile,390x844,en,US,,,/a,,,,,,,/links,,other.example,A page,,,,,,,1,,,,2026-09-21 11:00:00,\n",
    ],
};

/// What the numbers of event types mean: what is seen, and what happens. Others are links, pixels and
/// measurements.
const VIEW: &str = "1";
const EVENT: &str = "2";

struct Hits;

impl Rows for Hits {
    fn read<'r>(&self, row: &Row<'r>) -> Result<Told<'r>, &'static str> {
        let kind = row.get("event_type").unwrap_or(VIEW.into());
        if kind != VIEW && kind != EVENT {
            return Ok(Told::Sums(Vec::new()));
        }
        let at = row.get("created_at").and_then(|at| time::any(&at));
        let path = row.get("url_path").unwrap_or("/".into());
        let with_query = |path: std::borrow::Cow<'r, str>, query: &str| match row.get(query) {
            Some(query) => format!("{path}?{}", query.trim_start_matches('?')).into(),
            None => path,
        };
        let referrer = row.get("referrer_domain").map(|host| {
            let path = row.get("referrer_path").unwrap_or("/".into());
            format!("https://{host}{}", with_query(path, "referrer_query")).into()
        });
        let mut values = Vec::new();
        values.extend(
            row.get("browser").map(|name| names::browser(name, None)).into_iter().flatten(),
        );
        values.extend(row.get("os").map(|name| names::system(name, None)).into_iter().flatten());
        values.extend(row.get("device").map(names::device));
        Ok(Told::Hit(Box::new(Hit {
            at_ms: at.ok_or("its created_at is not one like 2026-09-21 10:00:00")?,
            visitor: row.get("session_id").map(|session| stand_in(&session)),
            host: row.get("hostname"),
            target: with_query(path, "url_query"),
            event: (kind == EVENT).then(|| row.get("event_name").unwrap_or("event".into())),
            title: row.get("page_title"),
            referrer,
            language: row.get("language"),
            country: row.get("country"),
            width: row
                .get("screen")
                .map(|size| size.split('x').next().unwrap_or_default().to_owned().into()),
            values,
            ..Hit::default()
        })))
    }
}
