//! How fast pages are to those who visit them: the web vitals of the site and of each page.

use askama::Template;

use super::{
    Error,
    date::Today,
    layout::Frame,
    link::{self, Link},
    number,
};
use crate::report::answer::{PageVitals, Verdict, Vital, Vitals};

/// The page.
#[derive(Debug, Template)]
#[template(path = "vitals.html")]
pub struct VitalsPage<'a> {
    /// The frame.
    pub frame: &'a Frame,
    /// Today.
    pub today: Today,
    /// The figures.
    pub vitals: &'a Vitals,
    /// The line that makes pages tell of their speed.
    pub snippet: &'a str,
}

/// One measure as the template shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct View {
    title: &'static str,
    what: &'static str,
    value: String,
    verdict: &'static str,
    class: &'static str,
    /// A sign for the verdict, where there is no room for words.
    sign: &'static str,
    /// The parts of the bar: class, where it begins, and its width, in percent.
    parts: Vec<(&'static str, String, String)>,
    words: String,
}

impl VitalsPage<'_> {
    /// The page as HTML.
    ///
    /// # Errors
    /// When the template can't be written out.
    pub fn render(&self) -> Result<String, Error> {
        Ok(Template::render(self)?)
    }

    fn range_name(&self) -> String {
        self.today.name(self.vitals.scope.range)
    }

    fn ranges(&self) -> Vec<Link> {
        self.today.links(self.vitals.scope.range, |range| {
            self.frame.way.to_range(link::VITALS, range, &[])
        })
    }

    fn site(&self) -> Vec<View> {
        self.vitals.all.iter().map(view).collect()
    }

    fn pages(&self) -> &[PageVitals] {
        &self.vitals.pages
    }

    /// The measures of a page in the order of the columns; `None` where it has none.
    fn cells(&self, page: &PageVitals) -> Vec<Option<View>> {
        let site = self.vitals.all.iter();
        let of_page = |vital: &Vital| page.vitals.iter().find(|own| own.name == vital.name);
        site.map(|vital| of_page(vital).map(view)).collect()
    }

    fn times(&self, page: &PageVitals) -> String {
        number::thousands(page.count)
    }

    fn more(&self) -> Option<String> {
        let shown = u64::try_from(self.vitals.pages.len()).unwrap_or(u64::MAX);
        let all = i64::try_from(self.vitals.pages_in_all).unwrap_or(i64::MAX);
        (self.vitals.pages_in_all > shown).then(|| {
            format!("These are the pages that were measured most, of {}.", number::thousands(all))
        })
    }
}

fn view(vital: &Vital) -> View {
    let (title, what) = match vital.name {
        "lcp" => ("LCP", "Largest part drawn"),
        "inp" => ("INP", "Answer to a click"),
        "cls" => ("CLS", "Layout shifts"),
        "fcp" => ("FCP", "First part drawn"),
        _ => ("TTFB", "First byte"),
    };
    let (verdict, class, sign) = match vital.verdict {
        Verdict::Good => ("good", "good", "✓"),
        Verdict::NeedsImprovement => ("needs improvement", "fair", "~"),
        Verdict::Poor => ("poor", "poor", "✗"),
    };
    let all: i64 = vital.shares.iter().sum();
    let mut begins = 0.0;
    let mut parts = Vec::new();
    for (class, count) in ["good", "fair", "poor"].into_iter().zip(vital.shares) {
        let width = 100.0 * number::ratio(count, all.max(1));
        parts.push((class, format!("{begins:.1}%"), format!("{width:.1}%")));
        begins += width;
    }
    let [good, fair, poor] = vital.shares.map(|count| number::percent(count, all));
    View {
        title,
        what,
        value: value(vital),
        verdict,
        class,
        sign,
        parts,
        words: format!("{good} good, {fair} need improvement, {poor} poor"),
    }
}

/// The p75 with its unit: `1.8 s`, `180 ms`, `0.12`.
fn value(vital: &Vital) -> String {
    match vital.p75 {
        p75 if vital.name == "cls" => format!("{p75:.2}"),
        p75 if p75 >= 1000.0 => format!("{:.1} s", p75 / 1000.0),
        p75 => format!("{p75:.0} ms"),
    }
}
