//! The periods that sites are in: cut once, looked up for every beacon after.

use std::collections::HashMap;

use jiff::tz::TimeZone;

use crate::model::{
    period::{Granularity, Period},
    tally::TextId,
};

/// The last period of each granularity that was asked for, for each site.
#[derive(Debug, Default)]
pub(super) struct Calendar {
    periods: HashMap<(TextId, Granularity), (Period, TimeZone), foldhash::fast::RandomState>,
}

impl Calendar {
    /// The period of `granularity` that holds `at` (UTC seconds) at `site`, whose zone is `zone`.
    pub(super) fn period(
        &mut self,
        site: TextId,
        zone: &TimeZone,
        granularity: Granularity,
        at: i64,
    ) -> Period {
        let known = self.periods.get(&(site, granularity));
        if let Some((period, cut_in)) = known
            && period.contains(at)
            && cut_in == zone
        {
            return *period;
        }
        let period = Period::containing(granularity, at, zone);
        self.periods.insert((site, granularity), (period, zone.clone()));
        period
    }

    /// The local day that holds `at` (UTC seconds) at `site`, whose zone is `zone`.
    pub(super) fn day(&mut self, site: TextId, zone: &TimeZone, at: i64) -> Period {
        self.period(site, zone, Granularity::Day, at)
    }
}
