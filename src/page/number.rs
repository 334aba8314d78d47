//! Numbers as people read them: thousands, shares, changes in words, durations, bytes.
//!
//! A space that must not break a line is a no-break space.

/// The space inside `18 %` and `1 m 52 s`.
const SPACE: char = '\u{a0}';

/// Below this base a change is told as "up from 1 to 5": a percentage of so little says nothing.
const BASE_MIN: i64 = 20;

/// What a figure that grows says about the site.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// More is better: visitors.
    More,
    /// Less is better: bounces, errors.
    Less,
}

/// How a change is meant, which a page shows by colour beside the words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// As wished.
    Better,
    /// Not as wished.
    Worse,
    /// Neither, or too little to tell.
    Even,
}

impl Tone {
    /// The name of its class in the style sheet.
    pub const fn class(self) -> &'static str {
        match self {
            Self::Better => "better",
            Self::Worse => "worse",
            Self::Even => "even",
        }
    }
}

/// A change against an earlier figure, ready to be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// `▲`, `▼`, or empty where nothing changed.
    pub arrow: &'static str,
    /// `+18 %`, or empty where a percentage would mislead.
    pub percent: String,
    /// `914 more`, `up from 1 to 5`, `no change`.
    pub words: String,
    /// How it is meant.
    pub tone: Tone,
}

/// `1846` as `1,846`.
pub fn thousands(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3 + 1);
    if number < 0 {
        text.push('−');
    }
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `12300` as `12.3k`, `1200000` as `1.2M`: for axes. Exact where one decimal is.
pub fn compact(number: i64) -> String {
    let (unit, sign) = match number.unsigned_abs() {
        0..1_000 => return thousands(number),
        1_000..1_000_000 => (1_000, "k"),
        1_000_000..1_000_000_000 => (1_000_000, "M"),
        _ => (1_000_000_000, "G"),
    };
    let tenths = number / (unit / 10);
    if tenths % 10 == 0 {
        format!("{}{sign}", thousands(tenths / 10))
    } else {
        format!("{}.{}{sign}", thousands(tenths / 10), (tenths % 10).abs())
    }
}

/// `part` of `whole`; 0 where the whole is nothing.
pub fn ratio(part: i64, whole: i64) -> f64 {
    if whole == 0 { 0.0 } else { float(part) / float(whole) }
}

/// A number of `count` and its noun: `1 visitor`, `1,846 visitors`.
pub fn counted(count: i64, one: &str, many: &str) -> String {
    format!("{}{SPACE}{}", thousands(count), if count == 1 { one } else { many })
}

/// A share in whole percent: `46 %`; `<1 %` for what is there but rounds to nothing.
pub fn percent(part: i64, whole: i64) -> String {
    let rounded = format!("{:.0}", 100.0 * ratio(part, whole));
    if rounded == "0" && part > 0 { format!("<1{SPACE}%") } else { format!("{rounded}{SPACE}%") }
}

/// A rate, which is often small: `2.3 %` below ten percent, `46 %` from there on.
pub fn rate(part: i64, whole: i64) -> String {
    let percent = 100.0 * ratio(part, whole);
    if percent >= 9.95 || part == 0 || percent < 0.05 {
        return self::percent(part, whole);
    }
    format!("{percent:.1}{SPACE}%")
}

/// A number with one decimal: `2.3`.
pub fn decimal(number: f64) -> String {
    format!("{number:.1}").replace('-', "−")
}

/// Seconds as `52 s`, `1 m 52 s`, `2 h 5 m`.
pub fn duration(seconds: i64) -> String {
    let seconds = seconds.max(0);
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    if hours > 0 {
        format!("{}{SPACE}h{SPACE}{minutes}{SPACE}m", thousands(hours))
    } else if minutes > 0 {
        format!("{minutes}{SPACE}m{SPACE}{}{SPACE}s", seconds % 60)
    } else {
        format!("{seconds}{SPACE}s")
    }
}

/// The nearest whole number; 0 for what is none.
pub fn whole(number: f64) -> i64 {
    format!("{number:.0}").parse().unwrap_or(0)
}

/// Bytes as `812 B`, `14 MB`, `1.5 GB`, in powers of 1,000.
pub fn bytes(count: i64) -> String {
    let (unit, name) = match count.max(0) {
        0..1_000 => return format!("{}{SPACE}B", count.max(0)),
        1_000..1_000_000 => (1_000, "kB"),
        1_000_000..1_000_000_000 => (1_000_000, "MB"),
        _ => (1_000_000_000, "GB"),
    };
    let tenths = count / (unit / 10);
    if tenths < 100 && tenths % 10 != 0 {
        format!("{}.{}{SPACE}{name}", tenths / 10, tenths % 10)
    } else {
        format!("{}{SPACE}{name}", thousands(tenths / 10))
    }
}

/// How a count changed: `▲ +18 % 914 more`.
pub fn change(now: i64, before: i64, wish: Wish) -> Change {
    let difference = now - before;
    if difference == 0 {
        return unchanged();
    }
    if before < BASE_MIN {
        let way = if difference > 0 { "up" } else { "down" };
        let words = format!("{way} from {} to {}", thousands(before), thousands(now));
        return Change {
            tone: Tone::Even,
            ..changed(float(difference), wish, String::new(), words)
        };
    }
    let word = if difference > 0 { "more" } else { "fewer" };
    let words = format!("{} {word}", thousands(difference.abs()));
    changed(float(difference), wish, signed_percent(ratio(difference, before)), words)
}

/// How a rate (`part` of `whole`) changed, in points: `▼ 2 points lower`.
///
/// Each pair is a part and its whole, of now and of before.
pub fn change_of_rate(now: (i64, i64), before: (i64, i64), wish: Wish) -> Change {
    let (rate, rate_before) = (100.0 * ratio(now.0, now.1), 100.0 * ratio(before.0, before.1));
    let points = rate.round() - rate_before.round();
    if points == 0.0 {
        return unchanged();
    }
    if now.1.min(before.1) < BASE_MIN {
        return few();
    }
    let noun = if points.abs() < 1.5 { "point" } else { "points" };
    let word = if points > 0.0 { "higher" } else { "lower" };
    changed(points, wish, String::new(), format!("{:.0} {noun} {word}", points.abs()))
}

/// How a mean (a sum over a number of visits) changed, where `difference` writes how far apart two
/// means are: `▲ +6 % 6 s longer`.
pub fn change_of_mean(
    now: (i64, i64),
    before: (i64, i64),
    difference: impl Fn(f64) -> Option<String>,
) -> Change {
    let (mean, mean_before) = (ratio(now.0, now.1), ratio(before.0, before.1));
    let Some(words) = difference(mean - mean_before) else { return unchanged() };
    if now.1.min(before.1) < BASE_MIN || mean_before <= 0.0 {
        return few();
    }
    let apart = mean - mean_before;
    changed(apart, Wish::More, signed_percent(apart / mean_before), words)
}

fn unchanged() -> Change {
    Change { arrow: "", percent: String::new(), words: "no change".to_owned(), tone: Tone::Even }
}

fn few() -> Change {
    Change { words: "too few visits to compare".to_owned(), ..unchanged() }
}

fn changed(difference: f64, wish: Wish, percent: String, words: String) -> Change {
    let up = difference > 0.0;
    let tone = if up == (wish == Wish::More) { Tone::Better } else { Tone::Worse };
    Change { arrow: if up { "▲" } else { "▼" }, percent, words, tone }
}

/// A change as `+18 %` or `−3 %`; a very large one as a factor: `×12`.
fn signed_percent(change: f64) -> String {
    if change >= 9.0 {
        return format!("×{:.0}", change + 1.0);
    }
    let rounded = format!("{:.0}", 100.0 * change.abs());
    let sign = if change > 0.0 { '+' } else { '−' };
    if rounded == "0" { format!("{sign}<1{SPACE}%") } else { format!("{sign}{rounded}{SPACE}%") }
}

/// The nearest float; exact up to 2^53, which no count reaches.
#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
pub(super) const fn float(number: i64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str) -> String {
        text.replace(SPACE, " ")
    }

    fn told(change: &Change) -> String {
        let parts = [change.arrow, &change.percent, &change.words, change.tone.class()];
        plain(&parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" | "))
    }

    #[test]
    fn thousands_are_parted() {
        let written = [0, 7, 999, 1_000, 1_846, 12_345_678, -1_702].map(thousands);
        assert_eq!(written, ["0", "7", "999", "1,000", "1,846", "12,345,678", "−1,702"]);
    }

    #[test]
    fn axes_are_compact_and_exact() {
        let written = [0, 400, 1_000, 1_500, 12_300, 200_000, 1_200_000].map(compact);
        assert_eq!(written, ["0", "400", "1k", "1.5k", "12.3k", "200k", "1.2M"]);
    }

    #[test]
    fn shares_never_hide_what_is_there() {
        let written =
            [(0, 0), (0, 9), (1, 900), (46, 100), (9, 9)].map(|(part, whole)| percent(part, whole));
        assert_eq!(written.map(|text| plain(&text)), ["0 %", "0 %", "<1 %", "46 %", "100 %"]);
    }

    #[test]
    fn durations_and_bytes_have_units() {
        let written = [-3, 52, 112, 7_500].map(|seconds| plain(&duration(seconds)));
        assert_eq!(written, ["0 s", "52 s", "1 m 52 s", "2 h 5 m"]);
        let written = [812, 1_500, 14_300_000, 1_540_000_000].map(|count| plain(&bytes(count)));
        assert_eq!(written, ["812 B", "1.5 kB", "14 MB", "1.5 GB"]);
    }

    #[test]
    fn changes_have_arrow_sign_and_words() {
        insta::assert_snapshot!(told(&change(6_021, 5_107, Wish::More)), @"▲ | +18 % | 914 more | better");
        insta::assert_snapshot!(told(&change(90, 100, Wish::More)), @"▼ | −10 % | 10 fewer | worse");
        insta::assert_snapshot!(told(&change(90, 100, Wish::Less)), @"▼ | −10 % | 10 fewer | better");
        insta::assert_snapshot!(told(&change(10_001, 10_000, Wish::More)), @"▲ | +<1 % | 1 more | better");
        insta::assert_snapshot!(told(&change(1_200, 100, Wish::More)), @"▲ | ×12 | 1,100 more | better");
        insta::assert_snapshot!(told(&change(100, 100, Wish::More)), @"no change | even");
    }

    #[test]
    fn a_small_base_gets_no_percentage() {
        insta::assert_snapshot!(told(&change(5, 1, Wish::More)), @"▲ | up from 1 to 5 | even");
        insta::assert_snapshot!(told(&change(2, 8, Wish::More)), @"▼ | down from 8 to 2 | even");
        let rate = change_of_rate((4, 5), (1, 5), Wish::Less);
        insta::assert_snapshot!(told(&rate), @"too few visits to compare | even");
    }

    #[test]
    fn rates_change_by_points() {
        let rate = change_of_rate((460, 1_000), (480, 1_000), Wish::Less);
        insta::assert_snapshot!(told(&rate), @"▼ | 2 points lower | better");
        let rate = change_of_rate((470, 1_000), (460, 1_000), Wish::Less);
        insta::assert_snapshot!(told(&rate), @"▲ | 1 point higher | worse");
    }

    #[test]
    fn a_small_rate_has_a_decimal() {
        let rate = |part, whole| rate(part, whole).replace(SPACE, " ");
        let found = [rate(0, 5), rate(23, 1000), rate(1, 9), rate(1, 100_000), rate(995, 10_000)];
        assert_eq!(found, ["0 %", "2.3 %", "11 %", "<1 %", "10 %"]);
    }
}
