//! Made-up traffic: skewed as traffic is, and counted straight into a file.

use std::{path::Path, process::Stdio, sync::Arc};

use trim_beacons::{
    clock, config,
    model::{
        beacon::{Beacon, DimensionValue, Once},
        dimension::Dimension,
        visitor::{Network, Visitor},
    },
    writer::bulk::Bulk,
};

use super::server;

const DAY_MS: i64 = 86_400_000;
/// How long single page views are kept.
const RAW_DAYS: i64 = 30;
/// Page views of a visit.
const VIEWS: u64 = 3;
/// How many visits go on at a time.
const AT_A_TIME: u64 = 16;

/// Values of which the first are frequent and the last are rare, each about as often as its rank says.
pub(crate) struct Skewed(Vec<f64>);

impl Skewed {
    pub(crate) fn new(count: usize) -> Self {
        let mut sum = 0.0;
        let sums = (1..=u32::try_from(count).unwrap()).map(|rank| {
            sum += 1.0 / f64::from(rank);
            sum
        });
        Self(sums.collect())
    }

    pub(crate) fn pick(&self, random: &mut fastrand::Rng) -> usize {
        let wanted = random.f64() * self.0.last().unwrap();
        self.0.partition_point(|sum| *sum < wanted)
    }
}

/// How much traffic there was.
pub(crate) struct Traffic {
    pub(crate) views: u64,
    pub(crate) days: i64,
    pub(crate) pages: usize,
    pub(crate) sources: usize,
}

impl Traffic {
    /// Counts it into the file of `folder`, up to now, and removes what is older than it is kept, as a
    /// server does by and by.
    pub(crate) fn fill(&self, folder: &Path) {
        let database = server::database(folder);
        let registry = Arc::new(config::embedded().unwrap());
        let site = registry.sites[0].name.clone();
        let mut bulk = Bulk::open(&database, registry).unwrap();
        let mut people = People::new(self);
        let now_ms = clock::now_ms();
        let first_ms = now_ms - self.days * DAY_MS;
        let views = i64::try_from(self.views).unwrap();
        for view in 0..views {
            let received_at = first_ms + (now_ms - first_ms) / views * view;
            let (who, page, dimensions) = people.next(u64::try_from(view).unwrap());
            let beacon = Beacon {
                received_at,
                site: site.clone().into(),
                event_type: "page_view".into(),
                identifier: Some(page.into()),
                visitor: Some(Visitor(who)),
                network: Some(Network(people.random.u32(..50_000))),
                once: Once::No,
                dimensions,
                measures: Vec::new(),
                raw: (now_ms - received_at <= RAW_DAYS * DAY_MS).then(|| "{}".into()),
            };
            bulk.count(beacon).unwrap();
        }
        bulk.finish().unwrap();
        let mut prune = std::process::Command::new(server::program());
        prune.args(["prune", "--database"]).arg(database).stdout(Stdio::null());
        assert!(prune.current_dir(folder).status().unwrap().success());
    }
}

/// Those whose visits go on.
struct People {
    random: fastrand::Rng,
    pages: Skewed,
    sources: Skewed,
    kinds: Vec<(Dimension, Skewed)>,
    visits: Vec<(u64, Vec<DimensionValue<'static>>)>,
}

impl People {
    fn new(traffic: &Traffic) -> Self {
        let kinds = [
            (Dimension::Channel, 8),
            (Dimension::Country, COUNTRIES.split(' ').count()),
            (Dimension::Language, 20),
            (Dimension::Device, 3),
            (Dimension::Screen, 6),
            (Dimension::Browser, 12),
            (Dimension::BrowserVersion, 60),
            (Dimension::Os, 8),
            (Dimension::OsVersion, 30),
        ];
        Self {
            random: fastrand::Rng::with_seed(5),
            pages: Skewed::new(traffic.pages),
            sources: Skewed::new(traffic.sources),
            kinds: kinds.map(|(dimension, count)| (dimension, Skewed::new(count))).into(),
            visits: Vec::new(),
        }
    }

    /// Who looks at which page next, with what is known of the visit.
    fn next(&mut self, view: u64) -> (u64, String, Vec<DimensionValue<'static>>) {
        let slot = usize::try_from(view % AT_A_TIME).unwrap();
        if (view / AT_A_TIME).is_multiple_of(VIEWS) {
            let visit = (self.random.u64(..), self.values());
            self.visits.truncate(self.visits.len().max(slot));
            match self.visits.get_mut(slot) {
                Some(place) => *place = visit,
                None => self.visits.push(visit),
            }
        }
        let (who, values) = &self.visits[slot];
        (*who, format!("/notes/page-{}", self.pages.pick(&mut self.random)), values.clone())
    }

    fn values(&mut self) -> Vec<DimensionValue<'static>> {
        let source = format!("source-{}.example", self.sources.pick(&mut self.random));
        let source = DimensionValue { dimension: Dimension::Source, value: source.into() };
        let others = self.kinds.iter().map(|(dimension, skewed)| {
            let index = skewed.pick(&mut self.random);
            let value = match dimension {
                Dimension::Country => COUNTRIES.split(' ').nth(index).unwrap().to_owned(),
                other => format!("{} {index}", other.name()),
            };
            DimensionValue { dimension: dimension.clone(), value: value.into() }
        });
        std::iter::once(source).chain(others).collect()
    }
}

const COUNTRIES: &str = "DE US FR GB NL IN CH AT ES IT PL SE DK NO FI BE CA BR JP AU MX PT CZ HU \
    RO GR TR UA IE NZ ZA AR CL CO PE CN KR TW HK SG MY TH VN ID PH IL AE SA EG MA NG KE BG HR SK \
    SI LT LV EE LU RS BA ME MK AL IS MT CY BY MD GE AM AZ KZ UZ KG TJ TM MN NP BD LK PK AF IR IQ \
    JO LB SY KW QA BH OM YE DZ TN LY SD ET UG TZ RW ZM ZW BW NA MZ AO CM CI GH SN ML BF";
