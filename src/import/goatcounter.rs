//! GoatCounter's CSV export: a row a hit. Version 1 has no systems and no user agents, version 2 (since
//! 2.0) has. Visitors are told apart by its sessions.

use super::{
    contract::stand_in,
    names,
    table::{Hit, Product, Row, Rows, Told},
    time,
};

pub(super) const PRODUCT: Product = Product {
    name: "goatcounter",
    open: |columns| {
        let path = columns.first()?.strip_suffix("path")?;
        let is_known = matches!(path, "1" | "2") && columns.iter().any(|name| name == "firstvisit");
        is_known.then(|| Box::new(Hits { path: format!("{path}path") }) as Box<dyn Rows>)
    },
    examples: &[
        "2Path,Title,Event,UserAgent,Browser,System,Session,Bot,Referrer,Referrer scheme,Screen size,Location,FirstVisit,Date\n\
        /a,A page,false,,Chrome 131,Mac OS 10.15,s-1,0,other.example/links,h,\"1440,900,2\",NL-NH,true,2026-07-09T01:00:00Z\n\
        /b,Another,false,,Chrome 131,Mac OS 10.15,s-1,0,,,\"1440,900,2\",NL-NH,false,2026-07-09T01:05:00Z\n\
        /a,A page,false,,Firefox 132,Linux,s-2,0,Google,g,,,true,2026-07-09T02:00:00Z\n\
        cv.pdf,,true,,Firefox 132,Linux,s-2,0,,,,,true,2026-07-09T02:01:00Z\n\
        /a,A page,false,,,,s-3,1,,,,DE,true,2026-07-09T03:00:00Z\n",
        "1Path,Title,Event,Bot,Session,FirstVisit,Referrer,Referrer scheme,Browser,Screen size,Location,Date\n\
        /a,A page,false,0,s-1,true,other.example,h,Chrome 131,,NL,2026-07-09T01:00:00Z\n",
    ],
};

struct Hits {
    path: String,
}

impl Rows for Hits {
    fn read<'r>(&self, row: &Row<'r>) -> Result<Told<'r>, &'static str> {
        let at = row.get("date").and_then(|date| time::any(&date));
        let path = row.get(&self.path).ok_or("it has no path")?;
        let is_event = row.get("event").is_some_and(|cell| cell == "true");
        let referrer =
            row.get("referrer").map(|referrer| match row.get("referrer scheme").as_deref() {
                Some("h") if !referrer.contains("://") => format!("https://{referrer}").into(),
                _ => referrer,
            });
        let mut values = Vec::new();
        values.extend(
            row.get("browser").map(|name| names::browser(name, None)).into_iter().flatten(),
        );
        values
            .extend(row.get("system").map(|name| names::system(name, None)).into_iter().flatten());
        let country = row.get("location");
        Ok(Told::Hit(Box::new(Hit {
            at_ms: at.ok_or("its date is not one like 2026-07-09T01:00:00Z")?,
            visitor: row.get("session").map(|session| stand_in(&session)),
            target: if is_event { "/".into() } else { path.clone() },
            event: is_event.then_some(path),
            title: row.get("title"),
            referrer,
            user_agent: row.get("useragent"),
            country: country
                .and_then(|place| place.split('-').next().map(|code| code.to_owned().into())),
            width: row
                .get("screen size")
                .map(|size| size.split([',', 'x']).next().unwrap_or_default().to_owned().into()),
            is_bot: row.number("bot")? > 0,
            values,
            ..Hit::default()
        })))
    }
}
