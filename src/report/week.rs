//! The week hour by hour: how much comes on Mondays at nine, on average.

use super::{answer::Figures, question::Question, reading};
use crate::{
    model::{
        period::{DateRange, Granularity, date_at, timestamp},
        tally::{Counters, TextId},
    },
    store::{Error, Transaction, chronicle, figures},
};

/// How many days are looked at: as many Mondays as Sundays.
const DAYS: i32 = 28;

/// How many hours a week has on the clock.
pub const HOURS: usize = 7 * 24;

/// A week, hour by hour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Week {
    /// The dates that were looked at.
    pub range: DateRange,
    /// Each hour of the clock, from the first one of the day on which the site's weeks begin.
    pub hours: Vec<WeekHour>,
}

/// An hour of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WeekHour {
    /// What was counted, summed.
    pub figures: Figures,
    /// How often the clock has shown it while the server was up. One that was skipped in the spring is
    /// one less, one that came twice in autumn one more.
    pub times: i64,
}

/// The four weeks that end where `range` does, as far as they are kept by the hour and over; `None`
/// where nothing is.
///
/// # Errors
/// When the file can't be read.
pub fn answer(
    question: &Question,
    range: DateRange,
    file: &Transaction<'_>,
) -> Result<Option<Week>, Error> {
    let zone = &question.site.zone;
    let mut range = DateRange::ending(range.last.min(question.today()), DAYS);
    let is_kept = question.event.granularities.contains(&Granularity::Hour);
    let (true, Some(subject)) = (is_kept, reading::subject(question, file)?) else {
        return Ok(None);
    };
    let (from, to) = range.instants(zone);
    let first = figures::first_bucket(file, subject, Granularity::Hour, from, to)?;
    let Some(first) = first else { return Ok(None) };
    range.first = date_at(first, zone).max(range.first);
    let (from, to) = range.instants(zone);
    let gaps = chronicle::gaps(file, from, to, question.now)?;
    let down = |start: i64, end: i64| -> i64 {
        gaps.iter().map(|(last, next)| (*next.min(&end) - *last.max(&start)).max(0)).sum()
    };
    let buckets = figures::buckets(file, Granularity::Hour, from, to)?;
    let sums = figures::courses(file, subject, &[TextId::TOTAL], &buckets)?;
    let mut sums = sums.into_iter().map(|(_, start, counters)| (start, counters)).peekable();
    let mut hours = vec![(Counters::default(), 0); HOURS];
    for period in range.periods(Granularity::Hour, zone) {
        let mut counters = Counters::default();
        // A zone that was changed leaves buckets that begin within this one.
        while let Some((_, more)) = sums.next_if(|(start, _)| *start < period.end) {
            counters += more;
        }
        let length = period.end - period.start;
        if period.end > question.now || down(period.start, period.end) * 2 >= length {
            continue;
        }
        let local = zone.to_datetime(timestamp(period.start));
        let day = local.weekday().since(question.site.week_starts);
        let index = i64::from(day) * 24 + i64::from(local.hour());
        if let Some(hour) = usize::try_from(index).ok().and_then(|index| hours.get_mut(index)) {
            hour.0 += counters;
            hour.1 += 1;
        }
    }
    let hours =
        hours.into_iter().map(|(sum, times)| WeekHour { figures: reading::figures_of(sum), times });
    let week = Week { range, hours: hours.collect() };
    Ok(week.hours.iter().any(|hour| hour.figures.count > 0).then_some(week))
}
