//! What drawings are made of: lengths, escaped text, and the small line beside a name.

use std::fmt::{self, Display, Write as _};

use super::number::{self, float};

/// SVG that this house has drawn, which templates show unescaped.
///
/// Only this house’s drawings make one, from numbers and from escaped text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Svg(String);

impl Svg {
    /// Takes finished SVG, whose every text went through [`Escaped`].
    pub(super) const fn drawn(svg: String) -> Self {
        Self(svg)
    }
}

impl Display for Svg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl askama::filters::HtmlSafe for Svg {}

/// The course of a few numbers as a line 120 by 24 pixels, from 0; nothing for fewer than two.
pub fn sparkline(values: &[i64]) -> Svg {
    if values.len() < 2 {
        return Svg::default();
    }
    let top = float(values.iter().copied().max().unwrap_or(0).max(1));
    let step = 116.0 / float(i64::try_from(values.len() - 1).unwrap_or(1));
    let mut path = String::new();
    let mut x = 2.0;
    for value in values {
        let y = 22.0 - 20.0 * float((*value).max(0)) / top;
        path.push_str(&format!("{},{} ", Short(x), Short((y * 10.0).round() / 10.0)));
        x += step;
    }
    Svg(format!(
        concat!(
            r#"<svg class="spark" width="120" height="24" viewBox="0 0 120 24" "#,
            r#"aria-hidden="true"><polyline points="{}"/></svg>"#
        ),
        path.trim_end()
    ))
}

/// How values become places.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plot {
    /// How many buckets there are, at least 1.
    pub(super) count: usize,
    /// The value at the upper edge, at least 1.
    pub(super) top: i64,
}

impl Plot {
    /// The width of a bucket, in percent.
    pub(super) fn share(self) -> f64 {
        100.0 / float(i64::try_from(self.count).unwrap_or(1))
    }

    /// The left edge of a bucket, in percent.
    pub(super) fn left(self, index: usize) -> f64 {
        self.share() * float(i64::try_from(index).unwrap_or(0))
    }

    /// The middle of a bucket, in thousandths of the width.
    pub(super) fn across(self, index: usize) -> f64 {
        10.0 * (self.left(index) + self.share() / 2.0)
    }

    /// The height of a value, in percent.
    pub(super) fn height(self, value: i64) -> f64 {
        100.0 * number::ratio(value.clamp(0, self.top), self.top)
    }

    /// Points through the middles of buckets from `first` on, each followed by a space.
    pub(super) fn path(self, values: &[i64], first: usize) -> String {
        let mut path = String::new();
        for (index, value) in values.iter().enumerate() {
            let (x, y) = (self.across(first + index), 100.0 - self.height(*value));
            path.push_str(&format!("{},{} ", Short(x), Short(y)));
        }
        path
    }
}

/// A length with at most two decimals: a hundredth of a percent is a tenth of a pixel.
pub(super) struct Short(pub(super) f64);

impl Display for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{:.2}", self.0);
        f.write_str(text.trim_end_matches('0').trim_end_matches('.'))
    }
}

/// Text as it may stand in an element or between double quotes.
pub(super) struct Escaped<'a>(pub(super) &'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            match character {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                other => f.write_char(other)?,
            }
        }
        Ok(())
    }
}
