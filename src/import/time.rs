//! Times as logs write them.

use jiff::{Timestamp, civil::Date};

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// `17/May/2015:10:05:03 +0000`, in UTC milliseconds.
pub(super) fn common(text: &str) -> Option<i64> {
    let (day, rest) = text.split_once('/')?;
    let (month, rest) = rest.split_once('/')?;
    let (year, rest) = rest.split_once(':')?;
    let (clock, zone) = rest.split_once(' ').unwrap_or((rest, "+0000"));
    let month = MONTHS.iter().position(|name| name.eq_ignore_ascii_case(month))?;
    let date = Date::new(year.parse().ok()?, i8::try_from(month).ok()? + 1, day.parse().ok()?);
    Some(at(date.ok()?, seconds_of_day(clock)? - offset(zone)?))
}

/// A date `2015-05-17` and a time of that day `10:05:03`, both UTC, in UTC milliseconds.
pub(super) fn date_and_time(date: &str, clock: &str) -> Option<i64> {
    Some(at(date.parse().ok()?, seconds_of_day(clock)?))
}

/// Any of `2015-05-17T10:05:03+00:00`, `2015-05-17 10:05:03` (UTC), `17/May/2015:10:05:03 +0000`, and
/// seconds, milliseconds or finer since 1970, in UTC milliseconds.
pub(super) fn any(text: &str) -> Option<i64> {
    let text = text.trim();
    if let Ok(number) = text.parse::<f64>() {
        return since_1970(number);
    }
    if let Ok(timestamp) = text.parse::<Timestamp>() {
        return Some(timestamp.as_millisecond());
    }
    if let Ok(local) = text.parse::<jiff::civil::DateTime>() {
        let utc = jiff::tz::TimeZone::UTC.to_timestamp(local).ok()?;
        return Some(utc.as_millisecond());
    }
    common(text)
}

/// A number since 1970 in UTC milliseconds. Its unit follows from its size: no log is of before 1973.
pub(super) fn since_1970(number: f64) -> Option<i64> {
    let ms = match number {
        1e17..1e20 => number / 1e6,
        1e14..1e17 => number / 1e3,
        1e11..1e14 => number,
        0.0..1e11 => number * 1e3,
        _ => return None,
    };
    #[expect(clippy::cast_possible_truncation, reason = "the range is checked before")]
    Some(ms.round() as i64)
}

fn at(date: Date, seconds: i64) -> i64 {
    let days = i64::from(date.since(Date::constant(1970, 1, 1)).map_or(0, |span| span.get_days()));
    (days * 86_400 + seconds) * 1000
}

/// `10:05:03`, also with a fraction, in seconds.
fn seconds_of_day(clock: &str) -> Option<i64> {
    let mut parts = clock.splitn(3, ':');
    let mut part = |below: i64| {
        let digits = parts.next()?.split('.').next()?;
        digits.parse::<i64>().ok().filter(|part| (0..below).contains(part))
    };
    // A minute has 61 seconds when one is leapt.
    Some(part(24)? * 3600 + part(60)? * 60 + part(61)?)
}

/// `+0130` or `Z`, in seconds.
fn offset(zone: &str) -> Option<i64> {
    if matches!(zone, "Z" | "UTC" | "GMT") {
        return Some(0);
    }
    let digits = zone.get(1..)?.replace(':', "");
    let is_time = digits.len() == 4 && digits.bytes().all(|byte| byte.is_ascii_digit());
    let (hours, minutes) = digits.split_at_checked(2).filter(|_| is_time)?;
    let minutes = minutes.parse::<i64>().ok().filter(|minutes| *minutes < 60)?;
    let seconds = hours.parse::<i64>().ok()? * 3600 + minutes * 60;
    match zone.get(..1)? {
        "+" => Some(seconds),
        "-" => Some(-seconds),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: i64 = 1_431_857_103_000;

    #[test]
    fn one_moment_is_written_in_many_ways() {
        for text in [
            "17/May/2015:10:05:03 +0000",
            "17/May/2015:12:05:03 +0200",
            "17/May/2015:04:35:03 -0530",
            "2015-05-17T10:05:03Z",
            "2015-05-17T12:05:03+02:00",
            "2015-05-17 10:05:03",
            "2015-05-17T10:05:03",
            "1431857103",
            "1431857103.000",
            "1431857103000",
            "1431857103000000",
        ] {
            assert_eq!(any(text), Some(AT), "{text}");
        }
        assert_eq!(date_and_time("2015-05-17", "10:05:03"), Some(AT));
        assert_eq!(common("29/Feb/2016:00:00:00 +0000"), Some(1_456_704_000_000));
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in [
            "",
            "-",
            "17/Mai/2015:10:05:03 +0000",
            "31/Feb/2015:10:05:03 +0000",
            "17/May/2015:25:05:03 +0000",
            "17/May/2015:10:05 +0000",
            "17/May/2015:10:05:03 x",
            "17/May/2015:10:05:03 é100",
            "17/May/2015:10:05:03 +0060",
            "17/May/2015:10:05:03 +-100",
            "17/May/2015:10:05:03 +000000868888888888888",
            "NaN",
            "-5",
            "1e40",
        ] {
            assert_eq!(any(text), None, "{text}");
        }
    }
}
