//! The world: each country in a shade of how many came from there.

use std::fmt::{self, Write as _};

use super::{
    card::{Card, RowView},
    number,
    svg::{Escaped, Svg},
    week,
};

/// Codes of countries and their outlines, 1,000 units wide; see assets/data/README.
const OUTLINES: &str = include_str!("../../assets/data/world.tsv");

/// The map of a card of countries, whose `rows` are shown.
pub(super) fn svg(card: &Card, rows: &[RowView]) -> Svg {
    Svg::drawn(draw(card, rows).unwrap_or_default())
}

/// Whether a country has a place on the map.
pub(super) fn has(code: &str) -> bool {
    outlines().any(|(known, _)| known == code)
}

fn outlines() -> impl Iterator<Item = (&'static str, &'static str)> {
    OUTLINES.lines().filter_map(|line| line.split_once('\t'))
}

fn draw(card: &Card, rows: &[RowView]) -> Result<String, fmt::Error> {
    let ranked = &card.ranking.rows;
    let value = |at: usize| ranked.get(at).map_or(0, |row| card.metric.of(&row.figures));
    let largest = (0..ranked.len()).map(value).max().unwrap_or(0).max(1);
    let mut out = String::with_capacity(32 * 1024);
    out.push_str(
        r#"<svg class="map" viewBox="0 0 1000 434" role="group" aria-label="Map of the world">"#,
    );
    let mut found = Vec::new();
    for (code, path) in outlines() {
        match ranked.iter().position(|row| row.name == code && card.metric.of(&row.figures) > 0) {
            Some(at) => found.push((at, path)),
            None => write!(out, r#"<path d="{path}"/>"#)?,
        }
    }
    for (at, path) in found {
        let Some(row) = rows.get(at) else { continue };
        let (one, many) = card.metric.nouns(&card.ranking.scope);
        let told = format!("{}: {}", row.text, number::counted(value(at), one, many));
        let told = Escaped(&told);
        // A few countries have most: each shade stands for so many times more than the one before.
        let share = number::float(value(at)).ln_1p() / number::float(largest).ln_1p();
        let shade = week::shade(share);
        match &row.href {
            Some(href) => write!(out, r#"<a href="{}" aria-label="{told}">"#, Escaped(href))?,
            None => out.push_str("<g>"),
        }
        write!(out, r#"<path class="s{shade}" d="{path}"><title>{told}</title></path>"#)?;
        out.push_str(if row.href.is_some() { "</a>" } else { "</g>" });
    }
    out.push_str("</svg>");
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::country;

    #[test]
    fn every_outline_is_a_country_and_a_plain_path() {
        let mut last = "";
        for (code, path) in outlines() {
            assert!(country::name(code).is_some() && code > last, "{code}");
            assert!(path.starts_with('M') && path.ends_with('z'), "{code}: {path}");
            assert!(path.bytes().all(|it| b"Mlz -0123456789".contains(&it)), "{code}: {path}");
            last = code;
        }
        for code in ["DE", "US", "CN", "SG", "MT", "XK"] {
            assert!(has(code), "{code}");
        }
        assert!(OUTLINES.len() < 25_000, "{} bytes", OUTLINES.len());
    }
}
