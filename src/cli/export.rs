//! `export`: tables as CSV or JSON lines, into a file, a folder or a pipe.

use std::{
    fs::{self, File},
    io::{self, BufWriter, IsTerminal as _, Write},
    path::{Path, PathBuf},
};

use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use jiff::{civil::Date, tz::TimeZone};

use super::{Failure, Place, say};
use crate::{
    export::{self, Error, Format},
    model::period::{Granularity, first_instant},
    store::{
        connection::read_one,
        export::{Filter, Table},
    },
};

/// What `export` takes.
#[derive(Debug, Args)]
pub(super) struct Options {
    /// Which table
    #[arg(value_enum, default_value = "all")]
    what: What,
    /// As what
    #[arg(long, value_enum, default_value = "jsonl")]
    format: Written,
    /// Where to: a file, "-" for a pipe; of all tables as CSV a folder
    #[arg(long, short, default_value = "-")]
    output: PathBuf,
    /// Of this site alone
    #[arg(long)]
    site: Option<String>,
    /// Of this event type alone
    #[arg(long)]
    event: Option<String>,
    /// In buckets of this granularity alone: hour, day …
    #[arg(long, value_parser = granularity)]
    granularity: Option<Granularity>,
    /// From this day on, in UTC: 2026-03-14
    #[arg(long)]
    from: Option<Date>,
    /// Up to and with this day, in UTC
    #[arg(long)]
    to: Option<Date>,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum What {
    Aggregates,
    Breakdowns,
    Histograms,
    Events,
    Refusals,
    All,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Written {
    Csv,
    Jsonl,
}

fn granularity(word: &str) -> Result<Granularity, String> {
    let words = || Granularity::ALL.map(Granularity::as_str).join(", ");
    Granularity::from_word(word).ok_or_else(|| format!("write one of {}", words()))
}

pub(super) fn run(options: &Options) -> Result<(), Failure> {
    let registry = options.place.registry()?;
    let format = match options.format {
        Written::Csv => Format::Csv,
        Written::Jsonl => Format::JsonLines,
    };
    let tables = options.tables();
    let filter = options.filter();
    read_one(&registry.server.database, |file| {
        let progress = progress();
        let mut tick = || progress.inc(1);
        if format == Format::Csv && tables.len() > 1 {
            // Tables have different columns, so each is a file of its own.
            let folder = options.folder()?;
            for table in tables {
                let mut out = create(&folder.join(format!("{}.csv", table.as_str())))?;
                export::write(file, (table, &filter), format, &mut out, &mut tick)?;
                out.flush()?;
            }
        } else {
            let mut out = options.out()?;
            for table in tables {
                export::write(file, (table, &filter), format, &mut *out, &mut tick)?;
            }
            out.flush()?;
        }
        progress.finish_and_clear();
        Ok(progress.position())
    })
    .or_else(|error| match error {
        // The reader has gone: `| head`.
        Error::Write(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(0),
        error => Err(Failure::Other(error.to_string())),
    })
    .and_then(|rows| match options.is_pipe() {
        true => Ok(()),
        false => say(&format!("{rows} rows are in {}", options.output.display())),
    })
}

impl Options {
    fn is_pipe(&self) -> bool {
        self.output == Path::new("-")
    }

    fn tables(&self) -> Vec<Table> {
        match self.what {
            What::Aggregates => vec![Table::Aggregates],
            What::Breakdowns => vec![Table::Breakdowns],
            What::Histograms => vec![Table::Histograms],
            What::Events => vec![Table::Events],
            What::Refusals => vec![Table::Refusals],
            What::All => Table::ALL.into(),
        }
    }

    fn filter(&self) -> Filter {
        let instant = |date: Date| first_instant(date, &TimeZone::UTC);
        Filter {
            site: self.site.clone(),
            event_type: self.event.clone(),
            granularity: self.granularity.map(Granularity::code),
            from: self.from.map(instant),
            to: self.to.and_then(|date| date.tomorrow().ok()).map(instant),
        }
    }

    fn folder(&self) -> Result<&Path, Error> {
        if self.is_pipe() {
            let why = "all tables as CSV are several files: name a folder with --output, or write one \
                       table or --format jsonl";
            return Err(Error::Write(io::Error::other(why)));
        }
        fs::create_dir_all(&self.output)?;
        Ok(&self.output)
    }

    fn out(&self) -> Result<Box<dyn Write>, Error> {
        if self.is_pipe() {
            return Ok(Box::new(BufWriter::new(io::stdout().lock())));
        }
        Ok(Box::new(create(&self.output)?))
    }
}

fn create(path: &Path) -> Result<BufWriter<File>, Error> {
    let named =
        |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
    Ok(BufWriter::new(File::create_new(path).map_err(named)?))
}

/// Rows on a terminal, nothing elsewhere.
fn progress() -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let progress = ProgressBar::no_length();
    match ProgressStyle::with_template("{spinner} {pos} rows ({elapsed})") {
        Ok(style) => progress.with_style(style),
        Err(_) => progress,
    }
}
