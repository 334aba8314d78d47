//! `import`: files of others are counted, and join the database as a whole.

use std::{
    fs,
    io::{self, IsTerminal as _, Write as _},
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{Failure, Place, change, edit, plain, say};
use crate::{
    amend::{self, Source, Take},
    clock,
    config::registry::Registry,
    control::Request,
    import::{self, columns::ColumnMap, contract::Kind},
    intake::{self, Asked, By, Plan, Scratch, Summary, Tables, Watch},
    model::{period::timestamp, rejection::Reason},
};

/// How many lines that can't be read are told; the rest are counted.
const BAD_TOLD_MAX: u64 = 20;

/// How often it is shown that something goes on whose end nobody knows.
const TICK: Duration = Duration::from_millis(100);

/// How many families of crawlers are told.
const FAMILIES_TOLD_MAX: usize = 5;

/// What `import` takes.
#[derive(Debug, Args)]
pub(super) struct Options {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Logs of web servers: what was asked of them becomes page views
    AccessLog(LogOptions),
    /// GoatCounter's CSV export: single hits
    Goatcounter(TableOptions),
    /// Plausible's CSV export, all imported_*.csv together: sums of days
    Plausible(TableOptions),
    /// website_event.csv of Umami's export: single hits
    Umami(TableOptions),
    /// Matomo's CSV reports by days with a date column: sums of days
    Matomo(TableOptions),
    /// Any CSV file whose columns you name
    Csv(CsvOptions),
    /// List what was imported, and everything else that was changed by hand
    List(Place),
    /// Undo an import by its number, as if it had never been
    Undo {
        /// Its number, as in the list
        id: i64,
        #[command(flatten)]
        place: Place,
    },
}

#[derive(Debug, Args)]
struct LogOptions {
    /// The logs, in any order, plain or gzip; - is stdin
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The site that they count for, by its name or host, where they don't tell the host
    #[arg(long, value_name = "SITE")]
    site: Option<String>,
    /// The format, where it can't be found out: common, combined, common-vhost, combined-vhost,
    /// combined-vhost-last, lighttpd, json (nginx), caddy, w3c or cloudfront
    #[arg(long, value_name = "FORMAT")]
    format: Option<String>,
    /// Go on as the log grows, over its rotations; what was read is counted every few seconds
    #[arg(long)]
    follow: bool,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Args)]
struct TableOptions {
    /// The exports, plain or gzip
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The site that they count for, by its name or host
    #[arg(long, value_name = "SITE")]
    site: Option<String>,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Args)]
struct CsvOptions {
    /// Which column holds what: time=Date,path=URL,count=Hits. There are time, path, host, event, title,
    /// referrer, user_agent, language, country, browser, os, device and visitor for single hits, and for
    /// sums of days count, visitors and visits
    #[arg(long, value_name = "FIELD=COLUMN,…")]
    columns: String,
    #[command(flatten)]
    table: TableOptions,
}

/// What is shown on the terminal meanwhile.
struct Shown {
    progress: ProgressBar,
    bad: u64,
}

impl Watch for Shown {
    fn bad(&mut self, line: &str) {
        self.bad += 1;
        if self.bad <= BAD_TOLD_MAX {
            self.progress.suspend(|| tell(line));
        }
    }

    fn read(&mut self, bytes: u64) {
        self.progress.set_position(bytes);
    }
}

pub(super) fn run(options: &Options) -> Result<(), Failure> {
    match &options.what {
        What::AccessLog(options) => access_logs(options),
        What::Goatcounter(options) => product("goatcounter", options),
        What::Plausible(options) => product("plausible", options),
        What::Umami(options) => product("umami", options),
        What::Matomo(options) => product("matomo", options),
        What::Csv(options) => {
            let map = ColumnMap::parse(&options.columns).map_err(Failure::Other)?;
            tables(By::Columns(map), &options.table)
        }
        What::List(place) => edit::list(place),
        What::Undo { id, place } => edit::carry_out(place, amend::Request::Undo(*id)),
    }
}

fn access_logs(options: &LogOptions) -> Result<(), Failure> {
    let format = options.format.as_deref().map(|name| {
        import::log_format(name).ok_or_else(|| {
            let names: Vec<&str> = import::LOG_FORMATS.iter().map(|format| format.name).collect();
            Failure::Other(format!("there is no format {name:?}, only {}", names.join(", ")))
        })
    });
    let plan = Plan { files: options.files.clone(), format: format.transpose()? };
    let site = options.site.as_deref();
    if options.follow {
        return follow(&options.place, site, &plan);
    }
    carry_out(&options.place, site, &plan.files, |registry, scratch, watch| {
        intake::import(&plan, registry, scratch, watch)
    })
}

fn follow(place: &Place, site: Option<&str>, plan: &Plan) -> Result<(), Failure> {
    let [path] = plan.files.as_slice() else {
        return Err(Failure::Other("--follow takes one log at a time".to_owned()));
    };
    let registry = Arc::new(place.registry()?);
    let asked = Asked::new(site, &registry)?;
    let mut scratch = Scratch::new(&registry, asked, clock::now_ms())?;
    let mut shown = Shown { progress: ProgressBar::hidden(), bad: 0 };
    let hand_over = |scratch: &Scratch, source: Source, before| {
        let what = format!("followed {}", source.name);
        let (database, kind) = (absolute(scratch)?, amend::FOLLOW.to_owned());
        let (name, sources, since) = (String::new(), vec![source], Some(scratch.knows_through));
        let take = Take { database, kind, what, name, sources, before, since };
        edit::carry_out(place, amend::Request::Take(take))
    };
    intake::follow(path, plan.format, &registry, &mut scratch, &mut shown, hand_over)
}

fn product(name: &str, options: &TableOptions) -> Result<(), Failure> {
    let product = import::product(name);
    let product = product.ok_or_else(|| Failure::Other(format!("{name} is not known")))?;
    tables(By::Product(product), options)
}

fn tables(by: By, options: &TableOptions) -> Result<(), Failure> {
    let tables = Tables { files: options.files.clone(), by };
    let site = options.site.as_deref();
    carry_out(&options.place, site, &tables.files, |registry, scratch, watch| {
        intake::import_tables(&tables, registry, scratch, watch)
    })
}

/// Counts what `read` reads, says what has become of it, and adds it to the database.
fn carry_out(
    place: &Place,
    site: Option<&str>,
    files: &[PathBuf],
    read: impl FnOnce(&Registry, &mut Scratch, &mut Shown) -> Result<Vec<Source>, intake::Error>,
) -> Result<(), Failure> {
    let begun = Instant::now();
    let registry = Arc::new(place.registry()?);
    let asked = Asked::new(site, &registry)?;
    let mut scratch = Scratch::new(&registry, asked, clock::now_ms())?;
    let mut shown = Shown { progress: progress(files), bad: 0 };
    let sources = read(&registry, &mut scratch, &mut shown)?;
    scratch.finish()?;
    shown.progress.finish_and_clear();
    if shown.bad > BAD_TOLD_MAX {
        tell(&format!("{} more lines can't be read", shown.bad - BAD_TOLD_MAX));
    }
    say(&table(&scratch.summary, begun.elapsed()))?;
    take(place, &scratch, sources)
}

/// Adds what was counted to the database, if anything was.
fn take(place: &Place, scratch: &Scratch, sources: Vec<Source>) -> Result<(), Failure> {
    if sources.is_empty() {
        return say("Nothing is new: all of it was imported before.");
    }
    let names: Vec<&str> = sources.iter().map(|source| source.name.as_str()).take(3).collect();
    let more = sources.len().saturating_sub(names.len());
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    let what = format!("imported {} from {}{more}", counted(&scratch.summary), names.join(", "));
    let (database, kind) = (absolute(scratch)?, "import".to_owned());
    let (name, before, since) = (String::new(), Vec::new(), Some(scratch.knows_through));
    let take = Take { database, kind, what, name, sources, before, since };
    let adding = ProgressBar::new_spinner().with_message("Adding it to the database");
    adding.enable_steady_tick(TICK);
    let done = change::make(place, Request::Amend(amend::Request::Take(take)));
    adding.finish_and_clear();
    say(&done?)
}

/// Where the scratch is, whatever folder a server runs in.
fn absolute(scratch: &Scratch) -> Result<PathBuf, Failure> {
    std::path::absolute(scratch.path()).map_err(|error| Failure::Other(error.to_string()))
}

/// What was counted, in words.
fn counted(summary: &Summary) -> String {
    if summary.sums > 0 {
        format!("{} sums of days", summary.sums)
    } else if summary.has_events {
        format!("{} page views and events", summary.counted)
    } else {
        format!("{} page views", summary.counted)
    }
}

impl From<intake::Error> for Failure {
    fn from(error: intake::Error) -> Self {
        Self::Other(error.to_string())
    }
}

/// A bar of bytes on a terminal, and nothing elsewhere.
fn progress(files: &[PathBuf]) -> ProgressBar {
    let sizes = files.iter().map(|file| fs::metadata(file).map_or(0, |found| found.len()));
    let bar = ProgressBar::with_draw_target(Some(sizes.sum()), ProgressDrawTarget::stderr());
    let template = "Reading {bar:40} {bytes} of {total_bytes}, {eta} left";
    match ProgressStyle::with_template(template) {
        Ok(style) if io::stderr().is_terminal() => bar.with_style(style),
        _ => ProgressBar::hidden(),
    }
}

fn tell(line: &str) {
    // Whoever has closed stderr does not want to know.
    let _unread = writeln!(io::stderr(), "{}", plain(line));
}

/// What has become of the lines, one row a class.
fn table(summary: &Summary, took: Duration) -> String {
    let other = |kind| summary.others.get(&kind).copied().unwrap_or_default();
    let mut rows = vec![
        (summary.lines(), "lines".to_owned()),
        (
            summary.counted + summary.sums,
            counted(summary).split_once(' ').map_or(String::new(), |(_, what)| what.to_owned()),
        ),
        (summary.crawlers, format!("page views of crawlers{}", families(summary))),
        (other(Kind::Asset), "pictures, scripts, feeds and other files".to_owned()),
        (other(Kind::NotFound), "not found".to_owned()),
        (other(Kind::Redirect), "redirects".to_owned()),
        (other(Kind::Failed), "failed or forbidden".to_owned()),
        (other(Kind::Other), "no GET of a page".to_owned()),
    ];
    for (reason, count) in &summary.refused {
        let hosts = match reason {
            Reason::UnknownSite if !summary.undeclared.is_empty() => {
                format!(": {}", summary.undeclared.join(", "))
            }
            _ => String::new(),
        };
        rows.push((*count, format!("refused as {}{hosts}", reason.as_str())));
    }
    rows.push((summary.known, "imported before".to_owned()));
    rows.push((summary.empty, "comments and other messages".to_owned()));
    rows.push((summary.bad, "can't be read".to_owned()));
    let rows = rows.into_iter().enumerate().filter(|(index, (count, _))| *index < 2 || *count > 0);
    let mut text: String =
        rows.map(|(_, (count, what))| format!("{count:>12}  {what}\n")).collect();
    if let (Some(first), Some(last)) = (summary.first_ms, summary.last_ms) {
        let moment = |ms: i64| timestamp(ms.div_euclid(1000));
        text.push_str(&format!("From {} to {}. ", moment(first), moment(last)));
    }
    let milliseconds = took.as_millis().max(1);
    let speed = u128::from(summary.lines()) * 1000 / milliseconds;
    text.push_str(&format!("{speed} lines a second."));
    if summary.late > 0 {
        text.push_str(&format!(
            "\n{} of them came too late to be put in the order of their times: their visitors and visits \
             may be counted anew. Undo this, sort the files by time, and import them again.",
            summary.late
        ));
    }
    text
}

fn families(summary: &Summary) -> String {
    let mut families: Vec<(&String, &u64)> = summary.families.iter().collect();
    families.sort_by_key(|(name, count)| (std::cmp::Reverse(**count), *name));
    let told = families.iter().take(FAMILIES_TOLD_MAX);
    let told: Vec<String> = told.map(|(name, count)| format!("{name} {count}")).collect();
    if told.is_empty() { String::new() } else { format!(": {}", told.join(", ")) }
}
